//! The sentences of the screens, in the order of the screens.

use light_client::data_format::{Amount, Network, Time};
use web_protocol::{MovementKind, PaymentStep, ServerHealth, SyncView, View};

use super::{duration, grouped, number, plural};
use crate::state::{Notice, Route, StepState, Strength};

// Everywhere.
pub(crate) const PRODUCT: &str = "V.Systems wallet";
pub(crate) const BRAND: &str = "V.Systems";
pub(crate) const UNIT: &str = "VSYS";
pub(crate) const HOME: &str = "Home";
pub(crate) const HISTORY: &str = "History";
pub(crate) const MORE: &str = "More";
pub(crate) const DETAILS: &str = "Details";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const BACK: &str = "Back";
pub(crate) const CANCEL: &str = "Cancel";
pub(crate) const CONTINUE: &str = "Continue";
pub(crate) const DONE: &str = "Done";
pub(crate) const SEE: &str = "See";
pub(crate) const TRY_AGAIN: &str = "Try the password again";
pub(crate) const OPENING: &str = "Opening your wallet…";
pub(crate) const LINE_DOWN: &str = "The wallet stopped";
pub(crate) const LINE_DOWN_REMEDY: &str = "Load the page again. Your keys and coins are not affected.";

pub(crate) fn line_down(reason: &str) -> String {
    format!("Its working part says: {reason}.")
}

/// The title of the browser's tab.
pub(crate) fn title(route: Route) -> String {
    let name = match route {
        Route::Welcome | Route::Home => return PRODUCT.to_owned(),
        Route::Create(_) => NEW_WALLET,
        Route::Restore(_) => RESTORE_TITLE,
        Route::History | Route::Movement(_) => HISTORY,
        Route::More => MORE,
        Route::Send => SEND,
        Route::Receive => RECEIVE,
        Route::Payment(_) => PAYMENT,
        Route::Proof => HOW_DO_I_KNOW,
        Route::Network => NETWORK,
        Route::Security | Route::Forgot => SECURITY,
        Route::About => ABOUT,
        Route::Phrase(_) => YOUR_WORDS,
    };
    format!("{name} · {PRODUCT}")
}

pub(crate) fn notice(notice: Notice) -> &'static str {
    match notice {
        Notice::Copied => "Address copied",
        Notice::NotCopied => {
            "This browser does not let the wallet copy: mark the address and copy it yourself"
        }
        Notice::BackedUp => "Your words are checked",
        Notice::Locked => "Locked",
        Notice::Unlocked => "Unlocked for as long as you use it, and five minutes more",
        Notice::Erased => "The wallet is gone from this browser",
    }
}

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

// Home.
pub(crate) const BALANCE: &str = "Balance";
pub(crate) const UNKNOWN: &str = "Not known yet";
pub(crate) const UNKNOWN_YET: &str = "Waiting for a proof";
pub(crate) const SEND: &str = "Send";
pub(crate) const RECEIVE: &str = "Receive";
pub(crate) const GET_TEST_COINS: &str = "Get test coins";
pub(crate) const ASKING: &str = "Asking…";
pub(crate) const COINS_COMING_SHORT: &str = "On the way…";
pub(crate) const ON_ITS_WAY: &str = "On its way";
pub(crate) const LATEST: &str = "Latest";
pub(crate) const WHOLE_HISTORY: &str = "Whole history";
pub(crate) const PROVING: &str = "Proving your balance…";
pub(crate) const EMPTY_TITLE: &str = "Nothing has moved yet";
pub(crate) const EMPTY_TEST: &str = "Get some test coins to try everything, or let somebody send you some.";
pub(crate) const EMPTY: &str = "Show your address to somebody who sends you coins: press Receive.";
pub(crate) const EMPTY_HISTORY: &str =
    "Everything that comes and goes will be listed here, proven and complete.";

pub(crate) const SLOT_LYING: &str = "A server lied";
pub(crate) const SLOT_OTHER_CHAIN: &str = "The server is of another chain";
pub(crate) const SLOT_OTHER_CHAIN_WHY: &str =
    "It is honest about it: the chain was started anew, or this is another one. What you see is from before.";
pub(crate) const SLOT_TRUST_EXPIRED: &str = "This wallet slept too long";
pub(crate) const SLOT_AGREED: &str = "Agreed, not final";
pub(crate) const SLOT_FORKED: &str = "Two chains claim to be this one";
pub(crate) const SLOT_STALE: &str = "Nobody confirms this right now";
pub(crate) const SLOT_REPLACED: &str = "The chain was started anew";
pub(crate) const SLOT_REPLACED_WHY: &str =
    "What you held on the former one is not on this one. Your keys and your address are the same.";
pub(crate) const SLOT_NOT_STORED: &str = "This browser does not store what was proven";
pub(crate) const SLOT_LOST: &str = "This browser has deleted your wallet";
pub(crate) const SLOT_LOST_WHY: &str = "It is only in this tab now and gone when you close it. Store it again, or make sure that you have your words.";
pub(crate) const STORE_AGAIN: &str = "Store again";
pub(crate) const SLOT_CLOCK: &str = "This device’s clock is behind";
pub(crate) const SLOT_BACKUP: &str = "Write down your words";
pub(crate) const SLOT_BACKUP_WHY: &str = "Without them, a lost device is lost money.";
pub(crate) const DO_IT_NOW: &str = "2 min";
pub(crate) const ASK_NOW: &str = "Ask now";

pub(crate) fn slot_lying(url: &str) -> String {
    if url.is_empty() {
        return "What it said cannot be true and is not used.".to_owned();
    }
    format!("What {} said cannot be true. It is not used.", host(url))
}

pub(crate) fn slot_trust_expired(since: &str) -> String {
    format!(
        "Its newest trusted block is from {since}, too old to build on. Load the page again for a newer one."
    )
}

pub(crate) fn slot_agreed([one, other]: &[String; 2]) -> String {
    format!(
        "The newest trusted block is too old. {one} and {other} agree on newer ones. Load the page again."
    )
}

pub(crate) fn slot_forked([one, other]: &[String; 2]) -> String {
    format!(
        "{} and {} prove blocks that exclude each other. What you see is from before. Do not pay until you know which is right.",
        host(one),
        host(other)
    )
}

pub(crate) fn slot_stale(since: Option<&str>) -> String {
    match since {
        Some(since) => {
            format!("No server has proven anything new since {}. What you see was true then.", within(since))
        }
        None => "No server has proven anything yet.".to_owned(),
    }
}

pub(crate) fn slot_clock(time: &str) -> String {
    format!(
        "A block from {} is proven already. Set the clock right: until then nothing newer can be checked.",
        within(time)
    )
}

pub(crate) fn slot_not_stored(reason: &str) -> String {
    format!("It will be proven again when you come back ({reason}).")
}

/// `Proven at block 148,201 · 4 s ago`
pub(crate) fn proven_at(height: u64, age: &str) -> String {
    format!("Proven at block {} · {age}", number(height))
}

/// `Stale since today 14:02 · block 148,201`
pub(crate) fn stale_since(since: &str, height: u64) -> String {
    format!("Stale since {} · block {}", within(since), number(height))
}

/// `today 14:02`, as it stands within a sentence.
fn within(day_and_clock: &str) -> String {
    for (start, small) in [("Today", "today"), ("Yesterday", "yesterday")] {
        if let Some(rest) = day_and_clock.strip_prefix(start) {
            return format!("{small}{rest}");
        }
    }
    day_and_clock.to_owned()
}

/// The state of the servers: a class for its dot, and words.
pub(crate) fn network(view: Option<&View>) -> (&'static str, String) {
    let Some(view) = view else { return ("wait", "Connecting".to_owned()) };
    let good = view.servers.iter().filter(|server| server.health == ServerHealth::Good).count() as u64;
    match view.sync {
        SyncView::Connecting => ("wait", "Connecting".to_owned()),
        SyncView::Verified { .. } if good == 1 => ("good", "1 server, checked".to_owned()),
        SyncView::Verified { .. } => ("good", format!("{} agree", plural(good, "server", "servers"))),
        SyncView::Stale { .. } => ("wait", "No answer".to_owned()),
        SyncView::OtherChain { .. } => ("wait", "Another chain".to_owned()),
        SyncView::Lying { .. } => ("bad", "A server lied".to_owned()),
        SyncView::TrustExpired { .. } => ("wait", "Too old".to_owned()),
        SyncView::Agreed { .. } => ("wait", "Agreed, not final".to_owned()),
        SyncView::Forked { .. } => ("bad", "Two chains".to_owned()),
        SyncView::ClockBehind { .. } => ("wait", "Clock is behind".to_owned()),
    }
}

/// `To AR7xk … 92pQd`
pub(crate) fn to(ends: &str) -> String {
    format!("To {ends}")
}

/// What a movement was, with the other side if it is known.
pub(crate) fn movement(kind: MovementKind, who: Option<&str>) -> String {
    match (kind, who) {
        (MovementKind::Sent, Some(who)) => to(who),
        (MovementKind::Sent, None) => "Sent".to_owned(),
        (MovementKind::Received, Some(who)) => format!("From {who}"),
        (MovementKind::Received, None) => "Received".to_owned(),
        (MovementKind::Fee, _) => "Fee".to_owned(),
        (MovementKind::Interest, _) => "Interest".to_owned(),
        (MovementKind::Commission, _) => "Commission".to_owned(),
        (MovementKind::Minted, _) => "Made a block".to_owned(),
        (MovementKind::ContendFee, _) => "Won a slot".to_owned(),
        (MovementKind::Genesis, _) => "Held from the start".to_owned(),
    }
}

/// ` · Rent`
pub(crate) fn dot_memo(memo: &str) -> String {
    format!(" · {memo}")
}

/// `fee 0.10`
pub(crate) fn fee_short(fee: Amount) -> String {
    format!("fee {}", grouped(fee))
}

/// `0.10 VSYS`
pub(crate) fn with_unit(amount: Amount) -> String {
    format!("{} {UNIT}", grouped(amount))
}

// History.
pub(crate) const LOAD_OLDER: &str = "Load older ones";
pub(crate) const PROVING_OLDER: &str = "Proving older ones…";
pub(crate) const MOVEMENT: &str = "Movement";
pub(crate) const MOVEMENT_GONE: &str = "This movement is not loaded here. Open it from the history.";
pub(crate) const WHEN: &str = "When";
pub(crate) const BLOCK: &str = "Block";
pub(crate) const TRANSACTION: &str = "Transaction";

/// How complete the list is.
pub(crate) fn complete(here: u64, count: u64) -> String {
    if here >= count {
        return match count {
            1 => "Your one entry, proven: there is no other.".to_owned(),
            count => format!("All {} entries, fees included, proven: none left out.", number(count)),
        };
    }
    format!("The newest {} of {} entries, proven: none left out between them.", number(here), number(count))
}

pub(crate) fn from_or_to(delta: i64) -> &'static str {
    if delta < 0 { TO } else { "From" }
}

pub(crate) fn proven_final(height: u64) -> String {
    format!("Final · proven in block {}", number(height))
}

// Send.
pub(crate) const TO: &str = "To";
pub(crate) const TO_PLACEHOLDER: &str = "Paste the recipient’s address";
pub(crate) const ADDRESS_LENGTH: usize = 35;
pub(crate) const NOT_AN_ADDRESS: &str = "This is not an address yet: a character is wrong or missing.";
pub(crate) const AMOUNT: &str = "Amount";
pub(crate) const AMOUNT_PLACEHOLDER: &str = "0.00";
pub(crate) const EVERYTHING: &str = "Everything";
pub(crate) const FEE: &str = "Fee";
pub(crate) const YOU_KEEP: &str = "You keep";
pub(crate) const AT_MOST: &str = "At most";
pub(crate) const BALANCE_NOT_PROVEN: &str = "Your balance is not proven yet, so nothing can be sent.";
pub(crate) const NOTE: &str = "Note";
pub(crate) const NOTE_PUBLIC: &str = "if you like; everybody can read it";
pub(crate) const REVIEW: &str = "Review";
pub(crate) const LOOKING_OVER: &str = "Looking it over…";
pub(crate) const REVIEW_TITLE: &str = "Check before you sign";
pub(crate) const PAID_BEFORE: &str = "You paid before";
pub(crate) const VALID_UNTIL: &str = "Valid until";
pub(crate) const LOOKS_LIKE: &str = "Careful: it only looks like an address you paid";
pub(crate) const LOOKS_LIKE_WHY: &str =
    "Beginning and end are alike, the middle is not. Swindlers make such addresses. Compare every group.";
pub(crate) const TO_SELF: &str = "This is your own address";
pub(crate) const TO_SELF_WHY: &str = "The coins come back to you; only the fee is gone.";
pub(crate) const FIRST_PAYMENT: &str = "First payment to this address";
pub(crate) const FIRST_PAYMENT_WHY: &str = "Compare it with what you were given, group by group.";
pub(crate) const SIGN: &str = "Sign and send";
pub(crate) const SIGN_LOCKED: &str = "Unlock, sign and send";
pub(crate) const SIGNING: &str = "Signing and sending…";
pub(crate) const CHANGE: &str = "Change";

pub(crate) fn memo_left(left: u64, over: bool) -> String {
    if over { "The note is too long.".to_owned() } else { format!("{} left", plural(left, "byte", "bytes")) }
}

/// `block 148,500 · about 20 min`
pub(crate) fn valid_until(height: u64, seconds: u32) -> String {
    format!("block {} · about {}", number(height), duration(u64::from(seconds)))
}

// A payment.
pub(crate) const PAYMENT: &str = "Payment";
pub(crate) const PAYMENT_GONE: &str =
    "This payment is not on the list any more. If it went through, it is in your history.";
pub(crate) const DISMISS: &str = "Take off the list";
pub(crate) const STEP_SIGNED: &str = "Signed here";
pub(crate) const STEP_EXPIRED: &str = "Expired";
pub(crate) const STEP_EXPIRED_WHY: &str = "Proven: no block took it in time, and none can any more. Your coins never moved; send it again if you like.";
pub(crate) const STEP_REPLACED: &str = "Replaced";
pub(crate) const STEP_REPLACED_WHY: &str =
    "Proven: another payment of yours took its place, so this one can never happen. See your history.";

/// A payment's state in a few words.
pub(crate) fn payment_state(step: &PaymentStep) -> String {
    match step {
        PaymentStep::Signed => "Signed, not sent yet".to_owned(),
        PaymentStep::Submitted { .. } => "Sent, waiting for a block".to_owned(),
        PaymentStep::InBlock { .. } => "In block, not final yet".to_owned(),
        PaymentStep::Final { succeeded: true, .. } => "Final".to_owned(),
        PaymentStep::Final { .. } => "Failed: the coins did not move".to_owned(),
        PaymentStep::Refused { .. } => "Refused".to_owned(),
        PaymentStep::Expired => "Expired: it never happened".to_owned(),
        PaymentStep::Replaced => "Replaced by another payment".to_owned(),
        PaymentStep::Unknown { .. } => "Nobody to ask right now".to_owned(),
    }
}

/// What a screen reader says of a step's place.
pub(crate) fn step_state(state: StepState) -> &'static str {
    match state {
        StepState::Done => " (done) ",
        StepState::Now => " (waiting) ",
        StepState::Next => " (to come) ",
        StepState::Stopped => " (stopped) ",
    }
}

pub(crate) fn step_signed(at: &str) -> String {
    format!("{at} · nothing left this device before that")
}

pub(crate) fn step_taken(state: StepState, at: Option<String>, servers: u32) -> (String, String) {
    if state != StepState::Done {
        return ("Handing it to a server".to_owned(), "a second or two".to_owned());
    }
    let what = match servers {
        0 => "Taken by a server".to_owned(),
        servers => format!("Taken by {}", plural(u64::from(servers), "server", "servers")),
    };
    (what, at.unwrap_or_default())
}

pub(crate) fn step_in_block(height: Option<u64>, at: Option<String>, slot_ms: u32) -> (String, String) {
    match height {
        Some(height) => {
            let proven = "proven: it is in the block";
            let more = at.map_or_else(|| proven.to_owned(), |at| format!("{at} · {proven}"));
            (format!("In block {}", number(height)), more)
        }
        None => {
            let wait = duration(u64::from(slot_ms.max(1_000) / 1_000));
            ("In the next block".to_owned(), format!("there is one about every {wait}"))
        }
    }
}

pub(crate) fn step_final(state: StepState, at: Option<String>, seconds: Option<u32>) -> (String, String) {
    if state == StepState::Done {
        return ("Final".to_owned(), format!("{} · nobody can undo it", at.unwrap_or_default()));
    }
    let why = "more than two thirds of the supernodes sign it twice over".to_owned();
    match seconds {
        Some(seconds) => (format!("Final in about {}", duration(u64::from(seconds))), why),
        None => ("Final".to_owned(), why),
    }
}

pub(crate) fn step_failed(height: u64) -> (String, String) {
    (
        "It failed".to_owned(),
        format!("Proven in block {}: the coins did not move, only the fee is gone.", number(height)),
    )
}

pub(crate) fn step_refused(code: &str, words: &str) -> (String, String) {
    let said = super::problems::server(code, words);
    (
        format!("Refused: {}", said.what),
        format!("{} {} It may still go through until it expires.", said.why, said.remedy),
    )
}

pub(crate) fn step_unknown(since: &str) -> (String, String) {
    (
        "Nobody can be asked right now".to_owned(),
        format!("Known up to {}. It may well be through; the wallet keeps asking.", within(since)),
    )
}

// Receive.
pub(crate) const RECEIVE_WHY: &str = "Let the sender scan this, or send them your address.";
pub(crate) const QR_LABEL: &str = "Your address as a QR code";
pub(crate) const COPY_ADDRESS: &str = "Copy address";
pub(crate) const COPY_COMPARE: &str = "After pasting, compare the first and the last group.";

// How do I know?
pub(crate) const HOW_DO_I_KNOW: &str = "How do I know?";
pub(crate) const PROOF_HINT: &str = "From signatures to your balance";
pub(crate) const NOTHING_PROVEN: &str =
    "Nothing is proven yet. As soon as a server answers, this page says why you can believe it.";
pub(crate) const PROOF_COMMITS: &str = "That block commits to all balances";
pub(crate) const PROOF_COMMITS_WHY: &str = "by one fingerprint of 32 bytes";
pub(crate) const PROOF_LEADS: &str = "Your account leads to that fingerprint";
pub(crate) const BLOCK_TIME: &str = "Made";
pub(crate) const PROOF_SIZE: &str = "Proof";
pub(crate) const SENT_BY: &str = "Sent by";
pub(crate) const NOBODY_BELIEVED: &str =
    "Nobody had to be believed. A server that lies is caught here and named on the Network page.";

pub(crate) fn proof_signed(signatures: Option<(u32, u32)>, height: u64, age: &str) -> (String, String) {
    let block =
        format!("block {}, {age}. Their names come from a block you already trusted.", number(height));
    match signatures {
        Some((_, 0)) => (
            "This wallet started from it".to_owned(),
            format!("block {}, {age}, given with the page.", number(height)),
        ),
        Some((signatures, of)) => (format!("{signatures} of {of} supernodes signed"), block),
        None => ("More than two thirds of the supernodes signed".to_owned(), block),
    }
}

pub(crate) fn proof_leads(nodes: Option<u32>, micros: Option<u32>) -> String {
    match (nodes, micros) {
        (Some(nodes), Some(micros)) => {
            let nodes = plural(u64::from(nodes), "step", "steps");
            format!("{nodes}, checked on this device in {}", thousandths(micros))
        }
        _ => "checked on this device".to_owned(),
    }
}

pub(crate) fn proof_complete(count: u64, balance: Amount) -> (String, String) {
    let what = match count {
        0 => "Nothing was ever moved here".to_owned(),
        1 => "Your one entry is here".to_owned(),
        count => format!("All {} entries of your history are counted", number(count)),
    };
    (what, format!("they add up to {} and none is left out", with_unit(balance)))
}

/// `0.9 ms`
fn thousandths(micros: u32) -> String {
    if micros >= 10_000 {
        return format!("{} ms", number(u64::from(micros / 1_000)));
    }
    format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
}

/// `3.1 kB`
pub(crate) fn bytes(bytes: u32) -> String {
    if bytes < 1_000 {
        plural(u64::from(bytes), "byte", "bytes")
    } else {
        format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100)
    }
}

// Network.
pub(crate) const NETWORK: &str = "Network";
pub(crate) const LAST_LIE: &str = "Its last lie";
pub(crate) const LIE_NOT_USED: &str = "It was caught here and not used. This server is not asked any more.";

/// How the conversation goes: what, and why.
pub(crate) fn sync(sync: &SyncView, shown: impl Fn(Time) -> String) -> (String, String) {
    match sync {
        SyncView::Connecting => ("Connecting".to_owned(), "Nothing heard yet.".to_owned()),
        SyncView::Verified { height, time, of: 0, .. } => (
            format!("Proven up to block {}", number(height.0)),
            format!("{}, the block this wallet started from.", shown(*time)),
        ),
        SyncView::Verified { height, time, signatures, of } => (
            format!("Proven up to block {}", number(height.0)),
            format!("{}, signed by {signatures} of {of} supernodes.", shown(*time)),
        ),
        SyncView::Stale { since: Some(since), height } => (
            "No server answers".to_owned(),
            format!("The last proof is from {}, of block {}.", within(&shown(*since)), number(height.0)),
        ),
        SyncView::Stale { since: None, .. } => (
            "No server answers".to_owned(),
            "Nothing could be proven yet. The wallet keeps trying.".to_owned(),
        ),
        SyncView::OtherChain { found } => (
            SLOT_OTHER_CHAIN.to_owned(),
            format!(
                "It says that it serves {}. That is no lie: the chain was started anew or this is another one. Load the page \
                 again from that server to use its chain.",
                shortened(found)
            ),
        ),
        SyncView::Lying { .. } => {
            (SLOT_LYING.to_owned(), "What it said cannot be true. Nothing of it is used.".to_owned())
        }
        SyncView::Agreed { height, operators, .. } => {
            (format!("Agreed up to block {}", number(height.0)), slot_agreed(operators))
        }
        SyncView::Forked { servers } => (SLOT_FORKED.to_owned(), slot_forked(servers)),
        SyncView::TrustExpired { since } => {
            (SLOT_TRUST_EXPIRED.to_owned(), slot_trust_expired(&shown(*since)))
        }
        SyncView::ClockBehind { time } => (SLOT_CLOCK.to_owned(), slot_clock(&shown(*time))),
    }
}

fn shortened(id: &str) -> String {
    let start: String = id.chars().take(12).collect();
    format!("chain {start}…")
}

pub(crate) fn health(health: ServerHealth) -> &'static str {
    match health {
        ServerHealth::Unknown => "Not asked yet",
        ServerHealth::Good => "Good",
        ServerHealth::Unreachable => "No answer",
        ServerHealth::OtherChain => "Another chain",
        ServerHealth::Lying => "Lied",
    }
}

pub(crate) fn server_height(height: Option<u64>) -> String {
    match height {
        Some(height) => format!("Has proven everything up to block {}", number(height)),
        None => "Has proven nothing yet".to_owned(),
    }
}

/// A server's address without what every address has.
pub(crate) fn host(url: &str) -> String {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    bare.trim_end_matches('/').to_owned()
}

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
