//! The one seam between the driver and what runs it.

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Either, select},
};
use light_client::{
    client::{Request, Response, TransportError},
    data_format::Time,
};

/// Moves the bytes of requests. Redirects are not followed; no cookies, no cache.
pub trait Transport {
    /// Sends a request and waits for its answer, whatever its status. Several may be under way at once; dropping
    /// the future gives it up. The transport stops reading after [`Request::max_bytes`].
    fn send(&self, request: Request) -> BoxFuture<'static, Result<Response, TransportError>>;

    /// The device slept, so connections that were open are probably dead: use new ones.
    fn woke(&self) {}
}

/// The device's clock and timer.
pub trait Clock {
    /// Why there is no time.
    type Error;

    /// The time of day. It may jump, both ways.
    ///
    /// # Errors
    /// When the device has none.
    fn now(&self) -> Result<Time, Self::Error>;

    /// Waits so many milliseconds; longer if the device sleeps.
    fn sleep(&self, ms: u64) -> BoxFuture<'static, Result<(), Self::Error>>;
}

/// Sends a request and holds the transport to its bounds: an answer that is too long or too late is none.
pub fn ask<C: Clock<Error: Send + 'static>>(
    transport: &impl Transport,
    clock: &C,
    request: Request,
) -> BoxFuture<'static, Result<Response, TransportError>> {
    let (limit, timeout) = (request.max_bytes, clock.sleep(request.timeout_ms));
    let sent = transport.send(request);
    async move {
        let answer = match select(sent, timeout).await {
            Either::Left((answer, _)) => answer?,
            Either::Right((Ok(()), _)) => return Err(TransportError::Timeout),
            // Without a timer there is still the transport's own time-out.
            Either::Right((Err(_), sent)) => sent.await?,
        };
        if answer.body.len() > limit { Err(TransportError::TooLong) } else { Ok(answer) }
    }
    .boxed()
}
