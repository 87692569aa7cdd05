use light_client::{
    data_format::{Address, Call, CoinCall, ModuleName, Status},
    state::HistoryKind,
};

use super::{BlockState, CallError, ChangeError, Context, Module};

/// Module `coin`: transfers.
pub struct Coin;

impl Module for Coin {
    fn name(&self) -> ModuleName {
        ModuleName::Coin
    }

    fn check(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError> {
        let Call::Coin(CoinCall::Transfer { amount, .. }) = call;
        let balance = state.account(&context.sender)?.unwrap_or_default().balance;
        if balance < *amount { Err(CallError::Failed(Status::InsufficientBalance)) } else { Ok(()) }
    }

    fn execute(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError> {
        let Call::Coin(CoinCall::Transfer { to, amount }) = call;
        // Supply is below 2^63 units, so no larger amount passes the check.
        let delta =
            i64::try_from(amount.units()).map_err(|_| CallError::Failed(Status::InsufficientBalance))?;
        change(state, &context.sender, context, HistoryKind::Sent, -delta, Status::InsufficientBalance)?;
        change(state, to, context, HistoryKind::Received, delta, Status::Overflow)
    }
}

fn change(
    state: &mut BlockState<'_>,
    address: &Address,
    context: &Context,
    kind: HistoryKind,
    delta: i64,
    otherwise: Status,
) -> Result<(), CallError> {
    state.change(address, context.transaction, kind, delta).map_err(|error| match error {
        ChangeError::Record(_) => CallError::Failed(otherwise),
        ChangeError::State(error) => CallError::State(error),
    })
}
