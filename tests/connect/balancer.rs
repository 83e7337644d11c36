//! Behind a balancer whose replica lags: what a write is decided on is read from the server that it is written to.

use crate::support::{Balancer, Engine, Server, World, eventually};

/// A world behind a balancer, whose replica stands still from here on.
fn lagging(prepare: impl FnOnce(&World)) -> World {
    let primary = Server::start(&[]);
    let mut world = World::on(&primary);
    world.run("db migrate").ok();
    prepare(&world);
    let replica = primary.standby();
    let streams = || replica.admin("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'") == "1";
    eventually("the replica streams", streams);
    replica.admin("SELECT pg_wal_replay_pause()");
    eventually("it stands still", || replica.admin("SELECT pg_get_wal_replay_pause_state()") == "paused");
    let balancer = Balancer::before(&world, &replica);
    let url = balancer.url(&world);
    world.set("DATABASE_URL", url);
    // For as long as the test runs.
    std::mem::forget(replica);
    world
}

#[test]
fn writes_are_decided_on_the_primary() {
    let world = lagging(|world| {
        world.run("user add 1 ann").ok();
        world.run("airline add sky Sky").ok();
        world.run("brand add sky Sky --airline sky --iata SK --icao SKY --callsign SKY").ok();
        world.run("miles award ann 1000 --note old --yes").ok();
    });
    let balance = |world: &World| world.query(r#"SELECT "miles" FROM "users" WHERE "userId" = '1'"#);
    assert_eq!(world.engine(), Engine::Postgres);

    // The replica's last entry is the one of before.
    world.run("miles award ann 7 --note new --key k --yes").ok();
    assert_eq!(balance(&world), "1007");
    assert!(world.run("miles award ann 7 --note new --key k --yes").ok().stderr.contains("Already applied"));
    world.run("miles award ann 8 --note other --key k --yes").exits(5);
    world.run("miles reverse last --note oops --yes").ok();
    assert_eq!(balance(&world), "1000");

    // What the replica has never heard of.
    world.run("user add 2 bob").ok();
    world.run("miles award bob ann 5 --note x --yes").ok();
    world.run("miles spend bob 1 --note x").ok();
    world.run("user edit bob --display-name Bobby --yes").ok();
    world.run("product add Pass --airline sky --price 100").ok();
    world.run("product edit sky/Pass --price 200 --yes").ok();
    let bought = world.run("miles redeem ann sky/Pass --key r -o json").ok().json();
    assert_eq!(bought["amount"], -200, "the price is the primary's");
    assert!(world.run("miles redeem ann sky/Pass --key r").ok().stderr.contains("Already applied"));
    world.run("product disable sky/Pass --yes").ok();
    world.run("flight add SK1 --airline sky --brand sky --from JFK --to CDG --aircraft A320 --game-id 1").ok();
    world.run("flight edit SK1 --aircraft A350 --yes").ok();
    world.run("flight start SK1").ok();
    world.run("flight board SK1 bob --miles 3").ok();
    world.call("miles import -").input("user,amount,key\nbob,4,i1\n").run().ok();
    assert!(
        world.call("miles import -").input("user,amount,key\nbob,4,i1\n").run().ok().stdout.contains("alreadyApplied")
    );
    let import = |command: &str, input: &str| world.call(command).input(input).run();
    import("user import - --yes", "userId,username\n2,bobby\n3,cyd\n").ok();
    import("flight manifest import SK1 -", "user,miles\ncyd,6\nbobby,3\n").ok();
    import("flight manifest import SK1 - --correct", "user,miles\ncyd,8\n").ok();
    import("miles import - --keep-going", "user,amount\ncyd,9\n").ok();
    let again = import("miles import - --keep-going", "user,amount\ncyd,9\n").exits(9);
    assert!(again.stderr.contains("The same content was imported"), "{again}");
    assert_eq!(world.query(r#"SELECT "miles" FROM "users" WHERE "userId" = '3'"#), "17");
    world.run("user edit bobby --username bob --yes").ok();
    // Long live by the primary's clock, and unknown to the replica.
    world.query(r#"UPDATE "flights" SET "startedAt" = '2020-01-01', "startTime" = '2020-01-01'"#);
    let reaped = world.run("flight reap --older-than 1d --yes -o json").ok().json();
    assert_eq!(reaped.as_array().map(Vec::len), Some(1), "{reaped}");
    world.run("airline token rotate sky --yes").ok();
    let name = world.name();
    world.run(format!("miles audit --repair --trust ledger --user bob --confirm {name}")).ok();
    world.run("user erase bob --confirm bob").ok();
    assert_eq!(world.query(r#"SELECT count(*) FROM "users" WHERE "username" = 'bob'"#), "0");
}
