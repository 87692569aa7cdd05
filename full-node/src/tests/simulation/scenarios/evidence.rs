//! What only one node saw.

use std::collections::BTreeSet;

use super::{
    SEEDS, assert_finalises_since, for_seeds,
    holders::{public, with_twins},
    world::SLOT_MS,
};

/// A node without keys between two parts of a network: it alone hears both halves of an equivocation, and makes no block
/// that could say so. It tells those who do; in every second run only after it was killed and started again.
#[test]
fn what_a_node_without_keys_alone_has_seen_is_punished() {
    for_seeds("evidence::what_a_node_without_keys_alone_has_seen_is_punished", SEEDS, |seed| {
        // The key of slot 0 is in use on both sides.
        let (mut world, [_, twin]) = with_twins(4, 1, &[vec![]], seed);
        let witness = 5;
        world.run_rounds(3);
        world.links.cut(&[&[0, 1, 2], &[3, twin]]);
        world.links.listen(Some(witness));
        let mut rounds = 0;
        while world.evidence(witness).is_empty() {
            world.run_to(world.now / SLOT_MS + 1);
            rounds += 1;
            assert!(rounds < 6 * 4, "the witness sees nothing");
        }
        let accused: BTreeSet<_> = world.evidence(witness).iter().map(|known| known.accused()).collect();
        assert_eq!(accused, [public(0)].into());
        for other in [1, 2, 3] {
            assert!(world.evidence(other).is_empty(), "node {other} cannot know");
        }
        assert!(world.judge.accused.is_empty(), "nobody has reported it");
        if seed % 2 == 1 {
            world.crash(witness, false);
            let rest = world.random.below(20);
            world.run_to(world.now / SLOT_MS + rest);
            world.start(witness);
            assert_eq!(world.evidence(witness).len(), 1, "it is still known");
        }
        // Its line carries again, to one side only: the network is still cut.
        world.links.listen(None);
        world.links.cut(&[&[0, 1, 2, witness], &[3, twin]]);
        world.run_rounds(3);
        assert_eq!(world.judge.accused, [public(0)].into(), "it is reported in a block");
        world.links.heal();
        let healed = world.now / SLOT_MS;
        world.run_rounds(12);
        assert_finalises_since(&world, healed);
        for member in world.honest() {
            assert!(world.table(member).0[0].is_none(), "node {member} has it in a slot");
            assert!(world.evidence(member).is_empty(), "what is settled is forgotten");
        }
        world
    });
}
