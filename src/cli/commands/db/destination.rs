//! Where `db backup` writes: standard output, a pipe, a file, or a store under a name of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::place;
use crate::backup::store::file::{self, Destination};
use crate::backup::store::{Local, Placed, Store};
use crate::cli::context::Context;
use crate::error::{Error, Kind, Result};
use crate::message::{message, skyteam};

/// Where the backup goes.
pub(super) enum Target {
    Stdout,
    /// A pipe or a device that takes bytes.
    Stream(PathBuf),
    /// A place under its own name, or in place of what has the name given.
    Place {
        store: Arc<dyn Store>,
        path: PathBuf,
        replaces: bool,
    },
}

impl Target {
    /// The store, where it goes into one.
    pub(super) fn store(&self) -> Option<&Arc<dyn Store>> {
        match self {
            Self::Place { store, .. } => Some(store),
            Self::Stdout | Self::Stream(_) => None,
        }
    }
}

/// What was written where, as far as that can be found again.
pub(super) struct At {
    pub path: String,
    pub ends: Option<String>,
}

impl At {
    /// A place that is only named.
    pub(super) fn named(path: impl Into<String>) -> Self {
        Self { path: path.into(), ends: None }
    }

    /// What a store has.
    pub(super) fn placed(placed: Placed) -> Self {
        Self { path: placed.path.display().to_string(), ends: Some(placed.ends) }
    }
}

/// Where the file or the folder that was typed leads; in a folder or a bucket the backup is called `name`.
pub(super) fn find(file: Option<&Path>, dir: Option<&Path>, name: &str, cx: &Context) -> Result<Target> {
    let Some(file) = file else {
        let store = place::store(dir, cx)?;
        let path = store.place(name);
        return Ok(Target::Place { store, path, replaces: false });
    };
    if file == Path::new("-") {
        return Ok(Target::Stdout);
    }
    if let Some((store, path)) = place::object(file, cx)? {
        return Ok(Target::Place { store, path, replaces: true });
    }
    if place::is_remote(file)? {
        return Err(Error::new(Kind::Usage, "usage", message!("{} is a bucket", file.display().to_string()))
            .why("-f names the object itself")
            .fix(message!(
                "{}     writes into it under a name of its own",
                skyteam("db backup").file(file.display())
            )));
    }
    Ok(match file::destination(&cx.path(file))? {
        Destination::File(path) => {
            let store = Arc::new(Local::new(file::folder_of(&path).to_owned()));
            Target::Place { store, path, replaces: true }
        }
        Destination::Stream(path) => Target::Stream(path),
    })
}
