//! The row that a word on the command line means: by key, by name, by code, by the beginning of a key.
//!
//! The ways of naming a thing are tried in the order of the contract's table; the first that finds anything decides, and
//! where it finds several, nothing is chosen: the candidates are the answer. Exact matches go through an index; only where
//! there is none does a look without regard to case scan the table.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait as _, Func, LikeExpr, SimpleExpr};
use sea_orm::{ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter as _, QuerySelect as _};
use uuid::Uuid;

use crate::entity::{airline, brand, miles_transaction, user};

mod flight;
mod posted;
pub(crate) mod prefix;
mod product;

pub use flight::flight;
pub(crate) use flight::{MeantFlight, meant_flight};
pub(crate) use posted::posted;
pub use product::product;

pub(crate) use crate::input::reference::CANDIDATES;
pub use crate::input::reference::{Candidate, Noun, ReferenceError};

/// How many of the nearest names an unknown reference lists at most.
const NEAREST: usize = 3;

/// How many names are read to find the nearest.
const NAMES_READ: u64 = 20_000;

/// The shortest prefix of a UUID that is accepted as a reference.
const PREFIX_MIN: usize = 4;

type Result<T> = std::result::Result<T, ReferenceError>;

/// Finds a user: `@name`, a user id, or a username in any case.
///
/// # Errors
/// [`ReferenceError`]: nothing, or several things, match it.
pub async fn user(db: &impl ConnectionTrait, reference: &str) -> Result<user::Model> {
    let name = reference.strip_prefix('@');
    if storable(reference) {
        let id = name.is_none() && !reference.is_empty() && reference.bytes().all(|b| b.is_ascii_digit());
        if id && let Some(found) = user::Entity::find_by_id(reference).one(db).await? {
            return Ok(found);
        }
        let name = name.unwrap_or(reference);
        if let Some(found) = user::Entity::find().filter(user::Column::Username.eq(name)).one(db).await? {
            return Ok(found);
        }
        let any_case = user::Entity::find().filter(same_text(user::Column::Username, name)).limit(CANDIDATES + 1);
        if let Some(found) = only(Noun::User, reference, any_case.all(db).await?, user_candidate)? {
            return Ok(found);
        }
    }
    let nearest = nearest_users(db, name.unwrap_or(reference)).await?;
    Err(ReferenceError::NotFound { noun: Noun::User, reference: reference.to_owned(), nearest })
}

/// The users whose names are spelt most like `name`, best first.
///
/// # Errors
/// The database's.
pub(crate) async fn nearest_users(db: &impl ConnectionTrait, name: &str) -> std::result::Result<Vec<Candidate>, DbErr> {
    let name = name.to_lowercase();
    let length = name.chars().count();
    if !storable(&name) || !(2..=40).contains(&length) {
        return Ok(Vec::new());
    }
    // A slip of the finger changes the length little and seldom both ends: what a scan can tell cheaply.
    let lower = || Func::lower(Expr::col(user::Column::Username));
    let size = || Func::char_length(Expr::col(user::Column::Username));
    let (from, to) = (length.saturating_sub(2) as i32, length as i32 + 2);
    let head: String = name.chars().take(2).collect();
    let tail: String = name.chars().skip(length - 2).collect();
    let ends = Condition::any()
        .add(Expr::expr(lower()).like(pattern(format!("{}%", escape_like(&head)))))
        .add(Expr::expr(lower()).like(pattern(format!("%{}", escape_like(&tail)))));
    let names: Vec<(String, String)> = user::Entity::find()
        .select_only()
        .columns([user::Column::Username, user::Column::UserId])
        .filter(Expr::expr(size()).between(from, to))
        .filter(ends)
        .limit(NAMES_READ)
        .into_tuple()
        .all(db)
        .await?;
    let named = names.into_iter().map(|(username, id)| {
        let what = format!("userId {id}");
        (username.clone(), Candidate::new(username, what))
    });
    Ok(nearest(&name, named))
}

/// Finds an airline: by id, by its exact name, or by the IATA or ICAO code of a brand of it.
///
/// # Errors
/// [`ReferenceError`]: none, or several, answer to it.
pub async fn airline(db: &impl ConnectionTrait, reference: &str) -> Result<airline::Model> {
    if let Some(found) = known_airline(db, reference).await? {
        return Ok(found);
    }
    let names = airline::Entity::find().limit(NAMES_READ).all(db).await?;
    let named = names.iter().flat_map(|one| [&one.airline_id, &one.name].map(|n| (n.clone(), airline_candidate(one))));
    Err(not_found(Noun::Airline, reference, named))
}

/// As [`airline`]; `None` where none answers to it.
async fn known_airline(db: &impl ConnectionTrait, reference: &str) -> Result<Option<airline::Model>> {
    if storable(reference) {
        if let Some(found) = airline::Entity::find_by_id(reference).one(db).await? {
            return Ok(Some(found));
        }
        let named = airline::Entity::find().filter(airline::Column::Name.eq(reference)).limit(CANDIDATES + 1);
        if let Some(found) = only(Noun::Airline, reference, named.all(db).await?, airline_candidate)? {
            return Ok(Some(found));
        }
        let coded = brand::Entity::find()
            .filter(
                Condition::any()
                    .add(same_code(brand::Column::Iata, reference))
                    .add(same_code(brand::Column::Icao, reference)),
            )
            .find_also_related(airline::Entity)
            .limit(CANDIDATES + 1)
            .all(db)
            .await?;
        let airlines: BTreeMap<String, airline::Model> =
            coded.into_iter().filter_map(|(_, owner)| owner.map(|owner| (owner.airline_id.clone(), owner))).collect();
        return only(Noun::Airline, reference, airlines.into_values().collect(), airline_candidate);
    }
    Ok(None)
}

/// Finds a brand: by id, IATA code, ICAO code or callsign, each without regard to case.
///
/// # Errors
/// [`ReferenceError`]: none, or several, answer to it.
pub async fn brand(db: &impl ConnectionTrait, reference: &str) -> Result<brand::Model> {
    if storable(reference) {
        use brand::Column::{BrandId, Callsign, Iata, Icao};
        for column in [BrandId, Iata, Icao, Callsign] {
            let found =
                brand::Entity::find().filter(same_text(column, reference)).limit(CANDIDATES + 1).all(db).await?;
            let key = |one: &brand::Model| match column {
                BrandId => one.brand_id.clone(),
                Iata => one.iata.clone(),
                Icao => one.icao.clone(),
                _ => one.callsign.clone(),
            };
            // Two spellings that differ in case alone, left by another program: the exact one is meant.
            if found.len() > 1
                && let Some(exact) = found.iter().find(|one| key(one) == reference)
            {
                return Ok(exact.clone());
            }
            if let Some(found) = only(Noun::Brand, reference, found, brand_candidate)? {
                return Ok(found);
            }
        }
    }
    let names = brand::Entity::find().limit(NAMES_READ).all(db).await?;
    let named = names.iter().flat_map(|one| {
        [&one.brand_id, &one.iata, &one.icao, &one.callsign, &one.name].map(|n| (n.clone(), brand_candidate(one)))
    });
    Err(not_found(Noun::Brand, reference, named))
}

/// The one thing found, nothing where nothing was, and an error where there was a choice.
fn only<T>(noun: Noun, reference: &str, mut found: Vec<T>, candidate: impl Fn(&T) -> Candidate) -> Result<Option<T>> {
    if found.len() > 1 {
        let mut candidates: Vec<Candidate> = found.iter().map(candidate).collect();
        candidates.sort_by(|a, b| a.key.cmp(&b.key));
        return Err(ReferenceError::Ambiguous { noun, reference: reference.to_owned(), candidates });
    }
    Ok(found.pop())
}

fn not_found(noun: Noun, reference: &str, named: impl Iterator<Item = (String, Candidate)>) -> ReferenceError {
    let nearest = nearest(&reference.to_lowercase(), named);
    ReferenceError::NotFound { noun, reference: reference.to_owned(), nearest }
}

/// The candidates whose names are most like `wanted`, which is in lower case; best first, each once.
fn nearest(wanted: &str, named: impl Iterator<Item = (String, Candidate)>) -> Vec<Candidate> {
    // Comparing is quadratic in length, and no name that long was mistyped.
    if wanted.len() > 100 {
        return Vec::new();
    }
    let mut scored: Vec<(f64, Candidate)> = named
        .filter(|(name, _)| name.len() <= 200)
        .map(|(name, candidate)| (strsim::jaro_winkler(wanted, &name.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.key.cmp(&b.1.key)));
    let mut best: Vec<Candidate> = Vec::new();
    for (_, candidate) in scored {
        if best.len() < NEAREST && !best.iter().any(|known| known.key == candidate.key) {
            best.push(candidate);
        }
    }
    best
}

fn user_candidate(one: &user::Model) -> Candidate {
    Candidate::new(&one.user_id, &one.username)
}

fn airline_candidate(one: &airline::Model) -> Candidate {
    Candidate::new(&one.airline_id, &one.name)
}

fn brand_candidate(one: &brand::Model) -> Candidate {
    Candidate::new(&one.brand_id, format!("{}, {}/{}", one.name, one.iata, one.icao))
}

fn entry_candidate(one: &miles_transaction::Model) -> Candidate {
    let what = format!("{} of user {}", one.amount, one.user_id);
    Candidate { at: Some(one.created_at), ..Candidate::new(one.id.to_string(), what) }
}

/// Whether a column and a text are the same but for case, as the database sees case.
fn same_text(column: impl sea_orm::ColumnTrait, text: &str) -> SimpleExpr {
    Expr::expr(Func::lower(Expr::col(column.as_column_ref()))).eq(Func::lower(Expr::val(text)))
}

/// Whether a column of codes holds this code. Codes are short: a longer text matches nothing and need not be sent.
fn same_code(column: impl sea_orm::ColumnTrait, code: &str) -> SimpleExpr {
    same_text(column, if code.len() <= 64 { code } else { "" })
}

/// PostgreSQL refuses a NUL in any text, and no key or name is as long as this: neither needs asking for.
pub(crate) fn storable(reference: &str) -> bool {
    !reference.contains('\0') && reference.len() <= 10_000
}

/// A LIKE pattern with its escape named: SQLite has no default one.
pub(crate) fn pattern(like: String) -> LikeExpr {
    LikeExpr::new(like).escape('\\')
}

/// A text as a part of a [`pattern`] that matches only itself.
pub(crate) fn escape_like(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

/// The first and last UUID that begin with these characters, hyphens aside; so that the key's index finds them.
pub(crate) fn uuid_range(prefix: &str) -> Option<(Uuid, Uuid)> {
    if !(PREFIX_MIN..=36).contains(&prefix.len()) {
        return None;
    }
    // A hyphen counts only where a UUID has one, or where there is none at all.
    let hyphenated = prefix.contains('-');
    let shape = |(i, b): (usize, u8)| match b {
        b'-' => matches!(i, 8 | 13 | 18 | 23),
        b => b.is_ascii_hexdigit() && !(hyphenated && matches!(i, 8 | 13 | 18 | 23)),
    };
    let hex: String = prefix.chars().filter(|c| *c != '-').collect();
    if hex.len() > 32 || hex.len() < PREFIX_MIN || !prefix.bytes().enumerate().all(shape) {
        return None;
    }
    let end =
        |fill: char| Uuid::try_parse(&hex.chars().chain(std::iter::repeat(fill)).take(32).collect::<String>()).ok();
    Some((end('0')?, end('f')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_four_hex_digits_spans_the_ids_that_begin_with_it() {
        let (from, to) = uuid_range("6E1f").unwrap();
        assert_eq!(from.to_string(), "6e1f0000-0000-0000-0000-000000000000");
        assert_eq!(to.to_string(), "6e1fffff-ffff-ffff-ffff-ffffffffffff");
        let whole = "6e1fcd70-4528-4d8b-a6d6-bbedb9210096";
        assert_eq!(uuid_range(whole).map(|(from, to)| (from == to, from.to_string())), Some((true, whole.to_owned())));
        assert_eq!(uuid_range("6e1fcd70-45").unwrap().0.to_string(), "6e1fcd70-4500-0000-0000-000000000000");
        for bad in
            ["6e1", "DL123", "6e1fcd70-4528-4d8b-a6d6-bbedb92100961", "6e1f-cd70", "----", "6e1fcd7045-28", "6é1f", ""]
        {
            assert_eq!(uuid_range(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_nearest_names_come_best_first_and_once() {
        let named = ["pilot123", "pilot124", "pilot123", "zzz", "polit123"]
            .map(|name| (name.to_owned(), Candidate::new(name, "")));
        let keys: Vec<String> = nearest("pilto123", named.into_iter()).into_iter().map(|c| c.key).collect();
        assert_eq!(keys[0], "pilot123");
        assert_eq!(keys.len(), 3);
        assert!(!keys.contains(&"zzz".to_owned()));
        assert!(nearest(&"p".repeat(1 << 20), std::iter::empty()).is_empty());
    }

    #[test]
    fn wildcards_are_looked_for_as_they_stand() {
        assert_eq!(escape_like("a_%\\"), "a\\_\\%\\\\");
    }
}
