//! What a reference that is being typed may become.
//!
//! A suggestion must be quick rather than complete: rows are passed on as they are found, the cheapest query first, so that
//! a caller who runs out of time has something.

use std::collections::{BTreeMap, HashSet};

use chrono_tz::Tz;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::flight::status::Status;
use super::reference::{Candidate, Noun, escape_like, pattern, uuid_range};
use crate::entity::types::{Id, Timestamp};
use crate::entity::{airline, brand, flight, miles_product, miles_transaction, user};

/// How many rows of a small table are looked at.
const LOOKED_AT: u64 = 2000;

/// Hands references to `noun` that begin with `typed` to `add`: about `most` of them. Days are those of `zone`.
///
/// # Errors
/// The database's; what was found before is kept.
pub(crate) async fn suggest(
    db: &impl ConnectionTrait,
    noun: Noun,
    typed: &str,
    most: usize,
    now: Timestamp,
    zone: Tz,
    add: impl FnMut(Candidate),
) -> Result<(), DbErr> {
    if typed.contains('\0') || typed.len() > 100 {
        return Ok(());
    }
    match noun {
        Noun::User => users(db, typed, most, add).await,
        Noun::Airline => airlines(db, typed, add).await,
        Noun::Brand => brands(db, typed, add).await,
        Noun::Flight => match typed.split_once('@') {
            Some((code, day)) => flights_by_day(db, code, day, now, zone, add).await,
            None => flights(db, typed, most, now, add).await,
        },
        Noun::Product => products(db, typed, add).await,
        Noun::Entry | Noun::Batch => posted(db, typed, now, add).await,
    }
}

/// How many batches and entries are offered.
const RECENT: usize = 20;

/// Entries and batches: what `miles reverse` may take back. Where nothing is typed, the newest, by the ids of entries that were
/// made without a key, which are in the order of time.
async fn posted(
    db: &impl ConnectionTrait,
    typed: &str,
    now: Timestamp,
    mut add: impl FnMut(Candidate),
) -> Result<(), DbErr> {
    use miles_transaction::Column::{BatchId, Id as Key};
    // Ids that are in no order lie above those of today but for one in a hundred.
    let today = format!("{:012x}", now.utc().timestamp_millis() + 1);
    let (from, to) = if typed.is_empty() {
        ("0000".to_owned(), format!("{}-{}", &today[..8], &today[8..]))
    } else {
        (format!("{typed:0<4}"), format!("{typed:f<4}"))
    };
    let Some((from, to)) = uuid_range(&from).map(|(from, _)| from).zip(uuid_range(&to).map(|(_, to)| to)) else {
        return Ok(());
    };
    let newest = |column: miles_transaction::Column| {
        let query = miles_transaction::Entity::find().filter(column.between(Id(from), Id(to)));
        query.order_by_desc(column).limit(LOOKED_AT)
    };
    let mut known = HashSet::new();
    let mut rows = newest(Key).all(db).await?;
    if !typed.is_empty() {
        rows.extend(newest(BatchId).all(db).await?);
    }
    for row in rows {
        // Of a batch that was asked for as a whole, its own id.
        let of_batch = row.batch_id.filter(|batch| typed.is_empty() || (from..=to).contains(&batch.0));
        let id = of_batch.unwrap_or(row.id);
        if known.len() < RECENT && known.insert(id) {
            let what = match of_batch {
                Some(_) => format!("batch, {}, {}", row.source, row.created_at),
                None => format!("{:+} for user {}, {}, {}", row.amount, row.user_id, row.source, row.created_at),
            };
            add(Candidate::new(id.to_string(), what));
        }
    }
    Ok(())
}

async fn users(
    db: &impl ConnectionTrait,
    typed: &str,
    most: usize,
    mut add: impl FnMut(Candidate),
) -> Result<(), DbErr> {
    use user::Column::{DisplayName, UserId, Username};
    let (at, name) = typed.strip_prefix('@').map_or(("", typed), |name| ("@", name));
    let columns = || user::Entity::find().select_only().columns([UserId, Username, DisplayName]).limit(most as u64);
    let mut known = HashSet::new();
    let mut offer = |(user_id, username, display_name): (String, String, String), by_id: bool| {
        let (key, what) =
            if by_id { (user_id, username) } else { (format!("{at}{username}"), format!("{display_name}, {user_id}")) };
        if known.insert(key.clone()) {
            add(Candidate::new(key, what));
        }
        known.len()
    };
    if at.is_empty() && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        // In every collation digits follow each other; so this goes by the index of the key.
        let last = format!("{name:9<20}");
        let ids = columns().filter(UserId.between(name, last.as_str())).order_by_asc(UserId);
        for row in ids.into_tuple().all(db).await? {
            let row: (String, String, String) = row;
            if row.0.starts_with(name) {
                offer(row, true);
            }
        }
    }
    // By the index of the names, in whatever order it has; then, for another case, through all of them.
    let lower = name.to_lowercase();
    let mut enough = false;
    for row in columns().filter(Username.gte(name)).order_by_asc(Username).into_tuple().all(db).await? {
        let row: (String, String, String) = row;
        if row.1.to_lowercase().starts_with(&lower) {
            enough = offer(row, false) >= most;
        }
    }
    if !enough && !name.is_empty() {
        let begins = Expr::expr(Func::lower(Expr::col(Username))).like(pattern(format!("{}%", escape_like(&lower))));
        for row in columns().filter(begins).into_tuple().all(db).await? {
            offer(row, false);
        }
    }
    Ok(())
}

async fn airlines(db: &impl ConnectionTrait, typed: &str, mut add: impl FnMut(Candidate)) -> Result<(), DbErr> {
    use airline::Column::{AirlineId, Name};
    // Columns by name: the token is not even read.
    let rows: Vec<(String, String)> = airline::Entity::find()
        .select_only()
        .columns([AirlineId, Name])
        .order_by_asc(AirlineId)
        .limit(LOOKED_AT)
        .into_tuple()
        .all(db)
        .await?;
    rows.into_iter().filter(|(id, _)| begins(id, typed)).for_each(|(id, name)| add(Candidate::new(id, name)));
    Ok(())
}

async fn brands(db: &impl ConnectionTrait, typed: &str, mut add: impl FnMut(Candidate)) -> Result<(), DbErr> {
    let rows = brand::Entity::find().order_by_asc(brand::Column::BrandId).limit(LOOKED_AT).all(db).await?;
    for row in rows {
        let what = format!("{}, {}/{}", row.name, row.iata, row.icao);
        let keys = [&row.brand_id, &row.iata, &row.icao];
        // Nothing typed: one word for each is enough to choose from.
        let wanted = if typed.is_empty() { &keys[..1] } else { &keys[..] };
        for key in wanted.iter().filter(|key| begins(key, typed)) {
            add(Candidate::new(*key, &what));
        }
    }
    Ok(())
}

async fn flights(
    db: &impl ConnectionTrait,
    typed: &str,
    most: usize,
    now: Timestamp,
    mut add: impl FnMut(Candidate),
) -> Result<(), DbErr> {
    use flight::Column::{Code, EndTime, Id as Key, StartTime};
    let like = pattern(format!("{}%", escape_like(&typed.to_uppercase())));
    let open = flight::Entity::find()
        .filter(EndTime.is_null())
        .filter(Expr::expr(Func::upper(Expr::col(Code))).like(like))
        .order_by_asc(Code)
        .limit(LOOKED_AT)
        .all(db)
        .await?;
    let mut codes: BTreeMap<&str, Vec<&flight::Model>> = BTreeMap::new();
    for row in &open {
        codes.entry(&row.code).or_default().push(row);
    }
    for (code, rows) in codes {
        match rows[..] {
            [one] => add(candidate(code.to_owned(), one, now)),
            // A code that means several flights means none.
            _ => rows.into_iter().for_each(|one| add(candidate(one.id.to_string(), one, now))),
        }
    }
    // A reference needs four characters of a key; a suggestion is glad of less.
    let padded = format!("{typed:0<4}");
    let from = if typed.len() < 4 { uuid_range(&padded).map(|(from, _)| from) } else { None };
    let to = uuid_range(&format!("{typed:f<4}")).map(|(_, to)| to);
    let range = from.zip(to).or_else(|| uuid_range(typed));
    if let Some((from, to)) = range.filter(|_| !typed.is_empty()) {
        let keys = flight::Entity::find()
            .filter(Key.between(Id(from), Id(to)))
            .order_by_desc(StartTime)
            .limit(most as u64)
            .all(db)
            .await?;
        keys.iter().for_each(|one| add(candidate(one.id.to_string(), one, now)));
    }
    Ok(())
}

/// Flights of a code by their days, the newest first: the ended ones too.
async fn flights_by_day(
    db: &impl ConnectionTrait,
    code: &str,
    day: &str,
    now: Timestamp,
    zone: Tz,
    mut add: impl FnMut(Candidate),
) -> Result<(), DbErr> {
    use flight::Column::{Code, StartTime};
    let rows = flight::Entity::find()
        .filter(Code.eq(code.to_uppercase()))
        .order_by_desc(StartTime)
        .limit(LOOKED_AT)
        .all(db)
        .await?;
    let day_of = |row: &flight::Model| row.start_time.utc().with_timezone(&zone).date_naive().to_string();
    let days: Vec<String> = rows.iter().map(day_of).collect();
    for (row, of) in rows.iter().zip(&days).filter(|(_, of)| of.starts_with(day)) {
        // A day that means several flights means none.
        let key = if days.iter().filter(|other| *other == of).count() == 1 {
            format!("{}@{of}", row.code)
        } else {
            row.id.to_string()
        };
        add(candidate(key, row, now));
    }
    Ok(())
}

fn candidate(key: String, row: &flight::Model, now: Timestamp) -> Candidate {
    let status = Status::of(row, now);
    let what = format!("{} {}-{} {}, {}", row.code, row.departure, row.arrival, row.start_time, status.name());
    Candidate::new(key, what)
}

async fn products(db: &impl ConnectionTrait, typed: &str, mut add: impl FnMut(Candidate)) -> Result<(), DbErr> {
    let rows =
        miles_product::Entity::find().order_by_asc(miles_product::Column::ProductId).limit(LOOKED_AT).all(db).await?;
    for row in rows {
        let named = format!("{}/{}", row.airline_id, row.name);
        let what = format!("{named}, {} miles", row.price_miles);
        if begins(&row.product_id, typed) {
            add(Candidate::new(row.product_id, what));
        } else if typed.contains('/') && begins(&named, typed) {
            add(Candidate::new(named, format!("{}, {} miles", row.product_id, row.price_miles)));
        }
    }
    Ok(())
}

fn begins(text: &str, typed: &str) -> bool {
    text.to_lowercase().starts_with(&typed.to_lowercase())
}
