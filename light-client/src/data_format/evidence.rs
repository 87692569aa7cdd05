use borsh::{BorshDeserialize, BorshSerialize};

use super::{ChainId, Header, Link, Round, SealedHeader, Vote};
use crate::crypto::{Ed25519Key, Hash, SignatureError};

/// Bytes of evidence, at most.
pub const MAX_EVIDENCE_BYTES: usize = 1_024;

/// Two things that a minting key signed and an honest holder never signs both: it proves itself, to anybody who knows
/// the chain's id. The one that compares lower comes first, so that a pair has one encoding.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[expect(clippy::large_enum_variant, reason = "calls hold it in a box; neither kind is the common one")]
pub enum Evidence {
    /// Two blocks in one slot.
    Blocks {
        /// The key that sealed both.
        minting_key: Hash,
        /// The header with the lower id.
        first: SealedHeader,
        /// The other one.
        second: SealedHeader,
    },
    /// Two votes, with one target round, or the later one from an earlier source.
    Votes {
        /// The vote with the lower link.
        first: Vote,
        /// The other one.
        second: Vote,
    },
}

/// Who did it, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offence {
    /// The key that signed both.
    pub minting_key: Hash,
    /// The round of the blocks, or the later target of the votes.
    pub round: Round,
}

/// Evidence that proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// EVIDENCE-1: the two exclude each other.
    #[error("an honest holder may sign both")]
    NoConflict,
    /// EVIDENCE-2: the same key signed them.
    #[error("two different keys signed")]
    Keys,
    /// EVIDENCE-3: they are in order.
    #[error("the two are not in order")]
    Order,
    /// EVIDENCE-4: both signatures hold.
    #[error("a signature does not hold: {0}")]
    Signature(#[from] SignatureError),
}

impl Evidence {
    /// Evidence of two blocks that one key sealed; `None` if they are one, or of different slots. The seals are not
    /// checked.
    pub fn of_blocks(minting_key: Hash, a: &SealedHeader, b: &SealedHeader) -> Option<Self> {
        let (first, second) = if a.header.id() < b.header.id() { (a, b) } else { (b, a) };
        let evidence = Self::Blocks { minting_key, first: first.clone(), second: second.clone() };
        evidence.check_conflict().is_ok().then_some(evidence)
    }

    /// Evidence of two votes; `None` if they are of different keys or an honest holder may cast both. The signatures
    /// are not checked.
    pub fn of_votes(a: &Vote, b: &Vote) -> Option<Self> {
        let (first, second) = if a.link < b.link { (*a, *b) } else { (*b, *a) };
        let evidence = Self::Votes { first, second };
        evidence.check_conflict().is_ok().then_some(evidence)
    }

    /// The minting key that it accuses.
    pub const fn accused(&self) -> Hash {
        match self {
            Self::Blocks { minting_key, .. } => *minting_key,
            Self::Votes { first, .. } => first.minting_key,
        }
    }

    /// What it accuses whom of, on a chain with so many slots a round. It need not be true: see [`Evidence::verify`].
    pub fn offence(&self, slots_per_round: u64) -> Offence {
        let round = match self {
            Self::Blocks { first, .. } => Round(first.header.slot.0 / slots_per_round.max(1)),
            Self::Votes { first, second } => target(&first.link).max(target(&second.link)),
        };
        Offence { minting_key: self.accused(), round }
    }

    /// Checks everything: two signatures, after the cheap rules.
    ///
    /// # Errors
    /// The first [`EvidenceError`].
    pub fn verify(&self, chain: &ChainId, slots_per_round: u64) -> Result<Offence, EvidenceError> {
        self.check_conflict()?;
        match self {
            Self::Blocks { minting_key, first, second } => {
                let (a, b) = (first.header.id(), second.header.id());
                if a > b {
                    return Err(EvidenceError::Order);
                }
                let key = Ed25519Key::parse(minting_key.as_bytes())?;
                key.verify(&Header::seal_message(chain, &a), &first.seal)?;
                key.verify(&Header::seal_message(chain, &b), &second.seal)?;
            }
            Self::Votes { first, second } => {
                if first.link > second.link {
                    return Err(EvidenceError::Order);
                }
                first.verify(chain)?;
                second.verify(chain)?;
            }
        }
        Ok(self.offence(slots_per_round))
    }

    fn check_conflict(&self) -> Result<(), EvidenceError> {
        let conflict = match self {
            Self::Blocks { first, second, .. } => {
                first.header.slot == second.header.slot && first.header != second.header
            }
            Self::Votes { first, second } => {
                if first.minting_key != second.minting_key {
                    return Err(EvidenceError::Keys);
                }
                conflict(&first.link, &second.link)
            }
        };
        if conflict { Ok(()) } else { Err(EvidenceError::NoConflict) }
    }
}

/// The crimes of Casper FFG: two votes with one target; a vote whose span surrounds another's. In the order of their targets
/// that is: targets strictly rise, sources never fall.
fn conflict(a: &Link, b: &Link) -> bool {
    if target(a) == target(b) {
        return a != b;
    }
    let (earlier, later) = if target(a) < target(b) { (a, b) } else { (b, a) };
    later.source.checkpoint.round < earlier.source.checkpoint.round
}

const fn target(link: &Link) -> Round {
    link.target.checkpoint.round
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::{
        crypto::{KeyPair, Signature},
        data_format::{Checkpoint, Height, Slot, Triple, codec, decode},
    };

    const CHAIN: Hash = Hash([7; 32]);

    fn key(byte: u8) -> KeyPair {
        KeyPair::ed25519(&Zeroizing::new([byte; 32]))
    }

    fn public(byte: u8) -> Hash {
        Hash(*key(byte).public().as_bytes())
    }

    fn header(slot: u64, state: u8, signer: &KeyPair) -> SealedHeader {
        let header = Header {
            version: Header::VERSION,
            height: Height(1),
            slot: Slot(slot),
            parent: Hash::ZERO,
            transactions_root: Hash::ZERO,
            transactions_count: 0,
            state_root: Hash([state; 32]),
            headers_root: Hash::ZERO,
            next_slots: Hash::ZERO,
            justified: Checkpoint::default(),
            certificate_hash: Hash::ZERO,
            main_parent: Some(Hash::ZERO),
        };
        let seal = signer.sign(&Header::seal_message(&CHAIN, &header.id()));
        SealedHeader { header, seal }
    }

    fn vote(source: u64, target: u64, id: u8, signer: &KeyPair) -> Vote {
        let triple = |round, id| Triple {
            checkpoint: Checkpoint { round: Round(round), id: Hash([id; 32]) },
            next_slots: Hash::ZERO,
        };
        Vote::sign(Link { source: triple(source, 0), target: triple(target, id) }, &CHAIN, signer).unwrap()
    }

    #[test]
    fn two_blocks_of_one_slot_prove_who_sealed_them() {
        let (a, b) = (header(9, 1, &key(1)), header(9, 2, &key(1)));
        for (a, b) in [(&a, &b), (&b, &a)] {
            let evidence = Evidence::of_blocks(public(1), a, b).unwrap();
            let offence = Offence { minting_key: public(1), round: Round(2) };
            assert_eq!(evidence.verify(&CHAIN, 4), Ok(offence));
            let bytes = codec::encode(&evidence);
            assert!(bytes.len() <= MAX_EVIDENCE_BYTES, "{} bytes", bytes.len());
            assert_eq!(decode::<Evidence>(&bytes, MAX_EVIDENCE_BYTES), Ok(evidence));
        }
        assert_eq!(Evidence::of_blocks(public(1), &a, &a), None);
        assert_eq!(Evidence::of_blocks(public(1), &a, &header(10, 1, &key(1))), None);
        // A garbled seal does not make another block of the honest one.
        let garbled = SealedHeader { seal: Signature([1; 64]), ..a.clone() };
        assert_eq!(Evidence::of_blocks(public(1), &a, &garbled), None);
    }

    #[test]
    fn forged_evidence_proves_nothing() {
        let (a, b) = (header(9, 1, &key(1)), header(9, 2, &key(2)));
        let forged = Evidence::of_blocks(public(1), &a, &b).unwrap();
        let refused = Err(EvidenceError::Signature(SignatureError::Signature));
        assert_eq!(forged.verify(&CHAIN, 4), refused);
        let b = header(9, 2, &key(1));
        let good = Evidence::of_blocks(public(1), &a, &b).unwrap();
        assert_eq!(good.verify(&Hash::ZERO, 4), refused, "another chain");
        let Evidence::Blocks { minting_key, first, second } = good else { unreachable!() };
        let swapped = Evidence::Blocks { minting_key, first: second, second: first };
        assert_eq!(swapped.verify(&CHAIN, 4), Err(EvidenceError::Order));

        let (a, b) = (vote(1, 2, 1, &key(1)), vote(1, 2, 2, &key(1)));
        let stolen = Vote { signature: a.signature, ..b };
        assert_eq!(Evidence::of_votes(&a, &stolen).unwrap().verify(&CHAIN, 4), refused);
        let other = vote(1, 2, 2, &key(2));
        assert_eq!(Evidence::of_votes(&a, &other), None);
        let mixed = Evidence::Votes { first: a, second: other };
        assert_eq!(mixed.verify(&CHAIN, 4), Err(EvidenceError::Keys));
        let twice = Evidence::Votes { first: a, second: a };
        assert_eq!(twice.verify(&CHAIN, 4), Err(EvidenceError::NoConflict));
    }
}
