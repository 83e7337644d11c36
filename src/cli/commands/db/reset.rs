//! `db reset`: drops what skyteam manages, and pushes again.

use std::io;

use serde::Serialize;

use super::planned::{self, PlanMode, RehearsalArgs, counted};
use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Page, Tone};
use crate::error::loss::by_step;
use crate::error::schema::lacking;
use crate::error::{Outcome, Result};
use crate::message::{Message, message};
use crate::schema::{self, Loss};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db reset
  skyteam db reset --confirm skyteam
  skyteam db reset --dry-run";

/// Arguments of `db reset`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbResetArgs {
    #[command(flatten)]
    rehearsal: RehearsalArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reset<'a> {
    database: &'a str,
    lost: Vec<&'a Loss>,
    steps: usize,
    dry_run: bool,
}

impl Report for Reset<'_> {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        for loss in &self.lost {
            page.message(message!("  {}", by_step(loss)), Tone::Plain)?;
        }
        let done = if self.dry_run { "would be done" } else { "done" };
        page.line(format!("{} {done}: {} is new and empty.", counted(self.steps), self.database))
    }
}

pub(super) async fn run(args: DbResetArgs, cx: &Context) -> Result<Outcome> {
    let desired = schema::desired()?;
    let database = cx.writer().await?;
    let manner = args.rehearsal.manner(cx, database.engine());
    let patience = planned::patience(cx);
    let prepared =
        schema::prepare_reset(&database, &desired, &patience, &mut |wait| planned::waiting(cx, &wait)).await?;
    planned::list_others(cx, &database, &desired, &prepared).await?;
    let name = database.name();
    if !prepared.missing.is_empty() {
        return Err(lacking(&prepared.live.rights.role, name, &prepared.missing));
    }
    let lost: Vec<&Loss> = prepared.plan.losses().collect();
    for loss in &lost {
        cx.ui.note(message!("  lost: {}", by_step(loss)));
    }
    let question = if lost.is_empty() {
        message!("{} holds no table of skyteam's.", name)
    } else {
        message!("Resetting {} loses {}.", name, Message::joined(lost.iter().copied().map(by_step), ", "))
    };
    manner.warn(cx, &prepared.pause);
    let ask = match manner {
        PlanMode::Rehearse => planned::rehearsal(cx, name),
        _ => Ask::loses(name, question),
    };
    let approval = cx.approve(ask).await?;
    let tell = &mut |event: schema::Event<'_>| planned::tell(cx, &event);
    if manner != PlanMode::Plan {
        schema::reset(&database, &desired, manner.options(cx), approval, tell).await?;
    }
    let steps = prepared.plan.steps.len();
    cx.ui.report(&Reset { database: name, lost, steps, dry_run: !manner.lasts() })?;
    manner.note(cx);
    Ok(Outcome::Done)
}
