//! LAYER block tree management, the durable half: the chain on disk, its best branch, and what is final.
//!
//! A block is checked wholly when it arrives, on whatever branch it is: the header by the engine, the certificate
//! against the branch, every commitment by executing the transactions on the parent's version of the state. Versions
//! share their nodes, so branches lie side by side on disk, and moving between them changes only indexes: each block
//! keeps exactly what it adds to them ([`Effects`](crate::storage::Effects)), which undoing removes again. The write that undoes
//! a block also has its transactions wait, unless they are on the new branch: from then on the block may be deleted.
//!
//! **Trust and bounds.** Blocks come from anybody who holds a slot. At most
//! [`MAX_PER_SLOT`](light_client::block_tree::MAX_PER_SLOT) blocks of a slot are kept on which nobody built, each of at most
//! [`MAX_BLOCK_BYTES`](light_client::data_format::MAX_BLOCK_BYTES): what is told besides is refused before it is executed,
//! what is fetched takes the place of another. Those that do not descend from the newest final block are deleted. A final block is never left. Each block is one atomic write; if that fails, the chain
//! stands still until it is opened again, because memory may be ahead of the disk.

mod accept;
mod chain;
mod check;
mod error;
mod leap;
mod prune;
mod recovery;
mod signatures;

pub use accept::Accepted;
pub use chain::{Chain, Head};
pub use check::{Draft, Known, Prepared};
pub use error::BlockError;
pub use recovery::{RecoveryError, RecoveryStage};
