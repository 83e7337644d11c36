//! Making a backup: its file, its report, its encryption, and the runs that must not overlap.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use skyteam::backup::create::{Snapshot, Wanted};
use skyteam::backup::format::crypt::Recipients;
use skyteam::backup::spool::Spools;

use crate::support::{Engine, Library, World, both};

#[both]
fn a_backup_tells_what_it_holds(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    std::fs::create_dir(world.work().join("b")).unwrap();
    let made = world.run("db backup b -o json").ok().json();
    let file = made["file"].as_str().unwrap();
    let (_, name) = file.rsplit_once("/b/").unwrap();
    let parts: Vec<&str> = name.rsplitn(3, '-').collect();
    // Which database of that name, in short.
    assert_eq!((parts[0], parts[2]), ("20250704T120000Z.skyteam", &*format!("skyteam-{}", world.name())));
    assert!(parts[1].len() == 8 && parts[1].bytes().all(|byte| byte.is_ascii_hexdigit()), "{file}");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(made["size"].as_u64().unwrap(), std::fs::metadata(file).unwrap().len());
    let rows: u64 = made["tables"].as_array().unwrap().iter().map(|table| table["rows"].as_u64().unwrap()).sum();
    assert_eq!((made["rows"].as_u64(), made["tables"].as_array().unwrap().len()), (Some(rows), 7));
    let sum = std::process::Command::new("sha256sum").arg(file).output().unwrap();
    assert!(String::from_utf8(sum.stdout).unwrap().starts_with(made["sha256"].as_str().unwrap()));
}

#[both]
fn a_database_without_our_tables_gives_no_good_backup_of_nothing(world: &mut World) {
    if world.engine() == Engine::Sqlite {
        world.run("db backup").exits(6);
        world.run("db create").ok();
    }
    let output = world.run("-o json db backup").exits(5);
    assert_eq!(output.error()["code"], "no_tables");
    assert!(
        std::fs::read_dir(world.work()).unwrap().all(|file| !file
            .unwrap()
            .file_name()
            .to_string_lossy()
            .ends_with(".skyteam"))
    );
}

#[both(ready)]
fn tables_that_no_restore_could_make_again_give_no_backup(world: &mut World) {
    let cascade = if world.engine() == Engine::Postgres { " CASCADE" } else { "" };
    world.query(&format!(r#"DROP TABLE "milesProducts"{cascade}"#));
    let output = world.run("-o json db backup -f b.skyteam").exits(5);
    assert_eq!(output.error()["code"], "no_version");
    assert!(output.error()["why"].as_str().unwrap().contains("milesProducts"), "{output}");
    assert!(output.error()["fix"].as_str().unwrap().contains("db push"), "{output}");
    assert!(!world.work().join("b.skyteam").exists());
    world.run("db backup -f b.skyteam --table users").exits(5);
}

#[both(ready)]
fn two_runs_in_one_folder_do_not_overlap(world: &mut World) {
    let lock = std::fs::File::create(world.work().join(".skyteam-backup.lock")).unwrap();
    lock.lock().unwrap();
    let output = world.run("-o json db backup").exits(11);
    assert_eq!(
        (output.error()["code"].as_str(), output.error()["retryable"].as_bool()),
        (Some("backup_running"), Some(true))
    );
    drop(lock);
    world.run("db backup").ok();
}

#[both(ready)]
fn encrypted_backups_open_with_their_key_only(world: &mut World) {
    use age::secrecy::ExposeSecret;
    let (ours, theirs) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    for (name, key) in [("ours", &ours), ("theirs", &theirs)] {
        std::fs::write(world.work().join(name), format!("{}\n", key.to_string().expose_secret())).unwrap();
    }
    world.run("user add 1 secretpilot").ok();
    world.run(["db", "backup", "-f", "x.skyteam", "--encrypt-to", &ours.to_public().to_string()]).ok();
    let bytes = std::fs::read(world.work().join("x.skyteam")).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1"));
    assert!(!bytes.windows(11).any(|window| window == b"secretpilot"));
    assert_eq!(world.run("-o json db verify x.skyteam").exits(8).error()["code"], "encrypted");
    assert_eq!(world.run("-o json db verify x.skyteam --identity theirs").exits(8).error()["code"], "wrong_identity");
    world.run("db verify x.skyteam --identity ours --deep").ok();
    let listed = world.run("db backups -o json").ok().json();
    assert_eq!((listed[0]["encrypted"].as_bool(), listed[0]["verified"].as_str()), (Some(true), Some("restored")));
    let twin = World::empty(world.engine());
    let (file, wrong) = (world.work().join("x.skyteam"), world.work().join("theirs"));
    for identity in [&["--identity", wrong.to_str().unwrap()][..], &[]] {
        let words = ["db", "restore", file.to_str().unwrap()].into_iter().chain(identity.iter().copied());
        twin.run(words.map(str::to_owned).collect::<Vec<_>>()).exits(8);
    }
    let (file, key) = (world.work().join("x.skyteam"), world.work().join("ours"));
    twin.run(["db", "restore", file.to_str().unwrap(), "--identity", key.to_str().unwrap()]).ok();
    assert_eq!(twin.query(r#"SELECT username FROM "users""#), "secretpilot");
    world.run("db backup --encrypt-to age1nonsense").exits(2);
}

#[both(ready)]
fn a_backup_is_of_one_moment_while_others_write(world: &mut World) {
    world.run("user add 1 pilot1").ok();
    world.run("miles award 1 100 --source test --note n --key start").ok();
    // What is written between the snapshot and its reading is not in it, in no table.
    let (folder, file) = (world.work(), world.work().join("during.skyteam"));
    Library(world).with(async |database, _| {
        let snapshot = Snapshot::take(database, &[]).await.unwrap();
        let write = || {
            world.run("user add 2 pilot2").ok();
            world.run("miles award 1 1 --source test --note n --key later").ok();
        };
        std::thread::scope(|scope| scope.spawn(write).join()).unwrap();
        let spools = Spools::new(&folder, false);
        let made =
            snapshot.read(database, &Wanted::default(), chrono::Utc::now(), &spools, Arc::new(|_| {})).await.unwrap();
        made.write(std::fs::File::create(&file).unwrap(), &Recipients::default()).unwrap();
    });
    let twin = World::empty(world.engine());
    // The library signs nothing, and only the command has the database remember.
    twin.run(["db", "restore", file.to_str().unwrap(), "--confirm", &twin.name()]).ok();
    assert_eq!(twin.query(r#"SELECT username, miles FROM "users""#), "pilot1|100");
    twin.run("miles audit").ok();
    // And through the program, whose writers may be anywhere.
    let mut writer = world.spawn("db backup -f through.skyteam");
    for n in 0..20 {
        world.run(format!("miles award 1 1 --source test --note n --key k{n}")).ok();
    }
    assert!(writer.wait().unwrap().success());
    let twin = World::empty(world.engine());
    twin.run(["db", "restore", world.work().join("through.skyteam").to_str().unwrap()]).ok();
    twin.run("miles audit").ok();
}

#[both(ready)]
fn cron_needs_no_home_and_no_terminal(world: &mut World) {
    // What cron leaves of an environment: two folders of programs, and the URL that its line sets.
    for name in ["HOME", "USER", "LANG", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        world.unset(name);
    }
    world.set("PATH", "/usr/bin:/bin");
    std::fs::create_dir(world.work().join("b")).unwrap();
    let output = world.run_program("db backup b --keep-daily 7 --keep-weekly 5", "").ok();
    assert_eq!(output.stdout.lines().count(), 1, "{output}");
    // The newest in the folder is proved.
    let proved = world.run_program("db verify b --deep -o json", "").ok().json();
    assert_eq!((proved["sound"].as_bool(), proved["deep"].as_bool()), (Some(true), Some(true)));
    std::fs::create_dir(world.work().join("empty")).unwrap();
    world.run("db verify empty").exits(4);
}

#[test]
fn a_role_that_may_not_read_is_told_what_reading_needs() {
    let world = World::ready(Engine::Postgres);
    world.query(&format!(r#"REVOKE ALL ON SCHEMA skyteam FROM "{}""#, world.role()));
    let output = world.run("-o json db backup").exits(8);
    let fix = output.error()["fix"].to_string();
    assert!(fix.contains("GRANT USAGE ON SCHEMA") && !fix.contains("CREATE"), "{output}");
}

#[test]
fn a_file_in_another_encoding_is_told() {
    let world = World::sqlite();
    world.run("db create").ok();
    world.query("PRAGMA encoding = 'UTF-16le'; CREATE TABLE theirs (a TEXT)");
    world.run("db push").ok();
    let output = world.run("-o json db backup").exits(5);
    assert_eq!(output.error()["code"], "encoding");
}

#[both(ready)]
fn only_a_file_is_replaced(world: &mut World) {
    let work = world.work();
    // A link stays one, and what it leads to is replaced.
    std::fs::create_dir(work.join("real")).unwrap();
    for (link, there) in [("to-file", true), ("to-nothing", false)] {
        if there {
            std::fs::write(work.join("real").join(link), "old").unwrap();
        }
        std::os::unix::fs::symlink(format!("real/{link}"), work.join(link)).unwrap();
        world.run(["db", "backup", "-f", link]).ok();
        assert!(work.join(link).symlink_metadata().unwrap().is_symlink());
        world.run(["db", "verify", &format!("real/{link}")]).ok();
        assert!(!work.join(".skyteam-backup.lock").exists());
    }
    // A pipe takes the bytes, and is still one.
    let pipe = work.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::read(pipe).unwrap())
    };
    world.run("db backup -f pipe").ok();
    let bytes = reader.join().unwrap();
    std::fs::write(work.join("piped.skyteam"), bytes).unwrap();
    world.run("db verify piped.skyteam").ok();
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&pipe.symlink_metadata().unwrap().file_type()));
    world.run("db backup -f real").exits(2);
}

#[both(ready)]
fn no_link_of_another_user_is_followed(world: &mut World) {
    let work = world.work();
    let theirs = work.join("theirs.skyteam");
    std::fs::create_dir(work.join("real")).unwrap();
    std::fs::write(work.join("real/kept"), "kept").unwrap();
    std::os::unix::fs::symlink("real/kept", &theirs).unwrap();
    std::os::unix::fs::symlink("real", work.join("folder")).unwrap();
    // One's own link leads to theirs.
    std::os::unix::fs::symlink("theirs.skyteam", work.join("ours.skyteam")).unwrap();
    for link in [&theirs, &work.join("folder")] {
        // Only root can give a link away; another user tries the rest.
        if std::os::unix::fs::lchown(link, Some(65534), None).is_err() {
            return;
        }
    }
    let formats: &[&str] = match world.engine() {
        Engine::Postgres => &["archive", "plain"],
        Engine::Sqlite => &["archive"],
    };
    for format in formats {
        for path in ["theirs.skyteam", "ours.skyteam", "folder/new", "folder/kept"] {
            let refused = world.run(["db", "backup", "--format", format, "-f", path]);
            assert!(refused.code != 0 && refused.stderr.contains("another user"), "{format} {path}: {refused}");
        }
    }
    assert_eq!(std::fs::read_to_string(work.join("real/kept")).unwrap(), "kept");
    assert_eq!(std::fs::read_dir(work.join("real")).unwrap().count(), 1);
}

#[both(ready)]
fn standard_output_takes_the_backup_and_nothing_else(world: &mut World) {
    // A terminal wants none.
    let refused = world.call("db backup -f -").terminal(100).run().exits(2);
    assert!(refused.stdout.is_empty(), "{refused}");
    world.run("db backup -f - --keep-last 1").exits(2);
    let mut backup = world.program("db backup -f - -o json");
    let output = backup.output().unwrap();
    assert!(output.stdout.starts_with(b"manifest.json"));
    let told: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((told["file"].as_str(), told["size"].as_u64()), (Some("-"), Some(output.stdout.len() as u64)));
}

#[test]
fn a_role_that_sees_only_some_rows_makes_no_backup_of_some_rows() {
    let world = World::ready(Engine::Postgres);
    world.query(r#"ALTER TABLE "users" ENABLE ROW LEVEL SECURITY; ALTER TABLE "users" FORCE ROW LEVEL SECURITY"#);
    let output = world.run("db backup -f b.skyteam");
    assert_ne!(output.code, 0, "{output}");
    assert!(!world.work().join("b.skyteam").exists());
}
