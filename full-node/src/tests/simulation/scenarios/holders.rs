//! Holders of slots that break the rules.

use light_client::{
    crypto::Hash,
    data_format::{Call, MintingKey, Slot, SupernodeCall},
    test_support::chain::{test_address, test_key},
};

use super::{
    super::{Random, host::with_supernodes, hostile::Manner},
    FEWER_SEEDS, SEEDS, World, assert_finalises_since, for_seeds,
    world::{FIRST_KEY, SLOT_MS},
};

#[test]
fn a_minter_that_withholds_its_block_to_the_vote_does_not_stop_finality() {
    let name = "holders::a_minter_that_withholds_its_block_to_the_vote_does_not_stop_finality";
    for_seeds(name, SEEDS, |seed| {
        // The fewest slots that survive one such holder, and more.
        let slots = if seed % 4 == 0 { 7 } else { 5 };
        let mut world = World::new(slots, seed);
        // The holder of the last slot of a round; of any other slot in every fourth run.
        let last = slots as usize - 1;
        let withholder = if seed % 4 == 3 { world.random.place(last) } else { last };
        world.members[withholder].manner = Manner::Withholds;
        world.run_rounds(10);
        assert_finalises_since(&world, 6 * slots);
        assert_eq!(world.bans, []);
        world
    });
}

/// Of fifteen slots as many as finality survives.
#[test]
fn four_of_fifteen_that_withhold_their_blocks_to_the_vote_do_not_stop_finality() {
    let name = "holders::four_of_fifteen_that_withhold_their_blocks_to_the_vote_do_not_stop_finality";
    for_seeds(name, SEEDS, |seed| {
        // From these positions together the most blocks can be hidden from a vote beside the fewest of others.
        let worst = vec![14, 0, 1, 2];
        let anywhere = Random::new(seed).shuffled((0..15).collect()).split_off(11);
        let positions = if seed % 2 == 0 { worst } else { anywhere };
        // They build on each other's blocks; in every eighth run nobody knows of the others'.
        let apart = || positions.iter().map(|position| vec![*position]).collect();
        let hostile: Vec<Vec<u64>> = if seed % 8 == 7 { apart() } else { vec![positions.clone()] };
        let mut world = with_fifteen(&hostile, seed);
        (0..hostile.len()).for_each(|place| world.members[place].manner = Manner::Withholds);
        world.run_rounds(3);
        // The first round's last block that came in time, after two votes in a row.
        assert_finalises_since(&world, 10);
        assert_eq!(world.bans, []);
        world
    });
}

#[test]
fn a_minter_that_ignores_its_predecessors_block_does_not_win() {
    for_seeds("holders::a_minter_that_ignores_its_predecessors_block_does_not_win", SEEDS, |seed| {
        let slots: usize = if seed % 4 == 0 { 7 } else { 5 };
        let mut world = World::new(slots as u64, seed);
        let place = world.random.place(slots);
        world.members[place].manner = Manner::IgnoresPredecessor;
        world.run_rounds(10);
        assert_finalises_since(&world, 6 * slots as u64);
        let others = world.honest();
        let made = world.final_slots(others[0]);
        let of = |slot: &Slot, position: usize| slot.0 as usize % slots == position;
        let predecessor = made.iter().filter(|slot| of(slot, (place + slots - 1) % slots)).count();
        assert!(predecessor >= 5, "its predecessor loses blocks: {predecessor}");
        // Where its own block is final, so is the one before: it was fetched then, or there is none.
        let beside = |slot: &&Slot| of(slot, place) && slot.0 > 1 && !made.contains(&Slot(slot.0 - 1));
        let won: Vec<&Slot> = made.iter().filter(beside).collect();
        assert!(won.is_empty(), "{place} of {slots} won by building beside its predecessor: {won:?}");
        world
    });
}

/// A chain whose holders have coins: one node for each slot.
fn with_rich_holders(slots: u64, seed: u64) -> World {
    let positions: Vec<Vec<u64>> = (0..slots).map(|position| vec![position]).collect();
    with_rich_machines(slots, &positions, seed)
}

/// The same with a node for each list of positions.
fn with_rich_machines(slots: u64, positions: &[Vec<u64>], seed: u64) -> World {
    let funded: Vec<(u64, u64)> = (0..slots).map(|slot| (FIRST_KEY + slot, 10_000_000)).collect();
    let keys = |positions: &Vec<u64>| positions.iter().map(|position| FIRST_KEY + position).collect();
    let keys: Vec<Vec<u64>> = positions.iter().map(keys).collect();
    World::with_keys(with_supernodes(slots, &funded), &keys, seed)
}

/// Fifteen slots, with a node for each of these lists of positions. Three nodes have all others, because a run takes as long as
/// it has nodes; in every fortieth run there is one for each.
pub(super) fn with_fifteen(apart: &[Vec<u64>], seed: u64) -> World {
    let others: Vec<u64> = (0..15).filter(|position| !apart.concat().contains(position)).collect();
    let machines = if seed.is_multiple_of(40) { others.len() } else { 3 };
    let shared = (0..machines).map(|first| others.iter().copied().skip(first).step_by(machines).collect());
    let positions: Vec<Vec<u64>> = apart.iter().cloned().chain(shared).collect();
    with_rich_machines(15, &positions, seed)
}

#[test]
fn a_minter_that_floods_its_slot_splits_nobody_and_loses_it() {
    let name = "holders::a_minter_that_floods_its_slot_splits_nobody_and_loses_it";
    for_seeds(name, FEWER_SEEDS, |seed| {
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
        world
    });
}

#[test]
fn a_minter_that_leaves_votes_out_keeps_nobody_from_knowing_what_is_justified() {
    let name = "holders::a_minter_that_leaves_votes_out_keeps_nobody_from_knowing_what_is_justified";
    for_seeds(name, SEEDS, |seed| {
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
        world
    });
}

/// What is proven of a third is not true of more: the judge sees it, so it would have seen it above.
#[test]
fn with_more_than_a_third_of_hostile_slots_two_conflicting_blocks_can_be_final() {
    let name = "holders::with_more_than_a_third_of_hostile_slots_two_conflicting_blocks_can_be_final";
    for_seeds(name, SEEDS, |seed| {
        // Hostile holders, and the honest ones of one side with them, are a quorum; so are they and the others.
        let (slots, hostile, one_side) = if seed % 4 == 0 { (7, 3, 5) } else { (4, 2, 3) };
        let (mut world, _) = with_twins(slots, hostile, &[], seed);
        world.run_rounds(2);
        let order: Vec<usize> = (0..world.members.len()).collect();
        let (one, other) = order.split_at(one_side);
        world.links.cut(&[one, other]);
        world.run_rounds(5);
        let (height, first, second) = world.judge.conflict.unwrap();
        assert!(height > slots && one.contains(&first) != one.contains(&second));
        // Whoever hears both sides proves who did it.
        world.links.heal();
        world.run_rounds(4);
        let culprits = (0..hostile).map(public).collect();
        assert_eq!(world.judge.accused, culprits, "the culprits are named, and nobody else");
        world
    });
}

pub(super) fn public(position: u64) -> Hash {
    Hash(*test_key(FIRST_KEY + position).public().as_bytes())
}

/// Everybody contends for everything all the time, first in vain and then for a slot that is given up.
#[test]
fn contend_spam_changes_nothing_but_what_it_wins() {
    for_seeds("holders::contend_spam_changes_nothing_but_what_it_wins", SEEDS, |seed| {
        let holders = (0..4).map(|slot| (FIRST_KEY + slot, 10_000_000));
        let spammers: Vec<u64> = (1_100..1_103).collect();
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
        spam(&mut world, 4, None);
        assert_eq!(world.table(0), before, "nobody of less weight takes a slot");
        assert!(world.submit(0, FIRST_KEY + 3, vec![Call::Supernode(SupernodeCall::Release)]));
        spam(&mut world, 8, Some(3));
        let after = world.table(0);
        let winner = after.0[3].unwrap().address;
        assert!(spammers.iter().any(|key| test_address(*key) == winner), "one of them has it");
        assert_eq!(after.0[..3], before.0[..3]);
        assert!(taken > 50, "{taken} requests came into blocks");
        let now = world.now / SLOT_MS;
        assert_finalises_since(&world, now - 3 * 4);
        assert_eq!(world.bans, []);
        world
    });
}

/// A node for each slot, for each of the first slots a second one with the same key, and others with keys of their own.
/// Gives the twins of the first slot, too.
pub(super) fn with_twins(slots: u64, hostile: u64, others: &[Vec<u64>], seed: u64) -> (World, [usize; 2]) {
    let keys = (0..slots + hostile).map(|place| vec![FIRST_KEY + place % slots]);
    let keys: Vec<Vec<u64>> = keys.chain(others.iter().cloned()).collect();
    let mut world = World::with_keys(with_supernodes(slots, &[]), &keys, seed);
    let slots = usize::try_from(slots).unwrap();
    for twin in 0..usize::try_from(hostile).unwrap() {
        world.members[twin].manner = Manner::Twin;
        world.members[twin + slots].manner = Manner::Twin;
    }
    (world, [0, slots])
}
