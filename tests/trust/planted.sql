-- Plants, in a schema that everybody may create in, functions and operators that fit the types of calls at least as
-- well as the server's own: whoever calls one is caught in the server's log. $1 and $2 are replaced by the oids of the
-- functions and the operators of pg_catalog that were called.
SET check_function_bodies = off;
-- What plants must not fall into its own traps.
SET search_path = pg_catalog, pg_temp;
DO $plant$
DECLARE
  types text[] := ARRAY['text', 'name', 'varchar', 'bpchar', '"char"', 'int2', 'int4', 'int8', 'float8', 'numeric', 'bool',
    'uuid', 'oid', 'regclass', 'regtype', 'regnamespace', 'regproc', 'timestamp', 'timestamptz', 'interval', 'json', 'jsonb',
    'text[]', 'name[]', 'int2[]', 'oid[]', 'int4[]', '"char"[]', 'int2vector', 'oidvector', 'tid', 'xid', 'xid8', 'inet',
    'public.planted'];
  called record;
  base text[];
  args text[];
  kind text;
  other text;
BEGIN
  -- A type of a stranger's own, which most types turn into without being asked.
  CREATE TYPE public.planted AS (value text);
  FOREACH kind IN ARRAY types LOOP
    CONTINUE WHEN kind = 'public.planted';
    EXECUTE format($f$CREATE FUNCTION public.plant_cast(%1$s) RETURNS public.planted LANGUAGE plpgsql
      AS $b$ BEGIN RAISE LOG 'planted cast from %1$s'; RETURN NULL; END $b$$f$, kind);
    EXECUTE format('CREATE CAST (%1$s AS public.planted) WITH FUNCTION public.plant_cast(%1$s) AS IMPLICIT', kind);
  END LOOP;
  FOR called IN
    SELECT DISTINCT p.proname, p.proargtypes, p.proretset, p.provariadic,
      CASE WHEN r.typtype = 'p' THEN 'text' ELSE p.prorettype::regtype::text END AS returns
    FROM pg_proc p JOIN pg_type r ON r.oid = p.prorettype WHERE p.oid = ANY ($1)
  LOOP
    SELECT coalesce(array_agg(CASE WHEN t.typtype = 'p' THEN 'text' ELSE t.oid::regtype::text END ORDER BY place), '{}')
      INTO base FROM unnest(called.proargtypes::oid[]) WITH ORDINALITY a (kind, place) JOIN pg_type t ON t.oid = a.kind;
    PERFORM public.plant(called.proname, base, called.returns, called.proretset);
    FOR i IN 1 .. cardinality(base) LOOP
      FOREACH kind IN ARRAY types LOOP
        args := base;
        args[i] := kind;
        PERFORM public.plant(called.proname, args, called.returns, called.proretset);
      END LOOP;
    END LOOP;
    IF called.provariadic <> 0 THEN
      FOREACH kind IN ARRAY types LOOP
        FOR i IN 1 .. 4 LOOP
          PERFORM public.plant(called.proname, array_fill(kind, ARRAY[i]), called.returns, called.proretset);
        END LOOP;
      END LOOP;
    END IF;
  END LOOP;
  FOR called IN
    SELECT DISTINCT o.oprname, o.oprresult::regtype::text AS returns FROM pg_operator o WHERE o.oid = ANY ($2)
  LOOP
    FOREACH kind IN ARRAY types LOOP
      FOREACH other IN ARRAY types LOOP
        PERFORM public.plant('planted_operator_' || called.returns, ARRAY[kind, other], called.returns, false);
        BEGIN
          EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.%I)',
            called.oprname, kind, other, 'planted_operator_' || called.returns);
        EXCEPTION WHEN OTHERS THEN
          -- The same name was called with another result before.
          NULL;
        END;
      END LOOP;
    END LOOP;
  END LOOP;
END
$plant$;
