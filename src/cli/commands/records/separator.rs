//! By what a file parts its columns: comma, semicolon (spreadsheets where the comma is in numbers), tab or bar.

use super::Wrong;
use super::decode::breaks;

/// What may part columns, the usual one first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The name of a separator in a message.
fn name(separator: u8) -> &'static str {
    match separator {
        b';' => "semicolon",
        b'\t' => "tab",
        b'|' => "bar",
        _ => "comma",
    }
}

/// How a file begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start<'a> {
    /// Its text, from the header on.
    pub text: &'a str,
    /// The line of the header.
    pub line: u64,
    /// What parts its columns.
    pub separator: u8,
}

/// Finds the separator: the one that Excel's first line `sep=` names, else the one that the header uses. `known` counts
/// the columns among the parts of a header, where it could be parted in two ways.
pub(super) fn find(text: &str, known: impl Fn(&[&str]) -> usize) -> Result<Start<'_>, Wrong> {
    let end = text.find(['\r', '\n']).unwrap_or(text.len());
    let (first, rest) = text.split_at(end);
    let bare = first.trim_matches('"');
    if let Some(named) = bare.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).map(|_| &bare[4..]) {
        let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n'])).unwrap_or(rest);
        // A spreadsheet that saves the file again fills the line up with separators.
        let mut separators = SEPARATORS.into_iter();
        let separator = separators.find(|one| !named.is_empty() && named.bytes().all(|byte| byte == *one));
        return match separator {
            Some(separator) => Ok(Start { text: rest, line: 2, separator }),
            None => Err(Wrong::new(1, "after sep= a comma, a semicolon, a tab or a bar is expected")),
        };
    }
    let header = text.trim_start_matches(['\r', '\n']);
    let line = 1 + breaks(&text.as_bytes()[..text.len() - header.len()]);
    let end = header.find(['\r', '\n']).unwrap_or(header.len());
    let mut candidates: Vec<(usize, u8)> = SEPARATORS
        .into_iter()
        .filter_map(|separator| {
            let parts = split(&header[..end], separator);
            (parts.len() > 1).then(|| (known(&parts), separator))
        })
        .collect();
    candidates.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let separator = match candidates[..] {
        [] => b',',
        [(_, only)] => only,
        [(best, first), (other, _), ..] if best > other => first,
        [(_, first), (_, second), ..] => {
            let (first, second) = (name(first), name(second));
            let reason = format!("its header parts columns by a {first} and by a {second}");
            return Err(Wrong::new(line, reason).accepts("one separator in the whole file"));
        }
    };
    Ok(Start { text: header, line, separator })
}

/// The parts of a line, quotes respected and left in place.
fn split(line: &str, separator: u8) -> Vec<&str> {
    let mut quoted = false;
    let parts = line.split(|c: char| {
        quoted ^= c == '"';
        !quoted && c == char::from(separator)
    });
    parts.collect()
}

/// Which other separator a row has, that was read as too few cells.
pub(super) fn other(raw: &str, separator: u8) -> Option<&'static str> {
    SEPARATORS.into_iter().find(|one| *one != separator && raw.as_bytes().contains(one)).map(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<(u8, u64), String> {
        let known = |parts: &[&str]| parts.iter().filter(|part| matches!(**part, "user" | "amount" | "note")).count();
        find(text, known).map(|start| (start.separator, start.line)).map_err(|wrong| wrong.reason)
    }

    #[test]
    fn the_header_or_the_first_line_tells_the_separator() {
        for (text, separator, line) in [
            ("user,amount\n", b',', 1),
            ("user;amount\n", b';', 1),
            ("user\tamount", b'\t', 1),
            ("user|amount\r1", b'|', 1),
            ("user\n1;2", b',', 1),
            ("\n\nuser;amount\n", b';', 3),
            ("user;amount;Note, internal\n", b';', 1),
            ("\"a;b\",user\n", b',', 1),
            ("sep=;\r\nuser;amount", b';', 2),
            ("SEP=\t\ruser", b'\t', 2),
            ("\"sep=;\"\nuser", b';', 2),
            ("sep=,,,\nuser,amount,,", b',', 2),
        ] {
            assert_eq!(found(text), Ok((separator, line)), "{text:?}");
        }
        assert!(found("user;amount,note\n").unwrap_err().contains("semicolon"));
        for text in ["sep=\nuser", "sep=x\nuser", "sep=;,\nuser"] {
            assert!(found(text).unwrap_err().contains("after sep="), "{text:?}");
        }
    }
}
