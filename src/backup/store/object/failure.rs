//! What a service answered, in words of ours: which sort of failure it is, and why, without URLs, which may be signed.

use std::error::Error as _;

use object_store::client::{HttpError, HttpErrorKind};

use crate::backup::error::{BackupError, StoreFault};

/// The service's codes for credentials that are no good, other than for a right that is missing.
const CREDENTIALS: [&str; 8] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
    "AuthFailure",
    "InvalidClientTokenId",
    "RequestTimeTooSkewed",
];

/// Turns an error of the library into one of ours. `place` is the URL of the place or the object.
pub(super) fn of(place: &str, doing: &'static str, error: &object_store::Error) -> BackupError {
    let texts = texts(error);
    let said = texts.iter().find_map(|text| said(text));
    let code = said.as_ref().map_or("", |(code, _)| code.as_str());
    let fault = match error {
        _ if matches!(code, "NoSuchBucket" | "ContainerNotFound") => StoreFault::NoBucket,
        _ if CREDENTIALS.contains(&code) || code == "AccessDenied" => StoreFault::Denied,
        object_store::Error::NotFound { .. } => StoreFault::NoObject,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            StoreFault::Denied
        }
        _ if is_unreachable(error) || texts.iter().any(|text| text.contains("status code: 5")) => {
            StoreFault::Unreachable
        }
        _ => StoreFault::Refused,
    };
    let why = match said {
        Some((code, message)) if message.is_empty() => code,
        Some((code, message)) => format!("{code}: {message}"),
        None => texts.last().map(|text| last_words(text)).unwrap_or_default(),
    };
    BackupError::Store { place: place.to_owned(), doing, fault, why }
}

/// Whether an error is about the credentials themselves, and not about a right that they lack.
pub(super) fn is_about_credentials(error: &BackupError) -> bool {
    match error {
        BackupError::Store { fault: StoreFault::Denied, why, .. } => {
            CREDENTIALS.iter().any(|code| why.starts_with(code))
        }
        _ => false,
    }
}

fn texts(error: &object_store::Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        texts.push(error.to_string());
        source = error.source();
    }
    texts
}

fn is_unreachable(error: &object_store::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<HttpError>() {
            return !matches!(error.kind(), HttpErrorKind::Decode);
        }
        source = error.source();
    }
    false
}

/// The code and the message in the XML of an answer.
fn said(text: &str) -> Option<(String, String)> {
    let tag = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let (inside, _) = rest.split_once(&format!("</{name}>"))?;
        Some(inside.trim().to_owned())
    };
    Some((tag("Code")?, tag("Message").unwrap_or_default()))
}

/// The end of a text that begins with the request: what came of it.
fn last_words(text: &str) -> String {
    text.rsplit(" - ").next().unwrap_or(text).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(body: &str) -> BackupError {
        let source = format!(
            "Error performing PUT http://x/b?sig=s3cret in 1s - Server returned non-2xx status code: 403: {body}"
        );
        of("s3://b/x", "writing", &object_store::Error::PermissionDenied { path: "x".into(), source: source.into() })
    }

    #[test]
    fn what_the_service_said_is_repeated_and_no_url() {
        let error = denied("<Error><Code>InvalidAccessKeyId</Code><Message>No such key</Message></Error>");
        assert!(is_about_credentials(&error));
        assert_eq!(error.to_string(), "writing s3://b/x: InvalidAccessKeyId: No such key");
        let error = denied("<Error><Code>AccessDenied</Code></Error>");
        assert!(error.is_denied() && !is_about_credentials(&error));
        assert!(!denied("gone").to_string().contains("s3cret"));
    }
}
