//! A throw-away PgBouncer in transaction mode, with fewer sessions than clients.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use super::postgres::PASSWORD;
use super::scratch::Scratch;
use super::{World, eventually};

/// A pooler before the database of a world; ended with the value.
#[derive(Debug)]
pub struct Pooler {
    scratch: Scratch,
    process: Child,
    port: u16,
}

impl Pooler {
    /// Starts one with so many sessions of the server for everybody.
    pub fn before(world: &World, sessions: u32) -> Self {
        let scratch = Scratch::new("bouncer");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (folder, server) = (scratch.path().display(), world.server().port());
        let settings = format!(
            "[databases]\n{} = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\npool_mode = transaction\ndefault_pool_size = {sessions}\n\
             auth_type = plain\nauth_file = {folder}/users\npidfile = {folder}/bouncer.pid\nlogfile = {folder}/log\n",
            world.name(),
        );
        scratch.write("bouncer.ini", &settings).unwrap();
        scratch.write("users", &format!("\"{}\" \"{PASSWORD}\"\n", world.role())).unwrap();
        let process = scratch
            .command("/usr/sbin/pgbouncer")
            .arg(scratch.path().join("bouncer.ini"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("PgBouncer runs: apt-get install pgbouncer");
        let pooler = Self { scratch, process, port };
        eventually("the pooler listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        pooler
    }

    /// The URL of the world's database through the pooler, without parameters.
    pub fn url(&self, world: &World) -> String {
        world.url().replace(&format!(":{}/", world.server().port()), &format!(":{}/", self.port))
    }

    /// What it wrote into its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        // So that the watchdog never ends a stranger who got the same number.
        let _ = std::fs::remove_file(self.scratch.path().join("bouncer.pid"));
    }
}
