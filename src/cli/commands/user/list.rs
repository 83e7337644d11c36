//! `user list`.

use sea_orm::{FromQueryResult as _, QueryResult, QueryTrait as _, StreamTrait as _};

use crate::cli::commands::args::{ListArgs, time};
use crate::cli::commands::listing;
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::{Cell, Column, List, RenderOptions};
use crate::directory::user::list;
use crate::directory::user::list::{Filter, Lent};
use crate::entity::user;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam user list --sort -miles --limit 10\n  skyteam user list -o csv > users.csv";

/// Arguments of `user list`.
#[derive(clap::Args, Debug)]
pub struct UserListArgs {
    /// Only those with this in their username or displayed name
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those with at least so many miles
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    min_miles: Option<i64>,
    /// Only those with at most so many miles
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_miles: Option<i64>,
    /// Only those added at this time or later
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

impl Row for user::Model {
    const NOUN: &'static str = "user";
    const COLUMNS: &'static [Column] = &[
        Column::text("userId").rank(0),
        Column::text("username").rank(0),
        Column::text("displayName").floor(24),
        Column::number("miles").rank(0),
        Column::text("avatarUrl").wide(),
        Column::text("createdAt").rank(1),
        Column::text("updatedAt").wide(),
    ];

    fn cell(&self, column: usize, look: &RenderOptions) -> Cell {
        Lent::from(self).cell(column, look)
    }
}

impl Row for Lent<'_> {
    const COLUMNS: &'static [Column] = user::Model::COLUMNS;

    fn cell(&self, column: usize, look: &RenderOptions) -> Cell {
        match Self::COLUMNS[column].key {
            "userId" => self.user_id.into(),
            "username" => self.username.into(),
            "displayName" => self.display_name.into(),
            "miles" => look.number(self.miles),
            "avatarUrl" => self.avatar_url.into(),
            "createdAt" => look.time(self.created_at),
            _ => look.time(self.updated_at),
        }
    }
}

pub(super) async fn run(args: UserListArgs, cx: &Context) -> Result<Outcome> {
    let filter = Filter {
        search: args.search,
        min_miles: args.min_miles,
        max_miles: args.max_miles,
        since: args.since.as_deref().map(|value| time(cx, "--since", value)).transpose()?,
    };
    let database = cx.reader().await?;
    let users = list::query(&filter, database.engine());
    let users = listing::sorted::<user::Model, _>(cx, &args.list, users, &[("username", false)], "userId")?;
    let rows = database.conn().stream_raw(users.build(database.engine().backend())).await?;
    listing::stream_by(cx, &args.list, rows, |list: &mut List<'_, user::Model>, row: QueryResult| {
        match Lent::of(&row)? {
            Some(lent) => list.lend(&lent)?,
            None => list.push(&user::Model::from_query_result(&row, "")?)?,
        }
        Ok(())
    })
    .await
}
