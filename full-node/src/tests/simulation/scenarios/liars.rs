//! Peers without a key that do what no node does.

use super::{SEEDS, World, assert_finalises_since, for_seeds, hostile::Liar};

#[test]
fn peers_that_lie_stop_nobody_and_are_banned() {
    for liar in Liar::ALL {
        for_seeds("liars::peers_that_lie_stop_nobody_and_are_banned", SEEDS, |seed| play(liar, seed));
    }
}

fn play(liar: Liar, seed: u64) -> World {
    let mut world = World::new(4, seed);
    let place = world.add_liar(liar);
    // Silence is not charged as dearly as a lie.
    let rounds = if liar == Liar::Stalls { 40 } else { 10 };
    world.run_rounds(rounds);
    assert_finalises_since(&world, (rounds - 3) * 4);
    let liars_alone = world.bans.iter().all(|(_, banned)| *banned == place);
    assert!(liars_alone, "an honest node was banned beside {liar:?}: {:?}", world.bans);
    assert!(!world.bans.is_empty(), "{liar:?} was never found out");
    if let Some(fault) = liar.fault() {
        assert!(world.reasons.iter().all(|reason| *reason == fault), "{liar:?}: {:?}", world.reasons);
    }
    world
}
