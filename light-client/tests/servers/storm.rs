//! Many servers, each with troubles of its own, over a long time: nothing wrong is ever shown, and what is right comes back.

use std::collections::BTreeMap;

use light_client::{
    client::{Client, Health, Sync, TransportError},
    data_format::{BlockId, Time},
    state::AccountRecord,
    test_support::chain::test_address,
};

use super::{World, coins};

const ACCOUNTS: u64 = 4;
const SERVERS: usize = 4;
/// Never troubled: one is enough.
const HONEST: usize = 3;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

/// What a server does for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    None,
    Silent,
    /// It stands still, and so falls behind.
    Still,
    /// It flips bits in what it sends.
    Garbles,
    /// It answers with errors.
    Fails,
}

/// What is true of each account after each block.
type Truth = BTreeMap<(BlockId, u64), Option<AccountRecord>>;

struct Storm {
    world: World,
    troubles: [Trouble; SERVERS],
    raging: bool,
    truth: Truth,
    chance: Chance,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let world = World::alike(SERVERS, 0);
        let mut storm = Self {
            world,
            troubles: [Trouble::None; SERVERS],
            raging: true,
            truth: Truth::new(),
            chance: Chance(seed),
        };
        storm.note();
        (0..3).for_each(|_| storm.advance());
        storm
    }

    /// Remembers what is true after the newest block, the last of its round: only such blocks are checkpoints.
    fn note(&mut self) {
        let chain = &self.world.servers[HONEST].chain;
        for key in 1..=ACCOUNTS {
            self.truth.insert((chain.head().header.id(), key), chain.account(&test_address(key)));
        }
    }

    /// A round passes, in which somebody pays somebody.
    fn advance(&mut self) {
        let (from, to) = (1 + self.chance.next(ACCOUNTS), 1 + self.chance.next(ACCOUNTS));
        let payment = self.world.servers[HONEST].chain.transfer(from, test_address(to), coins(1));
        for server in 0..SERVERS {
            if self.troubles[server] != Trouble::Still {
                // Whoever stood still catches up with the very same blocks.
                self.world.backlog[server].push(payment.clone());
                for payment in std::mem::take(&mut self.world.backlog[server]) {
                    self.world.servers[server].pool = vec![payment];
                    self.world.servers[server].advance();
                }
            } else {
                self.world.backlog[server].push(payment.clone());
            }
        }
        self.note();
    }

    fn serve(&mut self, client: &mut Client, now: Time) {
        while let Some(request) = client.next_request() {
            let answer = self.world.servers[request.server].answer(&request);
            let answer = match self.troubles[request.server] {
                Trouble::None | Trouble::Still => Ok(answer),
                Trouble::Silent => Err(TransportError::Timeout),
                Trouble::Fails => Ok(light_client::client::Response { status: 503, body: Vec::new() }),
                Trouble::Garbles => {
                    let mut answer = answer;
                    if !answer.body.is_empty() && !request.url.ends_with("/v1/status") {
                        let place = self.chance.next(answer.body.len() as u64) as usize;
                        answer.body[place] ^= 1 << self.chance.next(8);
                    }
                    Ok(answer)
                }
            };
            // Some answers never come.
            if !self.raging || self.chance.next(20) > 0 {
                client.respond(request.id, answer, now);
            }
            self.assert_true(client);
        }
    }

    fn assert_true(&self, client: &Client) {
        assert_eq!(client.fork(), None, "nobody forks");
        for key in 1..=ACCOUNTS {
            let Some(proven) = client.account(&test_address(key)).and_then(|account| account.proven()) else {
                continue;
            };
            let Some(truth) = self.truth.get(&(proven.id, key)) else {
                panic!("no checkpoint: {}", proven.id)
            };
            assert_eq!(proven.record, *truth, "account {key} at height {}", proven.height);
        }
    }
}

fn storm(seed: u64) {
    let mut storm = Storm::new(seed);
    let mut client = storm.world.client();
    let mut now = storm.world.now();
    for key in 1..=ACCOUNTS {
        client.watch(test_address(key), now);
    }
    for _ in 0..60 {
        match storm.chance.next(8) {
            0 | 1 => {
                let kinds =
                    [Trouble::None, Trouble::Silent, Trouble::Still, Trouble::Garbles, Trouble::Fails];
                let server = storm.chance.next(HONEST as u64) as usize;
                storm.troubles[server] = kinds[storm.chance.next(5) as usize];
            }
            2 => {
                let key = 1 + storm.chance.next(ACCOUNTS);
                client.unwatch(&test_address(key));
                client.watch(test_address(key), now);
            }
            3 => client.set_watched(storm.chance.next(2) == 0, now),
            4 => client.hint(now),
            5 => {
                let saved = client.save();
                let mut again = storm.world.client();
                again.restore(&saved).unwrap();
                again.wake(now);
                client = again;
            }
            _ => storm.advance(),
        }
        now = storm.world.now().max(now.plus_ms(storm.chance.next(3_000)));
        client.tick(now);
        storm.serve(&mut client, now);
    }
    // All is well again: a person looks, and asks again.
    storm.troubles = [Trouble::None; SERVERS];
    storm.raging = false;
    client.set_watched(true, now);
    client.refresh(now);
    for _ in 0..3 {
        storm.advance();
    }
    now = storm.world.now().max(now);
    for _ in 0..40 {
        client.tick(now);
        storm.serve(&mut client, now);
        now = now.plus_ms(500);
    }
    // The chain does not go on while the clock does: only the newest block counts.
    let newest = storm.world.servers[HONEST].known_last();
    assert_eq!(client.trusted(), &newest, "seed {seed}: {:?}", client.servers());
    for key in 1..=ACCOUNTS {
        let Some(proven) = client.account(&test_address(key)).and_then(|account| account.proven()) else {
            panic!("seed {seed}, account {key}: {client:#?}");
        };
        assert_eq!(proven.id, newest.id, "seed {seed}, account {key}");
    }
    assert!(
        client.servers().iter().all(|server| !matches!(server.health(), Health::Lying { .. })),
        "seed {seed}"
    );
    // Until the chain has caught up with the clock.
    while storm.world.now() < now {
        storm.advance();
    }
    now = storm.world.now();
    client.hint(now);
    storm.serve(&mut client, now);
    assert_eq!(client.sync(now), Sync::Verified, "seed {seed}");
}

#[test]
fn nothing_wrong_is_shown_in_a_storm_and_what_is_right_comes_back_after_it() {
    (0..60).for_each(storm);
}
