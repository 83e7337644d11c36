//! Backups in one folder by several users: root's manual run, and the job that runs every night as another.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use serde_json::Value;

use crate::support::{Scratch, World};

/// Runs the program as the owner of the folder, who is not root; answers its exit code and what it printed.
fn as_owner(world: &World, folder: &Scratch, args: &str) -> (i32, Value) {
    let mut command = folder.command(env!("CARGO_BIN_EXE_skyteam"));
    command.args(["-o", "json"]).args(args.split(' ')).arg(folder.path());
    let command = command.env_clear().env("DATABASE_URL", world.url()).env("HOME", folder.path());
    let output = command.output().unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    let text = String::from_utf8(text).unwrap();
    let json = text.find(['{', '[']).map_or(Value::Null, |start| serde_json::from_str(&text[start..]).unwrap());
    (output.status.code().unwrap(), json)
}

fn backup(world: &World, folder: &Path) -> std::path::PathBuf {
    let made = world.call(["-o", "json", "db", "backup", folder.to_str().unwrap()]).now().run().ok().json();
    made["file"].as_str().unwrap().into()
}

#[test]
fn a_run_as_root_does_not_keep_the_nights_out() {
    let world = World::postgres();
    world.run("db migrate").ok();
    let folder = Scratch::new("backups");
    let made = backup(&world, folder.path());
    let lock = fs::metadata(folder.path().join(".skyteam-backup.lock")).unwrap();
    assert_eq!(lock.uid(), fs::metadata(folder.path()).unwrap().uid());
    assert_eq!(as_owner(&world, &folder, "db backup --keep-last 1").0, 0);
    // Where the tests run as root, that backup is root's: unreadable, so outside every count, and it says so.
    if fs::metadata(&made).unwrap().uid() == lock.uid() {
        fs::set_permissions(&made, fs::Permissions::from_mode(0o000)).unwrap();
    }
    for verb in ["db backups", "db verify"] {
        let (code, answer) = as_owner(&world, &folder, verb);
        if verb == "db verify" && code == 0 {
            // The newer one is the owner's own.
            continue;
        }
        assert_eq!((code, answer["error"]["code"].as_str()), (8, Some("unreadable_backup")), "{answer}");
        assert!(answer["error"]["fix"].as_str().unwrap().starts_with("sudo chown --reference"), "{answer}");
    }
    assert!(made.exists());
}

#[test]
fn a_lock_of_another_user_is_told_with_the_way_out() {
    let world = World::postgres();
    world.run("db migrate").ok();
    let folder = Scratch::new("backups");
    let lock = folder.path().join(".skyteam-backup.lock");
    fs::write(&lock, "").unwrap();
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o000)).unwrap();
    let (code, answer) = as_owner(&world, &folder, "db backup");
    assert_eq!((code, answer["error"]["code"].as_str()), (8, Some("lock_denied")), "{answer}");
    let fix = answer["error"]["fix"].as_str().unwrap();
    assert!(fix.starts_with("sudo chown --reference") && fix.contains(".skyteam-backup.lock"), "{fix}");
}
