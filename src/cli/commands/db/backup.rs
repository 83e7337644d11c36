//! `db backup`: an archive of skyteam's tables, or a dump by pg_dump.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use serde::Serialize;

use super::destination::{self, At, Target};
use super::signers::{SignerArgs, signing_key};
use super::vouching::{identify, remember, sign_outside};
use super::{opened, place, planned, prune};
use crate::backup::changed::Changed;
use crate::backup::create::{Made, Snapshot, Wanted, Written};
use crate::backup::format::archive::Progress;
use crate::backup::format::crypt::Recipients;
use crate::backup::format::manifest::{Contents, Manifest};
use crate::backup::identity::Identity;
use crate::backup::record::Fingerprint;
use crate::backup::signature::SigningKey;
use crate::backup::spool::Spools;
use crate::backup::store::folder::Note;
use crate::backup::store::{self, Store, file};
use crate::backup::{BackupError, create, pg_dump, refused};
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Cell, Page, Tone, text};
use crate::db::{Database, child};
use crate::directory::input::quoted;
use crate::error::backup::{MAKE_BY_HAND, refusal};
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{message, skyteam};

/// Definitions that a restore would refuse and that are named.
const NAMED: usize = 5;

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db backup /var/backups/skyteam --keep-daily 7 --keep-weekly 5 --keep-monthly 12
  skyteam db backup s3://shop-backups/skyteam --encrypt-to age1…
  skyteam db backup -f before-the-event.skyteam
  skyteam db backup -f - --encrypt-to age1… | ssh vault 'cat > skyteam.backup'";

/// Arguments of `db backup`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbBackupArgs {
    /// Folder or URL (s3://, gs://, az://) to write to, under a name with database and time [default: the current folder]
    #[arg(value_name = "DIR|URL", conflicts_with = "file")]
    dir: Option<PathBuf>,
    /// File to write, replaced if it is there; - for standard output
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What to write: skyteam's own archive, or what pg_dump makes of the whole PostgreSQL database
    #[arg(long, value_enum, default_value_t = Format::Archive)]
    format: Format,
    /// Back up the tables without their rows
    #[arg(long, conflicts_with = "data_only")]
    schema_only: bool,
    /// Back up the rows without their tables
    #[arg(long)]
    data_only: bool,
    /// Back up only this table; may be given several times
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<String>,
    /// Encrypt to this age public key; may be given several times
    #[arg(long, value_name = "KEY")]
    encrypt_to: Vec<String>,
    /// Sign with the private key in this file, made by config keygen [env: SKYTEAM_SIGN_KEY]
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,
    /// Keep in a dump by pg_dump who may do what; the roles must exist where it is restored
    #[arg(long)]
    with_privileges: bool,
    /// Write the same backup here too, and read both back; may be given several times
    #[arg(long, value_name = "DIR|URL", conflicts_with = "file")]
    also: Vec<PathBuf>,
    #[command(flatten)]
    keep: prune::Keep,
}

/// The forms of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A tar of Parquet files, for either engine
    Archive,
    /// SQL, by pg_dump
    Plain,
    /// PostgreSQL's custom format, by pg_dump
    Custom,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Archive => file::EXTENSION,
            Self::Plain => "sql",
            Self::Custom => "dump",
        }
    }
}

/// The report for a monitoring system.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Backup {
    file: String,
    format: &'static str,
    database: String,
    schema_version: Option<String>,
    created_at: crate::entity::types::Timestamp,
    size: u64,
    rows: Option<u64>,
    tables: Vec<Rows>,
    sha256: String,
    encrypted: bool,
    signed: bool,
    seconds: f64,
    removed: Vec<String>,
    /// Copies that were made of it, each read back and compared.
    also: Vec<String>,
}

#[derive(Serialize)]
struct Rows {
    table: String,
    rows: u64,
}

impl Backup {
    fn line(&self) -> String {
        let rows = self.rows.map(|rows| format!("  {}", text::count(rows, "row"))).unwrap_or_default();
        let removed = match self.removed.len() {
            0 => String::new(),
            count => format!("  removed {count}"),
        };
        let size = text::bytes(self.size);
        format!("{}  {size}{rows}  {:.1} s  sha256 {}{removed}", self.file, self.seconds, self.sha256)
    }
}

impl Report for Backup {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(Cell::new(self.line()).tone(Tone::Plain))
    }
}

pub(super) async fn run(args: DbBackupArgs, cx: &Context) -> Result<Outcome> {
    let begun = Instant::now();
    let recipients = Recipients::parse(args.encrypt_to.iter().map(String::as_str))?;
    let key = signing_key(args.sign_key.as_deref(), cx)?;
    refuse_misuse(&args, cx, &recipients)?;
    let database = cx.reader().await?;
    let identity = identify(cx, &database, !args.keep.policy().is_empty()).await?;
    let name = file::name(database.name(), identity.as_ref(), cx.now, args.format.extension());
    let target = destination::find(args.file.as_deref(), args.dir.as_deref(), &name, cx)?;
    let also = args.also.iter().map(|given| place::store(Some(given), cx)).collect::<Result<Vec<_>>>()?;
    // What is known to fail fails before hours of reading.
    for store in target.store().into_iter().chain(&also) {
        place::on_a_thread(cx, store, |store| store.check()).await?;
    }
    let beside = target.store().and_then(|store| store.scratch());
    let folder = beside.map_or_else(|| opened::scratch_folder(cx), Path::to_owned);
    let _lock = target.store().map(|store| store.lock()).transpose()?;
    note_clear_text(&args, cx, &recipients)?;

    let (mut report, ends) = match args.format {
        Format::Archive => {
            let mut made =
                read(&args, cx, &database, identity.clone(), &Spools::new(&folder, !recipients.is_empty())).await?;
            if let Some(key) = &key {
                made.sign(key);
            }
            let (place, (manifest, written)) = archive(cx, &target, made, &recipients).await?;
            if !manifest.left_out.is_empty() {
                cx.ui.warn(message!(
                    "Not in the backup, since no entity has them: {}",
                    manifest.left_out.iter().map(|table| quoted(table)).collect::<Vec<_>>().join(", ")
                ));
            }
            if !manifest.pending.is_empty() || !manifest.changed.is_empty() {
                let changed = manifest.changed.iter().map(Changed::name);
                let all: Vec<String> = manifest.pending.iter().cloned().chain(changed).collect();
                cx.ui.note(message!(
                    "No migration makes these yet: {}. Restore with a build that has them, or write one: {}",
                    all.join(", "),
                    skyteam("db generate")
                ));
            }
            warn_of_refused(cx, &manifest);
            (of_archive(place.path, &manifest, written, !recipients.is_empty()), place.ends)
        }
        Format::Plain | Format::Custom => dump(&args, cx, &database, identity.clone(), &target, key.as_ref()).await?,
    };
    if !cx.answers.dry_run {
        let fingerprint = Fingerprint { sha256: report.sha256.clone(), ends: ends.clone() };
        let remembered = remember(cx, &database, &fingerprint, report.signed).await;
        if let (Some(key), false, true, Target::Place { store, .. }, Some(ends)) =
            (&key, remembered, report.encrypted, &target, ends)
        {
            let note = Note::of(report.size, ends, report.sha256.clone());
            sign_outside(cx, store, PathBuf::from(&report.file), note, key).await?;
        }
    }
    let mut incomplete = false;
    if let Target::Place { store, path, .. } = &target {
        let mut places = vec![(Arc::clone(store), PathBuf::from(&report.file))];
        for other in also {
            let copy = copy(cx, store, path, &report, &other).await?;
            report.also.push(copy.display().to_string());
            places.push((other, copy));
        }
        if !args.keep.policy().is_empty() {
            let trusted = SignerArgs::default().trusted(cx, Some(&database)).await?;
            for (store, made) in places {
                let (identity, trusted) = (identity.clone(), trusted.clone());
                let applied = prune::apply(cx, &store, args.keep.policy(), identity, made, trusted).await?;
                report.removed.extend(applied.removed.iter().map(|path| path.display().to_string()));
                incomplete |= applied.incomplete;
            }
        }
    }
    report.seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    match target {
        // The backup is the answer there; its report goes the other way.
        Target::Stdout if cx.ui.format().is_json() => {
            cx.ui.note(serde_json::to_string(&report).map_err(io::Error::from)?);
        }
        Target::Stdout => cx.ui.note(report.line()),
        Target::Stream(_) | Target::Place { .. } => cx.ui.report(&report)?,
    }
    if cx.answers.dry_run {
        cx.ui.note("Dry run: nothing was written.");
    }
    Ok(if incomplete { Outcome::Found } else { Outcome::Done })
}

/// Copies a backup that was made to another place, and reads both back.
async fn copy(
    cx: &Context,
    from: &Arc<dyn Store>,
    planned: &Path,
    made: &Backup,
    to: &Arc<dyn Store>,
) -> Result<PathBuf> {
    if cx.answers.dry_run {
        return Ok(to.place(&planned.file_name().unwrap_or_default().to_string_lossy()));
    }
    let (backup, sha256, target) = (PathBuf::from(&made.file), made.sha256.clone(), Arc::clone(to));
    let source = Arc::clone(from);
    let work = move |_: &dyn Store| {
        store::check_copy(&*source, &backup, &sha256)?;
        Ok(store::copy(&*source, &backup, &*target, &sha256)?.path)
    };
    place::on_a_thread(cx, from, work).await
}

/// Recommends encryption where a backup leaves this machine in the clear.
fn note_clear_text(args: &DbBackupArgs, cx: &Context, recipients: &Recipients) -> Result<()> {
    let mut remote = false;
    for given in args.dir.iter().chain(&args.file).chain(&args.also) {
        remote |= place::is_remote(given)?;
    }
    if remote && recipients.is_empty() {
        cx.ui.note(
            "The backup leaves this machine in the clear: --encrypt-to KEY, an age public key, keeps it from everyone \
             who can read the place.",
        );
    }
    Ok(())
}

fn refuse_misuse(args: &DbBackupArgs, cx: &Context, recipients: &Recipients) -> Result<()> {
    let to_stdout = args.file.as_deref() == Some(Path::new("-"));
    if to_stdout && args.format != Format::Plain && cx.ui.is_terminal() && !cx.answers.dry_run {
        return Err(Error::new(Kind::Usage, "usage", "a backup is not for a terminal")
            .why("standard output is one, and the backup is not text")
            .fix(skyteam("db backup -f - > FILE")));
    }
    if to_stdout && !args.keep.policy().is_empty() {
        return Err(Error::new(Kind::Usage, "usage", "--keep-… needs a folder, and standard output is in none")
            .fix(skyteam("db prune DIR --keep-daily 7")));
    }
    if args.format == Format::Archive && args.with_privileges {
        return Err(Error::new(Kind::Usage, "usage", "--with-privileges is for --format plain and custom")
            .why("skyteam's own archive holds tables and rows, and no privileges")
            .fix(message!("leave it out, and after a restore: {}", skyteam("db grant"))));
    }
    let has_note = matches!(args.format, Format::Archive) || !to_stdout;
    if args.sign_key.is_some() && !has_note {
        return Err(Error::new(Kind::Usage, "usage", "a dump on standard output cannot be signed")
            .why("the signature of a dump is in the note beside its file")
            .fix("write it into a folder, or leave out --format"));
    }
    if args.format != Format::Archive && !recipients.is_empty() {
        return Err(Error::new(Kind::Usage, "usage", "only skyteam's own archive can be encrypted")
            .why("--format plain and custom are what pg_dump writes")
            .fix("leave out --format, or pipe -f - into age"));
    }
    Ok(())
}

/// Opens a pipe or a device.
fn open(stream: &Path) -> Result<File> {
    let opened = File::options().write(true).open(stream);
    Ok(opened.map_err(BackupError::io(format!("writing {}", stream.display())))?)
}

/// Writes an archive; returns where it is now.
async fn archive(cx: &Context, target: &Target, made: Made, to: &Recipients) -> Result<(At, (Manifest, Written))> {
    Ok(match target {
        Target::Stdout if cx.answers.dry_run => (At::named("-"), made.write(io::sink(), to)?),
        Target::Stdout => {
            let done = match cx.ui.pour(|out| made.write(out, to)) {
                Ok(written) => written.map_err(not_taken)?,
                Err(error) => return Err(unless_taken(error)),
            };
            cx.ui.until_taken().await.map_err(unless_taken)?;
            (At::named("-"), done)
        }
        Target::Stream(path) | Target::Place { path, .. } if cx.answers.dry_run => {
            (At::named(path.display().to_string()), made.write(io::sink(), to)?)
        }
        Target::Stream(path) => {
            let stream = open(path)?;
            let done = made.write(&stream, to).map_err(not_taken)?;
            taken(path, stream).await?;
            (At::named(path.display().to_string()), done)
        }
        Target::Place { store, path, replaces } => {
            let (path, replaces, to) = (path.clone(), *replaces, to.clone());
            let write = move |store: &dyn Store| {
                let mut pending = store.begin(&path, replaces, made.size())?;
                let done = made.write(&mut pending, &to)?;
                Ok((At::placed(pending.commit()?), done))
            };
            place::on_a_thread(cx, store, write).await?
        }
    })
}

/// Waits until the reader of a named pipe has taken everything.
async fn taken(path: &Path, stream: File) -> Result<()> {
    let waited = tokio::task::spawn_blocking(move || crate::system::wait_until_taken(&stream)).await;
    let taken = waited.map_err(|_| BackupError::Worker)?;
    Ok(taken.map_err(|error| not_taken(BackupError::io(format!("writing {}", path.display()))(error)))?)
}

/// Half a backup is none: a reader that goes away early is a failure here, other than for a list.
fn not_taken(error: BackupError) -> BackupError {
    match error {
        BackupError::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => BackupError::NotTaken,
        error => error,
    }
}

fn unless_taken(error: Error) -> Error {
    if error.code() == "closed_pipe" { BackupError::NotTaken.into() } else { error }
}

fn contents(args: &DbBackupArgs) -> Contents {
    match (args.schema_only, args.data_only) {
        (true, _) => Contents::Schema,
        (_, true) => Contents::Data,
        _ => Contents::All,
    }
}

async fn read(
    args: &DbBackupArgs,
    cx: &Context,
    database: &Database,
    identity: Option<Identity>,
    spools: &Spools,
) -> Result<Made> {
    // Each bar goes when the next one comes, and the last one with this function.
    let shown = RefCell::new(None);
    let prepare = async |snapshot: &mut Snapshot| {
        let bar = cx.ui.progress(Some(snapshot.estimate().await?), "Backing up");
        let advance: Progress = Arc::new(bar.counter());
        shown.replace(Some(bar));
        let (contents, tables, identity) = (contents(args), args.tables.clone(), identity.clone());
        Ok((Wanted { contents, tables, identity, rewrite: None }, advance))
    };
    Ok(create::make(database, planned::reading(cx), cx.now, spools, &args.tables, prepare).await?)
}

/// Names what other tools have defined that a restore of this backup would not make.
fn warn_of_refused(cx: &Context, manifest: &Manifest) {
    let found = refused::in_archive(manifest);
    for each in found.iter().take(NAMED) {
        cx.ui.warn(refusal(each));
    }
    if found.len() > NAMED {
        cx.ui.warn(message!("and {} more: {} names them", found.len() - NAMED, skyteam("db doctor")));
    }
    if !found.is_empty() {
        cx.ui.note(MAKE_BY_HAND);
    }
}

fn of_archive(file: String, manifest: &Manifest, written: Written, encrypted: bool) -> Backup {
    let rows =
        |entry: &crate::backup::format::manifest::TableEntry| Rows { table: entry.name.clone(), rows: entry.rows };
    Backup {
        file,
        format: "archive",
        database: manifest.database.clone(),
        schema_version: manifest.schema_version.clone(),
        created_at: manifest.created_at.into(),
        size: written.size,
        rows: Some(manifest.rows()),
        tables: manifest.tables.iter().map(rows).collect(),
        sha256: written.sha256,
        encrypted,
        signed: manifest.signature.is_some(),
        seconds: 0.0,
        removed: Vec::new(),
        also: Vec::new(),
    }
}

async fn dump(
    args: &DbBackupArgs,
    cx: &Context,
    database: &Database,
    identity: Option<Identity>,
    target: &Target,
    key: Option<&SigningKey>,
) -> Result<(Backup, Option<String>)> {
    let format = if args.format == Format::Plain { pg_dump::Format::Plain } else { pg_dump::Format::Custom };
    let wanted = pg_dump::Wanted {
        format,
        contents: contents(args),
        tables: args.tables.clone(),
        privileges: args.with_privileges,
    };
    let env = child::environment(&cx.env, database)?;
    let patience = planned::reading(cx);
    let (at, written) = match target {
        Target::Stdout | Target::Stream(_) | Target::Place { .. } if cx.answers.dry_run => {
            let path = match target {
                Target::Stdout => Path::new("-"),
                Target::Stream(path) | Target::Place { path, .. } => path,
            };
            let written = pg_dump::dump(database, &wanted, &env, patience, &mut |_| Ok(())).await?;
            (At::named(path.display().to_string()), written)
        }
        Target::Stdout => {
            let out = &mut |bytes: &[u8]| match cx.ui.raw(bytes) {
                Err(error) if error.code() == "closed_pipe" => Err(io::ErrorKind::BrokenPipe.into()),
                written => written.map_err(io::Error::other),
            };
            let written = pg_dump::dump(database, &wanted, &env, patience, out).await.map_err(not_taken)?;
            cx.ui.until_taken().await.map_err(unless_taken)?;
            (At::named("-"), written)
        }
        Target::Stream(path) => {
            let mut stream = open(path)?;
            let out = &mut |bytes: &[u8]| stream.write_all(bytes);
            let written = pg_dump::dump(database, &wanted, &env, patience, out).await.map_err(not_taken)?;
            taken(path, stream).await?;
            (At::named(path.display().to_string()), written)
        }
        Target::Place { store, path, replaces } => {
            // Not straight into the place: the dump holds locks, and a slow line would prolong them.
            let folder = store.scratch().map_or_else(|| opened::scratch_folder(cx), Path::to_owned);
            let mut spool = tempfile::tempfile_in(&folder).map_err(BackupError::io("making room for the dump"))?;
            let written = pg_dump::dump(database, &wanted, &env, patience, &mut |bytes| spool.write_all(bytes)).await?;
            spool.rewind().map_err(BackupError::io("reading the dump"))?;
            let note = pg_dump::note(database, identity, &wanted, cx.now, &written, key);
            let (path, replaces, size) = (path.clone(), *replaces, written.size);
            let write = move |store: &dyn Store| {
                let mut pending = store.begin(&path, replaces, size)?;
                io::copy(&mut spool, &mut pending).map_err(BackupError::io("writing the dump"))?;
                let placed = pending.commit()?;
                store.write_note(&placed.path, &note.about(&placed))?;
                Ok(At::placed(placed))
            };
            (place::on_a_thread(cx, store, write).await?, written)
        }
    };
    let At { path: file, ends } = at;
    let made = Backup {
        file,
        format: if args.format == Format::Plain { "plain" } else { "custom" },
        database: database.name().to_owned(),
        schema_version: None,
        created_at: cx.now.into(),
        size: written.size,
        rows: None,
        tables: Vec::new(),
        sha256: written.sha256,
        encrypted: false,
        signed: key.is_some() && matches!(target, Target::Place { .. }) && !cx.answers.dry_run,
        seconds: 0.0,
        removed: Vec::new(),
        also: Vec::new(),
    };
    Ok((made, ends))
}
