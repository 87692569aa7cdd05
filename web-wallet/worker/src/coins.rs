//! Test coins, on a development chain.

use light_client::{client::Client, data_format::Address};
use web_protocol::{Answer, Problem};

use crate::{
    chain::ServerAnswer,
    platform::{Body, FetchError, Request, Response},
};

/// How long the faucet may take.
const FAUCET_TIMEOUT_MS: u32 = 10_000;
/// Bytes of the faucet's answer, at most.
const MAX_FAUCET_BYTES: usize = 64 * 1024;

/// Asks the first server's faucet for coins.
///
/// # Errors
/// [`Problem::Server`] if there is no server.
pub(crate) fn request(client: &Client, to: Address) -> Result<Request, Problem> {
    let server = client.servers().first().ok_or_else(|| unreachable(&FetchError::Unreachable))?;
    // An address has nothing in it that JSON would write otherwise; a serializer would be part of the download for this alone.
    let json = format!("{{\"address\":\"{to}\"}}");
    Ok(Request {
        url: format!("{}/v1/faucet", server.url()),
        body: Some(Body { media_type: "application/json", bytes: json.into_bytes() }),
        timeout_ms: FAUCET_TIMEOUT_MS,
        max_bytes: MAX_FAUCET_BYTES,
    })
}

/// What the faucet's answer means.
pub(crate) fn answer(result: Result<Response, FetchError>) -> Result<Answer, Problem> {
    let response = result.map_err(|error| unreachable(&error))?;
    if (200..300).contains(&response.status) {
        return Ok(Answer::Done);
    }
    Err(match serde_json::from_slice(&response.body) {
        Ok(ServerAnswer { code, detail, .. }) if !code.is_empty() => Problem::Server { code, words: detail },
        _ => Problem::Server {
            code: "unreadable".to_owned(),
            words: format!("HTTP status {}", response.status),
        },
    })
}

fn unreachable(error: &FetchError) -> Problem {
    Problem::Server { code: "unreachable".to_owned(), words: error.to_string() }
}
