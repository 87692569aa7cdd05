use light_client::{
    client::Anchor,
    consensus::{
        Buried, HeaderError, ProofOfWork, Trusted,
        spos::{Block, Certificate, Tables},
    },
    crypto::Hash,
    data_format::{
        Amount, BlockId, Checkpoint, Header, Height, ProofOfWorkSpec, Round, SealedHeader, SlotTable,
        SposSpec, Time,
    },
};

use super::{Led, Rules, rules::AFTER_ALL};
use crate::{
    block_tree::{BlockError, Chain},
    logic::{Activity, Earner, Place, Reward},
    storage::{Database, Finality, Snapshot, StorageError},
};

/// A chain on which nobody votes: a block under enough others is final. Where one sealer makes all blocks, none above it
/// is enough.
pub struct VotelessRules {
    stake: SposSpec,
    /// Blocks above one that is final.
    depth: u64,
    /// Whether a block weighs what its seal shows; else each weighs the same.
    work: bool,
    /// For whoever the seal names.
    reward: Option<Amount>,
}

impl VotelessRules {
    /// One sealer.
    pub fn instant() -> Self {
        Self {
            stake: SposSpec::without_rewards(1_000, SlotTable::default()),
            depth: 0,
            work: false,
            reward: None,
        }
    }

    /// The most work.
    pub fn proof_of_work(rules: &ProofOfWorkSpec) -> Self {
        let (depth, reward) = (rules.final_depth.into(), Some(rules.block_reward));
        Self { depth, work: true, reward, ..Self::instant() }
    }
}

impl Rules for VotelessRules {
    fn stake(&self) -> &SposSpec {
        &self.stake
    }

    fn genesis_tables(&self) -> Option<&Tables> {
        None
    }

    fn check(
        &self,
        chain: &Chain,
        _: &Snapshot,
        parent: &Header,
        block: &Block,
        id: &BlockId,
        now: Time,
    ) -> Result<(), BlockError> {
        if let Some(certificate) = &block.certificate {
            return Err(BlockError::CertificateHash { expected: Hash::ZERO, found: certificate.hash() });
        }
        let trusted = Trusted::voteless(&chain.genesis().header);
        Ok(chain.engine().check_successor(&trusted, parent, &block.header, id, now)?)
    }

    fn check_stored(
        &self,
        chain: &Chain,
        _: &Snapshot,
        checkpoint: &Header,
        parent: &Header,
        sealed: &SealedHeader,
        id: &BlockId,
    ) -> Result<Result<(), HeaderError>, StorageError> {
        let trusted = Trusted::voteless(checkpoint);
        Ok(chain.engine().check_successor(&trusted, parent, sealed, id, AFTER_ALL))
    }

    fn place(
        &self,
        chain: &Chain,
        _: &Snapshot,
        _: &Header,
        sealed: &SealedHeader,
        _: Option<&Certificate>,
    ) -> Result<(Place<'_>, Option<Reward>), BlockError> {
        let Header { height, slot, .. } = sealed.header;
        let round = Round(0);
        let place = Place {
            spos: &self.stake,
            height,
            slot,
            round,
            tables: None,
            recent: Vec::new(),
            activity: Activity::default(),
            recovered: false,
        };
        let Some(amount) = self.reward else { return Ok((place, None)) };
        let payee = ProofOfWork::payee(sealed)?;
        if payee.network() != chain.spec().network {
            return Err(BlockError::Payee(payee));
        }
        Ok((place, Some(Reward { amount, to: Earner::Account(payee) })))
    }

    fn justifies(&self, _: &Block) -> Option<Checkpoint> {
        None
    }

    fn finalises<'a>(&self, chain: &Chain, _: &'a Block) -> Option<(Checkpoint, Option<&'a Certificate>)> {
        let tree = chain.tree();
        let best = *tree.best();
        let height = tree.entry(&best).ok()?.sealed.header.height.0.checked_sub(self.depth)?;
        if height <= chain.finality().height.0 {
            return None;
        }
        Some((Checkpoint { round: Round(0), id: tree.at_height(&best, Height(height))? }, None))
    }

    fn final_by(&self, row: &[Block]) -> Option<BlockId> {
        let above = usize::try_from(self.depth).ok()?;
        Some(row.get(row.len().checked_sub(above + 1)?)?.header.header.id())
    }

    fn settles(&self, block: Height, head: Height) -> bool {
        head.0.checked_sub(block.0).is_some_and(|above| above >= self.depth)
    }

    fn claimed_weight(&self, header: &Header) -> Option<u128> {
        (!self.work).then(|| header.height.0.into())
    }

    fn may_adopt(&self, _: &Chain, _: Time) -> bool {
        true
    }

    fn anchor(
        &self,
        snapshot: &Snapshot,
        finality: &Finality,
        held: &Header,
    ) -> Result<Option<Anchor>, BlockError> {
        let sealed = |height: Height| {
            let missing = || StorageError::damaged(format!("block {height}"), "it is not stored");
            let id = snapshot.at_height(height)?.ok_or_else(missing)?;
            snapshot.header(&id)?.ok_or_else(missing)
        };
        let height = finality.height;
        if height <= held.height {
            return Ok(None);
        }
        let header = sealed(height)?;
        if self.depth == 0 {
            return Ok(Some(Anchor::Sealed(Box::new(header))));
        }
        // Who is far behind goes as far as one answer leads, and asks again.
        let most = light_client::consensus::MAX_BURIED as u64;
        let height = Height(height.0.min(held.height.0 + most));
        let between = |from: u64, to: u64| (from..to).map(|height| sealed(Height(height)));
        Ok(Some(Anchor::Buried(Box::new(Buried {
            path: between(held.height.0 + 1, height.0).collect::<Result<_, StorageError>>()?,
            header: sealed(height)?,
            above: between(height.0 + 1, height.0 + 1 + self.depth).collect::<Result<_, StorageError>>()?,
        }))))
    }

    fn lead(&self, _: &Database, _: &Header) -> Result<Led, BlockError> {
        Ok(Led::Nowhere)
    }
}
