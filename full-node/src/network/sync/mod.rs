//! What to ask whom, so that this node has the best chain that its peers know. A state machine: answers, failures and the
//! time go in, [`Effect`]s come out; no sockets, no clock, no disk. A run replays from its inputs.
//!
//! A node that is far behind asks one peer, the lead, to prove a newer final block from its own newest one. Then it asks
//! several peers for the headers up to that block, each answer proven to be of its branch, and for the bodies: nobody can
//! lead it astray, however long the way is. The rest of the way, and every short one, is made on the lead's word: a node
//! that is behind makes a plan: it asks one peer, the lead, for the headers after a block both have,
//! checks that they are a chain, and then asks several peers for the bodies, a few at a time and in parallel. Blocks
//! go to the chain in their order, and only the chain says whether they are valid: it checks every rule, seal,
//! certificate and state, before it stores anything.
//!
//! **Trust and bounds.** Everything a peer says is a claim. Headers without seals checked cost a liar nothing, so at
//! most [`Limits::headers`] are kept ahead of the chain, and the first body that does not hold ends the plan. A peer
//! can make us keep: one record for its connection; while it leads, that many headers; bodies of these headers up to
//! [`Limits::bytes`]. A peer that claims a better tip and does not give it, gives something else than was asked or is
//! silent for [`Limits::patience_ms`] is charged with a [`Fault`], and another is asked.

mod ask;
mod plan;
mod progress;
mod take;
mod votes;

use std::{collections::BTreeMap, sync::Arc};

use libp2p::PeerId;
use light_client::data_format::{BlockId, Height, Time};

use self::plan::{Plan, Way};
use super::{
    messages::{Request, Response, Tip},
    peers::Fault,
    port::{Block, Certainty, Claims},
};

pub use progress::Progress;
pub use votes::RecentVotes;

/// Bounds of the work in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Headers kept ahead of the chain.
    pub headers: usize,
    /// Blocks that a peer's final block must be ahead of our newest one to be proven first.
    pub anchor_ahead: u64,
    /// Bytes of bodies kept ahead of the chain; one body more may come.
    pub bytes: usize,
    /// Blocks asked for at once.
    pub batch: usize,
    /// Requests that one peer has open.
    pub per_peer: usize,
    /// Blocks at the chain's door.
    pub at_door: usize,
    /// Their bytes; one block more may be there.
    pub bytes_at_door: usize,
    /// How long an answer may take, in milliseconds.
    pub patience_ms: u64,
    /// How long a peer that failed is left alone, in milliseconds.
    pub rest_ms: u64,
    /// Times that a block is asked for before the plan is given up.
    pub tries: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            headers: 4_096,
            anchor_ahead: 128,
            bytes: 64 << 20,
            batch: 16,
            per_peer: 2,
            at_door: 1_536,
            bytes_at_door: 40 << 20,
            patience_ms: 10_000,
            rest_ms: 5_000,
            tries: 4,
        }
    }
}

/// Names a request until it is answered, fails or is too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Find out where this node stands: answer with [`Sync::located`].
    Locate,
    /// Ask a peer: answer with [`Sync::answered`] or [`Sync::failed`].
    Ask {
        /// Whom.
        peer: PeerId,
        /// Under which name.
        id: RequestId,
        /// What.
        request: Request,
    },
    /// Check a proof of finality: answer with [`Sync::shown`].
    Check {
        /// Who sent it.
        peer: PeerId,
        /// The proof.
        proof: Vec<u8>,
    },
    /// Give a block to the chain: answer with [`Sync::inserted`].
    Insert {
        /// The block.
        block: Box<Block>,
        /// Who sent it.
        peer: PeerId,
        /// What is known of it.
        certainty: Certainty,
    },
    /// Charge a peer.
    Fault {
        /// Whom.
        peer: PeerId,
        /// With what.
        fault: Fault,
    },
}

/// What the chain said of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has it, now or since before.
    Taken,
    /// It breaks a rule.
    Invalid,
    /// It may be valid, but does not fit here and now: its parent is not known, its slot has not begun, or it came by itself
    /// and its slot has blocks enough.
    Unfit,
    /// The node's own disk failed.
    Failed,
}

/// What is known of a peer.
#[derive(Clone, Copy, Debug)]
struct Remote {
    tip: Tip,
    open: usize,
    resting_until: Time,
}

/// A request on its way.
#[derive(Clone, Debug)]
struct Open {
    peer: PeerId,
    deadline: Time,
    what: Asked,
}

#[derive(Clone, Debug)]
enum Asked {
    Proof,
    Headers(Vec<BlockId>),
    Anchored(Height),
    Blocks(Vec<BlockId>),
}

/// The machine for one chain. See the [module](self).
#[derive(Debug)]
pub struct Sync {
    limits: Limits,
    claims: Arc<dyn Claims>,
    tip: Tip,
    peers: BTreeMap<PeerId, Remote>,
    open: BTreeMap<RequestId, Open>,
    next: u64,
    /// The newest final block, as far as it is known.
    base: Option<(BlockId, Height)>,
    plan: Option<Plan>,
    /// No plan is made before: the disk failed, or the last plan came to nothing.
    resting_until: Time,
    paused: bool,
    effects: Vec<Effect>,
}

impl Sync {
    /// For a node that stands at `tip`, on a chain whose headers say this.
    pub const fn new(limits: Limits, claims: Arc<dyn Claims>, tip: Tip) -> Self {
        Self {
            limits,
            claims,
            tip,
            peers: BTreeMap::new(),
            open: BTreeMap::new(),
            next: 0,
            base: None,
            plan: None,
            resting_until: Time(0),
            paused: false,
            effects: Vec::new(),
        }
    }

    /// While it is paused it makes no plans: a snapshot comes first.
    pub const fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Where this node stands now.
    pub fn stands_at(&mut self, tip: Tip) {
        self.tip = tip;
    }

    /// A peer says where it stands: on greeting, in an answer, or by a block it sent.
    pub fn peer(&mut self, peer: PeerId, tip: Tip) {
        let remote = self.peers.entry(peer).or_insert(Remote { tip, open: 0, resting_until: Time(0) });
        remote.tip = tip;
    }

    /// A peer sent a block: it stands there at least.
    pub fn peer_has(&mut self, peer: PeerId, tip: Tip) {
        if let Some(remote) = self.peers.get_mut(&peer).filter(|remote| remote.tip.weight < tip.weight) {
            remote.tip = Tip { kept_from: remote.tip.kept_from, ..tip };
        }
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

    /// Where this node stands, and the blocks of its branch to find the fork with: newest first, the newest final one
    /// last.
    pub fn located(&mut self, tip: Tip, locator: Vec<BlockId>, now: Time) {
        self.tip = tip;
        self.base = locator.last().map(|id| (*id, tip.final_height));
        if let Some(plan) = self.plan.as_mut().filter(|plan| plan.locator.is_empty()) {
            plan.locator = locator;
            let lead = self.peers.get(&plan.lead);
            // Its blocks came by gossip in the meantime.
            if lead.is_none_or(|remote| remote.tip.weight <= tip.weight) {
                self.plan = None;
            }
        }
        self.go_on(now);
    }

    /// A request was answered.
    pub fn answered(&mut self, id: RequestId, response: Response, now: Time) {
        let Some(Open { peer, what, .. }) = self.close(id) else { return };
        match (what, response) {
            (Asked::Headers(locator), Response::Headers(headers)) => {
                self.take_headers(peer, &locator, headers, now);
            }
            (Asked::Blocks(ids), Response::Blocks(blocks)) => self.take_blocks(peer, &ids, blocks, now),
            (Asked::Proof, Response::Finality(proof)) => self.take_proof(peer, proof, now),
            (Asked::Anchored(after), Response::AnchoredHeaders(headers)) => {
                self.take_anchored(peer, after, headers, now);
            }
            (_, Response::Busy) => self.rest(&peer, now),
            _ => self.wrong(peer, Fault::WrongAnswer, now),
        }
        self.go_on(now);
    }

    /// A request failed: no answer, a broken one, or no connection. The host charges what it knows to be garbage.
    pub fn failed(&mut self, id: RequestId, now: Time) {
        if let Some(Open { peer, .. }) = self.close(id) {
            self.wrong(peer, Fault::Stalled, now);
        }
        self.go_on(now);
    }

    /// The chain spoke about blocks that were given to it, in their order.
    pub fn inserted(&mut self, row: &[(BlockId, Verdict)], now: Time) {
        for (id, verdict) in row {
            self.judged(id, *verdict, now);
        }
        self.go_on(now);
    }

    fn judged(&mut self, id: &BlockId, verdict: Verdict, now: Time) {
        let Some(plan) = &mut self.plan else { return };
        match verdict {
            Verdict::Taken => plan.taken(id, now),
            Verdict::Invalid => {
                let (sender, tries) = plan.refused(id);
                let (lead, anchored) = (plan.lead, plan.is_anchored());
                if let Some(sender) = sender {
                    self.wrong(sender, Fault::InvalidBlock, now);
                }
                // Its headers may be what does not hold, and whoever gives their bodies lies too.
                if tries >= self.limits.tries {
                    if !anchored {
                        self.wrong(lead, Fault::FalseTip, now);
                    }
                    self.give_up(now);
                }
            }
            // The chain moved on meanwhile, or the lead's branch is not one of ours any more.
            Verdict::Unfit if plan.is_at_door(id) => {
                let lead = plan.lead;
                self.rest(&lead, now);
                self.plan = None;
            }
            // What came after an invalid block.
            Verdict::Unfit => {}
            Verdict::Failed => self.give_up(now),
        }
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

    /// Whether better blocks than ours are on their way; how far that is.
    pub fn progress(&self, now: Time) -> Option<Progress> {
        let plan = self.plan.as_ref().filter(|plan| plan.has_headers())?;
        let target = self.peers.get(&plan.lead).map_or(plan.newest, |remote| remote.tip.height);
        let target = if let Way::Anchored(block) = plan.way { target.max(block.height) } else { target };
        // A claim far beyond what the clock allows is none.
        let possible = self.claims.highest(now).unwrap_or(target);
        let target = target.max(plan.newest).min(possible.max(plan.newest));
        Some(Progress::since(plan.began, plan.from, self.tip.height, target, now))
    }

    /// Where a peer says it stands.
    pub fn tip_of(&self, peer: &PeerId) -> Option<Tip> {
        self.peers.get(peer).map(|remote| remote.tip)
    }

    /// Peers that take part.
    pub fn peers(&self) -> usize {
        self.peers.len()
    }

    fn go_on(&mut self, now: Time) {
        if let Some(plan) = &self.plan {
            let (lead, weight) = (plan.lead, self.tip.weight);
            let remote = self.peers.get(&lead);
            if plan.is_done() {
                // Its branch is here, and the chain does not follow it, not yet at least. Beyond a final block its branch goes on.
                if !plan.is_anchored() && remote.is_some_and(|remote| remote.tip.weight > weight) {
                    self.rest(&lead, now);
                }
                self.plan = None;
            } else if plan.len() == 0
                && !plan.is_anchored()
                && remote.is_none_or(|remote| remote.resting_until > now)
            {
                self.plan = None;
            } else if now.ms_since(plan.active) > 2 * self.limits.patience_ms {
                // Nobody has these blocks any more.
                self.give_up(now);
            }
        }
        if self.plan.is_none() {
            self.make_plan(now);
        }
        self.ask_headers(now);
        self.ask_blocks(now);
        if let Some(plan) = &mut self.plan {
            let certainty = plan.certainty();
            let ready = plan.ready(self.limits.at_door, self.limits.bytes_at_door);
            let insert = |(block, peer)| Effect::Insert { block, peer, certainty };
            self.effects.extend(ready.into_iter().map(insert));
        }
    }

    fn wrong(&mut self, peer: PeerId, fault: Fault, now: Time) {
        self.effects.push(Effect::Fault { peer, fault });
        self.rest(&peer, now);
        if matches!(fault, Fault::FalseTip)
            && let Some(remote) = self.peers.get_mut(&peer)
        {
            // Until it says something new.
            remote.tip = Tip::default();
        }
        if self.plan.as_ref().is_some_and(|plan| plan.lead == peer && !plan.has_headers()) {
            self.plan = None;
        }
    }

    fn rest(&mut self, peer: &PeerId, now: Time) {
        if let Some(remote) = self.peers.get_mut(peer) {
            remote.resting_until = now.plus_ms(self.limits.rest_ms);
        }
    }

    fn give_up(&mut self, now: Time) {
        self.plan = None;
        self.resting_until = now.plus_ms(self.limits.rest_ms);
    }
}

#[cfg(test)]
mod tests;
