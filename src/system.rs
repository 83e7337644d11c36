//! All that is Unix's: users and the rights of files, signals, terminals, pipes, sockets, the places and commands of a
//! system. No other module names one, so a port to another kind of system is this file.
//!
//! Tested on Debian; other Linux distributions and macOS are expected to work. On Windows skyteam runs in WSL, which the
//! build says (`build.rs`).

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};

// Files and their rights.

/// The number of the user whom a file belongs to.
pub(crate) fn owner(metadata: &Metadata) -> u32 {
    metadata.uid()
}

/// Whether a file belongs to the user whose rights this process has, or to root, who may change everything anyway.
pub(crate) fn is_ours(metadata: &Metadata) -> bool {
    [ROOT, user()].contains(&owner(metadata))
}

/// The number of a file's group.
pub(crate) fn group(metadata: &Metadata) -> u32 {
    metadata.gid()
}

/// The rights on a file, as chmod has them.
pub(crate) fn mode(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

/// Whether others than its owner may do anything with a file.
pub(crate) fn is_open_to_others(metadata: &Metadata) -> bool {
    mode(metadata) & 0o077 != 0
}

/// A number that stays the file's when it is renamed, and that a copy does not have.
pub(crate) fn inode(metadata: &Metadata) -> u64 {
    metadata.ino()
}

/// The number of the file system that a file is in.
pub(crate) fn file_system(metadata: &Metadata) -> u64 {
    metadata.dev()
}

/// Whether bytes are passed on by it as they are written: a pipe, a terminal.
pub(crate) fn takes_bytes(metadata: &Metadata) -> bool {
    metadata.file_type().is_fifo() || metadata.file_type().is_char_device()
}

/// Sets the rights on an open file.
///
/// # Errors
/// The system's; only the owner and root may.
pub(crate) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Gives a file the owner and group of `other`.
///
/// # Errors
/// The system's; only root may.
pub(crate) fn give_to_owner_of(other: &Metadata, file: &File) -> io::Result<()> {
    std::os::unix::fs::fchown(file, Some(other.uid()), Some(other.gid()))
}

/// Makes the directory entries of a folder durable.
///
/// # Errors
/// The system's.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // On Windows a folder is no file to be opened, and needs no such call.
    File::open(folder)?.sync_all()
}

/// A file that these options make is its owner's alone.
pub(crate) fn private_file(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Folders that this makes are their owner's alone.
pub(crate) fn private_folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder.mode(0o700)
}

/// Opening with these options does not wait, as for the writer of a pipe.
pub(crate) fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(flags(OFlags::NONBLOCK))
}

/// As [`without_waiting`], and a link at the path is an error.
pub(crate) fn without_links(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(flags(OFlags::NONBLOCK.union(OFlags::NOFOLLOW)))
}

fn flags(flags: OFlags) -> i32 {
    // The bits of open(2) are small.
    i32::try_from(flags.bits()).unwrap_or_default()
}

// Users and groups.

/// The number of the administrator, who may do everything.
pub(crate) const ROOT: u32 = 0;

/// The number of the user whose rights this process has.
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// `daemon (uid 1)`, or the number alone where the system's list does not have it.
pub(crate) fn user_name(id: u32) -> String {
    match accounts(USERS, 2).find(|fields| fields[2].parse() == Ok(id)) {
        Some(fields) => format!("{} (uid {id})", fields[0]),
        None => format!("uid {id}"),
    }
}

/// A group's name, or its number where the system's list does not have it.
pub(crate) fn group_name(id: u32) -> String {
    let found = accounts(GROUPS, 2).find(|fields| fields[2].parse() == Ok(id));
    found.map_or_else(|| id.to_string(), |fields| fields[0].clone())
}

/// Groups that Debian and Fedora make for one user each, named like them, of which only `users` are members: their umask
/// lets these write.
pub(crate) fn private_groups(users: &BTreeSet<u32>) -> BTreeSet<u32> {
    let all: Vec<Vec<String>> = accounts(USERS, 3).collect();
    let ours = |fields: &&Vec<String>| fields[2].parse().is_ok_and(|id| users.contains(&id));
    let names: BTreeSet<&str> = all.iter().filter(ours).map(|fields| fields[0].as_str()).collect();
    let is_private = |group: &Vec<String>| {
        let others = |fields: &Vec<String>| fields[3] == group[2] && !names.contains(fields[0].as_str());
        names.contains(group[0].as_str())
            && group[3].split(',').all(|member| member.is_empty() || names.contains(member))
            && !all.iter().any(others)
    };
    accounts(GROUPS, 3).filter(is_private).filter_map(|group| group[2].parse().ok()).collect()
}

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// The lines of such a file as fields, more than `last` of them.
fn accounts(file: &str, last: usize) -> impl Iterator<Item = Vec<String>> {
    // Root's own files. A system without them names users by number.
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines: Vec<Vec<String>> =
        text.lines().map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>()).collect();
    lines.into_iter().filter(move |fields| fields.len() > last)
}

// Processes and signals.

/// Puts a program in the place of this process. Returns only where that fails.
pub(crate) fn replace_by(mut program: Command) -> io::Error {
    program.exec()
}

/// Asks the process with this number to end.
///
/// # Errors
/// The system's.
pub(crate) fn terminate(process: u32) -> io::Result<()> {
    let id = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    match id {
        Some(id) => Ok(rustix::process::kill_process(id, rustix::process::Signal::TERM)?),
        None => Ok(()),
    }
}

/// The exit code of a program as a shell has it: 128 and the signal's number for one that a signal ended.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Requests that this process end, which then no longer end it by themselves.
#[derive(Debug)]
pub(crate) struct EndRequests {
    terminate: Signal,
    interrupt: Option<Signal>,
}

impl EndRequests {
    /// Those of other programs and of a person's Ctrl-C.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn all() -> io::Result<Self> {
        Ok(Self { interrupt: Some(signal(SignalKind::interrupt())?), ..Self::of_programs()? })
    }

    /// Those of other programs alone.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn of_programs() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: None })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        match &mut self.interrupt {
            Some(interrupt) => tokio::select! {
                _ = interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            },
            None => {
                self.terminate.recv().await;
            }
        }
    }
}

/// Lets programs that this one starts read from `file`, and returns the path by which they open it.
///
/// # Errors
/// The system's.
pub(crate) fn inherit(file: &impl AsFd) -> io::Result<String> {
    rustix::io::fcntl_setfd(file, rustix::io::FdFlags::empty())?;
    Ok(format!("/dev/fd/{}", file.as_fd().as_raw_fd()))
}

// Terminals and pipes.

/// How the terminal is set, to be put back where a question is left unanswered: a password is read without echo.
pub(crate) struct TerminalSettings(Option<Termios>);

impl TerminalSettings {
    /// As they are now; nothing where standard input is no terminal.
    pub(crate) fn now() -> Self {
        Self(tcgetattr(io::stdin()).ok())
    }

    /// Sets them again.
    pub(crate) fn put_back(&self) {
        if let Some(settings) = &self.0 {
            // Where the terminal is gone there is nothing to put back.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, settings);
        }
    }
}

/// How often a pipe is looked at, in milliseconds.
const LOOK: u32 = 10;

/// Waits until everything in a pipe was read: a write succeeds as soon as the pipe has room, and what is still in it when
/// the reader goes away is lost. Anything that is no pipe has taken what was written.
///
/// # Errors
/// `BrokenPipe` when the reader went away before.
pub(crate) fn wait_until_taken(pipe: impl AsFd) -> io::Result<()> {
    let pipe = pipe.as_fd();
    if !File::from(pipe.try_clone_to_owned()?).metadata()?.file_type().is_fifo() {
        return Ok(());
    }
    // Asked for nothing, poll reports errors only: that the reader is gone.
    let pause = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK) * 1_000_000 };
    loop {
        let mut fds = [PollFd::new(&pipe, PollFlags::empty())];
        let gone = match poll(&mut fds, Some(&pause)) {
            Ok(_) => fds[0].revents().intersects(PollFlags::ERR | PollFlags::NVAL),
            Err(rustix::io::Errno::INTR) => false,
            Err(error) => return Err(error.into()),
        };
        // In this order: the reader may have gone once it had read all.
        if rustix::io::ioctl_fionread(pipe)? == 0 {
            return Ok(());
        }
        if gone {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
    }
}

// Sockets of this machine.

/// A stream between two processes of this machine.
pub(crate) type LocalStream = tokio::net::UnixStream;

/// Who may connect to a [`LocalSocket`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clients {
    /// This process.
    Process,
    /// Any process of this user.
    User,
}

/// A socket to which only the named [`Clients`] connect.
#[derive(Debug)]
pub(crate) struct LocalSocket {
    listener: std::os::unix::net::UnixListener,
    clients: Clients,
    /// The folder that clients take it to be in.
    pub(crate) folder: PathBuf,
    /// That folder, where there is one, which goes with the socket.
    _made: Option<tempfile::TempDir>,
}

impl LocalSocket {
    /// A socket called `name` in a folder of its own. For this process alone, Linux has names outside the file system;
    /// otherwise the folder is one that no other user may enter.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn listen(name: &str, clients: Clients) -> io::Result<Self> {
        match clients {
            #[cfg(target_os = "linux")]
            Clients::Process => {
                use std::os::linux::net::SocketAddrExt as _;
                let folder = format!("skyteam-{}", uuid::Uuid::new_v4().simple());
                let address = std::os::unix::net::SocketAddr::from_abstract_name(format!("{folder}/{name}"))?;
                let listener = std::os::unix::net::UnixListener::bind_addr(&address)?;
                // So names outside the file system are written.
                Ok(Self { listener, clients, folder: PathBuf::from(format!("\0{folder}")), _made: None })
            }
            _ => {
                // Such folders have mode 0700. The system's own may have a longer name than a socket's can be.
                let made = tempfile::Builder::new().prefix("skyteam-").tempdir_in(SCRATCH)?;
                let listener = std::os::unix::net::UnixListener::bind(made.path().join(name))?;
                Ok(Self { listener, clients, folder: made.path().to_owned(), _made: Some(made) })
            }
        }
    }

    /// Takes connections. To be called within a runtime, which then serves it.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn accepting(&self) -> io::Result<LocalListener> {
        let listener = self.listener.try_clone()?;
        listener.set_nonblocking(true)?;
        Ok(LocalListener { listener: tokio::net::UnixListener::from_std(listener)?, clients: self.clients })
    }
}

/// Takes the connections to a [`LocalSocket`].
#[derive(Debug)]
pub(crate) struct LocalListener {
    listener: tokio::net::UnixListener,
    clients: Clients,
}

impl LocalListener {
    /// The next connection; `None` for one of another process or user, which is closed.
    ///
    /// # Errors
    /// The system's: of descriptors, most likely.
    pub(crate) async fn accept(&self) -> io::Result<Option<LocalStream>> {
        let (client, _) = self.listener.accept().await?;
        Ok(is_among(self.clients, &client).then_some(client))
    }
}

/// Whether one of these clients is at the other end.
fn is_among(clients: Clients, client: &LocalStream) -> bool {
    let Ok(peer) = client.peer_cred() else { return false };
    let own = i32::try_from(std::process::id()).ok();
    let is_process = clients == Clients::User || peer.pid().is_none() || peer.pid() == own;
    peer.uid() == user() && is_process
}

/// Has the system find out when the other end of a silent connection is gone.
///
/// # Errors
/// The system's.
pub(crate) fn keep_alive(stream: &tokio::net::TcpStream) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_keepalive(stream, true)?)
}

// Places.

/// Where a system keeps the authorities that it trusts in one file: Debian's, Fedora's, SUSE's, Alpine's and macOS's place.
pub(crate) const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Where Debian and its kin keep libpq's service file of the whole machine; elsewhere `PGSYSCONFDIR` says it.
pub(crate) const LIBPQ_SERVICES: &str = "/etc/postgresql-common";

/// Where PostgreSQL's packages put the sockets of servers. On Linux not `/tmp`, where any user could place one that
/// collects passwords.
pub(crate) const POSTGRES_SOCKETS: &str = if cfg!(target_os = "macos") { "/tmp" } else { "/var/run/postgresql" };

/// The folder for temporary files where `TMPDIR` names none.
pub(crate) const SCRATCH: &str = "/tmp";

/// The program that shows a URL in the user's browser.
pub(crate) const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// What loads the completions of single commands into bash.
pub(crate) const BASH_COMPLETION: [&str; 4] = [
    "/usr/share/bash-completion/bash_completion",
    "/etc/profile.d/bash_completion.sh",
    "/opt/homebrew/etc/profile.d/bash_completion.sh",
    "/usr/local/etc/profile.d/bash_completion.sh",
];

/// Where root puts completions for every user's zsh.
pub(crate) const ZSH_COMPLETIONS: &str = "/usr/local/share/zsh/site-functions";

// Commands, for hints.

/// What a hint may say to install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Package {
    /// psql, pg_dump and pg_restore; of this version of PostgreSQL, where one is asked for.
    PostgresClient(Option<u32>),
    /// The program sqlite3.
    Sqlite,
}

/// The command that installs a package here.
pub(crate) fn install(package: Package) -> String {
    if cfg!(target_os = "macos") {
        return match package {
            Package::PostgresClient(None) => "brew install libpq && brew link --force libpq".into(),
            Package::PostgresClient(Some(version)) => format!("brew install postgresql@{version}"),
            Package::Sqlite => "brew install sqlite".into(),
        };
    }
    match package {
        Package::PostgresClient(None) => "apt-get install postgresql-client".into(),
        Package::PostgresClient(Some(version)) => format!("apt-get install postgresql-client-{version}"),
        Package::Sqlite => "apt-get install sqlite3".into(),
    }
}

/// The command that brings psql, pg_dump and pg_restore to their newest release here.
pub(crate) const UPGRADE_POSTGRES_CLIENT: &str =
    if cfg!(target_os = "macos") { "brew upgrade libpq" } else { "apt-get install --only-upgrade postgresql-client" };

/// The command that starts a PostgreSQL server here.
pub(crate) const START_POSTGRES: &str =
    if cfg!(target_os = "macos") { "brew services start postgresql" } else { "sudo systemctl start postgresql" };

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn what_is_left_in_a_pipe_was_not_taken() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"all").unwrap();
        reader.read_exact(&mut [0; 3]).unwrap();
        wait_until_taken(&writer).unwrap();
        writer.write_all(b"more").unwrap();
        reader.read_exact(&mut [0; 3]).unwrap();
        drop(reader);
        assert_eq!(wait_until_taken(&writer).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        wait_until_taken(tempfile::tempfile().unwrap()).unwrap();
    }

    #[test]
    fn a_private_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/file");
        private_folder(DirBuilder::new().recursive(true)).create(path.parent().unwrap()).unwrap();
        assert_eq!(mode(&fs::metadata(path.parent().unwrap()).unwrap()), 0o700);
        let file = private_file(OpenOptions::new().write(true).create_new(true)).open(&path).unwrap();
        assert!(!is_open_to_others(&file.metadata().unwrap()));
        set_mode(&file, 0o640).unwrap();
        assert!(is_open_to_others(&file.metadata().unwrap()));
    }

    #[test]
    fn users_have_their_names() {
        assert_eq!(user_name(ROOT), "root (uid 0)");
        assert_eq!(user_name(4_000_000_001), "uid 4000000001");
        assert_eq!(group_name(4_000_000_001), "4000000001");
    }

    #[test]
    fn an_ended_program_has_the_code_of_a_shell() {
        assert_eq!(exit_code(Command::new("sh").args(["-c", "exit 3"]).status().unwrap()), 3);
        assert_eq!(exit_code(Command::new("sh").args(["-c", "kill -TERM $$"]).status().unwrap()), 143);
    }
}
