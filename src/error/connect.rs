//! The wording of a database that could not be opened.

use std::io::ErrorKind as Io;

use sqlx::error::DatabaseError;

use super::{Error, Kind, driver};
use crate::db::read_only::ReadOnly;
use crate::db::{ConnectError, LoginRefusal, Password, Target, quote};
use crate::input::quoted;
use crate::message::{Command, Words, message, program, skyteam};
use crate::system;

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Server { target, password, source } => {
                refused(&target, &password, &source).source(source).on(&target)
            }
            ConnectError::Login { target, refusal } => refused_here(&target, refusal),
            ConnectError::TimedOut { target, after } => unreachable(&target)
                .why(message!("no answer within {} s", format!("{:.1}", after.as_secs_f32())))
                .fix("check host, port and firewall, or wait longer: --connect-timeout 10"),
            ConnectError::NoFile { path } => {
                Self::new(Kind::Config, "no_database", message!("no database file {}", &path))
                    .fix(message!("{}    makes it, with all tables", skyteam("db push")))
                    .fix("--database-url URL or DATABASE_URL names another database")
            }
            ConnectError::IsFolder { path } => {
                Self::new(Kind::Config, "cannot_open", message!("{} is a folder, not a database file", &path))
                    .fix(message!("name a file in it: sqlite:{}/skyteam.db", path.trim_end_matches('/')))
            }
            ConnectError::Unreadable { path } => {
                Self::new(Kind::Denied, "permission_denied", message!("the database file {} may not be read", &path))
                    .why("its owner allows neither you nor everybody to")
                    .fix(message!(
                        "{}    or run skyteam as its owner",
                        program("sudo").words("chown \"$USER\"").file(&path)
                    ))
            }
            ConnectError::Folder { path, source } => {
                Self::new(Kind::Config, "cannot_open", message!("the database file {} cannot be made", &path))
                    .why(source.to_string())
                    .source(source)
            }
            ConnectError::File { what, path, source } => {
                Self::new(Kind::Config, "unreadable_file", message!("the {} {} cannot be read", &what, path.display()))
                    .why(source.to_string())
                    .source(source)
            }
            ConnectError::Untrusted { what, path, reason, may_be_allowed } => {
                let file = path.display().to_string();
                let error = Self::new(Kind::Config, "untrusted_file", message!("the {} {} is not read", &what, &file))
                    .why(message!("it {}", &reason));
                if may_be_allowed {
                    error.fix(message!(
                        "{}    once you have read it, and trust who can write it",
                        skyteam("config trust").file(&file)
                    ))
                } else {
                    error.fix(program("chmod").words("600").file(&file))
                }
            }
            ConnectError::NoService { name, files } => {
                let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                Self::new(Kind::Config, "no_such_service", message!("no connection service {}", quoted(&name)))
                    .why(message!("neither is there a [{}] in {}", &name, files.join(" nor in ")))
                    .fix(message!("write it there: [{}], then host=, port=, dbname=, user= below it", &name))
            }
            ConnectError::UnknownParameter { name } => {
                Self::new(Kind::Config, "malformed_url", message!("the URL's parameter {} is not known", &name))
                    .why("it is not ignored: a misspelt sslmode would be none at all")
                    .fix("take it out of the URL, or correct it")
            }
            ConnectError::Parameter { name, value, accepted } => {
                Self::new(Kind::Config, "malformed_url", message!("{}={} is not understood", &name, &value))
                    .why(message!("accepted: {}", &accepted))
            }
        }
    }
}

impl Error {
    /// The same refusal to write (25006), by what is behind it.
    #[must_use]
    pub(crate) fn read_only(self, why: &ReadOnly) -> Self {
        let error = match why {
            ReadOnly::Standby => Self::new(Kind::Unreachable, "standby", "the server is a standby, which only reads")
                .why("where it is about to be promoted, the same command works a moment later")
                .fix("name the primary server in the database URL, or try again after a failover"),
            ReadOnly::Setting { whence, end, .. } => {
                let error = Self::new(Kind::Denied, "read_only", "the database refuses to write")
                    .why(message!("default_transaction_read_only is on {}", whence.clone()));
                match end {
                    Some(end) => error.fix(end.clone()),
                    None => error.fix("take default_transaction_read_only out of them"),
                }
            }
        };
        error.sqlstate("25006").source(self)
    }

    /// Adds how to get a right that was refused, for a command that had the database at `target` open.
    #[must_use]
    pub(crate) fn on(self, target: &Target) -> Self {
        let (Some("42501"), Some(role)) = (self.0.sqlstate.as_deref(), target.role.as_deref()) else { return self };
        // PostgreSQL names what is refused in its message only.
        let Some(refusal) = self.cause() else { return self };
        let named = |what: &str| {
            let rest = refusal.split_once(&format!("permission denied for {what} "))?.1;
            Some(rest.split_whitespace().next().unwrap_or(rest).to_owned())
        };
        let database = &target.database;
        if let Some(schema) = named("schema") {
            self.fix(message!(
                "as the database's owner: GRANT USAGE, CREATE ON SCHEMA {} TO {}",
                quote(&schema),
                quote(role)
            ))
            .fix(message!("{}    grants all that is needed", create(role)))
        } else if named("database").is_some() {
            self.fix(message!(
                "as its owner: GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}",
                quote(database),
                quote(role)
            ))
            .fix(message!("{}    grants all that is needed", create(role)))
        } else if let Some(table) = named("table") {
            self.fix(message!(
                "as its owner: GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}",
                quote(&table),
                quote(role)
            ))
            .fix(message!(
                "{}    as the owner of the tables grants what staff needs; --for backup and --for apps what those do",
                skyteam("db grant").last(role).words("--for staff")
            ))
        } else if let Some((_, table)) = refusal.split_once("must be owner of table ") {
            self.fix(message!("as its owner or a superuser: ALTER TABLE {} OWNER TO {}", quote(table), quote(role)))
        } else {
            self
        }
    }
}

/// The command that makes a role, or gives it what it lacks.
fn create(role: &str) -> Command {
    skyteam("db create").flag("--owner", role).words("--admin-url URL")
}

fn unreachable(target: &Target) -> Error {
    Error::new(
        Kind::Unreachable,
        "unreachable",
        message!("the database server cannot be reached: {}", target.to_string()),
    )
}

/// A login that was cut off on this side.
fn refused_here(target: &Target, refusal: LoginRefusal) -> Error {
    let strange = || unreachable(target).why("what listens there does not answer like PostgreSQL");
    match refusal {
        LoginRefusal::LongMessage { length } => {
            let why = message!("before any login it announced a message of {} bytes", length.to_string());
            strange().why(why).fix("check host and port of the URL")
        }
        LoginRefusal::Flood { length } => strange()
            .why(message!("before any login it sent {} bytes", length.to_string()))
            .fix("check host and port of the URL"),
        LoginRefusal::Unprotected { method } => {
            let what = message!("the password was not sent: {}", target.to_string());
            Error::new(Kind::Config, "password_unprotected", what)
                .why(if method == "md5" {
                    "the server asks for it as MD5, which can be worked out, over a connection that is not encrypted"
                } else {
                    "the server asks for it in clear text over a connection that is not encrypted"
                })
                .fix("sslmode=verify-full in the URL encrypts; or let the server store it as scram-sha-256")
                .fix(message!("require_auth={} in the URL sends it all the same, on a network that you trust", method))
        }
        LoginRefusal::Method { asked, required } => {
            let what = message!("the login is not of the kind that was required: {}", target.to_string());
            let error = Error::new(Kind::Config, "login_method", what);
            let error = match asked {
                "none" => error.why("the server lets us in without asking who we are"),
                asked => error.why(message!("the server asks for {}", asked)),
            };
            error
                .why(message!("require_auth={} does not allow it", required))
                .fix("look whose server it is; or correct require_auth in the URL, PGREQUIREAUTH or the service file")
        }
    }
}

fn refused(target: &Target, password: &Password, source: &sqlx::Error) -> Error {
    match source {
        sqlx::Error::Database(refusal) if target.path.is_some() => refused_file(target, refusal.as_ref()),
        sqlx::Error::Database(refusal) => refused_login(target, password, refusal.as_ref()),
        sqlx::Error::Io(io) => refused_way(target, io),
        sqlx::Error::Tls(tls) => Error::new(
            Kind::Config,
            "tls_failed",
            message!("no encrypted connection can be made: {}", target.to_string()),
        )
        .why(tls.to_string())
        .fix("sslmode=disable or prefer in the URL goes without, on a network that you trust"),
        sqlx::Error::Protocol(_) => unreachable(target)
            .why("what listens there does not answer like PostgreSQL")
            .fix("check host and port of the URL"),
        other => driver::describe(other),
    }
}

/// The write-ahead log of another user beside a database file, or its index, which this user may not open. SQLite gives it the
/// rights of the database file; where that had others then, or a umask was in the way, it keeps them.
fn closed_beside(path: &str) -> Option<String> {
    let files = ["-wal", "-shm"].map(|end| format!("{path}{end}"));
    files.into_iter().find(|file| {
        let opened = std::fs::OpenOptions::new().read(true).append(true).open(file);
        opened.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    })
}

fn refused_file(target: &Target, refusal: &dyn DatabaseError) -> Error {
    let path = target.path.as_deref().unwrap_or_default();
    let error = driver::describe_refusal(refusal);
    match error.code() {
        "cannot_open" => match closed_beside(path) {
            Some(file) => error
                .why(message!("{} may not be read or written by this user: another program has made it", &file))
                .fix(message!("as its owner: {}", program("chmod").words("g+rw").file(&file)))
                .fix("or close that program: the last one to close the database removes the file"),
            None => error.fix(message!("check the rights on {} and on the folder it is in", &path)),
        },
        "read_only" => error.why(path).fix("sqlite:PATH?mode=ro opens it for reading only"),
        "not_a_database" => error
            .why(path)
            .fix(message!("check the path of the URL, or restore a backup: {}", skyteam("db restore FILE"))),
        _ => error.why(path),
    }
}

/// The server answered and said no.
fn refused_login(target: &Target, password: &Password, refusal: &dyn DatabaseError) -> Error {
    let role = target.role.as_deref().unwrap_or_default();
    let database = &target.database;
    let message = refusal.message();
    let denied = |code: &'static str| {
        Error::new(Kind::Denied, code, message!("the server refuses this login: {}", target.to_string())).why(message)
    };
    let error = match refusal.code().as_deref() {
        Some("28P01") => match password {
            Password::Given => denied("login_refused")
                .fix(message!("correct the password of role {} in the URL, PGPASSWORD or ~/.pgpass", quoted(role))),
            Password::None => {
                denied("login_refused").why("no password was given").fix("give it in the URL, PGPASSWORD or ~/.pgpass")
            }
            Password::FileIgnored(file) => denied("login_refused")
                .why(message!("the password file {} is ignored, because others can read it", file.display()))
                .fix(program("chmod").words("600").file(file.display())),
        },
        Some("28000") if message.ends_with("no encryption") => denied("tls_required")
            .fix("sslmode=require in the URL; better sslmode=verify-full, which looks whose server it is"),
        Some("28000") if message.contains("does not exist") => {
            denied("login_refused").fix(message!("{}    makes the role", create(role)))
        }
        Some("28000") if message.contains("not permitted to log in") => {
            denied("login_refused").fix(message!("as a superuser: ALTER ROLE {} LOGIN", quote(role)))
        }
        Some("28000") => denied("login_refused").fix("ask those who run the server for an entry in its pg_hba.conf"),
        Some("3D000") => {
            Error::new(Kind::Config, "no_such_database", message!("no database {} on that server", quoted(database)))
                .why(target.to_string())
                .fix(message!("{}    makes it", skyteam("db create")))
        }
        // PgBouncer's own refusals have one code for everything.
        Some("08P01") if message.contains("no such database") || message.ends_with("does not exist") => {
            Error::new(Kind::Config, "no_such_database", message!("the pooler knows no database {}", quoted(database)))
                .why(message)
                .fix(message!("add it to [databases] in pgbouncer.ini: {} = host=… dbname={}", database, database))
        }
        Some("08P01") => denied("login_refused"),
        Some("42501") => denied("permission_denied"),
        Some("53300") => Error::new(
            Kind::Unreachable,
            "too_many_connections",
            message!("the server has no connection to spare: {}", target.to_string()),
        )
        .why(message)
        .fix("end idle clients, raise max_connections on the server, or put PgBouncer in front"),
        Some("57P03") => Error::new(
            Kind::Unreachable,
            "starting_up",
            message!("the server is not ready yet: {}", target.to_string()),
        )
        .why(message)
        .fix("try again in a moment"),
        _ => driver::describe_refusal(refusal),
    };
    match refusal.code() {
        Some(code) => error.sqlstate(code),
        None => error,
    }
}

/// The server was never spoken to.
fn refused_way(target: &Target, io: &std::io::Error) -> Error {
    let words = io.to_string();
    let error = unreachable(target);
    match io.kind() {
        Io::ConnectionRefused | Io::NotFound if target.is_local() => {
            let why = match io.kind() {
                Io::NotFound => "no socket is there: the server does not run, or keeps its socket elsewhere",
                _ => "nothing listens there",
            };
            error.why(why).fix(message!("{}    or correct host and port of the URL", Words(system::START_POSTGRES)))
        }
        Io::ConnectionRefused => error.why("nothing listens there").fix("check that the server runs, and the URL"),
        Io::PermissionDenied => error.why("the socket may not be used by this system user").fix("check its rights"),
        Io::ConnectionReset | Io::UnexpectedEof | Io::BrokenPipe | Io::ConnectionAborted => {
            error.why("the server closed the connection").fix("look into the server's log")
        }
        // rustls' refusals come wrapped as such.
        Io::InvalidData if words.contains("certificate") => untrusted(target, &words),
        Io::InvalidData => Error::new(
            Kind::Config,
            "tls_failed",
            message!("no encrypted connection can be made: {}", target.to_string()),
        )
        .why(words),
        // The resolver's refusals have no kind of their own.
        _ if words.contains("lookup address") => {
            let host = target.host.as_deref().unwrap_or_default();
            Error::new(Kind::Unreachable, "unknown_host", message!("no such host: {}", &host))
                .why(words.split_once(": ").map_or(words.clone(), |(_, reason)| reason.to_owned()))
                .fix("check the host's name in the URL")
        }
        _ => error.why(words).fix("check host, port and network"),
    }
}

fn untrusted(target: &Target, words: &str) -> Error {
    let error = Error::new(
        Kind::Config,
        "certificate_refused",
        message!("the server's certificate is not accepted: {}", target.to_string()),
    );
    if words.contains("UnknownIssuer") {
        error
            .why("it is signed by an authority that is not trusted here")
            .fix("sslrootcert=/path/to/ca.pem in the URL names the authority; sslrootcert=system asks the system's")
    } else if words.contains("not valid for name") || words.contains("NotValidForName") {
        error
            .why(message!("it is not made out to {}", target.host.as_deref().unwrap_or_default()))
            .fix("connect by the name in the certificate; sslmode=verify-ca does not look at the name")
    } else if words.contains("expired") || words.contains("Expired") {
        error.why("it has expired").fix("ask those who run the server to renew it")
    } else if words.contains("CaUsedAsEndEntity") {
        // webpki holds to RFC 5280, section 4.2.1.9, where OpenSSL does not.
        error
            .why("it is that of an authority, which may sign certificates, and not be the certificate of a server")
            .fix(
                "ask those who run the server for one that an authority signed, or made with basicConstraints=CA:FALSE",
            )
    } else {
        error.why(words)
    }
}
