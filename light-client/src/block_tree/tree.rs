use std::{
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
    root: BlockId,
    best: BlockId,
    justified: Checkpoint,
    arrivals: u64,
}

impl BlockTree {
    /// A tree that knows one final block.
    pub fn new(engine: Arc<dyn Engine>, root: SealedHeader, justified: Checkpoint) -> Self {
        let id = root.header.id();
        let entries = BTreeMap::from([(id, Entry { sealed: root, arrival: 0, weight: 0 })]);
        Self { engine, entries, root: id, best: id, justified, arrivals: 0 }
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
        let parent = sealed.header.parent;
        let Some(before) = self.entries.get(&parent).map(|entry| entry.weight) else {
            return Err(TreeError::UnknownParent { id, parent });
        };
        let weight = before.saturating_add(self.engine.weight(&sealed));
        let heavier = self.entry(&self.best)?.weight < weight;
        self.arrivals += 1;
        self.entries.insert(id, Entry { sealed, arrival: self.arrivals, weight });
        if heavier && self.descends(&id, &self.anchor()) {
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
        if self.childless(slot).len() < MAX_PER_SLOT { Ok(()) } else { Err(TreeError::SlotFull(slot)) }
    }

    /// If more than [`MAX_PER_SLOT`] blocks of a slot have no children, takes the one of them that came first out of the
    /// tree, and gives it; but neither the best nor a final or justified one, nor one that is spared.
    pub fn evict(&mut self, slot: Slot, spared: impl Fn(&BlockId) -> bool) -> Option<BlockId> {
        let childless = self.childless(slot);
        if childless.len() <= MAX_PER_SLOT {
            return None;
        }
        let kept = |id: &BlockId| [self.best, self.root, self.justified.id].contains(id) || spared(id);
        let (_, id) = childless.into_iter().filter(|(_, id)| !kept(id)).min()?;
        self.entries.remove(&id);
        Some(id)
    }

    /// The blocks of a slot that nobody built on, each with its place in the order of arrival.
    fn childless(&self, slot: Slot) -> Vec<(u64, BlockId)> {
        let of_slot = self.entries.iter().filter(|(_, entry)| entry.sealed.header.slot == slot);
        let mut blocks: Vec<(u64, BlockId)> = of_slot.map(|(id, entry)| (entry.arrival, *id)).collect();
        // Honest minters make one, and then there is nothing to look for.
        if blocks.len() >= MAX_PER_SLOT {
            let parents: BTreeSet<&BlockId> =
                self.entries.values().map(|entry| &entry.sealed.header.parent).collect();
            blocks.retain(|(_, id)| !parents.contains(id));
        }
        blocks
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
        if !self.descends(&id, &self.root) {
            return Err(TreeError::LeavesFinal { asked: id, root: self.root });
        }
        let path: Vec<BlockId> = self.ancestors(&id).map(|(ancestor, _)| ancestor).collect();
        let keep: Vec<BlockId> =
            self.entries.keys().copied().filter(|known| self.descends(known, &id)).collect();
        let gone: Vec<BlockId> = self.entries.keys().copied().filter(|known| !keep.contains(known)).collect();
        self.entries.retain(|known, _| keep.contains(known));
        self.root = id;
        self.choose();
        // Final ancestors leave the tree but stay in the store.
        let dropped = gone.into_iter().filter(|known| !path.contains(known)).collect();
        Ok(HeaderChanges { dropped, finalised: Some(id), ..HeaderChanges::default() })
    }

    /// Begins anew with a block that people decided to go on from: it is final and justified, whatever was justified before,
    /// and everything else is dropped, its descendants too.
    ///
    /// # Errors
    /// [`TreeError::Unknown`] unless the block is known after the newest final one, or is that.
    pub fn recover(&mut self, checkpoint: Checkpoint) -> Result<HeaderChanges, TreeError> {
        self.entry(&checkpoint.id)?;
        let path: Vec<BlockId> = self.ancestors(&checkpoint.id).map(|(ancestor, _)| ancestor).collect();
        let dropped = self.entries.keys().copied().filter(|known| !path.contains(known)).collect();
        self.entries.retain(|known, _| *known == checkpoint.id);
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
        self.headers().filter(move |sealed| sealed.header.slot == slot)
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
        let undo: Vec<BlockId> =
            self.ancestors(from).map(|(id, _)| id).take_while(|id| !self.descends(to, id)).collect();
        let mut apply: Vec<BlockId> =
            self.ancestors(to).map(|(id, _)| id).take_while(|id| !self.descends(from, id)).collect();
        apply.reverse();
        Ok(Reorganisation { undo, apply })
    }

    /// The block that the best branch must contain.
    fn anchor(&self) -> BlockId {
        // A checkpoint justified before the newest final block is an ancestor of it.
        if self.entries.contains_key(&self.justified.id) { self.justified.id } else { self.root }
    }

    /// Among all blocks on the branch of the highest justified checkpoint: the greatest weight, then first seen.
    fn choose(&mut self) {
        let anchor = self.anchor();
        // A best block that stays on the branch is left only for a strictly heavier one.
        let stays = self.entries.contains_key(&self.best) && self.descends(&self.best, &anchor);
        let mut best = if stays { self.best } else { anchor };
        let weight = |tree: &Self, id: &BlockId| tree.entries.get(id).map(|entry| entry.weight);
        let mut candidates: Vec<(&BlockId, &Entry)> = self.entries.iter().collect();
        candidates.sort_by_key(|(_, entry)| entry.arrival);
        for (id, entry) in candidates {
            if Some(entry.weight) > weight(self, &best) && self.descends(id, &anchor) {
                best = *id;
            }
        }
        self.best = best;
    }
}
