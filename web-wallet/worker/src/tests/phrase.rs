//! Making, checking, restoring, keeping, locking and revealing a phrase.

use web_protocol::{Answer, Command, Problem, Secret, WalletView, WordQuestion};

use super::host::{Host, PASSWORD, PHRASE, START, own_address, secret};

pub(super) const OTHER_PHRASE: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

fn shown_words(host: &mut Host, count: u8) -> Vec<String> {
    let mut word = |position| match host.ask(Command::ShowWord { position }) {
        Ok(Answer::Word(word)) => word.0.clone(),
        other => panic!("{other:?}"),
    };
    (0..count).map(&mut word).collect()
}

fn quiz(host: &mut Host) -> Vec<WordQuestion> {
    match host.ask(Command::MakeQuiz) {
        Ok(Answer::Quiz(questions)) => questions,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_phrase_is_shown_checked_kept_and_revealed() {
    let mut host = Host::new();
    host.ask(START).unwrap();
    assert_eq!(host.view().wallet, WalletView::None);
    assert_eq!(host.ask(Command::MakePhrase { words: 24 }), Ok(Answer::PhraseMade { words: 24 }));
    assert_eq!(host.ask(Command::MakePhrase { words: 12 }), Ok(Answer::PhraseMade { words: 12 }));
    let words = shown_words(&mut host, 12);
    assert_eq!(host.ask(Command::ShowWord { position: 12 }), Err(Problem::NoPhrase));

    let questions = quiz(&mut host);
    let right = |question: &WordQuestion| secret(&words[usize::from(question.position)]);
    for question in &questions {
        assert!(question.choices.contains(&right(question)));
    }
    let mut picked: Vec<Secret> = questions.iter().map(right).collect();
    picked[1] = questions[1].choices.iter().find(|choice| **choice != picked[1]).unwrap().clone();
    let position = questions[1].position;
    assert_eq!(host.ask(Command::CheckQuiz { picked }), Err(Problem::WrongWord { position }));
    assert_eq!(
        host.ask(Command::CheckQuiz { picked: Vec::new() }),
        Err(Problem::NoPhrase),
        "each check once"
    );
    let picked = quiz(&mut host).iter().map(right).collect();
    assert_eq!(host.ask(Command::CheckQuiz { picked }), Ok(Answer::Done));

    let keep = Command::Keep { password: secret(PASSWORD), backed_up: false };
    assert_eq!(host.ask(keep), Ok(Answer::Done));
    let present = |unlocked, backed_up| WalletView::Present { unlocked, backed_up };
    assert_eq!(host.view().wallet, present(true, false));
    assert_eq!(
        host.ask(Command::ShowWord { position: 0 }),
        Err(Problem::NoPhrase),
        "kept, so no longer in memory"
    );
    assert_eq!(host.ask(Command::BackedUp), Ok(Answer::Done));

    host.reload().unwrap();
    assert_eq!(host.view().wallet, present(false, true));
    let reveal = |password: &str| Command::RevealPhrase { password: secret(password) };
    assert_eq!(host.ask(reveal("wrong horse")), Err(Problem::WrongPassword));
    assert_eq!(host.ask(reveal(PASSWORD)), Ok(Answer::PhraseMade { words: 12 }));
    assert_eq!(shown_words(&mut host, 12), words);
    assert_eq!(host.ask(Command::ForgetPhrase), Ok(Answer::Done));
    assert_eq!(host.ask(Command::ShowWord { position: 0 }), Err(Problem::NoPhrase));
}

#[test]
fn a_wallet_is_unlocked_by_its_password_and_locks_itself() {
    let mut host = Host::with_wallet();
    let unlocked = |host: &Host| match host.view().wallet {
        WalletView::Present { unlocked, .. } => unlocked,
        WalletView::None => panic!("there is a wallet"),
    };
    assert!(unlocked(&host));
    host.ask(Command::Lock { everywhere: true }).unwrap();
    assert!(!unlocked(&host));
    let unlock = |password: &str| Command::Unlock { password: secret(password) };
    assert_eq!(host.ask(unlock("wrong horse")), Err(Problem::WrongPassword));
    assert!(!unlocked(&host));
    assert_eq!(host.ask(unlock(PASSWORD)), Ok(Answer::Done));
    host.wait(299_000);
    assert!(unlocked(&host));
    host.wait(2_000);
    assert!(!unlocked(&host));
    assert_eq!(host.ask(Command::Send), Err(Problem::NothingReviewed));
}

#[test]
fn a_forgotten_password_is_mended_by_the_phrase() {
    let mut host = Host::with_wallet();
    host.reload().unwrap();
    let read = Command::ReadPhrase { phrase: secret(&PHRASE.to_uppercase()), vsystems: false };
    assert_eq!(host.ask(read), Ok(Answer::PhraseRead { address: own_address(), unchecked: false }));
    host.ask(Command::Keep { password: secret("another horse"), backed_up: true }).unwrap();
    host.ask(Command::Lock { everywhere: true }).unwrap();
    assert_eq!(host.ask(Command::Unlock { password: secret(PASSWORD) }), Err(Problem::WrongPassword));
    assert_eq!(host.ask(Command::Unlock { password: secret("another horse") }), Ok(Answer::Done));
    assert_eq!(host.view().accounts[0].address, own_address());
}

#[test]
fn another_phrase_is_another_account() {
    let mut host = Host::with_wallet();
    host.ask(Command::ReadPhrase { phrase: secret(OTHER_PHRASE), vsystems: false }).unwrap();
    host.ask(Command::Keep { password: secret(PASSWORD), backed_up: true }).unwrap();
    let accounts = &host.view().accounts;
    assert_eq!(accounts.len(), 1);
    assert_ne!(accounts[0].address, own_address());
}

#[test]
fn what_is_not_a_phrase_says_why() {
    let mut host = Host::new();
    host.ask(START).unwrap();
    let mut read =
        |phrase: &str, vsystems| match host.ask(Command::ReadPhrase { phrase: secret(phrase), vsystems }) {
            Err(Problem::Phrase { word, .. }) => Err(word),
            Ok(Answer::PhraseRead { unchecked, .. }) => Ok(unchecked),
            other => panic!("{other:?}"),
        };
    assert_eq!(read("", false), Err(None));
    assert_eq!(read("abandon", false), Err(None));
    assert_eq!(read(&PHRASE.replacen("test", "tset", 3).replacen("tset", "test", 2), false), Err(Some(2)));
    assert_eq!(read(&PHRASE.replace("junk", "test"), false), Err(None));
    assert_eq!(read(&PHRASE.replace("junk", "test"), true), Ok(true));
    assert_eq!(read("  ", true), Err(None));
}

#[test]
fn a_password_has_eight_characters_whatever_their_bytes() {
    let mut host = Host::new();
    host.ask(START).unwrap();
    let keep = |password: &str| Command::Keep { password: secret(password), backed_up: false };
    assert_eq!(host.ask(keep("12345678")), Err(Problem::NoPhrase));
    host.ask(Command::MakePhrase { words: 12 }).unwrap();
    assert_eq!(host.ask(keep("1234567")), Err(Problem::WeakPassword));
    assert_eq!(host.ask(keep("ééééééé")), Err(Problem::WeakPassword));
    assert_eq!(host.ask(keep("éééééééé")), Ok(Answer::Done));
    assert!(matches!(host.ask(Command::MakePhrase { words: 13 }), Err(Problem::Phrase { .. })));
}
