//! The rules, one function each. Each function's comment starts with the rule's id.

use std::cell::LazyCell;

use super::{AccountView, TransactionError};
use crate::data_format::{
    Address, Amount, Call, ChainId, ChainSpec, DecodeError, Height, LeaseCall, MAX_CALLS, MAX_COMMISSION,
    MAX_MEMO_BYTES, SignedTransaction, Status, SupernodeCall, Transaction, decode,
};

type Rule = Result<(), TransactionError>;

/// `TX-SIZE-1`: at most `limit` bytes.
pub(super) fn check_size(found: usize, limit: usize) -> Rule {
    if found > limit { Err(TransactionError::TooLarge { found, limit }) } else { Ok(()) }
}

/// `TX-FORMAT-1`: the canonical encoding of a value, whole and without a rest.
pub(super) fn check_format<T: borsh::BorshDeserialize>(bytes: &[u8]) -> Result<T, TransactionError> {
    decode(bytes, bytes.len()).map_err(TransactionError::Malformed)
}

/// `TX-FORMAT-1` for the bytes that are signed.
pub(super) fn check_signed_format(bytes: &[u8]) -> Result<(ChainId, Transaction), TransactionError> {
    Transaction::from_signed_bytes(bytes).map_err(|error| match error {
        DecodeError::TooLong { found, limit } => TransactionError::TooLarge { found, limit },
        DecodeError::Malformed(_) => TransactionError::Malformed(error),
    })
}

/// `TX-CHAIN-1`: made for this chain.
pub(super) fn check_chain(found: &ChainId, expected: &ChainId) -> Rule {
    if found == expected {
        Ok(())
    } else {
        Err(TransactionError::OtherChain { found: *found, expected: *expected })
    }
}

/// `TX-CALLS-1`: 1 to 16 calls.
pub(super) fn check_call_count(transaction: &Transaction) -> Rule {
    match transaction.calls.len() {
        1..=MAX_CALLS => Ok(()),
        found => Err(TransactionError::CallCount { found, limit: MAX_CALLS }),
    }
}

/// `TX-MEMO-1`: a memo of at most 140 bytes.
pub(super) fn check_memo(transaction: &Transaction) -> Rule {
    match transaction.memo.len() {
        0..=MAX_MEMO_BYTES => Ok(()),
        found => Err(TransactionError::MemoTooLong { found, limit: MAX_MEMO_BYTES }),
    }
}

/// `TX-MODULE-1`: every call belongs to a module that the chain runs.
pub(super) fn check_modules(transaction: &Transaction, spec: &ChainSpec) -> Rule {
    for (index, call) in transaction.calls.iter().enumerate() {
        let module = call.module();
        if !spec.modules.contains(&module) {
            return Err(TransactionError::ModuleDisabled { index, module });
        }
    }
    Ok(())
}

/// `COIN-AMOUNT-1`: an amount is above 0.
pub(super) fn check_amounts(transaction: &Transaction) -> Rule {
    for (index, call) in transaction.calls.iter().enumerate() {
        if call.amount() == Some(Amount::ZERO) {
            return Err(TransactionError::ZeroAmount { index });
        }
    }
    Ok(())
}

/// `COIN-NETWORK-1`: everybody concerned has an address of the chain's network.
pub(super) fn check_recipients(transaction: &Transaction, spec: &ChainSpec) -> Rule {
    for call in &transaction.calls {
        let Some(to) = call.counterparty() else { continue };
        if to.network() != spec.network {
            return Err(TransactionError::RecipientNetwork { to, network: spec.network });
        }
    }
    Ok(())
}

/// `LEASE-SELF-1`: nobody leases to themselves; own coins count without it.
pub(super) fn check_leases(transaction: &Transaction, spec: &ChainSpec) -> Rule {
    // Four hashes, which a payment needs once only.
    let sender = LazyCell::new(|| Address::of(&transaction.sender, spec.network));
    let to_self = |call: &Call| matches!(call, Call::Lease(LeaseCall::Lease { to, .. } | LeaseCall::Cancel { from: to, .. }) if *to == *sender);
    match transaction.calls.iter().position(to_self) {
        Some(index) => Err(TransactionError::LeaseToSelf { index }),
        None => Ok(()),
    }
}

/// `SUPERNODE-SLOT-1`: a slot that is contended for exists.
pub(super) fn check_slots(transaction: &Transaction, spec: &ChainSpec) -> Rule {
    let slots = spec.engine.slot_count();
    for (index, call) in transaction.calls.iter().enumerate() {
        if let Call::Supernode(SupernodeCall::Contend { slot, .. }) = call
            && usize::from(*slot) >= slots
        {
            return Err(TransactionError::NoSuchSlot { index, slot: *slot, slots });
        }
    }
    Ok(())
}

/// `SUPERNODE-COMMISSION-1`: a commission is at most the whole.
pub(super) fn check_commissions(transaction: &Transaction) -> Rule {
    for (index, call) in transaction.calls.iter().enumerate() {
        if let Some(commission) = call.commission().filter(|commission| *commission > MAX_COMMISSION) {
            return Err(TransactionError::Commission { index, commission });
        }
    }
    Ok(())
}

/// `SUPERNODE-KEY-1`: a minting key itself says that it serves the sender.
pub(super) fn check_minting_keys(transaction: &Transaction, spec: &ChainSpec, chain: &ChainId) -> Rule {
    let sender = LazyCell::new(|| Address::of(&transaction.sender, spec.network));
    for (index, call) in transaction.calls.iter().enumerate() {
        let Some(key) = call.minting_key() else { continue };
        key.verify(chain, &sender, transaction.nonce)
            .map_err(|error| TransactionError::MintingKey { index, error })?;
    }
    Ok(())
}

/// `SUPERNODE-EVIDENCE-1`: evidence that is reported holds by itself.
pub(super) fn check_evidence(transaction: &Transaction, spec: &ChainSpec, chain: &ChainId) -> Rule {
    for (index, call) in transaction.calls.iter().enumerate() {
        let Some(evidence) = call.evidence() else { continue };
        evidence
            .verify(chain, spec.engine.slot_count() as u64)
            .map_err(|error| TransactionError::Evidence { index, error })?;
    }
    Ok(())
}

/// `SUPERNODE-REPORT-1`: a report without a sender is the first transaction of its block, so a block has one at most.
pub(super) fn check_report_place(index: usize) -> Rule {
    if index == 0 { Ok(()) } else { Err(TransactionError::ReportPlace { index }) }
}

/// `SUPERNODE-REPORT-2`: a report without a sender punishes somebody, or anybody could fill blocks for nothing.
pub(super) fn check_report_effect(status: Status) -> Rule {
    if status == Status::Success { Ok(()) } else { Err(TransactionError::ReportFails { status }) }
}

/// `TX-FEE-1`: the fee is at least what the chain spec asks for the calls.
pub(super) fn check_fee(transaction: &Transaction, spec: &ChainSpec) -> Rule {
    let minimum = spec.minimum_fee(&transaction.calls).ok_or(TransactionError::TotalTooLarge)?;
    if transaction.fee < minimum {
        return Err(TransactionError::FeeTooLow { fee: transaction.fee, minimum });
    }
    Ok(())
}

/// `TX-TOTAL-1`: amounts and fee fit 64 bits of units. Gives their sum.
pub(super) fn check_total(transaction: &Transaction) -> Result<Amount, TransactionError> {
    transaction.committed().ok_or(TransactionError::TotalTooLarge)
}

/// `TX-SIGNATURE-1`: the sender's key signed exactly this for this chain.
pub(super) fn check_signature(signed: &SignedTransaction, signed_bytes: &[u8]) -> Rule {
    let verified = signed.transaction.sender.verify(signed_bytes, &signed.signature);
    verified.map_err(TransactionError::Signature)
}

/// `TX-ACCOUNT-1`: the sender has an account.
pub(super) fn check_known(
    sender: Address,
    account: Option<&AccountView>,
) -> Result<&AccountView, TransactionError> {
    account.ok_or(TransactionError::UnknownAccount { sender })
}

/// `TX-NONCE-1`: the nonce is not used up.
pub(super) fn check_nonce_unused(transaction: &Transaction, account: &AccountView) -> Rule {
    if transaction.nonce < account.nonce {
        return Err(TransactionError::NonceUsed { found: transaction.nonce, expected: account.nonce });
    }
    Ok(())
}

/// `TX-NONCE-2`: the nonce is the account's, or at most `ahead` further.
pub(super) fn check_nonce_gap(transaction: &Transaction, account: &AccountView, ahead: u64) -> Rule {
    if transaction.nonce > account.nonce.saturating_add(ahead) {
        return Err(TransactionError::NonceGap { found: transaction.nonce, expected: account.nonce });
    }
    Ok(())
}

/// `TX-EXPIRY-1`: a block at `height` may still include it.
pub(super) fn check_expiry(transaction: &Transaction, height: Height) -> Rule {
    if height > transaction.valid_until {
        return Err(TransactionError::Expired { valid_until: transaction.valid_until, height });
    }
    Ok(())
}

/// `TX-BALANCE-1`: the balance pays the fee.
pub(super) fn check_fee_covered(transaction: &Transaction, account: &AccountView) -> Rule {
    if account.balance < transaction.fee {
        return Err(TransactionError::FeeNotCovered { balance: account.balance, fee: transaction.fee });
    }
    Ok(())
}

/// `COIN-BALANCE-1`: the balance pays amounts and fee. What comes back to the sender is not counted on.
pub(super) fn check_spend(transaction: &Transaction, account: &AccountView) -> Rule {
    let needed = check_total(transaction)?;
    if account.balance < needed {
        return Err(TransactionError::Overspend { balance: account.balance, needed });
    }
    Ok(())
}
