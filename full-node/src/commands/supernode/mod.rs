//! `vsys-node supernode`: to become a supernode, to be one, and to lease to one.
//!
//! What moves an account is signed here with its owner's key, after a person has read what it does: the same rows as in
//! wallets. The node that is asked for account and chain is believed, so it should be one's own.

mod facts;
mod owner;
mod sending;
mod status;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use full_node::config::{self, Failure};
use light_client::{
    crypto::KeyPair,
    data_format::{Address, Amount, Call, Evidence, LeaseCall, MintingKey, SupernodeCall},
};

use super::target::Target;
use facts::Facts;
use owner::Owner;

/// `vsys-node supernode`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vsys-node supernode status
  vsys-node supernode contend --slot 3 --commission 10 --minting-key minting.key --key owner.key
  vsys-node supernode lease ADDRESS 1000 --phrase
  vsys-node supernode release --key owner.key

A slot changes hands once that is final: about three rounds after the request's turn has come. Who wins it pays the
chain's contend fee then, shown before signing; contending in vain costs the ordinary fee only.")]
pub(crate) struct Supernode {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Ask for a slot that is vacant, or whose holder has the smaller minting average; winning it burns the contend fee
    Contend(Contend),
    /// Give the slot up
    Release(Sending),
    /// Show who holds slots, or one supernode
    Status(status::Status),
    /// Let another minting key mint, once a day at most
    SetMintingKey(SetMintingKey),
    /// Change what is kept of rewards before they are shared: less at once, more after a day
    SetCommission(SetCommission),
    /// Let another account claim the commission and what own coins earn
    SetRewardAddress(SetRewardAddress),
    /// Lease coins to a supernode: they stay in the account, and earn while it holds a slot
    Lease(Move),
    /// Call leased coins back
    Cancel(Move),
    /// Pay out what a lease has earned, or one's own supernode
    Claim(Claim),
    /// Report a minting key that signed what excludes each other
    Report(Report),
}

/// What every command needs that sends something.
#[derive(Debug, Args)]
struct Sending {
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    target: Target,
    /// Sign and send without asking
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
struct Contend {
    /// The position of the slot, from 0
    #[arg(long)]
    slot: u8,
    /// What is kept of rewards before they are shared, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    commission: u16,
    /// The file of the minting key that the node runs with
    #[arg(long, value_name = "FILE")]
    minting_key: PathBuf,
    #[command(flatten)]
    sending: Sending,
}

#[derive(Debug, Args)]
struct SetMintingKey {
    /// The file of the new minting key; a node should be running with it
    #[arg(long, value_name = "FILE")]
    minting_key: PathBuf,
    #[command(flatten)]
    sending: Sending,
}

#[derive(Debug, Args)]
struct SetCommission {
    /// In percent, such as 12.5
    #[arg(value_name = "PERCENT", value_parser = percent)]
    commission: u16,
    #[command(flatten)]
    sending: Sending,
}

#[derive(Debug, Args)]
struct SetRewardAddress {
    /// Who claims; the own address to go back
    to: Address,
    #[command(flatten)]
    sending: Sending,
}

#[derive(Debug, Args)]
struct Move {
    /// The supernode
    supernode: Address,
    /// How much, in VSYS
    amount: Amount,
    #[command(flatten)]
    sending: Sending,
}

#[derive(Debug, Args)]
struct Claim {
    /// The supernode; the own one if left out
    supernode: Option<Address>,
    #[command(flatten)]
    sending: Sending,
}

#[derive(Debug, Args)]
struct Report {
    /// A file with the evidence, as hexadecimal digits; what the node has seen if left out
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    #[command(flatten)]
    sending: Sending,
}

/// Does what was asked for, and waits until it is final.
pub(crate) fn run(supernode: Supernode) -> Result<(), Failure> {
    match supernode.what {
        What::Status(status) => status::run(&status),
        What::Contend(Contend { slot, commission, minting_key, sending }) => {
            let minting = config::read_key(&minting_key)?;
            sending::send(&sending, |facts| {
                let key = word(&minting, facts)?;
                Ok(Call::Supernode(SupernodeCall::Contend { slot, commission, key: key.into() }))
            })
        }
        What::SetMintingKey(SetMintingKey { minting_key, sending }) => {
            let minting = config::read_key(&minting_key)?;
            sending::send(&sending, |facts| {
                Ok(Call::Supernode(SupernodeCall::SetMintingKey { key: word(&minting, facts)?.into() }))
            })
        }
        What::Release(sending) => sending::send(&sending, |_| Ok(Call::Supernode(SupernodeCall::Release))),
        What::SetCommission(SetCommission { commission, sending }) => {
            sending::send(&sending, |_| Ok(Call::Supernode(SupernodeCall::SetCommission { commission })))
        }
        What::SetRewardAddress(SetRewardAddress { to, sending }) => {
            sending::send(&sending, |_| Ok(Call::Supernode(SupernodeCall::SetRewardAddress { to })))
        }
        What::Lease(Move { supernode: to, amount, sending }) => {
            sending::send(&sending, |_| Ok(Call::Lease(LeaseCall::Lease { to, amount })))
        }
        What::Cancel(Move { supernode: from, amount, sending }) => {
            sending::send(&sending, |_| Ok(Call::Lease(LeaseCall::Cancel { from, amount })))
        }
        What::Claim(Claim { supernode, sending }) => sending::send(&sending, |facts| {
            Ok(Call::Lease(LeaseCall::Claim { from: supernode.unwrap_or(facts.address) }))
        }),
        What::Report(Report { evidence, sending }) => {
            let evidence = evidence.as_deref().map(read_evidence).transpose()?;
            sending::send(&sending, |facts| {
                let evidence = match &evidence {
                    Some(evidence) => evidence.clone(),
                    None => facts.evidence()?,
                };
                Ok(Call::Supernode(SupernodeCall::Report { evidence: Box::new(evidence) }))
            })
        }
    }
}

/// The minting key's own word, over a checkpoint of now.
fn word(minting: &KeyPair, facts: &Facts) -> Result<MintingKey, Failure> {
    let checkpoint = facts.checkpoint()?;
    MintingKey::sign(minting, &facts.chain, &facts.address, facts.nonce, checkpoint).ok_or_else(|| {
        Failure::transaction(
            "this minting key is not an Ed25519 key",
            "make one with: vsys-node keys --out FILE",
        )
    })
}

fn read_evidence(path: &std::path::Path) -> Result<Evidence, Failure> {
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::transaction(
            format!("{} holds no evidence: {why}", path.display()),
            "give the value of evidence from a node's /v1/evidence",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
    facts::evidence_from_hex(text.trim()).map_err(|error| unusable(&error))
}

/// Percent with at most two decimals, as hundredths of a percent.
fn percent(text: &str) -> Result<u16, String> {
    let wrong = || format!("{text:?} is not a percentage from 0 to 100 with at most two decimals");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 2 {
        return Err(wrong());
    }
    let hundredths = format!("{decimals:0<2}").parse::<u16>().map_err(|_| wrong())?;
    let whole = whole.parse::<u16>().ok().and_then(|whole| whole.checked_mul(100)).ok_or_else(wrong)?;
    whole.checked_add(hundredths).filter(|commission| *commission <= 10_000).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn percentages_are_exact() {
        let good =
            [("0", 0), ("10", 1_000), ("12.5", 1_250), ("0.05", 5), ("100", 10_000), ("100.00", 10_000)];
        for (text, hundredths) in good {
            assert_eq!(percent(text), Ok(hundredths));
        }
        for text in ["", "-1", "100.01", "1.234", ".5", "5.", "1e1", "70000", "1,5"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }
}
