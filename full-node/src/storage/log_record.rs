//! What a record of the [log](super::log) says: changes, one after the other, in Borsh.

use std::{borrow::Cow, fmt, io, sync::Arc};

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::state::{NodeId, StoredNode};

use super::{Batch, Change, Space, StorageError, pending::Waiting};

#[derive(BorshSerialize, BorshDeserialize)]
enum Logged<'a> {
    /// `space` is a place in [`Space::ALL`]: whoever puts another one before others makes another format of the data folder.
    Change { space: u8, key: Cow<'a, [u8]>, value: Option<Cow<'a, [u8]>> },
    /// A node as its encoding.
    Node { id: NodeId, node: Option<Vec<u8>> },
}

impl Logged<'_> {
    fn add_to(&self, record: &mut Vec<u8>) {
        // Writing into memory cannot fail.
        let written: io::Result<()> = self.serialize(record);
        debug_assert!(written.is_ok(), "{written:?}");
    }
}

/// A record of what waits, and then a batch.
pub(super) fn encode(waiting: &Waiting, batch: &Batch) -> Vec<u8> {
    let mut record = Vec::new();
    for Change { space, key, value } in waiting.changes().chain(batch.changes()) {
        Logged::Change { space: space as u8, key: key.into(), value: value.map(Cow::from) }
            .add_to(&mut record);
    }
    let nodes = batch.nodes.iter().map(|(id, node)| (*id, node.as_deref()));
    for (id, node) in waiting.node_changes().chain(nodes) {
        Logged::Node { id, node: node.map(StoredNode::to_bytes) }.add_to(&mut record);
    }
    record
}

/// The changes in a record.
///
/// # Errors
/// [`StorageError::Damaged`] if the bytes are no record.
pub(super) fn decode(mut record: &[u8]) -> Result<Batch, StorageError> {
    let damaged = |error: &dyn fmt::Display| StorageError::damaged("a record of the log", error);
    let mut batch = Batch::default();
    while !record.is_empty() {
        match Logged::deserialize(&mut record).map_err(|error| damaged(&error))? {
            Logged::Change { space, key, value } => {
                let space = Space::ALL.get(usize::from(space));
                let space = space.ok_or_else(|| damaged(&"there is no such space"))?;
                batch.changes.push((*space, key.into_owned(), value.map(Cow::into_owned)));
            }
            Logged::Node { id, node } => {
                let node = node.map(|bytes| StoredNode::from_bytes(&bytes)).transpose();
                batch.nodes.push((id, node.map_err(|error| damaged(&error))?.map(Arc::new)));
            }
        }
    }
    Ok(batch)
}
