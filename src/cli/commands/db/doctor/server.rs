//! The server or the file behind the database: version, clock, connections, encryption, soundness.

use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::Check;
use crate::cli::context::Context;
use crate::db::read_only::{self, ReadOnly};
use crate::db::{Database, Engine};
use crate::error::Error;
use crate::message::{message, skyteam};

const AREA: &str = "server";
/// The oldest PostgreSQL that skyteam is made for.
const OLDEST: i32 = 150_000;

pub(super) async fn check(database: &Database, cx: &Context) -> Vec<Check> {
    let checked = match database.engine() {
        Engine::Postgres => postgres(database, cx).await,
        Engine::Sqlite => sqlite(database).await,
    };
    checked.unwrap_or_else(|error| vec![Check::failed(AREA, "connection", &Error::from(error))])
}

async fn postgres(database: &Database, cx: &Context) -> Result<Vec<Check>, DbErr> {
    // pg_stat_activity hides other roles' kind of session from a role like ours; pg_stat_database counts all.
    let statement = Statement::from_string(
        Engine::Postgres.backend(),
        "select current_setting('server_version') as version,
                current_setting('server_version_num')::int as number,
                current_setting('TimeZone') as zone,
                current_setting('max_connections')::int as most,
                (select sum(numbackends)::int from pg_stat_database) as used,
                coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as encrypted,
                pg_is_in_recovery() as standby,
                extract(epoch from clock_timestamp())::float8 as clock",
    );
    let asked = chrono::Utc::now();
    let Some(row) = database.conn().query_one_raw(statement).await? else { return Ok(Vec::new()) };
    let mut checks = Vec::new();

    let (version, number): (String, i32) = (row.try_get("", "version")?, row.try_get("", "number")?);
    let found = message!("PostgreSQL {}", &version);
    checks.push(if number >= OLDEST {
        Check::ok(AREA, "version", found)
    } else {
        Check::error(
            AREA,
            "version",
            message!("{} is older than 15", &found),
            "upgrade the server to PostgreSQL 15 or later",
        )
    });
    if row.try_get::<bool>("", "standby")? {
        checks.push(Check::error(
            AREA,
            "role",
            "a standby: it only reads",
            "name the primary server in the database URL",
        ));
    }
    if let Some(ReadOnly::Setting { whence, end, of_role }) = read_only::why(database).await? {
        let found = message!("default_transaction_read_only is on {}: nothing can be written", &whence);
        let end = end.unwrap_or_else(|| "take default_transaction_read_only out of them".to_owned());
        // A role that may not write affects no other one.
        checks.push(if of_role {
            Check::warning(AREA, "read only", found, end)
        } else {
            Check::error(AREA, "read only", found, end)
        });
    }
    let zone: String = row.try_get("", "zone")?;
    checks.push(if zone == "UTC" {
        Check::ok(AREA, "time zone", "sessions run in UTC")
    } else {
        Check::error(AREA, "time zone", message!("this session runs in {}", &zone), "let the pooler pass TimeZone on")
    });
    let (used, most): (i32, i32) = (row.try_get("", "used")?, row.try_get("", "most")?);
    let found = message!("{} of {} in use", used, most);
    checks.push(if used * 5 < most * 4 {
        Check::ok(AREA, "connections", found)
    } else {
        Check::warning(
            AREA,
            "connections",
            found,
            "close idle clients, put a pooler in front, or raise max_connections",
        )
    });
    // Where a test pins the clock it is no measure.
    if (asked - cx.now).num_minutes().abs() < 60 {
        let apart = (row.try_get::<f64>("", "clock")? - asked.timestamp() as f64).abs();
        checks.push(if apart < 30.0 {
            Check::ok(AREA, "clock", "agrees with this machine's")
        } else {
            Check::warning(
                AREA,
                "clock",
                message!("{} s apart from this machine's", format!("{:.0}", apart)),
                "timedatectl set-ntp true",
            )
        });
    }
    checks.push(encryption(database, row.try_get("", "encrypted")?));
    Ok(checks)
}

fn encryption(database: &Database, encrypted: bool) -> Check {
    let name = "encryption";
    if database.target().is_local() {
        return Check::ok(AREA, name, "not needed: the server is on this machine");
    }
    if !encrypted {
        return Check::error(
            AREA,
            name,
            "the connection to a remote host is not encrypted",
            "add sslmode=verify-full to the database URL",
        );
    }
    let mode = match database.url() {
        crate::db::DatabaseUrl::Postgres(place) => place
            .parameters
            .iter()
            .find(|(key, _)| key == "sslmode" || key == "ssl-mode")
            .map(|(_, mode)| mode.as_str()),
        crate::db::DatabaseUrl::Sqlite(_) => None,
    };
    match mode {
        Some("verify-full") => Check::ok(AREA, name, "TLS, and the server's name is verified"),
        _ => Check::warning(
            AREA,
            name,
            "TLS, but anybody between could pose as the server",
            "add sslmode=verify-full, and sslrootcert=FILE for a private authority, to the database URL",
        ),
    }
}

async fn sqlite(database: &Database) -> Result<Vec<Check>, DbErr> {
    let text = async |sql: &str| -> Result<String, DbErr> {
        let row = database.conn().query_one_raw(Statement::from_string(Engine::Sqlite.backend(), sql)).await?;
        row.map_or_else(|| Ok(String::new()), |row| row.try_get_by_index::<String>(0))
    };
    let mut checks =
        vec![Check::ok(AREA, "version", message!("SQLite {}, embedded", text("select sqlite_version()").await?))];
    let sound = text("select group_concat(quick_check, '; ') from pragma_quick_check").await?;
    checks.push(if sound == "ok" {
        Check::ok(AREA, "file", "sound")
    } else {
        Check::error(
            AREA,
            "file",
            message!("damaged: {}", &sound),
            message!("{}    from the last proved backup", skyteam("db restore FILE")),
        )
    });
    let orphans = text("select count(*) || '' from pragma_foreign_key_check").await?;
    checks.push(if orphans == "0" {
        Check::ok(AREA, "foreign keys", "every reference leads somewhere")
    } else {
        Check::error(
            AREA,
            "foreign keys",
            message!("rows that refer to nothing: {}", orphans),
            skyteam("db shell --").arg("PRAGMA foreign_key_check"),
        )
    });
    Ok(checks)
}
