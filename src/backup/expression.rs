//! Whether an SQL expression out of a file computes a value and does nothing else.
//!
//! Not a parser of SQL: both engines parse it themselves, with a search path that holds nothing but PostgreSQL's own
//! catalogue. What is looked at here is which words it has. A function must be one of a list; a name with a schema
//! must be a type that the caller knows, straight behind a text; parentheses must be closed where they were opened, and no
//! comma, semicolon or comment may end the clause that it is put into.

/// Functions of both engines that compute a value from what they are given, read a clock or throw dice.
const FUNCTIONS: &[&str] = &[
    "abs",
    "age",
    "array_append",
    "array_cat",
    "array_length",
    "array_lower",
    "array_position",
    "array_remove",
    "array_to_string",
    "array_upper",
    "bit_length",
    "btrim",
    "cardinality",
    "ceil",
    "ceiling",
    "char",
    "char_length",
    "character_length",
    "chr",
    "clock_timestamp",
    "coalesce",
    "concat",
    "concat_ws",
    "date",
    "date_bin",
    "date_part",
    "date_trunc",
    "datetime",
    "daterange",
    "decode",
    "div",
    "encode",
    "exp",
    "extract",
    "floor",
    "gen_random_uuid",
    "glob",
    "greatest",
    "hex",
    "ifnull",
    "iif",
    "initcap",
    "instr",
    "int4range",
    "int8range",
    "isempty",
    "isfinite",
    "json_array_length",
    "json_build_array",
    "json_build_object",
    "json_extract",
    "json_type",
    "json_typeof",
    "json_valid",
    "jsonb_array_length",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_typeof",
    "julianday",
    "justify_days",
    "justify_hours",
    "least",
    "left",
    "length",
    "like",
    "like_escape",
    "ln",
    "localtimestamp",
    "log",
    "lower",
    "lower_inc",
    "lpad",
    "ltrim",
    "make_date",
    "make_interval",
    "make_time",
    "make_timestamp",
    "make_timestamptz",
    "max",
    "md5",
    "min",
    "mod",
    "now",
    "nullif",
    "num_nonnulls",
    "num_nulls",
    "numrange",
    "octet_length",
    "overlay",
    "position",
    "power",
    "quote",
    "random",
    "randomblob",
    "regexp_like",
    "regexp_match",
    "regexp_replace",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "rpad",
    "rtrim",
    "scale",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sign",
    "similar_to_escape",
    "split_part",
    "sqrt",
    "starts_with",
    "statement_timestamp",
    "strftime",
    "string_to_array",
    "strpos",
    "substr",
    "substring",
    "textcat",
    "time",
    "timezone",
    "to_char",
    "to_date",
    "to_hex",
    "to_json",
    "to_jsonb",
    "to_number",
    "to_timestamp",
    "to_tsvector",
    "setweight",
    "transaction_timestamp",
    "translate",
    "trim",
    "trunc",
    "tsrange",
    "tstzrange",
    "typeof",
    "unhex",
    "unicode",
    "unixepoch",
    "upper",
    "upper_inc",
    "zeroblob",
];

/// Words that precede a parenthesis and call nothing.
const BEFORE_PARENTHESES: &[&str] = &[
    "all", "and", "any", "array", "as", "between", "case", "cast", "check", "default", "else", "from", "ilike", "in",
    "is", "key", "like", "not", "on", "or", "row", "similar", "some", "then", "to", "unique", "using", "when", "where",
];

/// Words that begin what is more than an expression.
const FORBIDDEN: &[&str] = &[
    "attach",
    "begin",
    "call",
    "commit",
    "copy",
    "create",
    "delete",
    "do",
    "drop",
    "execute",
    "exists",
    "grant",
    "insert",
    "into",
    "operator",
    "pragma",
    "raise",
    "returning",
    "select",
    "set",
    "table",
    "truncate",
    "union",
    "update",
    "values",
    "with",
];

/// Those that say what becomes of a reference: `ON DELETE SET NULL`.
const OF_REFERENCES: &[&str] = &["delete", "set", "update"];

/// What a text may contain beside an expression.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context<'a> {
    /// Types with a schema that may be cast to, as `schema.name`, unquoted.
    pub types: &'a [String],
    /// Whether it is the whole definition of a column of SQLite: keys and references are part of it.
    pub column: bool,
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Quoted(String),
    Text,
    Number,
    Sign(char),
}

/// Looks at an expression.
///
/// # Errors
/// What is in it that may do more than compute a value, as a clause for people.
pub(crate) fn check(sql: &str, context: Context<'_>) -> Result<(), String> {
    let tokens = tokens(sql)?;
    let mut depth: Vec<char> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign(open @ ('(' | '[')) => depth.push(*open),
            Token::Sign(close @ (')' | ']')) => {
                let open = if *close == ')' { '(' } else { '[' };
                if depth.pop() != Some(open) {
                    return Err("its parentheses do not match".into());
                }
            }
            Token::Sign(',') if depth.is_empty() => return Err("a comma ends it".into()),
            Token::Word(word) if is(word, FORBIDDEN) && !(context.column && is(word, OF_REFERENCES)) => {
                return Err(format!("it has the word {word}"));
            }
            Token::Word(_) | Token::Quoted(_) => word(&tokens, at, context)?,
            _ => {}
        }
    }
    if depth.is_empty() { Ok(()) } else { Err("its parentheses do not match".into()) }
}

/// Looks at a name: what it calls, and whether its schema is one that may be named.
fn word(tokens: &[Token<'_>], at: usize, context: Context<'_>) -> Result<(), String> {
    let name = name_of(&tokens[at]);
    let sign = |place: Option<usize>, c: char| place.and_then(|place| tokens.get(place)) == Some(&Token::Sign(c));
    let before = at.checked_sub(1);
    let is_cast = |first: usize| sign(first.checked_sub(1), ':') && sign(first.checked_sub(2), ':');
    if sign(Some(at + 1), '.') {
        let Some(part) = tokens.get(at + 2).map(name_of) else { return Err("it ends in a name's middle".into()) };
        if name == "pg_catalog" {
            return Ok(());
        }
        let behind_text = at.checked_sub(3).and_then(|place| tokens.get(place)) == Some(&Token::Text);
        let known = context.types.contains(&format!("{name}.{part}"));
        if is_cast(at) && behind_text && known && !sign(Some(at + 3), '(') {
            return Ok(());
        }
        return Err(format!("it names {name}.{part}"));
    }
    if !sign(Some(at + 1), '(') {
        return Ok(());
    }
    let qualified = sign(before, '.');
    let plain = matches!(tokens[at], Token::Word(_));
    let lower = name.to_lowercase();
    // The modifiers of a type: `x::numeric(10,2)`, `x::character varying(20)`, `x::timestamp(3) without time zone`.
    let mut first = at;
    while first > 0 && matches!(tokens[first - 1], Token::Word(_)) && !qualified {
        first -= 1;
    }
    let of_two_words = first + 1 == at && lower == "varying" && is(&name_of(&tokens[first]), &["character", "bit"]);
    if plain && is_cast(first) && (first == at || of_two_words) {
        return Ok(());
    }
    if context.column {
        let previous = before.map(|place| name_of(&tokens[place]).to_lowercase());
        if previous.as_deref() == Some("references") {
            return Ok(());
        }
    }
    if plain && (is(&lower, FUNCTIONS) || !qualified && is(&lower, BEFORE_PARENTHESES)) {
        return Ok(());
    }
    Err(format!("it calls {name}"))
}

fn name_of(token: &Token<'_>) -> String {
    match token {
        Token::Word(word) => (*word).to_owned(),
        Token::Quoted(name) => name.clone(),
        Token::Text | Token::Number => String::new(),
        Token::Sign(sign) => sign.to_string(),
    }
}

fn is(word: &str, list: &[&str]) -> bool {
    list.iter().any(|each| each.eq_ignore_ascii_case(word))
}

/// Cuts an expression into tokens; what could be read in two ways is refused.
fn tokens(sql: &str) -> Result<Vec<Token<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let length = match first {
            _ if rest.starts_with("--") || rest.starts_with("/*") => return Err("it has a comment".into()),
            ';' | '\\' | '$' | '`' | '{' | '}' | '\0' => return Err(format!("it has the character {first:?}")),
            '&' if after.starts_with(['\'', '"']) => return Err("it has a text with escapes".into()),
            '\'' => {
                let escaped = matches!(found.last(), Some(Token::Word("e" | "E"))) && ends_in_word(sql, rest);
                let length = text(rest, escaped)?;
                found.push(Token::Text);
                length
            }
            '"' => {
                let mut end = 1;
                loop {
                    end += rest[end..].find('"').ok_or("a name in it does not end")? + 1;
                    if !rest[end..].starts_with('"') {
                        break;
                    }
                    end += 1;
                }
                found.push(Token::Quoted(rest[1..end - 1].replace("\"\"", "\"")));
                end
            }
            // To both engines a blank of Unicode is a character of a name, like all beyond ASCII.
            c if c.is_ascii_whitespace() => 1,
            c if c.is_alphabetic() || c == '_' => {
                let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                found.push(Token::Word(&rest[..length]));
                length
            }
            c if c.is_ascii_digit() => {
                let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
                found.push(Token::Number);
                length
            }
            c if c.is_ascii() => {
                found.push(Token::Sign(c));
                1
            }
            c => return Err(format!("it has the character {c:?}")),
        };
        rest = &rest[length..];
    }
    Ok(found)
}

/// Whether what comes directly before `rest` in `sql` is a word.
fn ends_in_word(sql: &str, rest: &str) -> bool {
    sql[..sql.len() - rest.len()].ends_with(['e', 'E'])
}

/// The length of a text at the start of `rest`. A backslash means different things in one and another server's settings, so
/// it may be only where the text says itself that it escapes.
fn text(rest: &str, escaped: bool) -> Result<usize, String> {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' if escaped => drop(characters.next()),
            '\\' => return Err("a text in it has a backslash".into()),
            '\'' if characters.next_if(|(_, next)| *next == '\'').is_some() => {}
            '\'' => return Ok(at + 1),
            _ => {}
        }
    }
    Err("a text in it does not end".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_computes_a_value_is_let_through() {
        let types = ["public.mood".to_owned()];
        for sql in [
            "0",
            "1.50",
            "'it''s'::text",
            r"E'a\nb\''::text",
            "now()",
            "(now() AT TIME ZONE 'utc'::text)",
            "CURRENT_TIMESTAMP",
            "'happy'::public.mood",
            "ARRAY['happy'::public.mood]",
            "'{}'::jsonb",
            r#"(miles > 0) AND ("displayName" <> ''::text)"#,
            "((code)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
            "(score)::numeric(10,2) > 0.5",
            "char_length((name)::character varying(20)) < 3",
            "upper((username COLLATE \"C\"))",
            "CASE WHEN (a IS NULL) THEN 0 ELSE 1 END",
            "EXTRACT(year FROM \"createdAt\") > 2000",
            "length(x) BETWEEN 1 AND 10",
            "data ? 'key'::text",
            "a[1] = 3",
        ] {
            assert_eq!(check(sql, Context { types: &types, column: false }), Ok(()), "{sql}");
        }
    }

    #[test]
    fn what_does_more_is_not() {
        for sql in [
            "pg_read_file('/etc/passwd'::text)",
            "lower\u{a0}(x)",
            "lower\u{3000}(x)",
            "public.evil()",
            "\"upper\"(x)",
            "evil (x)",
            "\"pg_read_file\"('x')",
            "pg_catalog.pg_sleep(100)",
            "query_to_xml('DROP TABLE users', true, true, '')",
            "nextval('s'::regclass)",
            "(SELECT 1)",
            "1); DROP TABLE users; --",
            "1) , DROP COLUMN miles",
            "1, OWNER TO evil",
            "1 /* */",
            "1 -- x",
            "a OPERATOR(evil.=) b",
            "$$x$$",
            "U&'x'",
            r"'a\' || evil() || '",
            "'open",
            "x::evil.type",
            "(x)::public.mood",
            "x::public.mood",
            "x::numeric evil(3)",
            "lo_import('x')",
            "set_config('a','b',false)",
            "(1]",
            "in_(1)",
        ] {
            let types = ["public.mood".to_owned()];
            assert!(check(sql, Context { types: &types, column: false }).is_err(), "{sql}");
        }
    }

    #[test]
    fn a_column_of_sqlite_may_refer_to_a_table() {
        let context = Context { types: &[], column: true };
        let sql =
            r#"TEXT NOT NULL DEFAULT 'x' COLLATE NOCASE CHECK (length("a") < 9) REFERENCES "airlines" ("airlineId")"#;
        assert_eq!(check(sql, context), Ok(()));
        for sql in [
            "TEXT DEFAULT (load_extension('x'))",
            "TEXT, b TEXT",
            "TEXT) STRICT; DROP TABLE users",
            "TEXT AS (evil(a))",
        ] {
            assert!(check(sql, context).is_err(), "{sql}");
        }
    }
}
