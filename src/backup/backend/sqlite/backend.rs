//! SQLite as a [`Backend`].

use std::time::Duration;

use async_trait::async_trait;
use sqlx::SqlitePool;

use super::{definitions, read, restore, unarchivable};
use crate::backup::backend::engine::{self, Backend, Job};
use crate::backup::error::Result;
use crate::backup::error::Unarchivable;
use crate::backup::format::definitions::Definitions;
use crate::backup::plan::State;

/// An SQLite database.
pub(crate) struct Sqlite<'a> {
    pool: &'a SqlitePool,
}

impl<'a> Sqlite<'a> {
    /// A database by its pool.
    pub(crate) fn new(pool: &'a SqlitePool) -> Self {
        Self { pool }
    }
}

#[async_trait(?Send)]
impl Backend for Sqlite<'_> {
    async fn snapshot(&self, names: &[&str], _patience: Duration) -> Result<Box<dyn engine::Snapshot>> {
        Ok(Box::new(read::Snapshot::take(self.pool, names).await?))
    }

    async fn state(&self) -> Result<State> {
        restore::inspect(self.pool).await
    }

    async fn restore(&self, job: Job) -> Result<()> {
        restore::restore(self.pool, &job).await
    }

    async fn unarchivable(&self) -> Result<Vec<Unarchivable>> {
        unarchivable::find(&mut *self.pool.acquire().await?).await
    }

    async fn definitions(&self, names: &[&str]) -> Result<Vec<(String, Definitions)>> {
        let found = definitions::read(&mut *self.pool.acquire().await?, names).await?;
        Ok(found.into_iter().collect())
    }
}
