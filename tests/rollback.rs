//! `db rollback`: the newest migrations undone, with the consent that their losses need.

use crate::support::{Engine, World, both, migrations};

/// At the version whose undoing loses values.
fn with_a_transaction(world: &World) {
    world.run("db migrate --to ledger").ok();
    world.query("INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('1', 'pilot123', 'Pilot')");
    world.query(
        "INSERT INTO \"milesTransactions\" (\"userId\", amount, type, source, actor)
         VALUES ('1', 250, 'earn', 'event', 'ops'), ('1', 50, 'earn', 'event', NULL)",
    );
}

fn tables(world: &World) -> String {
    match world.engine() {
        Engine::Postgres => world.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
        Engine::Sqlite => {
            world.query("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'")
        }
    }
}

#[both]
fn what_is_lost_is_counted_and_needs_the_name(world: &mut World) {
    with_a_transaction(world);
    let before = world.catalogue();
    insta::assert_snapshot!(world.run("db rollback").exits(9), @r"
    exit: 9
    --- stderr
    → [database]
    To undo: 20261123000001_ledger
    warning: lost is milesTransactions.reversesId (no values)
    warning: lost is milesTransactions.batchId (no values)
    warning: lost is milesTransactions.actor (1 value)
    error: data would be lost: a confirmation is needed
      why  Undoing 1 migration loses milesTransactions.reversesId (no values), milesTransactions.batchId (no values), milesTransactions.actor (1 value).
      fix  add --confirm skyteam
    ");
    insta::assert_snapshot!(world.run("db rollback --yes").exits(9), @r"
    exit: 9
    --- stderr
    → [database]
    To undo: 20261123000001_ledger
    warning: lost is milesTransactions.reversesId (no values)
    warning: lost is milesTransactions.batchId (no values)
    warning: lost is milesTransactions.actor (1 value)
    error: data would be lost: a confirmation is needed
      why  Undoing 1 migration loses milesTransactions.reversesId (no values), milesTransactions.batchId (no values), milesTransactions.actor (1 value).
      fix  add --confirm skyteam
    ");
    world.run("db rollback --confirm somebody").exits(9);
    assert_eq!(world.catalogue(), before);

    insta::assert_snapshot!(world.run(["db", "rollback", "--confirm", &world.name()]), @r"
    exit: 0
    --- stdout
    Migrations undone: 1; the database is at 20261123000000_safety.
    --- stderr
    → [database]
    To undo: 20261123000001_ledger
    warning: lost is milesTransactions.reversesId (no values)
    warning: lost is milesTransactions.batchId (no values)
    warning: lost is milesTransactions.actor (1 value)
    Undid 20261123000001_ledger in [took].
    ");
    assert_eq!(world.query("SELECT amount FROM \"milesTransactions\" ORDER BY 1"), "50\n250");
    assert!(!world.catalogue().contains("batchId"));
}

#[both]
fn on_a_terminal_the_name_is_typed(world: &mut World) {
    with_a_transaction(world);
    world.call("db rollback").answers(["yes"]).run().exits(9);
    let name = world.name();
    world.call("db rollback").answers([name.as_str()]).run().ok();
    // Version 2 holds no data: a plain question.
    world.call("db rollback").answers(["y"]).run().ok();
}

#[both]
fn a_rollback_without_loss_is_a_change(world: &mut World) {
    world.run("db migrate --to safety").ok();
    insta::assert_snapshot!(world.run("db rollback").exits(9), @r"
    exit: 9
    --- stderr
    → [database]
    To undo: 20261123000000_safety
    error: a confirmation is needed
      why  no question can be asked here: Undo 1 migration on skyteam?
      fix  add --yes
    ");
    insta::assert_snapshot!(world.run("db rollback --yes"), @r"
    exit: 0
    --- stdout
    Migrations undone: 1; the database is at 20240101000000_baseline.
    --- stderr
    → [database]
    To undo: 20261123000000_safety
    Undid 20261123000000_safety in [took].
    ");
}

#[both]
fn down_and_up_again_is_where_it_began(world: &mut World) {
    with_a_transaction(world);
    let before = world.catalogue();
    let name = world.name();
    world.run(["db", "rollback", "--to", "baseline", "--confirm", &name]).ok();
    world.run("db migrate --to ledger").ok();
    assert_eq!(world.catalogue(), before);
    assert_eq!(world.query("SELECT count(*) FROM \"milesTransactions\""), "2");
}

#[both]
fn all_the_way_down_leaves_no_table(world: &mut World) {
    world.run("db migrate").ok();
    let name = world.name();
    let every = migrations::folders().len().to_string();
    let answer = world.run(["db", "rollback", "--steps", &every, "--confirm", &name, "-o", "json"]).json();
    assert_eq!(answer["version"], serde_json::Value::Null);
    assert_eq!(answer["undone"].as_array().unwrap().len(), migration::all().len());
    assert_eq!(tables(world), "0");
    insta::assert_snapshot!(world.run("db rollback"), @r"
    exit: 0
    --- stdout
    Nothing to undo: no migration is on the record.
    --- stderr
    → [database]
    ");
    world.run("db migrate").ok();
}

#[both]
fn a_dry_run_undoes_nothing(world: &mut World) {
    with_a_transaction(world);
    let before = (world.catalogue(), world.query("SELECT * FROM \"milesTransactions\" ORDER BY amount"));
    insta::assert_snapshot!(world.run("db rollback --steps 3 --dry-run"), @r"
    exit: 0
    --- stdout
    Migrations undone: 3; the database would be at no version, had this been no dry run.
    --- stderr
    → [database]
    To undo: 20261123000001_ledger
    To undo: 20261123000000_safety
    To undo: 20240101000000_baseline
    warning: lost is milesTransactions.reversesId (no values)
    warning: lost is milesTransactions.batchId (no values)
    warning: lost is milesTransactions.actor (1 value)
    warning: lost is milesProducts (0 rows)
    warning: lost is milesTransactions (2 rows)
    warning: lost is flightPassengers (0 rows)
    warning: lost is flights (0 rows)
    warning: lost is brands (0 rows)
    warning: lost is airlines (0 rows)
    warning: lost is users (1 row)
    Dry run: nothing was changed.
    ");
    assert_eq!((world.catalogue(), world.query("SELECT * FROM \"milesTransactions\" ORDER BY amount")), before);
}

#[both(ready)]
fn down_to_where_it_is_there_is_nothing_to_undo(world: &mut World) {
    let newest = migrations::newest();
    let answer = world.run(format!("db rollback --to {newest}")).ok();
    assert_eq!(answer.stdout, format!("Nothing to undo: the database is at {newest}.\n"));
}

#[both]
fn what_cannot_be_undone_is_said(world: &mut World) {
    world.run("db migrate --to baseline").ok();
    insta::assert_snapshot!(world.run("db rollback --to ledger").exits(5), @r"
    exit: 5
    --- stderr
    → [database]
    error: 20261123000001_ledger is not applied here
      fix  skyteam db status
    ");
    let refused = "exit: 4\n--- stderr\nerror: no migration \"nowhere\"";
    assert_eq!(
        world.run("db rollback --to nowhere").to_string(),
        format!("{refused}\n  why  there are {}", migrations::listed())
    );
    world.run("db rollback --steps 0").exits(2);
}
