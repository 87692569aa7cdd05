use std::fmt;

use light_client::{
    client::{Client, Proven, Standing},
    data_format::{Address, Amount, Time},
};
use serde::Serialize;

use super::words::moment;

/// Why a figure can be believed, and for when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Trust {
    /// Proven in this run, at a final block that is as new as it can be.
    Verified(Place),
    /// Proven in this run, from a block on which two operators agree. That is not final: confirm a checkpoint.
    Agreed(Place),
    /// Proven once; nothing newer could be since then.
    Stale(Place),
    /// Proven once, from a block that is too old by now to be trusted.
    Expired(Place),
    /// Nothing is proven: there is no figure.
    Unknown,
}

/// The final block that something is proven at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    /// Its height.
    pub(super) height: u64,
    /// When it was made, in milliseconds since 1970.
    pub(super) block_ms: u64,
    /// When it was proven here, in milliseconds since 1970.
    pub(super) proven_ms: u64,
}

/// What is known of an account. JSON has amounts as strings of units and `null` for what is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct AccountLine {
    pub(super) address: Address,
    /// Whether anything was ever sent to or from it.
    pub(super) exists: Option<bool>,
    pub(super) balance: Option<Amount>,
    /// The part of it that can be spent.
    pub(super) available: Option<Amount>,
    pub(super) leased_out: Option<Amount>,
    pub(super) leased_in: Option<Amount>,
    /// Transactions it made so far.
    pub(super) nonce: Option<u64>,
    pub(super) trust: Trust,
}

impl Trust {
    /// Of a figure that stands so.
    pub(super) fn of(client: &Client, proven: &Proven, standing: Standing) -> Self {
        let block_ms = client.verifier().time_of(proven.slot).0;
        let place = Place { height: proven.height.0, block_ms, proven_ms: proven.at.0 };
        match standing {
            Standing::Verified => Self::Verified(place),
            Standing::Agreed => Self::Agreed(place),
            Standing::Stale => Self::Stale(place),
            Standing::Expired => Self::Expired(place),
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified(Place { height, block_ms, .. }) => {
                write!(f, "verified at block {height} of {}", moment(Time(*block_ms)))
            }
            Self::Agreed(Place { height, block_ms, .. }) => {
                write!(f, "two operators agree, not final; block {height} of {}", moment(Time(*block_ms)))
            }
            Self::Stale(Place { height, proven_ms, .. }) => {
                write!(f, "stale since {} (block {height})", moment(Time(*proven_ms)))
            }
            Self::Expired(Place { height, proven_ms, .. }) => {
                write!(f, "trust expired; proven {} (block {height})", moment(Time(*proven_ms)))
            }
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl AccountLine {
    /// An account as it was proven; `None` if it never was.
    pub(super) fn new(address: Address, proven: Option<&Proven>, trust: Trust) -> Self {
        let record = proven.map(|proven| proven.record.unwrap_or_default());
        Self {
            address,
            exists: proven.map(|proven| proven.record.is_some()),
            balance: record.map(|record| record.balance),
            available: record.map(|record| record.available()),
            leased_out: record.map(|record| record.leased_out),
            leased_in: record.map(|record| record.leased_in),
            nonce: record.map(|record| record.nonce),
            trust,
        }
    }
}

/// For people, in VSYS.
impl fmt::Display for AccountLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(balance) = self.balance else { return write!(f, "{}  unknown", self.address) };
        write!(f, "{}  {balance} VSYS", self.address)?;
        if let (Some(available), true) = (self.available, self.available != self.balance) {
            write!(f, " ({available} can be spent)")?;
        }
        write!(f, "  {}", self.trust)
    }
}

#[cfg(test)]
mod tests {
    use light_client::test_support::chain::test_address;

    use super::*;

    #[test]
    fn what_is_not_known_is_never_a_number() {
        let line = AccountLine::new(test_address(1), None, Trust::Unknown);
        assert_eq!(line.to_string(), format!("{}  unknown", test_address(1)));
        let json = serde_json::to_value(&line).unwrap();
        for field in ["exists", "balance", "available", "leased_out", "leased_in", "nonce"] {
            assert!(json[field].is_null(), "{json}");
        }
        assert_eq!(json["trust"]["state"], "unknown");
    }
}
