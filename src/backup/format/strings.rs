//! Many byte strings in one buffer.

use std::ops::Range;

/// Bytes before each string of [`Strings`].
pub(super) const LENGTH: usize = 4;

/// Byte strings one after the other in one buffer, each behind its length in four bytes, the lowest first: Parquet's
/// encoding PLAIN, so that a run of them is a page as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Strings {
    plain: Vec<u8>,
    /// Where each string ends in `plain`.
    ends: Vec<u32>,
}

impl Strings {
    /// Appends one string. The caller keeps the sum of bytes under 4 GiB ([`BLOCK_BYTES`](super::batch::BLOCK_BYTES),
    /// [`CELL_BYTES`](super::batch::CELL_BYTES)).
    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.plain.extend_from_slice(text);
        self.ends.push(self.plain.len() as u32);
    }

    /// Makes room for so many strings of so many bytes in all.
    pub(crate) fn reserve(&mut self, strings: usize, bytes: usize) {
        self.plain.reserve_exact(strings * LENGTH + bytes);
        self.ends.reserve_exact(strings);
    }

    /// How many strings.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes they are in PLAIN.
    pub(crate) fn bytes(&self) -> usize {
        self.plain.len()
    }

    /// The string at `index`.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        &self.plain[self.start(index) + LENGTH..self.ends[index] as usize]
    }

    /// The strings of `range` in PLAIN.
    pub(crate) fn plain(&self, range: Range<usize>) -> &[u8] {
        &self.plain[self.start(range.start)..self.start(range.end)]
    }

    /// How many strings from `index` on take at least `bytes` in PLAIN: at least one, and at most all that are left.
    pub(crate) fn filling(&self, index: usize, bytes: usize) -> usize {
        let limit = self.start(index) + bytes;
        let short = self.ends[index..].partition_point(|&end| (end as usize) < limit);
        (short + 1).min(self.len() - index)
    }

    fn start(&self, index: usize) -> usize {
        if index == 0 { 0 } else { self.ends[index - 1] as usize }
    }

    /// Appends all of another.
    pub(super) fn append(&mut self, more: Self) {
        let start = self.plain.len() as u32;
        self.plain.extend(more.plain);
        self.ends.extend(more.ends.into_iter().map(|end| start + end));
    }
}
