//! The stages one after another.

use std::collections::BTreeSet;

use libp2p::PeerId;
use light_client::data_format::{BlockId, Height, Time};

use super::{Asked, Effect, FinalBlock, Leaves, Shown, SnapshotSync, Stage, Taking, parts::Parts};
use crate::network::{
    messages::{Bytes, Request},
    peers::Fault,
};

/// Blocks that a peer may have gone on since it said where it stands.
const STALE: u64 = 64;

impl SnapshotSync {
    pub(super) const fn proving(now: Time) -> Stage {
        Stage::Proving { asked: BTreeSet::new(), best: None, found: now }
    }

    pub(super) fn taking(block: FinalBlock, total: u64, taken: &[(u64, u64)], now: Time) -> Stage {
        let here = taken.iter().map(|(_, count)| count).sum();
        Stage::Taking(Box::new(Leaves {
            block,
            total,
            missing: Parts::without(total, taken),
            taken: here,
            at_door: 0,
            lacking: BTreeSet::new(),
            giving: BTreeSet::new(),
            began: now,
            from: here,
        }))
    }

    /// What a proof of finality showed.
    pub fn shown(&mut self, peer: &PeerId, shown: Shown, now: Time) {
        if let (Shown::Final(block), Some(remote)) = (&shown, self.peers.get_mut(peer)) {
            // It moved on since it said where it stands.
            remote.tip.final_height = remote.tip.final_height.max(block.height);
        }
        match shown {
            Shown::Final(block) if block.height.0 >= self.own.0.saturating_add(self.limits.ahead) => {
                if let Stage::Proving { best, found, .. } = &mut self.stage {
                    if best.is_none() {
                        *found = now;
                    }
                    if best.is_none_or(|best| best.height < block.height) {
                        *best = Some(block);
                    }
                }
            }
            Shown::Final(_) | Shown::Nothing => self.wrong(peer, Fault::FalseTip, now),
            Shown::Unsure(why) => {
                tracing::warn!(%peer, why, "a final block cannot be proven to this node: give it a newer checkpoint");
                self.rest(peer, now);
            }
            Shown::Lie(why) => {
                tracing::warn!(%peer, why, "a peer sent a false proof of finality");
                self.wrong(peer, Fault::FalseProof, now);
            }
        }
        self.go_on(now);
    }

    /// What became of the beginning of a snapshot.
    pub fn begun(&mut self, peer: &PeerId, begun: Option<Taking<u64>>, now: Time) {
        let Stage::Beginning { block, busy, lacking } = &mut self.stage else { return };
        *busy = false;
        match begun {
            Some(Taking::Taken(total)) => {
                tracing::info!(height = block.height.0, block = %block.id, entries = total, "starting from the state at a final block");
                let taking = Self::taking(*block, total, &[], now);
                self.enter(taking, now);
            }
            Some(Taking::Lie(why)) => {
                tracing::warn!(%peer, why, "a peer sent a false snapshot");
                lacking.insert(*peer);
                self.wrong(peer, Fault::FalseProof, now);
            }
            None => self.give_up("the disk failed"),
        }
        self.go_on(now);
    }

    /// What became of entries; `None` if they could not be stored.
    pub fn taken(&mut self, peer: &PeerId, first: u64, count: u32, taken: Option<Taking<()>>, now: Time) {
        let Stage::Taking(leaves) = &mut self.stage else { return };
        leaves.at_door = leaves.at_door.saturating_sub(1);
        match taken {
            Some(Taking::Taken(())) => {
                leaves.taken += u64::from(count);
                self.active = now;
            }
            Some(Taking::Lie(why)) => {
                tracing::warn!(%peer, why, "a peer sent a false part of a snapshot");
                leaves.missing.add(first, count.into());
                leaves.lacking.insert(*peer);
                self.wrong(peer, Fault::FalseProof, now);
            }
            None => self.give_up("the disk failed"),
        }
        self.go_on(now);
    }

    /// What became of the whole; whether the node stands there now.
    pub fn installed(&mut self, done: bool, now: Time) {
        if done {
            self.stage = Stage::Over;
        } else {
            self.effects.push(Effect::Forget { for_good: false });
            self.again("it could not be installed", now);
        }
        self.go_on(now);
    }

    pub(super) fn take_base(&mut self, peer: PeerId, base: Option<Vec<u8>>, now: Time) {
        let Stage::Beginning { block, busy, lacking } = &mut self.stage else { return };
        match base {
            Some(base) => {
                *busy = true;
                self.effects.push(Effect::Begin { peer, block: block.id, base });
            }
            None => {
                lacking.insert(peer);
                self.rest(&peer, now);
            }
        }
    }

    pub(super) fn take_leaves(
        &mut self,
        peer: PeerId,
        block: BlockId,
        (first, asked): (u64, u64),
        answer: Option<(u32, Bytes)>,
        now: Time,
    ) {
        let Stage::Taking(leaves) = &mut self.stage else { return };
        if leaves.block.id != block {
            return;
        }
        match answer {
            Some((count, proof)) if count > 0 && u64::from(count) <= asked => {
                // It was given back when the request was closed.
                let given = leaves.missing.take(first, count.into());
                debug_assert!(given, "what was asked for was missing");
                leaves.at_door += 1;
                leaves.giving.insert(peer);
                self.effects.push(Effect::Take { peer, first, count, proof: proof.0 });
            }
            Some(_) => self.wrong(&peer, Fault::WrongAnswer, now),
            // It has a part of it only, or the state is too old for it by now.
            None if leaves.giving.contains(&peer) => {
                leaves.lacking.insert(peer);
                self.wrong(&peer, Fault::HalfSnapshot, now);
            }
            None => {
                let height = self.peers.get(&peer).map(|remote| remote.tip.final_height);
                // Else it may not have come there yet.
                if height >= Some(leaves.block.height) {
                    leaves.lacking.insert(peer);
                }
                self.rest(&peer, now);
            }
        }
    }

    pub(super) fn go_on(&mut self, now: Time) {
        // A node that has nobody to ask waits for somebody, and knows nothing of what there is.
        if self.peers.is_empty() {
            self.active = now;
        }
        match &self.stage {
            Stage::Over | Stage::Installing => {}
            Stage::Proving { .. } => self.prove(now),
            Stage::Beginning { .. } => self.begin(now),
            Stage::Taking(_) => self.take(now),
        }
    }

    fn prove(&mut self, now: Time) {
        let Stage::Proving { asked, best, found } = &mut self.stage else { return };
        let far = self.own.0.saturating_add(self.limits.ahead);
        let next: Vec<PeerId> = self
            .peers
            .iter()
            .filter(|(peer, remote)| {
                remote.tip.final_height.0 >= far && remote.resting_until <= now && !asked.contains(*peer)
            })
            .map(|(peer, _)| *peer)
            .collect();
        asked.extend(&next);
        let (best, found) = (*best, *found);
        if !next.is_empty() {
            let (trusted, open) = self.trusted;
            for peer in next {
                self.ask(peer, Request::Finality { trusted, open }, Asked::Proof, now);
            }
        }
        if let Some(block) = best
            && (now.ms_since(found) >= self.limits.higher_ms || self.open.is_empty())
        {
            self.enter(Stage::Beginning { block, busy: false, lacking: BTreeSet::new() }, now);
            self.begin(now);
        } else if best.is_none() && self.is_stuck(now) {
            self.give_up("no peer proves a state that is far ahead");
        }
    }

    fn begin(&mut self, now: Time) {
        let Stage::Beginning { block, busy, lacking } = &self.stage else { return };
        if *busy {
            return;
        }
        let block = *block;
        if self.is_stuck(now) {
            self.again("no peer begins it", now);
        } else if let Some(peer) = self.choose(block.height, lacking, now) {
            if let Stage::Beginning { busy, .. } = &mut self.stage {
                *busy = true;
            }
            self.ask(peer, Request::SnapshotBase { block: block.id }, Asked::Base, now);
        }
    }

    fn take(&mut self, now: Time) {
        while let Stage::Taking(leaves) = &self.stage {
            if leaves.taken == leaves.total {
                tracing::info!(entries = leaves.total, "every entry is here: the state is built from them");
                self.stage = Stage::Installing;
                return self.effects.push(Effect::Install);
            }
            if leaves.at_door == 0 && self.is_stuck(now) {
                self.effects.push(Effect::Forget { for_good: false });
                return self.again("no peer has more of this state", now);
            }
            if leaves.missing.is_empty() || leaves.at_door >= self.limits.at_door {
                return;
            }
            let block = leaves.block;
            let Some(peer) = self.choose(block.height, &leaves.lacking, now) else { return };
            let Stage::Taking(leaves) = &mut self.stage else { return };
            let Some((first, count)) = leaves.missing.pop(self.limits.leaves.into()) else { return };
            // At most the limit, which fits.
            let request = Request::SnapshotLeaves {
                block: block.id,
                first,
                count: u32::try_from(count).unwrap_or(self.limits.leaves),
            };
            self.ask(peer, request, Asked::Leaves { block: block.id, first, count }, now);
        }
    }

    /// The least busy peer that can have the state at a height and is free.
    fn choose(&self, height: Height, lacking: &BTreeSet<PeerId>, now: Time) -> Option<PeerId> {
        let able = self.peers.iter().filter(|(peer, remote)| {
            let near = remote.tip.final_height.0.saturating_add(STALE);
            near >= height.0 && !lacking.contains(*peer)
        });
        able.filter(|(_, remote)| remote.open < self.limits.per_peer && remote.resting_until <= now)
            .min_by_key(|(_, remote)| remote.open)
            .map(|(peer, _)| *peer)
    }

    fn enter(&mut self, stage: Stage, now: Time) {
        self.stage = stage;
        self.active = now;
    }

    /// Whether nothing has come for so long, though there are peers, that nothing will.
    fn is_stuck(&self, now: Time) -> bool {
        now.ms_since(self.active) > self.limits.wait_ms
    }

    /// From the start, with a newer block.
    fn again(&mut self, why: &str, now: Time) {
        // What is on its way was asked for a state that may be begun again.
        self.open.clear();
        self.peers.values_mut().for_each(|remote| remote.open = 0);
        self.begun += 1;
        if self.begun >= self.limits.tries {
            self.give_up("no peer has a whole state");
        } else {
            tracing::info!(why, "a newer snapshot is looked for");
            self.enter(Self::proving(now), now);
        }
    }

    fn give_up(&mut self, why: &str) {
        tracing::warn!(why, "not starting from a snapshot: every block is fetched");
        self.effects.push(Effect::Forget { for_good: true });
        self.stage = Stage::Over;
    }
}
