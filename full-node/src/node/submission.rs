use std::{collections::BTreeSet, sync::Arc, sync::PoisonError};

use light_client::{
    crypto::KeyPair,
    data_format::{Address, Amount, Call, CoinCall, SignedTransaction, Transaction, TransactionId},
    state::AccountRecord,
    transaction::{AccountView, CheckedTransaction, Submission, TransactionError, check_stateless},
};

use super::{Event, FaucetError, Node, NodeError, SubmitError};
use crate::{network::Announcement, transaction::Ticket};

/// What the faucet gives at once, at most: what its own API gives at once.
const FAUCET_LIMIT: Amount = crate::config::FAUCET_PAYMENT;
/// Blocks in which a faucet payment may be included.
const FAUCET_VALIDITY: u64 = 1_000;

impl Node {
    /// Takes the bytes of a `Submission` (chain id, signed transaction) into the pool, and says so once it is on disk: from
    /// then on it survives a kill. Taking one twice is fine.
    ///
    /// # Errors
    /// [`SubmitError`] with the rule that it breaks.
    pub async fn submit(&self, bytes: Vec<u8>) -> Result<TransactionId, SubmitError> {
        self.blocking(move |node| {
            let signed = Submission::decode(&bytes, &node.0.chain)?;
            node.submit_now(&signed)
        })
        .await?
    }

    /// Takes a transaction into the pool.
    ///
    /// # Errors
    /// As [`Node::submit`].
    pub async fn submit_signed(&self, signed: SignedTransaction) -> Result<TransactionId, SubmitError> {
        self.blocking(move |node| node.submit_now(&signed)).await?
    }

    /// Takes a transaction into the pool, and returns once it is on disk. Blocks the thread.
    ///
    /// # Errors
    /// As [`Node::submit`].
    pub fn submit_now(&self, signed: &SignedTransaction) -> Result<TransactionId, SubmitError> {
        let checked = check_stateless(signed, &self.0.spec, &self.0.chain)?;
        let (is_new, ticket) = self.add(&checked)?;
        // Also if it is not new: the one who sent it first may still be waiting.
        self.0.pool.sync(ticket).map_err(NodeError::from)?;
        if is_new {
            self.tell_pending(&checked);
            self.announce(Announcement::Transaction(Box::new(signed.clone())));
        }
        Ok(checked.id())
    }

    /// Takes a transaction that another node has, too: without waiting for the disk, and without telling the network.
    /// `false`: it was there.
    pub(super) fn add_heard(&self, checked: &CheckedTransaction) -> Result<bool, SubmitError> {
        let (is_new, _) = self.add(checked)?;
        if is_new {
            self.tell_pending(checked);
        }
        Ok(is_new)
    }

    fn tell_pending(&self, checked: &CheckedTransaction) {
        let (id, touched) = (checked.id(), Arc::new(touched(checked)));
        // Nobody may be listening.
        drop(self.0.events.send(Event::Pending { id, touched }));
    }

    /// Takes a transaction into the pool in memory.
    fn add(&self, checked: &CheckedTransaction) -> Result<(bool, Ticket), SubmitError> {
        if let Some(why) = self.paused() {
            return Err(NodeError::Paused(why).into());
        }
        loop {
            let settled = self.pool().settled();
            let (account, next) = self.account_at_head(&checked.sender())?;
            let view = account.as_ref().map(AccountView::from);
            let (added, ticket) = self.0.pool.edit(|pool| {
                // The account was read before the head moved, and the pool knows better: read it again.
                (pool.settled() == settled).then(|| pool.add(checked.clone(), view.as_ref(), next))
            });
            if let Some(added) = added {
                return Ok((added?, ticket));
            }
        }
    }

    /// Sends coins from the faucet of a development chain.
    ///
    /// # Errors
    /// [`FaucetError`], also if this is no development chain.
    pub async fn faucet(&self, to: Address, amount: Amount) -> Result<TransactionId, FaucetError> {
        self.blocking(move |node| node.faucet_now(to, amount)).await.map_err(SubmitError::from)?
    }

    /// As [`Node::faucet`], on this thread.
    ///
    /// # Errors
    /// As [`Node::faucet`].
    pub fn faucet_now(&self, to: Address, amount: Amount) -> Result<TransactionId, FaucetError> {
        if !self.0.development {
            return Err(FaucetError::NoFaucet);
        }
        if amount > FAUCET_LIMIT {
            return Err(FaucetError::TooMuch { asked: amount, limit: FAUCET_LIMIT });
        }
        let _turn = self.0.faucet.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.pay(&crate::config::faucet_key(), to, amount)?)
    }

    /// A plain transfer with the next free nonce.
    fn pay(&self, key: &KeyPair, to: Address, amount: Amount) -> Result<TransactionId, SubmitError> {
        let sender = Address::of(&key.public(), self.0.spec.network);
        let (account, next) = self.account_at_head(&sender)?;
        let nonce = account.unwrap_or_default().nonce;
        let calls = vec![Call::Coin(CoinCall::Transfer { to, amount })];
        let transaction = Transaction {
            sender: key.public(),
            nonce: self.pool().next_nonce(&sender).unwrap_or(nonce).max(nonce),
            fee: self.0.spec.minimum_fee(&calls).ok_or(TransactionError::TotalTooLarge)?,
            valid_until: next.plus(FAUCET_VALIDITY),
            calls,
            memo: Vec::new(),
        };
        self.submit_now(&transaction.sign(&self.0.chain, key))
    }

    /// The sender's account after the head, and the height of the next block.
    fn account_at_head(
        &self,
        sender: &Address,
    ) -> Result<(Option<AccountRecord>, light_client::data_format::Height), NodeError> {
        let snapshot = self.0.database.read()?;
        let head = self.stored_head(&snapshot)?;
        let account = AccountRecord::read(&mut snapshot.state(head.root), sender)?;
        Ok((account, head.header.height.next()))
    }
}

/// The sender and everybody concerned, sorted.
fn touched(checked: &CheckedTransaction) -> Vec<Address> {
    checked
        .transaction()
        .calls
        .iter()
        .filter_map(Call::counterparty)
        .chain([checked.sender()])
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}
