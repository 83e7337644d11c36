//! Which makers of backups are trusted: the keys of flags and settings, and what the database remembers.

use crate::backup::maker::{Maker, Trusted};
use crate::backup::record;
use crate::backup::signature::{Signers, SigningKey};
use crate::cli::context::Context;
use crate::db::Database;
use crate::error::{Error, Kind, Result};
use crate::message::message;

/// The flag with public keys.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct SignerArgs {
    /// Public key that vouches for a backup signed with it, as [NAME=]ed25519:…; may be given several times [env: SKYTEAM_SIGNERS]
    #[arg(long = "signer", value_name = "KEY")]
    signers: Vec<String>,
}

impl SignerArgs {
    /// Those of a command that has a flag of its own for them.
    pub(crate) fn of(signers: Vec<String>) -> Self {
        Self { signers }
    }

    /// The keys of the flag, or else of the settings.
    ///
    /// # Errors
    /// [`Kind::Usage`] or [`Kind::Config`] for what is no key.
    pub(crate) fn keys(&self, cx: &Context) -> Result<Signers> {
        let configured = &cx.settings.signers;
        if !self.signers.is_empty() {
            return Ok(Signers::parse(self.signers.iter().map(String::as_str))?);
        }
        Signers::parse(configured.value.iter().map(String::as_str)).map_err(|error| {
            let error = Error::from(error);
            Error::new(Kind::Config, "bad_signer", error.what().clone())
                .why(message!("from {}", configured.origin.to_string()))
        })
    }

    /// What is trusted: the keys, and what `database` remembers. One that cannot be asked remembers nothing.
    ///
    /// # Errors
    /// As [`SignerArgs::keys`].
    pub(crate) async fn trusted(&self, cx: &Context, database: Option<&Database>) -> Result<Trusted> {
        let signers = self.keys(cx)?;
        let record = match database {
            Some(database) => record::of(database).await.unwrap_or_else(|error| {
                cx.ui.step(message!(
                    "What the database remembers of backups cannot be read: {}.",
                    Error::from(error).what().clone()
                ));
                record::Record::default()
            }),
            None => record::Record::default(),
        };
        Ok(Trusted { signers, record })
    }
}

/// The key to sign with, of the flag or the settings.
///
/// # Errors
/// Those of [`SigningKey::read`].
pub(crate) fn signing_key(flag: Option<&std::path::Path>, cx: &Context) -> Result<Option<SigningKey>> {
    let path = flag.or(cx.settings.sign_key.as_ref().map(|setting| setting.value.as_path()));
    Ok(path.map(|path| SigningKey::read(&cx.path(path))).transpose()?)
}

/// Says of a backup that is taken for evidence who made it; where keys are configured, one by an unknown maker is refused.
///
/// # Errors
/// [`Kind::Refused`], `unknown_maker`.
pub(crate) fn vouch(maker: &Maker, trusted: &Trusted, cx: &Context) -> Result<()> {
    if maker.is_unknown() && !trusted.signers.is_empty() {
        return Err(Error::new(Kind::Refused, "unknown_maker", "the backup is by somebody unknown")
            .why("no configured key has signed it, and this database does not remember it")
            .fix("take one that is signed, or name its key with --signer"));
    }
    cx.ui.note(message!("The backup is {}.", maker.words()));
    Ok(())
}
