//! The settings of a node, as people write them: `config.toml` in its data folder.
//!
//! A process runs one chain or several. Each has the same settings ([`ChainSettings`]): those of the first stand outside of
//! all tables, those of each further one in a `[[chains]]` table. The rest is the process's: one API, one network, one budget
//! of memory that the chains divide by their shares, one set of threads.
//!
//! The file that `vsys-node init` writes is `settings.toml` beside this source: every setting with its default and what it
//! is for. A test reads it back as [`Settings::default`], so that neither can say what the other does not.

mod chain;
mod error;
mod text;

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};

pub use chain::{ChainSettings, DiskSettings};
pub use error::{SettingName, SettingsError, SettingsFault};

use crate::{network::peers, storage::Retention, transaction};

/// Its name in the data folder.
pub const SETTINGS_FILE: &str = "config.toml";

/// Bytes of a settings file, at most.
const MAX_SETTINGS_BYTES: u64 = 1 << 20;
/// MiB of memory or of free disk that can be asked for, at most: a tebibyte.
const MAX_MIB: u64 = 1 << 20;
/// Connections that can be allowed, at most.
const MAX_CONNECTIONS: usize = 4_096;
/// Threads that can be asked for, at most.
const MAX_THREADS: usize = 1_024;
/// Parts of the memory that one chain can ask for, at most.
const MAX_SHARE: u64 = 100;

/// What the operator of a node decides. See `settings.toml` for what each of them is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The first chain, whose settings stand outside of all tables.
    pub first: ChainSettings,
    /// Further chains, one for each `[[chains]]` table.
    pub more: Vec<ChainSettings>,
    /// What is served to clients.
    pub api: ApiSettings,
    /// Other nodes.
    pub network: NetworkSettings,
    /// What may be used of the memory, by all chains together.
    pub memory: MemorySettings,
    /// What may be used of the processor, by all chains together.
    pub cpu: CpuSettings,
}

/// `[api]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The folder of a built wallet; empty for none.
    pub wallet: PathBuf,
}

/// `[network]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkSettings {
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// Nodes to stay connected with.
    pub peers: Vec<Multiaddr>,
    /// Peers that dialled this node, at most.
    pub inbound: usize,
    /// Peers that this node dialled, at most.
    pub outbound: usize,
    /// Peers with the same network address, at most.
    pub per_address: usize,
}

/// `[memory]`, in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemorySettings {
    /// Pages of the disk.
    pub page_cache_mib: u64,
    /// Nodes of the state.
    pub state_cache_mib: u64,
    /// Transactions that wait, encoded.
    pub pool_mib: u64,
}

/// `[cpu]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CpuSettings {
    /// Threads that compute, and as many that serve; 0 for one for each core.
    pub threads: usize,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 9922).into(), wallet: PathBuf::new() }
    }
}

impl Default for NetworkSettings {
    fn default() -> Self {
        let peers::Limits { inbound, outbound, per_address, .. } = peers::Limits::default();
        let listen = vec![(Ipv4Addr::UNSPECIFIED, 9921).into()];
        Self { listen, peers: Vec::new(), inbound, outbound, per_address }
    }
}

impl Default for MemorySettings {
    fn default() -> Self {
        let retention = Retention::default();
        Self {
            page_cache_mib: mib(retention.page_cache_bytes),
            state_cache_mib: mib(retention.node_cache_bytes),
            pool_mib: mib(transaction::Limits::default().bytes),
        }
    }
}

impl Settings {
    /// Reads and checks a settings file; relative paths in it become paths from its folder.
    ///
    /// # Errors
    /// [`SettingsError`] with the line and what is wrong there.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let failed = |cause| SettingsError::Io { path: path.to_owned(), action: "read", cause };
        let fault = |(line, fault)| SettingsError::Line { path: path.to_owned(), line, fault };
        if fs::metadata(path).map_err(failed)?.len() > MAX_SETTINGS_BYTES {
            return Err(fault((1, SettingsFault::TooLong)));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let mut settings = text::parse(&text).map_err(fault)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for chain in std::iter::once(&mut settings.first).chain(&mut settings.more) {
            chain.begin_at(folder);
        }
        if settings.api.wallet != Path::new("") {
            settings.api.wallet = folder.join(&settings.api.wallet);
        }
        Ok(settings)
    }

    /// Writes a new settings file, with every setting and what it is for.
    ///
    /// # Errors
    /// [`SettingsError::Io`] if the file exists or cannot be written.
    pub fn write_new(&self, path: &Path) -> Result<(), SettingsError> {
        let failed = |cause| SettingsError::Io { path: path.to_owned(), action: "written", cause };
        let text = text::print(self).map_err(|error| failed(io::Error::other(error)))?;
        super::key_file::write_new(path, text.as_bytes()).map_err(failed)
    }

    /// Writes the table of a further chain at the end of a settings file, and checks what it is then.
    ///
    /// # Errors
    /// [`SettingsError`]; the file is as it was then.
    pub fn append(path: &Path, chain: &ChainSettings) -> Result<(), SettingsError> {
        Self::read(path)?;
        let failed = |cause| SettingsError::Io { path: path.to_owned(), action: "written", cause };
        let table = text::print_chain(chain).map_err(|error| failed(io::Error::other(error)))?;
        let text = fs::read_to_string(path).map_err(failed)? + &table;
        text::parse(&text).map_err(|(line, fault)| SettingsError::Line {
            path: path.to_owned(),
            line,
            fault,
        })?;
        // Beside its place and then there, so that what is there is whole.
        let beside = path.with_extension("toml.new");
        fs::write(&beside, text).and_then(|()| fs::rename(&beside, path)).map_err(failed)
    }

    /// Every chain, the first one first.
    pub fn chains(&self) -> impl Iterator<Item = &ChainSettings> {
        self.numbered().map(|(_, chain)| chain)
    }

    /// Every chain with the number of its table, from 1, if it has one.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (Option<usize>, &ChainSettings)> {
        std::iter::once((None, &self.first))
            .chain(self.more.iter().enumerate().map(|(place, chain)| (Some(place + 1), chain)))
    }

    /// How much of the past a chain keeps, and what it keeps in memory: its share of what the process may.
    pub fn retention(&self, chain: &ChainSettings) -> Retention {
        Retention {
            heights: chain.disk.keep_states,
            bodies: Some(chain.disk.keep_blocks).filter(|blocks| *blocks > 0),
            node_cache_bytes: self.share_of(chain, self.memory.state_cache_mib),
            page_cache_bytes: self.share_of(chain, self.memory.page_cache_mib),
        }
    }

    /// What of a chain may wait for a block: its share of what may in all.
    pub fn pool_limits(&self, chain: &ChainSettings) -> transaction::Limits {
        let bytes = self.share_of(chain, self.memory.pool_mib);
        transaction::Limits { bytes, ..transaction::Limits::default() }
    }

    /// The shares of all chains.
    fn shares(&self) -> u64 {
        self.chains().map(|chain| chain.share).sum()
    }

    /// What a chain gets of so many MiB, in bytes. All of them together never get more.
    fn share_of(&self, chain: &ChainSettings, mib: u64) -> usize {
        usize::try_from((mib << 20) / self.shares().max(1) * chain.share).unwrap_or(usize::MAX)
    }

    /// What peers may do.
    pub fn peer_limits(&self) -> peers::Limits {
        let NetworkSettings { inbound, outbound, per_address, .. } = self.network;
        peers::Limits { inbound, outbound, per_address, ..peers::Limits::default() }
    }
}

const fn mib(bytes: usize) -> u64 {
    (bytes >> 20) as u64
}

#[cfg(test)]
mod tests;
