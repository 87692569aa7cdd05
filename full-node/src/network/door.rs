//! Who may begin a connection: decided by the address alone, before anything is computed for whoever comes.
//!
//! **Trust and bounds.** Anybody can knock, from any address, with as many keys as they like. Subnets that were closed are
//! not let in; others begin so many connections in a while, and all public ones together so many. Addresses of this machine
//! and of private networks are not counted: who is there is known to the operator. What is kept is bounded by
//! [`SUBNETS`]; where more knock within a minute, only the common bound is left.

use std::{
    collections::HashMap,
    convert::Infallible,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, dummy,
    },
};
use light_client::data_format::Time;

use super::{
    peers::{Budget, Rate},
    subnet::{Subnet, first_ip},
    worker::system_time,
};

/// Connections that one subnet may begin.
const OF_SUBNET: Rate = Rate { burst: 32, per_second: 1 };
/// Connections that all public addresses together may begin.
const OF_ALL: Rate = Rate { burst: 256, per_second: 32 };
/// Subnets that are counted.
const SUBNETS: usize = 4_096;
/// After that long a subnet has its whole burst again, and needs no record.
const REMEMBERED_MS: u64 = 1_000 * OF_SUBNET.burst / OF_SUBNET.per_second;

/// A connection that is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Shut {
    /// Its subnet is closed.
    #[error("the network {0} is closed for now")]
    Closed(Subnet),
    /// Too many came from its subnet, or from everywhere.
    #[error("too many connections are begun")]
    TooMany,
}

/// Who may begin a connection. See the [module](self).
#[derive(Debug)]
pub(super) struct Door {
    closed: HashMap<Subnet, Time>,
    arrivals: HashMap<Subnet, (Time, Budget)>,
    all: Budget,
}

impl Door {
    /// Open to everybody.
    pub(super) fn new(now: Time) -> Self {
        Self { closed: HashMap::new(), arrivals: HashMap::new(), all: Budget::new(OF_ALL, now) }
    }

    /// Lets nobody in from a subnet until then.
    pub(super) fn close(&mut self, subnet: Subnet, until: Time) {
        self.closed.insert(subnet, until);
    }

    /// Somebody knocks.
    ///
    /// # Errors
    /// [`Shut`] says why it is not let in.
    fn knock(&mut self, address: &Multiaddr, now: Time) -> Result<(), Shut> {
        let Some(subnet) = first_ip(address).and_then(Subnet::of) else { return Ok(()) };
        self.closed.retain(|_, until| *until > now);
        if self.closed.contains_key(&subnet) {
            return Err(Shut::Closed(subnet));
        }
        if self.arrivals.len() >= SUBNETS && !self.arrivals.contains_key(&subnet) {
            self.arrivals.retain(|_, (last, _)| now.ms_since(*last) < REMEMBERED_MS);
        }
        let full = self.arrivals.len() >= SUBNETS;
        let own = match self.arrivals.get_mut(&subnet) {
            None if full => true,
            None => {
                let mut budget = Budget::new(OF_SUBNET, now);
                let own = budget.take(1, now);
                self.arrivals.insert(subnet, (now, budget));
                own
            }
            Some((last, budget)) => {
                *last = now;
                budget.take(1, now)
            }
        };
        if own && self.all.take(1, now) { Ok(()) } else { Err(Shut::TooMany) }
    }
}

impl NetworkBehaviour for Door {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.knock(remote, system_time()).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use libp2p::multiaddr::Protocol;

    use super::*;

    fn at(bits: u32) -> Multiaddr {
        Multiaddr::from(Ipv4Addr::from_bits(bits)).with(Protocol::Tcp(1))
    }

    #[test]
    fn one_subnet_begins_so_many_connections_and_a_machine_of_our_own_any_number() {
        let mut door = Door::new(Time(0));
        let let_in = |door: &mut Door, first: u32, now| {
            (0..200).filter(|n| door.knock(&at(first + n), Time(now)).is_ok()).count()
        };
        assert_eq!(let_in(&mut door, 0xC633_6400, 0), 32, "198.51.100.0/24");
        assert_eq!(let_in(&mut door, 0xC633_6500, 0), 32, "its neighbour");
        assert_eq!(let_in(&mut door, 0xC633_6400, 2_000), 2);
        assert_eq!(let_in(&mut door, 0x7F00_0001, 0), 200, "loopback");
        assert_eq!(let_in(&mut door, 0x0A00_0001, 0), 200, "a private network");
    }

    #[test]
    fn many_subnets_together_have_a_bound_and_are_forgotten() {
        let mut door = Door::new(Time(0));
        let let_in = |door: &mut Door, now| {
            (0..10_000).filter(|n| door.knock(&at(0x2000_0000 + (n << 8)), Time(now)).is_ok()).count()
        };
        assert_eq!(let_in(&mut door, 0), 256);
        assert_eq!(door.arrivals.len(), SUBNETS);
        assert_eq!(let_in(&mut door, 1_000), 32);
        assert_eq!(let_in(&mut door, 100_000), 256);
        assert_eq!(door.arrivals.len(), SUBNETS);
    }

    #[test]
    fn a_closed_subnet_is_let_in_when_its_time_is_over() {
        let mut door = Door::new(Time(0));
        let subnet = Subnet::of(Ipv4Addr::new(198, 51, 100, 1).into()).unwrap();
        door.close(subnet, Time(5_000));
        assert_eq!(door.knock(&at(0xC633_6407), Time(4_999)), Err(Shut::Closed(subnet)));
        assert_eq!(door.knock(&at(0xC633_6507), Time(4_999)), Ok(()));
        assert_eq!(door.knock(&at(0xC633_6407), Time(5_000)), Ok(()));
        assert!(door.closed.is_empty());
    }
}
