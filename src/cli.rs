//! The command line: parse, resolve settings, build the context, run the command, return an exit code.

pub(crate) mod approve;
pub(crate) mod commands;
pub(crate) mod context;
pub mod environment;
pub(crate) mod settings;
pub(crate) mod ui;

mod answer_lost;
mod complete;
pub(crate) mod help;
mod honour;
mod meaning;
pub(crate) mod usage;
pub(crate) mod version;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use chrono::Utc;
use clap::builder::Styles;
use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser};
use tokio::sync::OnceCell;

use crate::cli::approve::Answers;
use crate::cli::commands::Noun;
use crate::cli::context::Context;
use crate::cli::environment::World;
use crate::cli::settings::{Color, CsvSafe, Global, Settings};
use crate::cli::ui::{Format, OutputOptions, Ui};
use crate::db::DatabaseUrl;
use crate::error::indeterminate::{NOT_REPLICATED, OUTCOME_UNKNOWN, RetryAdvice, outcome_unknown};
use crate::error::{Error, Kind, Outcome, Result};

const STYLES: Styles = Styles::styled()
    .header(Style::new().bold())
    .usage(Style::new().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(Style::new().dimmed());

const EXAMPLES: &str = "Examples:
  skyteam db push
  skyteam miles award @pilot123 500 --note \"Event winner\"";

/// Administer the SkyTeam database: schema, miles, people, flights, backups
#[derive(Debug, Parser)]
#[command(
    name = "skyteam",
    bin_name = "skyteam",
    version = version::NUMBER,
    propagate_version = true,
    disable_version_flag = true,
    styles = STYLES,
    after_help = EXAMPLES,
    arg_required_else_help = true,
    subcommand_required = true,
    disable_help_subcommand = true,
    infer_subcommands = false,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub noun: Noun,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    ExitCode::from(run(World::real()))
}

/// Runs one command line and returns the exit code.
///
/// Nothing is opened or read before the line has parsed; `--help` needs no runtime, no settings, no database.
pub fn run(mut world: World) -> u8 {
    if let Some(code) = complete::answer(&mut world) {
        return code;
    }
    let args = std::mem::take(&mut world.args);
    let matches = match Cli::command().try_get_matches_from(&args) {
        Ok(matches) => matches,
        Err(error) => return not_parsed(world, &args, error),
    };
    let command = path_of(&matches);
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return not_parsed(world, &args, error),
    };
    let mut manner = manner(&world, &cli.global);
    let signals = world.signals;
    let honoured = honour::check(&command, &cli.global, manner.format);
    let settings = honoured.and_then(|()| match Settings::resolve(&world, &cli.global) {
        Err(error) if error.kind() == Kind::Config && cli.noun.needs_no_settings() => Settings::unset(),
        resolved => resolved,
    });
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return failed(&Ui::new(world, manner), error),
    };
    manner.zone = settings.tz.value;
    let page_width = help::width(&world);
    let cx = Context {
        settings,
        now: world.now.unwrap_or_else(Utc::now),
        line: args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect(),
        command,
        answers: Answers { dry_run: cli.global.dry_run, yes: cli.global.yes, confirm: cli.global.confirm },
        cwd: world.cwd.clone(),
        env: world.env.clone(),
        shutdown: crate::db::Shutdown::default(),
        announced: false.into(),
        rehearses: false.into(),
        resumes: false.into(),
        watches: false.into(),
        warned_of_plain_text: false.into(),
        warned_of_plain_store: false.into(),
        database: OnceCell::new(),
        page_width,
        ui: Ui::new(world, manner),
    };
    if args.iter().any(shows_password) {
        cx.ui.warn(
            "a password on the command line can be read by every user of this machine, in the list of processes and \
             in the shell's history; PGPASSWORD, ~/.pgpass and DATABASE_URL hold it unseen",
        );
    }
    for warning in &cx.settings.warnings {
        cx.ui.warn(warning);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&cx.ui, error.into()),
    };
    let outcome = runtime.block_on(async {
        let mut work = std::pin::pin!(cli.noun.run(&cx, tree()));
        let outcome = tokio::select! {
            // In this order: signals are listened for before anything is done that one could interrupt.
            biased;
            // It has no other end.
            () = interrupted(signals) => if cx.watches.load(Ordering::Relaxed) {
                Ok(Outcome::Done)
            } else if cx.shutdown.interrupt() {
                tokio::select! {
                    outcome = answered(&cx, work) => outcome,
                    // A second interrupt does not wait.
                    () = interrupted(signals) => Err(outcome_unknown(RetryAdvice::Unsaid)),
                }
            } else {
                Err(cut_off(&cx))
            },
            outcome = &mut work => outcome,
        };
        let outcome = answer_lost::explained(&cx, outcome).map_err(|error| again_instead(&cx, error));
        let Some(database) = cx.database.get() else { return outcome };
        let outcome = match outcome {
            Err(error) => Err(cx.explained(database, error).await),
            outcome => outcome,
        };
        // A connection that was never answered would not close.
        let cut_off = |error: &Error| error.kind() == Kind::Interrupted || is_open(error);
        if outcome.as_ref().is_err_and(cut_off) {
            database.cancel_running().await;
        } else {
            database.close().await;
        }
        outcome.map_err(|error| error.on(database.target()))
    });
    // A prompt may still wait on its thread for a key that will not be pressed.
    runtime.shutdown_background();
    match outcome {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => failed(&cx.ui, error),
    }
}

/// Whether a word of the command line is a database URL with a password in it.
fn shows_password(arg: &OsString) -> bool {
    let Some(arg) = arg.to_str() else { return false };
    let url = arg.find("postgres").map_or("", |at| &arg[at..]);
    match DatabaseUrl::parse(url) {
        Ok(DatabaseUrl::Postgres(url)) => url.password.is_some(),
        _ => false,
    }
}

fn failed(ui: &Ui, error: Error) -> u8 {
    // `| head` has seen enough: no failure, and nothing to say.
    if error.code() == "closed_pipe" {
        return Outcome::Done.exit_code();
    }
    let code = error.exit_code();
    ui.error(error);
    code
}

/// Names the whole command that would work, where one word of this one is wrong.
fn again_instead(cx: &Context, error: Error) -> Error {
    match error.instead().map(|(wrong, right)| cx.again_with(wrong, right)) {
        Some(command) => error.fix(command),
        None => error,
    }
}

/// What an interrupt leaves.
fn cut_off(cx: &Context) -> Error {
    let error = Error::new(Kind::Interrupted, "interrupted", "interrupted");
    if cx.resumes.load(Ordering::Relaxed) {
        return error.why("what was done before stays").fix("run the same command again: it goes on from there");
    }
    error.why("what was not committed was rolled back")
}

/// The end of `work` after an interrupt that came while it made a change last, or had something to clear away: done, or of
/// unknown outcome; else, since the server cancels what waits, rolled back.
async fn answered(cx: &Context, work: impl Future<Output = Result<Outcome>>) -> Result<Outcome> {
    let mut work = std::pin::pin!(work);
    let mut ended = None;
    // Twice, since what went on when it was first looked at may wait for a standby by now.
    for pause in [Duration::ZERO, Duration::from_millis(500)] {
        tokio::select! {
            biased;
            outcome = &mut work => {
                ended = Some(outcome);
                break;
            }
            () = tokio::time::sleep(pause) => {}
        }
        if let Some(database) = cx.database.get() {
            database.cancel_running().await;
        }
    }
    let outcome = match ended {
        Some(outcome) => outcome,
        None => work.await,
    };
    match outcome {
        Err(error) if !is_open(&error) => Err(cut_off(cx)),
        done => done,
    }
}

/// Whether a commit was sent, and it is not known what became of it.
fn is_open(error: &Error) -> bool {
    matches!(error.code(), OUTCOME_UNKNOWN | NOT_REPLICATED)
}

async fn interrupted(signals: bool) {
    if !signals {
        return std::future::pending().await;
    }
    match crate::system::EndRequests::all() {
        Ok(mut requests) => requests.next().await,
        Err(_) => std::future::pending().await,
    }
}

/// Help and version go to stdout with exit code 0, what is wrong with the line to stderr with 2.
fn not_parsed(world: World, args: &[OsString], error: clap::Error) -> u8 {
    // The page of the same line, laid out.
    let is_page = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    let arranged = is_page.then(|| help::arranged(help::width(&world), commands::columns).try_get_matches_from(args));
    let error = match arranged {
        Some(Err(page)) => page,
        _ => error,
    };
    let wants_json =
        args.windows(2).any(|pair| matches!(pair[0].to_str(), Some("-o" | "--output")) && is_json(&pair[1]))
            || args
                .iter()
                .filter_map(|arg| arg.to_str())
                .any(|arg| matches!(arg, "--json" | "-ojson" | "-ondjson" | "--output=json" | "--output=ndjson"));
    let format = if wants_json { Format::Json } else { Format::Table };
    let database = complete::typed_flags(args).names_database();
    let manner = OutputOptions { format, database, ..manner(&world, &Global::default()) };
    let color = if error.use_stderr() { manner.color.1 } else { manner.color.0 };
    let ui = Ui::new(world, manner);
    let text = match error.kind() {
        ErrorKind::DisplayVersion => version::text() + "\n",
        _ if color => error.render().ansi().to_string(),
        _ => error.render().to_string(),
    };
    if !error.use_stderr() {
        return match ui.raw(text) {
            Ok(()) => 0,
            Err(error) => failed(&ui, error),
        };
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !wants_json {
        ui.complain(&text);
        return Kind::Usage.exit_code();
    }
    failed(&ui, usage::explained(&error, tree(), args))
}

fn is_json(value: &OsString) -> bool {
    matches!(value.to_str(), Some("json" | "ndjson"))
}

fn manner(world: &World, flags: &Global) -> OutputOptions {
    let set = |name: &str| world.env.get(name).is_some_and(|value| !value.is_empty());
    let color = |terminal: bool| match flags.color.unwrap_or(Color::Auto) {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org and https://bixense.com/clicolors
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if world.env.get("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => terminal && world.env.get("TERM").is_none_or(|term| term != "dumb"),
    };
    OutputOptions {
        format: if flags.json { Format::Json } else { flags.output.unwrap_or_default() },
        columns: flags.columns.clone(),
        wide: flags.wide,
        header: !flags.no_header,
        csv_safe: match flags.csv_safe.unwrap_or(CsvSafe::Auto) {
            CsvSafe::Always => true,
            CsvSafe::Never => false,
            CsvSafe::Auto => {
                let is_csv = |path: &PathBuf| path.extension().is_some_and(|it| it.eq_ignore_ascii_case("csv"));
                world.terminal.stdout || world.output.as_ref().is_some_and(is_csv)
            }
        },
        quiet: flags.quiet,
        verbosity: flags.verbose,
        color: (color(world.terminal.stdout), color(world.terminal.stderr)),
        zone: chrono_tz::Tz::UTC,
        database: flags.names_database(),
        interactive: world.terminal.stdin && world.terminal.stderr && !flags.no_input && !set("CI"),
        pager: !flags.no_pager,
    }
}

/// `db push` of the matches of `skyteam db push --dry-run`.
fn path_of(matches: &clap::ArgMatches) -> String {
    let mut words = Vec::new();
    let mut matches = matches;
    while let Some((name, inner)) = matches.subcommand() {
        words.push(name);
        matches = inner;
    }
    words.join(" ")
}

/// The whole command tree, for completions, man pages and tests.
pub fn tree() -> clap::Command {
    Cli::command().color(ColorChoice::Never)
}
