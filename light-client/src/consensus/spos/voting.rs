//! What an honest holder may sign. The record is on disk before anything that it allows is sent.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Link;
use crate::data_format::{Round, Slot};

/// What a minting key has signed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct VotingRecord {
    /// Round of the newest target voted for; 0 before the first vote (there is no vote in round 0).
    pub target: Round,
    /// Round of the source of that vote.
    pub source: Round,
    /// The newest slot minted in; 0 before the first block (slot 0 is nobody's).
    pub minted: Slot,
}

/// Why an honest holder does not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// SPOS-VOTE-1: targets strictly rise.
    #[error("already voted in round {voted}, asked for round {asked}")]
    Target {
        /// The newest target.
        voted: Round,
        /// The one asked for.
        asked: Round,
    },
    /// SPOS-VOTE-2: sources never fall.
    #[error("already voted from round {voted}, asked from round {asked}")]
    Source {
        /// The newest source.
        voted: Round,
        /// The one asked for.
        asked: Round,
    },
    /// SPOS-VOTE-3: a link leads forward.
    #[error("the target's round is not later than the source's")]
    Order,
    /// SPOS-MINT-1: one block a slot, slots strictly rise.
    #[error("already minted in slot {minted}, asked for slot {asked}")]
    Slot {
        /// The newest slot minted in.
        minted: Slot,
        /// The one asked for.
        asked: Slot,
    },
}

impl VotingRecord {
    /// The record after voting for `link`: keep it on disk, then sign.
    ///
    /// # Errors
    /// A [`Refusal`] if an honest holder with this record does not sign this link.
    pub fn vote(&self, link: &Link) -> Result<Self, Refusal> {
        let (source, target) = (link.source.checkpoint.round, link.target.checkpoint.round);
        if target <= source {
            return Err(Refusal::Order);
        }
        if target <= self.target {
            return Err(Refusal::Target { voted: self.target, asked: target });
        }
        if source < self.source {
            return Err(Refusal::Source { voted: self.source, asked: source });
        }
        Ok(Self { target, source, ..*self })
    }

    /// The record after minting in `slot`: keep it on disk, then seal.
    ///
    /// # Errors
    /// [`Refusal::Slot`] unless the slot is later than every slot minted in.
    pub fn mint(&self, slot: Slot) -> Result<Self, Refusal> {
        if slot <= self.minted {
            return Err(Refusal::Slot { minted: self.minted, asked: slot });
        }
        Ok(Self { minted: slot, ..*self })
    }
}

/// The slot position of a round at whose start holders vote: late enough that minters who withhold their blocks
/// fall behind, early enough that the certificate lands in the same round. 1 of 4, 2 of 7, 8 of 15.
pub const fn vote_position(slots: usize) -> usize {
    if slots <= 2 {
        return 0;
    }
    let position = 2 * ((slots - 2) / 3);
    if position == 0 { 1 } else { position }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::{
        consensus::spos::{Evidence, Triple, Vote},
        crypto::{Hash, KeyPair},
        data_format::Checkpoint,
    };

    fn link(source: u64, target: u64) -> Link {
        let triple = |round| Triple {
            checkpoint: Checkpoint { round: Round(round), id: Hash::ZERO },
            next_slots: Hash::ZERO,
        };
        Link { source: triple(source), target: triple(target) }
    }

    #[test]
    fn vote_positions_are_the_designed_ones() {
        for (slots, position) in [(1, 0), (2, 0), (3, 1), (4, 1), (7, 2), (15, 8), (64, 40)] {
            assert_eq!(vote_position(slots), position, "{slots} slots");
        }
    }

    #[test]
    fn targets_rise_and_sources_never_fall() {
        let record = VotingRecord::default().vote(&link(0, 1)).unwrap().vote(&link(1, 4)).unwrap();
        assert_eq!(record.vote(&link(2, 4)), Err(Refusal::Target { voted: Round(4), asked: Round(4) }));
        assert_eq!(record.vote(&link(0, 5)), Err(Refusal::Source { voted: Round(1), asked: Round(0) }));
        assert_eq!(record.vote(&link(5, 5)), Err(Refusal::Order));
        assert!(record.vote(&link(1, 5)).is_ok());
    }

    #[test]
    fn no_record_allows_a_double_vote_or_a_surrounding_vote() {
        // The two crimes of Casper FFG: two votes with one target; a vote whose span surrounds another's.
        for (s1, t1, s2, t2) in (0..5).flat_map(|a| {
            (0..5).flat_map(move |b| (0..5).flat_map(move |c| (0..5).map(move |d| (a, b, c, d))))
        }) {
            let Ok(record) = VotingRecord::default().vote(&link(s1, t1)) else { continue };
            if record.vote(&link(s2, t2)).is_ok() {
                assert_ne!(t1, t2);
                let surrounds = (s1 < s2 && t2 < t1) || (s2 < s1 && t1 < t2);
                assert!(!surrounds);
            }
        }
    }

    #[test]
    fn one_block_a_slot() {
        let record = VotingRecord::default().mint(Slot(3)).unwrap();
        assert_eq!(record.mint(Slot(3)), Err(Refusal::Slot { minted: Slot(3), asked: Slot(3) }));
        assert!(record.mint(Slot(4)).is_ok());
        assert!(VotingRecord::default().mint(Slot(0)).is_err());
    }

    #[test]
    fn exactly_the_votes_that_no_honest_record_allows_are_evidence() {
        let key = KeyPair::ed25519(&Zeroizing::new([1; 32]));
        let chain = Hash([7; 32]);
        let vote = |(source, target), id| {
            let mut link = link(source, target);
            link.target.checkpoint.id = Hash([id; 32]);
            Vote::sign(link, &chain, &key).unwrap()
        };
        let links = || (0..5).flat_map(|source| (source + 1..6).map(move |target| (source, target)));
        for (one, other) in links().flat_map(|a| links().map(move |b| (a, b))) {
            let (a, b) = (vote(one, 1), vote(other, 2));
            let honest = [(&a, &b), (&b, &a)].into_iter().any(|(first, second)| {
                VotingRecord::default().vote(&first.link).unwrap().vote(&second.link).is_ok()
            });
            let evidence = Evidence::of_votes(&a, &b);
            assert_eq!(evidence.is_none(), honest, "{one:?} and {other:?}");
            if let Some(evidence) = evidence {
                let offence = evidence.verify(&chain, 4).unwrap();
                assert_eq!(offence.minting_key, Hash(*key.public().as_bytes()));
                assert_eq!(offence.round, Round(one.1.max(other.1)));
            }
        }
    }
}
