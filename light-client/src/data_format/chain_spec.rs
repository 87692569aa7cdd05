use std::collections::BTreeSet;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Address, Amount, Call, Network, Time, UNITS_PER_COIN, codec};
use crate::crypto::{Domain, Ed25519Key, Hash};

/// A chain's id: the hash of its spec's Borsh bytes.
pub type ChainId = Hash;

/// Slots in a round, at most.
pub const MAX_SLOTS: usize = 64;
/// Nodes that a closed network names, at most.
pub const MAX_PEERS: usize = 1_024;

/// Everything that makes a chain what it is. Two specs that differ anywhere are two chains.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// How a chain makes blocks and when they are final.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineSpec {
    /// Supernode proof of stake.
    Spos(SposSpec),
    /// One sealer, for development: a block when there is something to put into it, final at once.
    Instant(InstantSpec),
    /// Proof of work: the branch with the most work is the best one.
    ProofOfWork(ProofOfWorkSpec),
}

impl EngineSpec {
    /// The parameters of supernode proof of stake; `None` under another engine.
    pub const fn spos(&self) -> Option<&SposSpec> {
        match self {
            Self::Spos(spos) => Some(spos),
            Self::Instant(_) | Self::ProofOfWork(_) => None,
        }
    }

    /// As [`EngineSpec::spos`], to be changed.
    pub const fn spos_mut(&mut self) -> Option<&mut SposSpec> {
        match self {
            Self::Spos(spos) => Some(spos),
            Self::Instant(_) | Self::ProofOfWork(_) => None,
        }
    }

    /// How long a new block takes, in milliseconds, when all is well.
    pub const fn block_ms(&self) -> u32 {
        match self {
            Self::Spos(spos) => spos.slot_ms,
            Self::Instant(rules) => rules.slot_ms,
            Self::ProofOfWork(rules) => rules.block_ms,
        }
    }

    /// Slots of a round; 0 where nobody holds slots.
    pub fn slot_count(&self) -> usize {
        self.spos().map_or(0, |spos| spos.slots.0.len())
    }
}

/// Parameters of a chain with one sealer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstantSpec {
    /// How finely its time is divided, in milliseconds, 1 to 600,000: two blocks are at least this far apart.
    pub slot_ms: u32,
    /// The Ed25519 public key that seals its blocks.
    pub sealer: Hash,
}

/// Parameters of proof of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofOfWorkSpec {
    /// How finely its time is divided, in milliseconds, 1 to 600,000: two blocks are at least this far apart.
    pub slot_ms: u32,
    /// How long a block is meant to take, in milliseconds; at least `slot_ms`.
    pub block_ms: u32,
    /// Hashes that a block on schedule takes on average, 1 to 2^62.
    pub genesis_difficulty: u64,
    /// How far the chain must be behind its schedule for the difficulty to halve, in milliseconds; at least `block_ms`.
    pub half_life_ms: u64,
    /// Blocks above one that is taken as final, 1 to 1,024.
    pub final_depth: u16,
    /// New coins for whoever makes a block; at most 1,000,000 VSYS.
    pub block_reward: Amount,
}

/// Parameters of supernode proof of stake.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SposSpec {
    /// Length of a slot in milliseconds, 100 to 600,000.
    pub slot_ms: u32,
    /// The slots of a round and who holds them at genesis; 1 to 64 of them, at least one filled.
    pub slots: SlotTable,
    /// New coins for each block, shared by the stake of its supernode; at most 1,000,000 VSYS.
    pub block_reward: Amount,
    /// The share of a reward that the supernodes of genesis keep before it is shared, in hundredths of a percent.
    pub genesis_commission: u16,
    /// Blocks over which the minting average balance averages, at least 1.
    pub average_window: u32,
    /// The least effective balance of somebody who contends for a slot.
    pub contend_minimum: Amount,
    /// Slots that stay filled: the last holders cannot leave. At least 1.
    pub min_filled: u8,
    /// Rounds with a certificate after which a holder of whom the chain has neither a block nor a vote loses the slot, at
    /// least [`MIN_IDLE_ROUNDS`].
    pub idle_rounds: u32,
    /// Rounds for which somebody whose minting key signed what excludes each other may not contend, at least 1.
    pub ban_rounds: u32,
}

/// The least [`SposSpec::idle_rounds`]: who comes into the table in one round can only vote and mint in the next.
pub const MIN_IDLE_ROUNDS: u32 = 3;
/// The whole of a commission: hundredths of a percent.
pub const MAX_COMMISSION: u16 = 10_000;
/// The greatest reward of a block.
const MAX_BLOCK_REWARD: Amount = Amount(1_000_000 * UNITS_PER_COIN);

/// Who holds the slots of a round, by position; `None` is a vacant slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlotTable(#[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")] pub Vec<Option<Holder>>);

/// The holder of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The account that owns the slot.
    pub address: Address,
    /// The Ed25519 public key that seals its blocks and signs its votes; not the key that owns the coins.
    pub minting_key: Hash,
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
#[serde(deny_unknown_fields)]
pub struct FeeSchedule {
    /// A transfer.
    pub transfer: Amount,
    /// A lease, calling one back, or claiming what it has earned.
    pub lease: Amount,
    /// A call of a supernode, or of somebody who wants to be one. Nothing more is lost by contending in vain.
    pub supernode: Amount,
}

/// An account of block 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccount {
    /// Whose.
    pub address: Address,
    /// What it starts with, above 0.
    pub balance: Amount,
}

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
            if !named.insert(peer) || Ed25519Key::parse(peer.as_bytes()).is_err() {
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
            if !seen.insert(account.address) {
                return Err(SpecError::RepeatedAccount(account.address));
            }
        }
        self.genesis_supply().map(|_| ())
    }
}

impl InstantSpec {
    fn check(&self) -> Result<(), SpecError> {
        check_time_step(self.slot_ms)?;
        Ed25519Key::parse(self.sealer.as_bytes()).map(|_| ()).map_err(|_| SpecError::Sealer)
    }
}

impl ProofOfWorkSpec {
    fn check(&self) -> Result<(), SpecError> {
        let Self { slot_ms, block_ms, genesis_difficulty, half_life_ms, final_depth, block_reward } = *self;
        check_time_step(slot_ms)?;
        if block_ms < slot_ms {
            return Err(SpecError::BlockTime { slot_ms, block_ms });
        }
        if !(1..=1 << 62).contains(&genesis_difficulty) {
            return Err(SpecError::Difficulty(genesis_difficulty));
        }
        if half_life_ms < block_ms.into() {
            return Err(SpecError::HalfLife(half_life_ms));
        }
        if !(1..=1_024).contains(&final_depth) {
            return Err(SpecError::FinalDepth(final_depth));
        }
        if block_reward > MAX_BLOCK_REWARD {
            return Err(SpecError::BlockReward(block_reward));
        }
        Ok(())
    }
}

const fn check_time_step(slot_ms: u32) -> Result<(), SpecError> {
    if slot_ms == 0 || slot_ms > 600_000 { Err(SpecError::TimeStep(slot_ms)) } else { Ok(()) }
}

impl SposSpec {
    /// Slots of a chain that makes no coins: for closed networks, and for tests.
    pub const fn without_rewards(slot_ms: u32, slots: SlotTable) -> Self {
        Self {
            slot_ms,
            slots,
            block_reward: Amount::ZERO,
            genesis_commission: 0,
            average_window: 86_400,
            contend_minimum: Amount::ZERO,
            min_filled: 1,
            idle_rounds: 1_440,
            ban_rounds: 1_440,
        }
    }

    /// Slots in a round.
    pub const fn slots_per_round(&self) -> u64 {
        // At most 64.
        self.slots.0.len() as u64
    }

    fn check(&self, network: Network) -> Result<(), SpecError> {
        if !(100..=600_000).contains(&self.slot_ms) {
            return Err(SpecError::SlotLength(self.slot_ms));
        }
        if self.block_reward > MAX_BLOCK_REWARD {
            return Err(SpecError::BlockReward(self.block_reward));
        }
        if self.genesis_commission > MAX_COMMISSION {
            return Err(SpecError::Commission(self.genesis_commission));
        }
        if self.average_window == 0 {
            return Err(SpecError::AverageWindow);
        }
        if self.min_filled == 0 {
            return Err(SpecError::MinFilled);
        }
        if self.idle_rounds < MIN_IDLE_ROUNDS {
            return Err(SpecError::IdleRounds(self.idle_rounds));
        }
        if self.ban_rounds == 0 {
            return Err(SpecError::BanRounds);
        }
        let slots = &self.slots.0;
        if slots.is_empty() || slots.len() > MAX_SLOTS {
            return Err(SpecError::SlotCount(slots.len()));
        }
        let (mut addresses, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for (position, holder) in slots.iter().enumerate() {
            let Some(holder) = holder else { continue };
            if holder.address.network() != network {
                return Err(SpecError::Network(holder.address));
            }
            if !addresses.insert(holder.address) || !keys.insert(holder.minting_key) {
                return Err(SpecError::RepeatedHolder(position));
            }
            Ed25519Key::parse(holder.minting_key.as_bytes()).map_err(|_| SpecError::MintingKey(position))?;
        }
        if keys.is_empty() { Err(SpecError::NoHolder) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_format::{codec::encode, decode};

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
        let changes: [fn(&mut ChainSpec); 18] = [
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
