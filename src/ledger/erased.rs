//! How the account of an erased person is distinguished from others: it keeps the books in balance, and is in no ranking.

/// What the name of such an account begins with; thirteen random characters follow.
pub(crate) const NAME: &str = "erased_";

/// The smallest id of such an account: ids on ROBLOX are signed and of 64 bits, and never reach it.
pub(crate) const FIRST_ID: u64 = 10_000_000_000_000_000_000;

/// The condition that the account `alias` is not an erased one.
pub(crate) fn not_erased(alias: &str) -> String {
    let name = NAME.len();
    format!(
        r#"NOT (length({alias}."userId") = 20 AND length({alias}."username") = 20
        AND substr({alias}."username", 1, {name}) = '{NAME}')"#
    )
}
