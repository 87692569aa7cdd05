use borsh::{BorshDeserialize, BorshSerialize};

use super::{Link, Table, Tables, Vote};
use crate::{
    crypto::{Domain, Ed25519Key, Hash, Signature},
    data_format::{ChainId, MAX_SLOTS, codec},
};

/// Different keys that four tables can name.
pub const MAX_SIGNERS: usize = 4 * MAX_SLOTS;

/// A set of positions in an [`Electorate`], as a bitmap; the lowest bit of the first byte is position 0. It ends
/// with the last byte that has a bit set, so that a set has one encoding.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignerSet(#[borsh(deserialize_with = "codec::bounded_bytes::<32, _>")] Vec<u8>);

/// The votes of a link: who signed, and the signatures in the same order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Certificate {
    /// What was voted for.
    pub link: Link,
    /// Who signed, as positions in the link's electorate.
    pub signers: SignerSet,
    /// Their signatures, by rising position.
    #[borsh(deserialize_with = "codec::bounded_list::<256, _, _>")]
    pub signatures: Vec<Signature>,
}

/// Everybody whose vote counts for a link: the keys of the target's tables (in force, planned), then the
/// source's, repeats dropped.
#[derive(Clone, Debug)]
pub struct Electorate<'a> {
    members: Vec<(Hash, &'a Ed25519Key)>,
    tables: Vec<&'a Table>,
}

/// A certificate that does not certify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// SPOS-LINK-1: the target is not later than the source.
    #[error("the target's round is not later than the source's")]
    Order,
    /// SPOS-LINK-2: the tables at hand are not the ones the link names.
    #[error("the slot tables are not the ones that were signed")]
    Tables,
    /// SPOS-CERT-1: the bitmap is not canonical or names positions that nobody has.
    #[error("the set of signers is malformed")]
    Signers,
    /// SPOS-CERT-2: as many signatures as signers.
    #[error("{signers} signers and {signatures} signatures")]
    Count {
        /// Bits set.
        signers: usize,
        /// Signatures listed.
        signatures: usize,
    },
    /// SPOS-CERT-3: more than two thirds of every table.
    #[error("a table has {signed} of the {needed} signatures it needs")]
    Quorum {
        /// Members of the table that signed.
        signed: usize,
        /// ⌊2·filled/3⌋ + 1.
        needed: usize,
    },
    /// SPOS-CERT-4: every signature holds.
    #[error("the signature of signer {0} does not hold")]
    Signature(usize),
}

impl SignerSet {
    /// The set of these positions; positions of [`MAX_SIGNERS`] and above are ignored.
    pub fn of(positions: impl IntoIterator<Item = usize>) -> Self {
        let mut bits = Vec::new();
        for position in positions.into_iter().filter(|position| *position < MAX_SIGNERS) {
            if bits.len() <= position / 8 {
                bits.resize(position / 8 + 1, 0);
            }
            bits[position / 8] |= 1 << (position % 8);
        }
        Self(bits)
    }

    /// The positions, rising.
    pub fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(byte, bits)| {
            (0..8).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| byte * 8 + bit)
        })
    }

    /// Whether `other` names everybody whom this set names, in the same electorate.
    pub fn is_within(&self, other: &Self) -> bool {
        let bytes = |set: &Self, at: usize| set.0.get(at).copied().unwrap_or(0);
        (0..self.0.len()).all(|at| bytes(self, at) & !bytes(other, at) == 0)
    }

    /// How many it names.
    pub fn len(&self) -> usize {
        self.positions().count()
    }

    /// Whether it names nobody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn is_canonical(&self) -> bool {
        self.0.last().is_none_or(|last| *last != 0)
    }
}

impl<'a> Electorate<'a> {
    /// The electorate of a link between checkpoints with these tables.
    pub fn new(target: &'a Tables, source: &'a Tables) -> Self {
        let mut members: Vec<(Hash, &Ed25519Key)> = Vec::new();
        let mut tables: Vec<&Table> = Vec::new();
        for table in target.each().chain(source.each()) {
            if tables.iter().any(|known| known.hash() == table.hash()) {
                continue;
            }
            tables.push(table);
            for (holder, key) in table.holders() {
                if !members.iter().any(|(known, _)| *known == holder.minting_key) {
                    members.push((holder.minting_key, key));
                }
            }
        }
        Self { members, tables }
    }

    /// The position of a minting key; `None` if it has no vote.
    pub fn position(&self, minting_key: &Hash) -> Option<usize> {
        self.members.iter().position(|(key, _)| key == minting_key)
    }

    /// The minting key at a position.
    pub fn member(&self, position: usize) -> Option<Hash> {
        self.members.get(position).map(|(key, _)| *key)
    }

    /// The minting keys of these signers.
    pub fn keys(&self, signers: &SignerSet) -> impl Iterator<Item = Hash> {
        signers.positions().filter_map(|position| self.member(position))
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether nobody may vote; never so for tables that were checked.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The first table, if any, in which these signers are not more than two thirds.
    fn lacking(&self, signers: &SignerSet) -> Option<(usize, usize)> {
        self.tables.iter().find_map(|table| {
            let signed = self.signed(signers, table);
            (signed < table.quorum()).then(|| (signed, table.quorum()))
        })
    }

    /// How many of `table`'s holders are among the signers.
    pub fn signed(&self, signers: &SignerSet, table: &Table) -> usize {
        self.keys(signers).filter(|key| table.names(key)).count()
    }

    /// Makes the certificate of a link with all the votes that count, or `None` without a quorum of every table.
    pub fn certify(&self, link: Link, votes: &[Vote]) -> Option<Certificate> {
        let mut signed: Vec<(usize, Signature)> = votes
            .iter()
            .filter(|vote| vote.link == link)
            .filter_map(|vote| Some((self.position(&vote.minting_key)?, vote.signature)))
            .collect();
        signed.sort_by_key(|(position, _)| *position);
        signed.dedup_by_key(|(position, _)| *position);
        let signers = SignerSet::of(signed.iter().map(|(position, _)| *position));
        if self.lacking(&signers).is_some() {
            return None;
        }
        Some(Certificate { link, signers, signatures: signed.into_iter().map(|(_, s)| s).collect() })
    }
}

impl Certificate {
    /// What a header commits to.
    pub fn hash(&self) -> Hash {
        Hash::of(Domain::CERTIFICATE, &[&codec::encode(self)])
    }

    /// Checks everything that can be checked without the chain: order, tables, quorum in every table, and each
    /// signature. Costs at most as many signature checks as there are members.
    ///
    /// # Errors
    /// The first [`CertificateError`]; nothing is verified before the cheap rules hold.
    pub fn check(&self, chain: &ChainId, target: &Tables, source: &Tables) -> Result<(), CertificateError> {
        check_votes(chain, &self.link, target, source, &self.signers, &self.signatures).map(drop)
    }

    /// The same certificate with the fewest signatures that suffice: what travels to light clients, which must
    /// also find more than two thirds of `trusted` among the signers.
    #[must_use]
    pub fn fewest(&self, target: &Tables, source: &Tables, trusted: Option<&Table>) -> Self {
        let electorate = Electorate::new(target, source);
        let signed: Vec<(usize, Signature)> =
            self.signers.positions().zip(self.signatures.iter().copied()).collect();
        let suffices = |kept: &[(usize, Signature)]| {
            let signers = SignerSet::of(kept.iter().map(|(position, _)| *position));
            electorate.lacking(&signers).is_none()
                && trusted.is_none_or(|table| electorate.signed(&signers, table) >= table.quorum())
        };
        let mut kept = signed.clone();
        // Dropping from the end keeps whoever counts in the most tables for longest: members of several tables
        // stand first.
        for dropped in signed.iter().rev() {
            let fewer: Vec<_> = kept.iter().copied().filter(|(position, _)| position != &dropped.0).collect();
            if suffices(&fewer) {
                kept = fewer;
            }
        }
        Self {
            link: self.link,
            signers: SignerSet::of(kept.iter().map(|(position, _)| *position)),
            signatures: kept.into_iter().map(|(_, signature)| signature).collect(),
        }
    }
}

/// The rules of certificates, over the parts of one; gives the link's electorate.
pub(super) fn check_votes<'a>(
    chain: &ChainId,
    link: &Link,
    target: &'a Tables,
    source: &'a Tables,
    signers: &SignerSet,
    signatures: &[Signature],
) -> Result<Electorate<'a>, CertificateError> {
    if link.target.checkpoint.round <= link.source.checkpoint.round {
        return Err(CertificateError::Order);
    }
    if target.commitment() != link.target.next_slots || source.commitment() != link.source.next_slots {
        return Err(CertificateError::Tables);
    }
    let electorate = Electorate::new(target, source);
    let positions: Vec<usize> = signers.positions().collect();
    if !signers.is_canonical() || positions.last().is_some_and(|last| *last >= electorate.len()) {
        return Err(CertificateError::Signers);
    }
    if positions.len() != signatures.len() {
        return Err(CertificateError::Count { signers: positions.len(), signatures: signatures.len() });
    }
    if let Some((signed, needed)) = electorate.lacking(signers) {
        return Err(CertificateError::Quorum { signed, needed });
    }
    let message = link.message(chain);
    for (position, signature) in positions.into_iter().zip(signatures) {
        electorate.members[position]
            .1
            .verify(&message, signature)
            .map_err(|_| CertificateError::Signature(position))?;
    }
    Ok(electorate)
}
