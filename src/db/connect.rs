//! Opening a database. Each engine has a file of its own beside this one; the errors are in [`super::connect_error`].

use super::connect_error::ConnectError;
use super::options::Options;
use super::{Database, DatabaseUrl, postgres, sqlite};

/// Opens the database at `url`: one connection is made and kept in the pool, so that every reason not to reach the
/// database is reported here.
///
/// # Errors
/// [`ConnectError`], within `connect_timeout` of the options and half a second.
pub async fn connect(url: &DatabaseUrl, options: Options) -> Result<Database, ConnectError> {
    match url {
        DatabaseUrl::Postgres(place) => postgres::connect(place, options).await,
        DatabaseUrl::Sqlite(place) => sqlite::connect(place, options).await,
    }
}
