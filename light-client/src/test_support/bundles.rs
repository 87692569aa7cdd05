//! What a [`ScriptedChain`] proves besides accounts.

use super::chain::{ScriptedBlock, ScriptedChain};
use crate::{
    block_tree::HeaderRange,
    client::{
        Anchor, BlockName, ChainParameters, HandOver, HeaderBundle, HeaderPath, Receipt, StateBundle,
        TransactionBundle, Trusted,
    },
    data_format::{TransactionId, TransactionProof},
    state::{Moment, Question, Trie, ask_all},
};

impl ScriptedChain {
    /// Answers to questions at the newest final block, for a client that trusts a block.
    pub fn state_bundle(&self, trusted: &Trusted, questions: &[Question]) -> StateBundle {
        let anchor = self.anchor(trusted);
        let block = self.anchored(&anchor);
        let window = self.spec().engine.average_window();
        let moment = Moment::after(&block.sealed.header, Some(&block.tables), self.clock(), window);
        let mut trie = Trie::open(block.state, &self.nodes);
        ask_all(&mut trie, &moment, questions).unwrap();
        StateBundle { anchor, questions: questions.to_vec(), witness: trie.witness() }
    }

    /// The chain's spec.
    pub fn parameters(&self) -> ChainParameters {
        ChainParameters(self.spec().clone())
    }

    /// A block's header; `None` if there is no such block.
    pub fn header_bundle(&self, trusted: &Trusted, name: BlockName) -> Option<HeaderBundle> {
        let index = self.blocks.iter().position(|block| match name {
            BlockName::Height(height) => block.sealed.header.height == height,
            BlockName::Id(id) => block.sealed.header.id() == id,
        })?;
        let anchor = self.anchor(trusted);
        let path = self.path(&anchor, index);
        Some(HeaderBundle { anchor, path })
    }

    /// Where a transaction is; `None` if in no block.
    pub fn transaction_bundle(&self, trusted: &Trusted, id: &TransactionId) -> Option<TransactionBundle> {
        let (_, index) = self.transactions.get(id)?;
        let block = &self.blocks[*index];
        let place = block.outcomes.iter().position(|outcome| outcome.id == *id)?;
        let anchor = self.anchor(trusted);
        let path = self.path(&anchor, *index);
        let proof = TransactionProof::make(&block.outcomes, place)?;
        Some(TransactionBundle { anchor, path, outcome: block.outcomes[place], proof })
    }

    /// The receipt of a transaction, whether its block is final or not, led over changes of most holders; `None` if it is
    /// in no block.
    pub fn receipt(&self, trusted: &Trusted, id: &TransactionId) -> Option<Receipt> {
        let mut included = self.transaction_bundle(trusted, id)?;
        let (signed, _) = self.transactions.get(id)?;
        let way: Vec<HandOver> =
            self.hand_over(trusted).into_iter().filter(|hand_over| !hand_over.links.is_empty()).collect();
        if let Some(HandOver { end, .. }) = way.last() {
            included.anchor = Anchor::Trusted(Box::new(end.source.clone()));
        }
        let (chain, signed) = (self.spec().id(), signed.clone());
        Some(Receipt { chain, from: trusted.id, from_height: trusted.height, way, included, signed })
    }

    fn anchored(&self, anchor: &Anchor) -> &ScriptedBlock {
        &self.blocks[usize::try_from(anchor.header().height.0).unwrap()]
    }

    fn path(&self, anchor: &Anchor, index: usize) -> HeaderPath {
        let header = &self.blocks[index].sealed.header;
        let at = anchor.header().height;
        if header.height == at {
            HeaderPath::Anchor
        } else if header.height < at {
            let proof = HeaderRange::new(&self.range, at.0).prove(header.height).unwrap();
            HeaderPath::Older { header: Box::new(header.clone()), proof }
        } else {
            let first = usize::try_from(at.0).unwrap() + 1;
            HeaderPath::Newer(self.blocks[first..=index].iter().map(|block| block.sealed.clone()).collect())
        }
    }
}
