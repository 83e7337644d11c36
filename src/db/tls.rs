//! What the parameters of encryption and login in a URL mean together, as libpq has it.

use std::path::{Path, PathBuf};

use sqlx::postgres::PgSslMode;

use super::connect_error::ConnectError;
use super::relay::{Encryption, Files, RequireAuth, Rules};
use super::{PostgresUrl, Target};
use crate::{small_file, system};

/// The parameters that are read here.
pub(super) const PARAMETERS: [&str; 12] = [
    "hostaddr",
    "require_auth",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
];

/// How a connection is encrypted, and by whose word the server is believed.
pub(super) struct Tls {
    pub(super) mode: PgSslMode,
    /// The authorities to ask; a file of the system's where they are.
    pub(super) root: Option<PathBuf>,
}

impl Tls {
    /// libpq's name of the mode.
    pub(super) fn mode_name(&self) -> &'static str {
        match self.mode {
            PgSslMode::Disable => "disable",
            PgSslMode::Allow => "allow",
            PgSslMode::Prefer => "prefer",
            PgSslMode::Require => "require",
            PgSslMode::VerifyCa => "verify-ca",
            PgSslMode::VerifyFull => "verify-full",
        }
    }
}

/// The mode and the authorities.
pub(super) fn tls(place: &PostgresUrl) -> Result<Tls, ConnectError> {
    if place.address().starts_with('/') {
        // Nothing leaves the machine; as in libpq the mode is not looked at.
        return Ok(Tls { mode: PgSslMode::Disable, root: None });
    }
    let root = place.parameter("sslrootcert");
    let asked = place.parameter("sslmode").map(|value| {
        value.parse::<PgSslMode>().map_err(|_| {
            ConnectError::parameter("sslmode", value, "disable, allow, prefer, require, verify-ca or verify-full")
        })
    });
    let mode = match (asked.transpose()?, root) {
        (None, Some("system")) => PgSslMode::VerifyFull,
        (Some(PgSslMode::VerifyFull), Some("system")) => PgSslMode::VerifyFull,
        // A public authority issues certificates to anyone: libpq refuses this too.
        (Some(_), Some("system")) => {
            let value = place.parameter("sslmode").unwrap_or_default();
            return Err(ConnectError::parameter("sslmode", value, "verify-full, with sslrootcert=system"));
        }
        // As libpq: who names an authority wants it looked at.
        (Some(PgSslMode::Require), Some(_)) => PgSslMode::VerifyCa,
        (Some(mode), _) => mode,
        (None, _) => PgSslMode::Prefer,
    };
    let root = match root {
        Some("system") => Some(system_authorities()?.to_owned()),
        Some(file) => Some(PathBuf::from(file)),
        None if matches!(mode, PgSslMode::VerifyCa | PgSslMode::VerifyFull) => {
            system_authorities().ok().map(Path::to_owned)
        }
        None => None,
    };
    Ok(Tls { mode, root })
}

/// The encryption that they ask for, with all files read.
///
/// # Errors
/// [`ConnectError::Parameter`], [`ConnectError::File`].
pub(super) fn encryption(place: &PostgresUrl) -> Result<Encryption, ConnectError> {
    let tls = tls(place)?;
    let flag = |name: &str, no: &str, yes: &str, accepted| match place.parameter(name) {
        None => Ok(None),
        Some(value) if value == yes => Ok(Some(true)),
        Some(value) if value == no => Ok(Some(false)),
        Some(value) => Err(ConnectError::parameter(name, value, accepted)),
    };
    let names_host = flag("sslsni", "0", "1", "0 or 1")?.unwrap_or(true);
    let direct = flag("sslnegotiation", "postgres", "direct", "postgres or direct")?.unwrap_or(false);
    if matches!(tls.mode, PgSslMode::Disable) {
        return Encryption::none();
    }
    if direct && matches!(tls.mode, PgSslMode::Allow | PgSslMode::Prefer) {
        let accepted = "postgres; direct only with sslmode=require, verify-ca or verify-full";
        return Err(ConnectError::parameter("sslnegotiation", "direct", accepted));
    }
    let path = |name: &str| place.parameter(name).map(Path::new);
    let identity = match (path("sslcert"), path("sslkey")) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        (Some(file), None) => {
            return Err(ConnectError::parameter("sslcert", &file.display().to_string(), "it together with sslkey"));
        }
        (None, Some(_)) => return Err(ConnectError::parameter("sslkey", "***", "it together with sslcert")),
    };
    let files = Files {
        // Without a name, the system's authorities are asked wherever they are kept.
        root: place.parameter("sslrootcert").and(tls.root),
        identity,
        revoked: revoked(path("sslcrl"), path("sslcrldir"))?,
        versions: (place.parameter("ssl_min_protocol_version"), place.parameter("ssl_max_protocol_version")),
        names_host,
        direct,
    };
    Encryption::new(tls.mode, &place.host_or_default(), &files)
}

/// How the password may be given to the server.
///
/// # Errors
/// [`ConnectError::Parameter`].
pub(super) fn rules(place: &PostgresUrl) -> Result<Rules, ConnectError> {
    let required = place.parameter("require_auth").map(RequireAuth::parse).transpose()?;
    Ok(Rules { remote: !Target::of_server(place).is_local(), required })
}

/// The files with lists of revoked certificates: one that is named, and all of a folder.
fn revoked(file: Option<&Path>, folder: Option<&Path>) -> Result<Vec<PathBuf>, ConnectError> {
    let mut files: Vec<PathBuf> = file.map(Path::to_owned).into_iter().collect();
    if let Some(folder) = folder {
        let unreadable = |source| ConnectError::File {
            what: "folder of lists of revoked certificates",
            path: folder.to_owned(),
            source,
        };
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if small_file::open(&path).is_ok() {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// The bundle of the authorities that this system trusts.
fn system_authorities() -> Result<&'static Path, ConnectError> {
    system::AUTHORITIES.iter().map(Path::new).find(|path| path.exists()).ok_or_else(|| {
        ConnectError::parameter("sslrootcert", "system", "a file: this system keeps no list of authorities we know of")
    })
}
