use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use light_client::{
    client::{Client, Method, Request, Response, TransportError},
    data_format::Time,
};
use ureq::Agent;

use crate::api::agent;

/// Moves bytes between a [`Client`] and its servers: what a worker or a phone does, without threads.
pub struct Host {
    agent: Agent,
}

/// The time of this machine.
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time(u64::try_from(since.as_millis()).unwrap())
}

impl Default for Host {
    fn default() -> Self {
        Self { agent: agent(Duration::from_secs(10)) }
    }
}

impl Host {
    /// Sends every request that the client has, until it has none.
    pub fn drive(&self, client: &mut Client, now: Time) {
        while let Some(request) = client.next_request() {
            let answer = self.send(&request);
            client.respond(request.id, answer, now);
        }
    }

    /// Keeps the client going until `done` holds.
    ///
    /// # Panics
    /// If it does not within `seconds`.
    pub fn run_until(&self, client: &mut Client, seconds: u64, what: &str, done: impl Fn(&Client) -> bool) {
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            client.tick(now());
            self.drive(client, now());
            if done(client) {
                return;
            }
            assert!(
                Instant::now() < until,
                "not within {seconds} s: {what}; {:?}, {:?}",
                client.sync(now()),
                client.servers()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        let timeout = Some(Duration::from_millis(request.timeout_ms));
        let sent = match request.method {
            Method::Get => self.agent.get(&request.url).config().timeout_global(timeout).build().call(),
            Method::Post => self
                .agent
                .post(&request.url)
                .config()
                .timeout_global(timeout)
                .build()
                .content_type("application/octet-stream")
                .send(&request.body),
        };
        let mut response = sent.map_err(transport_error)?;
        let limit = u64::try_from(request.max_bytes).unwrap();
        let body = response.body_mut().with_config().limit(limit).read_to_vec().map_err(transport_error)?;
        Ok(Response { status: response.status().as_u16(), body })
    }
}

fn transport_error(error: ureq::Error) -> TransportError {
    match error {
        ureq::Error::Timeout(_) => TransportError::Timeout,
        ureq::Error::BodyExceedsLimit(_) => TransportError::TooLong,
        error => TransportError::Unreachable(error.to_string()),
    }
}
