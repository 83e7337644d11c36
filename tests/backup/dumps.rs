//! Dumps of other programs, servers and options: restored, or refused with the true reason and a way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::everything;
use crate::support::{Engine, Output, World, binary};

fn seeded() -> World {
    let world = World::ready(Engine::Postgres);
    world.run("db seed --users 5 --flights 3").ok();
    // What a dump with INSERT writes line by line.
    world.query(
        r#"UPDATE "users" SET "displayName" = E'a\n\\restrict x\nBEGIN;\n-- Name: x; Type: BLOBS; \nCOMMIT;\n\\.\nGRANT ALL\n''it''\n'"#,
    );
    world
}

/// Runs PostgreSQL's own program on the world's database; answers the file that it wrote.
fn dumped(world: &World, program: &str, flags: &str) -> PathBuf {
    let file = world.work().join(format!("dump{}", flags.replace([' ', '-', '='], "")));
    let output = Command::new(binary(program))
        .args(flags.split(' ').filter(|flag| !flag.is_empty()))
        .arg("-f")
        .arg(&file)
        .arg("-d")
        .arg(world.url())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file
}

fn restored(world: &World, file: &Path) -> Output {
    world.run(["-o", "json", "db", "restore", file.to_str().unwrap(), "--confirm", &world.name()])
}

#[test]
fn every_form_of_pg_dump_comes_back() {
    let world = seeded();
    let before = everything(&world);
    // Owners and grants of this server name roles that the other one does not have.
    world.query(&format!(r#"GRANT SELECT ON "users" TO "{}" WITH GRANT OPTION"#, world.role()));
    for flags in ["", "--inserts", "--column-inserts", "--inserts --rows-per-insert=2", "-Fc", "-Ft", "-C", "-C -Fc"] {
        let twin = World::postgres();
        restored(&twin, &dumped(&world, "pg_dump", flags)).ok();
        assert_eq!(everything(&twin), before, "{flags}");
    }
}

#[test]
fn a_mark_of_byte_order_and_a_newer_setting_do_not_stop_a_dump() {
    let world = seeded();
    let text = fs::read_to_string(dumped(&world, "pg_dump", "")).unwrap();
    let newer = text.replacen("SET lock_timeout = 0;", "SET lock_timeout = 0;\nSET transaction_timeout = 0;", 1);
    assert_ne!(newer, text);
    for (name, text) in [("bom", format!("\u{feff}{text}")), ("newer", newer)] {
        let file = world.work().join(name);
        fs::write(&file, text).unwrap();
        let twin = World::postgres();
        restored(&twin, &file).ok();
        assert_eq!(everything(&twin), everything(&world), "{name}");
    }
}

#[test]
fn what_is_no_single_dump_is_refused_with_the_way() {
    let world = seeded();
    let work = world.work();
    let utf16: Vec<u8> = "\u{feff}--".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(work.join("utf16"), utf16).unwrap();
    fs::write(work.join("cluster"), "--\n-- PostgreSQL database cluster dump\n--\n").unwrap();
    for (file, way) in [("utf16", "iconv -f UTF-16"), ("cluster", "pg_dumpall")] {
        let error = restored(&world, &work.join(file)).exits(5).error();
        assert_eq!(error["code"], "not_a_backup");
        assert!(error["why"].as_str().unwrap().contains(way), "{error}");
    }
    let folder = dumped(&world, "pg_dump", "-Fd");
    for verb in ["restore", "verify"] {
        let error = world.run(["-o", "json", "db", verb, folder.to_str().unwrap()]).exits(5).error();
        let fix = error["fix"].as_str().unwrap();
        assert!(fix.starts_with("pg_restore --no-owner --file=- ") && fix.ends_with("db restore -"), "{error}");
    }
    // As it says.
    let script = Command::new(binary("pg_restore")).args(["--no-owner", "--file=-"]).arg(&folder).output().unwrap();
    let twin = World::postgres();
    twin.run_with_input(format!("db restore - --confirm {}", twin.name()), script.stdout).ok();
    assert_eq!(everything(&twin), everything(&world));
}

#[test]
fn grants_are_left_out_unless_they_are_asked_for() {
    let world = seeded();
    let role = format!("shop_{}", world.name());
    world.server().admin(&format!("CREATE ROLE {role}"));
    world.query(&format!(r#"GRANT SELECT ON "users" TO {role}"#));
    let granted = |world: &World| world.query(&format!("SELECT has_table_privilege('{role}', 'users', 'SELECT')"));
    for format in ["plain", "custom"] {
        for (flag, wanted) in [("", "f"), (" --with-privileges", "t")] {
            world.run(format!("db backup -f d --format {format}{flag}")).ok();
            let twin = World::postgres();
            let file = world.work().join("d");
            twin.run(format!("db restore {}{flag}", file.display())).ok();
            assert_eq!(granted(&twin), wanted, "{format}{flag}");
        }
        // Those that the replaced tables have stay with the new ones.
        world.run(format!("db backup -f d --format {format}")).ok();
        world.run(format!("db restore d --clean --confirm {}", world.name())).ok();
        assert_eq!(granted(&world), "t", "{format}");
    }
    world.run("db backup -f a --with-privileges").exits(2);
    world.run("db backup -f a").ok();
    world.run("db restore a --with-privileges").exits(2);
    world.query(&format!(r#"REVOKE ALL ON "users" FROM {role}"#));
    world.server().admin(&format!("DROP ROLE {role}"));
}

/// What `pg_dump` of PostgreSQL 18 wrote of a server of that version: three users, one of them with a name that looks like
/// statements.
#[test]
fn dumps_of_a_newer_server_are_restored_or_refused_with_the_way() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pg_dump-18");
    let whole = |world: &World, file: &str| {
        let odd = r#"SELECT count(*), count(*) FILTER (WHERE "displayName" = E'a\n\\restrict x\nBEGIN;\n''it''s') FROM "users""#;
        assert_eq!(world.query(odd), "3|3", "{file}");
        assert_eq!(world.query(r#"SELECT count(*) FROM "milesTransactions""#), "6", "{file}");
        world.run("db status --exit-code").ok();
        world.run("miles audit").ok();
    };
    // With COPY, with INSERT, and with --create --statistics.
    for file in ["plain.sql", "inserts.sql", "create.sql"] {
        let world = World::postgres();
        restored(&world, &folder.join(file)).ok();
        whole(&world, file);
    }
    let version = Command::new(binary("pg_restore")).arg("--version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let major: u32 = version.split([' ', '.']).find_map(|word| word.parse().ok()).unwrap();
    for file in ["custom.dump", "tar.tar"] {
        let world = World::postgres();
        let output = restored(&world, &folder.join(file));
        if major >= 18 {
            output.ok();
            whole(&world, file);
            continue;
        }
        let error = output.exits(5).error();
        assert_eq!(error["code"], "cannot_be_judged");
        assert!(error["why"].as_str().unwrap().contains("unsupported version"), "{error}");
        let fix = error["fix"].as_str().unwrap();
        assert!(fix.starts_with("pg_restore --no-owner --file=- ") && fix.contains("db restore -"), "{error}");
    }
}

/// Whether the folder still says that this file is sound, or nothing.
fn remembered(world: &World, file: &str) -> bool {
    let listed = world.run("-o json db backups").ok().json();
    let line = listed.as_array().unwrap().iter().find(|line| line["file"].as_str().unwrap().ends_with(file));
    line.is_some_and(|line| line["verified"] != "damaged")
}

#[test]
fn a_sound_dump_that_does_not_fit_here_is_not_called_damaged() {
    let world = seeded();
    world.server().admin(&format!(r#"ALTER ROLE "{}" CREATEDB CREATEROLE"#, world.role()));
    let cannot = |file: &str, why: &str| {
        let error = world.run(["-o", "json", "db", "verify", file, "--deep"]).exits(5).error();
        assert_eq!(error["code"], "cannot_be_judged", "{error}");
        assert!(error["why"].as_str().unwrap().contains(why), "{error}");
        assert!(file == "newer.dump" || remembered(&world, file), "{file}");
    };
    // A role that is missing.
    let role = format!("gone_{}", world.name());
    world.server().admin(&format!("CREATE ROLE {role}"));
    world.query(&format!(r#"CREATE POLICY theirs ON "users" TO {role}"#));
    world.run("db backup -f role.sql --format plain").ok();
    world.run("db backup -f role.dump --format custom").ok();
    world.query(r#"DROP POLICY theirs ON "users""#);
    world.server().admin(&format!("DROP ROLE {role}"));
    cannot("role.sql", &format!("role \"{role}\" does not exist"));
    cannot("role.dump", "does not exist");
    // A dump of a newer pg_dump: its version stands behind its first five bytes.
    let mut bytes = fs::read(world.work().join("role.dump")).unwrap();
    bytes[6] = 99;
    fs::write(world.work().join("newer.dump"), bytes).unwrap();
    cannot("newer.dump", "unsupported version");
    // What is damaged is still called so.
    let whole = fs::read(world.work().join("role.sql")).unwrap();
    fs::write(world.work().join("cut.sql"), &whole[..whole.len() / 2]).unwrap();
    world.run("db verify cut.sql").exits(3);
}

/// A script says to psql what it does beside SQL: to connect elsewhere, to run a program, to read or write a file.
#[test]
fn commands_of_psql_in_a_dump_are_refused_before_anything_runs() {
    let world = seeded();
    world.server().admin(&format!(r#"ALTER ROLE "{}" CREATEDB CREATEROLE"#, world.role()));
    let sound = dumped(&world, "pg_dump", "");
    let text = fs::read_to_string(&sound).unwrap();
    let at = text.find("CREATE TABLE public.").unwrap();
    let trace = world.work().join("trace");
    let touch = format!("touch {}", trace.display());
    let other = World::postgres();
    for (command, name) in [
        (format!("\\connect {}", other.name()), "\\connect"),
        (format!("\\c {}", other.name()), "\\c"),
        ("\\i more.sql".to_owned(), "\\i"),
        (format!("\\! {touch}"), "\\!"),
        (format!("\\copy (SELECT 1) TO PROGRAM '{touch}'"), "\\copy"),
        (format!("\\o |{touch}"), "\\o"),
        ("\\setenv PAGER x".to_owned(), "\\setenv"),
        ("SELECT 'SELECT 1' \\gexec".to_owned(), "\\gexec"),
        (format!("\\unrestrict x\n\\! {touch}"), "\\!"),
    ] {
        let file = world.work().join("bad.sql");
        fs::write(&file, format!("{}{command}\n{}", &text[..at], &text[at..])).unwrap();
        let line = text[..at].lines().count() + 1 + command.matches('\n').count();
        let twin = World::postgres();
        let error = restored(&twin, &file).exits(5).error();
        assert_eq!(error["code"], "psql_command", "{error}");
        assert!(error["why"].as_str().unwrap().starts_with(&format!("line {line} has {name}")), "{error}");
        assert_eq!(twin.query("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
        for deep in [&[][..], &["--deep"]] {
            let output = world.run(&*[&["db", "verify", file.to_str().unwrap()], deep].concat()).exits(3);
            assert!(output.stdout.contains(&format!("line {line} has {name}")), "{output}");
        }
        assert!(!trace.exists(), "{command}");
    }
    assert_eq!(other.query("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
    // Two databases in one file, as pg_dumpall without its heading has them.
    let both = fs::read_to_string(dumped(&world, "pg_dump", "-C")).unwrap();
    let file = world.work().join("both.sql");
    fs::write(&file, format!("{both}{}", both.replace(&world.name(), "another"))).unwrap();
    let error = restored(&World::postgres(), &file).exits(5).error();
    assert_eq!(error["code"], "psql_command");
    assert!(error["fix"].as_str().unwrap().starts_with("dump each database alone: pg_dump "), "{error}");
}

/// A script may change how psql finds the end of a text. `verify` and `restore` find the command all the same, and where it is.
#[test]
fn a_command_that_psql_would_find_is_found() {
    let world = seeded();
    let text = fs::read(dumped(&world, "pg_dump", "")).unwrap();
    let at = text.windows(20).position(|part| part == b"CREATE TABLE public.").unwrap();
    let trace = world.work().join("trace");
    for before in [
        b"SELECT pg_catalog.set_config('standard_conforming_strings', 'off', false);\nSELECT 'a\\' || '\n".as_slice(),
        b"SET LOCAL standard_conforming_strings = off;\nSELECT 'a\\' || '\n",
        b"SET client_encoding = 'SJIS';\nSELECT E'\x81\\'\n",
        b"\n-- '\r",
    ] {
        let attack = [before, format!("\\! touch {}\n';\n", trace.display()).as_bytes()].concat();
        let file = world.work().join("bad.sql");
        fs::write(&file, [&text[..at], &attack, &text[at..]].concat()).unwrap();
        let line = text[..at].iter().chain(before).filter(|&&byte| byte == b'\n').count() + 1;
        let twin = World::postgres();
        let refused = restored(&twin, &file).exits(5).error();
        assert_eq!(refused["code"], "psql_command", "{refused}");
        let why = format!("line {line} has \\!");
        assert!(refused["why"].as_str().unwrap().starts_with(&why), "{refused}");
        let output = world.run(["db", "verify", file.to_str().unwrap()]).exits(3);
        assert!(output.stdout.contains(&why), "{output}");
        assert_eq!(twin.query("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
        assert!(!trace.exists());
    }
}

/// What a function of the dump does while it is restored no reader of its text can know: psql's own lock keeps the command from
/// running.
#[test]
fn a_command_that_only_psql_sees_is_not_run() {
    let world = seeded();
    let text = fs::read(dumped(&world, "pg_dump", "")).unwrap();
    let at = text.windows(20).position(|part| part == b"CREATE TABLE public.").unwrap();
    let trace = world.work().join("trace");
    let attack = format!(
        "SELECT pg_catalog.set_config('standard_' || 'conforming_strings', 'off', false);\nSELECT 'a\\' || '\n\\! touch {}\n';\n",
        trace.display()
    );
    let file = world.work().join("bad.sql");
    fs::write(&file, [&text[..at], attack.as_bytes(), &text[at..]].concat()).unwrap();
    let twin = World::postgres();
    let refused = restored(&twin, &file).exits(5);
    assert!(refused.stderr.contains("backslash commands are restricted"), "{refused}");
    assert_eq!(twin.query("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "0");
    assert!(!trace.exists());
}

/// The archive of `pg_dump --format=custom` holds statements as texts: one may have a command of psql in it.
#[test]
fn a_command_of_psql_inside_an_archive_of_pg_dump_is_refused_too() {
    let world = seeded();
    let mark = format!("'{}'", "x".repeat(300));
    world.query(&format!("CREATE VIEW public.trap AS SELECT {mark}::text AS trap"));
    let file = dumped(&world, "pg_dump", "-Fc");
    let trace = world.work().join("t");
    let command = format!("1;\n\\! touch {}\n--", trace.display());
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(mark.len()).position(|part| part == mark.as_bytes()).unwrap();
    bytes[at..at + command.len()].copy_from_slice(command.as_bytes());
    fs::write(&file, bytes).unwrap();
    let error = restored(&World::postgres(), &file).exits(5).error();
    assert_eq!(error["code"], "psql_command", "{error}");
    assert!(world.run(["db", "verify", file.to_str().unwrap()]).exits(3).stdout.contains("has \\!"));
    assert!(!trace.exists());
}

/// Rows, texts, functions, names and comments that look like commands are none.
#[test]
fn backslashes_in_data_are_no_commands() {
    let world = seeded();
    world.query(
        r#"CREATE FUNCTION public.odd() RETURNS text LANGUAGE plpgsql AS $f$
BEGIN
/*
\connect other
*/
  RETURN E'\n\\! x'; END $f$;
COMMENT ON FUNCTION public.odd() IS E'x\n\\i more.sql\n-- it''s';
CREATE VIEW public.odder AS SELECT '\! touch x' AS "\connect other", ':DBNAME' AS ":x";
UPDATE "users" SET "displayName" = E'\\connect other\n\\.\n\\! x'"#,
    );
    let before = everything(&world);
    for flags in ["", "--inserts", "-Fc", "-C"] {
        let twin = World::postgres();
        restored(&twin, &dumped(&world, "pg_dump", flags)).ok();
        assert_eq!(everything(&twin), before, "{flags}");
        assert_eq!(twin.query(r#"SELECT "\connect other" || ":x" FROM public.odder"#), r"\! touch x:DBNAME", "{flags}");
    }
}
