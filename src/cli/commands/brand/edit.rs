//! `brand edit`.

use crate::cli::commands::change;
use crate::cli::commands::extra::ExtraArgs;
use crate::cli::context::Context;
use crate::directory::brand::Edit;
use crate::directory::input::{Callsign, Colour, Iata, Icao, Name, WebUrl};
use crate::directory::{brand, reference};
use crate::error::{Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam brand edit DL --accent-color '#e51937' --yes\n  \
     skyteam brand edit hop --callsign 'AIR HOP' --no-logo-url";

/// Arguments of `brand edit`.
#[derive(clap::Args, Debug)]
#[command(group = clap::ArgGroup::new("change").multiple(true).required(true).args([
    "name", "iata", "icao", "callsign", "logo_url", "no_logo_url", "accent_color", "secondary_color", "element_color",
]))]
pub(crate) struct BrandEditArgs {
    /// Brand id, IATA code, ICAO code or callsign
    #[arg(value_name = "BRAND")]
    brand: String,
    /// Name
    #[arg(long)]
    name: Option<String>,
    /// IATA code: 2 letters or digits
    #[arg(long, value_name = "CODE")]
    iata: Option<String>,
    /// ICAO code: 3 letters
    #[arg(long, value_name = "CODE")]
    icao: Option<String>,
    /// Callsign
    #[arg(long)]
    callsign: Option<String>,
    /// Logo
    #[arg(long, value_name = "URL")]
    logo_url: Option<String>,
    /// Take the logo away
    #[arg(long, conflicts_with = "logo_url")]
    no_logo_url: bool,
    /// Accent colour, #rrggbb
    #[arg(long, value_name = "COLOUR")]
    accent_color: Option<String>,
    /// Background colour, #rrggbb
    #[arg(long, value_name = "COLOUR")]
    secondary_color: Option<String>,
    /// Colour of text and marks on the background, #rrggbb
    #[arg(long, value_name = "COLOUR")]
    element_color: Option<String>,
    #[command(flatten)]
    extra: ExtraArgs<crate::entity::Brand, true>,
}

pub(super) async fn run(args: BrandEditArgs, cx: &Context) -> Result<Outcome> {
    let colour = |field, value: &Option<String>| value.as_deref().map(|v| Colour::parse_as(field, v)).transpose();
    let logo = args.logo_url.as_deref().map(|url| WebUrl::parse_as("logoUrl", url)).transpose()?;
    let edit = Edit {
        name: args.name.as_deref().map(Name::parse).transpose()?,
        iata: args.iata.as_deref().map(Iata::parse).transpose()?,
        icao: args.icao.as_deref().map(Icao::parse).transpose()?,
        callsign: args.callsign.as_deref().map(Callsign::parse).transpose()?,
        logo_url: if args.no_logo_url { Some(None) } else { logo.map(Some) },
        accent_color: colour("accentColor", &args.accent_color)?,
        secondary_color: colour("secondaryColor", &args.secondary_color)?,
        element_color: colour("elementColor", &args.element_color)?,
        extra: args.extra.read()?,
    };
    let database = cx.writer().await?;
    change::run(cx, &database, async |tx| {
        let id = reference::brand(tx, &args.brand).await?.brand_id;
        Ok((message!("Change brand {}?", &id), brand::edit(tx, &id, &edit).await?))
    })
    .await
}
