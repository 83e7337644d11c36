//! Archives without a database: what is written is read, and nothing else is.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;

use super::archive::{self, Archive, TableEncoder};
use super::batch::{Block, BlockBuilder, Cell};
use super::container;
use super::crypt::{Identities, Recipients};
use super::manifest::{AppliedMigration, Contents, FORMAT, FORMAT_VERSION, Manifest};
use super::table_schema::{ColumnShape, Kind, TableShape};
use crate::backup::error::BackupError;
use crate::backup::spool::Spools;

const KINDS: [Kind; 7] =
    [Kind::Boolean, Kind::Integer, Kind::Bigint, Kind::Timestamp, Kind::Uuid, Kind::Text, Kind::Bytes];

fn shape(name: &str) -> TableShape {
    let column = |kind: &Kind, nullable| ColumnShape {
        name: format!("{kind:?}{}", if nullable { "Null" } else { "" }),
        declared: "some type".into(),
        stored: *kind,
        native: None,
        nullable,
    };
    let columns = KINDS.iter().flat_map(|kind| [column(kind, false), column(kind, true)]).collect();
    TableShape { name: name.into(), columns }
}

/// Row `n` of the test table: every kind, NULL in every third.
fn fill(rows: &mut BlockBuilder, n: u64) -> Option<Block> {
    let key = (u128::from(n) * 0x9E37_79B9_7F4A_7C15_F39C_C060).to_be_bytes();
    let text = format!("row {} 'quoted' \\N \"double\" 🛫{}", n % 50, "x".repeat((n % 7) as usize));
    for (index, kind) in KINDS.iter().enumerate() {
        let cell = match kind {
            Kind::Boolean => Cell::Boolean(n.is_multiple_of(2)),
            Kind::Integer => Cell::Integer(n as i32 - 500),
            Kind::Bigint => Cell::Bigint(i64::MIN + n as i64),
            Kind::Timestamp => Cell::Bigint(if n.is_multiple_of(5) { i64::MAX } else { n as i64 * 1_000_003 }),
            Kind::Uuid => Cell::Uuid(&key),
            Kind::Text => Cell::Text(if n == 3 { b"" } else { text.as_bytes() }),
            Kind::Bytes => Cell::Text(b"\xff\x00\xfe"),
        };
        assert!(rows.cell(index * 2, cell));
        let nullable = index * 2 + 1;
        assert!(if n.is_multiple_of(3) { rows.null(nullable) } else { rows.cell(nullable, cell) });
    }
    rows.end_row().then(|| rows.take())
}

fn manifest(tables: Vec<super::manifest::TableEntry>) -> Manifest {
    Manifest {
        identity: None,
        format: FORMAT.into(),
        format_version: FORMAT_VERSION,
        skyteam: "0.1.0".into(),
        created_at: "2026-11-23T01:02:03Z".parse().unwrap(),
        database: "skyteam".into(),
        engine: crate::db::Engine::Postgres,
        server_version: "15.18".into(),
        schema_version: Some("20261123000001".into()),
        missing: Vec::new(),
        pending: Vec::new(),
        changed: Vec::new(),
        left_out: Vec::new(),
        contents: Contents::All,
        complete: true,
        signature: None,
        reading: Vec::new(),
        migrations: vec![AppliedMigration {
            version: "20240101000000".into(),
            name: "baseline".into(),
            checksum: "00".into(),
            applied_at: "2026-11-23 01:00:00".into(),
            took_ms: 5,
            via: "push".into(),
        }],
        tables,
    }
}

fn build(rows: &[u64], recipients: &Recipients) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let spools = Spools::new(folder.path(), !recipients.is_empty());
    let mut entries = Vec::new();
    let mut full = Vec::new();
    for (index, &rows) in rows.iter().enumerate() {
        let shape = shape(&format!("table{index}"));
        let mut encoder = TableEncoder::new(&shape, &spools, None, Arc::new(|_| {})).unwrap();
        let mut builder = BlockBuilder::new(&shape);
        (0..rows).filter_map(|n| fill(&mut builder, n)).for_each(|block| encoder.write(block).unwrap());
        encoder.write(builder.take()).unwrap();
        let table = encoder.finish().unwrap();
        assert_eq!(table.entry.rows, rows);
        entries.push(table.entry);
        full.push(table.spool);
    }
    let mut out = Vec::new();
    archive::write(&mut out, &manifest(entries), full, recipients).unwrap();
    out
}

fn open(bytes: &[u8], identities: &Identities) -> Result<Archive, BackupError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Archive::open(file, identities)
}

fn blocks(archive: &Archive, table: &str) -> Vec<Block> {
    let mut reader = archive.reader(table).unwrap().unwrap();
    std::iter::from_fn(|| reader.next_block().unwrap()).collect()
}

/// Opens, checks and reads everything; the first complaint.
fn complaint(bytes: &[u8], identities: &Identities) -> Option<BackupError> {
    match open(bytes, identities) {
        Err(error) => Some(error),
        Ok(archive) => archive.problems(|_| {}).into_iter().next(),
    }
}

#[test]
fn what_is_written_is_read() {
    let bytes = build(&[0, 10_000], &Recipients::default());
    let archive = open(&bytes, &Identities::default()).unwrap();
    assert_eq!(archive.manifest().rows(), 10_000);
    assert!(archive.problems(|_| {}).is_empty());
    assert!(blocks(&archive, "table0").is_empty());
    let mut row = 0_u64;
    for block in blocks(&archive, "table1") {
        let mut cursor = block.cursor();
        while !cursor.done() {
            let text = format!("row {} 'quoted' \\N \"double\" 🛫{}", row % 50, "x".repeat((row % 7) as usize));
            for index in 0..14 {
                let found = cursor.cell(index);
                if index % 2 == 1 && row.is_multiple_of(3) {
                    assert_eq!(found, Cell::Null);
                    continue;
                }
                match KINDS[index / 2] {
                    Kind::Boolean => assert_eq!(found, Cell::Boolean(row.is_multiple_of(2))),
                    Kind::Integer => assert_eq!(found, Cell::Integer(row as i32 - 500)),
                    Kind::Bigint => assert_eq!(found, Cell::Bigint(i64::MIN + row as i64)),
                    Kind::Timestamp if row.is_multiple_of(5) => assert_eq!(found, Cell::Bigint(i64::MAX)),
                    Kind::Timestamp => assert_eq!(found, Cell::Bigint(row as i64 * 1_000_003)),
                    Kind::Uuid => {
                        let key = (u128::from(row) * 0x9E37_79B9_7F4A_7C15_F39C_C060).to_be_bytes();
                        assert_eq!(found, Cell::Uuid(&key));
                    }
                    Kind::Text if row == 3 => assert_eq!(found, Cell::Text(b"")),
                    Kind::Text => assert_eq!(found, Cell::Text(text.as_bytes())),
                    Kind::Bytes => assert_eq!(found, Cell::Text(b"\xff\x00\xfe")),
                }
            }
            cursor.advance();
            row += 1;
        }
    }
    assert_eq!(row, 10_000);
}

/// Parquet's own types, in several row groups; and what was written before there were any.
#[test]
fn native_types_come_back() {
    use super::native::Native;
    use super::scalar::Scalar;
    let natives: [(Native, Kind, [&str; 3]); 18] = [
        (Native::Real, Kind::Text, ["0.1", "NaN", "-1e+20"]),
        (Native::Double, Kind::Text, ["0.1", "Infinity", "1e-300"]),
        (Native::Decimal(9, 2), Kind::Text, ["0.00", "-9999999.99", "0.05"]),
        (
            Native::Decimal(18, 18),
            Kind::Text,
            ["0.000000000000000000", "-0.999999999999999999", "0.000000000000000001"],
        ),
        (Native::Decimal(38, 0), Kind::Text, ["0", "-99999999999999999999999999999999999999", "7"]),
        (Native::Date, Kind::Text, ["2026-11-22", "infinity", "0044-03-15 BC"]),
        (Native::Time, Kind::Text, ["00:00:00", "24:00:00", "23:59:59.999999"]),
        (Native::Timestamptz, Kind::Text, ["2026-11-22 18:00:00+00", "-infinity", "0044-03-15 12:00:00+00 BC"]),
        (Native::Json, Kind::Text, ["{}", "[1, \"é\"]", "null"]),
        (Native::List(Scalar::Integer), Kind::Text, ["{}", "{1,-2,NULL}", "{NULL}"]),
        (Native::List(Scalar::Text), Kind::Text, ["{a,\"b \\\"c\\\"\",NULL,\"NULL\",\"\"}", "{é}", "{}"]),
        (Native::List(Scalar::Double), Kind::Text, ["{0.1,NaN}", "{-Infinity}", "{1e+300}"]),
        (Native::List(Scalar::Boolean), Kind::Text, ["{t,f,NULL}", "{f}", "{}"]),
        (Native::List(Scalar::Bigint), Kind::Text, ["{5000000000}", "{}", "{-1,0}"]),
        (Native::List(Scalar::Decimal(20, 2)), Kind::Text, ["{1.50,-0.01}", "{NULL,0.00}", "{}"]),
        (Native::List(Scalar::Uuid), Kind::Text, ["{6e1fcd70-4528-4d8b-a6d6-bbedb9210096}", "{}", "{NULL}"]),
        (Native::List(Scalar::Bytes), Kind::Text, ["{\"\\\\xc0ff\"}", "{}", "{\"\\\\x\"}"]),
        (
            Native::List(Scalar::Timestamp),
            Kind::Text,
            ["{\"2026-11-22 18:00:00.5\",infinity}", "{}", "{\"0044-03-15 12:00:00 BC\"}"],
        ),
    ];
    let column = |index: usize, nullable| ColumnShape {
        name: format!("{index} {nullable}"),
        declared: "some type".into(),
        stored: natives[index].1,
        native: Some(natives[index].0),
        nullable,
    };
    let columns = (0..natives.len()).flat_map(|index| [column(index, false), column(index, true)]).collect();
    let shape = TableShape { name: "natives".into(), columns };
    let folder = tempfile::tempdir().unwrap();
    let spools = Spools::new(folder.path(), false);
    let mut encoder = TableEncoder::new(&shape, &spools, None, Arc::new(|_| {})).unwrap();
    let mut builder = BlockBuilder::new(&shape);
    for row in 0..9_000 {
        for (index, (_, _, texts)) in natives.iter().enumerate() {
            assert!(builder.cell(index * 2, Cell::Text(texts[row % 3].as_bytes())));
            let null = (row + index).is_multiple_of(4);
            assert!(match null {
                true => builder.null(index * 2 + 1),
                false => builder.cell(index * 2 + 1, Cell::Text(texts[row % 3].as_bytes())),
            });
        }
        builder.end_row();
        if row.is_multiple_of(4_000) {
            encoder.write(builder.take()).unwrap();
        }
    }
    encoder.write(builder.take()).unwrap();
    let table = encoder.finish().unwrap();
    let mut bytes = Vec::new();
    let mut manifest = manifest(vec![table.entry]);
    manifest.format_version = Manifest::version_for(&manifest.tables);
    assert_eq!(manifest.format_version, FORMAT_VERSION);
    let mut without_lists = manifest.tables.clone();
    without_lists[0].columns.retain(|column| column.native.and_then(Native::list).is_none());
    assert_eq!(Manifest::version_for(&without_lists), 2);
    archive::write(&mut bytes, &manifest, vec![table.spool], &Recipients::default()).unwrap();
    let archive = open(&bytes, &Identities::default()).unwrap();
    assert!(archive.problems(|_| {}).is_empty());
    let mut row = 0;
    for block in blocks(&archive, "natives") {
        let mut cursor = block.cursor();
        while !cursor.done() {
            for (index, (native, _, texts)) in natives.iter().enumerate() {
                let text = Cell::Text(texts[row % 3].as_bytes());
                assert_eq!(cursor.cell(index * 2), text, "{native:?} in row {row}");
                let nullable = if (row + index).is_multiple_of(4) { Cell::Null } else { text };
                assert_eq!(cursor.cell(index * 2 + 1), nullable, "{native:?} in row {row}");
            }
            cursor.advance();
            row += 1;
        }
    }
    assert_eq!(row, 9_000);
    // An archive of before names no such type, and older programs read what names none.
    let old = build(&[10], &Recipients::default());
    let archive = open(&old, &Identities::default()).unwrap();
    assert_eq!(Manifest::version_for(&archive.manifest().tables), 1);
    assert!(!String::from_utf8_lossy(&old).contains("native"));
}

/// Dictionaries of every width of their keys, and such as grow too large; pages that are full; NULL here, there and
/// everywhere.
#[test]
fn texts_and_keys_come_back_however_they_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let spools = Spools::new(folder.path(), false);
    let column = |name: &str, stored, nullable| ColumnShape {
        name: name.into(),
        declared: String::new(),
        stored,
        native: None,
        nullable,
    };
    let columns = vec![
        column("uuid", Kind::Uuid, false),
        column("text", Kind::Text, false),
        column("uuidNull", Kind::Uuid, true),
        column("textNull", Kind::Text, true),
    ];
    let shape = TableShape { name: "t".into(), columns };
    let nulls: [fn(usize) -> bool; 4] = [|_| false, |_| true, |row| !row.is_multiple_of(3), |row| row != 12_345];
    let padding = "x".repeat(1000);
    for different in [1, 2, 3, 4, 5, 8, 9, 255, 256, 257, 2000, usize::MAX] {
        for (is_null, long) in nulls.iter().flat_map(|is_null| [(is_null, false), (is_null, true)]) {
            // Behind the first rows, by which it is decided, long texts do not repeat any more.
            let number = |row: usize| if long && row > 10_000 { row } else { row % different };
            let uuid = |row: usize| (number(row) as u128 * 0x9E37_79B9_7F4A_7C15_F39C_C060).to_be_bytes();
            let text = |row: usize| format!("{}{}", number(row), if long { &padding } else { "" });
            let mut builder = BlockBuilder::new(&shape);
            let mut encoder = TableEncoder::new(&shape, &spools, None, Arc::new(|_| {})).unwrap();
            let rows = if long { 12_000 } else { 20_000 };
            for row in 0..rows {
                let (uuid, text) = (uuid(row), text(row));
                let cells = [Cell::Uuid(&uuid), Cell::Text(text.as_bytes())];
                for (index, cell) in cells.into_iter().enumerate() {
                    assert!(builder.cell(index, cell));
                    assert!(if is_null(row) { builder.null(index + 2) } else { builder.cell(index + 2, cell) });
                }
                if builder.end_row() {
                    encoder.write(builder.take()).unwrap();
                }
            }
            encoder.write(builder.take()).unwrap();
            let table = encoder.finish().unwrap();
            let mut bytes = Vec::new();
            archive::write(&mut bytes, &manifest(vec![table.entry]), vec![table.spool], &Recipients::default())
                .unwrap();
            let archive = open(&bytes, &Identities::default()).unwrap();
            let mut row = 0;
            for block in blocks(&archive, "t") {
                let mut cursor = block.cursor();
                while !cursor.done() {
                    let (uuid, text) = (uuid(row), text(row));
                    let cells = [Cell::Uuid(&uuid), Cell::Text(text.as_bytes())];
                    let maybe = |cell| if is_null(row) { Cell::Null } else { cell };
                    let wanted = [cells[0], cells[1], maybe(cells[0]), maybe(cells[1])];
                    assert_eq!([0, 1, 2, 3].map(|index| cursor.cell(index)), wanted, "row {row} of {different}");
                    cursor.advance();
                    row += 1;
                }
            }
            assert_eq!(row, rows);
        }
    }
}

#[test]
fn the_same_rows_make_the_same_bytes() {
    assert_eq!(build(&[500], &Recipients::default()), build(&[500], &Recipients::default()));
}

#[test]
fn any_flipped_bit_is_found() {
    let mut bytes = build(&[3, 40], &Recipients::default());
    assert!(complaint(&bytes, &Identities::default()).is_none());
    let mut state = 7_u64;
    for _ in 0..1000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bit = (state >> 20) as usize % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(complaint(&bytes, &Identities::default()).is_some(), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn any_truncation_and_any_addition_is_found() {
    let bytes = build(&[3, 40], &Recipients::default());
    for end in (0..bytes.len()).step_by(512).flat_map(|end| [end, end + 1, end + 511]) {
        assert!(complaint(&bytes[..end], &Identities::default()).is_some(), "cut at {end}");
    }
    for extra in [1, 512, 1024] {
        let longer = [bytes.clone(), vec![0; extra]].concat();
        assert!(complaint(&longer, &Identities::default()).is_some(), "{extra} more");
    }
}

fn key_pair(folder: &std::path::Path, name: &str) -> (Recipients, Identities) {
    use age::secrecy::ExposeSecret;
    let key = age::x25519::Identity::generate();
    let path = folder.join(name);
    let text = format!("# a comment\n{}\n", key.to_string().expose_secret());
    std::fs::write(&path, text).unwrap();
    (Recipients::parse([key.to_public().to_string().as_str()]).unwrap(), Identities::read(&path).unwrap())
}

#[test]
fn encrypted_for_its_recipients_only() {
    let folder = tempfile::tempdir().unwrap();
    let (recipients, identities) = key_pair(folder.path(), "ours");
    let (_, others) = key_pair(folder.path(), "theirs");
    let mut bytes = build(&[3, 10_000], &recipients);
    assert!(complaint(&bytes, &identities).is_none());
    let archive = open(&bytes, &identities).unwrap();
    assert!(archive.encrypted());
    assert_eq!(blocks(&archive, "table1").iter().map(|block| block.rows).sum::<usize>(), 10_000);
    // Back to the first table after the last: the reader seeks behind the final chunk.
    assert_eq!(blocks(&archive, "table0").len(), 1);
    assert!(matches!(open(&bytes, &Identities::default()), Err(BackupError::Encrypted)));
    assert!(matches!(open(&bytes, &others), Err(BackupError::WrongIdentity)));

    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let summary = super::crypt::summary(file.try_clone().unwrap()).unwrap().unwrap();
    summary.check_length(&mut file).unwrap();
    file.set_len(bytes.len() as u64 - 1).unwrap();
    assert!(summary.check_length(&mut file).is_err());
    assert_eq!((summary.rows, summary.subject.database.as_str()), (10_003, "skyteam"));

    for end in [0, 10, 100, 300, 512, bytes.len() / 2, bytes.len() - 1] {
        assert!(complaint(&bytes[..end], &identities).is_some(), "cut at {end}");
    }
    for step in 0..200 {
        let bit = bytes.len() * 8 / 200 * step + step % 8;
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(complaint(&bytes, &identities).is_some(), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

/// Puts an archive together from a manifest and bytes that need not agree, with all checksums right.
fn forge(mut manifest: Manifest, members: Vec<Vec<u8>>) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    for (table, bytes) in manifest.tables.iter_mut().zip(&members) {
        let file = table.file();
        let sha256 = super::hex::hex(&Sha256::digest(bytes));
        table.member = Some(super::manifest::Member { file, size: bytes.len() as u64, sha256 });
    }
    let mut out = Vec::new();
    container::write(&mut out, &manifest, members.iter().map(|bytes| Ok(bytes.as_slice()))).unwrap();
    out
}

fn honest() -> (Manifest, Vec<u8>) {
    let bytes = build(&[20], &Recipients::default());
    let archive = open(&bytes, &Identities::default()).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    let manifest = archive.manifest().clone();
    let size = manifest.tables[0].member.as_ref().unwrap().size as usize;
    let start = 512 + manifest.to_bytes().len().next_multiple_of(512) + 512;
    (manifest, bytes[start..start + size].to_vec())
}

#[test]
fn a_manifest_that_lies_is_caught() {
    let (manifest, member) = honest();
    let sound = forge(manifest.clone(), vec![member.clone()]);
    assert!(complaint(&sound, &Identities::default()).is_none());
    type Lie = fn(&mut Manifest);
    let lies: [(&str, Lie); 8] = [
        ("rows", |m| m.tables[0].rows += 1),
        ("a column less", |m| drop(m.tables[0].columns.pop())),
        ("another kind", |m| m.tables[0].columns[2].stored = Kind::Bigint),
        ("not nullable", |m| m.tables[0].columns[1].nullable = false),
        ("another name", |m| m.tables[0].columns[0].name = "x".into()),
        ("another table", |m| m.tables[0].name = "users; DROP TABLE users".into()),
        ("a double column", |m| m.tables[0].columns[1].name = m.tables[0].columns[0].name.clone()),
        ("a later format", |m| m.format_version += 1),
    ];
    for (what, lie) in lies {
        let mut lying = manifest.clone();
        lie(&mut lying);
        assert!(complaint(&forge(lying, vec![member.clone()]), &Identities::default()).is_some(), "{what}");
    }
    // The writer could not even frame these, so the manifest is asked alone.
    for name in ["../../etc/passwd", "/etc/passwd", "a/b", "", "a\0b", &"x".repeat(64)] {
        let mut lying = manifest.clone();
        lying.tables[0].name = name.into();
        lying.tables[0].member.as_mut().unwrap().file = format!("{name}.parquet");
        assert!(Manifest::from_bytes(&lying.to_bytes()).is_err(), "{name:?}");
    }
    // Numbers that no sum may meet, and lines of a record that no database could take.
    let mut lying = manifest.clone();
    lying.tables.push(lying.tables[0].clone());
    lying.tables[1].name = "table1".into();
    lying.tables.iter_mut().for_each(|table| table.rows = u64::MAX);
    lying.tables[1].member.as_mut().unwrap().file = "table1.parquet".into();
    assert!(Manifest::from_bytes(&lying.to_bytes()).is_err());
    let lines: [fn(&mut AppliedMigration); 5] = [
        |line| line.version = "1; DROP".into(),
        |line| line.name = "a\0b".into(),
        |line| line.checksum = "x".repeat(1000),
        |line| line.took_ms = i64::MIN,
        |line| line.via = "magic".into(),
    ];
    for lie in lines {
        let mut lying = manifest.clone();
        lie(&mut lying.migrations[0]);
        assert!(Manifest::from_bytes(&lying.to_bytes()).is_err(), "{:?}", lying.migrations);
    }
    for garbage in [vec![], b"PAR1".to_vec(), vec![0; 5000], [&member[..member.len() - 1], b"2"].concat()] {
        assert!(complaint(&forge(manifest.clone(), vec![garbage]), &Identities::default()).is_some());
    }
}

#[test]
fn damaged_members_under_right_checksums_never_panic() {
    let (manifest, member) = honest();
    for index in 0..member.len() {
        let mut forged = member.clone();
        forged[index] ^= 0x41;
        // With a checksum made to fit, some changes make other valid rows; what counts is an answer.
        let _ = complaint(&forge(manifest.clone(), vec![forged]), &Identities::default());
    }
}

#[test]
fn a_tar_with_other_members_is_refused() {
    let (manifest, member) = honest();
    let sound = forge(manifest.clone(), vec![member]);
    // The same tar with the member's name changed to a path, its header checksum right.
    let header_at = sound
        .chunks(512)
        .position(|record| record.starts_with(b"table0.parquet\0"))
        .map(|record| record * 512)
        .unwrap();
    let mut forged = sound.clone();
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes().copy_from_slice(&sound[header_at..header_at + 512]);
    header.as_mut_bytes()[..14].copy_from_slice(b"../../../tmp/x");
    header.set_cksum();
    forged[header_at..header_at + 512].copy_from_slice(header.as_bytes());
    assert!(matches!(complaint(&forged, &Identities::default()), Some(BackupError::Damaged { .. })));
    // And as a link.
    header.as_mut_bytes().copy_from_slice(&sound[header_at..header_at + 512]);
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_cksum();
    forged[header_at..header_at + 512].copy_from_slice(header.as_bytes());
    assert!(matches!(complaint(&forged, &Identities::default()), Some(BackupError::Damaged { .. })));
}

#[test]
fn anything_else_is_no_backup() {
    for bytes in [&b""[..], b"hello", &[0; 4096], b"PGDMP\x01\x0e\x00", &[b'x'; 2048]] {
        assert!(matches!(open(bytes, &Identities::default()), Err(BackupError::NotABackup { .. })), "{bytes:?}");
    }
}

#[test]
fn tar_and_sha256sum_understand_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.skyteam");
    let mut file = File::create(&path).unwrap();
    file.write_all(&build(&[5, 5], &Recipients::default())).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let shell = "tar -xf b.skyteam && sha256sum --quiet -c SHA256SUMS && ls";
    let out = std::process::Command::new("sh").args(["-c", shell]).current_dir(folder.path()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "SHA256SUMS\nb.skyteam\nmanifest.json\ntable0.parquet\ntable1.parquet\n"
    );
}
