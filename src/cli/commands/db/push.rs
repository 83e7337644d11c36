//! `db push`: makes the live database what the entities ask for.

use std::io;

use serde::Serialize;

use super::online::{self, OnlineView};
use super::planned::{self, LiveArgs, PlanArgs, PlanMode, counted};
use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::settings::ProfileKind;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::db::Database;
use crate::error::loss::by_step;
use crate::error::schema::{data_breaks, lacking, possible_rename, renames};
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{Message, message, skyteam};
use crate::schema::online::OnlinePush;
use crate::schema::{self, Applied, Prepared, Request, SchemaError, Step, Wait};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db push
  skyteam db push --dry-run
  skyteam db push --online             # beside live traffic
  skyteam db push --rename users.nick=displayName
  skyteam db push --confirm skyteam    # drops what no entity names any more";

/// Arguments of `db push`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbPushArgs {
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    live: LiveArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pushed<'a> {
    database: &'a str,
    steps: &'a [Step],
    /// Migrations that are newly on the record: the schema equals them.
    recorded: Vec<String>,
    dry_run: bool,
    /// Whether the steps were printed already, one by one, or are not to be.
    #[serde(skip)]
    brief: bool,
}

impl Report for Pushed<'_> {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.steps.is_empty() {
            return page.line(format!("Nothing to do: {} is what the entities ask for.", self.database));
        }
        for step in self.steps.iter().filter(|_| !self.brief) {
            page.line(format!("  {}", step.what))?;
        }
        let done = if self.dry_run { "would be done" } else { "done" };
        page.line(format!("{} {done}: {} is what the entities ask for.", counted(self.steps.len()), self.database))
    }
}

/// How often a plan without a question is made again, because another session was faster.
const AGAIN: usize = 10;

pub(super) async fn run(args: DbPushArgs, cx: &Context) -> Result<Outcome> {
    let request = args.plan.request()?;
    if args.live.online {
        return run_online(&request, cx).await;
    }
    let database = args.live.rehearsal.creator(cx).await?;
    let manner = args.live.rehearsal.manner(cx, database.engine());
    let mut left = AGAIN;
    loop {
        match push(cx, &database, &request, manner).await? {
            Pushing::Done => break,
            Pushing::Overtaken if left > 0 => left -= 1,
            Pushing::Overtaken => return Err(SchemaError::Changed.into()),
        }
    }
    manner.note(cx);
    Ok(Outcome::Done)
}

enum Pushing {
    Done,
    /// The schema had changed by the time the plan was to run, and there had been no question about the plan.
    Overtaken,
}

async fn run_online(request: &Request, cx: &Context) -> Result<Outcome> {
    // Before an SQLite file is made.
    online::only_on_postgres(cx.url()?.engine(), "db push")?;
    let database = cx.creator().await?;
    let mut left = AGAIN;
    loop {
        match push_online(cx, &database, request).await? {
            Pushing::Done => return Ok(Outcome::Done),
            Pushing::Overtaken if left > 0 => left -= 1,
            Pushing::Overtaken => return Err(SchemaError::Changed.into()),
        }
    }
}

/// Makes a plan and runs it in steps that let others work.
async fn push_online(cx: &Context, database: &Database, request: &Request) -> Result<Pushing> {
    let desired = schema::desired()?;
    let policy = planned::patience(cx);
    let wait = &mut |wait: Wait<'_>| planned::waiting(cx, &wait);
    let prepared = schema::prepare(database, &desired, request, &policy, wait).await?;
    planned::list_others(cx, database, &desired, &prepared).await?;
    let (name, dry_run) = (database.name(), cx.answers.dry_run);
    let mut steps = prepared.plan.steps.as_slice();
    let mut recorded = Vec::new();
    if !prepared.in_sync() || !prepared.leftovers.is_empty() {
        if !prepared.missing.is_empty() {
            return Err(lacking(&prepared.live.rights.role, name, &prepared.missing));
        }
        stop_at_renames(cx, &prepared, name).await?;
        stop_at_dependents(&prepared)?;
        let refused = schema::online::refused(&prepared.plan);
        if !refused.is_empty() {
            return Err(SchemaError::Online(refused).into());
        }
        if !prepared.findings.is_empty() {
            return Err(data_breaks(&prepared.findings));
        }
        if !dry_run {
            let asked = cx.settings.kind.value == ProfileKind::Production && !steps.is_empty();
            let ask = if asked {
                planned::preview(cx, steps);
                Ask::changes(message!(
                    "Run {} on {} online, so that others can go on working?",
                    counted(steps.len()),
                    &name
                ))
            } else {
                Ask::adds()
            };
            let approval = cx.approve(ask).await?;
            let mut view = OnlineView::new(cx);
            let tell = &mut |event: schema::Event<'_>| view.show(&event);
            let approved = &prepared.plan;
            let push = OnlinePush { desired: &desired, request, approved, policy, migrations: None };
            match schema::online::run(database, &push, approval, tell).await {
                Ok(Applied::Done(versions)) => recorded = versions,
                Ok(Applied::Nothing(versions)) => (steps, recorded) = (&[], versions),
                Ok(Applied::Rehearsed) => {}
                Err(SchemaError::Changed) if !asked => return Ok(Pushing::Overtaken),
                Err(error) => return Err(error.into()),
            }
        }
    }
    let brief = !dry_run || cx.ui.is_quiet();
    cx.ui.report(&Pushed { database: name, steps, recorded, dry_run, brief })?;
    if dry_run {
        cx.ui.note("Dry run: nothing was changed.");
    }
    Ok(Pushing::Done)
}

/// Makes a plan and runs it.
async fn push(cx: &Context, database: &Database, request: &Request, manner: PlanMode) -> Result<Pushing> {
    let desired = schema::desired()?;
    let patience = planned::patience(cx);
    let prepared =
        schema::prepare(database, &desired, request, &patience, &mut |wait| planned::waiting(cx, &wait)).await?;
    planned::list_others(cx, database, &desired, &prepared).await?;

    let name = database.name();
    let mut steps = prepared.plan.steps.as_slice();
    let mut recorded = Vec::new();
    let mut previewed = false;
    if !prepared.in_sync() {
        if !prepared.missing.is_empty() {
            return Err(lacking(&prepared.live.rights.role, name, &prepared.missing));
        }
        // Before the data: what looks like an empty new column may be an old one under a new name.
        stop_at_renames(cx, &prepared, name).await?;
        stop_at_dependents(&prepared)?;
        if !prepared.findings.is_empty() {
            return Err(data_breaks(&prepared.findings));
        }
        manner.warn(cx, &prepared.pause);
        let ask = ask(cx, &prepared, name, manner);
        previewed = ask.is_some();
        let approval = cx.approve(ask.unwrap_or_else(Ask::adds)).await?;
        let tell = &mut |event: schema::Event<'_>| planned::tell(cx, &event);
        let asked = previewed || !prepared.plan.suspects.is_empty();
        let applied = match manner {
            PlanMode::Plan => Ok(Applied::Rehearsed),
            _ => {
                let options = manner.options(cx);
                schema::apply(database, &desired, request, &prepared.plan, options, approval, tell).await
            }
        };
        match applied {
            Ok(Applied::Done(versions)) => recorded = versions,
            Ok(Applied::Rehearsed) => {}
            Ok(Applied::Nothing(versions)) => (steps, recorded) = (&[], versions),
            Err(SchemaError::Changed) if !asked => return Ok(Pushing::Overtaken),
            Err(error) => return Err(error.into()),
        }
    }
    // Under -v each was printed as it began.
    let brief = previewed || cx.ui.is_quiet() || cx.ui.verbosity() > 0 && manner != PlanMode::Plan;
    cx.ui.report(&Pushed { database: name, steps, recorded, dry_run: !manner.lasts(), brief })?;
    Ok(Pushing::Done)
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
        cx.ui.warn(message!("{}.{} would go and {}.{} come; if that is a rename, say so:", table, from, table, to));
        cx.ui.note(message!("  {}", skyteam("db push").also(renames(table, from, to))));
    }
    if cx.ui.ask_yes("Drop them and lose their values?").await? {
        return Ok(());
    }
    Err(Error::new(Kind::Unconfirmed, "declined", "nothing was changed: the answer was no"))
}

/// What others have made of a column is not dropped along with it, whatever was confirmed.
fn stop_at_dependents(prepared: &Prepared) -> Result<()> {
    match prepared.dependents.as_slice() {
        [] => Ok(()),
        dependents => Err(SchemaError::Depended(dependents.to_vec()).into()),
    }
}

/// What is to be asked, after the steps were shown; nothing where a push only adds.
fn ask(cx: &Context, prepared: &Prepared, name: &str, manner: PlanMode) -> Option<Ask> {
    let plan = &prepared.plan;
    let steps = counted(plan.steps.len());
    let loses = plan.loses_data() && manner != PlanMode::Rehearse;
    if !loses && (cx.settings.kind.value != ProfileKind::Production || plan.is_empty()) {
        return None;
    }
    planned::preview(cx, &plan.steps);
    Some(if loses {
        let losses = Message::joined(plan.losses().map(by_step), ", ");
        Ask::loses(name, message!("{} on {} would lose {}.", steps, name, losses))
    } else {
        match planned::stops(&prepared.pause) {
            Some(stops) => Ask::changes(message!("Run {} on {}? Meanwhile {}.", steps, name, stops)),
            None => Ask::changes(message!("Run {} on {}?", &steps, &name)),
        }
    })
}
