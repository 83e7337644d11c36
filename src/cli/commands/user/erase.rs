//! `user erase`: the right to erasure, which ROBLOX demands of every game that stores a player's id.

use std::io;

use crate::cli::approve::Ask;
use crate::cli::commands::{change, records};
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Page, text};
use crate::db::Transaction;
use crate::directory::input::quoted;
use crate::directory::reference;
use crate::directory::reference::ReferenceError;
use crate::directory::user::erase;
use crate::directory::user::erase::{Erased, Notification};
use crate::entity::user;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{Words, message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam user erase pilot123 --confirm pilot123\n  \
     skyteam user erase --webhook - --confirm 107919 < notification.json\n\n\
     In the notes of others the id and the names go where they are whole words; a number of up to 5 digits \
     only where the note names a person by it: @100, user 100, id 100.";

/// The longest notification that is read, in bytes. ROBLOX's have some hundred.
const NOTIFICATION_MAX: u64 = 1 << 20;

/// Arguments of `user erase`.
#[derive(clap::Args, Debug)]
pub(crate) struct UserEraseArgs {
    /// User id, username or @username
    #[arg(value_name = "USER", required_unless_present = "webhook", conflicts_with = "webhook")]
    user: Option<String>,
    /// Read ROBLOX's RightToErasureRequest notification from this file, or from standard input with -
    #[arg(long, value_name = "FILE|-")]
    webhook: Option<String>,
    /// Leave the notes of others as they are, where they name the person
    #[arg(long)]
    keep_mentions: bool,
}

impl Report for Erased {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let number = |n: u64| look.number(i64::try_from(n).unwrap_or(i64::MAX));
        let mut fields = vec![
            ("replacementId", self.replacement_id.as_str().into()),
            ("miles", look.number(self.miles)),
            ("entries", number(self.entries)),
            ("notes", number(self.notes)),
            ("flights", number(self.flights)),
            ("mentions", number(self.mentions)),
        ];
        fields.extend(self.others.iter().map(|(table, rows)| (*table, number(*rows))));
        page.fields(&fields)
    }
}

pub(super) async fn run(args: UserEraseArgs, cx: &Context) -> Result<Outcome> {
    let asked_for = match &args.webhook {
        Some(source) => match erase::notification(&notification(cx, source).await?)? {
            Notification::RightToErasure(id) => Some(id.to_string()),
            Notification::Sample => None,
        },
        None => args.user.clone(),
    };
    let Some(asked_for) = asked_for else {
        cx.ui.note("A sample notification: nothing to do.");
        return Ok(Outcome::Done);
    };
    let database = cx.writer().await?;
    let look = async |tx: &Transaction| match (reference::user(tx, &asked_for).await, &args.webhook) {
        // ROBLOX notifies every game of every player, and again until it is answered: nothing stored is as good as erased.
        (Err(ReferenceError::NotFound { .. }), Some(_)) => Ok(None),
        (Ok(person), Some(_)) if person.user_id != asked_for => Ok(None),
        (found, _) => {
            let person = found?;
            let mentions = if args.keep_mentions { 0 } else { erase::count_mentions(tx, &person).await? };
            Ok(Some((person, mentions)))
        }
    };
    let tx = cx.begin(&database).await?;
    let found = look(&tx).await?;
    let Some((person, mentions)) = &found else {
        cx.ui.note(message!("Nothing is stored about user {}: nothing to do.", asked_for));
        return Ok(Outcome::Done);
    };
    let (ask, user_id) = (ask(cx, person, *mentions, args.webhook.is_some()), person.user_id.clone());
    // The yes is to this account under this name, and to this loss.
    let (tx, _, approval) = change::approved(cx, &database, tx, found, ask, look).await?;
    let erased = erase::erase(&tx, &user_id, args.keep_mentions, approval).await?;
    if cx.finish(tx).await? {
        cx.ui.note(message!(
            "Backups made before still hold this person until they are pruned: {}",
            skyteam("db prune")
        ));
    }
    cx.ui.report(&erased)?;
    Ok(Outcome::Done)
}

async fn notification(cx: &Context, source: &str) -> Result<String> {
    let bytes = records::bytes(cx, source, NOTIFICATION_MAX).await?;
    String::from_utf8(bytes).map_err(|error| {
        let what = message!("the notification {} cannot be read", quoted(source));
        Error::new(Kind::Usage, "unreadable_file", what).why(error.to_string())
    })
}

/// Says what will be gone, and wants the username typed. A webhook's script knows only the id: there it may say that.
fn ask(cx: &Context, person: &user::Model, mentions: u64, webhook: bool) -> Ask {
    let named = (mentions > 0).then(|| {
        let (entries, verb) = (text::count(mentions, "entry"), if mentions == 1 { "names" } else { "name" });
        message!(" {} of others {} them, and will not (--keep-mentions leaves the notes).", entries, Words(verb))
    });
    let question = message!(
        "User {} ({}) with {} leaves every table; this cannot be undone.{}",
        &person.user_id,
        &person.username,
        text::count_signed(person.miles.into(), "mile"),
        named
    );
    let by_id = webhook && cx.answers.confirm.as_deref() == Some(person.user_id.as_str());
    Ask::loses(if by_id { person.user_id.clone() } else { person.username.clone() }, question)
}
