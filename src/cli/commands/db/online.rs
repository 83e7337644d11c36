//! What `db push --online` and `db migrate --online` share: the refusal on SQLite, and how the work is shown.

use std::sync::atomic::Ordering;

use super::planned;
use crate::cli::context::Context;
use crate::cli::ui::Progress;
use crate::db::Engine;
use crate::error::{Error, Kind, Result};
use crate::message::message;
use crate::schema::Event;

/// Refuses the flag where there is nothing that it could do.
pub(super) fn only_on_postgres(engine: Engine, command: &str) -> Result<()> {
    match engine {
        Engine::Postgres => Ok(()),
        Engine::Sqlite => {
            let what = message!("skyteam {} cannot honour --online on SQLite", command);
            let why = "SQLite has one writer at a time, and nothing that is done beside it";
            Err(Error::new(Kind::Usage, "usage", what).why(why).fix("leave --online out"))
        }
    }
}

/// Shows an online run: a line for each step, and on a terminal how far an index is.
pub(super) struct OnlineView<'a> {
    cx: &'a Context,
    /// What the server does with the index, how much of it is shown as done, and the bar.
    bar: Option<(String, u64, Progress)>,
}

impl<'a> OnlineView<'a> {
    pub(super) fn new(cx: &'a Context) -> Self {
        cx.resumes.store(true, Ordering::Relaxed);
        Self { cx, bar: None }
    }

    pub(super) fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Step { number, of, step } => {
                self.bar = None;
                self.cx.ui.note(message!("{}/{}  {}", number, of, &step.what));
            }
            Event::Leftover(index) => self.cx.ui.note(message!("Removing the unfinished index {}", index)),
            Event::Progress { table, phase, done, total } => self.advance(table, phase, *done, *total),
            Event::Waiting(wait) => planned::waiting(self.cx, wait),
        }
    }

    fn advance(&mut self, table: &str, phase: &str, done: u64, total: u64) {
        if self.bar.as_ref().is_none_or(|(shown, ..)| shown != phase) {
            let length = (total > 0).then_some(total);
            self.bar = Some((phase.to_owned(), 0, self.cx.ui.progress(length, &format!("  {table}: {phase}"))));
        }
        if let Some((_, shown, bar)) = &mut self.bar {
            bar.advance(done.saturating_sub(*shown));
            *shown = done.max(*shown);
        }
    }
}
