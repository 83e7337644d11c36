-- What exists in a schema of PostgreSQL, as one JSON document in a fixed order.
-- $1: the names of our tables, as a JSON array; $2: whether to read the session's temporary schema instead of public.
-- Constraint types p, u, f, c and x only: since version 18 NOT NULL is a constraint (n) too, and columns say that.
WITH shown AS MATERIALIZED (
  -- How names are shown from here on. All names in this statement have been looked up before, in pg_catalog alone.
  SELECT pg_catalog.current_setting('search_path') AS before, pg_catalog.set_config('search_path',
    CASE WHEN $2 THEN 'pg_temp, pg_catalog' ELSE 'public, pg_temp' END, true) AS path,
    -- Otherwise every definition would be spelled in another way than ours.
    pg_catalog.set_config('quote_all_identifiers', 'off', true) AS quoting
), given AS (
  SELECT ARRAY (SELECT pg_catalog.json_array_elements_text($1::json)) AS names
), home AS (
  SELECT oid FROM pg_catalog.pg_namespace, shown
  WHERE path IS NOT NULL AND quoting IS NOT NULL AND oid = CASE WHEN $2 THEN pg_catalog.pg_my_temp_schema() ELSE pg_catalog.to_regnamespace('public') END
), ours AS (
  SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relowner
  FROM pg_catalog.pg_class c JOIN home ON c.relnamespace = home.oid
  WHERE c.relname = ANY (SELECT pg_catalog.unnest(names) FROM given) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
)
SELECT pg_catalog.json_build_object(
  'path', (SELECT before FROM shown),
  'version', pg_catalog.current_setting('server_version_num')::int,
  'tables', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', relname, 'kind', relkind, 'persistence', relpersistence,
      'owner', pg_catalog.pg_get_userbyid(relowner), 'owned', pg_catalog.pg_has_role(relowner, 'USAGE'),
      'comment', pg_catalog.obj_description(oid, 'pg_class')
    ) ORDER BY relname COLLATE "C") FROM ours
  ),
  'columns', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'table', ours.relname, 'name', a.attname,
      'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'collation', CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::pg_catalog.regcollation::text END,
      'rule', CASE
        WHEN t.typtype = 'd' THEN (
          SELECT pg_catalog.format_type(t.oid, NULL) || ' ' || pg_catalog.string_agg(
            pg_catalog.pg_get_constraintdef(d.oid, true), ' ' ORDER BY d.conname COLLATE "C")
          FROM pg_catalog.pg_constraint d WHERE d.contypid = t.oid AND d.contype = 'c')
        WHEN t.typname = 'citext' THEN 'citext, which ignores case' END,
      -- Since version 18 it may hold for new rows only.
      'required', a.attnotnull AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint n WHERE n.conrelid = a.attrelid AND n.contype = 'n'
          AND n.conkey = ARRAY[a.attnum] AND NOT n.convalidated),
      'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid, true),
      'identity', a.attidentity, 'generated', a.attgenerated,
      -- What serial makes: a default that calls a sequence which goes with the column.
      'serial', EXISTS (
        SELECT FROM pg_catalog.pg_depend o
        JOIN pg_catalog.pg_depend u ON u.refclassid = o.classid AND u.refobjid = o.objid
        WHERE o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND o.deptype = 'a'
          AND o.refclassid = o.classid AND o.refobjid = a.attrelid AND o.refobjsubid = a.attnum
          AND u.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND u.objid = d.oid),
      'comment', pg_catalog.col_description(a.attrelid, a.attnum),
      'array', e.oid <> t.oid,
      'enum', CASE WHEN e.typtype = 'e' AND e.typnamespace = (SELECT oid FROM home) THEN
        pg_catalog.json_build_object('name', e.typname, 'values', (
          SELECT pg_catalog.json_agg(l.enumlabel ORDER BY l.enumsortorder)
          FROM pg_catalog.pg_enum l WHERE l.enumtypid = e.oid)) END
    ) ORDER BY ours.relname COLLATE "C", a.attnum)
    FROM ours
    JOIN pg_catalog.pg_attribute a ON a.attrelid = ours.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE ours.relkind IN ('r', 'p')
  ),
  'enums', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', t.typname, 'values', (
      SELECT pg_catalog.json_agg(l.enumlabel ORDER BY l.enumsortorder)
      FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid)) ORDER BY t.typname COLLATE "C")
    FROM pg_catalog.pg_type t JOIN home ON t.typnamespace = home.oid WHERE t.typtype = 'e'
  ),
  'constraints', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'table', ours.relname, 'name', c.conname, 'type', c.contype,
      'columns', k.columns, 'target', r.relname, 'references', k.targets,
      'on_update', c.confupdtype, 'on_delete', c.confdeltype,
      'check', pg_catalog.pg_get_expr(c.conbin, c.conrelid, true),
      'valid', c.convalidated,
      -- On the side of the table that refers and on that of its target.
      'disabled', EXISTS (
        SELECT FROM pg_catalog.pg_trigger g WHERE g.tgconstraint = c.oid AND g.tgisinternal AND g.tgenabled NOT IN ('O', 'A')),
      'plain', NOT c.condeferrable
        -- Columns that came with version 18.
        AND CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 180000
          THEN (pg_catalog.to_jsonb(c) ->> 'conenforced')::boolean
            AND NOT (pg_catalog.to_jsonb(c) ->> 'conperiod')::boolean ELSE true END
        AND CASE c.contype
          WHEN 'f' THEN c.confmatchtype = 's' AND c.confdelsetcols IS NULL
            AND r.relnamespace = (SELECT oid FROM home)
          WHEN 'c' THEN NOT c.connoinherit
          ELSE i.indnatts = i.indnkeyatts AND NOT i.indnullsnotdistinct END,
      'definition', pg_catalog.pg_get_constraintdef(c.oid, true)
    ) ORDER BY ours.relname COLLATE "C", c.contype, c.conname COLLATE "C")
    FROM ours
    JOIN pg_catalog.pg_constraint c ON c.conrelid = ours.oid AND c.contype IN ('p', 'u', 'f', 'c', 'x')
    LEFT JOIN pg_catalog.pg_class r ON r.oid = c.confrelid AND c.contype = 'f'
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.conindid AND c.contype IN ('p', 'u', 'x')
    CROSS JOIN LATERAL (
      SELECT pg_catalog.json_agg(a.attname ORDER BY k.place) AS columns,
        pg_catalog.json_agg(f.attname ORDER BY k.place) FILTER (WHERE f.attname IS NOT NULL) AS targets
      FROM unnest(c.conkey, c.confkey) WITH ORDINALITY k (attnum, target, place)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
      LEFT JOIN pg_catalog.pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = k.target
    ) k
  ),
  'indexes', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'table', ours.relname, 'name', x.relname, 'unique', i.indisunique,
      'columns', k.columns,
      'filter', pg_catalog.pg_get_expr(i.indpred, i.indrelid, true),
      'plain', m.amname = 'btree' AND i.indexprs IS NULL AND i.indnatts = i.indnkeyatts AND i.indisvalid
        AND i.indisready AND NOT i.indnullsnotdistinct AND COALESCE(k.plain, true),
      'definition', pg_catalog.pg_get_indexdef(i.indexrelid, 0, true)
        || CASE WHEN i.indisvalid THEN '' ELSE ' -- invalid' END
    ) ORDER BY ours.relname COLLATE "C", x.relname COLLATE "C")
    FROM ours
    JOIN pg_catalog.pg_index i ON i.indrelid = ours.oid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_am m ON m.oid = x.relam
    CROSS JOIN LATERAL (
      SELECT pg_catalog.json_agg(a.attname ORDER BY k.place) AS columns,
        pg_catalog.bool_and(k.option = 0 AND p.opcdefault AND a.attcollation = k.coll) AS plain
      FROM unnest(i.indkey::int2[], i.indoption::int2[], i.indclass::oid[], i.indcollation::oid[])
        WITH ORDINALITY k (attnum, option, class, coll, place)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
      LEFT JOIN pg_catalog.pg_opclass p ON p.oid = k.class
    ) k
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c
      WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
  ),
  'triggers', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'table', ours.relname, 'name', t.tgname, 'enabled', t.tgenabled,
      'definition', pg_catalog.pg_get_triggerdef(t.oid, false),
      'head', pg_catalog.format('CREATE TRIGGER %I ', t.tgname),
      -- PostgreSQL calls a temporary schema pg_temp, whatever its own name is.
      'on', pg_catalog.format(' ON %I.%I ', CASE WHEN $2 THEN 'pg_temp' ELSE 'public' END, ours.relname),
      'schema', n.nspname, 'function', p.proname
    ) ORDER BY ours.relname COLLATE "C", t.tgname COLLATE "C")
    FROM ours
    JOIN pg_catalog.pg_trigger t ON t.tgrelid = ours.oid AND NOT t.tgisinternal
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  ),
  'functions', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', p.proname, 'body', p.prosrc, 'language', l.lanname, 'definer', p.prosecdef,
      'config', pg_catalog.array_to_json(p.proconfig),
      'owner', pg_catalog.pg_get_userbyid(p.proowner), 'owned', pg_catalog.pg_has_role(p.proowner, 'USAGE')
    ) ORDER BY p.proname COLLATE "C")
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = pg_catalog.to_regnamespace('skyteam')
      AND p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype
  ),
  'attachments', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'table', relname, 'object', object, 'property', property, 'value', value
    ) ORDER BY relname COLLATE "C", object COLLATE "C", property COLLATE "C")
    FROM (
      SELECT ours.relname, x.relname AS object, p.property, p.value
      FROM ours
      JOIN pg_catalog.pg_index i ON i.indrelid = ours.oid
      JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
      LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = x.reltablespace
      CROSS JOIN LATERAL (VALUES
        ('identity', i.indisreplident, NULL),
        ('cluster', i.indisclustered, NULL),
        ('index comment', true, pg_catalog.obj_description(x.oid, 'pg_class')),
        ('parameters', true, pg_catalog.array_to_string(x.reloptions, ', ')),
        ('tablespace', true, s.spcname::text)
      ) p (property, has, value)
      WHERE p.has AND (p.value IS NOT NULL OR p.property IN ('identity', 'cluster'))
      UNION ALL
      SELECT ours.relname, c.conname, 'constraint comment', d.description
      FROM ours
      JOIN pg_catalog.pg_constraint c ON c.conrelid = ours.oid
      CROSS JOIN LATERAL pg_catalog.obj_description(c.oid, 'pg_constraint') d (description)
      WHERE d.description IS NOT NULL
      UNION ALL
      SELECT ours.relname, a.attname, p.property, p.value
      FROM ours
      JOIN pg_catalog.pg_attribute a ON a.attrelid = ours.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      CROSS JOIN LATERAL (VALUES
        ('storage', a.attstorage <> t.typstorage, CASE a.attstorage
          WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END),
        ('compression', a.attcompression <> '', CASE a.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END)
      ) p (property, has, value)
      WHERE p.has
    ) properties (relname, object, property, value)
  ),
  'rights', pg_catalog.json_build_object(
    'role', current_user,
    'public', pg_catalog.to_regnamespace('public') IS NOT NULL,
    'createInPublic', COALESCE(pg_catalog.has_schema_privilege(
      pg_catalog.to_regnamespace('public')::oid, 'CREATE'), false),
    'createSchema', pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
    'home', pg_catalog.to_regnamespace('skyteam') IS NOT NULL,
    'useHome', COALESCE(pg_catalog.has_schema_privilege(
      pg_catalog.to_regnamespace('skyteam')::oid, 'USAGE'), false),
    'createInHome', COALESCE(pg_catalog.has_schema_privilege(
      pg_catalog.to_regnamespace('skyteam')::oid, 'CREATE'), false),
    -- Not to_regclass, which fails where the role may not use the schema.
    'migrations', record.oid IS NOT NULL,
    'readRecord', COALESCE(pg_catalog.has_table_privilege(record.oid, 'SELECT'), false),
    'writeRecord', COALESCE(pg_catalog.has_table_privilege(record.oid, 'INSERT')
      AND pg_catalog.has_table_privilege(record.oid, 'DELETE'), false)
  )
)::text
FROM (SELECT) nothing
LEFT JOIN pg_catalog.pg_class record
  ON record.relname = 'migrations' AND record.relnamespace = pg_catalog.to_regnamespace('skyteam')
