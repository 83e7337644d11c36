//! `db transfer`: copies this database into another, on either engine.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::opened::{in_scratch, scratch_folder};
use super::planned;
use super::restore::{self, Origin};
use crate::backup::anonymize::Kept;
use crate::backup::create::{Snapshot, Wanted};
use crate::backup::format::archive::{Archive, Progress};
use crate::backup::format::crypt::Identities;
use crate::backup::spool::Spools;
use crate::backup::store::ObjectUrl;
use crate::backup::{BackupError, anonymize, create, plan};
use crate::cli::context::Context;
use crate::db::{Absent, DatabaseUrl};
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{Words, message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db transfer --to postgres://skyteam@db.example.com/skyteam
  skyteam -p production db transfer --to sqlite:copy.db --anonymize";

/// Arguments of `db transfer`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbTransferArgs {
    /// URL of the database to fill
    #[arg(long, value_name = "URL")]
    to: String,
    /// Replace the rows of skyteam's tables that are there
    #[arg(long)]
    clean: bool,
    /// Replace names, texts, links, ids, times and API keys by pseudonyms, the same ones every time; --dry-run lists them
    #[arg(long)]
    anonymize: bool,
    /// With --anonymize, let this column stay as it is; may be given several times
    #[arg(long, value_name = "T.COLUMN", requires = "anonymize")]
    keep: Vec<String>,
}

pub(super) async fn run(args: DbTransferArgs, cx: &Context) -> Result<Outcome> {
    let begun = Instant::now();
    refuse_place(&args.to)?;
    let target = cx.settings.parse_url(&args.to, "--to")?.below(&cx.cwd);
    let kept = kept(&args.keep)?;
    let source = cx.reader().await?;
    if source.url() == &target {
        return Err(Error::new(Kind::Usage, "usage", "source and target are the same database"));
    }
    // What passes between the two lies on the disk sealed: it is the whole of the data.
    let folder: PathBuf = scratch_folder(cx);
    let (recipients, identities) = Identities::ephemeral()?;
    let shown = RefCell::new(None);
    let prepare = async |snapshot: &mut Snapshot| {
        let bar = cx.ui.progress(Some(snapshot.estimate().await?), "Reading");
        let advance: Progress = Arc::new(bar.counter());
        shown.replace(Some(bar));
        let rewrite =
            if args.anonymize { Some(anonymize::rewrite(&snapshot.tokens().await?, kept.clone())) } else { None };
        Ok((Wanted { rewrite, ..Wanted::default() }, advance))
    };
    let spools = Spools::new(&folder, true);
    let made = create::make(&source, planned::reading(cx), cx.now, &spools, &[], prepare).await;
    let made = made.map_err(|error| in_scratch(cx, error))?;
    drop(shown);
    let mut file = tempfile::tempfile_in(&folder).map_err(BackupError::io("making room for the transfer"))?;
    made.write(&mut file, &recipients).map_err(|error| in_scratch(cx, error))?;
    let archive = Arc::new(Archive::open(file, &identities)?);

    let wanted = plan::Wanted { clean: args.clean, ..plan::Wanted::default() };
    let new_file = match &target {
        DatabaseUrl::Sqlite(place) if !place.in_memory() && !place.path.exists() => Some(place.path.clone()),
        _ => None,
    };
    let mut done = match new_file {
        Some(path) => {
            cx.ui.note(message!("→ {}  (a new file)", path.display()));
            restore::into_new_file(cx, &path, &target, archive, &wanted, &Origin::this_run()).await?
        }
        None => {
            let database = cx.connect(&target, Absent::Refuse).await?;
            cx.ui.note(message!("→ {}  (--to)", database.target().to_string()));
            let done = restore::into(cx, &database, archive, &wanted, &Origin::this_run()).await?;
            database.close().await;
            done
        }
    };
    done.seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    cx.ui.report(&done)?;
    if done.dry_run {
        if args.anonymize {
            for (table, column, mask) in anonymize::fates(&kept) {
                cx.ui.note(message!("{}.{}: {}", table, column, Words(mask.words())));
            }
        }
        cx.ui.note("Dry run: rolled back, nothing was changed.");
    }
    Ok(Outcome::Done)
}

/// Refuses a place for backups as the target: a transfer fills a database.
fn refuse_place(to: &str) -> Result<()> {
    let Some(place) = ObjectUrl::parse(Path::new(to))? else { return Ok(()) };
    let place = place.to_string();
    Err(Error::new(
        Kind::Usage,
        "usage",
        message!("{} is a place for backups, and --to takes a database", place.clone()),
    )
    .why("a transfer goes from one database into another; an object store keeps backups, which are restored from there")
    .fix(message!("{}     makes one there", skyteam("db backup").arg(&place)))
    .fix(message!(
        "{}     makes an anonymous copy, which can be backed up",
        skyteam("db transfer --to sqlite:copy.db --anonymize")
    )))
}

/// The columns that are to stay.
fn kept(named: &[String]) -> Result<Kept> {
    let known = anonymize::fates(&Kept::new());
    let find = |given: &String| {
        let found =
            given.split_once('.').filter(|(table, column)| known.iter().any(|(t, c, _)| t == table && c == column));
        found.map(|(table, column)| (table.to_owned(), column.to_owned())).ok_or_else(|| {
            Error::new(Kind::Usage, "usage", message!("there is no column {}", given))
                .why("--keep takes the name of a table and of a column: users.createdAt")
                .fix(message!("{}     lists them", skyteam("db transfer --to URL --anonymize --dry-run")))
        })
    };
    named.iter().map(find).collect()
}
