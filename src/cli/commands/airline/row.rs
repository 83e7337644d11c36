//! An airline as answers show it: the row, its token as a fingerprint.

use std::io;

use serde::Serialize;

use crate::cli::ui::report::{Report, Row};
use crate::cli::ui::{Cell, Column, Page, RenderOptions};
use crate::directory::airline::fingerprint;
use crate::entity::{Timestamp, airline};

/// A row of `airlines` without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Its key.
    pub airline_id: String,
    name: String,
    token: String,
    invite_link: String,
    server_id: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<airline::Model> for Shown {
    fn from(row: airline::Model) -> Self {
        let token = format!("set (sha256 {})", fingerprint(&row.token));
        let airline::Model { airline_id, name, invite_link, server_id, created_at, updated_at, .. } = row;
        Self { airline_id, name, token, invite_link, server_id, created_at, updated_at }
    }
}

impl Row for Shown {
    const NOUN: &'static str = "airline";
    const COLUMNS: &'static [Column] = &[
        Column::text("airlineId").rank(0),
        Column::text("name").rank(0).floor(16),
        Column::text("token").rank(1),
        Column::text("inviteLink").rank(3),
        Column::text("serverId").wide(),
        Column::text("createdAt"),
        Column::text("updatedAt").wide(),
    ];

    fn cell(&self, column: usize, look: &RenderOptions) -> Cell {
        match Self::COLUMNS[column].key {
            "airlineId" => self.airline_id.as_str().into(),
            "name" => self.name.as_str().into(),
            "token" => self.token.as_str().into(),
            "inviteLink" => self.invite_link.as_str().into(),
            "serverId" => self.server_id.as_str().into(),
            "createdAt" => look.time(self.created_at),
            _ => look.time(self.updated_at),
        }
    }
}

impl Report for Shown {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.fields(&self.fields(&page.look))
    }
}
