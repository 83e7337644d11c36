//! The public library, as an API would use it.

#[path = "../examples/airline_api.rs"]
mod airline_api;
#[path = "../examples/api.rs"]
mod api;
#[path = "../examples/nightly.rs"]
mod nightly;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use skyteam::db::{DatabaseUrl, Options, connect};
use skyteam::directory::input::{Amount, Name};
use skyteam::directory::product;
use skyteam::directory::product::NewProduct;

use crate::support::{World, block_on, both};

async fn open(world: &World) -> skyteam::db::Database {
    let url = DatabaseUrl::parse(&world.url()).unwrap();
    connect(&url, Options::default()).await.unwrap()
}

/// As [`open`], counting the statements.
async fn counted(world: &World) -> (skyteam::db::Database, Arc<AtomicUsize>) {
    let url = DatabaseUrl::parse(&world.url()).unwrap();
    let statements = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&statements);
    let trace: skyteam::db::Trace = Arc::new(move |_: &str, _: Duration, _: bool| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    (connect(&url, Options { trace: Some(trace), ..Options::default() }).await.unwrap(), statements)
}

#[both(ready)]
fn the_example_answers_an_airline_its_coming_flights_from_one_query(world: &mut World) {
    let flight = crate::user::flight(world);
    let token = world.run("airline token show delta --reveal").ok().stdout;
    let bearer = format!("Bearer {}", token.trim());
    let add = |id: &str| format!("Bearer {}", world.run(["airline", "add", id, id]).ok().stdout.trim());
    let (alone, partner) = (add("klm"), add("sas"));
    world.query(r#"UPDATE flights SET "codeshareAirlineId" = 'sas', "startedAt" = "startTime""#);
    // Ended; begun and never ended, planned and never begun, months ago.
    world.query(
        r#"INSERT INTO flights (code, "gameId", aircraft, "airlineId", "brandId", departure, arrival, "startTime", "startedAt", "endTime")
        VALUES ('DL9', '14', 'A350', 'delta', 'delta', 'ATL', 'AMS', '2020-01-01 00:00:00', NULL, '2020-01-01 00:00:00'),
        ('DL8', '14', 'A350', 'delta', 'delta', 'ATL', 'AMS', '2020-01-01 00:00:00', '2020-01-01 00:00:00', NULL),
        ('DL7', '14', 'A350', 'delta', 'delta', 'ATL', 'AMS', '2020-01-01 00:00:00', NULL, NULL)"#,
    );
    block_on(async {
        let (database, statements) = counted(world).await;
        let answer = |header: Option<String>| {
            let (database, statements) = (&database, &statements);
            async move {
                statements.store(0, Ordering::Relaxed);
                let response = airline_api::coming_flights(database.conn(), header.as_deref()).await.unwrap();
                (response, statements.load(Ordering::Relaxed))
            }
        };
        let (response, asked) = answer(Some(bearer.clone())).await;
        assert_eq!((response.status, asked), (200, 1));
        assert_eq!(response.body["airline"]["airlineId"], "delta");
        assert!(!response.body.to_string().contains(token.trim()), "the token goes back out");
        let flights = response.body["flights"].as_array().unwrap();
        assert_eq!(
            (flights.len(), &flights[0]["flight"]["id"], &flights[0]["brand"]["iata"]),
            (1, &json!(flight), &json!("DL"))
        );
        let (response, asked) = answer(Some(alone.clone())).await;
        assert_eq!((response.status, &response.body["flights"], asked), (200, &json!([]), 1));
        for (header, asks) in
            [(None, 0), (Some("Bearer "), 0), (Some("Bearer nope"), 1), (Some(token.trim()), 0), (Some("Bearer \0"), 0)]
        {
            let (response, asked) = answer(header.map(str::to_owned)).await;
            assert_eq!((response.status, asked), (401, asks), "{header:?}");
        }
        // Another airline's flight, live, that carries its code.
        let (response, _) = answer(Some(partner)).await;
        assert_eq!(response.body["flights"][0]["flight"]["id"], flight);
        database.close().await;
    });
}

#[both(ready)]
fn the_nightly_example_audits_and_makes_a_whole_backup(world: &mut World) {
    world.run("user add 1 ann").ok();
    world.run("miles award 1 5 --note n").ok();
    let night = |second| {
        block_on(async {
            let database = open(world).await;
            let at = chrono::DateTime::from_timestamp(second, 0).unwrap();
            let night = nightly::run(&database, &world.work(), at).await.unwrap();
            database.close().await;
            night
        })
    };
    let sound = night(0);
    assert!(sound.findings.is_empty() && sound.rows == 2, "{sound:?}");
    // The library signs nothing, and only the command has the database remember who made it.
    let verified = world.run(["db", "verify", sound.file.to_str().unwrap()]).exits(3);
    assert!(verified.stdout.contains(" whole ") && verified.stdout.contains("2 rows"), "{verified}");
    world.query("UPDATE users SET miles = 7");
    assert_eq!(night(1).findings.len(), 1);
}

#[both(ready)]
fn a_product_id_that_clashes_is_drawn_again(world: &mut World) {
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
            extra: Default::default(),
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
}

/// A request to the example's API, and the status and JSON that it answers.
async fn ask(
    database: &Arc<skyteam::db::Database>,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, serde_json::Value) {
    use http_body_util::BodyExt as _;
    use tower_service::Service as _;
    let mut request =
        axum::http::Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(axum::body::Body::from(body.to_owned())).unwrap();
    let response = api::router(Arc::clone(database)).call(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[both(ready)]
fn the_example_api_sells_once_for_one_key(world: &mut World) {
    crate::user::flight(world);
    world.run("user add 77 buyer77").ok();
    world.run("miles award buyer77 100 --note start").ok();
    let hat = world.run("product add Hat --airline delta --price 60 -o json").json()["productId"]
        .as_str()
        .unwrap()
        .to_owned();
    world.run("airline add klm KLM").ok();
    let other =
        world.run("product add Tile --airline klm --price 1 -o json").json()["productId"].as_str().unwrap().to_owned();
    let token = world.run("airline token show delta --reveal").ok().stdout;
    let bearer = format!("Bearer {}", token.trim());
    block_on(async {
        let database = Arc::new(open(world).await);
        let known = ("authorization", bearer.as_str());
        for headers in [&[][..], &[("authorization", "Bearer nope")]] {
            for (method, path) in [("GET", "/flights"), ("GET", "/products"), ("POST", "/products/x/purchases")] {
                let (status, _) = ask(&database, method, path, headers, r#"{"userId":"77"}"#).await;
                assert_eq!(status, 401, "{path}");
            }
        }
        let (status, flights) = ask(&database, "GET", "/flights", &[known], "").await;
        assert_eq!((status, flights["flights"].as_array().unwrap().len()), (200, 1), "{flights}");
        let (status, products) = ask(&database, "GET", "/products", &[known], "").await;
        assert_eq!(
            (status, products.as_array().unwrap().len(), &products[0]["name"]),
            (200, 1, &json!("Hat")),
            "{products}"
        );
        assert!(!format!("{flights}{products}").contains(token.trim()), "the token goes back out");
        let buy = |product: &str, key: Option<&'static str>, body: &'static str| {
            let (database, path) = (&database, format!("/products/{product}/purchases"));
            async move {
                let headers: Vec<_> = [known].into_iter().chain(key.map(|key| ("idempotency-key", key))).collect();
                ask(database, "POST", &path, &headers, body).await
            }
        };
        let (status, sold) = buy(&hat, Some("order-1"), r#"{"userId":"77"}"#).await;
        assert_eq!((status, &sold["amount"], &sold["balance"]), (201, &json!(-60), &json!(40)), "{sold}");
        // The same order again is answered, and paid once.
        let (status, again) = buy(&hat, Some("order-1"), r#"{"userId":"77"}"#).await;
        assert_eq!((status, &again["id"], &again["balance"]), (200, &sold["id"], &json!(40)), "{again}");
        assert_eq!(buy(&hat, Some("order-2"), r#"{"userId":"77"}"#).await.0, 409);
        assert_eq!(buy(&hat, Some("order-1"), r#"{"userId":"1"}"#).await.0, 422);
        assert_eq!(buy(&hat, Some("order-3"), r#"{"userId":"404"}"#).await.0, 404);
        assert_eq!(buy(&hat, None, r#"{"userId":"77"}"#).await.0, 400);
        assert_eq!(buy(&other, Some("order-4"), r#"{"userId":"77"}"#).await.0, 404);
        assert_eq!(buy("nothing", Some("order-5"), r#"{"userId":"77"}"#).await.0, 404);
        assert_eq!(buy(&hat, Some("order-6"), "{}").await.0, 422);
        Arc::into_inner(database).unwrap().close().await;
    });
    assert_eq!(world.run("miles balance buyer77 -o json").json()["balance"], 40);
    world.run("miles audit").ok();
}
