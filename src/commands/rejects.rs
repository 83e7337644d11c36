//! Rows that a bulk command cannot take: why it took nothing, or with `--keep-going` the file they are handed back in.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::commands::records::{Columns, Record};
use crate::context::Context;
use crate::error::{Error, Kind, Outcome, Result};
use crate::ui::text::count;

/// How many rows at fault an answer shows.
const SHOWN: usize = 5;

/// What to do with rows that cannot be taken.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct RejectArgs {
    /// Take the rows that can be taken, and write the others to a file (exit 10)
    #[arg(long)]
    pub keep_going: bool,
    /// Where the others go; FILE.rejects.csv unless given
    #[arg(long, value_name = "FILE", requires = "keep_going")]
    pub rejects: Option<PathBuf>,
}

/// One row that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Its place among the records.
    pub place: usize,
    /// Why.
    pub why: String,
    /// Whether its own values are at fault, and not what is stored beside them.
    pub malformed: bool,
}

/// Why an import that takes all or nothing took nothing: exit 2 where every row at fault is malformed, else 5.
#[must_use]
pub fn refused(records: &[Record], rejects: &[Reject]) -> Error {
    let malformed = rejects.iter().all(|reject| reject.malformed);
    let (kind, code) = if malformed { (Kind::Usage, "invalid_rows") } else { (Kind::Refused, "refused_rows") };
    let rows = count(rejects.len() as u64, "row");
    let what = format!("{rows} of {} cannot be taken, so none was", records.len());
    let error = rejects.iter().take(SHOWN).fold(Error::new(kind, code, what), |error, reject| {
        error.why(format!("line {}: {}", records[reject.place].line, reject.why))
    });
    let more = rejects.len().saturating_sub(SHOWN);
    let error = if more > 0 { error.why(format!("and {more} more")) } else { error };
    error.fix("mend those rows, or take the others with --keep-going")
}

/// After what could be taken was taken: writes the rejects file, names it, and answers 10; or 0 where there is none.
///
/// # Errors
/// The file cannot be written.
pub fn outcome(
    cx: &Context,
    args: &RejectArgs,
    source: &str,
    columns: Columns,
    records: &[Record],
    rejects: &[Reject],
) -> Result<Outcome> {
    if rejects.is_empty() {
        return Ok(Outcome::Done);
    }
    let rows = count(rejects.len() as u64, "row");
    if cx.answers.dry_run {
        for reject in rejects.iter().take(SHOWN) {
            cx.ui.warn(format!("line {}: {}", records[reject.place].line, reject.why));
        }
        cx.ui.warn(format!("{rows} would be rejected."));
        return Ok(Outcome::Partial);
    }
    let path = match &args.rejects {
        Some(path) => cx.cwd.join(path),
        None if source == "-" => cx.cwd.join("rejects.csv"),
        None => cx.cwd.join(format!("{source}.rejects.csv")),
    };
    write(&path, columns, records, rejects).map_err(|error| {
        let what = format!("the rejects file {} cannot be written", path.display());
        Error::new(Kind::Failure, "io", what).why("the other rows were taken").why(error.to_string()).source(error)
    })?;
    cx.ui.warn(format!("{rows} rejected: {}", path.display()));
    Ok(Outcome::Partial)
}

/// CSV with the columns that are read, and the line and the reason of each row: mended, it can be handed in again.
fn write(path: &Path, columns: Columns, records: &[Record], rejects: &[Reject]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut csv = csv::Writer::from_writer(&mut file);
    csv.write_record(columns.known.iter().copied().chain(["line", "error"]))?;
    for reject in rejects {
        let record = &records[reject.place];
        let line = record.line.to_string();
        let cells = columns.known.iter().map(|column| record.get(column).unwrap_or_default());
        csv.write_record(cells.chain([line.as_str(), &reject.why]))?;
    }
    csv.flush()?;
    drop(csv);
    file.flush()
}
