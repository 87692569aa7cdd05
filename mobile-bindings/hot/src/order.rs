//! From what a person wants to pay to the request that a cold wallet is shown.

use light_client::{
    client::{AccountBundle, Bundle as _, Client, Trusted},
    crypto::PublicKey,
    data_format::{Address, Amount, ChainId, Time, TransactionId, codec},
    transaction::Transfer,
    wallet::{
        Fact, Fingerprint, MAX_ORIGIN_BYTES, MAX_REQUEST_PROOF_BYTES, RequestId, ReviewFacts, SignRequest,
        review,
    },
};
use light_native::next_account;

use crate::{HotError, error::shortened};

/// What a person wants to pay.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PaymentOrder {
    /// The paying account's key: a scheme byte and 32 bytes, as the cold wallet shows it.
    pub public_key: Vec<u8>,
    /// The seed it is under, so that a cold wallet without it can say so: eight hexadecimal digits.
    pub fingerprint: Option<String>,
    /// Who receives.
    pub to: String,
    /// How much, in units of 10^-8 VSYS.
    pub units: u64,
    /// A public note, at most 140 bytes; may be empty.
    pub memo: String,
    /// How many blocks after the newest proven one may include it.
    pub valid_for_blocks: u64,
    /// Who asks, in words for the cold wallet's screen.
    pub origin: Option<String>,
    /// Whether to put a proof of balance and number into the request, so that the cold wallet can check them
    /// against the checkpoint of its chain file.
    pub with_proof: bool,
}

/// What a cold wallet is to be shown.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PaymentRequest {
    /// The sign request's bytes. Keep them: the reply is checked against them.
    pub request: Vec<u8>,
    /// The id that the transaction will have, 64 hexadecimal digits.
    pub transaction_id: String,
    /// The least fee, in units of 10^-8 VSYS.
    pub fee_units: u64,
    /// The last height of a block that may include it.
    pub valid_until: u64,
    /// The same rows that the cold wallet shows, in English, for comparison.
    pub rows: Vec<TextRow>,
    /// What to point out, in English.
    pub cautions: Vec<String>,
}

/// One row of a review, in English.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TextRow {
    /// What it is about.
    pub label: String,
    /// What it says.
    pub value: String,
    /// Why that can be believed.
    pub trust: String,
}

/// An order whose texts are read.
pub(crate) struct Parsed {
    transfer: Transfer,
    fingerprint: Option<Fingerprint>,
    origin: Option<String>,
    pub(crate) sender: Address,
}

impl PaymentOrder {
    pub(crate) fn parse(&self, client: &Client) -> Result<Parsed, HotError> {
        let sender: PublicKey = codec::decode(&self.public_key, 33)
            .map_err(|error| HotError::PublicKey { reason: error.to_string() })?;
        if let Some(origin) = &self.origin
            && origin.len() > MAX_ORIGIN_BYTES
        {
            let (found, limit) = (origin.len() as u64, MAX_ORIGIN_BYTES as u64);
            return Err(HotError::OriginTooLong { found, limit });
        }
        let valid_until = client.trusted().height.plus(self.valid_for_blocks);
        Ok(Parsed {
            transfer: Transfer {
                sender,
                to: parse_address(&self.to)?,
                amount: Amount(self.units),
                memo: self.memo.as_bytes().to_vec(),
                valid_until,
            },
            fingerprint: self.fingerprint.as_deref().map(parse_fingerprint).transpose()?,
            origin: self.origin.clone(),
            sender: Address::of(&sender, client.spec().network),
        })
    }
}

impl Parsed {
    /// The request: at the account's next number, after the payments that are still under way.
    pub(crate) fn request(
        &self,
        client: &Client,
        proof: Option<Vec<u8>>,
    ) -> Result<PaymentRequest, HotError> {
        let not_proven = || HotError::NotProven { address: self.sender.to_string() };
        let (account, height) = next_account(client, &self.sender).ok_or_else(not_proven)?;
        let transaction = self.transfer.draft(client.spec(), account.as_ref(), height.next())?;
        let chain = client.chain();
        let id = transaction.id(chain);
        let mut request = SignRequest::new(request_id(&id), *chain, &transaction);
        request.fingerprint = self.fingerprint;
        request.origin.clone_from(&self.origin);
        request.proof_bundle = proof;
        let facts = ReviewFacts {
            sender: Some(Fact { value: account, proven_at: Some(height) }),
            next_height: Some(height.next()),
            ..ReviewFacts::default()
        };
        let review = review(&request.bytes_to_sign, client.spec(), chain, &facts)?;
        let row = |row: &light_client::wallet::Row| TextRow {
            label: row.label.english().to_owned(),
            value: row.value.to_string(),
            trust: row.trust.to_string(),
        };
        Ok(PaymentRequest {
            request: request.encode(),
            transaction_id: id.to_string(),
            fee_units: transaction.fee.units(),
            valid_until: transaction.valid_until.0,
            rows: review.rows.iter().map(row).collect(),
            cautions: review.cautions.iter().map(ToString::to_string).collect(),
        })
    }
}

/// Reads an address as somebody typed or scanned it.
pub(crate) fn parse_address(text: &str) -> Result<Address, HotError> {
    text.parse().map_err(|error: light_client::data_format::AddressError| HotError::Address {
        text: shortened(text),
        reason: error.to_string(),
    })
}

/// Checks an answer as the cold wallet will: from the chain file's checkpoint. What fits a request is returned.
pub(crate) fn check_proof(
    client: &Client,
    installed: &Trusted,
    sender: Address,
    bytes: &[u8],
    now: Time,
) -> Result<(), HotError> {
    let no_proof = |reason: String| HotError::NoProof { reason };
    if bytes.len() > MAX_REQUEST_PROOF_BYTES {
        return Err(no_proof(format!("{} bytes, at most {MAX_REQUEST_PROOF_BYTES}", bytes.len())));
    }
    let bundle = AccountBundle::from_bytes(bytes).map_err(|error| no_proof(error.to_string()))?;
    let proven = client.verifier().account(installed, sender, &bundle, now);
    proven.map(|_| ()).map_err(|failure| no_proof(failure.to_string()))
}

/// A reply is tied to its request by the request's bytes; the id only has to differ between transactions.
fn request_id(transaction: &TransactionId) -> RequestId {
    let [first, ..] = transaction.as_bytes().as_chunks::<16>().0 else { return RequestId([0; 16]) };
    RequestId(*first)
}

fn parse_fingerprint(text: &str) -> Result<Fingerprint, HotError> {
    let malformed = || HotError::Fingerprint { text: shortened(text) };
    if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(malformed());
    }
    let number = u32::from_str_radix(text, 16).map_err(|_| malformed())?;
    Ok(Fingerprint(number.to_be_bytes()))
}

/// Whether a request is for this chain.
pub(crate) fn check_chain(request: &SignRequest, chain: &ChainId) -> Result<(), HotError> {
    if request.chain == *chain {
        return Ok(());
    }
    let (found, expected) = (request.chain, *chain);
    Err(light_client::transaction::TransactionError::OtherChain { found, expected }.into())
}
