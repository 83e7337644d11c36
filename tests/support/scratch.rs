//! A folder that is gone when the test process is, with every server that ran in it, however the process
//! ended: by return, panic, Ctrl-C or SIGKILL.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Waits for its standard input to close, which the kernel does when we die, then ends every process that
/// left its number in a `*.pid` file below the folder and removes the folder.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
read -r _
for file in "$1"/*.pid "$1"/*/*.pid; do
    [ -f "$file" ] || continue
    pid=$(head -n 1 "$file")
    kill -QUIT "$pid" 2>/dev/null
    tries=0
    while kill -0 "$pid" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
done
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
"#;

/// The user who runs servers: PostgreSQL refuses root.
#[derive(Clone, Copy, Debug)]
pub struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// Nobody in particular when we are root, else ourselves (`None`).
    fn for_servers() -> Option<Self> {
        let me = std::fs::metadata("/proc/self").expect("/proc is mounted").uid();
        if me != 0 {
            return None;
        }
        let accounts = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd is readable");
        let find = |name: &str| {
            accounts.lines().find_map(|line| {
                let mut fields = line.split(':');
                (fields.next() == Some(name)).then(|| {
                    let mut number = || fields.next().and_then(|field| field.parse().ok());
                    number(); // the password field
                    Some(Self { uid: number()?, gid: number()? })
                })?
            })
        };
        Some(find("postgres").or_else(|| find("nobody")).expect("an account that is not root's"))
    }
}

/// A temporary folder with a watchdog over it.
#[derive(Debug)]
pub struct Scratch {
    folder: tempfile::TempDir,
    user: Option<User>,
    watchdog: Child,
    /// Closed by the kernel when this process ends, or by [`Drop`].
    leash: Option<ChildStdin>,
}

impl Scratch {
    /// A new folder under the system's temporary one, owned by the user who runs servers.
    pub fn new(purpose: &str) -> Self {
        let folder = tempfile::Builder::new().prefix(&format!("skyteam-{purpose}-")).tempdir().unwrap();
        let user = User::for_servers();
        if let Some(User { uid, gid }) = user {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        // Traversable: clients of other users reach the sockets inside.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let mut watchdog = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(folder.path())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("/bin/sh runs");
        let leash = watchdog.stdin.take();
        Self { folder, user, watchdog, leash }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command that runs as the user who owns the folder, apart from the terminal's Ctrl-C.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(self.path()).stdin(Stdio::null()).process_group(0);
        if let Some(User { uid, gid }) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Writes a file that the servers' user may read and nobody else.
    pub fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.path().join(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
        match self.user {
            Some(User { uid, gid }) => chown(&path, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.leash.take());
        // It removes the folder too; a failure shows as a folder left behind, which the self-test looks for.
        let _ = self.watchdog.wait();
    }
}
