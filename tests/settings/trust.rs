//! Whose settings are read: neither a stranger's nor what strangers may write, unless that is allowed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{setting, write};
use crate::support::{World, both};

const STRANGER: u32 = 65534;

fn mode(path: impl AsRef<Path>, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn owner(path: impl AsRef<Path>, user: u32) {
    std::os::unix::fs::chown(path, Some(user), None).unwrap();
}

fn is_root() -> bool {
    // Only root may give files away, as these tests do; where another user runs them, the modes are tried alone.
    std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

#[track_caller]
fn refused(world: &World, reason: &str) {
    for args in ["user list", "config show", "-q miles award 1 5 --note x"] {
        let refused = world.run(args).exits(6);
        assert!(refused.stderr.contains(reason), "{reason}\n{refused}");
        assert!(refused.stderr.contains("skyteam config trust "), "{refused}");
    }
}

#[test]
fn a_strangers_file_or_folder_is_not_read() {
    if !is_root() {
        return;
    }
    let world = World::bare();
    let project = world.work().join("project");
    std::fs::create_dir(&project).unwrap();
    for (name, text) in [(".env", "DATABASE_URL=sqlite:theirs.db"), ("skyteam.toml", "actor = 'ops'")] {
        let path = write(&world, name, text);
        owner(&path, STRANGER);
        insta::allow_duplicates! {
            let shown = world.run("user list").exits(6).to_string().replace(name, "NAME").replace("nogroup", "nobody");
            insta::assert_snapshot!(shown, @r"
            exit: 6
            --- stderr
            error: ~/work/NAME is not read
              why  it belongs to nobody (uid 65534), and settings decide which server gets a password
              fix  skyteam config trust ~/work/NAME    once you have read it, and trust who can write it
            ");
        }
        refused(&world, "belongs to");
        owner(&path, 0);
        owner(world.work(), STRANGER);
        refused(&world, "its folder belongs to");
        owner(world.work(), 0);
        world.run("config show").ok();
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn what_others_may_write_is_not_read() {
    let world = World::bare();
    let path = write(&world, ".env", "DATABASE_URL=sqlite:a.db");
    mode(&path, 0o666);
    refused(&world, "it can be written by everybody");
    assert!(world.run("user list").stderr.contains("chmod go-w "));
    mode(&path, 0o644);
    mode(world.work(), 0o777);
    refused(&world, "its folder can be written by everybody");
    mode(world.work(), 0o1777);
    refused(&world, "its folder can be written by everybody");
    mode(world.work(), 0o755);
    world.run("config show").ok();
    if is_root() {
        std::os::unix::fs::chown(&path, None, Some(100)).unwrap();
        mode(&path, 0o664);
        refused(&world, "it can be written by the group");
        // Root's own group holds nobody else.
        std::os::unix::fs::chown(&path, None, Some(0)).unwrap();
        world.run("config show").ok();
    }
}

#[test]
fn the_users_own_file_is_looked_at_too() {
    let world = World::bare();
    let folder = world.home().join(".config/skyteam");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("skyteam.toml"), "tz = 'Asia/Tokyo'").unwrap();
    mode(folder.join("skyteam.toml"), 0o666);
    refused(&world, "it can be written by everybody");
}

#[test]
fn one_that_is_trusted_is_read() {
    let world = World::bare();
    let path = write(&world, ".env", "DATABASE_URL=sqlite:a.db");
    write(&world, "skyteam.toml", "tz = 'Asia/Tokyo'");
    mode(&path, 0o666);
    mode(world.work(), 0o777);
    assert!(world.run("-n config trust .env").ok().stdout.contains("would be trusted"));
    refused(&world, "not read");
    let trusted = world.run("config trust .env -o json").json();
    assert_eq!((trusted["path"].as_str(), &trusted["added"]), (Some(path.as_str()), &true.into()));
    let again = world.run("config trust .env -o json").json();
    assert_eq!(again["added"], false);
    // The other file of the folder is another one.
    refused(&world, "skyteam.toml is not read");
    world.run("config trust .").ok();
    assert_eq!(setting(&world, "", "database").0, "sqlite:a.db");
    assert_eq!(setting(&world, "", "tz").0, "Asia/Tokyo");
    // Not what lies below.
    let below = world.work().join("below");
    std::fs::create_dir(&below).unwrap();
    std::fs::write(below.join(".env"), "DATABASE_URL=sqlite:b.db").unwrap();
    mode(&below, 0o777);
    assert!(inside(&world, &below).exits(6).stderr.contains("below/.env is not read"));
    world.run("config trust nowhere").exits(4);
}

/// `config show` in another folder.
fn inside(world: &World, folder: &Path) -> crate::support::Output {
    let mut command = world.command("config show");
    command.current_dir(folder);
    world.finish("config show".into(), command.spawn().unwrap(), b"")
}

#[test]
fn the_list_of_what_is_trusted_is_the_users_alone() {
    let world = World::bare();
    world.run("config trust .").ok();
    let list = world.home().join(".config/skyteam/trusted");
    assert_eq!(std::fs::metadata(&list).unwrap().permissions().mode() & 0o777, 0o600);
    let folder = std::fs::metadata(list.parent().unwrap()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700, "a folder that is made is its owner's alone");
    mode(&list, 0o666);
    let refused = world.run("config show").exits(6);
    assert!(refused.stderr.contains("trusted is not read"), "{refused}");
}

#[test]
fn behind_sudo_the_caller_counts_as_the_user() {
    if !is_root() {
        return;
    }
    let mut world = World::bare();
    owner(write(&world, ".env", "DATABASE_URL=sqlite:a.db"), STRANGER);
    owner(world.work(), STRANGER);
    refused(&world, "belongs to");
    world.set("SUDO_UID", STRANGER.to_string());
    assert_eq!(setting(&world, "", "database").0, "sqlite:a.db");
}

#[test]
fn the_search_ends_at_the_home_folder() {
    let world = World::bare();
    let above = world.home().parent().unwrap().to_owned();
    std::fs::write(above.join(".env"), "SKYTEAM_ACTOR=above\n").unwrap();
    let inside_home = world.home().join("projects/a");
    std::fs::create_dir_all(&inside_home).unwrap();
    assert!(!inside(&world, &inside_home).ok().stdout.contains("above"));
    assert!(inside(&world, &world.work()).ok().stdout.contains("above"));
    std::fs::write(world.home().join(".env"), "SKYTEAM_ACTOR=homely\n").unwrap();
    assert!(inside(&world, &inside_home).ok().stdout.contains("homely"));
}

#[test]
fn a_project_never_redefines_a_profile_of_the_users() {
    let world = World::bare();
    let folder = world.home().join(".config/skyteam");
    std::fs::create_dir_all(&folder).unwrap();
    let own = "[profiles.prod]\nurl = 'postgres://ops@db/skyteam'\nkind = 'production'";
    std::fs::write(folder.join("skyteam.toml"), own).unwrap();
    let forged = "profile = 'prod'\n[profiles.prod]\nurl = 'sqlite:forged.db'\n[profiles.test]\nurl = 'sqlite:t.db'";
    write(&world, "skyteam.toml", forged);
    let shown = world.run("config show").ok();
    assert!(shown.stdout.contains("postgres://ops@db/skyteam") && shown.stdout.contains("production"), "{shown}");
    assert!(shown.stderr.contains("defines profile prod too; that of"), "{shown}");
    assert_eq!(setting(&world, "-p test", "database").0, "sqlite:t.db");
}

#[both(ready)]
fn what_a_file_chooses_is_said_before_it_is_used(world: &mut World) {
    let url = world.url();
    let note = |world: &World, args: &str| {
        let said = world.run(args).ok().stderr;
        said.lines().next().filter(|line| line.starts_with("→ ")).map(str::to_owned)
    };
    assert_eq!(note(world, "user list"), None, "the environment is the user's own");
    world.unset("DATABASE_URL");
    let file = write(world, ".env", &format!("DATABASE_URL={url}\n"));
    let said = note(world, "user list").unwrap();
    assert!(said.ends_with(&format!("(DATABASE_URL in {file})")), "{said}");
    let said = world.run("user add 1 pilot123").ok().stderr;
    assert_eq!(said.matches("→ ").count(), 1, "{said}");
    assert_eq!(note(world, "-q user list"), None);
    std::fs::remove_file(&file).unwrap();
    let file = write(world, "skyteam.toml", &format!("[profiles.test]\nurl = '{url}'\n"));
    let said = note(world, "-p test user list").unwrap();
    assert!(said.ends_with(&format!("(profile test, by {file})")), "{said}");
}

#[test]
fn a_link_is_judged_by_what_it_leads_to_and_where_it_lies() {
    let world = World::bare();
    let elsewhere = world.home().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let target = elsewhere.join("settings");
    std::fs::write(&target, "DATABASE_URL=sqlite:a.db").unwrap();
    std::os::unix::fs::symlink(&target, world.work().join(".env")).unwrap();
    assert_eq!(setting(&world, "", "database").0, "sqlite:a.db");
    mode(&target, 0o666);
    refused(&world, "it can be written by everybody");
    mode(&target, 0o644);
    mode(world.work(), 0o777);
    refused(&world, "its folder can be written by everybody");
    mode(world.work(), 0o755);
    if is_root() {
        owner(&target, STRANGER);
        refused(&world, "it belongs to");
        owner(&target, 0);
    }
    // The link is what is allowed, not what it leads to.
    mode(&target, 0o666);
    world.run(["config", "trust", target.to_str().unwrap()]).ok();
    refused(&world, "it can be written by everybody");
    world.run("config trust .env").ok();
    assert_eq!(setting(&world, "", "database").0, "sqlite:a.db");
    // One that leads nowhere is there, and cannot be read.
    std::fs::remove_file(&target).unwrap();
    world.run("config show").exits(6);
}

/// A mount of a test's own, which ends with its process.
#[test]
fn the_search_ends_at_a_mount_point() {
    let world = World::bare();
    write(&world, ".env", "SKYTEAM_ACTOR=above\n");
    let below = world.work().join("mounted");
    std::fs::create_dir_all(below.join("a")).unwrap();
    assert!(inside(&world, &below.join("a")).ok().stdout.contains("above"));
    let may_mount = || Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success());
    if !is_root() || !may_mount() {
        return;
    }
    let program = world.program("config show");
    let mut mounted = Command::new("unshare");
    mounted.args([
        "-m",
        "sh",
        "-ec",
        "mount -t tmpfs none mounted; mkdir -p mounted/a; cd mounted/a; exec \"$0\" \"$@\"",
    ]);
    mounted.arg(program.get_program()).args(program.get_args()).env_clear().current_dir(world.work());
    mounted.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    mounted.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    mounted.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let shown = world.finish("config show".into(), mounted.spawn().unwrap(), b"").ok();
    assert!(!shown.stdout.contains("above"), "{shown}");
}

/// Only root takes the word of the environment for who called it, and for no one beside that user.
#[test]
fn sudo_names_one_user_and_only_to_root() {
    if !is_root() {
        return;
    }
    let mut world = World::bare();
    let path = write(&world, ".env", "DATABASE_URL=sqlite:a.db");
    owner(&path, STRANGER);
    for other in ["1", "-1", "65534x", "", "4294967296"] {
        world.set("SUDO_UID", other);
        refused(&world, "it belongs to");
    }
    world.set("SUDO_UID", STRANGER.to_string());
    mode(&path, 0o666);
    refused(&world, "it can be written by everybody");
    mode(&path, 0o644);
    world.run("config show").ok();
    // Another user who says so gets nothing by it.
    owner(&path, 1);
    world.set("SUDO_UID", "1");
    let program = world.program("config show");
    let mut other = Command::new("setpriv");
    other.args(["--reuid=2", "--regid=2", "--clear-groups", "--"]).arg(program.get_program()).args(program.get_args());
    other.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    other.current_dir(world.work()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Its own folder of configuration.
    other.env("HOME", world.work());
    for folder in [world.home().parent().unwrap(), &world.home(), &world.work()] {
        mode(folder, 0o755);
    }
    let refused = world.finish("config show".into(), other.spawn().unwrap(), b"").exits(6);
    assert!(refused.stderr.contains("it belongs to"), "{refused}");
}
