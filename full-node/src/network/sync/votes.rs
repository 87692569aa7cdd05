use std::collections::BTreeMap;

use light_client::{consensus::spos::Vote, crypto::Hash, data_format::Round};

/// Different votes of one key in one round that are kept and relayed: two prove that the key voted twice, more prove
/// nothing new.
const PER_KEY: usize = 2;
/// Keys whose votes are kept in a round, at most: four tables name no more.
const KEYS: usize = light_client::consensus::spos::MAX_SIGNERS;
/// Rounds whose votes are kept, the newest ones.
const ROUNDS: usize = 2;

/// The votes of the newest rounds, of keys that have one: to relay each once, and to count again those that came
/// before the blocks they are about.
#[derive(Clone, Debug, Default)]
pub struct RecentVotes {
    rounds: BTreeMap<Round, BTreeMap<Hash, Vec<Vote>>>,
}

impl RecentVotes {
    /// Keeps a vote whose signature and key were checked. `false`: it is too old, or enough are kept.
    pub fn add(&mut self, vote: Vote) -> bool {
        let round = vote.link.target.checkpoint.round;
        let newer = self.rounds.keys().filter(|known| **known > round).count();
        if newer >= ROUNDS {
            return false;
        }
        let keys = self.rounds.entry(round).or_default();
        if keys.len() >= KEYS && !keys.contains_key(&vote.minting_key) {
            return false;
        }
        let votes = keys.entry(vote.minting_key).or_default();
        if votes.len() >= PER_KEY || votes.contains(&vote) {
            return false;
        }
        votes.push(vote);
        while self.rounds.len() > ROUNDS {
            self.rounds.pop_first();
        }
        true
    }

    /// All of them.
    pub fn all(&self) -> Vec<Vote> {
        self.rounds.values().flat_map(BTreeMap::values).flatten().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use light_client::{
        consensus::spos::{Link, Triple},
        crypto::Signature,
        data_format::Checkpoint,
    };

    use super::*;

    fn vote(key: u8, round: u64, target: u8) -> Vote {
        let triple = |round, id| Triple {
            checkpoint: Checkpoint { round: Round(round), id: Hash([id; 32]) },
            next_slots: Hash::ZERO,
        };
        let link = Link { source: triple(0, 0), target: triple(round, target) };
        Vote { link, minting_key: Hash([key; 32]), signature: Signature([0; 64]) }
    }

    #[test]
    fn a_key_that_votes_for_everything_is_heard_twice_a_round() {
        let mut votes = RecentVotes::default();
        let kept = (0..100).filter(|target| votes.add(vote(1, 5, *target))).count();
        assert_eq!(kept, 2);
        assert!(votes.add(vote(2, 5, 0)));
        assert!(!votes.add(vote(2, 5, 0)), "known");
        assert_eq!(votes.all().len(), 3);
    }

    #[test]
    fn only_the_newest_rounds_are_kept() {
        let mut votes = RecentVotes::default();
        assert!(votes.add(vote(1, 5, 0)) && votes.add(vote(1, 6, 0)) && votes.add(vote(1, 7, 0)));
        assert!(!votes.add(vote(2, 5, 0)), "two newer rounds are known");
        assert!(votes.add(vote(2, 6, 0)));
        let rounds: Vec<u64> = votes.all().iter().map(|vote| vote.link.target.checkpoint.round.0).collect();
        assert_eq!(rounds, [6, 6, 7]);
    }
}
