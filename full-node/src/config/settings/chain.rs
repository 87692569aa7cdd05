use std::path::{Path, PathBuf};

use light_client::data_format::Address;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::storage::Retention;

/// What the operator decides for one chain: of the first one outside of all tables, of each further one in a `[[chains]]`
/// table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChainSettings {
    /// The folder that the chain is kept in.
    pub data: PathBuf,
    /// The chain spec.
    pub chain: PathBuf,
    /// The files of the minting keys.
    pub minting_keys: Vec<PathBuf>,
    /// Who is paid for blocks of proof of work; empty in the file for nobody.
    #[serde(serialize_with = "write_payee", deserialize_with = "read_payee")]
    pub payee: Option<Address>,
    /// How many parts of the memory it gets, beside those of the other chains.
    pub share: u64,
    /// What is kept on the disk.
    pub disk: DiskSettings,
}

/// `[disk]`, and `[chains.disk]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiskSettings {
    /// Versions of the state below the head.
    pub keep_states: u64,
    /// Blocks below the head whose transactions are kept; 0 for all.
    pub keep_blocks: u64,
    /// Free MiB with less than which the chain stands still; 0 for never.
    pub minimum_free_mib: u64,
}

impl Default for ChainSettings {
    fn default() -> Self {
        Self {
            data: ".".into(),
            chain: "chain.toml".into(),
            minting_keys: vec!["minting.key".into()],
            payee: None,
            share: 1,
            disk: DiskSettings::default(),
        }
    }
}

impl Default for DiskSettings {
    fn default() -> Self {
        let Retention { heights, bodies, .. } = Retention::default();
        Self { keep_states: heights, keep_blocks: bodies.unwrap_or(0), minimum_free_mib: 512 }
    }
}

impl ChainSettings {
    /// Free bytes with less than which the chain stands still.
    pub const fn minimum_free_bytes(&self) -> u64 {
        self.disk.minimum_free_mib << 20
    }

    /// The folder becomes a path from `base`, the other files paths from that folder.
    pub(super) fn begin_at(&mut self, base: &Path) {
        // Without the "." that the first chain's folder usually is.
        self.data = base.join(&self.data).components().collect();
        self.chain = self.data.join(&self.chain);
        for key in &mut self.minting_keys {
            *key = self.data.join(&*key);
        }
    }
}

// Serde gives what it writes by reference.
#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn write_payee<S: Serializer>(payee: &Option<Address>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&payee.map_or_else(String::new, |address| address.to_string()))
}

fn read_payee<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Address>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(D::Error::custom) }
}
