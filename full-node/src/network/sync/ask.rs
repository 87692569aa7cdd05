//! Whom to ask for what.

use libp2p::PeerId;
use light_client::data_format::Time;

use super::{
    Asked, Effect, Open, RequestId, Sync,
    plan::{Plan, Way},
};
use crate::network::{messages::Request, protocol::MAX_HEADERS, snapshot::FinalBlock};

impl Sync {
    pub(super) fn make_plan(&mut self, now: Time) {
        if self.paused || now < self.resting_until {
            return;
        }
        let ahead = self
            .peers
            .iter()
            .filter(|(_, remote)| remote.tip.weight > self.tip.weight && remote.resting_until <= now)
            .filter(|(_, remote)| remote.tip.kept_from <= self.tip.height.next());
        let best = ahead.max_by_key(|(_, remote)| remote.tip.weight);
        if let Some((lead, remote)) = best {
            let far = self.tip.height.0.saturating_add(self.limits.anchor_ahead);
            let way = if remote.tip.final_height.0 >= far { Way::Unproven } else { Way::Open };
            self.plan = Some(Plan::new(*lead, way, self.tip.height, now));
            self.effects.push(Effect::Locate);
        }
    }

    pub(super) fn ask_headers(&mut self, now: Time) {
        let Some(plan) = &mut self.plan else { return };
        let room = self.limits.headers.saturating_sub(plan.len());
        if !plan.wants_headers() || room < self.limits.headers / 2 || plan.locator.is_empty() {
            return;
        }
        let lead = plan.lead;
        if let Way::Anchored(block) = plan.way {
            return self.ask_anchored(block, room, now);
        }
        if self.peers.get(&lead).is_none_or(|remote| remote.resting_until > now) {
            return;
        }
        plan.asking = true;
        if let (Way::Unproven, Some((trusted, _))) = (plan.way, self.base) {
            return self.ask(lead, Request::Finality { trusted, open: false }, Asked::Proof, now);
        }
        let locator = plan.locator.clone();
        let limit = u32::try_from(room).unwrap_or(MAX_HEADERS).min(MAX_HEADERS);
        let request = Request::Headers { locator: locator.clone(), limit };
        self.ask(lead, request, Asked::Headers(locator), now);
    }

    /// Anybody who has the final block can give headers that lead to it.
    fn ask_anchored(&mut self, block: FinalBlock, room: usize, now: Time) {
        let Some(after) = self.plan.as_ref().map(|plan| plan.newest) else { return };
        let free = self.peers.iter().filter(|(_, remote)| {
            remote.open < self.limits.per_peer
                && remote.resting_until <= now
                && remote.tip.final_height >= block.height
                && remote.tip.kept_from <= after.next()
        });
        let Some(peer) = free.min_by_key(|(_, remote)| remote.open).map(|(peer, _)| *peer) else { return };
        let Some(plan) = &mut self.plan else { return };
        plan.asking = true;
        let limit = u32::try_from(room).unwrap_or(MAX_HEADERS).min(MAX_HEADERS);
        let request = Request::AnchoredHeaders { after, anchor: block.id, limit };
        self.ask(peer, request, Asked::Anchored(after), now);
    }

    pub(super) fn ask_blocks(&mut self, now: Time) {
        loop {
            let Some(plan) = &mut self.plan else { return };
            let Some((ids, lowest, highest)) = plan.missing(self.limits.batch, self.limits.bytes) else {
                return;
            };
            let free = self.peers.iter().filter(|(_, remote)| {
                remote.open < self.limits.per_peer
                    && remote.resting_until <= now
                    && remote.tip.height >= highest
                    && remote.tip.kept_from <= lowest
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
    pub(super) fn close(&mut self, id: RequestId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        if let Some(remote) = self.peers.get_mut(&open.peer) {
            remote.open = remote.open.saturating_sub(1);
        }
        if let Some(plan) = &mut self.plan {
            match &open.what {
                Asked::Headers(locator) if plan.lead == open.peer && plan.locator == *locator => {
                    plan.asking = false;
                }
                Asked::Anchored(after) if plan.is_anchored() && plan.newest == *after => plan.asking = false,
                Asked::Proof if plan.way == Way::Unproven && plan.lead == open.peer => plan.asking = false,
                // Of an earlier plan.
                Asked::Headers(_) | Asked::Anchored(_) | Asked::Proof => {}
                Asked::Blocks(ids) => plan.unasked(ids),
            }
        }
        Some(open)
    }
}
