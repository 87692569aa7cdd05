use light_client::{
    consensus::{Clock, ProofOfWork, spos::Block},
    crypto::{Hash, KeyPair, PublicKey},
    data_format::{
        Address, BlockId, ChainSpec, Checkpoint, EngineSpec, Evidence, SignedTransaction, Slot, Time,
        TransactionId,
    },
    transaction::{CheckedTransaction, TransactionError},
};

use super::{instant::Sealer, proof_of_work::Miner, spos::Holder};
use crate::{
    block_tree::{Accepted, BlockError, Chain},
    node::{MintingKey, OpenError},
    storage::{Snapshot, StorageError},
};

/// What a node does to make blocks, and to make them final: the active half of a consensus model.
///
/// The time is an argument everywhere. Asking twice at the same time does nothing twice.
pub trait Minter: Send {
    /// The public halves of the keys it signs with.
    fn keys(&self) -> Vec<Hash>;

    /// Keys that it was given and does not use any more: nobody needs what they sign, and only a forger could use them. Their
    /// secrets are wiped.
    fn retired(&self) -> &[Hash] {
        &[]
    }

    /// What each of its keys may do after the head.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    fn states(&self, chain: &Chain, snapshot: &Snapshot) -> Result<Vec<MintingKey>, StorageError>;

    /// Takes note of the chain as it is when the node starts.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    fn begin(&mut self, _chain: &Chain) -> Result<(), BlockError> {
        Ok(())
    }

    /// Takes note of a block of somebody else that is in the tree now.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    fn saw(&mut self, _chain: &Chain, _id: &BlockId, _block: &Block, _now: Time) -> Result<(), BlockError> {
        Ok(())
    }

    /// What it knows of keys that signed what excludes each other and that are not punished for it.
    fn evidence(&self) -> Vec<Evidence> {
        Vec::new()
    }

    /// Takes evidence of somebody else. Where nobody is punished nobody wants it.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    fn accuse(&mut self, _chain: &Chain, _evidence: &Evidence, _now: Time) -> Result<Accused, BlockError> {
        Ok(Accused::Unwanted)
    }

    /// Evidence that others are to be told now: what is new, and once a round all of it, until it is settled.
    fn accusations(&mut self, _chain: &Chain, _now: Time) -> Vec<SignedTransaction> {
        Vec::new()
    }

    /// Casts the votes that are due.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    fn vote(&mut self, _chain: &Chain, _now: Time) -> Result<Vec<Ballot>, BlockError> {
        Ok(Vec::new())
    }

    /// Takes votes of others; says what each of them is. Without votes nobody has one.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    fn hear(&mut self, _chain: &Chain, votes: &[Vec<u8>], _now: Time) -> Result<Vec<Heard>, BlockError> {
        Ok(vec![Heard::NoVoice; votes.len()])
    }

    /// The highest checkpoint that votes justify, if one is that was not yet when this was asked last; it may be on another
    /// branch than the best one.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    fn justified(&mut self, _chain: &Chain) -> Result<Option<Checkpoint>, BlockError> {
        Ok(None)
    }

    /// Makes the block that is due, if one is.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    fn mint(
        &mut self,
        chain: &mut Chain,
        now: Time,
        candidates: &dyn Fn() -> Vec<CheckedTransaction>,
    ) -> Result<Option<Minted>, BlockError>;

    /// When to ask again.
    fn next(&self, clock: &Clock, now: Time) -> Time {
        clock.slot_at(now).map_or(clock.start(Slot(0)), |slot| clock.start(slot.next()))
    }
}

/// A block that was made here, and what it changed.
#[derive(Debug, Default)]
pub struct Minted {
    /// What storing it changed; nothing if there was nothing to make a block of.
    pub accepted: Accepted,
    /// Transactions that could not be included, and why.
    pub skipped: Vec<(TransactionId, TransactionError)>,
}

/// A vote on its way between nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The round that it is for, or whatever numbers the decisions of the chain's engine.
    pub round: u64,
    /// Who cast it.
    pub voter: Hash,
    /// The vote itself.
    pub bytes: Vec<u8>,
}

/// What became of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accused {
    /// It is kept, on disk too, and reported by whoever mints next.
    New,
    /// This key is accused already: one proof is enough.
    Known,
    /// Nobody can be punished for it here and now.
    Unwanted,
    /// It proves nothing.
    Forged,
}

/// What became of a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Somebody who has a vote cast it, for this round or the last one.
    Counts {
        /// [`Ballot::round`].
        round: u64,
        /// [`Ballot::voter`].
        voter: Hash,
    },
    /// It cannot be decoded.
    Garbage,
    /// The key has no vote, as far as this node knows.
    NoVoice,
    /// Its round is past, or has not begun.
    Untimely,
    /// The key did not sign it.
    Forged,
}

/// The minter of the engine that a checked spec chooses: it signs with the keys that the engine knows, is paid at `payee`
/// where a block pays an account, and starts now.
///
/// # Errors
/// [`OpenError`] if `payee` cannot be paid.
pub fn minter(
    spec: &ChainSpec,
    keys: Vec<KeyPair>,
    payee: Option<Address>,
    now: Time,
) -> Result<Box<dyn Minter>, OpenError> {
    let clock = Clock::new(spec);
    if let Some(payee) = payee {
        if payee.network() != spec.network {
            return Err(OpenError::Payee(payee));
        }
        if !matches!(spec.engine, EngineSpec::ProofOfWork(_)) {
            return Err(OpenError::NoPayee);
        }
    }
    Ok(match &spec.engine {
        EngineSpec::Spos(_) => Box::new(Holder::new(keys, clock.slot_at(now).unwrap_or_default())),
        EngineSpec::Instant(rules) => {
            let seals =
                |key: &KeyPair| matches!(key.public(), PublicKey::Ed25519(bytes) if bytes == rules.sealer.0);
            Box::new(Sealer::new(keys.into_iter().find(seals)))
        }
        EngineSpec::ProofOfWork(rules) => {
            Box::new(Miner::new(ProofOfWork::new(spec.id(), clock, rules), payee))
        }
    })
}
