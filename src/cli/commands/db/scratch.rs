//! Scratch databases of `db verify --deep`: on the server, or in an SQLite file.

use std::sync::Arc;

use sea_orm::{ConnectionTrait as _, Statement};

use super::opened::scratch_folder;
use crate::backup::BackupError;
use crate::backup::format::archive::Archive;
use crate::backup::verify::{self, Proof};
use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::db::{Absent, Database, DatabaseUrl, Engine, Secret, provision, sql_state};
use crate::error::Error;
use crate::message::message;

/// Restores into a scratch database: on the server, where the role may make one, else in an SQLite file.
pub(super) async fn deep(
    cx: &Context,
    archive: &Arc<Archive>,
    database: Option<&Database>,
) -> (Engine, Result<Proof, BackupError>) {
    if archive.manifest().engine == Engine::Postgres
        && !cx.answers.dry_run
        && let Some(database) = database.filter(|database| database.engine() == Engine::Postgres)
    {
        let name = scratch_name();
        // From before it is made: an interrupt between its making and our learning of it would leave it behind.
        let unfinished = cx.shutdown.unfinished();
        match provision::create_database(database.conn(), &name, None).await {
            Ok(()) => {
                let proof =
                    on_server(cx, database, &name, None, async |_, scratch| prove_in(cx, archive, scratch).await).await;
                return (Engine::Postgres, proof);
            }
            // The interrupt has cancelled it.
            Err(_) if unfinished.run(std::future::ready(())).await.is_none() => {
                return (Engine::Postgres, Err(BackupError::Interrupted));
            }
            Err(error) => {
                let why = Error::from(error);
                cx.ui.step(message!("No scratch database on the server ({}); an SQLite file is used.", why.what()));
            }
        }
    }
    (Engine::Sqlite, in_file(cx, archive).await)
}

/// Does something in a scratch database on the server, and drops it again. With a password it is done as the role of the
/// database's name, which is dropped too: no other role ever runs anything in it.
pub(super) async fn on_server<T>(
    cx: &Context,
    database: &Database,
    name: &str,
    sandbox: Option<Secret>,
    work: impl AsyncFnOnce(&DatabaseUrl, &Database) -> Result<T, BackupError>,
) -> Result<T, BackupError> {
    let DatabaseUrl::Postgres(place) = database.url() else { return Err(BackupError::Worker) };
    let mut place = place.clone();
    place.database = Some(name.to_owned());
    let is_sandbox = sandbox.is_some();
    if is_sandbox {
        place.user = Some(name.to_owned());
        place.password = sandbox;
        // They may name a role to become.
        place.parameters.retain(|(parameter, _)| parameter != "options");
    }
    let url = DatabaseUrl::Postgres(place);
    let unfinished = cx.shutdown.unfinished();
    let work = async {
        match cx.connect(&url, Absent::Refuse).await {
            Ok(scratch) => {
                let done = work(&url, &scratch).await;
                scratch.close().await;
                done
            }
            Err(error) if is_sandbox => Err(BackupError::Unjudged {
                why: format!("the role made for it cannot log in, which pg_hba.conf decides: {}", error.what()),
            }),
            Err(error) => Err(BackupError::Unjudged { why: format!("the scratch database: {}", error.what()) }),
        }
    };
    let done = unfinished.run(work).await.unwrap_or(Err(BackupError::Interrupted));
    if let Err(error) = drop_scratch(database, name).await {
        cx.ui.warn(message!("the scratch database {} is left over: {}", &name, Error::from(error).what()));
    }
    if is_sandbox && let Err(error) = provision::drop_role(database.conn(), name).await {
        cx.ui.warn(message!("the role {} is left over: {}", name, Error::from(error).what().clone()));
    }
    done
}

/// Makes sure that a session is what a stranger's program may have: another login than the one asked for is possible where
/// a pooler or a map of names is in between.
pub(super) async fn refuse_more_than_sandbox(scratch: &Database, name: &str) -> Result<(), BackupError> {
    let sql = "SELECT session_user::text AS role, m.rolsuper OR m.rolcreaterole OR m.rolcreatedb OR m.rolreplication
                 OR m.rolbypassrls OR EXISTS (SELECT FROM pg_catalog.pg_auth_members b WHERE b.member = m.oid) AS may
               FROM pg_catalog.pg_roles m WHERE m.rolname = session_user";
    let row = scratch.conn().query_one_raw(Statement::from_string(scratch.engine().backend(), sql)).await?;
    let is_it = match row {
        Some(row) => row.try_get::<String>("", "role")? == name && !row.try_get::<bool>("", "may")?,
        None => false,
    };
    if is_it {
        return Ok(());
    }
    Err(BackupError::Unjudged { why: "the server logs another role in than the one that was made for it".into() })
}

/// Drops a scratch database. An interrupt cancels what this process runs on the server, also this: then it is dropped
/// again.
async fn drop_scratch(database: &Database, name: &str) -> Result<(), sea_orm::DbErr> {
    for _ in 0..2 {
        match provision::drop_database(database.conn(), name).await {
            Err(error) if sql_state(&error).is_some_and(|state| state.code == "57014") => {}
            done => return done,
        }
    }
    provision::drop_database(database.conn(), name).await
}

pub(super) fn scratch_name() -> String {
    format!("{}{}", verify::SCRATCH, uuid::Uuid::new_v4().simple())
}

async fn in_file(cx: &Context, archive: &Arc<Archive>) -> Result<Proof, BackupError> {
    let folder = tempfile::tempdir_in(scratch_folder(cx)).map_err(BackupError::io("making a scratch database"))?;
    let url = DatabaseUrl::sqlite(folder.path().join("scratch.db"));
    match cx.connect(&url, Absent::Create).await {
        Ok(scratch) => {
            let proof = prove_in(cx, archive, &scratch).await;
            scratch.close().await;
            proof
        }
        Err(error) => Err(BackupError::Unjudged { why: format!("the scratch database: {}", error.what()) }),
    }
}

async fn prove_in(cx: &Context, archive: &Arc<Archive>, scratch: &Database) -> Result<Proof, BackupError> {
    // Restored, read back, and both read for their digests.
    let bar = cx.ui.progress(Some(archive.manifest().rows() * 4), "Proving");
    let advance = Arc::new(bar.counter());
    let approval = cx.approve(Ask::adds()).await.map_err(|_| BackupError::Worker)?;
    verify::prove(archive, scratch, &scratch_folder(cx), cx.now, advance, approval).await
}
