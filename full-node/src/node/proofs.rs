//! What light clients ask about accounts and transactions: proof bundles, built from one snapshot each, so that all their parts agree.

use std::collections::BTreeSet;

use light_client::{
    block_tree::HeaderRange,
    client::{
        AccountBundle, Anchor, Bundle, HeaderPath, HeaderRow, HistoryPage, MAX_RECORDS, MAX_TIP_HEADERS,
        TransactionBundle,
    },
    data_format::{
        Address, BlockId, Header, Height, SealedHeader, SignedTransaction, Transaction, TransactionId,
        TransactionProof, codec,
    },
    state::AccountRecord,
};

use super::{
    Node, NodeError,
    queries::{kept_history, need, stored_finality},
};
use crate::{
    consensus::Led,
    storage::{HistoryEntry, Inclusion, Snapshot},
};

/// Bytes of transactions that go with a page of history, at most: the rest can be asked for one by one.
const MAX_PAGE_TRANSACTION_BYTES: usize = 256 * 1024;

impl Node {
    /// The bytes of an `Anchor`: a beacon of the newest final block, or that block's header if it is `trusted`.
    ///
    /// # Errors
    /// [`NodeError`]; a trusted block of another chain is one.
    pub async fn anchor(&self, trusted: Option<BlockId>) -> Result<Vec<u8>, NodeError> {
        self.blocking(move |node| Ok(node.anchor_now(&node.0.database.read()?, trusted)?.to_bytes())).await?
    }

    /// The bytes of a `Beacon` of the newest final block; `None` while only genesis is final.
    ///
    /// # Errors
    /// As [`Node::anchor`].
    pub async fn beacon(&self, trusted: Option<BlockId>) -> Result<Option<Vec<u8>>, NodeError> {
        self.blocking(move |node| {
            let snapshot = node.0.database.read()?;
            let held = node.check_trusted(&snapshot, trusted)?;
            let held = held.as_ref().unwrap_or(&node.0.genesis.header);
            let anchor = node.0.rules.anchor(&snapshot, &stored_finality(&snapshot)?, held)?;
            Ok(anchor.and_then(|anchor| match anchor {
                Anchor::Beacon(beacon) => Some(beacon.to_bytes()),
                _ => None,
            }))
        })
        .await?
    }

    /// The bytes of a `HandOver`: the fewest links from the trusted block to the newest final one, as many as fit; `None`
    /// where nothing became final by votes.
    ///
    /// # Errors
    /// As [`Node::anchor`]; also if links that are needed are not kept here.
    pub async fn hand_over(&self, trusted: Option<BlockId>) -> Result<Option<Vec<u8>>, NodeError> {
        self.blocking(move |node| {
            let snapshot = node.0.database.read()?;
            let held = node.check_trusted(&snapshot, trusted)?;
            let held = held.as_ref().unwrap_or(&node.0.genesis.header);
            match node.0.rules.lead(&node.0.database, held)? {
                Led::Over(hand_over) => Ok(Some(hand_over.to_bytes())),
                Led::Nowhere => Ok(None),
                Led::Unknown => Err(node.no_way(held)?),
            }
        })
        .await?
    }

    /// The bytes of an `AccountBundle` at the newest final block: the account and its newest records, those after
    /// the `known_count` first ones, at most `max_records` of them.
    ///
    /// # Errors
    /// As [`Node::anchor`].
    pub async fn account_bundle(
        &self,
        address: Address,
        trusted: Option<BlockId>,
        known_count: u64,
        max_records: usize,
    ) -> Result<Vec<u8>, NodeError> {
        self.blocking(move |node| {
            Ok(node.account_bundle_now(address, trusted, known_count, max_records)?.to_bytes())
        })
        .await?
    }

    /// The bytes of a `HistoryPage`: the `limit` records before the record `before` (none if it is 0), oldest first.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn history_page(
        &self,
        address: Address,
        before: u64,
        limit: usize,
    ) -> Result<Vec<u8>, NodeError> {
        self.blocking(move |node| {
            let snapshot = node.0.database.read()?;
            let limit = limit.min(MAX_RECORDS);
            // Records that will be there one day are no fault of this node.
            let known = node.newest_record(&snapshot, &address)?.min(before);
            let from = before.saturating_sub(limit as u64).min(known);
            let records = kept_history(&snapshot, &address, from, known)?;
            Ok(page(&snapshot, &records, Default::default())?.to_bytes())
        })
        .await?
    }

    /// The bytes of a `TransactionBundle`; `None` if the transaction is in no block of the best branch, or in one
    /// too far beyond the newest final block to be shown from there (2,048 blocks).
    ///
    /// # Errors
    /// As [`Node::anchor`].
    pub async fn transaction_bundle(
        &self,
        id: TransactionId,
        trusted: Option<BlockId>,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        self.blocking(move |node| {
            Ok(node.transaction_bundle_now(&id, trusted)?.map(|bundle| bundle.to_bytes()))
        })
        .await?
    }

    /// The bytes of a `HeaderRow`: headers of the best branch from a height on, at most `limit` (and at most 2,048).
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn headers(&self, from: Height, limit: usize) -> Result<Vec<u8>, NodeError> {
        self.blocking(move |node| {
            Ok(HeaderRow(row(&node.0.database.read()?, from, limit.min(MAX_TIP_HEADERS))?).to_bytes())
        })
        .await?
    }

    pub(super) fn anchor_now(
        &self,
        snapshot: &Snapshot,
        trusted: Option<BlockId>,
    ) -> Result<Anchor, NodeError> {
        let held = self.check_trusted(snapshot, trusted)?;
        let finality = stored_finality(snapshot)?;
        // Who trusts no block of the chain yet starts from genesis.
        let held = held.as_ref().unwrap_or(&self.0.genesis.header);
        if trusted != Some(finality.root.id)
            && let Some(anchor) = self.0.rules.anchor(snapshot, &finality, held)?
        {
            return Ok(anchor);
        }
        let header = need(snapshot.header(&finality.root.id)?, "the newest final header")?.header;
        if trusted != Some(finality.root.id) && snapshot.recovery_from(&header).is_some() {
            return Err(NodeError::Recovered(finality.root.id));
        }
        Ok(Anchor::Trusted(Box::new(header)))
    }

    /// The header of the block that a client trusts, if it named one: it must be a final one of this chain.
    pub(super) fn check_trusted(
        &self,
        snapshot: &Snapshot,
        trusted: Option<BlockId>,
    ) -> Result<Option<Header>, NodeError> {
        let Some(id) = trusted else { return Ok(None) };
        let unknown = || NodeError::UnknownTrusted(id);
        let header = snapshot.header(&id)?.ok_or_else(unknown)?.header;
        let ours = snapshot.at_height(header.height)? == Some(id);
        if ours && header.height <= stored_finality(snapshot)?.height {
            Ok(Some(header))
        } else {
            Err(unknown())
        }
    }

    /// History records that an account has at the head.
    fn newest_record(&self, snapshot: &Snapshot, address: &Address) -> Result<u64, NodeError> {
        let head = self.stored_head(snapshot)?;
        let record = AccountRecord::read(&mut snapshot.state(head.root), address)?;
        Ok(record.map_or(0, |record| record.history_count))
    }

    fn account_bundle_now(
        &self,
        address: Address,
        trusted: Option<BlockId>,
        known_count: u64,
        max_records: usize,
    ) -> Result<AccountBundle, NodeError> {
        let snapshot = self.0.database.read()?;
        let anchor = self.anchor_now(&snapshot, trusted)?;
        let version = need(snapshot.version(&anchor.header().id())?, "the state of the newest final block")?;
        let mut state = snapshot.state(version.root);
        let record = AccountRecord::read(&mut state, &address)?.unwrap_or_default();
        let limit = max_records.min(MAX_RECORDS);
        let count = record.history_count;
        let from = known_count.max(count.saturating_sub(limit as u64));
        let records = kept_history(&snapshot, &address, from.min(count), count)?;
        let history = page(&snapshot, &records, record.history_head)?;
        Ok(AccountBundle { anchor, address, witness: state.witness(), history })
    }

    fn transaction_bundle_now(
        &self,
        id: &TransactionId,
        trusted: Option<BlockId>,
    ) -> Result<Option<TransactionBundle>, NodeError> {
        let snapshot = self.0.database.read()?;
        let Some(inclusion) = snapshot.inclusion(id)? else { return Ok(None) };
        transaction_bundle_of(&snapshot, &inclusion, self.anchor_now(&snapshot, trusted)?)
    }
}

/// Where a transaction is, shown from an anchor; `None` if that is too far beyond it.
pub(super) fn transaction_bundle_of(
    snapshot: &Snapshot,
    inclusion: &Inclusion,
    anchor: Anchor,
) -> Result<Option<TransactionBundle>, NodeError> {
    let Some(path) = path(snapshot, &anchor, inclusion.height)? else { return Ok(None) };
    let outcomes = snapshot.outcomes(&inclusion.block)?;
    let index = inclusion.index as usize;
    let outcome = need(outcomes.get(index).copied(), "the outcome of a transaction")?;
    let proof = need(TransactionProof::make(&outcomes, index), "the outcome of a transaction")?;
    Ok(Some(TransactionBundle { anchor, path, outcome, proof }))
}

/// The path from an anchor to the block of the best branch at a height; `None` if that is too far beyond the anchor to be
/// shown from there, or above the head.
pub(super) fn path(
    snapshot: &Snapshot,
    anchor: &Anchor,
    height: Height,
) -> Result<Option<HeaderPath>, NodeError> {
    let final_height = anchor.header().height;
    if height == final_height {
        return Ok(Some(HeaderPath::Anchor));
    }
    if height < final_height {
        let begins = snapshot.begins_at()?;
        let sealed = match snapshot.at_height(height)? {
            Some(id) => snapshot.header(&id)?,
            None => None,
        };
        if sealed.is_none() && height <= begins {
            return Err(NodeError::NotKept { what: format!("the header of block {height}"), from: begins });
        }
        let proof = HeaderRange::new(snapshot, final_height.0)
            .prove(height)
            .map_err(|error| NodeError::Damaged(format!("the range of headers: {error}")))?;
        let header = Box::new(need(sealed, "the header of a block")?.header);
        return Ok(Some(HeaderPath::Older { header, proof }));
    }
    let count = height.0 - final_height.0;
    let Some(count) = usize::try_from(count).ok().filter(|count| *count <= MAX_TIP_HEADERS) else {
        return Ok(None);
    };
    let headers = row(snapshot, final_height.next(), count)?;
    Ok((headers.len() == count).then_some(HeaderPath::Newer(headers)))
}

fn row(snapshot: &Snapshot, from: Height, limit: usize) -> Result<Vec<SealedHeader>, NodeError> {
    let mut row: Vec<SealedHeader> = Vec::new();
    let mut next = from;
    for id in snapshot.heights(from, limit)? {
        let sealed = need(snapshot.header(&id)?, "the header of a block")?;
        // Between block 0 and a snapshot there is nothing.
        if sealed.header.height != next {
            break;
        }
        next = next.next();
        row.push(sealed);
    }
    let begins = snapshot.begins_at()?;
    if row.is_empty() && from <= begins && begins > Height(0) {
        return Err(NodeError::NotKept { what: format!("the header of block {from}"), from: begins });
    }
    Ok(row)
}

/// A page of these records; `head` is the account's history head, for a page without any.
fn page(
    snapshot: &Snapshot,
    entries: &[HistoryEntry],
    head: light_client::crypto::Hash,
) -> Result<HistoryPage, NodeError> {
    let mut transactions: Vec<Transaction> = Vec::new();
    let mut room = MAX_PAGE_TRANSACTION_BYTES;
    let named: BTreeSet<TransactionId> =
        entries.iter().map(|entry| entry.record.transaction).filter(|id| !id.is_zero()).collect();
    for id in named {
        let Some(inclusion) = snapshot.inclusion(&id)? else { continue };
        let Some(SignedTransaction { transaction, .. }) = snapshot.included(&inclusion)? else { continue };
        match room.checked_sub(codec::length(&transaction)) {
            Some(left) => room = left,
            None => break,
        }
        transactions.push(transaction);
    }
    Ok(HistoryPage {
        head_before: entries.first().map_or(head, |entry| entry.head_before),
        records: entries.iter().map(|entry| entry.record).collect(),
        transactions,
    })
}
