//! `miles balance`, `history`, `leaderboard` and `statement`.

use serde_json::{Value, json};

use super::{award, furnish};
use crate::support::{World, both};

/// Writes entries with times of the test's own choosing, and the balances that follow from them.
fn past(world: &World) {
    furnish(world);
    world.query(
        r#"
        INSERT INTO "milesTransactions" ("id", "userId", "amount", "type", "source", "flightId", "productId", "createdAt") VALUES
            ('a0000000-0000-4000-8000-000000000001', '1', 1000, 'earn', 'flight', 'f1000000-0000-4000-8000-000000000001', NULL, '2025-09-10 12:00:00'),
            ('a0000000-0000-4000-8000-000000000002', '1', -300, 'spend', 'purchase', NULL, 'pass01', '2025-09-30 23:30:00'),
            ('a0000000-0000-4000-8000-000000000003', '1', 500, 'earn', 'manual', NULL, NULL, '2025-10-01 00:00:00'),
            ('a0000000-0000-4000-8000-000000000004', '1', 250, 'earn', 'flight', 'f2000000-0000-4000-8000-000000000002', NULL, '2025-10-02 00:00:00.5'),
            ('a0000000-0000-4000-8000-000000000005', '1', -100, 'spend', 'shop', NULL, NULL, '2025-10-02 00:00:00.5'),
            ('a0000000-0000-4000-8000-000000000006', '2', 700, 'earn', 'flight', 'f1000000-0000-4000-8000-000000000001', NULL, '2025-10-20 00:00:00');
        INSERT INTO "milesTransactions" ("id", "userId", "amount", "type", "source", "flightId", "createdAt", "reversesId") VALUES
            ('a0000000-0000-4000-8000-000000000007', '2', -700, 'spend', 'reversal', 'f1000000-0000-4000-8000-000000000001', '2025-11-03 00:00:00', 'a0000000-0000-4000-8000-000000000006');
        UPDATE "users" SET "miles" = 1350 WHERE "userId" = '1';
        "#,
    );
}

fn column<'a>(rows: &'a Value, key: &str) -> Vec<&'a Value> {
    rows.as_array().unwrap().iter().map(|row| &row[key]).collect()
}

#[both]
fn history_is_newest_first_with_the_running_balance(world: &mut World) {
    past(world);
    let all = world.run("miles history 1 -o json").json();
    assert_eq!(column(&all, "balance"), [1350, 1450, 1200, 700, 1000]);
    assert_eq!(column(&all, "amount"), [-100, 250, 500, -300, 1000]);
    // A filter leaves out lines, and does not change what stands beside the others.
    for (filter, balances) in [
        ("--type earn", &[1450, 1200, 1000][..]),
        ("--type spend", &[1350, 700]),
        ("--source shop", &[1350]),
        ("--flight f2000000", &[1450]),
        ("--since 2025-10-01", &[1350, 1450, 1200]),
        ("--until 2025-10-01", &[700, 1000]),
        ("--since 2025-09-30 --until 2025-10-02 --type spend", &[700]),
        ("--limit 2", &[1350, 1450]),
        ("--source nosuch", &[]),
    ] {
        let some = world.run(format!("miles history 1 {filter} -o json")).json();
        assert_eq!(column(&some, "balance"), balances, "{filter}");
    }
    let csv = world.run("miles history 1 --limit 1 -o csv").ok();
    assert!(
        csv.stdout.starts_with(
            "id,userId,amount,type,source,flightId,productId,note,createdAt,reversesId,batchId,actor,balance"
        ),
        "{csv}"
    );
    assert!(csv.stdout.contains(",-100,spend,shop,,,,2025-10-02T00:00:00.5Z,,,,1350"), "{csv}");
    world.run("miles history nobody").exits(4);
    world.run("miles history 1 --since yesteryear").exits(2);
    assert_eq!(world.run("miles history 3 -o json").json(), json!([]));
}

#[both]
fn a_balance_is_known_for_every_past_moment(world: &mut World) {
    past(world);
    for (at, balance) in [
        ("2025-09-10T11:59:59Z", 0),
        ("2025-09-10T12:00:00Z", 1000),
        ("2025-09-30T23:30:00Z", 700),
        ("2025-10-01", 1200),
        ("2025-10-02T00:00:00.499999Z", 1200),
        ("2025-10-02T00:00:00.5Z", 1350),
        ("now", 1350),
    ] {
        let answer = world.call(["miles", "balance", "1", "--at", at, "-o", "json"]).now().run().json();
        assert_eq!(answer["balance"], balance, "{at}");
    }
    // A naive time is one of the zone: there this is still September.
    let answer = world.run("miles balance 1 --at '2025-10-01 00:30' --tz Europe/Amsterdam -o json").json();
    assert_eq!(answer, json!({"userId": "1", "username": "Ann", "balance": 1000, "at": "2025-09-30T22:30:00Z"}));
    let now = world.run("miles balance @Ann -o json").json();
    assert_eq!(now, json!({"userId": "1", "username": "Ann", "balance": 1350, "at": null}));
}

#[both]
fn the_id_that_a_reversal_takes_is_shown(world: &mut World) {
    past(world);
    let shown = world.run("miles history 1 --limit 1").ok().stdout;
    let id = world.query(r#"SELECT "id" FROM "milesTransactions" WHERE "amount" = -100"#);
    assert!(shown.contains(&id), "{shown}");
}

#[both]
fn equals_stand_in_the_order_of_their_bytes(world: &mut World) {
    past(world);
    world.query(
        r#"INSERT INTO "users" ("userId", "username", "displayName", "miles") VALUES
            ('11', 'ann', 'x', 1350), ('12', '_x', 'x', 1350), ('13', 'Émile', 'x', 1350), ('14', 'a_b', 'x', 1350), ('15', 'Zoe', 'x', 1350)"#,
    );
    let places = world.run("miles leaderboard -o json").json();
    assert_eq!(column(&places, "username")[..6], ["Ann", "Zoe", "_x", "a_b", "ann", "Émile"]);
    for user in ["11", "12", "14", "15"] {
        award(world, user, 1);
    }
    let places = world.run("miles leaderboard --since 2025-12-01 -o json").json();
    assert_eq!(column(&places, "username"), ["Zoe", "_x", "a_b", "ann"]);
}

#[both]
fn the_ranking_of_a_past_month_stays(world: &mut World) {
    past(world);
    award(world, "3", 1350);
    let ranks = |line: &str| {
        let places = world.run(format!("miles leaderboard {line} -o json")).json();
        let place = |place: &Value| {
            format!("{} {} {} {}", place["rank"], place["username"].as_str().unwrap(), place["miles"], place["earned"])
        };
        places.as_array().unwrap().iter().map(place).collect::<Vec<_>>()
    };
    // Equals share a rank; Bob's award was taken back.
    assert_eq!(ranks(""), ["1 Ann 1350 1750", "1 Cleo 1350 1350", "3 Bob 0 0"]);
    assert_eq!(ranks("--limit 1"), ["1 Ann 1350 1750"]);
    let october = "--since 2025-10-01 --until 2025-11-01";
    assert_eq!(ranks(october), ["1 Ann 1350 750", "2 Bob 0 700"]);
    assert_eq!(ranks("--since 2025-09-01 --until 2025-12-01"), ["1 Ann 1350 1750"]);
    assert_eq!(ranks("--airline delta"), ["1 Ann 1350 1250"]);
    assert_eq!(ranks("--airline DL --until 2025-11-01"), ["1 Ann 1350 1250", "2 Bob 0 700"]);
    assert_eq!(ranks("--airline klm"), Vec::<String>::new());
    world.run("miles leaderboard --airline nosuch").exits(4);
    world.run("miles leaderboard --limit 0").exits(2);
}

#[both]
fn a_statement_opens_moves_and_closes(world: &mut World) {
    past(world);
    let run = |line: &str| world.call(line).at("2026-01-01T00:00:00Z").run();
    let made = run("miles statement Ann --month 2025-10 -o json").json();
    assert_eq!(
        made,
        json!({
            "userId": "1", "name": "Ann", "month": "2025-10", "from": "2025-10-01T00:00:00Z", "until": "2025-11-01T00:00:00Z",
            "complete": true,
            "opening": 700, "earned": 750, "spent": -100, "closing": 1350,
            "sources": [
                {"source": "flight", "entries": 1, "earned": 250, "spent": 0},
                {"source": "manual", "entries": 1, "earned": 500, "spent": 0},
                {"source": "shop", "entries": 1, "earned": 0, "spent": -100},
            ],
        })
    );
    // Without a month it is the current one of the zone, so far, and says so.
    for (now, zone, month) in
        [("2025-10-31T23:30:00Z", "UTC", "2025-10"), ("2025-10-31T23:30:00Z", "Europe/Amsterdam", "2025-11")]
    {
        let current = world.call(format!("miles statement Ann --tz {zone} -o json")).at(now).run().ok();
        assert!(current.stderr.contains(&format!("{month} is not over: these are its entries so far.")), "{current}");
        let current = current.json();
        assert_eq!((&current["month"], &current["complete"]), (&json!(month), &json!(false)));
    }
    // Later entries leave it as it was.
    award(world, "1", 77);
    assert_eq!(run("miles statement Ann --month 2025-10 -o json").json(), made);
    // The month of another zone ends at another instant: the first of October is still September's there.
    let west = run("miles statement Ann --month 2025-10 --tz America/New_York -o json").json();
    assert_eq!((&west["opening"], &west["from"]), (&json!(1200), &json!("2025-10-01T04:00:00Z")));

    let airline = run("miles statement --airline delta --month 2025-10 -o json").json();
    assert_eq!(
        (&airline["opening"], &airline["earned"], &airline["closing"]),
        (&json!(700), &json!(950), &json!(1650))
    );
    let november = run("miles statement --airline delta --month 2025-11 -o json").json();
    assert_eq!(
        (&november["opening"], &november["spent"], &november["closing"]),
        (&json!(1650), &json!(-700), &json!(950))
    );

    insta::assert_snapshot!(run("miles statement Ann --month 2025-10 -o md").ok().stdout, @r"
    ### Ann, 2025-10

    ```
    |         | entries | earned | spent | balance |
    | ------- | ------: | -----: | ----: | ------: |
    | opening |         |        |       |     700 |
    | flight  |       1 |   +250 |       |         |
    | manual  |       1 |   +500 |       |         |
    | shop    |       1 |        |  -100 |         |
    | closing |         |        |       |   1,350 |
    ```
    ");
    insta::assert_snapshot!(run("miles statement Ann --month 2025-10 -o csv").ok().stdout, @r"
    line,entries,earned,spent,balance,byName
    opening,0,0,0,700,
    flight,1,250,0,,
    manual,1,500,0,,
    shop,1,0,-100,,
    closing,0,0,0,1350,
    ");
    insta::assert_snapshot!(run("miles statement Ann --month 2025-10").ok().stdout, @r"
    Ann, 2025-10

             entries  earned  spent  balance
    opening                              700
    flight         1    +250
    manual         1    +500
    shop           1           -100
    closing                            1,350
    ");

    // Until the month is over, everybody is told that it may change.
    for (now, complete) in [("2025-10-31T23:59:59Z", false), ("2025-11-01T00:00:00Z", true)] {
        let call =
            |format: &str| world.call(format!("miles statement Ann --month 2025-10 -o {format}")).at(now).run().ok();
        assert_eq!(call("json").json()["complete"], complete, "{now}");
        assert_eq!(call("md").stdout.contains("### Ann, 2025-10 (so far)"), !complete, "{now}");
        assert_eq!(call("csv").stderr.contains("2025-10 is not over"), !complete, "{now}");
    }
    world.run("miles statement --month 2025-10").exits(2);
    world.run("miles statement Ann --airline delta --month 2025-10").exits(2);
    world.run("miles statement Ann --month October").exits(2);
}
