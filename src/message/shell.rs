//! Commands in answers: what stands in the database, or was typed, put so that a line can be pasted into a shell and
//! runs nothing but what it says.

use chrono::DateTime;
use chrono_tz::Tz;

use crate::directory::input::is_unseen;

/// One word as a shell takes it: sh, bash, zsh and fish read it as this text and nothing else.
///
/// Control characters, and marks that hide or turn text, are told by `$'…'`; a shell that does not know that form takes
/// the escapes for the text, and runs nothing either.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    // zsh takes a leading = for a command to be looked up.
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('=') {
        return text.to_owned();
    }
    let unseen = text.chars().any(is_unseen);
    let mut quoted = String::from(if unseen { "$'" } else { "'" });
    for character in text.chars() {
        match character {
            // Never a quote or a backslash of its own inside: a shell that ends the quotes elsewhere would run the rest.
            '\'' if unseen => quoted.push_str("\\x27"),
            '\\' if unseen => quoted.push_str("\\x5c"),
            // Out of the quotes and in again. In fish a backslash escapes inside of single quotes too.
            '\'' => quoted.push_str(r#"'"'"'"#),
            '\\' => quoted.push_str(r#"'"\\"'"#),
            // At its full length, so that a digit after it is not taken for a part of it.
            seen if is_unseen(seen) => quoted.push_str(&format!("\\U{:08x}", u32::from(seen))),
            seen => quoted.push(seen),
        }
    }
    quoted.push('\'');
    quoted
}

/// A flag with its value: `--confirm pilot123`, and `--confirm=-rf` where the value would read as a flag.
pub fn flag(name: &str, value: &str) -> String {
    format!("{name}{}{}", if value.starts_with('-') { '=' } else { ' ' }, word(value))
}

/// The last argument of a command, also where it reads as a flag.
pub fn last(text: &str) -> String {
    if text.starts_with('-') { format!("-- {}", word(text)) } else { word(text) }
}

/// A user's name as a reference: with `@` where it would read as an id or a flag.
pub fn user(username: &str) -> String {
    let bare = username.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        && !username.chars().all(|c| c.is_ascii_digit());
    if bare { word(username) } else { word(&format!("@{username}")) }
}

/// An account as a reference: by `userId` where that is read as one, which also holds when it is renamed; else by name.
pub fn account(user_id: &str, username: &str) -> String {
    let is_read = !user_id.is_empty() && user_id.chars().all(|c| c.is_ascii_digit());
    if is_read { user_id.to_owned() } else { word(&format!("@{username}")) }
}

/// A file, also where its name reads as a flag. `-` stays standard input.
pub fn file(path: &str) -> String {
    if path.starts_with('-') && path.len() > 1 { word(&format!("./{path}")) } else { word(path) }
}

/// A text in which every command of skyteam says which database it means: `flags` as given to this run, such as
/// `-p prod`. Where they are none, or a command names a database itself, it stays as it is.
pub fn on(text: &str, flags: &str) -> String {
    const NOUNS: [&str; 7] = ["db", "user", "airline", "brand", "flight", "product", "miles"];
    if flags.is_empty() || text.contains("--database-url") {
        return text.to_owned();
    }
    let mut parts = text.split("skyteam ");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let noun = part.split(' ').next().unwrap_or_default();
        let starts = shown.is_empty() || shown.ends_with([' ', ':', '(']);
        shown.push_str("skyteam ");
        if starts && NOUNS.contains(&noun) {
            shown.push_str(flags);
            shown.push(' ');
        }
        shown.push_str(part);
    }
    shown
}

/// A text in which instants, as messages have them, are times of a zone, as tables show them. What stands in quotes is
/// somebody's word and left alone.
pub fn local_times(text: &str, zone: Tz) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, 'T' | 'Z' | ':' | '.' | '-');
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        shown.push_str(before);
        let run = from.find(|c| !is_part(c)).unwrap_or(from.len());
        let end = from[..run].rfind('Z').map_or(run, |last| last + 1);
        let (word, after) = from.split_at(end);
        let quoted = shown.ends_with(|c: char| c == '"' || c.is_alphanumeric());
        match DateTime::parse_from_rfc3339(word) {
            Ok(at) if !quoted && word.ends_with('Z') => {
                shown.push_str(&at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string());
            }
            _ => shown.push_str(word),
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const HOSTILE: [&str; 14] = [
        "",
        "pilot",
        "my db",
        "x; echo pwned",
        "$(echo pwned)",
        "`echo pwned`",
        "a'b; echo pwned; '",
        r"\'; echo pwned; '\",
        "!!",
        "~",
        "=ls",
        "{a,b}*?[c]",
        "\"; echo pwned; \"",
        "✈ 대한항공 #",
    ];

    fn read_by(shell: &str, word: &str) -> String {
        let output = Command::new(shell).args(["-c", &format!("printf '[%s]' {word}")]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_word_is_read_as_the_text_it_was_made_of() {
        for text in HOSTILE {
            for shell in ["sh", "bash"] {
                assert_eq!(read_by(shell, &word(text)), format!("[{text}]"), "{shell}: {}", word(text));
            }
        }
        for text in ["a\nb", "\u{1b}[2J1", "\u{9b}2J'; echo pwned; '", "\u{202e}\\'; echo pwned #"] {
            assert!(!word(text).chars().any(char::is_control), "{}", word(text));
            let mut bash = Command::new("bash");
            bash.env("LC_ALL", "C.UTF-8").args(["-c", &format!("printf '[%s]' {}", word(text))]);
            assert_eq!(String::from_utf8(bash.output().unwrap().stdout).unwrap(), format!("[{text}]"));
            // A plain sh may not know the escapes: it takes them for the text, in one word still, and runs nothing.
            let read = read_by("sh", &word(text));
            assert!(read.starts_with('[') && read.ends_with(']') && !read.contains("]["), "{read}");
        }
    }

    #[test]
    fn commands_name_the_database_of_the_run() {
        for (text, shown) in [
            ("skyteam db push    makes it", "skyteam -p prod db push    makes it"),
            ("Next: skyteam db push", "Next: skyteam -p prod db push"),
            (
                "skyteam miles reverse 1 && skyteam miles award 2",
                "skyteam -p prod miles reverse 1 && skyteam -p prod miles award 2",
            ),
            ("use the skyteam that applied it", "use the skyteam that applied it"),
            ("skyteam db seed --database-url sqlite:demo.db", "skyteam db seed --database-url sqlite:demo.db"),
            ("add --yes", "add --yes"),
        ] {
            assert_eq!(on(text, "-p prod"), shown);
            assert_eq!(on(text, ""), text);
        }
    }

    #[test]
    fn instants_in_messages_are_told_as_tables_tell_them() {
        let zone = Tz::Europe__Paris;
        for (message, shown) in [
            ("it has ended at 2026-11-26T08:39:36.304792Z", "it has ended at 2026-11-26 09:39:36"),
            ("from 2026-07-01T00:00:00Z: 2 of 3", "from 2026-07-01 02:00:00: 2 of 3"),
            ("at \"2026-07-01T00:00:00Z\"", "at \"2026-07-01T00:00:00Z\""),
            ("2026-07-01T00:00:00+02:00 or 1.5 s", "2026-07-01T00:00:00+02:00 or 1.5 s"),
            ("pilot12 has 640, on 2026-07-01", "pilot12 has 640, on 2026-07-01"),
        ] {
            assert_eq!(local_times(message, zone), shown);
        }
    }

    #[test]
    fn values_that_read_as_flags_are_kept_values() {
        assert_eq!(flag("--confirm", "skyteam"), "--confirm skyteam");
        assert_eq!(flag("--confirm", "-rf"), "--confirm=-rf");
        assert_eq!(flag("--confirm", "my db"), "--confirm 'my db'");
        assert_eq!((last("a1b2c3"), last("-x")), ("a1b2c3".into(), "-- -x".into()));
        assert_eq!((file("-"), file("-x"), file("a b")), ("-".into(), "./-x".into(), "'a b'".into()));
        for (name, shown) in [("pilot123", "pilot123"), ("12", "@12"), ("-rf", "@-rf"), ("@x", "@@x"), ("a b", "'a b'")]
        {
            assert_eq!(user(name), shown);
        }
        assert_eq!((account("5000000", "1"), account("x", "a b")), ("5000000".into(), "'@a b'".into()));
    }
}
