//! A balancer as pgpool is one: it sends what reads to a replica, and what writes to the primary server.
//!
//! In a transaction reads go to the replica until something is said that is no read; from then on all goes to the
//! primary. BEGIN, COMMIT and settings go to both.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use super::{Server, World};

/// A balancer that runs until the test process ends.
#[derive(Debug)]
pub struct Balancer {
    port: u16,
}

impl Balancer {
    /// Between clients, the server of a world, and a replica of it.
    pub fn before(world: &World, replica: &Arc<Server>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (primary, replica) = (world.server().port(), replica.port());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A client that goes away ends its own thread.
                std::thread::spawn(move || Session::open(client, primary, replica).and_then(Session::run));
            }
        });
        Self { port }
    }

    /// The URL of the world's database through it.
    pub fn url(&self, world: &World) -> String {
        world.url().replace(&format!(":{}/", world.server().port()), &format!(":{}/", self.port))
    }
}

/// A message of the protocol: its letter, and all of its bytes.
struct Message(u8, Vec<u8>);

impl Message {
    fn read(from: &mut TcpStream) -> std::io::Result<Self> {
        let mut head = [0; 5];
        from.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut bytes = head.to_vec();
        bytes.resize(1 + length, 0);
        from.read_exact(&mut bytes[5..])?;
        Ok(Self(head[0], bytes))
    }

    /// The zero-terminated texts at the beginning of its body.
    fn texts(&self) -> impl Iterator<Item = String> + '_ {
        self.1[5..].split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned())
    }
}

struct Session {
    client: TcpStream,
    primary: TcpStream,
    replica: TcpStream,
    /// The text of each prepared statement.
    prepared: HashMap<String, String>,
    in_transaction: bool,
    writes: bool,
}

impl Session {
    fn open(mut client: TcpStream, primary: u16, replica: u16) -> std::io::Result<Self> {
        let startup = loop {
            let mut length = [0; 4];
            client.read_exact(&mut length)?;
            let mut bytes = length.to_vec();
            bytes.resize(u32::from_be_bytes(length) as usize, 0);
            client.read_exact(&mut bytes[4..])?;
            // A request for encryption, which is not to be had here.
            if bytes[4..8] == 80_877_103_u32.to_be_bytes() {
                client.write_all(b"N")?;
            } else {
                break bytes;
            }
        };
        let dial = |port| TcpStream::connect(("127.0.0.1", port));
        let mut session = Self {
            client,
            primary: dial(primary)?,
            replica: dial(replica)?,
            prepared: HashMap::new(),
            in_transaction: false,
            writes: false,
        };
        session.primary.write_all(&startup)?;
        session.replica.write_all(&startup)?;
        session.answers(true, true)?;
        Ok(session)
    }

    fn run(mut self) -> std::io::Result<()> {
        loop {
            // All that goes to a server together: up to a query, or a sync.
            let (mut bytes, mut text, mut prepares) = (Vec::new(), None, false);
            loop {
                let message = Message::read(&mut self.client)?;
                bytes.extend_from_slice(&message.1);
                match message.0 {
                    b'Q' => text = message.texts().next(),
                    b'P' => {
                        let mut texts = message.texts();
                        let name = texts.next().unwrap_or_default();
                        let sql = texts.next().unwrap_or_default();
                        self.prepared.insert(name, sql);
                        prepares = true;
                    }
                    b'B' => {
                        let name = message.texts().nth(1).unwrap_or_default();
                        text = self.prepared.get(&name).cloned();
                    }
                    _ => {}
                }
                match message.0 {
                    b'X' => return Ok(()),
                    b'Q' | b'S' => break,
                    _ => {}
                }
            }
            let text = text.unwrap_or_default().trim_start().to_uppercase();
            let (to_primary, to_replica) = self.ways(&text, prepares);
            if to_primary {
                self.primary.write_all(&bytes)?;
            }
            if to_replica {
                self.replica.write_all(&bytes)?;
            }
            self.answers(to_primary, to_replica)?;
        }
    }

    /// Whether a statement goes to the primary, and whether to the replica.
    fn ways(&mut self, text: &str, prepares: bool) -> (bool, bool) {
        let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
        let writes =
            ["INSERT ", "UPDATE ", "DELETE ", "FOR NO KEY", "FOR SHARE"].iter().any(|word| text.contains(word));
        if text.is_empty() || prepares || begins(&["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"]) {
            return (true, true);
        }
        if begins(&["SET", "DEALLOCATE"]) && !text.contains("SELECT") {
            self.writes |= self.in_transaction;
            return (true, true);
        }
        if begins(&["SELECT", "WITH"]) && !writes && !(self.in_transaction && self.writes) {
            return (false, true);
        }
        self.writes |= self.in_transaction;
        (true, false)
    }

    /// Passes on the answers of one server, and reads those of the other one that was told too.
    fn answers(&mut self, primary: bool, replica: bool) -> std::io::Result<()> {
        if replica {
            let client = (!primary).then_some(&mut self.client);
            until_ready(&mut self.replica, client)?;
        }
        if primary {
            let state = until_ready(&mut self.primary, Some(&mut self.client))?;
            self.in_transaction = state != b'I';
            self.writes &= self.in_transaction;
        }
        Ok(())
    }
}

/// Reads until a server is ready for the next query, and answers the state that it says it is in.
fn until_ready(server: &mut TcpStream, mut client: Option<&mut TcpStream>) -> std::io::Result<u8> {
    loop {
        let message = Message::read(server)?;
        if let Some(client) = &mut client {
            client.write_all(&message.1)?;
        }
        if message.0 == b'Z' {
            return Ok(message.1[5]);
        }
    }
}
