use borsh::{BorshDeserialize, BorshSerialize};

use super::{ChainId, Checkpoint, codec};
use crate::crypto::{Ed25519Key, Hash, KeyPair, PublicKey, Signature, SignatureError};

const VOTE_TAG: &[u8] = b"vsys/1/vote";

/// A checkpoint with the slot tables that its header commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Triple {
    /// Round and block.
    pub checkpoint: Checkpoint,
    /// The `next_slots` of that block's header.
    pub next_slots: Hash,
}

/// What a vote says: "on my best chain this later checkpoint follows from that justified one".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Link {
    /// The `justified` of the target's header.
    pub source: Triple,
    /// The checkpoint voted for.
    pub target: Triple,
}

/// A holder's signature under a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    /// What is voted for.
    pub link: Link,
    /// The Ed25519 public key that signed.
    pub minting_key: Hash,
    /// Over [`Link::message`].
    pub signature: Signature,
}

impl Link {
    /// The bytes that holders sign: a tag, the chain id and the link.
    pub fn message(&self, chain: &ChainId) -> Vec<u8> {
        [VOTE_TAG, chain.as_bytes(), &codec::encode(self)].concat()
    }

    /// Whether a certificate of this link makes its source final: the rounds follow one another.
    pub fn finalises(&self) -> bool {
        self.source.checkpoint.round.next() == self.target.checkpoint.round
    }
}

impl Vote {
    /// Signs a link with a minting key; `None` if the key is not Ed25519, the only scheme that mints.
    pub fn sign(link: Link, chain: &ChainId, key: &KeyPair) -> Option<Self> {
        let PublicKey::Ed25519(public) = key.public() else { return None };
        Some(Self { link, minting_key: Hash(public), signature: key.sign(&link.message(chain)) })
    }

    /// Checks the signature alone; whether the key may vote is the electorate's question.
    ///
    /// # Errors
    /// [`SignatureError`] if the key is unusable or did not sign this link on this chain.
    pub fn verify(&self, chain: &ChainId) -> Result<(), SignatureError> {
        Ed25519Key::parse(self.minting_key.as_bytes())?.verify(&self.link.message(chain), &self.signature)
    }
}
