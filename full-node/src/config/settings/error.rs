use std::{fmt, io, path::PathBuf};

use super::MAX_SETTINGS_BYTES;

/// Which setting: what it is called, in the settings of which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingName {
    /// Which `[[chains]]` table it is in, from 1; `None` for those outside of them.
    pub table: Option<usize>,
    /// Its name there.
    pub key: &'static str,
}

impl fmt::Display for SettingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.table {
            Some(number) => write!(f, "{} of [[chains]] number {number}", self.key),
            None => f.write_str(self.key),
        }
    }
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
    #[error("{name} must be {least} to {most}{or_zero}, it is {found}", or_zero = if *zero { ", or 0" } else { "" })]
    Range {
        /// The setting.
        name: SettingName,
        /// The least that it can be.
        least: u64,
        /// The most that it can be.
        most: u64,
        /// Whether it can be 0 as well.
        zero: bool,
        /// What it is.
        found: u64,
    },
    /// More chains than a process serves.
    #[error("there are {found} chains, at most {MAX_CHAINS} run in one process", MAX_CHAINS = crate::network::protocol::MAX_CHAINS)]
    TooManyChains {
        /// How many there are, the one outside of the tables included.
        found: usize,
    },
}
