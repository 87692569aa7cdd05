use light_client::{
    data_format::{Address, Amount, Call, LeaseCall, ModuleName, Status},
    state::{Asset, HistoryKind, StakeError},
};

use super::{BlockState, CallError, ChangeError, Context, Module, signed};

/// Module `lease`: coins that work for a supernode and stay where they are. Every change of a lease pays out what it has
/// earned.
pub struct Lease;

impl Module for Lease {
    fn name(&self) -> ModuleName {
        ModuleName::Lease
    }

    fn check(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError> {
        let Call::Lease(call) = call else { return Ok(()) };
        let (enough, otherwise) = match call {
            LeaseCall::Lease { amount, .. } => {
                let account = state.account(&context.sender)?.unwrap_or_default();
                (account.available() >= *amount, Status::InsufficientBalance)
            }
            LeaseCall::Cancel { from, amount } => {
                let staked = state.position(&context.sender, from)?.staked();
                (staked.is_some_and(|staked| staked >= *amount), Status::InsufficientLease)
            }
            LeaseCall::Claim { .. } => return Ok(()),
        };
        if enough { Ok(()) } else { Err(CallError::Failed(otherwise)) }
    }

    fn execute(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError> {
        let Call::Lease(call) = call else { return Ok(()) };
        match call {
            LeaseCall::Lease { to, amount } => {
                let interest = state
                    .change_stake(&context.sender, to, |stake| {
                        stake.increase(*amount)?;
                        stake.pay()
                    })
                    .map_err(failed)?;
                move_lease(state, context, to, HistoryKind::Leased, signed(*amount)?)?;
                pay(state, context, HistoryKind::Interest, interest)
            }
            LeaseCall::Cancel { from, amount } => {
                let interest = state
                    .change_stake(&context.sender, from, |stake| {
                        stake.decrease(*amount)?;
                        stake.pay()
                    })
                    .map_err(failed)?;
                move_lease(state, context, from, HistoryKind::LeaseCancelled, -signed(*amount)?)?;
                pay(state, context, HistoryKind::Interest, interest)
            }
            LeaseCall::Claim { from } => {
                let sender = &context.sender;
                let mut interest = Amount::ZERO;
                if from != sender {
                    interest = state.change_stake(sender, from, |stake| stake.pay()).map_err(failed)?;
                }
                let mut owed = Amount::ZERO;
                // Who gets what the supernode itself earns.
                if state.supernode(from)?.reward_address.unwrap_or(*from) == *sender {
                    let own = state.change_stake(from, from, |stake| stake.pay()).map_err(failed)?;
                    interest = interest.checked_add(own).ok_or(CallError::Failed(Status::Overflow))?;
                    owed = state.take_owed(from)?;
                }
                if interest == Amount::ZERO && owed == Amount::ZERO {
                    return Err(CallError::Failed(Status::NothingToClaim));
                }
                pay(state, context, HistoryKind::Interest, interest)?;
                pay(state, context, HistoryKind::Commission, owed)
            }
        }
    }
}

fn move_lease(
    state: &mut BlockState<'_>,
    context: &Context,
    supernode: &Address,
    kind: HistoryKind,
    delta: i64,
) -> Result<(), CallError> {
    let Context { transaction, sender } = context;
    state.change(sender, *transaction, kind, Asset::LeasedOut, delta).map_err(failed)?;
    state.change(supernode, *transaction, kind, Asset::LeasedIn, delta).map_err(failed)
}

fn pay(
    state: &mut BlockState<'_>,
    context: &Context,
    kind: HistoryKind,
    amount: Amount,
) -> Result<(), CallError> {
    if amount == Amount::ZERO {
        return Ok(());
    }
    state.change(&context.sender, context.transaction, kind, Asset::Coin, signed(amount)?).map_err(failed)
}

fn failed(error: ChangeError) -> CallError {
    match error {
        ChangeError::Stake(StakeError::TooMuch { .. }) => CallError::Failed(Status::InsufficientLease),
        error => error.or(Status::Overflow),
    }
}
