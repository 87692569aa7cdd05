//! A valid block, altered in every place, is refused with the error of the rule that it breaks.

use light_client::{
    block_tree::TreeError,
    consensus::spos::{Block, CertificateError, HeaderError},
    crypto::{Hash, Signature},
    data_format::{Amount, Header, Height, Round, Slot},
    transaction::TransactionError,
};

use super::harness::{Harness, in_slot, keys};
use crate::block_tree::BlockError;

/// A follower with blocks 1 to 4, and the valid block 5 of round 1, which has a certificate and two payments.
fn scene() -> (Harness, Block) {
    let mut node = Harness::new();
    node.pay(0, node.address(1), 5);
    node.steps(4);
    for nonce in 1..3 {
        node.node.submit_now(&node.transfer(0, nonce, node.address(1), 6)).unwrap();
    }
    node.step();
    let mut follower = Harness::with_keys(&[]);
    follower.take(&(1..=4).map(|height| node.block(height)).collect::<Vec<_>>(), 4);
    let block = node.block(5);
    assert!(block.certificate.is_some() && block.transactions.len() == 2);
    (follower, block)
}

/// Seals a block as its slot's holder would.
fn reseal(block: &mut Block, harness: &Harness) {
    let header = &block.header.header;
    let key = keys(&[usize::try_from(header.slot.0 % 4).unwrap()]).remove(0);
    block.header.seal = key.sign(&Header::seal_message(&harness.node.chain(), &header.id()));
}

#[test]
fn a_garbled_copy_of_a_known_block_is_refused() {
    let (mut follower, block) = scene();
    follower.take(std::slice::from_ref(&block), 5);
    let refused = |alter: fn(&mut Block)| {
        let mut copy = block.clone();
        alter(&mut copy);
        follower.node.insert(&copy, in_slot(5)).unwrap_err()
    };
    let error = refused(|block| block.header.seal.0[3] ^= 1);
    assert!(matches!(error, BlockError::Header(HeaderError::Seal)), "{error:?}");
    let error = refused(|block| block.transactions[1].signature.0[3] ^= 1);
    assert!(matches!(error, BlockError::Transaction { index: 1, .. }), "{error:?}");
    let error = refused(|block| block.certificate = None);
    assert!(matches!(error, BlockError::CertificateHash { .. }), "{error:?}");
    follower.node.insert(&block, in_slot(5)).unwrap();
}

/// The error for a block that was altered and sealed again.
fn refusal(alter: impl FnOnce(&mut Block)) -> BlockError {
    let (mut follower, mut block) = scene();
    let (before, head) = (follower.indexes(), follower.node.status().head);
    let valid = block.clone();
    alter(&mut block);
    reseal(&mut block, &follower);
    let error = follower.node.insert(&block, in_slot(5)).unwrap_err();
    assert!(!error.is_fault(), "{error}");
    assert_eq!((follower.indexes(), follower.node.status().head), (before, head), "nothing changed");
    // The honest block is not poisoned by the altered one.
    follower.take(&[valid], 5);
    follower.check_state();
    error
}

macro_rules! refused {
    ($name:ident, $alter:expr, $error:pat) => {
        #[test]
        fn $name() {
            let error = refusal($alter);
            assert!(matches!(error, $error), "{error:?}");
        }
    };
}

refused!(
    another_version,
    |b: &mut Block| b.header.header.version = 2,
    BlockError::Header(HeaderError::Version(2))
);
refused!(
    an_unknown_parent,
    |b: &mut Block| b.header.header.parent = Hash([1; 32]),
    BlockError::Tree(TreeError::UnknownParent { .. })
);
refused!(
    another_height,
    |b: &mut Block| b.header.header.height = Height(6),
    BlockError::Header(HeaderError::Parent { .. })
);
refused!(
    a_slot_that_is_over,
    |b: &mut Block| b.header.header.slot = Slot(4),
    BlockError::Header(HeaderError::SlotOrder { .. })
);
refused!(
    a_slot_to_come,
    |b: &mut Block| b.header.header.slot = Slot(9),
    BlockError::Header(HeaderError::SlotEarly { .. })
);
refused!(another_state, |b: &mut Block| b.header.header.state_root.0[0] ^= 1, BlockError::StateRoot { .. });
refused!(
    other_outcomes,
    |b: &mut Block| b.header.header.transactions_root.0[0] ^= 1,
    BlockError::TransactionsRoot { .. }
);
refused!(
    another_count,
    |b: &mut Block| b.header.header.transactions_count = 3,
    BlockError::TransactionCount { expected: 3, found: 2 }
);
refused!(
    other_headers,
    |b: &mut Block| b.header.header.headers_root.0[0] ^= 1,
    BlockError::HeadersRoot { .. }
);
refused!(other_tables, |b: &mut Block| b.header.header.next_slots.0[0] ^= 1, BlockError::NextSlots { .. });
refused!(
    a_main_parent,
    |b: &mut Block| b.header.header.main_parent = Some(Hash([1; 32])),
    BlockError::Header(HeaderError::MainParent)
);
refused!(a_certificate_left_out, |b: &mut Block| b.certificate = None, BlockError::CertificateHash { .. });
refused!(
    a_certificate_that_is_not_committed_to,
    |b: &mut Block| {
        b.header.header.certificate_hash = Hash::ZERO;
        b.header.header.justified = light_client::data_format::Checkpoint::default();
    },
    BlockError::CertificateHash { .. }
);
refused!(
    justified_without_a_certificate,
    |b: &mut Block| {
        b.certificate = None;
        b.header.header.certificate_hash = Hash::ZERO;
    },
    BlockError::Header(HeaderError::Justified { .. })
);
refused!(
    another_block_justified,
    |b: &mut Block| b.header.header.justified.id = Hash([1; 32]),
    BlockError::Justified { .. }
);
refused!(
    justified_in_a_round_to_come,
    |b: &mut Block| b.header.header.justified.round = Round(2),
    BlockError::Header(HeaderError::Justified { .. })
);
refused!(
    another_target,
    |b: &mut Block| certificate(b, |c| c.link.target.checkpoint.id = Hash([1; 32])),
    BlockError::Target { .. }
);
refused!(
    another_source,
    |b: &mut Block| certificate(b, |c| c.link.source.checkpoint.id = Hash([1; 32])),
    BlockError::Source { .. }
);
refused!(
    tables_that_nobody_committed_to,
    |b: &mut Block| certificate(b, |c| c.link.target.next_slots = Hash([1; 32])),
    BlockError::Certificate(CertificateError::Tables)
);
refused!(
    a_vote_that_does_not_hold,
    |b: &mut Block| certificate(b, |c| c.signatures[1] = Signature([1; 64])),
    BlockError::Certificate(CertificateError::Signature(1))
);
refused!(
    too_few_votes,
    |b: &mut Block| certificate(b, |c| {
        c.signers = light_client::consensus::spos::SignerSet::of([0, 1]);
        c.signatures.truncate(2);
    }),
    BlockError::Certificate(CertificateError::Quorum { signed: 2, needed: 3 })
);
refused!(
    transactions_in_another_order,
    |b: &mut Block| b.transactions.swap(0, 1),
    BlockError::Transaction { index: 0, error: TransactionError::NonceGap { .. } }
);
refused!(
    a_transaction_twice,
    |b: &mut Block| b.transactions[1] = b.transactions[0].clone(),
    BlockError::Transaction { index: 1, error: TransactionError::NonceUsed { .. } }
);
refused!(
    an_altered_transaction,
    |b: &mut Block| b.transactions[0].transaction.fee = Amount(u64::MAX / 2),
    BlockError::Transaction { index: 0, error: TransactionError::Signature(_) }
);

/// Alters the certificate, and the header so that it commits to that.
fn certificate(block: &mut Block, alter: impl FnOnce(&mut light_client::consensus::spos::Certificate)) {
    let certificate = block.certificate.as_mut().unwrap();
    alter(certificate);
    block.header.header.certificate_hash = certificate.hash();
}

#[test]
fn a_seal_of_somebody_else() {
    let (mut follower, valid) = scene();
    let mut block = valid.clone();
    let message = Header::seal_message(&follower.node.chain(), &block.header.header.id());
    block.header.seal = keys(&[2]).remove(0).sign(&message);
    let error = follower.node.insert(&block, in_slot(5)).unwrap_err();
    assert!(matches!(error, BlockError::Header(HeaderError::Seal)), "{error:?}");
    // The same id with the honest seal is still welcome.
    follower.take(&[valid], 5);
}

#[test]
fn a_block_of_another_chain() {
    let (follower, mut block) = scene();
    let mut other = super::harness::spec();
    other.name.push('2');
    let message = Header::seal_message(&other.id(), &block.header.header.id());
    block.header.seal = keys(&[1]).remove(0).sign(&message);
    let error = follower.node.insert(&block, in_slot(5)).unwrap_err();
    assert!(matches!(error, BlockError::Header(HeaderError::Seal)), "{error:?}");
}

#[test]
fn a_signature_that_the_pool_never_saw() {
    // The id does not cover the signature: a known id does not vouch for another one.
    let (follower, mut block) = scene();
    for signed in &block.transactions {
        follower.node.submit_now(signed).unwrap();
    }
    block.transactions[0].signature = Signature([1; 64]);
    let error = follower.node.insert(&block, in_slot(5)).unwrap_err();
    let expected =
        matches!(error, BlockError::Transaction { index: 0, error: TransactionError::Signature(_) });
    assert!(expected, "{error:?}");
}

#[test]
fn a_block_that_is_too_large() {
    let (follower, mut block) = scene();
    let filler = block.transactions[0].clone();
    block.transactions = vec![filler; 40_000];
    let error = follower.node.insert(&block, in_slot(5)).unwrap_err();
    assert!(matches!(error, BlockError::TooLarge { .. }), "{error:?}");
}
