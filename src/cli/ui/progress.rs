//! Progress bars on stderr, where it is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a long piece of work has come. Cleared when it is dropped, so that an error has the line for itself.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

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
    pub(crate) fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// Counts steps from another thread. The bar goes with this [`Progress`], though others may still be counting.
    pub(crate) fn counter(&self) -> impl Fn(u64) + Send + Sync + 'static {
        let bar = self.0.clone();
        move |steps| bar.inc(steps)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_goes_though_others_still_count() {
        let progress = Progress::new(false, Some(2), "Counting");
        let (bar, count) = (progress.0.clone(), progress.counter());
        count(1);
        drop(progress);
        count(1);
        assert!(bar.is_finished());
        assert_eq!(bar.position(), 2);
    }
}
