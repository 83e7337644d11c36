//! `user import`.

use std::io;
use std::sync::LazyLock;

use sea_orm::IdenStatic as _;
use serde::Serialize;

use crate::cli::approve::Ask;
use crate::cli::commands::records::{Columns, InputArgs, Record, form};
use crate::cli::commands::rejects::Reject;
use crate::cli::commands::{change, extra, records, rejects};
use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::cli::ui::text::count;
use crate::db::Transaction;
use crate::directory::input::{InputError, Name, UserId, Username, WebUrl};
use crate::directory::row::Extra;
use crate::directory::user::import;
use crate::directory::user::import::{Counts, Row};
use crate::entity::User;
use crate::error::{Outcome, Result};
use crate::message::{message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam user import users.csv --dry-run\n  \
     skyteam user list -o ndjson | jq -c 'select(.miles > 0)' | skyteam -p staging user import - --keep-going --yes\n\n\
     Users who are there are changed only after a yes, or with --yes.";

/// The columns that are read: those of the input rules, and those that no command knows of.
fn columns() -> Columns {
    static KNOWN: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let unknown = extra::unknown::<User>().map(|column| column.as_str());
        ["userId", "username", "displayName", "avatarUrl"].into_iter().chain(unknown).collect()
    });
    // What `user list` writes beside those.
    Columns { known: &KNOWN, ignored: &[MILES, "createdAt", "updatedAt"] }
}

/// A column that is read only to say that it is not taken.
const MILES: &str = "miles";

/// The same with [`MILES`].
fn columns_with_miles() -> Columns {
    static KNOWN: LazyLock<Vec<&str>> = LazyLock::new(|| columns().known.iter().copied().chain([MILES]).collect());
    Columns { known: &KNOWN, ..columns() }
}

/// Arguments of `user import`.
#[derive(clap::Args, Debug)]
pub(crate) struct UserImportArgs {
    /// CSV with a header, or ndjson: userId, username, displayName, avatarUrl; - for standard input
    #[arg(value_name = "FILE|-")]
    file: String,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    rejects: rejects::RejectArgs,
}

#[derive(Serialize)]
struct Imported {
    #[serde(flatten)]
    counts: Counts,
    rejected: u64,
}

impl Report for Imported {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let number = |n: u64| look.number(i64::try_from(n).unwrap_or(i64::MAX));
        page.fields(&[
            ("added", number(self.counts.added)),
            ("updated", number(self.counts.updated)),
            ("unchanged", number(self.counts.unchanged)),
            ("rejected", number(self.rejected)),
        ])
    }
}

pub(super) async fn run(args: UserImportArgs, cx: &Context) -> Result<Outcome> {
    let place = args.rejects.place(cx, &args.file)?;
    let records = records::read(cx, &args.file, columns_with_miles(), &args.input).await?;
    if records.iter().any(|record| record.get(MILES).is_some_and(|miles| miles != "0")) {
        let command = skyteam("miles import FILE");
        cx.ui.warn(message!("The column miles is not taken: balances come from the ledger. {} gives miles.", command));
    }
    let mut rejects = Vec::new();
    let mut rows = Vec::with_capacity(records.len());
    let mut places = Vec::with_capacity(records.len());
    for (place, record) in records.iter().enumerate() {
        match row(record) {
            Ok(row) => {
                rows.push(row);
                places.push(place);
            }
            Err(why) => rejects.push(Reject { place, why, malformed: true }),
        }
    }
    let database = cx.writer().await?;
    let mut tx = cx.begin(&database).await?;
    let mut plan = import::plan(&tx, &rows).await?;
    rejects.extend(plan.conflicts.iter().map(|(index, why)| Reject {
        place: places[*index],
        why: why.to_string(),
        malformed: false,
    }));
    rejects.sort_by_key(|reject| reject.place);
    if !rejects.is_empty() && !args.rejects.keep_going {
        return Err(rejects::refused(&records, &rejects));
    }
    // Users who are there are changed only after a yes; those that are only added need no question.
    if plan.counts.updated > 0 {
        let Counts { added, updated, unchanged } = plan.counts;
        let (add, change) = (count(added, "user"), count(updated, "user"));
        cx.ui.note(message!("{} to add, {} to change, {} as they are", add, &change, unchanged));
        let look = async |tx: &Transaction| Ok(import::plan(tx, &rows).await?);
        let ask = Ask::changes(message!("Change {}?", change));
        (tx, plan, _) = change::approved(cx, &database, tx, plan, ask, look).await?;
    }
    let progress = cx.ui.progress(Some(plan.counts.added + plan.counts.updated), "Importing users");
    import::apply(&tx, &plan, |rows| progress.advance(rows)).await?;
    drop(progress);
    let finished = cx.finish(tx).await.map(drop);
    // The rows that were not taken are kept before anything else can fail.
    let outcome = rejects::after(cx, finished, place, columns(), &records, &rejects)?;
    cx.ui.report(&Imported { counts: plan.counts, rejected: rejects.len() as u64 })?;
    Ok(outcome)
}

fn row(record: &Record) -> std::result::Result<Row, String> {
    if let Some(fault) = &record.fault {
        return Err(fault.clone());
    }
    let parsed = || -> std::result::Result<Row, InputError> {
        let mut extra = Extra::default();
        for column in extra::unknown::<User>() {
            if let Some(text) = record.get(column.as_str()) {
                extra.put(column, Some(text))?;
            }
        }
        Ok(Row {
            user_id: user_id(record.get("userId").unwrap_or_default())?,
            username: record.get("username").map(Username::parse).transpose()?,
            display_name: record.text("displayName").map(|name| Name::parse_as("displayName", name)).transpose()?,
            avatar_url: record.get("avatarUrl").map(|url| WebUrl::parse_as("avatarUrl", url)).transpose()?,
            extra,
        })
    };
    parsed().map_err(|error| error.to_string())
}

fn user_id(text: &str) -> std::result::Result<UserId, InputError> {
    UserId::parse(text).map_err(|error| match form::of_id(text) {
        Some(form) => InputError::new(error.field, text, format!("{}; {form}", error.accepted)),
        None => error,
    })
}
