//! Requests under way and the alarm clock: what has to live on between two calls of `next_event`.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use light_client::{
    client::{self, Client, Request, RequestId, Response},
    data_format::Time,
};

use crate::{
    Clock, HotError, HotEvent, HttpMethod, HttpRequest, PlatformError, PlatformPart, Transport,
    TransportError,
};

type Answer = (RequestId, Result<Response, client::TransportError>);

/// A timer never fires at once: a clock that stands still must not make a busy loop.
const SHORTEST_SLEEP_MS: u64 = 10;

#[derive(Default)]
pub(crate) struct Driver {
    outbox: VecDeque<Request>,
    in_flight: FuturesUnordered<BoxFuture<'static, Answer>>,
    alarm: Option<(Time, BoxFuture<'static, Result<(), PlatformError>>)>,
    /// Events that nobody was told of yet.
    pub(crate) ready: VecDeque<HotEvent>,
    /// Whether something changed since it was last stored.
    pub(crate) unsaved: bool,
}

impl Driver {
    /// Takes over what the client wants to send and to say.
    pub(crate) fn collect(&mut self, client: &mut Client) {
        while let Some(request) = client.next_request() {
            self.outbox.push_back(request);
        }
        while let Some(event) = client.next_event() {
            self.ready.push_back(event.into());
            self.unsaved = true;
        }
    }

    /// Takes back a request that was not sent yet: the client counts it as unanswered.
    pub(crate) fn take_back(&mut self, body: &[u8]) {
        self.outbox.retain(|request| request.body != body);
    }

    /// Starts what is to be sent.
    pub(crate) fn send(&mut self, transport: &Arc<dyn Transport>) {
        for request in self.outbox.drain(..) {
            let transport = Arc::clone(transport);
            self.in_flight.push(
                async move {
                    let id = request.id;
                    (id, send(transport.as_ref(), request).await.map_err(Into::into))
                }
                .boxed(),
            );
        }
    }

    /// The next answer, if one is there.
    pub(crate) fn poll_answer(&mut self, context: &mut Context<'_>) -> Option<Answer> {
        match self.in_flight.poll_next_unpin(context) {
            Poll::Ready(answer) => answer,
            Poll::Pending => None,
        }
    }

    /// Waits until `due`.
    pub(crate) fn poll_alarm(
        &mut self,
        clock: &Arc<dyn Clock>,
        due: Time,
        now: Time,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), HotError>> {
        if self.alarm.as_ref().is_none_or(|(set, _)| *set != due) {
            let (clock, duration) = (Arc::clone(clock), due.ms_since(now).max(SHORTEST_SLEEP_MS));
            self.alarm = Some((due, async move { clock.sleep_ms(duration).await }.boxed()));
        }
        let Some((_, sleep)) = &mut self.alarm else { return Poll::Pending };
        sleep.poll_unpin(context).map(|slept| {
            self.alarm = None;
            slept.map_err(|failure| HotError::Platform { part: PlatformPart::Clock, failure })
        })
    }

    /// Gives up what is under way.
    pub(crate) fn cancel(&mut self) {
        self.outbox.clear();
        self.in_flight.clear();
        self.alarm = None;
    }
}

/// Sends a request through the platform, and holds the platform to the bound.
pub(crate) async fn send(transport: &dyn Transport, request: Request) -> Result<Response, TransportError> {
    let answer = transport
        .send(HttpRequest {
            method: match request.method {
                client::Method::Get => HttpMethod::Get,
                client::Method::Post => HttpMethod::Post,
            },
            url: request.url,
            body: request.body,
            max_response_bytes: request.max_bytes as u64,
            timeout_ms: request.timeout_ms,
        })
        .await?;
    if answer.body.len() > request.max_bytes {
        return Err(TransportError::TooLong);
    }
    Ok(Response { status: answer.status, body: answer.body })
}
