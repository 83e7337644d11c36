//! The wording of the schema engine: plans that do not fit, data that breaks rules, rights, locks and failed steps.

use std::collections::BTreeSet;

use super::{Error, Kind};
use crate::db::{Engine, quote, sql_state};
use crate::directory::input::quoted;
use crate::message::{Command, Message, count, flag, message, skyteam};
use crate::schema::dependents::Dependent;
use crate::schema::live::LiveError;
use crate::schema::rights::Missing;
use crate::schema::waiting::{Holder, SessionError, Stuck};
use crate::schema::{DesiredError, Finding, PlanError, Remediation, SchemaError, Suspect};

/// How many differences are named; `db diff` shows all.
const SHOWN: usize = 8;

impl From<SchemaError> for Error {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::Live(error) => error.into(),
            SchemaError::Plan(error) => error.into(),
            SchemaError::Ahead(folders) => ahead(&folders),
            SchemaError::Depended(dependents) => depended(&dependents),
            SchemaError::Unkept(lost) => {
                let what = "what is attached to an index or column that is replaced would be lost; all was rolled back";
                let error = Self::new(Kind::Refused, "depended_on", what);
                lost.iter().fold(error, |error, each| error.why(each.as_str())).fix(
                    "attach it to another index (ALTER TABLE … REPLICA IDENTITY …) or take it away, then run this again",
                )
            }
            SchemaError::Rights { role, database, missing } => lacking(&role, &database, &missing),
            SchemaError::Session(error) => error.into(),
            SchemaError::Changed => {
                Self::new(Kind::Locked, "schema_changed", "the schema has changed since the plan was made")
                    .why("another program changes it at this moment; this plan was not run to its end")
                    .fix("try again")
            }
            SchemaError::Statement { step, sql, source } => {
                let refused = Self::from(source);
                let mut error =
                    Self::new(refused.kind(), "step_failed", message!("could not {}; all was rolled back", &step.what))
                        .because(&refused);
                error = error.why(message!("statement: {}", sql.lines().next().unwrap_or_default()));
                for fix in refused.fixes() {
                    error = error.fix(fix);
                }
                error.source(refused)
            }
            SchemaError::NotEqual { differences } => {
                let error = Self::new(
                    Kind::Failure,
                    "outcome_differs",
                    "after the last step the schema was not the desired one; all was rolled back",
                );
                let shown = differences.iter().take(SHOWN).fold(error, |error, each| error.why(message!("- {}", each)));
                match differences.len().saturating_sub(SHOWN) {
                    0 => shown,
                    more => shown.why(message!("… and {} more", &more)),
                }
                .fix("run it again with -vv and report what it says: this is a defect of skyteam, or an event trigger of yours")
            }
            SchemaError::Pooler => Self::new(
                Kind::Config,
                "pooler",
                "an online push needs a session of its own, and a pooler in transaction mode is in front of the server",
            )
            .why("CREATE INDEX CONCURRENTLY and the lock around it outlast a transaction")
            .fix("give the URL of the server itself"),
            SchemaError::Online(refused) => {
                let what = message!("{} cannot be done online; nothing was run", count(refused.len() as u64, "step"));
                let error = Self::new(Kind::Refused, "needs_push", what);
                let error = refused.iter().fold(error, |error, (step, why)| error.why(message!("{}: {}", step, why)));
                error.fix(message!("{}    in a quiet hour", skyteam("db push")))
            }
            SchemaError::Part { step, sql, source } => {
                let refused = Self::from(source);
                let what = message!("could not {}; what was done before it stays", &step.what);
                let error = Self::new(refused.kind(), "step_failed", what).because(&refused);
                let error = error.why(message!("statement: {}", sql.lines().next().unwrap_or_default()));
                let error = refused.fixes().iter().fold(error, |error, fix| error.fix(fix.clone()));
                error.fix(message!("{}    goes on from there", skyteam("db push --online"))).source(refused)
            }
            SchemaError::Broken { step, findings } => {
                let error = broken(&findings, message!("rows came that break what {} demands", &step.what));
                error
                    .why("what was half made of it was dropped again; what was done before it stays")
                    .fix(message!("{}    goes on from there", skyteam("db push --online")))
            }
            SchemaError::OnlineDiffers(differences) => {
                let what = "after the last step the schema is not the desired one";
                let error = Self::new(Kind::Failure, "outcome_differs", what);
                let error = differences.iter().take(SHOWN).fold(error, |error, each| error.why(message!("- {}", each)));
                error.why("another program may have changed it meanwhile").fix(skyteam("db push --online"))
            }
            SchemaError::Dangling { table, target, rows } => {
                Self::new(Kind::Refused, "foreign_key", "rows would refer to nothing; all was rolled back")
                    .why(message!("{} of {} would have no row of {}", count(rows, "row"), table, target))
            }
            SchemaError::Snapshot(error) => error.into(),
            SchemaError::Driver(error) => error.into(),
        }
    }
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Busy { holders, waited } => {
                let error = Self::new(Kind::Locked, "lock_timeout", "another change of the schema is still going on")
                    .why(message!("{} s were waited", format!("{:.0}", waited.as_secs_f64())));
                with_holders(error, &holders).fix("try again")
            }
            SessionError::Locked(stuck) => {
                let Stuck { what, engine, holders, waited, tries, kept, source } = *stuck;
                let rest = if kept { "what was done before it stays" } else { "all was rolled back" };
                let thing = match engine {
                    Engine::Postgres => "a table",
                    Engine::Sqlite => "the database file",
                };
                let state = source.as_ref().and_then(sql_state);
                let error = if state.as_ref().is_some_and(|state| state.code == "40P01") {
                    Self::new(
                        Kind::Locked,
                        "deadlock",
                        message!("could not {}: a deadlock with another transaction", &what),
                    )
                    .why("each had a lock that the other waited for, and the server ended this one")
                    .why(message!("it was tried {} times; {}", tries, rest))
                } else {
                    Self::new(Kind::Locked, "lock_timeout", message!("could not {}: {} is in use", &what, &thing))
                        .why(message!("{} × {} s were waited; {}", tries, waited.as_secs_f64().to_string(), rest))
                };
                let error = with_holders(error, &holders).fix("try again").fix("wait longer: --lock-timeout 30000");
                let error = state.into_iter().fold(error, |error, state| error.sqlstate(state.code));
                source.into_iter().fold(error, Self::source)
            }
            // Tried again as often as the policy says, it has become the one above.
            SessionError::Contended(contended) => {
                let error = Self::new(Kind::Locked, "lock_timeout", "could not lock the tables: a table is in use");
                contended.source.into_iter().fold(error, Self::source)
            }
            SessionError::Driver(error) => error.into(),
        }
    }
}

impl From<LiveError> for Error {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::TooOld(version) => {
                Self::new(Kind::Config, "server_too_old", message!("PostgreSQL {} is too old", &version))
                    .why("skyteam needs PostgreSQL 15 or later")
            }
            LiveError::NotATable { name, kind } => Self::new(
                Kind::Refused,
                "not_a_table",
                message!("{} is a {} here, and skyteam needs a table", &name, &kind),
            )
            .fix(message!("rename it: ALTER {} {} RENAME TO …", kind.to_uppercase(), quote(&name))),
            LiveError::ForeignRecord(name) => {
                let (schema, table) = name.split_once('.').map_or(("", name), |(schema, table)| (schema, table));
                let whole = if schema.is_empty() { quote(table) } else { name.to_owned() };
                let before = quote(&format!("{table}_before"));
                Self::new(Kind::Refused, "name_taken", message!("{} is a table of another program", name))
                    .why("skyteam keeps its record of migrations under that name, and this one lacks its columns")
                    .fix(message!("ALTER TABLE {} RENAME TO {}", whole, before))
            }
            LiveError::Definition { table, problem } => {
                Self::new(Kind::Refused, "unreadable_schema", message!("the definition of {} cannot be read", &table))
                    .why(problem)
            }
            LiveError::Driver(error) => error.into(),
            // An object that goes between being listed and being described is answered as nothing.
            LiveError::Catalogue(_) => {
                Self::new(Kind::Locked, "schema_moving", "the schema was being changed each time it was read")
                    .why("another program makes or drops tables, indexes or triggers of ours at this moment")
                    .fix("try again")
                    .source(error)
            }
        }
    }
}

impl From<DesiredError> for Error {
    fn from(error: DesiredError) -> Self {
        let what = match &error {
            DesiredError::Field { entity, field, .. } => message!("the field {}.{} cannot be a column", entity, field),
            DesiredError::Entity { entity, .. } => message!("the entity {} cannot be a table", entity),
        };
        let (DesiredError::Field { problem, instead, .. } | DesiredError::Entity { problem, instead, .. }) = error;
        Self::new(Kind::Refused, "unsupported_entity", what).why(problem).why(message!("say instead: {}", &instead))
    }
}

impl From<PlanError> for Error {
    fn from(error: PlanError) -> Self {
        let what = error.to_string();
        match error {
            PlanError::RenameToNothing { .. }
            | PlanError::RenameOfNothing { .. }
            | PlanError::BackfillOfNothing { .. } => {
                Self::new(Kind::Usage, "no_such_column", what).fix(skyteam("db schema"))
            }
            PlanError::RenameOfWanted { .. } => Self::new(Kind::Usage, "still_wanted", what)
                .why("an entity names it, so it cannot become another column"),
            PlanError::BackfillValue { accepted, .. } => {
                Self::new(Kind::Usage, "invalid_value", what).why(message!("accepted is {}", &accepted))
            }
        }
    }
}

/// Data that breaks rules to come: all of it at once.
pub(crate) fn data_breaks(findings: &[Finding]) -> Error {
    let rules = if findings.len() == 1 { message!("a rule") } else { message!("{} rules", findings.len()) };
    broken(findings, message!("the data breaks {} of the schema; nothing was run", rules))
}

fn broken(findings: &[Finding], what: Message) -> Error {
    let mut error = Error::new(Kind::Refused, "data_breaks_rules", what);
    for finding in findings {
        let rows = count(finding.rows, "row");
        error = error.why(message!("{}: {} of {} {}", &finding.change, rows, &finding.table, &finding.problem));
        for example in &finding.examples {
            let fields: Vec<String> = finding
                .columns
                .iter()
                .zip(example)
                .map(|(column, value)| format!("{column} {}", value.as_deref().unwrap_or("NULL")))
                .collect();
            error = error.why(message!("  {}", fields.join(", ")));
        }
        error = error.why(message!("  all: {}", &finding.query));
        for mend in &finding.mend {
            error = error.fix(mended(mend));
        }
    }
    error
}

/// How to repair rows that break a rule.
pub(crate) fn mended(mend: &Remediation) -> Message {
    let each = |command: Command| message!("{}    for all but one of each", command);
    match mend {
        Remediation::Statement(sql) => sql.into(),
        Remediation::Username => each(skyteam("user edit USERID --username NAME")),
        Remediation::Iata => each(skyteam("brand edit BRAND --iata CODE")),
        Remediation::Icao => each(skyteam("brand edit BRAND --icao CODE")),
        Remediation::Callsign => each(skyteam("brand edit BRAND --callsign WORD")),
        Remediation::Token => each(skyteam("airline token rotate AIRLINE")),
        Remediation::Each { table, columns } => {
            message!("change {} in all but one row of each in {}", columns.join(" or "), table)
        }
        Remediation::Add { table } => message!("add the missing rows to {}", table),
        Remediation::Backfill { table, column } => {
            skyteam("db push").flag("--backfill", format!("{table}.{column}=VALUE")).into()
        }
    }
}

/// A database at migrations that this build does not have.
pub(super) fn ahead(folders: &[String]) -> Error {
    Error::new(Kind::Refused, "missing_migration", "the database is ahead of this skyteam")
        .why(message!("it has {}, which this build does not know", folders.join(", ")))
        .fix("use the skyteam that applied it, or a newer one")
}

/// What depends on columns that go or get another type, with the statements that take it out of the way. Nothing of
/// others is dropped along with a column.
fn depended(dependents: &[Dependent]) -> Error {
    let columns: BTreeSet<&str> = dependents.iter().map(|each| each.on.as_str()).collect();
    let columns = columns.into_iter().collect::<Vec<_>>().join(", ");
    let what = format!("other objects depend on {columns}; nothing was run");
    let mut error = Error::new(Kind::Refused, "depended_on", what);
    for each in dependents {
        error = error.why(message!("{} depends on {}", &each.object, &each.on));
    }
    for way in dependents.iter().filter_map(|each| each.way_out.as_ref()) {
        error = error.fix(message!("{}    and make it again afterwards, without the column or on its new type", way));
    }
    error
}

/// Columns that may have been renamed, without a declaration. `name` is the database's.
pub(crate) fn possible_rename(suspects: &[Suspect], name: &str) -> Error {
    let mut error =
        Error::new(Kind::Unconfirmed, "possible_rename", "a column would go while one of the same type comes");
    for Suspect { table, from, to } in suspects {
        error =
            error.why(message!("{}.{} may have become {}.{}, and its values would be lost", table, from, table, to));
    }
    for Suspect { table, from, to } in suspects {
        error = error.fix(message!("add {}    if it is the same column", renames(table, from, to)));
    }
    error.fix(message!("add {}    if the values may go", flag("--confirm", name)))
}

/// The flag that says that one column becomes another.
pub(crate) fn renames(table: &str, from: &str, to: &str) -> Command {
    flag("--rename", format!("{table}.{from}={to}"))
}

/// Rights that the role lacks, with the statements that give them.
pub(crate) fn lacking(role: &str, database: &str, missing: &[Missing]) -> Error {
    let mut error =
        Error::new(Kind::Denied, "permission_denied", message!("the role {} may not change this schema", &role));
    for right in missing {
        error = error.why(lacked(right));
    }
    for right in missing {
        error = error.fix(grant(role, database, right));
    }
    error.sqlstate("42501")
}

/// What a role without this right may not do.
pub(crate) fn lacked(right: &Missing) -> Message {
    match right {
        Missing::Public => message!("there is no schema public, in which the tables are"),
        Missing::CreateInPublic => message!("it may not make tables in the schema public"),
        Missing::CreateSchema => message!("it may not make the schema skyteam"),
        Missing::CreateInHome => message!("it may not make functions in the schema skyteam"),
        Missing::UseHome => message!("it may not use the functions in the schema skyteam"),
        Missing::Record => message!("it may not read and write skyteam.migrations, the record of migrations"),
        Missing::Owner { table, owner } => message!("the table {} belongs to {}", table, owner),
        Missing::FunctionOwner { function, owner } => {
            message!("the function skyteam.{} belongs to {}", function, owner)
        }
    }
}

/// The statement that gives it.
pub(crate) fn grant(role: &str, database: &str, right: &Missing) -> String {
    match right {
        Missing::Public => "CREATE SCHEMA public".to_owned(),
        Missing::CreateInPublic => format!("GRANT USAGE, CREATE ON SCHEMA public TO {}", quote(role)),
        Missing::CreateSchema => format!("GRANT CREATE ON DATABASE {} TO {}", quote(database), quote(role)),
        Missing::CreateInHome => format!("GRANT USAGE, CREATE ON SCHEMA skyteam TO {}", quote(role)),
        Missing::UseHome => format!("GRANT USAGE ON SCHEMA skyteam TO {}", quote(role)),
        Missing::Record => {
            let role = quote(role);
            format!(
                "GRANT USAGE ON SCHEMA skyteam TO {role}; \
                     GRANT SELECT, INSERT, DELETE ON skyteam.migrations TO {role}"
            )
        }
        Missing::FunctionOwner { function, .. } => {
            format!("ALTER FUNCTION skyteam.{}() OWNER TO {}", quote(function), quote(role))
        }
        Missing::Owner { table, .. } => format!("ALTER TABLE public.{} OWNER TO {}", quote(table), quote(role)),
    }
}

/// A session that holds a lock, in a line.
pub(crate) fn holder(holder: &Holder) -> Message {
    if let Some(gid) = &holder.prepared {
        return message!("prepared transaction {} of {}, for {} s", quoted(gid), &holder.role, holder.seconds);
    }
    let who = if holder.application.is_empty() { "a session" } else { &holder.application };
    let mut text = message!("pid {}, {}", holder.pid.to_string(), who);
    if !holder.role.is_empty() {
        text = text.then(message!(" as {}", &holder.role));
    }
    if !holder.state.is_empty() {
        text = text.then(message!(", {} for {} s", &holder.state, holder.seconds));
    }
    // What another skyteam does, its command says; its statement would be one of its own bookkeeping.
    if !holder.query.is_empty() && !holder.application.starts_with("skyteam ") {
        let words: Vec<&str> = holder.query.split_whitespace().collect();
        text = text.then(message!(": {}", words.join(" ").chars().take(200).collect::<String>()));
    }
    text
}

/// What ends such a session.
pub(crate) fn ends(holder: &Holder) -> Message {
    match &holder.prepared {
        Some(gid) => message!("ROLLBACK PREPARED {}    or COMMIT PREPARED", crate::schema::dialect::literal(gid)),
        None => message!("end that session, or: SELECT pg_terminate_backend({})", holder.pid.to_string()),
    }
}

fn with_holders(error: Error, holders: &[Holder]) -> Error {
    let error = holders.iter().fold(error, |error, each| error.why(holder(each)));
    match holders.first() {
        Some(first) => error.fix(ends(first)),
        None => error,
    }
}
