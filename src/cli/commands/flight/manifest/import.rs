//! `flight manifest import`.

use std::io;

use serde::Serialize;

use super::plan::{Fate, Plan, columns, miles};
use crate::cli::commands::records::InputArgs;
use crate::cli::commands::{args, award_guard, change, records};
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::text::{count, count_signed};
use crate::cli::ui::{Page, Tone};
use crate::db::{Transaction, retry};
use crate::directory::flight::{Flight, FlightError, manifest};
use crate::directory::input::{InputError, Text};
use crate::directory::reference;
use crate::directory::reference::MeantFlight;
use crate::entity::types::Id;
use crate::error::{Error, Kind, Outcome, Result};
use crate::ledger::award_guard::{Award, AwardGuard};
use crate::ledger::flight_award::{Boarded, Boarding};
use crate::ledger::key::fresh_id;
use crate::ledger::{Entry, MilesError};
use crate::message::{Command, Message, Words, message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam flight manifest import DL123 passengers.csv --miles 500 --dry-run
  skyteam flight manifest import 6e1fcd70 - --create-missing < passengers.ndjson

The file is CSV with a header, or one JSON object a line. Columns: userId, username, or user (either of
them), miles, and for accounts that are made displayName.";

/// How many bad lines an error names.
const NAMED: usize = 10;

/// For how many unknown users the nearest name is looked for: each costs a look through all names.
const LOOKED_FOR: usize = 100;

/// Arguments of `flight manifest import`.
#[derive(clap::Args, Debug)]
pub(crate) struct FlightManifestImportArgs {
    /// Flight: its id, at least 4 characters of it, the code of the one that is scheduled or live, or CODE@DATE
    flight: String,
    /// File with the passengers; - for standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: String,
    /// Miles of lines that say none; 0 for passengers who earn none
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    miles: Option<String>,
    /// Make accounts for unknown users whose lines give userId and username
    #[arg(long)]
    create_missing: bool,
    /// Where users were paid other miles for the flight, reverse those awards and make new ones
    #[arg(long)]
    correct: bool,
    /// Note in the ledger
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    input: InputArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestImportView {
    flight_id: Id,
    /// What `miles reverse` takes back together; null where no user was paid.
    batch_id: Option<Id>,
    boarded: usize,
    created: u64,
    already_on_board: usize,
    already_awarded: usize,
    corrected: usize,
    repeated: usize,
    /// What was paid; of corrections the difference.
    miles: i64,
    #[serde(skip)]
    code: String,
}

impl Report for ManifestImportView {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let passengers = count(self.boarded as u64, "passenger");
        // Corrections may take back more than is paid.
        let miles = count_signed(self.miles, "mile");
        page.message(message!("Boarded {} on {}, {}.", passengers, &self.code, miles), Tone::Plain)?;
        let rest = [
            (self.created, "account", "created"),
            (self.already_on_board as u64, "passenger", "already on board"),
            (self.already_awarded as u64, "passenger", "already awarded"),
            (self.corrected as u64, "award", "corrected"),
            (self.repeated as u64, "line", "repeated"),
        ];
        rest.into_iter().filter(|(number, ..)| *number > 0).try_for_each(|(number, noun, what)| {
            let were = Words(if number == 1 { "was" } else { "were" });
            page.message(message!("{} {} {}.", count(number, noun), were, Words(what)), Tone::Plain)
        })
    }
}

pub(super) async fn run(args: FlightManifestImportArgs, cx: &Context) -> Result<Outcome> {
    let default = args.miles.as_deref().map(|text| {
        miles(Some(text), None).map_err(|_| InputError::new("--miles", text, "a whole number from 0 to 2147483647"))
    });
    let default = default.transpose()?;
    let note = args.note.as_deref().map(|note| Text::parse_as("note", note)).transpose()?;
    let records = records::read(cx, &args.file, columns(), &args.input).await?;

    let database = cx.writer().await?;
    let batch = fresh_id();
    let common = Boarding {
        batch_id: Some(batch),
        note: note.as_ref().map(Text::as_str),
        actor: Some(cx.settings.actor.value.as_str()),
        correct: args.correct,
    };
    let attempt = async || {
        let progress = cx.ui.progress(None, "boarding");
        let taken = retry(FlightError::db, || async {
            let transaction = database.begin().await?;
            let meant = reference::meant_flight(&transaction, &args.flight, cx.ui.zone()).await;
            let meant = meant.map_err(MilesError::from)?;
            let mut plan = Plan::read(&records, default);
            let created = resolve(&transaction, &mut plan, args.create_missing, cx).await?;
            let airline = Some(meant.flight.airline_id.as_str());
            let guard = AwardGuard::read(&transaction, award_guard::limit(cx), airline).await?;
            // Also where the list will be refused for some of its lines: then all that is wrong is said at once.
            let passengers = plan.passengers();
            let boarded = manifest::import(&transaction, meant.flight.id, &passengers, &common, cx.now.into()).await?;
            plan.boarded(&boarded);
            manifest::describe(&transaction, meant.flight.id, plan.extras()).await?;
            Ok::<_, FlightError>((transaction, Taken { meant, plan, boarded, guard, created }))
        });
        let taken = taken.await?;
        drop(progress);
        Ok(taken)
    };
    let ask = async |asked: &Asked| award_guard::approve(cx, &asked.question).await;
    let (transaction, taken) = change::attempted(cx, attempt, Taken::asked, ask).await?;
    let Taken { meant, mut plan, boarded, created, .. } = taken;
    let flight = args::note_other_meanings(cx, &args.flight, meant);
    nearest(&transaction, &mut plan).await?;

    if cx.answers.dry_run {
        let lines = std::mem::take(&mut plan.lines);
        cx.finish(transaction).await?;
        cx.ui
            .list(async |list| {
                lines.iter().try_for_each(|line| list.push(line))?;
                Ok(())
            })
            .await?;
        plan.lines = lines;
        return refuse(&plan, &args, &flight, true).map_or(Ok(Outcome::Done), Err);
    }
    if let Some(refusal) = refuse(&plan, &args, &flight, false) {
        transaction.rollback().await?;
        return Err(refusal);
    }
    cx.finish(transaction).await?;
    cx.ui.report(&answer(&plan, &boarded, &flight, batch, created))?;
    if !(boarded.paid.is_empty() && boarded.corrected.is_empty()) {
        cx.ui.note(message!("Batch {}. Undo: {}", batch, skyteam("miles reverse").arg(batch).words("--note TEXT")));
    }
    if !boarded.corrected.is_empty() {
        cx.ui.note("To have the earlier miles again, import the earlier list with --correct.");
    }
    Ok(Outcome::Done)
}

/// What was done in the open transaction.
struct Taken {
    meant: MeantFlight,
    plan: Plan,
    boarded: Boarded,
    guard: AwardGuard,
    created: u64,
}

/// The question about awards of the list that are too large to go unasked, and what it is about.
#[derive(PartialEq)]
struct Asked {
    question: Message,
    flight_id: Id,
    /// Who gets what.
    awards: Vec<(String, i32)>,
    created: u64,
}

impl Taken {
    /// `None` also for a list that will be refused.
    fn asked(&self) -> Option<Asked> {
        if self.plan.bad().next().is_some() {
            return None;
        }
        let names = self.plan.names();
        let corrected = self.boarded.corrected.iter().map(|one| &one.award);
        let posted: Vec<&Entry> = self.boarded.paid.iter().chain(corrected).map(|posted| &posted.entry).collect();
        let awards = posted.iter().map(|entry| {
            let user_id = entry.user_id.as_str();
            Award { user: names.get(user_id).copied().unwrap_or(user_id), miles: entry.amount }
        });
        let question = award_guard::question(&self.guard.judge(awards)?);
        let awards = posted.iter().map(|entry| (entry.user_id.clone(), entry.amount)).collect();
        Some(Asked { question, flight_id: self.meant.flight.id, awards, created: self.created })
    }
}

/// Finds whom the lines mean, and makes accounts where that is wanted. Returns how many were made.
async fn resolve(
    transaction: &Transaction,
    plan: &mut Plan,
    create_missing: bool,
    cx: &Context,
) -> Result<u64, FlightError> {
    let (places, named) = plan.named();
    let meanings = manifest::resolve(transaction, &named).await?;
    plan.resolved(&places, meanings);
    let players = if create_missing { plan.create() } else { Default::default() };
    plan.tell_repeats();
    if players.is_empty() {
        return Ok(0);
    }
    Ok(manifest::create(transaction, &players, cx.now.into()).await?)
}

/// Remarks the nearest name at unknown users.
async fn nearest(transaction: &Transaction, plan: &mut Plan) -> Result<()> {
    for line in plan.lines.iter_mut().filter(|line| line.fate == Fate::Unknown).take(LOOKED_FOR) {
        let name = line.user.strip_prefix('@').unwrap_or(&line.user);
        let near = reference::nearest_users(transaction, name).await?;
        if let Some(first) = near.first() {
            line.remark = Some(format!("nearest: {}", first.key));
        }
    }
    Ok(())
}

/// The refusal of a list with bad lines.
fn refuse(plan: &Plan, args: &FlightManifestImportArgs, flight: &Flight, dry_run: bool) -> Option<Error> {
    let bad = plan.bad().count();
    let unknown = plan.count(Fate::Unknown);
    if bad == 0 {
        return None;
    }
    let lines = count(bad as u64, "line");
    let (invalid, differing) = (plan.count(Fate::Invalid), plan.count(Fate::Differs));
    let error = if invalid == 0 && differing > 0 {
        let verb = Words(if differing == 1 { "differs" } else { "differ" });
        let lines = count(differing as u64, "line");
        let what = message!("no passenger was boarded: {} {} from what was paid", lines, verb);
        Error::new(Kind::Refused, "paid_otherwise", what)
    } else if unknown == bad {
        Error::new(Kind::NotFound, "unknown_users", message!("unknown users in {}; no passenger was boarded", &lines))
    } else {
        Error::new(Kind::Usage, "invalid_file", message!("no passenger was boarded: {} cannot be used", &lines))
    };
    let error = plan.bad().take(NAMED).fold(error, |error, line| error.why(line.complaint()));
    let error = if bad > NAMED { error.why(message!("and {} more", bad - NAMED)) } else { error };
    let error = if differing > 0 && !args.correct {
        let again = again(args, flight, args.create_missing, dry_run).words("--correct");
        error.fix(message!("{}  # reverses those awards and makes new ones", again))
    } else {
        error
    };
    let error = if unknown > 0 && !args.create_missing {
        let again = again(args, flight, true, dry_run);
        error.fix(message!("{}  # makes accounts where a line gives userId and username", again))
    } else {
        error
    };
    // A dry run has shown every line.
    let (again, why) = if dry_run {
        (again(args, flight, args.create_missing, false), "once those lines are mended")
    } else {
        (again(args, flight, args.create_missing, true), "shows every line")
    };
    Some(error.fix(message!("{}  # {}", again, why)))
}

/// The same command, of the same flight.
fn again(args: &FlightManifestImportArgs, flight: &Flight, create_missing: bool, dry_run: bool) -> Command {
    let command = skyteam("flight manifest import").arg(flight.id).file(&args.file);
    let command = command.maybe_flag("--miles", args.miles.as_ref()).maybe_flag("--note", args.note.as_ref());
    let names = args.input.ignore_columns.iter();
    let command = names.fold(command, |command, name| command.flag("--ignore-column", name));
    [("--create-missing", create_missing), ("--correct", args.correct), ("--dry-run", dry_run)]
        .into_iter()
        .filter(|(_, given)| *given)
        .fold(command, |command, (flag, _)| command.words(flag))
}

fn answer(plan: &Plan, boarded: &Boarded, flight: &Flight, batch: Id, created: u64) -> ManifestImportView {
    let paid = boarded.paid.iter().map(|posted| i64::from(posted.entry.amount));
    let corrected = boarded.corrected.iter().map(|one| i64::from(one.difference.asked) - one.difference.paid);
    ManifestImportView {
        flight_id: flight.id,
        batch_id: (!(boarded.paid.is_empty() && boarded.corrected.is_empty())).then_some(batch),
        boarded: boarded.paid.len() + boarded.seated.len(),
        created,
        already_on_board: plan.count(Fate::AlreadyOnBoard),
        already_awarded: plan.count(Fate::AlreadyAwarded),
        corrected: boarded.corrected.len(),
        repeated: plan.count(Fate::Repeated),
        miles: paid.sum::<i64>() + corrected.sum::<i64>(),
        code: flight.code.clone(),
    }
}
