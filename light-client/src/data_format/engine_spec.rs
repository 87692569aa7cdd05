use std::collections::BTreeSet;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Address, Amount, Network, SpecError, UNITS_PER_COIN, codec, json::records};
use crate::crypto::{Ed25519Key, Hash};

/// Slots in a round, at most.
pub const MAX_SLOTS: usize = 64;

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

    /// Blocks over which the minting average balance averages; 1 where nobody holds slots.
    pub fn average_window(&self) -> u64 {
        self.spos().map_or(1, |spos| spos.average_window.into())
    }
}

/// Parameters of a chain with one sealer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct InstantSpec {
    /// How finely its time is divided, in milliseconds, 1 to 600,000: two blocks are at least this far apart.
    pub slot_ms: u32,
    /// The Ed25519 public key that seals its blocks.
    pub sealer: Hash,
}

/// Parameters of proof of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
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
#[serde(deny_unknown_fields, remote = "Self")]
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
    /// The least effective balance of a holder, and of who contends for a slot, once the contend fee is gone.
    pub contend_minimum: Amount,
    /// What is burned of who wins a slot, when its request is planned; contending in vain costs nothing of it. At most
    /// 1,000,000 VSYS.
    pub contend_fee: Amount,
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
/// The greatest [`SposSpec::contend_fee`].
const MAX_CONTEND_FEE: Amount = Amount(1_000_000 * UNITS_PER_COIN);

/// Who holds the slots of a round, by position; `None` is a vacant slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlotTable(#[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")] pub Vec<Option<Holder>>);

impl SlotTable {
    /// The position of an address's slot; `None` if it holds none.
    pub fn position(&self, address: &Address) -> Option<u8> {
        let place =
            self.0.iter().position(|holder| holder.is_some_and(|holder| holder.address == *address))?;
        u8::try_from(place).ok()
    }
}

/// The holder of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Holder {
    /// The account that owns the slot.
    pub address: Address,
    /// The Ed25519 public key that seals its blocks and signs its votes; not the key that owns the coins.
    pub minting_key: Hash,
}

records!(InstantSpec, ProofOfWorkSpec, SposSpec, Holder);

impl InstantSpec {
    pub(super) fn check(&self) -> Result<(), SpecError> {
        check_time_step(self.slot_ms)?;
        Ed25519Key::parse(self.sealer.as_bytes()).map(|_| ()).map_err(|_| SpecError::Sealer)
    }
}

impl ProofOfWorkSpec {
    pub(super) fn check(&self) -> Result<(), SpecError> {
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
            contend_fee: Amount::ZERO,
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

    pub(super) fn check(&self, network: Network) -> Result<(), SpecError> {
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
        if self.contend_fee > MAX_CONTEND_FEE {
            return Err(SpecError::ContendFee(self.contend_fee));
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
            let (address, key) = (holder.address.as_bytes(), holder.minting_key.as_bytes());
            if !addresses.insert(address.as_slice()) || !keys.insert(key.as_slice()) {
                return Err(SpecError::RepeatedHolder(position));
            }
            Ed25519Key::parse(holder.minting_key.as_bytes()).map_err(|_| SpecError::MintingKey(position))?;
        }
        if keys.is_empty() { Err(SpecError::NoHolder) } else { Ok(()) }
    }
}
