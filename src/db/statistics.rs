//! What a server or a file counts of a database: sizes, rows, use of its indexes, age of its transactions.

use chrono::NaiveDateTime;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};

use super::{Database, Engine};

/// What is counted of a database.
#[derive(Clone, Debug)]
pub(crate) struct Statistics {
    /// Version of the server or of SQLite.
    pub version: String,
    /// Bytes on disk, indexes included.
    pub bytes: u64,
    /// What only a server has.
    pub server: Option<ServerStatistics>,
    /// SQLite: bytes of pages that hold nothing.
    pub free_bytes: Option<u64>,
    /// Tables, the largest first.
    pub tables: Vec<TableStatistics>,
    /// Indexes, the largest first.
    pub indexes: Vec<IndexStatistics>,
}

/// What a PostgreSQL server counts beside tables.
#[derive(Clone, Debug)]
pub(crate) struct ServerStatistics {
    /// When it was started, in UTC.
    pub started: NaiveDateTime,
    /// Sessions of all databases, and how many there may be.
    pub sessions: (u32, u32),
    /// Pages of this database found in the server's memory, of 1; `None` before the first was read.
    pub cache_hits: Option<f64>,
    /// Transactions since the counters were reset: committed, rolled back, and deadlocks among them.
    pub transactions: (u64, u64, u64),
    /// When the oldest open transaction began, prepared ones included, of those that this role may see.
    pub oldest_transaction: Option<NaiveDateTime>,
    /// Extensions in this database with their versions, by name.
    pub extensions: Vec<(String, String)>,
}

/// What is counted of a table.
#[derive(Clone, Debug)]
pub(crate) struct TableStatistics {
    /// Its name, with its schema where that is not `public`.
    pub name: String,
    /// Rows: an estimate on PostgreSQL, counted on SQLite. `None` where a table was never analysed.
    pub rows: Option<u64>,
    /// Rows that were updated or deleted and still take space; PostgreSQL only.
    pub dead_rows: Option<u64>,
    /// Bytes of its rows, large values included.
    pub bytes: u64,
    /// Bytes of its indexes.
    pub index_bytes: u64,
    /// Last VACUUM, by hand or automatic, in UTC.
    pub vacuumed: Option<NaiveDateTime>,
    /// Last ANALYZE, by hand or automatic, in UTC.
    pub analysed: Option<NaiveDateTime>,
}

/// What is counted of an index.
#[derive(Clone, Debug)]
pub(crate) struct IndexStatistics {
    /// Its name.
    pub name: String,
    /// Its table's name, as in [`TableStatistics`].
    pub table: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// How often it was used since the counters were reset; PostgreSQL only.
    pub scans: Option<u64>,
}

/// Reads them.
///
/// # Errors
/// The driver's.
pub(crate) async fn of(database: &Database) -> Result<Statistics, DbErr> {
    match database.engine() {
        Engine::Postgres => postgres(database).await,
        Engine::Sqlite => sqlite(database).await,
    }
}

async fn rows(database: &Database, sql: &str) -> Result<Vec<QueryResult>, DbErr> {
    database.conn().query_all_raw(Statement::from_string(database.engine().backend(), sql)).await
}

fn unsigned(row: &QueryResult, column: &str) -> Result<u64, DbErr> {
    Ok(u64::try_from(row.try_get::<i64>("", column)?).unwrap_or_default())
}

async fn postgres(database: &Database) -> Result<Statistics, DbErr> {
    let found = rows(
        database,
        "SELECT current_setting('server_version') AS version,
                pg_database_size(d.oid) AS bytes,
                pg_postmaster_start_time() AT TIME ZONE 'UTC' AS started,
                (SELECT coalesce(sum(numbackends), 0)::int8 FROM pg_stat_database) AS used,
                current_setting('max_connections')::int8 AS most,
                s.blks_hit::float8 / nullif(s.blks_hit + s.blks_read, 0)::float8 AS hits,
                s.xact_commit AS committed, s.xact_rollback AS rolled_back, s.deadlocks AS deadlocks,
                (SELECT min(began) FROM (
                    SELECT min(xact_start) FROM pg_stat_activity WHERE datid = d.oid AND pid <> pg_backend_pid()
                    UNION ALL SELECT min(prepared) FROM pg_prepared_xacts WHERE database = d.datname
                ) AS t (began)) AT TIME ZONE 'UTC' AS oldest
         FROM pg_database d JOIN pg_stat_database s ON s.datid = d.oid WHERE d.datname = current_database()",
    )
    .await?;
    let row = found.first().ok_or_else(|| DbErr::RecordNotFound("pg_stat_database".to_owned()))?;
    let limit = |column| unsigned(row, column).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    let extensions = rows(database, "SELECT extname::text AS name, extversion AS version FROM pg_extension ORDER BY 1");
    let server = ServerStatistics {
        started: row.try_get("", "started")?,
        sessions: (limit("used")?, limit("most")?),
        cache_hits: row.try_get("", "hits")?,
        transactions: (unsigned(row, "committed")?, unsigned(row, "rolled_back")?, unsigned(row, "deadlocks")?),
        oldest_transaction: row.try_get("", "oldest")?,
        extensions: extensions
            .await?
            .iter()
            .map(|row| Ok((row.try_get("", "name")?, row.try_get("", "version")?)))
            .collect::<Result<_, DbErr>>()?,
    };
    let tables = rows(
        database,
        "SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname::text || '.' END || c.relname::text AS name,
                CASE WHEN c.reltuples >= 0 THEN c.reltuples::int8 END AS rows,
                s.n_dead_tup AS dead, pg_table_size(c.oid) AS bytes, pg_indexes_size(c.oid) AS index_bytes,
                greatest(s.last_vacuum, s.last_autovacuum) AT TIME ZONE 'UTC' AS vacuumed,
                greatest(s.last_analyze, s.last_autoanalyze) AT TIME ZONE 'UTC' AS analysed
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
         WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
               AND NOT starts_with(n.nspname::text, 'pg_')
         ORDER BY pg_total_relation_size(c.oid) DESC, 1",
    )
    .await?;
    let indexes = rows(
        database,
        "SELECT s.indexrelname::text AS name, pg_relation_size(s.indexrelid) AS bytes, s.idx_scan AS scans,
                CASE s.schemaname WHEN 'public' THEN '' ELSE s.schemaname::text || '.' END || s.relname::text AS owner
         FROM pg_stat_user_indexes s WHERE NOT starts_with(s.schemaname::text, 'pg_') ORDER BY 2 DESC, 1",
    )
    .await?;
    Ok(Statistics {
        version: row.try_get("", "version")?,
        bytes: unsigned(row, "bytes")?,
        server: Some(server),
        free_bytes: None,
        tables: tables
            .iter()
            .map(|row| {
                Ok(TableStatistics {
                    name: row.try_get("", "name")?,
                    rows: row.try_get::<Option<i64>>("", "rows")?.and_then(|rows| u64::try_from(rows).ok()),
                    dead_rows: row.try_get::<Option<i64>>("", "dead")?.and_then(|rows| u64::try_from(rows).ok()),
                    bytes: unsigned(row, "bytes")?,
                    index_bytes: unsigned(row, "index_bytes")?,
                    vacuumed: row.try_get("", "vacuumed")?,
                    analysed: row.try_get("", "analysed")?,
                })
            })
            .collect::<Result<_, DbErr>>()?,
        indexes: indexes
            .iter()
            .map(|row| {
                Ok(IndexStatistics {
                    name: row.try_get("", "name")?,
                    table: row.try_get("", "owner")?,
                    bytes: unsigned(row, "bytes")?,
                    scans: Some(unsigned(row, "scans")?),
                })
            })
            .collect::<Result<_, DbErr>>()?,
    })
}

async fn sqlite(database: &Database) -> Result<Statistics, DbErr> {
    let found = rows(
        database,
        "SELECT sqlite_version() AS version, p.page_count * s.page_size AS bytes, f.freelist_count * s.page_size AS free
         FROM pragma_page_count p, pragma_page_size s, pragma_freelist_count f",
    )
    .await?;
    let row = found.first().ok_or_else(|| DbErr::RecordNotFound("pragma_page_count".to_owned()))?;
    // One pass over the pages: SQLite keeps no sum of them.
    let sizes = rows(
        database,
        "SELECT m.type AS type, m.name AS name, m.tbl_name AS owner, coalesce(d.bytes, 0) AS bytes
         FROM sqlite_schema m LEFT JOIN (SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name) d ON d.name = m.name
         WHERE m.type IN ('table', 'index') AND m.name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY 4 DESC, 2",
    )
    .await?;
    let mut statistics = Statistics {
        version: row.try_get("", "version")?,
        bytes: unsigned(row, "bytes")?,
        server: None,
        free_bytes: Some(unsigned(row, "free")?),
        tables: Vec::new(),
        indexes: Vec::new(),
    };
    for row in &sizes {
        let (name, table): (String, String) = (row.try_get("", "name")?, row.try_get("", "owner")?);
        let bytes = unsigned(row, "bytes")?;
        if row.try_get::<String>("", "type")? == "index" {
            statistics.indexes.push(IndexStatistics { name, table, bytes, scans: None });
            continue;
        }
        let counted = rows(database, &format!("SELECT count(*) AS rows FROM {}", super::quote(&name))).await?;
        let rows = counted.first().map(|row| unsigned(row, "rows")).transpose()?;
        statistics.tables.push(TableStatistics {
            name,
            rows,
            dead_rows: None,
            bytes,
            index_bytes: 0,
            vacuumed: None,
            analysed: None,
        });
    }
    for index in &statistics.indexes {
        if let Some(table) = statistics.tables.iter_mut().find(|table| table.name == index.table) {
            table.index_bytes += index.bytes;
        }
    }
    statistics.tables.sort_by_key(|table| std::cmp::Reverse(table.bytes + table.index_bytes));
    Ok(statistics)
}
