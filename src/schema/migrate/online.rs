//! Pending migrations beside live traffic: not by their scripts, but by the plan from the live schema to the newest
//! one's snapshot, which is what the scripts would have to reach.

use migration::{Direction, Migration, script};

use super::with_schema_lock;
use super::{MigrateError, Step, WayUp};
use crate::consent::Approval;
use crate::db::{Database, Engine};
use crate::schema::apply::Tell;
use crate::schema::online::{self, OnlinePush};
use crate::schema::{LockPolicy, Prepared, Request, Schema, SchemaError, Waiting, prepare, snapshot};

/// Migrations that can be done online.
#[derive(Debug)]
pub(crate) struct ReadyOnline<'a> {
    target: Schema,
    prepared: Prepared,
    migrations: Vec<&'a Migration>,
    steps: Vec<Step>,
}

/// Plans the pending migrations up to `to` as steps that block no other session for long. Changes nothing.
///
/// # Errors
/// [`MigrateError::Online`] where a script changes rows, or a step needs a push; [`MigrateError::Data`];
/// [`MigrateError::Rights`].
pub(crate) async fn prepare_online<'a>(
    database: &Database,
    way: &WayUp<'a>,
    to: Option<&Migration>,
    policy: &LockPolicy,
    wait: &mut Waiting<'_>,
) -> Result<ReadyOnline<'a>, MigrateError> {
    let pending = way.outlook.pending(to);
    let Some(last) = pending.last() else { return Err(MigrateError::NotApplied(String::new())) };
    let scripts: Vec<_> = pending
        .iter()
        .filter(|migration| changes_rows(migration))
        .map(|migration| (migration.folder(), "its script may change rows, which no snapshot shows"))
        .collect();
    if !scripts.is_empty() {
        return Err(SchemaError::Online(scripts).into());
    }
    let target = snapshot::of(last)?;
    let prepared = prepare(database, &target, &Request::default(), policy, wait).await?;
    let refused = online::refused(&prepared.plan);
    if !refused.is_empty() {
        return Err(SchemaError::Online(refused).into());
    }
    if let Some(refusal) = with_schema_lock::refusal(&prepared.plan, prepared.live.rights.clone(), database.name()) {
        return Err(refusal);
    }
    if !prepared.findings.is_empty() {
        return Err(MigrateError::Data { version: last.folder(), findings: prepared.findings, ran: false });
    }
    let all = way.outlook.standing.pending.iter().copied();
    let migrations = all.filter(|migration| migration.version() <= last.version()).collect();
    Ok(ReadyOnline { target, prepared, migrations, steps: way.steps(to) })
}

/// Does them, and puts them on the record last of all.
///
/// # Errors
/// [`MigrateError::Online`]; what was done before it stays, and the same call goes on from there.
pub(crate) async fn up_online(
    database: &Database,
    ready: &ReadyOnline<'_>,
    policy: &LockPolicy,
    approval: Approval,
    tell: &mut Tell<'_>,
) -> Result<Vec<Step>, MigrateError> {
    let push = OnlinePush {
        desired: &ready.target,
        request: &Request::default(),
        approved: &ready.prepared.plan,
        policy: *policy,
        migrations: Some(&ready.migrations),
    };
    online::run(database, &push, approval, tell).await?;
    Ok(ready.steps.clone())
}

/// Whether a script does more than change the schema, as far as its statements begin like it; one that cannot be read
/// counts as one that does.
fn changes_rows(migration: &Migration) -> bool {
    let engine = super::dialect(Engine::Postgres);
    let Ok(statements) = script::split(migration.script(engine, Direction::Up), engine) else { return true };
    statements.iter().any(|statement| {
        let sql = statement.sql.to_uppercase();
        // Comments precede a statement.
        let code = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
        let first = code.split_whitespace().next().unwrap_or_default();
        match first {
            "DO" => ["INSERT INTO", "DELETE FROM", "UPDATE "].iter().any(|word| code.contains(word)),
            "CREATE" | "ALTER" | "DROP" | "COMMENT" | "GRANT" | "REVOKE" | "SET" => false,
            _ => !first.is_empty(),
        }
    })
}
