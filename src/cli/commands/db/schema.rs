//! `db schema`: the schema that the entities ask for, as SQL, JSON, Drizzle or Mermaid.

use std::io;

use clap::ValueEnum;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Format, Page};
use crate::db;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::skyteam;
use crate::schema::{self, Schema, dialect};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db schema -o sql > schema.sql
  skyteam db schema -o drizzle > schema.ts
  skyteam db schema -o mermaid";

/// Arguments of `db schema`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbSchemaArgs {
    /// Engine whose DDL is shown
    #[arg(long, value_enum, default_value_t = Engine::Postgres)]
    engine: Engine,
}

/// An engine by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    Postgres,
    Sqlite,
}

#[derive(Serialize)]
#[serde(transparent)]
struct SchemaView<'a> {
    schema: &'a Schema,
    #[serde(skip)]
    ddl: &'a str,
}

impl Report for SchemaView<'_> {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.code("sql", self.ddl)
    }
}

pub(super) fn run(args: &DbSchemaArgs, cx: &Context) -> Result<Outcome> {
    if cx.ui.format() == Format::Drizzle && args.engine == Engine::Sqlite {
        return Err(Error::new(Kind::Usage, "usage", "-o drizzle is for PostgreSQL, which the TypeScript apps use")
            .fix(skyteam("db schema -o drizzle")));
    }
    let schema = schema::desired()?;
    let engine = match args.engine {
        Engine::Postgres => db::Engine::Postgres,
        Engine::Sqlite => db::Engine::Sqlite,
    };
    let ddl = || {
        let script = dialect::script(&dialect::create(&schema, engine));
        match engine {
            // Where the trigger functions live.
            db::Engine::Postgres => format!("CREATE SCHEMA IF NOT EXISTS skyteam;\n\n{script}"),
            db::Engine::Sqlite => script,
        }
    };
    match cx.ui.format() {
        Format::Sql => cx.ui.raw(ddl())?,
        Format::Mermaid => cx.ui.raw(schema::mermaid(&schema))?,
        Format::Drizzle => cx.ui.raw(schema::drizzle(&schema))?,
        _ => cx.ui.report(&SchemaView { schema: &schema, ddl: &ddl() })?,
    }
    Ok(Outcome::Done)
}
