use light_client::{
    client::{MemoryStateStore, StateStore},
    data_format::ChainId,
};
use light_native::host::{RedbStateStore, RedbStateStoreError};

/// Where this run keeps what it proves.
pub(super) enum Store {
    /// In the data folder.
    Folder(RedbStateStore),
    /// Nowhere: another process has the folder, or it cannot be used.
    Memory(MemoryStateStore),
}

impl StateStore for Store {
    type Error = RedbStateStoreError;

    fn load(&self, chain: &ChainId) -> Result<Option<Vec<u8>>, RedbStateStoreError> {
        match self {
            Self::Folder(store) => store.load(chain),
            Self::Memory(store) => store.load(chain).map_err(|never| match never {}),
        }
    }

    fn save(&mut self, chain: &ChainId, state: &[u8]) -> Result<(), RedbStateStoreError> {
        match self {
            Self::Folder(store) => store.save(chain, state),
            Self::Memory(store) => store.save(chain, state).map_err(|never| match never {}),
        }
    }
}
