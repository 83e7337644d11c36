//! Writes one table as a Parquet file, block by block; knows nothing of tar, of checksums and of databases.
//!
//! Each block becomes one row group, so a reader needs no more memory than the writer had. All pages are zstd. Numbers and
//! timestamps are in DELTA_BINARY_PACKED, or in a dictionary where those of the first block repeat; for texts and UUIDs,
//! which [`super::column_chunk`] lays out, each block decides: a dictionary where its cells repeat, else PLAIN (of which zstd makes
//! less, and sooner, than with the lengths of texts set apart).

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnDescPtr, ColumnPath, Type, TypePtr};

use super::batch::{Block, Cells, Column};
use super::column_chunk::{ChunkEncoder, Flat, PAGE_BYTES, ZSTD_LEVEL, repeats};
use super::list;
use super::native::Native;
use super::table_schema::{ColumnShape, Kind, TableShape};

/// Writes one table.
pub(crate) struct MemberWriter<W: Write + Send> {
    shape: TableShape,
    state: State<W>,
    chunks: ChunkEncoder,
    rows: u64,
}

enum State<W: Write + Send> {
    Waiting(W),
    Open(SerializedFileWriter<Slot<W>>),
    Broken,
}

/// Where what is written goes, until it is taken back. `SerializedFileWriter::into_inner` would answer it too, but turns
/// a refusal of the last bytes into text, so that a full disk would not be seen; its `finish` does not.
struct Slot<W>(Option<W>);

impl<W: Write> Write for Slot<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.flush()
    }
}

impl<W: Write + Send> MemberWriter<W> {
    /// A writer of tables of this shape into `out`.
    ///
    /// # Errors
    /// Where there is no memory.
    pub(crate) fn new(out: W, shape: &TableShape) -> io::Result<Self> {
        Ok(Self { shape: shape.clone(), state: State::Waiting(out), chunks: ChunkEncoder::new()?, rows: 0 })
    }

    /// Writes one block as one row group.
    ///
    /// # Errors
    /// The I/O error of `out`.
    pub(crate) fn write(&mut self, block: Block) -> Result<()> {
        if block.rows == 0 {
            return Ok(());
        }
        self.rows += block.rows as u64;
        let file = self.state.open(&self.shape, Some(&block))?;
        let described: Vec<ColumnDescPtr> = file.schema_descr().columns().to_vec();
        let mut group = file.next_row_group()?;
        for ((column, described), shape) in block.columns.iter().zip(described).zip(&self.shape.columns) {
            let native = shape.native.filter(|native| native.is_encoded());
            if let (Some(native), Cells::Text(cells)) = (native, &column.cells) {
                let mut writer =
                    group.next_column()?.ok_or_else(|| ParquetError::General("too many columns".into()))?;
                native.write(&mut writer, cells, &column.levels)?;
                writer.close()?;
            } else if let Some(cells) = Flat::of(&column.cells) {
                let chunk = self.chunks.encode(cells, &column.levels, block.rows, described)?;
                group.append_column(&chunk.bytes, chunk.close)?;
            } else {
                let mut writer =
                    group.next_column()?.ok_or_else(|| ParquetError::General("too many columns".into()))?;
                write_numbers(&mut writer, column)?;
                writer.close()?;
            }
        }
        group.close()?;
        Ok(())
    }

    /// Writes the footer; returns `out` and the number of rows.
    ///
    /// # Errors
    /// The I/O error of `out`.
    pub(crate) fn finish(mut self) -> Result<(W, u64)> {
        let file = self.state.open(&self.shape, None)?;
        file.finish()?;
        let out = file.inner_mut().0.take();
        out.map(|out| (out, self.rows)).ok_or_else(|| ParquetError::General("the file was not opened".into()))
    }
}

impl<W: Write + Send> State<W> {
    fn open(&mut self, shape: &TableShape, first: Option<&Block>) -> Result<&mut SerializedFileWriter<Slot<W>>> {
        *self = match std::mem::replace(self, Self::Broken) {
            Self::Waiting(out) => {
                let properties = Arc::new(properties(shape, first)?);
                Self::Open(SerializedFileWriter::new(Slot(Some(out)), schema(shape)?, properties)?)
            }
            other => other,
        };
        match self {
            Self::Open(file) => Ok(file),
            _ => Err(ParquetError::General("an earlier write failed".into())),
        }
    }
}

/// The Parquet schema of a table: what a reader compares a member with.
///
/// # Errors
/// None for a shape that has columns.
pub(crate) fn schema(shape: &TableShape) -> Result<TypePtr> {
    let fields = shape.columns.iter().map(|column| field(column).map(Arc::new)).collect::<Result<_>>()?;
    Ok(Arc::new(Type::group_type_builder(&shape.name).with_fields(fields).build()?))
}

fn field(column: &ColumnShape) -> Result<Type> {
    let (physical, logical, length) = match (column.native, column.stored) {
        (Some(native), _) => native.parquet(),
        (None, Kind::Boolean) => (Physical::BOOLEAN, None, -1),
        (None, Kind::Integer) => (Physical::INT32, Some(LogicalType::integer(32, true)), -1),
        (None, Kind::Bigint) => (Physical::INT64, Some(LogicalType::integer(64, true)), -1),
        (None, Kind::Timestamp) => (Physical::INT64, Some(LogicalType::timestamp(false, TimeUnit::MICROS)), -1),
        (None, Kind::Uuid) => (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid), 16),
        (None, Kind::Text) => (Physical::BYTE_ARRAY, Some(LogicalType::String), -1),
        (None, Kind::Bytes) => (Physical::BYTE_ARRAY, None, -1),
    };
    let digits = column.native.and_then(|native| native.scalar().decimal());
    let (precision, scale) = digits.map_or((-1, -1), |(p, s)| (p.into(), s.into()));
    let repetition = if column.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let single = |name: &str, repetition| {
        Type::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .with_length(length)
            .with_precision(precision)
            .with_scale(scale)
            .build()
    };
    match column.native.and_then(Native::list) {
        Some(_) => list::field(&column.name, repetition, |name| single(name, Repetition::OPTIONAL)),
        None => single(&column.name, repetition),
    }
}

fn properties(shape: &TableShape, first: Option<&Block>) -> Result<WriterProperties> {
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("skyteam {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(PAGE_BYTES)
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for (index, column) in shape.columns.iter().enumerate() {
        if column.native.and_then(Native::list).is_some() {
            // What a list's values are is known to the file alone; their bounds would be copied out of the largest of them.
            builder = builder.set_column_statistics_enabled(list::path(&column.name), EnabledStatistics::None);
            continue;
        }
        let path = ColumnPath::new(vec![column.name.clone()]);
        let repeats = first.is_some_and(|block| match &block.columns[index].cells {
            Cells::Integer(cells) => repeats(cells.len(), |cell| cells[cell]),
            Cells::Bigint(cells) => repeats(cells.len(), |cell| cells[cell]),
            Cells::Boolean(_) | Cells::Uuid(_) | Cells::Text(_) => false,
        });
        builder = builder.set_column_dictionary_enabled(path.clone(), repeats);
        let whole = match column.native {
            Some(native) => native.is_whole(),
            None => matches!(column.stored, Kind::Integer | Kind::Bigint | Kind::Timestamp),
        };
        if whole {
            builder = builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    Ok(builder.build())
}

fn write_numbers(writer: &mut SerializedColumnWriter<'_>, column: &Column) -> Result<()> {
    let levels = (!column.levels.is_empty()).then_some(column.levels.as_slice());
    match &column.cells {
        Cells::Boolean(cells) => writer.typed::<BoolType>().write_batch(cells, levels, None)?,
        Cells::Integer(cells) => writer.typed::<Int32Type>().write_batch(cells, levels, None)?,
        Cells::Bigint(cells) => writer.typed::<Int64Type>().write_batch(cells, levels, None)?,
        Cells::Uuid(_) | Cells::Text(_) => return Err(ParquetError::General("these are no numbers".into())),
    };
    Ok(())
}
