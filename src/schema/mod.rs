//! The schema engine: reads a schema, compares two, plans the steps from one to the other, and runs them.
//!
//! One neutral [`Schema`] has three states: what the entities ask for ([`desired()`]), what a migration's snapshot says
//! ([`Schema::from_json`]), and what the database's own catalogue says ([`live`]). Inspect, diff, plan and apply are
//! four steps over these plain values. Nothing here prints, asks, or knows an argument; that is the commands' part.

pub mod migrate;

pub(crate) mod apply;
pub(crate) mod change;
pub mod checks;
mod claims;
pub(crate) mod constraints;
pub(crate) mod dependents;
pub mod desired;
pub mod dialect;
pub mod diff;
mod drizzle;
mod error;
mod estimate;
pub mod generate;
pub(crate) mod history;
pub(crate) mod kind;
mod listed;
pub(crate) mod literal;
pub mod live;
pub(crate) mod lock;
mod matching;
mod mermaid;
pub mod model;
pub(crate) mod online;
pub mod plan;
mod prepare;
pub(crate) mod rights;
pub mod session;
pub mod snapshot;
pub(crate) mod sql_tokens;
pub(crate) mod waiting;

pub(crate) use apply::reset;
pub use apply::{Applied, ApplyOptions, Event, apply};
pub use checks::{Finding, Remediation};
pub use desired::{DesiredError, desired};
pub use dialect::Statement;
pub use diff::{Diff, Kept, Origin, Suspect, diff};
pub use drizzle::drizzle;
pub use error::SchemaError;
pub(crate) use estimate::Pause;
pub(crate) use history::refuse_newer;
pub use listed::check as listed_check;
pub use live::{Live, LiveError, Rename};
pub(crate) use live::{TableText, table_text};
pub(crate) use mermaid::mermaid;
pub use model::Schema;
pub use plan::{Backfill, Conversion, Cost, Loss, Online, Part, Plan, PlanError, Request, Step, plan};
pub(crate) use prepare::prepare_reset;
pub use prepare::{Prepared, prepare};
pub use waiting::{Holder, LockPolicy, Wait, Waiting};
