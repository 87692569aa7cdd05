#[cfg(feature = "batch")]
use std::collections::HashMap;
use std::sync::Arc;

use super::{TransactionError, rules};
use crate::data_format::{
    Address, ChainId, ChainSpec, MAX_TRANSACTION_BYTES, SignedTransaction, Status, Transaction,
    TransactionId, codec,
};

/// A transaction that obeys every rule that needs no state, for one chain; its signature holds.
///
/// Only [`check_stateless`], [`check_in_block`] and `check_final` make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedTransaction {
    id: TransactionId,
    signed: Arc<SignedTransaction>,
    sender: Address,
    length: usize,
    is_unsigned: bool,
}

impl CheckedTransaction {
    /// Its id on the chain it was checked for.
    pub const fn id(&self) -> TransactionId {
        self.id
    }

    /// The sender's address.
    pub const fn sender(&self) -> Address {
        self.sender
    }

    /// Whether it is a report without a sender: it pays nothing, and stands only in blocks.
    pub const fn is_unsigned(&self) -> bool {
        self.is_unsigned
    }

    /// What was signed.
    pub fn transaction(&self) -> &Transaction {
        &self.signed.transaction
    }

    /// With its signature, as it travels.
    pub fn signed(&self) -> &SignedTransaction {
        &self.signed
    }

    /// Bytes of its encoding, signature included: what it takes up in a block.
    pub const fn encoded_length(&self) -> usize {
        self.length
    }

    /// Gives the transaction back, to be put into a block.
    pub fn into_signed(self) -> SignedTransaction {
        Arc::unwrap_or_clone(self.signed)
    }
}

/// Checks every rule that needs no state. `chain` is `spec.id()`, which callers keep.
///
/// # Errors
/// The first rule broken, in the order of [`RULES`](super::RULES).
pub fn check_stateless(
    signed: &SignedTransaction,
    spec: &ChainSpec,
    chain: &ChainId,
) -> Result<CheckedTransaction, TransactionError> {
    let (length, bytes) = check_but_signature(signed, spec, chain)?;
    rules::check_signature(signed, &bytes)?;
    Ok(checked(signed, spec, &bytes, length, false))
}

/// As [`check_stateless`] for transactions of blocks that are final beyond doubt, much faster: their signatures are checked
/// together, by [`are_genuine`](crate::crypto::are_genuine). Gives `None` for those that do not hold.
#[cfg(feature = "batch")]
pub fn check_final(
    transactions: &[&SignedTransaction],
    spec: &ChainSpec,
    chain: &ChainId,
    known: &crate::crypto::KnownKeys,
) -> Vec<Option<CheckedTransaction>> {
    let mut found = Vec::with_capacity(transactions.len());
    let mut signatures = Vec::with_capacity(transactions.len());
    let mut addresses = HashMap::new();
    for signed in transactions {
        let Ok((length, bytes)) = check_but_signature(signed, spec, chain) else {
            found.push(None);
            continue;
        };
        // Whoever pays once, pays again.
        let key = signed.transaction.sender;
        let sender = *addresses.entry(key).or_insert_with(|| Address::of(&key, spec.network));
        let (id, signature) = (Transaction::id_of(&bytes), signed.signature);
        let signed = Arc::new(SignedTransaction::clone(signed));
        found.push(Some(CheckedTransaction { id, signed, sender, length, is_unsigned: false }));
        signatures.push((key, bytes, signature));
    }
    if !crate::crypto::are_genuine(&signatures, known) {
        let mut each = signatures.iter();
        for hopeful in found.iter_mut().filter(|found| found.is_some()) {
            let genuine =
                each.next().is_some_and(|(key, bytes, signature)| key.verify(bytes, signature).is_ok());
            hopeful.take_if(|_| !genuine);
        }
    }
    found
}

/// Everything that needs no state but the signature; gives the length of the encoding, and the bytes that were signed.
fn check_but_signature(
    signed: &SignedTransaction,
    spec: &ChainSpec,
    chain: &ChainId,
) -> Result<(usize, Vec<u8>), TransactionError> {
    let length = codec::length(signed);
    rules::check_size(length, MAX_TRANSACTION_BYTES)?;
    check_content(&signed.transaction, spec)?;
    rules::check_minting_keys(&signed.transaction, spec, chain)?;
    rules::check_evidence(&signed.transaction, spec, chain)?;
    Ok((length, signed.transaction.signed_bytes(chain)))
}

/// As [`check_stateless`] for a transaction of a block, where a report without a sender may stand too.
///
/// # Errors
/// As [`check_stateless`].
pub fn check_in_block(
    signed: &SignedTransaction,
    spec: &ChainSpec,
    chain: &ChainId,
) -> Result<CheckedTransaction, TransactionError> {
    if signed.unsigned_evidence().is_none() {
        return check_stateless(signed, spec, chain);
    }
    let length = codec::length(signed);
    rules::check_size(length, MAX_TRANSACTION_BYTES)?;
    rules::check_modules(&signed.transaction, spec)?;
    rules::check_evidence(&signed.transaction, spec, chain)?;
    Ok(checked(signed, spec, &signed.transaction.signed_bytes(chain), length, true))
}

/// Checks a report without a sender where it stands in its block, and what came of it: no block has one that changes
/// nothing.
///
/// # Errors
/// `SUPERNODE-REPORT-1` or `SUPERNODE-REPORT-2`.
pub fn check_unsigned_report(index: usize, status: Status) -> Result<(), TransactionError> {
    rules::check_report_place(index)?;
    rules::check_report_effect(status)
}

fn checked(
    signed: &SignedTransaction,
    spec: &ChainSpec,
    signed_bytes: &[u8],
    length: usize,
    is_unsigned: bool,
) -> CheckedTransaction {
    CheckedTransaction {
        id: Transaction::id_of(signed_bytes),
        signed: Arc::new(signed.clone()),
        sender: Address::of(&signed.transaction.sender, spec.network),
        length,
        is_unsigned,
    }
}

/// Checks what can be said of a transaction before it is signed: everything but its encoded size and its
/// signature. A wallet that signs what passes here never signs something no node would take.
///
/// # Errors
/// The first rule broken, in the order of [`RULES`](super::RULES).
pub fn check_content(transaction: &Transaction, spec: &ChainSpec) -> Result<(), TransactionError> {
    rules::check_call_count(transaction)?;
    rules::check_memo(transaction)?;
    rules::check_modules(transaction, spec)?;
    rules::check_amounts(transaction)?;
    rules::check_recipients(transaction, spec)?;
    rules::check_leases(transaction, spec)?;
    rules::check_slots(transaction, spec)?;
    rules::check_commissions(transaction)?;
    rules::check_fee(transaction, spec)?;
    rules::check_total(transaction).map(|_| ())
}

/// Reads the bytes that are to be signed: a transaction for this chain that obeys the rules of
/// [`check_content`].
///
/// # Errors
/// `TX-SIZE-1`, `TX-FORMAT-1`, `TX-CHAIN-1` or what [`check_content`] finds.
pub(crate) fn check_signed_bytes(
    bytes: &[u8],
    spec: &ChainSpec,
    chain: &ChainId,
) -> Result<Transaction, TransactionError> {
    let (found, transaction) = rules::check_signed_format(bytes)?;
    rules::check_chain(&found, chain)?;
    check_content(&transaction, spec)?;
    rules::check_minting_keys(&transaction, spec, chain)?;
    rules::check_evidence(&transaction, spec, chain)?;
    Ok(transaction)
}
