use serde::{Deserialize, Serialize};

use crate::{
    consensus::{Trusted, TrustedCheckpoint, spos::TableError},
    data_format::{ChainSpec, SpecError},
};

/// The file beside a wallet that says which chain it is for: the spec and a checkpoint. Never an answer of the
/// server whose answers are to be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainFile {
    /// The chain.
    pub spec: ChainSpec,
    /// Where trust starts.
    pub checkpoint: TrustedCheckpoint,
}

/// A chain file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFileError {
    /// The spec is not a chain.
    #[error("the chain spec cannot be used: {0}")]
    Spec(#[from] SpecError),
    /// The checkpoint's tables are not tables.
    #[error("the checkpoint cannot be used: {0}")]
    Table(#[from] TableError),
}

impl ChainFile {
    /// Checks the spec and the checkpoint's tables.
    ///
    /// # Errors
    /// [`ChainFileError`] says which of the two cannot be used, and why.
    pub fn check(self) -> Result<(ChainSpec, Trusted), ChainFileError> {
        self.spec.check()?;
        let trusted = Trusted::try_from(self.checkpoint)?;
        Ok((self.spec, trusted))
    }
}
