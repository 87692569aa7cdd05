//! A server that changes a node's answers is found out, and nothing of what it said is used.

use integration_tests::{Exchange, FastChain, Host, NodeProcess, Proxy, now};
use light_client::{
    client::{AccountBundle, Anchor, Bundle, Client, HeaderPath, Health, Sync, TransactionBundle},
    crypto::Hash,
    data_format::{Amount, Header, UNITS_PER_COIN},
    test_support::chain::test_address,
};

/// A chain with a payment in it, its node, and a client behind a proxy that is honest so far.
struct Scene {
    chain: FastChain,
    _node: NodeProcess,
    proxy: Proxy,
    client: Client,
    host: Host,
}

impl Scene {
    fn new() -> Self {
        let chain = FastChain::new(3);
        let node = chain.start(NodeProcess::free_address());
        let proxy = Proxy::start(node.address());
        let mut client = chain.client(node.api().genesis(chain.spec()), &proxy.base());
        let host = Host::default();
        client.watch(test_address(1), now());
        let payment = chain.payment(1, 0, test_address(2), Amount(UNITS_PER_COIN));
        let id = client.submit(payment, now());
        host.run_until(&mut client, 60, "an honest beginning through the proxy", |client| {
            let account = client.account(&test_address(1)).unwrap();
            client.payment(&id).unwrap().is_settled()
                && account.proven().is_some_and(|proven| proven.record.unwrap().nonce == 1)
        });
        Self { chain, _node: node, proxy, client, host }
    }

    /// From now on bundles of accounts are changed. A client that has proven the account and one that has not must
    /// both find out, and use nothing.
    fn assert_account_lie(mut self, change: impl Fn(&mut AccountBundle) + Send + Clone + 'static) {
        let mut newcomer = self.chain.client(self.client.trusted().clone(), &self.proxy.base());
        let before = self.client.account(&test_address(1)).unwrap().clone();
        self.proxy.change(move |Exchange { path, answer }| {
            if path.contains("/bundle?") && path.starts_with("/v1/accounts/") && answer.status == 200 {
                let mut bundle = AccountBundle::from_bytes(&answer.body).unwrap();
                change(&mut bundle);
                answer.body = bundle.to_bytes();
            }
        });
        newcomer.watch(test_address(1), now());
        assert_found_out(&self.host, &mut newcomer);
        assert!(newcomer.account(&test_address(1)).unwrap().proven().is_none(), "the lie is not used");
        assert_found_out(&self.host, &mut self.client);
        let after = self.client.account(&test_address(1)).unwrap();
        assert_eq!(after.proven().unwrap().record, before.proven().unwrap().record, "what was proven stays");
        assert_eq!(after.history(), before.history());
    }
}

fn assert_found_out(host: &Host, client: &mut Client) {
    host.run_until(client, 30, "the lie found out", |client| {
        matches!(client.sync(now()), Sync::Lying { server: 0 })
    });
    assert!(matches!(client.servers()[0].health(), Health::Lying { .. }));
    client.tick(now().plus_ms(3_600_000));
    assert!(client.next_request().is_none(), "a liar is not asked again");
}

#[test]
fn an_altered_balance_is_found_out() {
    Scene::new().assert_account_lie(|bundle| {
        let balance = (999_998 * UNITS_PER_COIN + UNITS_PER_COIN * 9 / 10).to_le_bytes();
        let place = bundle.witness.windows(8).position(|bytes| bytes == balance);
        bundle.witness[place.unwrap() + 7] ^= 1;
    });
}

#[test]
fn a_truncated_history_is_found_out() {
    Scene::new().assert_account_lie(|bundle| {
        // A client that has all records is not sent any: then one is repeated for it.
        if bundle.history.records.pop().is_none() {
            bundle.history.head_before = Hash([1; 32]);
        }
    });
}

#[test]
fn a_forged_final_header_is_found_out() {
    Scene::new().assert_account_lie(|bundle| {
        anchored(&mut bundle.anchor).state_root = Hash([7; 32]);
    });
}

#[test]
fn a_forged_header_of_a_newer_block_is_found_out() {
    let Scene { chain, _node, proxy, mut client, host } = Scene::new();
    proxy.change(|Exchange { path, answer }| {
        if path.starts_with("/v1/transactions/") && answer.status == 200 {
            let mut bundle = TransactionBundle::from_bytes(&answer.body).unwrap();
            forge_newest(&mut bundle);
            answer.body = bundle.to_bytes();
        }
        // The sender's account is proven too while its payment is open, and could settle it in truth.
        if path.starts_with("/v1/accounts/") {
            answer.status = 503;
        }
    });
    // That no account is watched keeps nothing from being checked.
    client.unwatch(&test_address(1));
    let id = client.submit(chain.payment(1, 1, test_address(2), Amount(UNITS_PER_COIN)), now());
    assert_found_out(&host, &mut client);
    assert!(!client.payment(&id).unwrap().is_settled(), "{:?}", client.payment(&id));
}

/// Gives the block of the transaction another parent, as if on another branch, under the same seal.
fn forge_newest(bundle: &mut TransactionBundle) {
    let forge = |header: &mut Header| header.parent = Hash([9; 32]);
    match &mut bundle.path {
        HeaderPath::Newer(headers) => forge(&mut headers.last_mut().unwrap().header),
        HeaderPath::Older { header, .. } => forge(header),
        HeaderPath::Anchor => forge(anchored(&mut bundle.anchor)),
    }
}

fn anchored(anchor: &mut Anchor) -> &mut Header {
    match anchor {
        Anchor::Trusted(header) => header,
        Anchor::Beacon(beacon) => &mut beacon.source,
        Anchor::Sealed(sealed) => &mut sealed.header,
        Anchor::Buried(buried) => &mut buried.header.header,
    }
}
