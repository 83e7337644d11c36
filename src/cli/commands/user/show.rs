//! `user show`.

use std::collections::HashMap;
use std::io;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::ui::report::{Report, Row as _};
use crate::cli::ui::{Align, Cell, IdOf, Page, text};
use crate::directory::reference::prefix::{Among, prefixes};
use crate::directory::user::Standing;
use crate::directory::{reference, user};
use crate::entity::types::Id;
use crate::entity::{miles_transaction, user as entity};
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam user show pilot123\n  skyteam user show 107919 --json";

/// How many ledger entries are shown.
const MOVEMENTS: u64 = 10;

/// Arguments of `user show`.
#[derive(clap::Args, Debug)]
pub(crate) struct UserShowArgs {
    /// User id, username or @username
    #[arg(value_name = "USER")]
    user: String,
}

/// One user, with what they did.
#[derive(Serialize)]
struct UserView {
    #[serde(flatten)]
    user: entity::Model,
    #[serde(flatten)]
    standing: Standing,
    movements: Vec<miles_transaction::Model>,
    /// How much of an entry's id a terminal shows; empty: all of it.
    #[serde(skip)]
    prefixes: HashMap<Id, usize>,
}

impl Report for UserView {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let mut fields = self.user.fields(&look);
        let standing = &self.standing;
        fields.push((
            "rank",
            Cell::new(format!("{} of {}", text::grouped(standing.rank), text::grouped(standing.users))),
        ));
        fields.push(("flights", look.number(standing.flights)));
        fields.push(("earned", look.number(standing.earned)));
        fields.push(("spent", look.number(standing.spent)));
        page.fields(&fields)?;
        if self.movements.is_empty() {
            return Ok(());
        }
        page.gap()?;
        page.heading("Last movements")?;
        let rows = self.movements.iter().map(|entry| {
            let mut id = Cell::id(IdOf::Entry, entry.id);
            if let Some(length) = self.prefixes.get(&entry.id) {
                id.text.truncate(*length);
            }
            vec![
                look.time(entry.created_at),
                look.signed(entry.amount),
                entry.source.as_str().into(),
                entry.note.as_deref().into(),
                id,
            ]
        });
        let headings = [
            ("createdAt", Align::Left),
            ("amount", Align::Right),
            ("source", Align::Left),
            ("note", Align::Left),
            ("id", Align::Left),
        ];
        page.table(&headings, &rows.collect::<Vec<_>>())
    }
}

pub(super) async fn run(args: UserShowArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let snapshot = database.begin_read().await?;
    let user = reference::user(&snapshot, &args.user).await?;
    let standing = user::standing(&snapshot, &user).await?;
    let movements = user::movements(&snapshot, &user.user_id, MOVEMENTS).await?;
    let ids: Vec<Id> = movements.iter().map(|entry| entry.id).filter(|_| cx.ui.shortens_ids()).collect();
    let prefixes = prefixes(&snapshot, Among::Entries, &ids).await?;
    snapshot.rollback().await?;
    cx.ui.report(&UserView { user, standing, movements, prefixes })?;
    Ok(Outcome::Done)
}
