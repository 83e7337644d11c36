//! `.env` and variables: what names a setting and cannot be read is refused with its place, never passed over.

use std::os::unix::ffi::OsStrExt;

use super::{setting, write};
use crate::support::World;

/// Claims that nothing is read from another database than the one that was meant, whatever is typed.
#[track_caller]
fn refused(world: &World, says: &str) {
    for args in ["user list", "-q db backup .", "miles award 1 5 --note x", "db push", "-o json user list"] {
        let refused = world.run(args).exits(6);
        assert!(refused.stderr.contains(says), "{says}\n{refused}");
        assert!(!refused.stderr.contains("hunter2"), "{refused}");
    }
    assert!(!world.home().join(".local/share/skyteam/skyteam.db").exists());
}

#[test]
fn a_line_that_names_a_setting_and_cannot_be_read() {
    let world = World::bare();
    for line in [
        "DATABASE_URL=postgres://postgres:hunter2 x@127.0.0.1/skyteam",
        "DATABASE_URL='postgres://postgres:hunter2@127.0.0.1/skyteam",
        "DATABASE_URL=\"postgres://postgres:hunter2@127.0.0.1/skyteam",
        "DATABASE_URL=postgres://postgres:hunter2\\x@127.0.0.1/skyteam",
        "DATABASE_URL: postgres://postgres:hunter2@127.0.0.1/skyteam",
        "database_url=postgres://postgres:hunter2@127.0.0.1/skyteam",
        "DATABASE-URL=postgres://postgres:hunter2@127.0.0.1/skyteam",
        "DATABASE_URL=$UNSET",
        "DATABASE_URL=postgres://u:${UNSET}@h/d",
        "DATABASE_URL",
        "SKYTEAM_PROFILE=prod hunter2",
        "SKYTEAM_ACTOR='hunter2",
    ] {
        let file = write(&world, ".env", &format!("# of the project\nOTHER=it's\n{line}\n"));
        refused(&world, &format!("{file}, line 3, cannot be read"));
    }
}

#[test]
fn two_lines_that_contradict_each_other() {
    let world = World::bare();
    let file = write(&world, ".env", "DATABASE_URL=postgres://u:hunter2@a/d\n# moved\nDATABASE_URL=sqlite:new.db\n");
    refused(&world, &format!("{file}, lines 1 and 3, give DATABASE_URL two values"));
    let error = world.run("user list -o json").exits(6).error();
    assert_eq!(error["code"], "two_values", "{error}");
    assert_eq!(error["fix"], "delete line 1 or line 3, or put a # before it");
    write(&world, ".env", "SKYTEAM_ACTOR=ann\nDATABASE_URL=sqlite:a.db\nSKYTEAM_ACTOR=hunter2\n");
    refused(&world, ".env, lines 1 and 3, give SKYTEAM_ACTOR two values");
    write(&world, "skyteam.toml", "[profiles.prod]\nurl_env = 'PROD_URL'");
    write(&world, ".env", "PROD_URL=sqlite:a.db\nPROD_URL=sqlite:b.db\nOTHER=1\nOTHER=2\n");
    refused(&world, ".env, lines 1 and 2, give PROD_URL two values");
}

#[test]
fn a_misspelt_setting_is_not_passed_over() {
    let mut world = World::bare();
    let file = write(&world, ".env", "SKYTEAM_PROFIL=hunter2\n");
    refused(&world, &format!("SKYTEAM_PROFIL in {file} is no setting of skyteam; did you mean SKYTEAM_PROFILE?"));
    write(&world, ".env", "SKYTEAM_DISCORD_TOKEN=x\nSKYTEAM_TEST_PG_BIN=y\nSKYTEAM_API_PROFILE=z\n");
    assert_eq!(world.run("config show").ok().stderr, "");
    world.set("SKYTEAM_ACTROR", "ann");
    refused(&world, "environment variable SKYTEAM_ACTROR is no setting of skyteam; did you mean SKYTEAM_ACTOR?");
}

#[test]
fn a_variable_of_a_profile_is_a_setting_too() {
    let world = World::bare();
    write(&world, "skyteam.toml", "[profiles.prod]\nurl_env = 'PROD_URL'");
    write(&world, ".env", "PROD_URL=a b\nMY_URL=a b\n");
    refused(&world, ".env, line 1, cannot be read");
    write(&world, ".env", "PROD_URL=\n");
    let empty = world.run("-p prod user list").exits(6);
    assert!(empty.stderr.contains("PROD_URL, which its url_env names, is empty"), "{empty}");
}

#[test]
fn a_file_that_is_not_utf_8() {
    let world = World::bare();
    for (bytes, line) in
        [(b"A=1\nDATABASE_URL=postgres://u:\xe9@h/d\n".as_slice(), "line 2"), (b"\xff\xfeD\0A\0", "line 1")]
    {
        std::fs::write(world.work().join(".env"), bytes).unwrap();
        refused(&world, line);
    }
    std::fs::remove_file(world.work().join(".env")).unwrap();
    std::fs::write(world.work().join("skyteam.toml"), b"tz = 'UTC'\n# caf\xe9\n").unwrap();
    refused(&world, "line 2");
}

#[test]
fn what_is_no_file_to_read() {
    let world = World::bare();
    let path = world.work().join(".env");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    refused(&world, "no regular file");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("gone", &path).unwrap();
    refused(&world, "No such file");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    refused(&world, "longer than 1024 KiB");
    std::fs::remove_file(&path).unwrap();
    // As Python's virtual environments are called.
    std::fs::create_dir(&path).unwrap();
    world.run("config show").ok();
}

#[test]
fn a_variable_that_is_empty_names_no_default() {
    let mut world = World::bare();
    world.set("DATABASE_URL", "");
    refused(&world, "environment variable DATABASE_URL is empty");
    world.unset("DATABASE_URL");
    world.set("SKYTEAM_PROFILE", "");
    refused(&world, "environment variable SKYTEAM_PROFILE is empty");
    world.unset("SKYTEAM_PROFILE");
    let file = write(&world, ".env", "DATABASE_URL=\n");
    refused(&world, &format!("DATABASE_URL in {file} is empty"));
    write(&world, ".env", "DATABASE_URL='' # later\n");
    refused(&world, "is empty");
    // What is stronger still wins.
    world.set("DATABASE_URL", "sqlite:x.db");
    assert_eq!(setting(&world, "", "database").0, "sqlite:x.db");
    std::fs::remove_file(&file).unwrap();
    world.unset("DATABASE_URL");
    write(&world, "skyteam.toml", "profile = 'x'\n[profiles.x]\nurl = ''");
    refused(&world, "has an empty url");
    for flags in ["--database-url=", "--profile="] {
        world.run(format!("{flags} user list")).exits(6);
    }
}

#[test]
fn a_variable_that_is_not_utf_8() {
    let world = World::bare();
    for name in ["DATABASE_URL", "SKYTEAM_PROFILE", "PGPASSWORD"] {
        let mut command = world.command("user list");
        command.env(name, std::ffi::OsStr::from_bytes(b"postgres://u:\xe9@h/d"));
        let refused = world.finish("user list".into(), command.spawn().unwrap(), b"").exits(6);
        assert!(refused.stderr.contains(&format!("environment variable {name} is not UTF-8")), "{refused}");
    }
    let mut command = world.command("config show");
    command.env("LESS", std::ffi::OsStr::from_bytes(b"\xe9"));
    world.finish("config show".into(), command.spawn().unwrap(), b"").ok();
}

#[test]
fn what_shells_and_other_programs_write_is_read() {
    let mut world = World::bare();
    world.set("WHERE", "from-env");
    for (text, database) in [
        ("\u{feff}DATABASE_URL=sqlite:bom.db\n", "sqlite:bom.db"),
        ("export DATABASE_URL=sqlite:a.db\r\nNEXT=1\r\n", "sqlite:a.db"),
        ("DATABASE_URL=sqlite:a.db\nexport DATABASE_URL='sqlite:a.db'\n", "sqlite:a.db"),
        ("GREETING=it's\nJUST WORDS\nYAML: x\nDATABASE_URL='sqlite:a b.db' # ours\n", "sqlite:a b.db"),
        ("NAME=x\nDATABASE_URL=\"sqlite:$NAME-${WHERE}.db\"\n", "sqlite:x-from-env.db"),
    ] {
        write(&world, ".env", text);
        let shown = world.run("config show -o json").ok();
        assert_eq!(shown.stderr, "", "{text:?}");
        assert_eq!(setting(&world, "", "database").0, database, "{text:?}");
    }
}
