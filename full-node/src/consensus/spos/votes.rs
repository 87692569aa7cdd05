use std::collections::BTreeMap;

use light_client::{
    consensus::spos::{Certificate, Electorate, Link, Tables, Vote},
    crypto::Hash,
    data_format::Round,
};

/// Rounds whose votes are kept, at most; older ones go first.
const MAX_ROUNDS: usize = 1_024;

/// Votes that are not in a block of the best branch yet, for links on any branch.
#[derive(Debug, Default)]
pub struct VotePool {
    /// By round of the target, then by key: a key has one vote in a round.
    rounds: BTreeMap<Round, BTreeMap<Hash, Vote>>,
}

/// Why a vote is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoteError {
    /// The key stands in none of the link's tables.
    #[error("the key {0} has no vote on this link")]
    NoVote(Hash),
    /// The key voted for something else in this round: evidence, or a key in use twice.
    #[error("the key {key} voted twice in round {round}")]
    Twice {
        /// Whose.
        key: Hash,
        /// The round.
        round: Round,
    },
}

impl VotePool {
    /// Whether this very vote is kept.
    pub fn contains(&self, vote: &Vote) -> bool {
        let votes = self.rounds.get(&vote.link.target.checkpoint.round);
        votes.and_then(|votes| votes.get(&vote.minting_key)) == Some(vote)
    }

    /// Keeps a vote whose signature was checked; one that is kept already changes nothing.
    ///
    /// # Errors
    /// [`VoteError`] if it does not count.
    pub fn add(&mut self, vote: Vote, target: &Tables, source: &Tables) -> Result<(), VoteError> {
        let key = vote.minting_key;
        let round = vote.link.target.checkpoint.round;
        let electorate = Electorate::new(target, source);
        electorate.position(&key).ok_or(VoteError::NoVote(key))?;
        if let Some(known) = self.rounds.get(&round).and_then(|votes| votes.get(&key)) {
            return if *known == vote { Ok(()) } else { Err(VoteError::Twice { key, round }) };
        }
        self.rounds.entry(round).or_default().insert(key, vote);
        while self.rounds.len() > MAX_ROUNDS {
            self.rounds.pop_first();
        }
        Ok(())
    }

    /// The certificate of a link with every vote held; `None` without a quorum.
    pub fn certify(&self, link: Link, target: &Tables, source: &Tables) -> Option<Certificate> {
        let votes: Vec<Vote> = self.rounds.get(&link.target.checkpoint.round)?.values().copied().collect();
        Electorate::new(target, source).certify(link, &votes)
    }

    /// The rounds after `justified` that have votes, lowest first.
    pub fn pending(&self, justified: Round) -> impl Iterator<Item = Round> + '_ {
        self.rounds.range(justified.next()..).map(|(round, _)| *round)
    }

    /// Forgets votes for rounds up to this one.
    pub fn forget(&mut self, round: Round) {
        self.rounds = self.rounds.split_off(&round.next());
    }
}

#[cfg(test)]
mod tests {
    use light_client::{
        consensus::spos::{Table, Triple},
        data_format::{ChainId, Checkpoint},
        test_support::chain::{test_key, test_table},
    };

    use super::*;

    const CHAIN: ChainId = Hash([7; 32]);

    fn tables() -> Tables {
        Tables::settled(Table::new(test_table(&[1, 2, 3, 4])).unwrap())
    }

    fn vote(key: u64, round: u64, id: u8) -> Vote {
        let next_slots = tables().commitment();
        let triple = |round, id| Triple {
            checkpoint: Checkpoint { round: Round(round), id: Hash([id; 32]) },
            next_slots,
        };
        Vote::sign(Link { source: triple(0, 0), target: triple(round, id) }, &CHAIN, &test_key(key)).unwrap()
    }

    #[test]
    fn a_key_of_the_tables_has_one_vote_a_round_and_nobody_else_has_one() {
        let (tables, mut pool) = (tables(), VotePool::default());
        let mut add = |vote| pool.add(vote, &tables, &tables);
        assert_eq!(add(vote(1, 5, 1)), Ok(()));
        assert_eq!(add(vote(1, 5, 1)), Ok(()));
        assert!(matches!(add(vote(1, 5, 2)), Err(VoteError::Twice { round: Round(5), .. })));
        assert!(matches!(add(vote(9, 5, 1)), Err(VoteError::NoVote(_))));
        // Votes of one round for two links, neither of which has a quorum.
        assert_eq!((add(vote(2, 5, 1)), add(vote(3, 5, 2)), add(vote(4, 5, 2))), (Ok(()), Ok(()), Ok(())));
        assert!([1, 2].iter().all(|id| pool.certify(vote(1, 5, *id).link, &tables, &tables).is_none()));
        assert_eq!(pool.rounds[&Round(5)].len(), 4);
    }

    #[test]
    fn old_rounds_go_first() {
        let (tables, mut pool) = (tables(), VotePool::default());
        for round in 1..=MAX_ROUNDS as u64 + 3 {
            pool.add(vote(1, round, 1), &tables, &tables).unwrap();
        }
        assert_eq!(pool.rounds.len(), MAX_ROUNDS);
        assert_eq!(pool.pending(Round(0)).next(), Some(Round(4)));
        pool.forget(Round(1_000));
        assert_eq!(pool.pending(Round(0)).next(), Some(Round(1_001)));
    }
}
