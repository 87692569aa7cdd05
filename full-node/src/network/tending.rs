//! What the host does because time has passed: whom it dials, whom it lets go, when it asks again.

use std::collections::HashSet;

use libp2p::{
    Multiaddr, PeerId,
    swarm::{ConnectionId, dial_opts::DialOpts},
};
use light_client::data_format::Time;

use super::{
    decisions::{Since, holds},
    host::{Asker, Host, Sent},
    messages::Request,
    peers::Fault,
    subnet::Scope,
    worker::system_time,
};

/// Peers that we want to have dialled.
const WANTED_OUTBOUND: usize = 8;
const SAVE_MS: u64 = 60_000;
/// Whoever was banned a moment before a kill comes back unbanned: a nuisance, not more.
const SAVE_BANS_MS: u64 = 2_000;
const ASK_TIPS_MS: u64 = 15_000;
const LOOK_UP_MS: u64 = 60_000;
/// Between two look-ups of a node that knows hardly anybody and met somebody new.
const LOOK_UP_AGAIN_MS: u64 = 2_000;
const TELL_PROGRESS_MS: u64 = 5_000;

/// Others that we dialled with whom those that we found them through are let go.
const ENOUGH_OTHERS: usize = WANTED_OUTBOUND / 2;
/// How long a chain may have no peers before good addresses that do not answer are good no more.
const LONELY_MS: u64 = 10_000;

/// A node to stay connected with, or to find others through.
pub(super) struct Wanted {
    /// Only for as long as no good others are known.
    pub(super) hint: bool,
    pub(super) address: Multiaddr,
    pub(super) peer: Option<PeerId>,
    pub(super) dialling: Option<ConnectionId>,
    pub(super) failures: u32,
    pub(super) not_before: Time,
}

impl Host {
    pub(super) fn on_tick(&mut self) {
        let now = system_time();
        for peer in self.peers.silent(now) {
            tracing::debug!(%peer, "it does not greet");
            self.part(peer);
        }
        let gone: Vec<PeerId> =
            self.parting.iter().filter(|(_, parting)| parting.at <= now).map(|(peer, _)| *peer).collect();
        for peer in gone {
            self.parting.remove(&peer);
            self.part(peer);
        }
        self.charge_floods();
        self.set_reach();
        self.let_hints_go(now);
        self.forgive(now);
        self.dial(now);
        for chain in 0..self.chains.len() {
            let active = self.chains[chain].snapshot.is_active();
            self.chains[chain].sync.pause(active);
            self.chains[chain].sync.tick(now);
            self.chains[chain].snapshot.tick(now);
            self.do_effects(chain);
            self.hold(chain, now);
            self.tell_progress(chain, now);
        }
        if now.ms_since(self.asked_tips) > ASK_TIPS_MS {
            self.asked_tips = now;
            self.ask_tips();
        }
        let after = if self.look_up_soon { LOOK_UP_AGAIN_MS } else { LOOK_UP_MS };
        if now.ms_since(self.looked_up) > after {
            (self.looked_up, self.look_up_soon) = (now, false);
            self.look_up();
        }
        if now.ms_since(self.saved) > SAVE_MS {
            self.saved = now;
            self.save();
        }
        if now.ms_since(self.looked_after_bans) > SAVE_BANS_MS {
            self.looked_after_bans = now;
            self.save_bans();
        }
        self.publish_status();
    }

    fn forgive(&mut self, now: Time) {
        let over: Vec<PeerId> =
            self.banned.iter().filter(|peer| self.peers.ban_of(peer, now).is_none()).copied().collect();
        for peer in over {
            self.banned.remove(&peer);
            self.swarm.behaviour_mut().banned.unblock_peer(peer);
        }
        self.peers.forget(now);
    }

    /// Peers to find others through.
    fn hints(&self) -> HashSet<PeerId> {
        self.wanted.iter().filter(|wanted| wanted.hint).filter_map(|wanted| wanted.peer).collect()
    }

    /// Peers that we dialled and that greeted, but for those to find others through.
    fn others(&self, hints: &HashSet<PeerId>) -> usize {
        let greeted = self.peers.all().filter(|(_, standing)| !standing.inbound && standing.greeted);
        greeted.filter(|(peer, _)| !hints.contains(peer)).count()
    }

    /// Those that everybody finds others through have little room: who has others makes some.
    fn let_hints_go(&mut self, now: Time) {
        if self.chains.iter().all(|chain| chain.sync.peers() > 0) {
            self.met = now;
        }
        let hints = self.hints();
        if hints.is_empty() || self.others(&hints) < ENOUGH_OTHERS {
            return;
        }
        let dialled: Vec<PeerId> = self
            .peers
            .all()
            .filter(|(peer, standing)| !standing.inbound && hints.contains(peer))
            .map(|(peer, _)| peer)
            .collect();
        for peer in dialled {
            tracing::debug!(%peer, "others are known: it is not needed any more");
            self.part(peer);
        }
    }

    /// The nearest address of a peer says where addresses may lie that others tell of.
    pub(super) fn reach(&self) -> Scope {
        let scopes = self.peers.all().filter_map(|(peer, _)| Scope::of(self.remotes.address(&peer)?));
        scopes.min().unwrap_or(Scope::Global)
    }

    fn set_reach(&mut self) {
        let reach = self.reach();
        self.swarm.behaviour_mut().lookup.set_reach(reach);
    }

    fn dial(&mut self, now: Time) {
        let hints = self.hints();
        let lonely = now.ms_since(self.met) > LONELY_MS;
        let needs_hints = lonely || !self.book.has_good(|peer| !hints.contains(peer));
        let has_others = self.others(&hints) >= ENOUGH_OTHERS;
        for place in 0..self.wanted.len() {
            let wanted = &self.wanted[place];
            if wanted.hint && (!needs_hints || has_others) {
                continue;
            }
            let connected = wanted.peer.is_some_and(|peer| self.peers.contains(&peer));
            let own = wanted.peer.as_ref() == Some(self.swarm.local_peer_id());
            if connected || own || wanted.dialling.is_some() || wanted.not_before > now {
                continue;
            }
            let options = DialOpts::from(wanted.address.clone());
            let connection = options.connection_id();
            match self.swarm.dial(options) {
                Ok(()) => self.wanted[place].dialling = Some(connection),
                Err(error) => {
                    tracing::debug!(address = %self.wanted[place].address, %error, "not dialled");
                    self.wanted[place].fail(now);
                }
            }
        }
        let wanted = WANTED_OUTBOUND.min(self.peers.limits().outbound);
        let missing = wanted.saturating_sub(self.peers.outbound() + self.dialling.len());
        let own = *self.swarm.local_peer_id();
        let candidates = self.book.candidates(missing, now, |peer| {
            let needed = !has_others || !hints.contains(peer);
            let known = self.peers.contains(peer) || self.dialling.contains(peer);
            needed && *peer != own && !known && !self.banned.contains(peer)
        });
        for (peer, addresses) in candidates {
            let options = DialOpts::peer_id(peer).addresses(addresses).build();
            match self.swarm.dial(options) {
                Ok(()) => drop(self.dialling.insert(peer)),
                Err(_) => self.book.failed(&peer, now),
            }
        }
    }

    /// Writes what is to outlive the process.
    pub(super) fn save(&mut self) {
        if let Err(error) = self.book.save() {
            tracing::warn!(%error, "the address book is not saved");
        }
        self.save_bans();
    }

    fn save_bans(&mut self) {
        if self.saved_bans == self.bans {
            return;
        }
        self.saved_bans = self.bans;
        if let Err(error) = self.ban_file.write(self.peers.every_ban()) {
            tracing::warn!(%error, "the bans are not saved");
        }
    }

    /// Charges peers whose events were too many to be heard: once for each, until that bans them.
    fn charge_floods(&mut self) {
        let behaviour = self.swarm.behaviour_mut();
        let floods: Vec<(PeerId, u64)> = behaviour.lookup.floods().chain(behaviour.gossip.floods()).collect();
        for (peer, events) in floods {
            for _ in 0..events {
                if !self.peers.contains(&peer) || self.banned.contains(&peer) {
                    break;
                }
                self.fault(peer, Fault::Flood);
            }
        }
    }

    /// A node that is far behind, or has not met anybody yet, makes no blocks that others would have to leave.
    fn hold(&mut self, chain: usize, now: Time) {
        let knows_peers = !self.wanted.is_empty();
        let chain = &mut self.chains[chain];
        let since = Since { started: self.started, fetched: chain.fetched };
        let held = chain.snapshot.is_active() || holds(&chain.sync, knows_peers, since, now);
        if held != chain.held {
            chain.held = held;
            chain.port.hold(held);
        }
    }

    fn tell_progress(&mut self, chain: usize, now: Time) {
        let chain = &mut self.chains[chain];
        if now.ms_since(chain.told_progress) <= TELL_PROGRESS_MS {
            return;
        }
        if let Some(progress) = chain.snapshot.progress(now) {
            chain.told_progress = now;
            tracing::info!(chain = %chain.id, %progress, "taking a snapshot");
        } else if let Some(progress) = chain.sync.progress(now) {
            chain.told_progress = now;
            tracing::info!(chain = %chain.id, %progress, "catching up");
        }
    }

    /// Gossip can be lost; asking now and then cannot.
    fn ask_tips(&mut self) {
        for chain in 0..self.chains.len() {
            for peer in self.chains[chain].told.clone() {
                self.ask_tip(chain, peer);
            }
        }
    }

    /// Asks a peer where it stands, unless it is being asked.
    pub(super) fn ask_tip(&mut self, chain: usize, peer: PeerId) {
        let asked = |sent: &Sent| sent.peer == peer && matches!(sent.asker, Asker::Host);
        if !self.requests.iter().any(|((place, _), sent)| *place == chain && asked(sent)) {
            self.ask(chain, peer, Request::Tip, Asker::Host);
        }
    }

    fn look_up(&mut self) {
        let mut key = vec![0; 32];
        if getrandom::fill(&mut key).is_err() {
            return;
        }
        for chain in 0..self.chains.len() {
            if let Some(lookup) = self.swarm.behaviour_mut().lookup.get_mut(chain) {
                lookup.get_closest_peers(key.clone());
            }
        }
    }
}

impl Wanted {
    /// It could not be reached, or refuses: later again, for ever.
    pub(super) fn fail(&mut self, now: Time) {
        const FIRST_MS: u64 = 500;
        const LONGEST_MS: u64 = 30_000;
        self.dialling = None;
        let wait = FIRST_MS.saturating_mul(1 << self.failures.min(20)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.plus_ms(wait);
    }
}
