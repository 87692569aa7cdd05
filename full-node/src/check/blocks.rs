use light_client::{
    block_tree::{HeaderRange, RangeNodes, RangeStore},
    consensus::{
        genesis,
        spos::{Certificate, CertificateError, HeaderError, TableError, Tables},
    },
    crypto::Hash,
    data_format::{
        BlockId, Header, Height, MAX_BLOCK_BYTES, Outcome, SealedHeader, TransactionId, codec,
        transactions_root,
    },
    transaction::{TransactionError, check_in_block},
};
use rayon::prelude::*;

use super::{Checker, Finding, Stage};
use crate::{logic::genesis_state, storage::StorageError};

/// What is wrong with a block.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BlockFault {
    /// There is no block of this height.
    #[error("it is not in the index of heights")]
    Height,
    /// Its header is not stored.
    #[error("its header is not stored")]
    NoHeader,
    /// The header under its id is another one.
    #[error("the header stored under its id {expected} has the id {found}")]
    Id {
        /// Under which id it is stored.
        expected: BlockId,
        /// The id it has.
        found: BlockId,
    },
    /// Block 0 is not the one that the chain spec makes.
    #[error("it is not the block that the chain spec starts with")]
    Genesis,
    /// The slots of the chain spec are no table.
    #[error("the slots of the chain spec: {0}")]
    Table(#[from] TableError),
    /// A rule of headers: its link, its slot or its seal.
    #[error("{0}")]
    Header(#[from] HeaderError),
    /// It commits to other headers before it than are stored.
    #[error("it commits to other headers before it than there are: {expected}, not {found}")]
    HeadersRoot {
        /// What it commits to.
        expected: Hash,
        /// What the stored headers give.
        found: Hash,
    },
    /// The stored range of headers is another one.
    #[error("the stored range of headers is wrong at node {0}")]
    Range(u64),
    /// The range of headers cannot be computed.
    #[error("the range of headers cannot be computed: {0}")]
    RangeUnreadable(String),
    /// Its body is larger than a block may be.
    #[error("its body has {0} bytes")]
    TooLarge(usize),
    /// It commits to other outcomes of its transactions than are stored.
    #[error("it commits to other outcomes of its transactions: {expected}, not {found}")]
    TransactionsRoot {
        /// What it commits to.
        expected: Hash,
        /// What the stored outcomes give.
        found: Hash,
    },
    /// A stored transaction is not the one whose outcome it has.
    #[error("transaction {index} is {found}, and its outcome is that of {expected}")]
    Transaction {
        /// Its place.
        index: usize,
        /// Whose outcome is stored there.
        expected: TransactionId,
        /// The transaction stored there.
        found: TransactionId,
    },
    /// A transaction that breaks a rule, such as one whose signature does not hold.
    #[error("transaction {index}: {error}")]
    Rule {
        /// Its place.
        index: usize,
        /// The rule.
        error: TransactionError,
    },
    /// The index of transactions does not lead to its place.
    #[error("the index does not find transaction {0} here")]
    Inclusion(TransactionId),
    /// It commits to another certificate than is stored.
    #[error("it commits to another certificate: {expected}, not {found}")]
    CertificateHash {
        /// What it commits to.
        expected: Hash,
        /// What is stored.
        found: Hash,
    },
    /// The certificate does not hold.
    #[error("its certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The certificate that made the newest final block final makes another one so.
    #[error("it is not what its certificate makes final")]
    NotFinal,
    /// The stored version of the state is not the one it commits to.
    #[error("it commits to the state {expected}, and the stored one is {found}")]
    StateRoot {
        /// What it commits to.
        expected: Hash,
        /// What is stored.
        found: Hash,
    },
    /// A version of the state that must be kept is not there.
    #[error("its version of the state is not stored")]
    NoVersion,
    /// The disk, or bytes on it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What the next block is checked against.
struct Before {
    header: Header,
    /// The checkpoint of the block's round: its tables say who minted.
    checkpoint: Header,
    /// The range of headers up to and with the block.
    headers_root: Hash,
}

impl Checker<'_> {
    /// The best branch. A header that is not there ends it; a body that is wrong does not.
    pub(super) fn check_blocks(&mut self) {
        let total = self.chain.head().header.height.0 + 1;
        let mut before: Option<Before> = None;
        let begins = match self.snapshot.begins_at() {
            Ok(begins) => begins,
            Err(error) => return self.report.note(error),
        };
        for height in (0..total).map(Height) {
            self.tell(Stage::Blocks, height.0, total);
            // Between block 0 and the block whose state the node started from there are some headers at most.
            if height > Height(0) && height < begins {
                continue;
            }
            if height > Height(0) && height == begins {
                match self.check_beginning(height) {
                    Ok(here) => before = Some(here),
                    Err(fault) => return self.report.note(Finding::Block { height, fault }),
                }
                continue;
            }
            let checked = self.check_header(height, before.as_ref());
            let (id, sealed, nodes, here) = match checked {
                Ok(checked) => checked,
                Err(fault) => return self.report.note(Finding::Block { height, fault }),
            };
            for fault in self.check_range(&sealed.header, before.as_ref(), nodes) {
                self.report.note(Finding::Block { height, fault });
            }
            if let Err(fault) = self.check_version(&id, &sealed.header, here.headers_root) {
                self.report.note(Finding::Block { height, fault });
            }
            if let Err(error) = self.note_plan(&sealed.header) {
                self.report.note(Finding::Block { height, fault: error.into() });
            }
            if let Err(fault) = self.check_body(&id, &sealed, true) {
                self.report.note(Finding::Block { height, fault });
            }
            self.report.totals.transactions += u64::from(sealed.header.transactions_count);
            before = Some(here);
        }
        if before.is_some_and(|newest| newest.header.id() != self.chain.head().id) {
            let height = self.chain.head().header.height;
            self.report.note(Finding::Block { height, fault: BlockFault::Height });
        }
        self.burned.seen_from = Some(begins);
        self.tell(Stage::Blocks, total, total);
    }

    /// The block whose state the node started from: it has no body here, and what was before it is known by its header.
    fn check_beginning(&self, height: Height) -> Result<Before, BlockFault> {
        let id = self.snapshot.at_height(height)?.ok_or(BlockFault::Height)?;
        let header = self.snapshot.header(&id)?.ok_or(BlockFault::NoHeader)?.header;
        if header.id() != id {
            return Err(BlockFault::Id { expected: id, found: header.id() });
        }
        let unreadable = |error: &dyn std::fmt::Display| BlockFault::RangeUnreadable(error.to_string());
        let range = HeaderRange::new(self.snapshot, height.0);
        let found = range.root().map_err(|error| unreadable(&error))?;
        if found != header.headers_root {
            return Err(BlockFault::HeadersRoot { expected: header.headers_root, found });
        }
        let (_, headers_root) = range.push(&id).map_err(|error| unreadable(&error))?;
        self.check_version(&id, &header, headers_root)?;
        let clock = self.chain.engine().clock();
        let first = clock.first_slot(clock.round(header.slot));
        let mut checkpoint = header.clone();
        while checkpoint.slot >= first && checkpoint.height > Height(0) {
            checkpoint = self.snapshot.header(&checkpoint.parent)?.ok_or(BlockFault::NoHeader)?.header;
        }
        Ok(Before { header, checkpoint, headers_root })
    }

    /// Other branches since the newest final block.
    pub(super) fn check_branches(&mut self) {
        let tree = match self.snapshot.tree() {
            Ok(tree) => tree,
            Err(error) => return self.report.note(error),
        };
        for id in tree {
            let checked = self.snapshot.header(&id).map_err(BlockFault::from).and_then(|sealed| {
                let sealed = sealed.ok_or(BlockFault::NoHeader)?;
                if self.snapshot.at_height(sealed.header.height)? == Some(id) {
                    return Ok(());
                }
                self.check_body(&id, &sealed, false)
            });
            if let Err(fault) = checked {
                self.report.note(Finding::Aside { id, fault });
            }
        }
    }

    /// The newest final block is on the best branch, and its certificate makes it final.
    pub(super) fn check_finality(&self) -> Result<(), BlockFault> {
        let finality = self.chain.finality();
        if self.snapshot.at_height(finality.height)? != Some(finality.root.id) {
            return Err(BlockFault::Height);
        }
        let begins = self.snapshot.begins_at()?;
        match &finality.certificate {
            None if finality.height == begins => Ok(()),
            None if self.snapshot.recoveries().any(|recovery| recovery.checkpoint() == finality.root) => {
                Ok(())
            }
            // What made it final came with the state; the block that it links to comes later.
            Some(certificate)
                if finality.height == begins
                    && self.snapshot.header(&certificate.link.target.checkpoint.id)?.is_none() =>
            {
                Ok(())
            }
            None if self.chain.rules().settles(finality.height, self.chain.head().header.height) => Ok(()),
            Some(certificate)
                if certificate.link.finalises() && certificate.link.source.checkpoint == finality.root =>
            {
                self.check_certificate(certificate)
            }
            _ => Err(BlockFault::NotFinal),
        }
    }

    fn check_header(
        &self,
        height: Height,
        before: Option<&Before>,
    ) -> Result<(BlockId, SealedHeader, RangeNodes, Before), BlockFault> {
        let id = self.snapshot.at_height(height)?.ok_or(BlockFault::Height)?;
        let sealed = self.snapshot.header(&id)?.ok_or(BlockFault::NoHeader)?;
        let (header, found) = (sealed.header.clone(), sealed.header.id());
        if found != id {
            return Err(BlockFault::Id { expected: id, found });
        }
        let checkpoint = match before {
            None => {
                self.check_genesis(&sealed)?;
                header.clone()
            }
            Some(before) => {
                let (clock, parent) = (self.chain.engine().clock(), &before.header);
                let same = clock.round(parent.slot) == clock.round(header.slot);
                let checkpoint = if same { &before.checkpoint } else { parent };
                let rules = self.chain.rules();
                rules.check_stored(self.chain, self.snapshot, checkpoint, parent, &sealed, &id)??;
                checkpoint.clone()
            }
        };
        let pushed = HeaderRange::new(self.snapshot, height.0).push(&id);
        let (nodes, headers_root) = pushed.map_err(|error| BlockFault::RangeUnreadable(error.to_string()))?;
        Ok((id, sealed, nodes, Before { header, checkpoint, headers_root }))
    }

    /// Block 0 is what the chain spec makes: nobody sealed it.
    fn check_genesis(&self, sealed: &SealedHeader) -> Result<(), BlockFault> {
        let spec = self.chain.spec();
        let rules = self.chain.rules();
        let (state, _) = genesis_state(spec, rules, self.snapshot.nodes())
            .map_err(|error| StorageError::damaged("the state of block 0", error))?;
        let next_slots = rules.genesis_tables().map_or(Hash::ZERO, Tables::commitment);
        let expected = genesis(self.chain.engine().chain(), state.root.hash, next_slots);
        if *sealed == expected { Ok(()) } else { Err(BlockFault::Genesis) }
    }

    /// The range of headers: what the block commits to, and what is stored for those after it.
    fn check_range(&self, header: &Header, before: Option<&Before>, nodes: RangeNodes) -> Vec<BlockFault> {
        let mut faults = Vec::new();
        let found = before.map_or(Hash::ZERO, |before| before.headers_root);
        if header.headers_root != found {
            faults.push(BlockFault::HeadersRoot { expected: header.headers_root, found });
        }
        for (first, nodes) in nodes {
            for (position, node) in (first..).zip(nodes) {
                match self.snapshot.node(position) {
                    Ok(Some(stored)) if stored == node => {}
                    Ok(_) => faults.push(BlockFault::Range(position)),
                    Err(error) => faults.push(error.into()),
                }
            }
        }
        faults
    }

    fn check_version(&self, id: &BlockId, header: &Header, headers_root: Hash) -> Result<(), BlockFault> {
        match self.snapshot.version(id)? {
            Some(version) if version.root.hash != header.state_root => {
                Err(BlockFault::StateRoot { expected: header.state_root, found: version.root.hash })
            }
            Some(version) if version.range_root != headers_root => {
                Err(BlockFault::HeadersRoot { expected: version.range_root, found: headers_root })
            }
            None if header.height >= self.snapshot.pruned()? => Err(BlockFault::NoVersion),
            _ => Ok(()),
        }
    }

    /// The body, as far as the header commits to it; and where the index finds its transactions, on the best branch.
    fn check_body(&self, id: &BlockId, sealed: &SealedHeader, is_best: bool) -> Result<(), BlockFault> {
        let header = &sealed.header;
        let certificate = self.snapshot.certificate(id)?;
        let found = certificate.as_ref().map_or(Hash::ZERO, Certificate::hash);
        if found != header.certificate_hash {
            return Err(BlockFault::CertificateHash { expected: header.certificate_hash, found });
        }
        if let Some(certificate) = &certificate {
            self.check_certificate(certificate)?;
        }
        let outcomes = self.snapshot.outcomes(id)?;
        let found = transactions_root(&outcomes);
        if found != header.transactions_root || outcomes.len() != header.transactions_count as usize {
            return Err(BlockFault::TransactionsRoot { expected: header.transactions_root, found });
        }
        if header.height >= self.report.totals.bodies_from {
            self.check_transactions(id, &outcomes)?;
        }
        for outcome in outcomes.iter().filter(|_| is_best) {
            let place = self.snapshot.inclusion(&outcome.id)?;
            let here = place
                .is_some_and(|p| p.block == *id && p.height == header.height && p.index == outcome.index);
            if !here {
                return Err(BlockFault::Inclusion(outcome.id));
            }
        }
        Ok(())
    }

    /// The transactions are those whose outcomes the header commits to, and hold by themselves.
    fn check_transactions(&self, id: &BlockId, outcomes: &[Outcome]) -> Result<(), BlockFault> {
        let block = self.snapshot.block(id)?.ok_or(BlockFault::NoHeader)?;
        let bytes = codec::length(&block);
        if bytes > MAX_BLOCK_BYTES {
            return Err(BlockFault::TooLarge(bytes));
        }
        let (spec, chain) = (self.chain.spec(), self.chain.engine().chain());
        let pairs = block.transactions.par_iter().zip(outcomes).enumerate();
        pairs.try_for_each(|(index, (signed, outcome))| {
            let checked = check_in_block(signed, spec, chain);
            let found = checked.map_err(|error| BlockFault::Rule { index, error })?.id();
            if found != outcome.id {
                return Err(BlockFault::Transaction { index, expected: outcome.id, found });
            }
            Ok(())
        })
    }

    fn check_certificate(&self, certificate: &Certificate) -> Result<(), BlockFault> {
        let tables = |id: &BlockId| {
            let header = self.snapshot.header(id)?.ok_or(BlockFault::NoHeader)?.header;
            Ok::<_, BlockFault>(self.snapshot.tables_after(&header)?)
        };
        let target = tables(&certificate.link.target.checkpoint.id)?;
        let source = tables(&certificate.link.source.checkpoint.id)?;
        Ok(certificate.check(self.chain.engine().chain(), &target, &source)?)
    }
}
