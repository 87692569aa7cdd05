//! The class.

use light_client::{
    client::{Bundle as _, ChainFile, Client, Receipt, RequestId, Response, TransportError, Trusted},
    crypto::Hash,
    data_format::{Address, Time, TransactionId},
    transaction::{Submission, check_stateless},
};
use wasm_bindgen::prelude::*;

use crate::{
    LightError,
    plain::{list, maybe, text},
    view,
};

/// The light client of one chain: requests out, answers in, proven facts out.
#[wasm_bindgen]
#[derive(Debug)]
pub struct LightClient {
    client: Client,
    /// Where trust started: receipts are made to be checked from here.
    checkpoint: Trusted,
}

#[wasm_bindgen]
impl LightClient {
    /// A client for the chain of a chain file (the bytes of its JSON) that may ask these servers, such as
    /// `https://node.example`, without a slash at the end.
    ///
    /// # Errors
    /// `chain_file`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(js_name = chainFile)] chain_file: &[u8],
        servers: Vec<String>,
    ) -> Result<Self, LightError> {
        let file: ChainFile = serde_json::from_slice(chain_file)?;
        let (spec, checkpoint) = file.check()?;
        Ok(Self { client: Client::new(spec, checkpoint.clone(), servers), checkpoint })
    }

    /// The chain's id.
    #[wasm_bindgen(getter)]
    pub fn chain(&self) -> String {
        self.client.chain().to_string()
    }

    /// The next request to send. Each is answered once, by `respond` or `fail`.
    #[wasm_bindgen(js_name = nextRequest, unchecked_return_type = "LightRequest | undefined")]
    pub fn next_request(&mut self) -> JsValue {
        maybe(self.client.next_request(), view::request)
    }

    /// Takes a server's answer. One to a request that is not under way changes nothing.
    ///
    /// # Errors
    /// `time`, `request`.
    pub fn respond(&mut self, id: f64, status: u16, body: Vec<u8>, now: f64) -> Result<(), LightError> {
        let (id, now) = (request_id(id)?, time(now)?);
        self.client.respond(id, Ok(Response { status, body }), now);
        Ok(())
    }

    /// There is no answer: the server is `unreachable`, it took longer than `timeoutMs` (`timeout`), or it wanted to say
    /// more than `maxBytes` (`too_long`).
    ///
    /// # Errors
    /// `time`, `request`, `failure`.
    pub fn fail(
        &mut self,
        id: f64,
        #[wasm_bindgen(unchecked_param_type = "LightFailure")] why: &str,
        now: f64,
    ) -> Result<(), LightError> {
        let (id, now) = (request_id(id)?, time(now)?);
        let failure = match why {
            "unreachable" => TransportError::Unreachable(String::new()),
            "timeout" => TransportError::Timeout,
            "too_long" => TransportError::TooLong,
            _ => return Err(LightError::Failure),
        };
        self.client.respond(id, Err(failure), now);
        Ok(())
    }

    /// The time went on: asks what is due.
    ///
    /// # Errors
    /// `time`.
    pub fn tick(&mut self, now: f64) -> Result<(), LightError> {
        self.client.tick(time(now)?);
        Ok(())
    }

    /// When `tick` should come next.
    #[wasm_bindgen(js_name = nextTick)]
    pub fn next_tick(&self) -> f64 {
        self.client.next_tick().0 as f64
    }

    /// A server hinted that something changed: asks now. It is only a hint.
    ///
    /// # Errors
    /// `time`.
    pub fn hint(&mut self, now: f64) -> Result<(), LightError> {
        self.client.hint(time(now)?);
        Ok(())
    }

    /// Asks every server again, also those that lied: after a person said so.
    ///
    /// # Errors
    /// `time`.
    pub fn refresh(&mut self, now: f64) -> Result<(), LightError> {
        self.client.refresh(time(now)?);
        Ok(())
    }

    /// The device slept or its network is another one: asks at once, whoever did not lie.
    ///
    /// # Errors
    /// `time`.
    pub fn wake(&mut self, now: f64) -> Result<(), LightError> {
        self.client.wake(time(now)?);
        Ok(())
    }

    /// Whether somebody looks. While nobody does and no payment is open, servers are asked about once an hour.
    ///
    /// # Errors
    /// `time`.
    #[wasm_bindgen(js_name = setWatched)]
    pub fn set_watched(&mut self, watched: bool, now: f64) -> Result<(), LightError> {
        self.client.set_watched(watched, time(now)?);
        Ok(())
    }

    /// The next thing that changed.
    #[wasm_bindgen(js_name = nextEvent, unchecked_return_type = "LightEvent | undefined")]
    pub fn next_event(&mut self) -> JsValue {
        maybe(self.client.next_event(), view::event)
    }

    /// How the conversation with the servers goes.
    ///
    /// # Errors
    /// `time`.
    #[wasm_bindgen(unchecked_return_type = "LightSync")]
    pub fn sync(&self, now: f64) -> Result<JsValue, LightError> {
        Ok(view::sync(&self.client, self.client.sync(time(now)?)))
    }

    /// The servers, in the order given.
    #[wasm_bindgen(unchecked_return_type = "LightServer[]")]
    pub fn servers(&self) -> JsValue {
        list(self.client.servers().iter().map(view::server))
    }

    /// Proves an account from now on.
    ///
    /// # Errors
    /// `address`, `network`, `time`.
    pub fn watch(&mut self, address: &str, now: f64) -> Result<(), LightError> {
        let (address, now) = (self.address(address)?, time(now)?);
        self.client.watch(address, now);
        Ok(())
    }

    /// Stops proving an account and forgets what was proven of it.
    ///
    /// # Errors
    /// `address`, `network`.
    pub fn unwatch(&mut self, address: &str) -> Result<(), LightError> {
        let address = self.address(address)?;
        self.client.unwatch(&address);
        Ok(())
    }

    /// Loads older history of a watched account.
    ///
    /// # Errors
    /// `address`, `network`, `time`.
    #[wasm_bindgen(js_name = loadHistory)]
    pub fn load_history(&mut self, address: &str, now: f64) -> Result<(), LightError> {
        let (address, now) = (self.address(address)?, time(now)?);
        self.client.load_history(address, now);
        Ok(())
    }

    /// A watched account as far as it is proven; `undefined` if it is not watched.
    ///
    /// # Errors
    /// `address`, `network`, `time`.
    #[wasm_bindgen(unchecked_return_type = "LightAccount | undefined")]
    pub fn account(&self, address: &str, now: f64) -> Result<JsValue, LightError> {
        let (address, now) = (self.address(address)?, time(now)?);
        let account = self.client.account(&address);
        Ok(maybe(account, |account| view::account(&self.client, &address, account, now)))
    }

    /// The addresses of all watched accounts.
    #[wasm_bindgen(unchecked_return_type = "string[]")]
    pub fn accounts(&self) -> JsValue {
        list(self.client.accounts().map(|(address, _)| text(address)))
    }

    /// Submits a payment that was signed elsewhere (the bytes that `POST /v1/transactions` takes) and follows it until it
    /// is final or can never be; gives its id. Store `save` before its request is sent: then it survives whatever happens.
    ///
    /// # Errors
    /// The code of the rule that it breaks; `time`.
    pub fn submit(&mut self, submission: &[u8], now: f64) -> Result<String, LightError> {
        let now = time(now)?;
        let signed = Submission::decode(submission, self.client.chain())?;
        check_stateless(&signed, self.client.spec(), self.client.chain())?;
        Ok(self.client.submit(signed, now).to_string())
    }

    /// A payment that is followed; `undefined` if it is not.
    ///
    /// # Errors
    /// `transaction_id`.
    #[wasm_bindgen(unchecked_return_type = "LightPayment | undefined")]
    pub fn payment(&self, id: &str) -> Result<JsValue, LightError> {
        let id = transaction_id(id)?;
        Ok(maybe(self.client.payment(&id), |payment| view::payment(&self.client, &id, payment)))
    }

    /// The ids of all payments that are followed.
    #[wasm_bindgen(unchecked_return_type = "string[]")]
    pub fn payments(&self) -> JsValue {
        list(self.client.payments().map(|(id, _)| text(id)))
    }

    /// Stops following a payment.
    ///
    /// # Errors
    /// `transaction_id`.
    pub fn forget(&mut self, id: &str) -> Result<(), LightError> {
        self.client.forget(&transaction_id(id)?);
        Ok(())
    }

    /// Everything worth keeping. No secrets are in it; losing it costs one request.
    pub fn save(&self) -> Vec<u8> {
        self.client.save()
    }

    /// Goes on from what was saved.
    ///
    /// # Errors
    /// `stored_state`; nothing has changed then, and everything is proven again.
    pub fn restore(&mut self, saved: &[u8]) -> Result<(), LightError> {
        Ok(self.client.restore(saved)?)
    }

    /// What a receipt proves, without asking anybody: from the newest final block proven here if the receipt starts
    /// there, else from the checkpoint of the chain file.
    ///
    /// # Errors
    /// `not_a_receipt`, `other_chain`, `another_checkpoint` (with `neededBlock` and `neededHeight`), `forged`, `unproven`,
    /// `time`.
    #[wasm_bindgen(js_name = verifyReceipt, unchecked_return_type = "LightReceipt")]
    pub fn verify_receipt(&self, receipt: &[u8], now: f64) -> Result<JsValue, LightError> {
        let now = time(now)?;
        let receipt = Receipt::from_bytes(receipt)?;
        // Which one it is checked from is a matter of what was asked for; both are trusted.
        let newest = self.client.trusted();
        let from = if receipt.from == newest.id { newest } else { &self.checkpoint };
        let (_, proven) = self.client.verifier().receipt(from, &receipt, now)?;
        Ok(view::receipt(&self.client, from, proven.value(), now))
    }
}

impl LightClient {
    fn address(&self, text: &str) -> Result<Address, LightError> {
        let address: Address = text.parse()?;
        if address.network() == self.client.spec().network { Ok(address) } else { Err(LightError::Network) }
    }
}

/// Every whole number up to here is one that JavaScript has: 2^53 − 1.
const MAX_EXACT: f64 = 9_007_199_254_740_991.0;

/// A number of JavaScript that counts something.
fn count(value: f64) -> Option<u64> {
    (0.0..=MAX_EXACT).contains(&value).then_some(value as u64)
}

fn time(now: f64) -> Result<Time, LightError> {
    count(now).map(Time).ok_or(LightError::Time)
}

fn request_id(id: f64) -> Result<RequestId, LightError> {
    count(id).map(RequestId).ok_or(LightError::Request)
}

fn transaction_id(text: &str) -> Result<TransactionId, LightError> {
    Hash::from_hex(text).ok_or(LightError::TransactionId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_count_nothing_are_refused() {
        assert_eq!(count(0.0), Some(0));
        assert_eq!(count(1_700_000_000_000.25), Some(1_700_000_000_000));
        assert_eq!(count(MAX_EXACT), Some((1 << 53) - 1));
        for wrong in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 9_007_199_254_740_992.0, 1e300] {
            assert_eq!(count(wrong), None, "{wrong}");
        }
    }
}
