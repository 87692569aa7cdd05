//! What one client, and all of them together, may take.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Bytes of path and query, at most.
pub const MAX_URI_BYTES: usize = 1_024;
/// Bytes of a JSON body, at most.
pub const MAX_JSON_BYTES: usize = 1_024;
/// Headers in one answer, at most.
pub const MAX_HEADERS: u64 = 512;
/// Records in one answer, at most.
pub const MAX_RECORDS: u64 = 256;
/// How long a request may take, its body included.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Requests that read or write the chain at the same time; more are told that the node is busy.
pub const MAX_CHAIN_WORK: usize = 64;
/// Connections at the same time; more wait in the system's queue.
pub const MAX_CONNECTIONS: usize = 1_024;
/// Connections of one client, at most: a browser opens six, a proxy on this machine more.
pub const MAX_CLIENT_CONNECTIONS: usize = 256;
/// How long a client may take to send the head of a request.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a request's head, at most.
pub const MAX_HEAD_BYTES: usize = 16 * 1_024;
/// Clients of the event stream at the same time.
pub const MAX_EVENT_CLIENTS: usize = 256;
/// Addresses that one client of the event stream may watch.
pub const MAX_WATCHED: usize = 64;
/// Bytes of a message from a client of the event stream, at most: room for 64 addresses.
pub const MAX_EVENT_MESSAGE_BYTES: usize = 4 * 1_024;

/// How fast a bucket refills and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests that may come at once.
    pub burst: u32,
    /// The time in which one more is allowed.
    pub every: Duration,
}

/// Requests of one client: 400 at once (opening the wallet takes about thirty), then 100 a second.
pub const CLIENT_RATE: Rate = Rate { burst: 400, every: Duration::from_millis(10) };
/// Faucet payments to one address: 3 at once, then one a minute.
pub const FAUCET_ADDRESS_RATE: Rate = Rate { burst: 3, every: Duration::from_secs(60) };
/// Faucet payments to everybody: 30 at once, then one a second.
pub const FAUCET_RATE: Rate = Rate { burst: 30, every: Duration::from_secs(1) };

/// Buckets that are kept at most; beyond that, newcomers share one.
const MAX_BUCKETS: usize = 16_384;

/// A token bucket per key, in bounded memory.
///
/// A bucket is one instant: when it will be full again. Full buckets need not be kept. If clients with more
/// addresses than there are buckets come at once, those without a bucket share a single one, so the flood slows
/// itself down and memory stays as it is.
pub struct RateLimiter<K> {
    rate: Rate,
    buckets: Mutex<Buckets<K>>,
}

struct Buckets<K> {
    full_at: HashMap<K, Instant>,
    shared: Option<Instant>,
    swept: Option<Instant>,
}

impl<K: std::hash::Hash + Eq> RateLimiter<K> {
    /// A limiter where every bucket is full.
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::new(Buckets { full_at: HashMap::new(), shared: None, swept: None }) }
    }

    /// Takes one token of `key`.
    ///
    /// # Errors
    /// The time until there is one again.
    pub fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match buckets.full_at.get(&key).copied() {
            Some(full_at) => Slot::Own(full_at.max(now)),
            None => {
                buckets.make_room(now, self.rate.every);
                if buckets.full_at.len() < MAX_BUCKETS {
                    Slot::Own(now)
                } else {
                    Slot::Shared(buckets.shared.map_or(now, |full_at| full_at.max(now)))
                }
            }
        };
        let (Slot::Own(full_at) | Slot::Shared(full_at)) = slot;
        let after = full_at + self.rate.every;
        let over = after.duration_since(now).saturating_sub(self.rate.every * self.rate.burst);
        if !over.is_zero() {
            return Err(over);
        }
        match slot {
            Slot::Own(_) => {
                buckets.full_at.insert(key, after);
            }
            Slot::Shared(_) => buckets.shared = Some(after),
        }
        Ok(())
    }
}

enum Slot {
    Own(Instant),
    Shared(Instant),
}

impl<K: std::hash::Hash + Eq> Buckets<K> {
    /// Forgets full buckets when the map is full; at most once per refill time, so that a flood of newcomers
    /// does not buy a walk over the map with every request.
    fn make_room(&mut self, now: Instant, every: Duration) {
        let due = self.swept.is_none_or(|swept| now.duration_since(swept) >= every);
        if self.full_at.len() >= MAX_BUCKETS && due {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.swept = Some(now);
        }
    }
}

/// Who counts as one client: an IPv4 address, or an IPv6 network of 64 bits (what one customer gets).
pub fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, every: Duration::from_secs(10) };

    #[test]
    fn a_burst_then_a_steady_rate() {
        let (limiter, start) = (RateLimiter::new(RATE), Instant::now());
        for _ in 0..3 {
            assert_eq!(limiter.take("a", start), Ok(()));
        }
        assert_eq!(limiter.take("a", start), Err(Duration::from_secs(10)));
        assert_eq!(limiter.take("b", start), Ok(()), "others are not affected");
        assert_eq!(limiter.take("a", start + Duration::from_secs(9)), Err(Duration::from_secs(1)));
        assert_eq!(limiter.take("a", start + Duration::from_secs(10)), Ok(()));
        assert_eq!(limiter.take("a", start + Duration::from_secs(10)), Err(Duration::from_secs(10)));
    }

    #[test]
    fn memory_is_bounded_and_newcomers_share() {
        let (limiter, start) = (RateLimiter::new(RATE), Instant::now());
        for key in 0..MAX_BUCKETS {
            assert_eq!(limiter.take(key, start), Ok(()));
        }
        for key in 0..3 {
            assert_eq!(limiter.take(MAX_BUCKETS + key, start), Ok(()));
        }
        assert!(limiter.take(MAX_BUCKETS + 3, start).is_err(), "the shared bucket is empty");
        assert_eq!(limiter.take(0, start), Ok(()), "those known keep their own");
        assert_eq!(limiter.buckets.lock().unwrap().full_at.len(), MAX_BUCKETS);
        let later = start + RATE.every * (RATE.burst + 1);
        assert_eq!(limiter.take(MAX_BUCKETS + 3, later), Ok(()));
        assert_eq!(limiter.buckets.lock().unwrap().full_at.len(), 1, "full buckets are forgotten");
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let client = |text: &str| client_of(text.parse().unwrap());
        assert_eq!(client("2001:db8:1:2::3"), client("2001:db8:1:2:ffff::9"));
        assert_ne!(client("2001:db8:1:2::3"), client("2001:db8:1:3::3"));
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
    }
}
