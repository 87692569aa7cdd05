//! Every rule broken once, alone, and nothing refused that obeys them all.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::{
    crypto::{Hash, KeyPair, PublicKey, Signature, SignatureError},
    data_format::{
        Address, Amount, Call, ChainId, ChainSpec, Checkpoint, CoinCall, EngineSpec, Evidence, FeeSchedule,
        Height, LeaseCall, Link, MAX_CALLS, MAX_TRANSACTION_BYTES, MintingKey, ModuleName, Network, Round,
        SignedTransaction, SlotTable, SposSpec, Status, SupernodeCall, Time, Transaction, Triple, Vote,
        codec,
    },
};

const HEIGHT: Height = Height(10);

fn spec() -> ChainSpec {
    ChainSpec {
        name: "test".to_owned(),
        network: Network::Test,
        genesis_time: Time(0),
        engine: EngineSpec::Spos(SposSpec::without_rewards(1000, SlotTable(vec![None; 4]))),
        modules: vec![ModuleName::Coin, ModuleName::Lease, ModuleName::Supernode],
        fees: FeeSchedule { transfer: Amount(10), lease: Amount(10), supernode: Amount(10) },
        trusting_period_ms: 1,
        peers: Vec::new(),
        accounts: Vec::new(),
    }
}

fn key() -> KeyPair {
    KeyPair::ed25519(&Zeroizing::new([1; 32]))
}

fn address(byte: u8, network: Network) -> Address {
    Address::of(&PublicKey::Ed25519([byte; 32]), network)
}

fn transfer(amount: u64) -> Call {
    Call::Coin(CoinCall::Transfer { to: address(9, Network::Test), amount: Amount(amount) })
}

fn own_address() -> Address {
    Address::of(&key().public(), Network::Test)
}

fn lease_to(to: Address) -> Call {
    Call::Lease(LeaseCall::Lease { to, amount: Amount(90) })
}

fn minting_key() -> KeyPair {
    KeyPair::ed25519(&Zeroizing::new([2; 32]))
}

/// A contend with the word of the minting key, signed by this one.
fn contend(slot: u8, commission: u16, signer: &KeyPair) -> Call {
    let checkpoint = Checkpoint::default();
    let signed = MintingKey::sign(signer, &spec().id(), &own_address(), 5, checkpoint).unwrap();
    let key = MintingKey { key: Hash(*minting_key().public().as_bytes()), ..signed };
    Call::Supernode(SupernodeCall::Contend { slot, commission, key: key.into() })
}

/// Evidence against the minting key; forged if somebody else signed the second vote.
fn report(signer: &KeyPair) -> Call {
    let minting_key = Hash(*minting_key().public().as_bytes());
    let vote = |id, signer| {
        let target =
            Triple { checkpoint: Checkpoint { round: Round(3), id: Hash([id; 32]) }, next_slots: Hash::ZERO };
        let link = Link { source: Triple { checkpoint: Checkpoint::default(), ..target }, target };
        Vote { minting_key, ..Vote::sign(link, &spec().id(), signer).unwrap() }
    };
    let evidence = Evidence::of_votes(&vote(1, &self::minting_key()), &vote(2, signer)).unwrap();
    Call::Supernode(SupernodeCall::Report { evidence: Box::new(evidence) })
}

fn good() -> Transaction {
    Transaction {
        sender: key().public(),
        nonce: 5,
        fee: Amount(10),
        valid_until: HEIGHT,
        calls: vec![transfer(90)],
        memo: b"rent".to_vec(),
    }
}

const GOOD_ACCOUNT: AccountView = AccountView { nonce: 5, balance: Amount(100) };

fn stateless(transaction: Transaction) -> Result<CheckedTransaction, TransactionError> {
    let spec = spec();
    check_stateless(&transaction.sign(&spec.id(), &key()), &spec, &spec.id())
}

fn admission(transaction: &Transaction, account: Option<&AccountView>) -> Result<(), TransactionError> {
    let sender = Address::of(&transaction.sender, Network::Test);
    check_against_account(transaction, sender, account, HEIGHT, 0)
}

/// One transaction or account for each rule, wrong in that one thing.
fn broken() -> Vec<TransactionError> {
    let (spec, chain) = (spec(), spec().id());
    let changed = |change: fn(&mut Transaction)| {
        let mut transaction = good();
        change(&mut transaction);
        transaction
    };
    let refused = |change| stateless(changed(change)).unwrap_err();
    let against = |account| admission(&good(), account).unwrap_err();
    let no_modules = ChainSpec { modules: Vec::new(), ..spec.clone() };
    let signed = good().sign(&chain, &key());
    let submission = Submission { chain, signed: signed.clone() };
    let mut forged = signed.clone();
    forged.signature = Signature([0; 64]);
    let other = ChainId::default();
    vec![
        Submission::decode(&[0; MAX_SUBMISSION_BYTES + 1], &chain).unwrap_err(),
        Submission::decode(&submission.encode()[1..], &chain).unwrap_err(),
        Submission::decode(&submission.encode(), &other).unwrap_err(),
        refused(|transaction| transaction.calls.clear()),
        refused(|transaction| transaction.memo = vec![0; 141]),
        check_content(&good(), &no_modules).unwrap_err(),
        refused(|transaction| transaction.calls = vec![transfer(0)]),
        refused(|transaction| {
            let to = address(9, Network::Main);
            transaction.calls = vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(1) })];
        }),
        refused(|transaction| transaction.calls = vec![lease_to(own_address())]),
        refused(|transaction| transaction.calls = vec![contend(4, 0, &minting_key())]),
        refused(|transaction| transaction.calls = vec![contend(3, 10_001, &minting_key())]),
        refused(|transaction| transaction.fee = Amount(9)),
        refused(|transaction| transaction.calls = vec![transfer(u64::MAX)]),
        refused(|transaction| transaction.calls = vec![contend(3, 0, &key())]),
        refused(|transaction| transaction.calls = vec![report(&key())]),
        check_stateless(&forged, &spec, &chain).unwrap_err(),
        against(None),
        against(Some(&AccountView { nonce: 6, ..GOOD_ACCOUNT })),
        against(Some(&AccountView { nonce: 4, ..GOOD_ACCOUNT })),
        admission(&changed(|transaction| transaction.valid_until = Height(9)), Some(&GOOD_ACCOUNT))
            .unwrap_err(),
        against(Some(&AccountView { balance: Amount(9), ..GOOD_ACCOUNT })),
        check_unsigned_report(1, Status::Success).unwrap_err(),
        check_unsigned_report(0, Status::UntimelyEvidence).unwrap_err(),
        against(Some(&AccountView { balance: Amount(99), ..GOOD_ACCOUNT })),
    ]
}

#[test]
fn evidence_needs_no_sender_in_a_block_and_one_elsewhere() {
    let (spec, chain) = (spec(), spec().id());
    let signed = Transaction { calls: vec![report(&minting_key())], ..good() };
    assert!(stateless(signed.clone()).is_ok_and(|checked| !checked.is_unsigned()));
    let evidence = signed.calls[0].evidence().unwrap().clone();
    let unsigned = SignedTransaction::unsigned_report(evidence);
    assert!(check_in_block(&unsigned, &spec, &chain).is_ok_and(|checked| checked.is_unsigned()));
    assert!(matches!(check_stateless(&unsigned, &spec, &chain), Err(TransactionError::FeeTooLow { .. })));
    // Only in exactly this form: nothing else goes without a signature.
    let changes: [fn(&mut SignedTransaction); 6] = [
        |report| report.transaction.nonce = 1,
        |report| report.transaction.fee = Amount(10),
        |report| report.transaction.memo = b"x".to_vec(),
        |report| report.transaction.valid_until = HEIGHT,
        |report| report.transaction.calls.push(transfer(1)),
        |report| report.transaction.sender = key().public(),
    ];
    for change in changes {
        let mut other = unsigned.clone();
        change(&mut other);
        assert!(check_in_block(&other, &spec, &chain).is_err());
    }
    let forged = Transaction { calls: vec![report(&key())], ..good() };
    let forged = SignedTransaction::unsigned_report(forged.calls[0].evidence().unwrap().clone());
    assert!(matches!(check_in_block(&forged, &spec, &chain), Err(TransactionError::Evidence { .. })));
    let disabled = ChainSpec { modules: vec![ModuleName::Coin], ..spec };
    let refused = check_in_block(&unsigned, &disabled, &chain);
    assert!(matches!(refused, Err(TransactionError::ModuleDisabled { .. })));
}

#[test]
fn leases_keep_the_rules_too() {
    let other = address(9, Network::Test);
    let with = |call: Call| Transaction { calls: vec![call], ..good() };
    let cancel = |from, amount| Call::Lease(LeaseCall::Cancel { from, amount: Amount(amount) });
    let claim = |from| Call::Lease(LeaseCall::Claim { from });
    for call in [lease_to(other), cancel(other, 1), claim(other), claim(own_address())] {
        assert!(stateless(with(call)).is_ok());
    }
    let own = stateless(with(cancel(own_address(), 1)));
    assert_eq!(own.unwrap_err(), TransactionError::LeaseToSelf { index: 0 });
    assert_eq!(stateless(with(cancel(other, 0))).unwrap_err(), TransactionError::ZeroAmount { index: 0 });
    let abroad = stateless(with(claim(address(9, Network::Main)))).unwrap_err();
    assert!(matches!(abroad, TransactionError::RecipientNetwork { .. }));
    // A lease needs its coins as a transfer does; what is called back need not be there.
    let account = AccountView { nonce: 5, balance: Amount(99) };
    let overspend = TransactionError::Overspend { balance: Amount(99), needed: Amount(100) };
    assert_eq!(admission(&with(lease_to(other)), Some(&account)), Err(overspend));
    assert_eq!(admission(&with(cancel(other, 5_000)), Some(&account)), Ok(()));
}

#[test]
fn a_minting_key_speaks_for_one_address_nonce_and_chain() {
    let with = |calls| Transaction { calls, ..good() };
    assert!(stateless(with(vec![contend(3, 10_000, &minting_key())])).is_ok());
    let chain = spec().id();
    let word = |chain: &ChainId, address: &Address, nonce| {
        let key = MintingKey::sign(&minting_key(), chain, address, nonce, Checkpoint::default()).unwrap();
        stateless(with(vec![Call::Supernode(SupernodeCall::SetMintingKey { key: key.into() })]))
    };
    assert!(word(&chain, &own_address(), 5).is_ok());
    let (other, elsewhere) = (address(9, Network::Test), ChainId::default());
    for refused in
        [word(&chain, &own_address(), 6), word(&chain, &other, 5), word(&elsewhere, &own_address(), 5)]
    {
        assert!(matches!(refused, Err(TransactionError::MintingKey { index: 0, .. })));
    }
}

#[test]
fn what_obeys_the_rules_passes() {
    let spec = spec();
    let checked = stateless(good()).unwrap();
    assert_eq!(checked.id(), good().id(&spec.id()));
    assert_eq!(checked.sender(), Address::of(&key().public(), Network::Test));
    assert_eq!(checked.transaction(), &good());
    assert_eq!(checked.encoded_length(), codec::encode(checked.signed()).len());
    assert_eq!(admission(&good(), Some(&GOOD_ACCOUNT)), Ok(()));
    assert_eq!(check_includable(&good(), checked.sender(), Some(&GOOD_ACCOUNT), HEIGHT), Ok(()));
    let submission = Submission { chain: spec.id(), signed: checked.signed().clone() };
    assert_eq!(Submission::decode(&submission.encode(), &spec.id()), Ok(checked.into_signed()));
}

#[test]
fn every_rule_is_broken_by_the_case_made_for_it() {
    let found: Vec<_> = broken().iter().map(|error| (error.rule(), error.code())).collect();
    assert_eq!(found, RULES);
}

/// A rule id in this folder's sources: words of capitals and a number, joined by hyphens, in backticks.
fn ids_in(source: &str) -> Vec<&str> {
    let is_id = |text: &&str| {
        text.contains('-')
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
            && text.ends_with(|c: char| c.is_ascii_digit())
    };
    source.split('`').filter(is_id).collect()
}

#[test]
fn every_rule_id_has_a_check_and_every_check_an_id() {
    let known: BTreeSet<&str> = RULES.iter().map(|(id, _)| *id).collect();
    assert_eq!(known.len(), RULES.len(), "an id stands twice");
    let codes: BTreeSet<&str> = RULES.iter().map(|(_, code)| *code).collect();
    assert_eq!(codes.len(), RULES.len(), "a code stands twice");

    let rules = include_str!("rules.rs");
    let mut checks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut documented = None;
    for line in rules.lines() {
        if let Some(comment) = line.strip_prefix("/// `") {
            documented = ids_in(&format!("`{comment}")).first().copied().map(|id| {
                *known.iter().find(|known| **known == id).unwrap_or_else(|| panic!("{id} is not an error"))
            });
        }
        if let Some(signature) = line.strip_prefix("pub(super) fn ") {
            let name = signature.split(['(', '<']).next().unwrap();
            let id = documented.take().unwrap_or_else(|| panic!("{name} has no rule id"));
            checks.entry(id).or_default().push(name);
        }
    }
    assert_eq!(checks.keys().copied().collect::<BTreeSet<_>>(), known);
    let source = include_str!("error.rs").split("pub const RULES").next().unwrap();
    let documented: Vec<&str> = ids_in(source);
    assert_eq!(documented, RULES.map(|(id, _)| id), "the variants and the table are in different order");
}

#[test]
fn an_overspend_may_be_included_but_is_not_admitted() {
    let sender = Address::of(&key().public(), Network::Test);
    let poor = AccountView { balance: Amount(10), ..GOOD_ACCOUNT };
    assert_eq!(check_includable(&good(), sender, Some(&poor), HEIGHT), Ok(()));
    let needed = Amount(100);
    assert_eq!(
        check_against_account(&good(), sender, Some(&poor), HEIGHT, 0),
        Err(TransactionError::Overspend { balance: Amount(10), needed })
    );
}

#[test]
fn a_pool_may_wait_for_missing_nonces() {
    let sender = Address::of(&key().public(), Network::Test);
    let behind = AccountView { nonce: 3, ..GOOD_ACCOUNT };
    assert_eq!(check_against_account(&good(), sender, Some(&behind), HEIGHT, 2), Ok(()));
    let gap = Err(TransactionError::NonceGap { found: 5, expected: 3 });
    assert_eq!(check_against_account(&good(), sender, Some(&behind), HEIGHT, 1), gap);
    assert_eq!(check_includable(&good(), sender, Some(&behind), HEIGHT), gap);
    let last = AccountView { nonce: u64::MAX, ..GOOD_ACCOUNT };
    assert!(check_against_account(&good(), sender, Some(&last), HEIGHT, u64::MAX).is_err());
}

#[test]
fn a_signature_of_another_chain_is_refused() {
    let spec = spec();
    let mut other = spec.clone();
    other.name.push('2');
    let signed = good().sign(&other.id(), &key());
    assert_eq!(
        check_stateless(&signed, &spec, &spec.id()),
        Err(TransactionError::Signature(SignatureError::Signature))
    );
    assert!(check_stateless(&signed, &other, &other.id()).is_ok());
}

#[test]
fn too_many_calls_are_refused_before_and_after_encoding() {
    let spec = spec();
    let mut transaction = good();
    transaction.calls = vec![transfer(1); MAX_CALLS];
    transaction.fee = Amount(160);
    transaction.memo = vec![0xff; 140];
    let largest = stateless(transaction.clone()).unwrap();
    assert!(largest.encoded_length() <= MAX_TRANSACTION_BYTES);
    transaction.calls.push(transfer(1));
    transaction.fee = Amount(170);
    let signed = transaction.sign(&spec.id(), &key());
    let error = TransactionError::CallCount { found: 17, limit: 16 };
    assert_eq!(check_stateless(&signed, &spec, &spec.id()), Err(error));
    let bytes = Submission { chain: spec.id(), signed }.encode();
    assert_eq!(Submission::decode(&bytes, &spec.id()).unwrap_err().rule(), "TX-FORMAT-1");
}

#[test]
fn fees_and_totals_that_overflow_are_refused() {
    let mut spec = spec();
    spec.fees.transfer = Amount(u64::MAX);
    let mut transaction = good();
    transaction.calls = vec![transfer(1), transfer(1)];
    assert_eq!(check_content(&transaction, &spec), Err(TransactionError::TotalTooLarge));
}

#[test]
fn a_draft_obeys_every_rule_and_costs_the_least() {
    let spec = spec();
    let transfer = Transfer {
        sender: key().public(),
        to: address(9, Network::Test),
        amount: maximum_transfer(&spec, &GOOD_ACCOUNT),
        memo: b"all of it".to_vec(),
        valid_until: HEIGHT,
    };
    assert_eq!(transfer.amount, Amount(90));
    let transaction = transfer.draft(&spec, Some(&GOOD_ACCOUNT), HEIGHT).unwrap();
    assert_eq!((transaction.fee, transaction.nonce), (Amount(10), 5));
    assert!(stateless(transaction).is_ok());
    let more = Transfer { amount: Amount(91), ..transfer.clone() };
    assert_eq!(more.draft(&spec, Some(&GOOD_ACCOUNT), HEIGHT).unwrap_err().code(), "overspend");
    assert_eq!(transfer.draft(&spec, None, HEIGHT).unwrap_err().code(), "unknown_account");
    assert_eq!(transfer.draft(&spec, Some(&GOOD_ACCOUNT), Height(11)).unwrap_err().code(), "expired");
    assert_eq!(maximum_transfer(&spec, &AccountView { nonce: 0, balance: Amount(9) }), Amount::ZERO);
}

proptest! {
    #[test]
    fn submissions_round_trip_and_no_bytes_break_the_decoder(
        amount in 1_u64.., fee: u64, nonce: u64, memo in prop::collection::vec(any::<u8>(), 0..=140),
        cut: prop::sample::Index, noise in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let (chain, mut transaction) = (spec().id(), good());
        (transaction.fee, transaction.nonce, transaction.memo) = (Amount(fee), nonce, memo);
        transaction.calls = vec![transfer(amount)];
        let signed = SignedTransaction { transaction, signature: Signature([3; 64]) };
        let bytes = Submission { chain, signed: signed.clone() }.encode();
        prop_assert_eq!(Submission::decode(&bytes, &chain), Ok(signed));
        prop_assert!(Submission::decode(&bytes[..cut.index(bytes.len())], &chain).is_err());
        prop_assert!(Submission::decode(&[bytes, vec![0]].concat(), &chain).is_err());
        prop_assert!(Submission::decode(&noise, &chain).is_err());
    }

    #[test]
    fn admitted_means_includable_and_payable(nonce in 0_u64..4, balance in 0_u64..300, fee in 0_u64..100, until in 0_u64..20) {
        let mut transaction = good();
        (transaction.nonce, transaction.fee, transaction.valid_until) = (2, Amount(fee), Height(until));
        let account = AccountView { nonce, balance: Amount(balance) };
        let sender = Address::of(&transaction.sender, Network::Test);
        let admitted = check_against_account(&transaction, sender, Some(&account), HEIGHT, 0).is_ok();
        let includable = check_includable(&transaction, sender, Some(&account), HEIGHT).is_ok();
        prop_assert_eq!(includable, nonce == 2 && balance >= fee && until >= 10);
        prop_assert_eq!(admitted, includable && balance >= fee + 90);
    }
}
