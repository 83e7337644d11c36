//! `airline add`.

use crate::cli::commands::airline::secret;
use crate::cli::commands::airline::secret::SecretArgs;
use crate::cli::commands::extra::ExtraArgs;
use crate::cli::context::Context;
use crate::directory::airline;
use crate::directory::airline::NewAirline;
use crate::directory::input::{AirlineId, Name, ServerId, WebUrl};
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam airline add delta 'Delta Air Lines'\n  \
     skyteam airline add klm 'KLM Royal Dutch Airlines' --token-file klm.token";

/// Arguments of `airline add`.
#[derive(clap::Args, Debug)]
pub(crate) struct AirlineAddArgs {
    /// Its key: lower-case letters, digits and hyphens
    #[arg(value_name = "ID")]
    airline_id: String,
    /// Its full name
    name: String,
    /// Invitation to its Discord server; the alliance's unless given
    #[arg(long, value_name = "URL")]
    invite_link: Option<String>,
    /// Its Discord server's id; the alliance's unless given
    #[arg(long, value_name = "ID")]
    server_id: Option<String>,
    #[command(flatten)]
    secret: SecretArgs,
    #[command(flatten)]
    extra: ExtraArgs<crate::entity::Airline, false>,
}

pub(super) async fn run(args: AirlineAddArgs, cx: &Context) -> Result<Outcome> {
    let new = NewAirline {
        airline_id: AirlineId::parse(&args.airline_id)?,
        name: Name::parse(&args.name)?,
        invite_link: args.invite_link.as_deref().map(|url| WebUrl::parse_as("inviteLink", url)).transpose()?,
        server_id: args.server_id.as_deref().map(ServerId::parse).transpose()?,
        extra: args.extra.read()?,
    };
    let place = args.secret.place(cx)?;
    let database = cx.writer().await?;
    let tx = cx.begin(&database).await?;
    let added = airline::add(&tx, &new).await?;
    secret::commit(cx, tx, added, "added", place).await?;
    Ok(Outcome::Done)
}
