//! `db backup`: an archive of skyteam's tables, or a dump by pg_dump.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use serde::Serialize;

use super::shell::libpq_variables;
use super::{prune, restore};
use crate::backup::crypt::Recipients;
use crate::backup::file::{self, FolderLock, PendingFile};
use crate::backup::make::{Made, Snapshot, Wanted, Written};
use crate::backup::manifest::{Contents, Manifest};
use crate::backup::native;
use crate::backup::spool::Spools;
use crate::context::Context;
use crate::db::{Database, DatabaseUrl};
use crate::error::{Error, Kind, Outcome, Result};
use crate::report::Report;
use crate::ui::{Cell, Page, Tone, text};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db backup /var/backups/skyteam --keep-daily 7 --keep-weekly 5 --keep-monthly 12
  skyteam db backup -f before-the-event.skyteam
  skyteam db backup -f - --encrypt-to age1… | ssh vault 'cat > skyteam.backup'";

/// Arguments of `db backup`.
#[derive(clap::Args, Debug)]
pub struct Args {
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

pub(super) async fn run(args: Args, cx: &Context) -> Result<Outcome> {
    let begun = Instant::now();
    let recipients = Recipients::parse(args.encrypt_to.iter().map(String::as_str))?;
    refuse_misuse(&args, &recipients)?;
    let database = cx.reader().await?;
    let to_stdout = args.file.as_deref() == Some(Path::new("-"));
    let target = target(&args, cx, &database);
    let folder = if to_stdout { restore::scratch_folder(cx) } else { file::folder_of(&target).to_owned() };
    let _lock = if to_stdout { None } else { Some(FolderLock::take(&folder)?) };

    let mut report = match args.format {
        Format::Archive => {
            let made = read(&args, cx, &database, &Spools::new(&folder, !recipients.is_empty())).await?;
            let (manifest, written) = if to_stdout {
                cx.ui.pour(|out| made.write(out, &recipients))??
            } else if cx.answers.dry_run {
                made.write(io::sink(), &recipients)?
            } else {
                let mut pending = PendingFile::create(&target)?;
                let done = made.write(&mut pending, &recipients)?;
                pending.commit()?;
                done
            };
            of_archive(&target, &manifest, written, !recipients.is_empty())
        }
        Format::Plain | Format::Custom => dump(&args, cx, &database, &target, to_stdout).await?,
    };
    if !args.keep.policy().is_empty() && !to_stdout {
        let removed = prune::apply(&folder, args.keep.policy(), cx.answers.dry_run)?;
        report.removed = removed.iter().map(|path| path.display().to_string()).collect();
    }
    report.seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    if to_stdout {
        report.file = "-".into();
        cx.ui.note(report.line());
    } else {
        cx.ui.report(&report)?;
    }
    if cx.answers.dry_run {
        cx.ui.note("Dry run: nothing was written.");
    }
    Ok(Outcome::Done)
}

fn refuse_misuse(args: &Args, recipients: &Recipients) -> Result<()> {
    if args.format != Format::Archive && !recipients.is_empty() {
        return Err(Error::new(Kind::Usage, "usage", "only skyteam's own archive can be encrypted")
            .why("--format plain and custom are what pg_dump writes")
            .fix("leave out --format, or pipe -f - into age"));
    }
    Ok(())
}

fn target(args: &Args, cx: &Context, database: &Database) -> PathBuf {
    let extension = match args.format {
        Format::Archive => file::EXTENSION,
        Format::Plain => "sql",
        Format::Custom => "dump",
    };
    match &args.file {
        Some(file) => cx.cwd.join(file),
        None => {
            let folder = args.dir.as_ref().map_or_else(|| cx.cwd.clone(), |dir| cx.cwd.join(dir));
            folder.join(file::name(database.name(), cx.now, extension))
        }
    }
}

fn contents(args: &Args) -> Contents {
    match (args.schema_only, args.data_only) {
        (true, _) => Contents::Schema,
        (_, true) => Contents::Data,
        _ => Contents::All,
    }
}

async fn read(args: &Args, cx: &Context, database: &Database, spools: &Spools) -> Result<Made> {
    let mut snapshot = Snapshot::take(database, &args.tables).await?;
    let progress = Arc::new(cx.ui.progress(Some(snapshot.estimate().await?), "Backing up"));
    let wanted = Wanted { contents: contents(args), tables: args.tables.clone(), rewrite: None };
    let advance = {
        let progress = Arc::clone(&progress);
        Arc::new(move |rows| progress.advance(rows))
    };
    Ok(snapshot.read(database, &wanted, cx.now, spools, advance).await?)
}

fn of_archive(target: &Path, manifest: &Manifest, written: Written, encrypted: bool) -> Backup {
    let rows = |entry: &crate::backup::manifest::TableEntry| Rows { table: entry.name.clone(), rows: entry.rows };
    Backup {
        file: target.display().to_string(),
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

async fn dump(args: &Args, cx: &Context, database: &Database, target: &Path, to_stdout: bool) -> Result<Backup> {
    let format = if args.format == Format::Plain { native::Format::Plain } else { native::Format::Custom };
    let wanted = native::Wanted { format, contents: contents(args), tables: args.tables.clone() };
    let mut env = cx.env.clone();
    if let DatabaseUrl::Postgres(place) = database.url() {
        env.extend(libpq_variables(place));
    }
    let written = if to_stdout {
        native::dump(database, &wanted, &env, &mut |bytes| cx.ui.raw(bytes).map_err(io::Error::other)).await?
    } else if cx.answers.dry_run {
        native::dump(database, &wanted, &env, &mut |_| Ok(())).await?
    } else {
        let mut pending = PendingFile::create(target)?;
        let written = native::dump(database, &wanted, &env, &mut |bytes| pending.write_all(bytes)).await?;
        pending.commit()?;
        native::leave_note(target, database.name(), cx.now, &written)?;
        written
    };
    Ok(Backup {
        file: target.display().to_string(),
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
