-- What others have defined on a table, as an archive keeps it.
-- $1: the table's OID, $2: our columns, $3: names of our constraints, indexes and triggers.
WITH t AS (
  SELECT c.oid, c.relname, c.relnamespace FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.int8::pg_catalog.oid
), a AS (
  SELECT a.*, y.typcollation, y.typelem, y.typcategory, pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression
  FROM pg_catalog.pg_attribute a JOIN t ON t.oid = a.attrelid JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL ($2::pg_catalog.text[])
), collation_name AS (
  SELECT l.oid, pg_catalog.json_build_object('schema', n.nspname, 'name', l.collname) AS name
  FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_namespace n ON n.oid = l.collnamespace
), numbered AS (
  SELECT a.attnum, d.deptype, pg_catalog.format('nextval(%L::regclass)', pg_catalog.format('%I.%I', n.nspname, c.relname)) AS call,
    pg_catalog.json_build_object(
      'how', CASE WHEN d.deptype = 'a' THEN 'serial' WHEN a.attidentity = 'a' THEN 'always' ELSE 'byDefault' END,
      'sequence', c.relname, 'declared', q.seqtypid::pg_catalog.regtype::pg_catalog.text, 'start', q.seqstart, 'increment', q.seqincrement,
      'minimum', q.seqmin, 'maximum', q.seqmax, 'cache', q.seqcache, 'cycle', q.seqcycle) AS described
  FROM a JOIN t ON true
  JOIN pg_catalog.pg_depend d ON d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')
    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S' AND c.relnamespace = t.relnamespace
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_sequence q ON q.seqrelid = c.oid
), columns AS (
  SELECT a.attnum, pg_catalog.json_build_object('name', a.attname, 'declared', pg_catalog.format_type(a.atttypid, a.atttypmod),
    'collation', (SELECT l.name FROM collation_name l WHERE l.oid = a.attcollation AND a.attcollation <> a.typcollation),
    'required', a.attnotnull,
    'default', CASE WHEN a.attgenerated = '' AND NOT coalesce(s.deptype = 'a' AND a.expression = s.call, false) THEN a.expression END,
    'generated', CASE WHEN a.attgenerated <> '' THEN a.expression END, 'stored', a.attgenerated = 's',
    'numbered', CASE WHEN s.deptype = 'i' OR a.expression = s.call THEN s.described END) AS described
  FROM a LEFT JOIN numbered s ON s.attnum = a.attnum
), names AS (
  SELECT k.oid, pg_catalog.array_agg(c.attname ORDER BY p.place) AS own,
    (SELECT pg_catalog.array_agg(f.attname ORDER BY r.place) FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS r(attnum, place)
     JOIN pg_catalog.pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = r.attnum) AS others
  FROM pg_catalog.pg_constraint k JOIN t ON t.oid = k.conrelid
  CROSS JOIN LATERAL pg_catalog.unnest(k.conkey) WITH ORDINALITY AS p(attnum, place)
  JOIN pg_catalog.pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = p.attnum
  GROUP BY k.oid, k.confkey, k.confrelid
), action (letter, words) AS (
  VALUES ('a', 'NO ACTION'), ('r', 'RESTRICT'), ('c', 'CASCADE'), ('n', 'SET NULL'), ('d', 'SET DEFAULT')
), rules AS (
  SELECT k.conname, k.condeferrable, k.condeferred, k.convalidated, CASE
    WHEN k.contype = 'c' AND NOT k.connoinherit THEN
      pg_catalog.json_build_object('check', pg_catalog.pg_get_expr(k.conbin, k.conrelid))
    WHEN k.contype = 'u' AND x.indnkeyatts = x.indnatts AND plain.is THEN pg_catalog.json_build_object('unique',
      pg_catalog.json_build_object('columns', n.own, 'nullsAreSame', x.indnullsnotdistinct))
    WHEN k.contype = 'f' AND k.confmatchtype = 's' AND plain.is THEN pg_catalog.json_build_object('foreign',
      pg_catalog.json_build_object('columns', n.own,
        'table', pg_catalog.json_build_object('schema', fn.nspname, 'name', f.relname), 'references', n.others,
        'onUpdate', (SELECT words FROM action WHERE letter = k.confupdtype::pg_catalog.text),
        'onDelete', (SELECT words FROM action WHERE letter = k.confdeltype::pg_catalog.text)))
    ELSE pg_catalog.json_build_object('other', pg_catalog.pg_get_constraintdef(k.oid)) END AS rule
  FROM pg_catalog.pg_constraint k JOIN t ON t.oid = k.conrelid LEFT JOIN names n ON n.oid = k.oid
  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
  LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
  -- What only later servers can say of a key has more words.
  CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_constraintdef(k.oid) !~ '(WITHOUT OVERLAPS|PERIOD|NOT ENFORCED|SET (NULL|DEFAULT) \()' AS is) AS plain
  WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conname <> ALL ($3::pg_catalog.text[])
), indexes AS (
  SELECT c.relname, pg_catalog.json_build_object('name', c.relname, 'method', m.amname, 'unique', x.indisunique, 'nullsAreSame', x.indnullsnotdistinct,
    'keys', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('expression', pg_catalog.pg_get_indexdef(x.indexrelid, k.place, false),
        'class', CASE WHEN NOT o.opcdefault THEN pg_catalog.json_build_object('schema', onm.nspname, 'name', o.opcname) END,
        'collation', (SELECT l.name FROM collation_name l WHERE l.oid = x.indcollation[k.place - 1]
          AND l.oid <> coalesce((SELECT attcollation FROM pg_catalog.pg_attribute z WHERE z.attrelid = t.oid AND z.attnum = x.indkey[k.place - 1] AND z.attnum > 0),
            (SELECT y.typcollation FROM pg_catalog.pg_attribute z JOIN pg_catalog.pg_type y ON y.oid = z.atttypid
             WHERE z.attrelid = x.indexrelid AND z.attnum = k.place))),
        'descending', x.indoption[k.place - 1] & 1 = 1,
        'nullsFirst', x.indoption[k.place - 1] & 2 = 2) ORDER BY k.place)
      FROM pg_catalog.generate_series(1, x.indnkeyatts::pg_catalog.int4) AS k(place) JOIN pg_catalog.pg_opclass o ON o.oid = x.indclass[k.place - 1]
      JOIN pg_catalog.pg_namespace onm ON onm.oid = o.opcnamespace),
    'include', (SELECT pg_catalog.json_agg(i.attname ORDER BY i.attnum)
      FROM pg_catalog.pg_attribute i WHERE i.attrelid = x.indexrelid AND i.attnum > x.indnkeyatts),
    'predicate', pg_catalog.pg_get_expr(x.indpred, x.indrelid),
    'options', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(option_name, option_value)) FROM pg_catalog.pg_options_to_table(c.reloptions))) AS described
  FROM pg_catalog.pg_index x JOIN t ON t.oid = x.indrelid JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
  JOIN pg_catalog.pg_am m ON m.oid = c.relam
  WHERE c.relname <> ALL ($3::pg_catalog.text[]) AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid)
    AND x.indisvalid
), types AS (
  SELECT y.typname, pg_catalog.json_build_object('name', pg_catalog.json_build_object('schema', n.nspname, 'name', y.typname),
    'labels', CASE WHEN y.typtype = 'e' THEN (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = y.oid) END,
    'domain', CASE WHEN y.typtype = 'd' THEN pg_catalog.json_build_object('declared', pg_catalog.format_type(y.typbasetype, y.typtypmod),
      'collation', (SELECT l.name FROM collation_name l JOIN pg_catalog.pg_type b ON b.oid = y.typbasetype WHERE l.oid = y.typcollation AND y.typcollation <> b.typcollation),
      'required', y.typnotnull, 'default', pg_catalog.pg_get_expr(y.typdefaultbin, 0),
      'checks', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(k.conname, pg_catalog.pg_get_expr(k.conbin, 0)) ORDER BY k.conname) FROM pg_catalog.pg_constraint k WHERE k.contypid = y.oid AND k.contype = 'c')) END) AS described
  FROM pg_catalog.pg_type y JOIN pg_catalog.pg_namespace n ON n.oid = y.typnamespace
  WHERE y.typtype IN ('e', 'd') AND n.nspname <> 'pg_catalog'
    AND y.oid IN (SELECT CASE WHEN a.typcategory = 'A' THEN a.typelem ELSE a.atttypid END FROM a)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = y.oid AND d.deptype = 'e')
)
SELECT pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
  'columns', (SELECT pg_catalog.json_agg(described ORDER BY attnum) FROM columns),
  'constraints', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', conname, 'rule', rule, 'deferrable', condeferrable,
    'deferred', condeferred, 'unchecked', NOT convalidated) ORDER BY conname) FROM rules),
  'indexes', (SELECT pg_catalog.json_agg(described ORDER BY relname) FROM indexes),
  'types', (SELECT pg_catalog.json_agg(described ORDER BY typname) FROM types)
))::pg_catalog.text AS definitions
