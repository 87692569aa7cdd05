//! The settings of a node, as people write them: `config.toml` in its data folder.
//!
//! The file that `vsys-node init` writes is `settings.toml` beside this source: every setting with its default and what it
//! is for. A test reads it back as [`Settings::default`], so that neither can say what the other does not.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};
use toml::{Spanned, Table, Value, de::DeTable};

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

const TEMPLATE: &str = include_str!("settings.toml");

/// What the operator of a node decides. See `settings.toml` for what each of them is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The chain spec.
    pub chain: PathBuf,
    /// The files of the minting keys.
    pub minting_keys: Vec<PathBuf>,
    /// What is served to clients.
    pub api: ApiSettings,
    /// Other nodes.
    pub network: NetworkSettings,
    /// What may be used of the memory.
    pub memory: MemorySettings,
    /// What is kept on the disk.
    pub disk: DiskSettings,
    /// What may be used of the processor.
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

/// `[disk]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiskSettings {
    /// Versions of the state below the head.
    pub keep_states: u64,
    /// Blocks below the head whose transactions are kept; 0 for all.
    pub keep_blocks: u64,
    /// Free MiB with less than which the node stands still; 0 for never.
    pub minimum_free_mib: u64,
}

/// `[cpu]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CpuSettings {
    /// Threads that compute, and as many that serve; 0 for one for each core.
    pub threads: usize,
}

/// A settings file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It cannot be read or written.
    #[error("the settings {path} cannot be {action}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// Why not.
        cause: io::Error,
    },
    /// What is in it cannot be used.
    #[error("the settings {path} cannot be used, line {line}: {fault}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What is wrong.
        fault: SettingsFault,
    },
}

/// What is wrong with a settings file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    /// It is longer than any settings.
    #[error("it has more than {MAX_SETTINGS_BYTES} bytes")]
    TooLong,
    /// It is not TOML, or a value is of the wrong kind.
    #[error("{0}")]
    Syntax(String),
    /// There is no such setting.
    #[error("there is no setting {key}; did you mean {nearest}?")]
    Unknown {
        /// What is written.
        key: String,
        /// The setting that is spelled most like it.
        nearest: String,
    },
    /// A number out of its range.
    #[error("{key} must be {least} to {most}{or_zero}, it is {found}", or_zero = if *zero { ", or 0" } else { "" })]
    Range {
        /// The setting.
        key: &'static str,
        /// The least that it can be.
        least: u64,
        /// The most that it can be.
        most: u64,
        /// Whether it can be 0 as well.
        zero: bool,
        /// What it is.
        found: u64,
    },
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chain: "chain.toml".into(),
            minting_keys: vec!["minting.key".into()],
            api: ApiSettings::default(),
            network: NetworkSettings::default(),
            memory: MemorySettings::default(),
            disk: DiskSettings::default(),
            cpu: CpuSettings::default(),
        }
    }
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

impl Default for DiskSettings {
    fn default() -> Self {
        let Retention { heights, bodies, .. } = Retention::default();
        Self { keep_states: heights, keep_blocks: bodies.unwrap_or(0), minimum_free_mib: 512 }
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
        let mut settings = Self::parse(&text).map_err(fault)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        settings.chain = folder.join(&settings.chain);
        for key in &mut settings.minting_keys {
            *key = folder.join(&*key);
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
        let text = self.print().map_err(|error| failed(io::Error::other(error)))?;
        super::key_file::write_new(path, text.as_bytes()).map_err(failed)
    }

    /// How much of the past the node keeps, and what it keeps in memory.
    pub fn retention(&self) -> Retention {
        Retention {
            heights: self.disk.keep_states,
            bodies: Some(self.disk.keep_blocks).filter(|blocks| *blocks > 0),
            node_cache_bytes: bytes(self.memory.state_cache_mib),
            page_cache_bytes: bytes(self.memory.page_cache_mib),
        }
    }

    /// What may wait for a block.
    pub fn pool_limits(&self) -> transaction::Limits {
        transaction::Limits { bytes: bytes(self.memory.pool_mib), ..transaction::Limits::default() }
    }

    /// What peers may do.
    pub fn peer_limits(&self) -> peers::Limits {
        let NetworkSettings { inbound, outbound, per_address, .. } = self.network;
        peers::Limits { inbound, outbound, per_address, ..peers::Limits::default() }
    }

    /// Free bytes with less than which the node stands still.
    pub const fn minimum_free_bytes(&self) -> u64 {
        self.disk.minimum_free_mib << 20
    }

    fn parse(text: &str) -> Result<Self, (usize, SettingsFault)> {
        let line = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let syntax = |error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            (line(at), SettingsFault::Syntax(error.message().to_owned()))
        };
        let written = DeTable::parse(text).map_err(syntax)?;
        let known = Table::try_from(Self::default())
            .map_err(|error| (1, SettingsFault::Syntax(error.to_string())))?;
        if let Some((at, fault)) = unknown(written.get_ref(), &known, "") {
            return Err((line(at), fault));
        }
        let settings: Self = toml::from_str(text).map_err(syntax)?;
        settings.check().map_err(|fault| {
            let SettingsFault::Range { key, .. } = &fault else { return (1, fault) };
            let name = key.rsplit('.').next().unwrap_or(key);
            let at = text.lines().position(|line| line.trim_start().starts_with(name));
            (at.map_or(1, |at| at + 1), fault)
        })?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsFault> {
        let range = |key, found: u64, least: u64, most: u64, zero: bool| {
            let fits = (least..=most).contains(&found) || zero && found == 0;
            if fits { Ok(()) } else { Err(SettingsFault::Range { key, least, most, zero, found }) }
        };
        let connections = |key, found: usize| range(key, found as u64, 1, MAX_CONNECTIONS as u64, false);
        let states = Retention::MINIMUM_HEIGHTS;
        connections("network.inbound", self.network.inbound)?;
        connections("network.outbound", self.network.outbound)?;
        connections("network.per_address", self.network.per_address)?;
        range("memory.page_cache_mib", self.memory.page_cache_mib, 1, MAX_MIB, false)?;
        range("memory.state_cache_mib", self.memory.state_cache_mib, 1, MAX_MIB, false)?;
        range("memory.pool_mib", self.memory.pool_mib, 1, MAX_MIB, false)?;
        range("disk.keep_states", self.disk.keep_states, states, u64::MAX / 2, false)?;
        range("disk.keep_blocks", self.disk.keep_blocks, states, u64::MAX / 2, true)?;
        range("disk.minimum_free_mib", self.disk.minimum_free_mib, 1, MAX_MIB, true)?;
        range("cpu.threads", self.cpu.threads as u64, 1, MAX_THREADS as u64, true)
    }

    /// The template with these values.
    fn print(&self) -> Result<String, toml::ser::Error> {
        let values = Table::try_from(self)?;
        let (mut section, mut text) = (&values, String::new());
        for line in TEMPLATE.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = values.get(name).and_then(Value::as_table).unwrap_or(&values);
            }
            match line.split_once(" = ").and_then(|(key, _)| Some((key, section.get(key)?))) {
                Some((key, value)) => text += &format!("{key} = {value}\n"),
                None => text += &format!("{line}\n"),
            }
        }
        Ok(text)
    }
}

/// The first key that is not a setting, where it is, and what may have been meant.
fn unknown(written: &DeTable<'_>, known: &Table, within: &str) -> Option<(usize, SettingsFault)> {
    let name = |key: &str| if within.is_empty() { key.to_owned() } else { format!("{within}.{key}") };
    let mut keys: Vec<_> = written.iter().collect();
    keys.sort_by_key(|(key, _)| Spanned::span(key).start);
    keys.into_iter().find_map(|(key, value)| {
        let at = key.span().start;
        let key = key.get_ref().as_ref();
        match (known.get(key), value.get_ref().as_table()) {
            (Some(Value::Table(known)), Some(written)) => unknown(written, known, &name(key)),
            (Some(_), _) => None,
            (None, _) => {
                let near = |candidate: &&String| strsim::damerau_levenshtein(candidate, key);
                let nearest = known.keys().min_by_key(near).cloned().unwrap_or_default();
                Some((at, SettingsFault::Unknown { key: name(key), nearest: name(&nearest) }))
            }
        }
    })
}

const fn mib(bytes: usize) -> u64 {
    (bytes >> 20) as u64
}

fn bytes(mib: u64) -> usize {
    usize::try_from(mib << 20).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (usize, String) {
        let (line, fault) = Settings::parse(text).unwrap_err();
        (line, fault.to_string())
    }

    #[test]
    fn what_is_written_shows_every_setting_with_its_default() {
        assert_eq!(Settings::default().print().unwrap(), TEMPLATE, "the values shown are the defaults");
        assert_eq!(Settings::parse(TEMPLATE), Ok(Settings::default()));
        assert_eq!(Settings::parse(""), Ok(Settings::default()), "what is left out has its default");
        // Each setting has a line of its own, with words before it.
        for (name, value) in Table::try_from(Settings::default()).unwrap() {
            let (start, keys) = match value {
                Value::Table(section) => (format!("[{name}]\n"), section.keys().cloned().collect()),
                _ => (String::new(), vec![name]),
            };
            let (_, section) = TEMPLATE.split_once(&start).unwrap();
            for key in keys {
                let at = section.lines().position(|line| line.starts_with(&format!("{key} = "))).unwrap();
                let before = section.lines().take(at).collect::<Vec<_>>();
                assert!(before.iter().any(|line| line.starts_with("# ")), "{key} is not explained");
            }
        }
    }

    #[test]
    fn changed_settings_are_written_and_read_back() {
        let mut settings = Settings::default();
        settings.minting_keys.clear();
        settings.network.peers = vec!["/ip4/192.0.2.1/tcp/9921".parse().unwrap()];
        settings.api.listen = "127.0.0.1:8080".parse().unwrap();
        settings.disk.keep_blocks = 5_000;
        let text = settings.print().unwrap();
        assert_eq!(Settings::parse(&text), Ok(settings));
        assert_eq!(text.lines().count(), TEMPLATE.lines().count(), "the explanations are still there");
    }

    #[test]
    fn an_unknown_setting_is_refused_with_its_line_and_the_nearest_one() {
        let unknown = |text| fault(text);
        let (line, words) = unknown("chain = \"x\"\nminting_key = []\n");
        assert_eq!(
            (line, words.as_str()),
            (2, "there is no setting minting_key; did you mean minting_keys?")
        );
        let (line, words) = unknown("[disk]\nkeep_states = 900\n\nkeep_block = 7\n");
        assert_eq!(line, 4);
        assert_eq!(words, "there is no setting disk.keep_block; did you mean disk.keep_blocks?");
        let (line, words) = unknown("[memroy]\npool_mib = 1\n");
        assert_eq!((line, words.as_str()), (1, "there is no setting memroy; did you mean memory?"));
    }

    #[test]
    fn values_that_cannot_be_are_refused_with_their_line() {
        let (line, words) = fault("[disk]\nkeep_states = 899\n");
        assert!(line == 2 && words.contains("disk.keep_states must be 900 to"), "{words}");
        assert!(fault("[disk]\nkeep_blocks = 1\n").1.contains("or 0"), "0 keeps all");
        assert!(Settings::parse("[disk]\nkeep_blocks = 0\n").is_ok());
        assert!(fault("[network]\ninbound = 0\n").1.contains("network.inbound"));
        assert_eq!(fault("[api]\nlisten = \"nowhere\"\n").0, 2);
        assert_eq!(fault("[cpu]\n\nthreads = \"all\"\n").0, 3);
        assert_eq!(fault("[cpu\n").0, 1);
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SETTINGS_FILE);
        let settings =
            Settings { minting_keys: vec!["/keys/one.key".into(), "two.key".into()], ..Settings::default() };
        settings.write_new(&path).unwrap();
        let read = Settings::read(&path).unwrap();
        assert_eq!(read.chain, folder.path().join("chain.toml"));
        assert_eq!(read.minting_keys, [PathBuf::from("/keys/one.key"), folder.path().join("two.key")]);
        assert_eq!(read.api.wallet, PathBuf::new());
        assert!(matches!(settings.write_new(&path), Err(SettingsError::Io { action: "written", .. })));
    }
}
