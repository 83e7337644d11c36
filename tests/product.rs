//! `product`: what is sold for miles, and what was.

use crate::support::{World, both};

fn product(world: &World) -> String {
    world.run("airline add delta Delta").ok();
    world.run("product add 'Sky Club Pass' --airline delta --price 500 --description 'One visit' --json").json()["productId"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[both(ready)]
fn a_product_gets_an_id_of_six_characters(world: &mut World) {
    let id = product(world);
    assert!(id.len() == 6 && id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()), "{id}");
    for reference in [id.as_str(), "delta/Sky Club Pass", "Delta/sky club pass"] {
        assert_eq!(world.run(["product", "show", reference, "--json"]).json()["productId"], id.as_str());
    }
    for flags in ["--price 0", "--price -5", "--price 2147483648", "--price 1.5", "--price 5 --airline ''"] {
        let code = world.run(format!("product add x --airline delta {flags}")).code;
        assert!(code == 2, "{flags}: {code}");
    }
    world.run("product add x --airline nobody --price 5").exits(4);
    assert!(world.run("product show 'delta/Sky Klub Pass'").exits(4).stderr.contains("nearest"));
    world.run(["product", "show", "a/b/c'--"]).exits(4);
    assert_eq!(world.query("SELECT count(*) FROM \"milesProducts\""), "1");
}

#[both(ready)]
fn names_with_slashes_are_found(world: &mut World) {
    world.run("airline add ws 'W/S'").ok();
    world.run("airline add w W").ok();
    for (airline, name) in [("ws", "Pass"), ("ws", "A/B"), ("w", "S/Lounge")] {
        world.run(["product", "add", name, "--airline", airline, "--price", "5"]).ok();
    }
    for (reference, name) in [
        ("W/S/Pass", "Pass"),
        ("ws/a/b", "A/B"),
        ("W/S/A/B", "A/B"),
        ("W/S/Lounge", "S/Lounge"),
        ("w/S/Lounge", "S/Lounge"),
    ] {
        assert_eq!(world.run(["product", "show", reference, "--json"]).json()["name"], name, "{reference}");
    }
    assert!(world.run("product show W/S/Pas").exits(4).stderr.contains("nearest"));
    world.run(["product", "show", &"/".repeat(5000)]).exits(4);
    world.run("product add S/Pass --airline w --price 5").ok();
    let ambiguous = world.run("product show W/S/Pass").exits(4);
    assert!(ambiguous.stderr.contains("ws/Pass") && ambiguous.stderr.contains("w/S/Pass"), "{ambiguous}");
}

#[both(ready)]
fn it_is_put_on_sale_and_taken_off(world: &mut World) {
    let id = product(world);
    let active = || world.run(["product", "show", &id, "--json"]).json()["active"].clone();
    world.run(["product", "disable", &id]).exits(9);
    world.run(["product", "disable", &id, "--yes"]).ok();
    assert_eq!(active(), false);
    assert!(world.run(["product", "disable", &id]).ok().stderr.contains("Nothing to change"));
    assert_eq!(world.run("product list --active --json").json().as_array().unwrap().len(), 0);
    assert_eq!(world.run("product list --inactive --json").json().as_array().unwrap().len(), 1);
    world.run(["product", "enable", &id, "--yes"]).ok();
    assert_eq!(active(), true);
    world.run(["product", "edit", &id, "--price", "750", "--name", "Pass", "--no-description", "--yes"]).ok();
    assert_eq!(world.query(r#"SELECT name, description, "priceMiles" FROM "milesProducts""#), "Pass||750");
    world.run(["product", "edit", &id, "--price", "0", "--yes"]).exits(2);
    world.run(["product", "edit", &id]).exits(2);
}

#[both(ready)]
fn what_was_redeemed_is_counted_and_stays(world: &mut World) {
    let id = product(world);
    world.run("user add 1 ann").ok();
    world.run("user add 2 bob").ok();
    world.query("UPDATE users SET miles = 500 WHERE username = 'ann'");
    let first = "11111111-1111-4111-8111-111111111111";
    world.query(&format!(
        r#"INSERT INTO "milesTransactions" (id, "userId", amount, type, source, "productId") VALUES
        ('{first}', '1', -500, 'spend', 'purchase', '{id}'), ('21111111-1111-4111-8111-111111111111', '1', -400, 'spend', 'purchase', '{id}')"#
    ));
    let sales = |what: &str| world.run(["product", "show", &id, "--json"]).json()[what].as_i64().unwrap();
    assert_eq!((sales("redeemed"), sales("miles"), sales("canAfford")), (2, 900, 1));
    world.query(&format!(
        r#"INSERT INTO "milesTransactions" ("userId", amount, type, source, "productId", "reversesId")
        VALUES ('1', 500, 'earn', 'reversal', '{id}', '{first}')"#
    ));
    assert_eq!((sales("redeemed"), sales("miles")), (1, 400), "a redemption that was taken back is none");
    let refused = world.run(["product", "delete", &id, "--confirm", &world.name()]).exits(5);
    assert!(refused.stderr.contains("3 ledger entries") && refused.stderr.contains("product disable"), "{refused}");
    let other = world.run("product add Other --airline delta --price 5 --inactive --json").json()["productId"].clone();
    world.run(["product", "delete", other.as_str().unwrap()]).exits(9);
    world.run(["product", "delete", other.as_str().unwrap(), "--confirm", &world.name()]).ok();
    assert_eq!(world.query("SELECT count(*) FROM \"milesProducts\""), "1");
}
