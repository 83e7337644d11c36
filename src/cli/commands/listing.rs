//! The procedure of every list: sort, stream row by row, note on stderr where a terminal's list was truncated.

use std::collections::{HashMap, HashSet};

use futures::{Stream, StreamExt as _};
use sea_orm::sea_query::{Alias, Expr, NullOrdering, Order};
use sea_orm::{
    DbErr, EntityTrait, FromQueryResult, IdenStatic as _, Iterable as _, PrimaryKeyToColumn as _, QueryOrder as _,
    QueryResult, QuerySelect as _, QueryTrait as _, Select, StreamTrait as _,
};

use crate::cli::commands::args::{ListArgs, SortKey};
use crate::cli::commands::table_row::{LentRow, TableRow};
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::text::count;
use crate::cli::ui::{Format, IdOf, List};
use crate::db::Database;
use crate::directory::reference::prefix::{Among, prefixes};
use crate::entity::lent::Places;
use crate::entity::privacy::Mask;
use crate::entity::types::Id;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{Message, message, skyteam};

/// How many rows a terminal's list reads at once to shorten their ids; of a longer one they are shown whole.
const SHORTENED: usize = 10_000;

/// The names of a row's columns: what a list can be sorted by.
pub(super) fn columns<R: Row>() -> Vec<&'static str> {
    R::columns().iter().map(|column| column.key).collect()
}

/// Streams the rows of a query, in the order of [`sorted`].
///
/// # Errors
/// An unknown column to sort by; the database's; stdout's.
pub(super) async fn query<R, E>(
    cx: &Context,
    database: &Database,
    args: &ListArgs,
    query: Select<E>,
    usual: &[(&'static str, bool)],
    tie: &'static str,
) -> Result<Outcome>
where
    E: EntityTrait,
    R: Row + From<E::Model>,
{
    let statement = sorted::<R, E>(cx, args, query, usual, tie)?.build(database.engine().backend());
    let rows = database.conn().stream_raw(statement).await?;
    let rows = rows.map(|row| {
        let row = row?;
        E::Model::from_query_result(&row, "").map(R::from).map_err(|error| in_row::<E>(&row, error))
    });
    stream(cx, args, rows).await
}

/// The code of an error about a value that no column of ours takes.
const UNREADABLE: &str = "unreadable_value";

/// How many rows that cannot be read are named.
const NAMED: u64 = 20;

/// Rows of which a value cannot be read: where a rule is switched off, or holds for new rows only, one may be stored that no
/// column of ours takes. Each is named, and the list goes on.
#[derive(Default)]
struct Unreadable(u64);

impl Unreadable {
    /// The row, if it can be read.
    ///
    /// # Errors
    /// The row's, where it is another one.
    fn pass<R, E>(&mut self, cx: &Context, row: std::result::Result<R, E>) -> Result<Option<R>>
    where
        Error: From<E>,
    {
        let error = match row.map_err(Error::from) {
            Ok(row) => return Ok(Some(row)),
            Err(error) if error.code() == UNREADABLE => error,
            Err(error) => return Err(error),
        };
        self.0 += 1;
        if self.0 <= NAMED {
            let words = std::iter::once(error.what()).chain(error.reasons()).cloned();
            cx.ui.warn(message!("not in the list: {}", Message::joined(words, "; ")));
        }
        Ok(None)
    }

    /// # Errors
    /// There were some, so that the list is not whole.
    fn finish(&self) -> Result<()> {
        if self.0 == 0 {
            return Ok(());
        }
        let what = message!("{} could not be read, and not listed", count(self.0, "row"));
        Err(Error::new(Kind::Failure, UNREADABLE, what)
            .why("a value is stored that the column does not take in this version")
            .fix(message!("{}    shows what the database lacks", skyteam("db diff"))))
    }
}

/// An error about a value, with the row that it is of.
fn in_row<E: EntityTrait>(row: &QueryResult, error: DbErr) -> Error {
    let error = Error::from(error);
    if error.code() == UNREADABLE { error.why(message!("in the row of {}", named::<E>(row))) } else { error }
}

/// A row by the columns that identify it.
fn named<E: EntityTrait>(row: &QueryResult) -> String {
    let keys = E::PrimaryKey::iter().map(|key| {
        let column = key.into_column();
        let name = column.as_str();
        let text = row.try_get::<Option<String>>("", name).ok().flatten();
        let text = text.or_else(|| row.try_get::<Option<Id>>("", name).ok().flatten().map(|id| id.to_string()));
        format!("{name} {}", text.unwrap_or_default())
    });
    keys.collect::<Vec<_>>().join(", ")
}

/// As [`query`], for tables of millions whose rows say nothing special of a cell: for programs rows are lent by the driver
/// where it can. `declared` is what is declared beside the entity.
///
/// # Errors
/// Those of [`query`].
pub(super) async fn lent_query<M>(
    cx: &Context,
    database: &Database,
    args: &ListArgs,
    select: Select<M::Entity>,
    usual: &[(&'static str, bool)],
    tie: &'static str,
    declared: &[(<M::Entity as EntityTrait>::Column, Mask)],
) -> Result<Outcome>
where
    M: TableRow + FromQueryResult,
    M::Entity: EntityTrait<Model = M>,
{
    if !matches!(cx.ui.format(), Format::Json | Format::Ndjson | Format::Csv) {
        return query::<M, _>(cx, database, args, select, usual, tie).await;
    }
    let select = sorted::<M, _>(cx, args, select, usual, tie)?;
    let mut rows = database.conn().stream_raw(select.build(database.engine().backend())).await?;
    let limit = args.limit(&cx.ui);
    let mut unreadable = Unreadable::default();
    let (shown, more) = cx
        .ui
        .list(async |list: &mut List<'_, M>| {
            let mut places = None;
            while let Some(row) = rows.next().await {
                let row = row?;
                if limit == Some(list.count()) {
                    return Ok(true);
                }
                let places = places.get_or_insert_with(|| Places::of::<M::Entity>(&row, declared));
                let pushed = match places {
                    Some(places) => places.lend(&row).map(|lent| list.push_as(&LentRow::<M>::from(lent))),
                    None => M::from_query_result(&row, "").map(|model| list.push(&model)),
                };
                match pushed {
                    Ok(written) => written?,
                    Err(error) => {
                        unreadable.pass::<(), _>(cx, Err(in_row::<M::Entity>(&row, error)))?;
                    }
                }
            }
            Ok(false)
        })
        .await?;
    args.say_more(&cx.ui, shown, more);
    unreadable.finish().map(|()| Outcome::Done)
}

/// The query, sorted as asked and else by `usual`; by `tie` where that leaves a choice; for as many rows as are asked for.
/// Whole lists in ndjson and CSV are sorted only if asked.
///
/// # Errors
/// An unknown column to sort by.
pub(super) fn sorted<R: Row, E: EntityTrait>(
    cx: &Context,
    args: &ListArgs,
    query: Select<E>,
    usual: &[(&'static str, bool)],
    tie: &'static str,
) -> Result<Select<E>> {
    let asked = args.asked(&cx.ui);
    let mut keys = args.sort(&columns::<R>())?;
    // A whole table for a program comes as the database reads it: sorting a million rows takes longer than sending them.
    let unsorted = keys.is_empty() && asked.is_none() && matches!(cx.ui.format(), Format::Ndjson | Format::Csv);
    if !unsorted {
        if keys.is_empty() {
            keys.extend(usual.iter().map(|(column, descending)| SortKey { column, descending: *descending }));
        }
        if !keys.iter().any(|key| key.column == tie) {
            keys.push(SortKey { column: tie, descending: false });
        }
    }
    let table = Alias::new(E::default().table_name());
    let sorted = keys.iter().fold(query, |query, key| {
        let order = if key.descending { Order::Desc } else { Order::Asc };
        query.order_by_with_nulls(Expr::col((table.clone(), Alias::new(key.column))), order, NullOrdering::Last)
    });
    Ok(sorted.limit(asked))
}

/// ` ORDER BY …` for a statement in SQL whose result has these columns.
pub(super) fn order_by(keys: &[SortKey], usual: &str) -> String {
    let keys = keys.iter().map(|key| {
        let direction = if key.descending { "DESC" } else { "ASC" };
        format!(r#""{}" {direction} NULLS LAST"#, key.column)
    });
    let keys: Vec<String> = keys.chain([usual.to_owned()]).collect();
    format!(" ORDER BY {}", keys.join(", "))
}

/// Streams rows of which as many were asked for as [`ListArgs::asked`] says.
///
/// # Errors
/// The rows' own; stdout's.
pub(super) async fn stream<R, E>(
    cx: &Context,
    args: &ListArgs,
    rows: impl Stream<Item = std::result::Result<R, E>>,
) -> Result<Outcome>
where
    R: Row,
    Error: From<E>,
{
    let mut unreadable = Unreadable::default();
    if !cx.ui.shortens_ids() {
        return as_they_come(cx, args, rows, unreadable).await;
    }
    // How much of an id is shown is asked of the database once the rows were read: they are few on a terminal.
    let mut rows = Box::pin(rows);
    let limit = args.limit(&cx.ui).map_or(SHORTENED, |limit| usize::try_from(limit).unwrap_or(SHORTENED));
    let read = limit.min(SHORTENED);
    let mut first = Vec::new();
    while first.len() <= read
        && let Some(row) = rows.next().await
    {
        first.extend(unreadable.pass(cx, row)?);
    }
    if first.len() > SHORTENED {
        let rows = futures::stream::iter(first.into_iter().map(Ok)).chain(rows);
        return as_they_come(cx, args, rows, unreadable).await;
    }
    // Gives its connection back.
    drop(rows);
    let more = first.len() > limit;
    first.truncate(limit);
    let shown = whole(cx, first).await?;
    args.say_more(&cx.ui, shown, more);
    unreadable.finish().map(|()| Outcome::Done)
}

/// Lists rows that are all there. Returns how many.
///
/// # Errors
/// The database's, which is asked how much of an id names it; stdout's.
pub(super) async fn whole<R: Row>(cx: &Context, rows: Vec<R>) -> Result<u64> {
    let (shown, ()) = cx
        .ui
        .list(async |list: &mut List<'_, R>| {
            let lengths = lengths(cx, rows.iter().flat_map(|row| list.ids(row)).collect()).await?;
            list.shorten(lengths);
            Ok(rows.iter().try_for_each(|row| list.push(row))?)
        })
        .await?;
    Ok(shown)
}

/// How many characters of each id name it.
async fn lengths(cx: &Context, ids: HashSet<(IdOf, Id)>) -> Result<HashMap<(IdOf, Id), usize>> {
    let mut lengths = HashMap::new();
    for (of, among) in [(IdOf::Flight, Among::Flights), (IdOf::Entry, Among::Entries)] {
        let ids: Vec<Id> = ids.iter().filter(|(one, _)| *one == of).map(|(_, id)| *id).collect();
        if !ids.is_empty() {
            let database = cx.reader().await?;
            lengths.extend(prefixes(database.conn(), among, &ids).await?.into_iter().map(|(id, n)| ((of, id), n)));
        }
    }
    Ok(lengths)
}

/// Streams rows as they come, with their ids whole.
async fn as_they_come<R, E>(
    cx: &Context,
    args: &ListArgs,
    rows: impl Stream<Item = std::result::Result<R, E>>,
    mut unreadable: Unreadable,
) -> Result<Outcome>
where
    R: Row,
    Error: From<E>,
{
    let limit = args.limit(&cx.ui);
    let mut rows = std::pin::pin!(rows);
    let (shown, more) = cx
        .ui
        .list(async |list: &mut List<'_, R>| {
            while let Some(row) = rows.next().await {
                let Some(row) = unreadable.pass(cx, row)? else { continue };
                if limit == Some(list.count()) {
                    return Ok(true);
                }
                list.push(&row)?;
            }
            Ok(false)
        })
        .await?;
    args.say_more(&cx.ui, shown, more);
    unreadable.finish().map(|()| Outcome::Done)
}
