//! `db grant`: the rights that a role needs for its purpose.

use std::io;

use clap::ValueEnum;
use serde::Serialize;

use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::ui::report::{Listing, Row};
use crate::cli::ui::text::count;
use crate::cli::ui::{Cell, Column, Page, RenderOptions};
use crate::db::grants::{self, Grant, Purpose};
use crate::db::{Database, Engine, provision};
use crate::directory::input::quoted;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db grant backup --for backup --dry-run
  skyteam db grant ops --for staff
  skyteam db grant api --for apps --yes

backup reads everything: for backups, lists, audits and the doctor. staff also writes, as the
commands do. apps reads and writes as the alliance's programs do. Run it as the owner of the
tables; default privileges cover what is made later.";

/// Arguments of `db grant`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbGrantArgs {
    /// Role that is to have the rights
    #[arg(value_name = "ROLE")]
    role: String,
    /// What the role is for
    #[arg(long = "for", value_enum, value_name = "PURPOSE")]
    purpose: RolePurpose,
}

/// What a role is for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RolePurpose {
    /// Reads everything
    Backup,
    /// Reads and writes as the commands do
    Staff,
    /// Reads and writes as the alliance's programs do
    Apps,
}

impl From<RolePurpose> for Purpose {
    fn from(purpose: RolePurpose) -> Self {
        match purpose {
            RolePurpose::Backup => Self::Backup,
            RolePurpose::Staff => Self::Staff,
            RolePurpose::Apps => Self::Apps,
        }
    }
}

/// A statement, and what became of it.
#[derive(Serialize)]
struct Statement {
    sql: String,
    state: &'static str,
}

impl Row for Statement {
    const COLUMNS: &'static [Column] = &[Column::text("sql"), Column::text("state")];

    fn cell(&self, column: &str, _look: &RenderOptions) -> Cell {
        Cell::new(if column == "sql" { self.sql.as_str() } else { self.state })
    }
}

struct Statements(Vec<Statement>);

impl Listing for Statements {
    type Row = Statement;

    fn rows(&self) -> &[Statement] {
        &self.0
    }

    /// As a script, for a role that may grant them.
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        for statement in &self.0 {
            page.line(format!("{};", statement.sql))?;
        }
        Ok(())
    }
}

pub(super) async fn run(args: DbGrantArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.writer().await?;
    if database.engine() == Engine::Sqlite {
        return Err(Error::new(Kind::Usage, "usage", "an SQLite database has no roles to grant anything to")
            .why("those who may read or write its file may read or write the database")
            .fix("chmod and chown of the file say who may"));
    }
    let (role, purpose) = (args.role.as_str(), Purpose::from(args.purpose));
    let transaction = cx.begin(&database).await?;
    if !provision::role_exists(&transaction, role).await? {
        return Err(Error::new(Kind::NotFound, "no_such_role", message!("no role {} on that server", quoted(role)))
            .fix(message!("as a superuser: CREATE ROLE {} LOGIN", crate::db::quote(role))));
    }
    let grants = grants::of(&transaction, role, purpose).await?;
    transaction.rollback().await?;

    let missing = grants.iter().filter(|grant| !grant.held).count() as u64;
    if missing == 0 {
        cx.ui.note(message!("Nothing to grant: {} has all of it already.", role.to_owned()));
        let outcome = answer(cx, &grants, "held").await;
        say_who_vouches(cx, role, purpose);
        return outcome;
    }
    if !cx.answers.dry_run {
        for grant in grants.iter().filter(|grant| !grant.held) {
            cx.ui.note(message!("{};", grant.sql.clone()));
        }
    }
    let question = message!("Grant {} {}?", role.to_owned(), count(missing, "right"));
    let _approved = cx.approve(Ask::changes(question)).await?;
    let transaction = cx.begin(&database).await?;
    let again = grants::of(&transaction, role, purpose).await?;
    match grants::apply(&transaction, role, purpose, &again).await {
        Ok(true) => {}
        Ok(false) => return Err(denied(&database, &args)),
        Err(error) => {
            let error = Error::from(error);
            return Err(if error.kind() == Kind::Denied { denied(&database, &args).because(&error) } else { error });
        }
    }
    let state = if cx.finish(transaction).await? { "granted" } else { "wouldBeGranted" };
    let outcome = answer(cx, &grants, state).await;
    say_who_vouches(cx, role, purpose);
    outcome
}

/// A role that only reads cannot have its backups remembered, and no right to do so is given: it would let the role vouch
/// for any file. The private key stays on the host that makes backups.
fn say_who_vouches(cx: &Context, role: &str, purpose: Purpose) {
    if purpose == Purpose::Backup && cx.settings.sign_key.is_none() {
        cx.ui.note(message!(
            "The database cannot remember what {} backs up, because the role only reads. Signed, its backups are known: {} on \
             the host that makes them, then {}; the public key that it prints goes into [signers] of skyteam.toml where they \
             are checked.",
            role.to_owned(),
            skyteam("config keygen /etc/skyteam/backup-key.pem"),
            skyteam("db backup DIR --sign-key /etc/skyteam/backup-key.pem")
        ));
    }
}

async fn answer(cx: &Context, grants: &[Grant], state: &'static str) -> Result<Outcome> {
    let statement =
        |grant: &Grant| Statement { sql: grant.sql.clone(), state: if grant.held { "held" } else { state } };
    cx.ui.listing(&Statements(grants.iter().map(statement).collect())).await?;
    Ok(Outcome::Done)
}

/// The session's role may not grant all of it: nothing was granted.
fn denied(database: &Database, args: &DbGrantArgs) -> Error {
    let session = database.target().role.clone().unwrap_or_default();
    let purpose = args.purpose.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    Error::new(Kind::Denied, "permission_denied", message!("role {} may not grant all of this", quoted(&session)))
        .why("rights are granted by the owner of what they are for; nothing was granted")
        .fix(message!(
            "{}    as the owner prints them, and grants them",
            skyteam("db grant").last(&args.role).flag("--for", &purpose)
        ))
}
