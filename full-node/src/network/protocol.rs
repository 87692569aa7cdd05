//! Names and bounds of what travels between nodes.
//!
//! Every name carries the chain id and a version: nodes of different chains, or of different versions of a protocol,
//! have no name in common and cannot misread each other. [`HELLO`] alone is common to all, so that two strangers
//! can say *why* they part.

use std::fmt;

use libp2p::{StreamProtocol, gossipsub::IdentTopic};
use light_client::data_format::{ChainId, MAX_BLOCK_BYTES, MAX_TRANSACTION_BYTES};

/// The version of what nodes say to each other. It stands in every name.
pub const PROTOCOL_VERSION: u16 = 2;
/// The greeting, the same for all chains and versions.
pub const HELLO: StreamProtocol = StreamProtocol::new("/vsys/hello");
/// What `identify` says this network is.
pub const IDENTIFY: &str = "/vsys/2";

/// Chains that one node may serve.
pub const MAX_CHAINS: u32 = 16;
/// Bytes of a greeting or its answer, at most.
pub const MAX_HELLO_BYTES: usize = 8 * 1024;
/// Bytes of a request to a chain, at most.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024;
/// Bytes of the answer to one, at most: any block, or several that are smaller.
pub const MAX_RESPONSE_BYTES: usize = MAX_BLOCK_BYTES + 64 * 1024;
/// Headers in one answer.
pub const MAX_HEADERS: u32 = 512;
/// Blocks in one answer.
pub const MAX_BLOCKS: u32 = 64;
/// Block ids by which a node says where it stands.
pub const MAX_LOCATOR: u32 = 64;
/// Bytes of an encoded vote, at most.
pub const MAX_VOTE_BYTES: usize = 512;

/// What is told to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// New blocks.
    Blocks,
    /// Votes of this round.
    Votes,
    /// Transactions that wait for a block.
    Transactions,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Blocks, Self::Votes, Self::Transactions];

    /// Bytes of one message, at most.
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::Blocks => MAX_BLOCK_BYTES,
            Self::Votes => MAX_VOTE_BYTES,
            Self::Transactions => MAX_TRANSACTION_BYTES,
        }
    }

    /// The topic of a chain.
    pub fn of(self, chain: &ChainId) -> IdentTopic {
        IdentTopic::new(name(chain, self))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blocks => "blocks",
            Self::Votes => "votes",
            Self::Transactions => "transactions",
        })
    }
}

/// The requests of a chain.
#[expect(clippy::expect_used, reason = "the name starts with a slash, which is all that is asked of it")]
pub fn exchange(chain: &ChainId) -> StreamProtocol {
    StreamProtocol::try_from_owned(name(chain, "exchange")).expect("a name that starts with a slash")
}

/// The address lookup of a chain.
#[expect(clippy::expect_used, reason = "the name starts with a slash, which is all that is asked of it")]
pub fn lookup(chain: &ChainId) -> StreamProtocol {
    StreamProtocol::try_from_owned(name(chain, "kad")).expect("a name that starts with a slash")
}

/// What the names of a chain's gossip start with; the library adds its own version.
pub fn gossip(chain: &ChainId) -> String {
    name(chain, "gossip")
}

fn name(chain: &ChainId, what: impl fmt::Display) -> String {
    format!("/vsys/{chain}/{what}/{PROTOCOL_VERSION}")
}

#[cfg(test)]
mod tests {
    use light_client::crypto::Hash;

    use super::*;

    #[test]
    fn names_carry_chain_and_version() {
        let chain = Hash([7; 32]);
        assert_eq!(exchange(&chain).as_ref(), format!("/vsys/{}/exchange/2", "07".repeat(32)));
        assert_eq!(Topic::Blocks.of(&chain).to_string(), format!("/vsys/{}/blocks/2", "07".repeat(32)));
        assert_ne!(exchange(&chain), exchange(&Hash([8; 32])));
    }
}
