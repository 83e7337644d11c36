//! A tokeniser of SQL, as far as both engines agree: to compare texts and to rename columns in them.
//!
//! White space is that of ASCII, and every other character beyond ASCII is one of a name, as both engines have it.
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
    pub(crate) fn same(&self, other: &Self) -> bool {
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
        let (length, token) = if is_blank(first) {
            (1, None)
        } else if tail.starts_with("--") {
            (tail.find('\n').unwrap_or(tail.len()), None)
        } else if let Some(comment) = tail.strip_prefix("/*") {
            // The star that begins it does not end it: `/*/`.
            (comment.find("*/").map_or(tail.len(), |end| end + 4), None)
        } else if first == '\'' {
            let (length, text) = quoted(tail, '\'');
            (length, Some(Token::Text(text)))
        } else if first == '"' || first == '`' {
            let (length, name) = quoted(tail, first);
            (length, Some(Token::Word(name, true)))
        } else if first == '[' {
            let length = tail.find(']').map_or(tail.len(), |end| end + 1);
            (length, Some(Token::Word(tail[1..length].trim_end_matches(']').to_owned(), true)))
        } else if is_name(first) && !first.is_ascii_digit() && first != '$' {
            let length = tail.find(|c: char| !is_name(c)).unwrap_or(tail.len());
            (length, Some(Token::Word(tail[..length].to_owned(), false)))
        } else if first.is_ascii_digit() || first == '.' && tail[1..].starts_with(|c: char| c.is_ascii_digit()) {
            let length = number(tail);
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

/// White space. SQLite takes the vertical tab for it behind other white space, PostgreSQL from version 16 on.
fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}'
}

/// Whether a character may be in a name without quotes.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// The length of the number at the start of `text`, with its exponent: `1.5e+3`.
fn number(text: &str) -> usize {
    let digits = |text: &str| text.find(|c: char| !(is_name(c) || c == '.')).unwrap_or(text.len());
    let length = digits(text);
    let is_hexadecimal = text[..length].starts_with(['0']) && text[1..].starts_with(['x', 'X']);
    let signed = !is_hexadecimal && text[..length].ends_with(['e', 'E']);
    match text[length..].strip_prefix(['+', '-']) {
        Some(exponent) if signed && exponent.starts_with(|c: char| c.is_ascii_digit()) => length + 1 + digits(exponent),
        _ => length,
    }
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
pub(crate) fn same(one: &str, two: &str) -> bool {
    let (one, two) = (tokens(one), tokens(two));
    one.len() == two.len() && one.iter().zip(&two).all(|(one, two)| one.token.same(&two.token))
}

/// An expression without parentheses around all of it.
pub(crate) fn bare(sql: &str) -> &str {
    let tokens = tokens(sql);
    // Where the parenthesis at each place is closed. One pass, however deep they nest.
    let mut closed = vec![usize::MAX; tokens.len()];
    let mut open = Vec::new();
    for (at, placed) in tokens.iter().enumerate() {
        match placed.token {
            Token::Sign('(') => open.push(at),
            Token::Sign(')') => {
                let Some(opened) = open.pop() else { return sql.trim_matches(is_blank) };
                closed[opened] = at;
            }
            _ => {}
        }
    }
    let (mut first, mut behind) = (0, tokens.len());
    while first + 1 < behind && closed[first] == behind - 1 {
        (first, behind) = (first + 1, behind - 1);
    }
    match first {
        0 => sql.trim_matches(is_blank),
        // With the comments that are inside.
        _ => sql[tokens[first - 1].end..tokens[behind].start].trim_matches(is_blank),
    }
}

/// `sql` with every mention of the column `from` turned into `to`, which is quoted unless it need not be.
pub(crate) fn rename_column(sql: &str, from: &str, to: &str) -> String {
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
                // Two quoted names side by side would be one, with a quote in it.
                if sql[done..placed.start].ends_with('"') {
                    result.push(' ');
                }
                result.push_str(&crate::db::quote(to));
                if sql[placed.end..].starts_with('"') {
                    result.push(' ');
                }
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
        assert_eq!(rename_column("[old]\"b\"[old]", "old", "c"), "\"c\" \"b\" \"c\"");
        assert_eq!(rename_column("older > old", "old", "priceMiles"), "older > \"priceMiles\"");
    }

    #[test]
    fn unfinished_text_ends_with_the_sql() {
        assert_eq!(tokens("'abc").len(), 1);
        assert_eq!(tokens("/* abc").len(), 0);
        assert_eq!(tokens("é 'ü' ß").len(), 3);
        assert_eq!(tokens("/*/ abc */ d").len(), 1);
    }

    #[test]
    fn characters_beyond_ascii_are_those_of_names() {
        for name in ["🛫", "a\u{a0}b", "\u{3000}", "día"] {
            let found: Vec<Token> = tokens(name).into_iter().map(|placed| placed.token).collect();
            assert_eq!(found, [Token::Word(name.into(), false)]);
        }
    }

    #[test]
    fn a_number_has_its_point_and_its_exponent() {
        for number in ["1e+5", "1.5E-3", ".5", "0x1F", "1_000"] {
            let found: Vec<Token> = tokens(number).into_iter().map(|placed| placed.token).collect();
            assert_eq!(found, [Token::Number(number.into())]);
        }
        assert_eq!((tokens("1+5").len(), tokens("0x1e+5").len(), tokens("t.a").len()), (3, 3, 3));
    }

    #[test]
    fn parentheses_around_all_of_it_are_taken_away_however_many() {
        assert_eq!(bare(" ((a) = (b)) "), "(a) = (b)");
        assert_eq!(bare("((a /* ) */))"), "a /* ) */");
        assert_eq!(bare("\u{b}( 'it''s' \u{b}) "), "'it''s'");
        assert_eq!((bare("(a) + (b)"), bare("(a))"), bare("()"), bare("")), ("(a) + (b)", "(a))", "", ""));
        let deep = 200_000;
        assert_eq!(bare(&format!("{}a{}", "(".repeat(deep), ")".repeat(deep))), "a");
    }
}
