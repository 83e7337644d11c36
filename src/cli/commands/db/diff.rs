//! `db diff`: the plan that `db push` would run, printed.

use std::io;

use super::planned::{self, PlanArgs, Planned, counted};
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Format, Page, text};
use crate::db::quote;
use crate::error::{Outcome, Result};
use crate::message::message;
use crate::schema::{self, Kept};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db diff
  skyteam db diff --exit-code -o json
  skyteam db diff -o sql | skyteam db shell";

/// Arguments of `db diff`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbDiffArgs {
    /// Exit with 3 when there is a difference
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    plan: PlanArgs,
}

impl Report for Planned<'_> {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.steps.is_empty() {
            return page.line("No difference: the database is what the entities ask for.");
        }
        planned::draw(page, self.steps)?;
        page.gap()?;
        page.line(format!("{} to what the entities ask for.", counted(self.steps.len())))
    }
}

pub(super) async fn run(args: DbDiffArgs, cx: &Context) -> Result<Outcome> {
    let request = args.plan.request()?;
    let desired = schema::desired()?;
    let database = cx.reader().await?;
    let patience = planned::patience(cx);
    let prepared =
        schema::prepare(&database, &desired, &request, &patience, &mut |wait| planned::waiting(cx, &wait)).await?;
    let others = schema::live::others(database.conn(), &desired).await?;
    planned::list(cx, &others, &prepared);

    let plan = &prepared.plan;
    match cx.ui.format() {
        Format::Sql if plan.is_empty() => {}
        Format::Sql => cx.ui.raw(plan.script())?,
        _ => cx.ui.check(&Planned::new(&prepared, &others), plan.is_empty())?,
    }
    for finding in &prepared.findings {
        let rows = text::count(finding.rows, "row");
        cx.ui.warn(message!("{}: {} of {} {}", &finding.change, &rows, &finding.table, &finding.problem));
        cx.ui.note(message!("  {}", &finding.query));
    }
    if let Some(note) = planned::unknown(&prepared.live.unknown) {
        cx.ui.note(note);
    }
    for each in &prepared.dependents {
        cx.ui.warn(message!("{} depends on {}, so that a push is refused", &each.object, &each.on));
        if let Some(way) = &each.way_out {
            cx.ui.note(message!("  {}", way));
        }
    }
    for kept in &plan.kept {
        if let Kept::Collation { table, column, collation, kind } = kept {
            cx.ui.note(message!("{}.{} has the collation {}, which is kept; to end that:", table, column, collation));
            let (table, column) = (quote(table), quote(column));
            cx.ui.note(message!("  ALTER TABLE {} ALTER COLUMN {} TYPE {} COLLATE \"default\"", table, column, kind));
        }
    }
    for suspect in &plan.suspects {
        let (table, from, to) = (&suspect.table, &suspect.from, &suspect.to);
        cx.ui.warn(message!("{}.{} may have become {}.{}: --rename {}.{}={}", table, from, table, to, table, from, to));
    }
    Ok(if args.exit_code && !plan.is_empty() { Outcome::Found } else { Outcome::Done })
}
