#!/usr/bin/env bash
# Figures, one `name value unit` a line on standard output; everything else goes to standard error.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/make/step.sh

{
    tests/setup/rust.sh
    tests/setup/npm.sh
    tests/setup/debian.sh chromium
    step "building the wallet" cargo run --locked --quiet --package web-bundle -- --out target/wallet
    step "building the light client's module" cargo run --locked --quiet --package web-bundle -- --product light-wasm
    step "building the node and the bench" \
        cargo build --locked --release --package full-node --package bench --bin vsys-node --bin bench --bin light-heap
} >&2
# As the service runs the node.
read -ra allocator <<<"$(sed -n 's/^Environment=\(MIMALLOC_.*\)/\1/p' full-node/deploy/vsys-node.service)"
export "${allocator[@]}"
exec "${CARGO_TARGET_DIR:-target}/release/bench" "$@"
