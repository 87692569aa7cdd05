//! Where data is kept when nobody says where.

use std::{
    env,
    path::{Path, PathBuf},
};

/// No folder of the user's to keep data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this user has no home folder to keep the chain in")]
pub struct DataFolderError;

/// The folder of a chain of this machine alone: `vsys-node/dev` and `vsys-node/testnet` where this system keeps a user's data.
///
/// # Errors
/// [`DataFolderError`] if the user has no home folder.
pub fn default_data_folder(name: &str) -> Result<PathBuf, DataFolderError> {
    let variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        env::home_dir().map(|home| home.join("Library/Application Support"))
    } else {
        // The XDG base directory specification.
        variable("XDG_DATA_HOME").or_else(|| env::home_dir().map(|home| home.join(".local/share")))
    };
    let usable = |path: &PathBuf| path.is_absolute() && path.as_path() != Path::new("/");
    base.filter(usable).map(|base| base.join("vsys-node").join(name)).ok_or(DataFolderError)
}
