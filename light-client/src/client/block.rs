//! Headers by height or by id, however old, and the blocks of history records.

use std::{fmt, str::FromStr};

use super::{HeaderBundle, Position, ProofFailure, Verifier, facts::Settled, verifier::settled};
use crate::{
    consensus::Trusted,
    crypto::Hash,
    data_format::{BlockId, Header, Height, Time},
    state::HistoryRecord,
};

/// How a block is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockName {
    /// By its height, on the chain of the final blocks.
    Height(Height),
    /// By its id.
    Id(BlockId),
}

impl fmt::Display for BlockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Height(height) => height.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

/// Text that is neither a height nor an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a block is named by its height, a whole number, or by its id, 64 hexadecimal digits")]
pub struct BlockNameError;

impl FromStr for BlockName {
    type Err = BlockNameError;

    /// 64 digits are an id: no height is as long.
    fn from_str(text: &str) -> Result<Self, BlockNameError> {
        if let Some(id) = Hash::from_hex(text) {
            return Ok(Self::Id(id));
        }
        // What `parse` takes besides digits is a plus sign.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map(|height| Self::Height(Height(height))).ok_or(BlockNameError)
    }
}

impl Verifier {
    /// Checks the header of a block.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn header(
        &self,
        trusted: &Trusted,
        asked: BlockName,
        bundle: &HeaderBundle,
        now: Time,
    ) -> Result<(Trusted, Settled<Header>), ProofFailure> {
        let newer = self.anchor(trusted, &bundle.anchor, now)?;
        let (header, is_final) = self.path(&newer, bundle.anchor.header(), &bundle.path, now)?;
        let fact = settled(header.clone(), header, is_final);
        let found = *fact.at();
        let same = match asked {
            BlockName::Height(height) => found.height == height,
            BlockName::Id(id) => found.id == id,
        };
        if !same {
            return Err(ProofFailure::AnotherBlock { asked, found: found.id, height: found.height });
        }
        Ok((newer, fact))
    }

    /// Checks that a proven block is the one in which a proven history record was made; gives its place.
    ///
    /// # Errors
    /// [`ProofFailure::RecordPlace`].
    pub fn block_of(
        &self,
        record: &HistoryRecord,
        header: &Settled<Header>,
    ) -> Result<Position, ProofFailure> {
        let (HistoryRecord { height, slot, .. }, block) = (*record, *header.at());
        if (height, slot) != (block.height, block.slot) {
            return Err(ProofFailure::RecordPlace { height, slot, block });
        }
        Ok(block)
    }
}
