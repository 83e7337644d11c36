//! `db studio`: the tables in a browser, from a server on this machine.

mod orders;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::settings::ProfileKind;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Format, Page};
use crate::db::{Database, Engine};
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{Message, message, skyteam};
use crate::studio::{self, End, Launcher, Seat, Studio};
use crate::system;

use orders::Desk;

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db studio --open
  skyteam -p prod db studio --port 0 --idle 10m

It listens on 127.0.0.1 only and shows the link that opens it, which works once and for a minute.
Enter in the terminal makes another one. Ctrl-C ends it.
Files queries/*.sql of this folder are listed on its page for SQL, which only reads.";

/// The port where none is named.
const PORT: u16 = 4984;

/// How long actions may take that are being done when the studio ends.
const LAST_ACTIONS: Duration = Duration::from_secs(5);

/// Arguments of `db studio`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbStudioArgs {
    /// Port to listen on, 0 for a free one
    #[arg(long, value_name = "PORT", default_value_t = PORT)]
    port: u16,
    /// Open it in the browser
    #[arg(long)]
    open: bool,
    /// Refuse every action of the page; the database is opened for reading only
    #[arg(long)]
    read_only: bool,
    /// Answer under this name of this machine too, as a browser sends it
    #[arg(long, value_name = "NAME", value_parser = host)]
    allow_host: Vec<String>,
    /// End after so long without an open page
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = idle)]
    idle: Duration,
}

/// A host name or address, with a port where it has one.
fn host(given: &str) -> std::result::Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if given.is_empty() || !given.chars().all(allowed) {
        return Err("a name such as studio.example.com, or studio.example.com:8080, is accepted".to_owned());
    }
    Ok(given.to_owned())
}

/// A time from a second to twelve hours.
fn idle(given: &str) -> std::result::Result<Duration, String> {
    let accepted = || "a time from 1s to 12h is accepted, in s, m or h".to_owned();
    let (number, unit) = given.split_at_checked(given.len().saturating_sub(1)).ok_or_else(accepted)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(accepted()),
    };
    let number: u64 = number.parse().map_err(|_| accepted())?;
    let time = number.checked_mul(seconds).filter(|time| (1..=12 * 3600).contains(time)).ok_or_else(accepted)?;
    Ok(Duration::from_secs(time))
}

pub(super) async fn run(args: DbStudioArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let superuser = is_superuser(&database).await?;
    let tables = studio::tables().map_err(|error| {
        Error::new(Kind::Failure, "entities", "the entities ask for what no schema can hold").source(error)
    })?;
    let (orders, mut ordered) = tokio::sync::mpsc::unbounded_channel();
    let (notices, mut said) = tokio::sync::mpsc::unbounded_channel::<Said>();
    let details = notices.clone();
    let seat = Seat {
        database: Arc::clone(&database),
        database_flag: cx.ui.database_flag(),
        kind: kind(cx, &database),
        zone: cx.settings.tz.value,
        idle: args.idle,
        read_only: args.read_only,
        actor: cx.settings.actor.value.clone(),
        orders,
        queries: cx.cwd.join("queries"),
        history: cx.settings.data_dir.as_ref().map(|folder| folder.join("studio-history.jsonl")),
        allowed_hosts: args.allow_host.clone(),
        // The receiver lives as long as the studio runs.
        notice: Arc::new(move |message| drop(notices.send(Said::Notice(message)))),
        detail: Arc::new(move |what, cause| drop(details.send(Said::Detail(what, cause)))),
    };
    let studio = Studio::bind(seat, tables, superuser, args.port).await.map_err(|error| taken(error, args.port))?;
    let launcher = studio.launcher();
    cx.announce(&database);
    if superuser {
        cx.ui.warn(message!(
            "this role is a superuser, and reads past all rights; one of its own is safer: {}",
            skyteam("db grant ROLE --for staff")
        ));
    }
    link(cx, &launcher, args.open).await?;
    let unfinished = cx.shutdown.unfinished();
    let speaking = async {
        while let Some(said) = said.recv().await {
            match said {
                Said::Notice(message) => cx.ui.warn(message),
                Said::Detail(what, cause) => cx.ui.step(message!("{}: {}", what, cause)),
            }
        }
        std::future::pending::<()>().await;
    };
    let linking = async {
        while cx.ui.is_interactive() && cx.ui.enter().await? {
            link(cx, &launcher, false).await?;
        }
        std::future::pending::<Result<()>>().await
    };
    let desk = Desk::new(cx, Arc::clone(&database), args.read_only);
    let mut desk_serves = std::pin::pin!(desk.serve(&mut ordered));
    let running = async {
        tokio::select! {
            end = studio.serve() => Ok(Some(end)),
            () = &mut desk_serves => Ok(None),
            () = speaking => Ok(None),
            failed = linking => failed.map(|()| None),
        }
    };
    let ended = unfinished.run(running).await;
    drop(launcher);
    // What a page has asked for and no longer waits for.
    database.cancel_running().await;
    // An action that is being done ends first: it is rolled back or made to last, and not cut off.
    if tokio::time::timeout(LAST_ACTIONS, desk_serves).await.is_err()
        && let Some(writer) = desk.writer()
    {
        writer.cancel_running().await;
    }
    if let Some(writer) = desk.writer() {
        writer.close().await;
    }
    match ended {
        None | Some(Ok(None | Some(End::Stopped))) => cx.ui.note("The studio has ended."),
        Some(Ok(Some(End::Idle))) => cx.ui.note("The studio has ended: no page was open for too long."),
        Some(Ok(Some(End::TooLong))) => cx.ui.note("The studio has ended: it ran for twelve hours."),
        Some(Err(error)) => return Err(error),
    }
    Ok(Outcome::Done)
}

/// The link that opens the page.
#[derive(Serialize)]
struct StudioLink {
    url: String,
}

impl Report for StudioLink {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(self.url.as_str())
    }
}

/// What the studio has to say while it runs.
enum Said {
    Notice(Message),
    Detail(Message, String),
}

/// Shows a link that opens the page, and opens it.
async fn link(cx: &Context, launcher: &Launcher, open: bool) -> Result<()> {
    let url = launcher.url()?;
    let answer = StudioLink { url: url.clone() };
    match cx.ui.format() {
        // On one line, since who starts it reads this while it runs.
        Format::Json => cx.ui.json(&answer, true)?,
        _ => cx.ui.report(&answer)?,
    }
    if open {
        let started = tokio::process::Command::new(system::OPENER)
            .arg(&url)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .await;
        if !started.is_ok_and(|status| status.success()) {
            cx.ui.warn(message!("no browser could be opened by {}; open the link yourself", system::OPENER));
        }
    }
    Ok(())
}

fn kind(cx: &Context, database: &Database) -> &'static str {
    match cx.settings.kind.value {
        ProfileKind::Local if !database.target().is_local() => "remote",
        kind => kind.name(),
    }
}

async fn is_superuser(database: &Database) -> Result<bool> {
    if database.engine() == Engine::Sqlite {
        return Ok(false);
    }
    let sql = "SELECT coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false) AS super";
    let row = database.conn().query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    Ok(row.map(|row| row.try_get("", "super")).transpose()?.unwrap_or_default())
}

/// That the port cannot be listened on, with the command for another one.
fn taken(error: io::Error, port: u16) -> Error {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => message!("another program listens there; perhaps a studio that is open already"),
        io::ErrorKind::PermissionDenied => message!("ports below 1024 are the system's"),
        _ => message!("{}", error.to_string()),
    };
    Error::new(Kind::Failure, "port_taken", message!("port {} cannot be listened on", port.to_string()))
        .why(why)
        .fix(message!("{}    takes a free one", skyteam("db studio --port 0")))
        .source(error)
}
