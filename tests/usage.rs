//! Command lines that do not parse: what is wrong, why, and the line as it was meant.

use crate::support::World;

#[test]
fn wrong_values_have_a_reason_and_a_fix() {
    let world = World::bare();
    for (line, what, why, fix) in [
        (
            "user list --limit abc",
            "--limit \"abc\" is not accepted",
            "accepted is a whole number from 1",
            "skyteam user list --limit 50",
        ),
        (
            "user list --limit 0",
            "--limit \"0\" is not accepted",
            "accepted is a whole number from 1",
            "skyteam user list --limit 50",
        ),
        (
            "miles history 1 --limit=-3",
            "--limit \"-3\" is not accepted",
            "accepted is a whole number from 1",
            "skyteam miles history 1 --limit=50",
        ),
        (
            "miles leaderboard --limit 0",
            "--limit \"0\" is not accepted",
            "accepted is a whole number from 1",
            "skyteam miles leaderboard --limit 10",
        ),
        (
            "user list --lmit 5",
            "skyteam user list has no flag --lmit",
            "did you mean --limit",
            "skyteam user list --limit 5",
        ),
        ("user add 1", "<USERNAME> is missing", "it is written: skyteam user add", "skyteam user add --help"),
        ("user list --limit 5 --all", "--limit <N> and --all do not go together", "", "leave out one of them"),
        (
            "airline create klm KLM",
            "skyteam airline has no command \"create\"",
            "did you mean add",
            "skyteam airline add klm KLM",
        ),
        (
            "airline remove klm",
            "skyteam airline has no command \"remove\"",
            "did you mean delete",
            "skyteam airline delete klm",
        ),
        ("db plan", "skyteam db has no command \"plan\"", "did you mean diff", "skyteam db diff"),
        ("db psql", "skyteam db has no command \"psql\"", "did you mean shell", "skyteam db shell"),
        ("users lst", "skyteam user has no command \"lst\"", "did you mean list", "skyteam users list"),
        ("db rese", "skyteam db has no command \"rese\"", "there are create, ", "skyteam db --help"),
        ("backup .", "skyteam has no command \"backup\"", "did you mean db backup", "skyteam db backup ."),
    ] {
        let told = world.run(line).exits(2);
        for part in [&format!("error: {what}"), why, &format!("fix  {fix}")] {
            assert!(told.stderr.contains(part), "{line}: {part}\n{told}");
        }
        let json = world.run(format!("{line} --json")).exits(2).error();
        assert_eq!(json["message"], what, "{line}");
        assert!(json["why"].as_str().unwrap_or_default().contains(why), "{line}: {json}");
        assert!(!json["fix"].as_str().unwrap_or_default().is_empty(), "{line}: {json}");
    }
}

#[test]
fn a_fix_names_the_database_and_repeats_no_password() {
    let world = World::bare();
    let told = world.run("-p prod user list --limit abc").exits(2);
    assert!(told.stderr.contains("fix  skyteam -p prod user list --limit 50"), "{told}");
    let url = "postgres://ops:hunter2@db.example.com/skyteam";
    for line in [
        vec!["--database-url", url, "user", "list", "--limit", "abc"],
        vec!["user", "list", url],
        vec!["user", url],
        vec!["user", "list", "--limit", url],
        vec!["user", "list", "--urll", url],
    ] {
        let words: Vec<String> = line.iter().map(ToString::to_string).collect();
        let told = world.run(words).exits(2);
        assert!(!told.stderr.contains("hunter2"), "{line:?}: {told}");
    }
}

#[test]
fn a_column_that_is_not_there_has_its_nearest_for_a_fix() {
    let mut world = World::sqlite();
    world.run("db push").ok();
    world.unset("CI");
    let told = world.run("user list --sort mile").exits(2);
    assert!(told.stderr.contains("fix  --sort miles"), "{told}");
    assert!(world.run("user list --sort=-mile").exits(2).stderr.contains("fix  --sort=-miles"));
    assert!(world.run("user list --columns usrname").exits(2).stderr.contains("fix  --columns username"));
}
