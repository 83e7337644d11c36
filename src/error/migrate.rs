//! The wording of migrations that were refused or failed.

use migration::runner::RunError;

use super::schema::{ahead, data_breaks, lacking};
use super::{Error, Kind};
use crate::directory::input::quoted;
use crate::message::{count, message, skyteam};
use crate::schema::generate::GenerateError;
use crate::schema::migrate::MigrateError;
use crate::schema::snapshot::SnapshotError;

/// How many lines of a difference are shown; `db diff` shows all.
const SHOWN: usize = 8;

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Desired(error) => error.into(),
            MigrateError::Edited(folders) => {
                Self::new(Kind::Refused, "edited_migration", "an applied migration was edited")
                    .why(message!("another script ran here under the name of {}", folders.join(", ")))
                    .fix("bring the applied script back, and write the change as a migration of its own:")
                    .fix(skyteam("db generate"))
            }
            MigrateError::Missing(folders) => ahead(&folders),
            MigrateError::Hidden => Self::new(
                Kind::Denied,
                "permission_denied",
                "this role may not read skyteam.migrations, the record of migrations",
            )
            .sqlstate("42501"),
            MigrateError::NoSuchVersion { asked, known } => {
                Self::new(Kind::NotFound, "no_such_migration", message!("no migration {}", quoted(&asked)))
                    .why(message!("there are {}", known.join(", ")))
            }
            MigrateError::Behind { asked, at } => {
                Self::new(Kind::Refused, "behind", message!("the database is past {}", &asked))
                    .why(message!("it is at {}, and migrate only goes up", &at))
                    .fix(skyteam("db rollback").flag("--to", &asked))
            }
            MigrateError::NotApplied(folder) => {
                Self::new(Kind::Refused, "not_applied", message!("{} is not applied here", &folder))
                    .fix(skyteam("db status"))
            }
            MigrateError::Unrecognised { pushed_ahead: true, .. } => {
                Self::new(Kind::Refused, "unrecognised_schema", "the database was pushed ahead of the migrations")
                    .why("it is what the entities ask for, and no migration makes that yet")
                    .fix(message!("{}, build again, then {}", skyteam("db generate"), skyteam("db migrate")))
            }
            MigrateError::Unrecognised { nearest, difference, pushed_ahead: false } => {
                let error = Self::new(
                    Kind::Refused,
                    "unrecognised_schema",
                    "the database has tables of ours, but equals no version of the schema",
                )
                .why(message!("to be {}, which it comes nearest to, it would need:", &nearest));
                with_difference(error, &difference)
                    .fix(message!("{}                  makes it what the entities ask for", skyteam("db push")))
                    .fix(message!(
                        "{}    takes it for that version as it is",
                        skyteam("db migrate --baseline --to VERSION")
                    ))
            }
            MigrateError::Drifted { version, difference } => {
                let error = Self::new(
                    Kind::Refused,
                    "drifted",
                    message!("the database would not be what {} says; that step was rolled back", version),
                )
                .why("to be so, it would still need:");
                with_difference(error, &difference).fix(skyteam("db diff")).fix(skyteam("db push"))
            }
            MigrateError::Leftovers => {
                Self::new(Kind::Refused, "drifted", "tables are left after the last step down; it was rolled back")
                    .fix(skyteam("db status"))
            }
            MigrateError::Run { source, .. } => (*source).into(),
            MigrateError::Data { version, findings, ran: true } => {
                data_breaks(&findings).why(message!("{} was rolled back", &version))
            }
            MigrateError::Data { findings, .. } => data_breaks(&findings),
            MigrateError::Rights { role, database, missing } => lacking(&role, &database, &missing),
            MigrateError::Session(error) => error.into(),
            MigrateError::Online(error) => error.into(),
            MigrateError::Snapshot(error) => error.into(),
            MigrateError::Live(error) => error.into(),
            MigrateError::Driver(error) => error.into(),
        }
    }
}

/// A script that failed keeps the exit code of what the server said, and says where.
impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Statement { file, number, line, sql, source } => {
                let refused = Self::from(source);
                let at = message!(
                    "{}, line {}: statement {} failed, and the migration was rolled back",
                    file,
                    line.to_string(),
                    number.to_string()
                );
                let mut error = Self::new(refused.kind(), "migration_failed", at).because(&refused);
                let first = sql.lines().next().unwrap_or_default();
                error = error.why(message!("statement: {}", &first));
                if refused.code() == "name_taken" {
                    error = error
                        .fix(message!("{}    takes it, where it is what the migration would make", skyteam("db push")));
                }
                for fix in refused.fixes() {
                    error = error.fix(fix);
                }
                error.source(refused)
            }
            RunError::Script { file, source } => {
                Self::new(Kind::Failure, "malformed_migration", message!("{} cannot be read as SQL", &file))
                    .why(source.to_string())
            }
            RunError::ForeignKeys { file, table, parent, rows } => Self::new(
                Kind::Refused,
                "migration_failed",
                message!("{} would leave rows that refer to nothing; it was rolled back", file),
            )
            .why(message!("{} of {} would have no row of {}", count(rows, "row"), table, parent)),
            RunError::Record(error) => error.into(),
        }
    }
}

impl From<GenerateError> for Error {
    fn from(error: GenerateError) -> Self {
        match error {
            GenerateError::Name(name) => {
                Self::new(Kind::Usage, "invalid_value", message!("{} is no name for a migration", quoted(&name)))
                    .why("accepted are words of letters and digits, like add_home_airport")
            }
            GenerateError::Plan(error) => error.into(),
            GenerateError::Json(_) => {
                Self::new(Kind::Failure, "unreadable_snapshot", "the schema cannot be written as JSON").source(error)
            }
        }
    }
}

impl From<SnapshotError> for Error {
    fn from(error: SnapshotError) -> Self {
        match &error {
            SnapshotError::NoFolder(from) => Self::new(
                Kind::Config,
                "no_migration_folder",
                message!("no migration folder in {} or above", from.display()),
            )
            .why("this is a developer's command: it writes into the source tree of skyteam")
            .fix("run it inside the repository"),
            SnapshotError::Unreadable { file, source } => {
                Self::new(Kind::Failure, "unreadable_snapshot", message!("{} is no snapshot", file.display()))
                    .why(source.to_string())
            }
            SnapshotError::Io { path, source } => {
                Self::new(Kind::Failure, "io", message!("{} cannot be read or written", path.display()))
                    .why(source.to_string())
            }
        }
        .source(error)
    }
}

fn with_difference(error: Error, difference: &[String]) -> Error {
    let shown = difference.iter().take(SHOWN).fold(error, |error, change| error.why(message!("- {}", change)));
    match difference.len().saturating_sub(SHOWN) {
        0 => shown,
        more => shown.why(message!("… and {} more: {}", more, skyteam("db diff"))),
    }
}
