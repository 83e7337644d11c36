//! What the doctor says of code that others have left where ours could run it.

use super::role;
use crate::support::{Engine, World};

/// One object of each kind that has the name of one of the server's own.
const SHADOWS: &str = r#"
CREATE FUNCTION public.lower(value varchar) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;
CREATE FUNCTION public.always(a varchar, b int) RETURNS bool LANGUAGE sql IMMUTABLE AS $$SELECT true$$;
CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = int, PROCEDURE = public.always);
CREATE VIEW public.pg_class AS SELECT 1 AS one;
CREATE DOMAIN public.oid AS pg_catalog.text;
CREATE COLLATION public."C" FROM "POSIX";
"#;

/// Functions of each way in which one comes to be called by whoever writes a table.
const FUNCTIONS: &str = r#"
CREATE FUNCTION public.trap() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE FUNCTION public.word() RETURNS text LANGUAGE sql AS $$SELECT 'x'::text$$;
CREATE FUNCTION public.is_fine(text) RETURNS bool LANGUAGE sql IMMUTABLE AS $$SELECT true$$;
CREATE FUNCTION public.are_fine(text, text) RETURNS bool LANGUAGE sql IMMUTABLE AS $$SELECT true$$;
CREATE OPERATOR public.~~~~ (LEFTARG = text, RIGHTARG = text, PROCEDURE = public.are_fine);
CREATE DOMAIN public.theirs AS text CHECK (public.is_fine(value));
"#;

const ATTACHED: &str = r#"
CREATE TRIGGER spy BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.trap();
CREATE RULE also AS ON INSERT TO public.airlines DO ALSO SELECT public.word();
CREATE POLICY hidden ON public.brands USING (public.is_fine(name));
ALTER TABLE public.users ADD one public.theirs, ADD two text DEFAULT public.word(),
  ADD CONSTRAINT three CHECK (public.is_fine(username)),
  ADD CONSTRAINT four CHECK (username OPERATOR(public.~~~~) 'x'::text);
CREATE INDEX five ON public.users (public.is_fine(username));
"#;

fn told(world: &World, url: &str, name: &str) -> String {
    // It may find something.
    let output = world.run(["--database-url", url, "db", "doctor", "-o", "json"]);
    let checks: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let ours = checks.as_array().unwrap().iter().filter(|check| check["area"] == "trust" && check["name"] == name);
    ours.map(|check| check["found"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_named_like_the_servers_own_is_named() {
    let world = World::ready(Engine::Postgres);
    let url = world.url();
    assert_eq!(told(&world, &url, "shadows"), "");
    world.server().as_superuser(&world.name()).rows(SHADOWS);
    let found = told(&world, &url, "shadows");
    for object in [
        "COLLATION public.\"C\"",
        "DOMAIN public.oid",
        "FUNCTION public.lower(",
        "OPERATOR public.=(",
        "VIEW public.pg_class",
    ] {
        assert!(found.contains(object), "{object}: {found}");
    }
}

#[test]
fn others_code_on_our_tables_is_named() {
    let world = World::ready(Engine::Postgres);
    let other = role(&world, "planter");
    let superuser = world.server().as_superuser(&world.name());
    superuser.rows(&format!("GRANT CREATE ON SCHEMA public TO {other}"));
    superuser.rows(&format!("SET ROLE {other}; {FUNCTIONS}"));
    let urls = [world.url(), world.server().superuser_url(&world.name())];
    for url in &urls {
        assert_eq!(told(&world, url, "attached"), "");
    }
    world.rows(ATTACHED);
    for url in &urls {
        let found = told(&world, url, "attached");
        for what in [
            "trigger spy on users",
            "rule also on airlines",
            "policy hidden on brands",
            "the default of two on users",
            "the domain of one on users",
            "constraint three on users",
            "constraint four on users",
            "index five on users",
        ] {
            assert!(found.contains(what), "{what}: {found}");
        }
        assert!(found.lines().all(|line| line.contains(&format!("which is {other}'s"))), "{found}");
    }
}
