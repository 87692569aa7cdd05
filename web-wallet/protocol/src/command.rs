use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::data_format::{Address, Amount, TransactionId};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Review, View};

/// Text that is wiped when dropped and never printed: a password, a phrase, one of its words.
#[derive(Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Zeroize, ZeroizeOnDrop)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A numbered command. The worker answers each exactly once, with the same number.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ToWorker {
    /// Chosen by the page, rising.
    pub number: u32,
    /// What to do.
    pub command: Command,
}

/// What the worker says.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum FromWorker {
    /// Everything there is to see, pushed whenever it changed.
    View(Box<View>),
    /// The answer to a command.
    Answer {
        /// The command's number.
        number: u32,
        /// What came of it.
        result: Result<Answer, Problem>,
    },
    /// What there is to see in the tab that leads, in place of [`FromWorker::View`].
    Seen(Box<View>),
}

/// An amount as typed, or all there is.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum AmountField {
    /// As typed, in VSYS.
    Typed(String),
    /// The whole balance less the fee.
    Everything,
}

/// What a person can ask the worker to do.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Command {
    /// Load the chain file and the stored wallet, connect, and push the first view. Sent once.
    Start {
        /// Whether a person sees the page.
        visible: bool,
    },
    /// Make a new phrase (12 or 24 words) and keep it in memory only. Answer: [`Answer::PhraseMade`].
    MakePhrase {
        /// 12 or 24.
        words: u8,
    },
    /// One word of the phrase just made, by position from 0. Answer: [`Answer::Word`].
    ShowWord {
        /// Position from 0.
        position: u8,
    },
    /// The questions of the word check. Answer: [`Answer::Quiz`].
    MakeQuiz,
    /// The words picked in the word check, in the order of the questions. Answer: [`Answer::Done`] or
    /// [`Problem::WrongWord`].
    CheckQuiz {
        /// The words.
        picked: Vec<Secret>,
    },
    /// Look a phrase over before it is restored. Answer: [`Answer::PhraseRead`] or [`Problem::Phrase`].
    ReadPhrase {
        /// As typed.
        phrase: Secret,
        /// Whether it is a phrase of the existing V.Systems network.
        vsystems: bool,
    },
    /// Encrypt the phrase made or read last with a password and open the wallet. Answer: [`Answer::Done`].
    Keep {
        /// Guards the keys.
        password: Secret,
        /// Whether the words were checked; else a banner reminds of it.
        backed_up: bool,
    },
    /// Unlock signing. Answer: [`Answer::Done`] or [`Problem::WrongPassword`].
    Unlock {
        /// The password.
        password: Secret,
    },
    /// Forget the keys until the next unlock. Answer: [`Answer::Done`].
    Lock {
        /// In every tab: a person said so. Else only here, where nobody has touched anything for long.
        everywhere: bool,
    },
    /// Read the stored phrase into memory, to show its words or check them. Answer: [`Answer::PhraseMade`].
    RevealPhrase {
        /// The password, asked again.
        password: Secret,
    },
    /// Wipe the phrase from memory. Answer: [`Answer::Done`].
    ForgetPhrase,
    /// Note that the words were checked. Answer: [`Answer::Done`].
    BackedUp,
    /// Draft a payment and check it. Answer: [`Answer::Review`] or a [`Problem`].
    Draft {
        /// From which account.
        from: Address,
        /// To whom, as typed.
        to: String,
        /// How much.
        amount: AmountField,
        /// A public note, at most 140 bytes.
        memo: String,
    },
    /// Sign the payment reviewed last and submit it. Answer: [`Answer::Sent`]; [`Problem::Locked`] if locked.
    Send,
    /// Forget the payment reviewed last. Answer: [`Answer::Done`].
    Discard,
    /// Take a finished or refused payment off the list. Answer: [`Answer::Done`], or [`Problem::Rule`] with the code
    /// `payment_open` while it can still happen.
    Dismiss {
        /// Its transaction.
        id: TransactionId,
    },
    /// Ask for test coins, on a development chain only. Answer: [`Answer::Done`] or a [`Problem`].
    GetTestCoins {
        /// For which account.
        to: Address,
    },
    /// Load older history records of an account. Answer: [`Answer::Done`] when they are proven and in the view.
    LoadHistory {
        /// Which account.
        account: Address,
    },
    /// Ask all servers now, also those that lied. Answer: [`Answer::Done`].
    Refresh,
    /// The page has asked the browser to keep the storage (`navigator.storage.persist()`, which workers lack): see
    /// what came of it. Answer: [`Answer::Done`], and [`View::storage_persistent`].
    StorageAsked,
    /// Erase keys, accounts and proven state from this browser. Answer: [`Answer::Done`].
    Erase,
    /// Whether a person sees the page; told again when the network is back and when the device has woken. Answer: [`Answer::Done`].
    Visible(bool),
    /// Store the wallet again, after [`Notice::StorageLost`](crate::Notice::StorageLost). Answer: [`Answer::Done`].
    StoreAgain,
}

/// One question of the word check: which of three is word `position`?
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WordQuestion {
    /// Position from 0.
    pub position: u8,
    /// Three words, one of them right.
    pub choices: [Secret; 3],
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Answer {
    /// It is done.
    Done,
    /// A phrase of so many words is in memory.
    PhraseMade {
        /// Its length.
        words: u8,
    },
    /// A word.
    Word(Secret),
    /// The word check.
    Quiz(Vec<WordQuestion>),
    /// The phrase reads; this is its first account.
    PhraseRead {
        /// The first account's address, to compare before funds move.
        address: Address,
        /// The phrase has no usable checksum, or an unusual length: one wrong word is another wallet.
        unchecked: bool,
    },
    /// A payment to look over.
    Review(Box<Review>),
    /// The payment is signed and on its way.
    Sent {
        /// Its transaction.
        id: TransactionId,
    },
}

/// Why a command came to nothing; the page has words for each.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Problem {
    /// There is no chain file, or it cannot be used.
    ChainFile(String),
    /// The browser's storage failed.
    Storage(String),
    /// No random numbers from the browser.
    Randomness(String),
    /// The password does not open the keystore.
    WrongPassword,
    /// The stored keystore is damaged: restore from the phrase.
    DamagedKeystore(String),
    /// Shorter than eight characters.
    WeakPassword,
    /// A phrase that cannot be one: why, and at which word (from 0) if it is a word.
    Phrase {
        /// In words.
        reason: String,
        /// The word that is not in the list.
        word: Option<u8>,
    },
    /// A wrong word was picked for this position (from 0).
    WrongWord {
        /// Position from 0.
        position: u8,
    },
    /// There is no phrase in memory.
    NoPhrase,
    /// Signing needs the password first.
    Locked,
    /// There is no wallet here.
    NoWallet,
    /// Another wallet was stored after this one was deleted, and must not be replaced unseen.
    OtherWallet,
    /// The balance is not proven (yet): nothing can be drafted.
    NotVerified,
    /// The recipient is not an address; why.
    Address(String),
    /// The recipient's address is of another network.
    OtherNetwork,
    /// The amount does not read; why.
    Amount(String),
    /// More than there is.
    Balance {
        /// What can be spent, the fee already taken off.
        spendable: Amount,
    },
    /// The note is too long.
    Memo {
        /// Its bytes.
        bytes: u32,
        /// Bytes allowed.
        limit: u32,
    },
    /// The light client's own rules refuse the payment: stable code and words.
    Rule {
        /// Stable, such as `zero_amount`.
        code: String,
        /// For people.
        words: String,
    },
    /// There is nothing reviewed to send.
    NothingReviewed,
    /// Every server refused or could not be reached.
    Server {
        /// The stable code of the server's problem, `unreachable` without one.
        code: String,
        /// What it said.
        words: String,
    },
}
