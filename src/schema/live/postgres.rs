//! Reading PostgreSQL's catalogue.
//!
//! PostgreSQL prints every expression in a normal form of its own. What the reference's expressions will look like is
//! first foretold from the model, which costs nothing. Where something then seems to differ, the planner is asked
//! ([`equivalence`]), which makes no object. Only what it cannot be asked, and only where the transaction may write, is
//! found out by making the reference's tables in `pg_temp`, reading them with the same statement, and unmaking them again
//! by a savepoint. That needs no right but TEMPORARY.

mod assembly;
mod catalogue;
mod equivalence;
mod texts;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};

use self::assembly::assemble;
pub(super) use self::catalogue::Document;
use self::texts::Texts;
use super::{Live, LiveError, Rename, Rights};
use crate::schema::dialect::{Statement, postgres as dialect};
use crate::schema::model::Schema;

/// The oldest server that is understood, as `server_version_num` counts.
const OLDEST: u32 = 150_000;

const CATALOGUE: &str = include_str!("catalogue.sql");
const OTHERS: &str = include_str!("others.sql");

/// Reads the tables of `reference`, as `renames` will have named their columns in expressions.
///
/// Runs inside the caller's transaction and changes nothing; a scratch copy, where one is needed, is gone before this
/// returns.
///
/// # Errors
///
/// [`LiveError`]; after a driver's error the caller's transaction is lost.
pub(super) async fn read(
    connection: &impl ConnectionTrait,
    reference: &Schema,
    renames: &[Rename],
) -> Result<Live, LiveError> {
    let found = document(connection, names(reference)?, false).await?;
    if found.version < OLDEST {
        return Err(LiveError::TooOld(format!("{}", found.version / 10_000)));
    }
    for table in found.tables.iter().flatten() {
        let kind = match table.kind.as_str() {
            "v" => "view",
            "m" => "materialized view",
            "f" => "foreign table",
            _ => continue,
        };
        return Err(LiveError::NotATable { name: table.name.clone(), kind });
    }
    let mut texts = Texts::foretold(reference);
    let (mut schema, doubts) = assemble(&found, reference, renames, &texts);
    let mut unknown = Vec::new();
    if !doubts.is_empty() {
        let answers = equivalence::ask(connection, &found, renames, doubts, &texts).await?;
        unknown = answers.unknown;
        // Who only looks makes no temporary table, and on a standby there is none to be made.
        if !unknown.is_empty() && may_write(connection).await? {
            texts = scratch(connection, reference).await?;
            unknown.clear();
        }
        texts.take(answers.same);
        (schema, _) = assemble(&found, reference, renames, &texts);
    }
    let not_owned = found
        .tables
        .iter()
        .flatten()
        .filter(|table| !table.owned)
        .map(|table| (table.name.clone(), table.owner.clone()))
        .collect();
    let functions = found.functions.iter().flatten().filter(|function| !function.owned);
    let functions_not_owned = functions.map(|function| (function.name.clone(), function.owner.clone())).collect();
    Ok(Live {
        schema,
        unknown,
        rights: Rights {
            role: found.rights.role,
            public: found.rights.public,
            create_in_public: found.rights.create_in_public,
            create_schema: found.rights.create_schema,
            home: found.rights.home,
            use_home: found.rights.use_home,
            create_in_home: found.rights.use_home && found.rights.create_in_home,
            migrations: found.rights.migrations,
            read_record: found.rights.use_home && found.rights.read_record,
            write_record: found.rights.use_home && found.rights.read_record && found.rights.write_record,
            not_owned,
            functions_not_owned,
        },
    })
}

/// What the catalogue has under these names, to be compared with more than one schema.
///
/// # Errors
///
/// [`LiveError`]; after a driver's error the caller's transaction is lost.
pub(super) async fn catalogue(connection: &impl ConnectionTrait, tables: &[&str]) -> Result<Document, LiveError> {
    let mut found = document(connection, serde_json::to_string(tables)?, false).await?;
    if let Some(tables) = &mut found.tables {
        tables.retain(|table| matches!(table.kind.as_str(), "r" | "p"));
    }
    Ok(found)
}

/// The tables of `reference` in its terms. What cannot be compared without writing counts as different.
///
/// # Errors
///
/// The driver's, after which the caller's transaction is lost.
pub(super) async fn compare(
    connection: &impl ConnectionTrait,
    found: &Document,
    reference: &Schema,
) -> Result<Schema, LiveError> {
    let mut texts = Texts::foretold(reference);
    let (schema, doubts) = assemble(found, reference, &[], &texts);
    if doubts.is_empty() {
        return Ok(schema);
    }
    let answers = equivalence::ask(connection, found, &[], doubts, &texts).await?;
    texts.take(answers.same);
    Ok(assemble(found, reference, &[], &texts).0)
}

/// What else the database has.
///
/// # Errors
///
/// [`LiveError`].
pub(super) async fn others(connection: &impl ConnectionTrait, reference: &Schema) -> Result<Vec<String>, LiveError> {
    let query = Query::from_sql_and_values(DbBackend::Postgres, OTHERS, [names(reference)?.into()]);
    let rows = connection.query_all_raw(query).await?;
    let mut found: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
    found.retain(|other| {
        let of = other.strip_prefix("type ");
        !of.is_some_and(|of| reference.enum_types().iter().any(|wanted| wanted.name == of))
    });
    Ok(found)
}

fn names(reference: &Schema) -> Result<String, LiveError> {
    let names: Vec<&str> = reference.tables.iter().map(|table| table.name.as_str()).collect();
    Ok(serde_json::to_string(&names)?)
}

async fn document(connection: &impl ConnectionTrait, names: String, scratch: bool) -> Result<Document, LiveError> {
    let values = [names.into(), scratch.into()];
    let query = Query::from_sql_and_values(DbBackend::Postgres, CATALOGUE, values);
    let row = connection.query_one_raw(query).await?;
    let text: String = row.ok_or_else(|| DbErr::RecordNotFound("catalogue".to_owned()))?.try_get_by_index(0)?;
    let document: Document = serde_json::from_str(&text)?;
    // The statement has changed it, for how names are shown.
    connection.execute_unprepared(&format!("SET LOCAL search_path = {}", document.path)).await?;
    Ok(document)
}

/// Whether the transaction may make temporary objects.
pub(in crate::schema) async fn may_write(connection: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let sql = "SELECT pg_catalog.current_setting('transaction_read_only') = 'off'";
    let row = connection.query_one_raw(Query::from_string(DbBackend::Postgres, sql)).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default())
}

/// How PostgreSQL itself words the reference's expressions.
///
/// Foreign keys are left out: they are compared column by column, and their targets may be outside the model.
async fn scratch(connection: &impl ConnectionTrait, reference: &Schema) -> Result<Texts, LiveError> {
    let mut statements: Vec<Statement> = reference.enum_types().into_iter().map(dialect::create_enum).collect();
    statements.extend(reference.tables.iter().map(dialect::table));
    // Made in the temporary schema by name, and found there because nothing of ours is anywhere else in the path.
    for made in &mut statements {
        for word in ["CREATE TABLE ", "CREATE TYPE "] {
            if let Some(rest) = made.sql.strip_prefix(word) {
                made.sql = format!("{word}pg_temp.{rest}");
                break;
            }
        }
    }
    for table in &reference.tables {
        statements.extend(table.indexes.iter().map(|index| dialect::create_index(&table.name, index)));
    }
    statements.extend(reference.functions.iter().map(|function| dialect::create_function(function, "pg_temp")));
    for table in &reference.tables {
        let triggers = table.triggers.iter();
        statements.extend(triggers.filter_map(|each| dialect::create_trigger(&table.name, each, "pg_temp")));
    }
    let mut script = format!("SAVEPOINT skyteam_scratch; SET LOCAL search_path = {}; ", crate::db::search_path::SAFE);
    for statement in &statements {
        script.push_str(&statement.sql);
        script.push_str(";\n");
    }
    connection.execute_unprepared(&script).await?;
    let found = document(connection, names(reference)?, true).await?;
    connection.execute_unprepared("ROLLBACK TO SAVEPOINT skyteam_scratch; RELEASE SAVEPOINT skyteam_scratch").await?;
    Ok(Texts::of(&found))
}
