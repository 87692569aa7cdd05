use light_client::{
    crypto::Hash,
    data_format::{Address, Call, Evidence, MintingKey, ModuleName, Round, Slot, Status, SupernodeCall},
    state::{Ban, NodeStore, RequestKind, SlotChange, StateError, Supernode as Record, Trie},
};

use super::{BlockState, CallError, Context, Module};

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
                refuse_if(state.supernode(sender)?.is_banned(state.place().round), Status::Banned)?;
                check_waiting(state, context, &wanted)?;
                check_key(state, context, key)?;
                state.contend_refusal(*slot, sender)?.map_or(Ok(()), |why| Err(CallError::Failed(why)))
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
            SupernodeCall::SetCommission { .. } | SupernodeCall::SetRewardAddress { .. } => {
                let account = state.account(sender)?;
                refuse_if(!account.is_some_and(|account| account.is_supernode), Status::NotAHolder)
            }
            SupernodeCall::Report { evidence } => accused(state, evidence).map(|_| ()),
        }
    }

    fn execute(&self, call: &Call, context: &Context, state: &mut BlockState<'_>) -> Result<(), CallError> {
        let Call::Supernode(call) = call else { return Ok(()) };
        match call {
            SupernodeCall::Contend { slot, commission, key } => {
                name_key(state, context, key)?;
                set_commission(state, context, *commission)?;
                Ok(state.ask(context.sender, SlotChange::Contend { slot: *slot, key: key.key })?)
            }
            SupernodeCall::Release => Ok(state.ask(context.sender, SlotChange::Release)?),
            SupernodeCall::SetMintingKey { key } => {
                name_key(state, context, key)?;
                Ok(state.ask(context.sender, SlotChange::MintingKey { key: key.key })?)
            }
            SupernodeCall::SetCommission { commission } => set_commission(state, context, *commission),
            SupernodeCall::SetRewardAddress { to } => {
                let reward_address = (*to != context.sender).then_some(*to);
                let record = state.supernode(&context.sender)?;
                state.put_supernode(&context.sender, Record { reward_address, ..record });
                Ok(())
            }
            SupernodeCall::Report { evidence } => {
                let culprit = accused(state, evidence)?;
                punish(state, culprit)
            }
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

/// Whom evidence accuses. That it holds was checked without the state; a key serves its address for ever, so a change
/// of the key hides nobody. What was signed up to the last punishment is settled with it.
fn accused(state: &mut BlockState<'_>, evidence: &Evidence) -> Result<Address, CallError> {
    let offence = evidence.offence(state.place().spos.slots_per_round());
    let owner = state.owner_of_key(&offence.minting_key)?;
    let owner = owner.ok_or(CallError::Failed(Status::UnknownMintingKey))?;
    let settled = state.supernode(&owner)?.ban.is_some_and(|ban| offence.round <= ban.punished);
    refuse_if(settled || offence.round > state.place().round, Status::UntimelyEvidence)?;
    Ok(owner)
}

/// Bans somebody; whoever has a slot owes it, and the time of the ban begins when it is gone.
fn punish(state: &mut BlockState<'_>, culprit: Address) -> Result<(), CallError> {
    let (punished, holds) = (state.place().round, state.place().holds(&culprit));
    let until = (!holds).then(|| state.place().ban_end());
    let record = state.supernode(&culprit)?;
    state.put_supernode(&culprit, Record { ban: Some(Ban { punished, until }), ..record });
    if holds && record.waiting & RequestKind::Ban.bit() == 0 {
        state.ask(culprit, SlotChange::Ban)?;
    }
    Ok(())
}

/// Whether a report that `key` did wrong in `round` would have an effect after this state: the key serves somebody, and
/// that was not punished since. Whether a block may bring the report depends on its place besides.
///
/// # Errors
/// [`StateError`] when the state cannot be read.
pub fn is_unpunished<S: NodeStore>(
    state: &mut Trie<S>,
    key: &Hash,
    round: Round,
) -> Result<bool, StateError<S::Error>> {
    let Some(owner) = Record::owner_of_key(state, key)? else { return Ok(false) };
    let ban = Record::read(state, &owner)?.and_then(|record| record.ban);
    Ok(ban.is_none_or(|ban| round > ban.punished))
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
