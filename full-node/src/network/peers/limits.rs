use super::Rate;

/// What peers may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Peers that dialled us.
    pub inbound: usize,
    /// Peers that we dialled.
    pub outbound: usize,
    /// Peers with the same network address; loopback addresses are not counted.
    pub per_address: usize,
    /// Peers of the same subnet.
    pub per_subnet: usize,
    /// Points at which a peer is banned.
    pub ban_at: u32,
    /// Points that a minute of good behaviour takes away.
    pub forgiven_per_minute: u32,
    /// Length of a first ban in milliseconds; each further one is twice as long.
    pub ban_ms: u64,
    /// Length of the longest ban, in milliseconds.
    pub longest_ban_ms: u64,
    /// Bans that are remembered.
    pub bans: usize,
    /// Bans in force of one subnet with which nobody of it is let in.
    pub bans_per_subnet: usize,
    /// How long a peer may stay without having greeted, in milliseconds.
    pub greeting_ms: u64,
    /// What one peer may send about one chain.
    pub rates: Rates,
    /// How many peers' worth all peers together may send about one chain.
    pub chain_peers: u64,
}

/// What one peer may send about one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Blocks by gossip.
    pub blocks: Rate,
    /// Votes by gossip.
    pub votes: Rate,
    /// Transactions by gossip.
    pub transactions: Rate,
    /// Bytes of all three.
    pub bytes: Rate,
    /// Requests.
    pub requests: Rate,
    /// Bytes of our answers.
    pub answer_bytes: Rate,
    /// Messages of gossip in all, those that only say who wants what included.
    pub gossip: Rate,
    /// What it asks and answers when addresses are looked up.
    pub lookups: Rate,
    /// Times that it says who it is and where it can be found, of all chains together.
    pub introductions: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inbound: 64,
            outbound: 16,
            per_address: 8,
            per_subnet: 32,
            ban_at: 100,
            forgiven_per_minute: 10,
            ban_ms: 10 * 60_000,
            longest_ban_ms: 24 * 3_600_000,
            bans: 4_096,
            bans_per_subnet: 3,
            greeting_ms: 10_000,
            rates: Rates {
                blocks: Rate { burst: 200, per_second: 40 },
                votes: Rate { burst: 1_024, per_second: 256 },
                transactions: Rate { burst: 20_000, per_second: 5_000 },
                bytes: Rate { burst: 32 << 20, per_second: 8 << 20 },
                requests: Rate { burst: 200, per_second: 50 },
                answer_bytes: Rate { burst: 64 << 20, per_second: 16 << 20 },
                gossip: Rate { burst: 32_000, per_second: 8_000 },
                lookups: Rate { burst: 128, per_second: 4 },
                introductions: Rate { burst: 16, per_second: 1 },
            },
            chain_peers: 4,
        }
    }
}
