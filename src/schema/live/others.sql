-- What exists in the database beside our tables and the schema skyteam, in order, without the members of extensions.
-- $1: the names of our tables, as a JSON array.
WITH given AS (
  SELECT ARRAY (SELECT pg_catalog.json_array_elements_text($1::json)) AS names
), home AS (
  SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'public'
), member AS (
  SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
)
SELECT kind || ' ' || name
FROM (
  SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
      WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'table' END AS kind, c.relname::text AS name
  FROM pg_catalog.pg_class c JOIN home ON c.relnamespace = home.oid
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.relname <> ALL (SELECT pg_catalog.unnest(names) FROM given)
    AND NOT EXISTS (SELECT FROM member WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = c.oid)
  UNION ALL
  SELECT 'type', t.typname FROM pg_catalog.pg_type t JOIN home ON t.typnamespace = home.oid
  WHERE t.typtype IN ('e', 'd', 'r')
    AND NOT EXISTS (SELECT FROM member WHERE classid = 'pg_catalog.pg_type'::regclass AND objid = t.oid)
  UNION ALL
  SELECT 'function', p.proname FROM pg_catalog.pg_proc p JOIN home ON p.pronamespace = home.oid
  WHERE NOT EXISTS (SELECT FROM member WHERE classid = 'pg_catalog.pg_proc'::regclass AND objid = p.oid)
  UNION ALL
  SELECT 'policy', pg_catalog.format('%s on %s', p.polname, c.relname)
  FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid JOIN home ON c.relnamespace = home.oid
  WHERE c.relname = ANY (SELECT pg_catalog.unnest(names) FROM given)
  UNION ALL
  SELECT 'schema', n.nspname FROM pg_catalog.pg_namespace n
  WHERE n.nspname NOT IN ('public', 'skyteam', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
    AND NOT EXISTS (SELECT FROM member WHERE classid = 'pg_catalog.pg_namespace'::regclass AND objid = n.oid)
) everything
ORDER BY kind COLLATE "C", name COLLATE "C"
