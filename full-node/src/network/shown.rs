//! What is shown of the network. Nothing is decided by it.

use std::{collections::HashMap, net::IpAddr};

use libp2p::{Multiaddr, PeerId};
use light_client::data_format::Time;

use super::{BanStatus, ChainPeers, NetworkStatus, PeerStatus, host::Host, worker::system_time};

/// Refusals that are shown.
const REFUSALS: usize = 16;
/// Bans that are shown, those that end last.
const BANS: usize = 64;
/// Letters of the name of another node's program that are shown.
const AGENT_LETTERS: usize = 64;
/// Addresses that are refused aloud within [`SAID_MS`].
const SAID: usize = 64;
const SAID_MS: u64 = 60_000;

/// What is shown of a peer besides what `peers` knows of it.
#[derive(Clone, Debug)]
struct Remote {
    address: Multiaddr,
    agent: String,
    latency_ms: Option<u64>,
    bytes_in: u64,
    bytes_out: u64,
}

/// Everybody who is connected. A record goes with the peer's last connection.
#[derive(Debug, Default)]
pub(super) struct Remotes(HashMap<PeerId, Remote>);

impl Remotes {
    /// A connection is kept.
    pub(super) fn connected(&mut self, peer: PeerId, address: &Multiaddr) {
        self.0.entry(peer).or_insert_with(|| Remote {
            address: address.clone(),
            agent: String::new(),
            latency_ms: None,
            bytes_in: 0,
            bytes_out: 0,
        });
    }

    /// A peer's last connection is gone.
    pub(super) fn gone(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    /// The other end of a peer's first connection.
    pub(super) fn address(&self, peer: &PeerId) -> Option<&Multiaddr> {
        self.0.get(peer).map(|remote| &remote.address)
    }

    /// A peer says which program it runs: whatever it likes, so only letters that a terminal shows as they are.
    pub(super) fn runs(&mut self, peer: &PeerId, agent: &str) {
        if let Some(remote) = self.0.get_mut(peer) {
            let plain = agent.chars().filter(|letter| letter.is_ascii_graphic() || *letter == ' ');
            remote.agent = plain.take(AGENT_LETTERS).collect();
        }
    }

    /// A short question was answered after this long.
    pub(super) fn took(&mut self, peer: &PeerId, ms: u64) {
        if let Some(remote) = self.0.get_mut(peer) {
            remote.latency_ms = Some(ms);
        }
    }

    /// Bytes of a message came from a peer.
    pub(super) fn received(&mut self, peer: &PeerId, bytes: usize) {
        if let Some(remote) = self.0.get_mut(peer) {
            remote.bytes_in = remote.bytes_in.saturating_add(bytes as u64);
        }
    }

    /// Bytes of a message went to a peer.
    pub(super) fn sent(&mut self, peer: &PeerId, bytes: usize) {
        if let Some(remote) = self.0.get_mut(peer) {
            remote.bytes_out = remote.bytes_out.saturating_add(bytes as u64);
        }
    }
}

/// Addresses whose peers were refused in words lately, and when: at most [`SAID`].
#[derive(Debug, Default)]
pub(super) struct Said(HashMap<Option<IpAddr>, Time>);

impl Said {
    /// Whether a refusal of a peer at this address is told to the operator: once a minute for each address, and of so many
    /// addresses in a minute.
    pub(super) fn again(&mut self, address: Option<IpAddr>, now: Time) -> bool {
        self.0.retain(|_, at| now.ms_since(*at) < SAID_MS);
        let new = self.0.len() < SAID && !self.0.contains_key(&address);
        if new {
            self.0.insert(address, now);
        }
        new
    }
}

impl Host {
    pub(super) fn note_refusal(&mut self, peer: PeerId, words: String) {
        if self.refusals.len() >= REFUSALS {
            self.refusals.pop_front();
        }
        self.refusals.push_back((peer, words));
    }

    pub(super) fn publish_status(&self) {
        let now = system_time();
        let (bytes_in, bytes_out) = self.traffic.bytes();
        let status = NetworkStatus {
            peer: *self.swarm.local_peer_id(),
            listening: self.swarm.listeners().cloned().collect(),
            connected: self.peers.len(),
            bytes_in,
            bytes_out,
            chains: self
                .chains
                .iter()
                .map(|chain| ChainPeers {
                    chain: chain.id,
                    peers: chain.sync.peers(),
                    progress: chain.sync.progress(now),
                    snapshot: chain.snapshot.progress(now),
                })
                .collect(),
            peers: self.peer_list(),
            refusals: self.refusals.iter().cloned().collect(),
            bans: self.bans,
            banned: self
                .peers
                .bans(now, BANS)
                .into_iter()
                .map(|(peer, ban)| BanStatus { peer, until: ban.until, reason: ban.reason })
                .collect(),
        };
        self.status.send_if_modified(|known| {
            let changed = *known != status;
            *known = status;
            changed
        });
    }

    fn peer_list(&self) -> Vec<PeerStatus> {
        let peers = self.peers.all().filter_map(|(peer, known)| {
            let remote = self.remotes.0.get(&peer)?;
            let tips = self.chains.iter().filter_map(|chain| Some((chain.id, chain.sync.tip_of(&peer)?)));
            Some(PeerStatus {
                peer,
                address: remote.address.clone(),
                agent: remote.agent.clone(),
                inbound: known.inbound,
                greeted: known.greeted,
                points: known.points,
                since: known.since,
                latency_ms: remote.latency_ms,
                bytes_in: remote.bytes_in,
                bytes_out: remote.bytes_out,
                tips: tips.collect(),
            })
        });
        peers.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn refusals_are_told_once_a_minute_for_each_address() {
        let mut said = Said::default();
        let address = |number: u32| Some(Ipv4Addr::from_bits(number).into());
        let told =
            |said: &mut Said, now| (0..1_000).filter(|n| said.again(address(n / 500), Time(now))).count();
        assert_eq!(told(&mut said, 1_000), 2);
        assert_eq!(told(&mut said, 60_999), 0);
        assert_eq!(told(&mut said, 61_000), 2);
        let crowd = (2..1_000).filter(|n| said.again(address(*n), Time(61_001))).count();
        assert_eq!(crowd, SAID - 2);
        assert_eq!(said.0.len(), SAID);
    }
}
