//! The neutral model: what a schema is, on either engine and wherever it was read from.
//!
//! Plain values that compare, clone and serialise. The three states of [`super`] are all a [`Schema`]; how one comes
//! about ([`super::desired()`], [`super::live`], a migration's snapshot) and what follows from two of them
//! ([`super::diff()`]) are elsewhere. Where a live object is of a form that no entity can ask for, its catalogue text
//! is carried as `Unsupported`: unequal to everything that is desired, and enough to describe and restore it. Only
//! [`super::live`] makes such a value.

use serde::{Deserialize, Serialize};

pub(crate) use super::kind::MICROSECONDS;
pub use super::kind::{EnumType, Kind};

/// The bytes that PostgreSQL keeps of a name.
const NAME_BYTES: usize = 63;

/// A whole schema, in the order in which it is created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    /// Tables.
    pub tables: Vec<Table>,
    /// Trigger functions, on PostgreSQL only; all in the schema `skyteam`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<Function>,
    /// Enum types of a live PostgreSQL database that no column of its tables has; see [`Schema::enum_types`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused_enums: Vec<EnumType>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// Name, without a schema.
    pub name: String,
    /// Columns. Their order is how they are created, and never a difference.
    pub columns: Vec<Column>,
    /// Keys and checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    /// Indexes that belong to no constraint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
    /// Triggers of either engine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// What a live table is that none of ours is: `UNLOGGED`, not `STRICT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oddity: Option<String>,
    /// What PostgreSQL is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether a live table of PostgreSQL is partitioned: its rows are its partitions'.
    #[serde(skip)]
    pub partitioned: bool,
    /// What depends on live indexes and columns of PostgreSQL and would be lost with them.
    #[serde(skip)]
    pub attachments: Vec<Attachment>,
}

/// A property of an index, a key or a column that no entity asks for, and that is kept where the object is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The index, constraint or column that has it.
    pub object: String,
    /// What it is.
    pub property: Property,
}

/// See [`Attachment`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    /// The index identifies rows for logical replication.
    ReplicaIdentity,
    /// `CLUSTER` orders the table by the index.
    Cluster,
    /// The comment on an index.
    IndexComment(String),
    /// The comment on a constraint.
    ConstraintComment(String),
    /// The storage parameters of an index, as they are written: `fillfactor=70`.
    Parameters(String),
    /// The tablespace of an index.
    Tablespace(String),
    /// How large values of a column are stored, where that is not what its type has: `EXTERNAL`.
    Storage(String),
    /// How large values of a column are compressed: `lz4`.
    Compression(String),
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whether NULL is allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
    /// Value of rows that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What PostgreSQL is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The collation of a live column of PostgreSQL, where it is not that of its type, as SQL writes it.
    #[serde(skip)]
    pub collation: Option<String>,
    /// What the type of a live column of PostgreSQL demands beyond that of its values: the CHECK of a domain.
    #[serde(skip)]
    pub rule: Option<String>,
}

/// A default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Value {
    /// The start of the transaction (PostgreSQL) or statement (SQLite).
    Now,
    /// The date of [`Value::Now`] in UTC.
    CurrentDate,
    /// The time of day of [`Value::Now`] in UTC.
    CurrentTime,
    /// A random UUID.
    RandomUuid,
    /// The next number of the column's own: an identity column on PostgreSQL, the rowid on SQLite.
    AutoIncrement,
    /// Text, and whatever is written as one: a UUID, a time, JSON, a value of an enum.
    Text(String),
    /// Whole number.
    Integer(i64),
    /// Number with a fraction, or beyond 64 bits, in digits.
    Number(String),
    /// Truth value.
    Boolean(bool),
    /// Bytes, as hexadecimal digits.
    Bytes(String),
    /// The values of an array.
    List(Vec<Value>),
    /// An expression that the entity gives, as each engine writes it.
    Expression(PerEngine),
    /// A live column's default that no entity can ask for, as its engine writes it.
    #[serde(alias = "raw")]
    Unsupported(String),
}

/// A key or check, under its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Constraint {
    /// Name, unique in its table.
    pub name: String,
    /// What it demands.
    #[serde(flatten)]
    pub rule: Rule,
}

/// What a constraint demands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// These columns identify a row.
    PrimaryKey(Vec<String>),
    /// These columns are unique together.
    Unique(Vec<String>),
    /// These columns name a row of another table.
    ForeignKey(ForeignKey),
    /// An expression that is not false.
    Check(PerEngine),
    /// A live primary key of another form: deferrable, with further columns, …
    UnsupportedPrimaryKey(String),
    /// A live key or check that holds for new rows only: `NOT VALID`.
    NotValid(Box<Rule>),
    /// A live foreign key whose triggers are switched off, so that it holds for no row.
    Disabled(Box<Rule>),
    /// Any other live constraint of another form, as its engine writes it.
    Unsupported(String),
}

/// A reference to another table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeignKey {
    /// Referring columns.
    pub columns: Vec<String>,
    /// Table referred to.
    pub table: String,
    /// Columns referred to, in the order of `columns`.
    pub references: Vec<String>,
    /// What becomes of a row whose target's key changes.
    #[serde(default, skip_serializing_if = "Action::is_default")]
    pub on_update: Action,
    /// What becomes of a row whose target is deleted.
    #[serde(default, skip_serializing_if = "Action::is_default")]
    pub on_delete: Action,
}

/// What a foreign key does when its target goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Refuse, at the end of the statement.
    #[default]
    NoAction,
    /// Refuse at once.
    Restrict,
    /// Follow.
    Cascade,
    /// Become NULL.
    SetNull,
    /// Become the default.
    SetDefault,
}

/// The same expression or text in each engine's words.
///
/// PostgreSQL's is written as PostgreSQL itself prints it, so that reading it back needs no scratch table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PerEngine {
    /// For PostgreSQL.
    pub postgres: String,
    /// For SQLite.
    pub sqlite: String,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Name, unique in the schema.
    pub name: String,
    /// What it holds.
    #[serde(flatten)]
    pub shape: Shape,
}

/// What an index holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum Shape {
    /// Plain ascending columns.
    Columns {
        /// The columns, first things first.
        columns: Vec<String>,
        /// Whether it refuses duplicates.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unique: bool,
        /// The rows it holds, where not all.
        #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
        filter: Option<PerEngine>,
    },
    /// A live index of another form.
    Unsupported {
        /// The definition, as its engine writes it.
        definition: String,
    },
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// Name.
    pub name: String,
    /// What it does, on the one engine it is for.
    #[serde(flatten)]
    pub body: TriggerBody,
}

/// What a trigger does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TriggerBody {
    /// On PostgreSQL. All texts as PostgreSQL prints them.
    Postgres {
        /// Time and events: `BEFORE INSERT OR UPDATE OF miles`.
        fires: String,
        /// `FOR EACH ROW`, and the condition.
        each: String,
        /// A function in the schema `skyteam`.
        function: String,
    },
    /// On SQLite: everything after the trigger's name, with `{table}` for the table.
    Sqlite(String),
    /// A live trigger of another form, as its engine writes it.
    Unsupported(String),
}

/// A trigger function on PostgreSQL, in the schema `skyteam`, in PL/pgSQL, with a fixed search path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// Name.
    pub name: String,
    /// Source text between the dollar quotes.
    pub body: String,
    /// What a live function is that none of ours is: another language, SECURITY DEFINER, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oddity: Option<String>,
}

impl Schema {
    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The table of this name.
    pub fn table_mut(&mut self, name: &str) -> Option<&mut Table> {
        self.tables.iter_mut().find(|table| table.name == name)
    }

    /// The enum types that its columns have and those of [`Schema::unused_enums`], each once, in order of first use.
    pub fn enum_types(&self) -> Vec<&EnumType> {
        let columns = self.tables.iter().flat_map(|table| &table.columns);
        let mut found: Vec<&EnumType> = Vec::new();
        for each in columns.filter_map(|column| column.kind.enum_type()).chain(&self.unused_enums) {
            if !found.iter().any(|known| known.name == each.name) {
                found.push(each);
            }
        }
        found
    }

    /// The snapshot of a migration: pretty JSON with a final newline, the same bytes for the same schema.
    ///
    /// # Errors
    ///
    /// None in practice: the model holds nothing that JSON lacks.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// Reads what [`Schema::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// When the text is not JSON, or not of this form.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
}

impl Column {
    /// A column that takes no NULL and has no default.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, nullable: false, default: None, comment: None, collation: None, rule: None }
    }
}

impl Column {
    /// Whether its values are computed from others of the row.
    pub(crate) fn is_generated(&self) -> bool {
        matches!(&self.default, Some(Value::Unsupported(text)) if text.starts_with("GENERATED ALWAYS AS ("))
    }
}

impl Table {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The primary key, if it has one, of whatever form.
    pub(crate) fn primary_key(&self) -> Option<&Constraint> {
        self.constraints
            .iter()
            .find(|constraint| matches!(constraint.rule, Rule::PrimaryKey(_) | Rule::UnsupportedPrimaryKey(_)))
    }

    /// The foreign keys with their names.
    pub fn foreign_keys(&self) -> impl Iterator<Item = (&str, &ForeignKey)> {
        self.constraints.iter().filter_map(|constraint| match &constraint.rule {
            Rule::ForeignKey(key) => Some((constraint.name.as_str(), key)),
            _ => None,
        })
    }
}

impl Rule {
    /// The columns of this table that it is about; empty for expressions, whose columns are not parsed.
    pub(crate) fn columns(&self) -> &[String] {
        match self {
            Self::PrimaryKey(columns) | Self::Unique(columns) => columns,
            Self::ForeignKey(key) => &key.columns,
            Self::NotValid(rule) | Self::Disabled(rule) => rule.columns(),
            Self::Check(_) | Self::UnsupportedPrimaryKey(_) | Self::Unsupported(_) => &[],
        }
    }
}

impl Action {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The words of SQL.
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
        }
    }
}

/// The name as PostgreSQL will keep it: its first 63 bytes, never cutting a character in two.
///
/// Every name of the model has gone through here, so a long one is no difference later.
pub(crate) fn fit_name(name: &str) -> String {
    let mut end = name.len().min(NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_where_postgres_cuts_them() {
        assert_eq!(fit_name("short"), "short");
        assert_eq!(fit_name(&"x".repeat(64)).len(), 63);
        assert_eq!(fit_name(&format!("{}é", "x".repeat(62))), "x".repeat(62));
    }
}
