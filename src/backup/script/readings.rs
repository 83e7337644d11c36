//! The ways in which psql may read a script, which may change them itself.
//!
//! `pg_dump` sets them at the head of a dump, in words that are known. Behind any other mention of a setting every way is
//! followed at once, and a command of psql in any of them counts.

use super::scanner::{Encoding, Reading, Scanner, Seen};

/// What a script is read as.
#[derive(Debug, Default)]
pub(super) struct Readings {
    scanner: Scanner,
    doubts: Doubts,
    /// What else psql may take it for, once there are doubts.
    others: Vec<Scanner>,
}

impl Readings {
    /// Reads a line, and answers what it is and whether it begins outside of a statement.
    pub(super) fn line(&mut self, line: &[u8]) -> (Seen, bool) {
        let (begins, was_in_body) = (self.scanner.begins(), self.scanner.in_body());
        let (seen, resets) = self.scanner.line(line);
        let otherwise = seen_otherwise(&mut self.others, self.doubts, self.scanner.reading, line);
        if matches!(seen, Seen::Command(_)) {
            return (seen, begins);
        }
        if let Some(at) = otherwise {
            return (Seen::Command(at), false);
        }
        // Rows too, where another way to read may take them for statements.
        if seen != Seen::Row || !self.others.is_empty() {
            let in_body = was_in_body && self.scanner.in_body();
            self.note_settings(line, begins, resets, in_body);
        }
        (seen, begins)
    }

    /// Follows what the line sets, or begins to doubt.
    fn note_settings(&mut self, line: &[u8], begins: bool, resets: bool, in_body: bool) {
        let now = self.scanner.reading;
        match if begins { as_pg_dump_sets(line, now) } else { None } {
            // In doubt it may be a part of a text.
            Some(next) if self.others.is_empty() || next == now => self.scanner.reading = next,
            _ => self.doubts.add(line, resets, in_body),
        }
        if self.doubts != Doubts::default() && self.others.is_empty() {
            self.others.push(self.scanner.clone());
        }
    }
}

/// What of psql's way to read texts is not known any more, because the script has touched its setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Doubts {
    backslashes: bool,
    encoding: bool,
}

/// How many ways to read a script are followed; one that has more is refused. All settings together are ten, as long as all
/// find the same texts.
const MOST_READINGS: usize = 64;

impl Doubts {
    /// What a line leaves in doubt. What the body of a function says does not run where it is made.
    fn add(&mut self, line: &[u8], resets: bool, in_body: bool) {
        let says = |name: &[u8]| !in_body && line.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name));
        // Few lines have any of the three.
        let could = resets || line.contains(&b'_');
        self.backslashes |= could && (resets || says(b"standard_conforming_strings") || says(b"backslash_quote"));
        self.encoding |= could && (resets || says(b"client_encoding"));
    }

    /// Every way to read that is possible.
    fn readings(self, now: Reading) -> impl Iterator<Item = Reading> {
        let encodings = Encoding::ALL.into_iter().filter(move |&encoding| self.encoding || encoding == now.encoding);
        encodings.flat_map(move |encoding| {
            let both = [false, true].into_iter();
            both.filter(move |&backslashes| self.backslashes || backslashes == now.backslashes)
                .map(move |backslashes| Reading { backslashes, encoding })
        })
    }
}

/// Where psql would find a command in a line if it read in another way. It may change its way with every line.
fn seen_otherwise(others: &mut Vec<Scanner>, doubts: Doubts, now: Reading, line: &[u8]) -> Option<usize> {
    let mut found = None;
    let mut next: Vec<Scanner> = Vec::new();
    for scanner in others.drain(..) {
        for reading in doubts.readings(now) {
            let mut scanner = scanner.clone();
            scanner.reading = reading;
            if let (Seen::Command(at), _) = scanner.line(line) {
                found = found.or(Some(at));
            }
            // The next line is read in every way again.
            scanner.reading = Reading::default();
            if !next.contains(&scanner) {
                next.push(scanner);
            }
        }
    }
    if next.len() > MOST_READINGS {
        next.truncate(MOST_READINGS);
        found = found.or(Some(0));
    }
    *others = next;
    found
}

/// How texts are read after a line that `pg_dump` could have written. Its settings are at the head of a dump, each on a line of
/// its own; psql changes its way at the next line.
fn as_pg_dump_sets(line: &[u8], now: Reading) -> Option<Reading> {
    match line.trim_ascii_end() {
        b"SET standard_conforming_strings = on;" => Some(Reading { backslashes: false, ..now }),
        b"SET standard_conforming_strings = off;" => Some(Reading { backslashes: true, ..now }),
        other => {
            let name = other.strip_prefix(b"SET client_encoding = '")?.strip_suffix(b"';")?;
            let plain = name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
            plain.then(|| Reading { encoding: Encoding::named(name), ..now })
        }
    }
}
