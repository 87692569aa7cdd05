//! What people give the node: arguments and files, checked and turned into what they mean.
//!
//! **Trust and bounds.** The person at the command line is believed in what they want, not in getting it right:
//! files are bounded, parsed into types, and refused with the line and the reason. Secrets in key files are wiped
//! and never printed.

mod chains;
mod data_folder;
mod development;
mod failure;
mod key_file;
mod moment;
mod settings;
mod spec_file;
mod template;

pub use chains::{ChainFault, ChainFiles, ChainsError, read_chains};
pub use data_folder::{DataFolderError, default_data_folder};
pub use development::{
    DEVELOPMENT_PHRASE, FAUCET_PAYMENT, TESTNET_SPARE, TESTNET_WINDOW, development_seed, development_spec,
    faucet_key, funded_accounts, minting_keys, testnet_spec,
};
pub use failure::Failure;
pub use key_file::{KeyFileError, create_key, is_retired, move_key, read_key, retire_key};
pub use moment::print_moment;
pub use settings::{
    ApiSettings, ChainSettings, CpuSettings, DiskSettings, MemorySettings, NetworkSettings, SETTINGS_FILE,
    SettingName, Settings, SettingsError, SettingsFault,
};
pub use spec_file::{
    ChainFile, MAX_BOOTSTRAP, MAX_SPEC_BYTES, SpecFault, SpecFileError, read_chain, read_spec, write_spec,
};
pub use template::Template;
