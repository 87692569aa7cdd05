use super::{Client, Health};
use crate::{client::Trusted, data_format::Time};

/// How the conversation with the servers goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Nothing proven yet, nothing heard.
    Connecting,
    /// The newest final block is as new as it can be.
    Verified,
    /// As new as it can be, but only operators vouch for it: [`Client::agreed`] says which. Somebody must confirm it.
    Agreed,
    /// The newest final block is older than it should be: no newer one could be proven.
    Stale {
        /// When something was last proven here.
        since: Option<Time>,
    },
    /// No server serves this chain; this one serves another.
    OtherChain {
        /// The server.
        server: usize,
    },
    /// No honest server is left; this one lied.
    Lying {
        /// The server.
        server: usize,
    },
    /// The trusted block is older than the chain's trusting period, and no two operators agree on a newer one:
    /// somebody must confirm one.
    TrustExpired,
    /// Two final blocks exclude each other, and no proof can tell which is right: somebody must.
    Forked,
}

/// What the newest final block may be old beyond what the engine needs, before it counts as stale: a little for the way.
const FRESH_EXTRA_MS: u64 = 5_000;
/// A proof, or a block, of so much later than now shows that the clock was set back, or is behind.
const CLOCK_TOLERANCE_MS: u64 = 2_000;

impl Client {
    /// How the conversation with the servers goes. What was made or proven later than `now` says nothing of now: the clock
    /// was set back, or is behind.
    pub fn sync(&self, now: Time) -> Sync {
        if self.fork.is_some() {
            return Sync::Forked;
        }
        if self.trust_expired(now) {
            return Sync::TrustExpired;
        }
        let none_usable = self.servers.iter().all(|server| !server.is_usable());
        let first =
            |wanted: fn(&Health) -> bool| self.servers.iter().position(|server| wanted(server.health()));
        if none_usable {
            if let Some(server) = first(|health| matches!(health, Health::Lying { .. })) {
                return Sync::Lying { server };
            }
            if let Some(server) = first(|health| matches!(health, Health::OtherChain { .. })) {
                return Sync::OtherChain { server };
            }
        }
        if self.proven_at.is_some_and(|at| self.is_fresh(self.trusted_time(), at, now)) {
            return if self.agreed.is_some() { Sync::Agreed } else { Sync::Verified };
        }
        let unheard = self.servers.iter().all(|server| matches!(server.health(), Health::Unknown));
        if unheard { Sync::Connecting } else { Sync::Stale { since: self.proven_at } }
    }

    /// Whether the trusted block is too old to be trusted without a person's word.
    pub fn trust_expired(&self, now: Time) -> bool {
        self.is_old(&self.trusted, now)
    }

    /// Whether a block is from before the trusting period.
    pub(super) fn is_old(&self, block: &Trusted, now: Time) -> bool {
        now.ms_since(self.verifier.time_of(block.slot)) > self.spec.trusting_period_ms
    }

    /// Whether something proven at `at` of a final block made at `made` is as new as it can be.
    pub(in crate::client) fn is_fresh(&self, made: Time, at: Time, now: Time) -> bool {
        let fresh = self.verifier.engine().final_age_ms().saturating_add(FRESH_EXTRA_MS);
        now.ms_since(made) <= fresh && !is_ahead(made, now) && !is_ahead(at, now)
    }
}

/// Whether the clock that said so was set back since, or is behind.
pub(super) fn is_ahead(time: Time, now: Time) -> bool {
    time.ms_since(now) > CLOCK_TOLERANCE_MS
}
