//! Looking at a large ledger: the last fifty entries of a million, and the audit of three million.

use std::sync::Arc;

use futures::TryStreamExt;
use sea_orm::{ConnectionTrait, Statement};
use skyteam::db::Database;
use skyteam::ledger::{audit, history};
use tokio::runtime::Runtime;

use super::{Pair, in_turn, seconds};

/// A history of a million entries, and two million awards for flights with their passengers; balances that follow.
const LARGE: &str = r#"
SET LOCAL synchronous_commit = off;
INSERT INTO "airlines" ("airlineId", "name", "token") VALUES ('bench', 'Bench', 'benchbenchbenchbenchbenc');
INSERT INTO "brands" ("brandId", "airlineId", "name", "iata", "icao", "callsign") VALUES ('bench', 'bench', 'Bench', 'B1', 'BNC', 'BENCH');
INSERT INTO "users" ("userId", "username", "displayName") SELECT (1000000 + u)::text, 'large' || u, 'x' FROM generate_series(0, 99999) u;
INSERT INTO "flights" ("id", "code", "gameId", "aircraft", "airlineId", "brandId", "departure", "arrival")
    SELECT md5('flight' || f)::uuid, 'B1' || f % 9999, '1', 'A320', 'bench', 'bench', 'AMS', 'JFK' FROM generate_series(0, 49999) f;
INSERT INTO "flightPassengers" ("flightId", "userId", "miles", "joinedAt")
    SELECT md5('flight' || p / 40)::uuid, (1000000 + p * 7919::bigint % 100000)::text, 250 + p % 4 * 250,
        timestamp '2025-01-01' + p * interval '10 seconds' FROM generate_series(0, 1999999) p;
INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "flightId", "createdAt")
    SELECT "userId", "miles", 'earn', 'flight', "flightId", "joinedAt" FROM "flightPassengers";
INSERT INTO "users" ("userId", "username", "displayName") VALUES ('999999', 'frequent', 'x');
INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "createdAt")
    SELECT '999999', 1, 'earn', 'manual', timestamp '2025-01-01' + e * interval '30 seconds' FROM generate_series(1, 1000000) e;
UPDATE "users" u SET "miles" = s.total FROM (SELECT "userId", sum("amount") AS total FROM "milesTransactions" GROUP BY 1) s
    WHERE s."userId" = u."userId" AND u."miles" <> s.total;
"#;

fn scalar(runtime: &Runtime, database: &Database, sql: &str) -> f64 {
    seconds(|| {
        let statement = Statement::from_string(database.engine().backend(), sql);
        runtime.block_on(database.conn().query_one_raw(statement)).unwrap();
    }) * 1e3
}

pub(super) fn run(runtime: &Runtime, database: &Arc<Database>) {
    runtime.block_on(async {
        let tx = database.begin().await.unwrap();
        tx.execute_unprepared(LARGE).await.unwrap();
        tx.commit().await.unwrap();
        database.conn().execute_unprepared("VACUUM ANALYZE").await.unwrap();
    });
    let last_fifty = || {
        seconds(|| {
            runtime.block_on(async {
                let all = history::Filter::default();
                let lines = history::of_user(database.conn(), "999999", &all, Some(50)).await.unwrap();
                let lines: Vec<_> = lines.try_collect().await.unwrap();
                assert_eq!((lines.len(), lines[0].balance), (50, 1_000_000));
            });
        }) * 1e3
    };
    last_fifty();
    let full = r#"SELECT sum("amount") FROM "milesTransactions" WHERE "userId" = '999999'"#;
    let (ours, raw) = in_turn(last_fifty, || scalar(runtime, database, full));
    Pair { what: "last 50 of a history of a million, against all of it".into(), ours, raw, unit: "ms", goal: -0.02 }
        .print();

    let proof = || {
        seconds(|| {
            runtime.block_on(async {
                let tx = database.begin_read().await.unwrap();
                let findings: Vec<_> = audit::audit(&tx, None).await.unwrap().try_collect().await.unwrap();
                assert!(findings.is_empty(), "{findings:?}");
                tx.rollback().await.unwrap();
            });
        }) * 1e3
    };
    let (ours, raw) = in_turn(proof, || scalar(runtime, database, r#"SELECT sum("amount") FROM "milesTransactions""#));
    Pair { what: "audit of three million entries, against their sum".into(), ours, raw, unit: "ms", goal: -10.0 }
        .print();
}
