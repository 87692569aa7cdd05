//! The blocks of a store, for other programs: `vsys-node export`. One JSON object a line, oldest first.
//!
//! Every line has what people look for as text, and the exact bytes besides: `header` (a sealed header), `certificate`
//! and each transaction's `signed`, in Borsh as hexadecimal digits. Amounts are strings of units (1 VSYS = 10^8 units),
//! ids 64 hexadecimal digits, times milliseconds since 1970.
//!
//! **Trust and bounds.** It writes what is stored, and checks nothing: that is what [`check`](crate::check) is for. It only
//! reads; whoever [opens](Database::open_existing) the folder for it puts what only the log has into the tables first. One
//! block is in memory at a time.

use std::io::{self, Write};

use light_client::{
    consensus::spos::{Block, Clock},
    data_format::{
        Address, Amount, Call, CoinCall, Height, LeaseCall, ModuleName, Network, Outcome, SignedTransaction,
        SupernodeCall, codec,
    },
};
use serde::Serialize;

use crate::{
    api::status_name,
    storage::{Database, Finality, Snapshot, StorageError},
};

/// Why blocks are not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The folder holds no chain at all.
    #[error("there is no chain in this folder")]
    NoChain,
    /// The chain has no such blocks.
    #[error("there are no blocks {from} to {to}: the newest one is {head}")]
    Range {
        /// The first one asked for.
        from: Height,
        /// The last one asked for.
        to: Height,
        /// The newest one.
        head: Height,
    },
    /// The transactions of the first ones were pruned.
    #[error("the transactions of blocks below {kept} are not kept, so block {from} cannot be exported")]
    NotKept {
        /// The first one asked for.
        from: Height,
        /// The first one whose transactions are kept.
        kept: Height,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// They cannot be written.
    #[error("cannot write blocks: {0}")]
    Write(#[from] io::Error),
}

/// A block, as a line says it.
#[derive(Serialize)]
struct Line {
    height: u64,
    id: String,
    slot: u64,
    time_ms: u64,
    parent: String,
    state_root: String,
    justified_round: u64,
    #[serde(rename = "final")]
    is_final: bool,
    transactions: Vec<TransactionLine>,
    certificate: Option<String>,
    header: String,
}

#[derive(Serialize)]
struct TransactionLine {
    id: String,
    status: &'static str,
    fee_charged: String,
    sender: String,
    nonce: u64,
    fee: String,
    valid_until: u64,
    memo: String,
    calls: Vec<CallLine>,
    signed: String,
}

#[derive(Serialize)]
struct CallLine {
    module: ModuleName,
    call: &'static str,
    /// Whom it concerns besides the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slot: Option<u8>,
    /// In hundredths of a percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    commission: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minting_key: Option<String>,
    /// The minting key that is accused.
    #[serde(skip_serializing_if = "Option::is_none")]
    accused: Option<String>,
}

/// Writes the blocks of the best branch from one height to another, both included; to the newest one if no last one is
/// named. Gives how many.
///
/// # Errors
/// [`ExportError`]; then the last line may be incomplete.
pub fn export(
    database: &Database,
    from: Height,
    to: Option<Height>,
    out: &mut dyn Write,
) -> Result<u64, ExportError> {
    let snapshot = database.read()?;
    let (Some(spec), Some(head), Some(finality)) = (snapshot.spec()?, snapshot.head()?, snapshot.finality()?)
    else {
        return Err(ExportError::NoChain);
    };
    let missing = |what: String| StorageError::damaged(what, "it is not stored");
    let head = snapshot.header(&head)?.ok_or_else(|| missing(format!("header {head}")))?.header.height;
    let to = to.unwrap_or(head);
    if from > to || to > head {
        return Err(ExportError::Range { from, to, head });
    }
    let kept = snapshot.bodies_from()?;
    if from < kept {
        return Err(ExportError::NotKept { from, kept });
    }
    let clock = Clock::new(&spec);
    for height in (from.0..=to.0).map(Height) {
        let id = snapshot.at_height(height)?.ok_or_else(|| missing(format!("block {height}")))?;
        let block = snapshot.block(&id)?.ok_or_else(|| missing(format!("block {id}")))?;
        let line = line(&snapshot, &clock, spec.network, &finality, &block)?;
        serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(to.0 - from.0 + 1)
}

fn line(
    snapshot: &Snapshot,
    clock: &Clock,
    network: Network,
    finality: &Finality,
    block: &Block,
) -> Result<Line, StorageError> {
    let header = &block.header.header;
    let id = header.id();
    let outcomes = snapshot.outcomes(&id)?;
    Ok(Line {
        height: header.height.0,
        id: id.to_string(),
        slot: header.slot.0,
        time_ms: clock.start(header.slot).0,
        parent: header.parent.to_string(),
        state_root: header.state_root.to_string(),
        justified_round: header.justified.round.0,
        is_final: header.height <= finality.height,
        transactions: block
            .transactions
            .iter()
            .zip(&outcomes)
            .map(|(signed, outcome)| transaction(network, signed, outcome))
            .collect(),
        certificate: block.certificate.as_ref().map(|certificate| hexadecimal(&codec::encode(certificate))),
        header: hexadecimal(&codec::encode(&block.header)),
    })
}

fn transaction(network: Network, signed: &SignedTransaction, outcome: &Outcome) -> TransactionLine {
    let transaction = &signed.transaction;
    let units = |amount: Amount| amount.units().to_string();
    let call = |call: &Call| CallLine {
        module: call.module(),
        call: match call {
            Call::Coin(CoinCall::Transfer { .. }) => "transfer",
            Call::Lease(LeaseCall::Lease { .. }) => "lease",
            Call::Lease(LeaseCall::Cancel { .. }) => "cancel",
            Call::Lease(LeaseCall::Claim { .. }) => "claim",
            Call::Supernode(SupernodeCall::Contend { .. }) => "contend",
            Call::Supernode(SupernodeCall::Release) => "release",
            Call::Supernode(SupernodeCall::SetMintingKey { .. }) => "set_minting_key",
            Call::Supernode(SupernodeCall::SetCommission { .. }) => "set_commission",
            Call::Supernode(SupernodeCall::Report { .. }) => "report",
            Call::Supernode(SupernodeCall::SetRewardAddress { .. }) => "set_reward_address",
        },
        with: call.counterparty().map(|address| address.to_string()),
        amount: call.amount().map(units),
        slot: match call {
            Call::Supernode(SupernodeCall::Contend { slot, .. }) => Some(*slot),
            _ => None,
        },
        commission: call.commission(),
        minting_key: call.minting_key().map(|minting| minting.key.to_string()),
        accused: call.evidence().map(|evidence| evidence.accused().to_string()),
    };
    TransactionLine {
        id: outcome.id.to_string(),
        status: status_name(outcome.status),
        fee_charged: units(outcome.fee),
        sender: Address::of(&transaction.sender, network).to_string(),
        nonce: transaction.nonce,
        fee: units(transaction.fee),
        valid_until: transaction.valid_until.0,
        memo: hexadecimal(&transaction.memo),
        calls: transaction.calls.iter().map(call).collect(),
        signed: hexadecimal(&codec::encode(signed)),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string cannot fail.
        let _: std::fmt::Result = write!(text, "{byte:02x}");
        text
    })
}
