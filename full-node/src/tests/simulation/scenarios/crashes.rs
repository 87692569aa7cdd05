//! Nodes that die and come back.

use std::sync::OnceLock;

use super::{SEEDS, World, assert_finalises_since, final_slot, for_seeds, world::SLOT_MS};

#[test]
fn a_node_killed_at_any_time_comes_back() {
    for_seeds("crashes::a_node_killed_at_any_time_comes_back", SEEDS, |seed| {
        let mut world = World::on_disks(4, seed);
        for _ in 0..5 {
            let victim = world.random.place(4);
            let rest = world.random.below(6);
            world.run_to(world.now / SLOT_MS + rest);
            if world.random.chance(500) {
                // In the middle of a write.
                let syncs = world.random.below(6);
                world.members[victim].medium.the_disk().kill_after(syncs);
                world.run_rounds(1);
            }
            if world.members[victim].running.is_some() {
                let power = world.random.chance(500);
                world.crash(victim, power);
            }
            let rest = world.random.below(8);
            world.run_to(world.now / SLOT_MS + rest);
            world.start(victim);
        }
        let calm = world.now / SLOT_MS;
        world.run_rounds(9);
        assert_finalises_since(&world, calm);
        assert_eq!(world.bans, []);
        world
    });
}

/// Others may have what it told a moment before, and it is started again before a block brings that back to it: the judge
/// compares.
#[test]
fn a_node_whose_disk_dies_at_any_write_knows_what_it_told() {
    for_seeds("crashes::a_node_whose_disk_dies_at_any_write_knows_what_it_told", SEEDS, |seed| {
        let mut world = World::on_disks(4, seed);
        world.run_to(8);
        // Every write of two rounds, for the holder of every slot.
        let (victim, syncs) = ((seed % 4) as usize, seed / 4 % 16);
        world.members[victim].medium.the_disk().kill_after(syncs);
        while world.members[victim].running.is_some() {
            assert!(world.now < 8 * 4 * SLOT_MS, "its disk does not die");
            world.run_to(world.now / SLOT_MS + 1);
        }
        world.start(victim);
        world.run_rounds(3);
        assert_finalises_since(&world, 4);
        assert_eq!(world.bans, []);
        world
    });
}

#[test]
fn all_nodes_killed_at_once_come_back() {
    for_seeds("crashes::all_nodes_killed_at_once_come_back", SEEDS, |seed| {
        let mut world = World::on_disks(4, seed);
        for _ in 0..3 {
            let rest = 5 + world.random.below(9);
            world.run_to(world.now / SLOT_MS + rest);
            for member in 0..4 {
                let power = world.random.chance(500);
                world.crash(member, power);
            }
            let rest = world.random.below(16);
            world.run_to(world.now / SLOT_MS + rest);
            (0..4).for_each(|member| world.start(member));
        }
        let calm = world.now / SLOT_MS;
        world.run_rounds(10);
        assert_finalises_since(&world, calm);
        assert_eq!(world.bans, []);
        world
    });
}

#[test]
fn a_node_that_comes_back_after_500_blocks_catches_up() {
    // Each past serves many seeds: what they are about comes after it. Every node is away in some.
    static PASTS: [OnceLock<World>; 8] = [const { OnceLock::new() }; 8];
    let others = |away: usize| (0..4).filter(move |member| *member != away);
    let past = |seed, away, other| {
        let mut world = World::new(4, seed);
        world.run_rounds(3);
        world.crash(away, false);
        let before = world.head_height(other);
        // Three of four slots are filled.
        world.run_rounds(170);
        assert!(world.head_height(other) > before + 500);
        others(away).for_each(|member| world.crash(member, false));
        world
    };
    for_seeds("crashes::a_node_that_comes_back_after_500_blocks_catches_up", SEEDS, |seed| {
        let kind = seed % PASTS.len() as u64;
        let (away, other) = ((kind % 4) as usize, ((kind + 1) % 4) as usize);
        let mut world = PASTS[kind as usize].get_or_init(|| past(kind, away, other)).copy(seed);
        others(away).for_each(|member| world.start(member));
        let rest = 4 + world.random.below(12);
        world.run_to(world.now / SLOT_MS + rest);
        let back = world.now / SLOT_MS;
        world.start(away);
        world.run_rounds(3);
        assert!(world.head_height(away) + 2 >= world.head_height(other), "it has not caught up");
        world.run_rounds(4);
        assert_finalises_since(&world, back);
        assert_eq!(world.bans, []);
        world
    });
}

#[test]
fn a_validator_restored_from_a_backup_does_not_vote_twice() {
    for_seeds("crashes::a_validator_restored_from_a_backup_does_not_vote_twice", SEEDS, |seed| {
        let mut world = World::new(4, seed);
        let at = 9 + world.random.below(8);
        world.run_to(at);
        let victim = world.random.place(4);
        // A copy of the folder of a node that is stopped for it.
        world.crash(victim, false);
        let backup = world.members[victim].medium.backup();
        world.start(victim);
        let rest = 4 + world.random.below(20);
        world.run_to(world.now / SLOT_MS + rest);
        // Its last votes and blocks are for a branch that nobody else knows.
        world.links.cut(&[&[victim]]);
        let rest = 1 + world.random.below(8);
        world.run_to(world.now / SLOT_MS + rest);
        world.links.heal();
        world.crash(victim, false);
        world.members[victim].medium = backup;
        world.judge.restored(victim);
        let rest = world.random.below(5);
        world.run_to(world.now / SLOT_MS + rest);
        world.start(victim);
        let restored = world.now / SLOT_MS;
        // The judge knows every vote and every block from before.
        world.run_rounds(10);
        assert_finalises_since(&world, restored);
        let minted = world
            .final_slots(victim)
            .into_iter()
            .filter(|slot| slot.0 > restored && slot.0 % 4 == victim as u64);
        assert!(minted.count() > 0, "it takes part again");
        assert!(final_slot(&world, victim) > restored);
        world
    });
}
