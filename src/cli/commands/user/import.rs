//! `user import`.

use std::io;
use std::sync::LazyLock;

use sea_orm::IdenStatic as _;
use serde::Serialize;

use crate::cli::approve::Ask;
use crate::cli::commands::records::{Columns, InputArgs, Record, form};
use crate::cli::commands::rejects::Reject;
use crate::cli::commands::{extra, records, rejects};
use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::cli::ui::text::count;
use crate::db::{Database, Transaction};
use crate::directory::input::{InputError, Name, UserId, Username, WebUrl};
use crate::directory::row::Extra;
use crate::directory::user::import;
use crate::directory::user::import::{Counts, Plan, Row};
use crate::entity::User;
use crate::error::directory::changed_meanwhile;
use crate::error::{Outcome, Result};

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
    Columns { known: &KNOWN, ignored: &["miles", "createdAt", "updatedAt"] }
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
    let records = records::read(cx, &args.file, columns(), &args.input).await?;
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
    let tx = cx.begin(&database).await?;
    let plan = import::plan(&tx, &rows).await?;
    rejects.extend(plan.conflicts.iter().map(|(index, why)| Reject {
        place: places[*index],
        why: why.to_string(),
        malformed: false,
    }));
    rejects.sort_by_key(|reject| reject.place);
    if !rejects.is_empty() && !args.rejects.keep_going {
        return Err(rejects::refused(&records, &rejects));
    }
    let (tx, plan) = approved(cx, &database, tx, plan, &rows).await?;
    let progress = cx.ui.progress(Some(plan.counts.added + plan.counts.updated), "Importing users");
    import::apply(&tx, &plan, cx.now.into(), |rows| progress.advance(rows)).await?;
    drop(progress);
    cx.finish(tx).await?;
    // The rows that were not taken are kept before the answer is written, which can fail.
    let outcome = rejects::outcome(cx, place, columns(), &records, &rejects)?;
    cx.ui.report(&Imported { counts: plan.counts, rejected: rejects.len() as u64 })?;
    Ok(outcome)
}

/// Asks before users that are there are changed (level 2); those that are only added need no question.
///
/// While a person thinks no transaction is open: what was planned is planned again after a yes, and must be the same.
async fn approved(
    cx: &Context,
    database: &Database,
    tx: Transaction,
    plan: Plan,
    rows: &[Row],
) -> Result<(Transaction, Plan)> {
    let Counts { added, updated, unchanged } = plan.counts;
    if updated == 0 {
        return Ok((tx, plan));
    }
    cx.ui.note(format!(
        "{} to add, {} to change, {unchanged} as they are",
        count(added, "user"),
        count(updated, "user")
    ));
    let ask = Ask::changes(format!("Change {}?", count(updated, "user")));
    if cx.answers.dry_run || !cx.ui.is_interactive() {
        let _approved = cx.approve(ask).await?;
        return Ok((tx, plan));
    }
    tx.rollback().await?;
    let _approved = cx.approve(ask).await?;
    let tx = cx.begin(database).await?;
    let again = import::plan(&tx, rows).await?;
    if again == plan { Ok((tx, again)) } else { Err(changed_meanwhile()) }
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
        Some(form) => InputError::new(error.field, text, format!("{}; {form}", UserId::ACCEPTED)),
        None => error,
    })
}
