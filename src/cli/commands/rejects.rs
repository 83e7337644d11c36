//! Rows that a bulk command cannot take: why it took nothing, or with `--keep-going` the file that they are written to.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::commands::records::{ABOUT, Columns, RAW, Record};
use crate::cli::context::Context;
use crate::cli::ui::text::count;
use crate::csv_record::{csv_record, defused};
use crate::error::file::exists;
use crate::error::indeterminate::{NOT_REPLICATED, OUTCOME_UNKNOWN};
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::message;

/// How many rows at fault an answer shows.
const SHOWN: usize = 5;

/// What to do with rows that cannot be taken.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct RejectArgs {
    /// Take the rows that can be taken, and write the others to a file (exit 10)
    #[arg(long)]
    pub keep_going: bool,
    /// Where the others go, a new file; FILE.rejects.csv unless given
    #[arg(long, value_name = "FILE", requires = "keep_going")]
    pub rejects: Option<PathBuf>,
}

/// One row that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reject {
    /// Its place among the records.
    pub place: usize,
    /// Why.
    pub why: String,
    /// Whether its own values are at fault, and not what is stored beside them.
    pub malformed: bool,
}

/// Why an import that takes all or nothing took nothing: exit 2 where every row at fault is malformed, else 5.
#[must_use]
pub(crate) fn refused(records: &[Record], rejects: &[Reject]) -> Error {
    let malformed = rejects.iter().all(|reject| reject.malformed);
    let (kind, code) = if malformed { (Kind::Usage, "invalid_rows") } else { (Kind::Refused, "refused_rows") };
    let rows = count(rejects.len() as u64, "row");
    let what = message!("{} of {} cannot be taken, so none was", &rows, records.len());
    let error = rejects.iter().take(SHOWN).fold(Error::new(kind, code, what), |error, reject| {
        error.why(message!("line {}: {}", records[reject.place].line.to_string(), &reject.why))
    });
    let more = rejects.len().saturating_sub(SHOWN);
    let error = if more > 0 { error.why(message!("and {} more", more)) } else { error };
    error.fix("mend those rows, or take the others with --keep-going")
}

/// The file that rejects will get, open before anything is changed.
#[derive(Debug)]
pub(crate) struct Place {
    /// `None` under `--dry-run` and without `--keep-going`.
    file: Option<NamedTempFile>,
    path: PathBuf,
    /// Whether it gets another name where there is a file already.
    numbered: bool,
}

impl RejectArgs {
    /// Opens the file for the rejects of `source` beside the name that it will get, before anything is changed: what was
    /// taken must not be lasting while the rest has nowhere to go.
    ///
    /// # Errors
    /// [`Kind::Refused`]: `--rejects` names what is there already, be it the input itself. Otherwise the file system's.
    pub(crate) fn place(&self, cx: &Context, source: &str) -> Result<Place> {
        let path = match &self.rejects {
            Some(path) => cx.path(path),
            None if source == "-" => cx.path("rejects.csv"),
            None => cx.path(format!("{source}.rejects.csv")),
        };
        if self.rejects.is_some() && std::fs::symlink_metadata(&path).is_ok() {
            return Err(exists(&path, Some("it may hold rows that are nowhere else, and --rejects names a new file")));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let wanted = self.keep_going && !cx.answers.dry_run;
        let file = wanted.then(|| NamedTempFile::new_in(folder)).transpose().map_err(|error| {
            let what = message!("the rejects file {} cannot be written", path.display());
            Error::new(Kind::Failure, "io", what)
                .why(error.to_string())
                .why("nothing was changed; --rejects FILE names another place")
                .source(error)
        })?;
        Ok(Place { file, path, numbered: self.rejects.is_none() })
    }
}

/// After what could be taken was taken: writes the rejects file, names it, and returns 10; or 0 where there is none.
///
/// Where the file cannot be written after all, the rejects are said on stderr: they are lost in no case.
///
/// # Errors
/// None but a defect of ours.
pub(crate) fn outcome(
    cx: &Context,
    place: Place,
    columns: Columns,
    records: &[Record],
    rejects: &[Reject],
) -> Result<Outcome> {
    if rejects.is_empty() {
        return Ok(Outcome::Done);
    }
    let rows = count(rejects.len() as u64, "row");
    let Some(file) = place.file else {
        for reject in rejects.iter().take(SHOWN) {
            cx.ui.warn(message!("line {}: {}", records[reject.place].line.to_string(), &reject.why));
        }
        cx.ui.warn(message!("{} would be rejected.", &rows));
        return Ok(Outcome::Partial);
    };
    let text = csv(columns, records, rejects);
    match keep(file, &text, &place.path, place.numbered) {
        Ok(path) => cx.ui.warn(message!("{} rejected: {}", &rows, path.display())),
        Err(error) => {
            cx.ui.warn(message!(
                "{} rejected, and {} cannot be written: {}",
                &rows,
                place.path.display(),
                error.to_string()
            ));
            cx.ui.complain(&String::from_utf8_lossy(&text));
        }
    }
    Ok(Outcome::Partial)
}

/// As [`outcome`], after a commit: the rejects are kept too where the commit came out as made on one server alone, or with
/// no answer.
///
/// # Errors
/// Those of `committed`.
pub(crate) fn after(
    cx: &Context,
    committed: Result<()>,
    place: Place,
    columns: Columns,
    records: &[Record],
    rejects: &[Reject],
) -> Result<Outcome> {
    match committed {
        Ok(()) => outcome(cx, place, columns, records, rejects),
        Err(error) if matches!(error.code(), NOT_REPLICATED | OUTCOME_UNKNOWN) => {
            outcome(cx, place, columns, records, rejects)?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// Writes the file and gives it its name, or the first free one after it. Returns which.
fn keep(mut file: NamedTempFile, text: &[u8], path: &Path, numbered: bool) -> io::Result<PathBuf> {
    file.write_all(text)?;
    file.as_file().sync_all()?;
    let mut name = path.to_owned();
    for number in 2u32.. {
        match file.persist_noclobber(&name) {
            Ok(_) => break,
            Err(error) if numbered && error.error.kind() == io::ErrorKind::AlreadyExists => file = error.file,
            Err(error) => return Err(error.error),
        }
        name = path.with_extension(format!("{number}.csv"));
    }
    Ok(name)
}

/// CSV with the columns that are read, the line and the reason of each row, and the row as it stood where it could not be
/// separated: corrected, it can be imported again. A person corrects it, in a spreadsheet too, so no cell is a formula there;
/// an import takes the mark away again.
fn csv(columns: Columns, records: &[Record], rejects: &[Reject]) -> Vec<u8> {
    let mut csv = Vec::new();
    let mut write = |record: &[&str]| csv_record(&mut csv, record.iter().map(|cell| defused((*cell).to_owned(), true)));
    let names: Vec<&str> = columns.known.iter().copied().chain(ABOUT).chain([RAW]).collect();
    write(&names);
    for reject in rejects {
        let record = &records[reject.place];
        let line = record.line.to_string();
        let cells = columns.known.iter().map(|column| record.text(column).unwrap_or_default());
        let about = [line.as_str(), &reject.why, record.raw.as_deref().unwrap_or_default()];
        write(&cells.chain(about).collect::<Vec<_>>());
    }
    csv
}
