//! Everything that is known before a question is asked: the live schema, the plan, and the rows that break its rules.

use migration::history::Applied;

use super::apply::plan_reset;
use super::checks::{self, Finding};
use super::dependents::{self, Dependent};
use super::diff::Origin;
use super::error::SchemaError;
use super::estimate::{self, Pause};
use super::live::{self, Live};
use super::model::Schema;
use super::online::{self, Leftover};
use super::plan::{Plan, Request, plan};

use super::rights::{self, Missing};
use super::session::look;
use super::waiting::{LockPolicy, Waiting};
use crate::db::{Database, Engine, Transaction};

/// What was found.
#[derive(Debug)]
pub struct Prepared {
    /// The database as it is.
    pub live: Live,
    /// The way to the desired schema.
    pub plan: Plan,
    /// What depends on columns that go or get another type, so that nothing can run.
    pub(crate) dependents: Vec<Dependent>,
    /// Rows that break a rule of the plan.
    pub findings: Vec<Finding>,
    /// How long a push stops others.
    pub(crate) pause: Pause,
    /// What an online push that was cut off has left behind.
    pub(crate) leftovers: Vec<Leftover>,
    /// Rights that the role lacks for it.
    pub missing: Vec<Missing>,
    /// The record of applied migrations.
    pub record: Vec<Applied>,
    /// Versions that the desired schema equals and the record does not have.
    pub unrecorded: Vec<&'static str>,
}

impl Prepared {
    /// Whether a push would do nothing at all.
    pub fn in_sync(&self) -> bool {
        self.plan.is_empty() && self.unrecorded.is_empty()
    }
}

/// Looks at a database and plans the way to `desired`, in one transaction that changes nothing.
///
/// Waits while another change of the schema runs; `wait` learns which session holds the lock.
///
/// # Errors
/// [`SchemaError`].
pub async fn prepare(
    database: &Database,
    desired: &Schema,
    request: &Request,
    patience: &LockPolicy,
    wait: &mut Waiting<'_>,
) -> Result<Prepared, SchemaError> {
    look(database, patience, wait, async |txn| prepare_in(txn, desired, request).await).await
}

async fn prepare_in(txn: &Transaction, desired: &Schema, request: &Request) -> Result<Prepared, SchemaError> {
    let live = live::read(txn, desired, &request.all_renames()).await?;
    let mut plan = plan(&live.schema, desired, Engine::of(txn), Origin::Live, request, live.rights.home)?;
    let record = super::history::read_known(txn, &live.rights).await?;
    let unrecorded: Vec<&str> =
        super::history::unrecorded(desired, &record)?.into_iter().map(migration::Migration::version).collect();
    let missing = rights::missing(&plan, &live.rights, !unrecorded.is_empty());
    // A role that may not change a table may not be able to read it either.
    let stranger = missing.iter().any(|right| matches!(right, Missing::Owner { .. }));
    let findings =
        if plan.is_empty() || stranger { Vec::new() } else { checks::run(txn, &live, desired, &mut plan).await? };
    let dependents = dependents::find(txn, &plan).await?;
    let pause = estimate::fill(txn, &mut plan).await?;
    let leftovers = online::refine(txn, desired, &mut plan).await?;
    Ok(Prepared { live, plan, dependents, findings, pause, leftovers, missing, record, unrecorded })
}

/// Looks at a database and plans how to drop what is ours and make it again, in one transaction that changes nothing.
///
/// # Errors
/// [`SchemaError`].
pub(crate) async fn prepare_reset(
    database: &Database,
    desired: &Schema,
    patience: &LockPolicy,
    wait: &mut Waiting<'_>,
) -> Result<Prepared, SchemaError> {
    look(database, patience, wait, async |txn| {
        let live = live::read(txn, desired, &[]).await?;
        let mut plan = plan_reset(&live.schema, desired, database.engine(), live.rights.home)?;
        let record = super::history::read_known(txn, &live.rights).await?;
        let nothing = Schema::default();
        let findings = checks::run(txn, &live, &nothing, &mut plan).await?;
        let missing = rights::missing(&plan, &live.rights, true);
        let pause = estimate::fill(txn, &mut plan).await?;
        let leftovers = Vec::new();
        let dependents = Vec::new();
        Ok(Prepared { live, plan, dependents, findings, pause, leftovers, missing, record, unrecorded: Vec::new() })
    })
    .await
}
