//! Who is connected, how well they behave, and who is kept out. Decisions only: no sockets and no clock.
//!
//! **Trust and bounds.** A peer is an Ed25519 key that anybody can make for nothing, so a ban counts against the subnet it came
//! from too: one with [`Limits::bans_per_subnet`] of them is closed until so many are over. What one connection may cost is
//! bounded by its budgets, how many connections there are by [`Limits`], in all, for each network address and for each
//! [`Subnet`]. Whoever fills the places for those who dial from one subnet, or misbehaves, makes room for newcomers from
//! others. Addresses of this machine and of private networks have no subnet: many nodes on one machine are neighbours, and
//! the operator knows them. A peer can grow nothing here beyond its own record, which goes with its last connection; bans are
//! kept in a list of fixed length, from which those that end soonest go first.

mod budget;
mod fault;
mod limits;

use std::{collections::BTreeMap, net::IpAddr};

use libp2p::PeerId;
use light_client::data_format::Time;

pub use budget::{Budget, Rate};
pub use fault::Fault;
pub use limits::{Limits, Rates};

use super::{messages::Refusal, protocol::Topic, subnet::Subnet};

/// What is left to one peer, or to all together, of the rates of one chain.
#[derive(Clone, Copy, Debug)]
struct Budgets {
    topics: [Budget; 3],
    bytes: Budget,
    requests: Budget,
    answer_bytes: Budget,
}

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Look at it.
    Take,
    /// Drop it: everybody together sends too much.
    Drop,
    /// Drop it: this peer did wrong.
    Wrong(Fault),
}

/// A peer that is banned now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Until when.
    pub until: Time,
    /// For how long, in milliseconds.
    pub ms: u64,
    /// What it did last.
    pub reason: Fault,
    /// The subnet it came from.
    pub subnet: Option<Subnet>,
}

/// How a connected peer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it dialled us.
    pub inbound: bool,
    /// Whether it greeted.
    pub greeted: bool,
    /// Since when it is connected.
    pub since: Time,
    /// Points for what it did wrong; at [`Limits::ban_at`] it is banned.
    pub points: u32,
}

#[derive(Clone, Debug)]
struct Peer {
    inbound: bool,
    address: Option<IpAddr>,
    subnet: Option<Subnet>,
    /// It makes room for another, and goes.
    leaving: bool,
    connections: u32,
    since: Time,
    greeted: bool,
    points: u64,
    scored: Time,
    introductions: Budget,
    budgets: Vec<Budgets>,
    /// The chains that it greeted for.
    chains: Vec<usize>,
}

/// Everybody who is connected or banned.
#[derive(Clone, Debug)]
pub struct Peers {
    limits: Limits,
    peers: BTreeMap<PeerId, Peer>,
    bans: BTreeMap<PeerId, Ban>,
    /// What is left to all peers together, by chain.
    chains: Vec<Budgets>,
}

/// Points are counted in 60,000ths, so that every millisecond forgives a little.
const POINT: u64 = 60_000;

impl Peers {
    /// Nobody yet, for a number of chains.
    pub fn new(limits: Limits, chains: usize, now: Time) -> Self {
        let together = Budgets::new(&limits.rates, limits.chain_peers, now);
        Self { limits, peers: BTreeMap::new(), bans: BTreeMap::new(), chains: vec![together; chains] }
    }

    /// A connection is there: keeps it, or says why it ends. Gives the peer that makes room for it, which is to be sent away.
    ///
    /// # Errors
    /// [`Refusal`] if the peer or its subnet is banned or there are enough peers. Nothing is kept of it then.
    pub fn connected(
        &mut self,
        peer: PeerId,
        address: Option<IpAddr>,
        inbound: bool,
        now: Time,
    ) -> Result<Option<PeerId>, Refusal> {
        let subnet = address.and_then(Subnet::of);
        let closed = subnet.filter(|_| inbound).and_then(|subnet| self.closed_until(&subnet, now));
        if let Some(until) = self.ban_of(&peer, now).map(|ban| ban.until).max(closed) {
            return Err(Refusal::Banned { seconds: until.ms_since(now).div_ceil(1_000) });
        }
        if let Some(known) = self.peers.get_mut(&peer) {
            known.connections += 1;
            return Ok(None);
        }
        let (mut same_way, mut same_address) = (0, 0);
        for known in self.peers.values().filter(|known| !known.leaving) {
            same_way += usize::from(known.inbound == inbound);
            same_address += usize::from(known.address == address);
        }
        let limit = if inbound { self.limits.inbound } else { self.limits.outbound };
        let counted = address.is_some_and(|address| !address.is_loopback());
        if (counted && same_address >= self.limits.per_address)
            || self.crowd(subnet) >= self.limits.per_subnet
        {
            return Err(Refusal::Full);
        }
        let worse = if same_way < limit {
            None
        } else if inbound {
            Some(self.worse_than(subnet, now).ok_or(Refusal::Full)?)
        } else {
            return Err(Refusal::Full);
        };
        if let Some(known) = worse.and_then(|worse| self.peers.get_mut(&worse)) {
            known.leaving = true;
        }
        let budgets = vec![Budgets::new(&self.limits.rates, 1, now); self.chains.len()];
        let record = Peer {
            inbound,
            address,
            subnet,
            leaving: false,
            connections: 1,
            since: now,
            greeted: false,
            points: 0,
            scored: now,
            introductions: Budget::new(self.limits.rates.introductions, now),
            budgets,
            chains: Vec::new(),
        };
        self.peers.insert(peer, record);
        Ok(worse)
    }

    /// Connected peers of a subnet; none of no subnet.
    fn crowd(&self, subnet: Option<Subnet>) -> usize {
        let of = |known: &&Peer| !known.leaving && known.subnet == subnet;
        subnet.map_or(0, |_| self.peers.values().filter(of).count())
    }

    /// Whoever dialled and deserves its place less than a newcomer from there: the one with the most points that is half way to
    /// a ban, else the newest of the most crowded subnet if that has two peers more than the newcomer's.
    fn worse_than(&self, subnet: Option<Subnet>, now: Time) -> Option<PeerId> {
        let dialled = || self.peers.iter().filter(|(_, known)| known.inbound && !known.leaving);
        let points = |known: &Peer| self.points(known, now);
        let bad = dialled().max_by_key(|(_, known)| points(known));
        let half = u64::from(self.limits.ban_at) * POINT / 2;
        if let Some((peer, _)) = bad.filter(|(_, known)| points(known) >= half) {
            return Some(*peer);
        }
        let crowded = dialled().max_by_key(|(_, known)| (self.crowd(known.subnet), known.since));
        crowded.filter(|(_, known)| self.crowd(known.subnet) >= self.crowd(subnet) + 2).map(|(peer, _)| *peer)
    }

    /// What time has left of a peer's points, in 60,000ths.
    fn points(&self, known: &Peer, now: Time) -> u64 {
        let forgiven = now.ms_since(known.scored).saturating_mul(u64::from(self.limits.forgiven_per_minute));
        known.points.saturating_sub(forgiven)
    }

    /// A kept connection ended. Whether it was the peer's last.
    pub fn disconnected(&mut self, peer: &PeerId) -> bool {
        let Some(known) = self.peers.get_mut(peer) else { return false };
        known.connections = known.connections.saturating_sub(1);
        let last = known.connections == 0;
        if last {
            self.peers.remove(peer);
        }
        last
    }

    /// A peer greets for these chains, of those that were counted at the start. One that dialled us finds room in one of them
    /// at least: each chain has an equal share of the peers that may dial, so that a crowd that greets for one chain leaves the
    /// others theirs.
    ///
    /// # Errors
    /// [`Refusal::Full`] if there is none.
    pub fn admit(&mut self, peer: &PeerId, chains: &[usize]) -> Result<(), Refusal> {
        let share = (self.limits.inbound / self.chains.len().max(1)).max(1);
        let others = || self.peers.iter().filter(|(other, known)| known.inbound && *other != peer);
        let has_room =
            |chain: &usize| others().filter(|(_, known)| known.chains.contains(chain)).count() < share;
        if self.peers.get(peer).is_some_and(|known| known.inbound) && !chains.iter().any(has_room) {
            return Err(Refusal::Full);
        }
        if let Some(known) = self.peers.get_mut(peer) {
            known.chains = chains.to_vec();
        }
        Ok(())
    }

    /// The peer greeted, and we agree to talk.
    pub fn greeted(&mut self, peer: &PeerId) {
        if let Some(known) = self.peers.get_mut(peer) {
            known.greeted = true;
        }
    }

    /// Whether the peer greeted.
    pub fn is_greeted(&self, peer: &PeerId) -> bool {
        self.peers.get(peer).is_some_and(|known| known.greeted)
    }

    /// Peers that have been silent for too long after they connected.
    pub fn silent(&self, now: Time) -> Vec<PeerId> {
        let late = |known: &Peer| !known.greeted && now.ms_since(known.since) > self.limits.greeting_ms;
        self.peers.iter().filter(|(_, known)| late(known)).map(|(peer, _)| *peer).collect()
    }

    /// A message of gossip about a chain came.
    pub fn gossip(
        &mut self,
        peer: &PeerId,
        chain: usize,
        topic: Topic,
        bytes: usize,
        now: Time,
    ) -> Admission {
        let Some(known) = self.peers.get_mut(peer).filter(|known| known.greeted) else {
            return Admission::Drop;
        };
        let (Some(own), Some(together)) = (known.budgets.get_mut(chain), self.chains.get_mut(chain)) else {
            return Admission::Drop;
        };
        let bytes = bytes as u64;
        if !own.topics[topic as usize].take(1, now) || !own.bytes.take(bytes, now) {
            return Admission::Wrong(Fault::Flood);
        }
        if !together.topics[topic as usize].take(1, now) || !together.bytes.take(bytes, now) {
            return Admission::Drop;
        }
        Admission::Take
    }

    /// A peer says who it is and where it can be found.
    pub fn introduction(&mut self, peer: &PeerId, now: Time) -> Admission {
        let Some(known) = self.peers.get_mut(peer) else { return Admission::Drop };
        if known.introductions.take(1, now) { Admission::Take } else { Admission::Wrong(Fault::Flood) }
    }

    /// A request about a chain came.
    pub fn request(&mut self, peer: &PeerId, chain: usize, now: Time) -> Admission {
        let Some(known) = self.peers.get_mut(peer).filter(|known| known.greeted) else {
            return Admission::Wrong(Fault::Unannounced);
        };
        let (Some(own), Some(together)) = (known.budgets.get_mut(chain), self.chains.get_mut(chain)) else {
            return Admission::Drop;
        };
        if !own.requests.take(1, now) {
            return Admission::Wrong(Fault::Flood);
        }
        if !together.requests.take(1, now) {
            return Admission::Drop;
        }
        Admission::Take
    }

    /// An answer of this many bytes is about to be sent. `false`: more than the peer may have now.
    pub fn answer(&mut self, peer: &PeerId, chain: usize, bytes: usize, now: Time) -> bool {
        let own = self.peers.get_mut(peer).and_then(|known| known.budgets.get_mut(chain));
        own.is_some_and(|own| own.answer_bytes.take(bytes as u64, now))
            && self.chains.get_mut(chain).is_some_and(|all| all.answer_bytes.take(bytes as u64, now))
    }

    /// A peer did wrong; the ban, if that was enough for one.
    pub fn fault(&mut self, peer: &PeerId, fault: Fault, now: Time) -> Option<Ban> {
        let left = self.points(self.peers.get(peer)?, now);
        let known = self.peers.get_mut(peer)?;
        let points = left + u64::from(fault.points()) * POINT;
        (known.points, known.scored) = (points, now);
        if points < u64::from(self.limits.ban_at) * POINT {
            return None;
        }
        known.points = 0;
        let subnet = known.subnet;
        Some(self.ban(*peer, fault, subnet, now))
    }

    fn ban(&mut self, peer: PeerId, reason: Fault, subnet: Option<Subnet>, now: Time) -> Ban {
        let doubled = self.bans.get(&peer).map(|earlier| earlier.ms.saturating_mul(2));
        let ms = doubled.unwrap_or(self.limits.ban_ms).min(self.limits.longest_ban_ms);
        let ban = Ban { until: now.plus_ms(ms), ms, reason, subnet };
        self.keep(peer, ban);
        ban
    }

    fn keep(&mut self, peer: PeerId, ban: Ban) {
        self.bans.insert(peer, ban);
        if self.bans.len() > self.limits.bans {
            let soonest = self.bans.iter().min_by_key(|(_, ban)| ban.until).map(|(peer, _)| *peer);
            soonest.map(|peer| self.bans.remove(&peer));
        }
    }

    /// Takes a ban from before this process began; the subnet that is closed by it, and until when. It lasts no longer than the
    /// longest ban from now.
    pub fn restore(&mut self, peer: PeerId, ban: Ban, now: Time) -> Option<(Subnet, Time)> {
        let longest = self.limits.longest_ban_ms;
        let ban = Ban { until: ban.until.min(now.plus_ms(longest)), ms: ban.ms.min(longest), ..ban };
        self.keep(peer, ban);
        self.closes(&ban, now)
    }

    /// Whether the subnet of a ban is closed, and until when.
    pub fn closes(&self, ban: &Ban, now: Time) -> Option<(Subnet, Time)> {
        let subnet = ban.subnet?;
        Some((subnet, self.closed_until(&subnet, now)?))
    }

    /// Until when nobody of a subnet is let in, if it is closed: until fewer of its bans are in force.
    fn closed_until(&self, subnet: &Subnet, now: Time) -> Option<Time> {
        let in_force = self.bans.values().filter(|ban| ban.until > now && ban.subnet == Some(*subnet));
        let mut ends: Vec<Time> = in_force.map(|ban| ban.until).collect();
        ends.sort_by_key(|until| std::cmp::Reverse(*until));
        ends.get(self.limits.bans_per_subnet.checked_sub(1)?).copied()
    }

    /// All bans that are remembered, those that are over too: a further one is longer.
    pub fn every_ban(&self) -> impl Iterator<Item = (&PeerId, &Ban)> {
        self.bans.iter()
    }

    /// The ban that a peer is under.
    pub fn ban_of(&self, peer: &PeerId, now: Time) -> Option<Ban> {
        self.bans.get(peer).copied().filter(|ban| ban.until > now)
    }

    /// Forgets bans that ended a day ago: until then a second ban is longer than the first.
    pub fn forget(&mut self, now: Time) {
        let longest = self.limits.longest_ban_ms;
        self.bans.retain(|_, ban| ban.until.plus_ms(longest) > now);
    }

    /// Everybody who is connected.
    pub fn all(&self) -> impl Iterator<Item = (PeerId, Standing)> + '_ {
        self.peers.iter().map(|(peer, known)| {
            let points = u32::try_from(known.points.div_ceil(POINT)).unwrap_or(u32::MAX);
            let standing =
                Standing { inbound: known.inbound, greeted: known.greeted, since: known.since, points };
            (*peer, standing)
        })
    }

    /// The bans that are in force, those that end last first, at most `limit`.
    pub fn bans(&self, now: Time, limit: usize) -> Vec<(PeerId, Ban)> {
        let mut bans: Vec<_> =
            self.bans.iter().filter(|(_, ban)| ban.until > now).map(|(peer, ban)| (*peer, *ban)).collect();
        bans.sort_by_key(|(_, ban)| std::cmp::Reverse(ban.until));
        bans.truncate(limit);
        bans
    }

    /// Connected peers.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Peers that are connected because we dialled.
    pub fn outbound(&self) -> usize {
        self.peers.values().filter(|known| !known.inbound).count()
    }

    /// Whether this peer is connected because we dialled.
    pub fn is_dialled(&self, peer: &PeerId) -> bool {
        self.peers.get(peer).is_some_and(|known| !known.inbound)
    }

    /// Whether this peer is connected.
    pub fn contains(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }

    /// The limits.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl Budgets {
    fn new(rates: &Rates, peers: u64, now: Time) -> Self {
        let budget = |rate: Rate| Budget::new(rate.times(peers), now);
        Self {
            topics: Topic::ALL.map(|topic| match topic {
                Topic::Blocks => budget(rates.blocks),
                Topic::Votes => budget(rates.votes),
                Topic::Transactions => budget(rates.transactions),
            }),
            bytes: budget(rates.bytes),
            requests: budget(rates.requests),
            answer_bytes: budget(rates.answer_bytes),
        }
    }
}

#[cfg(test)]
mod tests;
