//! Quoting for a shell, so that a line can be pasted and runs nothing but what it says.

use crate::input::is_unseen;

/// One word as a shell takes it: sh, bash, zsh and fish read it as this text and nothing else.
///
/// Control characters, and marks that hide or turn text, are written as `$'…'`; a shell that does not know that form takes
/// the escapes for the text, and runs nothing either.
pub(super) fn word(text: &str) -> String {
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
pub(super) fn flag(name: &str, value: &str) -> String {
    format!("{name}{}{}", if value.starts_with('-') { '=' } else { ' ' }, word(value))
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
}
