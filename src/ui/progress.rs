//! Progress bars on stderr, where it is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a long piece of work has come. Cleared when it is dropped, so that an error stands alone.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(shown: bool, length: Option<u64>, message: &str) -> Self {
        if !shown {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(10));
        let template = match length {
            Some(_) => "{msg} {bar:30} {human_pos}/{human_len}  {eta}",
            None => "{msg} {spinner} {human_pos}  {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(message.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// `steps` more are done.
    pub fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// So many are done in all.
    pub fn at(&self, position: u64) {
        self.0.set_position(position);
    }

    /// How many there are, once it is known.
    pub fn length(&self, length: u64) {
        self.0.set_length(length);
    }

    /// What is being done now.
    pub fn message(&self, message: &str) {
        self.0.set_message(message.to_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
