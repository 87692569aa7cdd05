//! Where peers were found before, kept from run to run.
//!
//! **Trust and bounds.** Addresses come from peers and may be lies: dialling one costs a connection, and whoever
//! answers must prove its key. The book holds at most [`MAX_PEERS`] peers with [`MAX_ADDRESSES`] addresses each, those that
//! failed longest go first. So that nobody fills it alone, peers that were not reached yet are counted by who told of
//! them: [`OF_SUBNET`] by peers of one subnet, and half of the book by lookups, in whose answers nobody can be blamed. No more
//! than [`OF_SUBNET`] peers are said to live in one subnet. What a lookup says of a peer that is known replaces nothing.
//! Which addresses are worth adding at all, by where they lie, is the host's affair.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use light_client::data_format::Time;

use super::subnet::{Subnet, first_ip};

/// Peers in the book.
pub const MAX_PEERS: usize = 1_024;
/// Addresses of one peer.
pub const MAX_ADDRESSES: usize = 4;
/// Peers of which those of one subnet may tell, and peers that may live in one.
pub const OF_SUBNET: usize = 16;
/// Peers that were told by lookups and not reached yet.
pub const OF_LOOKUPS: usize = MAX_PEERS / 2;
const MAX_FILE_BYTES: u64 = 1 << 20;
/// What follows an address of a peer that was reached.
const GOOD: &str = " good";
const MAX_ADDRESS_BYTES: usize = 256;
/// The wait after a first failure; each further one doubles it.
const RETRY_MS: u64 = 2_000;
const LONGEST_RETRY_MS: u64 = 10 * 60_000;

/// Who told of a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The node itself: it reached the peer, or wrote it down before.
    #[default]
    Own,
    /// The peer itself, connected from this subnet; `None` for this machine and private networks.
    Peer(Option<Subnet>),
    /// The answers to a lookup.
    Lookup,
}

/// What is known of a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    addresses: Vec<Multiaddr>,
    source: Source,
    /// Whether it was once what it is said to be: a node of a chain of ours.
    good: bool,
    failures: u32,
    not_before: Time,
}

/// The book.
#[derive(Debug, Default)]
pub struct AddressBook {
    path: Option<PathBuf>,
    peers: BTreeMap<PeerId, Known>,
    changed: bool,
}

impl AddressBook {
    /// The book in a file; empty if there is none, or nothing in it can be read. `None` keeps nothing.
    pub fn open(path: Option<&Path>) -> Self {
        let mut book = Self { path: path.map(Path::to_owned), ..Self::default() };
        let Some(path) = path else { return book };
        let too_long = fs::metadata(path).is_ok_and(|file| file.len() > MAX_FILE_BYTES);
        match fs::read_to_string(path) {
            Ok(text) if !too_long => {
                for line in text.lines() {
                    let (address, good) = match line.strip_suffix(GOOD) {
                        Some(address) => (address, true),
                        None => (line, false),
                    };
                    let Ok(address) = address.parse::<Multiaddr>() else { continue };
                    if let Some(peer) = peer_of(&address) {
                        book.add(peer, address, Source::Own);
                        if let Some(known) = book.peers.get_mut(&peer).filter(|_| good) {
                            known.good = true;
                        }
                    }
                }
            }
            Ok(_) => {
                tracing::warn!(path = %path.display(), "the address book is too long: starting an empty one")
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(path = %path.display(), %error, "the address book cannot be read"),
        }
        book.changed = false;
        book
    }

    /// Notes an address of a peer. What could not be dialled, or is more than its source may tell, is left out.
    pub fn add(&mut self, peer: PeerId, address: Multiaddr, source: Source) {
        let address = match address.with_p2p(peer) {
            Ok(address) if is_usable(&address) => address,
            _ => return,
        };
        if !self.peers.contains_key(&peer) && !self.has_quota(&address, source) {
            return;
        }
        if !self.peers.contains_key(&peer) && self.peers.len() >= MAX_PEERS {
            let worst = self.peers.iter().max_by_key(|(_, known)| (known.failures, !known.good));
            match worst.map(|(peer, known)| (*peer, known.failures)) {
                Some((worst, failures)) if failures > 0 => drop(self.peers.remove(&worst)),
                _ => return,
            }
        }
        let known = self.peers.entry(peer).or_insert_with(|| Known { source, ..Known::default() });
        if known.addresses.contains(&address) {
            return;
        }
        if source != Source::Lookup {
            // The newest addresses of a peer are the likeliest.
            known.addresses.insert(0, address);
            known.addresses.truncate(MAX_ADDRESSES);
        } else if known.addresses.len() < MAX_ADDRESSES {
            known.addresses.push(address);
        } else {
            return;
        }
        self.changed = true;
    }

    /// Whether a source may tell of one more peer, at this address.
    fn has_quota(&self, address: &Multiaddr, source: Source) -> bool {
        let told = |limit| {
            let unproven = self.peers.values().filter(|known| !known.good && known.source == source);
            unproven.count() < limit
        };
        let free = match source {
            Source::Own | Source::Peer(None) => true,
            Source::Peer(Some(_)) => told(OF_SUBNET),
            Source::Lookup => told(OF_LOOKUPS),
        };
        let subnet_of = |address: &Multiaddr| first_ip(address).and_then(Subnet::of);
        let lives = |subnet: Subnet| {
            let there = |known: &&Known| known.addresses.iter().any(|at| subnet_of(at) == Some(subnet));
            self.peers.values().filter(there).count()
        };
        free && subnet_of(address).is_none_or(|subnet| lives(subnet) < OF_SUBNET)
    }

    /// A peer was reached, and is a node of a chain of ours.
    pub fn reached(&mut self, peer: &PeerId) {
        if let Some(known) = self.peers.get_mut(peer) {
            (known.failures, known.not_before) = (0, Time(0));
            self.changed |= !known.good;
            known.good = true;
        }
    }

    /// Whether a wanted peer is in the book that was reached, and did not fail since.
    pub fn has_good(&self, wanted: impl Fn(&PeerId) -> bool) -> bool {
        self.peers.iter().any(|(peer, known)| known.good && known.failures == 0 && wanted(peer))
    }

    /// A peer could not be reached.
    pub fn failed(&mut self, peer: &PeerId, now: Time) {
        if let Some(known) = self.peers.get_mut(peer) {
            let wait = RETRY_MS.saturating_mul(1 << known.failures.min(20)).min(LONGEST_RETRY_MS);
            known.failures = known.failures.saturating_add(1);
            known.not_before = now.plus_ms(wait);
        }
    }

    /// Peers to try now, those that failed least first, at most `count`.
    pub fn candidates(
        &self,
        count: usize,
        now: Time,
        wanted: impl Fn(&PeerId) -> bool,
    ) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let mut ready: Vec<_> =
            self.peers.iter().filter(|(peer, known)| known.not_before <= now && wanted(peer)).collect();
        ready.sort_by_key(|(_, known)| (known.failures, !known.good, known.not_before));
        ready.into_iter().take(count).map(|(peer, known)| (*peer, known.addresses.clone())).collect()
    }

    /// Number of peers in it.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Writes it, if it changed: a new file first, which then takes the old one's place.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&mut self) -> io::Result<()> {
        let Some(path) = self.path.as_ref().filter(|_| self.changed) else { return Ok(()) };
        let lines = self.peers.values().flat_map(|known| {
            let good = if known.good { GOOD } else { "" };
            known.addresses.iter().rev().map(move |address| format!("{address}{good}\n"))
        });
        let text: String = lines.collect();
        let new = path.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(&new, path)?;
        self.changed = false;
        Ok(())
    }
}

/// The peer that an address names at its end.
pub fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// Whether an address can be dialled from here: a number, TCP or QUIC, a port.
fn is_usable(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast(),
        Some(Protocol::Ip6(ip)) => !ip.is_unspecified() && !ip.is_multicast(),
        _ => false,
    };
    let port = matches!(parts.next(), Some(Protocol::Tcp(1..) | Protocol::Udp(1..)));
    ip && port && address.len() <= MAX_ADDRESS_BYTES
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn id(number: u32) -> PeerId {
        let mut bytes = vec![0, 4];
        bytes.extend(number.to_be_bytes());
        PeerId::from_bytes(&bytes).unwrap()
    }

    fn address(port: u16) -> Multiaddr {
        format!("/ip4/192.0.2.1/tcp/{port}").parse().unwrap()
    }

    /// Of a network of one's own, where there may be any number.
    fn private(number: u32) -> Multiaddr {
        Multiaddr::from(Ipv4Addr::from_bits(0x0A00_0001 + number)).with(Protocol::Tcp(1))
    }

    /// Each in a subnet of its own.
    fn public(number: u32) -> Multiaddr {
        Multiaddr::from(Ipv4Addr::from_bits(0x2000_0001 + (number << 8))).with(Protocol::Tcp(1))
    }

    #[test]
    fn no_source_fills_the_book() {
        let mut book = AddressBook::default();
        let subnet = first_ip(&public(1)).and_then(Subnet::of);
        for number in 0..3_000 {
            book.add(id(number), public(number), Source::Peer(subnet));
        }
        assert_eq!(book.len(), OF_SUBNET, "by peers of one subnet");
        for number in 0..OF_SUBNET as u32 {
            book.reached(&id(number));
        }
        book.add(id(100), public(100), Source::Peer(subnet));
        assert_eq!(book.len(), OF_SUBNET + 1, "what proved good is not counted");
        for number in 1_000..3_000 {
            book.add(id(number), public(number), Source::Lookup);
        }
        assert_eq!(book.len(), OF_SUBNET + 1 + OF_LOOKUPS);
        let known = book.peers[&id(1)].addresses.clone();
        for port in 1..9 {
            book.add(id(1), address(port), Source::Lookup);
        }
        assert_eq!(book.peers[&id(1)].addresses[0], known[0], "lookups replace nothing");
        assert_eq!(book.peers[&id(1)].addresses.len(), MAX_ADDRESSES);
        let mut book = AddressBook::default();
        for number in 0..100 {
            book.add(id(number), address(1 + number as u16), Source::Own);
        }
        assert_eq!(book.len(), OF_SUBNET, "in one subnet");
    }

    #[test]
    fn good_peers_are_known_as_such_and_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peers");
        let mut book = AddressBook::open(Some(&path));
        book.add(id(1), public(1), Source::Lookup);
        book.add(id(2), public(2), Source::Lookup);
        assert!(!book.has_good(|_| true));
        book.reached(&id(2));
        book.save().unwrap();
        let mut again = AddressBook::open(Some(&path));
        assert!(again.has_good(|_| true) && !again.has_good(|peer| *peer != id(2)));
        let first = again.candidates(1, Time(0), |_| true);
        assert_eq!(first[0].0, id(2));
        again.failed(&id(2), Time(0));
        assert!(!again.has_good(|_| true), "it failed since");
    }

    #[test]
    fn the_book_outlives_the_node() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peers");
        let mut book = AddressBook::open(Some(&path));
        book.add(id(1), address(1), Source::Own);
        book.add(id(1), address(2), Source::Own);
        book.add(id(2), "/ip4/192.0.2.2/udp/9921/quic-v1".parse().unwrap(), Source::Own);
        book.save().unwrap();
        let again = AddressBook::open(Some(&path));
        assert_eq!(again.peers, book.peers);
        fs::write(&path, "no address\n/ip4/192.0.2.1/tcp/7\n\u{7}").unwrap();
        assert!(AddressBook::open(Some(&path)).is_empty(), "what names no peer is left out");
        fs::write(&path, [255; 9]).unwrap();
        assert!(AddressBook::open(Some(&path)).is_empty());
    }

    #[test]
    fn nobody_fills_the_book() {
        let mut book = AddressBook::default();
        for port in 1..100 {
            book.add(id(0), address(port), Source::Own);
        }
        assert_eq!(book.peers[&id(0)].addresses.len(), MAX_ADDRESSES);
        for number in 0..3_000 {
            book.add(id(number), private(number), Source::Own);
        }
        assert_eq!(book.len(), MAX_PEERS);
        assert!(!book.peers.contains_key(&id(2_000)), "those that are there stay");
        book.failed(&id(5), Time(0));
        book.add(id(2_000), private(1), Source::Own);
        assert!(book.peers.contains_key(&id(2_000)) && !book.peers.contains_key(&id(5)), "until they fail");
        for senseless in ["/ip4/0.0.0.0/tcp/1", "/ip4/192.0.2.1", "/ip4/192.0.2.1/tcp/0", "/memory/7"] {
            let mut book = AddressBook::default();
            book.add(id(1), senseless.parse().unwrap(), Source::Own);
            assert!(book.is_empty(), "{senseless}");
        }
    }

    #[test]
    fn who_fails_waits_longer_each_time() {
        let mut book = AddressBook::default();
        book.add(id(1), address(1), Source::Own);
        book.add(id(2), address(1), Source::Own);
        let ready = |book: &AddressBook, now| {
            book.candidates(9, Time(now), |_| true).iter().map(|(peer, _)| *peer).collect::<Vec<_>>()
        };
        assert_eq!(ready(&book, 0).len(), 2);
        book.failed(&id(1), Time(0));
        assert_eq!(ready(&book, 1_999), [id(2)]);
        assert_eq!(ready(&book, 2_000), [id(2), id(1)]);
        book.failed(&id(1), Time(2_000));
        assert_eq!(ready(&book, 5_999), [id(2)]);
        book.reached(&id(1));
        assert_eq!(ready(&book, 0).len(), 2);
    }
}
