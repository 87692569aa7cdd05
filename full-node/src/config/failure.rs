//! Why a command ended without success: what happened, and what to do about it.

use std::{fmt, io, net::IpAddr, path::Path};

use light_client::data_format::Time;

use super::{
    ChainFault, ChainsError, DataFolderError, KeyFileError, SettingsError, SpecFileError,
    moment::{moment_to_toml, print_duration},
};
use crate::{
    api::{ApiError, AskError, ListenError, WalletFolderError},
    check::{NoChain, Report},
    export::ExportError,
    network::{IdentityError, NetworkError},
    node::{NodeError, OpenError},
    storage::{LoadError, StorageError},
};

/// The node failed while it ran.
const FAILED: u8 = 1;
/// A file or folder cannot be used.
const UNUSABLE: u8 = 3;
/// Somebody else uses the port or the folder.
const IN_USE: u8 = 4;
/// No node answered.
const NO_ANSWER: u8 = 5;
/// What is stored is not whole.
const DAMAGED: u8 = 6;

/// What to do with a chain that is not whole.
const MOVE_AWAY: &str = "check the disk; then move chain.redb and chain.wal out of the folder: the node fetches the \
                         chain anew. Never put a backup of them in their place: it does not know what your minting \
                         keys have signed since";

/// A failed command, for people: two sentences and an exit code (listed in `vsys-node --help`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    what: String,
    advice: String,
    exit_code: u8,
}

impl Failure {
    fn new(exit_code: u8, what: impl fmt::Display, advice: impl Into<String>) -> Self {
        Self { what: what.to_string(), advice: advice.into(), exit_code }
    }

    /// The clock says that the chain has not begun.
    pub fn not_begun(genesis: Time, now: Time) -> Self {
        let what = format!(
            "the chain starts at {}, which is {} from now",
            moment_to_toml(genesis),
            print_duration(genesis.ms_since(now))
        );
        Self::new(
            UNUSABLE,
            what,
            "start the node then; if that moment is past, this machine's clock is wrong",
        )
    }

    /// The data folder has no settings, and no chain was named.
    pub fn no_settings(file: &Path) -> Self {
        let advice = "make the folder with: vsys-node init --chain FILE --data DIR; or name the chain with --chain FILE";
        Self::new(UNUSABLE, format!("there are no settings in {}", file.display()), advice)
    }

    /// A new node needs a folder of its own.
    pub fn folder_in_use(folder: &Path) -> Self {
        let advice = "choose a new folder with --data: nothing is ever overwritten";
        Self::new(UNUSABLE, format!("the folder {} is not empty", folder.display()), advice)
    }

    /// A node answers, and does not follow its chain.
    pub fn unwell(words: &str) -> Self {
        Self::new(FAILED, words, "vsys-node status shows more")
    }

    /// There is no room for sockets at an address.
    pub fn no_ports(ip: IpAddr, cause: &io::Error) -> Self {
        Self::new(
            UNUSABLE,
            format!("cannot listen at {ip}: {cause}"),
            "give an address of this machine with --listen",
        )
    }

    /// The folder holds a test network of another size.
    pub fn other_testnet(folder: &Path, found: usize, asked: u8) -> Self {
        let what = format!("{} holds a test network of {found} nodes, not {asked}", folder.display());
        Self::new(
            UNUSABLE,
            what,
            format!("start it with --nodes {found}, or choose another folder with --dir"),
        )
    }

    /// A file or folder that cannot be made.
    pub fn unwritable(path: &Path, cause: &io::Error) -> Self {
        let advice = "check the path, its permissions and the space left on the disk";
        Self::new(UNUSABLE, format!("{} cannot be written: {cause}", path.display()), advice)
    }

    /// A part of the node ended although nobody stopped it.
    pub fn ended(part: &str, cause: impl fmt::Display) -> Self {
        let advice = "start it again: it goes on where it stopped. RUST_LOG=debug shows more";
        Self::new(FAILED, format!("{part} ended: {cause}"), advice)
    }

    /// The check found something.
    pub fn damaged(report: &Report) -> Self {
        let count = report.findings.len() as u64 + report.more;
        let mut what = format!("what is stored is damaged, in {count} places:");
        for finding in &report.findings {
            what += &format!("\n  - {finding}");
        }
        if report.more > 0 {
            what += &format!("\n  - and {} more", report.more);
        }
        Self::new(DAMAGED, what, MOVE_AWAY)
    }

    /// A transaction that was not made, not taken, or in vain.
    pub fn transaction(what: impl fmt::Display, advice: impl Into<String>) -> Self {
        Self::new(FAILED, what, advice)
    }

    /// Said of one chain, setting or part of the process.
    #[must_use]
    pub fn of(self, part: impl fmt::Display) -> Self {
        Self { what: format!("{part}: {}", self.what), ..self }
    }

    /// What the process exits with.
    pub const fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

/// One line for what happened, one for what to do.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "\n  {}", self.advice) }
    }
}

impl From<SpecFileError> for Failure {
    fn from(error: SpecFileError) -> Self {
        let advice = match &error {
            SpecFileError::Io { .. } => "give the path of a chain spec with --chain",
            SpecFileError::Inexact(_) => "describe the chain by a file from the start: see `vsys-node init`",
            SpecFileError::TooLong(_) => "is this really a chain spec?",
            SpecFileError::Line { .. } | SpecFileError::Spec { .. } => {
                "mend the file; every node of a chain needs the same one"
            }
        };
        Self::new(UNUSABLE, &error, advice)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let advice = match &error {
            SettingsError::Io { .. } => "check the path and its permissions",
            SettingsError::Line { .. } => "mend that line, or delete it: then the default holds",
        };
        Self::new(UNUSABLE, &error, advice)
    }
}

impl From<ChainsError> for Failure {
    fn from(error: ChainsError) -> Self {
        let ChainsError { name, fault } = error;
        let failure = match fault {
            ChainFault::Spec(error) => error.into(),
            ChainFault::Key(error) => error.into(),
            fault @ (ChainFault::SameChain { .. }
            | ChainFault::SameFolder { .. }
            | ChainFault::SameKey { .. }) => {
                Self::new(UNUSABLE, fault, "give each chain its own spec, folder and keys")
            }
        };
        failure.of(name)
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        let advice = match &error {
            KeyFileError::Exists(_) => "choose another name: a key is never overwritten".to_owned(),
            KeyFileError::Exposed { path, .. } => {
                format!("run: chmod 600 {}; if others had it, make a new key", path.display())
            }
            KeyFileError::Malformed { .. } | KeyFileError::Mismatch(_) => {
                "restore it from a backup, or make a new one with: vsys-node keys --out FILE".to_owned()
            }
            KeyFileError::Io { .. } => "check the path and its permissions".to_owned(),
            KeyFileError::Randomness(_) => {
                "a key needs randomness: try again once the system has started".to_owned()
            }
        };
        Self::new(UNUSABLE, &error, advice)
    }
}

impl From<DataFolderError> for Failure {
    fn from(error: DataFolderError) -> Self {
        Self::new(UNUSABLE, error, "name one with --data DIR, or keep nothing with --ephemeral")
    }
}

impl From<WalletFolderError> for Failure {
    fn from(error: WalletFolderError) -> Self {
        Self::new(UNUSABLE, &error, "build the wallet first, then give its folder with --wallet DIR")
    }
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        match &error {
            ListenError::InUse(address) => {
                let advice = format!(
                    "is a node running already? (vsys-node status) Stop it, or choose another port, \
                     for example --api {}:{}",
                    address.ip(),
                    address.port().checked_add(1).unwrap_or(9922)
                );
                Self::new(IN_USE, &error, advice)
            }
            ListenError::Other { .. } => {
                Self::new(UNUSABLE, &error, "give an address of this machine and a free port with --api")
            }
        }
    }
}

impl From<NoChain> for Failure {
    fn from(error: NoChain) -> Self {
        Self::new(UNUSABLE, error, "give the folder of a node with --data")
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let (code, advice) = match &error {
            StorageError::InUse(_) => (IN_USE, ""),
            StorageError::Format { .. } => (UNUSABLE, ""),
            StorageError::Failed { .. } => {
                (UNUSABLE, "check the folder's permissions and the space left on the disk")
            }
            StorageError::Damaged { .. } => (DAMAGED, MOVE_AWAY),
        };
        Self::new(code, error, advice)
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::NoChain => NoChain.into(),
            ExportError::Storage(error) => error.into(),
            error @ (ExportError::Range { .. } | ExportError::NotKept { .. }) => {
                Self::new(UNUSABLE, error, "choose others with --from and --to")
            }
            error @ ExportError::Write(_) => {
                Self::new(UNUSABLE, error, "check the path and the space left on the disk")
            }
        }
    }
}

/// The messages of [`OpenError`] say what to do.
impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Storage(error) | OpenError::Load(LoadError::Storage(error)) => error.into(),
            error @ OpenError::Damaged(_) => Self::new(DAMAGED, error, MOVE_AWAY),
            error => Self::new(UNUSABLE, error, ""),
        }
    }
}

impl From<NetworkError> for Failure {
    fn from(error: NetworkError) -> Self {
        let (code, advice) = match &error {
            NetworkError::Listen { cause, .. } if cause.kind() == std::io::ErrorKind::AddrInUse => {
                (IN_USE, "is a node running already? Stop it, or choose another port with --p2p")
            }
            NetworkError::Listen { .. } => {
                (UNUSABLE, "give an address of this machine and a free port with --p2p")
            }
            NetworkError::Identity(IdentityError::Exposed { .. } | IdentityError::Malformed(_)) => {
                (UNUSABLE, "")
            }
            NetworkError::Identity(_) | NetworkError::Folder { .. } => {
                (UNUSABLE, "check the data folder and its permissions")
            }
            NetworkError::Start(_) | NetworkError::TooManyChains(_) | NetworkError::Chain(_) => (FAILED, ""),
        };
        Self::new(code, &error, advice)
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Storage(error @ StorageError::Damaged { .. }) => error.into(),
            error @ NodeError::Damaged(_) => Self::new(DAMAGED, error, MOVE_AWAY),
            error => Self::ended("the chain", error),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::ended("the API", error)
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        let advice = match &error {
            AskError::NoAnswer { cause: ureq::Error::Io(_) | ureq::Error::Timeout(_), .. } => {
                "is it running? Start one with: vsys-node dev"
            }
            AskError::Problem { .. } => return Self::new(FAILED, &error, ""),
            AskError::NoAnswer { .. } | AskError::Refused { .. } | AskError::Unreadable { .. } => {
                "give the address of a node's API, for example --api http://127.0.0.1:9922"
            }
        };
        Self::new(NO_ANSWER, &error, advice)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use light_client::state::TrieError;

    use super::*;
    use crate::{
        block_tree::BlockError,
        logic::StateFault,
        node::{ChainChoice, Node, NodeConfig},
        storage::Retention,
        transaction::Limits,
    };

    /// What only whoever has a damaged chain is told.
    const ON_DAMAGE: &str = "Never put a backup";

    #[test]
    fn damage_is_damage_wherever_it_is_met() {
        let damage = || StorageError::damaged("block 7", "it is not stored");
        let failures: [Failure; 8] = [
            damage().into(),
            OpenError::Storage(damage()).into(),
            OpenError::Load(LoadError::Storage(damage())).into(),
            OpenError::Damaged("the head is missing".to_owned()).into(),
            NodeError::Storage(damage()).into(),
            NodeError::from(StateFault::from(TrieError::Store(damage()))).into(),
            NodeError::Damaged("the range of headers".to_owned()).into(),
            ExportError::Storage(damage()).into(),
        ];
        for failure in failures {
            let words = failure.to_string();
            assert_eq!(failure.exit_code(), 6, "{words}");
            assert!(words.contains("damaged") && words.contains(ON_DAMAGE), "{words}");
        }
    }

    #[test]
    fn what_is_whole_is_not_called_damaged() {
        let failed = || StorageError::failed("cannot write to the database", "No space left on device");
        let cases: [(Failure, u8); 9] = [
            (OpenError::Storage(failed()).into(), 3),
            (OpenError::Load(LoadError::Storage(failed())).into(), 3),
            (OpenError::Storage(StorageError::Format { found: 1, known: 2 }).into(), 3),
            (OpenError::Storage(StorageError::InUse("node".into())).into(), 4),
            (OpenError::NoPayee.into(), 3),
            (NodeError::Storage(failed()).into(), 1),
            (NodeError::from(BlockError::Halted("the disk is full".to_owned())).into(), 1),
            (NodeError::from(StateFault::from(TrieError::Store(failed()))).into(), 1),
            (NodeError::Paused("the disk is full".to_owned()).into(), 1),
        ];
        for (failure, code) in cases {
            let words = failure.to_string();
            assert_eq!(failure.exit_code(), code, "{words}");
            assert!(!words.contains(ON_DAMAGE), "{words}");
        }
    }

    /// Half of a chain is not taken for a new one: what the minting keys signed would be forgotten in silence.
    #[test]
    fn a_node_whose_folder_lost_half_of_the_chain_says_that_it_is_damaged() {
        for lost in ["chain.redb", "chain.wal"] {
            let folder = tempfile::tempdir().unwrap();
            let config = || NodeConfig {
                data: Some(folder.path().to_owned()),
                chain: ChainChoice::Development,
                recoveries: Vec::new(),
                minting_keys: Vec::new(),
                payee: None,
                retention: Retention::default(),
                pool: Limits::default(),
                now: Time(1_790_000_000_000),
            };
            drop(Node::open(config()).unwrap());
            fs::rename(folder.path().join(lost), folder.path().join("lost")).unwrap();
            let failure = Failure::from(Node::open(config()).err().unwrap());
            assert_eq!(failure.exit_code(), 6, "without {lost}: {failure}");
        }
    }
}
