//! `config show`: every setting, its value, and where it came from.

use std::io;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::settings::{Origin, Settings};
use crate::cli::ui::report::{Listing, Row};
use crate::cli::ui::text;
use crate::cli::ui::{Align, Cell, Column, Page, RenderOptions, Tone};
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam config show\n  skyteam config show --profile prod -o json";

/// Shows them.
///
/// # Errors
/// stdout's.
pub(super) async fn run(cx: &Context) -> Result<Outcome> {
    cx.ui.listing(&ConfigView(rows(&cx.settings.in_force()))).await?;
    Ok(Outcome::Done)
}

struct ConfigView(Vec<ConfigLine>);

#[derive(Serialize)]
struct ConfigLine {
    name: &'static str,
    /// A time in the unit of the flag of its name.
    value: Value,
    origin: String,
    /// The value in words.
    #[serde(skip)]
    words: Option<String>,
}

impl Row for ConfigLine {
    const COLUMNS: &'static [Column] = &[Column::text("name"), Column::text("value"), Column::text("origin")];

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match (column, &self.value) {
            ("name", _) => Cell::new(self.name),
            ("value", _) if look.human => self.words.as_deref().into(),
            ("value", Value::Null) => Cell::empty(),
            ("value", Value::String(text)) => Cell::new(text),
            ("value", value) => Cell::new(value.to_string()),
            _ => Cell::new(&self.origin),
        }
    }
}

impl Listing for ConfigView {
    type Row = ConfigLine;

    fn rows(&self) -> &[ConfigLine] {
        &self.0
    }

    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let row = |line: &ConfigLine| {
            vec![
                Cell::new(line.name),
                line.words.as_deref().map_or_else(|| Cell::new("—").tone(Tone::Dim), Cell::new),
                Cell::new(line.origin.clone()).tone(Tone::Dim),
            ]
        };
        let rows: Vec<Vec<Cell>> = self.0.iter().map(row).collect();
        if page.has_room_for(&rows) {
            return page.table(&[("setting", Align::Left), ("value", Align::Left), ("from", Align::Left)], &rows);
        }
        // Nothing of a value or of where it came from is cut: that is what this command is asked for.
        let names = self.0.iter().map(|line| text::width(line.name)).max().unwrap_or_default();
        for (line, row) in self.0.iter().zip(rows) {
            let [_, value, origin]: [Cell; 3] = row.try_into().unwrap_or_default();
            page.words(&[Cell::new(text::pad(line.name, names + 1)).tone(Tone::Strong), value])?;
            page.words(&[
                Cell::new(" ".repeat(names + 1)),
                Cell::new(format!("from {}", origin.text)).tone(Tone::Dim),
            ])?;
        }
        Ok(())
    }
}

fn rows(settings: &Settings) -> Vec<ConfigLine> {
    let mut lines = Vec::new();
    let mut line = |name, value: Value, words: Option<String>, origin: &Origin| {
        lines.push(ConfigLine { name, value, words, origin: origin.to_string() });
    };
    let text = |text: String| (Value::from(text.clone()), Some(text));
    let nothing = || (Value::Null, None);
    let number = |number: u32| (Value::from(number), Some(number.to_string()));
    let seconds = |time: Duration| Some(format!("{} s", time.as_secs_f32()));
    let mut add = |name, (value, words), origin: &Origin| line(name, value, words, origin);

    add("database", text(format!("{:?}", settings.database.value)), &settings.database.origin);
    match &settings.profile {
        Some(profile) => add("profile", text(profile.value.clone()), &profile.origin),
        None => add("profile", nothing(), &Origin::Default),
    }
    add("kind", text(settings.kind.value.name().to_owned()), &settings.kind.origin);
    add("actor", text(settings.actor.value.clone()), &settings.actor.origin);
    add("tz", text(settings.tz.value.to_string()), &settings.tz.origin);
    add("max_connections", number(settings.max_connections.value), &settings.max_connections.origin);
    for (name, setting) in [("idle_timeout", &settings.idle_timeout), ("connect_timeout", &settings.connect_timeout)] {
        let whole = setting.value.subsec_nanos() == 0;
        let value = if whole { Value::from(setting.value.as_secs()) } else { setting.value.as_secs_f64().into() };
        add(name, (value, seconds(setting.value)), &setting.origin);
    }
    for (name, setting) in
        [("statement_timeout", &settings.statement_timeout), ("lock_timeout", &settings.lock_timeout)]
    {
        let value = Value::from(u64::try_from(setting.value.as_millis()).unwrap_or(u64::MAX));
        let limit = if setting.value.is_zero() { nothing() } else { (value, seconds(setting.value)) };
        add(name, limit, &setting.origin);
    }
    match &settings.award_limit {
        Some(limit) => add("award_limit", number(limit.value), &limit.origin),
        None => add("award_limit", nothing(), &Origin::Default),
    }
    let signers: Vec<&str> = settings.signers.value.iter().map(String::as_str).collect();
    let shown = if signers.is_empty() { nothing() } else { (signers.clone().into(), Some(signers.join(" "))) };
    add("signers", shown, &settings.signers.origin);
    match &settings.sign_key {
        Some(key) => add("sign_key", text(key.value.display().to_string()), &key.origin),
        None => add("sign_key", nothing(), &Origin::Default),
    }
    let completions = settings.completions.value;
    add("completions", (completions.into(), Some(completions.to_string())), &settings.completions.origin);
    let data_dir = settings.data_dir.as_ref().map_or_else(nothing, |dir| text(dir.display().to_string()));
    add("data_dir", data_dir, &Origin::Default);
    lines
}
