//! Rows out of an archive into one table, by binary COPY.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgConnection, Row};
use tokio::sync::mpsc;

use super::job::Job;
use super::{codec, text_copy};
use crate::backup::column_mapping::Filling;
use crate::backup::error::{BackupError, Result};
use crate::backup::format::archive::{Archive, Progress};
use crate::backup::format::row_hash::Tally;
use crate::backup::format::table_schema::Kind;
use crate::db::{Engine, quote};

/// Bytes sent at a time, and how many such pieces may wait.
const PIECE: usize = 256 << 10;
const WAITING: usize = 4;

/// Fills a table that is on the search path; returns the rows that the server counted.
///
/// `freeze` writes rows that need no later vacuum; the table must have been made or emptied in this transaction.
///
/// # Errors
/// [`BackupError::Damaged`], [`BackupError::Cell`], and the driver's.
pub(super) async fn load(
    connection: &mut PgConnection,
    archive: &Arc<Archive>,
    filling: &Filling,
    freeze: bool,
    progress: Progress,
) -> Result<u64> {
    let Some(mut reader) = archive.reader(&filling.table)? else { return Ok(0) };
    let Some(entry) = archive.manifest().table(&filling.table) else { return Ok(0) };
    let (shape, file) = (entry.shape(), entry.file());
    let columns: Vec<(usize, Kind)> = filling.columns.iter().map(|column| (column.index, column.kind)).collect();
    // What archives keep as text only the server turns into its type; then the whole table goes as text.
    let textual = filling.columns.iter().any(|column| column.textual.is_some() || column.verbatim);
    let as_text: Vec<text_copy::TextColumn> = filling.columns.iter().map(text_copy::TextColumn::from).collect();
    let (to_server, mut pieces) = mpsc::channel::<Vec<u8>>(WAITING);
    let entry = entry.clone();
    let mut tally = Tally::of(&entry).filter(|_| archive.manifest().engine != Engine::Postgres);
    let thread = tokio::task::spawn_blocking(move || {
        let mut piece = if textual { Vec::new() } else { codec::header() };
        let mut row = 1;
        while let Some(block) = reader.next_block().map_err(BackupError::member(&*file))? {
            tally.iter_mut().for_each(|tally| tally.add(&block));
            if textual {
                text_copy::encode(&block, &shape, &as_text, row, &mut piece)?;
            } else {
                codec::encode(&block, &shape, &columns, row, &mut piece)?;
            }
            row += block.rows as u64;
            if piece.len() >= PIECE {
                let size = piece.len();
                if to_server.blocking_send(std::mem::replace(&mut piece, Vec::with_capacity(size))).is_err() {
                    // The server refused; it says why to the other side.
                    return Ok(());
                }
            }
            progress(block.rows as u64);
        }
        if !textual {
            piece.extend_from_slice(&codec::TRAILER);
        }
        Tally::compare(tally, &entry)?;
        // As above.
        let _ = to_server.blocking_send(piece);
        Ok::<_, BackupError>(())
    });
    let names: Vec<String> = filling.columns.iter().map(|column| quote(&column.name)).collect();
    let statement = format!(
        "COPY {} ({}) FROM STDIN (FORMAT {}{})",
        quote(&filling.table),
        names.join(", "),
        if textual { "text" } else { "binary" },
        if freeze { ", FREEZE true" } else { "" }
    );
    let mut copy = connection.copy_in_raw(&statement).await?;
    while let Some(piece) = pieces.recv().await {
        copy.send(piece).await?;
    }
    match thread.await.map_err(|_| BackupError::Worker)? {
        Ok(()) => Ok(copy.finish().await?),
        Err(error) => {
            // The transaction is lost either way; what the server makes of it adds nothing.
            let _ = copy.abort("the archive could not be read").await;
            Err(error)
        }
    }
}

/// Loads a table, and refuses other than the wanted number of rows.
///
/// # Errors
/// [`BackupError::Count`], those of reading the archive, and the driver's.
pub(super) async fn load_and_count(connection: &mut PgConnection, job: &Job, table: &str) -> Result<()> {
    let Some(filling) = job.plan.fillings.iter().find(|filling| filling.table == table) else { return Ok(()) };
    let wanted = job.archive.manifest().table(table).map_or(0, |entry| entry.rows);
    let found = load(connection, &job.archive, filling, true, job.progress.clone()).await?;
    if found != wanted {
        return Err(BackupError::Count { table: table.into(), wanted, found });
    }
    advance_sequences(connection, job, table).await
}

/// Lets the server go on numbering where the archive's database was, and never below a number that is there.
async fn advance_sequences(connection: &mut PgConnection, job: &Job, table: &str) -> Result<()> {
    let numbered = "SELECT attname::text AS name, pg_catalog.pg_get_serial_sequence($1, attname::text) AS sequence
                    FROM pg_catalog.pg_attribute WHERE attrelid = $1::regclass::oid AND attnum > 0 AND NOT attisdropped
                      AND pg_catalog.pg_get_serial_sequence($1, attname::text) IS NOT NULL";
    let name = quote(table);
    for row in sqlx::query(numbered).bind(&name).fetch_all(&mut *connection).await? {
        let (column, sequence): (String, String) = (row.try_get("name")?, row.try_get("sequence")?);
        let last = job.archive.manifest().table(table).and_then(|entry| entry.sequences.get(&column)).copied();
        let sql = format!(
            "SELECT pg_catalog.setval($1::regclass, greatest(pg_catalog.max({})::int8, $2)) FROM {name}
             HAVING greatest(pg_catalog.max({})::int8, $2) > 0",
            quote(&column),
            quote(&column)
        );
        sqlx::query(AssertSqlSafe(sql)).bind(sequence).bind(last).execute(&mut *connection).await?;
    }
    Ok(())
}
