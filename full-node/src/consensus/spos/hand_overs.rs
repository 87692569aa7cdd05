use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use light_client::{
    consensus::spos::{
        Certificate, Destination, HandOver, HandOverStep, MAX_HAND_OVER_LINKS, Planner, Tables,
    },
    data_format::{BlockId, Header, Round},
};

use crate::{
    consensus::Led,
    storage::{Database, Snapshot, StorageError},
};

/// Epochs read at once.
const PAGE: usize = 1_024;
/// Answers kept while nothing newer is final.
const ANSWERS: usize = 64;

/// Makes hand-overs, and keeps in memory what planning takes; the links themselves are read from disk.
#[derive(Default)]
pub(super) struct HandOvers(Mutex<Known>);

#[derive(Default)]
struct Known {
    planner: Planner,
    /// The first rounds of the epochs that the planner knows.
    firsts: Vec<Round>,
    /// The tables of the last of them: most keys of the next one are parsed already.
    last: Option<Tables>,
    /// What was answered since this block became final, by the trusted block.
    answers: HashMap<BlockId, Led>,
    answers_to: BlockId,
}

impl HandOvers {
    /// The shortest hand-over from a final block, whose header is `held` and lies in round `round`, to the newest final
    /// one, or as much of it as fits into one answer.
    pub(super) fn lead(&self, database: &Database, held: &Header, round: Round) -> Result<Led, StorageError> {
        let mut known = self.known();
        // Read while nobody else learns, so that what is known is never newer than what is read.
        let snapshot = database.read()?;
        let finality = snapshot.finality()?;
        let Some(end) = finality.as_ref().and_then(|finality| finality.certificate.as_ref()) else {
            return Ok(Led::Nowhere);
        };
        let newest = end.link.source.checkpoint.id;
        // A hand-over ends with a beacon, which there is none of from a block that was recovered from.
        if snapshot.header(&newest)?.is_some_and(|source| snapshot.recovery_from(&source.header).is_some()) {
            return Ok(Led::Nowhere);
        }
        if known.answers_to != newest || known.answers.len() >= ANSWERS {
            known.answers.clear();
            known.answers_to = newest;
        }
        let id = held.id();
        if let Some(answer) = known.answers.get(&id) {
            return Ok(answer.clone());
        }
        let held = snapshot.tables_after(held)?;
        let last = step(&snapshot, end.clone(), &held)?;
        known.learn(&snapshot)?;
        let planned = known.plan(&held, round, &last);
        // Reading the links takes longest; others may plan meanwhile.
        drop(known);
        let answer = match planned {
            Some(planned) => Led::Over(Arc::new(hand_over(&snapshot, &held, &planned, last)?)),
            None => Led::Unknown,
        };
        let mut known = self.known();
        if known.answers_to == newest {
            known.answers.insert(id, answer.clone());
        }
        Ok(answer)
    }

    /// What is known; nothing, if a panic left it behind half learnt.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(|broken| {
            self.0.clear_poison();
            let mut known = PoisonError::into_inner(broken);
            *known = Known::default();
            known
        })
    }
}

impl Known {
    /// Reads the epochs that are new, and again the last one, which may have gone on.
    fn learn(&mut self, snapshot: &Snapshot) -> Result<(), StorageError> {
        self.planner.pop();
        let mut from = self.firsts.pop().unwrap_or_default();
        loop {
            let epochs = snapshot.epochs(from, PAGE)?;
            for epoch in &epochs {
                let Some(Certificate { link, .. }) = epoch.links().first() else { continue };
                let source = snapshot.tables_near(&link.source.next_slots, self.last.as_ref())?;
                let target = snapshot.tables_near(&link.target.next_slots, Some(&source))?;
                let links = epoch.links().iter();
                self.planner.push(&source, &target, links.map(|kept| (round_of(kept), &kept.signers)));
                self.firsts.push(epoch.first());
                self.last = Some(target);
                from = epoch.first().next();
            }
            if epochs.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// The links that lead from these tables to the last one, but for that: the first round of the epoch, and the round.
    fn plan(&self, held: &Tables, round: Round, last: &HandOverStep) -> Option<Vec<(Round, Round)>> {
        let HandOverStep { certificate, source, target } = last;
        let end = Destination { round: round_of(certificate), source, target, signers: &certificate.signers };
        let rounds = self.planner.plan(held, round, &end)?;
        let epoch_of = |round: Round| {
            let place = self.firsts.partition_point(|first| *first <= round).checked_sub(1)?;
            Some((*self.firsts.get(place)?, round))
        };
        rounds.into_iter().map(epoch_of).collect()
    }
}

/// The hand-over of planned links and the last one, or as many as fit.
fn hand_over(
    snapshot: &Snapshot,
    held: &Tables,
    planned: &[(Round, Round)],
    last: HandOverStep,
) -> Result<HandOver, StorageError> {
    const FITS: usize = MAX_HAND_OVER_LINKS + 1;
    let mut steps: Vec<HandOverStep> = Vec::with_capacity(FITS.min(planned.len() + 1));
    for (first, round) in planned.iter().take(FITS) {
        let missing = || StorageError::damaged(format!("the link of round {round}"), "it is not stored");
        let epoch = snapshot.epoch(*first)?.ok_or_else(missing)?;
        let kept = epoch.links().iter().find(|kept| round_of(kept) == *round).cloned();
        let near = steps.last().map_or(held, |step| &step.source);
        let step = step(snapshot, kept.ok_or_else(missing)?, near)?;
        steps.push(step);
    }
    if steps.len() < FITS {
        steps.push(last);
    }
    let damaged = |what: &str| StorageError::damaged("the links of a hand-over", what);
    let id = steps.last().map(|step| step.certificate.link.source.checkpoint.id).unwrap_or_default();
    let header = snapshot.header(&id)?.ok_or_else(|| damaged("the last one's header is not stored"))?;
    HandOver::new(held, &steps, header.header).ok_or_else(|| damaged("there are too many"))
}

fn round_of(certificate: &Certificate) -> Round {
    certificate.link.source.checkpoint.round
}

fn step(snapshot: &Snapshot, certificate: Certificate, near: &Tables) -> Result<HandOverStep, StorageError> {
    let source = snapshot.tables_near(&certificate.link.source.next_slots, Some(near))?;
    let target = snapshot.tables_near(&certificate.link.target.next_slots, Some(&source))?;
    Ok(HandOverStep { certificate, source, target })
}
