//! Making people unrecognisable in a copy: names, avatars, notes, links and API keys are replaced, and everything that
//! counts (ids of the game's users too, which the ledger depends on) by pseudonyms that are the same in every copy.
//! What becomes of a column is declared beside its entity ([`crate::entity::privacy`]); one that is not declared is
//! replaced. Columns that are not skyteam's stay behind: nothing here knows what they hold.
//!
//! Deterministic: the same value always becomes the same pseudonym, in every table and every run, so that copies can
//! be compared and bugs that depend on one user be found again. A pseudonym is an HMAC-SHA-256 of the value. Its key is
//! made of the source's airlines' API keys, which no copy holds: so a reader of the copy cannot try out ids and names
//! until a pseudonym fits, and pseudonyms change when an airline's key does. A database without airlines has no secret
//! to take; its copy is protected only by who has access to it.

mod replacement;

use std::collections::HashSet;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::format::archive::Rewrite;
use super::format::batch::{Block, Cells};
use super::format::hex::hex;
use super::format::native::Native;
use super::format::strings::Strings;
use super::format::table_schema::TableShape;
use super::format::timestamp;
use crate::entity::privacy::Mask;
use crate::entity::registry;
use crate::schema::model::Kind;

/// Columns that stay as they are, by the choice of the one who makes the copy: table and column.
pub(crate) type Kept = HashSet<(String, String)>;

/// What becomes of every column, by table and column, in the tables' order.
pub(crate) fn fates(kept: &Kept) -> Vec<(&'static str, &'static str, Mask)> {
    let columns =
        registry::tables().iter().flat_map(|table| table.columns.iter().map(|column| (table.name, column.name)));
    columns.map(|(table, column)| (table, column, fate(kept, table, column))).collect()
}

fn fate(kept: &Kept, table: &str, column: &str) -> Mask {
    if kept.contains(&(table.to_owned(), column.to_owned())) { Mask::Keep } else { registry::mask(table, column) }
}

/// The rewrite that masks, with a key made of secrets of the source, in any order.
pub(crate) fn rewrite(secrets: &[String], kept: Kept) -> Rewrite {
    let mut secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    secrets.sort_unstable();
    let masks = Masks::new(keyed(b"skyteam anonymize 3", secrets.join("\0").as_bytes()));
    // Without the schema no kind is known, and texts are replaced by their form.
    let known = super::version::known().unwrap_or_default();
    Arc::new(move |shape: &TableShape, block: &mut Block| {
        let table = known.table(&shape.name);
        for (column, cells) in shape.columns.iter().zip(&mut block.columns) {
            let kind = table.and_then(|table| table.column(&column.name)).map(|column| &column.kind);
            match fate(&kept, &shape.name, &column.name) {
                Mask::Keep => {}
                mask => match &mut cells.cells {
                    // One of those that the column may hold: another would be refused by its check.
                    other
                        if let Some(values) = registry::values(&shape.name, &column.name)
                            && !matches!(kind, Some(Kind::Array(_))) =>
                    {
                        replacement::listed(&masks.key, other, values);
                    }
                    Cells::Text(texts) if let Some(kind) = kind.filter(|kind| replacement::has_form(kind)) => {
                        let hour = (mask == Mask::Hour).then_some(|at| masks.hour(at));
                        *texts = replacement::texts(&masks.key, texts, kind, hour);
                    }
                    Cells::Text(texts) => *texts = masks.texts(texts, mask),
                    Cells::Bigint(times) if mask == Mask::Hour => times.iter_mut().for_each(|at| *at = masks.hour(*at)),
                    Cells::Integer(numbers) if column.native == Some(Native::Smallint) => {
                        numbers.iter_mut().for_each(|number| {
                            *number = i32::from(hash(&masks.key, &number.to_be_bytes()) as u16 >> 1);
                        });
                    }
                    other => replaced(&masks.key, other),
                },
            }
        }
    })
}

/// Places of a code that have an alphabet of their own.
const PLACES: usize = 8;
const LETTERS: u8 = 26;
const DIGITS: u8 = 10;
/// Microseconds of an hour, of which a copy's times are whole ones.
const HOUR: i64 = 3_600_000_000;
/// The year 2, in microseconds since 1970.
const ANCIENT: i64 = -62_104_060_800_000_000;
/// The most days that a copy's times are moved by.
const DAYS: u64 = 28;

/// What one copy is masked with.
struct Masks {
    key: [u8; 32],
    /// Per place of a code what becomes of each letter and of each digit.
    letters: Vec<Vec<u8>>,
    digits: Vec<Vec<u8>>,
    /// How far times are moved back.
    moved: i64,
}

impl Masks {
    fn new(key: [u8; 32]) -> Self {
        let alphabet = |what: u8, place: usize, size: u8| {
            let mut order: Vec<u8> = (0..size).collect();
            order.sort_by_key(|&symbol| keyed(&key, &[b'c', what, place as u8, symbol]));
            order
        };
        let days = keyed(&key, b"days").first_chunk().map_or(1, |half| 1 + u64::from_be_bytes(*half) % DAYS);
        Self {
            key,
            letters: (0..PLACES).map(|place| alphabet(b'a', place, LETTERS)).collect(),
            digits: (0..PLACES).map(|place| alphabet(b'0', place, DIGITS)).collect(),
            moved: days as i64 * 24 * HOUR,
        }
    }

    fn texts(&self, cells: &Strings, mask: Mask) -> Strings {
        match mask {
            Mask::Code | Mask::Hour => {
                let mut out = Strings::default();
                for index in 0..cells.len() {
                    let text = String::from_utf8_lossy(cells.get(index));
                    let other = if mask == Mask::Code { self.code(&text) } else { self.time(&text) };
                    out.push(other.as_bytes());
                }
                out
            }
            mask => masked(&self.key, cells, mask),
        }
    }

    /// Each place's alphabet is turned into another order of itself, so that two codes never become one.
    fn code(&self, text: &str) -> String {
        let other = |(place, c): (usize, char)| {
            let letter = |base: u8| char::from(base + self.letters[place % PLACES][usize::from(c as u8 - base)]);
            match c {
                'A'..='Z' => letter(b'A'),
                'a'..='z' => letter(b'a'),
                '0'..='9' => char::from(b'0' + self.digits[place % PLACES][usize::from(c as u8 - b'0')]),
                c => c,
            }
        };
        text.chars().enumerate().map(other).collect()
    }

    /// The ends of the range are infinities, which stay.
    fn hour(&self, at: i64) -> i64 {
        match at {
            i64::MIN | i64::MAX => at,
            // Further back there is no room to move.
            at if at < ANCIENT => ANCIENT,
            at => at.saturating_sub(at.rem_euclid(HOUR)).saturating_sub(self.moved),
        }
    }

    /// A time that an SQLite file holds in another form than skyteam's.
    fn time(&self, text: &str) -> String {
        match timestamp::parse_loosely(text) {
            Some(at) => {
                let mut out = Vec::new();
                timestamp::write_text(self.hour(at), &mut out);
                String::from_utf8_lossy(&out).into_owned()
            }
            None => similar(&keyed(&self.key, text.as_bytes()), text.as_bytes()),
        }
    }
}

fn masked(key: &[u8], cells: &Strings, mask: Mask) -> Strings {
    let mut out = Strings::default();
    for index in 0..cells.len() {
        let cell = cells.get(index);
        let hash = keyed(key, cell);
        match mask {
            Mask::Keep => out.push(cell),
            Mask::Name(prefix) => out.push(format!("{prefix}{}", hex(&hash[..7])).as_bytes()),
            Mask::Number => out.push(number(&hash).as_bytes()),
            Mask::Url => out.push(format!("https://example.invalid/{}", hex(&hash[..7])).as_bytes()),
            Mask::Blank => out.push(blank(&String::from_utf8_lossy(cell)).as_bytes()),
            Mask::Secret => out.push(format!("anon{}", hex(&hash[..10])).as_bytes()),
            Mask::Words(words) if words.iter().any(|known| known.as_bytes() == cell) => out.push(cell),
            Mask::Words(_) => out.push(format!("source_{}", hex(&hash[..7])).as_bytes()),
            // Codes and times are turned by tables of the copy; one that comes here is replaced all the same.
            Mask::Replace | Mask::Code | Mask::Hour => out.push(similar(&hash, cell).as_bytes()),
        }
    }
    out
}

fn hash(key: &[u8], bytes: &[u8]) -> u64 {
    keyed(key, bytes).first_chunk::<8>().map_or(0, |half| u64::from_be_bytes(*half))
}

/// Other values for cells that are no text.
fn replaced(key: &[u8], cells: &mut Cells) {
    let hash = |bytes: &[u8]| hash(key, bytes);
    match cells {
        Cells::Boolean(cells) => cells.fill(false),
        Cells::Integer(cells) => {
            for cell in cells {
                *cell = (hash(&cell.to_be_bytes()) >> 34) as i32;
            }
        }
        Cells::Bigint(cells) => {
            for cell in cells {
                // As microseconds it is a time of the last century: every kind of such a cell can hold it.
                *cell = (hash(&cell.to_be_bytes()) >> 14) as i64 % 946_684_800_000_000;
            }
        }
        Cells::Uuid(cells) => {
            for cell in cells {
                let hash = keyed(key, cell);
                if let Some(random) = hash.first_chunk() {
                    *cell = *uuid::Builder::from_random_bytes(*random).as_uuid().as_bytes();
                }
            }
        }
        Cells::Text(_) => {}
    }
}

/// A text of the same length with letters for letters and digits for digits, so that what its column's type demands of
/// its form stays true as far as it can.
fn similar(hash: &[u8; 32], cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell);
    let mut random = hash.iter().cycle().zip(1_u32..).map(|(byte, turn)| u32::from(*byte).wrapping_mul(turn | 1) >> 1);
    let mut first = true;
    let turn = |c: char| {
        let next = random.next().unwrap_or(0);
        let letter = |base: u8| char::from(base + (next % 26) as u8);
        let other = match c {
            // No number gets another length by a zero in front.
            '0'..='9' if first => char::from(b'1' + (next % 9) as u8),
            '0'..='9' => char::from(b'0' + (next % 10) as u8),
            'A'..='Z' => letter(b'A'),
            c if c.is_alphabetic() => letter(b'a'),
            c => c,
        };
        first = false;
        other
    };
    text.chars().map(turn).collect()
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
