//! `db backups`: the backups in a folder or an object store.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::signers::SignerArgs;
use super::{place, prune, typed};
use crate::backup::BackupError;
use crate::backup::format::manifest::Contents;
use crate::backup::maker::Maker;
use crate::backup::store::folder::{Entry, Listing};
use crate::backup::store::{Store, file};
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::{Cell, Column, RenderOptions, Tone};
use crate::entity::types::Timestamp;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{message, program};
use crate::system;

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db backups /var/backups/skyteam
  skyteam db backups s3://shop-backups/skyteam
  skyteam db backups -o json";

/// Arguments of `db backups`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbBackupsArgs {
    /// Folder or URL to look into [default: the current folder]
    #[arg(value_name = "DIR|URL")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    signers: SignerArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli::commands) struct Line {
    created_at: Timestamp,
    file: String,
    /// The same for people.
    #[serde(skip)]
    typed: String,
    database: Option<String>,
    /// Which database of that name.
    identity: Option<String>,
    /// `all`, `schema` or `data`.
    contents: Option<Contents>,
    /// Whether it is of all tables.
    complete: Option<bool>,
    size: u64,
    rows: Option<u64>,
    schema_version: Option<String>,
    format: &'static str,
    encrypted: bool,
    /// Who made it.
    maker: String,
    verified_at: Option<Timestamp>,
    /// `restored`, `read`, or what is wrong.
    verified: Option<String>,
}

impl Row for Line {
    const COLUMNS: &'static [Column] = &[
        Column::text("createdAt").rank(0),
        // A path to be typed again: whole, or under the others.
        Column::text("file").rank(0).floor(usize::MAX),
        Column::text("database").wide(),
        Column::text("identity").wide(),
        Column::text("contents"),
        Column::text("complete").wide(),
        Column::number("size").rank(1),
        Column::number("rows"),
        Column::text("schemaVersion").rank(3),
        Column::text("format").wide(),
        Column::text("encrypted"),
        Column::text("maker").rank(2),
        Column::text("verifiedAt").rank(1),
        Column::text("verified").rank(0),
    ];

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "createdAt" => look.time(self.created_at),
            "file" if look.human => self.typed.as_str().into(),
            "file" => self.file.as_str().into(),
            "database" => self.database.as_deref().into(),
            "identity" => self.identity.as_deref().into(),
            "contents" => self.contents.map(Contents::word).into(),
            "complete" => self.complete.map_or_else(Cell::empty, |complete| look.yes_no(complete)),
            "size" => look.bytes(self.size),
            "rows" => self.rows.map_or_else(Cell::empty, |rows| look.number(i64::try_from(rows).unwrap_or(i64::MAX))),
            "schemaVersion" => self.schema_version.as_deref().into(),
            "format" => self.format.into(),
            "encrypted" => look.yes_no(self.encrypted),
            "maker" => self.maker.as_str().into(),
            "verifiedAt" => look.maybe_time(self.verified_at),
            _ => {
                let tone = match self.verified.as_deref() {
                    Some("restored" | "read") => Tone::Good,
                    Some(_) => Tone::Bad,
                    None => Tone::Dim,
                };
                Cell::new(self.verified.as_deref().unwrap_or("never")).tone(tone)
            }
        }
    }
}

impl Line {
    pub(in crate::cli::commands) fn new(entry: Entry, maker: Result<Maker, BackupError>, cx: &Context) -> Self {
        use crate::backup::detect::Content;
        let mut entry = entry;
        // Everyone with write access can leave a note beside a dump.
        let is_dump = matches!(entry.content, Content::Plain | Content::Custom);
        if is_dump && maker.as_ref().map_or(true, Maker::is_unknown) {
            entry.verified = None;
        }
        let maker = maker.unwrap_or_else(|error| {
            entry.damage.get_or_insert(error.to_string());
            Maker::Unknown
        });
        let verified = match (&entry.damage, &entry.verified) {
            (Some(damage), _) => Some(damage.clone()),
            (None, Some(verified)) if !verified.sound => Some("damaged".into()),
            (None, Some(verified)) => Some(if verified.deep { "restored" } else { "read" }.into()),
            (None, None) => None,
        };
        Self {
            created_at: entry.created_at.into(),
            file: entry.path.display().to_string(),
            typed: typed(&entry.path, cx),
            contents: entry.subject.as_ref().map(|subject| subject.contents),
            complete: entry.subject.as_ref().map(|subject| subject.tables.is_empty()),
            identity: entry.subject.as_ref().and_then(|subject| subject.identity.as_ref()).map(ToString::to_string),
            database: entry.subject.map(|subject| subject.database),
            size: entry.size,
            rows: entry.rows,
            schema_version: entry.schema_version,
            format: match entry.content {
                Content::Archive | Content::Encrypted => "archive",
                Content::Custom => "custom",
                Content::Plain => "plain",
            },
            encrypted: entry.content == Content::Encrypted,
            maker: maker.words(),
            verified_at: entry.verified.map(|verified| verified.at.into()),
            verified,
        }
    }
}

/// A folder with backups that this user may not read does not have "no backups".
pub(super) fn unreadable_backups(first: &Path, count: usize, cx: &Context) -> Error {
    let what =
        if count == 1 { "a backup cannot be read".to_owned() } else { format!("{count} backups cannot be read") };
    if place::is_remote(first).unwrap_or(false) {
        return Error::new(Kind::Denied, "unreadable_backup", what)
            .why(message!("the service does not let these credentials read {}", typed(first, cx)));
    }
    Error::new(Kind::Denied, "unreadable_backup", what)
        .why(message!("{} belongs to {}", typed(first, cx), owner(first)))
        .why("backups are readable by their owner only; another user, perhaps root, made it")
        .fix(program("sudo").words("chown").flag("--reference", folder_typed(first, cx)).file(typed(first, cx)))
}

/// The folder of a file, as it is typed.
fn folder_typed(path: &Path, cx: &Context) -> String {
    typed(file::folder_of(path), cx)
}

/// Who a file belongs to, as far as that is known.
fn owner(path: &Path) -> String {
    file::owner(path).map_or_else(|| "another user".to_owned(), system::user_name)
}

pub(super) async fn run(args: DbBackupsArgs, cx: &Context) -> Result<Outcome> {
    let store = place::store(args.dir.as_deref(), cx)?;
    let listing = place::on_a_thread(cx, &store, |store| store.list()).await?;
    prune::warn_of_odd_ones(cx, &listing);
    let Listing { entries, unreadable } = listing;
    let database = if entries.is_empty() { None } else { cx.reader().await.ok() };
    let trusted = args.signers.trusted(cx, database.as_deref()).await?;
    let judge = move |store: &dyn Store| {
        let judged = |entry: Entry| {
            let maker = trusted.of_entry(&entry, store);
            (entry, maker)
        };
        Ok(entries.into_iter().map(judged).collect::<Vec<_>>())
    };
    let entries = place::on_a_thread(cx, &store, judge).await?;
    let list = cx.ui.list::<Line, ()>(async |list| {
        for (entry, maker) in entries {
            list.push(&Line::new(entry, maker, cx))?;
        }
        Ok(())
    });
    let (count, ()) = list.await?;
    if let Some(first) = unreadable.first() {
        return Err(unreadable_backups(first, unreadable.len(), cx));
    }
    if count == 0 {
        cx.ui.note(message!("No backups in {}.", place::named(args.dir.as_deref(), cx)));
    }
    Ok(Outcome::Done)
}
