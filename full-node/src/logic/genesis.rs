use light_client::{
    data_format::{ChainSpec, EngineSpec, Height, Round, Slot},
    state::{Changes, NodeId, Root, Trie},
};

use super::{BlockState, ChangeError, Place};
use crate::storage::{Effects, StateNodes};

/// The state of block 0: the spec's balances, each with its history record, the supply, and the supernodes that hold
/// slots.
///
/// # Errors
/// [`ChangeError`] if the disk cannot be read; a checked spec has no balance that does not fit.
pub fn genesis_state(spec: &ChainSpec, nodes: StateNodes<'_>) -> Result<(Changes, Effects), ChangeError> {
    let EngineSpec::Spos(spos) = &spec.engine;
    let average_window = spos.average_window.into();
    let place = Place { height: Height(0), slot: Slot(0), round: Round(0), average_window };
    let mut state = BlockState::open(Trie::open(Root::EMPTY, nodes), place)?;
    for account in &spec.accounts {
        state.endow(&account.address, account.balance)?;
    }
    for holder in spos.slots.0.iter().flatten() {
        state.make_supernode(&holder.address, spos.genesis_commission)?;
    }
    Ok(state.finish(NodeId::FIRST)?)
}
