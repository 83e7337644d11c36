//! Carrying out what the studio has done: its commands run as in a terminal, with a person in the browser who is asked instead.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Write};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use clap::{CommandFactory as _, FromArgMatches as _};
use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OnceCell, mpsc};

use super::super::doctor;
use crate::cli::approve::Answers;
use crate::cli::commands::{airline, brand, flight, miles, product, user};
use crate::cli::context::Context;
use crate::cli::environment::{Prompt, Terminal, World};
use crate::cli::ui::{Format, OutputOptions, Ui};
use crate::cli::usage;
use crate::db::{Absent, Database};
use crate::error::{Error, Kind, Outcome, Result};
use crate::studio::{Asked, Done, Manner, Order};

/// The commands that the studio may have carried out.
#[derive(clap::Parser, Debug)]
#[command(name = "skyteam", bin_name = "skyteam", disable_help_subcommand = true)]
struct Line {
    #[command(subcommand)]
    noun: Noun,
}

#[derive(clap::Subcommand, Debug)]
enum Noun {
    #[command(subcommand)]
    Db(Db),
    #[command(subcommand)]
    User(user::Verb),
    #[command(subcommand)]
    Airline(airline::Verb),
    #[command(subcommand)]
    Brand(brand::Verb),
    #[command(subcommand)]
    Flight(flight::Verb),
    #[command(subcommand)]
    Product(product::Verb),
    #[command(subcommand)]
    Miles(miles::Verb),
}

#[derive(clap::Subcommand, Debug)]
enum Db {
    Doctor(doctor::DbDoctorArgs),
}

/// Where commands are carried out.
pub(super) struct Desk<'a> {
    cx: &'a Context,
    /// What pages are read from.
    reader: Arc<Database>,
    /// Opened for the first action.
    writer: OnceCell<Arc<Database>>,
    /// Whether there is never one.
    read_only: bool,
}

impl<'a> Desk<'a> {
    pub(super) fn new(cx: &'a Context, reader: Arc<Database>, read_only: bool) -> Self {
        Self { cx, reader, writer: OnceCell::new(), read_only }
    }

    /// The database that actions were done in, where there were any.
    pub(super) fn writer(&self) -> Option<&Arc<Database>> {
        self.writer.get()
    }

    /// Carries out what comes, side by side, until no more can come and all is done.
    pub(super) async fn serve(&self, orders: &mut mpsc::UnboundedReceiver<Order>) {
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => running.push(self.carry_out(order)),
                    None => break,
                },
                Some(()) = running.next() => {}
            }
        }
        while running.next().await.is_some() {}
    }

    async fn carry_out(&self, order: Order) {
        let Order { args, input, manner, reply } = order;
        let heard = Heard::default();
        let done = AssertUnwindSafe(self.run(args, input, manner, &heard)).catch_unwind().await;
        let outcome = done.unwrap_or_else(|_| {
            Err(Error::new(Kind::Failure, "defect", "the command broke off, by a defect of its own")
                .why("the terminal in which the studio runs has the details"))
        });
        let asked = heard.asked();
        let outcome = match (outcome, &asked) {
            (Ok(_), _) => Ok(()),
            // The words of a terminal, where the answer was no, are not those of a page that has not answered yet.
            (Err(error), Some(asked)) if error.kind() == Kind::Unconfirmed => {
                let reasons = error.reasons().to_vec();
                let needed = Error::new(Kind::Unconfirmed, "confirmation_needed", "a confirmation is needed");
                Err(reasons.into_iter().fold(needed.why(asked.question.as_str()), Error::why))
            }
            (Err(error), _) => Err(error),
        };
        let asked = asked.filter(|_| outcome.is_err());
        // The receiver is gone where the connection was closed meanwhile.
        let _ = reply.send(Done { outcome, answer: heard.answer(), said: heard.said(), asked });
    }

    async fn database(&self, manner: &Manner) -> Result<Arc<Database>> {
        if *manner == Manner::Read {
            return Ok(Arc::clone(&self.reader));
        }
        // The gate in front has refused it before; no connection that could write is opened in any case.
        if self.read_only {
            return Err(Error::new(Kind::Denied, "read_only", "this studio only reads"));
        }
        let writer = self.writer.get_or_try_init(async || self.cx.connect(&self.cx.url()?, Absent::Refuse).await);
        writer.await.cloned()
    }

    async fn run(&self, args: Vec<String>, input: String, manner: Manner, heard: &Heard) -> Result<Outcome> {
        let args: Vec<_> = std::iter::once("skyteam".to_owned()).chain(args).map(Into::into).collect();
        let parsed = Line::command().try_get_matches_from(&args).and_then(|found| Line::from_arg_matches(&found));
        let line = parsed.map_err(|error| usage::explained(&error, Line::command(), &args))?;
        let database = self.database(&manner).await?;
        let (agreed, typed) = match &manner {
            Manner::Apply { agreed, typed } => (agreed.clone(), typed.clone()),
            Manner::Read | Manner::Preview => (None, None),
        };
        let world = World {
            args: Vec::new(),
            env: self.cx.env.clone(),
            unreadable: BTreeSet::new(),
            cwd: self.cx.cwd.clone(),
            stdin: Box::new(Cursor::new(input)),
            stdout: Box::new(heard.out.clone()),
            output: None,
            taken: || Ok(()),
            stderr: Box::new(heard.err.clone()),
            terminal: Terminal::default(),
            now: None,
            prompt: Box::new(Person { agreed, typed, heard: heard.clone() }),
            signals: false,
        };
        let options = OutputOptions {
            format: Format::Json,
            columns: None,
            wide: false,
            header: true,
            csv_safe: false,
            quiet: false,
            verbosity: 0,
            color: (false, false),
            zone: self.cx.ui.zone(),
            database: self.cx.ui.database_flag(),
            // The person in the browser is asked.
            interactive: true,
            pager: false,
        };
        let cx = Context {
            ui: Ui::new(world, options),
            settings: self.cx.settings.clone(),
            now: Utc::now(),
            command: self.cx.command.clone(),
            line: args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect(),
            answers: Answers { dry_run: manner == Manner::Preview, ..Answers::default() },
            cwd: self.cx.cwd.clone(),
            env: self.cx.env.clone(),
            shutdown: self.cx.shutdown.clone(),
            // The page shows all the time where it writes.
            announced: true.into(),
            rehearses: false.into(),
            resumes: false.into(),
            watches: false.into(),
            page_width: self.cx.page_width,
            warned_of_plain_text: true.into(),
            warned_of_plain_store: true.into(),
            database: OnceCell::new_with(Some(Arc::clone(&database))),
        };
        let done = match line.noun {
            Noun::Db(Db::Doctor(args)) => doctor::run(args, &cx).await,
            Noun::User(verb) => verb.run(&cx).await,
            Noun::Airline(verb) => verb.run(&cx).await,
            Noun::Brand(verb) => verb.run(&cx).await,
            Noun::Flight(verb) => verb.run(&cx).await,
            Noun::Product(verb) => verb.run(&cx).await,
            Noun::Miles(verb) => verb.run(&cx).await,
        };
        match done {
            Ok(outcome) => Ok(outcome),
            Err(error) => Err(cx.explained(&database, error).await),
        }
    }
}

/// What a command says, and what it asks.
#[derive(Clone, Default)]
struct Heard {
    out: Stream,
    err: Stream,
    asked: Arc<Mutex<Option<Asked>>>,
}

/// A stream into memory.
#[derive(Clone, Default)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Heard {
    fn answer(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&lock(&self.out.0)).ok()
    }

    fn said(&self) -> Vec<String> {
        String::from_utf8_lossy(&lock(&self.err.0)).lines().map(str::to_owned).collect()
    }

    fn asked(&self) -> Option<Asked> {
        lock(&self.asked).clone()
    }
}

/// The person in the browser: answers what they have seen, and nothing else.
struct Person {
    agreed: Option<String>,
    typed: Option<String>,
    heard: Heard,
}

impl Person {
    /// Whether they have said yes to this question after these effects. If not, they are asked.
    fn agrees(&self, question: &str, typed: bool) -> bool {
        let said = self.heard.said();
        let seen = said.iter().map(String::as_str).chain([question]).collect::<Vec<_>>().join("\n");
        let agreement = Sha256::digest(seen).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        if self.agreed.as_ref() == Some(&agreement) {
            return true;
        }
        *lock(&self.heard.asked) = Some(Asked { question: question.to_owned(), said, typed, agreement });
        false
    }
}

impl Prompt for Person {
    fn yes(&mut self, question: &str) -> io::Result<bool> {
        Ok(self.agrees(question, false))
    }

    fn line(&mut self, question: &str) -> io::Result<String> {
        Ok(if self.agrees(question, true) { self.typed.clone().unwrap_or_default() } else { String::new() })
    }

    fn secret(&mut self, _: &str) -> io::Result<String> {
        Err(io::Error::other("no secret is asked for in a browser"))
    }
}
