//! `db`: the database itself.

mod activity;
mod backup;
mod backups;
mod create;
mod destination;
mod diff;
mod doctor;
mod generate;
mod grant;
mod info;
mod migrate;
mod online;
pub(in crate::cli::commands) mod opened;
mod place;
mod planned;
mod prune;
mod push;
mod reset;
pub(in crate::cli::commands) mod restore;
mod rollback;
mod schema;
mod scratch;
mod seed;
mod shell;
pub(in crate::cli::commands) mod signers;
mod status;
mod studio;
mod transfer;
mod verify;
mod vouching;

use std::path::Path;

use clap::Subcommand;

pub(super) use backups::Line;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make the database, and asked for its role, with the rights they need
    #[command(after_help = create::EXAMPLES)]
    Create(create::DbCreateArgs),
    /// Look for what is wrong, and say how to mend it
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::DbDoctorArgs),
    /// Show size, rows, indexes, dead rows, cache and age of transactions
    #[command(after_help = info::EXAMPLES)]
    Info,
    /// Show the sessions of the database, what blocks what, and how to end it
    #[command(after_help = activity::EXAMPLES)]
    Activity(activity::DbActivityArgs),
    /// Grant a role what it needs for its purpose
    #[command(after_help = grant::EXAMPLES)]
    Grant(grant::DbGrantArgs),
    /// Make the live database what the entities ask for
    #[command(after_help = push::EXAMPLES)]
    Push(push::DbPushArgs),
    /// Show the plan that push would run
    #[command(after_help = diff::EXAMPLES)]
    Diff(diff::DbDiffArgs),
    /// Show the schema that the entities ask for: DDL, model, diagram, Drizzle's schema.ts
    #[command(after_help = schema::EXAMPLES)]
    Schema(schema::DbSchemaArgs),
    /// Write a migration from the last one to what the entities ask for
    #[command(after_help = generate::EXAMPLES)]
    Generate(generate::DbGenerateArgs),
    /// Run the pending migrations, each in a transaction of its own
    #[command(after_help = migrate::EXAMPLES)]
    Migrate(migrate::DbMigrateArgs),
    /// Undo the newest migrations
    #[command(after_help = rollback::EXAMPLES)]
    Rollback(rollback::DbRollbackArgs),
    /// Fill an empty database with demonstration data
    #[command(after_help = seed::EXAMPLES)]
    Seed(seed::DbSeedArgs),
    /// Show the state of the migrations: applied, pending, edited, missing, drift
    #[command(after_help = status::EXAMPLES)]
    Status(status::DbStatusArgs),
    /// Drop what skyteam manages, with its data, and push again
    #[command(after_help = reset::EXAMPLES)]
    Reset(reset::DbResetArgs),
    /// Back up skyteam's tables from one consistent snapshot, while others write
    #[command(after_help = backup::EXAMPLES)]
    Backup(backup::DbBackupArgs),
    /// Restore a backup into an empty database, or in place of what is there
    #[command(after_help = restore::EXAMPLES)]
    Restore(restore::DbRestoreArgs),
    /// Check that a backup is whole, and with --deep that it comes back
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::DbVerifyArgs),
    /// Copy this database into another, from either engine to either
    #[command(after_help = transfer::EXAMPLES)]
    Transfer(transfer::DbTransferArgs),
    /// List the backups in a folder
    #[command(after_help = backups::EXAMPLES)]
    Backups(backups::DbBackupsArgs),
    /// Remove old backups that no rule keeps
    #[command(after_help = prune::EXAMPLES)]
    Prune(prune::DbPruneArgs),
    /// Show the tables in a browser, from a server on this machine
    #[command(after_help = studio::EXAMPLES)]
    Studio(studio::DbStudioArgs),
    /// Open psql or sqlite3 on this database
    #[command(after_help = shell::EXAMPLES)]
    Shell(shell::DbShellArgs),
}

/// A path as it is typed here: from the current folder on where it lies below that.
fn typed(path: &Path, cx: &Context) -> String {
    path.strip_prefix(&cx.cwd).unwrap_or(path).display().to_string()
}

impl Verb {
    /// Runs it.
    ///
    /// # Errors
    /// The command's.
    pub(crate) async fn run(self, cx: &Context) -> Result<Outcome> {
        match self {
            Self::Create(args) => create::run(args, cx).await,
            Self::Doctor(args) => doctor::run(args, cx).await,
            Self::Info => info::run(cx).await,
            Self::Activity(args) => activity::run(args, cx).await,
            Self::Grant(args) => grant::run(args, cx).await,
            Self::Push(args) => push::run(args, cx).await,
            Self::Diff(args) => diff::run(args, cx).await,
            Self::Reset(args) => reset::run(args, cx).await,
            Self::Schema(args) => schema::run(&args, cx),
            Self::Generate(args) => generate::run(args, cx).await,
            Self::Migrate(args) => migrate::run(args, cx).await,
            Self::Rollback(args) => rollback::run(args, cx).await,
            Self::Seed(args) => seed::run(args, cx).await,
            Self::Status(args) => status::run(args, cx).await,
            Self::Backup(args) => backup::run(args, cx).await,
            Self::Restore(args) => restore::run(args, cx).await,
            Self::Verify(args) => verify::run(args, cx).await,
            Self::Transfer(args) => transfer::run(args, cx).await,
            Self::Backups(args) => backups::run(args, cx).await,
            Self::Prune(args) => prune::run(args, cx).await,
            Self::Studio(args) => studio::run(args, cx).await,
            Self::Shell(args) => shell::run(args, cx).await,
        }
    }
}
