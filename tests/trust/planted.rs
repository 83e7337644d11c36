//! Whoever may create in `public` plants functions, operators and casts that fit our statements better than the
//! server's own (the class of CVE-2018-1058). An administrator who runs every command as a superuser calls none of them.
//!
//! What the statements call is not written down but found: every command is run on a server that writes the parse trees
//! of all statements into its log, and for each function and operator in them better matches are planted. Then every
//! command runs again.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::studio::{Studio, encoded};
use crate::support::{Engine, Server, World};

/// The function through which `planted.sql` plants.
const PLANT: &str = r#"
CREATE FUNCTION public.plant(called text, args text[], returns text, many boolean) RETURNS void LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $p$
BEGIN
  EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS %s %s LANGUAGE plpgsql AS %L', called,
    array_to_string(args, ', '), CASE WHEN many THEN 'SETOF' ELSE '' END, returns,
    format('BEGIN RAISE LOG %L; RETURN%s; END', 'planted function ' || replace(called, '%', '%%'),
      CASE WHEN many THEN '' ELSE ' NULL' END));
EXCEPTION WHEN OTHERS THEN
  -- Planted before, or not to be declared with these types.
  NULL;
END $p$
"#;

/// A command line; `{name}` is the database's name, `{run}` says which time it is, `{role}` is a role of the server.
type Line = &'static str;

/// Every command that talks to a database, in an order in which each finds what it needs; none leaves anything that the
/// same list, run again, could not bear.
const LINES: &[Line] = &[
    "db create",
    "db push --yes",
    "db rollback --steps 3 --confirm {name}",
    "db migrate --yes",
    "db diff",
    "db diff -o sql",
    "db push --online",
    "db status",
    "db doctor",
    "db info",
    "db activity",
    "db grant {role} --for staff --yes",
    "db seed --users 12 --flights 4 --seed 5",
    "user add 1 pilot1 --display-name Pilot",
    "user add 2 pilot2",
    "user list",
    "user list --sort -miles --limit 3 --search pil",
    "user show pilot1",
    "user edit pilot1 --display-name Captain --yes",
    "user flights pilot1",
    "user export pilot1",
    "user import users.csv --yes",
    "airline add trap Trap",
    "airline add gone Gone",
    "airline list",
    "airline show trap",
    "airline edit trap --name Traps --yes",
    "airline token show trap --yes",
    "airline token rotate trap --yes",
    "airline token whois",
    "airline delete gone --confirm {name}",
    "brand add trap1 Trap --airline trap --iata T1 --icao TRA --callsign TRAP",
    "brand add trap2 Trap2 --airline trap --iata T2 --icao TRB --callsign TRAPS",
    "brand list",
    "brand show trap1",
    "brand edit trap1 --name Trapped --yes",
    "brand primary trap2 --yes",
    "brand delete trap1 --confirm {name}",
    "flight add T2123 --airline trap --brand trap2 --from JFK --to LAX --aircraft A320 --game-id 1",
    "flight add T2124 --airline trap --brand trap2 --from JFK --to LAX --aircraft A320 --game-id 1",
    "flight list",
    "flight list --airline trap --status scheduled",
    "flight show T2123",
    "flight edit T2123 --aircraft A321 --yes",
    "flight delete T2124 --confirm {name}",
    "flight start T2123",
    "flight board T2123 pilot1 --miles 250",
    "flight manifest show T2123",
    "flight manifest export T2123",
    "flight manifest import T2123 manifest.csv --correct --yes",
    "flight end T2123 --yes",
    "flight reap --yes",
    "product add Hat --airline trap --price 10",
    "product add Cap --airline trap --price 10",
    "product list",
    "product show trap/Hat",
    "product edit trap/Hat --price 12 --yes",
    "product disable trap/Hat --yes",
    "product enable trap/Hat --yes",
    "product delete trap/Cap --confirm {name}",
    "miles award pilot1 500 --note first",
    "miles award pilot1 500 --note again --key k1",
    "miles award pilot1 pilot2 5 --note both",
    "miles spend pilot1 20 --note less",
    "miles redeem pilot1 trap/Hat",
    "miles balance pilot1",
    "miles balance pilot1 --at -1h",
    "miles history pilot1",
    "miles leaderboard",
    "miles leaderboard --airline trap --since 2020-01-01",
    "miles statement pilot1 --month 2025-07",
    "miles statement --airline trap --month 2025-07",
    "miles award pilot1 7 --note wrong",
    "miles reverse last --note back --yes",
    "miles import miles.csv --yes",
    "miles audit",
    "miles audit --repair --trust ledger --confirm {name}",
    "db backup -f {run}.skyteam",
    "db backup --format plain -f {run}.sql",
    "miles audit --against {run}.skyteam",
    "db verify {run}.skyteam --deep",
    "db restore {run}.skyteam --clean --confirm {name}",
    "db restore {run}.skyteam --table milesTransactions --clean --confirm {name}",
    "db restore first.sql --clean --confirm {name}",
    "db transfer --to sqlite:{run}.db",
    "db shell -- -Atc SELECT",
    "db studio --port 0 --idle 1s",
    "db backups .",
    "db prune . --keep-last 9 --yes",
    "user erase pilot2 --confirm pilot2",
    "db reset --confirm {name}",
    "db restore {run}.skyteam --confirm {name}",
    "db reset --confirm {name}",
];

/// What sends nothing to a database.
const OFFLINE: &[&str] = &["completions", "config", "db generate", "db schema", "help", "man"];

/// The commands of the program, by their words.
fn commands(path: &str, command: &clap::Command, found: &mut Vec<String>) {
    let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    let before = found.len();
    for inner in inner {
        commands(format!("{path} {}", inner.get_name()).trim_start(), inner, found);
    }
    if found.len() == before {
        found.push(path.to_owned());
    }
}

#[test]
fn no_command_is_left_out() {
    let mut all = Vec::new();
    commands("", &skyteam::cli::tree(), &mut all);
    let begins = |line: &str, words: &str| {
        line.strip_prefix(words).is_some_and(|rest| matches!(rest.bytes().next(), None | Some(b' ')))
    };
    let is_run = |command: &String| {
        LINES.iter().any(|line| begins(line, command)) || OFFLINE.iter().any(|offline| begins(command, offline))
    };
    let missing: Vec<&String> = all.iter().filter(|command| !is_run(command)).collect();
    assert!(all.len() > 60 && missing.is_empty(), "run by no line of LINES: {missing:?}");
}

/// The studio's own statements, which only read: each route, and each filter of each kind of column. Its actions are commands.
fn walk_studio(world: &World, url: &str, wrong: &mut Vec<String>) {
    let studio = Studio::with(world, &format!("--database-url {url}"));
    let mut ask = |path: &str, body: Option<Value>| {
        let answer = match &body {
            Some(body) => studio.post(path, body),
            None => studio.get(path),
        };
        if answer.status != 200 {
            wrong.push(format!("{path} {body:?}: {}", answer.body));
        }
        answer
    };
    let mut kinds = BTreeSet::new();
    let tables = ask("/api/tables", None).json();
    for table in tables["tables"].as_array().unwrap() {
        let name = table["table"].as_str().unwrap();
        let rows = format!("/api/tables/{name}/rows");
        ask(&rows, None);
        let page = ask(&format!("{rows}?limit=1"), None).json();
        ask(&format!("{rows}?before=end&limit=1"), None);
        if let Some(next) = page["next"].as_str() {
            ask(&format!("{rows}?limit=1&after={next}"), None);
        }
        ask(&format!("/api/tables/{name}/count"), None);
        let keys = &page["keys"];
        if let Some(key) = keys[0].as_str() {
            ask(&format!("{rows}/{}", encoded(key)), None);
        }
        ask("/api/relations", Some(json!({ "table": name, "keys": keys })));
        ask("/api/labels", Some(json!({ "table": name, "keys": keys })));
        for format in ["csv", "ndjson"] {
            ask("/api/export", Some(json!({ "table": name, "format": format })));
        }
        for column in table["columns"].as_array().unwrap().iter().filter(|column| column["secret"] != true) {
            let title = column["name"].as_str().unwrap();
            ask(&format!("{rows}?sort=-{title}&limit=2"), None);
            if !kinds.insert((column["kind"].to_string(), column["nullable"].to_string())) {
                continue;
            }
            let cells = ask(&format!("{rows}?columns={title}&limit=1&sort=-{title}"), None).json();
            let value = match &cells["rows"][0][0] {
                Value::String(text) => text.clone(),
                Value::Null => "1".to_owned(),
                other => other.to_string(),
            };
            for operator in column["operators"].as_array().unwrap() {
                let operator = operator.as_str().unwrap();
                let compared = match operator {
                    "between" => format!(":{}", json!([value, value])),
                    "in" | "notin" => format!(":{}", json!([value])),
                    "empty" | "notempty" | "null" | "notnull" => String::new(),
                    _ => format!(":{value}"),
                };
                let filter = encoded(&format!("{title}:{operator}{compared}"));
                ask(&format!("{rows}?filter={filter}"), None);
                ask(&format!("/api/tables/{name}/count?filter={filter}"), None);
            }
            ask(&format!("/api/tables/{name}/values?column={title}"), None);
        }
    }
    for found in ["pilot1", "1", "T2123", "trap"] {
        ask(&format!("/api/find?q={found}"), None);
    }
    let first = |studio: &Studio, table: &str| {
        studio.get(&format!("/api/tables/{table}/rows?limit=1")).json()["keys"][0].as_str().unwrap().to_owned()
    };
    for (page, table) in
        [("players", "users"), ("flights", "flights"), ("airlines", "airlines"), ("products", "milesProducts")]
    {
        ask(&format!("/api/{page}/{}", encoded(&first(&studio, table))), None);
    }
    for overview in ["flights", "findings", "movements"] {
        ask(&format!("/api/overview/{overview}"), None);
    }
}

fn run_all(world: &World, url: &str, run: &str) {
    std::fs::write(world.work().join("users.csv"), "userId,username\n77,seventy7\n").unwrap();
    std::fs::write(world.work().join("manifest.csv"), "userId,miles\n1,300\n").unwrap();
    std::fs::write(world.work().join("miles.csv"), "user,amount,note\n1,5,x\n").unwrap();
    let mut wrong = Vec::new();
    for line in LINES {
        let line = line.replace("{name}", &world.name()).replace("{run}", run).replace("{role}", "planted_staff");
        let words = ["--database-url", url].into_iter().chain(line.split(' ')).map(str::to_owned).collect::<Vec<_>>();
        let output = match line.split(' ').nth(1) {
            // It takes the streams of the process.
            Some("shell") => world.run_program(words, ""),
            _ => world.run_with_input(words, "no-token\n"),
        };
        // Doctor finds something, and no airline has that token; nothing else may fail, or its statements went unseen.
        if !matches!(output.code, 0 | 3) && line != "airline token whois" {
            wrong.push(format!("{line}: {output}"));
        }
        if line.starts_with("db studio ") {
            walk_studio(world, url, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The numbers behind these marks in a log.
fn numbers(log: &str, marks: &[&str]) -> BTreeSet<u32> {
    let behind = |mark: &&str| log.match_indices(*mark).map(|(at, mark)| at + mark.len()).collect::<Vec<_>>();
    let digits = |at: usize| log[at..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    marks.iter().flat_map(behind).filter_map(digits).collect()
}

fn list(numbers: &BTreeSet<u32>) -> String {
    format!("ARRAY{numbers:?}::oid[]").replace(['{'], "[").replace(['}'], "]")
}

#[test]
fn better_matches_in_public_are_never_called() {
    let server = Server::start(&["debug_pretty_print=off"]);
    let world = World::on(&server);
    assert_eq!(world.engine(), Engine::Postgres);
    let url = server.superuser_url(&world.name());
    server.admin("CREATE ROLE planted_staff; ALTER ROLE postgres SET debug_print_parse = on");
    run_all(&world, &url, "first");
    let log = server.log();
    let functions = numbers(&log, &[":funcid ", ":opfuncid ", ":aggfnoid ", ":winfnoid "]);
    let operators = numbers(&log, &[":opno "]);
    assert!(functions.len() > 60 && operators.len() > 25, "{} and {}", functions.len(), operators.len());

    let superuser = server.as_superuser(&world.name());

    server.admin("ALTER ROLE postgres RESET debug_print_parse");

    superuser.rows(PLANT);
    let plant = include_str!("planted.sql").replace("$1", &list(&functions)).replace("$2", &list(&operators));
    superuser.rows(&plant);
    let planted = superuser.lines(
        "SET search_path = pg_catalog; SELECT count(*) FROM pg_operator WHERE oprnamespace = 'public'::regnamespace",
    );
    assert!(planted.parse::<u32>().unwrap() > 10_000, "{planted}");
    // They work: who looks in public calls them.
    superuser.rows("SET search_path = public; SELECT FROM pg_class WHERE oid = 'pg_class'::regclass");
    assert!(server.log().contains("planted function planted_operator"));

    let before = server.log().len();
    run_all(&world, &url, "second");
    let log = server.log();
    let caught: BTreeSet<&str> = log[before..].lines().filter(|line| line.contains("LOG:  planted")).collect();
    assert!(caught.is_empty(), "{caught:#?}\n{}", &log[before..]);
}
