//! Questions to a state: what wallets ask besides one account, and the one function that answers.
//!
//! Whoever has the state answers and hands out the witness of what was read; whoever has the root asks the same of
//! that witness ([`ask_all`] in both). So a kind of question needs no kind of proof: a range read to its end proves
//! that nothing is left out, and figures such as interest are computed on both sides by the code that pays them.
//!
//! **Trust and bounds.** Questions come from anybody: their number, the length of pages and the records they read all
//! together are bounded ([`check`](Question::check_all)) before anything is read.

mod lease;
mod standing;

use std::ops::Bound;

use borsh::{BorshDeserialize, BorshSerialize};

pub use lease::Lease;
pub use standing::Standing;

use super::{
    AccountRecord, MAX_KEY_BYTES, NodeStore, Order, Request, RequestPlace, Space, StateError, Supernode,
    SupplyRecord, Trie, TrieError, account::decode, request_key, request_place, stake::StakeError,
};
use crate::{
    crypto::Hash,
    data_format::{Address, Amount, DecodeError, Height, MAX_SLOTS, Round},
};

/// Questions at once, at most.
pub const MAX_QUESTIONS: usize = 64;
/// Leases or requests in one answer, at most.
pub const MAX_PAGE: u8 = 64;
/// Records that questions asked at once may read, at most.
pub const MAX_READS: usize = 1_000;

/// A question about the state after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Question {
    /// What somebody holds.
    Account(Address),
    /// How somebody stands as a supernode.
    Supernode(Address),
    /// How everybody stands who holds a slot or is about to.
    Holders,
    /// Where somebody leases coins to, and what that has earned; its own stake too, if it is a supernode. In the order of
    /// the supernodes' addresses.
    Leases {
        /// Who leases.
        lessor: Address,
        /// The supernode after which the page begins; `None` for the first page.
        after: Option<Address>,
        /// How many at most, 1 to [`MAX_PAGE`].
        limit: u8,
    },
    /// Changes of the slot table that wait, in the order of their turn.
    Requests {
        /// The place after which the page begins; `None` for the first page.
        after: Option<RequestPlace>,
        /// How many at most, 1 to [`MAX_PAGE`].
        limit: u8,
    },
    /// Whom a minting key serves.
    MintingKey(Hash),
    /// The coins there are.
    Supply,
}

/// The answer to the [`Question`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What an account holds.
    Account {
        /// Whose.
        address: Address,
        /// The record; `None` for nothing ever sent to or from it.
        record: Option<AccountRecord>,
    },
    /// How somebody stands as a supernode.
    Supernode(Box<Standing>),
    /// How the holders stand, in the order of [`Moment::holders`].
    Holders(Vec<Standing>),
    /// Leases of an account.
    Leases(Page<Lease, Address>),
    /// Requests with their places.
    Requests(RequestPage),
    /// Whom the key serves; `None` if it never served anybody.
    MintingKey(Option<Address>),
    /// The coins there are.
    Supply(SupplyRecord),
}

/// Some of many, without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, P> {
    /// In order.
    pub items: Vec<T>,
    /// What to ask on after, if the page is as long as asked for; `None` says that there are no more.
    pub next: Option<P>,
}

/// Requests with their places.
pub type RequestPage = Page<(RequestPlace, Request), RequestPlace>;

/// What answers depend on besides the state: the block after which it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The block's height.
    pub height: Height,
    /// The round of the block's slot.
    pub round: Round,
    /// Blocks over which the minting average balance averages.
    pub average_window: u64,
    /// Whoever holds a slot after the block or is about to, once each.
    pub holders: Vec<Address>,
}

/// Questions that nobody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// None, or too many.
    #[error("{0} questions, 1 to {MAX_QUESTIONS} are answered at once")]
    Count(usize),
    /// A page of no or too many entries.
    #[error("question {index} asks for {limit} entries, 1 to {MAX_PAGE} are given at once")]
    Limit {
        /// The question's place, from 0.
        index: usize,
        /// What it asks for.
        limit: u8,
    },
    /// Together they are too much work.
    #[error("the questions may read {0} records, at most {MAX_READS} are read at once")]
    Reads(usize),
}

/// Why questions have no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError<E> {
    /// They are too much.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError<E>),
    /// A position and its pool contradict each other.
    #[error("the stake of {lessor} with {supernode}: {error}")]
    Stake {
        /// Whose stake.
        lessor: Address,
        /// With whom.
        supernode: Address,
        /// What is wrong.
        error: StakeError,
    },
    /// Stake in a pool that is not there.
    #[error("{lessor} has stake with {supernode}, which has no pool")]
    NoPool {
        /// Whose stake.
        lessor: Address,
        /// With whom.
        supernode: Address,
    },
}

impl<E> From<TrieError<E>> for AskError<E> {
    fn from(error: TrieError<E>) -> Self {
        Self::State(error.into())
    }
}

impl Question {
    /// Records that the answer may read, at most.
    pub const fn reads(&self) -> usize {
        match self {
            Self::Account(_) | Self::MintingKey(_) | Self::Supply => 1,
            Self::Supernode(_) => Standing::READS,
            // Two tables that have nobody in common.
            Self::Holders => 2 * MAX_SLOTS * Standing::READS,
            Self::Leases { limit, .. } => *limit as usize * Lease::READS,
            Self::Requests { limit, .. } => *limit as usize,
        }
    }

    /// Checks that questions may be asked at once.
    ///
    /// # Errors
    /// [`QuestionError`].
    pub fn check_all(questions: &[Self]) -> Result<(), QuestionError> {
        if questions.is_empty() || questions.len() > MAX_QUESTIONS {
            return Err(QuestionError::Count(questions.len()));
        }
        for (index, question) in questions.iter().enumerate() {
            if let Self::Leases { limit, .. } | Self::Requests { limit, .. } = question
                && (*limit == 0 || *limit > MAX_PAGE)
            {
                return Err(QuestionError::Limit { index, limit: *limit });
            }
        }
        let reads = questions.iter().map(Self::reads).sum();
        if reads > MAX_READS { Err(QuestionError::Reads(reads)) } else { Ok(()) }
    }
}

impl Moment {
    /// The minting average balance of an account in the next block.
    pub fn weight(&self, account: &AccountRecord) -> Amount {
        account.average.at(self.height.next(), account.effective(), self.average_window)
    }
}

/// Answers questions from the state after the block that `moment` tells of; one answer each, in their order.
///
/// # Errors
/// [`AskError`] if the questions are too many, or the state cannot be read or contradicts itself.
pub fn ask_all<S: NodeStore>(
    trie: &mut Trie<S>,
    moment: &Moment,
    questions: &[Question],
) -> Result<Vec<Answer>, AskError<S::Error>> {
    Question::check_all(questions)?;
    questions.iter().map(|question| ask(trie, moment, question)).collect()
}

/// Answers one question, whose bounds were checked.
///
/// # Errors
/// [`AskError`] if the state cannot be read or contradicts itself.
pub fn ask<S: NodeStore>(
    trie: &mut Trie<S>,
    moment: &Moment,
    question: &Question,
) -> Result<Answer, AskError<S::Error>> {
    Ok(match question {
        Question::Account(address) => {
            Answer::Account { address: *address, record: AccountRecord::read(trie, address)? }
        }
        Question::Supernode(address) => Answer::Supernode(Box::new(Standing::read(trie, moment, address)?)),
        Question::Holders => {
            let holders = moment.holders.iter();
            Answer::Holders(
                holders.map(|holder| Standing::read(trie, moment, holder)).collect::<Result<_, _>>()?,
            )
        }
        Question::Leases { lessor, after, limit } => {
            Answer::Leases(lease::page(trie, moment, lessor, after.as_ref(), *limit)?)
        }
        Question::Requests { after, limit } => Answer::Requests(requests(trie, after.as_ref(), *limit)?),
        Question::MintingKey(key) => Answer::MintingKey(Supernode::owner_of_key(trie, key)?),
        Question::Supply => Answer::Supply(SupplyRecord::read(trie)?.unwrap_or_default()),
    })
}

fn requests<S: NodeStore>(
    trie: &mut Trie<S>,
    after: Option<&RequestPlace>,
    limit: u8,
) -> Result<RequestPage, AskError<S::Error>> {
    let after = after.map(request_key);
    let read = |key: &[u8], value: &[u8]| {
        let no_place = || StateError::Record {
            key: key.to_vec(),
            error: DecodeError::Malformed("not under the key of a request".to_owned()),
        };
        let place = request_place(key).ok_or_else(no_place)?;
        Ok((place, decode(key, value)?))
    };
    let items = page(trie, &[Space::Requests as u8], after.as_ref().map(<[u8; 14]>::as_slice), limit, read)?;
    Ok(Page::new(items, limit, |(place, _)| *place))
}

impl<T, P> Page<T, P> {
    /// A page that goes on after its last item if it is as long as asked for.
    fn new(items: Vec<T>, limit: u8, place: impl Fn(&T) -> P) -> Self {
        let next = items.last().filter(|_| items.len() >= usize::from(limit)).map(place);
        Self { items, next }
    }
}

/// At most `limit` entries whose keys start with `prefix` and come after the key `after`. Fewer prove that there are no
/// more.
fn page<S: NodeStore, T>(
    trie: &mut Trie<S>,
    prefix: &[u8],
    after: Option<&[u8]>,
    limit: u8,
    read: impl Fn(&[u8], &[u8]) -> Result<T, StateError<S::Error>>,
) -> Result<Vec<T>, StateError<S::Error>> {
    // No key is longer, so none that starts with the prefix is above.
    let mut last = [u8::MAX; MAX_KEY_BYTES];
    last[..prefix.len()].copy_from_slice(prefix);
    let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
    let entries = trie.range(from, Bound::Included(&last), Order::Ascending).take(limit.into());
    entries
        .map(|entry| {
            let entry = entry?;
            read(&entry.key, &entry.value)
        })
        .collect()
}
