//! Many at once: on one account, under one key, in batches that overlap, from several processes on one file.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use rand::seq::SliceRandom;
use skyteam::db::{self, Database};
use skyteam::directory::input::Amount;
use skyteam::ledger::batch::{OnRefusal, post_all};
use skyteam::ledger::{MilesError, Posting, key, posting};
use tokio::runtime::Runtime;

use super::{award, furnish, library, sound, state};
use crate::support::{Args, Holder, Server, World, eventually};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn miles(number: i64) -> Amount {
    Amount::new(number).unwrap()
}

#[test]
fn sixty_four_clients_spend_one_balance_exactly() {
    let world = World::on(&Server::durable(&[]));
    furnish(&world);
    award(&world, "1", 1000);
    let runtime = runtime();
    let spent = runtime.block_on(async {
        let database = library(&world, 64).await;
        let clients = (0..64).map(|_| {
            let database = Arc::clone(&database);
            tokio::spawn(async move {
                let mut spent = 0;
                for _ in 0..10 {
                    match posting::post(&database, &Posting::spend(key::fresh_id(), "1", miles(7))).await {
                        Ok(posted) => {
                            assert!(posted.balance >= 0);
                            spent += 1;
                        }
                        Err(MilesError::NotEnough { holder, needs: 7 }) => {
                            assert!((0..7).contains(&holder.miles), "{holder:?}")
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                }
                spent
            })
        });
        join_all(clients).await.into_iter().map(Result::unwrap).sum::<i32>()
    });
    assert_eq!(spent, 142);
    assert_eq!(state(&world), "1=6 2=0 3=0 entries=143 seats=0");
    sound(&world);
}

#[test]
fn a_till_keeps_its_connection_and_outlives_it() {
    let world = World::on(&Server::durable(&[]));
    furnish(&world);
    let runtime = runtime();
    // One connection in all: nothing that a till does may wait for a second one.
    let database = runtime.block_on(library(&world, 1));
    let till = posting::Poster::of(&database);
    let post = |movement: &Posting| runtime.block_on(till.post(movement));
    let award = Posting::award(key::entry_id("one"), "1", miles(5));
    assert_eq!(post(&award).unwrap().balance, 5);

    let again = post(&award).unwrap();
    assert!(again.already && again.balance == 5);
    let other = Posting::award(key::entry_id("one"), "2", miles(5));
    assert!(matches!(post(&other), Err(MilesError::KeyTaken { .. })));
    let spend = Posting::spend(key::fresh_id(), "1", miles(6));
    assert!(matches!(post(&spend), Err(MilesError::NotEnough { holder, needs: 6 }) if holder.miles == 5));
    let nobody = Posting::award(key::fresh_id(), "9", miles(5));
    assert!(matches!(post(&nobody), Err(MilesError::NoUser { .. })));
    assert_eq!(database.postgres().unwrap().size(), 1);

    // From here on it keeps its connection again.
    assert_eq!(post(&Posting::award(key::fresh_id(), "1", miles(1))).unwrap().balance, 6);
    world.server().admin(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
    // The loss is an error, and the next one goes over a new connection; on a busy machine the connection has rested so long
    // that it is looked at first, and nothing is lost.
    let broken = Posting::award(key::fresh_id(), "1", miles(7));
    match post(&broken) {
        Err(MilesError::Unknown { .. } | MilesError::Db(_)) => {}
        Ok(posted) => assert_eq!(posted.balance, 13),
        Err(other) => panic!("{other}"),
    }
    assert_eq!(post(&broken).unwrap().balance, 13);
    eventually("the connection is back", || database.postgres().unwrap().num_idle() == 1);
    sound(&world);
}

#[test]
fn one_key_is_applied_once_by_all_who_come_at_once() {
    let world = World::postgres();
    furnish(&world);
    award(&world, "1", 1000);
    let runtime = runtime();
    runtime.block_on(async {
        let database = library(&world, 32).await;
        for round in 0..10 {
            // Half of them ask the same of another user: whoever comes first has the key.
            let clients = (0..32).map(|client| {
                let database = Arc::clone(&database);
                let user = if round % 2 == 0 || client % 2 == 0 { "1" } else { "2" };
                let movement = Posting::award(key::entry_id(&format!("round {round}")), user, miles(5));
                tokio::spawn(async move { (user, posting::post(&database, &movement).await) })
            });
            let outcomes: Vec<_> = join_all(clients).await.into_iter().map(Result::unwrap).collect();
            let applied: Vec<_> =
                outcomes.iter().filter(|(_, outcome)| outcome.as_ref().is_ok_and(|posted| !posted.already)).collect();
            assert_eq!(applied.len(), 1, "round {round}");
            for (user, outcome) in &outcomes {
                match outcome {
                    Ok(_) => assert_eq!(*user, applied[0].0),
                    Err(MilesError::KeyTaken { .. }) => assert_ne!(*user, applied[0].0),
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    });
    assert_eq!(world.query(r#"SELECT count(*) FROM "milesTransactions""#), "11");
    sound(&world);
}

#[test]
fn overlapping_batches_do_not_deadlock() {
    let world = World::postgres();
    furnish(&world);
    world.query(
        r#"INSERT INTO "users" ("userId", "username", "displayName") SELECT g::text, 'many' || g, 'x' FROM generate_series(100, 139) g"#,
    );
    let runtime = runtime();
    runtime.block_on(async {
        let database = library(&world, 16).await;
        let clients = (0..16).map(|_| {
            let database = Arc::clone(&database);
            tokio::spawn(async move {
                for _ in 0..20 {
                    let mut users: Vec<u32> = (100..140).collect();
                    users.shuffle(&mut rand::rng());
                    let movements: Vec<Posting> = users
                        .iter()
                        .take(20)
                        .map(|user| Posting::award(key::fresh_id(), user.to_string(), miles(1)))
                        .collect();
                    // Not through retry: a deadlock would be seen.
                    let tx = database.begin().await.unwrap();
                    post_all(&tx, &movements, OnRefusal::Stop, |_| ()).await.unwrap();
                    tx.commit().await.unwrap();
                }
            })
        });
        join_all(clients).await.into_iter().for_each(Result::unwrap);
    });
    assert_eq!(world.query(r#"SELECT sum("miles") FROM "users""#), "6400");
    sound(&world);
}

#[test]
fn the_audit_raises_no_false_alarm_beside_writers() {
    let world = World::postgres();
    furnish(&world);
    let runtime = runtime();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let database = runtime.block_on(library(&world, 8));
    let writers: Vec<_> = (0..8)
        .map(|writer: u32| {
            let (database, stop) = (Arc::clone(&database), Arc::clone(&stop));
            runtime.spawn(async move {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let user = (1 + writer % 3).to_string();
                    posting::post(&database, &Posting::award(key::fresh_id(), user, miles(3))).await.unwrap();
                }
            })
        })
        .collect();
    for _ in 0..15 {
        sound(&world);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    runtime.block_on(join_all(writers)).into_iter().for_each(Result::unwrap);
    sound(&world);
}

#[test]
fn processes_on_one_file_wait_for_each_other() {
    let world = World::sqlite();
    furnish(&world);
    award(&world, "1", 100);
    let spenders: Vec<_> = (0..12)
        .map(|_| {
            let args = "miles spend 1 15 --note x";
            (args, world.spawn(args))
        })
        .collect();
    let codes: Vec<i32> =
        spenders.into_iter().map(|(args, child)| world.finish(args.words().join(" "), child, b"").code).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 6, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 5).count(), 6, "{codes:?}");
    assert_eq!(state(&world), "1=10 2=0 3=0 entries=7 seats=0");
    sound(&world);
}

#[test]
fn only_lost_races_are_run_again() {
    let world = World::postgres();
    furnish(&world);
    runtime().block_on(async {
        let database: Arc<Database> = library(&world, 2).await;
        for (state, runs) in [("40001", 8), ("40P01", 8), ("55P03", 1), ("23505", 1), ("XX000", 1)] {
            let mut count = 0;
            let error = db::retry(MilesError::db, || {
                count += 1;
                let database = Arc::clone(&database);
                async move {
                    use sea_orm::ConnectionTrait;
                    let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{state}'; END $$");
                    database.conn().execute_unprepared(&raise).await?;
                    Ok::<_, MilesError>(())
                }
            });
            tokio::time::timeout(Duration::from_secs(30), error).await.unwrap().unwrap_err();
            assert_eq!(count, runs, "{state}");
        }
    });
}

#[test]
fn two_imports_of_one_key_are_one_entry() {
    let world = World::postgres();
    furnish(&world);
    // Another program's transaction holds the key without the lock that ours wait for, and then gives way: who of the two
    // imports comes second finds the key taken by the first at the very last moment.
    let file = |name: &str, user: &str| {
        std::fs::write(world.work().join(name), format!("user,amount,note,key\n{user},5,x,K\n")).unwrap();
    };
    file("one.csv", "1");
    file("two.csv", "2");
    let id = key::entry_id("K");
    let holder = Holder::takes(
        &world,
        &format!(
            r#"INSERT INTO "milesTransactions" ("id", "userId", "amount", "type", "source") VALUES ('{id}', '3', 5, 'earn', 'x')"#
        ),
    );
    let imports: Vec<_> = ["miles import one.csv -o json", "miles import two.csv -o json"]
        .map(|args| (args, world.spawn(args)))
        .into_iter()
        .collect();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    eventually("both wait for the key", || world.query(waits) == "2");
    drop(holder);
    let outputs = imports.into_iter().map(|(args, child)| world.finish(args.to_owned(), child, b""));
    let (done, refused): (Vec<_>, Vec<_>) = outputs.partition(|output| output.code == 0);
    assert_eq!((done.len(), refused.len()), (1, 1), "{done:?} {refused:?}");
    let error = refused[0].clone().exits(5).error();
    assert!(error["why"].as_str().unwrap().contains("userId: the entry has"), "{error}");
    assert_eq!(world.query(r#"SELECT count(*), sum("amount") FROM "milesTransactions""#), "1|5");
    sound(&world);
}

#[test]
fn a_locked_file_is_tried_again() {
    let world = World::sqlite();
    furnish(&world);
    runtime().block_on(async {
        // The lock is not waited for inside SQLite: each refusal comes at once, and only trying again can help.
        let url = format!("{}?busy_timeout=0&max_connections=2", world.url());
        let database = super::open(&url, 2).await;
        let holder = database.begin().await.unwrap();
        let mut busy = 0;
        let refused = db::retry(MilesError::db, || {
            busy += 1;
            let database = Arc::clone(&database);
            async move { database.begin().await.map(drop).map_err(MilesError::from) }
        });
        let refused = refused.await.unwrap_err();
        let code = db::sql_state(refused.db().unwrap()).unwrap().code;
        assert_eq!((busy, code.as_str()), (8, "5"));

        // 517: a transaction that has read what another has written since cannot write any more; a new one can.
        holder.rollback().await.unwrap();
        let mut runs = 0;
        let done = db::retry(MilesError::db, || {
            runs += 1;
            let (database, first) = (Arc::clone(&database), runs == 1);
            async move {
                use sea_orm::ConnectionTrait;
                let tx = database.begin_read().await?;
                tx.execute_unprepared(r#"SELECT count(*) FROM "users""#).await?;
                let count = tx.query_one_raw(sea_orm::Statement::from_string(
                    sea_orm::DbBackend::Sqlite,
                    r#"SELECT count(*) AS n FROM "users""#,
                ));
                count.await?;
                if first {
                    posting::post(&database, &Posting::award(key::fresh_id(), "2", miles(1))).await?;
                }
                let sql = r#"UPDATE "users" SET "displayName" = 'seen' WHERE "userId" = '1'"#;
                tx.execute_unprepared(sql).await?;
                tx.commit().await?;
                Ok::<_, MilesError>(())
            }
        });
        done.await.unwrap();
        assert_eq!(runs, 2);
    });
    assert_eq!(world.query(r#"SELECT "displayName" FROM "users" WHERE "userId" = '1'"#), "seen");
    sound(&world);
}
