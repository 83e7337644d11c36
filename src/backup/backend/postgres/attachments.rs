//! What is attached to skyteam's tables beside their rows: their owner, privileges, row level security and
//! policies, publications, replica identity, storage, statistics, comments, and the columns, indexes, constraints,
//! triggers and rules that no version of skyteam has.
//!
//! A restore that makes tables anew reads all of it before and compares it before it commits, in the same transaction.
//! What differs is put back by the statements that the catalogue itself gives; what still differs then, or could not be
//! put back from the beginning, refuses the restore by its name. Others' definitions are never changed by a restore.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::definition_sql::mentions;
use super::job::{look_in, run};
use crate::backup::error::{BackupError, Result};
use crate::backup::version;
use crate::db::search_path;
use crate::schema::model::Table;

const LINES: &str = include_str!("attachments.sql");
/// The rank of the lines that make columns. Their sequences come before, and what says that they own them behind.
const COLUMN: i32 = 21;
/// The rank from which on lines say who may what.
const ACCESS: i32 = 50;

/// One thing that is attached to a table.
#[derive(Clone, Debug)]
struct Attachment {
    /// When it is made among the others.
    rank: i32,
    /// What sort of thing `name` is, or `of …` where this is about a thing that has its own line.
    kind: String,
    /// The table, column (`users.extra`), index, constraint or whatever else.
    name: String,
    value: String,
    make: Option<String>,
    undo: Option<String>,
}

/// Everything that is attached to some tables, by what each is called.
#[derive(Clone, Debug)]
pub(super) struct Attachments {
    lines: BTreeMap<String, Attachment>,
    /// By column (`users.extra`), ours too, its place in the table.
    places: HashMap<String, i16>,
}

/// The names that versions of skyteam give: what has one is made by the restore and the migrations.
struct Ours {
    objects: HashSet<String>,
    columns: HashSet<String>,
}

impl Ours {
    fn new() -> Result<Self> {
        let known = version::known()?;
        let columns = known.tables.iter().flat_map(|table| {
            let name = |column: &crate::schema::model::Column| format!("{}.{}", table.name, column.name);
            table.columns.iter().map(name)
        });
        Ok(Self { objects: version::objects()?, columns: columns.collect() })
    }

    /// Whether the line is the definition of something of ours.
    fn defines(&self, line: &Attachment) -> bool {
        match line.kind.as_str() {
            "column" | "sequence" => self.columns.contains(&line.name),
            "index" | "constraint" | "trigger" => self.objects.contains(&line.name),
            _ => false,
        }
    }

    /// Whether the line is about something of ours that is gone.
    fn is_gone(&self, line: &Attachment, now: &Attachments) -> bool {
        let Some(of) = line.kind.strip_prefix("of ") else { return false };
        let is_ours = self.objects.contains(&line.name) || self.columns.contains(&line.name);
        // An index may be that of a constraint.
        let exists = |other: &Attachment| {
            other.name == line.name && (other.kind == of || of == "index" && other.kind == "constraint")
        };
        is_ours && !now.lines.values().any(exists)
    }
}

impl Attachments {
    /// Reads what is attached to the tables of these names.
    ///
    /// # Errors
    /// The driver's.
    pub(super) async fn read(connection: &mut PgConnection, tables: &[&str]) -> Result<Self> {
        let rows = sqlx::query(LINES).bind(tables).fetch_all(&mut *connection).await?;
        let mut lines = BTreeMap::new();
        for row in rows {
            let line = Attachment {
                rank: row.try_get("rank")?,
                kind: row.try_get("kind")?,
                name: row.try_get("name")?,
                value: row.try_get("value")?,
                make: row.try_get("make")?,
                undo: row.try_get("undo")?,
            };
            lines.insert(row.try_get("what")?, line);
        }
        let sql = "SELECT c.relname || '.' || a.attname AS name, a.attnum AS place FROM pg_catalog.pg_class c
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname = ANY ($1::pg_catalog.text[])";
        let mut places = HashMap::new();
        for row in sqlx::query(sql).bind(tables).fetch_all(connection).await? {
            places.insert(row.try_get("name")?, row.try_get("place")?);
        }
        Ok(Self { lines, places })
    }

    /// Refuses where something could not be put back, before anything is touched. Where the tables stay, only their keys
    /// and indexes are made anew.
    ///
    /// # Errors
    /// [`BackupError::Dependents`]; those of [`version::known`].
    pub(super) fn check(&self, tables_stay: bool) -> Result<()> {
        let ours = Ours::new()?;
        let is_lost = |line: &Attachment| {
            line.make.is_none() && !ours.defines(line) && (!tables_stay || line.kind == "constraint (state)")
        };
        refuse(self.lines.iter().filter(|(_, line)| is_lost(line)).map(|(what, _)| what.clone()).collect())
    }

    /// Statements that give a table made anew others' columns, in the order that they had, so that it can be filled. They
    /// come behind ours, which a table is made with; a generated one whose sources are not there yet comes later.
    ///
    /// # Errors
    /// Those of [`version::known`].
    pub(super) fn columns(&self, table: &Table) -> Result<Vec<String>> {
        let ours = Ours::new()?;
        let prefix = format!("{}.", table.name);
        let is_column = |line: &&Attachment| {
            (line.kind == "sequence" || line.kind == "column" && line.rank == COLUMN)
                && line.name.starts_with(&prefix)
                && !ours.defines(line)
        };
        let mut lines: Vec<&Attachment> = self.lines.values().filter(is_column).collect();
        lines.sort_by_key(|line| (line.rank, self.place(line)));
        let mut made: HashSet<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let mut statements = Vec::new();
        for line in lines {
            let name = &line.name[prefix.len()..];
            let mut siblings = self.places.keys().filter_map(|name| name.strip_prefix(&prefix));
            let waits = line.value.contains(" GENERATED ALWAYS AS (")
                && siblings.any(|other| other != name && !made.contains(other) && mentions(&line.value, other));
            if !waits {
                statements.extend(line.make.clone());
                if line.rank == COLUMN {
                    made.insert(name);
                }
            }
        }
        Ok(statements)
    }

    fn place(&self, line: &Attachment) -> Option<i16> {
        self.places.get(&line.name).copied()
    }

    /// Puts back what is not as it was, and compares. `made` are columns, constraints and indexes that the backup has
    /// brought and that were not there.
    ///
    /// # Errors
    /// [`BackupError::PutBack`] for a statement that the server refuses, [`BackupError::Dependents`] for what is still
    /// not as it was; the driver's.
    pub(super) async fn put_back(
        &self,
        connection: &mut PgConnection,
        tables: &[&str],
        made: &HashSet<String>,
    ) -> Result<()> {
        let ours = Ours::new()?;
        look_in(connection, search_path::SAFE).await?;
        let mut now = Self::read(connection, tables).await?;
        // Privileges last: what is made before needs those of the tables' owner.
        for ranks in [0..ACCESS, ACCESS..i32::MAX] {
            let is_extra = |(what, line): &(&String, &Attachment)| {
                ranks.contains(&line.rank)
                    && self.lines.get(*what).is_none_or(|old| old.value != line.value)
                    && is_compared(&ours, line, &now, made)
            };
            let mut extra: Vec<(&String, &Attachment)> = now.lines.iter().filter(is_extra).collect();
            extra.sort_by_key(|(_, line)| std::cmp::Reverse(line.rank));
            for (what, line) in extra {
                if let Some(undo) = &line.undo {
                    make(connection, what, undo).await?;
                }
            }
            now = Self::read(connection, tables).await?;
            // What is made with a column may bring others of its lines with it, so each rank looks anew.
            let each: BTreeSet<i32> =
                self.lines.values().map(|line| line.rank).filter(|rank| ranks.contains(rank)).collect();
            for rank in each {
                let differs = |(what, line): &(&String, &Attachment)| {
                    line.rank == rank
                        && now.lines.get(*what).is_none_or(|now| now.value != line.value)
                        && is_compared(&ours, line, &now, made)
                };
                let mut missing: Vec<(&String, &Attachment)> = self.lines.iter().filter(differs).collect();
                missing.sort_by_key(|(_, line)| self.place(line));
                if missing.is_empty() {
                    continue;
                }
                for (what, line) in missing {
                    if let Some(sql) = &line.make {
                        make(connection, what, sql).await?;
                    }
                }
                now = Self::read(connection, tables).await?;
            }
        }
        let names: BTreeSet<&String> = self.lines.keys().chain(now.lines.keys()).collect();
        let differs = |what: &&&String| {
            let (old, new) = (self.lines.get(**what), now.lines.get(**what));
            let same = old.map(|line| &line.value) == new.map(|line| &line.value);
            !same && old.or(new).is_some_and(|line| is_compared(&ours, line, &now, made))
        };
        refuse(names.iter().filter(differs).map(|what| (*what).clone()).collect())
    }

    /// Statements that give tables made by a dump the owner, the privileges and the publications that they had.
    pub(super) fn access(&self) -> Vec<String> {
        let mut lines: Vec<&Attachment> = self
            .lines
            .iter()
            .filter(|(what, line)| {
                line.kind == "privilege" || what.starts_with("owner of table ") || what.starts_with("publication ")
            })
            .map(|(_, line)| line)
            .collect();
        lines.sort_by_key(|line| line.rank);
        let mut statements = Vec::new();
        let mut revoked = false;
        for line in lines {
            let Some(make) = &line.make else { continue };
            if line.kind == "privilege" && !revoked {
                // What default privileges gave beyond what was there.
                let tables: BTreeSet<String> = self.tables().map(crate::schema::dialect::literal).collect();
                statements.push(revoke_all(&tables.into_iter().collect::<Vec<_>>().join(", ")));
                revoked = true;
            }
            // The dump may have brought the publication with its tables.
            let is_publication = make.starts_with("ALTER PUBLICATION");
            statements.push(if is_publication {
                format!(
                    "DO $publish$ BEGIN {make}; EXCEPTION WHEN duplicate_object OR undefined_object THEN END $publish$"
                )
            } else {
                make.clone()
            });
        }
        statements
    }

    fn tables(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(|(what, _)| what.starts_with("owner of table ")).map(|(_, line)| line.name.as_str())
    }
}

/// Takes every privilege on these tables away, the owner's too, so that those that are given next are all there are.
fn revoke_all(tables: &str) -> String {
    format!(
        "DO $revoke$ DECLARE sql text; BEGIN
  FOR sql IN SELECT format('REVOKE ALL ON TABLE public.%I FROM %s', c.relname,
      CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname IN ({tables}) LOOP
    EXECUTE sql;
  END LOOP;
END $revoke$"
    )
}

/// Whether a line is among those that must be as they were.
fn is_compared(ours: &Ours, line: &Attachment, now: &Attachments, made: &HashSet<String>) -> bool {
    !ours.defines(line) && !ours.is_gone(line, now) && !made.contains(&line.name)
}

async fn make(connection: &mut PgConnection, what: &str, sql: &str) -> Result<()> {
    run(connection, [sql.to_owned()]).await.map_err(|error| match error {
        BackupError::Database(source) => BackupError::PutBack { what: what.to_owned(), source },
        other => other,
    })
}

fn refuse(objects: Vec<String>) -> Result<()> {
    if objects.is_empty() { Ok(()) } else { Err(BackupError::Dependents { objects }) }
}
