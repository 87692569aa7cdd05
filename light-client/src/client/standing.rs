use super::{Client, Grade, Proven, Sync};
use crate::data_format::Time;

/// What may be older than the engine needs before it counts as stale: a little for the way, as in
/// [`Client::sync`].
const FRESH_EXTRA_MS: u64 = 5_000;
/// A proof, or a block, of so much later than now shows that the clock was set back, or is behind.
const CLOCK_TOLERANCE_MS: u64 = 2_000;

/// How a proven fact stands now. Only the first may be shown without a word about its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Proven at a final block that is as new as it can be.
    Verified,
    /// As new as it can be, but from a block that only operators agree on.
    Agreed,
    /// Proven, and nothing newer could be.
    Stale,
    /// Proven from a block that is too old to be trusted without a person's word.
    Expired,
}

/// How a proven account stands at `now`.
pub fn standing(client: &Client, proven: &Proven, now: Time) -> Standing {
    if client.trust_expired(now) {
        Standing::Expired
    } else if client.fork().is_some() {
        Standing::Stale
    } else if is_fresh(client, client.verifier().time_of(proven.slot), now) && !is_ahead(proven.at, now) {
        match proven.grade {
            Grade::Final => Standing::Verified,
            Grade::Agreed => Standing::Agreed,
        }
    } else {
        Standing::Stale
    }
}

/// As [`Client::sync`], for a clock that may have been set back: what was made or proven later than now says nothing
/// of now.
pub fn sync(client: &Client, now: Time) -> Sync {
    let ahead =
        is_ahead(client.trusted_time(), now) || client.proven_at().is_some_and(|at| is_ahead(at, now));
    match client.sync(now) {
        Sync::Verified | Sync::Agreed if ahead => Sync::Stale { since: client.proven_at() },
        sync => sync,
    }
}

fn is_fresh(client: &Client, made: Time, now: Time) -> bool {
    let fresh = client.verifier().engine().final_age_ms().saturating_add(FRESH_EXTRA_MS);
    now.ms_since(made) <= fresh && !is_ahead(made, now)
}

const fn is_ahead(at: Time, now: Time) -> bool {
    at.ms_since(now) > CLOCK_TOLERANCE_MS
}
