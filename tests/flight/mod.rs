//! `flight`: planned, flown, boarded, ended, on both engines.

mod board;
mod corrections;
mod hostile;
mod list;
mod manifest;
mod plan;
mod reference;
mod steps;

use crate::support::World;

/// One flight in each state at the tests' moment, noon of 2025-07-04, named by the first character of its id.
pub const SCHEDULED: &str = "1a000000-0000-4000-8000-000000000000";
pub const OVERDUE: &str = "2a000000-0000-4000-8000-000000000000";
pub const LIVE: &str = "3a000000-0000-4000-8000-000000000000";
pub const STALE: &str = "4a000000-0000-4000-8000-000000000000";
pub const ENDED: &str = "5a000000-0000-4000-8000-000000000000";
pub const CANCELLED: &str = "6a000000-0000-4000-8000-000000000000";

/// Two airlines with a brand each, three users without miles, and the flights.
pub fn fleet(world: &World) {
    world.query(
        r#"INSERT INTO "airlines" ("airlineId", "name", "token") VALUES
            ('delta', 'Delta', 'secret-delta'), ('af', 'Air France', 'secret-af');
        INSERT INTO "brands" ("brandId", "airlineId", "name", "iata", "icao", "callsign", "isPrimary") VALUES
            ('dl', 'delta', 'Delta', 'DL', 'DAL', 'DELTA', true), ('afr', 'af', 'Air France', 'AF', 'AFR', 'AIRFRANS', true);
        INSERT INTO "users" ("userId", "username", "displayName") VALUES
            ('1', 'pilot123', 'Pilot'), ('2', 'Captain_Ada', 'Ada'), ('3', '12345', 'Digits')"#,
    );
    let flight = |id: &str, code: &str, start: &str, started: &str, end: &str| {
        let (airline, brand) = if code.starts_with("DL") { ("delta", "dl") } else { ("af", "afr") };
        let time = |text: &str| if text.is_empty() { "NULL".to_owned() } else { format!("'2025-07-04 {text}'") };
        let codeshare = if code == "DL100" { "'af'" } else { "NULL" };
        world.query(&format!(
            r#"INSERT INTO "flights" ("id", "code", "gameId", "aircraft", "airlineId", "brandId", "startTime",
                "startedAt", "endTime", "codeshareAirlineId", "departure", "arrival")
            VALUES ('{id}', '{code}', '9', 'A350', '{airline}', '{brand}', {}, {}, {}, {codeshare}, 'JFK', 'CDG')"#,
            time(start),
            time(started),
            time(end)
        ));
    };
    flight(SCHEDULED, "DL100", "18:00:00", "", "");
    flight(OVERDUE, "DL200", "11:59:59.999999", "", "");
    flight(LIVE, "DL300", "05:00:00", "06:00:00", "");
    flight(STALE, "AF400", "05:00:00", "05:59:59.999999", "");
    flight(ENDED, "DL500", "08:00:00", "08:05:00", "10:00:00");
    flight(CANCELLED, "AF600", "08:00:00", "", "07:00:00");
}

/// The times of a flight as they stand: scheduled, started, ended.
pub fn times(world: &World, id: &str) -> String {
    world.query(&format!(r#"SELECT "startTime", "startedAt", "endTime" FROM "flights" WHERE "id" = '{id}'"#))
}

/// Everything that boarding touches, to be compared with what was before.
pub fn books(world: &World) -> String {
    world.query(
        r#"SELECT 'balance', "userId", CAST("miles" AS text), '' FROM "users" WHERE "miles" <> 0
        UNION ALL SELECT 'seat', "userId", CAST("miles" AS text), CAST("flightId" AS text) FROM "flightPassengers"
        UNION ALL SELECT 'entry', "userId", CAST("amount" AS text), CAST("flightId" AS text) FROM "milesTransactions"
        ORDER BY 1, 2, 4"#,
    )
}

/// Claims that each balance is the sum of its entries, and each seat's miles those of its entry.
#[track_caller]
pub fn books_are_right(world: &World) {
    let wrong = world.query(
        r#"SELECT u."userId" FROM "users" u
        WHERE u."miles" <> (SELECT coalesce(sum(e."amount"), 0) FROM "milesTransactions" e WHERE e."userId" = u."userId")
        UNION ALL SELECT p."userId" FROM "flightPassengers" p LEFT JOIN (
            SELECT "flightId", "userId", sum("amount") AS "paid" FROM "milesTransactions" GROUP BY 1, 2
        ) e ON e."flightId" = p."flightId" AND e."userId" = p."userId"
        WHERE p."miles" <> coalesce(e."paid", 0)"#,
    );
    assert_eq!(wrong, "");
}
