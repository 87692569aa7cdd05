//! Lies about what is final.

use super::{
    forge, header,
    lies::Lies,
    lists,
    message::Message,
    scene::Scene,
    stage::{HOLDERS, Stage},
};
use crate::{
    client::{Anchor, Bundle},
    consensus::{
        Buried,
        spos::{Beacon, Electorate, SignerSet, Table, Tables, TablesUpdate, Triple},
    },
    crypto::Signature,
    data_format::{Checkpoint, Height, Round, Vote, codec},
    test_support::chain::{test_key, test_table},
};

/// The newest final block.
pub(super) fn message(stage: &Stage) -> Message {
    let honest = stage.server.chain.anchor(&stage.trusted);
    let mut lies = Lies::about(&honest.to_bytes());
    for (name, anchor) in anchors(stage) {
        lies.bundle(name, &anchor);
    }
    let (verifier, trusted, now) = (stage.verifier.clone(), stage.trusted.clone(), stage.now);
    let scene =
        Scene::new(stage.again(), &stage.trusted, &stage.finals, "beacon", |client, now| client.hint(now));
    let genesis = stage.server.chain.genesis();
    let behind = [
        stage.before.anchor(&genesis),
        stage.then.anchor(&stage.trusted),
        stage.between.anchor(&stage.trusted),
    ];
    Message::of("anchor", &honest, lies, move |anchor| {
        Ok(vec![format!("{:?}", verifier.anchor(&trusted, anchor, now)?)])
    })
    .behind(behind.map(|anchor| anchor.to_bytes()))
    .asked_in(scene)
}

/// Anchors that are not the honest one.
pub(super) fn anchors(stage: &Stage) -> Vec<(String, Anchor)> {
    let chain = &stage.server.chain;
    let genesis = chain.genesis();
    let newest = chain.header(stage.beacon.source.height).clone();
    let own = chain.header(stage.trusted.height).clone();
    let mut anchors: Vec<(String, Anchor)> = vec![
        ("the trusted header".to_owned(), Anchor::Trusted(Box::new(own.header.clone()))),
        ("the newest header as the trusted one".to_owned(), Anchor::Trusted(Box::new(newest.header.clone()))),
        (
            "an old header as the trusted one".to_owned(),
            Anchor::Trusted(Box::new(chain.header(Height(1)).header.clone())),
        ),
        ("a seal as proof".to_owned(), Anchor::Sealed(Box::new(newest.clone()))),
        (
            "work as proof".to_owned(),
            Anchor::Buried(Box::new(Buried {
                path: vec![own],
                header: newest.clone(),
                above: vec![chain.head().clone()],
            })),
        ),
        ("stale, from before the trusted block".to_owned(), stage.before.anchor(&genesis)),
        ("stale, of the trusted block".to_owned(), stage.then.anchor(&genesis)),
        ("stale, from between".to_owned(), stage.between.anchor(&stage.trusted)),
        ("made for another trusted block".to_owned(), chain.anchor(&genesis)),
        ("of another chain".to_owned(), stage.other.anchor(&stage.other.genesis())),
    ];
    anchors.extend(beacons(stage).into_iter().map(|(name, beacon)| (name, Anchor::Beacon(Box::new(beacon)))));
    anchors
}

/// Beacons that are not the honest one.
fn beacons(stage: &Stage) -> Vec<(String, Beacon)> {
    let honest = &stage.beacon;
    let mut beacons: Vec<(String, Beacon)> = Vec::new();
    let mut add = |name: String, beacon: Beacon| beacons.push((name, beacon));
    for (name, source) in header::changed(&honest.source) {
        add(format!("header: {name}"), Beacon { source, ..honest.clone() });
    }
    for height in [0, honest.source.height.0 - 1, honest.source.height.0 + 1] {
        let source = stage.server.chain.header(Height(height)).header.clone();
        add(format!("header of height {height}"), Beacon { source, ..honest.clone() });
    }
    for (name, signatures) in signatures(&honest.signatures) {
        add(format!("signatures: {name}"), Beacon { signatures, ..honest.clone() });
    }
    for (name, signers) in signer_sets(&honest.signers) {
        add(format!("signers: {name}"), Beacon { signers, ..honest.clone() });
    }
    for (name, source_round, target) in rounds(honest) {
        add(name, Beacon { source_round, target, ..honest.clone() });
    }
    for (name, beacon) in tables(stage).into_iter().chain(one_of_two(stage)) {
        add(name, beacon);
    }
    let mut forged = honest.source.clone();
    forge::flip(&mut forged.state_root);
    for (name, beacon) in forge::beacons(stage, &forged) {
        add(format!("a forged state, {name}"), beacon);
    }
    add("by strangers".to_owned(), strangers(stage, 0));
    add("by strangers, of a later round".to_owned(), strangers(stage, 1));
    beacons
}

pub(super) fn signatures(honest: &[Signature]) -> Vec<(String, Vec<Signature>)> {
    let ways: [lists::Way<Signature>; 5] = [
        ("the first bit", |signature| signature.0[0] ^= 1),
        ("the last bit", |signature| signature.0[63] ^= 0x80),
        ("the half of the number", |signature| signature.0[32] ^= 4),
        ("zeros in place", |signature| signature.0 = [0; 64]),
        ("a stranger's in place", |signature| *signature = test_key(77).sign(b"something")),
    ];
    let mut signatures = lists::edits(honest);
    signatures.extend(lists::changes(honest, &ways));
    signatures
}

pub(super) fn signer_sets(honest: &SignerSet) -> Vec<(String, SignerSet)> {
    let toggled = |bit: usize| {
        let others = honest.positions().filter(|position| *position != bit);
        let added = Some(bit).filter(|_| honest.positions().all(|position| position != bit));
        (format!("position {bit}"), SignerSet::of(others.chain(added)))
    };
    let mut sets: Vec<(String, SignerSet)> = (0..10).chain([63, 64, 255]).map(toggled).collect();
    sets.push(("none".to_owned(), SignerSet::default()));
    sets.push(("all".to_owned(), SignerSet::of(0..256)));
    sets.push(("one further on".to_owned(), SignerSet::of(honest.positions().map(|position| position + 1))));
    let mut padded = codec::encode(honest);
    padded[0] += 1;
    padded.push(0);
    sets.push(("with a byte of nobody".to_owned(), codec::decode(&padded, 64).unwrap()));
    sets
}

fn rounds(honest: &Beacon) -> Vec<(String, Round, Triple)> {
    let (source, target) = (honest.source_round, honest.target);
    let at =
        |round: u64| Triple { checkpoint: Checkpoint { round: Round(round), ..target.checkpoint }, ..target };
    let mut rounds = Vec::new();
    for (from, to) in [
        (-1, 0),
        (0, -1),
        (1, 0),
        (0, 1),
        (0, 2),
        (-1, -1),
        (1, 1),
        (5, 5),
        (9_000, 9_000),
        (-3, -3),
        (-6, -6),
    ] {
        let (from, to) =
            (source.0.saturating_add_signed(from), target.checkpoint.round.0.saturating_add_signed(to));
        rounds.push((format!("from round {from} to {to}"), Round(from), at(to)));
    }
    rounds.push(("at the end of time".to_owned(), Round(u64::MAX), at(u64::MAX)));
    let mut other = target;
    forge::flip(&mut other.checkpoint.id);
    rounds.push(("another target".to_owned(), source, other));
    let mut other = target;
    forge::flip(&mut other.next_slots);
    rounds.push(("other tables of the target".to_owned(), source, other));
    let own = Triple { checkpoint: Checkpoint { id: honest.source.id(), ..target.checkpoint }, ..target };
    rounds.push(("to itself".to_owned(), source, own));
    rounds
}

/// Tables of other rounds, as they are and with the hashes in the link made to fit.
fn tables(stage: &Stage) -> Vec<(String, Beacon)> {
    let (honest, step, held) = (&stage.beacon, stage.step(), stage.held());
    let settled = |keys: &[u64]| Tables::settled(Table::new(test_table(keys)).unwrap());
    let planned = |from: &Tables, keys: &[u64]| Tables {
        in_force: from.in_force.clone(),
        planned: Some(Table::new(test_table(keys)).unwrap().into()),
    };
    let after = Tables { in_force: step.source.planned.clone().unwrap(), planned: None };
    let turned = Tables { in_force: after.in_force.clone(), planned: Some(held.in_force.clone()) };
    let others = [
        ("of the round before", held.clone()),
        ("of a round to come", after),
        ("in the other order", turned),
        ("with another plan", planned(held, &[1_000, 1_001, 1_002, 2_000])),
        ("with a slot less", settled(&HOLDERS[..3])),
        ("in another order", settled(&[1_001, 1_000, 1_002, 1_003])),
        ("of one holder alone", settled(&[1_000])),
        ("of strangers", settled(&[2_000, 2_001, 2_002, 2_003])),
    ];
    let mut beacons = Vec::new();
    for (name, other) in others {
        for (whose, source, target) in
            [("source", &other, &step.target), ("target", &step.source, &other), ("both", &other, &other)]
        {
            let tables = TablesUpdate::new(held, source, target);
            let name = format!("tables of the {whose} {name}");
            beacons.push((name.clone(), Beacon { tables: tables.clone(), ..honest.clone() }));
            let mut fitting = Beacon { tables, ..honest.clone() };
            fitting.source.next_slots = source.commitment();
            fitting.target.next_slots = target.commitment();
            beacons.push((format!("{name}, hashed anew"), fitting));
        }
    }
    beacons
}

/// Honest signatures that are enough for one table and not for the other.
fn one_of_two(stage: &Stage) -> Vec<(String, Beacon)> {
    let (step, full) = (stage.step(), stage.certificate());
    let electorate = Electorate::new(&step.target, &step.source);
    assert!(
        electorate.len() > full.fewest(&step.target, &step.source, None).signers.len(),
        "one too many to choose from"
    );
    let mut beacons = Vec::new();
    for left_out in 1_u32..1 << electorate.len() {
        let kept: Vec<usize> = (0..electorate.len()).filter(|at| left_out >> at & 1 == 0).collect();
        let signers = SignerSet::of(kept.iter().copied());
        let enough = |table: &Table| electorate.signed(&signers, table) >= table.quorum();
        let (now, then) = (enough(&step.source.in_force), enough(step.source.planned.as_ref().unwrap()));
        if now != then {
            let name =
                format!("enough of the table {} alone: {kept:?}", if now { "in force" } else { "planned" });
            let signatures = kept.iter().map(|at| full.signatures[*at]).collect();
            beacons.push((name, Beacon { signers, signatures, ..stage.beacon.clone() }));
        }
    }
    assert!(beacons.len() > 4, "{}", beacons.len());
    beacons
}

/// A header of a table that a liar made up, signed by all of it.
fn strangers(stage: &Stage, later: u64) -> Beacon {
    let keys = [2_000, 2_001, 2_002, 2_003];
    let own = Tables::settled(Table::new(test_table(&keys)).unwrap());
    let mut beacon = Beacon { tables: TablesUpdate::new(stage.held(), &own, &own), ..stage.beacon.clone() };
    beacon.source_round = beacon.source_round.plus(later);
    beacon.target.checkpoint.round = beacon.target.checkpoint.round.plus(later);
    beacon.source.next_slots = own.commitment();
    beacon.target.next_slots = own.commitment();
    let link = beacon.link();
    let chain = stage.server.chain.spec().id();
    let votes: Vec<Vote> =
        keys.iter().map(|key| Vote::sign(link, &chain, &test_key(*key)).unwrap()).collect();
    let certificate = Electorate::new(&own, &own).certify(link, &votes).unwrap();
    Beacon { signers: certificate.signers, signatures: certificate.signatures, ..beacon }
}
