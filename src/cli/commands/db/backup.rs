//! `db backup`: an archive of skyteam's tables, or a dump by pg_dump.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use serde::Serialize;

use super::shell::libpq_variables;
use super::{planned, prune, restore};
use crate::backup::create::{Made, Snapshot, Wanted, Written};
use crate::backup::format::archive::Progress;
use crate::backup::format::crypt::Recipients;
use crate::backup::format::manifest::{Contents, Manifest};
use crate::backup::spool::Spools;
use crate::backup::store::file::{Destination, FolderLock, PendingFile};
use crate::backup::store::{file, folder};
use crate::backup::{BackupError, create, pg_dump};
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Cell, Page, Tone, text};
use crate::db::{Database, DatabaseUrl};
use crate::error::{Error, Kind, Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db backup /var/backups/skyteam --keep-daily 7 --keep-weekly 5 --keep-monthly 12
  skyteam db backup -f before-the-event.skyteam
  skyteam db backup -f - --encrypt-to age1… | ssh vault 'cat > skyteam.backup'";

/// Arguments of `db backup`.
#[derive(clap::Args, Debug)]
pub struct DbBackupArgs {
    /// Folder to write into, under a name with database and time [default: the current folder]
    #[arg(value_name = "DIR", conflicts_with = "file")]
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
    #[command(flatten)]
    keep: prune::Keep,
}

/// The forms of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A tar of Parquet files, for either engine
    Archive,
    /// SQL, by pg_dump
    Plain,
    /// PostgreSQL's custom format, by pg_dump
    Custom,
}

/// What a monitoring system is told.
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
    seconds: f64,
    removed: Vec<String>,
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
    refuse_misuse(&args, cx, &recipients)?;
    let database = cx.reader().await?;
    let target = target(&args, cx, &database)?;
    let folder = match &target {
        Target::File { path, .. } => file::folder_of(path).to_owned(),
        Target::Stdout | Target::Stream(_) => restore::scratch_folder(cx),
    };
    let _lock = match &target {
        Target::File { .. } => Some(FolderLock::take(&folder)?),
        Target::Stdout | Target::Stream(_) => None,
    };

    let mut report = match args.format {
        Format::Archive => {
            let made = read(&args, cx, &database, &Spools::new(&folder, !recipients.is_empty())).await?;
            let (place, (manifest, written)) = archive(cx, &target, made, &recipients)?;
            of_archive(place, &manifest, written, !recipients.is_empty())
        }
        Format::Plain | Format::Custom => dump(&args, cx, &database, &target).await?,
    };
    if !args.keep.policy().is_empty() {
        let removed = prune::apply(&folder, args.keep.policy(), cx.answers.dry_run)?;
        report.removed = removed.iter().map(|path| path.display().to_string()).collect();
    }
    report.seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    match target {
        // The backup is the answer there; what is told of it goes the other way.
        Target::Stdout if cx.ui.format().is_json() => {
            cx.ui.note(serde_json::to_string(&report).map_err(io::Error::from)?);
        }
        Target::Stdout => cx.ui.note(report.line()),
        Target::Stream(_) | Target::File { .. } => cx.ui.report(&report)?,
    }
    if cx.answers.dry_run {
        cx.ui.note("Dry run: nothing was written.");
    }
    Ok(Outcome::Done)
}

fn refuse_misuse(args: &DbBackupArgs, cx: &Context, recipients: &Recipients) -> Result<()> {
    let to_stdout = args.file.as_deref() == Some(Path::new("-"));
    if to_stdout && args.format != Format::Plain && cx.ui.is_terminal() && !cx.answers.dry_run {
        return Err(Error::new(Kind::Usage, "usage", "a backup is not for a terminal")
            .why("standard output is one, and the backup is not text")
            .fix("skyteam db backup -f - > FILE"));
    }
    if to_stdout && !args.keep.policy().is_empty() {
        return Err(Error::new(Kind::Usage, "usage", "--keep-… needs a folder, and standard output is in none")
            .fix("skyteam db prune DIR --keep-daily 7"));
    }
    if args.format != Format::Archive && !recipients.is_empty() {
        return Err(Error::new(Kind::Usage, "usage", "only skyteam's own archive can be encrypted")
            .why("--format plain and custom are what pg_dump writes")
            .fix("leave out --format, or pipe -f - into age"));
    }
    Ok(())
}

/// Where the backup goes.
enum Target {
    Stdout,
    /// A pipe or a device that takes bytes.
    Stream(PathBuf),
    /// A file under its own name, or in place of one that has the name given.
    File {
        path: PathBuf,
        replaces: bool,
    },
}

fn target(args: &DbBackupArgs, cx: &Context, database: &Database) -> Result<Target> {
    let extension = match args.format {
        Format::Archive => file::EXTENSION,
        Format::Plain => "sql",
        Format::Custom => "dump",
    };
    Ok(match &args.file {
        Some(file) if file == Path::new("-") => Target::Stdout,
        Some(file) => match file::destination(&cx.cwd.join(file))? {
            Destination::File(path) => Target::File { path, replaces: true },
            Destination::Stream(path) => Target::Stream(path),
        },
        None => {
            let folder = args.dir.as_ref().map_or_else(|| cx.cwd.clone(), |dir| cx.cwd.join(dir));
            Target::File { path: folder.join(file::name(database.name(), cx.now, extension)), replaces: false }
        }
    })
}

/// Opens a pipe or a device.
fn open(stream: &Path) -> Result<File> {
    let opened = File::options().write(true).open(stream);
    Ok(opened.map_err(BackupError::io(format!("writing {}", stream.display())))?)
}

/// Writes an archive; answers where it is now.
fn archive(cx: &Context, target: &Target, made: Made, to: &Recipients) -> Result<(String, (Manifest, Written))> {
    Ok(match target {
        Target::Stdout => ("-".into(), cx.ui.pour(|out| made.write(out, to))??),
        Target::Stream(path) | Target::File { path, .. } if cx.answers.dry_run => {
            (path.display().to_string(), made.write(io::sink(), to)?)
        }
        Target::Stream(path) => (path.display().to_string(), made.write(open(path)?, to)?),
        Target::File { path, replaces } => {
            let mut pending = PendingFile::create(path)?;
            let done = made.write(&mut pending, to)?;
            (folder::commit(pending, *replaces)?.display().to_string(), done)
        }
    })
}

fn contents(args: &DbBackupArgs) -> Contents {
    match (args.schema_only, args.data_only) {
        (true, _) => Contents::Schema,
        (_, true) => Contents::Data,
        _ => Contents::All,
    }
}

async fn read(args: &DbBackupArgs, cx: &Context, database: &Database, spools: &Spools) -> Result<Made> {
    // Each bar goes when the next one comes, and the last one with this function.
    let shown = RefCell::new(None);
    let prepare = async |snapshot: &mut Snapshot| {
        let bar = cx.ui.progress(Some(snapshot.estimate().await?), "Backing up");
        let advance: Progress = Arc::new(bar.counter());
        shown.replace(Some(bar));
        Ok((Wanted { contents: contents(args), tables: args.tables.clone(), rewrite: None }, advance))
    };
    Ok(create::make(database, planned::reading(cx), cx.now, spools, &args.tables, prepare).await?)
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
        seconds: 0.0,
        removed: Vec::new(),
    }
}

async fn dump(args: &DbBackupArgs, cx: &Context, database: &Database, target: &Target) -> Result<Backup> {
    let format = if args.format == Format::Plain { pg_dump::Format::Plain } else { pg_dump::Format::Custom };
    let wanted = pg_dump::Wanted { format, contents: contents(args), tables: args.tables.clone() };
    let mut env = cx.env.clone();
    if let DatabaseUrl::Postgres(place) = database.url() {
        env.extend(libpq_variables(place));
    }
    let patience = planned::reading(cx);
    let (file, written) = match target {
        Target::Stdout => {
            let out = &mut |bytes: &[u8]| cx.ui.raw(bytes).map_err(io::Error::other);
            ("-".into(), pg_dump::dump(database, &wanted, &env, patience, out).await?)
        }
        Target::Stream(path) | Target::File { path, .. } if cx.answers.dry_run => {
            (path.display().to_string(), pg_dump::dump(database, &wanted, &env, patience, &mut |_| Ok(())).await?)
        }
        Target::Stream(path) => {
            let mut stream = open(path)?;
            let out = &mut |bytes: &[u8]| stream.write_all(bytes);
            (path.display().to_string(), pg_dump::dump(database, &wanted, &env, patience, out).await?)
        }
        Target::File { path, replaces } => {
            let mut pending = PendingFile::create(path)?;
            let written =
                pg_dump::dump(database, &wanted, &env, patience, &mut |bytes| pending.write_all(bytes)).await?;
            let path = folder::commit(pending, *replaces)?;
            pg_dump::leave_note(&path, database, &wanted, cx.now, &written)?;
            (path.display().to_string(), written)
        }
    };
    Ok(Backup {
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
        seconds: 0.0,
        removed: Vec::new(),
    })
}
