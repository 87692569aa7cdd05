use std::path::PathBuf;

use light_client::{
    crypto::KeyPair,
    data_format::{Address, ChainSpec, Time},
};

use crate::{
    storage::{Recovery, Retention},
    transaction::Limits,
};

/// What a node is told to be.
#[derive(Debug)]
pub struct NodeConfig {
    /// The folder it keeps its chain in; `None` keeps it in memory, and loses it.
    pub data: Option<PathBuf>,
    /// Which chain it runs.
    pub chain: ChainChoice,
    /// Decisions of the chain's operators to go on from a block with another slot table, oldest first.
    pub recoveries: Vec<Recovery>,
    /// The Ed25519 keys it mints and votes with, besides those of a development chain.
    pub minting_keys: Vec<KeyPair>,
    /// Who is paid for the blocks it makes, where a block pays an account: proof of work.
    pub payee: Option<Address>,
    /// How much of the past it can prove, and what it keeps in memory.
    pub retention: Retention,
    /// What may wait for a block.
    pub pool: Limits,
    /// The time now, in milliseconds since 1970.
    pub now: Time,
}

/// Which chain a node runs.
#[derive(Debug)]
pub enum ChainChoice {
    /// The chain of this spec; a folder that holds another one is refused.
    Spec(Box<ChainSpec>),
    /// The development chain that the folder holds; a new one starting now if the folder is empty. This node
    /// holds the keys of all its slots, and a faucet.
    Development,
}
