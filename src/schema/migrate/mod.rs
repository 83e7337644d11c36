//! The migration engine: which migrations of this build a database has, and the way up and down from there.
//!
//! The scripts, their runner and the record they keep are the `migration` crate's. Here is what needs more than a script:
//! recognising a database that has no record yet, holding every outcome against the migration's snapshot, counting what
//! a way down would lose. Whom to ask and how to say it is the commands' part.

mod data_loss;
mod down;
mod online;
mod state;
mod status;
mod up;
mod with_schema_lock;

pub use data_loss::Loss;
pub use down::{Descent, WayDown, down, plan_down};
pub(crate) use online::{prepare_online, up_online};
pub(crate) use state::{Origin, look};
pub use status::{Status, status};
pub use up::{WayUp, plan_up, up};
pub(crate) use up::{baseline, check};
pub use with_schema_lock::{Event, Tell};

use migration::Migration;
use migration::history::Via;
use migration::runner::RunError;
use sea_orm::DbErr;
use serde::Serialize;

use crate::db::Engine;
use crate::schema::live::LiveError;
use crate::schema::rights::Missing;
use crate::schema::snapshot::SnapshotError;
use crate::schema::waiting::SessionError;
use crate::schema::{Finding, LockPolicy};

/// How migrations are run.
#[derive(Clone, Copy, Debug)]
pub struct MigrateOptions {
    /// Run everything in one transaction and undo it.
    pub dry_run: bool,
    /// How long to wait, and how often to try.
    pub patience: LockPolicy,
}

/// A migration that is now on the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// `migrate` where its script ran, `baseline` where the database was recognised.
    pub via: &'static str,
    /// How long its script ran, in milliseconds.
    pub took_ms: i32,
}

impl Step {
    fn new(migration: &Migration, via: Via, took_ms: i32) -> Self {
        Self { version: migration.version().to_owned(), name: migration.name().to_owned(), via: via.as_str(), took_ms }
    }
}

/// The migration of this version, name or folder.
///
/// # Errors
/// [`MigrateError::NoSuchVersion`].
pub(crate) fn find<'a>(migrations: &'a [Migration], asked: &str) -> Result<&'a Migration, MigrateError> {
    let is = |migration: &&Migration| [migration.version(), migration.name(), &migration.folder()].contains(&asked);
    migrations.iter().find(is).ok_or_else(|| MigrateError::NoSuchVersion {
        asked: asked.to_owned(),
        known: migrations.iter().map(Migration::folder).collect(),
    })
}

/// Why migrations were not run. Those that had been applied before the failing one stay.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// An entity asks for what no schema can hold.
    #[error(transparent)]
    Desired(#[from] crate::schema::DesiredError),
    /// Applied migrations whose script is another in this build.
    #[error("applied migrations were edited")]
    Edited(Vec<String>),
    /// Applied migrations that this build does not have.
    #[error("applied migrations are unknown here")]
    Missing(Vec<String>),
    /// There is a record of migrations, and the role may not read it.
    #[error("the record of migrations may not be read")]
    Hidden,
    /// No migration of this version or name.
    #[error("no migration {asked}")]
    NoSuchVersion {
        /// What was asked for.
        asked: String,
        /// The folders that there are.
        known: Vec<String>,
    },
    /// The version to go up to lies behind the database.
    #[error("{asked} lies behind {at}")]
    Behind {
        /// What was asked for.
        asked: String,
        /// Where the database is.
        at: String,
    },
    /// The version to go down to is not applied.
    #[error("{0} is not applied")]
    NotApplied(String),
    /// The database has our tables, no record, and equals no version.
    #[error("the database equals no version of the schema")]
    Unrecognised {
        /// The version that it comes nearest to.
        nearest: String,
        /// What would have to change for it to be that version.
        difference: Vec<String>,
        /// Whether it is what the entities ask for, because it was pushed.
        pushed_ahead: bool,
    },
    /// After a migration, the database is not what the migration's snapshot says.
    #[error("the database does not equal {version}")]
    Drifted {
        /// The folder of the migration whose snapshot it should equal.
        version: String,
        /// What would have to change for it to be that.
        difference: Vec<String>,
    },
    /// All migrations are undone, but tables of ours are left.
    #[error("tables are left")]
    Leftovers,
    /// A script failed.
    #[error("{version}: {source}")]
    Run {
        /// The version of its migration.
        version: String,
        /// The failure; boxed, since it is large beside the others.
        source: Box<RunError>,
    },
    /// Rows break rules that a migration adds.
    #[error("rows break what {version} demands")]
    Data {
        /// The folder of the migration.
        version: String,
        /// The rules and the rows.
        findings: Vec<Finding>,
        /// Whether it was run, and rolled back.
        ran: bool,
    },
    /// The role may not do what a migration does.
    #[error("the role {role} lacks rights")]
    Rights {
        /// The role.
        role: String,
        /// The database.
        database: String,
        /// What it lacks.
        missing: Vec<Missing>,
    },
    /// Another change of the schema, or a session that holds a table's lock, did not end in time.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// An online run was refused, or cut off.
    #[error(transparent)]
    Online(#[from] crate::schema::SchemaError),
    /// An embedded snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The live schema cannot be read.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// The driver's.
    #[error(transparent)]
    Driver(#[from] DbErr),
}

impl MigrateError {
    fn run(migration: &Migration, source: RunError) -> Self {
        Self::Run { version: migration.version().to_owned(), source: Box::new(source) }
    }
}

/// The engine in the words of the `migration` crate.
fn dialect(engine: Engine) -> migration::Engine {
    match engine {
        Engine::Postgres => migration::Engine::Postgres,
        Engine::Sqlite => migration::Engine::Sqlite,
    }
}
