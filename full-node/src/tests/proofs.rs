//! What the node proves, a light client accepts: the real one.

use light_client::{
    client::{
        AccountBundle, Anchor, Bundle, HeaderRow, HistoryPage, Settled, TransactionBundle, Trusted, Verifier,
    },
    consensus::{
        Verdict,
        spos::{Beacon, Tables},
    },
    data_format::{Address, Height, Time},
    state::HistoryChain,
};

use super::harness::{Harness, in_slot};
use crate::node::NodeError;

struct Client {
    verifier: Verifier,
    trusted: Trusted,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    fn new(harness: &Harness) -> Self {
        let tables = Tables::at_genesis(harness.node.spec()).unwrap();
        Self {
            verifier: Verifier::new(harness.node.spec()),
            trusted: Trusted::genesis(harness.node.genesis(), tables),
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
        }
    }

    fn now(harness: &Harness) -> Time {
        in_slot(harness.slot)
    }

    /// Proves an account and its whole history; checks both against what the node stores.
    fn check_account(&mut self, harness: &Harness, address: Address) {
        let bytes =
            self.runtime.block_on(harness.node.account_bundle(address, Some(self.trusted.id), 0, 2)).unwrap();
        let bundle = AccountBundle::from_bytes(&bytes).unwrap();
        let now = Self::now(harness);
        let (trusted, proven) = self.verifier.account(&self.trusted, address, &bundle, now).unwrap();
        self.trusted = trusted;
        let Some(record) = proven.value().record else { return };
        let mut records = bundle.history.records.clone();
        let mut before = proven.value().before;
        while before.count > 0 {
            let bytes = self.runtime.block_on(harness.node.history_page(address, before.count, 3)).unwrap();
            let page = HistoryPage::from_bytes(&bytes).unwrap();
            before = self.verifier.page(&page, before).unwrap();
            assert_eq!(self.verifier.transactions(&page).count(), distinct(&page), "transactions come along");
            records.splice(0..0, page.records);
        }
        assert_eq!(before, HistoryChain::EMPTY);
        record.check_balance(&records).unwrap();
    }
}

fn distinct(page: &HistoryPage) -> usize {
    let named = page.records.iter().map(|record| record.transaction).filter(|id| !id.is_zero());
    named.collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn balances_and_histories_are_proven_at_every_height() {
    let mut harness = Harness::new();
    let mut client = Client::new(&harness);
    let nobody = Address::of(&light_client::crypto::PublicKey::Ed25519([5; 32]), harness.node.spec().network);
    for slot in 0..45 {
        if slot % 3 == 0 {
            let (from, to) = (slot / 3 % 4, (slot / 3 + 1) % 4);
            harness.pay(from, harness.address(to), 100 + slot as u64);
        }
        harness.step();
        for index in 0..4 {
            client.check_account(&harness, harness.address(index));
        }
        client.check_account(&harness, nobody);
    }
    assert!(client.trusted.height >= Height(35), "trust moved along: {:?}", client.trusted.height);
    harness.check_state();
}

#[test]
fn a_client_that_slept_needs_one_beacon() {
    let mut harness = Harness::new();
    let client = Client::new(&harness);
    assert!(client.runtime.block_on(harness.node.beacon(None)).unwrap().is_none(), "only genesis is final");
    let anchor = client.runtime.block_on(harness.node.anchor(None)).unwrap();
    assert!(
        matches!(Anchor::from_bytes(&anchor).unwrap(), Anchor::Trusted(header) if header.height == Height(0))
    );
    harness.steps(200);
    let bytes = client.runtime.block_on(harness.node.beacon(Some(client.trusted.id))).unwrap().unwrap();
    assert!(bytes.len() <= 1_500, "a beacon of {} bytes", bytes.len());
    let beacon = Beacon::from_bytes(&bytes).unwrap();
    let now = Client::now(&harness);
    let Verdict::Success(trusted) = client.verifier.beacon(&client.trusted, &beacon, now) else {
        panic!("not accepted")
    };
    assert_eq!(trusted.id, harness.node.status().final_block.id);
    // Who trusts the newest final block gets its header.
    let anchor = client.runtime.block_on(harness.node.anchor(Some(trusted.id))).unwrap();
    assert!(
        matches!(Anchor::from_bytes(&anchor).unwrap(), Anchor::Trusted(header) if header.id() == trusted.id)
    );
    for unknown in [light_client::crypto::Hash([3; 32]), harness.node.status().head.id] {
        let error = client.runtime.block_on(harness.node.anchor(Some(unknown))).unwrap_err();
        assert!(matches!(error, NodeError::UnknownTrusted(id) if id == unknown), "{error}");
    }
}

#[test]
fn payments_are_proven_before_and_after_they_are_final() {
    let mut harness = Harness::new();
    let mut client = Client::new(&harness);
    harness.steps(9);
    let id = harness.pay(0, harness.address(1), 77);
    assert!(client.runtime.block_on(harness.node.transaction_bundle(id, None)).unwrap().is_none());
    let mut seen = (0, 0);
    for _ in 0..20 {
        harness.step();
        let trusted = Some(client.trusted.id);
        let bytes = client.runtime.block_on(harness.node.transaction_bundle(id, trusted)).unwrap().unwrap();
        let bundle = TransactionBundle::from_bytes(&bytes).unwrap();
        let now = Client::now(&harness);
        let (newer, settled) = client.verifier.transaction(&client.trusted, id, &bundle, now).unwrap();
        client.trusted = newer;
        match settled {
            Settled::Pending(outcome) => {
                assert_eq!(seen.1, 0, "a final payment is never pending again");
                assert_eq!(outcome.at().height, Height(10));
                seen.0 += 1;
            }
            Settled::Final(outcome) => {
                assert_eq!(outcome.at().height, Height(10));
                seen.1 += 1;
            }
        }
    }
    assert!(seen.0 >= 5 && seen.1 >= 8, "{seen:?}");
}

#[test]
fn finality_of_the_same_block_in_a_later_round_is_shown_too() {
    // Rounds without blocks: their checkpoint is the same block again.
    let mut harness = Harness::new();
    let mut client = Client::new(&harness);
    harness.steps(20);
    harness.slot = 101;
    harness.steps(20);
    client.check_account(&harness, harness.address(0));
    assert_eq!(client.trusted.id, harness.node.status().final_block.id);
}

#[test]
fn headers_come_in_a_row() {
    let mut harness = Harness::new();
    harness.steps(10);
    let client = Client::new(&harness);
    let bytes = client.runtime.block_on(harness.node.headers(Height(3), 4)).unwrap();
    let heights: Vec<u64> =
        HeaderRow::from_bytes(&bytes).unwrap().0.iter().map(|sealed| sealed.header.height.0).collect();
    assert_eq!(heights, [3, 4, 5, 6]);
    let bytes = client.runtime.block_on(harness.node.headers(Height(11), 4)).unwrap();
    assert!(HeaderRow::from_bytes(&bytes).unwrap().0.is_empty());
}
