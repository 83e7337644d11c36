//! Consent to a dangerous operation, as a type.
//!
//! Whatever can lose or change data takes an [`Approval`] by value. The shells make one, from a flag, a prompt or the body
//! of a request; no engine can reach a terminal through it.

/// The consent of a person, or of a flag given instead. Used up by the operation that it allows.
#[derive(Debug)]
#[must_use]
pub struct Approval(());

impl Approval {
    /// An approval. The caller has obtained consent to exactly the operation that it is passed to.
    pub fn given() -> Self {
        Self(())
    }
}
