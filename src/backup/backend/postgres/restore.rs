//! Restoring: the ways of [`Way`] in PostgreSQL.

use std::collections::HashSet;

use sqlx::PgPool;
use sqlx::postgres::PgConnection;

use super::attachments::Attachments;
use super::bookkeeping::onward;
use super::job::{Job, begin, end, look_in, record_opening, run};
use super::load::load_and_count;
use super::state::{find_all, state};
use super::{bookkeeping, ddl, definitions, dependents, locks, staging, table_digest};
use crate::backup::error::Result;
use crate::backup::plan::Way;
use crate::backup::version;
use crate::db::{quote, search_path};
use crate::schema::model::Table;

/// Whose the tables of these names are and who may what with them, as statements that make it so again.
///
/// # Errors
/// The driver's.
pub(crate) async fn access(pool: &PgPool, names: &[&str]) -> Result<Vec<String>> {
    let mut connection = pool.acquire().await?;
    Ok(Attachments::read(&mut connection, names).await?.access())
}

/// Restores. When it fails the database is as it was.
///
/// # Errors
/// Those of reading the archive, and the driver's.
pub(super) async fn restore(job: &Job) -> Result<()> {
    let mut connection = job.pool.acquire().await?.detach();
    begin(&mut connection, job.lock_timeout).await?;
    if job.plan.way == Way::Fresh && staging::possible(&job.pool).await? {
        let extras = definitions::prepare(&mut connection, job, staging::STAGE, &[]).await?;
        // A type has its place from the beginning, which a killed restore must not leave behind.
        if extras.types.is_empty() {
            return staging::restore(job, connection, extras).await;
        }
    }
    match job.plan.way {
        Way::InPlace => in_place(&mut connection, job).await?,
        Way::Fresh | Way::Replace => replace(&mut connection, job).await?,
    }
    record_opening(&mut connection).await?;
    end(connection, job).await
}

/// The tables of the version that are filled.
fn filled(job: &Job) -> impl Iterator<Item = &Table> {
    let fillings = job.plan.fillings.iter();
    fillings.filter_map(|filling| job.plan.version.schema.table(&filling.table))
}

/// Compares a filled table of the contract with its source. Names are looked up as when a backup is made: a better match
/// that another role has put into `public` is not called.
async fn compare(connection: &mut PgConnection, job: &Job, table: &str) -> Result<()> {
    look_in(connection, search_path::SAFE).await?;
    table_digest::compare(connection, job, table, &format!("public.{}", quote(table))).await?;
    look_in(connection, search_path::DDL).await
}

async fn in_place(connection: &mut PgConnection, job: &Job) -> Result<()> {
    let schema = &job.plan.version.schema;
    let chosen: Vec<&Table> = filled(job).collect();
    let is_chosen = |name: &str| chosen.iter().any(|table| table.name == name);
    let list = chosen.iter().map(|table| quote(&table.name)).collect::<Vec<_>>().join(", ");
    if chosen.is_empty() {
        return Ok(());
    }
    let found = find_all(connection).await?;
    // Also those that only lose a key: dropping one locks both of its tables.
    let touched = |table: &&Table| {
        is_chosen(&table.name)
            || table.foreign_keys().any(|(_, key)| is_chosen(&key.table))
            || schema
                .tables
                .iter()
                .any(|other| is_chosen(&other.name) && other.foreign_keys().any(|(_, key)| key.table == table.name))
    };
    let touched = locks::quoted(schema.tables.iter().filter(touched).map(|table| table.name.as_str()));
    run(connection, [locks::exclusive(&touched, job.lock_timeout, "RAISE")]).await?;
    job.plan.check_unchanged(&state(connection).await?)?;
    let names: Vec<&str> = chosen.iter().map(|table| table.name.as_str()).collect();
    dependents::refuse_references(connection, &found, &names).await?;
    let all: Vec<&str> = found.iter().map(|table| table.shape.name.as_str()).collect();
    let before = Attachments::read(connection, &all).await?;
    before.check(true)?;
    // Keys between the tables are taken off and put on again with all rows there; so are the plain indexes.
    let mut off = Vec::new();
    let mut on = Vec::new();
    for table in &schema.tables {
        let name = quote(&table.name);
        for (key, target) in table.foreign_keys() {
            if is_chosen(&table.name) || is_chosen(&target.table) {
                off.push(format!("ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {}", quote(key)));
            }
        }
        if !is_chosen(&table.name) {
            continue;
        }
        for index in &table.indexes {
            off.push(format!("DROP INDEX IF EXISTS {}", quote(&index.name)));
            on.push(crate::schema::dialect::postgres::create_index(&table.name, index).sql);
        }
        off.push(format!("ALTER TABLE {name} DISABLE TRIGGER USER"));
    }
    for table in &schema.tables {
        for constraint in &table.constraints {
            let crate::schema::model::Rule::ForeignKey(key) = &constraint.rule else { continue };
            if is_chosen(&table.name) || is_chosen(&key.table) {
                on.push(crate::schema::dialect::postgres::add_constraint(&table.name, constraint).sql);
            }
        }
    }
    look_in(connection, search_path::DDL).await?;
    run(connection, off).await?;
    run(connection, [format!("TRUNCATE {list}")]).await?;
    for table in &chosen {
        load_and_count(connection, job, &table.name).await?;
    }
    for table in &chosen {
        compare(connection, job, &table.name).await?;
    }
    run(connection, on).await?;
    run(connection, [format!("ANALYZE {list}")]).await?;
    before.put_back(connection, &all, &HashSet::new()).await
}

async fn replace(connection: &mut PgConnection, job: &Job) -> Result<()> {
    let schema = &job.plan.version.schema;
    let old = find_all(connection).await?;
    let list: Vec<String> = old.iter().map(|table| table.path.clone()).collect();
    run(connection, [locks::exclusive(&list, job.lock_timeout, "RAISE")]).await?;
    let list = list.join(", ");
    job.plan.check_unchanged(&state(connection).await?)?;
    let names: Vec<&str> = old.iter().map(|table| table.shape.name.as_str()).collect();
    let before = Attachments::read(connection, &names).await?;
    before.check(false)?;
    let extras = definitions::prepare(connection, job, "public", &old).await?;
    if !old.is_empty() {
        // Without CASCADE: what others have built upon them stops it.
        run(connection, [format!("DROP TABLE {list}")]).await?;
    }
    run(connection, extras.types.clone()).await?;
    let access = bookkeeping::function_access(connection).await?;
    look_in(connection, search_path::DDL).await?;
    run(connection, bookkeeping::drop_functions()?).await?;
    run(connection, ddl::drop_enums(&version::known()?)).await?;
    run(connection, ddl::enums(schema)).await?;
    for table in &schema.tables {
        let filling = job.plan.fillings.iter().find(|filling| filling.table == table.name);
        run(connection, ddl::bare_table(table)).await?;
        look_in(connection, search_path::SAFE).await?;
        run(connection, before.columns(table)?).await?;
        run(connection, extras.columns(&table.name)).await?;
        look_in(connection, search_path::DDL).await?;
        run(connection, ddl::sqlite_columns(table, filling, job.archive.manifest().engine)).await?;
        load_and_count(connection, job, &table.name).await?;
        compare(connection, job, &table.name).await?;
        run(connection, ddl::indexes(table).into_iter().map(|(_, sql)| sql)).await?;
        run(connection, ddl::keys(table)).await?;
    }
    for table in &schema.tables {
        run(connection, ddl::foreign_keys(table)).await?;
        let validate = table.foreign_keys().map(|(key, _)| ddl::validate_foreign_key(table, key));
        run(connection, validate).await?;
    }
    bookkeeping::write(connection, job).await?;
    run(connection, ddl::triggers(schema)).await?;
    look_in(connection, search_path::SAFE).await?;
    for table in &schema.tables {
        run(connection, extras.rules(&table.name)).await?;
    }
    run(connection, extras.references()).await?;
    extras.compare(connection, &job.archive.manifest().server_version).await?;
    look_in(connection, search_path::DDL).await?;
    if job.onward {
        onward(connection, job).await?;
    }
    run(connection, access).await?;
    let list: Vec<String> = schema.tables.iter().map(|table| quote(&table.name)).collect();
    run(connection, [format!("ANALYZE {}", list.join(", "))]).await?;
    before.put_back(connection, &names, &extras.made).await
}
