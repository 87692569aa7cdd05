//! JSON answers. All of them are claims of this node: what must be believed comes as a proof bundle.
//!
//! Amounts are strings of units (1 VSYS = 10^8 units), ids 64 hexadecimal digits, times milliseconds since 1970.

use light_client::data_format::{Outcome, Status as OutcomeStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::health::ailment;
use super::supernodes::SupernodeAnswer;
use crate::{
    block_tree::RecoveryStage,
    network::{NetworkStatus, snapshot, sync::Progress},
    node::{
        AccountState, BlockPosition, BlockView, MintingKey, RecoveryState, Rounds, Status, TransactionState,
    },
};

/// A block's place.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Place {
    height: u64,
    slot: u64,
    /// When that slot starts, in milliseconds since 1970.
    time_ms: u64,
    id: String,
}

/// How the node and its chain are doing.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct StatusAnswer {
    /// The version of the node's program.
    version: String,
    /// The chain's id.
    chain_id: String,
    /// The chain's name.
    name: String,
    /// The id of block 0.
    genesis: String,
    /// Whether this is a development chain, which has a faucet.
    development: bool,
    /// The newest block of the best branch.
    head: Place,
    /// The newest final block.
    #[serde(rename = "final")]
    final_block: Place,
    /// The highest justified checkpoint; null on a chain without votes.
    justified: Option<CheckpointAnswer>,
    /// The round the clock is in; null on a chain without votes.
    round: Option<u64>,
    /// Other nodes of this chain that this one is connected to.
    peers: usize,
    /// How far it is on its way to the newest block that they have, while it is behind.
    sync: Option<SyncAnswer>,
    /// How much is here of the state that it starts from, while it takes a snapshot.
    snapshot: Option<SnapshotAnswer>,
    /// Transactions that wait for a block.
    pool: Pool,
    /// Minting keys this node holds.
    minting_keys: Vec<KeyAnswer>,
    /// The recoveries that were loaded, oldest first: decisions of the chain's operators to go on from a block with another
    /// slot table.
    #[serde(default)]
    recoveries: Vec<RecoveryAnswer>,
    /// Votes that they cast since the node started.
    votes_cast: u64,
    /// Blocks that they minted since the node started.
    blocks_minted: u64,
    /// Why the node stands still, if it does.
    halted: Option<String>,
    /// Why it does not follow its chain, as `/health` says it.
    pub(super) unwell: Option<String>,
}

/// A recovery that was loaded.
#[derive(Serialize, Deserialize, ToSchema)]
struct RecoveryAnswer {
    /// The round from which on the new holders mint.
    round: u64,
    /// The height of the block that it begins from.
    height: u64,
    /// That block.
    block: String,
    /// `waits` for that block; `took_effect`; or was `missed`, because something else became final before.
    stage: String,
}

/// The way to the newest block of the network.
#[derive(Serialize, Deserialize, ToSchema)]
struct SyncAnswer {
    /// The height it began at.
    from: u64,
    /// The newest block taken.
    at: u64,
    /// The newest block that peers claim to have.
    target: u64,
    /// Milliseconds left at the speed so far.
    remaining_ms: Option<u64>,
    /// The same for people.
    text: String,
}

/// A minting key of the node.
#[derive(Serialize, Deserialize, ToSchema)]
struct KeyAnswer {
    /// Its public half.
    key: String,
    /// Whether the slot table in force names it: it mints and votes.
    in_force: bool,
    /// Whether the planned slot table names it.
    planned: bool,
    /// Whether it must not sign yet, because what it signed before is not known.
    waits: bool,
}

/// A state that the node starts from.
#[derive(Serialize, Deserialize, ToSchema)]
struct SnapshotAnswer {
    /// The height of the final block whose state it is.
    height: u64,
    /// Entries of the state that are here.
    taken: u64,
    /// Entries in all.
    total: u64,
    /// Milliseconds left at the speed so far.
    remaining_ms: Option<u64>,
    /// The same for people.
    text: String,
}

/// A checkpoint.
#[derive(Serialize, Deserialize, ToSchema)]
struct CheckpointAnswer {
    round: u64,
    id: String,
}

/// What waits for a block.
#[derive(Serialize, Deserialize, ToSchema)]
struct Pool {
    transactions: usize,
    bytes: usize,
}

/// An account after the newest block, not proven.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountAnswer {
    address: String,
    /// Whether the chain holds anything under this address.
    exists: bool,
    /// Units.
    #[schema(example = "100000000000")]
    balance: String,
    /// The nonce its next transaction in a block must have.
    nonce: u64,
    /// The nonce after everything of it that waits.
    next_nonce: u64,
    /// What can be spent of the balance, in units.
    available: String,
    /// What it leases to others, in units.
    leased_out: String,
    /// What others lease to it, in units.
    leased_in: String,
    /// What it weighs with: available and leased in, in units.
    effective: String,
    /// How much of that has been there over the chain's window: with it somebody contends. In units.
    minting_average: String,
    /// Number of history records.
    history_count: u64,
    /// As a supernode; null if it never held or wanted a slot.
    supernode: Option<SupernodeAnswer>,
    /// The height of the block after which this is so.
    height: u64,
    /// Always `claimed`: ask for `/bundle` to have it proven.
    trust: &'static str,
}

/// What became of a transaction, not proven.
#[derive(Serialize, ToSchema)]
pub(super) struct TransactionAnswer {
    id: String,
    /// `pending` or `included`.
    state: &'static str,
    /// Its block, if it is in one.
    block: Option<Place>,
    /// What happened there.
    outcome: Option<OutcomeAnswer>,
    /// Whether that block is final.
    #[serde(rename = "final")]
    is_final: bool,
    /// Whether this node still keeps the transaction itself; its outcome is kept always.
    kept: bool,
    /// Always `claimed`: ask for `/bundle` to have it proven.
    trust: &'static str,
}

/// What became of a transaction in its block.
#[derive(Serialize, ToSchema)]
pub(super) struct OutcomeAnswer {
    id: String,
    /// `success`, or why its calls did not happen.
    status: &'static str,
    /// What its sender was charged, in units.
    fee: String,
    /// Its place in the block.
    index: u32,
}

/// A block of the best branch, not proven.
#[derive(Serialize, ToSchema)]
pub(super) struct BlockAnswer {
    #[serde(flatten)]
    place: Place,
    parent: String,
    state_root: String,
    transactions: Vec<OutcomeAnswer>,
    #[serde(rename = "final")]
    is_final: bool,
    /// Whether this node still keeps the transactions themselves; their outcomes are kept always.
    kept: bool,
    /// Always `claimed`.
    trust: &'static str,
}

/// A transaction that was taken into the queue.
#[derive(Serialize, ToSchema)]
pub(super) struct Accepted {
    /// Its id.
    pub(super) id: String,
}

impl StatusAnswer {
    /// For people, at the time `now_ms` (milliseconds since 1970).
    pub(super) fn summary(&self, now_ms: u64) -> String {
        let age = |place: &Place| format!("{} s ago", now_ms.saturating_sub(place.time_ms) / 1_000);
        let (head, final_block) = (&self.head, &self.final_block);
        let kind = if self.development { " (development: its coins are worth nothing)" } else { "" };
        let rounds = match (&self.justified, self.round) {
            (Some(justified), Some(round)) => format!("justified  round {} of {round}\n", justified.round),
            _ => String::new(),
        };
        let mut text = format!(
            "chain      {}{kind}\n\
             id         {}\n\
             head       block {}, slot {}, {}\n\
             final      block {}, slot {}, {} ({} behind the head)\n\
{rounds}\
             waiting    {} transactions, {} bytes\n\
             peers      {}\n\
             version    {}\n",
            self.name,
            self.chain_id,
            head.height,
            head.slot,
            age(head),
            final_block.height,
            final_block.slot,
            age(final_block),
            head.height.saturating_sub(final_block.height),
            self.pool.transactions,
            self.pool.bytes,
            self.peers,
            self.version,
        );
        text += &self.keys();
        for RecoveryAnswer { round, height, block, stage } in &self.recoveries {
            let stage = match stage.as_str() {
                "took_effect" => "took effect",
                "missed" => {
                    "MISSED: something else was final before; fetch the chain again into an empty folder"
                }
                _ => "waits for its block",
            };
            text.push_str(&format!(
                "recovery   as of round {round} from block {height} ({block}): {stage}\n"
            ));
        }
        if let Some(snapshot) = &self.snapshot {
            text.push_str(&format!("snapshot   {}\n", snapshot.text));
        }
        if let Some(sync) = &self.sync {
            text.push_str(&format!("behind     {}\n", sync.text));
        }
        match (&self.halted, &self.unwell) {
            (Some(reason), _) => text.push_str(&format!("HALTED     {reason}\n")),
            (None, Some(words)) => text.push_str(&format!("UNWELL     {words}\n")),
            (None, None) => {}
        }
        text
    }
}

impl StatusAnswer {
    /// Each minting key, and what it does.
    fn keys(&self) -> String {
        if self.minting_keys.is_empty() {
            return "keys       none: this node follows\n".to_owned();
        }
        let mut text = String::new();
        for (place, KeyAnswer { key, in_force, planned, waits }) in self.minting_keys.iter().enumerate() {
            let state = match (in_force, planned, waits) {
                (true, _, true) | (_, true, true) => {
                    "holds a slot, and waits: what it signed before is not known here"
                }
                (true, _, false) => "holds a slot",
                (false, true, false) => "is to have a slot, once a change of the table is in force",
                (false, false, _) => "holds no slot",
            };
            let head = if place == 0 { "keys" } else { "" };
            text += &format!("{head:<10} {key} {state}\n");
        }
        text + &format!(
            "signed     {} blocks and {} votes since the start\n",
            self.blocks_minted, self.votes_cast
        )
    }
}

const CLAIMED: &str = "claimed";

impl From<BlockPosition> for Place {
    fn from(position: BlockPosition) -> Self {
        let BlockPosition { id, height, slot, time } = position;
        Self { height: height.0, slot: slot.0, time_ms: time.0, id: id.to_string() }
    }
}

impl From<MintingKey> for KeyAnswer {
    fn from(key: MintingKey) -> Self {
        let MintingKey { key, in_force, planned, waits } = key;
        Self { key: key.to_string(), in_force, planned, waits }
    }
}

impl From<RecoveryState> for RecoveryAnswer {
    fn from(recovery: RecoveryState) -> Self {
        let RecoveryState { round, height, block, stage } = recovery;
        let stage = match stage {
            RecoveryStage::Waits => "waits",
            RecoveryStage::TookEffect => "took_effect",
            RecoveryStage::Missed => "missed",
        };
        Self { round: round.0, height: height.0, block: block.to_string(), stage: stage.to_owned() }
    }
}

impl From<Progress> for SyncAnswer {
    fn from(progress: Progress) -> Self {
        Self {
            from: progress.from.0,
            at: progress.at.0,
            target: progress.target.0,
            remaining_ms: progress.remaining_ms(),
            text: progress.to_string(),
        }
    }
}

impl From<snapshot::Progress> for SnapshotAnswer {
    fn from(progress: snapshot::Progress) -> Self {
        Self {
            height: progress.height.0,
            taken: progress.taken,
            total: progress.total,
            remaining_ms: progress.remaining_ms(),
            text: progress.to_string(),
        }
    }
}

impl StatusAnswer {
    /// Of the node, and of its network if it is in one.
    pub(super) fn of(status: Status, network: Option<NetworkStatus>) -> Self {
        let chains = network.map(|network| network.chains).unwrap_or_default();
        let chain = chains.into_iter().find(|chain| chain.chain == status.chain);
        let progress = chain.as_ref().and_then(|chain| chain.progress);
        let unwell = ailment(&status, progress).map(|ailment| ailment.to_string());
        let (peers, snapshot) = chain.map_or((0, None), |chain| (chain.peers, chain.snapshot));
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            chain_id: status.chain.to_string(),
            name: status.name,
            genesis: status.genesis.to_string(),
            development: status.development,
            head: status.head.into(),
            final_block: status.final_block.into(),
            justified: status.rounds.map(|Rounds { justified, .. }| CheckpointAnswer {
                round: justified.round.0,
                id: justified.id.to_string(),
            }),
            round: status.rounds.map(|rounds| rounds.now.0),
            peers,
            sync: progress.map(Into::into),
            snapshot: snapshot.map(Into::into),
            pool: Pool { transactions: status.pool_transactions, bytes: status.pool_bytes },
            minting_keys: status.minting_keys.into_iter().map(Into::into).collect(),
            recoveries: status.recoveries.into_iter().map(Into::into).collect(),
            votes_cast: status.votes_cast,
            blocks_minted: status.blocks_minted,
            halted: status.halted,
            unwell,
        }
    }
}

impl From<AccountState> for AccountAnswer {
    fn from(account: AccountState) -> Self {
        Self {
            address: account.address.to_string(),
            exists: account.history_count > 0,
            balance: account.balance.units().to_string(),
            nonce: account.nonce,
            next_nonce: account.next_nonce,
            available: account.available.units().to_string(),
            leased_out: account.leased_out.units().to_string(),
            leased_in: account.leased_in.units().to_string(),
            effective: account.effective.units().to_string(),
            minting_average: account.minting_average.units().to_string(),
            history_count: account.history_count,
            supernode: account.supernode.map(Into::into),
            height: account.height.0,
            trust: CLAIMED,
        }
    }
}

/// The stable word for what became of a transaction.
pub(crate) const fn status_name(status: OutcomeStatus) -> &'static str {
    match status {
        OutcomeStatus::Success => "success",
        OutcomeStatus::InsufficientBalance => "insufficient_balance",
        OutcomeStatus::Overflow => "overflow",
        OutcomeStatus::InsufficientLease => "insufficient_lease",
        OutcomeStatus::NothingToClaim => "nothing_to_claim",
        OutcomeStatus::NotAHolder => "not_a_holder",
        OutcomeStatus::AlreadyHolder => "already_holder",
        OutcomeStatus::RequestWaiting => "request_waiting",
        OutcomeStatus::MintingKeyTaken => "minting_key_taken",
        OutcomeStatus::StaleCheckpoint => "stale_checkpoint",
        OutcomeStatus::SlotNotWon => "slot_not_won",
        OutcomeStatus::TooSoon => "too_soon",
        OutcomeStatus::UnknownMintingKey => "unknown_minting_key",
        OutcomeStatus::UntimelyEvidence => "untimely_evidence",
        OutcomeStatus::Banned => "banned",
    }
}

impl From<Outcome> for OutcomeAnswer {
    fn from(outcome: Outcome) -> Self {
        Self {
            id: outcome.id.to_string(),
            status: status_name(outcome.status),
            fee: outcome.fee.units().to_string(),
            index: outcome.index,
        }
    }
}

impl TransactionAnswer {
    /// The answer for a transaction; `None` if the node does not know it.
    pub(super) fn of(id: String, state: TransactionState) -> Option<Self> {
        match state {
            TransactionState::Unknown => None,
            TransactionState::Pending(_) => Some(Self {
                id,
                state: "pending",
                block: None,
                outcome: None,
                is_final: false,
                kept: true,
                trust: CLAIMED,
            }),
            TransactionState::Included { block, outcome, is_final, signed } => Some(Self {
                id,
                state: "included",
                block: Some(block.into()),
                outcome: Some(outcome.into()),
                is_final,
                kept: signed.is_some(),
                trust: CLAIMED,
            }),
        }
    }
}

impl From<BlockView> for BlockAnswer {
    fn from(block: BlockView) -> Self {
        let header = &block.header.header;
        Self {
            parent: header.parent.to_string(),
            state_root: header.state_root.to_string(),
            place: block.position.into(),
            transactions: block.outcomes.into_iter().map(Into::into).collect(),
            is_final: block.is_final,
            kept: block.is_kept,
            trust: CLAIMED,
        }
    }
}
