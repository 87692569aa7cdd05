//! State nodes on disk and in memory: pages of up to 32 nodes with neighbouring ids.
//!
//! A block makes tens of thousands of state nodes with rising ids, those of a subtree one after another, and makes about as
//! many of earlier blocks superfluous. A record for each would cost the database an insertion and a removal for each; a
//! record with many costs hardly more than one with one, and who goes down a path finds the next node in the same page.
//! Nodes that are removed leave their page at once, and a page without nodes is removed: nothing is kept that is not used.
//!
//! A page is the number of its nodes (one byte); for each, in rising order, its place (one byte: the id's last five bits)
//! and where it ends, counted from the first node's first byte (32 bits, little-endian); and the nodes, one after another.

use light_client::state::NodeId;

/// Ids in a page.
const PLACES: usize = 32;
/// Bytes of an entry of the directory.
const ENTRY: usize = 5;

/// Nodes whose ids differ in their last five bits only. Which of the ids have a node is seen; nodes never change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page(Box<[u8]>);

/// Bytes that are no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a page of state nodes has no valid directory")]
pub(super) struct DamagedPage;

/// The number of the page that a node is in.
pub(super) const fn page_of(id: NodeId) -> u64 {
    id.get() / PLACES as u64
}

/// Below [`PLACES`].
const fn place_of(id: NodeId) -> u8 {
    (id.get() % PLACES as u64) as u8
}

impl Page {
    /// A page from its bytes.
    ///
    /// # Errors
    /// [`DamagedPage`] if its directory is not that of a page; what the nodes are is not looked at.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Result<Self, DamagedPage> {
        let page = Self(bytes.into());
        let data = page.0.len().checked_sub(page.data_start()).ok_or(DamagedPage)?;
        let (mut next, mut start) = (0, 0);
        for (place, end) in page.directory() {
            if usize::from(place) < next || end < start {
                return Err(DamagedPage);
            }
            (next, start) = (usize::from(place) + 1, end);
        }
        if next == 0 || next > PLACES || start != data { Err(DamagedPage) } else { Ok(page) }
    }

    /// Its bytes.
    pub(super) const fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes of a node of this page, if it is here.
    pub(super) fn find(&self, id: NodeId) -> Option<&[u8]> {
        let wanted = place_of(id);
        self.nodes().find(|(place, _)| *place == wanted).map(|(_, node)| node)
    }

    /// The ids of its nodes, if this is its number.
    pub(super) fn ids(&self, number: u64) -> impl Iterator<Item = NodeId> {
        let id = move |place| NodeId::new(number.checked_mul(PLACES as u64)?.checked_add(u64::from(place))?);
        self.directory().filter_map(move |(place, _)| id(place))
    }

    /// How many nodes it has, from 1.
    pub(super) fn len(&self) -> usize {
        self.0.first().map_or(0, |count| usize::from(*count))
    }

    /// The page after changes of its nodes, of which `None` removes; of one id the last counts. `None` if no node is left.
    pub(super) fn changed<'a>(
        before: Option<&'a Self>,
        changes: impl Iterator<Item = (NodeId, Option<&'a [u8]>)>,
    ) -> Option<Self> {
        let mut nodes: [Option<&[u8]>; PLACES] = [None; PLACES];
        for (place, node) in before.into_iter().flat_map(Self::nodes) {
            nodes[usize::from(place)] = Some(node);
        }
        for (id, node) in changes {
            nodes[usize::from(place_of(id))] = node;
        }
        let count = nodes.iter().flatten().count();
        let length: usize = nodes.iter().flatten().map(|node| node.len()).sum();
        let mut bytes = Vec::with_capacity(1 + count * ENTRY + length);
        // At most 32.
        bytes.push(count as u8);
        let mut end = 0_u32;
        for (place, node) in (0_u8..).zip(&nodes) {
            let Some(node) = node else { continue };
            // 32 nodes of 64 KiB and a little at most.
            end += node.len() as u32;
            bytes.push(place);
            bytes.extend(end.to_le_bytes());
        }
        nodes.iter().flatten().for_each(|node| bytes.extend(*node));
        (count > 0).then(|| Self(bytes.into()))
    }

    fn data_start(&self) -> usize {
        1 + self.len() * ENTRY
    }

    /// The place of each node, and where it ends.
    fn directory(&self) -> impl Iterator<Item = (u8, usize)> {
        let entries = self.0.get(1..self.data_start()).unwrap_or_default();
        entries
            .as_chunks::<ENTRY>()
            .0
            .iter()
            .map(|[place, end @ ..]| (*place, u32::from_le_bytes(*end) as usize))
    }

    fn nodes(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let data = &self.0[self.data_start()..];
        let mut start = 0;
        self.directory().map(move |(place, end)| (place, &data[std::mem::replace(&mut start, end)..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> NodeId {
        NodeId::new(number).unwrap()
    }

    fn changed(before: Option<&Page>, changes: &[(u64, Option<&[u8]>)]) -> Option<Page> {
        Page::changed(before, changes.iter().map(|(number, node)| (id(*number), *node)))
    }

    #[test]
    fn a_page_has_what_was_put_and_not_removed() {
        assert_eq!([page_of(id(31)), page_of(id(32)), page_of(id(63)), page_of(id(64))], [0, 1, 1, 2]);
        let page = changed(None, &[(33, Some(b"a")), (63, Some(b"")), (63, Some(b"bc"))]).unwrap();
        assert_eq!((page.len(), page.find(id(33)), page.find(id(34))), (2, Some(&b"a"[..]), None));
        let page =
            changed(Some(&page), &[(33, None), (34, Some(b"d")), (35, None), (36, Some(b""))]).unwrap();
        assert_eq!(page.find(id(33)), None);
        assert_eq!([34, 36, 63].map(|number| page.find(id(number)).unwrap()), [&b"d"[..], b"", b"bc"]);
        assert_eq!(Page::from_bytes(page.bytes().to_vec()), Ok(page.clone()));
        assert_eq!(changed(Some(&page), &[(34, None), (36, None), (63, None)]), None);
    }

    #[test]
    fn bytes_that_are_no_page_are_an_error() {
        let bytes = changed(None, &[(1, Some(b"one")), (2, Some(b"two"))]).unwrap().bytes().to_vec();
        for end in 0..bytes.len() {
            assert_eq!(Page::from_bytes(bytes[..end].to_vec()), Err(DamagedPage), "{end} bytes");
        }
        assert_eq!(Page::from_bytes([&bytes[..], b"x"].concat()), Err(DamagedPage));
        // No nodes; places in another order; a place that there is not; an end before its start.
        for (at, byte) in [(0, 0), (1, 2), (6, 32), (2, 7)] {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            assert_eq!(Page::from_bytes(bytes), Err(DamagedPage), "byte {at}");
        }
    }
}
