//! The other end: asking a running node.

use std::time::Duration;

use light_client::data_format::Time;

use serde::{Deserialize, de::DeserializeOwned};

use super::{answers::StatusAnswer, chains::ChainEntry, peers::PeersAnswer};

const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// No usable answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers there, or not in time.
    #[error("no node answers at {url}: {cause}")]
    NoAnswer {
        /// Where.
        url: String,
        /// Why.
        cause: ureq::Error,
    },
    /// An answer, but not the one asked for.
    #[error("{url} answers with HTTP status {status}")]
    Refused {
        /// Where.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The node says no, in words.
    #[error("the node says no: {detail} ({code})")]
    Problem {
        /// The stable code.
        code: String,
        /// In words.
        detail: String,
    },
    /// Something that no node says.
    #[error("the answer of {url} is not a node's: {cause}")]
    Unreadable {
        /// Where.
        url: String,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
}

/// Asks the node at `url` how its chains are doing; `json` gives its answer about the first one as it is, else a summary of
/// each for people. With the path of a chain in `url` it is about that one. Blocks the thread for five seconds a chain at
/// most.
///
/// # Errors
/// [`AskError`] if there is no answer or it is not a node's.
pub fn ask_status(url: &str, json: bool, now: Time) -> Result<String, AskError> {
    if json {
        return Ok(ask::<StatusAnswer>(url, "/v1/status")?.0);
    }
    let (_, chains) = ask::<Vec<ChainEntry>>(url, "/v1/chains")?;
    let summary = |path: &str| {
        let (_, status) = ask::<StatusAnswer>(url, &format!("{path}/v1/status"))?;
        Ok(status.summary(now.0))
    };
    if let [_] = &chains[..] {
        return summary("");
    }
    let all = chains.iter().map(|chain| summary(&chain.path)).collect::<Result<Vec<_>, AskError>>()?;
    Ok(all.join("\n"))
}

/// Asks the node at `url` whether it follows its chains; what keeps it from that, if it does not. As [`ask_status`].
///
/// # Errors
/// As [`ask_status`].
pub fn ask_health(url: &str) -> Result<Option<String>, AskError> {
    let (_, chains) = ask::<Vec<ChainEntry>>(url, "/v1/chains")?;
    let unwell =
        chains.iter().filter_map(|chain| Some(format!("{:?}: {}", chain.name, chain.unwell.as_ref()?)));
    let words: Vec<String> = unwell.collect();
    Ok((!words.is_empty()).then(|| words.join("; ")))
}

/// Asks the node at `url` whom it is connected with; as [`ask_status`].
///
/// # Errors
/// As [`ask_status`].
pub fn ask_peers(url: &str, json: bool, now: Time) -> Result<String, AskError> {
    let (text, peers) = ask::<PeersAnswer>(url, "/v1/peers")?;
    Ok(if json { text } else { peers.summary(now.0) })
}

/// Asks the node at `url` for a JSON answer; gives it as it is too. Blocks the thread for five seconds at most.
///
/// # Errors
/// As [`ask_status`].
pub fn ask<T: DeserializeOwned>(url: &str, path: &str) -> Result<(String, T), AskError> {
    request(url, path, None)
}

/// Sends bytes to the node at `url`, such as a submission to `/v1/transactions`.
///
/// # Errors
/// As [`ask_status`]; [`AskError::Problem`] with the node's words if it does not take them.
pub fn send<T: DeserializeOwned>(url: &str, path: &str, bytes: &[u8]) -> Result<T, AskError> {
    request(url, path, Some(bytes)).map(|(_, answer)| answer)
}

/// What a node says when it says no.
#[derive(Deserialize)]
struct ProblemAnswer {
    code: String,
    detail: String,
}

fn request<T: DeserializeOwned>(url: &str, path: &str, body: Option<&[u8]>) -> Result<(String, T), AskError> {
    let url = format!("{}{path}", url.trim_end_matches('/'));
    let no_answer = |cause| AskError::NoAnswer { url: url.clone(), cause };
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build();
    let agent = ureq::Agent::new_with_config(config);
    let answered = match body {
        None => agent.get(&url).call(),
        Some(bytes) => agent.post(&url).content_type("application/octet-stream").send(bytes),
    };
    let mut response = answered.map_err(no_answer)?;
    let status = response.status();
    let text =
        response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string().map_err(no_answer)?;
    if !status.is_success() {
        return Err(match serde_json::from_str::<ProblemAnswer>(&text) {
            Ok(ProblemAnswer { code, detail }) => AskError::Problem { code, detail },
            Err(_) => AskError::Refused { url, status: status.as_u16() },
        });
    }
    let answer = serde_json::from_str(&text).map_err(|cause| AskError::Unreadable { url, cause })?;
    Ok((text, answer))
}
