use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, handler::multi::MultiHandler,
    },
};

use super::{
    peers::{Budget, Rate},
    subnet::Scope,
    worker::system_time,
};

/// Whom each chain admits; `None` is everybody.
pub(super) type Admitted = Arc<[Option<HashSet<PeerId>>]>;

/// Whether the chain with this number talks to a peer.
pub(super) fn admits(admitted: &Admitted, chain: usize, peer: &PeerId) -> bool {
    admitted.get(chain).is_some_and(|named| named.as_ref().is_none_or(|named| named.contains(peer)))
}

/// The same protocol once for each chain, under a name of its own. The index of a chain is its place in the list.
///
/// A peer that a closed chain does not name finds no such protocol here, and the protocol of that chain does not hear of
/// the peer: it can neither ask nor be told anything.
///
/// What a connection of a peer tells a protocol counts as one event: a request, an answer, a message of gossip with all that
/// it carries. A protocol with a rate never hears of more of them, by peer and chain.
pub(super) struct Chains<B> {
    chains: Vec<B>,
    admitted: Admitted,
    /// Which one is asked first: after one chain spoke the next has its turn, so that a busy chain cannot keep its
    /// neighbour silent.
    turn: usize,
    /// Addresses nearer than this are dialled for nobody.
    reach: Scope,
    /// Events of one peer in one chain; `None` where they are counted elsewhere.
    rate: Option<Rate>,
    /// Of connected peers.
    budgets: HashMap<(PeerId, usize), Budget>,
    /// Events that were not heard, by connected peer, since somebody asked.
    floods: HashMap<PeerId, u64>,
}

impl<B> Chains<B> {
    /// One for each chain.
    pub(super) fn new(chains: impl IntoIterator<Item = B>, admitted: Admitted) -> Self {
        Self {
            chains: chains.into_iter().collect(),
            admitted,
            turn: 0,
            reach: Scope::Global,
            rate: None,
            budgets: HashMap::new(),
            floods: HashMap::new(),
        }
    }

    /// With a rate for events of one peer in one chain.
    pub(super) fn limited(self, rate: Rate) -> Self {
        Self { rate: Some(rate), ..self }
    }

    /// Where the addresses of this node's peers lie, the nearest: what protocols heard of is dialled if it is not nearer.
    pub(super) fn set_reach(&mut self, reach: Scope) {
        self.reach = reach;
    }

    /// Peers that sent more than they may since the last time, and how many events too many.
    pub(super) fn floods(&mut self) -> impl Iterator<Item = (PeerId, u64)> + use<B> {
        std::mem::take(&mut self.floods).into_iter()
    }

    /// Whether one more event of a peer is heard.
    fn hears(&mut self, peer: PeerId, chain: usize) -> bool {
        let Some(rate) = self.rate else { return true };
        let now = system_time();
        let heard = self.budgets.entry((peer, chain)).or_insert_with(|| Budget::new(rate, now)).take(1, now);
        if !heard {
            *self.floods.entry(peer).or_default() += 1;
        }
        heard
    }

    /// That of a chain.
    pub(super) fn get_mut(&mut self, chain: usize) -> Option<&mut B> {
        self.chains.get_mut(chain)
    }
}

impl<B: NetworkBehaviour> Chains<B> {
    fn handlers(
        &mut self,
        peer: &PeerId,
        mut each: impl FnMut(&mut B) -> Result<THandler<B>, ConnectionDenied>,
    ) -> Result<MultiHandler<usize, THandler<B>>, ConnectionDenied> {
        let handlers: Vec<_> = self
            .chains
            .iter_mut()
            .enumerate()
            .filter(|(chain, _)| admits(&self.admitted, *chain, peer))
            .map(|(chain, behaviour)| Ok((chain, each(behaviour)?)))
            .collect::<Result<_, ConnectionDenied>>()?;
        MultiHandler::try_from_iter(handlers).map_err(ConnectionDenied::new)
    }
}

impl<B: NetworkBehaviour> NetworkBehaviour for Chains<B> {
    type ConnectionHandler = MultiHandler<usize, THandler<B>>;
    type ToSwarm = (usize, B::ToSwarm);

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.chains
            .iter_mut()
            .try_for_each(|chain| chain.handle_pending_inbound_connection(connection, local, remote))
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.handlers(&peer, |chain| {
            chain.handle_established_inbound_connection(connection, peer, local, remote)
        })
    }

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        let mut known = Vec::new();
        let admitted = Arc::clone(&self.admitted);
        for (place, chain) in self.chains.iter_mut().enumerate() {
            if peer.is_some_and(|peer| !admits(&admitted, place, &peer)) {
                continue;
            }
            known.extend(chain.handle_pending_outbound_connection(connection, peer, addresses, role)?);
        }
        // Others said so: a stranger must not make this node knock at what only this node can reach.
        known.retain(|address| Scope::of(address) >= Some(self.reach));
        Ok(known)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.handlers(&peer, |chain| {
            chain.handle_established_outbound_connection(connection, peer, address, role, port_use)
        })
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        if let FromSwarm::ConnectionClosed(closed) = &event
            && closed.remaining_established == 0
        {
            self.budgets.retain(|(peer, _), _| *peer != closed.peer_id);
            self.floods.remove(&closed.peer_id);
        }
        let peer = match &event {
            FromSwarm::ConnectionEstablished(event) => Some(event.peer_id),
            FromSwarm::ConnectionClosed(event) => Some(event.peer_id),
            FromSwarm::AddressChange(event) => Some(event.peer_id),
            FromSwarm::DialFailure(event) => event.peer_id,
            FromSwarm::ListenFailure(event) => event.peer_id,
            FromSwarm::NewExternalAddrOfPeer(event) => Some(event.peer_id),
            _ => None,
        };
        for (place, chain) in self.chains.iter_mut().enumerate() {
            if peer.is_none_or(|peer| admits(&self.admitted, place, &peer)) {
                chain.on_swarm_event(event);
            }
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        (chain, event): THandlerOutEvent<Self>,
    ) {
        if !self.hears(peer, chain) {
            return;
        }
        if let Some(chain) = self.chains.get_mut(chain) {
            chain.on_connection_handler_event(peer, connection, event);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        for step in 0..self.chains.len() {
            let chain = (self.turn + step) % self.chains.len();
            if let Poll::Ready(action) = self.chains[chain].poll(context) {
                self.turn = (chain + 1) % self.chains.len();
                return Poll::Ready(action.map_out(|event| (chain, event)).map_in(|event| (chain, event)));
            }
        }
        Poll::Pending
    }
}
