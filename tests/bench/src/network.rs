//! How fast a newcomer catches up over real sockets on one machine, giver and taker in one process: whole blocks of 100
//! payments by 100 of 1,000 payers, every one checked and executed; blocks without payments; and the state alone, every entry proven.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use full_node::{
    block_tree::Chain,
    config::{development_spec, minting_keys},
    network::{Network, NetworkConfig, peers, snapshot},
    node::{ChainChoice, Node, NodeConfig},
    storage::{Database, Retention},
};
use light_client::{
    crypto::{Hash, PublicKey},
    data_format::{
        Address, Amount, Call, ChainSpec, CoinCall, GenesisAccount, Height, Time, Transaction, UNITS_PER_COIN,
    },
    test_support::chain::test_key,
};
use tokio::runtime::Runtime;

use crate::{
    crypto::all_cores,
    measure::{Figures, Sequence, folder, median},
};

/// Three times as many as there are states that a node retains: what goes is part of the work.
const BLOCKS: u64 = 3_000;
const PAYMENTS: u64 = 100;
/// What most blocks of a quiet chain are.
const EMPTY_BLOCKS: u64 = 5_000;
/// Each pays in every tenth block.
const PAYERS: u64 = 1_000;
/// Accounts of the chain whose blocks travel, and of the one whose state does.
const ACCOUNTS: u64 = 10_000;
const STATE_ACCOUNTS: u64 = 200_000;
/// Blocks until a state is final that can travel.
const STATE_BLOCKS: u64 = 120;
const PATIENCE: Duration = Duration::from_secs(600);
/// Newcomers, one after another, each with an empty folder: the one in the middle counts.
const TAKERS: usize = 3;

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    // Blocks in a second, and their payments as a share of the raw checks that the machine makes at the time.
    let rates = |blocks, payments| {
        let giver = giver(ACCOUNTS, blocks, payments)?;
        eprintln!("    {blocks} blocks of {payments} payments are there");
        let (mut rates, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..TAKERS {
            let taker_folder = folder()?;
            let taker = open(giver.spec(), Some(taker_folder.path()), false)?;
            let before = all_cores();
            let rate = blocks as f64 / runtime.block_on(follow(&giver, &taker))?.seconds;
            let raw = f64::midpoint(before, all_cores());
            eprintln!("    {rate:.0} blocks in a second, at {raw:.0} raw checks");
            rates.push(rate);
            ratios.push(rate * payments as f64 / raw);
        }
        Ok::<_, String>((median(rates), median(ratios)))
    };
    let (rate, ratio) = rates(BLOCKS, PAYMENTS)?;
    figures.print("net.sync.blocks_per_s", rate, "1/s");
    figures.print("net.sync.payments_per_s", rate * PAYMENTS as f64, "1/s");
    figures.print("net.sync.ratio", ratio, "ratio");
    figures.print("net.sync.empty_blocks_per_s", rates(EMPTY_BLOCKS, 0)?.0, "1/s");
    let giver = giver(STATE_ACCOUNTS, STATE_BLOCKS, 0)?;
    eprintln!("    a state of {STATE_ACCOUNTS} accounts is there");
    let taker_folder = folder()?;
    let taker = open(giver.spec(), Some(taker_folder.path()), false)?;
    if !taker.start_from_snapshot(None) {
        return Err("a node without blocks takes no snapshot".to_owned());
    }
    let Followed { seconds, bytes, has_first } = runtime.block_on(follow(&giver, &taker))?;
    if has_first {
        return Err("the newcomer fetched every block instead of the state".to_owned());
    }
    figures.print("net.snapshot.mb_per_s", bytes as f64 / 1e6 / seconds, "MB/s");
    figures.print("net.snapshot.entries_per_s", STATE_ACCOUNTS as f64 / seconds, "1/s");
    Ok(())
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn open(spec: &ChainSpec, data: Option<&Path>, mints: bool) -> Result<Node, String> {
    let retention = Retention::default();
    let database = Database::open(data, &retention).map_err(|error| error.to_string())?;
    let minting_keys = if mints { minting_keys() } else { Vec::new() };
    // A new chain, on which these keys signed nothing.
    let unused: Vec<Hash> = minting_keys.iter().map(|key| Hash(*key.public().as_bytes())).collect();
    let founded = Chain::open(database.clone(), Arc::new(spec.clone()), &retention, &unused);
    drop(founded.map_err(|error| error.to_string())?);
    let config = NodeConfig {
        data: data.map(Path::to_owned),
        chain: ChainChoice::Spec(Box::new(spec.clone())),
        recoveries: Vec::new(),
        payee: None,
        minting_keys,
        retention,
        pool: full_node::transaction::Limits::default(),
        // Who mints does it in virtual time, from the beginning.
        now: if mints { spec.genesis_time } else { now() },
    };
    Node::over(database, config).map_err(|error| error.to_string())
}

/// A node in memory with a chain that began long enough ago for all of its blocks.
fn giver(accounts: u64, blocks: u64, payments: u64) -> Result<Node, String> {
    let mut random = Sequence(7);
    let mut spec = development_spec(Time((now().0 / 1_000 - blocks - 60) * 1_000));
    let mut addresses = Vec::new();
    for number in 0..accounts {
        let address = Address::of(&PublicKey::Ed25519(random.bytes()), spec.network);
        addresses.push(address);
        spec.accounts.push(GenesisAccount { address, balance: Amount(1_000_000 + number) });
    }
    for payer in 0..PAYERS {
        let address = Address::of(&test_key(payer).public(), spec.network);
        spec.accounts.push(GenesisAccount { address, balance: Amount(1_000 * UNITS_PER_COIN) });
    }
    let slot_ms = 1_000;
    let node = open(&spec, None, true)?;
    let chain = node.chain();
    for block in 1..=blocks {
        for payment in (block - 1) * payments..block * payments {
            let key = test_key(payment % PAYERS);
            let to = addresses[random.below(addresses.len())];
            let payment = Transaction {
                sender: key.public(),
                nonce: payment / PAYERS,
                fee: spec.fees.transfer,
                valid_until: Height(u64::MAX / 2),
                calls: vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(1) })],
                memo: Vec::new(),
            };
            node.submit_now(&payment.sign(&chain, &key)).map_err(|error| error.to_string())?;
        }
        node.advance(spec.genesis_time.plus_ms(block * slot_ms + 10)).map_err(|error| error.to_string())?;
    }
    let height = node.status().head.height;
    if height != Height(blocks) {
        return Err(format!("block {height} instead of {blocks}"));
    }
    Ok(node)
}

/// What catching up came to.
struct Followed {
    /// Until the taker had the giver's head, and everything on disk.
    seconds: f64,
    /// Bytes that came.
    bytes: u64,
    /// Whether the taker has the first block.
    has_first: bool,
}

async fn follow(giver: &Node, taker: &Node) -> Result<Followed, String> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let config = |peers| NetworkConfig {
        listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
        peers,
        // One peer gives all: what it may give is not to be the measure.
        limits: unbounded(),
        snapshot: snapshot::Limits { ahead: 10, higher_ms: 0, ..snapshot::Limits::default() },
        ..NetworkConfig::default()
    };
    let gives = Network::start(config(Vec::new()), vec![Arc::new(giver.clone())]);
    let gives = gives.await.map_err(|error| failed(&error))?;
    let address = gives.status().borrow().listening.first().cloned().ok_or("nobody listens")?;
    let target = giver.status();
    let began = Instant::now();
    let takes = Network::start(config(vec![address]), vec![Arc::new(taker.clone())]);
    let takes = takes.await.map_err(|error| failed(&error))?;
    loop {
        if taker.status().head.height >= target.final_block.height && taker.status().head.id == target.head.id
        {
            break;
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("the newcomer is at block {} only", taker.status().head.height));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let has_first = taker.block(Height(1)).await.is_ok();
    // It writes what waits.
    taker.shutdown().await;
    let seconds = began.elapsed().as_secs_f64();
    // Figures of peers are told a few times a second.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let bytes = takes.status().borrow().bytes_in;
    takes.shutdown().await;
    gives.shutdown().await;
    Ok(Followed { seconds, bytes, has_first })
}

fn unbounded() -> peers::Limits {
    let mut limits = peers::Limits::default();
    let rate = peers::Rate { burst: u64::MAX / 2_000, per_second: 1 << 40 };
    (limits.rates.requests, limits.rates.answer_bytes) = (rate, rate);
    limits
}
