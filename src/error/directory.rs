//! The wording of the directory's refusals: input rules, references, and what users, airlines, brands and products forbid.

use super::{Error, Kind};
use crate::directory::error::{DirectoryError, Use};
use crate::directory::reference::{CANDIDATES, Candidate, Noun, ReferenceError};
use crate::input::{InputError, quoted};
use crate::message::{Message, count_signed, message, skyteam, word as word_of};

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        Self::new(Kind::Usage, "invalid_value", message!("{} {} is not accepted", error.field, error.shown()))
            .why(message!("accepted is {}", error.accepted))
    }
}

impl From<ReferenceError> for Error {
    fn from(error: ReferenceError) -> Self {
        match error {
            ReferenceError::NotFound { noun, reference, nearest } => {
                let error =
                    Self::new(Kind::NotFound, "not_found", message!("no {} {}", noun.singular(), quoted(&reference)));
                let error =
                    if nearest.is_empty() { error } else { error.why(message!("nearest: {}", listed(&nearest))) };
                match list_command(noun) {
                    Some(command) => error.fix(skyteam(command)),
                    None => error,
                }
            }
            ReferenceError::Ended { reference, newest } => {
                let what = message!("no flight {} is scheduled or live", quoted(&reference));
                Self::new(Kind::NotFound, "not_found", what)
                    .why(message!("the newest of that code is over: {}", described(&newest)))
                    .with_instead(reference, newest.key)
            }
            ReferenceError::NoSuchDay { reference } => {
                let what = message!("{} names a day that does not exist", quoted(&reference));
                Self::new(Kind::Usage, "invalid_value", what).fix("write the day as YYYY-MM-DD, as in DL123@2026-11-26")
            }
            ReferenceError::Ambiguous { noun, reference, candidates } => {
                let what = message!("{} means more than one {}", quoted(&reference), noun.singular());
                let more = candidates.len() as u64 > CANDIDATES;
                let shown = &candidates[..candidates.len().min(CANDIDATES as usize)];
                let error = shown
                    .iter()
                    .fold(Self::new(Kind::NotFound, "ambiguous", what), |error, candidate| error.why(one(candidate)));
                let error = if more { error.why("and more") } else { error };
                shown
                    .first()
                    .into_iter()
                    .fold(error, |error, first| error.fix(message!("name it by its id: {}", word_of(&first.key))))
            }
            ReferenceError::Db(error) => error.into(),
        }
    }
}

impl From<DirectoryError> for Error {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Input(error) => error.into(),
            DirectoryError::Reference(error) => error.into(),
            DirectoryError::Taken { field, value, noun, holder } => {
                let error = Self::new(Kind::Refused, "duplicate", message!("{} {} is taken", field, quoted(&value)));
                match holder {
                    Some(holder) => error
                        .why(message!("{} {} has it", noun.singular(), one(&holder)))
                        .fix(skyteam(word(noun)).words("show").last(&holder.key)),
                    None => error.why("another program took it just now").fix("look again, then run it again"),
                }
            }
            DirectoryError::InUse { noun, key, by } => {
                let what = message!("{} {} is still referred to", noun.singular(), quoted(&key));
                let error = Self::new(Kind::Refused, "in_use", what);
                let error = by.iter().fold(error, |error, one| error.why(counted(*one)));
                match noun {
                    Noun::Product => error.fix(skyteam("product disable").last(&key)),
                    _ => error.fix("delete those first, or leave it as it is"),
                }
            }
            DirectoryError::Primary { key, airline, other } => {
                let what = message!("{} is the primary brand of {}", quoted(&key), quoted(&airline));
                Self::new(Kind::Refused, "primary_brand", what)
                    .why("an airline that has brands has a primary one")
                    .fix(skyteam("brand primary").last(&other))
            }
            DirectoryError::Undecided { table, column, file } => {
                Self::new(Kind::Refused, "undecided", message!("nothing says what erasing a user does with {}", &table))
                    .why(message!("its column {} refers to users, and its entity declares no ERASE", &column))
                    .fix(message!(
                        "declare it in `impl Entity` of {}: pub const ERASE: Erase<Column> = Erase::Delete; or \
                         Erase::Keep(&[])",
                        &file
                    ))
            }
            DirectoryError::Gone { noun, key } => {
                let what = message!("no {} {} any more", noun.singular(), quoted(&key));
                Self::new(Kind::NotFound, "not_found", what).why("another program deleted it just now")
            }
            DirectoryError::OwnerOnly { role, owner } => {
                let what = message!("the ledger's entries are not {}'s to change", quoted(&role));
                Self::new(Kind::Denied, "permission_denied", what)
                    .why(message!(
                        "only members of {}, which owns milesTransactions, may change entries",
                        quoted(&owner)
                    ))
                    .fix(message!("run it as {}, or as a member of it", quoted(&owner)))
            }
            DirectoryError::Db(error) => error.into(),
        }
    }
}

/// Why a change that was shown and allowed is not made: what was shown is no longer so. As with every lost race, the same
/// command may succeed when it is run again.
pub(crate) fn changed_meanwhile() -> Error {
    Error::new(Kind::Locked, "changed", "it was changed meanwhile")
        .why("another program changed what had been shown, before the answer came; nothing was changed here")
        .fix("look again, then run it again")
}

fn counted(one: Use) -> Message {
    let (noun, rest) = one.what.split_once(" that ").unwrap_or((one.what, ""));
    let counted = count_signed(one.count, noun);
    if rest.is_empty() { message!("{}", counted) } else { message!("{} that {}", counted, rest) }
}

const fn word(noun: Noun) -> &'static str {
    match noun {
        Noun::Entry | Noun::Batch => "miles",
        other => other.singular(),
    }
}

fn one(candidate: &Candidate) -> Message {
    message!("{} ({})", &candidate.key, described(candidate))
}

/// What a candidate is, and when.
pub(crate) fn described(candidate: &Candidate) -> Message {
    match candidate.at {
        Some(at) => message!("{}, {}", &candidate.what, at),
        None => message!("{}", &candidate.what),
    }
}

fn listed(candidates: &[Candidate]) -> Message {
    Message::joined(candidates.iter().map(one), ", ")
}

const fn list_command(noun: Noun) -> Option<&'static str> {
    match noun {
        Noun::User => Some("user list"),
        Noun::Airline => Some("airline list"),
        Noun::Brand => Some("brand list"),
        Noun::Flight => Some("flight list"),
        Noun::Product => Some("product list"),
        Noun::Entry | Noun::Batch => None,
    }
}
