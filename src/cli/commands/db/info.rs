//! `db info`: size, rows, indexes, dead rows, cache and age of transactions.

use std::io;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Align, Cell, Page, RenderOptions, Tone};
use crate::db::statistics::{self, IndexStatistics, Statistics, TableStatistics};
use crate::db::{Engine, Target};
use crate::entity::types::Timestamp;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db info
  skyteam db info -o json

Rows and dead rows are PostgreSQL's estimates; on SQLite rows are counted. Uses of an index are
counted since the server's statistics were reset, so that 0 means unused only after a while.";

/// A table whose dead rows are more than this part of all needs a look.
const MANY_DEAD: f64 = 0.2;
/// Fewer dead rows are never many.
const FEW_DEAD: u64 = 10_000;

/// What `db info` answers. Sizes are bytes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DatabaseInfo {
    engine: Engine,
    server_version: String,
    database: String,
    role: Option<String>,
    bytes: u64,
    free_bytes: Option<u64>,
    started_at: Option<Timestamp>,
    sessions: Option<u32>,
    max_sessions: Option<u32>,
    /// Of 1.
    cache_hits: Option<f64>,
    committed: Option<u64>,
    rolled_back: Option<u64>,
    deadlocks: Option<u64>,
    oldest_transaction_at: Option<Timestamp>,
    extensions: Vec<Extension>,
    tables: Vec<TableInfo>,
    indexes: Vec<IndexInfo>,
}

#[derive(Serialize)]
struct Extension {
    name: String,
    version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TableInfo {
    name: String,
    rows: Option<u64>,
    dead_rows: Option<u64>,
    bytes: u64,
    index_bytes: u64,
    vacuumed_at: Option<Timestamp>,
    analysed_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct IndexInfo {
    name: String,
    table: String,
    bytes: u64,
    scans: Option<u64>,
}

impl From<TableStatistics> for TableInfo {
    fn from(table: TableStatistics) -> Self {
        Self {
            name: table.name,
            rows: table.rows,
            dead_rows: table.dead_rows,
            bytes: table.bytes,
            index_bytes: table.index_bytes,
            vacuumed_at: table.vacuumed.map(Timestamp::new),
            analysed_at: table.analysed.map(Timestamp::new),
        }
    }
}

impl TableInfo {
    fn has_many_dead(&self) -> bool {
        let (Some(rows), Some(dead)) = (self.rows, self.dead_rows) else { return false };
        dead > FEW_DEAD && dead as f64 > (rows + dead) as f64 * MANY_DEAD
    }
}

impl DatabaseInfo {
    fn new(target: &Target, statistics: Statistics) -> Self {
        let server = statistics.server;
        let of = |index: IndexStatistics| IndexInfo {
            name: index.name,
            table: index.table,
            bytes: index.bytes,
            scans: index.scans,
        };
        Self {
            engine: target.engine,
            server_version: statistics.version,
            database: target.database.clone(),
            role: target.role.clone(),
            bytes: statistics.bytes,
            free_bytes: statistics.free_bytes,
            started_at: server.as_ref().map(|server| Timestamp::new(server.started)),
            sessions: server.as_ref().map(|server| server.sessions.0),
            max_sessions: server.as_ref().map(|server| server.sessions.1),
            cache_hits: server.as_ref().and_then(|server| server.cache_hits),
            committed: server.as_ref().map(|server| server.transactions.0),
            rolled_back: server.as_ref().map(|server| server.transactions.1),
            deadlocks: server.as_ref().map(|server| server.transactions.2),
            oldest_transaction_at: server.as_ref().and_then(|server| server.oldest_transaction).map(Timestamp::new),
            extensions: server
                .map(|server| server.extensions)
                .unwrap_or_default()
                .into_iter()
                .map(|(name, version)| Extension { name, version })
                .collect(),
            tables: statistics.tables.into_iter().map(TableInfo::from).collect(),
            indexes: statistics.indexes.into_iter().map(of).collect(),
        }
    }

    fn server_fields(&self, look: &RenderOptions) -> Vec<(&'static str, Cell)> {
        let count = |count: u64| look.number(i64::try_from(count).unwrap_or(i64::MAX)).text;
        let mut fields = Vec::new();
        if let (Some(used), Some(most)) = (self.sessions, self.max_sessions) {
            fields.push(("sessions", Cell::new(format!("{used} of {most}"))));
        }
        if self.started_at.is_some() {
            let hits = self.cache_hits.map(|hits| format!("{:.1} % of pages found in memory", hits * 100.0));
            fields.push(("cache", hits.as_deref().into()));
            fields.push(("started", look.maybe_time(self.started_at)));
            fields.push(("oldest transaction", look.maybe_time(self.oldest_transaction_at)));
        }
        if let (Some(committed), Some(rolled_back), Some(deadlocks)) =
            (self.committed, self.rolled_back, self.deadlocks)
        {
            let text = format!(
                "{} committed, {} rolled back, {} of them deadlocks",
                count(committed),
                count(rolled_back),
                count(deadlocks)
            );
            fields.push(("transactions", Cell::new(text)));
            let names: Vec<String> =
                self.extensions.iter().map(|found| format!("{} {}", found.name, found.version)).collect();
            fields.push(("extensions", Cell::new(names.join(", "))));
        }
        fields
    }
}

impl Report for DatabaseInfo {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let number = |number: Option<u64>| {
            number.map_or_else(Cell::empty, |number| look.number(i64::try_from(number).unwrap_or(i64::MAX)))
        };
        let free = self.free_bytes.filter(|free| *free > 0);
        let size = look.bytes(self.bytes).text;
        let size = free.map_or_else(|| size.clone(), |free| format!("{size}, {} of it free", look.bytes(free).text));
        let mut fields = vec![
            ("engine", Cell::new(format!("{} {}", self.engine.title(), self.server_version))),
            ("database", Cell::new(&self.database)),
            ("role", Cell::new(self.role.as_deref().unwrap_or_default())),
            ("size", Cell::new(size)),
        ];
        fields.extend(self.server_fields(&look));
        page.fields(&fields)?;
        page.gap()?;
        let postgres = self.engine == Engine::Postgres;
        let right = |heading| (heading, Align::Right);
        let left = |heading| (heading, Align::Left);
        let mut headings = vec![left("table"), right("rows"), right("size"), right("indexes")];
        if postgres {
            headings.extend([right("dead rows"), left("vacuumed"), left("analysed")]);
        }
        let rows: Vec<Vec<Cell>> = self
            .tables
            .iter()
            .map(|table| {
                let mut cells = vec![
                    Cell::new(&table.name),
                    number(table.rows),
                    look.bytes(table.bytes),
                    look.bytes(table.index_bytes),
                ];
                if postgres {
                    let dead = number(table.dead_rows);
                    cells.push(if table.has_many_dead() { dead.tone(Tone::Warn) } else { dead });
                    cells.extend([look.maybe_time(table.vacuumed_at), look.maybe_time(table.analysed_at)]);
                }
                cells
            })
            .collect();
        page.table(&headings, &rows)?;
        if self.indexes.is_empty() {
            return Ok(());
        }
        page.gap()?;
        let mut headings = vec![left("index"), left("of"), right("size")];
        if postgres {
            headings.push(right("uses"));
        }
        let rows: Vec<Vec<Cell>> = self
            .indexes
            .iter()
            .map(|index| {
                let mut cells = vec![Cell::new(&index.name), Cell::new(&index.table), look.bytes(index.bytes)];
                if postgres {
                    cells.push(number(index.scans));
                }
                cells
            })
            .collect();
        page.table(&headings, &rows)?;
        let dead: Vec<&str> =
            self.tables.iter().filter(|table| table.has_many_dead()).map(|table| table.name.as_str()).collect();
        if !dead.is_empty() {
            page.gap()?;
            let names = dead.join(", ");
            page.line(Cell::new(format!("Many dead rows: VACUUM ANALYZE {names}")).tone(Tone::Warn))?;
        }
        Ok(())
    }
}

pub(super) async fn run(cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let statistics = statistics::of(&database).await?;
    cx.ui.report(&DatabaseInfo::new(database.target(), statistics))?;
    Ok(Outcome::Done)
}
