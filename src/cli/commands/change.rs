//! The course of every `edit` and `delete`: try it, show what would change, ask, do it, say it.

use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::ui::report::{Report, Row};
use crate::cli::ui::{Cell, RenderOptions};
use crate::db::{Database, Transaction};
use crate::directory::error::Edited;
use crate::error::directory::changed_meanwhile;
use crate::error::{Outcome, Result};

/// Runs `edit` in a transaction, shows its effects, asks `question` (level 2), and answers with the row as it became.
///
/// While a person thinks no transaction is open: what was tried is rolled back and done again after a yes.
///
/// # Errors
/// What `edit` fails with, the answer no, the database's. [`crate::error::Kind::Refused`]: another program changed what
/// was shown.
pub async fn run<M, F>(cx: &Context, database: &Database, question: &str, edit: F) -> Result<Outcome>
where
    M: Row + Report + PartialEq,
    F: AsyncFn(&Transaction) -> Result<Edited<M>>,
{
    let tx = cx.begin(database).await?;
    let mut edited = edit(&tx).await?;
    if !edited.changed() {
        tx.rollback().await?;
        cx.ui.note("Nothing to change: it is so already.");
        cx.ui.report(&edited.after)?;
        return Ok(Outcome::Done);
    }
    let shown = effects(cx, &edited);
    for (column, before, after) in &shown {
        cx.ui.note(format!("{column}: {before} → {after}"));
    }
    let ask = Ask::changes(question);
    if cx.ui.is_interactive() && !cx.answers.dry_run {
        tx.rollback().await?;
        let _approved = cx.approve(ask).await?;
        let tx = cx.begin(database).await?;
        edited = edit(&tx).await?;
        // The yes was to these effects and no others.
        if effects(cx, &edited) != shown {
            return Err(changed_meanwhile());
        }
        cx.finish(tx).await?;
    } else {
        let _approved = cx.approve(ask).await?;
        cx.finish(tx).await?;
    }
    cx.ui.report(&edited.after)?;
    Ok(Outcome::Done)
}

/// Runs `delete` in a transaction after asking by the database's name (level 3), and answers with the row as it was.
///
/// What forbids it is told before anybody is asked.
///
/// # Errors
/// What `delete` fails with, the answer no, the database's.
pub async fn delete<M, F>(cx: &Context, database: &Database, what: &str, delete: F) -> Result<Outcome>
where
    M: Report,
    F: AsyncFn(&Transaction) -> Result<M>,
{
    let tx = cx.begin(database).await?;
    delete(&tx).await?;
    tx.rollback().await?;
    let _approved = cx.approve(Ask::loses(database.name(), what)).await?;
    let tx = cx.begin(database).await?;
    let deleted = delete(&tx).await?;
    cx.finish(tx).await?;
    cx.ui.report(&deleted)?;
    Ok(Outcome::Done)
}

/// Column, old value, new value of what is different, as people see it.
fn effects<M: Row>(cx: &Context, edited: &Edited<M>) -> Vec<(&'static str, String, String)> {
    let look = RenderOptions { zone: cx.ui.zone(), human: true };
    let columns = M::COLUMNS.iter().enumerate().filter(|(_, column)| column.key != "updatedAt");
    let cells =
        columns.map(|(index, column)| (column.key, edited.before.cell(index, &look), edited.after.cell(index, &look)));
    cells
        .filter(|(_, before, after)| before.text != after.text)
        .map(|(key, before, after)| (key, shown(&before), shown(&after)))
        .collect()
}

fn shown(cell: &Cell) -> String {
    if cell.text.is_empty() { "—".to_owned() } else { crate::cli::ui::text::visible(&cell.text).into_owned() }
}
