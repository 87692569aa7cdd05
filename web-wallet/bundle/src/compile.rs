//! Cargo: where the workspace is, and the two compiled modules.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::error::BundleError;

/// The two modules: name in the served folder, package, and its binary.
const MODULES: [(&str, &str); 2] = [("main", "web-wallet"), ("worker", "web-worker")];

/// SHA-512 as a loop instead of eighty rounds in a row: a phrase takes a few milliseconds more, the download four kilobytes less.
const SMALL_HASHES: [&str; 2] = ["--cfg", "sha2_backend_soft=\"compact\""];

/// A module as cargo leaves it.
pub(crate) struct Compiled {
    /// Its name in the served folder.
    pub(crate) name: &'static str,
    /// The WASM file.
    pub(crate) path: PathBuf,
}

/// The folder of the workspace that holds the current folder.
pub(crate) fn workspace_root() -> Result<PathBuf, BundleError> {
    let manifest = cargo_output(Command::new(cargo()).args([
        "locate-project",
        "--workspace",
        "--message-format",
        "plain",
    ]))?;
    let manifest = PathBuf::from(manifest.trim_end());
    Ok(manifest.parent().map_or_else(PathBuf::new, Path::to_owned))
}

/// Compiles both modules with a cargo profile.
pub(crate) fn modules(root: &Path, profile: &str) -> Result<Vec<Compiled>, BundleError> {
    let mut command = Command::new(cargo());
    command.current_dir(root).args(["build", "--target", "wasm32-unknown-unknown"]);
    command.args(["--profile", profile, "--message-format", "json-render-diagnostics"]);
    for (_, package) in MODULES {
        command.args(["--package", package, "--bin", package]);
    }
    // Panic messages name source files: without this they, and so the build's hash, would tell where it was built.
    let mut flags = path_remaps(root);
    flags.extend(SMALL_HASHES.map(str::to_owned));
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    let messages = cargo_output(&mut command)?;

    let mut built = Vec::new();
    for line in messages.lines() {
        if let Message::CompilerArtifact { target, executable: Some(path) } = serde_json::from_str(line)? {
            built.push((target.name, path));
        }
    }
    MODULES
        .into_iter()
        .map(|(name, package)| match built.iter().find(|(target, _)| target == package) {
            Some((_, path)) => Ok(Compiled { name, path: path.clone() }),
            None => Err(BundleError::NotBuilt { name: package }),
        })
        .collect()
}

/// What cargo says while it builds, as far as it matters here.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: Target,
        executable: Option<PathBuf>,
    },
    #[serde(other)]
    Else,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn path_remaps(root: &Path) -> Vec<String> {
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    [Some((root.to_owned(), "")), cargo_home.map(|home| (home.join("registry/src"), "crates"))]
        .into_iter()
        .flatten()
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .collect()
}

/// The cargo that runs this program, so that both use one toolchain.
fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

fn cargo_output(command: &mut Command) -> Result<String, BundleError> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|cause| BundleError::Program { program: "cargo", cause })?;
    if !output.status.success() {
        return Err(BundleError::Failed { program: "cargo" });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
