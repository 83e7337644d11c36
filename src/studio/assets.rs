//! The page's files, as they are in the program. They come from a map and never from a file system, so no path leads out.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use include_dir::{Dir, include_dir};
use sha2::{Digest as _, Sha256};

static DIST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/studio/web/dist");

/// A file.
struct Asset {
    content: &'static [u8],
    kind: &'static str,
    etag: String,
}

static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let mut assets = BTreeMap::new();
    collect(&DIST, &mut assets);
    assets
});

fn collect(folder: &'static Dir<'static>, assets: &mut BTreeMap<String, Asset>) {
    for file in folder.files() {
        let hash = Sha256::digest(file.contents());
        let etag = hash.iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let path = file.path().to_string_lossy();
        let asset = Asset { content: file.contents(), kind: kind(&path), etag: format!("\"{etag}\"") };
        assets.insert(format!("/{path}"), asset);
    }
    for inner in folder.dirs() {
        collect(inner, assets);
    }
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The file at a path; the page itself where the path is one of its own addresses.
pub(super) async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    let is_file = path.starts_with("/assets/") || path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    let asset = match ASSETS.get(path) {
        Some(asset) => asset,
        None if is_file => return StatusCode::NOT_FOUND.into_response(),
        None => match ASSETS.get("/index.html") {
            Some(page) => page,
            None => return StatusCode::NOT_FOUND.into_response(),
        },
    };
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|etag| etag.as_bytes() == asset.etag.as_bytes());
    let caching = [(header::CACHE_CONTROL, "no-cache".to_owned()), (header::ETAG, asset.etag.clone())];
    if known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, asset.kind)], asset.content).into_response()
}
