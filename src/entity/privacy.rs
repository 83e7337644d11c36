//! What only a person can decide about a table: what a copy for strangers shows, and what erasing a person does.
//!
//! The decisions are declared beside the entity, as constants of its `Entity`:
//!
//! ```ignore
//! impl Entity {
//!     /// What `db backup --anonymize` and `db transfer --anonymize` do with each column.
//!     pub const ANONYMIZE: &'static [(Column, Mask)] = &[(Column::Points, Mask::Keep)];
//!     /// What `user erase` does with rows that refer to the user.
//!     pub const ERASE: Erase<Column> = Erase::Delete;
//! }
//! ```
//!
//! Without them the safe thing happens: an undeclared column is replaced, and `user erase` refuses to run. A unit test
//! of this crate fails until they are there, and prints the lines to write.

use sea_orm::EntityTrait;

use super::listed::Values;

/// What a copy made with `--anonymize` holds in place of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// The values themselves: they say nothing about a person.
    Keep,
    /// `pilot_3fa9c1d2e0b4a7`: with at most six letters before it twenty characters, which a username may have, and
    /// unique among a million users for all practical purposes.
    Name(&'static str),
    /// Another number of eighteen digits, for ids that are stored as text.
    Number,
    /// An address that leads nowhere.
    Url,
    /// Everything but white space becomes `x`, so that length and line breaks stay.
    Blank,
    /// A secret: replaced by one that opens nothing, and never shown in an answer either.
    Secret,
    /// These words stay, since the program itself writes them; anything else becomes a pseudonym.
    Words(&'static [&'static str]),
    /// A code of few characters that stays unique and of its form: letters for letters and digits for digits, by place.
    /// What begins like another code still does. It is a substitution, which hides codes from a search and not from
    /// a reader who knows what codes there are.
    Code,
    /// A time, cut to the hour and moved by some days, the same ones in the whole copy: order stays, and nothing joins
    /// with the original by its microseconds.
    Hour,
    /// A value of the column's type that has nothing to do with the stored one; equal values stay equal.
    Replace,
}

/// What `user erase` does with the rows of a table that refers to `users`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erase<C: 'static> {
    /// Not declared: `user erase` refuses to run.
    Undeclared,
    /// The rows stay, under the random id that replaces the person's, and these columns become NULL in them.
    Keep(&'static [C]),
    /// The rows are deleted.
    Delete,
}

/// What holds for an entity that declares nothing. A constant of the same name in `impl Entity` comes before these.
pub(crate) trait Undeclared: EntityTrait {
    /// No column is declared.
    const ANONYMIZE: &'static [(Self::Column, Mask)] = &[];
    /// Nothing is declared.
    const ERASE: Erase<Self::Column> = Erase::Undeclared;
    /// No column is of an enum that is stored as text or a number.
    const VALUES: &'static [(Self::Column, Values)] = &[];
}

impl<E: EntityTrait> Undeclared for E {}

// In use also where every entity declares its own: a new entity shall not change what the compiler warns of.
const _: &[(super::user::Column, Mask)] = <super::user::Entity as Undeclared>::ANONYMIZE;

impl Mask {
    /// What becomes of the values, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Keep => "stays",
            Self::Name(_) => "a pseudonym",
            Self::Number => "another number",
            Self::Url => "a link that leads nowhere",
            Self::Blank => "blanked, its length stays",
            Self::Secret => "a key that opens nothing",
            Self::Words(_) => "the program's own words stay, others become pseudonyms",
            Self::Code => "another code of the same form",
            Self::Hour => "cut to the hour and moved by some days",
            Self::Replace => "another value of its form",
        }
    }
}
