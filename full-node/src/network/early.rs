//! Transactions that came before an earlier one of their sender: what is kept until that is here.
//!
//! **Trust and bounds.** Each is signed, by somebody who has an account; but a speck of coins is enough for any number of
//! gaps. Honest peers relay a sender's transactions in their order, so from them few come early, and not by much. At most 1,024
//! are kept, for three seconds; of one sender 64, those that it needs next; of one peer a quarter. When the room is taken,
//! whoever has most gives way, so that a peer always has as much of it as any other. A signature is checked when the
//! transaction comes, and again only when the one before it has been taken: what waits costs nothing while others come.

use std::collections::BTreeMap;

use libp2p::{PeerId, gossipsub::MessageId};
use light_client::data_format::{SignedTransaction, Time, Transaction};

/// Transactions that wait, at most.
const EARLY: usize = 1_024;
/// Those of one peer.
const OF_PEER: usize = EARLY / 4;
/// Those of one sender.
const OF_SENDER: usize = 64;
/// How long they wait: as long as the gossip remembers them.
const EARLY_MS: u64 = 3_000;

/// A transaction by gossip.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// When it came.
    pub(super) since: Time,
    pub(super) peer: PeerId,
    pub(super) id: MessageId,
    pub(super) signed: SignedTransaction,
}

/// What waits, in the order in which it came.
#[derive(Debug, Default)]
pub(super) struct Early(Vec<Waiting>);

impl Early {
    /// Takes one in, and gives back the one that has no room then, if it is one too many.
    pub(super) fn add(&mut self, waiting: Waiting) -> Option<Waiting> {
        let (peer, sender) = (waiting.peer, waiting.signed.transaction.sender);
        self.0.push(waiting);
        let of_sender =
            self.0.iter().enumerate().filter(|(_, other)| other.signed.transaction.sender == sender);
        let too_many = if of_sender.clone().count() > OF_SENDER {
            of_sender.max_by_key(|(_, other)| other.signed.transaction.nonce).map(|(place, _)| place)
        } else if self.0.iter().filter(|other| other.peer == peer).count() > OF_PEER {
            self.newest_of(&peer)
        } else if self.0.len() > EARLY {
            self.fullest(&peer).and_then(|fullest| self.newest_of(&fullest))
        } else {
            None
        };
        too_many.map(|place| self.0.remove(place))
    }

    /// Takes out those that waited for this one, which was taken.
    pub(super) fn after(&mut self, taken: &Transaction) -> Vec<Waiting> {
        let next = taken.nonce.checked_add(1);
        let follows = |other: &Transaction| other.sender == taken.sender && Some(other.nonce) == next;
        self.0.extract_if(.., |waiting| follows(&waiting.signed.transaction)).collect()
    }

    /// Takes out those that waited for too long.
    pub(super) fn expired(&mut self, now: Time) -> Vec<Waiting> {
        self.0.extract_if(.., |waiting| now.ms_since(waiting.since) > EARLY_MS).collect()
    }

    fn newest_of(&self, peer: &PeerId) -> Option<usize> {
        self.0.iter().rposition(|waiting| waiting.peer == *peer)
    }

    /// The peer that has most; of equals the one that had something taken in.
    fn fullest(&self, newcomer: &PeerId) -> Option<PeerId> {
        let mut counts: BTreeMap<PeerId, usize> = BTreeMap::new();
        for waiting in &self.0 {
            *counts.entry(waiting.peer).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(peer, count)| (*count, peer == newcomer));
        most.map(|(peer, _)| peer)
    }
}

#[cfg(test)]
mod tests {
    use light_client::{
        crypto::{PublicKey, Signature},
        data_format::{Amount, Height},
    };

    use super::*;

    fn waiting(peer: PeerId, sender: u64, nonce: u64) -> Waiting {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&sender.to_le_bytes());
        let transaction = Transaction {
            sender: PublicKey::Ed25519(key),
            nonce,
            fee: Amount(0),
            valid_until: Height(0),
            calls: Vec::new(),
            memo: Vec::new(),
        };
        let id = MessageId::new(&[sender.to_le_bytes(), nonce.to_le_bytes()].concat());
        Waiting {
            since: Time(1_000),
            peer,
            id,
            signed: SignedTransaction { transaction, signature: Signature([0; 64]) },
        }
    }

    fn nonces(waiting: &[Waiting]) -> Vec<u64> {
        waiting.iter().map(|waiting| waiting.signed.transaction.nonce).collect()
    }

    #[test]
    fn what_follows_is_taken_out_and_nothing_else() {
        let (mut early, peer) = (Early::default(), PeerId::random());
        for (sender, nonce) in [(1, 5), (1, 6), (2, 5), (1, 5), (1, 0)] {
            assert_eq!(early.add(waiting(peer, sender, nonce)), None);
        }
        let taken = |nonce| waiting(peer, 1, nonce).signed.transaction;
        assert!(early.after(&taken(3)).is_empty() && early.after(&taken(u64::MAX)).is_empty());
        assert_eq!(early.after(&taken(4)), [waiting(peer, 1, 5), waiting(peer, 1, 5)]);
        assert_eq!(nonces(&early.after(&taken(5))), [6]);
        assert_eq!(early.0, [waiting(peer, 2, 5), waiting(peer, 1, 0)]);
    }

    #[test]
    fn a_sender_has_room_for_what_it_needs_next_whoever_relays_it() {
        let mut early = Early::default();
        let far = 1_000..1_000 + OF_SENDER as u64;
        for nonce in far.clone() {
            assert_eq!(early.add(waiting(PeerId::random(), 1, nonce)), None);
        }
        let peer = PeerId::random();
        assert_eq!(
            early.add(waiting(peer, 1, far.end)),
            Some(waiting(peer, 1, far.end)),
            "further ahead than all"
        );
        for nonce in 0..OF_SENDER as u64 {
            let gone = early.add(waiting(peer, 1, nonce)).map(|gone| gone.signed.transaction.nonce);
            assert_eq!(gone, Some(far.end - 1 - nonce));
        }
        assert_eq!(nonces(&early.0), (0..OF_SENDER as u64).collect::<Vec<_>>());
        assert_eq!(early.add(waiting(peer, 2, 1_000)), None, "it is in nobody's way");
    }

    #[test]
    fn a_peer_has_a_part_of_the_room_and_when_all_is_taken_the_others_come_first() {
        let (mut early, peers) = (Early::default(), [(); 4].map(|()| PeerId::random()));
        // A sender of its own for each transaction.
        let mut senders = 0..;
        let mut next = |peer| waiting(peer, senders.next().unwrap(), 7);
        for peer in peers {
            for _ in 0..OF_PEER {
                assert_eq!(early.add(next(peer)), None);
            }
            assert_eq!(early.add(next(peer)).map(|gone| gone.peer), Some(peer));
        }
        assert_eq!(early.0.len(), EARLY);
        // A fifth comes, and has a fifth of the room in the end.
        let honest = PeerId::random();
        let mut kept = 0;
        while early.add(next(honest)).is_some_and(|gone| gone.peer != honest) {
            kept += 1;
        }
        assert_eq!(kept, EARLY / 5);
        for peer in peers {
            assert_eq!(early.add(next(peer)).map(|gone| gone.peer), Some(peer), "it pushes nobody out");
        }
        assert_eq!((early.0.len(), &early.0[0]), (EARLY, &waiting(peers[0], 0, 7)), "what came first stays");
    }

    #[test]
    fn nothing_waits_for_long() {
        let (mut early, peer) = (Early::default(), PeerId::random());
        assert_eq!(early.add(waiting(peer, 1, 5)), None);
        assert_eq!(early.add(Waiting { since: Time(1_001), ..waiting(peer, 1, 6) }), None);
        assert!(early.expired(Time(1_000 + EARLY_MS)).is_empty());
        assert_eq!(early.expired(Time(1_001 + EARLY_MS)), [waiting(peer, 1, 5)]);
        assert_eq!(nonces(&early.0), [6]);
    }
}
