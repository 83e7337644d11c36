//! The studio: tables for a browser on this machine. HTTP in, a call of an engine, JSON out; it prints nothing and asks
//! nothing.
//!
//! What a request must be is decided in front of all routes ([`guard`]), who may ask by a token that a launch code is
//! exchanged for, once ([`session`]). Errors are those of the command line, as JSON ([`reply`]).

mod action;
mod assets;
mod catalog;
mod gate;
mod guard;
mod history;
mod order;
mod reply;
pub(crate) mod routes;
mod server;
mod session;
mod sql;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono_tz::Tz;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use crate::browse::Table;
use crate::db::Database;
use crate::message::{DatabaseFlag, Message, message};
use gate::Gate;
use guard::Hosts;
use history::History;
use routes::sql::Running;
use session::Sessions;

/// The longest that a studio runs.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// How long the last answer may take to leave.
const FAREWELL: Duration = Duration::from_millis(100);

/// What a studio shows, and how.
pub(crate) struct Seat {
    /// The database, opened for reading.
    pub database: Arc<Database>,
    /// The flag by which this run was given its database, for commands in messages.
    pub database_flag: Option<DatabaseFlag>,
    /// `local`, `remote`, `staging` or `production`.
    pub kind: &'static str,
    /// The zone in which naive times are read.
    pub zone: Tz,
    /// After how long without a request it ends.
    pub idle: Duration,
    /// Whether nothing is written at all.
    pub read_only: bool,
    /// Under whose name the ledger keeps what is done here.
    pub actor: String,
    /// Where commands are carried out, at the command line's.
    pub orders: mpsc::UnboundedSender<Order>,
    /// The folder with files of statements.
    pub queries: PathBuf,
    /// The file in which statements are remembered.
    pub history: Option<PathBuf>,
    /// Names under which it is reached beside those of the loopback, as a browser sends them.
    pub allowed_hosts: Vec<String>,
    /// Receives what the person who started it should know.
    pub notice: Arc<dyn Fn(Message) + Send + Sync>,
    /// Receives a failure and the server's own words about it.
    pub detail: Arc<dyn Fn(Message, String) + Send + Sync>,
}

/// Why a studio ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The page said so.
    Stopped,
    /// No page was open for the whole of [`Seat::idle`].
    Idle,
    /// It ran for twelve hours.
    TooLong,
}

/// What all requests share.
pub(crate) struct State {
    seat: Seat,
    tables: Vec<Table>,
    hosts: Hosts,
    sessions: Sessions,
    gate: Gate,
    /// What the doctor found last, and when.
    findings: tokio::sync::Mutex<Option<(Instant, serde_json::Value)>>,
    superuser: bool,
    stop: Notify,
    /// Statements that are being run.
    running: Running,
    history: History,
    /// Files that are being written.
    exports: Mutex<JoinSet<()>>,
}

/// A studio that listens.
pub(crate) struct Studio {
    listener: TcpListener,
    address: SocketAddr,
    state: Arc<State>,
}

impl Studio {
    /// Listens on 127.0.0.1; on a free port where `port` is 0. Nothing is answered before [`Studio::serve`].
    ///
    /// # Errors
    /// The system's: the port is taken.
    pub(crate) async fn bind(seat: Seat, tables: Vec<Table>, superuser: bool, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let state = State::new(seat, tables, superuser, address.port());
        Ok(Self { listener, address, state: Arc::new(state) })
    }

    /// A way to make launch URLs while it runs.
    pub(crate) fn launcher(&self) -> Launcher {
        Launcher { address: self.address, state: Arc::clone(&self.state) }
    }

    /// Answers requests until the page stops it, none comes for too long, or it ran for twelve hours.
    pub(crate) async fn serve(self) -> End {
        let state = Arc::clone(&self.state);
        let end = tokio::select! {
            () = server::accept(self.listener, routes::router(Arc::clone(&self.state))) => End::Stopped,
            () = self.state.stop.notified() => End::Stopped,
            () = idle(&state) => End::Idle,
            () = tokio::time::sleep(LONGEST) => End::TooLong,
        };
        state.exports().abort_all();
        end
    }
}

async fn idle(state: &State) {
    loop {
        let quiet = state.sessions.quiet_for();
        match state.seat.idle.checked_sub(quiet) {
            None | Some(Duration::ZERO) => return,
            Some(left) => tokio::time::sleep(left).await,
        }
    }
}

/// Makes launch URLs.
pub(crate) struct Launcher {
    address: SocketAddr,
    state: Arc<State>,
}

impl Launcher {
    /// A URL that opens the page, once, within a minute. The ones before it no longer do.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(crate) fn url(&self) -> io::Result<String> {
        let code = self.state.sessions.launch()?;
        Ok(format!("http://{}/#code={code}", self.address))
    }
}

impl State {
    fn new(seat: Seat, tables: Vec<Table>, superuser: bool, port: u16) -> Self {
        let hosts = Hosts::new(port, &seat.allowed_hosts);
        let sessions = Sessions::default();
        let gate = Gate::new(seat.read_only, seat.kind == "production");
        Self {
            history: History::new(seat.history.clone()),
            running: Running::default(),
            seat,
            tables,
            hosts,
            sessions,
            gate,
            findings: Default::default(),
            superuser,
            stop: Notify::new(),
            exports: Mutex::default(),
        }
    }

    fn exports(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.exports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a notice on the terminal that the studio was started from.
    fn tell(&self, message: Message) {
        (self.seat.notice)(message);
    }

    /// Prints that a launch code was refused.
    fn tell_refused(&self, refusal: session::Refusal) {
        use session::Refusal::{Late, Used, Wrong};
        self.tell(match refusal {
            Used => message!("a launch link that was used already was tried again, and refused"),
            Late => message!("a launch link was opened after more than a minute, and refused"),
            Wrong => message!("a wrong launch code was tried, and refused"),
        });
    }
}

pub(crate) use catalog::tables;
pub(crate) use order::{Asked, Done, Manner, Order};
