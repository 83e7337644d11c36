//! What an entity cannot declare: checks, several-column and partial indexes, and triggers.
//!
//! The source of every rule here is version 2 of the schema ("what makes it safe"); a comment gives the reason where
//! the rule's form is not obvious. [`super::desired()`] joins this with the entities. PostgreSQL's expressions are written the
//! way PostgreSQL prints them back: then a live object is recognised without making a scratch table to compare with.

use super::model::{Constraint, Function, Index, PerEngine, Rule, Shape, Trigger, TriggerBody, fit_name};

/// What a balance may not pass: PostgreSQL's `integer` ends there, SQLite's does not.
pub(crate) const MAX_MILES: i32 = i32::MAX;

/// The message with which an overdraft is refused. The API answers this very text with status 400.
pub(crate) const INSUFFICIENT_MILES: &str = "Insufficient miles";

/// The message with which a change of the ledger is refused.
pub(crate) const APPEND_ONLY: &str = "milesTransactions is append-only: reverse the entry instead";

/// The setting that lifts the append-only rule for one transaction on PostgreSQL.
pub(crate) const MAINTENANCE_SETTING: &str = "skyteam.maintenance";

/// The setting that says what it was lifted for, in the record that the trigger writes.
pub(crate) const OPERATION_SETTING: &str = "skyteam.operation";

/// The table that lifts the append-only rule on SQLite while it has a row.
pub(crate) const MAINTENANCE_TABLE: &str = "_skyteam_maintenance";

/// Foreign keys whose first column leads one of [`indexes`], and which therefore get no index of their own.
pub(crate) fn served(table: &str, column: &str) -> bool {
    matches!((table, column), ("milesTransactions", "userId" | "reversesId") | ("flights", "airlineId"))
}

/// The checks of a table.
pub(crate) fn checks(table: &str) -> Vec<Constraint> {
    let check = |name: &str, postgres: &str, sqlite: &str| Constraint {
        name: fit_name(name),
        rule: Rule::Check(per_engine(postgres, sqlite)),
    };
    match table {
        "milesTransactions" => vec![check(
            "milesTransactions_amount_check",
            "type = 'earn'::text AND amount >= 0 OR type = 'spend'::text AND amount <= 0",
            r#""type" = 'earn' AND "amount" >= 0 OR "type" = 'spend' AND "amount" <= 0"#,
        )],
        "milesProducts" => {
            vec![check("milesProducts_priceMiles_check", r#""priceMiles" > 0"#, r#""priceMiles" > 0"#)]
        }
        "flightPassengers" => vec![check("flightPassengers_miles_check", "miles >= 0", r#""miles" >= 0"#)],
        _ => Vec::new(),
    }
}

/// The indexes of a table beyond those of its foreign keys. None on `users.miles`: it would end in-place updates of
/// the hottest rows.
pub(crate) fn indexes(table: &str) -> Vec<Index> {
    let plain = |columns: &[&str]| Index {
        name: fit_name(&format!("{table}_{}_idx", columns.join("_"))),
        shape: Shape::Columns {
            columns: columns.iter().map(ToString::to_string).collect(),
            unique: false,
            filter: None,
        },
    };
    match table {
        "brands" => vec![Index {
            name: fit_name("brands_airlineId_primary_unique"),
            shape: Shape::Columns {
                columns: vec!["airlineId".to_owned()],
                unique: true,
                filter: Some(per_engine(r#""isPrimary""#, r#""isPrimary""#)),
            },
        }],
        "flights" => vec![plain(&["airlineId", "startTime"])],
        "milesTransactions" => vec![plain(&["userId", "createdAt"]), plain(&["batchId"])],
        _ => Vec::new(),
    }
}

/// The triggers of a table, for both engines.
///
/// A trigger and not a check guards the balance: an account that is negative already can still be paid, renamed and
/// corrected. It fires at once; a deferred one would let an application report a success that never was.
pub(crate) fn triggers(table: &str) -> Vec<Trigger> {
    match table {
        "users" => {
            let sqlite = |name: &str, fires: &str, lower: &str| {
                sqlite_trigger(
                    name,
                    &format!("{fires} FOR EACH ROW WHEN NEW.\"miles\" < 0{lower}"),
                    &format!("SELECT RAISE(ABORT, '{INSUFFICIENT_MILES}');"),
                )
            };
            let bound = |name: &str, fires: &str| {
                sqlite_trigger(
                    name,
                    &format!("{fires} FOR EACH ROW WHEN NEW.\"miles\" > {MAX_MILES}"),
                    "SELECT RAISE(ABORT, 'integer out of range');",
                )
            };
            vec![
                postgres_trigger(
                    "users_miles_guard",
                    "BEFORE INSERT OR UPDATE OF miles",
                    "FOR EACH ROW WHEN ((new.miles < 0))",
                ),
                sqlite(
                    "users_miles_guard",
                    r#"BEFORE UPDATE OF "miles" ON {table}"#,
                    r#" AND NEW."miles" < OLD."miles""#,
                ),
                sqlite("users_miles_guard_insert", "BEFORE INSERT ON {table}", ""),
                bound("users_miles_bound", r#"BEFORE UPDATE OF "miles" ON {table}"#),
                bound("users_miles_bound_insert", "BEFORE INSERT ON {table}"),
            ]
        }
        "milesTransactions" => {
            let sqlite = |name: &str, event: &str, also: &str| {
                sqlite_trigger(
                    name,
                    &format!(
                        "BEFORE {event} ON {{table}} FOR EACH ROW WHEN NOT EXISTS (SELECT 1 FROM \"{MAINTENANCE_TABLE}\"){also}"
                    ),
                    &format!("SELECT RAISE(ABORT, '{APPEND_ONLY}');"),
                )
            };
            // INSERT OR REPLACE deletes what is in its way, and fires no DELETE trigger.
            let in_its_way = r#" AND EXISTS (SELECT 1 FROM {table} WHERE "id" = NEW."id" OR rowid = NEW.rowid OR "reversesId" = NEW."reversesId")"#;
            vec![
                postgres_trigger(
                    "milesTransactions_append_only",
                    "BEFORE DELETE OR UPDATE OR TRUNCATE",
                    "FOR EACH STATEMENT",
                ),
                sqlite("milesTransactions_append_only", "UPDATE", ""),
                sqlite("milesTransactions_append_only_delete", "DELETE", ""),
                sqlite("milesTransactions_append_only_insert", "INSERT", in_its_way),
            ]
        }
        _ => Vec::new(),
    }
}

/// The functions behind the triggers, for PostgreSQL.
///
/// They name every operator and object with its schema, beside the search path that they are pinned to. The ledger opens
/// only to members of the role that owns it, who could take the trigger off anyway: with plain rights on rows the setting
/// alone would let any role rewrite history. Both the current and the session user must be members: a cascade of
/// a foreign key, or a function of the owner's, runs as the owner. Each opening leaves its line in `skyteam.openings`.
pub(crate) fn functions() -> Vec<Function> {
    vec![
        Function {
            name: "users_miles_guard".to_owned(),
            body: format!(
                "
BEGIN
  IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' OR NEW.miles OPERATOR(pg_catalog.<) OLD.miles THEN
    RAISE EXCEPTION USING MESSAGE = '{INSUFFICIENT_MILES}', ERRCODE = 'check_violation',
      CONSTRAINT = 'users_miles_guard', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END
"
            ),
            oddity: None,
        },
        Function {
            name: "milesTransactions_append_only".to_owned(),
            body: format!(
                "
BEGIN
  IF pg_catalog.current_setting('{MAINTENANCE_SETTING}', true) IS DISTINCT FROM 'on' OR NOT EXISTS (
    SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) TG_RELID
      AND pg_catalog.pg_has_role(c.relowner, 'MEMBER') AND pg_catalog.pg_has_role(session_user, c.relowner, 'MEMBER')) THEN
    RAISE EXCEPTION USING MESSAGE = '{APPEND_ONLY}', ERRCODE = 'restrict_violation',
      CONSTRAINT = 'milesTransactions_append_only', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
  END IF;
  INSERT INTO skyteam.openings (\"transaction\", \"role\", \"operation\", \"application\")
    SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text, session_user,
      COALESCE(NULLIF(pg_catalog.current_setting('{OPERATION_SETTING}', true), ''), 'by hand'),
      pg_catalog.current_setting('application_name')
    WHERE NOT EXISTS (SELECT FROM skyteam.openings o
      WHERE o.\"transaction\" OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id()::pg_catalog.text
        AND o.\"openedAt\" OPERATOR(pg_catalog.=) (pg_catalog.now() AT TIME ZONE 'UTC'));
  RETURN NULL;
END
"
            ),
            oddity: None,
        },
    ]
}

fn per_engine(postgres: &str, sqlite: &str) -> PerEngine {
    PerEngine { postgres: postgres.to_owned(), sqlite: sqlite.to_owned() }
}

fn postgres_trigger(name: &str, fires: &str, each: &str) -> Trigger {
    Trigger {
        name: name.to_owned(),
        body: TriggerBody::Postgres { fires: fires.to_owned(), each: each.to_owned(), function: name.to_owned() },
    }
}

fn sqlite_trigger(name: &str, fires: &str, does: &str) -> Trigger {
    Trigger { name: name.to_owned(), body: TriggerBody::Sqlite(format!("{fires} BEGIN {does} END")) }
}
