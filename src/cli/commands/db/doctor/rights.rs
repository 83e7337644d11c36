//! Checks of the role's rights: creating tables, and using those that exist.

use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::super::planned;
use super::{Check, Level};
use crate::backup::record;
use crate::cli::context::Context;
use crate::db::grants::LEDGER;
use crate::db::{Database, Engine, quote};
use crate::error::Error;
use crate::error::schema::{grant, lacked};
use crate::message::{message, program, skyteam, word};
use crate::schema::{self, Request, Wait};

const AREA: &str = "rights";

pub(super) async fn check(database: &Database, cx: &Context) -> Vec<Check> {
    match database.engine() {
        Engine::Postgres => {
            let tables = match tables(database).await {
                Ok(tables) => tables,
                Err(error) => return vec![Check::failed(AREA, "look", &Error::from(error))],
            };
            let role = database.target().role.clone().unwrap_or_default();
            let mut checks = match row_security(database, &role).await {
                Ok(found) => found,
                Err(error) => vec![Check::failed(AREA, "row level security", &Error::from(error))],
            };
            match Use::of(&tables) {
                Use::Reads => {
                    checks.extend(reads(&role, &tables));
                    checks.extend(vouched(database, &role, cx).await);
                    return checks;
                }
                Use::Writes => {
                    checks.extend(writes(&role, &tables, push(database, cx).await));
                    return checks;
                }
                Use::Changes => {}
            }
            checks.extend(push(database, cx).await);
            match postgres(database).await {
                Ok(found) => checks.extend(found),
                Err(error) => checks.push(Check::failed(AREA, "look", &Error::from(error))),
            }
            checks.extend(changes(&role, &tables));
            checks
        }
        Engine::Sqlite => vec![sqlite(database)],
    }
}

/// Tables of ours whose policies hide rows: an error for a role that they apply to, which is refused every answer.
async fn row_security(database: &Database, role: &str) -> Result<Vec<Check>, DbErr> {
    let statement = Statement::from_sql_and_values(
        Engine::Postgres.backend(),
        "select c.relname::text as name, row_security_active(c.oid) as active,
                coalesce((select string_agg(quote_ident(p.polname), ', ' order by p.polname) from pg_policy p
                          where p.polrelid = c.oid), '') as policies
         from pg_catalog.pg_class c
         where relnamespace = to_regnamespace('public') and relrowsecurity and relname = any($1)
         order by 1",
        [schema::desired::table_names().into()],
    );
    let rows = database.conn().query_all_raw(statement).await?;
    let check = |row: &sea_orm::QueryResult| {
        let (name, policies): (String, String) = (row.try_get("", "name")?, row.try_get("", "policies")?);
        let policies = match policies.as_str() {
            "" => "no policy, so that no row is seen".to_owned(),
            named => format!("policies {named}"),
        };
        let (table, whom) = (quote(&name), quote(role));
        Ok(if row.try_get("", "active")? {
            let found = message!(
                "{} has row level security ({}), which applies to {}: reading is refused",
                name,
                policies,
                role
            );
            let fix = message!("ALTER TABLE {} DISABLE ROW LEVEL SECURITY; or: ALTER ROLE {} BYPASSRLS", table, whom);
            Check::error(AREA, "row level security", found, fix)
        } else {
            let found = message!("{} has row level security ({}); it does not apply to {}", name, policies, role);
            Check::warning(
                AREA,
                "row level security",
                found,
                message!("ALTER TABLE {} DISABLE ROW LEVEL SECURITY", table),
            )
        })
    };
    rows.iter().map(check).collect()
}

/// Whether anything shows who made the backups of a role that only reads.
async fn vouched(database: &Database, role: &str, cx: &Context) -> Option<Check> {
    const NAME: &str = "backups";
    match record::may_remember(database).await {
        Err(error) => return Some(Check::failed(AREA, NAME, &Error::from(error))),
        Ok(true) => return None,
        Ok(false) => {}
    }
    Some(if cx.settings.sign_key.is_some() {
        Check::ok(AREA, NAME, message!("the backups of {} are signed", role))
    } else {
        let found = message!(
            "nothing shows who made the backups of {}: it only reads, so the database does not remember them, and no key \
             signs them",
            role
        );
        let key = "/etc/skyteam/backup-key.pem";
        let fix = message!("{}, then SKYTEAM_SIGN_KEY={}", skyteam("config keygen").file(key), word(key));
        Check::warning(AREA, NAME, found, fix)
    })
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
            let found = message!("{} may do what db push would do", &prepared.live.rights.role);
            vec![Check::ok(AREA, "schema changes", found)]
        }
        Ok(prepared) => {
            let role = &prepared.live.rights.role;
            let check = |right| {
                let found = message!("{} cannot push: {}", role, lacked(right));
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
        "select coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'USAGE')
                  and has_schema_privilege(to_regnamespace('public')::oid, 'CREATE'), false) as public,
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
            Check::ok(AREA, right, message!("{} has it", &role))
        } else {
            Check::warning(
                AREA,
                right,
                message!("{} lacks it, and a later change of the schema needs it", &role),
                grant,
            )
        });
    }
    Ok(checks)
}

/// A table of ours, and what the role may do with it.
struct Table {
    name: String,
    owner: String,
    owned: bool,
    missing: Vec<String>,
}

/// What a role does here, by its rights on the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// It may write nowhere: backups, lists, audits.
    Reads,
    /// It writes, and owns none of them.
    Writes,
    /// It owns some, or there are none yet.
    Changes,
}

impl Use {
    fn of(tables: &[Table]) -> Self {
        if tables.is_empty() || tables.iter().any(|table| table.owned) {
            return Self::Changes;
        }
        let writes = ["INSERT", "UPDATE", "DELETE"];
        let reads_only = |table: &Table| writes.iter().all(|right| table.missing.iter().any(|one| one == right));
        if tables.iter().all(reads_only) { Self::Reads } else { Self::Writes }
    }
}

async fn tables(database: &Database) -> Result<Vec<Table>, DbErr> {
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
         where relnamespace = to_regnamespace('public') and relkind = 'r' and relname = any($1)
         order by relname",
        [names.into()],
    );
    let table = |row: sea_orm::QueryResult| {
        let missing: String = row.try_get("", "missing")?;
        Ok(Table {
            name: row.try_get("", "name")?,
            owner: row.try_get("", "owner")?,
            owned: row.try_get("", "owned")?,
            missing: missing.split(", ").filter(|right| !right.is_empty()).map(str::to_owned).collect(),
        })
    };
    database.conn().query_all_raw(statement).await?.into_iter().map(table).collect()
}

/// A role that can only read is judged by that.
fn reads(role: &str, tables: &[Table]) -> Vec<Check> {
    let hidden: Vec<&str> = tables
        .iter()
        .filter(|table| table.missing.iter().any(|right| right == "SELECT"))
        .map(|table| table.name.as_str())
        .collect();
    if hidden.is_empty() {
        let found =
            message!("{} only reads: enough for backups, lists, audits and the doctor; it can write nothing", &role);
        return vec![Check::ok(AREA, "purpose", found)];
    }
    let found = message!("{} only reads, and not all: it lacks SELECT on {}", &role, hidden.join(", "));
    vec![Check::error(AREA, "table", found, skyteam("db grant").last(role).words("--for backup"))]
}

/// A role that writes and owns nothing: what it cannot do to the schema is no fault of it.
fn writes(role: &str, tables: &[Table], push: Vec<Check>) -> Vec<Check> {
    // Entries of the ledger are added and never changed.
    let needs = |table: &Table, right: &str| table.name != LEDGER || matches!(right, "SELECT" | "INSERT");
    let lacking = tables.iter().filter_map(|table| {
        let missing: Vec<&str> = table.missing.iter().map(String::as_str).filter(|right| needs(table, right)).collect();
        (!missing.is_empty()).then(|| format!("{} on {}", missing.join(", "), table.name))
    });
    let lacking: Vec<String> = lacking.collect();
    let mut checks = vec![if lacking.is_empty() {
        Check::ok(
            AREA,
            "purpose",
            message!("{} reads and writes; the schema is changed by the owner of the tables", &role),
        )
    } else {
        let found = message!("{} writes, and lacks {}", &role, lacking.join("; "));
        Check::error(AREA, "table", found, skyteam("db grant").last(role).words("--for staff"))
    }];
    checks.extend(push.into_iter().map(|check| match check.level {
        Level::Error => Check { level: Level::Warning, ..check },
        _ => check,
    }));
    checks
}

fn changes(role: &str, tables: &[Table]) -> Vec<Check> {
    let mut checks = Vec::new();
    for Table { name, owner, owned, missing } in tables {
        if !missing.is_empty() {
            let missing = missing.join(", ");
            checks.push(Check::error(
                AREA,
                "table",
                message!("{} lacks {} on {}", &role, &missing, name),
                message!("GRANT {} ON {} TO {}", &missing, quote(name), quote(role)),
            ));
        } else if !owned {
            checks.push(Check::warning(
                AREA,
                "table",
                message!("{} belongs to {}: {} can use it, and cannot change its schema", name, owner, &role),
                message!("ALTER TABLE {} OWNER TO {}", quote(name), quote(role)),
            ));
        }
    }
    if checks.is_empty() {
        checks.push(Check::ok(AREA, "tables", message!("{} may read, write and change them", &role)));
    }
    checks
}

fn sqlite(database: &Database) -> Check {
    let path = database.target().path.clone().unwrap_or_default();
    match std::fs::OpenOptions::new().append(true).open(&path) {
        Ok(_) => Check::ok(AREA, "file", "may be written"),
        Err(error) => Check::error(
            AREA,
            "file",
            message!("{}: {}", &path, error.to_string()),
            program("ls").words("-l").file(&path),
        ),
    }
}
