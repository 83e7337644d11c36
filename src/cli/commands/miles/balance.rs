//! `miles balance`.

use std::io;

use serde::Serialize;

use crate::cli::commands::args;
use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::directory::reference;
use crate::entity::types::Timestamp;
use crate::error::{Outcome, Result};
use crate::ledger::history;

pub(super) const EXAMPLES: &str = "Examples:
  skyteam miles balance @pilot123
  skyteam miles balance 107919 --at \"2026-10-31 23:59\" --tz Europe/Amsterdam";

/// Arguments of `miles balance`.
#[derive(clap::Args, Debug)]
pub(crate) struct MilesBalanceArgs {
    /// User: @name, userId or username
    user: String,
    /// As the ledger stood at this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Balance {
    user_id: String,
    username: String,
    balance: i64,
    /// The time asked for; null for now.
    at: Option<Timestamp>,
}

impl Report for Balance {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let mut fields = vec![
            ("userId", self.user_id.as_str().into()),
            ("username", self.username.as_str().into()),
            ("balance", look.number(self.balance)),
        ];
        fields.extend(self.at.map(|at| ("at", look.time(at))));
        page.fields(&fields)
    }
}

pub(super) async fn run(args: MilesBalanceArgs, cx: &Context) -> Result<Outcome> {
    let at = args.at.as_deref().map(|at| args::time(cx, "at", at)).transpose()?;
    let database = cx.reader().await?;
    let user = reference::user(database.conn(), &args.user).await?;
    let balance = match at {
        None => i64::from(user.miles),
        Some(at) => history::balance_at(database.conn(), &user.user_id, at).await?,
    };
    cx.ui.report(&Balance { user_id: user.user_id, username: user.username, balance, at })?;
    Ok(Outcome::Done)
}
