use crate::{
    client::Trusted,
    data_format::{Evidence, Vote},
};

/// A final block that a server proved, with the votes that it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) block: Trusted,
    /// None where nobody votes, or where the server had nothing newer to show.
    pub(super) votes: Vec<Vote>,
}

impl Step {
    /// Whether the two cannot be on one chain: different blocks of one height, or of one round.
    pub(super) fn excludes(&self, other: &Trusted) -> bool {
        let one = &self.block;
        let same_round = one.round == other.round && one.round.0 > 0;
        one.id != other.id && (same_round || one.height == other.height)
    }
}

/// What holders signed in the steps of one server that excludes what they signed in those of another; one piece a key.
pub(super) fn evidence<'a>(
    one: impl Iterator<Item = &'a Step>,
    other: impl Iterator<Item = &'a Step> + Clone,
) -> Vec<Evidence> {
    let mut evidence: Vec<Evidence> = Vec::new();
    for vote in one.flat_map(|step| &step.votes) {
        if evidence.iter().any(|known| known.accused() == vote.minting_key) {
            continue;
        }
        let of_both =
            other.clone().flat_map(|step| &step.votes).find_map(|other| Evidence::of_votes(vote, other));
        evidence.extend(of_both);
    }
    evidence
}
