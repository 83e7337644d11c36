//! Questions about the data that no constraint of an older schema version answers: what `db doctor` looks for beside
//! the ledger, whose own proof is [`crate::ledger`]'s.

use std::borrow::Cow;

use sea_orm::{ConnectionTrait, DbErr, Statement};

/// How many examples a finding carries.
const EXAMPLES: usize = 5;

/// A question about the data, as one query that answers a text for each row that is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// Its name.
    pub name: &'static str,
    /// What each row that it finds is.
    pub wrong: &'static str,
    /// The query, in SQL that both engines read: one text column.
    pub sql: Cow<'static, str>,
}

/// What a question found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// How many rows are wrong.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<String>,
}

/// All questions.
pub(crate) const QUESTIONS: &[Question] = &[
    Question {
        name: "negative balances",
        wrong: "users with less than no miles",
        sql: Cow::Borrowed(
            r#"select "username" || ' (' || "miles" || ')' from "users" where "miles" < 0 order by "miles", "userId""#,
        ),
    },
    Question {
        name: "balance against ledger",
        wrong: "users whose balance is not the sum of their entries",
        sql: Cow::Borrowed(
            r#"select u."username" || ' (has ' || u."miles" || ', ledger ' || coalesce(l.total, 0) || ')'
                from "users" u
                left join (select "userId", sum("amount") as total from "milesTransactions" group by "userId") l
                       on l."userId" = u."userId"
                where u."miles" <> coalesce(l.total, 0) order by u."userId""#,
        ),
    },
    Question {
        name: "passengers",
        wrong: "passengers who are on one flight twice",
        sql: Cow::Borrowed(
            r#"select "userId" || ' on ' || "flightId" from "flightPassengers"
                group by "flightId", "userId" having count(*) > 1 order by 1"#,
        ),
    },
    Question {
        name: "primary brands",
        wrong: "airlines with more than one primary brand",
        sql: Cow::Borrowed(
            r#"select "airlineId" from "brands" where "isPrimary" group by "airlineId" having count(*) > 1 order by 1"#,
        ),
    },
    Question {
        name: "brands of flights",
        wrong: "flights whose brand is another airline's",
        sql: Cow::Borrowed(
            r#"select f."code" || ' (' || f."id" || ')' from "flights" f
                join "brands" b on b."brandId" = f."brandId"
                where b."airlineId" <> f."airlineId" order by 1"#,
        ),
    },
    Question {
        name: "times of flights",
        wrong: "flights that ended before they started",
        sql: Cow::Borrowed(
            r#"select "code" || ' (' || "id" || ')' from "flights" where "endTime" < "startedAt" order by 1"#,
        ),
    },
];

impl Question {
    /// Asks it.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) async fn ask(&self, connection: &impl ConnectionTrait) -> Result<Answer, DbErr> {
        let backend = connection.get_database_backend();
        let sql = format!("select count(*) over () as count, t.* from ({}) as t limit {EXAMPLES}", self.sql);
        let rows = connection.query_all_raw(Statement::from_string(backend, sql)).await?;
        let mut answer = Answer { count: 0, examples: Vec::with_capacity(rows.len()) };
        for row in rows {
            answer.count = u64::try_from(row.try_get_by_index::<i64>(0)?).unwrap_or_default();
            answer.examples.push(row.try_get_by_index(1)?);
        }
        Ok(answer)
    }

    /// The query as an operator would run it, on one line.
    pub(crate) fn query(&self) -> String {
        self.sql.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
