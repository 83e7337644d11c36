//! `user list`.

use crate::cli::commands::args::{ListArgs, time};
use crate::cli::commands::extra::Editable;
use crate::cli::commands::listing;
use crate::cli::commands::table_row::TableRow;
use crate::cli::context::Context;
use crate::cli::ui::Column;
use crate::directory::user::list;
use crate::directory::user::list::Filter;
use crate::entity::user;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam user list --sort -miles --limit 10\n  skyteam user list -o csv > users.csv";

/// Arguments of `user list`.
#[derive(clap::Args, Debug)]
pub(crate) struct UserListArgs {
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

impl TableRow for user::Model {
    const NOUN: &'static str = "user";
    const PRESENTED: &'static [Column] = &[
        Column::text("userId").rank(0),
        Column::text("username").rank(0),
        Column::text("displayName").floor(24),
        Column::number("miles").rank(0),
        Column::text("avatarUrl").wide(),
        Column::text("createdAt").rank(1),
        Column::text("updatedAt").wide(),
    ];
}

impl Editable for crate::entity::User {
    const KNOWN: &'static [Self::Column] = {
        use crate::entity::user::Column::*;
        &[UserId, Username, DisplayName, Miles, AvatarUrl, CreatedAt, UpdatedAt]
    };
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
    let declared = user::Entity::ANONYMIZE;
    listing::lent_query::<user::Model>(cx, &database, &args.list, users, &[("username", false)], "userId", declared)
        .await
}
