//! What others attached to skyteam's tables in a file: columns, conditions, indexes and triggers, which go with a table that
//! is dropped. They are read before, put back by their own texts, and compared before the transaction ends. Views and
//! foreign keys of other tables name ours and stay.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use crate::backup::error::{BackupError, Result};
use crate::backup::version;
use crate::db::quote;
use crate::schema::{TableText, table_text};

/// What others attached to tables, by what each is called.
#[derive(Clone, Debug, Default)]
pub(super) struct Attachments {
    tables: Vec<String>,
    lines: BTreeMap<String, Attachment>,
}

/// One thing that is attached to a table.
#[derive(Clone, Debug)]
struct Attachment {
    table: String,
    name: String,
    kind: Kind,
    /// Place of a column in its table.
    place: usize,
    /// What SQLite says of it; compared.
    value: String,
    /// The text that makes it: a line of `CREATE TABLE`, or a statement.
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Column,
    Constraint,
    /// An index or a trigger.
    Object,
}

impl Attachments {
    /// Reads what others attached to these tables.
    ///
    /// # Errors
    /// The driver's; those of [`version::known`].
    pub(super) async fn read(connection: &mut SqliteConnection, tables: &[String]) -> Result<Self> {
        let (known, ours) = (version::known()?, version::objects()?);
        let mut found = Self { tables: tables.to_vec(), ..Self::default() };
        for table in tables {
            let sql = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL";
            let mut made = TableText::default();
            for row in sqlx::query(sql).bind(table).fetch_all(&mut *connection).await? {
                let (kind, name, sql): (String, String, String) =
                    (row.try_get("type")?, row.try_get("name")?, row.try_get("sql")?);
                match kind.as_str() {
                    "table" => made = table_text(&sql).unwrap_or_default(),
                    "index" | "trigger" if !ours.contains(&name) => {
                        found.add(
                            format!("{kind} {name} on table {table}"),
                            table,
                            name,
                            Kind::Object,
                            sql.clone(),
                            sql,
                        );
                    }
                    _ => {}
                }
            }
            for (name, text) in made.constraints.iter().filter(|(name, _)| !ours.contains(name)) {
                let what = format!("condition {} on table {table}", if name.is_empty() { text } else { name });
                found.add(what, table, name.clone(), Kind::Constraint, text.clone(), text.clone());
            }
            let sql = r#"SELECT name, type || ' ' || "notnull" || ' ' || coalesce(dflt_value, '') || ' ' || hidden AS shape
                         FROM pragma_table_xinfo(?) ORDER BY cid"#;
            for (place, row) in sqlx::query(sql).bind(table).fetch_all(&mut *connection).await?.iter().enumerate() {
                let (name, shape): (String, String) = (row.try_get("name")?, row.try_get("shape")?);
                if known.table(table).is_none_or(|known| known.column(&name).is_none()) {
                    let text = made.columns.iter().find(|(column, _)| *column == name).map(|(_, text)| text.as_str());
                    let text = format!("{} {}", quote(&name), text.unwrap_or_default());
                    let what = format!("column {table}.{name}");
                    found.add(what.clone(), table, name, Kind::Column, shape, text);
                    found.lines.entry(what).and_modify(|line| line.place = place);
                }
            }
        }
        Ok(found)
    }

    fn add(&mut self, what: String, table: &str, name: String, kind: Kind, value: String, text: String) {
        self.lines.insert(what, Attachment { table: table.to_owned(), name, kind, place: 0, value, text });
    }

    /// Whether a table has something of this name.
    pub(super) fn has(&self, table: &str, name: &str) -> bool {
        self.lines.values().any(|line| line.table == table && line.name == name)
    }

    /// Columns in the order that they had, and then conditions, of a table as lines of its `CREATE TABLE`.
    pub(super) fn lines(&self, table: &str) -> (Vec<String>, Vec<String>) {
        let of = |kind| {
            let mut lines: Vec<&Attachment> =
                self.lines.values().filter(|line| line.table == table && line.kind == kind).collect();
            lines.sort_by_key(|line| line.place);
            lines.into_iter().map(|line| line.text.clone()).collect()
        };
        (of(Kind::Column), of(Kind::Constraint))
    }

    /// Puts back indexes and triggers, and columns that a migration took away, and compares.
    ///
    /// # Errors
    /// [`BackupError::PutBack`] for a statement that SQLite refuses, [`BackupError::Dependents`] for what is then not as it
    /// was; the driver's.
    pub(super) async fn put_back(&self, connection: &mut SqliteConnection) -> Result<()> {
        let now = Self::read(connection, &self.tables).await?;
        for kind in [Kind::Column, Kind::Object] {
            let is_gone = |(what, line): &(&String, &Attachment)| line.kind == kind && !now.lines.contains_key(*what);
            let mut gone: Vec<(&String, &Attachment)> = self.lines.iter().filter(is_gone).collect();
            gone.sort_by_key(|(_, line)| line.place);
            for (what, line) in gone {
                let sql = match kind {
                    Kind::Column => format!("ALTER TABLE {} ADD COLUMN {}", quote(&line.table), line.text),
                    _ => line.text.clone(),
                };
                let made = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await;
                made.map_err(|source| BackupError::PutBack { what: what.clone(), source })?;
            }
        }
        let now = Self::read(connection, &self.tables).await?;
        let differs =
            |(what, line): &(&String, &Attachment)| now.lines.get(*what).is_none_or(|now| now.value != line.value);
        let objects: Vec<String> = self.lines.iter().filter(differs).map(|(what, _)| what.clone()).collect();
        if objects.is_empty() { Ok(()) } else { Err(BackupError::Dependents { objects }) }
    }
}
