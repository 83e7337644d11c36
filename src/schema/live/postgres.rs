//! Reading PostgreSQL's catalogue.
//!
//! PostgreSQL prints every expression in a normal form of its own. What the reference's expressions will look like is
//! first foretold from the model, which costs nothing; only where something then seems to differ are the reference's
//! tables made in `pg_temp`, read with the same statement, and unmade again by a savepoint. That needs no right but
//! TEMPORARY, and tables in sync are recognised without sending any DDL at all.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};
use serde::Deserialize;

use super::{Live, LiveError, Rename, Rights, unify};
use crate::schema::dialect::{Statement, literal, postgres as dialect};
use crate::schema::model::{
    Action, Column, Constraint, EnumType, ForeignKey, Function, Index, Kind, Rule, Schema, Shape, Table, Trigger,
    TriggerBody, Value,
};
use crate::schema::sql_tokens::rename_column;

/// The oldest server that is understood, as `server_version_num` counts.
const OLDEST: u32 = 150_000;

const CATALOGUE: &str = include_str!("catalogue.sql");
const OTHERS: &str = include_str!("others.sql");

/// Reads the tables of `reference`, as `renames` will have named their columns in expressions.
///
/// Runs inside the caller's transaction and changes nothing; a scratch copy, where one is needed, is gone before this
/// returns.
///
/// # Errors
///
/// [`LiveError`]; after a driver's error the caller's transaction is lost.
pub async fn read(
    connection: &impl ConnectionTrait,
    reference: &Schema,
    renames: &[Rename],
) -> Result<Live, LiveError> {
    let found = document(connection, reference, false).await?;
    if found.version < OLDEST {
        return Err(LiveError::TooOld(format!("{}", found.version / 10_000)));
    }
    for table in found.tables.iter().flatten() {
        let kind = match table.kind.as_str() {
            "v" => "view",
            "m" => "materialized view",
            "f" => "foreign table",
            _ => continue,
        };
        return Err(LiveError::NotATable { name: table.name.clone(), kind });
    }
    let (mut schema, doubts) = assemble(&found, reference, renames, &Texts::foretold(reference));
    if doubts {
        let texts = scratch(connection, reference).await?;
        (schema, _) = assemble(&found, reference, renames, &texts);
    }
    let not_owned = found
        .tables
        .iter()
        .flatten()
        .filter(|table| !table.owned)
        .map(|table| (table.name.clone(), table.owner.clone()))
        .collect();
    Ok(Live {
        schema,
        rights: Rights {
            role: found.rights.role,
            create_in_public: found.rights.create_in_public,
            create_schema: found.rights.create_schema,
            home: found.rights.home,
            use_home: found.rights.use_home,
            create_in_home: found.rights.use_home && found.rights.create_in_home,
            migrations: found.rights.migrations,
            read_record: found.rights.use_home && found.rights.read_record,
            write_record: found.rights.use_home && found.rights.read_record && found.rights.write_record,
            not_owned,
        },
    })
}

/// What else stands there.
///
/// # Errors
///
/// [`LiveError`].
pub async fn others(connection: &impl ConnectionTrait, reference: &Schema) -> Result<Vec<String>, LiveError> {
    let query = Query::from_sql_and_values(DbBackend::Postgres, OTHERS, [names(reference)?.into()]);
    let rows = connection.query_all_raw(query).await?;
    let mut found: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
    found.retain(|other| {
        let of = other.strip_prefix("type ");
        !of.is_some_and(|of| reference.enum_types().iter().any(|wanted| wanted.name == of))
    });
    Ok(found)
}

fn names(reference: &Schema) -> Result<String, LiveError> {
    let names: Vec<&str> = reference.tables.iter().map(|table| table.name.as_str()).collect();
    Ok(serde_json::to_string(&names)?)
}

async fn document(connection: &impl ConnectionTrait, reference: &Schema, scratch: bool) -> Result<Document, LiveError> {
    let values = [names(reference)?.into(), scratch.into()];
    let query = Query::from_sql_and_values(DbBackend::Postgres, CATALOGUE, values);
    let row = connection.query_one_raw(query).await?;
    let text: String = row.ok_or_else(|| DbErr::RecordNotFound("catalogue".to_owned()))?.try_get_by_index(0)?;
    let document: Document = serde_json::from_str(&text)?;
    // The statement has changed it, for how names are shown.
    connection.execute_unprepared(&format!("SET LOCAL search_path = {}", document.path)).await?;
    Ok(document)
}

/// How PostgreSQL itself words the reference's expressions.
///
/// Foreign keys are left out: they are compared column by column, and their targets may stand outside the model.
async fn scratch(connection: &impl ConnectionTrait, reference: &Schema) -> Result<Texts, LiveError> {
    let mut statements: Vec<Statement> = reference.enum_types().into_iter().map(dialect::create_enum).collect();
    statements.extend(reference.tables.iter().map(dialect::table));
    // Made in the temporary schema by name, and found there because nothing of ours is anywhere else in the path.
    for made in &mut statements {
        for word in ["CREATE TABLE ", "CREATE TYPE "] {
            if let Some(rest) = made.sql.strip_prefix(word) {
                made.sql = format!("{word}pg_temp.{rest}");
                break;
            }
        }
    }
    for table in &reference.tables {
        statements.extend(table.indexes.iter().map(|index| dialect::create_index(&table.name, index)));
    }
    statements.extend(reference.functions.iter().map(|function| dialect::create_function(function, "pg_temp")));
    for table in &reference.tables {
        let triggers = table.triggers.iter();
        statements.extend(triggers.filter_map(|each| dialect::create_trigger(&table.name, each, "pg_temp")));
    }
    let mut script = format!("SAVEPOINT skyteam_scratch; SET LOCAL search_path = {}; ", crate::db::search_path::SAFE);
    for statement in &statements {
        script.push_str(&statement.sql);
        script.push_str(";\n");
    }
    connection.execute_unprepared(&script).await?;
    let found = document(connection, reference, true).await?;
    connection.execute_unprepared("ROLLBACK TO SAVEPOINT skyteam_scratch; RELEASE SAVEPOINT skyteam_scratch").await?;
    Ok(Texts::of(&found))
}

/// How the reference's expressions look in the catalogue, under `(table, object)`.
#[derive(Default)]
struct Texts {
    defaults: HashMap<(String, String), String>,
    checks: HashMap<(String, String), String>,
    filters: HashMap<(String, String), String>,
    triggers: HashMap<(String, String), (String, String)>,
}

impl Texts {
    /// What PostgreSQL is going to say, as far as it can be known. Where it says otherwise, the scratch tables tell.
    fn foretold(reference: &Schema) -> Self {
        let mut texts = Self::default();
        for table in &reference.tables {
            let key = |name: &str| (table.name.clone(), name.to_owned());
            for column in &table.columns {
                if let Some(value) = &column.default {
                    texts.defaults.insert(key(&column.name), foretell(value, &column.kind));
                }
            }
            for constraint in &table.constraints {
                if let Rule::Check(sql) = &constraint.rule {
                    texts.checks.insert(key(&constraint.name), sql.postgres.clone());
                }
            }
            for index in &table.indexes {
                if let Shape::Columns { filter: Some(sql), .. } = &index.shape {
                    texts.filters.insert(key(&index.name), sql.postgres.clone());
                }
            }
            for trigger in &table.triggers {
                if let TriggerBody::Postgres { fires, each, .. } = &trigger.body {
                    texts.triggers.insert(key(&trigger.name), (fires.clone(), each.clone()));
                }
            }
        }
        texts
    }

    fn of(found: &Document) -> Self {
        let mut texts = Self::default();
        for column in found.columns.iter().flatten() {
            if let Some(text) = column.default_text() {
                texts.defaults.insert((column.table.clone(), column.name.clone()), text);
            }
        }
        for constraint in found.constraints.iter().flatten() {
            if let Some(sql) = &constraint.check {
                texts.checks.insert((constraint.table.clone(), constraint.name.clone()), sql.clone());
            }
        }
        for index in found.indexes.iter().flatten() {
            if let Some(sql) = &index.filter {
                texts.filters.insert((index.table.clone(), index.name.clone()), sql.clone());
            }
        }
        for trigger in found.triggers.iter().flatten() {
            if let Some(parts) = trigger.parts() {
                texts.triggers.insert((trigger.table.clone(), trigger.name.clone()), parts);
            }
        }
        texts
    }
}

fn foretell(value: &Value, kind: &Kind) -> String {
    match (value, kind) {
        (Value::Text(text), Kind::Char(_)) => format!("{}::bpchar", literal(text)),
        (Value::Text(text), _) => {
            let name = dialect::kind(kind);
            // A length is not part of it, and stands before the words that follow it.
            let (before, rest) = name.split_once('(').unwrap_or((&name, ""));
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            format!("{}::{before}{after}", literal(text))
        }
        (Value::Integer(number), _) if *number < 0 => format!("'{number}'::integer"),
        (other, _) => dialect::default(other),
    }
}

/// The one spelling of defaults that mean the start of the transaction in a session whose zone is UTC, and of types
/// that need no schema's name.
fn normal(default: &str) -> String {
    let bare = default.strip_suffix("::timestamp without time zone").unwrap_or(default);
    match bare.trim_start_matches('(').trim_end_matches(')') {
        "now(" | "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" | "transaction_timestamp(" => "now()".to_owned(),
        _ => default.replace("::public.", "::").replace("::pg_temp.", "::"),
    }
}

/// The live schema in the reference's terms, and whether an expression seems to differ from the reference's.
fn assemble(found: &Document, reference: &Schema, renames: &[Rename], texts: &Texts) -> (Schema, bool) {
    let mut doubts = false;
    let mut schema = Schema::default();
    for wanted in &reference.tables {
        let Some(table) = found.tables.iter().flatten().find(|table| table.name == wanted.name) else { continue };
        schema.tables.push(Assembly { found, wanted, renames, texts, doubts: &mut doubts }.table(table));
    }
    for function in found.functions.iter().flatten() {
        schema.functions.push(function.neutral());
    }
    let wanted = reference.enum_types();
    let ours = |found: &&EnumType| wanted.iter().any(|wanted| wanted.name == found.name);
    let unused: Vec<EnumType> = {
        let used = schema.enum_types();
        let is_used = |found: &&EnumType| used.iter().any(|used| used.name == found.name);
        found.enums.iter().flatten().filter(ours).filter(|found| !is_used(found)).cloned().collect()
    };
    schema.unused_enums = unused;
    (schema, doubts)
}

struct Assembly<'a> {
    found: &'a Document,
    wanted: &'a Table,
    renames: &'a [Rename],
    texts: &'a Texts,
    doubts: &'a mut bool,
}

impl Assembly<'_> {
    fn table(mut self, table: &TableRow) -> Table {
        let name = &self.wanted.name;
        let columns = self.found.columns.iter().flatten().filter(|row| row.table == *name);
        let columns: Vec<Column> = columns.map(|row| self.column(row)).collect();
        let constraints = self.found.constraints.iter().flatten().filter(|row| row.table == *name);
        let mut constraints: Vec<Constraint> = constraints.map(|row| self.constraint(row)).collect();
        let indexes = self.found.indexes.iter().flatten().filter(|row| row.table == *name);
        let mut indexes: Vec<Index> = indexes.map(|row| self.index(row)).collect();
        unify::uniques(self.wanted, self.renames, &mut constraints, &mut indexes);
        let triggers = self.found.triggers.iter().flatten().filter(|row| row.table == *name);
        let triggers: Vec<Trigger> = triggers.map(|row| self.trigger(row)).collect();
        let oddity = (table.persistence == "u").then(|| "UNLOGGED".to_owned());
        let comment = table.comment.clone();
        Table { name: name.clone(), columns, constraints, indexes, triggers, oddity, comment }
    }

    fn key(&self, name: &str) -> (String, String) {
        (self.wanted.name.clone(), name.to_owned())
    }

    fn renamed(&self, column: &str) -> String {
        Rename::apply(self.renames, &self.wanted.name, column).to_owned()
    }

    fn renamed_in(&self, sql: &str) -> String {
        let mine = self.renames.iter().filter(|rename| rename.table == self.wanted.name);
        mine.fold(sql.to_owned(), |sql, rename| rename_column(&sql, &rename.from, &rename.to))
    }

    fn column(&mut self, row: &ColumnRow) -> Column {
        let wanted = self.wanted.column(&self.renamed(&row.name)).and_then(|column| column.default.as_ref());
        let (name, nullable, comment) = (row.name.clone(), !row.required, row.comment.clone());
        let made = Column { name, kind: row.neutral(), nullable, default: None, comment };
        if row.identity == "d" || row.serial && wanted == Some(&Value::AutoIncrement) {
            return Column { default: Some(Value::AutoIncrement), ..made };
        }
        let default = row.default_text().map(|text| {
            let expected = self.texts.defaults.get(&self.key(&self.renamed(&row.name)));
            match (wanted, expected) {
                (Some(wanted), Some(expected)) if normal(expected) == normal(&text) => wanted.clone(),
                (Some(_), _) => {
                    *self.doubts = true;
                    Value::Unsupported(text)
                }
                _ => Value::Unsupported(text),
            }
        });
        Column { default, ..made }
    }

    fn constraint(&mut self, row: &ConstraintRow) -> Constraint {
        let columns = row.columns.clone().unwrap_or_default();
        let rule = match (row.kind.as_str(), row.plain) {
            ("p", true) => Rule::PrimaryKey(columns),
            ("p", false) => Rule::UnsupportedPrimaryKey(row.definition.clone()),
            ("u", true) => Rule::Unique(columns),
            ("f", true) => Rule::ForeignKey(ForeignKey {
                columns,
                table: row.target.clone().unwrap_or_default(),
                references: row.references.clone().unwrap_or_default(),
                on_update: action(&row.on_update),
                on_delete: action(&row.on_delete),
            }),
            ("c", true) => self.check(row).unwrap_or_else(|| Rule::Unsupported(row.definition.clone())),
            _ => Rule::Unsupported(row.definition.clone()),
        };
        Constraint { name: row.name.clone(), rule }
    }

    /// The reference's check that means the same: the one of the same name first.
    fn check(&mut self, row: &ConstraintRow) -> Option<Rule> {
        let sql = self.renamed_in(row.check.as_deref()?);
        let mut checks: Vec<&Constraint> =
            self.wanted.constraints.iter().filter(|wanted| matches!(wanted.rule, Rule::Check(_))).collect();
        checks.sort_by_key(|wanted| wanted.name != row.name);
        let same = checks.iter().find(|wanted| self.texts.checks.get(&self.key(&wanted.name)) == Some(&sql));
        if same.is_none() && checks.iter().any(|wanted| !self.check_stands(&wanted.name)) {
            *self.doubts = true;
        }
        same.map(|wanted| wanted.rule.clone())
    }

    /// Whether some live check is worded like the reference's of this name: then another one is simply another one.
    fn check_stands(&self, name: &str) -> bool {
        let text = self.texts.checks.get(&self.key(name));
        let mut mine = self.found.constraints.iter().flatten().filter(|row| row.table == self.wanted.name);
        mine.any(|row| row.check.as_deref().map(|sql| self.renamed_in(sql)).as_ref() == text)
    }

    /// The same for the condition of a partial index.
    fn filter_stands(&self, name: &str) -> bool {
        let text = self.texts.filters.get(&self.key(name));
        let mut mine = self.found.indexes.iter().flatten().filter(|row| row.table == self.wanted.name);
        mine.any(|row| row.filter.as_deref().map(|sql| self.renamed_in(sql)).as_ref() == text)
    }

    fn index(&mut self, row: &IndexRow) -> Index {
        let raw = Shape::Unsupported { definition: row.definition.clone() };
        let columns = row.columns.clone().unwrap_or_default();
        let shape = match (&row.filter, row.plain) {
            (_, false) => raw,
            (None, true) => Shape::Columns { columns, unique: row.unique, filter: None },
            (Some(filter), true) => self.filtered(row, &self.renamed_in(filter), columns).unwrap_or(raw),
        };
        Index { name: row.name.clone(), shape }
    }

    fn filtered(&mut self, row: &IndexRow, sql: &str, columns: Vec<String>) -> Option<Shape> {
        let mut candidates: Vec<(&str, &Shape)> = self
            .wanted
            .indexes
            .iter()
            .filter(|index| matches!(index.shape, Shape::Columns { filter: Some(_), .. }))
            .map(|index| (index.name.as_str(), &index.shape))
            .collect();
        candidates.sort_by_key(|(name, _)| *name != row.name);
        let same =
            candidates.iter().find(|(name, _)| self.texts.filters.get(&self.key(name)).is_some_and(|text| text == sql));
        if same.is_none() && candidates.iter().any(|(name, _)| !self.filter_stands(name)) {
            *self.doubts = true;
        }
        match same {
            Some((_, Shape::Columns { filter, .. })) => {
                Some(Shape::Columns { columns, unique: row.unique, filter: filter.clone() })
            }
            _ => None,
        }
    }

    fn trigger(&mut self, row: &TriggerRow) -> Trigger {
        let wanted = self.wanted.triggers.iter().find_map(|trigger| match &trigger.body {
            TriggerBody::Postgres { function, .. } if trigger.name == row.name => Some((trigger, function)),
            _ => None,
        });
        let body = match (wanted, row.parts()) {
            (Some((wanted, function)), Some(parts)) => {
                if self.texts.triggers.get(&self.key(&row.name)) != Some(&parts) {
                    *self.doubts = true;
                    None
                } else if row.enabled == "O" && row.schema == dialect::HOME && row.function == *function {
                    Some(wanted.body.clone())
                } else {
                    None
                }
            }
            _ => None,
        };
        let body = body.unwrap_or_else(|| {
            let off = if row.enabled == "D" { " -- disabled" } else { "" };
            TriggerBody::Unsupported(format!("{}{off}", row.definition))
        });
        Trigger { name: row.name.clone(), body }
    }
}

fn action(letter: &str) -> Action {
    match letter {
        "r" => Action::Restrict,
        "c" => Action::Cascade,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

#[derive(Deserialize)]
struct Document {
    /// The search path that the transaction had.
    path: String,
    version: u32,
    tables: Option<Vec<TableRow>>,
    columns: Option<Vec<ColumnRow>>,
    enums: Option<Vec<EnumType>>,
    constraints: Option<Vec<ConstraintRow>>,
    indexes: Option<Vec<IndexRow>>,
    triggers: Option<Vec<TriggerRow>>,
    functions: Option<Vec<FunctionRow>>,
    rights: RightsRow,
}

#[derive(Deserialize)]
struct TableRow {
    name: String,
    kind: String,
    persistence: String,
    owner: String,
    owned: bool,
    comment: Option<String>,
}

#[derive(Deserialize)]
struct ColumnRow {
    table: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    required: bool,
    default: Option<String>,
    identity: String,
    generated: String,
    serial: bool,
    comment: Option<String>,
    array: bool,
    #[serde(rename = "enum")]
    values: Option<EnumType>,
}

#[derive(Deserialize)]
struct ConstraintRow {
    table: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    columns: Option<Vec<String>>,
    target: Option<String>,
    references: Option<Vec<String>>,
    on_update: String,
    on_delete: String,
    check: Option<String>,
    plain: bool,
    definition: String,
}

#[derive(Deserialize)]
struct IndexRow {
    table: String,
    name: String,
    unique: bool,
    columns: Option<Vec<String>>,
    filter: Option<String>,
    plain: bool,
    definition: String,
}

#[derive(Deserialize)]
struct TriggerRow {
    table: String,
    name: String,
    enabled: String,
    definition: String,
    head: String,
    on: String,
    schema: String,
    function: String,
}

#[derive(Deserialize)]
struct FunctionRow {
    name: String,
    body: String,
    language: String,
    definer: bool,
    config: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RightsRow {
    role: String,
    create_in_public: bool,
    create_schema: bool,
    home: bool,
    use_home: bool,
    create_in_home: bool,
    migrations: bool,
    read_record: bool,
    write_record: bool,
}

impl ColumnRow {
    fn neutral(&self) -> Kind {
        match (&self.values, self.array) {
            (Some(of), false) => Kind::Enum(of.clone()),
            (Some(of), true) => Kind::Array(Box::new(Kind::Enum(of.clone()))),
            (None, _) => Kind::from_postgres(&self.kind).unwrap_or_else(|| Kind::Unsupported(self.kind.clone())),
        }
    }

    /// The default; for an identity or generated column what makes its values, which is no default at all.
    fn default_text(&self) -> Option<String> {
        match (self.identity.as_str(), self.generated.as_str()) {
            ("a", _) => Some("GENERATED ALWAYS AS IDENTITY".to_owned()),
            ("d", _) => Some(dialect::IDENTITY.to_owned()),
            (_, "") => self.default.clone(),
            _ => Some(format!("GENERATED ALWAYS AS ({}) STORED", self.default.as_deref().unwrap_or_default())),
        }
    }
}

impl TriggerRow {
    /// When it fires, and for what: the definition without its names.
    fn parts(&self) -> Option<(String, String)> {
        let tail = self.definition.strip_prefix(&self.head)?;
        let (fires, tail) = tail.split_once(&self.on)?;
        let (each, _) = tail.rsplit_once(" EXECUTE FUNCTION ")?;
        Some((fires.to_owned(), each.to_owned()))
    }
}

impl FunctionRow {
    fn neutral(&self) -> Function {
        let ours = self.language == "plpgsql"
            && !self.definer
            && self.config.as_deref() == Some(&[dialect::FUNCTION_CONFIG.to_owned()]);
        let oddity = (!ours).then(|| {
            let definer = if self.definer { " SECURITY DEFINER" } else { "" };
            format!("LANGUAGE {}{definer} {}", self.language, self.config.clone().unwrap_or_default().join(" "))
        });
        Function { name: self.name.clone(), body: self.body.clone(), oddity }
    }
}
