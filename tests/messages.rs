//! What is said: data stays as it is, instants are in the reader's zone, commands can be pasted and name the database.

use crate::support::{World, both};

/// A profile of this name for the database of the world.
fn profile(world: &World, name: &str) {
    let toml = format!("[profiles.\"{name}\"]\nurl = '{}'\n", world.url());
    std::fs::write(world.work().join("skyteam.toml"), toml).unwrap();
}

#[both(ready)]
fn times_that_were_typed_or_stored_are_repeated_unaltered(world: &mut World) {
    let refused = world.run("--tz Asia/Tokyo flight list --since yesterday").exits(2);
    assert!(refused.stderr.contains("(2026-11-22T18:00:00Z)"), "{refused}");
    assert!(!refused.stderr.contains("03:00:00"), "{refused}");

    world.run("user add 1 skyteam").ok();
    let note = "for 2026-11-22T18:00:00Z event, then skyteam db push";
    world.run(["miles", "award", "1", "5", "--note", note, "-o", "json"]).ok();
    profile(world, "p");
    for args in ["-n", "--yes"] {
        let told = world.run(["-p", "p", "--tz", "Asia/Tokyo", "miles", "reverse", "last", "--note", "no", args]).ok();
        assert!(told.stderr.contains(&format!("\"{note}\"")), "{told}");
    }
}

#[both(ready)]
fn instants_are_in_the_zone_of_the_reader(world: &mut World) {
    crate::flight::fleet(world);
    let refused = |zone: &str| world.run(["--tz", zone, "flight", "end", crate::flight::ENDED]).exits(5).stderr;
    assert!(refused("UTC").contains("it has ended at 2025-07-04 10:00:00"));
    assert!(refused("Asia/Tokyo").contains("it has ended at 2025-07-04 19:00:00"));
    // For programs they are RFC 3339.
    let json = world.run(["--tz", "Asia/Tokyo", "-o", "json", "flight", "end", crate::flight::ENDED]).exits(5).error();
    assert!(json["why"].as_str().unwrap().contains("2025-07-04T10:00:00Z"), "{json}");
}

#[both(ready)]
fn a_note_moves_no_cursor_and_breaks_no_line(world: &mut World) {
    world.run("user add 1 pilot").ok();
    world.run(["miles", "award", "1", "5", "--note", "a\u{1b}[2Jb\nfix  rm -rf"]).ok();
    let told = world.run("miles reverse last --note no -n").ok();
    assert!(told.stderr.contains("a\\u{1b}[2Jb\\nfix  rm -rf"), "{told}");
    assert!(!told.stderr.contains('\u{1b}') && !told.stderr.contains("\nfix"), "{told}");
}

// Also what a file holds moves no cursor, breaks no line and adds none of the program's own.
#[both(ready)]
fn a_cell_breaks_no_line(world: &mut World) {
    crate::flight::fleet(world);
    let cell = "\"x\u{1b}[2J\nfix  rm -rf /\"";
    for (command, header) in [
        ("flight manifest import DL300 - --miles 5", "user"),
        ("flight manifest import DL300 - --miles 5 --dry-run", "user"),
        ("miles import -", "user,amount"),
        ("user import -", "userId,username"),
        ("user import -", "userId,username,displayName"),
    ] {
        let commas = ",7".repeat(header.matches(',').count());
        for input in
            [format!("{header}\n{cell}{commas}\n"), format!("{header}\n7{}{cell}\n", &commas.replacen("7", "", 1))]
        {
            let told = world.call(command).input(input).run();
            assert_ne!(told.code, 0, "{command}: {told}");
            assert!(!told.stderr.contains('\u{1b}') && !told.stderr.contains("\nfix  rm"), "{command}: {told}");
            assert!(!told.stderr.lines().any(|line| line.trim_start().starts_with("fix  rm")), "{command}: {told}");
        }
    }
}

#[both(ready)]
fn commands_name_the_database_of_the_run_and_data_does_not(world: &mut World) {
    let name = "my skyteam db prod";
    profile(world, name);
    let flag = format!("-p '{name}'");
    world.run("airline add delta Delta").ok();
    world.run(["product", "add", "skyteam db push", "--airline", "delta", "--price", "5"]).ok();
    world.run("user add 1 skyteam").ok();
    // A command with the profile, and a name with a command in it, which stays.
    let poor = world.run(["-p", name, "miles", "spend", "1", "5", "--note", "skyteam miles audit"]).exits(5);
    assert!(poor.stderr.contains(&format!("fix  skyteam {flag} miles history skyteam")), "{poor}");
    let json = world.run(["-p", name, "-o", "json", "miles", "spend", "1", "5", "--note", "x"]).exits(5).error();
    assert_eq!(json["fix"], format!("skyteam {flag} miles history skyteam"), "{json}");
    let id = world.query(r#"SELECT "productId" FROM "milesProducts""#);
    world.run(["product", "disable", &id, "--yes"]).ok();
    let off = world.run(["-p", name, "miles", "redeem", "1", &id]).exits(5);
    assert!(off.stderr.contains("error: skyteam db push is not for sale"), "{off}");
    assert!(off.stderr.contains(&format!("fix  skyteam {flag} product enable {id}")), "{off}");
    // What it asks for is what it takes.
    let asked = world.run(["-p", name, "db", "reset"]).exits(9);
    assert!(asked.stderr.contains(&format!("--confirm {}", world.name())), "{asked}");
    // Programs get the same commands.
    let found = world.run(["-p", name, "-o", "json", "db", "doctor"]);
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    let fixes: Vec<&str> = found.as_array().unwrap().iter().filter_map(|one| one["fix"].as_str()).collect();
    let ours = || fixes.iter().filter(|fix| fix.contains("skyteam "));
    assert!(ours().count() > 0 && ours().all(|fix| fix.contains(&flag)), "{fixes:?}");
}

#[test]
fn a_database_named_like_a_command_is_confirmed_by_its_name() {
    let world = World::bare();
    let toml = "[profiles.p]\nurl = 'sqlite:my skyteam db prod.db'\n";
    std::fs::write(world.work().join("skyteam.toml"), toml).unwrap();
    world.run("-p p db push").ok();
    let asked = world.run("-p p db reset").exits(9);
    assert!(asked.stderr.contains("fix  add --confirm 'my skyteam db prod'"), "{asked}");
    world.run(["-p", "p", "db", "reset", "--confirm", "my skyteam db prod"]).ok();
}

#[both(ready)]
fn the_wrong_name_is_not_a_no(world: &mut World) {
    let reset = |answer: &str| world.call("db reset").answers([answer]).run().exits(9);
    let wrong = reset("not it");
    assert!(wrong.stderr.contains("nothing was changed: not it is not the name"), "{wrong}");
    assert!(reset("").stderr.contains("the answer was no"));
}

#[both(ready)]
fn a_missing_file_is_told_in_one_voice(world: &mut World) {
    world.run("user add 1 pilot").ok();
    for command in ["miles import gone.csv", "user import gone.csv", "db restore gone.csv", "db verify gone.csv"] {
        let told = world.run(format!("{command} -o json")).exits(4).error();
        assert_eq!(
            (&told["code"], &told["message"]),
            (&"no_such_file".into(), &"reading gone.csv: there is no such file".into()),
            "{command}"
        );
    }
}

#[both(ready)]
fn a_file_that_exists_is_refused_in_one_voice(world: &mut World) {
    world.run("user add 1 pilot").ok();
    world.run("airline add delta Delta").ok();
    std::fs::write(world.work().join("in.csv"), "user,amount\n1,5\n").unwrap();
    for (command, file) in [
        ("config init", "skyteam.toml"),
        ("config keygen key.pem", "key.pem"),
        ("miles import in.csv --keep-going --rejects out.csv", "out.csv"),
        ("airline token rotate delta --yes --token-file token", "token"),
    ] {
        let path = world.work().join(file);
        std::fs::write(&path, "tz = 'UTC' # somebody's").unwrap();
        let error = world.run(format!("{command} -o json")).exits(5).error();
        assert_eq!(error["code"], "file_exists", "{command}: {error}");
        let (message, why) = (error["message"].as_str().unwrap(), error["why"].as_str().unwrap());
        assert!(message.ends_with(&format!("{file} exists already")), "{command}: {error}");
        assert!(why.contains("it is not written over"), "{command}: {error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "tz = 'UTC' # somebody's", "{command}");
        let fix = error["fix"].as_str().unwrap();
        assert!(fix.starts_with("mv -i "), "{command}: {error}");
    }
    assert_eq!(world.query(r#"SELECT count(*) FROM "milesTransactions""#), "0");
}

// The server's own words and what people named things are data in what db, migrations and backups say, too.
#[both(ready)]
fn names_of_tables_and_files_break_no_line(world: &mut World) {
    let name = "no\nfix  rm -rf /";
    for command in [
        &["db", "migrate", "--to", name][..],
        &["db", "backup", name],
        &["db", "backup", ".", "--table", name],
        &["db", "verify", name],
        &["db", "restore", name],
        &["db", "generate", name],
        &["db", "push", "--rename", name],
        &["db", "push", "--backfill", name],
    ] {
        let refused = world.run(command);
        assert_ne!(refused.code, 0, "{command:?}: {refused}");
        assert!(!refused.stderr.lines().any(|line| line.trim_start().starts_with("fix  rm")), "{command:?}: {refused}");
        assert!(!refused.stderr.contains("\\\\n"), "{command:?}: escaped twice: {refused}");
    }
}

#[both(ready)]
fn numbers_have_the_same_separators_in_errors(world: &mut World) {
    world.run("user add 1 pilot").ok();
    world.run("miles award 1 19400 --note x --yes").ok();
    let poor = world.run("miles spend 1 1000000 --note x").exits(5);
    assert!(poor.stderr.contains("pilot has 19,400, this spends 1,000,000: 980,600 short"), "{poor}");
}

#[both(ready)]
fn a_token_is_asked_for_where_none_is_given(world: &mut World) {
    for nothing in ["", "\n", "  \n"] {
        let told = world.run_with_input("airline token whois --stdin -o json", nothing).exits(2).error();
        assert_eq!(told["message"], "no token on standard input");
    }
}

#[test]
fn a_profile_table_in_the_singular_is_told_what_it_is_called() {
    let world = World::bare();
    std::fs::write(world.work().join("skyteam.toml"), "[profile.prod]\nurl = 'sqlite:a.db'\n").unwrap();
    let told = world.run("-p prod user list").exits(6);
    assert!(told.stderr.contains("did you mean [profiles.prod]?"), "{told}");
}

#[test]
fn a_password_that_ends_the_host_is_told_how_to_be_written() {
    let world = World::bare();
    for password in ["pa/ss", "pa?ss"] {
        let url = format!("postgres://ops:{password}@localhost:5432/skyteam");
        let told = world.run(["--database-url", &url, "user", "list"]).exits(6);
        assert!(told.stderr.contains("%2F for /, %3F for ?"), "{told}");
        assert!(!told.stderr.contains("pa/") && !told.stderr.contains("pa?"), "{told}");
    }
}

#[both(ready)]
fn a_backup_of_here_has_a_clean_path(world: &mut World) {
    let file = world.run("db backup . -o json").ok().json()["file"].as_str().unwrap().to_owned();
    assert!(!file.contains("/./"), "{file}");
    std::fs::create_dir(world.work().join("none")).unwrap();
    let told = world.run("db backups ./none/.").ok();
    assert!(told.stderr.contains("/none.") && !told.stderr.contains("/."), "{told}");
}
