use std::sync::OnceLock;

use full_node::{
    api::{AskError, EvidenceAnswer, SupernodeAnswer, ask},
    config::Failure,
};
use light_client::{
    consensus::Clock,
    crypto::Hash,
    data_format::{
        Address, Amount, ChainId, ChainSpec, Checkpoint, Evidence, Height, MAX_EVIDENCE_BYTES, Slot, codec,
    },
};
use serde::Deserialize;

/// What a node says of the chain and of an account.
pub(super) struct Facts {
    api: String,
    /// The chain.
    pub(super) spec: ChainSpec,
    /// Its id, which the spec was checked against.
    pub(super) chain: ChainId,
    /// Whose account it is.
    pub(super) address: Address,
    /// The nonce of its next transaction.
    pub(super) nonce: u64,
    /// What it can spend.
    pub(super) available: Amount,
    /// Whether the chain has it at all.
    pub(super) exists: bool,
    /// The newest block.
    pub(super) height: Height,
    evidence: OnceLock<Evidence>,
}

#[derive(Deserialize)]
struct ChainAnswer {
    chain_id: Hash,
    spec: ChainSpec,
}

#[derive(Deserialize)]
struct AccountAnswer {
    exists: bool,
    available: String,
    next_nonce: u64,
    supernode: Option<SupernodeAnswer>,
    height: u64,
}

#[derive(Deserialize)]
struct BlockAnswer {
    height: u64,
    slot: u64,
    id: Hash,
}

#[derive(Deserialize)]
struct StatusAnswer {
    head: BlockAnswer,
}

/// The spec of the chain that a node runs, checked, with its id.
pub(super) fn chain(api: &str) -> Result<(ChainSpec, ChainId), Failure> {
    let (_, answer): (_, ChainAnswer) = ask(api, "/v1/chain")?;
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::transaction(format!("the node at {api} names no chain: {why}"), "ask a node of your own")
    };
    answer.spec.check().map_err(|error| wrong(&error))?;
    let chain = answer.spec.id();
    if chain != answer.chain_id {
        return Err(wrong(&"its spec has another id than it says"));
    }
    Ok((answer.spec, chain))
}

impl Facts {
    /// Asks a node.
    pub(super) fn ask(api: &str, spec: ChainSpec, chain: ChainId, address: Address) -> Result<Self, Failure> {
        let (_, account): (_, AccountAnswer) = ask(api, &format!("/v1/accounts/{address}"))?;
        let units = account.available.parse().map_err(|error| {
            Failure::transaction(
                format!("the node at {api} names no balance: {error}"),
                "ask a node of your own",
            )
        })?;
        Ok(Self {
            api: api.to_owned(),
            spec,
            chain,
            address,
            nonce: account.next_nonce,
            available: Amount(units),
            exists: account.exists,
            height: Height(account.height),
            evidence: OnceLock::new(),
        })
    }

    /// Whether somebody holds a slot.
    pub(super) fn holds_slot(&self, address: &Address) -> Result<bool, Failure> {
        let (_, account): (_, AccountAnswer) = ask(&self.api, &format!("/v1/accounts/{address}"))?;
        Ok(account.supernode.is_some_and(|supernode| supernode.slot.is_some()))
    }

    /// The checkpoint of the newest block's round: a minting key that signs it shows that it runs.
    pub(super) fn checkpoint(&self) -> Result<Checkpoint, Failure> {
        let clock = Clock::new(&self.spec);
        let (_, status): (_, StatusAnswer) = ask(&self.api, "/v1/status")?;
        let round = clock.round(Slot(status.head.slot));
        let first = clock.first_slot(round);
        let mut block = status.head;
        while block.slot >= first.0 && block.height > 0 {
            block = ask(&self.api, &format!("/v1/blocks/{}", block.height - 1))?.1;
        }
        Ok(Checkpoint { round, id: block.id })
    }

    /// Evidence that the node has: the same one however often it is asked for.
    pub(super) fn evidence(&self) -> Result<Evidence, Failure> {
        if let Some(evidence) = self.evidence.get() {
            return Ok(evidence.clone());
        }
        let (_, known): (_, Vec<EvidenceAnswer>) = ask(&self.api, "/v1/evidence")?;
        let newest = known.into_iter().max_by_key(|evidence| evidence.round).ok_or_else(|| {
            Failure::transaction(
                "the node has seen no minting key sign what excludes each other",
                "nothing is to do; evidence from elsewhere goes into a file: --evidence FILE",
            )
        })?;
        let evidence = evidence_from_hex(&newest.evidence).map_err(|why| {
            Failure::transaction(
                format!("the node's evidence cannot be read: {why}"),
                "ask a node of your own",
            )
        })?;
        Ok(self.evidence.get_or_init(|| evidence).clone())
    }
}

/// Reads evidence as `/v1/evidence` writes it.
pub(super) fn evidence_from_hex(text: &str) -> Result<Evidence, String> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() > 2 * MAX_EVIDENCE_BYTES {
        return Err(format!(
            "{} digits where pairs of them, at most {}, are expected",
            digits.len(),
            2 * MAX_EVIDENCE_BYTES
        ));
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).ok_or("these are not hexadecimal digits");
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.chunks_exact(2) {
        let value = digit(pair[0])? * 16 + digit(pair[1])?;
        bytes.push(u8::try_from(value).unwrap_or_default());
    }
    codec::decode(&bytes, MAX_EVIDENCE_BYTES).map_err(|error| error.to_string())
}

/// What a node says became of a transaction.
#[derive(Deserialize)]
pub(super) struct TransactionAnswer {
    pub(super) state: String,
    pub(super) block: Option<Place>,
    pub(super) outcome: Option<Outcome>,
    #[serde(rename = "final")]
    pub(super) is_final: bool,
}

#[derive(Deserialize)]
pub(super) struct Place {
    pub(super) height: u64,
}

#[derive(Deserialize)]
pub(super) struct Outcome {
    pub(super) status: String,
}

/// What became of a transaction; `None` if the node does not know it (any more).
pub(super) fn transaction(api: &str, id: &Hash) -> Result<Option<TransactionAnswer>, Failure> {
    match ask(api, &format!("/v1/transactions/{id}")) {
        Ok((_, answer)) => Ok(Some(answer)),
        Err(AskError::Problem { code, .. }) if code == "unknown_transaction" => Ok(None),
        Err(error) => Err(error.into()),
    }
}
