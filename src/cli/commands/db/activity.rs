//! `db activity`: the sessions of the database, what blocks what, and how to end it.

use std::io;

use migration::script::without_values;
use serde::Serialize;

use crate::cli::commands::watch::WatchArgs;
use crate::cli::context::Context;
use crate::cli::ui::report::{Listing, Row};
use crate::cli::ui::{Align, Cell, Column, Page, RenderOptions, Tone};
use crate::db::Engine;
use crate::db::activity::{self, Session};
use crate::entity::types::Timestamp;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{Message, message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db activity
  skyteam db activity --watch
  skyteam db activity -o ndjson

Values in queries are left out, since they may be secrets. A role that is no member of
pg_read_all_stats sees other roles' sessions without their state and query.";

/// Arguments of `db activity`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbActivityArgs {
    #[command(flatten)]
    watch: WatchArgs,
}

/// A session, as `db activity` answers it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ActivityLine {
    pid: Option<i32>,
    /// Name of a prepared transaction.
    prepared: Option<String>,
    role: Option<String>,
    application: String,
    client: Option<String>,
    state: Option<String>,
    since: Option<Timestamp>,
    transaction_at: Option<Timestamp>,
    waits_for: Option<String>,
    /// Processes; 0 is a prepared transaction.
    blocked_by: Vec<i32>,
    /// How many sessions wait for this one.
    blocks: usize,
    /// Without its values.
    query: Option<String>,
}

impl ActivityLine {
    fn new(session: Session, blocks: usize) -> Self {
        Self {
            pid: session.pid,
            prepared: session.prepared,
            role: session.role,
            application: session.application,
            client: session.client,
            state: session.state,
            since: session.since.map(Timestamp::new),
            transaction_at: session.transaction_began.map(Timestamp::new),
            waits_for: session.waits_for,
            blocked_by: session.blocked_by,
            blocks,
            query: session.query.map(|sql| without_values(&sql, migration::Engine::Postgres)),
        }
    }

    fn name(&self) -> String {
        self.pid.map_or_else(|| self.prepared.clone().unwrap_or_default(), |pid| pid.to_string())
    }

    fn blockers(&self) -> String {
        self.blocked_by.iter().map(i32::to_string).collect::<Vec<_>>().join(" ")
    }

    /// What ends its hold on others: of a statement its cancellation, of an idle transaction its session.
    fn remedy(&self) -> Option<Message> {
        if self.blocks == 0 || !self.blocked_by.is_empty() {
            return None;
        }
        let sql = match (self.pid, self.prepared.as_deref()) {
            (Some(pid), _) if self.state.as_deref() == Some("active") => format!("SELECT pg_cancel_backend({pid})"),
            (Some(pid), _) => format!("SELECT pg_terminate_backend({pid})"),
            (None, Some(name)) => format!("ROLLBACK PREPARED '{}'", name.replace('\'', "''")),
            (None, None) => return None,
        };
        let shell = skyteam("db shell").words("-- -c").arg(sql);
        Some(message!("{} keeps {} waiting; to end that: {}", self.name(), self.blocks, shell))
    }
}

impl Row for ActivityLine {
    const NOUN: &'static str = "other session";
    const COLUMNS: &'static [Column] = &[
        Column::text("pid"),
        Column::text("prepared"),
        Column::text("role"),
        Column::text("application"),
        Column::text("client"),
        Column::text("state"),
        Column::text("since"),
        Column::text("transactionAt"),
        Column::text("waitsFor"),
        Column::text("blockedBy"),
        Column::text("blocks"),
        Column::text("query"),
    ];

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "pid" => self.pid.map_or_else(Cell::empty, |pid| Cell::new(pid.to_string())),
            "prepared" => self.prepared.as_deref().into(),
            "role" => self.role.as_deref().into(),
            "application" => Cell::new(&self.application),
            "client" => self.client.as_deref().into(),
            "state" => self.state.as_deref().into(),
            "since" => look.maybe_time(self.since),
            "transactionAt" => look.maybe_time(self.transaction_at),
            "waitsFor" => self.waits_for.as_deref().into(),
            "blockedBy" => Cell::new(self.blockers()),
            "blocks" => look.number(i64::try_from(self.blocks).unwrap_or(i64::MAX)),
            _ => self.query.as_deref().into(),
        }
    }
}

struct Sessions(Vec<ActivityLine>);

impl Listing for Sessions {
    type Row = ActivityLine;

    fn rows(&self) -> &[ActivityLine] {
        &self.0
    }

    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let rows: Vec<Vec<Cell>> = self
            .0
            .iter()
            .map(|line| {
                let blocked = Cell::new(line.blockers());
                vec![
                    Cell::whole(line.name()),
                    line.role.as_deref().into(),
                    Cell::new(&line.application),
                    line.state.as_deref().into(),
                    look.maybe_time(line.since),
                    line.waits_for.as_deref().into(),
                    if line.blocked_by.is_empty() { blocked } else { blocked.tone(Tone::Warn) },
                    line.query.as_deref().into(),
                ]
            })
            .collect();
        if rows.is_empty() {
            return page.line("No other session is connected to this database.");
        }
        let headings = ["pid", "role", "application", "state", "since", "waits for", "blocked by", "query"];
        page.table(&headings.map(|heading| (heading, Align::Left)), &rows)?;
        let remedies: Vec<Message> = self.0.iter().filter_map(ActivityLine::remedy).collect();
        if !remedies.is_empty() {
            page.gap()?;
        }
        remedies.into_iter().try_for_each(|remedy| page.message(remedy, Tone::Warn))
    }
}

pub(super) async fn run(args: DbActivityArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    if database.engine() == Engine::Sqlite {
        return Err(Error::new(Kind::Usage, "usage", "SQLite keeps no list of who uses a file")
            .why("db activity shows the sessions of a PostgreSQL server")
            .fix(message!("lsof {} names the programs that have it open", database.target().database.clone())));
    }
    let show = async |_| {
        let sessions = activity::sessions(database.conn()).await?;
        let blocks =
            |session: &Session| sessions.iter().flat_map(|one| &one.blocked_by).filter(|pid| session.is(**pid)).count();
        let lines = sessions.iter().map(|session| ActivityLine::new(session.clone(), blocks(session))).collect();
        cx.ui.listing(&Sessions(lines)).await?;
        Ok(Outcome::Done)
    };
    args.watch.run(cx, show).await
}
