//! `miles import`.

use std::io;

use serde::Serialize;

use super::answer;
use crate::cli::approve::Ask;
use crate::cli::commands::records::{Columns, InputArgs, Record, form};
use crate::cli::commands::rejects::{Reject, RejectArgs};
use crate::cli::commands::{award_guard, change, records, rejects};
use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::cli::ui::text::count;
use crate::db::Transaction;
use crate::directory::flight::manifest;
use crate::directory::flight::manifest::{Known, Meaning, Who};
use crate::directory::input::{Amount, InputError, quoted};
use crate::directory::reference;
use crate::entity::types::Id;
use crate::error::{Error, Outcome, Result};
use crate::ledger::award_guard::{Award, AwardGuard};
use crate::ledger::batch::{Applied, OnRefusal, Rejection};
use crate::ledger::lookup::EarlierImport;
use crate::ledger::{MilesError, Posted, Posting, batch, key, lookup, source};
use crate::message::{Message, Words, message};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam miles import bonus.csv --dry-run
  skyteam miles import - --note \"Season bonus\" --keep-going < bonus.ndjson

The file is CSV with a header, or one JSON object a line. Columns: user (@name, userId or username), amount (negative
spends), and if wanted note and key. Rows with a key are applied once, however often the file is imported.";

const COLUMNS: Columns = Columns { known: &["user", "amount", "note", "key"], ignored: &[] };

/// For how many unknown users the nearest name is looked for: each costs a look through all names.
const LOOKED_FOR: usize = 20;

/// Arguments of `miles import`.
#[derive(clap::Args, Debug)]
pub(crate) struct MilesImportArgs {
    /// File with the rows; - for standard input
    #[arg(value_name = "FILE|-", value_hint = clap::ValueHint::FilePath)]
    file: String,
    /// Note of rows that have none
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Source of the entries
    #[arg(long, value_name = "WORD", default_value = source::MANUAL)]
    source: String,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    rejects: RejectArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    /// What `miles reverse` takes back together; null where nothing was written.
    batch_id: Option<Id>,
    applied: usize,
    already_applied: usize,
    rejected: usize,
    earned: i64,
    spent: i64,
}

impl Report for Imported {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let number = |n: usize| look.number(i64::try_from(n).unwrap_or(i64::MAX));
        page.fields(&[
            ("batchId", self.batch_id.map(|id| id.to_string()).unwrap_or_default().into()),
            ("applied", number(self.applied)),
            ("alreadyApplied", number(self.already_applied)),
            ("rejected", number(self.rejected)),
            ("earned", look.number(self.earned)),
            ("spent", look.number(self.spent)),
        ])
    }
}

/// A row that could be read.
struct ImportLine {
    place: usize,
    who: Who,
    amount: i32,
    note: Option<String>,
    key: Option<String>,
}

pub(super) async fn run(args: MilesImportArgs, cx: &Context) -> Result<Outcome> {
    let note = args.note.as_deref().map(answer::note).transpose()?;
    let source = answer::chosen_source(&args.source, false)?;
    let place = args.rejects.place(cx, &args.file)?;
    let records = records::read(cx, &args.file, COLUMNS, &args.input).await?;
    let mut malformed = Vec::new();
    let mut lines = Vec::with_capacity(records.len());
    for (place, record) in records.iter().enumerate() {
        match line(place, record) {
            Ok(line) => lines.push(line),
            Err(why) => malformed.push(Reject { place, why, malformed: true }),
        }
    }
    let database = cx.writer().await?;
    let content = content(&lines, &source, note.as_deref());
    let keep_going = args.rejects.keep_going;
    let attempt = async || {
        let progress = cx.ui.progress(Some(lines.len() as u64), "importing");
        let work = async |tx: &Transaction| {
            let mut rejects = malformed.clone();
            let known = users(tx, &lines, &mut rejects).await?;
            // Held before it is asked whether the content was imported: of two imports of one file the second finds the
            // first.
            batch::hold(tx, known.iter().map(|(_, user)| user.user_id.as_str())).await?;
            let (batch_id, earlier) = match &content {
                Some(content) => lookup::import_of(tx, content.as_bytes()).await?,
                None => (key::fresh_id(), None),
            };
            let posting = |(line, user): &(&ImportLine, Known)| Posting {
                source: source.clone(),
                note: line.note.clone().or_else(|| note.clone()),
                batch_id: Some(batch_id),
                actor: Some(cx.settings.actor.value.clone()),
                drawn: line.key.is_none(),
                ..Posting::signed(
                    line.key.as_deref().map_or_else(key::fresh_id, key::entry_id),
                    user.user_id.as_str(),
                    line.amount,
                )
            };
            let movements: Vec<Posting> = known.iter().map(posting).collect();
            let (places, names) = known.into_iter().map(|(line, user)| (line.place, user.username)).unzip();
            if !rejects.is_empty() && !keep_going {
                // What the ledger would refuse of the others is reported along with it, not on the next try.
                let applied = batch::preview(tx, &movements).await?;
                return Ok(Attempt { batch_id, earlier, places, names, rejects, applied, guard: None });
            }
            let guard = AwardGuard::read(tx, award_guard::limit(cx), None).await?;
            let on_refusal = if keep_going { OnRefusal::Skip } else { OnRefusal::Stop };
            let applied = match batch::post_all(tx, &movements, on_refusal, |rows| progress.advance(rows)).await {
                Err(MilesError::Batch { rejected }) => Applied { rejected, ..Applied::default() },
                applied => applied?,
            };
            Ok(Attempt { batch_id, earlier, places, names, rejects, applied, guard: Some(guard) })
        };
        let (tx, mut done) = answer::attempt(&database, work).await?;
        let rejected = std::mem::take(&mut done.applied.rejected);
        done.rejects.extend(rejected.into_iter().map(|one| reject(one, &done.places)));
        done.rejects.sort_by_key(|reject| reject.place);
        if done.rejects.is_empty() || keep_going {
            return Ok((tx, done));
        }
        tx.rollback().await?;
        Err(rejects::refused(&records, &done.rejects))
    };
    let ask = async |asked: &Asked| {
        if let Some(earlier) = &asked.earlier {
            let question = earlier_question(earlier);
            award_guard::would_ask(cx, &question);
            let _approved = cx.approve(Ask::changes(question)).await?;
        }
        match &asked.unusual {
            Some(question) => award_guard::approve(cx, question).await,
            None => Ok(()),
        }
    };
    let (tx, done) = change::attempted(cx, attempt, Attempt::asked, ask).await?;
    let Attempt { batch_id, rejects, applied, .. } = done;
    let finished = answer::finish(cx, &database, tx, batch_id).await;
    let finished = match finished {
        Ok(()) => answer::confirm(cx, &database, batch_id, !applied.already.is_empty()).await,
        failed => failed,
    };
    // The rows that were not taken are kept before anything else can fail.
    let outcome = rejects::after(cx, finished.map_err(Error::from), place, COLUMNS, &records, &rejects)?;

    let amounts = || applied.posted.iter().map(|(_, posted)| i64::from(posted.entry.amount));
    let written = !applied.posted.is_empty();
    cx.ui.report(&Imported {
        batch_id: written.then_some(batch_id),
        applied: applied.posted.len(),
        already_applied: applied.already.len(),
        rejected: rejects.len(),
        earned: amounts().filter(|amount| *amount > 0).sum(),
        spent: amounts().filter(|amount| *amount < 0).sum(),
    })?;
    if written && !cx.answers.dry_run {
        cx.ui.note(answer::undo(batch_id));
    }
    Ok(outcome)
}

/// What was imported, in a transaction that is still open.
struct Attempt {
    batch_id: Id,
    earlier: Option<EarlierImport>,
    /// Of each movement its line's place, and the user's name.
    places: Vec<usize>,
    names: Vec<String>,
    rejects: Vec<Reject>,
    applied: Applied,
    /// As it was before; `None` where nothing was written.
    guard: Option<AwardGuard>,
}

/// What an import is worth asking about.
#[derive(PartialEq)]
struct Asked {
    earlier: Option<EarlierImport>,
    unusual: Option<Message>,
    /// Who gets what.
    movements: Vec<(String, i32)>,
}

impl Attempt {
    fn asked(&self) -> Option<Asked> {
        let posted = || self.applied.posted.iter();
        let award = |(place, posted): &(usize, Posted)| Award { user: &self.names[*place], miles: posted.entry.amount };
        let unusual = self.guard.and_then(|guard| guard.judge(posted().map(award)));
        let unusual = unusual.map(|unusual| award_guard::question(&unusual));
        let earlier = self.earlier.clone().filter(|_| posted().next().is_some());
        if earlier.is_none() && unusual.is_none() {
            return None;
        }
        let movements = posted().map(|(_, posted)| (posted.entry.user_id.clone(), posted.entry.amount));
        Some(Asked { earlier, unusual, movements: movements.collect() })
    }
}

/// The question about a content that was imported before.
fn earlier_question(earlier: &EarlierImport) -> Message {
    message!(
        "The same content was imported on {}, and {} of it {} not reversed (batch {}). Import it once more?",
        earlier.at,
        count(earlier.standing.unsigned_abs(), "entry"),
        Words(if earlier.standing == 1 { "is" } else { "are" }),
        earlier.batch_id
    )
}

fn line(place: usize, record: &Record) -> Result<ImportLine, String> {
    if let Some(fault) = &record.fault {
        return Err(fault.clone());
    }
    let parsed = || -> Result<ImportLine, InputError> {
        let accepted = "@name, userId or username";
        let user = record.get("user").ok_or_else(|| InputError::new("user", "", accepted))?;
        if let Some(form) = form::of_id(user) {
            return Err(InputError::new("user", user, format!("{accepted}; {form}")));
        }
        Ok(ImportLine {
            place,
            who: who(user),
            amount: amount(record.get("amount").unwrap_or_default())?,
            note: record.text("note").map(answer::note).transpose()?,
            key: answer::key(record.get("key"))?.map(str::to_owned),
        })
    };
    parsed().map_err(|error| error.to_string())
}

/// What the rows without a key ask for, so that a file that comes again is known again; `None` where all have keys, which
/// apply them once.
fn content(lines: &[ImportLine], source: &str, note: Option<&str>) -> Option<String> {
    let keyless = lines.iter().filter(|line| line.key.is_none());
    let rows: Vec<_> = keyless.map(|line| (name(&line.who), line.amount, line.note.as_deref().or(note))).collect();
    (!rows.is_empty()).then(|| serde_json::json!({ "source": source, "rows": rows }).to_string())
}

fn name(who: &Who) -> &str {
    match who {
        Who::Name(name) | Who::Digits(name) => name,
        Who::Id { user_id, .. } => user_id,
    }
}

/// How a row names its user, as everywhere on the command line.
fn who(user: &str) -> Who {
    match user.strip_prefix('@') {
        Some(name) => Who::Name(name.to_owned()),
        None if user.bytes().all(|byte| byte.is_ascii_digit()) => Who::Digits(user.to_owned()),
        None => Who::Name(user.to_owned()),
    }
}

/// An amount with its sign.
fn amount(text: &str) -> Result<i32, InputError> {
    let accepted = "a whole number of miles other than 0, -2147483647 to 2147483647";
    let (digits, sign) = text.strip_prefix('-').map_or((text, 1), |digits| (digits, -1));
    let form = || form::of_number(text).map_or_else(|| accepted.to_owned(), |form| format!("{accepted}; {form}"));
    Amount::parse(digits).map(|amount| sign * amount.get()).map_err(|_| InputError::new("amount", text, form()))
}

/// The users whom the lines mean; lines that mean no user are rejected.
async fn users<'a>(
    tx: &Transaction,
    lines: &'a [ImportLine],
    rejects: &mut Vec<Reject>,
) -> Result<Vec<(&'a ImportLine, Known)>, MilesError> {
    let named: Vec<Who> = lines.iter().map(|line| line.who.clone()).collect();
    let meanings = manifest::resolve(tx, &named).await?;
    let mut known = Vec::with_capacity(lines.len());
    let mut looked_for = 0;
    for (line, meaning) in lines.iter().zip(meanings) {
        let name = name(&line.who).to_owned();
        let why = match meaning {
            Meaning::Known(user) => {
                known.push((line, user));
                continue;
            }
            Meaning::Ambiguous(several) => {
                let names: Vec<&str> = several.iter().map(|user| user.username.as_str()).collect();
                format!("{} means more than one user: {}", quoted(&name), names.join(", "))
            }
            Meaning::Unknown | Meaning::NameOfAnother(_) | Meaning::TwoUsers(..) => {
                looked_for += 1;
                let near =
                    if looked_for > LOOKED_FOR { Vec::new() } else { reference::nearest_users(tx, &name).await? };
                let near = near.first().map(|near| format!("; nearest: {}", near.key)).unwrap_or_default();
                format!("no user {}{near}", quoted(&name))
            }
        };
        rejects.push(Reject { place: line.place, why, malformed: false });
    }
    Ok(known)
}

fn reject(one: Rejection, places: &[usize]) -> Reject {
    let error = Error::from(one.error);
    Reject { place: places[one.index], why: error.summary().to_string(), malformed: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_a_sign_and_a_limit() {
        assert_eq!(amount("500").unwrap(), 500);
        assert_eq!(amount("-2147483647").unwrap(), -i32::MAX);
        for wrong in ["", "0", "-0", "--1", "+1", "1.5", "1e3", "2147483648", "-2147483648", "٣"] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
    }
}
