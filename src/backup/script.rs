//! A dump as a script of SQL, read line by line with its literals: what looks like a statement inside a text is none.
//!
//! Quoted texts and names, dollar quotes, comments, and the rows behind `COPY … FROM stdin` are kept apart as psql keeps
//! them (PostgreSQL manual, "Lexical Structure"), so that a line is known to begin a statement or not.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// What PowerShell, and editors on Windows, put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line, with its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// It begins outside any statement.
    Sql(&'a [u8]),
    /// It begins within a statement, a text or a comment.
    Within(&'a [u8]),
    /// It ends a statement that rows follow.
    Copy(&'a [u8]),
    /// A row, or the mark behind the last one.
    Row(&'a [u8]),
}

/// The lines of a script.
#[derive(Debug)]
pub(super) struct Lines<R> {
    from: R,
    line: Vec<u8>,
    first: bool,
    scanner: Scanner,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// The lines of `from`.
    pub(super) fn new(from: R) -> Self {
        Self { from, line: Vec::new(), first: true, scanner: Scanner::default() }
    }

    /// The next line.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        if self.from.read_until(b'\n', &mut self.line).await? == 0 {
            return Ok(None);
        }
        if std::mem::take(&mut self.first) && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.drain(..BYTE_ORDER_MARK.len());
        }
        let line = self.line.as_slice();
        if self.scanner.state == State::Rows {
            if matches!(line, b"\\.\n" | b"\\.\r\n" | b"\\.") {
                self.scanner.state = State::Outside;
            }
            return Ok(Some(Line::Row(line)));
        }
        let begins = self.scanner.state == State::Outside && !self.scanner.in_statement;
        self.scanner.scan(line);
        Ok(Some(match self.scanner.state {
            State::Rows => Line::Copy(line),
            _ if begins => Line::Sql(line),
            _ => Line::Within(line),
        }))
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
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
    /// The rows behind COPY.
    Rows,
}

#[derive(Debug, Default)]
struct Scanner {
    state: State,
    in_statement: bool,
    /// The words of the statement that tell whether rows follow: its first one, and whether FROM STDIN came.
    words: Words,
    /// `standard_conforming_strings = off`, as very old dumps have it.
    backslashes: bool,
}

#[derive(Debug, Default)]
struct Words {
    copies: bool,
    count: usize,
    after_from: bool,
    from_stdin: bool,
    /// `SET standard_conforming_strings`: the value decides.
    sets_strings: bool,
    turns_off: bool,
    turns_on: bool,
}

impl Words {
    fn add(&mut self, word: &[u8]) {
        let is = |wanted: &[u8]| word.eq_ignore_ascii_case(wanted);
        match self.count {
            0 => self.copies = is(b"COPY"),
            1 => self.sets_strings = is(b"standard_conforming_strings"),
            _ => {}
        }
        self.from_stdin |= self.after_from && is(b"STDIN");
        self.after_from = is(b"FROM");
        self.turns_off |= is(b"off");
        self.turns_on |= is(b"on");
        self.count += 1;
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

impl Scanner {
    fn scan(&mut self, line: &[u8]) {
        let mut at = 0;
        let mut rows_follow = false;
        while at < line.len() {
            let rest = &line[at..];
            at += match &mut self.state {
                State::Outside => match self.outside(rest) {
                    Some((used, ends_in_rows)) => {
                        rows_follow |= ends_in_rows;
                        used
                    }
                    None => rest.len(),
                },
                State::Text { escapes } => match rest[0] {
                    b'\\' if *escapes => 2,
                    b'\'' if rest.get(1) == Some(&b'\'') => 2,
                    b'\'' => {
                        self.state = State::Outside;
                        1
                    }
                    _ => 1,
                },
                State::Name => {
                    if rest[0] == b'"' {
                        self.state = State::Outside;
                    }
                    1
                }
                State::Dollar(tag) if rest.starts_with(tag) => {
                    let used = tag.len();
                    self.state = State::Outside;
                    used
                }
                State::Dollar(_) => 1,
                State::Comment(depth) if rest.starts_with(b"*/") => {
                    *depth -= 1;
                    if *depth == 0 {
                        self.state = State::Outside;
                    }
                    2
                }
                State::Comment(depth) if rest.starts_with(b"/*") => {
                    *depth += 1;
                    2
                }
                State::Comment(_) => 1,
                State::Rows => return,
            };
        }
        if rows_follow && self.state == State::Outside {
            self.state = State::Rows;
        }
    }

    /// One token outside of literals: how long it is, and whether it ends a statement that rows follow; `None` where the
    /// rest of the line is a comment or a command of psql.
    fn outside(&mut self, rest: &[u8]) -> Option<(usize, bool)> {
        let token = match rest[0] {
            b'-' if rest.starts_with(b"--") => return None,
            b'/' if rest.starts_with(b"/*") => {
                self.state = State::Comment(1);
                return Some((2, false));
            }
            b'\\' => return None,
            byte if byte.is_ascii_whitespace() => return Some((1, false)),
            b';' => {
                let words = std::mem::take(&mut self.words);
                self.in_statement = false;
                if words.sets_strings {
                    self.backslashes = words.turns_off && !words.turns_on;
                }
                return Some((1, words.copies && words.from_stdin));
            }
            b'\'' => {
                self.state = State::Text { escapes: self.backslashes };
                1
            }
            b'"' => {
                self.state = State::Name;
                1
            }
            b'$' => match dollar_quote(rest) {
                Some(tag) => {
                    self.state = State::Dollar(tag.to_vec());
                    tag.len()
                }
                None => 1,
            },
            byte if is_word(byte) => {
                let length = rest.iter().position(|&byte| !is_word(byte)).unwrap_or(rest.len());
                let word = &rest[..length];
                self.words.add(word);
                if word.eq_ignore_ascii_case(b"E") && rest.get(1) == Some(&b'\'') {
                    self.state = State::Text { escapes: true };
                    2
                } else {
                    length
                }
            }
            _ => 1,
        };
        self.in_statement = true;
        Some((token, false))
    }
}

/// `$tag$` at the beginning of `rest`.
fn dollar_quote(rest: &[u8]) -> Option<&[u8]> {
    let end = rest[1..].iter().position(|&byte| byte == b'$')? + 1;
    let tag = &rest[1..end];
    let plain = tag.iter().all(|&byte| byte != b'$' && is_word(byte)) && !tag.first().is_some_and(u8::is_ascii_digit);
    plain.then_some(&rest[..=end])
}

/// What a restore does with a statement of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It runs.
    Runs,
    /// It is left out: it is about the roles, the database or the session of where the dump was made.
    LeftOut,
}

/// What a restore leaves out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    /// Whether grants run. They name roles that another server may not have.
    pub privileges: bool,
    /// The server's version, as `server_version_num`: what later ones' `pg_dump` writes and this one does not know is left
    /// out, as far as it says nothing of the rows.
    pub server: u32,
}

impl Filter {
    /// What becomes of a line that begins a statement, and of those that follow until it ends.
    pub(super) fn fate(self, line: &[u8]) -> Fate {
        let begins = |words: &[&str]| words.iter().any(|word| line.starts_with(word.as_bytes()));
        let ends = line.trim_ascii_end();
        let is_owner = begins(&["ALTER "]) && ends.ends_with(b";") && contains(ends, b" OWNER TO ");
        let of_database = begins(&["GRANT ", "REVOKE ", "COMMENT ON DATABASE ", "SECURITY LABEL "])
            && contains(ends, b" ON DATABASE ");
        let left_out = is_owner
            || of_database
            || begins(&["\\restrict ", "\\unrestrict ", "\\connect ", "CREATE DATABASE ", "ALTER DATABASE "])
            || begins(&["DROP DATABASE ", "COMMENT ON DATABASE ", "SET SESSION AUTHORIZATION "])
            || (!self.privileges && begins(&["GRANT ", "REVOKE ", "ALTER DEFAULT PRIVILEGES "]))
            || (self.server < 170_000 && begins(&["SET transaction_timeout "]))
            // The planner's statistics, which the restore gathers anew.
            || (self.server < 180_000
                && begins(&[
                    "SELECT * FROM pg_catalog.pg_restore_relation_stats(",
                    "SELECT * FROM pg_catalog.pg_restore_attribute_stats(",
                ]));
        if left_out { Fate::LeftOut } else { Fate::Runs }
    }
}

pub(super) fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line's kind by a letter: `S` begins a statement, `w` is within one, `C` ends in COPY, `r` is a row.
    async fn kinds(script: &str) -> String {
        let mut lines = Lines::new(script.as_bytes());
        let mut kinds = String::new();
        while let Some(line) = lines.next().await.unwrap() {
            kinds.push(match line {
                Line::Sql(_) => 'S',
                Line::Within(_) => 'w',
                Line::Copy(_) => 'C',
                Line::Row(_) => 'r',
            });
        }
        kinds
    }

    #[tokio::test]
    async fn what_looks_like_a_statement_inside_a_literal_is_none() {
        for (script, wanted) in [
            ("SELECT 1;\nSELECT 2;\n", "SS"),
            ("INSERT INTO t VALUES ('a\n\\restrict x\nBEGIN;\n');\nCOMMIT;\n", "SwwwS"),
            ("INSERT INTO t VALUES ('it''s\nBEGIN;\n');\nSELECT 1;\n", "SwwS"),
            ("SELECT E'\\'\nBEGIN;\n';\nSELECT 1;\n", "SwwS"),
            ("SELECT '\\';\nBEGIN;\n", "SS"),
            ("SET standard_conforming_strings = off;\nSELECT '\\'\nBEGIN;';\nSELECT 1;\n", "SSwS"),
            ("CREATE FUNCTION f() AS $_$\nBEGIN;\n$$ x $$\n$_$;\nSELECT 1;\n", "SwwwS"),
            ("/* a /* b */\nBEGIN;\n*/ SELECT 1;\nSELECT 2;\n", "SwwS"),
            ("-- it's a comment\nSELECT 1;\n", "SS"),
            ("SELECT \"a'\nBEGIN;\n\";\nSELECT 1;\n", "SwwS"),
            ("COPY t (a) FROM stdin;\n'\nBEGIN;\n\\.\nSELECT 1;\n", "CrrrS"),
            ("COPY t (\"FROM stdin\")\nFROM STDIN;\n1\n\\.\nSELECT 1;\n", "SCrrS"),
            ("COPY t TO stdout;\nSELECT 1;\n", "SS"),
            ("SELECT 'COPY t FROM stdin;';\nSELECT 1;\n", "SS"),
            ("SELECT a$1, $1;\nSELECT 1;\n", "SS"),
            ("\u{feff}SELECT 1;\r\nCOPY t FROM stdin;\r\nx\r\n\\.\r\nSELECT 1;\r\n", "SCrrS"),
        ] {
            assert_eq!(kinds(script).await, wanted, "{script}");
        }
    }

    #[test]
    fn what_is_about_another_server_is_left_out() {
        let elsewhere = Filter { privileges: false, server: 150_000 };
        let here = Filter { privileges: true, server: 180_000 };
        for (line, wanted) in [
            ("ALTER TABLE public.users OWNER TO ops;\n", (Fate::LeftOut, Fate::LeftOut)),
            ("ALTER TABLE ONLY public.users\n", (Fate::Runs, Fate::Runs)),
            ("GRANT SELECT ON TABLE public.users TO web;\n", (Fate::LeftOut, Fate::Runs)),
            ("SET transaction_timeout = 0;\n", (Fate::LeftOut, Fate::Runs)),
            ("SELECT * FROM pg_catalog.pg_restore_relation_stats(\n", (Fate::LeftOut, Fate::Runs)),
            ("\\connect skyteam\n", (Fate::LeftOut, Fate::LeftOut)),
            ("GRANT CONNECT ON DATABASE skyteam TO web;\n", (Fate::LeftOut, Fate::LeftOut)),
            ("CREATE TABLE public.users (\n", (Fate::Runs, Fate::Runs)),
        ] {
            assert_eq!((elsewhere.fate(line.as_bytes()), here.fate(line.as_bytes())), wanted, "{line}");
        }
    }
}
