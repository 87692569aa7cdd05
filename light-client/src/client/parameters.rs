//! The parameters of a chain.

use super::{ChainParameters, ProofFailure};
use crate::data_format::{ChainId, ChainSpec};

impl ChainParameters {
    /// The spec, if it is the one of the chain asked for. Nothing else has to be trusted: the id is its hash.
    ///
    /// # Errors
    /// [`ProofFailure::AnotherChain`], or [`ProofFailure::Spec`] if there can be no such chain.
    pub fn check(self, asked: &ChainId) -> Result<ChainSpec, ProofFailure> {
        let Self(spec) = self;
        let found = spec.id();
        if found != *asked {
            return Err(ProofFailure::AnotherChain { asked: *asked, found });
        }
        spec.check()?;
        Ok(spec)
    }
}
