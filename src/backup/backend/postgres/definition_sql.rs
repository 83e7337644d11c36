//! Statements that make what others have defined on a table, and the reasons why some of it is never run from a file
//! ([`crate::backup::format::definitions`]).

use crate::backup::expression::{self, Context};
use crate::backup::format::definitions::{
    ColumnDefinition, ConstraintDefinition, Definitions, DomainDefinition, IndexDefinition, Name, Numbered, Numbering,
    RuleDefinition, TypeDefinition,
};
use crate::db::quote;
use crate::schema::dialect::literal;
use crate::schema::sql_tokens::{Token, tokens};

const ACTIONS: [&str; 5] = ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"];

/// Makes statements for one table.
pub(super) struct Statements<'a> {
    /// The schema that the table is made in.
    pub home: &'a str,
    /// Its name.
    pub table: &'a str,
    /// Types with a schema that expressions may name.
    pub types: Vec<String>,
}

impl Statements<'_> {
    /// A statement that makes a type; the reason where that is not done.
    pub(super) fn new_type(&self, given: &TypeDefinition) -> Result<String, String> {
        let path = path(&given.name);
        match (&given.labels, &given.domain) {
            (Some(labels), _) => {
                let labels: Vec<String> = labels.iter().map(|label| literal(label)).collect();
                if labels.iter().any(|label| label.contains(['\\', '\0'])) {
                    return Err("a value of it has a backslash".into());
                }
                Ok(format!("CREATE TYPE {path} AS ENUM ({})", labels.join(", ")))
            }
            (None, Some(domain)) => self.domain(&path, domain),
            (None, None) => Err("it is of an unknown kind".into()),
        }
    }

    fn domain(&self, path: &str, domain: &DomainDefinition) -> Result<String, String> {
        if !domain.declared.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" (),[]".contains(&byte)) {
            return Err(format!("it is of {}", domain.declared));
        }
        let mut sql = format!("CREATE DOMAIN {path} AS {}", domain.declared);
        if let Some(collation) = &domain.collation {
            sql.push_str(&format!(" COLLATE {}", self::path(collation)));
        }
        if let Some(default) = &domain.default {
            sql.push_str(&format!(" DEFAULT ({})", self.safe(default)?));
        }
        if domain.required {
            sql.push_str(" NOT NULL");
        }
        for (name, check) in &domain.checks {
            sql.push_str(&format!(" CONSTRAINT {} CHECK ({})", quote(name), self.safe(check)?));
        }
        Ok(sql)
    }

    fn safe<'s>(&self, sql: &'s str) -> Result<&'s str, String> {
        expression::check(sql, Context { types: &self.types, column: false })
            .map(|()| sql)
            .map_err(|why| format!("{why}: {sql}"))
    }

    fn path(&self) -> String {
        format!("{}.{}", self.home, quote(self.table))
    }

    /// Statements that add a column; the reason where that is not done.
    pub(super) fn column(&self, column: &ColumnDefinition) -> Result<Vec<String>, String> {
        let (table, name) = (self.path(), quote(&column.name));
        let mut sql = format!("ALTER TABLE {table} ADD COLUMN {name} {}", column.declared);
        if let Some(collation) = &column.collation {
            sql.push_str(&format!(" COLLATE {}", path(collation)));
        }
        let (mut before, mut after) = (Vec::new(), Vec::new());
        if let Some(generated) = &column.generated {
            let kept = if column.stored { "STORED" } else { "VIRTUAL" };
            sql.push_str(&format!(" GENERATED ALWAYS AS ({}) {kept}", self.safe(generated)?));
        } else if let Some(numbered) = &column.numbered {
            let sequence = format!("{}.{}", self.home, quote(&numbered.sequence));
            if numbered.how == Numbering::Serial {
                let declared = ["smallint", "integer", "bigint"].into_iter().find(|known| *known == numbered.declared);
                let declared = declared.ok_or("its sequence is of an impossible type")?;
                before.push(format!("CREATE SEQUENCE {sequence} AS {declared} {}", options(numbered)));
                sql.push_str(&format!(" DEFAULT nextval({}::regclass)", literal(&sequence)));
                after.push(format!("ALTER SEQUENCE {sequence} OWNED BY {table}.{name}"));
            } else {
                let how = if numbered.how == Numbering::Always { "ALWAYS" } else { "BY DEFAULT" };
                sql.push_str(&format!(" GENERATED {how} AS IDENTITY (SEQUENCE NAME {sequence} {})", options(numbered)));
            }
        } else if let Some(default) = &column.default {
            sql.push_str(&format!(" DEFAULT ({})", self.safe(default)?));
        }
        if column.required {
            sql.push_str(" NOT NULL");
        }
        Ok(before.into_iter().chain([sql]).chain(after).collect())
    }

    /// A statement that adds a key or a condition; the reason where that is not done.
    pub(super) fn rule(&self, rule: &ConstraintDefinition) -> Result<String, String> {
        let list = |columns: &[String]| columns.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ");
        let demand = match &rule.rule {
            RuleDefinition::Check(sql) => format!("CHECK ({})", self.safe(sql)?),
            RuleDefinition::Unique { columns, nulls_are_same } => {
                format!("UNIQUE{} ({})", if *nulls_are_same { " NULLS NOT DISTINCT" } else { "" }, list(columns))
            }
            RuleDefinition::Foreign { columns, table, references, on_update, on_delete } => {
                let known =
                    |action: &str| ACTIONS.into_iter().find(|known| *known == action).ok_or("it has an unknown action");
                format!(
                    "FOREIGN KEY ({}) REFERENCES {} ({}) ON UPDATE {} ON DELETE {}",
                    list(columns),
                    path(table),
                    list(references),
                    known(on_update)?,
                    known(on_delete)?
                )
            }
            RuleDefinition::Other(text) => return Err(format!("archives do not hold what it demands: {text}")),
        };
        // References are added when the tables have their places.
        let is_reference = matches!(rule.rule, RuleDefinition::Foreign { .. });
        let table = if is_reference { format!("public.{}", quote(self.table)) } else { self.path() };
        let deferrable = if rule.deferrable { " DEFERRABLE" } else { "" };
        let deferred = if rule.deferred { " INITIALLY DEFERRED" } else { "" };
        let unchecked = if rule.unchecked { " NOT VALID" } else { "" };
        Ok(format!(
            "ALTER TABLE {table} ADD CONSTRAINT {} {demand}{deferrable}{deferred}{unchecked}",
            quote(&rule.name)
        ))
    }

    /// A statement that makes an index; the reason where that is not done.
    pub(super) fn index(&self, index: &IndexDefinition) -> Result<String, String> {
        let mut keys = Vec::new();
        for key in &index.keys {
            let mut sql = format!("({})", self.safe(&key.expression)?);
            if let Some(collation) = &key.collation {
                sql.push_str(&format!(" COLLATE {}", path(collation)));
            }
            if let Some(class) = &key.class {
                sql.push_str(&format!(" {}", path(class)));
            }
            // Methods without an order take no words about it.
            if key.descending {
                sql.push_str(" DESC");
            }
            if key.nulls_first != key.descending {
                sql.push_str(if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
            }
            keys.push(sql);
        }
        let mut sql = format!(
            "CREATE {}INDEX {} ON {} USING {} ({})",
            if index.unique { "UNIQUE " } else { "" },
            quote(&index.name),
            self.path(),
            quote(&index.method),
            keys.join(", ")
        );
        if !index.include.is_empty() {
            let include: Vec<String> = index.include.iter().map(|column| quote(column)).collect();
            sql.push_str(&format!(" INCLUDE ({})", include.join(", ")));
        }
        if index.nulls_are_same {
            sql.push_str(" NULLS NOT DISTINCT");
        }
        if !index.options.is_empty() {
            let set: Vec<String> =
                index.options.iter().map(|(name, value)| format!("{} = {}", quote(name), literal(value))).collect();
            if set.iter().any(|option| option.contains('\\')) {
                return Err("an option of it has a backslash".into());
            }
            sql.push_str(&format!(" WITH ({})", set.join(", ")));
        }
        if let Some(predicate) = &index.predicate {
            sql.push_str(&format!(" WHERE ({})", self.safe(predicate)?));
        }
        Ok(sql)
    }
}

/// Which of a table's definitions no restore into an empty database makes: the name and the reason of each.
/// `in_backup` says whether a table that one refers to is there after the restore.
pub(crate) fn refused(table: &str, given: &Definitions, in_backup: impl Fn(&Name) -> bool) -> Vec<(String, String)> {
    let mut sql = Statements { home: "public", table, types: Vec::new() };
    let mut found = Vec::new();
    for given in &given.types {
        match sql.new_type(given) {
            Ok(_) => sql.types.push(format!("{}.{}", given.name.schema, given.name.name)),
            Err(why) => found.push((format!("{}.{}", given.name.schema, given.name.name), why)),
        }
    }
    let is_known = |declared: &str| match names(declared) {
        Some((schema, name)) => given.types.iter().any(|given| given.name.schema == schema && given.name.name == name),
        // Types of PostgreSQL's own have no schema.
        None => !tokens(declared).iter().any(|placed| placed.token == Token::Sign('.')),
    };
    for column in &given.columns {
        match sql.column(column) {
            _ if !is_known(&column.declared) => {
                let why = format!("it is of the type {}, which an archive does not hold", column.declared);
                found.push((column.name.clone(), why));
            }
            Ok(_) => {}
            Err(why) => found.push((column.name.clone(), why)),
        }
    }
    for rule in &given.constraints {
        match &rule.rule {
            RuleDefinition::Foreign { table, .. } if !in_backup(table) => {
                found.push((rule.name.clone(), format!("it refers to {}, which is not in the backup", path(table))));
            }
            _ => found.extend(sql.rule(rule).err().map(|why| (rule.name.clone(), why))),
        }
    }
    for index in &given.indexes {
        found.extend(sql.index(index).err().map(|why| (index.name.clone(), why)));
    }
    found
}

fn options(numbered: &Numbered) -> String {
    let Numbered { start, increment, minimum, maximum, cache, cycle, .. } = numbered;
    let cycle = if *cycle { "CYCLE" } else { "NO CYCLE" };
    format!("START {start} INCREMENT {increment} MINVALUE {minimum} MAXVALUE {maximum} CACHE {cache} {cycle}")
}

pub(super) fn path(name: &Name) -> String {
    format!("{}.{}", quote(&name.schema), quote(&name.name))
}

/// Whether an expression names a column.
pub(super) fn mentions(sql: &str, column: &str) -> bool {
    tokens(sql).iter().any(|placed| matches!(&placed.token, Token::Word(name, _) if name == column))
}

/// The schema and the name of a type that is written with both; arrays are of what they hold.
pub(super) fn names(declared: &str) -> Option<(String, String)> {
    let found = tokens(declared.trim_end_matches("[]"));
    match found.iter().map(|placed| &placed.token).collect::<Vec<_>>().as_slice() {
        [Token::Word(schema, _), Token::Sign('.'), Token::Word(name, _)] => Some((schema.clone(), name.clone())),
        _ => None,
    }
}
