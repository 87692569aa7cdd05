/// Characters a password needs.
const MIN_PASSWORD: usize = 8;

/// How hard a password is to guess, for somebody who has the encrypted keys and tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// Nothing typed.
    Empty,
    /// Not accepted.
    TooShort,
    /// Among the first that anybody tries.
    Weak,
    /// Takes patience.
    Fair,
    /// Takes more than anybody has.
    Strong,
}

/// Pieces that guessers try first; they count as two characters, whatever their length.
const COMMON: [&str; 24] = [
    "password",
    "passwort",
    "qwertz",
    "qwerty",
    "azerty",
    "123456789",
    "12345678",
    "1234567",
    "123456",
    "12345",
    "1234",
    "987654321",
    "654321",
    "letmein",
    "welcome",
    "admin",
    "iloveyou",
    "monkey",
    "dragon",
    "abcdef",
    "abcd",
    "vsystems",
    "wallet",
    "bitcoin",
];

impl Strength {
    /// Judges by length and kinds of characters; repeats, runs and common pieces count little. Every guess costs the guesser an Argon2id run, so
    /// about 32 bits are out of reach for most and 50 for all.
    pub(crate) fn of(password: &str) -> Self {
        match password.chars().count() {
            0 => Self::Empty,
            short if short < MIN_PASSWORD => Self::TooShort,
            _ => match tenths_of_bits(password) {
                0..320 => Self::Weak,
                320..500 => Self::Fair,
                _ => Self::Strong,
            },
        }
    }

    /// Whether it is accepted.
    pub(crate) fn is_enough(self) -> bool {
        self > Self::TooShort
    }
}

fn tenths_of_bits(password: &str) -> u32 {
    let mut counted = 0;
    let lower = zeroize_later(password);
    let mut rest: &str = &lower.0;
    let mut before = None::<char>;
    while let Some(next) = rest.chars().next() {
        if let Some(piece) = COMMON.iter().find(|piece| rest.starts_with(**piece)) {
            counted += 2;
            rest = &rest[piece.len()..];
            before = piece.chars().last();
            continue;
        }
        let follows = before.is_some_and(|before| (next as u32).abs_diff(before as u32) <= 1);
        if !follows {
            counted += 1;
        }
        before = Some(next);
        rest = &rest[next.len_utf8()..];
    }
    counted * bits_per_character(password)
}

fn zeroize_later(password: &str) -> web_protocol::Secret {
    let mut lower = web_protocol::Secret(String::with_capacity(password.len()));
    lower.0.extend(password.chars().map(|c| c.to_ascii_lowercase()));
    lower
}

/// Tenths of bits that one character of these kinds is worth, words being likelier than noise.
fn bits_per_character(password: &str) -> u32 {
    let has = |kind: fn(char) -> bool| u32::from(password.chars().any(kind));
    let kinds = has(|c| c.is_ascii_lowercase())
        + has(|c| c.is_ascii_uppercase())
        + has(|c| c.is_ascii_digit())
        + has(|c| !c.is_ascii_alphanumeric());
    match kinds {
        0 | 1 if password.chars().all(|c| c.is_ascii_digit()) => 26,
        0 | 1 => 28,
        2 => 33,
        3 => 40,
        _ => 48,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_as_a_guesser_would() {
        assert_eq!(Strength::of(""), Strength::Empty);
        assert_eq!(Strength::of("Ab1!xyz"), Strength::TooShort);
        for weak in
            ["password", "aaaaaaaaaaaaaaaa", "12345678", "abcdefghijkl", "qwerty123456", "Password1234"]
        {
            assert_eq!(Strength::of(weak), Strength::Weak, "{weak}");
        }
        for fair in ["tram-lake-42", "Kx7!pq2w"] {
            assert_eq!(Strength::of(fair), Strength::Fair, "{fair}");
        }
        for strong in ["boat green seven umbrella", "Kx7!pq2wRz9#", "ein langer satz den ich behalte"] {
            assert_eq!(Strength::of(strong), Strength::Strong, "{strong}");
        }
    }

    #[test]
    fn takes_any_text() {
        for text in ["héééééélo", "密码密码密码密码", "🙂🙃🙂🙃🙂🙃🙂🙃"] {
            assert!(Strength::of(text).is_enough(), "{text}");
        }
    }
}
