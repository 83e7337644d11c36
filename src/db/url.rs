//! Database URLs, parsed once and redacted in their type.
//!
//! Accepted: `postgres://` and `postgresql://` with libpq's query parameters, and `sqlite:PATH`, `sqlite://PATH`,
//! `sqlite::memory:`. What the URL leaves silent is filled in from libpq's environment by [`super::libpq`].

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::Engine;
use crate::system;

/// What needs no percent-encoding in a part of a URL.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// And in the path of a file.
const PATH: &AsciiSet = &PART.remove(b'/').remove(b':');

/// And in an address of IPv6.
const ADDRESS: &AsciiSet = &PART.remove(b':');

/// A text that is never shown: Debug and Display answer `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, to hand it to a driver or a child's environment. Never to a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a database is, as its URL says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A PostgreSQL server.
    Postgres(PostgresUrl),
    /// An SQLite file.
    Sqlite(SqliteUrl),
}

/// What a `postgres://` URL says; absent parts come from libpq's environment, then libpq's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostgresUrl {
    /// Host name, address, or the folder of a Unix socket (starts with `/`).
    pub host: Option<String>,
    /// TCP port, or the number in the socket's name.
    pub port: Option<u16>,
    /// Role to connect as.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Database name.
    pub database: Option<String>,
    /// Query parameters, decoded, in order, under libpq's names.
    pub parameters: Vec<(String, String)>,
    /// A password file that was not read because others than its owner can read it; the reason to give should the
    /// login fail.
    pub ignored_passfile: Option<PathBuf>,
}

impl PostgresUrl {
    /// The value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The role to connect as: libpq's default is the operating system's user.
    pub(crate) fn user_or_default(&self) -> String {
        self.user.clone().or_else(|| whoami::username().ok()).unwrap_or_default()
    }

    /// Where to connect: where the URL is silent, the folder of the server's socket, else this machine by TCP.
    pub(crate) fn host_or_default(&self) -> String {
        let socket = format!(".s.PGSQL.{}", self.port_or_default());
        let here = || Some(system::POSTGRES_SOCKETS).filter(|folder| Path::new(folder).join(&socket).exists());
        let address = self.parameter("hostaddr");
        self.host.clone().unwrap_or_else(|| address.or_else(here).unwrap_or("localhost").to_owned())
    }

    /// What is connected to: the host, unless libpq's `hostaddr` names an address in its place.
    pub(super) fn address(&self) -> String {
        self.parameter("hostaddr").map_or_else(|| self.host_or_default(), str::to_owned)
    }

    /// The port: libpq's default is 5432.
    pub(crate) fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(5432)
    }

    /// Takes a query parameter out.
    pub(super) fn take_parameter(&mut self, name: &str) -> Option<String> {
        let at = self.parameters.iter().position(|(key, _)| key == name)?;
        Some(self.parameters.remove(at).1)
    }

    /// Sets what is not set yet.
    ///
    /// # Errors
    /// What is accepted in place of this value.
    pub(super) fn fill(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match name {
            "host" if self.host.is_none() => {
                if value.contains(',') {
                    return Err("one host");
                }
                self.host = Some(value.into());
            }
            "hostaddr" if self.parameter(name).is_none() => {
                value.parse::<IpAddr>().map_err(|_| "one address")?;
                self.parameters.push((name.into(), value.into()));
            }
            "port" if self.port.is_none() => {
                let port = value.parse().ok().filter(|port| *port > 0);
                self.port = Some(port.ok_or("a number from 1 to 65535")?);
            }
            "user" if self.user.is_none() => self.user = Some(value.into()),
            "password" if self.password.is_none() => self.password = Some(Secret::new(value)),
            "dbname" if self.database.is_none() => self.database = Some(value.into()),
            "host" | "port" | "user" | "password" | "dbname" => {}
            _ if self.parameter(name).is_some() => {}
            _ => self.parameters.push((name.into(), value.into())),
        }
        Ok(())
    }
}

/// What a `sqlite:` URL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteUrl {
    /// The file; `:memory:` for a database that ends with the process.
    pub path: PathBuf,
    /// Query parameters, decoded, in order.
    pub parameters: Vec<(String, String)>,
}

impl SqliteUrl {
    /// Whether the database lives in memory only.
    pub(crate) fn in_memory(&self) -> bool {
        self.path.as_os_str() == ":memory:"
    }
}

/// Why a text is no database URL. Never repeats the text, which may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UrlError {
    /// The scheme is none of ours.
    #[error("the scheme is {0:?}, not postgres://, postgresql:// or sqlite:")]
    Scheme(String),
    /// No scheme at all.
    #[error("it has no scheme: it must start with postgres://, postgresql:// or sqlite:")]
    NoScheme,
    /// The part after the host is no port: a wrong number, or a password with a character that ends it.
    #[error("the port is no number from 1 to 65535; a password with / ? # or @ must be percent-encoded")]
    Port,
    /// Not of a URL's form.
    #[error("{0}")]
    Malformed(String),
}

impl DatabaseUrl {
    /// Parses a URL.
    ///
    /// # Errors
    /// [`UrlError`], which names the part that is wrong and never repeats the text.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("sqlite:") {
            return parse_sqlite(rest).map(Self::Sqlite);
        }
        match text.split_once("://") {
            Some(("postgres" | "postgresql", rest)) => parse_postgres(rest).map(Self::Postgres),
            Some((scheme, _))
                if scheme.len() <= 16 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+') =>
            {
                Err(UrlError::Scheme(scheme.to_owned()))
            }
            _ => Err(UrlError::NoScheme),
        }
    }

    /// A URL for the SQLite file at `path`.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::Sqlite(SqliteUrl { path: path.into(), parameters: Vec::new() })
    }

    /// The same, with a relative path of an SQLite file taken from `folder`.
    #[must_use]
    pub(crate) fn below(&self, folder: &Path) -> Self {
        match self {
            Self::Sqlite(url) if !url.in_memory() => {
                Self::Sqlite(SqliteUrl { path: folder.join(&url.path), parameters: url.parameters.clone() })
            }
            other => other.clone(),
        }
    }

    /// Whether the server decides if what is sent to it is encrypted. Not where the URL says `sslmode=disable`: then it
    /// was asked for.
    pub(crate) fn may_go_unencrypted(&self) -> bool {
        match self {
            Self::Postgres(place) => {
                let system = place.parameter("sslrootcert") == Some("system");
                matches!(place.parameter("sslmode"), None | Some("prefer" | "allow")) && !system
            }
            Self::Sqlite(_) => false,
        }
    }

    /// The engine that serves it.
    pub fn engine(&self) -> Engine {
        match self {
            Self::Postgres(_) => Engine::Postgres,
            Self::Sqlite(_) => Engine::Sqlite,
        }
    }
}

impl DatabaseUrl {
    /// The URL as it can be typed again, without its password and any other secret parameter.
    pub(crate) fn without_password(&self) -> String {
        let part = |text: &str| utf8_percent_encode(text, PART).to_string();
        let parameters = |all: &[(String, String)]| {
            let shown = all.iter().filter(|(key, _)| !key.contains("password"));
            shown.map(|(key, value)| (part(key), part(value))).collect()
        };
        let bare = match self {
            Self::Sqlite(url) => {
                let path = utf8_percent_encode(&url.path.to_string_lossy(), PATH).to_string();
                // Of two slashes that begin a path the URL would take one for its own.
                let path = if path.starts_with("//") { format!("//{path}") } else { path };
                Self::Sqlite(SqliteUrl { path: path.into(), parameters: parameters(&url.parameters) })
            }
            Self::Postgres(url) => Self::Postgres(PostgresUrl {
                user: url.user.as_deref().map(part),
                password: None,
                database: url.database.as_deref().map(part),
                parameters: parameters(&url.parameters),
                ..url.clone()
            }),
        };
        bare.to_string()
    }
}

/// The URL with its password, and any other secret parameter, as `***`.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(url) => {
                write!(f, "sqlite:{}", url.path.display())?;
                write_parameters(f, &url.parameters)
            }
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// As for [`DatabaseUrl`].
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if self.password.is_some() {
                f.write_str(":***")?;
            }
            f.write_str("@")?;
        }
        if let Some(host) = &self.host {
            if host.contains(':') && !host.starts_with('/') {
                write!(f, "[{}]", utf8_percent_encode(host, ADDRESS))?;
            } else {
                write!(f, "{}", utf8_percent_encode(host, PART))?;
            }
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        if let Some(database) = &self.database {
            write!(f, "/{database}")?;
        }
        write_parameters(f, &self.parameters)
    }
}

fn write_parameters(f: &mut fmt::Formatter<'_>, parameters: &[(String, String)]) -> fmt::Result {
    for (index, (key, value)) in parameters.iter().enumerate() {
        let shown = if key.contains("password") { "***" } else { value };
        write!(f, "{}{key}={shown}", if index == 0 { '?' } else { '&' })?;
    }
    Ok(())
}

fn parse_sqlite(rest: &str) -> Result<SqliteUrl, UrlError> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = decode(path, "the path")?;
    if path.is_empty() {
        return Err(UrlError::Malformed("it names no file: sqlite:/path/to/file.db".into()));
    }
    Ok(SqliteUrl { path: path.into(), parameters: parse_parameters(query)? })
}

fn parse_postgres(rest: &str) -> Result<PostgresUrl, UrlError> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    // The last @: a password pasted unencoded may hold one itself.
    let (login, location) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
    let (host, port) = split_host(location)?;
    let port = match port {
        "" => None,
        digits => Some(digits.parse::<u16>().ok().filter(|port| *port > 0).ok_or(UrlError::Port)?),
    };
    let mut url = PostgresUrl {
        host: some(decode(host, "the host")?),
        port,
        user: some(decode(user, "the user")?),
        password: password.map(|text| decode(text, "the password")).transpose()?.and_then(some).map(Secret::new),
        database: some(decode(database, "the database")?),
        parameters: Vec::new(),
        ignored_passfile: None,
    };
    for (key, value) in parse_parameters(query)? {
        match key.as_str() {
            // libpq lets parameters override the URL's own places.
            "host" => url.host = some(split_host(&value).map(|_| value.clone())?),
            "hostaddr" => {
                let one = value.parse::<IpAddr>();
                one.map_err(|_| UrlError::Malformed("the parameter hostaddr is not one address".into()))?;
                url.parameters.push((key, value));
            }
            "port" => {
                let port = value.parse().ok().filter(|port| *port > 0);
                let wrong = || UrlError::Malformed("the parameter port is no number from 1 to 65535".into());
                url.port = Some(port.ok_or_else(wrong)?);
            }
            "user" => url.user = some(value),
            "password" => url.password = some(value).map(Secret::new),
            "dbname" => url.database = some(value),
            // Other drivers' names for libpq's parameters.
            "ssl-mode" => url.parameters.push(("sslmode".into(), value)),
            "ssl-root-cert" | "ssl-ca" => url.parameters.push(("sslrootcert".into(), value)),
            "ssl-cert" => url.parameters.push(("sslcert".into(), value)),
            "ssl-key" => url.parameters.push(("sslkey".into(), value)),
            _ => url.parameters.push((key, value)),
        }
    }
    Ok(url)
}

fn split_host(location: &str) -> Result<(&str, &str), UrlError> {
    if let Some(rest) = location.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(|| UrlError::Malformed("the host's [ has no ]".into()))?;
        return Ok((host, rest.strip_prefix(':').unwrap_or(rest)));
    }
    if location.contains(',') {
        return Err(UrlError::Malformed(
            "several hosts in one URL are not supported: put a pooler or proxy in front".into(),
        ));
    }
    Ok(location.rsplit_once(':').unwrap_or((location, "")))
}

fn parse_parameters(query: &str) -> Result<Vec<(String, String)>, UrlError> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| UrlError::Malformed("a parameter after ? has no value: key=value".into()))?;
            Ok((decode(key, "a parameter")?, decode(value, "a parameter")?))
        })
        .collect()
}

fn decode(text: &str, what: &str) -> Result<String, UrlError> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| UrlError::Malformed(format!("{what} is not UTF-8 after percent-decoding")))
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(text: &str) -> PostgresUrl {
        match DatabaseUrl::parse(text) {
            Ok(DatabaseUrl::Postgres(url)) => url,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_its_password_a_url_can_be_typed_again() {
        for (text, again) in [
            (
                "postgres://o%40s:s3cr3t@db/my%20db?sslpassword=s3cr3t&sslmode=require",
                "postgres://o%40s@db/my%20db?sslmode=require",
            ),
            ("postgres:///skyteam?host=%2Frun%2Fpg", "postgres://%2Frun%2Fpg/skyteam"),
            ("sqlite:a%20b/c%3F.db?mode=ro", "sqlite:a%20b/c%3F.db?mode=ro"),
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(url.without_password(), again);
            let again = DatabaseUrl::parse(again).unwrap();
            assert_eq!(again.without_password(), url.without_password());
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = DatabaseUrl::parse("postgres://ops:s3cr3t@db.example.com:5432/skyteam?sslpassword=s3cr3t").unwrap();
        for shown in [url.to_string(), format!("{url:?}").replace("\"s3cr3t\"", "parameter")] {
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
        assert_eq!(url.to_string(), "postgres://ops:***@db.example.com:5432/skyteam?sslpassword=***");
    }

    #[test]
    fn parts_are_decoded_and_parameters_override() {
        let url = postgres("postgresql://o%40s:a%2Fb@[::1]:6432/sky?host=%2Frun%2Fpg&application_name=x");
        assert_eq!((url.user.as_deref(), url.host.as_deref(), url.port), (Some("o@s"), Some("/run/pg"), Some(6432)));
        assert_eq!(url.password, Some(Secret::new("a/b")));
        assert_eq!(url.parameters, [("application_name".into(), "x".into())]);
    }

    #[test]
    fn an_unencoded_at_sign_in_the_password_is_understood() {
        assert_eq!(postgres("postgres://ops:p@ss@host/db").password, Some(Secret::new("p@ss")));
    }

    #[test]
    fn what_is_no_url_is_refused_without_repeating_it() {
        for text in [
            "mysql://root:hunter2@x/y",
            "hunter2",
            "postgres://u:hunter2@h:port/x",
            "sqlite:",
            "host=x password=hunter2",
        ] {
            let error = DatabaseUrl::parse(text).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn sqlite_paths() {
        for text in ["sqlite:/tmp/a b.db", "sqlite:///tmp/a%20b.db"] {
            assert_eq!(DatabaseUrl::parse(text), Ok(DatabaseUrl::sqlite("/tmp/a b.db")), "{text}");
        }
    }
}
