//! LAYER peer-to-peer network: one libp2p swarm for all chains that this process runs.
//!
//! Over TCP and QUIC, encrypted and authenticated by each node's own key ([`identity`]). Strangers greet first
//! ([`messages::Hello`]) and part in words if they have no chain, version or block 0 in common. Then blocks, votes and
//! transactions travel by gossip, ranges of headers and blocks by request ([`messages::Request`]), and addresses of
//! further peers by `identify` and Kademlia. Every name on the wire carries the chain id ([`protocol`]).
//!
//! What to do is decided in three machines without sockets and clock, [`peers`] (who may stay, how much of whom is looked
//! at), [`sync`] (which blocks to ask whom for) and [`snapshot`] (how to start from a state); the rest here moves bytes for
//! them. Chains are reached through [`ChainPort`]: what a vote, a seal or a proof means is not known here.
//!
//! A chain whose spec names peers is a closed network: for others its protocols do not exist, in either direction, even
//! where they are let in for another chain of the process.
//!
//! **Trust and bounds.** Anybody on the internet can connect and send anything; nothing is believed.
//!
//! | surface | who can send | what it could grow | what stops it |
//! |---|---|---|---|
//! | connections | anybody | sockets, handshakes | `door`: by subnet, before the handshake; 32 pending each way; 64 peers in, 16 out, 8 of one address, 32 of one subnet; silent ones end after 10 s; whoever is half way to a ban, or comes from the most crowded subnet, makes room for others |
//! | bans | whoever connects | list and file of bans | 4,096; a subnet with three of them is closed |
//! | greeting | whoever connects | nothing | 8 KiB; 16 chains; once a connection, each further one is a fault; each chain has an equal share of the peers in; a refusal is logged once a minute by address |
//! | gossip | who greeted | queues, the pool, transactions before their turn, the tree, evidence on disk | size by topic; budgets by peer and chain and for all peers of a chain; queues of fixed length by chain and kind; shares by sender and peer of what waits for its turn (`early`); the bounds of pool, tree, votes and [witnesses](crate::consensus::spos::Witness) |
//! | control of gossip | who connects | subscriptions, ids on offer | 3 topics; messages of gossip of any kind by peer and chain: what is beyond is not heard, and a fault; 50,000 ids on offer between two heartbeats; a message again three times |
//! | requests | who greeted | reads of the disk, bytes sent | 4 KiB; 8 streams; budgets for requests and bytes of answers; 64 reads wait by chain |
//! | snapshots | whom we asked | proven entries of the state on disk | [`snapshot`] |
//! | answers | whom we asked | bodies ahead of the chain | 4 MiB and 64 KiB; only what was asked for; 1,024 headers and 64 MiB of bodies ahead |
//! | lookups | who connects | nothing: nobody stores records | 4 a second by peer and chain: what is beyond is not heard, and a fault; 16 KiB |
//! | introductions | who connects | address book, buckets | 1 a second by peer: more is a fault; 4 KiB; 8 addresses at a time |
//! | addresses | who connects, Kademlia | address book, buckets | 1,024 peers with 4 addresses; quotas by who tells and by where they lie ([`address_book`]); none that is nearer than whoever tells it, or in a lookup than the nearest peer: nobody public makes this node knock at private doors, unless it has a peer behind them |
//!
//! A block is relayed once this node has checked *every* rule of it, so no invalid block travels further than one
//! step, and whoever relays one is banned. The price is the time of executing it on each step of its way.

pub mod address_book;
mod bans;
mod behaviour;
mod chains;
mod codec;
pub(crate) mod decisions;
mod door;
mod early;
mod events;
mod host;
pub mod identity;
pub mod messages;
pub mod peers;
mod port;
pub mod protocol;
mod publish;
pub(crate) mod reading;
mod shown;
pub mod snapshot;
pub mod subnet;
pub mod sync;
mod tending;
mod traffic;
mod worker;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use light_client::data_format::{ChainId, Time};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

pub use identity::IdentityError;
pub use port::{
    Announcement, Ballot, Block, Certainty, ChainPort, Claims, Heard, Inserted, PortError, Row, Taken,
};

pub use messages::Tip;

use self::{host::Host, peers::Fault};

/// What the network is told to be.
#[derive(Clone, Debug, Default)]
pub struct NetworkConfig {
    /// Where it listens, by TCP and by QUIC; nowhere if this is empty.
    pub listen: Vec<SocketAddr>,
    /// Nodes to stay connected with.
    pub peers: Vec<Multiaddr>,
    /// Nodes to find others through, for as long as no good others are known.
    pub bootstrap: Vec<Multiaddr>,
    /// Where node key, address book and bans are kept; `None` keeps none of them.
    pub folder: Option<PathBuf>,
    /// What peers may do.
    pub limits: peers::Limits,
    /// How much is fetched ahead.
    pub sync: sync::Limits,
    /// How much of a snapshot is asked for at once.
    pub snapshot: snapshot::Limits,
}

/// Why the network does not start.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The node key cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The folder cannot be made.
    #[error("the folder {path} cannot be made: {cause}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// It cannot listen there.
    #[error("cannot listen for peers on {address}: {cause}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        cause: io::Error,
    },
    /// The transports cannot be made.
    #[error("the network cannot start: {0}")]
    Start(io::Error),
    /// More chains than a greeting holds.
    #[error("{0} chains, at most 16 can be served")]
    TooManyChains(usize),
    /// A chain cannot say where it stands.
    #[error(transparent)]
    Chain(#[from] PortError),
}

/// How the network is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkStatus {
    /// Who this node is.
    pub peer: PeerId,
    /// Where it listens.
    pub listening: Vec<Multiaddr>,
    /// Connected peers, those that have not greeted included.
    pub connected: usize,
    /// Bytes received over all connections since the start, as they were before encryption.
    pub bytes_in: u64,
    /// Bytes sent over all connections since the start, as they were before encryption.
    pub bytes_out: u64,
    /// By chain, in the order in which they were given.
    pub chains: Vec<ChainPeers>,
    /// Each connected peer.
    pub peers: Vec<PeerStatus>,
    /// The newest refusals, by others and by us: at most 16.
    pub refusals: Vec<(PeerId, String)>,
    /// Peers banned since the start.
    pub bans: u64,
    /// Bans in force, those that end last first: at most 64.
    pub banned: Vec<BanStatus>,
}

/// A connected peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Who: proven by its key.
    pub peer: PeerId,
    /// The other end of its first connection.
    pub address: Multiaddr,
    /// The program it says it runs: at most 64 printable letters, empty until it has said so.
    pub agent: String,
    /// Whether it dialled us.
    pub inbound: bool,
    /// Whether it greeted.
    pub greeted: bool,
    /// Points for what it did wrong; at 100 it is banned.
    pub points: u32,
    /// Since when it is connected.
    pub since: Time,
    /// How long its last answer to a short question took, in milliseconds.
    pub latency_ms: Option<u64>,
    /// Bytes of its messages: gossip, requests and answers, as they were before encryption.
    pub bytes_in: u64,
    /// Bytes of our requests and answers; gossip that was passed on is not counted.
    pub bytes_out: u64,
    /// Where it says it stands, by chain.
    pub tips: Vec<(ChainId, Tip)>,
}

/// A peer that is kept out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanStatus {
    /// Who.
    pub peer: PeerId,
    /// Until when.
    pub until: Time,
    /// For what.
    pub reason: Fault,
}

/// One chain of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainPeers {
    /// Which.
    pub chain: ChainId,
    /// Peers that greeted and serve it.
    pub peers: usize,
    /// How far the node is on its way to a better head, if it is.
    pub progress: Option<sync::Progress>,
    /// How much of the snapshot is here that it starts from, if it does.
    pub snapshot: Option<snapshot::Progress>,
}

/// A running network. It ends with [`Network::shutdown`], or when this is dropped.
pub struct Network {
    peer: PeerId,
    status: watch::Receiver<NetworkStatus>,
    /// Closed to stop.
    stop: mpsc::Sender<()>,
    host: JoinHandle<()>,
}

impl Network {
    /// Joins the network of these chains. Must be called on a Tokio runtime; blocks for as long as it takes to read two small
    /// files and to open the sockets.
    ///
    /// # Errors
    /// [`NetworkError`] says which part cannot start.
    pub async fn start(config: NetworkConfig, chains: Vec<Arc<dyn ChainPort>>) -> Result<Self, NetworkError> {
        if chains.len() > protocol::MAX_CHAINS as usize {
            return Err(NetworkError::TooManyChains(chains.len()));
        }
        if let Some(folder) = &config.folder {
            let failed = |cause| NetworkError::Folder { path: folder.clone(), cause };
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = |name: &str| config.folder.as_ref().map(|folder| folder.join(name));
        let key = identity::node_key(file("node.key").as_deref())?;
        let book = address_book::AddressBook::open(file("peers").as_deref());
        let peer = key.public().to_peer_id();
        let bans = bans::BanFile::at(file("bans").as_deref());
        let host = Host::new(key, book, bans, &config, chains)?;
        let host = host.listen(&config.listen).await?;
        let status = host.status();
        let (stop, stopped) = mpsc::channel(1);
        tracing::info!(%peer, "joined the network");
        Ok(Self { peer, status, stop, host: tokio::spawn(host.run(stopped)) })
    }

    /// Who this node is to its peers.
    pub const fn peer(&self) -> PeerId {
        self.peer
    }

    /// How it is doing; watch it for changes.
    pub fn status(&self) -> watch::Receiver<NetworkStatus> {
        self.status.clone()
    }

    /// Ends every connection and waits for work in progress.
    pub async fn shutdown(self) {
        drop(self.stop);
        if let Err(error) = self.host.await {
            tracing::error!(%error, "the network did not end well");
        }
    }
}

/// The addresses for TCP and QUIC on a socket address.
fn transports(address: SocketAddr) -> [Multiaddr; 2] {
    let tcp = Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()));
    let quic = Multiaddr::from(address.ip()).with(Protocol::Udp(address.port())).with(Protocol::QuicV1);
    [tcp, quic]
}

#[cfg(test)]
mod tests;
