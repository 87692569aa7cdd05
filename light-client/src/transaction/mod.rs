//! LAYER transaction processing, stateless half: what can be said of a transaction without the state, and the
//! rules that need no more of the state than one account.
//!
//! One rule is one function, one variant of [`TransactionError`], one rule id ([`TransactionError::rule`]) and one
//! stable code ([`TransactionError::code`]). The wallet runs them before it signs, the pool before it keeps, the
//! block before it executes: the same functions, so the same words everywhere.
//!
//! - [`check_stateless`] turns bytes that merely decoded into a [`CheckedTransaction`]; later phases take only that.
//! - [`check_in_block`] does so for a block, where evidence may stand without anybody's signature.
//! - [`check_includable`] is consensus: whether a block at a height may include it.
//! - [`check_against_account`] is admission: whether a pool should keep it and a wallet should sign it. It also
//!   refuses what would be included, charged, and fail.
//! - [`Transfer`] drafts a transaction that passes all of them.
//!
//! **Trust and bounds.** Anybody may send a transaction. [`Submission::decode`] refuses more than
//! [`MAX_SUBMISSION_BYTES`] before it allocates; every rule costs at most the length of the transaction, and the
//! signature, the one costly check, comes last. An [`AccountView`] is a claim or a proof: that is the caller's to
//! know, the rules only compute.

mod account;
mod checked;
mod draft;
mod error;
mod rules;
mod submission;
#[cfg(test)]
mod tests;

pub use account::{AccountView, check_against_account, check_includable, check_unexpired};
#[cfg(feature = "batch")]
pub use checked::check_final;
pub(crate) use checked::check_signed_bytes;
pub use checked::{
    CheckedTransaction, check_content, check_in_block, check_stateless, check_unsigned_report,
};
pub use draft::{Transfer, maximum_transfer};
pub use error::{RULES, TransactionError};
pub use submission::{MAX_SUBMISSION_BYTES, Submission};
