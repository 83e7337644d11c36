//! The online push: the steps of a plan, each in parts that block others for no longer than a short transaction does.
//!
//! Nothing is undone when it is cut off. Every step is additive and leaves the apps working, so what is done stays, and
//! the same plan made again from the live schema is the rest of the work. An index that was being built is INVALID then
//! and is removed first ([`leftovers`]); how far it had come is on record for `db status` ([`record`]).

mod keeper;
mod leftovers;
pub(super) mod record;

use std::time::{Duration, Instant};

use migration::Migration;
use migration::history::{self as log, Via};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};

use keeper::Keeper;
pub(crate) use leftovers::Leftover;
pub(crate) use record::{Unfinished, clear, read};

use super::apply::{Applied, Event, Tell, is_moved, is_same};
use super::change::Change;
use super::checks::{self, Finding};
use super::diff::{Origin, diff};
use super::error::SchemaError;
use super::model::Schema;
use super::plan::{Lock, Online, Part, Plan, Request, Step, plan};
use super::rights;
use super::session::glance;
use super::waiting::{Holder, LockPolicy, SessionError, Wait, is_locked};
use super::{history, live};
use crate::consent::Approval;
use crate::db::{Database, Engine, quote, sql_state};

/// How often an index build that another session made fail is retried.
const BUILDS: u32 = 5;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnlinePush<'a> {
    /// What the database is to equal.
    pub desired: &'a Schema,
    /// What was asked for beyond it.
    pub request: &'a Request,
    /// The plan that was approved.
    pub approved: &'a Plan,
    /// How long to wait.
    pub policy: LockPolicy,
    /// The migrations to put on the record at the end; none for those that `desired` equals.
    pub migrations: Option<&'a [&'a Migration]>,
}

/// The steps that cannot be done online, with the reason of each.
pub(crate) fn refused(plan: &Plan) -> Vec<(String, &'static str)> {
    let refused = plan.steps.iter().filter_map(|step| match &step.online {
        Some(Online::Refused(why)) => Some((step.what.clone(), *why)),
        _ => None,
    });
    refused.collect()
}

/// Finds what is left of builds that were cut off, and takes back that an index which is in the way can be removed online
/// where it is none of those.
///
/// # Errors
/// The driver's.
pub(super) async fn refine(
    db: &impl ConnectionTrait,
    desired: &Schema,
    plan: &mut Plan,
) -> Result<Vec<Leftover>, DbErr> {
    if plan.engine == Engine::Sqlite {
        return Ok(Vec::new());
    }
    let left = leftovers::find(db, desired).await?;
    for step in &mut plan.steps {
        let is_strange =
            |part: &Part| matches!(part, Part::Remove { index } if !left.iter().any(|it| it.index == *index));
        if matches!(&step.online, Some(Online::Parts(parts)) if parts.iter().any(is_strange)) {
            step.online = Some(Online::Refused("it has the name of an index of ours, and is another one"));
        }
    }
    Ok(left)
}

/// Goes the approved way online.
///
/// # Errors
/// [`SchemaError`]. What was done before it stays, and the same call goes on from there; [`SchemaError::Pooler`],
/// [`SchemaError::Online`], [`SchemaError::Rights`] and [`SchemaError::Changed`] come before anything runs.
pub(crate) async fn run(
    database: &Database,
    push: &OnlinePush<'_>,
    approval: Approval,
    tell: &mut Tell<'_>,
) -> Result<Applied, SchemaError> {
    drop(approval);
    let begun = Instant::now();
    let mut keeper = Keeper::open(database, push.policy, &mut |wait| tell(Event::Waiting(wait))).await?;
    let Prospect { plan, left, records, .. } = look(database, push, tell).await?;
    if !is_same(&plan, push.approved) {
        return Err(SchemaError::Changed);
    }
    let refused = refused(&plan);
    if !refused.is_empty() {
        return Err(SchemaError::Online(refused));
    }
    if let Some(builder) = left.iter().find_map(|left| left.builder) {
        let holders = super::lock::holders(database.conn(), &format!("l.pid = {builder}")).await?;
        let holders: Vec<Holder> = holders.into_iter().filter(|holder| holder.pid == builder).collect();
        return Err(SessionError::Busy { holders, waited: Duration::ZERO }.into());
    }
    for left in &left {
        tell(Event::Leftover(&left.index));
        keeper.send(&remove(&left.index)).await?;
    }
    let of = plan.steps.len();
    // Of one that was cut off, the steps that were done then are not in the plan any more.
    let total = read(database.conn()).await?.and_then(|before| usize::try_from(before.total).ok());
    let total = total.unwrap_or(of).max(of);
    let mut recorded = records == Some(true);
    for (at, step) in plan.steps.iter().enumerate() {
        if recorded {
            keeper.send(&record::note(total - of + at, total)).await?;
        }
        tell(Event::Step { number: at + 1, of, step });
        if let Some(Online::Parts(parts)) = &step.online {
            for part in parts {
                let done = Doing { database, push, step }.part(&mut keeper, part, tell).await;
                if let Err(error) = done {
                    let moved = is_moved(&error) && is_overtaken(database, push, &plan.steps[at..], tell).await?;
                    return Err(if moved { SchemaError::Changed } else { error });
                }
            }
        }
        // The first step of a database that has no such schema makes it.
        recorded |= records.is_none();
    }
    let rest = rest(database, push, tell).await?;
    if !rest.is_empty() {
        // What another program has undone meanwhile is planned again; what comes back differs for another reason.
        if is_overtaken(database, push, &plan.steps, tell).await? {
            return Err(SchemaError::Changed);
        }
        return Err(SchemaError::OnlineDiffers(rest));
    }
    let noted = finish(database, push, begun.elapsed()).await?;
    Ok(if of == 0 && left.is_empty() { Applied::Nothing(noted) } else { Applied::Done(noted) })
}

/// Whether what is left to do is another thing than `expected`: another program has changed the schema meanwhile.
async fn is_overtaken(
    database: &Database,
    push: &OnlinePush<'_>,
    expected: &[Step],
    tell: &mut Tell<'_>,
) -> Result<bool, SchemaError> {
    let now = look(database, push, tell).await?.plan;
    Ok(now.steps.len() != expected.len() || now.steps.iter().zip(expected).any(|(now, then)| now.sql != then.sql))
}

/// The live schema, read while the lock is held.
struct Prospect {
    plan: Plan,
    left: Vec<Leftover>,
    /// Whether the role may record how far it is; none where the schema for it is still to be made.
    records: Option<bool>,
    findings: Vec<Finding>,
}

async fn look(database: &Database, push: &OnlinePush<'_>, tell: &mut Tell<'_>) -> Result<Prospect, SchemaError> {
    prospect(database, push, false, tell).await
}

async fn prospect(
    database: &Database,
    push: &OnlinePush<'_>,
    check: bool,
    tell: &mut Tell<'_>,
) -> Result<Prospect, SchemaError> {
    let wait = &mut |wait: Wait<'_>| tell(Event::Waiting(wait));
    glance(database, &push.policy, wait, async |txn| {
        let found = live::read(txn, push.desired, &push.request.all_renames()).await?;
        history::read_known(txn, &found.rights).await?;
        let (home, create) = (found.rights.home, found.rights.create_in_home);
        let mut plan = plan(&found.schema, push.desired, Engine::Postgres, Origin::Live, push.request, home)?;
        super::estimate::fill(txn, &mut plan).await?;
        let left = refine(txn, push.desired, &mut plan).await?;
        let missing = rights::missing(&plan, &found.rights, true);
        if !missing.is_empty() {
            let (role, database) = (found.rights.role, database.name().to_owned());
            return Err(SchemaError::Rights { role, database, missing });
        }
        let findings = if check { checks::run(txn, &found, push.desired, &mut plan).await? } else { Vec::new() };
        Ok(Prospect { plan, left, records: home.then_some(create), findings })
    })
    .await
}

/// What still differs.
async fn rest(database: &Database, push: &OnlinePush<'_>, tell: &mut Tell<'_>) -> Result<Vec<String>, SchemaError> {
    let wait = &mut |wait: Wait<'_>| tell(Event::Waiting(wait));
    glance(database, &push.policy, wait, async |txn| {
        let made = live::read(txn, push.desired, &[]).await?;
        let rest = diff(&made.schema, push.desired, Engine::Postgres, Origin::Live, &[]);
        Ok(rest.changes.iter().map(Change::what).collect())
    })
    .await
}

/// Puts the versions on the record, last of all.
async fn finish(database: &Database, push: &OnlinePush<'_>, took: Duration) -> Result<Vec<String>, SchemaError> {
    let txn = database.begin().await?;
    let noted = match push.migrations {
        None => history::note(&txn, push.desired, Via::Push).await?,
        Some(migrations) => {
            log::install(&txn).await?;
            let took_ms = i32::try_from(took.as_millis()).unwrap_or(i32::MAX);
            for migration in migrations {
                log::record(&txn, migration, took_ms, Via::Migrate).await?;
            }
            migrations.iter().map(|migration| migration.version().to_owned()).collect()
        }
    };
    clear(&txn).await?;
    txn.commit().await?;
    Ok(noted)
}

fn remove(index: &str) -> String {
    format!("DROP INDEX CONCURRENTLY IF EXISTS public.{}", quote(index))
}

/// A step that is being done.
#[derive(Clone, Copy)]
struct Doing<'a> {
    database: &'a Database,
    push: &'a OnlinePush<'a>,
    step: &'a Step,
}

impl Doing<'_> {
    async fn part(self, keeper: &mut Keeper, part: &Part, tell: &mut Tell<'_>) -> Result<(), SchemaError> {
        match part {
            Part::Short { lock, sql } => self.short(keeper, lock.clone(), sql, tell).await,
            Part::Build { table, index, sql } => self.build(keeper, table, index, sql, tell).await,
            Part::Remove { index } => {
                let sql = remove(index);
                keeper.send(&sql).await.map_err(|source| self.failed(&sql, source))
            }
            Part::Validate { table, constraint } => self.validate(keeper, table, constraint, tell).await,
        }
    }

    fn failed(self, sql: &str, source: DbErr) -> SchemaError {
        SchemaError::Part { step: Box::new(self.step.clone()), sql: sql.to_owned(), source }
    }

    async fn short(
        self,
        keeper: &mut Keeper,
        lock: Option<Lock>,
        sql: &[String],
        tell: &mut Tell<'_>,
    ) -> Result<(), SchemaError> {
        let step = Step { lock, ..self.step.clone() };
        keeper.short(self.database, &step, sql, &mut |wait| tell(Event::Waiting(wait))).await
    }

    /// Builds an index. One that failed is dropped at once: a unique one refuses writes although it is not valid.
    async fn build(
        self,
        keeper: &mut Keeper,
        table: &str,
        index: &str,
        sql: &str,
        tell: &mut Tell<'_>,
    ) -> Result<(), SchemaError> {
        let mut builds = 0;
        loop {
            let Err(source) = self.watch(keeper, table, sql, tell).await else { return Ok(()) };
            builds += 1;
            // The name was taken: what has it is another program's, and none that was built here.
            if sql_state(&source).is_some_and(|state| state.code == "42P07") {
                return Err(self.failed(sql, source));
            }
            // Where the session is lost, this fails for the same reason, and the next run removes the index.
            if keeper.send(&remove(index)).await.is_err() {
                return Err(self.failed(sql, source));
            }
            let broken = is_broken(&source);
            if broken {
                self.show_rows(tell).await?;
            }
            if builds == BUILDS || !(broken || is_locked(&source)) {
                return Err(self.failed(sql, source));
            }
        }
    }

    /// Runs the build and reports how far it is.
    async fn watch(self, keeper: &mut Keeper, table: &str, sql: &str, tell: &mut Tell<'_>) -> Result<(), DbErr> {
        let pid = keeper.pid();
        let mut building = std::pin::pin!(keeper.send(sql));
        let mut ticks = tokio::time::interval(Duration::from_millis(500));
        ticks.tick().await;
        loop {
            tokio::select! {
                done = &mut building => return done,
                _ = ticks.tick() => {
                    if let Some((phase, done, total)) = progress(self.database, pid).await? {
                        tell(Event::Progress { table, phase: &phase, done, total });
                    }
                }
            }
        }
    }

    /// Looks at the rows that were there before the constraint. Where one breaks it, the constraint goes again: it would
    /// refuse every change of such a row.
    async fn validate(
        self,
        keeper: &mut Keeper,
        table: &str,
        constraint: &str,
        tell: &mut Tell<'_>,
    ) -> Result<(), SchemaError> {
        let (table_name, name) = (quote(table), quote(constraint));
        let sql = format!("ALTER TABLE public.{table_name} VALIDATE CONSTRAINT {name}");
        let mut tries = 0;
        loop {
            let Err(source) = keeper.send(&sql).await else { return Ok(()) };
            tries += 1;
            if is_broken(&source) {
                let lock =
                    self.step.lock.as_ref().map(|lock| Lock { mode: "ACCESS EXCLUSIVE", tables: lock.tables.clone() });
                let drop = format!("ALTER TABLE {table_name} DROP CONSTRAINT {name}");
                self.short(keeper, lock, &[drop], tell).await?;
                self.show_rows(tell).await?;
                return Err(self.failed(&sql, source));
            }
            if tries == BUILDS || !is_locked(&source) {
                return Err(self.failed(&sql, source));
            }
        }
    }

    /// The rows that break what is being made, as an error; nothing where they are gone again.
    async fn show_rows(self, tell: &mut Tell<'_>) -> Result<(), SchemaError> {
        let findings = prospect(self.database, self.push, true, tell).await?.findings;
        if findings.is_empty() {
            return Ok(());
        }
        Err(SchemaError::Broken { step: Box::new(self.step.clone()), findings })
    }
}

/// Whether rows break a rule: class 23.
fn is_broken(error: &DbErr) -> bool {
    sql_state(error).is_some_and(|state| !state.sqlite && state.code.starts_with("23"))
}

/// How far the server is with the index that this session of it builds: what it does, and how much of it is done.
async fn progress(database: &Database, pid: i32) -> Result<Option<(String, u64, u64)>, DbErr> {
    let sql = format!(
        "SELECT phase, CASE WHEN tuples_total > 0 THEN tuples_done ELSE blocks_done END, \
         CASE WHEN tuples_total > 0 THEN tuples_total ELSE blocks_total END \
         FROM pg_catalog.pg_stat_progress_create_index WHERE pid = {pid}"
    );
    let row = database.conn().query_one_raw(Query::from_string(DbBackend::Postgres, sql)).await?;
    row.map(|row| {
        let number = |at| Ok::<_, DbErr>(u64::try_from(row.try_get_by_index::<i64>(at)?).unwrap_or_default());
        Ok((row.try_get_by_index(0)?, number(1)?, number(2)?))
    })
    .transpose()
}
