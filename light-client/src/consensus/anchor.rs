use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    HeaderError, Trusted,
    spos::{Beacon, CertificateError, TablesError},
};
use crate::data_format::{BlockId, Header, Height, Round, SealedHeader, codec};

/// Headers before a buried one, and headers above it, at most.
pub const MAX_BURIED: usize = 1_024;

/// The final header that proofs start from, with the proof that it is final. Each engine accepts one kind besides
/// [`Anchor::Trusted`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Anchor {
    /// The header of the block that the client named as its trusted one: nothing newer is final.
    Trusted(Box<Header>),
    /// A newer final header, by votes.
    Beacon(Box<Beacon>),
    /// A newer final header: the seal alone makes it final.
    Sealed(Box<SealedHeader>),
    /// A newer final header, by the work above it.
    Buried(Box<Buried>),
}

/// A header with the way to it from the trusted block, and the work above it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Buried {
    /// The headers after the trusted block, up to the parent.
    #[borsh(deserialize_with = "codec::bounded_list::<1_024, _, _>")]
    pub path: Vec<SealedHeader>,
    /// The header.
    pub header: SealedHeader,
    /// The headers after it, as many as make it final.
    #[borsh(deserialize_with = "codec::bounded_list::<1_024, _, _>")]
    pub above: Vec<SealedHeader>,
}

/// A proof of finality that does not hold, by rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AnchorError {
    /// LIGHT-ANCHOR-1: a header said to be the trusted one is.
    #[error("the header is not the trusted one: {found} instead of {trusted}")]
    AnotherHeader {
        /// The trusted block.
        trusted: BlockId,
        /// The header's id.
        found: BlockId,
    },
    /// LIGHT-ANCHOR-2: a proof of the kind that this chain's engine knows.
    #[error("a proof of finality of a kind that says nothing on this chain")]
    Kind,
    /// LIGHT-BEACON-1: final blocks do not go back.
    #[error("the server's final block {found} is before block {trusted}, which is proven")]
    Behind {
        /// Height of the newest block proven here.
        trusted: Height,
        /// Height of the server's.
        found: Height,
    },
    /// LIGHT-BEACON-2: one final block a round, and one a height.
    #[error("block {found} is claimed to be final where block {trusted} is proven final")]
    Conflict {
        /// The block proven here.
        trusted: BlockId,
        /// The block claimed.
        found: BlockId,
    },
    /// LIGHT-BEACON-3: the rounds follow one another.
    #[error("rounds {source_round} and {target_round} do not follow one another, so nothing is final")]
    NotFinal {
        /// The source's round.
        source_round: Round,
        /// The target's round.
        target_round: Round,
    },
    /// LIGHT-BEACON-4: the target's round has begun.
    #[error("round {0} has not begun by this device's clock")]
    Future(Round),
    /// LIGHT-BEACON-5: the source lies before its round and not before the trusted block.
    #[error("the final header is not where its round and the trusted block put it")]
    Place,
    /// LIGHT-BEACON-6: the tables can be rebuilt.
    #[error("the slot tables cannot be rebuilt: {0}")]
    Tables(#[from] TablesError),
    /// LIGHT-BEACON-7: enough of every table signed.
    #[error("the signatures do not make the block final: {0}")]
    Certificate(#[from] CertificateError),
    /// LIGHT-BEACON-8: enough of the trusted table signed.
    #[error("only {signed} of the {needed} trusted signers needed have signed: steps in between are missing")]
    NotEnoughTrust {
        /// Trusted signers that signed.
        signed: usize,
        /// Trusted signers needed.
        needed: usize,
    },
    /// LIGHT-WORK-1: headers follow the trusted block by the engine's rules.
    #[error("header {height} is not valid: {error}")]
    Header {
        /// Its height as claimed.
        height: Height,
        /// The rule broken.
        error: HeaderError,
    },
    /// LIGHT-WORK-2: as many blocks above it as the chain's spec asks for.
    #[error("{found} blocks above the header, {needed} make it final")]
    Shallow {
        /// Blocks above it.
        found: usize,
        /// Blocks needed.
        needed: usize,
    },
}

impl Anchor {
    /// The header that the proofs start from.
    pub fn header(&self) -> &Header {
        match self {
            Self::Trusted(header) => header,
            Self::Beacon(beacon) => &beacon.source,
            Self::Sealed(sealed) => &sealed.header,
            Self::Buried(buried) => &buried.header.header,
        }
    }
}

impl AnchorError {
    /// Whether no honest server of this chain can have sent this. A server may be behind, or its clock ahead of
    /// this device's, or the trusted block too old for one step.
    pub const fn is_lie(&self) -> bool {
        !matches!(
            self,
            Self::Behind { .. }
                | Self::Future(_)
                | Self::NotEnoughTrust { .. }
                | Self::Header { error: HeaderError::SlotEarly { .. }, .. }
        )
    }
}

/// LIGHT-ANCHOR-1, the same under every engine.
pub(super) fn check_trusted(trusted: &Trusted, header: &Header) -> Result<Trusted, AnchorError> {
    let found = header.id();
    if found == trusted.id {
        Ok(trusted.clone())
    } else if header.height < trusted.height {
        Err(AnchorError::Behind { trusted: trusted.height, found: header.height })
    } else {
        Err(AnchorError::AnotherHeader { trusted: trusted.id, found })
    }
}

/// LIGHT-BEACON-1 and -2 where final blocks are told apart by their heights.
pub(super) fn check_height(trusted: &Trusted, header: &Header) -> Result<(), AnchorError> {
    if header.height < trusted.height {
        return Err(AnchorError::Behind { trusted: trusted.height, found: header.height });
    }
    let found = header.id();
    if header.height == trusted.height && found != trusted.id {
        return Err(AnchorError::Conflict { trusted: trusted.id, found });
    }
    Ok(())
}
