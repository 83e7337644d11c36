//! Why an entity asks for what no schema can hold: named by entity and field, since that is where it is mended.

/// What an entity asks for and cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DesiredError {
    /// A field.
    #[error("{entity}.{field}: {problem}")]
    Field {
        /// The entity, by its table.
        entity: String,
        /// The field, by its column.
        field: String,
        /// What is wrong with it.
        problem: String,
        /// What to write instead.
        instead: String,
    },
    /// The entity as a whole.
    #[error("{entity}: {problem}")]
    Entity {
        /// The entity, by its table.
        entity: String,
        /// What is wrong with it.
        problem: String,
        /// What to write instead.
        instead: String,
    },
}

/// What is wrong with a part of an entity, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub what: String,
    pub instead: String,
}

impl Problem {
    pub(super) fn new(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { what: what.into(), instead: instead.into() }
    }

    pub(super) fn of_field(self, entity: &str, field: &str) -> DesiredError {
        let Self { what: problem, instead } = self;
        DesiredError::Field { entity: entity.to_owned(), field: field.to_owned(), problem, instead }
    }

    pub(super) fn of_entity(self, entity: &str) -> DesiredError {
        let Self { what: problem, instead } = self;
        DesiredError::Entity { entity: entity.to_owned(), problem, instead }
    }
}
