//! The chain of pages in a TIFF file: where each page's directory stands.
//!
//! Only the chain is read here; a page is decoded as a file of its own whose header points at that directory.

use super::{Limits, Refusal};

/// The offsets of the pages' directories and where the header keeps the first one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directories {
    pub(super) offsets: Vec<u64>,
    is_big_endian: bool,
    /// 64-bit offsets.
    is_big_tiff: bool,
}

impl Directories {
    /// Follows the chain.
    pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        let is_big_endian = bytes.starts_with(b"MM");
        let is_big_tiff = bytes.get(if is_big_endian { 3 } else { 2 }) == Some(&43);
        let mut found = Self {
            offsets: Vec::new(),
            is_big_endian,
            is_big_tiff,
        };
        let mut next = found.number(bytes, found.first_at(), found.offset_size())?;
        while next != 0 {
            if found.offsets.contains(&next) {
                return Err(Refusal::malformed(
                    "The list of pages of the TIFF file is a cycle.",
                ));
            }
            found.offsets.push(next);
            limits.check_pages(found.offsets.len())?;
            next = found.after(bytes, next)?;
        }
        if found.offsets.is_empty() {
            return Err(Refusal::malformed("The TIFF file has no pages."));
        }
        Ok(found)
    }

    /// Makes the page with this index the first one.
    pub(super) fn point_header_at(&self, bytes: &mut [u8], index: u32) {
        let offset = self.offsets[index as usize];
        let (at, size) = (self.first_at() as usize, self.offset_size());
        let written = if self.is_big_endian {
            offset.to_be_bytes()
        } else {
            offset.to_le_bytes()
        };
        let part = if self.is_big_endian {
            &written[8 - size..]
        } else {
            &written[..size]
        };
        bytes[at..at + size].copy_from_slice(part);
    }

    fn first_at(&self) -> u64 {
        if self.is_big_tiff { 8 } else { 4 }
    }

    fn offset_size(&self) -> usize {
        if self.is_big_tiff { 8 } else { 4 }
    }

    /// The offset that follows the entries of the directory at `at`.
    fn after(&self, bytes: &[u8], at: u64) -> Result<u64, Refusal> {
        let (count_size, entry_size) = if self.is_big_tiff { (8, 20) } else { (2, 12) };
        let entries = self.number(bytes, at, count_size)?;
        let end = entries
            .checked_mul(entry_size)
            .and_then(|size| size.checked_add(at + count_size as u64));
        self.number(bytes, end.unwrap_or(u64::MAX), self.offset_size())
    }

    fn number(&self, bytes: &[u8], at: u64, size: usize) -> Result<u64, Refusal> {
        let start = usize::try_from(at).ok();
        let part = start.and_then(|start| bytes.get(start..start.checked_add(size)?));
        let part =
            part.ok_or_else(|| Refusal::malformed("The TIFF file ends inside its list of pages."))?;
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Ok(if self.is_big_endian {
            part.iter().fold(0, add)
        } else {
            part.iter().rev().fold(0, add)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Reason;

    /// A header and directories without entries, each at its offset with the next one's.
    fn chain(links: &[(u8, u8)]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..8].copy_from_slice(&[b'I', b'I', 42, 0, links[0].0, 0, 0, 0]);
        for (at, next) in links {
            bytes[usize::from(*at) + 2] = *next;
        }
        bytes
    }

    #[test]
    fn pages_are_found_in_order_and_can_be_made_first() {
        let mut bytes = chain(&[(8, 32), (32, 16), (16, 0)]);
        let found = Directories::parse(&bytes, &Limits::default()).expect("a chain");
        assert_eq!(found.offsets, [8, 32, 16]);
        found.point_header_at(&mut bytes, 1);
        assert_eq!(bytes[4..8], [32, 0, 0, 0]);
    }

    #[test]
    fn cycles_ends_and_too_many_pages_are_refused() {
        let refused = |links: &[(u8, u8)], limits: &Limits| {
            Directories::parse(&chain(links), limits).map_err(|r| r.reason)
        };
        assert_eq!(
            refused(&[(8, 16), (16, 8)], &Limits::default()),
            Err(Reason::Malformed)
        );
        assert_eq!(
            refused(&[(8, 200)], &Limits::default()),
            Err(Reason::Malformed)
        );
        assert_eq!(
            refused(
                &[(8, 16), (16, 0)],
                &Limits {
                    pages: 1,
                    ..Limits::default()
                }
            ),
            Err(Reason::TooManyPages)
        );
    }
}
