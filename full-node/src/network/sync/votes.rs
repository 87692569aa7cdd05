use std::collections::BTreeMap;

use light_client::crypto::Hash;

use crate::network::port::Ballot;

/// Different votes of one voter in one round that are kept and relayed: two prove that it voted twice, more prove
/// nothing new.
const PER_VOTER: usize = 2;
/// Voters whose votes are kept in a round, at most: four tables of 64 slots name no more.
const VOTERS: usize = 256;
/// Rounds whose votes are kept, the newest ones.
const ROUNDS: usize = 2;

/// The votes of the newest rounds, of those who have one: to relay each once, and to count again those that came
/// before the blocks they are about.
#[derive(Clone, Debug, Default)]
pub struct RecentVotes {
    rounds: BTreeMap<u64, BTreeMap<Hash, Vec<Vec<u8>>>>,
}

impl RecentVotes {
    /// Keeps a vote that the chain counts. `false`: it is too old, or enough are kept.
    pub fn add(&mut self, Ballot { round, voter, bytes }: Ballot) -> bool {
        let newer = self.rounds.keys().filter(|known| **known > round).count();
        if newer >= ROUNDS {
            return false;
        }
        let voters = self.rounds.entry(round).or_default();
        if voters.len() >= VOTERS && !voters.contains_key(&voter) {
            return false;
        }
        let votes = voters.entry(voter).or_default();
        if votes.len() >= PER_VOTER || votes.contains(&bytes) {
            return false;
        }
        votes.push(bytes);
        while self.rounds.len() > ROUNDS {
            self.rounds.pop_first();
        }
        true
    }

    /// All of them.
    pub fn all(&self) -> Vec<Vec<u8>> {
        self.rounds.values().flat_map(BTreeMap::values).flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(voter: u8, round: u64, target: u8) -> Ballot {
        Ballot { round, voter: Hash([voter; 32]), bytes: vec![voter, round as u8, target] }
    }

    #[test]
    fn a_voter_that_votes_for_everything_is_heard_twice_a_round() {
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
        let rounds: Vec<u8> = votes.all().iter().map(|vote| vote[1]).collect();
        assert_eq!(rounds, [6, 6, 7]);
    }

    #[test]
    fn no_more_voters_are_kept_than_tables_name() {
        let mut votes = RecentVotes::default();
        let voter = |number: u16| Ballot {
            round: 1,
            voter: Hash([number.to_be_bytes(); 16].concat().try_into().unwrap()),
            bytes: vec![1],
        };
        assert_eq!((0..1_000).filter(|number| votes.add(voter(*number))).count(), VOTERS);
    }
}
