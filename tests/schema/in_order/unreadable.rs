//! Stored values that no column of ours takes: a list names them and goes on.

use crate::support::{Engine, World, both};

#[both(ready)]
fn a_row_that_cannot_be_read_ends_no_list(world: &mut World) {
    for (id, name) in [("1", "first"), ("2", "second"), ("3", "third")] {
        world.run(format!("user add {id} {name}")).ok();
    }
    match world.engine() {
            Engine::Postgres => drop(world.query(r#"ALTER TABLE users ALTER "displayName" DROP NOT NULL"#)),
            Engine::Sqlite => drop(world.query(r#"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '"displayName" TEXT NOT NULL', '"displayName" TEXT') WHERE name = 'users'"#)),
        }
    world.query(r#"UPDATE users SET "displayName" = NULL WHERE "userId" = '2'"#);
    let list = world.run("user list").exits(1);
    assert!(list.stdout.contains("first") && list.stdout.contains("third"), "{list}");
    assert!(list.stderr.contains("1 row could not be read, and not listed"), "{list}");
    assert!(list.stderr.contains("userId 2"), "{list}");
    // Rows that are handed on as the driver has them may be whole all the same.
    for format in ["json", "ndjson", "csv"] {
        let list = world.run(format!("user list -o {format}"));
        assert!(list.stdout.contains("first") && list.stdout.contains("third"), "{list}");
        assert!(list.stdout.contains("second") == (list.code == 0), "{list}");
        assert!(list.stdout.contains("second") || list.stderr.contains("userId 2"), "{list}");
    }
    let shown = world.run("user show 2 -o json").exits(1).error();
    assert_eq!(shown["code"], "unreadable_value", "{shown}");
    assert!(shown["why"].as_str().unwrap().contains("displayName"), "{shown}");
}
