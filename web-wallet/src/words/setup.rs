//! The sentences of a first visit: making a wallet, and restoring one.

use super::plural;
use crate::state::Strength;

// Welcome.
pub(crate) const CLAIM: &str = "A balance that is proven to you, not told.";
pub(crate) const CLAIM_MORE: &str =
    "This wallet checks the chain itself, here in your browser. No server has to be believed.";
pub(crate) const CLAIM_SEAL: &str = "Every figure carries its proof";
pub(crate) const NEW_WALLET: &str = "Make a new wallet";
pub(crate) const RESTORE_WALLET: &str = "Restore from your words";
pub(crate) const FREE_OF_ACCOUNTS: &str = "No sign-up. Your keys never leave this device.";

// Making a wallet.
pub(crate) const RULES_TITLE: &str = "Three things first";
pub(crate) const RULES: [(&str, &str); 3] = [
    (
        "Your words are your money",
        "The wallet is made of a few ordinary words. Whoever has them has your coins.",
    ),
    ("Only you have them", "Nobody can send them to you again: no server, no support, not even we."),
    ("Paper, not a photo", "Write them down by hand and keep them where you keep your passport."),
];
pub(crate) const HOW_MANY_WORDS: &str = "How many words?";
pub(crate) const HOW_MANY_WHY: &str = "Twelve are beyond guessing. Take 24 if you want the longest there is.";
pub(crate) const UNDERSTOOD: &str = "I understand";
pub(crate) const PASSWORD_TITLE: &str = "A password for this device";
pub(crate) const PASSWORD_WHY: &str =
    "It locks your keys in this browser. You type it to send and to see your words.";
pub(crate) const PASSWORD: &str = "Password";
pub(crate) const PASSWORD_AGAIN: &str = "Once more";
pub(crate) const PASSWORD_DIFFERS: &str = "Not the same yet";
pub(crate) const PASSWORD_LOST_TITLE: &str = "If you lose it";
pub(crate) const PASSWORD_LOST: &str = "It cannot be reset. With your words you restore the wallet and choose a new one; your coins stay where they are.";
pub(crate) const SHOW_TYPED: &str = "Show what I type";
pub(crate) const MASK_TYPED: &str = "Hide what I type";
pub(crate) const KEEPING: &str = "Locking your keys…";
pub(crate) const OPEN_WALLET: &str = "Open the wallet";
pub(crate) const WORDS_TITLE: &str = "Write down your words";
pub(crate) const YOUR_WORDS: &str = "Your words";
pub(crate) const WORDS_WHY: &str = "One at a time, in this order, with their numbers.";
pub(crate) const MAKING_WORDS: &str = "Making your words…";
pub(crate) const NOBODY_LOOKING: &str = "Is nobody looking over your shoulder?";
pub(crate) const HIDE: &str = "Hide";
pub(crate) const WROTE_THEM: &str = "I wrote them all down";
pub(crate) const LATER: &str = "Do this later";
pub(crate) const CHECK_TITLE: &str = "Is your paper right?";
pub(crate) const CHECK_WHY: &str = "Pick the words that stand on it. One of each three is yours.";
pub(crate) const CHECK_ANYWAY: &str = "Check my paper";
pub(crate) const CHECK: &str = "Check";
pub(crate) const CHECKING: &str = "Checking…";

/// `Step 2 of 4`
pub(crate) fn step_of(at: usize, of: usize) -> String {
    format!("Step {at} of {of}")
}

/// `12 words`; any number of them for 0.
pub(crate) fn word_count(count: u8) -> String {
    if count == 0 { "Another number".to_owned() } else { plural(u64::from(count), "word", "words") }
}

/// `Word 3 of 12`
pub(crate) fn word_nth(at: u32, of: u8) -> String {
    format!("Word {at} of {of}")
}

/// The button that shows a word.
pub(crate) fn show_word(at: u32, first: bool) -> String {
    if first { "Show the first word".to_owned() } else { format!("Show word {at}") }
}

/// How full the meter is (0 to 3), and what it says.
pub(crate) fn strength(strength: Strength) -> (u8, &'static str) {
    match strength {
        Strength::Empty => (0, "Eight characters or more. A few unrelated words are best."),
        Strength::TooShort => (0, "Too short: eight characters or more"),
        Strength::Weak => (1, "Weak: among the first that a stranger would try"),
        Strength::Fair => (2, "Fair: guessing it takes patience"),
        Strength::Strong => (3, "Strong, if you use it nowhere else"),
    }
}

// Restoring one.
pub(crate) const RESTORE_TITLE: &str = "Your words, please";
pub(crate) const RESTORE_WHY: &str = "Type them in their order, or paste them all into the first field.";
pub(crate) const KIND: &str = "Which wallet are they from?";
pub(crate) const KIND_WORDS: &str = "This wallet";
pub(crate) const KIND_VSYSTEMS: &str = "Older V.Systems";
pub(crate) const ALL_WORDS: &str = "All words, with spaces between";
pub(crate) const READING_WORDS: &str = "Reading…";
pub(crate) const RESTORED_TITLE: &str = "Is this your address?";
pub(crate) const RESTORED_WHY: &str =
    "These words open the wallet with this first address. Compare it before you go on.";
pub(crate) const UNCHECKED_TITLE: &str = "Nothing vouches for these words";
pub(crate) const UNCHECKED: &str = "This kind of phrase has no built-in check: one wrong word opens another, empty wallet without a warning. Only the \
     address tells.";
pub(crate) const REPLACES_TITLE: &str = "This is another wallet";
pub(crate) const REPLACES: &str = "It takes the place of the one in this browser, whose coins you then reach only with its own words. Its address is:";
pub(crate) const SAME_WALLET: &str = "It is the wallet that is in this browser already.";
pub(crate) const THIS_IS_MINE: &str = "This is mine";
pub(crate) const NOT_MINE: &str = "No, change the words";
