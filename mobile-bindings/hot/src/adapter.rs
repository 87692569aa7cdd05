//! The phone's own side, as the driver of the native host wants it.

use std::sync::Arc;

use futures_util::{FutureExt as _, future::BoxFuture};
use light_client::{
    client::{self, Request, Response, StateStore},
    data_format::{ChainId, Time},
};
use light_native::{Driver, Failure};

use crate::{Clock, HotError, HttpMethod, HttpRequest, PlatformError, PlatformPart, Storage, Transport};

/// The driver over the phone's side.
pub(crate) type PhoneDriver = Driver<PhoneTransport, PhoneClock, PhoneStore>;

/// The phone's HTTP.
pub(crate) struct PhoneTransport(pub(crate) Arc<dyn Transport>);

/// The phone's clock.
pub(crate) struct PhoneClock(pub(crate) Arc<dyn Clock>);

/// The phone's storage: one value for each chain.
pub(crate) struct PhoneStore(pub(crate) Arc<dyn Storage>);

impl light_native::Transport for PhoneTransport {
    fn send(&self, request: Request) -> BoxFuture<'static, Result<Response, client::TransportError>> {
        let transport = Arc::clone(&self.0);
        let request = HttpRequest {
            method: match request.method {
                client::Method::Get => HttpMethod::Get,
                client::Method::Post => HttpMethod::Post,
            },
            url: request.url,
            body: request.body,
            max_response_bytes: request.max_bytes as u64,
            timeout_ms: request.timeout_ms,
        };
        async move {
            let answer = transport.send(request).await?;
            Ok(Response { status: answer.status, body: answer.body })
        }
        .boxed()
    }
}

impl light_native::Clock for PhoneClock {
    type Error = PlatformError;

    fn now(&self) -> Result<Time, PlatformError> {
        self.0.now_ms().map(Time)
    }

    fn sleep(&self, ms: u64) -> BoxFuture<'static, Result<(), PlatformError>> {
        let clock = Arc::clone(&self.0);
        async move { clock.sleep_ms(ms).await }.boxed()
    }
}

impl StateStore for PhoneStore {
    type Error = PlatformError;

    fn load(&self, chain: &ChainId) -> Result<Option<Vec<u8>>, PlatformError> {
        self.0.read(name(chain))
    }

    fn save(&mut self, chain: &ChainId, state: &[u8]) -> Result<(), PlatformError> {
        self.0.write(name(chain), state.to_vec())
    }
}

impl From<Failure<PlatformError, PlatformError>> for HotError {
    fn from(failure: Failure<PlatformError, PlatformError>) -> Self {
        match failure {
            Failure::Clock(failure) => Self::Platform { part: PlatformPart::Clock, failure },
            Failure::Store(failure) => storage_failed(failure),
        }
    }
}

pub(crate) const fn storage_failed(failure: PlatformError) -> HotError {
    HotError::Platform { part: PlatformPart::Storage, failure }
}

/// The name of a chain's state in the phone's storage.
fn name(chain: &ChainId) -> String {
    format!("client-{chain}")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Mutex};

    use light_client::test_support::state_store::conformance;

    use super::*;

    #[derive(Default)]
    struct Files(Mutex<BTreeMap<String, Vec<u8>>>);

    impl Storage for Files {
        fn read(&self, name: String) -> Result<Option<Vec<u8>>, PlatformError> {
            Ok(self.0.lock().unwrap().get(&name).cloned())
        }

        fn write(&self, name: String, value: Vec<u8>) -> Result<(), PlatformError> {
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{name}"
            );
            self.0.lock().unwrap().insert(name, value);
            Ok(())
        }
    }

    #[test]
    fn the_phones_store_conforms() {
        let store = PhoneStore(Arc::new(Files::default()));
        assert_eq!(conformance(store, |store| PhoneStore(store.0)), Ok(()));
    }
}
