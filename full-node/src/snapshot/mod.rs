//! A state that travels: how a node gives the state after a final block away, and how another one starts from it.
//!
//! [`Base`] is what going on from the block takes, besides its state; the state itself travels as its entries by rank,
//! each piece with its proof against the header's `state_root`. Who asks whom for what is decided elsewhere
//! ([`crate::network::snapshot`]); here is what the bytes mean.
//!
//! **What is there afterwards.** The state after the block, the headers of the rounds before it, and every block from
//! then on. Not there: older blocks with their transactions, and the history records of accounts from before. Asked for
//! those the node says that it does not keep them; it never answers as if there were none.
//!
//! **Trust and bounds.** What arrives is a claim until it is checked: the base hangs on the block's id, which is proven
//! final before; each piece on the state root. Nothing is stored before it is checked. A base has at most
//! [`MAX_BASE_BYTES`], a piece at most [`MAX_PIECE_BYTES`]; both are bounded where they are decoded.

mod base;
mod install;
mod pieces;

pub use base::{Base, BaseError, Checked};
pub use install::{InstallError, install};
pub use pieces::{PieceError, Pieces, serve};

/// Bytes of a base, at most.
pub const MAX_BASE_BYTES: usize = 4 << 20;
/// Bytes of a proven piece of the state, at most.
pub const MAX_PIECE_BYTES: usize = 4 << 20;

#[cfg(test)]
pub(crate) mod tests;
