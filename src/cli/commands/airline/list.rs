//! `airline list`.

use sea_orm::EntityTrait as _;

use crate::cli::commands::airline::row::AirlineView;
use crate::cli::commands::args::ListArgs;
use crate::cli::commands::listing;
use crate::cli::context::Context;
use crate::entity::airline;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam airline list\n  skyteam airline list -o md --columns airlineId,name";

/// Arguments of `airline list`.
#[derive(clap::Args, Debug)]
pub(crate) struct AirlineListArgs {
    #[command(flatten)]
    list: ListArgs,
}

pub(super) async fn run(args: AirlineListArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let usual = &[("airlineId", false)];
    listing::query::<AirlineView, _>(cx, &database, &args.list, airline::Entity::find(), usual, "airlineId").await
}
