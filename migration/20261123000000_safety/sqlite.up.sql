-- What makes the tables safe. Additions only. SQLite adds a constraint by making the table anew.

-- A row in it, within one transaction, lets erasure, restore and reset change the ledger.
CREATE TABLE IF NOT EXISTS "_skyteam_maintenance" (
  "reason" TEXT NOT NULL
) STRICT;

CREATE TABLE "_skyteam_new_flightPassengers" (
  "flightId" TEXT NOT NULL,
  "userId" TEXT NOT NULL,
  "miles" INTEGER NOT NULL,
  "joinedAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  CONSTRAINT "flightPassengers_flightId_userId_pk" PRIMARY KEY ("flightId", "userId"),
  CONSTRAINT "flightPassengers_flightId_flights_id_fk" FOREIGN KEY ("flightId") REFERENCES "flights" ("id"),
  CONSTRAINT "flightPassengers_userId_users_userId_fk" FOREIGN KEY ("userId") REFERENCES "users" ("userId"),
  CONSTRAINT "flightPassengers_miles_check" CHECK ("miles" >= 0)
) STRICT;
INSERT INTO "_skyteam_new_flightPassengers" ("flightId", "userId", "miles", "joinedAt")
  SELECT "flightId", "userId", "miles", "joinedAt" FROM "flightPassengers";
DROP TABLE "flightPassengers";
ALTER TABLE "_skyteam_new_flightPassengers" RENAME TO "flightPassengers";

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

CREATE TABLE "_skyteam_new_milesProducts" (
  "productId" TEXT NOT NULL,
  "airlineId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "description" TEXT,
  "priceMiles" INTEGER NOT NULL,
  "active" INTEGER NOT NULL DEFAULT 1,
  "createdAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  CONSTRAINT "milesProducts_pkey" PRIMARY KEY ("productId"),
  CONSTRAINT "milesProducts_airlineId_airlines_airlineId_fk" FOREIGN KEY ("airlineId") REFERENCES "airlines" ("airlineId"),
  CONSTRAINT "milesProducts_priceMiles_check" CHECK ("priceMiles" > 0)
) STRICT;
INSERT INTO "_skyteam_new_milesProducts" ("productId", "airlineId", "name", "description", "priceMiles", "active", "createdAt")
  SELECT "productId", "airlineId", "name", "description", "priceMiles", "active", "createdAt" FROM "milesProducts";
DROP TABLE "milesProducts";
ALTER TABLE "_skyteam_new_milesProducts" RENAME TO "milesProducts";

CREATE TRIGGER "users_miles_guard" BEFORE UPDATE OF "miles" ON "users" FOR EACH ROW WHEN NEW."miles" < 0 AND NEW."miles" < OLD."miles" BEGIN SELECT RAISE(ABORT, 'Insufficient miles'); END;

CREATE TRIGGER "users_miles_guard_insert" BEFORE INSERT ON "users" FOR EACH ROW WHEN NEW."miles" < 0 BEGIN SELECT RAISE(ABORT, 'Insufficient miles'); END;

CREATE TRIGGER "users_miles_bound" BEFORE UPDATE OF "miles" ON "users" FOR EACH ROW WHEN NEW."miles" > 2147483647 BEGIN SELECT RAISE(ABORT, 'integer out of range'); END;

CREATE TRIGGER "users_miles_bound_insert" BEFORE INSERT ON "users" FOR EACH ROW WHEN NEW."miles" > 2147483647 BEGIN SELECT RAISE(ABORT, 'integer out of range'); END;

CREATE INDEX "brands_airlineId_idx" ON "brands" ("airlineId");

CREATE UNIQUE INDEX "brands_airlineId_primary_unique" ON "brands" ("airlineId") WHERE "isPrimary";

CREATE INDEX "flights_brandId_idx" ON "flights" ("brandId");

CREATE INDEX "flights_codeshareAirlineId_idx" ON "flights" ("codeshareAirlineId");

CREATE INDEX "flights_airlineId_startTime_idx" ON "flights" ("airlineId", "startTime");

CREATE INDEX "flightPassengers_flightId_idx" ON "flightPassengers" ("flightId");

CREATE INDEX "flightPassengers_userId_idx" ON "flightPassengers" ("userId");

CREATE INDEX "milesTransactions_flightId_idx" ON "milesTransactions" ("flightId");

CREATE INDEX "milesTransactions_userId_createdAt_idx" ON "milesTransactions" ("userId", "createdAt");

CREATE TRIGGER "milesTransactions_append_only" BEFORE UPDATE ON "milesTransactions" FOR EACH ROW WHEN NOT EXISTS (SELECT 1 FROM "_skyteam_maintenance") BEGIN SELECT RAISE(ABORT, 'milesTransactions is append-only: reverse the entry instead'); END;

CREATE TRIGGER "milesTransactions_append_only_delete" BEFORE DELETE ON "milesTransactions" FOR EACH ROW WHEN NOT EXISTS (SELECT 1 FROM "_skyteam_maintenance") BEGIN SELECT RAISE(ABORT, 'milesTransactions is append-only: reverse the entry instead'); END;

CREATE TRIGGER "milesTransactions_append_only_insert" BEFORE INSERT ON "milesTransactions" FOR EACH ROW WHEN NOT EXISTS (SELECT 1 FROM "_skyteam_maintenance") AND EXISTS (SELECT 1 FROM "milesTransactions" WHERE "id" = NEW."id" OR rowid = NEW.rowid) BEGIN SELECT RAISE(ABORT, 'milesTransactions is append-only: reverse the entry instead'); END;

CREATE INDEX "milesProducts_airlineId_idx" ON "milesProducts" ("airlineId");
