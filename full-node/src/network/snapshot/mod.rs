//! How a node starts from the state after a recent final block instead of from every block since the first. A state
//! machine like [`super::sync`]: answers, failures and the time go in, [`Effect`]s come out.
//!
//! 1. *Proving*: peers that are far ahead are asked to prove a final block from what this node trusts: block 0, or a
//!    checkpoint of its operator. The highest block proven is the one.
//! 2. *Beginning*: a peer gives what going on from that block takes: its header, headers before it, slot tables, the
//!    peaks of the range of headers. All of it hangs on the block's id.
//! 3. *Taking*: the entries of the state by rank, a few thousand at a time, from several peers in parallel. Each answer
//!    is proven against the header's `state_root` when it comes, and stored: a node that is killed goes on where it was.
//! 4. *Installing*: the trie is built from the stored entries, and blocks are fetched from there on.
//!
//! **Trust and bounds.** Nothing is believed: a proof that does not hold bans its sender, a peer that does not give what
//! it said it has is charged and left. A peer can make us check as many proofs as we ask it for, at most
//! [`Limits::per_peer`] at a time, each no longer than an answer; store nothing that is not part of the proven state; and
//! wait [`Limits::patience_ms`] for each answer. The size of the state is proven before any of it is stored. If no peer
//! is far ahead, or none can prove it, blocks are fetched as always.
//!
//! A serving node keeps the states after its newest 900 blocks and after the newest final one: at slots of 4 seconds an
//! hour. If it takes longer, or goes on after a longer break, no peer has that state any more. Whatever the reason: where
//! nothing comes for [`Limits::wait_ms`] although there are peers, a newer state is begun from the start,
//! [`Limits::tries`] times. Without peers it waits for some, and keeps what it has.

mod parts;
mod port;
mod progress;
mod stages;

use std::collections::{BTreeMap, BTreeSet};

use libp2p::PeerId;
use light_client::data_format::{BlockId, Height, Time};

use self::parts::Parts;
use super::{
    messages::{Request, Response, Tip},
    peers::Fault,
    sync::RequestId,
};

pub use port::{Begun, FinalBlock, Shown, SnapshotPort, Taking};
pub use progress::Progress;

/// Bounds of the work in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Blocks that a snapshot must be ahead of what is trusted, or blocks are fetched instead.
    pub ahead: u64,
    /// How long peers may give nothing before something else is tried, in milliseconds.
    pub wait_ms: u64,
    /// How long to wait for a higher one after the first was proven, in milliseconds.
    pub higher_ms: u64,
    /// Entries asked for at once.
    pub leaves: u32,
    /// Requests that one peer has open.
    pub per_peer: usize,
    /// Answers that wait to be checked.
    pub at_door: usize,
    /// How long an answer may take, in milliseconds.
    pub patience_ms: u64,
    /// How long a peer that failed is left alone, in milliseconds.
    pub rest_ms: u64,
    /// Snapshots that are begun before blocks are fetched instead.
    pub tries: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ahead: 900,
            wait_ms: 30_000,
            higher_ms: 1_000,
            leaves: 2_048,
            per_peer: 2,
            at_door: 8,
            patience_ms: 15_000,
            rest_ms: 5_000,
            tries: 5,
        }
    }
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask a peer: answer with [`SnapshotSync::answered`] or [`SnapshotSync::failed`].
    Ask {
        /// Whom.
        peer: PeerId,
        /// Under which name.
        id: RequestId,
        /// What.
        request: Request,
    },
    /// Check a proof of finality: answer with [`SnapshotSync::shown`].
    Check {
        /// Who sent it.
        peer: PeerId,
        /// The proof.
        proof: Vec<u8>,
    },
    /// Begin a snapshot: answer with [`SnapshotSync::begun`].
    Begin {
        /// Who sent it.
        peer: PeerId,
        /// Whose state it is of.
        block: BlockId,
        /// What was sent.
        base: Vec<u8>,
    },
    /// Check and store entries: answer with [`SnapshotSync::taken`].
    Take {
        /// Who sent them.
        peer: PeerId,
        /// The rank of the first.
        first: u64,
        /// How many.
        count: u32,
        /// What was sent.
        proof: Vec<u8>,
    },
    /// Make it the state of the node: answer with [`SnapshotSync::installed`].
    Install,
    /// Forget what is stored of it.
    Forget {
        /// No other one comes, blocks do.
        for_good: bool,
    },
    /// Charge a peer.
    Fault {
        /// Whom.
        peer: PeerId,
        /// With what.
        fault: Fault,
    },
}

/// What is known of a peer.
#[derive(Clone, Copy, Debug)]
struct Remote {
    tip: Tip,
    open: usize,
    resting_until: Time,
}

/// A request on its way.
#[derive(Clone, Copy, Debug)]
struct Open {
    peer: PeerId,
    deadline: Time,
    what: Asked,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Proof,
    Base,
    Leaves { block: BlockId, first: u64, count: u64 },
}

/// How far it is.
#[derive(Debug)]
enum Stage {
    /// Not wanted, or done, or given up.
    Over,
    Proving {
        asked: BTreeSet<PeerId>,
        best: Option<FinalBlock>,
        /// When the first one was proven.
        found: Time,
    },
    Beginning {
        block: FinalBlock,
        /// A peer's answer is being asked for or looked at.
        busy: bool,
        lacking: BTreeSet<PeerId>,
    },
    Taking(Box<Leaves>),
    Installing,
}

#[derive(Debug)]
struct Leaves {
    block: FinalBlock,
    total: u64,
    missing: Parts,
    taken: u64,
    at_door: usize,
    /// Who does not have it, or lied about it.
    lacking: BTreeSet<PeerId>,
    /// Who gave a part of it.
    giving: BTreeSet<PeerId>,
    began: Time,
    from: u64,
}

/// The machine for one chain. See the [module](self).
#[derive(Debug)]
pub struct SnapshotSync {
    limits: Limits,
    /// What this node trusts, whether it has to be opened, and its height as far as that is known.
    trusted: (BlockId, bool),
    own: Height,
    peers: BTreeMap<PeerId, Remote>,
    open: BTreeMap<RequestId, Open>,
    next: u64,
    stage: Stage,
    /// When the stage began, or last got on, or nobody was there to get on with.
    active: Time,
    begun: u32,
    effects: Vec<Effect>,
}

impl SnapshotSync {
    /// For a node that wants no snapshot.
    pub const fn over(limits: Limits) -> Self {
        Self {
            limits,
            trusted: (BlockId::ZERO, false),
            own: Height(0),
            peers: BTreeMap::new(),
            open: BTreeMap::new(),
            next: 0,
            stage: Stage::Over,
            active: Time(0),
            begun: 0,
            effects: Vec::new(),
        }
    }

    /// For a node at height `own` that wants one, and trusts a block, which whoever proves something from it may have to
    /// open. `begun` is what it has of one from before.
    pub fn new(
        limits: Limits,
        trusted: (BlockId, bool),
        own: Height,
        begun: Option<Begun>,
        now: Time,
    ) -> Self {
        let stage = match begun {
            Some(Begun { block, total, taken }) => Self::taking(block, total, &taken, now),
            None => Self::proving(now),
        };
        Self { trusted, own, stage, active: now, ..Self::over(limits) }
    }

    /// Whether there is something to do: until then blocks are not fetched.
    pub const fn is_active(&self) -> bool {
        !matches!(self.stage, Stage::Over)
    }

    /// How far it is, once the size of the state is known.
    pub fn progress(&self, now: Time) -> Option<Progress> {
        let Stage::Taking(leaves) = &self.stage else { return None };
        let Leaves { block, began, from, taken, total, .. } = **leaves;
        Some(Progress::since(began, block.height, from, taken, total, now))
    }

    /// A peer says where it stands.
    pub fn peer(&mut self, peer: PeerId, tip: Tip) {
        let remote = self.peers.entry(peer).or_insert(Remote { tip, open: 0, resting_until: Time(0) });
        remote.tip = tip;
    }

    /// A peer is gone.
    pub fn gone(&mut self, peer: &PeerId) {
        self.peers.remove(peer);
        let lost: Vec<RequestId> =
            self.open.iter().filter(|(_, open)| open.peer == *peer).map(|(id, _)| *id).collect();
        for id in lost {
            self.close(id);
        }
    }

    /// A request was answered.
    pub fn answered(&mut self, id: RequestId, response: Response, now: Time) {
        let Some(Open { peer, what, .. }) = self.close(id) else { return };
        match (what, response) {
            (_, Response::Busy) => {
                if let (Asked::Proof, Stage::Proving { asked, .. }) = (what, &mut self.stage) {
                    asked.remove(&peer);
                }
                self.rest(&peer, now);
            }
            (Asked::Proof, Response::Finality(Some(proof))) => {
                self.effects.push(Effect::Check { peer, proof: proof.0 });
            }
            // Another checkpoint than ours is on its chain, or it runs another one.
            (Asked::Proof, Response::Finality(None)) => self.rest(&peer, now),
            (Asked::Base, Response::SnapshotBase(base)) => self.take_base(peer, base.map(|base| base.0), now),
            (Asked::Leaves { block, first, count }, Response::SnapshotLeaves(leaves)) => {
                self.take_leaves(peer, block, (first, count), leaves, now);
            }
            _ => self.wrong(&peer, Fault::WrongAnswer, now),
        }
        self.go_on(now);
    }

    /// A request failed: no answer, a broken one, or no connection. The host charges what it knows to be garbage.
    pub fn failed(&mut self, id: RequestId, now: Time) {
        if let Some(Open { peer, .. }) = self.close(id) {
            self.wrong(&peer, Fault::Stalled, now);
        }
        self.go_on(now);
    }

    /// Time has passed: a few times a second is enough.
    pub fn tick(&mut self, now: Time) {
        let late: Vec<RequestId> =
            self.open.iter().filter(|(_, open)| open.deadline <= now).map(|(id, _)| *id).collect();
        for id in late {
            self.failed(id, now);
        }
        self.go_on(now);
    }

    /// What is to be done, in order.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn ask(&mut self, peer: PeerId, request: Request, what: Asked, now: Time) {
        let id = RequestId(self.next);
        self.next += 1;
        if let Some(remote) = self.peers.get_mut(&peer) {
            remote.open += 1;
        }
        self.open.insert(id, Open { peer, deadline: now.plus_ms(self.limits.patience_ms), what });
        self.effects.push(Effect::Ask { peer, id, request });
    }

    /// Ends a request; what it asked for may be asked for again.
    fn close(&mut self, id: RequestId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        if let Some(remote) = self.peers.get_mut(&open.peer) {
            remote.open = remote.open.saturating_sub(1);
        }
        match (&mut self.stage, open.what) {
            (Stage::Beginning { busy, .. }, Asked::Base) => *busy = false,
            (Stage::Taking(leaves), Asked::Leaves { block, first, count }) if leaves.block.id == block => {
                leaves.missing.add(first, count);
            }
            _ => {}
        }
        Some(open)
    }

    fn wrong(&mut self, peer: &PeerId, fault: Fault, now: Time) {
        self.effects.push(Effect::Fault { peer: *peer, fault });
        self.rest(peer, now);
    }

    fn rest(&mut self, peer: &PeerId, now: Time) {
        if let Some(remote) = self.peers.get_mut(peer) {
            remote.resting_until = now.plus_ms(self.limits.rest_ms);
        }
    }
}

#[cfg(test)]
mod tests;
