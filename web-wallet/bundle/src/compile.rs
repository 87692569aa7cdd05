//! Cargo: where the workspace is, and the compiled modules of a product.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;
use serde::Deserialize;

use crate::error::BundleError;

/// What can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Product {
    /// The browser wallet: page, worker and the files of www/.
    Wallet,
    /// The light client alone, for any page.
    LightWasm,
    /// The same with the checks that every target must pass.
    LightConformance,
    /// A worker that checks the browser's database as the wallet uses it.
    StoreConformance,
}

impl Product {
    /// Its name, which is also that of its folder.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::LightWasm => "light-wasm",
            Self::LightConformance => "light-conformance",
            Self::StoreConformance => "store-conformance",
        }
    }

    /// Its modules: name in the folder, cargo's target, whether it runs by itself.
    const fn modules(self) -> &'static [(&'static str, &'static str, bool)] {
        match self {
            Self::Wallet => &[("main", "web-wallet", true), ("worker", "web-worker", true)],
            Self::LightWasm | Self::LightConformance => &[("light_wasm", "light_wasm", false)],
            Self::StoreConformance => &[("worker", "store-conformance", true)],
        }
    }

    /// What cargo builds it with. A library is asked for as a C library alone: with Rust's kind beside it cargo would not
    /// optimise over crates.
    const fn command(self) -> &'static [&'static str] {
        match self {
            Self::Wallet => &[
                "build",
                "--package=web-wallet",
                "--package=web-worker",
                "--bin=web-wallet",
                "--bin=web-worker",
            ],
            Self::LightWasm => &["rustc", "--package=light-wasm", "--lib", "--crate-type=cdylib"],
            Self::LightConformance => {
                &["rustc", "--package=light-wasm", "--lib", "--crate-type=cdylib", "--features=conformance"]
            }
            Self::StoreConformance => {
                &["build", "--package=web-worker", "--bin=store-conformance", "--features=conformance"]
            }
        }
    }
}

/// SHA-512 as a loop instead of eighty rounds in a row: a phrase takes a few milliseconds more, the download four kilobytes less.
const SMALL_HASHES: [&str; 2] = ["--cfg", "sha2_backend_soft=\"compact\""];

/// A module as cargo leaves it.
pub(crate) struct Compiled {
    /// Its name in the served folder.
    pub(crate) name: &'static str,
    /// The WASM file.
    pub(crate) path: PathBuf,
    /// Whether it is a program, which starts itself; else whoever loads it calls what it exports.
    pub(crate) is_program: bool,
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

/// Compiles the modules of a product with a cargo profile.
pub(crate) fn modules(root: &Path, product: Product, profile: &str) -> Result<Vec<Compiled>, BundleError> {
    let mut command = Command::new(cargo());
    command.current_dir(root).args(product.command()).args(["--target", "wasm32-unknown-unknown"]);
    command.args(["--profile", profile, "--message-format", "json-render-diagnostics"]);
    // Panic messages name source files: without this they, and so the build's hash, would tell where it was built.
    let mut flags = path_remaps(root);
    flags.extend(SMALL_HASHES.map(str::to_owned));
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    let messages = cargo_output(&mut command)?;

    let mut built = Vec::new();
    for line in messages.lines() {
        if let Message::CompilerArtifact { target, filenames } = serde_json::from_str(line)? {
            let is_module = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wasm");
            built.extend(filenames.into_iter().find(is_module).map(|path| (target.name, path)));
        }
    }
    let compiled = |&(name, target, is_program): &(&'static str, &'static str, bool)| {
        let (_, path) =
            built.iter().find(|(found, _)| found == target).ok_or(BundleError::NotBuilt { name: target })?;
        Ok(Compiled { name, path: path.clone(), is_program })
    };
    product.modules().iter().map(compiled).collect()
}

/// What cargo says while it builds, as far as it matters here.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: Target,
        filenames: Vec<PathBuf>,
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
