//! Encryption: a private authority, verify-full, a server that insists and one that cannot.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use super::{fails, reaches};
use crate::support::{Scratch, Server, World, binary};

/// A server with a certificate for `localhost` from an authority of its own.
struct Secured {
    server: Arc<Server>,
    authorities: Folder,
}

/// A folder of the user who runs the tests, inside one of the user who runs servers: certificates in another user's are not
/// read.
struct Folder {
    path: PathBuf,
    _scratch: Scratch,
}

impl Folder {
    fn new(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let path = scratch.path().join("own");
        std::fs::create_dir(&path).unwrap();
        Self { path, _scratch: scratch }
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

impl Secured {
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Secured> = OnceLock::new();
        SHARED.get_or_init(|| {
            let authorities = Folder::new("ca");
            for authority in ["ours", "other"] {
                authority_in(authorities.path(), authority);
            }
            certificate_in(authorities.path());
            Self::start(authorities)
        })
    }

    /// A server with the `server.crt` and `server.key` of this folder.
    fn start(authorities: Folder) -> Self {
        let server = Server::start_debian(&["fsync=off"]);
        for file in ["server.crt", "server.key"] {
            let text = std::fs::read_to_string(authorities.path().join(file)).unwrap();
            server.scratch().write(&format!("data/{file}"), &text).unwrap();
        }
        server.admin("ALTER SYSTEM SET ssl = on");
        server.admin("SELECT pg_reload_conf()");
        crate::support::eventually("the server encrypts", || server.admin("SHOW ssl") == "on");
        Self { server, authorities }
    }

    fn authority(&self, name: &str) -> String {
        self.authorities.path().join(format!("{name}.pem")).display().to_string()
    }

    /// A world whose role may only come encrypted, at this host and with these parameters.
    fn world(&self, host: &str, parameters: &str) -> World {
        let mut world = World::on(&self.server);
        self.server.admin(&format!("GRANT by_tls TO {}", world.role()));
        world.set("DATABASE_URL", format!("{}?{parameters}", world.url().replace("127.0.0.1", host)));
        world
    }
}

fn openssl(folder: &Path, args: &str) {
    let output = Command::new("openssl").args(args.split(' ')).current_dir(folder).output();
    let output = output.expect("openssl runs: apt-get install openssl");
    assert!(output.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&output.stderr));
}

fn authority_in(folder: &Path, name: &str) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout {name}.key -out {name}.pem -subj /CN={name} -addext basicConstraints=critical,CA:TRUE"
        ),
    );
}

fn certificate_in(folder: &Path) {
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n").unwrap();
    openssl(
        folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=localhost",
    );
    openssl(
        folder,
        "x509 -req -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 30 -extfile names -out server.crt",
    );
}

#[test]
fn verify_full_against_a_private_authority() {
    let secured = Secured::shared();
    for mode in ["verify-full", "verify-ca", "require", "prefer"] {
        let world = secured.world("localhost", &format!("sslmode={mode}&sslrootcert={}", secured.authority("ours")));
        reaches(&world);
    }
    // The name is looked at by verify-full alone.
    let ours = secured.authority("ours");
    reaches(&secured.world("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={ours}")));
    let world = secured.world("127.0.0.1", &format!("sslmode=verify-full&sslrootcert={ours}"));
    insta::assert_snapshot!(fails(&world, 6), @r"
    exit: 6
    --- stderr
    error: the server's certificate is not accepted: skyteam @ 127.0.0.1:5432 as ops
      why  it is not made out to 127.0.0.1
      fix  connect by the name in the certificate; sslmode=verify-ca does not look at the name
    ");
}

#[test]
fn a_revoked_certificate() {
    let secured = Secured::shared();
    let folder = Folder::new("crl");
    for name in ["empty", "ours"] {
        revocations(secured.authorities.path(), folder.path(), name == "ours");
        std::fs::rename(folder.path().join("list"), folder.path().join(format!("{name}.crl"))).unwrap();
    }
    let verified = format!("sslmode=verify-full&sslrootcert={}", secured.authority("ours"));
    let list = |name: &str| folder.path().join(format!("{name}.crl")).display().to_string();
    reaches(&secured.world("localhost", &format!("{verified}&sslcrl={}", list("empty"))));
    let refused = fails(&secured.world("localhost", &format!("{verified}&sslcrl={}", list("ours"))), 6);
    assert!(refused.stderr.contains("Revoked"), "{refused}");
    let mut world = secured.world("localhost", &verified);
    world.set("PGSSLCRL", list("ours"));
    fails(&world, 6);
    world.unset("PGSSLCRL");
    reaches(&world);
    // libpq's own place for it.
    std::fs::create_dir(world.home().join(".postgresql")).unwrap();
    std::fs::copy(list("ours"), world.home().join(".postgresql/root.crl")).unwrap();
    fails(&world, 6);
}

/// Writes a list of revoked certificates of the authority `ours`, in which the server's own is or is not.
fn revocations(authorities: &Path, folder: &Path, revoked: bool) {
    let settings = format!(
        "[ca]\ndefault_ca=d\n[d]\ndatabase={0}/index\ncrlnumber={0}/number\ndefault_md=sha256\ndefault_crl_days=9\n",
        folder.display()
    );
    std::fs::write(folder.join("settings"), settings).unwrap();
    std::fs::write(folder.join("index"), "").unwrap();
    std::fs::write(folder.join("number"), "01").unwrap();
    let ca = format!("ca -config {}/settings -cert ours.pem -keyfile ours.key", folder.display());
    if revoked {
        openssl(authorities, &format!("{ca} -revoke server.crt"));
    }
    openssl(authorities, &format!("{ca} -gencrl -out {}/list", folder.display()));
}

#[test]
fn only_the_authority_that_is_named_is_believed() {
    let secured = Secured::shared();
    let world = secured.world("localhost", &format!("sslmode=verify-full&sslrootcert={}", secured.authority("other")));
    // The system trusts the one that signed, as it does a hundred others.
    let mut command = world.command("user list");
    command.env("SSL_CERT_FILE", secured.authority("ours"));
    world.finish("user list".into(), command.spawn().unwrap(), b"").exits(6);
    let world = secured.world("localhost", "sslmode=verify-full");
    super::lay_users(&world);
    let mut command = world.command("user list");
    command.env("SSL_CERT_FILE", secured.authority("ours"));
    world.finish("user list".into(), command.spawn().unwrap(), b"").ok();
}

#[test]
fn limits_of_the_protocols_version() {
    let secured = Secured::shared();
    for (limits, reached) in [
        ("ssl_min_protocol_version=TLSv1.3", true),
        ("ssl_max_protocol_version=TLSv1.2", true),
        ("ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2", false),
    ] {
        let world = secured.world("localhost", &format!("sslmode=require&{limits}"));
        if reached {
            reaches(&world);
        } else {
            fails(&world, 6);
        }
    }
    secured.server.admin("ALTER SYSTEM SET ssl_max_protocol_version = 'TLSv1.2'");
    secured.server.admin("SELECT pg_reload_conf()");
    crate::support::eventually("the server forgets TLS 1.3", || {
        secured.server.admin("SHOW ssl_max_protocol_version") == "TLSv1.2"
    });
    let mut world = secured.world("localhost", "sslmode=require");
    reaches(&world);
    world.set("PGSSLMINPROTOCOLVERSION", "TLSv1.3");
    let refused = world.run("user list");
    secured.server.admin("ALTER SYSTEM RESET ssl_max_protocol_version");
    secured.server.admin("SELECT pg_reload_conf()");
    assert_ne!(refused.code, 0, "{refused}");
}

#[test]
fn an_authority_that_is_not_trusted() {
    let secured = Secured::shared();
    for parameters in [
        "sslmode=verify-full".to_owned(),
        "sslrootcert=system".to_owned(),
        format!("sslmode=verify-full&sslrootcert={}", secured.authority("other")),
        // As in libpq: who names an authority wants it looked at.
        format!("sslmode=require&sslrootcert={}", secured.authority("other")),
    ] {
        fails(&secured.world("localhost", &parameters), 6);
    }
    insta::assert_snapshot!(fails(&secured.world("localhost", "sslmode=verify-full"), 6), @r"
    exit: 6
    --- stderr
    error: the server's certificate is not accepted: skyteam @ localhost:5432 as ops
      why  it is signed by an authority that is not trusted here
      fix  sslrootcert=/path/to/ca.pem in the URL names the authority; sslrootcert=system asks the system's
    ");
}

#[test]
fn a_certificate_that_openssl_signs_by_itself() {
    let authorities = Folder::new("ca");
    authority_in(authorities.path(), "server");
    std::fs::copy(authorities.path().join("server.pem"), authorities.path().join("server.crt")).unwrap();
    let secured = Secured::start(authorities);
    let world = secured.world("localhost", &format!("sslmode=verify-ca&sslrootcert={}", secured.authority("server")));
    insta::assert_snapshot!(fails(&world, 6), @r"
    exit: 6
    --- stderr
    error: the server's certificate is not accepted: skyteam @ localhost:5432 as ops
      why  it is that of an authority, which may sign certificates, and not be the certificate of a server
      fix  ask those who run the server for one that an authority signed, or made with basicConstraints=CA:FALSE
    ");
    reaches(&secured.world("localhost", "sslmode=require"));
}

#[test]
fn libpqs_own_place_for_the_authority() {
    let secured = Secured::shared();
    let world = secured.world("localhost", "sslmode=verify-full");
    std::fs::create_dir(world.home().join(".postgresql")).unwrap();
    std::fs::copy(secured.authority("ours"), world.home().join(".postgresql/root.crt")).unwrap();
    reaches(&world);
}

#[test]
fn a_server_that_insists() {
    let secured = Secured::shared();
    for mode in ["require", "prefer", "allow"] {
        reaches(&secured.world("localhost", &format!("sslmode={mode}")));
    }
    insta::assert_snapshot!(fails(&secured.world("localhost", "sslmode=disable"), 8), @r#"
    exit: 8
    --- stderr
    error: the server refuses this login: skyteam @ localhost:5432 as ops
      why  pg_hba.conf rejects connection for host "127.0.0.1", user "ops", database "skyteam", no encryption
      fix  sslmode=require in the URL; better sslmode=verify-full, which looks whose server it is
    "#);
}

/// Someone on the way who lets the session be encrypted, and says to the program that is started for it that the server cannot.
#[test]
fn a_program_of_an_encrypted_session_encrypts_or_ends() {
    use std::io::{Read as _, Write as _};
    use std::net::{Shutdown, TcpListener, TcpStream};
    let secured = Secured::shared();
    let mut world = World::on(&secured.server);
    world.run("db migrate").ok();
    world.run("user add 1 pilot1").ok();
    let folder = world.work().join("bin");
    std::fs::create_dir(&folder).unwrap();
    let started = world.work().join("started");
    let script = format!("#!/bin/sh\ntouch {}\nexec {} \"$@\"\n", started.display(), binary("psql").display());
    std::fs::write(folder.join("psql"), script).unwrap();
    std::fs::set_permissions(folder.join("psql"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    world.set("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, real) = (listener.local_addr().unwrap().port(), secured.server.port());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, started) = (client.unwrap(), started.clone());
            std::thread::spawn(move || -> std::io::Result<()> {
                if started.exists() {
                    client.read_exact(&mut [0; 8])?;
                    client.write_all(b"N")?;
                }
                let mut server = TcpStream::connect(("127.0.0.1", real))?;
                let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    to.shutdown(Shutdown::Both)
                });
                std::io::copy(&mut client, &mut server)?;
                server.shutdown(Shutdown::Both)
            });
        }
    });
    // Where the server is elsewhere and nobody is refused: libpq would go without, as it is asked to.
    world.set("DATABASE_URL", world.url().replace(&format!(":{real}/"), &format!(":{port}/")) + "?sslmode=prefer");
    let shell = world.run_program(["-q", "db", "shell", "--", "-c", "DELETE FROM public.users"], "");
    assert_eq!(shell.code, 2, "{shell}");
    // Either says that it was to encrypt: a psql that is built without TLS refuses at once.
    let refusals = [
        "server does not support SSL, but SSL was required",
        r#"sslmode value "require" invalid when SSL support is not compiled in"#,
    ];
    assert!(refusals.iter().any(|refusal| shell.stderr.contains(refusal)), "{shell}");
    assert_eq!(world.query("SELECT username FROM users"), "pilot1");
}

#[test]
fn a_server_that_lets_nobody_in_either_way() {
    let secured = Secured::shared();
    let world = secured.world("localhost", "sslmode=prefer");
    secured.server.admin(&format!("GRANT by_nothing TO {}", world.role()));
    let refused = fails(&world, 8);
    assert!(refused.stderr.contains("SSL encryption"), "the way that was wanted first: {refused}");
}

#[test]
fn a_server_that_cannot() {
    let mut world = World::postgres();
    for mode in ["require", "verify-ca", "verify-full"] {
        world.set("DATABASE_URL", format!("{}?sslmode={mode}", world.url()));
        fails(&world, 6);
    }
    insta::assert_snapshot!(fails(&world, 6), @r"
    exit: 6
    --- stderr
    error: no encrypted connection can be made: skyteam @ 127.0.0.1:5432 as ops
      why  server does not support TLS
      fix  sslmode=disable or prefer in the URL goes without, on a network that you trust
    ");
    for mode in ["disable", "allow", "prefer"] {
        world.set("DATABASE_URL", format!("{}?sslmode={mode}", world.url()));
        reaches(&world);
    }
}

#[test]
fn a_certificate_file_that_is_not_there() {
    let mut world = World::postgres();
    world.set("DATABASE_URL", format!("{}?sslmode=verify-full&sslrootcert=/nonexistent/ca.pem", world.url()));
    insta::assert_snapshot!(fails(&world, 6), @r"
    exit: 6
    --- stderr
    error: the root certificate /nonexistent/ca.pem cannot be read
      why  No such file or directory (os error 2)
    ");
}
