//! Whole archives: putting the spooled tables together, and opening one to read its tables.

use std::collections::BTreeMap;
use std::io::{Read, SeekFrom, Write};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::batch::Block;
use super::container;
use super::container::Place;
use super::crypt::{self, Identities, Recipients, Summary};
use super::definitions::Definitions;
use super::manifest::{Manifest, TableEntry};
use super::row_hash::Tally;
use super::table_reader::MemberReader;
use super::table_schema::TableShape;
use super::table_writer::MemberWriter;
use crate::backup::error::{BackupError, Result};
use crate::backup::source::{ReadSeek, Source};
use crate::backup::spool::{Spool, SpoolWriter, Spools};

/// Changes the cells of a block before they are stored.
pub(crate) type Rewrite = Arc<dyn Fn(&TableShape, &mut Block) + Send + Sync>;
/// Called with how many rows or bytes were done since it was last called.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// Blocks of rows that may wait for the thread that encodes them, beside the one that it encodes.
const WAITING: usize = 1;

/// A table on its way into a spool.
pub(crate) struct TableEncoder {
    shape: TableShape,
    writer: MemberWriter<SpoolWriter>,
    rewrite: Option<Rewrite>,
    progress: Progress,
}

impl TableEncoder {
    /// Begins a table.
    ///
    /// # Errors
    /// The I/O error of the file system.
    pub(crate) fn new(
        shape: &TableShape,
        spools: &Spools,
        rewrite: Option<Rewrite>,
        progress: Progress,
    ) -> Result<Self> {
        let spool = spools.create().map_err(writing)?;
        let writer = MemberWriter::new(spool, shape).map_err(writing)?;
        Ok(Self { shape: shape.clone(), writer, rewrite, progress })
    }

    /// Whether cells are changed on their way.
    pub(crate) fn is_rewriting(&self) -> bool {
        self.rewrite.is_some()
    }

    /// Writes rows.
    ///
    /// # Errors
    /// The I/O error of the file system.
    pub(crate) fn write(&mut self, mut block: Block) -> Result<()> {
        if let Some(rewrite) = &self.rewrite {
            rewrite(&self.shape, &mut block);
        }
        let rows = block.rows as u64;
        self.writer.write(block).map_err(encoding)?;
        (self.progress)(rows);
        Ok(())
    }

    /// Ends the table.
    ///
    /// # Errors
    /// The I/O error of the file system.
    pub(crate) fn finish(self) -> Result<Table> {
        let (spool, rows) = self.writer.finish().map_err(encoding)?;
        let spool = spool.finish().map_err(writing)?;
        let mut entry = TableEntry {
            name: self.shape.name,
            columns: self.shape.columns,
            rows,
            sequences: BTreeMap::new(),
            others: Definitions::default(),
            member: None,
            digest: None,
        };
        entry.member = Some(spool.member(entry.file()));
        Ok(Table { entry, spool })
    }

    /// Encodes and compresses on a thread of its own what is sent there, until nothing can be sent any more. A thread
    /// that takes nothing more has failed, and returns why.
    pub(crate) fn on_a_thread(mut self) -> (mpsc::Sender<Block>, JoinHandle<Result<Table>>) {
        let (blocks, mut sent) = mpsc::channel(WAITING);
        let thread = tokio::task::spawn_blocking(move || {
            while let Some(block) = sent.blocking_recv() {
                self.write(block)?;
            }
            self.finish()
        });
        (blocks, thread)
    }
}

/// A finished table.
pub(crate) struct Table {
    /// What the manifest says of it.
    pub entry: TableEntry,
    /// Its Parquet file.
    pub spool: Spool,
}

/// Parquet's errors while writing are those of the file below it.
fn encoding(error: parquet::errors::ParquetError) -> BackupError {
    match error {
        parquet::errors::ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => writing(*source),
            Err(source) => writing(std::io::Error::other(source)),
        },
        other => writing(std::io::Error::other(other)),
    }
}

fn writing(source: std::io::Error) -> BackupError {
    BackupError::io("writing the backup")(source)
}

/// Writes a whole archive, encrypted where there are recipients. `manifest.tables` must be the entries of `spools`.
///
/// # Errors
/// The I/O error of the file system.
pub(crate) fn write(out: impl Write, manifest: &Manifest, spools: Vec<Spool>, recipients: &Recipients) -> Result<()> {
    let members = spools.into_iter().map(Spool::into_reader);
    if recipients.is_empty() {
        let mut out = out;
        return container::write(&mut out, manifest, members).and_then(|()| out.flush()).map_err(writing);
    }
    let mut sealed = recipients.encrypt(out, &Summary::from(manifest))?;
    container::write(&mut sealed, manifest, members).map_err(writing)?;
    sealed.finish().and_then(|mut out| out.flush()).map_err(writing)
}

/// An archive that was opened: its frame and manifest are checked, its members not yet.
pub struct Archive {
    source: Arc<Source>,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    places: Vec<Option<Place>>,
    encrypted: bool,
}

impl Archive {
    /// Opens an archive, encrypted or not.
    ///
    /// # Errors
    /// Those of [`container::read`] and [`Identities::decrypt`].
    pub fn open(mut file: impl ReadSeek + 'static, identities: &Identities) -> Result<Self> {
        let mut magic = Vec::new();
        let reading = || BackupError::io("reading the backup");
        file.seek(SeekFrom::Start(0)).map_err(reading())?;
        Read::by_ref(&mut file).take(crypt::MAGIC.len() as u64).read_to_end(&mut magic).map_err(reading())?;
        let encrypted = magic == crypt::MAGIC;
        let inner: Box<dyn ReadSeek> = if encrypted { Box::new(identities.decrypt(file)?) } else { Box::new(file) };
        let source = Source::new(inner).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => BackupError::archive(format!("it cannot be decrypted ({error})")),
            _ => reading()(error),
        })?;
        let (manifest, places) = container::read(&source)?;
        let manifest_bytes = container::manifest_bytes(&source)?;
        Ok(Self { source: Arc::new(source), manifest, manifest_bytes, places, encrypted })
    }

    /// What an archive says of itself that cannot be opened, where at least that is whole: then it is skyteam's.
    pub(crate) fn manifest_of(file: impl ReadSeek + 'static) -> Option<Manifest> {
        container::read_head(&Source::new(Box::new(file)).ok()?).ok()
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes of its manifest as they are, which is what signatures are of.
    pub(crate) fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// Whether it was encrypted.
    pub(crate) fn encrypted(&self) -> bool {
        self.encrypted
    }

    /// Reads every member and compares its checksum; `progress` is called with the bytes read.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] for the first that differs.
    pub fn check_members(&self, mut progress: impl FnMut(u64)) -> Result<()> {
        for (table, place) in self.manifest.tables.iter().zip(&self.places) {
            if let (Some(member), Some(place)) = (&table.member, place) {
                container::check_member(&self.source, &member.file, *place, &member.sha256, &mut progress)?;
            }
        }
        Ok(())
    }

    /// All problems that reading every member whole finds: checksum, structure, rows. Empty when it is sound.
    pub fn problems(&self, mut progress: impl FnMut(u64)) -> Vec<BackupError> {
        let mut problems = Vec::new();
        for (table, place) in self.manifest.tables.iter().zip(&self.places) {
            if let (Some(member), Some(place)) = (&table.member, place) {
                let checked =
                    container::check_member(&self.source, &member.file, *place, &member.sha256, &mut progress);
                if let Err(problem) = checked.and_then(|()| self.read_through(table)) {
                    problems.push(problem);
                }
            }
        }
        problems
    }

    fn read_through(&self, table: &TableEntry) -> Result<()> {
        let Some(mut reader) = self.reader(&table.name)? else { return Ok(()) };
        let mut tally = Tally::of(table);
        while let Some(block) = reader.next_block().map_err(BackupError::member(table.file()))? {
            tally.iter_mut().for_each(|tally| tally.add(&block));
        }
        Tally::compare(tally, table)
    }

    /// Bytes of all members.
    pub(crate) fn size(&self) -> u64 {
        self.source.len()
    }

    /// A reader of a table's rows; `None` where the archive has none of it.
    ///
    /// # Errors
    /// [`BackupError::Damaged`].
    pub(crate) fn reader(&self, table: &str) -> Result<Option<MemberReader>> {
        let found = self.manifest.tables.iter().zip(&self.places).find(|(entry, _)| entry.name == table);
        let Some((entry, Some(place))) = found else { return Ok(None) };
        let reader = MemberReader::open(Arc::clone(&self.source), place.offset, place.len, &entry.shape(), entry.rows);
        reader.map(Some).map_err(BackupError::member(entry.file()))
    }
}
