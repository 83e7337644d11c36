-- What is attached to tables of the contract beside their rows, one line each: a name, what it is now, the statement that makes
-- it so again, and the one that takes it away. No statement where none could, or where this role may not: then the
-- tables cannot be made anew. $1: the names of the tables. Lines are made in the order of `rank`.
WITH t AS (
  SELECT c.*, pg_catalog.format('public.%I', c.relname) AS path
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname = ANY ($1::pg_catalog.text[])
), i AS (
  SELECT x.*, c.relname, c.reloptions, c.reltablespace, c.relkind, t.path AS of, t.relname AS owner_table, n.nspname,
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS path,
    EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')) AS backs
  FROM pg_catalog.pg_index x JOIN t ON t.oid = x.indrelid
  JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
), a AS (
  SELECT a.*, t.path AS of, t.relname, t.relowner, pg_catalog.format('%I', a.attname) AS col, y.typstorage, d.oid AS default_oid,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS default_text
  FROM pg_catalog.pg_attribute a JOIN t ON t.oid = a.attrelid
  JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped
), s AS (
  SELECT q.*, c.relname, c.relacl, c.relowner, a.relname AS owner_table, a.attname, a.of, a.col, d.deptype,
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS path
  FROM pg_catalog.pg_depend d JOIN a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S'
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_sequence q ON q.seqrelid = c.oid
  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.deptype IN ('a', 'i')
), identity AS (
  SELECT a.of, a.attname, pg_catalog.format('GENERATED %s AS IDENTITY (SEQUENCE NAME %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s%s CYCLE)',
      CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, s.path, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
      CASE WHEN s.seqcycle THEN '' ELSE ' NO' END) AS clause
  FROM a JOIN s ON s.of = a.of AND s.attname = a.attname AND s.deptype = 'i' WHERE a.attidentity <> ''
), acl AS (
  SELECT 'table' AS kind, t.relname AS of, NULL::pg_catalog.name AS part, 'TABLE ' || t.path AS target, '' AS cols,
    pg_catalog.aclexplode(coalesce(t.relacl, pg_catalog.acldefault('r', t.relowner))) AS acl FROM t
  UNION ALL
  SELECT 'table', a.relname, a.attname, 'TABLE ' || a.of, pg_catalog.format(' (%I)', a.attname),
    pg_catalog.aclexplode(a.attacl) FROM a WHERE a.attacl IS NOT NULL
  UNION ALL
  SELECT 'sequence', s.relname, NULL, 'SEQUENCE ' || s.path, '',
    pg_catalog.aclexplode(coalesce(s.relacl, pg_catalog.acldefault('s', s.relowner))) FROM s
), privilege AS (
  SELECT kind, of, part, target, cols, (acl).privilege_type AS word, pg_catalog.bool_or((acl).is_grantable) AS grantable,
    CASE WHEN (acl).grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.format('%I', pg_catalog.pg_get_userbyid((acl).grantee)) END AS grantee
  FROM acl GROUP BY kind, of, part, target, cols, (acl).privilege_type, (acl).grantee
), described AS (
  SELECT 'table' AS kind, t.relname::pg_catalog.text AS name, 'TABLE ' || t.path AS target, 'pg_catalog.pg_class'::pg_catalog.regclass AS class, t.oid, 0 AS sub FROM t
  UNION ALL SELECT 'column', a.relname || '.' || a.attname, 'COLUMN ' || a.of || '.' || a.col, 'pg_catalog.pg_class'::pg_catalog.regclass, a.attrelid, a.attnum FROM a
  UNION ALL SELECT 'index', i.relname, 'INDEX ' || i.path, 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, 0 FROM i
  UNION ALL SELECT 'constraint', k.conname, pg_catalog.format('CONSTRAINT %I ON %s', k.conname, t.path), 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, 0
    FROM pg_catalog.pg_constraint k JOIN t ON t.oid = k.conrelid
  UNION ALL SELECT 'trigger', g.tgname, pg_catalog.format('TRIGGER %I ON %s', g.tgname, t.path), 'pg_catalog.pg_trigger'::pg_catalog.regclass, g.oid, 0
    FROM pg_catalog.pg_trigger g JOIN t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
  UNION ALL SELECT 'policy', p.polname, pg_catalog.format('POLICY %I ON %s', p.polname, t.path), 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid, 0
    FROM pg_catalog.pg_policy p JOIN t ON t.oid = p.polrelid
  UNION ALL SELECT 'rule', r.rulename, pg_catalog.format('RULE %I ON %s', r.rulename, t.path), 'pg_catalog.pg_rewrite'::pg_catalog.regclass, r.oid, 0
    FROM pg_catalog.pg_rewrite r JOIN t ON t.oid = r.ev_class
  UNION ALL SELECT 'statistics', e.stxname, pg_catalog.format('STATISTICS %I.%I', n.nspname, e.stxname), 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, e.oid, 0
    FROM pg_catalog.pg_statistic_ext e JOIN t ON t.oid = e.stxrelid JOIN pg_catalog.pg_namespace n ON n.oid = e.stxnamespace
), line (rank, kind, name, what, value, make, undo) AS (
  SELECT 10, 'table', relname::pg_catalog.text, 'owner of table ' || relname, pg_catalog.pg_get_userbyid(relowner)::pg_catalog.text,
    CASE WHEN pg_catalog.pg_has_role(relowner, 'MEMBER') THEN pg_catalog.format('ALTER TABLE %s OWNER TO %I', path, pg_catalog.pg_get_userbyid(relowner)) END, NULL FROM t
  UNION ALL
  SELECT 12, 'table', relname, 'persistence of table ' || relname, CASE relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END,
    pg_catalog.format('ALTER TABLE %s SET %s', path, CASE relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END), NULL FROM t
  UNION ALL
  SELECT 13, 'table', t.relname, 'access method of table ' || t.relname, m.amname, pg_catalog.format('ALTER TABLE %s SET ACCESS METHOD %I', t.path, m.amname), NULL
    FROM t JOIN pg_catalog.pg_am m ON m.oid = t.relam
  UNION ALL
  SELECT 14, 'table', t.relname, 'tablespace of table ' || t.relname, coalesce(p.spcname, 'the database''s'),
    CASE WHEN p.oid IS NULL OR pg_catalog.has_tablespace_privilege(p.oid, 'CREATE') THEN
      pg_catalog.format('ALTER TABLE %s SET TABLESPACE %I', t.path, coalesce(p.spcname, own.spcname)) END, NULL
    FROM t LEFT JOIN pg_catalog.pg_tablespace p ON p.oid = t.reltablespace
    CROSS JOIN (SELECT spcname FROM pg_catalog.pg_tablespace JOIN pg_catalog.pg_database ON dattablespace = pg_tablespace.oid
                WHERE datname = pg_catalog.current_database()) AS own
  UNION ALL
  SELECT 15, 'table', t.relname, pg_catalog.format('storage parameter %s of table %s', o.option_name, t.relname), o.option_value,
    pg_catalog.format('ALTER TABLE %s SET (%I = %L)', t.path, o.option_name, o.option_value), pg_catalog.format('ALTER TABLE %s RESET (%I)', t.path, o.option_name)
    FROM t CROSS JOIN LATERAL pg_catalog.pg_options_to_table(t.reloptions) AS o
  UNION ALL
  SELECT 15, 'table', t.relname, pg_catalog.format('storage parameter toast.%s of table %s', o.option_name, t.relname), o.option_value,
    pg_catalog.format('ALTER TABLE %s SET (toast.%I = %L)', t.path, o.option_name, o.option_value), pg_catalog.format('ALTER TABLE %s RESET (toast.%I)', t.path, o.option_name)
    FROM t JOIN pg_catalog.pg_class toast ON toast.oid = t.reltoastrelid CROSS JOIN LATERAL pg_catalog.pg_options_to_table(toast.reloptions) AS o
  -- What a table made anew cannot be again.
  UNION ALL
  SELECT 16, 'table', t.relname, pg_catalog.format('inheritance of table %s from %s', t.relname, h.inhparent::pg_catalog.regclass), 'is', NULL, NULL
    FROM t JOIN pg_catalog.pg_inherits h ON h.inhrelid = t.oid
  UNION ALL
  SELECT 16, 'table', relname, 'partitions of table ' || relname, pg_catalog.pg_get_partkeydef(oid), NULL, NULL FROM t WHERE relkind = 'p'
  UNION ALL
  SELECT 16, 'table', relname, 'type of table ' || relname, reloftype::pg_catalog.regtype::pg_catalog.text, NULL, NULL FROM t WHERE reloftype <> 0
  UNION ALL
  SELECT 16, 'table', t.relname, pg_catalog.format('subscription %s on table %s', u.subname, t.relname), r.srsubstate::pg_catalog.text, NULL, NULL
    FROM t JOIN pg_catalog.pg_subscription_rel r ON r.srrelid = t.oid JOIN pg_catalog.pg_subscription u ON u.oid = r.srsubid
  UNION ALL
  SELECT 16, 'constraint (state)', k.conname, pg_catalog.format('foreign key %s of table %s, switched off', k.conname, t.relname), pg_catalog.string_agg(DISTINCT g.tgenabled::pg_catalog.text, ''), NULL, NULL
    FROM t JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid JOIN pg_catalog.pg_constraint k ON k.oid = g.tgconstraint
    WHERE g.tgisinternal AND g.tgenabled <> 'O' GROUP BY k.conname, t.relname
  -- Columns: all of others', and of ours what says how their values are kept.
  UNION ALL
  SELECT 20, 'sequence', owner_table || '.' || attname, 'sequence ' || path,
    pg_catalog.format('%s %s %s %s %s %s %s', seqtypid::pg_catalog.regtype, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle),
    pg_catalog.format('CREATE SEQUENCE %s AS %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s%s CYCLE', path, seqtypid::pg_catalog.regtype,
      seqstart, seqincrement, seqmin, seqmax, seqcache, CASE WHEN seqcycle THEN '' ELSE ' NO' END), NULL
    FROM s WHERE deptype = 'a'
  UNION ALL
  SELECT 21, 'column', a.relname || '.' || a.attname, pg_catalog.format('column %s.%s', a.relname, a.attname),
    pg_catalog.concat_ws(' ', pg_catalog.format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attcollation <> y.typcollation THEN 'COLLATE ' || pg_catalog.format('%I.%I', ln.nspname, l.collname) END, a.generated),
    pg_catalog.concat_ws(' ', pg_catalog.format('ALTER TABLE %s ADD COLUMN %s %s', a.of, a.col, pg_catalog.format_type(a.atttypid, a.atttypmod)),
      CASE WHEN a.attcollation <> y.typcollation THEN 'COLLATE ' || pg_catalog.format('%I.%I', ln.nspname, l.collname) END, a.generated,
      CASE WHEN a.attgenerated = '' THEN 'DEFAULT ' || a.default_text END, CASE WHEN a.attnotnull AND a.attidentity = '' THEN 'NOT NULL' END,
      identity.clause), NULL
    FROM (SELECT a.*, CASE a.attgenerated WHEN 's' THEN pg_catalog.format('GENERATED ALWAYS AS (%s) STORED', a.default_text)
            WHEN 'v' THEN pg_catalog.format('GENERATED ALWAYS AS (%s) VIRTUAL', a.default_text) END AS generated FROM a) AS a
    JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
    LEFT JOIN identity ON identity.of = a.of AND identity.attname = a.attname
    LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
  UNION ALL
  SELECT 22, 'column', relname || '.' || attname, pg_catalog.format('default of %s.%s', relname, attname), default_text,
    pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s', of, col, default_text), pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT', of, col)
    FROM a WHERE attgenerated = '' AND default_text IS NOT NULL
  UNION ALL
  SELECT 22, 'sequence', owner_table || '.' || attname, pg_catalog.format('owner of sequence %s', path), owner_table || '.' || attname,
    pg_catalog.format('ALTER SEQUENCE %s OWNED BY %s.%s', path, of, col), NULL FROM s WHERE deptype = 'a'
  UNION ALL
  SELECT 23, 'column', relname || '.' || attname, pg_catalog.format('NOT NULL of %s.%s', relname, attname), 'is',
    pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s SET NOT NULL', of, col), pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL', of, col)
    FROM a WHERE attnotnull AND NOT EXISTS (SELECT FROM pg_catalog.pg_index x WHERE x.indrelid = a.attrelid AND x.indisprimary AND a.attnum = ANY (x.indkey))
  UNION ALL
  SELECT 24, 'column', a.relname || '.' || a.attname, pg_catalog.format('identity of %s.%s', a.relname, a.attname),
    pg_catalog.format('%s %s %s %s %s %s %s %s', a.attidentity, s.seqtypid::pg_catalog.regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle),
    pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s ADD %s', a.of, a.col, identity.clause),
    pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s DROP IDENTITY', a.of, a.col)
    FROM a JOIN s ON s.of = a.of AND s.attname = a.attname AND s.deptype = 'i'
    JOIN identity ON identity.of = a.of AND identity.attname = a.attname WHERE a.attidentity <> ''
  UNION ALL
  SELECT 25, 'of column', relname || '.' || attname, pg_catalog.format('statistics target of %s.%s', relname, attname), attstattarget::pg_catalog.text,
    pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s SET STATISTICS %s', of, col, attstattarget), pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s SET STATISTICS -1', of, col)
    FROM a WHERE attstattarget >= 0
  UNION ALL
  SELECT 25, 'of column', a.relname || '.' || a.attname, pg_catalog.format('option %s of %s.%s', o.option_name, a.relname, a.attname), o.option_value,
    pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s SET (%I = %L)', a.of, a.col, o.option_name, o.option_value),
    pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s RESET (%I)', a.of, a.col, o.option_name)
    FROM a CROSS JOIN LATERAL pg_catalog.pg_options_to_table(a.attoptions) AS o
    -- The server's own mark of a column's age, which is never set.
    WHERE o.option_name <> 'pg_attver'
  UNION ALL
  SELECT 25, 'of column', relname || '.' || attname, pg_catalog.format('storage of %s.%s', relname, attname), storage.word,
    pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s SET STORAGE %s', of, col, storage.word), NULL
    FROM a CROSS JOIN LATERAL (SELECT CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END AS word) AS storage
    WHERE attstorage <> typstorage
  UNION ALL
  SELECT 25, 'of column', relname || '.' || attname, pg_catalog.format('compression of %s.%s', relname, attname), method.word,
    pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s SET COMPRESSION %s', of, col, method.word), pg_catalog.format('ALTER TABLE %s ALTER COLUMN %s SET COMPRESSION DEFAULT', of, col)
    FROM a CROSS JOIN LATERAL (SELECT CASE attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS word) AS method WHERE attcompression <> ''
  -- Indexes, keys and conditions.
  UNION ALL
  SELECT 30, 'index', relname, pg_catalog.format('index %s on table %s', relname, owner_table), pg_catalog.pg_get_indexdef(indexrelid),
    pg_catalog.pg_get_indexdef(indexrelid), 'DROP INDEX ' || path FROM i WHERE NOT backs
  UNION ALL
  SELECT CASE k.contype WHEN 'f' THEN 32 ELSE 31 END, 'constraint', k.conname, pg_catalog.format('constraint %s on table %s', k.conname, t.relname), pg_catalog.pg_get_constraintdef(k.oid),
    pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', t.path, k.conname, pg_catalog.pg_get_constraintdef(k.oid)),
    pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', t.path, k.conname)
    FROM t JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid WHERE k.contype IN ('p', 'u', 'f', 'c', 'x')
  UNION ALL
  SELECT 33, 'of index', i.relname, 'tablespace of index ' || i.relname, p.spcname,
    CASE WHEN pg_catalog.has_tablespace_privilege(p.oid, 'CREATE') THEN pg_catalog.format('ALTER INDEX %s SET TABLESPACE %I', i.path, p.spcname) END, NULL
    FROM i JOIN pg_catalog.pg_tablespace p ON p.oid = i.reltablespace
  UNION ALL
  SELECT 33, 'of index', i.relname, pg_catalog.format('storage parameter %s of index %s', o.option_name, i.relname), o.option_value,
    pg_catalog.format('ALTER INDEX %s SET (%I = %L)', i.path, o.option_name, o.option_value), pg_catalog.format('ALTER INDEX %s RESET (%I)', i.path, o.option_name)
    FROM i CROSS JOIN LATERAL pg_catalog.pg_options_to_table(i.reloptions) AS o
  UNION ALL
  SELECT 33, 'of index', i.relname, pg_catalog.format('statistics target of index %s, column %s', i.relname, ia.attnum), ia.attstattarget::pg_catalog.text,
    pg_catalog.format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', i.path, ia.attnum, ia.attstattarget), NULL
    FROM i JOIN pg_catalog.pg_attribute ia ON ia.attrelid = i.indexrelid WHERE ia.attstattarget >= 0
  UNION ALL
  SELECT 34, 'of index', relname, 'clustering of table ' || owner_table, relname::pg_catalog.text,
    pg_catalog.format('ALTER TABLE %s CLUSTER ON %I', of, relname), pg_catalog.format('ALTER TABLE %s SET WITHOUT CLUSTER', of) FROM i WHERE indisclustered
  UNION ALL
  SELECT 34, 'table', t.relname, 'replica identity of table ' || t.relname,
    CASE t.relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL' WHEN 'i' THEN coalesce('USING INDEX ' || pg_catalog.quote_ident(i.relname), 'of an index that is gone') ELSE 'DEFAULT' END,
    CASE WHEN t.relreplident <> 'i' OR i.relname IS NOT NULL THEN pg_catalog.format('ALTER TABLE %s REPLICA IDENTITY %s', t.path,
      CASE t.relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL' WHEN 'i' THEN 'USING INDEX ' || pg_catalog.quote_ident(i.relname) ELSE 'DEFAULT' END) END, NULL
    FROM t LEFT JOIN i ON i.indrelid = t.oid AND i.indisreplident
  UNION ALL
  SELECT 35, 'statistics', e.stxname, pg_catalog.format('statistics %s on table %s', e.stxname, t.relname), pg_catalog.pg_get_statisticsobjdef(e.oid),
    pg_catalog.pg_get_statisticsobjdef(e.oid), pg_catalog.format('DROP STATISTICS %I.%I', n.nspname, e.stxname)
    FROM t JOIN pg_catalog.pg_statistic_ext e ON e.stxrelid = t.oid JOIN pg_catalog.pg_namespace n ON n.oid = e.stxnamespace
  UNION ALL
  SELECT 36, 'statistics', e.stxname, 'target of statistics ' || e.stxname, e.stxstattarget::pg_catalog.text,
    pg_catalog.format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, e.stxname, e.stxstattarget), NULL
    FROM t JOIN pg_catalog.pg_statistic_ext e ON e.stxrelid = t.oid JOIN pg_catalog.pg_namespace n ON n.oid = e.stxnamespace WHERE e.stxstattarget >= 0
  -- What acts.
  UNION ALL
  SELECT 40, 'trigger', g.tgname, pg_catalog.format('trigger %s on table %s', g.tgname, t.relname), pg_catalog.pg_get_triggerdef(g.oid),
    pg_catalog.pg_get_triggerdef(g.oid), pg_catalog.format('DROP TRIGGER %I ON %s', g.tgname, t.path)
    FROM t JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal
  UNION ALL
  SELECT 41, 'of trigger', g.tgname, pg_catalog.format('state of trigger %s on table %s', g.tgname, t.relname), state.word,
    pg_catalog.format('ALTER TABLE %s %s TRIGGER %I', t.path, state.word, g.tgname), NULL
    FROM t JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid
    CROSS JOIN LATERAL (SELECT CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END AS word) AS state
    WHERE NOT g.tgisinternal
  UNION ALL
  SELECT 42, 'rule', r.rulename, pg_catalog.format('rule %s on table %s', r.rulename, t.relname), pg_catalog.pg_get_ruledef(r.oid),
    pg_catalog.pg_get_ruledef(r.oid), pg_catalog.format('DROP RULE %I ON %s', r.rulename, t.path)
    FROM t JOIN pg_catalog.pg_rewrite r ON r.ev_class = t.oid
  UNION ALL
  SELECT 43, 'rule', r.rulename, pg_catalog.format('state of rule %s on table %s', r.rulename, t.relname), state.word,
    pg_catalog.format('ALTER TABLE %s %s RULE %I', t.path, state.word, r.rulename), NULL
    FROM t JOIN pg_catalog.pg_rewrite r ON r.ev_class = t.oid
    CROSS JOIN LATERAL (SELECT CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END AS word) AS state
  -- Who may what.
  UNION ALL
  SELECT 50, 'policy', p.polname, pg_catalog.format('policy %s on table %s', p.polname, t.relname), def.text,
    pg_catalog.format('CREATE POLICY %I ON %s %s', p.polname, t.path, def.text), pg_catalog.format('DROP POLICY %I ON %s', p.polname, t.path)
    FROM t JOIN pg_catalog.pg_policy p ON p.polrelid = t.oid
    CROSS JOIN LATERAL (SELECT pg_catalog.concat_ws(' ', CASE WHEN p.polpermissive THEN 'AS PERMISSIVE' ELSE 'AS RESTRICTIVE' END,
      'FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
      'TO ' || (SELECT pg_catalog.string_agg(CASE WHEN r = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r)) END, ', ' ORDER BY r) FROM pg_catalog.unnest(p.polroles) AS r),
      'USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')',
      'WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')') AS text) AS def
  UNION ALL
  SELECT 51, 'table', relname, 'row level security of table ' || relname, CASE WHEN relrowsecurity THEN 'on' ELSE 'off' END,
    pg_catalog.format('ALTER TABLE %s %s ROW LEVEL SECURITY', path, CASE WHEN relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END), NULL FROM t
  UNION ALL
  SELECT 52, 'table', relname, 'row level security of the owner of table ' || relname, CASE WHEN relforcerowsecurity THEN 'on' ELSE 'off' END,
    pg_catalog.format('ALTER TABLE %s %s ROW LEVEL SECURITY', path, CASE WHEN relforcerowsecurity THEN 'FORCE' ELSE 'NO FORCE' END), NULL FROM t
  UNION ALL
  SELECT 53, 'table', t.relname, pg_catalog.format('publication %s of table %s', p.pubname, t.relname), coalesce(nullif(def.text, ''), 'whole'),
    CASE WHEN pg_catalog.pg_has_role(p.pubowner, 'USAGE') THEN pg_catalog.format('ALTER PUBLICATION %I ADD TABLE %s%s', p.pubname, t.path, def.text) END,
    pg_catalog.format('ALTER PUBLICATION %I DROP TABLE %s', p.pubname, t.path)
    FROM t JOIN pg_catalog.pg_publication_rel r ON r.prrelid = t.oid JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid
    CROSS JOIN LATERAL (SELECT coalesce((SELECT ' (' || pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')'
        FROM pg_catalog.unnest(r.prattrs::pg_catalog.int2[]) AS n JOIN a ON a.attrelid = t.oid AND a.attnum = n), '')
      || coalesce(' WHERE (' || pg_catalog.pg_get_expr(r.prqual, r.prrelid) || ')', '') AS text) AS def
  UNION ALL
  SELECT CASE kind WHEN 'table' THEN 54 ELSE 55 END, 'privilege', of, pg_catalog.format('privilege %s%s of %s on %s %s', word, cols, grantee, kind, of), CASE WHEN grantable THEN 'to grant it too' ELSE 'only' END,
    pg_catalog.format('GRANT %s%s ON %s TO %s%s', word, cols, target, grantee, CASE WHEN grantable THEN ' WITH GRANT OPTION' ELSE '' END),
    pg_catalog.format('REVOKE %s%s ON %s FROM %s', word, cols, target, grantee) FROM privilege
  -- What is said of it.
  UNION ALL
  SELECT 60, 'of ' || o.kind, o.name, pg_catalog.format('comment on %s %s', o.kind, o.name), d.description,
    pg_catalog.format('COMMENT ON %s IS %L', o.target, d.description), pg_catalog.format('COMMENT ON %s IS NULL', o.target)
    FROM described o JOIN pg_catalog.pg_description d ON d.classoid = o.class AND d.objoid = o.oid AND d.objsubid = o.sub
  UNION ALL
  SELECT 61, 'of ' || o.kind, o.name, pg_catalog.format('label of %s on %s %s', l.provider, o.kind, o.name), l.label,
    pg_catalog.format('SECURITY LABEL FOR %I ON %s IS %L', l.provider, o.target, l.label), pg_catalog.format('SECURITY LABEL FOR %I ON %s IS NULL', l.provider, o.target)
    FROM described o JOIN pg_catalog.pg_seclabel l ON l.classoid = o.class AND l.objoid = o.oid AND l.objsubid = o.sub
)
SELECT rank, kind, name, what, coalesce(value, '') AS value, make, undo FROM line ORDER BY rank, what COLLATE "C"
