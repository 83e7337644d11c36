//! Correcting a balance that differs from the sum of its entries, after a person decided which of the two is right.
//!
//! Either way an entry of source `adjustment` says what was done. Nothing but drift is mended here: a negative balance that
//! the entries explain, or a flight paid twice, is put right by ordinary entries.

use sea_orm::{ConnectionTrait, DbErr};

use super::{Account, MAX_BALANCE, MilesError, Posted, Posting, bulk, key, rows, source};
use crate::db::Transaction;
use crate::entity::types::Id;

/// What is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The balance is right; the ledger lacks an entry.
    Balance,
    /// The ledger is right; the balance is set to its sum.
    Ledger,
}

/// Who repairs, for the entries.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Repairer<'a> {
    /// Shared by the entries of one repair of several users.
    pub batch_id: Option<Id>,
    /// Who does it.
    pub actor: Option<&'a str>,
}

/// Whether one entry can make these equal: [`Trust::Balance`] needs an amount that an entry holds, [`Trust::Ledger`] a sum
/// that a balance may become, which does not fall below zero.
pub(crate) fn is_possible(trust: Trust, balance: i64, ledger: i64) -> bool {
    match trust {
        Trust::Balance => i32::try_from(balance - ledger).is_ok_and(|amount| amount != i32::MIN),
        // The guard lets a negative balance rise.
        Trust::Ledger => ledger <= i64::from(MAX_BALANCE) && (ledger >= 0 || ledger > balance),
    }
}

/// Locks the user, computes the drift again and corrects it; `None` where there is none.
///
/// With [`Trust::Balance`] the entry has the missing amount. With [`Trust::Ledger`] it has none: the balance moves, and the
/// entry of 0 miles says from where to where.
///
/// # Errors
/// [`MilesError::NoUser`]; [`MilesError::BeyondRepair`] where the amount fits no entry, or the ledger's sum no balance.
pub(crate) async fn repair(
    tx: &Transaction,
    user_id: &str,
    trust: Trust,
    repairer: Repairer<'_>,
) -> Result<Option<Posted>, MilesError> {
    let locked = bulk::lock(tx, std::iter::once(user_id)).await?;
    let Some(Account { miles: balance, .. }) = locked.holders.get(user_id) else {
        return Err(MilesError::NoUser { user_id: user_id.to_owned() });
    };
    let balance = *balance;
    let sql =
        r#"SELECT CAST(coalesce(sum("amount"), 0) AS bigint) AS "ledger" FROM "milesTransactions" WHERE "userId" = $1"#;
    let row = tx.query_one_raw(rows::statement(tx, sql, [user_id.into()])).await?;
    let ledger: i64 = row.map_or(Ok(0), |row| row.try_get("", "ledger"))?;
    if balance == ledger {
        return Ok(None);
    }
    if !is_possible(trust, balance, ledger) {
        return Err(MilesError::BeyondRepair { user_id: user_id.to_owned(), balance, ledger });
    }
    let (amount, note) = match trust {
        Trust::Balance => (balance - ledger, format!("ledger had {ledger}, balance {balance} was trusted")),
        Trust::Ledger => (0, format!("balance was {balance}, ledger {ledger} was trusted")),
    };
    let amount = i32::try_from(amount).map_err(out_of_range)?;
    let mut entry = Posting {
        source: source::ADJUSTMENT.to_owned(),
        note: Some(note),
        batch_id: repairer.batch_id,
        actor: repairer.actor.map(str::to_owned),
        ..Posting::new(key::fresh_id(), user_id.to_owned(), amount)
    }
    .into_entry(locked.now)?;
    bulk::insert(tx, &[&entry]).await?;
    bulk::complete(tx, std::iter::once(&mut entry)).await?;
    let balance = match trust {
        Trust::Balance => balance,
        Trust::Ledger => {
            let sql = r#"UPDATE "users" SET "miles" = $2 WHERE "userId" = $1"#;
            let ledger_miles = i32::try_from(ledger).map_err(out_of_range)?;
            tx.execute_raw(rows::statement(tx, sql, [user_id.into(), ledger_miles.into()])).await?;
            ledger
        }
    };
    Ok(Some(Posted { entry, balance, already: false }))
}

/// What [`is_possible`] has ruled out.
fn out_of_range(error: std::num::TryFromIntError) -> DbErr {
    DbErr::Type(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_entry_can_mend_is_known_beforehand() {
        let possible =
            |balance, ledger| [Trust::Balance, Trust::Ledger].map(|trust| is_possible(trust, balance, ledger));
        assert_eq!(possible(507, 500), [true, true]);
        assert_eq!(possible(0, -500), [true, false]);
        assert_eq!(possible(-700, -500), [true, true]);
        assert_eq!(possible(3_000_000_000, 100), [false, true]);
        assert_eq!(possible(0, 3_000_000_000), [false, false]);
    }
}
