//! `airline list`.

use sea_orm::EntityTrait as _;

use crate::commands::airline::row::Shown;
use crate::commands::args::ListArgs;
use crate::commands::listing;
use crate::context::Context;
use crate::entity::airline;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam airline list\n  skyteam airline list -o md --columns airlineId,name";

/// Arguments of `airline list`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    list: ListArgs,
}

pub(super) async fn run(args: Args, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let usual = &[("airlineId", false)];
    listing::query::<Shown, _>(cx, &database, &args.list, airline::Entity::find(), usual, "airlineId").await
}
