use std::collections::BTreeSet;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Address, Amount, Call, EngineSpec, MIN_IDLE_ROUNDS, Network, Time, codec, json::records};
use crate::crypto::{Domain, Ed25519Key, Hash};

/// A chain's id: the hash of its spec's Borsh bytes.
pub type ChainId = Hash;

/// Nodes that a closed network names, at most.
pub const MAX_PEERS: usize = 1_024;

/// Everything that makes a chain what it is. Two specs that differ anywhere are two chains.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct ChainSpec {
    /// A name for people, 1 to 64 bytes.
    #[borsh(deserialize_with = "codec::bounded_text::<64, _>")]
    pub name: String,
    /// The network byte of its addresses.
    pub network: Network,
    /// When slot 0 starts, in milliseconds since 1970.
    pub genesis_time: Time,
    /// How blocks are made and become final.
    pub engine: EngineSpec,
    /// The modules of the business logic container that this chain runs.
    #[borsh(deserialize_with = "codec::bounded_list::<16, _, _>")]
    pub modules: Vec<ModuleName>,
    /// What calls cost at least.
    pub fees: FeeSchedule,
    /// How long a checkpoint may be trusted without a person confirming it, in milliseconds.
    pub trusting_period_ms: u64,
    /// The nodes that a closed network admits, by their Ed25519 public keys; everybody, if there is none.
    #[borsh(deserialize_with = "codec::bounded_list::<1_024, _, _>")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<Hash>,
    /// Who holds what in block 0.
    #[borsh(deserialize_with = "codec::bounded_list::<1_048_576, _, _>")]
    pub accounts: Vec<GenesisAccount>,
}

/// A module of the business logic container.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ModuleName {
    /// Transfers.
    Coin,
    /// Leases to supernodes.
    Lease,
    /// Contending for slots.
    Supernode,
}

/// The least a call costs, by kind. Fees are burned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct FeeSchedule {
    /// A transfer.
    pub transfer: Amount,
    /// A lease, calling one back, or claiming what it has earned.
    pub lease: Amount,
    /// A call of a supernode, or of somebody who wants to be one. Nothing more is lost by contending in vain; who wins a
    /// slot pays [`SposSpec::contend_fee`](super::SposSpec::contend_fee) besides.
    pub supernode: Amount,
}

/// An account of block 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct GenesisAccount {
    /// Whose.
    pub address: Address,
    /// What it starts with, above 0.
    pub balance: Amount,
}

records!(ChainSpec, FeeSchedule, GenesisAccount);

/// A spec that cannot be a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The name is empty or too long.
    #[error("the name must have 1 to 64 bytes, it has {0}")]
    Name(usize),
    /// The slot length is out of range.
    #[error("slot_ms must be 100 to 600,000, it is {0}")]
    SlotLength(u32),
    /// The number of slots is out of range.
    #[error("a round has 1 to 64 slots, this one has {0}")]
    SlotCount(usize),
    /// Nobody could mint.
    #[error("at least one slot must have a holder")]
    NoHolder,
    /// An address or a minting key holds two slots.
    #[error("slot {0} repeats an address or a minting key of an earlier slot")]
    RepeatedHolder(usize),
    /// A minting key is not a usable Ed25519 key.
    #[error("the minting key of slot {0} is not a usable Ed25519 key")]
    MintingKey(usize),
    /// An address belongs to another network than the chain.
    #[error("{0} belongs to another network than this chain")]
    Network(Address),
    /// An account appears twice.
    #[error("the account {0} is listed twice")]
    RepeatedAccount(Address),
    /// An account starts with nothing.
    #[error("the account {0} starts with nothing: leave it out")]
    EmptyAccount(Address),
    /// The sum of all balances is too large.
    #[error("the balances add up to more than 2^63 units")]
    Supply,
    /// The reward of a block is out of range.
    #[error("block_reward must be at most 1,000,000 VSYS, it is {0}")]
    BlockReward(Amount),
    /// A share over the whole.
    #[error("genesis_commission must be at most 10,000 (hundredths of a percent), it is {0}")]
    Commission(u16),
    /// The price of a slot is out of range.
    #[error("contend_fee must be at most 1,000,000 VSYS, it is {0}")]
    ContendFee(Amount),
    /// Everybody could leave.
    #[error("min_filled must be at least 1")]
    MinFilled,
    /// No block to average over.
    #[error("average_window must be at least 1 block")]
    AverageWindow,
    /// Too short a time to show oneself.
    #[error("idle_rounds must be at least {MIN_IDLE_ROUNDS} rounds, it is {0}")]
    IdleRounds(u32),
    /// A punishment that is over at once.
    #[error("ban_rounds must be at least 1 round")]
    BanRounds,
    /// A module is named twice.
    #[error("a module is named twice")]
    RepeatedModule,
    /// A closed network with more nodes than it can have.
    #[error("a closed network names at most {MAX_PEERS} nodes, this one {0}")]
    PeerCount(usize),
    /// A node that a closed network names is no usable key, or named before.
    #[error("node {0} of the closed network is not a usable Ed25519 key, or is named twice")]
    Peer(usize),
    /// A module that needs supernodes on a chain that has none.
    #[error("the module {0:?} needs the engine spos")]
    ModuleWithoutSlots(ModuleName),
    /// The time is divided too finely or too coarsely.
    #[error("slot_ms must be 1 to 600,000, it is {0}")]
    TimeStep(u32),
    /// The sealer is not a usable Ed25519 key.
    #[error("the sealer is not a usable Ed25519 key")]
    Sealer,
    /// Blocks closer than the steps of time.
    #[error("block_ms must be at least slot_ms, {slot_ms}, it is {block_ms}")]
    BlockTime {
        /// The step of time.
        slot_ms: u32,
        /// What a block is meant to take.
        block_ms: u32,
    },
    /// The difficulty is out of range.
    #[error("genesis_difficulty must be 1 to 2^62, it is {0}")]
    Difficulty(u64),
    /// The half life is too short.
    #[error("half_life_ms must be at least block_ms, it is {0}")]
    HalfLife(u64),
    /// The depth is out of range.
    #[error("final_depth must be 1 to 1,024, it is {0}")]
    FinalDepth(u16),
}

impl ChainSpec {
    /// The chain's id.
    pub fn id(&self) -> ChainId {
        Hash::of(Domain::CHAIN, &[&codec::encode(self)])
    }

    /// The least fee of a list of calls; `None` if it overflows.
    pub fn minimum_fee(&self, calls: &[Call]) -> Option<Amount> {
        Amount::sum(calls.iter().map(|call| match call {
            Call::Coin(_) => self.fees.transfer,
            Call::Lease(_) => self.fees.lease,
            Call::Supernode(_) => self.fees.supernode,
        }))
    }

    /// The sum of the balances of block 0.
    ///
    /// # Errors
    /// [`SpecError::Supply`] over 2^63 units, so that a delta fits a signed 64-bit number.
    pub fn genesis_supply(&self) -> Result<Amount, SpecError> {
        Amount::sum(self.accounts.iter().map(|account| account.balance))
            .filter(|supply| i64::try_from(supply.units()).is_ok())
            .ok_or(SpecError::Supply)
    }

    /// Checks everything a chain needs; a spec from outside is only text until this has passed.
    ///
    /// # Errors
    /// The first [`SpecError`] found.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.name.is_empty() || self.name.len() > 64 {
            return Err(SpecError::Name(self.name.len()));
        }
        match &self.engine {
            EngineSpec::Spos(spos) => spos.check(self.network)?,
            EngineSpec::Instant(rules) => rules.check()?,
            EngineSpec::ProofOfWork(rules) => rules.check()?,
        }
        let needs_slots = |module: &&ModuleName| matches!(module, ModuleName::Lease | ModuleName::Supernode);
        if let Some(module) = self.modules.iter().find(needs_slots).filter(|_| self.engine.spos().is_none()) {
            return Err(SpecError::ModuleWithoutSlots(*module));
        }
        // At most 16 of them.
        if self.modules.iter().enumerate().any(|(place, module)| self.modules[..place].contains(module)) {
            return Err(SpecError::RepeatedModule);
        }
        if self.peers.len() > MAX_PEERS {
            return Err(SpecError::PeerCount(self.peers.len()));
        }
        let mut named = BTreeSet::new();
        for (place, peer) in self.peers.iter().enumerate() {
            if !named.insert(peer.as_bytes().as_slice()) || Ed25519Key::parse(peer.as_bytes()).is_err() {
                return Err(SpecError::Peer(place));
            }
        }
        let mut seen = BTreeSet::new();
        for account in &self.accounts {
            if account.address.network() != self.network {
                return Err(SpecError::Network(account.address));
            }
            if account.balance == Amount::ZERO {
                return Err(SpecError::EmptyAccount(account.address));
            }
            if !seen.insert(account.address.as_bytes().as_slice()) {
                return Err(SpecError::RepeatedAccount(account.address));
            }
        }
        self.genesis_supply().map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_format::{Holder, SlotTable, SposSpec, codec::encode, decode};

    fn spos(spec: &mut ChainSpec) -> &mut SposSpec {
        spec.engine.spos_mut().unwrap()
    }

    #[test]
    fn the_id_covers_every_part_of_the_spec() {
        let holder = |byte| {
            let key = crate::crypto::PublicKey::Ed25519([byte; 32]);
            Holder { address: Address::of(&key, Network::Test), minting_key: Hash([byte; 32]) }
        };
        let spec = ChainSpec {
            name: "chain".to_owned(),
            network: Network::Test,
            genesis_time: Time(1),
            engine: EngineSpec::Spos(SposSpec::without_rewards(
                1_000,
                SlotTable(vec![Some(holder(1)), None, Some(holder(2))]),
            )),
            modules: vec![ModuleName::Coin],
            fees: FeeSchedule { transfer: Amount(1), lease: Amount(1), supernode: Amount(1) },
            trusting_period_ms: 1,
            peers: vec![],
            accounts: vec![GenesisAccount { address: holder(1).address, balance: Amount(7) }],
        };
        let bytes = encode(&spec);
        assert_eq!(decode::<ChainSpec>(&bytes, bytes.len()).as_ref(), Ok(&spec));
        let changes: [fn(&mut ChainSpec); 19] = [
            |spec| spec.name.push('2'),
            |spec| spec.network = Network::Main,
            |spec| spec.genesis_time = Time(2),
            |spec| spos(spec).slots = SlotTable::default(),
            |spec| spos(spec).block_reward = Amount(1),
            |spec| spos(spec).genesis_commission = 1,
            |spec| spos(spec).average_window = 1,
            |spec| spec.fees.lease = Amount(2),
            |spec| spec.fees.supernode = Amount(2),
            |spec| spos(spec).contend_minimum = Amount(1),
            |spec| spos(spec).contend_fee = Amount(1),
            |spec| spos(spec).min_filled = 2,
            |spec| spos(spec).idle_rounds = 4,
            |spec| spos(spec).ban_rounds = 2,
            |spec| spec.modules.clear(),
            |spec| spec.fees.transfer = Amount(2),
            |spec| spec.trusting_period_ms = 2,
            |spec| spec.peers.push(Hash([1; 32])),
            |spec| spec.accounts[0].balance = Amount(8),
        ];
        for (place, change) in changes.iter().enumerate() {
            let mut other = spec.clone();
            change(&mut other);
            assert_ne!(other.id(), spec.id(), "part {place} is not covered");
        }
    }
}
