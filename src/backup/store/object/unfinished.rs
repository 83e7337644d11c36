//! Uploads that a killed run has left: their parts are in no listing, and are paid for. Amazon's interface lists them;
//! the library does not, so the request is made here, signed by it.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use object_store::multipart::MultipartStore as _;
use object_store::path::Path as Key;
use object_store::signer::{SignedUrlOptions, Signer as _};
use serde::Deserialize;

use super::failure;
use super::{ObjectPlace, Requests};
use crate::backup::error::{BackupError, Result, StoreFault};
use crate::backup::store::{Unfinished, file, folder};

/// How long a signature is good.
const SIGNED_FOR: Duration = Duration::from_secs(300);
/// The most bytes of an answer, which names a thousand uploads.
const ANSWER: usize = 4 << 20;
/// The most answers that are asked for.
const PAGES: usize = 1000;

/// What the service returns.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default, rename = "Upload")]
    uploads: Vec<Line>,
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_key_marker: Option<String>,
    #[serde(default)]
    next_upload_id_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    key: String,
    upload_id: String,
    initiated: DateTime<Utc>,
}

impl ObjectPlace {
    /// The uploads of backups in this place that were begun before `until`.
    pub(super) fn unfinished_uploads(&self, until: DateTime<Utc>) -> Result<Vec<Unfinished>> {
        let mut found = Vec::new();
        let mut after: Option<(String, String)> = None;
        for _ in 0..PAGES {
            let Some(answer) = self.requests.uploads(&self.url.to_string(), &self.url.key(""), after.take())? else {
                return Ok(found);
            };
            for line in answer.uploads {
                let name = line.key.strip_prefix(&self.url.key("")).unwrap_or_default();
                let is_ours = !name.contains('/')
                    && (file::time_in_name(name).is_some() || folder::has_our_name(std::path::Path::new(name)));
                if is_ours && line.initiated < until {
                    let place: PathBuf = self.url.join(name);
                    found.push(Unfinished { place, id: line.upload_id, begun: line.initiated });
                }
            }
            match (answer.is_truncated, answer.next_key_marker, answer.next_upload_id_marker) {
                (true, Some(key), Some(id)) => after = Some((key, id)),
                _ => return Ok(found),
            }
        }
        Ok(found)
    }

    /// Removes the parts of such an upload.
    pub(super) fn abort_upload(&self, upload: &Unfinished) -> Result<()> {
        let Some(s3) = self.requests.s3.clone() else { return Ok(()) };
        let (key, id, place) = (self.key_of(&upload.place), upload.id.clone(), upload.place.display().to_string());
        self.requests.runtime.wait(async move {
            s3.abort_multipart(&key, &id).await.map_err(|error| failure::of(&place, "removing the parts of", &error))
        })
    }
}

impl Requests {
    /// One answer about the uploads whose keys begin with `prefix`; `None` from a service that has no such list.
    fn uploads(&self, place: &str, prefix: &str, after: Option<(String, String)>) -> Result<Option<Answer>> {
        let Some(s3) = self.s3.clone() else { return Ok(None) };
        let mut query = vec![("uploads".to_owned(), String::new()), ("prefix".to_owned(), prefix.to_owned())];
        if let Some((key, id)) = after {
            query.extend([("key-marker".to_owned(), key), ("upload-id-marker".to_owned(), id)]);
        }
        let (http, place) = (self.http.clone(), place.to_owned());
        self.runtime.wait(async move {
            let doing = "listing the uploads of";
            let refused = |fault, why| BackupError::Store { place: place.clone(), doing, fault, why };
            let options = SignedUrlOptions::default().with_query(query);
            let signed = s3.signed_url_opts(reqwest::Method::GET, &Key::default(), SIGNED_FOR, &options).await;
            let signed = signed.map_err(|error| failure::of(&place, doing, &error))?;
            let unreachable = |error: reqwest::Error| refused(StoreFault::Unreachable, error.without_url().to_string());
            let mut answer = http.get(signed).send().await.map_err(unreachable)?;
            let status = answer.status();
            let mut text = Vec::new();
            while let Some(bytes) = answer.chunk().await.map_err(unreachable)? {
                text.extend_from_slice(&bytes);
                if text.len() > ANSWER {
                    return Err(refused(StoreFault::Refused, "its answer is too long".into()));
                }
            }
            let text = String::from_utf8_lossy(&text);
            match status.as_u16() {
                200..300 => {}
                404 | 405 | 501 => return Ok(None),
                401 | 403 => return Err(refused(StoreFault::Denied, "the right to list uploads is missing".into())),
                status => return Err(refused(StoreFault::Refused, format!("it answered with status {status}"))),
            }
            let answer = quick_xml::de::from_str(&text);
            answer.map(Some).map_err(|_| refused(StoreFault::Refused, "its answer is no list of uploads".into()))
        })
    }
}
