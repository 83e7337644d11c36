//! `.env` files: `NAME=value` a line, as dotenv libraries and shells read them.
//!
//! Read here and not by a library because a line that names a setting of ours must never be passed over: `dotenvy`
//! numbers no lines, turns an unset `$NAME` into nothing, and loses every line behind a quote that another program's
//! line leaves open.
//!
//! - `export NAME=value`, blanks around `=`, blank lines, `#` comments, Windows line ends.
//! - `'…'` is literal. In `"…"` and bare values, `\` escapes one of `\ ' " $`, a blank or `n`, and `$NAME`, `${NAME}`
//!   and `${NAME:-otherwise}` mean a variable of the environment, else for one that the file sets above.
//! - A bare value ends at a blank, behind which only a comment may follow. Quoted values may span lines.
//! - What variables mean is bounded: lines that each double the one above ask for more memory than there is.
//! - Of two lines with one name the last one counts. For a setting of ours both must have the same value: shells take the
//!   last, some libraries (`dotenvy`, Ruby's) the first, and a database is never chosen by that.

use std::collections::BTreeMap;

use crate::message::{Message, message};

/// The longest value, in bytes, that variables may make, and how far behind `${` its end is looked for.
const EXPANDED: usize = 64 << 10;
/// The most bytes that all values of a file may take together.
const ALL: usize = 4 << 20;

/// What is wrong with the lines that name a setting of ours. Lines count from 1. Never repeats a line, which may hold a
/// password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// One cannot be read.
    Unreadable {
        /// Its number.
        line: usize,
        /// What is wrong with it.
        reason: Message,
    },
    /// Two give one setting different values.
    Contradiction {
        /// The setting.
        name: String,
        /// Their numbers.
        lines: (usize, usize),
    },
}

/// Reads `text`. Lines of other programs that cannot be read are left out; one whose name satisfies `is_ours` is an
/// error.
///
/// # Errors
/// [`Malformed`].
pub(crate) fn parse(
    text: &str,
    env: &BTreeMap<String, String>,
    is_ours: &dyn Fn(&str) -> bool,
) -> Result<BTreeMap<String, String>, Malformed> {
    // One kind of line end for all, so that a value that spans lines is the same wherever it was written.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut room = ALL;
    // Where settings of ours were set last.
    let mut lines = BTreeMap::new();
    let mut rest = text.as_str();
    let mut number = 1;
    while !rest.is_empty() {
        let line = rest.lines().next().unwrap_or_default();
        let mut length = (line.len() + 1).min(rest.len());
        match assignment(rest, &values, env) {
            Ok(None) => {}
            // Names are case-sensitive, so one that was meant is ignored.
            Ok(Some((name, ..))) if !is_ours(name) && is_ours(&name.to_ascii_uppercase()) => {
                let reason = message!("its name is written {}", name.to_ascii_uppercase());
                return Err(Malformed::Unreadable { line: number, reason });
            }
            Ok(Some((name, value, used))) if value.len() > room => {
                if is_ours(name) {
                    let reason = message!("all values together are longer than {} bytes", ALL.to_string());
                    return Err(Malformed::Unreadable { line: number, reason });
                }
                length = length.max(used);
            }
            Ok(Some((name, value, used))) => {
                room -= value.len();
                let more = &rest[length.min(used)..used];
                if let Some(below) = more.lines().position(|line| assigned(line).is_some_and(is_ours)) {
                    return Err(Malformed::Unreadable {
                        line: number + below + 1,
                        reason: message!("it is inside the quotes that line {} opens", number.to_string()),
                    });
                }
                length = length.max(used);
                if is_ours(name) {
                    match values.get(name).zip(lines.insert(name, number)) {
                        Some((above, first)) if *above != value => {
                            return Err(Malformed::Contradiction { name: name.to_owned(), lines: (first, number) });
                        }
                        _ => {}
                    }
                }
                values.insert(name.to_owned(), value);
            }
            Err(reason) if names(line, is_ours) => {
                return Err(Malformed::Unreadable { line: number, reason: reason.into() });
            }
            Err(_) => {}
        }
        number += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    Ok(values)
}

/// The name that a line which begins like an assignment sets.
fn assigned(line: &str) -> Option<&str> {
    let (name, rest) = split_name(without_export(line.trim_start()));
    (!name.is_empty() && rest.trim_start().starts_with('=')).then_some(name)
}

/// Whether a line that is no assignment names a setting anyway: `NAME: value`, `set NAME=value`, `"NAME"=value`.
fn names(line: &str, is_ours: &dyn Fn(&str) -> bool) -> bool {
    let head = line.split_once('=').map_or(line, |(head, _)| head).to_ascii_uppercase();
    // `DATABASE-URL` is no name of a variable, but what it means is plain.
    let words = |head: &str| head.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(is_ours);
    words(&head) || words(&head.replace('-', "_"))
}

fn without_export(line: &str) -> &str {
    match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) && !rest.trim_start().starts_with('=') => rest.trim_start(),
        _ => line,
    }
}

fn split_name(line: &str) -> (&str, &str) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let end = line.find(|c| !is_name(c)).unwrap_or(line.len());
    if line.starts_with(|c: char| c.is_ascii_digit() || c == '.') { ("", line) } else { line.split_at(end) }
}

/// The assignment at the start of `text`: name, value, and how many bytes it takes up with its line end. `None` for a
/// line that sets nothing.
fn assignment<'a>(
    text: &'a str,
    above: &BTreeMap<String, String>,
    env: &BTreeMap<String, String>,
) -> Result<Option<(&'a str, String, usize)>, String> {
    let line = text.lines().next().unwrap_or_default();
    let bare = line.trim();
    if bare.is_empty() || bare.starts_with('#') {
        return Ok(None);
    }
    let exported = without_export(bare);
    let (name, rest) = split_name(exported);
    if exported.len() < bare.len() && rest.trim().is_empty() && above.contains_key(name) {
        // `export NAME` on its own passes on what is set above.
        return Ok(None);
    }
    if name.is_empty() || !rest.trim_start().starts_with('=') {
        return Err("it is not NAME=value".into());
    }
    let equals = text.find('=').unwrap_or_default();
    let mut value = Value { text, at: equals + 1, out: String::new(), above, env };
    value.read()?;
    let end = text[value.at..].find('\n').map_or(text.len(), |end| value.at + end + 1);
    Ok(Some((name, value.out, end)))
}

/// A value that is being read.
struct Value<'a> {
    text: &'a str,
    at: usize,
    out: String,
    above: &'a BTreeMap<String, String>,
    env: &'a BTreeMap<String, String>,
}

const BLANKS: [char; 2] = [' ', '\t'];

impl Value<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|c| BLANKS.contains(&c)) {
            self.at += 1;
        }
    }

    fn read(&mut self) -> Result<(), String> {
        self.skip_blanks();
        if self.peek() == Some('#') {
            return Ok(());
        }
        loop {
            match self.peek() {
                None | Some('\n') => return Ok(()),
                Some(c) if BLANKS.contains(&c) => {
                    self.skip_blanks();
                    return match self.peek() {
                        None | Some('\n' | '#') => Ok(()),
                        Some(_) => Err("its value has a blank and no quotes around it".into()),
                    };
                }
                Some('\'') => {
                    self.at += 1;
                    let literal = &self.text[self.at..];
                    let end = literal.find('\'').ok_or("its single quote is not closed")?;
                    self.out.push_str(&literal[..end]);
                    self.at += end + 1;
                }
                Some('"') => {
                    self.at += 1;
                    while self.peek() != Some('"') {
                        self.character("its double quote is not closed")?;
                    }
                    self.at += 1;
                }
                Some(_) => self.character("")?,
            }
        }
    }

    /// One character outside of single quotes, or its expansion.
    fn character(&mut self, unclosed: &str) -> Result<(), String> {
        match self.next().ok_or(unclosed)? {
            '\\' => match self.next() {
                Some(c @ ('\\' | '\'' | '"' | '$' | ' ')) => self.out.push(c),
                Some('n') => self.out.push('\n'),
                _ => {
                    return Err(
                        "it has a backslash that escapes nothing; one that is meant goes into single quotes".into()
                    );
                }
            },
            '$' => self.variable()?,
            c => self.out.push(c),
        }
        Ok(())
    }

    fn variable(&mut self) -> Result<(), String> {
        const NO_NAME: &str = "it has a $ before no name; a $ that is meant as one goes into single quotes";
        let rest = &self.text[self.at..];
        let braced = rest.strip_prefix('{');
        let (name, behind) = split_name(braced.unwrap_or(rest));
        let name = name.split('.').next().unwrap_or_default();
        if name.is_empty() {
            return Err(NO_NAME.into());
        }
        let mut otherwise = None;
        self.at += name.len();
        if braced.is_some() {
            let end = behind.bytes().take(EXPANDED).position(|byte| byte == b'}').ok_or("its ${ is not closed")?;
            let inner = &behind[..end];
            otherwise = inner.strip_prefix(":-");
            if otherwise.is_none() && !inner.is_empty() {
                return Err("its ${…} is not ${NAME} or ${NAME:-otherwise}".into());
            }
            self.at += inner.len() + 2;
        }
        let set = self.env.get(name).or_else(|| self.above.get(name)).map(String::as_str);
        match set.filter(|value| otherwise.is_none() || !value.is_empty()).or(otherwise) {
            Some(value) if self.out.len() + value.len() > EXPANDED => {
                return Err(format!("it is longer than {EXPANDED} bytes with the value of ${name}"));
            }
            Some(value) => self.out.push_str(value),
            None => return Err(format!("${name} is not set; a $ that is meant as one goes into single quotes")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, String>, Malformed> {
        let env = BTreeMap::from([("SET".to_owned(), "from env".to_owned()), ("EMPTY".to_owned(), String::new())]);
        parse(text, &env, &|name| name == "DATABASE_URL" || name.starts_with("SKYTEAM_"))
    }

    fn url(text: &str) -> String {
        read(text).unwrap_or_else(|error| panic!("{text:?}: {error:?}"))["DATABASE_URL"].clone()
    }

    #[test]
    fn values_as_they_are_written() {
        for (text, value) in [
            ("DATABASE_URL=sqlite:a.db", "sqlite:a.db"),
            ("export DATABASE_URL = 'a b' # why\r\n", "a b"),
            ("DATABASE_URL=\"a\\\"b\\$c\"", "a\"b$c"),
            ("DATABASE_URL=a'b c'\"d\"#e", "ab cd#e"),
            ("A=1\nDATABASE_URL=$A${A}x${SET:-no}", "11xfrom env"),
            ("DATABASE_URL=${UNSET:-postgres://h/d}", "postgres://h/d"),
            ("DATABASE_URL=${EMPTY:-x}$EMPTY", "x"),
            ("DATABASE_URL='pa$word'", "pa$word"),
            ("DATABASE_URL='two\nlines'", "two\nlines"),
            ("DATABASE_URL=one\nDATABASE_URL='one'\nexport DATABASE_URL", "one"),
            ("A=1\nA=2\nDATABASE_URL=$A", "2"),
            ("# DATABASE_URL: no\rDATABASE_URL=mac\r", "mac"),
        ] {
            assert_eq!(url(text), value, "{text:?}");
        }
    }

    #[test]
    fn values_that_double_are_bounded() {
        let doubling: String = (0..60).map(|n| format!("A{}=$A{n}$A{n}\n", n + 1)).collect();
        let read = read(&format!("A0=0123456789\n{doubling}DATABASE_URL=x\n")).unwrap();
        assert_eq!(read["DATABASE_URL"], "x");
        assert!(read.values().map(String::len).sum::<usize>() < 4 * EXPANDED);
        // Many that are each as long as may be.
        let many: String = (0..2000).map(|n| format!("B{n}=$A\n")).collect();
        let text = format!("A={}\n{many}", "x".repeat(EXPANDED - 1));
        assert!(self::read(&text).unwrap().values().map(String::len).sum::<usize>() <= ALL);
        assert!(self::read(&format!("{text}DATABASE_URL=$A\n")).is_err());
        assert!(self::read(&format!("{text}DATABASE_URL=$A$A\n")).is_err());
    }

    #[test]
    fn lines_of_others_are_left_alone() {
        for noise in [
            "this is no assignment",
            "GREETING=it's",
            "NAME: value",
            "OTHER=a b",
            "OTHER=$UNSET",
            "1X=2",
            "=x",
            "OTHER=\"",
            "KEY='-----BEGIN\nabc=\n-----END'",
            "COPY=x # DATABASE_URL",
        ] {
            assert_eq!(url(&format!("{noise}\nDATABASE_URL=x\n")), "x", "{noise:?}");
        }
    }

    #[test]
    fn a_line_of_ours_is_never_passed_over() {
        for (text, line) in [
            ("DATABASE_URL=pa ss", 1),
            ("\n\nDATABASE_URL='open", 3),
            ("DATABASE_URL=\"open\nA=1", 1),
            ("DATABASE_URL=a\\b", 1),
            ("DATABASE_URL=a\\", 1),
            ("A=1\nDATABASE_URL: postgres://h/d?sslmode=require", 2),
            ("DATABASE_URL", 1),
            ("export DATABASE_URL", 1),
            ("set DATABASE_URL=x", 1),
            ("\"DATABASE_URL\"=x", 1),
            ("$env:DATABASE_URL = 'x'", 1),
            ("DATABASE_URL=$UNSET", 1),
            ("DATABASE_URL=${UNSET}", 1),
            ("DATABASE_URL=${SET", 1),
            ("DATABASE_URL=${SET?}", 1),
            ("DATABASE_URL=pa$$word", 1),
            ("DATABASE_URL=$(pass show x)", 1),
            ("SKYTEAM_ACTOR=a b", 1),
            ("A=1\ndatabase_url=postgres://h/d", 2),
            ("Database_Url: x", 1),
            ("DATABASE-URL=x", 1),
            ("A='it\nDATABASE_URL=x\nB='", 2),
            ("A=it's\nDATABASE_URL=x\nB=that's", 2),
        ] {
            match read(text) {
                Err(Malformed::Unreadable { line: found, .. }) => assert_eq!(found, line, "{text:?}"),
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn two_values_of_one_setting_choose_nothing() {
        for (text, name, lines) in [
            ("DATABASE_URL=one\n\nDATABASE_URL=two", "DATABASE_URL", (1, 3)),
            ("DATABASE_URL=one\nDATABASE_URL=one\nexport DATABASE_URL='two'", "DATABASE_URL", (2, 3)),
            ("DATABASE_URL=one\nDATABASE_URL=", "DATABASE_URL", (1, 2)),
            ("A=1\nDATABASE_URL=$A\nA=2\nDATABASE_URL=$A", "DATABASE_URL", (2, 4)),
            ("SKYTEAM_ACTOR='a\nb'\nSKYTEAM_ACTOR=c", "SKYTEAM_ACTOR", (1, 3)),
        ] {
            let wanted = Malformed::Contradiction { name: name.to_owned(), lines };
            assert_eq!(read(text), Err(wanted), "{text:?}");
        }
    }
}
