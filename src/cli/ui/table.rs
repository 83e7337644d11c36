//! Small tables in memory, for people at a terminal, with comfy-table; and what Markdown must not take for its own.

use std::io::{self, Write};

use comfy_table::{
    Cell as TableCell, CellAlignment, ColumnConstraint, ContentArrangement, Row as TableRow, Table, Width,
};

use super::format::{Align, Cell};
use super::text::{cut, visible};

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

/// Draws rows under headings, two spaces between columns. On a terminal that is too narrow, texts are cut with `…`;
/// numbers, times and ids never are.
pub(super) fn draw(
    out: &mut dyn Write,
    headings: &[(&str, Align)],
    rows: &[Vec<Cell>],
    drawing: Drawing,
) -> io::Result<()> {
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
    for index in 0..headings.len() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, if index == last { 0 } else { 2 }));
            if drawing.width.is_some() {
                if rows.iter().all(|row| row.get(index).is_none_or(|cell| cell.whole || cell.text.is_empty())) {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                } else if index < last {
                    // Never squeezed to nothing: rows must stay distinguishable.
                    column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(6)));
                }
            }
        }
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
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
    let text = drawing.width.map_or_else(|| visible(&cell.text), |width| cut(&cell.text, width.into()));
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
        let widths: Vec<usize> = lines.iter().map(|line| crate::cli::ui::text::width(line)).collect();
        assert_eq!(widths, [widths[0]; 3], "{lines:?}");
    }

    #[test]
    fn a_narrow_terminal_cuts_and_says_so() {
        let shown = drawn(Some(24));
        assert!(shown.contains('…'), "{shown}");
        assert!(shown.lines().all(|line| crate::cli::ui::text::width(line) <= 24), "{shown}");
    }

    #[test]
    fn a_narrow_terminal_cuts_no_number() {
        let headings = [("name", Align::Left), ("id", Align::Left), ("note", Align::Left)];
        let id = Cell { whole: true, ..Cell::new("ea489495-9294") };
        let rows = [vec![Cell::new("a very long name indeed"), id, Cell::new("a note that is long")]];
        let mut out = Vec::new();
        draw(&mut out, &headings, &rows, Drawing { width: Some(40), color: false, header: true }).unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert!(shown.contains("ea489495-9294") && shown.contains('…'), "{shown}");
        assert!(shown.lines().all(|line| crate::cli::ui::text::width(line) <= 40), "{shown}");
    }

    #[test]
    fn markdown_cannot_be_broken_out_of() {
        assert_eq!(escaped("a|b\n@everyone"), "a\\|b\\\\n@\u{200b}everyone");
    }
}
