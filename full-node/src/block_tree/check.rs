//! The rules of a block. Each is checked here once, in the order of cost.

use light_client::{
    block_tree::{HeaderRange, RangeNodes, RangeStore, TreeError},
    consensus::spos::{Block, Certificate, HeaderError, Tables},
    crypto::{Hash, Signature},
    data_format::{
        BlockId, Header, MAX_BLOCK_BYTES, Outcome, SealedHeader, SignedTransaction, Slot, Time,
        TransactionId, codec,
    },
    state::{Root, Trie},
    transaction::{CheckedTransaction, TransactionError, check_in_block},
};

use super::{BlockError, Chain, signatures::check_in_order};
use crate::{
    logic::{BlockExecution, Ended, Executed, Finished, InclusionError},
    storage::{Snapshot, StorageError, Version},
};

/// Gives a transaction of a block, by its place in it, if it was checked before, with this signature: it is not checked twice.
pub type Known<'a> = dyn Fn(usize, &SignedTransaction) -> Option<CheckedTransaction> + 'a;

/// A block that obeys every rule, executed, and not stored yet.
#[derive(Debug)]
pub struct Prepared {
    pub(super) id: BlockId,
    pub(super) block: Block,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) state: Finished,
    pub(super) version: Version,
}

/// What a block begins with, besides its place.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The votes that it brings.
    pub certificate: Option<Certificate>,
    /// As much of its seal as is known before: who is paid, if a seal says so.
    pub seal: Signature,
}

impl Draft {
    /// A block with these votes, sealed by a key.
    pub const fn with(certificate: Option<Certificate>) -> Self {
        Self { certificate, seal: Signature([0; 64]) }
    }
}

/// What a block is built or checked on.
struct Ground {
    id: BlockId,
    parent: Header,
    root: Root,
    headers_root: Hash,
}

impl Prepared {
    /// The block's id.
    pub const fn id(&self) -> &BlockId {
        &self.id
    }

    /// Seals it: its id does not change by that.
    pub const fn seal(&mut self, seal: Signature) {
        self.block.header.seal = seal;
    }

    /// The block.
    pub const fn block(&self) -> &Block {
        &self.block
    }

    /// What became of its transactions.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }
}

impl Chain {
    /// Checks a block against every rule and executes it, changing nothing.
    ///
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, block: &Block, now: Time, known: &Known<'_>) -> Result<Prepared, BlockError> {
        let found = codec::length(block);
        if found > MAX_BLOCK_BYTES {
            return Err(BlockError::TooLarge { found, limit: MAX_BLOCK_BYTES });
        }
        let (header, id) = (&block.header.header, block.header.header.id());
        let snapshot = self.database.read()?;
        let ground = self.ground(&snapshot, &id, &header.parent)?;
        self.rules.check(self, &snapshot, &ground.parent, block, &id, now)?;
        check_equal(header.headers_root, ground.headers_root, |expected, found| BlockError::HeadersRoot {
            expected,
            found,
        })?;
        if block.transactions.len() != header.transactions_count as usize {
            let found = block.transactions.len();
            return Err(BlockError::TransactionCount { expected: header.transactions_count, found });
        }
        let executed = check_in_order(
            &block.transactions,
            known,
            |index, signed| {
                check_in_block(signed, &self.spec, self.engine.chain())
                    .map_err(|error| BlockError::Transaction { index, error })
            },
            |checked| self.execute(&snapshot, &ground, block, checked),
        )?;
        check_equal(header.next_slots, next_slots(&executed), |expected, found| BlockError::NextSlots {
            expected,
            found,
        })?;
        check_equal(executed.transactions_root, header.transactions_root, |expected, found| {
            BlockError::TransactionsRoot { expected, found }
        })?;
        if let Some(changes) = &executed.state.changes {
            check_equal(changes.root.hash, header.state_root, |expected, found| BlockError::StateRoot {
                expected,
                found,
            })?;
        }
        self.prepare(&snapshot, id, block.clone(), executed)
    }

    /// Builds a block on the best branch: as many of `candidates` as fit, in their order, skipping those that
    /// cannot be included. Gives the block and the transactions skipped.
    ///
    /// # Errors
    /// [`BlockError`] if the slot does not come after the head's, or the disk fails.
    pub fn build(
        &self,
        slot: Slot,
        draft: Draft,
        candidates: &[CheckedTransaction],
        seal: impl FnOnce(&[u8]) -> Signature,
    ) -> Result<(Prepared, Vec<(TransactionId, TransactionError)>), BlockError> {
        let snapshot = self.database.read()?;
        let parent_id = self.head.id;
        let ground = self.ground(&snapshot, &parent_id, &parent_id)?;
        if slot <= ground.parent.slot {
            return Err(HeaderError::SlotOrder { parent: ground.parent.slot, found: slot }.into());
        }
        let height = ground.parent.height.next();
        let mut header = Header {
            version: Header::VERSION,
            height,
            slot,
            parent: parent_id,
            transactions_root: Hash::ZERO,
            transactions_count: 0,
            state_root: Hash::ZERO,
            headers_root: ground.headers_root,
            next_slots: ground.parent.next_slots,
            justified: snapshot.justified_after(&ground.parent),
            certificate_hash: Hash::ZERO,
            main_parent: None,
        };
        let Draft { certificate, seal: unsealed } = draft;
        if let Some(certificate) = &certificate {
            header.justified = certificate.link.target.checkpoint;
            header.certificate_hash = certificate.hash();
        }
        let sealed = SealedHeader { header, seal: unsealed };
        let mut block = Block { header: sealed, certificate, transactions: Vec::new() };
        let mut room = MAX_BLOCK_BYTES.saturating_sub(codec::length(&block));
        let mut skipped = Vec::new();
        let mut execution = self.execution(&snapshot, &ground, &block.header, block.certificate.as_ref())?;
        for candidate in candidates {
            if candidate.encoded_length() > room || execution.len() >= MAX_TRANSACTIONS {
                break;
            }
            match execution.apply(candidate) {
                Ok(_) => {
                    room -= candidate.encoded_length();
                    block.transactions.push(candidate.signed().clone());
                }
                Err(InclusionError::Rule(error)) => skipped.push((candidate.id(), error)),
                Err(InclusionError::State(fault)) => return Err(fault.into()),
            }
        }
        let executed = execution.finish(|ended| ended.commit(self.next_node))?;
        let header = &mut block.header.header;
        header.transactions_root = executed.transactions_root;
        // At most 65,536, see above.
        header.transactions_count = u32::try_from(executed.outcomes.len()).unwrap_or(u32::MAX);
        // A version that is committed has one.
        header.state_root = executed.state.changes.as_ref().map_or(Hash::ZERO, |changes| changes.root.hash);
        header.next_slots = next_slots(&executed);
        let id = header.id();
        block.header.seal = seal(&Header::seal_message(self.engine.chain(), &id));
        Ok((self.prepare(&snapshot, id, block, executed)?, skipped))
    }

    fn ground(&self, snapshot: &Snapshot, id: &BlockId, parent: &BlockId) -> Result<Ground, BlockError> {
        let entry =
            self.tree.entry(parent).map_err(|_| TreeError::UnknownParent { id: *id, parent: *parent })?;
        let header = entry.sealed.header.clone();
        let version = self.version(snapshot, parent)?;
        Ok(Ground { id: *parent, parent: header, root: version.root, headers_root: version.range_root })
    }

    pub(super) fn version(&self, snapshot: &Snapshot, id: &BlockId) -> Result<Version, BlockError> {
        let version = match self.leap.as_ref().and_then(|leap| leap.passed(id)) {
            Some(passed) => Some(passed.clone()),
            None => snapshot.version(id)?,
        };
        Ok(version
            .ok_or_else(|| StorageError::damaged(format!("state after block {id}"), "it is not stored"))?)
    }

    /// The execution of a block, as far as its header says: on what it stands, and whom it pays.
    fn execution<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        ground: &Ground,
        sealed: &SealedHeader,
        certificate: Option<&Certificate>,
    ) -> Result<BlockExecution<'a>, BlockError> {
        let (place, reward) = self.rules.place(self, snapshot, &ground.parent, sealed, certificate)?;
        let state = match self.warm().take_if(|(id, _)| *id == ground.id) {
            Some((_, warm)) => warm.open(snapshot.nodes()),
            None => Trie::open(ground.root, snapshot.nodes()).into(),
        };
        Ok(BlockExecution::new(&self.container, state, place, reward)?)
    }

    fn execute(
        &self,
        snapshot: &Snapshot,
        ground: &Ground,
        block: &Block,
        transactions: &mut dyn Iterator<Item = Result<CheckedTransaction, BlockError>>,
    ) -> Result<Executed, BlockError> {
        let mut execution = self.execution(snapshot, ground, &block.header, block.certificate.as_ref())?;
        for (index, transaction) in transactions.enumerate() {
            execution.apply(&transaction?).map_err(|error| match error {
                InclusionError::Rule(error) => BlockError::Transaction { index, error },
                InclusionError::State(fault) => BlockError::State(fault),
            })?;
        }
        let height = block.header.header.height;
        let end = |ended: Ended<'_>| {
            if self.leap.as_ref().is_some_and(|leap| leap.passes(height, ended.size())) {
                Ok(ended.set_aside())
            } else {
                ended.commit(self.next_node)
            }
        };
        Ok(execution.finish(end)?)
    }

    fn prepare(
        &self,
        snapshot: &Snapshot,
        id: BlockId,
        block: Block,
        executed: Executed,
    ) -> Result<Prepared, BlockError> {
        let header = &block.header.header;
        let Executed { outcomes, state, .. } = executed;
        let store = self.branch_range(snapshot, &header.parent)?;
        let (range, range_root) = HeaderRange::new(&store, header.height.0).push(&id).map_err(|error| {
            BlockError::Damaged { id, height: header.height, what: format!("the range of headers: {error}") }
        })?;
        let (root, next_node, stale) = match &state.changes {
            Some(changes) => (changes.root, changes.next_id, changes.stale.clone()),
            // Nothing can be read under it.
            None => {
                let root = Root { id: None, hash: header.state_root, count: state.warm.count() };
                (root, self.next_node, Vec::new())
            }
        };
        let version = Version { root, first_node: self.next_node, next_node, stale, range, range_root };
        Ok(Prepared { id, block, outcomes, state, version })
    }

    /// The range of headers as it is on the branch of `tip`.
    fn branch_range<'a>(&self, snapshot: &'a Snapshot, tip: &BlockId) -> Result<BranchRange<'a>, BlockError> {
        let mut branch = Vec::new();
        for (id, header) in self.tree.ancestors(tip) {
            if snapshot.at_height(header.height)? == Some(id) {
                break;
            }
            branch.extend(self.version(snapshot, &id)?.range);
        }
        Ok(BranchRange { snapshot, branch })
    }
}

/// Transactions in a block, at most.
const MAX_TRANSACTIONS: usize = 65_536;

/// The range of the best branch, and before it the nodes that another branch has instead. A range of `n` headers
/// reads only positions below its size, and from the fork on those are all in `branch`.
struct BranchRange<'a> {
    snapshot: &'a Snapshot,
    branch: RangeNodes,
}

impl RangeStore for BranchRange<'_> {
    type Error = StorageError;

    fn node(&self, position: u64) -> Result<Option<Hash>, StorageError> {
        let own = self.branch.iter().find_map(|(first, nodes)| {
            let offset = usize::try_from(position.checked_sub(*first)?).ok()?;
            nodes.get(offset).copied()
        });
        match own {
            Some(hash) => Ok(Some(hash)),
            None => self.snapshot.node(position),
        }
    }
}

fn next_slots(executed: &Executed) -> Hash {
    executed.state.tables.as_ref().map_or(Hash::ZERO, Tables::commitment)
}

fn check_equal(a: Hash, b: Hash, error: impl FnOnce(Hash, Hash) -> BlockError) -> Result<(), BlockError> {
    if a == b { Ok(()) } else { Err(error(b, a)) }
}
