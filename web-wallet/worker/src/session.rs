//! A running wallet: what each command does, and what follows from time, answers and hints.

use std::collections::BTreeSet;

use light_client::{
    client::PaymentState,
    data_format::{Address, SignedTransaction, Time, Transaction, TransactionId},
    wallet::{SigningContext, sign_own},
};
use web_protocol::{Answer, Command, Notice, Problem};

use crate::{
    chain::{Asked, Chain},
    coins,
    lines::Lines,
    platform::{Change, Effect, FetchError, Platform, Request, Response, SaveError},
    send::{self, Typed},
    stored::{self, Stored, StoredPayment, StoredState},
    wallet::{Kept, Wallet},
};

/// A wallet that nobody touches is locked after so long.
const AUTO_LOCK_MS: u64 = 300_000;
/// A running wallet.
pub(crate) struct Session {
    chain: Chain,
    wallet: Wallet,
    lines: Lines,
    /// The payment shown last.
    reviewed: Option<Transaction>,
    /// Payments that are signed and being stored: their nonces are taken.
    signing: Vec<Transaction>,
    notices: Vec<Notice>,
    /// Another wallet is stored where the browser deleted this one.
    displaced: bool,
    persistent: Option<bool>,
    /// When a person last did something.
    active_at: Time,
}

/// What a command comes to.
pub(crate) enum Reply {
    /// It is answered.
    Now(Result<Answer, Problem>),
    /// It is answered by [`Session::saved`] when these changes are stored.
    Save(Vec<Change>, AfterSave),
    /// It is answered by [`coins::answer`] when the server has answered.
    Fetch(Request),
    /// It is answered by [`Session::answers`].
    Later,
    /// It is answered, and something is to be found out.
    Ask(Effect),
}

/// What happens once changes are stored.
pub(crate) enum AfterSave {
    Keep(Box<Kept>),
    BackedUp,
    Send(Box<SignedTransaction>),
    Dismiss(TransactionId),
    Erase,
    StoredAgain,
}

impl Session {
    /// Goes on where the last session ended. Gives the changes that are to be stored.
    pub(crate) fn new(chain: Chain, stored: Stored, now: Time) -> (Self, Vec<Change>) {
        let mut notices = Vec::new();
        if let (None, Some(former)) = (stored.state(chain.id()), stored.states.first()) {
            notices.push(Notice::ChainReplaced { former: former.chain.to_string() });
        }
        let changes = stored::remove_states(&stored.states).collect();
        let Stored { sealed, payments, .. } = stored;
        let mut session = Self {
            wallet: Wallet::new(chain.spec().network, sealed),
            lines: Lines::new(chain.client().servers().iter().map(|server| server.url())),
            chain,
            reviewed: None,
            signing: Vec::new(),
            notices,
            displaced: false,
            persistent: None,
            active_at: now,
        };
        session.follow(payments, now);
        (session, changes)
    }

    /// Takes in what was stored by other tabs. Gives what is to be stored again because it was deleted.
    pub(crate) fn take_stored(&mut self, stored: Stored, now: Time) -> Vec<Change> {
        if let Some(state) = stored.state(self.chain.id()) {
            self.chain.restore(state);
        }
        let Stored { sealed, payments, .. } = stored;
        if sealed.is_none() && self.wallet.sealed().is_some() {
            // Erasing is told, so nobody did that.
            return self.storage_lost();
        }
        self.displaced = self.is_lost() && self.wallet.differs(sealed.as_ref());
        if self.displaced {
            self.lock();
        } else {
            self.wallet.replace(sealed);
            self.stored_again();
        }
        self.follow(payments, now);
        Vec::new()
    }

    /// Gives up the requests under way.
    pub(crate) fn give_up(&mut self, under_way: Vec<Asked>, platform: &impl Platform) {
        self.chain.give_up(under_way, platform);
    }

    /// Opens every line and asks everything anew: the network, the time or the lead has just come back.
    pub(crate) fn ask_anew(&mut self, now: Time) {
        self.lines.closed_all();
        self.chain.ask_anew(now);
    }

    /// A person looks, or nobody does.
    pub(crate) fn set_visible(&mut self, visible: bool, now: Time) {
        self.chain.client_mut().set_watched(visible, now);
        self.lines
            .listen(visible || self.chain.client().payments().any(|(_, payment)| !payment.is_settled()));
    }

    pub(crate) const fn chain(&self) -> &Chain {
        &self.chain
    }

    pub(crate) const fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    pub(crate) const fn persistent(&self) -> Option<bool> {
        self.persistent
    }

    pub(crate) fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Does what a person asks for.
    pub(crate) fn command(&mut self, number: u32, command: Command, platform: &impl Platform) -> Reply {
        let now = platform.now();
        if !matches!(command, Command::Start { .. } | Command::Refresh | Command::StorageAsked) {
            self.active_at = now;
        }
        match self.run(number, command, platform, now) {
            Ok(reply) => reply,
            Err(problem) => Reply::Now(Err(problem)),
        }
    }

    fn run(
        &mut self,
        number: u32,
        command: Command,
        platform: &impl Platform,
        now: Time,
    ) -> Result<Reply, Problem> {
        let stores = matches!(
            command,
            Command::Keep { .. } | Command::BackedUp | Command::Erase | Command::StoreAgain
        );
        if stores && self.displaced {
            return Err(Problem::OtherWallet);
        }
        let answer = match command {
            // Heard before they come here.
            Command::Start { .. } | Command::Visible(_) | Command::Lock { .. } => Answer::Done,
            Command::MakePhrase { words } => self.wallet.make_phrase(words, platform)?,
            Command::ShowWord { position } => self.wallet.word(position)?,
            Command::MakeQuiz => self.wallet.make_quiz(platform)?,
            Command::CheckQuiz { picked } => self.wallet.check_quiz(&picked)?,
            Command::ReadPhrase { phrase, vsystems } => self.wallet.read_phrase(&phrase, vsystems)?,
            Command::Keep { password, backed_up } => {
                let kept = self.wallet.keep(&password, backed_up, platform)?;
                return Ok(Reply::Save(stored::keep(&kept.sealed), AfterSave::Keep(Box::new(kept))));
            }
            Command::Unlock { password } => self.wallet.unlock(&password)?,
            Command::RevealPhrase { password } => self.wallet.reveal(&password)?,
            Command::ForgetPhrase => {
                self.wallet.forget_phrase();
                Answer::Done
            }
            Command::BackedUp => {
                self.wallet.sealed().ok_or(Problem::NoWallet)?;
                return Ok(Reply::Save(vec![stored::back_up()], AfterSave::BackedUp));
            }
            Command::Draft { from, to, amount, memo } => {
                self.reviewed = None;
                let typed = Typed { from, to, amount, memo };
                let (transaction, review) =
                    send::draft(&typed, &self.chain, &self.wallet, &self.signing, now)?;
                self.reviewed = Some(transaction);
                Answer::Review(Box::new(review))
            }
            Command::Send => return self.sign(now),
            Command::Discard => {
                self.reviewed = None;
                Answer::Done
            }
            Command::Dismiss { id } => {
                self.check_dismissible(&id)?;
                return Ok(Reply::Save(vec![stored::remove_payment(&id)], AfterSave::Dismiss(id)));
            }
            Command::GetTestCoins { to } => {
                return Ok(Reply::Fetch(coins::request(self.chain.client(), to)?));
            }
            Command::LoadHistory { account } => match self.chain.load_history(account, number, now) {
                Some(answer) => answer?,
                None => return Ok(Reply::Later),
            },
            Command::Refresh => {
                self.chain.client_mut().refresh(now);
                Answer::Done
            }
            Command::StorageAsked => return Ok(Reply::Ask(Effect::AskPersistent)),
            Command::Erase => return Ok(Reply::Save(stored::erase(), AfterSave::Erase)),
            Command::StoreAgain => {
                let sealed = self.wallet.sealed().ok_or(Problem::NoWallet)?;
                return Ok(Reply::Save(stored::keep(sealed), AfterSave::StoredAgain));
            }
        };
        Ok(Reply::Now(Ok(answer)))
    }

    /// The changes of a command are stored, or are not: takes them in, and answers the command.
    pub(crate) fn saved(
        &mut self,
        after: AfterSave,
        result: Result<(), SaveError>,
        now: Time,
    ) -> Result<Answer, Problem> {
        if let AfterSave::Send(signed) = &after {
            // No two payments of an account that are signed here have one nonce.
            let Transaction { sender, nonce, .. } = &signed.transaction;
            self.signing.retain(|signing| signing.nonce != *nonce || signing.sender != *sender);
        }
        result.map_err(|error| Problem::Storage(error.to_string()))?;
        match after {
            AfterSave::Keep(kept) => {
                self.wallet.take(*kept);
                self.stored_again();
                self.watch(now);
            }
            AfterSave::BackedUp => self.wallet.set_backed_up(),
            AfterSave::Send(signed) => {
                let id = self.chain.client_mut().submit(*signed, now);
                return Ok(Answer::Sent { id });
            }
            AfterSave::Dismiss(id) => self.chain.client_mut().forget(&id),
            AfterSave::Erase => {
                self.forget_wallet();
                let payments: Vec<_> = self.chain.client().payments().map(|(id, _)| *id).collect();
                for id in &payments {
                    self.chain.client_mut().forget(id);
                }
                self.watch(now);
            }
            AfterSave::StoredAgain => self.stored_again(),
        }
        Ok(Answer::Done)
    }

    /// The browser has deleted what was stored. Gives what is to be stored again: everything but the keys and accounts, which a person may have
    /// deleted on purpose.
    pub(crate) fn storage_lost(&mut self) -> Vec<Change> {
        self.note_lost();
        self.displaced = false;
        let chain = *self.chain.id();
        let open = self.chain.client().payments().filter(|(_, payment)| !payment.is_settled());
        let mut changes: Vec<Change> = open
            .map(|(id, payment)| {
                let (signed_at, signed) = (payment.since, payment.signed.clone());
                stored::put_payment(id, &StoredPayment { chain, signed_at, signed })
            })
            .collect();
        changes.push(stored::put_state(&self.chain.state()));
        changes
    }

    /// Notes whether what was proven could be stored; if not, it is tried again.
    pub(crate) fn state_saved(&mut self, result: Result<(), SaveError>, now: Time) {
        self.notices.retain(|notice| !matches!(notice, Notice::NotStored(_)));
        if let Err(error) = result {
            self.chain.store_later(now);
            self.notices.push(Notice::NotStored(error.to_string()));
        }
    }

    /// Notes whether the browser keeps our storage.
    pub(crate) const fn set_persistent(&mut self, persistent: Option<bool>) {
        self.persistent = persistent;
    }

    /// The lines on which servers hint.
    pub(crate) const fn lines_mut(&mut self) -> &mut Lines {
        &mut self.lines
    }

    /// Takes a server's answer to the light client.
    pub(crate) fn respond(
        &mut self,
        asked: Asked,
        result: Result<Response, FetchError>,
        platform: &impl Platform,
    ) {
        self.chain.respond(asked, result, platform);
    }

    /// Forgets the keys.
    pub(crate) fn lock(&mut self) {
        self.wallet.lock();
    }

    /// Forgets the keys, and the wallet they belong to: another one is shown in the tab that leads.
    pub(crate) fn forget_wallet(&mut self) {
        self.wallet.erase();
        self.reviewed = None;
        self.stored_again();
    }

    /// Whether the leader's view of this wallet is that of this tab's; what does not fit is locked, forgotten or noted.
    pub(crate) fn shares(&mut self, leaders: Option<Address>) -> bool {
        match (self.wallet.address(), leaders) {
            // It knows of no wallet and nobody erased this one.
            (Some(_), None) => self.note_lost(),
            (Some(ours), Some(theirs)) if ours != theirs => {
                if !self.is_lost() {
                    self.forget_wallet();
                    return true;
                }
                self.lock();
            }
            _ => return true,
        }
        false
    }

    /// A person has erased a wallet in another tab.
    pub(crate) fn erased_elsewhere(&mut self, erased: Option<Address>) {
        if !self.is_lost() || self.wallet.address() == erased {
            self.forget_wallet();
        }
    }

    /// Whether the browser has deleted this wallet, so that it is in memory alone.
    fn is_lost(&self) -> bool {
        self.notices.contains(&Notice::StorageLost)
    }

    fn note_lost(&mut self) {
        if self.wallet.sealed().is_some() && !self.is_lost() {
            self.notices.push(Notice::StorageLost);
        }
    }

    fn stored_again(&mut self) {
        self.notices.retain(|notice| *notice != Notice::StorageLost);
    }

    /// Forgets the keys when nobody has done anything for long, by a clock that may have been set back.
    pub(crate) fn lock_idle(&mut self, now: Time) {
        self.active_at = self.active_at.min(now);
        if self.lock_at().is_some_and(|at| at <= now) {
            self.wallet.lock();
        }
    }

    /// The time went on: listens, asks. Gives the lines to open.
    pub(crate) fn tick(&mut self, now: Time) -> Vec<Effect> {
        if self.lines.take_hint(now) {
            self.chain.client_mut().hint(now);
        }
        self.chain.client_mut().tick(now);
        self.chain.take_events(None, now);
        self.lines.open(now)
    }

    /// The next request of the light client.
    pub(crate) fn next_request(&mut self) -> Option<(Asked, Request)> {
        self.chain.next_request()
    }

    /// Answers to commands that had to wait; to be called when all requests are taken.
    pub(crate) fn answers(&mut self) -> Vec<(u32, Result<Answer, Problem>)> {
        self.chain.answer_waiting()
    }

    /// What was proven, if it is time to store it.
    pub(crate) fn state_to_store(&mut self, now: Time) -> Option<StoredState> {
        self.chain.store(now)
    }

    /// When [`Session::tick`] is to be called at the latest.
    pub(crate) fn next_tick(&self) -> Time {
        let client = self.chain.client().next_tick();
        let others = [self.lines.next(), self.chain.store_at()];
        others.into_iter().flatten().chain([client]).min().unwrap_or(client)
    }

    /// When [`Session::lock_idle`] is to be called.
    pub(crate) fn lock_at(&self) -> Option<Time> {
        self.wallet.is_open().then(|| self.active_at.plus_ms(AUTO_LOCK_MS))
    }

    /// Watches the wallet's accounts and no others.
    fn watch(&mut self, now: Time) {
        let wanted: Vec<Address> = self.wallet.accounts().map(|(address, _)| address).collect();
        let client = self.chain.client_mut();
        let watched = client.accounts().map(|(address, _)| *address);
        let unwanted: Vec<Address> = watched.filter(|address| !wanted.contains(address)).collect();
        for address in &unwanted {
            client.unwatch(address);
        }
        for address in wanted {
            client.watch(address, now);
        }
    }

    /// Watches the accounts and follows exactly the stored payments of this chain.
    fn follow(&mut self, payments: Vec<(TransactionId, StoredPayment)>, now: Time) {
        self.watch(now);
        let chain = *self.chain.id();
        let client = self.chain.client_mut();
        let unknown: Vec<TransactionId> = client
            .payments()
            .map(|(id, _)| *id)
            .filter(|id| !payments.iter().any(|(stored, _)| stored == id))
            .collect();
        for id in &unknown {
            client.forget(id);
        }
        for (id, payment) in payments {
            if payment.chain == chain && client.payment(&id).is_none() {
                client.resume(payment.signed, payment.signed_at, now);
            }
        }
    }

    /// Signs the payment reviewed last; it is stored before anybody hears of it.
    fn sign(&mut self, now: Time) -> Result<Reply, Problem> {
        let transaction = self.reviewed.as_ref().ok_or(Problem::NothingReviewed)?;
        if !send::is_next(transaction, self.chain.client(), &self.signing) {
            self.reviewed = None;
            return Err(Problem::NothingReviewed);
        }
        let keyring = self.wallet.keyring().ok_or(Problem::Locked)?;
        let (spec, chain) = (self.chain.spec(), self.chain.id());
        let context = SigningContext {
            spec,
            chain,
            // The nonce of the draft is free, so it was never signed before; expiry is checked against the newest final block.
            signed: &BTreeSet::new(),
            newest_checkpoint: Some(self.chain.client().trusted().height),
            request_height: None,
        };
        let signed = sign_own(transaction, keyring, &context).map_err(|error| match error {
            light_client::wallet::SignError::Transaction(error) => send::rule(&error),
            other => Problem::Rule { code: "not-signed".to_owned(), words: other.to_string() },
        })?;
        let id = signed.transaction.id(chain);
        let payment = StoredPayment { chain: *chain, signed_at: now, signed: signed.clone() };
        self.signing.extend(self.reviewed.take());
        Ok(Reply::Save(vec![stored::put_payment(&id, &payment)], AfterSave::Send(Box::new(signed))))
    }

    /// What may still happen stays on the list, or its nonce and coins would be drafted with a second time.
    fn check_dismissible(&self, id: &TransactionId) -> Result<(), Problem> {
        match self.chain.client().payment(id) {
            Some(payment)
                if !payment.is_settled() && !matches!(payment.state, PaymentState::Refused { .. }) =>
            {
                Err(Problem::Rule {
                    code: "payment_open".to_owned(),
                    words: "this payment can still happen".to_owned(),
                })
            }
            _ => Ok(()),
        }
    }
}
