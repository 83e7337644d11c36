//! Something between `skyteam` and its server that holds up the rows of a COPY, so that a backup is in the middle of a
//! table for as long as a test wants.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::World;

/// A proxy before the server of a world. It ends with the process.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    /// Connections that wait before it.
    held: usize,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.held += 1;
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| !state.open).unwrap();
        state.held -= 1;
    }
}

impl Proxy {
    /// Starts one that lets everything through but the answers to COPY.
    pub fn before(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, server) = (listener.local_addr().unwrap().port(), world.server().port());
        let gate = Arc::new(Gate::default());
        let shared = Arc::clone(&gate);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
                connect(client, server, Arc::clone(&shared));
            }
        });
        Self { port, gate }
    }

    /// The URL of the world's database through it.
    pub fn url(&self, world: &World) -> String {
        world.url().replace(&format!(":{}/", world.server().port()), &format!(":{}/", self.port))
    }

    /// Waits until the answer to a COPY is held up.
    pub fn wait_until_held(&self) {
        let state = self.gate.state.lock().unwrap();
        let limit = super::world::PATIENCE;
        let (_state, waited) = self.gate.changed.wait_timeout_while(state, limit, |state| state.held == 0).unwrap();
        assert!(!waited.timed_out(), "no COPY came");
    }

    /// Lets everything through from now on.
    pub fn open(&self) {
        self.gate.state.lock().unwrap().open = true;
        self.gate.changed.notify_all();
    }
}

fn connect(client: TcpStream, server: TcpStream, gate: Arc<Gate>) {
    let copying = Arc::new(Mutex::new(false));
    let (from, to, sees) = (client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&copying));
    thread::spawn(move || {
        pump(from, to, |bytes| *sees.lock().unwrap() |= bytes.windows(5).any(|word| word == b"COPY "));
    });
    thread::spawn(move || {
        pump(server, client, |_| {
            if *copying.lock().unwrap() {
                gate.pass();
            }
        });
    });
}

/// Until one side ends: then the other is told.
fn pump(mut from: TcpStream, mut to: TcpStream, mut before: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        before(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
