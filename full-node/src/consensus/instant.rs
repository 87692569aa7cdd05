//! One sealer, for development: a block whenever there is something to put into it.

use light_client::{
    crypto::{Hash, KeyPair, PublicKey},
    data_format::Time,
    transaction::CheckedTransaction,
};

use super::{Minted, Minter};
use crate::{
    block_tree::{BlockError, Chain, Draft},
    node::MintingKey,
    storage::{Snapshot, StorageError},
};

/// Makes a block whenever there is something to put into it.
///
/// A block is on disk before anybody hears of it, so a crash seals nothing twice; a data folder brought back from a copy
/// would.
pub struct Sealer {
    /// `None` only follows.
    key: Option<KeyPair>,
}

impl Sealer {
    /// The one who seals, or without the key somebody who follows.
    pub const fn new(key: Option<KeyPair>) -> Self {
        Self { key }
    }

    fn public(&self) -> Option<Hash> {
        self.key.as_ref().map(|key| match key.public() {
            PublicKey::Ed25519(bytes) | PublicKey::Curve25519(bytes) => Hash(bytes),
        })
    }
}

impl Minter for Sealer {
    fn keys(&self) -> Vec<Hash> {
        self.public().into_iter().collect()
    }

    fn states(&self, _: &Chain, _: &Snapshot) -> Result<Vec<MintingKey>, StorageError> {
        let state = |key| MintingKey { key, in_force: true, planned: false, waits: false };
        Ok(self.public().into_iter().map(state).collect())
    }

    fn mint(
        &mut self,
        chain: &mut Chain,
        now: Time,
        candidates: &dyn Fn() -> Vec<CheckedTransaction>,
    ) -> Result<Option<Minted>, BlockError> {
        let (Some(key), Some(slot)) = (&self.key, chain.engine().clock().slot_at(now)) else {
            return Ok(None);
        };
        if slot <= chain.head().header.slot {
            return Ok(None);
        }
        let transactions = candidates();
        if transactions.is_empty() {
            return Ok(None);
        }
        let (prepared, skipped) =
            chain.build(slot, Draft::with(None), &transactions, |message| key.sign(message))?;
        if prepared.outcomes().is_empty() {
            return Ok(Some(Minted { skipped, ..Minted::default() }));
        }
        let header = &prepared.block().header.header;
        tracing::info!(height = header.height.0, transactions = header.transactions_count, "sealed a block");
        Ok(Some(Minted { accepted: chain.accept(prepared, now)?, skipped }))
    }
}
