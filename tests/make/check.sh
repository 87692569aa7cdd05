#!/usr/bin/env bash
# What can be said about the code without running it.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/make/step.sh

tests/setup/rust.sh
tests/setup/deny.sh

step "format" cargo fmt --all --check
step "licences, sources and duplicates of dependencies" \
    target/tools/bin/cargo-deny --locked check --hide-inclusion-graph bans licenses sources
step "lints" cargo clippy --locked --workspace --all-targets -- -D warnings
step "light client for the browser" cargo check --locked --package light-client --target wasm32-unknown-unknown
step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet

# Phones take static libraries: these need no linker of the phone's system.
for crate in cold hot; do
    [ -f "mobile-bindings/$crate/Cargo.toml" ] || continue
    for target in aarch64-apple-ios aarch64-linux-android; do
        step "static library of mobile-$crate for $target" \
            cargo rustc --locked --package "mobile-$crate" --lib --crate-type staticlib --target "$target"
    done
done
