//! What nodes say to each other, as bounded Borsh.
//!
//! A decoded message is well-formed, nothing more: whoever sent it may be lying in every field.
//!
//! **What no version changes.** So that nodes of different versions part in words and never take each other for liars, four
//! things stay as they are in every version of the protocol, whatever else changes:
//!
//! 1. The greeting goes over [`super::protocol::HELLO`], one message each way: four bytes of its length, lowest first, then as
//!    many bytes, at most [`super::protocol::MAX_HELLO_BYTES`].
//! 2. A greeting begins with the version of whoever sends it: two bytes, lowest first. What follows belongs to that version,
//!    and nobody else reads it.
//! 3. Whoever is greeted in another version than its own answers with four bytes: `01 00`, then its own version, lowest byte
//!    first. That is [`Answer::Refused`] with [`Refusal::Version`].
//! 4. Neither side counts that as a fault of the other.

use std::{fmt, io};

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::{
    block_tree::HeaderProof,
    data_format::{BlockId, ChainId, Height, SealedHeader, codec},
};

use super::{port::Block, protocol::PROTOCOL_VERSION};

/// The first thing said on a connection, by whoever dialled.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`], or that of a peer which speaks another one.
    pub version: u16,
    /// The chains that this node serves, 1 to 16. None in a greeting of another version: what that says of its chains is not
    /// ours to read.
    pub chains: Vec<ChainHello>,
}

/// Of another version only the version is read: the rest may be anything.
impl BorshDeserialize for Hello {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let version = u16::deserialize_reader(reader)?;
        let chains = if version == PROTOCOL_VERSION {
            codec::bounded_list::<16, _, _>(reader)?
        } else {
            // Whoever reads bounds the message.
            io::copy(reader, &mut io::sink())?;
            Vec::new()
        };
        Ok(Self { version, chains })
    }
}

/// One chain of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChainHello {
    /// Which chain.
    pub chain: ChainId,
    /// Its block 0, as this node makes it of the spec.
    pub genesis: BlockId,
    /// Where the node stands.
    pub tip: Tip,
}

/// Where a node says it stands on a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Tip {
    /// The newest block of its best branch.
    pub head: BlockId,
    /// That block's height.
    pub height: Height,
    /// What that block weighs when branches are compared: greater is better. What it counts is the engine's affair.
    pub weight: u128,
    /// The height of its newest final block.
    pub final_height: Height,
    /// The height from which on it has whole blocks: not 0 if it started from a snapshot, or deletes old ones.
    pub kept_from: Height,
}

/// The answer to a [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Answer {
    /// The same from the other side, with the chains that both serve.
    Welcome(Hello),
    /// Why the connection ends now.
    Refused(Refusal),
}

/// Why a node does not talk to another, in words for the person who runs that one. The first variant stays the first, with
/// these bytes, in every version: see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// Another version of what nodes say to each other.
    Version {
        /// The version of whoever refuses.
        ours: u16,
    },
    /// No chain in common.
    Chain {
        /// The chains of whoever refuses.
        #[borsh(deserialize_with = "codec::bounded_list::<16, _, _>")]
        ours: Vec<ChainId>,
    },
    /// The same chain spec, but another block 0: the nodes run different rules.
    Genesis {
        /// The chain.
        chain: ChainId,
        /// Its block 0 according to whoever refuses.
        ours: BlockId,
    },
    /// It misbehaved.
    Banned {
        /// For how long still.
        seconds: u64,
    },
    /// Enough peers.
    Full,
    /// A closed network that does not name the node.
    NotAdmitted {
        /// Its chain.
        chain: ChainId,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { ours } => write!(f, "it speaks version {ours} of the protocol between nodes"),
            Self::Chain { ours } => {
                write!(f, "it serves another chain:")?;
                ours.iter().try_for_each(|chain| write!(f, " {chain}"))
            }
            Self::Genesis { chain, ours } => {
                write!(f, "block 0 of the chain {chain} is {ours} there: it runs other rules")
            }
            Self::Banned { seconds } => write!(f, "this node is banned there for {seconds} s"),
            Self::Full => f.write_str("it has enough peers"),
            Self::NotAdmitted { chain } => {
                write!(
                    f,
                    "the spec of the chain {chain} names the nodes it admits, and this node is none of them"
                )
            }
        }
    }
}

impl Hello {
    /// Whether to talk to whoever sent `theirs`; the chains in common.
    ///
    /// # Errors
    /// [`Refusal`] if there is nothing to talk about.
    pub fn meet(&self, theirs: &Self) -> Result<Vec<ChainHello>, Refusal> {
        if theirs.version != self.version {
            return Err(Refusal::Version { ours: self.version });
        }
        let mut common = Vec::new();
        for chain in &theirs.chains {
            let Some(ours) = self.chains.iter().find(|ours| ours.chain == chain.chain) else { continue };
            if ours.genesis != chain.genesis {
                return Err(Refusal::Genesis { chain: ours.chain, ours: ours.genesis });
            }
            common.push(*chain);
        }
        if common.is_empty() {
            return Err(Refusal::Chain { ours: self.chains.iter().map(|ours| ours.chain).collect() });
        }
        Ok(common)
    }
}

/// What is asked of one peer about a chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Request {
    /// Where it stands.
    Tip,
    /// Headers of its best branch after the first of these blocks that is on it.
    Headers {
        /// Blocks of the asker's branch, newest first, the newest final one last.
        #[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")]
        locator: Vec<BlockId>,
        /// How many, at most.
        limit: u32,
    },
    /// Headers of the branch that ends in a final block.
    AnchoredHeaders {
        /// The height before the first of them.
        after: Height,
        /// The final block.
        anchor: BlockId,
        /// How many, at most.
        limit: u32,
    },
    /// Whole blocks.
    Blocks {
        /// Which.
        #[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")]
        ids: Vec<BlockId>,
    },
    /// Proof of the newest final block.
    Finality {
        /// The block that the asker trusts.
        trusted: BlockId,
        /// Whether that block has to be shown too: the asker knows its id alone.
        open: bool,
    },
    /// What begins a snapshot of the state after a final block.
    SnapshotBase {
        /// Which.
        block: BlockId,
    },
    /// Entries of that state by rank, proven.
    SnapshotLeaves {
        /// Which state.
        block: BlockId,
        /// The rank of the first.
        first: u64,
        /// How many, at most.
        count: u32,
    },
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Response {
    /// To [`Request::Tip`].
    Tip(Tip),
    /// To [`Request::Headers`]: oldest first; `None` if none of the blocks named is on its best branch.
    Headers(Option<Headers>),
    /// To [`Request::Blocks`]: the first of them in their order, as many as it has and as fit.
    Blocks(#[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")] Vec<Block>),
    /// It was asked too much: later.
    Busy,
    /// To [`Request::Finality`]: a proof; `None` if the block named is not on its chain.
    Finality(Option<Bytes>),
    /// To [`Request::AnchoredHeaders`]; `None` if it does not have them, or the final block.
    AnchoredHeaders(Option<AnchoredHeaders>),
    /// To [`Request::SnapshotBase`]; `None` if that state is not kept.
    SnapshotBase(Option<Bytes>),
    /// To [`Request::SnapshotLeaves`]: how many entries, and their proof; `None` if that state is not kept.
    SnapshotLeaves(Option<(u32, Bytes)>),
}

impl Response {
    /// [`Response::Blocks`] of blocks that are encoded already, encoded.
    pub(super) fn encoded_blocks(blocks: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = codec::encode(&Self::Blocks(Vec::new()));
        bytes.truncate(1);
        // At most as many as a request names.
        bytes.extend(u32::try_from(blocks.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.reserve(blocks.iter().map(Vec::len).sum());
        blocks.iter().for_each(|block| bytes.extend_from_slice(block));
        bytes
    }
}

/// Headers in a row, oldest first, the last of which is proven to be on the branch that was asked about: so all are.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AnchoredHeaders {
    /// The headers; at least one.
    pub headers: Headers,
    /// Proof of the last one; empty if that is the final block itself.
    pub proof: HeaderProof,
}

/// What only the chain can read, up to 4 MiB.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Bytes(#[borsh(deserialize_with = "codec::bounded_bytes::<4_194_304, _>")] pub Vec<u8>);

/// Headers, each the parent of the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Headers(#[borsh(deserialize_with = "codec::bounded_list::<512, _, _>")] pub Vec<SealedHeader>);

#[cfg(test)]
mod tests {
    use light_client::{
        crypto::Hash,
        data_format::{DecodeError, codec::encode, decode},
    };

    use super::*;
    use crate::network::protocol::{MAX_HELLO_BYTES, MAX_REQUEST_BYTES};

    fn hello(version: u16, chains: &[u8]) -> Hello {
        let chain = |byte: &u8| ChainHello {
            chain: Hash([*byte; 32]),
            genesis: Hash([*byte + 100; 32]),
            tip: Tip::default(),
        };
        Hello { version, chains: chains.iter().map(chain).collect() }
    }

    #[test]
    fn the_refusal_of_another_version_has_these_bytes_in_every_version() {
        let refused = Answer::Refused(Refusal::Version { ours: 0x0102 });
        assert_eq!(encode(&refused), [1, 0, 2, 1]);
        assert_eq!(decode::<Answer>(&[1, 0, 2, 1], MAX_HELLO_BYTES), Ok(refused));
        // A greeting begins with its version.
        let greeting = encode(&hello(PROTOCOL_VERSION, &[1]));
        assert_eq!(greeting[..2], PROTOCOL_VERSION.to_le_bytes());
        for rest in [&[][..], &[7], &[255; 8_000]] {
            let other = [&99_u16.to_le_bytes(), rest].concat();
            let read = Hello { version: 99, chains: Vec::new() };
            assert_eq!(decode::<Hello>(&other, MAX_HELLO_BYTES), Ok(read.clone()), "{} bytes", rest.len());
            let welcome = [&[0], &other[..]].concat();
            assert_eq!(decode::<Answer>(&welcome, MAX_HELLO_BYTES), Ok(Answer::Welcome(read)));
        }
        let long = [&99_u16.to_le_bytes(), &[0; MAX_HELLO_BYTES][..]].concat();
        assert!(decode::<Hello>(&long, MAX_HELLO_BYTES).is_err(), "longer than a greeting of any version");
        assert!(decode::<Hello>(&[99], MAX_HELLO_BYTES).is_err(), "half a version");
        let garbage = [&PROTOCOL_VERSION.to_le_bytes(), &[255; 9][..]].concat();
        assert!(decode::<Hello>(&garbage, MAX_HELLO_BYTES).is_err(), "our own version is read strictly");
    }

    #[test]
    fn strangers_are_refused_in_words() {
        let ours = hello(PROTOCOL_VERSION, &[1, 2]);
        assert_eq!(ours.meet(&hello(PROTOCOL_VERSION, &[2, 3])).unwrap(), vec![ours.chains[1]]);
        let version = ours.meet(&hello(9, &[1])).unwrap_err();
        assert_eq!(version, Refusal::Version { ours: PROTOCOL_VERSION });
        let chain = ours.meet(&hello(PROTOCOL_VERSION, &[3])).unwrap_err();
        assert_eq!(chain, Refusal::Chain { ours: vec![Hash([1; 32]), Hash([2; 32])] });
        assert!(chain.to_string().starts_with("it serves another chain: 0101"), "{chain}");
        let mut other_rules = hello(PROTOCOL_VERSION, &[1]);
        other_rules.chains[0].genesis = Hash([9; 32]);
        assert!(matches!(ours.meet(&other_rules), Err(Refusal::Genesis { .. })));
        assert!(matches!(ours.meet(&hello(PROTOCOL_VERSION, &[])), Err(Refusal::Chain { .. })));
    }

    #[test]
    fn the_largest_messages_fit_and_larger_ones_are_refused() {
        let largest = encode(&Answer::Welcome(hello(PROTOCOL_VERSION, &[1; 16])));
        assert!(largest.len() <= MAX_HELLO_BYTES);
        assert!(decode::<Answer>(&largest, MAX_HELLO_BYTES).is_ok());
        let seventeen = encode(&hello(PROTOCOL_VERSION, &[1; 17]));
        assert!(matches!(decode::<Hello>(&seventeen, MAX_HELLO_BYTES), Err(DecodeError::Malformed(_))));
        let request = Request::Headers { locator: vec![Hash([1; 32]); 64], limit: 512 };
        assert!(encode(&request).len() <= MAX_REQUEST_BYTES);
        let request = encode(&Request::Blocks { ids: vec![Hash([1; 32]); 65] });
        assert!(decode::<Request>(&request, MAX_REQUEST_BYTES).is_err());
    }
}
