//! Checks of the data before a plan runs: rows that break a new rule, and rows that would be lost.
//!
//! Every rule that becomes stricter is looked at, and all findings come in one report: how many rows break it, five of
//! them, the query that shows all, and how to repair them.

mod casts;
mod queries;
mod remediation;

use sea_orm::{ConnectionTrait, DbErr, Statement as Query};
use serde::Serialize;

pub use remediation::Remediation;

use super::change::Change;
use super::live::{self, Live};
use super::model::Schema;
use super::plan::Plan;
use crate::db::Engine;
use queries::{Check, Checker};

/// The most rows that a finding shows.
const EXAMPLES: usize = 5;

/// Rows that a change would violate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The change that they break: `add constraint flightPassengers_flightId_userId_pk`.
    pub change: String,
    /// What is wrong with them: `stand more than once`.
    pub problem: String,
    /// The table.
    pub table: String,
    /// How many.
    pub rows: u64,
    /// The columns of the examples.
    pub columns: Vec<String>,
    /// Some of them, as text.
    pub examples: Vec<Vec<Option<String>>>,
    /// The query that shows all.
    pub query: String,
    /// How to repair it: commands and statements, the least destructive first. The shell words them.
    #[serde(skip)]
    pub mend: Vec<Remediation>,
}

/// Looks at the data for all that `plan` makes stricter, and counts what it loses into the plan itself.
///
/// Call it in the transaction in which `live` was read. On PostgreSQL, where the transaction may write, it may make scratch
/// functions behind a savepoint; it changes nothing. Where it may not write, what becomes of values of
/// another type is not known: those losses have no number.
///
/// # Errors
/// [`DbErr`] of the driver.
pub async fn run(
    db: &impl ConnectionTrait,
    live: &Live,
    desired: &Schema,
    plan: &mut Plan,
) -> Result<Vec<Finding>, DbErr> {
    let casting =
        plan.engine == Engine::Postgres && plan.changes.iter().any(|change| matches!(change, Change::AlterType { .. }));
    // What a type does to a value is not known to who only looks.
    let asked = !casting || live::may_write(db).await?;
    let casting = casting && asked;
    if casting {
        db.execute_unprepared(&casts::prepare(&plan.changes)).await?;
    }
    let checker = Checker { from: &live.schema, to: desired, plan, casts: asked };
    let mut findings = if casting { foreign_casts(db, plan).await? } else { Vec::new() };
    for (at, change) in plan.changes.iter().enumerate() {
        for check in checker.checks(at, change) {
            findings.extend(look(db, plan.engine, change, check).await?);
        }
    }
    let mut counts = Vec::new();
    for loss in plan.losses() {
        counts.push(match checker.loss(loss) {
            Some(sql) => Some(count(db, plan.engine, &sql).await?),
            None => None,
        });
    }
    if casting {
        db.execute_unprepared(casts::FORGET).await?;
    }
    for (loss, rows) in plan.steps.iter_mut().flat_map(|step| &mut step.loses).zip(counts) {
        loss.rows = rows;
    }
    plan.forget_faithful();
    Ok(findings)
}

/// Casts that the plan would call, and that the owner of a type has declared: they would run with the rights of this
/// session.
async fn foreign_casts(db: &impl ConnectionTrait, plan: &Plan) -> Result<Vec<Finding>, DbErr> {
    let mut findings = Vec::new();
    for (change, name) in casts::targets(&plan.changes) {
        let query = Query::from_sql_and_values(plan.engine.backend(), casts::FUNCTIONS, [name.into()]);
        let mut examples = Vec::new();
        let mut mend = Vec::new();
        for row in db.query_all_raw(query).await? {
            let field = |name: &str| row.try_get::<String>("", name);
            let (source, target) = (field("source")?, field("target")?);
            mend.push(Remediation::Statement(format!("DROP CAST ({source} AS {target})")));
            examples.push(vec![Some(source), Some(target), Some(field("function")?), Some(field("owner")?)]);
        }
        if !examples.is_empty() {
            findings.push(Finding {
                change: change.what(),
                problem: format!("would run a function with the rights of this role, to make a {name} of a value"),
                table: "pg_cast".into(),
                rows: examples.len() as u64,
                columns: ["source", "target", "function", "owner"].map(str::to_owned).into(),
                examples,
                query: format!(
                    "SELECT * FROM pg_cast WHERE casttarget IN (SELECT unnest(ARRAY[oid, typarray]) FROM pg_type WHERE typname = {})",
                    super::dialect::literal(name)
                ),
                mend,
            });
        }
    }
    Ok(findings)
}

async fn look(
    db: &impl ConnectionTrait,
    engine: Engine,
    change: &Change,
    check: Check,
) -> Result<Option<Finding>, DbErr> {
    let rows = count(db, engine, &check.count).await?;
    if rows == 0 {
        return Ok(None);
    }
    let query = Query::from_string(engine.backend(), format!("{} LIMIT {EXAMPLES}", check.examples));
    let mut examples = Vec::new();
    for row in db.query_all_raw(query).await? {
        let fields = (0..check.columns.len()).map(|at| row.try_get_by_index(at));
        examples.push(fields.collect::<Result<Vec<Option<String>>, DbErr>>()?);
    }
    Ok(Some(Finding {
        change: change.what(),
        problem: check.problem,
        table: check.table,
        rows,
        columns: check.columns,
        examples,
        query: check.query,
        mend: check.mend,
    }))
}

async fn count(db: &impl ConnectionTrait, engine: Engine, sql: &str) -> Result<u64, DbErr> {
    let row = db.query_one_raw(Query::from_string(engine.backend(), sql)).await?;
    let counted: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(counted.and_then(|counted| u64::try_from(counted).ok()).unwrap_or_default())
}
