//! The state of the schema: versions, and what has drifted from them.

use super::super::planned;
use super::Check;
use crate::cli::context::Context;
use crate::db::Database;
use crate::error::Error;
use crate::message::{Message, message, skyteam};
use crate::schema::migrate::{Origin, Status};
use crate::schema::{Wait, migrate};

const AREA: &str = "schema";
/// How many differences a finding names.
const NAMED: usize = 5;

/// The findings, and whether there are tables of ours at all.
pub(super) async fn check(database: &Database, cx: &Context) -> (Vec<Check>, bool) {
    let wait = &mut |wait: Wait<'_>| planned::waiting(cx, &wait);
    match migrate::status(database, migration::all(), &planned::patience(cx), wait).await {
        Err(error) => (vec![Check::failed(AREA, "look", &Error::from(error))], true),
        Ok(status) if matches!(status.outlook.origin, Origin::Empty) => (vec![versions(&status)], false),
        Ok(status) => (vec![versions(&status), drift(&status)], true),
    }
}

fn versions(status: &Status<'_>) -> Check {
    let name = "versions";
    let outlook = &status.outlook;
    let folders = |migrations: Vec<String>| migrations.join(", ");
    if !outlook.standing.edited.is_empty() {
        let edited = folders(outlook.standing.edited.iter().map(|(migration, _)| migration.folder()).collect());
        return Check::error(
            AREA,
            name,
            message!("edited after they were applied: {}", &edited),
            message!(
                "bring their scripts back as they were, and write the change as a migration of its own: {}",
                skyteam("db generate")
            ),
        );
    }
    if !outlook.standing.missing.is_empty() {
        let missing = folders(outlook.standing.missing.iter().map(|applied| applied.version.clone()).collect());
        return Check::error(
            AREA,
            name,
            message!("applied, but unknown to this skyteam: {}", &missing),
            "install the newer skyteam that applied them",
        );
    }
    if status.is_pushed_ahead() {
        let found = message!(
            "pushed ahead of the migrations, none of which makes yet: {}",
            named(&status.snapshot_to_entities)
        );
        return Check::warning(AREA, name, found, skyteam("db generate")).measuring(0);
    }
    let pending: Vec<String> = outlook.pending(None).iter().map(|migration| migration.folder()).collect();
    let count = i64::try_from(pending.len()).unwrap_or(i64::MAX);
    let check = match (&outlook.origin, pending.is_empty()) {
        (Origin::Empty, _) => Check::error(AREA, name, "none of our tables is there", skyteam("db push")),
        (Origin::Unknown { .. }, _) if status.is_behind_entities() => Check::warning(
            AREA,
            name,
            message!("pushed ahead of the migrations, before the entities changed again"),
            message!("{}, then {}", skyteam("db push"), skyteam("db generate")),
        ),
        (Origin::Unknown { nearest, .. }, _) => Check::error(
            AREA,
            name,
            message!("no record, and equal to no version; nearest is {}", nearest.folder()),
            push_after_diff(),
        ),
        (_, true) => Check::ok(AREA, name, "all migrations are applied"),
        (_, false) => Check::warning(AREA, name, message!("pending: {}", folders(pending)), skyteam("db migrate")),
    };
    check.measuring(count)
}

/// What differs from the version that the database is at: another tool's push removed it, or a person.
fn drift(status: &Status<'_>) -> Check {
    let name = "drift";
    // A pending migration's changes are no drift: they are missing because it has not run.
    let recorded = status.outlook.pending(None).is_empty() || status.is_pushed_ahead();
    let differences = if recorded { &status.live_to_entities } else { &status.live_to_snapshot };
    // Neither is what the entities ask for before it is pushed or generated.
    if recorded && status.is_behind_entities() {
        let found = message!("the entities ask for more than any migration makes: {}", named(differences));
        let fix = message!("{} for this database; {} for all", skyteam("db push"), skyteam("db generate"));
        let count = i64::try_from(differences.len()).unwrap_or(i64::MAX);
        return Check::warning(AREA, name, found, fix).measuring(count);
    }
    if differences.is_empty() {
        let what = if recorded { "the entities" } else { "its version" };
        return Check::ok(AREA, name, message!("the live schema equals {}", &what)).measuring(0);
    }
    let unknown = match status.unknown.len() {
        0 => String::new(),
        _ => format!(" (unknown without writing: whether {} means the same in other words)", status.unknown.join(", ")),
    };
    let count = i64::try_from(differences.len()).unwrap_or(i64::MAX);
    Check::error(AREA, name, message!("it takes: {}{}", named(differences), &unknown), push_after_diff())
        .measuring(count)
}

/// The first differences, and how many more there are.
fn named(differences: &[String]) -> String {
    let shown: Vec<&str> = differences.iter().take(NAMED).map(String::as_str).collect();
    match differences.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

fn push_after_diff() -> Message {
    message!("{}, then {}", skyteam("db diff"), skyteam("db push"))
}
