use borsh::{BorshDeserialize, BorshSerialize};

use super::{Certificate, Link};
use crate::data_format::{Round, codec};

/// Links of one epoch that are kept, at most.
pub const MAX_EPOCH_LINKS: usize = 8;

/// The finalising links of rounds in a row with the same slot tables on both sides, as many of them as a hand-over can
/// need: of two, one whose signers the other has too is not needed. Where signers differ in more ways than
/// [`MAX_EPOCH_LINKS`], those with the most are kept.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Epoch {
    first: Round,
    #[borsh(deserialize_with = "codec::bounded_list::<8, _, _>")]
    links: Vec<Certificate>,
}

impl Epoch {
    /// An epoch that begins with this certificate.
    pub fn new(certificate: Certificate) -> Self {
        Self { first: certificate.link.source.checkpoint.round, links: vec![certificate] }
    }

    /// The source's round of its first link, kept or not: its name.
    pub const fn first(&self) -> Round {
        self.first
    }

    /// What is kept, by rising round.
    pub fn links(&self) -> &[Certificate] {
        &self.links
    }

    /// Whether a link of a later round goes on with the same tables.
    pub fn goes_on_with(&self, link: &Link) -> bool {
        let tables = |link: &Link| (link.source.next_slots, link.target.next_slots);
        self.links.first().is_some_and(|known| tables(&known.link) == tables(link))
    }

    /// Takes a certificate of a later round with the same tables; whether it is kept.
    pub fn take(&mut self, certificate: Certificate) -> bool {
        let signers = certificate.signers.clone();
        if self.links.iter().any(|known| signers.is_within(&known.signers)) {
            return false;
        }
        self.links.retain(|known| !known.signers.is_within(&signers));
        let fewest =
            self.links.iter().map(|known| known.signers.len()).enumerate().min_by_key(|(_, len)| *len);
        if let Some((place, len)) = fewest
            && self.links.len() == MAX_EPOCH_LINKS
        {
            if len >= signers.len() {
                return false;
            }
            self.links.remove(place);
        }
        self.links.push(certificate);
        true
    }
}
