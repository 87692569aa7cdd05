//! A node that is killed at any instant loses nothing that it accepted or reported in a block, needs no repair, and goes
//! on.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use integration_tests::{Api, Commits, FAST_SLOT_MS, FastChain, NodeProcess, audit, now};
use light_client::{
    data_format::{Amount, TransactionId, UNITS_PER_COIN},
    test_support::chain::test_address,
};

/// Kills between the begin and the end of a block's commit.
const KILLS: u64 = 50;
/// Lives that it may take: a kill can come too late.
const LIVES: u32 = 200;
const PAYERS: u64 = 4;
/// Payments of one payer that wait at a time.
const OPEN: usize = 6;

/// What the node has reported so far, and must stand by.
#[derive(Default)]
struct Reported {
    /// Height → block id.
    blocks: BTreeMap<u64, String>,
    /// Transaction → height of its block.
    payments: BTreeMap<TransactionId, u64>,
    final_height: u64,
}

/// An account that pays all the time.
struct Payer {
    number: u64,
    next_nonce: u64,
    /// What was accepted and is not reported in a block yet. It is never sent again.
    open: BTreeMap<u64, TransactionId>,
}

#[test]
fn nothing_accepted_or_reported_in_a_block_is_lost_by_kill_9() {
    let chain = FastChain::new(PAYERS);
    let address = NodeProcess::free_address();
    let mut payers: Vec<Payer> =
        (1..=PAYERS).map(|number| Payer { number, next_nonce: 0, open: BTreeMap::new() }).collect();
    let mut reported = Reported::default();
    let (mut lives, mut kills) = (0, 0);
    while kills < KILLS {
        assert!(lives < LIVES, "only {kills} of {lives} kills hit a commit");
        let (node, mut commits) = chain.start_watched(address);
        let api = node.api();
        reported.check_newest(&api);
        let slot_ms = u64::from(FAST_SLOT_MS);
        let until = now().0 + u64::from(3 + lives % 3) * slot_ms;
        while now().0 < until {
            payers.iter_mut().for_each(|payer| payer.pay(&chain, &api));
            reported.collect(&api, &mut payers, until);
            thread::sleep(Duration::from_millis(until.saturating_sub(now().0).min(slot_ms)));
        }
        kill_inside_commit(node, &mut commits, lives);
        kills += u64::from(commits.ended_inside());
        lives += 1;
    }
    let node = chain.start(address);
    let api = node.api();
    let (height, until) = (api.height(), Instant::now() + Duration::from_secs(60));
    while !reported.all_final(&payers) {
        assert!(Instant::now() < until, "the chain does not go on: {}", api.json("/v1/status"));
        reported.collect(&api, &mut payers, u64::MAX);
        thread::sleep(Duration::from_millis(200));
    }
    reported.check_all(&api);
    assert!(api.height() > height, "the chain goes on");
    assert_eq!(node.terminate().code(), Some(0));

    let count = reported.payments.len() as u64;
    assert!(count >= KILLS, "only {count} payments");
    let audit = audit(&chain.data());
    assert_eq!(audit.nonces, count, "each payment happened once");
    let burned = count * (UNITS_PER_COIN / 10);
    assert_eq!(audit.coins.units(), PAYERS * 1_000_000 * UNITS_PER_COIN - burned);
}

/// Kills right after an answer.
const INSTANT_KILLS: u64 = 20;

#[test]
fn what_was_accepted_is_in_a_block_after_kill_9() {
    let chain = FastChain::new(PAYERS);
    let (address, chain_id) = (NodeProcess::free_address(), chain.spec().id());
    let mut accepted = Vec::new();
    for life in 0..INSTANT_KILLS {
        let node = chain.start(address);
        let api = node.api();
        let payments: Vec<_> = (1..=PAYERS)
            .map(|payer| {
                chain.payment(payer, life, test_address(1_000 + payer), Amount(UNITS_PER_COIN + life))
            })
            .collect();
        // All at the same time, so that they share writes; the node dies with the last answer.
        thread::scope(|scope| {
            for signed in &payments {
                let api = api.clone();
                scope.spawn(move || {
                    let answer = api.submit(&chain_id, signed);
                    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
                });
            }
        });
        node.kill();
        accepted.extend(payments.iter().map(|signed| signed.transaction.id(&chain_id)));
    }
    let node = chain.start(address);
    let (api, until) = (node.api(), Instant::now() + Duration::from_secs(60));
    for id in &accepted {
        while api.json(&format!("/v1/transactions/{id}"))["state"] != "included" {
            assert!(Instant::now() < until, "{id} was accepted, and is in no block");
            thread::sleep(Duration::from_millis(50));
        }
    }
    assert_eq!(node.terminate().code(), Some(0));
    assert_eq!(audit(&chain.data()).nonces, INSTANT_KILLS * PAYERS, "each payment happened once");
}

/// While the next block is being written; at another point of the write in each life.
fn kill_inside_commit(node: NodeProcess, commits: &mut Commits, life: u32) {
    let last = commits.wait();
    let until = Instant::now() + last * (life % 8) / 8;
    // A sleep is too coarse for what takes a millisecond or two.
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    node.kill();
}

impl Payer {
    /// One payment more, unless enough of them wait.
    fn pay(&mut self, chain: &FastChain, api: &Api) {
        if self.open.len() >= OPEN {
            return;
        }
        let (nonce, chain_id) = (self.next_nonce, chain.spec().id());
        let to = test_address(1_000 + nonce % 50);
        let signed = chain.payment(self.number, nonce, to, Amount(UNITS_PER_COIN + nonce));
        let answer = api.submit(&chain_id, &signed);
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        self.open.insert(nonce, signed.transaction.id(&chain_id));
        self.next_nonce += 1;
    }
}

impl Reported {
    /// Notes what the node reports, until a moment.
    fn collect(&mut self, api: &Api, payers: &mut [Payer], until: u64) {
        let status = api.json("/v1/status");
        let height = |place: &str| status[place]["height"].as_u64().unwrap();
        let known = self.blocks.last_key_value().map_or(0, |(height, _)| *height);
        assert!(height("head") >= known, "the head went back from {known}: {status}");
        self.blocks.insert(height("head"), status["head"]["id"].as_str().unwrap().to_owned());
        self.final_height = self.final_height.max(height("final"));
        for payer in payers {
            let asked: Vec<_> = payer.open.iter().map(|(nonce, id)| (*nonce, *id)).collect();
            for (nonce, id) in asked {
                let answer = api.get(&format!("/v1/transactions/{id}"));
                if answer.status == 200 && answer.json()["state"] == "included" {
                    self.payments.insert(id, answer.json()["block"]["height"].as_u64().unwrap());
                    payer.open.remove(&nonce);
                }
                if now().0 >= until {
                    return;
                }
            }
        }
    }

    /// Whether every payment made is in a final block.
    fn all_final(&self, payers: &[Payer]) -> bool {
        let last = self.payments.values().max().copied().unwrap_or(0);
        payers.iter().all(|payer| payer.open.is_empty()) && self.final_height >= last
    }

    /// The newest of what was reported, which a kill would endanger, is still there.
    fn check_newest(&self, api: &Api) {
        let from = self.blocks.keys().rev().nth(10).copied().unwrap_or(0);
        self.check(api, from);
    }

    /// Everything reported is still there.
    fn check_all(&self, api: &Api) {
        self.check(api, 0);
    }

    fn check(&self, api: &Api, from: u64) {
        let final_height = api.json("/v1/status")["final"]["height"].as_u64().unwrap();
        assert!(final_height >= self.final_height, "block {} was final", self.final_height);
        for (height, id) in self.blocks.range(from..) {
            assert_eq!(&api.json(&format!("/v1/blocks/{height}"))["id"], id, "block {height}");
        }
        for (id, height) in self.payments.iter().filter(|(_, height)| **height >= from) {
            let answer = api.json(&format!("/v1/transactions/{id}"));
            assert_eq!(answer["block"]["height"], *height, "{answer}");
        }
    }
}
