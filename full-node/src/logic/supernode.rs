use light_client::{
    data_format::{Call, MintingKey, ModuleName, Round, Slot, Status, SupernodeCall},
    state::{Request, SlotChange, Supernode as Record},
};

use super::{BlockState, CallError, Context, Module, StateFault};

/// Module `supernode`: who wants a slot, leaves one, or mints with another key. All of it waits for its turn; see
/// [`Place`](super::Place).
pub struct Supernode;

impl Module for Supernode {
    fn name(&self) -> ModuleName {
        ModuleName::Supernode
    }

    fn check(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError> {
        let Call::Supernode(call) = call else { return Ok(()) };
        let sender = &context.sender;
        match call {
            SupernodeCall::Contend { slot, key, .. } => {
                let wanted = SlotChange::Contend { slot: *slot, key: key.key };
                refuse_if(state.place().holds(sender), Status::AlreadyHolder)?;
                check_waiting(state, context, &wanted)?;
                check_key(state, context, key)?;
                let place = state.place().clone();
                let slots = place.tables.in_force.slots();
                let mut account = |address: &_| -> Result<_, StateFault> {
                    Ok(state.account(address)?.unwrap_or_default())
                };
                let wins = place.may_take(slots, *slot, sender, &mut account)?;
                refuse_if(!wins, Status::SlotNotWon)
            }
            SupernodeCall::Release => {
                refuse_if(!state.place().holds(sender), Status::NotAHolder)?;
                check_waiting(state, context, &SlotChange::Release)
            }
            SupernodeCall::SetMintingKey { key } => {
                refuse_if(!state.place().holds(sender), Status::NotAHolder)?;
                check_waiting(state, context, &SlotChange::MintingKey { key: key.key })?;
                check_key(state, context, key)?;
                let since = state.supernode(sender)?.key_since;
                // The key of genesis may be changed at any time.
                let next = Slot(since.0.saturating_add(state.place().slots_of_a_day()));
                refuse_if(since > Slot(0) && state.place().slot < next, Status::TooSoon)
            }
            SupernodeCall::SetCommission { .. } => {
                let account = state.account(sender)?;
                refuse_if(!account.is_some_and(|account| account.is_supernode), Status::NotAHolder)
            }
        }
    }

    fn execute(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError> {
        let Call::Supernode(call) = call else { return Ok(()) };
        match call {
            SupernodeCall::Contend { slot, commission, key } => {
                name_key(state, context, key)?;
                set_commission(state, context, *commission)?;
                ask(state, context, SlotChange::Contend { slot: *slot, key: key.key })
            }
            SupernodeCall::Release => ask(state, context, SlotChange::Release),
            SupernodeCall::SetMintingKey { key } => {
                name_key(state, context, key)?;
                ask(state, context, SlotChange::MintingKey { key: key.key })
            }
            SupernodeCall::SetCommission { commission } => set_commission(state, context, *commission),
        }
    }
}

fn refuse_if(refused: bool, status: Status) -> Result<(), CallError> {
    if refused { Err(CallError::Failed(status)) } else { Ok(()) }
}

/// One request of a kind at a time.
fn check_waiting(
    state: &mut BlockState<'_>,
    context: &Context,
    change: &SlotChange,
) -> Result<(), CallError> {
    let waiting = state.supernode(&context.sender)?.waiting & change.kind().bit() != 0;
    refuse_if(waiting, Status::RequestWaiting)
}

/// The key is running and serves nobody else. Its signature was checked without the state.
fn check_key(state: &mut BlockState<'_>, context: &Context, key: &MintingKey) -> Result<(), CallError> {
    refuse_if(!state.place().recent.contains(&key.checkpoint), Status::StaleCheckpoint)?;
    let owner = state.owner_of_key(&key.key)?;
    refuse_if(owner.is_some_and(|owner| owner != context.sender), Status::MintingKeyTaken)
}

fn name_key(state: &mut BlockState<'_>, context: &Context, key: &MintingKey) -> Result<(), CallError> {
    state.own_key(&key.key, &context.sender)?;
    let (record, key_since) = (state.supernode(&context.sender)?, state.place().slot);
    state.put_supernode(&context.sender, Record { minting_key: key.key, key_since, ..record });
    Ok(())
}

fn set_commission(state: &mut BlockState<'_>, context: &Context, commission: u16) -> Result<(), CallError> {
    let Round(round) = state.place().round;
    let from = Round(round.saturating_add(state.place().rounds_of_a_day()));
    state.make_supernode(&context.sender, commission, from).map_err(|error| CallError::State(error.into()))
}

fn ask(state: &mut BlockState<'_>, context: &Context, change: SlotChange) -> Result<(), CallError> {
    let record = state.supernode(&context.sender)?;
    let waiting = record.waiting | change.kind().bit();
    state.put_supernode(&context.sender, Record { waiting, ..record });
    state.ask(Request { address: context.sender, change });
    Ok(())
}
