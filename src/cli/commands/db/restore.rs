//! `db restore`: restores a backup into a database.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::opened::{open, sum};
use super::planned;
use super::signers::SignerArgs;
use crate::backup::detect::Content;
use crate::backup::format::archive::Archive;
use crate::backup::format::crypt::Identities;
use crate::backup::maker::Maker;
use crate::backup::pg_dump::Toc;
use crate::backup::pg_restore::Standing;
use crate::backup::plan::{Plan, State, Wanted, Way};
use crate::backup::{BackupError, detect, pg_dump, pg_restore, restore, version};
use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Page, text};
use crate::db::{Absent, Database, DatabaseUrl, child};
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{Message, message, skyteam};
use crate::schema::migrate;
use crate::schema::migrate::{Event, MigrateOptions};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db restore skyteam-skyteam-20261123T020000Z.skyteam
  skyteam db restore backup.skyteam --clean --confirm skyteam
  skyteam db restore s3://shop-backups/skyteam/backup.skyteam --database-url postgres://…
  age -d -i key.txt backup.skyteam | skyteam db restore - --dry-run

A dump by pg_dump is a program, which runs with your role's rights, under --dry-run too: restore only one whose maker you
know. A backup by somebody unknown, one that no trusted key has signed and this database does not remember, needs --confirm.";

/// Arguments of `db restore`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbRestoreArgs {
    /// Backup to restore, of any format, or its URL; - for standard input
    #[arg(value_name = "FILE|URL")]
    file: PathBuf,
    /// Replace the rows of skyteam's tables that are there
    #[arg(long)]
    clean: bool,
    /// Restore only this table; may be given several times
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<String>,
    /// File with the private key of an encrypted backup; may be given several times
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    #[command(flatten)]
    signers: SignerArgs,
    /// Give the roles that a dump by pg_dump names their rights again; they must exist
    #[arg(long)]
    with_privileges: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Restored {
    pub database: String,
    pub created_at: Option<crate::entity::types::Timestamp>,
    pub way: &'static str,
    pub schema_version: Option<String>,
    pub rows: Option<u64>,
    pub replaced: u64,
    pub migrated: Vec<String>,
    pub seconds: f64,
    pub dry_run: bool,
    /// Who made the backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maker: Option<String>,
}

impl Report for Restored {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let verb = if self.dry_run { "Would restore" } else { "Restored" };
        let rows = self.rows.map_or_else(|| "a dump".to_owned(), |rows| text::count(rows, "row"));
        let made = self.created_at.map(|at| format!(" of {}", page.look.time(at).text)).unwrap_or_default();
        let replaced = match self.replaced {
            0 => String::new(),
            rows => format!(", in place of {}", text::count(rows, "row")),
        };
        page.line(format!("{verb} {rows}{made} into {}{replaced} in {:.1} s.", self.database, self.seconds))
    }
}

pub(super) async fn run(args: DbRestoreArgs, cx: &Context) -> Result<Outcome> {
    let begun = Instant::now();
    let mut opened = open(&args.file, cx).await?;
    let content = detect::of(&mut opened.file)?;
    let sha256 = sum(&mut opened.file).await?;
    let mut restored = match content {
        Content::Archive | Content::Encrypted => {
            if args.with_privileges {
                return Err(Error::new(Kind::Usage, "usage", "--with-privileges is for dumps by pg_dump")
                    .why("skyteam's own archive holds no privileges; those of the tables that stay are kept")
                    .fix(message!("leave it out, and: {}", skyteam("db grant"))));
            }
            let archive = Arc::new(Archive::open(opened.file, &identities(&args.identity, cx)?)?);
            check(cx, &archive).await?;
            let maker = args.signers.trusted(cx, known(cx).await.as_deref()).await?.of_archive(&archive, &sha256)?;
            let lacks = version::lacking_in(archive.manifest())?;
            let wanted = Wanted { clean: args.clean, tables: args.tables.clone(), scratch: false };
            let mut restored = place(cx, archive, &wanted, &Origin { maker: maker.clone(), lacks }).await?;
            restored.maker = Some(maker.words());
            restored
        }
        format => dump(&args, cx, &opened.path, format, &sha256).await?,
    };
    restored.seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    cx.ui.report(&restored)?;
    if restored.dry_run {
        cx.ui.note("Dry run: rolled back, nothing was changed.");
    }
    Ok(Outcome::Done)
}

/// Where a backup comes from.
pub(super) struct Origin {
    /// Who made it.
    pub maker: Maker,
    /// What it lacks of its version, in words.
    pub lacks: Vec<String>,
}

impl Origin {
    /// Of what was read out of a database just now.
    pub(super) fn this_run() -> Self {
        Self { maker: Maker::ThisDatabase, lacks: Vec::new() }
    }

    /// Says what a restore leaves out.
    fn tell(&self, cx: &Context) {
        for lacking in &self.lacks {
            cx.ui.warn(message!("the backup lacks {}", lacking));
        }
    }

    /// What is asked before anything of it comes in. `lost` says what goes for it.
    fn ask(&self, database: &str, lost: Option<Message>) -> Ask {
        match (lost, self.maker.is_unknown()) {
            (None, false) => Ask::adds(),
            (None, true) => Ask::takes_from_strangers(
                database,
                message!("A backup {} would be restored into {}.", self.maker.words(), database),
            ),
            (Some(lost), false) => Ask::loses(database, lost),
            (Some(lost), true) => Ask::loses(database, message!("{} The backup is {}.", lost, self.maker.words())),
        }
    }
}

/// The database of the settings, where there is one: it may remember the backup.
async fn known(cx: &Context) -> Option<Arc<Database>> {
    cx.writer().await.ok()
}

pub(in crate::cli::commands) fn identities(files: &[PathBuf], cx: &Context) -> Result<Identities> {
    let mut all = Identities::default();
    for file in files {
        all.extend(Identities::read(&cx.path(file))?);
    }
    Ok(all)
}

/// Reads the whole archive once before anything is touched.
async fn check(cx: &Context, archive: &Arc<Archive>) -> Result<()> {
    let progress = cx.ui.progress(Some(archive.size()), "Checking");
    let counted = progress.counter();
    let archive = Arc::clone(archive);
    let checked = tokio::task::spawn_blocking(move || archive.check_members(counted));
    Ok(checked.await.map_err(|_| BackupError::Worker)??)
}

/// Brings a checked archive into the database of the settings.
async fn place(cx: &Context, archive: Arc<Archive>, wanted: &Wanted, from: &Origin) -> Result<Restored> {
    let url = cx.url()?.below(&cx.cwd);
    if let DatabaseUrl::Sqlite(place) = &url
        && !place.in_memory()
        && !place.path.exists()
    {
        cx.ui.note(message!("→ {}  (a new file)", place.path.display()));
        return into_new_file(cx, &place.path, &url, archive, wanted, from).await;
    }
    let database = cx.writer().await?;
    if wanted.clean {
        crate::schema::refuse_newer(&database).await?;
    }
    into(cx, &database, archive, wanted, from).await
}

/// Brings a checked archive into an SQLite file that is not there yet.
pub(super) async fn into_new_file(
    cx: &Context,
    path: &Path,
    url: &DatabaseUrl,
    archive: Arc<Archive>,
    wanted: &Wanted,
    from: &Origin,
) -> Result<Restored> {
    let commit = !cx.answers.dry_run;
    let plan = Plan::new(&archive, &restore::nothing(), wanted)?;
    note_left_behind(cx, &plan);
    from.tell(cx);
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let _approval = cx.approve(from.ask(&name, None)).await?;
    let (version, rows) = (plan.version.migration.version().to_owned(), plan.rows(&archive));
    let onward: Vec<String> = plan.onward().map(|migration| migration.version().to_owned()).collect();
    let bar = cx.ui.progress(Some(rows), "Restoring");
    let advance = Arc::new(bar.counter());
    restore::build(path, Arc::clone(&archive), plan, commit, advance).await?;
    drop(bar);
    let migrated = if commit {
        let database = cx.connect(url, Absent::Refuse).await?;
        let migrated = migrate_on(cx, &database).await?;
        database.close().await;
        migrated
    } else {
        onward
    };
    Ok(report(&archive, name, Way::Fresh, version, rows, 0, migrated, !commit))
}

/// Brings a checked archive into an open database, asking first where rows are lost.
pub(super) async fn into(
    cx: &Context,
    database: &Database,
    archive: Arc<Archive>,
    wanted: &Wanted,
    from: &Origin,
) -> Result<Restored> {
    let commit = !cx.answers.dry_run;
    let plan = Plan::new(&archive, &restore::inspect(database).await?, wanted)?;
    note_left_behind(cx, &plan);
    from.tell(cx);
    let replaced: u64 = plan.replaced.iter().map(|(_, rows)| rows).sum();
    let lost = if plan.replaced.is_empty() {
        None
    } else {
        let lost: Vec<String> =
            plan.replaced.iter().map(|(table, rows)| format!("{} of {table}", text::count(*rows, "row"))).collect();
        let made = crate::entity::types::Timestamp::from(archive.manifest().created_at);
        Some(message!("{} would be replaced by the backup of {}: {}.", database.name(), made, lost.join(", ")))
    };
    let approval = cx.approve(from.ask(database.name(), lost)).await?;
    let (way, version, rows) = (plan.way, plan.version.migration.version().to_owned(), plan.rows(&archive));
    let bar = cx.ui.progress(Some(rows), "Restoring");
    let advance = Arc::new(bar.counter());
    let onward: Vec<String> = plan.onward().map(|migration| migration.version().to_owned()).collect();
    let manner = restore::RestoreOptions { commit, lock_timeout: planned::patience(cx).lock_timeout };
    restore::bring(database, Arc::clone(&archive), plan, manner, advance, approval).await?;
    drop(bar);
    let migrated = match way {
        Way::Fresh if commit => migrate_on(cx, database).await?,
        Way::Fresh | Way::Replace => onward,
        Way::InPlace => Vec::new(),
    };
    Ok(report(&archive, database.name().to_owned(), way, version, rows, replaced, migrated, !commit))
}

/// Names what others have defined that does not go from one engine to the other.
fn note_left_behind(cx: &Context, plan: &Plan) {
    if !plan.left_behind.is_empty() {
        cx.ui.note(message!(
            "Rows go from one engine to the other, and what other tools defined does not: {}.",
            plan.left_behind.join("; ")
        ));
    }
}

#[expect(clippy::too_many_arguments, reason = "the fields of a report, in order")]
fn report(
    archive: &Archive,
    database: String,
    way: Way,
    version: String,
    rows: u64,
    replaced: u64,
    migrated: Vec<String>,
    dry_run: bool,
) -> Restored {
    Restored {
        database,
        created_at: Some(archive.manifest().created_at.into()),
        way: match way {
            Way::Fresh => "fresh",
            Way::InPlace => "inPlace",
            Way::Replace => "replace",
        },
        schema_version: Some(migrated.last().cloned().unwrap_or(version)),
        rows: Some(rows),
        replaced,
        migrated,
        seconds: 0.0,
        dry_run,
        maker: None,
    }
}

/// What was restored at an older version goes on to the newest. The rows are safe by then, whatever comes of it.
async fn migrate_on(cx: &Context, database: &Database) -> Result<Vec<String>> {
    let manner = MigrateOptions { dry_run: false, patience: planned::patience(cx) };
    // Nothing is asked: the migrations of this build are what the command line's promise to restore means.
    let approval = cx.approve(Ask::adds()).await?;
    let tell = &mut |event: Event<'_>| match event {
        Event::Done(step) => {
            cx.ui.note(message!("Migrated to {}_{} in {} ms.", &step.version, &step.name, step.took_ms));
        }
        Event::Waiting(wait) => planned::waiting(cx, &wait),
    };
    let steps = migrate::up(database, migration::all(), None, manner, approval, tell).await;
    let steps = steps.map_err(|error| {
        let error = Error::from(error);
        let what = "the backup was restored, but could not be migrated to this version";
        Error::new(error.kind(), error.code(), what).because(&error).fix(skyteam("db migrate"))
    })?;
    Ok(steps.into_iter().map(|step| step.version).collect())
}

/// A dump of PostgreSQL's own formats.
async fn dump(args: &DbRestoreArgs, cx: &Context, path: &Path, format: Content, sha256: &str) -> Result<Restored> {
    let format = if format == Content::Plain { pg_dump::Format::Plain } else { pg_dump::Format::Custom };
    if format == pg_dump::Format::Plain && !args.tables.is_empty() {
        return Err(Error::new(Kind::Usage, "usage", "--table cannot pick from a plain dump")
            .why("it is one script of SQL")
            .fix("restore it whole"));
    }
    let url = cx.url()?;
    let DatabaseUrl::Postgres(_) = &url else {
        return Err(Error::new(Kind::Refused, "misfit", "a dump of PostgreSQL does not fit SQLite")
            .why("only skyteam's own archive goes from either engine to either")
            .fix(message!("restore it on PostgreSQL, then: {}", skyteam("db transfer --to sqlite:FILE"))));
    };
    let env = child::offline(&cx.env);
    pg_dump::check(path, format, &env).await?;
    let toc = pg_dump::toc(path, format, &env).await?;
    if let Some(name) = args.tables.iter().find(|name| !toc.made.contains(name)) {
        return Err(BackupError::NoTable { name: name.clone(), known: toc.made }.into());
    }
    let database = cx.writer().await?;
    if args.clean {
        crate::schema::refuse_newer(&database).await?;
    }
    let env = child::environment(&cx.env, &database)?;
    let state = restore::inspect(&database).await?;
    let (standing, replaced) = standing(args, &toc, &state)?;
    let maker = args.signers.trusted(cx, Some(&*database)).await?.of_dump(path, sha256)?;
    let origin = Origin { maker, lacks: Vec::new() };
    let lost = (replaced > 0).then(|| {
        message!("{} of skyteam's tables in {} would be replaced.", text::count(replaced, "row"), database.name())
    });
    drop(cx.approve(origin.ask(database.name(), lost)).await?);
    let commit = !cx.answers.dry_run;
    let wanted = pg_restore::Restore {
        path,
        format,
        seen: &state,
        // Into an empty database what was restored lasts first: it may be all that there is.
        onward: args.tables.is_empty() && (replaced > 0 || !commit),
        privileges: args.with_privileges,
        standing,
        tables: args.tables.clone(),
        lock_timeout: planned::patience(cx).lock_timeout,
        commit,
    };
    if let Err(error) = pg_restore::restore(&database, &wanted, &env).await {
        let part = part(&toc)?.filter(|_| args.tables.is_empty());
        return Err(match (part, error) {
            (Some(part), error @ (BackupError::Program { fix: None, .. } | BackupError::Unjudged { .. })) => {
                part.explain(error.into())
            }
            (_, error) => error.into(),
        });
    }
    let complete = commit && restore::inspect(&database).await?.existing.len() == version::latest()?.tables().count();
    let migrated = if complete { migrate_on(cx, &database).await? } else { Vec::new() };
    let now = restore::inspect(&database).await?.version.filter(|_| commit);
    Ok(Restored {
        database: database.name().to_owned(),
        created_at: None,
        way: if format == pg_dump::Format::Plain { "plain" } else { "custom" },
        schema_version: now.map(|at| at.version),
        rows: None,
        replaced,
        migrated,
        seconds: 0.0,
        dry_run: !commit,
        maker: Some(origin.maker.words()),
    })
}

/// A dump that makes some of skyteam's tables and not all: what their keys and triggers need may be missing.
pub(super) struct Part(Vec<String>);

/// The part of a database that a dump is of; `None` when it is of a whole one.
pub(super) fn part(toc: &Toc) -> Result<Option<Part>> {
    let versions = version::all()?;
    let ours: Vec<&str> = versions.first().into_iter().flat_map(|version| version.tables()).collect();
    let made: Vec<String> = toc.made.iter().filter(|name| ours.contains(&name.as_str())).cloned().collect();
    Ok((1..ours.len()).contains(&made.len()).then_some(Part(made)))
}

impl Part {
    /// Says of a failure to restore it what is behind it.
    pub(super) fn explain(&self, error: Error) -> Error {
        let Self(tables) = self;
        let flags: Vec<String> = tables.iter().map(|table| format!("--table {table}")).collect();
        error
            .why(message!("the dump holds only {}, and not what their keys and triggers refer to", tables.join(", ")))
            // No command for here: they are where the dump was made.
            .fix(message!("an archive of them, made by db backup {}, goes back by itself", flags.join(" ")))
    }
}

/// What becomes of the existing tables, and how many rows are lost with them.
fn standing(args: &DbRestoreArgs, toc: &Toc, state: &State) -> Result<(Standing, u64)> {
    let with_rows = |fits: &dyn Fn(&str) -> bool| -> Vec<(String, u64)> {
        let found = state.existing.iter().filter(|table| table.rows > 0 && fits(&table.table));
        found.map(|table| (table.table.clone(), table.rows)).collect()
    };
    if toc.is_data_only() {
        if state.existing.is_empty() {
            return Err(BackupError::Misfit {
                table: "the dump".into(),
                why: "it holds rows only, and the database has no tables to take them".into(),
            }
            .into());
        }
        let tables = with_rows(&|name| toc.filled.iter().any(|filled| filled == name));
        if tables.is_empty() {
            return Ok((Standing::Filled, 0));
        }
        let error = Error::new(Kind::Refused, "target_not_empty", "a dump of rows goes into empty tables only");
        let error = tables
            .iter()
            .fold(error, |error, (table, rows)| error.why(message!("{} has {}", table, text::count(*rows, "row"))));
        return Err(error.fix(message!("{}     empties them, after asking", skyteam("db reset"))));
    }
    let is_made = |name: &str| {
        toc.made.iter().any(|made| made == name) && (args.tables.is_empty() || args.tables.iter().any(|t| t == name))
    };
    let made: Vec<String> =
        state.existing.iter().map(|table| table.table.clone()).filter(|name| is_made(name)).collect();
    if made.is_empty() {
        return Ok((Standing::Stay, 0));
    }
    if !args.tables.is_empty() {
        return Err(Error::new(
            Kind::Usage,
            "usage",
            "--table of a dump is possible only where that table does not exist",
        )
        .why(message!("{} is there, and other tables refer to it", &made[0]))
        .fix("restore the whole dump with --clean, or the table from an archive of skyteam's"));
    }
    let replaced = with_rows(&is_made);
    if !replaced.is_empty() && !args.clean {
        return Err(BackupError::NotEmpty { tables: replaced }.into());
    }
    let rows = replaced.iter().map(|(_, rows)| rows).sum();
    // A record of tables that are all gone would be wrong, whether the dump has another or not.
    let record = made.len() == state.existing.len() || toc.made.iter().any(|name| name == "migrations");
    Ok((Standing::Dropped { tables: made, record }, rows))
}
