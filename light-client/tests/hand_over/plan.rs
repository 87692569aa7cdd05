//! Plans against a search that knows nothing of epochs, runs or windows.

use std::collections::VecDeque;

use light_client::{
    client::Verifier,
    consensus::spos::{
        Certificate, Destination, Electorate, Epoch, MAX_EPOCH_LINKS, Planner, SignerSet, Tables,
    },
    data_format::Round,
    test_support::link_history::{Absent, LinkHistory},
};
use proptest::prelude::*;

use super::{history, one_by_one};

/// Keys that a random history may name: few, so that holders return.
const KEYS: u64 = 9;
const SLOTS: usize = 4;

#[derive(Debug, Clone)]
struct Script {
    tables: Vec<Vec<u64>>,
    planned: Vec<Round>,
    newest: Round,
    /// By round: a number whose bits say which of the keys would rather not sign.
    lazy: Vec<u16>,
}

/// Tables of four slots, each a change of the one before in one slot; who signs changes by round.
fn script() -> impl Strategy<Value = Script> {
    let change = (0..SLOTS, 0..KEYS, 0..4_u64);
    (prop::collection::vec(change, 1..10), prop::collection::vec(any::<u16>(), 64)).prop_map(
        |(changes, lazy)| {
            let mut tables = vec![(1_000..1_000 + SLOTS as u64).collect::<Vec<u64>>()];
            let mut planned: Vec<Round> = Vec::new();
            for (slot, key, pause) in changes {
                let mut next = tables[tables.len() - 1].clone();
                if next.contains(&(1_000 + key)) {
                    continue;
                }
                next[slot] = 1_000 + key;
                tables.push(next);
                let before = planned.last().map_or(1, |round| round.0 + 3);
                planned.push(Round(before + pause));
            }
            let newest = Round(planned.last().map_or(4, |round| round.0 + 5));
            Script { tables, planned, newest, lazy }
        },
    )
}

/// Whoever would rather not sign does not, unless a table would have no quorum then: the first of those do sign.
fn absent(script: &Script) -> Absent {
    let (plain, lazy) = (plain(script), script.lazy.clone());
    Box::new(move |round, key| {
        let (source, target) = (plain.tables_at(round), plain.tables_at(round.next()));
        let electorate = Electorate::new(&target, &source);
        let bits = lazy[usize::try_from(round.0).unwrap() % lazy.len()];
        let mut missing: Vec<usize> =
            (0..electorate.len()).filter(|position| bits >> (position % 16) & 1 == 1).collect();
        let enough = |missing: &[usize]| {
            let signers = SignerSet::of((0..electorate.len()).filter(|position| !missing.contains(position)));
            let both = target.each().chain(source.each());
            both.into_iter().all(|table| electorate.signed(&signers, table) >= table.quorum())
        };
        while !enough(&missing) {
            missing.pop();
        }
        electorate.position(key).is_some_and(|position| missing.contains(&position))
    })
}

fn plain(script: &Script) -> LinkHistory {
    LinkHistory::new(
        &script.tables,
        script.planned.clone(),
        script.newest,
        Vec::new(),
        Box::new(|_, _| false),
    )
}

/// Links of the shortest way from a round's checkpoint to the newest final block, by trying every round.
fn shortest(history: &LinkHistory, from: &Tables, after: Round) -> Option<usize> {
    let vouched = |held: &Tables, round: Round| {
        let (source, target) = (history.tables_at(round), history.tables_at(round.next()));
        let (_, signers) = history.link(round);
        Electorate::new(&target, &source).signed(&signers, held.newest()) >= held.newest().quorum()
    };
    let newest = history.newest();
    let mut ways = VecDeque::from([(from.clone(), after, 0)]);
    let mut seen = vec![false; usize::try_from(newest.0).unwrap() + 1];
    while let Some((held, at, links)) = ways.pop_front() {
        if vouched(&held, newest) {
            return Some(links + 1);
        }
        for round in (at.0 + 1..newest.0).map(Round) {
            let place = usize::try_from(round.0).unwrap();
            if !seen[place] && vouched(&held, round) {
                seen[place] = true;
                ways.push_back((history.tables_at(round), round, links + 1));
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_list_is_shorter_and_the_verifier_takes_it(script in script(), start in 0_u64..12) {
        let mut history = LinkHistory::new(
            &script.tables,
            script.planned.clone(),
            script.newest,
            Vec::new(),
            absent(&script),
        );
        let start = Round(start.min(script.newest.0 - 1));
        let trusted = history.trusted(start);
        let after = Round(start.0.saturating_sub(1));
        let planned = history.plan(&trusted);
        let expected = shortest(&history, trusted.tables.as_ref().unwrap(), after);
        prop_assert_eq!(planned.as_ref().map(Vec::len), expected);
        if planned.is_some() {
            let hand_over = history.hand_over(&trusted);
            let verifier = Verifier::new(history.spec());
            let handed_over = verifier.hand_over(&trusted, &hand_over, history.now());
            let newest = history.newest();
            prop_assert_eq!(handed_over.map(|found| found.trusted), Ok(history.trusted(newest)));
        }
    }
}

#[test]
fn holders_that_return_are_within_reach_again() {
    // Holders leave and return: keys 0 to 3 hold the slots, then 4 and 5 replace two of them, then those return, then
    // the other two are replaced.
    let tables: Vec<Vec<u64>> =
        [[0, 1, 2, 3], [4, 1, 2, 3], [4, 5, 2, 3], [0, 5, 2, 3], [0, 1, 2, 3], [0, 1, 6, 3], [0, 1, 6, 7]]
            .iter()
            .map(|keys| keys.iter().map(|key| 1_000 + key).collect())
            .collect();
    let planned = (0..6).map(|change| Round(3 * change + 2)).collect();
    let mut history = LinkHistory::new(&tables, planned, Round(30), Vec::new(), Box::new(|_, _| false));
    let trusted = history.trusted(Round(0));
    let rounds = history.plan(&trusted).unwrap();
    assert_eq!(rounds.len(), 2, "one link over everything that came and went: {rounds:?}");
    assert_eq!(Some(rounds.len()), shortest(&history, trusted.tables.as_ref().unwrap(), Round(0)));
}

#[test]
fn a_whole_new_table_is_led_over_by_its_plan() {
    // Nobody of the first table signs what follows it.
    let tables = vec![(1_000..1_007).collect(), (1_010..1_017).collect()];
    let mut history =
        LinkHistory::new(&tables, vec![Round(3)], Round(12), Vec::new(), Box::new(|_, _| false));
    let trusted = history.trusted(Round(0));
    // The plan itself is signed by both tables, and leads over.
    assert_eq!(history.plan(&trusted).map(|rounds| rounds.len()), Some(2));
    let settled = history.tables_at(Round(12));
    assert!(settled.planned.is_none());
    let late = history.trusted(Round(12));
    assert_eq!(history.plan(&late).map(|rounds| rounds.len()), Some(1), "the beacon alone");
}

#[test]
fn steps_lead_over_as_many_changes_as_a_third_of_the_slots_and_one_planned() {
    let mut history = history(30);
    let trusted = history.trusted(Round(0));
    // Two in force and one planned, of seven; the end plans nothing.
    assert_eq!(history.plan(&trusted).unwrap().len(), 28_usize.div_ceil(3) + 1);
    let planned = (0..60).map(|change| Round(4 * change + 3)).collect();
    let mut history =
        LinkHistory::new(&one_by_one(15, 60), planned, Round(300), Vec::new(), Box::new(|_, _| false));
    let trusted = history.trusted(Round(0));
    // Four in force and one planned, of fifteen.
    assert_eq!(history.plan(&trusted).unwrap().len(), 56_usize.div_ceil(5) + 1);
}

#[test]
fn an_epoch_keeps_what_others_do_not_replace() {
    let history = history(1);
    let certificate = |round: u64, signers: &[usize]| {
        let mut step = history.step(Round(round)).certificate;
        step.signers = SignerSet::of(signers.iter().copied());
        step
    };
    let kept = |epoch: &Epoch| -> Vec<u64> {
        epoch.links().iter().map(|link| link.link.source.checkpoint.round.0).collect()
    };
    let mut epoch = Epoch::new(certificate(10, &[0, 1, 2, 3, 4]));
    assert!(epoch.goes_on_with(&certificate(11, &[]).link) && !epoch.goes_on_with(&certificate(1, &[]).link));
    assert!(!epoch.take(certificate(11, &[0, 1, 2, 3, 4])), "the same");
    assert!(!epoch.take(certificate(11, &[0, 1, 2])), "fewer");
    assert!(epoch.take(certificate(12, &[1, 2, 3, 4, 5])), "others");
    assert_eq!(kept(&epoch), [10, 12]);
    assert!(epoch.take(certificate(13, &[0, 1, 2, 3, 4, 5])), "more than both");
    assert_eq!((kept(&epoch), epoch.first()), (vec![13], Round(10)));
    for left_out in 0..=MAX_EPOCH_LINKS {
        let others: Vec<usize> = (10..20).filter(|signer| *signer != 10 + left_out).collect();
        epoch.take(certificate(20 + left_out as u64, &others));
    }
    assert_eq!(kept(&epoch).len(), MAX_EPOCH_LINKS, "bounded");
    assert!(!kept(&epoch).contains(&13), "the one with the fewest went first");
}

/// The epochs of a history, from its rounds one by one, with the tables of both sides.
fn epochs(history: &LinkHistory) -> Vec<(Epoch, Tables, Tables)> {
    let mut epochs: Vec<(Epoch, Tables, Tables)> = Vec::new();
    for round in (1..=history.newest().0).map(Round) {
        let (link, signers) = history.link(round);
        let certificate = Certificate { link, signers, signatures: Vec::new() };
        match epochs.last_mut().filter(|(epoch, ..)| epoch.goes_on_with(&link)) {
            Some((epoch, ..)) => drop(epoch.take(certificate)),
            None => {
                let tables = (history.tables_at(round), history.tables_at(round.next()));
                epochs.push((Epoch::new(certificate), tables.0, tables.1));
            }
        }
    }
    epochs
}

fn push(planner: &mut Planner, (epoch, source, target): &(Epoch, Tables, Tables), links: usize) {
    let links = epoch.links().iter().take(links);
    planner.push(source, target, links.map(|link| (link.link.source.checkpoint.round, &link.signers)));
}

#[test]
fn a_planner_that_learns_while_epochs_go_on_plans_the_same() {
    // In every third round somebody else is missing, so that epochs keep several links.
    let absent: Absent = Box::new(|round, key| key.0[0] % 3 == (round.0 % 3) as u8 && key.0[1] % 2 == 0);
    let planned = (0..12).map(|change| Round(7 * change + 3)).collect();
    let mut history = LinkHistory::new(&one_by_one(7, 12), planned, Round(100), Vec::new(), absent);
    let epochs = epochs(&history);
    assert!(epochs.iter().any(|(epoch, ..)| epoch.links().len() > 1));
    let (mut whole, mut learnt) = (Planner::default(), Planner::default());
    for epoch in &epochs {
        push(&mut whole, epoch, usize::MAX);
        for links in 1..=epoch.0.links().len() {
            if links > 1 {
                learnt.pop();
            }
            push(&mut learnt, epoch, links);
        }
    }
    assert_eq!((whole.len(), learnt.len()), (epochs.len(), epochs.len()));
    let newest = history.newest();
    let (source, target) = (history.tables_at(newest), history.tables_at(newest.next()));
    let (_, signers) = history.link(newest);
    let end = Destination { round: newest, source: &source, target: &target, signers: &signers };
    let mut led = 0;
    for start in (0..newest.0).map(Round) {
        let trusted = history.trusted(start);
        let held = trusted.tables.unwrap();
        let after = Round(start.0.saturating_sub(1));
        let plan = learnt.plan(&held, after, &end);
        assert_eq!(plan.as_ref().map(Vec::len), whole.plan(&held, after, &end).map(|rounds| rounds.len()));
        led += usize::from(plan.is_some_and(|rounds| !rounds.is_empty()));
    }
    assert!(led > 50, "{led} starts are too far away for one step");
    // What begins after a gap leads nowhere from before it.
    let mut late = Planner::default();
    epochs[20..].iter().for_each(|epoch| push(&mut late, epoch, usize::MAX));
    assert_eq!(late.plan(&history.tables_at(Round(0)), Round(0), &end), None);
}
