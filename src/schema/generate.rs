//! Generates a migration: the steps from the last snapshot to what the entities ask for, up and down, for both engines.
//!
//! A pure function of two schemas, a request and a moment: no database is looked at, and the same input gives the same
//! bytes. Where the files go is [`super::snapshot`]'s part.

use chrono::{DateTime, Utc};

use super::diff::{Origin, Suspect};
use super::live::Rename;
use super::model::Schema;
use super::plan::{Loss, Plan, PlanError, Request, plan};
use super::snapshot::Last;
use crate::db::Engine;

/// The first line of every generated script.
const HEADER: &str = "-- Written by skyteam db generate. It may be edited until it has been applied somewhere.\n";

/// A migration that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The name of its folder, `<version>_<name>`.
    pub folder: String,
    /// Its files, by name.
    pub files: Vec<(&'static str, String)>,
    /// What its way up does, in a few words each.
    pub changes: Vec<String>,
    /// What its way up loses.
    pub losses: Vec<Loss>,
    /// Pairs of columns that may be one column renamed, without a declaration or a flag that says so.
    pub suspects: Vec<Suspect>,
    /// New columns as `table.column` that must have a value while nothing gives rows one that are there already.
    pub unfilled: Vec<String>,
}

/// Why nothing was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The name has no letter or digit in it.
    #[error("{0:?} is no name for a migration")]
    Name(String),
    /// What was asked for does not fit.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The schema cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The migration from `last` to `wanted`; none where nothing differs. Its version is `now`, or the next after the last
/// one where a clock lags behind.
///
/// # Errors
/// [`GenerateError`].
pub fn generate(
    last: &Last,
    wanted: &Schema,
    request: &Request,
    name: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Generated>, GenerateError> {
    let up = |engine| plan(&last.schema, wanted, engine, Origin::Snapshot, request, true);
    let (postgres, sqlite) = (up(Engine::Postgres)?, up(Engine::Sqlite)?);
    if postgres.is_empty() && sqlite.is_empty() {
        return Ok(None);
    }
    // The way down knows the names that the way up gave, and fills what it cannot bring back.
    let back = |renames: &[Rename]| Request {
        renames: renames.iter().map(inverse).collect(),
        backfills: Vec::new(),
        fill_blank: true,
    };
    let down = |up: &Plan| plan(wanted, &last.schema, up.engine, Origin::Snapshot, &back(&up.renames), true);
    let files = vec![
        ("postgres.up.sql", script(&postgres)),
        ("postgres.down.sql", script(&down(&postgres)?)),
        ("sqlite.up.sql", script(&sqlite)),
        ("sqlite.down.sql", script(&down(&sqlite)?)),
        ("schema.json", wanted.to_json()?),
    ];
    let changes: Vec<String> = postgres.changes.iter().map(|change| change.what()).collect();
    let name = match name {
        Some(name) => slug(name)?,
        None => name_of(&postgres),
    };
    Ok(Some(Generated {
        folder: format!("{}_{name}", version(last, now)),
        files,
        changes,
        losses: postgres.losses().cloned().collect(),
        suspects: postgres.suspects.clone(),
        unfilled: unfilled(&postgres),
    }))
}

/// A migration whose scripts are to be written by hand; the schema stays what it is.
///
/// # Errors
/// [`GenerateError`].
pub(crate) fn empty(last: &Last, name: Option<&str>, now: DateTime<Utc>) -> Result<Generated, GenerateError> {
    let script = |way: &str| format!("{HEADER}\n-- Write the way {way} here.\n");
    let name = slug(name.unwrap_or("empty"))?;
    Ok(Generated {
        folder: format!("{}_{name}", version(last, now)),
        files: vec![
            ("postgres.up.sql", script("up")),
            ("postgres.down.sql", script("down")),
            ("sqlite.up.sql", script("up")),
            ("sqlite.down.sql", script("down")),
            ("schema.json", last.schema.to_json()?),
        ],
        changes: Vec::new(),
        losses: Vec::new(),
        suspects: Vec::new(),
        unfilled: Vec::new(),
    })
}

/// What the entities have that the last snapshot has not, in a few words each.
///
/// # Errors
/// [`GenerateError::Plan`].
pub(crate) fn ahead(last: &Schema, wanted: &Schema) -> Result<Vec<String>, GenerateError> {
    let mut changes: Vec<String> = Vec::new();
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let plan = plan(last, wanted, engine, Origin::Snapshot, &Request::default(), true)?;
        for what in plan.changes.iter().map(|change| change.what()) {
            if !changes.contains(&what) {
                changes.push(what);
            }
        }
    }
    Ok(changes)
}

fn inverse(rename: &Rename) -> Rename {
    Rename { table: rename.table.clone(), from: rename.to.clone(), to: rename.from.clone() }
}

fn script(plan: &Plan) -> String {
    let mut text = HEADER.to_owned();
    let losses: Vec<String> = plan.losses().map(Loss::what).collect();
    if !losses.is_empty() {
        text.push_str(&format!("-- loses: {}\n", losses.join(", ")));
    }
    for step in &plan.steps {
        text.push_str(&format!("\n-- {}\n-- cost: {}\n", step.what, step.cost));
        if let Some(conversion) = step.conversion {
            text.push_str(&format!("-- data: {conversion}\n"));
        }
        for sql in &step.sql {
            text.push_str(&format!("{sql};\n"));
        }
    }
    text
}

/// Fourteen digits, after the last ones.
fn version(last: &Last, now: DateTime<Utc>) -> String {
    let now = now.format("%Y%m%d%H%M%S").to_string();
    if now > last.version {
        return now;
    }
    // A number of fourteen digits always parses; their order is all that counts.
    last.version.parse::<u64>().map_or(now, |last| format!("{:014}", last + 1))
}

fn unfilled(plan: &Plan) -> Vec<String> {
    use super::change::Change;
    plan.changes
        .iter()
        .filter_map(|change| match change {
            Change::AddColumn { table, column }
                if !column.nullable && column.default.is_none() && plan.backfill(table, &column.name).is_none() =>
            {
                Some(format!("{table}.{}", column.name))
            }
            _ => None,
        })
        .collect()
}

/// A name from what is done: the one change, the one table, or else nothing better than `schema`.
fn name_of(plan: &Plan) -> String {
    let name = match plan.changes.as_slice() {
        [only] => only.what(),
        several => {
            let mut tables: Vec<&str> = several.iter().filter_map(|change| change.table()).collect();
            tables.dedup();
            match tables.as_slice() {
                [table] => format!("alter {table}"),
                _ => "schema".to_owned(),
            }
        }
    };
    slug(&name).unwrap_or_else(|_| "schema".to_owned())
}

/// Lower-case words joined by underscores: `Add users.displayName` becomes `add_users_display_name`.
fn slug(name: &str) -> Result<String, GenerateError> {
    let mut slug = String::new();
    let mut before = ' ';
    for c in name.chars() {
        let begins = !before.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && before.is_ascii_lowercase());
        before = c;
        if c.is_ascii_alphanumeric() {
            if begins && !slug.is_empty() {
                slug.push('_');
            }
            slug.push(c.to_ascii_lowercase());
        }
    }
    if slug.is_empty() { Err(GenerateError::Name(name.to_owned())) } else { Ok(slug) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::desired;
    use crate::schema::model::{Column, Kind, Value};

    fn last() -> Last {
        // Not the newest migration of the tree: these tests stay true whatever is added there.
        Last { version: "20261123000001".to_owned(), schema: desired().unwrap() }
    }

    fn with_column() -> Schema {
        let mut schema = desired().unwrap();
        let column = Column { nullable: true, ..Column::new("homeAirport", Kind::Text) };
        schema.table_mut("users").unwrap().columns.push(column);
        schema
    }

    fn moment(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_to_do_is_nothing_written() {
        let nothing =
            generate(&last(), &desired().unwrap(), &Request::default(), None, moment("2027-01-02T03:04:05Z")).unwrap();
        assert_eq!(nothing, None);
        assert!(ahead(&last().schema, &desired().unwrap()).unwrap().is_empty());
    }

    #[test]
    fn twenty_runs_write_the_same_bytes() {
        let run = || {
            generate(&last(), &with_column(), &Request::default(), None, moment("2027-01-02T03:04:05Z"))
                .unwrap()
                .unwrap()
        };
        let first = run();
        assert_eq!(first.folder, "20270102030405_add_column_users_home_airport");
        for _ in 0..20 {
            assert_eq!(run(), first);
        }
    }

    #[test]
    fn a_clock_that_lags_behind_still_gives_the_next_version() {
        let made =
            generate(&last(), &with_column(), &Request::default(), Some("x"), moment("2020-01-01T00:00:00Z")).unwrap();
        let next = last().version.parse::<u64>().unwrap() + 1;
        assert_eq!(made.unwrap().folder, format!("{next}_x"));
    }

    #[test]
    fn a_drop_is_marked_in_the_file_and_its_way_back_is_filled() {
        let mut schema = desired().unwrap();
        schema.table_mut("users").unwrap().columns.retain(|column| column.name != "displayName");
        let made =
            generate(&last(), &schema, &Request::default(), None, moment("2027-01-02T03:04:05Z")).unwrap().unwrap();
        let file = |name: &str| made.files.iter().find(|(file, _)| *file == name).unwrap().1.as_str();
        for engine in ["postgres", "sqlite"] {
            assert!(file(&format!("{engine}.up.sql")).contains("\n-- loses: users.displayName\n"));
            assert!(!file(&format!("{engine}.down.sql")).contains("-- loses"));
        }
        insta::assert_snapshot!(file("postgres.down.sql"), @r#"
        -- Written by skyteam db generate. It may be edited until it has been applied somewhere.

        -- add column users.displayName
        -- cost: changes the catalogue only: no row is read or written
        ALTER TABLE "users" ADD COLUMN "displayName" text DEFAULT '' NOT NULL;
        ALTER TABLE "users" ALTER COLUMN "displayName" DROP DEFAULT;
        "#);
        assert_eq!(made.losses.len(), 1);
    }

    #[test]
    fn a_column_that_nothing_fills_is_told() {
        let mut schema = desired().unwrap();
        let column = Column::new("rank", Kind::Integer);
        schema.table_mut("users").unwrap().columns.push(column);
        let now = moment("2027-01-02T03:04:05Z");
        let made = generate(&last(), &schema, &Request::default(), None, now).unwrap().unwrap();
        assert_eq!(made.unfilled, ["users.rank"]);
        schema.table_mut("users").unwrap().columns.last_mut().unwrap().default = Some(Value::Integer(0));
        let made = generate(&last(), &schema, &Request::default(), None, now).unwrap().unwrap();
        assert!(made.unfilled.is_empty());
    }

    #[test]
    fn names_become_words_of_a_folder() {
        assert_eq!(slug("Add users.displayName!").unwrap(), "add_users_display_name");
        assert_eq!(slug("IATA code").unwrap(), "iata_code");
        assert_eq!(slug("2nd  try").unwrap(), "2nd_try");
        assert!(matches!(slug("…"), Err(GenerateError::Name(_))));
    }
}
