#!/usr/bin/env bash
# Builds the node and the host libraries, generates their Kotlin side and tests it on a plain JVM.
# Arguments go to Maven.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --locked --quiet --package full-node --bin vsys-node
native=$(mobile-bindings/generate.sh kotlin mobile-bindings/kotlin/target/generated/kotlin)
cd mobile-bindings/kotlin
mvn -q -B -Dnative.dir="$native" "$@" test
