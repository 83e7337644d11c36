//! A column of texts or UUIDs of one row group, as Parquet lays it out: pages, each in its own zstd frame, and what the
//! file says of them. (Apache Parquet format, "Data Pages" and "Encodings".)
//!
//! The `parquet` crate lays out numbers, heads pages and makes the file. It would take these columns too, but only as one
//! counted reference a cell, and a backup has tens of millions: a tenth of its processor time went there.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::ops::Range;
use std::{io, iter};

use bytes::Bytes;
use foldhash::fast::RandomState;
use parquet::basic::{Compression, Encoding, EncodingMask, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::batch::Cells;
use super::strings::Strings;

/// Cells looked at to see whether a column repeats itself.
const SAMPLE: usize = 4096;
/// Uncompressed bytes of a data page and of a dictionary.
pub(crate) const PAGE_BYTES: usize = 1 << 20;
/// The fastest that zstd has.
pub(crate) const ZSTD_LEVEL: i32 = 1;

/// Cells that are bytes.
#[derive(Clone, Copy)]
pub(crate) enum Flat<'a> {
    /// Each with its length before it.
    Texts(&'a Strings),
    /// Of one length.
    Uuids(&'a [[u8; 16]]),
}

impl<'a> Flat<'a> {
    /// `None` for numbers.
    pub(crate) fn of(cells: &'a Cells) -> Option<Self> {
        match cells {
            Cells::Text(cells) => Some(Self::Texts(cells)),
            Cells::Uuid(cells) => Some(Self::Uuids(cells)),
            Cells::Boolean(_) | Cells::Integer(_) | Cells::Bigint(_) => None,
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Texts(cells) => cells.len(),
            Self::Uuids(cells) => cells.len(),
        }
    }

    fn get(self, index: usize) -> &'a [u8] {
        match self {
            Self::Texts(cells) => cells.get(index),
            Self::Uuids(cells) => &cells[index],
        }
    }

    /// The cells of `range` in the encoding PLAIN.
    fn plain(self, range: Range<usize>) -> &'a [u8] {
        match self {
            Self::Texts(cells) => cells.plain(range),
            Self::Uuids(cells) => cells[range].as_flattened(),
        }
    }

    /// How many cells from `index` on make a page.
    fn filling(self, index: usize) -> usize {
        match self {
            Self::Texts(cells) => cells.filling(index, PAGE_BYTES),
            Self::Uuids(cells) => (cells.len() - index).min(PAGE_BYTES / size_of::<[u8; 16]>()),
        }
    }
}

/// Lays out columns, one after the other, with the same buffers.
pub(crate) struct ChunkEncoder {
    compressor: Compressor<'static>,
    page: Vec<u8>,
}

/// A column that is laid out, ready for `SerializedRowGroupWriter::append_column`.
pub(crate) struct Chunk {
    /// Its pages.
    pub bytes: Bytes,
    /// What is said of them.
    pub close: ColumnCloseResult,
}

impl ChunkEncoder {
    /// An encoder with empty buffers.
    ///
    /// # Errors
    /// Where there is no memory.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { compressor: Compressor::new(ZSTD_LEVEL)?, page: Vec::new() })
    }

    /// Lays out a column of `rows` rows. `levels` are empty where none can be NULL.
    ///
    /// # Errors
    /// Where there is no memory.
    pub(crate) fn encode(
        &mut self,
        cells: Flat<'_>,
        levels: &[i16],
        rows: usize,
        column: ColumnDescPtr,
    ) -> Result<Chunk> {
        let mut chunk = Pages { out: TrackedWrite::new(Vec::new()), encoder: self, unpacked: 0 };
        let dictionary = if repeats(cells.len(), |index| cells.get(index)) { Dictionary::of(cells) } else { None };
        let (mut dictionary_at, mut data_at) = (None, None);
        if let Some(dictionary) = &dictionary {
            chunk.encoder.page.clear();
            dictionary.entries.iter().for_each(|&at| chunk.encoder.page.extend_from_slice(cells.plain(at..at + 1)));
            let num_values = dictionary.entries.len() as u32;
            let page = |buf| Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
            dictionary_at = Some(chunk.end_page(page)?);
        }
        let encoding = if dictionary.is_some() { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN };
        let (mut row, mut cell) = (0, 0);
        while row < rows {
            let (count, next) = page_of(cells, levels, row, rows, cell);
            let page = &mut chunk.encoder.page;
            page.clear();
            if !levels.is_empty() {
                put_levels(&levels[row..row + count], page);
            }
            match &dictionary {
                Some(dictionary) => put_packed(&dictionary.keys[cell..next], dictionary.width(), page),
                None => page.extend_from_slice(cells.plain(cell..next)),
            }
            let rle = Encoding::RLE;
            let at = chunk.end_page(|buf| Page::DataPage {
                buf,
                num_values: count as u32,
                encoding,
                def_level_encoding: rle,
                rep_level_encoding: rle,
                statistics: None,
            })?;
            data_at.get_or_insert(at);
            (row, cell) = (row + count, next);
        }
        chunk.close(rows, column, encoding, dictionary_at, data_at)
    }
}

/// How many rows from `row` on, whose first cell is `cell`, make the next page; and the cell after it.
fn page_of(cells: Flat<'_>, levels: &[i16], row: usize, rows: usize, cell: usize) -> (usize, usize) {
    let next = if cell == cells.len() { cell } else { cell + cells.filling(cell) };
    if next == cells.len() {
        // With it also what is NULL behind the last cell.
        return (rows - row, next);
    }
    let mut left = next - cell;
    let is_last = |level: &i16| {
        left -= usize::from(*level == 1);
        left == 0
    };
    let last = if levels.is_empty() { None } else { levels[row..].iter().position(is_last) };
    (last.map_or(next - cell, |last| last + 1), next)
}

/// The pages of one column.
struct Pages<'a> {
    out: TrackedWrite<Vec<u8>>,
    encoder: &'a mut ChunkEncoder,
    /// Bytes before compression, with the headers.
    unpacked: usize,
}

impl Pages<'_> {
    /// Writes the page that was put together; returns where it is.
    fn end_page(&mut self, page: impl FnOnce(Bytes) -> Page) -> Result<i64> {
        let packed = self.encoder.compressor.compress(&self.encoder.page)?;
        let page = CompressedPage::new(page(packed.into()), self.encoder.page.len());
        let written = SerializedPageWriter::new(&mut self.out).write_page(page)?;
        self.unpacked += written.uncompressed_size;
        Ok(written.offset as i64)
    }

    fn close(
        self,
        rows: usize,
        column: ColumnDescPtr,
        encoding: Encoding,
        dictionary_at: Option<i64>,
        data_at: Option<i64>,
    ) -> Result<Chunk> {
        let bytes = Bytes::from(self.out.into_inner()?);
        let encodings = [Encoding::PLAIN, Encoding::RLE, encoding];
        let metadata = ColumnChunkMetaData::builder(column)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_num_values(rows as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(self.unpacked as i64)
            .set_dictionary_page_offset(dictionary_at)
            .set_data_page_offset(data_at.unwrap_or_default())
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok(Chunk { bytes, close })
    }
}

/// The different cells of a column, and which one each of its cells is.
struct Dictionary {
    /// The first cell of each kind.
    entries: Vec<usize>,
    keys: Vec<u32>,
}

impl Dictionary {
    /// `None` where its own page would be too large.
    fn of(cells: Flat<'_>) -> Option<Self> {
        let mut known: HashMap<&[u8], u32, RandomState> = HashMap::default();
        let (mut entries, mut keys, mut bytes) = (Vec::new(), Vec::with_capacity(cells.len()), 0);
        for index in 0..cells.len() {
            let cell = cells.get(index);
            let key = *known.entry(cell).or_insert_with(|| {
                entries.push(index);
                bytes += cells.plain(index..index + 1).len();
                entries.len() as u32 - 1
            });
            if bytes > PAGE_BYTES {
                return None;
            }
            keys.push(key);
        }
        Some(Self { entries, keys })
    }

    /// Bits that a key takes.
    fn width(&self) -> u32 {
        (usize::BITS - (self.entries.len() - 1).leading_zeros()).max(1)
    }
}

/// Appends the levels of a page: their length, then one run, of a single level or bit by bit.
fn put_levels(levels: &[i16], page: &mut Vec<u8>) {
    let start = page.len();
    page.extend_from_slice(&[0; 4]);
    if levels.iter().all(|level| *level == levels[0]) {
        put_varint(levels.len() << 1, page);
        page.push(levels[0] as u8);
    } else {
        put_run(levels.iter().map(|level| *level as u32), 1, page);
    }
    let length = (page.len() - start - 4) as u32;
    page[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Appends the keys of a page: their width, then one run of them.
fn put_packed(keys: &[u32], width: u32, page: &mut Vec<u8>) {
    page.push(width as u8);
    put_run(keys.iter().copied(), width, page);
}

/// Appends a bit-packed run: values in groups of eight, the lowest bit first.
fn put_run(values: impl ExactSizeIterator<Item = u32>, width: u32, page: &mut Vec<u8>) {
    let groups = values.len().div_ceil(8);
    let missing = groups * 8 - values.len();
    put_varint(groups << 1 | 1, page);
    let (mut bits, mut held) = (0_u64, 0);
    for value in values.chain(iter::repeat_n(0, missing)) {
        bits |= u64::from(value) << held;
        held += width;
        while held >= 8 {
            page.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
}

fn put_varint(mut value: usize, page: &mut Vec<u8>) {
    while value >= 0x80 {
        page.push(value as u8 | 0x80);
        value >>= 7;
    }
    page.push(value as u8);
}

/// Whether a dictionary pays: at most half of the first cells are different ones.
pub(crate) fn repeats<T: Hash + Eq>(cells: usize, cell: impl Fn(usize) -> T) -> bool {
    let sample = cells.min(SAMPLE);
    let different: HashSet<T> = (0..sample).map(cell).collect();
    sample > 0 && different.len() * 2 <= sample
}
