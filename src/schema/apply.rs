//! Runs a plan: in one transaction under the schema's lock, and only if the outcome is what was wanted.
//!
//! The plan that was looked at and approved is made again from what stands there once the lock is held. If that is
//! another plan, somebody was faster: nothing runs. After the last step the live schema is read once more and must equal
//! the desired one, else everything is undone. Nothing here ever empties a table or cascades.

use std::time::Duration;

use migration::history::Via;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};

use super::diff::{Origin, diff};
use super::live::{self, LiveError};
use super::model::Schema;
use super::plan::{Plan, PlanError, Request, Step, plan};
use super::record;
use super::rights::{self, Missing};
use super::session::{self, Holder, Patience, Session, SessionError};
use super::snapshot::SnapshotError;
use crate::approval::Approval;
use crate::db::{Database, Engine, sql_state};

/// How a plan is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// How long to wait, and how often to try.
    pub patience: Patience,
    /// Run everything, then undo it.
    pub dry_run: bool,
    /// Note which migration the schema then equals.
    pub record: bool,
}

/// What happens while a plan runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// Another change of the schema goes on; it is waited for.
    Waiting(&'a Holder),
    /// A table is locked by others; everything was undone and is tried again.
    Blocked {
        /// The step that did not get its lock.
        step: &'a Step,
        /// Who holds it.
        holders: &'a [Holder],
        /// Which try this was, from 1.
        attempt: u32,
        /// How many there are.
        of: u32,
    },
    /// A step begins.
    Step {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// The step.
        step: &'a Step,
    },
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The steps ran and last; the migrations that are now on the record.
    Done {
        /// Versions newly recorded.
        recorded: Vec<String>,
    },
    /// The steps ran and were undone again, as asked.
    Rehearsed,
    /// Somebody else had done it all in the meantime.
    Nothing {
        /// Versions newly recorded.
        recorded: Vec<String>,
    },
}

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
        /// What it lacks.
        missing: Vec<Missing>,
    },
    /// Another change of the schema, or somebody who holds a table, did not end in time.
    #[error("locked")]
    Locked {
        /// The step that did not get its lock; none while waiting for another change of the schema.
        step: Option<String>,
        /// Who holds it, as far as could be seen.
        holders: Vec<Holder>,
        /// How long each try waited.
        waited: Duration,
        /// How often was tried.
        tries: u32,
    },
    /// The database is no longer what the plan was made for.
    #[error("the database has changed since the plan was made")]
    Changed,
    /// A statement failed.
    #[error("{step}: {source}")]
    Statement {
        /// The step.
        step: String,
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

impl From<SessionError> for SchemaError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Busy { holders, waited } => Self::Locked { step: None, holders, waited, tries: 1 },
            SessionError::Driver(source) => Self::Driver(source),
        }
    }
}

/// Makes the database equal `desired` by the plan that was approved.
///
/// # Errors
/// [`SchemaError`]; the database is then as it was.
pub async fn apply(
    database: &Database,
    desired: &Schema,
    request: &Request,
    approved: &Plan,
    manner: Manner,
    _approval: Approval,
    tell: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<Applied, SchemaError> {
    let tries = manner.patience.tries.max(1);
    let mut attempt = 1;
    loop {
        let blocked = match attempt_once(database, desired, request, approved, manner, tell).await {
            Err(Attempt::Blocked(step)) => step,
            Err(Attempt::Failed(error)) => return Err(error),
            Ok(applied) => return Ok(applied),
        };
        let (tables, mode) = blocked.lock.as_ref().map_or((&[][..], ""), |lock| (&lock.tables[..], lock.mode));
        let holders = match database.engine() {
            Engine::Postgres => session::in_the_way(database.conn(), tables, mode).await?,
            Engine::Sqlite => Vec::new(),
        };
        if attempt == tries {
            return Err(SchemaError::Locked {
                step: Some(blocked.what.clone()),
                holders,
                waited: manner.patience.lock_timeout,
                tries,
            });
        }
        tell(Event::Blocked { step: &blocked, holders: &holders, attempt, of: tries });
        attempt += 1;
    }
}

enum Attempt {
    /// A table stayed locked.
    Blocked(Box<Step>),
    Failed(SchemaError),
}

impl<E: Into<SchemaError>> From<E> for Attempt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

async fn attempt_once(
    database: &Database,
    desired: &Schema,
    request: &Request,
    approved: &Plan,
    manner: Manner,
    tell: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<Applied, Attempt> {
    let session = Session::change(database, &manner.patience, &mut |holder| tell(Event::Waiting(holder))).await?;
    match run(&session, desired, request, approved, manner, tell).await {
        Ok(Applied::Rehearsed) => {
            session.rollback().await?;
            Ok(Applied::Rehearsed)
        }
        Ok(applied) => {
            session.commit().await?;
            Ok(applied)
        }
        Err(failure) => {
            // The failure is what matters; a connection that is lost has rolled back by itself.
            let _ = session.rollback().await;
            Err(failure)
        }
    }
}

async fn run(
    session: &Session,
    desired: &Schema,
    request: &Request,
    approved: &Plan,
    manner: Manner,
    tell: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<Applied, Attempt> {
    let txn = session.txn();
    let engine = approved.engine;
    let found = live::read(txn, desired, &request.all_renames()).await?;
    let fresh = plan(&found.schema, desired, engine, Origin::Live, request, found.rights.home)?;
    if fresh.is_empty() {
        let recorded =
            if manner.record && !manner.dry_run { record::note(txn, desired, Via::Push).await? } else { Vec::new() };
        return Ok(Applied::Nothing { recorded });
    }
    let same = fresh.steps.len() == approved.steps.len()
        && fresh.steps.iter().zip(&approved.steps).all(|(fresh, approved)| fresh.sql == approved.sql);
    if !same {
        return Err(SchemaError::Changed.into());
    }
    let missing = rights::missing(&fresh, &found.rights, manner.record);
    if !missing.is_empty() {
        return Err(SchemaError::Rights { role: found.rights.role, missing }.into());
    }
    let dangled = dangling(txn, engine).await?;
    for (at, step) in fresh.steps.iter().enumerate() {
        tell(Event::Step { number: at + 1, of: fresh.steps.len(), step });
        for sql in &step.sql {
            if let Err(source) = txn.execute_unprepared(sql).await {
                return Err(failure(step, sql, source));
            }
        }
    }
    for (table, target, rows) in dangling(txn, engine).await? {
        let before = dangled.iter().find(|(t, other, _)| *t == table && *other == target).map_or(0, |(.., rows)| *rows);
        if rows > before {
            return Err(SchemaError::Dangling { table, target, rows: rows - before }.into());
        }
    }
    let made = live::read(txn, desired, &[]).await?;
    let rest = diff(&made.schema, desired, engine, Origin::Live, &[]);
    if !rest.changes.is_empty() {
        let differences = rest.changes.iter().map(super::change::Change::what).collect();
        return Err(SchemaError::NotEqual { differences }.into());
    }
    if manner.dry_run {
        return Ok(Applied::Rehearsed);
    }
    let recorded = if manner.record { record::note(txn, desired, Via::Push).await? } else { Vec::new() };
    Ok(Applied::Done { recorded })
}

fn failure(step: &Step, sql: &str, source: DbErr) -> Attempt {
    let state = sql_state(&source).map(|state| state.code);
    match state.as_deref() {
        // lock_not_available. A deadlock is a lock too: who came first goes on, and the next try finds the way free.
        Some("55P03" | "40P01") => Attempt::Blocked(Box::new(step.clone())),
        _ => Attempt::Failed(SchemaError::Statement { step: step.what.clone(), sql: sql.to_owned(), source }),
    }
}

/// Rows that refer to nothing, by table and target: SQLite does not look while foreign keys are off.
async fn dangling(db: &impl ConnectionTrait, engine: Engine) -> Result<Vec<(String, String, u64)>, DbErr> {
    if engine == Engine::Postgres {
        return Ok(Vec::new());
    }
    let query = Query::from_string(
        DbBackend::Sqlite,
        "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2",
    );
    let rows = db.query_all_raw(query).await?;
    rows.iter()
        .map(|row| {
            let rows: i64 = row.try_get_by_index(2)?;
            Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?, u64::try_from(rows).unwrap_or_default()))
        })
        .collect()
}
