//! Tables as sets of keys, made by and compared with the real ones.

use std::{collections::HashMap, sync::Arc};

use light_client::{
    consensus::spos::{Electorate, Table, Tables},
    crypto::Hash,
    data_format::{Holder, SlotTable},
    test_support::chain::{test_address, test_key},
};

/// A set of keys: bit k is test key k.
pub(crate) type Keys = u32;

/// Keys that a history may name: those of the first table and newcomers.
pub(crate) const MAX_KEYS: u32 = 32;

/// Which rule brings a change into force, and whose votes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The chain's: a change is planned, and comes into force by finality; every table counts.
    Planned,
    /// Without the plan: a change is in force from the next round on.
    Immediate,
    /// With the plan, but only the target's table in force counts.
    TargetInForce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TableId(u16);

/// The tables that a checkpoint commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pair {
    pub(crate) in_force: TableId,
    pub(crate) planned: Option<TableId>,
}

impl Pair {
    pub(crate) fn each(self) -> impl Iterator<Item = TableId> {
        std::iter::once(self.in_force).chain(self.planned)
    }
}

#[derive(Clone, Debug)]
struct Known {
    keys: Keys,
    quorum: u32,
    table: Arc<Table>,
}

/// Every table that some history names.
pub(crate) struct TableBook {
    rule: Rule,
    holders: Vec<Holder>,
    known: Vec<Known>,
    by_keys: HashMap<Keys, TableId>,
    after_final: HashMap<(Pair, Pair), Pair>,
}

impl TableBook {
    pub(crate) fn new(rule: Rule) -> Self {
        let holder = |key: u32| {
            let (address, key) = (test_address(u64::from(key)), test_key(u64::from(key)));
            Holder { address, minting_key: Hash(*key.public().as_bytes()) }
        };
        Self {
            rule,
            holders: (0..MAX_KEYS).map(holder).collect(),
            known: Vec::new(),
            by_keys: HashMap::new(),
            after_final: HashMap::new(),
        }
    }

    pub(crate) fn rule(&self) -> Rule {
        self.rule
    }

    /// The table of these keys.
    pub(crate) fn of(&mut self, keys: Keys) -> TableId {
        if let Some(id) = self.by_keys.get(&keys) {
            return *id;
        }
        let slots =
            (0..MAX_KEYS).zip(&self.holders).map(|(key, holder)| (keys >> key & 1 == 1).then_some(*holder));
        let table = Arc::new(Table::new(SlotTable(slots.collect())).unwrap());
        let quorum = u32::try_from(table.quorum()).unwrap();
        let filled = keys.count_ones();
        // Two quorums of one table share more than a third of it: what the search's first filter stands on.
        assert!(2 * quorum > filled + filled / 3);
        let id = TableId(u16::try_from(self.known.len()).unwrap());
        self.known.push(Known { keys, quorum, table });
        self.by_keys.insert(keys, id);
        id
    }

    pub(crate) fn keys(&self, id: TableId) -> Keys {
        self.known[usize::from(id.0)].keys
    }

    pub(crate) fn quorum(&self, id: TableId) -> u32 {
        self.known[usize::from(id.0)].quorum
    }

    /// The real tables of a pair.
    pub(crate) fn real(&self, pair: Pair) -> Tables {
        let table = |id: TableId| Arc::clone(&self.known[usize::from(id.0)].table);
        Tables { in_force: table(pair.in_force), planned: pair.planned.map(table) }
    }

    /// The tables whose quorum a link needs.
    pub(crate) fn voices(&self, source: Pair, target: Pair) -> Vec<TableId> {
        let mut voices = Vec::with_capacity(4);
        let pairs = if self.rule == Rule::TargetInForce {
            [Pair { planned: None, ..target }; 2]
        } else {
            [target, source]
        };
        for id in pairs.into_iter().flat_map(Pair::each) {
            if !voices.contains(&id) {
                voices.push(id);
            }
        }
        voices
    }

    /// The real tables that vote on a link: the target's, the source's.
    pub(crate) fn voting(&self, source: Pair, target: Pair) -> (Tables, Tables) {
        if self.rule == Rule::TargetInForce {
            let alone = self.real(Pair { planned: None, ..target });
            return (alone.clone(), alone);
        }
        (self.real(target), self.real(source))
    }

    /// The tables after a checkpoint with the tables `carried` became final, by the chain's own rule.
    pub(crate) fn after_final(&mut self, now: Pair, carried: Pair) -> Pair {
        if let Some(known) = self.after_final.get(&(now, carried)) {
            return *known;
        }
        let after = self.real(now).after_final(&self.real(carried));
        let id = |table: &Table| {
            let place = self.known.iter().position(|known| known.table.hash() == table.hash()).unwrap();
            TableId(u16::try_from(place).unwrap())
        };
        let pair = Pair { in_force: id(&after.in_force), planned: after.planned.as_deref().map(id) };
        self.after_final.insert((now, carried), pair);
        pair
    }

    /// Compares the sets of keys with the real electorate of a link: exactly as many of each table as the search
    /// thinks are enough.
    pub(crate) fn compare(&self, source: Pair, target: Pair) {
        use light_client::{
            consensus::spos::{Link, Triple, Vote},
            crypto::Signature,
            data_format::Checkpoint,
        };
        let (target_tables, source_tables) = self.voting(source, target);
        let electorate = Electorate::new(&target_tables, &source_tables);
        let triple = Triple { checkpoint: Checkpoint::default(), next_slots: Hash::ZERO };
        let link = Link { source: triple, target: triple };
        let voices = self.voices(source, target);
        let everybody = voices.iter().fold(0, |keys, id| keys | self.keys(*id));
        let enough = |voters: Keys| {
            let cast = |(_, holder): (u32, &Holder)| Vote {
                link,
                minting_key: holder.minting_key,
                signature: Signature([0; 64]),
            };
            let named = (0..MAX_KEYS).zip(&self.holders).filter(|(key, _)| voters >> key & 1 == 1);
            let votes: Vec<Vote> = named.map(cast).collect();
            electorate.certify(link, &votes).is_some()
        };
        assert!(enough(everybody) && !enough(0));
        for id in voices.iter().copied() {
            // All but so many of this table: the others have at most as many missing.
            let mut voters = everybody;
            while (voters & self.keys(id)).count_ones() >= self.quorum(id) {
                let ours = voices
                    .iter()
                    .all(|other| (voters & self.keys(*other)).count_ones() >= self.quorum(*other));
                assert_eq!(enough(voters), ours);
                let members = voters & self.keys(id);
                voters &= !(members & members.wrapping_neg());
            }
            assert!(!enough(voters), "too few of a table");
        }
    }
}
