//! What a request must be before any route sees it, and what every answer carries.
//!
//! The studio is on a port of the loopback, where every page that the browser has open can send requests, and every page
//! whose name its owner points there (DNS rebinding) can read the answers. So a request must name us as its host, exactly
//! once; must not come from another origin; and below `/api` must carry a token that no other page knows. Whatever is refused
//! is answered with a status alone.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State as Shared};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use http_body_util::{BodyExt as _, Limited};

use super::State;
use super::reply;
use super::server::Busy;

/// The most bytes of a body.
const BODY: usize = 1 << 20;

/// The most bytes of the body with a launch code, which an unauthenticated client may send.
const CODE_BODY: usize = 4 << 10;

/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(10);

/// What the page may do: be itself, and talk to us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// The headers of every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// The hosts that a request may name.
#[derive(Debug)]
pub(super) struct Hosts {
    own: Vec<String>,
    /// Behind a proxy, whose scheme is its own business.
    allowed: Vec<String>,
}

impl Hosts {
    /// The loopback at `port`, and `allowed` names, with a port or without.
    pub(super) fn new(port: u16, allowed: &[String]) -> Self {
        let own = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}")).to_vec();
        let with_port = |name: &String| {
            let name = name.to_ascii_lowercase();
            let port = format!("{name}:{port}");
            [name, port]
        };
        Self { own, allowed: allowed.iter().flat_map(with_port).collect() }
    }

    fn names_us(&self, host: &str) -> bool {
        self.own.iter().chain(&self.allowed).any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Whether `origin` is that of a page of ours at `host`.
    fn is_own_origin(&self, origin: &str, host: &str) -> bool {
        if origin.strip_prefix("http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host)) {
            return true;
        }
        let proxied = self.allowed.iter().any(|known| known.eq_ignore_ascii_case(host));
        proxied && origin.strip_prefix("https://").is_some_and(|origin| origin.eq_ignore_ascii_case(host))
    }
}

/// The middleware in front of everything.
pub(super) async fn guard(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let is_api = is_api(request.uri().path());
    let mut response = match admitted(&state, request).await {
        Ok(request) => {
            let _working = request.extensions().get::<Busy>().map(Busy::work);
            match AssertUnwindSafe(next.run(request)).catch_unwind().await {
                Ok(response) => response,
                // What it said is on the terminal.
                Err(_) => reply::panicked(),
            }
        }
        Err(status) => status.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_api || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// The request, whole, where it may be answered; else the status that says what is wrong with it.
async fn admitted(state: &State, request: Request) -> Result<Request, StatusCode> {
    let (parts, body) = request.into_parts();
    let host = host(&state.hosts, &parts)?.to_owned();
    let is_api = is_api(parts.uri.path());
    comes_from_us(&state.hosts, &parts, &host, is_api)?;
    let writes = match parts.method {
        Method::GET | Method::HEAD => false,
        Method::POST => true,
        _ => return Err(StatusCode::METHOD_NOT_ALLOWED),
    };
    if writes && !is_json(&parts.headers) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let brings_code = writes && parts.uri.path() == "/api/session";
    if is_api && !brings_code && !bears_token(state, &parts.headers) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let most = match (writes, brings_code) {
        (false, _) => 0,
        (true, true) => CODE_BODY,
        (true, false) => BODY,
    };
    let body = whole(body, &parts.headers, most).await?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// The one host that the request names, where it is ours.
fn host<'a>(hosts: &Hosts, parts: &'a Parts) -> Result<&'a str, StatusCode> {
    let mut named = parts.headers.get_all(header::HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else { return Err(StatusCode::MISDIRECTED_REQUEST) };
    // A target with an authority in it is for proxies: two names for one request are one too many.
    if parts.uri.authority().is_some() || parts.uri.scheme().is_some() {
        return Err(StatusCode::MISDIRECTED_REQUEST);
    }
    match host.to_str() {
        Ok(host) if hosts.names_us(host) => Ok(host),
        _ => Err(StatusCode::MISDIRECTED_REQUEST),
    }
}

/// Refuses what another page has sent, as far as the browser says so.
fn comes_from_us(hosts: &Hosts, parts: &Parts, host: &str, is_api: bool) -> Result<(), StatusCode> {
    let writes = parts.method != Method::GET && parts.method != Method::HEAD;
    for site in parts.headers.get_all("sec-fetch-site") {
        match site.as_bytes() {
            b"same-origin" => {}
            // The person has typed the address.
            b"none" if !is_api && !writes => {}
            _ => return Err(StatusCode::FORBIDDEN),
        }
    }
    let mut origins = parts.headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) if writes => Err(StatusCode::FORBIDDEN),
        (None, _) => Ok(()),
        (Some(origin), None) if origin.to_str().is_ok_and(|origin| hosts.is_own_origin(origin, host)) => Ok(()),
        _ => Err(StatusCode::FORBIDDEN),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(given), None) = (types.next(), types.next()) else { return false };
    let Ok(given) = given.to_str() else { return false };
    let (essence, parameters) = given.split_once(';').unwrap_or((given, ""));
    let parameters = parameters.trim();
    essence.trim().eq_ignore_ascii_case("application/json")
        && (parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8"))
}

fn bears_token(state: &State, headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(given), None) = (given.next(), given.next()) else { return false };
    given
        .to_str()
        .ok()
        .and_then(|given| given.strip_prefix("Bearer "))
        .is_some_and(|token| state.sessions.admits(token))
}

/// The whole body, of at most so many bytes, within the time that a body may take.
async fn whole(body: Body, headers: &HeaderMap, most: usize) -> Result<Bytes, StatusCode> {
    // Said beforehand, it is not waited for.
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let collected = tokio::time::timeout(BODY_TIME, Limited::new(body, most).collect()).await;
    match collected {
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use axum::{Router, middleware};
    use tower_service::Service as _;

    use super::*;
    use crate::db::{Absent, DatabaseUrl, Options, connect};
    use crate::studio::Seat;

    async fn state() -> Arc<State> {
        let options = Options { absent: Absent::Create, ..Options::default() };
        let database = connect(&DatabaseUrl::parse("sqlite::memory:").unwrap(), options).await.unwrap();
        let seat = Seat {
            database: Arc::new(database),
            database_flag: None,
            kind: "local",
            zone: chrono_tz::Tz::UTC,
            idle: Duration::from_secs(1),
            read_only: false,
            actor: "test".to_owned(),
            orders: tokio::sync::mpsc::unbounded_channel().0,
            queries: "queries".into(),
            history: None,
            allowed_hosts: Vec::new(),
            notice: Arc::new(drop),
            detail: Arc::new(|what, cause| drop((what, cause))),
        };
        Arc::new(State::new(seat, Vec::new(), false, 80))
    }

    #[tokio::test]
    async fn what_a_panic_says_stays_here() {
        async fn panics() -> &'static str {
            panic!("secret words");
        }
        let guarded = middleware::from_fn_with_state(state().await, guard);
        let mut router: Router = Router::new().route("/", get(panics)).layer(guarded);
        let request =
            axum::http::Request::builder().uri("/").header(header::HOST, "127.0.0.1:80").body(Body::empty()).unwrap();
        let response = router.call(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("defect") && !body.contains("secret words"), "{body}");
    }
}
