#!/usr/bin/env bash
# Builds the node and the host libraries, generates their Kotlin side and tests it on a plain JVM.
# VSYS_NODE names a node that is built already. Arguments go to Maven.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${VSYS_NODE:-}" ]; then
    cargo build --locked --quiet --package full-node --bin vsys-node
    VSYS_NODE=$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/vsys-node
fi
native=$(mobile-bindings/generate.sh kotlin mobile-bindings/kotlin/target/generated/kotlin --features mobile-hot/conformance)
cd mobile-bindings/kotlin
mvn -q -B -Dnative.dir="$native" -Dnode.program="$VSYS_NODE" "$@" test
