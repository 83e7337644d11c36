//! Rows on their way between an engine and an archive: column by column, so that a block of rows is a few flat
//! buffers and not a heap of small ones. Both engines fill and empty the same [`Block`].

use std::cmp::Ordering;

use super::strings::{LENGTH, Strings};
use super::table_schema::{ColumnShape, Kind, TableShape};

/// Rows are handed on in blocks of at most this many bytes of cells (a single larger row makes its own block).
/// With two tables at a time, each with one block being filled and one being compressed, this bounds the memory.
pub(crate) const BLOCK_BYTES: usize = 8 << 20;
/// And of at most this many rows.
pub(crate) const BLOCK_ROWS: usize = 1 << 17;
/// The largest cell that an archive takes. A reader refuses larger pages, so that a hostile archive cannot make it
/// ask for more memory than a real one does.
pub(crate) const CELL_BYTES: usize = 64 << 20;

/// The cells of one column that are not NULL.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cells {
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
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Boolean(cells) => cells.len(),
            Self::Integer(cells) => cells.len(),
            Self::Bigint(cells) => cells.len(),
            Self::Uuid(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
        }
    }
}

/// One cell of a block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
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
pub(crate) struct Column {
    /// Per row 1 for a cell and 0 for NULL (Parquet's definition levels); empty where the column cannot be NULL.
    pub levels: Vec<i16>,
    /// The cells that are not NULL.
    pub cells: Cells,
}

impl Column {
    /// Per row where its cell is among those that are not NULL; empty where none is, and the row's own number says it.
    fn places(&self) -> Vec<u32> {
        let mut next = 0;
        let place = |level: &i16| {
            next += u32::from(*level == 1);
            next.saturating_sub(1)
        };
        self.levels.iter().map(place).collect()
    }

    fn append(&mut self, more: Self) {
        self.levels.extend(more.levels);
        match (&mut self.cells, more.cells) {
            (Cells::Boolean(cells), Cells::Boolean(more)) => cells.extend(more),
            (Cells::Integer(cells), Cells::Integer(more)) => cells.extend(more),
            (Cells::Bigint(cells), Cells::Bigint(more)) => cells.extend(more),
            (Cells::Uuid(cells), Cells::Uuid(more)) => cells.extend(more),
            (Cells::Text(cells), Cells::Text(more)) => cells.append(more),
            // Both are of one shape.
            _ => debug_assert!(false, "columns of two kinds"),
        }
    }
}

/// A run of rows of one table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    /// How many rows.
    pub rows: usize,
    /// One for each column of the table's shape.
    pub columns: Vec<Column>,
}

impl Block {
    /// An empty block for tables of this shape.
    pub(crate) fn new(shape: &TableShape) -> Self {
        let column = |column: &ColumnShape| Column { levels: Vec::new(), cells: Cells::new(column.stored) };
        Self { rows: 0, columns: shape.columns.iter().map(column).collect() }
    }

    /// Appends the rows of another block of the same table.
    pub(crate) fn append(&mut self, other: Self) {
        self.rows += other.rows;
        for (column, more) in self.columns.iter_mut().zip(other.columns) {
            column.append(more);
        }
    }

    /// About how many bytes its cells take.
    pub(crate) fn bytes(&self) -> usize {
        let bytes = |column: &Column| {
            let cells = match &column.cells {
                Cells::Boolean(cells) => cells.len(),
                Cells::Integer(cells) => cells.len() * 4,
                Cells::Bigint(cells) => cells.len() * 8,
                Cells::Uuid(cells) => cells.len() * 16,
                Cells::Text(cells) => cells.bytes(),
            };
            cells + column.levels.len() * 2
        };
        self.columns.iter().map(bytes).sum()
    }

    /// Walks the block row by row.
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor { block: self, row: 0, order: None, next: vec![0; self.columns.len()] }
    }

    /// Walks the block in the order of these columns' cells, byte by byte; rows that are equal there as they stand. Columns
    /// that may be NULL, or hold neither text nor UUIDs, have no say.
    pub(crate) fn cursor_by(&self, columns: &[usize]) -> Cursor<'_> {
        let keys = columns.iter().map(|&column| &self.columns[column]).filter(|column| column.levels.is_empty());
        let keys: Vec<&Cells> = keys.map(|column| &column.cells).collect();
        let compare = |a: usize, b: usize| {
            let cells = |cells: &&Cells| match cells {
                Cells::Uuid(cells) => cells[a].cmp(&cells[b]),
                Cells::Text(cells) => cells.get(a).cmp(cells.get(b)),
                _ => Ordering::Equal,
            };
            keys.iter().map(cells).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        let mut rows: Vec<u32> = (0..self.rows as u32).collect();
        rows.sort_by(|&a, &b| compare(a as usize, b as usize));
        let places = self.columns.iter().map(Column::places).collect();
        Cursor { block: self, row: 0, order: Some(Order { rows, places }), next: Vec::new() }
    }
}

/// Walks a block row by row: [`Cursor::cell`] once for every column of a row, in order, then [`Cursor::advance`].
pub(crate) struct Cursor<'a> {
    block: &'a Block,
    row: usize,
    /// Where rows do not come as they stand.
    order: Option<Order>,
    /// Otherwise per column the next cell.
    next: Vec<usize>,
}

struct Order {
    rows: Vec<u32>,
    /// Per column [`Column::places`].
    places: Vec<Vec<u32>>,
}

impl<'a> Cursor<'a> {
    /// Whether every row was walked.
    pub(crate) fn done(&self) -> bool {
        self.row >= self.block.rows
    }

    /// Where this row is in the block, from 0.
    pub(crate) fn row(&self) -> usize {
        self.order.as_ref().map_or(self.row, |order| order.rows[self.row] as usize)
    }

    /// The cell of `column` in this row. Call it once for each row: it moves on to the next cell.
    pub(crate) fn cell(&mut self, column: usize) -> Cell<'a> {
        let data = &self.block.columns[column];
        let row = self.row();
        if data.levels.get(row) == Some(&0) {
            return Cell::Null;
        }
        let index = match &self.order {
            Some(order) => order.places[column].get(row).map_or(row, |&place| place as usize),
            None => {
                self.next[column] += 1;
                self.next[column] - 1
            }
        };
        match &data.cells {
            Cells::Boolean(cells) => Cell::Boolean(cells[index]),
            Cells::Integer(cells) => Cell::Integer(cells[index]),
            Cells::Bigint(cells) => Cell::Bigint(cells[index]),
            Cells::Uuid(cells) => Cell::Uuid(&cells[index]),
            Cells::Text(cells) => Cell::Text(cells.get(index)),
        }
    }

    /// Goes to the next row.
    pub(crate) fn advance(&mut self) {
        self.row += 1;
    }
}

/// Fills a block row by row: one call for each column in order, then [`BlockBuilder::end_row`].
#[derive(Debug)]
pub(crate) struct BlockBuilder {
    shape: TableShape,
    block: Block,
    bytes: usize,
}

impl BlockBuilder {
    /// A builder for tables of this shape.
    pub(crate) fn new(shape: &TableShape) -> Self {
        Self { shape: shape.clone(), block: Block::new(shape), bytes: 0 }
    }

    /// The shape it fills.
    pub(crate) fn shape(&self) -> &TableShape {
        &self.shape
    }

    /// Appends NULL. `false` when the column's shape says that it holds none.
    #[must_use]
    #[inline]
    pub(crate) fn null(&mut self, column: usize) -> bool {
        self.block.columns[column].levels.push(0);
        self.shape.columns[column].nullable
    }

    /// Appends a cell. `false`, and nothing appended, when its type is not the column's.
    #[must_use]
    #[inline]
    pub(crate) fn cell(&mut self, column: usize, cell: Cell<'_>) -> bool {
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
                value.len() + LENGTH
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
    pub(crate) fn end_row(&mut self) -> bool {
        self.block.rows += 1;
        self.bytes >= BLOCK_BYTES || self.block.rows >= BLOCK_ROWS
    }

    /// Takes the rows gathered so far.
    pub(crate) fn take(&mut self) -> Block {
        self.bytes = 0;
        std::mem::replace(&mut self.block, Block::new(&self.shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_whole_when_they_are_sorted() {
        let column = |name: &str, stored, nullable| ColumnShape {
            name: name.into(),
            declared: String::new(),
            stored,
            native: None,
            nullable,
        };
        let columns = vec![
            column("key", Kind::Text, false),
            column("note", Kind::Text, true),
            column("miles", Kind::Integer, false),
        ];
        let shape = TableShape { name: "t".into(), columns };
        let block = |filled: [(&str, Option<&str>, i32); 2]| {
            let mut rows = BlockBuilder::new(&shape);
            for (key, note, miles) in filled {
                assert!(rows.cell(0, Cell::Text(key.as_bytes())));
                assert!(match note {
                    None => rows.null(1),
                    Some(note) => rows.cell(1, Cell::Text(note.as_bytes())),
                });
                assert!(rows.cell(2, Cell::Integer(miles)));
                rows.end_row();
            }
            rows.take()
        };
        let mut both = block([("b", Some("x"), 1), ("c", None, 2)]);
        both.append(block([("a", Some(""), 3), ("b", None, 4)]));
        let mut cursor = both.cursor_by(&[0]);
        for (key, note, miles) in [("a", Some(""), 3), ("b", Some("x"), 1), ("b", None, 4), ("c", None, 2)] {
            let note = note.map_or(Cell::Null, |note| Cell::Text(note.as_bytes()));
            let found = [cursor.cell(0), cursor.cell(1), cursor.cell(2)];
            assert_eq!(found, [Cell::Text(key.as_bytes()), note, Cell::Integer(miles)]);
            cursor.advance();
        }
        assert!(cursor.done());
    }
}
