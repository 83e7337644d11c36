//! A primary whose commits wait for a standby that has stopped listening: what it acknowledges all the same, because
//! somebody ended the wait, is on one server alone, and a failover would lose it. It is never called done.

use std::process::Child;
use std::sync::Arc;

use skyteam::directory::input::Amount;
use skyteam::ledger::{MilesError, Posting, key, posting};

use super::{award, furnish, library, open, paste, sound, state};
use crate::support::{Output, Server, World, eventually, signal};

/// A primary, and the standby that confirms what sessions commit with `synchronous_commit=on`.
struct Pair {
    world: World,
    _standby: Arc<Server>,
    receiver: String,
}

impl Pair {
    fn new() -> Self {
        let primary = Server::durable(&["synchronous_standby_names=*", "synchronous_commit=local"]);
        let mut world = World::on(&primary);
        furnish(&world);
        award(&world, "1", 1000);
        let standby = primary.standby();
        let receiver = || standby.admin("SELECT pid FROM pg_stat_wal_receiver WHERE status = 'streaming'");
        eventually("the standby streams", || !receiver().is_empty());
        let synced = || primary.admin("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1";
        eventually("commits wait for it", synced);
        let receiver = receiver();
        world.set("DATABASE_URL", format!("{}?options=-c%20synchronous_commit=on", world.url()));
        Self { world, _standby: standby, receiver }
    }

    /// The standby's receiver stops: nothing is confirmed any more.
    fn stops(&self) {
        signal("STOP", &self.receiver);
    }

    fn goes_on(&self) {
        signal("CONT", &self.receiver);
        eventually("nobody waits", || self.waiting().is_empty());
    }

    fn waiting(&self) -> String {
        self.world.server().admin("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
    }

    /// Starts a command, and waits until its commit waits.
    fn waits(&self, args: &str) -> Child {
        let mut child = self.world.spawn(args);
        let mut ended = false;
        eventually("the commit waits", || {
            ended = child.try_wait().unwrap().is_some();
            ended || !self.waiting().is_empty()
        });
        assert!(!ended, "it did not wait: {}", self.world.finish(args.to_owned(), child, b""));
        child
    }

    /// Runs a command whose wait somebody ends with this function of the server's.
    fn ended_by(&self, function: &str, args: &str) -> Output {
        let child = self.waits(args);
        self.world.server().admin(&format!("SELECT {function}({})", self.waiting()));
        self.world.finish(args.to_owned(), child, b"")
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // A stopped process would keep its server from ending.
        signal("CONT", &self.receiver);
    }
}

/// The way out that such an answer names, which says neither done nor undone.
#[track_caller]
fn unconfirmed(output: Output, retryable: bool) -> String {
    let output = output.exits(7);
    let error = output.error();
    assert_eq!((error["code"].as_str(), error["retryable"].as_bool()), (Some("not_replicated"), Some(retryable)));
    assert_eq!(error["message"], "made on this server, not known to be on its standby");
    assert_eq!(output.stdout, "", "nothing is acknowledged");
    error["fix"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_interrupt_leaves_the_wait_alone() {
    let pair = Pair::new();
    let world = &pair.world;
    world.run("miles award ann 1 --note x").ok();
    pair.stops();
    let args = "miles award ann 5 --note x --key k -o json";
    let child = pair.waits(args);
    let session = pair.waiting();
    signal("INT", child.id());
    let fix = unconfirmed(world.finish(args.to_owned(), child, b""), true);
    assert_eq!(pair.waiting(), session, "the interrupt ended the wait");
    pair.goes_on();
    assert!(paste(world, &fix).ok().stderr.contains("Already applied"), "{fix}");
    assert_eq!(state(world), "1=1006 2=0 3=0 entries=3 seats=0");
    sound(world);
}

#[test]
fn whoever_ends_the_wait_no_command_calls_it_done() {
    let pair = Pair::new();
    let world = &pair.world;
    pair.stops();
    for (args, retryable) in [
        ("miles award ann 5 --note x --key k -o json", true),
        ("miles award ann bob 5 --note x --key l -o json", true),
        ("miles award ann 5 --note x -o json", false),
        ("miles spend ann 5 --note x --key m -o json", true),
        ("miles redeem ann pass01 --key n -o json", true),
        ("miles reverse last --note x --yes -o json", true),
        ("user add 77 dora -o json", true),
        ("user edit ann --display-name Ann --yes -o json", true),
        ("flight board DL1 bob --miles 7 -o json", true),
        ("brand add zz Zed --airline delta --iata ZZ --icao ZZZ --callsign ZED -o json", true),
    ] {
        let fix = unconfirmed(pair.ended_by("pg_cancel_backend", args), retryable);
        assert!(!args.starts_with("miles") || fix.contains("--key") || fix.contains("reverse"), "{args}: {fix}");
    }
    // What was not taken is kept, whatever is known of the rest.
    std::fs::write(world.work().join("in.csv"), "user,amount\nann,3\nnobody,4\n").unwrap();
    unconfirmed(pair.ended_by("pg_cancel_backend", "miles import in.csv --keep-going -o json"), false);
    let kept = std::fs::read_to_string(world.work().join("in.csv.rejects.csv")).unwrap();
    assert!(kept.contains("\nnobody,4,"), "{kept}");
    // It is there. Asked again it waits too, and nothing else is said where that is ended.
    let again = "miles award ann 5 --note x --key k -o json";
    unconfirmed(pair.ended_by("pg_cancel_backend", again), true);
    // A session that is ended altogether says nothing at all.
    unconfirmed(pair.ended_by("pg_terminate_backend", "miles award bob 9 --note x --key o -o json"), true);
    pair.goes_on();
    assert!(world.run(again).ok().stderr.contains("Already applied"));
    sound(world);
}

/// Deferred triggers that warn, with the words of the server's own warning, when a transaction of ours ends.
fn warns(world: &World) {
    world.query(
        r#"CREATE FUNCTION public.noisy() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication' USING ERRCODE = '01000'; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER noisy AFTER INSERT OR UPDATE ON "milesTransactions" DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION public.noisy();
        CREATE CONSTRAINT TRIGGER noisy AFTER INSERT OR UPDATE ON "users" DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION public.noisy()"#,
    );
}

/// The library's `post` commits by one statement, so that deferred triggers run in its commit: their warning and the
/// server's own come alike.
#[test]
fn a_statement_that_commits_by_itself_tells_the_warnings_apart() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let award = |key: &str| Posting::award(key::entry_id(key), "1", Amount::new(5).unwrap());
    // Without any standby.
    let alone = World::postgres();
    furnish(&alone);
    warns(&alone);
    let database = runtime.block_on(library(&alone, 1));
    assert_eq!(runtime.block_on(posting::post(&database, &award("a"))).unwrap().balance, 5);
    assert_eq!(runtime.block_on(posting::post(&database, &award("b"))).unwrap().balance, 10);
    sound(&alone);

    let pair = Pair::new();
    warns(&pair.world);
    let url = format!("{}?options=-c%20synchronous_commit=on", pair.world.url());
    let database = runtime.block_on(open(&url, 1));
    assert_eq!(runtime.block_on(posting::post(&database, &award("a"))).unwrap().balance, 1005);
    pair.stops();
    let posted = runtime.spawn({
        let (database, award) = (Arc::clone(&database), award("b"));
        async move { posting::post(&database, &award).await }
    });
    eventually("the commit waits", || !pair.waiting().is_empty());
    pair.world.server().admin(&format!("SELECT pg_cancel_backend({})", pair.waiting()));
    let posted = runtime.block_on(posted).unwrap();
    assert!(matches!(&posted, Err(MilesError::NotReplicated { .. })), "{posted:?}");
    pair.goes_on();
    assert!(runtime.block_on(posting::post(&database, &award("b"))).unwrap().already);
    sound(&pair.world);
}

/// A trigger that has something to say when the transaction ends is no standby that is missing.
#[test]
fn a_warning_of_a_deferred_trigger_is_not_the_standbys() {
    let world = World::postgres();
    furnish(&world);
    award(&world, "1", 5000);
    warns(&world);
    for args in [
        "miles award ann 5 --note x",
        "miles award ann bob 5 --note x",
        "miles spend ann 1 --note x",
        "miles redeem ann pass01",
        "miles reverse last --note x --yes",
        "user edit ann --display-name Ann2 --yes",
        "flight board DL1 bob --miles 7",
    ] {
        world.run(args).ok();
    }
    sound(&world);
}
