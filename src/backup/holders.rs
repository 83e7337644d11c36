//! Who is in the way of a backup or a restore.

use crate::db::Database;
use crate::schema::{Holder, lock};

/// Who is in the way of a lock of this mode, as far as that can be found out afterwards.
pub(super) async fn in_the_way(database: &Database, mode: &str) -> Vec<Holder> {
    let tables = crate::schema::desired::table_names();
    lock::in_the_way(database.conn(), &tables, mode).await.unwrap_or_default()
}
