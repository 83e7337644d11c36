//! The wording of an outcome that nobody knows: the change was sent to be made to last, and no answer came.

use super::{Error, Kind, shell};

/// The word for scripts.
pub const OUTCOME_UNKNOWN: &str = "outcome_unknown";

/// How to find out.
#[derive(Clone, Copy, Debug)]
pub enum RetryAdvice<'a> {
    /// The same command once more: a second time it changes nothing.
    Line(&'a str),
    /// The same command under a key, which is applied once.
    Key {
        /// The command without its key.
        line: &'a str,
        /// The key.
        key: &'a str,
        /// Whether the key was on the command line, or was drawn and nobody knows it yet.
        given: bool,
    },
    /// A command that shows whether it is there, and changes nothing.
    Look(&'a str),
    /// There is no one way.
    Unsaid,
}

/// The outcome is not known.
///
/// Exit code 7, which tells scripts to run the same line again, only where that cannot pay twice.
pub fn outcome_unknown(again: RetryAdvice<'_>) -> Error {
    let kind = match again {
        RetryAdvice::Line(_) | RetryAdvice::Key { given: true, .. } | RetryAdvice::Unsaid => Kind::Unreachable,
        RetryAdvice::Key { given: false, .. } | RetryAdvice::Look(_) => Kind::Failure,
    };
    let error = Error::new(kind, OUTCOME_UNKNOWN, "the outcome is unknown")
        .why("no answer came while the change was being made to last: it is there whole, or not at all");
    match again {
        RetryAdvice::Line(line) => error.why("run again, it is made if it was not, and only then").fix(line),
        RetryAdvice::Key { line, key, .. } => error
            .why("under its key it is applied once: run again, it is applied, or says that it was")
            .fix(format!("{line} {}", shell::flag("--key", key))),
        RetryAdvice::Look(line) => error.why("look whether it is there before you run it again").fix(line),
        RetryAdvice::Unsaid => error.why("look whether it is there before you run it again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_pay_twice_is_worth_another_try() {
        let under = |key, given| outcome_unknown(RetryAdvice::Key { line: "skyteam miles award 1 5", key, given });
        let given = under("k 1", true);
        assert_eq!((given.exit_code(), given.kind().retryable()), (7, true));
        assert_eq!(given.fixes(), ["skyteam miles award 1 5 --key 'k 1'"]);
        let drawn = under("id:029e7895-3e95-5684-8815-534be15f200c", false);
        assert_eq!((drawn.exit_code(), drawn.kind().retryable()), (1, false));
        assert_eq!(drawn.fixes(), ["skyteam miles award 1 5 --key id:029e7895-3e95-5684-8815-534be15f200c"]);
        assert_eq!(outcome_unknown(RetryAdvice::Line("skyteam miles reverse 1")).exit_code(), 7);
        assert_eq!(outcome_unknown(RetryAdvice::Look("skyteam miles history 1")).exit_code(), 1);
    }
}
