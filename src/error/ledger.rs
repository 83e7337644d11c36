//! The wording of the ledger's refusals.

use super::indeterminate::{RetryAdvice, not_replicated, outcome_unknown};
use super::{Error, Kind};
use crate::input::quoted;
use crate::ledger::batch::Rejection;
use crate::ledger::key::Difference;
use crate::ledger::{Account, Entry, MAX_BALANCE, MilesError};
use crate::message::{message, skyteam};

/// How many of a batch's refusals are worded; the others are counted.
const WORDED: usize = 5;

impl From<MilesError> for Error {
    fn from(error: MilesError) -> Self {
        match error {
            MilesError::NoUser { user_id } => {
                Self::new(Kind::NotFound, "not_found", message!("no user {}", quoted(&user_id)))
                    .fix(skyteam("user list"))
            }
            MilesError::NotEnough { holder, needs } => not_enough(&holder, needs),
            MilesError::SpentSince { holder, takes } => {
                let short = takes - holder.miles;
                Self::new(Kind::Refused, "not_enough_miles", "what is to be taken back has been spent")
                    .why(message!(
                        "{} has {}, the reversal takes back {}: {} short",
                        &holder.username,
                        holder.miles,
                        takes,
                        short
                    ))
                    .fix(skyteam("miles history").user(&holder.username))
            }
            MilesError::TooMany { holder, adds } => {
                Self::new(Kind::Refused, "too_many_miles", "the balance would be too large")
                    .why(message!(
                        "{} has {}, this adds {}: a balance never passes {}",
                        &holder.username,
                        holder.miles,
                        adds,
                        MAX_BALANCE
                    ))
                    .fix(skyteam("miles history").user(&holder.username))
            }
            MilesError::KeyTaken { stored, differences } => key_taken(&stored, &differences),
            MilesError::NoProduct { product_id } => {
                Self::new(Kind::NotFound, "not_found", message!("no product {}", quoted(&product_id)))
                    .fix(skyteam("product list"))
            }
            MilesError::ProductInactive { product_id, name } => {
                Self::new(Kind::Refused, "product_inactive", message!("{} is not for sale", name))
                    .why(message!("the product {} is disabled", &product_id))
                    .fix(skyteam("product enable").last(&product_id))
            }
            MilesError::NoFlight { flight_id } => {
                Self::new(Kind::NotFound, "not_found", message!("no flight {}", flight_id)).fix(skyteam("flight list"))
            }
            MilesError::AlreadyAwarded { award } => {
                Self::new(Kind::Refused, "already_awarded", "the flight is paid for already")
                    .why(message!("user {} was paid {} for it on {}", &award.user_id, award.amount, award.created_at))
                    .fix(skyteam("miles reverse").arg(award.id).words("--note TEXT"))
            }
            MilesError::NoEntry { id } => {
                Self::new(Kind::NotFound, "not_found", message!("no ledger entry or batch {}", id))
            }
            MilesError::NothingBy { actor } => {
                Self::new(Kind::NotFound, "not_found", message!("{} has written nothing into the ledger", actor))
                    .why("last means the latest entry of --actor, by default the operating system's user")
                    .fix(skyteam("miles reverse ENTRY --note TEXT"))
            }
            MilesError::AlreadyReversed { id, by } => {
                let error = Self::new(Kind::Refused, "already_reversed", message!("{} has been reversed already", id));
                match by {
                    Some(by) => error.why(message!("by {}; an entry is reversed once", by)),
                    None => error.why("an entry is reversed once"),
                }
            }
            MilesError::IsReversal { id } => {
                Self::new(Kind::Refused, "is_reversal", message!("{} is itself a reversal", id))
                    .why("what it took back is given again by a new entry")
                    .fix(skyteam("miles award USER AMOUNT --note TEXT"))
            }
            MilesError::MovesNothing { id } => {
                Self::new(Kind::Refused, "moves_nothing", message!("{} has no miles to take back", id))
                    .why("an entry of 0 miles says what was done, and changed no sum")
            }
            MilesError::Batch { rejected } => batch(rejected),
            MilesError::BeyondRepair { user_id, balance, ledger } => {
                Self::new(Kind::Refused, "beyond_repair", "no single entry can make balance and ledger equal")
                    .why(message!("user {} has {}, the entries add up to {}", &user_id, balance, ledger))
                    .fix(skyteam("miles history").last(&user_id))
            }
            // Under --dry-run a reversal shows what it would take back, or that there is nothing of that name.
            MilesError::Unknown { id, .. } | MilesError::NotReplicated { id, .. } => {
                let look = skyteam("miles reverse").arg(id).words("--note TEXT --dry-run");
                worded(error, RetryAdvice::Look(look))
            }
            MilesError::Reference(error) => error.into(),
            MilesError::NamedTwice { username } => {
                Self::new(Kind::Usage, "usage", message!("{} is named twice", username))
            }
            MilesError::Db(error) => error.into(),
        }
    }
}

/// Words an error; where the outcome of a commit is not known, with how to find out.
pub(crate) fn worded(error: MilesError, again: RetryAdvice<'_>) -> Error {
    match error {
        MilesError::Unknown { source, .. } => outcome_unknown(again).source(source),
        MilesError::NotReplicated { commit, .. } => not_replicated(again, &commit),
        error => error.into(),
    }
}

fn not_enough(holder: &Account, needs: i64) -> Error {
    let short = needs - holder.miles;
    Error::new(Kind::Refused, "not_enough_miles", "not enough miles")
        .why(message!("{} has {}, this spends {}: {} short", &holder.username, holder.miles, needs, short))
        .fix(skyteam("miles history").user(&holder.username))
}

fn key_taken(stored: &Entry, differences: &[Difference]) -> Error {
    let shown = |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), quoted);
    let error = Error::new(Kind::Refused, "key_taken", "the key was used for something else");
    let error = differences.iter().fold(error, |error, one| {
        error.why(message!("{}: the entry has {}, this asks for {}", one.column, shown(&one.stored), shown(&one.asked)))
    });
    error.why(message!("entry {} of {}", stored.id, stored.created_at)).fix("use another --key for another request")
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
    let error = Error::new(kind, first.code(), message!("{} of the entries are refused, so none was written", count));
    let error = [first].into_iter().chain(worded).fold(error, |error, one| error.why(one.summary()));
    if count > most { error.why(message!("and {} more", count - most)) } else { error }
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
        assert_eq!(error.reasons(), ["pilot123 has 640, this spends 1,000: 360 short"]);
        assert_eq!(error.fixes(), ["skyteam miles history pilot123"]);
    }
}
