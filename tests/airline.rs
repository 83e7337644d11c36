//! `airline`: the members and their secrets.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};

use sha2::{Digest as _, Sha256};

use crate::support::{World, both};

fn stored(world: &World, id: &str) -> String {
    world.query(&format!("SELECT token FROM airlines WHERE \"airlineId\" = '{id}'"))
}

fn shown(token: &str) -> String {
    let hex: String = Sha256::digest(token.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("set (sha256 {hex})")
}

#[both(ready)]
fn the_token_is_printed_once_and_then_only_its_fingerprint(world: &mut World) {
    let added = world.run("airline add delta 'Delta Air Lines'").ok();
    let token = stored(world, "delta");
    assert_eq!(added.stdout, format!("{token}\n"), "alone on stdout");
    assert!(!added.stderr.contains(&token));
    assert_eq!(token.len(), 24);
    world.run("airline edit delta --name Delta --yes -vv").ok();
    for args in [
        "airline list",
        "airline list --wide",
        "airline list -o json",
        "airline list -o ndjson",
        "airline list -o csv",
        "airline list -o md",
        "airline show delta",
        "airline show delta -o json",
        "airline show delta -o csv",
        "airline show delta -vv",
        "airline token show delta",
        "airline edit delta --name Delta2 --yes",
        "airline show zzz",
        "airline token show delta -o json -vv",
        "airline list --columns token",
    ] {
        let output = world.run(args);
        assert!(!output.stdout.contains(&token) && !output.stderr.contains(&token), "{args}: {output}");
        if args.starts_with("airline list") || args.contains("show delta") {
            assert!(output.stdout.contains(&shown(&token)), "{args}: {output}");
        }
    }
    assert_eq!(world.run("airline token show delta --reveal").ok().stdout, format!("{token}\n"));
    assert_eq!(world.run("airline token show delta --reveal --json").json()["token"], token.as_str());
}

#[both(ready)]
fn a_token_goes_to_a_new_file_of_its_owner_alone(world: &mut World) {
    let path = world.work().join("klm.token");
    let added = world.run("airline add klm KLM --token-file klm.token").ok();
    let token = stored(world, "klm");
    assert!(!added.stdout.contains(&token), "{added}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{token}\n"));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    world.run("airline add af AF --token-file nowhere/af.token").exits(1);
    assert_eq!(stored(world, "af"), "", "nothing is added whose token could not be kept");
    world.run("airline token rotate klm --yes -n --token-file new.token").ok();
    assert!(!world.work().join("new.token").exists(), "a dry run writes no file");
    world.run("airline token rotate klm --yes --token-file new.token").ok();
    assert_eq!(std::fs::read_to_string(world.work().join("new.token")).unwrap(), format!("{}\n", stored(world, "klm")));
}

#[both(ready)]
fn a_token_file_replaces_nothing_that_is_there(world: &mut World) {
    let work = world.work();
    world.run("airline add klm KLM --token-file klm.token").ok();
    let token = stored(world, "klm");
    let kept = std::fs::read_to_string(work.join("klm.token")).unwrap();
    std::fs::create_dir(work.join("folder")).unwrap();
    std::os::unix::fs::symlink("klm.token", work.join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", work.join("dangling")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(work.join("socket")).unwrap();
    device_that_is_full(&work.join("full"));
    for (file, exit) in
        [("klm.token", 5), ("folder", 2), ("link", 2), ("dangling", 2), ("socket", 2), ("full", 2), (".", 2)]
    {
        for command in ["airline add af AF", "airline token rotate klm --yes", "airline token rotate klm -n"] {
            let refused = world.run(format!("{command} --token-file {file}")).exits(exit);
            assert!(refused.stderr.contains("nothing was changed"), "{refused}");
            assert_eq!(refused.stdout, "");
        }
    }
    assert_eq!((stored(world, "klm"), stored(world, "af")), (token, String::new()));
    assert_eq!(std::fs::read_to_string(work.join("klm.token")).unwrap(), kept);
    assert!(work.join("link").is_symlink() && work.join("dangling").is_symlink() && !work.join("nowhere").exists());
    assert!(std::fs::metadata(work.join("full")).unwrap().file_type().is_char_device());
}

#[both(ready)]
fn a_token_that_cannot_be_printed_can_still_be_had(world: &mut World) {
    let full = world.work().join("full");
    device_that_is_full(&full);
    let mut before = String::new();
    for (command, done) in
        [("airline add klm KLM", "klm was added"), ("airline token rotate klm --yes", "klm was given a new token")]
    {
        let stdout = std::fs::File::options().write(true).open(&full).unwrap();
        let child = world.command(command).stdout(stdout).spawn().unwrap();
        let told = world.finish(command.to_owned(), child, b"").exits(1);
        let token = stored(world, "klm");
        assert!(token.len() == 24 && token != before, "it is there");
        assert!(told.stderr.contains(done), "{told}");
        assert!(told.stderr.contains("fix  skyteam airline token show --reveal klm"), "{told}");
        assert!(!told.stderr.contains(&token), "{told}");
        before = token;
    }
}

/// A device of ours, which takes nothing: what `/dev/full` is to the machine.
pub fn device_that_is_full(path: &std::path::Path) {
    let made = std::process::Command::new("mknod").arg(path).args(["c", "1", "7"]).status().unwrap();
    assert!(made.success(), "the tests make a device: run them as root");
}

#[both(ready)]
fn the_old_token_stops_working_when_it_is_rotated(world: &mut World) {
    world.run("airline add delta Delta").ok();
    let old = stored(world, "delta");
    world.run("airline token rotate delta").exits(9);
    world.run("airline token rotate delta -n").ok();
    assert_eq!(stored(world, "delta"), old);
    let new = world.run("airline token rotate delta --yes").ok().stdout;
    assert_eq!(new.trim(), stored(world, "delta"));
    assert_ne!(new.trim(), old);
    let whois = |token: &str| world.run_with_input("airline token whois --stdin --json", token);
    assert_eq!(whois(&new).json()["airlineId"], "delta");
    let refused = whois(&old).exits(4);
    assert!(!refused.stderr.contains(&old), "{refused}");
    for hostile in ["\0", "' OR '1'='1", &"x".repeat(4096), "\u{202e}"] {
        whois(hostile).exits(4);
    }
    whois(&"x".repeat(5000)).exits(2);
    world.run("airline token whois").exits(2);
    world.run("airline token rotate nobody --yes").exits(4);
}

#[both(ready)]
fn an_airline_in_use_is_not_deleted_and_all_uses_are_counted(world: &mut World) {
    crate::user::flight(world);
    world.run("airline add klm KLM").ok();
    world.query(r#"UPDATE flights SET "codeshareAirlineId" = 'klm'"#);
    world.run("product add Pass --airline delta --price 5").ok();
    insta::assert_snapshot!(world.run("airline delete DL --confirm skyteam"), @r#"
    exit: 5
    --- stderr
    → [database]
    error: airline "delta" is still referred to
      why  1 brand
           1 flight
           1 product
      fix  delete those first, or leave it as it is
    "#);
    assert!(world.run("airline delete klm").exits(5).stderr.contains("1 codeshare flight"));
    let counts = world.run("airline show delta --json").json();
    assert_eq!((&counts["brands"], &counts["flights"], &counts["products"]), (&1.into(), &1.into(), &1.into()));
    assert_eq!(world.run("airline show klm --json").json()["codeshares"], 1);
    world.run("airline add sas SAS").ok();
    world.run("airline delete sas --yes").exits(9);
    world.run(["airline", "delete", "sas", "--confirm", &world.name()]).ok();
    world.run(["airline", "rm", "sas", "--confirm", &world.name()]).exits(4);
    assert_eq!(world.query("SELECT count(*) FROM airlines"), "2");
}

#[both(ready)]
fn airlines_are_found_and_changed(world: &mut World) {
    crate::user::flight(world);
    world.run("airline add klm 'KLM Royal Dutch Airlines' --invite-link https://discord.gg/klm --server-id 112").ok();
    for reference in ["delta", "Delta", "DL", "dl", "dal"] {
        assert_eq!(world.run(["airline", "show", reference, "--json"]).json()["airlineId"], "delta", "{reference}");
    }
    world.query("UPDATE airlines SET name = 'Same'");
    let ambiguous = world.run("airline show Same").exits(4);
    assert!(ambiguous.stderr.contains("delta") && ambiguous.stderr.contains("klm"), "{ambiguous}");
    assert!(world.run("airline show detla").exits(4).stderr.contains("nearest: delta"));
    assert_eq!(world.run("airline show klm --json").json()["serverId"], "112");
    world.run("airline edit klm --name 'KLM \u{202e}x' --yes").ok();
    for args in [
        "airline add Delta x",
        "airline add d 'x' --invite-link nope",
        "airline add d x --server-id y",
        "airline add d ''",
        "airline edit klm --yes",
    ] {
        world.run(args).exits(2);
    }
    assert!(world.run("airline add delta x").exits(5).stderr.contains("is taken"));
}
