//! How many payments a node accepts in a second: rules, signature, a place in the pool, and on disk before the answer.
//! Once from as many at a time as the API lets in, which share writes, and once from one after the other.

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use full_node::{
    api::limits::MAX_CHAIN_WORK,
    node::{ChainChoice, Node, NodeConfig},
    storage::Retention,
};
use light_client::{
    data_format::{
        Amount, Call, CoinCall, GenesisAccount, Height, SignedTransaction, Time, Transaction, UNITS_PER_COIN,
    },
    test_support::chain::{test_address, test_key, test_spec},
};

use crate::measure::{Figures, folder, time};

const EACH: u64 = 100;
const ALONE: u64 = 100;

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let folder = folder()?;
    let senders = MAX_CHAIN_WORK as u64;
    let balance = Amount(1_000 * UNITS_PER_COIN);
    let accounts = (0..=senders).map(|number| GenesisAccount { address: test_address(number), balance });
    let spec = test_spec(1, accounts.collect());
    let chain = spec.id();
    let payments = |sender: u64, count: u64| -> Vec<SignedTransaction> {
        let key = test_key(sender);
        let payment = |nonce| Transaction {
            sender: key.public(),
            nonce,
            fee: spec.fees.transfer,
            valid_until: Height(1_000),
            calls: vec![Call::Coin(CoinCall::Transfer { to: test_address(0), amount: Amount(1) })],
            memo: Vec::new(),
        };
        (0..count).map(|nonce| payment(nonce).sign(&chain, &key)).collect()
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
    let node = Node::open(NodeConfig {
        data: Some(folder.path().to_owned()),
        chain: ChainChoice::Spec(Box::new(spec.clone())),
        minting_keys: Vec::new(),
        recoveries: Vec::new(),
        payee: None,
        retention: Retention::default(),
        pool: full_node::transaction::Limits::default(),
        now: Time(u64::try_from(since.as_millis()).map_err(|error| error.to_string())?),
    })
    .map_err(|error| error.to_string())?;

    let batches: Vec<_> = (0..senders).map(|sender| payments(sender, EACH)).collect();
    let (took, ()) = time(|| {
        thread::scope(|scope| {
            let node = &node;
            for batch in &batches {
                scope.spawn(move || {
                    for signed in batch {
                        node.submit_now(signed).unwrap();
                    }
                });
            }
        });
    });
    figures.print("node.submissions.per_s", (senders * EACH) as f64 / took.as_secs_f64(), "1/s");

    let mut waits: Vec<Duration> = Vec::new();
    for signed in payments(senders, ALONE) {
        let began = Instant::now();
        node.submit_now(&signed).map_err(|error| error.to_string())?;
        waits.push(began.elapsed());
    }
    waits.sort_unstable();
    figures.print("node.submissions.alone_p50_ms", waits[waits.len() / 2].as_secs_f64() * 1_000.0, "ms");
    Ok(())
}
