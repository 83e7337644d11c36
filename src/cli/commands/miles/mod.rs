//! `miles`: the ledger.

mod against;
mod answer;
mod audit;
mod award;
mod balance;
mod history;
mod import;
mod leaderboard;
mod redeem;
mod reverse;
mod spend;
mod statement;

use clap::Subcommand;

pub(super) use audit::Found;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};

/// What to do with miles.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Give miles to one user or several
    #[command(after_help = award::EXAMPLES)]
    Award(award::MilesAwardArgs),
    /// Take miles from a user
    #[command(after_help = spend::EXAMPLES)]
    Spend(spend::MilesSpendArgs),
    /// Buy a product with a user's miles
    #[command(after_help = redeem::EXAMPLES)]
    Redeem(redeem::MilesRedeemArgs),
    /// Show a user's balance, now or at a past time
    #[command(after_help = balance::EXAMPLES)]
    Balance(balance::MilesBalanceArgs),
    /// List a user's entries, newest first, with the running balance
    #[command(after_help = history::EXAMPLES)]
    History(history::MilesHistoryArgs),
    /// Take back an entry or a batch by new entries of the opposite amounts
    #[command(after_help = reverse::EXAMPLES)]
    Reverse(reverse::MilesReverseArgs),
    /// Award and spend from a file
    #[command(after_help = import::EXAMPLES)]
    Import(import::MilesImportArgs),
    /// Prove the ledger, and mend balances that have drifted from it
    #[command(after_help = audit::EXAMPLES)]
    Audit(audit::MilesAuditArgs),
    /// Rank users by balance, or by miles earned in a period or with an airline
    #[command(after_help = leaderboard::EXAMPLES)]
    Leaderboard(leaderboard::MilesLeaderboardArgs),
    /// Show a month of a user or an airline: opening, movements by source, closing
    #[command(after_help = statement::EXAMPLES)]
    Statement(statement::MilesStatementArgs),
}

impl Verb {
    /// Runs it.
    ///
    /// # Errors
    /// The command's.
    pub(crate) async fn run(self, cx: &Context) -> Result<Outcome> {
        match self {
            Self::Award(args) => award::run(args, cx).await,
            Self::Spend(args) => spend::run(args, cx).await,
            Self::Redeem(args) => redeem::run(args, cx).await,
            Self::Balance(args) => balance::run(args, cx).await,
            Self::History(args) => history::run(args, cx).await,
            Self::Reverse(args) => reverse::run(args, cx).await,
            Self::Import(args) => import::run(args, cx).await,
            Self::Audit(args) => audit::run(args, cx).await,
            Self::Leaderboard(args) => leaderboard::run(args, cx).await,
            Self::Statement(args) => statement::run(args, cx).await,
        }
    }
}
