//! Shared by the commands that write into the ledger: how an entry is printed, and how a transaction is run.

use std::io;

use crate::cli::commands::{listing, table_row};
use crate::cli::context::Context;
use crate::cli::ui::report::{Report, Row};
use crate::cli::ui::{Cell, Column, IdOf, Page, RenderOptions};
use crate::db::{self, Database, Transaction};
use crate::directory::input::{InputError, Text};
use crate::entity::MilesTransaction;
use crate::entity::types::Id;
use crate::error::indeterminate::RetryAdvice;
pub(super) use crate::error::ledger::worded;
use crate::error::{Error, Result};
use crate::ledger::{Entry, MilesError, Posted, key, posting, source};
use crate::message::{Command, Message, message, skyteam};

/// What there is to say of an entry's columns, and the balance beside it.
const PRESENTED: [Column; 13] = [
    Column::text("id").wide(),
    Column::text("userId").rank(1),
    Column::number("amount").rank(0),
    Column::text("type").wide(),
    Column::text("source").floor(16),
    Column::text("flightId").wide(),
    Column::text("productId").wide(),
    Column::text("note").rank(1).floor(20),
    Column::text("createdAt").rank(0),
    Column::text("reversesId").wide(),
    Column::text("batchId").wide(),
    Column::text("actor").rank(3).floor(16),
    Column::number("balance").rank(0),
];

/// All columns of an entry, and the balance beside it, each as `adjust` lets it look.
pub(super) fn columns(adjust: impl Fn(Column) -> Column) -> Vec<Column> {
    table_row::columns::<MilesTransaction>(&PRESENTED.map(adjust))
}

/// The cell of an entry, or of the balance beside it.
pub(super) fn cell(entry: &Entry, balance: i64, column: &str, look: &RenderOptions) -> Cell {
    match column {
        "amount" => look.signed(entry.amount),
        "balance" => look.number(balance),
        "id" => Cell::id(IdOf::Entry, entry.id),
        "flightId" => Cell::maybe_id(IdOf::Flight, entry.flight_id),
        "reversesId" => Cell::maybe_id(IdOf::Entry, entry.reverses_id),
        "batchId" => Cell::maybe_id(IdOf::Entry, entry.batch_id),
        other => table_row::cell(entry, other, look),
    }
}

impl Row for Posted {
    fn columns() -> Vec<Column> {
        columns(|column| column)
    }

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        cell(&self.entry, self.balance, column, look)
    }
}

impl Report for Posted {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let fields: Vec<(&str, Cell)> =
            self.fields(&look).into_iter().filter(|(_, cell)| !cell.text.is_empty()).collect();
        page.fields(&fields)
    }
}

/// Answers with several entries.
pub(super) async fn list(cx: &Context, posted: impl IntoIterator<Item = Posted>) -> Result<()> {
    listing::whole(cx, posted.into_iter().collect()).await?;
    Ok(())
}

/// Notes that an entry was there before.
pub(super) fn say_already(cx: &Context, posted: &Posted) {
    if posted.already {
        cx.ui.note(message!("Already applied on {}: nothing was changed.", posted.entry.created_at));
    }
}

/// Makes sure, where a request found its entry there already, that a failover would not lose it: the first request may
/// have been warned that no standby had it.
pub(super) async fn confirm(cx: &Context, database: &Database, id: Id, already: bool) -> Result<(), MilesError> {
    if already && !cx.answers.dry_run { posting::replicated(database, id).await } else { Ok(()) }
}

/// What says something.
const VISIBLE: &str = "text with a visible character";

/// A note that can be stored, and says something.
pub(super) fn note(text: &str) -> Result<String, InputError> {
    let note = Text::parse_as("note", text)?;
    if text.trim().is_empty() { Err(InputError::new("note", text, VISIBLE)) } else { Ok(note.into()) }
}

/// The source of an entry that a person writes by hand: any word but those that the audit reads a meaning from. `flight`
/// is taken only where a flight is named.
pub(super) fn chosen_source(text: &str, for_flight: bool) -> Result<String, InputError> {
    let accepted = if for_flight || text != source::FLIGHT {
        "a word of 1 to 32 letters, digits, - and _, other than reversal and adjustment"
    } else {
        "another word, or an award with --flight: what is for a flight names it"
    };
    let word = (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && !source::RESERVED.contains(&text)
        && (for_flight || text != source::FLIGHT);
    if word { Ok(text.to_owned()) } else { Err(InputError::new("source", text, accepted)) }
}

/// A key that is not empty.
pub(super) fn key(text: Option<&str>) -> Result<Option<&str>, InputError> {
    match text {
        Some(text) if text.trim().is_empty() => Err(InputError::new("key", text, VISIBLE)),
        text => Ok(text),
    }
}

/// Runs `work` in a transaction and makes it last, or rolls it back under `--dry-run`. A lost race is run again, also one
/// for a key: the entry of the one who won it is there by then, to compare with.
///
/// `id` names an entry or a batch that the work writes: it is asked for where the commit is not answered.
pub(super) async fn transact<T>(
    cx: &Context,
    database: &Database,
    id: Id,
    work: impl AsyncFn(&Transaction) -> Result<T, MilesError>,
) -> Result<T, MilesError> {
    let (tx, value) = attempt(database, work).await?;
    finish(cx, database, tx, id).await?;
    Ok(value)
}

/// Runs `work` in a transaction that it leaves open, to be made to last by [`finish`]. A lost race is run again, as in
/// [`transact`].
pub(super) async fn attempt<T>(
    database: &Database,
    work: impl AsyncFn(&Transaction) -> Result<T, MilesError>,
) -> Result<(Transaction, T), MilesError> {
    let run = || {
        db::retry(MilesError::db, || async {
            let tx = database.begin().await?;
            let value = work(&tx).await?;
            Ok::<_, MilesError>((tx, value))
        })
    };
    match run().await {
        Err(error) if error.db().is_some_and(posting::is_taken) => run().await,
        done => done,
    }
}

/// Makes a transaction that writes the entry or batch `id` last, or rolls it back under `--dry-run` and says so.
pub(super) async fn finish(cx: &Context, database: &Database, tx: Transaction, id: Id) -> Result<(), MilesError> {
    if cx.answers.dry_run {
        tx.rollback().await?;
        cx.ui.note("Dry run: rolled back, nothing was changed.");
        return Ok(());
    }
    match tx.commit().await.map_err(|error| posting::unknown_or_failed(id, error)) {
        Err(MilesError::Unknown { .. }) if posting::is_there(database, id).await => {
            posting::replicated(database, id).await
        }
        done => done,
    }
}

/// The key of a request: the one given, or one drawn for it.
pub(super) struct Key {
    /// The key.
    pub text: String,
    given: bool,
}

impl Key {
    /// Reads what was given with `--key`, or draws one.
    ///
    /// # Errors
    /// [`InputError`]: nothing that can be seen.
    pub(super) fn of(given: Option<&str>) -> Result<Self, InputError> {
        let text = key(given)?.map_or_else(key::fresh_key, str::to_owned);
        Ok(Self { text, given: given.is_some() })
    }

    /// The id of its one entry.
    pub(super) fn id(&self) -> Id {
        key::entry_id(&self.text)
    }

    /// Words an error of the request that `line` makes, without its key.
    pub(super) fn worded(&self, error: MilesError, line: Command) -> Error {
        worded(error, RetryAdvice::Key { line, key: &self.text, given: self.given })
    }
}

/// How a batch that was written is taken back.
pub(in crate::cli::commands) fn undo(batch: Id) -> Message {
    message!("Batch {}. Undo: {}", batch, skyteam("miles reverse").arg(batch).words("--note TEXT"))
}
