//! `user import`.

use std::io;

use serde::Serialize;

use crate::commands::records::{self, Columns, Record};
use crate::commands::rejects::{self, Reject};
use crate::context::Context;
use crate::domain::input::{InputError, Name, UserId, Username, WebUrl};
use crate::domain::user::import::{self, Counts, Row};
use crate::error::{Outcome, Result};
use crate::report::Report;
use crate::ui::Page;

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam user import users.csv --dry-run\n  \
     skyteam user list -o ndjson | jq -c 'select(.miles > 0)' | skyteam -p staging user import - --keep-going";

const COLUMNS: Columns = Columns {
    known: &["userId", "username", "displayName", "avatarUrl"],
    // What `user list` writes beside those, and what a file of rejects has.
    ignored: &["miles", "createdAt", "updatedAt", "line", "error"],
};

/// Arguments of `user import`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// CSV with a header, or ndjson: userId, username, displayName, avatarUrl; - for standard input
    #[arg(value_name = "FILE|-")]
    file: String,
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

pub(super) async fn run(args: Args, cx: &Context) -> Result<Outcome> {
    let records = records::read(cx, &args.file, COLUMNS).await?;
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
    let progress = cx.ui.progress(Some(plan.counts.added + plan.counts.updated), "Importing users");
    import::apply(&tx, &plan, |rows| progress.advance(rows)).await?;
    drop(progress);
    cx.finish(tx).await?;
    cx.ui.report(&Imported { counts: plan.counts, rejected: rejects.len() as u64 })?;
    rejects::outcome(cx, &args.rejects, &args.file, COLUMNS, &records, &rejects)
}

fn row(record: &Record) -> std::result::Result<Row, String> {
    if let Some(fault) = &record.fault {
        return Err(fault.clone());
    }
    let parsed = || -> std::result::Result<Row, InputError> {
        Ok(Row {
            user_id: UserId::parse(record.get("userId").unwrap_or_default())?,
            username: record.get("username").map(Username::parse).transpose()?,
            display_name: record.get("displayName").map(|name| Name::parse_as("displayName", name)).transpose()?,
            avatar_url: record.get("avatarUrl").map(|url| WebUrl::parse_as("avatarUrl", url)).transpose()?,
        })
    };
    parsed().map_err(|error| error.to_string())
}
