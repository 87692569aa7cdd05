//! What a record of the [log](super::log) says: changes, one after the other, in Borsh.

use std::{
    borrow::Cow,
    fmt,
    io::{self, Write},
    sync::Arc,
};

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::state::{NodeId, StoredNode};

use super::{Batch, Change, Space, StorageError, pending::Waiting, segments::FOLDER};

#[derive(BorshSerialize, BorshDeserialize)]
enum Logged<'a> {
    /// `space` is a place in [`Space::ALL`]: whoever puts another one before others makes another format of the data folder.
    Change { space: u8, key: Cow<'a, [u8]>, value: Option<Cow<'a, [u8]>> },
    /// A node as its encoding.
    Node { id: NodeId, node: Option<Cow<'a, [u8]>> },
}

/// What waits, and then a batch.
pub(super) struct Record<'a> {
    waiting: &'a Waiting,
    batch: &'a Batch,
    nodes: Vec<(NodeId, Option<Vec<u8>>)>,
}

impl<'a> Record<'a> {
    pub(super) fn new(waiting: &'a Waiting, batch: &'a Batch) -> Self {
        let nodes = batch.nodes.iter().map(|(id, node)| (*id, node.as_deref()));
        let nodes = waiting.node_changes().chain(nodes);
        let nodes = nodes.map(|(id, node)| (id, node.map(StoredNode::to_bytes))).collect();
        Self { waiting, batch, nodes }
    }

    /// How many bytes [`Record::write`] writes.
    ///
    /// # Errors
    /// When something is too long to be written.
    pub(super) fn length(&self) -> io::Result<u64> {
        let mut length = Length(0);
        self.write(&mut length)?;
        Ok(length.0)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When something is too long to be written, or `out` does not take it.
    pub(super) fn write(&self, mut out: &mut dyn Write) -> io::Result<()> {
        for Change { space, key, value } in self.waiting.changes().chain(self.batch.changes()) {
            Logged::Change { space: space as u8, key: key.into(), value: value.map(Cow::from) }
                .serialize(&mut out)?;
        }
        for (id, node) in &self.nodes {
            Logged::Node { id: *id, node: node.as_deref().map(Cow::from) }.serialize(&mut out)?;
        }
        Ok(())
    }
}

struct Length(u64);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The changes in a record.
///
/// # Errors
/// [`StorageError::Damaged`] if the bytes are no record.
pub(super) fn decode(mut record: &[u8]) -> Result<Batch, StorageError> {
    let damaged = |error: &dyn fmt::Display| StorageError::damaged(format!("a record in {FOLDER}"), error);
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
