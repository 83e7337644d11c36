//! `user list`.

use futures::TryStreamExt;
use sea_orm::{EntityTrait, QueryOrder, QuerySelect};

use crate::commands::args::ListArgs;
use crate::context::Context;
use crate::entity::user;
use crate::error::{Outcome, Result};
use crate::report::Row;
use crate::ui::{Cell, Column, Look};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam user list --sort -miles --limit 10\n  skyteam user list -o csv > users.csv";

/// Arguments of `user list`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    list: ListArgs,
}

impl Row for user::Model {
    const COLUMNS: &'static [Column] = &[
        Column::text("userId"),
        Column::text("username"),
        Column::text("displayName"),
        Column::number("miles"),
        Column::text("avatarUrl").wide(),
        Column::text("createdAt"),
        Column::text("updatedAt").wide(),
    ];

    fn cell(&self, column: usize, look: &Look) -> Cell {
        match Self::COLUMNS[column].key {
            "userId" => self.user_id.as_str().into(),
            "username" => self.username.as_str().into(),
            "displayName" => self.display_name.as_str().into(),
            "miles" => look.number(self.miles),
            "avatarUrl" => self.avatar_url.as_deref().into(),
            "createdAt" => look.time(self.created_at),
            _ => look.time(self.updated_at),
        }
    }
}

pub(super) async fn run(args: Args, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let limit = args.list.limit(&cx.ui);
    let query = user::Entity::find().order_by_asc(user::Column::Username).limit(limit.map(|limit| limit + 1));
    let (shown, more) = cx
        .ui
        .list(async |list| {
            let mut rows = query.stream(database.conn()).await?;
            while let Some(row) = rows.try_next().await? {
                if limit == Some(list.count()) {
                    return Ok(true);
                }
                list.push(&row)?;
            }
            Ok(false)
        })
        .await?;
    args.list.say_more(&cx.ui, shown, more);
    Ok(Outcome::Done)
}
