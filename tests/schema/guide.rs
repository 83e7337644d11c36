//! `docs/schema-changes.md`, done as it says in a copy of this repository: columns in the middle of a table, the page's own
//! new table, one that refers to users, and one with a column of each type; on both engines, with the programs that a
//! developer would build.
//!
//! The copy shares what was built of the dependencies, so that two builds of this crate alone are what it costs.

mod tables;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use self::tables::{BADGE, EVERY_TYPE, NEW_TABLE, everything};
use crate::support::{Engine, Output, World};

/// A developer's working copy, and the program built from it.
struct Copy {
    root: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn make() -> Self {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schema-changes");
        let copy = Self { root: place.join("repository"), target: place.join("target") };
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let _ = fs::remove_dir_all(&copy.root);
        for part in ["Cargo.toml", "Cargo.lock", "src", "migration", "tests", "examples"] {
            copy_all(&source.join(part), &copy.root.join(part));
        }
        // What was built of the dependencies, without a byte of it twice on the disk.
        let built = Path::new(env!("CARGO_BIN_EXE_skyteam")).parent().unwrap();
        let profile = built.file_name().unwrap();
        for part in ["deps", "build", ".fingerprint"] {
            link_all(&built.join(part), &copy.target.join(profile).join(part));
        }
        copy
    }

    /// Changes a file of the copy: each text that stands there becomes another.
    fn change(&self, file: &str, changes: &[(&str, &str)]) {
        let path = self.root.join(file);
        let mut text = fs::read_to_string(&path).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{file} has no {from:?}");
            text = text.replacen(from, to, 1);
        }
        fs::write(path, text).unwrap();
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.root.join(file), text).unwrap();
    }

    fn cargo(&self, words: &[&str]) -> std::process::Output {
        let mut command = Command::new(env!("CARGO"));
        command.args(words).args(["--offline", "--locked"]).current_dir(&self.root);
        command.env("CARGO_TARGET_DIR", &self.target).env_remove("CARGO_MANIFEST_DIR");
        command.output().unwrap()
    }

    fn build(&self) {
        // With the example, whose dependencies are the tests': they were built with those features.
        let built = self.cargo(&["build", "--bin", "skyteam", "--example", "airline_api"]);
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }

    fn program(&self) -> PathBuf {
        self.target.join("debug/skyteam")
    }

    /// Runs the copy's program in the copy, on the world's database.
    #[track_caller]
    fn run(&self, world: &World, line: &str) -> Output {
        let template = world.program("");
        let mut command = Command::new(self.program());
        command.args(line.split_whitespace()).current_dir(&self.root).env_clear();
        command.envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let command = command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        world.finish(line.to_owned(), command.spawn().unwrap(), b"")
    }
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy_all(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        // Cargo compares times: an unchanged file of an earlier run is no reason to build.
        let time = fs::metadata(from).unwrap().modified().unwrap();
        fs::File::options().write(true).open(to).unwrap().set_modified(time).unwrap();
    }
}

fn link_all(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            // What was built of this repository itself is of no use to a copy of it, and large.
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let crates = ["skyteam-", "migration-", "all-", "ledger-", "airline_api-", "api-", "nightly-"];
            if !crates.iter().any(|own| name.trim_start_matches("lib").starts_with(own)) {
                link_all(&entry.path(), &to.join(&*name));
            }
        }
    } else if !to.exists() {
        // A file that another build has just replaced is built anew.
        let _ = fs::hard_link(from, to);
    }
}

/// All rows of a table, in one order, with their columns by name: a column that was added to a table is its last there,
/// and in a restored table where the entity has it.
fn rows(world: &World, table: &str) -> String {
    let quoted = |name: &str| format!("\"{name}\"");
    let columns = match world.engine() {
        Engine::Postgres => world.query(&format!(
            "SELECT attname FROM pg_attribute WHERE attrelid = '\"{table}\"'::regclass AND attnum > 0 AND NOT attisdropped \
             ORDER BY attname COLLATE \"C\""
        )),
        Engine::Sqlite => world.query(&format!("SELECT name FROM pragma_table_info('{table}') ORDER BY name")),
    };
    let read = |name: &str| match world.engine() {
        // Bytes are no text.
        Engine::Sqlite if name == "bytes" => "hex(\"bytes\")".to_owned(),
        _ => quoted(name),
    };
    let names: Vec<String> = columns.lines().map(quoted).collect();
    let columns: Vec<String> = columns.lines().map(read).collect();
    let rows = world.query(&format!(r#"SELECT {} FROM "{table}" ORDER BY {}"#, columns.join(", "), key(table)));
    if rows.is_empty() { rows } else { format!("{}\n{rows}", names.join("|")) }
}

/// The column that tells the rows of a table apart.
fn key(table: &str) -> &'static str {
    match table {
        "users" => r#""userId""#,
        "badges" => r#""badgeId""#,
        _ => r#""id""#,
    }
}

#[test]
#[ignore = "builds this crate twice: tests/run runs it"]
fn the_page_is_true_on_both_engines() {
    let copy = Copy::make();
    // Two columns in the middle of a table, and nothing else.
    copy.change(
        "src/entity/user.rs",
        &[
            (
                "    /// Picture, if there is one.",
                "    /// Points.\n    #[sea_orm(default_value = 3)]\n    pub points: i64,\n    /// Tier.\n    #[sea_orm(column_type = \
                 \"Text\", default_value = \"blue\")]\n    pub tier: String,\n    /// Favourite.\n    pub \
                 favourite: Option<f64>,\n    /// Mood.\n    #[sea_orm(default_value = \"good\")]\n    pub mood: \
                 super::every_type::Mood,\n    /// Cabin.\n    #[sea_orm(default_value = \"economy\")]\n    pub cabin: \
                 super::every_type::Cabin,\n    /// Seats.\n    pub seats: Option<super::types::List<i32>>,\n    /// Cabins.\n    pub cabins: \
                 Option<super::types::List<super::every_type::Cabin>>,\n    /// \
                 Address.\n    #[sea_orm(column_type = \"Inet\", select_as = \"text\", save_as = \"inet\")]\n    pub \
                 address: Option<String>,\n    /// Picture, if there is one.",
            ),
            ("        (Column::Miles, Mask::Keep),", "        (Column::Miles, Mask::Keep),\n        (Column::Points, Mask::Keep),"),
            (
                "impl Entity {\n",
                "impl Entity {\n    /// See [`super::listed`].\n    pub const VALUES: &'static [(Column, \
                 super::listed::Values)] =\n        &[(Column::Cabin, \
                 super::listed::values_of::<super::every_type::Cabin>), (Column::Cabins, \
                 super::listed::values_of::<super::every_type::Cabin>)];\n",
            ),
        ],
    );
    // One in a table whose rows an import makes, and one in the ledger whose value only the database knows.
    copy.change(
        "src/entity/flight_passenger.rs",
        &[("    pub miles: i32,\n", "    pub miles: i32,\n    /// Seat.\n    #[sea_orm(column_type = \"Text\")]\n    pub seat: Option<String>,\n")],
    );
    copy.change(
        "src/entity/miles_transaction.rs",
        &[(
            "    pub actor: Option<String>,\n",
            "    pub actor: Option<String>,\n    /// Computed.\n    #[sea_orm(default_expr = \
             \"Expr::cust(\\\"(2 + 3)\\\")\")]\n    pub computed: i32,\n    /// Loud.\n    #[sea_orm(column_type = \"Text\", default_expr = \
             \"Expr::cust(\\\"upper('a')\\\")\")]\n    pub loud: String,\n",
        )],
    );
    for (name, text) in [("new_table", NEW_TABLE), ("badge", BADGE), ("every_type", EVERY_TYPE)] {
        copy.write(&format!("src/entity/{name}.rs"), text);
        copy.change("src/entity/mod.rs", &[("    miles_product,\n", &format!("    miles_product,\n    {name},\n"))]);
    }
    copy.build();
    let worlds = [World::empty(Engine::Postgres), World::empty(Engine::Sqlite)];
    for world in &worlds {
        ahead_of_migrations(&copy, world);
    }
    generated(&copy);
    for world in &worlds {
        migrated(&copy, world);
    }
    // An enum that is stored as text loses one value and gains another.
    // A native one gains one, a type grows, a column may be NULL, a default and an index are others.
    copy.change(
        "src/entity/every_type.rs",
        &[
            ("\"business\")]\n    Business", "\"first\")]\n    First"),
            (
                "    /// Not so well.\n",
                "    /// So so.\n    #[sea_orm(string_value = \"so so\")]\n    SoSo,\n    /// Not so well.\n",
            ),
            ("    pub small: Option<i16>", "    pub small: Option<i64>"),
            ("    pub double: Option<f64>", "    #[sea_orm(renamed_from = \"double\")]\n    pub twofold: Option<f64>"),
            ("    pub whole: Option<i32>", "    #[sea_orm(unique)]\n    pub whole: Option<i32>"),
            (
                "    pub length: Option<String>",
                "    pub length: Option<String>,\n    /// New.\n    pub since: Option<Date>",
            ),
        ],
    );
    copy.change(
        "src/entity/user.rs",
        &[(
            "(default_value = 3)]\n    pub points: i64",
            "(column_type = \"Text\", default_value = \"many\")]\n    pub points: String",
        )],
    );
    copy.build();
    for world in &worlds {
        enum_changed(&copy, world);
    }
}

/// A value that rows still have is named before anything is changed; without it the push goes through.
fn enum_changed(copy: &Copy, world: &World) {
    let diff = copy.run(world, "db diff").ok();
    assert!(diff.stdout.contains("users_cabin_check"), "{diff}");
    world.query(r#"UPDATE "users" SET "cabin" = 'business' WHERE "userId" = '4712'"#);
    let refused = copy.run(world, "db push").exits(5);
    assert!(refused.stderr.contains("users_cabin_check") && refused.stderr.contains("business"), "{refused}");
    assert!(refused.stderr.contains("everyType_cabins_check"), "{refused}");
    world.query(r#"UPDATE "users" SET "cabin" = 'economy'; UPDATE "everyType" SET "cabin" = NULL, "cabins" = NULL"#);
    copy.run(world, "db push").ok();
    copy.run(world, "db diff --exit-code").ok();
    pushed_ahead(copy, world);
    let fresh = World::empty(world.engine());
    copy.run(&fresh, "db push").ok();
    pushed_ahead(copy, &fresh);
    copy.run(world, "user edit second --cabin first --yes").ok();
    // What no migration says is in the backup as it is, and comes back so, on either engine.
    world.query(
        r#"INSERT INTO "everyType" ("cabin", "mood", "small", "whole") VALUES ('first', 'so so', 5000000000, 8)"#,
    );
    let backup = copy.run(world, "db backup --file changed.skyteam").ok();
    for changed in ["users_cabin_check", "everyType.mood", "everyType.small", "users.points", "everyType.since"] {
        assert!(backup.stderr.contains(changed), "{changed}: {backup}");
    }
    copy.run(world, "db verify --deep changed.skyteam").ok();
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let restored = World::empty(engine);
        copy.run(&restored, "db restore changed.skyteam").ok();
        copy.run(&restored, "db diff --exit-code").ok();
        if engine == world.engine() {
            for table in ["everyType", "users", "newTable", "badges"] {
                assert_eq!(rows(&restored, table), rows(world, table), "{table}");
            }
        }
        let twice = r#"INSERT INTO "everyType" ("whole") VALUES (8)"#;
        assert!(restored.source().try_rows(twice).is_err(), "the new rule is there");
    }
    // Into a database that has it so already, the rows alone are replaced.
    let again = copy.run(world, &format!("db restore changed.skyteam --clean --confirm {} -o json", world.name())).ok();
    assert_eq!(again.json()["way"], "inPlace");
    fs::remove_file(copy.root.join("changed.skyteam")).unwrap();
    assert_eq!(world.query(r#"SELECT "cabin" FROM "users" WHERE "userId" = '4712'"#), "first");
}

/// Diff, push, use, backup, verify, restore and transfer of what no migration makes yet.
fn ahead_of_migrations(copy: &Copy, world: &World) {
    // A database that the program of before has made and filled.
    world.run("db push").ok();
    world.run("db seed --users 5 --flights 3").ok();
    let diff = copy.run(world, "db diff -o json").ok();
    for new in ["newTable", "badges", "everyType", "users.points", "users.tier", "users.cabin"] {
        assert!(diff.stdout.contains(new), "{new}: {diff}");
    }
    // Neither the database nor the entities are at fault before the push, nor before the migration is written.
    let behind = copy.run(world, "-q db doctor").ok();
    assert!(behind.stdout.contains("the entities ask for more than any migration makes"), "{behind}");
    copy.run(world, "db push").ok();
    copy.run(world, "db diff --exit-code").ok();
    pushed_ahead(copy, world);

    // Lists, shows, JSON, CSV, sorting, adding, editing, importing and exporting have the columns.
    let list = copy.run(world, "user list -o json --sort -points,tier --columns userId,points,tier").ok().json();
    assert_eq!((&list[0]["points"], &list[0]["tier"]), (&3.into(), &"blue".into()));
    let csv = copy.run(world, "user list -o csv").ok();
    let header = "userId,username,displayName,miles,points,tier,favourite,mood,cabin,seats,cabins,address,avatarUrl,";
    assert!(csv.stdout.starts_with(header), "{csv}");
    copy.run(world, "user add 4711 pilot123 --points 9 --tier gold").ok();
    let shown = copy.run(world, "user show pilot123 -o json").ok().json();
    assert_eq!((&shown["points"], &shown["tier"], &shown["favourite"]), (&9.into(), &"gold".into(), &Value::Null));
    assert!(copy.run(world, "user show pilot123").ok().stdout.contains("gold"));
    let edited = copy.run(world, "user edit pilot123 --tier silver --favourite 1.5 --yes").ok();
    assert!(edited.stderr.contains("tier: gold → silver"), "{edited}");
    copy.run(world, "user edit pilot123 --no-favourite --yes").ok();
    // Enums, lists and addresses are read and written on both engines.
    let edited = "user edit pilot123 --cabin business --mood bad --seats [1,-2] --address 10.0.0.0/8 --yes";
    let edited = copy.run(world, edited).ok();
    assert!(edited.stderr.contains("address: — → 10.0.0.0/8"), "{edited}");
    let wrong = copy.run(world, "user edit pilot123 --address 10.0.0.300 --yes").exits(2);
    assert!(wrong.stderr.contains("an IP address"), "{wrong}");
    let shown = copy.run(world, "user show pilot123 -o json").ok().json();
    assert_eq!((&shown["cabin"], &shown["mood"]), (&"business".into(), &"bad".into()), "{shown}");
    assert_eq!((&shown["seats"], &shown["address"]), (&serde_json::json!([1, -2]), &"10.0.0.0/8".into()), "{shown}");
    copy.run(world, r#"user edit pilot123 --cabins ["business","economy"] --yes"#).ok();
    let listed = copy.run(world, "user list -o json --columns userId,cabins").ok().json();
    let mine = listed.as_array().unwrap().iter().find(|user| user["userId"] == "4711").unwrap();
    assert_eq!(mine["cabins"], serde_json::json!(["business", "economy"]), "{listed}");
    copy.run(world, r#"user edit pilot123 --cabins ["first"] --yes"#).exits(2);
    let wrong = copy.run(world, "user edit pilot123 --cabin first --yes").exits(2);
    assert!(wrong.stderr.contains("economy") && wrong.stderr.contains("business"), "{wrong}");
    let drizzle = copy.run(world, "db schema -o drizzle").ok().stdout;
    assert!(drizzle.contains(r#"$type<"economy" | "business">()"#), "{drizzle}");
    copy.run(world, "user edit pilot123 --points many --yes").exits(2);
    let file = world.work().join("users.csv");
    fs::write(&file, "userId,username,points,tier\n4711,,10,\n4712,second,11,green\n").unwrap();
    copy.run(world, &format!("user import {} --yes", file.display())).ok();
    assert_eq!(
        world.query(r#"SELECT "points", "tier" FROM "users" WHERE "userId" IN ('4711', '4712') ORDER BY "userId""#),
        "10|silver\n11|green"
    );
    let awarded = copy.run(world, "miles award pilot123 500 --note welcome -o json").ok().json();
    assert_eq!(awarded["computed"], 5, "{awarded}");
    let both = copy.run(world, "miles award pilot123 second 5 --note both -o json").ok();
    assert_eq!(
        both.stdout.matches(r#""computed":5"#).count() + both.stdout.matches(r#""computed": 5"#).count(),
        2,
        "{both}"
    );
    let list = world.work().join("passengers.csv");
    fs::write(&list, "userId,miles,seat\n4711,100,12A\n4712,100,\n").unwrap();
    let flight = world.query(r#"SELECT "id" FROM "flights" WHERE "startedAt" IS NOT NULL ORDER BY "id" LIMIT 1"#);
    copy.run(world, &format!("flight manifest import {flight} {} --yes", list.display())).ok();
    let flights = copy.run(world, "user flights pilot123 -o json").ok().json();
    assert_eq!((&flights[0]["seat"], &flights[0]["miles"]), (&"12A".into(), &100.into()), "{flights}");

    // Nobody has said what erasing does with the badges.
    world.query(r#"INSERT INTO "badges" ("userId") VALUES ('4711')"#);
    let refused = copy.run(world, "user erase pilot123 --confirm pilot123").exits(5);
    assert!(refused.stderr.contains("src/entity/badge.rs") && refused.stderr.contains("Erase::Delete"), "{refused}");

    world.query(r#"INSERT INTO "newTable" ("name") VALUES ('one'), ('two'), ('three')"#);
    world.query(&everything(world.engine()));
    world.query(r#"INSERT INTO "everyType" ("plain") VALUES (NULL)"#);
    let backup = copy.run(world, "db backup --file ahead.skyteam -o json").ok();
    assert!(backup.stderr.contains("newTable") && backup.stderr.contains("users.points"), "{backup}");
    copy.run(world, "db verify --deep ahead.skyteam").ok();
    // Other programs find Parquet's own types in it.
    let found = crate::backup::parquet::columns(&copy.root.join("ahead.skyteam"), "everyType");
    for wanted in [
        "small: int16 -5 | SMALLINT -5",
        "real: float 1.5 | FLOAT 1.5",
        "double: double 0.1 | DOUBLE 0.1",
        "price: decimal128(10, 2) Decimal('12.25') | DECIMAL(10,2) Decimal('12.25')",
        "wide: decimal128(30, 5) Decimal('12345678901234567890.12345') | DECIMAL(30,5) \
         Decimal('12345678901234567890.12345')",
        "day: date32[day] datetime.date(2026, 11, 22) | DATE datetime.date(2026, 11, 22)",
        "time: time64[us] datetime.time(18, 30) | TIME datetime.time(18, 30)",
        r"bytes: binary b'\xc0\xff\t' | BLOB b'\xc0\xff\t'",
        "mood: string 'good' | VARCHAR 'good'",
        "cabin: string 'business' | VARCHAR 'business'",
        "rank: int32 -2 | INTEGER -2",
        "list: list<element: int32> [1, -2, None] | INTEGER[] [1, -2, None]",
        r#"names: list<element: string> ['a', 'b "c", d', ''] | VARCHAR[] ['a', 'b "c", d', '']"#,
        "doubles: list<element: double> [1.0, 0.1] | DOUBLE[] [1.0, 0.1]",
        "moods: list<element: string> ['good', 'bad'] | VARCHAR[] ['good', 'bad']",
        "cabins: list<element: string> ['business', 'economy'] | VARCHAR[] ['business', 'economy']",
        "ranks: list<element: int32> [1, -2, 1] | INTEGER[] [1, -2, 1]",
    ] {
        assert!(found.iter().any(|line| line == wanted), "{wanted}: {found:#?}");
    }
    assert!(found.iter().any(|line| line.starts_with("instant: timestamp[us, tz=UTC] ")), "{found:#?}");
    // A copy for strangers takes the form of every type.
    let anonymous = World::empty(world.engine());
    copy.run(world, &format!("db transfer --to {} --anonymize", anonymous.url())).ok();
    assert_eq!(anonymous.query(r#"SELECT count(*) FROM "everyType""#), "2");
    let restored = World::empty(world.engine());
    copy.run(&restored, "db restore ahead.skyteam").ok();
    for table in ["newTable", "everyType", "badges", "users"] {
        assert_eq!(rows(&restored, table), rows(world, table), "{table}");
    }
    copy.run(&restored, "db diff --exit-code").ok();
    // Into the other engine and back, everything is what it was.
    let other = World::empty(if world.engine() == Engine::Postgres { Engine::Sqlite } else { Engine::Postgres });
    copy.run(&other, "db restore ahead.skyteam").ok();
    copy.run(&other, "db backup --file other.skyteam").ok();
    let back = World::empty(world.engine());
    copy.run(&back, "db restore other.skyteam").ok();
    for table in ["newTable", "everyType", "badges", "users"] {
        assert_eq!(rows(&back, table), rows(world, table), "{table} over the other engine");
    }
    for file in ["ahead.skyteam", "other.skyteam"] {
        fs::remove_file(copy.root.join(file)).unwrap();
    }
}

/// A database that was pushed is told what comes next, as no failure.
fn pushed_ahead(copy: &Copy, world: &World) {
    let doctor = copy.run(world, "-q db doctor").ok();
    assert!(doctor.stdout.contains("pushed ahead of the migrations"), "{doctor}");
    assert!(doctor.stdout.contains("db generate") && !doctor.stdout.contains('✗'), "{doctor}");
    let status = copy.run(world, "db status").ok();
    assert!(status.stdout.contains("ahead of the migrations") && status.stdout.contains("db generate"), "{status}");
    assert!(!status.stdout.contains("drop column"), "{status}");
    let refused = copy.run(world, "db migrate --no-input");
    assert!(refused.stderr.contains("db generate"), "{refused}");
    let status = copy.run(world, "db status --exit-code -o json").exits(3);
    assert!(status.stdout.contains(r#""pushedAhead": true"#), "{status}");
}

/// Writes the migration, declares what the tests ask for, and builds with both.
fn generated(copy: &Copy) {
    let world = World::bare();
    copy.run(&world, "db generate --check").exits(3);
    let written = copy.run(&world, "db generate add_new_table -o json").ok();
    assert_eq!(written.json()["files"].as_array().unwrap().len(), 5);
    copy.run(&world, "db generate").ok();
    copy.change(
        "src/entity/badge.rs",
        &[
            ("use sea_orm::entity::prelude::*;\n", "use sea_orm::entity::prelude::*;\n\nuse super::privacy::Erase;\n"),
            (
                "impl ActiveModelBehavior for ActiveModel {}\n",
                "impl ActiveModelBehavior for ActiveModel {}\n\nimpl Entity {\n    /// See [`Erase`].\n    pub const \
                 ERASE: Erase<Column> = Erase::Delete;\n}\n",
            ),
        ],
    );
    copy.build();
    copy.run(&world, "db generate --check").ok();
}

/// Migrate, rollback, backup and restore of what a migration makes.
fn migrated(copy: &Copy, world: &World) {
    // Pushed before: the migration finds its work done, or takes the database on from where it was.
    copy.run(world, "db migrate").ok();
    copy.run(world, "db status --exit-code").ok();
    copy.run(world, "user erase pilot123 --confirm pilot123").ok();
    assert_eq!(world.query(r#"SELECT count(*) FROM "badges""#), "0");

    let fresh = World::empty(world.engine());
    fresh.run("db migrate").ok();
    fresh.run("user add 1 pilot123").ok();
    copy.run(&fresh, "db migrate").ok();
    fresh.query(r#"INSERT INTO "badges" ("userId") VALUES ('1'), ('1')"#);
    copy.run(&fresh, &format!("db rollback --confirm {}", fresh.name())).ok();
    assert_eq!(fresh.query(r#"SELECT "username" FROM "users""#), "pilot123");
    copy.run(&fresh, "db migrate").ok();
    copy.run(&fresh, "db diff --exit-code").ok();
    fresh.query(r#"INSERT INTO "badges" ("userId") VALUES ('1'), ('1')"#);
    copy.run(&fresh, "db backup --file made.skyteam").ok();
    let restored = World::empty(world.engine());
    copy.run(&restored, "db restore made.skyteam").ok();
    assert_eq!(rows(&restored, "badges"), rows(&fresh, "badges"));
    // The database goes on counting where it was, and so does one of the other engine.
    let other = World::empty(if world.engine() == Engine::Postgres { Engine::Sqlite } else { Engine::Postgres });
    copy.run(&fresh, &format!("db transfer --to {}", other.url())).ok();
    let back = World::empty(world.engine());
    copy.run(&other, &format!("db transfer --to {}", back.url())).ok();
    for counting in [&restored, &other, &back] {
        counting.query(r#"INSERT INTO "badges" ("userId") VALUES ('1')"#);
        assert_eq!(counting.query(r#"SELECT count(DISTINCT "badgeId") FROM "badges""#), "3");
    }
    copy.run(&restored, &format!("db reset --confirm {}", restored.name())).ok();
    assert_eq!(rows(&restored, "badges"), "");
    fs::remove_file(copy.root.join("made.skyteam")).unwrap();
}
