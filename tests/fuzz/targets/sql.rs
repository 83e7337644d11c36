//! Readers of SQL.

use rusqlite::Connection;

use super::parts;
use crate::backup::expression;
use crate::schema::live::create_table::{index, table, table_text};
use crate::schema::model::Rule;
use crate::schema::sql_tokens::{Token, bare, rename_column, same, tokens};

/// A text of SQL, and the old and the new name of a column.
pub(super) fn sql(data: &[u8]) {
    let Some([from, to, text]) = parts::<3>(data) else { return };
    let found = tokens(text);
    let mut end = 0;
    for placed in &found {
        assert!(end <= placed.start && placed.start < placed.end, "tokens are in their order");
        assert!(text.get(placed.start..placed.end).is_some(), "tokens are whole characters");
        end = placed.end;
    }
    assert!(same(text, text));
    let inner = bare(text);
    assert!(text.contains(inner) && bare(inner) == inner);
    let _ = (index(text), table(text), table_text(text));
    let context = expression::Context { types: &[], column: false };
    if expression::check(text, context).is_ok() {
        let of_column = expression::Context { column: true, ..context };
        assert!(expression::check(text, of_column).is_ok(), "a column may have what an expression may");
    }
    if !from.is_empty() && !to.is_empty() && from != to {
        let renamed = rename_column(text, from, to);
        let names = |text: &str, name: &str| {
            tokens(text).iter().filter(|placed| matches!(&placed.token, Token::Word(word, _) if word == name)).count()
        };
        let wanted = names(text, from) + names(text, to);
        // A text that never ends, or a token right before a quote, is none that an engine takes.
        let complete = !renamed.ends_with(|c: char| c != ')');
        if complete && tokens(&renamed).len() == found.len() {
            assert_eq!(names(&renamed, to), wanted, "every mention has the new name: {renamed}");
        }
    }
}

/// A table that SQLite makes of a text: what is read of it is what SQLite's own pragmas say.
pub(super) fn create_table(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lower = text.to_ascii_lowercase();
    // A table of a query has no text of its own.
    if !lower.starts_with("create table t") || ["select", "values", "\0"].iter().any(|word| lower.contains(word)) {
        return;
    }
    if let Err(difference) = agrees_with_sqlite(text) {
        panic!("{difference}\n{text}");
    }
}

/// Has SQLite make the table and compares. A statement that SQLite refuses, and a table that is not called `t`, is no
/// difference.
///
/// # Errors
/// What differs.
pub(crate) fn agrees_with_sqlite(statement: &str) -> Result<(), String> {
    let said = |error: rusqlite::Error| error.to_string();
    let sqlite = Connection::open_in_memory().map_err(said)?;
    let made = sqlite.prepare(statement).and_then(|mut prepared| prepared.raw_execute());
    if made.is_err() {
        return Ok(());
    }
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 't'";
    let Ok(stored) = sqlite.query_row(sql, [], |row| row.get::<_, String>(0)) else { return Ok(()) };
    let read = table(&stored).map_err(|problem| format!("it is not understood: {problem}"))?;
    let texts = table_text(&stored).map_err(|problem| format!("its texts are not understood: {problem}"))?;

    let all = |sql: &str, count: usize| -> Result<Vec<Vec<String>>, String> {
        let mut prepared = sqlite.prepare(sql).map_err(said)?;
        let rows = prepared.query_map([], |row| {
            let cell = |at| row.get_ref(at).map(|cell| cell.as_str().map(str::to_owned).unwrap_or("NULL".into()));
            (0..count).map(cell).collect()
        });
        rows.and_then(Iterator::collect).map_err(said)
    };
    let equal = |what: &str, ours: &dyn std::fmt::Debug, theirs: &dyn std::fmt::Debug| {
        let (ours, theirs) = (format!("{ours:?}"), format!("{theirs:?}"));
        if ours == theirs { Ok(()) } else { Err(format!("{what}: {ours}, but SQLite says {theirs}")) }
    };

    // Columns, whether they must have a value, their defaults, and which of them are computed.
    let columns = all(
        "SELECT name, CAST(\"notnull\" AS text), dflt_value, CAST(hidden AS text), CAST(pk AS text)
         FROM pragma_table_xinfo('t')",
        5,
    )?;
    let names: Vec<&str> = columns.iter().map(|column| column[0].as_str()).collect();
    equal("columns", &read.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), &names)?;
    equal("texts of columns", &texts.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), &names)?;
    let rowless: i64 = sqlite
        .query_row("SELECT wr FROM pragma_table_list('t') WHERE schema = 'main'", [], |row| row.get(0))
        .map_err(said)?;
    let strict: i64 = sqlite
        .query_row("SELECT strict FROM pragma_table_list('t') WHERE schema = 'main'", [], |row| row.get(0))
        .map_err(said)?;
    equal("strict, without rowid", &(read.strict, read.without_rowid), &(strict == 1, rowless == 1))?;
    for (ours, theirs) in read.columns.iter().zip(&columns) {
        // The key of a table that is strict or without rowids must have a value, and says so nowhere.
        if theirs[4] == "0" || rowless + strict == 0 {
            equal("NOT NULL", &ours.required, &(theirs[1] == "1"))?;
        }
        let computed = theirs[3] != "0";
        let is_computed = ours.default.as_deref().is_some_and(|text| text.starts_with("GENERATED"));
        equal("computed", &is_computed, &computed)?;
        if !computed {
            let given = |text: &str| tokens(bare(text)).into_iter().map(|placed| placed.token).collect::<Vec<_>>();
            let default = ours.default.as_deref().unwrap_or("NULL");
            equal("default", &given(default), &given(&theirs[2]))?;
        }
    }

    // Foreign keys: those of ours that are understood are SQLite's, and no more are left than are not understood.
    let keys = all(
        "SELECT group_concat(\"from\", char(31)), \"table\", coalesce(group_concat(\"to\", char(31)), ''), on_update, on_delete
         FROM (SELECT * FROM pragma_foreign_key_list('t') ORDER BY id, seq) GROUP BY id",
        5,
    )?;
    let mut theirs: Vec<Vec<String>> =
        keys.into_iter().map(|key| key.iter().map(|cell| cell.to_lowercase()).collect()).collect();
    for (constraint, _) in &read.constraints {
        let Rule::ForeignKey(key) = &constraint.rule else { continue };
        let ours = [
            key.columns.join("\u{1f}"),
            key.table.clone(),
            key.references.join("\u{1f}"),
            key.on_update.sql().to_owned(),
            key.on_delete.sql().to_owned(),
        ];
        let ours: Vec<String> = ours.iter().map(|cell| cell.to_lowercase()).collect();
        match theirs.iter().position(|key| *key == ours) {
            Some(at) => drop(theirs.remove(at)),
            None => return Err(format!("foreign key {ours:?}, but SQLite has {theirs:?}")),
        }
    }
    let unsupported = read.constraints.iter().filter(|(constraint, _)| matches!(&constraint.rule, Rule::Unsupported(text) if text.to_uppercase().contains("REFERENCES"))).count();
    if theirs.len() > unsupported {
        return Err(format!("foreign keys {theirs:?} of SQLite are not seen"));
    }

    // Keys: the columns of the primary key, and of each unique constraint.
    let primary = all("SELECT name FROM pragma_table_xinfo('t') WHERE pk > 0 ORDER BY pk", 1)?;
    let primary: Vec<String> = primary.into_iter().map(|row| row[0].to_lowercase()).collect();
    let is_primary = |rule: &Rule| matches!(rule, Rule::PrimaryKey(_) | Rule::UnsupportedPrimaryKey(_));
    match read.constraints.iter().map(|(constraint, _)| &constraint.rule).find(|rule| is_primary(rule)) {
        None => equal("primary key", &Vec::<String>::new(), &primary)?,
        Some(Rule::PrimaryKey(columns)) => {
            let ours = distinct(columns.iter().map(|name| name.to_lowercase()));
            equal("primary key", &ours, &primary)?;
        }
        Some(_) => equal("whether it has a primary key", &true, &!primary.is_empty())?,
    }
    let uniques = all(
        "SELECT (SELECT group_concat(name, char(31)) FROM (SELECT name FROM pragma_index_info(list.name) ORDER BY seqno))
         FROM pragma_index_list('t') AS list WHERE origin IN ('u', 'pk')",
        1,
    )?;
    // A column that is named twice counts once, in a key of SQLite's that keeps it twice too.
    let uniques: Vec<Vec<String>> =
        uniques.into_iter().map(|row| distinct(row[0].split('\u{1f}').map(str::to_lowercase))).collect();
    for (constraint, _) in &read.constraints {
        let Rule::Unique(columns) = &constraint.rule else { continue };
        let ours = distinct(columns.iter().map(|name| name.to_lowercase()));
        let is_rowid = ours == primary && ours.len() == 1;
        if !uniques.contains(&ours) && !is_rowid {
            return Err(format!("unique {ours:?}, but SQLite has {uniques:?}"));
        }
    }
    Ok(())
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    names.fold(Vec::new(), |mut kept, name| {
        if !kept.contains(&name) {
            kept.push(name);
        }
        kept
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::agrees_with_sqlite;

    /// One of these texts.
    fn any_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::sample::select(texts).prop_map(str::to_owned)
    }

    /// None, or one of these.
    fn maybe(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::option::of(any_of(texts)).prop_map(|text| text.map_or(String::new(), |text| format!(" {text}")))
    }

    const NAMES: &[&str] =
        &["a", "b", "\"c d\"", "[e,f]", "`g``h`", "\"i\"\"j\"", "K", "\"select\"", "'q'", "día", "🛫", "x$1", "_"];
    const CONFLICTS: &[&str] = &["ON CONFLICT IGNORE", "on conflict replace", "/* none */"];
    const BLANKS: &[&str] = &[" ", "\n", "\t", "/* , ( */", "-- ) '\n", "/*/ ' */", "\r\n", "\u{c}"];

    fn reference() -> impl Strategy<Value = String> {
        let action = maybe(&[
            "ON DELETE CASCADE",
            "ON UPDATE SET NULL",
            "ON DELETE SET DEFAULT ON UPDATE RESTRICT",
            "on delete no action",
            "MATCH FULL",
            "ON DELETE RESTRICT MATCH SIMPLE",
        ]);
        let deferral = maybe(&[
            "DEFERRABLE",
            "NOT DEFERRABLE",
            "DEFERRABLE INITIALLY DEFERRED",
            "NOT DEFERRABLE INITIALLY IMMEDIATE",
        ]);
        (any_of(&["o", "\"O p\"", "[o]"]), any_of(&["", "(x)", " ( \"y z\" ) "]), action, deferral)
            .prop_map(|(table, columns, action, deferral)| format!("REFERENCES {table}{columns}{action}{deferral}"))
    }

    fn clause() -> impl Strategy<Value = String> {
        let default = any_of(&[
            "1",
            "-1",
            "+ 2",
            "1e+5",
            "1.5E-3",
            ".5",
            "0x1F",
            "'it''s, ('",
            "\"text\"",
            "x'00ff'",
            "X''",
            "NULL",
            "true",
            "CURRENT_TIMESTAMP",
            "(1 + (2))",
            "(datetime('now'))",
            "((a))",
            "'--'",
            "abc",
        ]);
        prop_oneof![
            (any_of(&["", " ASC", " DESC"]), maybe(CONFLICTS), any_of(&["", "", " AUTOINCREMENT"]))
                .prop_map(|(order, conflict, number)| format!("PRIMARY KEY{order}{conflict}{number}")),
            maybe(CONFLICTS).prop_map(|conflict| format!("NOT NULL{conflict}")),
            maybe(CONFLICTS).prop_map(|conflict| format!("UNIQUE{conflict}")),
            Just("NULL".to_owned()),
            default.prop_map(|default| format!("DEFAULT {default}")),
            any_of(&["NOCASE", "binary", "\"RTRIM\""]).prop_map(|order| format!("COLLATE {order}")),
            any_of(&["CHECK (1)", "check(length('),') > (1))", "CHECK (a IN (1, 2))"]),
            reference(),
            any_of(&["AS (1)", "GENERATED ALWAYS AS (1 + 1) STORED", "as ('x') virtual"]),
            any_of(&["CONSTRAINT n", "CONSTRAINT \"o p\""]),
            any_of(&["NOT DEFERRABLE", "DEFERRABLE"]),
        ]
    }

    fn column() -> impl Strategy<Value = String> {
        let kind = maybe(&[
            "INTEGER",
            "text",
            "varchar(20)",
            "decimal ( 6 , 2 )",
            "big int",
            "\"my type\"",
            "'text'",
            "REAL",
            "BLOB",
            "ANY",
        ]);
        (any_of(NAMES), kind, prop::collection::vec((any_of(BLANKS), clause()), 0..4)).prop_map(
            |(name, kind, clauses)| {
                clauses.into_iter().fold(name + &kind, |text, (blank, clause)| text + &blank + &clause)
            },
        )
    }

    fn constraint() -> impl Strategy<Value = String> {
        let columns = || {
            prop::collection::vec((any_of(NAMES), maybe(&["ASC", "DESC", "COLLATE NOCASE"])), 1..3).prop_map(
                |columns| columns.into_iter().map(|(name, order)| name + &order).collect::<Vec<_>>().join(","),
            )
        };
        let name = maybe(&["CONSTRAINT n", "CONSTRAINT \"o, p\""]);
        let rule = prop_oneof![
            (columns(), maybe(CONFLICTS)).prop_map(|(columns, conflict)| format!("PRIMARY KEY ({columns}){conflict}")),
            (columns(), maybe(CONFLICTS)).prop_map(|(columns, conflict)| format!("UNIQUE ({columns}){conflict}")),
            any_of(&["CHECK (1)", "CHECK ((a) <> ')')"]),
            (any_of(NAMES), reference()).prop_map(|(name, reference)| format!("FOREIGN KEY ({name}) {reference}")),
        ];
        (name, rule).prop_map(|(name, rule)| format!("{name} {rule}"))
    }

    fn statement() -> impl Strategy<Value = String> {
        let options = any_of(&["", "", " STRICT", " WITHOUT ROWID", " strict, without rowid"]);
        let parts = (prop::collection::vec(column(), 1..5), prop::collection::vec(constraint(), 0..3));
        (any_of(BLANKS), parts, any_of(BLANKS), options).prop_map(|(before, (columns, constraints), after, options)| {
            let parts: Vec<String> = columns.into_iter().chain(constraints).collect();
            format!("CREATE TABLE t{before}({}){after}{options}", parts.join(","))
        })
    }

    #[test]
    fn what_is_read_of_a_table_is_what_sqlite_says_of_it() {
        let config = ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() };
        let taken = Cell::new(0);
        let sqlite = rusqlite::Connection::open_in_memory().unwrap();
        let outcome = proptest::test_runner::TestRunner::new(config).run(&statement(), |sql| {
            taken.set(taken.get() + usize::from(sqlite.prepare(&sql).is_ok()));
            agrees_with_sqlite(&sql).map_err(|difference| TestCaseError::fail(format!("{difference}\n{sql}")))
        });
        outcome.unwrap_or_else(|error| panic!("{error}"));
        // Most of what is made up has a name or a key twice.
        assert!(taken.get() > 300, "SQLite took {}", taken.get());
    }
}
