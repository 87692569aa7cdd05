use borsh::{BorshDeserialize, BorshSerialize};

use super::requests::{Compared, Purpose};
use crate::{
    client::{
        AccountBundle, Anchor, BlockName, Bundle, HeaderBundle, ProofFailure, TransactionBundle, Trusted,
        TrustedCheckpoint, Verifier,
    },
    consensus::spos::HandOver,
    data_format::{Time, codec},
};

/// Bytes of an answer that are kept, at most: those of every bundle that a wallet asks for.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Something that a server sent and that cannot be true, with what is needed to see that again.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Lie {
    /// When it came.
    pub at: Time,
    /// The server's address.
    #[borsh(deserialize_with = "codec::bounded_text::<2_048, _>")]
    pub server: String,
    /// What is wrong with it, in words.
    #[borsh(deserialize_with = "codec::bounded_text::<2_048, _>")]
    pub words: String,
    /// What was asked.
    pub(super) about: Purpose,
    /// The block from which it was asked.
    pub trusted: TrustedCheckpoint,
    /// What was answered; nothing if that was longer than any honest answer, or longer than can be kept.
    #[borsh(deserialize_with = "codec::bounded_bytes::<1_048_576, _>")]
    pub answer: Vec<u8>,
}

impl Lie {
    pub(super) fn new(
        server: String,
        about: Purpose,
        trusted: &Trusted,
        answer: &[u8],
        failure: &ProofFailure,
        at: Time,
    ) -> Self {
        let answer = if answer.len() <= MAX_ANSWER_BYTES { answer.to_vec() } else { Vec::new() };
        let words = failure.to_string().chars().take(500).collect();
        Self { at, server, words, about, trusted: trusted.checkpoint(), answer }
    }

    /// Checks the answer again, as anybody can who has the chain's spec. `None` if it holds as far as it can be seen
    /// without what the client knew besides: the records of an account that were proven before.
    pub fn check(&self, verifier: &Verifier) -> Option<ProofFailure> {
        let trusted = Trusted::try_from(self.trusted.clone()).ok()?;
        let (answer, now) = (self.answer.as_slice(), self.at);
        let checked = match self.about {
            Purpose::Anchor => Anchor::from_bytes(answer)
                .map_err(ProofFailure::from)
                .and_then(|anchor| verifier.anchor(&trusted, &anchor, now).map(drop)),
            Purpose::HandOver => HandOver::from_bytes(answer)
                .map_err(ProofFailure::from)
                .and_then(|hand_over| verifier.hand_over(&trusted, &hand_over, now).map(drop)),
            Purpose::Account(address) => AccountBundle::from_bytes(answer)
                .map_err(ProofFailure::from)
                .and_then(|bundle| verifier.account(&trusted, address, &bundle, now).map(drop)),
            Purpose::Transaction(id) => TransactionBundle::from_bytes(answer)
                .map_err(ProofFailure::from)
                .and_then(|bundle| verifier.transaction(&trusted, id, &bundle, now).map(drop)),
            Purpose::Header(Compared { height, .. }) => {
                HeaderBundle::from_bytes(answer).map_err(ProofFailure::from).and_then(|bundle| {
                    verifier.header(&trusted, BlockName::Height(height), &bundle, now).map(drop)
                })
            }
            Purpose::Chain | Purpose::History(..) | Purpose::Submit(_) => Ok(()),
        };
        checked.err().filter(ProofFailure::is_lie)
    }
}
