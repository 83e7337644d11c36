//! How long the steps of a plan may take, from the number of rows that PostgreSQL's catalogue knows of.
//!
//! Measured on two cores of a rented machine with 3 million ledger entries (see `tests/bench/live`). It distinguishes a
//! second from a minute, and no more.

use std::collections::HashMap;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};
use serde::Serialize;

use super::claims;
use super::dialect::literal;
use super::plan::{Cost, Online, Part, Plan, Step};
use crate::db::Engine;

/// From how many rows of a table on a push that reads it is better done online.
pub(crate) const MANY: u64 = 1_000_000;

/// How long an atomic push stops others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Pause {
    /// Those who write: from the first lock to the commit.
    pub writers: Duration,
    /// Those who read: from the first step that stops them on.
    pub readers: Duration,
    /// The largest table whose rows are read, and how many it has.
    pub largest: Option<(String, u64)>,
}

impl Pause {
    /// Whether it is better done online.
    pub(crate) fn is_long(&self) -> bool {
        self.largest.as_ref().is_some_and(|(_, rows)| *rows >= MANY)
    }
}

#[derive(Debug)]
struct Size {
    rows: u64,
    partitioned: bool,
}

/// Puts the estimated time into every step, takes back that a partitioned table can be indexed online, and returns how
/// long a push stops others. Nothing on SQLite.
///
/// # Errors
/// The driver's.
pub(super) async fn fill(db: &impl ConnectionTrait, plan: &mut Plan) -> Result<Pause, DbErr> {
    if plan.engine == Engine::Sqlite || plan.is_empty() {
        return Ok(Pause::default());
    }
    let sizes = sizes(db, plan).await?;
    let mut pause = Pause::default();
    let mut alone = !claims::has_stages(&plan.steps);
    for step in &mut plan.steps {
        let size = subject(step).and_then(|table| sizes.get_key_value(table));
        let rows = size.map_or(0, |(_, size)| size.rows);
        let time = time(step, rows);
        step.estimated_ms = u64::try_from(time.as_millis()).ok();
        alone |= claims::is_alone(step);
        if let Some((table, size)) = size {
            pause.writers += time;
            if alone {
                pause.readers += time;
            }
            if step.cost >= Cost::Scan && pause.largest.as_ref().is_none_or(|(_, most)| *most < size.rows) {
                pause.largest = Some((table.clone(), size.rows));
            }
            let builds = |part: &Part| !matches!(part, Part::Short { .. });
            if size.partitioned && matches!(&step.online, Some(Online::Parts(parts)) if parts.iter().any(builds)) {
                step.online = Some(Online::Refused("its table is partitioned, or has children"));
            }
        }
    }
    Ok(pause)
}

/// The table whose rows a step looks at.
fn subject(step: &Step) -> Option<&String> {
    step.lock.as_ref().and_then(|lock| lock.tables.first())
}

fn time(step: &Step, rows: u64) -> Duration {
    let references = step.lock.as_ref().is_some_and(|lock| lock.tables.len() > 1);
    let nanoseconds_a_row = match step.cost {
        Cost::Catalogue => return Duration::from_millis(1),
        // A foreign key looks every row up.
        Cost::Scan if references => 600,
        Cost::Scan => 200,
        Cost::Index => 900,
        Cost::Rewrite => 3_000,
        Cost::Update => 8_000,
    };
    Duration::from_nanos(rows.saturating_mul(nanoseconds_a_row)).max(Duration::from_millis(1))
}

async fn sizes(db: &impl ConnectionTrait, plan: &Plan) -> Result<HashMap<String, Size>, DbErr> {
    let mut names: Vec<String> = plan.steps.iter().filter_map(subject).map(|table| literal(table)).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    // The rows of a page when it was last counted, times the pages of now: as PostgreSQL's own planner does.
    let sql = format!(
        "SELECT c.relname::text, (CASE WHEN c.relpages > 0 AND c.reltuples >= 0 \
           THEN c.reltuples::float8 / c.relpages * (pg_catalog.pg_relation_size(c.oid) / 8192) \
           ELSE pg_catalog.pg_relation_size(c.oid) / 100 END)::bigint, \
         c.relkind = 'p' OR c.relhassubclass \
         FROM pg_catalog.pg_class c WHERE c.relnamespace = pg_catalog.to_regnamespace('public') AND c.relname IN ({})",
        names.join(", ")
    );
    let rows = db.query_all_raw(Query::from_string(DbBackend::Postgres, sql)).await?;
    rows.iter()
        .map(|row| {
            let rows: i64 = row.try_get_by_index(1)?;
            let rows = u64::try_from(rows).unwrap_or_default();
            Ok((row.try_get_by_index(0)?, Size { rows, partitioned: row.try_get_by_index(2)? }))
        })
        .collect()
}
