//! The wording of a commit whose outcome is not known: it was sent and not answered, or it is on this server and not known
//! to be on its standby.

use super::{Error, Kind};
use crate::db::NotReplicated;
use crate::message::{Command, message};

/// The word for scripts.
pub(crate) const OUTCOME_UNKNOWN: &str = "outcome_unknown";

/// The word for scripts where a commit is on one server alone.
pub(crate) const NOT_REPLICATED: &str = "not_replicated";

/// How to find out.
#[derive(Clone, Debug)]
pub(crate) enum RetryAdvice<'a> {
    /// The same command once more: a second time it changes nothing.
    Line(Command),
    /// The same command under a key, which is applied once.
    Key {
        /// The command without its key.
        line: Command,
        /// The key.
        key: &'a str,
        /// Whether the key was on the command line, or was drawn and is not known yet.
        given: bool,
    },
    /// A command that shows whether it is there, and changes nothing.
    Look(Command),
    /// There is no one way.
    Unsaid,
}

/// The outcome is not known.
///
/// Exit code 7, on which scripts run the same line again, only where that cannot pay twice.
pub(crate) fn outcome_unknown(again: RetryAdvice<'_>) -> Error {
    let kind = match &again {
        RetryAdvice::Line(_) | RetryAdvice::Key { given: true, .. } | RetryAdvice::Unsaid => Kind::Unreachable,
        RetryAdvice::Key { given: false, .. } | RetryAdvice::Look(_) => Kind::Failure,
    };
    let error = Error::new(kind, OUTCOME_UNKNOWN, "the outcome is unknown")
        .why("no answer came while the change was being made to last: it is there whole, or not at all");
    match again {
        RetryAdvice::Line(line) => error.why("run again, it is made if it was not, and only then").fix(line),
        RetryAdvice::Key { line, key, .. } => error
            .why("under its key it is applied once: run again, it is applied, or says that it was")
            .fix(line.flag("--key", key)),
        RetryAdvice::Look(line) => error.why("look whether it is there before you run it again").fix(line),
        RetryAdvice::Unsaid => error.why("look whether it is there before you run it again"),
    }
}

/// The change is made, and a failover might lose it.
///
/// Exit code 7 always. It is marked as worth another try only where that cannot pay twice.
pub(crate) fn not_replicated(again: RetryAdvice<'_>, commit: &NotReplicated) -> Error {
    let error = Error::new(Kind::Unreachable, NOT_REPLICATED, "made on this server, not known to be on its standby")
        .why("a standby has to confirm each change here, and has not confirmed this one: a failover might lose it");
    let error = match &commit.warning {
        Some(warning) => error.why(message!("the server says: {}", warning)),
        None => error,
    };
    match again {
        RetryAdvice::Line(line) => {
            error.why("run it again when the standby is back: it is made if it was lost, and only then").fix(line)
        }
        RetryAdvice::Key { line, key, given } => {
            let error = error
                .why("under its key it is applied once: run it again when the standby is back")
                .fix(line.flag("--key", key));
            if given { error } else { error.never_as_it_is() }
        }
        RetryAdvice::Look(line) => error
            .why("look whether it is there, once the standby is back, before you run it again")
            .fix(line)
            .never_as_it_is(),
        RetryAdvice::Unsaid => error.why("look whether it is there, once the standby is back, before you run it again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::skyteam;

    #[test]
    fn only_what_cannot_pay_twice_is_worth_another_try() {
        let under = |key, given| outcome_unknown(RetryAdvice::Key { line: skyteam("miles award 1 5"), key, given });
        let given = under("k 1", true);
        assert_eq!((given.exit_code(), given.kind().retryable()), (7, true));
        assert_eq!(given.fixes(), ["skyteam miles award 1 5 --key 'k 1'"]);
        let drawn = under("id:029e7895-3e95-5684-8815-534be15f200c", false);
        assert_eq!((drawn.exit_code(), drawn.kind().retryable()), (1, false));
        assert_eq!(drawn.fixes(), ["skyteam miles award 1 5 --key id:029e7895-3e95-5684-8815-534be15f200c"]);
        assert_eq!(outcome_unknown(RetryAdvice::Line(skyteam("miles reverse 1"))).exit_code(), 7);
        assert_eq!(outcome_unknown(RetryAdvice::Look(skyteam("miles history 1"))).exit_code(), 1);
    }

    #[test]
    fn what_a_standby_has_not_confirmed_is_exit_7_and_retryable_only_under_a_given_key() {
        let commit = NotReplicated { warning: Some("canceling wait".into()) };
        let retryable = |again| {
            let error = not_replicated(again, &commit);
            let json: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
            assert_eq!(json["error"]["exit"], 7);
            json["error"]["retryable"].as_bool().unwrap()
        };
        assert!(retryable(RetryAdvice::Key { line: skyteam("miles award 1 5"), key: "k", given: true }));
        assert!(!retryable(RetryAdvice::Key { line: skyteam("miles award 1 5"), key: "id:1", given: false }));
        assert!(retryable(RetryAdvice::Line(skyteam("miles reverse 1"))));
        assert!(retryable(RetryAdvice::Unsaid));
    }
}
