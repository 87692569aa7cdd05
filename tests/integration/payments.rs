//! The light client against a real node: from a funded account to a final payment, and what it says when the
//! node is gone or another.

use std::cell::RefCell;

use full_node::config::DEVELOPMENT_PHRASE;
use integration_tests::{FastChain, Host, NodeProcess, audit, key_of, now};
use light_client::{
    client::{AccountState, Client, Health, PaymentState, Sync},
    data_format::{Address, Amount, UNITS_PER_COIN},
    state::AccountRecord,
    test_support::chain::test_address,
    transaction::{AccountView, Transfer},
    wallet::{Keyring, Seed},
};
use tempfile::TempDir;

const COIN: u64 = UNITS_PER_COIN;

fn record(client: &Client, address: &Address) -> AccountRecord {
    client.account(address).and_then(AccountState::proven).unwrap().record.unwrap()
}

/// Whether all of an account's history is here: then the client has checked that it adds up to the balance.
fn is_whole(client: &Client, address: &Address) -> bool {
    let account = client.account(address).unwrap();
    let record = account.proven().and_then(|proven| proven.record);
    record.is_some_and(|record| account.history().records().len() as u64 == record.history_count)
}

/// A client that has proven an account of a running node.
fn proven(host: &Host, mut client: Client, address: Address) -> Client {
    client.watch(address, now());
    host.run_until(&mut client, 60, "a final block and the account", |client| {
        client.sync(now()) == Sync::Verified
            && client.trusted().height.0 > 0
            && client.account(&address).is_some_and(|account| account.proven().is_some())
    });
    client
}

#[test]
fn a_payment_on_a_development_chain_is_submitted_then_in_a_block_then_final() {
    let data = TempDir::new().unwrap();
    let node = NodeProcess::dev(Some(data.path()), NodeProcess::free_address());
    let (spec, genesis) = node.api().chain_file();
    let keyring = Keyring::new(Seed::from_bip39(DEVELOPMENT_PHRASE).unwrap(), spec.network);
    let (sender, recipient) = (keyring.accounts()[0], test_address(7));
    let host = Host::default();
    let client = Client::new(spec.clone(), genesis, [node.api().base().to_owned()]);
    let mut client = proven(&host, client, sender.address);
    let before = record(&client, &sender.address);
    assert_eq!(before.balance, Amount(10_000_000 * COIN));

    let height = client.trusted().height;
    let transfer = Transfer {
        sender: sender.public_key,
        to: recipient,
        amount: Amount(12 * COIN),
        memo: b"end to end".to_vec(),
        valid_until: height.plus(200),
    };
    let view = AccountView::from(&before);
    let drafted = transfer.draft(&spec, Some(&view), height.next()).unwrap();
    let signed = drafted.sign(&spec.id(), &keyring.key(&sender.address).unwrap());
    let fee = signed.transaction.fee;
    let id = client.submit(signed, now());
    client.watch(recipient, now());

    let states = RefCell::new(Vec::new());
    host.run_until(&mut client, 60, "the payment final, both accounts proven", |client| {
        let state = client.payment(&id).unwrap().state.clone();
        let name = match state {
            PaymentState::Signed => "signed",
            PaymentState::Submitted => "submitted",
            PaymentState::InBlock { .. } => "in block",
            PaymentState::Final { succeeded: true, .. } => "final",
            other => panic!("{other:?}"),
        };
        if states.borrow().last() != Some(&name) {
            states.borrow_mut().push(name);
        }
        name == "final" && [sender.address, recipient].iter().all(|address| is_whole(client, address))
    });
    assert_eq!(states.into_inner(), ["submitted", "in block", "final"]);
    assert_eq!(record(&client, &recipient).balance, Amount(12 * COIN));
    let after = record(&client, &sender.address);
    assert_eq!(after.balance.units() + 12 * COIN + fee.units(), before.balance.units());
    let history = client.account(&sender.address).unwrap().history();
    assert!(history.is_complete());
    assert_eq!(history.transaction(&id).unwrap().memo, b"end to end");

    assert_eq!(node.terminate().code(), Some(0), "SIGTERM ends a node well");
    let audit = audit(data.path());
    assert_eq!(audit.nonces, 1, "one payment happened");
}

#[test]
fn a_saved_client_goes_on_and_a_stopped_node_makes_it_stale_never_empty() {
    let chain = FastChain::new(4);
    let address = NodeProcess::free_address();
    let node = chain.start(address);
    let (host, genesis) = (Host::default(), node.api().genesis(chain.spec()));
    let mut client = proven(&host, chain.client(genesis.clone(), node.api().base()), test_address(1));
    let id = client.submit(chain.payment(1, 0, test_address(9), Amount(5 * COIN)), now());
    host.run_until(&mut client, 60, "the payment final", |client| {
        matches!(client.payment(&id).unwrap().state, PaymentState::Final { succeeded: true, .. })
            && record(client, &test_address(1)).nonce == 1
    });
    let saved = client.save();

    let base = node.api().base().to_owned();
    let mut second = chain.client(genesis, &base);
    second.restore(&saved).unwrap();
    assert_eq!(second.account(&test_address(1)), client.account(&test_address(1)), "known without a request");
    let known = second.trusted().height;
    host.run_until(&mut second, 60, "newer final blocks after the restart", |client| {
        client.trusted().height > known && client.sync(now()) == Sync::Verified
    });

    assert_eq!(node.terminate().code(), Some(0));
    let balance = record(&second, &test_address(1)).balance;
    let later = now().plus_ms(60_000);
    second.tick(later);
    host.drive(&mut second, later);
    assert!(matches!(second.sync(later), Sync::Stale { since: Some(_) }), "{:?}", second.sync(later));
    assert!(matches!(second.servers()[0].health(), Health::Unreachable { .. }));
    assert_eq!(record(&second, &test_address(1)).balance, balance, "what was proven stays on screen");
    let mut newcomer = Client::new(chain.spec().clone(), client.trusted().clone(), [base.clone()]);
    newcomer.watch(test_address(1), later);
    host.drive(&mut newcomer, later);
    assert!(newcomer.account(&test_address(1)).unwrap().proven().is_none(), "not found out is not 0");

    let node = chain.start(address);
    let mut second = {
        let mut third = chain.client(client.trusted().clone(), &base);
        third.restore(&second.save()).unwrap();
        third
    };
    let known = second.trusted().height;
    host.run_until(&mut second, 60, "the same chain after the node's restart", |client| {
        client.trusted().height > known && client.sync(now()) == Sync::Verified
    });
    assert_eq!(record(&second, &test_address(1)).balance, balance);
    assert_eq!(node.terminate().code(), Some(0));
    audit(&chain.data());
}

#[test]
fn a_chain_that_was_made_again_on_the_same_port_is_another_one_and_no_lie() {
    let address = NodeProcess::free_address();
    let node = NodeProcess::dev(None, address);
    let (spec, genesis) = node.api().chain_file();
    let host = Host::default();
    let funded = spec.accounts[0].address;
    let client = Client::new(spec.clone(), genesis, [node.api().base().to_owned()]);
    let mut client = proven(&host, client, funded);
    let before = client.account(&funded).unwrap().clone();
    assert_eq!(node.terminate().code(), Some(0));
    let again = NodeProcess::dev(None, address);
    assert_ne!(again.api().chain_file().0.id(), spec.id());
    host.run_until(&mut client, 60, "the other chain noticed", |client| {
        matches!(client.sync(now()), Sync::OtherChain { server: 0 })
    });
    assert!(matches!(client.servers()[0].health(), Health::OtherChain { .. }));
    // Two development chains may begin with the same headers, so what they share may be proven once more.
    let after = client.account(&funded).unwrap();
    let what = |account: &AccountState| account.proven().map(|proven| (proven.id, proven.record));
    assert_eq!(what(after), what(&before), "nothing of the other chain alone is taken over");
    assert_eq!(after.history(), before.history());
}

#[test]
fn a_payment_of_an_expired_height_is_proven_expired() {
    let chain = FastChain::new(2);
    let node = chain.start(NodeProcess::free_address());
    let (host, genesis) = (Host::default(), node.api().genesis(chain.spec()));
    let mut client = proven(&host, chain.client(genesis, node.api().base()), test_address(1));
    // It waits for a nonce that never comes, so no block takes it.
    let mut transaction = chain.payment(1, 0, test_address(9), Amount(COIN)).transaction;
    transaction.nonce = 1;
    transaction.valid_until = client.trusted().height.plus(12);
    let signed = transaction.sign(&chain.spec().id(), &key_of(1));
    let id = client.submit(signed, now());
    host.drive(&mut client, now());
    let PaymentState::Refused { code, .. } = client.payment(&id).unwrap().state.clone() else {
        panic!("{:?}", client.payment(&id))
    };
    assert_eq!(code, "nonce_gap");
    host.run_until(&mut client, 60, "the payment expired", |client| {
        client.payment(&id).unwrap().state == PaymentState::Expired
    });
}
