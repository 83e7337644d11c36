-- The same work as `skyteam db push` does on a database of Drizzle Kit, by hand and online. Statements are parted by empty
-- lines; what takes a lock that others need gives up after 25 ms and is run again.

CREATE SCHEMA skyteam;
CREATE FUNCTION skyteam.users_miles_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'INSERT' OR NEW.miles < OLD.miles THEN RAISE EXCEPTION 'Insufficient miles'; END IF; RETURN NEW; END $$;
CREATE FUNCTION skyteam.append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'milesTransactions is append-only'; END $$;

CREATE UNIQUE INDEX CONCURRENTLY "flightPassengers_pk" ON "flightPassengers" ("flightId", "userId");

CREATE INDEX CONCURRENTLY "brands_airlineId_idx" ON brands ("airlineId");

CREATE UNIQUE INDEX CONCURRENTLY "brands_airlineId_primary_unique" ON brands ("airlineId") WHERE "isPrimary";

CREATE INDEX CONCURRENTLY "flights_brandId_idx" ON flights ("brandId");

CREATE INDEX CONCURRENTLY "flights_codeshareAirlineId_idx" ON flights ("codeshareAirlineId");

CREATE INDEX CONCURRENTLY "flights_airlineId_startTime_idx" ON flights ("airlineId", "startTime");

CREATE INDEX CONCURRENTLY "flightPassengers_flightId_idx" ON "flightPassengers" ("flightId");

CREATE INDEX CONCURRENTLY "flightPassengers_userId_idx" ON "flightPassengers" ("userId");

CREATE INDEX CONCURRENTLY "milesTransactions_flightId_idx" ON "milesTransactions" ("flightId");

CREATE INDEX CONCURRENTLY "milesTransactions_userId_createdAt_idx" ON "milesTransactions" ("userId", "createdAt");

CREATE INDEX CONCURRENTLY "milesProducts_airlineId_idx" ON "milesProducts" ("airlineId");

SET lock_timeout = 25; BEGIN;
CREATE TRIGGER users_miles_guard BEFORE INSERT OR UPDATE OF miles ON users
  FOR EACH ROW WHEN (new.miles < 0) EXECUTE FUNCTION skyteam.users_miles_guard();
COMMIT;

SET lock_timeout = 25; BEGIN;
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON "milesTransactions"
  FOR EACH STATEMENT EXECUTE FUNCTION skyteam.append_only();
COMMIT;

SET lock_timeout = 25; BEGIN;
ALTER TABLE "milesTransactions" ADD COLUMN "reversesId" uuid, ADD COLUMN "batchId" uuid, ADD COLUMN actor text;
ALTER TABLE "milesTransactions" ADD CONSTRAINT amount CHECK (type = 'earn' AND amount >= 0 OR type = 'spend' AND amount <= 0)
  NOT VALID;
COMMIT;

SET lock_timeout = 25; BEGIN;
ALTER TABLE "flightPassengers" ADD CONSTRAINT "flightPassengers_pk" PRIMARY KEY USING INDEX "flightPassengers_pk";
ALTER TABLE "flightPassengers" ADD CONSTRAINT miles CHECK (miles >= 0) NOT VALID;
COMMIT;

SET lock_timeout = 25; ALTER TABLE "milesProducts" ADD CONSTRAINT price CHECK ("priceMiles" > 0) NOT VALID;

ALTER TABLE "milesTransactions" VALIDATE CONSTRAINT amount;

ALTER TABLE "flightPassengers" VALIDATE CONSTRAINT miles;

ALTER TABLE "milesProducts" VALIDATE CONSTRAINT price;

CREATE UNIQUE INDEX CONCURRENTLY "reverses_unique" ON "milesTransactions" ("reversesId");

CREATE INDEX CONCURRENTLY "milesTransactions_batchId_idx" ON "milesTransactions" ("batchId");

SET lock_timeout = 25; BEGIN;
ALTER TABLE "milesTransactions" ADD CONSTRAINT reverses_unique UNIQUE USING INDEX reverses_unique;
ALTER TABLE "milesTransactions" ADD CONSTRAINT reverses_fk FOREIGN KEY ("reversesId") REFERENCES "milesTransactions" (id)
  NOT VALID;
COMMIT;

ALTER TABLE "milesTransactions" VALIDATE CONSTRAINT reverses_fk;
