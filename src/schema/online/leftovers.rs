//! Indexes that a cut-off CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY left behind.
//!
//! One is ours where it is INVALID, has the name of an index of the desired schema (or that name with the suffix that
//! PostgreSQL gives the new or the old one of a REINDEX), and has its very definition. Nothing else is ever removed.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};

use crate::schema::dialect::literal;
use crate::schema::model::{Rule, Schema, Shape};

/// An unfinished index of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leftover {
    /// Its name.
    pub index: String,
    /// Its table.
    pub table: String,
    /// The session that is building it at this moment.
    pub builder: Option<i32>,
}

/// Finds them.
///
/// # Errors
/// The driver's.
pub(super) async fn find(db: &impl ConnectionTrait, desired: &Schema) -> Result<Vec<Leftover>, DbErr> {
    let tables: Vec<String> = desired.tables.iter().map(|table| literal(&table.name)).collect();
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT x.relname::text, t.relname::text, i.indisunique, pg_catalog.pg_get_expr(i.indpred, i.indrelid, true), \
           (SELECT pg_catalog.string_agg(a.attname, E'\\n' ORDER BY k.place) \
            FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place) \
            JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum), \
           (SELECT p.pid FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid LIMIT 1) \
         FROM pg_catalog.pg_index i \
         JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
         JOIN pg_catalog.pg_class t ON t.oid = i.indrelid \
         JOIN pg_catalog.pg_am m ON m.oid = x.relam \
         WHERE NOT i.indisvalid AND m.amname = 'btree' AND i.indexprs IS NULL AND i.indnatts = i.indnkeyatts \
           AND t.relkind = 'r' AND t.relnamespace = pg_catalog.to_regnamespace('public') AND t.relname IN ({})",
        tables.join(", ")
    );
    let rows = db.query_all_raw(Query::from_string(DbBackend::Postgres, sql)).await?;
    let mut found = Vec::new();
    for row in &rows {
        let (index, table): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let columns: Option<String> = row.try_get_by_index(4)?;
        let columns: Vec<String> = columns.iter().flat_map(|names| names.split('\n')).map(str::to_owned).collect();
        if is_ours(desired, &table, &index, &columns, row.try_get_by_index(2)?, row.try_get_by_index(3)?) {
            found.push(Leftover { index, table, builder: row.try_get_by_index(5)? });
        }
    }
    Ok(found)
}

fn is_ours(
    desired: &Schema,
    table: &str,
    index: &str,
    columns: &[String],
    unique: bool,
    filter: Option<String>,
) -> bool {
    let Some(table) = desired.table(table) else { return false };
    let name = stem(index);
    let is_index = table.indexes.iter().any(|wanted| match &wanted.shape {
        Shape::Columns { columns: own, unique: is_unique, filter: own_filter } => {
            wanted.name == name
                && own == columns
                && *is_unique == unique
                && own_filter.as_ref().map(|sql| &sql.postgres) == filter.as_ref()
        }
        Shape::Unsupported { .. } => false,
    });
    let is_key = table.constraints.iter().any(|wanted| match &wanted.rule {
        Rule::PrimaryKey(own) | Rule::Unique(own) => {
            wanted.name == name && own == columns && unique && filter.is_none()
        }
        _ => false,
    });
    is_index || is_key
}

/// The name without what REINDEX CONCURRENTLY puts behind it: `_ccnew`, `_ccold`, `_ccnew1`.
fn stem(name: &str) -> &str {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
    bare.strip_suffix("_ccnew").or_else(|| bare.strip_suffix("_ccold")).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn the_suffix_of_a_reindex_is_no_part_of_the_name() {
        for (name, found) in [
            ("users_idx", "users_idx"),
            ("users_idx_ccnew", "users_idx"),
            ("users_idx_ccold12", "users_idx"),
            ("users_idx2", "users_idx2"),
        ] {
            assert_eq!(stem(name), found);
        }
    }
}
