//! Which service is spoken to, with which credentials: from the environment, a profile file, a web identity or the machine's
//! own role, never from a URL.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::{ClientConfigKey, HttpClient, HttpConnector};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::url::{ObjectUrl, Service};
use super::{failure, profile, variables};
use crate::backup::error::{BackupError, Result, StoreFault};

/// How long a connection may take, and how long a service may say nothing. A part of a slow upload takes minutes.
const CONNECTING: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(300);
/// How often and how long a request is repeated that did not arrive.
const TRIES: usize = 6;
const REPEATING: Duration = Duration::from_secs(120);

/// A service, with what only Amazon's interface has.
pub(super) struct Connected {
    pub store: Arc<dyn ObjectStore>,
    /// Where uploads can be listed that were never finished.
    pub s3: Option<Arc<AmazonS3>>,
    pub http: reqwest::Client,
    /// The service's URL where it is another machine and nothing is encrypted on the way to it.
    pub unencrypted: Option<String>,
}

/// Connects to the service of a place; nothing is sent yet.
///
/// # Errors
/// [`BackupError::Store`] for credentials or an endpoint that cannot be used.
pub(super) fn connect(url: &ObjectUrl, environment: &BTreeMap<String, String>) -> Result<Connected> {
    let place = url.to_string();
    let unusable = |error: object_store::Error| failure::of(&place, "connecting to", &error);
    let connector = Connector { config: tls(environment, &place)? };
    let http = connector.client(true).map_err(|error| refused(&place, &error.to_string()))?;
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            base: 2.0,
        },
        max_retries: TRIES,
        retry_timeout: REPEATING,
    };
    let values = variables::of(url.service, environment);
    Ok(match url.service {
        Service::S3 => {
            let (s3, unencrypted) = s3(url, environment, values, connector, retry)?;
            let s3 = Arc::new(s3);
            Connected { store: Arc::clone(&s3) as _, s3: Some(s3), http, unencrypted }
        }
        Service::Google => {
            let mut builder = GoogleCloudStorageBuilder::new().with_http_connector(connector).with_retry(retry);
            for (name, value) in values {
                if let Ok(key) = name.parse::<GoogleConfigKey>() {
                    builder = builder.with_config(key, value);
                }
            }
            let store = builder.with_bucket_name(&url.bucket).build().map_err(unusable)?;
            Connected { store: Arc::new(store), s3: None, http, unencrypted: None }
        }
        Service::Azure => {
            let mut builder = MicrosoftAzureBuilder::new().with_http_connector(connector).with_retry(retry);
            for (name, value) in values {
                if let Ok(key) = name.parse::<AzureConfigKey>() {
                    builder = builder.with_config(key, value);
                }
            }
            let store = builder.with_container_name(&url.bucket).build().map_err(unusable)?;
            Connected { store: Arc::new(store), s3: None, http, unencrypted: None }
        }
    })
}

fn s3(
    url: &ObjectUrl,
    environment: &BTreeMap<String, String>,
    values: BTreeMap<String, String>,
    connector: Connector,
    retry: RetryConfig,
) -> Result<(AmazonS3, Option<String>)> {
    let place = url.to_string();
    let set = |name: &str| values.contains_key(name);
    let has_other = set("aws_web_identity_token_file")
        || set("aws_container_credentials_relative_uri")
        || set("aws_container_credentials_full_uri");
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    if !set("aws_access_key_id") && (!has_other || set("aws_profile")) {
        all.extend(profile::of(environment, &place)?);
    }
    overrule(&mut all, values.clone());
    let has_keys = all.contains_key("aws_access_key_id");
    let off = all.get("aws_ec2_metadata_disabled").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if !has_keys && !has_other && off {
        return Err(BackupError::Store {
            place,
            doing: "logging in to",
            fault: StoreFault::Denied,
            why: "there are no credentials".into(),
        });
    }
    let endpoint = ["aws_endpoint_url_s3", "aws_endpoint_url", "aws_endpoint", "endpoint_url"];
    let endpoint = endpoint.into_iter().find_map(|name| all.get(name));
    let is_plain = endpoint.is_some_and(|endpoint| endpoint.to_ascii_lowercase().starts_with("http://"));
    let mut builder = AmazonS3Builder::new()
        .with_http_connector(connector)
        .with_retry(retry)
        // A service that does not know it ignores it.
        .with_checksum_algorithm(Checksum::SHA256)
        // One at a time, by the request that every service knows and that says what it refuses.
        .with_disable_bulk_delete(true);
    for (name, value) in &all {
        if let Ok(key) = name.parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    let unencrypted = endpoint.and_then(|endpoint| elsewhere_unencrypted(endpoint));
    let built = builder.with_bucket_name(&url.bucket).with_allow_http(is_plain).build();
    Ok((built.map_err(|error| failure::of(&place, "connecting to", &error))?, unencrypted))
}

/// Adds what the environment says to what a profile says: the environment goes before it. A profile has names of its own
/// for the same things, and the library takes the last.
fn overrule(profile: &mut BTreeMap<String, String>, environment: BTreeMap<String, String>) {
    let same = [
        ("region", &["aws_region", "aws_default_region"][..]),
        ("endpoint_url", &["aws_endpoint_url_s3", "aws_endpoint_url", "aws_endpoint"]),
        ("role_arn", &["aws_role_arn"]),
    ];
    for (name, variables) in same {
        if variables.iter().any(|variable| environment.contains_key(*variable)) {
            profile.remove(name);
        }
    }
    profile.extend(environment);
}

/// Scheme, host and port of an endpoint on another machine that is spoken to without encryption.
fn elsewhere_unencrypted(endpoint: &str) -> Option<String> {
    let endpoint = reqwest::Url::parse(endpoint).ok().filter(|endpoint| endpoint.scheme() == "http")?;
    let host = endpoint.host_str()?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    let port = endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
    (!is_here).then(|| format!("http://{host}{port}"))
}

fn refused(place: &str, why: &str) -> BackupError {
    BackupError::Store {
        place: place.to_owned(),
        doing: "connecting to",
        fault: StoreFault::Refused,
        why: why.to_owned(),
    }
}

/// One TLS for all: rustls with ring, and the authorities of the system and of `AWS_CA_BUNDLE`.
fn tls(environment: &BTreeMap<String, String>, place: &str) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = environment.get("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
        let unusable = |why: String| refused(place, &format!("AWS_CA_BUNDLE, {path}: {why}"));
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(place, &error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Makes HTTP clients with our TLS.
#[derive(Debug)]
struct Connector {
    config: ClientConfig,
}

impl Connector {
    fn client(&self, plain: bool) -> reqwest::Result<reqwest::Client> {
        reqwest::Client::builder()
            .tls_backend_preconfigured(self.config.clone())
            .http1_only()
            .https_only(!plain)
            .connect_timeout(CONNECTING)
            .read_timeout(SILENCE)
            // A signature is for one host.
            .redirect(reqwest::redirect::Policy::none())
            .build()
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let plain = options.get_config_value(&ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        let client = self
            .client(plain)
            .map_err(|source| object_store::Error::Generic { store: "HTTP", source: Box::new(source.without_url()) })?;
        Ok(HttpClient::new(client))
    }
}

#[cfg(test)]
mod tests {
    use super::{elsewhere_unencrypted, overrule};

    #[test]
    fn the_environment_goes_before_a_profile() {
        let map =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut all = map(&[("region", "a"), ("endpoint_url", "http://a"), ("aws_access_key_id", "a")]);
        overrule(&mut all, map(&[("aws_default_region", "b"), ("aws_endpoint_url_s3", "http://b")]));
        let wanted = [("aws_access_key_id", "a"), ("aws_default_region", "b"), ("aws_endpoint_url_s3", "http://b")];
        assert_eq!(all, map(&wanted));
    }

    #[test]
    fn an_endpoint_elsewhere_is_named_without_its_secrets() {
        for (endpoint, named) in [
            ("http://minio.example:9000", Some("http://minio.example:9000")),
            ("HTTP://key:secret@10.0.0.7/path?token=x", Some("http://10.0.0.7")),
            ("https://minio.example", None),
            ("http://localhost:9000", None),
            ("http://127.0.0.1:9000", None),
            ("http://[::1]:9000", None),
        ] {
            assert_eq!(elsewhere_unencrypted(endpoint).as_deref(), named, "{endpoint}");
        }
    }
}
