//! The locks that a transaction about the schema takes before anything else.
//!
//! All at once and in one order, the one in which the apps and skyteam itself write (`users` first), so that the way to
//! a deadlock is short; and within less than PostgreSQL's `deadlock_timeout`, so that where there is one after all it is
//! always this transaction that gives way. The server ends the session whose wait reaches that time first, and that must
//! never be an app's. Where it gave way, the next try goes in the opposite order: an app that keeps to the other one would
//! be met again and again.
//!
//! Long work is done under SHARE ROW EXCLUSIVE, beside readers. For the short steps after it the locks are raised to
//! ACCESS EXCLUSIVE ([`raise`]), which is where a reader that wants to write next would be in a deadlock with us, and would
//! be ended for it at once. So the stronger lock is never waited for: it is free or it is not. Where it does not come free,
//! or one who has it waits for us, all is undone, and the next try takes the strongest locks from the start.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};

use super::desired;
use super::dialect::literal;
use super::plan::{Cost, Step};
use super::waiting::{Contended, LockPolicy, SessionError, is_locked};
use crate::db::{Engine, quote};

/// The lock under which others read on.
const BESIDE_READERS: &str = "SHARE ROW EXCLUSIVE";

/// The lock that stops readers too.
const ALONE: &str = "ACCESS EXCLUSIVE";

/// PostgreSQL's modes of table locks, the weakest first.
const MODES: [&str; 8] = [
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    BESIDE_READERS,
    "EXCLUSIVE",
    ALONE,
];

/// The strongest lock on each table that a plan needs, in the order in which they are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims(Vec<Claim>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Claim {
    table: String,
    mode: &'static str,
}

impl Claims {
    /// What `steps` need.
    pub(crate) fn of<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Self {
        let mut claims: Vec<Claim> = Vec::new();
        for lock in steps.into_iter().filter_map(|step| step.lock.as_ref()) {
            for table in &lock.tables {
                match claims.iter_mut().find(|claim| claim.table == *table) {
                    Some(claim) if strength(claim.mode) < strength(lock.mode) => claim.mode = lock.mode,
                    Some(_) => {}
                    None => claims.push(Claim { table: table.clone(), mode: lock.mode }),
                }
            }
        }
        Self(claims).in_order()
    }

    /// The strongest lock on all of these tables.
    pub(crate) fn alone_on(tables: &[String]) -> Self {
        Self(tables.iter().map(|table| Claim { table: table.clone(), mode: ALONE }).collect()).in_order()
    }

    /// The same with no lock that stops readers.
    #[must_use]
    pub(crate) fn beside_readers(&self) -> Self {
        let weaker = |claim: &Claim| {
            let mode = if strength(claim.mode) > strength(BESIDE_READERS) { BESIDE_READERS } else { claim.mode };
            Claim { table: claim.table.clone(), mode }
        };
        Self(self.0.iter().map(weaker).collect())
    }

    /// The statement that takes them within `window`, all waits together. It is one, because between two messages a
    /// transaction of an app would come to have the next table while it waits for the last.
    pub(super) fn statement(&self, window: Duration) -> String {
        let locks = self.0.iter().map(|claim| {
            // Zero would mean no limit.
            format!(
                "PERFORM pg_catalog.set_config('lock_timeout', greatest(1, extract(milliseconds FROM deadline \
                 OPERATOR(pg_catalog.-) pg_catalog.clock_timestamp()))::pg_catalog.int4::pg_catalog.text, true); \
                 LOCK TABLE public.{} IN {} MODE; ",
                quote(&claim.table),
                claim.mode
            )
        });
        format!(
            "DO $locks$ DECLARE deadline pg_catalog.timestamptz := pg_catalog.clock_timestamp() \
             OPERATOR(pg_catalog.+) pg_catalog.make_interval(secs => {}); BEGIN {}END $locks$",
            window.as_secs_f64(),
            locks.collect::<String>()
        )
    }

    /// The statement that takes them where they are free, and waits for none.
    fn at_once(&self) -> String {
        let lock = |claim: &Claim| format!("LOCK TABLE public.{} IN {} MODE NOWAIT; ", quote(&claim.table), claim.mode);
        self.0.iter().map(lock).collect()
    }

    /// The same in the opposite order, to retry after a deadlock with a session that locks in that order.
    #[must_use]
    pub(crate) fn reversed(mut self) -> Self {
        self.0.reverse();
        self
    }

    /// The tables.
    pub(crate) fn tables(&self) -> Vec<String> {
        self.0.iter().map(|claim| claim.table.clone()).collect()
    }

    /// The strongest of the locks.
    pub(crate) fn mode(&self) -> &'static str {
        self.0.iter().map(|claim| claim.mode).max_by_key(|mode| strength(mode)).unwrap_or(MODES[0])
    }

    fn only(&self, mode: &str) -> Self {
        Self(self.0.iter().filter(|claim| claim.mode == mode).cloned().collect())
    }

    /// In the order of the entities, which begins with `users`; the tables of others last, by name.
    fn in_order(mut self) -> Self {
        let names = desired::table_names();
        let place = |claim: &Claim| names.iter().position(|name| *name == claim.table).unwrap_or(names.len());
        self.0.sort_by(|one, other| (place(one), &one.table).cmp(&(place(other), &other.table)));
        self
    }
}

fn strength(mode: &str) -> usize {
    MODES.iter().position(|known| *known == mode).unwrap_or(MODES.len())
}

/// Whether a step stops readers.
pub(super) fn is_alone(step: &Step) -> bool {
    step.lock.as_ref().is_some_and(|lock| lock.mode == ALONE)
}

/// Whether there is work that takes long before the first step that stops readers: then the locks are taken in two
/// stages.
pub(super) fn has_stages(steps: &[Step]) -> bool {
    steps.iter().take_while(|step| !is_alone(step)).any(|step| step.cost >= Cost::Scan)
}

/// How long one try may wait for all its locks together: so far below the server's `deadlock_timeout` that a busy machine
/// does not make the difference.
async fn window(txn: &impl ConnectionTrait, policy: &LockPolicy) -> Result<Duration, DbErr> {
    let sql = "SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'";
    let row = txn.query_one_raw(Query::from_string(DbBackend::Postgres, sql)).await?;
    let deadlock: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    let quarter = Duration::from_millis(deadlock.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(1000) / 4);
    Ok(policy.lock_timeout.min(quarter).max(Duration::from_millis(1)))
}

/// Takes the locks in a transaction that has none yet. Tables that are not there, or that the role may not lock, are
/// passed over: what needs them says so.
///
/// # Errors
/// [`SessionError::Contended`], and the driver's.
pub(super) async fn take(txn: &impl ConnectionTrait, claims: &Claims, policy: &LockPolicy) -> Result<(), SessionError> {
    if Engine::of(txn) == Engine::Sqlite || claims.0.is_empty() {
        return Ok(());
    }
    let window = window(txn, policy).await?;
    match lock_all(txn, claims, window).await {
        Ok(()) => {
            // No later wait may be longer than that, now that others wait for us.
            txn.execute_unprepared(&format!("SET LOCAL lock_timeout = {}", window.as_millis())).await?;
            Ok(())
        }
        Err(error) if is_locked(&error) => Err(contended(claims, window, false, Some(error))),
        Err(error) => Err(error.into()),
    }
}

fn contended(claims: &Claims, waited: Duration, mutual: bool, source: Option<DbErr>) -> SessionError {
    SessionError::Contended(Box::new(Contended {
        tables: claims.tables(),
        mode: claims.mode(),
        waited,
        mutual,
        source,
    }))
}

async fn lock_all(txn: &impl ConnectionTrait, claims: &Claims, window: Duration) -> Result<(), DbErr> {
    let claims = there(txn, claims).await?;
    if claims.is_empty() {
        return Ok(());
    }
    txn.execute_unprepared(&Claims(claims).statement(window)).await?;
    Ok(())
}

/// Those on tables that are there and that the role may lock.
async fn there(txn: &impl ConnectionTrait, claims: &Claims) -> Result<Vec<Claim>, DbErr> {
    let names: Vec<String> = claims.0.iter().map(|claim| literal(&claim.table)).collect();
    let sql = format!(
        "SELECT c.relname::text FROM pg_catalog.pg_class c WHERE c.relnamespace = pg_catalog.to_regnamespace('public') \
         AND c.relname IN ({}) AND c.relkind IN ('r', 'p') \
         AND pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')",
        names.join(", ")
    );
    let rows = txn.query_all_raw(Query::from_string(DbBackend::Postgres, sql)).await?;
    let there: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
    Ok(claims.0.iter().filter(|claim| there.contains(&claim.table)).cloned().collect())
}

/// Raises the locks of a transaction that has them beside readers to those that stop them, without undoing what was done.
/// It asks again and again, in no queue, for as long as all tries together last.
///
/// # Errors
/// [`SessionError::Contended`] where they did not come free, or who has one waits for this transaction; the driver's.
pub(super) async fn raise(
    txn: &impl ConnectionTrait,
    claims: &Claims,
    policy: &LockPolicy,
) -> Result<(), SessionError> {
    const PAUSE: Duration = Duration::from_millis(2);
    // How often it asks between two looks at who waits for whom.
    const LOOK: u32 = 25;
    let claims = claims.only(ALONE);
    if Engine::of(txn) == Engine::Sqlite || claims.0.is_empty() {
        return Ok(());
    }
    let claims = Claims(there(txn, &claims).await?);
    let begun = Instant::now();
    let mut attempt = 0;
    loop {
        if attempt % LOOK == 0 && is_mutual(txn, &claims).await? {
            return Err(contended(&claims, policy.lock_timeout, true, None));
        }
        txn.execute_unprepared("SAVEPOINT skyteam_locks").await?;
        let error = match txn.execute_unprepared(&claims.at_once()).await {
            Ok(_) => {
                txn.execute_unprepared("RELEASE SAVEPOINT skyteam_locks").await?;
                return Ok(());
            }
            Err(error) if is_locked(&error) => error,
            Err(error) => return Err(error.into()),
        };
        txn.execute_unprepared("ROLLBACK TO SAVEPOINT skyteam_locks; RELEASE SAVEPOINT skyteam_locks").await?;
        attempt += 1;
        // To give up now is to do all the work again, with readers stopped from its beginning.
        if begun.elapsed() >= policy.lock_timeout * policy.tries.max(1) {
            return Err(contended(&claims, policy.lock_timeout, true, Some(error)));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether one who has a lock on these tables waits, by itself or for others, for this transaction.
async fn is_mutual(txn: &impl ConnectionTrait, claims: &Claims) -> Result<bool, DbErr> {
    let names: Vec<String> = claims.0.iter().map(|claim| literal(&claim.table)).collect();
    let sql = format!(
        "WITH RECURSIVE waiting (pid) AS ( \
           SELECT l.pid FROM pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.granted \
             AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) \
             AND l.pid <> pg_catalog.pg_backend_pid() \
             AND l.relation IN (SELECT oid FROM pg_catalog.pg_class \
               WHERE relnamespace = pg_catalog.to_regnamespace('public') AND relname IN ({})) \
           UNION SELECT pg_catalog.unnest(pg_catalog.pg_blocking_pids(pid)) FROM waiting) \
         SELECT EXISTS (SELECT FROM waiting WHERE pid = pg_catalog.pg_backend_pid())",
        names.join(", ")
    );
    let row = txn.query_one_raw(Query::from_string(DbBackend::Postgres, sql)).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default())
}
