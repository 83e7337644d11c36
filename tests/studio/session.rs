//! How a studio begins and ends: the launch code, the terminal, idleness, the port.

use rexpect::session::spawn_command;

use super::Studio;
use crate::support::{Engine, World, both, eventually};

#[both(ready)]
fn a_launch_code_works_once_and_a_second_try_is_told(world: &mut World) {
    let studio = Studio::start(world);
    let session = studio.get("/api/session").ok();
    assert_eq!(session["target"]["database"], world.name().as_str());
    assert_eq!((&session["readOnly"], &session["locked"]), (&false.into(), &false.into()));
    assert!(!session.to_string().contains(world.work().to_str().unwrap()), "{session}");
    let again = studio.open(&studio.code);
    assert_eq!((again.status, again.body.as_str()), (401, ""));
    eventually("the terminal says so", || studio.said().contains("used already"));
}

#[test]
fn a_launch_code_dies_of_five_wrong_tries() {
    let studio = Studio::without_session(&World::ready(Engine::Sqlite), "");
    for code in ["", "x", "wrong", &studio.code[1..], &format!("{} ", studio.code)] {
        let refused = studio.open(code);
        assert_eq!((refused.status, refused.body.as_str()), (401, ""));
    }
    assert_eq!(studio.open(&studio.code).status, 401);
    eventually("the terminal says so", || studio.said().contains("a wrong launch code"));
}

#[test]
fn enter_in_the_terminal_makes_another_link() {
    let world = World::ready(Engine::Sqlite);
    let mut terminal = spawn_command(world.program("db studio --port 0"), Some(30_000)).unwrap();
    let (_, first) = terminal.exp_regex("http://127\\.0\\.0\\.1:[0-9]+/#code=[A-Za-z0-9_-]+").unwrap();
    terminal.send_line("").unwrap();
    let (_, second) = terminal.exp_regex("http://127\\.0\\.0\\.1:[0-9]+/#code=[A-Za-z0-9_-]+").unwrap();
    assert_ne!(first, second);
    terminal.send_control('c').unwrap();
    terminal.exp_string("The studio has ended").unwrap();
}

#[both(ready)]
fn an_interrupt_and_the_page_end_it_in_good_order(world: &mut World) {
    let (code, said) = Studio::start(world).interrupt();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("→ ") && said.contains("The studio has ended"), "{said}");
    let studio = Studio::start(world);
    assert_eq!(studio.post("/api/session/stop", &serde_json::json!({})).status, 204);
    let (code, said) = studio.ends();
    assert_eq!(code, 0, "{said}");
}

#[both(ready)]
fn it_ends_where_no_page_is_open(world: &mut World) {
    let ended = world.run("db studio --port 0 --idle 1s").ok();
    assert!(ended.stderr.contains("no page was open for too long"), "{ended}");
    for idle in ["0s", "13h", "5", "m", "-1s", "99999999999999999999h"] {
        world.run(format!("db studio --idle={idle}")).exits(2);
    }
}

#[test]
fn a_taken_port_is_an_error_with_the_way_out() {
    let world = World::ready(Engine::Sqlite);
    let studio = Studio::start(&world);
    let refused = world.run(format!("db studio --port {}", studio.port)).exits(1);
    assert!(refused.stderr.contains("skyteam db studio --port 0"), "{refused}");
    // Two studios are fine on two ports, and each has a session of its own.
    let other = Studio::start(&world);
    let bearer = studio.bearer();
    assert_eq!(other.request("GET /api/session", &[&other.host(), &bearer], "").status, 401);
}

#[test]
fn no_database_is_no_studio() {
    World::bare().run("db studio --port 0").exits(6);
    World::ready(Engine::Sqlite).run("-n db studio --port 0").exits(2);
}
