//! Cut networks.

use super::{SEEDS, World, assert_finalises_since, final_slot, for_seeds, world::SLOT_MS};

#[test]
fn a_minority_partition_stops_finalising_and_rejoins() {
    for_seeds("partitions::a_minority_partition_stops_finalising_and_rejoins", SEEDS, |seed| {
        let (slots, minority) = if seed % 4 == 0 { (7, 2) } else { (4, 1) };
        let mut world = World::new(slots, seed);
        world.run_rounds(4);
        let order = world.random.shuffled((0..world.members.len()).collect());
        let (few, many) = order.split_at(minority);
        world.links.cut(&[few, many]);
        let cut = 4 * slots;
        world.run_rounds(6);
        for member in few {
            assert!(final_slot(&world, *member) < cut, "a minority alone made something final");
            assert!(world.head_height(*member) > cut - 1, "and goes on minting");
        }
        for member in many {
            assert!(final_slot(&world, *member) >= cut + 2 * slots, "the majority goes on");
        }
        let healed = world.now / SLOT_MS;
        world.links.heal();
        world.run_rounds(8);
        assert_finalises_since(&world, healed + slots);
        assert_eq!(world.bans, [], "nobody did wrong");
        world
    });
}

#[test]
fn an_even_split_never_finalises_twice() {
    for_seeds("partitions::an_even_split_never_finalises_twice", SEEDS, |seed| {
        let slots = if seed % 4 == 0 { 6 } else { 4 };
        let mut world = World::new(slots, seed);
        // The cut comes at any moment of a round.
        let cut = 3 * slots + world.random.below(slots);
        world.run_to(cut);
        let order = world.random.shuffled((0..world.members.len()).collect());
        let (one, other) = order.split_at(order.len() / 2);
        world.links.cut(&[one, other]);
        world.run_rounds(6);
        for member in 0..world.members.len() {
            assert!(final_slot(&world, member) <= cut, "half of the holders made something final");
        }
        let healed = world.now / SLOT_MS;
        world.links.heal();
        world.run_rounds(8);
        assert_finalises_since(&world, healed);
        assert_eq!(world.bans, [], "nobody did wrong");
        world
    });
}

#[test]
fn nine_to_six_of_fifteen_heals_and_finalises_again() {
    for_seeds("partitions::nine_to_six_of_fifteen_heals_and_finalises_again", SEEDS, |seed| {
        let mut world = World::new(15, seed);
        // Cut at any moment of a round.
        let cut = 20 + world.random.below(15);
        world.run_to(cut);
        let order = world.random.shuffled((0..15).collect());
        let (six, nine) = order.split_at(6);
        world.links.cut(&[six, nine]);
        world.run_rounds(2);
        assert!((0..15).all(|member| final_slot(&world, member) < 2 * 15), "nine of fifteen are no quorum");
        let healed = world.now / SLOT_MS;
        world.links.heal();
        world.run_rounds(4);
        assert_finalises_since(&world, healed);
        assert_eq!(world.bans, [], "nobody did wrong");
        world
    });
}
