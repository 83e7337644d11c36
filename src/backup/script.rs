//! A dump as a script of SQL, read line by line with its literals: what looks like a statement inside a text is none.
//!
//! Quoted texts and names, dollar quotes, comments, and the rows behind `COPY … FROM stdin` are kept apart as psql keeps
//! them ([`scanner`]), so that a line is known to begin a statement or not. Where the script itself changes how psql reads,
//! otherwise than `pg_dump` does at the head of a dump, every way is followed, and a command in any of them counts.

mod readings;
mod scanner;

use std::io;

use readings::Readings;
use scanner::Seen;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use super::error::{BackupError, Result};

/// What PowerShell, and editors on Windows, put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line, with its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// It begins outside any statement.
    Sql(&'a [u8]),
    /// It begins within a statement, a text or a comment.
    Within(&'a [u8]),
    /// It ends a statement that rows follow.
    Copy(&'a [u8]),
    /// A row, or the mark behind the last one.
    Row(&'a [u8]),
    /// It has a command of psql, which begins with a backslash outside of any literal.
    Command {
        /// From the backslash to the line's end.
        command: &'a [u8],
        /// Whether the line is nothing else.
        alone: bool,
    },
}

/// The lines of a script.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    from: R,
    line: Vec<u8>,
    first: bool,
    readings: Readings,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// The lines of `from`.
    pub(crate) fn new(from: R) -> Self {
        Self { from, line: Vec::new(), first: true, readings: Readings::default() }
    }

    /// The next line.
    ///
    /// # Errors
    /// The I/O error of reading.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        if self.from.read_until(b'\n', &mut self.line).await? == 0 {
            return Ok(None);
        }
        if std::mem::take(&mut self.first) && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.drain(..BYTE_ORDER_MARK.len());
        }
        let line = self.line.as_slice();
        let (seen, begins) = self.readings.line(line);
        Ok(Some(match seen {
            Seen::Command(at) => Line::Command { command: &line[at..], alone: begins && at == 0 },
            // Where psql's line ends, which is a text of C. No dump has one.
            _ if line.contains(&0) => Line::Command { command: b"\\0", alone: false },
            Seen::Row => Line::Row(line),
            Seen::Copy => Line::Copy(line),
            _ if begins => Line::Sql(line),
            _ => Line::Within(line),
        }))
    }
}

/// Looks at the commands of psql in a script. `pg_dump` writes `\\restrict` and `\\unrestrict` around all of it, and with
/// `--create` one `\\connect` to the database that it has just made, before anything else; a restore goes without them. Any
/// other one is not by `pg_dump`, and what it would do is not what the dump is asked for.
///
/// # Errors
/// [`BackupError::PsqlCommand`] with the first other one; [`BackupError::Io`].
pub(super) async fn refuse_commands<R: AsyncBufRead + Unpin>(mut lines: Lines<R>) -> Result<()> {
    let mut number = 0;
    // What a `\\connect` may follow: the database that was made, as long as there is nothing else.
    let mut made: Option<Vec<u8>> = None;
    let mut is_prologue = true;
    while let Some(line) = lines.next().await.map_err(BackupError::io("reading the backup"))? {
        number += 1;
        match line {
            Line::Command { command, alone } => {
                let is_ours = alone && is_of_pg_dump(command);
                let connects = alone && is_prologue && made.as_deref().is_some_and(|made| connects_to(command, made));
                if connects {
                    is_prologue = false;
                } else if !is_ours || word_of(command) == b"\\connect" {
                    return Err(refused(command, number));
                }
            }
            Line::Sql(line) => match line.strip_prefix(b"CREATE DATABASE ") {
                Some(rest) if is_prologue => made = Some(identifier(rest).to_vec()),
                _ => {
                    is_prologue &= PROLOGUE.iter().any(|begin| line.starts_with(begin)) || line.trim_ascii().is_empty()
                }
            },
            Line::Copy(_) => is_prologue = false,
            Line::Within(_) | Line::Row(_) => {}
        }
    }
    Ok(())
}

/// How lines begin that `pg_dump --create` writes before it connects to the database that it makes.
const PROLOGUE: [&[u8]; 5] = [b"--", b"SET ", b"SELECT pg_catalog.set_config(", b"DROP DATABASE ", b"ALTER DATABASE "];

/// Whether a restore goes without this command of psql.
pub(super) fn is_of_pg_dump(command: &[u8]) -> bool {
    let mut words = command.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    match words.next() {
        // With its key, and no other command behind it.
        Some(b"\\restrict" | b"\\unrestrict") => {
            words.next().is_some_and(|key| key.iter().all(u8::is_ascii_alphanumeric)) && words.next().is_none()
        }
        Some(b"\\connect") => true,
        _ => false,
    }
}

/// The refusal of a command of psql. Its arguments, which may be a password, are not repeated.
pub(super) fn refused(command: &[u8], line: u64) -> BackupError {
    BackupError::PsqlCommand { command: String::from_utf8_lossy(word_of(command)).into_owned(), line }
}

/// A command's name, with the backslash. It ends where psql would see an argument or another command.
fn word_of(command: &[u8]) -> &[u8] {
    let letters = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'+';
    let end = command.iter().skip(1).position(|byte| !letters(byte)).map_or(command.len(), |end| end + 1);
    // `\\!`, `\\;` and the like have one character.
    &command[..end.max(2).min(command.trim_ascii_end().len().max(1))]
}

/// The name at the beginning, with its quotation marks.
fn identifier(text: &[u8]) -> &[u8] {
    let mut is_quoted = false;
    let end = text.iter().position(|&byte| {
        is_quoted ^= byte == b'"';
        !is_quoted && (byte.is_ascii_whitespace() || byte == b';')
    });
    &text[..end.unwrap_or(text.len())]
}

/// Whether a command is `\\connect` to the database of this name, as `pg_dump` writes it.
fn connects_to(command: &[u8], name: &[u8]) -> bool {
    let Some(to) = command.trim_ascii_end().strip_prefix(b"\\connect ") else { return false };
    if to == name {
        return true;
    }
    // A name that could be taken for more is given as a connection string.
    let name = String::from_utf8_lossy(name);
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(&name);
    let value = name.replace('\\', r"\\").replace('\'', r"\'");
    to == format!(r#"-reuse-previous=on "dbname='{value}'""#).as_bytes()
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
    /// Whether the target has skyteam's own schema already.
    pub home: bool,
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
            || begins(&["CREATE DATABASE ", "ALTER DATABASE ", "DROP DATABASE ", "COMMENT ON DATABASE "])
            || begins(&["SET SESSION AUTHORIZATION "])
            || (self.home && ends == b"CREATE SCHEMA skyteam;")
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

    /// Each line's kind by a letter: `S` begins a statement, `w` is within one, `C` ends in COPY, `r` is a row, `c` has a
    /// command of psql.
    async fn kinds(script: &str) -> String {
        let mut lines = Lines::new(script.as_bytes());
        let mut kinds = String::new();
        while let Some(line) = lines.next().await.unwrap() {
            kinds.push(match line {
                Line::Sql(_) => 'S',
                Line::Within(_) => 'w',
                Line::Copy(_) => 'C',
                Line::Row(_) => 'r',
                Line::Command { .. } => 'c',
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
            ("SET standard_conforming_strings = off;\nSELECT U&'\\', B'\\', N'\\'\nBEGIN;'\n;\n", "SSww"),
            ("CREATE FUNCTION f() BEGIN ATOMIC\nSELECT CASE 1 END;\nEND;\nSELECT 1;\n", "SwwS"),
            ("CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1;\nSELECT 2\n);\nSELECT 1;\n", "SwwS"),
            ("SELECT 1e+5, 0x1f, $1, a::text, b[1:2], 'x':\nBEGIN;\n", "Sw"),
            ("CREATE FUNCTION f() AS $_$\nBEGIN;\n$$ x $$\n$_$;\nSELECT 1;\n", "SwwwS"),
            ("/* a /* b */\nBEGIN;\n*/ SELECT 1;\nSELECT 2;\n", "SwwS"),
            ("-- it's a comment\nSELECT 1;\n", "SS"),
            ("SELECT \"a'\nBEGIN;\n\";\nSELECT 1;\n", "SwwS"),
            ("COPY t (a) FROM stdin;\n'\nBEGIN;\n\\.\nSELECT 1;\n", "CrrrS"),
            ("COPY t (\"FROM stdin\")\nFROM STDIN;\n1\n\\.\nSELECT 1;\n", "SCrrS"),
            ("COPY t TO stdout;\nSELECT 1;\n", "SS"),
            ("SELECT 'COPY t FROM stdin;';\nSELECT 1;\n", "SS"),
            ("SELECT a$1, $1;\nSELECT 1;\n", "SS"),
            ("\\restrict k\nSELECT '\\!';\nSELECT 1 \\gexec\nSELECT 1\n\\g\n;\n-- \\!\n", "cScwcwS"),
            ("SELECT :x, \"\\!\";\nSELECT $$\n\\!\n$$;\n/*\n\\!\n*/\n", "SSwwSww"),
            ("\u{feff}SELECT 1;\r\nCOPY t FROM stdin;\r\nx\r\n\\.\r\nSELECT 1;\r\n", "SCrrS"),
        ] {
            assert_eq!(kinds(script).await, wanted, "{script}");
        }
    }

    #[test]
    fn what_is_about_another_server_is_left_out() {
        let elsewhere = Filter { privileges: false, home: true, server: 150_000 };
        let here = Filter { privileges: true, home: false, server: 180_000 };
        for (line, wanted) in [
            ("ALTER TABLE public.users OWNER TO ops;\n", (Fate::LeftOut, Fate::LeftOut)),
            ("ALTER TABLE ONLY public.users\n", (Fate::Runs, Fate::Runs)),
            ("GRANT SELECT ON TABLE public.users TO web;\n", (Fate::LeftOut, Fate::Runs)),
            ("SET transaction_timeout = 0;\n", (Fate::LeftOut, Fate::Runs)),
            ("CREATE SCHEMA skyteam;\n", (Fate::LeftOut, Fate::Runs)),
            ("SELECT * FROM pg_catalog.pg_restore_relation_stats(\n", (Fate::LeftOut, Fate::Runs)),
            ("GRANT CONNECT ON DATABASE skyteam TO web;\n", (Fate::LeftOut, Fate::LeftOut)),
            ("CREATE TABLE public.users (\n", (Fate::Runs, Fate::Runs)),
        ] {
            assert_eq!((elsewhere.fate(line.as_bytes()), here.fate(line.as_bytes())), wanted, "{line}");
        }
    }

    async fn refused_in(script: &str) -> Option<(String, u64)> {
        match refuse_commands(Lines::new(script.as_bytes())).await {
            Ok(()) => None,
            Err(BackupError::PsqlCommand { command, line }) => Some((command, line)),
            Err(error) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn commands_of_psql_that_pg_dump_does_not_write_are_refused_by_name() {
        for (line, name) in [
            ("\\connect other", "\\connect"),
            ("\\c other", "\\c"),
            ("\\c", "\\c"),
            ("\\i more.sql", "\\i"),
            ("\\ir more.sql", "\\ir"),
            ("\\! touch x", "\\!"),
            ("\\!touch x", "\\!"),
            ("\\copy t to program 'touch x'", "\\copy"),
            ("\\o |touch x", "\\o"),
            ("\\setenv PATH x", "\\setenv"),
            ("\\set x `touch x`", "\\set"),
            ("\\restrict k \\! touch x", "\\restrict"),
            ("SELECT 'touch x' \\gexec", "\\gexec"),
            ("SELECT 1 \\g |touch x", "\\g"),
            ("SELECT 1\\;", "\\;"),
            ("  \\unrestrict k", "\\unrestrict"),
            ("\\if true", "\\if"),
            ("\\.", "\\."),
        ] {
            let script = format!("\\restrict k\nSET x = 1;\n{line}\nSELECT 1;\n\\unrestrict k\n");
            assert_eq!(refused_in(&script).await, Some((name.to_owned(), 3)), "{line}");
        }
    }

    /// Each hides the command from a reader that does not read as psql does.
    #[tokio::test]
    async fn what_psql_would_find_is_found() {
        let touch = "\\! touch x";
        for (before, after) in [
            // A carriage return ends a comment, and lets a text with escapes go on.
            ("-- x\r", ""),
            ("SELECT E'a'\r'b\\'' ", "'"),
            // Where numbers, parameters and psql's variables end.
            ("SELECT 1E'\\'' ", "'"),
            ("SELECT $1E'\\'' ", "'"),
            ("SELECT 1$$ ' $$ ", ""),
            ("SELECT $1$$ ' $$ ", ""),
            ("SELECT :E'\\' ", ""),
            ("SELECT :x$$ ' $$ ", ""),
            // Rows that do not come.
            ("COPY (SELECT * FROM stdin) TO stdout;\n", "\n\\."),
            ("COPY t FROM 'x' WHERE a IS DISTINCT FROM stdin;\n", "\n\\."),
            ("SELECT (1;\nCOPY t FROM stdin;\n", "\n\\."),
            ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;\nCOPY t FROM stdin;\n", "\n\\."),
            ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1CASE; END;\nCOPY t FROM stdin;\n", "\n\\."),
            // The rest of the line comes behind the rows.
            ("COPY t FROM stdin; SELECT '\n' /*\n\\.\n'", "*/"),
            ("COPY t FROM stdin; COPY t FROM stdin;\n\\.\n\\.\n", ""),
            // The script changes how texts are read.
            ("SET standard_conforming_strings = off; SELECT '\\' ", "'"),
            ("SET standard_conforming_strings = 'off';\nSELECT '\\' || ' ", "'"),
            ("SET SESSION standard_conforming_strings = off;\nSELECT '\\' || ' ", "'"),
            ("set local Standard_Conforming_Strings to false;\nSELECT '\\' || '\n", "'"),
            ("SELECT set_config('standard_conforming_strings', 'off', true);\nSELECT '\\' || ' ", "'"),
            (
                "CREATE TABLE t AS SELECT set_config('standard_conforming_strings', 'off', true), $$\n$$;\nSELECT '\\' || ' ",
                "'",
            ),
            ("DO $$ BEGIN\nSET standard_conforming_strings = off;\nEND $$;\nSELECT '\\' || ' ", "'"),
            ("SET standard_conforming_strings = off;\nROLLBACK;\nSELECT '\\' ", "'"),
            ("SET standard_conforming_strings = off;\nRESET ALL;\nSELECT '\\' ", "'"),
            ("SET standard_conforming_strings = 'off';\nSELECT '\\';\nCOPY t FROM stdin;\n' ", "\n\\."),
            ("SET standard_conforming_strings = 'off';\nSELECT '\\'\nSET client_encoding = 'SJIS';\n'; ", ""),
            ("SET client_encoding TO 'SJIS';\nSELECT E'\u{81}\\' ", "'"),
            ("SET client_encoding = 'SJIS';\nSELECT E'\u{81}\\' ", "'"),
            ("SET client_encoding = 'big5';\nSELECT E'\u{81}\\' ", "'"),
            ("SET client_encoding = 'GBK';\nSELECT 'x\u{81}' ' ", "'"),
            ("SET client_encoding = 'GB18030';\nSELECT '\u{81}0\u{81}' ' ", "'"),
            ("SET client_encoding = 'JOHAB';\nSELECT '\u{8f}'' ' ", "'"),
            ("SET NAMES 'SJIS';\nSELECT E'\u{81}\\' ", "'"),
        ] {
            // Each character is one byte here.
            let script = format!("SET x = 1;\n{before}{touch}{after};\n");
            let bytes: Vec<u8> = script.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect();
            let found = refuse_commands(Lines::new(bytes.as_slice())).await;
            assert!(matches!(found, Err(BackupError::PsqlCommand { .. })), "{script:?}");
        }
        assert_eq!(refused_in("SELECT '\0\n").await, Some(("\\0".to_owned(), 1)));
    }

    /// A dump may speak of the settings, and be in any encoding that `pg_dump` can write.
    #[tokio::test]
    async fn what_only_speaks_of_the_settings_is_read() {
        for script in [
            b"SET client_encoding = 'SJIS';\nSET standard_conforming_strings = off;\nSELECT '\x83\x5c', '\\'';\n".as_slice(),
            b"SET client_encoding = 'SJIS';\nSELECT E'\x83\\', '\xb1\\';\nSELECT ' \\! ';\n",
            b"CREATE FUNCTION f() RETURNS text AS $$\nSELECT set_config('client_encoding', 'SJIS', true);\n$$;\nSELECT '\xe2\x82\xac';\n",
            b"ALTER DATABASE d SET client_encoding TO 'SJIS';\nCOPY t FROM stdin;\n\\N\ta\\tb\n\\.\nSELECT ' \\! ';\n",
            b"INSERT INTO t VALUES ('standard_conforming_strings');\nINSERT INTO t VALUES ('a\\b', '\"\\\"', 'it''s');\n",
        ] {
            assert!(refuse_commands(Lines::new(script)).await.is_ok(), "{}", String::from_utf8_lossy(script));
        }
    }

    #[tokio::test]
    async fn a_dump_connects_to_what_it_has_just_made_and_nowhere_else() {
        let prologue = "-- x\n\n\\restrict k\nSET x = 0;\nDROP DATABASE sky;\nCREATE DATABASE sky WITH TEMPLATE = template0;\n\
                        ALTER DATABASE sky OWNER TO ops;\n\\unrestrict k\n";
        let after = "\\restrict k\nALTER DATABASE sky SET x TO 'y';\nCREATE TABLE t ();\n\\unrestrict k\n";
        assert_eq!(refused_in(&format!("{prologue}\\connect sky\n{after}")).await, None);
        for odd in [
            ("\"Sky\"", "\"Sky\""),
            ("\"my \"\"sky\"\"\"", "-reuse-previous=on \"dbname='my \"\"sky\"\"'\""),
            ("\"it's\"", "-reuse-previous=on \"dbname='it\\'s'\""),
        ] {
            let script = prologue.replace("DATABASE sky", &format!("DATABASE {}", odd.0));
            assert_eq!(refused_in(&format!("{script}\\connect {}\n{after}", odd.1)).await, None, "{odd:?}");
        }
        for (script, line) in [
            (format!("{prologue}\\connect other\n{after}"), 9),
            (format!("{prologue}\\connect sky\n{after}\\connect sky\n"), 14),
            (format!("{prologue}CREATE TABLE t ();\n\\connect sky\n"), 10),
            (format!("{prologue}\\connect sky ops db.example\n"), 9),
            ("\\connect sky\nCREATE DATABASE sky;\n".to_owned(), 1),
        ] {
            assert_eq!(refused_in(&script).await, Some(("\\connect".to_owned(), line)), "{script}");
        }
    }
}
