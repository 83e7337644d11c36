//! Making databases and roles on a PostgreSQL server, with the rights that PostgreSQL 15 and later really ask for.
//!
//! Since version 15 only a database's owner may create in its schema `public` (release notes 15, "E.19.2"). So the
//! role that skyteam uses either owns the database or is granted what it needs: CREATE and TEMPORARY on the database
//! (its schema `skyteam`, the scratch tables of a comparison), USAGE and CREATE on `public`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use sha2::{Digest, Sha256};

use super::grants::{self, Purpose};
use super::{Connection, Engine, Secret, quote};

/// Rounds of PBKDF2 in a SCRAM verifier: PostgreSQL's own default (`scram_iterations`).
const ROUNDS: u32 = 4096;

/// What a step found or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    /// It was there.
    Exists,
    /// It was made now.
    Created,
    /// A right was given now.
    Granted,
    /// It is not there, and a rehearsal does not make it.
    WouldBeCreated,
}

impl State {
    /// Its name, as in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::Created => "created",
            Self::Granted => "granted",
            Self::WouldBeCreated => "wouldBeCreated",
        }
    }

    /// What it is in a rehearsal.
    pub(crate) fn rehearsed(self) -> Self {
        if self == Self::Created { Self::WouldBeCreated } else { self }
    }
}

/// Whether a role exists.
///
/// # Errors
/// The driver's.
pub(crate) async fn role_exists(admin: &impl ConnectionTrait, role: &str) -> Result<bool, DbErr> {
    exists(admin, "select 1 from pg_roles where rolname = $1", role).await
}

/// Whether a database exists.
///
/// # Errors
/// The driver's.
pub(crate) async fn database_exists(admin: &Connection, name: &str) -> Result<bool, DbErr> {
    exists(admin, "select 1 from pg_database where datname = $1", name).await
}

async fn exists(admin: &impl ConnectionTrait, sql: &str, name: &str) -> Result<bool, DbErr> {
    let statement = Statement::from_sql_and_values(Engine::Postgres.backend(), sql, [Value::from(name)]);
    Ok(admin.query_one_raw(statement).await?.is_some())
}

/// Makes a role that may log in. The server gets a SCRAM verifier, never the password itself, so that no log of
/// statements can hold it.
///
/// # Errors
/// The driver's: 42501 where the session may not create roles.
pub(crate) async fn create_role(admin: &Connection, role: &str, password: Option<&Secret>) -> Result<(), DbErr> {
    let mut sql = format!("create role {} login", quote(role));
    if let Some(password) = password {
        sql.push_str(&format!(" password '{}'", scram_verifier(password.expose(), &rand::random::<[u8; 16]>())));
    }
    admin.execute_unprepared(&sql).await.map(drop)
}

/// What the session's role may do with roles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoleMaker {
    /// Whether it may make them.
    pub may: bool,
    /// Whether it is a superuser.
    pub is_superuser: bool,
    /// Whether it has the rights of roles that it makes itself a member of. Since PostgreSQL 16 each membership says so,
    /// before that the role's attribute `INHERIT` does.
    pub inherits: bool,
    /// Whether a membership says it.
    grants_inheritance: bool,
}

/// What the session's role may do with roles.
///
/// # Errors
/// The driver's.
pub(crate) async fn role_maker(admin: &Connection) -> Result<RoleMaker, DbErr> {
    let sql = "select rolsuper or rolcreaterole as may, rolsuper, rolinherit,
                      current_setting('server_version_num')::int4 >= 160000 as grants
               from pg_catalog.pg_roles where rolname = current_user";
    let row = admin.query_one_raw(Statement::from_string(Engine::Postgres.backend(), sql)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the session's role".into()))?;
    let (is_superuser, grants_inheritance): (bool, bool) = (row.try_get("", "rolsuper")?, row.try_get("", "grants")?);
    let inherits = is_superuser || grants_inheritance || row.try_get("", "rolinherit")?;
    Ok(RoleMaker { may: row.try_get("", "may")?, is_superuser, inherits, grants_inheritance })
}

/// Makes a role that may do nothing but log in, and the database of the same name that it owns: what runs there can reach
/// nothing else, nor become another role.
///
/// # Errors
/// The driver's: 42501 where the session may not. Then neither is left.
pub(crate) async fn create_sandbox(admin: &Connection, name: &str, password: &Secret) -> Result<(), DbErr> {
    let maker = role_maker(admin).await?;
    let verifier = scram_verifier(password.expose(), &rand::random::<[u8; 16]>());
    let role = quote(name);
    admin
        .execute_unprepared(&format!(
            "create role {role} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls \
             connection limit 8 password '{verifier}'"
        ))
        .await?;
    let made = async {
        if !maker.is_superuser {
            // Who gives a database away must be able to become the role that gets it, and needs its rights to drop the
            // database again. Creating a role grants neither since PostgreSQL 16.
            let how = if maker.grants_inheritance { " with inherit true, set true" } else { "" };
            admin.execute_unprepared(&format!("grant {role} to current_user{how}")).await?;
        }
        create_database(admin, name, Some(name)).await
    };
    match made.await {
        Ok(()) => Ok(()),
        Err(error) => {
            // The first failure is the one to report.
            let _ = drop_role(admin, name).await;
            Err(error)
        }
    }
}

/// Drops a role that owns nothing any more.
///
/// # Errors
/// The driver's.
pub(crate) async fn drop_role(admin: &Connection, name: &str) -> Result<(), DbErr> {
    admin.execute_unprepared(&format!("drop role if exists {}", quote(name))).await.map(drop)
}

/// Makes a database in UTF-8, owned by `owner` or by the session's role.
///
/// # Errors
/// The driver's: 42501 where the session may not create databases, or not for that owner.
pub(crate) async fn create_database(admin: &Connection, name: &str, owner: Option<&str>) -> Result<(), DbErr> {
    let owner = owner.map(|role| format!(" owner {}", quote(role))).unwrap_or_default();
    let sql = format!("create database {}{owner} encoding 'UTF8' template template0", quote(name));
    admin.execute_unprepared(&sql).await.map(drop)
}

/// Drops a database and ends the sessions connected to it.
///
/// # Errors
/// The driver's: 42501 where the session does not own it.
pub(crate) async fn drop_database(admin: &Connection, name: &str) -> Result<(), DbErr> {
    admin.execute_unprepared(&format!("drop database {} with (force)", quote(name))).await.map(drop)
}

/// Gives `role` what it needs in the connected database to make and change the schema, and returns in words what it lacked.
///
/// # Errors
/// The driver's: 42501 where the session may not grant them.
pub(crate) async fn grant_missing(connection: &Connection, role: &str) -> Result<Vec<&'static str>, DbErr> {
    let wanted = grants::of(connection, role, Purpose::Owner).await?;
    grants::apply(connection, role, Purpose::Owner, &wanted).await?;
    Ok(wanted.into_iter().filter(|grant| !grant.held).map(|grant| grant.what).collect())
}

/// The form in which PostgreSQL keeps a SCRAM-SHA-256 password (RFC 5802, RFC 7677; `src/common/scram-common.c`).
fn scram_verifier(password: &str, salt: &[u8]) -> String {
    // As libpq does, a password that SASLprep refuses is used as it is.
    let prepared = stringprep::saslprep(password).unwrap_or(password.into());
    let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(prepared.as_bytes(), salt, ROUNDS);
    let stored = Sha256::digest(keyed(&salted, b"Client Key"));
    let server = keyed(&salted, b"Server Key");
    let text = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    format!("SCRAM-SHA-256${ROUNDS}:{}${}:{}", text(salt), text(&stored), text(&server))
}

fn keyed(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3: user "user", password "pencil".
    #[test]
    fn the_verifier_agrees_with_the_rfc() {
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = scram_verifier("pencil", &salt);
        assert_eq!(
            verifier,
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }
}
