//! Whether there is a way back: the age of the last backup that was proved by restoring it.

use super::Check;
use crate::backup::verify;
use crate::cli::context::Context;
use crate::db::{Database, quote};
use crate::entity::types::Timestamp;

const AREA: &str = "backups";
const NAME: &str = "proved";
/// A proved backup older than this is worth a look: a week, as README's cron lines prove one, and a day to spare.
const DAYS: i64 = 8;
const MEND: &str = "skyteam db backup DIR, then skyteam db verify FILE --deep";

/// What a restore or a proof that was killed left behind: it takes room, and nothing else.
pub(super) async fn leftovers(database: &Database) -> Vec<Check> {
    let left = verify::leftovers(database).await.unwrap_or_default();
    let schema = left.schema.map(|schema| {
        let fix = format!("DROP SCHEMA {schema} CASCADE; the next restore into an empty database clears it too");
        Check::warning(AREA, "left over", format!("a restore that was killed left its schema {schema}"), fix)
    });
    let databases = left.databases.into_iter().map(|name| {
        let found = format!("a proof that was killed left its database {name}");
        Check::warning(AREA, "left over", found, format!("DROP DATABASE {}", quote(&name)))
    });
    schema.into_iter().chain(databases).collect()
}

pub(super) async fn check(database: &Database, cx: &Context) -> Check {
    let Some(at) = verify::newest_proved(database).await else {
        return Check::warning(AREA, NAME, "no backup of this database is known to have been proved", MEND);
    };
    let days = (Timestamp::from(cx.now).0 - at.0).num_days();
    let found = format!("the newest backup that was proved is of {at}");
    if days > DAYS {
        Check::warning(AREA, NAME, format!("{found}, {days} days ago"), MEND)
    } else {
        Check::ok(AREA, NAME, found)
    }
}
