//! A stream of JSON or CSV that ends on a terminal: what would act there is escaped on its way.

use std::io::{self, Write};

use super::format::Format;
use crate::message::{acts, escape};

/// Lets bytes through, and on a terminal everything that a terminal acts on as an escape.
pub(super) struct Tame<'a> {
    out: &'a mut dyn Write,
    escapes: Option<Escapes>,
    /// The beginning of a character whose end has not come yet.
    held: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escapes {
    /// `\u009b`: the same text to whatever reads it.
    Json,
    /// `\u{9b}`, as in tables.
    Plain,
}

impl<'a> Tame<'a> {
    /// What is written goes on to `out`.
    pub(super) fn new(out: &'a mut dyn Write, terminal: bool, format: Format) -> Self {
        let escapes = match format {
            Format::Json | Format::Ndjson => Some(Escapes::Json),
            Format::Csv => Some(Escapes::Plain),
            // Already made visible, cell by cell, and coloured.
            _ => None,
        };
        Self { out, escapes: escapes.filter(|_| terminal), held: Vec::new() }
    }
}

impl Write for Tame<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(escapes) = self.escapes else { return self.out.write(bytes) };
        self.held.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.held) {
            Ok(_) => self.held.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        };
        let rest = self.held.split_off(whole);
        let text = String::from_utf8_lossy(&self.held);
        let mut safe = String::with_capacity(text.len());
        for character in text.chars() {
            match (character, escapes) {
                ('\n', _) => safe.push('\n'),
                (hostile, Escapes::Json) if acts(hostile) => {
                    let mut units = [0; 2];
                    for unit in hostile.encode_utf16(&mut units) {
                        safe.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                (hostile, Escapes::Plain) if acts(hostile) => escape(&mut safe, hostile),
                (seen, _) => safe.push(seen),
            }
        }
        self.out.write_all(safe.as_bytes())?;
        self.held = rest;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(terminal: bool, format: Format, text: &str) -> String {
        let mut out = Vec::new();
        let mut tame = Tame::new(&mut out, terminal, format);
        // In the smallest pieces: a character may come in two writes.
        text.as_bytes().iter().for_each(|byte| tame.write_all(&[*byte]).unwrap());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_on_a_terminal_says_the_same_and_does_nothing() {
        let text = serde_json::to_string(&["\u{9b}2J\u{7f}\u{202e}대\u{1b}"]).unwrap();
        let shown = through(true, Format::Json, &text);
        assert_eq!(shown, r#"["\u009b2J\u007f\u202e대\u001b"]"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap()[0], "\u{9b}2J\u{7f}\u{202e}대\u{1b}");
        assert_eq!(through(false, Format::Json, &text), text);
    }

    #[test]
    fn csv_on_a_terminal_cannot_clear_it() {
        assert_eq!(through(true, Format::Csv, "a,\u{1b}[2J\u{9b}\n"), "a,\\u{1b}[2J\\u{9b}\n");
        assert_eq!(through(false, Format::Csv, "\u{1b}"), "\u{1b}");
    }
}
