use std::{
    io::{self, BufRead, IsTerminal},
    path::PathBuf,
};

use clap::Args;
use light_client::{crypto::KeyPair, wallet::Seed};
use zeroize::Zeroizing;

use super::{Failure, files};

/// Whose account it is.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub(super) struct Owner {
    /// The file of the key that owns the coins, which only you can read
    #[arg(long, value_name = "FILE", group = "source")]
    key: Option<PathBuf>,
    /// Ask for the phrase of a wallet; it is not shown
    #[arg(long, group = "source")]
    phrase: bool,
    /// Which account of the phrase [default: 0]
    #[arg(long, value_name = "NUMBER", requires = "phrase", conflicts_with = "key")]
    account: Option<u32>,
}

impl Owner {
    /// The key that signs.
    pub(super) fn key(&self) -> Result<KeyPair, Failure> {
        if let Some(path) = &self.key {
            return files::key(path);
        }
        let unusable = |why: &dyn std::fmt::Display| {
            Failure::failed(
                format!("this phrase gives no key: {why}"),
                "type the words of a wallet, with spaces",
            )
        };
        let phrase = ask_phrase().map_err(|error| unusable(&error))?;
        let seed = Seed::from_bip39(phrase.trim()).map_err(|error| unusable(&error))?;
        seed.key(self.account.unwrap_or(0)).map_err(|error| unusable(&error))
    }
}

/// Without echo from a terminal; else the first line that is piped in.
fn ask_phrase() -> io::Result<Zeroizing<String>> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password("Phrase (not shown): ").map(Zeroizing::new);
    }
    let mut line = Zeroizing::new(String::with_capacity(1_024));
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}
