//! The context of a command: the printer, the settings, the time, and the database, opened on first use.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use crate::cli::approve::{self, Answers, Ask};
use crate::cli::settings::{DatabaseChoice, Origin, ProfileKind, Settings};
use crate::cli::ui::Ui;
use crate::consent::Approval;
use crate::db::{self, Absent, Access, Database, Transaction};
use crate::error::indeterminate::{RetryAdvice, outcome_unknown};
use crate::error::{Error, Kind, Result};
use crate::message::{Command, message, skyteam, typed};

/// What a command works with.
pub(crate) struct Context {
    /// The printer.
    pub ui: Ui,
    /// The settings.
    pub settings: Settings,
    /// The time this run takes for now.
    pub now: DateTime<Utc>,
    /// Noun and verb, for the server's list of sessions.
    pub command: String,
    /// The command line after the program's name.
    pub line: Vec<String>,
    /// What the command line answers beforehand: `--dry-run`, `--yes`, `--confirm`.
    pub answers: Answers,
    /// The current folder.
    pub cwd: PathBuf,
    /// The environment, for the children that `db shell` and `db backup --format custom` start. Settings were resolved
    /// from it already.
    pub env: std::collections::BTreeMap<String, String>,
    /// What an interrupt must wait for.
    pub(crate) shutdown: db::Shutdown,
    /// Whether it was said where this run writes.
    pub(crate) announced: AtomicBool,
    /// Whether all is rolled back at the end though this is no dry run.
    pub(crate) rehearses: AtomicBool,
    /// Whether what it has done stays when it is cut off, and the same command goes on from there.
    pub(crate) resumes: AtomicBool,
    /// Whether it shows an answer again and again, until an interrupt ends it.
    pub(crate) watches: AtomicBool,
    pub(crate) database: OnceCell<Arc<Database>>,
    /// Columns of a page of help.
    pub page_width: usize,
    /// Whether it was said that a connection may go unencrypted.
    pub(crate) warned_of_plain_text: AtomicBool,
    /// Whether it was said that backups go to another machine unencrypted.
    pub(crate) warned_of_plain_store: AtomicBool,
}

impl Context {
    /// The database, for a command that only reads: on PostgreSQL its transactions are read only. Never makes an SQLite
    /// file.
    ///
    /// # Errors
    /// Whatever keeps it from being opened: exit codes 6, 7 and 8.
    pub(crate) async fn reader(&self) -> Result<Arc<Database>> {
        self.open(Absent::Refuse, Access::Read).await
    }

    /// The database, for a command that writes: says first, on stderr, where it writes.
    ///
    /// # Errors
    /// As for [`Context::reader`].
    pub(crate) async fn writer(&self) -> Result<Arc<Database>> {
        let database = self.open(Absent::Refuse, Access::Write).await?;
        self.announce_once(&database);
        Ok(database)
    }

    /// The database, for a command that may make the SQLite file: `db push`, `migrate`, `create`, `seed`. A dry run makes
    /// none: where it is not there, an empty database in memory is used.
    ///
    /// # Errors
    /// As for [`Context::reader`].
    pub(crate) async fn creator(&self) -> Result<Arc<Database>> {
        let absent = if self.answers.dry_run { Absent::StandIn } else { Absent::Create };
        let database = self.open(absent, Access::Write).await?;
        self.announce_once(&database);
        Ok(database)
    }

    /// The same for a run that is rolled back though this is no dry run.
    ///
    /// # Errors
    /// As for [`Context::reader`].
    pub(crate) async fn rehearser(&self) -> Result<Arc<Database>> {
        let database = self.open(Absent::StandIn, Access::Write).await?;
        self.announce_once(&database);
        Ok(database)
    }

    /// Asks, or takes a flag for the answer. Under `--dry-run` nothing is asked: nothing will last.
    ///
    /// # Errors
    /// [`Kind::Unconfirmed`]: no terminal to ask on, or the answer was no.
    pub(crate) async fn approve(&self, ask: Ask) -> Result<Approval> {
        let ask = match self.database.get() {
            Some(database) => ask.on(database.name()),
            None => ask,
        };
        approve::approve(ask, &self.answers, &self.ui).await
    }

    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn begin(&self, database: &Database) -> Result<Transaction> {
        Ok(database.begin().await?)
    }

    /// Commits; or under `--dry-run` rolls back and says so. Returns whether it was committed.
    ///
    /// # Errors
    /// The database's. When the connection is lost here the outcome is unknown, and the error says so.
    pub(crate) async fn finish(&self, transaction: Transaction) -> Result<bool> {
        if self.answers.dry_run {
            transaction.rollback().await?;
            self.ui.note("Dry run: rolled back, nothing was changed.");
            return Ok(false);
        }
        transaction.commit().await.map_err(|error| {
            if db::is_outcome_unknown(&error) {
                return outcome_unknown(RetryAdvice::Unsaid).source(error);
            }
            error.into()
        })?;
        Ok(true)
    }

    /// The URL in use, with what libpq's environment fills in.
    ///
    /// # Errors
    /// [`Kind::Config`].
    pub(crate) fn url(&self) -> Result<db::DatabaseUrl> {
        self.settings.url()
    }

    /// Opens another database than the settings' own, in the same manner.
    ///
    /// # Errors
    /// As for [`Context::reader`].
    pub(crate) async fn connect(&self, url: &db::DatabaseUrl, absent: Absent) -> Result<Arc<Database>> {
        self.connect_as(url, absent, Access::Write).await
    }

    async fn connect_as(&self, url: &db::DatabaseUrl, absent: Absent, access: Access) -> Result<Arc<Database>> {
        let options = db::Options {
            absent,
            access,
            shutdown: self.shutdown.clone(),
            trace: self.ui.tracer(),
            ..self.settings.options(&self.command)
        };
        let url = url.below(&self.cwd);
        let target = db::Target::of(&url);
        if !target.is_local() && url.may_go_unencrypted() && !self.warned_of_plain_text.swap(true, Ordering::Relaxed) {
            let host = target.host.unwrap_or_default();
            self.ui.warn(message!(
                "the connection to {} may be unencrypted: sslmode=prefer goes without where the server, or someone on \
                 the way, refuses encryption; sslmode=verify-full in the URL makes sure",
                &host
            ));
        }
        Ok(Arc::new(db::connect(&url, options).await?))
    }

    /// Says where it writes: `→ production  skyteam @ db.example.com:5432 as ops (profile prod)`.
    pub(crate) fn announce(&self, database: &Database) {
        self.announce_target(database.target());
    }

    /// As [`Context::announce`], unless it was said already.
    fn announce_once(&self, database: &Database) {
        if !self.announced.load(Ordering::Relaxed) {
            self.announce(database);
        }
    }

    fn announce_target(&self, target: &db::Target) {
        self.announced.store(true, Ordering::Relaxed);
        let from = match (&self.settings.profile, &self.settings.database.value, &self.settings.chosen_by) {
            (Some(profile), _, Some(file)) => format!("profile {}, by {}", profile.value, file.display()),
            (Some(profile), _, None) => format!("profile {}", profile.value),
            (None, DatabaseChoice::Embedded(_), _) => "embedded default".into(),
            (None, ..) => self.settings.database.origin.to_string(),
        };
        let kind = match self.settings.kind.value {
            ProfileKind::Local if !target.is_local() => "remote",
            kind => kind.name(),
        };
        self.ui.note(message!("→ {}  {} ({})", &kind, target.to_string(), &from));
    }

    /// A path that was given, from the current folder on, without `.` in it.
    pub(crate) fn path(&self, given: impl AsRef<Path>) -> PathBuf {
        self.cwd.join(given).components().collect()
    }

    /// The command line once more, with `to` in place of the argument `from`.
    pub(crate) fn again_with(&self, from: &str, to: &str) -> Command {
        let mut words = self.line.clone();
        let joined =
            |word: &str| word.starts_with("--") && word.split_once('=').is_some_and(|(_, value)| value == from);
        if let Some(word) = words.iter_mut().rev().find(|word| *word == from || joined(word)) {
            *word = match word.split_once('=').filter(|_| word != from) {
                Some((flag, _)) => format!("{flag}={to}"),
                None => to.to_owned(),
            };
        }
        typed(words.iter().map(String::as_str))
    }

    /// Whether this run changes something that lasts: a database, or files.
    pub(crate) fn has_written(&self) -> bool {
        // They write files, or a database that they announce themselves.
        const OTHERS: [&str; 11] = [
            "db backup",
            "db create",
            "db generate",
            "db prune",
            "db restore",
            "db transfer",
            "completions install",
            "config init",
            "config keygen",
            "config trust",
            "man",
        ];
        let lasts = !self.answers.dry_run && !self.rehearses.load(Ordering::Relaxed);
        lasts && (self.announced.load(Ordering::Relaxed) || OTHERS.contains(&self.command.as_str()))
    }

    /// The error with the reason why a server only reads: whether it is worth another try depends on it.
    pub(crate) async fn explained(&self, database: &Database, error: Error) -> Error {
        if error.state() != Some("25006") {
            return error;
        }
        match db::read_only::why(database).await {
            Ok(Some(why)) => error.read_only(&why),
            _ => error,
        }
    }

    async fn open(&self, absent: Absent, access: Access) -> Result<Arc<Database>> {
        let database = self.database.get_or_try_init(|| async {
            let url = self.url()?;
            // A file of the current folder, or of one above, decides where a password goes: seen before it does.
            if self.settings.chosen_by.is_some() {
                self.announce_target(&db::Target::of(&url.below(&self.cwd)));
            }
            match self.connect_as(&url, absent, access).await {
                Err(error) if error.code() == "no_database" && self.is_embedded() => Err(no_embedded(error)),
                opened => opened,
            }
        });
        database.await.cloned()
    }

    fn is_embedded(&self) -> bool {
        matches!(self.settings.database.value, DatabaseChoice::Embedded(_))
            && self.settings.database.origin == Origin::Default
    }
}

/// A cron job that lost its environment must see this, and not a good backup of nothing.
fn no_embedded(error: Error) -> Error {
    Error::new(Kind::Config, "no_database", "no database is named, and the embedded one does not exist yet")
        .why(error.what().to_owned())
        .fix(message!("{}                 makes the embedded database", skyteam("db push")))
        .fix("export DATABASE_URL=postgres://…  or --profile NAME, names another")
}
