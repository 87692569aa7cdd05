//! Lies about the way over changes of most holders.

use super::{anchor, forge, lies::Lies, lists, message::Message, scene::Scene, stage::finals};
use crate::{
    client::{Bundle, HandOver, Trusted, Verifier},
    consensus::spos::{
        Beacon, Certificate, Electorate, HandOverLink, HandOverStep, SignerSet, Table, Tables, TablesUpdate,
    },
    data_format::{Amount, GenesisAccount, Round, UNITS_PER_COIN, Vote},
    test_support::chain::{ScriptedChain, test_address, test_key, test_table},
};

/// Slots whose holder was replaced, one after the other.
const CHANGES: u64 = 6;

/// A chain of four slots, all of whose holders were replaced.
fn script(more: u64) -> ScriptedChain {
    let balance = Amount(1_000 * UNITS_PER_COIN + more);
    let mut chain = ScriptedChain::new(4, vec![GenesisAccount { address: test_address(1), balance }]);
    chain.advance(&[]);
    let mut keys: Vec<u64> = (1_000..1_004).collect();
    let table = |keys: &[u64]| Table::new(test_table(keys)).unwrap();
    for change in 0..CHANGES {
        let in_force = table(&keys).into();
        keys[usize::try_from(change % 4).unwrap()] = 1_004 + change;
        chain.set_tables(Tables { in_force, planned: Some(table(&keys).into()) });
        chain.advance(&[]);
        chain.advance(&[]);
        chain.set_tables(Tables::settled(table(&keys)));
        chain.advance(&[]);
    }
    (0..3).for_each(|_| chain.advance(&[]));
    chain
}

pub(super) fn message() -> Message {
    let (chain, other) = (script(0), script(1));
    let genesis = chain.genesis();
    let honest = chain.hand_over(&genesis).unwrap();
    assert!(honest.links.len() > 2, "a way of {} links", honest.links.len());
    let mut lies = Lies::about(&honest.to_bytes());
    for (name, links) in lists::edits(&honest.links) {
        lies.with(format!("links: {name}"), &honest, |bundle| bundle.links = links);
    }
    for at in 0..honest.links.len() {
        for (name, link) in links(&chain, &honest.links, at) {
            lies.with(format!("link {at}: {name}"), &honest, |bundle| bundle.links[at] = link);
        }
    }
    for (name, end) in ends(&chain, &genesis, &honest.end) {
        lies.with(format!("end: {name}"), &honest, |bundle| bundle.end = end);
    }
    let other = other.hand_over(&other.genesis()).unwrap();
    lies.bundle("of another chain", &other);
    lies.with("links of another chain", &honest, |bundle| bundle.links = other.links);
    lies.with("the end of another chain", &honest, |bundle| bundle.end = other.end);
    let shorter_ones: Vec<HandOver> = shorter(&chain, &genesis);
    for bundle in &shorter_ones {
        lies.bundle(format!("stale, to round {}", bundle.end.source_round), bundle);
        lies.with(format!("the end of round {}", bundle.end.source_round), &honest, |honest| {
            honest.end = bundle.end.clone();
        });
    }
    let (verifier, now) = (Verifier::new(chain.spec()), chain.now());
    let mut known = finals(&chain);
    known.insert(0, genesis.clone());
    let scene = Scene::new(script(0), &genesis, &known, "handover", |client, now| client.hint(now));
    Message::of("hand-over", &honest, lies, move |bundle| {
        Ok(vec![format!("{:?}", verifier.hand_over(&genesis, bundle, now)?.trusted)])
    })
    .also_true(shorter_ones.iter().map(Bundle::to_bytes))
    .asked_in(scene)
}

/// The hand-overs to earlier final blocks: true, and overtaken.
fn shorter(chain: &ScriptedChain, genesis: &Trusted) -> Vec<HandOver> {
    let steps = |rounds: &[Round]| -> Vec<HandOverStep> {
        rounds.iter().map(|round| chain.step(&chain.certified[round]).0).collect()
    };
    let newest = chain.hand_over(genesis).unwrap();
    let links: Vec<Round> = newest.links.iter().map(|link| link.source_round).collect();
    let held = genesis.tables.as_ref().unwrap();
    let mut shorter = Vec::new();
    for count in 1..=links.len() {
        let header = chain.step(&chain.certified[&links[count - 1]]).1.clone();
        shorter.extend(HandOver::new(held, &steps(&links[..count]), header));
    }
    shorter
}

/// Links that are not the honest one.
fn links(chain: &ScriptedChain, all: &[HandOverLink], at: usize) -> Vec<(String, HandOverLink)> {
    let honest = &all[at];
    let ways: [lists::Way<HandOverLink>; 8] = [
        ("the round before", |link| link.source_round = Round(link.source_round.0 - 1)),
        ("the round after", |link| link.source_round = link.source_round.next()),
        ("round 0", |link| link.source_round = Round(0)),
        ("a round to come", |link| link.source_round = Round(1 << 40)),
        ("the last round", |link| link.source_round = Round(u64::MAX)),
        ("another source", |link| forge::flip(&mut link.source)),
        ("another target", |link| forge::flip(&mut link.target)),
        ("source and target swapped", |link| std::mem::swap(&mut link.source, &mut link.target)),
    ];
    let mut links = lists::each(honest, &ways);
    for (name, signatures) in anchor::signatures(&honest.signatures) {
        links.push((format!("signatures: {name}"), HandOverLink { signatures, ..honest.clone() }));
    }
    for (name, signers) in anchor::signer_sets(&honest.signers) {
        links.push((format!("signers: {name}"), HandOverLink { signers, ..honest.clone() }));
    }
    for (other, link) in all.iter().enumerate().filter(|(other, _)| *other != at) {
        let tables = link.tables.clone();
        links.push((format!("tables of link {other}"), HandOverLink { tables, ..honest.clone() }));
        let (signers, signatures) = (link.signers.clone(), link.signatures.clone());
        links
            .push((format!("votes of link {other}"), HandOverLink { signers, signatures, ..honest.clone() }));
    }
    // Tables of strangers and of other rounds, and all votes of strangers.
    let held = chain.genesis().tables.unwrap();
    let strangers = Tables::settled(Table::new(test_table(&[2_000, 2_001, 2_002, 2_003])).unwrap());
    let step = chain.step(&chain.certified[&honest.source_round]).0;
    for (name, source, target) in [
        ("strangers", &strangers, &strangers),
        ("strangers as the source's", &strangers, &step.target),
        ("strangers as the target's", &step.source, &strangers),
        ("those held", &held, &held),
        ("source's and target's swapped", &step.target, &step.source),
    ] {
        let tables = TablesUpdate::new(&held, source, target);
        links.push((format!("tables: {name}"), HandOverLink { tables, ..honest.clone() }));
    }
    links.extend(one_of_two(&step.certificate, &step, honest));
    links
}

/// Honest votes of which one table has enough and another has not.
fn one_of_two(full: &Certificate, step: &HandOverStep, honest: &HandOverLink) -> Vec<(String, HandOverLink)> {
    let electorate = Electorate::new(&step.target, &step.source);
    let mut links = Vec::new();
    for left_out in 1_u32..1 << electorate.len() {
        let kept: Vec<usize> = (0..electorate.len()).filter(|at| left_out >> at & 1 == 0).collect();
        let signers = SignerSet::of(kept.iter().copied());
        let enough = |table: &&Table| electorate.signed(&signers, table) >= table.quorum();
        let tables: Vec<&Table> = step.target.each().chain(step.source.each()).collect();
        let satisfied = tables.iter().filter(|table| enough(table)).count();
        if satisfied > 0 && satisfied < tables.len() {
            let signatures = kept.iter().map(|at| full.signatures[*at]).collect();
            links.push((format!("votes {kept:?}"), HandOverLink { signers, signatures, ..honest.clone() }));
        }
    }
    links
}

/// Ends that are not the honest one.
fn ends(chain: &ScriptedChain, genesis: &Trusted, honest: &Beacon) -> Vec<(String, Beacon)> {
    let mut ends: Vec<(String, Beacon)> = Vec::new();
    for (name, source) in super::header::changed(&honest.source) {
        ends.push((format!("header: {name}"), Beacon { source, ..honest.clone() }));
    }
    for (name, signatures) in anchor::signatures(&honest.signatures) {
        ends.push((format!("signatures: {name}"), Beacon { signatures, ..honest.clone() }));
    }
    for (name, signers) in anchor::signer_sets(&honest.signers) {
        ends.push((format!("signers: {name}"), Beacon { signers, ..honest.clone() }));
    }
    ends.push(("made for the trusted block".to_owned(), chain.beacon(genesis).unwrap()));
    // By those who held the slots at first: they may sign whatever they like by now.
    let held = genesis.tables.as_ref().unwrap();
    let mut beacon = Beacon { tables: TablesUpdate::new(held, held, held), ..honest.clone() };
    beacon.source.next_slots = held.commitment();
    beacon.target.next_slots = held.commitment();
    let link = beacon.link();
    let votes: Vec<Vote> =
        (1_000..1_004).map(|key| Vote::sign(link, &chain.spec().id(), &test_key(key)).unwrap()).collect();
    let electorate = Electorate::new(held, held);
    let Certificate { signers, signatures, .. } = electorate.certify(link, &votes).unwrap();
    ends.push(("by the first holders".to_owned(), Beacon { signers, signatures, ..beacon }));
    ends
}
