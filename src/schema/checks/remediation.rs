//! How to repair data that breaks a rule: for our own rules by name, for others in general.

use serde::Serialize;

use crate::db::{Engine, quote};
use crate::schema::constraints::{MAINTENANCE_SETTING, MAINTENANCE_TABLE};
use crate::schema::model::{ForeignKey, Table};

/// How to repair rows that break a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remediation {
    /// A statement of SQL.
    Statement(String),
    /// Other usernames.
    Username,
    /// Other IATA codes of brands.
    Iata,
    /// Other ICAO codes of brands.
    Icao,
    /// Other callsigns of brands.
    Callsign,
    /// New tokens of airlines.
    Token,
    /// Other values in all but one row of each.
    Each {
        /// The table.
        table: String,
        /// Any of these columns.
        columns: Vec<String>,
    },
    /// Rows to refer to.
    Add {
        /// The table that lacks them.
        table: String,
    },
    /// A value for a column that has none.
    Backfill {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
}

/// A table whose rows are to be mended.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) engine: Engine,
    /// As it is.
    pub(super) table: &'a Table,
    /// As it is to be.
    pub(super) wanted: &'a Table,
    /// Whether a trigger makes the table append-only already.
    pub(super) append_only: bool,
}

impl Subject<'_> {
    /// The table itself, without tables of others that inherit from it.
    fn only(&self) -> String {
        only(self.engine, self.table)
    }

    /// A statement that changes entries of the ledger, for which the append-only rule is lifted.
    fn mend(&self, sql: String) -> Remediation {
        Remediation::Statement(match (self.append_only, self.engine) {
            (false, _) => sql,
            (true, Engine::Postgres) => format!("BEGIN; SET LOCAL {MAINTENANCE_SETTING} = 'on'; {sql}; COMMIT"),
            (true, Engine::Sqlite) => format!(
                "BEGIN; INSERT INTO \"{MAINTENANCE_TABLE}\" VALUES ('mend'); {sql}; DELETE FROM \"{MAINTENANCE_TABLE}\"; COMMIT"
            ),
        })
    }
}

/// The name of a table in a statement about its own rows: those of tables that inherit from it obey neither its keys nor
/// its foreign keys.
pub(super) fn only(engine: Engine, table: &Table) -> String {
    let name = quote(&table.name);
    if engine == Engine::Postgres && !table.partitioned { format!("ONLY {name}") } else { name }
}

/// For rows that break a check. None changes an amount of the ledger or a balance: those are facts.
pub(super) fn check(of: Subject<'_>, name: &str, sql: &str) -> Vec<Remediation> {
    // A check holds in the tables that inherit from this one, too.
    let table = quote(&of.table.name);
    let set = match name {
        "milesTransactions_amount_check" => r#"type = CASE WHEN amount < 0 THEN 'spend' ELSE 'earn' END"#,
        "milesProducts_priceMiles_check" => r#""priceMiles" = 1, active = false"#,
        "flightPassengers_miles_check" => "miles = 0",
        _ => "…",
    };
    vec![of.mend(format!("UPDATE {table} SET {set} WHERE NOT ({sql})"))]
}

/// For rows of which there is one too many.
pub(super) fn duplicates(of: Subject<'_>, name: &str, columns: &[String]) -> Vec<Remediation> {
    let table = of.only();
    // Of passengers the duplicates say nothing that the first does not; of others a person must choose which one stays as
    // it is, and none of them is deleted.
    match name {
        // The first in the alphabet stays; which it should be is then for `skyteam brand primary` to say.
        "brands_airlineId_primary_unique" => vec![Remediation::Statement(format!(
            r#"UPDATE {table} SET "isPrimary" = false WHERE "isPrimary" AND "brandId" NOT IN (SELECT min("brandId") FROM {table} WHERE "isPrimary" GROUP BY "airlineId")"#
        ))],
        "flightPassengers_flightId_userId_pk" => vec![passengers(of)],
        "users_username_unique" => vec![Remediation::Username],
        "brands_iata_unique" => vec![Remediation::Iata],
        "brands_icao_unique" => vec![Remediation::Icao],
        "brands_callsign_unique" => vec![Remediation::Callsign],
        "airlines_token_unique" => vec![Remediation::Token],
        _ => vec![Remediation::Each { table: of.table.name.clone(), columns: columns.to_vec() }],
    }
}

/// Of a passenger who is on a flight more than once, the row is kept whose miles were paid.
fn passengers(of: Subject<'_>) -> Remediation {
    let place = match of.engine {
        Engine::Postgres if of.table.partitioned => "tableoid, ctid",
        Engine::Postgres => "ctid",
        Engine::Sqlite => "rowid",
    };
    let table = of.only();
    Remediation::Statement(format!(
        r#"DELETE FROM {table} WHERE ({place}) IN (SELECT {place} FROM (SELECT {place}, row_number() OVER (PARTITION BY p."flightId", p."userId" ORDER BY CASE WHEN EXISTS (SELECT 1 FROM "milesTransactions" e WHERE e."flightId" = p."flightId" AND e."userId" = p."userId" AND e.source = 'flight' AND e.amount = p.miles) THEN 0 ELSE 1 END, p."joinedAt", {place}) AS place FROM {table} AS p) AS ranked WHERE place > 1)"#
    ))
}

/// For rows that name nothing.
pub(super) fn orphans(of: Subject<'_>, key: &ForeignKey, condition: &str) -> Vec<Remediation> {
    let table = of.only();
    let nullable = |name: &&String| of.wanted.column(name).is_some_and(|column| column.nullable);
    let nullable = key.columns.iter().find(nullable);
    let is_ledger = of.table.name == "milesTransactions";
    let mut mends = Vec::new();
    match (key.table.as_str(), key.columns.as_slice()) {
        ("users", [column]) => mends.push(users(of, column, condition)),
        _ => mends.push(Remediation::Add { table: key.table.clone() }),
    }
    match nullable {
        Some(column) => mends.push(of.mend(format!("UPDATE {table} SET {} = NULL WHERE {condition}", quote(column)))),
        // An entry is evidence, also of a user who is gone.
        None if is_ledger => {}
        None => mends.push(of.mend(format!("DELETE FROM {table} WHERE {condition}"))),
    }
    mends
}

/// Adds the users who are named again, with the balance that their entries sum up to.
fn users(of: Subject<'_>, column: &str, condition: &str) -> Remediation {
    let (table, column) = (of.only(), quote(column));
    let ledger = if of.engine == Engine::Postgres { r#"ONLY "milesTransactions""# } else { r#""milesTransactions""# };
    let last = match of.engine {
        Engine::Postgres => "right(missing.who, 15)",
        Engine::Sqlite => "substr(missing.who, -15)",
    };
    Remediation::Statement(format!(
        r#"INSERT INTO "users" ("userId", username, "displayName", miles) SELECT missing.who, 'lost_' || {last}, missing.who, coalesce((SELECT sum(amount) FROM {ledger} AS e WHERE e."userId" = missing.who), 0) FROM (SELECT DISTINCT {column} AS who FROM {table} WHERE {condition}) AS missing"#
    ))
}
