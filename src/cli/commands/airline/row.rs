//! The view of an airline: its row, with the token as a fingerprint.

use std::io;

use sea_orm::{IdenStatic as _, Iterable as _, ModelTrait as _};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::cli::commands::extra::Editable;
use crate::cli::commands::table_row;
use crate::cli::ui::report::{Report, Row};
use crate::cli::ui::{Cell, Column, Page, RenderOptions};
use crate::directory::airline::fingerprint;
use crate::entity::airline::{Column as Name, Model};
use crate::entity::columns::Json;

/// A row of `airlines` without its secret.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AirlineView {
    /// Its key.
    pub airline_id: String,
    /// With the fingerprint for the token.
    row: Model,
}

impl From<Model> for AirlineView {
    fn from(mut row: Model) -> Self {
        row.token = format!("set (sha256 {})", fingerprint(&row.token));
        Self { airline_id: row.airline_id.clone(), row }
    }
}

impl Serialize for AirlineView {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // All columns: the token is none any more.
        let mut map = to.serialize_map(None)?;
        for column in Name::iter() {
            map.serialize_entry(column.as_str(), &Json(&self.row.get(column)))?;
        }
        map.end()
    }
}

const PRESENTED: &[Column] = &[
    Column::text("airlineId").rank(0),
    Column::text("name").rank(0).floor(16),
    Column::text("token").rank(1),
    Column::text("inviteLink").rank(3),
    Column::text("serverId").wide(),
    Column::text("createdAt"),
    Column::text("updatedAt").wide(),
];

impl Row for AirlineView {
    const NOUN: &'static str = "airline";

    fn columns() -> Vec<Column> {
        table_row::columns::<crate::entity::Airline>(PRESENTED)
    }

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        table_row::cell(&self.row, column, look)
    }
}

impl Report for AirlineView {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.fields(&self.fields(&page.look))
    }
}

impl Editable for crate::entity::Airline {
    const KNOWN: &'static [Self::Column] = {
        use crate::entity::airline::Column::*;
        &[AirlineId, Name, Token, InviteLink, ServerId, CreatedAt, UpdatedAt]
    };
}
