//! The page "When the day comes" of `docs/backups.md`, done as it says.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::everything;
use crate::support::World;

/// The commands of a section, in order.
fn commands(section: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/backups.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once(&format!("\n## {section}\n")).expect("the section");
    let section = rest.split("\n## ").next().unwrap();
    section.lines().filter_map(|line| line.trim_start().strip_prefix("$ ")).map(str::to_owned).collect()
}

#[test]
fn the_page_is_done_as_it_says() {
    let world = World::postgres();
    world.run("db seed --users 20 --flights 10").ok();
    fs::create_dir(world.work().join("backups")).unwrap();
    world.run("db backup backups").ok();
    let before = everything(&world);
    // The grants that the applications lose with a database are those of a role that there is.
    world.server().admin("DO $$ BEGIN CREATE ROLE shop; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    world.query(r#"UPDATE "users" SET "displayName" = 'wrong'; DELETE FROM "flightPassengers""#);
    let new = World::postgres();
    let commands = commands("When the day comes");
    assert!(commands.len() >= 10, "{commands:?}");
    let tools = world.work().join("tools");
    fs::create_dir(&tools).unwrap();
    symlink(env!("CARGO_BIN_EXE_skyteam"), tools.join("skyteam")).unwrap();
    let template = world.program("");
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &commands.join("\n")]).current_dir(world.work()).env_clear();
    shell.envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let done = shell
        .env("PATH", path)
        .env("NEW", new.url())
        .env("OLD", world.url())
        .env("NAME", world.name())
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    assert_eq!(everything(&new), before);
    assert_eq!(everything(&world), before);
    assert_eq!(new.query(r#"SELECT has_table_privilege('shop', 'users', 'UPDATE')"#), "t");
    // The new database's, and the wrong rows', beside the first.
    let kept = fs::read_dir(world.work().join("backups")).unwrap();
    let kept = kept.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "skyteam"));
    assert_eq!(kept.count(), 3);
}
