//! Backups by strangers: what can be done with write access to the folder and public knowledge.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::role;
use crate::support::archive::unpack;
use crate::support::{Engine, PASSWORD, Server, World, binary, both};

/// What `change` makes of an archive, whole and with checksums that are right; encrypted where there is a public key.
fn forged(
    world: &World,
    archive: &str,
    to: Option<&age::x25519::Recipient>,
    change: impl FnOnce(&mut Value),
) -> PathBuf {
    let mut unpacked = unpack(&world.work().join(archive));
    change(&mut unpacked.manifest);
    let bytes = match to {
        Some(key) => age::encrypt(key, &unpacked.pack()).unwrap(),
        None => unpacked.pack(),
    };
    let path = world.work().join(format!("forged-{archive}"));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn unsign(manifest: &mut Value) {
    manifest.as_object_mut().unwrap().remove("signature").unwrap();
}

fn problems(world: &World, words: &[&str]) -> String {
    let output = world.run(words).exits(3);
    let answer: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(answer["maker"], "by somebody unknown", "{answer}");
    format!("{}{}", answer["problems"], answer["doubts"])
}

#[both]
fn an_archive_made_with_the_public_key_alone_is_by_somebody_unknown(world: &mut World) {
    use age::secrecy::ExposeSecret;
    world.run("db seed --users 20 --flights 10").ok();
    let key = age::x25519::Identity::generate();
    let public = key.to_public().to_string();
    std::fs::write(world.work().join("key"), format!("{}\n", key.to_string().expose_secret())).unwrap();
    world.run(["db", "backup", "-f", "sound.skyteam", "--encrypt-to", &public]).ok();
    world.run("db backup -f open.skyteam").ok();
    let file = forged(world, "open.skyteam", Some(&key.to_public()), unsign);
    let file = file.to_str().unwrap();

    world.run("db verify sound.skyteam --identity key --deep").ok();
    let found = problems(world, &["-o", "json", "db", "verify", file, "--identity", "key", "--deep"]);
    assert!(found.contains("no configured key has signed it"), "{found}");
    let twin = World::empty(world.engine());
    let key = world.work().join("key");
    let restore = ["-o", "json", "db", "restore", file, "--identity", key.to_str().unwrap()];
    let refused = twin.run(restore).exits(9).error();
    assert!(refused["why"].as_str().unwrap().contains("by somebody unknown"), "{refused}");
    let name = twin.name();
    let restored = twin.run(&*[&restore[..], &["--confirm", &name]].concat()).ok().json();
    assert_eq!(restored["maker"], "by somebody unknown");
    world.run(["-o", "json", "miles", "audit", "--against", file, "--identity", "key"]).exits(5);
}

#[both]
fn a_signature_is_of_every_byte(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    world.run("db backup -f one.skyteam").ok();
    let changes: [fn(&mut Value); 4] = [
        |manifest| manifest["missing"] = serde_json::json!(["users_pkey"]),
        |manifest| manifest["database"] = "another".into(),
        |manifest| manifest["tables"][0]["digest"]["sum"] = "1".into(),
        // Twice the same digits: which of them were signed?
        |manifest| manifest["leftOut"] = serde_json::json!([manifest["signature"]["value"]]),
    ];
    for change in changes {
        let file = forged(world, "one.skyteam", None, change);
        let found = problems(world, &["-o", "json", "db", "verify", file.to_str().unwrap()]);
        assert!(found.contains("claims to be signed by tests"), "{found}");
        let twin = World::empty(world.engine());
        let name = twin.name();
        twin.run(["db", "restore", file.to_str().unwrap(), "--confirm", &name]).exits(5);
        let listed = world.run("-o json db backups").ok().json();
        let listed = listed.as_array().unwrap().iter().find(|each| each["file"].as_str().unwrap().contains("forged"));
        assert!(listed.unwrap()["verified"].as_str().unwrap().contains("claims to be signed by tests"), "{listed:?}");
    }
    assert_eq!(world.run("-o json db verify one.skyteam").ok().json()["maker"], "signed by tests");
    let bare = World::bare();
    assert_eq!(
        bare.run(["-o", "json", "db", "verify", world.work().join("one.skyteam").to_str().unwrap()]).ok().json()["maker"],
        "signed by tests"
    );
}

#[both]
fn what_an_archive_lacks_is_named(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    world.unset("SKYTEAM_SIGNERS");
    world.run("db backup -f one.skyteam").ok();
    let file = forged(world, "one.skyteam", None, |manifest| {
        unsign(manifest);
        manifest["missing"] = serde_json::json!(["users_username_unique", "milesTransactions_amount_check"]);
    });
    let file = file.to_str().unwrap();
    let output = world.run(["db", "verify", file, "--deep"]).exits(3).stdout;
    assert!(output.contains("it lacks the rule users_username_unique of users"), "{output}");
    assert!(output.contains("it lacks the rule milesTransactions_amount_check of milesTransactions"), "{output}");
    let mut twin = World::empty(world.engine());
    twin.unset("SKYTEAM_SIGNERS");
    twin.run(["db", "restore", file]).exits(9);
    let name = twin.name();
    let said = twin.run(["db", "restore", file, "--confirm", &name]).ok().stderr;
    assert!(said.contains("the backup lacks the rule users_username_unique of users"), "{said}");
}

#[both]
fn a_database_remembers_what_it_made(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    for name in ["SKYTEAM_SIGNERS", "SKYTEAM_SIGN_KEY"] {
        world.unset(name);
    }
    world.run("db backup -f one.skyteam").ok();
    assert_eq!(world.run("-o json db verify one.skyteam").ok().json()["maker"], "made by this database");
    assert_eq!(world.run("-o json db backups").ok().json()[0]["maker"], "made by this database");
    let name = world.name();
    let restored = world.run(["-o", "json", "db", "restore", "one.skyteam", "--clean", "--confirm", &name]).ok().json();
    assert_eq!(restored["maker"], "made by this database");
    // The record outlived what replaced all else.
    assert_eq!(world.run("-o json db verify one.skyteam").ok().json()["maker"], "made by this database");
    let stranger = World::empty(world.engine());
    let file = world.work().join("one.skyteam");
    stranger.run(["db", "restore", file.to_str().unwrap()]).exits(9);
    let forged = forged(world, "one.skyteam", None, |manifest| manifest["database"] = "another".into());
    let answer = world.run(["-o", "json", "db", "verify", forged.to_str().unwrap()]).ok().json();
    assert_eq!(answer["maker"], "by somebody unknown");
}

#[test]
fn others_cannot_vouch_in_the_database() {
    let mut world = World::ready(Engine::Postgres);
    for name in ["SKYTEAM_SIGNERS", "SKYTEAM_SIGN_KEY"] {
        world.unset(name);
    }
    let other = role(&world, "api");
    let owner = world.role().to_owned();
    let admin = world.server().as_superuser(&world.name());
    admin.rows(&format!("ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT ALL ON TABLES TO {other}"));
    world.run("db backup -f one.skyteam").ok();
    let may =
        |right: &str| world.query(&format!("SELECT has_table_privilege('{other}', 'skyteam.backups', '{right}')"));
    assert_eq!(may("INSERT, UPDATE, DELETE, TRUNCATE, SELECT"), "f");
    // A table of another role says nothing.
    admin.rows(&format!("ALTER TABLE skyteam.backups OWNER TO {other}"));
    admin.rows(&format!("GRANT SELECT ON skyteam.backups TO {owner}"));
    assert_eq!(world.run("-o json db verify one.skyteam").ok().json()["maker"], "by somebody unknown");
}

/// Whoever makes a role has not its rights by that, since PostgreSQL 16, nor ever where its own role is NOINHERIT.
#[test]
fn a_proof_by_a_role_that_inherits_nothing_leaves_nothing_behind() {
    let world = World::ready(Engine::Postgres);
    world.run("db backup --format plain -f one.sql").ok();
    let server = world.server();
    server.admin(&format!("ALTER ROLE \"{}\" CREATEDB CREATEROLE NOINHERIT", world.role()));
    let output = world.run("db verify one.sql --deep");
    if server.admin("SHOW server_version_num").parse::<u32>().unwrap() < 160_000 {
        assert!(output.exits(2).stderr.contains(&format!("ALTER ROLE \"{}\" INHERIT", world.role())));
    } else {
        assert!(!output.ok().stderr.contains("left over"));
    }
    server.admin(&format!("ALTER ROLE \"{}\" INHERIT", world.role()));
    let role = world.role();
    let own = format!(
        "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
         WHERE r.rolname LIKE 'skyteam_verify%' AND m.member = '\"{role}\"'::regrole"
    );
    assert_eq!(server.admin(&own).trim(), "0");
    world.run("db verify one.sql --deep").ok();
    assert_eq!(server.admin(&own).trim(), "0");
}

#[test]
fn a_key_is_its_owners_alone() {
    let world = World::bare();
    let made = world.run("-o json config keygen key.pem").ok().json();
    assert!(made["publicKey"].as_str().unwrap().starts_with("ed25519:"), "{made}");
    let file = world.work().join("key.pem");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&file).unwrap();
    world.run("config keygen key.pem").exits(5);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let mut world = World::ready(Engine::Sqlite);
    std::fs::write(world.work().join("key.pem"), &before).unwrap();
    std::fs::set_permissions(world.work().join("key.pem"), PermissionsExt::from_mode(0o644)).unwrap();
    assert!(world.run("db backup -f b --sign-key key.pem").exits(2).stderr.contains("can be read by others"));
    std::fs::set_permissions(world.work().join("key.pem"), PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(world.run("-o json db backup -f b --sign-key key.pem").ok().json()["signed"], true);
    // Trusted by the flag, by the file, and not at all.
    let public = made["publicKey"].as_str().unwrap();
    let maker = |world: &World, words: &[&str]| {
        world.run(&*[&["-o", "json", "db", "verify", "b"], words].concat()).ok().json()["maker"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(maker(&world, &["--signer", &format!("ops={public}")]), "signed by ops");
    world.unset("SKYTEAM_SIGNERS");
    assert_eq!(maker(&world, &[]), "made by this database");
    std::fs::write(world.work().join("skyteam.toml"), format!("[signers]\nnight = \"{public}\"\n")).unwrap();
    assert_eq!(maker(&world, &[]), "signed by night");
}

/// A dump that runs a program on the server, if it may, with a note beside it that says all is well.
fn hostile_dump(world: &World, folder: &Path, trace: &Path) -> PathBuf {
    world.run(["db", "backup", folder.to_str().unwrap(), "--format", "plain"]).ok();
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|name| name == "sql")).collect();
    let text = std::fs::read_to_string(&files[0]).unwrap();
    let attack = format!("COPY (SELECT 1) TO PROGRAM 'touch {}';\n", trace.display());
    let at = text.find("CREATE TABLE public.").unwrap();
    std::fs::write(&files[0], format!("{}{attack}{}", &text[..at], &text[at..])).unwrap();
    let bytes = std::fs::read(&files[0]).unwrap();
    let sha = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let last = &bytes[bytes.len().saturating_sub(64 << 10)..];
    let note_path = PathBuf::from(format!("{}.json", files[0].display()));
    let mut note: Value = serde_json::from_slice(&std::fs::read(&note_path).unwrap()).unwrap();
    note["size"] = bytes.len().into();
    note["sha256"] = sha(&bytes).into();
    note["ends"] = format!("{}{}", sha(&bytes[..bytes.len().min(64 << 10)]), sha(last)).into();
    note["verified"] = serde_json::json!({"at": "2025-07-04T12:00:00Z", "deep": true, "sound": true});
    note.as_object_mut().unwrap().remove("signature");
    std::fs::write(&note_path, note.to_string()).unwrap();
    files[0].clone()
}

#[test]
fn a_dump_runs_no_program_while_it_is_proved_even_for_a_superuser() {
    let server = Server::start(&["fsync=off"]);
    let mut world = World::on(&server);
    world.run("db migrate").ok();
    let folder = world.work().join("backups");
    std::fs::create_dir(&folder).unwrap();
    let trace = server.data().join("trace");
    let file = hostile_dump(&world, &folder, &trace);
    let url = server.superuser_url(&world.name());
    world.set("DATABASE_URL", url);
    let listed = world.run(["-o", "json", "db", "backups", folder.to_str().unwrap()]).ok().json();
    assert_eq!((listed[0]["maker"].as_str(), listed[0]["verified"].as_str()), (Some("by somebody unknown"), None));
    for variable in ["SKYTEAM_SIGNERS", ""] {
        // README's line of cron, with and without a key that is trusted.
        let output = world.run(["db", "verify", folder.to_str().unwrap(), "--deep"]);
        assert_ne!(output.code, 0, "{output}");
        assert!(!trace.exists(), "{output}");
        world.unset(variable);
    }
    // Nor does one that becomes its own session's role again.
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("COPY (SELECT 1)", "RESET ROLE; RESET SESSION AUTHORIZATION; COPY (SELECT 1)");
    std::fs::write(&file, text).unwrap();
    let output = world.run(["db", "verify", file.to_str().unwrap(), "--deep"]);
    assert_ne!(output.code, 0, "{output}");
    assert!(!trace.exists(), "{output}");
    let left = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'skyteam_verify%'";
    assert_eq!(server.admin(left).trim(), "0");
    // A sound one is proved all the same.
    world.run("db backup -f sound.sql --format plain").ok();
    let proof = world.run("-o json db verify sound.sql --deep").ok().json();
    assert_eq!(proof["deep"], true, "{proof}");
}

/// A record that an administrator makes is read by those who read the others.
#[test]
fn a_record_that_an_administrator_makes_is_read_by_the_backup_role() {
    let mut world = World::ready(Engine::Postgres);
    for name in ["SKYTEAM_SIGNERS", "SKYTEAM_SIGN_KEY"] {
        world.unset(name);
    }
    let reader = role(&world, "reader");
    world.server().admin(&format!("ALTER ROLE {reader} LOGIN PASSWORD '{PASSWORD}'"));
    world.run(format!("db grant {reader} --for backup --yes")).ok();
    let (owner, superuser) = (world.url(), world.server().superuser_url(&world.name()));
    world.set("DATABASE_URL", &superuser);
    world.run("db backup -f one.skyteam").ok();
    world.run("db verify one.skyteam --deep").ok();
    world.set("DATABASE_URL", &owner);
    let granted = world.run(format!("-o json db grant {reader} --for backup")).ok().json();
    let lacking = granted.as_array().unwrap().iter().filter(|line| line["state"] != "held").count();
    assert_eq!(lacking, 0, "{granted}");
    world.set("DATABASE_URL", owner.replacen(world.role(), &reader, 1));
    assert_eq!(world.run("-o json db verify one.skyteam").ok().json()["maker"], "made by this database");
    world.run("db backup -f reader.skyteam").ok();
    let may = format!("SELECT has_table_privilege('{reader}', 'skyteam.backups', 'INSERT, UPDATE, DELETE, TRUNCATE')");
    assert_eq!(world.server().as_superuser(&world.name()).lines(&may), "f");
    world.set("DATABASE_URL", owner);
}

/// Whose skyteam's own schema is, with all in it, and who may what there.
fn rights_in_home(world: &World) -> String {
    let all = r#"SELECT 'schema', nspname, pg_get_userbyid(nspowner), nspacl::text FROM pg_namespace WHERE nspname = 'skyteam'
            UNION ALL SELECT 'table', relname, pg_get_userbyid(relowner),
              (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(relacl) a)
              FROM pg_class WHERE relkind = 'r' AND relnamespace = 'skyteam'::regnamespace AND relname <> 'verifications'
            UNION ALL SELECT 'function', proname, pg_get_userbyid(proowner), proacl::text
              FROM pg_proc WHERE pronamespace = 'skyteam'::regnamespace
            UNION ALL SELECT 'default', defaclobjtype::text, pg_get_userbyid(defaclrole), defaclacl::text FROM pg_default_acl
            ORDER BY 1, 2, 3, 4"#;
    world.server().as_superuser(&world.name()).lines(all)
}

/// A dump makes skyteam's own schema again: whose it is and who may read it stays, whoever restores.
#[test]
fn a_dump_that_an_administrator_restores_takes_nobodys_rights_away() {
    let mut world = World::ready(Engine::Postgres);
    let reader = role(&world, "reader");
    world.server().admin(&format!("ALTER ROLE {reader} LOGIN PASSWORD '{PASSWORD}'"));
    world.run(format!("db grant {reader} --for backup --yes")).ok();
    world.run("user add 1 pilot1").ok();
    world.run("db backup -f one.sql --format plain").ok();
    let (owner, superuser) = (world.url(), world.server().superuser_url(&world.name()));
    let before = rights_in_home(&world);
    assert!(before.contains(&format!("{reader}=r")), "{before}");
    world.set("DATABASE_URL", &superuser);
    world.run(["db", "restore", "one.sql", "--clean", "--confirm", &world.name()]).ok();
    assert_eq!(world.server().as_superuser(&world.name()).lines("SELECT username FROM public.users"), "pilot1");
    world.set("DATABASE_URL", &owner);
    world.run("db backup -f two.skyteam").ok();
    assert_eq!(rights_in_home(&world), before);
    world.run("db push").ok();
    world.set("DATABASE_URL", owner.replacen(world.role(), &reader, 1));
    world.run("db backup -f three.skyteam").ok();
    world.set("DATABASE_URL", owner);
}

/// A dump of everything, by hand, has the other database's record in it.
#[test]
fn a_dump_does_not_bring_a_record_that_vouches() {
    let mut world = World::ready(Engine::Postgres);
    for name in ["SKYTEAM_SIGNERS", "SKYTEAM_SIGN_KEY"] {
        world.unset(name);
    }
    world.run("user add 1 pilot1").ok();
    world.run("db backup -f one.skyteam").ok();
    let file = world.work().join("all.sql");
    let made = Command::new(binary("pg_dump")).arg("-f").arg(&file).arg("-d").arg(world.url()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let archive = world.work().join("one.skyteam");
    let mut twin = World::postgres();
    for name in ["SKYTEAM_SIGNERS", "SKYTEAM_SIGN_KEY"] {
        twin.unset(name);
    }
    let name = twin.name();
    let maker = |twin: &World, file: &Path| {
        twin.run(["-o", "json", "db", "verify", file.to_str().unwrap()]).ok().json()["maker"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    twin.run(["db", "restore", file.to_str().unwrap(), "--confirm", &name]).ok();
    assert_eq!(maker(&twin, &archive), "by somebody unknown");
    // Where it has a record of its own, that one stays as it was.
    twin.run("db backup -f own.skyteam").ok();
    twin.run(["db", "restore", file.to_str().unwrap(), "--clean", "--confirm", &name]).ok();
    assert_eq!(maker(&twin, &archive), "by somebody unknown");
    assert_eq!(maker(&twin, &twin.work().join("own.skyteam")), "made by this database");
}
