//! Writes one table as a Parquet file, block by block; knows nothing of tar, of checksums and of databases.
//!
//! Each block becomes one row group, so a reader needs no more memory than the writer had. How a column is encoded is
//! chosen from the first block: a dictionary where values repeat, DELTA_BINARY_PACKED for numbers and timestamps, PLAIN
//! for text that does not repeat (of which zstd makes less, and sooner, than with the lengths set apart); all pages are
//! zstd.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::cells::{Block, Cells, Column, Strings};
use super::shape::{ColumnShape, Kind, TableShape};

/// Values handed to the encoder at a time, so that the byte array handles do not outgrow the bytes.
const STEP: usize = 4096;
/// Cells looked at to see whether a column repeats itself.
const SAMPLE: usize = 4096;
/// Uncompressed bytes of a data page and of a dictionary.
const PAGE_BYTES: usize = 1 << 20;

/// Writes one table.
pub struct MemberWriter<W: Write + Send> {
    shape: TableShape,
    state: State<W>,
    rows: u64,
}

enum State<W: Write + Send> {
    Waiting(W),
    Open(SerializedFileWriter<Slot<W>>),
    Broken,
}

/// Where what is written goes, until it is taken back. `SerializedFileWriter::into_inner` would answer it too, but turns
/// a refusal of the last bytes into text, so that a full disk could not be told any more; its `finish` does not.
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
    pub fn new(out: W, shape: &TableShape) -> Self {
        Self { shape: shape.clone(), state: State::Waiting(out), rows: 0 }
    }

    /// Writes one block as one row group.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn write(&mut self, block: Block) -> Result<()> {
        if block.rows == 0 {
            return Ok(());
        }
        self.rows += block.rows as u64;
        let file = self.open(Some(&block))?;
        let mut group = file.next_row_group()?;
        for column in block.columns {
            let mut writer = group.next_column()?.ok_or_else(|| ParquetError::General("too many columns".into()))?;
            write_column(&mut writer, column)?;
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// Writes the footer; answers `out` and the number of rows.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn finish(mut self) -> Result<(W, u64)> {
        let file = self.open(None)?;
        file.finish()?;
        let out = file.inner_mut().0.take();
        out.map(|out| (out, self.rows)).ok_or_else(|| ParquetError::General("the file was not opened".into()))
    }

    fn open(&mut self, first: Option<&Block>) -> Result<&mut SerializedFileWriter<Slot<W>>> {
        self.state = match std::mem::replace(&mut self.state, State::Broken) {
            State::Waiting(out) => {
                let properties = Arc::new(properties(&self.shape, first)?);
                State::Open(SerializedFileWriter::new(Slot(Some(out)), schema(&self.shape)?, properties)?)
            }
            other => other,
        };
        match &mut self.state {
            State::Open(file) => Ok(file),
            _ => Err(ParquetError::General("an earlier write failed".into())),
        }
    }
}

/// The Parquet schema of a table: what a reader compares a member with.
///
/// # Errors
/// None for a shape that has columns.
pub fn schema(shape: &TableShape) -> Result<TypePtr> {
    let fields = shape.columns.iter().map(|column| field(column).map(Arc::new)).collect::<Result<_>>()?;
    Ok(Arc::new(Type::group_type_builder(&shape.name).with_fields(fields).build()?))
}

fn field(column: &ColumnShape) -> Result<Type> {
    let (physical, logical) = match column.stored {
        Kind::Boolean => (Physical::BOOLEAN, None),
        Kind::Integer => (Physical::INT32, Some(LogicalType::integer(32, true))),
        Kind::Bigint => (Physical::INT64, Some(LogicalType::integer(64, true))),
        Kind::Timestamp => (Physical::INT64, Some(LogicalType::timestamp(false, TimeUnit::MICROS))),
        Kind::Uuid => (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid)),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Bytes => (Physical::BYTE_ARRAY, None),
    };
    let repetition = if column.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    Type::primitive_type_builder(&column.name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical)
        .with_length(if column.stored == Kind::Uuid { 16 } else { -1 })
        .build()
}

fn properties(shape: &TableShape, first: Option<&Block>) -> Result<WriterProperties> {
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("skyteam {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(PAGE_BYTES)
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for (index, column) in shape.columns.iter().enumerate() {
        let path = ColumnPath::new(vec![column.name.clone()]);
        let repeats = first.is_some_and(|block| repeats(&block.columns[index].cells));
        builder = builder.set_column_dictionary_enabled(path.clone(), repeats);
        match column.stored {
            Kind::Integer | Kind::Bigint | Kind::Timestamp => {
                builder = builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
            Kind::Text | Kind::Bytes => {
                builder = builder
                    .set_column_encoding(path.clone(), Encoding::PLAIN)
                    .set_column_statistics_enabled(path, EnabledStatistics::None);
            }
            Kind::Uuid => builder = builder.set_column_statistics_enabled(path, EnabledStatistics::None),
            Kind::Boolean => {}
        }
    }
    Ok(builder.build())
}

/// Whether a dictionary pays: at most half of the first cells are different ones.
fn repeats(cells: &Cells) -> bool {
    fn few<T: std::hash::Hash + Eq>(cells: impl ExactSizeIterator<Item = T>) -> bool {
        let sample = cells.len().min(SAMPLE);
        let different: HashSet<T> = cells.take(SAMPLE).collect();
        sample > 0 && different.len() * 2 <= sample
    }
    match cells {
        Cells::Boolean(_) => false,
        Cells::Integer(cells) => few(cells.iter()),
        Cells::Bigint(cells) => few(cells.iter()),
        Cells::Uuid(cells) => few(cells.iter()),
        Cells::Text(cells) => few((0..cells.len()).map(|index| cells.get(index))),
    }
}

fn write_column(writer: &mut SerializedColumnWriter<'_>, column: Column) -> Result<()> {
    let levels = (!column.levels.is_empty()).then_some(column.levels.as_slice());
    match column.cells {
        Cells::Boolean(cells) => writer.typed::<BoolType>().write_batch(&cells, levels, None)?,
        Cells::Integer(cells) => writer.typed::<Int32Type>().write_batch(&cells, levels, None)?,
        Cells::Bigint(cells) => writer.typed::<Int64Type>().write_batch(&cells, levels, None)?,
        Cells::Uuid(cells) => {
            let handles = uuid_handles(cells);
            write_in_steps(handles, levels, |cells, levels| {
                writer.typed::<FixedLenByteArrayType>().write_batch(cells, levels, None)
            })?
        }
        Cells::Text(cells) => {
            let handles = text_handles(cells);
            write_in_steps(handles, levels, |cells, levels| {
                writer.typed::<ByteArrayType>().write_batch(cells, levels, None)
            })?
        }
    };
    Ok(())
}

fn uuid_handles(cells: Vec<[u8; 16]>) -> impl Iterator<Item = FixedLenByteArray> {
    let bytes = Bytes::from_owner(Flat(cells));
    (0..bytes.len() / 16).map(move |index| ByteArray::from(bytes.slice(index * 16..index * 16 + 16)).into())
}

/// Lets [`Bytes`] own the keys without copying them.
struct Flat(Vec<[u8; 16]>);

impl AsRef<[u8]> for Flat {
    fn as_ref(&self) -> &[u8] {
        self.0.as_flattened()
    }
}

fn text_handles(cells: Strings) -> impl Iterator<Item = ByteArray> {
    let bytes = Bytes::from(cells.bytes);
    let mut start = 0;
    cells.ends.into_iter().map(move |end| {
        let cell = bytes.slice(start..end as usize);
        start = end as usize;
        ByteArray::from(cell)
    })
}

/// Hands cells on in steps. Levels run ahead of cells by the NULLs among them, so a step is counted in rows.
fn write_in_steps<T>(
    mut cells: impl Iterator<Item = T>,
    levels: Option<&[i16]>,
    mut write: impl FnMut(&[T], Option<&[i16]>) -> Result<usize>,
) -> Result<usize> {
    let mut step = Vec::with_capacity(STEP);
    let mut written = 0;
    match levels {
        Some(levels) => {
            for levels in levels.chunks(STEP) {
                let present = levels.iter().filter(|&&level| level == 1).count();
                step.clear();
                step.extend(cells.by_ref().take(present));
                written += write(&step, Some(levels))?;
            }
        }
        None => loop {
            step.clear();
            step.extend(cells.by_ref().take(STEP));
            if step.is_empty() {
                break;
            }
            written += write(&step, None)?;
        },
    }
    Ok(written)
}
