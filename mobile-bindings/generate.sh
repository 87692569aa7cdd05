#!/usr/bin/env bash
# Builds the host libraries and writes their side in another language: generate.sh kotlin|swift|python DIR [CARGO_OPTION…]
# Prints the folder of the libraries.
set -euo pipefail
cd "$(dirname "$0")/.."

language=$1
out=$2
shift 2
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug
# Apart, so that the generator's dependencies choose no features for the libraries.
cargo build --locked --quiet --package mobile-cold --package mobile-hot "$@"
cargo build --locked --quiet --package mobile-bindgen
rm -rf "$out"
for library in mobile_cold mobile_hot; do
    "$target/mobile-bindgen" generate --language "$language" --no-format --out-dir "$out" "$target/lib$library.so" >&2
done
echo "$target"
