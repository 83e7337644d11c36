//! What others attached to the tables is as it was after a restore that makes them anew, or the restore is refused by its
//! name before it touches anything.

use std::path::PathBuf;

use super::everything;
use crate::support::{DRIZZLE, Engine, Output, World, both};

/// A backup of an older version: restoring it replaces the tables.
fn older(engine: Engine) -> (World, PathBuf) {
    let old = World::empty(engine);
    match engine {
        Engine::Postgres => old.psql(std::path::Path::new(DRIZZLE)),
        Engine::Sqlite => drop(old.run("db migrate --to 20240101000000").ok()),
    }
    old.run("db backup -f old.skyteam").ok();
    let file = old.work().join("old.skyteam");
    (old, file)
}

fn replaced(world: &World, file: &std::path::Path) -> Output {
    world.run(["-o", "json", "db", "restore", file.to_str().unwrap(), "--clean", "--confirm", &world.name()])
}

/// Everything of `pg_catalog` that says who may what with the tables, and how they are kept, beside `pg_dump`'s output.
fn access(world: &World) -> String {
    world.query(
        "SELECT c.relname, pg_get_userbyid(c.relowner),
           (SELECT string_agg(a::text, ';' ORDER BY a::text) FROM aclexplode(coalesce(relacl, acldefault('r', relowner))) AS a),
           c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
           c.reloptions, (SELECT string_agg(attname || attacl::text, ';' ORDER BY attname) FROM pg_attribute a
                          WHERE a.attrelid = c.oid AND attacl IS NOT NULL),
           (SELECT string_agg(attname || attstattarget, ';' ORDER BY attname) FROM pg_attribute a
            WHERE a.attrelid = c.oid AND attnum > 0 AND attstattarget > 0),
           (SELECT string_agg(i.relname, ';' ORDER BY i.relname) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
            WHERE x.indrelid = c.oid AND (x.indisclustered OR x.indisreplident))
         FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1",
    )
}

/// Sorted, because what is put back comes behind what the restore makes.
fn definitions(world: &World) -> Vec<String> {
    let lines = |statement: &str| {
        // Columns of others come back behind ours.
        let mut lines: Vec<&str> = statement.lines().map(|line| line.trim().trim_end_matches(',')).collect();
        if statement.starts_with("CREATE TABLE") {
            lines.sort_unstable();
        }
        lines.join("\n")
    };
    let catalogue = world.catalogue();
    let mut statements: Vec<String> = catalogue.split(";\n").map(|each| lines(each.trim())).collect();
    statements.sort();
    statements
}

fn attach(world: &World) {
    let role = world.role();
    world.server().admin(&format!("CREATE ROLE shop_{role}; CREATE ROLE bot_{role}"));
    world.query(&format!(
        r#"GRANT SELECT, UPDATE (miles) ON "users" TO shop_{role}; GRANT SELECT ON "flights" TO PUBLIC;
           GRANT INSERT ON "milesTransactions" TO shop_{role} WITH GRANT OPTION;
           ALTER TABLE "users" ENABLE ROW LEVEL SECURITY;
           CREATE POLICY theirs ON "users" AS RESTRICTIVE FOR SELECT TO shop_{role} USING (miles > 0);
           CREATE POLICY adding ON "users" FOR INSERT WITH CHECK (username <> 'x''y');
           CREATE PUBLICATION pub_{role} FOR TABLE "users" ("userId", username) WHERE ("userId" <> '9'), "flights";
           ALTER TABLE "users" SET (fillfactor = 70, toast.autovacuum_enabled = false);
           ALTER TABLE "users" ALTER username SET STATISTICS 321, ALTER "displayName" SET (n_distinct = 50),
             ALTER "avatarUrl" SET STORAGE EXTERNAL;
           ALTER TABLE "flights" REPLICA IDENTITY FULL;
           ALTER TABLE "users" REPLICA IDENTITY USING INDEX users_username_unique, CLUSTER ON users_pkey;
           CREATE STATISTICS their_statistics ON username, miles FROM "users";
           COMMENT ON STATISTICS their_statistics IS 'two';
           CREATE INDEX theirs ON "users" (lower(username) text_pattern_ops) WHERE miles > 0;
           COMMENT ON INDEX theirs IS 'it''s theirs'; COMMENT ON TABLE "users" IS 'a $do$ table';
           COMMENT ON COLUMN "users".miles IS 'balance'; COMMENT ON POLICY theirs ON "users" IS 'policy';
           ALTER TABLE "users" ADD CONSTRAINT theirs_check CHECK (miles > -1000000);
           CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
           CREATE TRIGGER a_always BEFORE INSERT ON "users" FOR EACH ROW EXECUTE FUNCTION theirs();
           CREATE TRIGGER b_off BEFORE INSERT ON "users" FOR EACH ROW EXECUTE FUNCTION theirs();
           ALTER TABLE "users" ENABLE ALWAYS TRIGGER a_always; ALTER TABLE "users" DISABLE TRIGGER b_off;
           CREATE RULE theirs AS ON DELETE TO "flightPassengers" WHERE OLD.miles > 10 DO INSTEAD NOTHING;
           ALTER TABLE "users" ADD theirs numeric(10,2) DEFAULT 1.5 NOT NULL CHECK (theirs > 0),
             ADD number serial, ADD code varchar(30) COLLATE "C" GENERATED ALWAYS AS (upper("userId")) STORED,
             ADD place int GENERATED BY DEFAULT AS IDENTITY (START 7);
           REVOKE TRIGGER ON "users" FROM {role}"#
    ));
    // What default privileges give to a table that is made anew was not given to the old one.
    world.query(&format!("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO bot_{role}"));
    world.query(&format!("ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO bot_{role}"));
}

fn detach(world: &World) {
    let role = world.role();
    let name = world.name();
    let admin = world.server().as_superuser(&name);
    admin.rows(&format!("DROP OWNED BY shop_{role}, bot_{role}"));
    world.server().admin(&format!("DROP ROLE shop_{role}, bot_{role}"));
}

#[test]
fn what_others_attached_is_as_it_was_when_the_tables_are_made_anew() {
    let (_old, file) = older(Engine::Postgres);
    let world = World::ready(Engine::Postgres);
    attach(&world);
    let before = (access(&world), definitions(&world));
    let done = replaced(&world, &file).ok().json();
    assert_eq!(done["way"], "replace");
    assert_eq!(access(&world), before.0);
    assert_eq!(definitions(&world), before.1);
    assert_ne!(world.query(r#"SELECT count(*) FROM "users""#), "0");
    detach(&world);
}

#[test]
fn what_others_attached_is_as_it_was_when_the_tables_stay() {
    let world = World::ready(Engine::Postgres);
    world.run("db seed --users 5 --flights 3").ok();
    attach(&world);
    world.query(
        r#"COMMENT ON INDEX "flights_airlineId_startTime_idx" IS 'ours, their words';
           ALTER INDEX "flights_airlineId_startTime_idx" SET (fillfactor = 60);
           ALTER TABLE "flights" CLUSTER ON "flights_airlineId_startTime_idx";
           COMMENT ON CONSTRAINT "flights_brandId_brands_brandId_fk" ON "flights" IS 'key'"#,
    );
    world.run("db backup -f b.skyteam").ok();
    let before = (access(&world), definitions(&world), everything(&world));
    let rows = r#"SELECT md5(string_agg(u::text, ',' ORDER BY u."userId")) FROM users u"#;
    let sum = world.query(rows);
    let done = replaced(&world, &world.work().join("b.skyteam")).ok().json();
    assert_eq!(done["way"], "inPlace");
    assert_eq!(access(&world), before.0);
    assert_eq!(definitions(&world), before.1);
    assert_eq!(everything(&world), before.2);
    assert_eq!(world.query(rows), sum);
    detach(&world);
}

/// An administrator restores, and the tables stay the applications' own.
#[test]
fn the_owner_stays_the_owner_whoever_restores() {
    let (old, file) = older(Engine::Postgres);
    old.run("db backup -f old.sql --format plain").ok();
    old.run("db backup -f old.dump --format custom").ok();
    for file in [file, old.work().join("old.sql"), old.work().join("old.dump")] {
        let mut world = World::ready(Engine::Postgres);
        let role = world.role().to_owned();
        world.query(r#"REVOKE TRIGGER ON "users" FROM CURRENT_USER"#);
        let before = access(&world);
        let (own, admin) = (world.url(), world.server().superuser_url(&world.name()));
        // What the administrator's tables give by default, those did not.
        world.server().as_superuser(&world.name()).rows("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC");
        world.set("DATABASE_URL", admin);
        replaced(&world, &file).ok();
        world.set("DATABASE_URL", own);
        assert_eq!(access(&world), before, "{}", file.display());
        assert_eq!(world.query("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"), role);
        world.query(r#"UPDATE "users" SET "displayName" = 'the app may'"#);
    }
}

#[test]
fn what_cannot_be_put_back_refuses_the_restore_by_its_name() {
    let (_old, file) = older(Engine::Postgres);
    for (sql, named) in [
        (
            r#"CREATE TABLE theirs (LIKE "users"); ALTER TABLE "users" INHERIT theirs"#,
            "inheritance of table users from",
        ),
        (r#"CREATE TABLE theirs () INHERITS ("users")"#, "table public.theirs"),
        (r#"CREATE TABLE theirs ("userId" text REFERENCES "users")"#, "on table public.theirs"),
        (r#"CREATE VIEW theirs AS SELECT miles FROM "users""#, "view public.theirs"),
        (r#"CREATE MATERIALIZED VIEW theirs AS SELECT miles FROM "users""#, "view public.theirs"),
        (r#"ALTER TABLE "flights" DISABLE TRIGGER ALL"#, ""),
    ] {
        let world = World::ready(Engine::Postgres);
        if named.is_empty() {
            world.server().as_superuser(&world.name()).rows(&format!("SET search_path = public; {sql}"));
        } else {
            world.query(sql);
        }
        let before = definitions(&world);
        let error = replaced(&world, &file).exits(5).error();
        assert_eq!(error["code"], "dependents", "{sql}: {error}");
        let named = if named.is_empty() { "switched off" } else { named };
        assert!(error["why"].as_str().unwrap().contains(named), "{sql}: {error}");
        assert_eq!(definitions(&world), before, "{sql}");
    }
    // A publication of somebody else's: only they may take a table in.
    let world = World::ready(Engine::Postgres);
    let admin = world.server().as_superuser(&world.name());
    admin.rows(r#"CREATE PUBLICATION admins FOR TABLE public."users""#);
    let error = replaced(&world, &file).exits(5).error();
    assert!(error["why"].as_str().unwrap().contains("publication admins of table users"), "{error}");
    assert_eq!(world.query("SELECT count(*) FROM pg_publication_rel"), "1");
}

#[test]
fn a_column_of_others_with_another_type_refuses_a_replacement() {
    let old = World::postgres();
    old.psql(std::path::Path::new(DRIZZLE));
    old.query(r#"ALTER TABLE "users" ADD theirs numeric(10,2)"#);
    old.run("db backup -f old.skyteam").ok();
    let world = World::ready(Engine::Postgres);
    world.query(r#"ALTER TABLE "users" ADD theirs numeric(5,1)"#);
    let error = replaced(&world, &old.work().join("old.skyteam")).exits(5).error();
    let why = error["why"].as_str().unwrap();
    assert!(why.contains(r#""theirs" is numeric(10,2) in the backup and numeric(5,1) here"#), "{error}");
}

#[both(ready)]
fn others_indexes_and_triggers_are_put_back(world: &mut World) {
    let (_old, file) = older(world.engine());
    world.query(r#"CREATE INDEX theirs ON "users" ("displayName")"#);
    match world.engine() {
        Engine::Postgres => {
            let function = "CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'";
            world.query(function);
            world.query(r#"CREATE TRIGGER theirs BEFORE UPDATE ON "users" FOR EACH ROW EXECUTE FUNCTION theirs()"#);
        }
        Engine::Sqlite => {
            world.query(
                r#"CREATE TRIGGER theirs AFTER UPDATE OF "displayName" ON "users" BEGIN SELECT 1; END;
                   CREATE VIEW "their view" AS SELECT "username" FROM "users";
                   ALTER TABLE "users" ADD COLUMN "extra" TEXT NOT NULL DEFAULT 'x' COLLATE NOCASE CHECK ("extra" <> '')"#,
            );
        }
    }
    let definitions = |world: &World| match world.engine() {
        Engine::Postgres => definitions(world),
        // Without the record that the restore itself leaves.
        Engine::Sqlite => {
            let all = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name IN ('users', 'their view') ORDER BY type, name";
            world.query(all).split_whitespace().map(str::to_owned).collect()
        }
    };
    let before = definitions(world);
    replaced(world, &file).ok();
    assert_eq!(definitions(world), before);
}

#[both(ready)]
fn columns_of_others_keep_their_order(world: &mut World) {
    let (_old, file) = older(world.engine());
    // Neither in the order of their names nor the generated one last.
    match world.engine() {
        Engine::Postgres => world.query(
            r#"ALTER TABLE "users" ADD zulu integer DEFAULT 1, ADD mike text GENERATED ALWAYS AS (upper("username")) STORED,
               ADD yankee serial, ADD alpha text, ADD november integer GENERATED ALWAYS AS (zulu + 1) STORED, ADD bravo text"#,
        ),
        Engine::Sqlite => world.query(
            r#"ALTER TABLE "users" ADD COLUMN zulu INTEGER DEFAULT 1;
               ALTER TABLE "users" ADD COLUMN mike TEXT GENERATED ALWAYS AS (upper("username")) VIRTUAL;
               ALTER TABLE "users" ADD COLUMN alpha TEXT; ALTER TABLE "users" ADD COLUMN bravo TEXT"#,
        ),
    };
    let columns = match world.engine() {
        Engine::Postgres => {
            "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
             WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped"
        }
        Engine::Sqlite => {
            "SELECT group_concat(name, ' ') FROM (SELECT name FROM pragma_table_xinfo('users') ORDER BY cid)"
        }
    };
    let before = world.query(columns);
    replaced(world, &file).ok();
    assert_eq!(world.query(columns), before);
    // In an empty database too.
    world.run("db backup -f mine.skyteam").ok();
    let twin = World::empty(world.engine());
    twin.run(["db", "restore", world.work().join("mine.skyteam").to_str().unwrap(), "--confirm", &twin.name()]).ok();
    assert_eq!(twin.query(columns), before);
}
