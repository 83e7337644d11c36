//! How an archive's columns go into a table of some version of the schema: which go where, and which are not ours.

use super::error::{BackupError, Result};
use super::format::manifest::TableEntry;
use super::format::native::Native;
use super::format::scalar::{MAX_DIGITS, Scalar};
use super::format::table_schema::Kind;
use crate::db::Engine;
use crate::schema::model;

/// A table to be filled from an archive.
#[derive(Clone, Debug)]
pub(crate) struct Filling {
    /// Name of the table.
    pub table: String,
    /// What is filled, in the archive's order.
    pub columns: Vec<Target>,
}

/// A column to be filled.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Where it is in the archive.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// The form its cells take.
    pub kind: Kind,
    /// The type the source had, where the column is not one of skyteam's or its type none that archives know: the
    /// cells are loaded as text (or as they are stored) and turned into it afterwards.
    pub foreign: Option<String>,
    /// Whether such a column's cells are what its type wrote as text, on PostgreSQL: only the type reads them again.
    pub verbatim: bool,
    /// The type of one of skyteam's columns that archives keep as text, in PostgreSQL's form or SQLite's.
    pub textual: Option<model::Kind>,
}

impl Filling {
    /// Fits the columns of an archive to a table as skyteam knows it.
    ///
    /// # Errors
    /// [`BackupError::Misfit`] when the table needs a column that the archive lacks.
    pub(crate) fn new(entry: &TableEntry, table: &model::Table, from: Engine) -> Result<Self> {
        for column in &table.columns {
            let given = entry.columns.iter().any(|given| given.name == column.name);
            if !given && !column.nullable && column.default.is_none() {
                return Err(BackupError::Misfit {
                    table: entry.name.clone(),
                    why: format!("the archive has no column {:?}", column.name),
                });
            }
        }
        let target = |(index, given): (usize, &super::format::table_schema::ColumnShape)| {
            let ours = table.column(&given.name).map(|column| &column.kind);
            let known = ours.and_then(kind);
            Target {
                index,
                name: given.name.clone(),
                kind: known.unwrap_or(given.stored),
                foreign: ours.is_none().then(|| given.declared.clone()),
                verbatim: ours.is_none() && from == Engine::Postgres && !is_direct(&given.declared),
                textual: match ours {
                    Some(ours) => known.is_none().then(|| ours.clone()),
                    // A column of another program that PostgreSQL takes in text form.
                    None => (given.declared == "bytea").then_some(model::Kind::Bytes),
                },
            }
        };
        let columns = entry.columns.iter().enumerate().map(target).collect();
        Ok(Self { table: entry.name.clone(), columns })
    }
}

/// Whether archives store a type of PostgreSQL as what it is, and not as the text that it writes.
fn is_direct(declared: &str) -> bool {
    let bare = declared.split_once('(').map_or(declared, |(name, _)| name);
    let timestamp = declared.starts_with("timestamp") && declared.ends_with("without time zone");
    timestamp
        || ["boolean", "bigint", "integer", "text", "uuid", "character varying"].contains(&bare)
            && !declared.ends_with(']')
}

/// How a type of the model is stored; `None` for those that archives keep as text.
pub(crate) fn kind(kind: &model::Kind) -> Option<Kind> {
    match kind {
        model::Kind::Text
        | model::Kind::VarChar(_)
        | model::Kind::Char(_)
        | model::Kind::Json
        | model::Kind::Enum(_) => Some(Kind::Text),
        model::Kind::Integer => Some(Kind::Integer),
        model::Kind::BigInteger => Some(Kind::Bigint),
        model::Kind::Boolean => Some(Kind::Boolean),
        model::Kind::Uuid => Some(Kind::Uuid),
        model::Kind::Timestamp(_) => Some(Kind::Timestamp),
        _ => None,
    }
}

/// What a type of the model is in a Parquet file, beyond how it is stored; `None` where that says it all.
pub(crate) fn native(kind: &model::Kind) -> Option<Native> {
    Some(match kind {
        model::Kind::Array(of) => Native::List(scalar(of)),
        kind => match scalar(kind) {
            Scalar::Smallint => Native::Smallint,
            Scalar::Real => Native::Real,
            Scalar::Double => Native::Double,
            Scalar::Decimal(precision, scale) => Native::Decimal(precision, scale),
            Scalar::Date => Native::Date,
            Scalar::Time => Native::Time,
            Scalar::Timestamptz => Native::Timestamptz,
            Scalar::Json => Native::Json,
            Scalar::Text
            | Scalar::Bytes
            | Scalar::Boolean
            | Scalar::Integer
            | Scalar::Bigint
            | Scalar::Uuid
            | Scalar::Timestamp => return None,
        },
    })
}

/// What a single value of a type is in a Parquet file.
pub(crate) fn scalar(kind: &model::Kind) -> Scalar {
    match kind {
        model::Kind::Boolean => Scalar::Boolean,
        model::Kind::SmallInteger => Scalar::Smallint,
        model::Kind::Integer => Scalar::Integer,
        model::Kind::BigInteger => Scalar::Bigint,
        model::Kind::Real => Scalar::Real,
        model::Kind::Double => Scalar::Double,
        model::Kind::Numeric(Some((precision, scale))) => match (u8::try_from(*precision), u8::try_from(*scale)) {
            (Ok(digits @ 1..=MAX_DIGITS), Ok(scale)) if scale <= digits => Scalar::Decimal(digits, scale),
            _ => Scalar::Text,
        },
        model::Kind::Uuid => Scalar::Uuid,
        model::Kind::Timestamp(_) => Scalar::Timestamp,
        model::Kind::TimestampTz(_) => Scalar::Timestamptz,
        model::Kind::Date => Scalar::Date,
        model::Kind::Time(_) => Scalar::Time,
        model::Kind::Json | model::Kind::JsonBinary => Scalar::Json,
        model::Kind::Bytes => Scalar::Bytes,
        model::Kind::Text
        | model::Kind::VarChar(_)
        | model::Kind::Char(_)
        | model::Kind::Numeric(None)
        | model::Kind::Interval
        | model::Kind::Inet
        | model::Kind::Cidr
        | model::Kind::MacAddr
        | model::Kind::Bit(_)
        | model::Kind::VarBit(_)
        | model::Kind::Enum(_)
        | model::Kind::Array(_)
        | model::Kind::Unsupported(_) => Scalar::Text,
    }
}
