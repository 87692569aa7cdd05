//! What to do with what was answered.

use libp2p::PeerId;
use light_client::data_format::{BlockId, SealedHeader, Time};

use super::{Sync, plan::Body};
use crate::network::{
    messages::Headers,
    peers::Fault,
    port::{Block, Claims},
};

impl Sync {
    pub(super) fn take_headers(
        &mut self,
        peer: PeerId,
        locator: &[BlockId],
        headers: Option<Headers>,
        now: Time,
    ) {
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
        match chained(&*self.claims, locator, &headers, now) {
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

    pub(super) fn take_blocks(&mut self, peer: PeerId, ids: &[BlockId], blocks: Vec<Block>, now: Time) {
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
}

/// The ids of headers that are a chain from one of the blocks of the locator, up to the last whose slot has begun.
fn chained(
    claims: &dyn Claims,
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
        if !claims.has_begun(header, now) {
            break;
        }
        ids.push(header.id());
        before = Some(sealed);
    }
    Ok(ids)
}
