use borsh::BorshDeserialize;

use super::{AccountState, Branch, Client, Fork, Health, Lie, Server, payment::Payments, sorted::Sorted};
use crate::{
    client::{Trusted, TrustedCheckpoint},
    consensus::spos::TableError,
    data_format::{Address, ChainId, DecodeError, Time, codec},
};

/// Bytes of a saved client, at most.
const MAX_SAVED_BYTES: usize = 64 * 1024 * 1024;
const FORMAT: u8 = 4;

/// Everything proven so far, and the payments under way, after a byte for the format. Losing it costs one request.
#[derive(BorshDeserialize)]
struct Saved {
    chain: ChainId,
    /// The newest block with a person's word behind it.
    trusted: TrustedCheckpoint,
    /// How often a person has said which block to trust.
    confirmations: u32,
    signatures: Option<(u32, u32)>,
    proven_at: Option<Time>,
    accounts: Sorted<Address, AccountState>,
    payments: Payments,
    fork: Option<Fork>,
    /// What servers sent that cannot be true.
    #[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")]
    lies: Vec<Lie>,
}

/// Lies that are kept, at most.
const MAX_LIES: usize = 64;

/// A saved state that cannot be used. Nothing has changed then; it costs one request to prove it all again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The bytes are not a saved state.
    #[error("the stored state cannot be read: {0}")]
    Form(#[from] DecodeError),
    /// Another version wrote it.
    #[error("the stored state has format {0}, this version reads {FORMAT}")]
    Format(u8),
    /// It is of another chain.
    #[error("the stored state is of chain {0}")]
    OtherChain(ChainId),
    /// Its slot tables are not tables.
    #[error("the stored checkpoint cannot be used: {0}")]
    Table(#[from] TableError),
    /// A person has said since which block to trust: what was proven before may be of another chain.
    #[error("the stored state is from before a person confirmed which block to trust")]
    BeforeConfirmed,
}

impl Client {
    /// Everything worth keeping, as bytes for the host's storage. No secrets are in it.
    pub fn save(&self) -> Vec<u8> {
        // The format and the fields of `Saved`, in their order and without a copy.
        let trusted = self.agreed.as_ref().map_or(&self.trusted, |agreed| &agreed.root);
        let banned = self.servers.iter().filter(|server| matches!(server.health(), Health::Lying { .. }));
        let lies: Vec<&Lie> = banned.filter_map(Server::lie).take(MAX_LIES).collect();
        codec::encode(&(
            FORMAT,
            self.chain(),
            trusted.checkpoint(),
            self.confirmations,
            self.signatures,
            self.proven_at,
            &self.accounts,
            &self.payments,
            &self.fork,
            lies,
        ))
    }

    /// Goes on from what was saved: accounts and payments are those that were saved, and what is under way is given up. The
    /// newer of the two trusted blocks is kept, but the saved one if a person has said there, and not here yet, which one to
    /// trust. Servers that lied are not asked, until [`Client::refresh`].
    ///
    /// # Errors
    /// [`RestoreError`] if the bytes are of another chain or format or cannot be read, or from before a block was confirmed
    /// here. Nothing has changed then.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), RestoreError> {
        let saved: Saved = match bytes.split_first() {
            Some((&FORMAT, fields)) => codec::decode(fields, MAX_SAVED_BYTES)?,
            Some((format, _)) => return Err(RestoreError::Format(*format)),
            None => return Err(DecodeError::Malformed("no bytes".to_owned()).into()),
        };
        if saved.chain != *self.chain() {
            return Err(RestoreError::OtherChain(saved.chain));
        }
        if saved.confirmations < self.confirmations {
            return Err(RestoreError::BeforeConfirmed);
        }
        let trusted = Trusted::try_from(saved.trusted)?;
        let later_word = saved.confirmations > self.confirmations;
        if later_word && self.confirmations > 0 {
            self.given = trusted.clone();
        }
        // What was proven here without that word may be of another chain.
        let told = later_word && !self.given.is_after(&trusted);
        if told || trusted.is_after(&self.trusted) {
            self.trusted = trusted.clone();
            self.signatures = saved.signatures;
            self.agreed = None;
        }
        self.confirmations = saved.confirmations;
        self.pending.clear();
        self.outbox.clear();
        (self.next_poll, self.seen) = (Time(0), Time(0));
        if told {
            self.servers.iter_mut().for_each(Server::forget_chain);
        }
        let given = &self.given;
        let renewed = given.is_after(&trusted);
        let is_before =
            |branch: &Branch| (branch.block.round, branch.block.height) < (given.round, given.height);
        let decided = saved.fork.as_ref().is_some_and(|fork| is_before(&fork.one) && is_before(&fork.other));
        self.proven_at = saved.proven_at;
        self.accounts = saved.accounts;
        self.payments = saved.payments;
        // A block that was given since, later than both branches, says which one is the chain's.
        self.fork = saved.fork.filter(|_| !decided);
        if decided {
            self.doubt_all();
        } else if renewed {
            self.forget_agreed();
        }
        for lie in saved.lies {
            if let Some(server) = self.servers.iter_mut().find(|server| server.url() == lie.server) {
                server.lied(lie);
            }
        }
        Ok(())
    }
}
