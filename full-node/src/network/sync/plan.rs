use std::collections::{HashMap, VecDeque};

use libp2p::PeerId;
use light_client::data_format::{BlockId, Height, SealedHeader, Time, codec};

use crate::network::{
    port::{Block, Certainty},
    snapshot::FinalBlock,
};

/// A body that came, and who sent it.
#[derive(Debug)]
pub(super) struct Body {
    block: Box<Block>,
    bytes: usize,
    peer: PeerId,
}

/// Where the body of a header is.
#[derive(Debug)]
enum State {
    Missing,
    Asked,
    Held(Body),
    /// Who sent it, and its bytes.
    AtDoor(PeerId, usize),
}

#[derive(Debug)]
struct Entry {
    height: Height,
    state: State,
    /// Times that its body did not come or did not hold.
    tries: u32,
}

/// What the headers of a plan hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// On the lead's word: at most as many as are kept ahead.
    Open,
    /// The lead is to prove a final block first.
    Unproven,
    /// Each of them is an ancestor of this final block.
    Anchored(FinalBlock),
}

/// The way to a better head: its headers in order, and where their bodies are.
#[derive(Debug)]
pub(super) struct Plan {
    /// Who gives the headers, or proved what they hang on.
    pub(super) lead: PeerId,
    pub(super) way: Way,
    /// When it was made.
    pub(super) began: Time,
    /// When something last came.
    pub(super) active: Time,
    /// Where the node stood when it was made.
    pub(super) from: Height,
    /// The newest header.
    pub(super) newest: Height,
    /// What the next headers come after: empty until the node has said where it stands, then the newest header alone.
    pub(super) locator: Vec<BlockId>,
    /// Whether headers are being asked for.
    pub(super) asking: bool,
    /// The lead has no more of them.
    pub(super) complete: bool,
    order: VecDeque<BlockId>,
    entries: HashMap<BlockId, Entry>,
    held: usize,
    started: bool,
}

impl Body {
    pub(super) fn new(block: Block, peer: PeerId) -> Self {
        let bytes = codec::length(&block);
        Self { block: Box::new(block), bytes, peer }
    }
}

impl Plan {
    pub(super) fn new(lead: PeerId, way: Way, from: Height, now: Time) -> Self {
        Self {
            lead,
            way,
            began: now,
            active: now,
            from,
            newest: from,
            locator: Vec::new(),
            asking: false,
            complete: false,
            order: VecDeque::new(),
            entries: HashMap::new(),
            held: 0,
            started: false,
        }
    }

    /// Whether its headers are proven to be final.
    pub(super) const fn is_anchored(&self) -> bool {
        matches!(self.way, Way::Anchored(_))
    }

    /// What is known of its blocks.
    pub(super) const fn certainty(&self) -> Certainty {
        match &self.way {
            Way::Anchored(block) => Certainty::Final(block.height),
            _ => Certainty::Open,
        }
    }

    /// A final block is proven: headers come from `base` on up to it.
    pub(super) fn anchor(&mut self, block: FinalBlock, base: (BlockId, Height), now: Time) {
        (self.way, self.locator, self.newest) = (Way::Anchored(block), vec![base.0], base.1);
        self.active = now;
    }

    /// Headers whose blocks are not in the chain yet.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether headers came.
    pub(super) const fn has_headers(&self) -> bool {
        self.started
    }

    /// Everything there was is in the chain.
    pub(super) fn is_done(&self) -> bool {
        self.complete && self.order.is_empty()
    }

    pub(super) const fn wants_headers(&self) -> bool {
        !self.asking && !self.complete
    }

    pub(super) fn extend(&mut self, headers: impl IntoIterator<Item = (BlockId, SealedHeader)>, now: Time) {
        self.active = now;
        for (id, sealed) in headers {
            self.started = true;
            self.newest = sealed.header.height;
            self.locator = vec![id];
            self.order.push_back(id);
            let entry = Entry { height: sealed.header.height, state: State::Missing, tries: 0 };
            self.entries.insert(id, entry);
        }
    }

    /// The next bodies to ask for, the oldest first, and the heights of the oldest and the newest among them; none while
    /// enough are held.
    pub(super) fn missing(&self, batch: usize, bytes: usize) -> Option<(Vec<BlockId>, Height, Height)> {
        let is_missing =
            |id: &&BlockId| self.entries.get(id).is_some_and(|entry| matches!(entry.state, State::Missing));
        let first = self.order.iter().find(is_missing)?;
        // The block that the chain waits for is always asked for.
        if self.held >= bytes && self.order.front() != Some(first) {
            return None;
        }
        let ids: Vec<BlockId> = self
            .order
            .iter()
            .skip_while(|id| *id != first)
            .take_while(is_missing)
            .take(batch)
            .copied()
            .collect();
        let height = |id: Option<&BlockId>| Some(self.entries.get(id?)?.height);
        let (lowest, highest) = (height(ids.first())?, height(ids.last())?);
        Some((ids, lowest, highest))
    }

    pub(super) fn asked(&mut self, ids: &[BlockId]) {
        self.set(ids, |state| matches!(state, State::Missing), || State::Asked);
    }

    pub(super) fn unasked(&mut self, ids: &[BlockId]) {
        self.set(ids, |state| matches!(state, State::Asked), || State::Missing);
    }

    fn set(&mut self, ids: &[BlockId], from: impl Fn(&State) -> bool, to: impl Fn() -> State) {
        for id in ids {
            if let Some(entry) = self.entries.get_mut(id).filter(|entry| from(&entry.state)) {
                entry.state = to();
            }
        }
    }

    /// Nobody sent the first of these; how often that happened.
    pub(super) fn lacking(&mut self, ids: &[BlockId]) -> u32 {
        let first = ids.first().and_then(|id| self.entries.get_mut(id));
        first.map_or(0, |entry| {
            entry.tries += 1;
            entry.tries
        })
    }

    pub(super) fn received(&mut self, id: &BlockId, body: Body, now: Time) {
        let wanted = |entry: &&mut Entry| matches!(entry.state, State::Missing | State::Asked);
        if let Some(entry) = self.entries.get_mut(id).filter(wanted) {
            self.held += body.bytes;
            entry.state = State::Held(body);
            self.active = now;
        }
    }

    /// Whether the chain is looking at a block.
    pub(super) fn is_at_door(&self, id: &BlockId) -> bool {
        self.entries.get(id).is_some_and(|entry| matches!(entry.state, State::AtDoor(..)))
    }

    /// The blocks that come next, in order, as long as no more than `limit` with `bytes` in all are at the chain's door.
    pub(super) fn ready(&mut self, limit: usize, bytes: usize) -> Vec<(Box<Block>, PeerId)> {
        let (mut ready, mut room) = (Vec::new(), bytes);
        for id in self.order.iter().take(limit) {
            let Some(entry) = self.entries.get_mut(id) else { break };
            match std::mem::replace(&mut entry.state, State::Missing) {
                State::Held(body) if room > 0 => {
                    room = room.saturating_sub(body.bytes);
                    self.held -= body.bytes;
                    entry.state = State::AtDoor(body.peer, body.bytes);
                    ready.push((body.block, body.peer));
                }
                State::AtDoor(peer, bytes) => {
                    room = room.saturating_sub(bytes);
                    entry.state = State::AtDoor(peer, bytes);
                }
                other => {
                    entry.state = other;
                    break;
                }
            }
        }
        ready
    }

    /// The chain has a block.
    pub(super) fn taken(&mut self, id: &BlockId, now: Time) {
        if !self.entries.contains_key(id) {
            return;
        }
        self.active = now;
        // Those before it are its ancestors, so the chain has them too.
        while let Some(front) = self.order.pop_front() {
            if let Some(Entry { state: State::Held(body), .. }) = self.entries.remove(&front) {
                self.held -= body.bytes;
            }
            if front == *id {
                break;
            }
        }
    }

    /// The chain refused a block: it and what came after it at the door are asked for again. Gives who sent it and
    /// how often that happened.
    pub(super) fn refused(&mut self, id: &BlockId) -> (Option<PeerId>, u32) {
        let mut found = (None, 0);
        for place in &self.order {
            let Some(entry) = self.entries.get_mut(place) else { continue };
            if place == id {
                entry.tries += 1;
                found.1 = entry.tries;
            }
            if let State::AtDoor(peer, _) = entry.state
                && (place == id || found.1 > 0)
            {
                if place == id {
                    found.0 = Some(peer);
                }
                entry.state = State::Missing;
            }
        }
        found
    }
}
