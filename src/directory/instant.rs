//! Times as people type them, made into the one instant that they mean.
//!
//! A naive time is read in a zone. Twice a year a zone skips an hour and repeats another: a time in either is refused and the
//! answer gives the times that were perhaps meant, because a flight an hour off is worse than a question.

use std::fmt;

use chrono::{
    DateTime, Datelike, Days, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone, Utc,
};
use chrono_tz::{OffsetComponents, OffsetName, Tz};

use crate::input::InputError;

/// What is accepted, as an answer words it.
pub(crate) const ACCEPTED: &str = "RFC 3339 (2026-11-22T18:00:00Z), 2026-11-22, \"2026-11-22 18:00\", now, or a distance from now such as -2h or +3d (s, m, h, d, w)";

/// Reads a time.
///
/// Accepted are RFC 3339; `2026-11-22`, the first instant of that day in `zone`; `2026-11-22 18:00`, with seconds and a
/// fraction where given, a space or `T` between, in `zone`; `now`; and a signed distance from `now` in `s`, `m`, `h`, `d` (24
/// hours) or `w`. The result has microseconds, as the databases do, and lies in the years 1 to 9999.
///
/// # Errors
/// [`InputError`] for anything else, and for a naive time that `zone` skips or has twice.
pub fn parse(field: &'static str, value: &str, now: DateTime<Utc>, zone: Tz) -> Result<DateTime<Utc>, InputError> {
    let refuse = || InputError::new(field, value, ACCEPTED);
    let instant = match read(value).ok_or_else(refuse)? {
        Read::Instant(instant) => instant,
        Read::Distance(distance) => now.checked_add_signed(distance).ok_or_else(refuse)?,
        Read::Day(day) => first_instant(day, zone).ok_or_else(refuse)?,
        Read::Naive(naive) => resolve(naive, zone).map_err(|why| InputError::new(field, value, why.to_string()))?,
    };
    if !(1..=9999).contains(&instant.year()) {
        return Err(refuse());
    }
    Ok(microseconds(instant))
}

fn microseconds(instant: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(instant.timestamp_micros()).unwrap_or(instant)
}

enum Read {
    Instant(DateTime<Utc>),
    Distance(Duration),
    Day(NaiveDate),
    Naive(NaiveDateTime),
}

fn read(value: &str) -> Option<Read> {
    // Longer than any form: chrono would skip through a megabyte of white space.
    if value.len() > 64 || value.trim() != value {
        return None;
    }
    if value == "now" {
        return Some(Read::Distance(Duration::zero()));
    }
    if let Some(distance) = distance(value) {
        return Some(Read::Distance(distance));
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(value) {
        return Some(Read::Instant(instant.to_utc()));
    }
    if let Some(day) = date(value) {
        return Some(Read::Day(day));
    }
    let (day, time) = value.split_at_checked(10)?;
    let time = time.strip_prefix(['T', 't', ' '])?;
    let shape = time.starts_with(|c: char| c.is_ascii_digit());
    let time = shape
        .then(|| ["%H:%M", "%H:%M:%S%.f"].iter().find_map(|form| NaiveTime::parse_from_str(time, form).ok()))
        .flatten()?;
    Some(Read::Naive(date(day)?.and_time(time)))
}

/// `2026-11-22` and no looser form: chrono alone would take `2026-1-2` and a signed year.
pub(crate) fn date(value: &str) -> Option<NaiveDate> {
    written_as_date(value).then(|| NaiveDate::parse_from_str(value, "%Y-%m-%d").ok()).flatten()
}

/// Whether a text has the digits and dashes of `2026-11-26`, be it a day or not.
pub(crate) fn written_as_date(value: &str) -> bool {
    value.len() == 10
        && value.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() })
}

fn distance(value: &str) -> Option<Duration> {
    let (sign, rest) = match value.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (number, unit) = rest.split_at_checked(rest.len().checked_sub(1)?)?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = number.parse::<i64>().ok()? * sign;
    match unit {
        "s" => Duration::try_seconds(number),
        "m" => Duration::try_minutes(number),
        "h" => Duration::try_hours(number),
        "d" => Duration::try_days(number),
        "w" => Duration::try_weeks(number),
        _ => None,
    }
}

/// Why a naive time is no instant.
#[derive(Debug, PartialEq, Eq)]
enum Unclear {
    Skipped { zone: Tz, before: DateTime<Tz>, after: DateTime<Tz> },
    Twice { zone: Tz, first: DateTime<Tz>, second: DateTime<Tz> },
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped { zone, before, after } => write!(
                f,
                "{} or {}: {zone} has no such time, its clocks go forward over it",
                offset(before),
                offset(after)
            ),
            Self::Twice { zone, first, second } => write!(
                f,
                "{} ({}) or {} ({}): {zone} has this time twice, its clocks go back over it",
                offset(first),
                name(first),
                offset(second),
                name(second)
            ),
        }
    }
}

fn offset(time: &DateTime<Tz>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

fn name(time: &DateTime<Tz>) -> String {
    let offset = time.offset();
    let abbreviation = offset.abbreviation().unwrap_or("standard time");
    if offset.dst_offset().is_zero() { abbreviation.to_owned() } else { format!("{abbreviation}, summer time") }
}

fn resolve(naive: NaiveDateTime, zone: Tz) -> Result<DateTime<Utc>, Unclear> {
    match zone.from_local_datetime(&naive) {
        LocalResult::Single(time) => Ok(time.to_utc()),
        LocalResult::Ambiguous(first, second) => Err(Unclear::Twice { zone, first, second }),
        LocalResult::None => {
            // The offsets of the days around it are those on either side of the gap. Reading the time by the earlier one
            // gives what a clock would show that was not put forward; by the later one, what it showed before.
            let around = |days: Days, back: bool| {
                let day =
                    if back { naive.checked_sub_days(days) } else { naive.checked_add_days(days) }.unwrap_or(naive);
                let offset = zone.offset_from_utc_datetime(&day);
                let shift = chrono::Offset::fix(&offset).local_minus_utc();
                zone.from_utc_datetime(&(naive - Duration::seconds(i64::from(shift))))
            };
            Err(Unclear::Skipped { zone, before: around(Days::new(1), false), after: around(Days::new(1), true) })
        }
    }
}

/// The first instant of a day: midnight, or where clocks skip midnight what they show next.
pub(crate) fn first_instant(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    // No zone has ever skipped more than a day; quarters of an hour are the finest steps that zones take.
    (0..=96).find_map(|quarter| {
        let time = day.and_time(NaiveTime::MIN).checked_add_signed(Duration::minutes(15 * quarter))?;
        zone.from_local_datetime(&time).earliest().map(|t| t.to_utc())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn at(value: &str, zone: Tz) -> Result<String, String> {
        parse("--at", value, now(), zone)
            .map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            .map_err(|e| e.accepted.into_owned())
    }

    #[test]
    fn every_accepted_form() {
        let zone = Tz::Europe__Amsterdam;
        for (value, instant) in [
            ("2026-11-22T18:00:00Z", "2026-11-22T18:00:00Z"),
            ("2026-11-22T18:00:00.123456789+01:00", "2026-11-22T17:00:00.123456Z"),
            ("2026-11-22", "2026-11-21T23:00:00Z"),
            ("2026-11-22 18:00", "2026-11-22T17:00:00Z"),
            ("2026-11-22T18:00:30", "2026-11-22T17:00:30Z"),
            ("2026-07-01 18:00:30.5", "2026-07-01T16:00:30.500Z"),
            ("now", "2026-11-23T12:00:00Z"),
            ("-2h", "2026-11-23T10:00:00Z"),
            ("+3d", "2026-11-26T12:00:00Z"),
            ("+1w", "2026-11-30T12:00:00Z"),
            ("-90m", "2026-11-23T10:30:00Z"),
            ("-1s", "2026-11-23T11:59:59Z"),
        ] {
            assert_eq!(at(value, zone).as_deref(), Ok(instant), "{value}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("2026-11-22{}", " ".repeat(1 << 20));
        for value in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "2026-1-2",
            "+2026-01-01",
            "2026-11-22 25:00",
            "2026-11-22 18",
            "18:00",
            "-2",
            "2h",
            "+h",
            "+-2h",
            "+9999999999999999999d",
            "+9223372036854775807d",
            "+99999999w",
            "-99999999w",
            "NOW",
            " now",
            "２０２６-11-22",
            "2026-11-22 +8:00",
            "0000-01-01",
            "2026-11-22\n18:00",
            "2026-11-22\0",
            "'; DROP",
            &long,
        ] {
            assert!(at(value, Tz::UTC).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_skipped_hour_is_told_with_the_times_around_it() {
        let told = at("2026-03-29 02:30", Tz::Europe__Amsterdam).unwrap_err();
        assert_eq!(
            told,
            "2026-03-29T01:30:00+01:00 or 2026-03-29T03:30:00+02:00: Europe/Amsterdam has no such time, its clocks go forward over it"
        );
    }

    #[test]
    fn a_repeated_hour_is_told_with_both_its_instants() {
        let told = at("2026-11-01 01:30", Tz::America__New_York).unwrap_err();
        assert_eq!(
            told,
            "2026-11-01T01:30:00-04:00 (EDT, summer time) or 2026-11-01T01:30:00-05:00 (EST): America/New_York has this time twice, its clocks go back over it"
        );
        assert_eq!(at("2026-11-01T01:30:00-05:00", Tz::America__New_York).as_deref(), Ok("2026-11-01T06:30:00Z"));
    }

    #[test]
    fn a_day_begins_even_where_its_midnight_is_skipped() {
        assert_eq!(at("2018-11-04", Tz::America__Sao_Paulo).as_deref(), Ok("2018-11-04T03:00:00Z"));
        assert_eq!(at("2026-11-01", Tz::America__Havana).as_deref(), Ok("2026-11-01T04:00:00Z"));
        // Samoa went over the date line and had no such day.
        assert_eq!(at("2011-12-30", Tz::Pacific__Apia).as_deref(), Ok("2011-12-30T10:00:00Z"));
    }
}
