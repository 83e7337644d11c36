-- The record of openings stays where it has a line: it is evidence.

-- replace function skyteam.users_miles_guard
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

-- replace function skyteam.milesTransactions_append_only
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

DO $openings$
BEGIN
  IF NOT EXISTS (SELECT FROM skyteam.openings) THEN
    DROP TABLE skyteam.openings;
  END IF;
END
$openings$;
