//! Cuts a SQL script into its statements, each with the line that it begins on.
//!
//! The script is read as the engine's own lexer would read its quotes and comments, and no further: what a statement
//! means is the server's to say. The two things beyond that are compound bodies, whose semicolons do not end the
//! statement: triggers on SQLite and `BEGIN ATOMIC` functions on PostgreSQL.

use std::iter;

use thiserror::Error;

use crate::Engine;

/// One statement of a script, without the comments before it and the semicolon after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The text to send.
    pub sql: &'a str,
    /// Its place among the statements of the script, from 1.
    pub number: usize,
    /// The line of the script on which it begins, from 1.
    pub line: usize,
}

impl Statement<'_> {
    /// The line of the script that holds the `position`th character (from 1, as PostgreSQL counts) of this statement.
    pub fn line_at(&self, position: usize) -> usize {
        let before = self.sql.chars().take(position.saturating_sub(1));
        self.line + before.filter(|c| *c == '\n').count()
    }
}

/// A script that cannot be cut, because something in it never ends.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what} that begins on line {line} never ends")]
pub struct Unterminated {
    /// What is open at the end of the script.
    pub what: &'static str,
    /// The line on which it begins, from 1.
    pub line: usize,
}

/// The statements of `script`, in order.
pub fn split(script: &str, engine: Engine) -> Result<Vec<Statement<'_>>, Unterminated> {
    let mut statements = Vec::new();
    let mut open = Open::default();
    let mut at = 0;
    while at < script.len() {
        let lexeme = lex(script, at, engine)?;
        let text = &script[at..lexeme.end];
        match lexeme.kind {
            Kind::Blank => {}
            Kind::Semicolon if open.depth == 0 && open.parentheses == 0 => {
                open.finish(script, at, &mut statements);
            }
            Kind::Word => open.word(text, at, engine),
            Kind::Semicolon | Kind::Other => open.other(text, at),
        }
        at = lexeme.end;
    }
    open.finish(script, script.len(), &mut statements);
    Ok(statements)
}

/// The statement on one line with `…` for each of its texts and numbers, which may be secrets: for showing what another
/// session runs. A statement that is cut within a text ends there.
pub fn without_values(sql: &str, engine: Engine) -> String {
    let mut shown = String::with_capacity(sql.len());
    let mut at = 0;
    while at < sql.len() {
        let Ok(lexeme) = lex(sql, at, engine) else {
            shown.push('…');
            break;
        };
        let text = &sql[at..lexeme.end];
        let is_text = text.ends_with('\'') || (text.starts_with('$') && text.len() > 1 && text.ends_with('$'));
        let is_number = matches!(lexeme.kind, Kind::Word) && text.starts_with(|c: char| c.is_ascii_digit());
        match lexeme.kind {
            Kind::Blank => {
                if !shown.is_empty() && !shown.ends_with(' ') {
                    shown.push(' ');
                }
            }
            _ if is_number && shown.ends_with("….") => {
                shown.pop();
            }
            _ if is_text || (is_number && !shown.ends_with('$')) => shown.push('…'),
            _ => shown.push_str(text),
        }
        at = lexeme.end;
    }
    shown.trim_end().to_owned()
}

/// The statement being read.
#[derive(Default)]
struct Open {
    /// The position of its first token.
    start: Option<usize>,
    /// How many words have been read, up to the few that tell what it is.
    words: usize,
    /// Whether the first word is CREATE.
    creates: bool,
    /// Whether BEGIN opens a body in it.
    compound: bool,
    /// BEGIN and CASE without their END.
    depth: usize,
    parentheses: usize,
}

impl Open {
    /// `CREATE OR REPLACE FUNCTION` and `CREATE TEMPORARY TRIGGER` tell what they are by the fourth word.
    const TELLING_WORDS: usize = 4;

    fn word(&mut self, word: &str, at: usize, engine: Engine) {
        self.start.get_or_insert(at);
        self.words += 1;
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        if self.words == 1 {
            self.creates = is("CREATE");
        } else if self.creates && self.words <= Self::TELLING_WORDS {
            self.compound |= match engine {
                Engine::Postgres => is("FUNCTION") || is("PROCEDURE"),
                Engine::Sqlite => is("TRIGGER"),
            };
        }
        if self.compound {
            if is("BEGIN") || (is("CASE") && self.depth > 0) {
                self.depth += 1;
            } else if is("END") {
                self.depth = self.depth.saturating_sub(1);
            }
        }
    }

    fn other(&mut self, text: &str, at: usize) {
        self.start.get_or_insert(at);
        match text {
            "(" => self.parentheses += 1,
            ")" => self.parentheses = self.parentheses.saturating_sub(1),
            _ => {}
        }
    }

    fn finish<'a>(&mut self, script: &'a str, end: usize, statements: &mut Vec<Statement<'a>>) {
        if let Some(start) = self.start {
            statements.push(Statement {
                sql: script[start..end].trim_end(),
                number: statements.len() + 1,
                line: line(script, start),
            });
        }
        *self = Self::default();
    }
}

enum Kind {
    /// White space or a comment.
    Blank,
    Semicolon,
    /// A bare word: a keyword or an unquoted name.
    Word,
    /// Anything else, a quoted text as a whole.
    Other,
}

struct Lexeme {
    kind: Kind,
    end: usize,
}

fn lex(script: &str, at: usize, engine: Engine) -> Result<Lexeme, Unterminated> {
    let rest = &script[at..];
    let mut chars = rest.chars();
    let first = chars.next().unwrap_or_default();
    let second = chars.next();
    let unterminated = |what| Unterminated { what, line: line(script, at) };
    let found = |kind, length| Ok(Lexeme { kind, end: at + length });
    match first {
        ';' => found(Kind::Semicolon, 1),
        c if c.is_whitespace() => found(Kind::Blank, c.len_utf8()),
        '-' if second == Some('-') => found(Kind::Blank, rest.find('\n').unwrap_or(rest.len())),
        '/' if second == Some('*') => {
            let length = comment(rest, engine).ok_or_else(|| unterminated("a comment"))?;
            found(Kind::Blank, length)
        }
        '\'' => {
            let length = quoted(rest, '\'', false).ok_or_else(|| unterminated("a text"))?;
            found(Kind::Other, length)
        }
        'E' | 'e' if second == Some('\'') && engine == Engine::Postgres => {
            let length = quoted(&rest[1..], '\'', true).ok_or_else(|| unterminated("a text"))?;
            found(Kind::Other, 1 + length)
        }
        '"' => {
            let length = quoted(rest, '"', false).ok_or_else(|| unterminated("a quoted name"))?;
            found(Kind::Other, length)
        }
        '`' if engine == Engine::Sqlite => {
            let length = quoted(rest, '`', false).ok_or_else(|| unterminated("a quoted name"))?;
            found(Kind::Other, length)
        }
        '[' if engine == Engine::Sqlite => {
            let length = rest.find(']').ok_or_else(|| unterminated("a quoted name"))?;
            found(Kind::Other, length + 1)
        }
        '$' if engine == Engine::Postgres => match dollar_tag(rest) {
            Some(tag) => {
                let body = rest[tag.len()..].find(tag).ok_or_else(|| unterminated("a dollar-quoted text"))?;
                found(Kind::Other, tag.len() + body + tag.len())
            }
            None => found(Kind::Other, 1),
        },
        c if is_word(c) => {
            let length = rest.find(|c| !is_word(c) && c != '$').unwrap_or(rest.len());
            found(Kind::Word, length)
        }
        c => found(Kind::Other, c.len_utf8()),
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// The length of the comment that `text` begins with. PostgreSQL's nest, SQLite's do not and may be left open.
fn comment(text: &str, engine: Engine) -> Option<usize> {
    if engine == Engine::Sqlite {
        return Some(text[2..].find("*/").map_or(text.len(), |end| end + 4));
    }
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (1_usize, 2);
    while depth > 0 {
        match bytes.get(at..at + 2)? {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    Some(at)
}

/// The length of the quoted text that `text` begins with; a doubled quote is one quote.
fn quoted(text: &str, quote: char, backslash_escapes: bool) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && backslash_escapes {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + quote.len_utf8());
        }
    }
    None
}

/// The `$tag$` that `text` begins with. `$1` is a parameter and no tag.
fn dollar_tag(text: &str) -> Option<&str> {
    let end = 1 + text[1..].find('$')?;
    let tag = &text[1..end];
    let valid = !tag.starts_with(|c: char| c.is_ascii_digit()) && tag.chars().all(is_word);
    valid.then(|| &text[..=end])
}

fn line(script: &str, at: usize) -> usize {
    iter::once(()).chain(script[..at].matches('\n').map(|_| ())).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqls(script: &str, engine: Engine) -> Vec<&str> {
        split(script, engine).unwrap().iter().map(|s| s.sql).collect()
    }

    #[test]
    fn statements_have_their_number_and_line() {
        let script = "-- first\n\nSELECT 1;\n/* two\nlines */ SELECT\n  2 ;;\n\nSELECT 3";
        let found: Vec<_> =
            split(script, Engine::Postgres).unwrap().iter().map(|s| (s.number, s.line, s.sql)).collect();
        assert_eq!(found, [(1, 3, "SELECT 1"), (2, 5, "SELECT\n  2"), (3, 8, "SELECT 3")]);
    }

    #[test]
    fn a_position_inside_a_statement_has_a_line() {
        let statement = split("\n\nSELECT é,\n  oops", Engine::Postgres).unwrap()[0];
        assert_eq!(statement.line_at(1), 3);
        assert_eq!(statement.line_at("SELECT é,\n  o".chars().count()), 4);
    }

    #[test]
    fn quotes_and_comments_hide_semicolons() {
        for engine in Engine::ALL {
            let script = "SELECT ';', 'it''s;', \"a;\"\"b\" -- ;\n, 2; SELECT 1 /* ; */";
            assert_eq!(sqls(script, engine).len(), 2, "{engine:?}");
        }
        assert_eq!(sqls("SELECT [a;b], `c;d`; SELECT 2", Engine::Sqlite).len(), 2);
        assert_eq!(sqls(r"SELECT E'a\';b'; SELECT 'a\'; SELECT 3", Engine::Postgres).len(), 3);
        assert_eq!(sqls("SELECT 1 /* a /* b; */ ; */; SELECT 2", Engine::Postgres).len(), 2);
        assert_eq!(sqls("SELECT 1 /* a /* b */; SELECT 2", Engine::Sqlite).len(), 2);
    }

    #[test]
    fn dollar_quotes_hide_semicolons() {
        let script = "DO $$ BEGIN a; END $$; DO $x$ $$ ; $$ $x$; SELECT $1; SELECT a$b$; SELECT 'x'";
        assert_eq!(
            sqls(script, Engine::Postgres),
            ["DO $$ BEGIN a; END $$", "DO $x$ $$ ; $$ $x$", "SELECT $1", "SELECT a$b$", "SELECT 'x'"]
        );
    }

    #[test]
    fn a_body_is_one_statement() {
        let trigger = "CREATE TEMP TRIGGER t BEFORE INSERT ON a WHEN CASE WHEN 1 THEN 1 END\n\
                       BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 1; END";
        assert_eq!(sqls(&format!("{trigger}; SELECT 1;"), Engine::Sqlite), [trigger, "SELECT 1"]);
        let function = "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END";
        assert_eq!(sqls(&format!("{function}; SELECT 1"), Engine::Postgres), [function, "SELECT 1"]);
        let rule = "CREATE RULE r AS ON INSERT TO a DO (SELECT 1; SELECT 2)";
        assert_eq!(sqls(&format!("{rule}; SELECT 1"), Engine::Postgres), [rule, "SELECT 1"]);
        assert_eq!(sqls("BEGIN; CREATE TABLE t (\"trigger\" int); END;", Engine::Sqlite).len(), 3);
    }

    #[test]
    fn what_never_ends_is_named() {
        let fails = |script, engine| split(script, engine).unwrap_err();
        assert_eq!(fails("\nSELECT 'a;", Engine::Sqlite), Unterminated { what: "a text", line: 2 });
        assert_eq!(fails("SELECT \"a", Engine::Postgres).what, "a quoted name");
        assert_eq!(fails("DO $$ BEGIN;", Engine::Postgres).what, "a dollar-quoted text");
        assert_eq!(fails("/* /* */", Engine::Postgres).what, "a comment");
    }

    #[test]
    fn values_are_left_out_of_what_is_shown() {
        let shown = |sql| without_values(sql, Engine::Postgres);
        assert_eq!(
            shown("UPDATE t\n SET \"a\" = 'sec''ret', b = 12.5 -- c\nWHERE id = $1"),
            r#"UPDATE t SET "a" = …, b = … WHERE id = $1"#
        );
        assert_eq!(shown("SELECT E'a\\'b', $x$secret$x$, t1"), "SELECT …, …, t1");
        assert_eq!(shown("INSERT INTO t VALUES ('a secret that is cu"), "INSERT INTO t VALUES (…");
        assert_eq!(without_values("select x'00', [a 1]", Engine::Sqlite), "select x…, [a 1]");
    }

    #[test]
    fn an_empty_script_has_no_statements() {
        assert!(sqls(" \n-- nothing\n;;", Engine::Postgres).is_empty());
    }
}
