//! What mends data that breaks a rule: for our own rules by name, for others in general.

use serde::Serialize;

use crate::db::{Engine, quote};
use crate::schema::model::{ForeignKey, Table};

/// What mends rows that break a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mend {
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

impl From<&str> for Mend {
    fn from(sql: &str) -> Self {
        Self::Statement(sql.to_owned())
    }
}

/// For rows that break a check.
pub(super) fn check(name: &str, table: &str, sql: &str) -> Vec<Mend> {
    match name {
        "milesTransactions_amount_check" => vec![
            r#"UPDATE "milesTransactions" SET amount = -amount WHERE type = 'earn' AND amount < 0 OR type = 'spend' AND amount > 0"#.into(),
            r#"UPDATE "milesTransactions" SET type = CASE WHEN amount < 0 THEN 'spend' ELSE 'earn' END WHERE type NOT IN ('earn', 'spend')"#.into(),
        ],
        "milesProducts_priceMiles_check" => {
            vec![r#"UPDATE "milesProducts" SET "priceMiles" = 1, active = false WHERE "priceMiles" <= 0"#.into()]
        }
        "flightPassengers_miles_check" => {
            vec![r#"UPDATE "flightPassengers" SET miles = 0 WHERE miles < 0"#.into()]
        }
        _ => vec![Mend::Statement(format!("UPDATE {} SET … WHERE NOT ({sql})", quote(table)))],
    }
}

/// For rows of which there is one too many.
pub(super) fn duplicates(engine: Engine, name: &str, table: &str, columns: &[String]) -> Vec<Mend> {
    if name == "brands_airlineId_primary_unique" {
        // The first in the alphabet stays; which it should be is then for `skyteam brand primary` to say.
        return vec![
            r#"UPDATE brands SET "isPrimary" = false WHERE "isPrimary" AND "brandId" NOT IN (SELECT min("brandId") FROM brands WHERE "isPrimary" GROUP BY "airlineId")"#.into(),
        ];
    }
    // Of passengers the duplicates say nothing that the first does not; of others a person must choose which one stays as
    // it is, and none of them is deleted.
    match name {
        "flightPassengers_flightId_userId_pk" => {}
        "users_username_unique" => return vec![Mend::Username],
        "brands_iata_unique" => return vec![Mend::Iata],
        "brands_icao_unique" => return vec![Mend::Icao],
        "brands_callsign_unique" => return vec![Mend::Callsign],
        "airlines_token_unique" => return vec![Mend::Token],
        _ => return vec![Mend::Each { table: table.to_owned(), columns: columns.to_vec() }],
    }
    let place = match engine {
        Engine::Postgres => "ctid",
        Engine::Sqlite => "rowid",
    };
    let same: Vec<String> = columns.iter().map(|column| format!("one.{0} = other.{0}", quote(column))).collect();
    let table = quote(table);
    vec![Mend::Statement(format!(
        "DELETE FROM {table} WHERE {place} IN (SELECT one.{place} FROM {table} AS one JOIN {table} AS other ON {} \
         AND one.{place} > other.{place})",
        same.join(" AND ")
    ))]
}

/// For rows that name nothing.
pub(super) fn orphans(table: &Table, key: &ForeignKey, condition: &str) -> Vec<Mend> {
    let nullable: Vec<&String> =
        key.columns.iter().filter(|name| table.column(name).is_some_and(|column| column.nullable)).collect();
    let name = quote(&table.name);
    let mend = match nullable.first() {
        Some(column) => format!("UPDATE {name} SET {} = NULL WHERE {condition}", quote(column)),
        None => format!("DELETE FROM {name} WHERE {condition}"),
    };
    vec![Mend::Add { table: key.table.clone() }, Mend::Statement(mend)]
}
