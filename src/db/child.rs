//! PostgreSQL's own programs as children: where they connect, and the proof that it is where the session of skyteam is.
//!
//! libpq takes whatever the environment says, and `PGSERVICE` or `PGHOSTADDR` beat the variables that name a server. So
//! a child gets no `PG…` variable but those made here, from what the session was opened with.

use std::collections::BTreeMap;

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, PgPool, Row as _};

use super::{ConnectError, Database, DatabaseUrl, Password, relay, tls};

/// No file: libpq then looks for no other one.
const NO_FILE: &str = "/nonexistent";

/// The environment of a child that connects nowhere: without libpq's variables.
pub(crate) fn offline(env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let others = env.iter().filter(|(name, _)| !name.starts_with("PG") && *name != "PSQLRC");
    others.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The environment of a child that connects as `database` does. It may hold the password: never show it.
///
/// # Errors
/// [`ConnectError`]: none that opening the database had not met.
pub(crate) fn environment(
    env: &BTreeMap<String, String>,
    database: &Database,
) -> Result<BTreeMap<String, String>, ConnectError> {
    let mut child = offline(env);
    let DatabaseUrl::Postgres(place) = database.url() else { return Ok(child) };
    let target = database.target();
    let tls = tls::tls(place)?;
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            child.insert(name.to_owned(), value);
        }
    };
    set("PGHOST", target.host.clone());
    set("PGPORT", target.port.map(|port| port.to_string()));
    set("PGUSER", target.role.clone());
    set("PGDATABASE", Some(target.database.clone()));
    match &place.password {
        Some(password) => set("PGPASSWORD", Some(password.expose().to_owned())),
        None => set("PGPASSFILE", Some(NO_FILE.into())),
    }
    set("PGHOSTADDR", target.address.clone());
    // What was encrypted once is not sent otherwise a moment later.
    let mode = match tls.mode_name() {
        "allow" | "prefer" if database.is_encrypted() => "require",
        mode => mode,
    };
    set("PGSSLMODE", Some(mode.into()));
    // Not what libpq finds below the home folder.
    set("PGSSLROOTCERT", Some(tls.root.map_or_else(|| NO_FILE.into(), |path| path.display().to_string())));
    for (name, variable) in [("sslcert", "PGSSLCERT"), ("sslkey", "PGSSLKEY"), ("sslcrl", "PGSSLCRL")] {
        set(variable, Some(place.parameter(name).unwrap_or(NO_FILE).to_owned()));
    }
    for (name, variable) in [
        ("sslcrldir", "PGSSLCRLDIR"),
        ("sslsni", "PGSSLSNI"),
        ("sslnegotiation", "PGSSLNEGOTIATION"),
        ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
        ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
        ("options", "PGOPTIONS"),
        ("channel_binding", "PGCHANNELBINDING"),
    ] {
        set(variable, place.parameter(name).map(str::to_owned));
    }
    let unprotected = !target.is_local() && !database.is_encrypted();
    let logins = place.parameter("require_auth").or(unprotected.then_some("!password,!md5"));
    set("PGREQUIREAUTH", logins.map(str::to_owned));
    let folder = database.folder_for_children().map_err(|error| ConnectError::Server {
        target: Box::new(target.clone()),
        password: Password::Given,
        source: error.into(),
    })?;
    if let Some(folder) = folder {
        // libpq before version 16 does not know PGREQUIREAUTH, so it logs in through this process.
        set("PGHOST", Some(folder.display().to_string()));
        set("PGPORT", Some(relay::PORT.to_string()));
        set("PGSSLMODE", Some("disable".into()));
        for name in ["PGHOSTADDR", "PGSSLNEGOTIATION"] {
            child.remove(name);
        }
    }
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            child.insert(name.to_owned(), value);
        }
    };
    // Ours never does: a ticket would log in as another user.
    set("PGGSSENCMODE", Some("disable".into()));
    set("PGCONNECT_TIMEOUT", Some(database.options().connect_timeout.as_secs().max(2).to_string()));
    set("PGAPPNAME", Some(database.options().application_name.clone()));
    Ok(child)
}

/// Which database of which running server a session is in, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    expression: String,
    value: String,
}

impl Identity {
    /// Asks the server. Where a role may not read the cluster's identifier, its start and the database's number do.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) async fn of(pool: &PgPool) -> Result<Self, sqlx::Error> {
        const CLUSTER: &str = "(SELECT c.system_identifier FROM pg_catalog.pg_control_system() c)";
        let mut refused = None;
        for cluster in [CLUSTER, "''::pg_catalog.text"] {
            let expression = format!(
                "(SELECT pg_catalog.concat_ws('/', {cluster}, (pg_catalog.date_part('epoch', \
                 pg_catalog.pg_postmaster_start_time()) OPERATOR(pg_catalog.*) 1000000.0::pg_catalog.float8)::pg_catalog.int8, \
                 d.oid, session_user) FROM pg_catalog.pg_database d \
                 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())"
            );
            match sqlx::raw_sql(sqlx::AssertSqlSafe(format!("SELECT {expression}"))).fetch_one(pool).await {
                Ok(row) => return Ok(Self { value: row.try_get(0)?, expression }),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.unwrap_or(sqlx::Error::RowNotFound))
    }

    /// An expression that is true in a session of the same role in the same database on the same server.
    pub(crate) fn is_here(&self) -> String {
        format!("({} OPERATOR(pg_catalog.=) '{}'::pg_catalog.text)", self.expression, self.value.replace('\'', "''"))
    }
}

/// A snapshot that a child can only take over in the same database of the same server, which proves where it is.
#[derive(Debug)]
pub(crate) struct ExportedSnapshot {
    /// Holds it, in a connection of its own.
    connection: PgConnection,
    /// Its name.
    pub name: String,
}

impl ExportedSnapshot {
    /// Exports one from the database of `pool`.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) async fn of(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
        sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut connection).await?;
        let row = sqlx::raw_sql("SELECT pg_catalog.pg_export_snapshot()").fetch_one(&mut connection).await?;
        Ok(Self { name: row.try_get(0)?, connection })
    }

    /// Gives it up.
    pub(crate) async fn close(self) {
        // The server ends it with the connection, however that ends.
        let _ = self.connection.close().await;
    }
}
