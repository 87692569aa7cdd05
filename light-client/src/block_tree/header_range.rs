//! The mountain range over all headers before a block: proves any old header from a new one.
//!
//! The library makes the range and its proofs. Its verifier accepts a repeated position and a wrong size, so a proof here is
//! of one leaf and is checked here: the size comes from the header's height, the position from the old header's height; the
//! length must be exact.

use std::{collections::BTreeMap, convert::Infallible};

use borsh::{BorshDeserialize, BorshSerialize};
use ckb_merkle_mountain_range::{
    Error as RangeError, MMR, MMRStoreReadOps, MMRStoreWriteOps, Merge, helper::get_peaks,
    leaf_index_to_mmr_size, leaf_index_to_pos,
};

use crate::{
    crypto::{Domain, Hash},
    data_format::{BlockId, Header, Height, ProofError, codec},
};

/// Hashes from an old header's id up to a newer header's `headers_root`, at most 128.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HeaderProof(#[borsh(deserialize_with = "codec::bounded_list::<128, _, _>")] pub Vec<Hash>);

/// New nodes of the range: the position of the first, and the nodes that follow one another from there.
pub type RangeNodes = Vec<(u64, Vec<Hash>)>;

/// Where the nodes of a range are kept, by position.
pub trait RangeStore {
    /// What can go wrong.
    type Error: std::fmt::Display;

    /// The node at `position`; `None` if there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn node(&self, position: u64) -> Result<Option<Hash>, Self::Error>;
}

struct MergeHashes;

impl Merge for MergeHashes {
    type Item = Hash;

    fn merge(left: &Hash, right: &Hash) -> Result<Hash, RangeError> {
        Ok(merged(left, right))
    }
}

fn merged(left: &Hash, right: &Hash) -> Hash {
    Hash::of(Domain::HEADER_RANGE, &[&[1], left.as_bytes(), right.as_bytes()])
}

fn leaf(id: &BlockId) -> Hash {
    Hash::of(Domain::HEADER_RANGE, &[&[0], id.as_bytes()])
}

/// Reads from the store, collects what is new.
struct Collecting<'a, S> {
    store: &'a S,
    new: &'a mut RangeNodes,
}

impl<S: RangeStore> MMRStoreReadOps<Hash> for Collecting<'_, S> {
    fn get_elem(&self, position: u64) -> Result<Option<Hash>, RangeError> {
        self.store.node(position).map_err(|error| RangeError::StoreError(error.to_string()))
    }
}

impl<S> MMRStoreWriteOps<Hash> for Collecting<'_, S> {
    fn append(&mut self, position: u64, nodes: Vec<Hash>) -> Result<(), RangeError> {
        self.new.push((position, nodes));
        Ok(())
    }
}

/// The range over the first `count` headers of a chain.
pub struct HeaderRange<'a, S> {
    store: &'a S,
    count: u64,
}

impl<'a, S: RangeStore> HeaderRange<'a, S> {
    /// The range over the blocks of height 0 to `count - 1`, whose nodes `store` holds.
    pub const fn new(store: &'a S, count: u64) -> Self {
        Self { store, count }
    }

    /// The root: what the header of height `count` commits to; zeros for none.
    ///
    /// # Errors
    /// The store's, as text, or that it lacks a node.
    pub fn root(&self) -> Result<Hash, RangeError> {
        let mut new = RangeNodes::new();
        if self.count == 0 { Ok(Hash::ZERO) } else { self.open(&mut new).get_root() }
    }

    /// Appends the id of the block of height `count`; returns the nodes to store and the root after.
    ///
    /// # Errors
    /// The store's, as text, or that it lacks a node.
    pub fn push(&self, id: &BlockId) -> Result<(RangeNodes, Hash), RangeError> {
        let mut new = RangeNodes::new();
        let mut range = self.open(&mut new);
        range.push(leaf(id))?;
        let root = range.get_root()?;
        range.commit()?;
        drop(range);
        Ok((new, root))
    }

    /// The proof of the block at `height`, below `count`.
    ///
    /// # Errors
    /// The store's, as text, or that there is no such block.
    pub fn prove(&self, height: Height) -> Result<HeaderProof, RangeError> {
        if height.0 >= self.count {
            return Err(RangeError::GenProofForInvalidLeaves);
        }
        let mut new = RangeNodes::new();
        let proof = self.open(&mut new).gen_proof(vec![leaf_index_to_pos(height.0)])?;
        Ok(HeaderProof(proof.proof_items().to_vec()))
    }

    /// The peaks: all that going on with the range takes. At most 64, the leftmost first.
    ///
    /// # Errors
    /// The store's, as text, or that it lacks a node.
    pub fn peaks(&self) -> Result<Vec<Hash>, RangeError> {
        let node = |position| match self.store.node(position) {
            Ok(Some(node)) => Ok(node),
            Ok(None) => Err(RangeError::InconsistentStore),
            Err(error) => Err(RangeError::StoreError(error.to_string())),
        };
        get_peaks(range_size(self.count)).into_iter().map(node).collect()
    }

    fn open<'b>(&'b self, new: &'b mut RangeNodes) -> MMR<Hash, MergeHashes, Collecting<'b, S>> {
        MMR::new(range_size(self.count), Collecting { store: self.store, new })
    }
}

/// A range of which only the peaks are known, and what was added since: enough to go on with it, and to prove every
/// header added from then on.
#[derive(Clone, Debug)]
pub struct RangePeaks {
    nodes: BTreeMap<u64, Hash>,
}

impl RangePeaks {
    /// The peaks of the range before `header`, as somebody sent them.
    ///
    /// # Errors
    /// [`ProofError`] if they are not as many as there are, or not those that the header commits to.
    pub fn before(header: &Header, peaks: Vec<Hash>) -> Result<Self, ProofError> {
        let positions = get_peaks(range_size(header.height.0));
        if positions.len() != peaks.len() {
            return Err(ProofError::Length { found: peaks.len(), expected: positions.len() });
        }
        let range = Self { nodes: positions.into_iter().zip(peaks).collect() };
        match HeaderRange::new(&range, header.height.0).root() {
            Ok(root) if root == header.headers_root => Ok(range),
            _ => Err(ProofError::Root),
        }
    }

    /// Adds the block of height `count`; gives the root after it.
    ///
    /// # Errors
    /// If `count` headers are not what the range covers.
    pub fn push(&mut self, count: u64, id: &BlockId) -> Result<Hash, RangeError> {
        let (new, root) = HeaderRange::new(self, count).push(id)?;
        for (first, nodes) in new {
            self.nodes.extend((first..).zip(nodes));
        }
        Ok(root)
    }

    /// Its nodes by position.
    pub fn nodes(&self) -> impl Iterator<Item = (u64, &Hash)> {
        self.nodes.iter().map(|(position, node)| (*position, node))
    }
}

impl RangeStore for RangePeaks {
    type Error = Infallible;

    fn node(&self, position: u64) -> Result<Option<Hash>, Infallible> {
        Ok(self.nodes.get(&position).copied())
    }
}

impl HeaderProof {
    /// Checks that `old` is the block at its height on the chain that `newer` is on.
    ///
    /// # Errors
    /// [`ProofError`] says which of height, length and root is wrong.
    pub fn verify(&self, newer: &Header, old: &Header) -> Result<(), ProofError> {
        self.verify_under(newer.height, &newer.headers_root, old)
    }

    /// As [`HeaderProof::verify`], of a newer header of which height and `headers_root` are known.
    ///
    /// # Errors
    /// As [`HeaderProof::verify`].
    pub fn verify_under(&self, newer: Height, headers_root: &Hash, old: &Header) -> Result<(), ProofError> {
        let (index, count) = (old.height.0, newer.0);
        let place = Place::of(index, count).ok_or(ProofError::Index { index, count })?;
        let (found, expected) = (self.0.len(), place.proof_length());
        if found != expected {
            return Err(ProofError::Length { found, expected });
        }
        if place.root(leaf(&old.id()), &self.0) == *headers_root { Ok(()) } else { Err(ProofError::Root) }
    }
}

fn range_size(count: u64) -> u64 {
    count.checked_sub(1).map_or(0, leaf_index_to_mmr_size)
}

/// Where a leaf is in a range: a mountain of 2^n leaves for each bit n of their number, the highest first.
struct Place {
    /// Mountains to the left of its own.
    left: usize,
    /// The height of its own.
    height: usize,
    /// Its index there.
    index: u64,
    /// Whether there are mountains to the right.
    right: bool,
}

impl Place {
    /// `None` beyond the end.
    fn of(mut index: u64, count: u64) -> Option<Self> {
        let mut left = 0;
        for height in (0..64).rev() {
            let leaves = 1u64 << height;
            if count & leaves == 0 {
                continue;
            }
            if index < leaves {
                return Some(Self { left, height, index, right: count & (leaves - 1) != 0 });
            }
            index -= leaves;
            left += 1;
        }
        None
    }

    /// One hash for each mountain to the left, then the siblings on the way up, then one for all to the right.
    fn proof_length(&self) -> usize {
        self.left + self.height + usize::from(self.right)
    }

    /// The root to which a proof of this length leads from a leaf.
    fn root(&self, leaf: Hash, proof: &[Hash]) -> Hash {
        let (left, rest) = proof.split_at(self.left.min(proof.len()));
        let (siblings, right) = rest.split_at(self.height.min(rest.len()));
        let mut root = leaf;
        for (level, sibling) in siblings.iter().enumerate() {
            let is_left = self.index >> level & 1 == 0;
            root = if is_left { merged(&root, sibling) } else { merged(sibling, &root) };
        }
        // Peaks are joined from the right, and the right one of a pair comes first.
        root = right.iter().fold(root, |root, peaks| merged(peaks, &root));
        left.iter().rev().fold(root, |root, peak| merged(&root, peak))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::data_format::{Checkpoint, Slot};

    #[derive(Default)]
    struct Nodes(RefCell<BTreeMap<u64, Hash>>);

    impl RangeStore for Nodes {
        type Error = Infallible;

        fn node(&self, position: u64) -> Result<Option<Hash>, Infallible> {
            Ok(self.0.borrow().get(&position).copied())
        }
    }

    fn chain(length: u64) -> (Nodes, Vec<Header>) {
        let nodes = Nodes::default();
        let mut headers: Vec<Header> = Vec::new();
        for height in 0..length {
            let headers_root = HeaderRange::new(&nodes, height).root().unwrap();
            let header = Header {
                version: Header::VERSION,
                height: Height(height),
                slot: Slot(height),
                parent: headers.last().map_or(Hash::ZERO, Header::id),
                transactions_root: Hash::ZERO,
                transactions_count: 0,
                state_root: Hash::ZERO,
                headers_root,
                next_slots: Hash::ZERO,
                justified: Checkpoint::default(),
                certificate_hash: Hash::ZERO,
                main_parent: None,
            };
            let (new, _) = HeaderRange::new(&nodes, height).push(&header.id()).unwrap();
            for (first, run) in new {
                nodes.0.borrow_mut().extend((first..).zip(run));
            }
            headers.push(header);
        }
        (nodes, headers)
    }

    #[test]
    fn every_old_header_is_provable_from_every_newer_one() {
        let (nodes, headers) = chain(70);
        for newer in &headers {
            for old in &headers[..usize::try_from(newer.height.0).unwrap()] {
                let proof = HeaderRange::new(&nodes, newer.height.0).prove(old.height).unwrap();
                assert_eq!(proof.verify(newer, old), Ok(()), "{} from {}", old.height, newer.height);
            }
        }
    }

    #[test]
    fn the_root_after_a_push_is_the_next_headers_root() {
        let (nodes, headers) = chain(20);
        for header in &headers[..19] {
            let (_, root) = HeaderRange::new(&nodes, header.height.0).push(&header.id()).unwrap();
            assert_eq!(root, headers[usize::try_from(header.height.0).unwrap() + 1].headers_root);
        }
    }

    #[test]
    fn a_range_goes_on_from_its_peaks_alone() {
        let (nodes, headers) = chain(40);
        for start in 0..39 {
            let peaks = HeaderRange::new(&nodes, start as u64).peaks().unwrap();
            let mut range = RangePeaks::before(&headers[start], peaks.clone()).unwrap();
            for header in &headers[start..39] {
                let root = range.push(header.height.0, &header.id()).unwrap();
                let next = &headers[usize::try_from(header.height.0).unwrap() + 1];
                assert_eq!(root, next.headers_root, "from {start}");
                for old in &headers[start..=usize::try_from(header.height.0).unwrap()] {
                    let proof = HeaderRange::new(&range, next.height.0).prove(old.height).unwrap();
                    assert_eq!(proof.verify(next, old), Ok(()), "{} from {start}", old.height);
                }
            }
            let mut long = peaks.clone();
            long.push(Hash::ZERO);
            assert!(matches!(RangePeaks::before(&headers[start], long), Err(ProofError::Length { .. })));
            for place in 0..peaks.len() {
                let mut altered = peaks.clone();
                altered[place].0[0] ^= 1;
                assert_eq!(RangePeaks::before(&headers[start], altered).unwrap_err(), ProofError::Root);
            }
        }
    }

    #[test]
    fn a_header_of_the_same_or_a_later_height_is_refused() {
        let (nodes, headers) = chain(12);
        let proof = HeaderRange::new(&nodes, 11).prove(Height(3)).unwrap();
        for height in [11, 12, u64::MAX] {
            let old = Header { height: Height(height), ..headers[3].clone() };
            assert_eq!(proof.verify(&headers[11], &old), Err(ProofError::Index { index: height, count: 11 }));
        }
    }

    #[test]
    fn another_size_position_or_length_is_refused() {
        let (nodes, headers) = chain(12);
        let proof = HeaderRange::new(&nodes, 11).prove(Height(3)).unwrap();
        // The same hashes for a range of another size.
        assert!(proof.verify(&headers[10], &headers[3]).is_err());
        // The same hashes for a sibling's place.
        assert_eq!(proof.verify(&headers[11], &headers[2]), Err(ProofError::Root));
        let mut long = proof.clone();
        long.0.push(Hash::ZERO);
        assert!(matches!(long.verify(&headers[11], &headers[3]), Err(ProofError::Length { .. })));
        let mut short = proof.clone();
        short.0.pop();
        assert!(matches!(short.verify(&headers[11], &headers[3]), Err(ProofError::Length { .. })));
        // Each hash altered.
        for place in 0..proof.0.len() {
            let mut altered = proof.clone();
            altered.0[place].0[0] ^= 1;
            assert_eq!(altered.verify(&headers[11], &headers[3]), Err(ProofError::Root));
        }
    }

    #[test]
    fn a_header_of_another_chain_is_refused() {
        let (nodes, headers) = chain(12);
        let proof = HeaderRange::new(&nodes, 11).prove(Height(3)).unwrap();
        let forged = Header { state_root: Hash([1; 32]), ..headers[3].clone() };
        assert_eq!(proof.verify(&headers[11], &forged), Err(ProofError::Root));
    }
}
