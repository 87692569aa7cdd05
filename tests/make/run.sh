#!/usr/bin/env bash
# A development chain with the wallet served from it. Arguments go to `vsys-node dev`.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/make/step.sh

echo "Builds wallet and node, then starts a development chain of one node. The first time this takes some minutes, later seconds." >&2
tests/setup/rust.sh
tests/setup/npm.sh
step "building the wallet" cargo run --locked --quiet --package web-bundle -- --out target/wallet
step "building the node" cargo build --locked --package full-node --bin vsys-node
exec "${CARGO_TARGET_DIR:-target}/debug/vsys-node" dev --data target/dev-chain --wallet target/wallet "$@"
