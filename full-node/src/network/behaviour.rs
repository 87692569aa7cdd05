use std::{io, num::NonZeroUsize, sync::Arc, time::Duration};

use libp2p::{
    PeerId, StreamProtocol, Swarm, SwarmBuilder, allow_block_list, connection_limits,
    gossipsub::{self, MessageAuthenticity, MessageId, ValidationMode},
    identify,
    identity::Keypair,
    kad, noise, request_response,
    swarm::NetworkBehaviour,
    tcp, yamux,
};
use light_client::data_format::ChainId;

use super::{
    chains::{Admitted, Chains},
    codec::Codec,
    door::Door,
    messages::{Answer, Hello, Request, Response},
    peers,
    protocol::{self, MAX_HELLO_BYTES, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, Topic},
    traffic::Traffic,
    worker::system_time,
};

pub(super) type Greeting = request_response::Behaviour<Codec<Hello, Answer>>;
pub(super) type Exchange = request_response::Behaviour<Codec<Request, Response>>;
pub(super) type Lookup = kad::Behaviour<kad::store::MemoryStore>;
type Subscriptions = gossipsub::MaxCountSubscriptionFilter<gossipsub::WhitelistSubscriptionFilter>;
pub(super) type Gossip = gossipsub::Behaviour<gossipsub::IdentityTransform, Subscriptions>;

/// Everything that this node says and hears.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    /// First: a connection that is one too many reaches nobody else.
    pub(super) door: Door,
    pub(super) limits: connection_limits::Behaviour,
    pub(super) banned: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    pub(super) identify: identify::Behaviour,
    pub(super) hello: Greeting,
    pub(super) exchange: Chains<Exchange>,
    pub(super) lookup: Chains<Lookup>,
    pub(super) gossip: Chains<Gossip>,
}

/// Requests that one connection may have open in each protocol, either way.
const STREAMS: usize = 8;
/// How long an answer may take before the stream is closed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Connections are closed by decision, not because nothing is said for a while.
const IDLE: Duration = Duration::from_secs(24 * 3_600);
/// Connections that are being made; either way.
const PENDING: u32 = 32;

/// A swarm of these chains, not listening yet, whose bytes are counted.
pub(super) fn swarm(
    key: Keypair,
    chains: &[ChainId],
    admitted: &Admitted,
    limits: &peers::Limits,
    traffic: &mut Traffic,
) -> io::Result<Swarm<Behaviour>> {
    let transports = || {
        let builder = SwarmBuilder::with_existing_identity(key.clone()).with_tokio().with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        );
        builder.map(|builder| builder.with_quic()).map_err(io::Error::other)
    };
    let settings = |config: libp2p::swarm::Config| config.with_idle_connection_timeout(IDLE);
    match transports()?.with_dns() {
        Ok(builder) => {
            let builder = builder.with_bandwidth_metrics(traffic.registry());
            let builder = builder.with_behaviour(|key| behaviour(key, chains, admitted, limits));
            Ok(builder.map_err(io::Error::other)?.with_swarm_config(settings).build())
        }
        // Without the system's settings numbers can be dialled still.
        Err(error) => {
            tracing::warn!(%error, "the names of peers cannot be looked up");
            let builder = transports()?.with_bandwidth_metrics(traffic.registry());
            let builder = builder.with_behaviour(|key| behaviour(key, chains, admitted, limits));
            Ok(builder.map_err(io::Error::other)?.with_swarm_config(settings).build())
        }
    }
}

fn behaviour(
    key: &Keypair,
    chains: &[ChainId],
    admitted: &Admitted,
    limits: &peers::Limits,
) -> Result<Behaviour, Box<dyn std::error::Error + Send + Sync>> {
    let peer = key.public().to_peer_id();
    let requests = || {
        request_response::Config::default()
            .with_request_timeout(REQUEST_TIMEOUT)
            .with_max_concurrent_streams(STREAMS)
    };
    let both = |name: StreamProtocol| [(name, request_response::ProtocolSupport::Full)];
    let hello =
        Greeting::with_codec(Codec::new(MAX_HELLO_BYTES, MAX_HELLO_BYTES), both(protocol::HELLO), requests());
    let exchange = chains.iter().map(|chain| {
        let codec = Codec::new(MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES);
        Exchange::with_codec(codec, both(protocol::exchange(chain)), requests())
    });
    let identify = identify::Config::new(protocol::IDENTIFY.to_owned(), key.public())
        .with_agent_version(concat!("vsys-node/", env!("CARGO_PKG_VERSION")).to_owned())
        .with_cache_size(0);
    let gossip = chains.iter().map(gossip).collect::<Result<Vec<_>, _>>()?;
    Ok(Behaviour {
        door: Door::new(system_time()),
        limits: connection_limits::Behaviour::new(connection_limits(limits)),
        banned: allow_block_list::Behaviour::default(),
        identify: identify::Behaviour::new(identify),
        hello,
        exchange: Chains::new(exchange, Arc::clone(admitted)),
        lookup: Chains::new(chains.iter().map(|chain| lookup(peer, chain)), Arc::clone(admitted))
            .limited(limits.rates.lookups),
        gossip: Chains::new(gossip, Arc::clone(admitted)).limited(limits.rates.gossip),
    })
}

/// The library counts connections, [`peers::Peers`] counts peers: two connections each when both dial at once.
fn connection_limits(limits: &peers::Limits) -> connection_limits::ConnectionLimits {
    let twice = |peers: usize| Some(u32::try_from(peers * 2).unwrap_or(u32::MAX));
    connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING))
        .with_max_pending_outgoing(Some(PENDING))
        .with_max_established_incoming(twice(limits.inbound))
        .with_max_established_outgoing(twice(limits.outbound))
        .with_max_established_per_peer(Some(2))
}

/// Finds addresses of peers; nobody may store anything in it.
fn lookup(peer: PeerId, chain: &ChainId) -> Lookup {
    let mut config = kad::Config::new(protocol::lookup(chain));
    config.set_record_filtering(kad::StoreInserts::FilterBoth);
    config.set_record_ttl(None);
    config.set_replication_interval(None);
    config.set_publication_interval(None);
    config.set_provider_publication_interval(None);
    config.set_kbucket_inserts(kad::BucketInserts::Manual);
    let nothing = kad::store::MemoryStoreConfig {
        max_records: 0,
        max_value_bytes: 0,
        max_providers_per_key: 0,
        max_provided_keys: 0,
    };
    let mut lookup = Lookup::with_config(peer, kad::store::MemoryStore::with_config(peer, nothing), config);
    lookup.set_mode(Some(kad::Mode::Server));
    lookup
}

/// One for each chain: a chain whose queues are full keeps its neighbours' messages waiting nowhere.
fn gossip(chain: &ChainId) -> Result<Gossip, Box<dyn std::error::Error + Send + Sync>> {
    let topics = || Topic::ALL.map(|topic| (topic, topic.of(chain))).into_iter();
    let mut config = gossipsub::ConfigBuilder::default();
    config
        // Content has its own signatures; who relayed it does not matter.
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .protocol_id_prefix(protocol::gossip(chain))
        .message_id_fn(|message| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(message.topic.as_str().as_bytes()).update(&message.data);
            MessageId::new(&hasher.finalize().as_bytes()[..20])
        })
        .heartbeat_initial_delay(Duration::from_millis(100))
        .heartbeat_interval(Duration::from_millis(700))
        .duplicate_cache_time(Duration::from_secs(120))
        .prune_backoff(Duration::from_secs(10))
        // Ids of messages that one peer may offer between two heartbeats: more than it may send in that time.
        .max_ihave_messages(10)
        .max_ihave_length(5_000)
        // Times that it may have one message again.
        .gossip_retransimission(3)
        .max_messages_per_rpc(NonZeroUsize::new(4_096).map(NonZeroUsize::get))
        .max_transmit_size(Topic::Blocks.max_bytes() + 64 * 1024)
        .connection_handler_queue_len(1_024);
    for (topic, name) in topics() {
        config.max_transmit_size_for_topic(topic.max_bytes() + 1_024, name.hash());
    }
    let filter = Subscriptions {
        filter: gossipsub::WhitelistSubscriptionFilter(topics().map(|(_, name)| name.hash()).collect()),
        max_subscribed_topics: Topic::ALL.len(),
        max_subscriptions_per_request: 4 * Topic::ALL.len(),
    };
    let mut gossip =
        Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config.build()?, filter)?;
    for (_, name) in topics() {
        gossip.subscribe(&name)?;
    }
    Ok(gossip)
}
