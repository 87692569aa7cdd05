//! Several servers: who is asked about what, who is banned, forks, and trust beyond the trusting period.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken script must stop the test")]

mod agreement;
mod clock;
mod fork;
mod idle;
mod payments;
mod privacy;
mod storm;

use light_client::{
    client::{Client, Request, Response, TransportError},
    data_format::{Address, Amount, GenesisAccount, SignedTransaction, Time, UNITS_PER_COIN},
    test_support::{
        chain::{ScriptedChain, test_address},
        server::ScriptedServer,
    },
};

/// Accounts 1 to 8, with 1,000 coins each.
fn accounts() -> Vec<GenesisAccount> {
    let account = |key| GenesisAccount { address: test_address(key), balance: coins(1_000) };
    (1..=8).map(account).collect()
}

const fn coins(coins: u64) -> Amount {
    Amount(coins * UNITS_PER_COIN)
}

/// A server over a chain of four slots, so many rounds old.
fn server(rounds: usize) -> ScriptedServer {
    let mut server = ScriptedServer::new(ScriptedChain::new(4, accounts()));
    for _ in 0..rounds {
        server.advance();
    }
    server
}

/// A client that watches accounts 1 to `count` and has proven them.
fn watching(world: &mut World, count: u64) -> Client {
    let mut client = world.client();
    let now = world.now();
    for key in 1..=count {
        client.watch(test_address(key), now);
    }
    world.serve(&mut client, now);
    client
}

/// Servers of different operators, and whom they were asked about.
struct World {
    servers: Vec<ScriptedServer>,
    /// Does not answer.
    silent: Vec<bool>,
    /// Payments of the rounds that it has not minted yet.
    backlog: Vec<Vec<SignedTransaction>>,
    /// Every request that was sent: the server and the address of the request.
    asked: Vec<(usize, String)>,
}

impl World {
    fn new(servers: Vec<ScriptedServer>) -> Self {
        let count = servers.len();
        Self { servers, silent: vec![false; count], backlog: vec![Vec::new(); count], asked: Vec::new() }
    }

    /// As many servers with the same chain.
    fn alike(count: usize, rounds: usize) -> Self {
        Self::new((0..count).map(|_| server(rounds)).collect())
    }

    fn client(&self) -> Client {
        let names = (0..self.servers.len()).map(|index| format!("http://node{index}.example"));
        let chain = &self.servers[0].chain;
        Client::new(chain.spec().clone(), chain.genesis(), names)
    }

    fn now(&self) -> Time {
        self.servers.iter().map(|server| server.chain.now()).max().unwrap()
    }

    fn advance(&mut self) {
        self.servers.iter_mut().for_each(ScriptedServer::advance);
    }

    /// Answers every request that the client has, until it has none.
    fn serve(&mut self, client: &mut Client, now: Time) {
        self.serve_changed(client, now, |_, response| response);
    }

    fn serve_changed(
        &mut self,
        client: &mut Client,
        now: Time,
        mut change: impl FnMut(&Request, Response) -> Response,
    ) {
        while let Some(request) = client.next_request() {
            self.asked.push((request.server, request.url.clone()));
            let answer = if self.silent[request.server] {
                Err(TransportError::Unreachable("nobody there".to_owned()))
            } else {
                let answer = self.servers[request.server].answer(&request);
                Ok(change(&request, answer))
            };
            client.respond(request.id, answer, now);
        }
    }

    /// Who was asked about an address since this was last asked.
    fn asked_about(&self, address: &Address) -> Vec<usize> {
        let text = address.to_string();
        let mut servers: Vec<usize> =
            self.asked.iter().filter(|(_, url)| url.contains(&text)).map(|(server, _)| *server).collect();
        servers.sort_unstable();
        servers.dedup();
        servers
    }

    fn asked_for(&self, server: usize, what: &str) -> usize {
        self.asked.iter().filter(|(asked, url)| *asked == server && url.contains(what)).count()
    }
}
