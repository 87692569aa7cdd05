//! The hot phone wallet: proves balances and history, asks a cold wallet to sign, submits, and follows a payment
//! until it is final. It holds no key.
//!
//! A thin facade over `light_client::client`, which decides whom to ask for what and believes nothing that is not
//! proven, run by the driver of `light_native`. This crate moves its bytes: through the platform's own HTTP and TLS ([`Transport`]), with the
//! platform's clock and timer ([`Clock`]), into the platform's storage ([`Storage`]). It brings no sockets, no TLS
//! and no threads.
//!
//! ```text
//! loop { match wallet.next_event().await { event → draw it, nothing → stopped } }
//! ```
//!
//! [`HotWallet::next_event`] does the work while somebody waits for it, and only then; the other calls answer at
//! once from what is proven. [`HotWallet::stop`] ends the waiting.
//!
//! **Who can send what.** Servers may lie: an answer is bounded by the request's `max_response_bytes` (checked
//! here again) and changes nothing unless its proof holds. They see which addresses are asked for, and can keep
//! silent, which shows as stale, never as 0. A signature reply comes through the camera and is verified before
//! anything is sent. The chain file is installed with the app, never taken from a server.
//!
//! **What is kept.** What was proven and the payments under way, in the clear: addresses, no secrets. Losing it
//! costs one request; a payment under way is written before it is sent. Who can write to the storage can show
//! this phone false balances until the next proof, and nothing more.
//!
//! **Bounds.** One request an account and one a payment at a time; history grows by what is asked for.

mod adapter;
#[cfg(feature = "conformance")]
mod conformance;
mod error;
mod order;
mod payment;
mod platform;
mod record;
mod wallet;

#[cfg(feature = "conformance")]
pub use conformance::{conformance_names, conformance_run};
pub use error::{HotError, PlatformError, PlatformPart, TransportError};
pub use order::{PaymentOrder, PaymentRequest, TextRow};
pub use payment::{PaymentInfo, PaymentState};
pub use platform::{Clock, HttpMethod, HttpRequest, HttpResponse, Storage, Transport};
pub use record::{
    AccountInfo, ChangeKind, HistoryItem, HotEvent, ProvenBalance, ServerHealth, ServerInfo, SyncState,
};
pub use wallet::HotWallet;

uniffi::setup_scaffolding!();
