//! An S3 server for tests: moto, from PyPI, on a port of its own; and a proxy before it that cuts and delays.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use super::{World, pypi};

/// A running server. It stops with this.
pub struct S3 {
    process: Child,
    pub port: u16,
}

impl S3 {
    /// Starts one that takes any credentials, with a bucket `shop`.
    pub fn start() -> Self {
        let s3 = Self::start_with(&[]);
        assert_eq!(s3.request("PUT", "/shop", b"").0, 200);
        s3
    }

    /// Starts one with settings of moto's in its environment, and without a bucket.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let script = "import os, sys, threading; from werkzeug.serving import make_server; \
                      from moto.server import DomainDispatcherApplication, create_backend_app; \
                      server = make_server('127.0.0.1', 0, DomainDispatcherApplication(create_backend_app), threaded=True); \
                      threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start(); \
                      print(server.server_port, flush=True); server.serve_forever()";
        let mut process = Command::new("python3")
            .args(["-c", script])
            .env("PYTHONPATH", pypi::packages("moto-5", &["moto[s3,server]==5.*"]))
            .envs(settings.iter().copied())
            // It ends when this process does, however it ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("moto's port");
        Self { process, port }
    }

    /// A plain request, and the status and the body of its answer.
    pub fn request(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    /// The keys in the bucket `shop`.
    pub fn keys(&self) -> Vec<String> {
        let (_, body) = self.request("GET", "/shop?list-type=2", b"");
        body.split("<Key>").skip(1).filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned())).collect()
    }

    /// How many uploads are unfinished in it.
    pub fn uploads(&self) -> usize {
        self.request("GET", "/shop?uploads", b"").1.matches("<UploadId>").count()
    }

    /// Has a world use it.
    pub fn give_to(&self, world: &mut World) {
        use_port(world, self.port);
    }
}

/// Has a world use the server at this port.
pub fn use_port(world: &mut World, port: u16) {
    world.set("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"));
    world.set("AWS_ACCESS_KEY_ID", "test");
    world.set("AWS_SECRET_ACCESS_KEY", "s3cret-of-the-test");
    world.set("AWS_REGION", "us-east-1");
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a proxy does to the connections that pass it.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Ends so many of them, each after so many bytes from the client.
    Cut(i64, usize),
    /// Stops so many of them, each after so many bytes from the client, without ending them.
    Stall(i64, usize),
    /// Answers requests that remove something with 403.
    KeepAll,
}

/// A proxy before a server.
pub struct Between {
    pub port: u16,
    /// Connections that it did something to.
    pub done: Arc<AtomicUsize>,
}

impl Between {
    /// Before the server at this port.
    pub fn start(to: u16, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let done = Arc::new(AtomicUsize::new(0));
        let left = Arc::new(AtomicI64::new(match fault {
            Fault::Cut(times, _) | Fault::Stall(times, _) => times,
            Fault::KeepAll => i64::MAX,
        }));
        let count = Arc::clone(&done);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (left, count) = (Arc::clone(&left), Arc::clone(&count));
                std::thread::spawn(move || relay(client, to, fault, &left, &count));
            }
        });
        Self { port, done }
    }

    /// Connections that it did something to.
    pub fn count(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }
}

fn relay(client: TcpStream, to: u16, fault: Fault, left: &AtomicI64, count: &AtomicUsize) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { return };
    let (Ok(mut from_server), Ok(mut to_client)) = (server.try_clone(), client.try_clone()) else { return };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(std::net::Shutdown::Both);
    });
    let (mut from_client, mut to_server) = (client, server);
    let mut passed = 0;
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from_client.read(&mut buffer) {
        passed += read;
        let is_hit = match fault {
            Fault::Cut(_, bytes) | Fault::Stall(_, bytes) => passed > bytes,
            Fault::KeepAll => buffer.starts_with(b"DELETE "),
        };
        if is_hit && left.fetch_sub(1, Ordering::SeqCst) > 0 {
            count.fetch_add(1, Ordering::SeqCst);
            match fault {
                Fault::Cut(..) => break,
                // Until the client goes.
                Fault::Stall(..) => {
                    while matches!(from_client.read(&mut buffer), Ok(1..)) {}
                    break;
                }
                Fault::KeepAll => {
                    let body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
                    let answer = format!(
                        "HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    if from_client.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                    continue;
                }
            }
        }
        if to_server.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = from_client.shutdown(std::net::Shutdown::Both);
    let _ = to_server.shutdown(std::net::Shutdown::Both);
}
