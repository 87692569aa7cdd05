//! LAYER transaction processing, the half with state: the pool of transactions that wait for a block.
//!
//! Execution is the business of [`logic`](crate::logic).
//!
//! # Rules
//!
//! - **Order.** Blocks take what pays most for a byte first ([`FeeRate`]); of one sender always by nonce, without gaps.
//!   A transaction therefore *ranks* no higher than the worst paying one of the same sender that comes before it.
//! - **Admission.** Every rule of the chain holds, the nonce is the next one of its account and of what waits, and the
//!   balance covers all of the sender that waits together.
//! - **Bounds** ([`Limits`]). Bytes in total; transactions and bytes of one sender, which is also how far its nonces may
//!   be ahead of its account.
//! - **Replacement.** A transaction replaces the one of the same sender and nonce if its fee is at least a tenth higher (one
//!   unit at least) and it pays no less for a byte. What comes after the replaced one stays.
//! - **Eviction.** When the pool is full, what ranks lowest leaves, the last of a sender first, for a newcomer that ranks
//!   higher than all that leaves. Otherwise the newcomer is refused, and is told the fee that would do.
//! - **Expiry.** What no block may include any more leaves, and what comes after it of the same sender.
//! - **Following the head** ([`Pool::settle`]). What is in a block leaves. What was undone comes back, before what waits
//!   of the same sender. What the account no longer covers leaves.
//! - **Disk** ([`DurablePool`]). A transaction is *accepted* when it is on disk. What waits together for that shares one
//!   write. What is undone waits on disk from the write on that undoes it. At the start all of it is checked again.
//!
//! # Trust and bounds
//!
//! Transactions come from anybody who reaches the API, and blocks that bring undone ones from minters. What they can do:
//!
//! - *Send what breaks a rule*: costs the node one check of at most 8 KiB, at worst with a signature; nothing is kept. The
//!   API limits how often a client may ask.
//! - *Fill the memory or the disk*: at most [`Limits::bytes`], on disk the same and a few thousand transactions that have
//!   left since the last write, or were undone since and have no room. Whoever fills it must own accounts that can pay for
//!   all of it, since what does not pay enough leaves first, and what does ends in blocks and pays.
//! - *Hide cheap transactions from eviction behind a dear one*: ranks see through it. *Make room with a dear one behind
//!   cheap ones*: the same.
//! - *Push out the transactions of others and then take back its own*: there is no taking back, only replacing, for more.
//!   A replacement may not spend what later ones of the sender need.
//! - *Churn*: each replacement pays a tenth more; each eviction outbids; what expires soon may leave without paying, at
//!   the price of one check and a share of one write for each, and its sender's later ones go with it.
//! - *Slow down acceptance*: writes are shared, so a flood makes them larger, not more.
//!
//! The disk is our own, and is believed to hold what was written, not that it still fits: see the start above.

mod durable;
mod error;
mod fee_rate;
mod journal;
mod pool;
mod queue;
mod settle;
#[cfg(test)]
mod tests;

pub use durable::DurablePool;
pub use error::{AddError, PoolError, PoolFault};
pub use fee_rate::FeeRate;
pub use journal::{Journal, PoolChanges, Ticket};
pub use pool::{Limits, Pool};
pub use settle::HeadChange;
