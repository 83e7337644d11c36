//! The migration folders themselves: what their scripts make, that they undo each other, and that a program may run
//! them through `sea-orm-migration`. The commands that run them have tests of their own.

use migration::{Engine as Dialect, Migration, Migrator, all};
use sea_orm_migration::{MigrationStatus, MigratorTrait};
use skyteam::schema::{self, dialect};

use crate::support::{DRIZZLE, Engine, World, block_on, both};

fn dialect_of(world: &World) -> Dialect {
    match world.engine() {
        Engine::Postgres => Dialect::Postgres,
        Engine::Sqlite => Dialect::Sqlite,
    }
}

fn up(world: &World, migration: &Migration) {
    world.query(&format!("BEGIN;\n{}\nCOMMIT", migration.up(dialect_of(world))));
}

fn down(world: &World, migration: &Migration) {
    world.query(&format!("BEGIN;\n{}\nCOMMIT", migration.down(dialect_of(world))));
}

fn another(world: &World) -> World {
    let other = match world.engine() {
        Engine::Postgres => World::postgres(),
        Engine::Sqlite => World::sqlite(),
    };
    other.touch();
    other
}

#[test]
fn version_one_is_what_drizzle_kit_makes() {
    let (adopted, made) = (World::postgres(), World::postgres());
    adopted.psql(DRIZZLE.as_ref());
    up(&made, &all()[0]);
    assert_eq!(made.catalogue(), adopted.catalogue());
}

#[both]
fn all_versions_make_what_the_entities_ask_for(world: &mut World) {
    world.touch();
    for migration in all() {
        up(world, migration);
    }
    let asked = another(world);
    let engine = match world.engine() {
        Engine::Postgres => {
            asked.query("CREATE SCHEMA skyteam");
            skyteam::db::Engine::Postgres
        }
        Engine::Sqlite => skyteam::db::Engine::Sqlite,
    };
    asked.query(&dialect::script(&dialect::create(&schema::desired().unwrap(), engine)));
    assert_eq!(world.catalogue(), asked.catalogue());
}

#[test]
fn the_last_snapshot_is_what_the_entities_ask_for() {
    assert_eq!(all().last().unwrap().schema_json(), schema::desired().unwrap().to_json().unwrap());
}

#[both]
fn each_way_down_undoes_its_way_up(world: &mut World) {
    world.touch();
    if world.engine() == Engine::Postgres {
        world.query("CREATE SCHEMA skyteam");
    }
    let mut before = Vec::new();
    for migration in all() {
        before.push(world.catalogue());
        up(world, migration);
    }
    for (migration, before) in all().iter().zip(before).rev() {
        down(world, migration);
        assert_eq!(world.catalogue(), before, "{}", migration.folder());
    }
}

#[both]
fn rows_survive_the_way_up_and_down(world: &mut World) {
    world.touch();
    up(world, &all()[0]);
    world.query(
        "INSERT INTO airlines (\"airlineId\", name, token) VALUES ('klm', 'KLM', 't');
         INSERT INTO users (\"userId\", username, \"displayName\", miles) VALUES ('1', 'pilot123', 'Pilot', -5);
         INSERT INTO brands (\"brandId\", \"airlineId\", name, iata, icao, callsign)
           VALUES ('klm', 'klm', 'KLM', 'KL', 'KLM', 'KLM');
         INSERT INTO flights (id, code, \"gameId\", aircraft, \"airlineId\", \"brandId\", departure, arrival)
           VALUES ('6e1fcd70-4528-4d8b-a6d6-bbedb9210096', 'KL1', 'g', 'B738', 'klm', 'klm', 'AMS', 'JFK');
         INSERT INTO \"flightPassengers\" (\"flightId\", \"userId\", miles)
           VALUES ('6e1fcd70-4528-4d8b-a6d6-bbedb9210096', '1', 250);
         INSERT INTO \"milesTransactions\" (\"userId\", amount, type, source) VALUES ('1', 250, 'earn', 'flight');
         INSERT INTO \"milesProducts\" (\"productId\", \"airlineId\", name, \"priceMiles\")
           VALUES ('abc123', 'klm', 'Cap', 100)",
    );
    let rows = |world: &World| {
        ["users", "airlines", "brands", "flights", "flightPassengers", "milesTransactions", "milesProducts"]
            .map(|table| world.query(&format!("SELECT * FROM \"{table}\"")))
    };
    let before = rows(world);
    for migration in &all()[1..] {
        up(world, migration);
    }
    assert_eq!(world.query("SELECT amount FROM \"milesTransactions\""), "250");
    for migration in all()[1..].iter().rev() {
        down(world, migration);
    }
    assert_eq!(rows(world), before);
}

#[both]
fn a_program_runs_them_through_the_library(world: &mut World) {
    world.touch();
    block_on(async {
        let db = sea_orm::Database::connect(world.url()).await.unwrap();
        let pending = Migrator::get_pending_migrations_read_only(&db).await.unwrap();
        assert_eq!(pending.len(), all().len());

        Migrator::up(&db, Some(1)).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let listed = Migrator::get_migration_with_status(&db).await.unwrap();
        assert!(listed.iter().all(|migration| migration.status() == MigrationStatus::Applied));
        assert_eq!(listed[0].name(), "20240101000000_baseline");

        Migrator::down(&db, Some(1)).await.unwrap();
        assert_eq!(Migrator::get_pending_migrations(&db).await.unwrap().len(), 1);
        Migrator::refresh(&db).await.unwrap();
        assert!(Migrator::get_pending_migrations(&db).await.unwrap().is_empty());
        assert!(Migrator::fresh(&db).await.is_err(), "other people's tables are not dropped");
        Migrator::reset(&db).await.unwrap();
        assert!(Migrator::get_applied_migrations(&db).await.unwrap().is_empty());
        db.close().await.unwrap();
    });
    let left = match world.engine() {
        Engine::Postgres => "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
        Engine::Sqlite => {
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_skyteam%' ESCAPE '\\'"
        }
    };
    assert_eq!(world.query(left), "0");
}

#[both]
fn a_failure_names_the_statement_and_its_line(world: &mut World) {
    world.touch();
    let script = "-- a comment\nCREATE TABLE a (n integer);\n\nINSERT INTO a\n  VALUES (1),\n  (oops);\n";
    let scripts = migration::Scripts {
        postgres_up: script.into(),
        postgres_down: "".into(),
        sqlite_up: script.into(),
        sqlite_down: "".into(),
    };
    let bad = Migration::new("20270101000000", "bad", scripts, "{}");
    let error = block_on(async {
        let db = sea_orm::Database::connect(world.url()).await.unwrap();
        let error = migration::runner::run(&db, &bad, migration::Direction::Up).await.unwrap_err();
        db.close().await.unwrap();
        error
    });
    let migration::runner::RunError::Statement { file, number, line, .. } = error else { panic!("{error}") };
    // SQLite does not say where in the statement.
    let expected = if world.engine() == Engine::Postgres { 6 } else { 4 };
    assert_eq!((number, line), (2, expected));
    assert!(file.starts_with("migration/20270101000000_bad/"), "{file}");
}

#[test]
fn the_library_runs_them_in_memory_too() {
    block_on(async {
        let db = sea_orm::Database::connect("sqlite::memory:").await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        assert!(Migrator::get_pending_migrations(&db).await.unwrap().is_empty());
        // What the runner turned off for itself is still on for everybody else.
        let foreign_keys = sea_orm::ConnectionTrait::execute_unprepared(
            &db,
            "INSERT INTO brands (\"brandId\", \"airlineId\", name, iata, icao, callsign) VALUES ('a', 'none', '', '', '', '')",
        );
        assert!(foreign_keys.await.is_err());
    });
}
