//! The wording of the directory's refusals: input rules, references, and what users, airlines, brands and products forbid.

use super::{Error, Kind};
use crate::domain::input::{InputError, quoted};
use crate::domain::reference::{CANDIDATES, Candidate, Noun, ReferenceError};

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        Self::new(Kind::Usage, "invalid_value", format!("{} {} is not accepted", error.field, error.shown()))
            .why(format!("accepted is {}", error.accepted))
    }
}

impl From<ReferenceError> for Error {
    fn from(error: ReferenceError) -> Self {
        match error {
            ReferenceError::NotFound { noun, reference, nearest } => {
                let error =
                    Self::new(Kind::NotFound, "not_found", format!("no {} {}", noun.singular(), quoted(&reference)));
                let error =
                    if nearest.is_empty() { error } else { error.why(format!("nearest: {}", listed(&nearest))) };
                match list_command(noun) {
                    Some(command) => error.fix(command),
                    None => error,
                }
            }
            ReferenceError::Ambiguous { noun, reference, candidates } => {
                let what = format!("{} means more than one {}", quoted(&reference), noun.singular());
                let more = candidates.len() as u64 > CANDIDATES;
                let shown = &candidates[..candidates.len().min(CANDIDATES as usize)];
                let error = shown
                    .iter()
                    .fold(Self::new(Kind::NotFound, "ambiguous", what), |error, candidate| error.why(one(candidate)));
                let error = if more { error.why("and more") } else { error };
                error.fix(format!("name it by its id: {}", shown.first().map_or("…", |first| first.key.as_str())))
            }
            ReferenceError::Db(error) => error.into(),
        }
    }
}

fn one(candidate: &Candidate) -> String {
    format!("{} ({})", candidate.key, candidate.what)
}

fn listed(candidates: &[Candidate]) -> String {
    candidates.iter().map(one).collect::<Vec<_>>().join(", ")
}

const fn list_command(noun: Noun) -> Option<&'static str> {
    match noun {
        Noun::User => Some("skyteam user list"),
        Noun::Airline => Some("skyteam airline list"),
        Noun::Brand => Some("skyteam brand list"),
        Noun::Flight => Some("skyteam flight list"),
        Noun::Product => Some("skyteam product list"),
        Noun::Entry | Noun::Batch => None,
    }
}
