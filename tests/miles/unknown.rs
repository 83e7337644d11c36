//! A change that was sent to be made to last, and no answer came: it is asked for, and else reported as unknown, with a
//! command that finds out and never pays twice. The same where the user interrupts it there.
//!
//! A commit that waits for a standby which does not exist is on disk already, and never answered: what a connection that
//! breaks at the worst moment looks like, for as long as a test needs. With a standby of its own: [`super::standby`].

use std::process::Child;
use std::sync::Arc;

use super::{award, furnish, paste, sound, state};
use crate::support::{Output, Server, Stop, World, eventually, signal};

/// A server on which a session waits for ever with every commit, if it asks for that.
fn server() -> Arc<Server> {
    Server::durable(&["synchronous_standby_names=nobody", "synchronous_commit=local"])
}

/// Starts a command whose commits are not answered, and waits until it has sent one.
fn unanswered(world: &World, args: &str) -> Child {
    let url = format!("{}?options=-c%20synchronous_commit=on", world.url());
    let child = world.command(args).env("DATABASE_URL", url).spawn().unwrap();
    eventually("the commit waits", || !waiting(world).is_empty());
    child
}

/// The server process that waits with a commit.
fn waiting(world: &World) -> String {
    world.server().admin("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
}

/// Runs a command on a server that crashes with its commit done and not answered.
fn crashed(world: &World, args: &str) -> Output {
    let child = unanswered(world, args);
    world.server().stop(Stop::Immediate);
    let output = world.finish(args.to_owned(), child, b"");
    world.server().restart();
    output
}

/// The only command that the error names.
#[track_caller]
fn told(output: Output, exit: i32) -> String {
    let error = output.exits(exit).error();
    assert_eq!((error["code"].as_str(), error["retryable"].as_bool()), (Some("outcome_unknown"), Some(exit == 7)));
    error["fix"].as_str().unwrap().to_owned()
}

#[test]
fn what_it_names_finds_out_and_never_pays_twice() {
    let world = World::on(&server());
    furnish(&world);
    award(&world, "1", 1000);

    // One user and several, with a key of their own or without; bought; spent.
    for (args, exit, after) in [
        ("miles award ann 10 --note x -o json", 1, "1=1010 2=0 3=0 entries=2 seats=0"),
        ("miles award ann bob 11 --note 'x y' -o json", 1, "1=1021 2=11 3=0 entries=4 seats=0"),
        ("miles award ann bob 12 --note x --key k -o json", 7, "1=1033 2=23 3=0 entries=6 seats=0"),
        ("miles award bob cleo 5 --note x --flight DL1 -o json", 1, "1=1033 2=28 3=5 entries=8 seats=2"),
        ("miles redeem 1 pass01 -o json", 1, "1=733 2=28 3=5 entries=9 seats=2"),
        ("miles spend 1 33 --note=-x -o json", 1, "1=700 2=28 3=5 entries=10 seats=2"),
    ] {
        let fix = told(crashed(&world, args), exit);
        assert_eq!(state(&world), after, "{args}");
        let again = paste(&world, &fix).ok();
        assert!(again.stderr.to_lowercase().contains("already applied"), "{fix}: {again}");
        assert_eq!(state(&world), after, "{fix}");
    }

    // What is made once anyway is asked for by the same line.
    let entry = award(&world, "3", 50)["id"].as_str().unwrap().to_owned();
    let fix = told(crashed(&world, &format!("miles reverse {entry} --note x --yes -o json")), 7);
    let again = paste(&world, &format!("{fix} -o json")).exits(5);
    assert_eq!(again.error()["code"], "already_reversed", "{fix}");

    std::fs::write(world.work().join("rows.csv"), "user,amount\n1,5\n2,6\n").unwrap();
    let fix = told(crashed(&world, "miles import rows.csv -o json"), 1);
    assert!(paste(&world, &fix).ok().stderr.contains("2 entries of 2 users, +11 in all"), "{fix}");

    world.query(r#"UPDATE "users" SET "miles" = "miles" + 7 WHERE "userId" = '1'"#);
    let name = world.name();
    let fix =
        told(crashed(&world, &format!("miles audit --repair --trust balance --user 1 --confirm {name} -o json")), 7);
    assert!(paste(&world, &fix).ok().stderr.contains("Nothing to repair"), "{fix}");
    assert_eq!(state(&world), "1=712 2=34 3=5 entries=15 seats=2");
    sound(&world);
}

#[test]
fn an_interrupt_waits_for_the_answer_to_a_commit() {
    let world = World::on(&server());
    furnish(&world);
    // It does not end the wait for the standby: what is committed is on this server, and no more is said of it.
    for (args, after) in [
        ("miles award 1 5 --note x --key k -o json", "1=5 2=0 3=0 entries=1 seats=0"),
        ("miles award 1 2 5 --note x --key l -o json", "1=10 2=5 3=0 entries=3 seats=0"),
    ] {
        let child = unanswered(&world, args);
        let session = waiting(&world);
        signal("INT", child.id());
        let output = world.finish(args.to_owned(), child, b"").exits(7);
        assert_eq!(output.error()["code"], "not_replicated", "{output}");
        assert_eq!(waiting(&world), session, "the wait was cancelled");
        world.server().admin(&format!("SELECT pg_terminate_backend({session})"));
        eventually("its row is free", || waiting(&world).is_empty() && state(&world) == after);
        let fix = output.error()["fix"].as_str().unwrap().to_owned();
        assert!(paste(&world, &fix).ok().stderr.to_lowercase().contains("already applied"), "{fix}");
        assert_eq!(state(&world), after);
    }
    sound(&world);
}

#[test]
fn an_interrupt_takes_back_what_only_waits() {
    let world = World::postgres();
    furnish(&world);
    let holder =
        crate::support::Holder::takes(&world, r#"UPDATE "users" SET "displayName" = 'x' WHERE "userId" = '1'"#);
    for args in ["miles award 1 5 --note x", "miles award 1 2 5 --note x"] {
        let child = world.spawn(args);
        let waits =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        eventually("it waits for the row", || world.query(waits) == "1");
        signal("INT", child.id());
        let output = world.finish(args.to_owned(), child, b"").exits(130);
        assert!(output.stderr.contains("rolled back"), "{output}");
    }
    drop(holder);
    assert_eq!(state(&world), "1=0 2=0 3=0 entries=0 seats=0");
}
