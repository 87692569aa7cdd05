//! The command line of the light client: what was typed, and which command runs.

mod commands;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use commands::Options;

/// The V.Systems light client: what it prints was proven on this machine, whatever the servers say.
#[derive(Debug, Parser)]
#[command(name = "vsys-light", version, after_help = HELP, subcommand_required = true)]
#[command(arg_required_else_help = true, propagate_version = true)]
struct Arguments {
    /// What to do.
    #[command(subcommand)]
    command: Command,
    /// Where, and how it is printed.
    #[command(flatten)]
    options: Options,
}

const HELP: &str = "\
Examples:
  vsys-light --chain chain.json --server http://127.0.0.1:9922 sync
  vsys-light balance ADDRESS ADDRESS             what they have, with the block it is proven at
  vsys-light history ADDRESS --csv               every change, and that none is missing
  vsys-light send ADDRESS 12.5 --phrase          asks for the words of a wallet, shows what is signed, asks
  vsys-light watch ADDRESS                       changes as they become final, until Ctrl-C
  vsys-light receipt TXID                        a file that proves a payment to others
  vsys-light verify-receipt FILE                 what a receipt proves; asks nobody
  vsys-light checkpoint                          the newest proven block, for a device that was off for long
  vsys-light completion bash                     what makes the Tab key work

The chain file says which chain it is and where trust starts. Get it from somebody you trust, not from the servers
that are asked. With --json every amount is a string of units, 100000000 to the VSYS.

Exit codes: 0 success · 1 it failed · 2 wrong arguments · 3 a file or folder cannot be used · 5 no server
answered · 6 a server lied, and no honest one is left, or a receipt is forged · 7 trust has expired: a newer chain
file is needed";

/// The things `vsys-light` does.
#[derive(Debug, Subcommand)]
enum Command {
    /// Prove the newest final block, and what was asked for last time
    Sync(commands::sync::Sync),
    /// Prove what accounts have
    Balance(commands::balance::Balance),
    /// Prove what happened to an account
    History(commands::history::History),
    /// Pay, and follow the payment until it is final
    Send(commands::send::Send),
    /// Print what accounts have, and every change, until Ctrl-C
    Watch(commands::watch::Watch),
    /// Fetch the receipt of a final payment, verify it, and write it to a file
    Receipt(commands::receipt::Receipt),
    /// Say what a receipt proves, without asking anybody
    VerifyReceipt(commands::verify_receipt::VerifyReceipt),
    /// Show the chain, where trust is, and how the servers are
    Status,
    /// Print the newest block proven here for another device, or trust one that you were given
    Checkpoint(commands::checkpoint::Checkpoint),
    /// Print the completions of a shell
    Completion(commands::completion::Completion),
}

fn main() -> ExitCode {
    let Arguments { command, options } = Arguments::parse();
    let ended = match command {
        Command::Sync(sync) => commands::run(commands::sync::run(&options, &sync)),
        Command::Balance(balance) => commands::run(commands::balance::run(&options, &balance)),
        Command::History(history) => commands::run(commands::history::run(&options, &history)),
        Command::Send(send) => commands::run(commands::send::run(&options, &send)),
        Command::Watch(watch) => commands::run(commands::watch::run(&options, &watch)),
        Command::Receipt(receipt) => commands::run(commands::receipt::run(&options, &receipt)),
        Command::VerifyReceipt(verify) => commands::verify_receipt::run(&options, &verify),
        Command::Status => commands::run(commands::status::run(&options)),
        Command::Checkpoint(checkpoint) => commands::run(commands::checkpoint::run(&options, &checkpoint)),
        Command::Completion(completion) => commands::completion::run::<Arguments>(&completion),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let text = if options.json { failure.json() } else { format!("vsys-light: {failure}") };
            // Nobody is left to tell if standard error is closed.
            let _: io::Result<()> = writeln!(io::stderr(), "{text}");
            ExitCode::from(failure.exit_code())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    const ADDRESS: &str = "ATxpELPa3yhE5h4XELxtPrW9TfXPrmYE7ze";

    #[test]
    fn definitions_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_stand_before_or_after_the_command() {
        for line in [
            "vsys-light --json --server http://a --server http://b sync",
            "vsys-light sync --server http://a --server http://b --json",
        ] {
            let options = parse(line).unwrap().options;
            assert!(options.json && options.servers == ["http://a", "http://b"], "{line}");
        }
        assert_eq!(parse("vsys-light sync").unwrap().options.servers, ["http://127.0.0.1:9922"]);
    }

    #[test]
    fn senseless_lines_are_refused() {
        for line in [
            "vsys-light".to_owned(),
            "vsys-light balance".to_owned(),
            "vsys-light balance nobody".to_owned(),
            "vsys-light sync --timeout 0".to_owned(),
            format!("vsys-light history {ADDRESS} --newest 0"),
            format!("vsys-light history {ADDRESS} --csv --json"),
            format!("vsys-light send {ADDRESS} 1"),
            format!("vsys-light send {ADDRESS} 1 --key a --phrase"),
            format!("vsys-light send {ADDRESS} -1 --phrase"),
            format!("vsys-light send {ADDRESS} 0.000000001 --phrase"),
            format!("vsys-light send {ADDRESS} 1 --key a --account 1"),
            "vsys-light receipt 12".to_owned(),
            format!("vsys-light receipt {} --text --out file", "0".repeat(64)),
            format!("vsys-light receipt {} --text --json", "0".repeat(64)),
            "vsys-light verify-receipt".to_owned(),
            "vsys-light checkpoint --trust".to_owned(),
            "vsys-light completion nutshell".to_owned(),
        ] {
            assert!(parse(&line).is_err(), "{line}");
        }
        parse(&format!("vsys-light send {ADDRESS} 1 --phrase --account 1 --memo rent")).unwrap();
    }
}
