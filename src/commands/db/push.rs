//! `db push`: makes the live database what the entities ask for.

use std::io;

use serde::Serialize;

use super::planned::{self, PlanArgs, counted};
use crate::approval::Ask;
use crate::context::Context;
use crate::error::schema::{data_breaks, lacking, possible_rename, renames};
use crate::error::{Error, Kind, Outcome, Result};
use crate::report::Report;
use crate::schema::{self, Applied, Prepared, Step};
use crate::settings::ProfileKind;
use crate::ui::Page;

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db push
  skyteam db push --dry-run
  skyteam db push --rename users.nick=displayName
  skyteam db push --confirm skyteam    drops what no entity names any more";

/// Arguments of `db push`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    plan: PlanArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pushed<'a> {
    database: &'a str,
    steps: &'a [Step],
    /// Migrations that are newly on the record: the schema equals them.
    recorded: Vec<String>,
    dry_run: bool,
}

impl Report for Pushed<'_> {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.steps.is_empty() {
            return page.line(format!("Nothing to do: {} is what the entities ask for.", self.database));
        }
        for step in self.steps {
            page.line(format!("  {}", step.what))?;
        }
        let done = if self.dry_run { "would be done" } else { "done" };
        page.line(format!("{} {done}: {} is what the entities ask for.", counted(self.steps.len()), self.database))
    }
}

pub(super) async fn run(args: Args, cx: &Context) -> Result<Outcome> {
    let request = args.plan.request()?;
    let desired = schema::desired();
    let database = cx.creator().await?;
    let patience = planned::patience(cx);
    let prepared =
        schema::prepare(&database, &desired, &request, &patience, &mut |wait| planned::waiting(cx, &wait)).await?;
    planned::list_others(cx, &prepared);

    let name = database.name();
    let mut steps = prepared.plan.steps.as_slice();
    let mut recorded = Vec::new();
    if !prepared.in_sync() {
        if !prepared.missing.is_empty() {
            return Err(lacking(&prepared.live.rights.role, name, &prepared.missing));
        }
        // Before the data: what looks like an empty new column may be an old one under a new name.
        stop_at_renames(cx, &prepared, name).await?;
        if !prepared.findings.is_empty() {
            return Err(data_breaks(&prepared.findings));
        }
        let approval = cx.approve(ask(cx, &prepared, name)).await?;
        let manner = planned::manner(cx);
        let tell = &mut |event: schema::Event<'_>| planned::tell(cx, &event);
        match schema::apply(&database, &desired, &request, &prepared.plan, manner, approval, tell).await? {
            Applied::Done(versions) => recorded = versions,
            Applied::Rehearsed => {}
            Applied::Nothing(versions) => (steps, recorded) = (&[], versions),
        }
    }
    cx.ui.report(&Pushed { database: name, steps, recorded, dry_run: cx.answers.dry_run })?;
    if cx.answers.dry_run {
        cx.ui.note("Dry run: rolled back, nothing was changed.");
    }
    Ok(Outcome::Done)
}

/// A column that goes while one of its type comes is never taken for a rename, nor silently dropped.
async fn stop_at_renames(cx: &Context, prepared: &Prepared, name: &str) -> Result<()> {
    let suspects = &prepared.plan.suspects;
    if suspects.is_empty() || cx.answers.confirm.is_some() {
        return Ok(());
    }
    if !cx.ui.is_interactive() {
        return Err(possible_rename(suspects, name));
    }
    for suspect in suspects {
        let (table, from, to) = (&suspect.table, &suspect.from, &suspect.to);
        cx.ui.warn(format!("{table}.{from} would go and {table}.{to} come; if that is a rename, say so:"));
        cx.ui.note(format!("  skyteam db push {}", renames(table, from, to)));
    }
    if cx.ui.ask_yes("Drop them and lose their values?").await? {
        return Ok(());
    }
    Err(Error::new(Kind::Unconfirmed, "declined", "nothing was changed: the answer was no"))
}

fn ask(cx: &Context, prepared: &Prepared, name: &str) -> Ask {
    let plan = &prepared.plan;
    let steps = counted(plan.steps.len());
    if plan.loses_data() {
        planned::preview(cx, &plan.steps);
        let losses: Vec<String> = plan.losses().map(ToString::to_string).collect();
        return Ask::loses(name, format!("{steps} on {name} would lose {}.", losses.join(", ")));
    }
    if cx.settings.kind.value == ProfileKind::Production && !plan.is_empty() {
        planned::preview(cx, &plan.steps);
        return Ask::changes(format!("Run {steps} on {name}?"));
    }
    Ask::adds()
}
