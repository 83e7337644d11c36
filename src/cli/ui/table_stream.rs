//! Rows in aligned columns, one line a row: on a terminal as many columns as fit it whole, in a pipe all of
//! everything, for Discord in a block of code, which is how it shows columns.

use std::io::{self, Write};

use super::format::{Align, Cell, Column, Tone, UNCUT};
use super::table::Drawing;
use super::text::{cut, visible, width, wrapped};

/// Between two columns.
const GAP: usize = 2;

/// A cell in a pipe that is longer than this pushes the rest of its own line out of column; the other lines are not
/// padded for it.
const STRAIGHT: usize = 200;

/// How many lines one value takes on a terminal where the columns of a row are printed under each other.
const LINES: usize = 8;

/// What the columns are drawn for.
#[derive(Clone, Copy, Debug)]
pub(super) struct TableOptions {
    /// How a table is drawn.
    pub drawing: Drawing,
    /// Whether it goes into Markdown.
    pub markdown: bool,
    /// Whether all columns are wanted, however narrow the terminal.
    pub all: bool,
}

/// The columns of a table, with their widths.
#[derive(Debug)]
pub(super) struct TableStream {
    slots: Vec<Slot>,
    form: Form,
    color: bool,
    header: bool,
    hidden: Vec<&'static str>,
    begun: bool,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Which cell of a row.
    cell: usize,
    name: &'static str,
    align: Align,
    width: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A line a row; longer cells are not cut.
    Pipe,
    /// A line a row; longer cells are cut.
    Lines,
    /// Names and values under each other, on a terminal of so many columns.
    Records(usize),
    /// A line a row between bars, in a block of code.
    Markdown,
}

impl TableStream {
    /// Takes the widths from the first rows.
    pub(super) fn new(columns: &[Column], rows: &[Vec<Cell>], paper: TableOptions) -> Self {
        let terminal = paper.drawing.width.filter(|_| !paper.markdown).map(|width| usize::from(width.max(20)));
        let longest = terminal.unwrap_or(STRAIGHT);
        let natural = |index: usize, column: &Column| {
            let cells = rows.iter().map(|row| width(&cut(&row[index].text, longest)));
            let heading = if paper.drawing.header { width(column.key) } else { 0 };
            cells.max().unwrap_or(0).max(heading)
        };
        let mut slots: Vec<Slot> = columns
            .iter()
            .enumerate()
            .map(|(cell, column)| Slot { cell, name: column.key, align: column.align, width: natural(cell, column) })
            .collect();
        let form = match terminal {
            None if paper.markdown => Form::Markdown,
            None => Form::Pipe,
            Some(width) => fit(&mut slots, columns, width, paper.all),
        };
        let kept = |cell: usize| slots.iter().any(|slot| slot.cell == cell);
        let hidden =
            columns.iter().enumerate().filter(|(cell, _)| !kept(*cell)).map(|(_, column)| column.key).collect();
        Self { slots, form, color: paper.drawing.color, header: paper.drawing.header, hidden, begun: false }
    }

    /// The columns that the terminal is too narrow for.
    pub(super) fn hidden(&self) -> &[&'static str] {
        &self.hidden
    }

    /// Writes what comes above the rows.
    ///
    /// # Errors
    /// The stream's.
    pub(super) fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.form == Form::Markdown {
            writeln!(out, "```")?;
        }
        if !self.header || matches!(self.form, Form::Records(_)) {
            return Ok(());
        }
        let names: Vec<Cell> = self.slots.iter().map(|slot| Cell::new(slot.name).tone(Tone::Strong)).collect();
        self.line(out, names.iter())?;
        if self.form == Form::Markdown {
            let rules = self.slots.iter().map(|slot| {
                let dashes = "-".repeat(slot.width.max(3) - usize::from(slot.align == Align::Right));
                if slot.align == Align::Right { dashes + ":" } else { dashes }
            });
            writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | "))?;
        }
        Ok(())
    }

    /// Writes one row, which has a cell for every column, the hidden ones too.
    ///
    /// # Errors
    /// The stream's.
    pub(super) fn row(&mut self, out: &mut dyn Write, cells: &[Cell]) -> io::Result<()> {
        if let Form::Records(width) = self.form {
            if self.begun {
                writeln!(out)?;
            }
            self.begun = true;
            return self.record(out, cells, width);
        }
        self.line(out, self.slots.iter().map(|slot| &cells[slot.cell]))
    }

    /// Writes what comes below the rows.
    ///
    /// # Errors
    /// The stream's.
    pub(super) fn foot(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.form == Form::Markdown { writeln!(out, "```") } else { Ok(()) }
    }

    fn line<'c>(&self, out: &mut dyn Write, cells: impl Iterator<Item = &'c Cell>) -> io::Result<()> {
        let mut line = String::new();
        for (index, (slot, cell)) in self.slots.iter().zip(cells).enumerate() {
            let text = match self.form {
                Form::Markdown => fenced(&cell.text).into(),
                Form::Pipe => visible(&cell.text),
                _ => cut(&cell.text, slot.width),
            };
            let least = if self.form == Form::Markdown { 3 } else { 0 };
            let space = " ".repeat(slot.width.max(least).saturating_sub(width(&text)));
            let text = self.toned(&text, cell.tone);
            line.push_str(match self.form {
                Form::Markdown if index == 0 => "| ",
                Form::Markdown => " | ",
                _ if index == 0 => "",
                _ => "  ",
            });
            match slot.align {
                Align::Left => line.extend([text, space]),
                Align::Right => line.extend([space, text]),
            }
        }
        if self.form == Form::Markdown {
            line.push_str(" |");
        }
        writeln!(out, "{}", line.trim_end_matches(' '))
    }

    fn record(&self, out: &mut dyn Write, cells: &[Cell], columns: usize) -> io::Result<()> {
        let names = self.slots.iter().map(|slot| width(slot.name)).max().unwrap_or(0);
        let room = columns.saturating_sub(names + GAP);
        for slot in &self.slots {
            let cell = &cells[slot.cell];
            let name = self.toned(slot.name, Tone::Dim);
            let space = " ".repeat(names - width(slot.name) + GAP);
            if width(&cut(&cell.text, columns)) <= room {
                let text = visible(&cell.text);
                let text = if text.is_empty() { String::new() } else { self.toned(&text, cell.tone) };
                writeln!(out, "{}", format!("{name}{space}{text}").trim_end_matches(' '))?;
                continue;
            }
            // Below its name, where there is room for an id in one piece.
            writeln!(out, "{name}")?;
            for line in wrapped(&cell.text, columns - GAP, LINES) {
                writeln!(out, "  {}", self.toned(&line, cell.tone))?;
            }
        }
        Ok(())
    }

    fn toned(&self, text: &str, tone: Tone) -> String {
        if !self.color || tone == Tone::Plain || self.form == Form::Markdown {
            return text.to_owned();
        }
        let style = tone.style();
        format!("{style}{text}{style:#}")
    }
}

/// Makes columns fit a terminal: cuts long texts, but not below their floors; then, unless all columns are wanted, leaves
/// out one after the other; and where that is not enough puts them under each other. The columns that always stay are cut
/// only when no other is left.
fn fit(slots: &mut Vec<Slot>, columns: &[Column], terminal: usize, all: bool) -> Form {
    let floor = |slot: &Slot| slot.width.min(columns[slot.cell].floor);
    let whole = |slot: &Slot| match columns[slot.cell] {
        Column { rank: 0, floor, .. } => slot.width.min(floor.max(UNCUT)),
        Column { floor, .. } => slot.width.min(floor),
    };
    let sum = |slots: &[Slot], least: &dyn Fn(&Slot) -> usize| {
        slots.iter().map(least).sum::<usize>() + GAP * slots.len().saturating_sub(1)
    };
    let mut left_out = Vec::new();
    while sum(slots, &whole) > terminal && !all {
        let lowest = slots.iter().enumerate().max_by_key(|(place, slot)| (columns[slot.cell].rank, *place));
        match lowest.map(|(place, slot)| (place, columns[slot.cell].rank)) {
            Some((place, 1..)) => left_out.push(slots.remove(place)),
            _ => break,
        }
    }
    // A wide column that went last may have left room for others that went before it: the most important come first.
    while let Some(slot) = left_out.pop() {
        let place = slots.partition_point(|kept| kept.cell < slot.cell);
        slots.insert(place, slot);
        if sum(slots, &whole) > terminal {
            slots.remove(place);
        }
    }
    let least: &dyn Fn(&Slot) -> usize = if sum(slots, &whole) > terminal { &floor } else { &whole };
    let Some(mut spare) = terminal.checked_sub(sum(slots, least)) else { return Form::Records(terminal) };
    for slot in slots {
        let wanted = slot.width;
        slot.width = least(slot);
        let more = (wanted - slot.width).min(spare);
        slot.width += more;
        spare -= more;
    }
    Form::Lines
}

/// Text that a block of code cannot be left by, nor a cell between bars; nor does Discord see a mention, should a bot
/// break the block in two.
fn fenced(text: &str) -> String {
    visible(text).replace('|', "\\|").replace('@', "@\u{200b}").replace("```", "`\u{200b}`\u{200b}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    static COLUMNS: [Column; 4] = [
        Column::text("code").rank(0),
        Column::text("name").floor(10),
        Column::number("miles").rank(1),
        Column::text("id").rank(3),
    ];

    const ID: &str = "0196f7a2-5e0c-7c3e-9d43-0a4b6c0d1e2f";

    fn drawn(width: Option<u16>, all: bool, markdown: bool) -> (String, usize) {
        let rows = [
            vec![Cell::new("DL123"), Cell::new("대한항공"), Cell::new("1,200"), Cell::new(ID)],
            vec![Cell::new("KL1"), Cell::new("a very long name, longer than its floor"), Cell::new("5"), Cell::new(ID)],
        ];
        let drawing = Drawing { width, color: false, header: true };
        let mut grid = TableStream::new(&COLUMNS, &rows, TableOptions { drawing, markdown, all });
        let mut out = Vec::new();
        grid.head(&mut out).unwrap();
        for row in &rows {
            grid.row(&mut out, row).unwrap();
        }
        grid.foot(&mut out).unwrap();
        (String::from_utf8(out).unwrap(), grid.hidden().len())
    }

    #[test]
    fn a_terminal_shows_whole_columns_or_none() {
        for (columns, hidden) in [(100, 0), (70, 0), (60, 1), (40, 1), (24, 1), (22, 2)] {
            let (shown, left_out) = drawn(Some(columns), false, false);
            assert!(shown.lines().all(|line| width(line) <= columns.into()), "{columns}\n{shown}");
            assert_eq!(left_out, hidden, "{columns}\n{shown}");
            assert_eq!(shown.contains(ID), hidden == 0, "{columns}\n{shown}");
            assert!(shown.contains("DL123"), "{columns}\n{shown}");
        }
    }

    #[test]
    fn room_that_a_wide_column_leaves_is_used() {
        let columns = [
            Column::text("id").rank(0),
            Column::text("source"),
            Column::text("note").rank(1).floor(20),
            Column::text("actor").rank(3),
        ];
        let rows =
            [vec![Cell::new(ID), Cell::new("manual"), Cell::new("a note that is rather long"), Cell::new("ops")]];
        let paper = |width| TableOptions {
            drawing: Drawing { width: Some(width), color: false, header: true },
            markdown: false,
            all: false,
        };
        for (width, hidden) in [
            (80, &[][..]),
            (70, &["actor"]),
            (58, &["source", "actor"]),
            (56, &["note"]),
            (50, &["note", "actor"]),
            (40, &["source", "note", "actor"]),
        ] {
            assert_eq!(TableStream::new(&columns, &rows, paper(width)).hidden(), hidden, "{width}");
        }
    }

    #[test]
    fn all_columns_of_a_row_stand_under_each_other_where_they_do_not_fit_beside() {
        let (shown, hidden) = drawn(Some(30), true, false);
        assert_eq!(hidden, 0);
        assert!(shown.starts_with("code   DL123\nname   대한항공\nmiles  1,200\nid\n  0196f7a2-"), "{shown}");
        assert!(shown.contains("\n\ncode   KL1\n") && shown.lines().all(|line| width(line) <= 30), "{shown}");
    }

    #[test]
    fn a_pipe_cuts_nothing_and_keeps_lines_straight() {
        let (shown, _) = drawn(None, false, false);
        assert!(shown.contains("a very long name, longer than its floor"), "{shown}");
        let at = |line: &str, part: &str| width(&line[..line.find(part).unwrap()]);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(at(lines[1], ID), at(lines[2], ID), "{shown}");
    }

    #[test]
    fn discord_gets_a_block_of_code_that_nothing_breaks_out_of() {
        let (shown, _) = drawn(None, false, true);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!((lines[0], lines[5], lines.len()), ("```", "```", 6));
        assert!(lines[1].starts_with("| code  | name ") && lines[2].starts_with("| ----- | ---"), "{shown}");
        let widths: Vec<usize> = lines[1..5].iter().map(|line| width(line)).collect();
        assert_eq!(widths, [widths[0]; 4], "{shown}");
        assert_eq!(fenced("a|b\n```@everyone"), "a\\|b\\n`\u{200b}`\u{200b}`@\u{200b}everyone");
    }

    #[test]
    fn one_long_cell_does_not_pad_the_others() {
        let rows = [vec![Cell::new("x".repeat(1 << 20)), Cell::new("a")], vec![Cell::new("y"), Cell::new("b")]];
        let drawing = Drawing { width: None, color: false, header: false };
        let mut grid = TableStream::new(&COLUMNS[..2], &rows, TableOptions { drawing, markdown: false, all: false });
        let mut out = Vec::new();
        rows.iter().for_each(|row| grid.row(&mut out, row).unwrap());
        assert!(out.len() < (1 << 20) + 500);
    }
}
