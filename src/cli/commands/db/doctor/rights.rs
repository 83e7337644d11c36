//! What the role may do: make tables, and use the ones there are.

use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::super::planned;
use super::Check;
use crate::cli::context::Context;
use crate::db::{Database, Engine};
use crate::error::Error;
use crate::error::schema::{grant, lacked};
use crate::schema::{self, Request, Wait};

const AREA: &str = "rights";

pub(super) async fn check(database: &Database, cx: &Context) -> Vec<Check> {
    match database.engine() {
        Engine::Postgres => {
            let mut checks = push(database, cx).await;
            match postgres(database).await {
                Ok(found) => checks.extend(found),
                Err(error) => checks.push(Check::failed(AREA, "look", &Error::from(error))),
            }
            checks
        }
        Engine::Sqlite => vec![sqlite(database)],
    }
}

/// What a push would refuse for, by its own rule.
async fn push(database: &Database, cx: &Context) -> Vec<Check> {
    let wait = &mut |wait: Wait<'_>| planned::waiting(cx, &wait);
    let request = Request::default();
    let desired = match schema::desired() {
        Ok(desired) => desired,
        Err(error) => return vec![Check::failed(AREA, "schema changes", &Error::from(error))],
    };
    match schema::prepare(database, &desired, &request, &planned::patience(cx), wait).await {
        Err(error) => vec![Check::failed(AREA, "schema changes", &Error::from(error))],
        Ok(prepared) if prepared.missing.is_empty() => {
            let found = format!("{} may do what db push would do", prepared.live.rights.role);
            vec![Check::ok(AREA, "schema changes", found)]
        }
        Ok(prepared) => {
            let role = &prepared.live.rights.role;
            let check = |right| {
                let found = format!("{role} cannot push: {}", lacked(right));
                Check::error(AREA, "schema changes", found, grant(role, database.name(), right))
            };
            prepared.missing.iter().map(check).collect()
        }
    }
}

async fn postgres(database: &Database) -> Result<Vec<Check>, DbErr> {
    let role = database.target().role.clone().unwrap_or_default();
    let statement = Statement::from_string(
        Engine::Postgres.backend(),
        "select has_schema_privilege('public', 'USAGE') and has_schema_privilege('public', 'CREATE') as public,
                has_database_privilege(current_database(), 'TEMPORARY') as temporary",
    );
    let Some(row) = database.conn().query_one_raw(statement).await? else { return Ok(Vec::new()) };
    let name = database.name();
    let mut checks = Vec::new();
    for (column, right, grant) in [
        ("public", "CREATE on schema public", format!("GRANT USAGE, CREATE ON SCHEMA public TO \"{role}\"")),
        ("temporary", "TEMPORARY on the database", format!("GRANT TEMPORARY ON DATABASE \"{name}\" TO \"{role}\"")),
    ] {
        checks.push(if row.try_get::<bool>("", column)? {
            Check::ok(AREA, right, format!("{role} has it"))
        } else {
            Check::warning(AREA, right, format!("{role} lacks it, and a later change of the schema needs it"), grant)
        });
    }
    checks.extend(tables(database, &role).await?);
    Ok(checks)
}

async fn tables(database: &Database, role: &str) -> Result<Vec<Check>, DbErr> {
    let names = schema::desired::table_names();
    let statement = Statement::from_sql_and_values(
        Engine::Postgres.backend(),
        "select relname as name, pg_get_userbyid(relowner) as owner, pg_has_role(relowner, 'USAGE') as owned,
                concat_ws(', ',
                    case when not has_table_privilege(c.oid, 'SELECT') then 'SELECT' end,
                    case when not has_table_privilege(c.oid, 'INSERT') then 'INSERT' end,
                    case when not has_table_privilege(c.oid, 'UPDATE') then 'UPDATE' end,
                    case when not has_table_privilege(c.oid, 'DELETE') then 'DELETE' end) as missing
         from pg_class c
         where relnamespace = 'public'::regnamespace and relkind = 'r' and relname = any($1)
         order by relname",
        [names.into()],
    );
    let mut checks = Vec::new();
    for row in database.conn().query_all_raw(statement).await? {
        let (name, owner): (String, String) = (row.try_get("", "name")?, row.try_get("", "owner")?);
        let missing: String = row.try_get("", "missing")?;
        if !missing.is_empty() {
            checks.push(Check::error(
                AREA,
                "table",
                format!("{role} lacks {missing} on {name}"),
                format!("GRANT {missing} ON \"{name}\" TO \"{role}\""),
            ));
        } else if !row.try_get::<bool>("", "owned")? {
            checks.push(Check::warning(
                AREA,
                "table",
                format!("{name} belongs to {owner}: {role} can use it, and cannot change its schema"),
                format!("ALTER TABLE \"{name}\" OWNER TO \"{role}\""),
            ));
        }
    }
    if checks.is_empty() {
        checks.push(Check::ok(AREA, "tables", format!("{role} may read, write and change them")));
    }
    Ok(checks)
}

fn sqlite(database: &Database) -> Check {
    let path = database.target().path.clone().unwrap_or_default();
    match std::fs::OpenOptions::new().append(true).open(&path) {
        Ok(_) => Check::ok(AREA, "file", "may be written"),
        Err(error) => Check::error(AREA, "file", format!("{path}: {error}"), format!("ls -l {path}")),
    }
}
