#!/usr/bin/env bash
# Every test: Rust, browser, Kotlin, Python.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/make/step.sh

tests/setup/rust.sh
tests/setup/npm.sh
tests/setup/debian.sh chromium libfaketime

# Nothing here is built twice, and incremental builds with an optimised node do not always link.
export CARGO_INCREMENTAL=0
# Simulated networks play thousands of rounds: they cost more than the passes that make the node twice as fast.
quick=(--config 'profile.dev.package.full-node.opt-level=1')
# Programs and tests in one build, so that all of them have the same features of what they share.
step "building the Rust tests" cargo build --locked "${quick[@]}" --workspace --bins --tests
programs=$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug
export VSYS_NODE=$programs/vsys-node VSYS_LIGHT=$programs/vsys-light
step "Rust tests" cargo test --locked "${quick[@]}" --workspace
tests/make/fuzz.sh
step "building the wallet" cargo run --locked --quiet --package web-bundle -- --out target/wallet
for product in light-wasm light-conformance store-conformance; do
    step "building $product" cargo run --locked --quiet --package web-bundle -- --product "$product"
done
step "browser tests" npm --prefix tests/browser test
for suite in mobile-bindings/*/test.sh; do
    step "$(basename "$(dirname "$suite")") tests" "$suite"
done
