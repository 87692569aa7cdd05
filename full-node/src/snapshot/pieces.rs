use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::{
    crypto::Hash,
    data_format::{BlockId, Height, codec},
    state::{Entry, TrieError, UnknownNode, WitnessError, verify},
};

use super::{Base, BaseError, MAX_PIECE_BYTES, base::Checked};
use crate::storage::{Batch, Database, Finality, Snapshot, Space, StorageError};

/// Pieces that are written before the disk is asked to keep them for good: what a kill loses is asked for again.
const PIECES_A_SYNC: u32 = 16;
/// About how many bytes of a proof an entry takes besides its key and its value.
const BYTES_PER_ENTRY: usize = 16;

/// Where the beginning is; pieces are at 1 and the rank of their first entry.
const BEGINNING: [u8; 1] = [0];
const PIECE: u8 = 1;

/// What stands at the beginning.
#[derive(BorshSerialize, BorshDeserialize)]
struct Beginning {
    base: Base,
    finality: Finality,
    checkpoint: Option<(Height, BlockId)>,
}

/// The stored part of a snapshot.
pub struct Pieces {
    pub(super) base: Checked,
    pub(super) finality: Finality,
    checkpoint: Option<(Height, BlockId)>,
    /// The first rank of each piece, and its entries.
    taken: BTreeMap<u64, u64>,
    unsynced: u32,
}

/// A piece that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PieceError {
    /// It does not prove what is read from it.
    #[error("the piece from entry {first} on proves nothing: {error}")]
    Witness {
        /// The rank of its first entry.
        first: u64,
        /// Why.
        error: WitnessError,
    },
    /// An entry cannot be read from it.
    #[error("the piece from entry {first} on proves nothing: {error}")]
    Trie {
        /// The rank of its first entry.
        first: u64,
        /// Why.
        error: TrieError<UnknownNode>,
    },
    /// The state ends before.
    #[error("the piece from entry {first} on is said to have {expected} entries, and has {found}")]
    Count {
        /// The rank of its first entry.
        first: u64,
        /// How many it is said to have.
        expected: u32,
        /// How many there are.
        found: usize,
    },
}

/// Entries of the state after a final block from a rank on, with their proof: at most `count`, and no more than have about
/// `bytes`, but one at least. `None` if that state is not kept.
///
/// # Errors
/// [`StorageError`] when the disk cannot be read.
pub fn serve(
    snapshot: &Snapshot,
    block: &BlockId,
    first: u64,
    count: u32,
    bytes: usize,
) -> Result<Option<(u32, Vec<u8>)>, StorageError> {
    let Some(version) = snapshot.version(block)? else { return Ok(None) };
    let mut state = snapshot.state(version.root);
    let (mut room, mut given) = (bytes.min(MAX_PIECE_BYTES / 2), 0);
    for entry in state.ranked(first).take(count as usize) {
        let Entry { key, value } =
            entry.map_err(|error| StorageError::damaged(format!("the state after block {block}"), error))?;
        given += 1;
        match room.checked_sub(key.len() + value.len() + BYTES_PER_ENTRY) {
            Some(left) => room = left,
            None => break,
        }
    }
    Ok(Some((given, state.witness())))
}

impl Pieces {
    /// Begins a snapshot, and forgets any other. `checkpoint` is what the operator trusts and finality was proven from, if
    /// not from block 0.
    ///
    /// # Errors
    /// [`StorageError`] when the disk fails.
    pub fn begin(
        database: &Database,
        base: Checked,
        finality: Finality,
        checkpoint: Option<(Height, BlockId)>,
    ) -> Result<Self, StorageError> {
        Self::forget(database)?;
        let mut batch = Batch::default();
        let beginning = Beginning { base: base.base.clone(), finality: finality.clone(), checkpoint };
        batch.put(Space::Snapshot, BEGINNING, codec::encode(&beginning));
        database.commit(batch)?;
        Ok(Self { base, finality, checkpoint, taken: BTreeMap::new(), unsynced: 0 })
    }

    /// What a process before this one began.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    pub fn resume(database: &Database) -> Result<Option<Self>, StorageError> {
        let snapshot = database.read()?;
        let Some(beginning) = snapshot.record(Space::Snapshot, &BEGINNING)? else { return Ok(None) };
        let Beginning { base, finality, checkpoint } = beginning;
        let damaged = |error: BaseError| StorageError::damaged("the snapshot that was begun", error);
        let base = base.checked(&finality.root.id).map_err(damaged)?;
        let mut taken = BTreeMap::new();
        let mut from = 0;
        while let Some((first, entries)) = piece_from(&snapshot, from)? {
            let count = entries.len() as u64;
            taken.insert(first, count);
            from = first.saturating_add(count.max(1));
        }
        Ok(Some(Self { base, finality, checkpoint, taken, unsynced: 0 }))
    }

    /// Forgets everything of a snapshot that was begun.
    ///
    /// # Errors
    /// [`StorageError`] when the disk fails.
    pub fn forget(database: &Database) -> Result<(), StorageError> {
        let mut batch = Batch::default();
        forget_in(&mut batch, &database.read()?)?;
        if batch.is_empty() { Ok(()) } else { database.commit(batch) }
    }

    /// What is final, by which the snapshot is trusted.
    pub const fn finality(&self) -> &Finality {
        &self.finality
    }

    /// What the operator trusted when it was begun, if not block 0.
    pub const fn checkpoint(&self) -> Option<(Height, BlockId)> {
        self.checkpoint
    }

    /// What the block's header commits to: all headers before it.
    pub const fn headers_root(&self) -> Hash {
        self.base.base.header.header.headers_root
    }

    /// Entries of the whole state.
    pub const fn total(&self) -> u64 {
        self.base.total
    }

    /// What is stored: first ranks and numbers of entries, rising and apart.
    pub fn taken(&self) -> Vec<(u64, u64)> {
        self.taken.iter().map(|(first, count)| (*first, *count)).collect()
    }

    /// Checks a piece; gives its entries.
    ///
    /// # Errors
    /// [`PieceError`]: then no honest node sent it.
    pub fn check(&self, first: u64, count: u32, proof: &[u8]) -> Result<Vec<Entry>, PieceError> {
        let root = self.base.base.header.header.state_root;
        let entries = verify(proof, MAX_PIECE_BYTES, root, |trie| {
            trie.ranked(first).take(count as usize).collect::<Result<Vec<Entry>, _>>().map_err(Read::Trie)
        });
        let entries = entries.map_err(|error| match error {
            Read::Witness(error) => PieceError::Witness { first, error },
            Read::Trie(error) => PieceError::Trie { first, error },
        })?;
        if entries.len() != count as usize {
            return Err(PieceError::Count { first, expected: count, found: entries.len() });
        }
        Ok(entries)
    }

    /// Stores entries that were checked.
    ///
    /// # Errors
    /// [`StorageError`] when the disk fails.
    pub fn store(&mut self, database: &Database, first: u64, entries: &[Entry]) -> Result<(), StorageError> {
        let pairs: Vec<(&[u8], &[u8])> = entries.iter().map(|entry| (&*entry.key, &*entry.value)).collect();
        let mut batch = Batch::default();
        batch.put(Space::Snapshot, piece_key(first), codec::encode(&pairs));
        self.taken.insert(first, entries.len() as u64);
        self.unsynced += 1;
        if self.unsynced >= PIECES_A_SYNC {
            self.unsynced = 0;
            database.commit(batch)
        } else {
            database.commit_later(batch)
        }
    }
}

/// Adds the removal of all that is stored of a snapshot.
pub(super) fn forget_in(batch: &mut Batch, snapshot: &Snapshot) -> Result<(), StorageError> {
    let mut from = BEGINNING.to_vec();
    // One at a time: a piece has up to some megabytes.
    while let Some((key, _)) = snapshot.first(Space::Snapshot, &from)? {
        batch.remove(Space::Snapshot, key.clone());
        from = key;
        from.push(0);
    }
    Ok(())
}

/// The rank of a piece's first leaf, and its leaves: keys and values.
type Piece = (u64, Vec<(Vec<u8>, Vec<u8>)>);

/// The first piece whose first rank is not below `from`.
pub(super) fn piece_from(snapshot: &Snapshot, from: u64) -> Result<Option<Piece>, StorageError> {
    let Some((key, value)) = snapshot.first(Space::Snapshot, &piece_key(from))? else { return Ok(None) };
    let damaged = |cause: &str| StorageError::damaged("a piece of the snapshot", cause);
    let rank: [u8; 8] =
        key.get(1..).and_then(|rank| rank.try_into().ok()).ok_or_else(|| damaged("it has no rank"))?;
    let entries = codec::decode(&value, usize::MAX)
        .map_err(|error| StorageError::damaged("a piece of the snapshot", error))?;
    Ok(Some((u64::from_be_bytes(rank), entries)))
}

fn piece_key(first: u64) -> Vec<u8> {
    [&[PIECE][..], &first.to_be_bytes()].concat()
}

enum Read {
    Witness(WitnessError),
    Trie(TrieError<UnknownNode>),
}

impl From<WitnessError> for Read {
    fn from(error: WitnessError) -> Self {
        Self::Witness(error)
    }
}
