//! A nightly job on the library: audits the ledger, then backs the database up into a folder and reads the backup back.
//!
//! ```sh
//! DATABASE_URL=postgres://… cargo run --example nightly -- /var/backups/skyteam
//! ```

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use skyteam::backup::create::{Snapshot, Wanted};
use skyteam::backup::format::archive::Archive;
use skyteam::backup::format::crypt::{Identities, Recipients};
use skyteam::backup::spool::Spools;
use skyteam::db::{Access, Database, DatabaseUrl, Options, connect};
use skyteam::ledger::audit::{Finding, audit};

/// What one night found and made.
#[derive(Debug)]
pub struct Night {
    /// Where the ledger breaks an invariant; empty when it is sound.
    pub findings: Vec<Finding>,
    /// The backup, which was read back.
    pub file: PathBuf,
    /// How many rows it has.
    pub rows: u64,
}

/// Audits the ledger and makes a backup, named after `at`, in `folder`.
///
/// # Errors
/// The database's and the file system's; `BackupError` where the backup does not read back as it was written.
pub async fn run(database: &Database, folder: &Path, at: DateTime<Utc>) -> Result<Night, Box<dyn Error>> {
    let tx = database.begin_read().await?;
    let findings = audit(&tx, None).await?.try_collect().await?;
    tx.rollback().await?;

    let snapshot = Snapshot::take(database, &[]).await?;
    let spools = Spools::new(folder, false);
    let made = snapshot.read(database, &Wanted::default(), at, &spools, Arc::new(|_| {})).await?;
    let file = folder.join(format!("nightly-{}.skyteam", at.format("%Y%m%dT%H%M%SZ")));
    // It holds personal data: only its owner reads it.
    let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file)?;
    let (manifest, _) = made.write(&out, &Recipients::default())?;
    out.sync_all()?;
    Archive::open(File::open(&file)?, &Identities::default())?.check_members(|_| {})?;
    Ok(Night { findings, file, rows: manifest.rows() })
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example answers on stdout")]
#[allow(clippy::allow_attributes, dead_code, reason = "the tests take the job and leave this")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = DatabaseUrl::parse(&std::env::var("DATABASE_URL")?)?;
    let folder = std::env::args_os().nth(1).ok_or("name a folder for the backup")?;
    let options = Options { application_name: "skyteam nightly".into(), access: Access::Read, ..Options::default() };
    let database = connect(&url, options).await?;
    let night = run(&database, Path::new(&folder), Utc::now()).await;
    database.close().await;
    let night = night?;
    println!("{}: {} rows, {} findings in the ledger", night.file.display(), night.rows, night.findings.len());
    if night.findings.is_empty() { Ok(()) } else { Err("the ledger breaks an invariant: skyteam miles audit".into()) }
}
