use std::{thread, time::Duration};

use light_client::{
    client::{Bundle, ChainFile, HeaderRow, Trusted},
    consensus::spos::Tables,
    crypto::Hash,
    data_format::{ChainSpec, SealedHeader, SignedTransaction},
    transaction::Submission,
};
use serde_json::Value;
use ureq::Agent;

/// A node's API, asked without believing it.
#[derive(Clone)]
pub struct Api {
    base: String,
    agent: Agent,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The stable code of a problem.
    ///
    /// # Panics
    /// If this is no problem document.
    pub fn code(&self) -> String {
        assert_eq!(self.content_type, "application/problem+json", "{self:?}");
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

impl Api {
    /// The API at an address such as `http://127.0.0.1:9922`.
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), agent: agent(Duration::from_secs(10)) }
    }

    /// Its address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// GET.
    ///
    /// # Errors
    /// When no answer came.
    pub fn try_get(&self, path: &str) -> Result<Answer, ureq::Error> {
        self.agent.get(format!("{}{path}", self.base)).call().and_then(read)
    }

    /// GET; panics when no answer comes.
    ///
    /// # Panics
    /// When no answer came.
    pub fn get(&self, path: &str) -> Answer {
        self.try_get(path).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// GET of what must be there. Slows down when told to.
    ///
    /// # Panics
    /// For every other status than 200 and 429.
    fn found(&self, path: &str) -> Answer {
        loop {
            let answer = self.get(path);
            match answer.status {
                200 => return answer,
                429 => thread::sleep(Duration::from_millis(100)),
                _ => panic!("GET {path}: {}", String::from_utf8_lossy(&answer.body)),
            }
        }
    }

    /// GET of JSON that must be there. Slows down when told to.
    ///
    /// # Panics
    /// For every other status than 200 and 429.
    pub fn json(&self, path: &str) -> Value {
        self.found(path).json()
    }

    /// The figures for Prometheus. Slows down when told to.
    ///
    /// # Panics
    /// For every other status than 200 and 429.
    pub fn figures(&self) -> String {
        String::from_utf8(self.found("/metrics").body).unwrap()
    }

    /// Submits bytes as they are.
    ///
    /// # Errors
    /// When no answer came.
    pub fn try_submit_bytes(&self, bytes: &[u8]) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(format!("{}/v1/transactions", self.base));
        request.content_type("application/octet-stream").send(bytes).and_then(read)
    }

    /// Submits a transaction to a chain.
    ///
    /// # Panics
    /// When no answer came.
    pub fn submit(&self, chain: &Hash, signed: &SignedTransaction) -> Answer {
        let bytes = Submission { chain: *chain, signed: signed.clone() }.encode();
        self.try_submit_bytes(&bytes).unwrap()
    }

    /// Height of the newest block, as the node says.
    pub fn height(&self) -> u64 {
        self.json("/v1/status")["head"]["height"].as_u64().unwrap()
    }

    /// The file beside a wallet, served by development nodes.
    ///
    /// # Panics
    /// If the node serves none that can be used.
    pub fn chain_file(&self) -> (ChainSpec, Trusted) {
        let file: ChainFile = serde_json::from_value(self.json("/chain.json")).unwrap();
        file.check().unwrap()
    }

    /// Genesis as the block to trust, for a spec that is known.
    ///
    /// # Panics
    /// If the node's genesis does not have the tables of the spec.
    pub fn genesis(&self, spec: &ChainSpec) -> Trusted {
        let genesis = self.header(0);
        let tables = Tables::at_genesis(spec).unwrap();
        assert_eq!(genesis.header.next_slots, tables.as_ref().map_or(Hash::ZERO, Tables::commitment));
        Trusted::genesis(&genesis, tables)
    }

    /// The header of the best branch at a height.
    ///
    /// # Panics
    /// If there is none.
    pub fn header(&self, height: u64) -> SealedHeader {
        let row = self.get(&format!("/v1/headers?from={height}&limit=1"));
        let HeaderRow(mut row) = HeaderRow::from_bytes(&row.body).unwrap();
        row.pop().unwrap()
    }
}

/// An agent that reports every status as an answer.
pub(crate) fn agent(timeout: Duration) -> Agent {
    Agent::config_builder().http_status_as_error(false).timeout_global(Some(timeout)).build().new_agent()
}

/// Reads an answer of at most 2 MB.
pub(crate) fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let content_type = response.headers().get("content-type");
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let body = response.body_mut().with_config().limit(2 << 20).read_to_vec()?;
    Ok(Answer { status: response.status().as_u16(), content_type, body })
}
