//! Plain data for screens.

use light_client::{
    client::{AccountState, Client, Event, Grade, Health, Server, Sync},
    data_format::{Address, Slot},
    state::{Asset, HistoryKind, HistoryRecord},
};
use light_native::counterparty;

/// Something changed that is worth drawing.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum HotEvent {
    /// A newer block is final.
    FinalBlock {
        /// Its height.
        height: u64,
    },
    /// An account was proven anew, or more of its history.
    AccountChanged {
        /// Its address.
        address: String,
    },
    /// A payment went on.
    PaymentChanged {
        /// Its id, 64 hexadecimal digits.
        transaction_id: String,
    },
    /// Two servers proved final blocks that exclude each other: see [`SyncState::Forked`].
    ForkSeen,
    /// A server's health changed.
    ServerChanged {
        /// Which, from 0.
        index: u32,
    },
    /// What was stored cannot be used: everything is proven again, but payments under way are not followed any
    /// more. Their fate shows in the history.
    StateLost {
        /// Why.
        reason: String,
    },
}

/// How the conversation with the servers goes.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum SyncState {
    /// Nothing proven yet, nothing heard.
    Connecting,
    /// What is shown is as new as it can be.
    Verified {
        /// The newest final height.
        height: u64,
    },
    /// As new as it can be, but only these two operators agree on it, because the newest block that somebody vouches
    /// for is too old. Nothing of it is final before a checkpoint is confirmed: the app says so.
    Agreed {
        /// The newest height.
        height: u64,
        /// The hosts of the two.
        operators: Vec<String>,
    },
    /// No newer block could be proven.
    Stale {
        /// When something was last proven here, in milliseconds since 1970.
        since_ms: Option<u64>,
    },
    /// No server serves this chain; this one serves another.
    OtherChain {
        /// Which, from 0.
        server: u32,
    },
    /// No honest server is left; this one lied.
    Lying {
        /// Which, from 0.
        server: u32,
    },
    /// The trusted block is older than the chain allows: the app needs a newer chain file.
    TrustExpired,
    /// Two servers prove final blocks that exclude each other. No proof can tell which chain is the right one: nothing
    /// is asked until the app has a newer chain file.
    Forked {
        /// The servers' addresses.
        servers: Vec<String>,
    },
}

/// An account as far as it is proven.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct AccountInfo {
    /// Its address.
    pub address: String,
    /// What it holds; nothing means that nothing is proven yet, which is not 0.
    pub balance: Option<ProvenBalance>,
    /// The history loaded so far, newest first: proven, and without a gap.
    pub history: Vec<HistoryItem>,
    /// Whether that is all of it.
    pub history_complete: bool,
}

/// A balance that was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ProvenBalance {
    /// In units of 10^-8 VSYS; 0 is proven emptiness.
    pub units: u64,
    /// Transactions the account made so far.
    pub nonce: u64,
    /// The height of the final block it is proven at.
    pub height: u64,
    /// When that block was made, in milliseconds since 1970.
    pub block_ms: u64,
    /// When it was proven here, in milliseconds since 1970.
    pub proven_ms: u64,
    /// Whether nobody vouches for that block but two operators that agree: then it is not final.
    pub only_agreed: bool,
}

/// One change of an account.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct HistoryItem {
    /// Its place in the account's history, from 0.
    pub index: u64,
    /// The block's height.
    pub height: u64,
    /// When that block was made, in milliseconds since 1970.
    pub block_ms: u64,
    /// The transaction's id, 64 hexadecimal digits; zeros for the chain's beginning.
    pub transaction_id: String,
    /// Why.
    pub kind: ChangeKind,
    /// Coins more, or less if negative, in units of 10^-8 VSYS.
    pub delta_units: i64,
    /// The account's other side, if the transaction is known here.
    pub counterparty: Option<String>,
    /// The transaction's public note, if it is known here.
    pub memo: Option<Vec<u8>>,
}

/// Why something happened to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum ChangeKind {
    /// The chain started with it.
    Genesis,
    /// It sent coins.
    Sent,
    /// It received coins.
    Received,
    /// It paid a fee.
    Fee,
    /// It leased coins out, or was leased some.
    Leased,
    /// Leased coins were called back.
    LeaseCancelled,
    /// It was paid for stake.
    Interest,
    /// It was paid for minting.
    Commission,
    /// It was paid for making a block.
    Minted,
    /// It won a slot, and what that costs was burned.
    ContendFee,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ServerInfo {
    /// Its address.
    pub url: String,
    /// How it is.
    pub health: ServerHealth,
    /// The newest final height that it proved.
    pub height: Option<u64>,
}

/// How a server is.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum ServerHealth {
    /// Not asked yet.
    Unknown,
    /// Its last answer was proven.
    Good,
    /// It does not answer.
    Unreachable {
        /// Asked again not before this, in milliseconds since 1970.
        retry_ms: u64,
    },
    /// It says that it serves another chain.
    OtherChain {
        /// The chain id it claims.
        found: String,
    },
    /// It sent something that cannot be true.
    Lying {
        /// What, in words.
        lie: String,
    },
}

impl From<Event> for HotEvent {
    fn from(event: Event) -> Self {
        match event {
            Event::Final(height) => Self::FinalBlock { height: height.0 },
            Event::Account(address) => Self::AccountChanged { address: address.to_string() },
            Event::Payment(id) => Self::PaymentChanged { transaction_id: id.to_string() },
            Event::Fork => Self::ForkSeen,
            Event::Server(index) => Self::ServerChanged { index: short(index) },
        }
    }
}

impl SyncState {
    pub(crate) fn of(sync: Sync, client: &Client) -> Self {
        match sync {
            Sync::Connecting => Self::Connecting,
            Sync::Verified => Self::Verified { height: client.trusted().height.0 },
            Sync::Stale { since } => Self::Stale { since_ms: since.map(|since| since.0) },
            Sync::OtherChain { server } => Self::OtherChain { server: short(server) },
            Sync::Lying { server } => Self::Lying { server: short(server) },
            Sync::TrustExpired => Self::TrustExpired,
            Sync::Agreed => Self::Agreed {
                height: client.trusted().height.0,
                operators: client.agreed().map_or_else(Vec::new, |agreed| agreed.operators.to_vec()),
            },
            Sync::Forked => Self::Forked {
                servers: client.fork().map_or_else(Vec::new, |fork| {
                    [&fork.one, &fork.other].map(|branch| branch.server.clone()).to_vec()
                }),
            },
        }
    }
}

impl From<&Server> for ServerInfo {
    fn from(server: &Server) -> Self {
        let health = match server.health() {
            Health::Unknown => ServerHealth::Unknown,
            Health::Good => ServerHealth::Good,
            Health::Unreachable { retry_at } => ServerHealth::Unreachable { retry_ms: retry_at.0 },
            Health::OtherChain { found, .. } => ServerHealth::OtherChain { found: found.clone() },
            Health::Lying { lie } => ServerHealth::Lying { lie: lie.clone() },
        };
        Self { url: server.url().to_owned(), health, height: server.height().map(|height| height.0) }
    }
}

impl AccountInfo {
    pub(crate) fn of(client: &Client, address: Address, account: &AccountState) -> Self {
        let block_ms = |slot: Slot| client.verifier().time_of(slot).0;
        let balance = account.proven().map(|proven| {
            let record = proven.record.unwrap_or_default();
            ProvenBalance {
                units: record.balance.units(),
                nonce: record.nonce,
                height: proven.height.0,
                block_ms: block_ms(proven.slot),
                proven_ms: proven.at.0,
                only_agreed: proven.grade == Grade::Agreed,
            }
        });
        let history = account.history();
        let item = |record: &HistoryRecord| {
            let transaction = history.transaction(&record.transaction);
            HistoryItem {
                index: record.index,
                height: record.height.0,
                block_ms: block_ms(record.slot),
                transaction_id: record.transaction.to_string(),
                kind: record.kind.into(),
                delta_units: record.delta,
                counterparty: transaction
                    .and_then(|transaction| counterparty(client.spec().network, record, transaction))
                    .map(|address| address.to_string()),
                memo: transaction.map(|transaction| transaction.memo.clone()),
            }
        };
        // Leases are not coins that came or went.
        let coins = history.records().iter().rev().filter(|record| record.asset == Asset::Coin);
        Self {
            address: address.to_string(),
            balance,
            history: coins.map(item).collect(),
            history_complete: history.is_complete(),
        }
    }
}

impl From<HistoryKind> for ChangeKind {
    fn from(kind: HistoryKind) -> Self {
        match kind {
            HistoryKind::Genesis => Self::Genesis,
            HistoryKind::Sent => Self::Sent,
            HistoryKind::Received => Self::Received,
            HistoryKind::Fee => Self::Fee,
            HistoryKind::Leased => Self::Leased,
            HistoryKind::LeaseCancelled => Self::LeaseCancelled,
            HistoryKind::Interest => Self::Interest,
            HistoryKind::Commission => Self::Commission,
            HistoryKind::Minted => Self::Minted,
            HistoryKind::ContendFee => Self::ContendFee,
        }
    }
}

fn short(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
