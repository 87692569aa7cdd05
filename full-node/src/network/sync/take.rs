//! What to do with what was answered.

use libp2p::PeerId;
use light_client::data_format::{BlockId, Height, SealedHeader, Time};

use super::{
    Effect, Sync,
    plan::{Body, Way},
};
use crate::network::{
    messages::{AnchoredHeaders, Bytes, Headers},
    peers::Fault,
    port::{Block, Claims},
    snapshot::{FinalBlock, Shown},
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

    pub(super) fn take_proof(&mut self, peer: PeerId, proof: Option<Bytes>, now: Time) {
        let Some(plan) = self.plan.as_mut().filter(|plan| plan.way == Way::Unproven && plan.lead == peer)
        else {
            return;
        };
        match proof {
            Some(Bytes(proof)) => {
                // Until it is checked.
                plan.asking = true;
                self.effects.push(Effect::Check { peer, proof });
            }
            None => {
                // It does not have our final block: nothing that we could take.
                self.rest(&peer, now);
                self.plan = None;
            }
        }
    }

    /// What a proof of finality showed.
    pub fn shown(&mut self, peer: &PeerId, shown: Shown, now: Time) {
        let base = self.base;
        if let Some(plan) = self.plan.as_mut().filter(|plan| plan.way == Way::Unproven && plan.lead == *peer)
        {
            plan.asking = false;
            match (shown, base) {
                (Shown::Final(block), Some(base)) if block.height > base.1 => {
                    plan.anchor(block, base, now);
                    if let Some(remote) = self.peers.get_mut(peer) {
                        // It moved on since it said where it stands.
                        remote.tip.final_height = remote.tip.final_height.max(block.height);
                    }
                }
                (Shown::Final(_) | Shown::Nothing, _) => {
                    self.wrong(*peer, Fault::FalseTip, now);
                    self.plan = None;
                }
                (Shown::Unsure(why), _) => {
                    tracing::warn!(%peer, why, "no newer final block can be proven: following its chain block by block");
                    plan.way = Way::Open;
                }
                (Shown::Lie(why), _) => {
                    tracing::warn!(%peer, why, "a peer sent a false proof of finality");
                    self.wrong(*peer, Fault::FalseProof, now);
                    self.plan = None;
                }
            }
        }
        self.go_on(now);
    }

    pub(super) fn take_anchored(
        &mut self,
        peer: PeerId,
        after: Height,
        answer: Option<AnchoredHeaders>,
        now: Time,
    ) {
        let Some(plan) = &mut self.plan else { return };
        let Way::Anchored(block) = plan.way else { return };
        // Of an earlier plan.
        if plan.newest != after {
            return;
        }
        let Some(answer) = answer else { return self.rest(&peer, now) };
        match proven(&block, after, &answer) {
            Ok(ids) if Some(&answer.headers.0[0].header.parent) == plan.locator.first() => {
                plan.extend(ids.into_iter().zip(answer.headers.0), now);
                plan.complete = plan.newest == block.height;
            }
            Ok(_) => {
                // More than a third of the holders would have to cheat for that.
                tracing::error!(%peer, height = after.0, "a final block of the network does not descend from ours");
                self.give_up(now);
            }
            Err(fault) => self.wrong(peer, fault, now),
        }
    }

    pub(super) fn take_blocks(&mut self, peer: PeerId, ids: &[BlockId], blocks: Vec<Block>, now: Time) {
        if blocks.is_empty() {
            // It left the branch, or never had it.
            if self.plan.as_mut().is_some_and(|plan| plan.lacking(ids) >= self.limits.tries) {
                let open = self.plan.as_ref().filter(|plan| !plan.is_anchored());
                let lead = open.map(|plan| plan.lead);
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

/// The ids of headers that are a chain up to one that is proven to be an ancestor of a final block, or that block.
fn proven(block: &FinalBlock, after: Height, answer: &AnchoredHeaders) -> Result<Vec<BlockId>, Fault> {
    let AnchoredHeaders { headers: Headers(headers), proof } = answer;
    let mut ids: Vec<BlockId> = Vec::with_capacity(headers.len());
    let mut height = after;
    for sealed in headers {
        let header = &sealed.header;
        if header.height != height.next() || ids.last().is_some_and(|before| header.parent != *before) {
            return Err(Fault::WrongAnswer);
        }
        height = header.height;
        ids.push(header.id());
    }
    let (Some(last), Some(id)) = (headers.last(), ids.last()) else { return Err(Fault::WrongAnswer) };
    if height == block.height {
        return if *id == block.id { Ok(ids) } else { Err(Fault::FalseProof) };
    }
    let holds = proof.verify_under(block.height, &block.headers_root, &last.header);
    holds.map(|()| ids).map_err(|_| Fault::FalseProof)
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
