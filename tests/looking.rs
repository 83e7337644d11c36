//! Looking around: `db info`, `db activity`, `--watch`, metrics, the pager, `config path`, `config init`.

use std::os::unix::fs::PermissionsExt as _;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use rexpect::session::spawn_command;

use crate::support::{Holder, World, both, eventually, pypi, signal};

#[both(ready)]
fn info_counts_what_is_there(world: &mut World) {
    world.run("user add 1 pilot123").ok();
    world.query(r#"ANALYZE"#);
    let info = world.run("db info -o json").json();
    assert!(info["bytes"].as_u64().unwrap() > 10_000, "{info}");
    let tables = info["tables"].as_array().unwrap();
    let users = tables.iter().find(|table| table["name"] == "users").unwrap();
    assert_eq!(users["rows"], 1, "{info}");
    assert!(users["indexBytes"].as_u64().unwrap() > 0, "{users}");
    let indexes = info["indexes"].as_array().unwrap();
    assert!(indexes.iter().any(|index| index["table"] == "milesTransactions"), "{info}");
    let shown = world.run("db info").ok().stdout;
    assert!(shown.contains("size") && shown.contains("milesTransactions"), "{shown}");
    let postgres = shown.starts_with("engine") && shown.contains("PostgreSQL");
    assert_eq!(postgres, shown.contains("oldest transaction"), "{shown}");
}

#[test]
fn activity_names_what_blocks_what_and_shows_no_values() {
    let world = World::ready(crate::support::Engine::Postgres);
    world.run("user add 1 pilot123").ok();
    let holder = Holder::takes(&world, r#"UPDATE "users" SET "displayName" = 'new' WHERE "userId" = '1'"#);
    let waiting = world.spawn("miles award @pilot123 5 --note n");
    let mut seen = String::new();
    eventually("the award waits for the row", || {
        seen = world.run("db activity").ok().stdout;
        seen.contains("waiting; to end that")
    });
    assert!(seen.contains("keeps 1 waiting; to end that: skyteam db shell"), "{seen}");
    assert!(seen.contains("pg_terminate_backend("), "{seen}");
    // The last statement of the holder is SELECT 'held'.
    assert!(seen.contains("SELECT …") && !seen.contains("held"), "{seen}");
    let lines = world.run("db activity -o ndjson").ndjson();
    let blocked = lines.iter().find(|line| !line["blockedBy"].as_array().unwrap().is_empty()).unwrap();
    let blocker = lines.iter().find(|line| line["blocks"] == 1).unwrap();
    assert_eq!(blocked["blockedBy"][0], blocker["pid"]);
    assert_eq!(blocker["state"], "idle in transaction");
    drop(holder);
    world.finish("miles award".to_owned(), waiting, b"").ok();
}

#[test]
fn a_file_has_no_list_of_sessions() {
    let world = World::ready(crate::support::Engine::Sqlite);
    let refused = world.run("db activity").exits(2);
    assert!(refused.stderr.contains("lsof"), "{refused}");
}

#[test]
fn a_first_file_of_settings_is_written_once_and_changes_nothing() {
    let world = World::bare();
    let before = world.run("config show -o json").json();
    assert!(world.run("-n config init").ok().stdout.contains("# [profiles.prod]"));
    let file = world.work().join("skyteam.toml");
    assert!(!file.exists());
    world.run("config init").ok();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(world.run("config show -o json").json(), before);
    assert!(world.run("config init").exits(5).stderr.contains("not written over"));
    // What is in it is what a file of settings may say.
    let text = std::fs::read_to_string(&file).unwrap();
    let settings = text
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.contains(" = ") || line.starts_with('['));
    std::fs::write(&file, settings.collect::<Vec<_>>().join("\n")).unwrap();
    assert!(world.run("config show").ok().stdout.contains("Europe/Amsterdam"));
    world.run("config init --user -o json").ok();
    assert!(world.home().join(".config/skyteam/skyteam.toml").exists());
}

#[test]
fn where_a_setting_came_from_is_never_cut() {
    let world = World::bare();
    let long = world.work().join("a-folder-with-a-name-that-is-rather-long/and-one-more-below-it");
    std::fs::create_dir_all(&long).unwrap();
    let file = long.join(".env");
    std::fs::write(&file, "DATABASE_URL=sqlite:of-the-project-with-a-long-name.db\n").unwrap();
    for width in [40, 80] {
        let within = |args: &str| world.call(args).within(&long).terminal(width).run().ok().stdout;
        let shown = within("config show");
        assert!(shown.contains(&format!("DATABASE_URL in {}", file.display())), "{shown}");
        assert!(shown.contains("of-the-project-with-a-long-name.db") && !shown.contains('…'), "{shown}");
        let places = within("config path");
        assert!(places.contains(&file.display().to_string()) && !places.contains('…'), "{places}");
    }
    let wide = world.call("config show").within(&long).terminal(400).run().ok().stdout;
    assert!(wide.lines().next().unwrap().contains("setting"), "{wide}");
    assert_eq!(wide.lines().filter(|line| line.contains("DATABASE_URL in")).count(), 1, "{wide}");
}

#[test]
fn every_place_of_settings_is_listed_even_where_a_file_cannot_be_used() {
    let world = World::bare();
    let inner = world.work().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(world.work().join("skyteam.toml"), "this is no TOML").unwrap();
    let lines = world.run("config path -o json").json();
    let found: Vec<_> = lines.as_array().unwrap().iter().filter(|line| line["found"] == true).collect();
    assert_eq!(found.len(), 1, "{lines}");
    assert_eq!(
        (found[0]["kind"].as_str(), found[0]["path"].as_str()),
        (Some("project"), world.work().join("skyteam.toml").to_str())
    );
    assert!(lines.as_array().unwrap().iter().any(|line| line["kind"] == "user" && line["found"] == false), "{lines}");
    assert!(lines.as_array().unwrap().iter().any(|line| line["kind"] == "environment"), "{lines}");
}

#[both(ready)]
fn a_watched_list_comes_again_until_it_is_interrupted(world: &mut World) {
    world.run("user add 1 pilot123").ok();
    world.run("miles award @pilot123 5 --note n").ok();
    let mut child =
        world.program("miles history pilot123 --watch=100ms -o ndjson").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), next());
    // What is new is seen by a round that began after it.
    world.run("miles award @pilot123 7 --note n").ok();
    while !next().contains("\"amount\":7") {}
    signal("INT", child.id());
    // Read to its end, so that it is the signal that ends it and no closed pipe.
    for line in lines {
        line.unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // One answer that never ends is no JSON document.
    for line in ["flight list --watch -o json", "flight list --watch", "flight list --watch -o csv"] {
        assert!(world.run(line).exits(2).stderr.contains("ndjson"), "{line}");
    }
    for line in ["flight list --watch=0s", "flight list --watch=2", "flight list --watch=soon"] {
        assert!(world.run(line).exits(2).stderr.contains("100ms"), "{line}");
    }
}

/// What the program shows on a terminal of 24 lines.
fn on_a_terminal(program: &Command) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-c", "stty rows 24 cols 100; exec \"$@\"", "sh"]).arg(program.get_program()).args(program.get_args());
    shell.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("TERM", "xterm-256color");
    if let Some(folder) = program.get_current_dir() {
        shell.current_dir(folder);
    }
    spawn_command(shell, Some(30_000)).unwrap().exp_eof().unwrap()
}

#[test]
fn only_what_is_longer_than_the_screen_goes_through_the_pager() {
    let world = World::ready(crate::support::Engine::Sqlite);
    world.run("db seed --confirm skyteam").ok();
    let shown = |args: &str, pager: &str| {
        let mut command = world.program(args);
        command.env("PAGER", "false").env("SKYTEAM_PAGER", pager);
        on_a_terminal(&command)
    };
    let paged = "sed s/^/paged:/";
    let long = shown("user list", paged);
    assert!(long.matches("paged:").count() > 40, "{long}");
    // What is said about it comes after it.
    assert!(long.find("--all").unwrap() > long.rfind("paged:").unwrap(), "{long}");
    assert!(!shown("user list --limit 3", paged).contains("paged:"));
    assert!(!shown("--no-pager user list", paged).contains("paged:"));
    assert!(!shown("user list", "").contains("paged:"));
    assert!(!shown("user list -o ndjson", paged).contains("paged:"));
    assert!(shown("help flags", "sed 's/^/paged:/' | cat").contains("paged:"));
    let without = shown("user list", "no-such-pager");
    assert!(without.contains("no-such-pager cannot be started") && without.contains("userId"), "{without}");
    // Into a pipe there is none.
    let mut piped = world.program("user list");
    piped.env("SKYTEAM_PAGER", paged).stdout(Stdio::piped());
    let mut text = String::new();
    piped.spawn().unwrap().stdout.unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("userId") && !text.contains("paged:"));
}

/// The samples in the metrics, as Prometheus's own client reads them: `name{labels} value` a line.
fn samples(text: &str) -> Vec<String> {
    let script = "import sys
from prometheus_client.parser import text_string_to_metric_families as families
for family in families(sys.stdin.read()):
    assert family.type == 'gauge' and family.documentation, family
    for sample in family.samples:
        print(sample.name, sorted(sample.labels.items()), int(sample.value))
";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("skyteam.prom");
    std::fs::write(&file, text).unwrap();
    let read = Command::new("python3")
        .args(["-c", script])
        .env("PYTHONPATH", pypi::packages("prometheus-client-0", &["prometheus-client==0.*"]))
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    assert!(read.status.success(), "{}\n{text}", String::from_utf8_lossy(&read.stderr));
    String::from_utf8(read.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[both(ready)]
fn the_doctor_is_read_by_prometheus(world: &mut World) {
    world.run("user add 1 pilot123").ok();
    std::fs::create_dir(world.work().join("kept")).unwrap();
    let before = samples(&world.run("db doctor kept -o prometheus").stdout);
    let has = |found: &[String], line: &str| found.iter().any(|one| one == line);
    for line in [
        "skyteam_up [] 1",
        "skyteam_negative_balances [] 0",
        "skyteam_schema_drift [] 0",
        "skyteam_migrations_pending [] 0",
    ] {
        assert!(has(&before, line), "{line}: {before:#?}");
    }
    assert!(!before.iter().any(|line| line.starts_with("skyteam_backup_last")), "{before:#?}");
    world.run("db backup kept").ok();
    world.query(r#"UPDATE "users" SET "miles" = 7"#);
    let after = world.run("db doctor kept -o prometheus").exits(3).stdout;
    let after = samples(&after);
    assert!(has(&after, "skyteam_balance_mismatches [] 1"), "{after:#?}");
    assert!(after.iter().any(|line| line.starts_with("skyteam_backup_last_age_seconds [] ")), "{after:#?}");
    assert!(!after.iter().any(|line| line.starts_with("skyteam_backup_last_proved")), "{after:#?}");
    let finding = "skyteam_doctor_finding [('area', 'data'), ('level', 'error'), ('name', 'balance against ledger')] 1";
    assert!(has(&after, finding), "{after:#?}");
}

#[test]
fn a_database_that_does_not_answer_is_a_metric_too() {
    let mut world = World::bare();
    world.set("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let found = samples(&world.run("db doctor -o prometheus").exits(3).stdout);
    assert!(found.contains(&"skyteam_up [] 0".to_owned()), "{found:#?}");
    assert!(world.run("user list -o prometheus").exits(2).stderr.contains("cannot answer in the format"));
}
