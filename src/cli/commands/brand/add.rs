//! `brand add`.

use crate::cli::approve::Ask;
use crate::cli::commands::change;
use crate::cli::commands::extra::ExtraArgs;
use crate::cli::context::Context;
use crate::db::Transaction;
use crate::directory::brand::NewBrand;
use crate::directory::input::{BrandId, Callsign, Colour, Iata, Icao, Name, WebUrl};
use crate::directory::{brand, reference};
use crate::entity::brand as entity;
use crate::error::{Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str = "Examples:\n  \
     skyteam brand add delta Delta --airline delta --iata DL --icao DAL --callsign DELTA\n  \
     skyteam brand add hop 'HOP!' --airline airfrance --iata A5 --icao HOP --callsign 'AIR HOP' --accent-color '#e20714'";

/// Arguments of `brand add`.
#[derive(clap::Args, Debug)]
pub(crate) struct BrandAddArgs {
    /// Its key: lower-case letters, digits and hyphens
    #[arg(value_name = "ID")]
    brand_id: String,
    /// Its name
    name: String,
    /// Its airline: id, exact name, or the code of a brand of it
    #[arg(long)]
    airline: String,
    /// IATA code: 2 letters or digits
    #[arg(long, value_name = "CODE")]
    iata: String,
    /// ICAO code: 3 letters
    #[arg(long, value_name = "CODE")]
    icao: String,
    /// Callsign
    #[arg(long)]
    callsign: String,
    /// Logo; the alliance's unless given
    #[arg(long, value_name = "URL")]
    logo_url: Option<String>,
    /// Accent colour, #rrggbb; the alliance's unless given, as the other two
    #[arg(long, value_name = "COLOUR")]
    accent_color: Option<String>,
    /// Background colour, #rrggbb
    #[arg(long, value_name = "COLOUR")]
    secondary_color: Option<String>,
    /// Colour of text and marks on the background, #rrggbb
    #[arg(long, value_name = "COLOUR")]
    element_color: Option<String>,
    /// Make it the primary brand, taking the mark from another
    #[arg(long)]
    primary: bool,
    #[command(flatten)]
    extra: ExtraArgs<crate::entity::Brand, false>,
}

pub(super) async fn run(args: BrandAddArgs, cx: &Context) -> Result<Outcome> {
    let colour = |field, value: &Option<String>| value.as_deref().map(|v| Colour::parse_as(field, v)).transpose();
    let new = NewBrand {
        brand_id: BrandId::parse(&args.brand_id)?,
        airline_id: String::new(),
        name: Name::parse(&args.name)?,
        iata: Iata::parse(&args.iata)?,
        icao: Icao::parse(&args.icao)?,
        callsign: Callsign::parse(&args.callsign)?,
        logo_url: args.logo_url.as_deref().map(|url| WebUrl::parse_as("logoUrl", url)).transpose()?,
        accent_color: colour("accentColor", &args.accent_color)?,
        secondary_color: colour("secondaryColor", &args.secondary_color)?,
        element_color: colour("elementColor", &args.element_color)?,
        primary: args.primary,
        extra: args.extra.read()?,
    };
    let database = cx.writer().await?;
    let add = async |tx: &Transaction| -> Result<(entity::Model, Option<String>)> {
        let airline_id = reference::airline(tx, &args.airline).await?.airline_id;
        let holder = if args.primary { brand::primary_of(tx, &airline_id).await? } else { None };
        let added = brand::add(tx, &NewBrand { airline_id, ..new.clone() }).await?;
        Ok((added, holder.map(|holder| holder.brand_id)))
    };
    let mut tx = cx.begin(&database).await?;
    let mut found = add(&tx).await?;
    if let (added, Some(holder)) = &found {
        let (id, airline) = (added.brand_id.as_str(), added.airline_id.as_str());
        let ask = Ask::changes(message!("Make {} the primary brand of {}, in place of {}?", id, airline, holder));
        (tx, found, _) = change::approved(cx, &database, tx, found, ask, add).await?;
    }
    cx.finish(tx).await?;
    cx.ui.report(&found.0)?;
    Ok(Outcome::Done)
}
