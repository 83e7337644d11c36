//! Rows on their way between an engine and an archive: column by column, so that a block of rows is a few flat
//! buffers and not a heap of small ones. Both engines fill and empty the same [`Block`].

use super::shape::{ColumnShape, Kind, TableShape};

/// Rows are handed on in blocks of at most this many bytes of cells (a single larger row makes its own block).
/// With two tables at a time, each with one block being filled and one being compressed, this bounds the memory.
pub const BLOCK_BYTES: usize = 8 << 20;
/// And of at most this many rows.
pub const BLOCK_ROWS: usize = 1 << 17;
/// The largest cell that an archive takes. A reader refuses larger pages, so that a hostile archive cannot make it
/// ask for more memory than a real one does.
pub const CELL_BYTES: usize = 64 << 20;

/// The cells of one column that are not NULL.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// [`Kind::Boolean`].
    Boolean(Vec<bool>),
    /// [`Kind::Integer`].
    Integer(Vec<i32>),
    /// [`Kind::Bigint`] and [`Kind::Timestamp`].
    Bigint(Vec<i64>),
    /// [`Kind::Uuid`].
    Uuid(Vec<[u8; 16]>),
    /// [`Kind::Text`] and [`Kind::Bytes`].
    Text(Strings),
}

/// Byte strings one after the other in one buffer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Strings {
    /// All bytes.
    pub bytes: Vec<u8>,
    /// Where each string ends in `bytes`.
    pub ends: Vec<u32>,
}

impl Strings {
    /// Appends one string. The caller keeps the sum of bytes under 4 GiB ([`BLOCK_BYTES`], [`CELL_BYTES`]).
    pub fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
    }

    /// How many strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The string at `index`.
    pub fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.bytes[start..self.ends[index] as usize]
    }
}

impl Cells {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Boolean => Self::Boolean(Vec::new()),
            Kind::Integer => Self::Integer(Vec::new()),
            Kind::Bigint | Kind::Timestamp => Self::Bigint(Vec::new()),
            Kind::Uuid => Self::Uuid(Vec::new()),
            Kind::Text | Kind::Bytes => Self::Text(Strings::default()),
        }
    }

    /// How many cells are not NULL.
    pub fn len(&self) -> usize {
        match self {
            Self::Boolean(cells) => cells.len(),
            Self::Integer(cells) => cells.len(),
            Self::Bigint(cells) => cells.len(),
            Self::Uuid(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
        }
    }

    /// Whether every cell is NULL.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One cell of a block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// [`Kind::Boolean`].
    Boolean(bool),
    /// [`Kind::Integer`].
    Integer(i32),
    /// [`Kind::Bigint`] and [`Kind::Timestamp`].
    Bigint(i64),
    /// [`Kind::Uuid`].
    Uuid(&'a [u8; 16]),
    /// [`Kind::Text`] and [`Kind::Bytes`].
    Text(&'a [u8]),
}

/// The part of one column that belongs to a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Per row 1 for a cell and 0 for NULL (Parquet's definition levels); empty where the column cannot be NULL.
    pub levels: Vec<i16>,
    /// The cells that are not NULL.
    pub cells: Cells,
}

/// A run of rows of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// How many rows.
    pub rows: usize,
    /// One for each column of the table's shape.
    pub columns: Vec<Column>,
}

impl Block {
    /// An empty block for tables of this shape.
    pub fn new(shape: &TableShape) -> Self {
        let column = |column: &ColumnShape| Column { levels: Vec::new(), cells: Cells::new(column.stored) };
        Self { rows: 0, columns: shape.columns.iter().map(column).collect() }
    }

    /// Walks the block row by row.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor { block: self, row: 0, next: vec![0; self.columns.len()] }
    }
}

/// Walks a block row by row: [`Cursor::cell`] once for every column of a row, in order, then [`Cursor::advance`].
pub struct Cursor<'a> {
    block: &'a Block,
    row: usize,
    next: Vec<usize>,
}

impl<'a> Cursor<'a> {
    /// Whether every row was walked.
    pub fn done(&self) -> bool {
        self.row >= self.block.rows
    }

    /// The cell of `column` in this row. Call it once for each row: it moves on to the next cell.
    pub fn cell(&mut self, column: usize) -> Cell<'a> {
        let data = &self.block.columns[column];
        if data.levels.get(self.row) == Some(&0) {
            return Cell::Null;
        }
        let index = self.next[column];
        self.next[column] += 1;
        match &data.cells {
            Cells::Boolean(cells) => Cell::Boolean(cells[index]),
            Cells::Integer(cells) => Cell::Integer(cells[index]),
            Cells::Bigint(cells) => Cell::Bigint(cells[index]),
            Cells::Uuid(cells) => Cell::Uuid(&cells[index]),
            Cells::Text(cells) => Cell::Text(cells.get(index)),
        }
    }

    /// Goes to the next row.
    pub fn advance(&mut self) {
        self.row += 1;
    }
}

/// Fills a block row by row: one call for each column in order, then [`BlockBuilder::end_row`].
#[derive(Debug)]
pub struct BlockBuilder {
    shape: TableShape,
    block: Block,
    bytes: usize,
}

impl BlockBuilder {
    /// A builder for tables of this shape.
    pub fn new(shape: &TableShape) -> Self {
        Self { shape: shape.clone(), block: Block::new(shape), bytes: 0 }
    }

    /// The shape it fills.
    pub fn shape(&self) -> &TableShape {
        &self.shape
    }

    /// Appends NULL. `false` when the column's shape says that it holds none.
    #[must_use]
    pub fn null(&mut self, column: usize) -> bool {
        self.block.columns[column].levels.push(0);
        self.shape.columns[column].nullable
    }

    /// Appends a cell. `false`, and nothing appended, when its type is not the column's.
    #[must_use]
    pub fn cell(&mut self, column: usize, cell: Cell<'_>) -> bool {
        let data = &mut self.block.columns[column];
        let size = match (&mut data.cells, cell) {
            (Cells::Boolean(cells), Cell::Boolean(value)) => {
                cells.push(value);
                1
            }
            (Cells::Integer(cells), Cell::Integer(value)) => {
                cells.push(value);
                4
            }
            (Cells::Bigint(cells), Cell::Bigint(value)) => {
                cells.push(value);
                8
            }
            (Cells::Uuid(cells), Cell::Uuid(value)) => {
                cells.push(*value);
                16
            }
            (Cells::Text(cells), Cell::Text(value)) => {
                cells.push(value);
                value.len() + 4
            }
            _ => return false,
        };
        self.bytes += size;
        if self.shape.columns[column].nullable {
            data.levels.push(1);
            self.bytes += 2;
        }
        true
    }

    /// Ends a row; `true` when the block is full and should be taken.
    pub fn end_row(&mut self) -> bool {
        self.block.rows += 1;
        self.bytes >= BLOCK_BYTES || self.block.rows >= BLOCK_ROWS
    }

    /// How many rows wait in the block.
    pub fn rows(&self) -> usize {
        self.block.rows
    }

    /// Takes the rows gathered so far.
    pub fn take(&mut self) -> Block {
        self.bytes = 0;
        std::mem::replace(&mut self.block, Block::new(&self.shape))
    }
}
