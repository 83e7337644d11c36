//! The wording of a database that could not be opened.

use super::{Error, Kind, driver};
use crate::db::{ConnectError, Target};

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Server { target, source } => {
                let described = describe(&target, &source);
                described.source(source)
            }
            ConnectError::TimedOut { target, after } => unreachable(&target)
                .why(format!("no answer within {:.1} s", after.as_secs_f32()))
                .fix("check host, port and firewall, or give it longer: connect_timeout=10 in the URL"),
            ConnectError::NoFile { path } => Self::new(Kind::Config, "no_database", format!("no database file {path}"))
                .fix("skyteam db push    makes it, with all tables")
                .fix("--database-url URL or DATABASE_URL names another database"),
            ConnectError::Folder { path, source } => {
                Self::new(Kind::Config, "cannot_open", format!("the database file {path} cannot be made"))
                    .why(source.to_string())
                    .source(source)
            }
            ConnectError::Parameter { name, value, accepted } => Self::new(
                Kind::Config,
                "malformed_url",
                format!("the URL's parameter {name}={value} is not understood"),
            )
            .why(format!("accepted: {accepted}")),
        }
    }
}

fn unreachable(target: &Target) -> Error {
    Error::new(Kind::Unreachable, "unreachable", format!("the database server cannot be reached: {target}"))
}

fn describe(target: &Target, source: &sqlx::Error) -> Error {
    let role = target.role.as_deref().unwrap_or_default();
    match source {
        sqlx::Error::Io(io) => {
            let error = unreachable(target);
            match driver::describe(source).reasons() {
                [] => error.why(io.to_string()),
                [why, ..] => error.why(why.clone()),
            }
            .fix("check that the server runs, and host and port of the URL")
        }
        sqlx::Error::Database(refusal) if target.path.is_none() => match refusal.code().as_deref() {
            Some("28P01" | "28000") => driver::describe(source)
                .fix(format!("check the password of role {role:?}: in the URL, PGPASSWORD or ~/.pgpass")),
            Some("3D000") => Error::new(
                Kind::Config,
                "no_such_database",
                format!("no database {:?} on that server", target.database),
            )
            .why(refusal.message())
            .fix("skyteam db create")
            .sqlstate("3D000"),
            _ => driver::describe(source),
        },
        sqlx::Error::Database(refusal) => driver::describe(source).why(format!("{}: {}", target, refusal.message())),
        _ => driver::describe(source),
    }
}
