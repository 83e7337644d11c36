//! The public library, as an API would use it.

#[path = "../examples/airline_api.rs"]
mod airline_api;

use serde_json::json;
use skyteam::db::{DatabaseUrl, Options, connect};
use skyteam::domain::input::{Amount, Name};
use skyteam::domain::product::{self, NewProduct};

use crate::support::{World, block_on, both};

async fn open(world: &World) -> skyteam::db::Database {
    let url = DatabaseUrl::parse(&world.url()).unwrap();
    connect(&url, Options::default()).await.unwrap()
}

both!(ready fn the_example_answers_an_airline_its_coming_flights(world) {
    let flight = crate::user::flight(world);
    let token = world.run("airline token show delta --reveal").ok().stdout;
    world.query(
        r#"INSERT INTO flights (code, "gameId", aircraft, "airlineId", "brandId", departure, arrival, "endTime")
        VALUES ('DL9', '14', 'A350', 'delta', 'delta', 'ATL', 'AMS', '2020-01-01 00:00:00')"#,
    );
    block_on(async {
        let database = open(world).await;
        let answer = |header: Option<String>| {
            let database = &database;
            async move { airline_api::coming_flights(database.conn(), header.as_deref()).await.unwrap() }
        };
        let response = answer(Some(format!("Bearer {}", token.trim()))).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.body["airline"]["airlineId"], "delta");
        assert!(!response.body.to_string().contains(token.trim()), "the token goes back out");
        let flights = response.body["flights"].as_array().unwrap();
        assert_eq!((flights.len(), &flights[0]["flight"]["id"], &flights[0]["brand"]["iata"]), (1, &json!(flight), &json!("DL")));
        for header in [None, Some("Bearer "), Some("Bearer nope"), Some(token.trim()), Some("Bearer \0")] {
            assert_eq!(answer(header.map(str::to_owned)).await.status, 401, "{header:?}");
        }
        database.close().await;
    });
});

both!(ready fn a_product_id_that_clashes_is_drawn_again(world) {
    world.run("airline add delta Delta").ok();
    block_on(async {
        let database = open(world).await;
        let tx = database.begin().await.unwrap();
        let new = NewProduct {
            airline_id: "delta".into(),
            name: Name::parse("Pass").unwrap(),
            description: None,
            price: Amount::parse("5").unwrap(),
            active: true,
        };
        let mut draws = ["aaaaaa", "aaaaaa", "aaaaaa", "bbbbbb"].into_iter().map(str::to_owned);
        let first = product::add_drawing(&tx, &new, || draws.next().unwrap()).await.unwrap();
        let second = product::add_drawing(&tx, &new, || draws.next().unwrap()).await.unwrap();
        assert_eq!((first.product_id.as_str(), second.product_id.as_str()), ("aaaaaa", "bbbbbb"));
        let full = product::add_drawing(&tx, &new, || "aaaaaa".to_owned()).await;
        assert!(full.unwrap_err().to_string().contains("taken"));
        tx.commit().await.unwrap();
        database.close().await;
    });
});
