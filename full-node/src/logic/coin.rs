use light_client::{
    data_format::{Address, Call, CoinCall, ModuleName, Status},
    state::{Asset, HistoryKind},
};

use super::{BlockState, CallError, Context, Module, signed};

/// Module `coin`: transfers.
pub struct Coin;

impl Module for Coin {
    fn name(&self) -> ModuleName {
        ModuleName::Coin
    }

    fn check(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError> {
        let Call::Coin(CoinCall::Transfer { amount, .. }) = call else { return Ok(()) };
        let available = state.account(&context.sender)?.unwrap_or_default().available();
        if available < *amount { Err(CallError::Failed(Status::InsufficientBalance)) } else { Ok(()) }
    }

    fn execute(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError> {
        let Call::Coin(CoinCall::Transfer { to, amount }) = call else { return Ok(()) };
        let delta = signed(*amount)?;
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
    state.change(address, context.transaction, kind, Asset::Coin, delta).map_err(|error| error.or(otherwise))
}
