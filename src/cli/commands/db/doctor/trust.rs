//! Who could do more to the ledger, or to its administrator, than they need: rights of other roles, and objects of
//! theirs that run, or wait to run, with our rights.

use migration::openings;
use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::Check;
use crate::cli::commands::openings::summary;
use crate::db::{Database, Engine};
use crate::error::Error;
use crate::message::message;
use crate::schema;

const AREA: &str = "trust";
/// How many objects a finding names.
const NAMED: usize = 5;

/// Roles beside the owner that hold what would change an entry, were it not for the trigger.
const WRITERS: &str = r#"
select g.grantee, pg_catalog.string_agg(distinct g.privilege_type, ', ' order by g.privilege_type) as rights
from (select case a.grantee when 0::oid then 'PUBLIC' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::text) end
        as grantee, a.privilege_type, a.grantee as oid, c.relowner
      from pg_catalog.pg_class c
      cross join lateral (select * from pg_catalog.aclexplode(c.relacl)
        union all select e.* from pg_catalog.pg_attribute t cross join lateral pg_catalog.aclexplode(t.attacl) e
                  where t.attrelid = c.oid and not t.attisdropped) a
      where c.relnamespace = pg_catalog.to_regnamespace('public')::oid and c.relname = 'milesTransactions') g
where g.privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE') and g.oid <> g.relowner
  and (g.oid = 0::oid or not pg_catalog.pg_has_role(g.oid, g.relowner, 'MEMBER'))
group by g.grantee order by g.grantee"#;

/// Roles beside the owner's members that have a way past the trigger, or to the record of its openings; how, and what ends
/// it. Superusers are everywhere.
const WAYS: &str = r#"
select w.role, w.way, w.fix from (
  select r.oid, pg_catalog.quote_ident(r.rolname::text) as role, o.way, pg_catalog.format(o.fix, r.rolname) as fix
  from pg_catalog.pg_roles r cross join lateral (
    select 'may set session_replication_role, and then no trigger runs' as way,
      'REVOKE SET ON PARAMETER session_replication_role FROM %I' as fix
    where pg_catalog.has_parameter_privilege(r.oid, 'session_replication_role', 'SET')
    union all
    select 'has CREATEROLE, and can make itself a member of the role that owns milesTransactions', 'ALTER ROLE %I NOCREATEROLE'
    where r.rolcreaterole and pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 160000
    union all
    select 'may change skyteam.openings, the record of who opened milesTransactions',
      case when pg_catalog.pg_has_role(r.oid, 'pg_write_all_data', 'USAGE') then 'REVOKE pg_write_all_data FROM %I'
        else 'REVOKE UPDATE, DELETE, TRUNCATE ON skyteam.openings FROM %I' end
    from pg_catalog.pg_class c
    where c.oid = pg_catalog.to_regclass('skyteam.openings')::pg_catalog.oid
      and not pg_catalog.pg_has_role(r.oid, c.relowner, 'MEMBER')
      and pg_catalog.has_table_privilege(r.oid, c.oid, 'UPDATE, DELETE, TRUNCATE')
  ) o
  where not r.rolsuper and r.rolname !~ '^pg_'
) w
where not exists (select from pg_catalog.pg_class c
  where c.relnamespace = pg_catalog.to_regnamespace('public')::oid and c.relname = 'milesTransactions'
    and pg_catalog.pg_has_role(w.oid, c.relowner, 'MEMBER'))
order by w.role, w.way limit 100"#;

/// Roles that may create in public and own no table of ours.
const CREATORS: &str = r#"
select case a.grantee when 0::oid then 'PUBLIC' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::text) end as grantee
from pg_catalog.pg_namespace n cross join lateral pg_catalog.aclexplode(n.nspacl) a
where n.nspname = 'public' and a.privilege_type = 'CREATE' and a.grantee <> n.nspowner
  and not exists (select from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relname = any ($1) and c.relowner = a.grantee)
  and not exists (select from pg_catalog.pg_roles r where r.oid = a.grantee and (r.rolsuper or r.rolname = current_user))
order by 1"#;

/// Objects in public by names that the server's own have, members of extensions aside.
const SHADOWS: &str = r#"
select o.object from (
  select case p.prokind when 'a' then 'AGGREGATE ' when 'p' then 'PROCEDURE ' else 'FUNCTION ' end
      || p.oid::pg_catalog.regprocedure::text as object, p.oid, 'pg_catalog.pg_proc'::pg_catalog.regclass::oid as class
  from pg_catalog.pg_proc p where p.pronamespace = pg_catalog.to_regnamespace('public')::oid
    and exists (select from pg_catalog.pg_proc s where s.pronamespace = 'pg_catalog'::pg_catalog.regnamespace::oid and s.proname = p.proname)
  union all
  select 'OPERATOR ' || o.oid::pg_catalog.regoperator::text, o.oid, 'pg_catalog.pg_operator'::pg_catalog.regclass::oid
  from pg_catalog.pg_operator o where o.oprnamespace = pg_catalog.to_regnamespace('public')::oid
    and exists (select from pg_catalog.pg_operator s where s.oprnamespace = 'pg_catalog'::pg_catalog.regnamespace::oid and s.oprname = o.oprname)
  union all
  select case c.relkind when 'v' then 'VIEW ' when 'm' then 'MATERIALIZED VIEW ' when 'f' then 'FOREIGN TABLE ' when 'S' then 'SEQUENCE '
      when 'i' then 'INDEX ' when 'I' then 'INDEX ' when 'c' then 'TYPE ' else 'TABLE ' end
      || 'public.' || pg_catalog.quote_ident(c.relname::text), c.oid, 'pg_catalog.pg_class'::pg_catalog.regclass::oid
  from pg_catalog.pg_class c where c.relnamespace = pg_catalog.to_regnamespace('public')::oid
    and exists (select from pg_catalog.pg_class s where s.relnamespace = 'pg_catalog'::pg_catalog.regnamespace::oid and s.relname = c.relname)
  union all
  select case t.typtype when 'd' then 'DOMAIN ' else 'TYPE ' end || 'public.' || pg_catalog.quote_ident(t.typname::text),
      t.oid, 'pg_catalog.pg_type'::pg_catalog.regclass::oid
  from pg_catalog.pg_type t where t.typnamespace = pg_catalog.to_regnamespace('public')::oid and t.typrelid = 0::oid
    and t.typname !~ '^_'
    and exists (select from pg_catalog.pg_type s where s.typnamespace = 'pg_catalog'::pg_catalog.regnamespace::oid and s.typname = t.typname)
  union all
  select 'COLLATION public.' || pg_catalog.quote_ident(l.collname::text), l.oid, 'pg_catalog.pg_collation'::pg_catalog.regclass::oid
  from pg_catalog.pg_collation l where l.collnamespace = pg_catalog.to_regnamespace('public')::oid
    and exists (select from pg_catalog.pg_collation s where s.collnamespace = 'pg_catalog'::pg_catalog.regnamespace::oid and s.collname = l.collname)
) o where not exists (select from pg_catalog.pg_depend d where d.classid = o.class and d.objid = o.oid and d.deptype = 'e')
order by o.object limit 100"#;

/// What is attached to our tables and runs a function of another role, superusers aside, with the rights of the role that uses
/// the table: triggers, rules, policies, defaults, constraints, of domains too, and indexes.
const ATTACHED: &str = r#"
select distinct p.what, c.relname::text as relation, f.oid::pg_catalog.regprocedure::text as function,
  pg_catalog.pg_get_userbyid(f.proowner)::text as owner
from pg_catalog.pg_class c
join (
  select 'trigger ' || t.tgname::text as what, 'pg_catalog.pg_trigger'::pg_catalog.regclass::oid as class, t.oid, t.tgrelid as rel
  from pg_catalog.pg_trigger t where not t.tgisinternal
  union all
  select 'rule ' || r.rulename::text, 'pg_catalog.pg_rewrite'::pg_catalog.regclass::oid, r.oid, r.ev_class from pg_catalog.pg_rewrite r
  union all
  select 'policy ' || y.polname::text, 'pg_catalog.pg_policy'::pg_catalog.regclass::oid, y.oid, y.polrelid from pg_catalog.pg_policy y
  union all
  select 'the default of ' || a.attname::text, 'pg_catalog.pg_attrdef'::pg_catalog.regclass::oid, e.oid, e.adrelid
  from pg_catalog.pg_attrdef e join pg_catalog.pg_attribute a on a.attrelid = e.adrelid and a.attnum = e.adnum
  union all
  select 'constraint ' || k.conname::text, 'pg_catalog.pg_constraint'::pg_catalog.regclass::oid, k.oid, k.conrelid
  from pg_catalog.pg_constraint k
  union all
  select 'the domain of ' || a.attname::text, 'pg_catalog.pg_constraint'::pg_catalog.regclass::oid, k.oid, a.attrelid
  from pg_catalog.pg_constraint k join pg_catalog.pg_attribute a on a.atttypid = k.contypid
  where k.contypid <> 0::oid and not a.attisdropped
  union all
  select 'index ' || n.relname::text, 'pg_catalog.pg_class'::pg_catalog.regclass::oid, i.indexrelid, i.indrelid
  from pg_catalog.pg_index i join pg_catalog.pg_class n on n.oid = i.indexrelid
) p on p.rel = c.oid
join pg_catalog.pg_depend d on d.classid = p.class and d.objid = p.oid
join pg_catalog.pg_proc f on d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass::oid and f.oid = d.refobjid
  or d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass::oid
    and f.oid = (select s.oprcode::oid from pg_catalog.pg_operator s where s.oid = d.refobjid)
join pg_catalog.pg_roles o on o.oid = f.proowner
where c.relnamespace = pg_catalog.to_regnamespace('public')::oid and c.relname = any ($1)
  and not o.rolsuper and o.rolname <> current_user
  and f.pronamespace <> coalesce(pg_catalog.to_regnamespace('skyteam')::oid, 0::oid)
order by 2, 1, 3 limit 100"#;

pub(super) async fn check(database: &Database) -> Vec<Check> {
    let mut checks = match database.engine() {
        Engine::Postgres => strangers(database)
            .await
            .unwrap_or_else(|error| vec![Check::failed(AREA, "strangers", &Error::from(error))]),
        Engine::Sqlite => Vec::new(),
    };
    checks.extend(opened(database).await);
    checks
}

async fn strangers(database: &Database) -> Result<Vec<Check>, DbErr> {
    let desired = schema::desired().map_err(|error| DbErr::Custom(error.to_string()))?;
    let names: Vec<String> = desired.tables.into_iter().map(|table| table.name).collect();
    let rows = async |sql: &str, values: Vec<sea_orm::Value>| {
        database.conn().query_all_raw(Statement::from_sql_and_values(Engine::Postgres.backend(), sql, values)).await
    };
    let mut checks = Vec::new();
    for row in rows(WRITERS, Vec::new()).await? {
        let (grantee, rights): (String, String) = (row.try_get("", "grantee")?, row.try_get("", "rights")?);
        checks.push(Check::warning(
            AREA,
            "ledger",
            message!(
                "{} has {} on milesTransactions: only its trigger keeps history from being rewritten",
                &grantee,
                &rights
            ),
            message!("REVOKE {} ON public.\"milesTransactions\" FROM {}", &rights, &grantee),
        ));
    }
    for row in rows(WAYS, Vec::new()).await? {
        let (role, way): (String, String) = (row.try_get("", "role")?, row.try_get("", "way")?);
        checks.push(Check::warning(AREA, "ledger", message!("{} {}", &role, &way), row.try_get::<String>("", "fix")?));
    }
    for row in rows(CREATORS, vec![names.clone().into()]).await? {
        let grantee: String = row.try_get("", "grantee")?;
        checks.push(Check::warning(
            AREA,
            "public",
            message!("{} may create in the schema public, also what other programs call by mistake", &grantee),
            message!("REVOKE CREATE ON SCHEMA public FROM {}", &grantee),
        ));
    }
    let shadows: Vec<String> =
        rows(SHADOWS, Vec::new()).await?.iter().map(|row| row.try_get("", "object")).collect::<Result<_, _>>()?;
    if let Some(first) = shadows.first() {
        let named = shadows.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = shadows.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        checks.push(Check::warning(
            AREA,
            "shadows",
            message!("named like the server's own, so that others may call them instead: {}{}", &named, &more),
            message!("DROP {}", first),
        ));
    }
    for row in rows(ATTACHED, vec![names.into()]).await? {
        let (what, relation): (String, String) = (row.try_get("", "what")?, row.try_get("", "relation")?);
        let (function, owner): (String, String) = (row.try_get("", "function")?, row.try_get("", "owner")?);
        checks.push(Check::warning(
            AREA,
            "attached",
            message!(
                "{} on {} runs {}, which is {}'s, with the rights of this role",
                &what,
                &relation,
                &function,
                &owner
            ),
            "drop it, or use a role that has no more rights than its owner",
        ));
    }
    if checks.is_empty() {
        checks.push(Check::ok(AREA, "strangers", "no other role can rewrite the ledger, or plant code in public"));
    }
    Ok(checks)
}

/// When the ledger was last open to changes of its entries.
async fn opened(database: &Database) -> Option<Check> {
    let newest = openings::newest(database.conn()).await.ok()??;
    Some(Check::ok(AREA, "openings", summary(&newest)))
}
