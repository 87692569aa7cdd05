//! What is shown of the network. Nothing is decided by it.

use std::collections::HashMap;

use libp2p::{Multiaddr, PeerId};

use super::{BanStatus, ChainPeers, NetworkStatus, PeerStatus, host::Host, worker::system_time};

/// Refusals that are shown.
const REFUSALS: usize = 16;
/// Bans that are shown, those that end last.
const BANS: usize = 64;
/// Letters of the name of another node's program that are shown.
const AGENT_LETTERS: usize = 64;

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
