use super::{Client, Grade, Proven};
use crate::data_format::Time;

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
    } else if client.is_fresh(client.verifier().time_of(proven.slot), proven.at, now) {
        match proven.grade {
            Grade::Final => Standing::Verified,
            Grade::Agreed => Standing::Agreed,
        }
    } else {
        Standing::Stale
    }
}
