//! Why a server refuses to write (SQLSTATE 25006): it is a standby, or a setting makes its transactions read only.

use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::{Database, Engine, quote};

/// Why nothing can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReadOnly {
    /// The server follows another one, and may be promoted.
    Standby,
    /// `default_transaction_read_only` is on.
    Setting {
        /// Where it is set, in words: `for the database "skyteam"`.
        whence: String,
        /// The statement that ends it; `None` where it is set by the URL or the environment.
        end: Option<String>,
        /// Whether it is set for the current role, and not for the whole database.
        of_role: bool,
    },
}

/// Finds out; `None` where the server would write, and on SQLite.
///
/// # Errors
/// The driver's.
pub(crate) async fn why(database: &Database) -> Result<Option<ReadOnly>, DbErr> {
    if database.engine() == Engine::Sqlite {
        return Ok(None);
    }
    // Every role may read both. Of settings for a role and a database the more special one wins.
    let sql = "SELECT pg_is_in_recovery() AS standby, s.reset_val = 'on' AS setting, s.source = 'client' AS client,
            session_user::text AS role, current_database()::text AS database,
            (SELECT CASE WHEN setrole <> 0 AND setdatabase <> 0 THEN 'both' WHEN setrole <> 0 THEN 'role' ELSE 'database' END
               FROM pg_db_role_setting
               WHERE setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
                 AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                 AND EXISTS (SELECT FROM unnest(setconfig) one WHERE starts_with(one, 'default_transaction_read_only='))
               ORDER BY setrole <> 0 AND setdatabase <> 0 DESC, setrole <> 0 DESC LIMIT 1) AS scope
        FROM pg_settings s WHERE name = 'default_transaction_read_only'";
    let statement = Statement::from_string(Engine::Postgres.backend(), sql);
    let Some(row) = database.conn().query_one_raw(statement).await? else { return Ok(None) };
    if row.try_get("", "standby")? {
        return Ok(Some(ReadOnly::Standby));
    }
    if !row.try_get::<bool>("", "setting")? {
        return Ok(None);
    }
    let (role, name): (String, String) = (row.try_get("", "role")?, row.try_get("", "database")?);
    let scope: Option<String> = row.try_get("", "scope")?;
    let scope = if row.try_get("", "client")? { Some("client") } else { scope.as_deref() };
    // In a session that only reads the statement itself would be refused.
    let reset = |what: String| format!("BEGIN READ WRITE; ALTER {what} RESET default_transaction_read_only; COMMIT");
    let (whence, end) = match scope {
        Some("client") => ("by the options of the URL, or PGOPTIONS".to_owned(), None),
        Some("both") => (
            format!("for the role {} in the database {}", quote(&role), quote(&name)),
            Some(reset(format!("ROLE {} IN DATABASE {}", quote(&role), quote(&name)))),
        ),
        Some("role") => (format!("for the role {}", quote(&role)), Some(reset(format!("ROLE {}", quote(&role))))),
        Some(_) => (format!("for the database {}", quote(&name)), Some(reset(format!("DATABASE {}", quote(&name))))),
        None => (
            "for the server".to_owned(),
            Some("ALTER SYSTEM SET default_transaction_read_only = off; SELECT pg_reload_conf()".to_owned()),
        ),
    };
    Ok(Some(ReadOnly::Setting { whence, end, of_role: matches!(scope, Some("both" | "role")) }))
}
