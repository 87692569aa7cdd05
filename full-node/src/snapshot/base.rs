use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::{
    block_tree::{HeaderRange, RangePeaks},
    consensus::spos::{Table, TableError, Tables},
    crypto::Hash,
    data_format::{BlockId, DecodeError, Header, Height, ProofError, SealedHeader, SlotTable, codec},
    state::{TrieError, UnknownNode, WitnessError, verify},
};

use super::MAX_BASE_BYTES;
use crate::storage::{Snapshot, StorageError};

/// Headers before the block that a base holds at least, if there are as many.
const HEADERS: u64 = 256;
/// Headers before the block that a base holds at most: a chain whose finality stood still for longer gives no snapshot.
const MAX_HEADERS: u64 = 4_096;
/// Bytes of the proof of the number of entries, at most: one path.
const MAX_COUNT_BYTES: usize = 256 * 1024;

/// What going on from a final block takes, besides its state.
///
/// Blocks after it name checkpoints and slot tables of rounds before it: the highest justified checkpoint of its header
/// ([`Header::justified`]), and what that one's header calls justified. So headers reach back to there.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Base {
    /// The block's header.
    pub header: SealedHeader,
    /// The headers before it, in a row up to its parent, oldest first.
    #[borsh(deserialize_with = "codec::bounded_list::<4_096, _, _>")]
    pub before: Vec<SealedHeader>,
    /// The slot tables, in force and planned, that these headers commit to: each pair once.
    #[borsh(deserialize_with = "codec::bounded_list::<4_097, _, _>")]
    pub tables: Vec<(SlotTable, Option<SlotTable>)>,
    /// The peaks of the range over all headers before the first of these.
    #[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")]
    pub peaks: Vec<Hash>,
    /// Proof of the number of entries of the state: of a read of the first.
    #[borsh(deserialize_with = "codec::bounded_bytes::<262_144, _>")]
    pub count: Vec<u8>,
}

/// A base that is not that of its block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// It cannot be decoded.
    #[error("the beginning of the snapshot cannot be read: {0}")]
    Form(#[from] DecodeError),
    /// Its header is another block's.
    #[error("the snapshot is of block {found}, not of {expected}")]
    Block {
        /// The block asked for.
        expected: BlockId,
        /// The block sent.
        found: BlockId,
    },
    /// The headers are not in a row.
    #[error("the header of height {0} is not the one before the next")]
    Row(Height),
    /// The headers do not reach back far enough.
    #[error("the headers begin at height {found}, going on takes those from {needed}")]
    Short {
        /// The first that came.
        found: Height,
        /// The first that is needed.
        needed: Height,
    },
    /// The range of headers is another one.
    #[error("the range of headers: {0}")]
    Range(ProofError),
    /// A header commits to another range than the headers before it make.
    #[error("the header of height {0} commits to other headers before it")]
    HeadersRoot(Height),
    /// A table is none.
    #[error("a slot table: {0}")]
    Table(#[from] TableError),
    /// Tables that a header commits to are missing.
    #[error("the slot tables that the header of height {0} commits to are not there")]
    NoTables(Height),
    /// Tables that no header commits to, or that were there before; their place.
    #[error("pair {0} of the slot tables is one that no header commits to, or is there twice")]
    Tables(usize),
    /// The number of entries is not proven.
    #[error("the number of entries is not proven: {0}")]
    Count(#[from] WitnessError),
    /// The number of entries cannot be read.
    #[error("the number of entries is not proven: {0}")]
    Trie(#[from] TrieError<UnknownNode>),
}

/// A base that was checked.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The base.
    pub base: Base,
    /// Its block.
    pub id: BlockId,
    /// Its slot tables.
    pub tables: Vec<Tables>,
    /// The range of headers up to and with the block, as far as it is known.
    pub range: RangePeaks,
    /// The root of that range.
    pub range_root: Hash,
    /// Entries of the state.
    pub total: u64,
}

impl Base {
    /// That of a final block of the best branch; `None` if its state is not kept any more, or what it takes is not.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    pub fn of(snapshot: &Snapshot, id: &BlockId) -> Result<Option<Self>, StorageError> {
        let Some(header) = snapshot.header(id)? else { return Ok(None) };
        let height = header.header.height;
        let (Some(version), Some(finality)) = (snapshot.version(id)?, snapshot.finality()?) else {
            return Ok(None);
        };
        if height > finality.height || height == Height(0) || snapshot.at_height(height)? != Some(*id) {
            return Ok(None);
        }
        let Some(first) = first_needed(snapshot, &header.header)? else { return Ok(None) };
        let mut before = Vec::new();
        for id in snapshot.heights(first, usize::try_from(height.0 - first.0).unwrap_or(usize::MAX))? {
            let Some(header) = snapshot.header(&id)? else { return Ok(None) };
            before.push(header);
        }
        let Some(oldest) = before.first() else { return Ok(None) };
        if oldest.header.height != first {
            return Ok(None);
        }
        let range = HeaderRange::new(snapshot, first.0);
        let peaks = range.peaks().map_err(|error| StorageError::damaged("the range of headers", error))?;
        let mut tables: Vec<(Hash, (SlotTable, Option<SlotTable>))> = Vec::new();
        for sealed in before.iter().chain([&header]) {
            let commitment = sealed.header.next_slots;
            // Zeros where nobody votes.
            if !commitment.is_zero() && !tables.iter().any(|(known, _)| *known == commitment) {
                let Tables { in_force, planned } = snapshot.tables(&commitment)?;
                let planned = planned.map(|planned| planned.slots().clone());
                tables.push((commitment, (in_force.slots().clone(), planned)));
            }
        }
        let mut state = snapshot.state(version.root);
        state
            .ranked(0)
            .take(1)
            .try_for_each(|entry| entry.map(drop))
            .map_err(|error| StorageError::damaged(format!("the state after block {id}"), error))?;
        let tables = tables.into_iter().map(|(_, pair)| pair).collect();
        Ok(Some(Self { header, before, tables, peaks, count: state.witness() }))
    }

    /// Decodes what somebody sent as the base of a block, and checks everything in it.
    ///
    /// # Errors
    /// [`BaseError`]: then no honest node sent it.
    pub fn check(bytes: &[u8], expected: &BlockId) -> Result<Checked, BaseError> {
        codec::decode::<Self>(bytes, MAX_BASE_BYTES)?.checked(expected)
    }

    pub(super) fn checked(self, expected: &BlockId) -> Result<Checked, BaseError> {
        let header = &self.header.header;
        let id = header.id();
        if id != *expected {
            return Err(BaseError::Block { expected: *expected, found: id });
        }
        // From the block back: each header is the one that the next names as its parent.
        let mut child = header;
        let mut ids = vec![id];
        for sealed in self.before.iter().rev() {
            let parent = sealed.header.id();
            if parent != child.parent || sealed.header.height.next() != child.height {
                return Err(BaseError::Row(sealed.header.height));
            }
            ids.push(parent);
            child = &sealed.header;
        }
        ids.reverse();
        let needed =
            self.needed(header).ok_or(BaseError::Short { found: child.height, needed: header.height })?;
        if child.height > needed {
            return Err(BaseError::Short { found: child.height, needed });
        }
        let mut range = RangePeaks::before(child, self.peaks.clone()).map_err(BaseError::Range)?;
        let mut range_root = child.headers_root;
        for (sealed, id) in self.before.iter().chain([&self.header]).zip(&ids) {
            let header = &sealed.header;
            if header.headers_root != range_root {
                return Err(BaseError::HeadersRoot(header.height));
            }
            let after = range.push(header.height.0, id);
            range_root = after.map_err(|_| BaseError::HeadersRoot(header.height))?;
        }
        let tables = self.check_tables()?;
        let total = verify(&self.count, MAX_COUNT_BYTES, header.state_root, |trie| {
            for entry in trie.ranked(0).take(1) {
                entry?;
            }
            Ok::<_, BaseError>(trie.count())
        })?;
        Ok(Checked { id, tables, range, range_root, total, base: self })
    }

    fn check_tables(&self) -> Result<Vec<Tables>, BaseError> {
        let mut waiting: BTreeMap<Hash, Height> = BTreeMap::new();
        for Header { next_slots, height, .. } in
            self.before.iter().chain([&self.header]).map(|sealed| &sealed.header)
        {
            if !next_slots.is_zero() {
                waiting.entry(*next_slots).or_insert(*height);
            }
        }
        let mut tables = Vec::new();
        // The headers are the chain's, so no more is kept here than it has: the first pair that is not its own is the last.
        for (place, (in_force, planned)) in self.tables.iter().enumerate() {
            let planned = planned.clone().map(Table::new).transpose()?.map(Into::into);
            let pair = Tables { in_force: Table::new(in_force.clone())?.into(), planned };
            waiting.remove(&pair.commitment()).ok_or(BaseError::Tables(place))?;
            tables.push(pair);
        }
        match waiting.into_values().min() {
            None => Ok(tables),
            Some(height) => Err(BaseError::NoTables(height)),
        }
    }

    /// The height from which on headers are needed, as far as these headers tell.
    fn needed(&self, header: &Header) -> Option<Height> {
        let find = |id: BlockId| -> Option<&Header> {
            let found = self.before.iter().find(|sealed| sealed.header.id() == id)?;
            Some(&found.header)
        };
        reach(header, |checkpoint| Ok::<_, std::convert::Infallible>(find(checkpoint).cloned())).ok()?
    }
}

/// The height from which on headers are needed to go on from a header, looking up those that it hangs on; `None` if one
/// of them is not known or lies too far back.
fn reach<E>(
    header: &Header,
    mut find: impl FnMut(BlockId) -> Result<Option<Header>, E>,
) -> Result<Option<Height>, E> {
    let usual = Height(header.height.0.saturating_sub(HEADERS));
    let mut oldest = header.clone();
    // What the block calls justified, and what that one calls so.
    for _ in 0..2 {
        if oldest.justified.round.0 == 0 {
            // Genesis: certificates for any round may come still.
            return Ok(Some(Height(0)).filter(|_| header.height.0 <= MAX_HEADERS));
        }
        match find(oldest.justified.id)? {
            Some(found) => oldest = found,
            None => return Ok(None),
        }
    }
    let needed = usual.min(oldest.height);
    Ok(Some(needed).filter(|needed| header.height.0 - needed.0 <= MAX_HEADERS))
}

fn first_needed(snapshot: &Snapshot, header: &Header) -> Result<Option<Height>, StorageError> {
    reach(header, |id| Ok(snapshot.header(&id)?.map(|sealed| sealed.header)))
}
