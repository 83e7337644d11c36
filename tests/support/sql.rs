//! Looks into a database beside `skyteam`, with the plain driver: what a test claims about rows is never
//! read by the code under test.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

/// A row as the engine's own text of each value; `None` is NULL.
pub type TextRow = Vec<Option<String>>;

/// Where a query goes.
#[derive(Clone, Debug)]
pub enum Source {
    /// A PostgreSQL database.
    Postgres(PgConnectOptions),
    /// An SQLite file, which is not created.
    Sqlite(SqliteConnectOptions),
}

impl Source {
    /// Runs one or more statements and answers all their rows.
    pub fn try_rows(&self, sql: &str) -> Result<Vec<TextRow>, sqlx::Error> {
        block_on(async {
            let sql = AssertSqlSafe(sql.to_owned());
            match self {
                Self::Postgres(options) => {
                    let mut connection: PgConnection = options.connect().await?;
                    let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await?;
                    connection.close().await?;
                    rows.iter().map(texts).collect()
                }
                Self::Sqlite(options) => {
                    let mut connection: SqliteConnection = options.connect().await?;
                    let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await?;
                    connection.close().await?;
                    rows.iter().map(texts).collect()
                }
            }
        })
    }

    /// As [`Self::try_rows`], where a failure is the test's.
    pub fn rows(&self, sql: &str) -> Vec<TextRow> {
        self.try_rows(sql).unwrap_or_else(|error| panic!("{error}\nin: {sql}"))
    }

    /// The rows as lines, values parted by `|` and NULL as nothing, as `psql -At` and `sqlite3` print them.
    pub fn lines(&self, sql: &str) -> String {
        let line = |row: TextRow| row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join("|");
        self.rows(sql).into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn texts<'r, R>(row: &'r R) -> Result<TextRow, sqlx::Error>
where
    R: Row,
    usize: sqlx::ColumnIndex<R>,
    Option<String>: sqlx::Decode<'r, R::Database>,
{
    (0..row.len()).map(|column| row.try_get_unchecked(column)).collect()
}

/// Runs one future to its end.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
