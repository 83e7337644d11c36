//! A parser of SQLite's `CREATE TABLE` and `CREATE INDEX` statements.
//!
//! SQLite keeps a table as the text that made it, names of constraints included, and no pragma returns as much. The text
//! is one that SQLite has accepted, so this parses it without validating it.

use crate::db::quote;
use crate::schema::dialect::quote_all;
use crate::schema::model::{Action, Constraint, ForeignKey, Rule, Shape};
use crate::schema::sql_tokens::{Placed, Token, tokens};

/// A table as its text has it.
#[derive(Debug, Default)]
pub(crate) struct Definition {
    pub columns: Vec<ColumnText>,
    /// Keys and checks; a check has its expression beside its `Unsupported` rule.
    pub constraints: Vec<(Constraint, Option<String>)>,
    pub strict: bool,
    pub without_rowid: bool,
}

/// A column as its text has it.
#[derive(Debug)]
pub(crate) struct ColumnText {
    pub name: String,
    /// The type's words in upper case, and what changes how values compare.
    pub kind: String,
    pub required: bool,
    pub default: Option<String>,
    /// The conditions in its definition that have no name.
    pub checks: Vec<String>,
}

/// Takes a `CREATE TABLE` text apart.
///
/// # Errors
///
/// What is not understood.
pub(crate) fn table(sql: &str) -> Result<Definition, String> {
    let all = tokens(sql);
    let open = all.iter().position(|placed| placed.token == Token::Sign('(')).ok_or("no list of columns")?;
    let close = closing(&all, open).ok_or("the list of columns does not end")?;
    let mut definition = Definition::default();
    for part in split(&all[open + 1..close]) {
        let reader = Reader { sql, tokens: part, at: 0 };
        if reader.starts_constraint() {
            reader.table_constraint(&mut definition)?;
        } else {
            reader.column(&mut definition)?;
        }
    }
    for placed in &all[close + 1..] {
        definition.strict |= placed.token.is("STRICT");
        definition.without_rowid |= placed.token.is("WITHOUT");
    }
    Ok(definition)
}

/// What a `CREATE TABLE` text says of each column, and which conditions and keys are constraints of the table.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableText {
    /// Names of the columns, each with the rest of its definition.
    pub columns: Vec<(String, String)>,
    /// Names of the constraints with their whole texts; no name for a condition without one. Keys without a name are left
    /// out.
    pub constraints: Vec<(String, String)>,
}

/// Cuts a `CREATE TABLE` text into the texts of its parts.
///
/// # Errors
///
/// What is not understood.
pub(crate) fn table_text(sql: &str) -> Result<TableText, String> {
    let all = tokens(sql);
    let open = all.iter().position(|placed| placed.token == Token::Sign('(')).ok_or("no list of columns")?;
    let close = closing(&all, open).ok_or("the list of columns does not end")?;
    let mut found = TableText::default();
    for part in split(&all[open + 1..close]) {
        let mut reader = Reader { sql, tokens: part, at: 0 };
        if !reader.starts_constraint() {
            found.columns.push((reader.name()?, reader.rest(1)));
        } else {
            let text = reader.rest(0);
            if reader.take("CONSTRAINT") {
                found.constraints.push((reader.name()?, text));
            } else if reader.next_is("CHECK") {
                found.constraints.push((String::new(), text));
            }
        }
    }
    Ok(found)
}

/// Takes a `CREATE INDEX` text apart: plain columns and the condition's text, or nothing where it is of another form.
pub(crate) fn index(sql: &str) -> Option<(Shape, Option<String>)> {
    let all = tokens(sql);
    let unique = all.get(1)?.token.is("UNIQUE");
    let on = all.iter().position(|placed| placed.token.is("ON"))?;
    let open = on + all[on..].iter().position(|placed| placed.token == Token::Sign('('))?;
    let close = closing(&all, open)?;
    let mut columns = Vec::new();
    for part in split(&all[open + 1..close]) {
        match part {
            [name] => columns.push(name.token.name()?.to_owned()),
            [name, order] if order.token.is("ASC") => columns.push(name.token.name()?.to_owned()),
            _ => return None,
        }
    }
    let filter = match all.get(close + 1) {
        None => None,
        Some(placed) if placed.token.is("WHERE") => Some(sql[placed.end..].trim().to_owned()),
        Some(_) => return None,
    };
    Some((Shape::Columns { columns, unique, filter: None }, filter))
}

/// Where the parenthesis at `open` is closed.
fn closing(all: &[Placed], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, placed) in all.iter().enumerate().skip(open) {
        match placed.token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The parts between the commas outside of parentheses.
fn split(all: &[Placed]) -> Vec<&[Placed]> {
    let mut depth = 0_usize;
    all.split(|placed| {
        match placed.token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && placed.token == Token::Sign(',')
    })
    .collect()
}

/// Walks over the tokens of one column or constraint.
struct Reader<'a> {
    sql: &'a str,
    tokens: &'a [Placed],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Placed> {
        self.tokens.get(self.at)
    }

    fn next_is(&self, keyword: &str) -> bool {
        self.peek().is_some_and(|placed| placed.token.is(keyword))
    }

    fn next_is_not_deferrable(&self) -> bool {
        self.next_is("NOT") && self.tokens.get(self.at + 1).is_some_and(|next| next.token.is("DEFERRABLE"))
    }

    /// Both words alone may be those of a type.
    fn next_is_generated(&self) -> bool {
        let words = ["GENERATED", "ALWAYS", "AS"].iter().enumerate();
        words.into_iter().all(|(index, word)| self.tokens.get(self.at + index).is_some_and(|next| next.token.is(word)))
    }

    fn take(&mut self, keyword: &str) -> bool {
        let found = self.next_is(keyword);
        self.at += usize::from(found);
        found
    }

    fn name(&mut self) -> Result<String, String> {
        let placed = self.peek().ok_or("a name is missing")?;
        self.at += 1;
        placed.token.name().map(str::to_owned).ok_or_else(|| format!("{:?} is no name", placed.token))
    }

    /// The text inside the parentheses that come next.
    fn parenthesised(&mut self) -> Result<String, String> {
        let close = closing(self.tokens, self.at).ok_or("a parenthesis is not closed")?;
        let text = &self.sql[self.tokens[self.at].end..self.tokens[close].start];
        self.at = close + 1;
        Ok(text.trim().to_owned())
    }

    /// Names in parentheses; nothing where one of them is more than a name.
    fn names(&mut self) -> Result<Option<Vec<String>>, String> {
        let close = closing(self.tokens, self.at).ok_or("a parenthesis is not closed")?;
        let parts = split(&self.tokens[self.at + 1..close]);
        self.at = close + 1;
        Ok(parts
            .into_iter()
            .map(|part| match part {
                [only] => only.token.name().map(str::to_owned),
                _ => None,
            })
            .collect())
    }

    fn starts_constraint(&self) -> bool {
        ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"].iter().any(|keyword| self.next_is(keyword))
    }

    fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    fn rest(&self, from: usize) -> String {
        match (self.tokens.get(from), self.tokens.last()) {
            (Some(first), Some(last)) => self.sql[first.start..last.end].to_owned(),
            _ => String::new(),
        }
    }

    fn table_constraint(mut self, definition: &mut Definition) -> Result<(), String> {
        let whole = self.rest(0);
        let name = if self.take("CONSTRAINT") { self.name()? } else { String::new() };
        let is_key = self.next_is("PRIMARY");
        let (rule, check) = if self.take("PRIMARY") {
            self.take("KEY");
            (self.names()?.map(Rule::PrimaryKey), None)
        } else if self.take("UNIQUE") {
            (self.names()?.map(Rule::Unique), None)
        } else if self.take("CHECK") {
            (None, Some(self.parenthesised()?))
        } else if self.take("FOREIGN") {
            self.take("KEY");
            let columns = self.names()?;
            (self.references(columns)?.map(Rule::ForeignKey), None)
        } else {
            (None, None)
        };
        let rule = match rule {
            Some(rule) if self.at_end() => rule,
            _ if is_key => Rule::UnsupportedPrimaryKey(whole),
            _ => Rule::Unsupported(whole),
        };
        definition.constraints.push((Constraint { name, rule }, check));
        Ok(())
    }

    /// `REFERENCES …` up to what a plain foreign key of ours cannot say.
    fn references(&mut self, columns: Option<Vec<String>>) -> Result<Option<ForeignKey>, String> {
        if !self.take("REFERENCES") {
            return Err("REFERENCES is missing".to_owned());
        }
        let table = self.name()?;
        let references = match self.peek() {
            Some(placed) if placed.token == Token::Sign('(') => self.names()?,
            // The target's primary key, whatever that is.
            _ => None,
        };
        let (mut on_update, mut on_delete) = (Action::NoAction, Action::NoAction);
        loop {
            if self.take("MATCH") {
                // SQLite does nothing about it.
                self.name()?;
            } else if self.take("ON") {
                let mut nothing = Action::NoAction;
                let target = match () {
                    () if self.take("UPDATE") => &mut on_update,
                    () if self.take("DELETE") => &mut on_delete,
                    // `ON INSERT` is read, and means nothing.
                    () => {
                        self.take("INSERT");
                        &mut nothing
                    }
                };
                *target = self.action()?;
            } else {
                break;
            }
        }
        Ok(columns.zip(references).map(|(columns, references)| ForeignKey {
            columns,
            table,
            references,
            on_update,
            on_delete,
        }))
    }

    fn action(&mut self) -> Result<Action, String> {
        if self.take("CASCADE") {
            Ok(Action::Cascade)
        } else if self.take("RESTRICT") {
            Ok(Action::Restrict)
        } else if self.take("NO") {
            self.take("ACTION");
            Ok(Action::NoAction)
        } else if self.take("SET") {
            Ok(if self.take("NULL") {
                Action::SetNull
            } else {
                self.take("DEFAULT");
                Action::SetDefault
            })
        } else {
            Err(format!("{:?} is no action", self.peek()))
        }
    }

    fn column(mut self, definition: &mut Definition) -> Result<(), String> {
        let name = self.name()?;
        let mut column = ColumnText { name, kind: self.kind()?, required: false, default: None, checks: Vec::new() };
        while let Some(placed) = self.peek() {
            let label = if self.take("CONSTRAINT") { self.name()? } else { String::new() };
            let begun = self.at;
            if self.take("PRIMARY") {
                self.take("KEY");
                let descends = self.take("DESC");
                self.take("ASC");
                let plain = !(descends | self.skip_conflict()? | self.take("AUTOINCREMENT"));
                let key = vec![column.name.clone()];
                let raw = format!("PRIMARY KEY ({})", quote_all(&key));
                let rule = if plain { Rule::PrimaryKey(key) } else { Rule::UnsupportedPrimaryKey(raw) };
                definition.constraints.push((Constraint { name: label, rule }, None));
            } else if self.next_is("DEFERRABLE") || self.next_is_not_deferrable() {
                // Apart from its key: SQLite takes it, and the key before it is deferred.
                if self.skip_deferral()? {
                    defer(definition);
                }
            } else if self.take("NOT") {
                self.take("NULL");
                self.skip_conflict()?;
                column.required = true;
            } else if self.take("NULL") {
                self.skip_conflict()?;
            } else if self.take("UNIQUE") {
                let key = vec![column.name.clone()];
                let after = self.at;
                let rule = if self.skip_conflict()? {
                    let conflict = &self.sql[self.tokens[after].start..self.tokens[self.at - 1].end];
                    Rule::Unsupported(format!("UNIQUE ({}) {conflict}", quote_all(&key)))
                } else {
                    Rule::Unique(key)
                };
                definition.constraints.push((Constraint { name: label, rule }, None));
            } else if self.take("CHECK") {
                let sql = self.parenthesised()?;
                if label.is_empty() {
                    column.checks.push(sql.clone());
                }
                let raw = labelled(&label, &format!("CHECK ({sql})"));
                definition.constraints.push((Constraint { name: label, rule: Rule::Unsupported(raw) }, Some(sql)));
            } else if self.take("DEFAULT") {
                column.default = Some(self.value()?);
            } else if self.take("COLLATE") {
                let order = self.name()?;
                column.kind.push_str(&format!(" COLLATE {}", quote(&order)));
            } else if self.next_is("REFERENCES") {
                let own = vec![column.name.clone()];
                let key = self.references(Some(own.clone()))?;
                let plain = !self.skip_deferral()?;
                let rule = match key {
                    Some(key) if plain => Rule::ForeignKey(key),
                    _ => {
                        let text = &self.sql[self.tokens[begun].start..self.tokens[self.at - 1].end];
                        Rule::Unsupported(labelled(&label, &format!("FOREIGN KEY ({}) {text}", quote_all(&own))))
                    }
                };
                definition.constraints.push((Constraint { name: label, rule }, None));
            } else if self.next_is_generated() || self.next_is("AS") {
                self.take("GENERATED");
                self.take("ALWAYS");
                self.take("AS");
                let sql = self.parenthesised()?;
                let kept = if self.take("STORED") { "STORED" } else { "VIRTUAL" };
                self.take("VIRTUAL");
                column.default = Some(format!("GENERATED ALWAYS AS ({sql}) {kept}"));
            } else if label.is_empty() {
                return Err(format!("{:?} after column {}", placed.token, column.name));
            }
        }
        definition.columns.push(column);
        Ok(())
    }

    /// The words of a type, up to the first keyword of a constraint.
    fn kind(&mut self) -> Result<String, String> {
        const ENDS: [&str; 10] =
            ["CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "AS"];
        let mut words = Vec::new();
        while let Some(placed) = self.peek() {
            match &placed.token {
                token if ENDS.iter().any(|keyword| token.is(keyword)) || self.next_is_generated() => break,
                Token::Word(word, _) | Token::Text(word) => {
                    words.push(word.to_ascii_uppercase());
                    self.at += 1;
                }
                Token::Sign('(') => words.push(format!("({})", self.parenthesised()?)),
                _ => break,
            }
        }
        Ok(words.join(" "))
    }

    /// A default: an expression in parentheses, or a literal with its sign.
    fn value(&mut self) -> Result<String, String> {
        let begun = self.at;
        match self.peek().map(|placed| &placed.token) {
            Some(Token::Sign('(')) => return Ok(format!("({})", self.parenthesised()?)),
            Some(Token::Sign('-' | '+')) => self.at += 2,
            // Bytes: X'0aff'.
            Some(Token::Word(word, false)) if word.eq_ignore_ascii_case("x") => {
                let bytes = matches!(self.tokens.get(begun + 1).map(|placed| &placed.token), Some(Token::Text(_)));
                self.at += 1 + usize::from(bytes);
            }
            _ => self.at += 1,
        }
        match (self.tokens.get(begun), self.tokens.get(self.at - 1)) {
            (Some(first), Some(last)) => Ok(self.sql[first.start..last.end].to_owned()),
            _ => Err("a default is missing".to_owned()),
        }
    }

    /// `ON CONFLICT …`; whether there was one.
    fn skip_conflict(&mut self) -> Result<bool, String> {
        let found = self.next_is("ON");
        if found {
            self.at += 2;
            self.name()?;
        }
        Ok(found)
    }

    /// `[NOT] DEFERRABLE [INITIALLY …]`; whether there was one that matters.
    fn skip_deferral(&mut self) -> Result<bool, String> {
        let not = self.next_is_not_deferrable();
        self.at += usize::from(not);
        let found = self.take("DEFERRABLE");
        if found && self.take("INITIALLY") {
            self.name()?;
        }
        Ok(found && !not)
    }
}

/// Makes the last foreign key one that a plain foreign key of ours cannot say.
fn defer(definition: &mut Definition) {
    let keys = definition.constraints.iter_mut().map(|(constraint, _)| constraint);
    // SQLite defers the last one, whatever is between.
    if let Some(constraint) = keys.rev().find(|constraint| matches!(constraint.rule, Rule::ForeignKey(_)))
        && let Rule::ForeignKey(key) = &constraint.rule
    {
        let text = format!("FOREIGN KEY ({}) REFERENCES {} DEFERRABLE", quote_all(&key.columns), quote(&key.table));
        constraint.rule = Rule::Unsupported(labelled(&constraint.name, &text));
    }
}

fn labelled(label: &str, clause: &str) -> String {
    if label.is_empty() { clause.to_owned() } else { format!("CONSTRAINT {} {clause}", quote(label)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_stand_in_a_table_is_read() {
        let definition = table(
            "CREATE TABLE \"t\" (
               id INTEGER PRIMARY KEY AUTOINCREMENT, -- the key
               [a] varchar(20) NOT NULL DEFAULT 'x, (y' UNIQUE,
               b TEXT COLLATE NOCASE CONSTRAINT b_check CHECK (length(b) < 5) REFERENCES other (id) ON DELETE SET NULL,
               c REAL DEFAULT -1.5 NULL,
               d TEXT DEFAULT (datetime('now')) REFERENCES other DEFERRABLE INITIALLY DEFERRED,
               e GENERATED ALWAYS AS (a || 'z') STORED,
               CONSTRAINT pair UNIQUE (a, \"b\"),
               UNIQUE (c COLLATE NOCASE),
               CONSTRAINT f FOREIGN KEY (a, b) REFERENCES other (x, y) ON UPDATE CASCADE ON DELETE RESTRICT
             ) STRICT",
        )
        .unwrap();
        let columns: Vec<(&str, &str, bool, Option<&str>)> = definition
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.kind.as_str(), column.required, column.default.as_deref()))
            .collect();
        assert_eq!(
            columns,
            [
                ("id", "INTEGER", false, None),
                ("a", "VARCHAR (20)", true, Some("'x, (y'")),
                ("b", "TEXT COLLATE \"NOCASE\"", false, None),
                ("c", "REAL", false, Some("-1.5")),
                ("d", "TEXT", false, Some("(datetime('now'))")),
                ("e", "", false, Some("GENERATED ALWAYS AS (a || 'z') STORED")),
            ]
        );
        let rules: Vec<String> =
            definition.constraints.iter().map(|(found, _)| format!("{} {:?}", found.name, found.rule)).collect();
        assert_eq!(
            rules,
            [
                " UnsupportedPrimaryKey(\"PRIMARY KEY (\\\"id\\\")\")",
                " Unique([\"a\"])",
                "b_check Unsupported(\"CONSTRAINT \\\"b_check\\\" CHECK (length(b) < 5)\")",
                " ForeignKey(ForeignKey { columns: [\"b\"], table: \"other\", references: [\"id\"], on_update: NoAction, on_delete: SetNull })",
                " Unsupported(\"FOREIGN KEY (\\\"d\\\") REFERENCES other DEFERRABLE INITIALLY DEFERRED\")",
                "pair Unique([\"a\", \"b\"])",
                " Unsupported(\"UNIQUE (c COLLATE NOCASE)\")",
                "f ForeignKey(ForeignKey { columns: [\"a\", \"b\"], table: \"other\", references: [\"x\", \"y\"], on_update: Cascade, on_delete: Restrict })",
            ]
        );
        assert!(definition.strict && !definition.without_rowid);
    }

    #[test]
    fn what_sqlite_takes_and_hardly_anybody_writes_is_read() {
        let read = table(
            "CREATE TABLE t(id INTEGER PRIMARY KEY ASC AUTOINCREMENT, 🛫 'big int' DEFAULT 1e+5 CONSTRAINT alone, b DEFAULT .5
             REFERENCES o(x) MATCH FULL ON INSERT SET NULL ON DELETE CASCADE, c REFERENCES o(x) CHECK (c > 0) DEFERRABLE,
             d NOT DEFERRABLE, g GENERATED big NOT NULL, e /*/ , f */ DEFAULT +x)",
        )
        .unwrap();
        let columns: Vec<(&str, &str, Option<&str>, bool)> = read
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.kind.as_str(), column.default.as_deref(), column.required))
            .collect();
        assert_eq!(
            columns,
            [
                ("id", "INTEGER", None, false),
                ("🛫", "BIG INT", Some("1e+5"), false),
                ("b", "", Some(".5"), false),
                ("c", "", None, false),
                ("d", "", None, false),
                ("g", "GENERATED BIG", None, true),
                ("e", "", Some("+x"), false),
            ]
        );
        let keys = read.constraints.iter().filter(|(found, _)| matches!(found.rule, Rule::ForeignKey(_))).count();
        assert_eq!(keys, 1);
    }

    #[test]
    fn only_plain_indexes_have_columns() {
        let (shape, filter) = index("CREATE UNIQUE INDEX \"i\" ON \"t\" (\"a\", b ASC) WHERE \"c\" > 0").unwrap();
        assert_eq!(shape, Shape::Columns { columns: vec!["a".into(), "b".into()], unique: true, filter: None });
        assert_eq!(filter.as_deref(), Some("\"c\" > 0"));
        assert!(index("CREATE INDEX i ON t (a DESC)").is_none());
        assert!(index("CREATE INDEX i ON t (lower(a))").is_none());
    }
}
