//! The wording of what keeps backups and restores from happening.

use std::io;

use super::driver::describe_state;
use super::schema::holder;
use super::{Error, Kind};
use crate::backup::BackupError;
use crate::backup::error::StoreFault;
use crate::backup::error::{Fault, Unarchivable};
use crate::backup::refused::Refused;
use crate::db::{Engine, quote};
use crate::directory::input::quoted;
use crate::message::{Message, Words, message, program, skyteam};
use crate::system;

/// How many tables or objects are named before the rest is counted.
const NAMED: usize = 5;

impl From<BackupError> for Error {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Io { doing, source } => file_system(doing, source),
            BackupError::Database(source) => database(source),
            BackupError::Orm(source) => source.into(),
            BackupError::Sqlite(state) => describe_state(&state, None, None),
            BackupError::Damaged { part, found } => {
                Self::new(Kind::Refused, "damaged_backup", "the backup is damaged; nothing was touched")
                    .why(message!("{}: {}", part, found))
                    .fix(message!("{}     shows the others", skyteam("db backups")))
            }
            BackupError::NotABackup { found } => Self::new(Kind::Refused, "not_a_backup", "the file is no backup")
                .why(found)
                .fix(message!("{}     lists those in a folder", skyteam("db backups DIR"))),
            BackupError::TooNew { skyteam, what } => {
                Self::new(Kind::Refused, "too_new", "the backup is newer than this program")
                    .why(message!("it was written by skyteam {} and has {}", &skyteam, &what))
                    .fix("use that version of skyteam or a later one")
            }
            BackupError::Encrypted => Self::new(Kind::Denied, "encrypted", "the backup is encrypted")
                .fix("add --identity FILE with the private key"),
            BackupError::WrongIdentity => {
                Self::new(Kind::Denied, "wrong_identity", "none of the given identities opens the backup")
                    .why("it was encrypted to other keys")
                    .fix("give the file that age-keygen wrote together with the public key: --identity FILE")
            }
            BackupError::Key(why) => Self::new(Kind::Usage, "bad_key", "a key cannot be used").why(why),
            BackupError::Unjudged { why } => {
                let what = "the backup cannot be judged here; that says nothing against it";
                Self::new(Kind::Refused, "cannot_be_judged", what)
                    .why(why)
                    .fix("use the client programs and a server of the version that it was made with, with its roles and extensions")
            }
            BackupError::NewerDump { path, why } => {
                let what = "the dump cannot be judged by the pg_restore that is here; that says nothing against it";
                let read = program("pg_restore").words("--no-owner --file=-").file(path.display());
                Self::new(Kind::Refused, "cannot_be_judged", what)
                    .why(why)
                    .fix(message!("{} | {}", read, skyteam("db restore -")))
                    .fix("with the pg_restore of the version that made it; the server may be older")
            }
            BackupError::PsqlCommand { command, line } => psql_command(&command, line),
            BackupError::Store { place, doing, fault, why } => store(&place, doing, fault, why),
            BackupError::BadPlace { why } => Self::new(Kind::Usage, "bad_place", "that is no place for backups")
                .why(why)
                .fix("s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX, with the credentials in the environment"),
            BackupError::NotTaken => Self::new(
                Kind::Failure,
                "not_taken",
                "the backup was not read to its end; there is no backup of this run",
            )
            .why("the program that it was piped into went away before it had taken every byte")
            .fix("look at what that program said; what it has written is not whole"),
            BackupError::Busy { lock } => {
                Self::new(Kind::Locked, "backup_running", "another backup is running in that folder")
                    .why(message!("it holds {}", lock.display()))
                    .fix("wait until it ends")
            }
            BackupError::LockDenied { lock, folder, owner } => {
                let (lock, folder) = (lock.display().to_string(), folder.display().to_string());
                Self::new(Kind::Denied, "lock_denied", "the folder's lock belongs to another user")
                    .why(message!("{} belongs to {}, who made backups here", &lock, system::user_name(owner)))
                    .fix(program("sudo").words("chown").flag("--reference", folder).file(lock))
            }
            BackupError::NotEmpty { tables } => {
                let error = Self::new(Kind::Refused, "target_not_empty", "the database is not empty");
                let named = tables.iter().take(NAMED).map(|(table, rows)| message!("{} has {}", table, rows_of(*rows)));
                let error = named.fold(error, Self::why);
                more(error, tables.len()).fix("--clean replaces the rows of skyteam's tables, after asking")
            }
            BackupError::Changed { changes } => {
                let error = Self::new(
                    Kind::Refused,
                    "target_changed",
                    "the database was changed while the restore waited for it; nothing was replaced",
                );
                let error = changes.iter().take(NAMED).cloned().fold(error, Self::why);
                more(error, changes.len()).fix("stop what writes into it, and restore again")
            }
            BackupError::Onward { version, source } => {
                let refusal = Self::from(source);
                let error = Self::new(
                    refusal.kind(),
                    refusal.code(),
                    message!("the backup cannot be migrated to {}; nothing was changed", version),
                );
                error.because(&refusal).fix(message!(
                    "restore it into an empty database: there its rows can be mended before {}",
                    skyteam("db migrate")
                ))
            }
            BackupError::Dependents { objects } => {
                let error = Self::new(
                    Kind::Refused,
                    "dependents",
                    "objects that are not skyteam's depend on its tables; nothing was changed",
                );
                let error = objects.iter().take(NAMED).cloned().fold(error, Self::why);
                more(error, objects.len()).fix("drop them, restore, and make them again")
            }
            BackupError::PutBack { what, source } => {
                let refusal = Self::from(source);
                let message = message!("{} cannot be put back as it was; nothing was changed", what);
                Self::new(refusal.kind(), refusal.code(), message)
                    .because(&refusal)
                    .fix("drop it, restore, and make it again; or restore as a role that may make it")
            }
            BackupError::NoFolder { path } => {
                let path = path.display();
                Self::new(Kind::NotFound, "no_such_folder", message!("there is no folder {}", path.to_string()))
                    .fix(program("mkdir").words("-p").file(path))
            }
            BackupError::NotAFolder { path } => {
                Self::new(Kind::Usage, "usage", message!("{} is no folder", path.display()))
                    .why("backups are written into folders")
                    .fix("-f FILE names the file itself")
            }
            BackupError::NotAFile { path, what } => {
                Self::new(Kind::Usage, "usage", message!("{} is {}", path.display(), &what))
                    .why("-f names a file, or a pipe")
                    .fix(message!("{}     writes into a folder", skyteam("db backup DIR")))
            }
            BackupError::Foreign { path } => {
                Self::new(Kind::Refused, "foreign_file", message!("{} is not skyteam's", path.display()))
                    .why("a file of that name is needed, and the one that is there was not made by skyteam")
                    .fix("move it out of the way")
            }
            BackupError::NoTable { name, known } if known.is_empty() => {
                Self::new(Kind::Refused, "no_tables", "there are none of skyteam's tables here")
                    .why(message!("not even {}", &name))
                    .fix(skyteam("db push"))
            }
            BackupError::NoTable { name, known } => {
                Self::new(Kind::NotFound, "no_such_table", message!("no table {}", quoted(&name)))
                    .why(message!("there are {}", known.join(", ")))
            }
            BackupError::Misfit { table, why } => {
                Self::new(Kind::Refused, "misfit", message!("{} does not fit; nothing was changed", &table)).why(why)
            }
            BackupError::Cell { table, column, row, why } => Self::new(
                Kind::Refused,
                "misfit",
                "a value cannot be carried over; nothing was changed",
            )
            .why(message!("row {} of {}, column {}: {}", row.to_string(), &table, &column, &why)),
            BackupError::Unarchivable { cells, engine } => {
                let what = "there are cells that an archive cannot hold; no backup was made";
                let error = Self::new(Kind::Refused, "unarchivable", what);
                let error = cells.iter().take(NAMED).map(cell).fold(error, Self::why);
                let error = more(error, cells.len());
                cells.iter().take(1).fold(error, |error, cell| error.fix(mend_cell(cell, engine)))
            }
            BackupError::Count { table, wanted, found } => {
                Self::new(Kind::Failure, "wrong_count", "the target did not take every row; it was rolled back")
                    .why(message!("{}: {} instead of {}", table, rows_of(found), wanted))
            }
            BackupError::Digest { table } => Self::new(
                Kind::Refused,
                "damaged",
                "the backup's values are not those of the database that was backed up",
            )
            .why(message!("{}: other values than its server has summed up when the backup was made", table)),
            BackupError::Unreadable { role, why } => {
                let role = quote(&role);
                Self::new(Kind::Denied, "permission_denied", "the role may not read all that a backup holds")
                    .why(why)
                    .fix(message!("as the owner: GRANT USAGE ON SCHEMA public, skyteam TO {}", &role))
                    .fix(message!("as the owner: GRANT SELECT ON ALL TABLES IN SCHEMA public, skyteam TO {}", &role))
            }
            BackupError::InUse { holders, source } => {
                let error = Self::new(Kind::Locked, "lock_timeout", "the tables are in use; nothing was changed");
                let error = match source {
                    Some(source) => error.source(source),
                    None => error,
                };
                let error = holders.iter().take(NAMED).map(holder).fold(error, Self::why);
                more(error, holders.len()).fix("wait until they are done, or wait longer: --lock-timeout 60000")
            }
            BackupError::GaveWay { holders } => {
                let error = Self::new(Kind::Locked, "gave_way", "others change the tables; no backup was made").why(
                    "another session waited to change a table that was being read, and all others waited behind it",
                );
                let error = holders.iter().take(NAMED).map(holder).fold(error, Self::why);
                more(error, holders.len()).fix("wait until they are done, and run the command again")
            }
            BackupError::Encoding { encoding } => Self::new(
                Kind::Refused,
                "encoding",
                message!("the file keeps its text in {}; only UTF-8 is backed up", encoding),
            )
            .why("skyteam makes no such files; another program made this one")
            .fix("sqlite3 FILE .dump | sqlite3 NEW     makes a file in UTF-8 with the same rows"),
            BackupError::Pooler => Self::new(
                Kind::Config,
                "pooler",
                "backups and restores do not go through a pooler in transaction mode",
            )
            .why("they need sessions of their own, and the URL says that a pooler is in front of the server")
            .fix("connect to the server itself: its own port, without statement-cache-capacity=0 and pgbouncer=true"),
            BackupError::Unread { table, wanted, found } => {
                Self::new(Kind::Failure, "unread", "not every row could be read; no backup was made")
                    .why(message!("{} of {} of {} were read", found, rows_of(wanted), table))
                    .fix(skyteam("db doctor"))
            }
            BackupError::NoVersion { lacking } => {
                let error = Self::new(
                    Kind::Refused,
                    "no_version",
                    "these are not the tables of any version of skyteam, so no restore could make them again",
                );
                let error =
                    lacking.iter().take(NAMED).map(|what| message!("there is no {}", what)).fold(error, Self::why);
                more(error, lacking.len())
                    .fix(message!("{}     shows what is different", skyteam("db diff")))
                    .fix(message!("{}     repairs it", skyteam("db push")))
                    .fix(message!(
                        "{}     dumps any PostgreSQL database as it is",
                        skyteam("db backup --format custom")
                    ))
            }
            BackupError::Program { program, why, fix } => {
                let error = Self::new(Kind::Refused, "client_program", message!("{} cannot do it", program));
                // In as many lines as the program had.
                let error = why.lines().map(str::to_owned).fold(error, Self::why);
                fix.into_iter().fold(error, Self::fix)
            }
            BackupError::Interrupted => Self::new(Kind::Interrupted, "interrupted", "interrupted"),
            BackupError::Worker => Self::new(Kind::Failure, "worker", "a part of the program stopped unexpectedly"),
        }
    }
}

/// A command of psql in a dump: by hand, or by another program than `pg_dump`.
fn psql_command(command: &str, line: u64) -> Error {
    let error = Error::new(Kind::Refused, "psql_command", "the dump has a command of psql, which is not run");
    if matches!(command, "\\connect" | "\\c") {
        return error
            .why(message!("line {} has {}: what follows is meant for another database", line, command))
            .fix(message!(
                "dump each database alone: {}",
                program("pg_dump").words("--dbname=DATABASE --file=DATABASE.sql")
            ))
            .fix("a dump of a whole server goes back with psql, on a server of its own");
    }
    error
        .why(message!("line {} has {}, which pg_dump does not write", line, command))
        .fix("find out who wrote it; if it is not needed, take it out of the file")
}

/// A refusal of a place off this machine.
fn store(place: &str, doing: &'static str, fault: StoreFault, why: String) -> Error {
    let what = |kind, code| Error::new(kind, code, message!("{} {} failed", Words(doing), place)).why(why.clone());
    match fault {
        StoreFault::NoBucket => what(Kind::NotFound, "no_bucket").fix("make the bucket first, or name another"),
        StoreFault::NoObject => what(Kind::NotFound, "no_backup")
            .fix(message!("{}     lists those that there are", skyteam("db backups URL"))),
        StoreFault::Denied => what(Kind::Denied, "store_denied")
            .fix("look at the credentials (AWS_ACCESS_KEY_ID, AWS_PROFILE, …) and at what they may do; the page on backups lists it"),
        StoreFault::Unreachable => what(Kind::Unreachable, "store_unreachable")
            .fix("look at the network and at AWS_ENDPOINT_URL, and run the command again"),
        StoreFault::Refused => what(Kind::Failure, "store_refused"),
    }
}

/// What to do about a definition that no restore makes.
pub(crate) const MAKE_BY_HAND: &str =
    "keep the statement that makes it: a restore goes only into tables that have it by then";

/// A definition of another tool that a restore would refuse, in words.
pub(crate) fn refusal(refused: &Refused) -> Message {
    message!("a restore would refuse {} of {}: {}", &refused.name, &refused.table, &refused.why)
}

/// A cell that cannot be archived: where it is, and why.
pub(crate) fn cell(cell: &Unarchivable) -> Message {
    let place = message!("{}.{} of {}", &cell.table, &cell.column, &cell.key);
    match cell.fault {
        Fault::Large(bytes) => message!("{}: it has {} bytes, and an archive holds 67,108,864", place, bytes),
        Fault::Encoding => message!("{}: its bytes are no text that could be turned into UTF-8", place),
        Fault::Type => message!("{}: it is not of the type that its column promises", place),
        Fault::Time => message!("{}: an archive would take this time for infinity", place),
        Fault::NotANumber => message!("{}: it is NaN, which the exact numbers of an archive do not have", place),
    }
}

/// How to repair such a cell, or to take it as it is.
pub(crate) fn mend_cell(cell: &Unarchivable, engine: Engine) -> Message {
    let (table, column) = (quote(&cell.table), quote(&cell.column));
    match (cell.fault, engine) {
        (Fault::Large(_), Engine::Postgres) => {
            message!("shorten it, or: {}    takes it", skyteam("db backup DIR --format custom"))
        }
        (Fault::Large(_), Engine::Sqlite) => {
            message!("shorten it, or: {}    takes it", program("sqlite3").words("FILE").arg(".backup COPY"))
        }
        // From the encoding that old programs on Windows wrote, which has a letter for every byte.
        (Fault::Encoding, _) => message!(
            "UPDATE {} SET {} = convert_from(convert(convert_to({}, 'SQL_ASCII'), 'LATIN1', 'UTF8'), 'SQL_ASCII') for that \
             row, if it was written as Latin-1; or: {}    takes it as it is",
            &table,
            &column,
            &column,
            skyteam("db backup DIR --format custom")
        ),
        (Fault::NotANumber, _) => message!("UPDATE {} SET {} = a number, or NULL, for that row", &table, &column),
        (Fault::Type, _) => message!("UPDATE {} SET {} = CAST({} AS INTEGER) for that row", &table, &column, &column),
        (Fault::Time, _) => message!("UPDATE {} SET {} = 'infinity' for that row, if it was meant so", &table, &column),
    }
}

fn rows_of(count: u64) -> Message {
    message!("{}", crate::message::count(count, "row"))
}

fn more(error: Error, count: usize) -> Error {
    match count.saturating_sub(NAMED) {
        0 => error,
        more => error.why(message!("… and {} more", more)),
    }
}

/// A full disk leaves no half a backup; all else is as with every file.
fn file_system(doing: String, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::new(Kind::Failure, "disk_full", message!("the disk is full while {}", doing))
                .why("no file with a backup's name was left behind")
                .fix(message!("make room; old backups go with: {}", skyteam("db prune DIR --keep-daily 7")))
                .source(source)
        }
        _ => super::file::refused(message!("{}", doing), source),
    }
}

fn database(source: sqlx::Error) -> Error {
    // Raised by DROP TABLE without CASCADE: what depends on it is in the detail, one a line.
    let dependents = source.as_database_error().and_then(|refusal| {
        let refusal = refusal.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
        (refusal.code() == "2BP01").then(|| refusal.detail().unwrap_or_default().lines().map(str::to_owned).collect())
    });
    match dependents {
        Some(objects) => BackupError::Dependents { objects }.into(),
        None => source.into(),
    }
}
