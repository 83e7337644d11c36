//! Findings as metrics in Prometheus's text format 0.0.4, for the textfile collector of node_exporter.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::{Check, Level, backups};

/// Metrics of one number each: name, what it is, and the check that measures it.
const MEASURED: [(&str, &str, (&str, &str)); 4] = [
    ("skyteam_negative_balances", "Users with less than no miles.", ("data", "negative balances")),
    (
        "skyteam_balance_mismatches",
        "Users whose balance is not the sum of their ledger entries.",
        ("data", "balance against ledger"),
    ),
    ("skyteam_schema_drift", "Differences between the live schema and its version.", ("schema", "drift")),
    ("skyteam_migrations_pending", "Migrations that were not run yet.", ("schema", "versions")),
];

/// All metrics. What could not be measured is left out, as Prometheus wants it, and not 0.
pub(super) fn exposition(checks: &[Check], now: DateTime<Utc>) -> String {
    let mut text = String::new();
    let connected = !checks.iter().any(|check| check.area == "server" && check.name == "connection");
    gauge(&mut text, "skyteam_up", "Whether the database answered.", &[("", i64::from(connected))]);
    let levels = [Level::Error, Level::Warning, Level::Ok].map(|level| {
        let count = checks.iter().filter(|check| check.level == level).count();
        (format!("{{level=\"{}\"}}", level.name()), i64::try_from(count).unwrap_or(i64::MAX))
    });
    gauge(&mut text, "skyteam_doctor_findings", "Checks of the doctor by their outcome.", &levels);
    let wrong: Vec<(String, i64)> = wrong(checks);
    gauge(&mut text, "skyteam_doctor_finding", "What is wrong, and how many times it was found.", &wrong);
    let measured = |(area, name): (&str, &str)| {
        checks.iter().find(|check| check.area == area && check.name == name).and_then(|check| check.measured)
    };
    for (metric, help, check) in MEASURED {
        gauge(&mut text, metric, help, measured(check).map(|value| ("", value)).as_slice());
    }
    for (name, metric, which) in [
        (backups::MADE, "skyteam_backup_last", "newest whole backup"),
        (backups::NAME, "skyteam_backup_last_proved", "newest backup that was proved by a restore"),
    ] {
        let Some(second) = measured(("backups", name)) else { continue };
        let help = format!("When the {which} was made, in seconds since 1970.");
        gauge(&mut text, &format!("{metric}_timestamp_seconds"), &help, &[("", second)]);
        let help = format!("Age of the {which} when this was written.");
        gauge(&mut text, &format!("{metric}_age_seconds"), &help, &[("", now.timestamp() - second)]);
    }
    let help = "When this was written, in seconds since 1970.";
    gauge(&mut text, "skyteam_doctor_timestamp_seconds", help, &[("", now.timestamp())]);
    text
}

/// Findings that are not fine, by level, area and name.
fn wrong(checks: &[Check]) -> Vec<(String, i64)> {
    let mut found: Vec<(String, i64)> = Vec::new();
    for check in checks.iter().filter(|check| check.level != Level::Ok) {
        let labels = format!(
            "{{level=\"{}\",area=\"{}\",name=\"{}\"}}",
            check.level.name(),
            escaped(check.area),
            escaped(check.name)
        );
        // A series occurs once.
        match found.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, count)) => *count += 1,
            None => found.push((labels, 1)),
        }
    }
    found
}

fn gauge<L: AsRef<str>>(text: &mut String, name: &str, help: &str, samples: &[(L, i64)]) {
    if samples.is_empty() {
        return;
    }
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (labels, value) in samples {
        let _ = writeln!(text, "{name}{} {value}", labels.as_ref());
    }
}

/// A label's value, which lies between quotes on one line.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_each_series_occurs_once() {
        let checks = [
            Check::error("da\"ta\\", "two\nlines", "x", "y"),
            Check::error("da\"ta\\", "two\nlines", "z", "y"),
            Check::ok("schema", "versions", "x").measuring(0),
        ];
        let text = exposition(&checks, DateTime::UNIX_EPOCH);
        let line = r#"skyteam_doctor_finding{level="error",area="da\"ta\\",name="two\nlines"} 2"#;
        assert!(text.lines().any(|one| one == line), "{text}");
        assert!(text.contains("skyteam_migrations_pending 0\n") && !text.contains("skyteam_negative"), "{text}");
        assert!(text.contains("skyteam_up 1\n"), "{text}");
    }
}
