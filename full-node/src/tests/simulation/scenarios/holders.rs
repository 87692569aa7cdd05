//! Holders of slots that break the rules.

use std::collections::BTreeSet;

use light_client::{
    crypto::Hash,
    data_format::{Call, MintingKey, SupernodeCall},
    test_support::chain::{test_address, test_key},
};

use super::{
    super::{host::with_supernodes, hostile::Manner},
    World, assert_finalises_since, for_seeds,
    world::{FIRST_KEY, SLOT_MS},
};

#[test]
fn a_minter_that_withholds_its_block_to_the_vote_does_not_stop_finality() {
    let name = "holders::a_minter_that_withholds_its_block_to_the_vote_does_not_stop_finality";
    for_seeds(name, 0..12, |seed| {
        let mut world = World::new(7, seed);
        // The holder of the last slot of a round; of any other slot in every fourth run.
        let withholder = if seed % 4 == 3 { world.random.place(7) } else { 6 };
        world.members[withholder].manner = Manner::Withholds;
        world.run_rounds(10);
        assert_finalises_since(&world, 6 * 7);
        assert_eq!(world.bans, []);
    });
}

#[test]
fn a_minter_that_ignores_its_predecessors_block_does_not_win() {
    for_seeds("holders::a_minter_that_ignores_its_predecessors_block_does_not_win", 0..12, |seed| {
        let mut world = World::new(7, seed);
        let place = world.random.place(7);
        world.members[place].manner = Manner::IgnoresPredecessor;
        world.run_rounds(10);
        assert_finalises_since(&world, 6 * 7);
        let others = world.honest();
        let slots = world.final_slots(others[0]);
        let of = |position: usize| slots.iter().filter(|slot| slot.0 % 7 == position as u64).count();
        let (own, predecessor) = (of(place), of((place + 6) % 7));
        assert!(predecessor >= 5, "its predecessor loses blocks: {predecessor}");
        assert!(own <= 1, "it won {own} times by building beside its predecessor");
    });
}

/// A chain whose holders have coins: one node for each slot.
fn with_rich_holders(slots: u64, seed: u64) -> World {
    let funded: Vec<(u64, u64)> = (0..slots).map(|slot| (FIRST_KEY + slot, 10_000_000)).collect();
    let keys: Vec<Vec<u64>> = (0..slots).map(|slot| vec![FIRST_KEY + slot]).collect();
    World::with_keys(with_supernodes(slots, &funded), &keys, seed)
}

#[test]
fn a_minter_that_floods_its_slot_splits_nobody_and_loses_it() {
    for_seeds("holders::a_minter_that_floods_its_slot_splits_nobody_and_loses_it", 0..6, |seed| {
        let mut world = with_rich_holders(7, seed);
        let place = world.random.place(7);
        world.members[place].manner = Manner::FloodsSlot;
        world.run_rounds(12);
        assert_finalises_since(&world, 8 * 7);
        let honest = world.honest();
        assert_eq!(world.judge.accused, [public(place as u64)].into(), "it is accused, and nobody else");
        for member in &honest {
            assert_eq!(world.table(*member).0[place], None, "it has lost its slot");
            assert_eq!(world.head_height(*member), world.head_height(honest[0]));
        }
    });
}

#[test]
fn a_minter_that_leaves_votes_out_keeps_nobody_from_knowing_what_is_justified() {
    let name = "holders::a_minter_that_leaves_votes_out_keeps_nobody_from_knowing_what_is_justified";
    for_seeds(name, 0..6, |seed| {
        let mut world = with_rich_holders(4, seed);
        // The holder of the slot in which the others vote: no block brings their votes before the slot after it.
        world.members[1].manner = Manner::WithholdsCertificate;
        for round in 3..10 {
            world.run_to(round * 4 + 2);
            for member in world.honest() {
                assert_eq!(world.status(member).rounds.unwrap().justified.round.0, round, "node {member}");
            }
        }
        assert_finalises_since(&world, 7 * 4 - 1);
        assert_eq!(world.bans, []);
    });
}

/// Whoever may be hostile is, in every way at once: its keys are in use twice, on both sides of cuts that come and go,
/// while lines lose messages and honest nodes die and come back.
#[test]
fn below_a_third_of_hostile_slots_no_two_conflicting_blocks_are_final() {
    let name = "holders::below_a_third_of_hostile_slots_no_two_conflicting_blocks_are_final";
    let mut proven = 0;
    for_seeds(name, 0..60, |seed| {
        let slots = if seed % 6 == 0 { 7 } else { 4 };
        let hostile = (slots - 1) / 3;
        let mut world = with_twins(slots, hostile, seed);
        world.links.loss = world.random.below(40);
        for _ in 0..3 {
            let rest = 2 + world.random.below(3 * slots);
            world.run_to(world.now / SLOT_MS + rest);
            cut_at_random(&mut world);
            if world.random.chance(300) {
                let victim = world.random.place(slots as usize);
                world.crash(victim, true);
                let rest = world.random.below(2 * slots);
                world.run_to(world.now / SLOT_MS + rest);
                world.start(victim);
            }
        }
        assert_eq!(world.judge.conflict, None, "two conflicting final blocks");
        world.links.heal();
        world.links.loss = 0;
        let healed = world.now / SLOT_MS;
        world.run_rounds(12);
        assert_finalises_since(&world, healed);
        let hostile: BTreeSet<Hash> = (0..hostile).map(public).collect();
        assert!(world.judge.accused.is_subset(&hostile), "an honest key is accused");
        proven += world.judge.accused.len();
    });
    println!("{proven} keys were proven to be hostile");
    assert!(proven > 0 || std::env::var("SEED").is_ok());
}

/// What is proven of a third is not true of more: the judge sees it, so it would have seen it above.
#[test]
fn with_more_than_a_third_of_hostile_slots_two_conflicting_blocks_can_be_final() {
    let name = "holders::with_more_than_a_third_of_hostile_slots_two_conflicting_blocks_can_be_final";
    for_seeds(name, 0..4, |seed| {
        let mut world = with_twins(7, 3, seed);
        world.run_rounds(2);
        // Three hostile holders and two honest ones are a quorum, on each side.
        world.links.cut(&[&[0, 1, 2, 3, 4], &[5, 6, 7, 8, 9]]);
        world.run_rounds(5);
        let (height, one, other) = world.judge.conflict.unwrap();
        assert!(height > 7 && [3, 4].contains(&one) != [3, 4].contains(&other));
        // Whoever hears both sides proves who did it.
        world.links.heal();
        world.run_rounds(4);
        let culprits = [0, 1, 2].map(public).into();
        assert_eq!(world.judge.accused, culprits, "the culprits are named, and nobody else");
    });
}

fn public(position: u64) -> Hash {
    Hash(*test_key(FIRST_KEY + position).public().as_bytes())
}

/// Everybody contends for everything all the time, first in vain and then for a slot that is given up.
#[test]
fn contend_spam_changes_nothing_but_what_it_wins() {
    for_seeds("holders::contend_spam_changes_nothing_but_what_it_wins", 0..6, |seed| {
        let holders = (0..4).map(|slot| (FIRST_KEY + slot, 10_000_000));
        let spammers: Vec<u64> = (1_100..1_105).collect();
        let funded: Vec<(u64, u64)> = holders.chain(spammers.iter().map(|key| (*key, 1_000_000))).collect();
        // One node more runs the keys that the spammers want to mint with.
        let mut keys: Vec<Vec<u64>> = (0..4).map(|slot| vec![FIRST_KEY + slot]).collect();
        keys.push(spammers.iter().map(|key| key + 100).collect());
        let mut world = World::with_keys(with_supernodes(4, &funded), &keys, seed);
        world.run_rounds(2);
        let before = world.table(0);
        let mut taken = 0;
        let mut spam = |world: &mut World, rounds: u64, only: Option<u8>| {
            for _ in 0..rounds * 4 {
                for key in &spammers {
                    let slot = only.unwrap_or(u8::try_from(world.random.below(4)).unwrap());
                    let (nonce, address) = (world.account(0, *key).nonce, test_address(*key));
                    let checkpoint = world.checkpoint(0);
                    let minting = test_key(key + 100);
                    let key_word =
                        MintingKey::sign(&minting, &world.chain, &address, nonce, checkpoint).unwrap();
                    let call = SupernodeCall::Contend { slot, commission: 1, key: key_word.into() };
                    taken += u32::from(world.submit(0, *key, vec![Call::Supernode(call)]));
                }
                world.run_to(world.now / SLOT_MS + 1);
            }
        };
        spam(&mut world, 5, None);
        assert_eq!(world.table(0), before, "nobody of less weight takes a slot");
        assert!(world.submit(0, FIRST_KEY + 3, vec![Call::Supernode(SupernodeCall::Release)]));
        spam(&mut world, 10, Some(3));
        let after = world.table(0);
        let winner = after.0[3].unwrap().address;
        assert!(spammers.iter().any(|key| test_address(*key) == winner), "one of them has it");
        assert_eq!(after.0[..3], before.0[..3]);
        assert!(taken > 50, "{taken} requests came into blocks");
        let now = world.now / SLOT_MS;
        assert_finalises_since(&world, now - 3 * 4);
        assert_eq!(world.bans, []);
    });
}

/// A node for each slot, and for each hostile slot a second one with the same key.
fn with_twins(slots: u64, hostile: u64, seed: u64) -> World {
    let spec = with_supernodes(slots, &[]);
    let keys: Vec<Vec<u64>> = (0..slots + hostile).map(|place| vec![FIRST_KEY + place % slots]).collect();
    let mut world = World::with_keys(spec, &keys, seed);
    for twin in 0..usize::try_from(hostile).unwrap() {
        world.members[twin].manner = Manner::Twin;
        world.members[twin + usize::try_from(slots).unwrap()].manner = Manner::Twin;
    }
    world
}

/// Cuts the network in two at random, twins on different sides; or heals it.
fn cut_at_random(world: &mut World) {
    if world.random.chance(200) {
        return world.links.heal();
    }
    let slots = usize::try_from(world.slots).unwrap();
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for member in 0..world.members.len() {
        let twin_there = member >= slots && one.contains(&(member - slots));
        let here = if member >= slots { !twin_there } else { world.random.chance(500) };
        if here { one.push(member) } else { other.push(member) }
    }
    world.links.cut(&[&one, &other]);
}
