//! Texts fitted to the columns of a terminal, and counts and sizes in words.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(crate) use crate::message::{count, count_signed, grouped, plural, visible};

/// Columns that a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Text made [`visible`], of which no more than so many columns are seen: what is cut off is marked by `…`. Looks at the
/// beginning only, so that a text of any length costs the same.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
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
pub(crate) fn wrapped(text: &str, columns: usize, most: usize) -> Vec<String> {
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
pub(crate) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// A text of at most `most` characters, and how many more there are.
pub(crate) fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!(
            "{} … and {} more",
            &text[..end],
            count(text[end..].chars().count() as u64, "character")
        )),
    }
}

/// A number of bytes in the largest unit that leaves a number: `84.7 MB`, thousands as file systems are sold.
pub(crate) fn bytes(count: u64) -> String {
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
}
