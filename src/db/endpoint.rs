//! The description of a database for messages, without a password.

use serde::Serialize;

use super::{DatabaseUrl, Engine, PostgresUrl, SqliteUrl};

/// Where a database is, and as whom it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The engine.
    pub engine: Engine,
    /// Database name; on SQLite the file's name without its ending.
    pub database: String,
    /// Host name, address or socket folder; `None` on SQLite.
    pub host: Option<String>,
    /// The address that is connected to in place of looking up the host, where libpq's `hostaddr` names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Port; `None` on SQLite.
    pub port: Option<u16>,
    /// Role; `None` on SQLite.
    pub role: Option<String>,
    /// The file; `None` on PostgreSQL.
    pub path: Option<String>,
}

impl Target {
    /// Where a URL leads, with what [`super::LibpqEnvironment`] fills in.
    pub(crate) fn of(url: &DatabaseUrl) -> Self {
        match url {
            DatabaseUrl::Postgres(place) => Self::of_server(place),
            DatabaseUrl::Sqlite(place) => Self::of_file(place),
        }
    }

    pub(super) fn of_file(place: &SqliteUrl) -> Self {
        let path = place.path.display().to_string();
        Self {
            engine: Engine::Sqlite,
            database: place.path.file_stem().map_or_else(|| path.clone(), |stem| stem.to_string_lossy().into_owned()),
            host: None,
            address: None,
            port: None,
            role: None,
            path: Some(path),
        }
    }

    pub(super) fn of_server(place: &PostgresUrl) -> Self {
        let role = place.user_or_default();
        Self {
            engine: Engine::Postgres,
            database: place.database.clone().unwrap_or_else(|| role.clone()),
            host: Some(place.host_or_default()),
            address: place.parameter("hostaddr").map(str::to_owned),
            port: Some(place.port_or_default()),
            role: Some(role),
            path: None,
        }
    }

    /// Whether the database is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match self.address.as_deref().or(self.host.as_deref()) {
            None => true,
            Some(host) => {
                let address = || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
                host.starts_with('/') || host.eq_ignore_ascii_case("localhost") || address()
            }
        }
    }
}

/// `skyteam @ db.example.com:5432 as ops`, or the file's path.
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(path) = &self.path {
            return f.write_str(path);
        }
        f.write_str(&self.database)?;
        if let Some(host) = &self.host {
            if host.contains(':') {
                write!(f, " @ [{host}]")?
            } else {
                write!(f, " @ {host}")?
            }
            if let Some(port) = self.port {
                write!(f, ":{port}")?;
            }
            if let Some(address) = self.address.as_ref().filter(|address| *address != host) {
                write!(f, " at {address}")?;
            }
        }
        if let Some(role) = &self.role {
            write!(f, " as {role}")?;
        }
        Ok(())
    }
}
