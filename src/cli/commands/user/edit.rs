//! `user edit`.

use crate::cli::commands::change;
use crate::cli::commands::extra::ExtraArgs;
use crate::cli::context::Context;
use crate::directory::input::{Name, Username, WebUrl};
use crate::directory::user::Edit;
use crate::directory::{reference, user};
use crate::error::{Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam user edit pilot123 --username pilot124 --yes\n  \
     skyteam user edit 107919 --display-name 'Captain Pilot' --no-avatar-url";

/// Arguments of `user edit`.
#[derive(clap::Args, Debug)]
#[command(group = clap::ArgGroup::new("change").multiple(true).required(true)
    .args(["username", "display_name", "avatar_url", "no_avatar_url"]))]
pub(crate) struct UserEditArgs {
    /// User id, username or @username
    #[arg(value_name = "USER")]
    user: String,
    /// The new username, of a player renamed on ROBLOX
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The new name to show
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// The new picture
    #[arg(long, value_name = "URL")]
    avatar_url: Option<String>,
    /// Take the picture away
    #[arg(long, conflicts_with = "avatar_url")]
    no_avatar_url: bool,
    #[command(flatten)]
    extra: ExtraArgs<crate::entity::User, true>,
}

pub(super) async fn run(args: UserEditArgs, cx: &Context) -> Result<Outcome> {
    let url = args.avatar_url.as_deref().map(|url| WebUrl::parse_as("avatarUrl", url)).transpose()?;
    let edit = Edit {
        username: args.username.as_deref().map(Username::parse).transpose()?,
        display_name: args.display_name.as_deref().map(|name| Name::parse_as("displayName", name)).transpose()?,
        avatar_url: if args.no_avatar_url { Some(None) } else { url.map(Some) },
        extra: args.extra.read()?,
    };
    let database = cx.writer().await?;
    change::run(cx, &database, async |tx| {
        let id = reference::user(tx, &args.user).await?.user_id;
        Ok((message!("Change user {}?", &id), user::edit(tx, &id, &edit).await?))
    })
    .await
}
