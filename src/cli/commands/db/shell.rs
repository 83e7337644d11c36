//! `db shell`: psql or sqlite3 in place of this process.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::cli::context::Context;
use crate::db::{DatabaseUrl, PostgresUrl};
use crate::error::{Error, Kind, Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db shell
  skyteam db shell -- -c 'select count(*) from users'";

/// Arguments of `db shell`.
#[derive(clap::Args, Debug)]
pub struct DbShellArgs {
    /// Arguments for psql or sqlite3
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

pub(super) async fn run(args: DbShellArgs, cx: &Context) -> Result<Outcome> {
    // Opened first: every failure is then told in our words, and an SQLite file is not made by looking.
    let database = cx.writer().await?;
    database.close().await;
    let mut command = match database.url() {
        DatabaseUrl::Postgres(place) => {
            let mut command = Command::new("psql");
            command.env_clear().envs(&cx.env).envs(libpq_variables(place));
            // The tables hold UTC without saying so.
            command.env("PGTZ", "UTC");
            if let Some(limit) = database.options().statement_timeout {
                let given = place.parameter("options").or(cx.env.get("PGOPTIONS").map(String::as_str));
                let limit = format!("-c statement_timeout={}", limit.as_millis());
                command.env("PGOPTIONS", [given.unwrap_or_default(), &limit].join(" ").trim());
            }
            command
        }
        DatabaseUrl::Sqlite(place) => {
            let mut command = Command::new("sqlite3");
            // sqlite3 leaves foreign keys off unless it is told.
            command.env_clear().envs(&cx.env).args(["-cmd", "PRAGMA foreign_keys = ON"]).arg(&place.path);
            command
        }
    };
    let program = command.get_program().to_string_lossy().into_owned();
    // In place of this process, so that Ctrl-C and the terminal are the shell's alone.
    let error = command.args(&args.args).exec();
    let package = if program == "psql" { "postgresql-client" } else { "sqlite3" };
    Err(Error::new(Kind::Failure, "no_shell", format!("{program} cannot be started"))
        .why(error.to_string())
        .fix(format!("apt-get install {package}")))
}

/// The place and the login as libpq's variables: nothing of them stands in the process list.
pub(super) fn libpq_variables(place: &PostgresUrl) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::from([("PGAPPNAME".to_owned(), "skyteam db shell".to_owned())]);
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            variables.insert(name.to_owned(), value);
        }
    };
    set("PGHOST", place.host.clone());
    set("PGPORT", place.port.map(|port| port.to_string()));
    set("PGUSER", place.user.clone());
    set("PGDATABASE", place.database.clone());
    set("PGPASSWORD", place.password.as_ref().map(|password| password.expose().to_owned()));
    for (name, value) in &place.parameters {
        let variable = match name.as_str() {
            "sslmode" | "ssl-mode" => "PGSSLMODE",
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => "PGSSLROOTCERT",
            "sslcert" | "ssl-cert" => "PGSSLCERT",
            "sslkey" | "ssl-key" => "PGSSLKEY",
            "connect_timeout" => "PGCONNECT_TIMEOUT",
            "options" => "PGOPTIONS",
            _ => continue,
        };
        set(variable, Some(value.clone()));
    }
    variables
}
