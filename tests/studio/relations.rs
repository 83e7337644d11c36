//! A row with what it refers to and what refers to it, and finding rows.

use serde_json::json;

use super::{Studio, encoded, planted};
use crate::support::{World, both};

#[both(ready)]
fn a_row_knows_both_directions(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let user = studio.get("/api/tables/users/rows/1").ok();
    assert_eq!((&user["label"], &user["key"]), (&json!("ann"), &json!("1")));
    let relations = user["relations"].as_array().unwrap();
    let count = |table: &str| relations.iter().find(|one| one["table"] == table).unwrap()["count"].clone();
    assert_eq!(count("milesTransactions"), json!({"n": 2, "exact": true}));
    assert_eq!(count("flightPassengers"), json!({"n": 1, "exact": true}));
    let entry = studio.get("/api/tables/milesTransactions/rows/00000000-0000-4000-8000-000000000001").ok();
    let references = json!([{"column": "userId", "table": "users", "key": "1", "label": "ann"}]);
    assert_eq!(entry["references"], references);
    let airline = studio.get("/api/tables/airlines/rows/delta").ok();
    assert!(!airline["columns"].as_array().unwrap().contains(&json!("token")), "{airline}");
    let flight = studio.get("/api/tables/flights/rows/00000000-0000-4000-8000-00000000000f").ok();
    assert_eq!(flight["label"], "DL123");
    assert_eq!(flight["references"].as_array().unwrap().len(), 2, "{flight}");
}

#[both(ready)]
fn relations_of_many_rows_are_counted_at_once(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let counts = studio.post("/api/relations", &json!({"table": "users", "keys": ["1", "2", "9"]})).ok();
    let relations = counts["relations"].as_array().unwrap();
    let at = relations.iter().position(|one| one["table"] == "milesTransactions").unwrap();
    let of = |key: &str| counts["counts"][key][at].clone();
    assert_eq!((of("1"), of("2"), of("9")), (json!(2), json!(1), json!(0)));
    let flights = studio.post("/api/relations", &json!({"table": "flights", "keys": ["no uuid"]})).ok();
    assert_eq!(flights["counts"]["no uuid"], json!([0, 0]));
    let labels = studio.post("/api/labels", &json!({"table": "users", "keys": ["3", "1", "9"]})).ok();
    assert_eq!(labels, json!({"labels": {"1": "ann", "3": "Éva"}}));
    let many: Vec<String> = (0..201).map(|key| key.to_string()).collect();
    assert_eq!(studio.post("/api/relations", &json!({"table": "users", "keys": many})).fails(400), "usage");
    for body in
        [json!({}), json!([]), json!({"table": "users", "keys": [1]}), json!({"table": "x", "keys": [], "y": 1})]
    {
        assert_eq!(studio.post("/api/labels", &body).fails(400), "usage", "{body}");
    }
}

#[both(ready)]
fn people_flights_and_airlines_are_found_by_what_is_known_of_them(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let found = |text: &str| {
        let found = studio.get(&format!("/api/find?q={}", encoded(text))).ok();
        let found = found["found"].as_array().unwrap().clone();
        found
            .iter()
            .map(|one| format!("{} {}", one["kind"].as_str().unwrap(), one["key"].as_str().unwrap()))
            .collect::<Vec<String>>()
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(found("an"), ["player 1"]);
    assert_eq!(found("@AN"), ["player 1"]);
    assert_eq!(found("2"), ["player 2"]);
    assert!(found("delta").contains(&"airline delta".to_owned()));
    assert!(found("DL1").contains(&"flight 00000000-0000-4000-8000-00000000000f".to_owned()), "{:?}", found("DL1"));
    assert_eq!(found("00000000-0000-4000-8000-000000000002"), ["entry 00000000-0000-4000-8000-000000000002"]);
    for text in ["", "nobody at all", "%", "'", "\0", &"x".repeat(500)] {
        assert_eq!(found(text), none, "{text:?}");
    }
}
