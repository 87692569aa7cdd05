//! The 2048 English words of BIP-39, for completion, correction and drawing at random.

use bip39::Language;

/// The words, in alphabetical order.
pub fn word_list() -> &'static [&'static str; 2048] {
    Language::English.word_list()
}

/// Whether `word` (lower case) is one of them.
pub fn is_word(word: &str) -> bool {
    Language::English.find_word(word).is_some()
}

/// The words that start with `prefix` (lower case); all of them for an empty one.
pub fn complete(prefix: &str) -> &'static [&'static str] {
    let words = word_list();
    let start = words.partition_point(|word| *word < prefix);
    let length = words[start..].partition_point(|word| word.starts_with(prefix));
    &words[start..start + length]
}

/// Words that one slip of the finger away from `word` could have been: one letter wrong, missing or too many,
/// or two swapped. At most `limit` of them.
pub fn suggest(word: &str, limit: usize) -> Vec<&'static str> {
    let is_near = |candidate: &&&str| is_one_slip(word.as_bytes(), candidate.as_bytes());
    word_list().iter().filter(is_near).take(limit).copied().collect()
}

fn is_one_slip(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let same = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let (short_rest, long_rest) = (&short[same..], &long[same..]);
    match long.len() - short.len() {
        0 => match (short_rest, long_rest) {
            ([], []) => false,
            ([a, b, rest @ ..], [c, d, other @ ..]) if a == d && b == c => rest == other,
            _ => short_rest[1..] == long_rest[1..],
        },
        1 => short_rest == &long_rest[1..],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_and_suggests() {
        assert_eq!(complete("zoo"), ["zoo"]);
        assert_eq!(complete("abo"), ["about", "above"]);
        assert_eq!(complete("").len(), 2048);
        assert!(complete("xq").is_empty());
        assert!(is_word("abandon") && !is_word("Abandon") && !is_word(""));
        for slip in ["abuot", "abot", "aboutt", "abour", "xabout"] {
            assert!(suggest(slip, 8).contains(&"about"), "{slip}");
        }
        assert!(suggest("qqqqqq", 8).is_empty());
        assert!(suggest("é", 8).len() <= 8);
        assert!(!suggest("about", 8).contains(&"about"));
        assert_eq!(suggest("bat", 1).len(), 1);
    }
}
