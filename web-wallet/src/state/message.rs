use light_client::data_format::{Time, TransactionId};
use web_protocol::{Secret, ToWorker};

use super::{After, Route};

/// Something happened.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// The line to the worker is broken; why.
    Broken(String),
    /// The clock went on.
    Tick(Time),
    /// The page came into sight or went out of it, or the network is back.
    Visible(bool),
    /// The person touched something.
    Active,
    /// The address bar changed.
    Arrived(Route),
    /// Go there.
    Go(Route),
    /// Close what lies on top.
    Close,
    /// The Escape key: closes a detail; an open sheet closes itself.
    Escape,
    /// Copy this text.
    Copy(String),
    /// Copying worked, or the browser refused.
    Copied(bool),

    /// How many words a new phrase has.
    ChooseWords(u8),
    /// The password, as typed so far.
    TypePassword(Secret),
    /// The password again.
    TypeRepeat(Secret),
    /// The stage's button.
    Continue,
    /// Show this word of the phrase, counted from 0.
    ShowWord(u8),
    /// Hide the word that is shown.
    HideWord,
    /// In this question of the word check, this choice.
    Pick(usize, usize),
    /// Check the words later.
    Later,
    /// A V.Systems phrase, or not.
    ChooseVsystems(bool),
    /// How many words the phrase to restore has; 0 for any number, in one field.
    ChooseLength(u8),
    /// A word of the phrase to restore.
    TypeWord(usize, Secret),
    /// A whole phrase, pasted into a field.
    Paste(usize, Secret),
    /// Show or mask the typed words.
    ShowTyped(bool),

    /// The recipient.
    TypeRecipient(String),
    /// The amount.
    TypeAmount(String),
    /// All there is.
    Everything,
    /// The note.
    TypeMemo(String),
    /// Look the payment over.
    Review,
    /// Sign and send what was looked over.
    Sign,
    /// Take a payment off the list.
    Dismiss(TransactionId),

    /// Ask for the password, and then do this.
    AskPassword(After),
    /// The password is typed.
    Unlock,
    /// Forget the keys.
    Lock,
    /// The words of the word check are right, or were seen: forget the phrase.
    PhraseDone,
    /// Ask whether to erase.
    AskErase,
    /// The word that confirms it, as typed so far.
    TypeErase(String),
    /// Erase.
    Erase,

    /// Test coins, please.
    GetTestCoins,
    /// Older movements.
    LoadHistory,
    /// Ask all servers now.
    Refresh,
    /// Store the wallet again, that the browser has deleted.
    StoreAgain,

    /// The browser was asked to keep the storage, and has decided.
    StorageAsked,
}

/// Something for the browser to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Say this to the worker.
    Tell(ToWorker),
    /// Put a route into the address bar, as a new step or in place of the last.
    Show {
        /// Which.
        route: Route,
        /// Whether *back* skips the place before.
        replace: bool,
    },
    /// Copy to the clipboard, then report [`Message::Copied`].
    Copy(String),
    /// Ask the browser never to clear our storage by itself, then report [`Message::StorageAsked`].
    KeepStorage,
}
