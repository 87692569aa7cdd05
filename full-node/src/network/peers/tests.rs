use std::net::Ipv4Addr;

use super::*;

fn id(number: u32) -> PeerId {
    // Short keys are their own multihash: code 0, length, bytes.
    let mut bytes = vec![0, 4];
    bytes.extend(number.to_be_bytes());
    PeerId::from_bytes(&bytes).unwrap()
}

fn address(last: u8) -> Option<IpAddr> {
    Some(Ipv4Addr::new(192, 0, 2, last).into())
}

fn peers() -> Peers {
    let mut peers = Peers::new(Limits::default(), 2, Time(0));
    for number in [1, 2] {
        peers.connected(id(number), address(number as u8), true, Time(0)).unwrap();
        peers.greeted(&id(number));
    }
    peers
}

#[test]
fn points_ban_and_time_forgives() {
    let mut peers = peers();
    assert_eq!(peers.fault(&id(1), Fault::Garbage, Time(0)), None);
    assert!(peers.fault(&id(2), Fault::Garbage, Time(0)).is_none());
    assert!(peers.fault(&id(2), Fault::Garbage, Time(900)).is_some(), "twice within a second");
    assert_eq!(peers.fault(&id(1), Fault::InvalidTransaction, Time(60_000)), None, "ten of 60 are forgiven");
    assert_eq!(peers.fault(&id(1), Fault::Stalled, Time(60_000)), None, "95 points");
    let ban = peers.fault(&id(1), Fault::Unannounced, Time(60_000)).unwrap();
    assert_eq!(ban.ms, 600_000);
    peers.disconnected(&id(1));
    let refused = peers.connected(id(1), address(1), true, Time(61_000));
    assert_eq!(refused, Err(Refusal::Banned { seconds: 599 }));
    assert!(!peers.contains(&id(1)));
    let later = Time(700_000);
    peers.connected(id(1), address(1), true, later).unwrap();
    assert_eq!(peers.fault(&id(1), Fault::InvalidBlock, later).unwrap().ms, 1_200_000, "twice as long");
    assert_eq!(peers.ban_of(&id(2), later), None, "over");
}

#[test]
fn the_list_of_bans_is_bounded() {
    let limits = Limits { bans: 3, inbound: 99, ..Limits::default() };
    let mut peers = Peers::new(limits, 1, Time(0));
    for number in 0..10 {
        let now = Time(u64::from(number));
        let elsewhere = Some(Ipv4Addr::new(198, 51, number as u8, 1).into());
        peers.connected(id(number), elsewhere, true, now).unwrap();
        peers.fault(&id(number), Fault::InvalidBlock, now).unwrap();
    }
    let banned: Vec<u32> = (0..10).filter(|n| peers.ban_of(&id(*n), Time(10)).is_some()).collect();
    assert_eq!(banned, [7, 8, 9]);
    peers.forget(Time(u64::MAX));
    assert_eq!(peers.ban_of(&id(9), Time(10)), None);
}

#[test]
fn connections_are_bounded_in_all_and_for_an_address() {
    let limits = Limits { inbound: 3, outbound: 1, per_address: 2, ..Limits::default() };
    let mut peers = Peers::new(limits, 1, Time(0));
    let mut dial = |number, address, inbound| peers.connected(id(number), address, inbound, Time(0)).is_ok();
    assert!(dial(1, address(1), true) && dial(2, address(1), true));
    assert!(!dial(3, address(1), true), "a third from one address");
    assert!(dial(1, address(1), true), "a second connection of the same peer");
    assert!(dial(3, address(2), true));
    assert!(!dial(4, address(3), true), "a fourth that dialled");
    assert!(dial(4, address(3), false));
    assert!(!dial(5, address(4), false), "a second that we dialled");
    assert!(!peers.disconnected(&id(1)));
    assert!(peers.disconnected(&id(1)), "the last of two");
    assert!(peers.connected(id(6), address(1), true, Time(0)).is_ok());
    let loopback = Some(Ipv4Addr::LOCALHOST.into());
    let mut peers = Peers::new(Limits { per_address: 1, ..limits }, 1, Time(0));
    assert!((0..3).all(|n| peers.connected(id(n), loopback, true, Time(0)).is_ok()));
}

#[test]
fn a_flooder_is_banned_and_takes_nothing_from_the_other_chain() {
    let mut peers = peers();
    let mut send = |peer: u32, chain| peers.gossip(&id(peer), chain, Topic::Votes, 200, Time(0));
    let taken = (0..2_000).filter(|_| send(1, 0) == Admission::Take).count();
    assert_eq!(taken, 1_024, "the burst of one peer");
    assert_eq!(send(1, 0), Admission::Wrong(Fault::Flood));
    assert_eq!(send(2, 0), Admission::Take, "the other peer has its own budget");
    assert_eq!(send(1, 1), Admission::Take, "the other chain has its own budget");
    let ban = (0..60).find_map(|_| peers.fault(&id(1), Fault::Flood, Time(0)));
    assert!(ban.is_some());
}

#[test]
fn many_peers_together_have_a_bound_for_each_chain() {
    let mut peers = Peers::new(Limits::default(), 2, Time(0));
    let mut taken = 0;
    for number in 0..10 {
        peers.connected(id(number), address(number as u8), true, Time(0)).unwrap();
        peers.greeted(&id(number));
        let mut send = || peers.gossip(&id(number), 0, Topic::Votes, 1, Time(0));
        taken += (0..1_000).filter(|_| send() == Admission::Take).count();
    }
    assert_eq!(taken, 4 * 1_024);
    assert_eq!(peers.gossip(&id(1), 0, Topic::Votes, 1, Time(0)), Admission::Drop, "nobody's fault");
    assert_eq!(peers.gossip(&id(1), 1, Topic::Votes, 1, Time(0)), Admission::Take);
}

#[test]
fn nobody_is_heard_before_the_greeting() {
    let mut peers = Peers::new(Limits::default(), 1, Time(0));
    peers.connected(id(1), address(1), true, Time(0)).unwrap();
    assert_eq!(peers.gossip(&id(1), 0, Topic::Blocks, 1, Time(1)), Admission::Drop);
    assert_eq!(peers.request(&id(1), 0, Time(1)), Admission::Wrong(Fault::Unannounced));
    assert!(peers.silent(Time(10_000)).is_empty());
    assert_eq!(peers.silent(Time(10_001)), [id(1)]);
    peers.greeted(&id(1));
    assert!(peers.silent(Time(10_001)).is_empty());
    assert_eq!(peers.request(&id(1), 0, Time(1)), Admission::Take);
    assert_eq!(peers.request(&id(1), 7, Time(1)), Admission::Drop, "a chain that is not served");
    assert!(peers.answer(&id(1), 0, 64 << 20, Time(1)));
    assert!(!peers.answer(&id(1), 0, 1 << 20, Time(1)), "the bytes of answers are counted too");
    assert!(peers.answer(&id(1), 0, 1 << 20, Time(1_001)));
}

#[test]
fn each_chain_has_its_share_of_those_who_dial() {
    let limits = Limits { inbound: 8, per_address: 99, ..Limits::default() };
    let mut peers = Peers::new(limits, 2, Time(0));
    let mut greet = |number: u32, inbound, chains: &[usize]| {
        peers.connected(id(number), address(number as u8), inbound, Time(0)).unwrap();
        let admitted = peers.admit(&id(number), chains);
        if admitted.is_err() {
            peers.disconnected(&id(number));
        }
        admitted
    };
    for number in 0..4 {
        assert_eq!(greet(number, true, &[0]), Ok(()));
    }
    assert_eq!(greet(4, true, &[0]), Err(Refusal::Full), "half is for the other chain");
    assert_eq!(greet(4, true, &[0, 1]), Ok(()), "who serves the other one too has room");
    assert_eq!(greet(5, true, &[1]), Ok(()));
    assert_eq!(greet(6, false, &[0]), Ok(()), "we chose whom we dial");
    peers.disconnected(&id(2));
    assert_eq!(peers.admit(&id(1), &[0]), Ok(()), "it does not count against itself");
    let mut alone = Peers::new(Limits { inbound: 1, ..limits }, 1, Time(0));
    alone.connected(id(1), address(1), true, Time(0)).unwrap();
    assert_eq!(alone.admit(&id(1), &[0]), Ok(()));
}

#[test]
fn introductions_are_counted() {
    let mut peers = peers();
    let taken = (0..99).filter(|_| peers.introduction(&id(1), Time(0)) == Admission::Take).count();
    assert_eq!(taken, 16);
    assert_eq!(peers.introduction(&id(1), Time(0)), Admission::Wrong(Fault::Flood));
    assert_eq!(peers.introduction(&id(2), Time(0)), Admission::Take);
    assert_eq!(peers.introduction(&id(9), Time(0)), Admission::Drop, "nobody who is connected");
}

fn of_subnet(subnet: u8, number: u32) -> Option<IpAddr> {
    Some(Ipv4Addr::new(198, 51, subnet, number as u8).into())
}

#[test]
fn a_subnet_whose_keys_are_banned_again_and_again_is_closed_for_as_long() {
    let mut peers = Peers::new(Limits::default(), 1, Time(0));
    let mut ban = |number: u32, address, now| {
        peers.connected(id(number), address, true, Time(now))?;
        let ban = peers.fault(&id(number), Fault::InvalidBlock, Time(now)).unwrap();
        peers.disconnected(&id(number));
        Ok(peers.closes(&ban, Time(now)))
    };
    assert_eq!(ban(1, of_subnet(1, 1), 0), Ok(None));
    assert_eq!(ban(2, of_subnet(1, 2), 1_000), Ok(None));
    let closed = Subnet::of(of_subnet(1, 0).unwrap()).unwrap();
    assert_eq!(ban(3, of_subnet(1, 3), 2_000), Ok(Some((closed, Time(600_000)))), "until the first is over");
    assert_eq!(ban(4, of_subnet(1, 4), 3_000), Err(Refusal::Banned { seconds: 597 }), "a new key");
    assert_eq!(ban(4, of_subnet(2, 4), 3_000), Ok(None), "a neighbour");
    assert_eq!(ban(5, of_subnet(1, 5), 600_000), Ok(Some((closed, Time(601_000)))));
    // Many nodes on one machine, or on a network of one's own.
    for (place, text) in (0_u32..).zip(["127.0.0.1", "10.0.0.1", "::1", "fd00::1"]) {
        for number in 0..9 {
            assert_eq!(ban(100 + 10 * place + number, text.parse().ok(), 3_000), Ok(None), "{text}");
        }
    }
}

#[test]
fn bans_are_restored_and_last_no_longer_than_they_may() {
    let limits = Limits::default();
    let mut before = Peers::new(limits, 1, Time(0));
    for number in 0..3 {
        before.connected(id(number), of_subnet(1, number), true, Time(0)).unwrap();
        before.fault(&id(number), Fault::FalseProof, Time(0)).unwrap();
    }
    let mut after = Peers::new(limits, 1, Time(0));
    let closed: Vec<_> =
        before.every_ban().filter_map(|(peer, ban)| after.restore(*peer, *ban, Time(500))).collect();
    assert_eq!(closed.len(), 1);
    let bans = |peers: &Peers| peers.every_ban().map(|(peer, ban)| (*peer, *ban)).collect::<Vec<_>>();
    assert_eq!(bans(&after), bans(&before));
    assert_eq!(after.connected(id(1), None, true, Time(500)), Err(Refusal::Banned { seconds: 600 }));
    let endless = Ban { until: Time(u64::MAX), ms: u64::MAX, reason: Fault::Flood, subnet: None };
    after.restore(id(9), endless, Time(500));
    assert_eq!(after.ban_of(&id(9), Time(500)).unwrap().until, Time(500 + limits.longest_ban_ms));
}

#[test]
fn a_full_node_gives_the_place_of_the_worst_to_a_better_one() {
    let limits = Limits { inbound: 4, per_address: 99, per_subnet: 3, ..Limits::default() };
    let mut peers = Peers::new(limits, 1, Time(0));
    for number in 0..3 {
        peers.connected(id(number), of_subnet(1, number), true, Time(number.into())).unwrap();
    }
    assert_eq!(peers.connected(id(3), of_subnet(1, 3), true, Time(9)), Err(Refusal::Full), "a crowd");
    assert_eq!(peers.connected(id(4), of_subnet(2, 4), true, Time(9)), Ok(None));
    assert_eq!(
        peers.connected(id(5), of_subnet(3, 5), true, Time(9)),
        Ok(Some(id(2))),
        "the newest of three"
    );
    assert_eq!(
        peers.connected(id(6), of_subnet(4, 6), true, Time(9)),
        Ok(Some(id(1))),
        "two of one, one each"
    );
    assert_eq!(peers.connected(id(7), of_subnet(5, 7), true, Time(9)), Err(Refusal::Full), "all alike");
    peers.fault(&id(4), Fault::Garbage, Time(9));
    assert_eq!(peers.connected(id(7), of_subnet(2, 7), true, Time(9)), Ok(Some(id(4))), "half way to a ban");
    // Those who leave are here until their connections end.
    assert!(peers.contains(&id(4)) && peers.disconnected(&id(4)));
    let mut own = Peers::new(Limits { inbound: 2, ..limits }, 1, Time(0));
    let loopback = Some(Ipv4Addr::LOCALHOST.into());
    assert!((0..2).all(|number| own.connected(id(number), loopback, true, Time(0)).is_ok()));
    assert_eq!(own.connected(id(2), loopback, true, Time(0)), Err(Refusal::Full));
}
