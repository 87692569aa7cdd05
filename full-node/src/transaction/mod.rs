//! LAYER transaction processing, the half with state: the pool of transactions that wait for a block.
//!
//! Execution is the business of [`logic`](crate::logic).
//!
//! **Trust and bounds.** Transactions come from anybody. Only those come in whose signature holds and whose account
//! can pay for all that it has waiting. Bytes are bounded in total and transactions by sender; when the pool is full,
//! what pays least gives way to what pays more. Everything leaves at the latest when it expires.

mod pool;

pub use pool::{AddError, Limits, Pool, PoolError};
