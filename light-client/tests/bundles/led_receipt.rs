//! Receipts that lead over changes of most of those who vote.

use light_client::{
    client::{Anchor, HandOver, HandOverError, HeaderPath, Receipt, Trusted},
    consensus::{
        AnchorError,
        spos::{Table, Tables},
    },
    test_support::chain::test_table,
};

use super::*;

/// Goes on until the holders of slots `first..first + count`, counted around, were replaced, one after the other.
fn replace(chain: &mut ScriptedChain, first: u64, count: u64) {
    let table = |changes: u64| {
        let key = |slot: u64| 1_000 + slot + 4 * ((changes + 3 - slot) / 4);
        Table::new(test_table(&(0..4).map(key).collect::<Vec<u64>>())).unwrap()
    };
    for change in first..first + count {
        let planned = Some(table(change + 1).into());
        chain.set_tables(Tables { in_force: table(change).into(), planned });
        chain.advance(&[]);
        chain.advance(&[]);
        chain.set_tables(Tables::settled(table(change + 1)));
        chain.advance(&[]);
    }
    (0..3).for_each(|_| chain.advance(&[]));
}

/// A payment before and one after all holders changed.
fn changed() -> (ScriptedChain, [TransactionId; 2]) {
    let mut chain = rounds(chain(4), 3);
    let (_, early) = pay(&mut chain);
    replace(&mut chain, 0, 6);
    let (_, late) = pay(&mut chain);
    (rounds(chain, 3), [early, late])
}

fn check(chain: &ScriptedChain, receipt: &Receipt) -> Result<(Trusted, TransactionId), ProofFailure> {
    let (newer, proven) = verifier(chain).receipt(&chain.genesis(), receipt, chain.now())?;
    assert!(proven.value().succeeded());
    Ok((newer, proven.value().id))
}

#[test]
fn a_receipt_leads_over_changes_of_most_holders() {
    let (chain, payments) = changed();
    let genesis = chain.genesis();
    for id in payments {
        // One step is not enough.
        let included = chain.transaction_bundle(&genesis, &id).unwrap();
        let step = verifier(&chain).transaction(&genesis, id, &included, chain.now());
        assert!(matches!(step, Err(ProofFailure::Anchor(AnchorError::NotEnoughTrust { .. }))));
        let receipt = chain.receipt(&genesis, &id).unwrap();
        assert!(receipt.way.len() == 1 && !receipt.way[0].links.is_empty());
        let bytes = receipt.to_bytes();
        println!("{} links, {} bytes", receipt.way[0].links.len(), bytes.len());
        assert!(bytes.len() <= 3_000 + 1_000 * receipt.way[0].links.len(), "{} bytes", bytes.len());
        let receipt = Receipt::from_bytes(&bytes).unwrap();
        let (newer, proven) = check(&chain, &receipt).unwrap();
        assert_eq!((newer.id, proven), (receipt.way[0].end.source.id(), id));
        assert_eq!(Receipt::from_text(&receipt.to_text()), Ok(receipt));
    }
    // From a block after the changes there is nothing to lead over.
    let after = check(&chain, &chain.receipt(&genesis, &payments[0]).unwrap()).unwrap().0;
    assert!(chain.receipt(&after, &payments[0]).unwrap().way.is_empty());
}

#[test]
fn hand_overs_of_a_receipt_hold_in_their_order_alone() {
    let mut chain = rounds(chain(4), 3);
    replace(&mut chain, 0, 4);
    let (_, id) = pay(&mut chain);
    let genesis = chain.genesis();
    let first = chain.hand_over(&genesis).unwrap();
    let between = verifier(&chain).hand_over(&genesis, &first, chain.now()).unwrap().trusted;
    replace(&mut chain, 4, 4);
    let receipt = chain.receipt(&between, &id).unwrap();
    let [second] = &receipt.way[..] else { panic!("all four changed again") };
    let whole = |way: Vec<HandOver>| Receipt {
        from: genesis.id,
        from_height: genesis.height,
        way,
        ..receipt.clone()
    };
    let good = whole(vec![first.clone(), second.clone()]);
    assert_eq!(check(&chain, &good).unwrap().1, id);
    for way in [
        vec![second.clone()],
        vec![second.clone(), first.clone()],
        vec![first.clone(), second.clone(), second.clone()],
    ] {
        let failure = check(&chain, &whole(way)).unwrap_err();
        assert!(matches!(failure, ProofFailure::HandOver(_)), "{failure}");
    }
    // Cut short, the anchor does not follow from where it ends.
    let failure = check(&chain, &whole(vec![first.clone()])).unwrap_err();
    assert!(matches!(failure, ProofFailure::Anchor(AnchorError::AnotherHeader { .. })), "{failure}");
    // Whoever trusts another block than the one it starts from hears which one is needed.
    let elsewhere = verifier(&chain).receipt(&between, &good, chain.now()).unwrap_err();
    let ProofFailure::AnotherCheckpoint { needed, ref error, .. } = elsewhere else { panic!("{elsewhere}") };
    assert_eq!(needed, genesis.id);
    assert!(matches!(**error, ProofFailure::HandOver(HandOverError::Order { .. })), "{error}");
    assert!(!elsewhere.is_lie());
    // Too many to read.
    let bytes = whole(vec![first; 65]).to_bytes();
    assert!(Receipt::from_bytes(&bytes).is_err());
}

#[test]
fn a_forged_way_is_refused() {
    let (chain, [id, _]) = changed();
    let good = chain.receipt(&chain.genesis(), &id).unwrap();
    let with = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = good.clone();
        change(&mut receipt);
        check(&chain, &receipt).unwrap_err()
    };
    for change in [
        (|receipt: &mut Receipt| drop(receipt.way[0].links.remove(0))) as fn(&mut Receipt),
        |receipt| receipt.way[0].links.swap(0, 1),
        |receipt| receipt.way[0].links[0].target.0[0] ^= 1,
        |receipt| receipt.way[0].links[1].signatures.truncate(1),
        |receipt| receipt.way[0].end.source.height.0 += 1,
    ] {
        let failure = with(&change);
        assert!(matches!(failure, ProofFailure::HandOver(_)), "{failure}");
    }
    // An anchor that the way does not lead to, even one of this chain.
    let other = chain.header(good.way[0].end.source.height.next()).header.clone();
    let failure = with(&|receipt| receipt.included.anchor = Anchor::Trusted(Box::new(other.clone())));
    assert!(matches!(failure, ProofFailure::Anchor(_)), "{failure}");
    let failure = with(&|receipt| receipt.included.path = HeaderPath::Anchor);
    assert!(matches!(failure, ProofFailure::Outcome(_)), "{failure}");
    never_says_anything_else(&good, |receipt| check(&chain, receipt));
}
