use proptest::prelude::*;
use zeroize::Zeroizing;

use super::{OTHER_PHRASE, PHRASE};
use crate::{
    crypto::{Hash, PublicKey, Scheme},
    data_format::Network,
    wallet::{IndexError, Keyring, PhraseError, PhraseWarning, Seed, word_quiz, words},
};

const VSYSTEMS_PHRASE: &str =
    "captain slight hurdle bless engage gallery senior wisdom uniform young pretty first glad jar claw";

fn phrase_of(seed: &Seed) -> String {
    seed.words().iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" ")
}

/// m/44'/360'/0'/0' and m/44'/360'/1'/0' without a passphrase, computed apart from this crate with Python's
/// hashlib, hmac and cryptography.
#[test]
fn accounts_lie_on_the_documented_path() {
    let seed = Seed::from_bip39(PHRASE).unwrap();
    for (index, public) in [
        (0, "07045983d5e97909d76cc090bd51378774aa8970816c3edc8970b0e2ca624c8b"),
        (1, "c0b16ddc33064910772b9e6de9459dc2dfc7a22b62fa0f6e405fba0862276b76"),
    ] {
        let expected = Hash::from_hex(public).unwrap().0;
        assert_eq!(seed.key(index).unwrap().public(), PublicKey::Ed25519(expected));
    }
    assert_eq!(seed.key(1 << 31).map(|_| ()), Err(IndexError(1 << 31)));
    assert!(seed.key((1 << 31) - 1).is_ok());
}

#[test]
fn bip_39_errors_name_the_position_and_never_the_word() {
    let last = |word: &str| PHRASE.replace("about", word);
    for (phrase, error) in [
        (" \n ".to_owned(), PhraseError::Empty),
        ("zoo ".repeat(15), PhraseError::WordCount(15)),
        (last("abuot"), PhraseError::UnknownWord { position: 12 }),
        (last("abandon"), PhraseError::Checksum),
        ("a".repeat(1025), PhraseError::TooLong(1025)),
        (last("ábout"), PhraseError::UnknownWord { position: 12 }),
    ] {
        assert_eq!(Seed::from_bip39(&phrase).unwrap_err(), error, "{phrase}");
        assert!(!format!("{error} {error:?}").contains("abuot"));
    }
    let shouted = format!("\t{} ", PHRASE.to_uppercase().replace(' ', "\n  "));
    assert_eq!(phrase_of(&Seed::from_bip39(&shouted).unwrap()), PHRASE);
    assert_eq!(Seed::generate(&[0; 20]).unwrap_err(), PhraseError::Entropy(20));
}

#[test]
fn vsystems_phrases_are_warned_about_but_not_refused() {
    let (plain, none) = Seed::from_vsystems(VSYSTEMS_PHRASE).unwrap();
    assert!(none.is_empty());
    let (seed, warnings) = Seed::from_vsystems(&format!("  {VSYSTEMS_PHRASE}\n")).unwrap();
    assert_eq!((seed.fingerprint(), warnings), (plain.fingerprint(), vec![]));
    let (seed, warnings) = Seed::from_vsystems(&VSYSTEMS_PHRASE.replace(' ', "  ")).unwrap();
    assert_eq!((seed.fingerprint(), warnings), (plain.fingerprint(), vec![PhraseWarning::Respaced]));
    let (seed, warnings) = Seed::from_vsystems("correct Horse").unwrap();
    assert_eq!(warnings, [PhraseWarning::WordCount(2), PhraseWarning::UnknownWord { position: 2 }]);
    assert_ne!(seed.fingerprint(), Seed::from_vsystems("correct horse").unwrap().0.fingerprint());
    assert_eq!(Seed::from_vsystems("  ").unwrap_err(), PhraseError::Empty);
    assert_eq!(Seed::from_vsystems(&"a".repeat(1025)).unwrap_err(), PhraseError::TooLong(1025));
}

#[test]
fn seeds_survive_as_bytes_and_nothing_else_is_read() {
    let seeds = [
        Seed::from_bip39(PHRASE).unwrap(),
        Seed::generate(&[5; 32]).unwrap(),
        Seed::from_vsystems(VSYSTEMS_PHRASE).unwrap().0,
        Seed::from_vsystems(&"x".repeat(1024)).unwrap().0,
    ];
    for seed in seeds {
        let bytes = seed.to_bytes();
        assert!(bytes.capacity() <= 1025, "grown: a copy stayed behind");
        let read = Seed::from_bytes(&bytes).unwrap();
        assert_eq!((read.fingerprint(), phrase_of(&read)), (seed.fingerprint(), phrase_of(&seed)));
        assert_eq!(read.scheme(), seed.scheme());
    }
    for bytes in [&[][..], &[0], &[0; 16], &[0; 18], &[1], b"\x01 a", b"\x01a  b", b"\x01\xff", b"\x02abc"] {
        assert!(Seed::from_bytes(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn keyrings_derive_in_order_and_find_by_address() {
    let mut keyring = Keyring::new(Seed::from_bip39(PHRASE).unwrap(), Network::Test);
    let third = keyring.derive(2).unwrap();
    let second = keyring.derive(1).unwrap();
    assert_eq!(keyring.derive(2), Ok(third));
    assert_eq!(keyring.accounts().iter().map(|account| account.index).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(keyring.find(&second.address), Some(&second));
    assert_eq!(keyring.key(&third.address).unwrap().public(), third.public_key);
    assert_eq!(third.scheme(), Scheme::Ed25519);
    let stranger = Keyring::new(Seed::from_bip39(OTHER_PHRASE).unwrap(), Network::Test);
    assert!(keyring.key(&stranger.accounts()[0].address).is_none());
    assert_ne!(keyring.fingerprint(), stranger.fingerprint());
    assert_eq!(keyring.fingerprint().to_string().len(), 8);
    assert!(keyring.derive(u32::MAX).is_err());
    for shown in [format!("{keyring:?}"), format!("{:?}", keyring.seed())] {
        assert!(!shown.contains("abandon"), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_quiz_asks_for_different_positions_with_one_right_answer_each(entropy: [u8; 32], count in 0_usize..20) {
        let seed = Seed::from_bip39(OTHER_PHRASE).unwrap();
        let phrase = seed.words();
        let questions = word_quiz(&seed, count, &Zeroizing::new(entropy));
        prop_assert_eq!(questions.len(), count.min(12));
        prop_assert!(questions.is_sorted_by(|a, b| a.position < b.position));
        for question in questions {
            let right = phrase[question.position - 1].as_str();
            for (index, choice) in question.choices.iter().enumerate() {
                prop_assert_eq!(choice.as_str() == right, index == question.answer);
                prop_assert!(words::is_word(choice));
            }
            prop_assert_ne!(&question.choices[0], &question.choices[1]);
            prop_assert_ne!(&question.choices[1], &question.choices[2]);
            prop_assert_ne!(&question.choices[0], &question.choices[2]);
        }
    }

    #[test]
    fn generated_seeds_restore_from_their_words(entropy: [u8; 32], long: bool) {
        let seed = Seed::generate(if long { &entropy } else { &entropy[..16] }).unwrap();
        let restored = Seed::from_bip39(&phrase_of(&seed)).unwrap();
        prop_assert_eq!(restored.fingerprint(), seed.fingerprint());
        prop_assert_eq!(Seed::from_bytes(&seed.to_bytes()).unwrap().fingerprint(), seed.fingerprint());
    }
}
