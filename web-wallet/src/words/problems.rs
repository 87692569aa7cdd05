//! What went wrong: what happened, why, what to do.

use web_protocol::Problem;

use super::{grouped, plural};

/// A problem in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// What happened.
    pub(crate) what: String,
    /// Why.
    pub(crate) why: String,
    /// What to do.
    pub(crate) remedy: String,
}

fn said(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) -> Said {
    Said { what: what.into(), why: why.into(), remedy: remedy.into() }
}

/// The words for a problem.
pub(crate) fn problem(problem: &Problem) -> Said {
    match problem {
        Problem::ChainFile(reason) => said(
            "The wallet does not know its chain",
            format!("The file chain.json beside this page is missing or damaged ({reason})."),
            "Ask whoever runs this page to put it back, then load the page again.",
        ),
        Problem::Storage(reason) => said(
            "This browser does not let the wallet store anything",
            format!("Its storage said: {reason}."),
            "Private windows and full disks do this. Use an ordinary window or free some space, then try again.",
        ),
        Problem::Randomness(reason) => said(
            "This browser gives no random numbers",
            format!("Without them no safe wallet can be made ({reason})."),
            "Use an up-to-date browser.",
        ),
        Problem::WrongPassword => said(
            "This is not the password",
            "It does not open the keys stored in this browser.",
            "Check capital letters and the keyboard's language. Only your words help if the password is lost.",
        ),
        Problem::DamagedKeystore(reason) => said(
            "The stored keys are damaged",
            format!("They cannot be read back ({reason})."),
            "Restore the wallet from your words. Your coins are on the chain, not in this browser.",
        ),
        Problem::WeakPassword => said(
            "The password is too short",
            "Short passwords are guessed quickly.",
            "Use eight characters or more; a few unrelated words are best.",
        ),
        Problem::Phrase { reason, word: Some(word) } => said(
            format!("Word {} is not one of the words", u32::from(*word) + 1),
            capital(reason),
            "Compare it with what you wrote down, letter by letter.",
        ),
        Problem::Phrase { reason, word: None } => said(
            "These words do not open a wallet",
            capital(reason),
            "Check the order and each word. If the words are from an older V.Systems wallet, choose that kind above.",
        ),
        Problem::WrongWord { position } => said(
            format!("Word {} is another one", u32::from(*position) + 1),
            "What you picked is not what was shown.",
            "Look at your paper and pick again, or go back and look at the words once more.",
        ),
        Problem::NoPhrase => said(
            "The words are not in memory any more",
            "They are kept only while you look at them.",
            "Start again from the beginning; nothing is lost.",
        ),
        Problem::Locked => {
            said("The wallet is locked", "Signing needs your password.", "Unlock it and try again.")
        }
        Problem::OtherWallet => said(
            "Another wallet is stored here now",
            "It was made after this one was deleted.",
            "Write down this one’s words, or erase the other in its own tab.",
        ),
        Problem::NoWallet => {
            said("There is no wallet here", "It was erased in another tab.", "Load the page again.")
        }
        Problem::NotVerified => said(
            "Your balance is not proven yet",
            "Without a proof the wallet cannot know what you can send.",
            "Wait until the seal on Home turns green; the Network page shows what it is waiting for.",
        ),
        Problem::Address(reason) => {
            said("This is not an address", capital(reason), "Copy it again from the recipient, whole.")
        }
        Problem::OtherNetwork => said(
            "This address belongs to another network",
            "Coins of this chain cannot arrive there.",
            "Ask the recipient for an address of this chain.",
        ),
        Problem::Amount(reason) => said(
            "This amount cannot be read",
            capital(reason),
            "Type a number such as 12.50, with at most eight decimals.",
        ),
        Problem::Balance { spendable } => said(
            "There is not enough",
            format!("You can send at most {} VSYS; the fee is already taken off.", grouped(*spendable)),
            "Send less, or choose everything.",
        ),
        Problem::Memo { bytes, limit } => said(
            "The note is too long",
            format!("It takes {}, and {limit} fit.", plural(u64::from(*bytes), "byte", "bytes")),
            "Shorten it. Letters with accents and other scripts take more than one byte.",
        ),
        Problem::Rule { code, words } => rule(code, words),
        Problem::NothingReviewed => said(
            "There is nothing to sign",
            "The payment was forgotten before it was signed.",
            "Look it over again.",
        ),
        Problem::Server { code, words } => server(code, words),
    }
}

/// A rule of the chain that this device checked by itself.
fn rule(code: &str, words: &str) -> Said {
    let known = server(code, words);
    if known.what == UNKNOWN {
        return said(
            "The chain's rules do not allow this payment",
            capital(words),
            "Change it and look it over again.",
        );
    }
    known
}

/// What an unknown code is announced as.
const UNKNOWN: &str = "The server refused";

/// What a server said, by its stable code; its own words for a code that is not known here.
pub(crate) fn server(code: &str, words: &str) -> Said {
    let (what, why, remedy) = match code {
        "unreachable" => (
            "No server can be reached",
            "None of the servers answered.",
            "Check your connection. The wallet keeps trying; nothing is lost.",
        ),
        "other_chain" => (
            "The server is of another chain",
            "It says so itself: it serves another chain than this wallet is for.",
            "Look at the Network page. If the chain was started anew, load the page again.",
        ),
        "bad_signature" => (
            "The signature does not hold here",
            "The payment was signed for another chain or changed on its way.",
            "Look the payment over again and sign it anew.",
        ),
        "malformed" | "malformed_transaction" => (
            "The server could not read the payment",
            "The message was cut short or changed on its way.",
            "Send it again. If it happens twice, server and page are of different versions.",
        ),
        "too_large" | "transaction_too_large" | "memo_too_long" => {
            ("The payment is too large", "Its message is longer than the chain allows.", "Shorten the note.")
        }
        "call_count" | "module_disabled" | "total_too_large" => (
            "The payment breaks a rule of the chain",
            "No server will take it as it is.",
            "Change it and look it over again.",
        ),
        "zero_amount" => {
            ("There is nothing to send", "The amount is zero.", "Type how much the recipient should get.")
        }
        "lease_to_self" => (
            "Coins cannot be leased to their own account",
            "A supernode's own coins count without a lease.",
            "Choose another supernode.",
        ),
        "no_such_slot" => (
            "There is no such slot",
            "The chain has fewer slots than that.",
            "Slots are numbered from 0; choose one that exists.",
        ),
        "commission_too_high" => (
            "The commission is too high",
            "More than all of a reward cannot be kept.",
            "Choose at most 100 %.",
        ),
        "minting_key_unproven" => (
            "The minting key has not agreed",
            "Its signature is for another account, chain or payment, or missing.",
            "Let the node that holds the minting key make the request again.",
        ),
        "evidence_proves_nothing" | "report_place" | "report_without_effect" => (
            "The report names nobody",
            "What it shows is no fault, or was punished before.",
            "Nothing has to be done.",
        ),
        "recipient_network" => (
            "This address belongs to another network",
            "Coins of this chain cannot arrive there.",
            "Ask the recipient for an address of this chain.",
        ),
        "fee_too_low" => (
            "The fee is too low",
            "The chain asks for more than this payment offers.",
            "Look the payment over again; the wallet then uses the right fee.",
        ),
        "nonce_used" => (
            "This payment was overtaken",
            "Another payment of yours took its place, or it was sent before.",
            "See your history before you send it again.",
        ),
        "nonce_gap" => (
            "An earlier payment is missing",
            "Payments happen in order, and one before this has not arrived.",
            "Wait until your other payments are final, then try again.",
        ),
        "nonce_taken" | "sender_full" | "sender_bytes" => (
            "Another payment is already waiting",
            "You sent one from this account a moment ago, perhaps on another device.",
            "Wait until it is in a block, then try again.",
        ),
        "fee_not_covered" | "overspend" => (
            "There is not enough",
            "With what is already on its way the account does not hold this much.",
            "Wait until your other payments are final, or send less.",
        ),
        "unknown_account" => (
            "The chain does not know this account yet",
            "Nothing was ever received on it.",
            "Receive some coins first.",
        ),
        "unknown_transaction" | "not_in_block" => (
            "The server does not know this payment",
            "It has neither seen nor queued it.",
            "Wait a moment; the wallet asks again.",
        ),
        "expired" => (
            "This payment is too old",
            "The last block that could have taken it is past.",
            "Look it over and sign it anew.",
        ),
        "pool_full" => (
            "Too many payments are waiting",
            "The server has no room for another one now.",
            "Try again in a minute.",
        ),
        "held_back" => (
            "An earlier payment holds this one back",
            "Too many payments are waiting, and one of yours that comes first pays less than others do.",
            "Wait until it is in a block, then try again.",
        ),
        "rate_limited" => (
            "Too many questions at once",
            "The server takes only so many from one place.",
            "Wait a minute, then try again.",
        ),
        "faucet_limited" => (
            "The test coins need a rest",
            "So many were handed out that the server waits a little.",
            "Try again in a minute.",
        ),
        "not_kept" => (
            "The server does not keep this any more",
            "It is older than what this server keeps.",
            "Use another server for older history.",
        ),
        "unwell" => (
            "The server does not follow the chain",
            "It says so itself; what it shows would be old.",
            "Use another server, or wait until it has caught up.",
        ),
        "busy" | "timeout" | "stopping" => {
            ("The server has its hands full", "It did not get round to this.", "Try again in a minute.")
        }
        "internal" => (
            "The server failed",
            "Something broke there; its log says what.",
            "Try again later, or use another server.",
        ),
        "nothing_voted" => (
            "Nothing is final there by votes yet",
            "The chain has just begun, or nobody votes on it.",
            "Wait a moment, then ask again.",
        ),
        "unknown_chain" => (
            "The server does not serve this chain",
            "Its address names a chain that the server does not have.",
            "Check the server's address, or use another server.",
        ),
        "not_final" => (
            "The payment is not final yet",
            "It is in a block, which may still be replaced.",
            "Wait a moment, then ask for the receipt again.",
        ),
        "unsigned" => (
            "There is no receipt for this",
            "The network made this entry by itself: nobody signed it.",
            "Choose a payment.",
        ),
        "unknown_trusted_block" => (
            "The server cannot go back far enough",
            "It no longer keeps, or never had, the block this wallet trusts.",
            "Look at the Network page. If the chain was started anew, load the page again.",
        ),
        "not_found"
        | "method_not_allowed"
        | "invalid_query"
        | "invalid_questions"
        | "invalid_address"
        | "invalid_id"
        | "invalid_height"
        | "unknown_block"
        | "uri_too_long"
        | "unsupported_media_type" => (
            "The server does not understand the wallet",
            "Server and page are of different versions.",
            "Load the page again. If that does not help, ask whoever runs the server.",
        ),
        _ => {
            return said(UNKNOWN, format!("It said: {words} ({code})."), "Try again, or use another server.");
        }
    };
    said(what, why, remedy)
}

/// A sentence from the lower-case words of an error.
fn capital(words: &str) -> String {
    // Errors start with a plain letter; the tables of all scripts would be part of the download.
    let mut sentence = words.to_owned();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use light_client::data_format::Amount;

    use super::*;

    /// The codes that the node's API defines, read from where it defines them.
    fn server_codes() -> Vec<String> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../full-node/src/api/problem.rs");
        let source = std::fs::read_to_string(path).unwrap();
        let table = source.split("codes! {").nth(1).unwrap().split("\n}\n").next().unwrap();
        let code = |line: &str| {
            let line = line.trim();
            let is_entry = line.starts_with(|c: char| c.is_ascii_uppercase());
            is_entry.then(|| line.split('"').nth(1).map(str::to_owned)).flatten()
        };
        table.lines().filter_map(code).collect()
    }

    #[test]
    fn every_code_of_the_server_has_words() {
        let codes = server_codes();
        assert!(codes.len() > 15, "{codes:?}");
        for code in codes {
            assert_ne!(server(&code, "x").what, UNKNOWN, "{code}");
        }
    }

    #[test]
    fn every_rule_checked_here_has_words() {
        for (rule, code) in light_client::transaction::RULES {
            assert_ne!(server(code, "x").what, UNKNOWN, "{rule}");
        }
    }

    #[test]
    fn an_unknown_code_keeps_its_own_words() {
        let said = server("moon-phase", "the moon is full");
        assert_eq!(said.why, "It said: the moon is full (moon-phase).");
    }

    #[test]
    fn every_problem_says_what_why_and_what_to_do() {
        let text = || "the reason".to_owned();
        let all = [
            Problem::ChainFile(text()),
            Problem::Storage(text()),
            Problem::Randomness(text()),
            Problem::WrongPassword,
            Problem::DamagedKeystore(text()),
            Problem::WeakPassword,
            Problem::Phrase { reason: text(), word: Some(2) },
            Problem::Phrase { reason: text(), word: None },
            Problem::WrongWord { position: 6 },
            Problem::NoPhrase,
            Problem::Locked,
            Problem::NoWallet,
            Problem::OtherWallet,
            Problem::NotVerified,
            Problem::Address(text()),
            Problem::OtherNetwork,
            Problem::Amount(text()),
            Problem::Balance { spendable: Amount(5) },
            Problem::Memo { bytes: 141, limit: 140 },
            Problem::Rule { code: "new-rule".into(), words: text() },
            Problem::Rule { code: "fee_too_low".into(), words: text() },
            Problem::NothingReviewed,
            Problem::Server { code: "busy".into(), words: text() },
        ];
        for one in all {
            let said = problem(&one);
            for part in [&said.what, &said.why, &said.remedy] {
                assert!(part.chars().next().is_some_and(char::is_uppercase), "{one:?}: {part}");
            }
            assert!(said.why.ends_with('.') && said.remedy.ends_with('.'), "{said:?}");
            assert!(!said.what.ends_with('.'), "{said:?}");
        }
        assert_eq!(problem(&Problem::WrongWord { position: 6 }).what, "Word 7 is another one");
    }
}
