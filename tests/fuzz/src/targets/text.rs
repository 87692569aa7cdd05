//! What people type, paste and put beside a wallet.

use light_client::{
    client::ChainFile,
    crypto::Hash,
    data_format::{Address, Amount},
    wallet::{MAX_PHRASE_BYTES, Seed as WalletSeed, words},
};

use super::reach;
use crate::{Decoder, KIB, Reach, Seed, Target, scene::scene};

/// What people type, paste and put beside a wallet.
pub const TEXT: Target = Target {
    name: "text",
    decoders: &[
        Decoder::new("address", address, 1, KIB),
        Decoder::new("amount", amount, 5, KIB),
        Decoder::new("hash", hash, 1, KIB),
        Decoder::new("phrase", phrase, 40, 8 * KIB),
        Decoder::new("word", word, 1, 4 * KIB),
        Decoder::new("chain-file", chain_file, 64, 64 * KIB),
    ],
    seeds,
};

fn address(bytes: &[u8]) -> Reach {
    let Ok(text) = std::str::from_utf8(bytes) else { return Reach::Refused };
    match text.parse::<Address>() {
        Ok(address) => {
            assert_eq!(address.to_string().parse(), Ok(address));
            assert_eq!(Address::from_bytes(*address.as_bytes()), Ok(address));
            Reach::Held
        }
        Err(error) => refused(&error),
    }
}

/// As a person writes it, and as a program does.
fn amount(bytes: &[u8]) -> Reach {
    let Ok(text) = std::str::from_utf8(bytes) else { return Reach::Refused };
    if let Ok(amount) = serde_json::from_str::<Amount>(text) {
        assert_eq!(serde_json::from_str(&serde_json::to_string(&amount).unwrap()).ok(), Some(amount));
    }
    match text.parse::<Amount>() {
        Ok(amount) => {
            assert_eq!(amount.to_string().parse(), Ok(amount));
            Reach::Held
        }
        Err(error) => refused(&error),
    }
}

fn hash(bytes: &[u8]) -> Reach {
    let Ok(text) = std::str::from_utf8(bytes) else { return Reach::Refused };
    let Some(hash) = Hash::from_hex(text) else { return Reach::Refused };
    assert_eq!(hash.to_string(), text.to_ascii_lowercase());
    Reach::Held
}

/// A phrase of either kind of wallet.
fn phrase(bytes: &[u8]) -> Reach {
    let Ok(text) = std::str::from_utf8(bytes) else { return Reach::Refused };
    let Ok((old, _)) = WalletSeed::from_vsystems(text) else { return Reach::Refused };
    assert!(text.len() <= MAX_PHRASE_BYTES);
    assert_eq!(WalletSeed::from_bytes(&old.to_bytes()).unwrap().words(), old.words());
    match WalletSeed::from_bip39(text) {
        Ok(seed) => {
            let words: Vec<_> = seed.words().iter().map(|word| word.to_string()).collect();
            assert_eq!(
                words.join(" "),
                text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase()
            );
            Reach::Held
        }
        Err(error) => {
            let said = error.to_string();
            // The words themselves are secret: a position is said, never a word.
            assert!(!text.split_whitespace().any(|word| word.len() > 7 && said.contains(word)), "{said}");
            Reach::Read
        }
    }
}

/// A word as it is typed.
fn word(bytes: &[u8]) -> Reach {
    let Ok(text) = std::str::from_utf8(bytes) else { return Reach::Refused };
    let completed = words::complete(text);
    assert!(completed.iter().all(|word| word.starts_with(text)));
    assert!(words::suggest(text, 8).len() <= 8);
    reach(words::is_word(text) && completed.contains(&text))
}

fn chain_file(bytes: &[u8]) -> Reach {
    let Ok(file) = serde_json::from_slice::<ChainFile>(bytes) else { return Reach::Refused };
    let again: ChainFile = serde_json::from_slice(&serde_json::to_vec(&file).unwrap()).unwrap();
    assert_eq!(again, file);
    match file.check() {
        Ok(_) => Reach::Held,
        Err(error) => {
            let _: Reach = refused(&error);
            Reach::Read
        }
    }
}

/// What is said of bad input must not grow with it.
fn refused(error: &dyn std::error::Error) -> Reach {
    assert!(error.to_string().len() < 500, "{error}");
    Reach::Refused
}

fn seeds() -> Vec<Seed> {
    let scene = scene();
    let file =
        ChainFile { spec: scene.spec.clone(), checkpoint: scene.genesis.checkpoint(), servers: Vec::new() };
    let text = |decoder, name, text: &str| Seed::held(decoder, name, text.as_bytes().to_vec());
    let bip39 = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    vec![
        text("address", "plain", &scene.asked.to_string()),
        text("address", "prefixed", &format!(" address:{}\n", scene.asked)),
        text("amount", "typed", "1 250,5"),
        text("amount", "most", "184467440737.09551615"),
        Seed { reach: Reach::Refused, ..text("amount", "units", "\"18446744073709551615\"") },
        text("hash", "some", &scene.chain.to_string()),
        text("phrase", "bip39", bip39),
        Seed::read("phrase", "vsystems", b"fifteen words  of an old wallet".to_vec()),
        text("word", "whole", "abandon"),
        Seed::read("word", "slip", b"abuot".to_vec()),
        Seed::held("chain-file", "spos", serde_json::to_vec(&file).unwrap()),
    ]
}
