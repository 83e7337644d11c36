//! Text from outside made safe to show: nothing in it can move the cursor, colour the screen or turn its direction.

use std::borrow::Cow;

use chrono::DateTime;
use chrono_tz::Tz;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Replaces every character that would act on a terminal instead of being seen: control characters, ANSI escapes'
/// introducers, bidirectional marks, line and paragraph separators. Tabs and line breaks become `\t` and `\n` in words.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if acts(character) { escape(&mut shown, character) } else { shown.push(character) }
    }
    Cow::Owned(shown)
}

/// Appends a character in words.
pub(super) fn escape(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        other => shown.push_str(&format!("\\u{{{:x}}}", u32::from(other))),
    }
}

pub(super) fn acts(character: char) -> bool {
    // Bidirectional controls: Unicode Standard Annex 9, section 2.
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text in which instants, as messages have them, are times of a zone, as tables show them. What stands in quotes is
/// somebody's word and left alone.
pub fn local_times(text: &str, zone: Tz) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, 'T' | 'Z' | ':' | '.' | '-');
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        shown.push_str(before);
        let run = from.find(|c| !is_part(c)).unwrap_or(from.len());
        let end = from[..run].rfind('Z').map_or(run, |last| last + 1);
        let (word, after) = from.split_at(end);
        let quoted = shown.ends_with(|c: char| c == '"' || c.is_alphanumeric());
        match DateTime::parse_from_rfc3339(word) {
            Ok(at) if !quoted && word.ends_with('Z') => {
                shown.push_str(&at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string());
            }
            _ => shown.push_str(word),
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// Columns that a text takes on a terminal.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Text made [`visible`], of which no more than so many columns are seen: what is cut off is told by `…`. Looks at the
/// beginning only, so that a text of any length costs the same.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    let (start, whole) = beginning(text, columns);
    let shown = visible(start);
    if whole && width(&shown) <= columns {
        return shown;
    }
    let mut kept = fitting(&shown, columns.saturating_sub(1)).to_owned();
    kept.push('…');
    kept.into()
}

/// Text made [`visible`], in lines of so many columns; no more than `most` lines of it, the last of which then ends in `…`.
pub fn wrapped(text: &str, columns: usize, most: usize) -> Vec<String> {
    let columns = columns.max(2);
    let shown = cut(text, columns.saturating_mul(most));
    let mut rest = shown.as_ref();
    let mut lines = Vec::new();
    while lines.len() + 1 < most && width(rest) > columns {
        let line = fitting(rest, columns);
        rest = &rest[line.len()..];
        lines.push(line.to_owned());
    }
    lines.push(cut(rest, columns).into_owned());
    lines
}

/// As much of a text as so many columns can need, and whether that is all of it. Marks that take no column of their own
/// are let pass in number, but not without end.
fn beginning(text: &str, columns: usize) -> (&str, bool) {
    let most = columns.saturating_add(1).saturating_mul(4);
    text.char_indices().nth(most).map_or((text, true), |(end, _)| (&text[..end], false))
}

/// The longest beginning that takes no more than so many columns.
fn fitting(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        // The mark that makes an emoji of the character before it can widen that by one.
        used += if *character == '\u{fe0f}' { 1 } else { character.width().unwrap_or(0) };
        used > columns
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// `text` padded on the right to `columns` on a terminal.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// A number with thin groups of three, for people: `1,234,567`.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        shown.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A text of at most `most` characters, and how many more there are.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{} … and {} characters more", &text[..end], text[end..].chars().count())),
    }
}

/// `1 flight`, `2 flights`: the plural is `one` with an s unless it is given.
pub fn count(number: u64, one: &str) -> String {
    let shown = grouped(i64::try_from(number).unwrap_or(i64::MAX));
    if number == 1 { format!("{shown} {one}") } else { format!("{shown} {}", plural(one)) }
}

/// The plural of a noun.
pub fn plural(one: &str) -> String {
    match one.strip_suffix('y') {
        Some(stem) if !one.ends_with("ay") && !one.ends_with("ey") => format!("{stem}ies"),
        _ => format!("{one}s"),
    }
}

/// A number of bytes in the largest unit that leaves a number: `84.7 MB`, thousands as file systems are sold.
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} bytes") } else { format!("{value:.1} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_reaches_the_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\nd\0"), "a\\u{1b}[2Jb\\u{202e}c\\nd\\u{0}");
        assert!(matches!(visible("대한항공 ✈"), Cow::Borrowed(_)));
    }

    #[test]
    fn instants_in_messages_are_told_as_tables_tell_them() {
        let zone = Tz::Europe__Paris;
        for (message, shown) in [
            ("it has ended at 2026-11-26T08:39:36.304792Z", "it has ended at 2026-11-26 09:39:36"),
            ("from 2026-07-01T00:00:00Z: 2 of 3", "from 2026-07-01 02:00:00: 2 of 3"),
            ("at \"2026-07-01T00:00:00Z\"", "at \"2026-07-01T00:00:00Z\""),
            ("2026-07-01T00:00:00+02:00 or 1.5 s", "2026-07-01T00:00:00+02:00 or 1.5 s"),
            ("pilot12 has 640, on 2026-07-01", "pilot12 has 640, on 2026-07-01"),
        ] {
            assert_eq!(local_times(message, zone), shown);
        }
    }

    #[test]
    fn a_text_of_any_length_is_cut_to_the_columns_there_are() {
        assert_eq!(cut("pilot", 5), "pilot");
        assert_eq!(cut("pilots", 5), "pilo…");
        assert_eq!(cut("대한항공", 5), "대한…");
        assert_eq!(cut("a\n", 3), "a\\n");
        let marks = format!("a{}", "\u{301}".repeat(1 << 20));
        assert!(cut(&marks, 10).len() < 200);
        for text in ["x".repeat(1 << 20), "❤\u{fe0f}".repeat(100), "👨\u{200d}👩\u{200d}👧".repeat(100)] {
            assert!(width(&cut(&text, 40)) <= 40, "{}", cut(&text, 40));
            let lines = wrapped(&text, 20, 3);
            assert!(lines.len() <= 3 && lines.iter().all(|line| width(line) <= 20), "{lines:?}");
        }
        assert_eq!(wrapped("abcdefg", 3, 8), ["abc", "def", "g"]);
        assert_eq!(wrapped("", 3, 8), [""]);
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, shown) in [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")] {
            assert_eq!(grouped(number), shown);
        }
        assert_eq!(
            (count(1, "entry"), count(2, "entry"), count(2, "day")),
            ("1 entry".into(), "2 entries".into(), "2 days".into())
        );
    }
}
