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
    PROGRAM.get_or_init(|| {
        env::var_os("VSYS_NODE").map_or_else(|| build("full-node", "vsys-node"), PathBuf::from)
    })
}

/// The program `vsys-light`, likewise: `VSYS_LIGHT`.
///
/// # Panics
/// If it cannot be built.
pub fn light_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        env::var_os("VSYS_LIGHT").map_or_else(|| build("light-native", "vsys-light"), PathBuf::from)
    })
}

/// `cargo test` builds libraries of other packages, but not their programs.
fn build(package: &str, program: &str) -> PathBuf {
    // …/target/PROFILE/deps/integration-HASH
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--locked", "--quiet", "--package", package, "--bin", program]);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(root()).status().unwrap();
    assert!(status.success(), "{program} does not build");
    profile.join(program)
}
