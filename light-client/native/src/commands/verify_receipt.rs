//! `vsys-light verify-receipt`: what a receipt proves, without asking anybody.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use light_client::{
    client::{BUNDLE_VERSION, Bundle, Receipt},
    data_format::DecodeError,
};
use light_native::{Clock as _, host::SystemClock};

use super::{Failure, Options, files, proven_payment::Reader, say, say_json};

/// Bytes of a receipt as a file or as text, at most, with some white space.
const MAX_FILE_BYTES: u64 = 2 * Receipt::MAX_BYTES as u64 + 1_024;

/// `vsys-light verify-receipt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Needs no server and no data folder: the chain file says which chain it is and which block is trusted, the receipt proves
the rest. If that block is older than the chain trusts one for, this is said, and the exit code is 7. Other exit codes: 3
if it is no receipt, or is for another chain file; 6 if it is forged or damaged.

Examples:
  vsys-light verify-receipt payment.receipt --chain chain.json
  vsys-light verify-receipt - --json < receipt.txt")]
pub(crate) struct VerifyReceipt {
    /// The receipt, as a file or as text; - reads it from standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Prints what is proven.
pub(crate) fn run(options: &Options, verify: &VerifyReceipt) -> Result<(), Failure> {
    let (spec, trusted) = files::chain(options)?;
    let now = SystemClock.now()?;
    let path = &verify.file;
    let advice = "it should be as vsys-light receipt writes it: the raw bytes, or their hexadecimal digits";
    let bytes = read(path).map_err(|error| Failure::file(path, error, "check the path"))?;
    let receipt = parse(&bytes).map_err(|error| Failure::file(path, error, advice))?;
    let reader = Reader::new(spec, trusted);
    let payment = reader.check(&receipt, now).map_err(|error| Failure::receipt(&error))?;
    let said = if options.json { say_json(&payment) } else { say(&payment.to_string()) };
    said.map_err(|error| Failure::output(&error))?;
    reader.check_age(now)
}

/// The bytes of a file, or of standard input.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        return files::read_all(io::stdin().lock(), MAX_FILE_BYTES);
    }
    files::read_all(File::open(path)?, MAX_FILE_BYTES)
}

/// A receipt in either form: its first byte is its version, or a digit.
fn parse(bytes: &[u8]) -> Result<Receipt, DecodeError> {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.first() != Some(&BUNDLE_VERSION) => Receipt::from_text(text),
        _ => Receipt::from_bytes(bytes),
    }
}

#[cfg(test)]
mod tests {
    use light_client::{
        data_format::{Amount, GenesisAccount, UNITS_PER_COIN},
        test_support::chain::{ScriptedChain, test_address},
    };

    use super::*;

    #[test]
    fn a_receipt_is_read_in_either_form_and_nothing_else_is() {
        let account = GenesisAccount { address: test_address(1), balance: Amount(100 * UNITS_PER_COIN) };
        let mut chain = ScriptedChain::new(4, vec![account]);
        let signed = chain.transfer(1, test_address(2), Amount(7));
        let id = signed.transaction.id(&chain.spec().id());
        chain.advance(&[signed]);
        (0..3).for_each(|_| chain.advance(&[]));
        let receipt = chain.receipt(&chain.genesis(), &id).unwrap();
        let (bytes, text) = (receipt.to_bytes(), receipt.to_text());
        for form in
            [bytes.clone(), text.clone().into_bytes(), format!("\n {}\r\n", text.to_lowercase()).into()]
        {
            assert_eq!(parse(&form), Ok(receipt.clone()));
        }
        for other in [&b""[..], b"\x01", b"zz", b"0", &bytes[..9], &text.as_bytes()[..90], b"\xff\xfe"] {
            assert!(parse(other).is_err(), "{other:?}");
        }
        // It proves the payment to whoever trusts block 0, and says so once that is too old.
        let reader = Reader::new(chain.spec().clone(), chain.genesis());
        let printed = reader.check(&receipt, chain.now()).unwrap();
        assert!(printed.to_string().contains("0.00000007 VSYS"), "{printed}");
        assert!(printed.to_string().contains("verified from block 0"), "{printed}");
        reader.check_age(chain.now()).unwrap();
        let late = chain.now().plus_ms(chain.spec().trusting_period_ms);
        let printed = reader.check(&receipt, late).unwrap();
        assert!(printed.to_string().contains("trust expired"), "{printed}");
        assert_eq!(serde_json::to_value(&printed).unwrap()["trust"]["state"], "expired");
        assert_eq!(reader.check_age(late).unwrap_err().exit_code(), 7);
        // What is wrong with others is told apart.
        let other = ScriptedChain::new(7, Vec::new());
        let elsewhere = Reader::new(other.spec().clone(), other.genesis()).check(&receipt, chain.now());
        let failure = Failure::receipt(&elsewhere.unwrap_err());
        assert_eq!(failure.exit_code(), 3);
        assert!(failure.to_string().contains(&chain.spec().id().to_string()), "{failure}");
        let mut forged = receipt;
        forged.signed.transaction.memo.push(b'!');
        let failure = Failure::receipt(&reader.check(&forged, chain.now()).unwrap_err());
        assert_eq!(failure.exit_code(), 6);
    }
}
