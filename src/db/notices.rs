//! The server's warnings while a commit is waited for.
//!
//! A commit that was to wait for a synchronous standby succeeds when the wait is cancelled, and says so only by a WARNING
//! (PostgreSQL, `src/backend/replication/syncrep.c`). sqlx passes warnings on as `tracing` events alone (sqlx-postgres,
//! `connection/stream.rs`), with their text, which the server translates, and without their SQLSTATE or routine. So a
//! subscriber listens here, around the future that waits for the commit and nowhere else; events go on to the subscriber
//! that was there before. Deferred triggers, which would warn in the same place, were run before by
//! [`super::Transaction::commit`]. A statement that commits by itself cannot do that: after a warning there,
//! [`super::Autocommit`] finds out whether the standby has what was committed.

use std::cell::RefCell;
use std::fmt;
use std::sync::LazyLock;

use tracing::dispatcher::{Dispatch, get_default};
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, NoSubscriber, Subscriber};
use tracing::{Event, Level, Metadata};

/// Where sqlx sends what a server says beside its answers.
const TARGET: &str = "sqlx::postgres::notice";

tokio::task_local! {
    static HEARD: RefCell<Vec<String>>;
}

/// Runs `work`, and returns its result with the warnings that the server sent meanwhile.
pub(crate) async fn heard<T>(work: impl Future<Output = T>) -> (T, Vec<String>) {
    HEARD.scope(RefCell::default(), async { (work.with_subscriber(listener()).await, take()) }).await
}

/// Takes the warnings that were heard so far within [`heard`].
pub(super) fn take() -> Vec<String> {
    HEARD.try_with(RefCell::take).unwrap_or_default()
}

/// One listener for the process, unless events must also reach another subscriber.
///
/// As long as only one subscriber is registered, tracing-core asks the current thread's alone about a call site that it
/// meets for the first time, and keeps its answer (`callsite.rs`, `Rebuilder::JustOne`). A warning that came while nothing
/// listened, from any statement of the process, would make this deaf from then on. So two are registered.
fn listener() -> Dispatch {
    static ALONE: LazyLock<[Dispatch; 2]> = LazyLock::new(|| [(); 2].map(|()| Dispatch::new(Listener { next: None })));
    get_default(|current| {
        if current.is::<NoSubscriber>() || current.is::<Listener>() {
            ALONE[0].clone()
        } else {
            Dispatch::new(Listener { next: Some(current.clone()) })
        }
    })
}

/// Keeps warnings, and passes everything on to `next`.
struct Listener {
    next: Option<Dispatch>,
}

fn is_warning(metadata: &Metadata<'_>) -> bool {
    metadata.target() == TARGET && *metadata.level() == Level::WARN
}

impl Subscriber for Listener {
    fn register_callsite(&self, _metadata: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_warning(metadata) || self.next.as_ref().is_some_and(|next| next.enabled(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        match self.next {
            Some(_) => None,
            None => Some(LevelFilter::WARN),
        }
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.next.as_ref().map_or_else(|| Id::from_u64(1), |next| next.new_span(span))
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        if let Some(next) = &self.next {
            next.record(span, values);
        }
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        if let Some(next) = &self.next {
            next.record_follows_from(span, follows);
        }
    }

    fn event(&self, event: &Event<'_>) {
        if is_warning(event.metadata()) {
            let mut text = Text(String::new());
            event.record(&mut text);
            // Outside of `heard` nothing is listened to.
            let _ = HEARD.try_with(|heard| heard.borrow_mut().push(text.0));
        }
        if let Some(next) = self.next.as_ref().filter(|next| next.enabled(event.metadata())) {
            next.event(event);
        }
    }

    fn enter(&self, span: &Id) {
        if let Some(next) = &self.next {
            next.enter(span);
        }
    }

    fn exit(&self, span: &Id) {
        if let Some(next) = &self.next {
            next.exit(span);
        }
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.next.as_ref().map_or_else(|| span.clone(), |next| next.clone_span(span))
    }

    fn try_close(&self, span: Id) -> bool {
        self.next.as_ref().is_some_and(|next| next.try_close(span))
    }
}

/// The text of an event.
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warn() {
        tracing::warn!(target: "sqlx::postgres::notice", message = "from one call site");
    }

    #[tokio::test]
    async fn a_warning_that_nothing_listened_to_hides_no_later_one() {
        // The listeners are registered from here on.
        assert_eq!(heard(async {}).await.1, Vec::<String>::new());
        warn();
        assert_eq!(heard(async { warn() }).await.1, ["from one call site"]);
    }

    #[tokio::test]
    async fn warnings_of_the_server_are_heard_and_nothing_else() {
        let (value, heard) = heard(async {
            tracing::warn!(target: "sqlx::postgres::notice", message = "not on the standby");
            tracing::info!(target: "sqlx::postgres::notice", message = "a notice");
            tracing::warn!("a warning of ours");
            7
        })
        .await;
        assert_eq!((value, heard), (7, vec!["not on the standby".to_owned()]));
        tracing::warn!(target: "sqlx::postgres::notice", message = "outside of it");
        assert_eq!(take(), Vec::<String>::new());
    }
}
