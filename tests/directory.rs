//! What keeps a write to the directory from happening, for each noun of it: the server, the rights, a lock, a person. Nothing is
//! changed then, and the exit code says which it was. `tests/flight` has the same for flights.

use crate::support::{Engine, Holder, World, both, eventually, signal};

/// One row of each noun.
fn one_of_each(world: &World) {
    world.query(
        r#"INSERT INTO "users" ("userId", "username", "displayName") VALUES ('1', 'ann', 'Ann'), ('2', 'bob', 'Bob');
        INSERT INTO "airlines" ("airlineId", "name", "token") VALUES ('delta', 'Delta', 'secret-delta');
        INSERT INTO "brands" ("brandId", "airlineId", "name", "iata", "icao", "callsign", "isPrimary") VALUES
            ('dl', 'delta', 'Delta', 'DL', 'DAL', 'DELTA', true), ('dx', 'delta', 'Express', 'DX', 'DLX', 'EXPRESS', false);
        INSERT INTO "milesProducts" ("productId", "airlineId", "name", "priceMiles") VALUES ('abc123', 'delta', 'Pass', 5)"#,
    );
}

const WRITES: [&str; 12] = [
    "user add 9 zoe",
    "user edit ann --display-name X --yes",
    "user erase ann --confirm ann",
    "user import in.csv --yes",
    "airline add klm KLM",
    "airline edit delta --name X --yes",
    "airline token rotate delta --yes",
    "brand add kl KLM --airline delta --iata KL --icao KLM --callsign KLM",
    "brand edit dl --name X --yes",
    "brand primary dx --yes",
    "product add X --airline delta --price 5",
    "product edit abc123 --name X --yes",
];

/// Every row of every table of the directory, as text.
fn all(world: &World) -> String {
    ["users", "airlines", "brands", r#""milesProducts""#, r#""milesTransactions""#]
        .map(|table| world.query(&format!("SELECT * FROM {table} ORDER BY 1")))
        .join("\n")
}

/// Claims that each write ends with this exit code and leaves everything as it was.
#[track_caller]
fn all_end(world: &World, exit: i32, flags: &str) {
    std::fs::write(world.work().join("in.csv"), "userId,username\n1,anna\n9,zoe\n").unwrap();
    for write in WRITES {
        let told = world.run(format!("{write} {flags} -o json")).exits(exit);
        let error = told.error();
        assert_eq!((&error["exit"], &error["retryable"]), (&exit.into(), &matches!(exit, 7 | 11).into()), "{told}");
        assert_eq!(told.stdout, "");
    }
}

#[test]
fn a_server_that_is_gone_is_told_by_every_write() {
    let mut world = World::ready(Engine::Postgres);
    world.set("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
    all_end(&world, 7, "");
}

#[test]
fn a_missing_right_is_told_by_every_write() {
    let world = World::ready(Engine::Postgres);
    one_of_each(&world);
    let before = all(&world);
    for table in ["users", "airlines", "brands", r#""milesProducts""#] {
        world.query(&format!("REVOKE INSERT, UPDATE ON {table} FROM {}", world.role()));
    }
    all_end(&world, 8, "");
    assert_eq!(all(&world), before);
}

#[test]
fn a_lock_is_told_by_every_write() {
    let world = World::ready(Engine::Postgres);
    one_of_each(&world);
    let before = all(&world);
    let held = Holder::takes(&world, r#"LOCK TABLE users, airlines, brands, "milesProducts" IN EXCLUSIVE MODE"#);
    all_end(&world, 11, "--statement-timeout 200");
    drop(held);
    assert_eq!(all(&world), before);
}

#[test]
fn a_locked_file_is_told_by_every_write() {
    let mut world = World::ready(Engine::Sqlite);
    one_of_each(&world);
    let before = all(&world);
    let url = world.url();
    let file = world.work().join("skyteam.db");
    world.set("DATABASE_URL", format!("{url}?busy_timeout=50"));
    crate::support::block_on(async {
        use sqlx::{ConnectOptions, Connection, Executor};
        let mut other = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        all_end(&world, 11, "");
        other.execute("ROLLBACK").await.unwrap();
        other.close().await.unwrap();
    });
    assert_eq!(all(&world), before);
}

#[test]
fn an_interrupt_in_the_middle_of_a_write_leaves_nothing_of_it() {
    let world = World::ready(Engine::Postgres);
    one_of_each(&world);
    world.query(
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "note", "createdAt") VALUES
        ('2', 1, 'earn', 'event', 'from ann', '2025-01-01'), ('2', 2, 'earn', 'event', 'for ann', '2025-01-02')"#,
    );
    let before = all(&world);
    // The first note is scrubbed when it comes to the second.
    let held = Holder::takes(
        &world,
        r#"DO $$ BEGIN PERFORM 1 FROM "milesTransactions" WHERE "amount" = 2 FOR UPDATE; END $$"#,
    );
    let child = world.spawn("user erase ann --confirm ann");
    let superuser = world.server().as_superuser(&world.name());
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
                   AND application_name LIKE 'skyteam%'";
    eventually("it waits for the second note", || superuser.lines(waiting) == "1");
    signal("INT", child.id());
    world.finish("user erase".into(), child, b"").exits(130);
    drop(held);
    eventually("its session is gone", || superuser.lines(waiting) == "0");
    assert_eq!(all(&world), before);
}

#[test]
fn a_mark_moves_without_the_right_to_change_airlines() {
    let world = World::ready(Engine::Postgres);
    one_of_each(&world);
    world.query(&format!("REVOKE INSERT, UPDATE, DELETE ON airlines FROM {}", world.role()));
    world.run("brand primary dx --yes").ok();
    assert_eq!(world.query(r#"SELECT "brandId" FROM brands WHERE "isPrimary""#), "dx");
}

#[both(ready)]
fn brands_added_at_once_have_one_primary(world: &mut World) {
    world.run("airline add klm KLM").ok();
    let children: Vec<_> = (0..6)
        .map(|n| {
            world.spawn(format!(
                "brand add b{n} B --airline klm --iata B{n} --icao BB{} --callsign B{n}",
                char::from(b'A' + n)
            ))
        })
        .collect();
    for child in children {
        world.finish("brand add".into(), child, b"").ok();
    }
    assert_eq!(world.query(r#"SELECT count(*), count(CASE WHEN "isPrimary" THEN 1 END) FROM brands"#), "6|1");
}
