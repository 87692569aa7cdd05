//! Answers to questions about the state, and who holds the slots.

use super::{
    ProofFailure, StateBundle, Verifier,
    bundle::MAX_STATE_WITNESS_BYTES,
    facts::{Final, Position},
    verifier::position,
};
use crate::{
    consensus::{Trusted, spos::Tables},
    data_format::{Address, SlotTable, Time},
    state::{Answer, Moment, Question, ask_all, verify},
};

/// What was proven about a state in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenAnswers {
    /// One answer a question, in their order.
    pub answers: Vec<Final<Answer>>,
    /// Who holds the slots after the same block; `None` where nobody does.
    pub slots: Option<Final<Slots>>,
    /// Nodes that the proof opened.
    pub steps: usize,
}

/// Who holds the slots after a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// Who mints, by position.
    pub in_force: SlotTable,
    /// Who will, once a checkpoint that carries the plan is final; `None` if no change is planned.
    pub planned: Option<SlotTable>,
}

impl Slots {
    /// The position in which an address mints; `None` if it holds no slot, and so earns nothing now.
    pub fn position(&self, address: &Address) -> Option<u8> {
        self.in_force.position(address)
    }

    /// The position in which it will mint once what is planned is in force; the same as now if nothing is planned.
    pub fn position_to_come(&self, address: &Address) -> Option<u8> {
        self.planned.as_ref().unwrap_or(&self.in_force).position(address)
    }
}

impl From<&Tables> for Slots {
    fn from(tables: &Tables) -> Self {
        Self {
            in_force: tables.in_force.slots().clone(),
            planned: tables.planned.as_ref().map(|planned| planned.slots().clone()),
        }
    }
}

impl Verifier {
    /// Who holds the slots after a trusted block; `None` where nobody does.
    pub fn slots(&self, trusted: &Trusted) -> Option<Final<Slots>> {
        let at = Position { id: trusted.id, height: trusted.height, slot: trusted.slot };
        trusted.tables.as_ref().map(|tables| Final::new(tables.into(), at))
    }

    /// Checks a state bundle by asking the same of its witness. Pass the bundle's own questions if it did not come as the
    /// answer to any.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn answers(
        &self,
        trusted: &Trusted,
        asked: &[Question],
        bundle: &StateBundle,
        now: Time,
    ) -> Result<(Trusted, ProvenAnswers), ProofFailure> {
        if bundle.questions != asked {
            return Err(ProofFailure::OtherQuestions);
        }
        let newer = self.anchor(trusted, &bundle.anchor, now)?;
        let header = bundle.anchor.header();
        let clock = self.engine().clock();
        let moment = Moment::after(header, newer.tables.as_ref(), clock, self.average_window);
        let (answers, steps) = verify(&bundle.witness, MAX_STATE_WITNESS_BYTES, header.state_root, |trie| {
            let answers = ask_all(trie, &moment, asked)?;
            Ok::<_, ProofFailure>((answers, trie.loaded()))
        })?;
        let at = position(header);
        let answers = answers.into_iter().map(|answer| Final::new(answer, at)).collect();
        let slots = self.slots(&newer);
        Ok((newer, ProvenAnswers { answers, slots, steps }))
    }
}
