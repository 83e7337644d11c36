//! Where a script's texts, names and comments begin and end, as psql decides it (`psqlscan.l`).
//!
//! psql reads line by line. What a backslash in a text means, and in some encodings where a character ends, is a setting of
//! the session that a script may change on its way: a [`Scanner`] reads in one way, which [`Reading`] names.

use std::borrow::Cow;

/// How psql reads texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// `standard_conforming_strings = off`: a backslash escapes in every text.
    pub backslashes: bool,
    /// The client's encoding.
    pub encoding: Encoding,
}

/// Encodings, by how psql finds the end of a character in them. In all but [`Encoding::Safe`] the second byte of one may be
/// that of a quotation mark or a backslash, and is neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Bytes below 128 are always ASCII: UTF-8, ISO 8859, EUC, …
    #[default]
    Safe,
    /// Shift JIS
    Sjis,
    /// Johab
    Johab,
    /// GB 18030
    Gb18030,
    /// Big5, GBK, UHC
    TwoBytes,
}

impl Encoding {
    pub(super) const ALL: [Self; 5] = [Self::Safe, Self::Sjis, Self::Johab, Self::Gb18030, Self::TwoBytes];

    /// The encoding of this name, in any of PostgreSQL's spellings.
    pub(super) fn named(name: &[u8]) -> Self {
        let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
        match letters.collect::<Vec<u8>>().as_slice() {
            b"sjis" | b"shiftjis" | b"mskanji" | b"win932" | b"windows932" | b"shiftjis2004" => Self::Sjis,
            b"johab" => Self::Johab,
            b"gb18030" => Self::Gb18030,
            b"big5" | b"win950" | b"windows950" | b"gbk" | b"win936" | b"windows936" | b"uhc" | b"win949"
            | b"windows949" => Self::TwoBytes,
            _ => Self::Safe,
        }
    }

    /// Bytes of the character at the beginning, which is none of ASCII.
    fn length(self, text: &[u8]) -> usize {
        match (self, text[0]) {
            (Self::Safe, _) | (Self::Sjis, 0xa1..=0xdf) => 1,
            (Self::Johab, 0x8f) => 3,
            (Self::Gb18030, _) if text.get(1).is_some_and(u8::is_ascii_digit) => 4,
            _ => 2,
        }
    }

    /// The line with every byte within a character made unlike ASCII.
    fn mask(self, line: &[u8]) -> Cow<'_, [u8]> {
        if self == Self::Safe || line.is_ascii() {
            return line.into();
        }
        let end = line.strip_suffix(b"\n").unwrap_or(line).len();
        let mut masked = line.to_vec();
        let mut at = 0;
        while at < end {
            let length = if line[at].is_ascii() { 1 } else { self.length(&line[at..end]) };
            masked[(at + 1).min(end)..(at + length).min(end)].fill(0xff);
            at += length;
        }
        masked.into()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    /// `'…'`; whether a backslash escapes in it.
    Text { escapes: bool },
    /// `"…"`
    Name,
    /// `$tag$…$tag$`, with both dollars.
    Dollar(Vec<u8>),
    /// `/* … */`, which nest.
    Comment(usize),
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A row, or the mark behind the last one.
    Row,
    /// It has a command of psql, which begins there.
    Command(usize),
    /// Rows follow.
    Copy,
    /// Part of a statement.
    Statement,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scanner {
    pub(super) reading: Reading,
    state: State,
    in_statement: bool,
    words: Words,
    /// Parentheses that are open; a semicolon in them ends nothing.
    depth: usize,
    /// Whether the next lines are rows.
    in_rows: bool,
    /// A text has ended, and nothing but blanks has come since: whether a backslash escaped in it, and whether a carriage
    /// return is among the blanks. Behind one the next text goes on with the former.
    ended: Option<(bool, bool)>,
}

/// The words of a statement that decide what follows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Words {
    first: Vec<u8>,
    count: usize,
    /// How many times FROM came outside of parentheses.
    froms: usize,
    after_from: bool,
    from_stdin: bool,
    names: bool,
    /// First letters of CREATE OR REPLACE FUNCTION or PROCEDURE: its body may be BEGIN … END, with semicolons.
    creates: [u8; 4],
    blocks: usize,
}

impl Words {
    fn add(&mut self, word: &[u8], depth: usize) {
        let is = |wanted: &[u8]| word.eq_ignore_ascii_case(wanted);
        if self.count == 0 {
            self.first = word[..word.len().min(16)].to_ascii_uppercase();
        }
        let listed: [&[u8]; 5] = [b"CREATE", b"OR", b"REPLACE", b"FUNCTION", b"PROCEDURE"];
        if let Some(place) = self.creates.get_mut(self.count)
            && listed.iter().any(|listed| is(listed))
        {
            *place = word[0].to_ascii_uppercase();
        }
        if depth == 0 {
            // Only the first one says where from: `COPY t FROM 'file' WHERE a IS DISTINCT FROM stdin`.
            self.from_stdin |= self.after_from && is(b"STDIN");
            self.froms += usize::from(is(b"FROM"));
            self.after_from = is(b"FROM") && self.froms == 1;
            if self.make_function() {
                if is(b"BEGIN") || (is(b"CASE") && self.blocks > 0) {
                    self.blocks += 1;
                } else if is(b"END") {
                    self.blocks = self.blocks.saturating_sub(1);
                }
            }
        }
        self.names |= is(b"NAMES");
        self.count += 1;
    }

    fn make_function(&self) -> bool {
        matches!(self.creates, [b'C', b'F' | b'P', ..] | [b'C', b'O', b'R', b'F' | b'P'])
    }

    fn copies(&self) -> bool {
        self.first == b"COPY" && self.from_stdin
    }

    /// Whether it may set back how texts are read, without a name of what it sets.
    fn resets(&self) -> bool {
        let first = self.first.as_slice();
        matches!(first, b"RESET" | b"DISCARD" | b"ROLLBACK" | b"ABORT") || (first == b"SET" && self.names)
    }
}

/// What may begin an identifier.
fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_word(byte: u8) -> bool {
    begins_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn length_of(text: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|&byte| !is_part(byte)).unwrap_or(text.len())
}

impl Scanner {
    /// Whether the next line begins a statement.
    pub(super) fn begins(&self) -> bool {
        !self.in_rows && self.state == State::Outside && !self.in_statement
    }

    /// Whether it is in the body of a function that is made, which does not run yet.
    pub(super) fn in_body(&self) -> bool {
        self.words.make_function() && matches!(self.state, State::Dollar(_))
    }

    /// Reads a line, and answers whether a statement that ends in it may set back how texts are read.
    pub(super) fn line(&mut self, line: &[u8]) -> (Seen, bool) {
        if self.in_rows {
            self.in_rows = !matches!(line, b"\\.\n" | b"\\.\r\n" | b"\\.");
            return (Seen::Row, false);
        }
        let line = self.reading.encoding.mask(line);
        let (mut at, mut resets) = (0, false);
        while at < line.len() {
            let rest = &line[at..];
            at += match self.state {
                State::Outside if rest[0] == b'\\' => return (Seen::Command(at), resets),
                State::Outside if rest[0] == b';' => {
                    let words = self.end();
                    resets |= words.resets();
                    // Whose rows would come first, psql decides.
                    if words.copies() && std::mem::replace(&mut self.in_rows, true) {
                        return (Seen::Command(at), resets);
                    }
                    1
                }
                State::Outside => match self.outside(rest) {
                    Some(used) => used,
                    None => return (Seen::Command(at), resets),
                },
                _ => self.inside(rest),
            };
        }
        (if self.in_rows { Seen::Copy } else { Seen::Statement }, resets)
    }

    /// Ends the statement, unless the semicolon is within it.
    fn end(&mut self) -> Words {
        self.ended = None;
        if self.depth > 0 || self.words.blocks > 0 {
            return Words::default();
        }
        self.in_statement = false;
        std::mem::take(&mut self.words)
    }

    /// Bytes of what is next in a literal or a comment.
    fn inside(&mut self, rest: &[u8]) -> usize {
        let (used, over) = match &mut self.state {
            State::Outside => (0, false),
            State::Text { escapes: true } if rest[0] == b'\\' => (2, false),
            State::Text { .. } if rest.starts_with(b"''") => (2, false),
            State::Text { escapes } => {
                if rest[0] == b'\'' {
                    self.ended = Some((*escapes, false));
                }
                (1, rest[0] == b'\'')
            }
            State::Name => (1, rest[0] == b'"'),
            State::Dollar(tag) if rest.starts_with(tag) => (tag.len(), true),
            State::Dollar(_) => (1, false),
            State::Comment(depth) if rest.starts_with(b"*/") => {
                *depth -= 1;
                (2, *depth == 0)
            }
            State::Comment(depth) => {
                let deeper = rest.starts_with(b"/*");
                *depth += usize::from(deeper);
                (1 + usize::from(deeper), false)
            }
        };
        if over {
            self.state = State::Outside;
        }
        used
    }

    /// Bytes of one token outside of literals; `None` for one that versions of psql read differently.
    fn outside(&mut self, rest: &[u8]) -> Option<usize> {
        let is_return = |byte: &u8| matches!(byte, b'\r' | b'\n');
        match rest[0] {
            // A carriage return ends it, too.
            b'-' if rest.starts_with(b"--") => return Some(length_of(rest, |byte| !is_return(&byte))),
            b'/' if rest.starts_with(b"/*") => {
                self.state = State::Comment(1);
                return Some(2);
            }
            // A vertical tab is a blank to PostgreSQL from version 16 on.
            byte if byte.is_ascii_whitespace() || byte == 0x0b => {
                if let (b'\r', Some((_, returned))) = (byte, &mut self.ended) {
                    *returned = true;
                }
                return Some(1);
            }
            _ => {}
        }
        let ended = self.ended.take();
        self.in_statement = true;
        let quoted = |prefix: &[u8]| {
            rest.len() > prefix.len()
                && rest[..prefix.len()].eq_ignore_ascii_case(prefix)
                && rest[prefix.len()] == b'\''
        };
        let mut text = |escapes, used| {
            self.state = State::Text { escapes };
            Some(used)
        };
        if quoted(b"") {
            return match ended {
                Some((escapes, true)) => text(escapes, 1),
                _ => text(self.reading.backslashes, 1),
            };
        } else if quoted(b"E") {
            return text(true, 2);
        } else if quoted(b"B") || quoted(b"X") {
            return text(false, 2);
        } else if quoted(b"U&") {
            return text(false, 3);
        }
        Some(match rest[0] {
            b'"' => {
                self.state = State::Name;
                1
            }
            b'(' => {
                self.depth += 1;
                1
            }
            b')' => {
                self.depth = self.depth.saturating_sub(1);
                1
            }
            b':' => variable(rest),
            b'$' => match dollar_quote(rest) {
                Some(tag) => {
                    self.state = State::Dollar(tag.to_vec());
                    tag.len()
                }
                None if rest.get(1).is_some_and(u8::is_ascii_digit) => return number(rest, 1),
                None => 1,
            },
            byte if byte.is_ascii_digit() => return number(rest, 0),
            byte if begins_word(byte) => {
                let length = length_of(rest, is_word);
                self.words.add(&rest[..length], self.depth);
                length
            }
            _ => 1,
        })
    }
}

/// Bytes of a number or a parameter, whose digits begin there. What letters behind it are is not the same in every version of
/// psql: `1E'` may begin a text with escapes; `None` there.
fn number(rest: &[u8], begin: usize) -> Option<usize> {
    let end = begin + length_of(&rest[begin..], |byte| byte.is_ascii_digit());
    let letters = &rest[end..end + length_of(&rest[end..], is_word)];
    let next = rest.get(end + letters.len());
    let is_digit = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'_' | b'x' | b'X' | b'o' | b'O');
    let odd = !letters.is_empty() && matches!(next, Some(b'\'' | b'"' | b'&'));
    if odd || !letters.iter().all(is_digit) { None } else { Some(end + letters.len()) }
}

/// Bytes of what a colon begins. psql puts the value of a variable there, if it has one of that name.
fn variable(rest: &[u8]) -> usize {
    let is_name = |byte: u8| begins_word(byte) || byte.is_ascii_digit();
    match rest.get(1) {
        Some(b':' | b'=') => 2,
        Some(&mark @ (b'\'' | b'"')) => {
            let length = length_of(&rest[2..], is_name);
            if length > 0 && rest.get(2 + length) == Some(&mark) { length + 3 } else { 1 }
        }
        _ => 1 + length_of(&rest[1..], is_name),
    }
}

/// `$tag$` at the beginning of `rest`.
fn dollar_quote(rest: &[u8]) -> Option<&[u8]> {
    let end = rest[1..].iter().position(|&byte| byte == b'$')? + 1;
    let tag = &rest[1..end];
    let plain = tag.iter().all(|&byte| byte != b'$' && is_word(byte)) && !tag.first().is_some_and(u8::is_ascii_digit);
    plain.then_some(&rest[..=end])
}
