//! Proof of work in a node: looking for the number that makes a block valid.

use light_client::{
    consensus::{Clock, ProofOfWork},
    crypto::Hash,
    data_format::{Address, Time, TransactionId},
    transaction::{CheckedTransaction, TransactionError},
};

use super::{Minted, Minter};
use crate::{
    block_tree::{BlockError, Chain, Draft, Prepared},
    node::MintingKey,
    storage::{Snapshot, StorageError},
};

/// Hashes before others get their turn: a few milliseconds.
const TRIES: u64 = 1 << 14;
/// How long a block without its seal is kept before new transactions get a chance, in milliseconds.
const FRESH_MS: u64 = 1_000;

/// Looks for the work that makes a block valid, with one core.
pub struct Miner {
    engine: ProofOfWork,
    /// `None` only follows.
    payee: Option<Address>,
    open: Option<Open>,
}

/// A block that lacks only its seal.
struct Open {
    prepared: Prepared,
    skipped: Vec<(TransactionId, TransactionError)>,
    /// It fits to the chain of that moment alone.
    arrivals: u64,
    since: Time,
    difficulty: u64,
    nonce: u64,
}

impl Miner {
    /// A miner that is paid at `payee`.
    pub const fn new(engine: ProofOfWork, payee: Option<Address>) -> Self {
        Self { engine, payee, open: None }
    }

    fn open(
        &self,
        chain: &Chain,
        payee: &Address,
        now: Time,
        candidates: &dyn Fn() -> Vec<CheckedTransaction>,
    ) -> Result<Option<Open>, BlockError> {
        let Some(slot) = chain.engine().clock().slot_at(now) else { return Ok(None) };
        let parent = &chain.head().header;
        if slot <= parent.slot {
            return Ok(None);
        }
        let draft = Draft { certificate: None, seal: ProofOfWork::unsealed(payee) };
        let unsealed = draft.seal;
        let (prepared, skipped) = chain.build(slot, draft, &candidates(), |_| unsealed)?;
        let difficulty = self.engine.difficulty_after(parent);
        Ok(Some(Open { prepared, skipped, arrivals: chain.arrivals(), since: now, difficulty, nonce: 0 }))
    }
}

impl Minter for Miner {
    fn keys(&self) -> Vec<Hash> {
        Vec::new()
    }

    fn states(&self, _: &Chain, _: &Snapshot) -> Result<Vec<MintingKey>, StorageError> {
        Ok(Vec::new())
    }

    fn mint(
        &mut self,
        chain: &mut Chain,
        now: Time,
        candidates: &dyn Fn() -> Vec<CheckedTransaction>,
    ) -> Result<Option<Minted>, BlockError> {
        let Some(payee) = self.payee else { return Ok(None) };
        let stays = |open: &Open| open.arrivals == chain.arrivals() && now.ms_since(open.since) < FRESH_MS;
        let open = match self.open.take().filter(stays) {
            Some(open) => open,
            None => match self.open(chain, &payee, now, candidates)? {
                Some(open) => open,
                None => return Ok(None),
            },
        };
        let id = *open.prepared.id();
        let mut nonces = open.nonce..open.nonce.saturating_add(TRIES);
        let Some(seal) = nonces.find_map(|nonce| self.engine.seal(&id, open.difficulty, &payee, nonce))
        else {
            self.open = Some(Open { nonce: open.nonce.saturating_add(TRIES), ..open });
            return Ok(None);
        };
        let Open { mut prepared, skipped, difficulty, .. } = open;
        prepared.seal(seal);
        let height = prepared.block().header.header.height;
        tracing::info!(height = height.0, difficulty, block = %id, "found a block");
        Ok(Some(Minted { accepted: chain.accept(prepared, now)?, skipped }))
    }

    /// At once, while there is work to look for.
    fn next(&self, clock: &Clock, now: Time) -> Time {
        if self.open.is_some() {
            return now;
        }
        let next = clock.slot_at(now).map_or(0, |slot| slot.0 + 1);
        clock.start(light_client::data_format::Slot(next))
    }
}
