//! Statements that write and commit by themselves.
//!
//! An interrupt does not cut one off before its answer ([`super::shutdown`]), and a commit that no standby confirmed is
//! reported.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::{Database, notices, shutdown};

/// A way into a database for statements that each commit by themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Autocommit<'a> {
    database: &'a Database,
}

impl<'a> Autocommit<'a> {
    pub(super) fn new(database: &'a Database) -> Self {
        Self { database }
    }

    /// Waits for the answer to a statement, and for the standby where it warned.
    async fn committed<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        let (done, warnings) = notices::heard(self.database.conn().shutdown().run(work)).await;
        // A deferred trigger runs in the commit of such a statement, and may have sent the warning. Which of the two it was
        // shows in whether the standby has, or soon gets, what was committed.
        if done.is_ok() && !warnings.is_empty() && self.database.replicated().await.is_err() {
            return shutdown::replicated(done, warnings);
        }
        done
    }
}

#[async_trait]
impl ConnectionTrait for Autocommit<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.database.conn().get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.committed(self.database.conn().execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.committed(self.database.conn().execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.committed(self.database.conn().query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.committed(self.database.conn().query_all_raw(statement)).await
    }
}
