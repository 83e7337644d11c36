//! Connections: how many, and how long a client may take. axum's own server sets no limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tower_service::Service as _;

/// The most connections at once. One more closes the oldest one that is not being answered.
const MOST: usize = 32;

/// How long the head of a request may take, and how long a connection stays open without one.
const HEAD: Duration = Duration::from_secs(5);

/// The most bytes of the head of a request: cursors are long.
const HEAD_BYTES: usize = 128 << 10;

/// How long accepting pauses when the system refuses it, for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

struct Open {
    task: AbortHandle,
    busy: Busy,
}

/// Answers connections for ever.
pub(super) async fn accept(listener: TcpListener, router: Router) {
    let mut tasks = JoinSet::new();
    let mut open: Vec<Open> = Vec::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        while tasks.try_join_next().is_some() {}
        open.retain(|one| !one.task.is_finished());
        if open.len() >= MOST {
            // Oldest first. Where all are being answered there is no room for another.
            let Some(at) = open.iter().position(|one| !one.busy.is_working()) else { continue };
            open.remove(at).task.abort();
        }
        let busy = Busy::default();
        let task = tasks.spawn(serve(stream, router.clone(), busy.clone()));
        open.push(Open { task, busy });
    }
}

async fn serve(stream: tokio::net::TcpStream, router: Router, busy: Busy) {
    // Answers are small and a person waits for them.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(busy.clone());
        router.clone().call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client that went away or sent no HTTP has had its answer, if any.
    drop(served);
}

/// Whether a connection has a request that is being answered: one that has come whole and may be asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy(Arc<AtomicUsize>);

/// For as long as this lives its connection is busy.
#[derive(Debug)]
pub(super) struct Working(Busy);

impl Busy {
    /// Says that an answer is being made.
    pub(super) fn work(&self) -> Working {
        self.0.fetch_add(1, Ordering::Relaxed);
        Working(self.clone())
    }

    fn is_working(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
