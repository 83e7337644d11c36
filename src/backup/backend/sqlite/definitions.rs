//! What others have defined on skyteam's tables in a file, by its own texts: into a manifest, and out of one as lines of
//! `CREATE TABLE` and as indexes. See [`crate::backup::format::definitions`] for what of a manifest goes into SQL.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};

use crate::backup::backend::engine::Job;
use crate::backup::error::{BackupError, Result};
use crate::backup::expression::{self, Context};
use crate::backup::format::definitions::{
    ColumnDefinition, ConstraintDefinition, Definitions, IndexDefinition, RuleDefinition,
};
use crate::backup::format::table_schema::Kind;
use crate::backup::version;
use crate::db::{Engine, quote};
use crate::schema::sql_tokens::tokens;
use crate::schema::{TableText, table_text};

/// Reads what others have defined, by table.
///
/// # Errors
/// The driver's; those of [`version::known`].
pub(super) async fn read(connection: &mut SqliteConnection, tables: &[&str]) -> Result<HashMap<String, Definitions>> {
    let (known, ours) = (version::known()?, version::objects()?);
    let mut all = HashMap::new();
    for table in tables {
        let mut found = Definitions::default();
        let mut text = TableText::default();
        let sql = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY name";
        for row in sqlx::query(sql).bind(table).fetch_all(&mut *connection).await? {
            let (kind, name, sql): (String, String, String) =
                (row.try_get("type")?, row.try_get("name")?, row.try_get("sql")?);
            match kind.as_str() {
                "table" => text = table_text(&sql).unwrap_or_default(),
                "index" if !ours.contains(&name) => found.indexes.extend(index(name, &sql)),
                _ => {}
            }
        }
        let is_ours = |name: &str| known.table(table).is_some_and(|table| table.column(name).is_some());
        let columns = r#"SELECT name, type, "notnull" <> 0 AS required, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid"#;
        for row in sqlx::query(columns).bind(table).fetch_all(&mut *connection).await? {
            let (name, hidden): (String, i64) = (row.try_get("name")?, row.try_get("hidden")?);
            if is_ours(&name) {
                continue;
            }
            let text = text.columns.iter().find(|(column, _)| *column == name).map(|(_, text)| text.clone());
            let generated = text.clone().filter(|_| hidden != 0);
            let (declared, required) = (row.try_get("type")?, row.try_get("required")?);
            let stored = hidden == 3;
            found.columns.push(ColumnDefinition {
                name,
                declared,
                required,
                generated,
                stored,
                text,
                ..ColumnDefinition::default()
            });
        }
        for (name, text) in text.constraints.iter().filter(|(name, _)| !ours.contains(name)) {
            let (name, rule) = (name.clone(), RuleDefinition::Other(text.clone()));
            found.constraints.push(ConstraintDefinition {
                name,
                rule,
                deferrable: false,
                deferred: false,
                unchecked: false,
            });
        }
        all.insert((*table).to_owned(), found);
    }
    Ok(all)
}

/// An index by what follows its table's name.
fn index(name: String, sql: &str) -> Option<IndexDefinition> {
    let all = tokens(sql);
    let on = all.iter().position(|placed| placed.token.is("ON"))?;
    let unique = all.get(1)?.token.is("UNIQUE");
    let text = Some(sql[all.get(on + 1)?.end..].trim().to_owned());
    let (method, keys, include) = (String::new(), Vec::new(), Vec::new());
    Some(IndexDefinition {
        name,
        method,
        unique,
        nulls_are_same: false,
        keys,
        include,
        predicate: None,
        options: Vec::new(),
        text,
    })
}

/// Which of a table's definitions no restore into a new file makes: the name and the reason of each.
pub(crate) fn refused(given: &Definitions) -> Vec<(String, String)> {
    let columns = given.columns.iter().filter_map(|column| Some((&column.name, column.text.as_ref()?, true)));
    let constraints = given.constraints.iter().filter_map(|rule| match &rule.rule {
        RuleDefinition::Other(text) => Some((&rule.name, text, true)),
        _ => None,
    });
    let indexes = given.indexes.iter().filter_map(|index| Some((&index.name, index.text.as_ref()?, false)));
    let refused = |(name, text, column): (&String, &String, bool)| {
        let why = expression::check(text, Context { types: &[], column }).err()?;
        Some((name.clone(), format!("{why}: {text}")))
    };
    columns.chain(constraints).chain(indexes).filter_map(refused).collect()
}

/// What of the archive's definitions a table gets that is made anew. `exists` says what the file's own
/// definitions bring.
pub(super) struct Lines {
    /// Columns, each as a line of `CREATE TABLE`.
    pub columns: Vec<String>,
    /// Conditions and keys, each as such a line.
    pub constraints: Vec<String>,
    /// Statements for when the rows are there.
    pub indexes: Vec<String>,
}

/// Judges the archive's definitions for a table.
///
/// # Errors
/// [`BackupError::Misfit`] for what is not known to be harmless.
pub(super) fn lines(job: &Job, table: &str, exists: impl Fn(&str) -> bool) -> Result<Lines> {
    let mut lines = Lines { columns: Vec::new(), constraints: Vec::new(), indexes: Vec::new() };
    let manifest = job.archive.manifest();
    let Some(entry) = manifest.table(table) else { return Ok(lines) };
    let own = manifest.engine == Engine::Sqlite;
    let filling = job.plan.fillings.iter().find(|filling| filling.table == table);
    let foreign = filling.into_iter().flat_map(|filling| &filling.columns).filter(|column| column.foreign.is_some());
    let keep = |name: &str, text: &str, column: bool| match expression::check(text, Context { types: &[], column }) {
        Ok(()) => Ok(true),
        Err(_) if job.plan.scratch => Ok(false),
        Err(why) => Err(BackupError::Misfit {
            table: table.to_owned(),
            why: format!(
                "{name:?} is not skyteam's, and {why}: {text}, which is not run from a file: restore into tables that have it \
                 (db push, then make it by hand)"
            ),
        }),
    };
    let mut columns = Vec::new();
    for column in foreign.filter(|column| !exists(&column.name)) {
        let given = entry.others.column(&column.name).and_then(|given| given.text.as_deref()).filter(|_| own);
        let text = match given {
            Some(text) if keep(&column.name, text, true)? => text,
            _ => type_of(job, column),
        };
        columns.push((column.name.as_str(), format!("{} {text}", quote(&column.name))));
    }
    let generated = entry.others.columns.iter().filter(|column| column.generated.is_some() && own);
    for column in generated.filter(|column| !exists(&column.name)) {
        let Some(text) = &column.text else { continue };
        if keep(&column.name, text, true)? {
            columns.push((&column.name, format!("{} {text}", quote(&column.name))));
        }
    }
    // In the order that they had.
    columns.sort_by_key(|(name, _)| entry.others.columns.iter().position(|given| given.name == *name));
    lines.columns = columns.into_iter().map(|(_, line)| line).collect();
    if !own {
        return Ok(lines);
    }
    for rule in &entry.others.constraints {
        let RuleDefinition::Other(text) = &rule.rule else { continue };
        if !exists(&rule.name) && keep(&rule.name, text, true)? {
            lines.constraints.push(text.clone());
        }
    }
    for index in entry.others.indexes.iter().filter(|index| !exists(&index.name)) {
        let Some(text) = &index.text else { continue };
        if keep(&index.name, text, false)? {
            let unique = if index.unique { "UNIQUE " } else { "" };
            lines.indexes.push(format!("CREATE {unique}INDEX {} ON {} {text}", quote(&index.name), quote(table)));
        }
    }
    Ok(lines)
}

/// The type of a column that is not skyteam's: one of the six that strict tables know.
fn type_of(job: &Job, column: &crate::backup::column_mapping::Target) -> &'static str {
    let declared = column.foreign.as_deref().unwrap_or_default();
    if job.archive.manifest().engine == Engine::Sqlite {
        let known = ["TEXT", "INTEGER", "INT", "REAL", "BLOB", "ANY"];
        if let Some(known) = known.into_iter().find(|known| known.eq_ignore_ascii_case(declared)) {
            return known;
        }
    }
    match column.kind {
        Kind::Boolean | Kind::Integer | Kind::Bigint => "INTEGER",
        Kind::Bytes => "BLOB",
        Kind::Timestamp | Kind::Uuid | Kind::Text => "TEXT",
    }
}
