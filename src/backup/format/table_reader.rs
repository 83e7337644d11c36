//! Reads one table from its Parquet file, block by block, trusting nothing in it: sizes are bounded before anything
//! is allocated, the schema must be the one that the manifest promises, and so must the number of rows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::basic::Type as Physical;
use parquet::column::page::PageReader;
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::batch::{BLOCK_BYTES, BLOCK_ROWS, Block, CELL_BYTES, Cells, Column};
use super::table_schema::{ColumnShape, Kind, TableShape};
use super::{limits, table_writer};
use crate::backup::source::Source;

/// Rows decoded at a time.
const STEP: usize = 4096;
/// The largest footer that is read: enough for 100 000 row groups of twelve columns.
const FOOTER_LIMIT: u64 = 256 << 20;
/// The most cells that a row group may unpack to: a full block and one last row of a largest cell in each column
/// would be more, but no writer of ours fills a second one.
const GROUP_LIMIT: usize = 2 * BLOCK_BYTES + 2 * CELL_BYTES;

/// Why a member cannot be read: one clause without the member's name.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Damage(pub String);

impl From<ParquetError> for Damage {
    fn from(error: ParquetError) -> Self {
        Self(format!("it is no Parquet file that can be read ({error})"))
    }
}

impl From<std::io::Error> for Damage {
    fn from(error: std::io::Error) -> Self {
        Self(format!("it cannot be read ({error})"))
    }
}

fn damage<T>(words: impl Into<String>) -> Result<T, Damage> {
    Err(Damage(words.into()))
}

/// Reads one table.
pub(crate) struct MemberReader {
    source: Arc<Source>,
    offset: u64,
    len: u64,
    shape: TableShape,
    metadata: ParquetMetaData,
    group: usize,
    open: Option<OpenGroup>,
}

struct OpenGroup {
    columns: Vec<ColumnReader>,
    rows_left: usize,
    bytes: usize,
}

impl MemberReader {
    /// Opens the `len` bytes at `offset` as a table of `rows` rows of this shape.
    ///
    /// # Errors
    /// [`Damage`] when they are not.
    pub(crate) fn open(
        source: Arc<Source>,
        offset: u64,
        len: u64,
        shape: &TableShape,
        rows: u64,
    ) -> Result<Self, Damage> {
        let caught = catch_unwind(AssertUnwindSafe(|| Self::check_and_open(source, offset, len, shape, rows)));
        caught.unwrap_or_else(|_| damage("its footer cannot be decoded"))
    }

    fn check_and_open(
        source: Arc<Source>,
        offset: u64,
        len: u64,
        shape: &TableShape,
        rows: u64,
    ) -> Result<Self, Damage> {
        if len < 12 {
            return damage("it is too short for a Parquet file");
        }
        let tail = source.bytes_at(offset + len - 8, 8)?;
        let footer = u64::from((&tail[..4]).get_u32_le());
        if &tail[4..] != b"PAR1" || footer > len - 12 || footer > FOOTER_LIMIT {
            return damage("it does not end like a Parquet file");
        }
        let footer = source.bytes_at(offset + len - 8 - footer, footer as usize)?;
        let metadata = ParquetMetaDataReader::decode_metadata(&footer)?;
        if metadata.file_metadata().schema() != table_writer::schema(shape)?.as_ref() {
            return damage("its columns are not those that the manifest lists");
        }
        let mut total = 0_u64;
        for group in metadata.row_groups() {
            match usize::try_from(group.num_rows()) {
                Ok(rows @ 1..=BLOCK_ROWS) => total += rows as u64,
                _ => return damage(format!("a row group of {} rows is none that skyteam writes", group.num_rows())),
            }
        }
        if total != rows || u64::try_from(metadata.file_metadata().num_rows()) != Ok(rows) {
            return damage(format!("it holds {total} rows, the manifest promises {rows}"));
        }
        Ok(Self { source, offset, len, shape: shape.clone(), metadata, group: 0, open: None })
    }

    /// The next rows, at most a few thousand; `None` after the last.
    ///
    /// # Errors
    /// [`Damage`] when they cannot be read.
    pub(crate) fn next_block(&mut self) -> Result<Option<Block>, Damage> {
        // The decoder panics on some pages that are forged with care; after that the reader is not used again.
        let caught = catch_unwind(AssertUnwindSafe(|| self.decode_block()));
        caught.unwrap_or_else(|_| damage("its pages cannot be decoded"))
    }

    fn decode_block(&mut self) -> Result<Option<Block>, Damage> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None if self.group == self.metadata.num_row_groups() => return Ok(None),
            None => self.open_group()?,
        };
        let rows = open.rows_left.min(STEP);
        let mut block = Block::new(&self.shape);
        block.rows = rows;
        for (index, reader) in open.columns.iter_mut().enumerate() {
            let shape = &self.shape.columns[index];
            open.bytes += read(reader, rows, shape, &mut block.columns[index])?;
            if open.bytes > GROUP_LIMIT {
                return damage("a row group unpacks to more than any that skyteam writes");
            }
        }
        open.rows_left -= rows;
        if open.rows_left > 0 {
            self.open = Some(open);
        }
        Ok(Some(block))
    }

    fn open_group(&mut self) -> Result<OpenGroup, Damage> {
        let group = self.metadata.row_group(self.group);
        self.group += 1;
        let rows = usize::try_from(group.num_rows()).map_err(|_| Damage("a row group has no size".into()))?;
        let columns = group.columns().iter().map(|chunk| self.open_column(chunk, rows)).collect::<Result<_, _>>()?;
        Ok(OpenGroup { columns, rows_left: rows, bytes: 0 })
    }

    fn open_column(&self, chunk: &ColumnChunkMetaData, rows: usize) -> Result<ColumnReader, Damage> {
        let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
        let (Ok(start), Ok(len)) = (u64::try_from(start), usize::try_from(chunk.compressed_size())) else {
            return damage("a column has a negative place");
        };
        let inside = start.checked_add(len as u64).is_some_and(|end| end <= self.len);
        if !inside || len > GROUP_LIMIT || chunk.data_page_offset() < start as i64 {
            return damage("a column lies outside of its file");
        }
        let bytes = Bytes::from(self.source.bytes_at(self.offset + start, len)?);
        limits::check(&bytes).map_err(Damage)?;
        let chunk_bytes = Arc::new(Chunk { start, bytes });
        let pages: Box<dyn PageReader> = Box::new(SerializedPageReader::new(chunk_bytes, chunk, rows, None)?);
        Ok(get_column_reader(chunk.column_descr_ptr(), pages))
    }
}

/// The bytes of one column chunk, addressed as in the file.
struct Chunk {
    start: u64,
    bytes: Bytes,
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        let length = self.len().saturating_sub(start) as usize;
        Ok(self.get_bytes(start, length)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let outside = || ParquetError::EOF("a page lies outside of its column".into());
        let from = usize::try_from(start.checked_sub(self.start).ok_or_else(outside)?).map_err(|_| outside())?;
        let to = from.checked_add(length).filter(|&to| to <= self.bytes.len()).ok_or_else(outside)?;
        Ok(self.bytes.slice(from..to))
    }
}

/// Reads `rows` rows of one column; returns how many bytes their cells take.
fn read(reader: &mut ColumnReader, rows: usize, shape: &ColumnShape, out: &mut Column) -> Result<usize, Damage> {
    let (nullable, stored) = (shape.nullable, shape.stored);
    let levels = nullable.then_some(&mut out.levels);
    let native = shape.native.filter(|native| native.is_encoded());
    let ((records, values, _), bytes) = match (reader, &mut out.cells) {
        (reader, Cells::Text(cells)) if let Some(native) = native => {
            let ((records, values), bytes) = native.read(reader, rows, levels, cells)?;
            ((records, values, values), bytes)
        }
        (ColumnReader::BoolColumnReader(reader), Cells::Boolean(cells)) => {
            (reader.read_records(rows, levels, None, cells)?, rows)
        }
        (ColumnReader::Int32ColumnReader(reader), Cells::Integer(cells)) => {
            (reader.read_records(rows, levels, None, cells)?, rows * 4)
        }
        (ColumnReader::Int64ColumnReader(reader), Cells::Bigint(cells)) => {
            (reader.read_records(rows, levels, None, cells)?, rows * 8)
        }
        (ColumnReader::FixedLenByteArrayColumnReader(reader), Cells::Uuid(cells)) => {
            let mut handles: Vec<FixedLenByteArray> = Vec::with_capacity(rows);
            let read = reader.read_records(rows, levels, None, &mut handles)?;
            for handle in &handles {
                match handle.data().try_into() {
                    Ok(bytes) => cells.push(bytes),
                    Err(_) => return damage("a key does not have 16 bytes"),
                }
            }
            (read, rows * 16)
        }
        (ColumnReader::ByteArrayColumnReader(reader), Cells::Text(cells)) => {
            let mut handles: Vec<ByteArray> = Vec::with_capacity(rows);
            let read = reader.read_records(rows, levels, None, &mut handles)?;
            let bytes: usize = handles.iter().map(ByteArray::len).sum();
            if bytes > GROUP_LIMIT {
                return damage("a row group unpacks to more than any that skyteam writes");
            }
            cells.reserve(handles.len(), bytes);
            for handle in &handles {
                if stored == Kind::Text && std::str::from_utf8(handle.data()).is_err() {
                    return damage("a text is not UTF-8");
                }
                cells.push(handle.data());
            }
            (read, bytes)
        }
        (reader, _) => return damage(format!("a column is stored as {}", physical(reader))),
    };
    let levels_agree = !nullable || out.levels.iter().filter(|&&level| level == 1).count() == out.cells.len();
    if records != rows || values != out.cells.len() || !levels_agree || (!nullable && values != rows) {
        return damage("a column has fewer cells than its row group has rows");
    }
    Ok(bytes)
}

fn physical(reader: &ColumnReader) -> Physical {
    match reader {
        ColumnReader::BoolColumnReader(_) => Physical::BOOLEAN,
        ColumnReader::Int32ColumnReader(_) => Physical::INT32,
        ColumnReader::Int64ColumnReader(_) => Physical::INT64,
        ColumnReader::Int96ColumnReader(_) => Physical::INT96,
        ColumnReader::FloatColumnReader(_) => Physical::FLOAT,
        ColumnReader::DoubleColumnReader(_) => Physical::DOUBLE,
        ColumnReader::ByteArrayColumnReader(_) => Physical::BYTE_ARRAY,
        ColumnReader::FixedLenByteArrayColumnReader(_) => Physical::FIXED_LEN_BYTE_ARRAY,
    }
}
