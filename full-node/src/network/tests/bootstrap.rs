//! Finding others through nodes that the chain's file names.

use super::*;

fn through(member: &Member, folder: &std::path::Path) -> NetworkConfig {
    let bootstrap = vec![member.address("tcp")];
    NetworkConfig { bootstrap, folder: Some(folder.to_owned()), ..config(&[]) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_finds_others_and_needs_who_led_it_there_no_more() {
    let (spec, folder) = (spec("bootstrap"), tempfile::tempdir().unwrap());
    let known = Member::start(&spec, &[0, 1, 2, 3], &[]).await;
    let mut others = Vec::new();
    for _ in 0..5 {
        // They dial nobody else, so the newcomer dials them.
        let limits = peers::Limits { outbound: 1, ..peers::Limits::default() };
        let config = NetworkConfig { limits, ..config(&[known.address("tcp")]) };
        others.push(Member::with(&spec, &[], config).await);
    }
    until("others at the known one", || known.network.status().borrow().chains[0].peers == 5).await;
    let newcomer = Member::with(&spec, &[], through(&known, folder.path())).await;
    let (status, hint) = (newcomer.network.status(), known.network.peer());
    let dialled = || {
        let status = status.borrow();
        let greeted = status.peers.iter().filter(|shown| shown.greeted && !shown.inbound);
        greeted.map(|shown| shown.peer).collect::<Vec<_>>()
    };
    until("others", || dialled().iter().filter(|peer| **peer != hint).count() >= 4).await;
    until("and not the one that led to them", || !dialled().contains(&hint)).await;
    let height = final_height(&known.node);
    until("its blocks through the others", || final_height(&newcomer.node) >= height).await;
    let bootstrap = through(&known, folder.path());
    newcomer.stop().await;
    known.stop().await;
    // It goes on without whom it was led by.
    let again = Member::with(&spec, &[], bootstrap).await;
    until("peers from the book", || again.network.status().borrow().chains[0].peers >= 2).await;
    again.stop().await;
    for other in others {
        other.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_know_no_others_stay_connected() {
    let (spec, folder) = (spec("two"), tempfile::tempdir().unwrap());
    let known = Member::start(&spec, &[0, 1], &[]).await;
    let newcomer = Member::with(&spec, &[2, 3], through(&known, folder.path())).await;
    until("both finalise", || final_height(&known.node) > 4 && final_height(&newcomer.node) > 4).await;
    assert_eq!(newcomer.network.status().borrow().chains[0].peers, 1);
    newcomer.stop().await;
    known.stop().await;
}
