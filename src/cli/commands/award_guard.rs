//! Asking before awards that are far larger than usual: one question (level 2) for all that a command awards.

use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::error::{Kind, Result};
use crate::ledger::award_guard::{Bound, Unusual};
use crate::ledger::typical_award;
use crate::message::{Message, count_signed, message};

/// How many of the largest awards a question names.
const NAMED: usize = 5;

/// The limit of this run's profile.
pub(super) fn limit(cx: &Context) -> Option<u32> {
    cx.settings.award_limit.as_ref().map(|limit| limit.value)
}

/// The question about awards that are too large.
pub(super) fn question(unusual: &Unusual<'_>) -> Message {
    let why = match unusual.bound {
        Bound::Limit(limit) => message!("over the limit of {}", limit),
        Bound::Usual(usual) => message!("over {} times the usual award of {}", typical_award::FACTOR, usual),
    };
    let named = |named: usize| {
        let largest = unusual.offenders.iter().take(named);
        Message::joined(
            largest.map(|award| message!("{} for {}", count_signed(award.miles.into(), "mile"), award.user)),
            ", ",
        )
    };
    if unusual.awards == 1 {
        return message!("{} is {}. Award them?", named(1), why);
    }
    let more = unusual.offenders.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| message!(" and {} more", more));
    let (some, all) = (unusual.offenders.len(), unusual.awards);
    message!("{} of {} awards: {}{}, {}. Award them?", some, all, named(NAMED), more, why)
}

/// Asks about awards that are too large; a dry run says that it would be asked.
///
/// # Errors
/// [`Kind::Unconfirmed`]: no terminal to ask on, or the answer was no.
pub(crate) async fn approve(cx: &Context, question: &Message) -> Result<()> {
    would_ask(cx, question);
    let _approved = cx.approve(Ask::changes(question)).await.map_err(|error| match error.kind() {
        Kind::Unconfirmed => error.why("an amount may be a slip of the finger"),
        _ => error,
    })?;
    Ok(())
}

/// Says under `--dry-run`, where nothing is asked, what would be.
pub(super) fn would_ask(cx: &Context, question: &Message) {
    if cx.answers.dry_run {
        cx.ui.note(message!("This would ask: {}", question));
    }
}
