-- The ledger: what reverses what, what came together, and who did it. The apps never name these columns.

ALTER TABLE "milesTransactions" ADD COLUMN "reversesId" uuid;
ALTER TABLE "milesTransactions" ADD COLUMN "batchId" uuid;
ALTER TABLE "milesTransactions" ADD COLUMN "actor" text;
ALTER TABLE "milesTransactions" ADD CONSTRAINT "milesTransactions_reversesId_unique" UNIQUE ("reversesId");
ALTER TABLE "milesTransactions" ADD CONSTRAINT "milesTransactions_reversesId_milesTransactions_id_fk" FOREIGN KEY ("reversesId") REFERENCES "milesTransactions" ("id");
CREATE INDEX "milesTransactions_batchId_idx" ON "milesTransactions" ("batchId");
