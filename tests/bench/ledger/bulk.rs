//! Many at once, and SQLite: against the same rows by hand-written SQL.

use std::sync::Arc;

use skyteam::db::Database;
use skyteam::ledger::batch::{OnRefusal, post_all};
use skyteam::ledger::{Posting, key, posting};
use sqlx::Connection as _;
use tokio::runtime::Runtime;

use super::load::drizzle;
use super::{Pair, SPELL, furnish, in_turn, open, seconds};

/// How many rows an import has.
const ROWS: usize = 100_000;

/// How many of them are written one by one, which takes long enough.
const SINGLE: usize = 2_000;

const BY_HAND: &str = r#"WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::int4[], $4::text[]) AS g("id", "userId", "amount", "note")
), held AS MATERIALIZED (
    SELECT "userId" FROM "users" WHERE "userId" IN (SELECT "userId" FROM given) ORDER BY "userId" FOR NO KEY UPDATE
), paid AS (
    UPDATE "users" u SET "miles" = u."miles" + d."delta" FROM held h
        JOIN (SELECT "userId", sum("amount")::int4 AS "delta" FROM given GROUP BY 1) d USING ("userId")
    WHERE u."userId" = h."userId" RETURNING 1
)
INSERT INTO "milesTransactions" ("id", "userId", "amount", "type", "source", "note", "actor")
SELECT "id", "userId", "amount", 'earn', 'manual', "note", 'bench' FROM given"#;

fn rows(many: usize) -> Vec<(uuid::Uuid, String, i32, String)> {
    (0..many)
        .map(|row| (key::fresh_id().0, (1 + row * 7919 % 10_000).to_string(), 10, format!("season bonus {row}")))
        .collect()
}

fn movements(many: usize) -> Vec<Posting> {
    rows(many)
        .into_iter()
        .map(|(id, user, amount, note)| Posting {
            note: Some(note),
            actor: Some("bench".to_owned()),
            drawn: true,
            ..Posting::signed(id.into(), user, amount)
        })
        .collect()
}

fn import(runtime: &Runtime, database: &Database, many: usize) -> f64 {
    let movements = movements(many);
    seconds(|| {
        runtime.block_on(async {
            let tx = database.begin().await.unwrap();
            post_all(&tx, &movements, OnRefusal::Stop, |_| ()).await.unwrap();
            tx.commit().await.unwrap();
        });
    })
}

fn by_hand(runtime: &Runtime, pool: &sqlx::PgPool, many: usize) -> f64 {
    let rows = rows(many);
    seconds(|| {
        runtime.block_on(async {
            sqlx::query(BY_HAND)
                .bind(rows.iter().map(|row| row.0).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.1.clone()).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.2).collect::<Vec<_>>())
                .bind(rows.iter().map(|row| row.3.clone()).collect::<Vec<_>>())
                .execute(pool)
                .await
                .unwrap();
        });
    })
}

fn one_by_one(runtime: &Runtime, database: &Database, many: usize) -> f64 {
    let movements = movements(many);
    seconds(|| {
        runtime.block_on(async {
            for movement in &movements {
                posting::post(database, movement).await.unwrap();
            }
        });
    })
}

pub(super) fn run(runtime: &Runtime, database: &Arc<Database>, url: &str) {
    let pool = database.postgres().unwrap();
    let rate = |took: f64, many: usize| many as f64 / took;
    let (ours, raw) =
        in_turn(|| rate(import(runtime, database, ROWS), ROWS), || rate(by_hand(runtime, pool, ROWS), ROWS));
    Pair { what: "import of 100 000 awards, against unnest by hand".into(), ours, raw, unit: "/s", goal: 0.8 }.print();
    let (ours, raw) =
        in_turn(|| rate(import(runtime, database, ROWS), ROWS), || rate(one_by_one(runtime, database, SINGLE), SINGLE));
    let what = "import of 100 000 awards, against skyteam's own statement row by row";
    Pair { what: what.into(), ours, raw, unit: "/s", goal: 40.0 }.print();
    if let Ok(folder) = std::env::var("NODE_CLIENT") {
        let (ours, raw) = in_turn(|| rate(import(runtime, database, ROWS), ROWS), || drizzle(&folder, url, 1, 10_000));
        let what = "import of 100 000 awards, against row by row with Drizzle and postgres.js";
        Pair { what: what.into(), ours, raw, unit: "/s", goal: 40.0 }.print();
    }
    sqlite(runtime);
}

/// One client, durable: the library against the four statements themselves on one connection.
fn sqlite(runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("bench.db").display());
    let database = open(runtime, &url, 1);
    furnish(runtime, &database, 1_000);
    let mut raw = runtime.block_on(async {
        use sqlx::ConnectOptions as _;
        database.sqlite().unwrap().connect_options().connect().await.unwrap()
    });
    let (ours, raw) = in_turn(
        || {
            let (began, mut done) = (std::time::Instant::now(), 0);
            runtime.block_on(async {
                while began.elapsed() < SPELL {
                    let user = (1 + done % 1000).to_string();
                    posting::post(&database, &Posting::signed(key::fresh_id(), user, 1)).await.unwrap();
                    done += 1;
                }
            });
            f64::from(done) / began.elapsed().as_secs_f64()
        },
        || {
            let (began, mut done) = (std::time::Instant::now(), 0);
            runtime.block_on(async {
                while began.elapsed() < SPELL {
                    let user = (1 + done % 1000).to_string();
                    let mut tx = raw.begin_with("BEGIN IMMEDIATE").await.unwrap();
                    sqlx::query(r#"UPDATE "users" SET "miles" = "miles" + 1 WHERE "userId" = $1 AND "miles" <= 2147483646 RETURNING "miles""#)
                        .bind(&user)
                        .fetch_one(&mut *tx)
                        .await
                        .unwrap();
                    sqlx::query(r#"INSERT INTO "milesTransactions" ("id", "userId", "amount", "type", "source") VALUES ($1, $2, 1, 'earn', 'manual') RETURNING *"#)
                        .bind(key::fresh_id().to_string())
                        .bind(&user)
                        .fetch_one(&mut *tx)
                        .await
                        .unwrap();
                    tx.commit().await.unwrap();
                    done += 1;
                }
            });
            f64::from(done) / began.elapsed().as_secs_f64()
        },
    );
    Pair { what: "SQLite: award, against its raw statements".into(), ours, raw, unit: "/s", goal: 0.75 }.print();
}
