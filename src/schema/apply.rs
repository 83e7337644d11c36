//! Runs a plan: in one transaction under the schema's lock, and only if the outcome is what was wanted.
//!
//! The plan that was approved is made again from the live schema once the lock is held. If that is
//! another plan, another change came first: nothing runs. After the last step the live schema is read once more and must equal
//! the desired one, else everything is undone. Nothing here ever empties a table or cascades.

use migration::history::Via;
use migration::openings;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};

use super::change::Change;
use super::claims::{self, Claims};
use super::dependents;
use super::diff::{Origin, diff};
use super::error::SchemaError;
use super::history;
use super::live;
use super::lock::{self, RetryBudget};
use super::model::Schema;
use super::plan::{Plan, PlanError, Request, Step, attachments, plan};
use super::rights;
use super::session::{self, Session};
use super::waiting::{LockPolicy, SessionError, Wait};
use crate::consent::Approval;
use crate::db::{Database, Engine, search_path, sql_state, violated_constraint};

/// How a plan is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyOptions {
    /// How long to wait, and how often to try.
    pub patience: LockPolicy,
    /// Run everything, then undo it.
    pub dry_run: bool,
    /// Note which migration the schema then equals.
    pub record: bool,
}

/// What happens while a plan runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// Others are waited for.
    Waiting(Wait<'a>),
    /// An index that an earlier online push left unfinished is removed.
    Leftover(&'a str),
    /// So much of an index is built.
    Progress {
        /// Its table.
        table: &'a str,
        /// What the server does, in PostgreSQL's words: `building index: scanning table`.
        phase: &'a str,
        /// How many rows, or blocks, are done.
        done: u64,
        /// How many there are; 0 where that is not known.
        total: u64,
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

/// Receives the events.
pub(crate) type Tell<'a> = dyn FnMut(Event<'_>) + Send + 'a;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The steps ran and last; the versions of migrations that are newly on the record.
    Done(Vec<String>),
    /// The steps ran and were undone again, as asked.
    Rehearsed,
    /// There was nothing left to do; the versions of migrations that are newly on the record.
    Nothing(Vec<String>),
}

/// What is to be done once the lock is held.
#[derive(Clone, Copy, Debug)]
enum Job<'a> {
    /// Run the approved steps from the live schema to the desired one.
    Push { request: &'a Request, approved: &'a Plan },
    /// Drop what is ours, and make it again.
    Reset,
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
    manner: ApplyOptions,
    approval: Approval,
    tell: &mut Tell<'_>,
) -> Result<Applied, SchemaError> {
    drop(approval);
    Runner { database, desired, manner, job: Job::Push { request, approved } }.run(tell).await
}

/// Drops every table and function of ours, and makes them again, empty. Tables of others stay; where one of them leans
/// on ours, nothing happens.
///
/// # Errors
/// [`SchemaError`]; the database is then as it was.
pub(crate) async fn reset(
    database: &Database,
    desired: &Schema,
    manner: ApplyOptions,
    approval: Approval,
    tell: &mut Tell<'_>,
) -> Result<Applied, SchemaError> {
    drop(approval);
    Runner { database, desired, manner, job: Job::Reset }.run(tell).await
}

/// The steps from the live schema to one without our tables, and on to the desired one.
///
/// # Errors
/// None in practice: nothing is asked for that could not fit.
pub(super) fn plan_reset(live: &Schema, desired: &Schema, engine: Engine, home: bool) -> Result<Plan, PlanError> {
    let ours = |name: &str| desired.functions.iter().any(|function| function.name == name);
    let mut live = live.clone();
    live.functions.retain(|function| ours(&function.name));
    let nothing = Schema::default();
    let none = Request::default();
    let mut whole = plan(&live, &nothing, engine, Origin::Snapshot, &none, home)?;
    let again = plan(&nothing, desired, engine, Origin::Snapshot, &none, home)?;
    whole.steps.extend(again.steps);
    whole.changes.extend(again.changes);
    Ok(whole)
}

struct Runner<'a> {
    database: &'a Database,
    desired: &'a Schema,
    manner: ApplyOptions,
    job: Job<'a>,
}

impl Runner<'_> {
    /// Tries as often as the patience lasts.
    async fn run(&self, tell: &mut Tell<'_>) -> Result<Applied, SchemaError> {
        let patience = &self.manner.patience;
        let mut tries = RetryBudget::new(self.database, patience);
        let claims = match self.job {
            Job::Push { approved, .. } => Claims::of(&approved.steps),
            Job::Reset => Claims::alone_on(&super::desired::table_names()),
        };
        lock::warn_of(self.database, &claims, patience, &mut |wait| tell(Event::Waiting(wait))).await?;
        let mut first = match self.job {
            Job::Push { approved, .. } if claims::has_stages(&approved.steps) => claims.beside_readers(),
            _ => claims.clone(),
        };
        loop {
            match self.attempt(&claims, &first, tell).await {
                Ok(applied) => return Ok(applied),
                Err(error) if is_moved(&error) => {
                    return Err(if self.is_overtaken(tell).await? { SchemaError::Changed } else { error });
                }
                Err(error) => {
                    if matches!(&error, SchemaError::Session(SessionError::Contended(contended)) if contended.mutual) {
                        first = claims.clone();
                    }
                    first = first.reversed();
                    tries.again(error, &mut |wait| tell(Event::Waiting(wait))).await?;
                }
            }
        }
    }

    /// Whether another program has changed the schema since the plan was approved. All of this run is rolled back.
    async fn is_overtaken(&self, tell: &mut Tell<'_>) -> Result<bool, SchemaError> {
        let Job::Push { request, approved } = self.job else { return Ok(false) };
        let wait = &mut |wait: Wait<'_>| tell(Event::Waiting(wait));
        session::look(self.database, &self.manner.patience, wait, async |txn| {
            let found = live::read(txn, self.desired, &request.all_renames()).await?;
            let (engine, home) = (self.database.engine(), found.rights.home);
            let now = plan(&found.schema, self.desired, engine, Origin::Live, request, home)?;
            Ok(!is_same(&now, approved))
        })
        .await
    }

    /// Tries once: takes the locks `first`, and where they are weaker than `claims`, raises them before the first step
    /// that stops readers.
    async fn attempt(&self, claims: &Claims, first: &Claims, tell: &mut Tell<'_>) -> Result<Applied, SchemaError> {
        let patience = &self.manner.patience;
        let session = Session::change(self.database, patience, &mut |wait| tell(Event::Waiting(wait))).await?;
        let worked = match session.claim(first, patience).await {
            Ok(()) => self.inside(&session, (first.mode() != claims.mode()).then_some(claims), tell).await,
            Err(error) => Err(error.into()),
        };
        match worked {
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

    async fn inside(
        &self,
        session: &Session,
        raise: Option<&Claims>,
        tell: &mut Tell<'_>,
    ) -> Result<Applied, SchemaError> {
        let txn = session.txn();
        let (desired, engine) = (self.desired, self.database.engine());
        let renames = match self.job {
            Job::Push { request, .. } => request.all_renames(),
            Job::Reset => Vec::new(),
        };
        let found = live::read(txn, desired, &renames).await?;
        history::read_known(txn, &found.rights).await?;
        let plan = match self.job {
            Job::Push { request, approved } => {
                let plan = plan(&found.schema, desired, engine, Origin::Live, request, found.rights.home)?;
                if plan.is_empty() {
                    return Ok(Applied::Nothing(self.note(txn).await?));
                }
                if !is_same(&plan, approved) {
                    return Err(SchemaError::Changed);
                }
                plan
            }
            Job::Reset => plan_reset(&found.schema, desired, engine, found.rights.home)?,
        };
        let missing = rights::missing(&plan, &found.rights, self.manner.record);
        if !missing.is_empty() {
            let (role, database) = (found.rights.role, self.database.name().to_owned());
            return Err(SchemaError::Rights { role, database, missing });
        }
        if matches!(self.job, Job::Push { .. }) {
            let depended = dependents::find(txn, &plan).await?;
            if !depended.is_empty() {
                return Err(SchemaError::Depended(depended));
            }
        }
        self.steps(txn, &plan.steps, raise, tell).await?;
        if matches!(self.job, Job::Reset) {
            openings::record(txn, "db reset").await?;
        }
        let made = live::read(txn, desired, &[]).await?;
        let rest = diff(&made.schema, desired, engine, Origin::Live, &[]);
        let differences: Vec<String> = rest.changes.iter().map(Change::what).collect();
        if !differences.is_empty() {
            return Err(SchemaError::NotEqual { differences });
        }
        if matches!(self.job, Job::Push { .. }) {
            let lost = attachments::lost(&found.schema, &made.schema, &plan);
            if !lost.is_empty() {
                return Err(SchemaError::Unkept(lost));
            }
        }
        let noted = self.note(txn).await?;
        Ok(if self.manner.dry_run { Applied::Rehearsed } else { Applied::Done(noted) })
    }

    async fn steps(
        &self,
        txn: &impl ConnectionTrait,
        steps: &[Step],
        mut raise: Option<&Claims>,
        tell: &mut Tell<'_>,
    ) -> Result<(), SchemaError> {
        let engine = self.database.engine();
        let before = dangling(txn, engine).await?;
        look_in(txn, engine, search_path::DDL).await?;
        for (at, step) in steps.iter().enumerate() {
            if let Some(claims) = raise.take_if(|_| claims::is_alone(step)) {
                look_in(txn, engine, search_path::SAFE).await?;
                claims::raise(txn, claims, &self.manner.patience).await?;
                look_in(txn, engine, search_path::DDL).await?;
            }
            tell(Event::Step { number: at + 1, of: steps.len(), step });
            for sql in &step.sql {
                if let Err(source) = txn.execute_unprepared(sql).await {
                    return Err(SchemaError::Statement { step: Box::new(step.clone()), sql: sql.to_owned(), source });
                }
            }
        }
        look_in(txn, engine, search_path::SAFE).await?;
        for (table, target, rows) in dangling(txn, engine).await? {
            let were =
                before.iter().find(|(one, other, _)| *one == table && *other == target).map_or(0, |(.., rows)| *rows);
            if rows > were {
                return Err(SchemaError::Dangling { table, target, rows: rows - were });
            }
        }
        Ok(())
    }

    async fn note(&self, txn: &impl ConnectionTrait) -> Result<Vec<String>, SchemaError> {
        if self.manner.record && !self.manner.dry_run {
            super::online::record::clear(txn).await?;
            history::note(txn, self.desired, Via::Push).await
        } else {
            Ok(Vec::new())
        }
    }
}

/// Whether a failure may come from what another program has made, changed or dropped since the plan was made.
pub(super) fn is_moved(error: &SchemaError) -> bool {
    let source = match error {
        SchemaError::Statement { source, .. } | SchemaError::Part { source, .. } => source,
        SchemaError::NotEqual { .. } | SchemaError::OnlineDiffers(_) => return true,
        _ => return false,
    };
    // Two who make a name at the same time: the later one waits, and then breaks an index of the catalogue itself.
    let is_catalogues = || violated_constraint(source).is_some_and(|index| index.starts_with("pg_"));
    // Class 42: names that are not there, or there already. A tuple that was concurrently updated has no code of its own.
    sql_state(source).is_some_and(|state| {
        !state.sqlite
            && (state.code.starts_with("42")
                || matches!(state.code.as_str(), "XX000" | "2BP01" | "55000")
                || state.code == "23505" && is_catalogues())
    })
}

pub(super) fn is_same(plan: &Plan, approved: &Plan) -> bool {
    plan.steps.len() == approved.steps.len()
        && plan.steps.iter().zip(&approved.steps).all(|(step, approved)| step.sql == approved.sql)
}

/// Says where the transaction looks names up that have no schema.
async fn look_in(txn: &impl ConnectionTrait, engine: Engine, path: &str) -> Result<(), DbErr> {
    if engine == Engine::Postgres {
        txn.execute_unprepared(&format!("SET LOCAL search_path = {path}")).await?;
    }
    Ok(())
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
