use std::{cell::RefCell, sync::Arc};

use light_client::state::{NodeId, NodeStore, StoredNode, VersionedStore};

use super::{
    Batch, Read, Space, StorageError,
    cache::PageCache,
    keys::END,
    pages::{Page, page_of},
};

/// The state nodes that were stored at one moment, through the cache.
pub struct StateNodes<'a> {
    read: &'a dyn Read,
    cache: &'a PageCache,
    /// The page used last, by its number: who goes down a path finds neighbours.
    last: RefCell<Option<(u64, Arc<Page>)>>,
}

impl<'a> StateNodes<'a> {
    pub(super) fn new(read: &'a dyn Read, cache: &'a PageCache) -> Self {
        Self { read, cache, last: RefCell::default() }
    }
}

impl NodeStore for StateNodes<'_> {
    type Error = StorageError;

    fn node(&self, id: NodeId) -> Result<Arc<StoredNode>, StorageError> {
        if let Some(node) = self.read.waiting_node(id) {
            return Ok(node);
        }
        let number = page_of(id);
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(known, _)| *known != number) {
            *last = self.cache.get(number).map(|page| (number, page));
        }
        if let Some(node) = last.as_ref().and_then(|(_, page)| page.find(id)) {
            return decode(id, node);
        }
        let page = Arc::new(read_page(self.read, number)?.ok_or_else(|| lost(id))?);
        let node = decode(id, page.find(id).ok_or_else(|| lost(id))?)?;
        self.cache.put(number, Arc::clone(&page));
        *last = Some((number, page));
        Ok(node)
    }
}

impl VersionedStore for StateNodes<'_> {}

fn decode(id: NodeId, bytes: &[u8]) -> Result<Arc<StoredNode>, StorageError> {
    let damaged = |error| StorageError::damaged(format!("state node {}", id.get()), error);
    StoredNode::from_bytes(bytes).map(Arc::new).map_err(damaged)
}

fn lost(id: NodeId) -> StorageError {
    StorageError::damaged(format!("state node {}", id.get()), "it is not stored")
}

/// A page as it is on disk.
///
/// # Errors
/// [`StorageError`] when the disk cannot be read or the bytes are no page.
pub(super) fn read_page(read: &dyn Read, number: u64) -> Result<Option<Page>, StorageError> {
    read.get(Space::Nodes, &number.to_be_bytes())?.map(|bytes| page(number, bytes)).transpose()
}

fn page(number: u64, bytes: Vec<u8>) -> Result<Page, StorageError> {
    let damaged = |error| StorageError::damaged(format!("page {number} of state nodes"), error);
    Page::from_bytes(bytes).map_err(damaged)
}

/// Ids, from this one on, of nodes that are in pages: those of some pages, if there are any.
///
/// # Errors
/// As [`read_page`].
pub(super) fn nodes_from(read: &dyn Read, first: NodeId) -> Result<Vec<NodeId>, StorageError> {
    const PAGES: usize = 4_096;
    let from = page_of(first);
    let mut ids = Vec::new();
    for (key, bytes) in read.range(Space::Nodes, &from.to_be_bytes(), &END, PAGES)? {
        let number = key.try_into().map(u64::from_be_bytes);
        let number = number
            .map_err(|key| StorageError::damaged("the key of a page of state nodes", format!("{key:?}")))?;
        ids.extend(page(number, bytes)?.ids(number).filter(|id| *id >= first));
    }
    Ok(ids)
}

/// The number of a page, and what it is now; `None` if it is gone.
pub(super) type ChangedPage = (u64, Option<Arc<Page>>);

/// Turns changes of nodes into changes of their pages, as they are on disk, and gives those.
///
/// # Errors
/// As [`read_page`].
pub(super) fn stage_pages(
    batch: &mut Batch,
    mut nodes: Vec<(NodeId, Option<Arc<StoredNode>>)>,
    disk: &dyn Read,
) -> Result<Vec<ChangedPage>, StorageError> {
    // Stable: of one id the last change stays the last.
    nodes.sort_by_key(|(id, _)| *id);
    let mut pages = Vec::new();
    for changes in nodes.chunk_by(|(one, _), (other, _)| page_of(*one) == page_of(*other)) {
        let Some((first, _)) = changes.first() else { continue };
        let number = page_of(*first);
        let before = read_page(disk, number)?;
        let encoded: Vec<_> =
            changes.iter().map(|(id, node)| (*id, node.as_ref().map(|node| node.to_bytes()))).collect();
        let page = Page::changed(before.as_ref(), encoded.iter().map(|(id, node)| (*id, node.as_deref())));
        match &page {
            Some(page) => batch.put(Space::Nodes, number.to_be_bytes(), page.bytes()),
            None if before.is_some() => batch.remove(Space::Nodes, number.to_be_bytes()),
            None => continue,
        }
        pages.push((number, page.map(Arc::new)));
    }
    Ok(pages)
}
