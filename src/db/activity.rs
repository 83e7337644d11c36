//! The sessions of a PostgreSQL database: what each does, and which one keeps which others waiting.

use chrono::NaiveDateTime;
use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::Engine;

/// One session, or a prepared transaction that no session holds any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// The server's process; `None` for a prepared transaction.
    pub pid: Option<i32>,
    /// The name of a prepared transaction.
    pub prepared: Option<String>,
    /// Its role.
    pub role: Option<String>,
    /// What the client calls itself.
    pub application: String,
    /// The client's address; `None` for a Unix socket.
    pub client: Option<String>,
    /// `active`, `idle`, `idle in transaction`, …; `None` where this role may not see it.
    pub state: Option<String>,
    /// Since when it is in that state, in UTC.
    pub since: Option<NaiveDateTime>,
    /// When its transaction began, in UTC.
    pub transaction_began: Option<NaiveDateTime>,
    /// What it waits for: `Lock: relation`, `Client: ClientRead`.
    pub waits_for: Option<String>,
    /// The processes that it waits for; 0 for a prepared transaction.
    pub blocked_by: Vec<i32>,
    /// What it runs, or ran last, as the server reports it; values are in it.
    pub query: Option<String>,
}

/// The sessions of the current database other than this one, those that keep others waiting first, then by the age of
/// their transactions.
///
/// # Errors
/// The driver's.
pub(crate) async fn sessions(connection: &impl ConnectionTrait) -> Result<Vec<Session>, DbErr> {
    let sql = "SELECT a.pid, NULL::text AS prepared, a.usename::text AS role, a.application_name AS application,
                host(a.client_addr) AS client, a.state AS state,
                a.state_change AT TIME ZONE 'UTC' AS since, a.xact_start AT TIME ZONE 'UTC' AS began,
                CASE WHEN a.state IS DISTINCT FROM 'idle' THEN a.wait_event_type || ': ' || a.wait_event END AS waits,
                array_to_string(pg_blocking_pids(a.pid), ',') AS blockers, a.query AS query
         FROM pg_stat_activity a
         WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
               AND coalesce(a.backend_type, 'client backend') = 'client backend'
         UNION ALL
         SELECT NULL::int4, p.gid, p.owner::text, ''::text, NULL::text, 'prepared'::text,
                p.prepared AT TIME ZONE 'UTC', p.prepared AT TIME ZONE 'UTC', NULL::text, ''::text, NULL::text
         FROM pg_prepared_xacts p WHERE p.database = current_database()";
    let rows = connection.query_all_raw(Statement::from_string(Engine::Postgres.backend(), sql)).await?;
    let mut sessions = Vec::with_capacity(rows.len());
    for row in rows {
        let blockers: String = row.try_get("", "blockers")?;
        let mut blocked_by: Vec<i32> = blockers.split(',').filter_map(|pid| pid.parse().ok()).collect();
        blocked_by.dedup();
        sessions.push(Session {
            pid: row.try_get("", "pid")?,
            prepared: row.try_get("", "prepared")?,
            role: row.try_get("", "role")?,
            application: row.try_get("", "application")?,
            client: row.try_get("", "client")?,
            state: row.try_get("", "state")?,
            since: row.try_get("", "since")?,
            transaction_began: row.try_get("", "began")?,
            waits_for: row.try_get("", "waits")?,
            blocked_by,
            query: row.try_get("", "query")?,
        });
    }
    let in_the_way: Vec<i32> = sessions.iter().flat_map(|session| session.blocked_by.clone()).collect();
    let kept_waiting = |session: &Session| in_the_way.iter().filter(|pid| session.is(**pid)).count();
    sessions.sort_by_key(|session| {
        let began = session.transaction_began;
        (std::cmp::Reverse(kept_waiting(session)), began.is_none(), began, session.pid)
    });
    Ok(sessions)
}

impl Session {
    /// Whether it is the process that a waiting session names; 0 names a prepared transaction.
    pub(crate) fn is(&self, pid: i32) -> bool {
        self.pid.map_or(pid == 0, |own| own == pid)
    }
}
