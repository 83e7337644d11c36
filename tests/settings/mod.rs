//! Settings: which source wins, what each says of its origin, and how what cannot be used is refused.

use serde_json::Value;

mod dotenv;
mod trust;

use crate::support::World;

/// The setting `name` as `config show` tells it: value and origin.
fn setting(world: &World, flags: &str, name: &str) -> (String, String) {
    let shown = world.run(format!("config show {flags} -o json")).ok().json();
    let line = shown.as_array().unwrap().iter().find(|line| line["name"] == name).unwrap();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    (text(&line["value"]), text(&line["origin"]))
}

fn write(world: &World, name: &str, text: &str) -> String {
    let path = world.work().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn flags_beat_the_environment_which_beats_dotenv_which_beats_the_files() {
    let mut world = World::bare();
    assert_eq!(setting(&world, "", "tz"), ("UTC".into(), "default".into()));

    let user = world.home().join(".config/skyteam");
    std::fs::create_dir_all(&user).unwrap();
    std::fs::write(user.join("skyteam.toml"), "tz = 'Asia/Tokyo'").unwrap();
    assert_eq!(setting(&world, "", "tz").0, "Asia/Tokyo");

    let file = write(&world, "skyteam.toml", "tz = 'Europe/Paris'");
    assert_eq!(setting(&world, "", "tz"), ("Europe/Paris".into(), file));

    let dotenv = write(&world, ".env", "SKYTEAM_TZ=Europe/Oslo\n");
    assert_eq!(setting(&world, "", "tz"), ("Europe/Oslo".into(), format!("SKYTEAM_TZ in {dotenv}")));

    world.set("SKYTEAM_TZ", "America/Denver");
    assert_eq!(setting(&world, "", "tz"), ("America/Denver".into(), "environment variable SKYTEAM_TZ".into()));
    assert_eq!(setting(&world, "--tz Asia/Seoul", "tz"), ("Asia/Seoul".into(), "--tz".into()));
}

#[test]
fn the_nearest_dotenv_upward_is_read() {
    let world = World::bare();
    write(&world, ".env", "DATABASE_URL=sqlite:above.db\n");
    let below = world.work().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    assert_eq!(setting(&world, "", "database").0, "sqlite:above.db");
}

#[test]
fn a_password_is_masked_wherever_it_comes_from() {
    let world = World::bare();
    write(
        &world,
        "skyteam.toml",
        "[profiles.prod]\nurl = 'postgres://ops:hunter2@db.example.com/skyteam'\nkind = 'production'",
    );
    assert_eq!(setting(&world, "-p prod", "database").0, "postgres://ops:***@db.example.com/skyteam");
    assert_eq!(setting(&world, "-p prod", "kind").0, "production");
    let shown = world.run("config show --database-url postgres://ops:hunter2@h/x -vv").ok();
    assert!(!shown.stdout.contains("hunter2") && !shown.stderr.contains("hunter2"));
}

#[test]
fn a_profile_carries_its_settings() {
    let mut world = World::bare();
    write(
        &world,
        "skyteam.toml",
        "profile = 'test'\n[profiles.test]\nurl_env = 'TEST_URL'\nmax_connections = 9\nlock_timeout = 500\naward_limit = 7000",
    );
    world.set("TEST_URL", "sqlite:from-env.db");
    assert_eq!(setting(&world, "", "database"), ("sqlite:from-env.db".into(), "environment variable TEST_URL".into()));
    assert_eq!(setting(&world, "", "max_connections").0, "9");
    assert_eq!(setting(&world, "", "lock_timeout").0, "500");
    assert_eq!(setting(&world, "", "award_limit").0, "7000");
    assert_eq!(setting(&world, "--lock-timeout 100", "lock_timeout").0, "100");
    assert!(world.run("config show").ok().stdout.contains("lock_timeout       0.5 s"));
    world.unset("TEST_URL");
    let refused = world.run("user list -o json").exits(6);
    assert!(refused.error()["why"].as_str().unwrap().contains("TEST_URL"), "{refused}");
}

#[test]
fn what_is_shown_is_what_is_in_force() {
    let mut world = World::bare();
    write(&world, "skyteam.toml", "profile = 'x'\n[profiles.x]\nurl_env = 'X'\nmax_connections = 2\nidle_timeout = 60");
    let limits = "max_connections=7&statement_timeout=250&idle_timeout=30";
    for url in [format!("postgres://ops@h/x?{limits}"), format!("sqlite:x.db?{limits}")] {
        world.set("X", &url);
        let from = "the URL (environment variable X)".to_owned();
        assert_eq!(setting(&world, "", "max_connections"), ("7".into(), from.clone()));
        assert_eq!(setting(&world, "", "statement_timeout"), ("250".into(), from.clone()));
        assert_eq!(setting(&world, "", "idle_timeout"), ("30".into(), from));
        let flags = "--max-connections 3 --idle-timeout 9 --statement-timeout 8";
        assert_eq!(setting(&world, flags, "max_connections"), ("3".into(), "--max-connections".into()));
        assert_eq!(setting(&world, flags, "idle_timeout"), ("9".into(), "--idle-timeout".into()));
        assert_eq!(setting(&world, flags, "statement_timeout"), ("8".into(), "--statement-timeout".into()));
    }
    world.set("X", "postgres://ops@h/x");
    world.set("PGCONNECT_TIMEOUT", "4");
    assert_eq!(setting(&world, "", "connect_timeout"), ("4".into(), "environment variable PGCONNECT_TIMEOUT".into()));
}

#[test]
fn the_settings_are_a_list_in_every_format() {
    let world = World::bare();
    assert!(world.run("config show -o csv").ok().stdout.starts_with("name,value,origin\ndatabase,"));
    assert_eq!(world.run("config show -o ndjson").ndjson()[5]["value"], 4);
    assert_eq!(world.run("config show --columns name -o csv").ok().stdout.lines().next(), Some("name"));
    world.run("config show --columns nope").exits(2);
}

#[test]
fn no_wait_and_no_number_is_none() {
    let world = World::bare();
    for flag in ["--max-connections", "--lock-timeout", "--connect-timeout", "--idle-timeout"] {
        world.run(format!("config show {flag} 0")).exits(2);
    }
    for name in ["max_connections", "lock_timeout", "connect_timeout", "idle_timeout"] {
        write(&world, "skyteam.toml", &format!("profile = 'x'\n[profiles.x]\nurl = 'sqlite:x.db'\n{name} = 0"));
        assert!(world.run("config show").exits(6).stderr.contains(name));
    }
}

#[test]
fn what_needs_no_settings_is_not_stopped_by_them() {
    let world = World::bare();
    for text in ["tz = 'Mars/Olympus'", "profile = 'gone'", "= what"] {
        write(&world, "skyteam.toml", text);
        world.run("completions bash").ok();
        world.run("db schema -o sql").ok();
        world.run("user list").exits(6);
    }
    std::fs::remove_file(world.work().join("skyteam.toml")).unwrap();
    world.run("completions bash --tz Mars").exits(2);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place() {
    let mut world = World::bare();
    for (text, says) in [
        ("tz = 'Mars/Olympus'", "Mars/Olympus"),
        ("[profiles.x]\nurl = 'sqlite:a'\ncolour = 'red'", "line 3"),
        ("profile = 'gone'", "gone"),
        ("profile = 'x'\n[profiles.x]\nkind = 'local'", "neither url nor url_env"),
        ("profile = 'x'\n[profiles.x]\nurl = 'a'\nurl_env = 'B'", "url and url_env"),
        ("= hunter2", "line 1"),
    ] {
        write(&world, "skyteam.toml", text);
        let refused = world.run("config show").exits(6);
        assert!(refused.stderr.contains(says) && !refused.stderr.contains("hunter2"), "{text}: {refused}");
    }
    std::fs::remove_file(world.work().join("skyteam.toml")).unwrap();
    world.run("config show --tz Mars").exits(2);
    world.run("config show -p nowhere").exits(6);
    world.run("config show -p x --database-url sqlite:x").exits(2);
    world.set("SKYTEAM_PROFILE", "x");
    world.set("DATABASE_URL", "sqlite:x.db");
    assert!(world.run("config show").exits(6).stderr.contains("two databases"));
}

#[test]
fn a_lost_environment_never_reads_as_an_empty_database() {
    let mut world = World::bare();
    let refused = world.run("user list").exits(6);
    for way_out in ["skyteam db push", "DATABASE_URL", "--profile"] {
        assert!(refused.stderr.contains(way_out), "{refused}");
    }
    world.unset("HOME");
    world.unset("XDG_DATA_HOME");
    assert!(world.run("user list").exits(6).stderr.contains("no home folder"));
    assert!(!world.home().join(".local/share/skyteam/skyteam.db").exists());
}

#[test]
fn a_password_on_the_command_line_is_warned_of_at_once() {
    let world = World::bare();
    for args in [
        "user list --database-url postgres://ops:hunter2@127.0.0.1:1/x",
        "user list --database-url=postgres://ops:hunter2@127.0.0.1:1/x",
        "db create --owner x --admin-url postgres://ops:hunter2@127.0.0.1:1/x --database-url sqlite:x.db",
    ] {
        let shown = world.run(args);
        assert!(shown.stderr.starts_with("warning: a password on the command line"), "{shown}");
        assert!(!shown.stderr.contains("hunter2"), "{shown}");
    }
    assert_eq!(world.run("config show --database-url postgres://ops@h/x").ok().stderr, "");
}

#[test]
fn a_remote_host_that_may_go_unencrypted_is_warned_of_once() {
    let world = World::bare();
    let warned = |url: &str| {
        let shown = world.run(format!("user list --connect-timeout 1 --database-url {url}")).exits(7);
        shown.stderr.matches("sslmode=verify-full in the URL makes sure").count()
    };
    assert_eq!(warned("postgres://ops@db.invalid/x"), 1);
    assert_eq!(warned("postgres://ops@db.invalid/x?sslmode=prefer"), 1);
    assert_eq!(warned("postgres://ops@db.invalid/x?sslmode=require"), 0);
    assert_eq!(warned("postgres://ops@db.invalid/x?sslmode=disable"), 0);
    assert_eq!(warned("postgres://ops@127.0.0.1:1/x"), 0);
}
