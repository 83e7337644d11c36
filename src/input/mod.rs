//! What may be typed: one type for each kind of value, made only by parsing.
//!
//! A value of one of these types obeys its rule, so the operations that take them need not look again. What other programs
//! stored is read as plain text and kept even where it breaks these rules: the rules apply to input, not to stored data.
//! Times are read in [`crate::directory::instant`]; finding the row that a word means is [`crate::directory::reference`].

pub mod reference;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// How much of a refused value an answer repeats, in characters.
const SHOWN: usize = 60;

/// The largest text that is taken in one piece, in bytes. Far above what any field needs, and below what makes a row unreadable.
pub(crate) const TEXT_MAX: usize = 4 * 1024 * 1024;

/// A value that breaks the rule of its field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {} is not accepted: {accepted}", self.shown())]
pub struct InputError {
    /// The field, as its column is called.
    pub field: &'static str,
    /// What was given, at most its first 60 characters.
    pub value: String,
    /// What would have been accepted.
    pub accepted: Cow<'static, str>,
}

impl InputError {
    /// The refusal of `value` for `field`.
    #[must_use]
    pub fn new(field: &'static str, value: &str, accepted: impl Into<Cow<'static, str>>) -> Self {
        let mut kept: String = value.chars().take(SHOWN).collect();
        if kept.len() < value.len() {
            kept.push('…');
        }
        Self { field, value: kept, accepted: accepted.into() }
    }

    /// The value as an answer repeats it.
    #[must_use]
    pub(crate) fn shown(&self) -> String {
        quoted(&self.value)
    }
}

/// A word of the user's as an answer repeats it: in quotes, at most its first 60 characters, with everything that a
/// terminal would act on escaped.
#[must_use]
pub(crate) fn quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars().take(SHOWN + 1) {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_unseen(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    if value.chars().nth(SHOWN + 1).is_some() {
        out.push('…');
    }
    out.push('"');
    out
}

/// What is not seen where it is shown, and acts: control characters, and marks that turn or hide text.
#[must_use]
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control() || is_format(c)
}

/// Marks that turn or hide text without showing: bidirectional controls, joiners, the byte order mark.
fn is_format(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A text type whose only way in is its rule.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $field:literal, $accepted:literal, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads one value.
            ///
            /// # Errors
            /// [`InputError`] where the value breaks the rule.
            pub fn parse(value: &str) -> Result<Self, InputError> {
                Self::parse_as($field, value)
            }

            /// Reads one value for a field of another name.
            ///
            /// # Errors
            /// [`InputError`], naming `field`, where the value breaks the rule.
            pub(crate) fn parse_as(field: &'static str, value: &str) -> Result<Self, InputError> {
                let parse: fn(&str) -> Option<String> = $parse;
                parse(value).map(Self).ok_or_else(|| InputError::new(field, value, $accepted))
            }

            /// The value as it is stored.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InputError;

            fn from_str(value: &str) -> Result<Self, InputError> {
                Self::parse(value)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

/// The text itself where `holds`.
fn when(holds: bool, value: &str) -> Option<String> {
    holds.then(|| value.to_owned())
}

fn digits(value: &str, max: usize) -> bool {
    (1..=max).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit())
}

fn letters(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_alphabetic())
}

fn slug(value: &str) -> Option<String> {
    let inside = value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    // A leading hyphen would read as a flag wherever the id is typed.
    when((1..=32).contains(&value.len()) && inside && !value.starts_with('-'), value)
}

/// Text that both engines can hold: PostgreSQL has no NUL.
fn storable(value: &str) -> bool {
    value.len() <= TEXT_MAX && !value.contains('\0')
}

text!(
    /// A ROBLOX user id.
    UserId, "userId", "1 to 20 digits",
    |v| when(digits(v, 20), v)
);

text!(
    /// A ROBLOX username.
    Username, "username", "3 to 20 letters and digits, with at most one underscore that is neither first nor last",
    |v| when(
        (3..=20).contains(&v.len())
            && v.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && v.bytes().filter(|&b| b == b'_').count() <= 1
            && !v.starts_with('_')
            && !v.ends_with('_'),
        v
    )
);

text!(
    /// The key of an airline.
    AirlineId, "airlineId", "1 to 32 lower-case letters, digits and hyphens, the first not a hyphen", slug
);

text!(
    /// The key of a brand.
    BrandId, "brandId", "1 to 32 lower-case letters, digits and hyphens, the first not a hyphen", slug
);

text!(
    /// An IATA airline code, in upper case.
    Iata, "iata", "2 letters or digits with at least one letter",
    |v| when(
        v.len() == 2 && v.bytes().all(|b| b.is_ascii_alphanumeric()) && v.bytes().any(|b| b.is_ascii_alphabetic()),
        v
    )
    .map(|v| v.to_ascii_uppercase())
);

text!(
    /// An ICAO airline code, in upper case.
    Icao, "icao", "3 letters",
    |v| when(v.len() == 3 && letters(v), v).map(|v| v.to_ascii_uppercase())
);

text!(
    /// What a controller calls an airline, in upper case.
    Callsign, "callsign", "1 to 40 letters, digits, single spaces, hyphens and apostrophes",
    |v| when(
        (1..=40).contains(&v.chars().count())
            && v.trim() == v
            && !v.contains("  ")
            && v.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\'')),
        v
    )
    .map(|v| v.to_uppercase())
);

text!(
    /// An airport, in upper case.
    Airport, "airport", "an IATA code of 3 letters or an ICAO code of 4",
    |v| when(matches!(v.len(), 3 | 4) && letters(v), v).map(|v| v.to_ascii_uppercase())
);

text!(
    /// A flight's code, in upper case. That it starts with a code of its brand is asked by [`FlightCode::starts_with`].
    FlightCode, "code", "a brand's IATA or ICAO code, 1 to 4 digits and an optional letter, as DL123 or KLM10A",
    |v| {
        let upper = v.to_ascii_uppercase();
        let fits = [2, 3].into_iter().any(|n| {
            let head = upper.get(..n);
            head.is_some_and(|h| Iata::parse(h).is_ok() || Icao::parse(h).is_ok())
                && upper.get(n..).is_some_and(flight_number)
        });
        fits.then_some(upper)
    }
);

/// 1 to 4 digits and an optional letter.
fn flight_number(value: &str) -> bool {
    let number = value.strip_suffix(|c: char| c.is_ascii_alphabetic()).unwrap_or(value);
    digits(number, 4)
}

impl FlightCode {
    /// Whether this is `code` (a brand's IATA or ICAO code, in any case) and a flight number.
    #[must_use]
    pub(crate) fn starts_with(&self, code: &str) -> bool {
        !code.is_empty()
            && self.0.get(..code.len()).is_some_and(|head| head.eq_ignore_ascii_case(code))
            && flight_number(&self.0[code.len()..])
    }
}

text!(
    /// A colour, in lower case.
    Colour, "colour", "#rrggbb",
    |v| when(
        v.len() == 7 && v.starts_with('#') && v.bytes().skip(1).all(|b| b.is_ascii_hexdigit()),
        v
    )
    .map(|v| v.to_ascii_lowercase())
);

text!(
    /// An address on the web, kept as it was written.
    WebUrl, "url", "an http:// or https:// URL",
    |v| {
        let visible = v.chars().all(|c| !c.is_whitespace() && !is_unseen(c));
        let web = v.len() <= 2048 && visible
            && url::Url::parse(v).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
        when(web, v)
    }
);

text!(
    /// The id of a Discord server.
    ServerId, "serverId", "1 to 20 digits",
    |v| when(digits(v, 20), v)
);

text!(
    /// The key of a product.
    ProductId, "productId", "6 characters of 0-9 and a-z",
    |v| when(v.len() == 6 && v.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), v)
);

text!(
    /// A name for people to read: of an airline, a brand, a product, or the one a player displays.
    Name, "name", "text with at least one visible character and no NUL, up to 4 MiB",
    |v| when(storable(v) && v.chars().any(|c| !c.is_whitespace() && !is_unseen(c)), v)
);

text!(
    /// Free text: a note, a description.
    Text, "text", "text without NUL, up to 4 MiB",
    |v| when(storable(v), v)
);

/// A number of miles that is moved or asked for, 1 to 2 147 483 647.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i32);

impl Amount {
    /// What is accepted, as an answer words it.
    pub(crate) const ACCEPTED: &'static str = "a whole number of miles, 1 to 2147483647";

    /// Reads one amount: digits only, so that neither a sign nor a unit is taken for something it is not.
    ///
    /// # Errors
    /// [`InputError`] for anything but 1 to 2 147 483 647.
    pub fn parse(value: &str) -> Result<Self, InputError> {
        Self::parse_as("amount", value)
    }

    /// Reads one amount for a field of another name.
    ///
    /// # Errors
    /// [`InputError`], naming `field`, for anything but 1 to 2 147 483 647.
    pub(crate) fn parse_as(field: &'static str, value: &str) -> Result<Self, InputError> {
        let plain = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        plain
            .then(|| value.parse().ok())
            .flatten()
            .and_then(|n| Self::new(n).ok())
            .ok_or_else(|| InputError::new(field, value, Self::ACCEPTED))
    }

    /// An amount from a number.
    ///
    /// # Errors
    /// [`InputError`] for anything but 1 to 2 147 483 647.
    pub fn new(value: i64) -> Result<Self, InputError> {
        i32::try_from(value)
            .ok()
            .filter(|n| *n > 0)
            .map(Self)
            .ok_or_else(|| InputError::new("amount", &value.to_string(), Self::ACCEPTED))
    }

    /// The number, always above zero.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl FromStr for Amount {
    type Err = InputError;

    fn from_str(value: &str) -> Result<Self, InputError> {
        Self::parse(value)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every field must survive without a panic and without letting a byte through that its rule forbids.
    const HOSTILE: &[&str] = &[
        "",
        " ",
        "'",
        "\"",
        "'; DROP TABLE users; --",
        "a\nb",
        "a\0b",
        "\u{202e}abc",
        "\u{feff}abc",
        "١٢٣",
        "１２３",
        "ｄｌ",
        "é",
        "👩‍✈️",
        "-1",
        "+1",
        "%00",
        "../../etc/passwd",
        "\u{1b}[2J",
    ];

    fn refuses<T, E>(parse: impl Fn(&str) -> Result<T, E>) {
        for value in HOSTILE {
            assert!(parse(value).is_err(), "{value:?} was accepted");
        }
        assert!(parse(&"a".repeat(1 << 20)).is_err(), "a megabyte was accepted");
    }

    #[test]
    fn hostile_values_are_refused_by_every_rule() {
        refuses(UserId::parse);
        refuses(Username::parse);
        refuses(AirlineId::parse);
        refuses(BrandId::parse);
        refuses(Iata::parse);
        refuses(Icao::parse);
        refuses(Airport::parse);
        refuses(FlightCode::parse);
        refuses(Colour::parse);
        refuses(WebUrl::parse);
        refuses(ServerId::parse);
        refuses(ProductId::parse);
        refuses(Amount::parse);
    }

    #[test]
    fn user_ids_are_one_to_twenty_digits() {
        assert_eq!(UserId::parse("1").unwrap().as_str(), "1");
        assert!(UserId::parse(&"9".repeat(20)).is_ok());
        assert!(UserId::parse(&"9".repeat(21)).is_err());
    }

    #[test]
    fn usernames_have_one_inner_underscore() {
        for ok in ["abc", "a_b", "12345", "Ada_Lovelace1", &"x".repeat(20)] {
            assert!(Username::parse(ok).is_ok(), "{ok}");
        }
        for bad in ["ab", "_ab", "ab_", "a_b_c", "a b", "a-b", &"x".repeat(21)] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn codes_are_stored_in_upper_case() {
        assert_eq!(Iata::parse("dl").unwrap().as_str(), "DL");
        assert_eq!(Iata::parse("9e").unwrap().as_str(), "9E");
        assert!(Iata::parse("99").is_err());
        assert_eq!(Icao::parse("klm").unwrap().as_str(), "KLM");
        assert!(Icao::parse("KL1").is_err());
        assert_eq!(Airport::parse("ams").unwrap().as_str(), "AMS");
        assert_eq!(Airport::parse("eham").unwrap().as_str(), "EHAM");
        assert_eq!(Callsign::parse("Air Hop").unwrap().as_str(), "AIR HOP");
        assert!(Callsign::parse("Air  Hop").is_err());
        assert!(Callsign::parse("Air\u{202e}Hop").is_err());
    }

    #[test]
    fn flight_codes_are_a_brand_code_and_a_number() {
        for ok in ["DL1", "dl1234", "9E12", "KLM10A", "A5103", "DL123z"] {
            assert!(FlightCode::parse(ok).is_ok(), "{ok}");
        }
        for bad in ["DL", "DL12345", "D1", "DL12AB", "1234", "12345", "DELTA1", "DL-1"] {
            assert!(FlightCode::parse(bad).is_err(), "{bad}");
        }
        let code = FlightCode::parse("a5103").unwrap();
        assert!(code.starts_with("A5"));
        assert!(!code.starts_with(""));
        assert!(FlightCode::parse("KLM10A").unwrap().starts_with("klm"));
        assert!(!FlightCode::parse("KLM10A").unwrap().starts_with("KL"));
    }

    #[test]
    fn amounts_fit_a_positive_integer_column() {
        assert_eq!(Amount::parse("2147483647").unwrap().get(), i32::MAX);
        for bad in ["0", "2147483648", "99999999999999999999", "1.5", "1,000", " 1", "0x10", "1e3"] {
            assert!(Amount::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn urls_are_of_the_web() {
        assert!(WebUrl::parse("https://tr.rbxcdn.com/x?y=1#z").is_ok());
        for bad in ["ftp://x.org", "javascript:alert(1)", "https://", "//x.org", "https://x.org/a b"] {
            assert!(WebUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_keep_what_they_are_given_in_full() {
        let odd = "Ada \"the\" O'Brien\n✈️ \u{202e}x";
        assert_eq!(Name::parse(odd).unwrap().as_str(), odd);
        for bad in ["", " \n ", "\u{200b}", "a\0"] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Text::parse("").is_ok());
    }

    #[test]
    fn a_refusal_names_the_field_the_value_and_the_form_and_no_more() {
        let error = Username::parse("a\u{1b}[2J").unwrap_err();
        assert_eq!(error.field, "username");
        assert_eq!(error.shown(), r#""a\u{1b}[2J""#);
        let long = UserId::parse(&"x".repeat(1 << 20)).unwrap_err();
        assert!(long.value.chars().count() <= SHOWN + 1);
        assert!(error.to_string().contains("3 to 20 letters"));
    }
}
