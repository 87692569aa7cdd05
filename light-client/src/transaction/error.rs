use crate::{
    crypto::SignatureError,
    data_format::{
        Address, Amount, ChainId, DecodeError, EvidenceError, Height, ModuleName, Network, Status,
    },
};

/// Why a transaction is refused: one variant for each rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// `TX-SIZE-1`: its encoding is over the bound.
    #[error("the transaction has {found} bytes, at most {limit} are allowed")]
    TooLarge {
        /// Bytes received.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// `TX-FORMAT-1`: the bytes are cut off, padded or not a transaction at all.
    #[error("these bytes are not a transaction: {0}")]
    Malformed(DecodeError),
    /// `TX-CHAIN-1`: it was made for another chain.
    #[error("this transaction is for the chain {found}, not for {expected}")]
    OtherChain {
        /// The chain it names.
        found: ChainId,
        /// This chain.
        expected: ChainId,
    },
    /// `TX-CALLS-1`: it asks for nothing, or for too much at once.
    #[error("a transaction has 1 to {limit} calls, this one has {found}")]
    CallCount {
        /// Calls it has.
        found: usize,
        /// Calls it may have.
        limit: usize,
    },
    /// `TX-MEMO-1`: its memo is too long.
    #[error("the memo has {found} bytes, at most {limit} are allowed")]
    MemoTooLong {
        /// Bytes it has.
        found: usize,
        /// Bytes it may have.
        limit: usize,
    },
    /// `TX-MODULE-1`: it calls a module that this chain does not run.
    #[error("call {index} needs the module {module:?}, which this chain does not run")]
    ModuleDisabled {
        /// The call, from 0.
        index: usize,
        /// Its module.
        module: ModuleName,
    },
    /// `COIN-AMOUNT-1`: it moves nothing.
    #[error("call {index} moves nothing")]
    ZeroAmount {
        /// The call, from 0.
        index: usize,
    },
    /// `COIN-NETWORK-1`: a recipient belongs to another network.
    #[error("the recipient {to} belongs to another network, this chain uses {network:?}")]
    RecipientNetwork {
        /// The recipient.
        to: Address,
        /// The network of this chain.
        network: Network,
    },
    /// `LEASE-SELF-1`: it leases to its own sender, or calls back from there.
    #[error("call {index} leases to the sender itself: own coins count without a lease")]
    LeaseToSelf {
        /// The call, from 0.
        index: usize,
    },
    /// `SUPERNODE-SLOT-1`: it contends for a slot that does not exist.
    #[error("call {index} contends for slot {slot}, a round has {slots} slots, numbered from 0")]
    NoSuchSlot {
        /// The call, from 0.
        index: usize,
        /// The slot.
        slot: u8,
        /// Slots there are.
        slots: usize,
    },
    /// `SUPERNODE-COMMISSION-1`: a commission over the whole.
    #[error("call {index} sets a commission of {commission} hundredths of a percent, 10,000 is all")]
    Commission {
        /// The call, from 0.
        index: usize,
        /// The commission.
        commission: u16,
    },
    /// `TX-FEE-1`: it pays less than its calls cost at least.
    #[error("the fee is {fee} VSYS, at least {minimum} VSYS are needed")]
    FeeTooLow {
        /// The fee it offers.
        fee: Amount,
        /// The least fee.
        minimum: Amount,
    },
    /// `TX-TOTAL-1`: amounts and fees add up to more than 64 bits of units.
    #[error("amounts and fees add up to more than can exist")]
    TotalTooLarge,
    /// `SUPERNODE-KEY-1`: the minting key did not sign that it serves the sender.
    #[error("the minting key of call {index} has not signed for this account, nonce and chain: {error}")]
    MintingKey {
        /// The call, from 0.
        index: usize,
        /// What is wrong.
        error: SignatureError,
    },
    /// `SUPERNODE-EVIDENCE-1`: the evidence that it reports proves nothing.
    #[error("the evidence of call {index} proves nothing: {error}")]
    Evidence {
        /// The call, from 0.
        index: usize,
        /// What is wrong.
        error: EvidenceError,
    },
    /// `TX-SIGNATURE-1`: the signature does not fit.
    #[error("signed by another key or for another chain, or altered since: {0}")]
    Signature(SignatureError),
    /// `TX-ACCOUNT-1`: nobody ever paid to the sender, so there is nothing to pay a fee from.
    #[error("the account {sender} is not known to the chain: it never received anything")]
    UnknownAccount {
        /// The sender's address.
        sender: Address,
    },
    /// `TX-NONCE-1`: its nonce is used up: a replay, or another payment was faster.
    #[error("the nonce {found} is used already, the account is at {expected}")]
    NonceUsed {
        /// The transaction's nonce.
        found: u64,
        /// The account's next nonce.
        expected: u64,
    },
    /// `TX-NONCE-2`: transactions before it are missing.
    #[error("the nonce {found} is ahead of the account, which is at {expected}")]
    NonceGap {
        /// The transaction's nonce.
        found: u64,
        /// The account's next nonce.
        expected: u64,
    },
    /// `TX-EXPIRY-1`: no block of this height may include it any more.
    #[error("valid until height {valid_until}, the next block has height {height}")]
    Expired {
        /// The last height that may include it.
        valid_until: Height,
        /// The height of the block in question.
        height: Height,
    },
    /// `TX-BALANCE-1`: the account cannot even pay the fee, so no block may include it.
    #[error("the balance of {balance} VSYS does not pay the fee of {fee} VSYS")]
    FeeNotCovered {
        /// The account's balance.
        balance: Amount,
        /// The fee.
        fee: Amount,
    },
    /// `SUPERNODE-REPORT-1`: a report without a sender stands elsewhere than first in its block.
    #[error("a report without a sender is the first transaction of its block, this one is number {index}")]
    ReportPlace {
        /// Its place, from 0.
        index: usize,
    },
    /// `SUPERNODE-REPORT-2`: a report without a sender has no effect.
    #[error("a report without a sender has to be a right one, this one ends as {status:?}")]
    ReportFails {
        /// How its call ends.
        status: Status,
    },
    /// `COIN-BALANCE-1`: it would be charged and then fail, for want of coins.
    #[error("the balance of {balance} VSYS does not cover {needed} VSYS (amounts and fee)")]
    Overspend {
        /// The account's balance.
        balance: Amount,
        /// Amounts and fee.
        needed: Amount,
    },
}

/// Every rule id with its code, in the order in which the rules are checked.
pub const RULES: [(&str, &str); 24] = [
    ("TX-SIZE-1", "transaction_too_large"),
    ("TX-FORMAT-1", "malformed_transaction"),
    ("TX-CHAIN-1", "other_chain"),
    ("TX-CALLS-1", "call_count"),
    ("TX-MEMO-1", "memo_too_long"),
    ("TX-MODULE-1", "module_disabled"),
    ("COIN-AMOUNT-1", "zero_amount"),
    ("COIN-NETWORK-1", "recipient_network"),
    ("LEASE-SELF-1", "lease_to_self"),
    ("SUPERNODE-SLOT-1", "no_such_slot"),
    ("SUPERNODE-COMMISSION-1", "commission_too_high"),
    ("TX-FEE-1", "fee_too_low"),
    ("TX-TOTAL-1", "total_too_large"),
    ("SUPERNODE-KEY-1", "minting_key_unproven"),
    ("SUPERNODE-EVIDENCE-1", "evidence_proves_nothing"),
    ("TX-SIGNATURE-1", "bad_signature"),
    ("TX-ACCOUNT-1", "unknown_account"),
    ("TX-NONCE-1", "nonce_used"),
    ("TX-NONCE-2", "nonce_gap"),
    ("TX-EXPIRY-1", "expired"),
    ("TX-BALANCE-1", "fee_not_covered"),
    ("SUPERNODE-REPORT-1", "report_place"),
    ("SUPERNODE-REPORT-2", "report_without_effect"),
    ("COIN-BALANCE-1", "overspend"),
];

impl TransactionError {
    /// The id of the rule that was broken, such as `TX-FEE-1`.
    pub const fn rule(&self) -> &'static str {
        RULES[self.position()].0
    }

    /// A stable word for machines, such as `fee_too_low`; the same in HTTP answers, wallets and bindings.
    pub const fn code(&self) -> &'static str {
        RULES[self.position()].1
    }

    /// The place in [`RULES`]; a test ties every variant to its documented id.
    const fn position(&self) -> usize {
        match self {
            Self::TooLarge { .. } => 0,
            Self::Malformed(_) => 1,
            Self::OtherChain { .. } => 2,
            Self::CallCount { .. } => 3,
            Self::MemoTooLong { .. } => 4,
            Self::ModuleDisabled { .. } => 5,
            Self::ZeroAmount { .. } => 6,
            Self::RecipientNetwork { .. } => 7,
            Self::LeaseToSelf { .. } => 8,
            Self::NoSuchSlot { .. } => 9,
            Self::Commission { .. } => 10,
            Self::FeeTooLow { .. } => 11,
            Self::TotalTooLarge => 12,
            Self::MintingKey { .. } => 13,
            Self::Evidence { .. } => 14,
            Self::Signature(_) => 15,
            Self::UnknownAccount { .. } => 16,
            Self::NonceUsed { .. } => 17,
            Self::NonceGap { .. } => 18,
            Self::Expired { .. } => 19,
            Self::FeeNotCovered { .. } => 20,
            Self::ReportPlace { .. } => 21,
            Self::ReportFails { .. } => 22,
            Self::Overspend { .. } => 23,
        }
    }
}
