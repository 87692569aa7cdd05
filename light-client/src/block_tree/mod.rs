//! LAYER block tree management: which headers are known, which branch is best, what is final.
//!
//! **Trust and bounds.** Only headers that the engine accepted come in here. A hostile minter can seal many
//! blocks for its own slot: at most [`MAX_PER_SLOT`] of one slot are kept, and everything that does not descend
//! from the newest final block is dropped when finality moves.

mod header_range;
mod store;
mod tree;

pub use header_range::{HeaderProof, HeaderRange, RangeNodes, RangePeaks, RangeStore};
pub use store::{HeaderChanges, HeaderStore, MemoryStore, SavedTree, StoreError};
pub use tree::{BlockTree, Entry, Inserted, MAX_PER_SLOT, Reorganisation, TreeError};
