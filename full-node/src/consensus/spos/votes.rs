use std::collections::BTreeMap;

use light_client::{
    consensus::spos::{Certificate, Electorate, Link, Tables, Vote},
    crypto::{Hash, SignatureError},
    data_format::{ChainId, Round},
};

/// Rounds whose votes are kept, at most; older ones go first.
const MAX_ROUNDS: usize = 1_024;

/// Votes that are not in a block of the best branch yet.
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
    /// The signature does not hold.
    #[error("the vote of {key} does not hold: {error}")]
    Signature {
        /// Whose vote it claims to be.
        key: Hash,
        /// What is wrong.
        error: SignatureError,
    },
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
    /// Keeps a vote; one that is kept already changes nothing.
    ///
    /// # Errors
    /// [`VoteError`] if it does not count.
    pub fn add(
        &mut self,
        vote: Vote,
        chain: &ChainId,
        target: &Tables,
        source: &Tables,
    ) -> Result<(), VoteError> {
        let key = vote.minting_key;
        let round = vote.link.target.checkpoint.round;
        let electorate = Electorate::new(target, source);
        electorate.position(&key).ok_or(VoteError::NoVote(key))?;
        if let Some(known) = self.rounds.get(&round).and_then(|votes| votes.get(&key)) {
            return if *known == vote { Ok(()) } else { Err(VoteError::Twice { key, round }) };
        }
        vote.verify(chain).map_err(|error| VoteError::Signature { key, error })?;
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
