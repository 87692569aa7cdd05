//! Certificates and headers against everything that must not pass for them.

#![allow(clippy::unwrap_used, reason = "a broken script must stop the test")]

use light_client::{
    consensus::{
        genesis,
        spos::{
            Certificate, CertificateError, Electorate, HeaderError, Link, SignerSet, Spos, Table, Tables,
            Triple, Vote,
        },
    },
    crypto::{Hash, Signature},
    data_format::{ChainSpec, Checkpoint, Header, Height, Round, SealedHeader, Slot, Time, codec},
    test_support::chain::{ScriptedChain, test_key, test_spec, test_table},
};

fn tables(keys: std::ops::Range<u64>) -> Tables {
    Tables::settled(Table::new(test_table(&keys.collect::<Vec<_>>())).unwrap())
}

fn link(source: &Tables, target: &Tables) -> Link {
    let triple = |round, tables: &Tables| Triple {
        checkpoint: Checkpoint { round: Round(round), id: Hash([9; 32]) },
        next_slots: tables.commitment(),
    };
    Link { source: triple(3, source), target: triple(4, target) }
}

const CHAIN: Hash = Hash([5; 32]);

fn votes(link: Link, keys: std::ops::Range<u64>) -> Vec<Vote> {
    keys.map(|key| Vote::sign(link, &CHAIN, &test_key(key)).unwrap()).collect()
}

#[test]
fn two_thirds_of_fifteen_are_eleven() {
    let tables = tables(0..15);
    let link = link(&tables, &tables);
    let electorate = Electorate::new(&tables, &tables);
    assert_eq!(electorate.len(), 15);
    assert_eq!(electorate.certify(link, &votes(link, 0..10)), None);
    let certificate = electorate.certify(link, &votes(link, 0..11)).unwrap();
    assert_eq!(certificate.check(&CHAIN, &tables, &tables), Ok(()));
    assert!(certificate.check(&Hash([6; 32]), &tables, &tables).is_err(), "another chain's votes");
}

#[test]
fn strangers_and_repeated_votes_do_not_count() {
    let tables = tables(0..15);
    let link = link(&tables, &tables);
    let electorate = Electorate::new(&tables, &tables);
    let mut many = votes(link, 0..10);
    many.extend(votes(link, 0..10));
    many.extend(votes(link, 20..40));
    assert_eq!(electorate.certify(link, &many), None);
}

#[test]
fn a_quorum_of_every_table_is_needed() {
    // Source and target have different holders, and the target plans a third table.
    let source = tables(0..6);
    let planned = Table::new(test_table(&[2, 3, 4, 5, 6, 20])).unwrap();
    let target = Tables { in_force: tables(1..7).in_force, planned: Some(planned.into()) };
    let link = link(&source, &target);
    let electorate = Electorate::new(&target, &source);
    // 1..7 in force, then 20 planned, then 0 of the source; each key once.
    assert_eq!(electorate.len(), 8);
    for (signers, enough) in [(1..6, false), (1..7, true), (2..7, false), (0..5, false)] {
        // Five of six in each table: ⌊2·6/3⌋ + 1 = 5.
        let certificate = electorate.certify(link, &votes(link, signers.clone()));
        assert_eq!(certificate.is_some(), enough, "{signers:?}");
    }
}

#[test]
fn an_altered_certificate_is_refused_by_its_rule() {
    let tables = tables(0..4);
    let link = link(&tables, &tables);
    let good = Electorate::new(&tables, &tables).certify(link, &votes(link, 0..4)).unwrap();
    let check = |certificate: &Certificate| certificate.check(&CHAIN, &tables, &tables);
    assert_eq!(check(&good), Ok(()));

    let mut backwards = good.clone();
    backwards.link.target.checkpoint.round = Round(3);
    assert_eq!(check(&backwards), Err(CertificateError::Order));
    let mut other_tables = good.clone();
    other_tables.link.source.next_slots = Hash::ZERO;
    assert_eq!(check(&other_tables), Err(CertificateError::Tables));
    let mut beyond = good.clone();
    beyond.signers = SignerSet::of([0, 1, 2, 4]);
    assert_eq!(check(&beyond), Err(CertificateError::Signers));
    let mut fewer = good.clone();
    fewer.signatures.pop();
    assert_eq!(check(&fewer), Err(CertificateError::Count { signers: 4, signatures: 3 }));
    let mut few = good.clone();
    few.signers = SignerSet::of([0, 1]);
    few.signatures.truncate(2);
    assert_eq!(check(&few), Err(CertificateError::Quorum { signed: 2, needed: 3 }));
    let mut swapped = good.clone();
    swapped.signatures.swap(0, 1);
    assert_eq!(check(&swapped), Err(CertificateError::Signature(0)));
    let mut zeros = good;
    zeros.signatures[3] = Signature([0; 64]);
    assert_eq!(check(&zeros), Err(CertificateError::Signature(3)));
}

#[test]
fn a_set_of_signers_has_one_encoding() {
    let mut bytes = codec::encode(&SignerSet::of([0, 3]));
    bytes[0] += 1;
    bytes.push(0);
    let padded: SignerSet = codec::decode(&bytes, 64).unwrap();
    let tables = tables(0..4);
    let link = link(&tables, &tables);
    let mut certificate = Electorate::new(&tables, &tables).certify(link, &votes(link, 0..4)).unwrap();
    certificate.signers = padded;
    assert_eq!(certificate.check(&CHAIN, &tables, &tables), Err(CertificateError::Signers));
}

#[test]
fn the_fewest_signatures_are_a_quorum_and_no_more() {
    let tables = tables(0..15);
    let link = link(&tables, &tables);
    let all = Electorate::new(&tables, &tables).certify(link, &votes(link, 0..15)).unwrap();
    let fewest = all.fewest(&tables, &tables, Some(&tables.in_force));
    assert_eq!(fewest.signatures.len(), 11);
    assert_eq!(fewest.check(&CHAIN, &tables, &tables), Ok(()));
}

#[test]
fn a_table_names_a_key_once_and_somebody() {
    assert!(Table::new(test_table(&[1, 2, 1])).is_err());
    assert!(Table::new(light_client::data_format::SlotTable(vec![None, None])).is_err());
    assert!(Table::new(light_client::data_format::SlotTable(Vec::new())).is_err());
}

#[test]
fn genesis_names_its_chain() {
    let [one, other] =
        ["one", "other"].map(|name| ChainSpec { name: name.to_owned(), ..test_spec(4, Vec::new()) });
    let tables = tables(0..4);
    let block_0 = |spec: &ChainSpec| genesis(&spec.id(), Hash::ZERO, tables.commitment()).header;
    assert_eq!(block_0(&one).parent, one.id());
    assert_ne!(block_0(&one).id(), block_0(&other).id(), "the same state and tables, another chain");
}

fn header_case() -> (Spos, Table, Header, SealedHeader, Time) {
    let mut chain = ScriptedChain::new(4, Vec::new());
    chain.advance(&[]);
    let sealed = chain.mint(Slot(8), &[]).clone();
    let parent = chain.header(Height(4)).header.clone();
    let table = Table::new(test_table(&[1000, 1001, 1002, 1003])).unwrap();
    (Spos::new(chain.spec()), table, parent, sealed, chain.now())
}

#[test]
fn a_header_keeps_every_rule() {
    let (engine, table, parent, good, now) = header_case();
    let check = |sealed: &SealedHeader, now| {
        engine.check_header(&parent, parent.justified, &table, sealed, &sealed.header.id(), now)
    };
    assert_eq!(check(&good, now), Ok(()));
    let altered = |alter: fn(&mut Header)| {
        let mut sealed = good.clone();
        alter(&mut sealed.header);
        check(&sealed, now).unwrap_err()
    };
    assert_eq!(altered(|header| header.version = 2), HeaderError::Version(2));
    assert!(matches!(altered(|header| header.height.0 += 1), HeaderError::Parent { .. }));
    assert!(matches!(altered(|header| header.parent = Hash::ZERO), HeaderError::Parent { .. }));
    assert!(matches!(altered(|header| header.slot = Slot(7)), HeaderError::SlotOrder { .. }));
    assert!(matches!(altered(|header| header.slot = Slot(99)), HeaderError::SlotEarly { .. }));
    assert!(matches!(altered(|header| header.justified.round = Round(2)), HeaderError::Justified { .. }));
    assert!(matches!(
        altered(|header| header.certificate_hash = Hash([1; 32])),
        HeaderError::Justified { .. }
    ));
    assert_eq!(altered(|header| header.transactions_count = 1), HeaderError::TransactionsRoot(1));
    assert_eq!(altered(|header| header.main_parent = Some(Hash::ZERO)), HeaderError::MainParent);
    assert_eq!(altered(|header| header.state_root = Hash([1; 32])), HeaderError::Seal);
    let mut seal = good.clone();
    seal.seal.0[0] ^= 1;
    assert_eq!(check(&seal, now), Err(HeaderError::Seal));
    // Half a second early is forgiven, a millisecond more is not.
    let start = engine.clock().start(Slot(8)).0;
    assert_eq!(check(&good, Time(start - 500)), Ok(()));
    let early = HeaderError::SlotEarly { slot: Slot(8), early_ms: 1 };
    assert_eq!(check(&good, Time(start - 501)), Err(early));
    let vacant = Table::new(light_client::data_format::SlotTable(
        [None].into_iter().chain(test_table(&[1001, 1002, 1003]).0).collect(),
    ))
    .unwrap();
    let refused = engine.check_header(&parent, parent.justified, &vacant, &good, &good.header.id(), now);
    assert_eq!(refused, Err(HeaderError::SlotVacant(0)));
}
