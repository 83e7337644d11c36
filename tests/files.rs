//! Files that people hand over: what `miles import`, `user import` and `flight manifest import` make of files from
//! spreadsheets, other programs and interrupted downloads. All three read by the same rules.

use crate::support::{Output, World, both};

/// Two users, a flight, and the three commands that read a file.
fn furnish(world: &World) {
    world.query(
        r#"INSERT INTO "users" ("userId", "username", "displayName") VALUES ('1', 'ann', 'Ann'), ('2', 'ben', 'Ben');
        INSERT INTO "airlines" ("airlineId", "name", "token") VALUES ('delta', 'Delta', 'tokentokentokentokentoke');
        INSERT INTO "brands" ("brandId", "airlineId", "name", "iata", "icao", "callsign", "isPrimary")
            VALUES ('delta', 'delta', 'Delta', 'DL', 'DAL', 'DELTA', true);
        INSERT INTO "flights" ("id", "code", "gameId", "aircraft", "airlineId", "brandId", "departure", "arrival")
            VALUES ('f1000000-0000-4000-8000-000000000001', 'DL1', '1', 'A320', 'delta', 'delta', 'ATL', 'AMS')"#,
    );
}

const MILES: &str = "miles import";
const USERS: &str = "user import";
const MANIFEST: &str = "flight manifest import DL1";

fn import(world: &World, command: &str, input: impl AsRef<[u8]>, flags: &str) -> Output {
    world.call(format!("{command} - --yes {flags}")).input(input.as_ref()).run()
}

/// Everything that a file could have changed.
fn state(world: &World) -> String {
    let users = world.query(r#"SELECT "userId", "username", "displayName", "miles" FROM "users" ORDER BY 1"#);
    let entries = world.query(r#"SELECT "userId", "amount", "note" FROM "milesTransactions" ORDER BY 1, 2"#);
    format!("{users}\n{entries}")
}

fn utf16(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[both(ready)]
fn a_malformed_quote_takes_nothing_and_names_its_line(world: &mut World) {
    furnish(world);
    let before = state(world);
    for (command, header, row) in [
        (MILES, "user,amount,note", ["1,500", "2,500,ok", "2,7,ok"]),
        (MANIFEST, "userId,miles,displayName", ["1,500", "2,500,Ben", "2,7,x"]),
        (USERS, "userId,username,displayName", ["1,ann", "3,cyd,C", "4,dan,D"]),
    ] {
        let [first, second, third] = row;
        for (rest, line) in [
            (format!("{first},\"late bonus\n{second}\n{third}\n"), 2),
            (format!("{second}\n{first},\"He said \"hi\" to me\"\n"), 3),
            (format!("{first},\"a\nb\"\n{second}\n{first},\"x\n{second}"), 5),
            (format!("{second}\n{first},5'10\" tall\n"), 3),
        ] {
            for flags in ["", "--keep-going"] {
                if command == MANIFEST && !flags.is_empty() {
                    continue;
                }
                let refused = import(world, command, format!("{header}\n{rest}"), flags).exits(2);
                let told = format!("standard input line {line} cannot be read, so nothing was taken");
                assert!(refused.stderr.contains(&told), "{rest}: {refused}");
            }
        }
    }
    for (command, whole, cut) in [
        (MILES, "{\"user\":\"ann\",\"amount\":500}", "{\"user\":\"ben\",\"amou"),
        (MANIFEST, "{\"user\":\"ann\",\"miles\":500}", "{\"user\":\"ben\",\"miles\":5"),
        (USERS, "{\"userId\":3,\"username\":\"cyd\"}", "{\"userId\":4,\"username\":\"da"),
    ] {
        let refused = import(world, command, format!("{whole}\n{cut}"), "").exits(2);
        assert!(refused.stderr.contains("line 2 cannot be read") && refused.stderr.contains("was cut"), "{refused}");
    }
    assert_eq!(state(world), before);
}

#[both(ready)]
fn files_of_spreadsheets_are_read_as_they_were_meant(world: &mut World) {
    furnish(world);
    for (number, file) in [
        "user;amount;note\r\nann;1;x\r\n;;\r\n ben ;2;x\r\n".as_bytes().to_vec(),
        "sep=;\r\nuser;amount;note\r\nann;1;x\r\nben;2;x\r\n".into(),
        "\u{feff}sep=\t\r\nuser\tamount\tnote\t\t\r\nann\t1\tx\t\t\r\nben\t2\tx\t\t\r\n\t\t\t\t\r\n".into(),
        "user,amount,note\rann,1,x\r\rben,2,x\r".into(),
        "User,AMOUNT,Note,,\nann\u{a0},1,x,,\nben,2,\"x\",,\n,,,,\n".into(),
        utf16("user\tamount\tnote\r\nann\t1\tx\r\nben\t2\tx\r\n"),
        format!("\u{feff}{}", "user|amount|note\nann|1|x\nben|2|x").into_bytes(),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = import(world, MILES, &file, "--json").json();
        assert_eq!(answer["applied"], 2, "{number}: {}", String::from_utf8_lossy(&file));
    }
    assert_eq!(world.query(r#"SELECT "miles" FROM "users" ORDER BY "userId""#), "7\n14");
    assert_eq!(world.query(r#"SELECT DISTINCT "note" FROM "milesTransactions""#), "x");
    let answer =
        import(world, USERS, utf16("userId;username;displayName;\r\n3;cyd;\"C; \"\"d\"\"\";\r\n"), "--json").json();
    assert_eq!(answer["added"], 1);
    assert_eq!(world.query(r#"SELECT "displayName" FROM "users" WHERE "userId" = '3'"#), "C; \"d\"");
    let answer = import(world, MANIFEST, "sep=;\ruserId;miles\r1;5\r;\r3;5\r", "--json").json();
    assert_eq!(answer["boarded"], 2);
    assert_eq!(world.run("miles audit -o json").json(), serde_json::json!([]));
}

#[both(ready)]
fn lines_are_counted_alike_in_messages_and_in_the_rejects_file(world: &mut World) {
    furnish(world);
    for (end, name) in [("\r", "cr"), ("\n", "lf"), ("\r\n", "crlf")] {
        let file = ["user,amount,note", "ann,5,\"a", "b\"", "", "nobody,5,", "ben,x,"].join(end);
        std::fs::write(world.work().join(name), &file).unwrap();
        let refused = world.run(format!("miles import {name}")).exits(5);
        for told in ["line 5: no user \"nobody\"", "line 6: amount \"x\""] {
            assert!(refused.stderr.contains(told), "{name}: {refused}");
        }
        world.run(format!("miles import {name} --keep-going --note n{name}")).exits(10);
        let rejects = std::fs::read_to_string(world.work().join(format!("{name}.rejects.csv"))).unwrap();
        let lines: Vec<&str> = rejects.lines().map(|line| line.split(',').nth(4).unwrap()).collect();
        assert_eq!(lines, ["line", "5", "6"], "{name}: {rejects}");
    }
}

#[both(ready)]
fn files_that_mean_nothing_certain_are_refused_with_the_reason(world: &mut World) {
    furnish(world);
    let before = state(world);
    for (file, told) in [
        (&b"user,amount,Colour,Shoe size\n1,5,red,9\n"[..], "--ignore-column Colour --ignore-column 'Shoe size'"),
        (b"{\"user\":1,\"amount\":5,\"Colour\":1}\n", "--ignore-column Colour"),
        (b"user;amount,note\n1;5,x\n", "parts columns by"),
        (b"user,amount,USER\n1,5,2\n", "is there twice"),
        (b"user,amount\n1,5\0\n", "NUL byte"),
        (b"u\0s\0e\0r\0,\0", "UTF-16 without a byte order mark"),
        (b"user,amount,note\n1,5,Jos\xe9\n", "Windows-1252"),
        (b"PK\x03\x04\x14\0\x06\0", "workbook"),
        (b"[{\"user\":1,\"amount\":5}]", "JSON array"),
        (b"{\n\"user\":1,\n\"amount\":5}", "several lines"),
        (b"sep=x\nuser,amount\n", "after sep="),
        (b"\xef\xbb\xbf", "it is empty"),
    ] {
        let refused = import(world, MILES, file, "--keep-going").exits(2);
        assert!(refused.stderr.contains(told), "{}: {refused}", String::from_utf8_lossy(file));
    }
    assert_eq!(state(world), before);
    let answer = import(world, MILES, "user,amount,Colour\n1,5,red\n", "--ignore-column colour --json").json();
    assert_eq!(answer["applied"], 1);
    let empty = import(world, MILES, "user,amount\n", "--json").ok();
    assert!(empty.stderr.contains("a header and no rows"), "{empty}");
}

#[both(ready)]
fn cells_of_an_uncertain_form_are_named_with_the_form(world: &mut World) {
    furnish(world);
    let before = state(world);
    for (row, told) in [
        ("7.74307E+09,5", "user \"7.74307E+09\" is not accepted: @name, userId or username; a spreadsheet shortened"),
        ("'1,5", "an apostrophe"),
        ("+1,5", "a plus sign"),
        ("１,5", "not 0 to 9"),
        ("\"1,000\",5", "a point or a comma"),
        ("1,500.0", "amount \"500.0\" is not accepted"),
        ("1,1.000", "a point or a comma may part thousands or a fraction"),
        ("1,\"5,755\"", "amount \"5,755\" is not accepted"),
        ("1,1\u{a0}000", "something parts its digits"),
        ("1,(500)", "in brackets"),
        ("1,\u{2212}5", "its minus is a dash"),
        ("1,５", "not 0 to 9"),
    ] {
        let refused = import(world, MILES, format!("user,amount\n2,7\n{row}\n"), "").exits(2);
        assert!(refused.stderr.contains("line 3: ") && refused.stderr.contains(told), "{row}: {refused}");
    }
    for (row, told) in
        [("7.74307E+09,5", "userId \"7.74307E+09\": a spreadsheet shortened"), ("1,5.0", "a point or a comma")]
    {
        let refused = import(world, MANIFEST, format!("userId,miles\n{row}\n"), "--create-missing").exits(2);
        assert!(refused.stderr.contains("line 2: ") && refused.stderr.contains(told), "{row}: {refused}");
    }
    let refused = import(world, USERS, "userId,username\n7.74307E+09,cyd\n", "").exits(2);
    assert!(refused.stderr.contains("a spreadsheet shortened"), "{refused}");
    let refused = import(world, MILES, "{\"user\":\"ann\",\"amount\":500.0}\n", "").exits(2);
    assert!(refused.stderr.contains("line 1: amount 500.0 is a number with a fraction"), "{refused}");
    let refused = import(world, MILES, "{\"user\":\"ann\",\"amount\":5,\"amount\":6}\n", "").exits(2);
    assert!(refused.stderr.contains("amount is there twice"), "{refused}");
    assert_eq!(state(world), before);
}

#[both(ready)]
fn an_id_and_a_name_of_two_users_pay_neither(world: &mut World) {
    furnish(world);
    let before = state(world);
    for flags in ["", "--create-missing"] {
        let refused = import(world, MANIFEST, "userId,username,miles\n1,BEN,5\n", flags).exits(2);
        let told = "line 2: 1 is invalid: userId 1 is ann, and the name ben belongs to userId 2";
        assert!(refused.stderr.contains(told), "{refused}");
    }
    assert_eq!(state(world), before);
    // A name that is nobody's by now is an old one.
    import(world, MANIFEST, "userId,username,miles\n1,once_ann,5\n2,Ben,5\n", "").ok();
    assert_eq!(world.query(r#"SELECT sum("miles") FROM "users""#), "10");
}

#[both(ready)]
fn accounts_that_are_made_show_the_name_of_the_file(world: &mut World) {
    furnish(world);
    let file = "userId,username,displayName,miles\n7,cyd,\"Cyd, the 2nd\",5\n8,dan,,5\n1,ann,Other,5\n";
    import(world, MANIFEST, file, "--create-missing").ok();
    let shown = world.query(r#"SELECT "displayName" FROM "users" WHERE "userId" IN ('1', '7', '8') ORDER BY "userId""#);
    assert_eq!(shown, "Ann\nCyd, the 2nd\ndan");
    let wrong = import(
        world,
        MANIFEST,
        "{\"userId\":9,\"username\":\"eve\",\"displayName\":\"\\u0000\",\"miles\":5}",
        "--create-missing",
    );
    assert!(wrong.exits(2).stderr.contains("displayName"));
}
