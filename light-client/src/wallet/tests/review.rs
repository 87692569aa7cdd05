use proptest::prelude::*;
use zeroize::Zeroizing;

use super::{keyring, payment, recipient, spec};
use crate::{
    crypto::{Hash, KeyPair},
    data_format::{
        Address, Amount, Call, ChainSpec, Checkpoint, CoinCall, Evidence, Height, LeaseCall, Link,
        MintingKey, ModuleName, Network, Round, SlotTable, SupernodeCall, Transaction, Triple,
        UNITS_PER_COIN, Vote,
    },
    transaction::AccountView,
    wallet::{Caution, Fact, Label, Review, ReviewFacts, Trust, Value, review},
};

fn reviewed(transaction: &Transaction, facts: &ReviewFacts) -> Review {
    let spec = spec();
    review(&transaction.signed_bytes(&spec.id()), &spec, &spec.id(), facts).unwrap()
}

fn row(review: &Review, label: Label) -> Option<(String, Trust)> {
    review.rows.iter().find(|row| row.label == label).map(|row| (row.value.to_string(), row.trust))
}

fn facts() -> ReviewFacts {
    let account = AccountView { nonce: 3, balance: Amount(2_000_000_000) };
    ReviewFacts {
        sender: Some(Fact { value: Some(account), proven_at: Some(Height(42)) }),
        recipients: [(recipient(), Fact { value: true, proven_at: Some(Height(42)) })].into(),
        names: [(recipient(), "Ada".to_owned())].into(),
        next_height: Some(Height(43)),
        ..ReviewFacts::default()
    }
}

#[test]
fn rows_say_what_is_signed_and_what_is_proven() {
    let review = reviewed(&payment(), &facts());
    let proven = Trust::Proven { height: Height(42) };
    let sender = Address::of(&payment().sender, Network::Test).to_string();
    let in_fives = |text: &str| {
        text.as_bytes().chunks(5).map(|five| std::str::from_utf8(five).unwrap()).collect::<Vec<_>>().join(" ")
    };
    for (label, value, trust) in [
        (Label::Chain, "test".to_owned(), Trust::Signed),
        (Label::From, in_fives(&sender), Trust::Signed),
        (Label::To, format!("{} (Ada)", in_fives(&recipient().to_string())), Trust::Signed),
        (Label::RecipientKnown, "yes".to_owned(), proven),
        (Label::Amount, "12.5 VSYS".to_owned(), Trust::Signed),
        (Label::Fee, "0.1 VSYS".to_owned(), Trust::Signed),
        (Label::Total, "12.6 VSYS".to_owned(), Trust::Signed),
        (Label::Memo, "rent".to_owned(), Trust::Signed),
        (Label::ValidUntil, "100".to_owned(), Trust::Signed),
        (Label::Nonce, "3".to_owned(), Trust::Signed),
        (Label::BalanceBefore, "20 VSYS".to_owned(), proven),
        (Label::BalanceAfter, "7.4 VSYS".to_owned(), proven),
    ] {
        assert_eq!(row(&review, label), Some((value, trust)), "{label:?}");
        assert!(!label.english().is_empty());
    }
    assert_eq!(review.rows.len(), 12);
    assert_eq!(review.cautions, []);
    assert_eq!(review.id, payment().id(&spec().id()));
}

#[test]
fn leases_are_told_from_payments() {
    let with = |call: LeaseCall| {
        let transaction = Transaction { calls: vec![Call::Lease(call)], ..payment() };
        let spec = ChainSpec { modules: vec![ModuleName::Lease], ..spec() };
        review(&transaction.signed_bytes(&spec.id()), &spec, &spec.id(), &facts()).unwrap()
    };
    let amount = Amount(500_000_000);
    let rows = |review: &Review, labels: [Label; 4]| {
        labels.map(|label| row(review, label).map(|(value, _)| value).unwrap_or_default())
    };
    let figures = [Label::Amount, Label::Total, Label::BalanceAfter, Label::To];
    let lease = with(LeaseCall::Lease { to: recipient(), amount });
    assert!(row(&lease, Label::LeaseTo).is_some() && row(&lease, Label::RecipientKnown).is_some());
    assert_eq!(rows(&lease, figures), ["5 VSYS", "0.1 VSYS", "14.9 VSYS", ""]);
    let back = with(LeaseCall::Cancel { from: recipient(), amount });
    assert!(row(&back, Label::CallBackFrom).is_some());
    assert_eq!(rows(&back, figures), ["5 VSYS", "0.1 VSYS", "19.9 VSYS", ""]);
    let claim = with(LeaseCall::Claim { from: recipient() });
    assert!(row(&claim, Label::ClaimFrom).is_some());
    assert_eq!(rows(&claim, figures), ["", "0.1 VSYS", "19.9 VSYS", ""]);
}

#[test]
fn a_lease_to_somebody_without_a_slot_is_pointed_out() {
    let spec = ChainSpec { modules: vec![ModuleName::Lease], ..spec() };
    let cautions = |call: LeaseCall, holds: Option<bool>| {
        let transaction = Transaction { calls: vec![Call::Lease(call)], ..payment() };
        let holders = holds.map(|value| (recipient(), Fact { value, proven_at: None })).into_iter().collect();
        let facts = ReviewFacts { holders, ..facts() };
        review(&transaction.signed_bytes(&spec.id()), &spec, &spec.id(), &facts).unwrap().cautions
    };
    let amount = Amount(500_000_000);
    let lease = || LeaseCall::Lease { to: recipient(), amount };
    let found = cautions(lease(), Some(false));
    assert_eq!(found, [Caution::HoldsNoSlot { to: recipient() }]);
    let words = found[0].to_string();
    assert!(words.contains(&recipient().to_string()) && words.contains("earns nothing"), "{words}");
    assert_eq!(cautions(lease(), Some(true)), []);
    assert_eq!(cautions(lease(), None), [], "what is not known is not said");
    assert_eq!(cautions(LeaseCall::Cancel { from: recipient(), amount }, Some(false)), []);
}

#[test]
fn what_concerns_a_supernode_is_told_in_rows_of_its_own() {
    let mut spec = ChainSpec { modules: vec![ModuleName::Supernode], ..spec() };
    let spos = spec.engine.spos_mut().unwrap();
    (spos.slots, spos.contend_fee) = (SlotTable(vec![None; 2]), Amount(50_000 * UNITS_PER_COIN));
    let (chain, sender) = (spec.id(), Address::of(&payment().sender, spec.network));
    let with = |call: SupernodeCall| {
        let transaction = Transaction { calls: vec![Call::Supernode(call)], ..payment() };
        review(&transaction.signed_bytes(&chain), &spec, &chain, &facts()).unwrap()
    };
    let rewards = with(SupernodeCall::SetRewardAddress { to: recipient() });
    let (to, trust) = row(&rewards, Label::RewardAddress).unwrap();
    assert!(to.ends_with("(Ada)") && trust == Trust::Signed);
    assert_eq!(row(&rewards, Label::Total).unwrap().0, "0.1 VSYS", "nothing leaves but the fee");

    let key = KeyPair::ed25519(&Zeroizing::new([9; 32]));
    let vote = |id| {
        let target =
            Triple { checkpoint: Checkpoint { round: Round(2), id: Hash([id; 32]) }, next_slots: Hash::ZERO };
        let source = Triple { checkpoint: Checkpoint::default(), ..target };
        Vote::sign(Link { source, target }, &chain, &key).unwrap()
    };
    let evidence = Evidence::of_votes(&vote(1), &vote(2)).unwrap();
    let report = with(SupernodeCall::Report { evidence: Box::new(evidence) });
    let accused = Hash(*key.public().as_bytes()).to_string();
    assert_eq!(row(&report, Label::ReportedKey), Some((accused, Trust::Signed)));

    let word = MintingKey::sign(&key, &chain, &sender, payment().nonce, Checkpoint::default()).unwrap();
    let contend = with(SupernodeCall::Contend { slot: 1, commission: 0, key: word.into() });
    assert_eq!(row(&contend, Label::ContendForSlot), Some(("1".to_owned(), Trust::Signed)));
    assert_eq!(row(&contend, Label::BurnedIfWon), Some(("50000 VSYS".to_owned(), Trust::Signed)));
    assert_eq!(row(&contend, Label::Total).unwrap().0, "0.1 VSYS", "only who wins pays it");

    let release = with(SupernodeCall::Release);
    assert_eq!(row(&release, Label::BurnedIfWon), None);
    assert_eq!(row(&release, Label::ReleaseSlot), Some(("yes".to_owned(), Trust::Signed)));
    let commission = with(SupernodeCall::SetCommission { commission: 1_205 });
    assert_eq!(row(&commission, Label::Commission), Some(("12.05 %".to_owned(), Trust::Signed)));
}

#[test]
fn what_is_not_known_is_unknown_and_never_zero() {
    let review = reviewed(&payment(), &ReviewFacts::default());
    for label in [Label::RecipientKnown, Label::BalanceBefore, Label::BalanceAfter] {
        assert_eq!(row(&review, label), Some(("unknown".to_owned(), Trust::Unknown)));
    }
    let mut claimed = facts();
    claimed.sender = claimed.sender.map(|fact| Fact { proven_at: None, ..fact });
    let review = reviewed(&payment(), &claimed);
    assert_eq!(row(&review, Label::BalanceBefore), Some(("20 VSYS".to_owned(), Trust::NotProven)));
}

#[test]
fn cautions_point_out_what_a_person_should_stop_at() {
    let mut facts = facts();
    facts.recipients.insert(recipient(), Fact { value: false, proven_at: Some(Height(42)) });
    facts.sender = Some(Fact { value: None, proven_at: Some(Height(42)) });
    let mut transaction = payment();
    transaction.fee = Amount(100_000_000);
    transaction.memo = "paid\u{202e}".as_bytes().to_vec();
    let review = reviewed(&transaction, &facts);
    let shown: Vec<String> = review.cautions.iter().map(ToString::to_string).collect();
    assert_eq!(review.cautions.len(), 4, "{shown:?}");
    assert!(review.cautions.contains(&Caution::NewRecipient { to: recipient() }));
    assert!(review.cautions.contains(&Caution::UnprintableMemo));
    assert!(
        review.cautions.contains(&Caution::HighFee { fee: Amount(100_000_000), minimum: Amount(10_000_000) })
    );
    let Some(Caution::WouldFail(error)) = review.cautions.last() else { panic!("{shown:?}") };
    assert_eq!(error.code(), "unknown_account");
    assert_eq!(row(&review, Label::Memo), Some(("70616964e280ae".to_owned(), Trust::Signed)));
    // Known to hold nothing is a balance of 0, and what cannot be paid has no balance after.
    assert_eq!(row(&review, Label::BalanceBefore).unwrap().0, "0 VSYS");
    assert_eq!(row(&review, Label::BalanceAfter), Some(("unknown".to_owned(), Trust::Unknown)));
}

#[test]
fn paying_oneself_costs_the_fee_alone() {
    let mut transaction = payment();
    let to = keyring().accounts()[0].address;
    transaction.calls = vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(100_000_000) })];
    let review = reviewed(&transaction, &facts());
    assert_eq!(review.cautions, [Caution::ToSelf]);
    assert_eq!(row(&review, Label::BalanceAfter).unwrap().0, "19.9 VSYS");
    assert_eq!(row(&review, Label::RecipientKnown), None);
}

#[test]
fn what_is_not_a_transaction_of_this_chain_is_not_shown_as_one() {
    let spec = spec();
    let other = ChainSpec { name: "other".to_owned(), ..spec.clone() };
    let show = |bytes: &[u8]| review(bytes, &spec, &spec.id(), &facts()).map_err(|error| error.rule());
    assert_eq!(show(&payment().signed_bytes(&other.id())), Err("TX-CHAIN-1"));
    assert_eq!(show(b"vsys/1/seal"), Err("TX-FORMAT-1"));
    assert_eq!(show(&[]), Err("TX-FORMAT-1"));
    let mut broken = payment();
    broken.calls.clear();
    assert_eq!(show(&broken.signed_bytes(&spec.id())), Err("TX-CALLS-1"));
}

proptest! {
    /// A memo cannot draw rows of its own: whatever is shown as text is one line of visible characters.
    #[test]
    fn a_memo_is_shown_as_one_plain_line_or_as_bytes(memo in "(?s).{0,35}") {
        let mut transaction = payment();
        transaction.memo = memo.into_bytes();
        let review = reviewed(&transaction, &facts());
        for row in review.rows.iter().filter(|row| row.label == Label::Memo) {
            if let Value::Text(text) = &row.value {
                prop_assert_eq!(text.as_bytes(), &transaction.memo);
                let plain = text.chars().all(|c| !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c));
                prop_assert!(plain);
            } else {
                prop_assert_eq!(&row.value, &Value::Bytes(transaction.memo.clone()));
                prop_assert!(review.cautions.contains(&Caution::UnprintableMemo));
            }
        }
    }
}
