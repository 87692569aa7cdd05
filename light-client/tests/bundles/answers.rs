//! Answers about the state: the screen of leases, and who holds the slots.

use light_client::{
    client::{Bundle, StateBundle},
    consensus::{
        Trusted,
        spos::{Table, Tables},
    },
    crypto::Hash,
    data_format::{Address, Round},
    state::{
        AccountRecord, Answer, Certificates, MAX_PAGE, MintingAverage, Pool, Position, Question, Stake,
        Supernode, WitnessError,
    },
    test_support::chain::{test_key, test_table},
};

use super::*;

const LESSOR: u64 = 1;
/// The keys of the holders of slots.
const HOLDERS: std::ops::Range<u64> = 1_000..1_015;

/// Every holder has a pool that earned; account 1 leases to three of them and to account 3, which is no supernode.
fn leased(chain: &mut ScriptedChain) {
    chain.plant(|trie| {
        for (place, key) in HOLDERS.enumerate() {
            let (supernode, lessor) = (test_address(key), test_address(LESSOR));
            let mut stake = Stake { pool: Pool::default(), position: Position::default(), end: None };
            stake.pool.commission = 1_000;
            stake.increase(Amount(1_000 * COIN)).unwrap();
            if let Some((round, end)) = stake.pool.advance(Round(1)) {
                end.write(trie, &supernode, round).unwrap();
            }
            stake.pool.reward(Amount(36 * COIN)).unwrap();
            stake.pool.write(trie, &supernode).unwrap();
            let owner = if place < 3 { lessor } else { supernode };
            stake.position.write(trie, &owner, &supernode).unwrap();
            let average = MintingAverage { effective: Amount(1_000 * COIN), ..MintingAverage::default() };
            let account = AccountRecord {
                balance: Amount(1_000 * COIN),
                average,
                is_supernode: true,
                ..Default::default()
            };
            account.write(trie, &supernode).unwrap();
            let minting_key = Hash(*test_key(key).public().as_bytes());
            Supernode { minting_key, active: 1, ..Supernode::default() }.write(trie, &supernode).unwrap();
        }
        let mut stake = Stake { pool: Pool::default(), position: Position::default(), end: None };
        stake.increase(Amount(COIN)).unwrap();
        stake.pool.write(trie, &test_address(3)).unwrap();
        stake.position.write(trie, &test_address(LESSOR), &test_address(3)).unwrap();
        Certificates(1).write(trie).unwrap();
    });
}

/// What a wallet asks for to show its leases, and all supernodes to choose from.
fn screen() -> Vec<Question> {
    vec![
        Question::Account(test_address(LESSOR)),
        Question::Leases { lessor: test_address(LESSOR), after: None, limit: MAX_PAGE },
        Question::Holders,
    ]
}

fn scene(slots: u64) -> (ScriptedChain, Trusted, StateBundle) {
    let mut chain = rounds(chain(slots), 1);
    leased(&mut chain);
    let chain = rounds(chain, 3);
    let genesis = chain.genesis();
    let bundle = chain.state_bundle(&genesis, &screen());
    (chain, genesis, bundle)
}

#[test]
fn the_screen_of_leases_is_one_answer() {
    let (chain, genesis, bundle) = scene(15);
    let bytes = bundle.to_bytes();
    let bundle = StateBundle::from_bytes(&bytes).unwrap();
    let (newer, proven) = verifier(&chain).answers(&genesis, &screen(), &bundle, chain.now()).unwrap();
    let [account, leases, holders] = &proven.answers[..] else { panic!("three answers") };
    assert_eq!(account.at().id, newer.id);
    let Answer::Account { record: Some(record), .. } = account.value() else { panic!("an account") };
    assert_eq!(record.balance, Amount(1_000 * COIN));
    let Answer::Leases(leases) = leases.value() else { panic!("leases") };
    let Answer::Holders(holders) = holders.value() else { panic!("holders") };
    let slots = proven.slots.as_ref().unwrap();
    assert_eq!((leases.items.len(), leases.next, holders.len(), slots.at()), (4, None, 15, account.at()));
    for lease in &leases.items {
        let holds = slots.value().position(&lease.supernode);
        // Nine tenths of a block, if the supernode holds a slot; nothing if it does not.
        let expected = if holds.is_some() { 324 * COIN / 10 - 1 } else { 0 };
        assert!(lease.interest.units().abs_diff(expected) <= 1, "{lease:?}");
        assert_eq!(holds.is_none(), lease.supernode == test_address(3));
        assert_eq!(lease.interest == Amount::ZERO, holds.is_none());
    }
    for (place, standing) in holders.iter().enumerate() {
        assert_eq!(standing.address, test_address(HOLDERS.start + place as u64));
        assert_eq!(slots.value().position(&standing.address), u8::try_from(place).ok());
        assert_eq!(standing.pool.unwrap().commission, 1_000);
        let grown = 1_000 * COIN / 86_400 * (newer.height.0 + 1);
        assert_eq!(standing.minting_average, Amount(grown));
    }
    println!("the screen of leases: {} bytes, {} nodes", bytes.len(), proven.steps);
    assert!(bytes.len() <= 8_000, "{} bytes", bytes.len());
}

#[test]
fn answers_to_other_questions_are_refused() {
    let (chain, genesis, bundle) = scene(15);
    let (now, verifier) = (chain.now(), verifier(&chain));
    let ask = |asked: &[Question], bundle: &StateBundle| {
        verifier.answers(&genesis, asked, bundle, now).unwrap_err()
    };
    let fewer = screen()[..2].to_vec();
    assert_eq!(ask(&fewer, &bundle), ProofFailure::OtherQuestions);
    // More was read than the questions need.
    let more = StateBundle { questions: fewer.clone(), ..bundle.clone() };
    assert!(matches!(ask(&fewer, &more), ProofFailure::Witness(WitnessError::Untouched { .. })));
    // Less was read.
    let less = StateBundle { questions: screen(), ..chain.state_bundle(&genesis, &fewer) };
    assert!(matches!(ask(&screen(), &less), ProofFailure::Answers(_)));
    let trailing = StateBundle { witness: [&bundle.witness[..], &[0]].concat(), ..bundle.clone() };
    assert!(matches!(ask(&screen(), &trailing), ProofFailure::Witness(WitnessError::Malformed { .. })));
    let none = StateBundle { questions: Vec::new(), ..bundle.clone() };
    assert!(matches!(ask(&[], &none), ProofFailure::Answers(_)));
    // Of another block, after which the account has less.
    let mut later = scene(15).0;
    pay(&mut later);
    let later = rounds(later, 2);
    let stale = StateBundle { anchor: later.anchor(&genesis), ..bundle };
    let refused = super::verifier(&later).answers(&genesis, &screen(), &stale, later.now()).unwrap_err();
    assert!(matches!(refused, ProofFailure::Witness(WitnessError::Root { .. })), "{refused}");
    assert!(refused.is_lie());
}

#[test]
fn a_flipped_byte_of_an_answer_changes_nothing() {
    let (chain, genesis, _) = scene(4);
    let questions = screen()[..2].to_vec();
    let bundle = chain.state_bundle(&genesis, &questions);
    let (now, verifier) = (chain.now(), verifier(&chain));
    never_says_anything_else(&bundle, |bundle| verifier.answers(&genesis, &questions, bundle, now));
}

#[test]
fn the_slot_tables_come_with_the_trusted_block() {
    let mut chain = rounds(chain(4), 3);
    let genesis = chain.genesis();
    let verifier = verifier(&chain);
    let (old, new) = (test_address(1_003), test_address(1_004));
    let held = verifier.slots(&genesis).unwrap();
    assert_eq!((held.value().position(&old), held.value().position(&new)), (Some(3), None));
    assert_eq!((held.value().position_to_come(&old), &held.value().planned), (Some(3), &None));
    let after = Table::new(test_table(&[1_000, 1_001, 1_002, 1_004])).unwrap();
    let in_force = genesis.tables.clone().unwrap().in_force;
    chain.set_tables(Tables { in_force, planned: Some(after.into()) });
    let chain = rounds(chain, 3);
    let trusted = verifier.anchor(&genesis, &chain.anchor(&genesis), chain.now()).unwrap();
    let slots = verifier.slots(&trusted).unwrap();
    assert_eq!(slots.at().id, trusted.id);
    let positions =
        |address: &Address| (slots.value().position(address), slots.value().position_to_come(address));
    assert_eq!((positions(&old), positions(&new)), ((Some(3), None), (None, Some(3))));
    // Who is about to hold a slot is among those asked for.
    let bundle = chain.state_bundle(&trusted, &[Question::Holders]);
    let (_, proven) = verifier.answers(&trusted, &[Question::Holders], &bundle, chain.now()).unwrap();
    let Answer::Holders(holders) = proven.answers[0].value() else { panic!("holders") };
    let expected: Vec<Address> = (1_000..1_005).map(test_address).collect();
    assert_eq!(holders.iter().map(|standing| standing.address).collect::<Vec<_>>(), expected);
}
