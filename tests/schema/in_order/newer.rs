//! An older skyteam on a newer database refuses what would undo what the newer one made.

use crate::support::{Engine, World, both};

fn ahead(world: &World) {
    world.run("db migrate").ok();
    let record = match world.engine() {
        Engine::Postgres => "skyteam.migrations",
        Engine::Sqlite => "\"_skyteam_migrations\"",
    };
    world.query(&format!(
        "INSERT INTO {record} (version, name, checksum, \"tookMs\", via) VALUES ('20990101000000', 'future', '', 1, 'migrate')"
    ));
    world.query("ALTER TABLE users ADD COLUMN newer text");
}

#[both]
fn push_diff_and_reset_are_refused_as_migrate_is(world: &mut World) {
    ahead(world);
    let before = world.catalogue();
    let name = world.name();
    for command in [
        "db migrate".to_owned(),
        "db push".to_owned(),
        "db push -n".to_owned(),
        "db push --rehearse".to_owned(),
        format!("db push --confirm {name}"),
        "db diff".to_owned(),
        "db diff -o sql".to_owned(),
        format!("db reset --confirm {name}"),
        "db reset -n".to_owned(),
    ] {
        let refused = world.run(command).exits(5);
        assert!(refused.stderr.contains("20990101000000_future, which this build does not know"), "{refused}");
        assert_eq!(refused.stdout, "", "{refused}");
    }
    if world.engine() == Engine::Postgres {
        world.run("db push --online").exits(5);
    }
    assert_eq!(world.catalogue(), before);
    assert!(world.run("db status").ok().stdout.contains("ahead of this build"));
}

#[both(ready)]
fn restore_in_the_place_of_a_newer_database_is_refused(world: &mut World) {
    world.run("user add 1 pilot").ok();
    std::fs::create_dir(world.work().join("backups")).unwrap();
    world.run("db backup backups").ok();
    let file = std::fs::read_dir(world.work().join("backups"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "skyteam"))
        .unwrap();
    ahead(world);
    let before = world.catalogue() + &world.query("SELECT * FROM users");
    let refused = world.run(format!("db restore {} --clean --confirm {}", file.display(), world.name())).exits(5);
    assert!(refused.stderr.contains("ahead of this skyteam"), "{refused}");
    assert_eq!(world.catalogue() + &world.query("SELECT * FROM users"), before);
}
