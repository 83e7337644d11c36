//! `airline edit`.

use crate::cli::commands::airline::row::AirlineView;
use crate::cli::commands::change;
use crate::cli::commands::extra::ExtraArgs;
use crate::cli::context::Context;
use crate::directory::airline::Edit;
use crate::directory::input::{Name, ServerId, WebUrl};
use crate::directory::{airline, reference};
use crate::error::{Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam airline edit delta --name 'Delta' --yes\n  \
     skyteam airline edit klm --invite-link https://discord.gg/klm --server-id 1122953128703168533";

/// Arguments of `airline edit`.
#[derive(clap::Args, Debug)]
#[command(group = clap::ArgGroup::new("change").multiple(true).required(true).args(["name", "invite_link", "server_id"]))]
pub(crate) struct AirlineEditArgs {
    /// Airline id, exact name, or the code of a brand of it
    #[arg(value_name = "AIRLINE")]
    airline: String,
    /// Full name
    #[arg(long)]
    name: Option<String>,
    /// Invitation to its Discord server
    #[arg(long, value_name = "URL")]
    invite_link: Option<String>,
    /// Its Discord server's id
    #[arg(long, value_name = "ID")]
    server_id: Option<String>,
    #[command(flatten)]
    extra: ExtraArgs<crate::entity::Airline, true>,
}

pub(super) async fn run(args: AirlineEditArgs, cx: &Context) -> Result<Outcome> {
    let edit = Edit {
        name: args.name.as_deref().map(Name::parse).transpose()?,
        invite_link: args.invite_link.as_deref().map(|url| WebUrl::parse_as("inviteLink", url)).transpose()?,
        server_id: args.server_id.as_deref().map(ServerId::parse).transpose()?,
        extra: args.extra.read()?,
    };
    let database = cx.writer().await?;
    change::run(cx, &database, async |tx| {
        let id = reference::airline(tx, &args.airline).await?.airline_id;
        Ok((message!("Change airline {}?", &id), airline::edit(tx, &id, &edit).await?.map(AirlineView::from)))
    })
    .await
}
