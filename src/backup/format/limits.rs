//! Checks the page headers of a Parquet column before the `parquet` crate believes them: it allocates what a header
//! says a page unpacks to, up to 2 GiB, and a hostile archive can say so in a few bytes.
//!
//! A page header is a Thrift struct in the compact protocol; its fields 2 and 3 are the uncompressed and compressed
//! sizes, the first of its fields 5 and 8 is the number of values, and everything else is skipped. (The decompressor itself
//! stops at the declared size.) The values of a list are as many as its page says, and each has levels of its own, which
//! take a few bits there and some bytes in memory.

use super::batch::{BLOCK_BYTES, BLOCK_ROWS, CELL_BYTES};
use super::list::LIST_LENGTH;

/// The most that one page may unpack to: a cell of the largest size after a page that was all but full.
const PAGE_LIMIT: u64 = (CELL_BYTES + (4 << 20)) as u64;
/// The most that one column of a row group may unpack to.
const CHUNK_LIMIT: u64 = PAGE_LIMIT + 2 * BLOCK_BYTES as u64;
/// The most values that one column of a row group has: of lists as many as a full block has places for, an element and what
/// parts it from the next being two bytes, and those of one last cell.
const VALUES_LIMIT: u64 = (BLOCK_BYTES / 2 + BLOCK_ROWS + LIST_LENGTH) as u64;
/// How deep structs may nest in a header; real ones need two levels.
const DEPTH: u8 = 8;

/// Walks all pages of a column chunk.
///
/// # Errors
/// In words, what is wrong with it.
pub(crate) fn check(chunk: &[u8]) -> Result<(), String> {
    let mut rest = chunk;
    let (mut total, mut values) = (0, 0);
    while !rest.is_empty() {
        let mut input = Input { bytes: rest };
        let header = input.page_header().ok_or("a page header cannot be read")?;
        let (Ok(unpacked), Ok(packed)) = (u64::try_from(header.unpacked), usize::try_from(header.packed)) else {
            return Err("a page has a negative size".into());
        };
        total += unpacked;
        values += u64::try_from(header.values).map_err(|_| "a page has a negative number of values")?;
        if values > VALUES_LIMIT {
            return Err(format!("its pages claim to hold {values} values, more than any that skyteam writes"));
        }
        if unpacked > PAGE_LIMIT || total > CHUNK_LIMIT {
            return Err(format!("a page claims to unpack to {unpacked} bytes, more than any that skyteam writes"));
        }
        rest = input.bytes.get(packed..).ok_or("a page is longer than its column")?;
    }
    Ok(())
}

struct Header {
    unpacked: i64,
    packed: i64,
    /// 0 for pages of a dictionary, whose values are no rows.
    values: i64,
}

struct Input<'a> {
    bytes: &'a [u8],
}

impl Input<'_> {
    fn page_header(&mut self) -> Option<Header> {
        let (mut unpacked, mut packed, mut values) = (None, None, 0);
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind) {
                (2, 5) => unpacked = Some(self.zigzag()?),
                (3, 5) => packed = Some(self.zigzag()?),
                // The header of a data page, of either version.
                (5 | 8, 12) => {
                    let mut inner = 0;
                    while let Some(kind) = self.field(&mut inner)? {
                        match (inner, kind) {
                            (1, 5) => values = self.zigzag()?,
                            _ => self.skip(kind, DEPTH)?,
                        }
                    }
                }
                _ => self.skip(kind, DEPTH)?,
            }
        }
        Some(Header { unpacked: unpacked?, packed: packed?, values })
    }

    /// The type of the next field and its id, `Some(None)` at the end of the struct.
    fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *id = match byte >> 4 {
            0 => self.zigzag()?,
            delta => id.checked_add(i64::from(delta))?,
        };
        Some(Some(byte & 0x0f))
    }

    fn skip(&mut self, kind: u8, depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            // A field's boolean is in its type.
            1 | 2 => {}
            3 => self.advance(1)?,
            4..=6 => drop(self.varint()?),
            7 => self.advance(8)?,
            8 => {
                let length = self.varint()?;
                self.advance(usize::try_from(length).ok()?)?;
            }
            9 | 10 => {
                let byte = self.byte()?;
                let size = match byte >> 4 {
                    15 => self.varint()?,
                    size => u64::from(size),
                };
                for _ in 0..size {
                    match byte & 0x0f {
                        // In a list a boolean takes a byte.
                        1 | 2 => self.advance(1)?,
                        kind => self.skip(kind, depth)?,
                    }
                }
            }
            12 => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn advance(&mut self, count: usize) -> Option<()> {
        self.bytes = self.bytes.get(count..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(value: i64, out: &mut Vec<u8>) {
        out.push(0x15);
        let mut rest = ((value << 1) ^ (value >> 63)) as u64;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    /// type DATA_PAGE, then the two sizes, then a data page header with a nested struct.
    fn page_of(values: i64, unpacked: i64, packed: i64, body: &[u8]) -> Vec<u8> {
        let mut out = vec![0x15, 0x00];
        put(unpacked, &mut out);
        put(packed, &mut out);
        out.push(0x2c);
        put(values, &mut out);
        out.extend([0x15, 0x00, 0x1c, 0x18, 0x01, b'x', 0x00, 0x00, 0x00]);
        out.extend(body);
        out
    }

    fn page(unpacked: i64, packed: i64, body: &[u8]) -> Vec<u8> {
        page_of(1, unpacked, packed, body)
    }

    #[test]
    fn honest_pages_pass_and_lies_do_not() {
        let honest = [page(100, 3, b"abc"), page(1 << 20, 2, b"de")].concat();
        assert_eq!(check(&honest), Ok(()));
        assert!(check(&page(i64::from(i32::MAX), 3, b"abc")).is_err());
        assert!(check(&page(-1, 3, b"abc")).is_err());
        assert!(check(&page(100, -3, b"abc")).is_err());
        assert!(check(&page(100, 4, b"abc")).is_err());
        assert!(check(&page_of(-1, 100, 3, b"abc")).is_err());
        assert!(check(&page_of(i64::from(i32::MAX), 100, 3, b"abc")).is_err());
        let many = VALUES_LIMIT as i64 - 1;
        assert_eq!(check(&page_of(many, 100, 3, b"abc")), Ok(()));
        assert!(check(&[page_of(many, 9, 1, b"a"), page_of(2, 9, 1, b"b")].concat()).is_err());
        for cut in 1..honest.len() {
            if cut != page(100, 3, b"abc").len() {
                assert!(check(&honest[..cut]).is_err(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn nothing_makes_it_panic_or_hang() {
        let mut state = 1_u32;
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..24)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            let _ = check(&bytes);
        }
    }
}
