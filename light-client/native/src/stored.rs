use light_client::client::{Client, DamagedState, RestoreError, StateStore, open_state, seal_state};

/// What was stored cannot be used. Everything is proven again; payments under way are not followed any more, their
/// fate shows in the history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LostState {
    /// The bytes are not those that were stored.
    #[error(transparent)]
    Damaged(#[from] DamagedState),
    /// They are, and this version cannot use them.
    #[error(transparent)]
    Unusable(#[from] RestoreError),
}

/// Goes on from what the store has of the client's chain.
pub(crate) fn restore<S: StateStore>(client: &mut Client, store: &S) -> Result<Option<LostState>, S::Error> {
    let Some(sealed) = store.load(client.chain())? else { return Ok(None) };
    let restored = open_state(client.chain(), &sealed)
        .map_err(LostState::from)
        .and_then(|state| client.restore(state).map_err(LostState::from));
    Ok(restored.err())
}

pub(crate) fn save<S: StateStore>(client: &Client, store: &mut S) -> Result<(), S::Error> {
    store.save(client.chain(), &seal_state(client.chain(), &client.save()))
}
