//! PostgreSQL as a [`Backend`].

use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgPool;

use super::job::Job;
use super::{definitions, locks, read, restore, state, unarchivable};
use crate::backup::backend::engine::{self, Backend};
use crate::backup::error::Unarchivable;
use crate::backup::error::{BackupError, Result};
use crate::backup::format::definitions::Definitions;
use crate::backup::holders;
use crate::backup::plan::State;
use crate::db::Database;

/// A PostgreSQL database.
pub(crate) struct Postgres<'a> {
    database: &'a Database,
    pool: &'a PgPool,
}

impl<'a> Postgres<'a> {
    /// The database and its pool.
    pub(crate) fn new(database: &'a Database, pool: &'a PgPool) -> Self {
        Self { database, pool }
    }

    /// Work that needs a session of its own.
    fn refuse_pooler(&self) -> Result<()> {
        if self.database.is_behind_pooler() { Err(BackupError::Pooler) } else { Ok(()) }
    }

    /// Says who holds the tables, where a lock was not to be had in time.
    async fn explain_lock(&self, error: BackupError, mode: &str) -> BackupError {
        match error {
            BackupError::Database(source) if locks::is_locked(&source) => {
                let holders = holders::in_the_way(self.database, mode).await;
                BackupError::InUse { holders, source: Some(source) }
            }
            error => error,
        }
    }

    /// Says what a role lacks that may not read everything: a backup needs no other right.
    fn explain_denial(&self, error: BackupError) -> BackupError {
        let denied = match &error {
            BackupError::Database(source) => {
                source.as_database_error().filter(|refusal| refusal.code().as_deref() == Some("42501"))
            }
            _ => None,
        };
        match (denied, &self.database.target().role) {
            (Some(refusal), Some(role)) => {
                BackupError::Unreadable { role: role.clone(), why: refusal.message().to_owned() }
            }
            _ => error,
        }
    }
}

#[async_trait(?Send)]
impl Backend for Postgres<'_> {
    async fn snapshot(&self, names: &[&str], patience: Duration) -> Result<Box<dyn engine::Snapshot>> {
        self.refuse_pooler()?;
        match read::Snapshot::take(self.pool, names, patience).await {
            Ok(snapshot) => Ok(Box::new(snapshot)),
            Err(error) => Err(self.explain_denial(self.explain_lock(error, "ACCESS SHARE").await)),
        }
    }

    async fn state(&self) -> Result<State> {
        self.refuse_pooler()?;
        state::inspect(self.pool).await
    }

    async fn restore(&self, what: engine::Job) -> Result<()> {
        let job = Job { what, pool: self.pool.clone(), shutdown: self.database.shutdown().clone() };
        match restore::restore(&job).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explain_lock(error, "ACCESS EXCLUSIVE").await),
        }
    }

    async fn unarchivable(&self) -> Result<Vec<Unarchivable>> {
        unarchivable::find(self.pool, self.database.preamble()).await
    }

    async fn definitions(&self, names: &[&str]) -> Result<Vec<(String, Definitions)>> {
        let mut txn = self.pool.begin().await?;
        definitions::look_safely(&mut txn, self.database.preamble()).await?;
        let mut found = Vec::new();
        for name in names {
            found.push(((*name).to_owned(), definitions::read(&mut txn, name).await?));
        }
        txn.rollback().await?;
        Ok(found)
    }
}
