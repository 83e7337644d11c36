//! What only a terminal can show, on a pseudo-terminal: questions and their answers, Ctrl-C, colour; and what the
//! program does when there is none.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use crate::support::{Engine, Holder, World, both, eventually, signal};

/// The program on a terminal of its own.
struct Seat(PtySession);

impl Seat {
    fn run(world: &World, args: &str) -> Self {
        Self::with(world, args, |_| {})
    }

    fn with(world: &World, args: &str, set: impl FnOnce(&mut Command)) -> Self {
        let mut command = world.program(args);
        command.env("TERM", "xterm-256color");
        set(&mut command);
        Self(spawn_command(command, Some(30_000)).unwrap())
    }

    /// Reads until this text shows, and answers what came before it.
    #[track_caller]
    fn sees(&mut self, text: &str) -> String {
        self.0.exp_string(text).unwrap_or_else(|error| panic!("{text:?} was never shown: {error}"))
    }

    fn types(&mut self, text: &str) {
        self.0.send(text).unwrap();
        self.0.flush().unwrap();
    }

    /// Waits for the end; answers the exit code and what was still shown.
    #[track_caller]
    fn ends(mut self) -> (i32, String) {
        let rest = self.0.exp_eof().unwrap();
        match self.0.process().wait().unwrap() {
            WaitStatus::Exited(_, code) => (code, rest),
            other => panic!("did not exit: {other:?}\n{rest}"),
        }
    }
}

#[both(ready)]
fn a_yes_is_to_what_was_shown_and_to_nothing_else(world: &mut World) {
    world.query(
        r#"INSERT INTO "users" ("userId", "username", "displayName") VALUES ('1', 'ann', 'Ann');
        INSERT INTO "airlines" ("airlineId", "name", "token") VALUES ('delta', 'Delta', 'secret-delta');
        INSERT INTO "brands" ("brandId", "airlineId", "name", "iata", "icao", "callsign", "isPrimary") VALUES
            ('dl', 'delta', 'Delta', 'DL', 'DAL', 'DELTA', true), ('dx', 'delta', 'Express', 'DX', 'DLX', 'EXPRESS', false);
        INSERT INTO "milesProducts" ("productId", "airlineId", "name", "priceMiles") VALUES ('abc123', 'delta', 'Pass', 5)"#,
    );
    std::fs::write(world.work().join("in.csv"), "userId,displayName\n1,Mine\n").unwrap();
    for (command, question, other, shown) in [
        (
            "user edit ann --display-name Mine",
            "Change user 1?",
            r#"UPDATE users SET "displayName" = 'Other'"#,
            r#"SELECT "displayName" FROM users"#,
        ),
        (
            "user import in.csv",
            "Change 1 user",
            r#"UPDATE users SET username = 'other'"#,
            r#"SELECT "displayName" FROM users"#,
        ),
        (
            "airline edit delta --name Mine",
            "Change airline",
            "UPDATE airlines SET name = 'Other'",
            "SELECT name FROM airlines",
        ),
        (
            "brand edit dl --name Mine",
            "Change brand",
            "UPDATE brands SET name = 'Other'",
            "SELECT name FROM brands WHERE iata = 'DL'",
        ),
        (
            "brand primary dx",
            "Make dx",
            r#"UPDATE brands SET "isPrimary" = false; UPDATE brands SET "isPrimary" = true WHERE iata = 'DX'"#,
            "SELECT name FROM brands WHERE iata = 'DL'",
        ),
        (
            "product edit abc123 --price 9",
            "Change product",
            r#"UPDATE "milesProducts" SET "priceMiles" = 7"#,
            r#"SELECT 'Other' FROM "milesProducts" WHERE "priceMiles" = 7"#,
        ),
    ] {
        let mut seat = Seat::run(world, command);
        seat.sees(question);
        world.query(other);
        seat.types("y\r");
        let (code, told) = seat.ends();
        assert_eq!(code, 11, "{command}: {told}");
        assert!(told.contains("changed meanwhile"), "{command}: {told}");
        assert_eq!(world.query(shown), "Other", "{command}");
    }
}

// What decides about miles is read in the transaction that writes them, however long the question took.
#[both(ready)]
fn a_yes_to_miles_is_to_those_and_no_others(world: &mut World) {
    crate::flight::fleet(world);
    world.query(
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "batchId")
            SELECT "userId", 10, 'earn', 'manual', NULL FROM "users";
        UPDATE "users" SET "miles" = "miles" + 10"#,
    );
    std::fs::write(world.work().join("rows.csv"), "user,amount\npilot123,90000\n").unwrap();
    std::fs::write(world.work().join("list.csv"), "user,miles\npilot123,90000\n").unwrap();
    let entries = || world.query(r#"SELECT count(*) FROM "milesTransactions""#);
    let before = entries();
    // The name goes to another account, the flight lands, the balance is put right, the code becomes another flight's.
    let swap = r#"UPDATE "users" SET "username" = 'x' WHERE "userId" = '1'; UPDATE "users" SET "username" = 'pilot123' WHERE "userId" = '2';
        UPDATE "users" SET "username" = 'other' WHERE "userId" = '1'"#;
    let back = r#"UPDATE "users" SET "username" = 'Captain_Ada' WHERE "userId" = '2'; UPDATE "users" SET "username" = 'pilot123' WHERE "userId" = '1'"#;
    let live = crate::flight::LIVE;
    for (command, question, other, undone) in [
        ("miles award pilot123 90000 --note x", "Award them?", swap, back),
        ("miles import rows.csv", "Award them?", swap, back),
        ("flight board DL300 pilot123 --miles 90000", "Award them?", swap, back),
        ("flight manifest import DL300 list.csv", "Award them?", swap, back),
        (
            "flight reap --older-than 1h",
            "End ",
            &format!(r#"UPDATE "flights" SET "endTime" = "startedAt" WHERE "id" = '{live}'"#),
            &format!(r#"UPDATE "flights" SET "endTime" = NULL WHERE "id" = '{live}'"#),
        ),
        ("user erase pilot123", "Type pilot123", swap, back),
    ] {
        let mut seat = Seat::run(world, command);
        seat.sees(question);
        world.query(other);
        seat.types(if command.starts_with("user erase") { "pilot123\r" } else { "y\r" });
        let (code, told) = seat.ends();
        assert_eq!(code, 11, "{command}: {told}");
        assert!(told.contains("changed meanwhile"), "{command}: {told}");
        assert_eq!(entries(), before, "{command}");
        world.query(undone);
    }
    // A drift that was put right in between is not mended a second time.
    world.query(r#"UPDATE "users" SET "miles" = "miles" + 5 WHERE "userId" = '1'"#);
    let mut seat = Seat::run(world, "miles audit --repair --trust balance");
    seat.sees("Type ");
    world.query(r#"UPDATE "users" SET "miles" = "miles" - 5 WHERE "userId" = '1'"#);
    seat.types(&format!("{}\r", world.name()));
    assert_eq!(seat.ends().0, 11);
    assert_eq!(entries(), before);
    world.run("miles audit").ok();
}

const CTRL_C: &str = "\x03";

/// A world whose newest migration would lose a row if it were undone.
fn with_something_to_lose(world: &World) {
    world.run("db rollback --to ledger --yes").ok();
    world.query("INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('1', 'pilot', 'Pilot')");
    world.query("INSERT INTO \"milesTransactions\" (\"userId\", amount, type, source, actor) VALUES ('1', 5, 'earn', 'test', 'me')");
}

#[both(ready)]
fn the_name_must_be_typed_before_data_is_lost(world: &mut World) {
    with_something_to_lose(world);
    let name = world.name();
    let prompt = format!("Type {name} to go on");

    let mut seat = Seat::run(world, "db rollback");
    seat.sees(&prompt);
    seat.types("something else\r");
    assert_eq!(seat.ends().0, 9);

    let mut seat = Seat::run(world, "db rollback");
    seat.sees(&prompt);
    seat.types(CTRL_C);
    assert_eq!(seat.ends().0, 130);
    assert_eq!(world.query("SELECT actor FROM \"milesTransactions\""), "me");

    let mut seat = Seat::run(world, "db rollback");
    seat.sees(&prompt);
    seat.types(&format!("{name}\r"));
    let (code, shown) = seat.ends();
    assert_eq!(code, 0, "{shown}");
    assert!(world.source().try_rows("SELECT actor FROM \"milesTransactions\"").is_err());
}

#[both(ready)]
fn without_a_terminal_the_question_becomes_the_flag_to_give(world: &mut World) {
    with_something_to_lose(world);
    for args in ["db rollback", "db rollback --yes", "db rollback --no-input"] {
        let output = world.run_program(args, "y\ny\ny\n").exits(9);
        assert!(output.stderr.contains(&format!("--confirm {}", world.name())), "{output}");
        assert!(!output.stderr.contains("Type"), "a question without a terminal: {output}");
    }
    // A terminal that nobody watches: continuous integration.
    let seat = Seat::with(world, "db rollback", |command| {
        command.env("CI", "true");
    });
    assert_eq!(seat.ends().0, 9);
    assert_eq!(world.query("SELECT actor FROM \"milesTransactions\""), "me");
}

#[both(ready)]
fn a_question_shows_nothing_that_a_terminal_acts_on(world: &mut World) {
    world.query(
        "INSERT INTO users (\"userId\", username, \"displayName\") VALUES \
         ('1', 'evil\u{1b}[2J\u{9b}2J', 'A'), ('2', ' spaced ', 'B')",
    );
    let mut seat = Seat::run(world, "user erase 1 --color never");
    let before = seat.sees("Type evil\\u{1b}[2J\\u{9b}2J to go on: ");
    assert!(!before.contains(['\u{1b}', '\u{9b}']), "{before:?}");
    // What cannot be typed is typed as it is shown.
    seat.types("evil\\u{1b}[2J\\u{9b}2J\r");
    assert_eq!(seat.ends().0, 0);

    let mut seat = Seat::run(world, "user erase 2 --color never");
    seat.sees("Type  spaced  to go on: ");
    seat.types("spaced\r");
    assert_eq!(seat.ends().0, 9);
    let mut seat = Seat::run(world, "user erase 2 --color never");
    seat.sees("Type  spaced  to go on: ");
    seat.types(" spaced \r");
    assert_eq!(seat.ends().0, 0);
    assert_eq!(world.query("SELECT count(*) FROM users WHERE \"userId\" IN ('1', '2')"), "0");
}

#[both(ready)]
fn ctrl_c_at_a_question_leaves_the_terminal_in_order(world: &mut World) {
    world.query("INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('1', 'pilot', 'Pilot')");
    let mut seat = Seat::run(world, "user edit pilot --display-name New --color never");
    seat.sees("? [y/N] ");
    seat.types(CTRL_C);
    let (code, shown) = seat.ends();
    assert_eq!(code, 130, "{shown}");
    assert!(shown.contains("\r\nerror: interrupted"), "{shown:?}");
    // Neither was the cursor hidden, nor the terminal left in another mode.
    assert!(!shown.contains('\u{1b}'), "{shown:?}");

    for (answer, code) in [("\r", 9), ("n\r", 9), ("yes\r", 0), ("y\r", 0)] {
        let mut seat =
            Seat::run(world, &format!("user edit pilot --display-name New{code}{} --color never", answer.len()));
        seat.sees("? [y/N] ");
        seat.types(answer);
        assert_eq!(seat.ends().0, code, "{answer:?}");
    }
}

#[both(ready)]
fn only_the_right_name_stands_in_for_yes(world: &mut World) {
    world.query("INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('1', 'pilot', 'Pilot')");
    let edit = "user edit pilot --display-name New --confirm";
    let refused = world.run(format!("{edit} anything")).exits(9);
    assert!(refused.stderr.contains("no question can be asked here: "), "{refused}");
    assert_eq!(world.query("SELECT \"displayName\" FROM users"), "Pilot");
    world.run(format!("{edit} {}", world.name())).ok();
    assert_eq!(world.query("SELECT \"displayName\" FROM users"), "New");
}

const WAITING: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'skyteam %' AND state = 'active'";

#[test]
fn ctrl_c_ends_a_wait_and_leaves_nothing_queued() {
    let world = World::ready(Engine::Postgres);
    let holder = Holder::takes(&world, "LOCK TABLE users");
    let mut seat = Seat::run(&world, "user list");
    let superuser = world.server().as_superuser(&world.name());
    eventually("it waits for the lock", || superuser.lines(&format!("{WAITING} AND wait_event_type = 'Lock'")) == "1");
    let began = Instant::now();
    seat.types(CTRL_C);
    let (code, shown) = seat.ends();
    assert_eq!(code, 130, "{shown}");
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(superuser.lines(WAITING), "0");
    drop(holder);
}

#[test]
fn a_killed_program_leaves_nothing_queued() {
    let world = World::ready(Engine::Postgres);
    let holder = Holder::takes(&world, "LOCK TABLE users");
    let mut child = world.spawn("user list");
    let superuser = world.server().as_superuser(&world.name());
    eventually("it waits for the lock", || superuser.lines(&format!("{WAITING} AND wait_event_type = 'Lock'")) == "1");
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the server has noticed", || superuser.lines(WAITING) == "0");
    drop(holder);
}

#[test]
fn a_request_to_end_is_heard_as_ctrl_c_is() {
    let world = World::ready(Engine::Postgres);
    let holder = Holder::takes(&world, "LOCK TABLE users");
    let child = world.spawn("user list");
    let superuser = world.server().as_superuser(&world.name());
    eventually("it waits for the lock", || superuser.lines(&format!("{WAITING} AND wait_event_type = 'Lock'")) == "1");
    signal("TERM", child.id());
    world.finish("user list".into(), child, b"").exits(130);
    drop(holder);
}

#[both(ready)]
fn a_closed_pipe_ends_quietly(world: &mut World) {
    // Far more than a pipe holds.
    let rows = "INSERT INTO users (\"userId\", username, \"displayName\") \
                SELECT n, 'pilot' || n, 'A pilot of the alliance' FROM";
    match world.engine() {
        Engine::Postgres => world.query(&format!("{rows} generate_series(1, 20000) n")),
        Engine::Sqlite => world.query(&format!(
            "{rows} (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) SELECT n FROM c)"
        )),
    };
    for format in ["ndjson", "json", "csv", "table", "md"] {
        let mut child = world.spawn(["user", "list", "-o", format]);
        let mut first = [0; 100];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = world.finish(format.into(), child, b"");
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{format}");
    }
}

#[both(ready)]
fn colour_is_for_terminals(world: &mut World) {
    let (_, shown) = Seat::run(world, "user show nobody").ends();
    assert!(shown.contains("\x1b["), "no colour on a terminal: {shown:?}");
    let plain: [(&str, &[(&str, &str)]); 4] = [
        ("user show nobody --color never", &[]),
        ("user show nobody", &[("NO_COLOR", "1")]),
        ("user show nobody", &[("TERM", "dumb")]),
        ("user show nobody", &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]),
    ];
    for (args, variables) in plain {
        let seat = Seat::with(world, args, |command| {
            command.envs(variables.iter().copied());
        });
        let (_, shown) = seat.ends();
        assert!(!shown.contains('\x1b'), "{args} {variables:?}: {shown:?}");
    }
    for args in ["user show nobody", "user list", "--help", "user list -o json", "nonsense"] {
        let output = world.run_program(args, "");
        assert!(!output.stdout.contains('\x1b') && !output.stderr.contains('\x1b'), "{output}");
    }
    assert!(world.run_program("user show nobody --color always", "").stderr.contains('\x1b'));
    world.set("CLICOLOR_FORCE", "1");
    assert!(world.run_program("user show nobody", "").stderr.contains('\x1b'));
}

#[both(ready)]
fn a_table_fits_the_terminal_and_is_whole_in_a_pipe(world: &mut World) {
    let long = "x".repeat(300);
    world.query(&format!("INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('1', 'pilot', '{long}')"));
    let narrow = world.call("user list --color never").terminal(60).run().ok();
    let widest = narrow.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(60), "{narrow}");
    assert!(world.run("user list").ok().stdout.contains(&long));
}

#[test]
fn closed_standard_streams_are_no_panic() {
    let world = World::ready(Engine::Sqlite);
    let program = env!("CARGO_BIN_EXE_skyteam");
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let script = format!("'{program}' user list {closed}");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script]).current_dir(world.work()).stdout(Stdio::piped()).stderr(Stdio::piped());
        shell.env_clear().envs(world.program("").get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = world.finish(closed.into(), shell.spawn().unwrap(), b"");
        assert!(output.code == 0 || output.code == 1, "{closed}: {output}");
    }
}
