//! Where things are.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The program `vsys-node`: `VSYS_NODE` if that is set, else built, in the profile of this test, at the first call.
///
/// # Panics
/// If it cannot be built.
pub fn node_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| env::var_os("VSYS_NODE").map_or_else(build_node, PathBuf::from))
}

/// `cargo test` builds libraries of other packages, but not their programs.
fn build_node() -> PathBuf {
    // …/target/PROFILE/deps/integration-HASH
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--locked", "--quiet", "--package", "full-node", "--bin", "vsys-node"]);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(root()).status().unwrap();
    assert!(status.success(), "vsys-node does not build");
    profile.join("vsys-node")
}
