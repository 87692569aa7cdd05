//! The pluggable business logic container: what calls do, in modules that a chain spec names.
//!
//! A call goes through three phases. The stateless check lives in `light_client::transaction`, because wallets run
//! it too. A [`Module`] then checks the call against the state, and only then executes it. All calls of a
//! transaction happen or none does; its fee is charged all the same.
//!
//! **Trust and bounds.** Only transactions that passed the stateless check come here. A call touches a bounded
//! number of records, and every change of a balance goes through [`BlockState::change`], which appends the history
//! record of it: so a balance is always the sum of its history.

mod activity;
mod coin;
mod execution;
mod genesis;
mod lease;
mod records;
mod slots;
mod state;
mod supernode;

use light_client::{
    data_format::{Address, Amount, Call, ChainSpec, DecodeError, ModuleName, Status, TransactionId},
    state::StateError,
};

pub use activity::Activity;
pub use coin::Coin;
pub use execution::{BlockExecution, Earner, Executed, InclusionError, Reward};
pub use genesis::genesis_state;
pub use lease::Lease;
pub use slots::Place;
pub use state::{BlockState, ChangeError, Ended, Finished, StateBefore, WarmState};
pub use supernode::{Supernode, is_unpunished};

use crate::storage::StorageError;

/// The state cannot be read: a fault of the disk, never of a transaction.
pub type StateFault = StateError<StorageError>;

/// A module of the container.
pub trait Module: Send + Sync {
    /// The name by which a chain spec enables it.
    fn name(&self) -> ModuleName;

    /// Checks a call of this module against the state, changing nothing.
    ///
    /// # Errors
    /// [`CallError::Failed`] with the status that its transaction gets.
    fn check(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError>;

    /// Executes a call that [`Module::check`] has just accepted.
    ///
    /// # Errors
    /// As [`Module::check`]; the container then undoes the whole transaction.
    fn execute(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError>;
}

/// What a call belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Its transaction.
    pub transaction: TransactionId,
    /// Who signed that.
    pub sender: Address,
}

/// Why a call does not happen.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The state does not allow it: this becomes the transaction's status.
    #[error("the call failed: {0:?}")]
    Failed(Status),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateFault),
}

impl ChangeError {
    /// The call's failure: this status if a record does not allow the change; damaged stake is a fault of the state.
    fn or(self, status: Status) -> CallError {
        match self {
            Self::Record(_) => CallError::Failed(status),
            error => CallError::State(error.into()),
        }
    }
}

/// A change that nobody asked for and that yet cannot be: the records contradict each other.
impl From<ChangeError> for StateFault {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::State(fault) => fault,
            error => Self::Record { key: Vec::new(), error: DecodeError::Malformed(error.to_string()) },
        }
    }
}

/// An amount as a change of a balance. Supply is below 2⁶³ units, so no larger amount passes a check before.
fn signed(amount: Amount) -> Result<i64, CallError> {
    i64::try_from(amount.units()).map_err(|_| CallError::Failed(Status::InsufficientBalance))
}

/// The modules that a chain runs.
pub struct Container {
    modules: Vec<Box<dyn Module>>,
}

impl Container {
    /// The modules that a checked spec names.
    pub fn new(spec: &ChainSpec) -> Self {
        let modules = spec.modules.iter().map(|name| match name {
            ModuleName::Coin => Box::new(Coin) as Box<dyn Module>,
            ModuleName::Lease => Box::new(Lease),
            ModuleName::Supernode => Box::new(Supernode),
        });
        Self { modules: modules.collect() }
    }

    /// Checks and executes one call.
    ///
    /// # Errors
    /// [`CallError`]; the caller undoes the transaction.
    pub fn call(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError> {
        let name = call.module();
        // The stateless check refuses calls of modules that the chain does not run.
        for module in self.modules.iter().filter(|module| module.name() == name) {
            module.check(call, context, state)?;
            module.execute(call, context, state)?;
        }
        Ok(())
    }
}
