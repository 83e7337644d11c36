//! Statements that a person writes. The engine itself keeps them from writing, and nothing here judges them by their text:
//! on PostgreSQL a read-only transaction of a role that can only read, for statements that answer rows
//! ([`postgres`]); on SQLite a read-only file behind an authorizer ([`sqlite`]). Each runs on a connection of its own,
//! which is closed after it.

mod explain;
mod postgres;
pub(super) mod scrub;
mod sqlite;

use std::time::{Duration, Instant};

use serde::Serialize;

use super::State;
use super::reply::Failure;
use crate::browse::Cell;
use crate::browse::Kind as CellKind;
use crate::browse::value::Datum;
use crate::db::Engine;
use crate::error::{Error, Kind};
use crate::message::{message, skyteam};
use scrub::Scrub;

/// How long a statement may take.
pub(super) const TIME: Duration = Duration::from_secs(30);

/// The most rows of an answer.
pub(super) const ROWS: usize = 1_000;

/// The most characters of a value.
pub(super) const CELL: usize = 64 << 10;

/// About how many bytes an answer may have.
pub(super) const BYTES: usize = 8 << 20;

/// A statement, and what is asked of it.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// Its text.
    pub text: String,
    /// Whether the way to its answer is asked for instead.
    pub explain: Option<Explain>,
}

/// What is asked about a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Explain {
    /// What the server means to do.
    Plan,
    /// What it did: it is run.
    Analyze,
}

/// A column of an answer.
#[derive(Clone, Debug, Serialize)]
pub(super) struct AnswerColumn {
    name: String,
    kind: &'static str,
    /// Whether its values are hidden.
    secret: bool,
}

/// An answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    columns: Vec<AnswerColumn>,
    rows: Vec<Vec<Cell>>,
    /// Which limit has cut it, if any: `rows` or `bytes`.
    truncated: Option<&'static str>,
    ms: u64,
    /// What the server said beside it.
    notices: Vec<String>,
}

impl Answer {
    /// How many rows it has.
    pub(super) fn count(&self) -> usize {
        self.rows.len()
    }
}

/// Why a statement was not answered.
#[derive(Debug)]
pub(super) enum SqlError {
    /// It answers no rows, so it is there for what it does.
    NoRows,
    /// It is an EXPLAIN that would run what does not only read.
    Runs,
    /// There are several in one text.
    Several,
    /// It takes parameters.
    Parameters,
    /// The role is a superuser, and the server has no role that only reads.
    Unprotected,
    /// It took too long.
    TimedOut,
    /// Another one's lock was in the way.
    Locked,
    /// It writes, or does what a reader may not.
    Denied(Words),
    /// It is wrong.
    Wrong(Words),
    /// The connection, not the statement.
    Connection(sqlx::Error),
    /// A file.
    File(rusqlite::Error),
}

/// What a server says of a statement.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    sqlstate: Option<String>,
    /// Where in the text, in characters from 1.
    position: Option<usize>,
}

/// Takes rows as long as the limits allow.
#[derive(Debug)]
struct Taken {
    rows: Vec<Vec<Cell>>,
    bytes: usize,
    truncated: Option<&'static str>,
}

impl Taken {
    fn new() -> Self {
        Self { rows: Vec::new(), bytes: 0, truncated: None }
    }

    /// Takes a row; whether more may come.
    fn row(&mut self, scrub: &Scrub, row: Vec<(CellKind, Datum)>) -> bool {
        if self.rows.len() >= ROWS {
            self.truncated = Some("rows");
            return false;
        }
        let mut cells = Vec::with_capacity(row.len());
        for (kind, datum) in row {
            let cell = match datum {
                Datum::Text(text) => Cell::of(kind, Datum::Text(scrub.text(text)), CELL),
                Datum::Bytes(bytes) => {
                    // Two digits for a byte: more would be cut in any case.
                    let most = bytes.len().min(CELL);
                    match Cell::of(CellKind::Bytes, Datum::Bytes(bytes[..most].to_vec()), usize::MAX) {
                        Cell::Text(text) => Cell::of(CellKind::Text, Datum::Text(scrub.text(text)), CELL),
                        other => other,
                    }
                }
                other => Cell::of(kind, other, CELL),
            };
            self.bytes += match &cell {
                Cell::Text(text) | Cell::Cut(text) => text.len(),
                _ => 8,
            };
            cells.push(cell);
        }
        self.rows.push(cells);
        if self.bytes > BYTES {
            self.truncated = Some("bytes");
            return false;
        }
        true
    }
}

impl State {
    /// Which columns are secret, as table and column.
    fn secrets(&self) -> Vec<(String, String)> {
        let tables = self.tables.iter();
        tables
            .flat_map(|table| {
                let secret = table.columns.iter().filter(|column| column.secret);
                secret.map(|column| (table.name.clone(), column.name.clone()))
            })
            .collect()
    }

    /// Runs a statement. Dropping the future ends it on the server too. Answers what must be kept out of a record of it
    /// besides, where that is known.
    pub(super) async fn run_sql(&self, statement: Statement) -> (Result<Answer, Failure>, Option<Scrub>) {
        if statement.text.contains('\0') {
            let error = Error::new(Kind::Usage, "sql", "a statement has no NUL in it");
            return (Err(error.into()), None);
        }
        let start = Instant::now();
        let secrets = self.secrets();
        let mut scrub = None;
        let ran = match self.seat.database.engine() {
            Engine::Postgres => postgres::run(&self.seat.database, &secrets, &statement, &mut scrub).await,
            Engine::Sqlite => sqlite::run(&self.seat.database, secrets, statement, &mut scrub).await,
        };
        let answer = match ran {
            Ok(mut answer) => {
                answer.ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
                Ok(answer)
            }
            Err(error) => Err(self.refused(error, scrub.as_ref()).await),
        };
        (answer, scrub)
    }

    async fn refused(&self, error: SqlError, scrub: Option<&Scrub>) -> Failure {
        let (error, words) = match error {
            SqlError::NoRows => (
                Error::new(Kind::Denied, "sql_no_rows", "a statement that answers no rows is not run here")
                    .why("it was not run: what it is there for is what it does")
                    .fix(message!("{}    runs it", skyteam("db shell"))),
                None,
            ),
            SqlError::Runs => (
                Error::new(Kind::Denied, "sql_denied", "EXPLAIN ANALYZE runs only what reads here")
                    .why("it carries out its statement, and this one changes something, or its options are not plain words")
                    .fix("EXPLAIN without ANALYZE shows the plan and runs nothing"),
                None,
            ),
            SqlError::Several => (
                Error::new(Kind::Usage, "sql_several", "one statement at a time is run")
                    .fix("Ctrl-Enter runs the one that the cursor is in"),
                None,
            ),
            SqlError::Parameters => (
                Error::new(Kind::Usage, "sql_parameters", "the statement has parameters such as $1 or ?")
                    .fix("write the values themselves"),
                None,
            ),
            SqlError::Unprotected => (
                Error::new(Kind::Denied, "sql_superuser", "statements of a superuser are not run on this server")
                    .why("it has no role pg_read_all_data (PostgreSQL 14 or later) that keeps a superuser from its files and programs")
                    .fix(message!("{}    makes a role of its own for the studio", skyteam("db grant ROLE --for staff"))),
                None,
            ),
            SqlError::TimedOut => (
                Error::new(
                    Kind::Locked,
                    "sql_timed_out",
                    message!("the statement was ended after {} seconds", TIME.as_secs().to_string()),
                ),
                None,
            ),
            SqlError::Locked => (
                Error::new(Kind::Locked, "lock_timeout", "a lock of another session is in the way")
                    .why("a table that it reads is being changed"),
                None,
            ),
            SqlError::Denied(words) => {
                let error = Error::new(Kind::Denied, "sql_denied", clean(scrub, &words.message));
                // Where the role has no right, it has none elsewhere either.
                let is_right = words.sqlstate.as_deref() == Some("42501");
                let fix = message!("{}    runs what writes", skyteam("db shell"));
                (if is_right { error } else { error.fix(fix) }, Some(words))
            }
            SqlError::Wrong(words) => (Error::new(Kind::Usage, "sql", clean(scrub, &words.message)), Some(words)),
            SqlError::Connection(error) => return self.failed(error).await,
            SqlError::File(error) => {
                let failed = Error::new(Kind::Failure, "database", "the file cannot be read").source(error);
                return self.failed(failed).await;
            }
        };
        let Some(words) = words else { return error.into() };
        let mut error = error;
        for line in [&words.detail, &words.hint].into_iter().flatten() {
            error = error.why(clean(scrub, line));
        }
        let mut failure = Failure::from(error);
        if let Some(state) = words.sqlstate {
            failure = failure.beside("sqlstate", state);
        }
        if let Some(position) = words.position {
            failure = failure.beside("position", position);
        }
        failure
    }
}

/// A server's words without secrets. Where it is not known what they are, without the words.
fn clean(scrub: Option<&Scrub>, text: &str) -> String {
    match scrub {
        Some(scrub) => scrub.text(text.to_owned()),
        None => "the database refuses the statement".to_owned(),
    }
}
