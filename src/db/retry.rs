//! Trying again what lost a race: serialization failures and deadlocks, nothing else.

use std::time::Duration;

use rand::RngExt as _;
use sea_orm::DbErr;

use super::sql_state;

/// How often a lost race is run again before its error is let through.
const ATTEMPTS: u32 = 8;

/// Whether `error` says that another transaction was in the way and this one left no trace: 40001 and 40P01 on
/// PostgreSQL; SQLITE_BUSY (5) and SQLITE_BUSY_SNAPSHOT (517) on SQLite.
fn lost_race(error: &DbErr) -> bool {
    sql_state(error).is_some_and(|state| {
        if state.sqlite {
            matches!(state.code.as_str(), "5" | "517")
        } else {
            matches!(state.code.as_str(), "40001" | "40P01")
        }
    })
}

/// Runs `work` until it neither deadlocks nor fails to serialize, at most eight times, with growing, jittered pauses.
///
/// `work` must be one whole transaction or one statement of its own: what is run again must have left no trace.
/// `cause` finds the driver's error inside the work's own, to judge it by.
///
/// # Errors
/// The last error of `work`.
pub async fn retry<T, E, F>(cause: impl Fn(&E) -> Option<&DbErr>, mut work: impl FnMut() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut attempt = 0;
    loop {
        match work().await {
            Err(error) if attempt + 1 < ATTEMPTS && cause(&error).is_some_and(lost_race) => {
                attempt += 1;
                let ceiling = 5_u64 << attempt.min(7);
                let pause = rand::rng().random_range(1..=ceiling);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            done => return done,
        }
    }
}
