//! What is played, and what must come of it.

mod crashes;
mod evidence;
mod holders;
mod liars;
mod partitions;
mod property;
mod recovery;
mod runs;

use super::{for_seeds, hostile, world, world::World};

/// Scenarios are played with these.
const SEEDS: std::ops::Range<u64> = 0..200;
/// The dearest two of those that no list of ours asks for.
const FEWER_SEEDS: std::ops::Range<u64> = 0..40;

/// Clocks are wrong, by a quarter of a second at most.
fn let_clocks_drift(world: &mut World) {
    for member in 0..world.members.len() {
        world.members[member].drift = i64::try_from(world.random.below(500)).unwrap() - 250;
    }
}

/// Every honest node that runs calls a block final that was made since this slot, and they agree on how far they are.
fn assert_finalises_since(world: &World, slot: u64) {
    for member in world.honest() {
        if world.members[member].running.is_some() {
            let status = world.status(member);
            assert!(
                status.final_block.slot.0 >= slot,
                "node {member} stands at slot {}, final is slot {}, wanted {slot}; now is {}",
                status.head.slot,
                status.final_block.slot,
                world.now / world::SLOT_MS
            );
        }
    }
    assert_eq!(world.judge.conflict, None, "two conflicting final blocks");
}

/// The newest final slot of a node.
fn final_slot(world: &World, member: usize) -> u64 {
    world.status(member).final_block.slot.0
}
