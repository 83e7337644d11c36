//! A tokeniser of SQL, as far as both engines agree: to compare texts and to rename columns in them.
//!
//! Not a parser. Comments and white space vanish; a quoted identifier and the same name unquoted are distinguished only
//! by [`Token::Word`] keeping what was meant.

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// An identifier or keyword: its name, and whether it was quoted.
    Word(String, bool),
    /// A string literal, without its quotes.
    Text(String),
    /// A number, as written.
    Number(String),
    /// Anything else: an operator character, a comma, a parenthesis.
    Sign(char),
}

impl Token {
    /// Whether it is this keyword, unquoted, in any case.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(name, false) if name.eq_ignore_ascii_case(keyword))
    }

    /// The name it gives, if it can be one.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Word(name, _) | Self::Text(name) => Some(name),
            _ => None,
        }
    }

    /// Whether two tokens mean the same: names and keywords are compared without case, as SQLite does.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Word(one, _), Self::Word(two, _)) => one.eq_ignore_ascii_case(two),
            _ => self == other,
        }
    }
}

/// A token and its offset in the text, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// The token.
    pub token: Token,
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

/// Cuts `sql` into tokens. Text that never ends is taken up to the end.
pub(crate) fn tokens(sql: &str) -> Vec<Placed> {
    let mut found = Vec::new();
    let mut rest = sql.char_indices().peekable();
    while let Some(&(start, first)) = rest.peek() {
        let tail = &sql[start..];
        let (length, token) = if first.is_whitespace() {
            (first.len_utf8(), None)
        } else if tail.starts_with("--") {
            (tail.find('\n').unwrap_or(tail.len()), None)
        } else if tail.starts_with("/*") {
            (tail.find("*/").map_or(tail.len(), |end| end + 2), None)
        } else if first == '\'' {
            let (length, text) = quoted(tail, '\'');
            (length, Some(Token::Text(text)))
        } else if first == '"' || first == '`' {
            let (length, name) = quoted(tail, first);
            (length, Some(Token::Word(name, true)))
        } else if first == '[' {
            let length = tail.find(']').map_or(tail.len(), |end| end + 1);
            (length, Some(Token::Word(tail[1..length].trim_end_matches(']').to_owned(), true)))
        } else if first.is_alphabetic() || first == '_' {
            let length = tail.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(tail.len());
            (length, Some(Token::Word(tail[..length].to_owned(), false)))
        } else if first.is_ascii_digit() {
            let length = tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(tail.len());
            (length, Some(Token::Number(tail[..length].to_owned())))
        } else {
            (first.len_utf8(), Some(Token::Sign(first)))
        };
        if let Some(token) = token {
            found.push(Placed { token, start, end: start + length });
        }
        while rest.next_if(|(at, _)| *at < start + length).is_some() {}
    }
    found
}

/// The content of a quoted text at the start of `text`, and the bytes that it takes with its quotes.
fn quoted(text: &str, quote: char) -> (usize, String) {
    let mut content = String::new();
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = rest.next() {
        if c != quote {
            content.push(c);
        } else if rest.next_if(|(_, next)| *next == quote).is_some() {
            content.push(quote);
        } else {
            return (at + 1, content);
        }
    }
    (text.len(), content)
}

/// Whether two SQL texts are the same but for white space, comments, case and quotes of names.
pub(super) fn same(one: &str, two: &str) -> bool {
    let (one, two) = (tokens(one), tokens(two));
    one.len() == two.len() && one.iter().zip(&two).all(|(one, two)| one.token.same(&two.token))
}

/// An expression without parentheses around all of it.
pub(super) fn bare(sql: &str) -> &str {
    let sql = sql.trim();
    let Some(inner) = sql.strip_prefix('(').and_then(|sql| sql.strip_suffix(')')) else { return sql };
    let mut depth = 0_i32;
    for placed in tokens(inner) {
        match placed.token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return sql;
        }
    }
    bare(inner)
}

/// `sql` with every mention of the column `from` turned into `to`, which is quoted unless it need not be.
pub(super) fn rename_column(sql: &str, from: &str, to: &str) -> String {
    let plain = !to.is_empty()
        && to.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
        && !to.starts_with(|c: char| c.is_ascii_digit());
    let mut result = String::with_capacity(sql.len());
    let mut done = 0;
    for placed in tokens(sql) {
        if let Token::Word(name, quoted) = &placed.token
            && name == from
        {
            result.push_str(&sql[done..placed.start]);
            if plain && !quoted {
                result.push_str(to);
            } else {
                result.push_str(&crate::db::quote(to));
            }
            done = placed.end;
        }
    }
    result.push_str(&sql[done..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_case_quotes_and_comments_do_not_matter() {
        assert!(same("CHECK (\"miles\" >= 0)", "check( miles>=0 ) -- not below"));
        assert!(same("a /* x */ b", "[a] `b`"));
        assert!(!same("'a'", "a"));
        assert!(!same("'a'", "'A'"));
        assert!(!same("a = 1", "a = 10"));
    }

    #[test]
    fn quotes_inside_quotes_are_part_of_the_text() {
        let found: Vec<Token> = tokens("'it''s' \"a\"\"b\"").into_iter().map(|placed| placed.token).collect();
        assert_eq!(found, [Token::Text("it's".into()), Token::Word("a\"b".into(), true)]);
    }

    #[test]
    fn a_rename_leaves_strings_alone() {
        assert_eq!(rename_column("old = 'old' AND \"old\" > 0", "old", "fresh"), "fresh = 'old' AND \"fresh\" > 0");
        assert_eq!(rename_column("older > old", "old", "priceMiles"), "older > \"priceMiles\"");
    }

    #[test]
    fn unfinished_text_ends_with_the_sql() {
        assert_eq!(tokens("'abc").len(), 1);
        assert_eq!(tokens("/* abc").len(), 0);
        assert_eq!(tokens("é 'ü' ß").len(), 3);
    }
}
