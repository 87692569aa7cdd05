//! More than a third of the slots is gone for good, and people decide how to go on.

use light_client::data_format::{Holder, Round};
use light_client::test_support::chain::{test_address, test_key};

use super::{
    super::{host::with_supernodes, medium::Medium},
    FEWER_SEEDS, World, assert_finalises_since, for_seeds,
    world::{FIRST_KEY, SLOT_MS},
};
use crate::{block_tree::RecoveryStage, storage::Recovery};

/// The keys of those who come instead of the lost ones.
const NEW_KEY: u64 = 1_100;

#[test]
fn a_network_that_lost_three_of_seven_goes_on_by_a_recovery() {
    for_seeds("recovery::a_network_that_lost_three_of_seven_goes_on_by_a_recovery", FEWER_SEEDS, |seed| {
        let mut keys: Vec<Vec<u64>> = (0..7).map(|slot| vec![FIRST_KEY + slot]).collect();
        // One machine for the new holders, one that follows, one whose operator decides nothing, one without a chain.
        keys.extend([(0..3).map(|slot| NEW_KEY + slot).collect(), vec![], vec![], vec![]]);
        let medium = if seed % 4 == 0 { Medium::disk } else { Medium::memory };
        let mut world = World::with_media(with_supernodes(7, &[]), &keys, seed, medium);
        // Where there are disks, they lose what was not synced.
        let disks = seed % 4 == 0;
        world.crash(10, disks);
        world.members[10].medium = medium();
        let chain = world.spec.id();
        world.run_rounds(4);
        (4..7).for_each(|lost| world.crash(lost, disks));
        let lost = world.now / SLOT_MS;
        world.run_rounds(3 + seed % 4);
        let stuck = world.status(0);
        assert!(stuck.final_block.slot.0 <= lost, "nothing made since is final");
        assert!(stuck.head.slot.0 + 5 > world.now / SLOT_MS, "and blocks go on");

        // Some blocks that all of them have, and a round that begins when all of them are back.
        let mut recovery = recovery(&world, stuck.head.height.0 - 1 - seed % 5);
        recovery.round = Round(world.now / SLOT_MS / 7 + 2);
        for member in [0, 1, 2, 3, 7, 8] {
            let power = disks && world.random.chance(500);
            world.crash(member, power);
            world.judge.restored(member);
            world.members[member].recoveries = vec![recovery.clone()];
            let rest = world.random.below(2);
            world.run_to(world.now / SLOT_MS + rest);
            world.start(member);
        }
        world.run_to(recovery.round.0 * 7);
        for member in [0, 1, 2, 3, 7, 8] {
            let status = world.status(member);
            assert_eq!(status.head.id, recovery.block, "{member} waits for the round");
            assert_eq!(
                (status.rounds.unwrap().justified, status.recoveries[0].stage),
                (recovery.checkpoint(), RecoveryStage::TookEffect)
            );
        }
        world.members[10].recoveries = vec![recovery.clone()];
        world.start(10);
        world.run_rounds(7);

        // The one whose operator decided nothing stays behind, and nobody bans anybody for it.
        let apart = world.status(9);
        assert_eq!(apart.final_block, stuck.final_block);
        assert!(apart.head.slot.0 < recovery.round.0 * 7 && apart.recoveries.is_empty());
        assert_eq!(world.bans, []);
        world.crash(9, false);
        assert_finalises_since(&world, (recovery.round.0 + 3) * 7);
        assert_eq!(
            world.status(10).recoveries[0].stage,
            RecoveryStage::TookEffect,
            "from the first block on"
        );
        assert_eq!(world.table(8), recovery.slots);
        let new =
            world.final_slots(8).into_iter().filter(|slot| slot.0 >= recovery.round.0 * 7 && slot.0 % 7 >= 4);
        assert!(new.count() > 6, "the new holders mint");

        // Its operator decides so too.
        world.members[9].recoveries = vec![recovery];
        world.start(9);
        let back = world.now / SLOT_MS;
        world.run_rounds(5);
        assert_finalises_since(&world, back);
        assert_eq!(world.chain, chain);
        assert_eq!(world.bans, []);
        world
    });
}

/// From the block of this height on: the first four holders stay, three come.
fn recovery(world: &World, height: u64) -> Recovery {
    let mut slots = world.table(0);
    for (place, slot) in slots.0.iter_mut().enumerate().skip(4) {
        let key = NEW_KEY + place as u64 - 4;
        let minting_key = light_client::crypto::Hash(*test_key(key).public().as_bytes());
        *slot = Some(Holder { address: test_address(key), minting_key });
    }
    let (height, block) = world.block_at(0, height);
    Recovery { round: Round(0), height, block, slots }
}
