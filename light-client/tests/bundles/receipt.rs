//! Receipts: a payment proven to anybody.

use light_client::{
    client::{HeaderPath, Receipt, Trusted},
    consensus::AnchorError,
    data_format::{Call, CoinCall, Height, Status, Transaction},
    test_support::chain::{FEE, test_key},
};

use super::*;

/// A payment that is final, and its receipt for who trusts genesis.
fn paid() -> (ScriptedChain, SignedTransaction, Receipt) {
    let mut chain = rounds(chain(4), 3);
    let (signed, id) = pay(&mut chain);
    let chain = rounds(chain, 3);
    let receipt = chain.receipt(&chain.genesis(), &id).unwrap();
    (chain, signed, receipt)
}

#[test]
fn a_receipt_shows_the_payment_to_somebody_who_trusts_one_block() {
    let (chain, signed, receipt) = paid();
    let (trusted, now) = (chain.genesis(), chain.now());
    // The reader has a file, a spec and a checkpoint.
    let receipt = Receipt::from_bytes(&receipt.to_bytes()).unwrap();
    let (newer, proven) = verifier(&chain).receipt(&trusted, &receipt, now).unwrap();
    let payment = proven.value();
    let header = &chain.header(Height(13)).header;
    assert_eq!((payment.sender, payment.block.id), (test_address(1), header.id()));
    assert_eq!((payment.time, payment.succeeded()), (chain.clock().start(header.slot), true));
    assert_eq!(payment.transfers().collect::<Vec<_>>(), [(test_address(2), Amount(7 * COIN))]);
    assert_eq!(payment.transaction, signed.transaction);
    assert_eq!((payment.outcome.fee, proven.at()), (FEE, &payment.block));
    assert!(newer.height >= Height(13));
}

#[test]
fn a_receipt_from_elsewhere_says_which_block_to_trust() {
    let (chain, _, receipt) = paid();
    let (genesis, now, verifier) = (chain.genesis(), chain.now(), verifier(&chain));
    // Somebody who trusts a later block whose signers are the same need not go back.
    let early = rounds(super::chain(4), 3);
    let between = verifier.anchor(&genesis, &early.anchor(&genesis), early.now()).unwrap();
    assert_ne!(between.id, receipt.from);
    assert!(verifier.receipt(&between, &receipt, now).is_ok());
    // But what comes after the receipt's final block does not lead back to it.
    let later = rounds(paid().0, 3);
    let after = verifier.anchor(&genesis, &later.anchor(&genesis), later.now()).unwrap();
    let refused = verifier.receipt(&after, &receipt, later.now()).unwrap_err();
    let ProofFailure::AnotherCheckpoint { needed, height, trusted, error } = &refused else {
        panic!("{refused}")
    };
    assert_eq!((*needed, *height, *trusted), (genesis.id, Height(0), after.id));
    assert!(matches!(**error, ProofFailure::Anchor(AnchorError::Behind { .. })) && !refused.is_lie());
    let words = refused.to_string();
    assert!(words.contains(&genesis.id.to_string()) && words.contains("height 0"), "{words}");
    // Of another chain.
    let other = super::chain(7);
    let elsewhere = super::verifier(&other).receipt(&other.genesis(), &receipt, now);
    let (found, expected) = (chain.spec().id(), other.spec().id());
    assert_eq!(elsewhere.unwrap_err(), ProofFailure::ReceiptOfAnotherChain { found, expected });
    // That word changed, it is one of a transaction that nobody signed for this chain.
    let disguised = Receipt { chain: expected, ..receipt };
    let elsewhere = super::verifier(&other).receipt(&other.genesis(), &disguised, now);
    assert_eq!(elsewhere.unwrap_err(), ProofFailure::Unsigned);
}

fn refused(chain: &ScriptedChain, trusted: &Trusted, receipt: &Receipt) -> ProofFailure {
    verifier(chain).receipt(trusted, receipt, chain.now()).unwrap_err()
}

#[test]
fn a_forged_receipt_is_refused() {
    let (chain, signed, good) = paid();
    let genesis = chain.genesis();
    let with = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = good.clone();
        change(&mut receipt);
        refused(&chain, &genesis, &receipt)
    };
    let richer = |transaction: &mut Transaction| {
        transaction.calls =
            vec![Call::Coin(CoinCall::Transfer { to: test_address(2), amount: Amount(70 * COIN) })];
    };
    assert_eq!(with(&|receipt| richer(&mut receipt.signed.transaction)), ProofFailure::Unsigned);
    assert_eq!(with(&|receipt| receipt.signed.transaction.memo.push(1)), ProofFailure::Unsigned);
    // Signed anew by its sender: another transaction, which is in no block.
    let mut transaction = signed.transaction.clone();
    richer(&mut transaction);
    let forged = transaction.sign(&chain.spec().id(), &test_key(1));
    let failure = with(&|receipt| receipt.signed = forged.clone());
    assert!(matches!(failure, ProofFailure::AnotherTransaction { .. }), "{failure}");
    let id = forged.transaction.id(&chain.spec().id());
    let failure = with(&|receipt| {
        receipt.signed = forged.clone();
        receipt.included.outcome.id = id;
    });
    assert!(matches!(failure, ProofFailure::Outcome(_)), "{failure}");
    for change in [
        (|receipt: &mut Receipt| receipt.included.outcome.status = Status::InsufficientBalance)
            as fn(&mut Receipt),
        |receipt| receipt.included.outcome.fee = Amount(1),
        |receipt| receipt.included.proof.0.push(light_client::crypto::Hash([1; 32])),
    ] {
        let failure = with(&change);
        assert!(matches!(failure, ProofFailure::Outcome(_)), "{failure}");
    }
    let failure = with(&|receipt| receipt.from_height = Height(1));
    assert_eq!(failure, ProofFailure::ReceiptFrom { height: Height(0), found: Height(1) });
    // The block of another payment.
    let failure = with(&|receipt| receipt.included.path = HeaderPath::Anchor);
    assert!(matches!(failure, ProofFailure::Outcome(_)), "{failure}");
    never_says_anything_else(&good, |receipt| {
        let (trusted, proven) = verifier(&chain).receipt(&genesis, receipt, chain.now())?;
        Ok((trusted, proven))
    });
}

#[test]
fn there_is_no_receipt_before_a_block_is_final() {
    let mut chain = rounds(chain(4), 3);
    let (_, id) = pay(&mut chain);
    let genesis = chain.genesis();
    let early = chain.receipt(&genesis, &id).unwrap();
    assert!(matches!(early.included.path, HeaderPath::Newer(_)));
    assert_eq!(refused(&chain, &genesis, &early), ProofFailure::NotFinal);
    let chain = rounds(chain, 2);
    let final_now = chain.receipt(&genesis, &id).unwrap();
    assert!(verifier(&chain).receipt(&genesis, &final_now, chain.now()).is_ok());
}

/// Hashes in a proof of one of `count` headers, at most: one for each level of its mountain, one for each mountain to
/// its left, one for all to its right.
fn longest_path(count: u64) -> usize {
    let height = |mountain: u64| mountain.ilog2() as usize;
    let mountains: Vec<u64> = (0..64).rev().map(|bit| count & 1 << bit).filter(|size| *size > 0).collect();
    let length = |(left, size): (usize, &u64)| left + height(*size) + usize::from(left + 1 < mountains.len());
    mountains.iter().enumerate().map(length).max().unwrap()
}

#[test]
fn a_receipt_of_one_of_a_thousand_payments_is_small() {
    let mut chain = rounds(chain(15), 2);
    let first = chain.transfer(1, test_address(2), Amount(COIN / 2));
    let payments: Vec<SignedTransaction> = (0..1_000)
        .map(|nonce| {
            Transaction { nonce, ..first.transaction.clone() }.sign(&chain.spec().id(), &test_key(1))
        })
        .collect();
    chain.advance(&payments);
    let chain = rounds(chain, 3);
    let (genesis, now) = (chain.genesis(), chain.now());
    let id = payments[517].transaction.id(&chain.spec().id());
    let receipt = chain.receipt(&genesis, &id).unwrap();
    let (_, proven) = verifier(&chain).receipt(&genesis, &receipt, now).unwrap();
    assert_eq!((proven.value().outcome.index, receipt.included.proof.0.len()), (517, 10));
    // The chain of the test is short: count the longest way to a header on one that is a year old.
    let HeaderPath::Older { proof, .. } = &receipt.included.path else { panic!("an old block") };
    let year = 7_889_400;
    assert!(longest_path(year) >= proof.0.len());
    let bytes = receipt.to_bytes().len() + 32 * (longest_path(year) - proof.0.len());
    println!("{} bytes here, {bytes} on a chain that is a year old", receipt.to_bytes().len());
    assert!(bytes <= 3_000, "a receipt of {bytes} bytes");
}
