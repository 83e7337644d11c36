//! `db verify`: whether a backup is complete and undamaged, and with `--deep` whether it restores.

use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::opened::{in_scratch, open, refuse_directory_of_pg_dump};
use super::place;
use super::restore::{identities, part};
use super::scratch::{deep, on_server, refuse_more_than_sandbox, scratch_name};
use super::signers::SignerArgs;
use crate::backup::detect::Content;
use crate::backup::format::archive::Archive;
use crate::backup::format::container;
use crate::backup::format::manifest::Subject;
use crate::backup::maker::{Maker, Trusted};
use crate::backup::store::folder::{Note, Verified};
use crate::backup::store::{Store, folder};
use crate::backup::{BackupError, detect, identity, pg_dump, pg_restore, restore, verify, version};
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Cell, Page, Tone, text};
use crate::db::{ConnectError, Database, Engine, Secret, child, provision, quote};
use crate::entity::types::Timestamp;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db verify backup.skyteam
  skyteam db verify /var/backups/skyteam --deep
  skyteam db verify s3://shop-backups/skyteam --deep
  skyteam db verify backup.skyteam --deep --identity key.txt

A dump by pg_dump is a program: --deep runs it, as a role made for it that may do nothing else.";

/// Arguments of `db verify`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbVerifyArgs {
    /// Backup to verify, or its URL; of a folder the newest one of a whole database; - for standard input
    #[arg(value_name = "FILE|URL")]
    file: PathBuf,
    /// Restore it into a scratch database, compare every row, and audit the ledger
    #[arg(long)]
    deep: bool,
    /// File with the private key of an encrypted backup; may be given several times
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    #[command(flatten)]
    signers: SignerArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    file: String,
    sound: bool,
    deep: bool,
    /// Where it was restored for it: `PostgreSQL`, `SQLite`.
    scratch: Option<&'static str>,
    created_at: Option<Timestamp>,
    database: Option<String>,
    schema_version: Option<String>,
    rows: Option<u64>,
    size: u64,
    sha256: String,
    /// Who made it.
    maker: String,
    /// What it lacks of the tables, columns, keys and checks of its version.
    lacks: Vec<String>,
    /// What speaks against its maker, and not against the file.
    doubts: Vec<String>,
    /// What is wrong with the backup.
    problems: Vec<String>,
    /// What the audit of the ledger found in the data; no fault of the backup.
    audit_findings: Option<u64>,
}

impl Report for Verification {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let (word, tone) = match (self.sound, self.deep) {
            (false, _) => ("damaged", Tone::Bad),
            (true, true) => ("proved", Tone::Good),
            (true, false) => ("whole", Tone::Good),
        };
        let rows = self.rows.map(|rows| format!(", {}", text::count(rows, "row"))).unwrap_or_default();
        page.words(&[
            Cell::new(&self.file),
            Cell::new(word).tone(tone),
            Cell::new(format!("{}{rows}", text::bytes(self.size))),
            Cell::new(&self.maker),
        ])?;
        for doubt in &self.doubts {
            page.line(Cell::new(format!("  {doubt}")).tone(Tone::Bad))?;
        }
        for lacking in &self.lacks {
            page.line(Cell::new(format!("  it lacks {lacking}")).tone(Tone::Warn))?;
        }
        for problem in &self.problems {
            page.line(Cell::new(format!("  {problem}")).tone(Tone::Bad))?;
        }
        match self.audit_findings {
            Some(count @ 1..) => page.message(
                message!("  the ledger in it has {}: {}", text::count(count, "finding"), skyteam("miles audit")),
                Tone::Warn,
            ),
            _ => Ok(()),
        }
    }
}

pub(super) async fn run(args: DbVerifyArgs, cx: &Context) -> Result<Outcome> {
    let args = DbVerifyArgs { file: newest(&args.file, cx).await?, ..args };
    let mut opened = open(&args.file, cx).await?;
    let (has_place, copy, remote) = (opened.has_place(), opened.path.clone(), opened.remote.take());
    let (size, sha256) = whole(&mut opened.file)?;
    let mut answer = Verification {
        file: args.file.display().to_string(),
        sound: true,
        deep: false,
        scratch: None,
        created_at: None,
        database: None,
        schema_version: None,
        rows: None,
        size,
        sha256,
        maker: Maker::Unknown.words(),
        lacks: Vec::new(),
        doubts: Vec::new(),
        problems: Vec::new(),
        audit_findings: None,
    };
    // A look at a file writes nothing into the database, and asks it only what it remembers.
    let database = if args.deep { open_configured(cx).await } else { cx.reader().await.ok() };
    let trusted = args.signers.trusted(cx, database.as_deref()).await?;
    match detect::of(&mut opened.file) {
        Ok(Content::Archive | Content::Encrypted) => {
            match Archive::open(opened.file, &identities(&args.identity, cx)?) {
                Ok(archive) => {
                    archive_into(&args, cx, Arc::new(archive), database.as_deref(), &trusted, &mut answer).await?
                }
                // A key that does not fit says nothing about the backup.
                Err(error @ (BackupError::Encrypted | BackupError::WrongIdentity | BackupError::TooNew { .. })) => {
                    return Err(error.into());
                }
                Err(error) => answer.problems.push(worded(error)),
            }
        }
        Ok(format) => dump(&args, cx, &opened.path, format, database.as_deref(), &trusted, &mut answer).await?,
        Err(error @ BackupError::NotABackup { .. }) => answer.problems.push(worded(error)),
        Err(error) => return Err(error.into()),
    }
    answer.sound = answer.problems.is_empty();
    if has_place && !cx.answers.dry_run {
        note(cx, &copy, remote, &answer).await;
    }
    cx.ui.check(&answer, answer.sound)?;
    if cx.answers.dry_run {
        cx.ui.note("Dry run: nothing was noted.");
    }
    let has_findings =
        answer.audit_findings.is_some_and(|count| count > 0) || !answer.lacks.is_empty() || !answer.doubts.is_empty();
    Ok(if answer.sound && !has_findings { Outcome::Done } else { Outcome::Found })
}

/// The file itself, or the newest backup of a whole database in a folder or an object store.
async fn newest(file: &Path, cx: &Context) -> Result<PathBuf> {
    if place::is_remote(file)? {
        if let Some((store, place)) = place::object(file, cx)? {
            match place::on_a_thread(cx, &store, move |store| store.size(&place)).await {
                Ok(Some(_)) => return Ok(file.to_owned()),
                Ok(None) => {}
                // Without the right to list, nothing is denied as well; the list says what is missing.
                Err(error) if error.kind() == Kind::Denied => {}
                Err(error) => return Err(error),
            }
        }
    } else {
        let folder = cx.path(file);
        if !folder.is_dir() {
            return Ok(file.to_owned());
        }
        refuse_directory_of_pg_dump(&folder, file)?;
    }
    let store = place::store(Some(file), cx)?;
    let listing = place::on_a_thread(cx, &store, |store| store.list()).await?;
    let mut whole = listing.entries;
    whole.retain(|entry| entry.subject.as_ref().is_some_and(Subject::is_whole));
    let identity = |entry: &folder::Entry| entry.subject.as_ref().and_then(|subject| subject.identity.clone());
    // In a folder of several databases' backups, that of the database in question.
    if whole.windows(2).any(|pair| identity(&pair[0]) != identity(&pair[1]))
        && let Ok(database) = cx.reader().await
        && let Some(own) = identity::of(&database, false).await.ok().and_then(Result::ok)
        && whole.iter().any(|entry| identity(entry).as_ref() == Some(&own))
    {
        whole.retain(|entry| identity(entry).as_ref() == Some(&own));
    }
    // One from the future is the newest only where there is no other.
    whole.sort_by_key(|entry| entry.is_from_the_future(cx.now));
    let newest = whole.into_iter().next();
    let hidden = listing
        .unreadable
        .iter()
        .find(|path| newest.as_ref().is_none_or(|newest| folder::time_of(path) > newest.created_at));
    if let Some(hidden) = hidden {
        return Err(super::backups::unreadable_backups(hidden, listing.unreadable.len(), cx));
    }
    match newest {
        Some(entry) if place::is_remote(file)? => Ok(entry.path),
        Some(entry) => Ok(file.join(entry.path.file_name().unwrap_or_default())),
        None => Err(Error::new(Kind::NotFound, "no_backup", message!("there is no backup in {}", file.display()))
            .why("none of a whole database, that is")
            .fix(skyteam("db backup").file(file.display()))),
    }
}

/// Notes who made it. Where keys are configured, one by an unknown maker is a finding.
fn judge(maker: Result<Maker, BackupError>, trusted: &Trusted, answer: &mut Verification) {
    match maker {
        Ok(maker) => {
            answer.maker = maker.words();
            if maker.is_unknown() && !trusted.signers.is_empty() {
                answer.doubts.push("no configured key has signed it, and this database does not remember it".into());
            }
        }
        Err(error) => answer.problems.push(worded(error)),
    }
}

fn worded(error: BackupError) -> String {
    let error = Error::from(error);
    error.reasons().first().unwrap_or(error.what()).to_string()
}

fn whole(file: &mut std::fs::File) -> Result<(u64, String)> {
    let reading = || BackupError::io("reading the backup");
    file.rewind().map_err(reading())?;
    let told = container::sha256(&mut *file).map_err(reading())?;
    file.rewind().map_err(reading())?;
    Ok(told)
}

async fn archive_into(
    args: &DbVerifyArgs,
    cx: &Context,
    archive: Arc<Archive>,
    database: Option<&Database>,
    trusted: &Trusted,
    answer: &mut Verification,
) -> Result<()> {
    let manifest = archive.manifest();
    answer.created_at = Some(manifest.created_at.into());
    answer.database = Some(manifest.database.clone());
    answer.schema_version = manifest.schema_version.clone();
    answer.rows = Some(manifest.rows());
    answer.lacks = version::lacking_in(manifest)?;
    judge(trusted.of_archive(&archive, &answer.sha256), trusted, answer);
    let bar = cx.ui.progress(Some(archive.size()), "Verifying");
    let reading = {
        let (archive, counted) = (Arc::clone(&archive), bar.counter());
        move || archive.problems(counted)
    };
    let problems = tokio::task::spawn_blocking(reading).await.map_err(|_| BackupError::Worker)?;
    drop(bar);
    answer.problems.extend(problems.into_iter().map(worded));
    match verify::check_plan(&archive) {
        Ok(()) => {}
        Err(error @ BackupError::TooNew { .. }) => return Err(error.into()),
        Err(error) => answer.problems.push(worded(error)),
    }
    if !args.deep || !answer.problems.is_empty() {
        return Ok(());
    }
    answer.deep = true;
    let (engine, proof) = deep(cx, &archive, database).await;
    answer.scratch = Some(engine.title());
    match proof {
        Ok(proof) => {
            answer.problems.extend(proof.differences);
            answer.audit_findings = Some(proof.findings);
        }
        // What the archive cannot do to an empty database is the archive's fault; the rest is the machine's.
        Err(
            error @ (BackupError::Damaged { .. }
            | BackupError::Misfit { .. }
            | BackupError::Cell { .. }
            | BackupError::Digest { .. }
            | BackupError::Count { .. }),
        ) => {
            answer.problems.push(worded(error));
        }
        Err(error) => return Err(in_scratch(cx, error)),
    }
    if let Some(database) = database
        && let Some(identity) = identity::of(database, false).await.ok().and_then(Result::ok)
        && verify::is_of(&archive, &identity)
        && !cx.answers.dry_run
        && let Err(error) =
            verify::remember(database, &identity, &archive, &answer.sha256, cx.now, answer.problems.is_empty()).await
    {
        let error = Error::from(error);
        cx.ui.note(if error.kind() == Kind::Denied {
            let role = database.target().role.clone().unwrap_or_default();
            message!(
                "{} may not note the result in the database; it is kept beside the file, where {} finds it.",
                role,
                skyteam("db doctor DIR")
            )
        } else {
            message!("Not noted in the database: {}.", error.what().clone())
        });
    }
    Ok(())
}

/// The database of the settings where there is one: verifying needs none.
async fn open_configured(cx: &Context) -> Option<Arc<Database>> {
    // The proof is remembered there, and a scratch database may be made beside it.
    match cx.writer().await {
        Ok(database) => Some(database),
        Err(error) => {
            cx.ui.step(message!("No database is used for this: {}.", error.what()));
            None
        }
    }
}

async fn dump(
    args: &DbVerifyArgs,
    cx: &Context,
    path: &Path,
    format: Content,
    database: Option<&Database>,
    trusted: &Trusted,
    answer: &mut Verification,
) -> Result<()> {
    judge(trusted.of_dump(path, &answer.sha256), trusted, answer);
    let format = if format == Content::Plain { pg_dump::Format::Plain } else { pg_dump::Format::Custom };
    let env = child::offline(&cx.env);
    match pg_dump::check(path, format, &env).await {
        Ok(()) => {}
        Err(error @ (BackupError::Damaged { .. } | BackupError::PsqlCommand { .. })) => {
            answer.problems.push(worded(error));
        }
        Err(error) => return Err(error.into()),
    }
    if let Some(note) = folder::read_note(path).filter(|note| note.made.is_some())
        && note.sha256 != answer.sha256
    {
        answer.problems.push("its checksum is not the one that was noted when it was made".into());
    }
    if !args.deep || !answer.problems.is_empty() {
        return Ok(());
    }
    deep_dump(cx, path, format, database, answer).await
}

/// Restores a dump into a scratch database on the server: there is nothing else that it fits.
async fn deep_dump(
    cx: &Context,
    path: &Path,
    format: pg_dump::Format,
    database: Option<&Database>,
    answer: &mut Verification,
) -> Result<()> {
    let impossible = |why: String| {
        Error::new(Kind::Usage, "usage", "this dump cannot be proved here")
            .why(why)
            .fix(message!("{}     without --deep reads it to its end", skyteam("db verify FILE")))
    };
    let Some(database) = database.filter(|database| database.engine() == Engine::Postgres) else {
        return Err(impossible("it can only be restored on a PostgreSQL server, and none is named".into()));
    };
    let toc = pg_dump::toc(path, format, &child::offline(&cx.env)).await?;
    if toc.is_data_only() {
        return Err(impossible("it holds rows only, and nothing that would take them".into()));
    }
    let maker = provision::role_maker(database.conn()).await?;
    let role = database.target().role.clone().unwrap_or_default();
    if !maker.inherits {
        return Err(impossible(format!("{role} is NOINHERIT, and could not drop what is made for the proof"))
            .fix(message!("as a superuser: ALTER ROLE {} INHERIT", quote(&role))));
    }
    if !maker.may {
        return Err(impossible(format!(
            "a dump is a program: it is proved by a role made for it that may do nothing else, and {role} may make none"
        ))
        .fix("prove it as a role with CREATEDB and CREATEROLE, or on a server of its own; archives need neither"));
    }
    let name = scratch_name();
    let password = Secret::new(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()));
    let _cleared_away = cx.shutdown.unfinished();
    if let Err(error) = provision::create_sandbox(database.conn(), &name, &password).await {
        return Err(impossible(format!("no scratch database can be made: {}", Error::from(error).what())));
    }
    answer.deep = true;
    answer.scratch = Some(Engine::Postgres.title());
    let proof = on_server(cx, database, &name, Some(password), async |_, scratch| {
        refuse_more_than_sandbox(scratch, &name).await?;
        let unreachable = |error: ConnectError| BackupError::Misfit {
            table: "the scratch database".into(),
            why: Error::from(error).what().to_string(),
        };
        let env = child::environment(&cx.env, scratch).map_err(unreachable)?;
        let wanted = pg_restore::Restore {
            path,
            format,
            seen: &restore::nothing(),
            standing: pg_restore::Standing::Stay,
            tables: Vec::new(),
            privileges: false,
            onward: false,
            lock_timeout: restore::RestoreOptions::default().lock_timeout,
            commit: true,
        };
        pg_restore::restore(scratch, &wanted, &env).await?;
        verify::audited(scratch).await
    });
    match proof.await {
        Ok(findings) => answer.audit_findings = findings,
        // What a program that is there cannot do is the dump's fault, unless it is one that need not be complete.
        Err(error @ (BackupError::Program { fix: None, .. } | BackupError::Unjudged { .. })) => match part(&toc)? {
            Some(part) => return Err(part.explain(impossible(worded(error)))),
            None if matches!(error, BackupError::Unjudged { .. }) => return Err(error.into()),
            None => answer.problems.push(worded(error)),
        },
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Remembers the outcome beside the backup, where `db backups` finds it. `path` is the file, or a copy of what is `remote`.
async fn note(cx: &Context, path: &Path, remote: Option<(Arc<dyn Store>, PathBuf)>, answer: &Verification) {
    // Beside anything else a file of ours has no business.
    let is_ours = folder::look(path).is_some_and(|entry| entry.subject.is_some());
    if !is_ours {
        return;
    }
    let before = folder::read_note(path);
    let made = before.as_ref().and_then(|before| before.made.clone());
    let signature = before.as_ref().and_then(|before| before.signature.clone());
    // A later look without a restore does not take away that it was proved.
    let same = before.filter(|before| answer.sound && before.sha256 == answer.sha256);
    let proved = same.and_then(|before| before.verified).filter(|verified| verified.deep && verified.sound);
    let verified = match proved {
        Some(proved) if !answer.deep => proved,
        _ => Verified { at: cx.now, deep: answer.deep, sound: answer.sound },
    };
    let noted = Note::about(path, &answer.sha256).map(|mut note| {
        note.made = made;
        note.signature = signature;
        note.verified = Some(verified);
        note
    });
    let written = match (noted, remote) {
        (Ok(note), None) => folder::write_note(path, &note).map_err(Error::from),
        (Ok(note), Some((store, place))) => {
            place::on_a_thread(cx, &store, move |store| store.write_note(&place, &note)).await
        }
        (Err(error), _) => Err(error.into()),
    };
    if let Err(error) = written {
        cx.ui.note(message!("Not noted beside the backup: {}.", error.what().clone()));
    }
}
