//! `docs/schema-changes.md`, done as it says in a copy of this repository: columns in the middle of a table, the page's own
//! new table, one that refers to users, and one with a column of each type; on both engines, with the programs that a
//! developer would build.
//!
//! The copy shares what was built of the dependencies, so that two builds of this crate alone are what it costs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

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
            let crates = ["skyteam-", "migration-", "all-", "ledger-", "airline_api-"];
            if !crates.iter().any(|own| name.trim_start_matches("lib").starts_with(own)) {
                link_all(&entry.path(), &to.join(&*name));
            }
        }
    } else if !to.exists() {
        // A file that another build has just replaced is built anew.
        let _ = fs::hard_link(from, to);
    }
}

const NEW_TABLE: &str = r#"//! `newTable`: the guide's example.

use sea_orm::entity::prelude::*;

use super::privacy::Mask;
use super::types::Id;

/// A thing with a name.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "newTable", rename_all = "camelCase")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false, default_expr = "Expr::cust(\"gen_random_uuid()\")")]
    pub id: Id,
    /// Name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// What a copy made with `--anonymize` holds of each column.
    pub const ANONYMIZE: &'static [(Column, Mask)] = &[(Column::Id, Mask::Keep), (Column::Name, Mask::Replace)];
}
"#;

const BADGE: &str = r#"//! `badges`: what users have earned.

use sea_orm::entity::prelude::*;

/// A badge of a user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "badges", rename_all = "camelCase")]
pub struct Model {
    /// Key, given by the database.
    #[sea_orm(primary_key)]
    pub badge_id: i64,
    /// Whose it is.
    #[sea_orm(column_type = "Text")]
    pub user_id: String,
    /// Whose it is.
    #[sea_orm(belongs_to, from = "user_id", to = "user_id")]
    pub user: BelongsTo<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
"#;

const EVERY_TYPE: &str = r#"//! `everyType`: a column of each type.

use sea_orm::entity::prelude::*;

use super::types::{Id, Timestamp};

/// One of a few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "mood")]
pub enum Mood {
    /// Well.
    #[sea_orm(string_value = "good")]
    Good,
    /// Not so well.
    #[sea_orm(string_value = "bad")]
    Bad,
}

/// A row of everything.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "everyType", rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, default_expr = "Expr::cust(\"gen_random_uuid()\")")]
    pub id: Id,
    pub plain: Option<String>,
    #[sea_orm(column_type = "String(StringLen::N(20))")]
    pub sized: Option<String>,
    #[sea_orm(column_type = "Char(Some(3))")]
    pub code: Option<String>,
    pub small: Option<i16>,
    pub whole: Option<i32>,
    pub big: Option<i64>,
    pub real: Option<f32>,
    pub double: Option<f64>,
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub price: Option<Decimal>,
    pub truth: Option<bool>,
    pub at: Option<Timestamp>,
    pub instant: Option<DateTimeUtc>,
    pub day: Option<Date>,
    pub time: Option<Time>,
    #[sea_orm(column_type = "Interval(None, None)")]
    pub length: Option<String>,
    #[sea_orm(column_type = "Json")]
    pub json: Option<Json>,
    #[sea_orm(column_type = "JsonBinary")]
    pub jsonb: Option<Json>,
    pub bytes: Option<Vec<u8>>,
    #[sea_orm(column_type = "Inet")]
    pub inet: Option<String>,
    #[sea_orm(column_type = "Cidr")]
    pub cidr: Option<String>,
    #[sea_orm(column_type = "MacAddr")]
    pub mac: Option<String>,
    #[sea_orm(column_type = "Bit(Some(3))")]
    pub bit: Option<String>,
    #[sea_orm(column_type = "VarBit(8)")]
    pub varbit: Option<String>,
    pub mood: Option<Mood>,
    pub list: Option<Vec<i32>>,
}

impl ActiveModelBehavior for ActiveModel {}
"#;

/// A row of everything in each engine's words.
fn everything(engine: Engine) -> String {
    let (bytes, list) = match engine {
        Engine::Postgres => (r"'\xc0ff09'", "'{1,-2,NULL}'"),
        Engine::Sqlite => ("X'C0FF09'", "'[1,-2,null]'"),
    };
    format!(
        r#"INSERT INTO "everyType" ("plain", "sized", "code", "small", "whole", "big", "real", "double", "price", "truth",
            "at", "instant", "day", "time", "length", "json", "jsonb", "bytes", "inet", "cidr", "mac", "bit", "varbit",
            "mood", "list")
        VALUES ('tab	and \ and "', 'it''s', 'abc', -5, 7, 5000000000, 1.5, 0.1, 12.25, {truth},
            '2026-11-22 18:00:00.5', '2026-11-22 18:00:00.25+00:00', '2026-11-22', '18:30:00', '1 day 02:00:00',
            '{{"a": [1, null]}}', '{{"b": "c"}}', {bytes}, '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '101', '10',
            'good', {list})"#,
        truth = if engine == Engine::Postgres { "true" } else { "1" }
    )
}

/// All rows of a new table, in one order.
fn rows(world: &World, table: &str) -> String {
    if table == "users" {
        // A column that was added to a table stands last there, and in a restored one where its entity has it.
        let columns = r#""userId", "username", "miles", "points", "tier", "favourite", "createdAt""#;
        return world.query(&format!(r#"SELECT {columns} FROM "users" ORDER BY 1"#));
    }
    if table == "everyType" && world.engine() == Engine::Sqlite {
        // Bytes are no text.
        let columns = world.query("SELECT group_concat(iif(name = 'bytes', 'hex(\"bytes\")', '\"' || name || '\"'), ', ') FROM pragma_table_info('everyType')");
        return world.query(&format!(r#"SELECT {columns} FROM "everyType" ORDER BY 1"#));
    }
    world.query(&format!(r#"SELECT * FROM "{table}" ORDER BY 1"#))
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
                 favourite: Option<f64>,\n    /// Picture, if there is one.",
            ),
            ("        (Column::Miles, Mask::Keep),", "        (Column::Miles, Mask::Keep),\n        (Column::Points, Mask::Keep),"),
        ],
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
}

/// Diff, push, use, backup, verify, restore and transfer of what no migration makes yet.
fn ahead_of_migrations(copy: &Copy, world: &World) {
    // A database that the program of before has made and filled.
    world.run("db push").ok();
    world.run("db seed --users 5 --flights 3").ok();
    let diff = copy.run(world, "db diff -o json").ok();
    for new in ["newTable", "badges", "everyType", "users.points", "users.tier"] {
        assert!(diff.stdout.contains(new), "{new}: {diff}");
    }
    copy.run(world, "db push").ok();
    copy.run(world, "db diff --exit-code").ok();

    // Lists, shows, JSON, CSV, sorting, adding, editing, importing and exporting have the columns.
    let list = copy.run(world, "user list -o json --sort -points,tier --columns userId,points,tier").ok().json();
    assert_eq!((&list[0]["points"], &list[0]["tier"]), (&3.into(), &"blue".into()));
    let csv = copy.run(world, "user list -o csv").ok();
    assert!(csv.stdout.starts_with("userId,username,displayName,miles,points,tier,favourite,avatarUrl,"), "{csv}");
    copy.run(world, "user add 4711 pilot123 --points 9 --tier gold").ok();
    let shown = copy.run(world, "user show pilot123 -o json").ok().json();
    assert_eq!((&shown["points"], &shown["tier"], &shown["favourite"]), (&9.into(), &"gold".into(), &Value::Null));
    assert!(copy.run(world, "user show pilot123").ok().stdout.contains("gold"));
    let edited = copy.run(world, "user edit pilot123 --tier silver --favourite 1.5 --yes").ok();
    assert!(edited.stderr.contains("tier: gold → silver"), "{edited}");
    copy.run(world, "user edit pilot123 --no-favourite --yes").ok();
    copy.run(world, "user edit pilot123 --points many --yes").exits(2);
    let file = world.work().join("users.csv");
    fs::write(&file, "userId,username,points,tier\n4711,,10,\n4712,second,11,green\n").unwrap();
    copy.run(world, &format!("user import {} --yes", file.display())).ok();
    assert_eq!(
        world.query(r#"SELECT "points", "tier" FROM "users" WHERE "userId" IN ('4711', '4712') ORDER BY "userId""#),
        "10|silver\n11|green"
    );
    copy.run(world, "miles award pilot123 500 --note welcome").ok();

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
    // The database goes on counting where it was.
    restored.query(r#"INSERT INTO "badges" ("userId") VALUES ('1')"#);
    assert_eq!(restored.query(r#"SELECT count(DISTINCT "badgeId") FROM "badges""#), "3");
    copy.run(&restored, &format!("db reset --confirm {}", restored.name())).ok();
    assert_eq!(rows(&restored, "badges"), "");
    fs::remove_file(copy.root.join("made.skyteam")).unwrap();
}
