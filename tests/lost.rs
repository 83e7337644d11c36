//! Answers that cannot be written after a change was made: said on stderr, with what was done and how to see it.

use serde_json::Value;

use crate::airline::device_that_is_full;
use crate::support::{Output, World, both};

/// A run whose standard output takes nothing.
fn into_full(world: &World, command: &[&str]) -> Output {
    let full = world.work().join("full");
    if !full.exists() {
        device_that_is_full(&full);
    }
    let stdout = std::fs::File::options().write(true).open(&full).unwrap();
    let child = world.command(command).stdout(stdout).spawn().unwrap();
    world.finish(command.join(" "), child, b"")
}

fn lost(world: &World, command: &[&str]) -> Value {
    let command: Vec<&str> = command.iter().copied().chain(["-o", "json"]).collect();
    let error = into_full(world, &command).exits(1).error();
    assert_eq!((&error["code"], &error["retryable"]), (&"answer_lost".into(), &false.into()), "{command:?}: {error}");
    error
}

#[both(ready)]
fn every_command_that_writes_says_what_it_did(world: &mut World) {
    crate::flight::fleet(world);
    let name = world.name();
    let award = lost(world, &["miles", "award", "1", "500", "--note", "late"]);
    let id = world.query(r#"SELECT "id" FROM "milesTransactions""#);
    assert!(award["message"].as_str().unwrap().contains("skyteam miles award was done"), "{award}");
    assert!(award["why"].as_str().unwrap().contains(&id), "{award}");
    assert_eq!(award["fix"], "skyteam miles history 1");
    assert_eq!(world.query(r#"SELECT count(*) FROM "milesTransactions""#), "1");

    std::fs::write(world.work().join("in.csv"), "user,amount,note\npilot123,5,x\n").unwrap();
    std::fs::write(world.work().join("bad.csv"), "user,amount\npilot123,6\nnobody,7\n").unwrap();
    std::fs::write(world.work().join("users.csv"), "userId,username\n77,newcomer\n").unwrap();
    std::fs::write(world.work().join("flown.csv"), "user,miles\n2,70\n").unwrap();
    for (command, fix) in [
        (&["miles", "spend", "1", "5", "--note", "x"][..], "skyteam miles history 1"),
        (&["miles", "award", "1", "2", "5", "--note", "two"], "skyteam miles history "),
        (&["miles", "reverse", &id, "--note", "x", "--yes"], "skyteam miles history 1"),
        (&["miles", "import", "in.csv"], "skyteam miles reverse "),
        (&["user", "add", "9", "pilot9"], "skyteam user show 9"),
        (&["user", "edit", "9", "--display-name", "Nine", "--yes"], "skyteam user show 9"),
        (&["user", "import", "users.csv"], "skyteam user list"),
        (&["user", "erase", "9", "--confirm", "pilot9"], "skyteam user show "),
        (&["airline", "edit", "af", "--name", "AF", "--yes"], "skyteam airline show af"),
        (
            &["brand", "add", "klm", "K", "--airline", "af", "--iata", "KL", "--icao", "KLM", "--callsign", "KLM"],
            "skyteam brand show klm",
        ),
        (&["brand", "delete", "klm", "--confirm", &name], "skyteam brand list"),
        (&["product", "add", "Pass", "--airline", "af", "--price", "5"], "skyteam product show "),
        (&["flight", "start", "DL100"], "skyteam flight show 1a000000-"),
        (&["flight", "board", "DL300", "1", "--miles", "5"], "skyteam flight manifest show 3a000000-"),
        (&["flight", "manifest", "import", "DL300", "flown.csv"], "skyteam flight manifest show 3a000000-"),
        (&["flight", "end", "DL300"], "skyteam flight show 3a000000-"),
        (&["flight", "reap", "--older-than", "1h", "--yes"], "skyteam flight "),
        (&["db", "backup", "."], "skyteam db verify "),
        (&["db", "push"], "skyteam db status"),
        (&["miles", "import", "bad.csv", "--keep-going"], "skyteam miles reverse "),
    ] {
        let told = lost(world, command);
        assert!(told["fix"].as_str().unwrap().contains(fix), "{command:?}: {told}");
    }
    // What was not taken is kept, wherever the answer went.
    let kept = std::fs::read_to_string(world.work().join("bad.csv.rejects.csv")).unwrap();
    assert!(kept.contains("\nnobody,7,"), "{kept}");
    assert_eq!(world.query(r#"SELECT "displayName" FROM "users" WHERE "userId" = '77'"#), "newcomer");
    world.run("miles audit").ok();
}

#[both(ready)]
fn what_moves_whole_databases_says_where_to_look(world: &mut World) {
    world.run("db backup -f b.skyteam").ok();
    let name = world.name();
    let restored = lost(world, &["db", "restore", "b.skyteam", "--clean", "--confirm", &name]);
    assert_eq!(restored["fix"], "skyteam db doctor", "{restored}");
    assert!(restored["message"].as_str().unwrap().starts_with("skyteam db restore was done"), "{restored}");
    let moved = lost(world, &["db", "transfer", "--to", "sqlite:copy.db"]);
    assert_eq!(moved["fix"], "skyteam db doctor --database-url sqlite:copy.db", "{moved}");
    let seeded = lost(world, &["db", "seed", "--users", "3", "--flights", "2"]);
    assert_eq!(seeded["fix"], "skyteam db doctor", "{seeded}");
    assert!(seeded["why"].as_str().unwrap().contains("users 3"), "{seeded}");
}

#[both(ready)]
fn what_changes_nothing_and_what_is_refused_is_no_lost_answer(world: &mut World) {
    world.run("user add 1 pilot").ok();
    let code = |command: &[&str]| {
        let command: Vec<&str> = command.iter().copied().chain(["-o", "json"]).collect();
        into_full(world, &command).error()["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(&["user", "list"]), "io");
    assert_eq!(code(&["miles", "award", "1", "5", "--note", "x", "-n"]), "io");
    assert_eq!(code(&["miles", "spend", "1", "5", "--note", "x"]), "not_enough_miles");
    assert_eq!(world.query(r#"SELECT count(*) FROM "milesTransactions""#), "0");
}

#[both(ready)]
fn a_reader_that_has_seen_enough_is_no_failure(world: &mut World) {
    world.run("user add 1 pilot").ok();
    let mut child = world.command("miles award 1 5 --note x").stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let told = world.finish("miles award | :".to_owned(), child, b"");
    assert_eq!(told.code, 0, "{told}");
    assert!(!told.stderr.contains("error"), "{told}");
}
