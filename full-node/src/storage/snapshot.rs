use std::sync::Arc;

use borsh::BorshDeserialize;
use light_client::{
    block_tree::RangeStore,
    consensus::spos::{Block, Certificate, VotingRecord},
    crypto::Hash,
    data_format::{
        Address, BlockId, ChainId, ChainSpec, Evidence, Height, Outcome, SealedHeader, SignedTransaction,
        TransactionId, codec,
    },
    state::{NodeId, Root, Trie},
};

use super::{
    Effects, Finality, HistoryEntry, HistoryPart, Inclusion, Read, Recovery, Space, StateNodes, StorageError,
    Version, cache::PageCache, keys::*, records::OutcomeGroup, recoveries::Loaded, tables::TableCache,
};

/// What a fault in history records is called.
const HISTORY: &str = "history records";

/// What is stored at one moment, with types.
pub struct Snapshot {
    pub(super) read: Box<dyn Read>,
    pub(super) cache: Arc<PageCache>,
    pub(super) tables: Arc<TableCache>,
    pub(super) recoveries: Arc<[Loaded]>,
}

impl Snapshot {
    /// The chain in this folder; `None` if it is empty.
    ///
    /// # Errors
    /// [`StorageError`]; so for every method here: when the disk cannot be read or its bytes are damaged.
    pub fn chain(&self) -> Result<Option<ChainId>, StorageError> {
        self.meta(META_CHAIN)
    }

    /// The spec of that chain.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn spec(&self) -> Result<Option<ChainSpec>, StorageError> {
        self.meta(META_SPEC)
    }

    /// The newest block of the best branch.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn head(&self) -> Result<Option<BlockId>, StorageError> {
        self.meta(META_HEAD)
    }

    /// What the head weighs with all blocks before it, if that was noted.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn head_weight(&self) -> Result<Option<u128>, StorageError> {
        self.meta(META_WEIGHT)
    }

    /// What is final.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn finality(&self) -> Result<Option<Finality>, StorageError> {
        self.meta(META_FINALITY)
    }

    /// The id for the next state node.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn next_node(&self) -> Result<NodeId, StorageError> {
        Ok(self.meta(META_NEXT_NODE)?.unwrap_or(NodeId::FIRST))
    }

    /// The height below which versions of the state were deleted.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn pruned(&self) -> Result<Height, StorageError> {
        Ok(self.meta(META_PRUNED)?.unwrap_or_default())
    }

    /// The height below which the transactions of blocks were deleted.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn bodies_from(&self) -> Result<Height, StorageError> {
        Ok(self.meta(META_BODIES)?.unwrap_or_default())
    }

    /// The height of the block from whose state this node started: 0, or that of a snapshot. Of blocks up to there, but
    /// for block 0, there are some headers at most, and no history of accounts.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn begins_at(&self) -> Result<Height, StorageError> {
        Ok(self.meta(META_BEGINNING)?.unwrap_or_default())
    }

    /// The public halves of minting keys that were erased because no final table names them any more.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn retired_keys(&self) -> Result<Vec<Hash>, StorageError> {
        Ok(self.meta(META_RETIRED)?.unwrap_or_default())
    }

    /// The recoveries that this chain followed, oldest first: those that took effect here, or before the block from whose state
    /// the node started.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn recoveries_done(&self) -> Result<Vec<Recovery>, StorageError> {
        Ok(self.meta(META_RECOVERIES)?.unwrap_or_default())
    }

    /// A header, of any branch.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn header(&self, id: &BlockId) -> Result<Option<SealedHeader>, StorageError> {
        self.record(Space::Headers, id.as_bytes())
    }

    /// Blocks since the newest final one, itself included, in order of arrival.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn tree(&self) -> Result<Vec<BlockId>, StorageError> {
        let mut blocks: Vec<(u64, BlockId)> = Vec::new();
        for (key, value) in self.all(Space::Tree)? {
            blocks.push((decode("arrival", &value)?, decode("block id", &key)?));
        }
        blocks.sort_unstable();
        Ok(blocks.into_iter().map(|(_, id)| id).collect())
    }

    /// A block's certificate, if it has one.
    ///
    /// # Errors
    /// As [`Snapshot::chain`]; also if the block is not stored.
    pub fn certificate(&self, id: &BlockId) -> Result<Option<Certificate>, StorageError> {
        self.need(Space::Bodies, id.as_bytes())
    }

    /// A transaction of a block, by its place.
    ///
    /// # Errors
    /// As [`Snapshot::chain`]; also if it is not stored.
    pub fn transaction(&self, block: &BlockId, index: u32) -> Result<SignedTransaction, StorageError> {
        let part: Vec<SignedTransaction> = self.need(Space::Bodies, &body_key(block, index / BODY_PART))?;
        part.into_iter().nth((index % BODY_PART) as usize).ok_or_else(|| {
            StorageError::damaged(format!("body of block {block}"), format!("no transaction {index}"))
        })
    }

    /// A transaction of the best branch; `None` if the body of its block was pruned.
    ///
    /// # Errors
    /// As [`Snapshot::chain`]; also if it is missing though its block is kept.
    pub fn included(&self, place: &Inclusion) -> Result<Option<SignedTransaction>, StorageError> {
        if place.height < self.bodies_from()? {
            return Ok(None);
        }
        self.transaction(&place.block, place.index).map(Some)
    }

    /// A whole block; `None` if it is not stored, or its transactions were pruned.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn block(&self, id: &BlockId) -> Result<Option<Block>, StorageError> {
        self.encoded_block(id)?.map(|bytes| decode(&format!("block {id}"), &bytes)).transpose()
    }

    /// The same, as it travels: its transactions are not looked at.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn encoded_block(&self, id: &BlockId) -> Result<Option<Vec<u8>>, StorageError> {
        let Some(mut bytes) = self.read.get(Space::Headers, id.as_bytes())? else { return Ok(None) };
        let SealedHeader { header, .. } = decode(&format!("header {id}"), &bytes)?;
        let (count, height) = (header.transactions_count, header.height);
        if height > Height(0) && height <= self.begins_at()? {
            return Ok(None);
        }
        let parts = count.div_ceil(BODY_PART);
        let entries =
            self.read.range(Space::Bodies, &body_key(id, 0), &body_key(id, parts), parts as usize)?;
        if entries.is_empty() && count > 0 && height < self.bodies_from()? {
            return Ok(None);
        }
        let damaged = |cause: String| StorageError::damaged(format!("body of block {id}"), cause);
        let certificate = self.read.get(Space::Bodies, id.as_bytes())?;
        let certificate = certificate.ok_or_else(|| damaged("its certificate is not stored".to_owned()))?;
        bytes.reserve(certificate.len() + 4 + entries.iter().map(|(_, part)| part.len()).sum::<usize>());
        bytes.extend(certificate);
        bytes.extend(count.to_le_bytes());
        let mut found = 0_u64;
        for (_, part) in &entries {
            let (length, transactions) =
                part.split_first_chunk().ok_or_else(|| damaged("a part is cut off".to_owned()))?;
            found += u64::from(u32::from_le_bytes(*length));
            bytes.extend_from_slice(transactions);
        }
        if found != u64::from(count) {
            return Err(damaged(format!("{found} of {count}")));
        }
        Ok(Some(bytes))
    }

    /// The outcomes of a block's transactions.
    ///
    /// # Errors
    /// As [`Snapshot::chain`]; also if the block is not stored.
    pub fn outcomes(&self, id: &BlockId) -> Result<Vec<Outcome>, StorageError> {
        self.need(Space::Outcomes, id.as_bytes()).map(|groups: Vec<_>| OutcomeGroup::outcomes(&groups))
    }

    /// What applying a block adds to the indexes.
    ///
    /// # Errors
    /// As [`Snapshot::chain`]; also if the block is final or not stored.
    pub fn effects(&self, id: &BlockId) -> Result<Effects, StorageError> {
        self.need(Space::Effects, id.as_bytes())
    }

    /// A block's version of the state; `None` if it was pruned.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn version(&self, id: &BlockId) -> Result<Option<Version>, StorageError> {
        self.record(Space::Versions, id.as_bytes())
    }

    /// The block of the best branch at a height.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn at_height(&self, height: Height) -> Result<Option<BlockId>, StorageError> {
        self.record(Space::Heights, &height.0.to_be_bytes())
    }

    /// Blocks of the best branch from a height on, at most `limit`.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn heights(&self, from: Height, limit: usize) -> Result<Vec<BlockId>, StorageError> {
        let entries = self.read.range(Space::Heights, &from.0.to_be_bytes(), &END, limit)?;
        entries.iter().map(|(_, value)| decode("block id", value)).collect()
    }

    /// History records of an account with `from ≤ index < to`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn history(
        &self,
        address: &Address,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StorageError> {
        /// Parts that are read at once, at most: some hundred kilobytes.
        const PARTS: usize = 64;
        let mut found: Vec<HistoryEntry> = Vec::new();
        let (mut next, end) = (from, history_end(address));
        while next < to && found.len() < limit {
            let wanted = usize::try_from(to - next).unwrap_or(usize::MAX).min(limit - found.len());
            let key = history_key(address, next);
            let parts = self.read.range(Space::History, &key, &end, wanted.min(PARTS))?;
            if parts.is_empty() {
                break;
            }
            for (key, part) in &parts {
                let entries = decode::<HistoryPart>(HISTORY, part)?.entries();
                let entries = entries.map_err(|error| StorageError::damaged(HISTORY, error))?;
                let last = entries.last().map(|entry| entry.record.index);
                let Some(last) = last.filter(|last| *key == history_key(address, *last)) else {
                    return Err(StorageError::damaged(HISTORY, "they do not end where their key says"));
                };
                found.extend(entries.into_iter().filter(|entry| (from..to).contains(&entry.record.index)));
                next = last.saturating_add(1);
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Number of history records of all accounts. Reads all of them, some at a time.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn count_history(&self) -> Result<u64, StorageError> {
        self.sum(Space::History, |part| Ok(decode::<HistoryPart>(HISTORY, part)?.count()))
    }

    /// Where a transaction is on the best branch.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn inclusion(&self, id: &TransactionId) -> Result<Option<Inclusion>, StorageError> {
        let place: Option<(Height, u32)> = self.record(Space::Transactions, id.as_bytes())?;
        let Some((height, index)) = place else { return Ok(None) };
        let block = self.need(Space::Heights, &height.0.to_be_bytes())?;
        Ok(Some(Inclusion { height, block, index }))
    }

    /// What a minting key signed; `None` if there is no record of it.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn voting(&self, minting_key: &Hash) -> Result<Option<VotingRecord>, StorageError> {
        self.record(Space::Voting, minting_key.as_bytes())
    }

    /// Transactions that were accepted and waited for a block when the pool was written last; some may be in one.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn waiting(&self) -> Result<Vec<(TransactionId, SignedTransaction)>, StorageError> {
        let entries = self.all(Space::Waiting)?;
        let entry = |(key, value): &(Vec<u8>, Vec<u8>)| {
            let id = decode("id of a waiting transaction", key)?;
            Ok((id, decode(&format!("waiting transaction {id}"), value)?))
        };
        entries.iter().map(entry).collect()
    }

    /// Evidence of offences that no final block had settled when it was looked at last, one of each minting key.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn evidence(&self) -> Result<Vec<Evidence>, StorageError> {
        self.all(Space::Evidence)?.iter().map(|(_, value)| decode("evidence", value)).collect()
    }

    /// A version of the state.
    pub fn state(&self, root: Root) -> Trie<StateNodes<'_>> {
        Trie::open(root, self.nodes())
    }

    /// The state nodes.
    pub fn nodes(&self) -> StateNodes<'_> {
        StateNodes::new(&*self.read, &self.cache)
    }

    /// Number of state nodes.
    #[cfg(test)]
    pub(crate) fn count_nodes(&self) -> Result<usize, StorageError> {
        let pages = self.all(Space::Nodes)?.into_iter().map(|(_, page)| super::pages::Page::from_bytes(page));
        let counted = pages.map(|page| page.map(|page| page.len())).sum::<Result<usize, _>>();
        counted.map_err(|error| StorageError::damaged("pages of state nodes", error))
    }

    /// Number of entries of a space. Reads all of them, some at a time.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn count(&self, space: Space) -> Result<u64, StorageError> {
        self.sum(space, |_| Ok(1))
    }

    fn sum(
        &self,
        space: Space,
        count: impl Fn(&[u8]) -> Result<u64, StorageError>,
    ) -> Result<u64, StorageError> {
        const PAGE: usize = 4_096;
        let (mut from, mut sum) = (Vec::new(), 0);
        loop {
            let entries = self.read.range(space, &from, &END, PAGE)?;
            for (_, value) in &entries {
                sum += count(value)?;
            }
            let Some((last, _)) = entries.into_iter().next_back() else { return Ok(sum) };
            // The next key there can be.
            from = last;
            from.push(0);
        }
    }

    /// The first entry of a space whose key is not below `from`.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn first(&self, space: Space, from: &[u8]) -> Result<Option<super::Entry>, StorageError> {
        Ok(self.read.range(space, from, &END, 1)?.pop())
    }

    /// Every entry of a space: for checks and tests.
    ///
    /// # Errors
    /// As [`Snapshot::chain`].
    pub fn all(&self, space: Space) -> Result<Vec<super::Entry>, StorageError> {
        self.read.range(space, &[], &END, usize::MAX)
    }

    /// The entries with `from ≤ key < to`, at most `limit`.
    pub(super) fn entries(
        &self,
        space: Space,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<super::Entry>, StorageError> {
        self.read.range(space, from, to, limit)
    }

    pub(super) fn meta<T: BorshDeserialize>(&self, key: &[u8]) -> Result<Option<T>, StorageError> {
        self.record(Space::Meta, key)
    }

    fn need<T: BorshDeserialize>(&self, space: Space, key: &[u8]) -> Result<T, StorageError> {
        self.record(space, key)?
            .ok_or_else(|| StorageError::damaged(format!("{space} {}", hexadecimal(key)), "it is not stored"))
    }

    pub(super) fn loaded(&self) -> &[Loaded] {
        &self.recoveries
    }

    pub(super) fn table_cache(&self) -> &TableCache {
        &self.tables
    }

    pub(crate) fn record<T: BorshDeserialize>(
        &self,
        space: Space,
        key: &[u8],
    ) -> Result<Option<T>, StorageError> {
        let Some(bytes) = self.read.get(space, key)? else { return Ok(None) };
        // Its name is for errors: most of what is read is whole.
        let damaged = |error| StorageError::damaged(format!("{space} {}", hexadecimal(key)), error);
        codec::decode(&bytes, bytes.len()).map(Some).map_err(damaged)
    }
}

impl RangeStore for Snapshot {
    type Error = StorageError;

    fn node(&self, position: u64) -> Result<Option<Hash>, StorageError> {
        self.record(Space::Range, &position.to_be_bytes())
    }
}

/// What we wrote ourselves is not longer than memory; damage is found by the decoder.
pub(super) fn decode<T: BorshDeserialize>(what: &str, bytes: &[u8]) -> Result<T, StorageError> {
    codec::decode(bytes, usize::MAX).map_err(|error| StorageError::damaged(what, error))
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _: std::fmt::Result = write!(text, "{byte:02x}");
        text
    })
}
