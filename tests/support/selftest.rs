//! The tests' own ground: what the other tests take for granted about `support` is shown here once.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::postgres::answers;
use super::watch::Watch;
use super::{Args, Engine, Scratch, Server, Stop, World, both, eventually};

#[both]
fn a_world_has_a_database_of_its_own(world: &mut World) {
    if world.engine() == Engine::Sqlite {
        std::fs::write(world.work().join("skyteam.db"), "").unwrap();
    }
    world.query("CREATE TABLE t (a text, b int)");
    world.query("INSERT INTO t VALUES ('x', 1), (NULL, 2)");
    assert_eq!(world.query("SELECT a, b FROM t ORDER BY b"), "x|1\n|2");
    assert_eq!(world.rows("SELECT a FROM t WHERE b = 2"), [[None]]);
}

#[both(ready)]
fn a_ready_world_has_all_tables_and_its_role_may_change_them(world: &mut World) {
    assert_eq!(world.run("user list --json").json(), serde_json::json!([]));
    world.query("ALTER TABLE users ADD COLUMN extra text");
    assert!(world.run("db migrate").ok().stdout.starts_with("Nothing to do"));
}

#[test]
fn the_role_of_a_world_has_no_special_rights() {
    let world = World::postgres();
    let rights = world.query(
        "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = current_user",
    );
    assert_eq!(rights, "f");
    assert_eq!(world.query("SELECT current_user"), world.role());
    assert_eq!(world.query("SELECT current_database()"), world.name());
}

#[test]
fn words_are_split_as_a_shell_does() {
    assert_eq!("user add  1 'a b' \"c'd\" ''".words(), ["user", "add", "1", "a b", "c'd", ""]);
    assert_eq!(["one word"].words(), ["one word"]);
}

#[test]
fn a_server_of_its_own_crashes_and_comes_back() {
    let server = Server::durable(&["max_connections=20"]);
    assert_eq!(server.admin("SHOW max_connections"), "20");
    let world = World::on(&server);
    world.query("CREATE TABLE kept AS SELECT 1 AS n");
    let options = server.connection("postgres", "postgres");
    assert!(answers(&options));
    server.stop(Stop::Immediate);
    assert!(!answers(&options));
    server.restart();
    assert_eq!(world.query("SELECT n FROM kept"), "1");
    let folder = server.scratch().path().to_owned();
    drop(world);
    drop(server);
    assert!(!folder.exists());
}

#[test]
fn a_test_that_hangs_is_ended_by_name() {
    // Started as a process of its own by this very test.
    if std::env::var_os("SKYTEAM_TEST_HANGS").is_some() {
        let watch = Watch::within(Duration::from_millis(100));
        std::thread::sleep(Duration::from_secs(60));
        watch.beat();
        unreachable!("nobody ended the test");
    }
    let name = "support::selftest::a_test_that_hangs_is_ended_by_name";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("SKYTEAM_TEST_HANGS", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(101) && said.contains(&format!("hung: {name} has done nothing")), "{said}");
}

#[test]
fn a_killed_process_leaves_no_server_behind() {
    // Started as a process of its own by this very test, which then waits to be killed.
    if std::env::var_os("SKYTEAM_TEST_VICTIM").is_some() {
        let server = Server::start(&["fsync=off"]);
        std::fs::write(std::env::var("SKYTEAM_TEST_VICTIM").unwrap(), server.scratch().path().to_str().unwrap())
            .unwrap();
        std::thread::sleep(Duration::from_secs(60));
        unreachable!("nobody killed the victim");
    }
    let note = Scratch::new("note");
    let file = note.path().join("folder");
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "support::selftest::a_killed_process_leaves_no_server_behind"])
        .env("SKYTEAM_TEST_VICTIM", &file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the victim has its server", || std::fs::read_to_string(&file).is_ok_and(|text| !text.is_empty()));
    let folder = std::fs::read_to_string(&file).unwrap();
    let pid = std::fs::read_to_string(Path::new(&folder).join("data/postmaster.pid")).unwrap();
    let process = Path::new("/proc").join(pid.lines().next().unwrap());
    assert!(process.exists());
    victim.kill().unwrap();
    victim.wait().unwrap();
    eventually("the server is gone", || !process.exists());
    eventually("its folder is gone", || !Path::new(&folder).exists());
}
