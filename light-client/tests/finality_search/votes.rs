//! Whether the votes that some certificates need can exist.

use light_client::{
    consensus::spos::{Link, Triple, VotingRecord},
    crypto::Hash,
    data_format::{Checkpoint, Round},
};

use super::tables::{Keys, MAX_KEYS, TableBook, TableId};

/// A set of links: bit i is the i-th.
pub(crate) type LinkSet = u16;

/// How many keys are hostile: sign whatever helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hostile {
    /// At most a third of the keys of each table that a link names.
    AThirdOfEachTable,
    /// At most so many, wherever they stand.
    Any(u32),
}

/// A link, as far as votes are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ballot<'a> {
    pub(crate) source: usize,
    pub(crate) target: usize,
    pub(crate) voices: &'a [TableId],
}

/// Who votes for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// Each key that votes, and for which links.
    pub(crate) votes: Vec<(u32, LinkSet)>,
    /// The hostile ones among them.
    pub(crate) hostile: Keys,
}

/// Whether one honest key may sign links with these rounds, by the chain's own rule: it signs them in some order, and
/// targets only rise.
pub(crate) fn may_sign(mut links: Vec<(usize, usize)>) -> bool {
    links.sort_unstable_by_key(|(_, target)| *target);
    let triple = |round: usize| Triple {
        checkpoint: Checkpoint { round: Round(round as u64), id: Hash::ZERO },
        next_slots: Hash::ZERO,
    };
    let mut record = VotingRecord::default();
    links.into_iter().all(|(source, target)| {
        let link = Link { source: triple(source), target: triple(target) };
        record.vote(&link).map(|after| record = after).is_ok()
    })
}

/// Keys that no table of the links tells apart, and what each of them can do.
struct Class {
    keys: Vec<u32>,
    /// Largest sets of links that an honest one may sign, among those where it has a vote.
    honest: Vec<LinkSet>,
    /// Links where it has a vote.
    every: LinkSet,
    /// By need: whether its votes count there.
    counts: Vec<bool>,
    /// By table: whether it stands there.
    stands: Vec<bool>,
}

struct Need {
    link: usize,
    missing: i32,
    /// Keys not asked yet that could vote.
    left: i32,
}

struct Search<'a> {
    classes: &'a [Class],
    needs: Vec<Need>,
    /// By table: hostile keys that may still be.
    allowance: Vec<i32>,
    any: i32,
    chosen: Vec<(u32, LinkSet)>,
    hostile: Keys,
}

/// Finds votes that make all of these certificates, with so many hostile keys; `None` if there are none.
pub(crate) fn assign(book: &TableBook, ballots: &[Ballot<'_>], hostile: Hostile) -> Option<Assignment> {
    let mut tables: Vec<TableId> = Vec::new();
    for id in ballots.iter().flat_map(|ballot| ballot.voices) {
        if !tables.contains(id) {
            tables.push(*id);
        }
    }
    let needs: Vec<(usize, TableId)> = ballots
        .iter()
        .enumerate()
        .flat_map(|(link, ballot)| ballot.voices.iter().map(move |table| (link, *table)))
        .collect();
    let classes = classes(book, ballots, &tables, &needs);
    let need = |(link, table): &(usize, TableId)| Need {
        link: *link,
        missing: i32::try_from(book.quorum(*table)).unwrap(),
        left: i32::try_from(book.keys(*table).count_ones()).unwrap(),
    };
    let third = |table: &TableId| i32::try_from(book.keys(*table).count_ones() / 3).unwrap();
    let (allowance, any) = match hostile {
        Hostile::AThirdOfEachTable => (tables.iter().map(third).collect(), i32::MAX),
        Hostile::Any(count) => (vec![i32::MAX; tables.len()], i32::try_from(count).unwrap()),
    };
    let mut search = Search {
        classes: &classes,
        needs: needs.iter().map(need).collect(),
        allowance,
        any,
        chosen: Vec::new(),
        hostile: 0,
    };
    search.ask(0, 0, 0).then(|| Assignment { votes: search.chosen.clone(), hostile: search.hostile })
}

fn classes(
    book: &TableBook,
    ballots: &[Ballot<'_>],
    tables: &[TableId],
    needs: &[(usize, TableId)],
) -> Vec<Class> {
    let stands = |key: u32, table: &TableId| book.keys(*table) >> key & 1 == 1;
    let mut classes: Vec<Class> = Vec::new();
    for key in 0..MAX_KEYS {
        let own: Vec<bool> = tables.iter().map(|table| stands(key, table)).collect();
        if own.iter().all(|stands| !stands) {
            continue;
        }
        if let Some(class) = classes.iter_mut().find(|class| class.stands == own) {
            class.keys.push(key);
            continue;
        }
        let counts: Vec<bool> = needs.iter().map(|(_, table)| stands(key, table)).collect();
        let every = needs
            .iter()
            .zip(&counts)
            .fold(0, |links, ((link, _), counts)| links | LinkSet::from(*counts) << link);
        let honest = largest(ballots, every);
        classes.push(Class { keys: vec![key], honest, every, counts, stands: own });
    }
    // Those with the fewest choices first.
    classes.sort_by_key(|class| class.honest.len());
    classes
}

/// The largest sets of these links that one honest key may sign.
fn largest(ballots: &[Ballot<'_>], every: LinkSet) -> Vec<LinkSet> {
    let signable = |links: LinkSet| {
        let named = |(place, _): &(usize, &Ballot<'_>)| links >> place & 1 == 1;
        may_sign(
            ballots
                .iter()
                .enumerate()
                .filter(named)
                .map(|(_, ballot)| (ballot.source, ballot.target))
                .collect(),
        )
    };
    let mut found: Vec<LinkSet> = Vec::new();
    let mut sets: Vec<LinkSet> = (0..1 << ballots.len()).filter(|links| links & !every == 0).collect();
    sets.sort_by_key(|links| std::cmp::Reverse(links.count_ones()));
    for links in sets {
        if !found.iter().any(|larger| links & !larger == 0) && signable(links) {
            found.push(links);
        }
    }
    found
}

impl Search<'_> {
    /// Asks the key at `place` of a class; equal keys choose in order, so that the same choice is not made twice.
    fn ask(&mut self, class: usize, place: usize, first: usize) -> bool {
        let Some(this) = self.classes.get(class) else {
            return self.needs.iter().all(|need| need.missing <= 0);
        };
        if self.needs.iter().any(|need| need.missing > need.left) {
            return false;
        }
        let Some(key) = this.keys.get(place) else { return self.ask(class + 1, 0, 0) };
        for choice in first..=this.honest.len() {
            let honest = this.honest.get(choice).copied();
            let links = honest.unwrap_or(this.every);
            // Somebody who may sign everything need not be hostile.
            if honest.is_none() && this.honest.first() == Some(&this.every) {
                continue;
            }
            if honest.is_none() && !self.corrupt(this, 1) {
                continue;
            }
            self.cast(this, links, 1);
            self.chosen.push((*key, links));
            self.hostile |= Keys::from(honest.is_none()) << key;
            if self.ask(class, place + 1, choice) {
                return true;
            }
            self.hostile &= !(1 << key);
            self.chosen.pop();
            self.cast(this, links, -1);
            if honest.is_none() {
                self.corrupt(this, -1);
            }
        }
        false
    }

    /// Makes one of a class hostile, or undoes that. `false`: there are enough.
    fn corrupt(&mut self, class: &Class, one: i32) -> bool {
        let full = class.stands.iter().zip(&self.allowance).any(|(stands, left)| *stands && *left < one);
        if full || self.any < one {
            return false;
        }
        for (stands, left) in class.stands.iter().zip(&mut self.allowance) {
            *left -= if *stands { one } else { 0 };
        }
        self.any -= one;
        true
    }

    fn cast(&mut self, class: &Class, links: LinkSet, one: i32) {
        for (need, counts) in self.needs.iter_mut().zip(&class.counts) {
            if *counts {
                need.left -= one;
                need.missing -= if links >> need.link & 1 == 1 { one } else { 0 };
            }
        }
    }
}
