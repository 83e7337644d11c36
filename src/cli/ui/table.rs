//! Small tables in memory, for people at a terminal, with comfy-table; and what Markdown must not take for its own.

use std::io::{self, Write};

use comfy_table::{
    Cell as TableCell, CellAlignment, ColumnConstraint, ContentArrangement, Row as TableRow, Table, Width,
};

use super::format::{Align, Cell};
use super::text::{cut, visible, width};

/// How a table is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawing {
    /// Columns of the terminal; `None`: as wide as the content.
    pub width: Option<u16>,
    /// Whether colour may be sent.
    pub color: bool,
    /// Whether the header is shown.
    pub header: bool,
}

/// The columns of a terminal that a text is never cut below: rows must stay distinguishable.
const TEXT_MIN: usize = 12;

/// Draws rows under headings, two spaces between columns. On a terminal that is too narrow, texts are cut with `…`, but
/// never numbers, times and ids: the rightmost columns are left out instead. Answers their headings.
pub(super) fn draw<'h>(
    out: &mut dyn Write,
    headings: &[(&'h str, Align)],
    rows: &[Vec<Cell>],
    drawing: Drawing,
) -> io::Result<Vec<&'h str>> {
    let needs: Vec<Need> = headings.iter().enumerate().map(|(index, (name, _))| Need::of(index, name, rows)).collect();
    let fitting = drawing.width.map_or(headings.len(), |width| fitting(&needs, width.into()));
    let (headings, hidden) = headings.split_at(fitting);
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_truncation_indicator("…");
    match drawing.width {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.max(20));
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    if drawing.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    if drawing.header {
        let cells = headings.iter().map(|(name, align)| {
            let cell = TableCell::new(name).set_alignment(alignment(*align));
            if drawing.color { cell.add_attribute(comfy_table::Attribute::Bold) } else { cell }
        });
        table.set_header(one_line(TableRow::from(cells.collect::<Vec<_>>()), drawing));
    }
    for row in rows {
        let cells = row.iter().zip(headings).map(|(cell, (_, align))| styled(cell, *align, drawing));
        table.add_row(one_line(TableRow::from(cells.collect::<Vec<_>>()), drawing));
    }
    let last = headings.len().saturating_sub(1);
    for (index, need) in needs.iter().enumerate().take(fitting) {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, if index == last { 0 } else { 2 }));
            if drawing.width.is_some() && need.whole {
                column.set_constraint(ColumnConstraint::ContentWidth);
            } else if drawing.width.is_some() && index < last {
                let padded = u16::try_from(need.least + GAP).unwrap_or(u16::MAX);
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(padded)));
            }
        }
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(hidden.iter().map(|(name, _)| *name).collect())
}

/// The spaces between two columns.
const GAP: usize = 2;

/// What a column asks of the width of a terminal.
struct Need {
    /// Whether nothing in it may be cut.
    whole: bool,
    /// How narrow it may become, without the gap.
    least: usize,
}

impl Need {
    fn of(index: usize, heading: &str, rows: &[Vec<Cell>]) -> Self {
        let cells = || rows.iter().filter_map(move |row| row.get(index));
        let content = cells().map(|cell| width(&visible(&cell.text))).chain([width(heading)]).max().unwrap_or_default();
        let whole = cells().all(|cell| cell.whole || cell.text.is_empty());
        Self { whole, least: if whole { content } else { content.min(TEXT_MIN) } }
    }
}

/// How many of the columns, from the left, a terminal of so many columns has room for; the first one always.
fn fitting(needs: &[Need], width: usize) -> usize {
    let mut taken = 0;
    let fit = needs.iter().take_while(|need| {
        let before = if taken == 0 { 0 } else { taken + GAP };
        taken = before + need.least;
        taken <= width
    });
    fit.count().max(1).min(needs.len())
}

fn one_line(mut row: TableRow, drawing: Drawing) -> TableRow {
    if drawing.width.is_some() {
        row.max_height(1);
    }
    row
}

fn alignment(align: Align) -> CellAlignment {
    match align {
        Align::Left => CellAlignment::Left,
        Align::Right => CellAlignment::Right,
    }
}

fn styled(cell: &Cell, align: Align, drawing: Drawing) -> TableCell {
    use super::format::Tone;
    // What no line has room for, comfy-table is never shown: its own arithmetic ends at 65,535 columns.
    let text = drawing.width.map_or_else(|| visible(&cell.text), |columns| cut(&cell.text, columns.into()));
    let drawn = TableCell::new(text).set_alignment(alignment(align));
    if !drawing.color {
        return drawn;
    }
    match cell.tone {
        Tone::Plain => drawn,
        Tone::Dim => drawn.add_attribute(comfy_table::Attribute::Dim),
        Tone::Strong => drawn.add_attribute(comfy_table::Attribute::Bold),
        Tone::Good => drawn.fg(comfy_table::Color::Green),
        Tone::Warn => drawn.fg(comfy_table::Color::Yellow),
        Tone::Bad => drawn.fg(comfy_table::Color::Red),
        Tone::Swatch(r, g, b) => drawn.bg(comfy_table::Color::Rgb { r, g, b }),
    }
}

/// Text in which Markdown sees no markup and Discord no mention.
pub(super) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '\\' | '|' | '*' | '_' | '`' | '~' | '<' | '>' | '[' | ']' | '#' => {
                shown.push('\\');
                shown.push(character);
            }
            // A zero-width space after @ keeps a name such as `@everyone` from calling anybody.
            '@' => shown.push_str("@\u{200b}"),
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: Option<u16>) -> String {
        let headings = [("username", Align::Left), ("miles", Align::Right)];
        let rows = [
            vec![Cell::new("대한항공"), Cell::new("1,200")],
            vec![Cell::new("a very long name indeed"), Cell::new("5")],
        ];
        let mut out = Vec::new();
        draw(&mut out, &headings, &rows, Drawing { width, color: false, header: true }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn wide_characters_keep_columns_straight() {
        let lines: Vec<String> = drawn(None).lines().map(str::to_owned).collect();
        let widths: Vec<usize> = lines.iter().map(|line| width(line)).collect();
        assert_eq!(widths, [widths[0]; 3], "{lines:?}");
    }

    #[test]
    fn a_narrow_terminal_cuts_and_says_so() {
        let shown = drawn(Some(24));
        assert!(shown.contains('…'), "{shown}");
        assert!(shown.lines().all(|line| width(line) <= 24), "{shown}");
    }

    #[test]
    fn a_narrow_terminal_cuts_no_number() {
        let headings = [("name", Align::Left), ("id", Align::Left), ("note", Align::Left)];
        let id = Cell { whole: true, ..Cell::new("ea489495-9294") };
        let rows = [vec![Cell::new("a very long name indeed"), id, Cell::new("a note that is long")]];
        let mut out = Vec::new();
        draw(&mut out, &headings, &rows, Drawing { width: Some(42), color: false, header: true }).unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert!(shown.contains("ea489495-9294") && shown.contains('…'), "{shown}");
        assert!(shown.lines().all(|line| width(line) <= 42), "{shown}");
    }

    #[test]
    fn what_has_no_room_is_left_out_from_the_right() {
        let headings = [("name", Align::Left), ("size", Align::Right), ("note", Align::Left)];
        let size = Cell { whole: true, ..Cell::new("1,234,567 kB") };
        let rows = [vec![Cell::new("a very long name indeed"), size, Cell::new("a note that is long")]];
        for (width, left_out) in [(40, vec![]), (39, vec!["note"]), (26, vec!["note"]), (25, vec!["size", "note"])] {
            let mut out = Vec::new();
            let drawing = Drawing { width: Some(width), color: false, header: true };
            assert_eq!(draw(&mut out, &headings, &rows, drawing).unwrap(), left_out, "{width}");
            let shown = String::from_utf8(out).unwrap();
            assert_eq!(shown.contains("1,234,567 kB"), left_out.len() < 2, "{width}: {shown}");
            assert!(shown.lines().all(|line| crate::cli::ui::text::width(line) <= width.into()), "{width}: {shown}");
        }
    }

    #[test]
    fn markdown_cannot_be_broken_out_of() {
        assert_eq!(escaped("a|b\n@everyone"), "a\\|b\\\\n@\u{200b}everyone");
    }
}
