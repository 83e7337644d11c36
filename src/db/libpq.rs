//! libpq's environment, for what a URL leaves silent (PostgreSQL manual, 34.15 "Environment Variables").

use std::collections::BTreeMap;

use super::ConnectError;
use super::url::{PostgresUrl, Secret};

/// The `PG…` variables of an environment.
#[derive(Clone, Debug, Default)]
pub struct LibpqEnvironment {
    values: BTreeMap<String, Secret>,
}

impl LibpqEnvironment {
    /// Takes the `PG…` variables, and `HOME` for `~/.pgpass`.
    pub fn new(env: &BTreeMap<String, String>) -> Self {
        let ours = env.iter().filter(|(name, value)| (name.starts_with("PG") || *name == "HOME") && !value.is_empty());
        Self { values: ours.map(|(name, value)| (name.clone(), Secret::new(value.clone()))).collect() }
    }

    /// Fills in what `url` leaves silent.
    ///
    /// # Errors
    /// [`ConnectError`]: a variable that cannot be used.
    pub fn complete(&self, mut url: PostgresUrl) -> Result<PostgresUrl, ConnectError> {
        let value = |name: &str| self.values.get(name).map(|value| value.expose().to_owned());
        url.host = url.host.or_else(|| value("PGHOST"));
        if url.port.is_none()
            && let Some(port) = value("PGPORT")
        {
            let wrong =
                || ConnectError::Parameter { name: "PGPORT".into(), value: port.clone(), accepted: "a port number" };
            url.port = Some(port.parse().map_err(|_| wrong())?);
        }
        url.user = url.user.or_else(|| value("PGUSER"));
        url.password = url.password.or_else(|| value("PGPASSWORD").map(Secret::new));
        url.database = url.database.or_else(|| value("PGDATABASE"));
        Ok(url)
    }
}
