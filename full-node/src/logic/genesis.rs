use light_client::{
    data_format::{ChainSpec, Height, Round, Slot},
    state::{Changes, NodeId, Root, Supernode, Trie},
};

use super::{Activity, BlockState, ChangeError, Place};
use crate::consensus::Rules;
use crate::storage::{Effects, StateNodes};

/// The state of block 0: the spec's balances, each with its history record, the supply, and the supernodes that hold
/// slots.
///
/// # Errors
/// [`ChangeError`] if the disk cannot be read; a checked spec has no balance that does not fit.
pub fn genesis_state(
    spec: &ChainSpec,
    rules: &dyn Rules,
    nodes: StateNodes<'_>,
) -> Result<(Changes, Effects), ChangeError> {
    let spos = rules.stake();
    let place = Place {
        spos,
        height: Height(0),
        slot: Slot(0),
        round: Round(0),
        tables: rules.genesis_tables().cloned(),
        recent: Vec::new(),
        activity: Activity::default(),
        recovered: false,
    };
    let mut state = BlockState::open(Trie::open(Root::EMPTY, nodes).into(), place)?;
    for account in &spec.accounts {
        state.endow(&account.address, account.balance)?;
    }
    for holder in spos.slots.0.iter().flatten() {
        state.make_supernode(&holder.address, spos.genesis_commission, Round(0))?;
        state.own_key(&holder.minting_key, &holder.address)?;
        let supernode = Supernode { minting_key: holder.minting_key, ..Supernode::default() };
        state.put_supernode(&holder.address, supernode);
    }
    Ok(state.finish()?.into_changes(NodeId::FIRST)?)
}
