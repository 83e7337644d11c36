//! Brands: the names, codes and colours under which an airline flies. One of an airline's brands is its primary one.

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait, PaginatorTrait as _, QueryFilter as _, QuerySelect as _,
};

use super::airline;
use super::error::{DirectoryError, Edited, Result, Use, claim, statement, taken};
use super::reference::{Candidate, Noun};
use super::row::{self, Extra};
use crate::db::Transaction;
use crate::entity::{brand, columns, flight};
use crate::input::{BrandId, Callsign, Colour, Iata, Icao, Name, WebUrl};

/// A brand to be added.
#[derive(Clone, Debug)]
pub struct NewBrand {
    /// Its key.
    pub brand_id: BrandId,
    /// Its airline's key.
    pub airline_id: String,
    /// Its name.
    pub name: Name,
    /// IATA code.
    pub iata: Iata,
    /// ICAO code.
    pub icao: Icao,
    /// Callsign.
    pub callsign: Callsign,
    /// Logo; the alliance's unless given.
    pub logo_url: Option<WebUrl>,
    /// Colours; the alliance's unless given.
    pub accent_color: Option<Colour>,
    /// Background.
    pub secondary_color: Option<Colour>,
    /// What is drawn on the background.
    pub element_color: Option<Colour>,
    /// Whether it becomes the primary one in any case; a first brand does without this.
    pub primary: bool,
    /// Values of columns that have no field here.
    pub extra: Extra<brand::Entity>,
}

/// What is to change in a brand. The primary mark moves by [`make_primary`] alone.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// Name.
    pub name: Option<Name>,
    /// IATA code.
    pub iata: Option<Iata>,
    /// ICAO code.
    pub icao: Option<Icao>,
    /// Callsign.
    pub callsign: Option<Callsign>,
    /// Logo; `Some(None)` takes it away.
    pub logo_url: Option<Option<WebUrl>>,
    /// Accent colour.
    pub accent_color: Option<Colour>,
    /// Background.
    pub secondary_color: Option<Colour>,
    /// What is drawn on the background.
    pub element_color: Option<Colour>,
    /// Values of columns that have no field here.
    pub extra: Extra<brand::Entity>,
}

/// Adds a brand. An airline's first becomes its primary one.
///
/// # Errors
/// [`DirectoryError::Taken`]: the id or a code is held, and by whom. [`DirectoryError::Gone`]: no such airline.
pub async fn add(tx: &Transaction, new: &NewBrand) -> Result<brand::Model> {
    // Of two brands added at once one is first.
    claim(tx, "brands.isPrimary", &new.airline_id).await?;
    airline::find(tx, &new.airline_id).await?;
    let first =
        brand::Entity::find().filter(brand::Column::AirlineId.eq(new.airline_id.as_str())).count(tx).await? == 0;
    let codes = [("iata", new.iata.as_str()), ("icao", new.icao.as_str()), ("callsign", new.callsign.as_str())];
    refuse_taken(tx, new.brand_id.as_str(), true, &codes).await?;
    if new.primary {
        unmark(tx, &new.airline_id).await?;
    }
    let set = |value: Option<&Colour>| value.map_or(NotSet, |value| Set(value.to_string()));
    let mut row = brand::ActiveModel {
        brand_id: Set(new.brand_id.to_string()),
        airline_id: Set(new.airline_id.clone()),
        name: Set(new.name.to_string()),
        iata: Set(new.iata.to_string()),
        icao: Set(new.icao.to_string()),
        callsign: Set(new.callsign.to_string()),
        is_primary: Set(first || new.primary),
        logo_url: new.logo_url.as_ref().map_or(NotSet, |url| Set(Some(url.to_string()))),
        accent_color: set(new.accent_color.as_ref()),
        secondary_color: set(new.secondary_color.as_ref()),
        element_color: set(new.element_color.as_ref()),
        ..Default::default()
    };
    new.extra.set(&mut row)?;
    if let Some(added) = row::insert::<brand::Entity>(tx, row).await? {
        return Ok(added);
    }
    // Another program was faster than the look above; now its row is there to be seen.
    refuse_taken(tx, new.brand_id.as_str(), true, &codes).await?;
    let value = new.brand_id.as_str().to_owned();
    Err(DirectoryError::Taken { field: "brandId", value, noun: Noun::Brand, holder: None })
}

/// The primary brand of an airline.
///
/// # Errors
/// [`DirectoryError::Db`].
pub async fn primary_of(db: &impl ConnectionTrait, airline_id: &str) -> Result<Option<brand::Model>> {
    let primary =
        brand::Entity::find().filter(brand::Column::AirlineId.eq(airline_id)).filter(brand::Column::IsPrimary.eq(true));
    Ok(primary.one(db).await?)
}

/// Refuses an id (where `new`) and codes that another brand has, in any case.
async fn refuse_taken(tx: &Transaction, id: &str, new: bool, codes: &[(&'static str, &str)]) -> Result<()> {
    if new && let Some(holder) = brand::Entity::find_by_id(id).one(tx).await? {
        return Err(held("brandId", id, &holder));
    }
    for (column, code) in codes {
        claim(tx, &format!("brands.{column}"), code).await?;
        let sql = format!(
            r#"SELECT {} FROM "brands" WHERE ("{column}" = $1 OR lower("{column}") = lower($1)) AND "brandId" <> $2
            ORDER BY "brandId" LIMIT 1"#,
            columns::read_list::<brand::Entity>(None)
        );
        let holder = statement(tx, sql, [(*code).into(), id.into()]);
        if let Some(holder) = brand::Entity::find().from_raw_sql(holder).one(tx).await? {
            return Err(held(column, code, &holder));
        }
    }
    Ok(())
}

fn held(field: &'static str, value: &str, holder: &brand::Model) -> DirectoryError {
    let holder = Some(Candidate::new(&holder.brand_id, &holder.name));
    DirectoryError::Taken { field, value: value.to_owned(), noun: Noun::Brand, holder }
}

/// Reads a brand and holds its row until the transaction ends: no flight can refer to it anew meanwhile.
///
/// # Errors
/// [`DirectoryError::Gone`]: no such brand.
pub async fn lock(tx: &Transaction, brand_id: &str) -> Result<brand::Model> {
    let row = brand::Entity::find_by_id(brand_id).lock(LockType::Update).one(tx).await?;
    row.ok_or_else(|| gone(brand_id))
}

fn gone(brand_id: &str) -> DirectoryError {
    DirectoryError::Gone { noun: Noun::Brand, key: brand_id.to_owned() }
}

/// Changes a brand.
///
/// # Errors
/// [`DirectoryError::Taken`]: another brand has a code. [`DirectoryError::Gone`]: no such brand.
pub async fn edit(tx: &Transaction, brand_id: &str, edit: &Edit) -> Result<Edited<brand::Model>> {
    let before = lock(tx, brand_id).await?;
    let mut wanted = before.clone();
    let set = |field: &mut String, value: Option<&str>| {
        if let Some(value) = value {
            value.clone_into(field);
        }
    };
    set(&mut wanted.name, edit.name.as_ref().map(Name::as_str));
    set(&mut wanted.iata, edit.iata.as_ref().map(Iata::as_str));
    set(&mut wanted.icao, edit.icao.as_ref().map(Icao::as_str));
    set(&mut wanted.callsign, edit.callsign.as_ref().map(Callsign::as_str));
    set(&mut wanted.accent_color, edit.accent_color.as_ref().map(Colour::as_str));
    set(&mut wanted.secondary_color, edit.secondary_color.as_ref().map(Colour::as_str));
    set(&mut wanted.element_color, edit.element_color.as_ref().map(Colour::as_str));
    if let Some(logo) = &edit.logo_url {
        wanted.logo_url = logo.as_ref().map(ToString::to_string);
    }
    edit.extra.apply(&mut wanted)?;
    if wanted == before {
        return Ok(Edited { after: before.clone(), before });
    }
    let changed: Vec<(&'static str, &str)> = [
        ("iata", &before.iata, &wanted.iata),
        ("icao", &before.icao, &wanted.icao),
        ("callsign", &before.callsign, &wanted.callsign),
    ]
    .into_iter()
    .filter(|(_, old, new)| old != new)
    .map(|(field, _, new)| (field, new.as_str()))
    .collect();
    refuse_taken(tx, brand_id, false, &changed).await?;
    let updated = row::update::<brand::Entity>(tx, &before, &wanted, None).await;
    let after = updated.map_err(|error| taken(error, Noun::Brand, &changed))?.ok_or_else(|| gone(brand_id))?;
    Ok(Edited { before, after })
}

/// Makes a brand the primary one of its airline: the mark moves at once, there are never two and, at the end, never none.
///
/// # Errors
/// [`DirectoryError::Gone`]: no such brand.
pub async fn make_primary(tx: &Transaction, brand_id: &str) -> Result<Edited<brand::Model>> {
    // Claimed first, as where a brand is added: two moves of one airline's mark come one after the other. The airline's own
    // row needs no lock, which would take the right to change airlines.
    let known = brand::Entity::find_by_id(brand_id).one(tx).await?.ok_or_else(|| gone(brand_id))?;
    claim(tx, "brands.isPrimary", &known.airline_id).await?;
    let mut before = lock(tx, brand_id).await?;
    let marked = brand::Entity::find()
        .filter(brand::Column::AirlineId.eq(&before.airline_id))
        .filter(brand::Column::IsPrimary.eq(true))
        .count(tx)
        .await?;
    // Data from before the rule may have several marked: then none of them is the primary one yet.
    before.is_primary &= marked == 1;
    if before.is_primary {
        return Ok(Edited { after: before.clone(), before });
    }
    unmark(tx, &before.airline_id).await?;
    let read = columns::read_list::<brand::Entity>(None);
    let sql = format!(r#"UPDATE "brands" SET "isPrimary" = $2 WHERE "brandId" = $1 RETURNING {read}"#);
    let mark = statement(tx, sql, [brand_id.into(), true.into()]);
    let after = brand::Entity::find().from_raw_sql(mark).one(tx).await?;
    Ok(Edited { before, after: after.ok_or_else(|| gone(brand_id))? })
}

async fn unmark(tx: &Transaction, airline_id: &str) -> Result<()> {
    let sql = r#"UPDATE "brands" SET "isPrimary" = $2 WHERE "airlineId" = $1 AND "isPrimary""#;
    tx.execute_raw(statement(tx, sql, [airline_id.into(), false.into()])).await?;
    Ok(())
}

/// Counts the flights under a brand.
///
/// # Errors
/// [`DirectoryError::Db`].
pub async fn flights(db: &impl ConnectionTrait, brand_id: &str) -> Result<u64> {
    Ok(flight::Entity::find().filter(flight::Column::BrandId.eq(brand_id)).count(db).await?)
}

/// Deletes a brand that no flight refers to. The primary one goes last.
///
/// # Errors
/// [`DirectoryError::InUse`], counting the flights; [`DirectoryError::Primary`]; [`DirectoryError::Gone`].
pub async fn delete(tx: &Transaction, brand_id: &str) -> Result<brand::Model> {
    let row = lock(tx, brand_id).await?;
    let count = i64::try_from(flights(tx, brand_id).await?).unwrap_or(i64::MAX);
    if count > 0 {
        let by = vec![Use { what: "flight", count }];
        return Err(DirectoryError::InUse { noun: Noun::Brand, key: brand_id.to_owned(), by });
    }
    if row.is_primary {
        let others = brand::Entity::find().filter(brand::Column::AirlineId.eq(row.airline_id.as_str()));
        let other = others.filter(brand::Column::BrandId.ne(brand_id)).one(tx).await?;
        if let Some(other) = other {
            let (key, airline) = (brand_id.to_owned(), row.airline_id);
            return Err(DirectoryError::Primary { key, airline, other: other.brand_id });
        }
    }
    brand::Entity::delete_by_id(brand_id).exec(tx).await?;
    Ok(row)
}
