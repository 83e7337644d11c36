//! The procedure of every `edit` and `delete`: try it, show what would change, ask, commit, print.

use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::ui::report::{Report, Row};
use crate::cli::ui::{Cell, RenderOptions};
use crate::consent::Approval;
use crate::db::{Database, Transaction};
use crate::directory::error::Edited;
use crate::error::directory::changed_meanwhile;
use crate::error::{Outcome, Result};
use crate::message::{Message, message};

/// Runs `edit` in a transaction, shows its effects, asks the question that it answers (level 2), and returns with the row
/// as it became.
///
/// While a person thinks no transaction is open: what was tried is rolled back and done again after a yes. So `edit` finds
/// out what is meant in the transaction that it is given.
///
/// # Errors
/// What `edit` fails with, the answer no, the database's. [`crate::error::Kind::Locked`]: another program changed what
/// was shown.
pub(super) async fn run<M, F>(cx: &Context, database: &Database, edit: F) -> Result<Outcome>
where
    M: Row + Report + PartialEq,
    F: AsyncFn(&Transaction) -> Result<(Message, Edited<M>)>,
{
    let tx = cx.begin(database).await?;
    let (question, mut edited) = edit(&tx).await?;
    if !edited.changed() {
        tx.rollback().await?;
        cx.ui.note("Nothing to change: it is so already.");
        cx.ui.report(&edited.after)?;
        return Ok(Outcome::Done);
    }
    let shown = effects(cx, &edited.before, &edited.after);
    for (column, before, after) in &shown {
        cx.ui.note(message!("{}: {} → {}", *column, before, after));
    }
    let ask = Ask::changes(&question);
    if cx.ui.is_interactive() && !cx.answers.dry_run {
        tx.rollback().await?;
        let _approved = cx.approve(ask).await?;
        let tx = cx.begin(database).await?;
        let (asked, again) = edit(&tx).await?;
        edited = again;
        // The yes was to these effects and no others.
        if asked != question || effects(cx, &edited.before, &edited.after) != shown {
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

/// Runs `delete` in a transaction after asking by the database's name (level 3), and returns with the row as it was.
/// `delete` answers what will be lost besides, and finds out what is meant in the transaction that it is given.
///
/// What forbids it is reported before the question.
///
/// # Errors
/// What `delete` fails with, the answer no, the database's. [`crate::error::Kind::Locked`]: another program changed what
/// would be lost.
pub(crate) async fn delete<M, F>(cx: &Context, database: &Database, delete: F) -> Result<Outcome>
where
    M: Report,
    F: AsyncFn(&Transaction) -> Result<(Message, M)>,
{
    let attempt = async || {
        let tx = cx.begin(database).await?;
        let done = delete(&tx).await?;
        Ok((tx, done))
    };
    let question = |(what, _): &(Message, M)| Some(what.clone());
    let ask = async |what: &Message| cx.approve(Ask::loses(database.name(), what)).await.map(drop);
    let (tx, (_, deleted)) = attempted(cx, attempt, question, ask).await?;
    cx.finish(tx).await?;
    cx.ui.report(&deleted)?;
    Ok(Outcome::Done)
}

/// Asks about what `look` found in a transaction, and returns with a transaction in which it is still so.
///
/// Where a person answers no transaction is open meanwhile: it is looked again after the yes.
///
/// # Errors
/// What `look` fails with, the answer no, the database's. [`crate::error::Kind::Locked`]: another program changed what
/// the question was about.
pub(super) async fn approved<T, F>(
    cx: &Context,
    database: &Database,
    tx: Transaction,
    found: T,
    ask: Ask,
    look: F,
) -> Result<(Transaction, T, Approval)>
where
    T: PartialEq,
    F: AsyncFn(&Transaction) -> Result<T>,
{
    if !cx.ui.is_interactive() || cx.answers.dry_run {
        let approval = cx.approve(ask).await?;
        return Ok((tx, found, approval));
    }
    tx.rollback().await?;
    let approval = cx.approve(ask).await?;
    let tx = cx.begin(database).await?;
    let again = look(&tx).await?;
    if again == found { Ok((tx, again, approval)) } else { Err(changed_meanwhile()) }
}

/// Does something in a transaction, asks the `question` that it is worth, if any, and returns with that transaction, still
/// open: nothing is read in one transaction and written in another.
///
/// No row stays locked while a person thinks: before a question at a terminal `attempt` is rolled back, and made again after
/// the yes. `ask` fails where the answer is no.
///
/// # Errors
/// What `attempt` and `ask` fail with, the database's. [`crate::error::Kind::Locked`]: another program changed what the
/// question was about.
pub(crate) async fn attempted<T, Q>(
    cx: &Context,
    attempt: impl AsyncFn() -> Result<(Transaction, T)>,
    question: impl Fn(&T) -> Option<Q>,
    ask: impl AsyncFnOnce(&Q) -> Result<()>,
) -> Result<(Transaction, T)>
where
    Q: PartialEq,
{
    let (tx, done) = attempt().await?;
    let Some(asked) = question(&done) else { return Ok((tx, done)) };
    if !cx.ui.is_interactive() || cx.answers.dry_run {
        ask(&asked).await?;
        return Ok((tx, done));
    }
    tx.rollback().await?;
    ask(&asked).await?;
    let (tx, done) = attempt().await?;
    // The yes was to that and nothing else.
    if question(&done).as_ref() == Some(&asked) { Ok((tx, done)) } else { Err(changed_meanwhile()) }
}

/// Column, old value, new value of what is different, as people see it.
pub(super) fn effects<M: Row>(cx: &Context, before: &M, after: &M) -> Vec<(&'static str, String, String)> {
    let look = RenderOptions { zone: cx.ui.zone(), human: true };
    let columns = M::columns().into_iter().map(|column| column.key).filter(|key| *key != "updatedAt");
    let cells = columns.map(|key| (key, before.cell(key, &look), after.cell(key, &look)));
    cells
        .filter(|(_, before, after)| before.text != after.text)
        .map(|(key, before, after)| (key, shown(&before), shown(&after)))
        .collect()
}

fn shown(cell: &Cell) -> String {
    if cell.text.is_empty() { "—".to_owned() } else { crate::cli::ui::text::visible(&cell.text).into_owned() }
}
