//! The other programs on the same database, as they are: Drizzle ORM 0.40 with postgres.js 3.4, from npm, under node. What
//! they do right goes on working; what they do wrong is refused by the database.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use futures::future::join_all;
use serde_json::{Value, json};
use skyteam::directory::input::Amount;
use skyteam::ledger::{MilesError, Posting, key, posting};

use super::{DL1, award, furnish, library, sound, state};
use crate::support::{Server, World};

/// The folder with the client and its packages, installed once for a build folder.
fn client() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/miles/ts");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("typescript-client");
        std::fs::create_dir_all(&folder).unwrap();
        for file in ["package.json", "client.js"] {
            std::fs::copy(source.join(file), folder.join(file)).unwrap();
        }
        let installed = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"])
            .current_dir(&folder)
            .output()
            .unwrap_or_else(|error| panic!("npm is needed for this test: {error}"));
        assert!(installed.status.success(), "npm install: {}", String::from_utf8_lossy(&installed.stderr));
        folder
    })
}

fn node(world: &World, mode: &str) -> Command {
    let mut command = Command::new("node");
    command.arg("client.js").args([&world.url(), mode, DL1]).current_dir(client());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn answer(output: &std::process::Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_the_apps_do_right_works_and_what_they_do_wrong_is_refused() {
    let world = World::postgres();
    furnish(&world);
    let said = answer(&node(&world, "stories").output().unwrap());
    for right in ["newUser", "board", "zeroAward", "rename"] {
        assert_eq!(said[right], Value::Null, "{right}");
    }
    assert_eq!(
        (&said["boardTwice"]["code"], &said["boardTwice"]["constraint"]),
        (&json!("23505"), &json!("flightPassengers_flightId_userId_pk"))
    );
    assert_eq!(said["milesAfterBoarding"], 1000);

    // 50 read a balance of 1000 before the first of them spends it: one does.
    assert_eq!(said["spent"], 1, "{said}");
    assert_eq!(said["milesAfterSpending"], 0);
    assert_eq!(
        said["insufficient"],
        json!({"message": "Insufficient miles", "code": "23514", "constraint": "users_miles_guard"})
    );
    assert_eq!(said["refusals"], json!(["Insufficient miles"]));

    assert_eq!(said["negativeAward"]["constraint"], "milesTransactions_amount_check");
    for overdraft in ["overdraft", "negativeUser"] {
        assert_eq!(said[overdraft]["message"], "Insufficient miles", "{overdraft}");
    }
    for edit in ["edit", "remove", "truncate"] {
        assert_eq!(said[edit]["message"], "milesTransactions is append-only: reverse the entry instead", "{edit}");
    }
    sound(&world);
}

#[test]
fn one_account_is_spent_exactly_by_both_programs_at_once() {
    let world = World::on(&Server::durable(&[]));
    furnish(&world);
    award(&world, "1", 1500);
    let child = node(&world, "load").spawn().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let ours: i64 = runtime.block_on(async {
        let database = library(&world, 32).await;
        let clients = (0..32).map(|_| {
            let database = Arc::clone(&database);
            tokio::spawn(async move {
                let mut spent = 0;
                for _ in 0..40 {
                    match posting::post(&database, &Posting::spend(key::fresh_id(), "1", Amount::new(1).unwrap())).await
                    {
                        Ok(_) => spent += 1,
                        Err(MilesError::NotEnough { .. }) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
                spent
            })
        });
        join_all(clients).await.into_iter().map(Result::unwrap).sum()
    });
    let theirs = answer(&child.wait_with_output().unwrap())["spent"].as_i64().unwrap();
    assert!(ours > 0 && theirs > 0, "ours {ours}, theirs {theirs}");
    assert!(ours + theirs <= 1500);
    let left = 1500 - ours - theirs;
    assert_eq!(state(&world), format!("1={left} 2=0 3=0 entries={} seats=0", 1 + ours + theirs));
    sound(&world);
}

#[test]
fn a_program_on_sqlite_cannot_write_over_history() {
    let world = World::sqlite();
    furnish(&world);
    let id = award(&world, "1", 500)["id"].as_str().unwrap().to_owned();
    world.run(format!("miles reverse {id} --note x --yes")).ok();
    let entries = r#"SELECT * FROM "milesTransactions" ORDER BY rowid"#;
    let before = world.query(entries);
    for (columns, values) in
        [(r#""id", "#, format!("'{id}', ")), ("rowid, ", "1, ".to_owned()), (r#""reversesId", "#, format!("'{id}', "))]
    {
        for verb in ["INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "INSERT"] {
            let sql = format!(
                r#"{verb} INTO "milesTransactions" ({columns}"userId", "amount", "type", "source") VALUES ({values}'1', 7, 'earn', 'x')"#
            );
            let refused = world.source().try_rows(&sql).unwrap_err().to_string();
            assert!(
                refused.contains("milesTransactions is append-only: reverse the entry instead"),
                "{sql}: {refused}"
            );
            assert_eq!(world.query(entries), before, "{sql}");
        }
    }
    world.query(
        r#"INSERT OR REPLACE INTO "milesTransactions" ("userId", "amount", "type", "source") VALUES ('1', 7, 'earn', 'x');
        UPDATE "users" SET "miles" = "miles" + 7 WHERE "userId" = '1'"#,
    );
    sound(&world);
}
