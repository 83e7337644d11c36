//! `config path`: which files of settings were looked for, and which were found.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::settings::{self, SettingsFile};
use crate::cli::ui::report::{Listing, Row};
use crate::cli::ui::text::pad;
use crate::cli::ui::{Cell, Column, Page, RenderOptions, Tone};
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam config path
  skyteam config path -o json";

#[derive(Serialize)]
struct PathLine {
    path: PathBuf,
    /// `environment`: variables; `project`, `user`: a skyteam.toml.
    kind: &'static str,
    found: bool,
}

impl Row for PathLine {
    const COLUMNS: &'static [Column] = &[Column::text("path"), Column::text("kind"), Column::text("found")];

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "path" => Cell::new(self.path.display().to_string()),
            "kind" => Cell::new(self.kind),
            _ => look.yes_no(self.found),
        }
    }
}

struct Paths(Vec<PathLine>);

impl Listing for Paths {
    type Row = PathLine;

    fn rows(&self) -> &[PathLine] {
        &self.0
    }

    fn human(&self, page: &mut Page<'_>) -> std::io::Result<()> {
        // The path comes last: it is shown whole, however narrow the terminal is.
        for line in &self.0 {
            let (state, tone) = if line.found { ("found", Tone::Good) } else { ("absent", Tone::Dim) };
            let path = Cell::new(line.path.display().to_string());
            page.words(&[Cell::new(pad(state, 7)).tone(tone), Cell::new(pad(line.kind, 12)).tone(Tone::Dim), path])?;
        }
        Ok(())
    }
}

/// Lists them, strongest first. None is read, so that one that cannot be used is listed as well.
///
/// # Errors
/// stdout's.
pub(super) async fn run(cx: &Context) -> Result<Outcome> {
    let home = cx.env.get("HOME").filter(|home| !home.is_empty()).map(Path::new);
    let line = |kind| move |SettingsFile { path, found }: SettingsFile| PathLine { path, kind, found };
    let mut lines: Vec<PathLine> =
        settings::looked_for(&cx.cwd, home, ".env").into_iter().map(line("environment")).collect();
    lines.extend(settings::looked_for(&cx.cwd, home, settings::NAME).into_iter().map(line("project")));
    if let Some(folder) = settings::config_dir(&cx.env) {
        let path = folder.join(settings::NAME);
        let found = std::fs::symlink_metadata(&path).is_ok();
        lines.push(PathLine { path, kind: "user", found });
    }
    cx.ui.listing(&Paths(lines)).await?;
    Ok(Outcome::Done)
}
