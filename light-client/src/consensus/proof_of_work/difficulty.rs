use crate::data_format::{Height, ProofOfWorkSpec};

/// The greatest difficulty: beyond what can be sought.
const MAX_DIFFICULTY: u64 = 1 << 62;

/// Hashes that the block after one of this height takes on average, if that one was made `elapsed_ms` after genesis.
///
/// The difficulty halves for every `half_life_ms` that the chain is behind its schedule of a block each `block_ms`, and
/// doubles for every one that it is ahead: the rule "ASERT" (absolutely scheduled exponentially rising targets, Mark
/// Lundeberg, 2020; in use as aserti3-2d on Bitcoin Cash). It looks at nothing but the parent, so waves and games with
/// the times of a window of blocks have nothing to work on, and a single header can be checked.
///
/// The power of two is an integer for the whole steps and, between them, the cubic polynomial of aserti3-2d, in units of
/// 1/65,536, wrong by 0.013 % at most.
pub fn difficulty(rules: &ProofOfWorkSpec, parent: Height, elapsed_ms: u64) -> u64 {
    let scheduled = i128::from(parent.0) * i128::from(rules.block_ms);
    let ahead = scheduled - i128::from(elapsed_ms);
    let exponent = (ahead * 65_536).div_euclid(i128::from(rules.half_life_ms.max(1)));
    let (steps, fraction) = (exponent.div_euclid(65_536), exponent.rem_euclid(65_536));
    // Between 65,536 and 131,071: the fraction is below 65,536.
    let factor = 65_536
        + ((195_766_423_245_049 * fraction
            + 971_821_376 * fraction * fraction
            + 5_127 * fraction * fraction * fraction
            + (1 << 47))
            >> 48);
    let scaled = u128::from(rules.genesis_difficulty) * factor.unsigned_abs();
    let difficulty = match u32::try_from(steps.unsigned_abs()) {
        Ok(up) if steps >= 0 && up < scaled.leading_zeros() => (scaled << up) >> 16,
        _ if steps >= 0 => u128::MAX,
        Ok(down) => scaled.checked_shr(down.saturating_add(16)).unwrap_or(0),
        Err(_) => 0,
    };
    u64::try_from(difficulty).unwrap_or(u64::MAX).clamp(1, MAX_DIFFICULTY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: ProofOfWorkSpec = ProofOfWorkSpec {
        slot_ms: 1_000,
        block_ms: 600_000,
        genesis_difficulty: 1 << 20,
        half_life_ms: 172_800_000,
        final_depth: 6,
        block_reward: crate::data_format::Amount(0),
    };

    #[test]
    fn a_chain_on_schedule_keeps_its_difficulty() {
        for height in [0, 1, 100, 1_000_000] {
            assert_eq!(difficulty(&RULES, Height(height), height * 600_000), 1 << 20);
        }
    }

    #[test]
    fn a_half_life_ahead_doubles_it_and_one_behind_halves_it() {
        let behind = |half_lives: u64| difficulty(&RULES, Height(0), half_lives * 172_800_000);
        assert_eq!((behind(1), behind(2), behind(20), behind(21)), (1 << 19, 1 << 18, 1, 1));
        let ahead = |half_lives: u64| difficulty(&RULES, Height(half_lives * 288), 0);
        assert_eq!((ahead(1), ahead(2), ahead(42)), (1 << 21, 1 << 22, 1 << 62));
        assert_eq!((ahead(43), ahead(1_000_000)), (MAX_DIFFICULTY, MAX_DIFFICULTY), "bounded");
        assert_eq!(difficulty(&RULES, Height(u64::MAX), u64::MAX), MAX_DIFFICULTY);
        assert_eq!(difficulty(&RULES, Height(0), u64::MAX), 1);
    }

    #[test]
    fn between_whole_steps_it_follows_the_power_of_two() {
        for part in 0..1_000_u64 {
            let exact = f64::from(1 << 20) * (-(part as f64) / 1_000.0).exp2();
            let found = difficulty(&RULES, Height(0), part * 172_800) as f64;
            assert!((found / exact - 1.0).abs() < 0.000_2, "{part}: {found} and {exact}");
        }
    }
}
