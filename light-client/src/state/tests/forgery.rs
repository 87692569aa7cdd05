//! A witness taken to pieces and put together wrongly.

use crate::crypto::Hash;

/// A node of a witness, read without any of the checks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Pruned(Hash),
    /// All its bytes.
    Leaf(Vec<u8>),
    /// Number of skipped bits and these bits; leaf count; children.
    Inner(u64, Vec<u8>, u64, Box<[Part; 2]>),
}

impl Part {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let part = parse(&mut rest, 0, true);
        assert!(rest.is_empty());
        assert_eq!(part.bytes(), bytes);
        part
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.put(&mut bytes);
        bytes
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Pruned(hash) => bytes.extend(hash.as_bytes()),
            Self::Leaf(leaf) => bytes.extend(leaf),
            Self::Inner(skipped, bits, count, children) => {
                let here = |bit: usize| u8::from(!matches!(children[bit], Self::Pruned(_)));
                bytes.push(u8::from(*skipped > 0) << 2 | here(0) << 3 | here(1) << 4);
                if *skipped > 0 {
                    put_number(bytes, *skipped);
                    bytes.extend(bits);
                }
                put_number(bytes, *count);
                children.iter().for_each(|child| child.put(bytes));
            }
        }
    }

    /// The subtrees in pre-order, those left out not counted.
    pub(super) fn subtrees(&self) -> Vec<Self> {
        match self {
            Self::Pruned(_) => vec![],
            Self::Leaf(_) => vec![self.clone()],
            Self::Inner(.., children) => {
                let below = children.iter().flat_map(Self::subtrees);
                std::iter::once(self.clone()).chain(below).collect()
            }
        }
    }

    /// Puts what `change` makes of it in the place of the subtree `index`.
    pub(super) fn with(&self, index: usize, change: impl FnOnce(&Self) -> Self) -> Self {
        let mut root = self.clone();
        let mut left = index;
        let place = root.place(&mut left).unwrap();
        *place = change(place);
        root
    }

    fn place(&mut self, left: &mut usize) -> Option<&mut Self> {
        if matches!(self, Self::Pruned(_)) {
            return None;
        }
        if *left == 0 {
            return Some(self);
        }
        *left -= 1;
        match self {
            Self::Inner(.., children) => children.iter_mut().find_map(|child| child.place(left)),
            _ => None,
        }
    }
}

fn parse(rest: &mut &[u8], start: u64, there: bool) -> Part {
    if !there {
        return Part::Pruned(Hash(take(rest, 32).try_into().unwrap()));
    }
    let all = *rest;
    let flags = take(rest, 1)[0];
    if flags & 3 == 0 {
        let skipped = if flags & 4 == 0 { 0 } else { number(rest) };
        let bits = take(rest, skipped.div_ceil(8)).to_vec();
        let count = number(rest);
        let children = [0, 1].map(|bit| parse(rest, start + skipped + 1, flags & 8 << bit != 0));
        return Part::Inner(skipped, bits, count, Box::new(children));
    }
    let length = u64::from(take(rest, 1)[0]);
    take(rest, (length * 8 - start).div_ceil(8));
    let value = if flags == 1 { number(rest) } else { 32 };
    take(rest, value);
    Part::Leaf(all[..all.len() - rest.len()].to_vec())
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> &'a [u8] {
    let (taken, after) = rest.split_at(usize::try_from(length).unwrap());
    *rest = after;
    taken
}

fn number(rest: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = take(rest, 1)[0];
        number += u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
