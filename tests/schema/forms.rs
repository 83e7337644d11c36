//! `db schema` in every form, held against whom it is for: the engines' own shells, and Drizzle Kit from npm.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use skyteam::db;
use skyteam::schema::dialect;

use super::steps;
use crate::support::{Engine, Server, World, both};

/// A version of Drizzle Kit with the ORM of its time, installed once for a build folder.
fn kit(version: &'static str, orm: &str, installed: &'static OnceLock<PathBuf>) -> &'static Path {
    installed.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("drizzle-kit-{version}"));
        std::fs::create_dir_all(&folder).unwrap();
        let package = format!(
            r#"{{"private": true, "dependencies": {{"drizzle-kit": "{version}", "drizzle-orm": "{orm}", "postgres": "3.4.7"}}}}"#
        );
        std::fs::write(folder.join("package.json"), package).unwrap();
        let npm = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"])
            .current_dir(&folder)
            .output()
            .unwrap_or_else(|error| panic!("npm is needed for this test: {error}"));
        assert!(npm.status.success(), "npm install: {}", String::from_utf8_lossy(&npm.stderr));
        let config = "export default { dialect: 'postgresql', schema: process.env.SCHEMA_FILE ?? './schema.ts', \
                      dbCredentials: { url: process.env.DATABASE_URL } };\n";
        std::fs::write(folder.join("drizzle.config.ts"), config).unwrap();
        let schema = World::bare().run("db schema -o drizzle").ok().stdout;
        std::fs::write(folder.join("schema.ts"), schema).unwrap();
        folder
    })
}

/// What `drizzle-kit push` says with the file that skyteam prints.
fn push(world: &World, kit: &Path, schema: &str) -> String {
    let push = Command::new("node")
        .args(["node_modules/drizzle-kit/bin.cjs", "push", "--verbose"])
        .env("DATABASE_URL", world.url())
        .env("SCHEMA_FILE", schema)
        .current_dir(kit)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [push.stdout, push.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(push.status.success(), "{said}");
    said
}

/// On Debian's server: these versions take PostgreSQL 18's NOT NULL constraints for checks of their own.
fn finds_nothing(kit: &Path) {
    let world = World::on(&Server::start_debian(&["fsync=off"]));
    world.run("db push").ok();
    let before = world.catalogue();
    let said = push(&world, kit, "./schema.ts");
    assert!(said.contains("No changes detected"), "{said}");
    assert_eq!(world.catalogue(), before);
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn drizzle_kit_0_30_finds_no_changes() {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    finds_nothing(kit("0.30.5", "0.40.0", &INSTALLED));
}

#[test]
fn drizzle_kit_0_31_finds_no_changes() {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    finds_nothing(kit("0.31.11", "0.44.7", &INSTALLED));
}

/// The newer version: the older one has no words for some of the types.
#[test]
fn drizzle_kit_0_31_finds_no_changes_in_tables_of_every_type() {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    let kit = kit("0.31.11", "0.44.7", &INSTALLED);
    let world = World::on(&Server::start_debian(&["fsync=off"]));
    let schema = super::types::every_attribute();
    std::fs::write(kit.join("every.ts"), skyteam::schema::drizzle(&schema)).unwrap();
    for statement in dialect::create(&schema, db::Engine::Postgres) {
        world.query(&statement.sql);
    }
    let before = world.catalogue();
    let said = push(&world, kit, "./every.ts");
    assert!(said.contains("No changes detected"), "{said}");
    assert_eq!(world.catalogue(), before);
}

#[test]
fn drizzle_is_postgresqls_alone() {
    World::bare().run("db schema -o drizzle --engine sqlite").exits(2);
}

#[both]
fn the_printed_ddl_makes_all_that_a_push_would(world: &mut World) {
    let engine = if world.engine() == Engine::Postgres { "postgres" } else { "sqlite" };
    let file = world.work().join("schema.sql");
    std::fs::write(&file, world.run(format!("db schema -o sql --engine {engine}")).ok().stdout).unwrap();
    match world.engine() {
        Engine::Postgres => world.psql(&file),
        Engine::Sqlite => {
            let shell = Command::new("sqlite3")
                .args(["-bail".as_ref(), world.work().join("skyteam.db").as_os_str()])
                .stdin(std::fs::File::open(&file).unwrap())
                .output()
                .expect("sqlite3 runs: apt-get install sqlite3");
            assert!(shell.status.success(), "{}", String::from_utf8_lossy(&shell.stderr));
        }
    }
    world.run("db diff --exit-code").ok();
    assert_eq!(steps(world), [""; 0]);
}

#[test]
fn the_diagram_and_the_model_name_every_table() {
    let world = World::bare();
    let diagram = world.run("db schema -o mermaid").ok().stdout;
    assert!(diagram.starts_with("erDiagram\n"), "{diagram}");
    let model = world.run("db schema -o json").json();
    let tables: Vec<&str> =
        model["tables"].as_array().unwrap().iter().map(|table| table["name"].as_str().unwrap()).collect();
    let desired = skyteam::schema::desired().unwrap();
    assert_eq!(tables, desired.tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>());
    for table in tables {
        assert!(diagram.contains(&format!("\n    {table} {{")), "{table} not in:\n{diagram}");
    }
    // A further format of these two commands alone.
    world.run("user list -o mermaid").exits(2);
}
