//! Text from outside made safe to show: nothing in it can move the cursor, colour the screen or turn its direction.

use std::borrow::Cow;

/// Replaces every character that would act on a terminal instead of being seen: control characters, ANSI escapes'
/// introducers, bidirectional marks, line and paragraph separators. Tabs and line breaks become `\t` and `\n` in words.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
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
pub(crate) fn escape(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        other => shown.push_str(&format!("\\u{{{:x}}}", u32::from(other))),
    }
}

/// Whether a terminal acts on a character instead of showing it.
pub(crate) fn acts(character: char) -> bool {
    // Bidirectional controls: Unicode Standard Annex 9, section 2.
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_reaches_the_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\nd\0"), "a\\u{1b}[2Jb\\u{202e}c\\nd\\u{0}");
        assert!(matches!(visible("대한항공 ✈"), Cow::Borrowed(_)));
    }
}
