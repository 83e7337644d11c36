//! Whether there is a way back: the age of the last backup that was proved by restoring it.

use std::path::Path;
use std::sync::Arc;

use super::super::place;
use super::super::signers::SignerArgs;
use super::super::typed;
use super::super::vouching::grant;
use super::Check;
use crate::backup::identity::{self, Unidentified};
use crate::backup::store::{Store, folder};
use crate::backup::verify;
use crate::backup::{create, refused};
use crate::cli::context::Context;
use crate::db::{Database, quote};
use crate::entity::types::Timestamp;
use crate::error::Result;
use crate::error::backup::{MAKE_BY_HAND, cell, mend_cell, refusal};
use crate::message::{Message, Words, message, program, skyteam};
use crate::system;

const AREA: &str = "backups";
pub(super) const NAME: &str = "proved";
pub(super) const MADE: &str = "made";
/// A proved backup older than this is worth a look: a week, as README's cron lines prove one, and a day to spare.
const DAYS: i64 = 8;
const NEVER: &str = "no backup of this database is known to have been proved";

/// What a restore or a proof that was killed left behind: it takes room, and nothing else.
pub(super) async fn leftovers(database: &Database) -> Vec<Check> {
    let left = verify::leftovers(database).await.unwrap_or_default();
    let schema = left.schema.map(|schema| {
        let fix = message!("DROP SCHEMA {} CASCADE; the next restore into an empty database clears it too", &schema);
        Check::warning(AREA, "left over", message!("a restore that was killed left its schema {}", &schema), fix)
    });
    let databases = left.databases.into_iter().map(|name| {
        let found = message!("a proof that was killed left its database {}", &name);
        Check::warning(AREA, "left over", found, message!("DROP DATABASE {}", quote(&name)))
    });
    let roles = left.roles.into_iter().map(|name| {
        let found = message!("a proof that was killed left its role {}", &name);
        Check::warning(AREA, "left over", found, message!("DROP ROLE {}", quote(&name)))
    });
    schema.into_iter().chain(databases).chain(roles).collect()
}

/// Whether an archive can hold what the tables have in them.
pub(super) async fn archivable(database: &Database) -> Vec<Check> {
    let name = "cells";
    match create::unarchivable(database).await {
        Ok(cells) if cells.is_empty() => vec![Check::ok(AREA, name, "every cell fits into a backup")],
        Ok(cells) => {
            let engine = database.engine();
            cells.iter().map(|each| Check::error(AREA, name, cell(each), mend_cell(each, engine))).collect()
        }
        Err(error) => vec![Check::failed(AREA, name, &error.into())],
    }
}

/// Whether others may put backups into the folder of ours, or take ours away. One without any is not looked at.
pub(super) fn folder(folder: &Path, cx: &Context) -> Option<Check> {
    const NAME: &str = "folder";
    let metadata = std::fs::metadata(folder).ok()?;
    if folder::list(folder).is_ok_and(|listing| listing.entries.is_empty()) {
        return None;
    }
    let mine = system::is_ours(&metadata);
    let shared = match system::mode(&metadata) & 0o022 {
        0 => None,
        mode if mode & 0o002 != 0 => Some("everybody may write there"),
        _ => Some("its group may write there"),
    };
    let why = if mine { shared? } else { "it belongs to another user" };
    let name = typed(folder, cx);
    let found = message!("others may put files into {}, and remove backups: {}", &name, Words(why));
    let fix = if mine { program("chmod").words("go-w") } else { program("sudo").words("chown \"$USER\"") };
    Some(Check::warning(AREA, NAME, found, fix.file(&name)))
}

/// Whether a restore would make again what other tools have defined on the tables.
pub(super) async fn restorable(database: &Database) -> Vec<Check> {
    let name = "definitions";
    match refused::in_database(database).await {
        Ok(found) if found.is_empty() => {
            vec![Check::ok(AREA, name, "a restore makes every definition of other tools again")]
        }
        Ok(found) => found.iter().map(|each| Check::warning(AREA, name, refusal(each), MAKE_BY_HAND)).collect(),
        Err(error) => vec![Check::failed(AREA, name, &error.into())],
    }
}

/// When the newest whole backup of this database in `store` was made, and when the newest that was proved: by what is noted in
/// the database, and beside the backups by roles that may not write there.
pub(super) async fn check(database: &Database, store: Result<Arc<dyn Store>>, cx: &Context) -> Vec<Check> {
    let identity = match identity::of(database, false).await {
        Ok(Ok(identity)) => identity,
        Ok(Err(Unidentified::NoRight { role })) => {
            let found =
                message!("{} may not tell this database from others, so no retention removes its backups", &role);
            return vec![Check::warning(AREA, NAME, found, message!("as a superuser: {}", grant(&role)))];
        }
        // An SQLite file gets one with its first backup.
        Ok(Err(_)) => return vec![Check::warning(AREA, NAME, NEVER, mend())],
        Err(error) => return vec![Check::failed(AREA, NAME, &error.into())],
    };
    let proved = verify::newest_proved(database, &identity, cx.now).await;
    let trusted = match SignerArgs::default().trusted(cx, Some(database)).await {
        Ok(trusted) => trusted,
        Err(error) => return vec![Check::failed(AREA, NAME, &error)],
    };
    let noted = match store {
        Ok(store) => {
            let now = cx.now;
            let look = move |store: &dyn Store| {
                let made = verify::newest_in(store, &identity, now);
                Ok((made, verify::newest_proved_in(store, &identity, &trusted, now)))
            };
            place::on_a_thread(cx, &store, look).await
        }
        Err(error) => Err(error),
    };
    let (made, noted) = match noted {
        Ok(noted) => noted,
        Err(error) => return vec![Check::failed(AREA, NAME, &error)],
    };
    let made =
        made.map(|at| Check::ok(AREA, MADE, message!("the newest backup here is of {}", at)).measuring(second(at)));
    made.into_iter().chain([judged(proved, noted, cx)]).collect()
}

fn second(at: Timestamp) -> i64 {
    at.utc().timestamp()
}

fn judged(proved: verify::Proved, noted: Option<Timestamp>, cx: &Context) -> Check {
    let Some(at) = proved.newest.max(noted) else {
        let found = match proved.future {
            Some(at) => {
                message!("{}, but for one that is dated {}, in the future: a clock was wrong", Words(NEVER), at)
            }
            None => NEVER.into(),
        };
        return Check::warning(AREA, NAME, found, mend());
    };
    let days = (Timestamp::from(cx.now).0 - at.0).num_days();
    let found = message!("the newest backup that was proved is of {}", at);
    let check = if days > DAYS {
        Check::warning(AREA, NAME, message!("{}, {} days ago", found, days), mend())
    } else {
        Check::ok(AREA, NAME, found)
    };
    check.measuring(second(at))
}

fn mend() -> Message {
    message!("{}, then {}", skyteam("db backup DIR"), skyteam("db verify FILE --deep"))
}
