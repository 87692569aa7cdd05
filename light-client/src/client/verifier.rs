//! From bundles to facts: pure functions of what is trusted, what was sent, and the time.
//!
//! One rule is one error variant with a rule id. A failure is a lie ([`ProofFailure::is_lie`]) unless an honest
//! server could have sent the same: one that is behind, or one too far ahead of what is trusted.

use crate::{
    block_tree::HeaderProof,
    consensus::{
        Engine, Verdict,
        spos::{CertificateError, Clock, Electorate, HeaderError, Spos},
    },
    data_format::{
        Address, BlockId, ChainId, ChainSpec, DecodeError, Header, Height, Outcome, ProofError, Round,
        SealedHeader, Time, Transaction, TransactionId,
    },
    state::{
        AccountRecord, HistoryChain, HistoryError, StateError, TrieError, UnknownNode, WitnessError, verify,
        verify_page,
    },
};

use super::{
    AccountBundle, Anchor, Beacon, HeaderPath, HistoryPage, TablesError, TransactionBundle, Trusted,
    facts::{Final, Position, Settled, Verified},
};

/// Bytes of a witness of one account, at most.
const MAX_WITNESS_BYTES: usize = 64 * 1024;

/// Checks bundles of one chain.
#[derive(Clone, Copy, Debug)]
pub struct Verifier {
    engine: Spos,
}

/// A proof that does not hold, by rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProofFailure {
    /// LIGHT-FORM-1: the bytes are a bundle.
    #[error("the answer cannot be read: {0}")]
    Form(#[from] DecodeError),
    /// LIGHT-BEACON-1: final blocks do not go back.
    #[error("the server's final block {found} is before block {trusted}, which is proven")]
    Behind {
        /// Height of the newest block proven here.
        trusted: Height,
        /// Height of the server's.
        found: Height,
    },
    /// LIGHT-BEACON-2: one final block a round.
    #[error("round {round} is claimed to end in block {found}, but block {trusted} is proven final there")]
    Conflict {
        /// The round.
        round: Round,
        /// The block proven here.
        trusted: BlockId,
        /// The block claimed.
        found: BlockId,
    },
    /// LIGHT-BEACON-3: the rounds follow one another.
    #[error("rounds {source_round} and {target_round} do not follow one another, so nothing is final")]
    NotFinal {
        /// The source's round.
        source_round: Round,
        /// The target's round.
        target_round: Round,
    },
    /// LIGHT-BEACON-4: the target's round has begun.
    #[error("round {0} has not begun by this device's clock")]
    Future(Round),
    /// LIGHT-BEACON-5: the source lies before its round and not before the trusted block.
    #[error("the final header is not where its round and the trusted block put it")]
    Place,
    /// LIGHT-BEACON-6: the tables can be rebuilt.
    #[error("the slot tables cannot be rebuilt: {0}")]
    Tables(#[from] TablesError),
    /// LIGHT-BEACON-7: enough of every table signed.
    #[error("the signatures do not make the block final: {0}")]
    Certificate(#[from] CertificateError),
    /// LIGHT-BEACON-8: enough of the trusted table signed.
    #[error("only {signed} of the {needed} trusted signers needed have signed: steps in between are missing")]
    NotEnoughTrust {
        /// Trusted signers that signed.
        signed: usize,
        /// Trusted signers needed.
        needed: usize,
    },
    /// LIGHT-ANCHOR-1: a header said to be the trusted one is.
    #[error("the header is not the trusted one: {found} instead of {trusted}")]
    AnotherHeader {
        /// The trusted block.
        trusted: BlockId,
        /// The header's id.
        found: BlockId,
    },
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
        Self { engine: Spos::new(spec) }
    }

    /// The chain.
    pub const fn chain(&self) -> &ChainId {
        self.engine.chain()
    }

    /// The clock of its slots.
    pub const fn clock(&self) -> &Clock {
        self.engine.clock()
    }

    /// Checks a beacon against a trusted block, with the rules of skipping: one step, however old the trust.
    pub fn beacon(&self, trusted: &Trusted, beacon: &Beacon, now: Time) -> Verdict<Trusted, ProofFailure> {
        match self.check_beacon(trusted, beacon, now) {
            Ok(newer) => Verdict::Success(newer),
            Err(ProofFailure::NotEnoughTrust { signed, needed }) => {
                Verdict::NotEnoughTrust { signed, needed }
            }
            Err(failure) => Verdict::Invalid(failure),
        }
    }

    fn check_beacon(&self, trusted: &Trusted, beacon: &Beacon, now: Time) -> Result<Trusted, ProofFailure> {
        let (source_round, target_round) = (beacon.source_round, beacon.target.checkpoint.round);
        if source_round < trusted.round {
            return Err(ProofFailure::Behind { trusted: trusted.height, found: beacon.source.height });
        }
        if source_round.next() != target_round {
            return Err(ProofFailure::NotFinal { source_round, target_round });
        }
        let clock = self.clock();
        if clock.start(clock.first_slot(target_round)) > now.plus_ms(clock.slot_ms()) {
            return Err(ProofFailure::Future(target_round));
        }
        let header = &beacon.source;
        let genesis = source_round == Round(0) && header.slot.0 == 0;
        let before_round = genesis || header.slot < clock.first_slot(source_round);
        if !before_round || header.height < trusted.height || header.slot < trusted.slot {
            return Err(ProofFailure::Place);
        }
        let (source, target) = beacon.tables.resolve(&trusted.tables)?;
        let certificate = beacon.certificate();
        certificate.check(self.chain(), &target, &source)?;
        let id = certificate.link.source.checkpoint.id;
        if source_round == trusted.round && id != trusted.id {
            return Err(ProofFailure::Conflict { round: source_round, trusted: trusted.id, found: id });
        }
        let table = trusted.tables.newest();
        let signed = Electorate::new(&target, &source).signed(&certificate.signers, table);
        if signed < table.quorum() {
            return Err(ProofFailure::NotEnoughTrust { signed, needed: table.quorum() });
        }
        Ok(Trusted { round: source_round, height: header.height, slot: header.slot, id, tables: source })
    }

    /// Checks an anchor; returns what to trust from now on and the final header that proofs start from.
    ///
    /// # Errors
    /// A `LIGHT-BEACON` or `LIGHT-ANCHOR` failure.
    pub fn anchor(&self, trusted: &Trusted, anchor: &Anchor, now: Time) -> Result<Trusted, ProofFailure> {
        match anchor {
            Anchor::Beacon(beacon) => self.check_beacon(trusted, beacon, now),
            Anchor::Trusted(header) => {
                let found = header.id();
                if found == trusted.id {
                    Ok(trusted.clone())
                } else if header.height < trusted.height {
                    Err(ProofFailure::Behind { trusted: trusted.height, found: header.height })
                } else {
                    Err(ProofFailure::AnotherHeader { trusted: trusted.id, found })
                }
            }
        }
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
        let anchor = bundle.anchor.header();
        let (header, is_final) = match &bundle.path {
            HeaderPath::Anchor => (anchor, true),
            HeaderPath::Older { header, proof } => (check_older(anchor, header, proof)?, true),
            HeaderPath::Newer(headers) => (self.check_newer(&newer, anchor, headers, now)?, false),
        };
        bundle.proof.verify(header, &bundle.outcome).map_err(ProofFailure::Outcome)?;
        let (outcome, at) = (bundle.outcome, position(header));
        let settled = if is_final {
            Settled::Final(Final::new(outcome, at))
        } else {
            Settled::Pending(Verified::new(outcome, at))
        };
        Ok((newer, settled))
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
            // A plan may come into force before the next final block is known here: its holder may mint too.
            let checked = [Some(&trusted.tables.in_force), trusted.tables.planned.as_ref()]
                .into_iter()
                .flatten()
                .map(|table| self.engine.check_header(parent, table, sealed, &id, now))
                .reduce(|first, second| first.or(second));
            if let Some(Err(error)) = checked {
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
        !matches!(
            self,
            Self::Behind { .. }
                | Self::Future(_)
                | Self::NotEnoughTrust { .. }
                | Self::Newer { error: HeaderError::SlotEarly { .. }, .. }
        )
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

fn position(header: &Header) -> Position {
    Position { id: header.id(), height: header.height, slot: header.slot }
}
