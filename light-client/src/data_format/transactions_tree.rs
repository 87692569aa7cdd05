//! The Merkle tree over a block's outcomes.
//!
//! The library makes the tree and its proofs. Its verifier accepts a repeated index or an index beyond the leaf count, so a
//! proof here is of one leaf and is checked here: the count comes from the header; the index is inside the leaf; the length
//! must be exact.

use borsh::{BorshDeserialize, BorshSerialize};
use rs_merkle::{Hasher, MerkleTree};

use super::{Header, Outcome, codec};
use crate::crypto::{Domain, Hash};

/// Sibling hashes from an outcome up to a block's `transactions_root`, at most 32.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TransactionProof(#[borsh(deserialize_with = "codec::bounded_list::<32, _, _>")] pub Vec<Hash>);

/// A proof that does not prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The place is not in the tree.
    #[error("index {index} in a tree of {count}")]
    Index {
        /// The place claimed.
        index: u64,
        /// Leaves that the header commits to.
        count: u64,
    },
    /// Too few or too many hashes for this place.
    #[error("{found} hashes where exactly {expected} are needed")]
    Length {
        /// Hashes in the proof.
        found: usize,
        /// Hashes a proof of this place has.
        expected: usize,
    },
    /// The path leads elsewhere.
    #[error("the path does not lead to the committed root")]
    Root,
}

#[derive(Clone)]
struct OutcomeHasher;

impl Hasher for OutcomeHasher {
    type Hash = [u8; 32];

    fn hash(data: &[u8]) -> [u8; 32] {
        Hash::of(Domain::BLOCK_TREE, &[&[0], data]).0
    }

    fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
        right.map_or(*left, |right| Hash::of(Domain::BLOCK_TREE, &[&[1], left, right]).0)
    }
}

fn leaf(outcome: &Outcome) -> [u8; 32] {
    OutcomeHasher::hash(&codec::encode(outcome))
}

fn tree(outcomes: &[Outcome]) -> MerkleTree<OutcomeHasher> {
    MerkleTree::from_leaves(&outcomes.iter().map(leaf).collect::<Vec<_>>())
}

/// The root over all outcomes of a block, in order; zeros for none.
pub fn transactions_root(outcomes: &[Outcome]) -> Hash {
    tree(outcomes).root().map_or(Hash::ZERO, Hash)
}

impl TransactionProof {
    /// The proof of the outcome at `index`; `None` beyond the end.
    pub fn make(outcomes: &[Outcome], index: usize) -> Option<Self> {
        (index < outcomes.len())
            .then(|| Self(tree(outcomes).proof(&[index]).proof_hashes().iter().copied().map(Hash).collect()))
    }

    /// Checks that `header`'s block gave exactly this outcome.
    ///
    /// # Errors
    /// [`ProofError`] says which of index, length and root is wrong.
    pub fn verify(&self, header: &Header, outcome: &Outcome) -> Result<(), ProofError> {
        let (index, count) = (outcome.index, header.transactions_count);
        if index >= count {
            return Err(ProofError::Index { index: index.into(), count: count.into() });
        }
        let (found, expected) = (self.0.len(), sides(index, count).count());
        if found != expected {
            return Err(ProofError::Length { found, expected });
        }
        let root = sides(index, count).zip(&self.0).fold(leaf(outcome), |node, (is_left, sibling)| {
            let (left, right) = if is_left { (&node, &sibling.0) } else { (&sibling.0, &node) };
            OutcomeHasher::concat_and_hash(left, Some(right))
        });
        if Hash(root) == header.transactions_root { Ok(()) } else { Err(ProofError::Root) }
    }
}

/// For each sibling on the way up from a leaf, whether it is to the right: the way's own node is then the left one. A node
/// without a sibling is carried to the next level as it is.
fn sides(mut index: u32, mut count: u32) -> impl Iterator<Item = bool> {
    std::iter::from_fn(move || {
        while count > 1 {
            let (place, width) = (index, count);
            index /= 2;
            count = count.div_ceil(2);
            if place ^ 1 < width {
                return Some(place % 2 == 0);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_format::{Amount, Checkpoint, Height, Slot, Status};

    fn outcomes(count: u32) -> Vec<Outcome> {
        (0..count)
            .map(|index| Outcome {
                id: Hash::of(Domain::TRANSACTION, &[&index.to_le_bytes()]),
                status: Status::Success,
                fee: Amount(1),
                index,
            })
            .collect()
    }

    fn header(outcomes: &[Outcome]) -> Header {
        Header {
            version: Header::VERSION,
            height: Height(1),
            slot: Slot(1),
            parent: Hash::ZERO,
            transactions_root: transactions_root(outcomes),
            transactions_count: u32::try_from(outcomes.len()).unwrap(),
            state_root: Hash::ZERO,
            headers_root: Hash::ZERO,
            next_slots: Hash::ZERO,
            justified: Checkpoint::default(),
            certificate_hash: Hash::ZERO,
            main_parent: None,
        }
    }

    #[test]
    fn every_outcome_of_every_small_block_is_provable() {
        for count in 1..=40 {
            let outcomes = outcomes(count);
            let header = header(&outcomes);
            for (index, outcome) in outcomes.iter().enumerate() {
                let proof = TransactionProof::make(&outcomes, index).unwrap();
                assert_eq!(proof.verify(&header, outcome), Ok(()), "{index} of {count}");
            }
            assert_eq!(TransactionProof::make(&outcomes, count as usize), None);
        }
        assert_eq!(transactions_root(&[]), Hash::ZERO);
    }

    #[test]
    fn index_beyond_the_count_is_refused() {
        let outcomes = outcomes(5);
        let header = header(&outcomes);
        let proof = TransactionProof::make(&outcomes, 4).unwrap();
        for index in [5, 6, 7, 12, u32::MAX] {
            let forged = Outcome { index, ..outcomes[4] };
            assert_eq!(
                proof.verify(&header, &forged),
                Err(ProofError::Index { index: index.into(), count: 5 })
            );
        }
    }

    #[test]
    fn another_index_status_or_fee_is_refused() {
        let outcomes = outcomes(5);
        let header = header(&outcomes);
        let proof = TransactionProof::make(&outcomes, 1).unwrap();
        for forged in [
            Outcome { index: 0, ..outcomes[1] },
            Outcome { status: Status::InsufficientBalance, ..outcomes[1] },
            Outcome { fee: Amount(0), ..outcomes[1] },
            outcomes[0],
        ] {
            assert_eq!(proof.verify(&header, &forged), Err(ProofError::Root));
        }
    }

    #[test]
    fn a_proof_too_long_or_too_short_is_refused() {
        let outcomes = outcomes(5);
        let header = header(&outcomes);
        let good = TransactionProof::make(&outcomes, 2).unwrap();
        let mut long = good.clone();
        long.0.push(Hash::ZERO);
        assert_eq!(long.verify(&header, &outcomes[2]), Err(ProofError::Length { found: 4, expected: 3 }));
        let mut short = good;
        short.0.pop();
        assert_eq!(short.verify(&header, &outcomes[2]), Err(ProofError::Length { found: 2, expected: 3 }));
    }

    #[test]
    fn an_inner_node_is_not_a_leaf() {
        // Without the 0x00 and 0x01 before leaves and nodes, a node of two hashes could pass as a leaf.
        let [a, b] = [[1; 32], [2; 32]];
        assert_ne!(OutcomeHasher::hash(&[a, b].concat()), OutcomeHasher::concat_and_hash(&a, Some(&b)));
    }
}
