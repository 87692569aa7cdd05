use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::store::{HeaderChanges, SavedTree};
use crate::{
    consensus::Engine,
    data_format::{BlockId, Checkpoint, Header, Height, SealedHeader, Slot},
};

/// Blocks of one slot without children that are kept, at most. Two prove that their minter broke the rules.
pub const MAX_PER_SLOT: usize = 4;

/// A known header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The header with its seal.
    pub sealed: SealedHeader,
    /// When it came in, counted in headers: the first seen of two equals stays best.
    pub arrival: u64,
    /// The weight of its branch, from the root that the tree began with: what it and its ancestors add by the engine.
    pub weight: u128,
    /// Known blocks that were built on it.
    children: u32,
    /// Whether it is the block that the best branch must contain, or descends from it.
    follows: bool,
}

/// What an insertion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It was known already.
    Known,
    /// It is known now; the best block is the same.
    Aside,
    /// It is the new best block.
    Best,
}

/// A header that does not fit into the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Its parent is not known, or lies before the newest final block.
    #[error("the parent {parent} of block {id} is not known after the newest final block")]
    UnknownParent {
        /// The block.
        id: BlockId,
        /// Its parent.
        parent: BlockId,
    },
    /// Enough blocks of this slot are known on which nobody built.
    #[error("{MAX_PER_SLOT} blocks of slot {0} on which nobody built are known already")]
    SlotFull(Slot),
    /// A block that is not known was named.
    #[error("block {0} is not known")]
    Unknown(BlockId),
    /// A final block would have to be left.
    #[error("block {asked} does not descend from the final block {root}")]
    LeavesFinal {
        /// The block asked for.
        asked: BlockId,
        /// The newest final block.
        root: BlockId,
    },
}

/// The way from one block to another: undo these, then apply those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reorganisation {
    /// Blocks to undo, newest first.
    pub undo: Vec<BlockId>,
    /// Blocks to apply, oldest first.
    pub apply: Vec<BlockId>,
}

/// All known headers from the newest final block on, and which of them is best.
#[derive(Clone, Debug)]
pub struct BlockTree {
    engine: Arc<dyn Engine>,
    entries: BTreeMap<BlockId, Entry>,
    /// The same blocks by slot.
    slots: BTreeSet<(Slot, BlockId)>,
    root: BlockId,
    best: BlockId,
    justified: Checkpoint,
    arrivals: u64,
}

impl BlockTree {
    /// A tree that knows one final block.
    pub fn new(engine: Arc<dyn Engine>, root: SealedHeader, justified: Checkpoint) -> Self {
        let id = root.header.id();
        let slots = BTreeSet::from([(root.header.slot, id)]);
        let entry = Entry { sealed: root, arrival: 0, weight: 0, children: 0, follows: true };
        let entries = BTreeMap::from([(id, entry)]);
        Self { engine, entries, slots, root: id, best: id, justified, arrivals: 0 }
    }

    /// The tree that a store saved.
    ///
    /// # Errors
    /// [`TreeError`] if the saved headers are not a tree.
    pub fn restore(engine: Arc<dyn Engine>, saved: SavedTree) -> Result<Self, TreeError> {
        let mut tree = Self::new(engine, saved.root, saved.justified);
        for sealed in saved.descendants {
            let id = sealed.header.id();
            tree.insert(id, sealed)?;
        }
        // Blocks that came before the justified one may be on a heavier branch without it.
        tree.choose();
        Ok(tree)
    }

    /// Takes a header that the engine accepted, however many of its slot there are: see [`BlockTree::check_room`] and
    /// [`BlockTree::evict`].
    ///
    /// # Errors
    /// [`TreeError`] if its parent is unknown; the tree is unchanged then.
    pub fn insert(&mut self, id: BlockId, sealed: SealedHeader) -> Result<Inserted, TreeError> {
        if self.entries.contains_key(&id) {
            return Ok(Inserted::Known);
        }
        let best = self.entry(&self.best)?.weight;
        let parent = sealed.header.parent;
        let Some(before) = self.entries.get_mut(&parent) else {
            return Err(TreeError::UnknownParent { id, parent });
        };
        before.children += 1;
        let weight = before.weight.saturating_add(self.engine.weight(&sealed));
        let follows = before.follows;
        self.arrivals += 1;
        self.slots.insert((sealed.header.slot, id));
        self.entries.insert(id, Entry { sealed, arrival: self.arrivals, weight, children: 0, follows });
        if id == self.justified.id {
            // What came before it is not on its branch.
            self.mark(&id);
        }
        if weight > best && follows {
            self.best = id;
            return Ok(Inserted::Best);
        }
        Ok(Inserted::Aside)
    }

    /// Whether one more block of a slot may come by itself.
    ///
    /// # Errors
    /// [`TreeError::SlotFull`] if [`MAX_PER_SLOT`] blocks of it have no children.
    pub fn check_room(&self, slot: Slot) -> Result<(), TreeError> {
        if self.childless(slot).count() < MAX_PER_SLOT { Ok(()) } else { Err(TreeError::SlotFull(slot)) }
    }

    /// If more than [`MAX_PER_SLOT`] blocks of a slot have no children, takes the one of them that came first out of the
    /// tree, and gives it; but neither the best nor a final or justified one, nor one that is spared.
    pub fn evict(&mut self, slot: Slot, spared: impl Fn(&BlockId) -> bool) -> Option<BlockId> {
        if self.childless(slot).count() <= MAX_PER_SLOT {
            return None;
        }
        let kept = |id: &BlockId| [self.best, self.root, self.justified.id].contains(id) || spared(id);
        let (_, id) = self.childless(slot).filter(|(_, id)| !kept(id)).min()?;
        let gone = self.entries.remove(&id)?;
        self.slots.remove(&(slot, id));
        if let Some(parent) = self.entries.get_mut(&gone.sealed.header.parent) {
            parent.children -= 1;
        }
        Some(id)
    }

    /// The blocks of a slot that nobody built on, each with its place in the order of arrival.
    fn childless(&self, slot: Slot) -> impl Iterator<Item = (u64, BlockId)> {
        let childless = self.in_slot(slot).filter(|(_, entry)| entry.children == 0);
        childless.map(|(id, entry)| (entry.arrival, *id))
    }

    fn in_slot(&self, slot: Slot) -> impl Iterator<Item = (&BlockId, &Entry)> {
        let from = self.slots.range((slot, BlockId::ZERO)..);
        let blocks = from.take_while(move |(other, _)| *other == slot);
        blocks.filter_map(move |(_, id)| self.entries.get_key_value(id))
    }

    /// Notes a justified checkpoint whose block is known, if it is higher than the highest so far.
    ///
    /// # Errors
    /// [`TreeError::Unknown`] if the block is not known.
    pub fn justify(&mut self, checkpoint: Checkpoint) -> Result<bool, TreeError> {
        self.entry(&checkpoint.id)?;
        let higher = checkpoint.round > self.justified.round;
        if higher {
            self.justified = checkpoint;
            self.choose();
        }
        Ok(higher)
    }

    /// Makes a block final and drops everything that does not descend from it.
    ///
    /// # Errors
    /// [`TreeError`] if the block is unknown or does not descend from the newest final one.
    pub fn finalise(&mut self, id: BlockId) -> Result<HeaderChanges, TreeError> {
        self.entry(&id)?;
        if id == self.root {
            return Ok(HeaderChanges::default());
        }
        let path = self.path(&id);
        if !path.contains(&self.root) {
            return Err(TreeError::LeavesFinal { asked: id, root: self.root });
        }
        self.mark(&id);
        let gone = self.entries.iter().filter(|(_, entry)| !entry.follows).map(|(known, _)| *known);
        // Final ancestors leave the tree but stay in the store.
        let dropped = gone.filter(|known| !path.contains(known)).collect();
        self.entries.retain(|_, entry| entry.follows);
        self.slots.retain(|(_, known)| self.entries.contains_key(known));
        self.root = id;
        self.choose();
        Ok(HeaderChanges { dropped, finalised: Some(id), ..HeaderChanges::default() })
    }

    /// Begins anew with a block that people decided to go on from: it is final and justified, whatever was justified before,
    /// and everything else is dropped, its descendants too.
    ///
    /// # Errors
    /// [`TreeError::Unknown`] unless the block is known after the newest final one, or is that.
    pub fn recover(&mut self, checkpoint: Checkpoint) -> Result<HeaderChanges, TreeError> {
        let slot = self.entry(&checkpoint.id)?.sealed.header.slot;
        let path = self.path(&checkpoint.id);
        let dropped = self.entries.keys().copied().filter(|known| !path.contains(known)).collect();
        self.entries.retain(|known, _| *known == checkpoint.id);
        self.entries.values_mut().for_each(|entry| (entry.children, entry.follows) = (0, true));
        self.slots = BTreeSet::from([(slot, checkpoint.id)]);
        (self.root, self.best, self.justified) = (checkpoint.id, checkpoint.id, checkpoint);
        let (finalised, justified) = (Some(checkpoint.id), Some(checkpoint));
        Ok(HeaderChanges { dropped, finalised, justified, ..HeaderChanges::default() })
    }

    /// The newest final block.
    pub fn root(&self) -> &BlockId {
        &self.root
    }

    /// The best block: on a branch with the highest justified checkpoint, with the greatest weight, first seen.
    pub fn best(&self) -> &BlockId {
        &self.best
    }

    /// The highest justified checkpoint.
    pub const fn justified(&self) -> &Checkpoint {
        &self.justified
    }

    /// A known header.
    ///
    /// # Errors
    /// [`TreeError::Unknown`] if it is not known (any more).
    pub fn entry(&self, id: &BlockId) -> Result<&Entry, TreeError> {
        self.entries.get(id).ok_or(TreeError::Unknown(*id))
    }

    /// All known headers, in no order that means anything.
    pub fn headers(&self) -> impl Iterator<Item = &SealedHeader> {
        self.entries.values().map(|entry| &entry.sealed)
    }

    /// The known headers of a slot.
    pub fn of_slot(&self, slot: Slot) -> impl Iterator<Item = &SealedHeader> {
        self.in_slot(slot).map(|(_, entry)| &entry.sealed)
    }

    /// Known headers.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Never: the newest final block is always known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The block itself and its known ancestors, newest first, down to the newest final one.
    pub fn ancestors<'a>(&'a self, id: &BlockId) -> impl Iterator<Item = (BlockId, &'a Header)> + 'a {
        let mut next = Some(*id);
        std::iter::from_fn(move || {
            let id = next?;
            let header = &self.entries.get(&id)?.sealed.header;
            next = Some(header.parent);
            Some((id, header))
        })
    }

    /// The newest ancestor of `id` (itself included) with a slot before `slot`; `None` if that lies before the
    /// newest final block.
    pub fn last_before(&self, id: &BlockId, slot: Slot) -> Option<(BlockId, &Header)> {
        self.ancestors(id).find(|(_, header)| header.slot < slot)
    }

    /// The ancestor of `id` at a height; `None` if not known.
    pub fn at_height(&self, id: &BlockId, height: Height) -> Option<BlockId> {
        self.ancestors(id).find(|(_, header)| header.height == height).map(|(id, _)| id)
    }

    /// Whether `id` is `ancestor` or descends from it.
    pub fn descends(&self, id: &BlockId, ancestor: &BlockId) -> bool {
        self.ancestors(id).any(|(known, _)| known == *ancestor)
    }

    /// The way from one known block to another.
    ///
    /// # Errors
    /// [`TreeError::Unknown`] if one of them is not known.
    pub fn way(&self, from: &BlockId, to: &BlockId) -> Result<Reorganisation, TreeError> {
        self.entry(from)?;
        self.entry(to)?;
        let (mut undo, mut apply) = (Vec::new(), Vec::new());
        let (mut behind, mut ahead) = (*from, *to);
        while behind != ahead {
            let (back, forth) = (self.entry(&behind)?, self.entry(&ahead)?);
            // Every block came after its parent, so the later one of two is no ancestor of the other.
            if back.arrival > forth.arrival {
                undo.push(behind);
                behind = back.sealed.header.parent;
            } else {
                apply.push(ahead);
                ahead = forth.sealed.header.parent;
            }
        }
        apply.reverse();
        Ok(Reorganisation { undo, apply })
    }

    /// The ids of [`BlockTree::ancestors`].
    fn path(&self, id: &BlockId) -> BTreeSet<BlockId> {
        self.ancestors(id).map(|(ancestor, _)| ancestor).collect()
    }

    /// The block that the best branch must contain.
    fn anchor(&self) -> BlockId {
        // A checkpoint justified before the newest final block is an ancestor of it.
        if self.entries.contains_key(&self.justified.id) { self.justified.id } else { self.root }
    }

    /// Notes of every block whether it is this one or descends from it.
    fn mark(&mut self, anchor: &BlockId) {
        let places = self.entries.iter().map(|(id, entry)| (entry.arrival, *id, entry.sealed.header.parent));
        let mut places: Vec<(u64, BlockId, BlockId)> = places.collect();
        // Every block came after its parent.
        places.sort_unstable();
        for (_, id, parent) in places {
            let follows = id == *anchor || self.entries.get(&parent).is_some_and(|parent| parent.follows);
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.follows = follows;
            }
        }
    }

    /// Among all blocks on the branch of the highest justified checkpoint: the greatest weight, then first seen.
    fn choose(&mut self) {
        debug_assert_eq!(self.slots.len(), self.entries.len(), "every known block is in its slot");
        let anchor = self.anchor();
        self.mark(&anchor);
        let branch = self.entries.iter().filter(|(_, entry)| entry.follows);
        // A best block that stays on the branch is left only for a strictly heavier one.
        let best = branch.max_by_key(|(id, entry)| (entry.weight, **id == self.best, Reverse(entry.arrival)));
        self.best = best.map_or(anchor, |(id, _)| *id);
    }
}
