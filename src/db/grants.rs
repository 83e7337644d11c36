//! What a role needs on PostgreSQL for its purpose: the very statements that grant it, and whether it has it already.
//!
//! Tables that are made later are covered by default privileges, for each role that makes tables here.

use sea_orm::{ConnectionTrait, DbErr, Statement, Value};

use super::{Engine, quote};

/// The table whose rows are added and never changed.
pub(crate) const LEDGER: &str = "milesTransactions";

/// What a role is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Makes and changes the schema.
    Owner,
    /// Reads everything: backups, lists, audits, the doctor.
    Backup,
    /// Reads and writes as the commands do, all but changes of the schema and what its owner alone may.
    Staff,
    /// Reads and writes as the alliance's programs do.
    Apps,
}

/// One right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// In words, where there are some: `CREATE on the database`.
    pub what: &'static str,
    /// The statement that grants it.
    pub sql: String,
    /// Whether the role has it.
    pub held: bool,
}

/// What the rights are about, as it is in the database.
struct Place {
    database: String,
    /// Whether skyteam's own schema is there.
    home: bool,
    /// Who makes tables: the owners of those that are there, else the session's role.
    makers: Vec<String>,
}

/// The rights that `role` needs for `purpose` in the connected database, each with whether it has it.
///
/// # Errors
/// The driver's: 42704 where there is no such role.
pub(crate) async fn of(connection: &impl ConnectionTrait, role: &str, purpose: Purpose) -> Result<Vec<Grant>, DbErr> {
    let place = place(connection).await?;
    let wanted = wanted(&place, role, purpose);
    let columns: Vec<String> =
        wanted.iter().enumerate().map(|(at, wish)| format!("coalesce({}, false) AS \"{at}\"", wish.held)).collect();
    let sql = format!("SELECT {}", columns.join(", "));
    let statement = Statement::from_sql_and_values(Engine::Postgres.backend(), sql, [Value::from(role)]);
    let row = connection.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the rights of a role".to_owned()))?;
    let grant = |(at, wish): (usize, Wish)| {
        Ok(Grant { what: wish.what, sql: wish.sql, held: row.try_get("", &at.to_string())? })
    };
    wanted.into_iter().enumerate().map(grant).collect()
}

/// Grants what is not held yet, and returns whether the role has all of it then: a role that may not grant something is
/// reported by a warning only.
///
/// # Errors
/// The driver's: 42501 where the session may not grant at all.
pub(crate) async fn apply(
    connection: &impl ConnectionTrait,
    role: &str,
    purpose: Purpose,
    grants: &[Grant],
) -> Result<bool, DbErr> {
    for grant in grants.iter().filter(|grant| !grant.held) {
        connection.execute_unprepared(&grant.sql).await?;
    }
    Ok(of(connection, role, purpose).await?.iter().all(|grant| grant.held))
}

async fn place(connection: &impl ConnectionTrait) -> Result<Place, DbErr> {
    let sql = "SELECT current_database()::text AS database,
            to_regnamespace('skyteam') IS NOT NULL AS home,
            coalesce((SELECT string_agg(DISTINCT pg_get_userbyid(relowner)::text, E'\\n') FROM pg_class
                WHERE relkind IN ('r', 'p') AND relnamespace IN (to_regnamespace('public'), to_regnamespace('skyteam'))
                  -- Shared with those who may read, of whatever owner.
                  AND NOT (relnamespace = to_regnamespace('skyteam') AND relname IN ('backups', 'verifications'))),
                current_user::text) AS makers";
    let row = connection.query_one_raw(Statement::from_string(Engine::Postgres.backend(), sql)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the database".to_owned()))?;
    let makers: String = row.try_get("", "makers")?;
    Ok(Place {
        database: row.try_get("", "database")?,
        home: row.try_get("", "home")?,
        makers: makers.lines().map(str::to_owned).collect(),
    })
}

/// A right, and the expression that is true where `$1` has it.
struct Wish {
    what: &'static str,
    sql: String,
    held: String,
}

fn wanted(place: &Place, role: &str, purpose: Purpose) -> Vec<Wish> {
    let to = quote(role);
    let database = |what: &'static str, right: &str| Wish {
        what,
        sql: format!("GRANT {right} ON DATABASE {} TO {to}", quote(&place.database)),
        held: format!("has_database_privilege($1::text, current_database(), '{right}')"),
    };
    let schema = |what: &'static str, name: &str, rights: &[&str]| Wish {
        what,
        sql: format!("GRANT {} ON SCHEMA {name} TO {to}", rights.join(", ")),
        held: all(rights.iter().map(|right| format!("has_schema_privilege($1::text, '{name}', '{right}')"))),
    };
    if purpose == Purpose::Owner {
        return vec![
            database("CREATE on the database", "CREATE"),
            database("TEMPORARY on the database", "TEMPORARY"),
            schema("USAGE and CREATE on schema public", "public", &["USAGE", "CREATE"]),
        ];
    }
    let mut wanted = vec![database("CONNECT on the database", "CONNECT")];
    // Comparing the schema, as the doctor does, makes temporary tables.
    if purpose != Purpose::Apps {
        wanted.push(database("TEMPORARY on the database", "TEMPORARY"));
    }
    let (tables, sequences): (&[&str], &[&str]) = match purpose {
        Purpose::Backup => (&["SELECT"], &["SELECT"]),
        _ => (&["SELECT", "INSERT", "UPDATE", "DELETE"], &["USAGE", "SELECT"]),
    };
    wanted.push(schema("USAGE on schema public", "public", &["USAGE"]));
    let tables = objects(place, role, "public", Kind::Tables, tables);
    let only_adds = only_adds_entries(role, &tables);
    wanted.extend(tables);
    if purpose != Purpose::Backup {
        wanted.push(only_adds);
    }
    wanted.extend(objects(place, role, "public", Kind::Sequences, sequences));
    if place.home {
        wanted.push(schema("USAGE on schema skyteam", "skyteam", &["USAGE"]));
        // Its tables are skyteam's own records: read by its commands, written by the owner's.
        if purpose != Purpose::Apps {
            wanted.extend(objects(place, role, "skyteam", Kind::Tables, &["SELECT"]));
        }
        if purpose != Purpose::Backup {
            wanted.extend(objects(place, role, "skyteam", Kind::Functions, &["EXECUTE"]));
        }
    }
    wanted
}

/// Entries of the ledger are added and never changed, so no right to change them is left to a role that writes: the table's
/// trigger would be all that refuses it. `tables` are the rights on all tables, which give it.
fn only_adds_entries(role: &str, tables: &[Wish]) -> Wish {
    let unchanged = "NOT EXISTS (SELECT FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = to_regclass('public.\"milesTransactions\"') AND c.relowner <> a.grantee
          AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = $1::text)
          AND a.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE'))";
    // What gives it is run before this.
    let held = all(tables.iter().take(1).map(|wish| wish.held.clone()).chain([unchanged.to_owned()]));
    let held = format!("(to_regclass('public.{}') IS NULL OR {held})", quote(LEDGER));
    let sql = format!("REVOKE UPDATE, DELETE, TRUNCATE ON public.{} FROM {}", quote(LEDGER), quote(role));
    Wish { what: "", sql, held }
}

#[derive(Clone, Copy)]
enum Kind {
    Tables,
    Sequences,
    Functions,
}

impl Kind {
    /// Its word in a GRANT, and its letter in `pg_default_acl`.
    fn words(self) -> (&'static str, char) {
        match self {
            Self::Tables => ("TABLES", 'r'),
            Self::Sequences => ("SEQUENCES", 'S'),
            Self::Functions => ("FUNCTIONS", 'f'),
        }
    }
}

/// Rights on all objects of a kind in a schema: those that are there, and those that its makers will make.
fn objects(place: &Place, role: &str, schema: &str, kind: Kind, rights: &[&str]) -> Vec<Wish> {
    let (to, list, (word, letter)) = (quote(role), rights.join(", "), kind.words());
    let lacks = |test: &dyn Fn(&str) -> String| {
        rights.iter().map(|right| format!("NOT ({})", test(right))).collect::<Vec<_>>().join(" OR ")
    };
    let lacking = match kind {
        Kind::Tables => format!(
            "SELECT FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = '{schema}'::regnamespace
                AND ({})",
            lacks(&|right| match right {
                "UPDATE" | "DELETE" => {
                    format!("relname = '{LEDGER}' OR has_table_privilege($1::text, c.oid, '{right}')")
                }
                _ => format!("has_table_privilege($1::text, c.oid, '{right}')"),
            })
        ),
        Kind::Sequences => format!(
            "SELECT FROM pg_class c WHERE relkind = 'S' AND relnamespace = '{schema}'::regnamespace AND ({})",
            // Of another kind of object the function would make an error, in whatever order the conditions are tried.
            lacks(&|right| {
                format!("CASE relkind WHEN 'S' THEN has_sequence_privilege($1::text, c.oid, '{right}') ELSE true END")
            })
        ),
        Kind::Functions => format!(
            "SELECT FROM pg_proc p WHERE pronamespace = '{schema}'::regnamespace AND ({})",
            lacks(&|right| format!("has_function_privilege($1::text, p.oid, '{right}')"))
        ),
    };
    let mut wishes = vec![Wish {
        what: "",
        sql: format!("GRANT {list} ON ALL {word} IN SCHEMA {schema} TO {to}"),
        held: format!("NOT EXISTS ({lacking})"),
    }];
    // What a role makes itself is its own.
    for maker in place.makers.iter().filter(|maker| *maker != role) {
        let literal = maker.replace('\'', "''");
        let granted = rights.iter().map(|right| {
            format!(
                "EXISTS (SELECT FROM pg_default_acl d, aclexplode(d.defaclacl) a
                    WHERE d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = '{literal}')
                      AND d.defaclnamespace = '{schema}'::regnamespace AND d.defaclobjtype = '{letter}'
                      AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = $1::text)
                      AND a.privilege_type = '{right}')"
            )
        });
        wishes.push(Wish {
            what: "",
            sql: format!(
                "ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {schema} GRANT {list} ON {word} TO {to}",
                quote(maker)
            ),
            held: all(granted),
        });
    }
    wishes
}

fn all(tests: impl Iterator<Item = String>) -> String {
    tests.collect::<Vec<_>>().join(" AND ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(purpose: Purpose) -> Vec<String> {
        let place = Place { database: "sky team".into(), home: true, makers: vec!["owner".into(), "r".into()] };
        wanted(&place, "r", purpose).into_iter().map(|wish| wish.sql).collect()
    }

    #[test]
    fn a_backup_role_reads_and_writes_nothing() {
        for statement in sql(Purpose::Backup) {
            assert!(!["INSERT", "UPDATE", "DELETE", "EXECUTE", "CREATE"].iter().any(|word| statement.contains(word)));
        }
    }

    #[test]
    fn who_writes_only_adds_to_the_ledger() {
        for purpose in [Purpose::Staff, Purpose::Apps] {
            let statements = sql(purpose);
            let at = |words: &str| statements.iter().position(|statement| statement.contains(words)).unwrap();
            let revoked = at(r#"REVOKE UPDATE, DELETE, TRUNCATE ON public."milesTransactions" FROM "r""#);
            assert!(at("DELETE ON ALL TABLES IN SCHEMA public") < revoked, "{statements:?}");
        }
    }

    #[test]
    fn names_are_quoted_and_a_role_grants_itself_nothing() {
        let statements = sql(Purpose::Apps);
        assert_eq!(statements[0], r#"GRANT CONNECT ON DATABASE "sky team" TO "r""#);
        assert!(statements.iter().all(|statement| !statement.contains(r#"FOR ROLE "r""#)));
        assert!(statements.iter().any(|statement| statement.contains(r#"FOR ROLE "owner" IN SCHEMA skyteam"#)));
    }
}
