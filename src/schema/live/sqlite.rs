//! Reading SQLite's catalogue: the texts of `sqlite_schema`, compared token by token.

use sea_orm::{ConnectionTrait, DbBackend, Statement as Query};

use super::create_table::{self, ColumnText};
use super::{Live, LiveError, Rename, Rights, stored_type, unify};
use crate::schema::dialect::sqlite;
use crate::schema::model::{
    Column, Constraint, Index, Kind, PerEngine, Rule, Schema, Shape, Table, Trigger, TriggerBody, Value,
};
use crate::schema::sql_tokens::{bare, rename_column, same};

/// How a table is called that has no numbers of its own for its rows.
pub(in crate::schema) const WITHOUT_ROWID: &str = "WITHOUT ROWID";

/// Reads the tables of `reference`, as `renames` will have named their columns in expressions.
///
/// # Errors
///
/// [`LiveError`].
pub(super) async fn read(
    connection: &impl ConnectionTrait,
    reference: &Schema,
    renames: &[Rename],
) -> Result<Live, LiveError> {
    let rows = rows(connection).await?;
    let mut schema = Schema::default();
    for wanted in &reference.tables {
        let is_it = |row: &&Row| row.name == wanted.name && matches!(row.kind.as_str(), "table" | "view");
        let Some(row) = rows.iter().find(is_it) else { continue };
        match row.kind.as_str() {
            "view" => return Err(LiveError::NotATable { name: row.name.clone(), kind: "view" }),
            _ if row.is_virtual() => {
                return Err(LiveError::NotATable { name: row.name.clone(), kind: "virtual table" });
            }
            _ => schema.tables.push(Assembly { rows: &rows, wanted, renames }.table(row)?),
        }
    }
    let migrations = rows.iter().any(|row| row.name == "_skyteam_migrations");
    let rights = Rights { migrations, read_record: migrations, ..Rights::all() };
    Ok(Live { schema, unknown: Vec::new(), rights })
}

/// What the file has, to be compared with more than one schema.
pub(crate) struct Rows(Vec<Row>);

/// Reads it.
///
/// # Errors
///
/// The driver's.
pub(super) async fn catalogue(connection: &impl ConnectionTrait) -> Result<Rows, LiveError> {
    Ok(Rows(rows(connection).await?))
}

/// The tables of `reference` in its terms.
///
/// # Errors
///
/// [`LiveError::Definition`].
pub(super) fn compare(Rows(rows): &Rows, reference: &Schema) -> Result<Schema, LiveError> {
    let mut schema = Schema::default();
    for wanted in &reference.tables {
        let is_it = |row: &&Row| row.name == wanted.name && row.kind == "table" && !row.is_virtual();
        if let Some(row) = rows.iter().find(is_it) {
            schema.tables.push(Assembly { rows, wanted, renames: &[] }.table(row)?);
        }
    }
    Ok(schema)
}

/// What else the database has.
///
/// # Errors
///
/// [`LiveError`].
pub(super) async fn others(connection: &impl ConnectionTrait, reference: &Schema) -> Result<Vec<String>, LiveError> {
    let others = rows(connection).await?.into_iter().filter(|row| {
        matches!(row.kind.as_str(), "table" | "view")
            && reference.table(&row.name).is_none()
            && !row.name.starts_with("sqlite_")
            && !row.name.starts_with("_skyteam_")
    });
    Ok(others.map(|row| format!("{} {}", row.kind, row.name)).collect())
}

async fn rows(connection: &impl ConnectionTrait) -> Result<Vec<Row>, LiveError> {
    let query = Query::from_string(
        DbBackend::Sqlite,
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name",
    );
    let mut rows = Vec::new();
    for row in connection.query_all_raw(query).await? {
        rows.push(Row {
            kind: row.try_get_by_index(0)?,
            name: row.try_get_by_index(1)?,
            table: row.try_get_by_index(2)?,
            sql: row.try_get_by_index(3)?,
        });
    }
    Ok(rows)
}

struct Row {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

impl Row {
    fn is_virtual(&self) -> bool {
        self.sql.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("CREATE VIRTUAL"))
    }
}

struct Assembly<'a> {
    rows: &'a [Row],
    wanted: &'a Table,
    renames: &'a [Rename],
}

impl Assembly<'_> {
    fn table(&self, row: &Row) -> Result<Table, LiveError> {
        let definition = create_table::table(&row.sql)
            .map_err(|problem| LiveError::Definition { table: row.name.clone(), problem })?;
        let key = definition.constraints.iter().find_map(|(constraint, _)| match &constraint.rule {
            Rule::PrimaryKey(columns) => Some(columns.clone()),
            _ => None,
        });
        let is_key = |column: &ColumnText| key.as_deref() == Some(std::slice::from_ref(&column.name));
        let columns = definition.columns.iter().map(|column| self.column(column, is_key(column))).collect();
        let of_types = stored_type::conditions(&definition);
        let mut constraints: Vec<Constraint> = definition
            .constraints
            .into_iter()
            .enumerate()
            .filter(|(at, _)| !of_types.contains(at))
            .map(|(_, constraint)| constraint)
            .map(|(constraint, check)| match check.and_then(|sql| self.check(&constraint.name, &sql)) {
                Some(rule) => Constraint { rule, ..constraint },
                None => constraint,
            })
            .collect();
        let of_this = |row: &&Row| row.table == self.wanted.name;
        let indexes = self.rows.iter().filter(of_this).filter(|row| row.kind == "index");
        let mut indexes: Vec<Index> = indexes.map(|row| self.index(row)).collect();
        unify::uniques(self.wanted, self.renames, &mut constraints, &mut indexes);
        let triggers = self.rows.iter().filter(of_this).filter(|row| row.kind == "trigger");
        let triggers = triggers.map(|row| self.trigger(row)).collect();
        let oddity = match (definition.strict, definition.without_rowid) {
            (true, false) => None,
            (false, false) => Some("not STRICT".to_owned()),
            (false, true) => Some(format!("not STRICT, {WITHOUT_ROWID}")),
            (true, true) => Some(WITHOUT_ROWID.to_owned()),
        };
        // SQLite keeps no comments, so it lacks none.
        let comment = self.wanted.comment.clone();
        let name = row.name.clone();
        Ok(Table { name, columns, constraints, indexes, triggers, oddity, comment, ..Table::default() })
    }

    fn column(&self, text: &ColumnText, is_key: bool) -> Column {
        let wanted = self.wanted.column(Rename::apply(self.renames, &self.wanted.name, &text.name));
        let kind = stored_type::of(text, wanted.map(|wanted| &wanted.kind));
        let expected = wanted.and_then(|wanted| wanted.default.as_ref());
        let default = text.default.as_ref().map(|sql| match expected {
            Some(expected) if same_default(expected, &kind, sql) => expected.clone(),
            _ => Value::Unsupported(sql.clone()),
        });
        // Such a column numbers its rows, whether or not that is asked for.
        let numbers = is_key && text.kind == "INTEGER" && expected == Some(&Value::AutoIncrement);
        let default = default.or_else(|| numbers.then_some(Value::AutoIncrement));
        let comment = wanted.and_then(|wanted| wanted.comment.clone());
        Column { nullable: !text.required, default, comment, ..Column::new(&text.name, kind) }
    }

    fn renamed_in(&self, sql: &str) -> String {
        let mine = self.renames.iter().filter(|rename| rename.table == self.wanted.name);
        mine.fold(sql.to_owned(), |sql, rename| rename_column(&sql, &rename.from, &rename.to))
    }

    /// The reference's check that means the same: the one of the same name first.
    fn check(&self, name: &str, sql: &str) -> Option<Rule> {
        let sql = self.renamed_in(sql);
        let mut checks: Vec<&Constraint> = self.wanted.constraints.iter().collect();
        checks.sort_by_key(|wanted| wanted.name != name);
        checks.into_iter().map(|wanted| &wanted.rule).find(|rule| is_check(rule, &sql)).cloned()
    }

    fn index(&self, row: &Row) -> Index {
        let raw = Shape::Unsupported { definition: row.sql.clone() };
        let shape = match create_table::index(&row.sql) {
            None => raw,
            Some((shape, None)) => shape,
            Some((Shape::Columns { columns, unique, .. }, Some(sql))) => {
                self.filter(&sql).map_or(raw, |filter| Shape::Columns { columns, unique, filter: Some(filter) })
            }
            Some(_) => raw,
        };
        Index { name: row.name.clone(), shape }
    }

    fn filter(&self, sql: &str) -> Option<PerEngine> {
        let sql = self.renamed_in(sql);
        self.wanted.indexes.iter().find_map(|index| match &index.shape {
            Shape::Columns { filter: Some(filter), .. } if same(bare(&filter.sqlite), bare(&sql)) => {
                Some(filter.clone())
            }
            _ => None,
        })
    }

    fn trigger(&self, row: &Row) -> Trigger {
        let wanted = self.wanted.triggers.iter().find(|trigger| {
            matches!(trigger.body, TriggerBody::Sqlite(_))
                && sqlite::create_trigger(&self.wanted.name, trigger)
                    .is_some_and(|statement| same(&statement.sql, row.sql.trim_end_matches(';')))
        });
        let body = wanted.map_or_else(|| TriggerBody::Unsupported(row.sql.clone()), |wanted| wanted.body.clone());
        Trigger { name: row.name.clone(), body }
    }
}

fn is_check(rule: &Rule, sql: &str) -> bool {
    matches!(rule, Rule::Check(wanted) if same(bare(&wanted.sqlite), bare(sql)))
}

fn same_default(wanted: &Value, kind: &Kind, sql: &str) -> bool {
    let text = bare(sql);
    match wanted {
        Value::Now
            if matches!(kind, Kind::Timestamp(_))
                && ["CURRENT_TIMESTAMP", "datetime('now')"].iter().any(|now| same(now, text)) =>
        {
            true
        }
        Value::Boolean(true) if text.eq_ignore_ascii_case("true") => true,
        Value::Boolean(false) if text.eq_ignore_ascii_case("false") => true,
        _ => same(bare(&sqlite::default(wanted, kind)), text),
    }
}
