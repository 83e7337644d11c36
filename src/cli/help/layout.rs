//! Lines of a page: examples and tables as they are, paragraphs wrapped.

use super::{columns, heading};

/// Lays text out for so many columns.
pub(super) struct Layout {
    /// Columns of a line.
    pub width: usize,
}

impl Layout {
    /// A text of headings, indented lines, which stay whole, and paragraphs, which are wrapped.
    pub(super) fn lines(&self, text: &str) -> String {
        let mut shown: Vec<String> = Vec::new();
        let mut paragraph: Vec<&str> = Vec::new();
        for line in text.lines().chain([""]) {
            let is_heading =
                !line.starts_with(' ') && line.ends_with(':') && !line.contains(". ") && columns(line) < 40;
            if line.is_empty() || line.starts_with(' ') || is_heading {
                if !paragraph.is_empty() {
                    shown.extend(wrapped(&std::mem::take(&mut paragraph).join(" "), self.width));
                }
                shown.push(if is_heading { heading(line.trim_end_matches(':')) } else { line.to_owned() });
            } else {
                paragraph.push(line);
            }
        }
        shown.pop();
        shown.join("\n")
    }

    /// A text below a heading.
    pub(super) fn indented(&self, text: &str) -> String {
        wrapped(text, self.width - 2).iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }

    /// A name of so many columns, and what it is about beside it, from column `from` on.
    pub(super) fn row(&self, name: &str, taken: usize, from: usize, about: &str) -> String {
        let indent = from + 2;
        let gap = " ".repeat(indent.saturating_sub(taken + 2).max(1));
        let lines = wrapped(about, self.width.saturating_sub(indent).max(20));
        format!("  {name}{gap}{}", lines.join(&format!("\n{}", " ".repeat(indent))))
    }
}

/// The text in lines of at most so many columns, broken at blanks; a longer word has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut();
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paragraphs_are_wrapped() {
        let text = "Examples:\n  skyteam user list --sort -miles --limit 10\n\nOne two three\nfour five.";
        let shown = Layout { width: 14 }.lines(text);
        let plain = clap::builder::StyledStr::from(shown).to_string();
        assert_eq!(plain, "Examples:\n  skyteam user list --sort -miles --limit 10\n\nOne two three\nfour five.");
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("0123456789 a", 4), ["0123456789", "a"]);
        assert_eq!(
            Layout { width: 30 }.row("push", 4, 8, "Make it so at once and go"),
            "  push    Make it so at once\n          and go"
        );
    }
}
