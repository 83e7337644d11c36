//! What others have defined on skyteam's tables, out of a database into a manifest, and out of a manifest as statements.
//!
//! See [`crate::backup::format::definitions`] for what of a manifest goes into SQL, and why. All statements name their
//! schema and run where nothing but PostgreSQL's own catalogue is searched.

use std::collections::{HashMap, HashSet};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::catalog::Found;
use super::definition_sql::{Statements, mentions, names, path};
use super::job::Job;
use crate::backup::column_mapping::{Filling, Target};
use crate::backup::error::{BackupError, Result};
use crate::backup::format::definitions::{
    ColumnDefinition, ConstraintDefinition, Definitions, Name, RuleDefinition, TypeDefinition,
};
use crate::backup::plan::Way;
use crate::backup::version;
use crate::db::{Engine, search_path};

const DEFINITIONS: &str = include_str!("definitions.sql");

/// Prepares a transaction for [`read`] outside of a snapshot: it reads only, and types are written with their schema, as in
/// a backup. `preamble` is what a transaction must begin with.
///
/// # Errors
/// The driver's.
pub(super) async fn look_safely(connection: &mut PgConnection, preamble: &str) -> Result<()> {
    let begin = format!(
        "SET TRANSACTION READ ONLY; SET LOCAL lock_timeout = '1s'; {preamble}; SET LOCAL search_path = {}",
        search_path::SAFE
    );
    sqlx::raw_sql(AssertSqlSafe(begin)).execute(connection).await?;
    Ok(())
}

/// Reads what others have defined on a table.
///
/// # Errors
/// The driver's; those of [`version::known`].
pub(super) async fn read(connection: &mut PgConnection, table: &str) -> Result<Definitions> {
    let known = version::known()?;
    let ours = known.table(table).map(|table| table.columns.iter().map(|column| column.name.as_str()).collect());
    let ours: Vec<&str> = ours.unwrap_or_default();
    let names: Vec<String> = version::objects()?.into_iter().collect();
    let oid = "SELECT c.oid::pg_catalog.int8 AS oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relname = $1";
    let Some(row) = sqlx::query(oid).bind(table).fetch_optional(&mut *connection).await? else {
        return Ok(Definitions::default());
    };
    let row = sqlx::query(DEFINITIONS)
        .bind(row.try_get::<i64, _>("oid")?)
        .bind(ours)
        .bind(names)
        .fetch_one(connection)
        .await?;
    let text: String = row.try_get("definitions")?;
    serde_json::from_str(&text).map_err(|error| BackupError::Misfit { table: table.to_owned(), why: error.to_string() })
}

/// What a restore makes of the archive's definitions.
#[derive(Debug, Default)]
pub(super) struct Extras {
    /// Statements that make types that are missing.
    pub types: Vec<String>,
    tables: HashMap<String, TableExtras>,
    /// What is made, by the names that [`super::attachments`] knows.
    pub made: HashSet<String>,
}

/// Statements for one table.
#[derive(Debug, Default)]
struct TableExtras {
    columns: Vec<String>,
    rules: Vec<String>,
    references: Vec<String>,
    wanted: Definitions,
}

impl Extras {
    fn of(&self, table: &str, which: impl Fn(&TableExtras) -> &Vec<String>) -> Vec<String> {
        self.tables.get(table).map(|extras| which(extras).clone()).unwrap_or_default()
    }

    /// Statements that add the columns to an empty table.
    pub(super) fn columns(&self, table: &str) -> Vec<String> {
        self.of(table, |extras| &extras.columns)
    }

    /// Statements that add indexes, keys and conditions to a filled table.
    pub(super) fn rules(&self, table: &str) -> Vec<String> {
        self.of(table, |extras| &extras.rules)
    }

    /// Statements that add references once all tables have their keys and their places.
    pub(super) fn references(&self) -> Vec<String> {
        self.tables.values().flat_map(|extras| extras.references.clone()).collect()
    }

    /// Compares what was made with what the archive says, where the server writes definitions as the archive's did.
    ///
    /// # Errors
    /// [`BackupError::Misfit`] for what came back otherwise; the driver's.
    pub(super) async fn compare(&self, connection: &mut PgConnection, from: &str) -> Result<()> {
        let version: String = sqlx::query("SELECT pg_catalog.current_setting('server_version') AS version")
            .fetch_one(&mut *connection)
            .await?
            .try_get("version")?;
        let major = |version: &str| version.split(['.', ' ']).next().unwrap_or_default().to_owned();
        if major(&version) != major(from) {
            return Ok(());
        }
        for (table, extras) in &self.tables {
            let now = read(connection, table).await?;
            let other = |what: &str, name: &str| {
                Err(BackupError::Misfit {
                    table: table.clone(),
                    why: format!("its {what} {name:?} did not come back as it was"),
                })
            };
            if let Some(column) = extras.wanted.columns.iter().find(|column| now.column(&column.name) != Some(column)) {
                return other("column", &column.name);
            }
            if let Some(rule) = extras.wanted.constraints.iter().find(|rule| !now.constraints.contains(rule)) {
                return other("constraint", &rule.name);
            }
            if let Some(index) = extras.wanted.indexes.iter().find(|index| !now.indexes.contains(index)) {
                return other("index", &index.name);
            }
        }
        Ok(())
    }
}

/// Judges the archive's definitions and makes statements of those that the target lacks, before anything is touched.
/// `home` is the schema that tables are made in; `existing` are the tables that are there.
///
/// # Errors
/// [`BackupError::Misfit`] for what is not known to be harmless, or needs what is not there; the driver's.
pub(super) async fn prepare(
    connection: &mut PgConnection,
    job: &Job,
    home: &str,
    existing: &[Found],
) -> Result<Extras> {
    let mut extras = Extras::default();
    if job.archive.manifest().engine != Engine::Postgres || job.plan.way == Way::InPlace {
        return Ok(extras);
    }
    for filling in &job.plan.fillings {
        let Some(entry) = job.archive.manifest().table(&filling.table) else { continue };
        let there = existing.iter().find(|table| table.shape.name == filling.table);
        let sql = Statements { home, table: &filling.table, types: Vec::new() };
        let mut part = Part { job, sql, table: &filling.table, given: &entry.others, made: Vec::new() };
        let table = part.table_extras(connection, filling, there, &mut extras).await?;
        extras.made.extend(table.wanted.constraints.iter().map(|rule| rule.name.clone()));
        extras.made.extend(table.wanted.indexes.iter().map(|index| index.name.clone()));
        for column in &table.wanted.columns {
            extras.made.insert(format!("{}.{}", filling.table, column.name));
            extras.made.extend(column.numbered.as_ref().map(|numbered| numbered.sequence.clone()));
        }
        extras.tables.insert(filling.table.clone(), table);
    }
    Ok(extras)
}

/// One table on its way.
struct Part<'a> {
    job: &'a Job,
    sql: Statements<'a>,
    table: &'a str,
    given: &'a Definitions,
    /// Columns that are added.
    made: Vec<String>,
}

impl Part<'_> {
    async fn table_extras(
        &mut self,
        connection: &mut PgConnection,
        filling: &Filling,
        there: Option<&Found>,
        extras: &mut Extras,
    ) -> Result<TableExtras> {
        let mut found = TableExtras::default();
        let exists = |name: &str| there.is_some_and(|table| table.shape.position(name).is_some());
        let mut columns: Vec<ColumnDefinition> = filling
            .columns
            .iter()
            .filter(|column| column.foreign.is_some())
            .map(|column| self.defined(column))
            .collect();
        // Generated ones are not in the archive, and may be of any other.
        columns.extend(self.given.columns.iter().filter(|column| column.generated.is_some()).cloned());
        columns.retain(|column| !exists(&column.name));
        let mut columns = in_order(columns, self.given);
        for column in &mut columns {
            if !self.resolve(connection, &column.declared, &column.name, extras).await? {
                // Where rows are proved, their text is proof enough.
                *column = bare(&column.name, "text");
            }
        }
        for column in columns {
            self.made.push(column.name.clone());
            if let Some(statements) = self.keep(&column.name, self.sql.column(&column))? {
                found.columns.extend(statements);
                found.wanted.columns.push(column);
            } else if column.generated.is_none() {
                let bare = self.keep(&column.name, self.sql.column(&bare(&column.name, &column.declared)))?;
                found.columns.extend(bare.unwrap_or_default());
            }
        }
        if self.job.plan.scratch {
            found.wanted.columns.clear();
        }
        if self.given.columns.is_empty() && self.given.constraints.is_empty() && self.given.indexes.is_empty() {
            // An older archive has no more of them than their types.
            found.wanted.columns.clear();
        }
        let whole = there.is_none();
        let has = |name: &str| there.is_some_and(|table| table.objects.contains(name));
        for rule in self.given.constraints.iter().filter(|rule| !has(&rule.name)) {
            if !whole && !self.is_about_made(rule) {
                continue;
            }
            let is_reference = matches!(rule.rule, RuleDefinition::Foreign { .. });
            if is_reference && self.job.plan.scratch {
                continue;
            }
            if let RuleDefinition::Foreign { table, .. } = &rule.rule {
                self.refers_to_what_is_there(connection, rule, table).await?;
            }
            if let Some(sql) = self.keep(&rule.name, self.sql.rule(rule))? {
                if is_reference {
                    found.references.push(sql)
                } else {
                    found.rules.push(sql)
                }
                found.wanted.constraints.push(rule.clone());
            }
        }
        for index in self.given.indexes.iter().filter(|index| !has(&index.name)) {
            let mentions = |text: &str| self.made.iter().any(|name| mentions(text, name));
            let about_made = index.keys.iter().any(|key| mentions(&key.expression))
                || index.include.iter().any(|name| self.made.contains(name))
                || index.predicate.as_deref().is_some_and(mentions);
            if !whole && !about_made {
                continue;
            }
            if let Some(sql) = self.keep(&index.name, self.sql.index(index))? {
                found.rules.push(sql);
                found.wanted.indexes.push(index.clone());
            }
        }
        Ok(found)
    }

    /// In a scratch database, where rows are proved, what may not run is left out.
    fn keep<T>(&self, name: &str, made: Result<T, String>) -> Result<Option<T>> {
        match made {
            Ok(made) => Ok(Some(made)),
            Err(_) if self.job.plan.scratch => Ok(None),
            Err(why) => Err(self.misfit(format!(
                "{name:?} is not skyteam's, and {why}, which is not run from a file: restore into tables that have it \
                 (db push, then make it by hand)"
            ))),
        }
    }

    fn misfit(&self, why: String) -> BackupError {
        BackupError::Misfit { table: self.table.to_owned(), why }
    }

    /// A column as the archive defines it; an older one has its type and whether it may be NULL.
    fn defined(&self, column: &Target) -> ColumnDefinition {
        let declared = column.foreign.clone().unwrap_or_default();
        let given = self.given.column(&column.name).cloned();
        ColumnDefinition { name: column.name.clone(), declared, ..given.unwrap_or_default() }
    }

    /// Looks whether a type is there that cells may be read as, or can be made.
    async fn resolve(
        &mut self,
        connection: &mut PgConnection,
        declared: &str,
        column: &str,
        extras: &mut Extras,
    ) -> Result<bool> {
        if declared.contains("--") || declared.contains("/*") || declared.contains([';', '\'', '$']) {
            return Err(self.misfit(format!("its column {column:?} has an impossible type, {declared}")));
        }
        let is_named = |given: &&TypeDefinition| {
            names(declared).is_some_and(|(schema, name)| schema == given.name.schema && name == given.name.name)
        };
        let given = self.given.types.iter().find(is_named);
        let sql = "SELECT y.typtype::pg_catalog.text AS kind, n.nspname::pg_catalog.text AS schema, y.typname::pg_catalog.text AS name,
                     EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                             AND d.objid = y.oid AND d.deptype = 'e') AS extension,
                     ARRAY(SELECT e.enumlabel::pg_catalog.text FROM pg_catalog.pg_enum e WHERE e.enumtypid = y.oid ORDER BY e.enumsortorder) AS labels
                   FROM pg_catalog.pg_type x JOIN pg_catalog.pg_type y ON y.oid = CASE WHEN x.typcategory = 'A' THEN x.typelem ELSE x.oid END
                   JOIN pg_catalog.pg_namespace n ON n.oid = y.typnamespace WHERE x.oid = pg_catalog.to_regtype($1)::pg_catalog.oid";
        let Some(row) = sqlx::query(sql).bind(declared).fetch_optional(&mut *connection).await? else {
            let Some(given) = given else {
                return if self.job.plan.scratch {
                    Ok(false)
                } else {
                    Err(self.misfit(format!(
                        "its column {column:?} is of the type {declared}, which is not here; make it first, or its extension"
                    )))
                };
            };
            let sql = match self.sql.new_type(given) {
                Ok(sql) => sql,
                Err(_) if self.job.plan.scratch => return Ok(false),
                Err(why) => return Err(self.misfit(format!("the type {declared}: {why}"))),
            };
            self.sql.types.push(format!("{}.{}", given.name.schema, given.name.name));
            if !extras.types.contains(&sql) {
                extras.types.push(sql);
            }
            return Ok(true);
        };
        let (kind, schema, name): (String, String, String) =
            (row.try_get("kind")?, row.try_get("schema")?, row.try_get("name")?);
        if schema == "pg_catalog" {
            return Ok(true);
        }
        let same = match kind.as_str() {
            // An extension's code is a superuser's.
            _ if row.try_get("extension")? => true,
            // Its input function is the server's. Older archives do not have its values.
            "e" => given.is_none_or(|given| given.labels == row.try_get("labels").ok()),
            // Its conditions would run with the rights of who restores.
            _ => false,
        };
        if !same {
            return Err(
                self.misfit(format!("its column {column:?} is of the type {schema}.{name}, which is another one here"))
            );
        }
        self.sql.types.push(format!("{schema}.{name}"));
        Ok(true)
    }

    fn is_about_made(&self, rule: &ConstraintDefinition) -> bool {
        match &rule.rule {
            RuleDefinition::Check(sql) | RuleDefinition::Other(sql) => self.made.iter().any(|name| mentions(sql, name)),
            RuleDefinition::Unique { columns, .. } | RuleDefinition::Foreign { columns, .. } => {
                columns.iter().any(|column| self.made.contains(column))
            }
        }
    }

    async fn refers_to_what_is_there(
        &self,
        connection: &mut PgConnection,
        rule: &ConstraintDefinition,
        to: &Name,
    ) -> Result<()> {
        let ours = to.schema == "public" && self.job.plan.version.schema.table(&to.name).is_some();
        let sql = "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";
        if ours || sqlx::query(sql).bind(&to.schema).bind(&to.name).fetch_optional(connection).await?.is_some() {
            return Ok(());
        }
        Err(self.misfit(format!(
            "its constraint {:?} refers to {}, which is not here and not in the backup",
            rule.name,
            path(to)
        )))
    }
}

/// Columns in the order that they have in the archive's table; a generated one comes behind those that it is computed from.
fn in_order(mut columns: Vec<ColumnDefinition>, given: &Definitions) -> Vec<ColumnDefinition> {
    columns.sort_by_key(|column| given.columns.iter().position(|given| given.name == column.name));
    let waits = |index: usize, column: &ColumnDefinition| {
        let later = |sql: &String| columns[index + 1..].iter().any(|later| mentions(sql, &later.name));
        column.generated.as_ref().is_some_and(later)
    };
    let waiting: Vec<bool> = columns.iter().enumerate().map(|(index, column)| waits(index, column)).collect();
    let mut waiting = waiting.into_iter();
    let (last, mut first): (Vec<_>, Vec<_>) = columns.into_iter().partition(|_| waiting.next().unwrap_or(false));
    first.extend(last);
    first
}

/// A column by its type alone.
fn bare(name: &str, declared: &str) -> ColumnDefinition {
    ColumnDefinition { name: name.to_owned(), declared: declared.to_owned(), ..ColumnDefinition::default() }
}
