//! The sentences of keys and passwords, and of the wallet itself.

use light_client::data_format::Network;

use super::duration;

// Security.
pub(crate) const SECURITY: &str = "Security";
pub(crate) const IS_LOCKED: &str = "Locked";
pub(crate) const IS_UNLOCKED: &str = "Unlocked";
pub(crate) const LOCKED_MEANS: &str = "Balances show, but nothing can be signed without your password.";
pub(crate) const UNLOCKED_MEANS: &str =
    "Payments can be signed. It locks by itself after five minutes without a touch.";
pub(crate) const LOCK_NOW: &str = "Lock now";
pub(crate) const UNLOCK: &str = "Unlock";
pub(crate) const UNLOCK_TITLE: &str = "Unlock your wallet";
pub(crate) const UNLOCK_WHY: &str = "Your password opens the keys in this browser.";
pub(crate) const UNLOCK_TO_SEND: &str = "Your password signs the payment you have just looked over.";
pub(crate) const TRYING: &str = "Opening the keys…";
pub(crate) const WORDS_CHECKED: &str = "Checked: you have them on paper.";
pub(crate) const WORDS_NOT_CHECKED: &str = "Not written down yet. Without them, a lost device is lost money.";
pub(crate) const SHOW_WORDS: &str = "Show my words";
pub(crate) const WRITE_WORDS: &str = "Write them down";
pub(crate) const REVEAL_TITLE: &str = "Before your words are shown";
pub(crate) const REVEAL_WHY: &str =
    "Whoever sees them has your coins. Nobody from any support ever needs them.";
pub(crate) const FORGOT: &str = "I forgot my password";
pub(crate) const FORGOT_TITLE: &str = "Lost password";
pub(crate) const FORGOT_SHORT: &str = "Nobody can reset it, but your words open the wallet anew.";
pub(crate) const FORGOT_LEAD: &str =
    "Nobody can reset it or get around it: only you know it. Only your words help.";
pub(crate) const FORGOT_STEPS: [(&str, &str); 3] = [
    ("Get the paper with your words", "Any place you restore them opens the same wallet."),
    ("Type them in here", "You compare the address before anything changes."),
    ("Choose a new password", "Your coins are on the chain and stay where they are."),
];
pub(crate) const ERASE_TITLE: &str = "Erase from this browser";
pub(crate) const ERASE_SHORT: &str =
    "Keys, addresses and proven state are removed from this device. The chain keeps your coins.";
pub(crate) const ERASE: &str = "Erase";
pub(crate) const ERASING: &str = "Erasing…";
pub(crate) const ERASE_LEAD: &str = "After this, only your words bring the wallet back";
pub(crate) const ERASE_BACKED_UP: &str = "You have checked them once. Do you know where they are now?";
pub(crate) const ERASE_NOT_BACKED_UP: &str =
    "You have not written them down yet: the coins would be lost for good.";
pub(crate) const ERASE_WORD: &str = "erase";

pub(crate) fn erase_type() -> String {
    format!("Type “{ERASE_WORD}” to go on")
}

// About.
pub(crate) const ABOUT: &str = "About";
pub(crate) const ABOUT_HINT: &str = "Chain, storage, version";
pub(crate) const ABOUT_LEAD: &str =
    "A wallet for one chain. It was given the chain’s rules with the page and believes nothing else.";
pub(crate) const CHAIN: &str = "Chain";
pub(crate) const CHAIN_ID: &str = "Chain id";
pub(crate) const ADDRESSES: &str = "Addresses";
pub(crate) const BLOCKS: &str = "A block";
pub(crate) const FEE_OF_TRANSFER: &str = "Fee of a payment";
pub(crate) const STORAGE: &str = "Storage";
pub(crate) const VERSION: &str = "Version";
pub(crate) const YOUR_ADDRESS: &str = "Your address";

pub(crate) fn network_name(network: Network) -> &'static str {
    match network {
        Network::Main => "start with AR",
        Network::Test => "start with AT or AU",
    }
}

pub(crate) fn slot_length(ms: u32) -> String {
    format!("about every {}", duration(u64::from(ms.max(1_000) / 1_000)))
}

pub(crate) fn storage(persistent: Option<bool>) -> &'static str {
    match persistent {
        Some(true) => "Kept by the browser",
        Some(false) => "May be cleared",
        None => "The browser does not say",
    }
}

pub(crate) fn storage_why(persistent: Option<bool>) -> &'static str {
    match persistent {
        Some(true) => "The browser has promised to keep the encrypted keys until you erase them.",
        Some(false) | None => {
            "The browser may clear the encrypted keys when it runs out of space. Your words bring the wallet back."
        }
    }
}
