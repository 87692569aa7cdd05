//! `vsys-light receipt`: fetches the receipt of a payment, and keeps it once it is verified.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use light_client::{
    client::{Bundle, Method, Receipt as ReceiptBundle, Request, RequestId},
    crypto::Hash,
    data_format::{Time, TransactionId},
};
use light_native::{
    Clock as _, ask,
    host::{HttpTransport, SystemClock},
};
use serde::{Deserialize, Serialize};

use super::{
    Failure, Options, files,
    proven_payment::{Payment, Reader},
    say, say_json, words,
};

/// Bytes of a server's words that are shown.
const MAX_WORDS: usize = 300;

/// `vsys-light receipt`.
#[derive(Debug, Args)]
#[command(after_help = "\
The receipt proves a final payment to anybody who has a chain file with the same checkpoint, without any server; see
vsys-light verify-receipt. It is written only after it was verified here, and never over another file.

Examples:
  vsys-light receipt TXID --out payment.receipt
  vsys-light receipt TXID --text                 prints it in hexadecimal digits, to be pasted or scanned")]
pub(crate) struct Receipt {
    /// The payment: the id that vsys-light send prints
    #[arg(value_name = "TXID", value_parser = transaction_id)]
    id: TransactionId,
    /// Where to write the bytes [default: TXID.receipt in this folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the receipt as text instead
    #[arg(long, conflicts_with_all = ["out", "json"])]
    text: bool,
}

/// What was written.
#[derive(Serialize)]
struct Written {
    file: PathBuf,
    bytes: usize,
    payment: Payment,
}

/// The part of a problem document (RFC 9457) that is read.
#[derive(Deserialize)]
struct Problem {
    code: String,
    #[serde(default)]
    detail: String,
}

/// Why a server's answer is no receipt.
pub(crate) enum Refusal {
    /// It did not answer.
    Silent(String),
    /// It has none to give, or one that cannot be checked from here.
    None(String),
    /// What it sent cannot be true.
    Lie(String),
}

/// Asks one server after the other.
pub(crate) async fn run(options: &Options, receipt: &Receipt) -> Result<(), Failure> {
    let (spec, trusted) = files::chain(options)?;
    let transport = HttpTransport::new(&options.servers)?;
    let reader = Reader::new(spec, trusted);
    reader.check_age(SystemClock.now()?)?;
    let mut refusals = Vec::new();
    for (server, url) in options.servers.iter().enumerate() {
        let request = Request {
            id: RequestId(server as u64),
            server,
            method: Method::Get,
            url: format!("{url}/v1/transactions/{}/receipt?trusted={}", receipt.id, reader.trusted().id),
            body: Vec::new(),
            timeout_ms: options.timeout * 1_000,
            max_bytes: ReceiptBundle::MAX_BYTES,
        };
        let checked = match ask(&transport, &SystemClock, request).await {
            Ok(answer) if answer.status == 200 => {
                check(&reader, receipt.id, &answer.body, SystemClock.now()?)
            }
            Ok(answer) => Err(Refusal::None(problem(answer.status, &answer.body))),
            Err(error) => Err(Refusal::Silent(error.to_string())),
        };
        match checked {
            Ok((bundle, payment)) => return keep(options, receipt, &bundle, payment),
            Err(refusal) => refusals.push((url.as_str(), refusal)),
        }
    }
    Err(Failure::no_receipt(&refusals))
}

/// The receipt in an answer, if it proves the payment that was asked for.
fn check(
    reader: &Reader,
    asked: TransactionId,
    body: &[u8],
    now: Time,
) -> Result<(ReceiptBundle, Payment), Refusal> {
    let bundle = ReceiptBundle::from_bytes(body).map_err(|error| Refusal::Lie(error.to_string()))?;
    let payment = reader.check(&bundle, now).map_err(|error| {
        let words = error.to_string();
        if error.is_lie() { Refusal::Lie(words) } else { Refusal::None(words) }
    })?;
    if payment.id() != asked {
        return Err(Refusal::Lie(format!("asked for {asked}, the receipt is of {}", payment.id())));
    }
    Ok((bundle, payment))
}

fn keep(
    options: &Options,
    receipt: &Receipt,
    bundle: &ReceiptBundle,
    payment: Payment,
) -> Result<(), Failure> {
    if receipt.text {
        return say(&bundle.to_text()).map_err(|error| Failure::output(&error));
    }
    let file = receipt.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.receipt", receipt.id)));
    let bytes = bundle.to_bytes();
    write_new(&file, &bytes)
        .map_err(|error| Failure::file(&file, error, "name a file that is not there yet with --out FILE"))?;
    let said = if options.json {
        say_json(&Written { bytes: bytes.len(), file, payment })
    } else {
        say(&format!("{payment}\nwritten to  {} ({} bytes)", file.display(), bytes.len()))
    };
    said.map_err(|error| Failure::output(&error))
}

/// Writes all of it, or leaves nothing.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        drop(file);
        fs::remove_file(path)?;
    }
    written
}

/// A server's refusal, as far as it can be printed.
fn problem(status: u16, body: &[u8]) -> String {
    match serde_json::from_slice::<Problem>(body) {
        Ok(Problem { code, detail }) => {
            words::memo(format!("{detail} ({code})").as_bytes()).chars().take(MAX_WORDS).collect()
        }
        Err(_) => format!("it answers with HTTP status {status}"),
    }
}

fn transaction_id(text: &str) -> Result<TransactionId, String> {
    Hash::from_hex(text).ok_or_else(|| "expected the 64 hexadecimal digits of a transaction's id".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payment.receipt");
        write_new(&path, b"one").unwrap();
        assert_eq!(write_new(&path, b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn a_servers_words_are_bounded_and_printable() {
        let told = problem(409, br#"{"code":"not_final","detail":"block 7\u001b[2J"}"#);
        assert_eq!(told, "block 7\u{fffd}[2J (not_final)");
        let long = format!(r#"{{"code":"c","detail":"{}"}}"#, "x".repeat(5_000));
        assert_eq!(problem(409, long.as_bytes()).len(), MAX_WORDS);
        assert_eq!(problem(502, b"<html>"), "it answers with HTTP status 502");
    }
}
