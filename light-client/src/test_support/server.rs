//! A server in memory over a [`ScriptedChain`]: takes the client's requests, gives honest answers. Tests change
//! the answers on their way.

use super::chain::ScriptedChain;
use crate::{
    client::{Bundle, Client, Method, Questions, Request, Response, Trusted},
    crypto::Hash,
    data_format::{Address, BlockId, SignedTransaction, Time},
    transaction::Submission,
};

/// What a request asks for.
pub(super) struct Asked<'a> {
    /// The path below `/v1`, in parts.
    pub(super) path: Vec<&'a str>,
    query: &'a str,
}

impl<'a> Asked<'a> {
    pub(super) fn of(request: &'a Request) -> Self {
        let path = request.url.split_once("/v1/").map_or("", |(_, path)| path);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self { path: path.split('/').collect(), query }
    }

    fn field(&self, name: &str) -> Option<&'a str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    pub(super) fn number(&self, name: &str) -> u64 {
        self.field(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    pub(super) fn trusted(&self) -> Option<BlockId> {
        Hash::from_hex(self.field("trusted")?)
    }
}

/// A chain that answers requests and mints what it is sent.
pub struct ScriptedServer {
    /// The chain.
    pub chain: ScriptedChain,
    /// Payments taken and not minted yet.
    pub pool: Vec<SignedTransaction>,
    /// Blocks that clients may name as trusted, with their tables.
    known: Vec<Trusted>,
}

impl ScriptedServer {
    /// A server of a chain.
    pub fn new(chain: ScriptedChain) -> Self {
        let known = vec![chain.genesis()];
        Self { chain, pool: Vec::new(), known }
    }

    /// Lets clients name a block as trusted.
    pub fn know(&mut self, trusted: Trusted) {
        self.known.push(trusted);
    }

    /// The newest block that clients may name as trusted.
    pub fn known_last(&self) -> Trusted {
        self.known.last().cloned().unwrap_or_else(|| self.chain.genesis())
    }

    /// Mints a round, with what is in the pool in its first block.
    pub fn advance(&mut self) {
        let pool = std::mem::take(&mut self.pool);
        self.chain.advance(&pool);
        let newest = self.known.last().cloned();
        if let Some(trusted) = newest
            && let Some(beacon) = self.chain.beacon(&trusted)
            && let Ok((tables, _)) = beacon.tables.resolve(trusted.tables.as_ref().unwrap())
        {
            self.known.push(Trusted {
                round: beacon.source_round,
                height: beacon.source.height,
                slot: beacon.source.slot,
                id: beacon.source.id(),
                tables: Some(tables),
            });
        }
    }

    /// The honest answer to a request.
    pub fn answer(&mut self, request: &Request) -> Response {
        let asked = Asked::of(request);
        let number = |name: &str| asked.number(name);
        let trusted = match asked.trusted() {
            None => self.chain.genesis(),
            Some(id) => match self.known.iter().rev().find(|known| known.id == id) {
                Some(known) => known.clone(),
                None => {
                    let body = br#"{"code":"unknown_trusted_block","detail":"not of this chain"}"#.to_vec();
                    return Response { status: 409, body };
                }
            },
        };
        let body = match (request.method, asked.path.as_slice()) {
            (Method::Get, ["status"]) => {
                format!("{{\"chain_id\":\"{}\"}}", self.chain.spec().id()).into_bytes()
            }
            (Method::Get, ["beacon"]) => self.chain.anchor(&trusted).to_bytes(),
            (Method::Get, ["handover"]) => match self.chain.hand_over(&trusted) {
                Some(hand_over) => hand_over.to_bytes(),
                None => return Response { status: 404, body: Vec::new() },
            },
            (Method::Get, ["accounts", address, "bundle"]) => {
                let address: Address = address.parse().unwrap();
                self.chain.account_bundle(&trusted, address, number("known"), number("records")).to_bytes()
            }
            (Method::Get, ["accounts", address, "history"]) => {
                let address: Address = address.parse().unwrap();
                self.chain.history_page(&address, number("before"), number("limit")).to_bytes()
            }
            (Method::Get, ["transactions", id, "bundle"]) => {
                let id = Hash::from_hex(id).unwrap();
                return found(self.chain.transaction_bundle(&trusted, &id));
            }
            (Method::Get, ["transactions", id, "receipt"]) => {
                let id = Hash::from_hex(id).unwrap();
                return found(self.chain.receipt(&trusted, &id));
            }
            (Method::Get, ["headers", name, "bundle"]) => {
                return found(self.chain.header_bundle(&trusted, name.parse().unwrap()));
            }
            (Method::Get, ["chain", "bundle"]) => self.chain.parameters().to_bytes(),
            (Method::Post, ["state"]) => {
                let Questions(questions) = Questions::from_bytes(&request.body).unwrap();
                self.chain.state_bundle(&trusted, &questions).to_bytes()
            }
            (Method::Post, ["transactions"]) => {
                self.pool.push(Submission::decode(&request.body, &self.chain.spec().id()).unwrap());
                return Response { status: 202, body: b"{}".to_vec() };
            }
            _ => return Response { status: 404, body: Vec::new() },
        };
        Response { status: 200, body }
    }

    /// Answers every request that the client has, until it has none, changing answers on their way.
    pub fn serve(
        &mut self,
        client: &mut Client,
        now: Time,
        mut change: impl FnMut(&Request, Response) -> Response,
    ) -> usize {
        let mut served = 0;
        while let Some(request) = client.next_request() {
            let response = self.answer(&request);
            let response = change(&request, response);
            client.respond(request.id, Ok(response), now);
            served += 1;
        }
        served
    }
}

fn found(bundle: Option<impl Bundle>) -> Response {
    match bundle {
        Some(bundle) => Response { status: 200, body: bundle.to_bytes() },
        None => Response { status: 404, body: Vec::new() },
    }
}
