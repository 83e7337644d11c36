//! Files that libpq's environment names: whose they are, and who may read or write them.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Engine, PASSWORD, World};

const STRANGER: u32 = 65534;

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

fn write(world: &World, name: &str, text: &str, bits: u32) -> PathBuf {
    let path = world.home().join(name);
    std::fs::write(&path, text).unwrap();
    mode(&path, bits);
    path
}

fn is_root() -> bool {
    // Only root may give files away.
    std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

#[track_caller]
fn refused(world: &World, words: &[&str]) {
    let output = world.run("user list").exits(6);
    assert!(words.iter().all(|words| output.stderr.contains(words)), "{words:?}: {output}");
}

/// A world whose database is named by a service, in a file of the user's own.
fn by_service() -> (World, PathBuf) {
    let mut world = World::ready(Engine::Postgres);
    let (port, role, name) = (world.server().port(), world.role().to_owned(), world.name());
    let text = format!("[sky]\nhost=127.0.0.1\nport={port}\ndbname={name}\nuser={role}\n");
    let file = write(&world, ".pg_service.conf", &text, 0o644);
    world.set("DATABASE_URL", "postgres://?service=sky");
    (world, file)
}

#[test]
fn a_service_file_that_others_may_write_is_not_read() {
    let (mut world, file) = by_service();
    world.run("user list").ok();
    mode(&file, 0o666);
    refused(&world, &["the service file ", "is not read", "can be written by everybody", "skyteam config trust "]);
    // One that the environment names, and the machine's, in a folder that others may write.
    let folder = world.home().join("shared");
    std::fs::create_dir(&folder).unwrap();
    let shared = folder.join("pg_service.conf");
    std::fs::rename(&file, &shared).unwrap();
    mode(&shared, 0o644);
    mode(&folder, 0o777);
    for (variable, value) in [("PGSERVICEFILE", &shared), ("PGSYSCONFDIR", &folder)] {
        world.set(variable, value.to_str().unwrap());
        refused(&world, &["is in a folder that can be written by everybody"]);
        world.unset(variable);
    }
    world.set("PGSYSCONFDIR", folder.to_str().unwrap());
    world.run(["config", "trust", shared.to_str().unwrap()]).ok();
    world.run("user list").ok();
}

#[test]
fn a_strangers_files_are_not_read() {
    if !is_root() {
        return;
    }
    let (mut world, file) = by_service();
    chown(&file, Some(STRANGER), None).unwrap();
    refused(&world, &["the service file ", "belongs to "]);
    // Behind sudo it is the caller's.
    world.set("SUDO_UID", STRANGER.to_string());
    world.run("user list").ok();
    world.unset("SUDO_UID");
    chown(&file, Some(0), None).unwrap();
    let password = write(&world, ".pgpass", &format!("*:*:*:*:{PASSWORD}\n"), 0o600);
    world.run("user list").ok();
    chown(&password, Some(STRANGER), None).unwrap();
    refused(&world, &["the password file ", "belongs to "]);
    chown(&password, Some(0), None).unwrap();
    let key = write(&world, "key", "none", 0o600);
    chown(&key, Some(STRANGER), None).unwrap();
    let certificate = write(&world, "crt", "none", 0o644);
    world.set("PGSSLKEY", key.to_str().unwrap());
    world.set("PGSSLCERT", certificate.to_str().unwrap());
    refused(&world, &["the client key ", "belongs to "]);
}

/// As libpq: root's may be read by a group, other keys by their owners alone.
#[test]
fn a_client_key_that_others_can_read_is_not_used() {
    let mut world = World::bare();
    let request =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -keyout key -out crt -subj /CN=x";
    let made = Command::new("openssl").args(request.split(' ')).current_dir(world.home()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (key, certificate) = (world.home().join("key"), world.home().join("crt"));
    world.set("DATABASE_URL", "postgres://ops@127.0.0.1:1/sky?sslmode=require");
    world.set("PGSSLKEY", key.to_str().unwrap());
    world.set("PGSSLCERT", certificate.to_str().unwrap());
    let (bad, good) = if is_root() { (0o660, 0o640) } else { (0o640, 0o600) };
    for bits in [0o644, 0o604, bad] {
        mode(&key, bits);
        refused(&world, &["the client key ", "can be read or written by others", "chmod 600 "]);
    }
    mode(&key, good);
    world.run("user list").exits(7);
}

/// Who writes a file of authorities decides which server is believed; a list of revoked certificates, which one no more.
#[test]
fn certificates_that_others_may_write_are_not_used() {
    let mut world = World::bare();
    let certificate = write(&world, "crt", "none", 0o644);
    let folder = world.home().join("lists");
    std::fs::create_dir(&folder).unwrap();
    let list = folder.join("crl.pem");
    std::fs::write(&list, "none").unwrap();
    let url = "postgres://ops@127.0.0.1:1/sky?sslmode=verify-full";
    let cases = [
        ("sslcert", "PGSSLCERT", &certificate, &certificate, "the client certificate "),
        ("sslrootcert", "PGSSLROOTCERT", &certificate, &certificate, "the root certificate "),
        ("sslcrl", "PGSSLCRL", &certificate, &certificate, "the list of revoked certificates "),
        ("sslcrldir", "PGSSLCRLDIR", &folder, &list, "the list of revoked certificates "),
        ("sslcrldir", "PGSSLCRLDIR", &folder, &folder, "the folder of lists of revoked certificates "),
    ];
    for (parameter, variable, named, file, what) in cases {
        let before = std::fs::metadata(file).unwrap().permissions();
        mode(file, before.mode() | 0o002);
        // In the URL, the environment and a service.
        world.set("DATABASE_URL", format!("{url}&{parameter}={}", named.display()));
        refused(&world, &[what, "is not read", "can be written by everybody", "skyteam config trust "]);
        world.set("DATABASE_URL", url);
        world.set(variable, named.to_str().unwrap());
        refused(&world, &[what, "can be written by everybody"]);
        world.unset(variable);
        let service = format!("[sky]\nhost=127.0.0.1\nport=1\nsslmode=verify-full\n{parameter}={}\n", named.display());
        write(&world, ".pg_service.conf", &service, 0o600);
        world.set("DATABASE_URL", "postgres://?service=sky");
        refused(&world, &[what, "can be written by everybody"]);
        std::fs::set_permissions(file, before).unwrap();
        // Its own folder decides too, and what was looked through is allowed.
        if named == file && file.is_file() {
            let shared = world.home().join("shared");
            std::fs::create_dir_all(&shared).unwrap();
            mode(&shared, 0o777);
            let inside = shared.join(parameter);
            std::fs::copy(file, &inside).unwrap();
            world.set("DATABASE_URL", format!("{url}&{parameter}={}", inside.display()));
            refused(&world, &[what, "is in a folder that can be written by everybody"]);
            world.run(["config", "trust", inside.to_str().unwrap()]).ok();
            let output = world.run("user list");
            assert!(!output.stderr.contains("is not read"), "{output}");
        }
    }
    if is_root() {
        chown(&certificate, Some(STRANGER), None).unwrap();
        for parameter in ["sslcert", "sslrootcert", "sslcrl"] {
            world.set("DATABASE_URL", format!("{url}&{parameter}={}", certificate.display()));
            refused(&world, &["belongs to "]);
        }
    }
}
