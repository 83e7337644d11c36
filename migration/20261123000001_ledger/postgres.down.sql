-- loses: milesTransactions.reversesId, milesTransactions.batchId, milesTransactions.actor

DROP INDEX "milesTransactions_batchId_idx";
ALTER TABLE "milesTransactions" DROP CONSTRAINT "milesTransactions_reversesId_milesTransactions_id_fk";
ALTER TABLE "milesTransactions" DROP CONSTRAINT "milesTransactions_reversesId_unique";
ALTER TABLE "milesTransactions" DROP COLUMN "actor";
ALTER TABLE "milesTransactions" DROP COLUMN "batchId";
ALTER TABLE "milesTransactions" DROP COLUMN "reversesId";
