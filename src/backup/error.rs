//! What can go wrong with backups: facts only, worded for the user in [`crate::error`].

use std::io;
use std::path::PathBuf;

use super::format::table_reader::Damage;
use crate::db::{Engine, SqlState};
use crate::schema::Holder;

/// Why a backup, restore or verification did not happen.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file system refused; `doing` is a gerund clause.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// The refusal.
        #[source]
        source: io::Error,
    },
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The database refused, by way of SeaORM.
    #[error(transparent)]
    Orm(#[from] sea_orm::DbErr),
    /// SQLite refused to read a file.
    #[error("{}", .0.message)]
    Sqlite(SqlState),
    /// The file is an archive and is not whole.
    #[error("{part}: {found}")]
    Damaged {
        /// The member, or `the archive`.
        part: String,
        /// What is wrong with it, one clause.
        found: String,
    },
    /// The file is none that can be restored.
    #[error("not a backup: {found}")]
    NotABackup {
        /// What it looks like.
        found: String,
    },
    /// A newer skyteam wrote it.
    #[error("written by skyteam {skyteam}")]
    TooNew {
        /// The version that wrote it.
        skyteam: String,
        /// What this one does not know.
        what: String,
    },
    /// The file is encrypted and no identity was given.
    #[error("encrypted")]
    Encrypted,
    /// No given identity opens it.
    #[error("no identity fits")]
    WrongIdentity,
    /// A recipient or identity cannot be understood; never holds key material of an identity.
    #[error("{0}")]
    Key(String),
    /// A dump that cannot be read or restored here, for reasons that say nothing of the dump: a program or a server that
    /// is older, a role or an extension that is missing.
    #[error("cannot be judged here: {why}")]
    Unjudged {
        /// What the program or the server said.
        why: String,
    },
    /// A dump by a later `pg_dump` than the `pg_restore` that is here, or by one that was built with more.
    #[error("made by another pg_dump: {why}")]
    NewerDump {
        /// The dump.
        path: PathBuf,
        /// What the program said.
        why: String,
    },
    /// A plain dump has a command of psql that `pg_dump` does not write.
    #[error("line {line} has {command}")]
    PsqlCommand {
        /// Its name, `\\connect`, without arguments.
        command: String,
        /// The number of the line, from 1.
        line: u64,
    },
    /// The reader of the backup went away before it had all of it.
    #[error("not all of it was taken")]
    NotTaken,
    /// Another run works in the same folder.
    #[error("another backup is running")]
    Busy {
        /// The lock file.
        lock: PathBuf,
    },
    /// Another user made the lock file of a folder, and this one may not open it.
    #[error("the lock belongs to another user")]
    LockDenied {
        /// The lock file.
        lock: PathBuf,
        /// Its folder.
        folder: PathBuf,
        /// The number of the user that it belongs to.
        owner: u32,
    },
    /// The target holds data or tables already.
    #[error("the target is not empty")]
    NotEmpty {
        /// Each table and its rows, where that is what is in the way.
        tables: Vec<(String, u64)>,
    },
    /// What the target has is not what was decided on any more.
    #[error("the target was changed meanwhile")]
    Changed {
        /// What is different, one clause each.
        changes: Vec<String>,
    },
    /// What was restored could not be taken on to the newest version.
    #[error("cannot be migrated to {version}")]
    Onward {
        /// The migration that failed, as version and name.
        version: String,
        /// The refusal.
        #[source]
        source: sqlx::Error,
    },
    /// Objects that are not skyteam's depend on tables that would be replaced.
    #[error("other objects depend on skyteam's tables")]
    Dependents {
        /// `view monthly_miles`, …
        objects: Vec<String>,
    },
    /// Something that was attached to a table could not be put back as it was.
    #[error("{what} cannot be put back")]
    PutBack {
        /// `publication p of table users`, …
        what: String,
        /// The refusal.
        #[source]
        source: sqlx::Error,
    },
    /// There is no such folder.
    #[error("no folder {}", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// What should be a folder is none.
    #[error("{} is no folder", path.display())]
    NotAFolder {
        /// What it is called.
        path: PathBuf,
    },
    /// What should be written to can take no backup.
    #[error("{} is {what}", path.display())]
    NotAFile {
        /// What it is called.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A file that is not skyteam's has a name that is needed.
    #[error("{} is not skyteam's", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// There is no such table in the database or in the archive.
    #[error("no table {name}")]
    NoTable {
        /// The table asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The target lacks what the archive's rows need.
    #[error("{table} does not fit")]
    Misfit {
        /// The table.
        table: String,
        /// One clause.
        why: String,
    },
    /// A cell cannot be stored where it should go.
    #[error("{table}.{column}: {why}")]
    Cell {
        /// Its table.
        table: String,
        /// Its column.
        column: String,
        /// Its row, from 1, in the order of the archive.
        row: u64,
        /// One clause.
        why: String,
    },
    /// Cells that an archive cannot hold.
    #[error("there are cells that cannot be archived")]
    Unarchivable {
        /// Some of them, at least one.
        cells: Vec<Unarchivable>,
        /// On which engine.
        engine: Engine,
    },
    /// After loading, the target did not hold what the archive does.
    #[error("{table}: {found} rows instead of {wanted}")]
    Count {
        /// The table.
        table: String,
        /// Rows in the archive.
        wanted: u64,
        /// Rows in the target.
        found: u64,
    },
    /// The database that was backed up, or restored, has other values than the archive.
    #[error("{table}: other values")]
    Digest {
        /// The table.
        table: String,
    },
    /// The role may not read everything.
    #[error("no right to read")]
    Unreadable {
        /// The role.
        role: String,
        /// What the server said.
        why: String,
    },
    /// A session waited for tables that were being read, with all others queued behind: reading them was given up.
    #[error("gave way to a change of the tables")]
    GaveWay {
        /// Who waits, or has the tables by now.
        holders: Vec<Holder>,
    },
    /// Others did not let go of the tables in time.
    #[error("the tables are in use")]
    InUse {
        /// Who holds them.
        holders: Vec<Holder>,
        /// What the server said, where it said it to us.
        source: Option<sqlx::Error>,
    },
    /// The file keeps its text in another form than UTF-8.
    #[error("the file is in {encoding}")]
    Encoding {
        /// As SQLite calls it.
        encoding: String,
    },
    /// The database is behind a pooler in transaction mode, which keeps no session for longer than a transaction.
    #[error("behind a pooler")]
    Pooler,
    /// Fewer rows were read than there are.
    #[error("{table}: {found} of {wanted} rows were read")]
    Unread {
        /// The table.
        table: String,
        /// Rows there are.
        wanted: u64,
        /// Rows that were read.
        found: u64,
    },
    /// The tables are those of no version that could be restored.
    #[error("the tables are those of no version")]
    NoVersion {
        /// What every version has and this database lacks.
        lacking: Vec<String>,
    },
    /// A PostgreSQL client program is missing, too old, or failed.
    #[error("{program}: {why}")]
    Program {
        /// `pg_dump`, `pg_restore`, `psql`.
        program: &'static str,
        /// One clause, or the program's own last words.
        why: String,
        /// What mends it.
        fix: Option<String>,
    },
    /// A place outside of this machine refused, or did not answer.
    #[error("{doing} {place}: {why}")]
    Store {
        /// Its URL, which has no secrets.
        place: String,
        /// What was being done, a gerund.
        doing: &'static str,
        /// What sort of failure it is.
        fault: StoreFault,
        /// What the service said, one clause.
        why: String,
    },
    /// A URL of a place that cannot be one.
    #[error("no place: {why}")]
    BadPlace {
        /// What is wrong with it, one clause, without secrets.
        why: String,
    },
    /// A thread of ours ended without an answer.
    #[error("a worker stopped")]
    Worker,
    /// The user wanted an end.
    #[error("interrupted")]
    Interrupted,
}

/// What sort of failure a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// There is no such bucket or container.
    NoBucket,
    /// There is no such object.
    NoObject,
    /// The credentials are missing or wrong, or lack the right.
    Denied,
    /// It cannot be reached, or says that it is overloaded.
    Unreachable,
    /// Anything else.
    Refused,
}

/// Result of this engine.
pub type Result<T, E = BackupError> = std::result::Result<T, E>;

impl BackupError {
    /// Wraps a refusal of the file system: `.map_err(BackupError::io("writing the archive"))`.
    ///
    /// What a store has put into an [`io::Error`], to pass through a reader or a writer, comes out again as it was.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| match source.downcast::<Self>() {
            Ok(own) => own,
            Err(source) => Self::Io { doing, source },
        }
    }

    /// Whether a store refused it for lack of a right, or because what is there may not be removed yet.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self, Self::Store { fault: StoreFault::Denied, .. })
    }

    /// The archive as a whole is damaged.
    pub(crate) fn archive(found: impl Into<String>) -> Self {
        Self::Damaged { part: "the archive".into(), found: found.into() }
    }

    /// One member of the archive is damaged.
    pub(crate) fn member(part: impl Into<String>) -> impl FnOnce(Damage) -> Self {
        let part = part.into();
        move |damage| Self::Damaged { part, found: damage.0 }
    }
}

/// A cell that cannot be archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unarchivable {
    /// Its table.
    pub table: String,
    /// Its column.
    pub column: String,
    /// Its row's primary key, as `userId 42`; where there is none, the row's place.
    pub key: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has so many bytes.
    Large(u64),
    /// Its bytes are no text in the database's encoding.
    Encoding,
    /// It is not of its column's type, which SQLite lets happen in tables that are not strict.
    Type,
    /// It is one of the two times that an archive would take for infinity.
    Time,
    /// It is `NaN` in a column of exact numbers.
    NotANumber,
}
