//! Readers of backups.

use std::io::{Cursor, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use bytes::Buf as _;
use parquet::file::metadata::ParquetMetaDataReader;

use crate::backup::backend::postgres::codec::{self, Decoder};
use crate::backup::error::BackupError;
use crate::backup::format::archive::Archive;
use crate::backup::format::batch::{Block, BlockBuilder, Cell};
use crate::backup::format::crypt::{self, Identities, Summary};
use crate::backup::format::limits;
use crate::backup::format::manifest::{Contents, Manifest, Subject};
use crate::backup::format::table_reader::MemberReader;
use crate::backup::format::table_schema::{ColumnShape, Kind, TableShape};
use crate::backup::format::table_writer::MemberWriter;
use crate::backup::script::{Line, Lines};
use crate::backup::source::Source;
use crate::backup::{detect, pg_dump};
use crate::db::Engine;

/// An archive, or the manifest of one.
pub(super) fn archive(data: &[u8]) {
    if let Ok(manifest) = Manifest::from_bytes(data) {
        let again = Manifest::from_bytes(&manifest.to_bytes());
        assert_eq!(again.ok().as_ref(), Some(&manifest), "a manifest is written as it was read");
    }
    let mut file = Cursor::new(data.to_vec());
    assert!(detect::of(&mut file).is_ok_and(|_| true) || file.position() == 0, "it is left at its beginning");
    let head = Archive::manifest_of(file.clone());
    let Ok(archive) = Archive::open(file, &Identities::default()) else { return };
    assert_eq!(head.as_ref(), Some(archive.manifest()), "one manifest, however it is read");
    assert_eq!(archive.size(), data.len() as u64);
    let problems = archive.problems(|_| {});
    if problems.is_empty() {
        assert!(archive.check_members(|_| {}).is_ok());
    }
}

/// A shape with a column of each kind, of which the bits of `which` leave some out.
fn shape(which: u8) -> TableShape {
    const KINDS: [Kind; 7] =
        [Kind::Boolean, Kind::Integer, Kind::Bigint, Kind::Timestamp, Kind::Uuid, Kind::Text, Kind::Bytes];
    let kept = KINDS.iter().enumerate().filter(|(index, _)| which >> index & 1 == 0);
    let column = |(index, kind): (usize, &Kind)| ColumnShape {
        name: format!("c{index}"),
        declared: "some type".into(),
        stored: *kind,
        native: None,
        nullable: which & 0x80 == 0,
    };
    TableShape { name: "t".into(), columns: kept.map(column).collect() }
}

/// A Parquet file of a table whose shape the first byte chooses, with as many rows as it says itself.
pub(super) fn table(data: &[u8]) {
    let Some((&which, file)) = data.split_first() else { return };
    let shape = shape(which);
    let rows = catch_unwind(AssertUnwindSafe(|| {
        let tail = file.len().checked_sub(8)?;
        let footer = (&file[tail..tail + 4]).get_u32_le() as usize;
        let metadata = ParquetMetaDataReader::decode_metadata(&file[tail.checked_sub(footer)?..tail]).ok()?;
        u64::try_from(metadata.file_metadata().num_rows()).ok()
    }));
    let Ok(Some(rows)) = rows else { return };
    let Ok(source) = Source::new(Box::new(Cursor::new(file.to_vec()))) else { return };
    let Ok(mut reader) = MemberReader::open(Arc::new(source), 0, file.len() as u64, &shape, rows) else { return };
    let mut seen = 0;
    loop {
        match reader.next_block() {
            Ok(Some(block)) => {
                seen += block.rows as u64;
                assert!(seen <= rows, "no more rows than were promised");
                walk(&block);
            }
            Ok(None) => break,
            Err(_) => return,
        }
    }
    assert_eq!(seen, rows, "all rows that were promised");
}

/// Looks at every cell.
fn walk(block: &Block) {
    let mut cursor = block.cursor();
    while !cursor.done() {
        for column in 0..block.columns.len() {
            if let Cell::Text(text) = cursor.cell(column) {
                std::hint::black_box(text.len());
            }
        }
        cursor.advance();
    }
}

/// The headers of Parquet pages.
pub(super) fn page_headers(data: &[u8]) {
    if let Err(reason) = limits::check(data) {
        assert!(reason.len() < 200, "a reason is one clause");
    }
}

static KEYS: LazyLock<Option<Identities>> = LazyLock::new(|| Identities::ephemeral().ok().map(|(_, keys)| keys));

/// An encrypted file.
pub(super) fn age_header(data: &[u8]) {
    let file = || Cursor::new(data.to_vec());
    if let Ok(Some(summary)) = crypt::summary(file()) {
        let _ = summary.check_length(&mut file());
    }
    if let Some(keys) = &*KEYS {
        assert!(keys.decrypt(file()).is_err(), "no file is encrypted to a key of this process");
    }
    assert!(matches!(Identities::default().decrypt(file()), Err(BackupError::Encrypted | BackupError::Damaged { .. })));
}

/// A dump as a script, and what `pg_restore` lists.
pub(super) fn dump(data: &[u8]) {
    let toc = pg_dump::listed(&String::from_utf8_lossy(data));
    assert!(toc.made.len() + toc.filled.len() <= data.len());
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let (mut read, mut rows) = (Vec::new(), false);
        let mut lines = Lines::new(data);
        while let Ok(Some(line)) = lines.next().await {
            let (bytes, of_rows) = match line {
                Line::Sql(bytes) | Line::Within(bytes) => (bytes, false),
                // Rows follow, unless the text ends.
                Line::Copy(bytes) => (bytes, true),
                Line::Command { command, alone: true } => (command, false),
                // The whole dump is refused.
                Line::Command { .. } => return,
                Line::Row(bytes) => {
                    assert!(rows, "rows are only behind a COPY");
                    (bytes, !matches!(bytes, b"\\.\n" | b"\\.\r\n" | b"\\."))
                }
            };
            assert!(!bytes.is_empty() || read.is_empty(), "a line has at least its end");
            rows = of_rows;
            read.extend_from_slice(bytes);
        }
        let text = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
        assert!(read == text, "no byte of a script is lost");
    });
}

/// A stream of COPY, cut where its first two bytes say, of a table whose shape the third chooses.
pub(super) fn copy(data: &[u8]) {
    let Some((&[first, second, which], stream)) = data.split_first_chunk::<3>() else { return };
    let shape = shape(which);
    if shape.columns.is_empty() {
        return;
    }
    let decode = |pieces: &[&[u8]]| {
        let mut decoder = Decoder::new(&shape);
        let mut blocks = Vec::new();
        for piece in pieces {
            blocks.extend(decoder.feed(piece)?);
        }
        blocks.push(decoder.finish()?);
        Ok::<_, BackupError>(blocks)
    };
    let cut = usize::from(u16::from_be_bytes([first, second])).min(stream.len());
    let (whole, pieces) = (decode(&[stream]), decode(&[&stream[..cut], &stream[cut..]]));
    assert_eq!(whole.as_ref().ok(), pieces.as_ref().ok(), "wherever a stream is cut, its rows are the same");
    let Ok(blocks) = whole else { return };
    let columns: Vec<(usize, Kind)> =
        shape.columns.iter().enumerate().map(|(index, column)| (index, column.stored)).collect();
    if columns.iter().any(|(_, kind)| *kind == Kind::Bytes) {
        return;
    }
    let mut out = codec::header();
    for block in &blocks {
        if codec::encode(block, &shape, &columns, 1, &mut out).is_err() {
            // A text that PostgreSQL does not hold.
            return;
        }
    }
    out.extend_from_slice(&codec::TRAILER);
    assert_eq!(decode(&[&out]).ok(), Some(blocks), "rows are written as they were read");
}

/// Inputs to begin with that no hand can write: each with the name of its target.
///
/// # Errors
/// None in practice.
pub(super) fn seeds() -> Result<super::Seeds, Box<dyn std::error::Error>> {
    let mut seeds = Vec::new();
    for which in [0, 0x80, 0x5f, 0x3f, 0x7d] {
        let shape = shape(which);
        let mut rows = BlockBuilder::new(&shape);
        for row in 0..20_u8 {
            for (index, column) in shape.columns.iter().enumerate() {
                let cell = match column.stored {
                    Kind::Boolean => Cell::Boolean(row % 2 == 0),
                    Kind::Integer => Cell::Integer(i32::from(row) - 5),
                    Kind::Bigint | Kind::Timestamp => Cell::Bigint(i64::from(row) << 40),
                    Kind::Uuid => Cell::Uuid(&[7; 16]),
                    Kind::Text | Kind::Bytes => Cell::Text(b"pilot"),
                };
                let null = column.nullable && row % 3 == 0;
                let _ = if null { rows.null(index) } else { rows.cell(index, cell) };
            }
            let _ = rows.end_row();
        }
        let block = rows.take();
        let columns: Vec<(usize, Kind)> =
            shape.columns.iter().enumerate().map(|(index, column)| (index, column.stored)).collect();
        if columns.iter().all(|(_, kind)| *kind != Kind::Bytes) {
            let mut stream = [&[0, 40, which], codec::header().as_slice()].concat();
            codec::encode(&block, &shape, &columns, 1, &mut stream)?;
            stream.extend_from_slice(&codec::TRAILER);
            seeds.push(("copy", stream));
        }
        let mut writer = MemberWriter::new(vec![which], &shape)?;
        writer.write(block)?;
        let (file, _) = writer.finish()?;
        // The pages are before the footer, behind the mark of the format.
        seeds.push(("page_headers", file[5..file.len().min(200)].to_vec()));
        seeds.push(("table", file));
    }
    let (recipients, _) = Identities::ephemeral()?;
    let subject = Subject {
        identity: None,
        database: "d".into(),
        engine: Engine::Postgres,
        contents: Contents::All,
        tables: Vec::new(),
    };
    let created_at = chrono::DateTime::UNIX_EPOCH;
    let summary = Summary { created_at, subject, schema_version: None, rows: 1, size: 4 };
    let mut sealed = recipients.encrypt(Vec::new(), &summary)?;
    sealed.write_all(b"test")?;
    let buffer = sealed.finish()?;
    seeds.push(("age_header", buffer.into_inner().map_err(|error| error.into_error())?));
    Ok(seeds)
}
