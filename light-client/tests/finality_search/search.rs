//! All pairs of branches, within bounds.

use std::{collections::HashSet, fmt};

use super::{
    history::{Branch, Link},
    tables::{Rule, TableBook, TableId},
    votes::{Assignment, Ballot, Hostile, assign, may_sign},
    witness::Conflict,
};

/// How far the search looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Keys of the first table.
    pub(crate) filled: u32,
    /// The fork is after the checkpoint of this round, or an earlier one.
    pub(crate) past: usize,
    /// Rounds after the fork.
    pub(crate) rounds: usize,
    /// Rounds that a certificate may be included late.
    pub(crate) late: usize,
    /// Which changes a branch makes.
    pub(crate) pace: Pace,
}

/// Which changes of the table a branch makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Every kind, at any time.
    Any,
    /// In every round after the fork a newcomer displaces a holder, or nothing ever changes: for finding.
    EveryRound,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    /// Different pasts before a fork.
    pub(crate) pasts: usize,
    /// Different branches after them that make something final.
    pub(crate) branches: usize,
    /// Pairs of branches.
    pub(crate) pairs: usize,
    /// Of these, pairs where no single table decides, so that votes were searched for.
    pub(crate) searched: usize,
    /// Different links, by the tables of their ends; compared with the real electorate.
    pub(crate) links: usize,
    /// Pairs whose branches have different tables in force after the fork.
    pub(crate) apart: usize,
}

pub(crate) struct Outcome {
    pub(crate) conflict: Option<Conflict>,
    pub(crate) sizes: Sizes,
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { filled, past, rounds, late, pace: _ } = self;
        write!(f, "{filled} slots filled, {past} rounds before the fork, {rounds} after, {late} late")
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pasts, branches, pairs, searched, links, apart } = self;
        write!(
            f,
            "{pasts} pasts, {branches} branches, {pairs} pairs ({apart} with other tables in force), "
        )?;
        write!(f, "{searched} searched for votes, {links} kinds of links")
    }
}

/// Looks for two conflicting final checkpoints; stops at the first.
pub(crate) fn search(rule: Rule, bounds: Bounds, hostile: Hostile) -> Outcome {
    let mut book = TableBook::new(rule);
    let (mut sizes, mut compared) = (Sizes::default(), HashSet::new());
    let mut pasts = vec![Branch::genesis(bounds.filled, &mut book)];
    for fork in 0..=bounds.past {
        sizes.pasts += pasts.len();
        for past in &pasts {
            let ones = ends(past, fork, bounds, &mut book, &[]);
            for group in by_tables(ones) {
                let others = ends(past, fork, bounds, &mut book, &group[0].named());
                sizes.branches += group.len() + others.len();
                for link in group.iter().chain(&others).flat_map(|branch| &branch.links) {
                    let new = compared.insert((link.source_tables, link.target_tables));
                    // Every kind under the chain's rule; a sample under the others, which have many more.
                    if new && (rule == Rule::Planned || compared.len().is_multiple_of(16)) {
                        book.compare(link.source_tables, link.target_tables);
                    }
                }
                for one in &group {
                    for other in &others {
                        sizes.pairs += 1;
                        sizes.apart += usize::from(in_force(one) != in_force(other));
                        let few = matches!(hostile, Hostile::AThirdOfEachTable | Hostile::Any(0));
                        if few && shares_a_table(one, other, fork) {
                            // The short cut, tried the long way now and then.
                            if sizes.pairs.is_multiple_of(101) {
                                assert!(votes(&book, one, other, fork, hostile).is_none());
                            }
                            continue;
                        }
                        sizes.searched += 1;
                        if let Some(found) = votes(&book, one, other, fork, hostile) {
                            sizes.links = compared.len();
                            let conflict = Conflict::new(&book, one, other, fork, &found);
                            return Outcome { conflict: Some(conflict), sizes };
                        }
                    }
                }
            }
        }
        pasts = distinct(
            pasts.iter().flat_map(|past| past.next(&mut book, None, &bounds, &[])).collect(),
            |past| (past.points.clone(), past.links.clone()),
        );
    }
    sizes.links = compared.len();
    Outcome { conflict: None, sizes }
}

/// The branches that leave a past and make something of their own final.
fn ends(past: &Branch, fork: usize, bounds: Bounds, book: &mut TableBook, others: &[TableId]) -> Vec<Branch> {
    let (mut open, mut ended) = (vec![past.clone()], Vec::new());
    for _ in 0..bounds.rounds {
        let next = open.iter().flat_map(|branch| branch.next(book, Some(fork), &bounds, others)).collect();
        let (done, going): (Vec<Branch>, Vec<Branch>) =
            Vec::into_iter(next).partition(|branch| branch.newest_final() > fork);
        ended.extend(done);
        open = going;
    }
    // Only its links need votes.
    distinct(ended, |branch| branch.links.clone())
}

/// The table in force at the newest checkpoint.
fn in_force(branch: &Branch) -> TableId {
    branch.points[branch.round()].tables.in_force
}

fn distinct<K: std::hash::Hash + Eq>(branches: Vec<Branch>, key: impl Fn(&Branch) -> K) -> Vec<Branch> {
    let mut seen = HashSet::new();
    branches.into_iter().filter(|branch| seen.insert(key(branch))).collect()
}

/// Branches that name the same tables: the same keys can be told apart beside them.
fn by_tables(branches: Vec<Branch>) -> Vec<Vec<Branch>> {
    let mut groups: Vec<(Vec<TableId>, Vec<Branch>)> = Vec::new();
    for branch in branches {
        let mut named = branch.named();
        named.sort_unstable();
        match groups.iter_mut().find(|(known, _)| *known == named) {
            Some((_, group)) => group.push(branch),
            None => groups.push((named, vec![branch])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Whether two links that nobody honest signs both need a quorum of one table: more than a third of it would be hostile.
fn shares_a_table(one: &Branch, other: &Branch, fork: usize) -> bool {
    one.links.iter().any(|a| {
        other.links.iter().any(|b| {
            (a.target > fork || b.target > fork)
                && !signable(a, b)
                && a.voices.iter().any(|table| b.voices.contains(table))
        })
    })
}

/// Whether a record lets one key sign both, asked once for each four rounds.
fn signable(a: &Link, b: &Link) -> bool {
    thread_local! {
        static KNOWN: std::cell::RefCell<std::collections::HashMap<[u8; 4], bool>> = std::cell::RefCell::default();
    }
    let key = [a.source, a.target, b.source, b.target].map(|round| u8::try_from(round).unwrap());
    KNOWN.with_borrow_mut(|known| {
        *known.entry(key).or_insert_with(|| may_sign(vec![(a.source, a.target), (b.source, b.target)]))
    })
}

/// The links that both branches need, those of the common past once, and which are whose.
pub(crate) fn links<'a>(one: &'a Branch, other: &'a Branch, fork: usize) -> Vec<(&'a Link, Side)> {
    let mut links: Vec<(&Link, Side)> = Vec::new();
    for (branch, side) in [(one, Side::One), (other, Side::Other)] {
        for link in &branch.links {
            let side = if link.target <= fork { Side::Both } else { side };
            if !links.contains(&(link, side)) {
                links.push((link, side));
            }
        }
    }
    links
}

/// On which branch the target of a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Both,
    One,
    Other,
}

fn votes(
    book: &TableBook,
    one: &Branch,
    other: &Branch,
    fork: usize,
    hostile: Hostile,
) -> Option<Assignment> {
    let links = links(one, other, fork);
    let ballots: Vec<Ballot<'_>> = links
        .iter()
        .map(|(link, _)| Ballot { source: link.source, target: link.target, voices: &link.voices })
        .collect();
    assign(book, &ballots, hostile)
}
