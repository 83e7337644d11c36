//! URLs of places in an object store: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`. They name a
//! place and nothing else: no credentials, which would be in the list of processes, and no options.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::backup::error::{BackupError, Result};

/// Which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Amazon S3, and what speaks like it: MinIO, R2, Backblaze, Ceph.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl Service {
    const ALL: [(&str, Self); 3] = [("s3", Self::S3), ("gs", Self::Google), ("az", Self::Azure)];

    fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }
}

/// A place in an object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectUrl {
    pub service: Service,
    pub bucket: String,
    /// What the keys begin with, without a `/` at either end; empty for the whole bucket.
    pub prefix: String,
}

impl ObjectUrl {
    /// Reads what was given as a place; `None` for what is a path of this machine.
    ///
    /// # Errors
    /// [`BackupError::BadPlace`] for a URL of one of the services that names no place.
    pub(crate) fn parse(given: &Path) -> Result<Option<Self>> {
        let Some(text) = given.to_str() else { return Ok(None) };
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(None) };
        let known = Service::ALL.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(scheme));
        let Some((_, service)) = known else { return Ok(None) };
        let bad = |why: &str| Err(BackupError::BadPlace { why: why.to_owned() });
        if rest.contains('@') {
            // Not repeated: what is before it may be a secret.
            return bad("it has a user or a password in it, which every user of this machine can read");
        }
        if rest.contains(['?', '#']) {
            return bad("it has options in it; they are read from the environment");
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if bucket.is_empty() || !bucket.chars().all(is_name) {
            return bad("it names no bucket");
        }
        let parts: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| matches!(*part, "." | "..") || part.chars().any(char::is_control)) {
            return bad("its path has a part that is no name");
        }
        Ok(Some(Self { service, bucket: bucket.to_owned(), prefix: parts.join("/") }))
    }

    /// The place of what is called like this in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("{}/{name}", self.to_string().trim_end_matches('/')))
    }

    /// The place above, and the name in it; `None` for a whole bucket.
    pub(crate) fn split(&self) -> Option<(Self, String)> {
        if self.prefix.is_empty() {
            return None;
        }
        let (prefix, name) = self.prefix.rsplit_once('/').unwrap_or(("", &self.prefix));
        Some((Self { prefix: prefix.to_owned(), ..self.clone() }, name.to_owned()))
    }

    /// The key of what is called like this in it.
    pub(super) fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.service.scheme(), self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<ObjectUrl>> {
        ObjectUrl::parse(Path::new(text))
    }

    #[test]
    fn a_place_has_a_bucket_and_a_prefix() {
        let url = parse("s3://shop-backups/a//b/").unwrap().unwrap();
        assert_eq!((url.bucket.as_str(), url.prefix.as_str()), ("shop-backups", "a/b"));
        assert_eq!(url.to_string(), "s3://shop-backups/a/b");
        assert_eq!(url.join("x.skyteam"), Path::new("s3://shop-backups/a/b/x.skyteam"));
        assert_eq!(url.key("x"), "a/b/x");
        let (above, name) = url.split().unwrap();
        assert_eq!((above.to_string().as_str(), name.as_str()), ("s3://shop-backups/a", "b"));
        let whole = parse("GS://b").unwrap().unwrap();
        assert_eq!((whole.to_string().as_str(), whole.split()), ("gs://b", None));
        assert_eq!(whole.join("x"), Path::new("gs://b/x"));
        assert_eq!(parse("az://c/x").unwrap().unwrap().service, Service::Azure);
        for path in ["/var/backups", "s3:/x", "folder", "http://x/y", "-"] {
            assert_eq!(parse(path).unwrap(), None, "{path}");
        }
    }

    #[test]
    fn secrets_and_options_are_refused_and_not_repeated() {
        for text in
            ["s3://key:s3cret@bucket/x", "s3://bucket/x?s3cret=1", "s3://", "s3:///x", "s3://a b/x", "s3://b/../x"]
        {
            let error = parse(text).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
