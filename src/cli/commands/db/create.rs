//! `db create`: the database, its role and its rights; on SQLite the file.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::ui::report::{Listing, Row};
use crate::cli::ui::{Cell, Column, Page, RenderOptions, Tone};
use crate::db::provision::{self, State};
use crate::db::{Absent, Database, DatabaseUrl, PostgresUrl, Secret, quote};
use crate::directory::input::quoted;
use crate::error::file::unreadable;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{Message, message, program, skyteam};
use crate::{small_file, system};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db create
  skyteam db create --admin-url postgres://postgres@db.example.com/postgres --owner skyteam
  skyteam db create --database-url sqlite:skyteam.db";

/// Arguments of `db create`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbCreateArgs {
    /// Role that is to own the database; made where it does not exist [default: the role of the database URL]
    #[arg(long, value_name = "ROLE")]
    owner: Option<String>,
    /// URL of a role that may create databases and roles [default: the database URL's own role]
    #[arg(long, value_name = "URL")]
    admin_url: Option<String>,
    /// File that holds the password of a role to be made; asked for on a terminal where it is not given
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

struct Created(Vec<Step>);

#[derive(Serialize)]
struct Step {
    object: &'static str,
    name: String,
    state: State,
}

impl Row for Step {
    const COLUMNS: &'static [Column] = &[Column::text("object"), Column::text("name"), Column::text("state")];

    fn cell(&self, column: &str, _look: &RenderOptions) -> Cell {
        match column {
            "object" => Cell::new(self.object),
            "name" => Cell::new(&self.name),
            _ => Cell::new(self.state.name()),
        }
    }
}

impl Listing for Created {
    type Row = Step;

    fn rows(&self) -> &[Step] {
        &self.0
    }

    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        for step in &self.0 {
            let (word, tone) = match step.state {
                State::Exists => ("exists already", Tone::Dim),
                State::Created => ("created", Tone::Good),
                State::Granted => ("granted", Tone::Good),
                State::WouldBeCreated => ("would be created", Tone::Good),
            };
            page.words(&[
                Cell::new(step.object),
                Cell::new(&step.name).tone(Tone::Strong),
                Cell::new(word).tone(tone),
            ])?;
        }
        Ok(())
    }
}

pub(super) async fn run(args: DbCreateArgs, cx: &Context) -> Result<Outcome> {
    let mut steps = match cx.url()? {
        DatabaseUrl::Sqlite(place) => {
            let existed = place.path.exists();
            cx.creator().await?;
            let state = if existed { State::Exists } else { State::Created };
            vec![Step { object: "file", name: place.path.display().to_string(), state }]
        }
        DatabaseUrl::Postgres(place) => create_postgres(&args, &place, cx).await?,
    };
    if cx.answers.dry_run {
        steps.iter_mut().for_each(|step| step.state = step.state.rehearsed());
    }
    cx.ui.listing(&Created(steps)).await?;
    if cx.answers.dry_run {
        cx.ui.note("Dry run: nothing was made.");
    } else {
        cx.ui.note(message!("Next: {}", skyteam("db push")));
    }
    Ok(Outcome::Done)
}

async fn create_postgres(args: &DbCreateArgs, place: &PostgresUrl, cx: &Context) -> Result<Vec<Step>> {
    let name = place.database.clone().or_else(|| place.user.clone()).ok_or_else(|| {
        Error::new(Kind::Config, "no_database", "the database URL names no database")
            .fix("postgres://role@host/skyteam")
    })?;
    let admin = cx.connect(&admin_url(args, place, cx)?, Absent::Refuse).await?;
    let from = if args.admin_url.is_some() { "--admin-url" } else { "the database URL's own role" };
    cx.ui.note(message!("→ {} ({})", admin.target().to_string(), &from));
    let session_role = admin.target().role.clone().unwrap_or_default();
    let owner = args.owner.clone().or_else(|| place.user.clone()).unwrap_or_else(|| session_role.clone());

    let mut steps = Vec::new();
    if provision::role_exists(admin.conn(), &owner).await? {
        steps.push(Step { object: "role", name: owner.clone(), state: State::Exists });
    } else if args.owner.is_some() {
        let password = new_password(args, &owner, cx).await?;
        if !cx.answers.dry_run {
            let made = provision::create_role(admin.conn(), &owner, password.as_ref()).await;
            made.map_err(|error| needs_right(error.into(), &session_role, "CREATEROLE"))?;
        }
        steps.push(Step { object: "role", name: owner.clone(), state: State::Created });
    } else {
        return Err(Error::new(Kind::NotFound, "no_such_role", message!("no role {} on that server", quoted(&owner)))
            .fix(skyteam("db create").flag("--owner", &owner)));
    }

    if provision::database_exists(admin.conn(), &name).await? {
        steps.push(Step { object: "database", name: name.clone(), state: State::Exists });
        grant(&mut steps, place, &admin, &name, &owner, cx).await?;
    } else {
        if !cx.answers.dry_run {
            // A role owns what it makes without having to be a member of itself.
            let other = Some(owner.as_str()).filter(|owner| *owner != session_role);
            let made = provision::create_database(admin.conn(), &name, other).await;
            made.map_err(|error| needs_right(error.into(), &session_role, "CREATEDB"))?;
        }
        steps.push(Step { object: "database", name, state: State::Created });
    }
    Ok(steps)
}

/// The rights that an existing database's role lacks.
async fn grant(
    steps: &mut Vec<Step>,
    place: &PostgresUrl,
    admin: &Database,
    name: &str,
    role: &str,
    cx: &Context,
) -> Result<()> {
    if cx.answers.dry_run {
        return Ok(());
    }
    let DatabaseUrl::Postgres(login) = admin.url() else { return Ok(()) };
    let inside = PostgresUrl { database: place.database.clone().or_else(|| Some(name.to_owned())), ..login.clone() };
    let inside = cx.connect(&DatabaseUrl::Postgres(inside), Absent::Refuse).await?;
    let granted = provision::grant_missing(inside.conn(), role).await.map_err(|error| {
        let error = Error::from(error);
        if error.kind() != Kind::Denied {
            return error;
        }
        Error::new(
            Kind::Denied,
            "permission_denied",
            message!("role {} lacks rights in {}, and this role may not grant them", quoted(role), quoted(name)),
        )
        .fix(message!("{}    with the database's owner or a superuser", skyteam("db create --admin-url URL")))
        .fix(message!("GRANT CREATE, TEMPORARY ON DATABASE {} TO {}", quote(name), quote(role)))
        .fix(message!("GRANT USAGE, CREATE ON SCHEMA public TO {}", quote(role)))
        .source(error)
    })?;
    inside.close().await;
    steps.extend(granted.into_iter().map(|right| Step { object: "right", name: right.into(), state: State::Granted }));
    Ok(())
}

fn admin_url(args: &DbCreateArgs, place: &PostgresUrl, cx: &Context) -> Result<DatabaseUrl> {
    let Some(text) = &args.admin_url else {
        // The database to be made cannot be connected to; `postgres` is there on every server.
        return Ok(DatabaseUrl::Postgres(PostgresUrl { database: Some("postgres".into()), ..place.clone() }));
    };
    match cx.settings.parse_url(text, "--admin-url")? {
        DatabaseUrl::Postgres(admin) => {
            let database = admin.database.clone().or_else(|| Some("postgres".into()));
            Ok(DatabaseUrl::Postgres(PostgresUrl { database, ..admin }))
        }
        DatabaseUrl::Sqlite(_) => Err(Error::new(
            Kind::Usage,
            "usage",
            "--admin-url is an SQLite URL, but the database is on a PostgreSQL server",
        )),
    }
}

/// The password of a role to be made: from a file or a prompt, never from an argument.
async fn new_password(args: &DbCreateArgs, role: &str, cx: &Context) -> Result<Option<Secret>> {
    if let Some(path) = &args.password_file {
        return read_password(&cx.path(path)).map(Some);
    }
    if cx.answers.dry_run {
        return Ok(None);
    }
    if !cx.ui.is_interactive() {
        return Err(Error::new(
            Kind::Unconfirmed,
            "password_needed",
            message!("role {} is to be made, and its password is not known", quoted(role)),
        )
        .fix("add --password-file FILE"));
    }
    let password = cx.ui.ask_secret(&format!("Password for the new role {role}")).await?;
    if password.is_empty() {
        return Err(Error::new(Kind::Usage, "empty_password", "the password is empty"));
    }
    if cx.ui.ask_secret("Again").await? != password {
        return Err(Error::new(Kind::Usage, "passwords_differ", "the two passwords differ; nothing was made"));
    }
    Ok(Some(Secret::new(password)))
}

fn read_password(path: &Path) -> Result<Secret> {
    let failed =
        |why: Message| Error::new(Kind::Usage, "password_file", message!("no password in {}", path.display())).why(why);
    let (file, metadata) = small_file::open(path).map_err(|error| unreadable(path, error))?;
    if system::is_open_to_others(&metadata) {
        let mode = system::mode(&metadata);
        let open = failed(message!("others than its owner may use it (mode {})", format!("{:o}", mode & 0o777)));
        return Err(open.fix(program("chmod").words("600").file(path.display())));
    }
    let text = small_file::read_open(file, small_file::SECRET).and_then(small_file::text);
    match text.map_err(|error| failed(error.to_string().into()))?.lines().next().unwrap_or_default() {
        "" => Err(failed("its first line is empty".into())),
        line => Ok(Secret::new(line)),
    }
}

fn needs_right(error: Error, role: &str, right: &str) -> Error {
    if error.kind() != Kind::Denied {
        return error;
    }
    Error::new(Kind::Denied, "permission_denied", message!("role {} may not do this", quoted(role)))
        .why(message!("it needs {}", &right))
        .fix(message!("ALTER ROLE {} {}    by a superuser, or", quote(role), &right))
        .fix(message!("{}    with a role that may", skyteam("db create --admin-url URL")))
        .source(error)
}
