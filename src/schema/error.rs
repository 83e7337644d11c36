//! Why a schema was not changed, and which of the reasons may pass when it is tried again.

use sea_orm::DbErr;

use super::checks::Finding;
use super::dependents::Dependent;
use super::live::LiveError;
use super::lock::{Obstacle, Obstructed};
use super::plan::{PlanError, Step};
use super::rights::Missing;
use super::snapshot::SnapshotError;
use super::waiting::{SessionError, is_locked};

/// Why a plan did not run. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The live schema cannot be read.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// What was asked for does not fit.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The role may not do it.
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
    /// A newer skyteam has been here: migrations are applied that this build does not have.
    #[error("the database is ahead of this build")]
    Ahead(Vec<String>),
    /// Objects of others depend on columns that go or get another type.
    #[error("other objects depend on columns that change")]
    Depended(Vec<Dependent>),
    /// What others have attached to an object that is replaced, and nothing that takes its place can have.
    #[error("something that is attached to a replaced object would be lost")]
    Unkept(Vec<String>),
    /// The database is no longer what the plan was made for.
    #[error("the database has changed since the plan was made")]
    Changed,
    /// A statement failed.
    #[error("{}: {source}", .step.what)]
    Statement {
        /// The step; boxed, since it is large beside the others.
        step: Box<Step>,
        /// The statement.
        sql: String,
        /// The driver's error.
        source: DbErr,
    },
    /// After all steps something still differed.
    #[error("the outcome is not the desired schema")]
    NotEqual {
        /// What still differed.
        differences: Vec<String>,
    },
    /// The connection goes through a pooler in transaction mode, where a session lasts for one transaction only.
    #[error("an online push needs a session of its own")]
    Pooler,
    /// Steps that cannot be done online, each with the reason.
    #[error("{} steps cannot be done online", .0.len())]
    Online(Vec<(String, &'static str)>),
    /// A part of an online push failed. What was done before it stays.
    #[error("{}: {source}", .step.what)]
    Part {
        /// The step.
        step: Box<Step>,
        /// The statement.
        sql: String,
        /// The driver's error.
        source: DbErr,
    },
    /// Rows came that break what an online push was making. What was done before it stays.
    #[error("rows break what {} demands", .step.what)]
    Broken {
        /// The step.
        step: Box<Step>,
        /// The rules and the rows.
        findings: Vec<Finding>,
    },
    /// After all steps of an online push something still differed.
    #[error("the outcome is not the desired schema")]
    OnlineDiffers(Vec<String>),
    /// Rows would refer to nothing. SQLite only.
    #[error("{rows} rows of {table} would refer to rows of {target} that are not there")]
    Dangling {
        /// Whose rows.
        table: String,
        /// The table referred to.
        target: String,
        /// How many.
        rows: u64,
    },
    /// A migration's snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The driver's.
    #[error(transparent)]
    Driver(#[from] DbErr),
}

impl Obstructed for SchemaError {
    fn obstacle(&self) -> Option<Obstacle> {
        match self {
            Self::Statement { step, source, .. } if is_locked(source) => {
                let lock = step.lock.as_ref();
                let (tables, mode) = lock.map(|lock| (lock.tables.clone(), lock.mode)).unwrap_or_default();
                Some(Obstacle::Locked { what: step.what.clone(), tables, mode, window: None })
            }
            Self::Live(error) => Obstacle::of_live(error),
            Self::Session(error) => Obstacle::of_session(error),
            Self::Driver(error) => Obstacle::of_reading(error),
            _ => None,
        }
    }

    fn into_cause(self) -> Option<DbErr> {
        match self {
            Self::Live(LiveError::Driver(error))
            | Self::Session(SessionError::Driver(error))
            | Self::Driver(error)
            | Self::Statement { source: error, .. }
            | Self::Part { source: error, .. } => Some(error),
            Self::Session(SessionError::Contended(contended)) => contended.source,
            _ => None,
        }
    }
}
