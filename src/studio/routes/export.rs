//! A view of a table as a file: CSV, JSON, lines of JSON, Markdown. It goes out as it comes, in constant memory.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::super::State;
use super::super::reply::Failure;
use super::super::server::Busy;
use super::relations::body;
use super::rows::shape;
use crate::browse::{At, BrowseError, Cell, PageQuery, export_rows};
use crate::csv_record::{csv_record, defused};
use crate::error::{Error, Kind};

/// How long the whole of it may take to be read.
const LIMIT: Duration = Duration::from_secs(600);

/// How long the page may leave a piece untaken.
const PATIENCE: Duration = Duration::from_secs(30);

/// The size of a piece, in bytes.
const PIECE: usize = 64 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    table: String,
    #[serde(default)]
    filter: Vec<String>,
    #[serde(default)]
    sort: Vec<String>,
    #[serde(default)]
    columns: Vec<String>,
    format: Format,
    #[serde(default = "yes")]
    safe: bool,
    limit: Option<u32>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Csv,
    Json,
    Ndjson,
    Markdown,
}

impl Format {
    /// The kind of the file, and the ending of its name.
    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Csv => ("text/csv; charset=utf-8", "csv"),
            Self::Json => ("application/json", "json"),
            Self::Ndjson => ("application/x-ndjson", "ndjson"),
            Self::Markdown => ("text/markdown; charset=utf-8", "md"),
        }
    }
}

/// The file that is being written.
struct Writer {
    format: Format,
    safe: bool,
    columns: Vec<String>,
    rows: u64,
    piece: Vec<u8>,
}

impl Writer {
    fn begin(&mut self) {
        match self.format {
            Format::Csv => csv_record(&mut self.piece, self.columns.iter().cloned()),
            Format::Json => self.piece.push(b'['),
            Format::Ndjson => {}
            Format::Markdown => {
                let columns: Vec<String> = self.columns.iter().map(|column| markdown(column)).collect();
                self.line(&format!("| {} |", columns.join(" | ")));
                self.line(&format!("|{}", " --- |".repeat(columns.len())));
            }
        }
    }

    fn line(&mut self, line: &str) {
        self.piece.extend_from_slice(line.as_bytes());
        self.piece.push(b'\n');
    }

    fn row(&mut self, cells: Vec<Cell>) {
        match self.format {
            Format::Csv => {
                let text = |cell: &Cell| defused(cell.text().unwrap_or_default(), self.safe);
                csv_record(&mut self.piece, cells.iter().map(text));
            }
            Format::Json | Format::Ndjson => {
                if self.format == Format::Json {
                    self.piece.extend_from_slice(if self.rows == 0 { b"\n" } else { b",\n" });
                }
                let values = cells.iter().map(|cell| serde_json::json!(cell));
                let row: serde_json::Map<_, _> = self.columns.iter().cloned().zip(values).collect();
                let row = serde_json::Value::Object(row).to_string();
                self.piece.extend_from_slice(row.as_bytes());
                if self.format == Format::Ndjson {
                    self.piece.push(b'\n');
                }
            }
            Format::Markdown => {
                let cells: Vec<String> = cells.iter().map(|cell| markdown(&cell.text().unwrap_or_default())).collect();
                self.line(&format!("| {} |", cells.join(" | ")));
            }
        }
        self.rows += 1;
    }

    fn end(&mut self) {
        if self.format == Format::Json {
            self.piece.extend_from_slice(b"\n]\n");
        }
    }

    fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.piece).into()
    }
}

/// A text in a cell of a Markdown table: on one line, and neither markup nor HTML.
fn markdown(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '~' | '!' | '#' => {
                cell.push('\\');
                cell.push(character);
            }
            character if character.is_control() => cell.push(' '),
            character => cell.push(character),
        }
    }
    cell
}

/// A piece of the file; what kept it from being read.
type Piece = Result<Bytes, BrowseError>;

/// A view as a file.
pub(super) async fn export(
    Shared(state): Shared<Arc<State>>,
    busy: Option<Extension<Busy>>,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let export: Export = body(&bytes)?;
    // Before the task, so that what is wrong is answered as an error.
    let table = state.table(&export.table)?;
    let columns: Vec<&str> = export.columns.iter().map(String::as_str).collect();
    let sort: Vec<&str> = export.sort.iter().map(String::as_str).collect();
    shape(&state, table, &columns, &sort).await?;
    state.filters(table, &export.filter).await?;
    let (name, format) = (table.name.clone(), export.format);
    let (sender, mut receiver) = mpsc::channel::<Piece>(4);
    let task = Arc::clone(&state);
    let writing = async move {
        let _working = busy.as_ref().map(|Extension(busy)| busy.work());
        if let Err(Some(error)) = write(&task, &export, &sender).await {
            // The page may be gone.
            let _ = sender.send(Err(error)).await;
        }
    };
    {
        let mut exports = state.exports();
        // Of those that ended nothing is kept.
        while exports.try_join_next().is_some() {}
        exports.spawn(writing);
    }
    let first = match receiver.recv().await {
        Some(Ok(first)) => first,
        Some(Err(error)) => return Err(state.failed(error).await),
        None => return Err(Error::new(Kind::Failure, "defect", "the export broke off").into()),
    };
    let rest = futures::stream::poll_fn(move |context| receiver.poll_recv(context));
    let first = futures::stream::once(async move { Ok::<_, Infallible>(first) });
    let rest = rest.map(|piece| piece.map_err(|_| io::Error::other("the export broke off")));
    let pieces = first.map(|piece| piece.map_err(|never| match never {})).chain(rest);
    let (kind, ending) = format.file();
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{ending}\"")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Writes the file, piece by piece. `Err(None)`: the client is gone, or the error was sent before.
async fn write(state: &State, export: &Export, sender: &mpsc::Sender<Piece>) -> Result<(), Option<BrowseError>> {
    let table = state.table(&export.table).map_err(|_| None)?;
    let columns: Vec<&str> = export.columns.iter().map(String::as_str).collect();
    let sort: Vec<&str> = export.sort.iter().map(String::as_str).collect();
    let (columns, sort) = shape(state, table, &columns, &sort).await.map_err(|_| None)?;
    let filters = state.filters(table, &export.filter).await.map_err(|_| None)?;
    let mut session = crate::browse::Session::open(&state.seat.database, LIMIT).await.map_err(BrowseError::from)?;
    let mut writer = Writer {
        format: export.format,
        safe: export.safe,
        columns: columns.iter().map(|column| column.name.clone()).collect(),
        rows: 0,
        piece: Vec::new(),
    };
    let query = PageQuery { table, columns, filters, sort, at: At::Start, limit: 1 };
    let mut rows = export_rows(&mut session, &query, export.limit.map(u64::from))?;
    writer.begin();
    while let Some(row) = rows.next().await {
        writer.row(row.map_err(BrowseError::from)?);
        if writer.piece.len() >= PIECE {
            send(sender, writer.take()).await?;
        }
    }
    writer.end();
    send(sender, writer.take()).await
}

/// Sends a piece, where the page takes it in time.
async fn send(sender: &mpsc::Sender<Piece>, piece: Bytes) -> Result<(), Option<BrowseError>> {
    sender.send_timeout(Ok(piece), PATIENCE).await.map_err(|_| None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_markdown_is_one_line_of_text() {
        assert_eq!(markdown("a|b\n<img src=x onerror=y>"), "a\\|b \\<img src=x onerror=y\\>");
        assert_eq!(markdown("[x](javascript:y) `z`"), "\\[x\\](javascript:y) \\`z\\`");
    }
}
