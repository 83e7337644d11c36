//! A relay inside the process between sqlx and a PostgreSQL server: it makes the connection, encrypts it, and reads what the
//! server says until the login is done.
//!
//! sqlx 0.9 believes a server before it has logged in: it keeps a message of any announced length in memory, and returns
//! any request for the password in clear text or as MD5, encrypted or not. It takes no stream of ours, and its
//! protocol reader has no limits to set. But it connects to sockets of Unix, so it is given one that ends here:
//!
//! - each message before the login is done is bounded, and so is their sum and the time ([`login`]);
//! - a password is sent only in a form that the URL and the way to the server allow ([`login::Rules`]);
//! - encryption is ours ([`encrypt`]), or all of that would be unreadable here; so it can also do what sqlx cannot: lists of
//!   revoked certificates, limits of the protocol's version, no word of an authority beside the one that is named.
//!
//! After the login bytes are passed on as they come. The relay has a thread of its own, so that decrypting and decoding
//! run side by side. On Linux its socket has a name outside the file system, and only this process is served; elsewhere
//! it is in a folder that no other user may enter.

mod encrypt;
mod login;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub(super) use encrypt::{Encryption, Files};
pub(super) use login::{RequireAuth, Rules};

use super::connect_error::LoginRefusal;
use crate::system::{self, Clients, LocalSocket, LocalStream};

/// How much is passed on at once after the login, in bytes.
const BUFFER: usize = 128 << 10;

/// How long what was sent last may take to reach the server at the end.
const FAREWELL: Duration = Duration::from_millis(250);

/// The part of a socket's name that sqlx appends to the folder it is given.
const SOCKET: &str = ".s.PGSQL.5432";

/// The port that makes sqlx append [`SOCKET`].
pub(super) const PORT: u16 = 5432;

/// Where a server is.
#[derive(Clone, Debug)]
pub(super) enum Address {
    /// The path of its socket.
    Socket(PathBuf),
    /// Host name or address, and port.
    Tcp(String, u16),
}

/// What a relay connects to, and under which rules.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) address: Address,
    pub(super) encryption: Encryption,
    pub(super) rules: Rules,
    /// Longest login.
    pub(super) limit: Duration,
}

/// Why a login was cut off.
#[derive(Debug)]
pub(super) enum Failure {
    /// In the terms of the driver, had it made the connection itself.
    Driver(sqlx::Error),
    /// Refused by a rule.
    Refused(LoginRefusal),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Driver(error.into())
    }
}

/// A stream to a server, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A running relay. It ends with the value.
#[derive(Debug)]
pub(super) struct Relay {
    /// The folder for sqlx to connect to.
    pub(super) folder: PathBuf,
    state: Arc<State>,
    stop: Mutex<Option<watch::Sender<()>>>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

#[derive(Debug, Default)]
struct State {
    /// Why the last login that did not come to an answer of the server was cut off.
    failure: Mutex<Option<Failure>>,
    /// Whether a login was done.
    reached: AtomicBool,
    /// Whether a client learns from the relay alone why a login was cut off.
    explains: bool,
    /// Whether the last one was encrypted.
    encrypted: AtomicBool,
}

impl Relay {
    /// Starts one for this process.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn start(route: Route) -> io::Result<Self> {
        Self::serve(route, Clients::Process)
    }

    /// Starts one for programs that this process starts, in a folder that no other user may enter: libpq before PostgreSQL
    /// 16 answers any request for the password, and here the same rules hold for it.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn start_for_children(route: Route) -> io::Result<Self> {
        Self::serve(route, Clients::User)
    }

    fn serve(route: Route, clients: Clients) -> io::Result<Self> {
        let socket = LocalSocket::listen(SOCKET, clients)?;
        let folder = socket.folder.clone();
        let state = Arc::new(State { explains: clients == Clients::User, ..State::default() });
        let (stop, stopped) = watch::channel(());
        let (end, ended) = oneshot::channel();
        let shared = Arc::clone(&state);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("relay".into()).spawn(move || {
            let served = runtime.block_on(serve_all(&socket, Arc::new(route), shared, stopped));
            if let Err(error) = served {
                tracing::error!(%error, "the relay ended");
            }
            // The receiver may be gone.
            let _ = end.send(());
        })?;
        Ok(Self { folder, state, stop: Some(stop).into(), ended: Some(ended).into() })
    }

    /// Why the last connection failed, where that was not the server's answer.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.state.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether what the last login sent was encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.state.encrypted.load(Ordering::Relaxed)
    }

    /// Waits until what was sent last has reached the server, a moment long.
    pub(super) async fn close(&self) {
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended {
            // A server that does not answer is not waited for.
            let _ = timeout(FAREWELL, ended).await;
        }
    }
}

async fn serve_all(
    socket: &LocalSocket,
    route: Arc<Route>,
    state: Arc<State>,
    mut stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let listener = socket.accepting()?;
    let mut served = JoinSet::new();
    loop {
        tokio::select! {
            // The sender was dropped.
            _ = stopped.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok(Some(client)) => {
                    served.spawn(serve(client, Arc::clone(&route), Arc::clone(&state)));
                }
                Ok(None) => {}
                // Of descriptors, most likely: some may be closed by then.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = served.join_next() => {}
        }
    }
    drop(listener);
    let _ = timeout(FAREWELL, async { while served.join_next().await.is_some() {} }).await;
    Ok(())
}

async fn serve(mut client: LocalStream, route: Arc<Route>, state: Arc<State>) {
    let late = || Err(io::Error::from(io::ErrorKind::TimedOut).into());
    match timeout(route.limit, login::login(&mut client, &route)).await.unwrap_or_else(|_| late()) {
        Ok(Some((mut server, encrypted))) => {
            state.encrypted.store(encrypted, Ordering::Relaxed);
            state.reached.store(true, Ordering::Relaxed);
            // Where either end is gone, the other one learns it by the end of its stream.
            let _ = copy_bidirectional_with_sizes(&mut client, &mut server, BUFFER, BUFFER).await;
        }
        // The server said why, or sqlx gave up.
        Ok(None) => {}
        Err(failure) => {
            if state.explains || state.reached.load(Ordering::Relaxed) {
                login::explain(&mut client, &failure).await;
            }
            *state.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        }
    }
}

/// A connection to the server, before anything is said.
async fn reach(address: &Address) -> io::Result<Reached> {
    match address {
        Address::Socket(path) => LocalStream::connect(path).await.map(Reached::Socket),
        Address::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            // As libpq does. A system that refuses either is used all the same.
            let _ = stream.set_nodelay(true);
            let _ = system::keep_alive(&stream);
            Ok(Reached::Tcp(stream))
        }
    }
}

enum Reached {
    Socket(LocalStream),
    Tcp(TcpStream),
}

/// The path of a server's socket in its folder.
pub(super) fn socket_path(folder: &str, port: u16) -> PathBuf {
    Path::new(folder).join(format!(".s.PGSQL.{port}"))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;

    use sqlx::postgres::PgSslMode;

    use super::*;

    /// A driver that does not mind would wait as long as the server likes, and keep its connection.
    #[test]
    fn a_login_ends_in_time_though_its_client_waits_on() {
        for (mode, says) in
            [(PgSslMode::Disable, b"".as_slice()), (PgSslMode::Require, b""), (PgSslMode::Require, b"S")]
        {
            let silent = TcpListener::bind("127.0.0.1:0").unwrap();
            let route = Route {
                address: Address::Tcp("127.0.0.1".into(), silent.local_addr().unwrap().port()),
                encryption: Encryption::new(mode, "127.0.0.1", &Files::default()).unwrap(),
                rules: Rules::default(),
                limit: Duration::from_millis(50),
            };
            let relay = Relay::start_for_children(route).unwrap();
            let mut client = std::os::unix::net::UnixStream::connect(relay.folder.join(SOCKET)).unwrap();
            let (mut server, _) = silent.accept().unwrap();
            io::Write::write_all(&mut server, says).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut said = Vec::new();
            client.read_to_end(&mut said).unwrap();
            assert!(String::from_utf8_lossy(&said).contains("timed out"), "{said:?}");
            assert!(
                matches!(relay.failure(), Some(Failure::Driver(sqlx::Error::Io(error))) if error.kind() == io::ErrorKind::TimedOut)
            );
        }
    }
}
