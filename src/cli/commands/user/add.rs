//! `user add`.

use crate::cli::commands::extra::ExtraArgs;
use crate::cli::context::Context;
use crate::directory::input::{Name, UserId, Username, WebUrl};
use crate::directory::user;
use crate::directory::user::NewUser;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam user add 107919 pilot123\n  skyteam user add 107919 pilot123 --display-name 'Captain Pilot'";

/// Arguments of `user add`.
#[derive(clap::Args, Debug)]
pub(crate) struct UserAddArgs {
    /// ROBLOX user id: 1 to 20 digits
    #[arg(value_name = "USERID")]
    user_id: String,
    /// ROBLOX username
    username: String,
    /// The name to show; the username unless given
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// Picture
    #[arg(long, value_name = "URL")]
    avatar_url: Option<String>,
    #[command(flatten)]
    extra: ExtraArgs<crate::entity::User, false>,
}

pub(super) async fn run(args: UserAddArgs, cx: &Context) -> Result<Outcome> {
    let new = NewUser {
        user_id: UserId::parse(&args.user_id)?,
        username: Username::parse(&args.username)?,
        display_name: args.display_name.as_deref().map(|name| Name::parse_as("displayName", name)).transpose()?,
        avatar_url: args.avatar_url.as_deref().map(|url| WebUrl::parse_as("avatarUrl", url)).transpose()?,
        extra: args.extra.read()?,
    };
    let database = cx.writer().await?;
    let tx = cx.begin(&database).await?;
    let added = user::add(&tx, &new).await?;
    cx.finish(tx).await?;
    cx.ui.report(&added)?;
    Ok(Outcome::Done)
}
