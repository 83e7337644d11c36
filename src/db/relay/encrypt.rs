//! TLS to the server, as libpq's parameters ask for it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::postgres::PgSslMode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime,
};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    SupportedProtocolVersion, version,
};

use super::{Failure, Reached, Route, Stream, reach};
use crate::db::connect_error::ConnectError;
use crate::{small_file, system};

/// What a client says to ask for TLS (PostgreSQL manual, "Message Formats", SSLRequest).
const REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// The protocol's name in the handshake.
const ALPN: &[u8] = b"postgresql";

/// How a connection is encrypted.
#[derive(Clone, Debug)]
pub(in crate::db) struct Encryption {
    mode: PgSslMode,
    /// Whether the handshake comes first, without asking.
    direct: bool,
    config: Arc<ClientConfig>,
    /// The name that a certificate must be made out to.
    host: String,
}

/// The files and limits of an encryption.
#[derive(Debug, Default)]
pub(in crate::db) struct Files<'a> {
    /// The only authorities that are believed; those of the system where there are none.
    pub(in crate::db) root: Option<PathBuf>,
    /// The client's certificate and its key.
    pub(in crate::db) identity: Option<(&'a Path, &'a Path)>,
    /// Lists of revoked certificates.
    pub(in crate::db) revoked: Vec<PathBuf>,
    /// The names of the oldest and the newest version.
    pub(in crate::db) versions: (Option<&'a str>, Option<&'a str>),
    /// Whether the handshake names the host that is meant (SNI).
    pub(in crate::db) names_host: bool,
    /// Whether the handshake comes first, without asking.
    pub(in crate::db) direct: bool,
}

impl Encryption {
    /// None at all.
    ///
    /// # Errors
    /// As [`Encryption::new`].
    pub(in crate::db) fn none() -> Result<Self, ConnectError> {
        Self::new(PgSslMode::Disable, "", &Files::default())
    }

    /// Reads what the files hold.
    ///
    /// # Errors
    /// [`ConnectError::File`], [`ConnectError::Parameter`].
    pub(in crate::db) fn new(mode: PgSslMode, host: &str, files: &Files<'_>) -> Result<Self, ConnectError> {
        let provider = Arc::new(ring::default_provider());
        let chain = match mode {
            PgSslMode::VerifyCa | PgSslMode::VerifyFull => Some(chain(&provider, files)?),
            _ => None,
        };
        let checks = Checks { chain, name: matches!(mode, PgSslMode::VerifyFull), provider: Arc::clone(&provider) };
        let versions = versions(files.versions)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| ConnectError::parameter("ssl_min_protocol_version", &error.to_string(), VERSIONS))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(checks));
        let mut config = match files.identity {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let certificates = certificates("client certificate", certificate)?;
                let pem = client_key(key)?;
                let wrong = |why: String| unusable("client key", key, why);
                let secret = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| wrong(error.to_string()))?;
                config.with_client_auth_cert(certificates, secret).map_err(|error| wrong(error.to_string()))?
            }
        };
        config.enable_sni = files.names_host;
        config.alpn_protocols = if files.direct { vec![ALPN.to_vec()] } else { Vec::new() };
        Ok(Self { mode, direct: files.direct, config: Arc::new(config), host: host.to_owned() })
    }

    /// The same in another mode, of which [`Encryption::new`] would have read no other files.
    pub(in crate::db) fn with_mode(&self, mode: PgSslMode) -> Self {
        Self { mode, ..self.clone() }
    }

    async fn shake_hands(&self, stream: TcpStream) -> Result<Box<dyn Stream>, Failure> {
        let name = match ServerName::try_from(self.host.clone()) {
            Ok(name) => name,
            Err(error) if matches!(self.mode, PgSslMode::VerifyFull) => {
                return Err(Failure::Driver(sqlx::Error::Tls(error.into())));
            }
            // It is not looked at, and an address is not sent.
            Err(_) => ServerName::from(std::net::IpAddr::from([0, 0, 0, 0])),
        };
        Ok(Box::new(TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await?))
    }
}

/// Connects, and encrypts where that is asked for. Returns whether it is.
pub(super) async fn connect(route: &Route) -> Result<(Box<dyn Stream>, bool), Failure> {
    let encryption = &route.encryption;
    let mut stream = match reach(&route.address).await? {
        Reached::Socket(stream) => return Ok((Box::new(stream), false)),
        Reached::Tcp(stream) => stream,
    };
    if matches!(encryption.mode, PgSslMode::Disable | PgSslMode::Allow) {
        return Ok((Box::new(stream), false));
    }
    if !encryption.direct {
        stream.write_all(&REQUEST).await?;
        // One byte and no more, so that what comes after it can only be part of the handshake.
        match stream.read_u8().await? {
            b'S' => {}
            b'N' if matches!(encryption.mode, PgSslMode::Prefer) => return Ok((Box::new(stream), false)),
            b'N' => return Err(Failure::Driver(sqlx::Error::Tls("server does not support TLS".into()))),
            // Even an error: an attacker on the way may have written it.
            _ => return Err(Failure::Driver(sqlx::Error::Protocol("no answer to a request for TLS".into()))),
        }
    }
    Ok((encryption.shake_hands(stream).await?, true))
}

const VERSIONS: &str = "TLSv1.2 or TLSv1.3; older ones are never used, and as an oldest they mean TLSv1.2";

fn versions(limits: (Option<&str>, Option<&str>)) -> Result<Vec<&'static SupportedProtocolVersion>, ConnectError> {
    const KNOWN: [(&str, u8); 4] = [("TLSv1", 0), ("TLSv1.1", 1), ("TLSv1.2", 2), ("TLSv1.3", 3)];
    let number = |name: &'static str, value: &str| {
        let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(value));
        known.map(|(_, number)| *number).ok_or_else(|| ConnectError::parameter(name, value, VERSIONS))
    };
    let oldest = limits.0.map(|value| number("ssl_min_protocol_version", value)).transpose()?.unwrap_or(2);
    let newest = limits.1.map(|value| number("ssl_max_protocol_version", value)).transpose()?.unwrap_or(3);
    let ours = [(2, &version::TLS12), (3, &version::TLS13)];
    let kept: Vec<_> =
        ours.into_iter().filter(|(number, _)| (oldest..=newest).contains(number)).map(|it| it.1).collect();
    match limits.1 {
        Some(value) if kept.is_empty() => Err(ConnectError::parameter("ssl_max_protocol_version", value, VERSIONS)),
        _ => Ok(kept),
    }
}

/// What checks a certificate's chain: against the named authorities alone, or the system's.
fn chain(provider: &Arc<CryptoProvider>, files: &Files<'_>) -> Result<Arc<WebPkiServerVerifier>, ConnectError> {
    const WHAT: &str = "root certificate";
    let mut roots = RootCertStore::empty();
    match &files.root {
        Some(path) => {
            for certificate in certificates(WHAT, path)? {
                roots.add(certificate).map_err(|error| unusable(WHAT, path, error.to_string()))?;
            }
        }
        None => {
            // Of hundreds one may be of a kind that is not understood.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let mut revoked = Vec::new();
    for path in &files.revoked {
        const WHAT: &str = "list of revoked certificates";
        let pem = read(WHAT, path)?;
        for list in CertificateRevocationListDer::pem_slice_iter(&pem) {
            revoked.push(list.map_err(|error| unusable(WHAT, path, error.to_string()))?);
        }
        if revoked.is_empty() {
            return Err(unusable(WHAT, path, "there is none in it".into()));
        }
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .with_crls(revoked)
        .build()
        .map_err(|error| match &files.root {
            Some(path) => unusable(WHAT, path, error.to_string()),
            None => ConnectError::parameter("sslrootcert", "", "a file: this system has no list of authorities"),
        })
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let pem = read(what, path)?;
    let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| unusable(what, path, error.to_string()))?;
    if found.is_empty() {
        return Err(unusable(what, path, "there is no certificate in it".into()));
    }
    Ok(found)
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, ConnectError> {
    small_file::read(path, small_file::CERTIFICATES).map_err(|source| ConnectError::File {
        what,
        path: path.to_owned(),
        source,
    })
}

/// Reads a private key as libpq does: not one that others could have read, other than a group of root's choice.
fn client_key(path: &Path) -> Result<Vec<u8>, ConnectError> {
    const WHAT: &str = "client key";
    let unusable = |source| ConnectError::File { what: WHAT, path: path.to_owned(), source };
    let (file, metadata) = small_file::open(path).map_err(unusable)?;
    let forbidden = if system::owner(&metadata) == system::ROOT { 0o037 } else { 0o077 };
    if system::mode(&metadata) & forbidden != 0 {
        let reason = "can be read or written by others, who could log in with it".to_owned();
        return Err(ConnectError::Untrusted { what: WHAT, path: path.to_owned(), reason, may_be_allowed: false });
    }
    small_file::read_open(file, small_file::CERTIFICATES).map_err(unusable)
}

fn unusable(what: &'static str, path: &Path, why: String) -> ConnectError {
    ConnectError::File { what, path: path.to_owned(), source: io::Error::new(io::ErrorKind::InvalidData, why) }
}

/// What libpq's modes look at in a certificate: nothing, who signed it, or also whom it is made out to.
#[derive(Debug)]
struct Checks {
    chain: Option<Arc<WebPkiServerVerifier>>,
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Checks {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name comes last, so everything else was right.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
