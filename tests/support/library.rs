//! `skyteam` as a library: runs sets of migrations that no build has.

use migration::Migration;
use skyteam::consent::Approval;
use skyteam::db::{self, Database, DatabaseUrl};
use skyteam::schema::migrate::{Descent, MigrateError, MigrateOptions, Step};
use skyteam::schema::{LockPolicy, migrate};

use super::World;
use super::sql::block_on;

/// The database of a world, opened by the library.
#[derive(Debug)]
pub struct Library<'a>(pub &'a World);

impl Library<'_> {
    /// Runs all of `set` that is pending.
    pub fn up(&self, set: &[Migration]) -> Result<Vec<Step>, MigrateError> {
        self.with(async |database, approval| migrate::up(database, set, None, manner(), approval, &mut |_| {}).await)
    }

    /// Undoes the newest of `set`.
    pub fn down(&self, set: &[Migration], steps: usize) -> Result<Vec<Step>, MigrateError> {
        self.with(async |database, approval| {
            let way =
                migrate::plan_down(database, set, Descent::Steps(steps), &LockPolicy::default(), &mut |_| {}).await?;
            migrate::down(database, set, &way, manner(), approval, &mut |_| {}).await
        })
    }

    /// Opens the database, with leave to change it.
    pub fn with<T>(&self, work: impl AsyncFnOnce(&Database, Approval) -> T) -> T {
        block_on(async {
            let options = db::Options { absent: db::Absent::Create, ..db::Options::default() };
            let database = db::connect(&DatabaseUrl::parse(&self.0.url()).unwrap(), options).await.unwrap();
            let done = work(&database, Approval::given()).await;
            database.close().await;
            done
        })
    }
}

fn manner() -> MigrateOptions {
    MigrateOptions { dry_run: false, patience: LockPolicy::default() }
}
