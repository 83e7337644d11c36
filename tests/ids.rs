//! Ids in tables on a terminal: as much of them as names something, and accepted as that.

use crate::support::{World, both};

/// The first column of the rows of a table.
fn firsts(table: &str) -> Vec<String> {
    table.lines().skip(1).map(|line| line.split_whitespace().next().unwrap_or_default().to_owned()).collect()
}

/// Three entries of version 7 in one millisecond, and one of another time.
fn entries(world: &World) {
    world.run("user add 1 pilot").ok();
    let ids = [
        "0196f7a2-5e0c-7c3e-9d43-0a4b6c0d1e2f",
        "0196f7a2-5e0c-7c3e-9d43-0a4b6c0d1e3f",
        "0196f7a2-5e0c-7d3e-9d43-0a4b6c0d1e2f",
        "1196f7a2-5e0c-7c3e-9d43-0a4b6c0d1e2f",
    ];
    for (index, id) in ids.iter().enumerate() {
        world.query(&format!(
            r#"INSERT INTO "milesTransactions" ("id", "userId", "amount", "type", "source", "note", "actor", "createdAt")
            VALUES ('{id}', '1', 100, 'earn', 'manual', 'a long note about what this was for', 'ops', '2025-07-04 10:00:0{index}')"#
        ));
    }
    world.query(r#"UPDATE "users" SET "miles" = (SELECT coalesce(sum("amount"), 0) FROM "milesTransactions" WHERE "userId" = '1') WHERE "userId" = '1'"#);
}

#[both(ready)]
fn an_id_is_shown_as_far_as_no_other_begins_so(world: &mut World) {
    entries(world);
    let shown = world.call("miles history 1 --color never").terminal(80).run().ok();
    let ids = firsts(&shown.stdout);
    assert_eq!(
        ids,
        ["1196f7a2", "0196f7a2-5e0c-7d", "0196f7a2-5e0c-7c3e-9d43-0a4b6c0d1e3", "0196f7a2-5e0c-7c3e-9d43-0a4b6c0d1e2"],
        "{shown}"
    );
    // Each is a reference.
    for id in &ids {
        world.run(["miles", "reverse", id, "--note", "x", "-n", "--yes"]).ok();
    }
    // Whole where it is asked for, and for programs.
    let whole = "0196f7a2-5e0c-7d3e-9d43-0a4b6c0d1e2f";
    assert!(world.call("miles history 1 --wide").terminal(200).run().ok().stdout.contains(whole));
    for format in ["table", "json", "ndjson", "csv", "md"] {
        assert!(world.run(["miles", "history", "1", "-o", format]).ok().stdout.contains(whole), "{format}");
    }
    assert!(world.call("miles history 1 -o csv").terminal(80).run().ok().stdout.contains(whole));
}

#[both(ready)]
fn what_matters_most_is_seen_at_80_columns(world: &mut World) {
    world.run("user add 1 pilot").ok();
    world.run(["miles", "award", "1", "500", "--note", "Event winner of the week", "--actor", "ops"]).ok();
    let shown = world.call("miles history 1 --color never").terminal(80).run().ok();
    let head = shown.stdout.lines().next().unwrap();
    for column in ["id", "amount", "source", "note", "createdAt", "balance"] {
        assert!(head.contains(column), "{column}: {shown}");
    }
    assert!(shown.stdout.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= 80), "{shown}");
    // What does not fit is named.
    let narrow = world.call("miles history 1").terminal(50).run().ok();
    assert!(narrow.stderr.contains("hidden (") && narrow.stderr.contains("actor"), "{narrow}");
}

#[both(ready)]
fn flights_are_shortened_too(world: &mut World) {
    crate::flight::fleet(world);
    let shown = world.call("flight list --columns id,code --color never").terminal(80).run().ok();
    let ids = firsts(&shown.stdout);
    assert!(ids.len() == 6 && ids.iter().all(|id| id.len() == 8), "{shown}");
    for id in &ids {
        world.run(["flight", "show", id]).ok();
    }
    world.run("flight board DL300 1 --miles 5").ok();
    let shown = world.call("user flights 1 --color never").terminal(80).run().ok();
    assert!(shown.stdout.contains("3a000000 "), "{shown}");
}
