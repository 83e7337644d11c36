//! Who may ask: a launch code, exchanged once for a token that every request of the page carries.
//!
//! The code is in the fragment of the launch URL, which no server and no log sees. A page that learns it later, from a
//! history or a list of processes, has nothing. The token is in no cookie, so that no other page makes the browser send it.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::{Choice, ConstantTimeEq as _};

/// How long a launch code works.
const CODE_LIFE: Duration = Duration::from_secs(60);

/// After how many wrong codes the right one no longer works.
const TRIES: u8 = 5;

/// How many tokens work at once; the oldest one stops when another is made.
const TOKENS: usize = 32;

/// Why a code was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It was exchanged before.
    Used,
    /// It is too old.
    Late,
    /// It was never made, or too many were tried.
    Wrong,
}

/// All sessions of a studio.
#[derive(Debug)]
pub(super) struct Sessions(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    code: Option<Code>,
    used: Option<String>,
    tokens: Vec<String>,
    last: Instant,
}

#[derive(Debug)]
struct Code {
    text: String,
    made: Instant,
    wrong: u8,
}

impl Default for Sessions {
    fn default() -> Self {
        Self(Mutex::new(Inner { code: None, used: None, tokens: Vec::new(), last: Instant::now() }))
    }
}

impl Sessions {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a code. The one before no longer works.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(super) fn launch(&self) -> io::Result<String> {
        let text = random()?;
        let mut inner = self.inner();
        inner.code = Some(Code { text: text.clone(), made: Instant::now(), wrong: 0 });
        inner.last = Instant::now();
        Ok(text)
    }

    /// Exchanges a code for a token.
    ///
    /// # Errors
    /// The [`Refusal`] within; the system has no random numbers.
    pub(super) fn exchange(&self, code: &str) -> io::Result<Result<String, Refusal>> {
        self.exchange_at(code, Instant::now())
    }

    fn exchange_at(&self, given: &str, now: Instant) -> io::Result<Result<String, Refusal>> {
        let mut inner = self.inner();
        if inner.used.as_ref().is_some_and(|used| is_same(used, given)) {
            return Ok(Err(Refusal::Used));
        }
        let Some(code) = &mut inner.code else { return Ok(Err(Refusal::Wrong)) };
        if !is_same(&code.text, given) {
            code.wrong += 1;
            if code.wrong >= TRIES {
                inner.code = None;
            }
            return Ok(Err(Refusal::Wrong));
        }
        if now.duration_since(code.made) > CODE_LIFE {
            inner.code = None;
            return Ok(Err(Refusal::Late));
        }
        let token = random()?;
        inner.used = inner.code.take().map(|code| code.text);
        if inner.tokens.len() >= TOKENS {
            inner.tokens.remove(0);
        }
        inner.tokens.push(token.clone());
        inner.last = now;
        Ok(Ok(token))
    }

    /// Whether this is the token of a session. If so, the studio is in use.
    pub(super) fn admits(&self, token: &str) -> bool {
        let mut inner = self.inner();
        // All of them are compared, so that the time does not depend on which one was nearest.
        let any =
            inner.tokens.iter().fold(Choice::from(0), |any, known| any | known.as_bytes().ct_eq(token.as_bytes()));
        if any.into() {
            inner.last = Instant::now();
            return true;
        }
        false
    }

    /// For how long nothing was asked.
    pub(super) fn quiet_for(&self) -> Duration {
        self.inner().last.elapsed()
    }
}

fn is_same(known: &str, given: &str) -> bool {
    known.as_bytes().ct_eq(given.as_bytes()).into()
}

/// 256 random bits.
fn random() -> io::Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system has no random numbers"))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_works_once() {
        let sessions = Sessions::default();
        let code = sessions.launch().unwrap();
        let token = sessions.exchange(&code).unwrap().unwrap();
        assert_ne!(code, token);
        assert!(sessions.admits(&token));
        assert!(!sessions.admits(&code) && !sessions.admits("") && !sessions.admits(&token[1..]));
        assert_eq!(sessions.exchange(&code).unwrap(), Err(Refusal::Used));
    }

    #[test]
    fn a_code_dies_of_age_of_wrong_tries_and_of_the_next_one() {
        let sessions = Sessions::default();
        let code = sessions.launch().unwrap();
        let late = Instant::now() + CODE_LIFE + Duration::from_secs(1);
        assert_eq!(sessions.exchange_at(&code, late).unwrap(), Err(Refusal::Late));
        assert_eq!(sessions.exchange(&code).unwrap(), Err(Refusal::Wrong));

        let code = sessions.launch().unwrap();
        for _ in 0..TRIES {
            assert_eq!(sessions.exchange("wrong").unwrap(), Err(Refusal::Wrong));
        }
        assert_eq!(sessions.exchange(&code).unwrap(), Err(Refusal::Wrong));

        let first = sessions.launch().unwrap();
        let second = sessions.launch().unwrap();
        assert_eq!(sessions.exchange(&first).unwrap(), Err(Refusal::Wrong));
        assert!(sessions.exchange(&second).unwrap().is_ok());
    }

    #[test]
    fn two_tabs_have_a_session_each() {
        let sessions = Sessions::default();
        let tab = || sessions.exchange(&sessions.launch().unwrap()).unwrap().unwrap();
        let (one, other) = (tab(), tab());
        assert!(sessions.admits(&one) && sessions.admits(&other));
    }
}
