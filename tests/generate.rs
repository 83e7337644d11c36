//! `db generate`: migrations written from the snapshot and the entities, and what they do when they run.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use migration::{Migration, Scripts, all};
use skyteam::schema::generate::{Generated, generate};
use skyteam::schema::model::{
    Action, Column, Constraint, ForeignKey, Index, Kind, PerEngine, Rule, Shape, Table, Value,
};
use skyteam::schema::snapshot::{Last, of};
use skyteam::schema::{Backfill, Rename, Request, Schema, desired};

use crate::support::{Engine, Library, World, both};

/// A source tree in the world's folder, whose newest migration left `schema`.
fn source_tree(world: &World, schema: &Schema) -> PathBuf {
    let folder = world.work().join("migration");
    let last = folder.join("20261123000000_safety");
    std::fs::create_dir_all(&last).unwrap();
    std::fs::write(folder.join("Cargo.toml"), "").unwrap();
    std::fs::write(folder.join("build.rs"), "").unwrap();
    std::fs::write(last.join("schema.json"), schema.to_json().unwrap()).unwrap();
    folder
}

fn folders(tree: &Path) -> Vec<String> {
    let names = std::fs::read_dir(tree).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with('2')).collect();
    names.sort();
    names
}

fn snapshot(at: usize) -> Schema {
    of(&all()[at]).unwrap()
}

fn read(folder: &Path) -> Migration {
    let file = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (version, name) = folder.file_name().unwrap().to_str().unwrap().split_once('_').unwrap();
    let scripts = Scripts {
        postgres_up: file("postgres.up.sql").into(),
        postgres_down: file("postgres.down.sql").into(),
        sqlite_up: file("sqlite.up.sql").into(),
        sqlite_down: file("sqlite.down.sql").into(),
    };
    Migration::new(version, name, scripts, file("schema.json"))
}

#[both]
fn what_is_written_makes_the_same_as_those_by_hand(world: &mut World) {
    // From where the second migration left off to what the entities ask for, in one step.
    let tree = source_tree(world, &snapshot(1));
    let output = world.run("db generate -o json").json();
    let [last, folder] = folders(&tree).try_into().unwrap();
    assert_eq!(last, "20261123000000_safety");
    assert_eq!(output["files"].as_array().unwrap().len(), 5);
    let written = read(&tree.join(folder));
    assert_eq!(written.schema_json(), desired().unwrap().to_json().unwrap());
    // Written once: the second run finds it.
    insta::assert_snapshot!(world.run("db generate"), @r"
    exit: 0
    --- stdout
    Nothing to do: the migrations make what the entities ask for.
    ");

    let by_hand = match world.engine() {
        Engine::Postgres => World::postgres(),
        Engine::Sqlite => World::sqlite(),
    };
    by_hand.run("db migrate").ok();
    let set = [all()[0].clone(), all()[1].clone(), written];
    Library(world).up(&set).unwrap();
    assert_eq!(canonical(&world.catalogue()), canonical(&by_hand.catalogue()));
    // The way down is held against the snapshot before.
    Library(world).down(&set, 1).unwrap();
}

#[test]
fn twenty_runs_write_the_same_bytes() {
    let world = World::bare();
    let tree = source_tree(&world, &snapshot(1));
    let texts = || {
        world.call("db generate ledger").at("2027-01-02T03:04:05Z").run().ok();
        let folder = tree.join("20270102030405_ledger");
        let files = ["postgres.up.sql", "postgres.down.sql", "sqlite.up.sql", "sqlite.down.sql", "schema.json"];
        let texts = files.map(|file| std::fs::read_to_string(folder.join(file)).unwrap());
        std::fs::remove_dir_all(folder).unwrap();
        texts
    };
    let first = texts();
    for _ in 0..20 {
        assert_eq!(texts(), first);
    }
}

#[test]
fn nothing_is_written_where_nothing_differs_or_no_source_is() {
    let world = World::bare();
    insta::assert_snapshot!(world.run("db generate").exits(6), @r"
    exit: 6
    --- stderr
    error: no migration folder in ~/work or above
      why  this is a developer's command: it writes into the source tree of skyteam
      fix  run it inside the repository
    ");
    let tree = source_tree(&world, &desired().unwrap());
    insta::assert_snapshot!(world.run("db generate"), @r"
    exit: 0
    --- stdout
    Nothing to do: the migrations make what the entities ask for.
    ");
    assert_eq!(folders(&tree).len(), 1);
    world.run("db generate --check").ok();
    let behind = World::bare();
    source_tree(&behind, &snapshot(1));
    assert!(behind.run("db generate --check").exits(3).stdout.contains("ahead of the migrations"));
    // The check needs no source tree: it compares what is built in.
    insta::assert_snapshot!(World::bare().run("db generate --check"), @r"
    exit: 0
    --- stdout
    The migrations make what the entities ask for.
    ");
    world.run("db generate --check name").exits(2);
}

#[test]
fn an_empty_one_is_for_writing_by_hand() {
    let world = World::bare();
    let tree = source_tree(&world, &desired().unwrap());
    world.call("db generate 'Fix the codes' --empty").at("2027-01-02T03:04:05Z").run().ok();
    let written = read(&tree.join("20270102030405_fix_the_codes"));
    assert_eq!(written.schema_json(), desired().unwrap().to_json().unwrap());
    insta::assert_snapshot!(written.up(migration::Engine::Postgres), @r"
    -- Written by skyteam db generate. It may be edited until it has been applied somewhere.

    -- Write the way up here.
    ");
    world.run("db generate … --empty").exits(2);
}

#[test]
fn a_drop_needs_consent_and_a_rename_is_never_guessed() {
    let world = World::bare();
    let mut schema = desired().unwrap();
    let extra = Column { nullable: true, ..Column::new("motto", Kind::Text) };
    schema.table_mut("airlines").unwrap().columns.push(extra.clone());
    let tree = source_tree(&world, &schema);
    insta::assert_snapshot!(world.run("db generate").exits(9), @r"
    exit: 9
    --- stderr
    error: data would be lost: a confirmation is needed
      why  The migration would lose airlines.motto wherever it runs.
      fix  add --confirm skyteam
    ");
    assert_eq!(folders(&tree).len(), 1);
    world.run("db generate --yes").exits(9);
    world.run("db generate --confirm skyteam").ok();
    let written = read(&tree.join("20261123000001_drop_column_airlines_motto"));
    assert_eq!(written.loses(migration::Engine::Sqlite, migration::Direction::Up), ["airlines.motto"]);

    // One column goes, one of its type comes.
    let world = World::bare();
    schema.table_mut("airlines").unwrap().columns.retain(|column| column.name != "inviteLink");
    let tree = source_tree(&world, &schema);
    insta::assert_snapshot!(world.run("db generate").exits(9), @r"
    exit: 9
    --- stderr
    error: a column would go while one of the same type comes
      why  airlines.motto may have become airlines.inviteLink, and its values would be lost
      fix  add --rename airlines.motto=inviteLink    if it is the same column
           add --confirm skyteam    if the values may go
    ");
    world.run("db generate moved --rename airlines.motto=inviteLink").ok();
    let written = read(&tree.join("20261123000001_moved"));
    insta::assert_snapshot!(written.up(migration::Engine::Postgres), @r#"
    -- Written by skyteam db generate. It may be edited until it has been applied somewhere.

    -- rename column airlines.motto to inviteLink
    -- cost: changes the catalogue only: no row is read or written
    ALTER TABLE "airlines" RENAME COLUMN "motto" TO "inviteLink";

    -- set the default of airlines.inviteLink
    -- cost: changes the catalogue only: no row is read or written
    ALTER TABLE "airlines" ALTER COLUMN "inviteLink" SET DEFAULT 'https://discord.gg/skyteam';

    -- refuse NULL in airlines.inviteLink
    -- cost: reads every row of the table once
    ALTER TABLE "airlines" ALTER COLUMN "inviteLink" SET NOT NULL;
    "#);
    insta::assert_snapshot!(written.down(migration::Engine::Sqlite), @r#"
    -- Written by skyteam db generate. It may be edited until it has been applied somewhere.

    -- rename column airlines.inviteLink to motto
    -- cost: changes the catalogue only: no row is read or written
    ALTER TABLE "airlines" RENAME COLUMN "inviteLink" TO "motto";

    -- make table airlines anew: drop the default of airlines.motto, allow NULL in airlines.motto
    -- cost: writes every row of the table anew, and all its indexes
    CREATE TABLE "_skyteam_new_airlines" (
      "airlineId" TEXT NOT NULL,
      "name" TEXT NOT NULL,
      "token" TEXT NOT NULL,
      "serverId" TEXT NOT NULL DEFAULT '1122953128703168532',
      "createdAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
      "updatedAt" TEXT NOT NULL DEFAULT (rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.')),
      "motto" TEXT,
      CONSTRAINT "airlines_pkey" PRIMARY KEY ("airlineId"),
      CONSTRAINT "airlines_token_unique" UNIQUE ("token")
    ) STRICT;
    INSERT INTO "_skyteam_new_airlines" ("airlineId", "name", "token", "serverId", "createdAt", "updatedAt", "motto")
      SELECT "airlineId", "name", "token", "serverId", "createdAt", "updatedAt", "motto" FROM "airlines" ORDER BY rowid;
    DROP TABLE "airlines";
    PRAGMA legacy_alter_table = ON;
    ALTER TABLE "_skyteam_new_airlines" RENAME TO "airlines";
    PRAGMA legacy_alter_table = OFF;
    "#);
}

/// Ways in which a schema may go on from here, each with what a developer would ask for.
fn evolutions() -> Vec<(&'static str, Schema, Request)> {
    let text = |name: &str| Column { nullable: true, ..Column::new(name, Kind::Text) };
    let mut all = Vec::new();
    let mut evolve = |name, request: Request, change: &dyn Fn(&mut Schema)| {
        let mut schema = desired().unwrap();
        change(&mut schema);
        all.push((name, schema, request));
    };
    evolve("a column", Request::default(), &|schema| {
        schema.table_mut("users").unwrap().columns.push(text("homeAirport"));
    });
    evolve(
        "a column filled",
        Request {
            backfills: vec![Backfill { table: "users".into(), column: "rank".into(), value: "3".into() }],
            ..Request::default()
        },
        &|schema| {
            let column = Column::new("rank", Kind::Integer);
            schema.table_mut("users").unwrap().columns.push(column);
        },
    );
    evolve("a column dropped", Request::default(), &|schema| {
        schema.table_mut("users").unwrap().columns.retain(|column| column.name != "avatarUrl");
    });
    evolve(
        "a column renamed",
        Request {
            renames: vec![Rename { table: "users".into(), from: "displayName".into(), to: "shownName".into() }],
            ..Request::default()
        },
        &|schema| {
            let users = schema.table_mut("users").unwrap();
            users.columns.iter_mut().find(|column| column.name == "displayName").unwrap().name = "shownName".into();
        },
    );
    evolve("a type and a default", Request::default(), &|schema| {
        let users = schema.table_mut("users").unwrap();
        let miles = users.columns.iter_mut().find(|column| column.name == "miles").unwrap();
        (miles.kind, miles.default) = (Kind::BigInteger, Some(Value::Integer(100)));
    });
    evolve("a check and an index", Request::default(), &|schema| {
        let users = schema.table_mut("users").unwrap();
        let sql = PerEngine { postgres: "\"displayName\" <> ''::text".into(), sqlite: "\"displayName\" <> ''".into() };
        users.constraints.push(Constraint { name: "users_displayName_check".into(), rule: Rule::Check(sql) });
        let shape = Shape::Columns { columns: vec!["displayName".into()], unique: false, filter: None };
        users.indexes.push(Index { name: "users_displayName_idx".into(), shape });
    });
    evolve("a table that refers to another", Request::default(), &|schema| {
        let key = ForeignKey {
            columns: vec!["userId".into()],
            table: "users".into(),
            references: vec!["userId".into()],
            on_update: Action::NoAction,
            on_delete: Action::Cascade,
        };
        schema.tables.push(Table {
            name: "badges".into(),
            columns: vec![Column::new("badgeId", Kind::Text), Column::new("userId", Kind::Text)],
            constraints: vec![
                Constraint { name: "badges_pkey".into(), rule: Rule::PrimaryKey(vec!["badgeId".into()]) },
                Constraint { name: "badges_userId_users_userId_fk".into(), rule: Rule::ForeignKey(key) },
            ],
            ..Table::default()
        });
    });
    evolve("a table dropped", Request::default(), &|schema| {
        schema.tables.retain(|table| table.name != "milesProducts");
    });
    all
}

fn migration_of(generated: Generated) -> Migration {
    let (version, name) = generated.folder.split_once('_').unwrap();
    let file = |name: &str| generated.files.iter().find(|(file, _)| *file == name).unwrap().1.clone();
    let scripts = Scripts {
        postgres_up: file("postgres.up.sql").into(),
        postgres_down: file("postgres.down.sql").into(),
        sqlite_up: file("sqlite.up.sql").into(),
        sqlite_down: file("sqlite.down.sql").into(),
    };
    Migration::new(version, name, scripts, file("schema.json"))
}

#[both]
fn every_way_up_reaches_its_snapshot_and_every_way_down_comes_back(world: &mut World) {
    world.run("db migrate").ok();
    world.query(
        "INSERT INTO users (\"userId\", username, \"displayName\", miles) VALUES ('1', 'pilot123', 'Pilot', 640)",
    );
    world.query(
        "INSERT INTO \"milesTransactions\" (\"userId\", amount, type, source) VALUES ('1', 640, 'earn', 'event')",
    );
    let before = world.catalogue();
    let now: DateTime<Utc> = "2027-01-02T03:04:05Z".parse().unwrap();
    let last = Last { version: all().last().unwrap().version().to_owned(), schema: desired().unwrap() };
    for (name, schema, request) in evolutions() {
        let generated = generate(&last, &schema, &request, None, now).unwrap().unwrap();
        let generated = migration_of(generated);
        if name == "a type and a default" {
            // To SQLite both types are one.
            let engine = migration::Engine::Postgres;
            assert!(generated.up(engine).contains("\n-- data: loses nothing: every value is one of the new type\n"));
            assert!(generated.down(engine).contains("\n-- data: values that do not fit the new type are named first"));
        }
        let mut set = all().to_vec();
        set.push(generated);
        // Both runs hold the outcome against the snapshot: what is not reached is an error.
        Library(world).up(&set).unwrap_or_else(|error| panic!("{name}, up: {error:?}"));
        Library(world).down(&set, 1).unwrap_or_else(|error| panic!("{name}, down: {error:?}"));
        assert_eq!(canonical(&world.catalogue()), canonical(&before), "{name}");
        assert_eq!(world.query("SELECT miles FROM users"), "640", "{name}");
        assert_eq!(world.query("SELECT amount FROM \"milesTransactions\""), "640", "{name}");
    }
}

/// A column that came back stands last in its table: no difference that anybody could see but here.
fn canonical(catalogue: &str) -> Vec<String> {
    let mut words: Vec<String> = catalogue.split([',', '\n']).map(|part| part.trim().to_owned()).collect();
    words.sort();
    words
}
