//! The guard before awards that are far larger than usual, whichever command awards them; and before a file that was
//! imported already.

use serde_json::json;

use super::{DL1, award, furnish, sound, state};
use crate::support::{World, both};

/// Makes 100 the usual award, and sets a limit of 150.
fn usual(world: &mut World, limit: bool) {
    furnish(world);
    for user in ["1", "2", "3"] {
        award(world, user, 100);
    }
    if limit {
        let url = world.url();
        world.unset("DATABASE_URL");
        let profile = format!("[profiles.p]\nurl = \"{url}\"\nkind = \"production\"\naward_limit = 150\n");
        std::fs::write(world.work().join("skyteam.toml"), profile).unwrap();
        world.set("SKYTEAM_PROFILE", "p");
    }
}

const LARGE: [(&str, &str); 5] = [
    ("miles import -", "user,amount\n1,9000000\nBob,5\n3,9000\n"),
    ("flight manifest import DL1 -", "userId,miles\n1,9000000\n2,5\n3,9000\n"),
    ("flight board DL1 1 --miles 9000000", ""),
    ("miles award 1 9000000 --note x", ""),
    ("miles award 1 2 3 9000000 --flight DL1 --note x", ""),
];

#[both]
fn every_award_far_above_the_usual_asks_first(world: &mut World) {
    usual(world, false);
    let before = state(world);
    for (command, input) in LARGE {
        let call = |flags: &str| world.call(format!("{command} {flags}")).input(input);
        let asked = call("").run().exits(9);
        for told in ["9,000,000 miles for Ann", "over 20 times the usual award of 100", "add --yes"] {
            assert!(asked.stderr.contains(told), "{command}: {told}: {asked}");
        }
        assert_eq!(state(world), before, "{command}");
        let dry = call("-n").run().ok();
        assert!(dry.stderr.contains("This would ask: "), "{command}: {dry}");
        assert_eq!(state(world), before, "{command}");
    }
    let asked = world.call(LARGE[0].0).input(LARGE[0].1).run().exits(9);
    assert!(asked.stderr.contains("2 of 3 awards: 9,000,000 miles for Ann, 9,000 miles for Cleo, over"), "{asked}");
    sound(world);
}

#[both]
fn one_yes_is_enough_for_a_file(world: &mut World) {
    usual(world, true);
    std::fs::write(world.work().join("rows.csv"), "user,amount,key\n1,151,a\n2,160,b\n3,-50,c\n").unwrap();
    std::fs::write(world.work().join("list.csv"), "userId,miles\n1,151\n2,150\n").unwrap();
    let before = state(world);
    for command in ["miles import rows.csv", "flight manifest import DL1 list.csv", "flight board DL2 1 --miles 151"] {
        let asked = world.run(command).exits(9);
        assert!(asked.stderr.contains("over the limit of 150"), "{asked}");
        world.call(command).answers(["n"]).run().exits(9);
        assert_eq!(state(world), before);
    }
    world.call("flight board DL2 1 --miles 151").answers(["y"]).run().ok();
    world.call("miles import rows.csv").answers(["y"]).run().ok();
    world.call("flight manifest import DL1 list.csv").answers(["y"]).run().ok();
    assert_eq!(state(world), "1=553 2=410 3=50 entries=9 seats=3");
    // What was applied is not awarded again, and asks nothing.
    world.run("miles import rows.csv").ok();
    world.run("flight manifest import DL1 list.csv").ok();
    world.run("flight board DL2 1 --miles 151").ok();
    assert_eq!(state(world), "1=553 2=410 3=50 entries=9 seats=3");
    world.run(format!("miles award 3 150 --flight {DL1} --note x")).ok();
    sound(world);
}

#[both]
fn a_correction_is_an_award_too(world: &mut World) {
    usual(world, false);
    let list = |miles: i32| format!("userId,miles\n1,{miles}\n");
    world.call("flight manifest import DL1 -").input(list(100)).run().ok();
    let asked = world.call("flight manifest import DL1 - --correct").input(list(50_000)).run().exits(9);
    assert!(asked.stderr.contains("50,000 miles for Ann"), "{asked}");
    world.call("flight manifest import DL1 - --correct --yes").input(list(50_000)).run().ok();
    sound(world);
}

#[both]
fn a_file_without_keys_that_comes_again_asks(world: &mut World) {
    furnish(world);
    let file = "user,amount\n1,100\nBob,50\n";
    let import = |input: &str, flags: &str| world.call(format!("miles import - {flags}")).input(input).run();
    let first = import(file, "-o json").json()["batchId"].clone();
    let again = import("user;amount;note\r\n1;100;\r\nBob;50;\r\n", "").exits(9);
    assert!(again.stderr.contains("The same content was imported on"), "{again}");
    assert!(
        again.stderr.contains(first.as_str().unwrap()) && again.stderr.contains("2 entries of it are not reversed ("),
        "{again}"
    );
    assert_eq!(state(world), "1=100 2=50 3=0 entries=2 seats=0");
    assert!(import(file, "-n").ok().stderr.contains("This would ask: The same content"));
    // Another note or another row is another content.
    import(file, "--note other -o json").ok();
    import("user,amount\n1,100\nBob,50\n3,1\n", "").ok();
    let second = import(file, "--yes -o json").json()["batchId"].clone();
    assert_ne!(first, second);
    assert_eq!(state(world), "1=400 2=200 3=1 entries=9 seats=0");
    import(file, "").exits(9);
    // Taken back, it may come again without a question.
    for batch in [&first, &second] {
        world.run(["miles", "reverse", batch.as_str().unwrap(), "--note", "x", "--yes"]).ok();
    }
    assert_eq!(import(file, "-o json").json()["applied"], 2);
    import(file, "").exits(9);
    // Rows with keys are applied once, and need no question.
    let keyed = "user,amount,key\n1,5,k\n";
    import(keyed, "").ok();
    assert_eq!(import(keyed, "-o json").json()["alreadyApplied"], json!(1));
    sound(world);
}

#[both]
fn what_was_applied_under_a_key_asks_nothing_again(world: &mut World) {
    usual(world, true);
    for command in [
        "miles award 1 9000000 --note x --key a",
        "miles award 1 2 9000000 --note x --key b",
        "miles award 3 9000000 --flight DL1 --note x --key c",
    ] {
        world.run(command).exits(9);
        world.run(format!("{command} --yes")).ok();
        let before = state(world);
        let again = world.run(command).ok();
        assert!(again.stderr.contains("lready applied"), "{command}: {again}");
        assert!(!world.run(format!("{command} -n")).ok().stderr.contains("would ask"), "{command}");
        assert_eq!(state(world), before, "{command}");
    }
    // Another request under the key is told so, and not asked about.
    world.run("miles award 2 9000000 --note x --key a").exits(5);
    sound(world);
}

#[both]
fn of_two_imports_of_one_file_the_second_asks(world: &mut World) {
    furnish(world);
    let file = "user,amount\n1,100\n";
    world.call("miles import -").input(file).run().ok();
    let again = world.call("miles import -").input(file).run().exits(9);
    assert!(again.stderr.contains("and 1 entry of it is not reversed (batch "), "{again}");
    // At the same time, too: whoever comes second waits, and then finds the first.
    let both = "user,amount\n2,100\n1,7\n";
    let told = std::thread::scope(|scope| {
        let run = || world.call("miles import -").input(both).run();
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect::<Vec<_>>()
    });
    let done = told.iter().filter(|one| one.code == 0).count();
    assert_eq!(done, 1, "{told:?}");
    for asked in told.iter().filter(|one| one.code != 0) {
        assert_eq!(asked.code, 9, "{asked}");
        assert!(asked.stderr.contains("The same content was imported on"), "{asked}");
    }
    assert_eq!(state(world), "1=107 2=100 3=0 entries=3 seats=0");
    sound(world);
}
