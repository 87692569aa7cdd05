//! Which links make the shortest hand-over.
//!
//! From a table that is held, a link is within reach if enough of that table signed it; what is held then is the newest
//! table of its source. So the shortest hand-over is a shortest path over epochs, found breadth first. Whoever is out of
//! reach later may come within reach again, because holders return: the farthest link within reach is therefore not always
//! the best one, and every link is tried that enough of the table may have signed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{Electorate, SignerSet, Table, Tables};
use crate::{crypto::Hash, data_format::Round};

/// How many epochs one step passes over, at most. A change of the table makes about three epochs, and when more than a
/// third of a table's slots changed for good (the sixth of 15), no link later on is within reach: a few dozen epochs would
/// do. The rest is room for tables to which holders return, or which change in the same few slots; passing over so
/// many changes at once is as good as any list. The way to the end is tried at once, however far it is.
pub const LOOK_AHEAD: usize = 1_024;

/// Plans hand-overs over the epochs of one chain.
#[derive(Clone, Debug, Default)]
pub struct Planner {
    numbers: BTreeMap<Hash, usize>,
    /// By the number of a key: the runs of epochs in which it signed something that is kept, rising.
    signed: Vec<Vec<Range<usize>>>,
    epochs: Vec<PlannedEpoch>,
}

/// Where a hand-over leads: a finalising link with the tables and signers of both sides.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// Its source's round.
    pub round: Round,
    /// Its source's tables.
    pub source: &'a Tables,
    /// Its target's tables.
    pub target: &'a Tables,
    /// Who signed.
    pub signers: &'a SignerSet,
}

/// Numbers of keys, rising.
type Keys = Vec<usize>;

#[derive(Clone, Debug)]
struct PlannedEpoch {
    /// The newest table of the source: what is held after a link of this epoch.
    newest: Keys,
    quorum: usize,
    links: Vec<(Round, Keys)>,
}

/// A link within reach, and the state it was reached from.
struct Reached {
    epoch: usize,
    round: Round,
    from: Option<usize>,
}

impl Planner {
    /// Epochs it knows.
    pub const fn len(&self) -> usize {
        self.epochs.len()
    }

    /// Whether it knows none.
    pub const fn is_empty(&self) -> bool {
        self.epochs.is_empty()
    }

    /// Adds the epoch after the last one: the tables of its links, and of each link the source's round and the signers,
    /// by rising round.
    pub fn push<'a>(
        &mut self,
        source: &Tables,
        target: &Tables,
        links: impl IntoIterator<Item = (Round, &'a SignerSet)>,
    ) {
        let electorate = Electorate::new(target, source);
        let mut keys = |hashes: &mut dyn Iterator<Item = Hash>| {
            let mut numbers: Keys = hashes.map(|hash| self.number(hash)).collect();
            numbers.sort_unstable();
            numbers
        };
        let newest = keys(&mut minting_keys(source.newest()));
        let links: Vec<(Round, Keys)> =
            links.into_iter().map(|(round, signers)| (round, keys(&mut electorate.keys(signers)))).collect();
        let epoch = self.epochs.len();
        for key in links.iter().flat_map(|(_, signers)| signers).collect::<BTreeSet<_>>() {
            match self.signed[*key].last_mut().filter(|run| run.end == epoch) {
                Some(run) => run.end += 1,
                None => self.signed[*key].push(epoch..epoch + 1),
            }
        }
        self.epochs.push(PlannedEpoch { newest, quorum: source.newest().quorum(), links });
    }

    /// Takes the last epoch off again: it may have gone on since.
    pub fn pop(&mut self) {
        if self.epochs.pop().is_none() {
            return;
        }
        let epoch = self.epochs.len();
        for runs in &mut self.signed {
            if let Some(run) = runs.pop_if(|run| run.end > epoch)
                && run.start < epoch
            {
                runs.push(run.start..epoch);
            }
        }
    }

    /// The fewest links, by their sources' rounds, that lead from these tables to `end`, which is not one of them. Only
    /// links of sources after round `after` are used. `None` if what is known does not lead there.
    pub fn plan(&self, held: &Tables, after: Round, end: &Destination<'_>) -> Option<Vec<Round>> {
        let electorate = Electorate::new(end.target, end.source);
        if electorate.signed(end.signers, held.newest()) >= held.newest().quorum() {
            return Some(Vec::new());
        }
        let end_signers = self.known(electorate.keys(end.signers));
        let usable = after.next()..end.round;
        let begin = self
            .epochs
            .partition_point(|epoch| epoch.links.last().is_none_or(|(round, _)| *round < usable.start));
        let mut taken = vec![false; self.epochs.len()];
        let mut reached: Vec<Reached> = Vec::new();
        let start = self.known(minting_keys(held.newest()));
        self.reach(&start, held.newest().quorum(), begin, &usable, None, &mut taken, &mut reached);
        let mut place = 0;
        while let Some(Reached { epoch, .. }) = reached.get(place) {
            let (at, here) = (*epoch, self.epochs.get(*epoch)?);
            if common(&end_signers, &here.newest) >= here.quorum {
                return Some(path(&reached, place));
            }
            self.reach(&here.newest, here.quorum, at + 1, &usable, Some(place), &mut taken, &mut reached);
            place += 1;
        }
        None
    }

    /// Adds what is within reach of a table and was not before.
    #[allow(clippy::too_many_arguments, reason = "one step of a search, with what the search knows")]
    fn reach(
        &self,
        table: &Keys,
        quorum: usize,
        begin: usize,
        usable: &Range<Round>,
        from: Option<usize>,
        taken: &mut [bool],
        reached: &mut Vec<Reached>,
    ) {
        let end = self.epochs.len().min(begin.saturating_add(LOOK_AHEAD));
        for epoch in self.promising(table, quorum, begin..end).into_iter().flatten() {
            if taken[epoch] {
                continue;
            }
            let vouched = |(round, signers): &&(Round, Keys)| {
                usable.contains(round) && common(signers, table) >= quorum
            };
            if let Some((round, _)) = self.epochs[epoch].links.iter().find(vouched) {
                taken[epoch] = true;
                reached.push(Reached { epoch, round: *round, from });
            }
        }
    }

    /// The epochs of a range in which at least so many of these keys signed something, though perhaps not together.
    fn promising(&self, table: &Keys, quorum: usize, within: Range<usize>) -> Vec<Range<usize>> {
        let mut changes: Vec<(usize, bool)> = Vec::new();
        for runs in table.iter().filter_map(|key| self.signed.get(*key)) {
            let first = runs.partition_point(|run| run.end <= within.start);
            for run in runs[first..].iter().take_while(|run| run.start < within.end) {
                changes.push((run.start.max(within.start), true));
                changes.push((run.end.min(within.end), false));
            }
        }
        changes.sort_unstable();
        let (mut ranges, mut present, mut since) = (Vec::new(), 0_usize, within.start);
        for (at, enters) in changes {
            if at > since && present >= quorum {
                ranges.push(since..at);
            }
            since = at;
            // Nobody leaves before entering: a run is not empty.
            present = if enters { present + 1 } else { present - 1 };
        }
        ranges
    }

    fn number(&mut self, key: Hash) -> usize {
        let next = self.signed.len();
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.signed.push(Vec::new());
        }
        number
    }

    fn known(&self, keys: impl Iterator<Item = Hash>) -> Keys {
        let mut numbers: Keys = keys.filter_map(|key| self.numbers.get(&key).copied()).collect();
        numbers.sort_unstable();
        numbers
    }
}

fn minting_keys(table: &Table) -> impl Iterator<Item = Hash> {
    table.holders().map(|(holder, _)| holder.minting_key)
}

/// How many numbers two rising lists share.
fn common(one: &Keys, other: &Keys) -> usize {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut shared = 0;
    while let (Some(left), Some(right)) = (one.peek(), other.peek()) {
        match left.cmp(right) {
            std::cmp::Ordering::Less => drop(one.next()),
            std::cmp::Ordering::Greater => drop(other.next()),
            std::cmp::Ordering::Equal => {
                shared += 1;
                one.next();
                other.next();
            }
        }
    }
    shared
}

fn path(reached: &[Reached], end: usize) -> Vec<Round> {
    let mut rounds = Vec::new();
    let mut place = Some(end);
    while let Some(Reached { round, from, .. }) = place.and_then(|place| reached.get(place)) {
        rounds.push(*round);
        place = *from;
    }
    rounds.reverse();
    rounds
}
