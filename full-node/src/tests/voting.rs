//! Votes that justify before a block says so: nobody can keep a certificate back.

use light_client::{
    consensus::spos::Vote,
    data_format::{Round, Slot},
};

use super::{
    branches::{Fork, justified_and_heavier},
    harness::{Harness, in_slot, keys},
    scene::hear,
};
use crate::network::{ChainPort, Heard};

/// The votes of these positions, as the certificate of the fork's justified branch has them for its first block.
fn votes(fork: &Fork, positions: &[usize]) -> Vec<Vote> {
    let link = fork.a[1].certificate.as_ref().unwrap().link;
    let chain = super::harness::spec().id();
    keys(positions).iter().map(|key| Vote::sign(link, &chain, key).unwrap()).collect()
}

#[test]
fn a_branch_that_votes_justify_is_not_left_for_a_heavier_one() {
    let fork = justified_and_heavier();
    for (voters, justified) in [(&[0, 1][..], false), (&[0, 1, 3], true)] {
        let mut follower = Harness::with_keys(&[]);
        follower.take(&fork.a[..1], 5);
        hear(&follower, &votes(&fork, voters), 5);
        let round = follower.node.status().rounds.unwrap().justified.round;
        assert_eq!(round == Round(1), justified, "three of four votes suffice");
        follower.take(&fork.b, 7);
        assert_eq!(follower.head_slot(), Slot(if justified { 2 } else { 7 }));
        // What was adopted is on disk.
        let follower = follower.reopened_with(Vec::new(), in_slot(7));
        assert_eq!(follower.node.status().rounds.unwrap().justified.round == Round(1), justified);
        assert_eq!(follower.head_slot(), Slot(if justified { 2 } else { 7 }));
        follower.check_state();
    }
}

#[test]
fn another_branch_that_votes_justify_is_adopted_when_its_time_comes() {
    let fork = justified_and_heavier();
    let mut follower = Harness::with_keys(&[]);
    follower.take(&fork.b, 7);
    follower.take(&fork.a[..1], 7);
    hear(&follower, &votes(&fork, &[0, 1, 2]), 7);
    follower.node.advance(in_slot(7)).unwrap();
    assert_eq!(follower.head_slot(), Slot(7), "not after the vote position of the round");
    follower.node.advance(in_slot(8)).unwrap();
    assert_eq!(
        (follower.head_slot(), follower.node.status().rounds.unwrap().justified.round),
        (Slot(2), Round(1))
    );
    follower.check_state();
}

#[test]
fn votes_for_a_block_that_comes_later_count_once_it_is_here() {
    let fork = justified_and_heavier();
    let mut follower = Harness::with_keys(&[]);
    hear(&follower, &votes(&fork, &[0, 1, 2]), 5);
    assert_eq!(follower.node.status().rounds.unwrap().justified.round, Round(0));
    follower.take(&fork.a[..1], 5);
    // As the network tells them again after each block.
    hear(&follower, &votes(&fork, &[0, 1, 2]), 5);
    assert_eq!(follower.node.status().rounds.unwrap().justified.round, Round(1));
}

#[test]
fn votes_that_do_not_say_what_the_blocks_say_justify_nothing() {
    let fork = justified_and_heavier();
    let follower = {
        let mut follower = Harness::with_keys(&[]);
        follower.take(&fork.a[..1], 5);
        follower
    };
    let (chain, honest) = (follower.node.chain(), votes(&fork, &[0])[0].link);
    let first = honest.target.checkpoint.id;
    let mut links = [honest; 4];
    // A target that does not lie before its round, another source, and tables of nobody.
    links[0].target.checkpoint.round = Round(0);
    links[1].source.checkpoint.id = first;
    links[2].target.next_slots = first;
    links[3].source.next_slots = first;
    for link in links {
        let votes: Vec<Vec<u8>> = keys(&[0, 1, 2, 3])
            .iter()
            .map(|key| light_client::data_format::codec::encode(&Vote::sign(link, &chain, key).unwrap()))
            .collect();
        let heard = ChainPort::hear(&follower.node, &votes, in_slot(5)).unwrap();
        assert!(heard.iter().all(|heard| matches!(heard, Heard::Counts { .. })), "the signatures hold");
        let status = follower.node.status();
        assert_eq!((status.rounds.unwrap().justified.round, status.head.slot), (Round(0), Slot(2)));
    }
}
