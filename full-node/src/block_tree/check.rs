//! The rules of a block. Each is checked here once, in the order of cost.

use light_client::{
    block_tree::{HeaderRange, RangeNodes, RangeStore, TreeError},
    consensus::spos::{Block, Certificate, Electorate, HeaderError, Tables},
    crypto::{Hash, Signature},
    data_format::{
        Address, BlockId, Checkpoint, Header, MAX_BLOCK_BYTES, Round, SealedHeader, Slot, Time,
        TransactionId, codec,
    },
    state::Root,
    transaction::{CheckedTransaction, TransactionError, check_in_block},
};
use rayon::prelude::*;

use super::{BlockError, Chain};
use crate::{
    logic::{Activity, BlockExecution, Executed, InclusionError, Place},
    storage::{Effects, Snapshot, StorageError, Version},
};
use light_client::{data_format::Outcome, state::Changes};

/// A block that obeys every rule, executed, and not stored yet.
#[derive(Debug)]
pub struct Prepared {
    pub(super) id: BlockId,
    pub(super) block: Block,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) changes: Changes,
    pub(super) effects: Effects,
    pub(super) version: Version,
    pub(super) tables: Tables,
}

/// What a block is built or checked on.
struct Ground {
    parent: Header,
    root: Root,
    headers_root: Hash,
}

impl Prepared {
    /// The block's id.
    pub const fn id(&self) -> &BlockId {
        &self.id
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
    /// `verified` gives a transaction whose signature was checked before, so that it is not checked twice.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(
        &self,
        block: &Block,
        now: Time,
        verified: &(dyn Fn(&TransactionId) -> Option<CheckedTransaction> + Sync),
    ) -> Result<Prepared, BlockError> {
        let found = codec::encode(block).len();
        if found > MAX_BLOCK_BYTES {
            return Err(BlockError::TooLarge { found, limit: MAX_BLOCK_BYTES });
        }
        let (header, id) = (&block.header.header, block.header.header.id());
        let snapshot = self.database.read()?;
        let ground = self.ground(&snapshot, &id, &header.parent)?;
        let round = self.engine.clock().round(header.slot);
        let (_, checkpoint) = self.checkpoint(&snapshot, &header.parent, round)?;
        let table = snapshot.tables(&checkpoint.next_slots)?.in_force;
        self.engine.check_header(&ground.parent, &table, &block.header, &id, now)?;
        self.check_certificate(&snapshot, &ground.parent, block)?;
        check_equal(header.headers_root, ground.headers_root, |expected, found| BlockError::HeadersRoot {
            expected,
            found,
        })?;
        if block.transactions.len() != header.transactions_count as usize {
            let found = block.transactions.len();
            return Err(BlockError::TransactionCount { expected: header.transactions_count, found });
        }
        let checked = self.check_transactions(block, verified)?;
        let executed = self.execute(&snapshot, &ground, block, &checked)?;
        check_equal(header.next_slots, executed.tables.commitment(), |expected, found| {
            BlockError::NextSlots { expected, found }
        })?;
        check_equal(executed.transactions_root, header.transactions_root, |expected, found| {
            BlockError::TransactionsRoot { expected, found }
        })?;
        check_equal(executed.changes.root.hash, header.state_root, |expected, found| {
            BlockError::StateRoot { expected, found }
        })?;
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
        certificate: Option<Certificate>,
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
            justified: ground.parent.justified,
            certificate_hash: Hash::ZERO,
            main_parent: None,
        };
        if let Some(certificate) = &certificate {
            header.justified = certificate.link.target.checkpoint;
            header.certificate_hash = certificate.hash();
        }
        let sealed = SealedHeader { header, seal: Signature([0; 64]) };
        let mut block = Block { header: sealed, certificate, transactions: Vec::new() };
        let mut room = MAX_BLOCK_BYTES.saturating_sub(codec::encode(&block).len());
        let mut skipped = Vec::new();
        let mut execution =
            self.execution(&snapshot, &ground, &block.header.header, block.certificate.as_ref())?;
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
        let executed = execution.finish(self.next_node)?;
        let header = &mut block.header.header;
        header.transactions_root = executed.transactions_root;
        // At most 65,536, see above.
        header.transactions_count = u32::try_from(executed.outcomes.len()).unwrap_or(u32::MAX);
        header.state_root = executed.changes.root.hash;
        header.next_slots = executed.tables.commitment();
        let id = header.id();
        block.header.seal = seal(&Header::seal_message(self.engine.chain(), &id));
        Ok((self.prepare(&snapshot, id, block, executed)?, skipped))
    }

    fn ground(&self, snapshot: &Snapshot, id: &BlockId, parent: &BlockId) -> Result<Ground, BlockError> {
        let entry =
            self.tree.entry(parent).map_err(|_| TreeError::UnknownParent { id: *id, parent: *parent })?;
        let header = entry.sealed.header.clone();
        let version = self.version(snapshot, parent)?;
        Ok(Ground { parent: header, root: version.root, headers_root: version.range_root })
    }

    pub(super) fn version(&self, snapshot: &Snapshot, id: &BlockId) -> Result<Version, BlockError> {
        let version = snapshot.version(id)?;
        Ok(version
            .ok_or_else(|| StorageError::damaged(format!("state after block {id}"), "it is not stored"))?)
    }

    fn check_certificate(
        &self,
        snapshot: &Snapshot,
        parent: &Header,
        block: &Block,
    ) -> Result<(), BlockError> {
        let header = &block.header.header;
        let found = block.certificate.as_ref().map_or(Hash::ZERO, Certificate::hash);
        if found != header.certificate_hash {
            return Err(BlockError::CertificateHash { expected: header.certificate_hash, found });
        }
        let Some(certificate) = &block.certificate else {
            return check_justified(parent.justified, header.justified);
        };
        let (source, target) = (certificate.link.source, certificate.link.target);
        let (justified, found) = (parent.justified.round, target.checkpoint.round);
        if found <= justified {
            return Err(BlockError::NotLater { justified, found });
        }
        let (expected, target_header) = self.checkpoint(snapshot, &header.parent, target.checkpoint.round)?;
        if target.checkpoint != expected {
            return Err(BlockError::Target { expected, found: target.checkpoint });
        }
        check_justified(target.checkpoint, header.justified)?;
        let expected = target_header.justified_on(&self.genesis_id);
        if source.checkpoint != expected {
            return Err(BlockError::Source { expected, found: source.checkpoint });
        }
        let source_header = self.header(snapshot, &expected.id)?;
        let target_tables = snapshot.tables(&target_header.next_slots)?;
        let source_tables = snapshot.tables(&source_header.next_slots)?;
        certificate.check(self.engine.chain(), &target_tables, &source_tables)?;
        Ok(())
    }

    /// The stateless rules of all transactions, signatures on all cores.
    fn check_transactions(
        &self,
        block: &Block,
        verified: &(dyn Fn(&TransactionId) -> Option<CheckedTransaction> + Sync),
    ) -> Result<Vec<CheckedTransaction>, BlockError> {
        let chain = self.engine.chain();
        block
            .transactions
            .par_iter()
            .enumerate()
            .map(|(index, signed)| {
                // The id does not cover the signature, so that is compared too.
                if let Some(known) =
                    verified(&signed.transaction.id(chain)).filter(|known| known.signed() == signed)
                {
                    return Ok(known);
                }
                check_in_block(signed, &self.spec, chain)
                    .map_err(|error| BlockError::Transaction { index, error })
            })
            .collect()
    }

    /// The execution of a block, as far as its header says: in whose slot it is and on what it stands.
    fn execution<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        ground: &Ground,
        header: &Header,
        certificate: Option<&Certificate>,
    ) -> Result<BlockExecution<'a>, BlockError> {
        let spos = self.spec.engine.spos().ok_or_else(|| BlockError::Halted("no slots".to_owned()))?;
        let clock = self.engine.clock();
        let (height, slot, round) = (header.height, header.slot, clock.round(header.slot));
        let (checkpoint, checkpoint_header) = self.checkpoint(snapshot, &header.parent, round)?;
        let mut recent = vec![checkpoint];
        if let Some(before) = round.0.checked_sub(1) {
            recent.push(self.checkpoint(snapshot, &header.parent, Round(before))?.0);
        }
        let tables = tables_before_calls(snapshot, &ground.parent, certificate)?;
        let minting = snapshot.tables(&checkpoint_header.next_slots)?.in_force;
        let position = clock.position(slot);
        let (holder, _) = minting.holder(position).ok_or(HeaderError::SlotVacant(position))?;
        let activity = Activity {
            signers: certificate.map(|certificate| signers(snapshot, certificate)).transpose()?,
            entered: entered(&snapshot.tables(&ground.parent.next_slots)?, &tables),
            justified: header.justified.round,
            begins_round: clock.round(ground.parent.slot) < round,
        };
        let place = Place { spos, height, slot, round, tables, recent, activity };
        let state = snapshot.state(ground.root);
        Ok(BlockExecution::new(&self.container, state, place, &holder.address, spos.block_reward)?)
    }

    fn execute(
        &self,
        snapshot: &Snapshot,
        ground: &Ground,
        block: &Block,
        transactions: &[CheckedTransaction],
    ) -> Result<Executed, BlockError> {
        let header = &block.header.header;
        let mut execution = self.execution(snapshot, ground, header, block.certificate.as_ref())?;
        for (index, transaction) in transactions.iter().enumerate() {
            execution.apply(transaction).map_err(|error| match error {
                InclusionError::Rule(error) => BlockError::Transaction { index, error },
                InclusionError::State(fault) => BlockError::State(fault),
            })?;
        }
        Ok(execution.finish(self.next_node)?)
    }

    fn prepare(
        &self,
        snapshot: &Snapshot,
        id: BlockId,
        block: Block,
        executed: Executed,
    ) -> Result<Prepared, BlockError> {
        let header = &block.header.header;
        let Executed { outcomes, changes, effects, tables, .. } = executed;
        let store = self.branch_range(snapshot, &header.parent)?;
        let (range, range_root) = HeaderRange::new(&store, header.height.0).push(&id).map_err(|error| {
            BlockError::Damaged { id, height: header.height, what: format!("the range of headers: {error}") }
        })?;
        let version = Version {
            root: changes.root,
            first_node: self.next_node,
            next_node: changes.next_id,
            stale: changes.stale.clone(),
            range,
            range_root,
        };
        Ok(Prepared { id, block, outcomes, changes, effects, version, tables })
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

/// The slot tables after a block's certificate and before its calls: a plan comes into force once a checkpoint that carries
/// it is final.
fn tables_before_calls(
    snapshot: &Snapshot,
    parent: &Header,
    certificate: Option<&Certificate>,
) -> Result<Tables, BlockError> {
    let tables = snapshot.tables(&parent.next_slots)?;
    let Some(certificate) = certificate.filter(|certificate| certificate.link.finalises()) else {
        return Ok(tables);
    };
    Ok(tables.after_final(&snapshot.tables(&certificate.link.source.next_slots)?))
}

/// Whose votes a certificate holds, which was checked or made here.
fn signers(snapshot: &Snapshot, certificate: &Certificate) -> Result<Vec<Address>, BlockError> {
    let link = certificate.link;
    let (target, source) =
        (snapshot.tables(&link.target.next_slots)?, snapshot.tables(&link.source.next_slots)?);
    let electorate = Electorate::new(&target, &source);
    let holders = || target.each().chain(source.each()).flat_map(|table| table.holders());
    let owner = |key: Hash| holders().find(|(holder, _)| holder.minting_key == key);
    let signed = certificate.signers.positions().filter_map(|position| electorate.member(position));
    Ok(signed.filter_map(owner).map(|(holder, _)| holder.address).collect())
}

/// Who holds a slot now and did not before.
fn entered(before: &Tables, now: &Tables) -> Vec<Address> {
    if before.in_force.hash() == now.in_force.hash() {
        return Vec::new();
    }
    let held = |address: &Address| {
        before.in_force.slots().0.iter().flatten().any(|holder| holder.address == *address)
    };
    let holders = now.in_force.slots().0.iter().flatten().map(|holder| holder.address);
    holders.filter(|address| !held(address)).collect()
}

fn check_justified(expected: Checkpoint, found: Checkpoint) -> Result<(), BlockError> {
    if expected == found { Ok(()) } else { Err(BlockError::Justified { expected, found }) }
}

fn check_equal(a: Hash, b: Hash, error: impl FnOnce(Hash, Hash) -> BlockError) -> Result<(), BlockError> {
    if a == b { Ok(()) } else { Err(error(b, a)) }
}
