//! Whether a statement is an EXPLAIN that runs what it explains. The server describes one column for any EXPLAIN, so what is
//! behind it has to be asked about by itself; to that end its beginning is read here, by the rules of PostgreSQL's grammar.
//! Nothing else is judged by its text.

/// Words of an option list that run nothing. Anything else is taken for ANALYZE: options can also be written as escapes.
const HARMLESS: [&str; 21] = [
    "0",
    "1",
    "binary",
    "buffers",
    "costs",
    "false",
    "format",
    "generic_plan",
    "json",
    "memory",
    "none",
    "off",
    "on",
    "settings",
    "summary",
    "text",
    "true",
    "verbose",
    "wal",
    "xml",
    "yaml",
];

/// What begins a query in parentheses, which is no list of options.
const QUERIES: [&str; 4] = ["select", "table", "values", "with"];

/// What a statement is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// No EXPLAIN.
    Other,
    /// It shows what the server means to do.
    Plan,
    /// It runs this statement, or may do so.
    Analyze(&'a str),
    /// An EXPLAIN with options that are not plain words.
    Unclear,
}

/// Which of these a text of one statement is.
pub(super) fn form(text: &str) -> Form<'_> {
    let mut start = skip(text);
    // Empty statements before the first are none for the server.
    while let Some(rest) = start.strip_prefix(';') {
        start = skip(rest);
    }
    let Some(rest) = keyword(start, &["explain"]) else { return Form::Other };
    let rest = skip(rest);
    let Some(list) = rest.strip_prefix('(') else {
        let Some(rest) = keyword(rest, &["analyze", "analyse"]) else { return Form::Plan };
        return Form::Analyze(keyword(skip(rest), &["verbose"]).unwrap_or(rest));
    };
    let inside = skip(list);
    if inside.starts_with('(') || keyword(inside, &QUERIES).is_some() {
        return Form::Plan;
    }
    let Some((options, inner)) = list.split_once(')') else { return Form::Unclear };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ',' || is_space(c);
    if !options.chars().all(is_plain) {
        return Form::Unclear;
    }
    let mut words = options.split(|c: char| c == ',' || is_space(c)).filter(|word| !word.is_empty());
    let is_harmless = |word: &str| HARMLESS.iter().any(|known| known.eq_ignore_ascii_case(word));
    if words.all(is_harmless) { Form::Plan } else { Form::Analyze(inner) }
}

/// What PostgreSQL's scanner takes for space.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// The text without the space and the comments that it begins with. Comments may contain comments.
fn skip(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches(is_space);
        if let Some(comment) = text.strip_prefix("--") {
            text = comment.find(['\n', '\r']).map_or("", |end| &comment[end..]);
        } else if text.starts_with("/*") {
            text = behind_comment(text);
        } else {
            return text;
        }
    }
}

/// What follows the comment that a text begins with; nothing where it never ends.
fn behind_comment(mut text: &str) -> &str {
    let mut depth = 0_usize;
    while let Some(at) = text.find(['/', '*']) {
        let (mark, rest) = match &text[at..] {
            rest if rest.starts_with("/*") => (1, &rest[2..]),
            rest if rest.starts_with("*/") => (-1, &rest[2..]),
            rest => (0, &rest[1..]),
        };
        text = rest;
        depth = depth.saturating_add_signed(mark);
        if mark < 0 && depth == 0 {
            return text;
        }
    }
    ""
}

/// What follows one of these words, where the text begins with it.
fn keyword<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    words.iter().any(|known| known.eq_ignore_ascii_case(word)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_explain_runs_is_found_behind_anything() {
        for text in [
            "EXPLAIN ANALYZE SELECT 1",
            "explain analyse verbose SELECT 1",
            "EXPLAIN(ANALYZE)SELECT 1",
            "EXPLAIN (FORMAT JSON, analyze on, verbose) SELECT 1",
            "EXPLAIN (serialize text) SELECT 1",
            "; /* a /* b */ c */ -- d\n ;\x0bEXPLAIN/**/ANALYZE/* e */SELECT 1",
            "--\rEXPLAIN --\n ANALYZE --\n VERBOSE SELECT 1",
        ] {
            let Form::Analyze(inner) = form(text) else { panic!("{text}") };
            assert_eq!(skip(inner), "SELECT 1", "{text}");
        }
        for text in [
            "EXPLAIN SELECT 1",
            "EXPLAIN VERBOSE DELETE FROM a",
            "EXPLAIN (FORMAT JSON) DELETE FROM a",
            "EXPLAIN (COSTS off,BUFFERS 0) SELECT ')'",
            "EXPLAIN (SELECT 1) UNION SELECT 2",
            "EXPLAIN (/**/(VALUES (1)))",
            "EXPLAIN () SELECT 1",
        ] {
            assert_eq!(form(text), Form::Plan, "{text}");
        }
        for text in [
            r#"EXPLAIN ("analyze") SELECT 1"#,
            r#"EXPLAIN (U&"\0061nalyze") SELECT 1"#,
            "EXPLAIN (FORMAT 'json') SELECT 1",
            "EXPLAIN (/**/ ANALYZE) SELECT 1",
            "EXPLAIN (ANALYZE",
        ] {
            assert_eq!(form(text), Form::Unclear, "{text}");
        }
        for text in
            ["", ";", "SELECT 'EXPLAIN ANALYZE'", "explained", "-- EXPLAIN", "/* EXPLAIN", "\"explain\" analyze", "/*/"]
        {
            assert_eq!(form(text), Form::Other, "{text}");
        }
    }
}
