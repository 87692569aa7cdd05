//! Runs without anybody hostile.

use super::{SEEDS, World, assert_finalises_since, for_seeds, let_clocks_drift};

#[test]
fn a_run_is_the_same_each_time() {
    let run = |seed| {
        let mut world = World::on_disks(4, seed);
        world.links.loss = 50;
        world.run_rounds(6);
        world.crash(1, true);
        world.run_rounds(2);
        world.start(1);
        world.run_rounds(6);
        (world.trace(), world.events(), world.final_height(0))
    };
    let (first, again, other) = (run(1), run(1), run(2));
    assert_eq!(first, again);
    assert_ne!(first.0, other.0);
}

#[test]
fn honest_nodes_finalise_within_two_rounds() {
    for_seeds("runs::honest_nodes_finalise_within_two_rounds", SEEDS, |seed| {
        let slots = if seed % 4 == 0 { 7 } else { 4 };
        let mut world = World::new(slots, seed);
        world.run_rounds(8);
        assert_finalises_since(&world, 6 * slots - 2);
        // Nothing is lost: every slot has its block.
        assert!(world.honest().iter().all(|member| world.head_height(*member) == 8 * slots - 1));
        assert_eq!(world.bans, []);
        world
    });
}

#[test]
fn clocks_that_drift_and_lines_that_lose_do_not_stop_finality() {
    for_seeds("runs::clocks_that_drift_and_lines_that_lose_do_not_stop_finality", SEEDS, |seed| {
        let mut world = World::new(4, seed);
        world.links.loss = 20;
        world.links.latency = (20, 250);
        let_clocks_drift(&mut world);
        world.run_rounds(14);
        assert_finalises_since(&world, 8 * 4);
        assert_eq!(world.bans, []);
        world
    });
}
