//! Whom the node is connected with, and whom it keeps out.
//!
//! Everybody who reaches the API may read it, as all here: a node that should not tell its peers' addresses keeps its
//! API on loopback. The lists are bounded by what the network keeps: 80 peers, 64 bans, 16 refusals.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use crate::network::{BanStatus, NetworkStatus, PeerStatus};

/// The node in its network.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct PeersAnswer {
    /// Who this node is to its peers; null if it is in no network.
    pub peer_id: Option<String>,
    /// Where it listens for peers.
    pub listening: Vec<String>,
    /// Connected peers.
    pub peers: Vec<PeerAnswer>,
    /// Peers that are kept out, those for longest first, 64 at most.
    pub banned: Vec<BanAnswer>,
    /// Bans since the start.
    pub bans: u64,
    /// The newest connections that ended in words, by others or by this node, 16 at most.
    pub refusals: Vec<RefusalAnswer>,
}

/// A connected peer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PeerAnswer {
    /// Who it is, proven by its key.
    pub peer_id: String,
    /// The other end of its connection.
    #[schema(example = "/ip4/192.0.2.1/tcp/9921")]
    pub address: String,
    /// The program it says it runs.
    pub agent: String,
    /// `in` if it dialled this node, else `out`.
    pub direction: String,
    /// Whether the two have greeted each other.
    pub greeted: bool,
    /// Points for what it did wrong; at 100 it is banned.
    pub points: u32,
    /// Since when it is connected, in milliseconds since 1970.
    pub since_ms: u64,
    /// How long its last answer to a short question took, in milliseconds.
    pub latency_ms: Option<u64>,
    /// Bytes of its messages.
    pub bytes_in: u64,
    /// Bytes of requests and answers sent to it; gossip that was passed on is not counted.
    pub bytes_out: u64,
    /// Where it says it stands, on each chain that both serve.
    pub tips: Vec<TipAnswer>,
}

/// Where a peer says it stands.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TipAnswer {
    /// The chain.
    pub chain_id: String,
    /// The height of its newest block.
    pub height: u64,
    /// That block.
    pub id: String,
    /// The height of its newest final block.
    pub final_height: u64,
}

/// A peer that is kept out.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct BanAnswer {
    /// Who.
    pub peer_id: String,
    /// Until when, in milliseconds since 1970.
    pub until_ms: u64,
    /// For what.
    pub reason: String,
}

/// A connection that ended in words.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RefusalAnswer {
    /// The other node.
    pub peer_id: String,
    /// What was said.
    pub words: String,
}

/// Connected peers, bans and refusals; below the path of a chain only those peers that serve it.
#[utoipa::path(get, path = "/v1/peers", tag = "chain", responses((status = OK, body = PeersAnswer)))]
pub(super) async fn peers(State(api): State<Arc<Api>>) -> Json<PeersAnswer> {
    let network = api.process.network().map(|mut network| {
        if !api.whole {
            let chain = api.node.chain();
            network.peers.iter_mut().for_each(|peer| peer.tips.retain(|(id, _)| *id == chain));
            network.peers.retain(|peer| !peer.tips.is_empty());
        }
        network
    });
    Json(network.map(PeersAnswer::from).unwrap_or_default())
}

impl PeersAnswer {
    /// For people, at the time `now_ms` (milliseconds since 1970).
    pub(super) fn summary(&self, now_ms: u64) -> String {
        let Some(id) = &self.peer_id else {
            return "This node is in no network: start it with --p2p ADDRESS or --peer MULTIADDR.\n"
                .to_owned();
        };
        let mut text = format!("this node  {id}\n");
        for address in &self.listening {
            text += &format!("listens    {address}\n");
        }
        if self.listening.is_empty() {
            text += "listens    nowhere: nobody can connect to it\n";
        }
        text += &format!("peers      {}\n", self.peers.len());
        for peer in &self.peers {
            text += &peer.line(now_ms);
        }
        text += &format!("banned     {} now, {} since the start\n", self.banned.len(), self.bans);
        for BanAnswer { peer_id, until_ms, reason } in &self.banned {
            let seconds = until_ms.saturating_sub(now_ms) / 1_000;
            text += &format!("  {peer_id}  for {seconds} s more: {reason}\n");
        }
        if !self.refusals.is_empty() {
            text += "refused    lately\n";
        }
        for RefusalAnswer { peer_id, words } in &self.refusals {
            text += &format!("  {peer_id}  {words}\n");
        }
        text
    }
}

impl PeerAnswer {
    fn line(&self, now_ms: u64) -> String {
        let stands = match self.tips.as_slice() {
            [] if !self.greeted => "has not greeted yet".to_owned(),
            [] => "serves none of our chains".to_owned(),
            [tip] => format!("block {}, final {}", tip.height, tip.final_height),
            tips => format!("{} chains", tips.len()),
        };
        let latency = self.latency_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        format!(
            "  {}  {:<3}  {}  {stands}\n    {latency}, {} s, {} kB in, {} kB out, {} points, {}\n",
            self.peer_id,
            self.direction,
            self.address,
            now_ms.saturating_sub(self.since_ms) / 1_000,
            self.bytes_in / 1_000,
            self.bytes_out / 1_000,
            self.points,
            self.agent,
        )
    }
}

impl From<NetworkStatus> for PeersAnswer {
    fn from(status: NetworkStatus) -> Self {
        let refusal =
            |(peer, words): (libp2p::PeerId, String)| RefusalAnswer { peer_id: peer.to_string(), words };
        Self {
            peer_id: Some(status.peer.to_string()),
            listening: status.listening.iter().map(ToString::to_string).collect(),
            peers: status.peers.into_iter().map(PeerAnswer::from).collect(),
            banned: status.banned.into_iter().map(BanAnswer::from).collect(),
            bans: status.bans,
            refusals: status.refusals.into_iter().map(refusal).collect(),
        }
    }
}

impl From<PeerStatus> for PeerAnswer {
    fn from(peer: PeerStatus) -> Self {
        let tips = peer.tips.into_iter().map(|(chain, tip)| TipAnswer {
            chain_id: chain.to_string(),
            height: tip.height.0,
            id: tip.head.to_string(),
            final_height: tip.final_height.0,
        });
        Self {
            peer_id: peer.peer.to_string(),
            address: peer.address.to_string(),
            agent: peer.agent,
            direction: if peer.inbound { "in" } else { "out" }.to_owned(),
            greeted: peer.greeted,
            points: peer.points,
            since_ms: peer.since.0,
            latency_ms: peer.latency_ms,
            bytes_in: peer.bytes_in,
            bytes_out: peer.bytes_out,
            tips: tips.collect(),
        }
    }
}

impl From<BanStatus> for BanAnswer {
    fn from(ban: BanStatus) -> Self {
        Self { peer_id: ban.peer.to_string(), until_ms: ban.until.0, reason: ban.reason.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use light_client::{
        crypto::Hash,
        data_format::{Height, Time},
    };

    use super::*;
    use crate::network::{messages::Tip, peers::Fault};

    #[test]
    fn the_network_is_shown_and_read_back() {
        let peer = libp2p::identity::Keypair::generate_ed25519().public().to_peer_id();
        let tip = Tip {
            head: Hash([1; 32]),
            height: Height(9),
            weight: 1,
            final_height: Height(7),
            kept_from: Height(0),
        };
        let shown = PeerStatus {
            peer,
            address: "/ip4/192.0.2.1/tcp/9921".parse().unwrap(),
            agent: "vsys-node/0.1.0".to_owned(),
            inbound: true,
            greeted: true,
            points: 20,
            since: Time(5),
            latency_ms: Some(12),
            bytes_in: 100,
            bytes_out: 200,
            tips: vec![(Hash([2; 32]), tip)],
        };
        let status = NetworkStatus {
            peer,
            listening: vec!["/ip4/192.0.2.1/udp/9921/quic-v1".parse().unwrap()],
            connected: 1,
            bytes_in: 0,
            bytes_out: 0,
            chains: Vec::new(),
            peers: vec![shown],
            refusals: vec![(peer, "it has enough peers".to_owned())],
            bans: 3,
            banned: vec![BanStatus { peer, until: Time(8), reason: Fault::Flood }],
        };
        let json = serde_json::to_value(PeersAnswer::from(status)).unwrap();
        assert_eq!(json["peers"][0]["direction"], "in");
        assert_eq!(json["peers"][0]["tips"][0]["final_height"], 7);
        assert_eq!(json["banned"][0]["reason"], Fault::Flood.to_string());
        let again: PeersAnswer = serde_json::from_value(json).unwrap();
        assert_eq!(again.peers[0].address, "/ip4/192.0.2.1/tcp/9921");
        assert_eq!((again.bans, again.refusals.len(), again.listening.len()), (3, 1, 1));
        let text = again.summary(2_005);
        for words in
            ["in   /ip4/192.0.2.1/tcp/9921  block 9, final 7", "12 ms, 2 s", "1 now, 3 since", "enough peers"]
        {
            assert!(text.contains(words), "{words:?} is not in {text}");
        }
        assert!(PeersAnswer::default().summary(0).contains("--p2p"));
    }
}
