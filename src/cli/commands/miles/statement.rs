//! `miles statement`.

use std::io;

use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::ui::report::{Report, Row};
use crate::cli::ui::text::count_signed;
use crate::cli::ui::{Align, Cell, Column, Format, Page, RenderOptions, Tone};
use crate::directory::input::InputError;
use crate::directory::reference;
use crate::entity::types::Timestamp;
use crate::error::{Outcome, Result};
use crate::ledger::purchase::Unattributed;
use crate::ledger::statement;
use crate::ledger::statement::{Account, Source, Statement};
use crate::message::{Words, message};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam miles statement @pilot123
  skyteam miles statement @pilot123 --month 2026-10
  skyteam miles statement --airline delta --month 2026-10 -o md

The month is that of --tz. Of a month that is not over, the entries so far are shown, with a warning.";

/// Arguments of `miles statement`.
#[derive(clap::Args, Debug)]
pub(crate) struct MilesStatementArgs {
    /// User: @name, userId or username
    #[arg(required_unless_present = "airline", conflicts_with = "airline")]
    user: Option<String>,
    /// What this airline's flights paid and its products took in
    #[arg(long, value_name = "AIRLINE")]
    airline: Option<String>,
    /// Month; the current one, as far as it has come, unless given
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatementView {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    airline_id: Option<String>,
    name: String,
    month: String,
    from: Timestamp,
    until: Timestamp,
    /// Whether the month is over, so that the statement changes no more.
    complete: bool,
    #[serde(flatten)]
    statement: Statement,
}

impl Report for StatementView {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let made = &self.statement;
        let so_far = if self.complete { "" } else { " (so far)" };
        page.heading(&format!("{}, {}{so_far}", self.name, self.month))?;
        page.gap()?;
        let headings = [
            ("", Align::Left),
            ("entries", Align::Right),
            ("earned", Align::Right),
            ("spent", Align::Right),
            ("balance", Align::Right),
        ];
        let balance =
            |name: &str, miles: i64| vec![name.into(), Cell::empty(), Cell::empty(), Cell::empty(), look.number(miles)];
        let mut rows = vec![balance("opening", made.opening)];
        rows.extend(made.sources.iter().map(|source| {
            let miles = |miles: i64| if miles == 0 { Cell::empty() } else { look.signed(miles) };
            let name = match source.by_name {
                None | Some(0) => source.source.clone(),
                Some(some) => format!("{} ({} by name)", source.source, look.number(some).text),
            };
            vec![name.into(), look.number(source.entries), miles(source.earned), miles(source.spent), Cell::empty()]
        }));
        rows.push(balance("closing", made.closing));
        page.table(&headings, &rows)?;
        if let Some(Unattributed { entries, miles }) = made.unattributed.filter(|one| one.entries > 0) {
            let miles = count_signed(miles, "mile");
            page.gap()?;
            let line = message!("{}: {}, {} (of all airlines, in no sum above)", Words(UNATTRIBUTED), entries, miles);
            page.message(line, Tone::Dim)?;
        }
        Ok(())
    }
}

/// The line of purchases whose product, and so airline, is unknown.
const UNATTRIBUTED: &str = "purchases that name no product";

/// A line of the statement as a spreadsheet wants it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatementLine {
    line: String,
    entries: i64,
    earned: i64,
    spent: i64,
    balance: Option<i64>,
    by_name: Option<i64>,
}

impl Row for StatementLine {
    const COLUMNS: &'static [Column] = &[
        Column::text("line"),
        Column::number("entries"),
        Column::number("earned"),
        Column::number("spent"),
        Column::number("balance"),
        Column::number("byName"),
    ];

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "line" => self.line.as_str().into(),
            "entries" => look.number(self.entries),
            "earned" => look.number(self.earned),
            "spent" => look.number(self.spent),
            "balance" => self.balance.map_or_else(Cell::empty, |balance| look.number(balance)),
            _ => self.by_name.map_or_else(Cell::empty, |entries| look.number(entries)),
        }
    }
}

pub(super) async fn run(args: MilesStatementArgs, cx: &Context) -> Result<Outcome> {
    let zone = cx.ui.zone();
    let chosen = args.month.unwrap_or_else(|| cx.now.with_timezone(&zone).format("%Y-%m").to_string());
    let (from, until) = month(&chosen, zone)?;
    let database = cx.reader().await?;
    let (account, name) = match (&args.user, &args.airline) {
        (Some(reference), _) => {
            let user = reference::user(database.conn(), reference).await?;
            (Account::User(user.user_id), user.username)
        }
        (None, reference) => {
            let airline = reference::airline(database.conn(), reference.as_deref().unwrap_or_default()).await?;
            (Account::Airline(airline.airline_id), airline.name)
        }
    };
    let statement = statement::statement(database.conn(), &account, from, until).await?;
    let complete = until <= cx.now.into();
    if !complete {
        cx.ui.warn(message!("{} is not over: these are its entries so far.", &chosen));
    }
    if cx.ui.format() == Format::Csv {
        return spreadsheet(cx, &statement).await;
    }
    let (user_id, airline_id) = match account {
        Account::User(id) => (Some(id), None),
        Account::Airline(id) => (None, Some(id)),
    };
    cx.ui.report(&StatementView { user_id, airline_id, name, month: chosen, from, until, complete, statement })?;
    Ok(Outcome::Done)
}

async fn spreadsheet(cx: &Context, made: &Statement) -> Result<Outcome> {
    let balance = |line: &str, miles| StatementLine {
        line: line.to_owned(),
        entries: 0,
        earned: 0,
        spent: 0,
        balance: Some(miles),
        by_name: None,
    };
    let movements = made.sources.iter().map(|Source { source, entries, earned, spent, by_name }| StatementLine {
        line: source.clone(),
        entries: *entries,
        earned: *earned,
        spent: *spent,
        balance: None,
        by_name: *by_name,
    });
    let unattributed = made.unattributed.filter(|one| one.entries > 0).map(|one| StatementLine {
        line: UNATTRIBUTED.to_owned(),
        entries: one.entries,
        earned: 0,
        spent: -one.miles,
        balance: None,
        by_name: None,
    });
    let lines = [balance("opening", made.opening)]
        .into_iter()
        .chain(movements)
        .chain([balance("closing", made.closing)])
        .chain(unattributed);
    cx.ui
        .list(async |list| {
            for line in lines {
                list.push(&line)?;
            }
            Ok(())
        })
        .await?;
    Ok(Outcome::Done)
}

/// The first instants of a month and of the next, in `zone`.
fn month(text: &str, zone: Tz) -> Result<(Timestamp, Timestamp), InputError> {
    let wrong = || InputError::new("month", text, "a month as 2026-10");
    let first = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").map_err(|_| wrong())?;
    if text.len() != 7 || !(1..=9998).contains(&first.year()) {
        return Err(wrong());
    }
    let next = first.checked_add_months(Months::new(1)).ok_or_else(wrong)?;
    Ok((midnight(first, zone), midnight(next, zone)))
}

/// The first instant of a day, also where the clocks skip midnight.
fn midnight(day: NaiveDate, zone: Tz) -> Timestamp {
    let naive = NaiveDateTime::new(day, NaiveTime::MIN);
    let in_zone =
        (0..24).find_map(|hour| zone.from_local_datetime(&(naive + chrono::TimeDelta::hours(hour))).earliest());
    in_zone.map_or_else(|| Timestamp::new(naive), |at| at.to_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_that_of_the_zone() {
        let bounds = |text, zone| month(text, zone).map(|(from, until)| format!("{from} {until}"));
        assert_eq!(bounds("2026-10", Tz::UTC).unwrap(), "2026-10-01T00:00:00Z 2026-11-01T00:00:00Z");
        // The clocks go back in the middle of it.
        assert_eq!(bounds("2026-10", Tz::Europe__Amsterdam).unwrap(), "2026-09-30T22:00:00Z 2026-10-31T23:00:00Z");
        for wrong in ["2026-13", "2026-1", "26-10", "2026-10-01", "", "2026/10"] {
            assert!(month(wrong, Tz::UTC).is_err(), "{wrong}");
        }
    }
}
