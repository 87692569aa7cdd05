//! A server's events over a WebSocket, as hints.
//!
//! **Trust and bounds.** Of a message nothing is used but its kind, and that only makes the client ask sooner than
//! it would have. No address is named to the server: only blocks become final, and that is what is proven. A message
//! has at most [`MAX_MESSAGE_BYTES`]; a line that is silent for [`SILENCE`] is opened anew, and one that cannot be opened
//! is tried again after a pause that grows. Without a line the client asks in its own time, so failures here are not told.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    Connector, connect_async_tls_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};

use crate::Hint;

/// Bytes of a message, at most.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// Servers ping three times as often.
const SILENCE: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The part of an event that is read.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "type")]
    kind: String,
}

/// Passes a server's hints on, until nobody listens.
pub(super) async fn listen(server: String, tls: Arc<ClientConfig>, hints: mpsc::Sender<Hint>) {
    let Some(rest) = server.strip_prefix("http") else { return };
    let url = format!("ws{rest}/v1/events");
    let mut pause = FIRST_PAUSE;
    while !hints.is_closed() {
        if let Ok(heard) = follow(&url, &tls, &hints).await
            && heard
        {
            pause = FIRST_PAUSE;
        }
        sleep(pause).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// One line from its opening to its end; whether anything was heard on it.
async fn follow(url: &str, tls: &Arc<ClientConfig>, hints: &mpsc::Sender<Hint>) -> Result<bool, Error> {
    let bounds = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let connector = Connector::Rustls(Arc::clone(tls));
    let opened = connect_async_tls_with_config(url, Some(bounds), true, Some(connector));
    let Ok(opened) = timeout(CONNECT_TIMEOUT, opened).await else { return Ok(false) };
    let (mut line, _) = opened?;
    let mut heard = false;
    while let Ok(Some(message)) = timeout(SILENCE, line.next()).await {
        heard = true;
        let Some(hint) = hint(&message?) else { continue };
        // A full queue holds a hint already.
        if let Err(mpsc::error::TrySendError::Closed(_)) = hints.try_send(hint) {
            break;
        }
    }
    Ok(heard)
}

fn hint(message: &Message) -> Option<Hint> {
    let Message::Text(text) = message else { return None };
    match serde_json::from_str::<Told>(text).ok()?.kind.as_str() {
        "final" | "missed" => Some(Hint::Final),
        "block" => Some(Hint::Block),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kind_of_an_event_is_read() {
        let of = |text: &str| hint(&Message::text(text));
        assert_eq!(of(r#"{"type":"final","height":7,"id":"x","round":2}"#), Some(Hint::Final));
        assert_eq!(of(r#"{"type":"missed","events":7}"#), Some(Hint::Final));
        assert_eq!(of(r#"{"type":"block","height":"not even a number"}"#), Some(Hint::Block));
        for other in ["", "{}", "[]", r#"{"type":7}"#, r#"{"type":"account"}"#, r#"{"type":"Final"}"#] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(hint(&Message::binary(br#"{"type":"final"}"#.to_vec())), None);
    }
}
