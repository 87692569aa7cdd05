//! The chain spec as people write it: TOML with coins, dates and slot numbers.
//!
//! The chain id is the hash of the spec's Borsh bytes, so comments, order and spelling of the file do not matter.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use libp2p::{Multiaddr, PeerId};
use light_client::{
    crypto::Hash,
    data_format::{
        Address, Amount, AmountError, BlockId, ChainSpec, EngineSpec, FeeSchedule, GenesisAccount, Height,
        Holder, InstantSpec, MAX_SLOTS, ModuleName, Network, ProofOfWorkSpec, Round, SlotTable, SpecError,
        SposSpec,
    },
};
use serde::{Deserialize, Serialize};
use toml::value::Datetime;

use crate::{
    network::identity::{key_of_peer, peer_of_key},
    storage::Recovery,
};

use super::moment::{moment_from_toml, moment_to_toml};

/// Bytes of a spec file, at most: room for a million accounts.
pub const MAX_SPEC_BYTES: u64 = 256 * 1024 * 1024;

/// Addresses by which a spec file says where nodes are.
pub const MAX_BOOTSTRAP: usize = 16;

const MS_PER_DAY: u64 = 86_400_000;

/// A spec file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpecFileError {
    /// It cannot be read or written.
    #[error("the chain spec {path} cannot be {action}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// Why not.
        cause: io::Error,
    },
    /// It is longer than any spec.
    #[error("the chain spec {0} has more than {MAX_SPEC_BYTES} bytes")]
    TooLong(PathBuf),
    /// The chain is not one that a file can describe.
    #[error(
        "the chain spec {0} cannot be written: read again, it would be another chain (trusting periods are whole days)"
    )]
    Inexact(PathBuf),
    /// It is not TOML, or holds something else than a spec.
    #[error("the chain spec {path} cannot be read at line {line}: {message}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// It reads well, and yet cannot be a chain.
    #[error("the chain spec {path} describes no chain: {cause}")]
    Spec {
        /// The file.
        path: PathBuf,
        /// Which rule it breaks.
        cause: SpecFault,
    },
}

/// What is wrong with a spec that reads well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecFault {
    /// A rule of every chain.
    #[error(transparent)]
    Rule(#[from] SpecError),
    /// An amount that is none.
    #[error("{field}: {cause}")]
    Amount {
        /// Which field.
        field: String,
        /// Why.
        cause: AmountError,
    },
    /// The moment has no date, time or offset, or lies before 1970.
    #[error(
        "genesis_time must be a date with time and offset after 1970, such as 2026-01-31T12:00:00Z; it is {0}"
    )]
    GenesisTime(String),
    /// More slots than a round may have.
    #[error("a round has 1 to {MAX_SLOTS} slots, this one has {0}")]
    SlotCount(usize),
    /// A holder names a slot that does not exist or has one already.
    #[error("slot {0} does not exist or has two holders")]
    Slot(usize),
    /// A node id that is none, or one of another kind of key.
    #[error("peers: {0:?} is not the id of a node, such as 12D3KooW…, which a node prints when it starts")]
    Peer(String),
    /// An address that is none, or too many of them.
    #[error(
        "bootstrap: at most {MAX_BOOTSTRAP} addresses such as /dns4/node.example/tcp/9921/p2p/12D3KooW…; not {0:?}"
    )]
    Bootstrap(String),
    /// A recovery on a chain where nobody holds slots.
    #[error("recovery: only a chain with the engine spos has slots to recover")]
    RecoveryWithoutSlots,
    /// A recovery whose table is none.
    #[error("the recovery of round {round}: {fault}")]
    Recovery {
        /// Its round.
        round: u64,
        /// What is wrong with its table.
        fault: Box<Self>,
    },
    /// A recovery that is not later than the one before it.
    #[error("the recovery of round {0} must have a higher round, and a higher block, than the one before it")]
    RecoveryOrder(u64),
    /// More days than 64 bits of milliseconds.
    #[error("trusting_period_days is too large: {0}")]
    TrustingPeriod(u64),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    network: Network,
    genesis_time: Datetime,
    trusting_period_days: u64,
    modules: Vec<ModuleName>,
    /// Node ids, as nodes print them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    peers: Vec<String>,
    /// Where nodes are found. No part of the chain: whoever has the file may change it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    bootstrap: Vec<String>,
    fees: Fees,
    engine: Engine,
    #[serde(default)]
    accounts: Vec<Account>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    recovery: Vec<RecoveryTable>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fees {
    transfer: String,
    lease: String,
    supernode: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Engine {
    Spos(Spos),
    Instant(InstantSpec),
    ProofOfWork(ProofOfWork),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofOfWork {
    slot_ms: u32,
    block_ms: u32,
    genesis_difficulty: u64,
    half_life_ms: u64,
    final_depth: u16,
    /// In VSYS.
    block_reward: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spos {
    slot_ms: u32,
    slots: usize,
    /// In VSYS.
    block_reward: String,
    /// In hundredths of a percent.
    genesis_commission: u16,
    /// In blocks.
    average_window: u32,
    /// In VSYS.
    contend_minimum: String,
    /// In VSYS.
    contend_fee: String,
    min_filled: u8,
    /// In rounds.
    idle_rounds: u32,
    /// In rounds.
    ban_rounds: u32,
    #[serde(default)]
    holders: Vec<SlotHolder>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotHolder {
    slot: usize,
    address: Address,
    minting_key: Hash,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecoveryTable {
    round: u64,
    height: u64,
    block: BlockId,
    holders: Vec<SlotHolder>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    address: Address,
    balance: String,
}

/// What a chain spec file says: a chain, and what its operators decided besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainFile {
    /// The chain: its id is the hash of this alone.
    pub spec: ChainSpec,
    /// By which addresses nodes of the chain are found: a hint.
    pub bootstrap: Vec<Multiaddr>,
    /// The recoveries to follow, oldest first.
    pub recoveries: Vec<Recovery>,
}

/// Reads and checks a spec file, and gives the chain alone.
///
/// # Errors
/// As [`read_chain`].
pub fn read_spec(path: &Path) -> Result<ChainSpec, SpecFileError> {
    read_chain(path).map(|file| file.spec)
}

/// Reads and checks a spec file.
///
/// # Errors
/// [`SpecFileError`] with the line, or the rule that is broken.
pub fn read_chain(path: &Path) -> Result<ChainFile, SpecFileError> {
    let failed = |cause| SpecFileError::Io { path: path.to_owned(), action: "read", cause };
    if fs::metadata(path).map_err(failed)?.len() > MAX_SPEC_BYTES {
        return Err(SpecFileError::TooLong(path.to_owned()));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    parse_chain(&text).map_err(|fault| match fault {
        ParseFault::Line { line, message } => SpecFileError::Line { path: path.to_owned(), line, message },
        ParseFault::Spec(cause) => SpecFileError::Spec { path: path.to_owned(), cause },
    })
}

/// Writes a spec file that [`read_spec`] reads back as the same chain.
///
/// # Errors
/// [`SpecFileError::Io`] if the file cannot be written, [`SpecFileError::Inexact`] if no file can say what the chain is.
pub fn write_spec(path: &Path, spec: &ChainSpec) -> Result<(), SpecFileError> {
    let failed = |cause| SpecFileError::Io { path: path.to_owned(), action: "written", cause };
    let text = print_spec(spec).map_err(|error| failed(io::Error::other(error)))?;
    if parse_chain(&text).ok().is_none_or(|file| file.spec != *spec) {
        return Err(SpecFileError::Inexact(path.to_owned()));
    }
    fs::write(path, text).map_err(failed)
}

#[derive(Debug, PartialEq, Eq)]
enum ParseFault {
    Line { line: usize, message: String },
    Spec(SpecFault),
}

impl<E: Into<SpecFault>> From<E> for ParseFault {
    fn from(fault: E) -> Self {
        Self::Spec(fault.into())
    }
}

fn parse_chain(text: &str) -> Result<ChainFile, ParseFault> {
    let mut file: File = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        ParseFault::Line { line: before.matches('\n').count() + 1, message: error.message().to_owned() }
    })?;
    let bootstrap = addresses(std::mem::take(&mut file.bootstrap))?;
    let tables = std::mem::take(&mut file.recovery);
    let spec = meant(file)?;
    spec.check().map_err(SpecFault::from)?;
    let recoveries: Vec<Recovery> =
        tables.into_iter().map(|table| recovery_meant(table, &spec)).collect::<Result<_, _>>()?;
    for pair in recoveries.windows(2) {
        if pair[1].round <= pair[0].round || pair[1].height <= pair[0].height {
            return Err(SpecFault::RecoveryOrder(pair[1].round.0).into());
        }
    }
    Ok(ChainFile { spec, bootstrap, recoveries })
}

fn addresses(texts: Vec<String>) -> Result<Vec<Multiaddr>, SpecFault> {
    if let Some(beyond) = texts.get(MAX_BOOTSTRAP) {
        return Err(SpecFault::Bootstrap(beyond.clone()));
    }
    texts.into_iter().map(|text| text.parse().map_err(|_| SpecFault::Bootstrap(text))).collect()
}

/// The holders of a recovery are under the rules of those of block 0.
fn recovery_meant(file: RecoveryTable, spec: &ChainSpec) -> Result<Recovery, SpecFault> {
    let RecoveryTable { round, height, block, holders } = file;
    let spos = spec.engine.spos().ok_or(SpecFault::RecoveryWithoutSlots)?;
    let slots = slots_meant(spos.slots.0.len(), holders).and_then(|slots| {
        let engine = EngineSpec::Spos(SposSpec { slots: slots.clone(), ..spos.clone() });
        ChainSpec { engine, accounts: Vec::new(), ..spec.clone() }.check()?;
        Ok(slots)
    });
    let slots = slots.map_err(|fault| SpecFault::Recovery { round, fault: Box::new(fault) })?;
    Ok(Recovery { round: Round(round), height: Height(height), block, slots })
}

fn meant(file: File) -> Result<ChainSpec, SpecFault> {
    let engine = match file.engine {
        Engine::Spos(spos) => EngineSpec::Spos(spos_meant(spos)?),
        Engine::Instant(rules) => EngineSpec::Instant(rules),
        Engine::ProofOfWork(rules) => EngineSpec::ProofOfWork(ProofOfWorkSpec {
            slot_ms: rules.slot_ms,
            block_ms: rules.block_ms,
            genesis_difficulty: rules.genesis_difficulty,
            half_life_ms: rules.half_life_ms,
            final_depth: rules.final_depth,
            block_reward: coins(&rules.block_reward, || "block_reward".to_owned())?,
        }),
    };
    let accounts = file.accounts.into_iter().map(|Account { address, balance }| {
        Ok(GenesisAccount { address, balance: coins(&balance, || format!("balance of {address}"))? })
    });
    Ok(ChainSpec {
        name: file.name,
        network: file.network,
        genesis_time: moment_from_toml(&file.genesis_time)
            .ok_or_else(|| SpecFault::GenesisTime(file.genesis_time.to_string()))?,
        engine,
        modules: file.modules,
        fees: FeeSchedule {
            transfer: coins(&file.fees.transfer, || "fees.transfer".to_owned())?,
            lease: coins(&file.fees.lease, || "fees.lease".to_owned())?,
            supernode: coins(&file.fees.supernode, || "fees.supernode".to_owned())?,
        },
        trusting_period_ms: file
            .trusting_period_days
            .checked_mul(MS_PER_DAY)
            .ok_or(SpecFault::TrustingPeriod(file.trusting_period_days))?,
        peers: file.peers.into_iter().map(node_key).collect::<Result<_, SpecFault>>()?,
        accounts: accounts.collect::<Result<_, SpecFault>>()?,
    })
}

fn node_key(text: String) -> Result<Hash, SpecFault> {
    let key = text.parse().ok().and_then(|peer: PeerId| key_of_peer(&peer));
    key.ok_or(SpecFault::Peer(text))
}

fn spos_meant(file: Spos) -> Result<SposSpec, SpecFault> {
    let block_reward = coins(&file.block_reward, || "block_reward".to_owned())?;
    let contend_minimum = coins(&file.contend_minimum, || "contend_minimum".to_owned())?;
    let contend_fee = coins(&file.contend_fee, || "contend_fee".to_owned())?;
    if file.slots > MAX_SLOTS {
        return Err(SpecFault::SlotCount(file.slots));
    }
    let slots = slots_meant(file.slots, file.holders)?;
    Ok(SposSpec {
        slot_ms: file.slot_ms,
        slots,
        block_reward,
        genesis_commission: file.genesis_commission,
        average_window: file.average_window,
        contend_minimum,
        contend_fee,
        min_filled: file.min_filled,
        idle_rounds: file.idle_rounds,
        ban_rounds: file.ban_rounds,
    })
}

fn slots_meant(count: usize, holders: Vec<SlotHolder>) -> Result<SlotTable, SpecFault> {
    let mut slots = vec![None; count];
    for SlotHolder { slot, address, minting_key } in holders {
        match slots.get_mut(slot) {
            Some(place @ None) => *place = Some(Holder { address, minting_key }),
            _ => return Err(SpecFault::Slot(slot)),
        }
    }
    Ok(SlotTable(slots))
}

fn spos_printed(spos: &SposSpec) -> Spos {
    let holders = spos.slots.0.iter().enumerate().filter_map(|(slot, holder)| {
        holder.map(|Holder { address, minting_key }| SlotHolder { slot, address, minting_key })
    });
    Spos {
        slot_ms: spos.slot_ms,
        slots: spos.slots.0.len(),
        block_reward: spos.block_reward.to_string(),
        genesis_commission: spos.genesis_commission,
        average_window: spos.average_window,
        contend_minimum: spos.contend_minimum.to_string(),
        contend_fee: spos.contend_fee.to_string(),
        min_filled: spos.min_filled,
        idle_rounds: spos.idle_rounds,
        ban_rounds: spos.ban_rounds,
        holders: holders.collect(),
    }
}

fn coins(text: &str, field: impl FnOnce() -> String) -> Result<Amount, SpecFault> {
    text.parse().map_err(|cause| SpecFault::Amount { field: field(), cause })
}

pub(super) fn print_spec(spec: &ChainSpec) -> Result<String, toml::ser::Error> {
    let engine = match &spec.engine {
        EngineSpec::Spos(spos) => Engine::Spos(spos_printed(spos)),
        EngineSpec::Instant(rules) => Engine::Instant(*rules),
        EngineSpec::ProofOfWork(rules) => Engine::ProofOfWork(ProofOfWork {
            slot_ms: rules.slot_ms,
            block_ms: rules.block_ms,
            genesis_difficulty: rules.genesis_difficulty,
            half_life_ms: rules.half_life_ms,
            final_depth: rules.final_depth,
            block_reward: rules.block_reward.to_string(),
        }),
    };
    let file = File {
        name: spec.name.clone(),
        network: spec.network,
        genesis_time: moment_to_toml(spec.genesis_time),
        trusting_period_days: spec.trusting_period_ms / MS_PER_DAY,
        modules: spec.modules.clone(),
        peers: spec.peers.iter().filter_map(peer_of_key).map(|peer| peer.to_string()).collect(),
        bootstrap: Vec::new(),
        fees: Fees {
            transfer: spec.fees.transfer.to_string(),
            lease: spec.fees.lease.to_string(),
            supernode: spec.fees.supernode.to_string(),
        },
        engine,
        accounts: spec
            .accounts
            .iter()
            .map(|account| Account { address: account.address, balance: account.balance.to_string() })
            .collect(),
        recovery: Vec::new(),
    };
    Ok(format!(
        "# A chain: whoever changes anything here describes another one.\n\n{}",
        toml::to_string(&file)?
    ))
}

#[cfg(test)]
mod tests;
