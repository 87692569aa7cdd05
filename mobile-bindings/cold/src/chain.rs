//! The chain that a wallet signs for: its spec, the newest checkpoint seen, and the log of what was signed.

use light_client::{
    client::{
        AccountBundle, AnchorError, Bundle, ChainFile, Final, ProofFailure, ProvenAccount, Trusted,
        TrustedCheckpoint, Verifier,
    },
    data_format::{Address, ChainId, ChainSpec, Height, Time},
    transaction::AccountView,
    wallet::{
        self, Fact, Fingerprint, Keyring, ReviewFacts, SignError, SignRequest, SignatureReply,
        SigningContext, check_request,
    },
};

use crate::{ChainInfo, ColdError, ProofState, SigningReview, Storage, log::Log, seeds::SeedBook, stored};

/// Bytes of a chain file, at most.
const MAX_CHAIN_FILE_BYTES: usize = 4 * 1024 * 1024;
const MAX_CHECKPOINT_BYTES: usize = 64 * 1024;

/// One chain as this phone knows it.
pub(crate) struct Chain {
    spec: ChainSpec,
    id: ChainId,
    verifier: Verifier,
    /// The chain file's checkpoint: what is left when everything else is erased.
    installed: Trusted,
    newest: Trusted,
    log: Log,
}

/// A request that may be signed, by whom, and what its proof says.
pub(crate) struct Checked {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) account_index: u32,
    sender: Address,
    proof: Proof,
}

struct Proof {
    state: ProofState,
    /// The height it speaks of, or says it does: older than the newest checkpoint is refused either way.
    height: Option<Height>,
    sender: Option<Fact<Option<AccountView>>>,
}

impl Chain {
    /// Reads the chain file and what the storage holds of that chain.
    pub(crate) fn open(chain_file: &[u8], storage: &dyn Storage) -> Result<Self, ColdError> {
        let unusable = |reason: String| ColdError::ChainFile { reason };
        if chain_file.len() > MAX_CHAIN_FILE_BYTES {
            return Err(unusable(format!("{} bytes, at most {MAX_CHAIN_FILE_BYTES}", chain_file.len())));
        }
        let file: ChainFile =
            serde_json::from_slice(chain_file).map_err(|error| unusable(error.to_string()))?;
        let (spec, installed) = file.check().map_err(|error| unusable(error.to_string()))?;
        let id = spec.id();
        let name = checkpoint_name(&id);
        let stored: Option<TrustedCheckpoint> = stored::load(storage, &name, MAX_CHECKPOINT_BYTES)?;
        let stored = stored.map(Trusted::try_from).transpose();
        let stored = stored.map_err(|error| ColdError::Damaged { name, reason: error.to_string() })?;
        let newest = stored.filter(|stored| stored.height > installed.height);
        let newest = newest.unwrap_or_else(|| installed.clone());
        let log = Log::load(storage, &log_name(&id))?;
        Ok(Self { verifier: Verifier::new(&spec), spec, id, installed, newest, log })
    }

    pub(crate) const fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    pub(crate) const fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn info(&self) -> ChainInfo {
        ChainInfo {
            name: self.spec.name.clone(),
            chain_id: self.id.to_string(),
            checkpoint_height: self.newest.height.0,
        }
    }

    /// Whether a request may be signed, its proof checked. Remembers the checkpoint that the proof leads to.
    pub(crate) fn check(
        &mut self,
        request: &SignRequest,
        book: &SeedBook,
        now: Time,
        storage: &dyn Storage,
    ) -> Result<Checked, ColdError> {
        let sender = Address::of(&request.public_key, self.spec.network);
        // A request that is refused anyway costs no signature checks and moves no checkpoint.
        check_request(request, &self.context(&self.log.signed(), None))?;
        let Some((entry, account_index)) = book.holder(&sender) else {
            return Err(SignError::KeyNotHeld { address: sender, fingerprint: request.fingerprint }.into());
        };
        let fingerprint = entry.fingerprint;
        let proof = self.prove(request, sender, now, storage)?;
        check_request(request, &self.context(&self.log.signed(), proof.height))?;
        Ok(Checked { fingerprint, account_index, sender, proof })
    }

    /// The rows of a request that may be signed.
    pub(crate) fn review(
        &mut self,
        request: &SignRequest,
        book: &SeedBook,
        now: Time,
        storage: &dyn Storage,
    ) -> Result<SigningReview, ColdError> {
        let Checked { fingerprint, account_index, proof, .. } = self.check(request, book, now, storage)?;
        let next_height = proof.sender.and_then(|fact| fact.proven_at).map(Height::next);
        let facts = ReviewFacts { sender: proof.sender, next_height, ..ReviewFacts::default() };
        let review = wallet::review(&request.bytes_to_sign, &self.spec, &self.id, &facts)?;
        Ok(SigningReview {
            request_id: request.id.0.to_vec(),
            transaction_id: review.id.to_string(),
            fingerprint: fingerprint.to_string(),
            account_index,
            rows: review.rows.iter().map(Into::into).collect(),
            cautions: review.cautions.iter().map(Into::into).collect(),
            proof: proof.state,
            origin: request.origin.clone(),
        })
    }

    /// Signs, and puts it into the log before anybody gets the signature.
    pub(crate) fn sign(
        &mut self,
        request: &SignRequest,
        checked: &Checked,
        keyring: &Keyring,
        now: Time,
        storage: &dyn Storage,
    ) -> Result<SignatureReply, ColdError> {
        let reply = wallet::sign(request, keyring, &self.context(&self.log.signed(), checked.proof.height))?;
        let log = self.log.with(request.transaction_id(), checked.sender, now, reply);
        stored::save(storage, &log_name(&self.id), &log)?;
        self.log = log;
        Ok(reply)
    }

    /// Forgets what was seen and signed on this chain.
    pub(crate) fn forget(&mut self, storage: &dyn Storage) -> Result<(), ColdError> {
        stored::remove(storage, &log_name(&self.id))?;
        self.log = Log::default();
        stored::remove(storage, &checkpoint_name(&self.id))?;
        self.newest = self.installed.clone();
        Ok(())
    }

    const fn context<'a>(
        &'a self,
        signed: &'a std::collections::BTreeSet<light_client::data_format::TransactionId>,
        request_height: Option<Height>,
    ) -> SigningContext<'a> {
        let newest_checkpoint = Some(self.newest.height);
        SigningContext { spec: &self.spec, chain: &self.id, signed, newest_checkpoint, request_height }
    }

    fn prove(
        &mut self,
        request: &SignRequest,
        sender: Address,
        now: Time,
        storage: &dyn Storage,
    ) -> Result<Proof, ColdError> {
        let Some(bytes) = &request.proof_bundle else {
            return Ok(Proof { state: ProofState::Absent, height: None, sender: None });
        };
        match self.verify(bytes, sender, now) {
            Ok((newer, account)) => {
                self.remember(newer, storage)?;
                let height = account.at().height;
                let time_ms = self.verifier.time_of(account.at().slot).0;
                let view = account.value().record.as_ref();
                let value = view.map(AccountView::from);
                Ok(Proof {
                    state: ProofState::Verified { height: height.0, time_ms },
                    height: Some(height),
                    sender: Some(Fact { value, proven_at: Some(height) }),
                })
            }
            Err(failure) => {
                let height = match failure {
                    ProofFailure::Anchor(AnchorError::Behind { found, .. }) => Some(found),
                    _ => None,
                };
                let state = ProofState::NotProven { reason: failure.to_string() };
                Ok(Proof { state, height, sender: None })
            }
        }
    }

    fn verify(
        &self,
        bytes: &[u8],
        sender: Address,
        now: Time,
    ) -> Result<(Trusted, Final<ProvenAccount>), ProofFailure> {
        let bundle = AccountBundle::from_bytes(bytes)?;
        self.verifier.account(&self.newest, sender, &bundle, now)
    }

    fn remember(&mut self, newer: Trusted, storage: &dyn Storage) -> Result<(), ColdError> {
        if newer.height > self.newest.height {
            stored::save(storage, &checkpoint_name(&self.id), &newer.checkpoint())?;
            self.newest = newer;
        }
        Ok(())
    }
}

fn checkpoint_name(chain: &ChainId) -> String {
    format!("checkpoint-{chain}")
}

fn log_name(chain: &ChainId) -> String {
    format!("log-{chain}")
}
