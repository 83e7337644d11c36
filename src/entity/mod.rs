//! One SeaORM entity a table, in the dense format of SeaORM 2.0: columns, keys, relations and defaults, and no logic.
//!
//! Fields serialise under their column names: that is the JSON contract of every command. What a column cannot say of
//! itself (checks, several-column and partial indexes, triggers, renames) stands in [`crate::schema::desired()`].

pub mod airline;
pub mod brand;
pub mod flight;
pub mod flight_passenger;
pub mod miles_product;
pub mod miles_transaction;
pub mod types;
pub mod user;

pub use airline::Entity as Airline;
pub use brand::Entity as Brand;
pub use flight::Entity as Flight;
pub use flight_passenger::Entity as FlightPassenger;
pub use miles_product::Entity as MilesProduct;
pub use miles_transaction::Entity as MilesTransaction;
pub use types::{Id, Timestamp};
pub use user::Entity as User;
