//! What the page has done: tried first, done once, refused in the words of the command line, and never past the gate.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::{Answer, Studio, TOKEN, encoded, planted};
use crate::support::{World, both, eventually};

impl Studio {
    fn act(&self, action: Value) -> Answer {
        self.post("/api/actions", &json!({ "action": action }))
    }

    fn try_out(&self, action: Value) -> Answer {
        self.post("/api/actions", &json!({ "action": action, "preview": true }))
    }

    fn agree(&self, action: &Value, asked: &Answer, typed: Option<&str>) -> Answer {
        let agreed = asked.json()["ask"]["agreement"].clone();
        self.post("/api/actions", &json!({ "action": action, "agreed": agreed, "typed": typed }))
    }
}

fn state(world: &World) -> String {
    ["users", "milesTransactions", "flights", "flightPassengers", "milesProducts", "airlines"]
        .map(|table| world.query(&format!(r#"SELECT * FROM "{table}" ORDER BY 1, 2"#)))
        .join("\n")
}

/// Gives Ann what the ledger says of her, and a product to buy.
fn balanced(world: &World) {
    planted(world);
    world.query(r#"UPDATE "flightPassengers" SET "miles" = 0"#);
    for (user, miles) in [("1", 480), ("2", 7)] {
        world.query(&format!(r#"UPDATE "users" SET "miles" = {miles} WHERE "userId" = '{user}'"#));
    }
    world.run("miles audit").ok();
    world.query(
        r#"INSERT INTO "milesProducts" ("productId", "airlineId", "name", "priceMiles", "active")
            VALUES ('a1b2c3', 'delta', 'Lounge', 100, true)"#,
    );
}

fn balance(world: &World, user: &str) -> i64 {
    world.query(&format!(r#"SELECT "miles" FROM "users" WHERE "userId" = '{user}'"#)).parse().unwrap()
}

fn award(key: &str, amount: &str) -> Value {
    json!({ "award": { "users": ["ann"], "amount": amount, "note": "quiz", "key": key } })
}

#[both(ready)]
fn an_award_is_tried_and_then_done_once(world: &mut World) {
    balanced(world);
    let studio = Studio::start(world);
    let before = state(world);
    let tried = studio.try_out(award("k-1", "7")).ok();
    assert_eq!(tried["applied"], false);
    assert_eq!(tried["answer"]["balance"], 487);
    assert_eq!(tried["command"], "skyteam miles award ann 7 --note quiz --key k-1");
    assert_eq!(state(world), before);

    let done = studio.act(award("k-1", "7")).ok();
    assert_eq!((&done["applied"], &done["answer"]["balance"]), (&json!(true), &json!(487)));
    let theirs = world.run("miles award 2 1 --note x -o json").json();
    assert_eq!(done["answer"]["actor"], theirs["actor"]);
    let again = studio.act(award("k-1", "7")).ok();
    assert_eq!(again["answer"]["id"], done["answer"]["id"]);
    assert!(again["said"][0].as_str().unwrap().starts_with("Already applied"), "{again}");
    assert_eq!(balance(world, "1"), 487);
    // A key that was used refuses another award.
    assert_eq!(studio.act(award("k-1", "8")).fails(409), "key_taken");
    world.run("miles audit").ok();
}

#[both(ready)]
fn twenty_clicks_at_once_are_one_entry(world: &mut World) {
    balanced(world);
    let studio = Studio::start(world);
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| studio.act(award("click", "5")).ok());
        }
    });
    assert_eq!(world.query(r#"SELECT count(*) FROM "milesTransactions" WHERE "note" = 'quiz'"#), "1");
    assert_eq!(balance(world, "1"), 485);
}

#[both(ready)]
fn of_fifty_spends_at_once_ten_fit(world: &mut World) {
    balanced(world);
    world.run("miles award 1 520 --note start").ok();
    let studio = Studio::start(world);
    let (done, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..50 {
            let (studio, done, refused) = (&studio, &done, &refused);
            scope.spawn(move || {
                let spend =
                    json!({ "spend": { "user": "1", "amount": "100", "note": "x", "key": format!("s{number}") } });
                // Where there are too many connections one is cut: an unknown outcome is asked again, by its key.
                let answer = loop {
                    let answer = studio.act(spend.clone());
                    if answer.status != 0 {
                        break answer;
                    }
                };
                match answer.status {
                    200 => done.fetch_add(1, Ordering::Relaxed),
                    409 => refused.fetch_add(1, Ordering::Relaxed),
                    _ => panic!("{answer:?}"),
                };
            });
        }
    });
    assert_eq!((done.into_inner(), refused.into_inner()), (10, 40));
    assert_eq!(balance(world, "1"), 0);
    world.run("miles audit").ok();
}

#[both(ready)]
fn a_refusal_is_the_sentence_of_the_command_line(world: &mut World) {
    balanced(world);
    let studio = Studio::start(world);
    let before = state(world);
    for (action, command) in [
        (
            json!({ "spend": { "user": "bob", "amount": "9000", "note": "x", "key": "k" } }),
            "miles spend bob 9000 --note x --key k",
        ),
        (
            json!({ "spend": { "user": "nobody", "amount": "1", "note": "x", "key": "k" } }),
            "miles spend nobody 1 --note x --key k",
        ),
        (
            json!({ "spend": { "user": "bob", "amount": "-5", "note": "x", "key": "k" } }),
            "miles spend bob -5 --note x --key k",
        ),
        (json!({ "redeem": { "user": "bob", "product": "a1b2c3", "key": "k" } }), "miles redeem bob a1b2c3 --key k"),
        (
            json!({ "reverse": { "target": "00000000-0000-4000-8000-0000000000ff", "note": "x" } }),
            "miles reverse 00000000-0000-4000-8000-0000000000ff --note x",
        ),
        (json!({ "end": { "flight": "DL123" } }), "flight end DL123"),
        (json!({ "board": { "flight": "DL123", "user": "ann", "miles": "x" } }), "flight board DL123 ann --miles x"),
        (json!({ "rename": { "user": "bob", "username": "ann" } }), "user edit bob --username ann --yes"),
    ] {
        let ours = studio.act(action.clone()).json()["error"].clone();
        let theirs = world.run(format!("{command} -o json")).error();
        assert_eq!(ours, theirs, "{action}");
        assert_eq!(studio.try_out(action).json()["error"]["code"], theirs["code"]);
    }
    assert_eq!(state(world), before);
}

#[both(ready)]
fn what_needs_a_yes_is_asked_and_the_yes_is_to_what_was_shown(world: &mut World) {
    balanced(world);
    for user in ["1", "2", "3"] {
        world.run(format!("miles award {user} 100 --note usual")).ok();
    }
    let studio = Studio::start(world);
    let before = state(world);
    let large = award("large", "9000");
    let tried = studio.try_out(large.clone()).ok();
    assert!(tried["said"].to_string().contains("This would ask: 9,000 miles for ann"), "{tried}");
    let asked = studio.act(large.clone());
    assert_eq!(asked.fails(428), "confirmation_needed");
    let words = asked.json();
    assert!(words["error"]["why"].as_str().unwrap().contains("an amount may be a slip of the finger"), "{words}");
    assert!(words["ask"]["question"].as_str().unwrap().starts_with("9,000 miles for ann is over 20 times"), "{words}");
    assert_eq!(state(world), before);

    // A yes to one thing is none to another.
    let other = award("larger", "9001");
    assert_eq!(studio.agree(&other, &asked, None).fails(428), "confirmation_needed");
    assert_eq!(state(world), before);
    studio.agree(&large, &asked, None).ok();
    assert_eq!(balance(world, "1"), 9580);

    let rename = json!({ "rename": { "user": "2", "username": "bobby" } });
    let asked = studio.act(rename.clone());
    assert_eq!(asked.fails(428), "confirmation_needed");
    assert_eq!(asked.json()["ask"]["said"], json!(["username: bob → bobby"]));
    // Meanwhile it has another effect.
    world.run("user edit 2 --username robert --yes").ok();
    assert_eq!(studio.agree(&rename, &asked, None).fails(428), "confirmation_needed");
    let asked = studio.act(rename.clone());
    let renamed = studio.agree(&rename, &asked, None).ok();
    assert_eq!(renamed["answer"]["username"], "bobby");
}

#[both(ready)]
fn an_entry_is_reversed_once(world: &mut World) {
    balanced(world);
    let studio = Studio::start(world);
    let reverse = json!({ "reverse": { "target": "00000000-0000-4000-8000-000000000001", "note": "wrong" } });
    assert_eq!(
        studio.try_out(reverse.clone()).fails(409),
        world.run("miles reverse 00000000-0000-4000-8000-000000000001 --note wrong -n -o json").error()["code"]
    );
    let reverse = json!({ "reverse": { "target": "00000000-0000-4000-8000-000000000003", "note": "wrong" } });
    let asked = studio.act(reverse.clone());
    assert_eq!(asked.fails(428), "confirmation_needed");
    assert_eq!(asked.json()["ask"]["question"], "Reverse 1 entry?");
    assert_eq!(studio.agree(&reverse, &asked, None).ok()["answer"]["balance"], 0);
    assert_eq!(studio.agree(&reverse, &asked, None).status, 409);
    assert_eq!(balance(world, "2"), 0);
}

#[both(ready)]
fn a_player_is_erased_by_the_name_that_is_typed(world: &mut World) {
    balanced(world);
    let studio = Studio::start(world);
    let erase = json!({ "erase": { "user": "2" } });
    let asked = studio.act(erase.clone());
    assert_eq!(asked.fails(428), "confirmation_needed");
    let words = asked.json();
    assert_eq!((&words["ask"]["typed"], &words["ask"]["question"]), (&json!(true), &json!("Type bob to go on")));
    assert!(words["ask"]["said"][0].as_str().unwrap().contains("leaves every table; this cannot be undone"), "{words}");
    assert_eq!(studio.agree(&erase, &asked, Some("ann")).fails(428), "wrong_confirmation");
    assert_eq!(studio.agree(&erase, &asked, None).status, 428);
    assert_eq!(world.query(r#"SELECT count(*) FROM "users" WHERE "userId" = '2'"#), "1");
    studio.agree(&erase, &asked, Some("bob")).ok();
    assert_eq!(world.query(r#"SELECT count(*) FROM "users" WHERE "userId" = '2'"#), "0");
}

#[both(ready)]
fn a_flight_is_planned_flown_and_filled(world: &mut World) {
    balanced(world);
    let studio = Studio::start(world);
    let plan = json!({ "plan": { "code": "DL7", "airline": "delta", "brand": "DL", "from": "AMS", "to": "JFK", "aircraft": "A330",
        "gameId": "1", "at": "+1h" } });
    let tried = studio.try_out(plan.clone()).ok();
    assert_eq!(tried["answer"]["status"], "scheduled", "{tried}");
    let planned = studio.act(plan).ok();
    let id = planned["answer"]["id"].as_str().unwrap();
    studio.act(json!({ "start": { "flight": id } })).ok();
    studio.act(json!({ "board": { "flight": id, "user": "ann", "miles": "20" } })).ok();
    let list = |passengers: &str| json!({ "manifest": { "flight": id, "passengers": passengers, "miles": "20" } });
    let wrong = studio.try_out(list("user\nann\nbob\nnobdy\n"));
    assert_eq!(wrong.fails(404), "unknown_users");
    let lines = wrong.json()["answer"].clone();
    assert_eq!(lines[0]["fate"], "alreadyOnBoard", "{lines}");
    assert_eq!((&lines[1]["fate"], &lines[2]["fate"]), (&json!("new"), &json!("unknown")), "{lines}");
    let listed = list("user\nann\nbob\n");
    assert_eq!(studio.act(listed.clone()).ok()["answer"]["boarded"], 1);
    assert_eq!(studio.act(listed).ok()["answer"]["boarded"], 0);
    assert_eq!(studio.act(json!({ "end": { "flight": id } })).ok()["answer"]["status"], "ended");
    let page = studio.get(&format!("/api/flights/{id}")).ok();
    assert_eq!(page["flight"]["manifest"]["passengers"], 2, "{page}");
    assert_eq!(page["passengers"].as_array().unwrap().len(), 2);
    world.run("miles audit").ok();
}

#[both(ready)]
fn a_flight_is_changed_and_one_without_passengers_deleted(world: &mut World) {
    balanced(world);
    let studio = Studio::start(world);
    let before = state(world);
    let edit = json!({ "editFlight": { "flight": "DL123", "aircraft": "A350", "codeshare": "klm" } });
    let tried = studio.try_out(edit.clone()).ok();
    assert_eq!((&tried["answer"]["aircraft"], &tried["applied"]), (&json!("A350"), &json!(false)), "{tried}");
    assert_eq!(tried["command"], "skyteam flight edit DL123 --aircraft A350 --codeshare klm");
    assert_eq!(state(world), before);
    let changed = studio.act(edit.clone());
    let changed = if changed.status == 428 { studio.agree(&edit, &changed, None).ok() } else { changed.ok() };
    assert_eq!((&changed["answer"]["aircraft"], &changed["applied"]), (&json!("A350"), &json!(true)), "{changed}");
    let alone = json!({ "editFlight": { "flight": "DL123", "codeshare": "" } });
    assert_eq!(studio.try_out(alone).ok()["answer"]["codeshareAirlineId"], Value::Null);

    // This one has passengers, another has none.
    let boarded = json!({ "deleteFlight": { "flight": "DL123" } });
    let theirs = world.run("flight delete DL123 --yes -o json").error();
    assert_eq!(studio.act(boarded).json()["error"], theirs);
    let plan = json!({ "plan": { "code": "DL7", "airline": "delta", "brand": "DL", "from": "AMS", "to": "JFK", "aircraft": "A330",
        "gameId": "1", "at": "+1h" } });
    studio.act(plan).ok();
    let delete = json!({ "deleteFlight": { "flight": "DL7" } });
    let asked = studio.act(delete.clone());
    assert_eq!(asked.fails(428), "confirmation_needed");
    let typed = asked.json()["ask"]["typed"] == true;
    assert_eq!(studio.agree(&delete, &asked, Some("ann")).status, if typed { 428 } else { 200 });
    if typed {
        studio.agree(&delete, &asked, Some(&world.name())).ok();
    }
    assert_eq!(studio.get("/api/flights/DL7").fails(404), "not_found");
}

#[both(ready)]
fn an_airline_and_a_brand_are_changed(world: &mut World) {
    balanced(world);
    let studio = Studio::start(world);
    for (action, page, place) in [
        (
            json!({ "editAirline": { "airline": "delta", "name": "Delta Air Lines" } }),
            "/api/airlines/delta",
            "/airline/name",
        ),
        (
            json!({ "editBrand": { "brand": "dl", "callsign": "DELTA AIR" } }),
            "/api/airlines/delta",
            "/brands/0/callsign",
        ),
    ] {
        let shown = |studio: &Studio| studio.get(page).ok().pointer(place).unwrap().clone();
        let before = shown(&studio);
        studio.try_out(action.clone()).ok();
        assert_eq!(shown(&studio), before);
        let asked = studio.act(action.clone());
        assert_eq!(asked.fails(428), "confirmation_needed");
        studio.agree(&action, &asked, None).ok();
        assert!(shown(&studio).as_str().unwrap().to_uppercase().starts_with("DELTA AIR"), "{action}");
    }
    let wrong = json!({ "editBrand": { "brand": "dl", "accentColor": "red" } });
    let theirs = world.run("brand edit dl --accent-color red --yes -o json").error();
    assert_eq!(studio.act(wrong).json()["error"], theirs);
}

#[both(ready)]
fn a_new_token_is_answered_once_and_no_token_otherwise(world: &mut World) {
    balanced(world);
    let studio = Studio::start(world);
    let rotate = json!({ "rotate": { "airline": "delta" } });
    let tried = studio.try_out(rotate.clone()).ok();
    assert!(tried["answer"]["token"].as_str().unwrap().starts_with("set (sha256 "), "{tried}");
    let asked = studio.act(rotate.clone());
    assert_eq!(asked.fails(428), "confirmation_needed");
    assert!(!asked.body.contains(TOKEN));
    let rotated = studio.agree(&rotate, &asked, None).ok();
    let token = world.query(r#"SELECT "token" FROM "airlines" WHERE "airlineId" = 'delta'"#);
    assert_ne!(token, TOKEN);
    assert_eq!(rotated["answer"]["token"], token.as_str());
    for path in [
        "/api/airlines/delta",
        "/api/flights/DL123",
        "/api/players/ann",
        "/api/products/a1b2c3",
        "/api/overview/flights",
        "/api/overview/movements",
        "/api/overview/findings",
        "/api/tables/airlines/rows",
    ] {
        let answer = studio.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(!answer.body.contains(&token) && !answer.body.contains(TOKEN), "{path}");
    }
    assert!(!studio.said().contains(&token));
}

#[both(ready)]
fn pages_show_a_balance_that_adds_up(world: &mut World) {
    balanced(world);
    let studio = Studio::start(world);
    let page = studio.get("/api/players/ann").ok();
    let (player, history) = (&page["player"], &page["history"]);
    assert_eq!((&player["miles"], &player["earned"], &player["spent"]), (&json!(480), &json!(500), &json!(20)));
    assert_eq!(history[0]["balance"], 480, "{history}");
    assert_eq!(page["flights"][0]["code"], "DL123", "{page}");
    let airline = studio.get(&format!("/api/airlines/{}", encoded("Delta"))).ok();
    assert_eq!(airline["brands"][0]["brandId"], "dl");
    assert_eq!(airline["products"][0]["productId"], "a1b2c3");
    assert_eq!(studio.get("/api/players/nobody").fails(404), "not_found");
    studio.act(award("k", "33")).ok();
    let moved = studio.get("/api/overview/movements").ok();
    assert_eq!(moved["days"].as_array().unwrap().last().unwrap()["earned"], 33, "{moved}");
    assert_eq!((&moved["largest"][0]["amount"], &moved["largest"][0]["username"]), (&json!(33), &json!("ann")));
    let disable = json!({ "disable": { "product": "a1b2c3" } });
    let asked = studio.act(disable.clone());
    assert_eq!(studio.agree(&disable, &asked, None).ok()["answer"]["active"], false);
    assert_eq!(studio.get("/api/products/a1b2c3").ok()["active"], false);
}

#[both(ready)]
fn what_is_not_from_the_page_does_nothing(world: &mut World) {
    balanced(world);
    let studio = Studio::start(world);
    let before = state(world);
    let body = json!({ "action": award("foreign", "5") }).to_string();
    let length = format!("Content-Length: {}", body.len());
    let (host, own, bearer) = (studio.host(), studio.origin(), studio.bearer());
    let typed = "Content-Type: application/json";
    for (status, headers) in [
        (403, vec![host.as_str(), &bearer, typed, &length]),
        (403, vec![&host, "Origin: http://evil.example", &bearer, typed, &length]),
        (403, vec![&host, "Origin: null", &bearer, typed, &length]),
        (403, vec![&host, &own, "Sec-Fetch-Site: same-site", &bearer, typed, &length]),
        (403, vec![&host, &own, "Sec-Fetch-Site: cross-site", &bearer, typed, &length]),
        (403, vec![&host, &own, "Sec-Fetch-Site: none", &bearer, typed, &length]),
        (415, vec![&host, &own, &bearer, "Content-Type: text/plain", &length]),
        (415, vec![&host, &own, &bearer, &length]),
        (401, vec![&host, &own, typed, &length]),
        (401, vec![&host, &own, "Authorization: Bearer x", typed, &length]),
        (413, vec![&host, &own, &bearer, typed, "Content-Length: 2000000"]),
        (421, vec!["Host: evil.example", &own, &bearer, typed, &length]),
    ] {
        let answer = studio.request("POST /api/actions", &headers, &body);
        assert_eq!((answer.status, answer.body.as_str()), (status, ""), "{headers:?}: {answer:?}");
    }
    assert_eq!(studio.request("GET /api/actions", &[&host, &bearer], "").status, 405);
    for wrong in [json!({}), json!({ "action": { "drop": {} } }), json!({ "action": award("k", "5"), "yes": true })] {
        assert_eq!(studio.post("/api/actions", &wrong).fails(400), "usage");
    }
    // What reads as a flag is a value.
    let flags = json!({ "spend": { "user": "--yes", "amount": "1", "note": "--dry-run", "key": "-p" } });
    assert_eq!(studio.act(flags).status, 404);
    assert_eq!(state(world), before);
}

/// One of each action that could be done here.
fn every_action() -> Vec<Value> {
    vec![
        award("k", "5"),
        json!({ "spend": { "user": "1", "amount": "5", "note": "x", "key": "k" } }),
        json!({ "redeem": { "user": "1", "product": "a1b2c3", "key": "k" } }),
        json!({ "reverse": { "target": "00000000-0000-4000-8000-000000000003", "note": "x" } }),
        json!({ "plan": { "code": "DL7", "airline": "delta", "brand": "DL", "from": "AMS", "to": "JFK", "aircraft": "A", "gameId": "1" } }),
        json!({ "start": { "flight": "DL123" } }),
        json!({ "end": { "flight": "DL123" } }),
        json!({ "cancel": { "flight": "DL123" } }),
        json!({ "board": { "flight": "DL123", "user": "2", "miles": "5" } }),
        json!({ "manifest": { "flight": "DL123", "passengers": "user\nbob\n", "miles": "5" } }),
        json!({ "rename": { "user": "1", "username": "anna" } }),
        json!({ "rotate": { "airline": "delta" } }),
        json!({ "enable": { "product": "a1b2c3" } }),
        json!({ "disable": { "product": "a1b2c3" } }),
        json!({ "erase": { "user": "1" } }),
    ]
}

#[both(ready)]
fn a_studio_that_only_reads_refuses_every_action(world: &mut World) {
    balanced(world);
    let studio = Studio::with(world, "--read-only");
    let before = state(world);
    assert_eq!(studio.get("/api/session").ok()["readOnly"], true);
    for action in every_action() {
        assert_eq!(studio.act(action.clone()).fails(403), "read_only", "{action}");
        assert_eq!(studio.try_out(action).fails(403), "read_only");
    }
    assert_eq!(studio.post("/api/session/unlock", &json!({ "typed": world.name() })).status, 200);
    assert_eq!(studio.act(award("k", "5")).fails(403), "read_only");
    assert_eq!(studio.get("/api/players/ann").status, 200);
    assert_eq!(state(world), before);
}

#[both(ready)]
fn production_is_locked_until_its_name_is_typed(world: &mut World) {
    balanced(world);
    let profile = format!("[profiles.p]\nurl = \"{}\"\nkind = \"production\"\n", world.url());
    std::fs::write(world.work().join("skyteam.toml"), profile).unwrap();
    world.unset("DATABASE_URL");
    world.set("SKYTEAM_PROFILE", "p");
    let studio = Studio::start(world);
    let before = state(world);
    assert_eq!(studio.get("/api/session").ok()["locked"], true);
    for action in every_action() {
        assert_eq!(studio.act(action.clone()).fails(423), "production_locked", "{action}");
    }
    // What is only tried changes nothing.
    assert_eq!(studio.try_out(award("k", "5")).ok()["applied"], false);
    let wrong = studio.post("/api/session/unlock", &json!({ "typed": "other" }));
    assert_eq!(wrong.fails(428), "wrong_confirmation");
    assert_eq!(studio.act(award("k", "5")).status, 423);
    assert_eq!(state(world), before);

    let unlocked = studio.post("/api/session/unlock", &json!({ "typed": world.name() })).ok();
    assert_eq!(unlocked["locked"], false);
    assert!((1..=900).contains(&unlocked["unlockedSeconds"].as_u64().unwrap()), "{unlocked}");
    eventually("the terminal says so", || studio.said().contains("was unlocked"));
    studio.act(award("k", "5")).ok();
    assert_eq!(studio.post("/api/session/lock", &json!({})).ok()["locked"], true);
    assert_eq!(studio.act(award("k2", "5")).status, 423);
    assert_eq!(balance(world, "1"), 485);
}

#[both(ready)]
fn an_action_whose_answer_nobody_waits_for_is_done_all_the_same(world: &mut World) {
    use std::io::Write as _;
    balanced(world);
    let studio = Studio::start(world);
    let body = json!({ "action": award("lost", "5") }).to_string();
    let request = format!(
        "POST /api/actions HTTP/1.1\r\n{}\r\n{}\r\n{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        studio.host(),
        studio.origin(),
        studio.bearer(),
        body.len(),
    );
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", studio.port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    drop(stream);
    eventually("it is done or never came", || {
        // Asked again by its key, whatever became of it.
        studio.act(award("lost", "5")).ok()["answer"]["balance"] == 485
    });
    assert_eq!(balance(world, "1"), 485);
}
