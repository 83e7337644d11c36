//! Completions, as shells ask for them: bash, zsh and fish for real; the others by what their scripts send. And the manual
//! pages, which come from the same tree.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rexpect::session::spawn_command;

use crate::flight::{ENDED, LIVE, SCHEDULED, fleet};
use crate::support::{World, both};

const SHELLS: [(&str, &str); 5] = [
    ("bash", "skyteam.bash"),
    ("zsh", "_skyteam"),
    ("fish", "skyteam.fish"),
    ("powershell", "skyteam.ps1"),
    ("elvish", "skyteam.elv"),
];

/// What the shell is answered for the last of these words, with the variables that its script sets.
fn ask(world: &World, shell: &str, words: &[&str]) -> String {
    let words: Vec<String> = ["--", "skyteam"].iter().chain(words).map(|word| (*word).to_owned()).collect();
    let mut command = world.command(words.clone());
    command.env("SKYTEAM_COMPLETE", shell).env("_CLAP_IFS", "\n");
    command.env("_CLAP_COMPLETE_INDEX", (words.len() - 2).to_string());
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{shell} {words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The values that are offered for the last of these words; no flags.
fn values(world: &World, line: &str) -> Vec<String> {
    let answer = ask(world, "elvish", &line.split(' ').collect::<Vec<_>>());
    answer.lines().filter(|value| !value.is_empty() && !value.starts_with('-')).map(str::to_owned).collect()
}

#[test]
fn the_scripts_are_the_ones_in_the_folder() {
    let world = World::bare();
    for (shell, file) in SHELLS {
        let printed = world.run(format!("completions {shell}")).ok();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file);
        let stored = std::fs::read_to_string(path).unwrap();
        assert!(printed.stdout == stored, "mend it: skyteam completions {shell} > completions/{file}");
    }
    world.run("completions").exits(2);
    world.run("completions tcsh").exits(2);
}

#[test]
fn columns_are_completed_one_after_the_other() {
    let world = World::bare();
    assert_eq!(values(&world, "user list --columns us"), ["userId", "username"]);
    assert_eq!(values(&world, "users ls --columns miles,user"), ["miles,userId", "miles,username"]);
    assert_eq!(values(&world, "flight list --sort start"), ["startTime", "startedAt"]);
    assert!(ask(&world, "elvish", &["user", "list", "--sort", "username,-mi"]).contains("username,-miles"));
    assert_eq!(values(&world, "airline token show --columns x"), [""; 0]);
}

#[both(ready)]
fn references_are_completed_from_the_database(world: &mut World) {
    fleet(world);
    world.query(
        r#"INSERT INTO "milesProducts" ("productId", "airlineId", "name", "priceMiles") VALUES ('abc123', 'af', 'Cap', 5)"#,
    );
    assert_eq!(values(world, "user show pi"), ["pilot123"]);
    assert_eq!(values(world, "user show PILOT"), ["pilot123"]);
    assert_eq!(values(world, "user show @Cap"), ["@Captain_Ada"]);
    assert_eq!(values(world, "user show 1"), ["1", "12345"]);
    assert_eq!(values(world, "airline show d"), ["delta"]);
    assert_eq!(values(world, "flight list --airline a"), ["af"]);
    assert_eq!(values(world, "brand show A"), ["afr", "AF", "AFR"]);
    assert_eq!(values(world, "product show ab"), ["abc123"]);
    assert_eq!(values(world, "product show AF/"), ["af/Cap"]);
    assert_eq!(values(world, "flight start dl"), ["DL100", "DL200", "DL300"]);
    assert_eq!(values(world, "flight show 3"), [LIVE]);
    assert_eq!(values(world, "flight show 5a00"), ["5a000000-0000-4000-8000-000000000000"]);
    assert_eq!(values(world, "flight board DL300 pi"), ["pilot123"]);
    assert_eq!(values(world, "flight list --status c"), ["cancelled"]);
    assert_eq!(values(world, "config show --tz Europe/Amst"), ["Europe/Amsterdam"]);
    assert!(values(world, "user show nobody").is_empty());
    // A code that means two flights is none: their ids are offered.
    world.query(&format!(r#"UPDATE "flights" SET "code" = 'DL100' WHERE "id" = '{LIVE}'"#));
    assert_eq!(values(world, "flight show DL1"), [SCHEDULED, LIVE]);
}

#[test]
fn flags_are_offered_only_where_one_is_begun() {
    let world = World::bare();
    for (shell, _) in SHELLS {
        for words in [&["db", "info", ""][..], &["user", "list", ""], &["flight", "board", "DL1", ""]] {
            let answer = ask(&world, shell, words);
            assert!(!answer.lines().any(|line| line.starts_with('-')), "{shell} {words:?}: {answer}");
        }
        for word in ["-", "--no-p"] {
            assert!(ask(&world, shell, &["db", "info", word]).contains("--no-pager"), "{shell} {word}");
        }
    }
}

#[test]
fn what_the_program_knows_itself_is_completed_without_a_database() {
    let world = World::bare();
    assert_eq!(values(&world, "db backup --table mi"), ["milesTransactions", "milesProducts"]);
    assert_eq!(values(&world, "db push --rename use"), ["users."]);
    assert_eq!(values(&world, "db push --rename users.disp"), ["users.displayName="]);
    assert_eq!(values(&world, "db push --backfill airlines.to"), ["airlines.token="]);
    assert!(values(&world, "db migrate --to 2024").iter().any(|one| one.ends_with("_baseline")));
    assert_eq!(values(&world, "miles history x --source p"), ["purchase"]);
    assert_eq!(values(&world, "miles reverse l"), ["last"]);
    assert_eq!(values(&world, "help exit"), ["exit-codes"]);
    assert_eq!(values(&world, "help flight man"), ["manifest"]);
    assert_eq!(values(&world, "help flight manifest im"), ["import"]);
}

#[both(ready)]
fn recent_batches_and_entries_are_offered_to_be_taken_back(world: &mut World) {
    world.run("user add 1 pilot123").ok();
    world.run("user add 2 pilot456").ok();
    let single = world.run("miles award pilot123 5 --note one -o json").json();
    world.run("miles award pilot123 pilot456 7 --note both").ok();
    let batch = world.query(r#"SELECT DISTINCT "batchId" FROM "milesTransactions" WHERE "batchId" IS NOT NULL"#);
    let batch = world.run("miles history pilot123 -o json").json()[0]["batchId"].as_str().map_or(batch, str::to_owned);
    let offered = ask(world, "fish", &["miles", "reverse", ""]);
    assert!(offered.starts_with("last\n"), "{offered}");
    assert!(offered.contains(&format!("{batch}\tbatch, manual, ")), "{offered}");
    assert!(offered.contains(single["id"].as_str().unwrap()), "{offered}");
    assert_eq!(values(world, &format!("miles reverse {}", &batch[..13])).first(), Some(&batch));
}

#[both(ready)]
fn flights_are_completed_by_code_and_day(world: &mut World) {
    fleet(world);
    assert_eq!(values(world, "flight show DL500@"), ["DL500@2025-07-04"]);
    assert_eq!(values(world, "flight manifest show dl500@2025"), ["DL500@2025-07-04"]);
    assert_eq!(values(world, "flight show DL500@2024"), [""; 0]);
    // The day is that of the zone.
    assert_eq!(values(world, "--tz Pacific/Kiritimati flight show DL500@"), ["DL500@2025-07-04"]);
    world.query(&format!(r#"UPDATE "flights" SET "startTime" = '2025-07-03 23:30:00' WHERE "id" = '{ENDED}'"#));
    assert_eq!(values(world, "flight show DL500@"), ["DL500@2025-07-03"]);
    assert_eq!(values(world, "--tz Asia/Tokyo flight show DL500@"), ["DL500@2025-07-04"]);
    // Two of one day are offered by their ids.
    world.query(&format!(
        r#"UPDATE "flights" SET "code" = 'DL300', "startTime" = '2025-07-04 01:00:00' WHERE "id" = '{ENDED}'"#
    ));
    let mut both = values(world, "flight show DL300@");
    both.sort();
    assert_eq!(both, [LIVE, ENDED]);
}

#[both(ready)]
fn no_secret_and_nothing_that_a_shell_would_run_is_offered(world: &mut World) {
    fleet(world);
    for (id, name) in [("11", "pi;reboot"), ("12", "pi$(id)"), ("13", "pi`id`"), ("14", "pi x"), ("15", "pi\u{1b}[2J")]
    {
        let insert =
            format!(r#"INSERT INTO "users" ("userId", "username", "displayName") VALUES ('{id}', '{name}', 'x')"#);
        world.query(&insert);
    }
    world.query("UPDATE \"users\" SET \"displayName\" = 'a\u{1b}[2J\nb\tc' WHERE \"userId\" = '1'");
    assert_eq!(values(world, "user show pi"), ["pilot123"]);
    for (shell, _) in SHELLS {
        for words in [&["airline", "show", ""][..], &["airline", "token", "show", ""], &["user", "show", "pi"]] {
            let answer = ask(world, shell, words);
            assert!(!answer.contains("secret") && !answer.contains('\u{1b}'), "{shell}: {answer}");
        }
    }
    for hostile in ["'", "\"", "%", "_", "\\", "'; DROP TABLE users; --", "@", "@'", &"x".repeat(5000)] {
        for noun in ["user", "airline", "brand", "flight", "product"] {
            ask(world, "fish", &[noun, "show", hostile]);
        }
    }
    assert_eq!(world.query(r#"SELECT count(*) FROM "users""#), "8");
}

#[both(ready)]
fn each_shell_is_answered_in_its_own_form(world: &mut World) {
    fleet(world);
    let words = ["airline", "show", "del"];
    assert_eq!(ask(world, "bash", &words), "delta");
    assert_eq!(ask(world, "elvish", &words), "delta");
    assert_eq!(ask(world, "zsh", &words), "delta:Delta");
    assert_eq!(ask(world, "fish", &words), "delta\tDelta\n");
    assert_eq!(ask(world, "powershell", &words), "delta\tDelta\n");
    assert_eq!(ask(world, "fish", &["airline", "list", "--out"]), "--output\tFormat of the answer\n");
}

/// A shell of its own, with the program in its path and this world's database.
fn shell(world: &World, name: &str, args: &[&str]) -> Command {
    let mut shell = Command::new(name);
    let program = Path::new(env!("CARGO_BIN_EXE_skyteam"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    shell.args(args).env_clear().current_dir(world.work());
    shell.envs([("PATH", path.as_str()), ("TERM", "dumb"), ("PS1", "ready> "), ("LC_ALL", "C.UTF-8")]);
    shell.envs([("DATABASE_URL", world.url().as_str()), ("HOME", world.home().to_str().unwrap())]);
    shell
}

/// Types at a shell's prompt: what each text is answered with.
fn typed(shell: Command, told: &[(&str, &str)]) {
    let mut shell = spawn_command(shell, Some(30_000)).unwrap();
    for (keys, seen) in told {
        shell.send(keys).unwrap();
        shell.flush().unwrap();
        shell.exp_string(seen).unwrap_or_else(|error| panic!("{keys:?} never showed {seen:?}: {error}"));
    }
}

/// What a key completes is shown by what the line then answers. At the real time, long after the tests' moment, what was
/// live is stale.
const TOLD: [(&str, &str); 4] = [
    ("skyt\tfli\tsho\tDL1\t-o ndj\t\n", "\"code\":\"DL100\""),
    ("skyteam user show @Capt\t -o ndjson\n", "\"userId\":\"2\""),
    ("skyteam flight list --airline=delt\t--status=stal\t-o ndjson\n", "\"code\":\"DL300\""),
    ("skyteam flight list --status=\t\t", "cancelled"),
];

/// Products with the names that shops give them.
fn shop(world: &World) {
    world.query(
        r#"INSERT INTO "milesProducts" ("productId", "airlineId", "name", "priceMiles") VALUES
            ('aaa111', 'af', 'Business upgrade', 5), ('bbb222', 'af', 'Captain''s cap (50%)', 6), ('ccc333', 'af', 'x;reboot', 7)"#,
    );
}

/// Names with blanks and quotes are put on the line so that the shell takes them for one word.
const QUOTED: [(&str, &str); 3] = [
    ("skyteam product show af/Bus\t -o ndjson\n", "\"productId\":\"aaa111\""),
    ("skyteam product show af/Capt\t -o ndjson\n", "\"productId\":\"bbb222\""),
    ("skyteam product show 'af/Busin\t -o ndjson\n", "\"productId\":\"aaa111\""),
];

#[both(ready)]
fn bash_completes_for_real(world: &mut World) {
    fleet(world);
    shop(world);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/skyteam.bash");
    let load = format!("source '{script}'; echo sour''ced\n");
    let told: Vec<_> = [(load.as_str(), "sourced")].into_iter().chain(QUOTED).chain(TOLD).collect();
    typed(shell(world, "bash", &["--norc", "--noprofile", "-i"]), &told);
}

#[both(ready)]
fn zsh_completes_for_real(world: &mut World) {
    fleet(world);
    shop(world);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");
    let load = format!("fpath=('{folder}' $fpath); autoload -Uz compinit; compinit -u -D; echo load''ed\n");
    // Which programs there are is zsh's own to complete, and several begin so.
    let first = ("skyteam fli\tsho\tDL1\t-o ndj\t\n", TOLD[0].1);
    let told: Vec<_> =
        [(load.as_str(), "loaded"), first].into_iter().chain(QUOTED).chain(TOLD.into_iter().skip(1)).collect();
    typed(shell(world, "zsh", &["-f", "-i"]), &told);
}

#[both(ready)]
fn fish_completes_for_real(world: &mut World) {
    fleet(world);
    shop(world);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/skyteam.fish");
    // Asked as its own completion asks, without a terminal, on which fish redraws its line with every key.
    let complete = |line: &str| {
        let ask = format!("source '{script}'; complete --do-complete \"{line}\"");
        let output = shell(world, "fish", &["--no-config", "-c", &ask]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(complete("skyteam airline show del"), "delta\tDelta\n");
    assert_eq!(complete("skyteam user show @Capt"), "@Captain_Ada\tAda, 2\n");
    assert!(complete("skyteam flight list --status ").contains("cancelled"));
    assert!(complete("skyteam fli").starts_with("flight\t"));
    // fish quotes what is chosen; what it is given is plain, whether the word has quotes so far or not.
    for typed in ["af/Bus", "'af/Bus", "'af/Business up", "af/Business\\\\ up"] {
        assert_eq!(
            complete(&format!("skyteam product show {typed}")),
            "af/Business upgrade\taaa111, 5 miles\n",
            "{typed}"
        );
    }
}

#[test]
fn profiles_are_completed_and_say_which_database_is_meant() {
    let world = World::ready(crate::support::Engine::Sqlite);
    fleet(&world);
    let url = world.url();
    let mut world = world;
    world.unset("DATABASE_URL");
    let write = |text: &str| std::fs::write(world.work().join("skyteam.toml"), text).unwrap();
    let profile = |name: &str, more: &str| format!("[profiles.{name}]\nurl = '{url}'\n{more}\n");
    write(&(profile("prod", "kind = 'production'") + &profile("stage", "kind = 'staging'")));
    assert_eq!(values(&world, "config show --profile "), ["prod", "stage"]);
    assert_eq!(values(&world, "config show -p st"), ["stage"]);
    assert_eq!(values(&world, "-p stage airline show d"), ["delta"]);
    assert_eq!(values(&world, "airline show --profile=stage d"), ["delta"]);
    assert_eq!(values(&world, &format!("--database-url {url} airline show d")), ["delta"]);
    // Nobody's name leaves a production database for a key that was pressed, unless that is wanted.
    assert!(values(&world, "-p prod airline show d").is_empty());
    write(&profile("prod", "kind = 'production'\ncompletions = true"));
    assert_eq!(values(&world, "-p prod airline show d"), ["delta"]);
    write(&profile("stage", "completions = false"));
    assert!(values(&world, "-p stage airline show d").is_empty());
}

#[test]
fn failures_are_silent_quick_and_leave_nothing_behind() {
    let mut world = World::bare();
    assert!(values(&world, "airline show d").is_empty());
    assert!(!world.home().join(".local/share/skyteam").exists());
    // A server that takes a connection and says nothing, for ever.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    for url in [
        format!("postgres://nobody@127.0.0.1:{port}/none"),
        "postgres://nobody@127.0.0.1:1/none".to_owned(),
        "sqlite:missing.db".to_owned(),
        "nonsense".to_owned(),
    ] {
        world.set("DATABASE_URL", &url);
        // 250 ms are promised; the rest, and some more tries, are for a machine that does other things too. The usual
        // time-out is 2.5 s, which no try would be below.
        let quick = (0..8).any(|_| {
            let began = Instant::now();
            assert!(values(&world, "airline show d").is_empty(), "{url}");
            began.elapsed() < Duration::from_millis(1500)
        });
        assert!(quick, "{url}");
    }
    assert!(!world.work().join("missing.db").exists());
    std::fs::write(world.work().join("skyteam.toml"), "nonsense = [").unwrap();
    assert!(values(&world, "airline show d").is_empty());
    assert_eq!(values(&world, "flight manifest im"), ["import"]);
}

#[test]
fn the_variable_alone_changes_nothing() {
    let mut world = World::bare();
    world.set("SKYTEAM_COMPLETE", "bash");
    world.run_program("completions fish", "").ok();
    world.set("SKYTEAM_COMPLETE", "nonsense");
    world.run_program("config show", "").ok();
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let world = World::bare();
    let answer = world.run("man --dir pages/man1 -o json").json();
    let folder = world.work().join("pages/man1");
    let mut pages: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    pages.sort();
    assert_eq!(answer["pages"], pages.len() + 1);
    for page in ["skyteam.1", "skyteam-flight.1", "skyteam-flight-manifest-import.1", "skyteam-db-push.1"] {
        assert!(pages.iter().any(|name| name == page), "{page} of {pages:?}");
    }
    let text = std::fs::read_to_string(folder.join("skyteam-flight-board.1")).unwrap();
    assert!(text.contains("\\-\\-miles") && text.contains("Take a user on board"), "{text}");
    for section in ["SYNOPSIS", "EXAMPLES", "EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"] {
        assert!(text.contains(&format!(".SH \"{section}\"")), "{section}: {text}");
    }
    assert!(text.starts_with(".TH \"SKYTEAM\\-FLIGHT\\-BOARD\" \"1\" \"20"), "{text}");
    // The same commands, the same bytes.
    let before = std::fs::read(folder.join("skyteam.1")).unwrap();
    world.run("man --dir pages/man1").ok();
    assert_eq!(std::fs::read(folder.join("skyteam.1")).unwrap(), before);
    // The files of settings have a page of their own, in the section for files.
    assert!(world.work().join("pages/man5/skyteam-config.5").exists());
    world.run("man").exits(2);
    std::fs::write(world.work().join("file"), "").unwrap();
    world.run("man --dir file").exits(1);
}

#[test]
fn the_manual_pages_are_read_by_mandoc_without_a_warning() {
    let world = World::bare();
    world.run("man --dir man1").ok();
    let mut pages = Vec::new();
    for folder in ["man1", "man5"] {
        pages.extend(std::fs::read_dir(world.work().join(folder)).unwrap().map(|entry| entry.unwrap().path()));
    }
    let lint = Command::new("mandoc").args(["-Tlint", "-Wwarning"]).args(&pages).output();
    let lint = lint.expect("apt-get install mandoc");
    let said = String::from_utf8_lossy(&lint.stdout).into_owned() + &String::from_utf8_lossy(&lint.stderr);
    assert!(lint.status.success() && said.is_empty() && pages.len() > 90, "{said}");
    // What it shows has the values and no roff of its own.
    let page = world.work().join("man1/skyteam-db-push.1");
    let shown = Command::new("mandoc").args(["-Tutf8"]).arg(page).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap().replace('\u{8}', "");
    assert!(shown.contains("--dry-run") && !shown.contains("\\f"), "{shown}");
}

#[test]
fn completions_are_installed_where_each_shell_looks() {
    let mut world = World::bare();
    let home = world.home();
    let below = |path: &str| home.join(path);
    world.unset("XDG_DATA_HOME");
    world.unset("XDG_CONFIG_HOME");
    world.set("SHELL", "/usr/bin/fish");
    let path = below(".config/fish/completions/skyteam.fish");
    let dry = world.run("completions install --dry-run").ok();
    assert!(dry.stdout.contains("would be written") && !path.exists(), "{dry}");
    world.run("completions install").ok();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), world.run("completions fish").ok().stdout);
    assert_eq!(world.run("completions install fish -o json").json()["unchanged"], true);
    world.run("completions install bash").ok();
    assert!(below(".local/share/bash-completion/completions/skyteam").exists());
    // Root's go where every zsh looks; another user is told the line of ~/.zshrc.
    let zsh = world.run("-n completions install zsh -o json").json();
    let next = zsh["next"].to_string();
    assert!(zsh["path"].as_str().unwrap().ends_with("/site-functions/_skyteam"), "{zsh}");
    assert!(zsh["path"].as_str().unwrap().starts_with("/usr/local/") || next.contains("fpath=("), "{zsh}");
    world.set("SHELL", "/usr/bin/tcsh");
    assert!(world.run("completions install").exits(2).stderr.contains("completions install bash"));
    world.run("completions install tcsh").exits(2);
    world.unset("SHELL");
    world.run("completions install").exits(2);
    // fish finds it by itself.
    let program = Path::new(env!("CARGO_BIN_EXE_skyteam")).parent().unwrap();
    let mut fish = Command::new("fish");
    fish.args(["-c", "complete --do-complete 'skyteam fli'"]).env_clear().current_dir(world.work());
    fish.env("PATH", format!("{}:/usr/bin:/bin", program.display())).env("HOME", &home).env("LC_ALL", "C.UTF-8");
    assert!(String::from_utf8(fish.output().unwrap().stdout).unwrap().starts_with("flight\t"));
}
