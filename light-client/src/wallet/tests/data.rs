use proptest::prelude::*;

use super::{keyring, payment, recipient};
use crate::{
    crypto::Signature,
    data_format::{Address, Height, Status, Time},
    wallet::{
        AccountEntry, AccountSource, ChangeSet, Fingerprint, Payment, PaymentStage, RequestId, StageError,
        WalletData,
    },
};

fn stages() -> [PaymentStage; 11] {
    let (height, status) = (Height(7), Status::Success);
    [
        PaymentStage::Draft,
        PaymentStage::Reviewed,
        PaymentStage::AwaitingSignature,
        PaymentStage::Signed,
        PaymentStage::Submitted { servers: vec!["a".to_owned()] },
        PaymentStage::InBlock { height, status },
        PaymentStage::Refused { code: "overspend".to_owned() },
        PaymentStage::Unknown,
        PaymentStage::Final { height, status },
        PaymentStage::Expired { height },
        PaymentStage::Replaced { height },
    ]
}

/// Rows: from, columns: to, in the order of [`stages`].
const STEPS: [&str; 11] = [
    "xx.........", // draft
    "x.xx.......", // reviewed
    "x..x.......", // awaiting signature
    "....xxxxxxx", // signed
    "....xxxxxxx", // submitted
    "....xx.xxxx", // in block: a refusal does not outweigh a proof
    "....xxxxxxx", // refused: only a claim
    "....xxxxxxx", // unknown
    "...........", // final
    "...........", // expired
    "...........", // replaced
];

#[test]
fn payments_take_the_legal_steps_and_no_others() {
    for (from, row) in stages().iter().zip(STEPS) {
        for (to, step) in stages().iter().zip(row.chars()) {
            assert_eq!(from.leads_to(to), step == 'x', "{from:?} to {to:?}");
        }
        assert_eq!(from.is_settled(), !row.contains('x'));
    }
}

#[test]
fn a_payment_walks_from_draft_to_final() {
    let (height, status) = (Height(9), Status::Success);
    let mut payment = Payment::draft(payment(), Time(1));
    payment.advance(PaymentStage::Reviewed).unwrap();
    assert_eq!(payment.signed(), None);
    let unsigned = payment.advance(PaymentStage::Signed);
    assert_eq!(unsigned, Err(StageError { from: PaymentStage::Reviewed, to: PaymentStage::Signed }));
    payment.sign(Signature([1; 64])).unwrap();
    assert!(payment.signed().is_some());
    for stage in [
        PaymentStage::Submitted { servers: vec!["one".to_owned()] },
        PaymentStage::InBlock { height, status },
        PaymentStage::Submitted { servers: vec!["one".to_owned()] },
        PaymentStage::Unknown,
        PaymentStage::InBlock { height: Height(10), status },
        PaymentStage::Final { height: Height(10), status },
    ] {
        payment.advance(stage).unwrap();
    }
    let settled = payment.clone();
    assert!(payment.advance(PaymentStage::Unknown).is_err());
    assert!(payment.sign(Signature([2; 64])).is_err());
    assert_eq!(payment, settled);
}

#[test]
fn stored_data_is_read_back_and_anything_else_refused() {
    let keyring = keyring();
    let account = keyring.accounts()[0];
    let mut payment = Payment::draft(payment(), Time(5));
    payment.advance(PaymentStage::Reviewed).unwrap();
    payment.sign(Signature([1; 64])).unwrap();
    payment.advance(PaymentStage::Submitted { servers: vec!["one".to_owned(), "two".to_owned()] }).unwrap();
    let changes = ChangeSet {
        accounts: [(account.address, Some(AccountEntry::of_seed(&account, keyring.fingerprint())))].into(),
        names: [(account.address, Some("Savings".to_owned()))].into(),
        payments: [(RequestId([1; 16]), Some(payment))].into(),
    };
    assert_eq!(ChangeSet::decode(&changes.encode()), Ok(changes.clone()));
    let mut data = WalletData::default();
    data.apply(changes);
    let bytes = data.encode();
    assert_eq!(WalletData::decode(&bytes), Ok(data));
    for length in 0..bytes.len() {
        assert!(WalletData::decode(&bytes[..length]).is_err());
    }
    assert!(WalletData::decode(&[&[9], &bytes[1..]].concat()).is_err());
    assert!(WalletData::decode(&[bytes, vec![0]].concat()).is_err());
    let crowded = PaymentStage::Submitted { servers: vec![String::new(); 17] };
    assert!(borsh::from_slice::<PaymentStage>(&borsh::to_vec(&crowded).unwrap()).is_err());
}

#[test]
fn a_map_out_of_order_or_with_a_key_twice_is_refused() {
    let names = |entries: &[(Address, Option<String>)]| {
        let nothing = 0_u32.to_le_bytes();
        [&[1][..], &nothing, &borsh::to_vec(entries).unwrap(), &nothing].concat()
    };
    let (a, b) = (recipient(), keyring().accounts()[0].address);
    let (first, second) = ((a.min(b), None), (a.max(b), Some("x".to_owned())));
    assert!(ChangeSet::decode(&names(&[first.clone(), second.clone()])).is_ok());
    assert!(ChangeSet::decode(&names(&[second, first.clone()])).is_err());
    assert!(ChangeSet::decode(&names(&[first.clone(), first])).is_err());
}

fn change_sets() -> impl Strategy<Value = ChangeSet> {
    let watched = AccountEntry { public_key: None, source: AccountSource::Watched };
    let cold = AccountSource::Cold { fingerprint: Fingerprint([1; 4]), index: 3 };
    let entries = prop::sample::select(vec![watched, AccountEntry { source: cold, ..watched }]);
    let addresses = prop::sample::select(vec![recipient(), keyring().accounts()[0].address]);
    let payments = (0_u64..3).prop_map(|created| Payment::draft(payment(), Time(created)));
    let ids = (0_u8..3).prop_map(|byte| RequestId([byte; 16]));
    (
        prop::collection::btree_map(addresses.clone(), prop::option::of(entries), 0..3),
        prop::collection::btree_map(addresses, prop::option::of("[ab]"), 0..3),
        prop::collection::btree_map(ids, prop::option::of(payments), 0..4),
    )
        .prop_map(|(accounts, names, payments)| ChangeSet { accounts, names, payments })
}

fn merged(mut first: ChangeSet, later: ChangeSet) -> ChangeSet {
    first.merge(later);
    first
}

fn applied(sets: &[ChangeSet]) -> WalletData {
    let mut data = WalletData::default();
    sets.iter().for_each(|set| data.apply(set.clone()));
    data
}

proptest! {
    #[test]
    fn merging_is_associative_and_equals_applying_in_turn(
        a in change_sets(), b in change_sets(), c in change_sets(), start in change_sets(),
    ) {
        let left = merged(merged(a.clone(), b.clone()), c.clone());
        let right = merged(a.clone(), merged(b.clone(), c.clone()));
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(applied(&[start.clone(), left]), applied(&[start, a, b, c]));
    }

    #[test]
    fn nothing_changes_by_merging_nothing_or_the_same_twice(a in change_sets()) {
        prop_assert_eq!(merged(a.clone(), ChangeSet::default()), a.clone());
        prop_assert_eq!(merged(ChangeSet::default(), a.clone()), a.clone());
        prop_assert_eq!(merged(a.clone(), a.clone()), a.clone());
        prop_assert_eq!(a.is_empty(), a == ChangeSet::default());
    }
}
