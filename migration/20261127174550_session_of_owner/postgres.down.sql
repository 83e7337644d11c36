-- Written by skyteam db generate. It may be edited until it has been applied somewhere.

-- replace function skyteam.milesTransactions_append_only
-- cost: changes the catalogue only: no row is read or written
DO $openings$
DECLARE
  owner name := (SELECT pg_catalog.pg_get_userbyid(relowner) FROM pg_catalog.pg_class
    WHERE oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('public."milesTransactions"')::pg_catalog.oid);
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'skyteam' AND c.relname = 'openings') THEN
    CREATE TABLE skyteam.openings (
      "openedAt" timestamp NOT NULL DEFAULT (pg_catalog.now() AT TIME ZONE 'UTC'),
      "transaction" text NOT NULL,
      "role" text NOT NULL,
      "operation" text NOT NULL,
      "application" text
    );
    IF owner IS NOT NULL AND owner <> current_user THEN
      EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA skyteam TO %I', owner);
      EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON skyteam.openings TO %I', owner);
    END IF;
  END IF;
END
$openings$;
CREATE OR REPLACE FUNCTION skyteam."milesTransactions_append_only"() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $skyteam$
BEGIN
  IF pg_catalog.current_setting('skyteam.maintenance', true) IS DISTINCT FROM 'on' OR NOT pg_catalog.pg_has_role(
    (SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) TG_RELID), 'MEMBER') THEN
    RAISE EXCEPTION USING MESSAGE = 'milesTransactions is append-only: reverse the entry instead', ERRCODE = 'restrict_violation',
      CONSTRAINT = 'milesTransactions_append_only', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
  END IF;
  INSERT INTO skyteam.openings ("transaction", "role", "operation", "application")
    SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text, session_user,
      COALESCE(NULLIF(pg_catalog.current_setting('skyteam.operation', true), ''), 'by hand'),
      pg_catalog.current_setting('application_name')
    WHERE NOT EXISTS (SELECT FROM skyteam.openings o
      WHERE o."transaction" OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id()::pg_catalog.text
        AND o."openedAt" OPERATOR(pg_catalog.=) (pg_catalog.now() AT TIME ZONE 'UTC'));
  RETURN NULL;
END
$skyteam$;
