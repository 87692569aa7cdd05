use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{FutureExt as _, future::BoxFuture};
use light_client::data_format::Time;

use crate::Clock;

/// The clock of this machine, and tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// The clock cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock of this machine says that it is before 1970")]
pub struct ClockError;

impl Clock for SystemClock {
    type Error = ClockError;

    fn now(&self) -> Result<Time, ClockError> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| ClockError)?;
        Ok(Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
    }

    fn sleep(&self, ms: u64) -> BoxFuture<'static, Result<(), ClockError>> {
        async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(())
        }
        .boxed()
    }
}
