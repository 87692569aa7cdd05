use std::sync::Arc;

use light_client::{
    crypto::Hash,
    data_format::{Height, codec},
    state::{
        NodeId,
        trie::{BuildError, Builder, NewNodes},
    },
};

use super::{
    Pieces,
    pieces::{forget_in, piece_from},
};
use crate::storage::{Batch, Database, Space, StorageError, Version};

/// Nodes of the trie that are written at a time.
const NODES_AT_ONCE: usize = 16_384;

/// Why a snapshot does not become the state of the node.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The node has blocks already.
    #[error("the node has {0} blocks already: a snapshot is for a node that has none")]
    NotEmpty(u64),
    /// The stored pieces are no state.
    #[error("the stored pieces of the snapshot are no state: {0}")]
    Build(#[from] BuildError),
    /// The stored pieces are not all, or make another state.
    #[error("the stored pieces of the snapshot make the state {found} of {entries} entries, not {expected}")]
    Root {
        /// The block's `state_root`.
        expected: Hash,
        /// What was made.
        found: Hash,
        /// Entries that are stored.
        entries: u64,
    },
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Makes a snapshot, of which every piece is stored, what the database starts from: as if all blocks up to its block had
/// been taken and forgotten. Nothing of the chain that was there may be in use; it is opened anew afterwards.
///
/// A kill leaves a node without blocks and every piece, or the whole.
///
/// # Errors
/// [`InstallError`]; then the chain is as it was.
pub fn install(database: &Database, pieces: &Pieces) -> Result<(), InstallError> {
    let snapshot = database.read()?;
    let genesis = snapshot.at_height(Height(0))?;
    let head = snapshot.head()?;
    let (Some(genesis), true) = (genesis, genesis == head && snapshot.tree()?.len() == 1) else {
        return Err(InstallError::NotEmpty(snapshot.tree()?.len() as u64));
    };
    let first_node = snapshot.next_node()?;
    // Those of an attempt that a kill ended.
    database.remove_nodes_from(first_node)?;
    let (root, next_node) = build(database, first_node)?;
    let header = &pieces.base.base.header.header;
    if root.hash != header.state_root {
        let (expected, found) = (header.state_root, root.hash);
        return Err(InstallError::Root { expected, found, entries: root.count });
    }
    let mut batch = Batch::default();
    let (id, height) = (&pieces.base.id, header.height);
    for sealed in pieces.base.base.before.iter().chain([&pieces.base.base.header]) {
        let id = sealed.header.id();
        batch.put(Space::Headers, *id.as_bytes(), codec::encode(sealed));
        batch.height(sealed.header.height, &id);
    }
    for (position, node) in pieces.base.range.nodes() {
        batch.put(Space::Range, position.to_be_bytes(), *node.as_bytes());
    }
    for tables in &pieces.base.tables {
        batch.tables(tables);
    }
    // The state of block 0 and its place as the newest final block are gone.
    if let Some(version) = snapshot.version(&genesis)? {
        batch.remove_nodes((version.first_node.get()..version.next_node.get()).filter_map(NodeId::new));
        batch.remove(Space::Versions, *genesis.as_bytes());
        batch.remove(Space::Effects, *genesis.as_bytes());
    }
    batch.remove(Space::Tree, *genesis.as_bytes());
    batch.put(Space::Tree, *id.as_bytes(), codec::encode(&0_u64));
    let range_root = pieces.base.range_root;
    batch.version(
        id,
        &Version { root, first_node, next_node, stale: Vec::new(), range: Vec::new(), range_root },
    );
    batch.next_node(next_node);
    // Recoveries from earlier blocks are part of what was proven.
    batch.follow_recoveries(&snapshot, snapshot.recoveries().filter(|known| known.height < height))?;
    batch.finality(&pieces.finality);
    batch.head(id);
    batch.pruned(height);
    batch.bodies_from(height.next());
    batch.begins_at(height);
    forget_in(&mut batch, &snapshot)?;
    database.commit(batch)?;
    tracing::info!(%height, block = %id, entries = root.count, "the node starts from here");
    Ok(())
}

/// Writes the nodes of the trie of all stored pieces.
fn build(
    database: &Database,
    first_node: NodeId,
) -> Result<(light_client::state::Root, NodeId), InstallError> {
    let snapshot = database.read()?;
    let (mut builder, mut nodes) = (Builder::new(first_node), NewNodes::new());
    let mut rank = 0;
    while let Some((first, entries)) = piece_from(&snapshot, rank)? {
        if first != rank {
            break;
        }
        rank += entries.len() as u64;
        for (key, value) in entries {
            builder.push(Arc::from(key), Arc::from(value), &mut nodes)?;
        }
        if nodes.len() >= NODES_AT_ONCE {
            write(database, &mut nodes)?;
        }
    }
    let (root, next) = builder.finish(&mut nodes);
    write(database, &mut nodes)?;
    Ok((root, next))
}

fn write(database: &Database, nodes: &mut NewNodes) -> Result<(), StorageError> {
    let mut batch = Batch::default();
    for (id, node) in nodes.drain(..) {
        batch.node(id, node);
    }
    database.commit_later(batch)
}
