//! Many users at once: added and changed by `userId`, names swapped freely, in a few statements.
//!
//! First everything is decided in memory against one look at the database ([`plan`]); then [`apply`] writes it in chunks.
//! A name may pass from one row of the file to another, even in a circle: what counts is who holds it in the end. The unique
//! constraint looks at every row on the way, though, so names that go from one user to another are parked under a temporary
//! one first.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult as _, IdenStatic, Iterable as _, Set};
use serde::Serialize;
use serde_json::json;

use super::super::error;
use super::super::error::{Result, claim, statement, taken};
use super::super::reference::Noun;
use super::super::row::{self, Extra};
use crate::db::{Engine, Transaction};
use crate::entity::{columns, user};
use crate::input::{Name, UserId, Username, WebUrl};

/// How many rows one statement carries.
const CHUNK: usize = 5_000;

/// How many, where each value is a parameter: SQLite takes 32 766 of them.
const WHOLE: usize = 500;

/// One row of the file, read by the input rules.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose row it is.
    pub user_id: UserId,
    /// The username; needed for a new user, unchanged where there is none.
    pub username: Option<Username>,
    /// The name to show.
    pub display_name: Option<Name>,
    /// The picture.
    pub avatar_url: Option<WebUrl>,
    /// Values of columns that have no field here.
    pub extra: Extra<user::Entity>,
}

/// Why one row cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// An earlier row has the same id.
    #[error("userId {user_id} is on an earlier row too")]
    IdTwice {
        /// The id.
        user_id: String,
    },
    /// A new user without a name.
    #[error("user {user_id} is new, and a new user needs a username")]
    NoName {
        /// The id.
        user_id: String,
    },
    /// A new user without a value that the table asks for.
    #[error("user {user_id} is new, and a new user needs a value for {column}")]
    NoValue {
        /// The id.
        user_id: String,
        /// The column, which takes no NULL and has no default.
        column: &'static str,
    },
    /// Another user would still have the name, in some case.
    #[error("username {username} is held by user {holder}")]
    NameHeld {
        /// The name wanted.
        username: String,
        /// Who has it, in the database or by an earlier row.
        holder: String,
    },
}

/// What an import is going to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Rows that cannot be taken, by their place in the input, in order.
    pub conflicts: Vec<(usize, Conflict)>,
    /// What it comes to.
    pub counts: Counts,
    /// New users.
    inserts: Vec<Change>,
    /// Changed users.
    updates: Vec<Change>,
    /// Ids whose present names others take over.
    parked: Vec<String>,
}

/// How many users an import touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// New ones.
    pub added: u64,
    /// Changed ones.
    pub updated: u64,
    /// Those that were so already.
    pub unchanged: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Change {
    #[serde(rename = "userId")]
    user_id: String,
    username: String,
    #[serde(rename = "displayName")]
    display_name: String,
    #[serde(rename = "avatarUrl")]
    avatar_url: Option<String>,
    /// Written by a statement of its own for each row that has any.
    #[serde(skip)]
    extra: Extra<user::Entity>,
    /// As it is stored, where there is something in `extra`.
    #[serde(skip)]
    before: Option<Stored>,
}

type Stored = user::Model;

/// Decides what to do with each row, and holds the rows that will change until the transaction ends.
///
/// # Errors
/// [`DirectoryError::Db`](super::DirectoryError::Db).
pub async fn plan(tx: &Transaction, rows: &[Row]) -> Result<Plan> {
    claim(tx, "users.username", "import").await?;
    let stored = stored(tx, rows).await?;
    let holders = holders(tx, rows).await?;
    Ok(decide(rows, &stored, &holders)?)
}

fn decide(
    rows: &[Row],
    stored: &HashMap<String, Stored>,
    holders: &HashMap<String, Vec<String>>,
) -> std::result::Result<Plan, DbErr> {
    let mut conflicts: BTreeMap<usize, Conflict> = BTreeMap::new();
    // The row that decides about each user, and the rows that want each name.
    let mut row_of: HashMap<&str, usize> = HashMap::with_capacity(rows.len());
    let mut wanted_by: HashMap<String, usize> = HashMap::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let user_id = row.user_id.as_str();
        if row_of.contains_key(user_id) {
            conflicts.insert(index, Conflict::IdTwice { user_id: user_id.to_owned() });
            continue;
        }
        if row.username.is_none() && !stored.contains_key(user_id) {
            conflicts.insert(index, Conflict::NoName { user_id: user_id.to_owned() });
            continue;
        }
        if let Some(column) = row.lacks().filter(|_| !stored.contains_key(user_id)) {
            conflicts.insert(index, Conflict::NoValue { user_id: user_id.to_owned(), column });
            continue;
        }
        if let Some(username) = &row.username {
            let low = username.as_str().to_lowercase();
            if let Some(earlier) = wanted_by.get(&low) {
                let holder = rows[*earlier].user_id.to_string();
                conflicts.insert(index, Conflict::NameHeld { username: username.to_string(), holder });
                continue;
            }
            wanted_by.insert(low, index);
        }
        row_of.insert(user_id, index);
    }
    // A row that is refused leaves its user's old name where it is, which may refuse the row that wanted that name.
    let mut look_again: Vec<usize> = wanted_by.values().copied().collect();
    while let Some(index) = look_again.pop() {
        let row = &rows[index];
        let Some(username) = row.username.as_ref().filter(|_| !conflicts.contains_key(&index)) else { continue };
        let low = username.as_str().to_lowercase();
        let keeps = |holder: &&String| {
            if holder.as_str() == row.user_id.as_str() {
                return false;
            }
            let renamed = row_of.get(holder.as_str()).filter(|other| !conflicts.contains_key(*other));
            renamed
                .and_then(|other| rows[*other].username.as_ref())
                .is_none_or(|name| name.as_str().to_lowercase() == low)
        };
        let Some(holder) = holders.get(&low).into_iter().flatten().find(keeps).cloned() else { continue };
        conflicts.insert(index, Conflict::NameHeld { username: username.to_string(), holder });
        let old_name = stored.get(row.user_id.as_str()).map(|row| row.username.to_lowercase());
        look_again.extend(old_name.and_then(|old| wanted_by.get(&old)));
    }
    let mut plan = Plan::default();
    for (index, row) in rows.iter().enumerate().filter(|(index, _)| !conflicts.contains_key(index)) {
        let text = |value: Option<&str>| value.map(str::to_owned);
        let username = text(row.username.as_ref().map(Username::as_str));
        let display_name = text(row.display_name.as_ref().map(Name::as_str));
        let avatar_url = text(row.avatar_url.as_ref().map(WebUrl::as_str));
        let user_id = row.user_id.to_string();
        let Some(old) = stored.get(&user_id) else {
            let username = username.unwrap_or_default();
            let display_name = display_name.unwrap_or_else(|| username.clone());
            let extra = row.extra.clone();
            plan.inserts.push(Change { user_id, username, display_name, avatar_url, extra, before: None });
            continue;
        };
        let change = Change {
            user_id,
            username: username.unwrap_or_else(|| old.username.clone()),
            display_name: display_name.unwrap_or_else(|| old.display_name.clone()),
            avatar_url: avatar_url.or_else(|| old.avatar_url.clone()),
            extra: row.extra.clone(),
            before: (!row.extra.is_empty()).then(|| old.clone()),
        };
        let mut wanted = old.clone();
        row.extra.apply(&mut wanted)?;
        if wanted == *old
            && change.username == old.username
            && change.display_name == old.display_name
            && change.avatar_url == old.avatar_url
        {
            plan.counts.unchanged += 1;
            continue;
        }
        let heir = wanted_by
            .get(&old.username.to_lowercase())
            .filter(|heir| **heir != index && !conflicts.contains_key(*heir));
        if change.username != old.username && heir.is_some() {
            plan.parked.push(change.user_id.clone());
        }
        plan.updates.push(change);
    }
    plan.counts.added = plan.inserts.len() as u64;
    plan.counts.updated = plan.updates.len() as u64;
    plan.conflicts = conflicts.into_iter().collect();
    Ok(plan)
}

/// Writes what was planned, telling `progress` of every chunk.
///
/// # Errors
/// [`super::DirectoryError::Taken`]: another program took an id or a name in between; nothing of the plan may be kept then.
pub async fn apply(tx: &Transaction, plan: &Plan, mut progress: impl FnMut(u64)) -> Result<()> {
    for chunk in plan.parked.chunks(CHUNK) {
        // No ROBLOX name has a space, and none of ours lasts beyond this transaction.
        let sql = format!(
            r#"UPDATE "users" SET "username" = ' parked ' || "userId" WHERE "userId" IN (SELECT {})"#,
            each(tx)
        );
        tx.execute_raw(statement(tx, sql, [json!(chunk).to_string().into()])).await?;
    }
    let columns = r#""userId", "username", "displayName", "avatarUrl""#;
    let mut write = async |sql: &str, chunk: &[Change]| -> Result<()> {
        let rows = serde_json::to_string(chunk).map_err(|error| DbErr::Json(error.to_string()))?;
        let written = tx.execute_raw(statement(tx, sql, [rows.into()])).await;
        written.map_err(|error| taken(error, Noun::User, &[("userId", "of the file"), ("username", "of the file")]))?;
        progress(chunk.len() as u64);
        Ok(())
    };
    let update = format!(
        r#"UPDATE "users" SET "username" = v."username", "displayName" = v."displayName", "avatarUrl" = v."avatarUrl",
        "updatedAt" = {} FROM ({}) AS v WHERE "users"."userId" = v."userId""#,
        error::now(tx),
        table(tx)
    );
    for chunk in plan.updates.chunks(CHUNK) {
        write(&update, chunk).await?;
    }
    for change in &plan.updates {
        if let Some(before) = &change.before {
            let mut wanted = before.clone();
            change.extra.apply(&mut wanted)?;
            if wanted != *before {
                row::update::<user::Entity>(tx, before, &wanted, None).await?;
            }
        }
    }
    // Columns without a field here are written by their types. A row without a value for one takes the column's default,
    // which only the database may know, so rows of one statement set the same columns.
    if plan.inserts.iter().any(|change| !change.extra.is_empty()) {
        let mut alike: BTreeMap<Vec<&str>, Vec<&Change>> = BTreeMap::new();
        for change in &plan.inserts {
            alike.entry(change.extra.columns().collect()).or_default().push(change);
        }
        for chunk in alike.values().flat_map(|changes| changes.chunks(WHOLE)) {
            let rows = chunk.iter().map(|change| change.row()).collect::<std::result::Result<Vec<_>, _>>()?;
            let written = user::Entity::insert_many(rows).exec_without_returning(tx).await;
            written
                .map_err(|error| taken(error, Noun::User, &[("userId", "of the file"), ("username", "of the file")]))?;
            progress(chunk.len() as u64);
        }
        return Ok(());
    }
    let insert = format!(r#"INSERT INTO "users" ({columns}) SELECT {columns} FROM ({}) AS v"#, table(tx));
    for chunk in plan.inserts.chunks(CHUNK) {
        write(&insert, chunk).await?;
    }
    Ok(())
}

impl Change {
    /// The row of a new user, with what the file says of it.
    fn row(&self) -> std::result::Result<user::ActiveModel, DbErr> {
        let mut row = user::ActiveModel {
            user_id: Set(self.user_id.clone()),
            username: Set(self.username.clone()),
            display_name: Set(self.display_name.clone()),
            avatar_url: Set(self.avatar_url.clone()),
            ..Default::default()
        };
        self.extra.set(&mut row)?;
        Ok(row)
    }
}

impl Row {
    /// A column that the row of a new user must have, and this one does not give.
    fn lacks(&self) -> Option<&'static str> {
        use user::Column::{DisplayName, UserId, Username};
        let given: Vec<&str> =
            [UserId, Username, DisplayName].iter().map(IdenStatic::as_str).chain(self.extra.columns()).collect();
        let lacking =
            |column: &user::Column| columns::is_required::<user::Entity>(*column) && !given.contains(&column.as_str());
        user::Column::iter().find(lacking).map(|column| column.as_str())
    }
}

/// The users of the file that are there already. Their rows are held, in the order of their ids, as all bulk work does:
/// two imports, or an import and a batch of awards, then wait for each other instead of deadlocking.
async fn stored(tx: &Transaction, rows: &[Row]) -> Result<HashMap<String, Stored>> {
    let mut ids: Vec<&str> = rows.iter().map(|row| row.user_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let hold = if Engine::of(tx) == Engine::Postgres { "FOR UPDATE" } else { "" };
    let sql = format!(
        r#"SELECT {} FROM "users"
        WHERE "userId" IN (SELECT {}) ORDER BY "userId" COLLATE {} {hold}"#,
        columns::read_list::<user::Entity>(None),
        each(tx),
        if hold.is_empty() { "BINARY" } else { "\"C\"" }
    );
    let mut stored = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let found = Stored::find_by_statement(statement(tx, &sql, [json!(chunk).to_string().into()])).all(tx).await?;
        stored.extend(found.into_iter().map(|row| (row.user_id.clone(), row)));
    }
    Ok(stored)
}

/// Who holds the names that the file wants, in any case: ids by lower-case name. One look at the table for all of them.
async fn holders(tx: &Transaction, rows: &[Row]) -> Result<HashMap<String, Vec<String>>> {
    let names: Vec<String> =
        rows.iter().filter_map(|row| row.username.as_ref()).map(|name| name.as_str().to_lowercase()).collect();
    let sql =
        format!(r#"SELECT "userId", lower("username") FROM "users" WHERE lower("username") IN (SELECT {})"#, each(tx));
    let mut holders: HashMap<String, Vec<String>> = HashMap::with_capacity(names.len());
    for row in tx.query_all_raw(statement(tx, sql, [json!(names).to_string().into()])).await? {
        let (user_id, name): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        holders.entry(name).or_default().push(user_id);
    }
    Ok(holders)
}

/// The texts of a JSON array in `$1`, as the select list of a sub-select.
fn each(db: &impl ConnectionTrait) -> &'static str {
    match Engine::of(db) {
        Engine::Postgres => "json_array_elements_text($1::json)",
        Engine::Sqlite => "value FROM json_each($1)",
    }
}

/// The objects of a JSON array in `$1`, as a table.
fn table(db: &impl ConnectionTrait) -> &'static str {
    match Engine::of(db) {
        Engine::Postgres => {
            r#"SELECT * FROM json_to_recordset($1::json)
            AS j("userId" text, "username" text, "displayName" text, "avatarUrl" text)"#
        }
        Engine::Sqlite => {
            r#"SELECT value ->> '$.userId' AS "userId", value ->> '$.username' AS "username",
            value ->> '$.displayName' AS "displayName", value ->> '$.avatarUrl' AS "avatarUrl" FROM json_each($1)"#
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Timestamp;

    fn row(id: &str, name: &str) -> Row {
        Row {
            user_id: UserId::parse(id).unwrap(),
            username: (!name.is_empty()).then(|| Username::parse(name).unwrap()),
            display_name: None,
            avatar_url: None,
            extra: Extra::default(),
        }
    }

    /// Decides about a file of `(id, name)` where `(id, name)` are stored.
    fn decided(file: &[(&str, &str)], there: &[(&str, &str)]) -> Plan {
        let rows: Vec<Row> = file.iter().map(|(id, name)| row(id, name)).collect();
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let stored = |(id, name): &(&str, &str)| {
            let row = user::ActiveModel {
                user_id: Set((*id).to_owned()),
                username: Set((*name).to_owned()),
                display_name: Set((*name).to_owned()),
                ..Default::default()
            };
            columns::complete(row, now).unwrap()
        };
        let mut holders: HashMap<String, Vec<String>> = HashMap::new();
        for (id, name) in there {
            holders.entry(name.to_lowercase()).or_default().push((*id).to_owned());
        }
        let all = there.iter().map(stored).map(|row| (row.user_id.clone(), row)).collect();
        decide(&rows, &all, &holders).unwrap()
    }

    fn refused(plan: &Plan) -> Vec<usize> {
        plan.conflicts.iter().map(|(index, _)| *index).collect()
    }

    #[test]
    fn names_pass_from_row_to_row_even_in_a_circle() {
        let plan = decided(&[("1", "bob"), ("2", "cat"), ("3", "ann")], &[("1", "ann"), ("2", "bob"), ("3", "cat")]);
        assert_eq!(refused(&plan), [0; 0]);
        assert_eq!(plan.counts, Counts { added: 0, updated: 3, unchanged: 0 });
        assert_eq!(plan.parked, ["1", "2", "3"]);
        let plan = decided(&[("9", "ann"), ("1", "new")], &[("1", "ann")]);
        assert_eq!((plan.counts.added, plan.counts.updated, plan.parked.len()), (1, 1, 1));
    }

    #[test]
    fn a_refused_row_keeps_its_name_and_so_refuses_who_wanted_it() {
        // 1 wants what 9 keeps; so 2 cannot have what 1 keeps; so 3 cannot have what 2 keeps.
        let there = [("1", "ann"), ("2", "bob"), ("3", "cat"), ("9", "zed")];
        let plan = decided(&[("3", "bob"), ("2", "ann"), ("1", "ZED"), ("4", "cat")], &there);
        assert_eq!(refused(&plan), [0, 1, 2, 3]);
        let held = Conflict::NameHeld { username: "ZED".into(), holder: "9".into() };
        assert_eq!(plan.conflicts[2].1, held);
    }

    #[test]
    fn what_a_file_says_twice_is_refused_the_second_time() {
        let plan = decided(&[("1", "ann"), ("1", "bob"), ("2", "ANN"), ("3", "")], &[]);
        assert_eq!(refused(&plan), [1, 2, 3]);
        assert_eq!(plan.counts.added, 1);
    }

    #[test]
    fn what_is_so_already_is_left_alone() {
        let plan = decided(&[("1", "ann"), ("2", ""), ("3", "Cat")], &[("1", "ann"), ("2", "bob"), ("3", "cat")]);
        assert_eq!(plan.counts, Counts { added: 0, updated: 1, unchanged: 2 });
        assert!(plan.parked.is_empty(), "no other line wants cat");
    }
}
