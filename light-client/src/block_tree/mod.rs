//! LAYER block tree management: which headers are known, which branch is best, what is final.
//!
//! **Trust and bounds.** Only headers that the engine accepted come in here. A hostile minter can seal any number of
//! blocks for its own slot, and others may build on any of them: a tree that kept the first few and no other could never
//! take a branch built on another. So the bound is on blocks that nobody built on: at most [`MAX_PER_SLOT`] of one slot are
//! without children. One more that comes by itself is refused ([`BlockTree::check_room`]); one that was asked for, because
//! something is built on it, comes in, and an earlier one goes ([`BlockTree::evict`]). Blocks with children lie on the way
//! to those without, and a block costs a slot's key its seal; everything that does not descend from the newest final block
//! is dropped when finality moves. That may take days: a block that comes in costs about the same however many are known, and
//! what a justified or final checkpoint changes is found in one pass over them.

mod header_range;
mod store;
mod tree;

pub use header_range::{HeaderProof, HeaderRange, RangeNodes, RangePeaks, RangeStore};
pub use store::{HeaderChanges, HeaderStore, MemoryStore, SavedTree, StoreError};
pub use tree::{BlockTree, Entry, Inserted, MAX_PER_SLOT, Reorganisation, TreeError};
