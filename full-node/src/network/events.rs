//! What the host does when something happens on the wire.

use std::io;

use libp2p::{
    PeerId,
    core::ConnectedPoint,
    gossipsub::{self, MessageAcceptance},
    identify, kad,
    request_response::{Event, Message, OutboundFailure, OutboundRequestId, ResponseChannel},
    swarm::{ConnectionId, DialError, SwarmEvent},
};

use light_client::data_format::{ChainId, codec};

use super::{
    address_book::Source,
    behaviour::BehaviourEvent,
    chains::admits,
    codec::{Incoming, Reply},
    decisions::Decision,
    host::{Asker, Host, PARTING_MS, Parting, Sent},
    messages::{Answer, ChainHello, Hello, Request, Response},
    peers::{Admission, Fault},
    protocol::{self, PROTOCOL_VERSION, Topic},
    reading::ReadWork,
    subnet::{Scope, Subnet, first_ip},
    worker::{Told, system_time},
};

/// Addresses that one peer may tell about itself or others at a time.
const ADDRESSES: usize = 8;

impl Host {
    pub(super) fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour_event(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_connected(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => {
                self.on_closed(peer_id, connection_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id, connection_id, error } => {
                self.on_not_reached(peer_id, connection_id, &error);
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening for peers");
                self.publish_status();
            }
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::error!(?addresses, ?reason, "no longer listening for peers");
            }
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "while listening for peers"),
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                tracing::debug!(address = %send_back_addr, %error, "a connection did not come about");
            }
            _ => {}
        }
    }

    fn on_connected(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        let now = system_time();
        let address = endpoint.get_remote_address();
        let inbound = endpoint.is_listener();
        if !inbound {
            self.dialling.remove(&peer);
            for wanted in self.wanted.iter_mut().filter(|wanted| wanted.dialling == Some(connection)) {
                (wanted.dialling, wanted.peer) = (None, Some(peer));
            }
        }
        match self.peers.connected(peer, first_ip(address), inbound, now) {
            Ok(worse) => {
                if let Some(worse) = worse {
                    tracing::debug!(peer = %worse, "it makes room for another");
                    self.part(worse);
                }
                self.kept.insert(connection, peer);
                self.remotes.connected(peer, address);
                if !inbound && !self.peers.is_greeted(&peer) {
                    let hello = self.hello(&peer);
                    let sent = self.swarm.behaviour_mut().hello.send_request(&peer, Incoming::Asked(hello));
                    self.greetings.insert(sent, peer);
                }
            }
            // Whoever dialled greets, and hears why this ends.
            Err(refusal) if inbound => {
                self.parting.insert(peer, Parting { at: now.plus_ms(PARTING_MS), refusal: Some(refusal) });
            }
            Err(refusal) => {
                tracing::debug!(%peer, %refusal, "no room for a connection");
                self.book.failed(&peer, now);
                self.swarm.close_connection(connection);
            }
        }
    }

    fn on_closed(&mut self, peer: PeerId, connection: ConnectionId) {
        self.greeted_on.remove(&connection);
        if self.kept.remove(&connection).is_none() || !self.peers.disconnected(&peer) {
            return;
        }
        tracing::debug!(%peer, "a peer is gone");
        self.parting.remove(&peer);
        self.remotes.gone(&peer);
        for place in 0..self.chains.len() {
            self.chains[place].told.remove(&peer);
            self.chains[place].sync.gone(&peer);
            self.chains[place].snapshot.gone(&peer);
            self.do_effects(place);
        }
        let now = system_time();
        for wanted in self.wanted.iter_mut().filter(|wanted| wanted.peer == Some(peer)) {
            wanted.fail(now);
        }
    }

    fn on_not_reached(&mut self, peer: Option<PeerId>, connection: ConnectionId, error: &DialError) {
        let now = system_time();
        for wanted in self.wanted.iter_mut().filter(|wanted| wanted.dialling == Some(connection)) {
            if wanted.failures == 0 {
                tracing::warn!(address = %wanted.address, %error, "a peer cannot be reached; trying again");
            }
            wanted.fail(now);
        }
        if let Some(peer) = peer {
            self.dialling.remove(&peer);
            self.book.failed(&peer, now);
        }
    }

    fn on_behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Hello(event) => self.on_hello(event),
            BehaviourEvent::Exchange((chain, event)) => self.on_exchange(chain, event),
            BehaviourEvent::Gossip((chain, event)) => self.on_gossip(chain, event),
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, connection_id }) => {
                self.on_identified(peer_id, connection_id, &info);
            }
            BehaviourEvent::Lookup((_, event)) => self.on_lookup(event),
            BehaviourEvent::Identify(_) => {}
            BehaviourEvent::Limits(never) | BehaviourEvent::Banned(never) | BehaviourEvent::Door(never) => {
                match never {}
            }
        }
    }

    fn on_hello(&mut self, event: Event<Incoming<Hello>, Reply<Answer>>) {
        match event {
            Event::Message { peer, connection_id, message: Message::Request { request, channel, .. } } => {
                let again = !self.greeted_on.insert(connection_id);
                match request {
                    Incoming::Garbage(what) => self.charge_garbage(peer, &what),
                    Incoming::Asked(hello) if !again => self.answer_hello(peer, &hello, channel),
                    Incoming::Asked(_) => {
                        drop(channel);
                        self.fault(peer, Fault::GreetedAgain);
                        // Nobody to charge: it was told that there is no room for it.
                        if !self.peers.contains(&peer) {
                            self.part(peer);
                        }
                    }
                }
            }
            Event::Message { peer, message: Message::Response { request_id, response }, .. } => {
                // What is to be sent does not come.
                if let Reply::Came(answer, _) = response
                    && self.greetings.remove(&request_id).is_some()
                {
                    self.on_answer(peer, answer);
                }
            }
            Event::OutboundFailure { peer, request_id, error, .. } => {
                self.greetings.remove(&request_id);
                if matches!(error, OutboundFailure::UnsupportedProtocols) {
                    self.note_refusal(peer, "it is no node of this kind of network".to_owned());
                }
                tracing::debug!(%peer, %error, "the greeting was not answered");
                self.book.failed(&peer, system_time());
                if let OutboundFailure::Io(error) = &error
                    && error.kind() == io::ErrorKind::InvalidData
                {
                    self.charge_garbage(peer, error);
                }
                self.part(peer);
            }
            // Whoever asked went away, or an answer was not wanted any more.
            Event::InboundFailure { .. } | Event::ResponseSent { .. } => {}
        }
    }

    fn answer_hello(&mut self, peer: PeerId, theirs: &Hello, channel: ResponseChannel<Reply<Answer>>) {
        let ours = self.hello(&peer);
        // Whoever speaks another version understands no other refusal than that one.
        let met = self.find_common(&peer, theirs).and_then(|common| {
            let places: Vec<usize> =
                common.iter().filter_map(|theirs| self.place_of(&theirs.chain)).collect();
            match self.parting.get(&peer).and_then(|parting| parting.refusal.clone()) {
                Some(refusal) if !self.peers.contains(&peer) => Err(refusal),
                _ => self.peers.admit(&peer, &places).map(|()| common),
            }
        });
        let answer = match met {
            Ok(common) => {
                self.meet(peer, &common);
                let chains =
                    ours.chains.into_iter().filter(|chain| common.iter().any(|c| c.chain == chain.chain));
                Answer::Welcome(Hello { chains: chains.collect(), ..ours })
            }
            Err(refusal) => {
                let now = system_time();
                // One who comes again and again says nothing new.
                if self.said.again(self.remotes.address(&peer).and_then(first_ip), now) {
                    tracing::info!(%peer, chains = theirs.chains.len(), version = theirs.version, "a peer is refused: to it we say {refusal}");
                    self.note_refusal(peer, format!("refused by us: {}", stranger(theirs)));
                }
                self.parting.insert(peer, Parting { at: now.plus_ms(PARTING_MS), refusal: None });
                Answer::Refused(refusal)
            }
        };
        if self.swarm.behaviour_mut().hello.send_response(channel, Reply::of(&answer)).is_err() {
            tracing::debug!(%peer, "gone before our greeting");
        }
    }

    fn on_answer(&mut self, peer: PeerId, answer: Answer) {
        let refusal = match answer {
            Answer::Welcome(theirs) => match self.find_common(&peer, &theirs) {
                Ok(common) => return self.meet(peer, &common),
                Err(_) => stranger(&theirs),
            },
            Answer::Refused(refusal) => refusal.to_string(),
        };
        tracing::warn!(%peer, "a peer refuses us: {refusal}");
        self.note_refusal(peer, refusal);
        let now = system_time();
        for wanted in self.wanted.iter_mut().filter(|wanted| wanted.peer == Some(peer)) {
            // Nothing changes soon.
            wanted.failures = wanted.failures.max(6);
        }
        self.book.failed(&peer, now);
        self.part(peer);
    }

    /// We have chains in common.
    fn meet(&mut self, peer: PeerId, common: &[ChainHello]) {
        if !self.peers.contains(&peer) {
            return;
        }
        self.peers.greeted(&peer);
        if self.peers.is_dialled(&peer)
            && let Some(address) = self.remotes.address(&peer)
        {
            self.book.add(peer, address.clone(), Source::Own);
            self.book.reached(&peer);
        }
        let now = system_time();
        for theirs in common {
            let Some(place) = self.place_of(&theirs.chain) else { continue };
            self.chains[place].peer(peer, theirs.tip);
            self.chains[place].sync.tick(now);
            self.do_effects(place);
        }
        for wanted in self.wanted.iter_mut().filter(|wanted| wanted.peer == Some(peer)) {
            wanted.failures = 0;
        }
        tracing::debug!(%peer, chains = common.len(), "greeted");
    }

    fn place_of(&self, chain: &ChainId) -> Option<usize> {
        self.chains.iter().position(|known| known.id == *chain)
    }

    fn on_exchange(&mut self, chain: usize, event: Event<Incoming<Request>, Reply<Response>>) {
        match event {
            Event::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                match request {
                    Incoming::Asked(request) => self.on_request(chain, peer, request, channel),
                    Incoming::Garbage(what) => self.charge_garbage(peer, &what),
                }
            }
            Event::Message { peer, message: Message::Response { request_id, response }, .. } => {
                self.on_response(chain, peer, request_id, response);
            }
            Event::OutboundFailure { peer, request_id, error, .. } => {
                tracing::debug!(%peer, %error, "a request was not answered");
                if let OutboundFailure::Io(error) = &error
                    && error.kind() == io::ErrorKind::InvalidData
                {
                    self.charge_garbage(peer, error);
                }
                let now = system_time();
                match self.requests.remove(&(chain, request_id)).map(|sent| sent.asker) {
                    Some(Asker::Sync(id)) => self.chains[chain].sync.failed(id, now),
                    Some(Asker::Snapshot(id)) => self.chains[chain].snapshot.failed(id, now),
                    Some(Asker::Host) | None => return,
                }
                self.do_effects(chain);
            }
            // Whoever asked went away, or an answer was not wanted any more.
            Event::InboundFailure { .. } | Event::ResponseSent { .. } => {}
        }
    }

    fn on_request(
        &mut self,
        chain: usize,
        peer: PeerId,
        request: Request,
        channel: ResponseChannel<Reply<Response>>,
    ) {
        self.remotes.received(&peer, codec::length(&request));
        match self.peers.request(&peer, chain, system_time()) {
            Admission::Take if request == Request::Tip => {
                let tip = self.chains[chain].tip;
                self.respond(chain, channel, Reply::of(&Response::Tip(tip)));
            }
            Admission::Take => {
                // A full queue drops the channel, which ends the stream: whoever asked asks another.
                if !self.chains[chain].worker.read(ReadWork::Serve { peer, request, channel }) {
                    tracing::debug!(%peer, "too many requests wait");
                }
            }
            Admission::Drop => self.respond(chain, channel, Reply::of(&Response::Busy)),
            Admission::Wrong(fault) => {
                drop(channel);
                self.fault(peer, fault);
            }
        }
    }

    fn on_response(
        &mut self,
        chain: usize,
        peer: PeerId,
        request: OutboundRequestId,
        reply: Reply<Response>,
    ) {
        // What is to be sent does not come.
        let Reply::Came(response, bytes) = reply else { return };
        let now = system_time();
        self.remotes.received(&peer, bytes);
        let Some(Sent { asker, at, .. }) = self.requests.remove(&(chain, request)) else { return };
        match (asker, response) {
            (Asker::Sync(id), response) => self.chains[chain].sync.answered(id, response, now),
            (Asker::Snapshot(id), response) => self.chains[chain].snapshot.answered(id, response, now),
            (Asker::Host, Response::Tip(tip)) => {
                self.remotes.took(&peer, now.ms_since(at));
                self.chains[chain].peer(peer, tip);
                self.chains[chain].sync.tick(now);
            }
            (Asker::Host, Response::Busy) => {}
            (Asker::Host, _) => self.fault(peer, Fault::WrongAnswer),
        }
        self.do_effects(chain);
    }

    fn on_gossip(&mut self, chain: usize, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source: peer, message_id: id, message } => {
                let Some((place, topic)) = self.topics.get(&message.topic).copied() else {
                    return self.judge(chain, &peer, &id, MessageAcceptance::Ignore);
                };
                debug_assert_eq!(place, chain, "a topic is subscribed to in its own chain only");
                self.remotes.received(&peer, message.data.len());
                let admission = self.peers.gossip(&peer, chain, topic, message.data.len(), system_time());
                let told = Told { peer, id: id.clone(), data: message.data };
                let decision = match Decision::of_admission(admission) {
                    None if self.chains[chain].worker.told(topic, told) => return,
                    // The queue is full, which is nobody's fault.
                    None => Decision::IGNORE,
                    Some(decision) => decision,
                };
                self.decide(chain, peer, &id, decision);
            }
            gossipsub::Event::Subscribed { peer_id, topic } => {
                let Some((_, Topic::Transactions)) = self.topics.get(&topic).copied() else { return };
                let chain = &mut self.chains[chain];
                // Once for each peer: subscribing again and again brings nothing.
                let known = self.peers.contains(&peer_id);
                if known && chain.told.insert(peer_id) && !chain.worker.read(ReadWork::Waiting) {
                    tracing::debug!("too busy to tell a new peer what waits");
                }
            }
            gossipsub::Event::SlowPeer { peer_id, .. } => tracing::debug!(peer = %peer_id, "a slow peer"),
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                tracing::debug!(peer = %peer_id, "a peer without gossip");
            }
            gossipsub::Event::Unsubscribed { .. } => {}
        }
    }

    /// A peer says where it can be found.
    fn on_identified(&mut self, peer: PeerId, connection: ConnectionId, info: &identify::Info) {
        if self.kept.get(&connection) != Some(&peer) {
            return;
        }
        let now = system_time();
        match self.peers.introduction(&peer, now) {
            Admission::Take => {}
            Admission::Drop => return,
            Admission::Wrong(fault) => return self.fault(peer, fault),
        }
        self.remotes.runs(&peer, &info.agent_version);
        // Nearer addresses than the peer's own are of no use here, or of somebody else.
        let address = self.remotes.address(&peer);
        let (from, subnet) = (address.and_then(Scope::of), address.and_then(first_ip).and_then(Subnet::of));
        for place in 0..self.chains.len() {
            let id = self.chains[place].id;
            let serves = info.protocols.contains(&protocol::exchange(&id));
            if !serves || !admits(&self.admitted, place, &peer) {
                continue;
            }
            for address in info.listen_addrs.iter().take(ADDRESSES) {
                if Scope::of(address).is_none() || Scope::of(address) < from {
                    continue;
                }
                self.book.add(peer, address.clone(), Source::Peer(subnet));
                if let Some(lookup) = self.swarm.behaviour_mut().lookup.get_mut(place) {
                    lookup.add_address(&peer, address.clone());
                }
            }
        }
        self.look_up_soon |= self.book.len() <= 2;
    }

    fn on_lookup(&mut self, event: kad::Event) {
        let kad::Event::OutboundQueryProgressed { result: kad::QueryResult::GetClosestPeers(found), .. } =
            event
        else {
            return;
        };
        let found = match found {
            Ok(found) => found.peers,
            Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
        };
        let reach = self.reach();
        for peer in found {
            if peer.peer_id == *self.swarm.local_peer_id() {
                continue;
            }
            let within = peer.addrs.into_iter().filter(|address| Scope::of(address) >= Some(reach));
            for address in within.take(ADDRESSES) {
                self.book.add(peer.peer_id, address, Source::Lookup);
            }
        }
    }

    fn charge_garbage(&mut self, peer: PeerId, what: &dyn std::fmt::Display) {
        tracing::debug!(%peer, %what, "garbage on a stream");
        self.fault(peer, Fault::Garbage);
    }
}

/// What somebody else serves.
fn stranger(theirs: &Hello) -> String {
    if theirs.version != PROTOCOL_VERSION {
        let version = theirs.version;
        return format!(
            "it speaks version {version} of the protocol between nodes, this node {PROTOCOL_VERSION}"
        );
    }
    let chains: Vec<String> = theirs.chains.iter().map(|chain| chain.chain.to_string()).collect();
    format!("it serves {}", chains.join(" "))
}
