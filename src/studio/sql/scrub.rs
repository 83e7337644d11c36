//! Keeps tokens out of every text of an answer. Where the origin of a value is known it is never read; but an expression, a
//! row as JSON or an error can repeat one, so all texts are searched for those that the database has.
//!
//! What takes a token apart (`substr`, `reverse`, a hash) gets past this; on PostgreSQL such a statement is the reader's own
//! right, and on SQLite the column reads as NULL.

use aho_corasick::{AhoCorasick, BuildError};

/// What is shown instead of a secret.
pub(super) const MASK: &str = "••••";

/// The most bytes of a text in which something is searched; a longer one is cut there first.
const MOST: usize = 16 << 20;

/// Texts shorter than this are found everywhere.
const SHORTEST: usize = 6;

/// What is searched for.
#[derive(Debug)]
pub(in crate::studio) struct Scrub(Option<AhoCorasick>);

impl Scrub {
    /// Searches for these secrets, in either case, as hexadecimal digits too.
    ///
    /// # Errors
    /// [`BuildError`]: they are too many.
    pub(super) fn new(secrets: &[String]) -> Result<Self, BuildError> {
        let long = secrets.iter().filter(|secret| secret.len() >= SHORTEST);
        let patterns: Vec<String> = long
            .flat_map(|secret| {
                let hexadecimal = secret.bytes().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
                [secret.clone(), hexadecimal]
            })
            .collect();
        if patterns.is_empty() {
            return Ok(Self(None));
        }
        Ok(Self(Some(AhoCorasick::builder().ascii_case_insensitive(true).build(patterns)?)))
    }

    /// The text without them.
    pub(in crate::studio) fn text(&self, mut text: String) -> String {
        if text.len() > MOST {
            let end = (0..=MOST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
        }
        let Some(search) = &self.0 else { return text };
        if !search.is_match(&text) {
            return text;
        }
        let mut clean = String::with_capacity(text.len());
        search.replace_all_with(&text, &mut clean, |_, _, clean| {
            clean.push_str(MASK);
            true
        });
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_any_text() {
        let scrub = Scrub::new(&["tz4a98xxat96".to_owned(), "x".to_owned()]).unwrap();
        assert_eq!(scrub.text("\"tz4a98xxat96\" of x".to_owned()), "\"••••\" of x");
        assert_eq!(scrub.text("TZ4A98XXAT96tz4a98xxat96".to_owned()), "••••••••");
        assert_eq!(scrub.text("\\x747A34613938787861743936".to_owned()), "\\x••••");
        assert_eq!(Scrub::new(&[]).unwrap().text("as it is".to_owned()), "as it is");
    }
}
