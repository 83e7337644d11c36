//! The wording of files that cannot be read or written, for all commands.

use std::io;
use std::path::Path;

use super::{Error, Kind};
use crate::message::{Message, Words, message, program};

/// Why a file that exists is refused, where nothing more can be said of what it holds.
const KEPT: &str = "it is not written over";

/// A file of the user's that cannot be read.
pub(crate) fn unreadable(path: impl AsRef<Path>, source: io::Error) -> Error {
    refused(message!("reading {}", path.as_ref().display().to_string()), source)
}

/// A file that would be written over. `holds` says what would be lost: `it may hold another airline's only token`.
pub(crate) fn exists(path: impl AsRef<Path>, holds: Option<&'static str>) -> Error {
    let path = path.as_ref().display();
    let error = Error::new(Kind::Refused, "file_exists", message!("{} exists already", path.to_string()));
    let why = match holds {
        Some(holds) => message!("{}; {}; nothing was changed", Words(KEPT), Words(holds)),
        None => message!("{}; nothing was changed", Words(KEPT)),
    };
    error.why(why).fix(program("mv").words("-i").file(&path).file(format!("{path}.old")))
}

/// What the file system refuses. `doing` is what was being done: `reading users.csv`.
pub(crate) fn refused(doing: Message, source: io::Error) -> Error {
    let error = match source.kind() {
        io::ErrorKind::NotFound => {
            Error::new(Kind::NotFound, "no_such_file", message!("{}: there is no such file", doing))
        }
        io::ErrorKind::PermissionDenied => {
            Error::new(Kind::Denied, "no_permission", message!("{}: permission denied", doing))
        }
        io::ErrorKind::AlreadyExists => {
            Error::new(Kind::Refused, "file_exists", message!("{}: a file of that name exists already", doing))
                .why(KEPT)
        }
        io::ErrorKind::IsADirectory => {
            Error::new(Kind::Usage, "unreadable_file", message!("{}: it is a folder", doing))
        }
        io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Error::new(Kind::Usage, "unreadable_file", message!("{} failed", doing)).why(source.to_string())
        }
        io::ErrorKind::FileTooLarge => Error::new(Kind::Usage, "too_long", message!("{}: it is too large", doing)),
        _ => Error::new(Kind::Failure, "io", message!("{} failed", doing)).why(source.to_string()),
    };
    error.source(source)
}
