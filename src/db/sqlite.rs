//! Opening an SQLite database: a file of our own making, or one that is there.

use std::path::Path;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Sqlite, SqlitePool};

use super::{Absent, ConnectError, Database, DatabaseUrl, Options, Password, Pool, SqliteUrl, Target};
use crate::system;

/// Opens the file at `place`, and makes it where `options` allow that.
pub(super) async fn connect(place: &SqliteUrl, mut options: Options) -> Result<Database, ConnectError> {
    let path = place.path.display().to_string();
    let target = Target::of_file(place);
    let mut connect = SqliteConnectOptions::new().foreign_keys(true).disable_statement_logging();
    let mut read_only = false;
    for (name, value) in &place.parameters {
        match (name.as_str(), value.as_str()) {
            ("mode", "ro") => read_only = true,
            // What happens is the command's to say: only those that lay tables make the file.
            ("mode", "rw" | "rwc") => {}
            ("mode", _) => return Err(ConnectError::parameter(name, value, "ro, rw or rwc")),
            _ if options.take(name, value)? => {}
            _ => return Err(ConnectError::UnknownParameter { name: name.clone() }),
        }
    }
    connect = connect.busy_timeout(options.busy_timeout);
    let stand_in = options.absent == Absent::StandIn && !place.in_memory() && !place.path.exists();
    let place = if stand_in { &SqliteUrl { path: ":memory:".into(), parameters: Vec::new() } } else { place };
    if place.in_memory() {
        // Shared under a name of its own, so that what reads in a thread of its own can open it too.
        let name = format!("file:skyteam-{}?mode=memory&cache=shared", uuid::Uuid::new_v4().simple());
        connect = connect.filename(name);
        options.max_connections = 1;
    } else {
        if place.path.is_dir() {
            return Err(ConnectError::IsFolder { path });
        }
        if !place.path.exists() {
            if options.absent == Absent::Refuse {
                return Err(ConnectError::NoFile { path });
            }
            make_file(&place.path).map_err(|source| ConnectError::Folder { path: path.clone(), source })?;
        }
        connect = connect.filename(&place.path).read_only(read_only);
        if !read_only {
            // Kept in the file: readers and one writer side by side. Miles are money: synchronous stays FULL.
            connect = connect.journal_mode(SqliteJournalMode::Wal);
        }
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(options.connect_timeout)
        .idle_timeout((!place.in_memory()).then_some(options.idle_timeout))
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(connect);
    match first(&pool, options.busy_timeout).await {
        Ok(mut first) => first.return_to_pool().await,
        Err(_) if !place.in_memory() && may_not_read(&place.path) => return Err(ConnectError::Unreadable { path }),
        Err(source) => {
            return Err(ConnectError::Server { target: Box::new(target), password: Password::None, source });
        }
    };
    Ok(Database::new(Pool::Sqlite(pool), target, DatabaseUrl::Sqlite(place.clone()), options, None))
}

/// The first connection, which turns the file to write-ahead logging. SQLite does not wait for locks there: two who turn a new
/// file at the same time would wait for each other, so one of them is refused at once and must try again.
async fn first(pool: &SqlitePool, patience: Duration) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
    let deadline = Instant::now() + patience;
    loop {
        match pool.acquire().await {
            Err(error) if Instant::now() < deadline && is_busy(&error) => {
                let pause = rand::rng().random_range(1..=20);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            done => return done,
        }
    }
}

/// Whether another connection was in the way: SQLITE_BUSY, whatever its extension.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// SQLite has one code for whatever keeps it from opening a file; the system has the reason.
fn may_not_read(path: &Path) -> bool {
    std::fs::File::open(path).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// Makes a folder and those above it that are missing, for their owner alone.
///
/// # Errors
/// The system's.
pub(crate) fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    system::private_folder(builder.recursive(true)).create(folder)
}

/// Makes the file, empty and for its owner alone, and the folders above it.
fn make_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_folder(folder)?;
    }
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create_new(true);
    match system::private_file(&mut file).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}
