//! One branch, round by round.

use super::{
    search::{Bounds, Pace},
    tables::{Keys, MAX_KEYS, Pair, Rule, TableBook, TableId},
};

/// What a checkpoint's header commits to, as far as votes are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Point {
    pub(crate) tables: Pair,
    /// Round of its justified checkpoint.
    pub(crate) justified: usize,
}

/// A link that a branch includes the certificate of. Rounds name checkpoints of the branch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Link {
    pub(crate) source: usize,
    pub(crate) target: usize,
    pub(crate) source_tables: Pair,
    pub(crate) target_tables: Pair,
    /// The tables whose quorum it needs.
    pub(crate) voices: Vec<TableId>,
}

/// A branch up to the checkpoint of its newest round.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    /// By round.
    pub(crate) points: Vec<Point>,
    pub(crate) links: Vec<Link>,
    tables: Pair,
    justified: usize,
}

/// A change of the set of keys: who leaves, who comes.
#[derive(Clone, Copy, Debug)]
struct Change {
    leaves: Keys,
    comes: Keys,
}

impl Branch {
    /// Genesis, with a table of so many keys.
    pub(crate) fn genesis(filled: u32, book: &mut TableBook) -> Self {
        let tables = Pair { in_force: book.of((1 << filled) - 1), planned: None };
        let point = Point { tables, justified: 0 };
        Self { points: vec![point], links: Vec::new(), tables, justified: 0 }
    }

    /// The newest round whose checkpoint it has.
    pub(crate) fn round(&self) -> usize {
        self.points.len() - 1
    }

    /// The newest source that its certificates made final.
    pub(crate) fn newest_final(&self) -> usize {
        self.links.iter().filter(|link| finalises(link)).map(|link| link.source).max().unwrap_or(0)
    }

    /// Tables that it names.
    pub(crate) fn named(&self) -> Vec<TableId> {
        let mut named = Vec::new();
        for point in &self.points {
            for id in point.tables.each() {
                if !named.contains(&id) {
                    named.push(id);
                }
            }
        }
        named
    }

    /// Everything that can happen in its newest round: no certificate or one for a checkpoint at most `late` rounds
    /// old, then no change or one. `others` are tables that tell keys apart besides its own. Gives a branch whose
    /// newest certificate finalises something after round `fork` without a change: it ends there.
    pub(crate) fn next(
        &self,
        book: &mut TableBook,
        fork: Option<usize>,
        bounds: &Bounds,
        others: &[TableId],
    ) -> Vec<Self> {
        let round = self.round();
        let mut certified = vec![self.clone()];
        for target in round.saturating_sub(bounds.late).max(self.justified + 1)..=round {
            certified.push(self.certified(target, book));
        }
        let mut after = Vec::new();
        for branch in certified {
            if fork.is_some_and(|fork| branch.newest_final() > fork) {
                after.push(branch);
                continue;
            }
            let changeable = book.rule() == Rule::Immediate || branch.tables.planned.is_none();
            match bounds.pace {
                Pace::Any if changeable => {
                    for change in branch.changes(book, others) {
                        after.push(branch.changed(change, book));
                    }
                    after.push(branch.closed());
                }
                Pace::EveryRound if changeable => {
                    let all_along = fork.is_none_or(|fork| branch.changed_since(fork));
                    if round == fork.unwrap_or(round) || all_along {
                        after.extend(branch.displacement(book).map(|change| branch.changed(change, book)));
                    }
                    if round == fork.unwrap_or(round) || !all_along {
                        after.push(branch.closed());
                    }
                }
                Pace::Any | Pace::EveryRound => after.push(branch.closed()),
            }
        }
        after
    }

    /// With the certificate for the checkpoint of a round.
    fn certified(&self, target: usize, book: &mut TableBook) -> Self {
        let mut after = self.clone();
        let source = self.points[target].justified;
        let (source_tables, target_tables) = (self.points[source].tables, self.points[target].tables);
        let voices = book.voices(source_tables, target_tables);
        let link = Link { source, target, source_tables, target_tables, voices };
        if finalises(&link) {
            after.tables = book.after_final(self.tables, source_tables);
        }
        after.justified = target;
        after.links.push(link);
        after
    }

    /// The round ends.
    fn closed(mut self) -> Self {
        self.points.push(Point { tables: self.tables, justified: self.justified });
        self
    }

    fn changed(&self, change: Change, book: &mut TableBook) -> Self {
        let mut after = self.clone();
        let table = book.of(book.keys(self.tables.in_force) & !change.leaves | change.comes);
        match book.rule() {
            Rule::Immediate => after.tables.in_force = table,
            Rule::Planned | Rule::TargetInForce => after.tables.planned = Some(table),
        }
        after.closed()
    }

    /// Whether its table is another than at the fork.
    fn changed_since(&self, fork: usize) -> bool {
        self.points[fork].tables != self.tables
    }

    /// A newcomer takes the place of the first of the old holders.
    fn displacement(&self, book: &TableBook) -> Option<Change> {
        let old = book.keys(self.tables.in_force) & book.keys(self.points[0].tables.in_force);
        let named = self.named().iter().fold(0, |keys, id| keys | book.keys(*id));
        let (leaves, comes) = (old & old.wrapping_neg(), named.wrapping_add(1) & !named);
        (leaves != 0 && comes != 0).then_some(Change { leaves, comes })
    }

    /// One of each kind of change: keys that no known table tells apart are the same.
    fn changes(&self, book: &TableBook, others: &[TableId]) -> Vec<Change> {
        let mut known = self.named();
        known.extend(others);
        let members = book.keys(self.tables.in_force);
        let named = known.iter().fold(0, |keys, id| keys | book.keys(*id));
        let column = |key: u32| {
            known
                .iter()
                .enumerate()
                .fold(0_u64, |column, (place, id)| column | u64::from(book.keys(*id) >> key & 1) << place)
        };
        let one_of_each = |keys: Keys| {
            let mut seen = Vec::new();
            let mut chosen = Vec::new();
            for key in (0..MAX_KEYS).filter(|key| keys >> key & 1 == 1) {
                if !seen.contains(&column(key)) {
                    seen.push(column(key));
                    chosen.push(1 << key);
                }
            }
            chosen
        };
        let (leaving, mut coming) = (one_of_each(members), one_of_each(named & !members));
        if named != Keys::MAX {
            coming.push(1 << named.trailing_ones());
        }
        let mut changes = Vec::new();
        for leaves in &leaving {
            changes.extend(coming.iter().map(|comes| Change { leaves: *leaves, comes: *comes }));
            // The last holders are never removed.
            if members.count_ones() > 2 {
                changes.push(Change { leaves: *leaves, comes: 0 });
            }
        }
        changes.extend(coming.iter().map(|comes| Change { leaves: 0, comes: *comes }));
        changes
    }
}

/// Whether a certificate of this link makes its source final; as [`light_client::consensus::spos::Link::finalises`],
/// which the witness is checked by.
pub(crate) fn finalises(link: &Link) -> bool {
    link.source + 1 == link.target
}
