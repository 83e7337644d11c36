//! A folder that others write into: a forged backup takes the place of no genuine one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::archive::unpack;
use crate::support::s3::S3;
use crate::support::{Engine, Output, World, both};

const KEY: &str = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";

fn backup(world: &World, day: &str, flags: &str) -> PathBuf {
    let _ = fs::create_dir(world.work().join("b"));
    let made = world.call(format!("db backup b -o json {flags}")).at(&format!("{day}T02:00:00Z")).run().ok().json();
    made["file"].as_str().unwrap().into()
}

/// Copies of an archive that say to be newer ones, whole and with checksums that are right.
fn forge(world: &World, genuine: &Path, days: &[&str]) -> Vec<PathBuf> {
    let forge = |day: &&str| {
        let mut unpacked = unpack(genuine);
        unpacked.manifest["createdAt"] = format!("{day}T03:00:00Z").into();
        unpacked.manifest.as_object_mut().unwrap().remove("signature");
        let path = world.work().join(format!("b/newer-{day}.skyteam"));
        fs::write(&path, unpacked.pack()).unwrap();
        path
    };
    days.iter().map(forge).collect()
}

fn later(world: &World, line: &str) -> Output {
    world.call(line).at("2026-12-01T00:00:00Z").run()
}

/// What a list says of a file.
fn line_of<'a>(listed: &'a Value, file: &Path) -> &'a Value {
    let mut lines = listed.as_array().unwrap().iter();
    lines.find(|line| Path::new(line["file"].as_str().unwrap()).file_name() == file.file_name()).unwrap()
}

fn genuine_ones_stay(world: &World) {
    let genuine = [backup(world, "2026-11-01", ""), backup(world, "2026-11-02", "")];
    let forged = forge(world, &genuine[1], &["2026-11-03", "2026-11-04", "2026-11-05"]);
    let pruned = later(world, "db prune b --keep-last 2 --yes -o json").ok();
    assert!(pruned.stderr.contains("3 backups by somebody unknown"), "{pruned}");
    assert!(genuine.iter().chain(&forged).all(|file| file.exists()), "{pruned}");
    let listed = pruned.json();
    assert_eq!(line_of(&listed, &forged[2])["reasons"], serde_json::json!(["by somebody unknown"]));
    assert_eq!(line_of(&listed, &genuine[0])["reasons"], serde_json::json!(["last"]));
    // Nor after a backup.
    let third = backup(world, "2026-11-06", "--keep-last 2");
    assert!(third.exists() && genuine[1].exists() && !genuine[0].exists());
}

#[both(ready)]
fn a_key_tells_whose_places_are_taken(world: &mut World) {
    genuine_ones_stay(world);
}

#[both(ready)]
fn what_the_database_remembers_tells_whose_places_are_taken(world: &mut World) {
    for name in ["SKYTEAM_SIGNERS", "SKYTEAM_SIGN_KEY"] {
        world.unset(name);
    }
    genuine_ones_stay(world);
}

#[both(ready)]
fn in_a_bucket_no_place_is_taken_either(world: &mut World) {
    let s3 = S3::start();
    s3.give_to(world);
    let made = world.call("db backup s3://shop/b -q -o json").at("2026-11-01T02:00:00Z").run().ok().json();
    let local = backup(world, "2026-11-02", "");
    let forged = fs::read(&forge(world, &local, &["2026-11-03"])[0]).unwrap();
    assert_eq!(s3.request("PUT", "/shop/b/newer.skyteam", &forged).0, 200);
    let pruned = later(world, "db prune s3://shop/b --keep-last 1 --yes -o json").ok();
    assert!(pruned.stderr.contains("1 backup by somebody unknown"), "{pruned}");
    let listed = pruned.json();
    assert_eq!(line_of(&listed, Path::new("newer.skyteam"))["reasons"], serde_json::json!(["by somebody unknown"]));
    assert_eq!(line_of(&listed, Path::new(made["file"].as_str().unwrap()))["reasons"], serde_json::json!(["last"]));
    assert_eq!(s3.keys().len(), 2);
}

/// Where nothing can tell, all count.
#[test]
fn without_any_maker_known_all_count() {
    let mut world = World::ready(Engine::Sqlite);
    for name in ["SKYTEAM_SIGNERS", "SKYTEAM_SIGN_KEY"] {
        world.unset(name);
    }
    let first = backup(&world, "2026-11-01", "");
    let second = backup(&world, "2026-11-02", "");
    world.query("DROP TABLE _skyteam_backups");
    later(&world, "db prune b --keep-last 1 --yes").ok();
    assert!(second.exists() && !first.exists());
}

/// Its signature is inside; where the database may not remember it either, there is one outside.
#[test]
fn an_encrypted_backup_of_a_role_that_only_reads_is_known() {
    let mut world = World::ready(Engine::Postgres);
    let role = format!("reader_{}", world.name());
    world.server().admin(&format!("CREATE ROLE {role} LOGIN"));
    world.run(format!("db grant {role} --for backup --yes")).ok();
    // The table of the record is made by the owner.
    world.run("db backup -f owner.skyteam").ok();
    let (owner, url) = (world.url(), format!("postgres://{role}@127.0.0.1:{}/{}", world.server().port(), world.name()));
    world.set("DATABASE_URL", url);
    let first = backup(&world, "2026-11-01", &format!("--encrypt-to {KEY}"));
    let listed = later(&world, "db backups b -o json").ok().json();
    assert_eq!(listed[0]["maker"], "signed by tests", "{listed}");
    let second = backup(&world, "2026-11-02", &format!("--encrypt-to {KEY}"));
    // Another file under its note.
    fs::copy(&first, &second).unwrap();
    let listed = later(&world, "db backups b -o json").ok().json();
    assert_eq!(line_of(&listed, &second)["maker"], "by somebody unknown", "{listed}");
    // In a bucket the note is an object.
    let s3 = S3::start();
    s3.give_to(&mut world);
    world.run(format!("db backup s3://shop/b --encrypt-to {KEY}")).ok();
    let listed = world.run("db backups s3://shop/b -o json").ok().json();
    assert_eq!(listed[0]["maker"], "signed by tests", "{listed}");
    // Without a key nothing tells, and that is said.
    world.unset("SKYTEAM_SIGN_KEY");
    let made = world.run("db backup -f c.skyteam").ok();
    assert!(made.stderr.contains("nothing will tell who made this backup"), "{made}");
    let found: Value = serde_json::from_str(&world.run("db doctor -o json").stdout).unwrap();
    let check = found.as_array().unwrap().iter().find(|check| check["area"] == "rights" && check["name"] == "backups");
    assert!(check.unwrap()["fix"].as_str().unwrap().contains("config keygen"), "{found}");
    world.set("DATABASE_URL", owner);
    let granted = world.run(format!("db grant {role} --for backup --yes")).ok();
    assert!(granted.stderr.contains("skyteam config keygen /etc/skyteam/backup-key.pem"), "{granted}");
    world.server().as_superuser(&world.name()).rows(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
