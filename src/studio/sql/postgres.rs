//! On PostgreSQL.
//!
//! A read-only transaction alone keeps a superuser from little: in one, `COPY … TO PROGRAM` runs a program, and
//! `pg_terminate_backend` ends other sessions. So what answers no rows is refused before it is run, which is known from
//! preparing it (COPY, DO, NOTIFY, LOCK, SET, COMMIT and all that makes or drops things); what EXPLAIN runs is asked about by
//! itself, since even in a read-only transaction it runs a CREATE TABLE AS; and where the role may, the transaction's role is
//! one that can do nothing but read. It is rolled back, and its connection closed.

use std::time::Duration;

use futures::StreamExt as _;
use serde_json::Value;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgColumn, PgConnectOptions, PgConnection, PgDatabaseError, PgErrorPosition};
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Executor as _, Row as _, SqlSafeStr as _, Statement as _,
    TypeInfo as _, ValueRef as _,
};

use super::explain::{self, Form};
use super::scrub::{MASK, Scrub};
use super::{Answer, AnswerColumn, CellKind, Datum, Explain, SqlError, Statement, TIME, Taken, Words};
use crate::db::{Database, notices, quote, search_path};

/// The name under which the server lists the session.
const NAME: &str = "skyteam studio sql";

/// How long connecting may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much longer than [`TIME`] is waited for the server's own end of a statement.
const GRACE: Duration = Duration::from_secs(3);

/// The role that can do nothing but read.
const READER: &str = "pg_read_all_data";

/// What the server calls the one column of any EXPLAIN.
const PLAN: &str = "QUERY PLAN";

/// Steps of a plan that change rows or lock them.
const CHANGES: [&str; 2] = ["ModifyTable", "LockRows"];

/// Runs a statement.
pub(super) async fn run(
    database: &Database,
    secrets: &[(String, String)],
    statement: &Statement,
    scrub: &mut Option<Scrub>,
) -> Result<Answer, SqlError> {
    let Some(pool) = database.postgres() else { return Err(SqlError::Connection(sqlx::Error::PoolClosed)) };
    let options = pool.connect_options().as_ref().clone().application_name(NAME);
    let connecting = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options)).await;
    let mut connection = connecting.map_err(|_| SqlError::Connection(sqlx::Error::PoolTimedOut))??;
    let (superuser, reader, backend) = begin(&mut connection, database).await?;
    let mut canceller = Canceller { options: Some(options), backend };
    let running = async {
        let (masked, found) = known(&mut connection, secrets).await?;
        let scrub = scrub.insert(found);
        // Whoever is in the role's path from here on is the statement's own business.
        let mut last = format!("SET LOCAL search_path = {}; SET LOCAL row_security = off", search_path::DDL);
        if reader {
            last = format!("SET LOCAL ROLE {READER}; {last}");
        } else if superuser {
            return Err(SqlError::Unprotected);
        }
        connection.execute(sqlx::raw_sql(AssertSqlSafe(last))).await?;
        let (answer, heard) = notices::heard(answer(&mut connection, &masked, scrub, statement)).await;
        let mut answer = answer?;
        answer.notices = heard.into_iter().map(|notice| scrub.text(notice)).collect();
        Ok(answer)
    };
    let ran = match tokio::time::timeout(TIME + GRACE, running).await {
        Ok(ran) => ran,
        Err(_) => return Err(SqlError::TimedOut),
    };
    let is_whole = ran.as_ref().is_ok_and(|answer| answer.truncated.is_none());
    if is_whole {
        canceller.options = None;
        // Closing rolls back too; this says so before the connection may be another's, behind a pooler.
        let _ = connection.execute("ROLLBACK").await;
        let _ = connection.close().await;
    }
    ran
}

/// Begins the transaction, with the limits and the settings that answers are read in. Answers whether the role is a superuser,
/// whether it may take the one that only reads, and which session this is.
async fn begin(
    connection: &mut PgConnection,
    database: &Database,
) -> Result<(bool, bool, Option<(i32, String)>), SqlError> {
    if database.preamble().is_empty() {
        // So that a session whose reader is gone ends. A system that cannot look refuses it, and all stays as it was.
        drop(connection.execute("SET client_connection_check_interval = '1s'").await);
    }
    let mut settings = format!(
        "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL search_path = {}; \
         SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = 2000; \
         SET LOCAL idle_in_transaction_session_timeout = 60000; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; \
         SET LOCAL bytea_output = 'hex'; SET LOCAL standard_conforming_strings = on; SET LOCAL client_min_messages = warning",
        search_path::SAFE,
        TIME.as_millis(),
    );
    if !database.preamble().is_empty() {
        settings = format!("{settings}; {}", database.preamble());
    }
    connection.execute(sqlx::raw_sql(AssertSqlSafe(settings))).await?;
    let row = sqlx::raw_sql(AssertSqlSafe(format!(
        "SELECT coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false)::text,
            coalesce(pg_has_role(to_regrole('{READER}')::oid, 'MEMBER'), false)::text, pg_backend_pid()::text,
            (SELECT a.backend_start::text FROM pg_stat_get_activity(pg_backend_pid()) a)"
    )))
    .fetch_one(&mut *connection)
    .await?;
    let text = |at: usize| row.try_get::<Option<String>, _>(at);
    let backend = text(2)?.and_then(|pid| pid.parse().ok()).zip(text(3)?);
    Ok((text(0)?.as_deref() == Some("true"), text(1)?.as_deref() == Some("true"), backend))
}

/// Where secrets are (table and number of the column), and what they are, as far as the role may read them.
async fn known(
    connection: &mut PgConnection,
    secrets: &[(String, String)],
) -> Result<(Vec<(u32, i16)>, Scrub), SqlError> {
    let (mut masked, mut texts) = (Vec::new(), Vec::new());
    for (table, column) in secrets {
        let table = format!("public.{}", quote(table));
        let found = sqlx::query(
            "SELECT a.attrelid, a.attnum, pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
                AND pg_catalog.has_schema_privilege('public', 'USAGE')
             FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2",
        )
        .bind(&table)
        .bind(column)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(found) = found else { continue };
        masked.push((found.try_get::<sqlx::postgres::types::Oid, _>(0)?.0, found.try_get(1)?));
        if !found.try_get::<bool, _>(2)? {
            continue;
        }
        let column = quote(column);
        let sql = format!("SELECT DISTINCT {column}::text FROM {table} WHERE {column} IS NOT NULL");
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await? {
            texts.push(row.try_get(0)?);
        }
    }
    let scrub = Scrub::new(&texts).map_err(|error| SqlError::Connection(sqlx::Error::Decode(error.into())))?;
    Ok((masked, scrub))
}

async fn answer(
    connection: &mut PgConnection,
    masked: &[(u32, i16)],
    scrub: &Scrub,
    statement: &Statement,
) -> Result<Answer, SqlError> {
    let before = match statement.explain {
        None => "",
        Some(Explain::Plan) => "EXPLAIN (FORMAT JSON) ",
        Some(Explain::Analyze) => "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ",
    };
    let text = format!("{before}{}", statement.text);
    let at = |error| wrong(error, before.len());
    // Takes one statement and no more. What it answers is known without running it.
    let prepared = (&mut *connection).prepare(AssertSqlSafe(text.clone()).into_sql_str()).await.map_err(at)?;
    if prepared.columns().is_empty() {
        return Err(SqlError::NoRows);
    }
    let parameters = match prepared.parameters() {
        None => 0,
        Some(sqlx::Either::Left(types)) => types.len(),
        Some(sqlx::Either::Right(count)) => count,
    };
    if parameters > 0 {
        return Err(SqlError::Parameters);
    }
    match explain::form(&text) {
        Form::Analyze(inner) if !only_reads(connection, inner).await? => return Err(SqlError::Runs),
        Form::Unclear => return Err(SqlError::Runs),
        // What the server takes for an EXPLAIN has to be one here too.
        Form::Other if matches!(prepared.columns(), [only] if only.name() == PLAN) => return Err(SqlError::Runs),
        Form::Analyze(_) | Form::Plan | Form::Other => {}
    }
    let column = |each| column(each, masked, scrub);
    let columns: Vec<(AnswerColumn, CellKind)> = prepared.columns().iter().map(column).collect();
    // As text, in which every type is shown exactly. The same text is one statement here too.
    let mut rows = sqlx::raw_sql(AssertSqlSafe(text)).fetch(&mut *connection);
    let mut taken = Taken::new();
    while let Some(row) = rows.next().await {
        let row = row.map_err(at)?;
        let mut values = Vec::with_capacity(columns.len());
        for (index, (column, kind)) in columns.iter().enumerate() {
            let value = row.try_get_raw(index)?;
            let datum = match value.as_str() {
                _ if value.is_null() => Datum::Null,
                _ if column.secret => Datum::Text(MASK.to_owned()),
                Ok("t") if *kind == CellKind::Boolean => Datum::Text("true".to_owned()),
                Ok("f") if *kind == CellKind::Boolean => Datum::Text("false".to_owned()),
                Ok(text) => Datum::Text(text.to_owned()),
                Err(source) => return Err(sqlx::Error::ColumnDecode { index: index.to_string(), source }.into()),
            };
            values.push((*kind, datum));
        }
        if !taken.row(scrub, values) {
            break;
        }
    }
    let columns = columns.into_iter().map(|(column, _)| column).collect();
    Ok(Answer { columns, rows: taken.rows, truncated: taken.truncated, ms: 0, notices: Vec::new() })
}

/// Whether what an EXPLAIN would run answers rows, and plans to change and lock none.
async fn only_reads(connection: &mut PgConnection, text: &str) -> Result<bool, SqlError> {
    // Places in it are not those of the whole text.
    let at = |error| wrong(error, usize::MAX);
    let prepared = (&mut *connection).prepare(AssertSqlSafe(text.to_owned()).into_sql_str()).await.map_err(at)?;
    if prepared.columns().is_empty() {
        return Ok(false);
    }
    let plan = format!("EXPLAIN (FORMAT JSON) {text}");
    let row = sqlx::raw_sql(AssertSqlSafe(plan)).fetch_one(&mut *connection).await.map_err(at)?;
    let decoded = |error: BoxDynError| sqlx::Error::ColumnDecode { index: PLAN.to_owned(), source: error };
    let plan = row.try_get_raw(0)?.as_str().map_err(decoded)?.to_owned();
    let plan: Value = serde_json::from_str(&plan).map_err(|error| decoded(error.into()))?;
    Ok(!changes(&plan))
}

fn changes(plan: &Value) -> bool {
    match plan {
        Value::Array(inner) => inner.iter().any(changes),
        Value::Object(inner) => {
            let kind = inner.get("Node Type").and_then(Value::as_str);
            kind.is_some_and(|kind| CHANGES.contains(&kind)) || inner.values().any(changes)
        }
        _ => false,
    }
}

fn column(column: &PgColumn, masked: &[(u32, i16)], scrub: &Scrub) -> (AnswerColumn, CellKind) {
    let (name, kind) = match column.type_info().name() {
        "INT2" | "INT4" => ("number", CellKind::Integer),
        "INT8" | "NUMERIC" | "FLOAT4" | "FLOAT8" | "OID" => ("number", CellKind::Text),
        "BOOL" => ("boolean", CellKind::Boolean),
        "JSON" | "JSONB" => ("json", CellKind::Text),
        _ => ("text", CellKind::Text),
    };
    let origin = column.relation_id().map(|oid| oid.0).zip(column.relation_attribute_no());
    let secret = origin.is_some_and(|origin| masked.contains(&origin));
    (AnswerColumn { name: scrub.text(column.name().to_owned()), kind: name, secret }, kind)
}

impl From<sqlx::Error> for SqlError {
    fn from(error: sqlx::Error) -> Self {
        wrong(error, 0)
    }
}

/// What a server's refusal means, of a statement behind so many characters of ours.
fn wrong(error: sqlx::Error, before: usize) -> SqlError {
    let Some(refusal) = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>()) else {
        return SqlError::Connection(error);
    };
    let words = Words {
        message: refusal.message().to_owned(),
        detail: refusal.detail().map(str::to_owned),
        hint: refusal.hint().map(str::to_owned),
        sqlstate: Some(refusal.code().to_owned()),
        position: match refusal.position() {
            Some(PgErrorPosition::Original(at)) => at.checked_sub(before).filter(|at| *at > 0),
            _ => None,
        },
    };
    match refusal.code() {
        "57014" => SqlError::TimedOut,
        "55P03" => SqlError::Locked,
        "42501" | "25006" => SqlError::Denied(words),
        "42601" if refusal.message().contains("multiple commands") => SqlError::Several,
        // The server is ending, or has no room: that is no fault of the statement.
        code if code.starts_with("57P")
            || code.starts_with("08")
            || code.starts_with("53")
            || code.starts_with("28") =>
        {
            SqlError::Connection(error)
        }
        _ => SqlError::Wrong(words),
    }
}

/// Ends what the session still runs when it is dropped, unless it is known to be done.
struct Canceller {
    options: Option<PgConnectOptions>,
    backend: Option<(i32, String)>,
}

impl Drop for Canceller {
    fn drop(&mut self) {
        let (Some(options), Some((pid, started))) = (self.options.take(), self.backend.take()) else { return };
        // Its answer interests no one; where it cannot be said, the limit of the statement ends it.
        drop(tokio::spawn(async move {
            let mut connection = PgConnection::connect_with(&options).await?;
            // A number alone may be another session's by now.
            sqlx::query(
                "SELECT pg_catalog.pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity a
                 WHERE a.pid = $1 AND a.backend_start::text = $2 AND a.application_name = $3 AND a.state <> 'idle'",
            )
            .bind(pid)
            .bind(started)
            .bind(NAME)
            .execute(&mut connection)
            .await?;
            connection.close().await
        }));
    }
}
