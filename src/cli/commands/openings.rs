//! What people read about the openings of the append-only ledger.

use migration::openings::Openings;

use crate::entity::Timestamp;
use crate::message::{Message, count, message};

/// How often the ledger was opened, and when, for what and by which role at last: a sentence without its full stop.
pub(super) fn summary(openings: &Openings) -> Message {
    let times = count(openings.count.unsigned_abs(), "time");
    let at = match openings.newest.parse::<Timestamp>() {
        Ok(at) => message!("{}", at),
        Err(_) => message!("{}", &openings.newest),
    };
    match &openings.role {
        Some(role) => {
            message!("the ledger was opened {}, at last on {} for {} by {}", times, at, &openings.operation, role)
        }
        None => message!("the ledger was opened {}, at last on {} for {}", times, at, &openings.operation),
    }
}
