//! Proof of work: anybody may make a block, and the branch with the most work is the best one.
//!
//! The seal of a block is a number for which a hash of it and the block's id is small enough. How small follows from
//! the height of the block and the time of its parent alone ([`Difficulty`](difficulty)), so a header is checked with
//! nothing but its parent. A block under as many others as the chain's spec says is taken as final: whoever has more
//! work than everybody else together could undo it, and a node that took it as final would stand still rather than
//! follow.
//!
//! **Trust and bounds.** A header costs whoever makes it the work it shows, and us one hash. A light client that follows one
//! server sees at most what that server shows: it is as safe as the work above its final block is dear.

mod difficulty;

pub use difficulty::difficulty;

use super::{
    Anchor, AnchorError, Clock, Engine, HeaderError, Trusted,
    anchor::{check_height, check_trusted},
    header::{Parent, check_common, check_voteless},
};
use crate::{
    crypto::{Domain, Hash, Signature},
    data_format::{Address, BlockId, ChainId, Header, Height, ProofOfWorkSpec, SealedHeader, Slot, Time},
};

/// The engine of a chain with proof of work.
#[derive(Clone, Debug)]
pub struct ProofOfWork {
    chain: ChainId,
    clock: Clock,
    rules: ProofOfWorkSpec,
}

impl ProofOfWork {
    /// The engine of a chain with these rules, which have been checked.
    pub const fn new(chain: ChainId, clock: Clock, rules: &ProofOfWorkSpec) -> Self {
        Self { chain, clock, rules: *rules }
    }

    /// Hashes that the block after `parent` takes, on average.
    pub fn difficulty_after(&self, parent: &Header) -> u64 {
        self.difficulty(parent.height, parent.slot)
    }

    fn difficulty(&self, height: Height, slot: Slot) -> u64 {
        difficulty(&self.rules, height, slot.0.saturating_mul(self.clock.slot_ms()))
    }

    /// The seal that shows the work of `difficulty` hashes by this number, if it does: number and difficulty, 8 bytes
    /// each, the address that is paid for the block, and zeros.
    pub fn seal(&self, id: &BlockId, difficulty: u64, payee: &Address, nonce: u64) -> Option<Signature> {
        let Signature(mut seal) = Self::unsealed(payee);
        seal[..8].copy_from_slice(&nonce.to_be_bytes());
        seal[8..16].copy_from_slice(&difficulty.to_be_bytes());
        let hash = Hash::of(Domain::WORK, &[&Header::seal_message(&self.chain, id), &seal]);
        let (found, _) = hash.as_bytes().split_at(16);
        // Sixteen of 32 bytes.
        let found = u128::from_be_bytes(found.try_into().unwrap_or([u8::MAX; 16]));
        (found <= u128::MAX / u128::from(difficulty.max(1))).then_some(Signature(seal))
    }

    /// What is known of a seal before the work: who is paid.
    pub fn unsealed(payee: &Address) -> Signature {
        let mut seal = [0; 64];
        seal[16..16 + Address::LENGTH].copy_from_slice(payee.as_bytes());
        Signature(seal)
    }

    /// Who is paid for a block, according to its seal; the work is done for this address and no other.
    ///
    /// # Errors
    /// [`HeaderError::Seal`] if the seal names no address.
    pub fn payee(sealed: &SealedHeader) -> Result<Address, HeaderError> {
        let bytes = sealed.seal.0[16..].first_chunk().copied().ok_or(HeaderError::Seal)?;
        Address::from_bytes(bytes).map_err(|_| HeaderError::Seal)
    }

    /// Blocks above one that is final.
    pub fn final_depth(&self) -> usize {
        self.rules.final_depth.into()
    }

    fn follow(
        &self,
        parent: &Parent,
        sealed: &SealedHeader,
        id: &BlockId,
        now: Time,
    ) -> Result<(), HeaderError> {
        check_common(&self.clock, parent, &sealed.header, now)?;
        check_voteless(&sealed.header)?;
        self.check_seal(self.difficulty(parent.height, parent.slot), sealed, id)
    }

    fn check_seal(&self, difficulty: u64, sealed: &SealedHeader, id: &BlockId) -> Result<(), HeaderError> {
        let nonce = u64::from_be_bytes(first(&sealed.seal.0));
        // Number and address say what the seal must be, so the rest of the 64 bytes cannot be chosen.
        match self.seal(id, difficulty, &Self::payee(sealed)?, nonce) {
            Some(seal) if seal == sealed.seal => Ok(()),
            _ => Err(HeaderError::Work { difficulty }),
        }
    }
}

fn first(bytes: &[u8]) -> [u8; 8] {
    bytes.first_chunk().copied().unwrap_or_default()
}

impl Engine for ProofOfWork {
    fn chain(&self) -> &ChainId {
        &self.chain
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn block_interval_ms(&self) -> u64 {
        self.rules.block_ms.into()
    }

    fn final_every_ms(&self) -> u64 {
        self.block_interval_ms()
    }

    /// Blocks come at random: one time in a million the next takes fourteen times as long as on average.
    fn final_age_ms(&self) -> u64 {
        self.block_interval_ms().saturating_mul(u64::from(self.rules.final_depth).saturating_mul(2) + 14)
    }

    fn final_in_ms(&self, block: Slot, now: Time) -> u64 {
        let buried = self.block_interval_ms().saturating_mul(self.rules.final_depth.into());
        self.time_of(block).plus_ms(buried).ms_since(now)
    }

    fn weight(&self, sealed: &SealedHeader) -> u128 {
        u64::from_be_bytes(first(&sealed.seal.0[8..])).into()
    }

    fn check_successor(
        &self,
        _: &Trusted,
        parent: &Header,
        sealed: &SealedHeader,
        id: &BlockId,
        now: Time,
    ) -> Result<(), HeaderError> {
        self.follow(&parent.into(), sealed, id, now)
    }

    fn advance(&self, trusted: &Trusted, anchor: &Anchor, now: Time) -> Result<Trusted, AnchorError> {
        let buried = match anchor {
            Anchor::Trusted(header) => return check_trusted(trusted, header),
            Anchor::Buried(buried) => buried,
            Anchor::Beacon(_) | Anchor::Sealed(_) => return Err(AnchorError::Kind),
        };
        let header = &buried.header.header;
        check_height(trusted, header)?;
        let (found, needed) = (buried.above.len(), self.final_depth());
        if found < needed {
            return Err(AnchorError::Shallow { found, needed });
        }
        let mut parent = Parent::from(trusted);
        let all = buried.path.iter().chain([&buried.header]).chain(&buried.above);
        // Whoever asked may have gone on since: headers up to what is trusted by now say nothing new.
        for sealed in all.skip_while(|sealed| sealed.header.height <= trusted.height) {
            let next = Parent::from(&sealed.header);
            self.follow(&parent, sealed, &next.id, now)
                .map_err(|error| AnchorError::Header { height: next.height, error })?;
            parent = next;
        }
        Ok(Trusted::voteless(header))
    }

    fn signatures(&self, _: &Trusted, _: &Anchor) -> Option<(u32, u32)> {
        None
    }
}
