//! What a push says of itself: every step once, or not at all.

use crate::support::{World, both};

/// How often a step is told, on both streams.
fn told(output: &crate::support::Output) -> usize {
    [&output.stdout, &output.stderr].map(|text| text.matches("create table users\n").count()).iter().sum()
}

#[both]
fn every_step_is_told_once(world: &mut World) {
    for flags in ["", "-v", "-n -v"] {
        let world = World::empty(world.engine());
        let pushed = world.run(format!("db push {flags}")).ok();
        assert_eq!(told(&pushed), 1, "{flags}: {pushed}");
    }
    let quiet = world.run("db push -q").ok();
    assert_eq!((told(&quiet), quiet.stdout.lines().count(), quiet.stderr.as_str()), (0, 1, ""), "{quiet}");
}

#[both]
fn a_preview_is_not_told_again(world: &mut World) {
    let file = format!("[profiles.live]\nurl = '{}'\nkind = 'production'\n", world.url());
    std::fs::write(world.work().join("skyteam.toml"), file).unwrap();
    world.unset("DATABASE_URL");
    let pushed = world.run("db push -p live --yes").ok();
    assert_eq!(told(&pushed), 1, "{pushed}");
    assert!(pushed.stderr.contains("create table users\n"), "before it is asked: {pushed}");
}

#[both(ready)]
fn no_statement_fills_the_screen(world: &mut World) {
    let traced = world.run("db diff -vv").ok();
    assert!(traced.stderr.contains("sql "), "{traced}");
    assert!(traced.stderr.lines().all(|line| line.chars().count() < 1200), "{traced}");
}
