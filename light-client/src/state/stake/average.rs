use borsh::{BorshDeserialize, BorshSerialize};

use crate::data_format::{Amount, Height};

/// What the minting average balance is computed from: written whenever an account's effective balance changes in a
/// block. Effective is regular + leased in − leased out.
///
/// After `h` blocks the average is, in 64-bit integers with truncating division and a window of `N` blocks (V.Systems
/// node v0.4.2):
///
/// ```text
/// W(h) = min( (E_last / N) * min(N, h - h_last) + (W_last / N) * (N - min(N, h - h_last)),  E_now )
/// ```
///
/// Stake that comes in counts nothing at first and grows over the window; stake that leaves stops counting at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MintingAverage {
    /// The block it was written in.
    pub height: Height,
    /// The effective balance after that block.
    pub effective: Amount,
    /// The average at that block.
    pub weighted: Amount,
}

impl MintingAverage {
    /// The average at a later (or the same) height of an account whose effective balance is now `effective`, over a
    /// window of so many blocks; a window of 0 counts as 1.
    pub fn at(&self, height: Height, effective: Amount, window: u64) -> Amount {
        let window = window.max(1);
        let passed = height.0.saturating_sub(self.height.0).min(window);
        if passed == 0 {
            return self.weighted;
        }
        // Neither product is more than what was divided, and both together are at most the greater of the two.
        let grown = self.effective.0 / window * passed;
        let kept = self.weighted.0 / window * (window - passed);
        Amount(grown.saturating_add(kept).min(effective.0))
    }

    /// The record after a block that left the account with another effective balance.
    #[must_use]
    pub fn changed(&self, height: Height, effective: Amount, window: u64) -> Self {
        Self { height, effective, weighted: self.at(height, effective, window) }
    }
}
