//! The description of a table to browse.

use super::{BrowseError, Result};

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Name, without a schema.
    pub name: String,
    /// Its columns, secret ones too.
    pub columns: Vec<Column>,
    /// The columns of its primary key.
    pub key: Vec<String>,
    /// Columns of all tables that refer to this one.
    pub referrers: Vec<Referrer>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// PostgreSQL's name of the type that its values are compared as; that of an enum quoted.
    pub sql_type: String,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// Whether its values never leave the database.
    pub secret: bool,
    /// Table and column that it refers to.
    pub references: Option<(String, String)>,
    /// The values that it takes, where they are listed.
    pub choices: Vec<String>,
}

/// A column that refers to a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Referrer {
    /// The table it belongs to.
    pub table: String,
    /// Its name.
    pub column: String,
    /// The column referred to.
    pub to: String,
}

/// What a column holds, as far as it matters to reading, comparing and showing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole numbers of at most 32 bits.
    Integer,
    /// Whole numbers of 64 bits.
    BigInteger,
    /// Exact numbers.
    Decimal,
    /// Floating-point numbers.
    Float,
    /// Truth values.
    Boolean,
    /// Text.
    Text,
    /// UUIDs.
    Uuid,
    /// Points in time in UTC.
    Timestamp,
    /// Dates.
    Date,
    /// Times of day.
    Time,
    /// One of several texts.
    Enum,
    /// JSON.
    Json,
    /// Bytes.
    Bytes,
    /// Lists.
    List,
    /// Anything else, by its text.
    Other,
}

impl Kind {
    /// The name that programs see.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::BigInteger => "bigint",
            Self::Decimal => "decimal",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Text => "text",
            Self::Uuid => "uuid",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
            Self::Time => "time",
            Self::Enum => "enum",
            Self::Json => "json",
            Self::Bytes => "bytes",
            Self::List => "list",
            Self::Other => "other",
        }
    }

    /// Whether values may be of any length, and are cut in a page.
    pub(super) const fn is_long(self) -> bool {
        matches!(self, Self::Text | Self::Enum | Self::Json | Self::List | Self::Other)
    }

    /// Whether PostgreSQL compares and sorts it only as text.
    pub(super) const fn is_compared_as_text(self) -> bool {
        matches!(self, Self::Json | Self::List | Self::Other)
    }
}

impl Table {
    /// Its column of this name, where that may be read.
    ///
    /// # Errors
    /// [`BrowseError::UnknownColumn`], [`BrowseError::SecretColumn`].
    pub(crate) fn readable(&self, name: &str) -> Result<&Column> {
        match self.columns.iter().find(|column| column.name == name) {
            None => Err(BrowseError::UnknownColumn { table: self.name.clone(), column: name.to_owned() }),
            Some(column) if column.secret => Err(BrowseError::SecretColumn { column: name.to_owned() }),
            Some(column) => Ok(column),
        }
    }

    /// All columns that may be read.
    pub(crate) fn readable_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.secret)
    }

    /// Whether a column is part of the key.
    pub(crate) fn is_key(&self, column: &str) -> bool {
        self.key.iter().any(|key| key == column)
    }
}

/// The column whose values name rows to people: the first unique-looking text beside the key.
pub(crate) fn label_column(table: &Table) -> Option<&Column> {
    const NAMES: [&str; 4] = ["username", "name", "code", "title"];
    NAMES.iter().find_map(|name| table.readable_columns().find(|column| column.name == *name))
}
