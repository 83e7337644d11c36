//! What others attached to skyteam's tables in a file: indexes, triggers and columns, which go with a table that is dropped.
//! They are read before, put back by their own texts, and compared before the transaction ends. Views and foreign keys
//! of other tables name ours and stay.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use crate::backup::error::{BackupError, Result};
use crate::backup::version;
use crate::db::quote;
use crate::schema::{TableText, table_text};

/// What others attached to tables, by what each is called.
#[derive(Clone, Debug, Default)]
pub struct Attachments {
    tables: Vec<String>,
    /// `users.extra` with what SQLite says of it, and the text that makes it.
    columns: BTreeMap<String, (String, String)>,
    /// `index theirs on table users` with its text; triggers come last.
    objects: BTreeMap<String, String>,
    /// Conditions and keys that no statement adds to a table.
    lost: Vec<String>,
}

impl Attachments {
    /// Reads what others attached to these tables.
    ///
    /// # Errors
    /// The driver's; those of [`version::known`].
    pub async fn read(connection: &mut SqliteConnection, tables: &[String]) -> Result<Self> {
        let (known, ours) = (version::known()?, version::objects()?);
        let mut found = Self { tables: tables.to_vec(), ..Self::default() };
        for table in tables {
            let sql = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL";
            let mut text = TableText::default();
            for row in sqlx::query(sql).bind(table).fetch_all(&mut *connection).await? {
                let (kind, name, sql): (String, String, String) =
                    (row.try_get("type")?, row.try_get("name")?, row.try_get("sql")?);
                if kind == "table" {
                    text = table_text(&sql).unwrap_or_default();
                } else if !ours.contains(&name) {
                    found.objects.insert(format!("{kind} {name} on table {table}"), sql);
                }
            }
            let is_lost = |name: &&String| !ours.contains(*name);
            found.lost.extend(text.constraints.iter().filter(is_lost).map(|name| match name.as_str() {
                "" => format!("a condition without a name on table {table}"),
                name => format!("constraint {name} on table {table}"),
            }));
            let sql = r#"SELECT name, type || ' ' || "notnull" || ' ' || coalesce(dflt_value, '') || ' ' || hidden AS shape
                         FROM pragma_table_xinfo(?)"#;
            for row in sqlx::query(sql).bind(table).fetch_all(&mut *connection).await? {
                let (name, shape): (String, String) = (row.try_get("name")?, row.try_get("shape")?);
                if known.table(table).is_none_or(|known| known.column(&name).is_none()) {
                    let made = text.columns.iter().find(|(column, _)| *column == name);
                    let made = made.map_or_else(|| quote(&name), |(_, made)| made.clone());
                    found.columns.insert(format!("column {table}.{name}"), (shape, made));
                }
            }
        }
        Ok(found)
    }

    /// Refuses what could not be put back, before anything is touched.
    ///
    /// # Errors
    /// [`BackupError::Dependents`].
    pub fn check(&self) -> Result<()> {
        refuse(self.lost.clone())
    }

    /// Puts back what is gone, and compares.
    ///
    /// # Errors
    /// [`BackupError::PutBack`] for a statement that SQLite refuses, [`BackupError::Dependents`] for what is then not as it
    /// was; the driver's.
    pub async fn put_back(&self, connection: &mut SqliteConnection) -> Result<()> {
        let now = Self::read(connection, &self.tables).await?;
        for (what, (_, made)) in self.columns.iter().filter(|(what, _)| !now.columns.contains_key(*what)) {
            let table =
                what.strip_prefix("column ").and_then(|what| what.split_once('.')).map_or("", |(table, _)| table);
            make(connection, what, format!("ALTER TABLE {} ADD COLUMN {made}", quote(table))).await?;
        }
        for (what, sql) in self.objects.iter().filter(|(what, _)| !now.objects.contains_key(*what)) {
            make(connection, what, sql.clone()).await?;
        }
        let now = Self::read(connection, &self.tables).await?;
        let columns =
            self.columns.iter().filter(|(what, (shape, _))| now.columns.get(*what).is_none_or(|now| now.0 != *shape));
        let objects = self.objects.iter().filter(|(what, sql)| now.objects.get(*what) != Some(*sql));
        refuse(columns.map(|(what, _)| what.clone()).chain(objects.map(|(what, _)| what.clone())).collect())
    }
}

async fn make(connection: &mut SqliteConnection, what: &str, sql: String) -> Result<()> {
    let made = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await;
    made.map(drop).map_err(|source| BackupError::PutBack { what: what.to_owned(), source })
}

fn refuse(objects: Vec<String>) -> Result<()> {
    if objects.is_empty() { Ok(()) } else { Err(BackupError::Dependents { objects }) }
}
