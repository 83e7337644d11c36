//! Filters of a request: those of [`crate::browse`], times as they are typed on the command line, and references.

use std::time::Duration;

use chrono::Utc;

use super::super::State;
use super::super::reply::Failure;
use crate::browse::{Filter, Table, parse};
use crate::db::Transaction;
use crate::directory::{instant, reference};
use crate::entity::types::Timestamp;
use crate::error::{Error, Kind};
use crate::message::message;

/// The most filters of one request.
const MOST: usize = 20;

/// The tables whose rows have references, as the command line takes them.
const REFERRED: [&str; 5] = ["users", "airlines", "brands", "flights", "milesProducts"];

/// Whether what refers to this table can be asked for by a reference.
pub(super) fn has_references(table: &str) -> bool {
    REFERRED.contains(&table)
}

impl State {
    /// Reads times as the command line does.
    pub(super) fn time(&self) -> impl Fn(&str) -> Result<Timestamp, String> + Sync + 'static {
        let (now, zone) = (Utc::now(), self.seat.zone);
        move |text| match instant::parse("time", text, now, zone) {
            Ok(at) => Ok(at.into()),
            Err(error) => Err(error.accepted.to_string()),
        }
    }

    /// The conditions of a request.
    pub(super) async fn filters(&self, table: &Table, given: &[String]) -> Result<Vec<Filter>, Failure> {
        if given.len() > MOST {
            return Err(Error::new(Kind::Usage, "usage", message!("at most {} filters", MOST)).into());
        }
        let time = self.time();
        let mut filters = Vec::with_capacity(given.len());
        for filter in given {
            let mut parts = filter.splitn(3, ':');
            let (column, operator, value) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
            let target = match (operator, column.and_then(|name| table.columns.iter().find(|one| one.name == name))) {
                (Some("ref"), Some(column)) => column.references.as_ref().map(|(to, _)| (column, to)),
                _ => None,
            };
            let filter = match target {
                Some((column, to)) if has_references(to) => {
                    let key = self.key_of(to, value).await?;
                    Filter::is(self.seat.database.engine(), column, &key, &time)
                }
                _ => parse(self.seat.database.engine(), table, filter, &time),
            };
            match filter {
                Ok(filter) => filters.push(filter),
                Err(error) => return Err(self.failed(error).await),
            }
        }
        Ok(filters)
    }

    /// The key of the row of `table` that a reference means.
    async fn key_of(&self, table: &str, given: &str) -> Result<String, Failure> {
        let tx = self.reading(super::LIMIT).await?;
        let zone = self.seat.zone;
        let key = match table {
            "users" => reference::user(&tx, given).await.map(|found| found.user_id),
            "airlines" => reference::airline(&tx, given).await.map(|found| found.airline_id),
            "brands" => reference::brand(&tx, given).await.map(|found| found.brand_id),
            "flights" => reference::meant_flight(&tx, given, zone).await.map(|found| found.flight.id.to_string()),
            _ => reference::product(&tx, given).await.map(|found| found.product_id),
        };
        match key {
            Ok(key) => Ok(key),
            Err(error) => Err(self.failed(error).await),
        }
    }

    /// A transaction for the engines that work on SeaORM's connections.
    pub(super) async fn reading(&self, limit: Duration) -> Result<Transaction, Failure> {
        match crate::browse::begin_read(&self.seat.database, limit).await {
            Ok(transaction) => Ok(transaction),
            Err(error) => Err(self.failed(error).await),
        }
    }
}
