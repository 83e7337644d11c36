//! Making people unrecognisable in a copy: names, avatars, notes, links and API keys are replaced, and everything that
//! counts (ids of the game's users too, which the ledger hangs on) by pseudonyms that are the same in every copy.
//! Columns that are not skyteam's stay behind: nobody here knows what they hold.
//!
//! Deterministic: the same value always becomes the same pseudonym, in every table and every run, so that copies can
//! be compared and bugs that hang on one user be found again. A pseudonym is an HMAC-SHA-256 of the value. Its key is
//! made of the source's airlines' API keys, which no copy holds: so whoever has the copy cannot try out ids and names
//! until a pseudonym fits, and pseudonyms change when an airline's key does. A database without airlines has no secret
//! to take; what protects its copy is only that it is no one's business.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::format::archive::Rewrite;
use super::format::batch::{Block, Cells, Strings};
use super::format::container::hex;
use super::format::table_schema::TableShape;
use crate::ledger::source;

/// What becomes of the cells of a column.
#[derive(Clone, Copy)]
enum Mask {
    /// `pilot_3fa9c1d2e0b4a7`: with at most six letters before it twenty characters, which a username may have, and
    /// among a million users as good as never two alike.
    Name(&'static str),
    /// An id stays a number.
    Number,
    /// An address that leads nowhere.
    Url,
    /// Everything but white space becomes `x`, so that length and line breaks stay.
    Blank,
    /// A key that opens nothing.
    Token,
    /// A word that the program itself writes stays; what anybody typed becomes a pseudonym.
    Source,
}

/// Per table and column what is masked.
const MASKS: &[(&str, &str, Mask)] = &[
    ("users", "userId", Mask::Number),
    ("users", "username", Mask::Name("pilot_")),
    ("users", "displayName", Mask::Name("Pilot ")),
    ("users", "avatarUrl", Mask::Url),
    ("flightPassengers", "userId", Mask::Number),
    ("milesTransactions", "userId", Mask::Number),
    ("milesTransactions", "source", Mask::Source),
    ("milesTransactions", "note", Mask::Blank),
    ("milesTransactions", "actor", Mask::Name("actor_")),
    ("airlines", "token", Mask::Token),
    ("airlines", "inviteLink", Mask::Url),
    ("airlines", "serverId", Mask::Number),
    ("flights", "gameId", Mask::Number),
    ("flights", "discordEventLink", Mask::Url),
];

/// The sources that the program writes itself.
const SOURCES: [&str; 5] = [source::FLIGHT, source::PURCHASE, source::MANUAL, source::REVERSAL, source::ADJUSTMENT];

/// The rewrite that masks, with a key made of secrets of the source, in any order.
pub fn rewrite(secrets: &[String]) -> Rewrite {
    let mut secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    secrets.sort_unstable();
    let key = keyed(b"skyteam anonymize 2", secrets.join("\0").as_bytes());
    Arc::new(move |shape: &TableShape, block: &mut Block| mask(&key, shape, block))
}

fn mask(key: &[u8], shape: &TableShape, block: &mut Block) {
    for (table, column, mask) in MASKS {
        if *table != shape.name {
            continue;
        }
        let Some(index) = shape.position(column) else { continue };
        if let Cells::Text(cells) = &mut block.columns[index].cells {
            *cells = masked(key, cells, *mask);
        }
    }
}

fn masked(key: &[u8], cells: &Strings, mask: Mask) -> Strings {
    let mut out = Strings::default();
    for index in 0..cells.len() {
        let cell = cells.get(index);
        let hash = keyed(key, cell);
        match mask {
            Mask::Name(prefix) => out.push(format!("{prefix}{}", hex(&hash[..7])).as_bytes()),
            Mask::Number => out.push(number(&hash).as_bytes()),
            Mask::Url => out.push(format!("https://example.invalid/{}", hex(&hash[..7])).as_bytes()),
            Mask::Blank => out.push(blank(&String::from_utf8_lossy(cell)).as_bytes()),
            Mask::Token => out.push(format!("anon{}", hex(&hash[..10])).as_bytes()),
            Mask::Source if SOURCES.iter().any(|known| known.as_bytes() == cell) => out.push(cell),
            Mask::Source => out.push(format!("source_{}", hex(&hash[..7])).as_bytes()),
        }
    }
    out
}

fn keyed(key: &[u8], text: &[u8]) -> [u8; 32] {
    // A key of any length is taken.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mac| mac.chain_update(text).finalize().into_bytes().into())
}

/// Eighteen digits: as good as never the same for two of a few million users, and within what ids may be.
fn number(hash: &[u8; 32]) -> String {
    let value = hash.first_chunk::<8>().map_or(0, |half| u64::from_be_bytes(*half));
    format!("{}", 100_000_000_000_000_000 + value % 900_000_000_000_000_000)
}

fn blank(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { c } else { 'x' }).collect()
}
