//! Positions in the trie, counted in bits.

use std::{fmt, sync::Arc};

/// The longest key in bytes; so no path from the root has more than 1,024 nodes.
pub const MAX_KEY_BYTES: usize = 128;

/// Bits from the root of the trie, most significant bit of a byte first. Bits beyond `bits` are not looked at.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    bytes: &'a [u8],
    bits: usize,
}

impl<'a> Path<'a> {
    /// The whole of a key.
    pub(crate) const fn of_key(key: &'a [u8]) -> Self {
        Self { bytes: key, bits: key.len() * 8 }
    }

    /// Its length in bits.
    pub(crate) const fn bits(self) -> usize {
        self.bits
    }

    /// The bit at `index`, 0 or 1; `None` past the end.
    pub(crate) fn bit(self, index: usize) -> Option<usize> {
        let byte = self.bytes.get(index / 8).filter(|_| index < self.bits)?;
        Some(usize::from(byte >> (7 - index % 8)) & 1)
    }

    /// How many leading bits both have in common.
    pub(crate) fn common(self, other: Self) -> usize {
        let limit = self.bits.min(other.bits);
        let differing = self.bytes.iter().zip(other.bytes).enumerate().find(|(_, (a, b))| a != b);
        match differing {
            Some((index, (a, b))) => limit.min(index * 8 + (a ^ b).leading_zeros() as usize),
            None => limit,
        }
    }

    /// Whether `start` is a leading part of this path, or all of it.
    pub(crate) fn starts_with(self, start: Self) -> bool {
        start.bits <= self.bits && self.common(start) == start.bits
    }

    /// The first `bits` bits, or all if there are fewer.
    pub(crate) fn first(self, bits: usize) -> Prefix {
        let bits = bits.min(self.bits);
        let mut bytes = [0; MAX_KEY_BYTES];
        let bytes = &mut bytes[..bits.div_ceil(8)];
        bytes.copy_from_slice(&self.bytes[..bytes.len()]);
        if let (Some(last), false) = (bytes.last_mut(), bits.is_multiple_of(8)) {
            *last &= 0xff << (8 - bits % 8);
        }
        Prefix::of(bits as u16, bytes)
    }
}

/// The bits that all keys below an inner node start with, counted from the root of the trie; padded with zero
/// bits to whole bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Prefix(Representation);

const INLINE: usize = 20;

/// Most prefixes are short, and every step of a search reads one: those up to `INLINE` bytes are in the node.
#[derive(Clone, PartialEq, Eq)]
enum Representation {
    Inline { bits: u16, bytes: [u8; INLINE] },
    Shared { bits: u16, bytes: Arc<[u8]> },
}

impl Prefix {
    /// From its length in bits and its padded bytes; `None` if the bytes are too few or too many, if a padding
    /// bit is set, or if no key could be longer.
    pub fn new(bits: u16, bytes: &[u8]) -> Option<Self> {
        let length = usize::from(bits);
        if length >= MAX_KEY_BYTES * 8 || bytes.len() != length.div_ceil(8) {
            return None;
        }
        let padding = bytes.len() * 8 - length;
        let padded = bytes.last().is_none_or(|last| last.trailing_zeros() as usize >= padding);
        padded.then(|| Self::of(bits, bytes))
    }

    fn of(bits: u16, bytes: &[u8]) -> Self {
        let mut inline = [0; INLINE];
        Self(match inline.get_mut(..bytes.len()) {
            Some(start) => {
                start.copy_from_slice(bytes);
                Representation::Inline { bits, bytes: inline }
            }
            None => Representation::Shared { bits, bytes: Arc::from(bytes) },
        })
    }

    /// The length in bits, at most 1,023.
    pub const fn bits(&self) -> u16 {
        match &self.0 {
            Representation::Inline { bits, .. } | Representation::Shared { bits, .. } => *bits,
        }
    }

    /// The bits, padded with zero bits to whole bytes.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Representation::Inline { bits, bytes } => &bytes[..usize::from(*bits).div_ceil(8)],
            Representation::Shared { bytes, .. } => bytes,
        }
    }

    pub(crate) fn path(&self) -> Path<'_> {
        Path { bytes: self.bytes(), bits: usize::from(self.bits()) }
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        (0..path.bits()).filter_map(|index| path.bit(index)).try_for_each(|bit| write!(f, "{bit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_bits_stop_at_the_shorter_path_and_at_the_first_difference() {
        let path = Path::of_key(&[0b1010_0000, 0xff]);
        assert_eq!(path.common(path), 16);
        assert_eq!(path.common(Path::of_key(&[0b1010_0001])), 7);
        assert_eq!(path.common(path.first(3).path()), 3);
        assert_eq!(path.common(Path::of_key(&[])), 0);
        assert!(path.starts_with(path.first(11).path()));
        assert!(!path.first(11).path().starts_with(path));
    }

    #[test]
    fn prefixes_have_one_form() {
        assert_eq!(Path::of_key(&[0xff]).first(3), Prefix::new(3, &[0b1110_0000]).unwrap());
        assert_eq!(Path::of_key(&[0xff]).first(0), Prefix::new(0, &[]).unwrap());
        assert_eq!(Path::of_key(&[0xff, 0xff]).first(8), Prefix::new(8, &[0xff]).unwrap());
        for (bits, bytes) in [(3, &[0xf0][..]), (0, &[0]), (9, &[0xff]), (1, &[]), (8, &[0, 0])] {
            assert_eq!(Prefix::new(bits, bytes), None, "{bits} {bytes:?}");
        }
        for bytes in [19, 20, 21, 127, 128] {
            let bits = bytes as u16 * 8 - 1;
            let prefix = Prefix::new(bits, &vec![0xfe; bytes]).unwrap();
            assert_eq!((prefix.bits(), prefix.bytes()), (bits, &vec![0xfe; bytes][..]));
            assert_eq!(Path::of_key(&vec![0xfe; bytes]).first(bits.into()), prefix);
        }
        assert!(Prefix::new(1024, &[0; 128]).is_none());
    }
}
