use light_client::data_format::{Amount, Time};
use web_protocol::{AccountView, Command, Fact, PaymentView, Problem, Secret, ToWorker, View, WalletView};

use super::{Desk, Effect, Route, SendForm, Setup, Sheet, Strength};

/// Bytes kept of anything typed: more than any field needs.
pub(crate) const MAX_TYPED: usize = 2_048;

/// Everything the page knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// The page's clock.
    pub(crate) now: Time,
    /// When the person last touched something.
    pub(crate) active: Time,
    /// Whether the person sees the page.
    pub(crate) visible: bool,
    /// The line to the worker.
    pub(crate) line: Line,
    /// The worker's newest snapshot: the only source of chain facts.
    pub(crate) view: Option<Box<View>>,
    /// Where the person is.
    pub(crate) route: Route,
    /// The question on top.
    pub(crate) sheet: Option<Sheet>,
    /// The password asked for by a sheet.
    pub(crate) password: Secret,
    /// Making or restoring a wallet.
    pub(crate) setup: Setup,
    /// The phrase in the worker's memory.
    pub(crate) desk: Option<Desk>,
    /// The payment being written.
    pub(crate) send: SendForm,
    /// The last thing that did not work, and where it belongs.
    pub(crate) problem: Option<(Place, Problem)>,
    /// A short confirmation, and until when it stays.
    pub(crate) notice: Option<(Notice, Time)>,
    /// Test coins were asked for when the history counted so many records.
    pub(crate) coins_asked: Option<u64>,
    /// What was told and not yet answered.
    pub(crate) waiting: Vec<(u32, Waiting)>,
    /// The last command's number.
    pub(crate) number: u32,
}

/// The line to the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It is there, or coming.
    Up,
    /// It is gone; why.
    Down(String),
}

/// Where a problem is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Instead of everything.
    Start,
    /// Under the form of making, restoring or showing a phrase.
    Setup,
    /// Under the form of a payment.
    Send,
    /// In the sheet.
    Sheet,
    /// On the page, above what it shows.
    Page,
}

/// A short confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The address is on the clipboard.
    Copied,
    /// The browser does not let us copy.
    NotCopied,
    /// The words are checked.
    BackedUp,
    /// Keys forgotten.
    Locked,
    /// Keys in memory.
    Unlocked,
    /// Everything of this wallet is gone from this browser.
    Erased,
}

/// What a command was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// [`Command::Start`].
    Start,
    /// [`Command::MakePhrase`].
    MakePhrase,
    /// [`Command::ShowWord`].
    ShowWord(u8),
    /// [`Command::MakeQuiz`].
    MakeQuiz,
    /// [`Command::CheckQuiz`].
    CheckQuiz,
    /// [`Command::ReadPhrase`].
    ReadPhrase,
    /// [`Command::Keep`].
    Keep,
    /// [`Command::Unlock`], to sign at once when true.
    Unlock {
        /// Whether the payment follows.
        send: bool,
    },
    /// [`Command::Lock`].
    Lock,
    /// [`Command::RevealPhrase`].
    Reveal,
    /// [`Command::ForgetPhrase`].
    Forget,
    /// [`Command::BackedUp`].
    BackedUp,
    /// [`Command::Draft`].
    Draft,
    /// [`Command::Send`].
    Send,
    /// [`Command::Discard`].
    Discard,
    /// [`Command::Dismiss`].
    Dismiss,
    /// [`Command::GetTestCoins`].
    TestCoins,
    /// [`Command::LoadHistory`].
    History,
    /// [`Command::Refresh`].
    Refresh,
    /// [`Command::Erase`].
    Erase,
    /// [`Command::StorageAsked`].
    StorageAsked,
    /// [`Command::Visible`].
    Visible,
    /// [`Command::StoreAgain`].
    StoreAgain,
}

impl Waiting {
    /// Where its problem is shown; `None` when nobody waits for the outcome.
    pub(crate) const fn place(self) -> Option<Place> {
        match self {
            Self::Start => Some(Place::Start),
            Self::MakePhrase
            | Self::ShowWord(_)
            | Self::MakeQuiz
            | Self::CheckQuiz
            | Self::ReadPhrase
            | Self::Keep
            | Self::BackedUp => Some(Place::Setup),
            Self::Draft => Some(Place::Send),
            Self::Send | Self::Unlock { .. } | Self::Reveal | Self::Erase => Some(Place::Sheet),
            Self::TestCoins
            | Self::History
            | Self::Refresh
            | Self::Lock
            | Self::Dismiss
            | Self::StoreAgain => Some(Place::Page),
            Self::Forget | Self::Discard | Self::StorageAsked | Self::Visible => None,
        }
    }
}

impl Model {
    /// The page as it opens, at a route, in sight or not, with what it does first.
    pub(crate) fn new(route: Route, visible: bool, now: Time) -> (Self, Vec<Effect>) {
        let mut model = Self {
            now,
            active: now,
            visible,
            line: Line::Up,
            view: None,
            route,
            sheet: None,
            password: Secret::default(),
            setup: Setup::default(),
            desk: None,
            send: SendForm::default(),
            problem: None,
            notice: None,
            coins_asked: None,
            waiting: Vec::new(),
            number: 0,
        };
        let start = model.tell(Command::Start { visible }, Waiting::Start);
        (model, vec![start])
    }

    /// Numbers a command and remembers what it is for.
    pub(crate) fn tell(&mut self, command: Command, waiting: Waiting) -> Effect {
        self.number = self.number.wrapping_add(1);
        self.waiting.push((self.number, waiting));
        Effect::Tell(ToWorker { number: self.number, command })
    }

    /// Whether an answer to this is still to come.
    pub(crate) fn is_waiting(&self, for_what: Waiting) -> bool {
        self.waiting.iter().any(|(_, waiting)| *waiting == for_what)
    }

    /// The problem to show at `place`.
    pub(crate) fn problem_at(&self, place: Place) -> Option<&Problem> {
        self.problem.as_ref().filter(|(at, _)| *at == place).map(|(_, problem)| problem)
    }

    /// The account the page is about.
    pub(crate) fn account(&self) -> Option<&AccountView> {
        self.view.as_ref().and_then(|view| view.accounts.first())
    }

    /// Its proven balance, fresh or stale.
    pub(crate) fn balance(&self) -> Option<Amount> {
        match self.account()?.balance {
            Fact::Proven { value, .. } => Some(value),
            Fact::Unknown => None,
        }
    }

    /// A payment made here.
    pub(crate) fn payment(&self, id: &light_client::data_format::TransactionId) -> Option<&PaymentView> {
        self.view.as_ref()?.payments.iter().find(|payment| payment.id == *id)
    }

    /// Whether there is a wallet, as far as is known.
    pub(crate) fn has_wallet(&self) -> Option<bool> {
        self.view.as_ref().map(|view| matches!(view.wallet, WalletView::Present { .. }))
    }

    /// Whether the keys are in memory.
    pub(crate) fn is_unlocked(&self) -> bool {
        self.view
            .as_ref()
            .is_some_and(|view| matches!(view.wallet, WalletView::Present { unlocked: true, .. }))
    }

    /// Whether the words were checked.
    pub(crate) fn is_backed_up(&self) -> bool {
        self.view
            .as_ref()
            .is_some_and(|view| matches!(view.wallet, WalletView::Present { backed_up: true, .. }))
    }

    /// How good the new password is.
    pub(crate) fn strength(&self) -> Strength {
        Strength::of(&self.setup.password.0)
    }
}
