//! Airlines, brands and products of the demonstration: real ones of SkyTeam, with their codes.

use chrono::Duration;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use sea_orm::{DbErr, Set};

use crate::entity::types::Timestamp;
use crate::entity::{airline, brand, columns, miles_product};

struct Known {
    id: &'static str,
    name: &'static str,
    accent: &'static str,
    brands: &'static [(&'static str, &'static str, &'static str, &'static str, &'static str)],
    products: &'static [(&'static str, i32)],
}

/// Brand: id, name, IATA, ICAO, callsign.
const KNOWN: &[Known] = &[
    Known {
        id: "delta",
        name: "Delta Air Lines",
        accent: "#e51937",
        brands: &[
            ("delta", "Delta", "DL", "DAL", "DELTA"),
            ("delta-connection", "Delta Connection", "9E", "EDV", "ENDEAVOR"),
        ],
        products: &[("Sky Club Pass", 500), ("First Class Upgrade", 1500)],
    },
    Known {
        id: "klm",
        name: "KLM Royal Dutch Airlines",
        accent: "#00a1de",
        brands: &[("klm", "KLM", "KL", "KLM", "KLM"), ("klm-cityhopper", "KLM Cityhopper", "WA", "KLC", "CITY")],
        products: &[("Delft House", 2000), ("Stroopwafel", 150)],
    },
    Known {
        id: "airfrance",
        name: "Air France",
        accent: "#002157",
        brands: &[("airfrance", "Air France", "AF", "AFR", "AIRFRANS"), ("hop", "HOP!", "A5", "HOP", "AIR HOP")],
        products: &[("Champagne", 400), ("La Première Lounge", 3000)],
    },
    Known {
        id: "koreanair",
        name: "Korean Air 대한항공",
        accent: "#00256c",
        brands: &[("koreanair", "Korean Air", "KE", "KAL", "KOREANAIR")],
        products: &[("Bibimbap 비빔밥", 350)],
    },
    Known {
        id: "sas",
        name: "SAS — Scandinavian Airlines",
        accent: "#000099",
        brands: &[("sas", "SAS", "SK", "SAS", "SCANDINAVIAN")],
        products: &[("Fast Track", 250)],
    },
    Known {
        id: "aeromexico",
        name: "Aeroméxico",
        accent: "#0b2343",
        brands: &[("aeromexico", "Aeroméxico", "AM", "AMX", "AEROMEXICO")],
        products: &[("Salón Premier Pass", 600)],
    },
];

/// Airlines, their brands and their products.
type Catalog = (Vec<airline::Model>, Vec<brand::Model>, Vec<miles_product::Model>);

pub(super) fn generate(rng: &mut ChaCha8Rng, midnight: Timestamp) -> Result<Catalog, DbErr> {
    let (mut airlines, mut brands, mut products) = (Vec::new(), Vec::new(), Vec::new());
    for (index, known) in KNOWN.iter().enumerate() {
        let created_at = Timestamp::new(midnight.0 - Duration::days(400 - index as i64 * 20));
        airlines.push(columns::complete(
            airline::ActiveModel {
                airline_id: Set(known.id.into()),
                name: Set(known.name.into()),
                token: Set(text(rng, "abcdefghijklmnopqrstuvwxyz", 1) + &text(rng, BASE36, 23)),
                invite_link: Set("https://discord.gg/skyteam".into()),
                server_id: Set("1122953128703168532".into()),
                created_at: Set(created_at),
                updated_at: Set(created_at),
                ..Default::default()
            },
            midnight,
        )?);
        for (index, (id, name, iata, icao, callsign)) in known.brands.iter().enumerate() {
            brands.push(columns::complete(
                brand::ActiveModel {
                    brand_id: Set((*id).into()),
                    airline_id: Set(known.id.into()),
                    name: Set((*name).into()),
                    iata: Set((*iata).into()),
                    icao: Set((*icao).into()),
                    callsign: Set((*callsign).into()),
                    is_primary: Set(index == 0),
                    logo_url: Set(Some("https://files.skyteam.dev/api/public/dl/kiLB84P2?inline=true".into())),
                    accent_color: Set(known.accent.into()),
                    secondary_color: Set("#242429".into()),
                    element_color: Set("#fbfbfb".into()),
                    ..Default::default()
                },
                midnight,
            )?);
        }
        for (name, price) in known.products {
            products.push(columns::complete(
                miles_product::ActiveModel {
                    product_id: Set(text(rng, BASE36, 6)),
                    airline_id: Set(known.id.into()),
                    name: Set((*name).into()),
                    price_miles: Set(*price),
                    active: Set(true),
                    created_at: Set(Timestamp::new(midnight.0 - Duration::days(90))),
                    ..Default::default()
                },
                midnight,
            )?);
        }
    }
    Ok((airlines, brands, products))
}

const BASE36: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

fn text(rng: &mut ChaCha8Rng, alphabet: &str, length: usize) -> String {
    let alphabet = alphabet.as_bytes();
    (0..length).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect()
}
