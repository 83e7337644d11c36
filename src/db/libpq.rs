//! What a PostgreSQL URL leaves silent, filled in as libpq does: service file, environment, password file
//! (PostgreSQL manual, 34.15 "Environment Variables", 34.16 "The Password File", 34.17 "The Connection Service File").

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::connect_error::ConnectError;
use super::url::{PostgresUrl, Secret};
use crate::{small_file, system};

/// Variables of the environment that set a parameter of the URL: all of PostgreSQL 18's libpq. `PGAPPNAME` is left
/// out: our sessions name the tool and the command.
const VARIABLES: &[(&str, &str)] = &[
    ("PGHOSTADDR", "hostaddr"),
    ("PGHOST", "host"),
    ("PGPORT", "port"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGDATABASE", "dbname"),
    ("PGPASSFILE", "passfile"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGOPTIONS", "options"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLCOMPRESSION", "sslcompression"),
    ("PGSSLSNI", "sslsni"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGREQUIRESSL", "requiressl"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGKRBSRVNAME", "krbsrvname"),
    ("PGGSSLIB", "gsslib"),
    ("PGGSSDELEGATION", "gssdelegation"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
    ("PGMINPROTOCOLVERSION", "min_protocol_version"),
    ("PGMAXPROTOCOLVERSION", "max_protocol_version"),
    ("PGCLIENTENCODING", "client_encoding"),
    ("PGTZ", "timezone"),
    ("PGDATESTYLE", "datestyle"),
    ("PGGEQO", "geqo"),
];

/// Parameters of libpq that only some values of are what a session here is anyway: name, those values, and what to do
/// about others. None is passed over: one that is not obeyed is refused.
const LIMITED: &[(&str, &[&str], &str)] = &[
    ("channel_binding", &["disable", "prefer"], "disable or prefer; sslmode=verify-full guards as well"),
    ("sslcertmode", &["allow"], "allow"),
    ("sslcompression", &["0"], "0"),
    ("sslpassword", &[], "none: the client's key must not be encrypted"),
    ("sslkeylogfile", &[], "none: keys of a session are never written down"),
    ("requiressl", &["0"], "0; sslmode=require asks for encryption"),
    ("requirepeer", &[], "none: who serves a socket is not looked at; the rights on its folder decide"),
    ("gssencmode", &["disable", "prefer"], "disable or prefer; Kerberos is not spoken here"),
    ("gssdelegation", &["0"], "0; Kerberos is not spoken here"),
    ("target_session_attrs", &["any"], "any"),
    ("load_balance_hosts", &["disable"], "disable"),
    ("min_protocol_version", &["3.0"], "3.0"),
    ("max_protocol_version", &["3.0", "3.2", "latest"], "3.0, 3.2 or latest"),
    ("client_encoding", &["UTF8", "UTF-8", "auto", "utf8", "utf-8", "unicode", "UNICODE"], "UTF8 or auto"),
    ("timezone", &["UTC", "utc", "GMT", "Etc/UTC"], "UTC; --tz says in which zone times are shown"),
    ("datestyle", &["ISO", "iso", "ISO, MDY", "ISO,MDY"], "ISO"),
    ("replication", &["false", "off", "no", "0"], "false"),
    ("keepalives", &["1"], "1"),
    ("keepalives_idle", &[], "none: the system's own interval is used"),
    ("keepalives_interval", &[], "none: the system's own interval is used"),
    ("keepalives_count", &[], "none: the system's own count is used"),
    ("tcp_user_timeout", &["0"], "0: the system's own"),
    ("scram_client_key", &[], "none: logins are by password or certificate"),
    ("scram_server_key", &[], "none: logins are by password or certificate"),
    ("oauth_issuer", &[], "none: logins are by password or certificate"),
    ("oauth_client_id", &[], "none: logins are by password or certificate"),
    ("oauth_client_secret", &[], "none: logins are by password or certificate"),
    ("oauth_scope", &[], "none: logins are by password or certificate"),
];

/// Parameters that mean something only to logins by Kerberos, which are refused when a server asks for one, or only
/// where no `application_name` is given.
const MEANINGLESS: &[&str] = &["krbsrvname", "gsslib", "fallback_application_name"];

/// Whether libpq has this parameter and its value asks for what is done anyway; `false` where libpq has none.
///
/// # Errors
/// [`ConnectError::Parameter`]: it asks for something else.
pub(super) fn accepts(name: &str, value: &str) -> Result<bool, ConnectError> {
    let Some((_, values, accepted)) = LIMITED.iter().find(|(limited, ..)| *limited == name) else {
        return Ok(MEANINGLESS.contains(&name));
    };
    if values.contains(&value) {
        return Ok(true);
    }
    let secret = ["password", "secret", "key"].iter().any(|part| name.contains(part));
    Err(ConnectError::parameter(name, if secret { "***" } else { value }, accepted))
}

/// Says why a file is not to be used, as the end of a sentence about it: because of whose it, or the folder that it lies
/// in, is, or who may write there.
type Judge = dyn Fn(&Path, &Metadata) -> Option<String> + Send + Sync;

/// The `PG…` variables of an environment.
#[derive(Clone, Default)]
pub(crate) struct LibpqEnvironment {
    values: BTreeMap<String, Secret>,
    judge: Option<Arc<Judge>>,
}

impl std::fmt::Debug for LibpqEnvironment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LibpqEnvironment").field("values", &self.values).finish_non_exhaustive()
    }
}

impl LibpqEnvironment {
    /// Takes the `PG…` variables, and `HOME` for the files below it.
    pub(crate) fn new(env: &BTreeMap<String, String>) -> Self {
        let ours = env.iter().filter(|(name, value)| (name.starts_with("PG") || *name == "HOME") && !value.is_empty());
        let values = ours.map(|(name, value)| (name.clone(), Secret::new(value.clone()))).collect();
        Self { values, judge: None }
    }

    /// Reads service files, password files and keys only where `judge`, given the path and the open file's metadata, has
    /// nothing against it. libpq itself looks at modes alone.
    #[must_use]
    pub(crate) fn judged_by(self, judge: impl Fn(&Path, &Metadata) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { judge: Some(Arc::new(judge)), ..self }
    }

    fn judge(&self, what: &'static str, path: &Path, metadata: &Metadata) -> Result<(), ConnectError> {
        match self.judge.as_ref().and_then(|judge| judge(path, metadata)) {
            Some(reason) => Err(ConnectError::Untrusted { what, path: path.to_owned(), reason, may_be_allowed: true }),
            None => Ok(()),
        }
    }

    /// Fills in what `url` leaves silent, in libpq's order: the service it names, the environment, the password file,
    /// the certificates below the home folder.
    ///
    /// # Errors
    /// [`ConnectError`]: a variable, service or file that cannot be used.
    pub(crate) fn complete(&self, mut url: PostgresUrl) -> Result<PostgresUrl, ConnectError> {
        let file = url.take_parameter("servicefile").map(PathBuf::from);
        if let Some(service) = url.take_parameter("service").or_else(|| self.value("PGSERVICE").map(str::to_owned)) {
            for (name, value) in self.service(&service, file)? {
                url.fill(&name, &value).map_err(|accepted| {
                    ConnectError::parameter(&format!("{name} of service {service}"), &value, accepted)
                })?;
            }
        }
        for (variable, name) in VARIABLES {
            let Some(value) = self.value(variable) else { continue };
            if url.parameter(name).is_none() {
                accepts(name, value).map_err(|error| match error {
                    ConnectError::Parameter { value, accepted, .. } => {
                        ConnectError::Parameter { name: (*variable).to_owned(), value, accepted }
                    }
                    other => other,
                })?;
            }
            match (*name, value) {
                // Of the session, which has them by `options` too.
                ("geqo", value) => url.parameters.push(("options".into(), format!("-c geqo={value}"))),
                ("timezone" | "datestyle", _) => {}
                _ => url.fill(name, value).map_err(|accepted| ConnectError::parameter(variable, value, accepted))?,
            }
        }
        let passfile = url.take_parameter("passfile").map(PathBuf::from).or_else(|| self.home(".pgpass"));
        if let (None, Some(file)) = (&url.password, passfile) {
            self.look_up(&mut url, &file)?;
        }
        self.find_certificates(&mut url);
        self.judge_certificates(&url)?;
        Ok(url)
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(Secret::expose)
    }

    fn home(&self, file: &str) -> Option<PathBuf> {
        self.value("HOME").map(|home| Path::new(home).join(file))
    }

    /// The entries of a service: from `PGSERVICEFILE` or `~/.pg_service.conf`, else from the machine's file.
    fn service(&self, name: &str, file: Option<PathBuf>) -> Result<Vec<(String, String)>, ConnectError> {
        let own =
            file.or_else(|| self.value("PGSERVICEFILE").map(PathBuf::from)).or_else(|| self.home(".pg_service.conf"));
        let system = Path::new(self.value("PGSYSCONFDIR").unwrap_or(system::LIBPQ_SERVICES)).join("pg_service.conf");
        let files: Vec<PathBuf> = own.into_iter().chain([system]).collect();
        for file in &files {
            const WHAT: &str = "service file";
            let unusable = |source| ConnectError::File { what: WHAT, path: file.clone(), source };
            let (opened, metadata) = match small_file::open(file) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                opened => opened.map_err(unusable)?,
            };
            self.judge(WHAT, file, &metadata)?;
            let text = small_file::read_open(opened, small_file::SETTINGS).and_then(small_file::text);
            if let Some(entries) = section(&text.map_err(unusable)?, name) {
                return Ok(entries);
            }
        }
        Err(ConnectError::NoService { name: name.to_owned(), files })
    }

    fn look_up(&self, url: &mut PostgresUrl, file: &Path) -> Result<(), ConnectError> {
        const WHAT: &str = "password file";
        let unusable = |source| ConnectError::File { what: WHAT, path: file.to_owned(), source };
        let (opened, metadata) = match small_file::open(file) {
            // As libpq: the login may need no password.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => return Ok(()),
            opened => opened.map_err(unusable)?,
        };
        if system::is_open_to_others(&metadata) {
            url.ignored_passfile = Some(file.to_owned());
            return Ok(());
        }
        self.judge(WHAT, file, &metadata)?;
        let text = small_file::read_open(opened, small_file::SETTINGS).map_err(unusable)?;
        let text = String::from_utf8_lossy(&text);
        let user = url.user_or_default();
        let host = match url.host.as_deref().or(url.parameter("hostaddr")) {
            // libpq knows the default socket by this name.
            None => "localhost",
            Some(host) if host.trim_end_matches('/') == "/run/postgresql" => "localhost",
            Some(host) if host.trim_end_matches('/') == "/var/run/postgresql" => "localhost",
            Some(host) => host,
        };
        let port = url.port.unwrap_or(5432).to_string();
        let database = url.database.as_deref().unwrap_or(&user);
        url.password = passfile_entry(&text, [host, &port, database, &user]).map(Secret::new);
        Ok(())
    }

    fn judge_certificates(&self, url: &PostgresUrl) -> Result<(), ConnectError> {
        for (name, what) in CERTIFICATES {
            if let Some(path) = url.parameter(name).map(Path::new)
                && let Ok((_, metadata)) = small_file::open(path)
            {
                self.judge(what, path, &metadata)?;
            }
        }
        let Some(folder) = url.parameter("sslcrldir").map(Path::new) else { return Ok(()) };
        if let Ok(metadata) = std::fs::metadata(folder) {
            self.judge("folder of lists of revoked certificates", folder, &metadata)?;
        }
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for path in files {
            if let Ok((_, metadata)) = small_file::open(&path) {
                self.judge(REVOKED, &path, &metadata)?;
            }
        }
        Ok(())
    }

    /// The certificates that libpq finds by itself below `~/.postgresql`.
    fn find_certificates(&self, url: &mut PostgresUrl) {
        let Some(mode) = url.parameter("sslmode").map(str::to_owned) else { return };
        if !matches!(mode.as_str(), "require" | "verify-ca" | "verify-full") {
            return;
        }
        for (name, file) in [
            ("sslrootcert", ".postgresql/root.crt"),
            ("sslcert", ".postgresql/postgresql.crt"),
            ("sslkey", ".postgresql/postgresql.key"),
            ("sslcrl", ".postgresql/root.crl"),
        ] {
            if let Some(path) = self.home(file).filter(|path| path.exists())
                && url.parameter(name).is_none()
            {
                url.parameters.push((name.to_owned(), path.display().to_string()));
            }
        }
    }
}

/// Files of TLS, by their parameters: who writes one decides which server is believed, or who logs in. What cannot be opened
/// is reported where it is read.
const CERTIFICATES: [(&str, &str); 4] = [
    ("sslkey", "client key"),
    ("sslcert", "client certificate"),
    ("sslrootcert", "root certificate"),
    ("sslcrl", REVOKED),
];
const REVOKED: &str = "list of revoked certificates";

/// The `key=value` lines under `[name]`.
pub(crate) fn section(text: &str, name: &str) -> Option<Vec<(String, String)>> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.find(|line| line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) == Some(name))?;
    let entries = lines.take_while(|line| !line.starts_with('['));
    Some(
        entries
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
            .collect(),
    )
}

/// The password of the first line that fits: `host:port:database:user:password`, `*` for any, `\` before `:` and `\`.
pub(crate) fn passfile_entry(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = passfile_fields(line);
        let fits = wanted.iter().all(|wanted| fields.next().is_some_and(|(raw, field)| raw == "*" || field == *wanted));
        fields.next().filter(|_| fits).map(|(_, password)| password)
    })
}

/// The fields of a line, each as written and without its escapes.
fn passfile_fields(line: &str) -> impl Iterator<Item = (&str, String)> {
    let mut rest = Some(line);
    let mut number = 0;
    std::iter::from_fn(move || {
        let text = rest?;
        number += 1;
        let mut field = String::new();
        let mut characters = text.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' => field.extend(characters.next().map(|(_, escaped)| escaped)),
                // The password is the last field.
                ':' if number < 5 => {
                    rest = Some(&text[at + 1..]);
                    return Some((&text[..at], field));
                }
                _ => field.push(c),
            }
        }
        rest = None;
        Some((text, field))
    })
}

#[cfg(test)]
mod tests {
    use super::super::DatabaseUrl;
    use super::*;

    fn complete(url: &str, env: &[(&str, &str)]) -> Result<PostgresUrl, ConnectError> {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        match DatabaseUrl::parse(url).unwrap() {
            DatabaseUrl::Postgres(url) => LibpqEnvironment::new(&env).complete(url),
            DatabaseUrl::Sqlite(_) => unreachable!(),
        }
    }

    fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        home
    }

    #[test]
    fn the_environment_speaks_where_the_url_is_silent() {
        let env =
            [("PGHOST", "db"), ("PGPORT", "6000"), ("PGUSER", "ops"), ("PGPASSWORD", "pw"), ("PGDATABASE", "sky")];
        let url = complete("postgres://", &env).unwrap();
        assert_eq!(url.to_string(), "postgres://ops:***@db:6000/sky");
        let url = complete("postgres://me@other:7000/mine", &env).unwrap();
        assert_eq!(url.to_string(), "postgres://me:***@other:7000/mine");
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_named() {
        let error = complete("postgres://", &[("PGPORT", "many")]).unwrap_err();
        assert!(matches!(error, ConnectError::Parameter { ref name, .. } if name == "PGPORT"), "{error:?}");
    }

    /// The documentation of PostgreSQL 18, sections 32.1.2 and 32.15.
    #[test]
    fn every_name_of_libpq_is_obeyed_or_refused() {
        const PARAMETERS: &str = "host hostaddr port dbname user password passfile require_auth channel_binding \
            connect_timeout client_encoding options application_name fallback_application_name keepalives \
            keepalives_idle keepalives_interval keepalives_count tcp_user_timeout replication gssencmode sslmode \
            requiressl sslnegotiation sslcompression sslcert sslkey sslkeylogfile sslpassword sslcertmode sslrootcert \
            sslcrl sslcrldir sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version min_protocol_version \
            max_protocol_version krbsrvname gsslib gssdelegation scram_client_key scram_server_key service servicefile \
            target_session_attrs load_balance_hosts oauth_issuer oauth_client_id oauth_client_secret oauth_scope";
        const OBEYED: &str = "host hostaddr port dbname user password passfile connect_timeout options \
            application_name sslmode sslcert sslkey sslrootcert service servicefile require_auth sslcrl sslcrldir sslsni \
            sslnegotiation ssl_min_protocol_version ssl_max_protocol_version";
        for name in PARAMETERS.split_whitespace().filter(|name| !OBEYED.split_whitespace().any(|it| it == *name)) {
            let known = MEANINGLESS.contains(&name) || accepts(name, "no-such-value").is_err();
            assert!(known, "{name} is neither obeyed nor refused");
        }
        const ENVIRONMENT: &str = "PGHOST PGSSLNEGOTIATION PGHOSTADDR PGPORT PGDATABASE PGUSER PGPASSWORD PGPASSFILE \
            PGREQUIREAUTH PGCHANNELBINDING PGOPTIONS PGSSLMODE PGREQUIRESSL PGSSLCOMPRESSION PGSSLCERT PGSSLKEY \
            PGSSLCERTMODE PGSSLROOTCERT PGSSLCRL PGSSLCRLDIR PGSSLSNI PGREQUIREPEER PGSSLMINPROTOCOLVERSION \
            PGSSLMAXPROTOCOLVERSION PGMINPROTOCOLVERSION PGMAXPROTOCOLVERSION PGGSSENCMODE PGKRBSRVNAME PGGSSLIB \
            PGGSSDELEGATION PGCONNECT_TIMEOUT PGCLIENTENCODING PGTARGETSESSIONATTRS PGLOADBALANCEHOSTS PGDATESTYLE \
            PGTZ PGGEQO";
        for variable in ENVIRONMENT.split_whitespace() {
            assert!(VARIABLES.iter().any(|(known, _)| *known == variable), "{variable} is passed over");
        }
        for (variable, name) in VARIABLES.iter().filter(|(_, name)| LIMITED.iter().any(|(it, ..)| it == name)) {
            match complete("postgres://h/d", &[(variable, "no-such-value")]) {
                Err(ConnectError::Parameter { name, .. }) => assert_eq!(name, *variable),
                other => panic!("{variable}: {other:?}"),
            }
            let (_, accepted, _) = LIMITED.iter().find(|(it, ..)| it == name).unwrap();
            for value in *accepted {
                complete("postgres://h/d", &[(variable, value)]).unwrap();
            }
        }
        let error = accepts("sslpassword", "s3cr3t").unwrap_err();
        assert!(!error.to_string().contains("s3cr3t"));
    }

    #[test]
    fn a_service_goes_before_the_environment() {
        let home = home(&[(
            ".pg_service.conf",
            "# ours\n[other]\nhost=no\n\n[sky]\nhost=svc\nport=6001\nsslmode=require\n[last]\nuser=no\n",
        )]);
        let home = home.path().to_str().unwrap();
        let url = complete("postgres://?service=sky", &[("HOME", home), ("PGHOST", "env"), ("PGUSER", "ops")]).unwrap();
        assert_eq!(url.to_string(), "postgres://ops@svc:6001?sslmode=require");
        let error = complete("postgres://", &[("HOME", home), ("PGSERVICE", "absent")]).unwrap_err();
        assert!(matches!(error, ConnectError::NoService { .. }), "{error:?}");
    }

    #[test]
    fn the_password_file_is_read_as_libpq_reads_it() {
        let home = home(&[(".pgpass", "# note\nelse:*:*:*:no\ndb\\:1:*:sky:ops:a\\:b\\\\c:d\n*:5432:*:*:any\n")]);
        let env = [("HOME", home.path().to_str().unwrap())];
        let password = |url: &str| complete(url, &env).unwrap().password.map(|secret| secret.expose().to_owned());
        assert_eq!(password("postgres://ops@db%3A1/sky").as_deref(), Some("a:b\\c:d"));
        assert_eq!(password("postgres://ops@db/sky").as_deref(), Some("any"));
        assert_eq!(password("postgres://ops@db:6000/sky"), None);
        assert_eq!(password("postgres://ops:own@db/sky").as_deref(), Some("own"));
    }

    #[cfg(unix)]
    #[test]
    fn a_password_file_that_others_can_read_is_ignored_and_remembered() {
        let home = home(&[(".pgpass", "*:*:*:*:pw\n")]);
        let file = home.path().join(".pgpass");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        let url = complete("postgres://ops@db/sky", &[("HOME", home.path().to_str().unwrap())]).unwrap();
        assert_eq!((url.password, url.ignored_passfile), (None, Some(file)));
    }
}
