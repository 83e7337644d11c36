//! One version of the schema: its name, its scripts and their checksum.

use std::borrow::Cow;

use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sha2::{Digest, Sha256};

/// The two databases that every migration has scripts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// PostgreSQL 15 and newer.
    Postgres,
    /// SQLite 3.37 (the first with STRICT tables) and newer.
    Sqlite,
}

impl Engine {
    /// Both, in the order in which their files are written.
    pub const ALL: [Self; 2] = [Self::Postgres, Self::Sqlite];

    /// The engine behind a connection.
    ///
    /// # Errors
    /// Where it is neither of the two.
    pub fn of<C: ConnectionTrait>(db: &C) -> Result<Self, DbErr> {
        match db.get_database_backend() {
            DbBackend::Postgres => Ok(Self::Postgres),
            DbBackend::Sqlite => Ok(Self::Sqlite),
            other => Err(DbErr::BackendNotSupported { db: other.as_str(), ctx: "the migrations of skyteam" }),
        }
    }

    /// The word that the files of this engine begin with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }
}

/// Which way a migration is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards the newer schema.
    Up,
    /// Back to the older one.
    Down,
}

impl Direction {
    /// The word in the name of the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// The four scripts of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scripts {
    /// `postgres.up.sql`
    pub postgres_up: Cow<'static, str>,
    /// `postgres.down.sql`
    pub postgres_down: Cow<'static, str>,
    /// `sqlite.up.sql`
    pub sqlite_up: Cow<'static, str>,
    /// `sqlite.down.sql`
    pub sqlite_down: Cow<'static, str>,
}

/// One version of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    version: Cow<'static, str>,
    name: Cow<'static, str>,
    scripts: Scripts,
    schema_json: Cow<'static, str>,
}

impl Migration {
    const fn embedded(
        version: &'static str,
        name: &'static str,
        postgres_up: &'static str,
        postgres_down: &'static str,
        sqlite_up: &'static str,
        sqlite_down: &'static str,
        schema_json: &'static str,
    ) -> Self {
        Self {
            version: Cow::Borrowed(version),
            name: Cow::Borrowed(name),
            scripts: Scripts {
                postgres_up: Cow::Borrowed(postgres_up),
                postgres_down: Cow::Borrowed(postgres_down),
                sqlite_up: Cow::Borrowed(sqlite_up),
                sqlite_down: Cow::Borrowed(sqlite_down),
            },
            schema_json: Cow::Borrowed(schema_json),
        }
    }

    /// A migration that is not embedded: one just generated, or one of a test.
    pub fn new(
        version: impl Into<String>,
        name: impl Into<String>,
        scripts: Scripts,
        schema_json: impl Into<String>,
    ) -> Self {
        Self {
            version: Cow::Owned(version.into()),
            name: Cow::Owned(name.into()),
            scripts,
            schema_json: Cow::Owned(schema_json.into()),
        }
    }

    /// The 14 digits that the folder begins with. Their order is the order of the migrations.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the folder is called after its version.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the folder, `<version>_<name>`.
    pub fn folder(&self) -> String {
        format!("{}_{}", self.version, self.name)
    }

    /// The name of a script from the root of the repository, for messages.
    pub fn file(&self, engine: Engine, direction: Direction) -> String {
        format!("migration/{}/{}.{}.sql", self.folder(), engine.as_str(), direction.as_str())
    }

    /// The text of a script.
    pub fn script(&self, engine: Engine, direction: Direction) -> &str {
        match (engine, direction) {
            (Engine::Postgres, Direction::Up) => &self.scripts.postgres_up,
            (Engine::Postgres, Direction::Down) => &self.scripts.postgres_down,
            (Engine::Sqlite, Direction::Up) => &self.scripts.sqlite_up,
            (Engine::Sqlite, Direction::Down) => &self.scripts.sqlite_down,
        }
    }

    /// The script that brings an older schema to this version.
    pub fn up(&self, engine: Engine) -> &str {
        self.script(engine, Direction::Up)
    }

    /// The script that brings this version back to the one before it.
    pub fn down(&self, engine: Engine) -> &str {
        self.script(engine, Direction::Down)
    }

    /// The schema at this version, in `skyteam`'s neutral model: what the database must equal once the script up has run.
    pub fn schema_json(&self) -> &str {
        &self.schema_json
    }

    /// SHA-256 of the script up, in lower-case hexadecimal.
    ///
    /// Carriage returns are left out, so that a checkout on Windows is no edit. The script down does not count: it may be
    /// mended after the migration has been applied, since what has been applied stays true.
    pub fn checksum(&self, engine: Engine) -> String {
        let mut hash = Sha256::new();
        for part in self.up(engine).split('\r') {
            hash.update(part);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What going down loses, as the script's `-- loses:` lines say: tables, and columns as `table.column`.
    pub fn loses(&self, engine: Engine, direction: Direction) -> Vec<&str> {
        self.script(engine, direction)
            .lines()
            .filter_map(|line| line.strip_prefix("-- loses:"))
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect()
    }
}

static EMBEDDED: &[Migration] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The migrations of this build, oldest first.
pub fn all() -> &'static [Migration] {
    EMBEDDED
}
