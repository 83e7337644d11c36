//! What a server may say before it has logged us in: messages of bounded length, and a request for the password in a form
//! that is allowed.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Failure, Route, Stream, encrypt};
use crate::db::connect_error::{ConnectError, LoginRefusal};
use crate::system::LocalStream;

/// Longest message, in bytes. libpq takes 2000 for a request of authentication and 30 000 for a refusal.
const LONGEST: usize = 64 << 10;

/// Most of all messages together, in bytes.
const MOST: usize = 1 << 20;

/// The ways of logging in that libpq's `require_auth` names.
const METHODS: [&str; 7] = ["password", "md5", "gss", "sspi", "scram-sha-256", "oauth", "none"];

/// How the password may be given.
#[derive(Clone, Debug, Default)]
pub(in crate::db) struct Rules {
    /// Whether others may listen on an unencrypted way to the server.
    pub(in crate::db) remote: bool,
    /// The value of libpq's `require_auth`.
    pub(in crate::db) required: Option<RequireAuth>,
}

/// libpq's `require_auth`.
#[derive(Clone, Debug)]
pub(in crate::db) struct RequireAuth {
    text: String,
    /// Whether the methods are those that are not allowed.
    negative: bool,
    methods: Vec<&'static str>,
}

impl RequireAuth {
    /// # Errors
    /// [`ConnectError::Parameter`].
    pub(in crate::db) fn parse(text: &str) -> Result<Self, ConnectError> {
        let words: Vec<&str> = text.split(',').map(str::trim).collect();
        let negative = words[0].starts_with('!');
        let mut methods = Vec::new();
        for word in words {
            let name = word.strip_prefix('!');
            let known = METHODS.into_iter().find(|method| *method == name.unwrap_or(word));
            match known {
                Some(method) if name.is_some() == negative => methods.push(method),
                _ => {
                    return Err(ConnectError::parameter(
                        "require_auth",
                        text,
                        "a list of scram-sha-256, md5, password, none, gss, sspi, oauth; or of those with ! before each",
                    ));
                }
            }
        }
        Ok(Self { text: text.to_owned(), negative, methods })
    }

    fn allows(&self, method: &str) -> bool {
        self.methods.contains(&method) != self.negative
    }

    /// Whether this way is wanted by its name.
    fn names(&self, method: &str) -> bool {
        !self.negative && self.methods.contains(&method)
    }
}

/// Logs in: passes on what either side says until the server is ready for statements, and returns the connection to it and
/// whether that is encrypted; `None` where the server said no, or the client gave up.
pub(super) async fn login(client: &mut LocalStream, route: &Route) -> Result<Option<(Box<dyn Stream>, bool)>, Failure> {
    let (mut server, encrypted) = encrypt::connect(route).await?;
    let mut judge = Judge { rules: &route.rules, encrypted, asked: None, total: 0 };
    let mut said = vec![0; 16 << 10];
    let mut heard = BytesMut::new();
    loop {
        while let Some(message) = judge.next(&heard)? {
            client.write_all(&heard.split_to(message.length)).await?;
            match message.kind {
                b'E' => return Ok(None),
                b'Z' => {
                    client.write_all(&heard).await?;
                    return Ok(Some((server, encrypted)));
                }
                _ => {}
            }
        }
        heard.reserve(8 << 10);
        tokio::select! {
            count = client.read(&mut said) => match count? {
                0 => return Ok(None),
                count => {
                    server.write_all(&said[..count]).await?;
                    server.flush().await?;
                }
            },
            count = server.read_buf(&mut heard) => if count? == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
            },
        }
    }
}

struct Message {
    kind: u8,
    /// With its head, in bytes.
    length: usize,
}

struct Judge<'a> {
    rules: &'a Rules,
    encrypted: bool,
    /// How the server asked to log in.
    asked: Option<&'static str>,
    total: usize,
}

impl Judge<'_> {
    /// The message at the start of `heard`, if all of it is there.
    fn next(&mut self, heard: &[u8]) -> Result<Option<Message>, Failure> {
        let Some((&kind, rest)) = heard.split_first() else { return Ok(None) };
        if !b"RENSKZv".contains(&kind) {
            return Err(strange());
        }
        let Some((length, _)) = rest.split_first_chunk() else { return Ok(None) };
        let announced = u32::from_be_bytes(*length);
        let length = usize::try_from(announced).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(Failure::Refused(LoginRefusal::LongMessage { length: announced.into() }));
        }
        if length < 4 {
            return Err(strange());
        }
        let Some(body) = rest.get(4..length) else { return Ok(None) };
        self.total += length;
        if self.total > MOST {
            return Err(Failure::Refused(LoginRefusal::Flood { length: self.total as u64 }));
        }
        if kind == b'R' {
            self.request(body)?;
        }
        Ok(Some(Message { kind, length: length + 1 }))
    }

    /// A message about the login itself (PostgreSQL manual, "Message Formats", Authentication…).
    fn request(&mut self, body: &[u8]) -> Result<(), Failure> {
        let (code, _) = body.split_first_chunk().ok_or_else(strange)?;
        let method = match u32::from_be_bytes(*code) {
            // It is done. Without having asked for anything?
            0 if self.asked.is_some() => return Ok(()),
            0 => "none",
            3 => "password",
            5 => "md5",
            7 => "gss",
            9 => "sspi",
            10 => "scram-sha-256",
            _ => return Ok(()),
        };
        self.asked = Some(method);
        if let Some(required) = self.rules.required.as_ref().filter(|required| !required.allows(method)) {
            let required = required.text.clone();
            return Err(Failure::Refused(LoginRefusal::Method { asked: method, required }));
        }
        let wanted = self.rules.required.as_ref().is_some_and(|required| required.names(method));
        if matches!(method, "password" | "md5") && self.rules.remote && !self.encrypted && !wanted {
            return Err(Failure::Refused(LoginRefusal::Unprotected { method }));
        }
        Ok(())
    }
}

fn strange() -> Failure {
    Failure::Driver(sqlx::Error::Protocol("no message of PostgreSQL before the login".into()))
}

/// Sends sqlx the reason as an error of the server, once the first connection was made: from then on the relay is not asked
/// for it.
pub(super) async fn explain(client: &mut LocalStream, failure: &Failure) {
    let (code, words) = match failure {
        // The pool tries again.
        Failure::Driver(sqlx::Error::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            ("57P03", error.to_string())
        }
        Failure::Driver(error) => ("08006", error.to_string()),
        Failure::Refused(refusal) => ("08004", format!("skyteam refused the login: {refusal}")),
    };
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{words}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap_or_default();
    let message = [b"E".as_slice(), &length.to_be_bytes(), fields.as_bytes()].concat();
    // It may have gone.
    let _ = client.write_all(&message).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind], (body.len() as u32 + 4).to_be_bytes().as_slice(), body].concat()
    }

    fn asked(code: u32, rules: &Rules, encrypted: bool) -> Result<(), LoginRefusal> {
        let mut judge = Judge { rules, encrypted, asked: None, total: 0 };
        match judge.next(&message(b'R', &code.to_be_bytes())) {
            Ok(message) => {
                assert!(message.is_some());
                Ok(())
            }
            Err(Failure::Refused(refusal)) => Err(refusal),
            Err(Failure::Driver(error)) => panic!("{error}"),
        }
    }

    fn rules(remote: bool, required: &str) -> Rules {
        let required = (!required.is_empty()).then(|| RequireAuth::parse(required).unwrap());
        Rules { remote, required }
    }

    #[test]
    fn a_password_is_readable_on_no_way_but_by_wish() {
        for (code, method) in [(3, "password"), (5, "md5")] {
            assert_eq!(asked(code, &rules(true, ""), false), Err(LoginRefusal::Unprotected { method }));
            assert_eq!(asked(code, &rules(true, "!none"), false), Err(LoginRefusal::Unprotected { method }));
            for (rules, encrypted) in [(rules(true, ""), true), (rules(false, ""), false), (rules(true, method), false)]
            {
                assert_eq!(asked(code, &rules, encrypted), Ok(()));
            }
        }
        assert_eq!(asked(10, &rules(true, ""), false), Ok(()));
    }

    #[test]
    fn require_auth_is_obeyed() {
        let refused = |code, required: &str| asked(code, &rules(false, required), true).is_err();
        for (code, required) in
            [(0, "scram-sha-256"), (3, "scram-sha-256,md5"), (5, "!md5"), (0, "!none"), (10, "none")]
        {
            assert!(refused(code, required), "{code} under {required}");
        }
        for (code, required) in [(0, "none"), (10, "scram-sha-256"), (3, "!md5,!none"), (5, "password, md5")] {
            assert!(!refused(code, required), "{code} under {required}");
        }
        for wrong in ["", "scram", "md5,!none", "!md5,none", "md5,,none"] {
            assert!(RequireAuth::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn messages_are_bounded() {
        let rules = Rules::default();
        let mut judge = Judge { rules: &rules, encrypted: false, asked: None, total: 0 };
        assert!(matches!(judge.next(b"N\x47\x86\x8c"), Ok(None)));
        let long = judge.next(b"N\x47\x86\x8c\x00");
        assert!(matches!(long, Err(Failure::Refused(LoginRefusal::LongMessage { length: 1_200_000_000 }))));
        for strange in [b"H".as_slice(), b"D\0\0\0\x04", b"N\0\0\0\x03"] {
            assert!(matches!(judge.next(strange), Err(Failure::Driver(sqlx::Error::Protocol(_)))));
        }
        let notice = message(b'N', &[0; 60_000]);
        let flood = (0..20).map(|_| judge.next(&notice)).find(Result::is_err);
        assert!(matches!(flood, Some(Err(Failure::Refused(LoginRefusal::Flood { .. })))));
    }
}
