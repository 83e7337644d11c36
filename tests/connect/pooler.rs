//! Through PgBouncer in transaction mode: a session of the server is ours only for one transaction.

use std::sync::Barrier;

use super::reaches;
use crate::support::{Pooler, World};

#[test]
fn many_clients_on_few_sessions() {
    let mut world = World::postgres();
    reaches(&world);
    world.query("INSERT INTO users SELECT n, 'u' || n, 'U', n, NULL, now(), now() FROM generate_series(1, 300) n");
    let pooler = Pooler::before(&world, 2);
    world.set("DATABASE_URL", format!("{}?statement-cache-capacity=0", pooler.url(&world)));
    let together = Barrier::new(6);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                together.wait();
                for _ in 0..5 {
                    assert_eq!(world.run("user list -o ndjson").ndjson().len(), 300, "{}", pooler.log());
                }
            });
        }
    });
}

#[test]
fn without_the_parameter_it_says_which_one_is_missing() {
    let mut world = World::postgres();
    reaches(&world);
    let pooler = Pooler::before(&world, 1);
    world.set("DATABASE_URL", pooler.url(&world));
    let mut outputs = (0..3).map(|_| world.run("user list"));
    let refused = outputs.find(|output| output.code != 0).expect("statements of two clients meet in one session");
    insta::assert_snapshot!(refused, @r#"
    exit: 6
    --- stderr
    error: a pooler in transaction mode stands before the server, and the URL does not say so
      why  prepared statement "sqlx_s_1" already exists
      fix  add statement-cache-capacity=0 to the URL's parameters
    "#);
}

#[test]
fn a_database_that_the_pooler_does_not_know() {
    let mut world = World::postgres();
    let pooler = Pooler::before(&world, 1);
    world.set("DATABASE_URL", pooler.url(&world).replace(&world.name(), "nowhere"));
    insta::assert_snapshot!(super::fails(&world, 6), @r#"
    exit: 6
    --- stderr
    error: the pooler knows no database "nowhere"
      why  no such database: nowhere
      fix  add it to [databases] in pgbouncer.ini: nowhere = host=… dbname=nowhere
    "#);
}
