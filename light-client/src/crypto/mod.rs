//! Hashes, keys and signatures: newtypes over vetted crates, nothing of our own but the domain tags.
//!
//! **Trust and bounds.** Everything here has a fixed size. A public key or a signature from outside is only
//! bytes until [`PublicKey::verify`] has accepted it; verification is always strict (no small-order keys, no
//! malleable `S`), so that every node gives the same answer. Only what everybody has agreed on already may be checked
//! by `are_genuine` instead, which is not that strict.

#[cfg(feature = "batch")]
mod batch;
mod hash;
mod keys;
#[cfg(test)]
mod tests;
mod vsystems;

#[cfg(feature = "batch")]
pub use batch::{KnownKeys, are_genuine};
pub use hash::{Domain, Hash};
pub use keys::{Ed25519Key, KeyPair, PublicKey, Scheme, Signature, SignatureError};
pub use vsystems::{VsystemsKey, account_seed, address_hash};
