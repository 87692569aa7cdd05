//! How far a network address reaches, and with which others it belongs to one owner.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use libp2p::{Multiaddr, multiaddr::Protocol};

/// Who can reach an address. The nearer is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// This machine alone.
    Machine,
    /// A network of somebody's own: private addresses (RFC 1918 and 4193), those of a link, and those behind a provider's
    /// translator (RFC 6598).
    Local,
    /// Everybody.
    Global,
}

/// The public addresses that one owner has at least: the first 24 bits of an IPv4 address, the first 64 of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subnet {
    /// The first three of four bytes.
    V4([u8; 3]),
    /// The first half.
    V6(u64),
}

impl Scope {
    /// Of an address; `None` for one that is nobody's.
    pub const fn of_ip(ip: IpAddr) -> Option<Self> {
        match ip.to_canonical() {
            IpAddr::V4(ip) => match ip.octets() {
                [0 | 224.., ..] => None,
                [127, ..] => Some(Self::Machine),
                [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [169, 254, ..] | [100, 64..=127, ..] => {
                    Some(Self::Local)
                }
                _ => Some(Self::Global),
            },
            IpAddr::V6(ip) => match ip.segments() {
                [0, 0, 0, 0, 0, 0, 0, 0] | [0xFF00..=0xFFFF, ..] => None,
                [0, 0, 0, 0, 0, 0, 0, 1] => Some(Self::Machine),
                [0xFC00..=0xFDFF | 0xFE80..=0xFEBF, ..] => Some(Self::Local),
                _ => Some(Self::Global),
            },
        }
    }

    /// Of an address that begins with a number; `None` for others.
    pub fn of(address: &Multiaddr) -> Option<Self> {
        first_ip(address).and_then(Self::of_ip)
    }
}

impl Subnet {
    /// Of a public address. Others have none: behind one address of a private network there may be many owners or one.
    pub const fn of(ip: IpAddr) -> Option<Self> {
        if !matches!(Scope::of_ip(ip), Some(Scope::Global)) {
            return None;
        }
        Some(match ip.to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(ip) => Self::V6((ip.to_bits() >> 64) as u64),
        })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4([a, b, c]) => write!(f, "{}/24", Ipv4Addr::new(*a, *b, *c, 0)),
            Self::V6(bits) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*bits) << 64)),
        }
    }
}

/// A text that is no [`Subnet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no public network, such as 192.0.2.0/24 or 2001:db8::/64")]
pub struct SubnetError;

impl FromStr for Subnet {
    type Err = SubnetError;

    fn from_str(text: &str) -> Result<Self, SubnetError> {
        let (ip, bits) = text.split_once('/').ok_or(SubnetError)?;
        let subnet = ip.parse().ok().and_then(Self::of).ok_or(SubnetError)?;
        match (subnet, bits) {
            (Self::V4(_), "24") | (Self::V6(_), "64") => Ok(subnet),
            _ => Err(SubnetError),
        }
    }
}

/// The number that an address begins with.
pub fn first_ip(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_reach_as_far_as_they_do() {
        for (text, scope) in [
            ("127.0.0.9", Some(Scope::Machine)),
            ("::1", Some(Scope::Machine)),
            ("::ffff:127.0.0.1", Some(Scope::Machine)),
            ("10.1.2.3", Some(Scope::Local)),
            ("172.16.0.1", Some(Scope::Local)),
            ("172.32.0.1", Some(Scope::Global)),
            ("192.168.1.1", Some(Scope::Local)),
            ("169.254.169.254", Some(Scope::Local)),
            ("100.64.0.1", Some(Scope::Local)),
            ("::ffff:10.0.0.1", Some(Scope::Local)),
            ("fd00::1", Some(Scope::Local)),
            ("fe80::1", Some(Scope::Local)),
            ("198.51.100.7", Some(Scope::Global)),
            ("2001:db8::7", Some(Scope::Global)),
            ("0.0.0.0", None),
            ("255.255.255.255", None),
            ("224.0.0.1", None),
            ("::", None),
            ("ff02::1", None),
        ] {
            assert_eq!(Scope::of_ip(ip(text)), scope, "{text}");
        }
        assert!(Scope::Machine < Scope::Local && Scope::Local < Scope::Global);
        assert_eq!(Scope::of(&"/dns4/localhost/tcp/1".parse().unwrap()), None);
    }

    #[test]
    fn neighbours_share_a_subnet_and_private_addresses_have_none() {
        let of = |text| Subnet::of(ip(text));
        assert_eq!(of("198.51.100.7"), of("198.51.100.250"));
        assert_eq!(of("198.51.100.7"), of("::ffff:198.51.100.1"));
        assert_ne!(of("198.51.100.7"), of("198.51.101.7"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1:2:3"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!((of("127.0.0.1"), of("192.168.0.1"), of("fd00::1")), (None, None, None));
        for text in ["198.51.100.7", "2001:db8:0:1::1"] {
            let subnet = of(text).unwrap();
            assert_eq!(subnet.to_string().parse(), Ok(subnet));
        }
        for text in ["198.51.100.0", "198.51.100.0/25", "10.0.0.0/24", "x/24", "2001:db8::/24"] {
            assert_eq!(text.parse::<Subnet>(), Err(SubnetError), "{text}");
        }
    }
}
