//! A phone that never goes online needs no code that could: the dependency tree of `mobile-cold` proves it. The
//! hot phone uses the platform's own network, so `mobile-hot` has none either.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken script must stop the test")]

use std::{env, process::Command};

/// Crates that open sockets, speak TLS or HTTP, or run event loops for them.
const NETWORK: &[&str] = &[
    "async-std",
    "axum",
    "curl",
    "h2",
    "hickory-resolver",
    "hyper",
    "hyper-util",
    "isahc",
    "libp2p",
    "mio",
    "native-tls",
    "openssl",
    "openssl-sys",
    "quinn",
    "reqwest",
    "ring",
    "rustls",
    "smol",
    "socket2",
    "surf",
    "tokio",
    "tungstenite",
    "ureq",
    "web-sys",
    "webpki",
];

/// Crates that build C: a phone's static library must not need a C compiler for the phone.
const C_BUILDS: &[&str] = &["cc", "cmake", "bindgen", "pkg-config", "vcpkg"];

/// All crates under a package, for a target, with their features.
fn tree(package: &str, target: &str) -> Vec<String> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p}|{f}", "--manifest-path", manifest])
        .args(["--package", package, "--edges", "normal,build", "--target", target])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn names(lines: &[String]) -> Vec<&str> {
    lines.iter().map(|line| line.split([' ', '|']).next().unwrap()).collect()
}

#[test]
fn no_network_crate_is_in_the_tree() {
    for package in ["mobile-cold", "mobile-hot"] {
        let lines = tree(package, "all");
        let names = names(&lines);
        assert!(names.contains(&package) && names.contains(&"light-client"), "not the tree: {names:?}");
        let found: Vec<_> = names.iter().filter(|name| NETWORK.contains(name)).collect();
        assert!(found.is_empty(), "network crates of {package}: {found:?}");
    }
}

#[test]
fn phones_need_no_c_compiler() {
    for package in ["mobile-cold", "mobile-hot"] {
        for target in ["aarch64-apple-ios", "aarch64-linux-android"] {
            let lines = tree(package, target);
            // The hash's build script has one at hand; with this feature it does not run it.
            let hash = lines.iter().find(|line| line.starts_with("blake3 ")).unwrap();
            assert!(hash.rsplit('|').next().unwrap().split(',').any(|feature| feature == "pure"), "{hash}");
            let builders: Vec<_> = names(&lines).into_iter().filter(|name| C_BUILDS.contains(name)).collect();
            assert!(builders.len() <= 1, "{package} builds C for {target}: {builders:?}");
        }
    }
}
