use light_client::{
    data_format::{ChainSpec, Height, Slot},
    state::{Changes, NodeId, Root, Trie},
};

use super::{BlockState, ChangeError};
use crate::storage::{Effects, StateNodes};

/// The state of block 0: the spec's balances, each with its history record, and the supply.
///
/// # Errors
/// [`ChangeError`] if the disk cannot be read; a checked spec has no balance that does not fit.
pub fn genesis_state(spec: &ChainSpec, nodes: StateNodes<'_>) -> Result<(Changes, Effects), ChangeError> {
    let mut state = BlockState::open(Trie::open(Root::EMPTY, nodes), Height(0), Slot(0))?;
    for account in &spec.accounts {
        state.endow(&account.address, account.balance)?;
    }
    Ok(state.finish(NodeId::FIRST)?)
}
