use light_client::{
    crypto::Hash,
    data_format::{Address, Amount, Outcome, Status, TransactionId, transactions_root},
    transaction::{
        AccountView, CheckedTransaction, TransactionError, check_includable, check_unsigned_report,
    },
};

use super::{
    BlockState, CallError, ChangeError, Container, Context, Ended, Finished, Place, StateBefore, StateFault,
};

/// The execution of one block: the same for blocks that are built and blocks that are checked.
pub struct BlockExecution<'a> {
    container: &'a Container,
    state: BlockState<'a>,
    outcomes: Vec<Outcome>,
}

/// New coins of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reward {
    /// How much.
    pub amount: Amount,
    /// Whom they go to.
    pub to: Earner,
}

/// Whom the reward of a block goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earner {
    /// The stake of this supernode, in proportion.
    Supernode(Address),
    /// This account.
    Account(Address),
}

/// What executing a block gave.
#[derive(Debug)]
pub struct Executed {
    /// What became of each transaction, in order.
    pub outcomes: Vec<Outcome>,
    /// The root over them.
    pub transactions_root: Hash,
    /// The state after it.
    pub state: Finished,
}

/// Why a transaction cannot be in the block.
#[derive(Debug, thiserror::Error)]
pub enum InclusionError {
    /// It breaks a rule.
    #[error(transparent)]
    Rule(#[from] TransactionError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateFault),
}

impl<'a> BlockExecution<'a> {
    /// Starts a block at this place on the state before it. Its reward comes before anything else happens: what its
    /// transactions do to stake cannot touch it.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn new(
        container: &'a Container,
        before: StateBefore<'a>,
        place: Place<'a>,
        reward: Option<Reward>,
    ) -> Result<Self, StateFault> {
        let mut state = BlockState::open(before, place)?;
        if state.place().recovered {
            state.begin_anew()?;
        }
        if let Some(Reward { to: Earner::Supernode(supernode), .. }) = &reward {
            state.note_activity(supernode)?;
        }
        match reward {
            Some(Reward { amount: Amount::ZERO, .. }) | None => {}
            Some(Reward { amount, to: Earner::Supernode(supernode) }) => state.reward(&supernode, amount)?,
            Some(Reward { amount, to: Earner::Account(address) }) => state.mint(&address, amount)?,
        }
        Ok(Self { container, state, outcomes: Vec::new() })
    }

    /// Executes the next transaction: charges its fee, then makes all of its calls or none.
    ///
    /// # Errors
    /// [`InclusionError::Rule`] if no block may include it here; nothing has changed then.
    pub fn apply(&mut self, checked: &CheckedTransaction) -> Result<Outcome, InclusionError> {
        if checked.is_unsigned() {
            return self.apply_unsigned(checked);
        }
        let (transaction, sender, id) = (checked.transaction(), checked.sender(), checked.id());
        let account = self.state.account(&sender)?;
        let view = account.as_ref().map(AccountView::from);
        check_includable(transaction, sender, view.as_ref(), self.state.height())?;
        let fee = transaction.fee;
        self.state.charge(&sender, id, fee).map_err(|error| match error {
            ChangeError::Record(_) => {
                let balance = view.unwrap_or_default().balance;
                InclusionError::Rule(TransactionError::FeeNotCovered { balance, fee })
            }
            error => InclusionError::State(error.into()),
        })?;
        let status = self.call_all(checked)?;
        Ok(self.note(id, status, fee))
    }

    /// A report without a sender: nobody pays, and it has to be right.
    fn apply_unsigned(&mut self, checked: &CheckedTransaction) -> Result<Outcome, InclusionError> {
        // Where it stands costs nothing to check; its calls read the state.
        check_unsigned_report(self.outcomes.len(), Status::Success)?;
        let status = self.call_all(checked)?;
        check_unsigned_report(self.outcomes.len(), status)?;
        Ok(self.note(checked.id(), status, Amount::ZERO))
    }

    /// Makes all calls, or none: then it gives why.
    fn call_all(&mut self, checked: &CheckedTransaction) -> Result<Status, StateFault> {
        let mark = self.state.mark();
        let context = Context { transaction: checked.id(), sender: checked.sender() };
        for call in &checked.transaction().calls {
            match self.container.call(call, &context, &mut self.state) {
                Ok(()) => {}
                Err(CallError::Failed(why)) => {
                    self.state.revert(mark);
                    return Ok(why);
                }
                Err(CallError::State(fault)) => return Err(fault),
            }
        }
        Ok(Status::Success)
    }

    fn note(&mut self, id: TransactionId, status: Status, fee: Amount) -> Outcome {
        // A block holds at most 65,536 transactions.
        let index = u32::try_from(self.outcomes.len()).unwrap_or(u32::MAX);
        let outcome = Outcome { id, status, fee, index };
        self.outcomes.push(outcome);
        outcome
    }

    /// Transactions executed so far.
    pub const fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// Ends the block; `end` decides what becomes of the state after it.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn finish(
        self,
        end: impl FnOnce(Ended<'_>) -> Result<Finished, StateFault>,
    ) -> Result<Executed, StateFault> {
        let state = end(self.state.finish()?)?;
        Ok(Executed { transactions_root: transactions_root(&self.outcomes), outcomes: self.outcomes, state })
    }
}
