//! What `db push`, `db diff` and `db reset` share: the flags that shape a plan, and how a plan looks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;

use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::settings::ProfileKind;
use crate::cli::ui::{Cell, Page, Tone, text};
use crate::db::{Database, Engine};
use crate::directory::input::quoted;
use crate::error::loss::by_step;
use crate::error::schema::{ends, holder, mended};
use crate::error::{Error, Kind, Result};
use crate::message::{Message, message, skyteam};
use crate::schema::{
    self, ApplyOptions, Backfill, Event, Finding, LockPolicy, Online, Pause, Prepared, Rename, Request, Schema, Step,
    Suspect, Wait,
};

/// Flags that say what the entities cannot.
#[derive(clap::Args, Debug)]
pub(super) struct PlanArgs {
    /// Keep a column's values under its new name; may be given several times
    #[arg(long, value_name = "T.OLD=NEW")]
    rename: Vec<String>,
    /// Value for rows that have none in a column that must have one; may be given several times
    #[arg(long, value_name = "T.C=VALUE")]
    backfill: Vec<String>,
}

impl PlanArgs {
    pub(super) fn request(&self) -> Result<Request> {
        let renames = self.rename.iter().map(|given| {
            let (table, from, to) = parts("--rename", given, "TABLE.OLD=NEW")?;
            Ok(Rename { table, from, to })
        });
        let backfills = self.backfill.iter().map(|given| {
            let (table, column, value) = parts("--backfill", given, "TABLE.COLUMN=VALUE")?;
            Ok(Backfill { table, column, value })
        });
        Ok(Request {
            renames: renames.collect::<Result<_>>()?,
            backfills: backfills.collect::<Result<_>>()?,
            fill_blank: false,
        })
    }
}

fn parts(flag: &str, given: &str, form: &str) -> Result<(String, String, String)> {
    let split = given.split_once('=').and_then(|(column, value)| {
        let (table, column) = column.split_once('.')?;
        Some((table.to_owned(), column.to_owned(), value.to_owned()))
    });
    match split {
        Some((table, column, value)) if !table.is_empty() && !column.is_empty() => Ok((table, column, value)),
        _ => Err(Error::new(Kind::Usage, "invalid_value", message!("{} {} is not accepted", flag, quoted(given)))
            .why(message!("accepted is {}", form))),
    }
}

/// Flags that say how a change of a live database is run.
#[derive(clap::Args, Debug)]
pub(crate) struct LiveArgs {
    /// Change a live PostgreSQL database in short steps that let others work; after an interruption, the same command continues
    #[arg(long, conflicts_with = "rehearse")]
    pub(super) online: bool,
    #[command(flatten)]
    pub(super) rehearsal: RehearsalArgs,
}

/// The flag for a run that does not last.
#[derive(clap::Args, Debug)]
pub(crate) struct RehearsalArgs {
    /// Run everything in a transaction and roll it back; on PostgreSQL others wait for it
    #[arg(long)]
    rehearse: bool,
}

/// What comes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlanMode {
    /// It lasts.
    Run,
    /// It is run and rolled back: `--rehearse`, and on SQLite, where a run stops others for a moment only, `--dry-run`.
    Rehearse,
    /// It is planned and the data is checked: `--dry-run` on PostgreSQL.
    Plan,
}

impl RehearsalArgs {
    pub(super) fn manner(&self, cx: &Context, engine: Engine) -> PlanMode {
        cx.rehearses.store(self.rehearse, Ordering::Relaxed);
        match (self.rehearse, cx.answers.dry_run, engine) {
            (true, ..) | (false, true, Engine::Sqlite) => PlanMode::Rehearse,
            (false, true, Engine::Postgres) => PlanMode::Plan,
            (false, false, _) => PlanMode::Run,
        }
    }

    /// The database, which a run that does not last never makes.
    pub(super) async fn creator(&self, cx: &Context) -> Result<Arc<Database>> {
        if self.rehearse { cx.rehearser().await } else { cx.creator().await }
    }
}

impl PlanMode {
    pub(super) fn lasts(self) -> bool {
        self == Self::Run
    }

    /// How the engine runs it.
    pub(super) fn options(self, cx: &Context) -> ApplyOptions {
        ApplyOptions { patience: patience(cx), dry_run: !self.lasts(), record: true }
    }

    /// Says at the end that nothing lasts.
    pub(super) fn note(self, cx: &Context) {
        match self {
            Self::Run => {}
            Self::Rehearse if !cx.answers.dry_run => cx.ui.note("Rehearsed: rolled back, nothing was changed."),
            Self::Rehearse | Self::Plan => cx.ui.note("Dry run: nothing was changed."),
        }
    }

    /// Says beforehand how long others stop; of a run that stops no one for long, only where it is a rehearsal.
    pub(super) fn warn(self, cx: &Context, pause: &Pause) {
        if self == Self::Plan || self == Self::Run && pause.writers < Duration::from_secs(1) {
            return;
        }
        if let Some(stops) = stops(pause) {
            cx.ui.warn(stops);
        }
    }
}

/// What cannot be known by looking alone.
pub(super) fn unknown(expressions: &[String]) -> Option<Message> {
    if expressions.is_empty() {
        return None;
    }
    let (named, dry_run) = (expressions.join(", "), skyteam("db push --dry-run"));
    Some(message!(
        "Unknown without writing: whether {} means what the entities say, in other words. To find out: {}",
        named,
        dry_run
    ))
}

/// How long others stop; `None` where they do not.
pub(super) fn stops(pause: &Pause) -> Option<Message> {
    if pause.writers.is_zero() {
        return None;
    }
    let (writers, readers) = (about(pause.writers), about(pause.readers));
    let told = match &pause.largest {
        Some((table, rows)) if pause.writers >= Duration::from_secs(1) => {
            message!(
                "writers stop for {}, readers for {}: {} has about {}",
                writers,
                readers,
                table,
                text::count(*rows, "row")
            )
        }
        _ => message!("writers stop for {}, readers for {}", writers, readers),
    };
    Some(if pause.is_long() {
        told.then(message!("; {} does not stop them", skyteam("db push --online")))
    } else {
        told
    })
}

/// `about 18 s`.
pub(super) fn about(time: Duration) -> String {
    match time.as_secs_f64().ceil() {
        seconds if seconds <= 1.0 => "less than a second".to_owned(),
        seconds if seconds < 120.0 => format!("about {seconds} s"),
        seconds => format!("about {} min", (seconds / 60.0).ceil()),
    }
}

/// What a rehearsal asks: it loses nothing, and others wait for it.
pub(super) fn rehearsal(cx: &Context, name: &str) -> Ask {
    match cx.settings.kind.value {
        ProfileKind::Production => Ask::changes(message!("Rehearse it on {}, where others wait meanwhile?", &name)),
        _ => Ask::adds(),
    }
}

/// How long this run waits, all tries together, for tables that it wants to read and others change.
pub(super) fn reading(cx: &Context) -> Duration {
    let patience = patience(cx);
    patience.lock_timeout * patience.tries
}

/// How long this run waits.
pub(super) fn patience(cx: &Context) -> LockPolicy {
    LockPolicy { lock_timeout: cx.settings.lock_timeout.value, ..LockPolicy::default() }
}

/// Says what happens while a plan runs.
pub(super) fn tell(cx: &Context, event: &Event<'_>) {
    match event {
        Event::Waiting(wait) => waiting(cx, wait),
        // An online run's alone.
        Event::Leftover(_) | Event::Progress { .. } => {}
        Event::Step { number, of, step } => cx.ui.step(message!("{}/{}  {}", number, of, &step.what)),
    }
}

/// Says for whom is waited.
pub(super) fn waiting(cx: &Context, wait: &Wait<'_>) {
    match wait {
        Wait::Ahead(holders) => {
            for each in *holders {
                cx.ui.warn(message!("may have to be waited for: {}", holder(each)));
                cx.ui.note(message!("  {}", ends(each)));
            }
        }
        Wait::Change(who) => cx.ui.note(message!("Waiting for another change of the schema: {}", holder(who))),
        Wait::Lock { what, holders, attempt, of } => {
            // An online run tries for a time, not so many times.
            let tries = if *of == 0 { format!("{attempt} tries so far") } else { format!("Try {attempt} of {of}") };
            cx.ui.note(message!("Could not {}: a lock was not free. {}; trying again.", what, &tries));
            for each in *holders {
                cx.ui.note(message!("  {}", holder(each)));
            }
        }
    }
}

/// Under `-v`, lists what exists there and is left alone.
pub(super) async fn list_others(
    cx: &Context,
    database: &Database,
    desired: &Schema,
    prepared: &Prepared,
) -> Result<()> {
    if cx.ui.verbosity() > 0 {
        list(cx, &schema::live::others(database.conn(), desired).await?, prepared);
    }
    Ok(())
}

/// The same, where the others are known.
pub(super) fn list(cx: &Context, others: &[String], prepared: &Prepared) {
    for other in others {
        cx.ui.step(message!("not ours, left alone: {}", other));
    }
    for kept in &prepared.plan.kept {
        cx.ui.step(message!("not ours, left alone: {}", kept.to_string()));
    }
}

/// A plan as an answer.
#[derive(Serialize)]
pub(super) struct Planned<'a> {
    pub(super) engine: Engine,
    pub(super) steps: &'a [Step],
    #[serde(rename = "possibleRenames")]
    pub(super) suspects: &'a [Suspect],
    pub(super) findings: Vec<FindingView<'a>>,
    pub(super) kept: Vec<String>,
    pub(super) others: &'a [String],
}

/// A finding as an answer, with what mends it as it would be typed.
#[derive(Serialize)]
pub(super) struct FindingView<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    mend: Vec<String>,
}

impl<'a> FindingView<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self { finding, mend: finding.mend.iter().map(|mend| mended(mend).to_string()).collect() }
    }
}

impl<'a> Planned<'a> {
    pub(super) fn new(prepared: &'a Prepared, others: &'a [String]) -> Self {
        Self {
            engine: prepared.plan.engine,
            steps: &prepared.plan.steps,
            suspects: &prepared.plan.suspects,
            findings: prepared.findings.iter().map(FindingView::new).collect(),
            kept: prepared.plan.kept.iter().map(ToString::to_string).collect(),
            others,
        }
    }
}

/// Draws steps with all that is known of them.
pub(super) fn draw(page: &mut Page<'_>, steps: &[Step]) -> io::Result<()> {
    for (at, step) in steps.iter().enumerate() {
        if at > 0 {
            page.gap()?;
        }
        page.heading(&format!("{}. {}", at + 1, &step.what))?;
        page.words(&[Cell::new("   why  ").tone(Tone::Dim), Cell::new(&step.why)])?;
        if let Some(lock) = &step.lock {
            let on = lock.tables.join(", ");
            page.words(&[Cell::new("   lock ").tone(Tone::Dim), Cell::new(format!("{} on {on}", lock.mode))])?;
        }
        page.words(&[Cell::new("   cost ").tone(Tone::Dim), Cell::new(step.cost.to_string())])?;
        if let Some(ms) = step.estimated_ms {
            page.words(&[Cell::new("   time ").tone(Tone::Dim), Cell::new(about(Duration::from_millis(ms)))])?;
        }
        match &step.online {
            None => {}
            Some(Online::Parts(_)) => {
                page.words(&[Cell::new("   live ").tone(Tone::Dim), Cell::new("can be done online")])?
            }
            Some(Online::Refused(why)) => {
                let why = Cell::new(format!("needs a push: {why}"));
                page.words(&[Cell::new("   live ").tone(Tone::Dim), why.tone(Tone::Warn)])?;
            }
        }
        if let Some(conversion) = step.conversion {
            page.words(&[Cell::new("   data ").tone(Tone::Dim), Cell::new(conversion.to_string())])?;
        }
        for loss in &step.loses {
            page.words(&[Cell::new("   lost ").tone(Tone::Bad), Cell::new(page.shown(by_step(loss))).tone(Tone::Bad)])?;
        }
        let sql: String = step.sql.iter().map(|sql| format!("{sql};\n")).collect();
        page.code("sql", &sql)?;
    }
    Ok(())
}

/// The steps in a line each, for a person who is about to be asked.
pub(super) fn preview(cx: &Context, steps: &[Step]) {
    for step in steps {
        cx.ui.note(message!("  {}", &step.what));
        for loss in &step.loses {
            cx.ui.note(message!("    lost: {}", by_step(loss)));
        }
    }
}

/// `1 step`, `3 steps`.
pub(super) fn counted(steps: usize) -> String {
    if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") }
}
