//! `config show`: every setting, its value, and where it came from.

use std::io;

use clap::Subcommand;
use serde::Serialize;

use crate::context::Context;
use crate::error::{Outcome, Result};
use crate::report::Report;
use crate::settings::{Origin, Setting, Settings};
use crate::ui::{Align, Cell, Page, Tone};

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show every setting, its value (secrets masked) and where it came from
    #[command(after_help = "Examples:\n  skyteam config show\n  skyteam config show --profile prod -o json")]
    Show,
}

impl Verb {
    /// Runs it.
    ///
    /// # Errors
    /// stdout's.
    pub fn run(self, cx: &Context) -> Result<Outcome> {
        match self {
            Self::Show => {
                cx.ui.report(&Shown(rows(&cx.settings)))?;
                Ok(Outcome::Done)
            }
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Vec<Line>);

#[derive(Serialize)]
struct Line {
    name: &'static str,
    value: Option<String>,
    origin: String,
}

impl Report for Shown {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let rows: Vec<Vec<Cell>> = self
            .0
            .iter()
            .map(|line| {
                vec![
                    Cell::new(line.name),
                    line.value.as_deref().map_or_else(|| Cell::new("—").tone(Tone::Dim), Cell::new),
                    Cell::new(line.origin.clone()).tone(Tone::Dim),
                ]
            })
            .collect();
        page.table(&[("setting", Align::Left), ("value", Align::Left), ("from", Align::Left)], &rows)
    }
}

fn rows(settings: &Settings) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = |name, value: Option<String>, origin: &Origin| {
        lines.push(Line { name, value, origin: origin.to_string() });
    };
    line("database", Some(format!("{:?}", settings.database.value)), &settings.database.origin);
    match &settings.profile {
        Some(profile) => line("profile", Some(profile.value.clone()), &profile.origin),
        None => line("profile", None, &Origin::Default),
    }
    line("kind", Some(settings.kind.value.name().to_owned()), &settings.kind.origin);
    line("actor", Some(settings.actor.value.clone()), &settings.actor.origin);
    line("tz", Some(settings.tz.value.to_string()), &settings.tz.origin);
    line("max_connections", Some(settings.max_connections.value.to_string()), &settings.max_connections.origin);
    let seconds = |setting: &Setting<std::time::Duration>| Some(format!("{} s", setting.value.as_secs_f32()));
    line("idle_timeout", seconds(&settings.idle_timeout), &settings.idle_timeout.origin);
    line("connect_timeout", seconds(&settings.connect_timeout), &settings.connect_timeout.origin);
    let limit = Some(&settings.statement_timeout).filter(|setting| !setting.value.is_zero());
    line("statement_timeout", limit.and_then(seconds), &settings.statement_timeout.origin);
    line("lock_timeout", seconds(&settings.lock_timeout), &settings.lock_timeout.origin);
    match &settings.award_limit {
        Some(limit) => line("award_limit", Some(limit.value.to_string()), &limit.origin),
        None => line("award_limit", None, &Origin::Default),
    }
    line("completions", Some(settings.completions.value.to_string()), &settings.completions.origin);
    line("data_dir", settings.data_dir.as_ref().map(|dir| dir.display().to_string()), &Origin::Default);
    lines
}
