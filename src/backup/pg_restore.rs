//! Running a dump by `psql`, in one transaction that only we end.
//!
//! A dump is SQL, and runs with the rights of the role that restores it. What psql could do beyond that, its backslash
//! commands with a shell among them, is locked by psql itself (`\restrict`), not by looking for them here. Nor is it
//! looked for what would end the transaction: a deferred trigger refuses any COMMIT before ours, nothing can be written
//! behind a ROLLBACK, and the last statement proves that the transaction is still the first one. Only what `pg_dump`
//! itself writes around large objects is left out.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use migration::runner::LOCK;
use migration::{Engine, history, openings};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

use super::backend::postgres;
use super::error::{BackupError, Result};
use super::pg_dump::{Environment, Format};
use super::plan::State;
use super::script::{self, Fate, Filter, Line, Lines};
use super::{pg_dump, version};
use crate::db::child::Identity;
use crate::db::{Database, quote, search_path};
use crate::schema::dialect::literal;

/// How a dump is restored.
#[derive(Clone, Debug)]
pub(crate) struct Restore<'a> {
    /// The dump.
    pub path: &'a Path,
    /// Its format.
    pub format: Format,
    /// What the target had when this was asked for. It is looked at again once all is locked.
    pub seen: &'a State,
    /// What becomes of the tables that exist.
    pub standing: Standing,
    /// Only these tables; custom format only.
    pub tables: Vec<String>,
    /// Whether the dump's grants run. Without them those that the replaced tables have are kept.
    pub privileges: bool,
    /// Whether the migrations to the newest version run too.
    pub onward: bool,
    /// Longest wait for a table that others use.
    pub lock_timeout: Duration,
    /// Whether it shall last.
    pub commit: bool,
}

/// What becomes of skyteam's tables that exist in the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing: there are none that the dump makes.
    Stay,
    /// These are dropped first, for the dump makes them.
    Dropped {
        /// Their names.
        tables: Vec<String>,
        /// Whether the record of the migrations and the trigger functions go too.
        record: bool,
    },
    /// They take the rows of a dump that has no tables.
    Filled,
}

/// Runs a dump in one transaction. When it fails, the database is as it was.
///
/// # Errors
/// [`BackupError::Program`]; [`BackupError::Changed`] when the target is not what it was any more.
pub(crate) async fn restore(database: &Database, wanted: &Restore<'_>, env: &Environment) -> Result<()> {
    let server = pg_dump::server_version(database).await?;
    pg_dump::check_restricted(env).await?;
    let mut psql = pg_dump::program("psql", env);
    psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password"]);
    // Verbose: with the SQLSTATE, which distinguishes faults of the dump from what is missing here.
    psql.args(["--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose", "--file=-"]);
    let mut psql = pg_dump::start("psql", psql.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
    let mut reader = None;
    let from: Box<dyn tokio::io::AsyncRead + Unpin + Send> = match wanted.format {
        Format::Plain => {
            Box::new(tokio::fs::File::open(wanted.path).await.map_err(BackupError::io("reading the backup"))?)
        }
        Format::Custom => {
            pg_dump::check_version("pg_restore", server, env).await?;
            let mut command = pg_dump::program("pg_restore", env);
            command.args(["--no-owner", "--file=-"]);
            if !wanted.privileges {
                command.arg("--no-privileges");
            }
            command.args(wanted.tables.iter().map(|table| format!("--table={table}"))).arg(wanted.path);
            let mut child = pg_dump::start("pg_restore", command.stdout(Stdio::piped()))?;
            let out = child.stdout.take().ok_or(BackupError::Worker)?;
            reader = Some(child);
            Box::new(out)
        }
    };
    let mut lines = Lines::new(BufReader::new(from));
    let input = psql.stdin.take().ok_or(BackupError::Worker)?;
    let out = psql.stdout.take().ok_or(BackupError::Worker)?;
    let complaint = pg_dump::complaint(&mut psql);
    let marks = Marks::new();
    let here = Identity::of(database.postgres().ok_or(BackupError::Worker)?).await?.is_here();
    let elsewhere = &marks.complaint;
    let mut head = format!(
        "SELECT (CASE WHEN {here} THEN '1' ELSE '{elsewhere}: {ELSEWHERE}' END)::pg_catalog.int4;\n{}",
        head(wanted, &marks)?
    );
    let end = end(wanted, &marks, &kept_access(database, wanted).await?)?;
    // What a dump of pg_dump names has its schema; by hand one may be written for the place where tables are.
    head.push_str(&format!("SET LOCAL search_path = {};\n", search_path::DDL));
    let home = postgres::bookkeeping::has_home(database.postgres().ok_or(BackupError::Worker)?).await?;
    let filter = Filter { privileges: wanted.privileges, home, server };
    let feed = async {
        // Closed when this ends, however it ends: that is what psql waits for.
        let mut input = input;
        input.write_all(head.as_bytes()).await?;
        copy_lines(&mut lines, filter, &mut input).await?;
        // A dump by pg_restore that failed must not be committed.
        let whole = match reader {
            None => true,
            Some(mut reader) => reader.wait().await?.success(),
        };
        if whole {
            input.write_all(end.as_bytes()).await?;
        }
        input.shutdown().await?;
        Ok::<bool, std::io::Error>(whole)
    };
    let (fed, complaint, said) = tokio::join!(feed, complaint, tail(out));
    if let Err(failure) = pg_dump::ended("psql", psql.wait().await, &complaint) {
        return Err(marks.find(&String::from_utf8_lossy(&complaint)).unwrap_or_else(|| worded(&complaint, failure)));
    }
    match fed {
        Ok(true) if script::contains(&said, marks.key.as_bytes()) => Ok(()),
        Ok(true) => Err(pg_dump::failed("psql", "the dump does not end as it should; nothing was changed")),
        Ok(false) => Err(pg_dump::failed("pg_restore", "it could not read the dump to its end")),
        Err(error) => Err(BackupError::io("feeding psql")(error)),
    }
}

/// The SQLSTATEs that speak of the server and not of the dump: what is missing there (undefined_object and
/// undefined_function: a role, an extension's type or function), not known, not allowed, not free, or out of order.
const OF_THE_SERVER: [&str; 12] =
    ["42704", "42883", "0A000", "42501", "22023", "3D000", "F0", "08", "40", "53", "55", "57"];

/// What psql complained about, without the server's source lines.
fn worded(complaint: &[u8], failure: BackupError) -> BackupError {
    let complaint = String::from_utf8_lossy(complaint);
    let mut states = complaint.lines().filter_map(|line| {
        let (_, rest) = line.split_once(":  ")?;
        let (state, text) = rest.split_once(": ")?;
        (state.len() == 5).then_some((state, text))
    });
    let Some((state, text)) = states.next_back() else { return failure };
    let missing_file = state.starts_with("58");
    if missing_file || OF_THE_SERVER.iter().any(|class| state.starts_with(class)) {
        return BackupError::Unjudged { why: text.to_owned() };
    }
    pg_dump::failed("psql", text)
}

/// Whose the tables are that the dump replaces and who may what with them, where the dump's own grants are left out.
async fn kept_access(database: &Database, wanted: &Restore<'_>) -> Result<Vec<String>> {
    match (&wanted.standing, database.postgres()) {
        (Standing::Dropped { tables, .. }, Some(pool)) if !wanted.privileges => {
            let names: Vec<&str> = tables.iter().map(String::as_str).collect();
            let mut access = postgres::access(pool, &names).await?;
            access.extend(postgres::bookkeeping::access(pool).await?);
            Ok(access)
        }
        _ => Ok(Vec::new()),
    }
}

/// Words that no dump can know beforehand.
struct Marks {
    /// What the transaction ends with. Until then the server knows its hash only.
    key: String,
    /// How the complaints of our own statements begin.
    complaint: String,
}

impl Marks {
    fn new() -> Self {
        let word = || uuid::Uuid::new_v4().simple().to_string();
        Self { key: format!("k{}", word()), complaint: format!("c{}", word()) }
    }

    /// What one of our statements complained about.
    fn find(&self, said: &str) -> Option<BackupError> {
        let (_, rest) = said.split_once(&format!("{}: ", self.complaint))?;
        let what = rest.lines().next().unwrap_or_default().trim_end_matches('"').to_owned();
        Some(match what.as_str() {
            LOCKED => BackupError::InUse { holders: Vec::new(), source: None },
            ELSEWHERE => pg_dump::failed("psql", "it has reached another server, database or role than skyteam"),
            ENDED => pg_dump::failed("psql", "the dump ends its transaction by itself, before its end"),
            _ => BackupError::Changed { changes: vec![what] },
        })
    }
}

const ELSEWHERE: &str = "elsewhere";
const ENDED: &str = "ended";
const LOCKED: &str = "locked";

/// The end of what a program says.
async fn tail(mut out: impl tokio::io::AsyncRead + Unpin) -> Vec<u8> {
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = out.read(&mut buffer).await {
        said.extend_from_slice(&buffer[..count]);
        said.drain(..said.len().saturating_sub(buffer.len()));
    }
    said
}

/// What runs before the dump: locks, the look at what is there, and what keeps the transaction ours.
fn head(wanted: &Restore<'_>, marks: &Marks) -> Result<String> {
    let (class, object) = LOCK;
    let (key, complaint) = (&marks.key, &marks.complaint);
    let hash = pg_dump::sha256_of(key);
    let mut sql = format!(
        "SET search_path = {path};
SET default_transaction_read_only = on;
BEGIN READ WRITE;
SELECT txid_current() AS skyteam_transaction, to_regclass('skyteam.backups') IS NOT NULL AS skyteam_vouches \\gset
\\restrict {key}
SET LOCAL skyteam.maintenance = 'on';
SET LOCAL skyteam.operation = 'db restore';
SET LOCAL client_min_messages = warning;
SET LOCAL lock_timeout = {};
DO $turn$ BEGIN PERFORM pg_advisory_xact_lock({class}, {object});
EXCEPTION WHEN lock_not_available THEN RAISE EXCEPTION '{complaint}: {LOCKED}'; END $turn$;
CREATE TEMPORARY TABLE skyteam_guard (guards boolean) ON COMMIT DROP;
CREATE FUNCTION pg_temp.skyteam_guard() RETURNS trigger LANGUAGE plpgsql
  SET search_path = {path} AS $guard$ BEGIN
  IF encode(sha256(convert_to(coalesce(current_setting('skyteam.ours', true), ''), 'UTF8')), 'hex') <> '{hash}' THEN
    RAISE EXCEPTION '{complaint}: {ENDED}';
  END IF;
  RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER skyteam_guard AFTER INSERT ON pg_temp.skyteam_guard DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION pg_temp.skyteam_guard();
INSERT INTO pg_temp.skyteam_guard VALUES (true);
",
        wanted.lock_timeout.as_millis(),
        path = search_path::SAFE
    );
    let existing = &wanted.seen.existing;
    let list = postgres::locks::quoted(existing.iter().map(|table| table.table.as_str()));
    let refuse = format!("RAISE EXCEPTION '{complaint}: {LOCKED}'");
    sql.push_str(&format!("{};\n", postgres::locks::exclusive(&list, wanted.lock_timeout, &refuse)));
    sql.push_str("DO $look$ DECLARE found bigint; BEGIN\n");
    for name in version::latest()?.tables() {
        match existing.iter().find(|table| table.table == name) {
            Some(table) => sql.push_str(&format!(
                "SELECT count(*) INTO found FROM public.{}; IF found > {rows} THEN
                 RAISE EXCEPTION '{complaint}: {name} has % rows; it had {rows}', found; END IF;\n",
                quote(name),
                rows = table.rows
            )),
            None => sql.push_str(&format!(
                "IF EXISTS ({}) THEN RAISE EXCEPTION '{complaint}: there is a table {name}; there was none'; END IF;\n",
                tables(&[name])
            )),
        }
    }
    sql.push_str("END $look$;\n");
    match &wanted.standing {
        Standing::Dropped { tables, record } => {
            let list: Vec<String> = tables.iter().map(|table| format!("public.{}", quote(table))).collect();
            sql.push_str(&format!("DROP TABLE {};\n", list.join(", ")));
            if !record {
                return Ok(sql);
            }
            // Without CASCADE: what others keep there stops it.
            for statement in postgres::drop_functions()? {
                sql.push_str(&format!("{statement};\n"));
            }
            // The dump brings its own record of openings: what was recorded here is put back behind it.
            sql.push_str(
                "DO $keep$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n \
                 ON n.oid = c.relnamespace WHERE n.nspname = 'skyteam' AND c.relname = 'openings') THEN \
                 CREATE TEMPORARY TABLE skyteam_openings ON COMMIT DROP AS SELECT * FROM skyteam.openings; \
                 END IF; \
                 IF EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n \
                 ON n.oid = c.relnamespace WHERE n.nspname = 'skyteam' AND c.relname = 'backups' \
                 AND pg_catalog.pg_has_role(c.relowner, 'USAGE')) THEN \
                 ALTER TABLE skyteam.backups RENAME TO skyteam_kept; \
                 ALTER INDEX IF EXISTS skyteam.backups_pkey RENAME TO skyteam_kept_pkey; \
                 END IF; END $keep$;\n",
            );
            sql.push_str("DROP TABLE IF EXISTS skyteam.migrations, skyteam.verifications, skyteam.openings;\n");
            // The schema stays, with its owner, its grants and what is granted on all that will be made in it.
        }
        // Its rows come too.
        Standing::Filled => sql.push_str(&format!(
            "DO $record$ BEGIN IF EXISTS ({}) THEN DELETE FROM skyteam.migrations; END IF; END $record$;\n",
            postgres::RECORD
        )),
        Standing::Stay => {}
    }
    Ok(sql)
}

/// What runs behind the dump: the migrations, the proof that nothing of it has been committed yet, and the end.
fn end(wanted: &Restore<'_>, marks: &Marks, access: &[String]) -> Result<String> {
    let Marks { key, complaint } = marks;
    let mut sql = format!("\\unrestrict {key}\nSET LOCAL search_path = {};\n", search_path::SAFE);
    for statement in access {
        sql.push_str(&format!("{statement};\n"));
    }
    if wanted.onward {
        sql.push_str(&onward(key)?);
    }
    sql.push_str(&record_opening());
    let end = if wanted.commit { "COMMIT" } else { "ROLLBACK" };
    sql.push_str(&format!(
        "SELECT (CASE WHEN txid_current()::text = :'skyteam_transaction' THEN '1' ELSE '{complaint}: {ENDED}' END)::int;
SET LOCAL skyteam.ours = '{key}';
{end};
\\echo {key}
"
    ));
    Ok(sql)
}

/// Puts back the openings that were recorded before the dump replaced their record, and records this one; where the
/// dump has brought nothing of skyteam's own, there is no place for it. What a dump says that the database has backed up
/// goes again: it would vouch for files that this database has not made.
fn record_opening() -> String {
    format!(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'skyteam') AS skyteam_home,
  EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relname = 'skyteam_openings'
    AND c.relnamespace = pg_catalog.pg_my_temp_schema()) AS skyteam_kept,
  to_regclass('skyteam.skyteam_kept') IS NOT NULL AS skyteam_remembered \\gset
\\if :skyteam_home
{};
\\if :skyteam_kept
INSERT INTO skyteam.openings SELECT * FROM pg_temp.skyteam_openings EXCEPT SELECT * FROM skyteam.openings;
\\endif
\\if :skyteam_vouches
\\else
DROP TABLE IF EXISTS skyteam.backups;
\\endif
\\if :skyteam_remembered
DROP TABLE IF EXISTS skyteam.backups;
ALTER TABLE skyteam.skyteam_kept RENAME TO backups;
ALTER INDEX IF EXISTS skyteam.skyteam_kept_pkey RENAME TO backups_pkey;
\\endif
{};
\\endif
",
        openings::create_table(Engine::Postgres),
        openings::insert(Engine::Postgres, "db restore")
    )
}

/// Takes what the dump has brought on to the newest version, where its version is known: by its record, or by
/// being what Drizzle Kit made. Anything else is left to `db migrate`, which looks closer.
fn onward(key: &str) -> Result<String> {
    let versions = version::all()?;
    let Some((baseline, later)) = versions.split_first() else { return Ok(String::new()) };
    let names: Vec<&str> = baseline.tables().collect();
    let line = |migration: &migration::Migration, via: &str| {
        format!(
            r#"INSERT INTO skyteam.migrations (version, name, checksum, "tookMs", via) VALUES ({}, {}, {}, 0, '{via}');"#,
            literal(migration.version()),
            literal(migration.name()),
            literal(&migration.checksum(Engine::Postgres))
        )
    };
    let record = postgres::RECORD;
    let mut sql = format!(
        "DO ${key}$ BEGIN
  IF NOT EXISTS ({record}) AND (SELECT count(*) FROM ({}) AS found) = {} AND NOT EXISTS ({}) THEN
    IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'skyteam') THEN CREATE SCHEMA skyteam; END IF;
    {};
    {}
  END IF;
END ${key}$;
",
        tables(&names),
        names.len(),
        later_objects(baseline, later),
        history::create_table(Engine::Postgres),
        line(baseline.migration, "baseline")
    );
    for pair in versions.windows(2) {
        let [before, this] = [&pair[0], &pair[1]].map(|version| version.migration);
        sql.push_str(&format!(
            "DO ${key}$ BEGIN IF EXISTS ({record}) THEN
  IF EXISTS (SELECT FROM skyteam.migrations WHERE version = '{}')
     AND NOT EXISTS (SELECT FROM skyteam.migrations WHERE version = '{}') THEN
    SET LOCAL search_path = {};
    EXECUTE $script{key}${}$script{key}$;
    SET LOCAL search_path = {};
    {}
  END IF;
END IF; END ${key}$;
",
            before.version(),
            this.version(),
            search_path::DDL,
            this.script(Engine::Postgres, migration::Direction::Up),
            search_path::SAFE,
            line(this, "migrate")
        ));
    }
    Ok(sql)
}

/// A query that returns a row for each of these tables that is in the schema of the contract.
fn tables(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| literal(name)).collect();
    format!(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' AND c.relname IN ({})",
        names.join(", ")
    )
}

/// A query that returns a row for each constraint that only later versions have.
fn later_objects(baseline: &version::Version, later: &[version::Version]) -> String {
    let constraints = |version: &version::Version| -> Vec<String> {
        version.schema.tables.iter().flat_map(|table| &table.constraints).map(|each| each.name.clone()).collect()
    };
    let first = constraints(baseline);
    let new = later.iter().flat_map(constraints).filter(|name| !first.contains(name));
    let names: Vec<String> = new.map(|name| literal(&name)).chain(["''".to_owned()]).collect();
    format!("SELECT 1 FROM pg_constraint WHERE conname IN ({})", names.join(", "))
}

/// Copies a dump, without its own locks, as ours is on already, and without the transactions that `pg_dump` makes
/// around large objects.
async fn copy_lines<R: tokio::io::AsyncBufRead + Unpin>(
    from: &mut Lines<R>,
    filter: Filter,
    to: &mut (impl AsyncWriteExt + Unpin),
) -> std::io::Result<()> {
    let mut in_large_objects = false;
    let mut left_out = false;
    let mut number = 0;
    while let Some(line) = from.next().await? {
        number += 1;
        match line {
            Line::Sql(line) => {
                if line.starts_with(b"-- Name: ") || line.starts_with(b"-- Data for Name: ") {
                    in_large_objects = script::contains(line, b"; Type: BLOBS; ");
                }
                let is_theirs = in_large_objects && matches!(line.trim_ascii_end(), b"BEGIN;" | b"COMMIT;");
                left_out = is_theirs || filter.fate(line) == Fate::LeftOut;
                if !left_out {
                    to.write_all(line).await?;
                }
            }
            Line::Within(line) => {
                if !left_out {
                    to.write_all(line).await?;
                }
            }
            Line::Copy(line) | Line::Row(line) => to.write_all(line).await?,
            // Our own lock is on; the server's end of the connection stays the same.
            Line::Command { command, alone } if alone && script::is_of_pg_dump(command) => {}
            Line::Command { command, .. } => return Err(std::io::Error::other(script::refused(command, number))),
        }
    }
    Ok(())
}
