//! What to ask whom, so that this node has the best chain that its peers know. A state machine: answers, failures and the
//! time go in, [`Effect`]s come out; no sockets, no clock, no disk. A run replays from its inputs.
//!
//! A node that is behind makes a plan: it asks one peer, the lead, for the headers after a block both have,
//! checks that they are a chain, and then asks several peers for the bodies, a few at a time and in parallel. Blocks
//! go to the chain in their order, and only the chain says whether they are valid: it checks every rule, seal,
//! certificate and state, before it stores anything.
//!
//! **Trust and bounds.** Everything a peer says is a claim. Headers without seals checked cost a liar nothing, so at
//! most [`Limits::headers`] are kept ahead of the chain, and the first body that does not hold ends the plan. A peer
//! can make us keep: one record for its connection; while it leads, that many headers; bodies of these headers up to
//! [`Limits::bytes`]. A peer that claims a better tip and does not give it, gives something else than was asked or is
//! silent for [`Limits::patience_ms`] is charged with a [`Fault`], and another is asked.

mod plan;
mod progress;
mod votes;

use std::collections::BTreeMap;

use libp2p::PeerId;
use light_client::{
    consensus::spos::{Block, Clock, SLOT_TOLERANCE_MS},
    data_format::{BlockId, Header, Height, SealedHeader, Time},
};

use self::plan::{Body, Plan};
use super::{
    messages::{Headers, Request, Response, Tip},
    peers::Fault,
    protocol::MAX_HEADERS,
};

pub use progress::Progress;
pub use votes::RecentVotes;

/// Bounds of the work in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Headers kept ahead of the chain.
    pub headers: usize,
    /// Bytes of bodies kept ahead of the chain; one body more may come.
    pub bytes: usize,
    /// Blocks asked for at once.
    pub batch: usize,
    /// Requests that one peer has open.
    pub per_peer: usize,
    /// Blocks at the chain's door.
    pub at_door: usize,
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
            headers: 1_024,
            bytes: 64 << 20,
            batch: 16,
            per_peer: 2,
            at_door: 8,
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
    /// Give a block to the chain: answer with [`Sync::inserted`].
    Insert {
        /// The block.
        block: Box<Block>,
        /// Who sent it.
        peer: PeerId,
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
    /// It may be valid, but does not fit here and now: its parent is not known, its slot has not begun or has blocks
    /// enough.
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
    Headers(Vec<BlockId>),
    Blocks(Vec<BlockId>),
}

/// The machine for one chain. See the [module](self).
#[derive(Debug)]
pub struct Sync {
    limits: Limits,
    clock: Clock,
    tip: Tip,
    peers: BTreeMap<PeerId, Remote>,
    open: BTreeMap<RequestId, Open>,
    next: u64,
    plan: Option<Plan>,
    /// No plan is made before: the disk failed, or the last plan came to nothing.
    resting_until: Time,
    effects: Vec<Effect>,
}

impl Sync {
    /// For a node that stands at `tip`, on a chain with this clock.
    pub const fn new(limits: Limits, clock: Clock, tip: Tip) -> Self {
        Self {
            limits,
            clock,
            tip,
            peers: BTreeMap::new(),
            open: BTreeMap::new(),
            next: 0,
            plan: None,
            resting_until: Time(0),
            effects: Vec::new(),
        }
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
        if self.peers.get(&peer).is_some_and(|remote| remote.tip.weight() < tip.weight()) {
            self.peer(peer, tip);
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
        if let Some(plan) = self.plan.as_mut().filter(|plan| plan.locator.is_empty()) {
            plan.locator = locator;
            let lead = self.peers.get(&plan.lead);
            // Its blocks came by gossip in the meantime.
            if lead.is_none_or(|remote| remote.tip.weight() <= tip.weight()) {
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

    /// The chain spoke about a block that was given to it.
    pub fn inserted(&mut self, id: &BlockId, verdict: Verdict, now: Time) {
        let Some(plan) = &mut self.plan else { return };
        match verdict {
            Verdict::Taken => plan.taken(id, now),
            Verdict::Invalid => {
                let (sender, tries) = plan.refused(id);
                let lead = plan.lead;
                if let Some(sender) = sender {
                    self.wrong(sender, Fault::InvalidBlock, now);
                }
                // Its headers may be what does not hold, and whoever gives their bodies lies too.
                if tries >= self.limits.tries {
                    self.wrong(lead, Fault::FalseTip, now);
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

    /// Whether better blocks than ours are on their way; how far that is.
    pub fn progress(&self, now: Time) -> Option<Progress> {
        let plan = self.plan.as_ref().filter(|plan| plan.has_headers())?;
        let target = self.peers.get(&plan.lead).map_or(plan.newest, |remote| remote.tip.height);
        // A claim far beyond what the clock allows is none.
        let possible = Height(self.clock.slot_at(now).map_or(0, |slot| slot.0));
        let target = target.max(plan.newest).min(possible.max(plan.newest));
        Some(Progress::since(plan.began, plan.from, self.tip.height, target, now))
    }

    /// Peers that take part.
    pub fn peers(&self) -> usize {
        self.peers.len()
    }

    fn go_on(&mut self, now: Time) {
        if let Some(plan) = &self.plan {
            let (lead, weight) = (plan.lead, self.tip.weight());
            let remote = self.peers.get(&lead);
            if plan.is_done() {
                // Its branch is here, and the chain does not follow it, not yet at least.
                if remote.is_some_and(|remote| remote.tip.weight() > weight) {
                    self.rest(&lead, now);
                }
                self.plan = None;
            } else if plan.len() == 0 && remote.is_none_or(|remote| remote.resting_until > now) {
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
            let ready = plan.ready(self.limits.at_door);
            self.effects.extend(ready.into_iter().map(|(block, peer)| Effect::Insert { block, peer }));
        }
    }

    fn make_plan(&mut self, now: Time) {
        if now < self.resting_until {
            return;
        }
        let ahead = self
            .peers
            .iter()
            .filter(|(_, remote)| remote.tip.weight() > self.tip.weight() && remote.resting_until <= now);
        let best = ahead.max_by_key(|(_, remote)| remote.tip.weight());
        if let Some((lead, _)) = best {
            self.plan = Some(Plan::new(*lead, self.tip.height, now));
            self.effects.push(Effect::Locate);
        }
    }

    fn ask_headers(&mut self, now: Time) {
        let Some(plan) = &mut self.plan else { return };
        let room = self.limits.headers.saturating_sub(plan.len());
        if !plan.wants_headers() || room < self.limits.headers / 2 || plan.locator.is_empty() {
            return;
        }
        let lead = plan.lead;
        if self.peers.get(&lead).is_none_or(|remote| remote.resting_until > now) {
            return;
        }
        plan.asking = true;
        let locator = plan.locator.clone();
        let limit = u32::try_from(room).unwrap_or(MAX_HEADERS).min(MAX_HEADERS);
        let request = Request::Headers { locator: locator.clone(), limit };
        self.ask(lead, request, Asked::Headers(locator), now);
    }

    fn ask_blocks(&mut self, now: Time) {
        loop {
            let Some(plan) = &mut self.plan else { return };
            let Some((ids, highest)) = plan.missing(self.limits.batch, self.limits.bytes) else { return };
            let free = self.peers.iter().filter(|(_, remote)| {
                remote.open < self.limits.per_peer
                    && remote.resting_until <= now
                    && remote.tip.height >= highest
            });
            // The least busy; among equals the order of ids, which nobody chooses for us.
            let Some(peer) = free.min_by_key(|(_, remote)| remote.open).map(|(peer, _)| *peer) else {
                return;
            };
            plan.asked(&ids);
            self.ask(peer, Request::Blocks { ids: ids.clone() }, Asked::Blocks(ids), now);
        }
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
        if let Some(plan) = &mut self.plan {
            match &open.what {
                Asked::Headers(locator) if plan.lead == open.peer && plan.locator == *locator => {
                    plan.asking = false;
                }
                // Of an earlier plan.
                Asked::Headers(_) => {}
                Asked::Blocks(ids) => plan.unasked(ids),
            }
        }
        Some(open)
    }

    fn take_headers(&mut self, peer: PeerId, locator: &[BlockId], headers: Option<Headers>, now: Time) {
        // Of an earlier plan.
        let Some(plan) = self.plan.as_mut().filter(|plan| plan.lead == peer && plan.locator == *locator)
        else {
            return;
        };
        let first_answer = !plan.has_headers();
        let Some(Headers(headers)) = headers else {
            // It left the branch that it gave, or does not have our final block: nothing that we could take.
            self.rest(&peer, now);
            self.plan = None;
            return;
        };
        if headers.is_empty() {
            plan.complete = true;
            if first_answer {
                self.wrong(peer, Fault::FalseTip, now);
                self.plan = None;
            }
            return;
        }
        match chained(&self.clock, locator, &headers, now) {
            Ok(ids) => {
                // Slots that have not begun come later.
                plan.complete = ids.len() < headers.len();
                plan.extend(ids.into_iter().zip(headers), now);
            }
            Err(fault) => {
                self.wrong(peer, fault, now);
                self.plan = None;
            }
        }
    }

    fn take_blocks(&mut self, peer: PeerId, ids: &[BlockId], blocks: Vec<Block>, now: Time) {
        if blocks.is_empty() {
            // It left the branch, or never had it.
            if self.plan.as_mut().is_some_and(|plan| plan.lacking(ids) >= self.limits.tries) {
                let lead = self.plan.as_ref().map(|plan| plan.lead);
                if let Some(lead) = lead {
                    self.wrong(lead, Fault::FalseTip, now);
                }
                self.give_up(now);
            }
            self.rest(&peer, now);
            return;
        }
        let given = blocks.len();
        for (place, block) in blocks.into_iter().enumerate() {
            let id = block.header.header.id();
            if ids.get(place) != Some(&id) {
                self.wrong(peer, Fault::WrongAnswer, now);
                return;
            }
            if let Some(plan) = &mut self.plan {
                plan.received(&id, Body::new(block, peer), now);
            }
        }
        tracing::trace!(%peer, given, asked = ids.len(), "blocks came");
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

/// The ids of headers that are a chain from one of the blocks of the locator, up to the last whose slot has begun.
fn chained(
    clock: &Clock,
    locator: &[BlockId],
    headers: &[SealedHeader],
    now: Time,
) -> Result<Vec<BlockId>, Fault> {
    let mut ids: Vec<BlockId> = Vec::with_capacity(headers.len());
    let mut before: Option<&SealedHeader> = None;
    for sealed in headers {
        let header = &sealed.header;
        let follows = match (before, ids.last()) {
            (Some(before), Some(id)) => {
                header.parent == *id
                    && header.height == before.header.height.next()
                    && header.slot > before.header.slot
            }
            _ => locator.contains(&header.parent),
        };
        if !follows {
            return Err(Fault::WrongAnswer);
        }
        if !has_begun(clock, header, now) {
            break;
        }
        ids.push(header.id());
        before = Some(sealed);
    }
    Ok(ids)
}

/// Whether a header's slot has begun, as far as clocks agree.
pub(super) fn has_begun(clock: &Clock, header: &Header, now: Time) -> bool {
    clock.start(header.slot) <= now.plus_ms(SLOT_TOLERANCE_MS)
}

#[cfg(test)]
mod tests;
