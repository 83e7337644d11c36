//! One SeaORM entity a table, in the dense format of SeaORM 2.0: columns, keys, relations, defaults and, beside them, what
//! only a person can decide about a table ([`privacy`]).
//!
//! A column is a field of its entity, a table is its file and its line in `tables!`: schema, backups, lists, JSON,
//! imports and edits take what they need from there ([`registry`], [`columns`]). Rows serialise under their columns' names:
//! that is the JSON contract of every command. What a column cannot say of itself (checks, several-column and partial
//! indexes, triggers, renames) is in [`crate::schema::desired()`].

pub(crate) mod columns;
pub(crate) mod lent;
pub(crate) mod list;
pub(crate) mod listed;
pub(crate) mod privacy;
pub(crate) mod registry;
pub(crate) mod types;

/// Makes the modules of the tables, in the order in which the tables are created, and [`visit`].
macro_rules! tables {
    ($($module:ident),* $(,)?) => {
        $(
            pub mod $module;

            impl serde::Serialize for $module::Model {
                fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                    columns::serialize(self, $module::Entity::ANONYMIZE, to)
                }
            }
        )*

        /// Shows `visitor` every table, in the order in which they are created.
        pub(crate) fn visit(visitor: &mut impl registry::Visitor) {
            $(
                visitor.table::<$module::Entity>(registry::Declared {
                    file: concat!("src/entity/", stringify!($module), ".rs"),
                    anonymize: $module::Entity::ANONYMIZE,
                    erase: $module::Entity::ERASE,
                    values: $module::Entity::VALUES,
                });
            )*
        }
    };
}

tables! {
    user,
    airline,
    brand,
    flight,
    flight_passenger,
    miles_transaction,
    miles_product,
}

pub use airline::Entity as Airline;
pub use brand::Entity as Brand;
pub use flight::Entity as Flight;
pub use flight_passenger::Entity as FlightPassenger;
pub use listed::{Values, values_of};
pub use miles_product::Entity as MilesProduct;
pub use miles_transaction::Entity as MilesTransaction;
use privacy::Undeclared;
pub use types::{Id, List, Timestamp};
pub use user::Entity as User;
