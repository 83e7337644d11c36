//! What the role may do: make tables, and use the ones there are.

use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::Check;
use crate::db::{Database, Engine};
use crate::error::Error;
use crate::schema;

const AREA: &str = "rights";

pub(super) async fn check(database: &Database) -> Vec<Check> {
    match database.engine() {
        Engine::Postgres => {
            postgres(database).await.unwrap_or_else(|error| vec![Check::failed(AREA, "look", &Error::from(error))])
        }
        Engine::Sqlite => vec![sqlite(database)],
    }
}

async fn postgres(database: &Database) -> Result<Vec<Check>, DbErr> {
    let role = database.target().role.clone().unwrap_or_default();
    let statement = Statement::from_string(
        Engine::Postgres.backend(),
        "select has_schema_privilege('public', 'USAGE') and has_schema_privilege('public', 'CREATE') as public,
                has_database_privilege(current_database(), 'CREATE') as \"create\",
                has_database_privilege(current_database(), 'TEMPORARY') as temporary",
    );
    let Some(row) = database.conn().query_one_raw(statement).await? else { return Ok(Vec::new()) };
    let name = database.name();
    let mut checks = Vec::new();
    for (column, right, grant) in [
        ("public", "CREATE on schema public", format!("GRANT USAGE, CREATE ON SCHEMA public TO \"{role}\"")),
        ("create", "CREATE on the database", format!("GRANT CREATE ON DATABASE \"{name}\" TO \"{role}\"")),
        ("temporary", "TEMPORARY on the database", format!("GRANT TEMPORARY ON DATABASE \"{name}\" TO \"{role}\"")),
    ] {
        checks.push(if row.try_get::<bool>("", column)? {
            Check::ok(AREA, right, format!("{role} has it"))
        } else {
            Check::error(AREA, right, format!("{role} lacks it: no schema change will work"), grant)
        });
    }
    checks.extend(tables(database, &role).await?);
    Ok(checks)
}

async fn tables(database: &Database, role: &str) -> Result<Vec<Check>, DbErr> {
    let names: Vec<String> = schema::desired().tables.iter().map(|table| table.name.clone()).collect();
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
