//! Which schemas a name without one is looked up in, so that no code of others runs with our rights.
//!
//! A role that may create in a schema of the search path can plant a function or an operator there that fits the types of a
//! call better than the server's own, and it then runs with the rights of its caller (the class of CVE-2018-1058).
//! Order is no help, because the better fit wins over the earlier schema. So every session looks in `pg_catalog` alone,
//! and our tables are named with their schema: by the statements themselves, or here for those that serve both engines
//! and that SeaORM writes, whose entities cannot name a schema that SQLite does not have.
//!
//! Only DDL runs with `public` in the path ([`DDL`]), because a name must mean the schema in which a table is made. In
//! it every expression matches a function of `pg_catalog` exactly, and an exact match in the earlier schema does win.

use std::borrow::Cow;

/// What every session and transaction looks in. The temporary schema is named because it would come first otherwise.
pub(crate) const SAFE: &str = "pg_catalog, pg_temp";

/// For statements that make and change tables: `pg_catalog`, which is not named, still comes first.
pub(crate) const DDL: &str = "public, pg_temp";

/// The schema of the contract's tables.
const HOME: &str = "public";

/// Types of the server's own that statements name in quotes: SeaORM reads an enumeration by a cast to `"text"`.
const SERVERS_TYPES: [&str; 2] = [r#""char""#, r#""text""#];

/// Words behind which a statement names a table.
const BEFORE_A_TABLE: [&str; 4] = ["FROM", "JOIN", "INTO", "UPDATE"];

/// `sql` with the schema before every quoted table, and every quoted type of a cast, that is named without one.
///
/// Quoted names are the tables of the contract, and the types of their columns where those are enumerations; what is unquoted is a query's own name or has its schema already.
pub(crate) fn qualify(sql: &str) -> Cow<'_, str> {
    let mut result = String::new();
    let mut done = 0;
    let mut scanner = Scanner { sql, at: 0 };
    let mut before = Before::default();
    while let Some(token) = scanner.next() {
        if let Token::Quoted(start, end) = token
            && (before.is_a_table(sql[end..].trim_start())
                || before.is_a_type() && !SERVERS_TYPES.contains(&&sql[start..end]))
            && !is_query_of_its_own(sql, &sql[start..end])
        {
            result.push_str(&sql[done..start]);
            result.push_str(HOME);
            result.push('.');
            done = start;
        }
        before.note(token, sql);
    }
    if done == 0 {
        return Cow::Borrowed(sql);
    }
    result.push_str(&sql[done..]);
    Cow::Owned(result)
}

/// Whether `name` is what a `WITH` of the statement calls a query: `"name" AS (…)`.
fn is_query_of_its_own(sql: &str, name: &str) -> bool {
    sql.match_indices(name).any(|(at, _)| {
        let rest = sql[at + name.len()..].trim_start();
        let rest = rest.get(..3).filter(|word| word.eq_ignore_ascii_case("as ")).map(|_| rest[3..].trim_start());
        rest.is_some_and(|rest| {
            rest.starts_with('(') || rest.get(..12).is_some_and(|word| word.eq_ignore_ascii_case("materialized"))
        })
    })
}

/// What precedes a token.
#[derive(Default)]
struct Before<'a> {
    word: &'a str,
    earlier: &'a str,
    /// For each open parenthesis, and for the statement itself, whether a query is inside: elsewhere `FROM` belongs to a
    /// function, as in `extract(epoch FROM "createdAt")`.
    query: Vec<bool>,
    /// For each open parenthesis whether it is that of `CAST (value AS type)`.
    cast: Vec<bool>,
    /// How many colons come directly before.
    colons: usize,
}

impl<'a> Before<'a> {
    fn is_a_table(&self, after: &str) -> bool {
        let is = |word: &str, other: &str| word.eq_ignore_ascii_case(other);
        let is_function = after.starts_with('(') && !is(self.word, "INTO");
        let follows = |before: &str| BEFORE_A_TABLE.iter().any(|word| is(word, before));
        (follows(self.word) || is(self.word, "ONLY") && follows(self.earlier))
            && !is(self.earlier, "DISTINCT")
            && self.query.last().is_none_or(|query| *query)
            && !after.starts_with('.')
            && !is_function
    }

    fn is_a_type(&self) -> bool {
        self.colons == 2 || self.word.eq_ignore_ascii_case("AS") && self.cast.last() == Some(&true)
    }

    fn note(&mut self, token: Token, sql: &'a str) {
        let word = match token {
            Token::Word(start, end) => &sql[start..end],
            Token::Open => {
                self.query.push(false);
                self.cast.push(self.word.eq_ignore_ascii_case("CAST"));
                ""
            }
            Token::Close => {
                self.query.pop();
                self.cast.pop();
                ""
            }
            Token::Quoted(..) | Token::Colon | Token::Other => "",
        };
        self.colons = if matches!(token, Token::Colon) { self.colons + 1 } else { 0 };
        if ["SELECT", "DELETE", "UPDATE", "INSERT"].iter().any(|begin| begin.eq_ignore_ascii_case(word))
            && let Some(query) = self.query.last_mut()
        {
            *query = true;
        }
        self.earlier = std::mem::replace(&mut self.word, word);
    }
}

#[derive(Clone, Copy)]
enum Token {
    /// A keyword or a name without quotes, from and to.
    Word(usize, usize),
    /// A name in double quotes, from and to.
    Quoted(usize, usize),
    Open,
    Close,
    Colon,
    /// A literal, a number, an operator, a comma.
    Other,
}

struct Scanner<'a> {
    sql: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<Token> {
        loop {
            let rest = &self.sql[self.at..];
            let first = rest.chars().next()?;
            let start = self.at;
            let skip = if rest.starts_with("--") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            } else if first.is_whitespace() {
                first.len_utf8()
            } else {
                0
            };
            if skip > 0 {
                self.at += skip;
                continue;
            }
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let length = match first {
                '"' | '\'' => closed(rest, first),
                c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
                c => c.len_utf8(),
            };
            self.at += length;
            return Some(match first {
                '"' => Token::Quoted(start, self.at),
                '(' => Token::Open,
                ')' => Token::Close,
                ':' => Token::Colon,
                c if c.is_alphabetic() || c == '_' => Token::Word(start, self.at),
                _ => Token::Other,
            });
        }
    }
}

/// The length of what is quoted at the start of `text`; a doubled quote inside does not end it.
fn closed(text: &str, quote: char) -> usize {
    let mut from = 1;
    loop {
        let Some(end) = text[from..].find(quote).map(|end| from + end + 1) else { return text.len() };
        if !text[end..].starts_with(quote) {
            return end;
        }
        from = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_get_their_schema() {
        for (given, expected) in [
            (
                r#"SELECT "users"."miles" FROM "users" WHERE "users"."userId" = $1"#,
                r#"SELECT "users"."miles" FROM public."users" WHERE "users"."userId" = $1"#,
            ),
            (
                r#"SELECT CAST($1 AS "mood"), $2::"mood", '{}'::"mood"[], 'r'::"char""#,
                r#"SELECT CAST($1 AS public."mood"), $2::public."mood", '{}'::public."mood"[], 'r'::"char""#,
            ),
            (
                r#"SELECT CAST("users"."mood" AS "text"), "moods"::"text"[] FROM "users""#,
                r#"SELECT CAST("users"."mood" AS "text"), "moods"::"text"[] FROM public."users""#,
            ),
            (r#"INSERT INTO "users" ("userId") VALUES ($1)"#, r#"INSERT INTO public."users" ("userId") VALUES ($1)"#),
            (r#"update "users" set "miles" = 1"#, r#"update public."users" set "miles" = 1"#),
            (
                r#"SELECT count(*) AS "users" FROM "flights" f JOIN "users" u ON u."a" = f."b""#,
                r#"SELECT count(*) AS "users" FROM public."flights" f JOIN public."users" u ON u."a" = f."b""#,
            ),
            (
                r#"DELETE FROM ONLY "users" WHERE "a" IN (SELECT "a" FROM ONLY "flights")"#,
                r#"DELETE FROM ONLY public."users" WHERE "a" IN (SELECT "a" FROM ONLY public."flights")"#,
            ),
            (
                r#"SELECT (SELECT 1 FROM "users") FROM "flights""#,
                r#"SELECT (SELECT 1 FROM public."users") FROM public."flights""#,
            ),
            (
                r#"INSERT INTO "users" ("a") SELECT "a" FROM "flights" ON CONFLICT DO UPDATE SET "a" = 1"#,
                r#"INSERT INTO public."users" ("a") SELECT "a" FROM public."flights" ON CONFLICT DO UPDATE SET "a" = 1"#,
            ),
        ] {
            assert_eq!(qualify(given), expected);
        }
    }

    #[test]
    fn all_else_stays_as_it_is() {
        for sql in [
            r#"SELECT extract(epoch FROM "appliedAt") FROM "skyteam"."migrations""#,
            r#"SELECT 'x FROM "users"', $1 -- FROM "users"
            /* FROM "users" */ FROM public."users""#,
            r#"SELECT 1 FROM pg_class WHERE "a" IS DISTINCT FROM "b""#,
            r#"WITH "found" AS (SELECT 1) SELECT * FROM "found""#,
            r#"WITH "found" AS MATERIALIZED (SELECT 1) SELECT * FROM "found""#,
            r#"SELECT 1 FROM "function"(1)"#,
            r#"SELECT 1 FROM entry FOR UPDATE"#,
            r#"SELECT 'it''s FROM "users"', "a""b" FROM x"#,
        ] {
            assert!(matches!(qualify(sql), Cow::Borrowed(same) if same == sql), "{sql}");
        }
    }
}
