-- No data is lost.

DROP TRIGGER "milesTransactions_append_only_insert";
DROP TRIGGER "milesTransactions_append_only_delete";
DROP TRIGGER "milesTransactions_append_only";
DROP TRIGGER "users_miles_bound_insert";
DROP TRIGGER "users_miles_bound";
DROP TRIGGER "users_miles_guard_insert";
DROP TRIGGER "users_miles_guard";
DROP INDEX "milesProducts_airlineId_idx";
DROP INDEX "milesTransactions_userId_createdAt_idx";
DROP INDEX "milesTransactions_flightId_idx";
DROP INDEX "flightPassengers_userId_idx";
DROP INDEX "flightPassengers_flightId_idx";
DROP INDEX "flights_airlineId_startTime_idx";
DROP INDEX "flights_codeshareAirlineId_idx";
DROP INDEX "flights_brandId_idx";
DROP INDEX "brands_airlineId_primary_unique";
DROP INDEX "brands_airlineId_idx";

CREATE TABLE "_skyteam_new_milesProducts" (
  "productId" TEXT NOT NULL,
  "airlineId" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "description" TEXT,
  "priceMiles" INTEGER NOT NULL,
  "active" INTEGER NOT NULL DEFAULT 1,
  "createdAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  CONSTRAINT "milesProducts_pkey" PRIMARY KEY ("productId"),
  CONSTRAINT "milesProducts_airlineId_airlines_airlineId_fk" FOREIGN KEY ("airlineId") REFERENCES "airlines" ("airlineId")
) STRICT;
INSERT INTO "_skyteam_new_milesProducts" ("productId", "airlineId", "name", "description", "priceMiles", "active", "createdAt")
  SELECT "productId", "airlineId", "name", "description", "priceMiles", "active", "createdAt" FROM "milesProducts";
DROP TABLE "milesProducts";
ALTER TABLE "_skyteam_new_milesProducts" RENAME TO "milesProducts";

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
  CONSTRAINT "milesTransactions_flightId_flights_id_fk" FOREIGN KEY ("flightId") REFERENCES "flights" ("id")
) STRICT;
INSERT INTO "_skyteam_new_milesTransactions" ("id", "userId", "amount", "type", "source", "flightId", "productId", "note", "createdAt")
  SELECT "id", "userId", "amount", "type", "source", "flightId", "productId", "note", "createdAt" FROM "milesTransactions";
DROP TABLE "milesTransactions";
ALTER TABLE "_skyteam_new_milesTransactions" RENAME TO "milesTransactions";

CREATE TABLE "_skyteam_new_flightPassengers" (
  "flightId" TEXT NOT NULL,
  "userId" TEXT NOT NULL,
  "miles" INTEGER NOT NULL,
  "joinedAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
  CONSTRAINT "flightPassengers_flightId_flights_id_fk" FOREIGN KEY ("flightId") REFERENCES "flights" ("id"),
  CONSTRAINT "flightPassengers_userId_users_userId_fk" FOREIGN KEY ("userId") REFERENCES "users" ("userId")
) STRICT;
INSERT INTO "_skyteam_new_flightPassengers" ("flightId", "userId", "miles", "joinedAt")
  SELECT "flightId", "userId", "miles", "joinedAt" FROM "flightPassengers";
DROP TABLE "flightPassengers";
ALTER TABLE "_skyteam_new_flightPassengers" RENAME TO "flightPassengers";

DROP TABLE "_skyteam_maintenance";
