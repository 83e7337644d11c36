//! Reaching the database: every way a URL and libpq's environment can name it, and every way it can fail.

use std::time::{Duration, Instant};

use crate::support::{Engine, Output, World};

mod balancer;
mod libpq;
mod pool;
mod pooler;
mod read_only;
mod refusals;
mod sqlite;
mod tls;

/// Whatever is wrong is answered in this time: three seconds are promised, and the machine does other things too.
const LIMIT: Duration = Duration::from_secs(9);

/// Runs `user list`, which needs the database, and claims that it fails in time with an exit code of the contract:
/// in words, at its most talkative, and as JSON. None of these may hold the password; `support` looks.
#[track_caller]
fn fails(world: &World, exit: i32) -> Output {
    let run = |args: &str| {
        let began = Instant::now();
        let output = world.run(args).exits(exit);
        assert!(began.elapsed() < LIMIT, "answered after {:?}: {output}", began.elapsed());
        output
    };
    let worded = run("user list");
    run("user list -vv");
    let error = run("user list -o json").error();
    assert_eq!(error["exit"], exit);
    assert_eq!(error["retryable"], exit == 7);
    let what = error["message"].as_str().unwrap();
    assert!(worded.stderr.contains(what), "{what}\n{worded}");
    worded
}

/// Claims that the database is reached: `user list` finds its table there, and nothing in it.
#[track_caller]
fn reaches(world: &World) {
    lay_users(world);
    assert_eq!(world.run("user list --json").json(), serde_json::json!([]));
}

/// Makes the table that `user list` reads, as the role of the world, however that one may come in.
fn lay_users(world: &World) {
    let table = "CREATE TABLE IF NOT EXISTS users (\"userId\" text PRIMARY KEY, username text, \"displayName\" text, \
                 miles integer, \"avatarUrl\" text, \"createdAt\" timestamp, \"updatedAt\" timestamp)";
    match world.engine() {
        Engine::Sqlite => world.rows(table),
        Engine::Postgres => {
            let superuser = world.server().as_superuser(&world.name());
            superuser.rows(&format!("SET client_min_messages = error; SET ROLE {}; {table}", world.role()))
        }
    };
}
