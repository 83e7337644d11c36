//! Purchases as the alliance's API writes them: no product, and the note `Purchase: NAME`.

use std::path::Path;

use serde_json::json;

use super::{award, furnish, sound};
use crate::support::{DRIZZLE, World, both};

/// A purchase as the API writes it.
fn buys(world: &World, user: &str, miles: i64, note: &str) {
    world.query(&format!(
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "note", "createdAt")
            VALUES ('{user}', -{miles}, 'spend', 'purchase', {note}, '2026-10-05 12:00:00');
        UPDATE "users" SET "miles" = "miles" - {miles} WHERE "userId" = '{user}'"#
    ));
}

#[test]
fn the_sales_of_an_adopted_database_are_found() {
    let world = World::postgres();
    world.psql(Path::new(DRIZZLE));
    let balances = world.query(r#"SELECT "userId", "miles" FROM "users" ORDER BY 1"#);
    world.run(format!("db push --yes --confirm {}", world.name()));
    let show = world.run("product show airfrance/Champagne -o json").json();
    assert_eq!((&show["redeemed"], &show["miles"]), (&json!(68), &json!(27_200)));
    assert_eq!((&show["redeemedByName"], &show["milesByName"]), (&json!(68), &json!(27_200)));
    let people = world.run("product show af0001").ok();
    assert!(people.stdout.contains("68 (68 by name)") && people.stdout.contains("27,200 (27,200 by name)"), "{people}");
    let listed = world.run("product list --airline airfrance --sort -redeemed --limit 1 -o json").json();
    assert_eq!(
        ["productId", "redeemed", "miles", "redeemedByName", "milesByName"].map(|key| listed[0][key].clone()),
        [json!("af0001"), json!(68), json!(27_200), json!(68), json!(27_200)]
    );
    let refused = world.run(format!("product delete af0001 --confirm {}", world.name())).exits(5);
    assert!(refused.stderr.contains("68 purchases that only a note names"), "{refused}");
    let statement = world.run("miles statement --airline airfrance --month 2026-01 -o json").json();
    let purchases =
        statement["sources"].as_array().unwrap().iter().find(|source| source["source"] == "purchase").unwrap();
    assert_eq!(purchases["byName"], purchases["entries"]);
    assert_eq!(world.query(r#"SELECT "userId", "miles" FROM "users" ORDER BY 1"#), balances);
}

#[both]
fn a_purchase_is_of_the_one_product_with_its_name(world: &mut World) {
    furnish(world);
    award(world, "1", 5000);
    world.run("miles redeem 1 pass01").ok();
    buys(world, "1", 300, "'Purchase: Sky Club'");
    buys(world, "1", 250, "'Purchase: Sky Club'");
    buys(world, "1", 70, "'Purchase: Gone'");
    buys(world, "1", 80, "NULL");
    let figures = || {
        let show = world.run("product show pass01 -o json").json();
        ["redeemed", "miles", "redeemedByName", "milesByName"].map(|key| show[key].as_i64().unwrap())
    };
    let rest = || world.run("product show pass01 -o json").json()["unattributed"].clone();
    assert_eq!(figures(), [3, 850, 2, 550]);
    assert_eq!(rest(), json!({"entries": 2, "miles": 150}));
    let people = world.run("product show pass01").ok();
    assert!(people.stdout.contains("3 (2 by name)"), "{people}");
    assert!(people.stdout.contains("purchases that name no product: 2, 150 miles"), "{people}");

    let statement =
        |airline: &str| world.run(format!("miles statement --airline {airline} --month 2026-10 -o json")).json();
    let delta = statement("delta");
    assert_eq!(
        delta["sources"],
        json!([{"source": "purchase", "entries": 2, "earned": 0, "spent": -550, "byName": 2}])
    );
    assert_eq!(delta["unattributed"], json!({"entries": 2, "miles": 150}));
    assert_eq!(statement("klm")["sources"], json!([]));
    let people = world.run("miles statement --airline delta --month 2026-10").ok();
    for told in ["purchase (2 by name)", "purchases that name no product: 2, 150 miles"] {
        assert!(people.stdout.contains(told), "{people}");
    }
    let csv = world.run("miles statement --airline delta --month 2026-10 -o csv").ok().stdout;
    assert!(
        csv.contains("\npurchase,2,0,-550,,2\n") && csv.contains("\npurchases that name no product,2,0,-150,,\n"),
        "{csv}"
    );
    assert_eq!(world.run("miles statement 1 --month 2026-10 -o json").json().get("unattributed"), None);

    // Taken back it is no sale, and the airline's statement has both.
    let id = world.query(r#"SELECT "id" FROM "milesTransactions" WHERE "amount" = -250"#);
    world.run(format!("miles reverse {id} --note back --yes")).ok();
    assert_eq!(figures(), [2, 600, 1, 300]);
    let whole = world.query(r#"SELECT sum("amount") FROM "milesTransactions" WHERE "productId" = 'pass01' OR "amount" IN (-300, -250, 250)"#);
    let month = world.query("SELECT 1").len();
    assert_eq!((whole.as_str(), month), ("-600", 1));

    // Under another name it would lose those that have its name alone.
    let asked = world.run("product edit pass01 --name Lounge").exits(9);
    assert!(asked.stderr.contains("no longer count 2 purchases"), "{asked}");
    world.run("product edit pass01 --price 310 --yes").ok();

    // A second product of the name: nobody can tell any more, and neither is deleted.
    world.run("product add 'Sky Club' --airline klm --price 5").ok();
    assert_eq!(figures(), [1, 300, 0, 0]);
    assert_eq!(rest(), json!({"entries": 3, "miles": 450}));
    let refused = world.run(["product", "delete", "klm/Sky Club", "--confirm", &world.name()]).exits(5);
    assert!(refused.stderr.contains("2 purchases that only a note names"), "{refused}");
    sound(world);
}

#[both]
fn the_demonstration_sells_as_the_api_does(world: &mut World) {
    world.run("db seed --users 60 --flights 120").ok();
    let sold =
        world.query(r#"SELECT count(*) FROM "milesTransactions" WHERE "source" = 'purchase' AND "productId" IS NULL"#);
    assert_ne!(sold, "0");
    let mut by_name = 0;
    for product in world.run("product list -o json").json().as_array().unwrap() {
        let id = product["productId"].as_str().unwrap();
        by_name += world.run(["product", "show", id, "-o", "json"]).json()["redeemedByName"].as_i64().unwrap();
    }
    assert_eq!(by_name.to_string(), sold, "all of them are attributed");
    sound(world);
}

#[both]
fn erased_users_leave_the_ranking_and_all_shows_everybody(world: &mut World) {
    furnish(world);
    for (user, miles) in [("1", 500), ("2", 400), ("3", 300)] {
        award(world, user, miles);
    }
    let ranks = |flags: &str| -> Vec<(String, i64)> {
        let places = world.run(format!("miles leaderboard {flags} -o json")).json();
        let place = |place: &serde_json::Value| {
            (place["username"].as_str().unwrap().to_owned(), place["rank"].as_i64().unwrap())
        };
        places.as_array().unwrap().iter().map(place).collect()
    };
    assert_eq!(ranks("--all").len(), 3);
    world.run("user erase Ann --confirm Ann").ok();
    for flags in ["", "--since 2020-01-01", "--all"] {
        assert_eq!(ranks(flags), [("Bob".to_owned(), 1), ("Cleo".to_owned(), 2)], "{flags}");
    }
    let bob = world.run("user show Bob -o json").json();
    assert_eq!((&bob["rank"], &bob["users"]), (&json!(1), &json!(2)));
    // A name that only looks like it is a user's own.
    world.run("user add 77 erased_1").ok();
    award(world, "77", 900);
    assert_eq!(ranks("--limit 1"), [("erased_1".to_owned(), 1)]);
    let many: Vec<String> = (100..130).map(|id| format!("('{id}', 'flyer{id}', 'x')")).collect();
    world.query(&format!(r#"INSERT INTO "users" ("userId", "username", "displayName") VALUES {}"#, many.join(",")));
    assert_eq!((ranks("").len(), ranks("--all").len()), (10, 33));
    world.run("miles leaderboard --all --limit 5").exits(2);
    sound(world);
}

#[both]
fn the_list_of_products_counts_sales_by_the_same_rule(world: &mut World) {
    furnish(world);
    award(world, "1", 5000);
    world.run("miles redeem 1 pass01").ok();
    world.run("miles redeem 1 pass01 --key back").ok();
    world.run("miles reverse last --note x --yes").ok();
    buys(world, "1", 300, "'Purchase: Sky Club'");
    buys(world, "1", 70, "'Purchase: Gone'");
    let rows = world.run("product list -o json").json();
    for row in rows.as_array().unwrap() {
        let show = world.run(format!("product show {} -o json", row["productId"].as_str().unwrap())).json();
        for key in ["redeemed", "miles", "redeemedByName", "milesByName", "name", "priceMiles"] {
            assert_eq!(row[key], show[key], "{key}: {row}");
        }
    }
    let sold = || world.run("product list --sort -redeemed,name -o json").json()[0].clone();
    assert_eq!(
        (&sold()["productId"], &sold()["redeemed"], &sold()["redeemedByName"]),
        (&json!("pass01"), &json!(2), &json!(1))
    );
    assert!(world.run("product list --columns name,redeemed").ok().stdout.contains("2 (1 by name)"));
    let csv = world.run("product list --columns productId,redeemed,redeemedByName -o csv").ok().stdout;
    assert!(csv.contains("\npass01,2,1\n"), "{csv}");
    // Filters and limits as before.
    assert_eq!(world.run("product list --max-price 1 -o json").json(), json!([]));
    assert_eq!(world.run("product list --inactive --airline delta --limit 5 -o json").ok().code, 0);
    // Of two products with the name nobody can tell which was sold.
    world.query(r#"INSERT INTO "milesProducts" ("productId", "airlineId", "name", "priceMiles") VALUES ('pass02', 'delta', 'Sky Club', 1)"#);
    assert_eq!(world.run("product list --sort -redeemed -o json").json()[0]["redeemed"], json!(1));
    sound(world);
}
