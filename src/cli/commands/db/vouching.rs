//! The proof of who made a backup, and of which database: the database's own record, and signatures.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::place;
use crate::backup::identity::{self, Identity, Unidentified};
use crate::backup::record::{self, Fingerprint};
use crate::backup::signature::SigningKey;
use crate::backup::store::Store;
use crate::backup::store::folder::Note;
use crate::cli::context::Context;
use crate::db::Database;
use crate::error::{Error, Result};
use crate::message::{message, skyteam};

/// How long a finished backup waits for the database to remember it.
const REMEMBERING: Duration = Duration::from_secs(10);

/// Signs an encrypted archive in the note beside it, for those who cannot decrypt it.
pub(super) async fn sign_outside(
    cx: &Context,
    store: &Arc<dyn Store>,
    path: PathBuf,
    mut note: Note,
    key: &SigningKey,
) -> Result<()> {
    note.signature = Some(key.sign_encrypted(&note.sha256));
    place::on_a_thread(cx, store, move |store: &dyn Store| store.write_note(&path, &note)).await
}

/// Has the database remember what it made, and returns whether it does. A role that may only read, or a standby, cannot:
/// then the signature proves it, where it is `signed`.
pub(super) async fn remember(cx: &Context, database: &Database, made: &Fingerprint, signed: bool) -> bool {
    // The backup is made: a server that has stopped answering does not hold up its report.
    let remembering = tokio::time::timeout(REMEMBERING, record::remember(database, made, cx.now));
    let why = match remembering.await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => Error::from(error).what().clone(),
        Err(_) => message!("the server does not answer"),
    };
    if !signed {
        cx.ui.warn(message!(
            "nothing will tell who made this backup, since the database does not remember it ({}): its restore asks first, \
             and no retention counts it where makers are known. Sign backups: {}, then {}",
            why,
            skyteam("config keygen KEY"),
            skyteam("db backup --sign-key KEY")
        ));
    }
    false
}

/// Which database this is. Where that is unknown, the backup is made all the same, and no retention ever touches it.
///
/// `removes` is whether older backups are to be removed.
pub(super) async fn identify(cx: &Context, database: &Database, removes: bool) -> Result<Option<Identity>> {
    let unidentified = match identity::of(database, !cx.answers.dry_run).await? {
        Ok(identity) => return Ok(Some(identity)),
        Err(unidentified) => unidentified,
    };
    let why = match unidentified {
        Unidentified::NoRight { role } => message!("as a superuser: {}", grant(&role)),
        Unidentified::NotWritten { why: Some(why) } => message!("nothing can be written into the file ({})", why),
        Unidentified::NotWritten { why: None } | Unidentified::InMemory => return Ok(None),
    };
    if !removes {
        cx.ui.note(message!("This database cannot be told from others of its name: {}.", why));
    } else {
        cx.ui.warn(message!("nothing is removed, as this database cannot be told from others of its name: {}", why));
    }
    Ok(None)
}

/// What lets a role tell a database from others.
pub(super) fn grant(role: &str) -> String {
    format!("GRANT EXECUTE ON FUNCTION pg_control_system() TO {role}")
}
