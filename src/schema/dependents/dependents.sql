-- What depends on columns that go or get another type, beside what PostgreSQL carries along by itself.
-- $1: the columns, as a JSON array of objects: table, column, dropped.
WITH given AS (
  SELECT c.oid, c.relname, a.attnum, a.attname, a.attinhcount > 0 AS inherited, g.dropped
  FROM pg_catalog.json_to_recordset($1::json) g ("table" text, "column" text, dropped boolean)
  JOIN pg_catalog.pg_class c ON c.relname = g."table" AND c.relnamespace = pg_catalog.to_regnamespace('public')
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = g."column" AND NOT a.attisdropped
), used AS (
  SELECT DISTINCT g.oid, g.relname, g.attname, g.dropped, d.classid, d.objid
  FROM given g
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = g.oid
    AND d.refobjsubid = g.attnum AND d.deptype = 'n'
)
SELECT found.relname || '.' || found.attname, found.kind, found.name, found.parent, found.object, found.way
FROM (
  SELECT u.relname, u.attname, 'view' AS kind, v.relname::text AS name, NULL::text AS parent,
    pg_catalog.pg_describe_object('pg_catalog.pg_class'::regclass, v.oid, 0) AS object,
    pg_catalog.format('DROP %s %s', CASE v.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, v.oid::regclass) AS way
  FROM used u
  JOIN pg_catalog.pg_rewrite r ON u.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = u.objid AND r.rulename = '_RETURN'
  JOIN pg_catalog.pg_class v ON v.oid = r.ev_class
  UNION ALL
  SELECT u.relname, u.attname, 'rule', r.rulename, NULL, pg_catalog.pg_describe_object(u.classid, u.objid, 0),
    pg_catalog.format('DROP RULE %I ON %s', r.rulename, r.ev_class::regclass)
  FROM used u
  JOIN pg_catalog.pg_rewrite r ON u.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = u.objid AND r.rulename <> '_RETURN'
  UNION ALL
  SELECT u.relname, u.attname, 'policy', p.polname, NULL, pg_catalog.pg_describe_object(u.classid, u.objid, 0),
    pg_catalog.format('DROP POLICY %I ON %s', p.polname, p.polrelid::regclass)
  FROM used u JOIN pg_catalog.pg_policy p ON u.classid = 'pg_catalog.pg_policy'::regclass AND p.oid = u.objid
  UNION ALL
  SELECT u.relname, u.attname, 'trigger', t.tgname, t.tgrelid::regclass::text,
    pg_catalog.pg_describe_object(u.classid, u.objid, 0), pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
  FROM used u
  JOIN pg_catalog.pg_trigger t ON u.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = u.objid AND NOT t.tgisinternal
  UNION ALL
  SELECT u.relname, u.attname, 'publication', b.pubname, NULL, pg_catalog.format('publication %I', b.pubname),
    pg_catalog.format('ALTER PUBLICATION %I DROP TABLE %s', b.pubname, r.prrelid::regclass)
  FROM used u
  JOIN pg_catalog.pg_publication_rel r ON u.classid = 'pg_catalog.pg_publication_rel'::regclass AND r.oid = u.objid
  JOIN pg_catalog.pg_publication b ON b.oid = r.prpubid
  UNION ALL
  SELECT u.relname, u.attname, 'routine', p.proname, NULL, pg_catalog.pg_describe_object(u.classid, u.objid, 0),
    pg_catalog.format('DROP ROUTINE %s', p.oid::regprocedure)
  FROM used u JOIN pg_catalog.pg_proc p ON u.classid = 'pg_catalog.pg_proc'::regclass AND p.oid = u.objid
  UNION ALL
  SELECT u.relname, u.attname, 'column', a.attname, u.relname, pg_catalog.format('generated column %s.%s', u.relname, a.attname),
    pg_catalog.format('ALTER TABLE %s DROP COLUMN %I', f.adrelid::regclass, a.attname)
  FROM used u
  JOIN pg_catalog.pg_attrdef f ON u.classid = 'pg_catalog.pg_attrdef'::regclass AND f.oid = u.objid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
  UNION ALL
  -- Foreign keys of others, which follow another type and not the loss of their target.
  SELECT u.relname, u.attname, 'constraint', k.conname, k.conrelid::regclass::text,
    pg_catalog.pg_describe_object(u.classid, u.objid, 0),
    pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname)
  FROM used u
  JOIN pg_catalog.pg_constraint k ON u.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = u.objid
  WHERE u.dropped AND k.contype = 'f' AND k.conrelid <> u.oid
  UNION ALL
  SELECT g.relname, g.attname, 'partition key', NULL, NULL, pg_catalog.format('the partition key of table %s', g.relname), NULL
  FROM given g
  JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = g.oid AND (g.attnum = ANY (p.partattrs::int2[])
    OR p.partexprs IS NOT NULL AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = g.oid
        AND d.refclassid = d.classid AND d.refobjid = g.oid AND d.refobjsubid = g.attnum))
  UNION ALL
  SELECT g.relname, g.attname, 'parent', NULL, NULL, pg_catalog.format('the parent of table %s', g.relname),
    pg_catalog.format('ALTER TABLE %s NO INHERIT %s', i.inhrelid::regclass, i.inhparent::regclass)
  FROM given g JOIN pg_catalog.pg_inherits i ON i.inhrelid = g.oid
  WHERE g.inherited
) found
ORDER BY 1, 2, 3
