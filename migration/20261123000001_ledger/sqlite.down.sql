-- loses: milesTransactions.reversesId, milesTransactions.batchId, milesTransactions.actor

CREATE TABLE "_skyteam_new_milesTransactions" (
  "id" TEXT NOT NULL DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  "userId" TEXT NOT NULL,
  "amount" INTEGER NOT NULL,
  "type" TEXT NOT NULL,
  "source" TEXT NOT NULL,
  "flightId" TEXT,
  "productId" TEXT,
  "note" TEXT,
  "createdAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  CONSTRAINT "milesTransactions_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "milesTransactions_userId_users_userId_fk" FOREIGN KEY ("userId") REFERENCES "users" ("userId"),
  CONSTRAINT "milesTransactions_flightId_flights_id_fk" FOREIGN KEY ("flightId") REFERENCES "flights" ("id"),
  CONSTRAINT "milesTransactions_amount_check" CHECK ("type" = 'earn' AND "amount" >= 0 OR "type" = 'spend' AND "amount" <= 0)
) STRICT;
INSERT INTO "_skyteam_new_milesTransactions" ("id", "userId", "amount", "type", "source", "flightId", "productId", "note", "createdAt")
  SELECT "id", "userId", "amount", "type", "source", "flightId", "productId", "note", "createdAt" FROM "milesTransactions";
DROP TABLE "milesTransactions";
ALTER TABLE "_skyteam_new_milesTransactions" RENAME TO "milesTransactions";

CREATE INDEX "milesTransactions_flightId_idx" ON "milesTransactions" ("flightId");

CREATE INDEX "milesTransactions_userId_createdAt_idx" ON "milesTransactions" ("userId", "createdAt");

CREATE TRIGGER "milesTransactions_append_only" BEFORE UPDATE ON "milesTransactions" FOR EACH ROW WHEN NOT EXISTS (SELECT 1 FROM "_skyteam_maintenance") BEGIN SELECT RAISE(ABORT, 'milesTransactions is append-only: reverse the entry instead'); END;

CREATE TRIGGER "milesTransactions_append_only_delete" BEFORE DELETE ON "milesTransactions" FOR EACH ROW WHEN NOT EXISTS (SELECT 1 FROM "_skyteam_maintenance") BEGIN SELECT RAISE(ABORT, 'milesTransactions is append-only: reverse the entry instead'); END;

CREATE TRIGGER "milesTransactions_append_only_insert" BEFORE INSERT ON "milesTransactions" FOR EACH ROW WHEN NOT EXISTS (SELECT 1 FROM "_skyteam_maintenance") AND EXISTS (SELECT 1 FROM "milesTransactions" WHERE "id" = NEW."id" OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'milesTransactions is append-only: reverse the entry instead'); END;
