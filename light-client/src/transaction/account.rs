use super::{TransactionError, rules};
use crate::{
    data_format::{Address, Amount, Height, Transaction},
    state::AccountRecord,
};

/// What the rules need of an account. Whether it was proven is the caller's to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountView {
    /// The nonce its next transaction must have.
    pub nonce: u64,
    /// What it can spend: its regular balance less what it leases out.
    pub balance: Amount,
}

impl From<&AccountRecord> for AccountView {
    fn from(record: &AccountRecord) -> Self {
        Self { nonce: record.nonce, balance: record.available() }
    }
}

/// Consensus: whether a block at `height` may include the transaction. `account` is the sender's before it
/// (`None`: not in the state).
///
/// An included transaction is charged its fee; whether its calls succeed is for their execution to say.
///
/// # Errors
/// `TX-EXPIRY-1`, `TX-ACCOUNT-1`, `TX-NONCE-1`, `TX-NONCE-2` or `TX-BALANCE-1`, the first that is broken.
pub fn check_includable(
    transaction: &Transaction,
    sender: Address,
    account: Option<&AccountView>,
    height: Height,
) -> Result<(), TransactionError> {
    rules::check_expiry(transaction, height)?;
    let account = rules::check_known(sender, account)?;
    rules::check_nonce_unused(transaction, account)?;
    rules::check_nonce_gap(transaction, account, 0)?;
    rules::check_fee_covered(transaction, account)
}

/// Admission: whether a pool should keep the transaction, or a wallet sign it, for the block at `height`.
///
/// `ahead` is how many earlier transactions of the sender may still be missing (0 for a wallet, the queue's
/// length for a pool). Give the account as it will be once those that are already waiting are executed.
///
/// # Errors
/// As [`check_includable`], and `COIN-BALANCE-1` for what would be charged and then fail.
pub fn check_against_account(
    transaction: &Transaction,
    sender: Address,
    account: Option<&AccountView>,
    height: Height,
    ahead: u64,
) -> Result<(), TransactionError> {
    rules::check_expiry(transaction, height)?;
    let account = rules::check_known(sender, account)?;
    rules::check_nonce_unused(transaction, account)?;
    rules::check_nonce_gap(transaction, account, ahead)?;
    rules::check_fee_covered(transaction, account)?;
    rules::check_spend(transaction, account)
}

/// Whether a block at `height` may still include the transaction: all that a cold wallet can check.
///
/// # Errors
/// `TX-EXPIRY-1`.
pub fn check_unexpired(transaction: &Transaction, height: Height) -> Result<(), TransactionError> {
    rules::check_expiry(transaction, height)
}
