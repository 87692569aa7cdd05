//! More of what light clients ask: questions to the state, headers, the chain's parameters, receipts. Built from one
//! snapshot each.

use light_client::{
    client::{
        Anchor, BlockName, Bundle, ChainParameters, HandOver, HeaderBundle, HeaderPath,
        MAX_STATE_WITNESS_BYTES, Receipt, StateBundle,
    },
    data_format::{BlockId, ChainSpec, Header, Height, TransactionId},
    state::{AskError, Question, ask_all},
};

use super::{
    Node, NodeError,
    proofs::{path, transaction_bundle_of},
    queries::{need, stored_finality},
};
use crate::storage::Snapshot;

/// Why questions are not answered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AnswerError {
    /// They are too many, or ask for too much.
    #[error(transparent)]
    Question(#[from] light_client::state::QuestionError),
    /// The answer would be longer than clients read.
    #[error("the proof has {found} bytes, at most {MAX_STATE_WITNESS_BYTES} are sent: ask for less at once")]
    TooLong {
        /// Bytes of the witness.
        found: usize,
    },
    /// The node cannot answer.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// Why there is no receipt.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReceiptError {
    /// It is in no block.
    #[error("the transaction {0} is in no block")]
    NotInBlock(TransactionId),
    /// Its block is not final, or lies beyond where hand-overs that fit into a receipt lead from the trusted block.
    #[error(
        "its block {height} cannot be shown to be final from the trusted block; the newest final one is {final_height}"
    )]
    NotFinal {
        /// The block's height.
        height: Height,
        /// The height of the newest final block.
        final_height: Height,
    },
    /// A report that a minter put into its block: nobody signed and nobody paid.
    #[error("nobody signed the transaction {0}")]
    Unsigned(TransactionId),
    /// The node cannot answer.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl Node {
    /// The bytes of a `StateBundle` at the newest final block: the answers to these questions.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub async fn state_bundle(
        &self,
        questions: Vec<Question>,
        trusted: Option<BlockId>,
    ) -> Result<Vec<u8>, AnswerError> {
        Question::check_all(&questions)?;
        self.blocking(move |node| node.state_bundle_now(questions, trusted)).await?
    }

    /// The bytes of the chain's `ChainParameters`.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn parameters_bundle(&self) -> Result<Vec<u8>, NodeError> {
        self.blocking(|node| ChainParameters(ChainSpec::clone(node.spec())).to_bytes()).await
    }

    /// The bytes of a `HeaderBundle`; `None` if no block of the best branch has this name, or one too far beyond the
    /// newest final block to be shown from there (2,048 blocks).
    ///
    /// # Errors
    /// As [`Node::anchor`].
    pub async fn header_bundle(
        &self,
        name: BlockName,
        trusted: Option<BlockId>,
    ) -> Result<Option<Vec<u8>>, NodeError> {
        self.blocking(move |node| {
            let snapshot = node.0.database.read()?;
            let Some(height) = height_of(&snapshot, name)? else { return Ok(None) };
            let anchor = node.anchor_now(&snapshot, trusted)?;
            let path = path(&snapshot, &anchor, height)?;
            Ok(path.map(|path| HeaderBundle { anchor, path }.to_bytes()))
        })
        .await?
    }

    /// The bytes of the `Receipt` of a transaction in a final block, for whoever trusts a block; genesis if `None`.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub async fn receipt(
        &self,
        id: TransactionId,
        trusted: Option<BlockId>,
    ) -> Result<Vec<u8>, ReceiptError> {
        self.blocking(move |node| node.receipt_now(id, trusted)).await?
    }

    fn state_bundle_now(
        &self,
        questions: Vec<Question>,
        trusted: Option<BlockId>,
    ) -> Result<Vec<u8>, AnswerError> {
        let snapshot = self.0.database.read().map_err(NodeError::from)?;
        let anchor = self.anchor_now(&snapshot, trusted)?;
        let header = anchor.header();
        let version = snapshot.version(&header.id()).map_err(NodeError::from)?;
        let version = need(version, "the state of the newest final block")?;
        let moment = self.moment(&snapshot, header)?;
        let mut state = snapshot.state(version.root);
        ask_all(&mut state, &moment, &questions).map_err(|error| match error {
            AskError::Question(error) => error.into(),
            AskError::State(error) => AnswerError::Node(error.into()),
            error => AnswerError::Node(NodeError::Damaged(error.to_string())),
        })?;
        let witness = state.witness();
        if witness.len() > MAX_STATE_WITNESS_BYTES {
            return Err(AnswerError::TooLong { found: witness.len() });
        }
        Ok(StateBundle { anchor, questions, witness }.to_bytes())
    }

    fn receipt_now(&self, id: TransactionId, trusted: Option<BlockId>) -> Result<Vec<u8>, ReceiptError> {
        let snapshot = self.0.database.read().map_err(NodeError::from)?;
        let included_in = |snapshot: &Snapshot| {
            snapshot.inclusion(&id).map_err(NodeError::from)?.ok_or(ReceiptError::NotInBlock(id))
        };
        included_in(&snapshot)?;
        let from = self.check_trusted(&snapshot, trusted)?;
        let from = from.as_ref().unwrap_or(&self.0.genesis.header);
        let (way, anchor) = self.led_to(&snapshot, from, trusted)?;
        // Where the way ends may have become final after that snapshot was taken.
        let snapshot = self.0.database.read().map_err(NodeError::from)?;
        let inclusion = included_in(&snapshot)?;
        let included = transaction_bundle_of(&snapshot, &inclusion, anchor)?;
        // None at all: the block is even further beyond what can be shown to be final.
        let shown = included.filter(|included| !matches!(included.path, HeaderPath::Newer(_)));
        let Some(included) = shown else {
            let final_height = stored_finality(&snapshot)?.height;
            return Err(ReceiptError::NotFinal { height: inclusion.height, final_height });
        };
        let Some(signed) = snapshot.included(&inclusion).map_err(NodeError::from)? else {
            let from = snapshot.bodies_from().map_err(NodeError::from)?;
            return Err(NodeError::NotKept { what: format!("the transaction {id}"), from }.into());
        };
        if signed.unsigned_evidence().is_some() {
            return Err(ReceiptError::Unsigned(id));
        }
        let (chain, from, from_height) = (self.chain(), from.id(), from.height);
        Ok(Receipt { chain, from, from_height, way, included, signed }.to_bytes())
    }

    /// Hand-overs from a trusted block, if one step is not enough from there, and an anchor that follows from where they
    /// end.
    fn led_to(
        &self,
        snapshot: &Snapshot,
        held: &Header,
        trusted: Option<BlockId>,
    ) -> Result<(Vec<HandOver>, Anchor), NodeError> {
        let anchor = self.anchor_now(snapshot, trusted)?;
        let Some(way) = self.way(&self.trusted_at(snapshot, held)?, &anchor)? else {
            return Ok((Vec::new(), anchor));
        };
        let Some(last) = way.last() else { return Err(self.no_way(held)?) };
        let end = Anchor::Trusted(Box::new(last.end.source.clone()));
        Ok((way.iter().map(|hand_over| HandOver::clone(hand_over)).collect(), end))
    }
}

/// The height of a block of the best branch.
fn height_of(snapshot: &Snapshot, name: BlockName) -> Result<Option<Height>, NodeError> {
    let id = match name {
        BlockName::Height(height) => return Ok(Some(height)),
        BlockName::Id(id) => id,
    };
    let Some(sealed) = snapshot.header(&id)? else { return Ok(None) };
    let height = sealed.header.height;
    Ok((snapshot.at_height(height)? == Some(id)).then_some(height))
}
