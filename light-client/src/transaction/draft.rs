use super::{AccountView, TransactionError, check_against_account, check_content};
use crate::{
    crypto::PublicKey,
    data_format::{Address, Amount, Call, ChainSpec, CoinCall, Height, Transaction},
};

/// A payment somebody wants to make, before there is a transaction for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The key that will sign and pay.
    pub sender: PublicKey,
    /// Who receives.
    pub to: Address,
    /// How much.
    pub amount: Amount,
    /// A public note, at most 140 bytes.
    pub memo: Vec<u8>,
    /// The last height of a block that may include it.
    pub valid_until: Height,
}

impl Transfer {
    /// The transaction for it: at the account's nonce, for the least fee, and within every rule that `account`
    /// (`None`: not in the state) and the height of the next block can break.
    ///
    /// # Errors
    /// The rule it would break.
    pub fn draft(
        &self,
        spec: &ChainSpec,
        account: Option<&AccountView>,
        next_height: Height,
    ) -> Result<Transaction, TransactionError> {
        let calls = vec![Call::Coin(CoinCall::Transfer { to: self.to, amount: self.amount })];
        let transaction = Transaction {
            sender: self.sender,
            nonce: account.map_or(0, |account| account.nonce),
            fee: spec.minimum_fee(&calls).ok_or(TransactionError::TotalTooLarge)?,
            valid_until: self.valid_until,
            calls,
            memo: self.memo.clone(),
        };
        check_content(&transaction, spec)?;
        let sender = Address::of(&self.sender, spec.network);
        check_against_account(&transaction, sender, account, next_height, 0)?;
        Ok(transaction)
    }
}

/// The most that one transfer can move: the balance less the least fee of a transfer; zero if that is not left.
pub fn maximum_transfer(spec: &ChainSpec, account: &AccountView) -> Amount {
    account.balance.checked_sub(spec.fees.transfer).unwrap_or(Amount::ZERO)
}
