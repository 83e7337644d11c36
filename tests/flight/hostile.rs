//! Hostile input in every field of every command about flights: nothing breaks, nothing is lost, nothing reaches the
//! terminal as it is.

use super::fleet;
use crate::support::{World, both};

const HOSTILE: &[&str] = &[
    "'; DROP TABLE flights; --",
    "\" OR 1=1",
    "a\nb",
    "a\u{202e}b",
    "\u{1b}[2J\u{1b}[H",
    "12345",
    "%_\\",
    "$1",
    "{}",
    "é大한✈️",
];

#[both(ready)]
fn references_and_codes_are_only_ever_text(world: &mut World) {
    fleet(world);
    let before = world.query(r#"SELECT * FROM "flights" ORDER BY "id""#);
    let long = "x".repeat(1 << 17);
    for hostile in HOSTILE.iter().copied().chain([long.as_str()]) {
        for command in [
            &["flight", "show", hostile][..],
            &["flight", "start", hostile],
            &["flight", "end", hostile],
            &["flight", "delete", hostile, "--confirm", "skyteam"],
            &["flight", "edit", hostile, "--aircraft", "x", "--yes"],
            &["flight", "edit", "DL100", "--code", hostile, "--yes"],
            &["flight", "edit", "DL100", "--brand", hostile, "--yes"],
            &["flight", "edit", "DL100", "--to", hostile, "--yes"],
            &["flight", "list", "--airline", hostile],
            &["flight", "list", "--brand", hostile],
            &["flight", "list", "--from", hostile],
            &["flight", "list", "--since", hostile],
            &["flight", "list", "--sort", hostile],
            &["flight", "board", hostile, "1", "--miles", "5"],
            &["flight", "board", "DL300", "1", "--miles", hostile, "-n"],
            &["flight", "manifest", "show", hostile],
            &["flight", "manifest", "import", "DL300", hostile],
            &["flight", "reap", "--older-than", hostile, "--yes"],
        ] {
            // The digits are somebody's name, and an amount.
            let output = world.run(command);
            let fine = matches!(output.code, 2 | 4) || (hostile == "12345" && output.code == 0);
            assert!(fine, "{output}");
            let act = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!output.stderr.contains(act), "{output}");
            assert!(output.stderr.len() < 4000, "{} bytes of complaint", output.stderr.len());
        }
    }
    assert_eq!(world.query(r#"SELECT * FROM "flights" ORDER BY "id""#), before);
}

#[both(ready)]
fn free_text_is_kept_as_it_is_and_shown_tamed(world: &mut World) {
    fleet(world);
    for (number, hostile) in HOSTILE.iter().enumerate() {
        let code = format!("DL{}", 900 + number);
        let flight = world
            .run([
                "flight",
                "add",
                &code,
                "--airline",
                "delta",
                "--brand",
                "DL",
                "--from",
                "JFK",
                "--to",
                "CDG",
                "--aircraft",
                hostile,
                "--game-id",
                hostile,
                "-o",
                "json",
            ])
            .json();
        assert_eq!((flight["aircraft"].as_str(), flight["gameId"].as_str()), (Some(*hostile), Some(*hostile)));
        world.run(["flight", "board", &code, "1", "--miles", "1", "--note", hostile]).ok();
        for show in [format!("flight show {code}"), "flight list".to_owned(), "flight list -o md".to_owned()] {
            let shown = world.run(show).ok();
            assert!(!shown.stdout.contains('\u{1b}') && !shown.stdout.contains('\u{202e}'), "{shown}");
        }
        let json = world.run(format!("flight show {code} -o json")).json();
        assert_eq!(json["aircraft"].as_str(), Some(*hostile));
    }
    let nul = world.run("flight edit DL900 --aircraft x --yes");
    nul.ok();
    let notes = world.query(r#"SELECT count(DISTINCT "note") FROM "milesTransactions""#);
    assert_eq!(notes, HOSTILE.len().to_string());
}

#[both(ready)]
fn a_hostile_list_boards_nobody(world: &mut World) {
    fleet(world);
    let megabyte = "x".repeat(1 << 20);
    for hostile in HOSTILE.iter().copied().chain(["a\0b", megabyte.as_str()]).filter(|text| *text != "12345") {
        let line = serde_json::json!({"user": hostile, "miles": 5}).to_string();
        let output = world.call("flight manifest import DL300 - --dry-run").input(&line).run();
        assert!(matches!(output.code, 2 | 4), "{output}");
        assert!(!output.stdout.contains('\u{1b}') && !output.stderr.contains('\u{1b}'), "{output}");
        assert!(output.stderr.len() < 4000, "{} bytes of complaint", output.stderr.len());
        let line = serde_json::json!({"user": "1", "miles": hostile}).to_string();
        world.call("flight manifest import DL300 -").input(&line).run().exits(2);
    }
    let not_text = world.call("flight manifest import DL300 -").input(b"userId\n\xff\xfe\n").run().exits(2);
    assert!(not_text.stderr.contains("line 2 cannot be read"), "{not_text}");
    assert_eq!(world.query(r#"SELECT count(*) FROM "flightPassengers""#), "0");
}
