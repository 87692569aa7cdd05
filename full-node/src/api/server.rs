//! Connections: accepted in bounded number, timed, and closed in order.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, watch},
};
use tower::ServiceExt;

use super::limits::{HEAD_TIMEOUT, MAX_CLIENT_CONNECTIONS, MAX_CONNECTIONS, MAX_HEAD_BYTES, client_of};

/// How long running requests may take to finish when the node stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else listens there.
    #[error("another program already listens on {0}")]
    InUse(SocketAddr),
    /// Anything else: no such interface, no permission.
    #[error("cannot listen on {address}: {cause}")]
    Other {
        /// Where.
        address: SocketAddr,
        /// Why not.
        cause: io::Error,
    },
}

/// Takes the address; clients wait until [`serve`] runs.
///
/// # Errors
/// [`ListenError`] if it is taken or not ours.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|cause| match cause.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(address),
        _ => ListenError::Other { address, cause },
    })
}

/// Serves until `stopping` becomes true, then lets running requests finish for a few seconds.
pub async fn serve(listener: TcpListener, router: Router, mut stopping: watch::Receiver<bool>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD_BYTES);
    // Every connection keeps a copy; when all are gone, `done` says so.
    let (open, mut done) = mpsc::channel::<()>(1);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let clients = Clients::default();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = until_stopping(&mut stopping) => break,
        };
        let Some((stream, peer, place)) = accepted else { break };
        let Some(client) = clients.enter(client_of(peer.ip())) else {
            tracing::debug!(%peer, "too many connections of one client");
            continue;
        };
        let service = router.clone().map_request(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request
        });
        let connection =
            http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).with_upgrades();
        let (mut stopping, open) = (stopping.clone(), open.clone());
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = until_stopping(&mut stopping) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "a connection ended early");
            }
            drop((place, client, open));
        });
    }
    drop((listener, open));
    if tokio::time::timeout(FAREWELL, done.recv()).await.is_err() {
        tracing::info!("some clients did not hang up in time");
    }
}

/// Resolves once the node is stopping, also if whoever would say so is gone.
pub(super) async fn until_stopping(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stop| *stop).await);
}

/// The next connection and its place. An error of one connection, or too many open files, must not end the
/// server: it waits a moment and goes on.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    // The semaphore is never closed, so this always gives a place in the end.
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Some((stream, peer, place)),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Connections per client. Never longer than [`MAX_CONNECTIONS`].
#[derive(Clone, Default)]
struct Clients(Arc<Mutex<HashMap<IpAddr, usize>>>);

struct Entered {
    clients: Clients,
    client: IpAddr,
}

impl Clients {
    fn enter(&self, client: IpAddr) -> Option<Entered> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client).or_default();
        if *count >= MAX_CLIENT_CONNECTIONS {
            return None;
        }
        *count += 1;
        Some(Entered { clients: self.clone(), client })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut counts = self.clients.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_cannot_take_every_place() {
        let (clients, one) = (Clients::default(), IpAddr::from([192, 0, 2, 1]));
        let mut entered: Vec<_> = (0..MAX_CLIENT_CONNECTIONS).map(|_| clients.enter(one).unwrap()).collect();
        assert!(clients.enter(one).is_none());
        assert!(clients.enter(IpAddr::from([192, 0, 2, 2])).is_some(), "others still come in");
        entered.pop();
        assert!(clients.enter(one).is_some());
        entered.clear();
        assert!(clients.0.lock().unwrap().is_empty(), "nothing is kept of those who left");
    }
}
