//! What blocks, votes and checkpoints are made of, apart from bundles.

use light_client::{
    block_tree::HeaderProof,
    client::{Anchor, Trusted, TrustedCheckpoint, Verifier},
    consensus::spos::{Certificate, Electorate, Evidence, Table, Tables, TablesUpdate, Vote},
    crypto::Hash,
    data_format::{
        ChainSpec, Checkpoint, Header, Link, MAX_EVIDENCE_BYTES, MAX_HEADER_BYTES, Outcome, Round,
        SealedHeader, SlotTable, TransactionProof, Triple, codec::encode,
    },
    test_support::chain::{test_key, test_table},
};

use super::{reach, read};
use crate::{
    Decoder, KIB, Reach, Seed, Target,
    scene::{ROUNDS, instant, instant_spec, scene, story, work, work_spec},
};

/// What blocks, votes and checkpoints are made of, apart from bundles.
pub const CONSENSUS: Target = Target {
    name: "consensus",
    decoders: &[
        Decoder::new("header", header, 4, 4 * KIB),
        Decoder::new("certificate", certificate, 4, 4 * KIB),
        Decoder::new("tables", tables, 4, 128 * KIB),
        Decoder::new("vote", vote, 4, 4 * KIB),
        Decoder::new("evidence", evidence, 4, 4 * KIB),
        Decoder::new("checkpoint", checkpoint, 4, 64 * KIB),
        Decoder::new("slots", slots, 4, 32 * KIB),
        Decoder::new("header-proof", header_proof, 4, 4 * KIB),
        Decoder::new("transaction-proof", transaction_proof, 4, 4 * KIB),
        Decoder::new("spec", spec, 5, 64 * KIB),
    ],
    seeds,
};

/// Bytes of a spec, of a proof and of a certificate here, at most.
const LIMIT: usize = 256 * 1024;

/// A sealed header after block 0, of any of three chains.
fn header(bytes: &[u8]) -> Reach {
    let Some(sealed) = read::<SealedHeader>(bytes, MAX_HEADER_BYTES) else { return Reach::Refused };
    let (scene, id) = (scene(), sealed.header.id());
    let engine = scene.verifier.engine();
    let follows = engine.check_successor(&scene.genesis, &scene.headers[0].header, &sealed, &id, scene.now);
    assert!(follows.is_err() || sealed == scene.headers[1], "a forged header: {sealed:?}");
    let voteless = [instant(), work()].map(|chain| {
        let trusted = Trusted::voteless(&chain.genesis);
        chain.engine.check_successor(&trusted, &chain.genesis, &sealed, &id, chain.now).is_ok()
    });
    for engine in [engine, &*instant().engine, &*work().engine] {
        let _: (u128, u64) = (engine.weight(&sealed), engine.final_in_ms(sealed.header.slot, scene.now));
    }
    reach(follows.is_ok() || voteless.contains(&true))
}

/// A certificate of the first link, by the tables of block 0.
fn certificate(bytes: &[u8]) -> Reach {
    let Some(certificate) = read::<Certificate>(bytes, LIMIT) else { return Reach::Refused };
    let scene = scene();
    let tables = scene.genesis.tables.as_ref().unwrap();
    let holds = certificate.check(&scene.chain, tables, tables).is_ok();
    if holds {
        assert!(certificate.signatures.len() >= tables.in_force.quorum());
        let fewest = certificate.fewest(tables, tables, Some(tables.newest()));
        assert_eq!(fewest.check(&scene.chain, tables, tables), Ok(()));
        assert_eq!(fewest.signatures.len(), tables.in_force.quorum());
    }
    reach(holds)
}

/// Changes to the tables of block 0.
fn tables(bytes: &[u8]) -> Reach {
    let Some(update) = read::<TablesUpdate>(bytes, LIMIT) else { return Reach::Refused };
    let held = scene().genesis.tables.as_ref().unwrap();
    let Ok((source, target)) = update.resolve(held) else { return Reach::Read };
    assert_eq!(TablesUpdate::new(held, &source, &target).resolve(held), Ok((source.clone(), target.clone())));
    let electorate = Electorate::new(&target, &source);
    assert!((1..=256).contains(&electorate.len()));
    Reach::Held
}

fn vote(bytes: &[u8]) -> Reach {
    let Some(vote) = read::<Vote>(bytes, LIMIT) else { return Reach::Refused };
    let holds = vote.verify(&scene().chain).is_ok();
    assert!(!holds || vote == honest_vote(1000, 1), "a forged vote: {vote:?}");
    reach(holds)
}

fn evidence(bytes: &[u8]) -> Reach {
    let Some(evidence) = read::<Evidence>(bytes, MAX_EVIDENCE_BYTES) else { return Reach::Refused };
    let offence = evidence.verify(&scene().chain, 4);
    if let Ok(offence) = offence {
        assert_eq!(offence.minting_key, evidence.accused());
    }
    reach(offence.is_ok())
}

fn checkpoint(bytes: &[u8]) -> Reach {
    let Some(checkpoint) = read::<TrustedCheckpoint>(bytes, LIMIT) else { return Reach::Refused };
    let Ok(trusted) = Trusted::try_from(checkpoint.clone()) else { return Reach::Read };
    assert_eq!(trusted.checkpoint(), checkpoint);
    // An answer is judged by it: whatever it says, nothing breaks.
    let (scene, newest) = (scene(), Anchor::Trusted(Box::new(scene().headers[0].header.clone())));
    let _: Result<_, _> = scene.verifier.anchor(&trusted, &newest, scene.now);
    Reach::Held
}

fn slots(bytes: &[u8]) -> Reach {
    let Some(slots) = read::<SlotTable>(bytes, LIMIT) else { return Reach::Refused };
    let Ok(table) = Table::new(slots) else { return Reach::Read };
    assert!((1..=64).contains(&table.holders().count()) && table.quorum() <= table.holders().count());
    Reach::Held
}

/// A header that is to be newer, one that is to be older, and the proof of that.
fn header_proof(bytes: &[u8]) -> Reach {
    let Some((newer, older, proof)) = read::<(Header, Header, HeaderProof)>(bytes, LIMIT) else {
        return Reach::Refused;
    };
    let holds = proof.verify(&newer, &older).is_ok();
    if holds && newer == scene().head.header {
        assert_eq!(older, scene().headers[older.height.0 as usize].header, "a forged header");
    }
    reach(holds)
}

/// A header, what is to have happened in its block, and the proof of that.
fn transaction_proof(bytes: &[u8]) -> Reach {
    let Some((header, outcome, proof)) = read::<(Header, Outcome, TransactionProof)>(bytes, LIMIT) else {
        return Reach::Refused;
    };
    let holds = proof.verify(&header, &outcome).is_ok();
    if holds && header == scene().headers[1].header {
        assert_eq!(outcome, scene().outcome, "a forged outcome");
    }
    reach(holds)
}

/// A spec, which chooses an engine.
fn spec(bytes: &[u8]) -> Reach {
    let Some(spec) = read::<ChainSpec>(bytes, LIMIT) else { return Reach::Refused };
    if spec.check().is_err() {
        return Reach::Read;
    }
    Tables::at_genesis(&spec).unwrap();
    let (verifier, scene) = (Verifier::new(&spec), scene());
    let engine = verifier.engine();
    let times = [engine.block_interval_ms(), engine.final_every_ms(), engine.final_age_ms()];
    assert!(times.iter().all(|time| *time > 0), "{times:?}");
    for sealed in [&scene.headers[1], &scene.head] {
        let _: (u128, u64) = (engine.weight(sealed), engine.final_in_ms(sealed.header.slot, scene.now));
    }
    Reach::Held
}

/// The vote of a key for the checkpoint of the first round, or for another state of it.
fn honest_vote(key: u64, state: u8) -> Vote {
    let scene = scene();
    let triple = |round, header: &Header| Triple {
        checkpoint: Checkpoint { round: Round(round), id: header.id() },
        next_slots: header.next_slots,
    };
    let source = triple(0, &scene.headers[0].header);
    let mut target = triple(u64::from(state), &scene.headers[3].header);
    if state != 1 {
        target = Triple { checkpoint: Checkpoint { round: Round(1), id: Hash([state; 32]) }, ..target };
    }
    Vote::sign(Link { source, target }, &scene.chain, &test_key(key)).unwrap()
}

fn seeds() -> Vec<Seed> {
    let scene = scene();
    let held = Seed::held;
    let headers = &scene.headers;
    let tables = scene.genesis.tables.as_ref().unwrap();
    let electorate = Electorate::new(tables, tables);
    let votes: Vec<Vote> = (1000..1004).map(|key| honest_vote(key, 1)).collect();
    let certificate = electorate.certify(votes[0].link, &votes).unwrap();
    let table = |keys: &[u64]| Table::new(test_table(keys)).unwrap();
    let planned =
        Tables { in_force: tables.in_force.clone(), planned: Some(table(&[1000, 1007, 1005, 1003]).into()) };
    let strangers = Tables::settled(table(&[1004, 1005, 1006, 1007]));

    let mut forked = headers[1].clone();
    forked.header.state_root = Hash([7; 32]);
    let position = scene.verifier.engine().clock().position(forked.header.slot) as u64;
    forked.seal = test_key(1000 + position).sign(&Header::seal_message(&scene.chain, &forked.header.id()));
    let key = Hash(*test_key(1000 + position).public().as_bytes());
    let blocks = Evidence::of_blocks(key, &headers[1], &forked).unwrap();
    let double_vote = Evidence::of_votes(&honest_vote(1000, 1), &honest_vote(1000, 9)).unwrap();

    let mut seeds = vec![
        held("header", "first", encode(&headers[1])),
        held("header", "instant", encode(&instant().blocks[0])),
        held("header", "work", encode(&work().blocks[0])),
        held("certificate", "whole", encode(&certificate)),
        held("certificate", "fewest", encode(&certificate.fewest(tables, tables, None))),
        held("tables", "same", encode(&TablesUpdate::new(tables, tables, tables))),
        held("tables", "changed", encode(&TablesUpdate::new(tables, &planned, &strangers))),
        held("vote", "first", encode(&honest_vote(1000, 1))),
        held("evidence", "blocks", encode(&blocks)),
        held("evidence", "votes", encode(&double_vote)),
        held("checkpoint", "genesis", encode(&scene.genesis.checkpoint())),
        held("checkpoint", "voteless", encode(&Trusted::voteless(&work().genesis).checkpoint())),
        held("slots", "four", encode(&test_table(&[1000, 1001, 1002, 1003]))),
        held("spec", "spos", encode(&scene.spec)),
        held("spec", "instant", encode(&instant_spec())),
        held("spec", "work", encode(&work_spec())),
        Seed::read("slots", "none", encode(&SlotTable::default())),
    ];
    let server = story(|_, _| ());
    let bundle = server.chain.transaction_bundle(&scene.genesis, &scene.payment).unwrap();
    let light_client::client::HeaderPath::Older { header, proof } = &bundle.path else {
        panic!("after {ROUNDS} rounds the first block is old")
    };
    seeds.push(held("header-proof", "first", encode(&(bundle.anchor.header(), header, proof))));
    seeds.push(held("transaction-proof", "first", encode(&(header, &bundle.outcome, &bundle.proof))));
    seeds
}
