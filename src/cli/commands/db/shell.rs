//! `db shell`: replaces this process with psql or sqlite3.

use std::io::Write as _;
use std::process::{Command, ExitStatus};

use crate::cli::context::Context;
use crate::db::DatabaseUrl;
use crate::db::child::{self, Identity};
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::message;
use crate::system::{self, EndRequests, Package};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db shell
  skyteam db shell -- -c 'select count(*) from users'";

/// Arguments of `db shell`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbShellArgs {
    /// Arguments for psql or sqlite3
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

pub(super) async fn run(args: DbShellArgs, cx: &Context) -> Result<Outcome> {
    // Opened first: every failure is then reported in our words, and an SQLite file is not made by looking.
    let database = cx.writer().await?;
    // Held until psql takes this process's place.
    let mut guard = None;
    let command = match database.url() {
        DatabaseUrl::Postgres(_) => {
            let words = psql_arguments(&args.args)?;
            let mut command = Command::new("psql");
            command.env_clear().envs(child::environment(&cx.env, &database)?).args(words.others);
            // The tables hold UTC without saying so.
            command.env("PGTZ", "UTC");
            if let Some(limit) = database.options().statement_timeout {
                let given = command.get_envs().find(|(name, _)| *name == "PGOPTIONS").and_then(|(_, value)| value);
                let given = given.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
                let limit = format!("-c statement_timeout={}", limit.as_millis());
                command.env("PGOPTIONS", [given, limit].join(" ").trim());
            }
            let pool = database.postgres().ok_or_else(|| Error::new(Kind::Failure, "no_shell", "no pool"))?;
            let here = Identity::of(pool).await?.is_here();
            let script = guard_script(&here, if words.reads_rc { rc_file(cx) } else { None }.as_deref());
            let reader = pipe_holding(script.as_bytes())?;
            command.env("PSQLRC", system::inherit(&reader)?);
            guard = Some(reader);
            command
        }
        DatabaseUrl::Sqlite(place) => {
            let mut command = Command::new("sqlite3");
            // sqlite3 leaves foreign keys off by default.
            command.env_clear().envs(child::offline(&cx.env)).args(["-cmd", "PRAGMA foreign_keys = ON"]);
            command.arg(&place.path).args(&args.args);
            command
        }
    };
    let program = command.get_program().to_string_lossy().into_owned();
    let ended = if database.folder_for_children()?.is_some() {
        // It logs in through this process, which stays for it.
        stay_for(command)
    } else {
        database.close().await;
        // In place of this process, so that Ctrl-C and the terminal are the shell's alone.
        Err(system::replace_by(command))
    };
    drop(guard);
    let error = match ended {
        Ok(status) => return Ok(Outcome::Of(system::exit_code(status))),
        Err(error) => error,
    };
    let package = if program == "psql" { Package::PostgresClient(None) } else { Package::Sqlite };
    Err(Error::new(Kind::Failure, "no_shell", message!("{} cannot be started", &program))
        .why(error.to_string())
        .fix(system::install(package)))
}

/// Runs a program to its end. Ctrl-C reaches it by the terminal and is its own; a request to end is passed on. Blocks the
/// caller, so that this process does not end for a Ctrl-C either.
fn stay_for(command: Command) -> std::io::Result<ExitStatus> {
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut requests = EndRequests::of_programs()?;
            let mut child = tokio::process::Command::from(command).spawn()?;
            loop {
                tokio::select! {
                    status = child.wait() => return status,
                    () = requests.next() => {
                        if let Some(id) = child.id() {
                            system::terminate(id)?;
                        }
                    }
                }
            }
        })
    };
    std::thread::spawn(wait)
        .join()
        .unwrap_or_else(|_| Err(std::io::Error::other("the thread that waited for it ended")))
}

/// The arguments for psql, as far as they are not ours to say.
struct PsqlArguments<'a> {
    /// Whether the user's `.psqlrc` is wanted: not with `-X`, which would keep psql from reading our guard too.
    reads_rc: bool,
    others: Vec<&'a str>,
}

/// Sorts the arguments for psql.
///
/// # Errors
/// [`Kind::Usage`]: one of them names a server, role or database, which are those of this run.
fn psql_arguments(args: &[String]) -> Result<PsqlArguments<'_>> {
    /// Letters of psql's options that take a value.
    const VALUED: &str = "cdfFhLopPRTUv";
    let mut sorted = PsqlArguments { reads_rc: true, others: Vec::new() };
    let names_database = |word: &str| {
        Error::new(
            Kind::Usage,
            "usage",
            message!("{} names a database for psql, and skyteam has named it already", &word),
        )
        .fix("--database-url URL or -p PROFILE, before --, names another one")
    };
    let mut words = args.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
            let name = long.split('=').next().unwrap_or_default();
            if name.len() > 2 && "no-psqlrc".starts_with(name) && name.starts_with("no-ps") {
                sorted.reads_rc = false;
                continue;
            }
            // As getopt takes them: any beginning that is one option's alone.
            let is = |full: &str, least: usize| name.len() >= least && full.starts_with(name);
            if is("dbname", 1) || is("host", 2) || is("port", 2) || is("username", 1) || is("password", 2) {
                return Err(names_database(word));
            }
            sorted.others.push(word);
            let valued = [
                "command",
                "file",
                "set",
                "variable",
                "output",
                "log-file",
                "pset",
                "field-separator",
                "record-separator",
                "table-attr",
            ];
            let takes_next = valued.iter().any(|full| full.starts_with(name)) && !long.contains('=');
            sorted.others.extend(takes_next.then(|| words.next()).flatten());
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            let value = letters.find(|letter| VALUED.contains(letter));
            let flags = &letters[..value.unwrap_or(letters.len())];
            let option = value.and_then(|at| letters[at..].chars().next());
            if flags.contains('W') || option.is_some_and(|letter| "dhpU".contains(letter)) {
                return Err(names_database(word));
            }
            if flags.contains('X') {
                sorted.reads_rc = false;
                if letters == "X" {
                    continue;
                }
                // Among others of one word it cannot be taken out of a borrowed text.
                return Err(Error::new(
                    Kind::Usage,
                    "usage",
                    message!("-X has to be an argument of its own, and not part of {}", &word),
                ));
            }
            sorted.others.push(word);
            let takes_next = value.is_some_and(|at| letters[at..].chars().count() == 1);
            sorted.others.extend(takes_next.then(|| words.next()).flatten());
        } else {
            return Err(names_database(word));
        }
    }
    Ok(sorted)
}

/// The file that psql would have read at its start.
fn rc_file(cx: &Context) -> Option<String> {
    let named = cx.env.get("PSQLRC").filter(|path| !path.is_empty()).cloned();
    let own = cx.env.get("HOME").map(|home| format!("{home}/.psqlrc"));
    let path = named.or(own)?;
    let path = match (path.strip_prefix("~/"), cx.env.get("HOME")) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ => path,
    };
    std::path::Path::new(&path).is_file().then_some(path)
}

/// What psql runs first: where it is not in the database that this run has opened, it ends. Looked at again behind the
/// user's own file, which may connect elsewhere.
fn guard_script(here: &str, rc: Option<&str>) -> String {
    let guard = format!(
        "SELECT {here} AS skyteam_is_here \\gset\n\\if :{{?skyteam_is_here}}\n\\else\n\
         \\set skyteam_is_here off\n\\endif\n\\if :skyteam_is_here\n\\unset skyteam_is_here\n\\else\n\
         \\warn 'error: psql has reached another server, database or role than skyteam; nothing was run'\n\
         \\! kill -TERM $PPID; sleep 10\n\\endif\n"
    );
    match rc {
        None => guard,
        Some(path) => format!("{guard}\\i '{}'\n{guard}", path.replace('\\', "\\\\").replace('\'', "''")),
    }
}

/// A pipe with this text in it.
fn pipe_holding(text: &[u8]) -> Result<std::io::PipeReader> {
    let (reader, mut writer) = std::io::pipe()?;
    // Shorter than the pipe holds, so this waits for no reader.
    writer.write_all(text)?;
    Ok(reader)
}
