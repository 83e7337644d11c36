//! A server that cannot be reached or says no: what, why, the command that mends it, and the exit code.

use super::{fails, reaches};
use crate::support::{PASSWORD, Server, Stop, World};

/// A world that has this URL and no database of its own.
fn at(url: &str) -> World {
    let mut world = World::bare();
    world.set("DATABASE_URL", url);
    world
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn no_url_at_all() {
    insta::assert_snapshot!(fails(&World::bare(), 6), @r"
    exit: 6
    --- stderr
    error: no database is named, and the embedded one does not exist yet
      why  no database file ~/home/.local/share/skyteam/skyteam.db
      fix  skyteam db push                 makes the embedded database
           export DATABASE_URL=postgres://…  or --profile NAME, names another
    ");
}

#[test]
fn a_malformed_url() {
    for url in ["postgres://ops:PW@db:port/sky", "PW", "mysql://ops:PW@db/sky", "host=db password=PW", "sqlite:"] {
        fails(&at(&url.replace("PW", PASSWORD)), 6);
    }
    insta::assert_snapshot!(fails(&at("postgres://ops@db:port/sky"), 6), @r"
    exit: 6
    --- stderr
    error: the database URL from environment variable DATABASE_URL cannot be read
      why  the port is no number from 1 to 65535; a password with / ? # or @ must be percent-encoded
      fix  in the password write %2F for /, %3F for ?, %23 for #, %40 for @, %25 for %
           or leave it out of the URL: PGPASSWORD or ~/.pgpass
    ");
}

#[test]
fn a_parameter_that_nobody_knows() {
    insta::assert_snapshot!(fails(&at("postgres://ops@127.0.0.1/sky?sslmoed=require"), 6), @r"
    exit: 6
    --- stderr
    error: the URL's parameter sslmoed is not known
      why  it is not ignored: a misspelt sslmode would be none at all
      fix  take it out of the URL, or correct it
    ");
}

#[test]
fn the_server_is_down() {
    insta::assert_snapshot!(fails(&at(&format!("postgres://ops:{PASSWORD}@127.0.0.1:{}/sky", free_port())), 7), @r"
    exit: 7
    --- stderr
    error: the database server cannot be reached: sky @ 127.0.0.1:5432 as ops
      why  nothing listens there
      fix  sudo systemctl start postgresql    or correct host and port of the URL
    ");
}

#[test]
fn the_socket_is_not_there() {
    insta::assert_snapshot!(fails(&at("postgres:///sky?host=/nonexistent&user=ops"), 7), @r"
    exit: 7
    --- stderr
    error: the database server cannot be reached: sky @ /nonexistent:5432 as ops
      why  no socket is there: the server does not run, or keeps its socket elsewhere
      fix  sudo systemctl start postgresql    or correct host and port of the URL
    ");
}

#[test]
fn an_unknown_host() {
    // RFC 6761 keeps this name from ever existing.
    insta::assert_snapshot!(fails(&at("postgres://ops@db.invalid/sky"), 7), @r"
    exit: 7
    --- stderr
    warning: the connection to db.invalid may be unencrypted: sslmode=prefer goes without where the server, or someone on the way, refuses encryption; sslmode=verify-full in the URL makes sure
    error: no such host: db.invalid
      why  Name or service not known
      fix  check the host's name in the URL
    ");
}

#[test]
fn a_host_that_does_not_answer() {
    // Takes connections, never says a word: as a firewall or a hung server does.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let world = at(&format!("postgres://ops@{}/sky", silent.local_addr().unwrap()));
    insta::assert_snapshot!(fails(&world, 7), @r"
    exit: 7
    --- stderr
    error: the database server cannot be reached: sky @ 127.0.0.1:5432 as ops
      why  no answer within 2.5 s
      fix  check host, port and firewall, or wait longer: --connect-timeout 10
    ");
}

#[test]
fn something_else_listens_there() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in other.incoming() {
            let _ = std::io::Write::write_all(&mut client.unwrap(), b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    insta::assert_snapshot!(fails(&at(&format!("postgres://ops@{address}/sky")), 7), @r"
    exit: 7
    --- stderr
    error: the database server cannot be reached: sky @ 127.0.0.1:5432 as ops
      why  what listens there does not answer like PostgreSQL
      fix  check host and port of the URL
    ");
}

#[test]
fn a_wrong_password() {
    let mut world = World::postgres();
    world.server().admin(&format!("GRANT by_password TO {}", world.role()));
    reaches(&world);
    world.set("DATABASE_URL", world.url().replace(PASSWORD, "guess"));
    let output = fails(&world, 8);
    assert!(!output.stderr.contains("guess"), "{output}");
    insta::assert_snapshot!(output, @r#"
    exit: 8
    --- stderr
    error: the server refuses this login: skyteam @ 127.0.0.1:5432 as ops
      why  password authentication failed for user "ops"
      fix  correct the password of role "ops" in the URL, PGPASSWORD or ~/.pgpass
    "#);
}

#[test]
fn no_password_where_one_is_needed() {
    let mut world = World::postgres();
    world.server().admin(&format!("GRANT by_password TO {}", world.role()));
    world.set("DATABASE_URL", world.url().replace(&format!(":{PASSWORD}"), ""));
    insta::assert_snapshot!(fails(&world, 8), @r#"
    exit: 8
    --- stderr
    error: the server refuses this login: skyteam @ 127.0.0.1:5432 as ops
      why  password authentication failed for user "ops"
           no password was given
      fix  give it in the URL, PGPASSWORD or ~/.pgpass
    "#);
}

#[test]
fn no_such_role() {
    let mut world = World::postgres();
    world.set("DATABASE_URL", world.url().replace(world.role(), "nobody_here"));
    insta::assert_snapshot!(fails(&world, 8), @r#"
    exit: 8
    --- stderr
    error: the server refuses this login: skyteam @ 127.0.0.1:5432 as nobody_here
      why  role "nobody_here" does not exist
      fix  skyteam db create --owner nobody_here --admin-url URL    makes the role
    "#);
}

#[test]
fn a_role_that_may_not_log_in() {
    let world = World::postgres();
    world.server().admin(&format!("ALTER ROLE {} NOLOGIN", world.role()));
    insta::assert_snapshot!(fails(&world, 8), @r#"
    exit: 8
    --- stderr
    error: the server refuses this login: skyteam @ 127.0.0.1:5432 as ops
      why  role "ops" is not permitted to log in
      fix  as a superuser: ALTER ROLE "ops" LOGIN
    "#);
}

#[test]
fn no_such_database() {
    let mut world = World::postgres();
    world.set("DATABASE_URL", world.url().replace(&world.name(), "nowhere"));
    insta::assert_snapshot!(fails(&world, 6), @r#"
    exit: 6
    --- stderr
    error: no database "nowhere" on that server
      why  nowhere @ 127.0.0.1:5432 as ops
      fix  skyteam db create    makes it
    "#);
}

#[test]
fn no_right_to_connect() {
    let world = World::postgres();
    let (name, role) = (world.name(), world.role());
    world.server().admin(&format!("ALTER DATABASE {name} OWNER TO postgres"));
    world.server().admin(&format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC, {role}"));
    insta::assert_snapshot!(fails(&world, 8), @r#"
    exit: 8
    --- stderr
    error: the server refuses this login: skyteam @ 127.0.0.1:5432 as ops
      why  permission denied for database "skyteam"
      fix  as its owner: GRANT CONNECT, CREATE, TEMPORARY ON DATABASE "skyteam" TO "ops"
           skyteam db create --owner ops --admin-url URL    grants all that is needed
    "#);
}

#[test]
fn no_right_to_read() {
    let world = World::postgres();
    let superuser = world.server().as_superuser(&world.name());
    superuser.rows(
        "CREATE TABLE users (\"userId\" text, username text, \"displayName\" text, miles integer, \
                    \"avatarUrl\" text, \"createdAt\" timestamp, \"updatedAt\" timestamp)",
    );
    insta::assert_snapshot!(world.run("user list").exits(8), @r#"
    exit: 8
    --- stderr
    error: permission denied
      why  permission denied for table users
      fix  as its owner: GRANT SELECT, INSERT, UPDATE, DELETE ON "users" TO "ops"
           skyteam db grant ops --for staff    as the owner of the tables grants what staff needs; --for backup and --for apps what those do
    "#);
    superuser.rows("REVOKE ALL ON SCHEMA public FROM PUBLIC, pg_database_owner");
    insta::assert_snapshot!(world.run("user list").exits(8), @r#"
    exit: 8
    --- stderr
    error: permission denied
      why  permission denied for schema public
      fix  as the database's owner: GRANT USAGE, CREATE ON SCHEMA "public" TO "ops"
           skyteam db create --owner ops --admin-url URL    grants all that is needed
    "#);
}

#[test]
fn too_many_connections() {
    let world = World::postgres();
    world.server().admin(&format!("ALTER ROLE {} CONNECTION LIMIT 0", world.role()));
    insta::assert_snapshot!(fails(&world, 7), @r#"
    exit: 7
    --- stderr
    error: the server has no connection to spare: skyteam @ 127.0.0.1:5432 as ops
      why  too many connections for role "ops"
      fix  end idle clients, raise max_connections on the server, or put PgBouncer in front
    "#);
}

#[test]
fn a_connection_that_comes_free_is_taken() {
    let world = World::postgres();
    reaches(&world);
    world.server().admin(&format!("ALTER ROLE {} CONNECTION LIMIT 0", world.role()));
    let relief = {
        let (server, role) = (std::sync::Arc::clone(world.server()), world.role().to_owned());
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(700));
            server.admin(&format!("ALTER ROLE {role} CONNECTION LIMIT -1"));
        })
    };
    world.run("user list --connect-timeout 60").ok();
    relief.join().unwrap();
}

#[test]
fn the_server_is_starting_up() {
    let server = Server::durable(&[]);
    let world = World::on(&server);
    reaches(&world);
    // A standby that replays a log which never comes takes no connections: what any server says while it starts.
    server.stop(Stop::Fast);
    server.scratch().write("data/standby.signal", "").unwrap();
    server.scratch().write("data/postgresql.auto.conf", "hot_standby = off\nrestore_command = 'false'\n").unwrap();
    server.restart_unready();
    insta::assert_snapshot!(fails(&world, 7), @r"
    exit: 7
    --- stderr
    error: the server is not ready yet: skyteam @ 127.0.0.1:5432 as ops
      why  the database system is not accepting connections
      fix  try again in a moment
    ");
}

#[test]
fn the_server_stops_in_between() {
    let server = Server::durable(&[]);
    let world = World::on(&server);
    reaches(&world);
    server.stop(Stop::Immediate);
    fails(&world, 7);
    server.restart();
    reaches(&world);
}
