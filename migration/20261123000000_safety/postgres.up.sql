-- What makes the tables safe. Additions only: every insert of the apps that is right still succeeds.

-- A role without CREATE on the database may still run this where the schema stands already,
-- which CREATE SCHEMA IF NOT EXISTS would deny it.
DO $$
BEGIN
  IF to_regnamespace('skyteam') IS NULL THEN
    CREATE SCHEMA skyteam;
  END IF;
END
$$;

ALTER TABLE "flightPassengers" ADD CONSTRAINT "flightPassengers_flightId_userId_pk" PRIMARY KEY ("flightId", "userId");

ALTER TABLE "flightPassengers" ADD CONSTRAINT "flightPassengers_miles_check" CHECK (miles >= 0);

ALTER TABLE "milesTransactions" ADD CONSTRAINT "milesTransactions_amount_check" CHECK (type = 'earn'::text AND amount >= 0 OR type = 'spend'::text AND amount <= 0);

ALTER TABLE "milesProducts" ADD CONSTRAINT "milesProducts_priceMiles_check" CHECK ("priceMiles" > 0);

CREATE INDEX "brands_airlineId_idx" ON "brands" ("airlineId");

CREATE UNIQUE INDEX "brands_airlineId_primary_unique" ON "brands" ("airlineId") WHERE "isPrimary";

CREATE INDEX "flights_brandId_idx" ON "flights" ("brandId");

CREATE INDEX "flights_codeshareAirlineId_idx" ON "flights" ("codeshareAirlineId");

CREATE INDEX "flights_airlineId_startTime_idx" ON "flights" ("airlineId", "startTime");

CREATE INDEX "flightPassengers_flightId_idx" ON "flightPassengers" ("flightId");

CREATE INDEX "flightPassengers_userId_idx" ON "flightPassengers" ("userId");

CREATE INDEX "milesTransactions_flightId_idx" ON "milesTransactions" ("flightId");

CREATE INDEX "milesTransactions_userId_createdAt_idx" ON "milesTransactions" ("userId", "createdAt");

CREATE INDEX "milesProducts_airlineId_idx" ON "milesProducts" ("airlineId");

CREATE OR REPLACE FUNCTION skyteam."users_miles_guard"() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $skyteam$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.miles < OLD.miles THEN
    RAISE EXCEPTION USING MESSAGE = 'Insufficient miles', ERRCODE = 'check_violation',
      CONSTRAINT = 'users_miles_guard', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END
$skyteam$;

CREATE OR REPLACE FUNCTION skyteam."milesTransactions_append_only"() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $skyteam$
BEGIN
  IF current_setting('skyteam.maintenance', true) IS DISTINCT FROM 'on' THEN
    RAISE EXCEPTION USING MESSAGE = 'milesTransactions is append-only: reverse the entry instead', ERRCODE = 'restrict_violation',
      CONSTRAINT = 'milesTransactions_append_only', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END
$skyteam$;

CREATE TRIGGER "users_miles_guard" BEFORE INSERT OR UPDATE OF miles ON "users"
  FOR EACH ROW WHEN ((new.miles < 0)) EXECUTE FUNCTION skyteam."users_miles_guard"();

CREATE TRIGGER "milesTransactions_append_only" BEFORE DELETE OR UPDATE OR TRUNCATE ON "milesTransactions"
  FOR EACH STATEMENT EXECUTE FUNCTION skyteam."milesTransactions_append_only"();
