//! `airline token show`, `rotate` and `whois`.

use clap::Subcommand;

use crate::cli::approve::Ask;
use crate::cli::commands::airline::row::AirlineView;
use crate::cli::commands::airline::secret;
use crate::cli::commands::airline::secret::SecretArgs;
use crate::cli::commands::change;
use crate::cli::context::Context;
use crate::db::Transaction;
use crate::directory::{airline, reference};
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{message, skyteam};

/// The longest input that is read for a token, in bytes.
const INPUT_MAX: u64 = 4096;

/// What to do with a token.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show whether an airline's token is set, or with --reveal the token itself
    #[command(
        after_help = "Examples:\n  skyteam airline token show delta\n  skyteam airline token show delta --reveal | wl-copy"
    )]
    Show(Show),
    /// Give an airline a new token and print it, once; the old one stops working
    #[command(
        after_help = "Examples:\n  skyteam airline token rotate delta\n  skyteam airline token rotate delta --yes --token-file delta.token"
    )]
    Rotate(Rotate),
    /// Find the airline of a token, which is read from standard input
    #[command(
        after_help = "Examples:\n  skyteam airline token whois --stdin < delta.token\n  wl-paste | skyteam airline token whois --stdin --json"
    )]
    Whois(Whois),
}

/// Arguments of `airline token show`.
#[derive(clap::Args, Debug)]
pub(crate) struct Show {
    /// Airline id, exact name, or the code of a brand of it
    #[arg(value_name = "AIRLINE")]
    airline: String,
    /// Print the token itself, alone on stdout
    #[arg(long)]
    reveal: bool,
}

/// Arguments of `airline token rotate`.
#[derive(clap::Args, Debug)]
pub(crate) struct Rotate {
    /// Airline id, exact name, or the code of a brand of it
    #[arg(value_name = "AIRLINE")]
    airline: String,
    #[command(flatten)]
    secret: SecretArgs,
}

/// Arguments of `airline token whois`.
#[derive(clap::Args, Debug)]
pub(crate) struct Whois {
    /// Read the token from standard input, so that it is in no list of processes and no history
    #[arg(long, required = true)]
    stdin: bool,
}

impl Verb {
    /// Runs it.
    ///
    /// # Errors
    /// The command's.
    pub(crate) async fn run(self, cx: &Context) -> Result<Outcome> {
        match self {
            Self::Show(args) => show(args, cx).await,
            Self::Rotate(args) => rotate(args, cx).await,
            Self::Whois(Whois { stdin: _ }) => whois(cx).await,
        }
    }
}

async fn show(args: Show, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let airline = reference::airline(database.conn(), &args.airline).await?;
    if args.reveal {
        secret::print(cx, &airline)?;
    } else {
        cx.ui.report(&AirlineView::from(airline))?;
    }
    Ok(Outcome::Done)
}

async fn rotate(args: Rotate, cx: &Context) -> Result<Outcome> {
    let database = cx.writer().await?;
    let look = async |tx: &Transaction| Ok(reference::airline(tx, &args.airline).await?.airline_id);
    let tx = cx.begin(&database).await?;
    let id = look(&tx).await?;
    let place = args.secret.place(cx)?;
    let ask = Ask::changes(message!("Rotate the token of {}? Programs that use the old one are refused.", &id));
    let (tx, id, _approved) = change::approved(cx, &database, tx, id, ask, look).await?;
    let rotated = airline::rotate(&tx, &id).await?;
    secret::commit(cx, tx, rotated, "given a new token", place).await?;
    Ok(Outcome::Done)
}

async fn whois(cx: &Context) -> Result<Outcome> {
    let input = cx.ui.read_input(INPUT_MAX).await?;
    let token = String::from_utf8(input).unwrap_or_default();
    if token.trim().is_empty() {
        return Err(Error::new(Kind::Usage, "usage", "no token on standard input")
            .why("a token is read from standard input, so that it is in no list of processes and in no history")
            .fix(message!("{} < FILE", skyteam("airline token whois --stdin"))));
    }
    let database = cx.reader().await?;
    let found = airline::by_token(database.conn(), token.trim()).await?;
    let airline = found.ok_or_else(|| {
        // The token itself is not repeated: it may be another program's secret.
        Error::new(Kind::NotFound, "not_found", "no airline has this token")
            .why(message!("its sha256 begins with {}", airline::fingerprint(token.trim())))
            .fix(skyteam("airline list"))
    })?;
    cx.ui.report(&AirlineView::from(airline))?;
    Ok(Outcome::Done)
}
