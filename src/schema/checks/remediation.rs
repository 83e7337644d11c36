//! What mends data that breaks a rule: for our own rules by name, for others in general.

use crate::db::{Engine, quote};
use crate::schema::model::{ForeignKey, Table};

/// For rows that break a check.
pub(super) fn check(name: &str, table: &str, sql: &str) -> Vec<String> {
    match name {
        "milesTransactions_amount_check" => vec![
            r#"UPDATE "milesTransactions" SET amount = -amount WHERE type = 'earn' AND amount < 0 OR type = 'spend' AND amount > 0"#
                .to_owned(),
            r#"UPDATE "milesTransactions" SET type = CASE WHEN amount < 0 THEN 'spend' ELSE 'earn' END WHERE type NOT IN ('earn', 'spend')"#
                .to_owned(),
        ],
        "milesProducts_priceMiles_check" => {
            vec![r#"UPDATE "milesProducts" SET "priceMiles" = 1, active = false WHERE "priceMiles" <= 0"#.to_owned()]
        }
        "flightPassengers_miles_check" => {
            vec![r#"UPDATE "flightPassengers" SET miles = 0 WHERE miles < 0"#.to_owned()]
        }
        _ => vec![format!("UPDATE {} SET … WHERE NOT ({sql})", quote(table))],
    }
}

/// For rows of which there is one too many.
pub(super) fn duplicates(engine: Engine, name: &str, table: &str, columns: &[String]) -> Vec<String> {
    if name == "brands_airlineId_primary_unique" {
        // The first in the alphabet stays; which it should be is then for `skyteam brand primary` to say.
        return vec![
            r#"UPDATE brands SET "isPrimary" = false WHERE "isPrimary" AND "brandId" NOT IN (SELECT min("brandId") FROM brands WHERE "isPrimary" GROUP BY "airlineId")"#
                .to_owned(),
        ];
    }
    // Of passengers the duplicates say nothing that the first does not; of others a person must choose which one stays as
    // it is, and none of them is deleted.
    let each = "for all but one of each";
    match name {
        "flightPassengers_flightId_userId_pk" => {}
        "users_username_unique" => return vec![format!("skyteam user edit USERID --username NAME    {each}")],
        "brands_iata_unique" => return vec![format!("skyteam brand edit BRAND --iata CODE    {each}")],
        "brands_icao_unique" => return vec![format!("skyteam brand edit BRAND --icao CODE    {each}")],
        "brands_callsign_unique" => return vec![format!("skyteam brand edit BRAND --callsign WORD    {each}")],
        "airlines_token_unique" => return vec![format!("skyteam airline token rotate AIRLINE    {each}")],
        _ => return vec![format!("change {} in all but one row of each in {table}", columns.join(" or "))],
    }
    let place = match engine {
        Engine::Postgres => "ctid",
        Engine::Sqlite => "rowid",
    };
    let same: Vec<String> = columns.iter().map(|column| format!("one.{0} = other.{0}", quote(column))).collect();
    let table = quote(table);
    vec![format!(
        "DELETE FROM {table} WHERE {place} IN (SELECT one.{place} FROM {table} AS one JOIN {table} AS other ON {} \
         AND one.{place} > other.{place})",
        same.join(" AND ")
    )]
}

/// For rows that name nothing.
pub(super) fn orphans(table: &Table, key: &ForeignKey, condition: &str) -> Vec<String> {
    let nullable: Vec<&String> =
        key.columns.iter().filter(|name| table.column(name).is_some_and(|column| column.nullable)).collect();
    let name = quote(&table.name);
    let mend = match nullable.first() {
        Some(column) => format!("UPDATE {name} SET {} = NULL WHERE {condition}", quote(column)),
        None => format!("DELETE FROM {name} WHERE {condition}"),
    };
    vec![format!("add the missing rows to {}", key.table), mend]
}
