//! Reading the chain for others, one request after another.

use std::sync::Arc;

use libp2p::{PeerId, request_response::ResponseChannel};
use light_client::data_format::codec;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::{
    codec::Reply,
    messages::{Bytes, Headers, Request, Response},
    port::{ChainPort, PortError},
    protocol::{MAX_BLOCKS, MAX_HEADERS, MAX_LOCATOR, MAX_RESPONSE_BYTES},
    worker::{Done, Outcomes},
};

/// Bytes of entries of a state in one answer, about.
const PIECE_BYTES: usize = 512 * 1024;
/// Entries of a state in one answer, at most.
const PIECE_LEAVES: u32 = 8_192;

/// What there is to read.
pub(super) enum ReadWork {
    Locate,
    Serve { peer: PeerId, request: Request, channel: ResponseChannel<Reply<Response>> },
    Waiting,
}

/// Reads what comes until nothing more does. Votes are asked for where they are kept.
pub(super) async fn read(
    port: Arc<dyn ChainPort>,
    mut work: Receiver<ReadWork>,
    votes: Sender<Sender<Vec<Vec<u8>>>>,
    done: Outcomes,
) {
    /// Bytes of transactions that a new peer is told.
    const WAITING_BYTES: usize = 1 << 20;
    while let Some(next) = work.recv().await {
        let port = Arc::clone(&port);
        let read = match next {
            ReadWork::Locate => {
                let located = tokio::task::spawn_blocking(move || port.locator(MAX_LOCATOR as usize)).await;
                located.map(|located| located.map(|(tip, locator)| Done::Located(tip, locator)))
            }
            ReadWork::Serve { peer, request, channel } => {
                let served = tokio::task::spawn_blocking(move || serve(&*port, request)).await;
                served.map(|served| served.map(|response| Done::Served { peer, channel, response }))
            }
            ReadWork::Waiting => {
                let waiting = tokio::task::spawn_blocking(move || port.waiting(WAITING_BYTES)).await;
                let (answer, mut answered) = mpsc::channel(1);
                drop(votes.send(answer).await);
                let votes = answered.recv().await.unwrap_or_default();
                waiting.map(|waiting| Ok(Done::Waiting(waiting, votes)))
            }
        };
        match read {
            Ok(Ok(read)) => {
                if done.send(read).await.is_err() {
                    return;
                }
            }
            Ok(Err(error)) => tracing::warn!(%error, "a request is not answered"),
            Err(error) => tracing::warn!(%error, "a request is not answered"),
        }
    }
}

/// The answer to a request, from the chain, encoded.
///
/// # Errors
/// [`PortError`] when the chain cannot answer.
pub(crate) fn serve(port: &dyn ChainPort, request: Request) -> Result<Vec<u8>, PortError> {
    let response = match request {
        Request::Tip => Response::Tip(port.tip()?),
        Request::Headers { locator, limit } => {
            let headers = port.headers_after(&locator, limit.min(MAX_HEADERS) as usize)?;
            Response::Headers(headers.map(Headers))
        }
        Request::AnchoredHeaders { after, anchor, limit } => {
            Response::AnchoredHeaders(port.headers_to(after, &anchor, limit.min(MAX_HEADERS) as usize)?)
        }
        Request::Blocks { mut ids } => {
            ids.truncate(MAX_BLOCKS as usize);
            // Room for what surrounds them.
            return Ok(Response::encoded_blocks(&port.blocks(&ids, MAX_RESPONSE_BYTES - 1_024)?));
        }
        Request::Finality { trusted, open } => {
            Response::Finality(port.prove_final(&trusted, open)?.map(Bytes))
        }
        Request::SnapshotBase { block } => Response::SnapshotBase(port.snapshot_base(&block)?.map(Bytes)),
        Request::SnapshotLeaves { block, first, count } => {
            let leaves = port.snapshot_leaves(&block, first, count.min(PIECE_LEAVES), PIECE_BYTES)?;
            Response::SnapshotLeaves(leaves.map(|(count, proof)| (count, Bytes(proof))))
        }
    };
    Ok(codec::encode(&response))
}
