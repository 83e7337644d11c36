//! Backups: what is backed up comes back, on either engine and across, and nothing that can go wrong leaves a half
//! backup, a half restore or an answer that is not clear.

mod attachments;
mod cells;
mod changed;
mod create;
mod definitions;
mod digest;
mod disturbances;
mod drill;
mod dumps;
mod faults;
mod folder;
mod identity;
mod locks;
mod native;
mod object_store;
mod owners;
pub mod parquet;
mod pipes;
mod races;
mod restore;
mod rows;
mod verify;

use crate::support::{Engine, World};

/// The scratch databases of this world's role. Other tests make theirs on the same server.
fn scratch_databases(world: &World) -> Vec<String> {
    let names = world.server().admin(&format!(
        "SELECT datname FROM pg_database WHERE datname LIKE 'skyteam_verify%' AND pg_get_userbyid(datdba) = '{}'",
        world.role()
    ));
    names.lines().map(str::to_owned).collect()
}

/// The statements of the whole schema, sorted: what is put back comes behind what the restore makes.
fn definitions(world: &World) -> Vec<String> {
    let lines = |statement: &str| {
        // Columns of others come back behind ours.
        let mut lines: Vec<&str> = statement.lines().map(|line| line.trim().trim_end_matches(',')).collect();
        if statement.starts_with("CREATE TABLE") {
            lines.sort_unstable();
        }
        lines.join("\n")
    };
    let catalogue = world.catalogue();
    let mut statements: Vec<String> = catalogue.split(";\n").map(|each| lines(each.trim())).collect();
    statements.sort();
    statements
}

/// Rows that are hard to carry: quotes, backslashes, COPY's own marks, emoji, empty against NULL, microseconds, the
/// ends of the calendar, the largest numbers. Without triggers in the way: a balance below zero too.
fn hard_rows(world: &World) {
    let off = match world.engine() {
        Engine::Postgres => r#"ALTER TABLE "users" DISABLE TRIGGER USER"#,
        Engine::Sqlite => r#"DROP TRIGGER "users_miles_guard_insert""#,
    };
    world.query(off);
    let texts = [
        r"\N",
        r"\.",
        r#"quote ' double " back \ slash"#,
        "tab\tnewline\nreturn\r",
        "🛫 대한항공 — Ångström",
        "",
        "NULL",
        "5:hello;7:",
        "e\u{301} \u{202e}right to left",
    ];
    for (n, text) in texts.iter().enumerate() {
        let quoted = text.replace('\'', "''");
        let avatar = if n % 2 == 0 { "NULL".to_owned() } else { format!("'{quoted}'") };
        let time =
            ["infinity", "-infinity", "2025-01-05 10:30:00.123456", "0001-01-01 00:00:00", "1999-12-31 23:59:59.9"]
                [n % 5];
        world.query(&format!(
            r#"INSERT INTO "users" ("userId", username, "displayName", miles, "avatarUrl", "createdAt")
               VALUES ('{n}', 'u{n}{quoted}', '{quoted}', {}, {avatar}, '{time}')"#,
            [i32::MAX, -5, 0][n % 3]
        ));
    }
    world.query(
        r#"INSERT INTO "airlines" ("airlineId", name, token) VALUES ('sas', 'SAS', 'token');
           INSERT INTO "brands" ("brandId", "airlineId", name, iata, icao, callsign, "isPrimary", "logoUrl")
           VALUES ('sas', 'sas', 'SAS', 'SK', 'SAS', 'SCANDINAVIAN', true, NULL);
           INSERT INTO "flights" (id, code, "gameId", aircraft, "airlineId", "brandId", departure, arrival, "startTime")
           VALUES ('6e1fcd70-4528-4d8b-a6d6-bbedb9210096', 'SK1', '1', 'A320', 'sas', 'sas', 'ARN', 'CPH', '2025-01-05 10:30:00');
           INSERT INTO "flightPassengers" VALUES ('6e1fcd70-4528-4d8b-a6d6-bbedb9210096', '0', 250, '2025-01-05 10:30:00.5');
           INSERT INTO "milesTransactions" (id, "userId", amount, type, source, "flightId", note, "createdAt")
           VALUES ('ffffffff-ffff-ffff-ffff-ffffffffffff', '0', -2147483647, 'spend', 'x', NULL, '', '2025-01-05 10:30:00.000001');"#,
    );
    if world.engine() == Engine::Postgres {
        world.query(r#"ALTER TABLE "users" ENABLE TRIGGER USER"#);
    }
}

/// Every row of every table, as text that is the same on both engines.
fn everything(world: &World) -> String {
    let tables = [
        ("users", r#""userId" username "displayName" miles "avatarUrl" "createdAt" "updatedAt""#),
        ("airlines", r#""airlineId" name token "inviteLink" "serverId" "createdAt" "updatedAt""#),
        (
            "brands",
            r##""brandId" "airlineId" name iata icao callsign "isPrimary" "logoUrl" "accentColor" "secondaryColor" "elementColor""##,
        ),
        (
            "flights",
            r#"id code "gameId" aircraft "airlineId" "brandId" "startTime" "endTime" "codeshareAirlineId" departure arrival "startedAt" "discordEventLink""#,
        ),
        ("flightPassengers", r#""flightId" "userId" miles "joinedAt""#),
        (
            "milesTransactions",
            r#"id "userId" amount type source "flightId" "productId" note "createdAt" "reversesId" "batchId" actor"#,
        ),
        ("milesProducts", r#""productId" "airlineId" name description "priceMiles" active "createdAt""#),
    ];
    let mut all = String::new();
    for (table, columns) in tables {
        let columns: Vec<String> = columns
            .split(' ')
            .map(|column| match column {
                r#""isPrimary""# | "active" => format!("CASE WHEN {column} THEN '1' ELSE '0' END"),
                _ => format!("coalesce(CAST({column} AS text), '<null>')"),
            })
            .collect();
        // The same order everywhere: by bytes, not by the server's collation.
        let collate = if world.engine() == Engine::Postgres { r#" COLLATE "C""# } else { "" };
        let line = columns.join(" || '|' || ");
        all.push_str(&format!("-- {table}\n"));
        all.push_str(&world.query(&format!(r#"SELECT {line} AS line FROM "{table}" ORDER BY ({line}){collate}"#)));
        all.push('\n');
    }
    all
}

/// A world of each engine.
fn worlds() -> [World; 2] {
    [World::postgres(), World::sqlite()]
}
