//! Checks the page headers of a Parquet column before the `parquet` crate believes them: it allocates what a header
//! says a page unpacks to, up to 2 GiB, and a hostile archive can say so in a few bytes.
//!
//! A page header is a Thrift struct in the compact protocol; its fields 2 and 3 are the uncompressed and compressed
//! sizes, and everything else is skipped. (The decompressor itself stops at the declared size.)

use super::batch::{BLOCK_BYTES, CELL_BYTES};

/// The most that one page may unpack to: a cell of the largest size after a page that was all but full.
const PAGE_LIMIT: u64 = (CELL_BYTES + (4 << 20)) as u64;
/// The most that one column of a row group may unpack to.
const CHUNK_LIMIT: u64 = PAGE_LIMIT + 2 * BLOCK_BYTES as u64;
/// How deep structs may nest in a header; real ones need two levels.
const DEPTH: u8 = 8;

/// Walks all pages of a column chunk.
///
/// # Errors
/// In words, what is wrong with it.
pub(crate) fn check(chunk: &[u8]) -> Result<(), String> {
    let mut rest = chunk;
    let mut total = 0;
    while !rest.is_empty() {
        let mut input = Input { bytes: rest };
        let header = input.page_header().ok_or("a page header cannot be read")?;
        let (Ok(unpacked), Ok(packed)) = (u64::try_from(header.unpacked), usize::try_from(header.packed)) else {
            return Err("a page has a negative size".into());
        };
        total += unpacked;
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
}

struct Input<'a> {
    bytes: &'a [u8],
}

impl Input<'_> {
    fn page_header(&mut self) -> Option<Header> {
        let (mut unpacked, mut packed) = (None, None);
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind) {
                (2, 5) => unpacked = Some(self.zigzag()?),
                (3, 5) => packed = Some(self.zigzag()?),
                _ => self.skip(kind, DEPTH)?,
            }
        }
        Some(Header { unpacked: unpacked?, packed: packed? })
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
            // Booleans of a field stand in the type itself.
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

    /// type DATA_PAGE, then the two sizes, then a data page header with a nested struct.
    fn page(unpacked: i64, packed: i64, body: &[u8]) -> Vec<u8> {
        let mut out = vec![0x15, 0x00];
        for value in [unpacked, packed] {
            out.push(0x15);
            let mut rest = ((value << 1) ^ (value >> 63)) as u64;
            while rest >= 0x80 {
                out.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            out.push(rest as u8);
        }
        out.extend([0x2c, 0x15, 0x02, 0x15, 0x00, 0x1c, 0x18, 0x01, b'x', 0x00, 0x00, 0x00]);
        out.extend(body);
        out
    }

    #[test]
    fn honest_pages_pass_and_lies_do_not() {
        let honest = [page(100, 3, b"abc"), page(1 << 20, 2, b"de")].concat();
        assert_eq!(check(&honest), Ok(()));
        assert!(check(&page(i64::from(i32::MAX), 3, b"abc")).is_err());
        assert!(check(&page(-1, 3, b"abc")).is_err());
        assert!(check(&page(100, -3, b"abc")).is_err());
        assert!(check(&page(100, 4, b"abc")).is_err());
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
