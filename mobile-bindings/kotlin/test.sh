#!/usr/bin/env bash
# Builds the host libraries, generates their Kotlin side and tests it on a plain JVM. Arguments go to Maven.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
generated=mobile-bindings/kotlin/target/generated/kotlin
cargo build --locked --quiet --package mobile-cold
cargo build --locked --quiet --package mobile-bindgen
rm -rf "$generated"
"$target/debug/mobile-bindgen" generate --language kotlin --no-format --out-dir "$generated" "$target/debug/libmobile_cold.so"

cd mobile-bindings/kotlin
mvn -q -B -Dnative.dir="$target/debug" "$@" test
