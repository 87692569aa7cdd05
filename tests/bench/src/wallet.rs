//! What a visitor downloads, and how long it takes until the wallet shows a proven balance.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{measure::Figures, start::node_program};

/// The module that holds the light client.
const VERIFIER: &str = "worker_bg.wasm";

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let sizes = sizes(figures);
    sizes.and(open(figures))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(Path::parent).unwrap()
}

fn sizes(figures: &mut Figures) -> Result<(), String> {
    let path: PathBuf = root().join("target/wallet/build.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let build: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let bytes = |value: &Value| value.as_f64().ok_or_else(|| format!("{} has no sizes", path.display()));
    let verifier = build["files"].as_array().into_iter().flatten().find(|file| file["path"] == VERIFIER);
    figures.print("wallet.bundle.gz_bytes", bytes(&build["total_gz_bytes"])?, "B");
    figures.print("light.wasm.verifier_gz_bytes", bytes(&verifier.unwrap_or(&Value::Null)["gz_bytes"])?, "B");
    Ok(())
}

/// Chromium opens a wallet that exists already; the script prints `name value unit`.
fn open(figures: &mut Figures) -> Result<(), String> {
    let output = Command::new("node")
        .arg(root().join("tests/browser/bench.mjs"))
        .env("VSYS_NODE", node_program()?)
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("node: {error}"))?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [name, value, unit] = fields[..] else { return Err(format!("no figure: {line:?}")) };
        let value = value.parse().map_err(|error| format!("{line:?}: {error}"))?;
        figures.print(name, value, unit);
    }
    if output.status.success() { Ok(()) } else { Err(format!("bench.mjs ended with {}", output.status)) }
}
