//! The text of PostgreSQL's one-dimensional arrays (manual, 8.15.6), taken apart and put together as the server does.

/// The elements, NULL as `None`; none for another text, for several dimensions, and for a first place other than 1.
pub(crate) fn split(text: &str) -> Option<Vec<Option<String>>> {
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    if rest.is_empty() {
        return Some(elements);
    }
    loop {
        let mut element = String::new();
        let quoted = rest.strip_prefix('"');
        let mut letters = quoted.unwrap_or(rest).char_indices();
        let end = loop {
            match letters.next() {
                None if quoted.is_none() => break rest.len(),
                None => return None,
                Some((at, '"')) if quoted.is_some() => break at + 2,
                Some((at, ',')) if quoted.is_none() => break at,
                Some((_, '"' | '{' | '}')) if quoted.is_none() => return None,
                Some((_, '\\')) => element.push(letters.next()?.1),
                Some((_, letter)) => element.push(letter),
            }
        };
        elements.push(if quoted.is_none() && element == "NULL" { None } else { Some(element) });
        match rest[end..].strip_prefix(',') {
            Some(more) => rest = more,
            None => return rest[end..].is_empty().then_some(elements),
        }
    }
}

/// The text as PostgreSQL writes it: in quotes only what needs them.
pub(crate) fn join<'a>(elements: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut text = String::from("{");
    for (place, element) in elements.enumerate() {
        if place > 0 {
            text.push(',');
        }
        match element {
            None => text.push_str("NULL"),
            Some(element) if needs_quotes(element) => {
                text.push('"');
                for letter in element.chars() {
                    if matches!(letter, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(letter);
                }
                text.push('"');
            }
            Some(element) => text.push_str(element),
        }
    }
    text.push('}');
    text
}

fn needs_quotes(element: &str) -> bool {
    let special = |byte: u8| matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',' | b' ' | b'\t'..=b'\r');
    element.is_empty() || element.eq_ignore_ascii_case("NULL") || element.bytes().any(special)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts are what PostgreSQL 15 and 18 answer.
    #[test]
    fn texts_of_postgres_come_back() {
        for text in [
            "{}",
            "{1,-2,NULL}",
            r#"{a,"b \"c\", \\d",NULL,"NULL","","null"," ","}","{"}"#,
            "{\"a\tb\",\"a\nb\",\"a\u{b}b\",é,\u{2003},'}",
        ] {
            let elements = split(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(join(elements.iter().map(Option::as_deref)), text);
        }
        assert_eq!(split(r#"{a,"NULL",NULL}"#).unwrap(), [Some("a".into()), Some("NULL".into()), None]);
        for text in ["", "{", "}", "{{1},{2}}", "[0:1]={1,2}", "{\"a}", "{\"a\"b}", "{a\\", "{a\\}", "{a\"b}"] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_list_comes_back(elements: Vec<Option<String>>) {
            let text = join(elements.iter().map(Option::as_deref));
            proptest::prop_assert_eq!(split(&text), Some(elements));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            split(&text);
        }
    }
}
