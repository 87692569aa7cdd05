use light_client::data_format::Address;
use web_protocol::{Review, Secret, WordQuestion};

/// Bytes of a note that a transaction takes.
pub(crate) const MAX_MEMO: usize = light_client::data_format::MAX_MEMO_BYTES;

/// The forms of making and restoring a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    /// Words of a new phrase: 12 or 24.
    pub(crate) length: u8,
    /// The new password.
    pub(crate) password: Secret,
    /// The new password, again.
    pub(crate) repeat: Secret,
    /// Whether the phrase to restore is one of the existing V.Systems network.
    pub(crate) vsystems: bool,
    /// The words of the phrase to restore; one entry with everything when their number is unusual.
    pub(crate) typed: Vec<Secret>,
    /// Whether [`Setup::typed`] is one field.
    pub(crate) one_field: bool,
    /// Rises when something else than typing changed the words, so that the fields are filled anew.
    pub(crate) filled: u32,
    /// Whether the typed words are legible.
    pub(crate) legible: bool,
    /// What was found when the words were read: the first account, and whether nothing vouches for the words.
    pub(crate) read: Option<(Address, bool)>,
    /// The keystore is written; the worker's next view shows the wallet.
    pub(crate) kept: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            length: 12,
            password: Secret::default(),
            repeat: Secret::default(),
            vsystems: false,
            typed: vec![Secret::default(); 12],
            one_field: false,
            filled: 0,
            legible: false,
            read: None,
            kept: false,
        }
    }
}

impl Setup {
    /// The words to restore from, as one phrase.
    pub(crate) fn phrase(&self) -> Secret {
        // Allocated once, or copies would stay behind where it grew.
        let mut phrase = Secret(String::with_capacity(self.typed.iter().map(|word| word.0.len() + 1).sum()));
        for word in &self.typed {
            if !phrase.0.is_empty() {
                phrase.0.push(' ');
            }
            phrase.0.push_str(word.0.trim());
        }
        phrase
    }

    /// Whether every field has something in it.
    pub(crate) fn is_full(&self) -> bool {
        self.typed.iter().all(|word| !word.0.trim().is_empty())
    }
}

/// A phrase in the worker's memory and what is being done with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Desk {
    /// How many words it has.
    pub(crate) length: u8,
    /// The one word that is legible.
    pub(crate) shown: Option<(u8, Secret)>,
    /// How many words, from the first, were shown.
    pub(crate) seen: u8,
    /// The word check.
    pub(crate) quiz: Vec<WordQuestion>,
    /// What was picked in it.
    pub(crate) picked: Vec<Option<usize>>,
}

impl Desk {
    /// The words picked, once there is one for each question.
    pub(crate) fn picks(&self) -> Option<Vec<Secret>> {
        if self.quiz.is_empty() {
            return None;
        }
        self.quiz
            .iter()
            .zip(&self.picked)
            .map(|(question, picked)| picked.and_then(|choice| question.choices.get(choice).cloned()))
            .collect()
    }
}

/// The form of a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SendForm {
    /// The recipient, as typed.
    pub(crate) to: String,
    /// The amount, as typed.
    pub(crate) amount: String,
    /// All there is, whatever the amount says.
    pub(crate) everything: bool,
    /// The note.
    pub(crate) memo: String,
    /// The payment as the worker decoded it from the bytes to sign.
    pub(crate) review: Option<Box<Review>>,
}

/// A question that lies on top of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sheet {
    /// Check before you sign.
    Review,
    /// The password, and what follows.
    Password(After),
    /// Really erase? With the word typed so far.
    Erase(String),
}

/// What the password is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// To unlock.
    Unlock,
    /// To sign the payment that was looked over.
    Send,
    /// To see the words.
    Words,
}
