//! What a verb or noun that does not exist was meant to be: by its meaning, and by its letters only where nothing
//! is lost or moved by the command that is suggested.

/// Words of other programs, with ours: for one noun, or (`""`) for all that have the verb; the first that fits decides.
const BY_MEANING: &[(&str, &[&str], &str)] = &[
    // Nouns, and verbs without theirs.
    ("skyteam", &["player", "players", "member", "members", "person", "people", "account"], "user"),
    ("skyteam", &["carrier", "company", "alliance"], "airline"),
    ("skyteam", &["item", "items", "shop", "reward", "rewards"], "product"),
    ("skyteam", &["ledger", "points", "transaction", "transactions", "entry", "mile"], "miles"),
    ("skyteam", &["database", "databases", "pg", "postgres", "sqlite"], "db"),
    ("skyteam", &["settings", "configuration", "profile", "profiles"], "config"),
    ("skyteam", &["completion", "complete"], "completions"),
    ("skyteam", &["manual", "manpage", "manpages"], "man"),
    ("skyteam", &["info"], "db info"),
    ("skyteam", &["ps", "activity", "locks"], "db activity"),
    ("skyteam", &["studio", "ui"], "db studio"),
    ("skyteam", &["backups"], "db backups"),
    ("skyteam", &["verify"], "db verify"),
    ("skyteam", &["init"], "config init"),
    ("skyteam", &["token", "tokens"], "airline token"),
    ("skyteam", &["manifest"], "flight manifest"),
    ("skyteam", &["backup", "dump"], "db backup"),
    ("skyteam", &["restore"], "db restore"),
    ("skyteam", &["migrate"], "db migrate"),
    ("skyteam", &["push"], "db push"),
    ("skyteam", &["diff", "plan"], "db diff"),
    ("skyteam", &["status"], "db status"),
    ("skyteam", &["doctor", "check"], "db doctor"),
    ("skyteam", &["psql", "shell", "sql"], "db shell"),
    ("skyteam", &["award"], "miles award"),
    ("skyteam", &["balance"], "miles balance"),
    ("skyteam", &["history"], "miles history"),
    ("skyteam", &["leaderboard"], "miles leaderboard"),
    ("skyteam", &["audit"], "miles audit"),
    // Verbs of one noun.
    ("db", &["plan", "compare", "preview"], "diff"),
    ("db", &["psql", "sql", "sqlite", "sqlite3", "console", "query", "cli", "repl"], "shell"),
    ("db", &["dump", "save", "export", "snapshot"], "backup"),
    ("db", &["load"], "restore"),
    ("db", &["apply", "sync"], "push"),
    ("db", &["up", "upgrade", "migration", "migrations", "deploy"], "migrate"),
    ("db", &["down", "downgrade", "revert", "undo"], "rollback"),
    ("db", &["check", "health", "diagnose", "lint", "test"], "doctor"),
    ("db", &["fill", "demo", "populate"], "seed"),
    ("db", &["init", "new", "add", "setup"], "create"),
    ("db", &["clean", "clear", "empty", "wipe", "truncate", "drop", "delete", "remove"], "reset"),
    ("db", &["copy", "clone", "move"], "transfer"),
    ("db", &["version", "state"], "status"),
    ("db", &["size", "stats", "statistics", "usage", "describe", "about"], "info"),
    ("db", &["ps", "locks", "sessions", "processes", "connections", "top", "who", "blocking"], "activity"),
    ("db", &["check-backup", "prove"], "verify"),
    ("db", &["grants", "role", "permissions"], "grant"),
    ("db", &["ui", "browse", "web", "gui"], "studio"),
    ("db", &["ddl", "model", "tables"], "schema"),
    ("db", &["ls", "list"], "backups"),
    ("user", &["remove", "rm", "delete", "del", "destroy", "forget", "anonymize", "anonymise"], "erase"),
    ("user", &["dump"], "export"),
    ("user", &["load"], "import"),
    ("miles", &["give", "grant", "earn", "add", "credit", "pay", "deposit"], "award"),
    ("miles", &["charge", "debit", "deduct", "take", "subtract", "withdraw", "remove"], "spend"),
    ("miles", &["buy", "purchase", "order"], "redeem"),
    ("miles", &["undo", "revert", "refund", "rollback", "cancel", "delete"], "reverse"),
    ("miles", &["log", "list", "ls", "entries", "transactions", "show"], "history"),
    ("miles", &["top", "ranking", "rank", "best"], "leaderboard"),
    ("miles", &["check", "verify", "doctor"], "audit"),
    ("miles", &["total", "sum", "get"], "balance"),
    ("miles", &["report"], "statement"),
    ("flight", &["schedule", "plan", "create", "new"], "add"),
    ("flight", &["begin", "depart", "takeoff", "open", "launch"], "start"),
    ("flight", &["finish", "stop", "land", "arrive", "close", "complete"], "end"),
    ("flight", &["cancel", "abort"], "end --cancel"),
    ("flight", &["join", "checkin", "check-in"], "board"),
    ("flight", &["passengers", "roster", "pax"], "manifest"),
    ("product", &["activate"], "enable"),
    ("product", &["deactivate", "hide", "retire"], "disable"),
    ("airline", &["key", "secret", "tokens"], "token"),
    ("brand", &["default", "main"], "primary"),
    ("config", &["list", "ls", "get", "view"], "show"),
    ("config", &["create", "new", "setup"], "init"),
    ("config", &["where", "paths", "files"], "path"),
    ("config", &["allow"], "trust"),
    // Verbs of all nouns.
    ("", &["create", "new", "insert", "register", "make"], "add"),
    ("", &["remove", "rm", "del", "destroy", "drop", "unregister"], "delete"),
    ("", &["update", "modify", "change", "set", "rename", "alter", "patch"], "edit"),
    ("", &["get", "view", "describe", "info", "cat", "inspect", "display", "find"], "show"),
    ("", &["ls", "all", "index", "search"], "list"),
    ("completions", &["pwsh"], "powershell"),
    ("completions", &["setup", "add"], "install"),
];

/// Verbs that lose or move something, or change a schema. They are never suggested because their letters are near.
const RISKY: [&str; 22] = [
    "delete", "erase", "reset", "restore", "prune", "rollback", "reverse", "reap", "transfer", "spend", "award",
    "redeem", "rotate", "import", "push", "migrate", "end", "disable", "primary", "board", "start", "trust",
];

/// How alike the letters of two words must be.
const ALIKE: f64 = 0.82;

/// The command of `names` that was meant by `verb`; `noun` is what it was typed after.
pub(super) fn meant<'a>(noun: Option<&str>, verb: &str, names: &[&'a str]) -> Option<&'a str> {
    let typed = verb.to_lowercase();
    let of = noun.unwrap_or("skyteam");
    let known = |command: &'static str| names.contains(&command.split(' ').next().unwrap_or(command));
    let by_meaning = BY_MEANING
        .iter()
        .filter(|(whose, words, command)| {
            (*whose == of || whose.is_empty()) && words.contains(&typed.as_str()) && known(command)
        })
        .map(|(_, _, command)| *command)
        .next();
    if by_meaning.is_some() {
        return by_meaning;
    }
    let near = names.iter().map(|name| (strsim::jaro_winkler(&typed, name), *name)).max_by(|a, b| a.0.total_cmp(&b.0));
    near.filter(|(alike, name)| *alike >= ALIKE && !RISKY.contains(name)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DB: [&str; 12] = [
        "create", "push", "diff", "migrate", "rollback", "reset", "backup", "restore", "prune", "shell", "status",
        "seed",
    ];
    const USER: [&str; 8] = ["add", "list", "show", "edit", "flights", "import", "export", "erase"];
    const AIRLINE: [&str; 6] = ["add", "list", "show", "edit", "delete", "token"];

    #[test]
    fn verbs_are_answered_by_their_meaning() {
        for (noun, verb, names, found) in [
            ("user", "create", &USER[..], Some("add")),
            ("user", "remove", &USER, Some("erase")),
            ("airline", "create", &AIRLINE, Some("add")),
            ("airline", "remove", &AIRLINE, Some("delete")),
            ("db", "plan", &DB, Some("diff")),
            ("db", "psql", &DB, Some("shell")),
            ("db", "PSQL", &DB, Some("shell")),
            ("db", "ps", &["info", "activity"], Some("activity")),
            ("db", "size", &["info", "activity"], Some("info")),
            ("airline", "lst", &AIRLINE, Some("list")),
            ("airline", "updaet", &AIRLINE, None),
        ] {
            assert_eq!(meant(Some(noun), verb, names), found, "{noun} {verb}");
        }
    }

    #[test]
    fn near_letters_never_lead_to_a_loss() {
        for (noun, verb, names) in [
            ("db", "rest", &DB[..]),
            ("db", "resett", &DB),
            ("db", "restor", &DB),
            ("db", "prun", &DB),
            ("airline", "delet", &AIRLINE),
            ("user", "eras", &USER),
        ] {
            assert_eq!(meant(Some(noun), verb, names), None, "{noun} {verb}");
        }
    }

    #[test]
    fn a_noun_may_be_missing() {
        let nouns = ["db", "user", "airline", "miles"];
        assert_eq!(meant(None, "backup", &nouns), Some("db backup"));
        assert_eq!(meant(None, "players", &nouns), Some("user"));
        assert_eq!(meant(None, "airlin", &nouns), Some("airline"));
    }
}
