//! Why there is no bundle.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why nothing was bundled.
#[derive(Debug, Error)]
pub(crate) enum BundleError {
    /// A file or folder cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A program that is needed cannot be started.
    #[error("{program} cannot be started: {cause}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What the system says.
        cause: io::Error,
    },
    /// A program ended with an error; it has said why.
    #[error("{program} failed")]
    Failed {
        /// Its name.
        program: &'static str,
    },
    /// Cargo reports something that is not understood.
    #[error("cargo's report is not understood: {0}")]
    Report(#[from] serde_json::Error),
    /// Cargo built no file of this name.
    #[error("cargo built no {name}.wasm")]
    NotBuilt {
        /// The target's name.
        name: &'static str,
    },
    /// The JavaScript side of a module cannot be made.
    #[error("wasm-bindgen refuses {path}: {reason}")]
    Bindgen {
        /// The compiled module.
        path: PathBuf,
        /// What it says.
        reason: String,
    },
    /// The tool that shrinks WASM is not installed.
    #[error(
        "wasm-opt is missing at {path}: run `npm ci --ignore-scripts` in tests/browser, or `make run`, which does it"
    )]
    NoOptimizer {
        /// Where it is expected.
        path: PathBuf,
    },
    /// Two sources give a file of the same name.
    #[error("{path} comes from www/ and from a module")]
    Twice {
        /// The path in the served folder.
        path: PathBuf,
    },
}

impl BundleError {
    /// Names the file that an error is about.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |cause| Self::File { path: path.to_owned(), cause }
    }
}
