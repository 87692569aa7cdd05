//! From bundles to facts: pure functions of what is trusted, what was sent, and the time.
//!
//! One rule is one error variant with a rule id. A failure is a lie ([`ProofFailure::is_lie`]) unless an honest
//! server could have sent the same: one that is behind, or one too far ahead of what is trusted.

use std::sync::Arc;

use crate::{
    block_tree::HeaderProof,
    consensus::{
        Anchor, AnchorError, Engine, HeaderError, Trusted, Verdict, engine,
        spos::{Beacon, HandOver, HandOverError, HandedOver},
    },
    data_format::{
        Address, BlockId, ChainId, ChainSpec, DecodeError, Header, Height, Network, Outcome, ProofError,
        SealedHeader, Slot, SpecError, Time, Transaction, TransactionId,
    },
    state::{
        AccountRecord, AskError, HistoryChain, HistoryError, StateError, TrieError, UnknownNode,
        WitnessError, verify, verify_page,
    },
};

use super::{
    AccountBundle, BlockName, HeaderPath, HistoryPage, TransactionBundle,
    facts::{Final, Position, Settled, Verified},
};

/// Bytes of a witness of one account, at most.
const MAX_WITNESS_BYTES: usize = 64 * 1024;

/// Checks bundles of one chain.
#[derive(Clone, Debug)]
pub struct Verifier {
    engine: Arc<dyn Engine>,
    pub(super) network: Network,
    pub(super) average_window: u64,
}

/// A proof that does not hold, by rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProofFailure {
    /// LIGHT-FORM-1: the bytes are a bundle.
    #[error("the answer cannot be read: {0}")]
    Form(#[from] DecodeError),
    /// LIGHT-ANCHOR, LIGHT-BEACON, LIGHT-WORK: the header that the proof starts from is final.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// LIGHT-HANDOVER: each step vouches for the next one.
    #[error(transparent)]
    HandOver(#[from] HandOverError),
    /// LIGHT-ACCOUNT-1: the answer is about the account asked for.
    #[error("asked for {asked}, the answer is about {found}")]
    AnotherAccount {
        /// The account asked for.
        asked: Address,
        /// The account answered.
        found: Address,
    },
    /// LIGHT-ACCOUNT-2: the witness leads to the state root and holds what was read.
    #[error("the account is not proven: {0}")]
    Witness(#[from] WitnessError),
    /// LIGHT-ACCOUNT-3: the state can be read.
    #[error("the account is not proven: {0}")]
    State(#[from] StateError<UnknownNode>),
    /// LIGHT-HISTORY-1: the records lead to the proven head, and none is missing.
    #[error("the history is not the proven one: {0}")]
    History(#[from] HistoryError),
    /// LIGHT-HISTORY-2: a transaction sent along is one that a record names.
    #[error("transaction {0} was sent, but no record names it")]
    Unasked(TransactionId),
    /// LIGHT-HISTORY-3: what was proven before is still there.
    #[error("the history of {count} records does not continue the {known} proven before")]
    Rewritten {
        /// Records proven before.
        known: u64,
        /// Records now.
        count: u64,
    },
    /// LIGHT-HISTORY-4: as many records as were asked for and exist.
    #[error("{found} history records where {expected} were asked for and exist")]
    Withheld {
        /// Records that an honest server sends.
        expected: u64,
        /// Records sent.
        found: u64,
    },
    /// LIGHT-TX-1: the answer is about the transaction asked for.
    #[error("asked for transaction {asked}, the answer is about {found}")]
    AnotherTransaction {
        /// The transaction asked for.
        asked: TransactionId,
        /// The transaction answered.
        found: TransactionId,
    },
    /// LIGHT-TX-2: the outcome is in the block.
    #[error("the transaction is not proven to be in its block: {0}")]
    Outcome(ProofError),
    /// LIGHT-HEADER-1: an older header is on the chain.
    #[error("the block is not proven to be on the chain: {0}")]
    Older(ProofError),
    /// LIGHT-HEADER-2: newer headers follow the final one by the engine's rules.
    #[error("header {height} is not valid: {error}")]
    Newer {
        /// Its height as claimed.
        height: u64,
        /// The rule broken.
        error: HeaderError,
    },
    /// LIGHT-HEADER-3: a path to a newer block has at least one header.
    #[error("the path to the block is empty")]
    EmptyPath,
    /// LIGHT-HEADER-4: the answer is about the block asked for.
    #[error("asked for {asked}, the answer is about block {found} of height {height}")]
    AnotherBlock {
        /// The block asked for.
        asked: BlockName,
        /// The block answered.
        found: BlockId,
        /// Its height.
        height: Height,
    },
    /// LIGHT-HISTORY-5: a record is of the block that has its height, which has its slot.
    #[error("the record is of height {height} and slot {slot}, the block of height {} and slot {}", .block.height, .block.slot)]
    RecordPlace {
        /// The record's height.
        height: Height,
        /// The record's slot.
        slot: Slot,
        /// The block.
        block: Position,
    },
    /// LIGHT-STATE-1: the answer is about what was asked.
    #[error("the answer is about other questions than were asked")]
    OtherQuestions,
    /// LIGHT-STATE-2: the answers can be read from the witness.
    #[error("the answers are not proven: {0}")]
    Answers(#[from] AskError<UnknownNode>),
    /// LIGHT-STATE-3: an answer says what it is used for.
    #[error("the fate of a transaction is judged by its sender's account")]
    NotAnAccount,
    /// LIGHT-CHAIN-1: the spec is the one of the chain.
    #[error("asked for the chain {asked}, the spec is that of {found}")]
    AnotherChain {
        /// The chain asked for.
        asked: ChainId,
        /// The chain of the spec.
        found: ChainId,
    },
    /// LIGHT-CHAIN-2: the spec is one of a chain that can be.
    #[error("the spec is of no chain: {0}")]
    Spec(#[from] SpecError),
    /// LIGHT-RECEIPT-1: the sender signed the transaction.
    #[error("the transaction of the receipt is not signed by its sender")]
    Unsigned,
    /// LIGHT-RECEIPT-2: the block is final.
    #[error("the receipt is of a block that is not final")]
    NotFinal,
    /// LIGHT-RECEIPT-3: the proof starts from what is trusted.
    #[error(
        "the receipt starts from block {needed} of height {height}, which is not the trusted one, {trusted}: \
         {error}"
    )]
    AnotherCheckpoint {
        /// The block that the receipt starts from, as it says.
        needed: BlockId,
        /// Its height, as it says.
        height: Height,
        /// The block that is trusted.
        trusted: BlockId,
        /// Why the proof does not hold from there.
        error: Box<ProofFailure>,
    },
    /// LIGHT-RECEIPT-4: the receipt is of this chain.
    #[error("the receipt is of the chain {found}, not of {expected}")]
    ReceiptOfAnotherChain {
        /// The chain that it is of, as it says.
        found: ChainId,
        /// The chain of the spec.
        expected: ChainId,
    },
    /// LIGHT-RECEIPT-5: the block that it starts from has the height it says.
    #[error("the receipt starts from the trusted block, but says that its height is {found}, not {height}")]
    ReceiptFrom {
        /// The trusted block's height.
        height: Height,
        /// The height that the receipt says.
        found: Height,
    },
}

/// What a proven account holds, with the history that came along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenAccount {
    /// The record; `None` is proven absence: nothing was ever sent to or from it.
    pub record: Option<AccountRecord>,
    /// The history before the records below.
    pub before: HistoryChain,
    /// Nodes that the proof opened.
    pub steps: usize,
}

impl Verifier {
    /// The verifier of a checked spec.
    pub fn new(spec: &ChainSpec) -> Self {
        Self { engine: engine(spec), network: spec.network, average_window: spec.engine.average_window() }
    }

    /// The chain.
    pub fn chain(&self) -> &ChainId {
        self.engine.chain()
    }

    /// The consensus model of the chain.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// When a block of this slot was made.
    pub fn time_of(&self, slot: Slot) -> Time {
        self.engine.time_of(slot)
    }

    /// Checks a beacon against a trusted block, with the rules of skipping: one step, however old the trust.
    pub fn beacon(&self, trusted: &Trusted, beacon: &Beacon, now: Time) -> Verdict<Trusted, AnchorError> {
        match self.engine.advance(trusted, &Anchor::Beacon(Box::new(beacon.clone())), now) {
            Ok(newer) => Verdict::Success(newer),
            Err(AnchorError::NotEnoughTrust { signed, needed }) => Verdict::NotEnoughTrust { signed, needed },
            Err(failure) => Verdict::Invalid(failure),
        }
    }

    /// Checks an anchor; returns what to trust from now on and the final header that proofs start from.
    ///
    /// # Errors
    /// A `LIGHT-BEACON` or `LIGHT-ANCHOR` failure.
    pub fn anchor(&self, trusted: &Trusted, anchor: &Anchor, now: Time) -> Result<Trusted, ProofFailure> {
        Ok(self.engine.advance(trusted, anchor, now)?)
    }

    /// Checks the steps that lead over changes of those who vote; nothing is to be trusted unless all of them hold.
    ///
    /// # Errors
    /// A `LIGHT-HANDOVER` failure.
    pub fn hand_over(
        &self,
        trusted: &Trusted,
        hand_over: &HandOver,
        now: Time,
    ) -> Result<HandedOver, ProofFailure> {
        Ok(self.engine.hand_over(trusted, hand_over, now)?)
    }

    /// Checks an account bundle: the record at the anchor, and that its records are exactly the newest.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn account(
        &self,
        trusted: &Trusted,
        asked: Address,
        bundle: &AccountBundle,
        now: Time,
    ) -> Result<(Trusted, Final<ProvenAccount>), ProofFailure> {
        if bundle.address != asked {
            return Err(ProofFailure::AnotherAccount { asked, found: bundle.address });
        }
        let newer = self.anchor(trusted, &bundle.anchor, now)?;
        let header = bundle.anchor.header();
        let (record, steps) = verify(&bundle.witness, MAX_WITNESS_BYTES, header.state_root, |trie| {
            let record = AccountRecord::read(trie, &asked)?;
            Ok::<_, ProofFailure>((record, trie.loaded()))
        })?;
        let end = record.as_ref().map_or(HistoryChain::EMPTY, AccountRecord::history);
        let before = self.page(&bundle.history, end)?;
        Ok((newer, Final::new(ProvenAccount { record, before, steps }, position(header))))
    }

    /// Checks that a page's records are exactly those before `end`; returns the chain before them.
    ///
    /// # Errors
    /// A `LIGHT-HISTORY` failure.
    pub fn page(&self, page: &HistoryPage, end: HistoryChain) -> Result<HistoryChain, ProofFailure> {
        for transaction in &page.transactions {
            let id = transaction.id(self.chain());
            if !page.records.iter().any(|record| record.transaction == id) {
                return Err(ProofFailure::Unasked(id));
            }
        }
        Ok(verify_page(&page.records, page.head_before, end)?)
    }

    /// The transactions of a page with their ids, which prove their content.
    pub fn transactions<'a>(
        &self,
        page: &'a HistoryPage,
    ) -> impl Iterator<Item = (TransactionId, &'a Transaction)> {
        let chain = *self.chain();
        page.transactions.iter().map(move |transaction| (transaction.id(&chain), transaction))
    }

    /// Checks in which block a transaction is and what became of it.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn transaction(
        &self,
        trusted: &Trusted,
        asked: TransactionId,
        bundle: &TransactionBundle,
        now: Time,
    ) -> Result<(Trusted, Settled<Outcome>), ProofFailure> {
        if bundle.outcome.id != asked {
            return Err(ProofFailure::AnotherTransaction { asked, found: bundle.outcome.id });
        }
        let newer = self.anchor(trusted, &bundle.anchor, now)?;
        let (header, is_final) = self.path(&newer, bundle.anchor.header(), &bundle.path, now)?;
        bundle.proof.verify(header, &bundle.outcome).map_err(ProofFailure::Outcome)?;
        Ok((newer, settled(bundle.outcome, header, is_final)))
    }

    /// Follows a path from a final header, with which `trusted` was proven, to a block's; says whether that one is final.
    pub(super) fn path<'a>(
        &self,
        trusted: &Trusted,
        anchor: &'a Header,
        path: &'a HeaderPath,
        now: Time,
    ) -> Result<(&'a Header, bool), ProofFailure> {
        Ok(match path {
            HeaderPath::Anchor => (anchor, true),
            HeaderPath::Older { header, proof } => (check_older(anchor, header, proof)?, true),
            HeaderPath::Newer(headers) => (self.check_newer(trusted, anchor, headers, now)?, false),
        })
    }

    /// Follows sealed headers from a final one; returns the last.
    fn check_newer<'a>(
        &self,
        trusted: &Trusted,
        anchor: &'a Header,
        headers: &'a [SealedHeader],
        now: Time,
    ) -> Result<&'a Header, ProofFailure> {
        let mut parent = anchor;
        for sealed in headers {
            let header = &sealed.header;
            let id = header.id();
            if let Err(error) = self.engine.check_successor(trusted, parent, sealed, &id, now) {
                return Err(ProofFailure::Newer { height: header.height.0, error });
            }
            parent = header;
        }
        headers.last().map(|sealed| &sealed.header).ok_or(ProofFailure::EmptyPath)
    }
}

impl ProofFailure {
    /// Whether no honest server of this chain can have sent this. A server may be behind, or its clock ahead of
    /// this device's, or the trusted block too old for one step.
    pub const fn is_lie(&self) -> bool {
        match self {
            Self::Anchor(error) => error.is_lie(),
            Self::HandOver(error) => error.is_lie(),
            Self::Newer { error: HeaderError::SlotEarly { .. }, .. } | Self::AnotherCheckpoint { .. } => {
                false
            }
            _ => true,
        }
    }
}

impl From<TrieError<UnknownNode>> for ProofFailure {
    fn from(error: TrieError<UnknownNode>) -> Self {
        Self::State(error.into())
    }
}

fn check_older<'a>(
    anchor: &Header,
    header: &'a Header,
    proof: &HeaderProof,
) -> Result<&'a Header, ProofFailure> {
    proof.verify(anchor, header).map_err(ProofFailure::Older)?;
    Ok(header)
}

pub(super) fn position(header: &Header) -> Position {
    Position { id: header.id(), height: header.height, slot: header.slot }
}

pub(super) fn settled<T>(value: T, header: &Header, is_final: bool) -> Settled<T> {
    let at = position(header);
    if is_final { Settled::Final(Final::new(value, at)) } else { Settled::Pending(Verified::new(value, at)) }
}
