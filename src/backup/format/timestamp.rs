//! Timestamps as the archive stores them, and as text in the form both engines share.
//!
//! The archive counts microseconds since 1970. PostgreSQL's years go from 4714 BC to 294276, further than the `chrono`
//! crate and, by thirty years at the far end, further than that count: the last of them wrap around, which is
//! reversible. Two of them would become the infinities; these the archive cannot hold.

/// `infinity` in the archive.
pub(crate) const INFINITY: i64 = i64::MAX;
/// `-infinity` in the archive.
pub(crate) const MINUS_INFINITY: i64 = i64::MIN;
/// Microseconds from 1970-01-01, where the archive starts to count, to 2000-01-01, where PostgreSQL does.
const EPOCH_SHIFT: i64 = 946_684_800_000_000;
const DAY: i64 = 86_400_000_000;

/// The two times, as PostgreSQL writes them, that the archive would take for the infinities.
pub(crate) const NOT_HELD: [&str; 2] = ["294247-01-10 04:00:54.775807", "294247-01-10 04:00:54.775808"];

/// From PostgreSQL's binary form; `None` for the two of [`NOT_HELD`].
pub(crate) fn from_postgres(micros: i64) -> Option<i64> {
    match micros {
        i64::MAX => Some(INFINITY),
        i64::MIN => Some(MINUS_INFINITY),
        finite => Some(finite.wrapping_add(EPOCH_SHIFT)).filter(|stored| !matches!(*stored, INFINITY | MINUS_INFINITY)),
    }
}

/// To PostgreSQL's binary form.
pub(crate) fn to_postgres(micros: i64) -> i64 {
    match micros {
        INFINITY => i64::MAX,
        MINUS_INFINITY => i64::MIN,
        finite => finite.wrapping_sub(EPOCH_SHIFT),
    }
}

/// Writes the canonical text: `2025-01-05 10:30:00.123456`, trailing zeros of the fraction trimmed, ` BC` before
/// year 1, as PostgreSQL prints it under `DateStyle` ISO.
pub(crate) fn write_text(micros: i64, out: &mut Vec<u8>) {
    match micros {
        INFINITY => return out.extend_from_slice(b"infinity"),
        MINUS_INFINITY => return out.extend_from_slice(b"-infinity"),
        _ => {}
    }
    // From 2000 the whole range fits, as it does in PostgreSQL.
    let since_2000 = micros.wrapping_sub(EPOCH_SHIFT);
    let (days, in_day) = (since_2000.div_euclid(DAY), since_2000.rem_euclid(DAY));
    let (year, month, day) = civil(days + 10_957);
    write_date(year, month, day, out);
    out.push(b' ');
    let (seconds, fraction) = ((in_day / 1_000_000) as u64, (in_day % 1_000_000) as u64);
    digits(seconds / 3600, 2, out);
    out.push(b':');
    digits(seconds / 60 % 60, 2, out);
    out.push(b':');
    digits(seconds % 60, 2, out);
    if fraction != 0 {
        out.push(b'.');
        digits(fraction, 6, out);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    if year <= 0 {
        out.extend_from_slice(b" BC");
    }
}

/// Reads the canonical text and nothing else: `None` means that the text would not come back byte for byte.
pub(crate) fn read_text(text: &[u8]) -> Option<i64> {
    let micros = read_common(text).or_else(|| read_rare(text))?;
    Some(micros)
}

/// Reads the canonical text, and the forms of ISO 8601 that other programs may have stored in an SQLite file: with a
/// `T`, a zone, or any number of digits in the fraction.
pub(crate) fn parse_loosely(text: &str) -> Option<i64> {
    read_text(text.as_bytes()).or_else(|| {
        let parsed: crate::entity::types::Timestamp = text.trim().parse().ok()?;
        Some(parsed.0.and_utc().timestamp_micros())
    })
}

/// Reads a date as PostgreSQL writes it, `2025-01-05` or `0044-03-15 BC`: days since 1970. `None` means that the text would
/// not come back byte for byte.
pub(crate) fn read_date(text: &[u8]) -> Option<i64> {
    let (body, before_christ) = match text.strip_suffix(b" BC") {
        Some(body) => (body, true),
        None => (text, false),
    };
    let (year, rest) = body.split_at_checked(body.iter().position(|&b| b == b'-')?)?;
    let [b'-', m1, m2, b'-', d1, d2] = rest else { return None };
    if !(4..=7).contains(&year.len()) {
        return None;
    }
    let shown = number(year)?;
    let (year, month, day) =
        (if before_christ { 1 - shown } else { shown }, number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    if !(1..=12).contains(&month) || !(1..=month_length(year, month)).contains(&day) {
        return None;
    }
    let days = days_from_civil(year, month, day);
    (date_text(days) == text).then_some(days)
}

/// The text of [`read_date`].
pub(crate) fn date_text(days: i64) -> Vec<u8> {
    let (year, month, day) = civil(days);
    let mut out = Vec::with_capacity(16);
    write_date(year, month, day, &mut out);
    if year <= 0 {
        out.extend_from_slice(b" BC");
    }
    out
}

/// The numbers of a date, without the era that its year is in.
fn write_date(year: i64, month: i64, day: i64, out: &mut Vec<u8>) {
    let shown = if year > 0 { year } else { 1 - year };
    digits(shown as u64, 4, out);
    out.push(b'-');
    digits(month as u64, 2, out);
    out.push(b'-');
    digits(day as u64, 2, out);
}

/// `YYYY-MM-DD HH:MM:SS[.f…]` of years 0001 to 9999.
fn read_common(text: &[u8]) -> Option<i64> {
    let (head, tail) = text.split_at_checked(19)?;
    let [y, m, d, hour, minute, second] = [
        number(&head[0..4])?,
        number(&head[5..7])?,
        number(&head[8..10])?,
        number(&head[11..13])?,
        number(&head[14..16])?,
        number(&head[17..19])?,
    ];
    let marks = [head[4], head[7], head[10], head[13], head[16]];
    let in_range = y >= 1 && (1..=12).contains(&m) && d >= 1 && d <= month_length(y, m);
    if marks != *b"-- ::" || !in_range || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = match tail {
        [] => 0,
        // A trailing zero would have been trimmed.
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) && digits.last() != Some(&b'0') => {
            number(digits)? * 10_i64.pow(6 - digits.len() as u32)
        }
        _ => return None,
    };
    let days = days_from_civil(y, m, d);
    Some(((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + fraction)
}

/// Infinity, years beyond 9999 and years before 1: found by writing what was read and comparing.
fn read_rare(text: &[u8]) -> Option<i64> {
    match text {
        b"infinity" => return Some(INFINITY),
        b"-infinity" => return Some(MINUS_INFINITY),
        _ => {}
    }
    let (body, before_christ) = match text.strip_suffix(b" BC") {
        Some(body) => (body, true),
        None => (text, false),
    };
    let dash = body.iter().position(|&b| b == b'-')?;
    if !(4..=6).contains(&dash) {
        return None;
    }
    let shown = number(&body[..dash])?;
    let year = if before_christ { 1 - shown } else { shown };
    if !(-4_713..=294_276).contains(&year) {
        return None;
    }
    // Read the rest in a year of the same leapness, then put it where it belongs.
    let stand_in = 2000 + year.rem_euclid(400);
    let mut common = format!("{stand_in:04}").into_bytes();
    common.extend_from_slice(&body[dash..]);
    let since_1970 = read_common(&common)?;
    let micros = since_1970.wrapping_add((year - stand_in).wrapping_div(400).wrapping_mul(146_097 * DAY));
    let mut again = Vec::with_capacity(text.len());
    write_text(micros, &mut again);
    (again == text).then_some(micros)
}

fn number(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0_i64, |sum, &b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

fn digits(value: u64, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = value;
    while rest > 0 || out.len() - start < width {
        out.push(b'0' + (rest % 10) as u8);
        rest /= 10;
    }
    out[start..].reverse();
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 of a date of the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
/// algorithms"), year 0 being 1 BC.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * of_era + of_era / 4 - of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(micros: i64) -> String {
        let mut out = Vec::new();
        write_text(micros, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// The pairs are what PostgreSQL 15 answers to `extract(epoch from t)` and `t::text`.
    #[test]
    fn text_and_count_are_inverse() {
        for (micros, wanted) in [
            (0, "1970-01-01 00:00:00"),
            (1_736_073_000_123_456, "2025-01-05 10:30:00.123456"),
            (1_736_073_000_120_000, "2025-01-05 10:30:00.12"),
            (-1, "1969-12-31 23:59:59.999999"),
            (951_782_400_000_000, "2000-02-29 00:00:00"),
            (-62_135_596_800_000_000, "0001-01-01 00:00:00"),
            (-62_135_596_800_000_001, "0001-12-31 23:59:59.999999 BC"),
            (-210_866_803_200_000_000, "4714-11-24 00:00:00 BC"),
            (253_402_300_800_000_000, "10000-01-01 00:00:00"),
            (INFINITY, "infinity"),
            (MINUS_INFINITY, "-infinity"),
        ] {
            assert_eq!(text(micros), wanted);
            assert_eq!(read_text(wanted.as_bytes()), Some(micros), "{wanted}");
        }
        // The last microsecond of PostgreSQL's range, beyond the archive's count: it wraps and comes back.
        let last = from_postgres(9_223_371_331_199_999_999).unwrap();
        assert_eq!(text(last), "294276-12-31 23:59:59.999999");
        assert_eq!(read_text(text(last).as_bytes()), Some(last));
        assert_eq!(to_postgres(last), 9_223_371_331_199_999_999);
    }

    #[test]
    fn no_finite_time_becomes_infinite() {
        let first = i64::MAX - EPOCH_SHIFT;
        assert_eq!([first, first + 1].map(from_postgres), [None, None]);
        assert_eq!(text(from_postgres(first - 1).unwrap()), "294247-01-10 04:00:54.775806");
        assert_eq!(text(from_postgres(first + 2).unwrap()), "294247-01-10 04:00:54.775809");
        // As text of SQLite they are kept as they are.
        assert_eq!(NOT_HELD.map(|time| read_text(time.as_bytes())), [None, None]);
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        for other in [
            "2025-01-05T10:30:00Z",
            "2025-01-05 10:30:00.100000",
            "2025-01-05 10:30:00.",
            "2025-01-05 10:30:00.1234567",
            "2025-02-29 00:00:00",
            "2025-13-01 00:00:00",
            "2025-01-05 24:00:00",
            "2025-01-05",
            "12025-01-05 10:30:0",
            "02025-01-05 10:30:00",
            "2025-01-05 10:30:00 BC ",
            "0000-01-01 00:00:00",
            "now",
            "",
        ] {
            assert_eq!(read_text(other.as_bytes()), None, "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_count_survives(micros in -211_813_488_000_000_000_i64..9_223_371_331_200_000_000_i64) {
            let Some(stored) = from_postgres(micros) else { return Ok(()) };
            proptest::prop_assert_eq!(read_text(text(stored).as_bytes()), Some(stored));
            proptest::prop_assert_eq!(to_postgres(stored), micros);
        }
    }
}
