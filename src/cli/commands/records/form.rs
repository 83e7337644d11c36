//! Forms of numbers that spreadsheets and people write, and that no id and no amount is read from: each is named in the
//! refusal, because a point or a comma means thousands to one person and a fraction to another.

/// What keeps `text`, which was to be a whole number, from being one; `None` where no form is known.
pub(crate) fn of_number(text: &str) -> Option<&'static str> {
    if !text.contains(|c: char| c.is_numeric()) {
        return None;
    }
    if is_exponent(text) {
        return Some(
            "a spreadsheet shortened the number: format the column as text, or as a number without decimals, and save \
             again",
        );
    }
    let exponent = text.split_once(['e', 'E']).is_some_and(|(mantissa, exponent)| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits(mantissa) && digits(exponent)
    });
    if exponent {
        return Some("it has an exponent: write digits alone");
    }
    let first = text.chars().next()?;
    match first {
        '\'' | '\u{2019}' => return Some("an apostrophe is before it, a spreadsheet's mark of text"),
        '+' => return Some("a plus sign is before it"),
        '\u{2212}' | '\u{2013}' | '\u{2014}' => return Some("its minus is a dash: write - instead"),
        '(' => return Some("in brackets: write a negative number with -"),
        _ => {}
    }
    if text.chars().any(|c| c.is_numeric() && !c.is_ascii_digit()) {
        return Some("its digits are not 0 to 9");
    }
    if text.contains(['.', ',']) {
        return Some("a point or a comma may part thousands or a fraction: write digits alone");
    }
    if text.contains(|c: char| c.is_whitespace() || matches!(c, '\'' | '_' | '\u{2019}')) {
        return Some("something parts its digits: write digits alone");
    }
    None
}

/// What keeps `text` from being an id where it looks like a number and not like a name.
pub(crate) fn of_id(text: &str) -> Option<&'static str> {
    let like_a_number = |c: char| {
        c.is_numeric() || c.is_whitespace() || matches!(c, '.' | ',' | '\'' | '\u{2019}' | '+' | '-' | '\u{2212}')
    };
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain || !is_exponent(text) && !text.chars().all(like_a_number) { None } else { of_number(text) }
}

/// `7.74307E+09` and its kind; not `7E10`, which may be a name.
fn is_exponent(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let mantissa = mantissa.trim_start_matches(['-', '+']);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parted = mantissa.contains(['.', ',']) || exponent.starts_with(['+', '-']);
    parted
        && digits(exponent.trim_start_matches(['-', '+']))
        && mantissa.split(['.', ',']).all(digits)
        && mantissa.split(['.', ',']).count() <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_spreadsheets_and_people_are_named() {
        for (text, word) in [
            ("7.74307E+09", "shortened"),
            ("7,74307E+09", "shortened"),
            ("8E+12", "shortened"),
            ("5e2", "exponent"),
            ("500.0", "point or a comma"),
            ("1.000", "point or a comma"),
            ("5,755", "point or a comma"),
            ("1\u{a0}000", "parts its digits"),
            ("1 000", "parts its digits"),
            ("1'000", "parts its digits"),
            ("'500", "apostrophe"),
            ("+500", "plus"),
            ("\u{2212}500", "dash"),
            ("(500)", "brackets"),
            ("５００", "not 0 to 9"),
            ("٣", "not 0 to 9"),
        ] {
            assert!(of_number(text).unwrap_or_default().contains(word), "{text}");
        }
        assert_eq!(
            (of_number(""), of_number("abc"), of_number("99999999999"), of_number("--1")),
            (None, None, None, None)
        );
        for id in ["7.74307E+09", "7743070000.0", "7,743,070,000", "'107919", "+107919", "１２３"] {
            assert!(of_id(id).is_some(), "{id}");
        }
        for name in ["107919", "7E10", "pilot123", "@pilot", "o'neil 2", "", "has\"quote,and comma", "ann.bob"] {
            assert!(of_id(name).is_none(), "{name}");
        }
    }
}
