//! The reducer, told what a person and a worker would tell it.

mod phrase;
mod tabs;
mod time;

use light_client::crypto::Hash;
use light_client::data_format::{Address, Amount, Height, Network, Time};
use web_protocol::{
    AccountView, AmountField, Answer, ChainView, Command, Fact, FromWorker, HistoryRow, MovementKind,
    PaymentStep, PaymentView, Problem, Review, Secret, ServerHealth, ServerView, SyncView, ToWorker, View,
    WalletView, WordQuestion,
};

use super::*;

const NOW: Time = Time(1_778_760_380_000);
const MINUTE: u64 = 60_000;

/// A page with the wallet's end of the conversation on record.
struct Page {
    model: Model,
    told: Vec<ToWorker>,
    shown: Vec<Route>,
    asked_to_keep: bool,
}

impl Page {
    fn open(route: Route, view: View) -> Self {
        let (model, effects) = Model::new(route, true, NOW);
        let mut page = Self { model, told: vec![], shown: vec![], asked_to_keep: false };
        page.record(effects);
        assert_eq!(page.told[0].command, Command::Start { visible: true });
        page.view(view);
        page.answer(Ok(Answer::Done));
        page
    }

    fn record(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Tell(message) => self.told.push(message),
                Effect::Show { route, .. } => self.shown.push(route),
                Effect::Copy(_) => {}
                Effect::KeepStorage => self.asked_to_keep = true,
            }
        }
    }

    fn say(&mut self, message: Message) -> &mut Self {
        let effects = update(&mut self.model, message);
        self.record(effects);
        self
    }

    fn view(&mut self, view: View) -> &mut Self {
        self.hear(FromWorker::View(Box::new(view)))
    }

    /// Answers the command told last.
    fn answer(&mut self, result: Result<Answer, Problem>) -> &mut Self {
        let number = self.told.last().unwrap().number;
        self.answer_to(number, result)
    }

    fn answer_to(&mut self, number: u32, result: Result<Answer, Problem>) -> &mut Self {
        self.hear(FromWorker::Answer { number, result })
    }

    fn hear(&mut self, said: FromWorker) -> &mut Self {
        let effects = heard(&mut self.model, said);
        self.record(effects);
        self
    }

    fn last(&self) -> &Command {
        &self.told.last().unwrap().command
    }
}

fn secret(text: &str) -> Secret {
    Secret(text.into())
}

fn me() -> Address {
    "ATwEV7r2zuHvNKtRBtUbqEQpptK7GDXRBPx".parse().unwrap()
}

fn friend() -> Address {
    "AUAztxsft2v6rmjRRb72nLea6BNyRHHWpUR".parse().unwrap()
}

fn without_wallet() -> View {
    View {
        chain: ChainView {
            name: "development".into(),
            network: Network::Test,
            slot_ms: 1_000,
            slots_per_round: 4,
            fresh_ms: 20_000,
            test_coins: true,
            transfer_fee: Amount(10_000_000),
            id: String::new(),
        },
        wallet: WalletView::None,
        sync: SyncView::Verified { height: Height(9), time: NOW, signatures: 3, of: 4 },
        servers: vec![ServerView { url: String::new(), health: ServerHealth::Good, height: None, lie: None }],
        accounts: vec![],
        payments: vec![],
        storage_persistent: None,
        notices: vec![],
    }
}

fn with_wallet(unlocked: bool) -> View {
    let balance = Fact::Proven {
        value: Amount(1_000_000_000),
        height: Height(9),
        time: NOW,
        proven_at: NOW,
        stale: false,
    };
    View {
        wallet: WalletView::Present { unlocked, backed_up: true },
        accounts: vec![AccountView {
            address: me(),
            name: "Account 1".into(),
            balance,
            history: vec![],
            history_count: 0,
            proof: None,
        }],
        ..without_wallet()
    }
}

fn review() -> Answer {
    Answer::Review(Box::new(Review {
        from: me(),
        to: friend(),
        amount: Amount(1),
        fee: Amount(2),
        keep: Amount(3),
        memo: String::new(),
        valid_until: Height(300),
        valid_seconds: 300,
        first_payment: true,
        looks_like: None,
        to_self: false,
    }))
}

/// A page where a payment lies ready to be signed.
fn reviewed(unlocked: bool) -> Page {
    let mut page = Page::open(Route::Send, with_wallet(unlocked));
    page.say(Message::TypeRecipient(friend().to_string()))
        .say(Message::TypeAmount("1".into()))
        .say(Message::Review);
    page.answer(Ok(review()));
    assert_eq!(page.model.sheet, Some(Sheet::Review));
    page
}

/// A page on which the new phrase can be written down.
fn at_words() -> Page {
    let mut page = Page::open(Route::Home, without_wallet());
    assert_eq!(page.model.route, Route::Welcome);
    page.say(Message::Go(Route::Create(CreateStage::Rules))).say(Message::Continue);
    page.say(Message::TypePassword(secret("boat green seven")))
        .say(Message::TypeRepeat(secret("boat green seven")));
    page.say(Message::Continue);
    assert_eq!(*page.last(), Command::MakePhrase { words: 12 });
    page.answer(Ok(Answer::PhraseMade { words: 12 }));
    page
}

#[test]
fn a_wallet_is_made_with_its_words_checked() {
    let mut page = at_words();
    page.say(Message::ShowWord(0));
    assert_eq!(*page.last(), Command::ShowWord { position: 0 });
    page.answer(Ok(Answer::Word(secret("lantern"))));
    assert_eq!(page.model.desk.as_ref().unwrap().shown, Some((0, secret("lantern"))));

    page.say(Message::Continue);
    assert_eq!(*page.last(), Command::MakeQuiz);
    assert_eq!(page.model.desk.as_ref().unwrap().shown, None, "no word stays in sight during the check");
    let choices = ["a", "b", "c"].map(secret);
    page.answer(Ok(Answer::Quiz(vec![WordQuestion { position: 4, choices }])));
    page.say(Message::Continue);
    assert_eq!(*page.last(), Command::MakeQuiz, "nothing is checked before something is picked");
    page.say(Message::Pick(0, 1)).say(Message::Continue);
    assert_eq!(*page.last(), Command::CheckQuiz { picked: vec![secret("b")] });
    page.answer(Ok(Answer::Done));
    assert_eq!(*page.last(), Command::Keep { password: secret("boat green seven"), backed_up: true });
    assert!(!page.asked_to_keep);
    page.answer(Ok(Answer::Done)).view(with_wallet(true));
    assert!(page.asked_to_keep, "keys that are stored should stay");
    page.say(Message::StorageAsked);
    assert_eq!(*page.last(), Command::StorageAsked, "the worker sees what came of it");
    assert_eq!(page.model.route, Route::Home);
    assert_eq!(page.model.setup, Setup::default(), "the password is forgotten");
}

#[test]
fn a_view_before_the_answer_opens_the_wallet_too() {
    let mut page = at_words();
    page.say(Message::Later);
    assert_eq!(*page.last(), Command::Keep { password: secret("boat green seven"), backed_up: false });
    page.view(with_wallet(true));
    assert_eq!(page.model.route, Route::Create(CreateStage::Words), "the answer is still to come");
    page.answer(Ok(Answer::Done));
    assert_eq!(page.model.route, Route::Home);
}

#[test]
fn a_wrong_word_is_picked_again() {
    let mut page = at_words();
    page.say(Message::Continue);
    let choices = ["a", "b", "c"].map(secret);
    page.answer(Ok(Answer::Quiz(vec![WordQuestion { position: 4, choices }])));
    page.say(Message::Pick(0, 2)).say(Message::Continue).answer(Err(Problem::WrongWord { position: 4 }));
    assert_eq!(page.model.problem_at(Place::Setup), Some(&Problem::WrongWord { position: 4 }));
    assert_eq!(page.model.desk.as_ref().unwrap().picked, [None]);
    page.say(Message::Pick(0, 0));
    assert_eq!(page.model.problem, None);
}

#[test]
fn going_back_keeps_the_same_words_and_leaving_forgets_them() {
    let mut page = at_words();
    let told = page.told.len();
    page.say(Message::Close).say(Message::Close);
    assert_eq!(page.model.route, Route::Create(CreateStage::Rules));
    page.say(Message::Continue).say(Message::Continue);
    assert_eq!(page.model.route, Route::Create(CreateStage::Words));
    assert_eq!(page.told.len(), told, "no second phrase is made");
    page.say(Message::Go(Route::Welcome));
    assert_eq!(*page.last(), Command::ForgetPhrase);
    assert_eq!(page.model.setup.password, Secret::default());
}

#[test]
fn a_stage_cannot_be_entered_from_the_address_bar() {
    for route in [Route::Create(CreateStage::Check), Route::Create(CreateStage::Words)] {
        let page = Page::open(route, without_wallet());
        assert_eq!(page.model.route, Route::Create(CreateStage::Rules));
    }
    assert_eq!(
        Page::open(Route::Restore(RestoreStage::Password), without_wallet()).model.route,
        Route::Restore(RestoreStage::Words)
    );
    assert_eq!(Page::open(Route::Phrase(PhraseStage::Words), with_wallet(true)).model.route, Route::Security);
    assert_eq!(Page::open(Route::Send, without_wallet()).model.route, Route::Welcome);
}

#[test]
fn a_pasted_phrase_fills_its_fields() {
    let mut page = Page::open(Route::Restore(RestoreStage::Words), without_wallet());
    let phrase: Vec<String> = (0..24).map(|n| format!("w{n}")).collect();
    page.say(Message::Paste(3, secret(&phrase.join(" \n"))));
    assert_eq!(page.model.setup.typed.len(), 24);
    page.say(Message::Continue);
    assert_eq!(*page.last(), Command::ReadPhrase { phrase: secret(&phrase.join(" ")), vsystems: false });
    page.answer(Ok(Answer::PhraseRead { address: me(), unchecked: false }));
    assert_eq!(page.model.route, Route::Restore(RestoreStage::Address));
    page.say(Message::Close).say(Message::TypeWord(0, secret("x")));
    assert_eq!(page.model.setup.read, None, "another word is another address");
}

#[test]
fn a_phrase_of_another_length_goes_into_one_field() {
    let mut page = Page::open(Route::Restore(RestoreStage::Words), without_wallet());
    page.say(Message::ChooseVsystems(true))
        .say(Message::TypeWord(0, secret("one")))
        .say(Message::ChooseLength(0));
    page.say(Message::Paste(0, secret("one two three")));
    assert_eq!(page.model.setup.typed, [secret("one two three")]);
    page.say(Message::Continue);
    assert_eq!(*page.last(), Command::ReadPhrase { phrase: secret("one two three"), vsystems: true });
}

#[test]
fn a_forgotten_password_ends_with_the_words() {
    let mut page = Page::open(Route::Forgot, with_wallet(false));
    page.say(Message::Go(Route::Restore(RestoreStage::Words)));
    assert_eq!(page.model.route, Route::Restore(RestoreStage::Words));
    for at in 0..12 {
        page.say(Message::TypeWord(at, secret("w")));
    }
    page.say(Message::Continue).answer(Ok(Answer::PhraseRead { address: me(), unchecked: false }));
    page.say(Message::Continue);
    page.say(Message::TypePassword(secret("another one"))).say(Message::TypeRepeat(secret("another one")));
    page.say(Message::Continue);
    assert_eq!(*page.last(), Command::Keep { password: secret("another one"), backed_up: true });
    page.answer(Ok(Answer::Done));
    assert_eq!(page.model.route, Route::Home);
}

#[test]
fn an_unlocked_wallet_signs_at_once() {
    let mut page = reviewed(true);
    page.say(Message::Sign);
    assert_eq!(*page.last(), Command::Send);
    let told = page.told.len();
    page.say(Message::Sign);
    assert_eq!(page.told.len(), told, "a second press signs nothing twice");
    page.answer(Ok(Answer::Sent { id: Hash([7; 32]) }));
    assert_eq!(page.model.route, Route::Payment(Hash([7; 32])));
    assert_eq!(page.model.send, SendForm::default());
}

#[test]
fn a_locked_wallet_asks_for_the_password_and_then_signs() {
    let mut page = reviewed(false);
    page.say(Message::Sign);
    assert_eq!(page.model.sheet, Some(Sheet::Password(After::Send)));
    page.say(Message::TypePassword(secret("wrong"))).say(Message::Unlock).answer(Err(Problem::WrongPassword));
    assert_eq!(page.model.problem_at(Place::Sheet), Some(&Problem::WrongPassword));
    page.say(Message::TypePassword(secret("right"))).say(Message::Unlock);
    assert_eq!(*page.last(), Command::Unlock { password: secret("right") });
    page.answer(Ok(Answer::Done));
    assert_eq!(*page.last(), Command::Send);
    assert_eq!(page.model.password, Secret::default());
}

#[test]
fn a_wallet_locked_meanwhile_asks_for_the_password() {
    let mut page = reviewed(true);
    page.say(Message::Sign).answer(Err(Problem::Locked));
    assert_eq!(page.model.sheet, Some(Sheet::Password(After::Send)));
}

#[test]
fn closing_a_review_keeps_the_form_and_signs_nothing() {
    let mut page = reviewed(false);
    page.say(Message::Sign).say(Message::TypePassword(secret("right"))).say(Message::Unlock);
    let unlock = page.told.last().unwrap().number;
    page.say(Message::Close);
    assert_eq!(*page.last(), Command::Discard);
    assert_eq!(page.model.send.amount, "1");
    page.answer_to(unlock, Ok(Answer::Done));
    assert_eq!(*page.last(), Command::Discard, "an unlock that comes late sends nothing");
}

#[test]
fn an_answer_to_an_older_form_is_dropped() {
    let mut page = Page::open(Route::Send, with_wallet(true));
    page.say(Message::TypeRecipient(friend().to_string()))
        .say(Message::TypeAmount("1".into()))
        .say(Message::Review);
    let AmountField::Typed(typed) = (match page.last() {
        Command::Draft { amount, .. } => amount.clone(),
        other => panic!("{other:?}"),
    }) else {
        panic!("typed")
    };
    assert_eq!(typed, "1");
    page.say(Message::TypeAmount("2".into())).answer(Ok(review()));
    assert_eq!(page.model.sheet, None);
    assert_eq!(page.model.send.review, None);
}

#[test]
fn a_form_survives_new_views_and_problems() {
    let mut page = Page::open(Route::Send, with_wallet(true));
    page.say(Message::TypeRecipient("nobody".into()))
        .say(Message::TypeMemo("rent".into()))
        .say(Message::Everything);
    page.say(Message::Review).answer(Err(Problem::Address("shape".into())));
    page.view(with_wallet(true)).say(Message::Tick(Time(NOW.0 + 1)));
    assert_eq!((page.model.send.to.as_str(), page.model.send.memo.as_str()), ("nobody", "rent"));
    assert!(page.model.send.everything);
    assert!(page.model.problem_at(Place::Send).is_some());
}

#[test]
fn a_forecast_is_never_made_of_an_unknown_balance() {
    let mut view = with_wallet(true);
    view.accounts[0].balance = Fact::Unknown;
    let mut page = Page::open(Route::Send, view);
    page.say(Message::TypeAmount("1".into()));
    assert_eq!(page.model.forecast(), None);
    assert_eq!(page.model.balance(), None);
    assert_eq!(page.model.seal(), Seal::Unknown);

    page.view(with_wallet(true)).say(Message::TypeAmount("9.9".into()));
    assert_eq!(page.model.forecast().unwrap().keep, Some(Amount::ZERO));
    page.say(Message::TypeAmount("9.91".into()));
    assert_eq!(page.model.forecast().unwrap().keep, None);
}

#[test]
fn keys_are_forgotten_after_five_idle_minutes() {
    let mut page = Page::open(Route::Home, with_wallet(true));
    let asked = |page: &Page| {
        page.told.iter().filter(|told| told.command == Command::Lock { everywhere: false }).count()
    };
    page.say(Message::Tick(Time(NOW.0 + 4 * MINUTE))).say(Message::Active);
    page.say(Message::Tick(Time(NOW.0 + 8 * MINUTE)));
    assert_eq!(asked(&page), 0);
    page.say(Message::Tick(Time(NOW.0 + 9 * MINUTE)));
    assert_eq!(asked(&page), 1);
    page.say(Message::Tick(Time(NOW.0 + 10 * MINUTE)));
    assert_eq!(asked(&page), 1, "asked once");
}

#[test]
fn words_are_shown_after_the_password_and_forgotten_on_leaving() {
    let mut page = Page::open(Route::Security, with_wallet(false));
    page.say(Message::AskPassword(After::Words))
        .say(Message::TypePassword(secret("right")))
        .say(Message::Unlock);
    assert_eq!(*page.last(), Command::RevealPhrase { password: secret("right") });
    page.answer(Ok(Answer::PhraseMade { words: 12 }));
    assert_eq!(page.model.route, Route::Phrase(PhraseStage::Words));
    assert_eq!(page.model.password, Secret::default());
    page.say(Message::ShowWord(0)).answer(Ok(Answer::Word(secret("w"))));
    page.say(Message::Arrived(Route::Home));
    assert_eq!(*page.last(), Command::ForgetPhrase);
    assert_eq!(page.model.desk, None);
}

#[test]
fn a_late_backup_is_noted() {
    let mut page = Page::open(Route::Home, with_wallet(false));
    page.say(Message::AskPassword(After::Words)).say(Message::TypePassword(secret("p"))).say(Message::Unlock);
    page.answer(Ok(Answer::PhraseMade { words: 12 })).say(Message::Continue);
    let choices = ["a", "b", "c"].map(secret);
    page.answer(Ok(Answer::Quiz(vec![WordQuestion { position: 0, choices }]))).say(Message::Pick(0, 0));
    page.say(Message::Continue).answer(Ok(Answer::Done));
    assert_eq!(*page.last(), Command::BackedUp);
    page.answer(Ok(Answer::Done));
    assert_eq!(page.model.route, Route::Home);
    assert_eq!(*page.last(), Command::ForgetPhrase);
}

#[test]
fn erasing_ends_at_welcome_with_nothing_left() {
    let mut page = reviewed(true);
    page.say(Message::Go(Route::Security)).say(Message::AskErase).say(Message::Erase);
    assert_ne!(*page.last(), Command::Erase, "the word is not typed");
    page.say(Message::TypeErase("Erase ".into())).say(Message::Erase);
    assert_eq!(*page.last(), Command::Erase);
    page.view(without_wallet()).answer(Ok(Answer::Done));
    assert_eq!(page.model.route, Route::Welcome);
    assert_eq!(page.model.send, SendForm::default());
}

#[test]
fn only_the_most_important_message_is_shown() {
    let slot = |view: View| Page::open(Route::Home, view).model.slot();
    let not_backed_up =
        || View { wallet: WalletView::Present { unlocked: false, backed_up: false }, ..with_wallet(false) };
    assert_eq!(slot(with_wallet(false)), None);
    assert_eq!(slot(not_backed_up()), Some(Slot::NotBackedUp));
    let stale = SyncView::Stale { since: Some(NOW), height: Height(9) };
    assert_eq!(slot(View { sync: stale.clone(), ..not_backed_up() }), Some(Slot::Stale { since: Some(NOW) }));
    let other = SyncView::OtherChain { found: String::new() };
    assert_eq!(slot(View { sync: other, ..not_backed_up() }), Some(Slot::OtherChain));
    let mut lied = View { sync: stale, ..not_backed_up() };
    lied.servers[0] =
        ServerView { url: "u".into(), health: ServerHealth::Lying, height: None, lie: Some("no".into()) };
    assert_eq!(slot(lied), Some(Slot::Lying { url: "u".into() }));
}

#[test]
fn a_payment_and_its_fee_are_one_movement_in_either_order() {
    let row = |index, kind, delta, id| HistoryRow {
        index,
        height: Height(5),
        time: NOW,
        transaction: Hash([id; 32]),
        kind,
        delta,
        counterparty: Some(friend()),
        memo: String::new(),
    };
    let mut account = with_wallet(true).accounts.remove(0);
    account.history = vec![
        row(5, MovementKind::Fee, -1, 3),
        row(4, MovementKind::Sent, -9, 3),
        row(3, MovementKind::Sent, -8, 2),
        row(2, MovementKind::Fee, -2, 2),
        row(1, MovementKind::Fee, -3, 1),
        row(0, MovementKind::Genesis, 50, 0),
    ];
    let found: Vec<_> = movements(&account).iter().map(|m| (m.index, m.kind, m.delta, m.fee)).collect();
    assert_eq!(
        found,
        [
            (5, MovementKind::Sent, -9, Some(Amount(1))),
            (3, MovementKind::Sent, -8, Some(Amount(2))),
            (1, MovementKind::Fee, -3, None),
            (0, MovementKind::Genesis, 50, None),
        ]
    );
}

#[test]
fn a_payments_line_of_time_waits_for_one_thing() {
    let payment = |step, submitted: bool, in_block: Option<u64>| PaymentView {
        id: Hash([1; 32]),
        from: me(),
        to: friend(),
        amount: Amount(1),
        fee: Amount(1),
        memo: String::new(),
        signed_at: NOW,
        submitted_at: submitted.then_some(NOW),
        in_block: in_block.map(Height),
        step,
    };
    let states =
        |payment: &PaymentView| steps(payment).into_iter().map(|step| step.state).collect::<Vec<_>>();
    use StepState::{Done, Next, Now, Stopped};
    let (height, at) = (Height(9), NOW);
    for (step, submitted, in_block, expected) in [
        (PaymentStep::Signed, false, None, vec![Done, Now, Next, Next]),
        (PaymentStep::Submitted { at, servers: 2 }, true, None, vec![Done, Done, Now, Next]),
        (PaymentStep::InBlock { height, at, final_in: 8 }, true, Some(9), vec![Done, Done, Done, Now]),
        (PaymentStep::Final { height, at, succeeded: true }, true, Some(9), vec![Done; 4]),
        (PaymentStep::Final { height, at, succeeded: false }, true, Some(9), vec![Done, Done, Done, Stopped]),
        (
            PaymentStep::Refused { code: String::new(), words: String::new() },
            false,
            None,
            vec![Done, Stopped],
        ),
        (PaymentStep::Expired, true, None, vec![Done, Done, Stopped]),
        (PaymentStep::Replaced, true, None, vec![Done, Done, Stopped]),
        (PaymentStep::Unknown { since: NOW }, true, Some(9), vec![Done, Done, Done, Now]),
    ] {
        assert_eq!(states(&payment(step.clone(), submitted, in_block)), expected, "{step:?}");
    }
}
