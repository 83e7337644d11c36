//! Text from outside made safe to show: nothing in it can move the cursor, colour the screen or turn its direction.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

/// Replaces every character that would act on a terminal instead of being seen: control characters, ANSI escapes'
/// introducers, bidirectional marks, line and paragraph separators. Tabs and line breaks become `\t` and `\n` in words.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            other if acts(other) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(other))),
            other => shown.push(other),
        }
    }
    Cow::Owned(shown)
}

fn acts(character: char) -> bool {
    // Bidirectional controls: Unicode Standard Annex 9, section 2.
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Columns that a text takes on a terminal.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
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

/// `1 flight`, `2 flights`: the plural is `one` with an s unless it is given.
pub fn count(number: u64, one: &str) -> String {
    let shown = grouped(i64::try_from(number).unwrap_or(i64::MAX));
    if number == 1 { format!("{shown} {one}") } else { format!("{shown} {}", plural(one)) }
}

fn plural(one: &str) -> String {
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
