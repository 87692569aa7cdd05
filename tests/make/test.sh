#!/usr/bin/env bash
# Every test: Rust, browser, Kotlin, Python.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/make/step.sh

tests/setup/rust.sh
tests/setup/npm.sh
tests/setup/debian.sh chromium

# Nothing here is built twice, and incremental builds with an optimised node do not always link.
export CARGO_INCREMENTAL=0
# Simulated networks play thousands of rounds: they cost more than the passes that make the node twice as fast.
quick=(--config 'profile.dev.package.full-node.opt-level=1')
step "building the node" cargo build --locked "${quick[@]}" --package full-node --bin vsys-node
step "building the command-line client" cargo build --locked --package light-native --bin vsys-light
step "Rust tests" cargo test --locked "${quick[@]}" --workspace
tests/make/fuzz.sh
step "building the wallet" cargo run --locked --quiet --package web-bundle -- --out target/wallet
step "browser tests" npm --prefix tests/browser test
for suite in mobile-bindings/*/test.sh; do
    step "$(basename "$(dirname "$suite")") tests" "$suite"
done
