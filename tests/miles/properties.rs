//! What holds of every sequence of requests, on both engines.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use skyteam::db::Database;
use skyteam::directory::input::Amount;
use skyteam::ledger::batch::{OnRefusal, post_all};
use skyteam::ledger::lookup::Target;
use skyteam::ledger::{MilesError, Posted, Posting, history, key, posting, reverse};
use tokio::runtime::Runtime;

use super::{furnish, library};
use crate::support::World;

/// What is asked for, of one of three users.
#[derive(Clone, Debug)]
enum Ask {
    Award(u8, i32),
    Spend(u8, i32),
    /// Under a key of few, so that keys meet.
    Keyed(u8, i32, u8),
    /// One of the entries so far.
    Reverse(prop::sample::Index),
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let user = 1..=3_u8;
    let amount = prop_oneof![1..500_i32, Just(1), Just(i32::MAX), (i32::MAX - 500)..i32::MAX];
    let ask = prop_oneof![
        3 => (user.clone(), amount.clone()).prop_map(|(user, amount)| Ask::Award(user, amount)),
        3 => (user.clone(), 1..400_i32).prop_map(|(user, amount)| Ask::Spend(user, amount)),
        2 => (user, prop_oneof![1..3_i32, -2..0_i32], 0..3_u8).prop_map(|(user, amount, key)| Ask::Keyed(user, amount, key)),
        2 => any::<prop::sample::Index>().prop_map(Ask::Reverse),
    ];
    prop::collection::vec(ask, 1..25)
}

/// Both engines side by side, emptied before every case.
struct Pair {
    runtime: Runtime,
    worlds: [World; 2],
    databases: Vec<std::sync::Arc<Database>>,
}

impl Pair {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let worlds = [World::postgres(), World::sqlite()];
        worlds.iter().for_each(furnish);
        let databases = worlds.iter().map(|world| runtime.block_on(library(world, 2))).collect();
        Self { runtime, worlds, databases }
    }

    fn clear(&self) {
        self.worlds[0].query(
            r#"BEGIN; SET LOCAL skyteam.maintenance = 'on'; DELETE FROM "milesTransactions"; UPDATE "users" SET "miles" = 0; COMMIT"#,
        );
        self.worlds[1].query(
            r#"BEGIN; INSERT INTO "_skyteam_maintenance" VALUES ('test'); DELETE FROM "milesTransactions";
            UPDATE "users" SET "miles" = 0; DELETE FROM "_skyteam_maintenance"; COMMIT"#,
        );
    }
}

/// The movement of an ask that is no reversal; ids that do not depend on the moment, so that engines can be compared.
fn movement(ask: &Ask, place: usize) -> Option<Posting> {
    let signed = |user: &u8, amount: i32, key: String| Posting {
        note: Some("n".to_owned()),
        ..Posting::signed(key::entry_id(&key), user.to_string(), amount)
    };
    match ask {
        Ask::Award(user, amount) => Some(Posting::award(
            key::entry_id(&format!("place {place}")),
            user.to_string(),
            Amount::new((*amount).into()).unwrap(),
        )),
        Ask::Spend(user, amount) => Some(signed(user, -amount, format!("place {place}"))),
        Ask::Keyed(user, amount, key) => Some(signed(user, *amount, format!("key {key}"))),
        Ask::Reverse(_) => None,
    }
}

/// The answer as `-o json` gives it, without what depends on the moment.
fn shown(outcome: Result<Posted, MilesError>) -> String {
    match outcome {
        Ok(posted) => {
            let mut value = serde_json::to_value(&posted).unwrap();
            for of_the_moment in ["createdAt", "id"] {
                value.as_object_mut().unwrap().remove(of_the_moment);
            }
            if !value["reversesId"].is_null() || !posted.already {
                return value.to_string();
            }
            format!("already {value}")
        }
        Err(error) => error.to_string(),
    }
}

async fn play(database: &Database, asks: &[Ask]) -> Vec<String> {
    let mut entries = Vec::new();
    let mut answers = Vec::new();
    for (place, ask) in asks.iter().enumerate() {
        let outcome = match (ask, movement(ask, place)) {
            (_, Some(movement)) => posting::post(database, &movement).await,
            (Ask::Reverse(index), None) if !entries.is_empty() => {
                let tx = database.begin().await.unwrap();
                let reversed =
                    reverse::reverse(&tx, Target::Entry(*index.get(&entries)), None, Some("me"), OnRefusal::Stop).await;
                match &reversed {
                    Ok(_) => tx.commit().await.unwrap(),
                    Err(_) => tx.rollback().await.unwrap(),
                }
                reversed.map(|mut reversed| reversed.posted.remove(0))
            }
            _ => continue,
        };
        if let Ok(posted) = &outcome
            && !posted.already
        {
            entries.push(posted.entry.id);
        }
        // A refused batch of one names ids of its own.
        answers.push(shown(outcome));
    }
    answers
}

/// sum = balance ≥ 0 for everybody; and the balance at each entry's instant is the running sum.
fn check(pair: &Pair, which: usize) -> Result<(), TestCaseError> {
    let (database, world) = (&pair.databases[which], &pair.worlds[which]);
    let sums = world.query(
        r#"SELECT u."userId", u."miles", coalesce((SELECT sum("amount") FROM "milesTransactions" e WHERE e."userId" = u."userId"), 0)
        FROM "users" u ORDER BY 1"#,
    );
    for line in sums.lines() {
        let cells: Vec<i64> = line.split('|').map(|cell| cell.parse().unwrap()).collect();
        prop_assert_eq!(cells[1], cells[2], "user {}", cells[0]);
        prop_assert!((0..=i64::from(i32::MAX)).contains(&cells[1]));
        let (lines, past) = pair.runtime.block_on(lines(database, &cells[0].to_string()));
        let mut running = cells[1];
        for (line, at) in lines.iter().zip(past) {
            prop_assert_eq!(line.balance, running);
            prop_assert!(running >= 0);
            prop_assert_eq!(at, running, "at {}", line.entry.created_at);
            running -= i64::from(line.entry.amount);
        }
        prop_assert_eq!(running, 0);
    }
    Ok(())
}

/// A user's history, and the balance at the instant of each of its entries.
async fn lines(database: &Database, user_id: &str) -> (Vec<history::Line>, Vec<i64>) {
    use futures::TryStreamExt;
    let all = history::Filter::default();
    let lines = history::of_user(database.conn(), user_id, &all, None).await.unwrap();
    let lines: Vec<history::Line> = lines.try_collect().await.unwrap();
    let mut past = Vec::new();
    for line in &lines {
        past.push(history::balance_at(database.conn(), user_id, line.entry.created_at).await.unwrap());
    }
    (lines, past)
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

#[test]
fn any_sequence_keeps_sum_and_balance_equal_and_the_engines_agree() {
    let pair = Pair::new();
    let outcome = runner(24).run(&asks(), |asks| {
        pair.clear();
        // Reversals carry ids that are made at the moment; all else is the same to the byte.
        let played = [0, 1].map(|which| {
            let answers = pair.runtime.block_on(play(&pair.databases[which], &asks));
            answers.iter().map(|answer| without_ids(answer)).collect::<Vec<_>>()
        });
        prop_assert_eq!(&played[0], &played[1]);
        check(&pair, 0)?;
        check(&pair, 1)
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Version 7 ids, which are made at the moment, out of a text.
fn without_ids(text: &str) -> String {
    let pattern = regex::Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
    pattern.replace_all(text, "[v7]").into_owned()
}

#[test]
fn a_batch_is_its_rows_one_by_one() {
    let pair = Pair::new();
    let outcome = runner(24).run(&asks(), |asks| {
        let movements: Vec<Posting> = asks.iter().enumerate().filter_map(|(place, ask)| movement(ask, place)).collect();
        for (which, (database, world)) in pair.databases.iter().zip(&pair.worlds).enumerate() {
            pair.clear();
            let one_by_one = pair.runtime.block_on(async {
                let mut outcomes = Vec::new();
                for movement in &movements {
                    outcomes.push(
                        posting::post(database, movement)
                            .await
                            .map(|posted| posted.already)
                            .map_err(|error| error.to_string()),
                    );
                }
                outcomes
            });
            let dump =
                r#"SELECT "id", "userId", "amount", "type", "source", "note" FROM "milesTransactions" ORDER BY "id""#;
            let balances = r#"SELECT "userId", "miles" FROM "users" ORDER BY 1"#;
            let (entries, miles) = (world.query(dump), world.query(balances));

            pair.clear();
            let at_once = pair.runtime.block_on(async {
                let tx = database.begin().await.unwrap();
                let applied = post_all(&tx, &movements, OnRefusal::Skip, |_| ()).await.unwrap();
                tx.commit().await.unwrap();
                let mut outcomes: Vec<(usize, Result<bool, String>)> = applied
                    .posted
                    .iter()
                    .chain(&applied.already)
                    .map(|(place, posted)| (*place, Ok(posted.already)))
                    .chain(applied.rejected.iter().map(|one| (one.index, Err(one.error.to_string()))))
                    .collect();
                outcomes.sort_by_key(|(place, _)| *place);
                outcomes.into_iter().map(|(_, outcome)| outcome).collect::<Vec<_>>()
            });
            prop_assert_eq!(&one_by_one, &at_once);
            prop_assert_eq!((entries, miles), (world.query(dump), world.query(balances)));
            check(&pair, which)?;

            // All or nothing, where there is anything to refuse.
            pair.clear();
            let refused = at_once.iter().any(Result::is_err);
            let stopped = pair.runtime.block_on(async {
                let tx = database.begin().await.unwrap();
                let refused = post_all(&tx, &movements, OnRefusal::Stop, |_| ()).await.is_err();
                tx.rollback().await.unwrap();
                refused
            });
            prop_assert_eq!(refused, stopped);
            prop_assert_eq!(world.query(r#"SELECT count(*) FROM "milesTransactions""#), "0");
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// The rule is written twice: as a condition in SQL, for one entry, and in Rust, for a batch.
#[test]
fn the_rule_is_the_same_in_sql_and_in_rust_at_every_end_of_a_range() {
    const ENDS: [i32; 11] = [i32::MIN, i32::MIN + 1, -300, -1, 0, 1, 2, 300, 301, i32::MAX - 1, i32::MAX];
    let pair = Pair::new();
    for (database, world) in pair.databases.iter().zip(&pair.worlds) {
        // An account of an erased person is one like others to the ledger; and nobody has the last id.
        world.query(
            r#"INSERT INTO "users" ("userId", "username", "displayName")
            VALUES ('10000000000000000001', 'erased_abcdefghijklm', 'erased')"#,
        );
        for user in ["1", "10000000000000000001", "404"] {
            for balance in ENDS {
                for amount in ENDS.into_iter().filter(|amount| *amount != 0) {
                    let posting = Posting {
                        note: Some("n".to_owned()),
                        ..Posting::signed(key::fresh_id(), user.to_owned(), amount)
                    };
                    let after = i64::from(balance) + i64::from(amount);
                    let allowed = user != "404" && if amount > 0 { after <= i64::from(i32::MAX) } else { after >= 0 };
                    let outcome = |which: &str, outcome: Result<Posted, MilesError>| {
                        let text =
                            outcome.as_ref().map(|posted| posted.balance.to_string()).map_err(ToString::to_string);
                        let refused = matches!(
                            outcome,
                            Err(MilesError::NoUser { .. } | MilesError::NotEnough { .. } | MilesError::TooMany { .. })
                        );
                        assert_eq!(
                            (outcome.is_ok(), refused),
                            (allowed, !allowed),
                            "{which}: {balance} {amount:+}: {text:?}"
                        );
                        text
                    };
                    let set = || super::unguarded(world, &format!(r#"UPDATE "users" SET "miles" = {balance}"#));
                    set();
                    let in_sql = outcome("SQL", pair.runtime.block_on(posting::post(database, &posting)));
                    pair.clear();
                    set();
                    let in_rust = outcome(
                        "Rust",
                        pair.runtime.block_on(async {
                            let tx = database.begin().await.unwrap();
                            let mut applied = post_all(&tx, &[posting], OnRefusal::Skip, |_| ()).await.unwrap();
                            tx.commit().await.unwrap();
                            match applied.rejected.pop() {
                                Some(rejected) => Err(rejected.error),
                                None => Ok(applied.posted.remove(0).1),
                            }
                        }),
                    );
                    pair.clear();
                    assert_eq!(in_sql, in_rust, "{balance} {amount:+}");
                }
            }
        }
    }
}

#[test]
fn a_reversal_restores_the_very_balances() {
    let pair = Pair::new();
    let outcome = runner(16).run(&(asks(), asks()), |(before, batch)| {
        let batch_id = key::fresh_id();
        let batch: Vec<Posting> = batch
            .iter()
            .enumerate()
            .filter_map(|(place, ask)| movement(ask, 1000 + place))
            .map(|movement| Posting { batch_id: Some(batch_id), ..movement })
            .collect();
        for (which, (database, world)) in pair.databases.iter().zip(&pair.worlds).enumerate() {
            pair.clear();
            pair.runtime.block_on(play(database, &before));
            let balances = || world.query(r#"SELECT "userId", "miles" FROM "users" ORDER BY 1"#);
            let was = balances();
            let after_each = pair.runtime.block_on(async {
                let tx = database.begin().await.unwrap();
                let applied = post_all(&tx, &batch, OnRefusal::Skip, |_| ()).await.unwrap();
                tx.commit().await.unwrap();
                applied.posted.len()
            });
            if after_each > 0 {
                // Nothing came after it: so it can be taken back, whole, and one by one from its end.
                let reversed = |target| {
                    pair.runtime.block_on(async {
                        let tx = database.begin().await.unwrap();
                        reverse::reverse(&tx, target, None, None, OnRefusal::Stop).await.unwrap();
                        tx.commit().await.unwrap();
                    });
                };
                reversed(Target::Batch(batch_id));
                prop_assert_eq!(balances(), was.clone());
                check(&pair, which)?;
                let one = Posting::award(key::fresh_id(), "1", Amount::new(1).unwrap());
                if pair.runtime.block_on(posting::post(database, &one)).is_ok() {
                    reversed(Target::Entry(one.id));
                    prop_assert_eq!(balances(), was);
                }
            }
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
