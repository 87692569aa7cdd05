//! What the network makes of what a chain says of a message: relay it or not, whom to charge for what, and whether its
//! sender stands where it says. No sockets, no queues and no clock, so the host over libp2p and the simulator decide by the
//! same lines.

use libp2p::gossipsub::MessageAcceptance;
use light_client::data_format::{Header, Time};

use super::{
    peers::{Admission, Fault},
    port::{Ballot, Claims, Heard, PortError, Taken},
    protocol::Topic,
    sync::{RecentVotes, Sync, Verdict},
};

/// How long a node that knows peers waits for the first greeting before it mints.
const FIRST_GREETING_MS: u64 = 5_000;
/// Blocks behind the network that a node may be and still mint.
const NEAR: u64 = 2;
/// How long a node that is behind waits for the next block of the others before it mints again: a claim of a longer
/// chain alone, which costs a liar nothing, must not keep it silent.
const BEHIND_MS: u64 = 2_000;

/// What to say about a message of gossip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opinion {
    /// Relay it.
    Good,
    /// Neither relay nor blame.
    Ignore,
    /// It cannot be decoded.
    Garbage,
    /// It breaks a rule.
    Bad,
}

/// What becomes of a message of gossip, and what its sender is charged with.
#[derive(Debug)]
pub(crate) struct Decision {
    /// Whether it is relayed.
    pub(crate) acceptance: MessageAcceptance,
    /// What its sender did wrong.
    pub(crate) fault: Option<Fault>,
}

/// A block by gossip.
#[derive(Debug)]
pub(crate) struct BlockDecision {
    /// What becomes of the message.
    pub(crate) message: Decision,
    /// Whether its sender stands at this block.
    pub(crate) stands: bool,
}

impl Decision {
    /// It is neither relayed nor anybody's fault.
    pub(crate) const IGNORE: Self = Self { acceptance: MessageAcceptance::Ignore, fault: None };

    const fn reject(fault: Fault) -> Self {
        Self { acceptance: MessageAcceptance::Reject, fault: Some(fault) }
    }

    /// What becomes of a message that is not looked at; `None`: it is.
    pub(crate) const fn of_admission(admission: Admission) -> Option<Self> {
        match admission {
            Admission::Take => None,
            Admission::Drop => Some(Self::IGNORE),
            // The sender is to blame, and not who it has it from.
            Admission::Wrong(fault) => {
                Some(Self { acceptance: MessageAcceptance::Ignore, fault: Some(fault) })
            }
        }
    }

    /// What becomes of a message of which the chain has this opinion.
    pub(crate) const fn of_opinion(topic: Topic, opinion: Opinion) -> Self {
        match (opinion, topic) {
            (Opinion::Good, _) => Self { acceptance: MessageAcceptance::Accept, fault: None },
            (Opinion::Ignore, _) => Self::IGNORE,
            (Opinion::Garbage, _) => Self::reject(Fault::Garbage),
            (Opinion::Bad, Topic::Blocks) => Self::reject(Fault::InvalidBlock),
            (Opinion::Bad, Topic::Votes) => Self::reject(Fault::InvalidVote),
            (Opinion::Bad, Topic::Transactions) => Self::reject(Fault::InvalidTransaction),
        }
    }
}

impl BlockDecision {
    /// What becomes of a block by gossip with this verdict.
    pub(crate) fn new(verdict: Verdict, header: &Header, claims: &dyn Claims, now: Time) -> Self {
        let opinion = match verdict {
            Verdict::Taken => Opinion::Good,
            Verdict::Invalid => Opinion::Bad,
            Verdict::Unfit | Verdict::Failed => Opinion::Ignore,
        };
        // What breaks no rule says where its sender stands; what comes too early says nothing yet.
        let stands = match verdict {
            Verdict::Taken => true,
            Verdict::Unfit => claims.has_begun(header, now),
            Verdict::Invalid | Verdict::Failed => false,
        };
        Self { message: Decision::of_opinion(Topic::Blocks, opinion), stands }
    }
}

/// The opinion of a vote; one that counts is kept to be counted again, and relayed if it is new.
pub(crate) fn of_vote(heard: Heard, bytes: Vec<u8>, recent: &mut RecentVotes) -> Opinion {
    match heard {
        Heard::Counts { round, voter } => {
            let new = recent.add(Ballot { round, voter, bytes });
            if new { Opinion::Good } else { Opinion::Ignore }
        }
        Heard::Garbage => Opinion::Garbage,
        Heard::Forged => Opinion::Bad,
        Heard::NoVoice | Heard::Untimely => Opinion::Ignore,
    }
}

/// The opinion of a transaction. `None`: ask again when an earlier transaction of the sender is here.
pub(crate) fn of_transaction(taken: Result<Taken, PortError>) -> Option<Opinion> {
    match taken {
        Ok(Taken::New) => Some(Opinion::Good),
        Ok(Taken::Early) => None,
        Ok(Taken::Invalid) => Some(Opinion::Bad),
        Ok(Taken::Known | Taken::Unwanted) => Some(Opinion::Ignore),
        Err(error) => {
            tracing::debug!(%error, "a transaction is not taken");
            Some(Opinion::Ignore)
        }
    }
}

/// Since when a node runs and fetches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    /// When it started.
    pub(crate) started: Time,
    /// When a fetched block was last taken.
    pub(crate) fetched: Time,
}

/// Whether a node makes no blocks now, because others would have to leave them: it is far behind, or has not met any of
/// the peers that it knows.
pub(crate) fn holds(sync: &Sync, knows_peers: bool, since: Since, now: Time) -> bool {
    let alone = knows_peers && now.ms_since(since.started) < FIRST_GREETING_MS;
    let behind = sync.progress(now).is_some_and(|progress| progress.target.0 > progress.at.0 + NEAR);
    let comes = now.ms_since(since.fetched) < BEHIND_MS;
    let begins = now.ms_since(since.started) < 2 * FIRST_GREETING_MS;
    (behind && (comes || begins)) || (alone && sync.peers() == 0)
}

#[cfg(test)]
mod tests {
    use light_client::{crypto::Hash, data_format::Height, test_support::chain::test_spec};

    use super::*;

    /// Whether it is relayed, refused or neither, as a letter, and the fault.
    fn shown(decision: &Decision) -> (char, Option<Fault>) {
        let letter = match decision.acceptance {
            MessageAcceptance::Accept => 'a',
            MessageAcceptance::Ignore => 'i',
            MessageAcceptance::Reject => 'r',
        };
        (letter, decision.fault)
    }

    #[test]
    fn what_breaks_a_rule_is_charged_by_what_it_is_and_nothing_else_is() {
        let of = |topic, opinion| shown(&Decision::of_opinion(topic, opinion));
        let faults = [Fault::InvalidBlock, Fault::InvalidVote, Fault::InvalidTransaction];
        for (topic, fault) in Topic::ALL.into_iter().zip(faults) {
            assert_eq!(of(topic, Opinion::Good), ('a', None));
            assert_eq!(of(topic, Opinion::Ignore), ('i', None));
            assert_eq!(of(topic, Opinion::Garbage), ('r', Some(Fault::Garbage)));
            assert_eq!(of(topic, Opinion::Bad), ('r', Some(fault)));
        }
        assert!(Decision::of_admission(Admission::Take).is_none());
        assert_eq!(shown(&Decision::of_admission(Admission::Drop).unwrap()), ('i', None));
        let flood = Decision::of_admission(Admission::Wrong(Fault::Flood)).unwrap();
        assert_eq!(shown(&flood), ('i', Some(Fault::Flood)));
    }

    #[test]
    fn a_vote_counts_once_and_only_a_forged_one_is_bad() {
        let mut recent = RecentVotes::default();
        let counts = Heard::Counts { round: 3, voter: Hash([1; 32]) };
        let mut of = |heard| of_vote(heard, vec![7], &mut recent);
        assert_eq!([of(counts), of(counts)], [Opinion::Good, Opinion::Ignore]);
        assert_eq!([of(Heard::Garbage), of(Heard::Forged)], [Opinion::Garbage, Opinion::Bad]);
        assert_eq!([of(Heard::NoVoice), of(Heard::Untimely)], [Opinion::Ignore; 2]);
        assert_eq!(recent.all(), [vec![7]]);
    }

    #[test]
    fn only_an_invalid_transaction_is_bad() {
        assert_eq!(of_transaction(Ok(Taken::New)), Some(Opinion::Good));
        assert_eq!(of_transaction(Ok(Taken::Early)), None);
        assert_eq!(of_transaction(Ok(Taken::Invalid)), Some(Opinion::Bad));
        let failed = Err(PortError("the disk is gone".to_owned()));
        for harmless in [Ok(Taken::Known), Ok(Taken::Unwanted), failed] {
            assert_eq!(of_transaction(harmless), Some(Opinion::Ignore));
        }
    }

    /// Every block has begun, or none.
    #[derive(Debug)]
    struct Begun(bool);

    impl Claims for Begun {
        fn begins(&self, _: &Header) -> Time {
            Time(if self.0 { 0 } else { u64::MAX })
        }

        fn highest(&self, _: Time) -> Option<Height> {
            None
        }
    }

    #[test]
    fn a_sender_stands_at_what_breaks_no_rule_and_has_begun() {
        let chain = test_spec(4, Vec::new()).id();
        let header = light_client::consensus::genesis(&chain, Hash::ZERO, Hash::ZERO).header;
        let of = |verdict, begun| {
            let decision = BlockDecision::new(verdict, &header, &Begun(begun), Time(5));
            (shown(&decision.message), decision.stands)
        };
        assert_eq!(of(Verdict::Taken, true), (('a', None), true));
        assert_eq!(of(Verdict::Unfit, true), (('i', None), true));
        assert_eq!(of(Verdict::Unfit, false), (('i', None), false));
        assert_eq!(of(Verdict::Failed, true), (('i', None), false));
        assert_eq!(of(Verdict::Invalid, true), (('r', Some(Fault::InvalidBlock)), false));
    }
}
