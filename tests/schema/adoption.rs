//! A database that Drizzle Kit made becomes ours: additions only, and every row as before.

use super::{drizzle, steps};
use crate::support::World;

const TABLES: [&str; 7] =
    ["users", "airlines", "brands", "flights", "flightPassengers", "milesTransactions", "milesProducts"];

/// Every row of every table, column by column, of those that Drizzle made.
fn rows(world: &World) -> Vec<String> {
    TABLES
        .iter()
        .map(|table| {
            let columns = world.query(&format!(
                "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute \
                 WHERE attrelid = '\"{table}\"'::regclass AND attnum > 0 AND attname NOT IN ('reversesId', 'batchId', 'actor')"
            ));
            world.query(&format!("SELECT {columns} FROM \"{table}\" ORDER BY {columns}"))
        })
        .collect()
}

#[test]
fn the_difference_is_versions_two_and_three_and_nothing_else() {
    let world = drizzle();
    insta::assert_snapshot!(steps(&world).join("\n"), @r"
    create schema skyteam
    create function skyteam.users_miles_guard
    create function skyteam.milesTransactions_append_only
    create index flightPassengers_flightId_userId_pk
    create index brands_airlineId_idx
    create index brands_airlineId_primary_unique
    create index flights_brandId_idx
    create index flights_codeshareAirlineId_idx
    create index flights_airlineId_startTime_idx
    create index flightPassengers_flightId_idx
    create index flightPassengers_userId_idx
    create index milesTransactions_flightId_idx
    create index milesTransactions_userId_createdAt_idx
    create index milesProducts_airlineId_idx
    create trigger users_miles_guard
    create trigger milesTransactions_append_only
    add column milesTransactions.reversesId
    add column milesTransactions.batchId
    add column milesTransactions.actor
    add constraint flightPassengers_flightId_userId_pk
    add constraint flightPassengers_miles_check
    create index milesTransactions_reversesId_unique
    add constraint milesTransactions_reversesId_unique
    add constraint milesTransactions_amount_check
    add constraint milesProducts_priceMiles_check
    create index milesTransactions_batchId_idx
    add constraint milesTransactions_reversesId_milesTransactions_id_fk
    ");
}

#[test]
fn all_rows_are_as_before_and_a_second_push_runs_nothing() {
    let world = drizzle();
    let before = rows(&world);
    assert!(before.iter().all(|rows| !rows.is_empty()));
    world.run("db push").ok();
    assert_eq!(rows(&world), before);

    // No DDL at all, scratch tables included.
    world.query("CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no DDL'; END $$");
    let all = "CREATE EVENT TRIGGER no ON ddl_command_start EXECUTE FUNCTION no()";
    world.server().as_superuser(&world.name()).rows(all);
    let output = world.run("db push").ok();
    assert_eq!(output.stdout, format!("Nothing to do: {} is what the entities ask for.\n", world.name()));
    world.run("db diff --exit-code").ok();
    world.run("db migrate").ok();
    assert_eq!(world.query("SELECT DISTINCT via FROM skyteam.migrations"), "push");
}

#[test]
fn a_dry_run_runs_everything_and_leaves_nothing() {
    let world = drizzle();
    let before = steps(&world);
    let count = before.len();
    let output = world.run("db push --dry-run").ok();
    assert!(output.stdout.contains(&format!("{count} steps would be done")), "{}", output.stdout);
    assert_eq!(steps(&world), before);
}

#[test]
fn what_the_apps_write_rightly_still_succeeds_and_what_they_write_wrongly_does_not() {
    let world = drizzle();
    world.run("db push").ok();
    // As Drizzle sends them: the columns that it does not set are DEFAULT.
    world.query(
        r#"insert into "users" ("userId", "username", "displayName", "miles", "avatarUrl", "createdAt", "updatedAt")
           values ('900', 'newcomer', 'New', default, null, default, default);
           insert into "milesTransactions" ("id", "userId", "amount", "type", "source", "flightId", "productId", "note", "createdAt")
           values (default, '900', 250, 'earn', 'flight', null, null, null, default);
           update "users" set "miles" = "users"."miles" + 250 where "users"."userId" = '900';
           insert into "flightPassengers" ("flightId", "userId", "miles", "joinedAt")
           select id, '900', 250, default_now from (select id, now() as default_now from flights limit 1) f"#,
    );
    let refused = |sql: &str| world.source().try_rows(sql).unwrap_err().to_string();
    let overdraft = refused(r#"update "users" set "miles" = "miles" - 251 where "userId" = '900'"#);
    assert!(overdraft.contains("Insufficient miles"), "{overdraft}");
    let overdraft =
        refused(r#"insert into users ("userId", username, "displayName", miles) values ('901', 'x01', 'X', -1)"#);
    assert!(overdraft.contains("Insufficient miles"), "{overdraft}");
    let twice = refused(r#"insert into "flightPassengers" select * from "flightPassengers" where "userId" = '900'"#);
    assert!(twice.contains("flightPassengers_flightId_userId_pk"), "{twice}");
    for change in [
        r#"update "milesTransactions" set note = 'x' where "userId" = '900'"#,
        r#"delete from "milesTransactions" where "userId" = '900'"#,
        r#"truncate "milesTransactions" cascade"#,
    ] {
        let message = refused(change);
        assert!(message.contains("milesTransactions is append-only: reverse the entry instead"), "{message}");
    }
    world.query(&format!(
        "begin; set local skyteam.maintenance = 'on'; {}; commit",
        r#"update "milesTransactions" set note = 'x' where "userId" = '900'"#
    ));
}

#[test]
fn the_overdraft_names_its_constraint_and_table() {
    let world = drizzle();
    world.run("db push").ok();
    let error = world.source().try_rows("update users set miles = -1 where miles > 0").unwrap_err();
    let refusal = error.as_database_error().unwrap();
    assert_eq!(refusal.code().as_deref(), Some("23514"));
    assert_eq!(refusal.constraint(), Some("users_miles_guard"));
    assert_eq!(refusal.table(), Some("users"));
    assert_eq!(refusal.message(), "Insufficient miles");
}

#[test]
fn an_account_below_zero_can_be_paid_and_renamed_but_not_charged() {
    let world = drizzle();
    world.query("update users set miles = -500 where \"userId\" = '107919'");
    world.run("db push").ok();
    world.query("update users set miles = miles + 100 where \"userId\" = '107919'");
    world.query("update users set username = 'renamed', miles = miles where \"userId\" = '107919'");
    assert!(world.source().try_rows("update users set miles = miles - 1 where \"userId\" = '107919'").is_err());
}

/// The role of the apps may have no right to the schema in which the functions live: it need not.
#[test]
fn the_guards_work_for_a_role_without_rights_to_their_schema() {
    let world = drizzle();
    world.run("db push").ok();
    let app = format!("app_{}", world.name());
    world.query("grant select, insert, update, delete on all tables in schema public to public");
    world.server().admin(&format!("create role {app}"));
    world.server().admin(&format!("grant {app} to \"{}\"", world.role()));
    assert_eq!(world.query(&format!("select has_schema_privilege('{app}', 'skyteam', 'usage')")), "f");
    let refused = |sql: &str| world.source().try_rows(&format!("set role {app}; {sql}")).unwrap_err().to_string();
    assert!(refused("update users set miles = -1").contains("Insufficient miles"));
    assert!(refused("delete from \"milesTransactions\"").contains("append-only"));
}
