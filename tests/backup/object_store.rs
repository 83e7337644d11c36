//! Backups in an object store: the same words and exit codes as in a folder, and nothing under a good name that is not
//! whole.

use super::{everything, hard_rows};
use crate::support::s3::{Between, Fault, S3, use_port};
use crate::support::{Engine, World, both, eventually, signal};

const PLACE: &str = "s3://shop/nightly";

/// The URL of the only backup in the bucket.
fn only(s3: &S3) -> String {
    let keys = s3.keys();
    let backups: Vec<&String> = keys.iter().filter(|key| !key.ends_with(".json")).collect();
    assert_eq!(backups.len(), 1, "{keys:?}");
    format!("s3://shop/{}", backups[0])
}

/// Rows that make an archive of several parts.
fn large_rows(world: &World) {
    let text = match world.engine() {
        Engine::Postgres => "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 1300000) AS n)",
        Engine::Sqlite => "hex(randomblob(20000000))",
    };
    world.query(&format!(
        r#"INSERT INTO "users" ("userId", username, "displayName", "avatarUrl") VALUES ('77', 'large', 'Large', {text})"#
    ));
}

#[both(ready)]
fn a_backup_goes_to_a_bucket_and_comes_back(world: &mut World) {
    let s3 = S3::start();
    s3.give_to(world);
    hard_rows(world);
    let made = world.run(["-o", "json", "db", "backup", PLACE]).ok();
    assert!(made.stderr.contains("in the clear"), "{made}");
    let made = made.json();
    let url = made["file"].as_str().unwrap().to_owned();
    assert_eq!(url, only(&s3));
    // The database remembers it, by its beginning and end too.
    let listed = world.run(["-o", "json", "db", "backups", PLACE]).ok().json();
    assert_eq!(listed[0]["file"], url.as_str());
    assert_eq!(listed[0]["maker"], "made by this database");
    assert_eq!(listed[0]["rows"], made["rows"]);
    assert_eq!(listed[0]["verified"], serde_json::Value::Null);
    // Of a prefix the newest one, and the proof is noted beside it.
    // (The rows are such as an audit finds.)
    let proved = world.run(["-o", "json", "db", "verify", PLACE, "--deep"]).exits(3);
    let proved: serde_json::Value = serde_json::from_str(&proved.stdout).unwrap();
    assert_eq!((&proved["file"], &proved["deep"]), (&url.as_str().into(), &true.into()));
    assert_eq!(proved["sound"], true, "{proved}");
    assert_eq!(proved["sha256"], made["sha256"]);
    let listed = world.run(["-o", "json", "db", "backups", PLACE]).ok().json();
    assert_eq!(listed[0]["verified"], "restored");
    assert!(s3.keys().contains(&format!("{}.json", url.trim_start_matches("s3://shop/"))));
    let doctor = world.run(["-o", "json", "db", "doctor", PLACE]);
    assert!(doctor.stdout.contains("the newest backup that was proved is of"), "{doctor}");
    // Elsewhere, with nothing but the URL.
    let mut twin = World::empty(world.engine());
    s3.give_to(&mut twin);
    twin.run(["db", "restore", &url]).ok();
    assert_eq!(everything(&twin), everything(world));
    let error = twin.run(["-o", "json", "db", "restore", PLACE]).exits(2).error();
    assert_eq!(error["what"].as_str().unwrap_or(error["message"].as_str().unwrap()), "s3://shop/nightly is a folder");
    twin.run("db restore s3://shop/nightly/none.skyteam").exits(4);
}

#[both(ready)]
fn many_parts_arrive_over_a_line_that_is_cut(world: &mut World) {
    let s3 = S3::start();
    large_rows(world);
    let line = Between::start(s3.port, Fault::Cut(3, 3 << 20));
    use_port(world, line.port);
    let made = world.run(["-o", "json", "db", "backup", PLACE, "-q"]).ok().json();
    assert!(made["size"].as_u64().unwrap() > 16 << 20, "{made}");
    assert_eq!(line.count(), 3);
    assert_eq!(s3.uploads(), 0);
    let url = only(&s3);
    let verified = world.run(["-o", "json", "db", "verify", &url]).ok().json();
    assert_eq!(verified["sha256"], made["sha256"]);
}

#[both(ready)]
fn an_interrupt_leaves_neither_a_backup_nor_parts(world: &mut World) {
    let s3 = S3::start();
    large_rows(world);
    let line = Between::start(s3.port, Fault::Stall(1, 3 << 20));
    use_port(world, line.port);
    let mut child = world.spawn(["db", "backup", PLACE]);
    eventually("an upload is under way", || line.count() == 1 && s3.uploads() == 1);
    signal("INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!((s3.keys(), s3.uploads()), (Vec::new(), 0));
}

#[both(ready)]
fn what_a_kill_leaves_is_removed_by_prune(world: &mut World) {
    let s3 = S3::start();
    large_rows(world);
    let line = Between::start(s3.port, Fault::Stall(1, 3 << 20));
    use_port(world, line.port);
    let mut child = world.spawn(["db", "backup", PLACE]);
    eventually("an upload is under way", || line.count() == 1 && s3.uploads() == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((s3.keys(), s3.uploads()), (Vec::new(), 1));
    s3.give_to(world);
    let said = world.run(["db", "prune", PLACE, "--keep-last", "1", "--dry-run"]).ok().stderr;
    assert!(said.contains("1 unfinished upload of killed runs would be removed"), "{said}");
    assert_eq!(s3.uploads(), 1);
    world.run(["db", "prune", PLACE, "--keep-last", "1"]).ok();
    assert_eq!(s3.uploads(), 0);
}

#[both(ready)]
fn retention_removes_what_it_may(world: &mut World) {
    let s3 = S3::start();
    s3.give_to(world);
    // Not skyteam's, and not touched.
    assert_eq!(s3.request("PUT", "/shop/nightly/other.txt", b"x").0, 200);
    assert_eq!(s3.request("PUT", "/shop/nightly/deeper/skyteam-a-20200101T000000Z.skyteam", b"x").0, 200);
    let [morning, noon, evening] = [7, 12, 18].map(|hour| format!("2025-07-01T{hour:02}:00:00Z"));
    let first = world.call(["-o", "json", "db", "backup", PLACE, "-q"]).at(&morning).run().ok().json();
    let kept = Between::start(s3.port, Fault::KeepAll);
    use_port(world, kept.port);
    let keep = ["-o", "json", "db", "backup", PLACE, "--keep-last", "1"];
    let second = world.call(keep).at(&noon).run().exits(3);
    assert!(second.stderr.contains("it stays, though no rule keeps it"), "{second}");
    let second: serde_json::Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!(second["removed"], serde_json::json!([]));
    let pruned = world.run(["-o", "json", "db", "prune", PLACE, "--keep-last", "1", "--yes"]).exits(3);
    assert!(pruned.stdout.contains("may not be removed"), "{pruned}");
    assert_eq!(s3.keys().len(), 4);
    s3.give_to(world);
    let third = world.call(keep).at(&evening).run().ok().json();
    let mut removed: Vec<&str> = third["removed"].as_array().unwrap().iter().map(|url| url.as_str().unwrap()).collect();
    removed.sort_unstable();
    let mut gone = [first["file"].as_str().unwrap(), second["file"].as_str().unwrap()];
    gone.sort_unstable();
    assert_eq!(removed, gone);
    let third = third["file"].as_str().unwrap().trim_start_matches("s3://shop/").to_owned();
    let mut keys = s3.keys();
    keys.sort();
    assert_eq!(keys, ["nightly/deeper/skyteam-a-20200101T000000Z.skyteam", "nightly/other.txt", &third]);
}

#[both(ready)]
fn two_places_have_the_same_backup(world: &mut World) {
    let s3 = S3::start();
    s3.give_to(world);
    std::fs::create_dir(world.work().join("here")).unwrap();
    let made = world.run(["-o", "json", "db", "backup", "here", "--also", PLACE, "-q"]).ok().json();
    let url = made["also"][0].as_str().unwrap();
    assert_eq!(url, only(&s3));
    for place in [url, made["file"].as_str().unwrap()] {
        let verified = world.run(["-o", "json", "db", "verify", place]).ok().json();
        assert_eq!(verified["sha256"], made["sha256"], "{place}");
    }
}

#[test]
fn a_dump_goes_to_a_bucket_with_its_note() {
    let mut world = World::ready(Engine::Postgres);
    let s3 = S3::start();
    s3.give_to(&mut world);
    world.run("db seed --users 5 --flights 3").ok();
    let made = world.run(["-o", "json", "db", "backup", PLACE, "--format", "custom", "-q"]).ok().json();
    let listed = world.run(["-o", "json", "db", "backups", PLACE]).ok().json();
    assert_eq!((&listed[0]["file"], &listed[0]["format"]), (&made["file"], &"custom".into()));
    assert_eq!(listed[0]["maker"], world.run(["-o", "json", "db", "verify", PLACE]).ok().json()["maker"]);
    let mut twin = World::postgres();
    s3.give_to(&mut twin);
    twin.run(["db", "restore", made["file"].as_str().unwrap(), "--confirm", &twin.name()]).ok();
    assert_eq!(everything(&twin), everything(&world));
}

#[test]
fn refusals_say_why_and_no_secret() {
    let mut world = World::ready(Engine::Sqlite);
    let open = S3::start();
    open.give_to(&mut world);
    let error = world.run(["-o", "json", "db", "backup", "s3://none/x"]).exits(4).error();
    assert_eq!(error["code"], "no_bucket", "{error}");
    let strict = S3::start_with(&[("INITIAL_NO_AUTH_ACTION_COUNT", "0")]);
    strict.give_to(&mut world);
    for verb in ["backup", "backups", "verify"] {
        let refused = world.run(["-o", "json", "-vv", "db", verb, PLACE]).exits(8);
        assert!(refused.stderr.contains("InvalidAccessKeyId"), "{refused}");
        assert!(!refused.to_string().contains("s3cret"), "{refused}");
    }
    assert_eq!(world.run("db backup s3://key:s3cret@shop/x").exits(2).to_string().matches("s3cret").count(), 0);
    world.unset("AWS_ACCESS_KEY_ID");
    world.set("AWS_EC2_METADATA_DISABLED", "true");
    let error = world.run(["-o", "json", "db", "backup", PLACE]).exits(8).error();
    assert!(error["why"].as_str().unwrap().contains("there are no credentials"), "{error}");
    // From a profile.
    let file = world.work().join("credentials");
    std::fs::write(&file, "[shop]\naws_access_key_id = test\naws_secret_access_key = s3cret\n").unwrap();
    world.set("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
    world.set("AWS_PROFILE", "shop");
    world.set("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", open.port));
    world.run(["db", "backup", PLACE]).ok();
    only(&open);
}

#[test]
fn a_place_that_does_not_answer_is_worth_another_try() {
    let mut world = World::ready(Engine::Sqlite);
    use_port(&mut world, 1);
    let error = world.run(["-o", "json", "db", "backups", PLACE]).exits(7).error();
    assert_eq!((&error["code"], &error["retryable"]), (&"store_unreachable".into(), &true.into()), "{error}");
}

#[test]
fn a_service_elsewhere_without_encryption_is_warned_of_once() {
    let mut world = World::ready(Engine::Sqlite);
    let s3 = S3::start();
    s3.give_to(&mut world);
    let count = |world: &World| {
        let made = world.run(["db", "backup", PLACE]).ok();
        let told = world.run(["db", "verify", PLACE]).ok();
        assert!(!told.stderr.contains("s3cret") && !made.stderr.contains("s3cret"), "{told}");
        [made, told].map(|output| output.stderr.matches("nothing is encrypted on the way to http://0.0.0.0:").count())
    };
    assert_eq!(count(&world), [0, 0]);
    // Not by name the machine itself, and yet it.
    world.set("AWS_ENDPOINT_URL", format!("http://0.0.0.0:{}", s3.port));
    assert_eq!(count(&world), [1, 1]);
}
