//! `--watch`: an answer again and again, until it is interrupted.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::cli::context::Context;
use crate::cli::ui::Format;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::message;

/// Whether, and how often.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct WatchArgs {
    /// Show it again every so often, until Ctrl-C: every 2s, or 500ms, 10s, 1m
    #[arg(
        long,
        value_name = "INTERVAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2s",
        value_parser = interval
    )]
    watch: Option<Duration>,
}

/// A time from 100 milliseconds to an hour.
fn interval(given: &str) -> std::result::Result<Duration, String> {
    let accepted = || "a time from 100ms to 1h is accepted, in ms, s, m or h".to_owned();
    let end = given.find(|c: char| !c.is_ascii_digit()).ok_or_else(accepted)?;
    let (number, unit) = given.split_at(end);
    let unit = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(accepted()),
    };
    let time = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    time.filter(|time| (100..=3_600_000).contains(time)).map(Duration::from_millis).ok_or_else(accepted)
}

impl WatchArgs {
    /// Shows it once, or again and again. `show` is given the time that it is then.
    ///
    /// # Errors
    /// [`Kind::Usage`]: a format that one answer fills. What `show` fails with.
    pub(crate) async fn run(
        &self,
        cx: &Context,
        show: impl AsyncFn(DateTime<Utc>) -> Result<Outcome>,
    ) -> Result<Outcome> {
        let Some(interval) = self.watch else { return show(cx.now).await };
        let redraws = cx.ui.is_terminal() && cx.ui.format().is_for_people();
        if !redraws && cx.ui.format() != Format::Ndjson {
            return Err(Error::new(Kind::Usage, "usage", "--watch is for a terminal, or for -o ndjson")
                .why("any other answer is whole when it ends, and this one does not end"));
        }
        cx.watches.store(true, Ordering::Relaxed);
        let began = Instant::now();
        loop {
            let now = cx.now + began.elapsed();
            if redraws {
                let at = now.with_timezone(&cx.ui.zone()).format("%H:%M:%S");
                cx.ui.redraw(message!("Every {}, {}; Ctrl-C ends it", duration(interval), at.to_string()))?;
            }
            show(now).await?;
            tokio::time::sleep(interval).await;
        }
    }
}

/// `2s`, `500ms`.
fn duration(interval: Duration) -> String {
    format!("{interval:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_a_unit_and_bounds() {
        assert_eq!(interval("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(interval("1h"), Ok(Duration::from_secs(3600)));
        for bad in
            ["", "2", "s", "0s", "99ms", "2h", "-1s", "1.5s", "2 s", "99999999999999999999s", "18446744073709551615h"]
        {
            assert!(interval(bad).is_err(), "{bad:?}");
        }
    }
}
