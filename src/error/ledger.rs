//! The wording of the ledger's refusals.

use super::directory::changed_meanwhile;
use super::indeterminate::{RetryAdvice, not_replicated, outcome_unknown};
use super::{Error, Kind, shell};
use crate::directory::input::quoted;
use crate::ledger::batch::Rejection;
use crate::ledger::key::Difference;
use crate::ledger::{Account, Entry, MAX_BALANCE, MilesError};

/// How many of a batch's refusals are worded; the others are counted.
const WORDED: usize = 5;

impl From<MilesError> for Error {
    fn from(error: MilesError) -> Self {
        match error {
            MilesError::NoUser { user_id } => {
                Self::new(Kind::NotFound, "not_found", format!("no user {}", quoted(&user_id))).fix("skyteam user list")
            }
            MilesError::NotEnough { holder, needs } => not_enough(&holder, needs),
            MilesError::SpentSince { holder, takes } => {
                let short = takes - holder.miles;
                Self::new(Kind::Refused, "not_enough_miles", "what is to be taken back has been spent")
                    .why(format!(
                        "{} has {}, the reversal takes back {takes}: {short} short",
                        holder.username, holder.miles
                    ))
                    .fix(format!("skyteam miles history {}", shell::user(&holder.username)))
            }
            MilesError::TooMany { holder, adds } => {
                Self::new(Kind::Refused, "too_many_miles", "the balance would be too large")
                    .why(format!(
                        "{} has {}, this adds {adds}: a balance never passes {MAX_BALANCE}",
                        holder.username, holder.miles
                    ))
                    .fix(format!("skyteam miles history {}", shell::user(&holder.username)))
            }
            MilesError::KeyTaken { stored, differences } => key_taken(&stored, &differences),
            MilesError::NoProduct { product_id } => {
                Self::new(Kind::NotFound, "not_found", format!("no product {}", quoted(&product_id)))
                    .fix("skyteam product list")
            }
            MilesError::ProductInactive { product_id, name } => {
                Self::new(Kind::Refused, "product_inactive", format!("{name} is not for sale"))
                    .why(format!("the product {product_id} is disabled"))
                    .fix(format!("skyteam product enable {}", shell::last(&product_id)))
            }
            MilesError::NoFlight { flight_id } => {
                Self::new(Kind::NotFound, "not_found", format!("no flight {flight_id}")).fix("skyteam flight list")
            }
            MilesError::AlreadyAwarded { award } => {
                Self::new(Kind::Refused, "already_awarded", "the flight is paid for already")
                    .why(format!("user {} was paid {} for it on {}", award.user_id, award.amount, award.created_at))
                    .fix(format!("skyteam miles reverse {} --note TEXT", award.id))
            }
            MilesError::NoEntry { id } => {
                Self::new(Kind::NotFound, "not_found", format!("no ledger entry or batch {id}"))
            }
            MilesError::NothingBy { actor } => {
                Self::new(Kind::NotFound, "not_found", format!("{actor} has written nothing into the ledger"))
                    .why("last means the latest entry of --actor, by default the operating system's user")
                    .fix("skyteam miles reverse ENTRY --note TEXT")
            }
            MilesError::AlreadyReversed { id, by } => {
                let error = Self::new(Kind::Refused, "already_reversed", format!("{id} has been reversed already"));
                match by {
                    Some(by) => error.why(format!("by {by}; an entry is reversed once")),
                    None => error.why("an entry is reversed once"),
                }
            }
            MilesError::IsReversal { id } => {
                Self::new(Kind::Refused, "is_reversal", format!("{id} is itself a reversal"))
                    .why("what it took back is given again by a new entry")
                    .fix("skyteam miles award USER AMOUNT --note TEXT")
            }
            MilesError::MovesNothing { id } => {
                Self::new(Kind::Refused, "moves_nothing", format!("{id} has no miles to take back"))
                    .why("an entry of 0 miles says what was done, and changed no sum")
            }
            MilesError::Batch { rejected } => batch(rejected),
            MilesError::BeyondRepair { user_id, balance, ledger } => {
                Self::new(Kind::Refused, "beyond_repair", "no single entry can make balance and ledger equal")
                    .why(format!("user {user_id} has {balance}, the entries add up to {ledger}"))
                    .fix(format!("skyteam miles history {}", shell::last(&user_id)))
            }
            // Under --dry-run a reversal shows what it would take back, or that there is nothing of that name.
            MilesError::Unknown { id, .. } | MilesError::NotReplicated { id, .. } => {
                worded(error, RetryAdvice::Look(&format!("skyteam miles reverse {id} --note TEXT --dry-run")))
            }
            MilesError::Reference(error) => error.into(),
            MilesError::Changed => changed_meanwhile(),
            MilesError::Db(error) => error.into(),
        }
    }
}

/// Words an error; where the outcome of a commit is not known, with how to find out.
pub fn worded(error: MilesError, again: RetryAdvice<'_>) -> Error {
    match error {
        MilesError::Unknown { source, .. } => outcome_unknown(again).source(source),
        MilesError::NotReplicated { commit, .. } => not_replicated(again, &commit),
        error => error.into(),
    }
}

fn not_enough(holder: &Account, needs: i64) -> Error {
    let short = needs - holder.miles;
    Error::new(Kind::Refused, "not_enough_miles", "not enough miles")
        .why(format!("{} has {}, this spends {needs}: {short} short", holder.username, holder.miles))
        .fix(format!("skyteam miles history {}", shell::user(&holder.username)))
}

fn key_taken(stored: &Entry, differences: &[Difference]) -> Error {
    let shown = |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), quoted);
    let error = Error::new(Kind::Refused, "key_taken", "the key was used for something else");
    let error = differences.iter().fold(error, |error, one| {
        error.why(format!("{}: the entry has {}, this asks for {}", one.column, shown(&one.stored), shown(&one.asked)))
    });
    error.why(format!("entry {} of {}", stored.id, stored.created_at)).fix("use another --key for another request")
}

fn batch(mut rejected: Vec<Rejection>) -> Error {
    if rejected.len() == 1 {
        return rejected.remove(0).error.into();
    }
    let count = rejected.len();
    // Who is short of what is to be taken back: all of them, since each is a person to be asked.
    let most =
        if rejected.iter().all(|one| matches!(one.error, MilesError::SpentSince { .. })) { count } else { WORDED };
    let mut worded = rejected.into_iter().take(most).map(|one| Error::from(one.error));
    let Some(first) = worded.next() else {
        return Error::new(Kind::Refused, "refused", "nothing was done");
    };
    let kind = first.kind();
    let error = Error::new(kind, first.code(), format!("{count} of the entries are refused, so none was written"));
    let error = [first].into_iter().chain(worded).fold(error, |error, one| error.why(one.summary()));
    if count > most { error.why(format!("and {} more", count - most)) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(miles: i64) -> Account {
        Account { user_id: "107919".into(), username: "pilot123".into(), miles }
    }

    #[test]
    fn too_little_says_how_much_is_short() {
        let error = Error::from(MilesError::NotEnough { holder: holder(640), needs: 1000 });
        assert_eq!((error.exit_code(), error.what().to_string()), (5, "not enough miles".into()));
        assert_eq!(error.reasons(), ["pilot123 has 640, this spends 1000: 360 short"]);
        assert_eq!(error.fixes(), ["skyteam miles history pilot123"]);
    }
}
