//! Making people unrecognisable in a copy: names, avatars, notes and API keys are replaced, and everything that
//! counts (ids of the game's users too, which the ledger hangs on) by pseudonyms that are the same in every copy.
//!
//! Deterministic: the same value always becomes the same pseudonym, in every table and every run, so that copies can
//! be compared and bugs that hang on one user be found again. A pseudonym is a keyed hash; whoever has no secret to
//! add can still recompute it from a name he guesses, so a copy is for laptops, not for the public.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::archive::Rewrite;
use super::cells::{Block, Cells, Strings};
use super::shape::TableShape;
use super::tape::hex;

/// What becomes of the cells of a column.
#[derive(Clone, Copy)]
enum Mask {
    /// `pilot_3fa9c1d2e0`
    Name(&'static str),
    /// A user's id stays a number of the same length.
    Number,
    /// An address that leads nowhere.
    Url,
    /// Letters become `x`, so that length and line breaks stay.
    Blank,
    /// A key that opens nothing.
    Token,
}

/// Per table and column what is masked.
const MASKS: &[(&str, &str, Mask)] = &[
    ("users", "userId", Mask::Number),
    ("users", "username", Mask::Name("pilot_")),
    ("users", "displayName", Mask::Name("Pilot ")),
    ("users", "avatarUrl", Mask::Url),
    ("flightPassengers", "userId", Mask::Number),
    ("milesTransactions", "userId", Mask::Number),
    ("milesTransactions", "note", Mask::Blank),
    ("milesTransactions", "actor", Mask::Name("actor_")),
    ("airlines", "token", Mask::Token),
    ("airlines", "inviteLink", Mask::Url),
];

/// The rewrite that masks.
pub fn rewrite() -> Rewrite {
    Arc::new(mask)
}

fn mask(shape: &TableShape, block: &mut Block) {
    for (table, column, mask) in MASKS {
        if *table != shape.name {
            continue;
        }
        let Some(index) = shape.position(column) else { continue };
        if let Cells::Text(cells) = &mut block.columns[index].cells {
            *cells = masked(cells, *mask);
        }
    }
}

fn masked(cells: &Strings, mask: Mask) -> Strings {
    let mut out = Strings::default();
    for index in 0..cells.len() {
        let cell = cells.get(index);
        let hash = hash(cell);
        match mask {
            Mask::Name(prefix) => out.push(format!("{prefix}{}", hex(&hash[..5])).as_bytes()),
            Mask::Number => out.push(number(cell, &hash).as_bytes()),
            Mask::Url => out.push(format!("https://example.invalid/{}", hex(&hash[..5])).as_bytes()),
            Mask::Blank => out.push(blank(&String::from_utf8_lossy(cell)).as_bytes()),
            Mask::Token => out.push(format!("anon{}", hex(&hash[..10])).as_bytes()),
        }
    }
    out
}

fn hash(cell: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(b"skyteam anonymize 1\0").chain_update(cell).finalize().into()
}

/// Eighteen digits: as good as never the same for two of a few million users, and within what ids may be.
fn number(_cell: &[u8], hash: &[u8; 32]) -> String {
    let value = hash.first_chunk::<8>().map_or(0, |half| u64::from_be_bytes(*half));
    format!("{}", 100_000_000_000_000_000 + value % 900_000_000_000_000_000)
}

fn blank(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() { 'x' } else { c }).collect()
}
