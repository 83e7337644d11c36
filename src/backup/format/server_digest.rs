//! What a database says of the rows of a table, as a manifest holds it. How it is computed is in [`super::row_hash`].

use serde::{Deserialize, Serialize};

/// What the database says of the rows of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerDigest {
    /// [`Method::name`]. One that this program does not know is not compared.
    pub method: String,
    /// The sum of the rows' hashes, in decimal digits.
    pub sum: String,
}

impl ServerDigest {
    /// What a database answered.
    pub(crate) fn new(method: Method, sum: impl ToString) -> Self {
        Self { method: method.name().to_owned(), sum: sum.to_string() }
    }

    /// How it was computed; `None` for a way that this program does not know.
    pub(crate) fn method(&self) -> Option<Method> {
        [Method::Postgres, Method::PostgresHex, Method::Sqlite].into_iter().find(|method| method.name() == self.method)
    }
}

/// How the hash of a row follows from its cells, in the order of the columns' names. Each cell's hash is the seed of the
/// next one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// By PostgreSQL: `hashtextextended` and, for integers, timestamps and UUIDs, the function of the type.
    Postgres,
    /// The same in a database whose encoding is not UTF-8: of texts their UTF-8 in hexadecimal.
    PostgresHex,
    /// Of SQLite's values: eight bytes of an integer, the bytes of a text.
    Sqlite,
}

impl Method {
    /// Its name in a manifest.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres-1",
            Self::PostgresHex => "postgres-hex-1",
            Self::Sqlite => "sqlite-1",
        }
    }
}
