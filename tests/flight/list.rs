//! `flight list`, and the states that it tells.

use serde_json::Value;
use skyteam::directory::flight::status::Status;
use skyteam::entity::{Timestamp, flight};

use super::fleet;
use crate::support::{World, block_on, both};

fn codes(world: &World, flags: &str) -> Vec<String> {
    let rows = world.run(format!("flight list {flags} -o ndjson")).ndjson();
    rows.iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect()
}

#[both(ready)]
fn every_flight_is_in_one_state(world: &mut World) {
    fleet(world);
    for (state, code) in [
        ("scheduled", "DL100"),
        ("overdue", "DL200"),
        ("live", "DL300"),
        ("stale", "AF400"),
        ("ended", "DL500"),
        ("cancelled", "AF600"),
    ] {
        assert_eq!(codes(world, &format!("--status {state}")), [code]);
    }
    assert_eq!(codes(world, "--status live,stale --status ended --sort code"), ["AF400", "DL300", "DL500"]);
    let all = world.run("flight list --sort status -o json").json();
    let states: Vec<&Value> = all.as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(states, ["cancelled", "ended", "live", "overdue", "scheduled", "stale"]);
    world.run("flight list --status gone").exits(2);
}

#[both(ready)]
fn sql_and_rust_agree_on_the_state(world: &mut World) {
    // Every combination of a start, a departure and an end before, at and after each border.
    let moments = [
        "2025-07-04 05:59:59.999999",
        "2025-07-04 06:00:00",
        "2025-07-04 06:00:00.000001",
        "2025-07-04 11:59:59.999999",
        "2025-07-04 12:00:00",
        "2025-07-04 12:00:00.000001",
    ];
    fleet(world);
    let quoted: Vec<String> = moments.iter().map(|moment| format!("'{moment}'")).collect();
    let maybe: Vec<String> = quoted.iter().cloned().chain(["NULL".to_owned()]).collect();
    for start in &quoted {
        for started in &maybe {
            for end in &maybe {
                world.query(&format!(
                    r#"INSERT INTO "flights" ("code", "gameId", "aircraft", "airlineId", "brandId", "startTime",
                        "startedAt", "endTime", "departure", "arrival")
                    VALUES ('DL1', '9', 'A', 'delta', 'dl', {start}, {started}, {end}, 'JFK', 'CDG')"#
                ));
            }
        }
    }
    let url = skyteam::db::DatabaseUrl::parse(&world.url()).unwrap();
    block_on(async {
        use sea_orm::{EntityTrait, QueryFilter, QuerySelect};
        let database = skyteam::db::connect(&url, skyteam::db::Options::default()).await.unwrap();
        let now: Timestamp = "2025-07-04T12:00:00Z".parse().unwrap();
        let rows = flight::Entity::find().all(database.conn()).await.unwrap();
        assert_eq!(rows.len(), 6 + 6 * 7 * 7);
        let named: Vec<(skyteam::entity::Id, String)> = flight::Entity::find()
            .select_only()
            .column(flight::Column::Id)
            .column_as(Status::expression(now), "status")
            .into_tuple()
            .all(database.conn())
            .await
            .unwrap();
        for status in Status::ALL {
            let found = flight::Entity::find().filter(status.condition(now)).all(database.conn()).await.unwrap();
            let mut found: Vec<_> = found.iter().map(|row| row.id).collect();
            let mut expected: Vec<_> =
                rows.iter().filter(|row| Status::of(row, now) == status).map(|row| row.id).collect();
            let mut by_name: Vec<_> =
                named.iter().filter(|(_, name)| name == status.name()).map(|(id, _)| *id).collect();
            for list in [&mut found, &mut expected, &mut by_name] {
                list.sort();
            }
            assert_eq!(found, expected, "{status:?}");
            assert_eq!(by_name, expected, "{status:?}");
        }
        database.close().await;
    });
}

#[both(ready)]
fn filters_narrow_the_list(world: &mut World) {
    fleet(world);
    assert_eq!(codes(world, ""), ["DL100", "DL200", "DL500", "AF600", "DL300", "AF400"]);
    assert_eq!(codes(world, "--airline af"), ["DL100", "AF600", "AF400"]);
    assert_eq!(codes(world, "--brand DL --status ended"), ["DL500"]);
    assert_eq!(codes(world, "--brand airfrans"), ["AF600", "AF400"]);
    assert_eq!(codes(world, "--from JFK --to cdg --limit 1"), ["DL100"]);
    assert_eq!(codes(world, "--from CDG"), Vec::<String>::new());
    assert_eq!(codes(world, "--since 2025-07-04T08:00:00Z --until '2025-07-04 18:00'"), ["DL200", "DL500", "AF600"]);
    assert_eq!(codes(world, "--since -1h"), ["DL100", "DL200"]);
    assert_eq!(codes(world, "--since '2025-07-04 14:00' --tz Europe/Paris"), ["DL100"]);
    assert_eq!(codes(world, "--sort endTime,-code"), ["AF600", "DL500", "DL300", "DL200", "DL100", "AF400"]);
    assert_eq!(codes(world, "--sort -startedAt --limit 2"), ["DL500", "DL300"]);
    world.run("flight list --airline nobody").exits(4);
    world.run("flight list --brand nobody").exits(4);
    world.run("flight list --from J").exits(2);
    world.run("flight list --since soon").exits(2);
    world.run("flight list --sort nothing").exits(2);
}

#[both(ready)]
fn codeshares_are_marked(world: &mut World) {
    fleet(world);
    let mark = |flags: &str| {
        let rows = world.run(format!("flight list {flags} --sort code -o ndjson")).ndjson();
        let marked = rows.iter().filter(|row| row["codeshare"] == true);
        marked.map(|row| row["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(mark(""), ["DL100"]);
    // For the one who flies it is no codeshare, for the other it is.
    assert_eq!(mark("--airline delta"), Vec::<String>::new());
    assert_eq!(mark("--airline af"), ["DL100"]);
}

#[both(ready)]
fn the_list_in_every_format(world: &mut World) {
    fleet(world);
    insta::assert_snapshot!(world.run("flight list --airline af"), @r#"
    exit: 0
    --- stdout
    code   status     departure  arrival  startTime            airlineId  codeshare  aircraft  id
    DL100  scheduled  JFK        CDG      2025-07-04 18:00:00  delta      yes        A350      [uuid]
    AF600  cancelled  JFK        CDG      2025-07-04 08:00:00  af                    A350      [uuid]
    AF400  stale      JFK        CDG      2025-07-04 05:00:00  af                    A350      [uuid]
    "#);
    insta::assert_snapshot!(world.run("flight list --airline af --columns code,status,codeshare -o csv"), @r#"
    exit: 0
    --- stdout
    code,status,codeshare
    DL100,scheduled,true
    AF600,cancelled,false
    AF400,stale,false
    "#);
    insta::assert_snapshot!(world.run("flights ls --status live --columns code,startTime,startedAt -o md"), @r#"
    exit: 0
    --- stdout
    ```
    | code  | startTime           | startedAt           |
    | ----- | ------------------- | ------------------- |
    | DL300 | 2025-07-04 05:00:00 | 2025-07-04 06:00:00 |
    ```
    "#);
    let shown = world.call("flight list --limit 2 --wide").terminal(300).run().ok();
    assert_eq!(shown.stdout.lines().count(), 3, "{shown}");
}

#[test]
fn a_database_without_tables_names_the_way_out() {
    let world = World::sqlite();
    std::fs::write(world.work().join("skyteam.db"), "").unwrap();
    let output = world.run("flight list -o json").exits(5);
    assert_eq!(output.error()["code"], "schema_behind");
    World::bare().run("flight list").exits(6);
    let mut world = World::bare();
    world.set("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    world.run("flight list").exits(7);
}
